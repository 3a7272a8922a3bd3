// The rule that is offered when a message was moved by hand (WEBMAIL-101..104). It stands beside the page and takes no key
// from it: who goes on reading has said "not now".

import type { Client, Suggestion } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import { adopt } from "../../lib/sheets";
import sheet from "./rules.css";

adopt(sheet);

/** A message that was moved, from mailbox to mailbox. */
export interface Moved {
  readonly message: number;
  readonly from: number;
  readonly to: number;
}

let open: HTMLElement | null = null;

function question(rule: Suggestion): string {
  const what = rule.list_id === "" ? t("mail from {sender}", { sender: rule.msg_from }) : t("mail of the list {list}", { list: rule.list_id });
  return rule.remove
    ? t("Stop filing {what} to {recipient} into “{mailbox}”?", { what, recipient: rule.recipient, mailbox: rule.mailbox })
    : t("Always file {what} to {recipient} into “{mailbox}”?", { what, recipient: rule.recipient, mailbox: rule.mailbox });
}

/** Offer it. Another offer takes its place. */
export function offerRule(client: Client, rule: Suggestion, { message, from, to }: Moved, names: { from: string; to: string }): void {
  open?.remove();
  const close = () => {
    root.remove();
    open = null;
  };
  const never = (which: "message" | "from_mailbox" | "to_mailbox") => {
    close();
    void attempt(t("Remembering it"), () => client.ruleset_never(message, from, to, which));
  };
  const accept = () => {
    close();
    void attempt(rule.remove ? t("Removing the rule") : t("Adding the rule"), () => client.ruleset_accept(message, from, to));
  };
  const root = el(
    "section",
    { class: "offer", role: "status", "aria-label": t("A rule for mail like this") },
    el("p", {}, question(rule)),
    el(
      "div",
      { class: "offer-buttons" },
      el("button", { class: "primary", onclick: accept }, rule.remove ? t("Remove the rule") : t("Add the rule")),
      el("button", { onclick: close }, t("Not now")),
    ),
    el(
      "details",
      {},
      el("summary", {}, t("Never ask again…")),
      el("button", { class: "link", onclick: () => never("message") }, rule.list_id === "" ? t("for this sender") : t("for this list")),
      el("button", { class: "link", onclick: () => never("to_mailbox") }, t("for moves to “{name}”", { name: names.to })),
      el("button", { class: "link", onclick: () => never("from_mailbox") }, t("for moves from “{name}”", { name: names.from })),
    ),
  );
  open = root;
  document.body.append(root);
}
