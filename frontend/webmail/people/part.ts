// Contacts (WEBMAIL-128), a place of their own (WEBMAIL-181): a list with a search and groups, beside it the contact that is read, files
// in and out.

import type { AddressBook, ContactCard, ContactItem } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { el, fill, isolated, sign } from "../../lib/dom";
import { plus } from "../../lib/icons";
import { follow } from "../../lib/live";
import { phone } from "../../lib/phone";
import { redraw, released } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { byName, many, meant, t } from "../../lib/words";
import type { Navigation, Place, Surroundings, Writing } from "../commands/desk";
import { showDeleted } from "../ui/deleted";
import { archiveLink, exportLink, importFile } from "../ui/files";
import { listsButton, searchField, sideButton } from "../ui/placeview";
import type * as PersonPart from "../person/part";
import { between, mailSearch } from "./between";
import { bookName, drawBooks } from "./books";
import { drawCard } from "./card";
import { showDoubles } from "./doubles";
import { face } from "./photo";
import sheet from "./people.css";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "base" | "actions" | "load"> &
  Pick<Writing, "compose"> &
  Pick<Navigation, "openPlace" | "openSide" | "tellAddress">;

/** The form, once it is loaded. */
const form = (page: Page) => page.load<typeof PersonPart>("person");

let opened: { follow: () => void } | null = null;

/** Open the contacts, at the address book and contact of the address if it has them (WEBMAIL-63). */
export function openPage(page: Page): void {
  opened ??= makePage(page);
  opened.follow();
}

/** The id of the address book, 0 for all, and of the contact, 0 for none, that an address names; null where it is not of contacts. */
function placeIn(hash: string): { book: number; contact: number } | null {
  const match = /^#people:(\d*)(?:,(\d+))?$/.exec(hash);
  return match === null ? null : { book: Number(match[1]), contact: Number(match[2] ?? 0) };
}

