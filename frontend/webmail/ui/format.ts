// How values are shown: times, sizes, addresses, and text with links and quotes.

import type { Address } from "../../gen/webmail";
import { type Child, el } from "../../lib/dom";
import { t } from "../../lib/words";
import { linkPieces } from "../data/links";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365.25 * day;
const month = year / 12;

/** Time since `time` in one short word; `now` is the server's clock, for the browser's may be wrong. */
export function age(time: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < minute) return "<1min";
  if (seconds < hour) return `${Math.floor(seconds / minute)}min`;
  if (seconds < day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < month) return `${Math.floor(seconds / day)}d`;
  if (seconds < year) return `${Math.floor(seconds / month)}mo`;
  return `${Math.floor(seconds / year)}y`;
}

/** A time in full, in the browser's zone. */
export function fullTime(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
}

/** `user@host`, with the user quoted where it needs to be (RFC 5321 §4.1.2). */
export function bareAddress(address: Address): string {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}

/** The name, else the address. */
export function shortAddress(address: Address): string {
  return address.name.trim() || bareAddress(address);
}

/** The name and the address. */
export function longAddress(address: Address): string {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}

/** Several addresses, with commas. */
export function addressList(addresses: Address[], one: (address: Address) => string): string {
  return addresses.map(one).join(", ");
}

/** One line of text with its web addresses as links; beside one that seems to lead elsewhere, where it leads. */
export function linked(line: string): Child[] {
  return linkPieces(line).map((piece) => {
    if (typeof piece === "string") return piece;
    const link = el("a", { href: piece.url, target: "_blank", rel: "noopener noreferrer" }, piece.url);
    const note = t("This link leads to {host}, not to where its text says", { host: piece.elsewhere });
    return piece.elsewhere === "" ? link : [link, el("b", { class: "elsewhere", title: note }, `→ ${piece.elsewhere}`)];
  });
}

/** How often a line is quoted: `> > text` is 2. */
export function quoteLevel(line: string): number {
  let level = 0;
  for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
  return level;
}

/** A plain text for reading: links, quotes in three colours, and runs of equal lines in one element. */
export function readableText(value: string): Node[] {
  const blocks: Node[] = [];
  let level = -1;
  let lines: Child[] = [];
  const flush = () => {
    if (level >= 0) blocks.push(el("div", { class: level === 0 ? "text" : `text quoted quoted${((level - 1) % 3) + 1}` }, lines));
    lines = [];
  };
  for (const line of value.replace(/\r\n?/g, "\n").split("\n")) {
    const own = quoteLevel(line);
    if (own !== level) {
      flush();
      level = own;
    }
    lines.push(linked(line), "\n");
  }
  flush();
  return blocks;
}
