// The row above the list, which is always there, so that nothing that is to be said moves the list (WEBMAIL-181b): the first of its
// notices, else the filters. What others put into it is in its turn by what it is; the rest waits.

import { el } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { moveWithin } from "../../lib/toolbar";
import { meant, t } from "../../lib/words";
import type { Desk, Refinement } from "../commands/desk";
import sheet from "./band.css";

adopt(sheet);

/** Notices by their selectors, the first ones about what is being done: these aren't held. */
const urgent = 2;
const ranks = [
  ".offline",
  ".search-problems",
  ".list-filters:has([aria-pressed=true])",
  ".sorting",
  ".event-news",
  ".hints",
  ".list-filters",
];

/** Fill the band, and show one thing in it at a time. A new notice waits while the pointer or the focus is there. */
export function fillBand(band: HTMLElement, desk: Desk): void {
  const filter = (to: Refinement, words: string) => {
    const run = () => desk.refine(desk.refinement() === to ? "" : to);
    return el("button", { class: "chip pill", type: "button", data: { only: to }, onclick: run }, words);
  };
  const filters = el(
    "div",
    { class: "list-filters", role: "toolbar", "aria-label": t("Show only") },
    filter("unread", t("Unread")),
    filter("people", meant("messages from", "People")),
    filter("newsletters", t("Newsletters")),
    filter("attachments", meant("place", "Files")),
  );
  moveWithin(filters);
  band.append(filters);
  const draw = () => {
    for (const one of filters.children)
      one.ariaPressed = String((one as HTMLElement).dataset["only"] === band.dataset["only"]);
    const inbox = band.dataset["inbox"] === "true";
    const present = [...band.children].filter(
      (one) => !(one as HTMLElement).hidden && (inbox || !one.matches(".event-news")),
    );
    const rank = (one: Element) => ranks.findIndex((selector) => one.matches(selector));
    const next = Math.min(...present.map(rank));
    const now = band.querySelector(":scope > .turn");
    const held = now !== null && present.includes(now) && next >= urgent && band.matches(":hover, :focus-within");
    if (held && rank(now) > next) return;
    for (const one of band.children) one.classList.toggle("turn", present.includes(one) && rank(one) === next);
  };
  const options = { childList: true, subtree: true, attributeFilter: ["hidden", "data-inbox", "data-only"] };
  new MutationObserver(draw).observe(band, options);
  for (const kind of ["pointerleave", "focusout"]) band.addEventListener(kind, () => setTimeout(draw));
  draw();
}