function makePage(page: Page): { follow: () => void } {
  const search = searchField(
    t("Search contacts"),
    () => void load(true),
    () => list.querySelector<HTMLElement>("button")?.focus(),
  );
  const group = el("select", { class: "dialog-input", "aria-label": t("Group"), hidden: true });
  const file = el("input", { type: "file", accept: ".vcf,.csv,.zip,text/vcard,text/csv", hidden: true });
  const words = t("New contact");
  const adding = (kind: string, ...label: (Node | string)[]) =>
    el(
      "button",
      { class: kind, type: "button", "aria-label": words, title: words, onclick: () => void begin() },
      label,
    );
  const add = adding("primary place-new", sign(plus), el("span", {}, words));
  const round = adding("compose-round", sign(plus));
  const side = el("div", { role: "group", "aria-label": t("Address books") });
  const list = el("div", { role: "list", "aria-label": meant("place", "Contacts") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  const reading = el("div", { class: "people-reading" });
  const save = (form: string, name: string) => exportLink(page, `contacts.${form}`, name, "mailbox-open");
  const tool = (label: string, run: () => void) =>
    el("button", { class: "mailbox-open", type: "button", onclick: run }, label);
  const tidy = el(
    "div",
    { class: "people-files", role: "group", "aria-label": t("Import and export") },
    tool(t("Find duplicates…"), () => void showDoubles(page, books, anew)),
    tool(t("Deleted contacts…"), () => void showDeleted(page.client, "contact", () => anew())),
    tool(t("Import…"), () => file.click()),
    save("vcf", t("Export as vCards")),
    save("csv", t("Export as CSV")),
    archiveLink(page, "mailbox-open"),
    file,
  );
  const place: Place = {
    name: "people",
    title: meant("place", "Contacts"),
    side: el(
      "div",
      { class: "place-side people-side" },
      add,
      listsButton(t("Address books")),
      el("div", { class: "side-lists" }, side, tidy),
    ),
    view: el(
      "section",
      { class: "place-view people-page", "aria-label": meant("place", "Contacts") },
      el("header", { class: "place-head" }, sideButton(page), search.root, el("h1", {}, meant("place", "Contacts"))),
      el("div", { class: "people-main" }, el("div", { class: "people-tools" }, group), state, list, more),
      reading,
      round,
    ),
  };
  let books: readonly AddressBook[] = [];
  /** Id of the address book that is shown, 0 for all. */
  let book = 0;
  let shown: ContactItem[] = [];
  /** Id of the contact that is read, 0 for none, and the contact once it is loaded. */
  let read = 0;
  let card: ContactCard | null = null;
  /** What there was with these addresses, which stays while the contact is drawn anew. */
  let history: { addresses: string; root: HTMLElement } | undefined;
  /** The contact after which the next page begins. */
  let after = 0;
  let turn = 0;

  /** Load the first page anew, with `least` rows if there are as many; or the next page. */
  const fetch = async (whole: boolean, least = 0) => {
    const own = ++turn;
    const wanted = search.input.value.trim();
    let found = await page.client.contacts(wanted, group.value, whole ? 0 : after, book);
    const pages = [...(whole ? [] : shown), ...found.contacts];
    while (whole && found.more && pages.length < least && own === turn) {
      found = await page.client.contacts(wanted, group.value, pages.at(-1)!.id, book);
      pages.push(...found.contacts);
    }
    await released(list);
    if (own !== turn) return;
    after = found.contacts.at(-1)?.id ?? 0;
    // pages come as the server orders names, which knows no languages
    shown = pages.sort((a, b) => byName(a.name, b.name));
    await redraw(list, () =>
      fill(
        list,
        shown.map((one) => row(page, one, books, book === 0, () => void open(one.id))),
      ),
    );
    mark();
    more.hidden = !found.more;
    const chosen = group.value;
    fill(
      group,
      el("option", { value: "" }, t("All groups")),
      [...found.groups]
        .sort((a, b) => byName(a.name, b.name))
        .map(({ name, contacts }) => el("option", { value: name }, `${isolated(name)} (${contacts})`)),
    );
    group.value = found.groups.some(({ name }) => name === chosen) ? chosen : "";
    group.hidden = found.groups.length === 0;
    state.textContent =
      found.total === 0
        ? t("No contacts yet. Add one or import a file from your phone or another mail app.")
        : list.childElementCount === 0
          ? t("No matching contacts")
          : many(found.total, "{n} contact", "{n} contacts");
  };
  const load = (whole: boolean) => attempt(t("Loading…"), t("Couldn't load contacts"), () => fetch(whole));
  const tell = () => page.tellAddress(`#people:${book || ""}${read > 0 ? `,${read}` : ""}`);
  /** Mark the row of the contact that is read. */
  const mark = () => {
    for (const one of list.querySelectorAll<HTMLElement>(".person-open"))
      if (Number(one.dataset.contact) === read) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
  };
  const change = (now: ContactCard) =>
    void attempt(t("Loading…"), t("Couldn't open contact"), async () => {
      const done = await (await form(page)).edit(page, books, now, undefined, 0, () => void anew());
      if (done === "removed") close();
      if (done !== null) await anew();
    });
  const drawReading = () => {
    place.view.classList.toggle("reading", read > 0);
    const now = card;
    const emails = now?.form.emails.map(({ value }) => value) ?? [];
    if (now === null) history = undefined;
    else if (history?.addresses !== emails.join(" "))
      history = { addresses: emails.join(" "), root: between(page, emails) };
    fill(
      reading,
      now === null
        ? read === 0 && el("p", { class: "people-none" }, t("No contact selected"))
        : drawCard(
            page.base,
            now,
            books,
            {
              back: close,
              write: (address) => page.compose("new", mailto(now.form.name, address)),
              mails: () => {
                location.hash = `search:${encodeURIComponent(mailSearch(emails))}`;
              },
              edit: () => change(now),
              copy: () => {
                const others = books.filter((one) => one.writable && one.id !== now.book_id);
                void attempt(t("Loading…"), t("Couldn't open contact"), async () => {
                  if (await (await form(page)).copyTo(page, now, others)) await anew();
                });
              },
            },
            history!.root,
          ),
    );
  };
  /** Load the contact that is read; one that is gone is closed. */
  const fetchCard = async () => {
    const own = read;
    let found: ContactCard | null = null;
    try {
      if (own > 0) found = await page.client.contact(own);
    } catch (error) {
      if (codeOf(error) !== "user:notFound") throw error;
    }
    await released(reading);
    if (own !== read) return;
    card = found;
    if (found === null && own > 0) {
      read = 0;
      tell();
      mark();
    }
    await redraw(reading, drawReading);
  };
  const open = async (id: number) => {
    read = id;
    card = null;
    tell();
    mark();
    drawReading();
    if (!(await attempt(t("Loading…"), t("Couldn't open contact"), fetchCard))) close();
    else if (phone.matches) reading.querySelector<HTMLElement>("button")?.focus();
    else reading.scrollTop = 0;
  };
  const close = () => {
    const id = read;
    read = 0;
    card = null;
    tell();
    mark();
    drawReading();
    list.querySelector<HTMLElement>(`[data-contact="${id}"]`)?.focus();
  };
  const draw = () => {
    const focused = side.contains(document.activeElement);
    add.hidden = round.hidden = !(books.find(({ id }) => id === book)?.writable ?? true);
    drawBooks(
      side,
      page.client,
      books,
      book,
      (id) => {
        book = id;
        group.value = "";
        read = 0;
        card = null;
        tell();
        draw();
        drawReading();
        void load(true);
      },
      anew,
    );
    if (focused) side.querySelector<HTMLElement>(`[data-book="${book}"]`)?.focus();
  };
  /** Load the address books, and what is shown of them. */
  const anew = async () => {
    await attempt(t("Loading…"), t("Couldn't load contacts"), () => all());
  };
  const all = async (least = 0) => {
    const found = await page.client.address_books();
    await released(side);
    books = found;
    if (!books.some(({ id }) => id === book)) book = 0;
    draw();
    await Promise.all([fetch(true, least), fetchCard()]);
  };
  // a reader may be far below the first page
  const live = follow(
    () => all(shown.length),
    (failed) => {
      if (failed) state.textContent = t("Couldn't load the latest changes. Trying again…");
    },
  );
  addEventListener("contacts", () => place.view.isConnected && live.changed());
  addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (!place.view.isConnected || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (
      document.querySelector("dialog:modal, .menu") !== null ||
      target.closest("input, select, textarea, .composer") !== null
    )
      return;
    if (event.key === "Escape" && read > 0) close();
    else if (event.key === "/") search.input.focus();
    else if (event.key === "c" || event.key === "n") void begin();
    else return;
    event.preventDefault();
  });
  group.addEventListener("change", () => void load(true));
  more.addEventListener("click", () => void load(false));
  const begin = () =>
    attempt(t("Loading…"), t("Couldn't open contact"), async () => {
      if (await (await form(page)).edit(page, books, null, undefined, book)) await anew();
    });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen !== undefined) void take(page, chosen).then(anew);
  });
  return {
    follow: () => {
      const asked = placeIn(location.hash);
      book = asked?.book ?? book;
      read = asked?.contact ?? (phone.matches ? 0 : read);
      if (card?.id !== read) card = null;
      tell();
      page.openPlace(place);
      mark();
      drawReading();
      void anew().then(() => {
        if (document.activeElement === place.view)
          list.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
      });
    },
  };
}

