// The frame that shows the HTML of a message, and the line above it.

import { el, isolated } from "../../lib/dom";
import { many, t } from "../../lib/words";
import { type PageFacts, followPlaces, markIn, pageFacts } from "./page";

/** Maximum height in pixels of an HTML page in a thread; a higher page scrolls. Mail of 1 MB has up to 160,000. */
const highest = 500_000;

/** The smallest scale of a page that is wider than its frame; a wider one scrolls. A newsletter of 600 px fits into 350. */
const smallest = 0.55;

/** What happens in the frame of a page. */
export interface Framing {
  /** The page is there: its keys and links can be handled. */
  framed(page: Document): void;
  /** What the server says of the page. */
  facts(facts: PageFacts): void;
  /** The browser shows an error page of its own. */
  failed(): void;
  /** The words that are marked. */
  needles(): readonly string[];
  /** Whether what is quoted is what the message is about. */
  readonly forwarded: boolean;
}

/** The window around a page; plain: dark, and the page in the window's colours whatever its own are. */
export type Shade = "light" | "dark" | "plain";

/** A frame for the HTML of a message, as high as its page. */
export function htmlFrame(src: string, shade: Shade, owner: Framing): HTMLElement {
  // The page inside runs no scripts: its policy and this attribute both forbid them. It has our origin so that we receive its
  // keys (docs/decisions/009-frame-of-html-mail.md).
  const frame = el("iframe", {
    class: "html",
    title: t("Message"),
    sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
    referrerpolicy: "no-referrer",
    src: `${src}?sameorigin=true${shade === "light" ? "" : `&scheme=${shade}`}`,
  });
  const sheet = el("div", { class: "html-sheet" }, frame);
  let [known, loaded]: [Document | null, boolean] = [null, false];
  const take = () => {
    const page = frame.contentDocument;
    if (page === null || page === known || page.URL === "about:blank") return;
    known = page;
    followPlaces(page);
    owner.framed(page);
  };
  let said = false;
  const readFacts = () => {
    const page = frame.contentDocument;
    const facts = said || page === null || !frame.isConnected ? null : pageFacts(page);
    if (facts === null) return;
    said = true;
    sheet.classList.toggle("dimmed", shade === "dark" && facts.coloured);
    owner.facts(facts);
  };
  // handle keys and links as soon as there is something to see: a page is not loaded before its images are
  const watch = () => {
    take();
    readFacts();
    const high = known?.documentElement?.scrollHeight ?? 0;
    if (high > frame.clientHeight) frame.style.height = `${Math.min(highest, high)}px`;
    if (frame.isConnected && !loaded) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  frame.addEventListener("load", () => {
    const page = frame.contentDocument;
    loaded = true;
    if (page === null) {
      if (!frame.isConnected) return;
      // the browser's own error page
      owner.failed();
      return;
    }
    take();
    readFacts();
    markIn(page, owner.needles());
    const quote = page.querySelector<HTMLDetailsElement>("details.moxlite-quote");
    if (quote !== null) quote.open = owner.forwarded || quote.querySelector(".hit, mark") !== null;
    // with space for the horizontal scroll bar of a wide page
    const grow = () => {
      const bar = (page.defaultView?.innerHeight ?? 0) - page.documentElement.clientHeight;
      // the page is never lower than its frame: measured in one of no height
      frame.style.height = "0";
      frame.style.height = `${Math.min(highest, page.documentElement.scrollHeight + bar)}px`;
    };
    let width = 0;
    const adapt = () => {
      // its height changes by itself
      if (frame.clientWidth === width) return;
      width = frame.clientWidth;
      fit(page);
      grow();
    };
    adapt();
    page.defaultView?.addEventListener("resize", adapt);
    quote?.addEventListener("toggle", grow);
  });
  return sheet;
}

/** Show a page that is wider than its frame smaller, so that it need not be scrolled sideways. */
function fit(page: Document): void {
  const { documentElement: root, body } = page;
  body.style.zoom = "";
  const scale = root.clientWidth / root.scrollWidth;
  if (scale < 1 && scale >= smallest) body.style.zoom = String(scale);
}

/** What the line above the page says of pictures: those that the page was denied, or that they come from their servers. */
export function picturesWords(
  mode: "html" | "htmlexternal",
  blocked: { count: number; hosts: string[] } | null,
): string {
  if (mode === "htmlexternal") return t("Remote images loaded");
  if (blocked === null || blocked.count === 0) return "";
  return many(blocked.count, "{n} image from {hosts} not loaded", "{n} images from {hosts} not loaded", {
    hosts: isolated(blocked.hosts.join(", ")),
  });
}
