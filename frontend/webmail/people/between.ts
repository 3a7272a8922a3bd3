// What there was, and will be, with a contact (WEBMAIL-128f): the last messages, the next events, the last files.

import type { Attachment, MessageItem } from "../../gen/webmail";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { searchFor } from "../../lib/searched";
import { meant, t } from "../../lib/words";
import { clock, nameOf, placeOf, type Shown, shortDay, shown } from "../calendar/days";
import type { Surroundings } from "../commands/desk";
import { shortTime } from "../ui/format";

/** Rows of each list. */
const most = 5;
/** Addresses that are searched for: the others of a contact are seldom used. */
const mostAddresses = 3;

/** The search for all mail from and to these addresses. */
export function mailSearch(addresses: readonly string[]): string {
  const some = addresses.slice(0, mostAddresses);
  return `{${some.flatMap((address) => [`from:${address}`, `to:${address}`]).join(" ")}}`;
}

/** A section that fills itself; hidden where there is nothing. */
export function between(
  { client, base }: Pick<Surroundings, "client" | "base">,
  emails: readonly string[],
): HTMLElement {
  const addresses = emails.slice(0, mostAddresses);
  const root = el("section", { class: "card-between", "aria-label": t("Between you"), hidden: true });
  const glance = (attachments: "any" | null) =>
    client.search_glance({
      filter: { mailbox_id: -1, any: [{ from: addresses, to: addresses }], attachments },
      threading: "off",
    });
  const coming = async () => {
    const ids = (await client.calendars()).map(({ id }) => id);
    return (await client.events_with(addresses, ids)).map(shown).filter(({ end }) => +end > Date.now());
  };
  // what cannot be loaded is left out: the contact is what was asked for
  const quietly = <T>(work: Promise<T[]>): Promise<T[]> => work.catch(() => []);
  const load = async () => {
    const [mails, events, holders] = await Promise.all([
      quietly(glance(null)),
      quietly(coming()),
      quietly(glance("any")),
    ]);
    const files = holders.flatMap((item) =>
      item.attachments.filter(({ inside }) => !inside).map((file) => [item, file] as const),
    );
    root.hidden = mails.length + events.length + files.length === 0;
    const search = mailSearch(emails);
    fill(
      root,
      el("h3", {}, t("Between you")),
      list(
        meant("contact", "Latest messages"),
        mails.map((item) => mailRow(item, search)),
      ),
      mails.length === most &&
        el("a", { class: "between-all", href: "#search:", onclick: searchFor(search) }, t("Show all messages")),
      list(meant("contact", "Upcoming events"), events.slice(0, most).map(eventRow)),
      list(
        meant("contact", "Files"),
        files.slice(0, most).map(([item, file]) => fileRow(base, item, file)),
      ),
    );
  };
  if (addresses.length > 0) void load();
  return root;
}

function list(title: string, rows: readonly HTMLElement[]): Child {
  return (
    rows.length > 0 && [
      el("h4", {}, title),
      el(
        "ul",
        {},
        rows.map((row) => el("li", {}, row)),
      ),
    ]
  );
}

function row(href: string, time: string, text: string, more: string, attributes = {}): HTMLElement {
  return el(
    "a",
    { class: "between-row", href, ...attributes },
    el("time", {}, time),
    el("bdi", { dir: "auto" }, isolated(text)),
    more !== "" && el("small", {}, more),
  );
}

const mailRow = (item: MessageItem, search: string) =>
  row(
    `#search:${encodeURIComponent(search)},${item.id}`,
    shortTime(item.received, Date.now()),
    item.subject || t("(no subject)"),
    "",
  );

const eventRow = (one: Shown) =>
  row(
    placeOf("day", one.first),
    shortDay(one.first),
    nameOf(one.item),
    one.item.clock === "date" ? "" : clock(one.start),
  );

const fileRow = (base: string, item: MessageItem, file: Attachment) =>
  row(
    `${base}msg/${item.id}/download/${file.path}`,
    shortTime(item.received, Date.now()),
    file.filename || file.content_type,
    size(file.size),
    { download: "" },
  );
