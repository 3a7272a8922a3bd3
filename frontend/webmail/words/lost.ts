// The browser's copies of messages whose pages are gone (WEBMAIL-88).

import type { Client } from "../../gen/webmail";
import { copies, sweepCopies } from "../../lib/beside";
import type { Copy } from "../compose/copies";

/** Milliseconds after which a silent page is gone, if there are no locks: browsers let hidden pages run once a minute. */
const silent = 90_000;

/** The copies of this log-in whose pages are gone, by their ids. */
export async function lostCopies(login: string): Promise<Map<string, Copy>> {
  sweepCopies();
  const held = new Set((await navigator.locks?.query())?.held?.map((lock) => lock.name));
  const lost = new Map<string, Copy>();
  for (const store of [localStorage, sessionStorage])
    for (const [key, text] of Object.entries(store)) {
      if (!key.startsWith(copies) || held.has(key)) continue;
      const copy = JSON.parse(text) as Copy;
      if (copy.login !== login || (navigator.locks === undefined && Date.now() - copy.time < silent)) continue;
      lost.set(key.slice(copies.length), copy);
    }
  return lost;
}

/** Replace a copy by a newer draft: browsers write copies to the disk up to a minute late. */
export async function refresh(client: Client, copy: Copy): Promise<void> {
  if (copy.draftId > 0 || copy.saveId !== "" || copy.submitId !== "") return;
  const seconds = Math.max(0, Math.ceil((Date.now() - copy.time) / 1000));
  const newer = await client.draft_find(copy.draft.message_id, seconds, copy.draft.from.address);
  if (newer === 0) return;
  const { uploads, notes: _, name: _name, senders: _senders, ...fields } = await client.compose_prepare("edit", newer);
  // what only the browser knows stays: the answered message, and the choice of TLS
  Object.assign(copy, { draft: { ...copy.draft, ...fields }, files: uploads, draftId: newer });
}
