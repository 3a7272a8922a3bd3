// The language that the user has chosen, in the cookie that the server reads before it knows the user (WEBMAIL-143).

import type { AllSettings } from "./settings";

type Speech = AllSettings["language"];

const cookie = "moxlite-language";
/** Seconds; browsers keep a cookie for 400 days at most (RFC 6265bis §5.5). */
const kept = 400 * 86400;

/** The language that this browser asks for; "" for its own. */
export function spoken(): Speech {
  const found = new RegExp(`(?:^|; )${cookie}=(\\w+)`).exec(document.cookie);
  return (found?.[1] ?? "") as Speech;
}

/** Ask for a language from now on. Returns whether the page has to be loaded again for it. */
export function speak(language: Speech): boolean {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the cookie store has no such interface in Firefox before 140
  document.cookie = `${cookie}=${language}; Path=/; SameSite=Lax; Max-Age=${language === "" ? 0 : kept}${secure}`;
  return spoken() === language && document.documentElement.lang !== language;
}
