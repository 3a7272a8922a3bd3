// Readable plain text: links, quotes, marked search texts.

import { type Child, el } from "../../lib/dom";
import { t } from "../../lib/words";
import { linkPieces } from "../data/links";
import { marked } from "../ui/marks";

/** One line of text with its web addresses as links. A link that imitates another host is followed by its real host. */
export function linked(line: string): Child[] {
  return linkPieces(line).map((piece) => {
    if (typeof piece === "string") return piece;
    const link = el("a", { href: piece.url, target: "_blank", rel: "noopener noreferrer" }, piece.text);
    const note = t("This link actually goes to {host}", { host: piece.elsewhere });
    return piece.elsewhere === "" ? link : [link, el("b", { class: "elsewhere", title: note }, `→ ${piece.elsewhere}`)];
  });
}

/** The quote level of a line: `> > text` is 2. */
export function quoteLevel(line: string): number {
  let level = 0;
  for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
  return level;
}

/** Number of consecutive quoted lines from which they are folded. */
const foldedFrom = 7;

/**
 * Render a plain text: links, quotes in three colours, long quotes folded, the signature dimmed, and `needles` marked.
 * From the line `quotedFrom` on all is quoted, without a sign at each line.
 */
export function readableText(value: string, needles: readonly string[], quotedFrom?: number | null): Node[] {
  const blocks: { quoted: boolean; lines: number; node: HTMLElement }[] = [];
  let level = -1;
  let signed = false;
  let lines: Child[] = [];
  const flush = () => {
    const kind = level > 0 ? `text quoted quoted${((level - 1) % 3) + 1}` : signed ? "text signature" : "text";
    if (level >= 0)
      blocks.push({ quoted: level > 0, lines: lines.length / 2, node: el("div", { class: kind }, lines) });
    lines = [];
  };
  const all = value.trimEnd().replace(/\r\n?/g, "\n").split("\n");
  for (const [at, line] of all.entries()) {
    const below = at >= (quotedFrom ?? all.length);
    const own = Math.max(quoteLevel(line), below ? 1 : 0);
    const signs = line === "-- " && !below;
    if (own !== level || (signs && !signed)) {
      const above = own > 0 && level === 0 ? lines.splice(lines.length - 2 * attribution(all, at)) : [];
      flush();
      if (above[0]) blocks.push({ quoted: true, lines: 0, node: el("div", { class: "text" }, above) });
      level = own;
      signed = signs || (signed && own === 0);
    }
    lines.push(
      linked(line).map((piece) => (typeof piece === "string" ? marked(piece, needles) : piece)),
      "\n",
    );
  }
  flush();
  // a message with quotes only has nothing else to show
  return blocks.some((block) => !block.quoted && block.node.textContent.trim() !== "")
    ? foldQuotes(blocks)
    : blocks.map(({ node }) => node);
}

/** How many lines before this one say who wrote what is quoted from here on: "On Mon, 30 Nov 2026 at 10:00, Ada wrote:". Programs write a
 * line with a time or an address, or break it once. */
function attribution(all: readonly string[], at: number): number {
  let end = at;
  while (all[end - 1]?.trim() === "") end--;
  const found = [1, 2].find((n) => {
    const words = all
      .slice(Math.max(0, end - n), end)
      .join(" ")
      .trim();
    return words.length < 300 && /^[^>].*[\d@](?!.*[.!?] ).*:$/.test(words);
  });
  return found === undefined ? 0 : at - end + found;
}

function foldQuotes(blocks: readonly { quoted: boolean; lines: number; node: HTMLElement }[]): Node[] {
  const found: Node[] = [];
  let run: { lines: number; node: HTMLElement }[] = [];
  const end = () => {
    const nodes = run.map(({ node }) => node);
    const count = run.reduce((sum, block) => sum + block.lines, 0);
    run = [];
    if (count < foldedFrom || nodes.some((node) => node.querySelector(".hit") !== null)) {
      for (const node of nodes) found.push(node);
    } else
      found.push(
        el("details", { class: "quote" }, el("summary", {}, t("Quoted text: {n} lines", { n: count })), nodes),
      );
  };
  for (const block of blocks) {
    if (block.quoted) run.push(block);
    else {
      end();
      found.push(block.node);
    }
  }
  end();
  return found;
}
