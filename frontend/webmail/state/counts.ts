// Counts of messages and conversations.

import { type Readable, computed } from "../../lib/signal";

/** A number of messages, and of their conversations. `messages` is null if it is not known. Without threads both are equal. */
export interface Counts {
  readonly messages: number | null;
  readonly conversations: number;
}

/** Counts that stay the same object while their values are the same. */
export function kept(count: () => Counts): Readable<Counts> {
  let last: Counts = { messages: 0, conversations: 0 };
  return computed(() => {
    const next = count();
    if (next.messages !== last.messages || next.conversations !== last.conversations) last = next;
    return last;
  });
}
