// The order of a view: by time of reception, then by id; newest first by default.

import type { Mark, MessageItem } from "../../gen/webmail";

/** The place of a message in the order. */
export function markOf(item: Pick<MessageItem, "received" | "id">): Mark {
  return { received: item.received, id: item.id };
}

/** Negative if `a` comes before `b`. */
export function compare(a: Mark, b: Mark, oldestFirst: boolean): number {
  // compared as text, in UTC and without the Z: Date has milliseconds only, and the server orders by microseconds
  const [first, second] = [a.received.slice(0, -1), b.received.slice(0, -1)];
  const order = first < second ? -1 : first > second ? 1 : a.id - b.id;
  return oldestFirst ? order : -order;
}

/** The index of the first message that does not come before this place. */
export function search(items: readonly Mark[], at: Mark, oldestFirst: boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(items[middle]!, at, oldestFirst) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
