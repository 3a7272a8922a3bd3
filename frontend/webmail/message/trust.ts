// The line about a message's sender: what proves the address, and how many messages came from it before (WEBMAIL-77a).

import type { Address, MessageItem, ParsedMessage } from "../../gen/webmail";
import { type Child, el, isolated, sign } from "../../lib/dom";
import { octagonAlert, shield, shieldAlert, shieldCheck } from "../../lib/icons";
import { filled, t } from "../../lib/words";

/** The number of earlier messages at which the server stops counting. */
const mostCounted = 1000;

const shapes = { forged: octagonAlert, look: shieldAlert, first: shield, good: shieldCheck } as const;

const endings: Readonly<Record<string, string>> = {
  one: t("{n}st message from this address"),
  two: t("{n}nd message from this address"),
  few: t("{n}rd message from this address"),
  other: t("{n}th message from this address"),
};

/** The number of a message among the messages of its sender, in words; "" if it did not come by SMTP. */
function ordinal({ earlier }: ParsedMessage): string {
  if (earlier === null) return "";
  if (earlier === 0) return t("First message from this address");
  if (earlier >= mostCounted) return t("More than {n} messages from this address", { n: mostCounted });
  const n = earlier + 1;
  return filled(endings[new Intl.PluralRules("en", { type: "ordinal" }).select(n)]!, { n });
}

/** What proves the sender's domain, in words; "" if nothing is known of the arrival. */
function proof({ validation, signed_by }: ParsedMessage, from: Address | undefined): string {
  switch (validation) {
    case "strict":
    case "dmarc":
    case "relaxed":
      return signed_by === ""
        ? t("Sent by a server at {domain}", { domain: isolated(from?.host ?? "") })
        : t("Signed by {domain}", { domain: isolated(signed_by) });
    case "list":
      return t("Sent through a trusted list or forwarder");
    case "none":
      return t("Not signed. Anyone could have sent this message.");
    case "forged":
      return t("Probably forged. This message failed {domain}'s checks.", {
        domain: isolated(from?.host ?? ""),
      });
    case "":
      return "";
  }
}

/** Whether the reader should look at the sender's address: nothing proves it, it is new, or its name looks like another address. */
export function doubtful(parsed: ParsedMessage, from: Address | undefined): boolean {
  return (
    parsed.validation === "none" ||
    parsed.validation === "forged" ||
    parsed.earlier === 0 ||
    (from?.name ?? "").includes("@")
  );
}

/** The line, in pieces; only a forged message has a colour. */
export function trustLine(parsed: ParsedMessage, item: MessageItem): Child[] {
  const [from] = item.from;
  const words = [proof(parsed, from), ordinal(parsed)].filter((one) => one !== "");
  if (words.length === 0) return [];
  const looks = parsed.validation === "none" || (from?.name ?? "").includes("@");
  const kind = parsed.validation === "forged" ? "forged" : looks ? "look" : parsed.earlier === 0 ? "first" : "good";
  return [
    el("span", { class: `trust-line trust-${kind}` }, sign(shapes[kind], "i s"), el("span", {}, words.join(" · "))),
  ];
}