function row(
  page: Page,
  one: ContactItem,
  books: readonly AddressBook[],
  whole: boolean,
  open: () => void,
): HTMLElement {
  const [address] = one.emails;
  const home = whole && books.length > 1 ? books.find(({ id }) => id === one.book_id) : undefined;
  const facts = [...one.emails, one.organization, home === undefined ? "" : bookName(home)].filter(
    (text) => text !== "" && text !== one.name,
  );
  return el(
    "div",
    { class: "person", role: "listitem" },
    el(
      "button",
      { class: "person-open", type: "button", data: { contact: String(one.id) }, onclick: open },
      face(page.base, one.photo, one.name, address ?? one.name),
      el(
        "span",
        {},
        el("span", { class: "person-name" }, el("bdi", { dir: "auto" }, isolated(one.name))),
        el("span", { class: "person-facts" }, facts.map(isolated).join(" · ")),
      ),
    ),
  );
}

/** A link that fills in a new message to this person. */
function mailto(name: string, address: string): string {
  const party = name === "" || name === address ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`;
  return `mailto:?to=${encodeURIComponent(party)}`;
}

/** Add the sender of a message, with a form to look at first; a contact that is there is opened. */
export async function addSender(page: Page, name: string, address: string): Promise<void> {
  let books: readonly AddressBook[] = [];
  let known: ContactItem | undefined;
  const looked = await attempt(t("Loading…"), t("Couldn't load contacts"), async () => {
    books = await page.client.address_books();
    const { contacts } = await page.client.contacts(address);
    known = contacts.find(({ emails }) => emails.some((one) => one.toLowerCase() === address.toLowerCase()));
  });
  if (known !== undefined) {
    location.hash = `people:,${known.id}`;
    return;
  }
  if (!looked) return;
  await attempt(t("Loading…"), t("Couldn't open contact"), async () => {
    const { edit, empty } = await form(page);
    const first = { ...empty, name: name || address, emails: [{ value: address, kind: "" }] };
    if (await edit(page, books, null, first)) toast(t("Added to your contacts"));
  });
}

/** Import a file. */
function take(page: Page, file: File): Promise<unknown> {
  return importFile(
    page,
    file,
    t("Importing…"),
    t("Couldn't import contacts"),
    (uploadID) => page.client.contacts_import(uploadID),
    (added) => many(added, "{n} entry added", "{n} entries added"),
  );
}
