// Threads as rows of the list: a thread is one row while it is collapsed, else its messages, each below what it answers.

import type { MessageItem } from "../../gen/webmail";

/** What a row stands for in a list of threads. */
export interface Line {
  /** The message by which the thread is in the list, and whose place is its place. */
  readonly top: MessageItem;
  /** All of the thread, in the order in which it is shown expanded. */
  readonly members: readonly MessageItem[];
  /** The row stands for all of them. */
  readonly collapsed: boolean;
  /** How far it is indented. */
  readonly depth: number;
  /** Of the first row of a thread that is expanded: its messages that have no row, because they are not of this view. */
  readonly hidden: number;
}

/** Further levels are indented no more: there would be no room for the text. */
const deepest = 6;

/** The messages of a thread, each below what it answers, by age; with how deep they stand. */
export function tree(members: readonly MessageItem[]): { item: MessageItem; depth: number }[] {
  const known = new Set(members.map((item) => item.id));
  const below = new Map<number, MessageItem[]>();
  for (const item of [...members].sort((a, b) => (a.received < b.received ? -1 : a.received > b.received ? 1 : a.id - b.id))) {
    const above = known.has(item.thread_parent) && item.thread_parent !== item.id ? item.thread_parent : 0;
    below.set(above, [...(below.get(above) ?? []), item]);
  }
  const found: { item: MessageItem; depth: number }[] = [];
  const waiting = (below.get(0) ?? []).map((item) => ({ item, depth: 0 })).reverse();
  while (waiting.length > 0) {
    const next = waiting.pop()!;
    found.push(next);
    const children = (below.get(next.item.id) ?? []).map((item) => ({ item, depth: Math.min(deepest, next.depth + 1) }));
    waiting.push(...children.reverse());
  }
  // what answers itself in a circle is below nothing
  return found.length === members.length ? found : members.map((item) => ({ item, depth: 0 }));
}

export function isUnread(item: MessageItem): boolean {
  return !item.flags.includes("\\seen");
}

/** What a collapsed thread shows of all its messages: flags and keywords that one of them has; unread when one is. */
export function flagsOf(members: readonly MessageItem[]): { flags: string[]; keywords: string[]; unread: boolean } {
  return {
    flags: [...new Set(members.flatMap((item) => item.flags))],
    keywords: [...new Set(members.flatMap((item) => item.keywords))],
    unread: members.some(isUnread),
  };
}

/** Whether two lines look the same. */
export function sameLine(a: Line | undefined, b: Line | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return a.collapsed === b.collapsed && a.depth === b.depth && a.hidden === b.hidden && a.members.length === b.members.length && a.members.every((item, i) => item === b.members[i]);
}

/** Which threads are expanded. What was decided once stays until the reader says otherwise: a thread doesn't fold away under the
 * eyes because it was read. */
export class Folding {
  private expanded = new Map<number, boolean>();
  private opened = new Set<number>();

  /** Decide anew. */
  reset(): void {
    this.expanded = new Map();
    this.opened = new Set();
  }

  /** Whether the reader wants to see all of a thread, also what is not of the view. */
  isOpened(threadId: number): boolean {
    return this.opened.has(threadId);
  }

  /** Whether a thread is expanded; `unread`: by whether it has unread messages, else by what is stored with it. */
  isExpanded(threadId: number, members: readonly MessageItem[], unread: boolean): boolean {
    let known = this.expanded.get(threadId);
    if (known === undefined) {
      const muted = members.some((item) => item.thread_muted);
      known = unread ? !muted && members.some((item) => item.match_query && isUnread(item)) : !members.some((item) => item.thread_collapsed);
      this.expanded.set(threadId, known);
    }
    return known;
  }

  set(threadId: number, expanded: boolean): void {
    this.expanded.set(threadId, expanded);
    if (expanded) this.opened.add(threadId);
    else this.opened.delete(threadId);
  }
}
