// Rules of repeated events (RFC 5545 §3.3.10): those that the form offers, and words for others.

import { locale, t } from "../../lib/words";
import { ruleText } from "./ruletext";

const days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const workdays = "MO,TU,WE,TH,FR";

export interface Read {
  /** A kind of `repeats`: "daily", …, "custom" or "other". */
  readonly kind: string;
  /** The last date, or "". */
  readonly until: string;
}

export function partsOf(rule: string): Record<string, string> {
  return Object.fromEntries(
    rule
      .split(";")
      .filter(Boolean)
      .map((one) => one.split("=", 2) as [string, string]),
  );
}

export function fromRule(rule: string): Read {
  const { FREQ = "", UNTIL = "", INTERVAL = "1", WKST: _, ...rest } = partsOf(rule.toUpperCase());
  const until = UNTIL === "" ? "" : `${UNTIL.slice(0, 4)}-${UNTIL.slice(4, 6)}-${UNTIL.slice(6, 8)}`;
  const by = rest["BYDAY"] ?? "";
  const others = Object.keys(rest).filter((name) => name !== "BYDAY");
  const kinds: Record<string, string> = { DAILY: "daily", WEEKLY: "weekly", MONTHLY: "monthly", YEARLY: "yearly" };
  let kind = others.length > 0 ? (isCustom(rule) ? "custom" : "other") : (kinds[FREQ] ?? (FREQ === "" ? "" : "other"));
  if (kind === "weekly" && by === workdays) kind = "workdays";
  else if (kind === "weekly" && INTERVAL === "2" && !by.includes(",")) return { kind: "fortnightly", until };
  else if (kind === "monthly" && /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/.test(by)) kind = "weekday";
  else if (by !== "" && !(kind === "weekly" && days.includes(by))) kind = "other";
  if (kind === "other" || INTERVAL !== "1") kind = isCustom(rule) ? "custom" : "other";
  return { kind, until };
}

/** Whether the fields of a custom rule have all of a rule (part `repeating`). */
export function isCustom(rule: string): boolean {
  const { FREQ = "", BYDAY = "", BYMONTHDAY = "", ...rest } = partsOf(rule.toUpperCase());
  if (Object.keys(rest).some((name) => !["INTERVAL", "COUNT", "UNTIL", "WKST"].includes(name))) return false;
  if (FREQ === "WEEKLY")
    return BYMONTHDAY === "" && BYDAY.split(",").every((one) => BYDAY === "" || days.includes(one));
  if (FREQ === "MONTHLY")
    return BYDAY === ""
      ? /^\d*$/.test(BYMONTHDAY)
      : BYMONTHDAY === "" && /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/.test(BYDAY);
  return ["DAILY", "YEARLY"].includes(FREQ) && BYDAY === "" && BYMONTHDAY === "";
}

/** A rule with its last date. */
export const ending = (rule: string, until: string): string =>
  until === "" ? rule : `${rule};UNTIL=${until.replaceAll("-", "")}`;

/** The week of its month in which a date lies, -1 for the last. */
function weekOf(date: Date): number {
  const next = new Date(date.getTime() + 7 * 86_400_000);
  return next.getUTCMonth() === date.getUTCMonth() ? Math.ceil(date.getUTCDate() / 7) : -1;
}

const dayOf = (date: Date): string => days[(date.getUTCDay() + 6) % 7]!;

export function toRule(kind: string, until: string, start: string): string {
  const date = new Date(`${start}T00:00Z`);
  const rules: Record<string, string> = {
    daily: "FREQ=DAILY",
    workdays: `FREQ=WEEKLY;BYDAY=${workdays}`,
    weekly: `FREQ=WEEKLY;BYDAY=${dayOf(date)}`,
    fortnightly: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${dayOf(date)}`,
    monthly: "FREQ=MONTHLY",
    weekday: `FREQ=MONTHLY;BYDAY=${weekOf(date)}${dayOf(date)}`,
    yearly: "FREQ=YEARLY",
  };
  const rule = rules[kind];
  return rule === undefined ? "" : ending(rule, until);
}

/** The kinds that a form offers, with their words. */
export function repeats(rule: string, start: string): (readonly [string, string])[] {
  const date = new Date(`${start}T00:00Z`);
  const day = new Intl.DateTimeFormat(locale(), {
    weekday: "long",
    timeZone: "UTC",
  }).format(date);
  const found: (readonly [string, string])[] = [
    ["", t("Doesn't repeat")],
    ["daily", t("Every day")],
    ["workdays", t("Every weekday (Monday to Friday)")],
    ["weekly", t("Every week on {day}", { day })],
    ["fortnightly", t("Every 2 weeks on {day}", { day })],
    ["monthly", t("Every month on the same day")],
    ["weekday", t("Every month, same {day}", { day })],
    ["yearly", t("Every year")],
    ["custom", t("Custom…")],
  ];
  if (fromRule(rule).kind === "other") found.push(["other", inWords(rule)]);
  return found;
}

/** A rule in words. */
export function inWords(rule: string): string {
  const parts = partsOf(rule.toUpperCase());
  const { FREQ = "", INTERVAL = "1", COUNT = "0", UNTIL = "", WKST: _, ...rest } = parts;
  const [days, monthDays, months] = ["BYDAY", "BYMONTHDAY", "BYMONTH"].map((name) => rest[name]?.split(",") ?? []);
  const others = Object.keys(rest).some((name) => !["BYDAY", "BYMONTHDAY", "BYMONTH"].includes(name));
  return ruleText({
    frequency: others ? "" : FREQ.toLowerCase(),
    interval: Number(INTERVAL),
    count: Number(COUNT),
    until: UNTIL.replace(/^(\d{4})(\d\d)(\d\d).*/, "$1-$2-$3"),
    days: days!,
    month_days: monthDays!.map(Number),
    months: months!.map(Number),
  });
}
