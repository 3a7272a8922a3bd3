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
      return t("This claims to be from you, but {sender} isn't your address.", values);
    case "domain":
      return t("This claims to be from your domain {name}, but {sender} belongs to another domain.", values);
    case "person":
      return name === ""
        ? t("This claims to be from {known}, someone you know, but {sender} is a new address.", values)
        : t("This claims to be from {name}, known to you as {known}, but {sender} is a new address.", values);
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
        claim.kind === "own" ? t("This is really me") : t("This is really {name}", { name }),
      ),
      el("button", { class: "btn line", onclick: report }, t("Report phishing")),
    ),
  ];
}
