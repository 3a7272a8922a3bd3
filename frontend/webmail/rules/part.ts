// The filing rule that is offered when a message was moved (WEBMAIL-101..104). The offer is beside the page and takes no keys: a
// user who goes on reading has declined it for now.

import type { Client, Mailbox, Suggestion } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import { adopt } from "../../lib/sheets";
import sheet from "./rules.css";

adopt(sheet);

let open: HTMLElement | null = null;

function question(rule: Suggestion): string {
  const { msg_from: sender, list_id: list, recipient, mailbox } = rule;
  if (list === "")
    return rule.remove
      ? t("Stop moving mail from {sender} to {recipient} into “{mailbox}”?", { sender, recipient, mailbox })
      : t("Always move mail from {sender} to {recipient} into “{mailbox}”?", { sender, recipient, mailbox });
  return rule.remove
    ? t("Stop moving mail from the list {list} to {recipient} into “{mailbox}”?", { list, recipient, mailbox })
    : t("Always move mail from the list {list} to {recipient} into “{mailbox}”?", { list, recipient, mailbox });
}

/** Withdraw the offer: the user does something else. */
export function withdraw(): void {
  open?.remove();
  open = null;
}

/** Offer the rule that would have moved a message between these mailboxes, if there is one, and if the offer is still `timely`
 * when it is known. It replaces an earlier offer. */
export async function offerRule(
  client: Client,
  message: number,
  { id: from, name: fromName }: Mailbox,
  { id: to, name: toName }: Mailbox,
  timely: () => boolean,
): Promise<void> {
  const rule = await client.ruleset_suggest_move(message, from, to).catch(() => null);
  if (rule === null || !timely()) return;
  withdraw();
  const never = (which: "message" | "from_mailbox" | "to_mailbox") => {
    withdraw();
    void attempt(t("Saving…"), t("Couldn't save settings"), () => client.ruleset_never(message, from, to, which));
  };
  const accept = () => {
    withdraw();
    void attempt(t("Saving…"), rule.remove ? t("Couldn't delete rule") : t("Couldn't add rule"), () =>
      client.ruleset_accept(message, from, to),
    );
  };
  const root = el(
    "section",
    { class: "offer", role: "status", "aria-label": t("Rule for similar mail") },
    el("p", {}, question(rule)),
    el(
      "div",
      { class: "offer-buttons" },
      el("button", { class: "primary", onclick: accept }, rule.remove ? t("Delete rule") : t("Add rule")),
      el("button", { onclick: withdraw }, t("Not now")),
    ),
    el(
      "details",
      {},
      el("summary", {}, t("Never ask again…")),
      el(
        "button",
        { class: "link", onclick: () => never("message") },
        rule.list_id === "" ? t("for this sender") : t("for this list"),
      ),
      el(
        "button",
        { class: "link", onclick: () => never("to_mailbox") },
        t("when I move to “{name}”", { name: toName }),
      ),
      el(
        "button",
        { class: "link", onclick: () => never("from_mailbox") },
        t("when I move from “{name}”", { name: fromName }),
      ),
    ),
  );
  open = root;
  document.body.append(root);
}
