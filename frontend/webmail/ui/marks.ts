// Marking of search texts in shown texts (WEBMAIL-73).

import { type Child, el } from "../../lib/dom";

/** A text with search texts marked. Case is folded by the reader's language, which keeps lengths equal. */
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
