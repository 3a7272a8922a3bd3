// The line about leaving a mailing list or newsletter (WEBMAIL-136). The sender is remembered; one that goes on after ten days can be
// blocked.

import type { ParsedMessage } from "../../gen/webmail";
import { type Child, el } from "../../lib/dom";
import { t } from "../../lib/words";
import { saidTime } from "../ui/format";

export interface Leaving {
  /** Ask, then leave; `again` is called with the time when that is done. */
  leave(listed: Listed, again: (at: string) => void): unknown;
  /** Send further mail of the sender to Junk. */
  block(): void;
}

/** A message of a list or newsletter: the sender's name as it is shown, and the ways to leave. */
export interface Listed {
  readonly id: number;
  readonly name: string;
  readonly unsubscribe: ParsedMessage["unsubscribe"];
}

/** The line about leaving: a button, or when it was left. */
export function leavingLine(listed: Listed, owner: Leaving, again: (at: string) => void): Child {
  const { unsubscribe: found } = listed;
  if (found === null) return null;
  if (found.at !== null) {
    const time = saidTime(found.at, Date.now());
    if (!found.still_sends) return el("span", { class: "unsubscribed" }, t("Unsubscribed {time}", { time }));
    return [
      el("span", { class: "unsubscribed" }, t("Unsubscribed {time}, but still getting mail", { time })),
      el("button", { class: "link unsubscribe", onclick: () => owner.block() }, t("Block")),
    ];
  }
  return el("button", { class: "link unsubscribe", onclick: () => void owner.leave(listed, again) }, t("Unsubscribe"));
}
