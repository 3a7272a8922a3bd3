// Marking of search texts in the page of an HTML message (WEBMAIL-73).

import { marked } from "../ui/marks";

/** Maximum number of text nodes that are searched; more would delay the reader. */
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
