// The reader's own day beside an invitation (WEBMAIL-175c), in its card and where several are answered: the hours about its time, with
// the events that are there, the invitation as an outline, and striped where it was before an update.

import type { Calendar, Client, EventItem, Invitation } from "../../gen/webmail";
import { el, fill } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import {
  clock,
  colourOfEvent,
  columns,
  dateOf,
  dayOf,
  isBusy,
  nameOf,
  overlapText,
  placeOf,
  type Shown,
  shortDay,
  shown,
} from "../calendar/days";
import sheet from "./day.css";

adopt(sheet);

/** Hours that are drawn before the event and after it; at least and at most so many together. */
const [around, fewest, most] = [2, 6, 10];

/** The hour about which the day of an invitation to whole days is drawn. */
const morning = 10;

/** Pixels of an hour. */
const height = 32;

/** Say what the reader has at the time of an invitation, in `line`, and draw the day in `beside`. */
export async function showDay(
  client: Client,
  found: Invitation,
  line: HTMLElement,
  beside: HTMLElement,
): Promise<void> {
  const { event_id, start, end, before } = found;
  if (start === null || start.utc === null || end === null || end.utc === null) return;
  const asked = outline(found.title, start.utc, end.utc);
  const was =
    before === null || before.start?.utc == null || before.end?.utc == null || before.start.utc === start.utc
      ? undefined
      : outline(before.title, before.start.utc, before.end.utc);
  const calendars = await client.calendars();
  const { others } = await about(client, calendars, event_id, asked.start, asked.end);
  const clash = others.find((one) => overlaps(one, asked));
  line.hidden = beside.hidden = false;
  line.classList.toggle("clash", clash !== undefined);
  fill(line, clash !== undefined ? overlapText(clash) : t("You're free at this time."));
  drawDay(beside, asked, was, others, calendars);
}

/** The events in the reader's own calendars from the day of `start` to the day of `end`: that of an invitation, each time of it, and the
 * others that the reader sees. */
export async function about(
  client: Client,
  calendars: readonly Calendar[],
  eventID: number,
  start: Date,
  end: Date,
): Promise<{ asked: Shown[]; others: Shown[] }> {
  const own = calendars.filter(({ owner }) => owner === "");
  const seconds = (day: number) => dateOf(day).getTime() / 1000;
  const from = seconds(dayOf(start));
  const to = Math.max(seconds(dayOf(end) + 1), end.getTime() / 1000);
  const { events } = await client.events(
    from,
    to,
    own.map(({ id }) => id),
  );
  const seen = new Set(own.filter(({ hidden }) => !hidden).map(({ id }) => id));
  return {
    asked: events.filter(({ id }) => id === eventID).map(shown),
    others: events.filter(({ id, calendar_id }) => id !== eventID && seen.has(calendar_id)).map(shown),
  };
}

/** Whether an event leaves no time for an invitation. */
export const overlaps = (one: Shown, asked: Shown): boolean =>
  isBusy(one) && one.start < asked.end && asked.start < one.end;

/** An event that no calendar has. */
export function outline(title: string, starts: number, ends: number): Shown {
  const none = {
    recurrence: "",
    place: "",
    free: false,
    repeats: false,
    cancelled: false,
    private: false,
    join: "",
    colour: "",
  };
  const item: EventItem = {
    ...none,
    id: 0,
    calendar_id: 0,
    starts,
    ends,
    clock: "utc",
    title,
    guests: 0,
    answer: "ask",
  };
  return shown(item);
}

/** Draw the day of an invitation, and where it `was` before. */
export function drawDay(
  place: HTMLElement,
  asked: Shown,
  was: Shown | undefined,
  others: readonly Shown[],
  calendars: readonly Calendar[],
): void {
  const day = asked.first;
  const midnight = dateOf(day).getTime();
  const hours = (date: Date) => (date.getTime() - midnight) / 3_600_000;
  const marked = asked.bar ? [] : was === undefined || was.first !== day ? [asked] : [asked, was];
  const [begins, ends] = asked.bar
    ? [morning, morning]
    : [Math.min(...marked.map(({ start }) => hours(start))), Math.max(...marked.map(({ end }) => hours(end)))];
  const from = Math.max(0, Math.floor(begins) - around);
  const wanted = Math.ceil(ends) + around - from;
  const count = Math.min(24 - from, most, Math.max(fewest, wanted));
  const within = (one: Shown) => hours(one.start) < from + count && hours(one.end) > from;
  const kind = ({ item }: Shown): string =>
    [
      `c${colourOfEvent(item, calendars)}`,
      item.free && "free",
      item.answer === "ask" && "ask",
      (item.answer === "no" || item.cancelled) && "off",
    ]
      .filter(Boolean)
      .join(" ");
  const whole = (asked.bar ? [asked, ...others] : others).filter(
    (one) => one.bar && one.first <= day && one.last >= day,
  );
  const timed = others.filter((one) => !one.bar && one.first === day);
  const made = columns([...timed, ...marked].filter(within)).map(({ one, column, of }) => {
    const [top, bottom] = [Math.max(from, hours(one.start)), Math.min(from + count, hours(one.end))];
    const tall = Math.max(16, (bottom - top) * height - 2);
    const times = `${clock(one.start)} – ${clock(one.end)}`;
    const name = one === was ? t("Moved from {from} to {to}", { from: clock(one.start), to: clock(asked.start) }) : "";
    const block = el(
      "li",
      {
        class: `day-event ${one === was ? "was" : kind(one)}${tall < 32 ? " short" : ""}`,
        title: `${nameOf(one.item)}\n${times}`,
        ...(name !== "" && { "aria-label": name }),
      },
      one !== was && [el("bdi", { dir: "auto" }, nameOf(one.item)), el("time", {}, times)],
    );
    Object.assign(block.style, {
      top: `${(top - from) * height + 1}px`,
      height: `${tall}px`,
      insetInlineStart: `calc(${(column * 100) / of}% + 1px)`,
      width: `calc(${100 / of}% - 2px)`,
    });
    return block;
  });
  const blocks = el("ul", { class: "day-blocks" }, made);
  blocks.style.height = `${count * height}px`;
  fill(
    place,
    el("a", { class: "day-name", href: placeOf("day", day) }, shortDay(day)),
    whole.length > 0 &&
      el(
        "ul",
        { class: "day-whole" },
        whole.map((one) => el("li", { class: kind(one) }, el("bdi", { dir: "auto" }, nameOf(one.item)))),
      ),
    el(
      "div",
      { class: "day-hours" },
      el(
        "div",
        { class: "day-labels", "aria-hidden": "true" },
        Array.from({ length: count }, (_, at) => el("span", {}, clock(dateOf(day, (from + at) * 60)))),
      ),
      blocks,
    ),
  );
}
