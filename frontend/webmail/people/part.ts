// Contacts (WEBMAIL-128): a list with a search and groups, each contact as a form, files in and out.

import type { ContactCard, ContactEntry, ContactForm, ContactItem } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt, dialog, showError } from "../../lib/dialogs";
import { hue, initials } from "../../lib/disc";
import { el, fill, isolated } from "../../lib/dom";
import { field } from "../../lib/fields";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { many, t } from "../../lib/words";
import type { Surroundings, Writing } from "../commands/desk";
import { openBeside } from "../ui/beside";
import { showDeleted } from "../ui/deleted";
import { exportLink, importFile } from "../ui/files";
import sheet from "./people.css";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "base" | "actions"> & Pick<Writing, "compose">;

const empty: ContactForm = { name: "", emails: [], phones: [], organization: "", note: "", groups: [] };

/** Milliseconds after the last key until the list is asked for. */
const pause = 150;

/** Names of the kinds of addresses and numbers. */
const kinds: readonly (readonly [string, string])[] = [
  ["", t("Other")],
  ["home", t("Private")],
  ["work", t("Work")],
  ["mobile", t("Mobile")],
  ["fax", t("Fax")],
];

/** Open the page. */
export function openPage(page: Page): void {
  const search = el("input", { type: "search", class: "dialog-input", placeholder: t("Search people"), dir: "auto" });
  search.setAttribute("aria-label", t("Search people"));
  const group = el("select", { class: "dialog-input", "aria-label": t("Group"), hidden: true });
  const file = el("input", { type: "file", accept: ".vcf,.csv,text/vcard,text/csv", hidden: true });
  const add = el("button", { class: "btn primary", type: "button" }, t("New contact"));
  const { body, close } = openBeside(t("People"), [add]);
  const list = el("div", { role: "list", "aria-label": t("People") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  const save = (form: string, name: string) => exportLink(page, `contacts.${form}`, name, "button");
  const files = el(
    "div",
    { class: "people-tools" },
    el("button", { class: "btn line", type: "button", onclick: () => file.click() }, t("Import a file…")),
    save("vcf", t("Export as vCards")),
    save("csv", t("Export as a table")),
    el(
      "button",
      { class: "btn line", type: "button", onclick: () => void showDeleted(page.client, "contact", () => load(true)) },
      t("Deleted contacts…"),
    ),
    file,
  );
  fill(body, el("div", { class: "people-tools" }, search, group), state, list, more, files);
  /** The contact after which the next page begins. */
  let after = 0;
  let turn = 0;
  let timer = 0;

  const load = async (anew: boolean) => {
    const own = ++turn;
    await attempt(t("Loading contacts"), async () => {
      const found = await page.client.contacts(search.value.trim(), group.value, anew ? 0 : after);
      if (own !== turn) return;
      if (anew) fill(list);
      list.append(...found.contacts.map((one) => row(page, one, () => load(true), close)));
      after = found.contacts.at(-1)?.id ?? 0;
      more.hidden = !found.more;
      const chosen = group.value;
      fill(
        group,
        el("option", { value: "" }, t("All groups")),
        found.groups.map(({ name, contacts }) => el("option", { value: name }, `${isolated(name)} (${contacts})`)),
      );
      group.value = found.groups.some(({ name }) => name === chosen) ? chosen : "";
      group.hidden = found.groups.length === 0;
      state.textContent =
        found.total === 0
          ? t("No contacts yet. Add one, or import a file from your phone or another mail program.")
          : list.childElementCount === 0
            ? t("No contact has this text.")
            : many(found.total, "One contact", "{n} contacts");
    });
  };
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void load(true), pause);
  });
  group.addEventListener("change", () => void load(true));
  more.addEventListener("click", () => void load(false));
  add.addEventListener("click", () => void edit(page, null).then(async (done) => (done ? load(true) : undefined)));
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen !== undefined) void read(page, chosen).then(() => load(true));
  });
  void load(true);
}

function row(page: Page, one: ContactItem, again: () => Promise<void>, close: () => void): HTMLElement {
  const [address] = one.emails;
  const facts = [...one.emails, one.organization].filter((text) => text !== "" && text !== one.name);
  const open = async () => {
    let card: ContactCard | null = null;
    await attempt(t("Opening the contact"), async () => {
      card = await page.client.contact(one.id);
    });
    if (card === null || (await edit(page, card, empty, () => void again()))) await again();
  };
  return el(
    "div",
    { class: "person", role: "listitem" },
    el("span", { class: `disc person-disc c${hue(address ?? one.name)}`, "aria-hidden": "true" }, initials(one.name)),
    el(
      "button",
      { class: "person-open", type: "button", onclick: () => void open() },
      el("bdi", { class: "person-name", dir: "auto" }, isolated(one.name)),
      el("span", { class: "person-facts" }, facts.map(isolated).join(" · ")),
    ),
    address !== undefined &&
      el(
        "span",
        { class: "person-actions" },
        el(
          "button",
          {
            class: "btn line",
            type: "button",
            onclick: () => {
              close();
              page.compose("new", mailto(one.name, address));
            },
          },
          t("Write"),
        ),
        el(
          "button",
          {
            class: "btn line",
            type: "button",
            onclick: () => {
              close();
              location.hash = `search:${encodeURIComponent(one.emails.map((each) => `from:${each}`)[0]!)}`;
            },
          },
          t("Show mail"),
        ),
      ),
  );
}

