// Calendars and contacts without a connection (WEBMAIL-121b): the answers about what was shown, and about the weeks around today.

import type { Client, Contacts, Events } from "../../gen/webmail";
import type { Store } from "./store";

/** Calls whose answers are kept, with how many. */
const kept: Readonly<Record<string, number>> = {
  calendars: 1,
  birthdays: 1,
  events: 24,
  event: 200,
  address_books: 1,
  contact_groups: 1,
  contacts: 50,
  contact: 200,
};

/** Name of an answer among the facts. */
const nameOf = (call: string, given: readonly unknown[]): string =>
  `answer ${call} ${JSON.stringify(call === "birthdays" ? [] : given)}`;

/** What was asked for in the calls whose answers are kept. */
type Asked = readonly (readonly unknown[])[];

/** Name of the list of the kept answers to a call, the oldest first. */
const listOf = (call: string): string => `answers ${call}`;

let keeping: Promise<void> = Promise.resolve();

/** Keep an answer, and drop the oldest ones to the same call beyond the limit. */
export function keepAnswer(store: Store, call: string, given: readonly unknown[], result: unknown): void {
  const most = kept[call];
  // one after the other: each changes the list of them
  if (most !== undefined) keeping = keeping.then(() => put(store, most, call, given, result));
}

async function put(
  store: Store,
  most: number,
  call: string,
  given: readonly unknown[],
  result: unknown,
): Promise<void> {
  const name = nameOf(call, given);
  const earlier = ((await store.get<Asked>("facts", listOf(call))) ?? []).filter(
    (other) => nameOf(call, other) !== name,
  );
  const now = [...earlier, given];
  for (const other of now.splice(0, Math.max(0, now.length - most))) await store.delete("facts", nameOf(call, other));
  if (await store.put("facts", result, name)) await store.put("facts", now, listOf(call));
}

/** The kept answer to a call; undefined without one. */
export async function keptAnswer(store: Store, call: string, given: readonly unknown[]): Promise<unknown> {
  if (!(call in kept)) return undefined;
  const exact = await store.get("facts", nameOf(call, given));
  if (exact !== undefined || (call !== "events" && call !== "contacts")) return exact;
  const others = [...((await store.get<Asked>("facts", listOf(call))) ?? [])].reverse();
  if (call === "contacts") return contactsOf(store, others, given);
  // the page leaves out what is before or after
  const [from, to] = given as [number, number];
  const around = others.find(([since, until]) => Number(since) <= from && Number(until) >= to);
  return around && store.get<Events>("facts", nameOf(call, around));
}

/** Contacts of the kept pages, of all address books and groups or of the same ones, that have the words of a search. */
async function contactsOf(
  store: Store,
  asked: Asked,
  [text = "", group = "", after = 0, book = 0]: readonly unknown[],
): Promise<Contacts | undefined> {
  if (after !== 0) return undefined;
  const fitting = asked.filter(
    ([words = "", itsGroup = "", , itsBook = 0]) => words === "" && itsGroup === group && itsBook === book,
  );
  if (fitting.length === 0) return undefined;
  const pages = await Promise.all(fitting.map((given) => store.get<Contacts>("facts", nameOf("contacts", given))));
  const all = new Map(pages.flatMap((page) => page?.contacts ?? []).map((contact) => [contact.id, contact]));
  const needle = String(text).toLowerCase();
  const contacts = [...all.values()].filter((contact) => JSON.stringify(contact).toLowerCase().includes(needle));
  return { contacts, more: false, total: contacts.length, letters: [] };
}

/** Have the answers about the weeks around today, and about the first contacts. */
export async function fetchGroupware(client: Client): Promise<void> {
  const now = new Date();
  const seconds = (month: number, day: number) =>
    Math.floor(new Date(now.getFullYear(), now.getMonth() + month, day).getTime() / 1000);
  const calendars = (await client.calendars()).filter(({ hidden }) => !hidden);
  await client.events(
    seconds(0, -7),
    seconds(2, 15),
    calendars.map(({ id }) => id),
  );
  await client.birthdays("");
  await client.address_books();
  await client.contact_groups();
  await client.contacts("", "", 0, 0, 1000);
}
