// A light or dark scheme independent of the system's (WEBMAIL-10). The stylesheets choose the scheme in media queries, whose
// conditions are replaced. So the administrator's stylesheets follow as well.

import { remember } from "./stored";

export type Scheme = "auto" | "light" | "dark";

/** Key in the browser's storage for the scheme that the apps of this browser had last, used until the settings arrive. */
const key = "moxlite-webmail-scheme";

const queries: Record<Scheme, string> = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
const dark = new Set<CSSMediaRule>();

function find(rules: CSSRuleList): void {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
    else if (rule instanceof CSSLayerBlockRule) find(rule.cssRules);
  }
}

/** The scheme that this browser had the last time. */
export function lastScheme(): Scheme {
  const scheme = localStorage.getItem(key);
  return scheme !== null && scheme in queries ? (scheme as Scheme) : "auto";
}

/** Apply the scheme to the page, and to those that are opened later. */
export function paint(scheme: Scheme): void {
  remember(key, scheme);
  if (dark.size === 0) {
    for (const sheet of document.styleSheets) find(sheet.cssRules);
  }
  for (const rule of dark) rule.media.mediaText = queries[scheme];
  document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
}

/** Whether the page is dark with this scheme. */
export function isDark(scheme: Scheme): boolean {
  return scheme === "dark" || (scheme === "auto" && matchMedia(queries.auto).matches);
}
