// Days, columns and rules of the calendar (WEBMAIL-175).

import assert from "node:assert/strict";
import test from "node:test";
import type { Calendar, EventItem } from "../gen/webmail";
import {
  birthdayIn,
  columns,
  dateOf,
  dayInitial,
  dayOf,
  isChangeable,
  monthsLater,
  nameOf,
  shown,
  weekday,
  weekNumber,
} from "../webmail/calendar/days";
import { fromRule, toRule } from "../webmail/event/rules";
import { moved, withDate } from "../webmail/event/times";

const day = (text: string) => dayOf(new Date(`${text}T12:00`));

function event(from: string, to: string, clock: EventItem["clock"] = "local"): EventItem {
  const seconds = (text: string) => Date.parse(`${text}Z`) / 1000;
  return { starts: seconds(from), ends: seconds(to), clock } as EventItem;
}

test("weeks are numbered as ISO 8601 has them", () => {
  assert.equal(weekNumber(day("2026-11-25")), 48);
  assert.equal(weekNumber(day("2027-01-01")), 53);
  assert.equal(weekNumber(day("2024-12-30")), 1);
  assert.equal(weekday(day("2026-11-25")), 2);
});

test("days of the week are told apart where all their names begin with an article", () => {
  const page = globalThis as { moxliteLanguage?: unknown };
  page.moxliteLanguage = { locale: "ar", find: () => undefined };
  assert.equal(new Set([0, 1, 2, 3, 4, 5, 6].map(dayInitial)).size, 7);
  delete page.moxliteLanguage;
});

test("a month later is the same day, or the last", () => {
  assert.equal(monthsLater(day("2026-01-31"), 1), day("2026-02-28"));
  assert.equal(monthsLater(day("2026-11-25"), -1), day("2026-10-25"));
  assert.equal(dateOf(day("2026-11-25"), 90).getMinutes(), 30);
});

test("events of whole days end with the day before", () => {
  const found = shown(event("2026-11-25T00:00", "2026-11-27T00:00", "date"));
  assert.deepEqual([found.first, found.last, found.bar], [day("2026-11-25"), day("2026-11-26"), true]);
  const late = shown(event("2026-11-25T22:00", "2026-11-26T00:00"));
  assert.deepEqual([late.last, late.bar], [day("2026-11-25"), false]);
});

test("a birthday is on its day of each year, that of a leap day on the 28th in others", () => {
  const days = (date: string, ...years: number[]) =>
    years.map((year) => {
      const item = birthdayIn({ id: 1, name: "Ada", address: "", date }, year);
      return item === null ? "" : new Date(item.starts * 1000).toISOString().slice(0, 10);
    });
  assert.deepEqual(days("2024-02-29", 2023, 2024, 2027, 2028), ["", "2024-02-29", "2027-02-28", "2028-02-29"]);
  assert.deepEqual(days("--02-29", 1900, 2000, 2026), ["1900-02-28", "2000-02-29", "2026-02-28"]);
  const titles = [1988, 2026].map(
    (year) => birthdayIn({ id: 1, name: "Ada", address: "", date: "1988-12-31" }, year)?.title,
  );
  assert.deepEqual(titles, ["Ada's birthday", "Ada turns 38"]);
});

test("events that overlap share the room, others have all of it", () => {
  const events = [
    event("2026-11-25T09:00", "2026-11-25T11:00"),
    event("2026-11-25T10:00", "2026-11-25T12:00"),
    event("2026-11-25T11:00", "2026-11-25T11:10"),
    event("2026-11-25T13:00", "2026-11-25T14:00"),
  ].map(shown);
  assert.deepEqual(
    columns(events).map(({ column, of }) => [column, of]),
    [
      [0, 2],
      [1, 2],
      [0, 2],
      [0, 1],
    ],
  );
});

test("a guest changes no private event, and events with guests only in the owner's name", () => {
  const own = { writable: true, owner: "", invites: true } as Calendar;
  const shared = { writable: true, owner: "mia", invites: false } as Calendar;
  const plain = { title: "Boat", guests: 0, private: false } as EventItem;
  const hidden = { title: "", guests: 0, private: true } as EventItem;
  const meeting = { title: "Plan", guests: 2, private: false } as EventItem;
  assert.deepEqual(
    [plain, hidden, meeting].map((one) => isChangeable(one, shared)),
    [true, false, false],
  );
  assert.deepEqual(
    [plain, hidden, meeting].map((one) => isChangeable(one, { ...shared, invites: true })),
    [true, false, true],
  );
  assert.deepEqual([isChangeable(meeting, own), isChangeable(plain, { ...shared, writable: false })], [true, false]);
  assert.deepEqual([nameOf(hidden), nameOf({ ...plain, title: "" })], ["(private)", "(no title)"]);
});

test("a rule that the form offers is read as it was written", () => {
  for (const kind of ["daily", "workdays", "weekly", "fortnightly", "monthly", "weekday", "yearly"])
    for (const until of ["", "2026-12-24"])
      assert.deepEqual(fromRule(toRule(kind, until, "2026-11-25")), { kind, until }, kind);
  assert.equal(toRule("weekday", "", "2026-11-25"), "FREQ=MONTHLY;BYDAY=-1WE");
  assert.equal(toRule("", "", "2026-11-25"), "");
  for (const rule of [
    "FREQ=DAILY;COUNT=3",
    "FREQ=WEEKLY;BYDAY=MO,WE",
    "FREQ=MONTHLY;BYMONTHDAY=1",
    "FREQ=YEARLY;INTERVAL=2",
  ])
    assert.equal(fromRule(rule).kind, "custom", rule);
  for (const rule of [
    "FREQ=HOURLY",
    "FREQ=MONTHLY;BYMONTHDAY=1,15",
    "FREQ=MONTHLY;BYDAY=1MO,3MO",
    "FREQ=YEARLY;BYMONTH=3",
  ])
    assert.equal(fromRule(rule).kind, "other", rule);
});

test("times of forms move on the clock", () => {
  assert.equal(moved("2026-03-28T23:30", 1, 45), "2026-03-30T00:15");
  assert.equal(withDate("2026-11-30", 1), "2026-12-01");
});
