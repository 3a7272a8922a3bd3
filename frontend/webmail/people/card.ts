// A contact as it is read (WEBMAIL-128d): a line for each thing that its card says, in words.

import type { AddressBook, ContactAddress, ContactCard, ContactFact } from "../../gen/webmail";
import { type Child, el, isolated, sign } from "../../lib/dom";
import { arrowLeft, mail, pencil, search, star, users } from "../../lib/icons";
import { meant, t } from "../../lib/words";
import { bookName, sharedBy } from "./names";
import { dateInWords } from "../person/dates";
import { kindName } from "../person/kinds";
import { face } from "./photo";

/** Names of what lines are about; other labels are shown as they are. */
const topics: Readonly<Record<Exclude<ContactFact["topic"], "other">, string>> = {
  anniversary: meant("contact", "Anniversary"),
  birthday: meant("contact", "Birthday"),
  birthplace: t("Place of birth"),
  calendar: t("Calendar"),
  chat: meant("contact", "Chat"),
  contact: t("Contact form"),
  date: t("Date"),
  death: t("Date of death"),
  deathplace: t("Place of death"),
  directory: meant("contact", "Directory"),
  expertise: meant("contact", "Expertise"),
  gender: meant("contact", "Gender"),
  group: t("Group"),
  hobby: meant("contact", "Hobby"),
  interest: meant("contact", "Interest"),
  key: meant("contact", "Encryption key"),
  language: t("Language"),
  location: t("Location"),
  logo: meant("contact", "Logo"),
  member: meant("contact", "Member"),
  nickname: meant("contact", "Nickname"),
  photo: meant("contact", "Photo"),
  profile: meant("contact", "Profile"),
  pronouns: meant("contact", "Pronouns"),
  pronunciation: meant("contact", "Pronunciation"),
  related: t("Related person"),
  role: meant("contact", "Role"),
  sound: meant("contact", "Sound"),
  title: t("Job title"),
  website: meant("contact", "Website"),
  zone: t("Time zone"),
};

/** What can be done with a contact that is shown. */
export interface CardActions {
  back(): void;
  write(address: string): void;
  mails(): void;
  edit(): void;
  openGroup(name: string): void;
  /** Choose the groups of the contact, in a menu at `anchor`. */
  groups(anchor: HTMLElement): void;
  star(): void;
  copy(): void;
}

/** The lines of a postal address, as an envelope in most countries has them. */
function addressLines(one: ContactAddress): string[] {
  const city = [one.code, one.city].filter(Boolean).join(" ");
  return [one.street, one.extended, one.box, city, one.region, one.country].filter((line) => line !== "");
}

/** A link, where a text is the address of a page. */
function linked(text: string): Child {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return isolated(text);
  const shown = text.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, isolated(shown));
}

