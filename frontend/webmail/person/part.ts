// The form of a contact: a contact is changed, moved and copied, or made.

import type {
  AddressBook,
  ContactAddress,
  ContactCard,
  ContactDetails,
  ContactEntry,
  ContactForm,
} from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt, dialog, showError } from "../../lib/dialogs";
import { el, isolated, sign } from "../../lib/dom";
import { choice, field, once } from "../../lib/fields";
import { trash2 } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { byOwner, meant, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { bookName } from "../people/names";
import { dateField } from "./dates";
import { kinds, places } from "./kinds";
import sheet from "./person.css";
import { photoField, pictureOf } from "./photo";

adopt(sheet);

const noAddress: ContactAddress = {
  kind: "",
  street: "",
  extended: "",
  box: "",
  city: "",
  region: "",
  code: "",
  country: "",
};

const bare: ContactDetails = {
  nickname: "",
  title: "",
  department: "",
  birthday: "",
  addresses: [],
  websites: [],
};

export const empty: ContactForm = {
  name: "",
  emails: [],
  phones: [],
  organization: "",
  note: "",
  groups: [],
  details: bare,
};

/** The choice of a kind, of these or the one that it has. */
function kindChoice(offered: readonly (readonly [string, string])[], old: string): HTMLSelectElement {
  const kind = el(
    "select",
    { class: "dialog-input", "aria-label": t("Type") },
    offered.map(([name, text]) => el("option", { value: name }, text)),
    !offered.some(([name]) => name === old) && el("option", { value: old }, old),
  );
  kind.value = old;
  return kind;
}

/** A list of addresses or numbers, the last of which is empty. */
function entries(
  label: string,
  type: string,
  old: readonly ContactEntry[],
  offered = kinds,
): { root: HTMLElement; read: () => ContactEntry[] } {
  const place = el("div", { class: "person-entries" });
  const line = (one: ContactEntry) => {
    const value = el("input", { class: "dialog-input", type, value: one.value, dir: "auto", "aria-label": label });
    const kind = kindChoice(offered, one.kind);
    value.addEventListener("input", () => {
      if (value.value !== "" && root === place.lastElementChild) line({ value: "", kind: "" });
    });
    const root = el("div", { class: "person-entry" }, value, kind);
    place.append(root);
  };
  for (const one of [...old, { value: "", kind: "" }]) line(one);
  return {
    root: el("div", { class: "field" }, el("span", {}, label), place),
    read: () =>
      [...place.children]
        .map((one) => ({ value: one.querySelector("input")!.value.trim(), kind: one.querySelector("select")!.value }))
        .filter(({ value }) => value !== ""),
  };
}

/** Postal addresses, each in fields of its own. */
function addressFields(old: readonly ContactAddress[]): { root: HTMLElement; read: () => ContactAddress[] } {
  const names: readonly (readonly [Exclude<keyof ContactAddress, "kind">, string])[] = [
    ["street", meant("address", "Street")],
    ["extended", meant("address", "Apartment")],
    ["box", t("PO box")],
    ["code", t("Postal code")],
    ["city", meant("address", "City")],
    ["region", t("State or region")],
    ["country", meant("address", "Country")],
  ];
  const place = el("div", { class: "person-entries" });
  const put = (one: ContactAddress) => {
    const kind = kindChoice(places, one.kind);
    const inputs = names.map(
      ([name, label]) =>
        [
          name,
          el("input", {
            class: "dialog-input",
            value: one[name],
            dir: "auto",
            maxlength: "1000",
            placeholder: label,
            "aria-label": label,
          }),
        ] as const,
    );
    const remove = t("Remove address");
    const root = el(
      "div",
      { class: "person-address", role: "group", "aria-label": meant("contact", "Address") },
      inputs.map(([, input]) => input),
      kind,
      el(
        "button",
        {
          class: "btn icon",
          type: "button",
          title: remove,
          "aria-label": remove,
          onclick: () => {
            root.remove();
            add.focus();
          },
        },
        sign(trash2),
      ),
    );
    place.append(root);
    const read = () =>
      ({
        kind: kind.value,
        ...Object.fromEntries(inputs.map(([name, input]) => [name, input.value.trim()])),
      }) as ContactAddress;
    readers.set(root, read);
    return inputs[0]![1];
  };
  const readers = new WeakMap<Element, () => ContactAddress>();
  const add = el(
    "button",
    { class: "btn line", type: "button", data: { adds: "" }, onclick: () => put(noAddress).focus() },
    t("Add address"),
  );
  for (const one of old) put(one);
  return {
    root: el("div", { class: "field" }, el("span", {}, meant("contact", "Address")), place, add),
    read: () => [...place.children].map((one) => readers.get(one)!()),
  };
}

/** Change a contact in a form, or make one; null if it stays as it was. `into`: the address book of a new one. */
export async function edit(
  page: Pick<Surroundings, "client" | "base">,
  books: readonly AddressBook[],
  card: ContactCard | null,
  first: ContactForm = empty,
  into = 0,
  again?: () => void,
): Promise<"saved" | "removed" | null> {
  const old = card?.form ?? first;
  const here = books.find(({ id }) => id === card?.book_id);
  const writable = books.filter((one) => one.writable);
  const home = here?.id ?? (writable.some(({ id }) => id === into) ? into : (writable[0]?.id ?? 0));
  const book = choice(
    t("Address book"),
    [...writable].sort(byOwner).map((one) => [String(one.id), bookName(one)] as const),
    String(home),
  );
  book.control.className = "dialog-input";
  const text = (value: string, name: string) =>
    el("input", { class: "dialog-input", value, dir: "auto", maxlength: "1000", autofocus: name === "name" });
  const name = field(t("Name"), text(old.name, "name"));
  const organization = field(t("Organization"), text(old.organization, ""));
  const details = old.details ?? bare;
  const job = field(t("Job title"), text(details.title, ""));
  const department = field(meant("contact", "Department"), text(details.department, ""));
  const nickname = field(meant("contact", "Nickname"), text(details.nickname, ""));
  const birthday = dateField(meant("contact", "Birthday"), details.birthday);
  const addresses = addressFields(details.addresses);
  const websites = entries(meant("contact", "Website"), "url", details.websites, places);
  const groups = field(t("Groups"), text(old.groups.join(", "), ""), t("Separate with commas."));
  const note = field(
    t("Note"),
    el("textarea", { class: "dialog-input", rows: "3", dir: "auto", maxlength: "20000", value: old.note }),
  );
  const emails = entries(t("Email"), "email", old.emails);
  const phones = entries(t("Phone"), "tel", old.phones);
  const key = old.emails[0]?.value ?? old.name;
  const photo = photoField(page.base, card?.photo ?? "", old.name, key);
  const title = card === null ? t("New contact") : isolated(old.name);
  return dialog<"saved" | "removed" | null>(title, (close) => {
    const save = async () => {
      const born = birthday.read();
      if (born === null) return;
      const form = {
        name: name.control.value.trim(),
        emails: emails.read(),
        phones: phones.read(),
        organization: organization.control.value.trim(),
        note: note.control.value,
        groups: groups.control.value
          .split(",")
          .map((one) => one.trim())
          .filter((one) => one !== ""),
        details: {
          nickname: nickname.control.value.trim(),
          title: job.control.value.trim(),
          department: department.control.value.trim(),
          birthday: born,
          addresses: addresses.read(),
          websites: websites.read(),
        },
      };
      if (form.name === "" && form.emails.length + form.phones.length === 0 && form.organization === "") {
        name.problem(t("Enter a name or an address."));
        name.control.focus();
        return;
      }
      try {
        const { client, base } = page;
        const wanted = Number(book.control.value) || home;
        const moves = card !== null && wanted !== home;
        const picture = photo.read();
        const former = picture === null ? null : await pictureOf(base, card?.photo ?? "");
        const id = await client.contact_save(
          form,
          card?.id ?? 0,
          card?.changed ?? 0,
          card === null ? wanted : 0,
          picture,
        );
        if (moves) await client.contact_move(id, wanted);
        close("saved");
        // what others change from now on is theirs
        const now = await client.contact(id).catch(() => null);
        tell(
          now !== null &&
            (async () => {
              if (card === null) return client.contact_remove(id, now.changed);
              await client.contact_save(old, id, now.changed, 0, former);
              return moves && client.contact_move(id, home);
            }),
        );
      } catch (error) {
        if (codeOf(error) === "user:conflict")
          name.problem(
            t("This contact was changed in another window or app. Close this form and open the contact again."),
          );
        else await showError(t("Couldn't save contact"), error);
      }
    };
    /** Say that the contact was saved, with its Undo. */
    const tell = (undo: false | (() => Promise<unknown>)) => {
      const run = () =>
        void attempt(t("Undoing…"), t("Couldn't undo"), async () => {
          if (undo !== false) await undo();
          again?.();
        });
      const words = card === null ? t("Added to your contacts") : t("Contact saved");
      toast(words, undo === false ? undefined : { title: t("Undo"), run });
    };
    const remove = async () => {
      await attempt(t("Deleting…"), t("Couldn't delete contact"), async () => {
        const gone = await page.client.contact_remove(card!.id, card!.changed);
        close("removed");
        toast(t("“{name}” deleted", { name: isolated(old.name) }), {
          title: t("Undo"),
          run: () =>
            void attempt(t("Restoring…"), t("Couldn't restore contact"), async () => {
              await page.client.contact_restore(gone, card!.book_id);
              again?.();
            }),
        });
      });
    };
    return [
      el(
        "form",
        { novalidate: true, onsubmit: once(save) },
        photo.root,
        el(
          "fieldset",
          { class: "person-fields" },
          name.root,
          emails.root,
          phones.root,
          organization.root,
          job.root,
          department.root,
          birthday.root,
          addresses.root,
          websites.root,
          nickname.root,
          groups.root,
          writable.length > 1 && book.root,
          note.root,
        ),
        el(
          "div",
          { class: "dialog-buttons" },
          card !== null && el("button", { class: "danger", type: "button", onclick: () => void remove() }, t("Delete")),
          el("button", { type: "button", onclick: () => close(null) }, t("Cancel")),
          el("button", { class: "primary", type: "submit" }, t("Save")),
        ),
      ),
    ];
  });
}

/** Copy a contact into one of these address books. */
export async function copyTo(
  page: Pick<Surroundings, "client">,
  card: ContactCard,
  places: readonly AddressBook[],
): Promise<boolean> {
  const done = await dialog<boolean>(t("Copy “{name}”", { name: isolated(card.form.name) }), (close) => {
    const book = choice(
      t("Address book"),
      places.map((one) => [String(one.id), bookName(one)] as const),
      String(places[0]!.id),
    );
    book.control.className = "dialog-input";
    const copy = async () => {
      const copied = await attempt(t("Copying…"), t("Couldn't copy contact"), () =>
        page.client.contact_move(card.id, Number(book.control.value), true),
      );
      if (copied) close(true);
    };
    return [
      el(
        "form",
        { onsubmit: once(copy) },
        book.root,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
          el("button", { class: "btn primary", type: "submit" }, t("Copy")),
        ),
      ),
    ];
  });
  return done === true;
}
