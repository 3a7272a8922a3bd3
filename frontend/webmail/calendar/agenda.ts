// Events of the coming weeks, by day.

import { el } from "../../lib/dom";
import { locale, t } from "../../lib/words";
import { joinLink } from "../ui/join";
import type { Board } from "./board";
import { clock, dateOf, dayName, longDay, today } from "./days";
import { ofDay } from "./month";

/** Days that the agenda shows. */
export const agendaDays = 30;

export function drawAgenda(board: Board): HTMLElement {
  const now = new Date();
  const days = Array.from({ length: agendaDays }, (_, at) => board.day + at)
    .map((day) => ({ day, events: ofDay(board.events, day) }))
    .filter(({ events }) => events.length > 0)
    .map(({ day, events }) =>
      el(
        "section",
        { class: `cal-agenda-day${day === today() ? " today" : ""}`, "aria-label": longDay(day) },
        el(
          "h2",
          {},
          board.dayButton(day, String(dateOf(day).getDate()), events.length),
          el(
            "span",
            {},
            day === today() ? t("Today") : dayName(day),
            el("small", {}, dateOf(day).toLocaleDateString(locale(), { month: "long" })),
          ),
        ),
        el(
          "ul",
          {},
          events.map((one) => {
            const time =
              one.item.clock === "date" || (one.first < day && one.last > day)
                ? t("all day")
                : `${one.first === day ? clock(one.start) : "…"} – ${one.last === day ? clock(one.end) : "…"}`;
            return el(
              "li",
              {},
              board.event(
                one,
                `cal-entry${one.end < now ? " past" : ""}`,
                [el("time", {}, time), el("i", { class: "cal-stripe" })],
                [one.item.place !== "" && el("bdi", { class: "cal-place", dir: "auto" }, one.item.place)],
              ),
              one.end >= now && joinLink(one.item.join),
            );
          }),
        ),
      ),
    );
  return el("div", { class: "cal-agenda" }, days.length > 0 ? days : board.nothing());
}
