// Searches without a connection (WEBMAIL-121): words, people and subjects, in what is kept.

import type { MessageItem, ParsedMessage, Query } from "../../gen/webmail";
import { isSearch } from "../data/queries";
import { longAddress } from "../ui/format";

const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const has = (where: string, wanted: readonly string[] = []): boolean => {
  const text = plain(where);
  return wanted.every((one) => text.includes(plain(one)));
};

/** The messages that a search finds, the newest first; null if it asks for more than what is kept can tell. `box`: the mailbox
 * that is searched, 0 for all. */
export function found(
  query: Query,
  items: readonly MessageItem[],
  messages: readonly ParsedMessage[],
  box: number,
): MessageItem[] | null {
  const { words, from, to, subject, unread, mailbox_id, mailbox_name, ...rest } = query.filter;
  const { not_filter, ...others } = query;
  if (isSearch({ ...others, filter: rest }) || (not_filter && isSearch({ filter: {}, not_filter }))) return null;
  if (box === 0 && (mailbox_id ?? 0) > 0) return null;
  const texts = new Map(messages.map((one) => [one.id, one.texts.map((text) => text.text).join("\n")]));
  const unique = new Map(items.map((item) => [item.id, item]));
  return [...unique.values()]
    .filter((item) => {
      const people = (all: MessageItem["from"]) => all.map(longAddress).join("\n");
      const [authors, readers] = [people(item.from), people([...item.to, ...item.cc, ...item.bcc])];
      return (
        (box === 0 || item.mailbox_id === box) &&
        (unread !== true || !item.flags.includes("\\seen")) &&
        has(authors, from) &&
        has(readers, to) &&
        has(item.subject, subject) &&
        has([item.subject, authors, readers, item.preview, texts.get(item.id) ?? ""].join("\n"), words)
      );
    })
    .sort((a, b) => (a.received < b.received ? 1 : -1));
}
