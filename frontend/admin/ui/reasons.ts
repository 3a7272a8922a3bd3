// What the server keeps as a word, said to an administrator: decisions about messages (docs/reasons.md), results of
// log-ins, and what one logs in to.

import { protocolName } from "../../lib/logins";
import { t } from "../../lib/words";

const decisions: Readonly<Record<string, string>> = {
  "no-bad-signals": t("nothing suspicious"),
  "stray-bounce": t("bounce for a message not sent from here"),
  "high-rate": t("too much mail from the sender's network"),
  "own-queue": t("sent by this server"),
  reporting: t("mail report"),
  "list-allow": t("verified domain of a rule"),
  contact: t("verified contact"),
  msgfromfull: t("earlier mail from this sender"),
  msgtofull: t("account wrote to this sender before"),
  msgfromdomain: t("earlier mail from the sender's domain"),
  msgfromorgdomain: t("earlier mail from the sender's organization"),
  msgtodomain: t("account wrote to the sender's domain before"),
  msgtoorgdomain: t("account wrote to the sender's organization before"),
  dkimspf: t("earlier mail from the same verified domains"),
  ip1: t("earlier mail from the same server"),
  ip2: t("earlier mail from the same network"),
  ip3: t("earlier mail from nearby networks"),
  "dmarc-policy": t("unverified, and the sender's domain asks to reject it"),
  "dmarc-quarantine": t("unverified, and the sender's domain asks to quarantine it"),
  "dmarc-indirect": t("unverified, but probably from a mailing list or forwarder"),
  "dmarc-temperror": t("couldn't check the sender's domain"),
  "msg-auth-required": t("address only accepts verified senders"),
  "spf-policy": t("sending server not allowed by the sender's domain"),
  iprev: t("sending server without a valid host name"),
  sieve: t("Sieve script"),
  "sieve-error": t("Sieve script failed"),
  "sieve-kept": t("rejected by a Sieve script, but kept"),
  "sieve-reject": t("rejected by a Sieve script"),
  vacation: t("vacation reply"),
  "junk-content": t("junk filter"),
  "junk-content-strict": t("junk filter unsure, and suspicious otherwise"),
  subjectpass: t("requested word in the subject"),
  "give-subjectpass": t("sender asked to add a word to the subject"),
  "dns-blocklisted": t("sending server on a block list"),
  "ambiguous-from": t("more than one sender"),
  "blocked-sender": t("sender blocked by the account"),
  "allowed-sender": t("sender allowed by the account"),
  "ruleset-never-junk": t("kept out of junk by a rule"),
  "alias-members-only": t("only members can post"),
  "chosen-senders-only": t("address only accepts chosen senders"),
  "unknown-user": t("unknown address"),
  "reputation-error": t("couldn't read earlier mail"),
  "junk-classify-error": t("couldn't reach the junk filter"),
  "subjectpass-error": t("couldn't check the subject"),
  simulated: t("test result"),
  peer: t("for the domain's previous server"),
};

/** A decision about a message; a later version's word as it is. */
export const decisionOf = (word: string): string => decisions[word] ?? word;

const results: Readonly<Record<string, string>> = {
  ok: t("logged in"),
  badpassword: t("wrong password"),
  baduser: t("unknown address"),
  badcreds: t("wrong name, password, or token"),
  badchanbind: t("bound to another connection"),
  badprotocol: t("invalid login exchange"),
  badfactor: t("wrong verification code"),
  factorneeded: t("verification code needed"),
  logindisabled: t("login disabled"),
  notpermitted: t("app password not allowed here"),
  error: t("failed"),
  aborted: t("canceled by the app"),
};

/** The result of a log-in. */
export const resultOf = (word: string): string => results[word] ?? word;

const protocols: Readonly<Record<string, string>> = {
  smtp: "SMTP",
  webadmin: t("admin app"),
  addresses: t("password managers"),
  website: t("protected website"),
};

/** What one logs in to. */
export const protocolOf = (word: string): string => protocols[word] ?? protocolName(word);
