// Log-in by a login provider (WEB-181): the way there, and the answer that it has put into the page's address.

import { awayKey as key } from "./away";
import { showError } from "./dialogs";
import { remember } from "./stored";
import { t } from "./words";

/** What the page went away for. */
type Purpose = "login" | "connect" | "confirm";

/** The answer, as calls take it; "" for what isn't there. */
export interface Answer {
  state: string;
  code: string;
  iss: string;
  error: string;
}

/** In the storage of the browser: whether the provider has logged in, and is to log out. Webmail and account app have one login. */
let providedKey = "moxlite-provided";

/** Keep apart from other apps whether the provider has logged in. */
export function keepApart(app: string): void {
  providedKey = `${app}-provided`;
}

export const provided = (): boolean => localStorage.getItem(providedKey) !== null;

export function setProvided(on: boolean): void {
  if (on) remember(providedKey, "1");
  else localStorage.removeItem(providedKey);
}

/** Go to the provider. Never resolves: the page is left. */
export function goAway(purpose: Purpose, url: string, stay = false): Promise<never> {
  sessionStorage.setItem(key, `${purpose} ${stay} ${location.hash}`);
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
  return { answer: { state, code, iss, error }, stay: stay === "true" };
}

/** The calls by which users confirm with a new log-in at the provider. */
export interface ProviderConfirm {
  provider_name?(): Promise<string>;
  provider_confirm?(): Promise<string>;
  provider_confirmed?(answer: Answer): Promise<null>;
}

const confirmed = "moxlite-confirmed";

/** Have the user log in at the provider again, in a window of its own: what is in the page's forms stays. `done` is called when the
 * session is confirmed. */
export async function confirmAway(client: ProviderConfirm, done: () => void): Promise<void> {
  // the window gets the storage as it is now
  sessionStorage.setItem(key, "confirm");
  const away = window.open("", "_blank");
  sessionStorage.removeItem(key);
  const url = await client.provider_confirm!();
  if (away === null) return goAway("confirm", url);
  const channel = new BroadcastChannel(confirmed);
  channel.onmessage = () => {
    channel.close();
    done();
  };
  away.location.assign(url);
}

/** Confirm, in a window that comes back from the provider, and close it. */
export async function confirmBack(client: ProviderConfirm): Promise<void> {
  const back = answered("confirm");
  if (back === null) return;
  try {
    await client.provider_confirmed!(back.answer);
  } catch (error) {
    return void showError(t("Confirm it's you"), error);
  }
  new BroadcastChannel(confirmed).postMessage("");
  window.close();
}
