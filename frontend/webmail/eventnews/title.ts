// What news about events are called, in the band and as the title of the panel.

import type { EventNews } from "../../gen/webmail";
import { many } from "../../lib/words";

/** Say how many invitations there are, or else how many changes. */
export function titleOf(news: readonly EventNews[]): string {
  const n = news.filter(({ said }) => said === "invited").length;
  return n > 0
    ? many(n, "{n} new invitation", "{n} new invitations")
    : many(news.length, "{n} change in your calendar", "{n} changes in your calendar");
}