/** Draw a contact. */
export function drawCard(
  base: string,
  card: ContactCard,
  books: readonly AddressBook[],
  actions: CardActions,
  history: HTMLElement,
): HTMLElement {
  const { form } = card;
  const details = form.details!;
  const book = books.find(({ id }) => id === card.book_id);
  const writable = book?.writable ?? true;
  const addresses = form.emails.map(({ value }) => value);
  const button = (words: string, icon: string, run: () => void, kind = "btn") =>
    el("button", { class: kind, type: "button", onclick: run }, sign(icon), el("span", {}, words));
  /** Lines of one thing: the first one has its name. */
  const lines = (label: string, values: readonly (readonly [value: Child, kind: string])[]) =>
    values.length > 0 &&
    el(
      "div",
      { class: "card-line" },
      el("dt", {}, label),
      values.map(([value, kind]) =>
        el(
          "dd",
          {},
          el("bdi", { class: "card-value", dir: "auto" }, value),
          kind !== "" && [" ", el("small", {}, kind)],
        ),
      ),
    );
  const line = (label: string, value: Child, kind = "") => value !== "" && lines(label, [[value, kind]]);
  const kindOf = (kind: string) => (kind === "" ? "" : kindName(kind));
  const job = [details.title, form.organization, details.department].filter((text) => text !== "");
  return el(
    "article",
    { class: "card", "aria-label": isolated(form.name) },
    el(
      "div",
      { class: "card-bar", role: "toolbar", "aria-label": t("Contact actions") },
      el(
        "button",
        {
          class: "btn icon card-back",
          type: "button",
          title: t("Back"),
          "aria-label": t("Back"),
          onclick: () => actions.back(),
        },
        sign(arrowLeft),
      ),
      addresses.length > 0 && button(t("Write"), mail, () => actions.write(addresses[0]!), "btn soft"),
      addresses.length > 0 && button(t("Show mail"), search, () => actions.mails()),
      writable && button(t("Edit"), pencil, () => actions.edit()),
      writable &&
        el(
          "button",
          {
            class: "btn",
            type: "button",
            onclick: (event: Event) => actions.groups(event.currentTarget as HTMLElement),
          },
          sign(users),
          el("span", {}, t("Groups")),
        ),
      books.some((one) => one.writable && one.id !== card.book_id) &&
        el("button", { class: "btn card-copy", type: "button", onclick: () => actions.copy() }, t("Copy to…")),
      writable && starButton(card.starred, () => actions.star()),
    ),
    el(
      "div",
      { class: "card-page" },
      el(
        "header",
        { class: "card-top" },
        face(base, card.photo, form.name, addresses[0] ?? form.name),
        el(
          "div",
          {},
          el("h2", {}, el("bdi", { dir: "auto" }, isolated(form.name))),
          job.length > 0 && el("p", {}, job.map(isolated).join(", ")),
          form.groups.length > 0 &&
            el(
              "p",
              { class: "card-groups" },
              form.groups.map((name) =>
                el("button", { class: "chip", type: "button", onclick: () => actions.openGroup(name) }, isolated(name)),
              ),
            ),
        ),
      ),
      !writable && book !== undefined && el("p", { class: "hint" }, sharedBy(book)),
      el(
        "dl",
        { class: "card-facts" },
        lines(
          t("Email"),
          form.emails.map(({ value, kind }) => [
            el("button", { class: "card-link", type: "button", onclick: () => actions.write(value) }, isolated(value)),
            kindOf(kind),
          ]),
        ),
        lines(
          t("Phone"),
          form.phones.map(({ value, kind }) => [
            el("a", { href: `tel:${value.replace(/[^\d+*#]/g, "")}` }, isolated(value)),
            kindOf(kind),
          ]),
        ),
        lines(
          meant("contact", "Address"),
          details.addresses.map((one) => [
            addressLines(one).map((text, at) => [at > 0 && el("br"), isolated(text)]),
            kindOf(one.kind),
          ]),
        ),
        line(topics.nickname, isolated(details.nickname)),
        line(topics.birthday, dateInWords(details.birthday)),
        lines(
          topics.website,
          details.websites.map(({ value, kind }) => [linked(value), kindOf(kind)]),
        ),
        card.further.map(({ topic, label, value }) =>
          line(
            topic === "other" ? isolated(label) : topics[topic],
            value === "" ? t("Included in this contact") : linked(said(topic, value)),
            topic === "other" ? "" : isolated(label),
          ),
        ),
        line(t("Note"), form.note === "" ? "" : el("span", { class: "card-note" }, isolated(form.note))),
        books.length > 1 && book !== undefined && line(t("Address book"), bookName(book)),
      ),
      history,
    ),
  );
}

function starButton(on: boolean, run: () => void): HTMLElement {
  const title = on ? t("Remove from favorites") : t("Add to favorites");
  return el(
    "button",
    {
      class: "btn icon card-star",
      type: "button",
      title: `${title} (s)`,
      "aria-label": title,
      data: { on: String(on) },
      onclick: run,
    },
    sign(star),
  );
}

function said(topic: ContactFact["topic"], value: string): string {
  if (topic === "gender")
    return { F: meant("gender", "Female"), M: meant("gender", "Male"), O: meant("gender", "Other") }[value] ?? value;
  return dateInWords(value);
}
