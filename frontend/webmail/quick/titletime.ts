// The time at the end or the beginning of a title: "dentist tue 9:30", "tomorrow 12-13 lunch" (WEBMAIL-175f). The words are read by
// `later/times`; here it is decided whether they are meant as a time, or belong to the title.

import { locale } from "../../lib/words";
import { dayAt, isIdle, isPart, isWeekday, type Reading, readTime } from "../later/times";

export interface Times {
  readonly allDay: boolean;
  readonly start: Date;
  /** The moment after the event. */
  readonly end: Date;
}

export interface TitleTime extends Times {
  /** The title without the words of the time. */
  readonly title: string;
  /** The words of the time, as they were typed. */
  readonly words: string;
  /** The kind of repetition, as `toRule` takes it; "" for one event. */
  readonly repeat: string;
}

/** Words that a time may have. */
const most = 12;
const hour = 60;

/** The time that a title has, for an event that was begun at other times; null for a title without one. */
export function timeIn(text: string, begun: Times, now: Date): TitleTime | null {
  const words = text.trim().split(/\s+/);
  const twelve = hour12();
  if (readTime(text, now, twelve) !== null) return null; // no title is left
  const at = words.findIndex((word) => every.test(word));
  if (at >= 0) return series(words.slice(0, at), words.slice(at), begun, now);
  const days = daysIn(words, now);
  if (days !== null) return days;
  const taken = (phrase: string[], rest: string[], first: boolean): TitleTime | null => {
    const typed = phrase.join(" ").replace(/[,;:]+$/, "");
    const title = rest.join(" ").replace(/^[-–—:,;·\s]+|[-–—:,;·\s]+$/g, "");
    // a shorter phrase of one that is no time, as in "Lunch in the sun"
    if (!first && isIdle(rest.at(-1)!.toLowerCase())) return null;
    const reading = title === "" ? null : readTime(typed, now, twelve);
    if (reading === null || !isMeant(reading, first, begun.start, typed)) return null;
    const last = rest.at(-1)!;
    // a day that isn't understood, or the first of two: the title would say half of it
    if (!first && (to.test(last) || (reading.day === null && numbers.test(last)))) return null;
    return { title, words: typed, repeat: "", ...timesOf(reading, begun) };
  };
  for (let at = Math.max(1, words.length - most); at < words.length; at++) {
    const found = taken(words.slice(at), words.slice(0, at), false);
    if (found !== null) return found;
  }
  for (let at = Math.min(most, words.length - 1); at > 0; at--) {
    const found = taken(words.slice(0, at), words.slice(at), true);
    if (found !== null) return found;
  }
  return null;
}

/** Words before what repeats, between two days, and numbers that are a day in some countries. */
const every = /^(every|each|jede[nrs]?|chaque|tous|toutes|cada|todos|todas)$/i;
const to = /^(to|until|till|bis|au|al|hasta|[-–—])$/i;
const numbers = /^\d{1,2}(\.\d{1,2}\.(\d{2,4})?|\/\d{1,2}(\/\d{2,4})?)$/;

/** What repeats, by its name; others are days of the week. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^(day|tag|jours?|d[ií]as?)$/i, "daily"],
  [/^(weekday|workday|werktag)$/i, "workdays"],
  [/^(week|woche|semaines?|semanas?)$/i, "weekly"],
  [/^(month|monat|mois|mes|meses)$/i, "monthly"],
  [/^(year|jahr|ans?|année|años?)$/i, "yearly"],
];

/** A series: "Yoga every Monday 18:00", "every other Friday: report". Null where not all of it is understood. */
function series(before: string[], after: string[], begun: Times, now: Date): TitleTime | null {
  const rest = after.slice(1).filter((word, at) => at > 0 || !/^(les|los|las)$/i.test(word));
  const other = /^(other|second|zweiten?|zweite)$/i.test(rest[0] ?? "");
  if (other) rest.shift();
  const kind = kinds.find(([name]) => name.test(rest[0] ?? ""))?.[1] ?? "";
  // after a title all words are the time, and before one the most that can be
  const least = before.length > 0 ? rest.length : 1;
  for (let length = rest.length; length >= least && length > 0; length--) {
    const phrase = rest
      .slice(0, length)
      .join(" ")
      .replace(/[,;:]+$/, "");
    const reading = repeated(kind === "" ? phrase : phrase.split(" ").slice(1).join(" "), kind, now);
    if (reading === null || (other && kind !== "" && kind !== "weekly")) continue;
    const title = [...before, ...rest.slice(length)].join(" ").replace(/^[-–—:,;·\s]+|[-–—:,;·\s]+$/g, "");
    const words = [...after.slice(0, after.length - rest.length), ...rest.slice(0, length)].join(" ");
    const repeat = kind === "" || kind === "weekly" ? (other ? "fortnightly" : "weekly") : kind;
    return title === "" ? null : { title, words, repeat, ...timesOf(reading, begun) };
  }
  return null;
}

