// The browser's copies of messages that are being written: the text survives a killed browser.

import { number } from "../../lib/beside";
import type { Sender, Uploaded, Written } from "../../gen/webmail";
import { remember } from "../../lib/stored";
import type { Unsent } from "./files";

/** The name in mail from own addresses, and the addresses of others that the user may write from. */
export interface Senders {
  name: string;
  others: readonly Sender[];
}

export interface Copy {
  /** Login address of the author. */
  login: string;
  /** Time of the copy, ms since 1970. */
  time: number;
  draft: Written;
  /** Missing in the copies of older pages. */
  senders?: Senders;
  files: Uploaded[];
  /** Files that the server did not have yet; undefined for none. */
  unsent?: Unsent[];
  /** Id of the message in Drafts, 0 for none. */
  draftId: number;
  /** Id of a call to save without an answer, "" for none. */
  saveId: string;
  /** Id of a call to send without an answer, "" for none. */
  submitId: string;
  /** The message of a list or newsletter that is left by this one; undefined for none. */
  leaves?: number;
  /** Time at which it is sent, seconds since 1970; 0 or missing: now. */
  sendAt?: number;
}

const prefix = "moxlite-webmail-draft-";

/** Save a copy; false if the browser's storage is full. Without "Keep me logged in" it ends with the tab (WEBMAIL-183). */
export function keepCopy(id: string, copy: Copy): boolean {
  const stays = `moxlite-webmail${number}-stays` in localStorage;
  return remember(prefix + id, JSON.stringify(copy), stays ? localStorage : sessionStorage);
}

export function dropCopy(id: string): void {
  for (const store of [localStorage, sessionStorage]) store.removeItem(prefix + id);
}

/** Mark a copy as owned by a living page, until the returned function is called. */
export function holdCopy(id: string): () => void {
  let release = () => {};
  if (navigator.locks !== undefined)
    void navigator.locks.request(prefix + id, () => new Promise<void>((resolve) => (release = resolve)));
  return () => release();
}
