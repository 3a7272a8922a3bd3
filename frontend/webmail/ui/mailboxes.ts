// The list of mailboxes.

import type { Mailbox } from "../../gen/webmail";
import { el, fill, sign } from "../../lib/dom";
import {
  archive,
  calendarClock,
  clock,
  ellipsis,
  filePen,
  folder,
  inbox,
  octagonAlert,
  send,
  trash2,
} from "../../lib/icons";
import { size } from "../../lib/numbers";
import { mailboxName, t } from "../../lib/words";

export interface MailboxListOwner {
  openMailbox(mailbox: Mailbox): void;
  createMailbox(): void;
  openScheduled(): void;
  mailboxMenu(mailbox: Mailbox, at: HTMLElement): void;
}

const icons: Record<string, string> = {
  Inbox: inbox,
  Snoozed: clock,
  draft: filePen,
  sent: send,
  archive,
  trash: trash2,
  junk: octagonAlert,
  folder,
};

export class MailboxList {
  readonly root = el("nav", { class: "mailboxes", "aria-label": t("Mailboxes") });

  /** The saved searches, which a part draws. */
  readonly searches = el("nav", { class: "mailboxes searches", "aria-label": t("Saved searches"), hidden: true });

  /** The labels, which a part draws. */
  readonly labels = el("nav", { class: "mailboxes searches labels-list", "aria-label": t("Labels"), hidden: true });
  /** What waits to be sent: a place beside the mailboxes. */
  private readonly scheduled = el(
    "div",
    { class: "mailbox" },
    el(
      "button",
      { class: "mailbox-open", title: t("Scheduled"), onclick: () => this.owner.openScheduled() },
      sign(calendarClock),
      el("span", { class: "mailbox-name" }, t("Scheduled")),
    ),
  );

  constructor(private readonly owner: MailboxListOwner) {}

  /** Draw all mailboxes; `active` is the current one. */
  draw(mailboxes: readonly Mailbox[], active: number): void {
    const owners = [...new Set(mailboxes.map(({ owner }) => owner))];
    const focused =
      document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : undefined;
    fill(
      this.root,
      owners.flatMap((owner) => [
        owner !== "" && el("h2", { class: "mailbox-owner" }, owner),
        ...mailboxes
          .filter((mailbox) => mailbox.owner === owner)
          .flatMap((mailbox) => [
            mailbox.owner === "" && mailbox.roles.includes("draft") && this.scheduled,
            this.row(mailbox, mailbox.id === active),
          ]),
        owner === "" &&
          el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, t("+ New mailbox")),
      ]),
    );
    if (focused !== undefined) this.root.querySelector<HTMLElement>(`[data-mailbox="${focused}"]`)?.focus();
  }

  private row(mailbox: Mailbox, active: boolean): HTMLElement {
    // the names below their owner
    const elements = mailbox.name.split("/").slice(mailbox.owner === "" ? 0 : 2);
    const name = elements.join("/");
    const kind = name === "Inbox" || name === "Snoozed" ? name : (mailbox.roles[0] ?? "folder");
    const title = t("{name}: {total} messages, {unread} unread, {size}", {
      name: mailboxName(mailbox.name),
      total: mailbox.total,
      unread: mailbox.unread,
      size: size(mailbox.size),
    });
    const actions = t("Actions for {name}", { name: mailboxName(mailbox.name) });
    const menu = el("button", { class: "mailbox-menu", title: actions, "aria-label": actions }, sign(ellipsis, "i s"));
    menu.addEventListener("click", (event) => {
      event.stopPropagation();
      this.owner.mailboxMenu(mailbox, menu);
    });
    const open = el(
      "button",
      {
        class: "mailbox-open",
        title,
        data: { mailbox: String(mailbox.id) },
        "aria-current": active ? "page" : undefined,
        onclick: () => this.owner.openMailbox(mailbox),
      },
      sign(icons[kind] ?? folder),
      el("span", { class: "mailbox-name" }, mailboxName(elements.at(-1)!)),
      mailbox.unread > 0 &&
        el(
          "span",
          { class: "mailbox-unread", "aria-label": t("{n} unread", { n: mailbox.unread }) },
          t("{n}", { n: mailbox.unread }),
        ),
    );
    const row = el(
      "div",
      { class: `mailbox${active ? " active" : ""}${mailbox.unread > 0 ? " unread" : ""}` },
      open,
      menu,
    );
    row.style.setProperty("--depth", String(elements.length - 1));
    return row;
  }
}
