// The user's settings: the account's come by the stream (WEBMAIL-105), the browser's are in its storage.

import type { Settings } from "../../gen/webmail";
import { remember } from "../../lib/stored";

export type AllSettings = Required<Settings>;

/** Settings of a user who has set nothing, as the server has them. */
export const defaults: AllSettings = {
  signature: "",
  signature_html: "",
  signatures: [],
  compose_format: "text",
  quoting: "auto",
  show_address_security: true,
  show_html: true,
  no_show_shortcuts: false,
  show_headers: [],
  color_scheme: "auto",
  language: "",
  density: "comfortable",
  single_keys: true,
  keymap: {},
  undo_send_seconds: 10,
  mark_seen_ms: 500,
  after_action: "next",
  open_on_move: false,
  invitation_mails: true,
  searches: [],
  unsubscribed: [],
  labels: [],
};

/** Arrangement of list and message. */
export type Layout = "leftright" | "topbottom";

/** The action of a row that is swiped; "" for none. */
export type Swipe = "archive" | "trash" | "read" | "later" | "";

/** Settings of each browser: the layout, the sizes of the list in px (0: default), and the swipes to both sides. */
export interface Local {
  readonly layout: Layout;
  readonly width: number;
  readonly height: number;
  readonly left: Swipe;
  readonly right: Swipe;
}

const key = "moxlite-webmail-panes";

export function loadLocal(): Local {
  const found: Local = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...(JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Local>) };
  } catch {
    return found;
  }
}

/** Call when another page of this browser, such as that of the settings, has changed them. */
export function followLocal(changed: (local: Local) => void): void {
  addEventListener("storage", (event) => event.key === key && changed(loadLocal()));
}

export function saveLocal(local: Local): void {
  remember(key, JSON.stringify(local));
}
