// Log-in by a login provider (WEB-181): the way there, and the answer that it has put into the page's address.

/** What the page went away for. */
type Purpose = "login" | "connect";

/** The answer, as calls take it; "" for what isn't there. */
export interface Answer {
  state: string;
  code: string;
  iss: string;
  error: string;
}

/** In the storage of the tab: what it went away for, and whether the user asked to stay logged in. */
const key = "moxlite-provider";

/** Go to the provider. Never resolves: the page is left. */
export function goAway(purpose: Purpose, url: string, stay = false): Promise<never> {
  sessionStorage.setItem(key, stay ? `${purpose} stay` : purpose);
  location.assign(url);
  return new Promise(() => {});
}

/** The answer to what this tab went away for, once, and whether the user asked to stay logged in; null without one. It leaves the
 * address, and so the history of the browser. */
export function answered(purpose: Purpose): { answer: Answer; stay: boolean } | null {
  const [kept, stay] = (sessionStorage.getItem(key) ?? "").split(" ");
  const fields = new URLSearchParams(location.search);
  const state = fields.get("state");
  if (kept !== purpose || state === null) return null;
  sessionStorage.removeItem(key);
  history.replaceState(null, "", location.pathname + location.hash);
  const [code = "", iss = "", error = ""] = ["code", "iss", "error"].map((name) => fields.get(name) ?? "");
  return { answer: { state, code, iss, error }, stay: stay !== undefined };
}
