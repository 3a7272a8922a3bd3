// The commands about the sender of a message (WEBMAIL-142), for parts: none is needed before a message is read, or a menu opened.

import type { MessageItem } from "../../gen/webmail";
import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { AboutSender } from "../sender/part";
import type { Desk } from "./desk";

/** Commands about the sender of a message: in the table for the message that is read, in the menu beside a sender for that message. */
export function senderCommands(desk: Desk, of: () => MessageItem | null): Command[] {
  const act = (what: AboutSender, title: string): Command => ({
    id: `sender.${what}`,
    title,
    when: () =>
      of()?.from.length === 1 &&
      (what === "search" || what === "contact" || desk.may(own)) &&
      (what !== "rule" || desk.facts().account_path !== ""),
    run: () => desk.sender(of()!, what),
  });
  return [
    act("search", t("Find messages from this sender")),
    act("contact", t("Add to contacts…")),
    act("always", t("Always move mail from this sender…")),
    act("rule", t("Create rule…")),
    act("block", t("Block sender")),
    act("phishing", t("Report phishing")),
  ];
}
