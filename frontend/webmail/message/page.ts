// The page of an HTML message in its frame: marking of search texts (WEBMAIL-73), and what the server says of it.

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
    if (pieces.length > 1)
      node.replaceWith(...pieces.map((piece) => (piece instanceof Node ? page.adoptNode(piece) : String(piece))));
  }
}

/** What the server says of a page (WEBMAIL-55): the number of remote resources that it was denied, their hosts, whether it has
 * colours of its own, and the paths of the attachments that it shows inside. */
export interface PageFacts {
  count: number;
  hosts: string[];
  coloured: boolean;
  inside: string[];
}

/** The facts about a page. They are in the head, where a mail has no say. Null for another page, or before its head is there. */
export function pageFacts(page: Document): PageFacts | null {
  const fact = (name: string) => page.head?.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? null;
  const blocked = fact("blocked");
  if (blocked === null) return null;
  const inside = fact("inside") ?? ""; // a page that this browser has kept since an older version has none
  const [count, ...hosts] = blocked.split(" ");
  return { count: Number(count), hosts, coloured: fact("coloured") === "yes", inside: inside.split(" ") };
}
