// Sentences for the words of X-Moxlite-Reason (docs/reasons.md), addressed to the recipient of the message.

import { t } from "../../lib/words";

const reasons: Readonly<Record<string, string>> = {
  "no-bad-signals": t("No check found anything wrong."),
  "stray-bounce": t("It is a notice about a message that was not sent from here."),
  "high-rate": t("Too much had come from the sender's network."),
  "own-queue": t("This server itself sent it."),
  reporting: t("It is a report about mail, sent to the address for such reports."),
  "list-allow": t("One of your rules trusts the list that it came by, and the list has proven itself."),
  contact: t("The author is one of your contacts, and proven."),
  msgfromfull: t("You have judged earlier mail of this author."),
  msgtofull: t("You wrote to this author before."),
  msgfromdomain: t("You have judged earlier mail of the author's domain."),
  msgfromorgdomain: t("You have judged earlier mail of the author's organization."),
  msgtodomain: t("You wrote to the author's domain before."),
  msgtoorgdomain: t("You wrote to the author's organization before."),
  dkimspf: t("You have judged earlier mail with the same proven domains."),
  ip1: t("You have judged earlier mail from the same computer."),
  ip2: t("You have judged earlier mail from the same network."),
  ip3: t("You have judged earlier mail from the neighbourhood of that network."),
  "dmarc-policy": t(
    "The owner of the sender's domain asks to refuse what it did not send itself, and this is not proven to be its mail.",
  ),
  "dmarc-quarantine": t(
    "The owner of the sender's domain asks to set aside what it did not send itself, and this is not proven to be its mail.",
  ),
  "dmarc-indirect": t(
    "The owner of the sender's domain asks to refuse what it did not send itself, but the message seems to have come by a mailing list or a forwarder.",
  ),
  "dmarc-temperror": t("It could not be checked whether the sender's domain sent it."),
  "msg-auth-required": t("Your address takes only mail whose author is proven, and this one's is not."),
  "spf-policy": t(
    "The sender's domain forbids the computer that it came from to send its mail, and nothing else is known of the sender.",
  ),
  iprev: t("The computer that it came from has no proper name, and earlier mail from there leans to junk."),
  sieve: t("Your Sieve script decided about it."),
  "sieve-error": t("Your Sieve script failed on it, so it was kept."),
  "sieve-kept": t("Your Sieve script refuses it; it was kept, because the refusal could reach another person."),
  "sieve-reject": t("Your Sieve script refuses it."),
  vacation: t("Your vacation form answered it."),
  "junk-content": t("The junk filter judges its text as junk."),
  "junk-content-strict": t(
    "The junk filter is in doubt about its text, and the way that it came is one that junk often takes.",
  ),
  subjectpass: t("Its subject holds the word that the author was told to put there."),
  "give-subjectpass": t("The junk filter was in doubt; the author was told a word to put into the subject."),
  "dns-blocklisted": t("A list of senders of junk has the computer that it came from."),
  "ambiguous-from": t("It claims more than one author."),
  "blocked-sender": t("You block this sender."),
  "allowed-sender": t("You allow this sender, who has proven to be it."),
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
