// Contacts (WEBMAIL-128), a place of their own (WEBMAIL-181): the list of an address book or group with a search, beside it the contact
// that is read, files in and out.

import type { AddressBook, ContactCard, ContactGroup, ContactItem } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { attempt } from "../../lib/dialogs";
import { el, fill, isolated, sign } from "../../lib/dom";
import { holdPlace } from "../../lib/focus";
import { check, plus, star, x } from "../../lib/icons";
import { focusedBy } from "../../lib/keyboard";
import { follow } from "../../lib/live";
import { phone } from "../../lib/phone";
import { redraw, released } from "../../lib/press";
import { openSearch } from "../../lib/searched";
import { adopt } from "../../lib/sheets";
import { byName, many, meant, t } from "../../lib/words";
import type { Navigation, Place, Surroundings, Writing } from "../commands/desk";
import { showDeleted } from "../ui/deleted";
import { archiveLink, exportLink, importFile } from "../ui/files";
import { emptyPlace, listsButton, searchField, sideButton } from "../ui/placeview";
import type * as BookPart from "../book/part";
import type * as DoublesPart from "../doubles/part";
import type * as GroupPart from "../group/part";
import type * as PersonPart from "../person/part";
import { between, mailSearch } from "./between";
import { drawShelves, type Shelf } from "./books";
import { drawCard } from "./card";
import { headOf, inOrder, letterStrip } from "./letters";
import { bookName, groupName, starred, writable } from "./names";
import { face } from "./photo";
import sheet from "./people.css";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "base" | "actions" | "load"> &
  Pick<Writing, "compose"> &
  Pick<Navigation, "openPlace" | "openSide" | "tellAddress">;

/** The form, once it is loaded. */
const form = (page: Page) => page.load<typeof PersonPart>("person");
/** Contacts in one page, and in one call at most. */
const [few, most] = [100, 1000];

let opened: { follow: () => void } | null = null;

/** Open the contacts, at the address book and contact of the address if it has them (WEBMAIL-63). */
export function openPage(page: Page): void {
  opened ??= makePage(page);
  opened.follow();
}

/** What an address names: an address book, 0 for all, a contact, 0 for none, and a group, "" for none; null where it is not of contacts. */
function placeIn(hash: string): (Shelf & { contact: number }) | null {
  const match = /^#people:(\d*)(?:,(\d*))?(?:,(.+))?$/.exec(hash);
  if (match === null) return null;
  return { book: Number(match[1]), contact: Number(match[2] ?? 0), group: decodeURIComponent(match[3] ?? "") };
}

