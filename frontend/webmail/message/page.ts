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

/** Follow links to places of the page (WEBMAIL-53): the window scrolls there, since the frame is as high as its page. */
export function followPlaces(page: Document): void {
  page.addEventListener("click", (event) => {
    // an element in a frame has that frame's classes
    const link = (event.target as Element | null)?.closest("[href]")?.getAttribute("href") ?? "";
    if (!link.startsWith("#")) return;
    event.preventDefault();
    const place = placeIn(page, link.slice(1));
    if (place === undefined) return;
    const quote = place.closest("details");
    const go = () => {
      place.scrollIntoView();
      if (place !== page.body) place.tabIndex = -1;
      place.focus({ preventScroll: true });
    };
    if (quote === null || quote.open) return go();
    // the frame grows first
    quote.addEventListener("toggle", go, { once: true });
    quote.open = true;
  });
}

/** The element that a link names; the page for its beginning (HTML §7.4.6.4), undefined for none. */
function placeIn(page: Document, name: string): HTMLElement | undefined {
  const begin = /^(top)?$/i.test(name) ? page.body : undefined;
  return page.getElementById(name) ?? page.getElementsByName(name)[0] ?? begin;
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
