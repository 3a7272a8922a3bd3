// The address of the page for the current view: `#Inbox`, `#Inbox,123`, or for a search, by its name, `#search:~3~,123`, or
// `#inboxes:,123` for all inboxes (WEBMAIL-63). Colons in the name of a mailbox are escaped, so that no mailbox looks like a search
// or like a place: `#calendar:VIEW,YYYYMMDD,EVENT,DATE`, `#people:BOOK,CONTACT`, `#outbox:`,
// `#files:`.

export interface Place {
  /** Name of the mailbox; "" for a search. */
  readonly name: string;
  /** The name of the search, or its words in a typed address; "" for a mailbox. */
  readonly search: string;
  /** Whether it is all inboxes. */
  readonly inboxes?: boolean;
  /** Id of the message, 0 for none. */
  readonly message: number;
}

const prefix = "search:";
const everywhere = "inboxes:";

/** The page that an address names instead of messages; "" for none. */
export const placeOf = (hash: string) =>
  (/^#(calendar|people|outbox|files):/.exec(hash)?.[1] ?? "") as "" | "calendar" | "people" | "outbox" | "files";

/** What the address of an event adds to that of its view: its id, and the digits of its date in a series. */
export const placeOfEvent = (id: number, recurrence: string): string =>
  `,${id}${recurrence && `,${recurrence.replace(/\D/g, "")}`}`;

export function parsePlace(hash: string): Place {
  const value = placeOf(hash) !== "" ? "" : hash.replace(/^#/, "");
  const comma = value.lastIndexOf(",");
  const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
  const message = Number.isSafeInteger(number) && number > 0 ? number : 0;
  const text = message > 0 ? value.slice(0, comma) : value;
  try {
    if (text === everywhere) return { name: "", search: "", inboxes: true, message };
    if (text.startsWith(prefix)) return { name: "", search: decodeURIComponent(text.slice(prefix.length)), message };
    return { name: decodeURIComponent(text) || "Inbox", search: "", message };
  } catch {
    return { name: "Inbox", search: "", message: 0 };
  }
}

export function writePlace({ name, search, message, inboxes = false }: Place): string {
  const what = inboxes
    ? everywhere
    : search !== ""
      ? `${prefix}${encodeURIComponent(search)}`
      : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
}
