// The browser's copies of messages that are being written: the text survives a killed browser.

import type { Sender, Uploaded, Written } from "../../gen/webmail";
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
/** Milliseconds after which a silent page is gone, if there are no locks: browsers let hidden pages run once a minute. */
const silent = 90_000;

/** Save a copy; false if the browser's storage is full. */
export function keepCopy(id: string, copy: Copy): boolean {
  try {
    localStorage.setItem(prefix + id, JSON.stringify(copy));
    return true;
  } catch {
    return false;
  }
}

export function dropCopy(id: string): void {
  localStorage.removeItem(prefix + id);
}

/** Mark a copy as owned by a living page, until the returned function is called. */
export function holdCopy(id: string): () => void {
  let release = () => {};
  if (navigator.locks !== undefined)
    void navigator.locks.request(prefix + id, () => new Promise<void>((resolve) => (release = resolve)));
  return () => release();
}

/** The copies of this log-in whose pages are gone, by their ids. */
export async function lostCopies(login: string): Promise<Map<string, Copy>> {
  const held = new Set((await navigator.locks?.query())?.held?.map((lock) => lock.name));
  const lost = new Map<string, Copy>();
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(prefix) || held.has(key)) continue;
    try {
      const copy = JSON.parse(localStorage.getItem(key) ?? "") as Copy;
      if (copy.login !== login || (navigator.locks === undefined && Date.now() - copy.time < silent)) continue;
      lost.set(key.slice(prefix.length), copy);
    } catch {
      localStorage.removeItem(key);
    }
  }
  return lost;
}
