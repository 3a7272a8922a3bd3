// The events that a search has found (WEBMAIL-175a): those to come, then past ones, by day.

import type { FoundEvent, FoundEvents } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { nameOfSearch } from "../../lib/searched";
import { adopt } from "../../lib/sheets";
import { meant, t } from "../../lib/words";
import type { Board } from "../calendar/board";
import { clock, dateOf, dayName, longDay, nameOf, placeOf, type Shown, shown, today } from "../calendar/days";
import { marked } from "../ui/marks";
import { emptyPlace } from "../ui/placeview";
import sheet from "./eventsearch.css";

adopt(sheet);

export { wordsOfSearch } from "../../lib/searched";

/** The address of a search by its name, with the day to which its end leads: `#calendar:search:~3~,20261125`. */
export function placeOfSearch(words: string, day: number): string {
  return placeOf("day", day).replace("day", `search:${nameOfSearch(words)}`);
}

/** Draw what was found for a text. */
export function drawFound(board: Board, text: string, { events, more }: FoundEvents): HTMLElement {
  const now = Date.now();
  const words = text.split(/\s+/);
  const found = events.map((one) => ({ ...one, at: shown(one.event) }));
  const coming = found.filter(({ at }) => +at.end > now);
  const past = found.filter(({ at }) => +at.end <= now).reverse();
  const part = (title: string, some: readonly Hit[]) =>
    some.length > 0 && [el("h2", { class: "found-head" }, title), days(board, words, some)];
  const searched = t("Searches titles, locations, guests, and notes in all calendars.");
  if (found.length === 0) return emptyPlace({ title: t("No matching events"), text: searched });
  return el(
    "div",
    { class: "cal-agenda found" },
    part(meant("events", "Upcoming"), coming),
    part(meant("events", "Past"), past),
    el(
      "div",
      { class: "found-end" },
      more &&
        el(
          "p",
          {},
          t("Only the {n} events closest to today are shown. Add a word to narrow your search.", { n: found.length }),
        ),
      el("p", {}, searched),
    ),
  );
}

interface Hit extends FoundEvent {
  readonly at: Shown;
}

/** Events by their first days, in their order. */
function days(board: Board, words: readonly string[], found: readonly Hit[]): HTMLElement[] {
  return [...new Set(found.map(({ at }) => at.first))].map((day) => {
    const some = found.filter(({ at }) => at.first === day);
    const date = dateOf(day);
    const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
    const month = formatted(date, `found month ${"year" in year}`, { month: "short", ...year });
    return el(
      "section",
      { class: `cal-agenda-day${day === today() ? " today" : ""}`, "aria-label": longDay(day) },
      el(
        "h3",
        {},
        board.dayButton(day, String(date.getDate()), some.length),
        el("span", {}, day === today() ? t("Today") : dayName(day), el("small", {}, month)),
      ),
      el(
        "ul",
        {},
        some.map((one) => el("li", {}, row(board, words, one))),
      ),
    );
  });
}

function row(board: Board, words: readonly string[], { event, excerpt, at }: Hit): HTMLElement {
  const time =
    event.clock === "date"
      ? t("all day")
      : at.first === at.last
        ? `${clock(at.start)} – ${clock(at.end)}`
        : `${clock(at.start)} –`;
  const hint = (text: string): Child =>
    text !== "" && el("span", { class: "cal-place", dir: "auto" }, marked(isolated(text), words));
  const made = board.event(
    at,
    "cal-entry",
    [el("time", {}, time), el("i", { class: "cal-stripe" })],
    [hint(event.place), hint(excerpt)],
  );
  fill(made.querySelector(".cal-title")!, marked(nameOf(event), words));
  return made;
}
