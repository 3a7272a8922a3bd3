// The list of mailboxes.

import { el, fill, sign } from "../../lib/dom";
import { archive, clock, ellipsis, filePen, folder, inbox, octagonAlert, send, trash2 } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { mailboxName, many, t } from "../../lib/words";
import { type Box, type Mailboxes, nameAtHome } from "../data/mailboxes";

export interface MailboxListOwner {
  openMailbox(mailbox: Box): void;
  createMailbox(): void;
  mailboxMenu(mailbox: Box, at: HTMLElement): void;
}

const icons: Record<string, string> = {
  Inbox: inbox,
  Snoozed: clock,
  draft: filePen,
  sent: send,
  archive,
  trash: trash2,
  junk: octagonAlert,
};

export class MailboxList {
  readonly root = el("nav", { class: "mailboxes", "aria-label": t("Folders") });

  /** The saved searches, which a part draws. */
  readonly searches = el("nav", { class: "mailboxes searches", "aria-label": t("Saved searches"), hidden: true });

  /** The labels, which a part draws. */
  readonly labels = el("nav", { class: "mailboxes searches labels-list", "aria-label": t("Labels"), hidden: true });
  /** The row of the Outbox, which a part draws. */
  readonly outbox = el("div", { class: "mailbox", hidden: true });

  constructor(private readonly owner: MailboxListOwner) {}

  /** Draw all mailboxes; `active` is the current one. */
  draw(mailboxes: readonly Box[], active: number, boxes: Mailboxes): void {
    const homes = [...new Set(mailboxes.map(({ home }) => home))];
    const all = boxes.inboxes();
    const focused =
      document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : undefined;
    fill(
      this.root,
      all && this.row(all, all.id === active),
      homes.flatMap((home) => [
        home !== "" &&
          el(
            "h2",
            {
              class: `mailbox-owner${boxes.mark(home)}`,
              title: boxes.links.find(({ name }) => home === `${name}/`)?.address ?? home,
            },
            home.replace("/", ""),
          ),
        ...mailboxes
          // the mailbox of a link that has all others is there for their names; what is in Scheduled is in the Outbox
          .filter(
            (mailbox) =>
              mailbox.home === home &&
              mailbox.name !== "Scheduled" &&
              (nameAtHome(mailbox) !== "" || mailbox.total > 0),
          )
          .flatMap((mailbox) => [
            home === "" && mailbox.roles.includes("draft") && this.outbox,
            this.row(mailbox, mailbox.id === active),
          ]),
        home === "" &&
          el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, t("+ New folder")),
      ]),
    );
    if (focused !== undefined) this.root.querySelector<HTMLElement>(`[data-mailbox="${focused}"]`)?.focus();
  }

  private row(mailbox: Box, active: boolean): HTMLElement {
    // the names below their owner
    const name = nameAtHome(mailbox) || mailbox.name;
    const elements = name.split("/");
    const kind = name === "Inbox" || name === "Snoozed" ? name : (mailbox.roles[0] ?? "");
    const { unread } = mailbox;
    const whole = mailboxName(mailbox.name);
    const title = many(
      mailbox.total,
      "{name}: {n} message, {unread} unread, {size}",
      "{name}: {n} messages, {unread} unread, {size}",
      { name: whole, unread, size: size(mailbox.size) },
    );
    const actions = t("Actions for {name}", { name: whole });
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
      sign(mailbox.id < 0 ? inbox : (icons[kind] ?? folder)),
      el("span", { class: "mailbox-name" }, mailboxName(elements.at(-1)!)),
      unread > 0 &&
        el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n: unread }) }, t("{n}", { n: unread })),
    );
    const row = el(
      "div",
      { class: `mailbox${active ? " active" : ""}${unread > 0 ? " unread" : ""}` },
      open,
      mailbox.id > 0 && menu,
    );
    row.style.setProperty("--depth", String(elements.length - 1));
    return row;
  }
}
