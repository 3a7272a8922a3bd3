// Threads as rows of the list: a collapsed thread is one row; an expanded one has a row per message, each below the one that it
// answers.

import type { MessageItem } from "../../gen/webmail";

/** The content of a row in a list of threads. */
export interface Line {
  /** The message by which the thread is in the list; its place is the thread's place. */
  readonly top: MessageItem;
  /** All messages of the thread, in the order of the expanded thread. */
  readonly members: readonly MessageItem[];
  /** Messages with the content of one of these, which came by another way: actions are about them, too. */
  readonly copies: readonly MessageItem[];
  /** Whether the row represents all of them. */
  readonly collapsed: boolean;
  /** Level of indentation. */
  readonly depth: number;
  /** In the first row of an expanded thread: number of its messages without a row, because they are not in this view. */
  readonly hidden: number;
}

/** Messages of a thread that the server sends, the newest ones. */
export const mostMembers = 500;

/** Maximum level of indentation; deeper rows would have no space for the text. */
const deepest = 6;

/** The messages of a thread, each below the one that it answers, by age; with their levels. */
export function tree(members: readonly MessageItem[]): { item: MessageItem; depth: number }[] {
  const known = new Set(members.map((item) => item.id));
  const below = new Map<number, MessageItem[]>();
  for (const item of [...members].sort((a, b) =>
    a.received < b.received ? -1 : a.received > b.received ? 1 : a.id - b.id,
  )) {
    const above = known.has(item.thread_parent) && item.thread_parent !== item.id ? item.thread_parent : 0;
    below.set(above, [...(below.get(above) ?? []), item]);
  }
  const found: { item: MessageItem; depth: number }[] = [];
  const waiting = (below.get(0) ?? []).map((item) => ({ item, depth: 0 })).reverse();
  while (waiting.length > 0) {
    const next = waiting.pop()!;
    found.push(next);
    const children = (below.get(next.item.id) ?? []).map((item) => ({
      item,
      depth: Math.min(deepest, next.depth + 1),
    }));
    waiting.push(...children.reverse());
  }
  // messages that answer each other in a circle are not indented
  return found.length === members.length ? found : members.map((item) => ({ item, depth: 0 }));
}

/** The messages that are shown, and copies of them. */
export function apart(items: readonly MessageItem[]): { letters: MessageItem[]; copies: MessageItem[] } {
  const ids = new Set(items.map((item) => item.id));
  return {
    letters: items.filter((item) => !ids.has(item.copy_of)),
    copies: items.filter((item) => ids.has(item.copy_of)),
  };
}

export function isUnread(item: MessageItem): boolean {
  return !item.flags.includes("\\seen");
}

/** The flags that a collapsed thread shows: flags and keywords that any of its messages has; unread if any is. */
export function flagsOf(members: readonly MessageItem[]): { flags: string[]; keywords: string[]; unread: boolean } {
  return {
    flags: [...new Set(members.flatMap((item) => item.flags))],
    keywords: [...new Set(members.flatMap((item) => item.keywords))],
    unread: members.some(isUnread),
  };
}

const same = (a: readonly MessageItem[], b: readonly MessageItem[]) =>
  a.length === b.length && a.every((item, i) => item === b[i]);

/** Whether two lines look the same. */
export function sameLine(a: Line | undefined, b: Line | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.collapsed === b.collapsed &&
    a.depth === b.depth &&
    a.hidden === b.hidden &&
    same(a.members, b.members) &&
    same(a.copies, b.copies)
  );
}

/** The threads that the reader has expanded. */
export class Folding {
  private expanded = new Map<number, boolean>();
  private opened = new Set<number>();

  /** Forget all decisions. */
  reset(): void {
    this.expanded = new Map();
    this.opened = new Set();
  }

  /** Whether the reader wants to see all of a thread, including messages that are not in the view. */
  isOpened(threadId: number): boolean {
    return this.opened.has(threadId);
  }

  /** Whether a thread is expanded: only the reader does that. */
  isExpanded(threadId: number): boolean {
    return this.expanded.get(threadId) ?? false;
  }

  set(threadId: number, expanded: boolean): void {
    this.expanded.set(threadId, expanded);
    if (expanded) this.opened.add(threadId);
    else this.opened.delete(threadId);
  }
}
