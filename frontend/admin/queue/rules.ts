// Rules that hold messages.

import type { Rule } from "../../gen/admin";
import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { line } from "../../lib/fields";
import { pause, plus, trash2 } from "../../lib/icons";
import { button, card, head, iconButton, table } from "../../lib/pages";
import { empty } from "../../lib/states";
import { many, t } from "../../lib/words";
import type { Desk } from "../ui/page";
import { fieldDialog } from "../ui/shared";
import { tabLinks } from "./frame";

export async function rulesPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.queue_holdrules_list();
  const add = async () => {
    const account = line(t("Account"), "");
    const sender = line(t("Sender"), "", t("Domain or address."));
    const recipient = line(t("Recipient"), "", t("Domain or address."));
    const held = await fieldDialog(
      t("Add hold rule"),
      t("Add rule"),
      { account, sender, recipient },
      () => desk.client.queue_holdrules_add(account.control.value, sender.control.value, recipient.control.value),
      el(
        "p",
        { class: "hint" },
        t("All fields must match. If you leave all fields blank, all messages are put on hold."),
      ),
    );
    if (held === null) return;
    desk.say(many(held.messages, "Rule added. {n} message on hold", "Rule added. {n} messages on hold"));
    await desk.refresh();
  };
  const remove = async (rule: Rule) => {
    if (await attempt(t("Deleting…"), t("Couldn't delete rule"), () => desk.client.queue_holdrules_remove(rule.id))) {
      desk.say(t("Rule deleted. Messages stay on hold until you release them"));
      await desk.refresh();
    }
  };
  const any = (text: string) => (text === "" ? el("span", { class: "muted" }, t("any")) : el("bdi", {}, text));
  const list = table<Rule>(
    t("Hold rules"),
    [
      { title: t("Account"), cell: (rule) => any(rule.account) },
      { title: t("Sender"), cell: (rule) => any(rule.sender) },
      { title: t("Recipient"), cell: (rule) => any(rule.recipient) },
      { title: "", kind: "top", cell: (rule) => iconButton(t("Delete rule"), trash2, () => void remove(rule)) },
    ],
    found,
  );
  const body =
    found.length === 0
      ? empty(
          pause,
          t("No hold rules"),
          t("Hold rules put queued and new messages on hold for an account, sender, or recipient."),
        )
      : list;
  return {
    title: t("Hold rules"),
    root: el(
      "div",
      { class: "page" },
      head(
        t("Queue"),
        null,
        button(t("Add hold rule"), () => void add(), { icon: plus, kind: "primary" }),
      ),
      tabLinks("rules"),
      card("", body, { flush: true }),
    ),
  };
}
