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
}

/** Words that a time may have. */
const most = 12;
const hour = 60;

/** The time that a title has, for an event that was begun at other times; null for a title without one. */
export function timeIn(text: string, begun: Times, now: Date): TitleTime | null {
  const words = text.trim().split(/\s+/);
  const twelve = hour12();
  if (readTime(text, now, twelve) !== null) return null; // no title is left
  const taken = (phrase: string[], rest: string[], first: boolean): TitleTime | null => {
    const typed = phrase.join(" ").replace(/[,;:]+$/, "");
    const title = rest.join(" ").replace(/^[-–—:,;·\s]+|[-–—:,;·\s]+$/g, "");
    // a shorter phrase of one that is no time, as in "Lunch in the sun"
    if (!first && isIdle(rest.at(-1)!.toLowerCase())) return null;
    const reading = title === "" ? null : readTime(typed, now, twelve);
    if (reading === null || !isMeant(reading, first, begun.start, typed)) return null;
    return { title, words: typed, ...timesOf(reading, begun) };
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

function timesOf({ day, from, to, after }: Reading, begun: Times): Times {
  const date = day ?? begun.start;
  if (from === null) return { allDay: true, start: dayAt(date, 0, 0), end: dayAt(date, 1, 0) };
  const start = after ?? dayAt(date, 0, from);
  const length = begun.allDay ? hour * 60_000 : begun.end.getTime() - begun.start.getTime();
  const end = to === null ? new Date(start.getTime() + length) : dayAt(date, 0, to);
  return { allDay: false, start, end: end > start ? end : new Date(start.getTime() + length) };
}
