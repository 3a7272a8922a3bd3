// The browser's own copy of each message that is being written: what was typed survives a killed browser.

import type { Uploaded, Written } from "../../gen/webmail";

export interface Copy {
  /** Whose it is: the address of the log-in. */
  login: string;
  /** When it was written, ms. */
  time: number;
  draft: Written;
  files: Uploaded[];
  /** The message it is among the drafts, 0 for none. */
  draftId: number;
  /** A call to save that had no answer, "" for none. */
  saveId: string;
  /** Of a call to send that had no answer, "" for none. */
  submitId: string;
}

const prefix = "moxlite-webmail-draft-";
/** Without locks, a page that was silent for so long is gone: browsers let hidden pages act once a minute. */
const silent = 90_000;

/** 32 hex digits for a new call or copy. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** Keep a copy; false when the browser has no room. */
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

/** Hold a copy as that of a living page, until the result is called. */
export function holdCopy(id: string): () => void {
  let release = () => {};
  if (navigator.locks !== undefined) void navigator.locks.request(prefix + id, () => new Promise<void>((resolve) => (release = resolve)));
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