/** A link that fills in a new message to this person. */
function mailto(name: string, address: string): string {
  const party = name === "" || name === address ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`;
  return `mailto:?to=${encodeURIComponent(party)}`;
}

/** A list of addresses or numbers, the last of which is empty. */
function entries(
  label: string,
  type: string,
  old: readonly ContactEntry[],
): { root: HTMLElement; read: () => ContactEntry[] } {
  const place = el("div", { class: "person-entries" });
  const line = (one: ContactEntry) => {
    const value = el("input", { class: "dialog-input", type, value: one.value, dir: "auto", "aria-label": label });
    const kind = el("select", { class: "dialog-input", "aria-label": t("Kind") });
    fill(
      kind,
      kinds.map(([name, text]) => el("option", { value: name }, text)),
      !kinds.some(([name]) => name === one.kind) && el("option", { value: one.kind }, one.kind),
    );
    kind.value = one.kind;
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

/** Show a contact as a form, or an empty one; true if it was changed or removed. */
async function edit(
  page: Page,
  card: ContactCard | null,
  first: ContactForm = empty,
  again?: () => void,
): Promise<boolean> {
  const old = card?.form ?? first;
  const text = (value: string, name: string) =>
    el("input", { class: "dialog-input", value, dir: "auto", maxlength: "1000", autofocus: name === "name" });
  const name = field(t("Name"), text(old.name, "name"));
  const organization = field(t("Organisation"), text(old.organization, ""));
  const groups = field(t("Groups"), text(old.groups.join(", "), ""), t("Separated by commas."));
  const note = field(
    t("Note"),
    el("textarea", { class: "dialog-input", rows: "3", dir: "auto", maxlength: "20000", value: old.note }),
  );
  const emails = entries(t("Email"), "email", old.emails);
  const phones = entries(t("Phone"), "tel", old.phones);
  const title = card === null ? t("New contact") : isolated(old.name);
  const done = await dialog<boolean>(title, (close) => {
    const save = async () => {
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
      };
      if (form.name === "" && form.emails.length + form.phones.length === 0 && form.organization === "") {
        name.problem(t("A contact needs a name or an address."));
        name.control.focus();
        return;
      }
      try {
        await page.client.contact_save(form, card?.id ?? 0, card?.changed ?? 0);
        close(true);
      } catch (error) {
        if (codeOf(error) === "user:conflict")
          name.problem(t("This contact was changed in another window. Close this one and open it again."));
        else await showError(t("Saving the contact"), error);
      }
    };
    const remove = async () => {
      await attempt(t("Removing the contact"), async () => {
        const gone = await page.client.contact_remove(card!.id);
        close(true);
        toast(t("“{name}” removed", { name: isolated(old.name) }), {
          title: t("Undo"),
          run: () =>
            void attempt(t("Restoring the contact"), async () => {
              await page.client.contact_restore(gone);
              again?.();
            }),
        });
      });
    };
    const submitted = (event: Event) => {
      event.preventDefault();
      void save();
    };
    return [
      el(
        "form",
        { novalidate: true, onsubmit: submitted },
        name.root,
        emails.root,
        phones.root,
        organization.root,
        groups.root,
        note.root,
        card !== null &&
          card.further.length > 0 &&
          el("p", { class: "hint" }, t("Kept, and exported: {names}", { names: card.further.join(", ") })),
        el(
          "div",
          { class: "dialog-buttons" },
          card !== null && el("button", { type: "button", onclick: () => void remove() }, t("Remove")),
          el("button", { type: "button", onclick: () => close(false) }, t("Cancel")),
          el("button", { class: "primary", type: "submit" }, t("Save")),
        ),
      ),
    ];
  });
  return done === true;
}

/** Add the sender of a message, with a form to look at first; a contact that is there is opened. */
export async function addSender(page: Page, name: string, address: string): Promise<void> {
  let card: ContactCard | null = null;
  const looked = await attempt(t("Looking for the contact"), async () => {
    const { contacts } = await page.client.contacts(address);
    const known = contacts.find(({ emails }) => emails.some((one) => one.toLowerCase() === address.toLowerCase()));
    if (known !== undefined) card = await page.client.contact(known.id);
  });
  const form = { ...empty, name: name || address, emails: [{ value: address, kind: "" }] };
  if (looked && (await edit(page, card, form))) toast(card === null ? t("Added to your contacts") : t("Saved"));
}

/** Import a file. */
function read(page: Page, file: File): Promise<unknown> {
  return importFile(page, file, t("Importing contacts"), async (uploadID) => {
    const done = await page.client.contacts_import(uploadID);
    return { ...done, words: many(done.added, "One contact added", "{n} contacts added") };
  });
}
