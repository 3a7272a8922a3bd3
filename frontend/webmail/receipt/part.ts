// Receipts (WEBMAIL-139): the line above a message whose sender asks for a receipt of reading, which only its button sends; and the
// row of the composer.

import type { Client, MessageItem, ParsedMessage } from "../../gen/webmail";
import { attempt, confirm } from "../../lib/dialogs";
import { el, fill, isolated } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import { asciiDomains } from "../message/addresses";
import { addressList, bareAddress, fullTime, shortAddress } from "../ui/format";
import sheet from "./receipt.css";

adopt(sheet);

export { drawWishes } from "./wishes";

/** Characters of the subject in the receipt. */
const mostSubject = 500;

/** Show the request. `flag` marks a message so that no program asks again, with Undo. */
export function showReceipt(
  client: Client,
  flag: (item: MessageItem, flag: string, done: string) => void,
  item: MessageItem,
  parsed: ParsedMessage,
  place: HTMLElement,
): void {
  if (!parsed.receipt) return;
  const { to, elsewhere } = parsed.receipt;
  const [from] = item.from;
  const who = isolated(from === undefined ? t("(no address)") : shortAddress(from));
  const ascii = asciiDomains(to);
  const where = isolated(addressList(to, bareAddress)) + (ascii === "" ? "" : ` (${ascii})`);
  const send = async () => {
    if (
      elsewhere &&
      !(await confirm(
        t("Send read receipt to {where}?", { where }),
        t("This isn't the sender's address. The receipt will confirm that you read the message, and when."),
        t("Send read receipt"),
      ))
    )
      return;
    const me = bareAddress(parsed.answering.from);
    const subject = item.subject.slice(0, mostSubject);
    const when = fullTime(item.date ?? item.received);
    const words = t(
      "Your message “{subject}” from {when} to {me} was displayed. This doesn't guarantee that the recipient read or understood it.",
      { subject, when, me },
    );
    const sent = await attempt(t("Sending…"), t("Couldn't send read receipt"), () =>
      client.receipt_send(item.id, t("Read: {subject}", { subject }), `${words}\n`),
    );
    if (!sent) return;
    place.hidden = true;
    toast(t("Read receipt sent to {where}", { where }));
  };
  fill(
    place,
    el(
      "span",
      { class: "reader-bar-words" },
      elsewhere
        ? t("{who} asked for a read receipt to be sent to {where}", { who, where })
        : t("{who} requested a read receipt", { who }),
    ),
    el("button", { class: "link", onclick: () => void send() }, t("Send read receipt")),
    el("button", { class: "link", onclick: () => flag(item, "$mdnsent", t("Read receipt declined")) }, t("Don't send")),
  );
  place.hidden = false;
}
