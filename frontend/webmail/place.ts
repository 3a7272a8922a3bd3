// Synchronises the address bar and the title with the view, in both directions (WEBMAIL-63).

import { mailboxName, t } from "../lib/words";
import { writeAddress } from "./back";
import { isInboxes } from "./data/queries";
import type { Find } from "./find";
import { parsePlace, placeOf, writePlace } from "./state/address";
import type { Mail } from "./state/mail";

/** Show the view of the address, after the user typed it or went back. */
export function followPlace(mail: Mail, find: Find): void {
  const { name, search, message, inboxes } = parsePlace(location.hash);
  if (search !== "") {
    if (search !== find.name || !followMessage(mail, message)) void find.search(search, message);
    return;
  }
  const mailbox = inboxes ? mail.boxes.inboxes() : mail.boxes.named(name);
  if (mailbox === undefined) return;
  const other = mailbox.id !== mail.current.value?.id || find.text.value !== "";
  if (other || !followMessage(mail, message)) find.openMailbox(mailbox, message);
}

/** Show the message of an address, or close that which is open. Returns false if the list hasn't fetched it yet. */
function followMessage(mail: Mail, message: number): boolean {
  if (message === 0) mail.choice.unselect();
  return message === 0 || mail.choice.shown.value?.id === message || mail.choice.select(message);
}

/** Write the address of the current view; that of another place stays until it is `left`. */
export function tellPlace(mail: Mail, find: Find, left = false): void {
  const shown = mail.choice.shown.value?.id ?? 0;
  const search = find.text.value && find.name;
  const mailbox = mail.current.value;
  if (mailbox === undefined && search === "") return;
  const inboxes = search === "" && isInboxes(mail.query.value);
  const hash = writePlace({ name: mailbox?.name ?? "", search, message: shown || mail.wanted, inboxes });
  if (location.hash !== hash && (left || placeOf(location.hash) === "")) writeAddress(hash);
}

/** Write the title: that of the `place`, or for mail, "", the current view, and its number of unread messages. */
export function tellTitle(mail: Mail, find: Find, place: string): void {
  const mailbox = mail.current.value;
  const unread = mailbox !== undefined && mailbox.unread > 0 ? `(${mailbox.unread}) ` : "";
  const offline = ["on", "connecting"].includes(mail.connection.value) ? "" : ` ${t("(not connected)")}`;
  // not its words: browsers keep titles in their history
  const listed = find.text.value !== "" ? t("Search mail") : mailboxName(mailbox?.name ?? "Webmail");
  document.title = `${unread}${place || listed} · ${mail.facts.value.login_address || "moxlite"}${offline}`;
}
