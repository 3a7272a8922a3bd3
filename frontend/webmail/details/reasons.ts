// Sentences for the words of X-Moxlite-Reason (docs/reasons.md), addressed to the recipient of the message.

import { t } from "../../lib/words";

const reasons: Readonly<Record<string, string>> = {
  "no-bad-signals": t("No check found anything wrong."),
  "stray-bounce": t("This is a bounce for a message that wasn't sent from here."),
  "high-rate": t("Too much had come from the sender's network."),
  "own-queue": t("This server itself sent it."),
  reporting: t("It is a report about mail, sent to the address for such reports."),
  "list-allow": t("One of your rules trusts this verified mailing list."),
  contact: t("The author is a verified contact."),
  msgfromfull: t("You've classified earlier mail from this author."),
  msgtofull: t("You wrote to this author before."),
  msgfromdomain: t("You've classified earlier mail from the author's domain."),
  msgfromorgdomain: t("You've classified earlier mail from the author's organization."),
  msgtodomain: t("You wrote to the author's domain before."),
  msgtoorgdomain: t("You wrote to the author's organization before."),
  dkimspf: t("You've classified earlier mail from the same verified domains."),
  ip1: t("You've classified earlier mail from the same server."),
  ip2: t("You've classified earlier mail from the same network."),
  ip3: t("You've classified earlier mail from nearby networks."),
  "dmarc-policy": t(
    "The sender's domain asks servers to reject unverified mail, and this message couldn't be verified.",
  ),
  "dmarc-quarantine": t(
    "The sender's domain asks servers to quarantine unverified mail, and this message couldn't be verified.",
  ),
  "dmarc-indirect": t(
    "The sender's domain asks servers to reject unverified mail, but this message seems to come from a mailing list or forwarder.",
  ),
  "dmarc-temperror": t("It could not be checked whether the sender's domain sent it."),
  "msg-auth-required": t("Your address only accepts verified authors, and this one couldn't be verified."),
  "spf-policy": t(
    "The sender's domain forbids the computer that it came from to send its mail, and nothing else is known of the sender.",
  ),
  iprev: t("The computer that it came from has no proper name, and earlier mail from there leans to junk."),
  sieve: t("Your Sieve script decided about it."),
  "sieve-error": t("Your Sieve script failed on it, so it was kept."),
  "sieve-kept": t("Rejected by your Sieve script, but kept because the rejection could reach someone else."),
  "sieve-reject": t("Your Sieve script rejects this message."),
  vacation: t("Your vacation reply was sent."),
  "junk-content": t("The junk filter classified the text as junk."),
  "junk-content-strict": t(
    "The junk filter is in doubt about its text, and the way that it came is one that junk often takes.",
  ),
  subjectpass: t("The subject has the word that the author was asked to add."),
  "give-subjectpass": t("The junk filter wasn't sure. The author was asked to add a word to the subject."),
  "dns-blocklisted": t("A list of senders of junk has the computer that it came from."),
  "ambiguous-from": t("It claims more than one author."),
  "blocked-sender": t("You block this sender."),
  "allowed-sender": t("You allow this sender, and the sender is verified."),
  "alias-members-only": t("Only members may write to this address."),
  "chosen-senders-only": t("Only senders that you have chosen may write to this address."),
  "unknown-user": t("The address does not exist."),
  "reputation-error": t("Earlier mail could not be looked at."),
  "junk-classify-error": t("The junk filter could not be asked."),
  "subjectpass-error": t("The key for words in subjects could not be read."),
  simulated: t("The address asked for this outcome, for a test."),
};

/** The sentence for a word; the word itself if it is unknown. */
export function reasonOf(word: string): string {
  return reasons[word] ?? word;
}
