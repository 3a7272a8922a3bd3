// The fields of a custom rule of a repeated event (WEBMAIL-175): how often, on which days, and how many times. The last date has a
// field of its own in the form.

import { el, fill } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { locale, many, t } from "../../lib/words";
import sheet from "./repeating.css";

adopt(sheet);

const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

export interface CustomRule {
  readonly root: HTMLElement;
  /** The rule, without its last date. */
  read(): string;
}

/** Fields with the parts of a rule. Where it has none, they suit an event that starts on this day. */
export function customRule(parts: Readonly<Record<string, string>>, start: string): CustomRule {
  const date = new Date(`${start}T00:00Z`);
  const today = days[(date.getUTCDay() + 6) % 7]!;
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
    days.map((day, at) => el("label", {}, boxes[at]!, name(day, "short"))),
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
  interval.addEventListener("input", count);
  frequency.addEventListener("change", adapt);
  count();
  adapt();
  const root = el(
    "div",
    { class: "repeating", role: "group", "aria-label": t("Repeat") },
    el("div", { class: "repeating-line" }, interval, frequency, month),
    week,
    el("div", { class: "repeating-line" }, el("span", {}, t("Number of times")), times),
  );
  return {
    root,
    read: () => {
      const every = Number(interval.value);
      const ticked = boxes.filter(({ checked }) => checked).map(({ value }) => value);
      const on = {
        WEEKLY: `;BYDAY=${(ticked.length > 0 ? ticked : [today]).join(",")}`,
        MONTHLY: month.value === "" ? `;BYMONTHDAY=${monthDay}` : `;BYDAY=${month.value}`,
      }[frequency.value];
      const often = every > 1 ? `;INTERVAL=${every}` : "";
      return `FREQ=${frequency.value}${often}${on ?? ""}${times.value === "" ? "" : `;COUNT=${times.value}`}`;
    },
  };
}