/** The day and time of a series; null for words that say neither. */
function repeated(phrase: string, kind: string, now: Date): Pick<Reading, "day" | "from" | "to" | "after"> | null {
  if (phrase === "") return kind === "" ? null : { day: null, from: null, to: null, after: null };
  const reading = readTime(phrase, now, hour12()) ?? readTime(phrase.replace(/(\p{L})s\b/u, "$1"), now, hour12());
  if (reading === null || reading.after !== null) return null;
  const weekday = reading.words.some(isWeekday);
  const alone = reading.words.filter((word) => !isIdle(word) && !isWeekday(word) && word !== reading.written);
  if (alone.some((word) => !isPart(word))) return null;
  return kind === "" || kind === "weekly" ? (weekday || kind !== "" ? reading : null) : weekday ? null : reading;
}

/** Whole days from one to another: "Trip Dec 20 to Dec 24", "Fair 3 to 5 May". */
function daysIn(words: readonly string[], now: Date): TitleTime | null {
  const between = words.findIndex((word, at) => at > 0 && to.test(word));
  if (between < 1) return null;
  const last = words.slice(between + 1).join(" ");
  const dayOf = (text: string): Date | null => {
    const reading = readTime(text, now);
    return reading === null || reading.from !== null || reading.after !== null ? null : reading.day;
  };
  for (let at = 1; at < between; at++) {
    const first = words.slice(at, between).join(" ");
    const day = /^\d{1,2}\.?$/.test(first) ? last.replace(/\d{1,2}\.?/, first) : first;
    const [start, end] = [day, /^\d{1,2}\.?$/.test(last) ? first.replace(/\d{1,2}\.?/, last) : last].map(dayOf);
    if (start == null || end == null || end <= start) continue;
    const title = words
      .slice(0, at)
      .join(" ")
      .replace(/[-–—:,;·\s]+$/, "");
    const text = words.slice(at).join(" ");
    return { title, words: text, repeat: "", allDay: true, start, end: dayAt(end, 1, 0) };
  }
  return null;
}

/** Whether the reader's clock has twelve hours. */
const hour12 = (): boolean => new Intl.DateTimeFormat(locale(), { hour: "numeric" }).resolvedOptions().hour12 === true;

/** Whether the words are a time, rather than a part of the title: "Room 9", "Movie night", "Lunch in the sun", "Level 3d". */
function isMeant(reading: Reading, first: boolean, begun: Date, text: string): boolean {
  const { words, day, from, to, after, written } = reading;
  const [begin = "", second = ""] = words;
  if (isIdle(words.at(-1)!) || words.at(-1) === "week" || words.includes("weekend")) return false;
  if (after !== null) return begin === "in";
  const at = words.findIndex((word) => !isIdle(word));
  if (isPart(words[at]!) && words[at - 1] !== "this" && !(begin === "at" && /noon|mid/.test(second))) return false;
  if (words.some((word, n) => word === "the" && isWeekday(words[n + 1] ?? ""))) return false;
  if (written !== "") {
    const place = words.indexOf(written);
    const said = /^(at|from|@)$/.test(words[place - 1] ?? "");
    const exact = /\d[:h]\d|[ap]m/.test(written);
    return (
      exact ||
      said ||
      (place > at && day !== null) ||
      (to !== null && (day !== null || Number.parseInt(written, 10) >= 7))
    );
  }
  // a day alone
  const weekdays = words.every((word) => isIdle(word) || isWeekday(word));
  if (weekdays && (first || begun.getDay() === day?.getDay())) return false;
  return from !== null || /\d|\p{L}{3}/u.test(text);
}

function timesOf({ day, from, to, after }: Pick<Reading, "day" | "from" | "to" | "after">, begun: Times): Times {
  const date = day ?? begun.start;
  if (from === null) return { allDay: true, start: dayAt(date, 0, 0), end: dayAt(date, 1, 0) };
  const start = after ?? dayAt(date, 0, from);
  const length = begun.allDay ? hour * 60_000 : begun.end.getTime() - begun.start.getTime();
  const end = to === null ? new Date(start.getTime() + length) : dayAt(date, 0, to);
  return { allDay: false, start, end: end > start ? end : new Date(start.getTime() + length) };
}
