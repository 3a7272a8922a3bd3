// Kinds of queries.

import type { Query } from "../../gen/webmail";

/** Id of the view of all inboxes (WEBMAIL-176). */
export const inboxes = -3;

/** Whether the query shows all inboxes. */
export function isInboxes({ filter }: Query): boolean {
  return filter.mailbox_id === inboxes;
}

/** Whether the query is a search: anything but a plain mailbox. */
export function isSearch({ filter, not_filter }: Query): boolean {
  const { mailbox_id: _id, mailbox_name: _name, unread: _unread, ...criteria } = filter;
  const asked = (value: unknown) => (Array.isArray(value) ? value.length > 0 : value != null && value !== false);
  return (
    [-1, -2].includes(filter.mailbox_id ?? 0) ||
    [...Object.values(criteria), ...Object.values(not_filter ?? {})].some(asked)
  );
}

/** Whether rows represent threads. */
export function isThreaded(query: Query): boolean {
  return (query.threading ?? "off") !== "off";
}

/** Whether rows are sorted by something else than their time of reception. */
export function isSorted(query: Query): boolean {
  return (query.order ?? "received") !== "received";
}

/** Whether only the server knows the order: changes cannot be placed by the order of a mailbox. */
export function isListing(query: Query): boolean {
  return isThreaded(query) || isSorted(query) || isSearch(query) || isInboxes(query);
}
