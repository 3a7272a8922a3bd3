// What is done to an address book (WEBMAIL-128a): named, shared, removed.

import type { AddressBook, CollectionGuest } from "../../gen/webmail";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { el, isolated } from "../../lib/dom";
import { line, once } from "../../lib/fields";
import { many, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { sharedBy } from "../people/names";
import { sharing } from "../ui/sharing";

type Client = Surroundings["client"];

/** Say what may be done in an address book of another user. */
export async function about(one: AddressBook): Promise<void> {
  await dialog<void>(isolated(one.name), (close) => [
    el("p", { class: "dialog-text" }, sharedBy(one)),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}

/** Change an own address book, or make one. */
export async function change(client: Client, one: AddressBook | null, again: () => Promise<void>): Promise<void> {
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
      const saved = await attempt(t("Saving…"), t("Couldn't save address book"), async () => {
        if (name.control.value !== one?.name) await client.address_book_save(name.control.value, one?.id ?? 0);
      });
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
            el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")),
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
                await client.contacts_share(one.path, guest, rights === "change", rights === "");
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
  const back = t("You can restore up to 5,000 deleted contacts for 30 days.");
  return confirm(t("Delete “{name}”?", { name: isolated(one.name) }), `${lost} ${back}`, t("Delete"));
}
