// What the header of a message tells: its senders, recipients and labels.

import type { Address, Label, MessageItem, ParsedMessage } from "../../gen/webmail";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { meant, t } from "../../lib/words";
import { chip, labelPlace } from "../state/labels";
import { addressList, longAddress, shortAddress } from "../ui/format";
import { asciiDomains } from "./addresses";

/** Addresses of a field that are shown until the user asks for all. */
const firstAddresses = 6;
/** Recipients that the folded line names. */
export const namedRecipients = 2;
/** Maximum addresses of a field in a row of the list; the header has all. */
const mostInRow = 50;
/** Labels that are shown until the user asks for all. */
const firstLabels = 8;

/** Colour and explanation of the validation of the sender's domain (WEBMAIL-77). */
export const validations: Partial<Record<ParsedMessage["validation"], readonly [string, string]>> = {
  strict: ["green", t("Domain verified (SPF or DKIM)")],
  dmarc: ["green", t("Domain verified (DMARC)")],
  relaxed: ["green", t("Related domain verified (SPF or DKIM)")],
  list: ["blue", t("Trusted list or forwarder. Sender not verified")],
  none: ["grey", t("Domain not verified")],
  forged: ["red", t("Failed the domain's DMARC check")],
};

/** The recipients in a few words: "to me, Anna and 24 more". */
export function recipients(item: MessageItem, isOwn: (one: Address) => boolean): string {
  const all = [...item.to, ...item.cc, ...item.bcc];
  if (all.length === 0) return t("no recipients");
  const mine = all.findIndex((one) => isOwn(one));
  const named = [
    ...(mine < 0 ? [] : [meant("recipient", "me")]),
    ...all
      .filter((_, at) => at !== mine)
      .slice(0, namedRecipients - (mine < 0 ? 0 : 1))
      .map(shortAddress),
  ];
  const names = isolated(named.join(", "));
  const n = all.length - named.length;
  // a row has not all addresses of a long field
  if ([item.to, item.cc, item.bcc].some((field) => field.length >= mostInRow))
    return t("to {names} and over {n} more", { names, n });
  return n > 0 ? t("to {names} and {n} more", { names, n }) : t("to {names}", { names });
}

/** The addresses of a header field. The first ones are shown until the user asks for all. */
export function addressees(field: string, all: Address[], headers: () => ParsedMessage["headers"]): HTMLElement {
  const place = el("dd");
  const draw = (count: number) => {
    const whole =
      count < mostInRow
        ? ""
        : headers()
            .filter(({ name }) => name.toLowerCase() === field)
            .map(({ value }) => value)
            .join(", ");
    const left = all.length - count;
    const text = whole || addressList(all.slice(0, count), longAddress);
    place.title = asciiDomains(all.slice(0, count));
    fill(
      place,
      el("span", { dir: "auto" }, isolated(text)),
      left > 0 && [
        " ",
        el("button", { class: "link", onclick: () => draw(all.length) }, t("and {n} more", { n: left })),
      ],
    );
  };
  // one more address is as short as the button
  draw(all.length > firstAddresses + 1 ? firstAddresses : all.length);
  return place;
}

/** A sender; once known, with a line under the domain that shows its validation (WEBMAIL-77). */
export function senderOf(address: Address, [colour, why]: readonly [string, string] | readonly []): Child {
  const whole = isolated(longAddress(address));
  const at = whole.lastIndexOf(address.host);
  if (colour === undefined || address.host === "" || at < 0) return whole;
  return [
    whole.slice(0, at),
    el("span", { class: `validation ${colour}`, title: why }, address.host),
    whole.slice(at + address.host.length),
  ];
}

/** Show labels in their place, each a link to the other messages that have it; the first of many. Labels that are shown stay as
 * they are. */
export function drawLabels(place: HTMLElement, labels: readonly Label[]): void {
  const shown = JSON.stringify(labels);
  if (place.dataset["labels"] === shown) return;
  place.dataset["labels"] = shown;
  const link = (label: Label) =>
    el(
      "a",
      {
        class: "keyword-link",
        href: labelPlace(label.name),
        title: t("Messages with label {name}", { name: label.name }),
      },
      chip(label),
    );
  const rest = labels.slice(firstLabels);
  const all = el(
    "button",
    { class: "link", onclick: () => fill(place, labels.map(link)) },
    t("{n} more", { n: rest.length }),
  );
  place.hidden = labels.length === 0;
  fill(place, labels.slice(0, firstLabels).map(link), rest.length > 0 && all);
}

/** Header fields as a table. */
export function headerTable(headers: ParsedMessage["headers"]): HTMLElement {
  return el(
    "table",
    { class: "headers" },
    headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value))),
  );
}
