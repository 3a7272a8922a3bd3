// Days as numbers since 1970, and events as a view has them: in the time of this browser.

import type { Birthday, Calendar, EventItem } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { isolated } from "../../lib/dom";
import { locale, t } from "../../lib/words";

export type View = "day" | "week" | "month" | "agenda";

/** Milliseconds of a day in UTC, by which days are counted. */
const dayLength = 86_400_000;

/** An event in a view. `first` and `last` are its days; `end` is the moment after it. */
export interface Shown {
  readonly item: EventItem;
  readonly start: Date;
  readonly end: Date;
  readonly first: number;
  readonly last: number;
  /** It is drawn as a bar: whole days, or more than one. */
  readonly bar: boolean;
}

/** The title of an event, or what stands for it. */
export function nameOf(item: EventItem): string {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}

/** In place of the number of a calendar, for the birthdays of contacts. */
export const birthdayCalendar = -1;

/**
 * Whether the user may change an event: of another user none that is private, or that has guests to whom the user may
 * not write in the owner's name (DAV-41a); no birthday.
 */
export function isChangeable(item: EventItem, calendar: Calendar | undefined): boolean {
  if (calendar === undefined) return item.calendar_id !== birthdayCalendar;
  return calendar.writable && !item.private && (calendar.invites || item.guests === 0);
}

export function dayOf(date: Date): number {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}

/** Midnight of a day, or a number of minutes after it on the clock. */
export function dateOf(day: number, minutes = 0): Date {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}

export const today = (): number => dayOf(new Date());

