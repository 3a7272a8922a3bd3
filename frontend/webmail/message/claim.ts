// The line about a name that the author claims, although the address is new (WEBMAIL-161).

import type { ParsedMessage } from "../../gen/webmail";
import { type Child, el, isolated, sign } from "../../lib/dom";
import { octagonAlert } from "../../lib/icons";
import { t } from "../../lib/words";

type Claim = NonNullable<ParsedMessage["claim"]>;

/** Characters of a name or address that the line shows. */
const mostShown = 100;

/** A text of a stranger, as a part of a sentence. */
function quoted(text: string): string {
  return isolated(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text);
}

function words({ kind, name, known, sender }: Claim): string {
  const values = { name: quoted(name), known: quoted(known), sender: quoted(sender) };
  switch (kind) {
    case "own":
      return t("This says it is from you. The address {sender} is not yours.", values);
    case "domain":
      return t("This says it is from {name}, your own domain. The address {sender} belongs elsewhere.", values);
    case "person":
      return name === ""
        ? t("This says it is from {known}, whom you know. The address {sender} is new.", values)
        : t("This says it is from {name}, whom you know as {known}. The address {sender} is new.", values);
  }
}

/** The line, with a button that makes the address known, and one that reports the message. */
export function claimLine(claim: Claim, confirm: () => void, report: () => void): Child {
  const name = quoted(claim.name || claim.known);
  return [
    sign(octagonAlert),
    el("p", {}, words(claim)),
    el(
      "div",
      { class: "claim-actions" },
      el(
        "button",
        { class: "btn line", onclick: confirm },
        claim.kind === "own" ? t("It is really me") : t("It is really {name}", { name }),
      ),
      el("button", { class: "btn line", onclick: report }, t("Report phishing")),
    ),
  ];
}
