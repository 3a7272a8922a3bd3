// Sentences for the words of X-Moxlite-Reason (docs/reasons.md), addressed to the recipient of the message.

import { t } from "../../lib/words";

const reasons: Readonly<Record<string, string>> = {
  "no-bad-signals": t("Nothing suspicious was found."),
  "stray-bounce": t("This is a bounce for a message that wasn't sent from here."),
  "high-rate": t("The sender's network has sent too much mail."),
  "own-queue": t("This server sent this message."),
  reporting: t("This is a mail report, sent to your report address."),
  "list-allow": t("One of your rules trusts this verified mailing list."),
  contact: t("The sender is a verified contact."),
  msgfromfull: t("Based on how you marked earlier mail from this sender."),
  msgtofull: t("You've written to this sender before."),
  msgfromdomain: t("Based on how you marked earlier mail from the sender's domain."),
  msgfromorgdomain: t("Based on how you marked earlier mail from the sender's organization."),
  msgtodomain: t("You've written to the sender's domain before."),
  msgtoorgdomain: t("You've written to the sender's organization before."),
  dkimspf: t("Based on how you marked earlier mail from the same verified domains."),
  ip1: t("Based on how you marked earlier mail from the same server."),
  ip2: t("Based on how you marked earlier mail from the same network."),
  ip3: t("Based on how you marked earlier mail from nearby networks."),
  "dmarc-policy": t(
    "The sender's domain asks servers to reject unverified mail, and this message couldn't be verified.",
  ),
  "dmarc-quarantine": t(
    "The sender's domain asks servers to quarantine unverified mail, and this message couldn't be verified.",
  ),
  "dmarc-indirect": t(
    "The sender's domain asks servers to reject unverified mail, but this message seems to come from a mailing list or forwarder.",
  ),
  "dmarc-temperror": t("The sender's domain couldn't be checked right now."),
  "msg-auth-required": t("Your address only accepts verified senders, and this sender couldn't be verified."),
  "spf-policy": t("The sender's domain doesn't allow the sending server to send its mail, and the sender is unknown."),
  iprev: t("The sending server doesn't have a valid host name, and earlier mail from it was mostly junk."),
  sieve: t("Your Sieve script handled this message."),
  "sieve-error": t("Your Sieve script failed, so the message was kept."),
  "sieve-kept": t("Your Sieve script rejected this message, but we kept it because a bounce could reach someone else."),
  "sieve-reject": t("Your Sieve script rejected this message."),
  vacation: t("Your vacation reply was sent."),
  "junk-content": t("The junk filter classified the text as junk."),
  "junk-content-strict": t("The junk filter wasn't sure, and junk often arrives this way."),
  "junk-content-unsure": t("The junk filter wasn't sure, so the message was moved to Junk."),
  subjectpass: t("The subject includes the word the sender was asked to add."),
  "give-subjectpass": t("The junk filter wasn't sure. The sender was asked to add a word to the subject."),
  "dns-blocklisted": t("The sending server is on a block list."),
  "ambiguous-from": t("This message lists more than one sender."),
  "blocked-sender": t("You blocked this sender."),
  "allowed-sender": t("You allowed this sender, and the sender is verified."),
  "ruleset-never-junk": t("Your rule keeps this sender's mail out of junk, and the sender is verified."),
  "alias-members-only": t("Only members can write to this address."),
  "chosen-senders-only": t("Only senders you've chosen can write to this address."),
  "unknown-user": t("This address doesn't exist."),
  "reputation-error": t("Couldn't check earlier mail."),
  "junk-classify-error": t("Couldn't reach the junk filter."),
  "subjectpass-error": t("Couldn't check the subject for the word the sender was asked to add."),
  simulated: t("Test result."),
};

/** The sentence for a word; the word itself if it is unknown. */
export function reasonOf(word: string): string {
  return reasons[word] ?? word;
}
