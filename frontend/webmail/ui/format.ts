// How values are shown: times, sizes, addresses, and text with links and quotes.

import type { Address } from "../../gen/webmail";
import { type Child, el } from "../../lib/dom";
import { marked } from "./marks";
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

/** The addresses as DNS has their domains; "" when that is how they are shown (WEBMAIL-75). */
export function asciiDomains(addresses: Address[]): string {
  const ascii = (host: string) => (/^[\x00-\x7f]*$/.test(host) || !URL.canParse(`http://${host}`) ? host : new URL(`http://${host}`).hostname);
  if (addresses.every(({ host }) => ascii(host) === host)) return "";
  return addresses.map((one) => bareAddress({ ...one, host: ascii(one.host) })).join(", ");
}

/** How often a line is quoted: `> > text` is 2. */
export function quoteLevel(line: string): number {
  let level = 0;
  for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
  return level;
}

/** Quoted lines that follow each other and are folded: what one answers to is there, but not in the way. */
const foldedFrom = 7;

/** A plain text for reading: links, quotes in three colours and folded where they are long, the signature dimmed, and `needles`
 * marked. */
export function readableText(value: string, needles: readonly string[]): Node[] {
  const blocks: { quoted: boolean; lines: number; node: HTMLElement }[] = [];
  let level = -1;
  let signed = false;
  let lines: Child[] = [];
  const flush = () => {
    const kind = level > 0 ? `text quoted quoted${((level - 1) % 3) + 1}` : signed ? "text signature" : "text";
    if (level >= 0) blocks.push({ quoted: level > 0, lines: lines.length / 2, node: el("div", { class: kind }, lines) });
    lines = [];
  };
  for (const line of value.replace(/\r\n?/g, "\n").split("\n")) {
    const own = quoteLevel(line);
    const signs = line === "-- ";
    if (own !== level || (signs && !signed)) {
      flush();
      level = own;
      signed = signs || (signed && own === 0);
    }
    lines.push(linked(line).map((piece) => (typeof piece === "string" ? marked(piece, needles) : piece)), "\n");
  }
  flush();
  // a message that only quotes has nothing else to show
  return blocks.some((block) => !block.quoted && block.node.textContent.trim() !== "") ? foldQuotes(blocks) : blocks.map(({ node }) => node);
}

function foldQuotes(blocks: readonly { quoted: boolean; lines: number; node: HTMLElement }[]): Node[] {
  const found: Node[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const end = blocks.findIndex((block, at) => at >= i && !block.quoted);
    const run = blocks.slice(i, end < 0 ? undefined : end);
    const count = run.reduce((sum, block) => sum + block.lines, 0);
    if (count < foldedFrom || run.some(({ node }) => node.querySelector(".hit") !== null)) {
      found.push(...run.map(({ node }) => node), ...(end < 0 ? [] : [blocks[end]!.node]));
    } else {
      const summary = el("summary", {}, t("Show quoted text: {n} lines", { n: count }));
      found.push(el("details", { class: "quote" }, summary, run.map(({ node }) => node)), ...(end < 0 ? [] : [blocks[end]!.node]));
    }
    if (end < 0) break;
    i = end;
  }
  return found;
}
