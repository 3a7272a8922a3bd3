// The line about a message's sender: what proves the address, and how many messages came from it before (WEBMAIL-77a).

import type { Address, MessageItem, ParsedMessage } from "../../gen/webmail";
import { type Child, el, icon, isolated } from "../../lib/dom";
import { filled, t } from "../../lib/words";

/** The number of earlier messages at which the server stops counting. */
const mostCounted = 1000;

export const shapes = {
  good: "M8 1.5l5.5 2v4c0 3.5-2.4 6-5.5 7-3.1-1-5.5-3.5-5.5-7v-4z M5.5 8l1.8 1.8L10.8 6.3",
  first: "M8 1.5l5.5 2v4c0 3.5-2.4 6-5.5 7-3.1-1-5.5-3.5-5.5-7v-4z",
  look: "M8 2l6.5 11.5h-13z M8 6.5v3.2 M8 11.6v.1",
} as const;

const endings: Readonly<Record<string, string>> = {
  one: t("{n}st mail from this address"),
  two: t("{n}nd mail from this address"),
  few: t("{n}rd mail from this address"),
  other: t("{n}th mail from this address"),
};

/** The number of a message among the messages of its sender, in words; "" if it did not come by SMTP. */
function ordinal({ earlier }: ParsedMessage): string {
  if (earlier === null) return "";
  if (earlier === 0) return t("First mail from this address");
  if (earlier >= mostCounted) return t("More than {n} mails from this address", { n: mostCounted });
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
        ? t("Sent by a server of {domain}", { domain: isolated(from?.host ?? "") })
        : t("Signed by {domain}", { domain: isolated(signed_by) });
    case "list":
      return t("Came through a list or forward that you trust");
    case "none":
      return t("Not signed. Anyone could have written this.");
    case "":
      return "";
  }
}

/** Whether the reader should look at the sender's address: nothing proves it, it is new, or its name looks like another address. */
export function doubtful(parsed: ParsedMessage, from: Address | undefined): boolean {
  return parsed.validation === "none" || parsed.earlier === 0 || (from?.name ?? "").includes("@");
}

/** The line, in pieces. */
export function trustLine(parsed: ParsedMessage, item: MessageItem): Child[] {
  const [from] = item.from;
  const words = [proof(parsed, from), ordinal(parsed)].filter((one) => one !== "");
  if (words.length === 0) return [];
  // a first mail is nothing to be warned of
  const warns = parsed.validation === "none" || (from?.name ?? "").includes("@");
  const kind = warns ? "look" : parsed.earlier === 0 ? "first" : "good";
  return [el("span", { class: `trust-${kind}` }, icon(shapes[kind])), words.join(" · ")];
}
