// Contacts that seem to be one person (WEBMAIL-128c): shown in groups, and merged by the user's choice.

import type { AddressBook, ContactItem, DoubleGroup } from "../../gen/webmail";
import { attempt, dialog, setStatus } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { bookName } from "../people/names";
import { face } from "../people/photo";
import sheet from "./doubles.css";

adopt(sheet);

type Page = Pick<Surroundings, "client" | "base">;

let named = 0;

/** Show groups of contacts that may be merged; `again` draws the page anew after a merge. */
export async function showDoubles(
  page: Page,
  books: readonly AddressBook[],
  again: () => Promise<void>,
): Promise<void> {
  const place = el("div", { class: "doubles" });
  const draw = async () => {
    const { groups, total } = await page.client.contacts_doubles();
    fill(
      place,
      groups.map((one) => group(page, books, one, merged)),
      total > groups.length &&
        el("p", { class: "hint" }, many(total - groups.length, "{n} more group", "{n} more groups")),
      total === 0 &&
        el(
          "p",
          { class: "dialog-text" },
          t("No duplicates. Contacts are duplicates if they share an address, or a name and phone number."),
        ),
    );
  };
  const merged = (kept: ContactItem, others: readonly number[], changed: number) =>
    attempt(t("Merging…"), t("Couldn't merge contacts"), async () => {
      await page.client.contacts_merge(kept.id, others.slice(), changed);
      await Promise.all([draw(), again()]);
      (place.querySelector<HTMLElement>("input") ?? place.parentElement?.querySelector("button"))?.focus();
      setStatus(t("Contacts merged. You can restore the others for 30 days."));
    });
  if (!(await attempt(t("Finding duplicates…"), t("Couldn't find duplicates"), draw))) return;
  await dialog<void>(t("Duplicates"), (close) => [
    place,
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}

function group(
  page: Page,
  books: readonly AddressBook[],
  one: DoubleGroup,
  merge: (kept: ContactItem, others: readonly number[], changed: number) => Promise<unknown>,
): HTMLElement {
  const name = `double-${++named}`;
  const rows = one.contacts.map((contact, at) => {
    const keep = el("input", { type: "radio", name });
    keep.checked = at === 0;
    const merging = t("Merge “{name}”", { name: isolated(contact.name) });
    const include = el("input", { type: "checkbox", title: merging, "aria-label": merging });
    include.checked = true;
    const book = books.length > 1 ? books.find(({ id }) => id === contact.book_id) : undefined;
    const facts = [...contact.emails, contact.organization, book === undefined ? "" : bookName(book)];
    const root = el(
      "div",
      { class: "double" },
      el(
        "label",
        {},
        keep,
        face(page.base, contact.photo, contact.name, contact.emails[0] ?? contact.name),
        el(
          "span",
          {},
          el("bdi", { class: "person-name", dir: "auto" }, isolated(contact.name)),
          el("span", { class: "person-facts" }, facts.filter(Boolean).map(isolated).join(" · ")),
        ),
      ),
      include,
    );
    return { contact, keep, include, root };
  });
  const button = el("button", { class: "btn line", type: "button" }, t("Merge"));
  const check = () => {
    // the one that is kept is always part of it
    for (const { keep, include } of rows) {
      include.disabled = keep.checked;
      if (keep.checked) include.checked = true;
    }
    button.disabled = rows.filter(({ include }) => include.checked).length < 2;
  };
  check();
  button.addEventListener("click", () => {
    const kept = rows.find(({ keep }) => keep.checked)!;
    const others = rows.filter((row) => row !== kept && row.include.checked).map(({ contact }) => contact.id);
    button.disabled = true;
    void merge(kept.contact, others, one.changed).then(check);
  });
  return el(
    "fieldset",
    { onchange: check },
    el(
      "legend",
      {},
      one.reason === "address"
        ? t("Same address. Which contact do you want to keep?")
        : t("Same name and phone number. Which contact do you want to keep?"),
    ),
    rows.map(({ root }) => root),
    button,
  );
}
