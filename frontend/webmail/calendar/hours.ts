// The hours of a day or a week, and the events of days above them.

import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import type { Board } from "./board";
import { clock, columns, dateOf, dayName, longDay, today, weekday } from "./days";

/** Pixels of an hour. */
export const hour = 50;

export function drawHours(board: Board, first: number, count: number): HTMLElement {
  const days = Array.from({ length: count }, (_, at) => first + at);
  const bars = board.events.filter((one) => one.bar && one.first < first + count && one.last >= first);
  const lanes: number[][] = [];
  const placed = bars.map((one) => {
    const from = Math.max(0, one.first - first);
    const to = Math.min(count - 1, one.last - first);
    let lane = lanes.findIndex((ends) => ends.every((end, at) => at < from || at > to || end === 0));
    if (lane === -1) lane = lanes.push(Array.from({ length: count }, () => 0)) - 1;
    for (let at = from; at <= to; at++) lanes[lane]![at] = 1;
    const made = board.event(one, "cal-bar", [one.item.clock !== "date" && el("time", {}, clock(one.start))]);
    Object.assign(made.style, { gridColumn: `${from + 1} / ${to + 2}`, gridRow: String(lane + 1) });
    return made;
  });
  const heads = days.map((day) =>
    el(
      "div",
      { class: `cal-head${day === today() ? " today" : ""}` },
      el("span", {}, dayName(day)),
      board.dayButton(day, String(dateOf(day).getDate()), board.events.filter((one) => one.first === day).length),
    ),
  );
  const whole = days.map((day, at) => {
    const cell = el("div", { class: "cal-whole", data: { day: String(day) }, title: longDay(day) });
    cell.style.gridColumn = String(at + 1);
    return cell;
  });
  const columnsOfDays = days.map((day, at) => {
    const made = column(board, day);
    made.style.gridColumn = String(at + 2);
    return made;
  });
  const scroll = el(
    "div",
    { class: "cal-scroll", tabindex: "0", role: "group", "aria-label": t("Hours") },
    el(
      "div",
      { class: "cal-grid" },
      Array.from({ length: 23 }, (_, at) => {
        const label = el("span", { class: "cal-hour" }, clock(dateOf(first, (at + 1) * 60)));
        label.style.top = `${(at + 1) * hour - 8}px`;
        return label;
      }),
      columnsOfDays,
    ),
  );
  const root = el(
    "div",
    { class: "cal-hours" },
    el("div", { class: "cal-heads" }, el("span"), heads),
    el(
      "div",
      { class: "cal-days" },
      el("span", { class: "cal-hint" }, t("all day")),
      el("div", { class: "cal-bars" }, whole, placed),
    ),
    scroll,
  );
  root.style.setProperty("--days", String(count));
  root.style.setProperty("--lanes", String(Math.max(1, lanes.length)));
  requestAnimationFrame(() => (scroll.scrollTop = board.scrolled ?? 7.5 * hour));
  scroll.addEventListener("scroll", () => (board.scrolled = scroll.scrollTop));
  return root;
}

function column(board: Board, day: number): HTMLElement {
  const times = board.events.filter((one) => !one.bar && one.first === day);
  const minutes = (date: Date) => date.getHours() * 60 + date.getMinutes();
  const made = columns(times).map(({ one, column: at, of }) => {
    const from = minutes(one.start);
    const to = Math.max(from + 29, +one.end === +dateOf(day + 1) ? 1440 : minutes(one.end));
    const short = to - from < 45;
    const found = board.event(
      one,
      `cal-block${short ? " short" : ""}`,
      [],
      [
        // an end without room goes as a whole: cut off, hours of a language from right to left would lose their first digit
        el("time", {}, el("span", {}, clock(one.start)), !short && [" ", el("span", {}, `– ${clock(one.end)}`)]),
        !short && one.item.place !== "" && el("bdi", { class: "cal-place", dir: "auto" }, one.item.place),
      ],
    );
    Object.assign(found.style, {
      top: `${(from * hour) / 60 + 1}px`,
      height: `${((to - from) * hour) / 60 - 3}px`,
      insetInlineStart: `calc(${(at * 100) / of}% + 3px)`,
      width: `calc(${100 / of}% - 7px)`,
    });
    found.append(el("i", { class: "cal-grip", "aria-hidden": "true" }));
    return found;
  });
  const now = day === today() && el("i", { class: "cal-now" });
  if (now !== false) now.style.top = `${(minutes(new Date()) * hour) / 60}px`;
  return el(
    "div",
    { class: `cal-column${weekday(day) > 4 ? " weekend" : ""}`, data: { day: String(day) } },
    now, // titles are read: the line is below them
    made,
  );
}
