// Rules of repeated events in words, for events and invitations.

import type { Repeats } from "../../gen/webmail";
import { locale, many, t } from "../../lib/words";

const days: Readonly<Record<string, number>> = { MO: 1, TU: 2, WE: 3, TH: 4, FR: 5, SA: 6, SU: 0 };
const workdays = "MO,TU,WE,TH,FR";

/** A weekday of a rule, with its number in the month; "" for a number that has no words. */
function weekday(text: string): string {
  const [, number = "", day = ""] = /^([+-]?\d+)?(\w\w)$/.exec(text) ?? [];
  const name = new Intl.DateTimeFormat(locale(), { weekday: "long", timeZone: "UTC" }).format(
    new Date(Date.UTC(2026, 10, 22 + (days[day] ?? 0))),
  );
  const numbered: Readonly<Record<string, string>> = {
    "": name,
    "1": t("the first {day}", { day: name }),
    "2": t("the second {day}", { day: name }),
    "3": t("the third {day}", { day: name }),
    "4": t("the fourth {day}", { day: name }),
    "5": t("the fifth {day}", { day: name }),
    "-1": t("the last {day}", { day: name }),
  };
  return numbered[number.replace("+", "")] ?? "";
}

/** A rule in words: "every week, on Monday and Thursday, until Friday, 5 March 2027". */
export function ruleText(rule: Repeats): string {
  const every: Readonly<Record<string, string>> = {
    hourly: many(rule.interval, "every hour", "every {n} hours"),
    daily: many(rule.interval, "every day", "every {n} days"),
    weekly: many(rule.interval, "every week", "every {n} weeks"),
    monthly: many(rule.interval, "every month", "every {n} months"),
    yearly: many(rule.interval, "every year", "every {n} years"),
  };
  const atWork = rule.frequency === "weekly" && rule.interval === 1 && rule.days.join() === workdays;
  const names = rule.days.map(weekday);
  const base = atWork ? t("every weekday (Monday to Friday)") : every[rule.frequency];
  if (base === undefined || names.includes("") || rule.month_days.some((n) => n < -1))
    return t("repeated by a custom rule");
  const list = (texts: string[]) => new Intl.ListFormat(locale()).format(texts);
  const month = (n: number) =>
    new Intl.DateTimeFormat(locale(), { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, n - 1, 1)));
  const last = new Date(`${rule.until.slice(0, 10)}T00:00:00Z`);
  const lastDay = new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeZone: "UTC" });
  const monthDays = rule.month_days.map((n) => (n === -1 ? t("the last") : String(n)));
  return [
    base,
    !atWork && names.length > 0 && t("on {days}", { days: list(names) }),
    monthDays.length > 0 && t("on day {days}", { days: list(monthDays) }),
    rule.months.length > 0 && t("in {months}", { months: list(rule.months.map(month)) }),
    rule.count > 0 && many(rule.count, "once", "{n} times"),
    !Number.isNaN(last.getTime()) && t("until {day}", { day: lastDay.format(last) }),
  ]
    .filter((one) => one !== false)
    .join(", ");
}
