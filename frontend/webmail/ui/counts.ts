// Numbers of messages as text.

import { many } from "../../lib/words";
import type { Counts } from "../state/counts";

/** "2,904 messages in 2,354 conversations"; without the conversations if each is one message. */
export function counted({ messages, conversations }: Counts): string {
  if (messages === null) return many(conversations, "{n} conversation", "{n} conversations");
  const all = many(messages, "{n} message", "{n} messages");
  return conversations === messages
    ? all
    : many(conversations, "{all} in {n} conversation", "{all} in {n} conversations", { all });
}
