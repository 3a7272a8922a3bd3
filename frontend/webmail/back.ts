// The browser's Back closes what is on top, then the message, and never leaves the program at once (WEBMAIL-166). While something
// lies over the page, the history has one more entry, which shows the same place as the one below.

import { part } from "../lib/parts";
import { toast } from "../lib/toasts";
import { t } from "../lib/words";
import type { Desk } from "./commands/desk";
import type * as MenuPart from "./menu/part";
import { placeOf } from "./state/address";
import type { Drawer } from "./ui/drawer";

/** What Back closes, the topmost first. */
const layers = [
  ".menu",
  "dialog[open]:not(.login-overlay)",
  "body.show-side",
  "body.choosing",
  ".composer:not([hidden],.small)",
];

interface Page {
  readonly drawer: Drawer;
  readonly desk: Desk;
  /** Write the address of what is shown. */
  tellPlace(): void;
}

/** Whether this entry shows the same place as the one below. */
let over = false;
/** An address without the message or contact that is open. */
const listOf = (hash: string) => hash.replace(/,\d+$/, "");

const topmost = () => layers.find((one) => document.querySelector(one) !== null);

function put(push: boolean, same: boolean, hash = location.hash): void {
  over = same;
  history[push ? "pushState" : "replaceState"]({ over }, "", hash);
}

/** Write an address. Stepping through messages, or through the calendar, makes no history; opening a message, a mailbox or a
 * place does. */
export function writeAddress(hash: string): void {
  const [now, next] = [listOf(location.hash), listOf(hash)];
  const [opened, opens] = [now !== location.hash, next !== hash];
  const closes = opened && !opens && now === next;
  if (placeOf(location.hash) !== placeOf(hash)) put(!over, false, hash);
  else if (over) put(false, topmost() !== undefined || closes || (opened && opens), hash);
  // a typed address with the words of a search is replaced by one with its name
  else put(!/^(#search:(?!~).*)?$/.test(location.hash) && !(opened && opens) && !closes, closes, hash);
}

/** Keep an entry above the page while something lies over it. Called when that may have come. */
export function guard(): void {
  if (!over && topmost() !== undefined) put(true, true);
}

export function handleBack(page: Page): void {
  const address = location.hash;
  const before = history.state as { root?: boolean; over?: boolean } | null;
  over = before?.over === true;
  // a page that was loaded anew has the entries below still
  if (before === null || before.root === true) {
    history.replaceState({ root: true }, "", placeOf(address) === "calendar" ? address : listOf(address));
    put(true, false, address);
  }
  document.addEventListener("focusin", guard);
  addEventListener("popstate", () => {
    const left = over;
    const state = history.state as { root?: boolean; over?: boolean } | null;
    over = state?.over === true;
    // a link, a notice, or an address that was typed: a new place, also for another message of the same list
    if (state === null) {
      put(false, false);
      return;
    }
    const root = state?.root === true;
    const layer = left ? topmost() : undefined;
    if (layer !== undefined) {
      page.tellPlace();
      if (root) put(true, true);
      void part<typeof MenuPart>("menu").then((found) => {
        found.closeLayer(layer, page.drawer, page.desk);
        // once what was closed is gone
        setTimeout(guard);
      });
    } else if (left && !over && !root) history.back();
    else if (root && document.body.classList.contains("show-message")) put(true, true);
    else if (root) toast(t("Press Back again to exit"));
  });
}
