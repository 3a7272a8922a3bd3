// Numbers of messages as text.

import { many } from "../../lib/words";
import type { Counts } from "../state/counts";
import type { EmptyPlace } from "./empty";

/** "2,904 messages selected", below it their conversations if some have several of them. */
export function selectedPlace({ messages, conversations }: Counts): EmptyPlace {
  if (messages === null)
    return { title: many(conversations, "{n} conversation selected", "{n} conversations selected") };
  const title = many(messages, "{n} message selected", "{n} messages selected");
  return conversations === messages
    ? { title }
    : { title, text: many(conversations, "{n} conversation", "{n} conversations") };
}

/** "2,904 messages in 2,354 conversations"; without the conversations if each is one message. */
export function counted({ messages, conversations }: Counts): string {
  if (messages === null) return many(conversations, "{n} conversation", "{n} conversations");
  const all = many(messages, "{n} message", "{n} messages");
  return conversations === messages
    ? all
    : many(conversations, "{all} in {n} conversation", "{all} in {n} conversations", { all });
}
