// Mailboxes that others share, in a search over all mailboxes.

import type { Mail } from "./mail";

/** Whether an action on the selection skips messages of others: if not all of it is loaded, the action is done by the query,
 * which changes the user's own messages only (WEBMAIL-62). */
export function leavesOthers(mail: Mail): boolean {
  const { mailbox_id } = mail.query.value.filter;
  return (
    (mailbox_id ?? 0) < 0 && !mail.choice.selectedAreLoaded() && mail.mailboxes.value.some(({ owner }) => owner !== "")
  );
}
