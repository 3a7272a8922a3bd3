// The small month beside the calendar: a day of it is one press away, and its name shows the months of two years.

import { formatted } from "../../lib/dateformats";
import { el, fill, sign } from "../../lib/dom";
import { chevronDown, chevronLeft, chevronRight } from "../../lib/icons";
import { t } from "../../lib/words";
import { dateOf, dayInitial, longDay, monthName, monthStart, monthsLater, today, weekStart } from "./days";

/** Draw the month of a day, where the view has the days of `within`, from the first to before the last; or the months from a `year` on.
 * `show` is called with the day that is chosen. */
export function drawSmall(
  root: HTMLElement,
  day: number,
  within: readonly [number, number],
  show: (day: number) => void,
  year: number | null = null,
): void {
  const own = dateOf(day);
  const choose = (first: number | null, focused = 0) => {
    drawSmall(root, day, within, show, first);
    root.querySelectorAll("button")[focused]?.focus();
  };
  const button = (kind: string, text: string, name: string | null, run: () => void) =>
    el("button", { class: kind, type: "button", "aria-label": name, onclick: run }, text);
  const step = (by: number, title: string, path: string, at: number) =>
    year !== null &&
    el(
      "button",
      {
        class: "btn icon small",
        type: "button",
        title,
        "aria-label": title,
        onclick: () => choose(year + by, at),
      },
      sign(path),
    );
  const days = () => {
    const first = weekStart(monthStart(day));
    return el(
      "div",
      { class: "cal-small-grid" },
      Array.from({ length: 7 }, (_, at) => el("span", { "aria-hidden": "true" }, dayInitial(first + at))),
      Array.from({ length: 42 }, (_, at) => {
        const one = first + at;
        const date = dateOf(one);
        const kinds = [
          one === today() && "today",
          date.getMonth() !== own.getMonth() && "other",
          one >= within[0] && one < within[1] && "within",
        ];
        return button(kinds.filter(Boolean).join(" "), String(date.getDate()), longDay(one), () => show(one));
      }),
    );
  };
  const months = (of: number) => {
    const made = Array.from({ length: 12 }, (_, at) => {
      const by = 12 * (of - own.getFullYear()) + at - own.getMonth();
      const start = monthStart(day, by);
      const kind = start === monthStart(today()) ? "today" : by === 0 ? "within" : "";
      const name = formatted(dateOf(start), "short month", { month: "short" });
      return button(kind, name, null, () => {
        show(monthsLater(day, by));
        root.querySelector("button")?.focus();
      });
    });
    const name = formatted(new Date(of, 0), "event year", { year: "numeric" });
    return el(
      "div",
      { class: "cal-small-grid cal-small-months", role: "group", "aria-label": name },
      el("b", {}, name),
      made,
    );
  };
  fill(
    root,
    el(
      "div",
      { class: "cal-small-head" },
      el(
        "button",
        {
          class: "cal-small-name",
          type: "button",
          title: t("Choose month"),
          "aria-expanded": String(year !== null),
          onclick: () => choose(year === null ? own.getFullYear() : null),
        },
        monthName(day),
        sign(chevronDown, "i s"),
      ),
      step(-1, t("Earlier"), chevronLeft, 1),
      step(1, t("Later"), chevronRight, 2),
    ),
    year === null ? days() : [months(year), months(year + 1)],
  );
}
