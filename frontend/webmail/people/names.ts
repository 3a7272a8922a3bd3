// How address books and groups are named.

import type { AddressBook } from "../../gen/webmail";
import { isolated } from "../../lib/dom";
import { meant, t } from "../../lib/words";

/** The group of favorites, as cards have it (WEBMAIL-128h). */
export const starred = "starred";

/** The name of a group. */
export const groupName = (group: string): string =>
  group === starred ? meant("contact", "Favorites") : isolated(group);

/** The name of an address book, and who shares it. */
export function bookName(one: AddressBook): string {
  return one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
}

/** Whose an address book is, and what the user may do there. */
export function sharedBy(one: AddressBook): string {
  const owner = t("{owner} shares this address book with you.", { owner: isolated(one.owner) });
  return `${owner} ${one.writable ? t("You can edit contacts.") : t("You can only view it.")}`;
}

/** Whether the user may change the contacts of an address book; 0 for all of them, or for none yet. */
export const writable = (books: readonly AddressBook[], book: number): boolean =>
  books.find(({ id }) => id === book)?.writable ?? true;