/** The address of a view at a day: `#calendar:week,20261125`. */
export function placeOf(view: View, day: number): string {
  return `#calendar:${view},${new Date(day * dayLength).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

/** The view, or the name or the words of the search, the day and the event of an address; null if it has another form. */
export function placeIn(hash: string): { view?: View; sought: string; day: number; event: string } | null {
  const form = /^#calendar:(?:(day|week|month|agenda)|search:([^,]+)),(\d{4})(\d\d)(\d\d)((?:,\d+){0,2})$/;
  const found = form.exec(hash);
  if (found === null) return null;
  const [year, month, day] = found.slice(3).map(Number) as [number, number, number];
  const at = { sought: "", day: Date.UTC(year, month - 1, day) / dayLength, event: found[6]! };
  try {
    return found[1] !== undefined
      ? { ...at, view: found[1] as View }
      : { ...at, sought: decodeURIComponent(found[2]!) };
  } catch {
    return at; // cut within a letter
  }
}

/** Day of the week, 0 for Monday. */
export const weekday = (day: number): number => (((day + 3) % 7) + 7) % 7;

/** Regions whose week begins on Sunday or on Saturday (CLDR), for browsers that don't say it. */
const sundays = "BR CA CO HK IL IN JP KR MX PE PT SA TW US VE ZA";
const saturdays = "BH DJ DZ EG IQ JO KW LY OM QA SD SY";

/** The first day of the week in the reader's language, 0 for Monday. */
export function firstWeekday(): number {
  const name = new Intl.Locale(locale() ?? navigator.language);
  const found = name as { getWeekInfo?(): { firstDay: number }; weekInfo?: { firstDay: number } };
  const region = name.maximize().region ?? "";
  const usual = saturdays.split(" ").includes(region) ? 6 : sundays.split(" ").includes(region) ? 7 : 1;
  return ((found.getWeekInfo?.() ?? found.weekInfo)?.firstDay ?? usual) - 1;
}

export const weekStart = (day: number): number => day - ((weekday(day) - firstWeekday() + 7) % 7);

/** The first day of the month of a day, moved by months. */
export function monthStart(day: number, by = 0): number {
  const date = dateOf(day);
  return dayOf(new Date(date.getFullYear(), date.getMonth() + by, 1));
}

/** Number of a week (ISO 8601). */
export function weekNumber(day: number): number {
  const thursday = day - weekday(day) + 3;
  const year = new Date(thursday * dayLength).getUTCFullYear();
  return Math.floor((thursday - Math.round(Date.UTC(year, 0, 1) / dayLength)) / 7) + 1;
}

/** The same day of another month, or its last. */
export function monthsLater(day: number, by: number): number {
  const start = monthStart(day, by);
  return Math.min(start + dateOf(day).getDate() - 1, monthStart(start, 1) - 1);
}

export function shown(item: EventItem): Shown {
  const local = (seconds: number) => {
    if (item.clock === "utc") return new Date(seconds * 1000);
    const date = new Date(seconds * 1000);
    return new Date(
      date.getUTCFullYear(),
      date.getUTCMonth(),
      date.getUTCDate(),
      date.getUTCHours(),
      date.getUTCMinutes(),
    );
  };
  const start = local(item.starts);
  const end = local(item.ends);
  const first = dayOf(start);
  const last = Math.max(first, dayOf(new Date(end.getTime() - 1)));
  return { item, start, end, first, last, bar: item.clock === "date" || last > first };
}

export const clock = (date: Date): string => formatted(date, "event clock", { hour: "numeric", minute: "2-digit" });
export const longDay = (day: number): string =>
  formatted(dateOf(day), "event day", { weekday: "long", day: "numeric", month: "long" });
export const shortDay = (day: number): string =>
  formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });
export const dayName = (day: number): string => formatted(dateOf(day), "event weekday", { weekday: "short" });
/** As short as can be: all short names of some languages begin with the same letters. */
export const dayInitial = (day: number): string => formatted(dateOf(day), "event initial", { weekday: "narrow" });
export const monthName = (day: number): string =>
  formatted(dateOf(day), "event month", { month: "long", year: "numeric" });

/** When an event is, in words. */
export function when(one: Shown): string {
  const from = shortDay(one.first);
  const to = shortDay(one.last);
  if (one.item.clock === "date") return one.first === one.last ? from : `${from} – ${to}`;
  const end = one.first === one.last ? clock(one.end) : `${to}, ${clock(one.end)}`;
  return `${from}, ${clock(one.start)} – ${end}`;
}

/** Whether an event leaves no time for others: with hours, neither free nor called off nor declined. */
export const isBusy = ({ item, bar }: Shown): boolean => !bar && !item.free && !item.cancelled && item.answer !== "no";

/** What an event says of those with which it clashes; "" for none. */
export function clashText(one: Shown, events: readonly Shown[]): string {
  if (!isBusy(one)) return "";
  const other = events.find((each) => each !== one && isBusy(each) && each.start < one.end && one.start < each.end);
  return other === undefined ? "" : overlapText(other);
}

export const overlapText = ({ item, start }: Shown): string =>
  t("Overlaps with {title} at {time}", { title: nameOf(item), time: clock(start) });

/** Colours of the page, as calendar programs have them, by number from 1. */
export const colours = [
  "#D64A3E",
  "#D9782A",
  "#C99A06",
  "#459C40",
  "#1A9A8C",
  "#3A7BD3",
  "#8C5BCB",
  "#CD4A92",
] as const;

/** Numbers of the colours of calendars without one, in their order. */
const given = [5, 6, 4, 7, 2, 8, 3, 1];

/** The number of the colour of the page that is next to that of a calendar. */
export function colourOf(one: Calendar, place: number): number {
  return nearest(one.colour) ?? given[place % given.length]!;
}

/** The number of an event's colour: its own, or that of its calendar. */
export function colourOfEvent(item: EventItem, calendars: readonly Calendar[]): number {
  const place = calendars.findIndex(({ id }) => id === item.calendar_id);
  return nearest(item.colour ?? "") ?? (place === -1 ? 5 : colourOf(calendars[place]!, place));
}

/** The number of the colour of the page that is next to `#rrggbb`; undefined for another text. */
export function nearest(colour: string): number | undefined {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return undefined;
  const parts = (text: string) => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
  const wanted = parts(colour);
  const distances = colours.map((each) => parts(each).reduce((sum, part, at) => sum + (part - wanted[at]!) ** 2, 0));
  return distances.indexOf(Math.min(...distances)) + 1;
}

/** Columns for events of a day that overlap: for each event its column, and the number of columns there. */
export function columns(events: readonly Shown[]): { one: Shown; column: number; of: number }[] {
  const placed: { one: Shown; column: number; of: number }[] = [];
  let group: { one: Shown; column: number; of: number }[] = [];
  let ends: number[] = [];
  const close = () => {
    for (const each of group) each.of = ends.length;
    group = [];
    ends = [];
  };
  for (const one of [...events].sort((a, b) => a.start.getTime() - b.start.getTime())) {
    const start = one.start.getTime();
    // a short event is drawn half an hour long
    const end = Math.max(one.end.getTime(), start + 1_800_000);
    if (ends.every((other) => other <= start)) close();
    const free = ends.findIndex((other) => other <= start);
    const column = free === -1 ? ends.length : free;
    ends[column] = end;
    const place = { one, column, of: 1 };
    group.push(place);
    placed.push(place);
  }
  close();
  return placed;
}

/** A birthday in a year, that of February 29 on the 28th in other than leap years; null before the birth. */
export function birthdayIn({ id, name, date }: Birthday, year: number): EventItem | null {
  const born = Number(/^\d{4}/.exec(date)?.[0] ?? Number.NaN);
  if (year < born) return null;
  const leap = new Date(year, 1, 29).getMonth() === 1;
  const day = date.slice(-5) === "02-29" && !leap ? "02-28" : date.slice(-5);
  const starts = Date.UTC(year, Number(day.slice(0, 2)) - 1, Number(day.slice(3))) / 1000;
  const values = { name: isolated(name) };
  return {
    id,
    calendar_id: birthdayCalendar,
    recurrence: String(year),
    starts,
    ends: starts + 86_400,
    clock: "date",
    title: year > born ? t("{name} turns {n}", { ...values, n: year - born }) : t("{name}'s birthday", values),
    place: "",
    free: false,
    repeats: true,
    guests: 0,
    answer: "",
    cancelled: false,
    private: false,
    join: "",
    colour: colours[7],
  };
}
