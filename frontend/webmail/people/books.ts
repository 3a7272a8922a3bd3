// The lists of the side bar: address books (WEBMAIL-128a) and groups (WEBMAIL-128g).

import type { AddressBook, ContactGroup } from "../../gen/webmail";
import { el, fill, sign } from "../../lib/dom";
import { ellipsis, users } from "../../lib/icons";
import { byName, byOwner, t } from "../../lib/words";
import { listHead } from "../ui/placeview";
import { bookName, groupName, starred } from "./names";

/** What the list shows: an address book or all, or a group. */
export interface Shelf {
  readonly book: number;
  readonly group: string;
}

export interface ShelfActions {
  choose(shelf: Shelf): void;
  /** Change an address book, or make one. */
  changeBook(one: AddressBook | null): void;
  addGroup(): void;
}

/** Draw the address books and groups, with the one marked that is shown. */
export function drawShelves(
  place: HTMLElement,
  books: readonly AddressBook[],
  groups: readonly ContactGroup[],
  shown: Shelf,
  actions: ShelfActions,
): void {
  const row = (shelf: Shelf, name: string, contacts: number, one?: AddressBook) => {
    const title = t("Edit “{name}”", { name });
    return el(
      "div",
      { class: "book" },
      el(
        "button",
        {
          class: "book-open",
          type: "button",
          "aria-pressed": String(shelf.book === shown.book && shelf.group === shown.group),
          data: { book: String(shelf.book), group: shelf.group },
          onclick: () => actions.choose(shelf),
        },
        el("bdi", { dir: "auto" }, name),
        one !== undefined && one.guests > 0 && el("span", { class: "book-sign", title: t("Shared") }, sign(users)),
        el("small", {}, String(contacts)),
      ),
      one !== undefined &&
        el(
          "button",
          {
            class: "btn icon small",
            type: "button",
            title,
            "aria-label": title,
            onclick: () => actions.changeBook(one),
          },
          sign(ellipsis),
        ),
    );
  };
  const sum = books.reduce((all, one) => all + one.contacts, 0);
  fill(
    place,
    el(
      "div",
      { role: "group", "aria-label": t("Address books") },
      listHead(t("Address books"), t("New address book"), () => actions.changeBook(null)),
      row({ book: 0, group: "" }, t("All contacts"), sum),
      row({ book: 0, group: starred }, groupName(starred), groups.find(({ name }) => name === starred)?.contacts ?? 0),
      [...books].sort(byOwner).map((one) => row({ book: one.id, group: "" }, bookName(one), one.contacts, one)),
    ),
    el(
      "div",
      { role: "group", "aria-label": t("Groups") },
      listHead(t("Groups"), t("New group"), () => actions.addGroup()),
      groups
        .filter(({ name }) => name !== starred)
        .sort((a, b) => byName(a.name, b.name))
        .map(({ name, contacts }) => row({ book: 0, group: name }, groupName(name), contacts)),
    ),
  );
}
