// Times by words, in the zone of the browser: its calendar knows when clocks are put forward or back (WEBMAIL-96, WEBMAIL-125).

import { locale, meant, t } from "../../lib/words";
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
const idle = new Set(["at", "on", "in", "the", "this", "of", "for", "from", "next", "@"]);
const longest = 80;

/** A time that words name. */
export interface Reading {
  /** The English words that were read. */
  readonly words: readonly string[];
  /** Midnight of the day; null if there is only a time. */
  readonly day: Date | null;
  /** Minutes of the day; null if there is only a day. */
  readonly from: number | null;
  /** The end of a range, in minutes of the same day, which may be more than a day has; null without one. */
  readonly to: number | null;
  /** The moment that a duration leads to, as in "in 3 hours". */
  readonly after: Date | null;
  /** What the time was written as: "9" and "9.30" may be other numbers. */
  readonly written: string;
}

/** The position of the name that begins with these letters, at least three of them; -1 for none. */
function named(names: readonly string[], word: string): number {
  return word.length < 3 ? -1 : names.findIndex((name) => name.startsWith(word));
}

/** A day at an hour, in local time. An hour that a change of the clocks skips becomes the next one. */
export function dayAt(from: Date, days: number, minutes: number): Date {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, 0, minutes);
}

interface Clock {
  readonly minutes: number;
  /** It is said to be before or after noon. */
  readonly half: boolean;
}

/** The minutes of the day of "8", "8:30", "8am", "20.15"; null for anything else. */
function clock(word: string): Clock | null {
  const found = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?$/.exec(word);
  if (found === null) return null;
  let hour = Number(found[1]);
  const minute = Number(found[2] ?? 0);
  const half = found[3] !== undefined;
  if (half) {
    if (hour < 1 || hour > 12) return null;
    hour = (hour % 12) + (found[3] === "pm" ? 12 : 0);
  }
  // before ten, a zero in front is of a clock of 24 hours
  return hour < 24 && minute < 60 ? { minutes: hour * 60 + minute, half: half || /^0\d/.test(word) } : null;
}

const noon = 720;

/** The minutes of "9:30" and of "9:30-11"; an end that is not after the start is after noon, or on the next day. `part` is the hour of
 * a part of the day, and `twelve` that "3" is rather an hour after noon. */
function range(word: string, part: number, twelve: boolean): readonly [number, number | null] | null {
  const [start, end = null, ...rest] = word.split("-").map(clock);
  if (start === null || start === undefined || rest.length > 0 || (word.includes("-") && end === null)) return null;
  const late = start.minutes + noon;
  const lifted = end?.half
    ? late <= end.minutes
    : part > 0
      ? part >= 14 && late >= (part - 2) * 60
      : twelve && late >= 780 && late < 1140 && (end === null || end.minutes < noon);
  const from = !start.half && start.minutes < noon && lifted ? late : start.minutes;
  if (end === null) return [from, null];
  let to = end.minutes;
  if (to <= from && !end.half && to + noon > from) to += noon;
  return [from, to <= from ? to + 1440 : to];
}

/** A day that is named with its month at this place, and the number of words for it; null for another word. */
function date(words: readonly string[], at: number, now: Date): readonly [Date | null, number] | null {
  const [first = "", second = "", third = ""] = words.slice(at, at + 3);
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(first);
  if (iso !== null) return [exact(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])), 1];
  const before = named(months, first) >= 0;
  const month = named(months, before ? first : second);
  const number = /^(\d{1,2})(?:st|nd|rd|th|\.)?$/.exec(before ? second : first);
  if (month < 0 || number === null) return null;
  const year = /^20\d\d$/.test(third) ? Number(third) : null;
  const day = exact(year ?? now.getFullYear(), month, Number(number[1]));
  const over = year === null && day !== null && dayAt(day, 1, 0) <= now;
  return [over ? exact(now.getFullYear() + 1, month, Number(number[1])) : day, year === null ? 2 : 3];
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
 * or "morgen 9 Uhr" in the language of the page; of a range its start. A day without a time begins at 8:00. Null for words that are
 * not understood. */
export function momentOf(text: string, now: Date): Date | null {
  const reading = readTime(text, now);
  if (reading === null) return null;
  const { day, from } = reading;
  const found = reading.after ?? dayAt(day ?? now, 0, from ?? 480);
  // a time of the day alone, which is over, is tomorrow's
  return day === null && found <= now ? dayAt(now, 1, from!) : found;
}

/** The time that all of these words name, in the language of the page or in English; null if they name none. With `twelve`, the hours
 * from one to six are after noon unless the words say something else. */
export function readTime(text: string, now: Date, twelve = false): Reading | null {
  const typed = text.slice(0, longest);
  const english = inEnglish(typed, (locale() ?? "en").split("-")[0]!);
  return (english === null ? null : read(english, now, twelve)) ?? read(typed, now, twelve);
}

