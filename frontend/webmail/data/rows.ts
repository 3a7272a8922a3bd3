// The rows of the list, from the messages of the view and the actions that are on their way.

import type { MessageItem } from "../../gen/webmail";
import type { Pending } from "./pending";
import { isListing } from "./queries";
import { apart, type Folding, type Line, tree } from "./threads";
import type { View } from "./view";

/** The content of the list: a run of rows, the first at the position `start`, of `total`. */
export interface Rows {
  readonly start: number;
  readonly items: readonly MessageItem[];
  readonly total: number;
  /** Number of rows if each thread had one. */
  readonly entries: number;
  /** Whether the first answer has come. */
  readonly known: boolean;
  /** The content of the rows by the ids of their messages; without threads, of those with copies. */
  readonly lines: ReadonlyMap<number, Line>;
}

/** The rows without threads: one per message. */
export function flatRows(view: View, pending: Pending, oldestFirst: boolean): Rows {
  const { start, items, total, known, query } = view;
  const mailbox = isListing(query) ? 0 : (query.filter.mailbox_id ?? 0);
  const shown = pending.show(items, mailbox, oldestFirst);
  const rows = total + shown.length - items.length;
  const lines = new Map<number, Line>();
  for (const item of shown) {
    const copies = view.members(item).slice(1);
    if (copies.length > 0)
      lines.set(item.id, { top: item, members: [item], copies, collapsed: true, depth: 0, hidden: 0 });
  }
  return { start, items: shown, total: rows, entries: rows, known, lines };
}

/** The rows of threads: one row per collapsed thread, or one per message. Returns also the entry of the view for each row. */
export function threadedRows(
  view: View,
  pending: Pending,
  folding: Folding,
  oldestFirst: boolean,
): { rows: Rows; entryOf: number[] } {
  const { start, items: tops, total, known } = view;
  const items: MessageItem[] = [];
  const lines = new Map<number, Line>();
  const entryOf: number[] = [];
  let gone = 0;
  for (const [i, top] of tops.entries()) {
    const { letters: present, copies } = apart(pending.show(view.members(top), 0, oldestFirst));
    // a thread without a matching message does not belong to this view
    if (!present.some((item) => item.match_query)) {
      gone++;
      continue;
    }
    const order = tree(present);
    const members = order.map(({ item }) => item);
    const opened = folding.isOpened(top.thread_id);
    // messages that were archived or removed stay hidden, unless the reader opens the thread
    const of = opened ? order : tree(present.filter((item) => item.match_query));
    const unfolded = folding.isExpanded(top.thread_id);
    const expanded = unfolded && (opened ? members.length : of.length) > 1;
    const first =
      present.find((item) => item.id === top.id && (item.match_query || opened)) ??
      present.find((item) => item.match_query)!;
    const shown = expanded ? of : [{ item: first, depth: 0 }];
    for (const [row, { item, depth }] of shown.entries()) {
      items.push(item);
      entryOf.push(start + i);
      lines.set(item.id, {
        top: first,
        members,
        copies,
        collapsed: !expanded,
        depth,
        hidden: expanded && row === 0 ? members.length - shown.length : 0,
      });
    }
  }
  const rows = { start, items, total: total + items.length - tops.length, entries: total - gone, known, lines };
  return { rows, entryOf };
}
