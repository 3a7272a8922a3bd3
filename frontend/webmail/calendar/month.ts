// Weeks of a month: bars of days, and times below them; what has no room is counted.

import { el } from "../../lib/dom";
import { many, t } from "../../lib/words";
import type { Board } from "./board";
import {
  clock,
  dateOf,
  dayName,
  longDay,
  monthStart,
  type Shown,
  shortDay,
  today,
  weekday,
  weekNumber,
  weekStart,
} from "./days";

/** Height of a line of an event, and of the number of the day. */
const line = 24;
const head = 30;

export function drawMonth(board: Board): HTMLElement {
  const first = weekStart(monthStart(board.day));
  const month = dateOf(board.day).getMonth();
  const weeks = Math.ceil((monthStart(board.day, 1) - first) / 7);
  const height = Math.max(head + 2 * line, (board.root.clientHeight - 29) / weeks);
  const lines = Math.max(1, Math.floor((height - head) / line));
  const names = el(
    "div",
    { class: "cal-names" },
    el("span", { class: "cal-number" }, t("Week")),
    Array.from({ length: 7 }, (_, at) => el("span", {}, dayName(first + at))),
  );
  const rows = Array.from({ length: weeks }, (_, at) => week(board, first + 7 * at, month, lines));
  const place = el("div", { class: "cal-weeks" }, rows);
  place.style.gridTemplateRows = `repeat(${weeks}, minmax(0, 1fr))`;
  return el("div", { class: "cal-month" }, names, place);
}

function week(board: Board, first: number, month: number, lines: number): HTMLElement {
  const inside = board.events.filter((one) => one.first < first + 7 && one.last >= first);
  const bars = inside.filter((one) => one.bar).sort((a, b) => a.first - b.first || b.last - a.last);
  const times = inside.filter((one) => !one.bar);
  const taken: boolean[][] = Array.from({ length: 7 }, () => []);
  const hidden = Array.from({ length: 7 }, () => 0);
  const counts = Array.from({ length: 7 }, () => 0);
  for (const one of inside)
    for (let at = Math.max(0, one.first - first); at <= Math.min(6, one.last - first); at++) counts[at]!++;
  const drawn: HTMLElement[] = [];
  for (const one of [...bars, ...times]) {
    const from = Math.max(0, one.first - first);
    const to = Math.min(6, one.last - first);
    const days = taken.slice(from, to + 1);
    let lane = 0;
    while (days.some((day) => day[lane])) lane++;
    // the last line of a full day says how many more there are
    const room = days.every((_, at) => counts[from + at]! <= lines) ? lines : lines - 1;
    if (lane >= room) {
      for (let at = from; at <= to; at++) hidden[at]!++;
      continue;
    }
    for (const day of days) day[lane] = true;
    const made = board.event(one, one.bar ? "cal-bar" : "cal-time", [
      !one.bar && el("i", { class: "cal-dot" }),
      !one.bar && el("time", {}, clock(one.start)),
    ]);
    Object.assign(made.style, { gridColumn: `${from + 2} / ${to + 3}`, gridRow: `${lane + 2}` });
    drawn.push(made);
  }
  const cells = taken.map((_, at) => {
    const day = first + at;
    const classes = [
      "cal-cell",
      weekday(day) > 4 && "weekend",
      dateOf(day).getMonth() !== month && "other",
      day === today() && "today",
    ];
    const date = dateOf(day).getDate();
    const cell = el(
      "div",
      { class: classes.filter(Boolean).join(" "), data: { day: String(day) } },
      board.dayButton(day, date === 1 ? shortDay(day).replace(/^\S+\s/, "") : String(date), counts[at]!),
    );
    cell.style.gridColumn = String(at + 2);
    return cell;
  });
  const more = hidden.map((count, at) => {
    if (count === 0) return null;
    const words = many(count, "{n} more event", "{n} more");
    const button = el(
      "button",
      {
        class: "cal-more",
        type: "button",
        "aria-label": `${words}, ${longDay(first + at)}`,
        onclick: () => board.show("day", first + at),
      },
      words,
    );
    Object.assign(button.style, { gridColumn: String(at + 2), gridRow: String(lines + 1) });
    return button;
  });
  const row = el(
    "div",
    { class: "cal-week" },
    el("span", { class: "cal-number" }, String(weekNumber(first + 3))),
    cells,
    drawn,
    more,
  );
  row.style.gridTemplateRows = `${head}px repeat(${lines}, ${line}px) minmax(0, 1fr)`;
  return row;
}

/** Events of a day, bars first. */
export function ofDay(events: readonly Shown[], day: number): Shown[] {
  return events
    .filter((one) => one.first <= day && one.last >= day)
    .sort((a, b) => Number(b.item.clock === "date") - Number(a.item.clock === "date") || +a.start - +b.start);
}
