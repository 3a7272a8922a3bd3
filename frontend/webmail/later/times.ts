// Times by words, in the zone of the browser: its calendar knows when clocks are put forward or back (WEBMAIL-96, WEBMAIL-125).

import { locale, t } from "../../lib/words";
import { inEnglish } from "./vocabulary";

/** Hours of the parts of a day. */
const parts = new Map(
  Object.entries({
    morning: 8,
    noon: 12,
    midday: 12,
    afternoon: 14,
    evening: 18,
    night: 20,
    tonight: 20,
    midnight: 24,
  }),
);
const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const months = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const units = new Map(
  Object.entries({
    minute: 1,
    min: 1,
    m: 1,
    hour: 60,
    h: 60,
    day: 1440,
    d: 1440,
    week: 10_080,
    w: 10_080,
  }),
);
/** Words that change nothing. */
const idle = new Set(["at", "on", "in", "the", "this", "of", "for", "next", ","]);
const longest = 80;

/** The position of the name that begins with these letters, at least three of them; -1 for none. */
function named(names: readonly string[], word: string): number {
  return word.length < 3 ? -1 : names.findIndex((name) => name.startsWith(word));
}

/** A day at an hour, in local time. An hour that a change of the clocks skips becomes the next one. */
function dayAt(from: Date, days: number, minutes: number): Date {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, 0, minutes);
}

/** The minutes of the day of "8", "8:30", "8am", "20.15"; null for anything else. */
function clock(word: string): number | null {
  const found = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?$/.exec(word);
  if (found === null) return null;
  let hour = Number(found[1]);
  const minute = Number(found[2] ?? 0);
  if (found[3] !== undefined) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (found[3] === "pm" ? 12 : 0);
  }
  return hour < 24 && minute < 60 ? hour * 60 + minute : null;
}

/** A duration after `now`: minutes and hours as they pass, days and weeks by the calendar. */
function after(now: Date, n: number, unit: string): Date | null {
  const minutes = units.get(unit.replace(/s$/, "")) ?? units.get(unit);
  if (/^months?$/.test(unit))
    return new Date(now.getFullYear(), now.getMonth() + n, now.getDate(), now.getHours(), now.getMinutes());
  if (minutes === undefined) return null;
  return minutes >= 1440
    ? dayAt(now, (n * minutes) / 1440, now.getHours() * 60 + now.getMinutes())
    : new Date(now.getTime() + n * minutes * 60_000);
}

/** The moment that these words name, after `now`: "tomorrow morning", "Monday 08:00", "in 3 hours", "24 Dec 18:00", "2026-12-24";
 * or "morgen 9 Uhr" in the language of the page. A day without a time begins at 8:00. Null for words that are not understood. */
export function momentOf(text: string, now: Date): Date | null {
  const typed = text.slice(0, longest);
  const english = inEnglish(typed, (locale() ?? "en").split("-")[0]!);
  return (english === null ? null : read(english, now)) ?? read(typed, now);
}

function read(text: string, now: Date): Date | null {
  const words = text
    .toLowerCase()
    .replace(/\bday after tomorrow\b/, "overmorrow")
    .replace(/(\d)\s+(am|pm)\b/g, "$1$2")
    .split(/[\s,]+/)
    .filter((word) => word !== "" && !idle.has(word));
  const [first = "", second = "", third] = words;
  const count = /^an?$/.test(first) ? 1 : Number(first);
  if (second !== "" && third === undefined && Number.isInteger(count) && count > 0 && count <= 1000) {
    const found = after(now, count, second);
    if (found !== null) return found;
  }
  const short = /^(\d{1,3})(min|m|h|d|w)$/.exec(first);
  if (short !== null && second === "") return after(now, Number(short[1]), short[2]!);
  let day: Date | null = null;
  let minutes: number | null = null;
  for (const [at, word] of words.entries()) {
    const weekday = named(weekdays, word);
    const month = named(months, word);
    const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(word);
    if (word === "today" || word === "tonight") day = now;
    else if (word === "tomorrow") day = dayAt(now, 1, 0);
    else if (word === "overmorrow") day = dayAt(now, 2, 0);
    else if (word === "week" && at === words.length - 1) day = dayAt(now, (8 - now.getDay()) % 7 || 7, 0);
    else if (word === "weekend") day = dayAt(now, (13 - now.getDay()) % 7 || 7, 0);
    else if (weekday >= 0) day = dayAt(now, (weekday + 7 - now.getDay()) % 7 || 7, 0);
    else if (iso !== null) day = exact(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]));
    else if (month >= 0) {
      const number = [words[at - 1], words[at + 1]]
        .map((one) => Number(/^(\d{1,2})(?:st|nd|rd|th|\.)?$/.exec(one ?? "")?.[1] ?? 0))
        .find((one) => one > 0);
      if (number === undefined) return null;
      day = exact(now.getFullYear(), month, number);
      if (day !== null && dayAt(day, 1, 0) <= now) day = exact(now.getFullYear() + 1, month, number);
      words[words[at - 1] !== undefined && Number.parseInt(words[at - 1]!, 10) === number ? at - 1 : at + 1] = "";
      minutes = null;
    } else if (word !== "") {
      const time = clock(word);
      const next = named(months, words[at + 1] ?? "") >= 0;
      if (time === null && !parts.has(word) && !next) return null;
      if (time !== null && !(minutes !== null && word.length <= 2)) minutes = time;
    }
    if (parts.has(word) && minutes === null) minutes = parts.get(word)! * 60;
    if (iso !== null && day === null) return null;
  }
  if (day === null && minutes === null) return null;
  const found = dayAt(day ?? now, 0, minutes ?? 480);
  // a time of the day alone, which is over, is tomorrow's
  return day === null && found <= now ? dayAt(now, 1, minutes!) : found;
}

/** A day that exists: 30 February does not. */
function exact(year: number, month: number, day: number): Date | null {
  const found = new Date(year, month, day);
  return found.getMonth() === month ? found : null;
}

/** Times to choose from, in words. */
export function suggestions(now: Date): readonly (readonly [string, Date])[] {
  const hour = now.getHours();
  const found: [string, Date][] = [];
  if (hour < 20) found.push([t("In 3 hours"), after(now, 3, "hours")!]);
  if (hour < 16) found.push([t("This evening"), dayAt(now, 0, 18 * 60)]);
  found.push([t("Tomorrow morning"), dayAt(now, 1, 8 * 60)], [t("Tomorrow afternoon"), dayAt(now, 1, 14 * 60)]);
  if (now.getDay() !== 0) found.push([t("Monday morning"), dayAt(now, (8 - now.getDay()) % 7 || 7, 8 * 60)]);
  return found.sort(([, one], [, other]) => +one - +other);
}

/** A moment as the value of a field of the kind datetime-local. */
export function fieldValue(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
