// The line about an address that was given away, to which a message came: who passed it on, and a button that turns it off (MASK-14).

import type { ParsedMessage } from "../../gen/webmail";
import { type Child, el, isolated, sign } from "../../lib/dom";
import { atSign, triangleAlert } from "../../lib/icons";
import { locale, many, t } from "../../lib/words";

type Given = NonNullable<ParsedMessage["given"]>;

function words({ address, site }: Given): string {
  const values = { address: isolated(address), site: isolated(site) };
  return site === ""
    ? t("Sent to your masked address {address}.", values)
    : t("Sent to {address}, your address for {site}.", values);
}

/** Who else writes to it, and since when. */
function leak({ strangers, since }: Given): string {
  if (since === null) return "";
  const values = { since: new Date(since).toLocaleDateString(locale(), { dateStyle: "medium" }) };
  return many(strangers, "{n} unknown sender since {since}", "{n} unknown senders since {since}", values);
}

/** The line; `turn` turns the address on or off. */
export function givenLine(given: Given, turn: (on: boolean) => void): Child {
  const off = given.state !== "on";
  const since = leak(given);
  return [
    sign(since === "" ? atSign : triangleAlert),
    el(
      "p",
      {},
      words(given),
      since !== "" && [" ", el("b", {}, since), "."],
      given.state === "off" && [" ", t("This address is turned off. New mail is rejected.")],
      given.state === "expired" && [" ", t("This address has expired. New mail is rejected.")],
    ),
    el("button", { class: "btn line", onclick: () => turn(off) }, off ? t("Turn on") : t("Turn off")),
  ];
}