function makePage(page: Page): { follow: () => void } {
  const search = searchField(
    t("Search contacts"),
    () => void load(true),
    () => list.querySelector<HTMLElement>("button")?.focus(),
  );
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
  const side = el("div", { class: "people-shelves" });
  const lists = listsButton(t("Address books"));
  const tools = el("div", { class: "people-tools" });
  const list = el("div", { role: "list", "aria-label": meant("place", "Contacts") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  const strip = letterStrip(
    (head) => jump(head),
    (head) => at(head)?.querySelector<HTMLElement>(".person-open")?.focus(),
  );
  const reading = el("div", { class: "people-reading" });
  const save = (form: string, name: string) => exportLink(page, `contacts.${form}`, name, "mailbox-open");
  const tool = (label: string, run: () => void) =>
    el("button", { class: "mailbox-open", type: "button", onclick: run }, label);
  const tidy = el(
    "div",
    { class: "people-files", role: "group", "aria-label": t("Import and export") },
    tool(t("Find duplicates…"), () =>
      opening(async () => (await page.load<typeof DoublesPart>("doubles")).showDoubles(page, books, anew)),
    ),
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
    side: el("div", { class: "place-side people-side" }, add, lists, el("div", { class: "side-lists" }, side, tidy)),
    view: el(
      "section",
      { class: "place-view people-page", "aria-label": meant("place", "Contacts") },
      el("header", { class: "place-head" }, sideButton(page), search.root, el("h1", {}, meant("place", "Contacts"))),
      el("div", { class: "people-main" }, tools, state, list, more),
      strip.root,
      reading,
      round,
    ),
  };
  const opening = (work: () => Promise<unknown>) => void attempt(t("Loading…"), t("Couldn't load contacts"), work);
  /** Do something of the part for groups. */
  const grouping = (work: (part: typeof GroupPart) => unknown) =>
    opening(async () => work(await page.load<typeof GroupPart>("group")));
  let books: readonly AddressBook[] = [];
  let groups: readonly ContactGroup[] = [];
  let shelf: Shelf = { book: 0, group: "" };
  let shown: ContactItem[] = [];
  /** Ids of the contacts that are selected, none of which needs to be in the list. */
  const selected = new Set<number>();
  /** Id of the contact that is read, 0 for none, and the contact once it is loaded. */
  let read = 0;
  let card: ContactCard | null = null;
  /** What there was with these addresses, which stays while the contact is drawn anew. */
  let history: { addresses: string; root: HTMLElement } | undefined;
  /** The contact after which the next page begins. */
  let after = 0;
  /** The letters of all contacts, as the server orders them. */
  let letters: readonly string[] = [];
  let turn = 0;

  /** Load the first page anew, with `least` rows if there are as many; or the next page of `least` rows. */
  const fetch = async (whole: boolean, least = few) => {
    const own = ++turn;
    const wanted = search.input.value.trim();
    const { book, group } = shelf;
    const size = Math.min(most, Math.max(few, least));
    let found = await page.client.contacts(wanted, group, whole ? 0 : after, book, size);
    const { letters: all } = found;
    const pages = [...(whole ? [] : shown), ...found.contacts];
    while (whole && found.more && pages.length < least && own === turn) {
      found = await page.client.contacts(wanted, group, pages.at(-1)!.id, book, size);
      pages.push(...found.contacts);
    }
    await released(list);
    if (own !== turn) return;
    after = found.contacts.at(-1)?.id ?? 0;
    // pages come as the server orders names, which knows no languages
    shown = pages.sort((a, b) => byName(a.name, b.name));
    if (whole) letters = all;
    const heads = shown.map(({ name }) => headOf(name));
    await redraw(list, () =>
      fill(
        list,
        shown.map((one, n) => row(page, one, books, shelf, heads[n] === heads[n - 1] ? "" : heads[n]!, rows)),
      ),
    );
    // few contacts are seen at once
    strip.draw(shown.length < 10 ? [] : inOrder([...letters.map(headOf), ...heads]));
    mark();
    more.hidden = !found.more;
    const number = wanted === "" ? found.total : shown.length;
    state.textContent =
      found.total === 0
        ? t("No contacts yet. Add one or import a file from your phone or another mail app.")
        : shown.length > 0
          ? group !== "" || (wanted !== "" && found.more)
            ? ""
            : many(number, "{n} contact", "{n} contacts")
          : group === "" || wanted !== ""
            ? t("No matching contacts")
            : group === starred
              ? t("No favorites yet. To add one, open a contact and click the star.")
              : t("No contacts in this group");
    state.hidden = state.textContent === "";
    state.classList.toggle("place-empty", shown.length === 0);
  };
  const load = (whole: boolean) => attempt(t("Loading…"), t("Couldn't load contacts"), () => fetch(whole));
  /** The first row under a letter. */
  const at = (head: string) => list.querySelector<HTMLElement>(`[data-head="${CSS.escape(head)}"]`);
  let jumping = 0;
  /** Show the names under a letter, of which the page may not have been loaded yet. */
  const jump = (head: string) => {
    const own = ++jumping;
    return attempt(t("Loading…"), t("Couldn't load contacts"), async () => {
      while (at(head) === null && !more.hidden && own === jumping) await fetch(false, most);
      if (own === jumping) at(head)?.scrollIntoView({ block: "start" });
    });
  };
  const tell = () => {
    const { book, group } = shelf;
    const more = group === "" ? "" : `,${encodeURIComponent(group)}`;
    page.tellAddress(
      `#people:${book || ""}${read > 0 || more !== "" ? `,${read || ""}` : ""}${more}`,
      card === null ? "" : isolated(card.form.name),
    );
  };
  /** Mark the row of the contact that is read, and those that are selected. */
  const mark = () => {
    for (const one of list.querySelectorAll<HTMLElement>(".person")) {
      const id = Number(one.dataset.contact);
      const [box, open] = one.querySelectorAll<HTMLElement>("button");
      box!.ariaChecked = String(selected.has(id));
      if (id === read) open!.setAttribute("aria-current", "true");
      else open!.removeAttribute("aria-current");
    }
  };
  const rows: RowActions = {
    open: (id) => void open(id),
    select: (id) => {
      if (!selected.delete(id)) selected.add(id);
      mark();
      drawTools();
    },
    leave: (one) => grouping((part) => part.leave(page, shelf.group, one, anew)),
  };
  /** What can be done with the contacts that are selected, or with the group that is shown. */
  const drawTools = () => {
    const giveBack = holdPlace(tools);
    const { group } = shelf;
    const ids = [...selected];
    const button = (words: string, run: (anchor: HTMLElement) => void, kind = "btn line") =>
      el(
        "button",
        { class: kind, type: "button", onclick: (event: Event) => run(event.currentTarget as HTMLElement) },
        words,
      );
    fill(
      tools,
      ids.length > 0
        ? [
            el("span", { class: "people-chosen" }, t("{n} selected", { n: ids.length })),
            button(t("Groups"), (anchor) =>
              grouping((part) => part.chooseGroup(page, anchor, ids, null, groups, regrouped)),
            ),
            button(t("Clear"), () => {
              selected.clear();
              mark();
              drawTools();
              list.querySelector<HTMLElement>(".person-open")?.focus();
            }),
          ]
        : group !== "" && [
            el("h2", {}, el("bdi", { dir: "auto" }, groupName(group))),
            group !== starred &&
              el(
                "div",
                { class: "people-acts", role: "toolbar", "aria-label": t("Group actions") },
                button(t("Email all"), () => grouping((part) => part.writeToAll(page, group)), "btn soft"),
                button(t("Add people…"), () => grouping((part) => part.addPeople(page, group, anew))),
                button(t("Rename…"), () => grouping((part) => part.rename(page, group, moved))),
                button(t("Delete group"), () => grouping((part) => part.remove(page, group, moved))),
              ),
          ],
    );
    giveBack();
  };
  const changeStar = (now: ContactCard) =>
    writable(books, now.book_id) &&
    void attempt(t("Saving…"), t("Couldn't update favorites"), async () => {
      await page.client.contacts_group([now.id], starred, !now.starred);
      await anew();
    });
  /** Contacts were put into a group. */
  const regrouped = () => {
    selected.clear();
    drawTools();
    return anew();
  };
  /** Show a group that is new, or has another name; "": the one that was shown is gone. */
  const moved = (group: string) => {
    shelf = { book: 0, group };
    read = 0;
    tell();
    return anew();
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
        ? read === 0 && emptyPlace({ title: t("No contact selected") })
        : drawCard(
            page.base,
            now,
            books,
            {
              back: close,
              write: (address) => page.compose("new", mailto(now.form.name, address)),
              mails: () => openSearch(mailSearch(emails)),
              edit: () => change(now),
              openGroup: (group) => choose({ book: 0, group }),
              groups: (anchor) =>
                grouping((part) => part.chooseGroup(page, anchor, [now.id], now.form.groups, groups, anew)),
              star: () => changeStar(now),
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
    if (found !== null) tell();
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
    list.querySelector<HTMLElement>(`[data-contact="${id}"] .person-open`)?.focus();
  };
  const choose = (wanted: Shelf) => {
    shelf = wanted;
    // what covers the list is closed, so that the choice is seen
    if (lists.ariaExpanded === "true") lists.click();
    else if (document.body.classList.contains("show-side")) page.openSide();
    read = 0;
    card = null;
    selected.clear();
    tell();
    draw();
    drawReading();
    void load(true);
  };
  const draw = () => {
    add.hidden = round.hidden = !writable(books, shelf.book);
    const giveBack = holdPlace(side);
    drawShelves(side, books, groups, shelf, {
      choose,
      changeBook: (one) =>
        opening(async () => {
          const part = await page.load<typeof BookPart>("book");
          await (one === null || one.owner === "" ? part.change(page.client, one, anew) : part.about(one));
        }),
      addGroup: () => grouping((part) => part.addGroup(page, [], moved)),
    });
    giveBack();
    drawTools();
  };
  /** Load the address books, and what is shown of them. */
  const anew = async () => {
    await attempt(t("Loading…"), t("Couldn't load contacts"), () => all());
  };
  const all = async (least = 0) => {
    const [found, named] = await Promise.all([page.client.address_books(), page.client.contact_groups()]);
    await released(side);
    [books, groups] = [found, named];
    // one that is gone is left
    shelf = {
      book: books.find(({ id }) => id === shelf.book)?.id ?? 0,
      group: shelf.group === starred || groups.some(({ name }) => name === shelf.group) ? shelf.group : "",
    };
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
    const target = focusedBy(event);
    if (!place.view.isConnected || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (
      document.querySelector("dialog:modal, .menu") !== null ||
      target.closest("input, select, textarea, .composer") !== null
    )
      return;
    const row = target.closest<HTMLElement>(".person");
    if (event.key === "Escape" && selected.size > 0) {
      selected.clear();
      mark();
      drawTools();
    } else if (event.key === "Escape" && read > 0) close();
    else if (event.key === "x" && row !== null) rows.select(Number(row.dataset.contact));
    else if (event.key === "s" && card !== null) changeStar(card);
    else if (event.key === "/") search.input.focus();
    else if (event.key === "c" || event.key === "n") void begin();
    else return;
    event.preventDefault();
  });
  more.addEventListener("click", () => void load(false));
  const begin = () =>
    attempt(t("Loading…"), t("Couldn't open contact"), async () => {
      const { edit, empty } = await form(page);
      const first = shelf.group === "" ? empty : { ...empty, groups: [shelf.group] };
      if (await edit(page, books, null, first, shelf.book, () => void anew())) await anew();
    });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen !== undefined) void take(page, chosen).then(anew);
  });
  return {
    follow: () => {
      const asked = placeIn(location.hash);
      if (asked !== null) shelf = { book: asked.book, group: asked.group };
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

interface RowActions {
  open(id: number): void;
  select(id: number): void;
  /** Take a contact out of the group that is shown. */
  leave(one: ContactItem): void;
}

function row(
  page: Page,
  one: ContactItem,
  books: readonly AddressBook[],
  shelf: Shelf,
  head: string,
  actions: RowActions,
): HTMLElement {
  const [address] = one.emails;
  const home = shelf.book === 0 && books.length > 1 ? books.find(({ id }) => id === one.book_id) : undefined;
  const facts = [...one.emails, one.organization, home === undefined ? "" : bookName(home)].filter(
    (text) => text !== "" && text !== one.name,
  );
  const name = isolated(one.name);
  const leave =
    shelf.group === starred
      ? t("Remove “{name}” from favorites", { name })
      : t("Remove “{name}” from this group", { name });
  return el(
    "div",
    { class: "person", role: "listitem", data: { contact: String(one.id), head } },
    el(
      "button",
      {
        class: "person-box",
        type: "button",
        role: "checkbox",
        tabindex: "-1",
        "aria-label": t("Select “{name}”", { name }),
        title: t("Select (x)"),
        onclick: () => actions.select(one.id),
      },
      face(page.base, one.photo, one.name, address ?? one.name),
      sign(check),
    ),
    el(
      "button",
      { class: "person-open", type: "button", onclick: () => actions.open(one.id) },
      el("span", { class: "person-name" }, el("bdi", { dir: "auto" }, name)),
      el("span", { class: "person-facts" }, facts.map(isolated).join(" · ")),
      one.starred && el("span", { class: "person-star", title: groupName(starred) }, sign(star)),
    ),
    shelf.group !== "" &&
      writable(books, one.book_id) &&
      el(
        "button",
        {
          class: "btn icon small person-leave",
          type: "button",
          title: leave,
          "aria-label": leave,
          onclick: () => actions.leave(one),
        },
        sign(x),
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
    await edit(page, books, null, first);
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