function read(text: string, now: Date, twelve: boolean): Reading | null {
  const all = text
    .toLowerCase()
    .replace(/\bday after tomorrow\b/, "overmorrow")
    .replace(/(\d) ?([ap])\.?m\b\.?/g, "$1$2m")
    .replace(/(\d[ap]?m?)\s*(?:[-–—]|\b(?:to|until|till)\b)\s*(?=\d)/g, "$1-")
    .split(/[\s,]+/)
    .filter((word) => word !== "");
  const words = all.filter((word) => !idle.has(word));
  const [first = "", second = "", third] = words;
  const short = /^(\d{1,3})(min|m|h|d|w)$/.exec(first);
  const count = short !== null && second === "" ? Number(short[1]) : /^an?$/.test(first) ? 1 : Number(first);
  const unit = short !== null && second === "" ? short[2]! : second;
  if (unit !== "" && third === undefined && Number.isInteger(count) && count > 0 && count <= 1000) {
    const found = after(now, count, unit);
    const whole = (units.get(unit.replace(/s$/, "")) ?? 1440) >= 1440;
    if (found !== null)
      return {
        words: all,
        day: dayAt(found, 0, 0),
        from: whole ? null : found.getHours() * 60 + found.getMinutes(),
        to: null,
        after: found,
        written: "",
      };
  }
  let day: Date | null = null;
  let weekday = -1;
  let part = "";
  let written = "";
  for (let at = 0; at < words.length; ) {
    const word = words[at]!;
    const dated = date(words, at, now);
    if (dated !== null) {
      if (dated[0] === null || day !== null) return null;
      day = dated[0];
      at += dated[1];
      continue;
    }
    at++;
    const relative = relativeDay(word, now);
    if (word === "tomorrow" && weekday >= 0)
      part = "morning"; // "Montag morgen"
    else if (relative !== null && (word !== "week" || at === words.length)) {
      if (day !== null && +day !== +relative) return null;
      day = relative;
    } else if (named(weekdays, word) >= 0) {
      if (weekday >= 0) return null;
      weekday = named(weekdays, word);
    } else if (!parts.has(word)) {
      if (written !== "") return null;
      written = word;
    }
    if (parts.has(word)) part = word;
  }
  // a day of the week beside a date is that of the date
  if (weekday >= 0 && day !== null && day.getDay() !== weekday) return null;
  if (weekday >= 0) day ??= dayAt(now, (weekday + 7 - now.getDay()) % 7 || 7, 0);
  const hour = parts.get(part) ?? 0;
  const times = written === "" ? null : range(written, hour, twelve);
  if (written !== "" && times === null) return null;
  if (day === null && times === null && part === "") return null;
  const [from, to] = times ?? [part === "" ? null : hour * 60, null];
  return { words: all, day, from, to, after: null, written };
}

/** The day of "tomorrow" and the like; null for another word. */
function relativeDay(word: string, now: Date): Date | null {
  const ahead: Readonly<Record<string, number>> = {
    today: 0,
    tonight: 0,
    tomorrow: 1,
    overmorrow: 2,
    week: (8 - now.getDay()) % 7 || 7,
    weekend: (13 - now.getDay()) % 7 || 7,
  };
  return Object.hasOwn(ahead, word) ? dayAt(now, ahead[word]!, 0) : null;
}

/** A day that exists: 30 February does not. */
function exact(year: number, month: number, day: number): Date | null {
  const found = new Date(year, month, day);
  return found.getMonth() === month ? found : null;
}

/** Whether the words name a part of the day, such as "evening". */
export const isPart = (word: string): boolean => parts.has(word) && word !== "tonight";

/** Whether a word says nothing by itself, such as "at". */
export const isIdle = (word: string): boolean => idle.has(word);

/** Whether a word names a day of the week. */
export const isWeekday = (word: string): boolean => named(weekdays, word) >= 0;

/** Times to choose from, in words. */
export function suggestions(now: Date): readonly (readonly [string, Date])[] {
  const hour = now.getHours();
  const found: [string, Date][] = [];
  if (hour < 20) found.push([t("In 3 hours"), after(now, 3, "hours")!]);
  if (hour < 16) found.push([t("This evening"), dayAt(now, 0, 18 * 60)]);
  found.push([t("Tomorrow morning"), dayAt(now, 1, 8 * 60)], [t("Tomorrow afternoon"), dayAt(now, 1, 14 * 60)]);
  if (now.getDay() > 0 && now.getDay() < 5)
    found.push([meant("time", "Weekend"), dayAt(now, 6 - now.getDay(), 8 * 60)]);
  if (now.getDay() !== 0) found.push([t("Monday morning"), dayAt(now, (8 - now.getDay()) % 7 || 7, 8 * 60)]);
  return found.sort(([, one], [, other]) => +one - +other);
}

/** A moment as the value of a field of the kind datetime-local. */
export function fieldValue(at: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
