// Texts that were searched for, marked where they stand (WEBMAIL-73).

import { type Child, el } from "../../lib/dom";

/** A text with what was looked for marked. Letters are compared as the reader's language folds them: lengths stay equal. */
export function marked(text: string, needles: readonly string[]): Child[] {
  const wanted = needles.filter((needle) => needle.length > 1 || text.length < 200);
  if (wanted.length === 0) return [text];
  const pattern = new RegExp(wanted.map((needle) => needle.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const pieces: Child[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    pieces.push(text.slice(end, match.index), el("mark", { class: "hit" }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text.slice(end));
  return pieces;
}

/** Texts of a page that are looked through: more of them would hold up the reader. */
const most = 20_000;

/** Mark the texts in the page of an HTML message. */
export function markIn(page: Document, needles: readonly string[]): void {
  if (needles.length === 0) return;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  for (let n = 0; n < most && walker.nextNode(); n++) found.push(walker.currentNode as Text);
  for (const node of found) {
    const pieces = marked(node.data, needles);
    if (pieces.length > 1) node.replaceWith(...pieces.map((piece) => (piece instanceof Node ? page.adoptNode(piece) : String(piece))));
  }
}
