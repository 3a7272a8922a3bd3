// Mailboxes that others share, in a search over all mailboxes.

import type { Mail } from "./mail";

/** Whether what is done to the selection leaves messages of others as they are: not all of it is loaded, so it is done by its query,
 * which changes one's own (WEBMAIL-62). */
export function leavesOthers(mail: Mail): boolean {
  const { mailbox_id } = mail.query.value.filter;
  return (mailbox_id ?? 0) < 0 && !mail.selectedAreLoaded() && mail.mailboxes.value.some(({ owner }) => owner !== "");
}
