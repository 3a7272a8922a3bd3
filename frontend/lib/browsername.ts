// The name of a browser and its system, from what it sends with each request.

import { t } from "./words";

/** What tells a browser, the most special first: others name themselves Chrome and Safari, too. */
const browsers: Record<string, RegExp> = {
  Edge: /\bEdgA?\//,
  Opera: /\bOPR\//,
  Samsung: /\bSamsungBrowser\//,
  Firefox: /\b(Firefox|FxiOS)\//,
  Chrome: /\b(Chrome|CriOS|HeadlessChrome)\//,
  Safari: /\bVersion\/[\d.]+ .*Safari\//,
};
const systems: Record<string, RegExp> = {
  iPad: /\biPad\b/,
  iPhone: /\biPhone\b/,
  Android: /\bAndroid\b/,
  Windows: /\bWindows\b/,
  macOS: /\bMac OS X\b/,
  ChromeOS: /\bCrOS\b/,
  Linux: /\bLinux\b/,
};

/** "Firefox on Linux"; "" for an unusual program. */
export function browserName(userAgent: string): string {
  const [browser, system] = [browsers, systems].map(
    (marks) => Object.entries(marks).find(([, mark]) => mark.test(userAgent))?.[0],
  );
  return browser === undefined || system === undefined ? "" : t("{browser} on {system}", { browser, system });
}
