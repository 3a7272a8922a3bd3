// WEBMAIL-175f: the time at an end of a title, in the words of "send later", and titles that only look as if they had one.

import assert from "node:assert/strict";
import test from "node:test";
import { language } from "../lib/language";
import { fieldValue } from "../webmail/later/times";
import { timeIn } from "../webmail/quick/titletime";

process.env["TZ"] = "Europe/Berlin";

/** A Wednesday. */
const now = new Date(2026, 2, 25, 10, 30);
/** The form was opened on the Monday after, at 10. */
const begun = { allDay: false, start: new Date(2026, 2, 30, 10), end: new Date(2026, 2, 30, 11) };

function read(text: string, from = begun, at = now): string {
  const found = timeIn(text, from, at);
  if (found === null) return "";
  const [start, end] = [found.start, found.end].map(fieldValue) as [string, string];
  const rule = found.repeat === "" ? "" : ` ${found.repeat}`;
  const last = fieldValue(new Date(found.end.getTime() - 1)).slice(0, 10);
  const days = last === start.slice(0, 10) ? "" : ` to ${last}`;
  return found.allDay
    ? `${found.title} | ${start.slice(0, 10)}${days}${rule}`
    : `${found.title} | ${start} ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}${rule}`;
}

function inLanguage(name: string, run: () => void): void {
  try {
    globalThis.moxliteLanguage = language(name, "", [name], "");
    run();
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
}

test("a time at the end or the beginning of a title is understood", () => {
  const known: readonly (readonly [string, string])[] = [
    ["dentist tue 9:30", "dentist | 2026-03-31T09:30 10:30"],
    ["lunch with Ada tomorrow 12-13", "lunch with Ada | 2026-03-26T12:00 13:00"],
    ["Lunch with Ada on Friday at 12:00–13:30", "Lunch with Ada | 2026-03-27T12:00 13:30"],
    ["tomorrow 12-13 lunch with Ada", "lunch with Ada | 2026-03-26T12:00 13:00"],
    ["Tue 9:30: dentist", "dentist | 2026-03-31T09:30 10:30"],
    ["tue 9:30 - Dentist", "Dentist | 2026-03-31T09:30 10:30"],
    ["Dentist, Tue, Mar 31, 9:30", "Dentist | 2026-03-31T09:30 10:30"],
    // a time alone is on the day of the form
    ["dentist 9:30", "dentist | 2026-03-30T09:30 10:30"],
    ["dentist at 9", "dentist | 2026-03-30T09:00 10:00"],
    ["Lunch 12-13", "Lunch | 2026-03-30T12:00 13:00"],
    ["Lunch at noon", "Lunch | 2026-03-30T12:00 13:00"],
    ["Movie this evening", "Movie | 2026-03-30T18:00 19:00"],
    ["Room 9 12:00", "Room 9 | 2026-03-30T12:00 13:00"],
    ["Room 9 tue 9", "Room 9 | 2026-03-31T09:00 10:00"],
    ["Parents evening tue 18:00", "Parents evening | 2026-03-31T18:00 19:00"],
    ["Night train 22:00-1:30", "Night train | 2026-03-30T22:00 2026-03-31T01:30"],
    // a day alone is a whole day
    ["Holiday tomorrow", "Holiday | 2026-03-26"],
    ["Birthday Ada 24 Dec", "Birthday Ada | 2026-12-24"],
    ["Fair 2027-05-01", "Fair | 2027-05-01"],
    ["24 Dec party", "party | 2026-12-24"],
    ["Inventory Wednesday", "Inventory | 2026-04-01"],
    ["Call in 3 hours", "Call | 2026-03-25T13:30 14:30"],
    ["Trip in 2 weeks", "Trip | 2026-04-08"],
    // days that are over are those to come
    ["Concert 1 Feb 20:00", "Concert | 2027-02-01T20:00 21:00"],
    ["Standup wed 9:00", "Standup | 2026-04-01T09:00 10:00"],
  ];
  for (const [text, expected] of known) assert.equal(read(text), expected, text);
});

test("a series is understood whole, or not at all", () => {
  const known: readonly (readonly [string, string])[] = [
    ["Yoga every Monday 18:00", "Yoga | 2026-03-30T18:00 19:00 weekly"],
    ["Yoga every Tuesday", "Yoga | 2026-03-31 weekly"],
    ["Every Friday at 9: report", "report | 2026-03-27T09:00 10:00 weekly"],
    ["Choir every other Thursday 19:30-21:30", "Choir | 2026-03-26T19:30 21:30 fortnightly"],
    ["Stand-up every weekday 9:30", "Stand-up | 2026-03-30T09:30 10:30 workdays"],
    ["Pills every day at 8:00", "Pills | 2026-03-30T08:00 09:00 daily"],
    ["Rent every month", "Rent | 2026-03-30 monthly"],
    ["Review every week on Friday 14:00", "Review | 2026-03-27T14:00 15:00 weekly"],
    // not understood
    ["Yoga every Monday in May", ""],
    ["Yoga every third Monday 18:00", ""],
    ["Every child in our street", ""],
    ["every Monday 18:00", ""],
  ];
  for (const [text, expected] of known) assert.equal(read(text), expected, text);
  inLanguage("de", () => assert.equal(read("Yoga jeden Montag 18:00"), "Yoga | 2026-03-30T18:00 19:00 weekly"));
  inLanguage("fr", () => assert.equal(read("Yoga tous les lundis 18:00"), "Yoga | 2026-03-30T18:00 19:00 weekly"));
  inLanguage("es", () => assert.equal(read("Yoga cada lunes 18:00"), "Yoga | 2026-03-30T18:00 19:00 weekly"));
});

test("days from one to another, and days that are not understood, leave no half in the title", () => {
  const known: readonly (readonly [string, string])[] = [
    ["Trip Dec 20 to Dec 24", "Trip | 2026-12-20 to 2026-12-24"],
    ["Trip from Dec 20 until Dec 24", "Trip | 2026-12-20 to 2026-12-24"],
    ["Trip 20 to 24 Dec", "Trip | 2026-12-20 to 2026-12-24"],
    ["Trip Dec 28 to Jan 3", "Trip | 2026-12-28 to 2027-01-03"],
    ["Camp Friday to Sunday", "Camp | 2026-03-27 to 2026-03-29"],
    ["Flight 6.12. 14:20", ""],
    ["Flight 6/12 14:20", ""],
    ["Trip Dec 24 to Dec 20", ""],
    ["Trip somewhen to Dec 24", ""],
    ["Lunch 12 to 13", "Lunch | 2026-03-30T12:00 13:00"],
  ];
  for (const [text, expected] of known) assert.equal(read(text), expected, text);
});

test("a title that only has a number or a name of a time keeps it", () => {
  for (const text of [
    "",
    " ",
    "Dentist",
    "Room 9",
    "Room 2.14",
    "Plan 2026",
    "Plan 2026-27",
    "Plan March",
    "9 lives",
    "Release 3.11",
    "Chapter 3-4",
    "Level 3d",
    "Marathon 3 hours",
    "Book week",
    "Plan the week",
    "Wellness weekend",
    "Movie night",
    "Parents evening",
    "Midnight run",
    "Work at night",
    "Lunch in the sun",
    "Sunday lunch",
    "Sun cream",
    "Easter Monday",
    "Final 25:00",
    "Match 3:1",
    "tue 9:30",
    "Tuesday",
    "tomorrow at",
    "30 Feb dance",
    "Wedding",
  ])
    assert.equal(read(text), "", text);
  // on another day than Monday it may be a day
  const tuesday = { allDay: false, start: new Date(2026, 2, 31, 10), end: new Date(2026, 2, 31, 11) };
  assert.equal(read("Inventory Monday", tuesday), "Inventory | 2026-03-30");
});

test("the length is that of the form, an hour for whole days", () => {
  const long = { allDay: false, start: new Date(2026, 2, 30, 10), end: new Date(2026, 2, 30, 12) };
  assert.equal(read("dentist tue 9:30", long), "dentist | 2026-03-31T09:30 11:30");
  const days = { allDay: true, start: new Date(2026, 2, 30), end: new Date(2026, 3, 2) };
  assert.equal(read("dentist 9:30", days), "dentist | 2026-03-30T09:30 10:30");
  assert.equal(read("dentist tue", days), "dentist | 2026-03-31");
});

test("hours of a clock of twelve are after noon where nothing else is said", () => {
  const known: readonly (readonly [string, string, string])[] = [
    ["Tea tomorrow 3", "T15:00 16:00", "T03:00 04:00"],
    ["Tea tomorrow 1-2", "T13:00 14:00", "T01:00 02:00"],
    ["Tea tomorrow 9-5", "T09:00 17:00", "T09:00 17:00"],
    ["Tea tomorrow 11-1", "T11:00 13:00", "T11:00 13:00"],
    ["Tea tomorrow 9-11pm", "T21:00 23:00", "T21:00 23:00"],
    ["Tea tomorrow 11am-1pm", "T11:00 13:00", "T11:00 13:00"],
    ["Tea tomorrow 3 a.m.", "T03:00 04:00", "T03:00 04:00"],
    ["Tea tomorrow 05:30", "T05:30 06:30", "T05:30 06:30"],
    ["Tea tomorrow morning at 6", "T06:00 07:00", "T06:00 07:00"],
    ["Tea tomorrow evening at 7", "T19:00 20:00", "T19:00 20:00"],
    ["Tea tomorrow 12-13", "T12:00 13:00", "T12:00 13:00"],
  ];
  for (const [text, twelve, day] of known) {
    inLanguage("en-US", () => assert.equal(read(text), `Tea | 2026-03-26${twelve}`, text));
    inLanguage("en-GB", () => assert.equal(read(text), `Tea | 2026-03-26${day}`, text));
  }
});

test("words of the reader's language are understood, and English ones as well", () => {
  const known: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    de: [
      ["Zahnarzt Di 9:30", "Zahnarzt | 2026-03-31T09:30 10:30"],
      ["Zahnarzt am Dienstag um 9 Uhr", "Zahnarzt | 2026-03-31T09:00 10:00"],
      ["Essen mit Ada morgen 12-13 Uhr", "Essen mit Ada | 2026-03-26T12:00 13:00"],
      ["Essen morgen von 12 bis 13:30 Uhr", "Essen | 2026-03-26T12:00 13:30"],
      ["Fr 18 Uhr Chor", "Chor | 2026-03-27T18:00 19:00"],
      ["Elternabend Freitagabend", "Elternabend | 2026-03-27T18:00 19:00"],
      ["Fest 24.12.", "Fest | 2026-12-24"],
      ["Fest 24.12. 18 Uhr", "Fest | 2026-12-24T18:00 19:00"],
      ["Fest am 1. Mai", "Fest | 2026-05-01"],
      ["Yoga Montag Morgen", "Yoga | 2026-03-30T08:00 09:00"],
      ["dentist tue 9:30", "dentist | 2026-03-31T09:30 10:30"],
      ["Raum 9", ""],
      ["Raum 2.14", ""],
      ["Plan 2026", ""],
      ["Mach das so", ""],
      ["Urlaub eine Woche", ""],
    ],
    fr: [
      ["Dentiste mardi 9h30", "Dentiste | 2026-03-31T09:30 10:30"],
      ["Dentiste mar. à 9 h", "Dentiste | 2026-03-31T09:00 10:00"],
      ["Déjeuner demain de 12h à 13h30", "Déjeuner | 2026-03-26T12:00 13:30"],
      ["Fête le 24 décembre", "Fête | 2026-12-24"],
      ["Salle 9", ""],
    ],
    es: [
      ["Dentista mañana a las 9", "Dentista | 2026-03-26T09:00 10:00"],
      ["Comida el viernes de 12 a 13:30", "Comida | 2026-03-27T12:00 13:30"],
      ["Sala 9", ""],
    ],
    nl: [
      ["Tandarts di 9.30 uur", "Tandarts | 2026-03-31T09:30 10:30"],
      ["Lunch morgen van 12 tot 13 uur", "Lunch | 2026-03-26T12:00 13:00"],
      ["Zaal 9", ""],
    ],
  };
  for (const [name, texts] of Object.entries(known))
    inLanguage(name, () => {
      for (const [text, expected] of texts) assert.equal(read(text), expected, `${name}: ${text}`);
    });
});

test("the time of the day stays when clocks change", () => {
  // clocks go forward at 2:00 on 29 March
  assert.equal(read("Run sunday 9:30"), "Run | 2026-03-29T09:30 10:30");
  inLanguage("en-GB", () => assert.equal(read("Night shift sunday 1:00-4:00"), "Night shift | 2026-03-29T01:00 04:00"));
});

test("a long title takes no time", () => {
  const began = performance.now();
  for (const text of ["1".repeat(1000), "tomorrow ".repeat(100), "1 am ".repeat(300), `${"a ".repeat(400)}tue 9:30`])
    timeIn(text, begun, now);
  assert.ok(performance.now() - began < 500);
});
