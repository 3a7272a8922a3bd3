// The list of mailboxes.

import type { Mailbox, SavedSearch } from "../../gen/webmail";
import { el, fill, icon, sign } from "../../lib/dom";
import { bookmark } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { t } from "../../lib/words";

export interface MailboxListOwner {
  openMailbox(mailbox: Mailbox): void;
  createMailbox(): void;
  mailboxMenu(mailbox: Mailbox, at: HTMLElement): void;
  dropMessages(mailbox: Mailbox): void;
  search(text: string): void;
  /** Remove a saved search. */
  forget(search: SavedSearch): void;
}

const icons: Record<string, string> = {
  inbox: "M2 9l2.2-6h7.6L14 9v4H2zM2 9h3.5l1 2h3l1-2H14",
  draft: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4z",
  sent: "M2 8l12-5-4 11-2.6-4.4z M7.4 9.6L14 3",
  archive: "M2 3h12v3H2z M3 6v7h10V6 M6.5 8.5h3",
  trash: "M3 4.5h10 M6 4.5V3h4v1.5 M4.2 4.5l.6 9h6.4l.6-9",
  junk: "M8 2a6 6 0 100 12A6 6 0 008 2z M8 5v4 M8 11v.2",
  folder: "M2 4h4.5L8 5.5h6V13H2z",
};

export class MailboxList {
  readonly root = el("nav", { class: "mailboxes", "aria-label": t("Mailboxes") });

  readonly searches = el("nav", { class: "mailboxes searches", "aria-label": t("Saved searches"), hidden: true });

  constructor(private readonly owner: MailboxListOwner) {}

  /** Draw all mailboxes; `active` is the current one. */
  draw(mailboxes: readonly Mailbox[], active: number): void {
    const owners = [...new Set(mailboxes.map(({ owner }) => owner))];
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : undefined;
    fill(
      this.root,
      owners.flatMap((owner) => [
        owner !== "" && el("h2", { class: "mailbox-owner" }, owner),
        ...mailboxes.filter((mailbox) => mailbox.owner === owner).map((mailbox) => this.row(mailbox, mailbox.id === active)),
        owner === "" && el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, t("+ New mailbox")),
      ]),
    );
    if (focused !== undefined) this.root.querySelector<HTMLElement>(`[data-mailbox="${focused}"]`)?.focus();
  }

  /** Draw the saved searches below the mailboxes; `active` is the text of the search that is shown. */
  drawSearches(searches: readonly SavedSearch[], active: string): void {
    this.searches.hidden = searches.length === 0;
    fill(
      this.searches,
      el("h2", { class: "mailbox-owner" }, t("Searches")),
      searches.map((search) => {
        const remove = t("Remove the search {name}", { name: search.name });
        return el(
          "div",
          { class: `mailbox${search.text === active ? " active" : ""}` },
          el("button", { class: "mailbox-open", title: search.text, "aria-current": search.text === active ? "page" : undefined, onclick: () => this.owner.search(search.text) }, sign(bookmark, "icon"), el("span", { class: "mailbox-name", dir: "auto" }, search.name)),
          el("button", { class: "mailbox-menu", title: remove, "aria-label": remove, onclick: () => this.owner.forget(search) }, "×"),
        );
      }),
    );
  }

  private row(mailbox: Mailbox, active: boolean): HTMLElement {
    // the names below their owner
    const elements = mailbox.name.split("/").slice(mailbox.owner === "" ? 0 : 2);
    const kind = elements.join("/") === "Inbox" ? "inbox" : (mailbox.roles[0] ?? "folder");
    const title = t("{name}: {total} messages, {unread} unread, {size}", {
      name: mailbox.name,
      total: mailbox.total,
      unread: mailbox.unread,
      size: size(mailbox.size),
    });
    const actions = t("Actions for {name}", { name: mailbox.name });
    const menu = el("button", { class: "mailbox-menu", title: actions, "aria-label": actions }, "⋯");
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
      icon(icons[kind] ?? icons["folder"]!),
      el("span", { class: "mailbox-name" }, elements.at(-1)!),
      mailbox.unread > 0 && el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n: mailbox.unread }) }, t("{n}", { n: mailbox.unread })),
    );
    const row = el("div", { class: `mailbox${active ? " active" : ""}${mailbox.unread > 0 ? " unread" : ""}` }, open, menu);
    row.style.setProperty("--depth", String(elements.length - 1));
    row.addEventListener("dragover", (event) => {
      event.preventDefault();
      row.classList.add("drop");
    });
    row.addEventListener("dragleave", () => row.classList.remove("drop"));
    row.addEventListener("drop", (event) => {
      event.preventDefault();
      row.classList.remove("drop");
      this.owner.dropMessages(mailbox);
    });
    return row;
  }
}
