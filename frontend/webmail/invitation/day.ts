// The reader's own day beside an invitation (WEBMAIL-175c): the hours about its time, with the events that are there, the invitation as
// an outline, and striped where it was before an update.

import type { Calendar, Client, EventItem, Invitation } from "../../gen/webmail";
import { el, fill } from "../../lib/dom";
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

/** Hours that are drawn before the event and after it; at least and at most so many together. */
const [around, fewest, most] = [2, 6, 10];

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
  const day = dayOf(asked.start);
  const calendars = await client.calendars();
  const own = calendars.filter(({ owner, hidden }) => owner === "" && !hidden);
  const { events } = await client.events(
    dateOf(day).getTime() / 1000,
    Math.max(dateOf(day + 1).getTime() / 1000, end.utc),
    own.map(({ id }) => id),
  );
  // the invitation itself may be in the calendar
  const others = events.filter(({ id }) => id !== event_id).map(shown);
  const clash = others.find((one) => isBusy(one) && one.start < asked.end && asked.start < one.end);
  line.hidden = beside.hidden = false;
  line.classList.toggle("clash", clash !== undefined);
  fill(line, clash !== undefined ? overlapText(clash) : t("You're free at this time."));
  draw(beside, day, asked, was, others, calendars);
}

/** An event that no calendar has. */
function outline(title: string, starts: number, ends: number): Shown {
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

function draw(
  place: HTMLElement,
  day: number,
  asked: Shown,
  was: Shown | undefined,
  others: readonly Shown[],
  calendars: readonly Calendar[],
): void {
  const midnight = dateOf(day).getTime();
  const hours = (date: Date) => (date.getTime() - midnight) / 3_600_000;
  const marked = was === undefined || was.first !== day ? [asked] : [asked, was];
  const from = Math.max(0, Math.floor(Math.min(...marked.map(({ start }) => hours(start)))) - around);
  const wanted = Math.ceil(Math.max(...marked.map(({ end }) => hours(end)))) + around - from;
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
  const whole = others.filter((one) => one.bar && one.first <= day && one.last >= day);
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
