// The fields of a custom rule of a repeated event (WEBMAIL-175): how often, on which days, and how many times. The last date has a
// field of its own in the form.

import { el, fill } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { locale, many, t } from "../../lib/words";
import { firstWeekday } from "../calendar/days";
import sheet from "./repeating.css";

adopt(sheet);

const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

export interface CustomRule {
  readonly root: HTMLElement;
  /** The rule, without its last date. */
  read(): string;
}

const dayOf = (date: Date): string => days[(date.getUTCDay() + 6) % 7]!;

/** Whether a date is one of a monthly rule: `on` is a weekday with its number in the month, or the number of a day. */
function inMonth(date: Date, on: string): boolean {
  const [, number = "", day = ""] = /^(-?\d+)(\w\w)?$/.exec(on)!;
  const at = date.getUTCDate();
  if (day === "") return Number(number) === at;
  const next = new Date(date.getTime() + 7 * 86_400_000);
  const last = next.getUTCMonth() !== date.getUTCMonth();
  return dayOf(date) === day && (number === "-1" ? last : Number(number) === Math.ceil(at / 7));
}

/** Fields with the parts of a rule. Where it has none, they suit an event that starts on the day in the field `start`. */
export function customRule(parts: Readonly<Record<string, string>>, start: HTMLInputElement): CustomRule {
  const begins = () => new Date(`${start.value}T00:00Z`);
  const date = begins();
  const today = dayOf(date);
  const by = parts["BYDAY"] ?? "";
  const name = (day: string, weekday: "long" | "short") =>
    new Intl.DateTimeFormat(locale(), { weekday, timeZone: "UTC" }).format(Date.UTC(2026, 10, 23 + days.indexOf(day)));
  const select = (label: string, options: readonly (readonly [string, string?])[], value: string) => {
    const made = el(
      "select",
      { class: "dialog-input", "aria-label": label },
      options.map(([key, words]) => el("option", { value: key }, words ?? "")),
    );
    made.value = value;
    return made;
  };
  const number = (label: string, value: string, most: number) =>
    el("input", { class: "dialog-input", type: "number", min: "1", max: String(most), value, "aria-label": label });
  const interval = number(t("Interval"), parts["INTERVAL"] ?? "1", 99);
  const frequency = select(t("Repeat"), [["DAILY"], ["WEEKLY"], ["MONTHLY"], ["YEARLY"]], parts["FREQ"] ?? "WEEKLY");
  const count = () => {
    const n = Math.max(1, Number(interval.value));
    const words = [
      many(n, "every day", "every {n} days"),
      many(n, "every week", "every {n} weeks"),
      many(n, "every month", "every {n} months"),
      many(n, "every year", "every {n} years"),
    ];
    for (const [at, option] of [...frequency.options].entries()) fill(option, words[at]);
  };
  const chosen = parts["FREQ"] === "WEEKLY" && by !== "" ? by.split(",") : [today];
  const boxes = days.map((day) => {
    const box = el("input", { type: "checkbox", value: day, "aria-label": name(day, "long") });
    box.checked = chosen.includes(day);
    return box;
  });
  const week = el(
    "div",
    { class: "repeating-days", role: "group", "aria-label": t("Repeat on") },
    days.map((_, n) => {
      const at = (n + firstWeekday()) % 7;
      return el("label", {}, boxes[at]!, name(days[at]!, "short"));
    }),
  );
  const named = (day: string): readonly (readonly [string, string])[] => {
    const one = { day: name(day, "long") };
    return [
      [`1${day}`, t("the first {day}", one)],
      [`2${day}`, t("the second {day}", one)],
      [`3${day}`, t("the third {day}", one)],
      [`4${day}`, t("the fourth {day}", one)],
      [`-1${day}`, t("the last {day}", one)],
    ];
  };
  const monthDay = parts["BYMONTHDAY"] ?? String(date.getUTCDate());
  const month = select(
    t("Repeat on"),
    // the weekday of the event comes first
    [["", t("on day {days}", { days: monthDay })], ...[today, ...days.filter((one) => one !== today)].flatMap(named)],
    parts["FREQ"] === "MONTHLY" ? by : "",
  );
  const times = number(t("Number of times"), parts["COUNT"] ?? "", 9999);
  times.placeholder = t("No limit");
  const adapt = () => {
    week.hidden = frequency.value !== "WEEKLY";
    month.hidden = frequency.value !== "MONTHLY";
  };
  const ticked = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
  const note = el("p", { class: "hint", role: "status" });
  /** The start of an event is always one of its dates, also if the rule hasn't it. */
  const say = () => {
    const first = begins();
    const among = {
      WEEKLY: () => ticked().length === 0 || ticked().includes(dayOf(first)),
      MONTHLY: () => inMonth(first, month.value || monthDay),
    }[frequency.value];
    const day = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
    const other = start.value !== "" && among?.() === false;
    note.hidden = !other;
    fill(note, other && t("The event also takes place on {date}, its start date.", { date: day.format(first) }));
  };
  interval.addEventListener("input", count);
  frequency.addEventListener("change", adapt);
  for (const one of [frequency, month, start, ...boxes]) one.addEventListener("change", say);
  count();
  adapt();
  say();
  const root = el(
    "div",
    { class: "repeating", role: "group", "aria-label": t("Repeat") },
    el("div", { class: "repeating-line" }, interval, frequency, month),
    week,
    note,
    el("div", { class: "repeating-line" }, el("span", {}, t("Number of times")), times),
  );
  return {
    root,
    read: () => {
      const every = Number(interval.value);
      const on = {
        WEEKLY: `;BYDAY=${ticked().join(",") || dayOf(begins())}`,
        MONTHLY: month.value === "" ? `;BYMONTHDAY=${monthDay}` : `;BYDAY=${month.value}`,
      }[frequency.value];
      const often = every > 1 ? `;INTERVAL=${every}` : "";
      return `FREQ=${frequency.value}${often}${on ?? ""}${times.value === "" ? "" : `;COUNT=${times.value}`}`;
    },
  };
}
