// Address books (WEBMAIL-128a): the list beside the contacts, and what is done to one: named, shared, removed.

import type { AddressBook, CollectionGuest } from "../../gen/webmail";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { el, fill, isolated, sign } from "../../lib/dom";
import { line, once } from "../../lib/fields";
import { ellipsis, users } from "../../lib/icons";
import { byOwner, many, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { listHead } from "../ui/placeview";
import { sharing } from "../ui/sharing";

type Client = Surroundings["client"];

/** The name of an address book, and who shares it. */
export function bookName(one: AddressBook): string {
  return one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
}

/** Draw the address books, of which the one with the id `chosen` is shown, 0 for all. */
export function drawBooks(
  place: HTMLElement,
  client: Client,
  books: readonly AddressBook[],
  chosen: number,
  choose: (id: number) => void,
  again: () => Promise<void>,
): void {
  const row = (id: number, name: string, contacts: number, one?: AddressBook) => {
    const title = t("Edit “{name}”", { name });
    return el(
      "div",
      { class: "book" },
      el(
        "button",
        {
          class: "book-open",
          type: "button",
          "aria-pressed": String(id === chosen),
          data: { book: String(id) },
          onclick: () => choose(id),
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
            onclick: () => void (one.owner === "" ? change(client, one, again) : about(one)),
          },
          sign(ellipsis),
        ),
    );
  };
  const sum = books.reduce((all, one) => all + one.contacts, 0);
  fill(
    place,
    listHead(t("Address books"), t("New address book"), () => void change(client, null, again)),
    el(
      "div",
      { class: "book-list" },
      books.length > 1 && row(0, t("All contacts"), sum),
      [...books].sort(byOwner).map((one) => row(one.id, bookName(one), one.contacts, one)),
    ),
  );
}

/** Say what may be done in an address book of another user. */
async function about(one: AddressBook): Promise<void> {
  await dialog<void>(isolated(one.name), (close) => [
    el("p", { class: "dialog-text" }, sharedBy(one)),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}

/** Whose an address book is, and what the user may do there. */
export function sharedBy(one: AddressBook): string {
  const owner = t("{owner} shares this address book with you.", { owner: isolated(one.owner) });
  return `${owner} ${one.writable ? t("You can edit contacts.") : t("You can only view it.")}`;
}

/** Change an own address book, or make one. */
async function change(client: Client, one: AddressBook | null, again: () => Promise<void>): Promise<void> {
  let guests: readonly CollectionGuest[] = [];
  if (one !== null) {
    const loaded = await attempt(t("Loading…"), t("Couldn't load address book"), async () => {
      guests = await client.address_book_guests(one.id);
    });
    if (!loaded) return;
  }
  const title = one === null ? t("New address book") : isolated(one.name);
  await dialog<void>(title, (close) => {
    const name = line(t("Name"), one?.name ?? "", null, {
      maxlength: "200",
      dir: "auto",
      required: "",
      class: "dialog-input",
    });
    name.control.autofocus = true;
    const save = async () => {
      const saved = await attempt(t("Saving…"), t("Couldn't save address book"), () =>
        client.address_book_save(name.control.value, one?.id ?? 0),
      );
      if (!saved) return;
      close();
      await again();
    };
    const remove = async () => {
      close();
      if (!(await sure(one!))) return;
      await attempt(t("Deleting…"), t("Couldn't delete address book"), () => client.address_book_remove(one!.id));
      await again();
    };
    return [
      el(
        "form",
        { onsubmit: once(save) },
        name.root,
        el(
          "div",
          { class: "dialog-buttons" },
          one !== null &&
            el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Remove…")),
          el("button", { class: "btn", type: "button", onclick: () => close() }, t("Cancel")),
          el("button", { class: "btn primary", type: "submit" }, t("Save")),
        ),
      ),
      ...(one === null
        ? []
        : [
            sharing(
              guests,
              () => client.address_book_guests(one.id),
              async (guest, rights) => {
                await client.address_book_share(one.id, guest, rights);
                await again();
              },
            ),
          ]),
    ];
  });
}

function sure(one: AddressBook): Promise<boolean> {
  const lost = many(
    one.contacts,
    "This will also delete {n} contact from all your devices.",
    "This will also delete {n} contacts from all your devices.",
  );
  const back = t("You can restore deleted contacts for 30 days, up to 5,000.");
  return confirm(t("Remove “{name}”?", { name: isolated(one.name) }), `${lost} ${back}`, t("Remove"));
}
