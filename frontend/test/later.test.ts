// WEBMAIL-96, WEBMAIL-125: times by words, over changes of the clocks.

import assert from "node:assert/strict";
import test from "node:test";
import { language } from "../lib/language";
import { fieldValue, momentOf, suggestions } from "../webmail/later/times";

process.env["TZ"] = "Europe/Berlin";

/** A Wednesday. */
const now = new Date(2026, 2, 25, 10, 30);

function at(text: string, from = now): string {
  const found = momentOf(text, from);
  return found === null ? "" : fieldValue(found);
}

test("words name a moment", () => {
  const known: readonly (readonly [string, string])[] = [
    ["tomorrow morning", "2026-03-26T08:00"],
    ["Tomorrow", "2026-03-26T08:00"],
    ["tomorrow at 9:15", "2026-03-26T09:15"],
    ["Monday 08:00", "2026-03-30T08:00"],
    ["next wed", "2026-04-01T08:00"],
    ["in 3 hours", "2026-03-25T13:30"],
    ["an hour", "2026-03-25T11:30"],
    ["90 min", "2026-03-25T12:00"],
    ["3d", "2026-03-28T10:30"],
    ["in 2 weeks", "2026-04-08T10:30"],
    ["1 month", "2026-04-25T10:30"],
    ["this evening", "2026-03-25T18:00"],
    ["tonight", "2026-03-25T20:00"],
    ["8pm", "2026-03-25T20:00"],
    ["8 am", "2026-03-26T08:00"],
    ["24 Dec 18:00", "2026-12-24T18:00"],
    ["December 24th", "2026-12-24T08:00"],
    ["1 Jan", "2027-01-01T08:00"],
    ["2026-12-24 noon", "2026-12-24T12:00"],
    ["next week", "2026-03-30T08:00"],
    ["weekend", "2026-03-28T08:00"],
    ["friday afternoon", "2026-03-27T14:00"],
  ];
  for (const [text, expected] of known) assert.equal(at(text), expected, text);
});

test("words that name no moment are refused", () => {
  for (const text of [
    "",
    " ",
    "soon",
    "25:00",
    "8:61",
    "13pm",
    "2026-02-30",
    "30 Feb",
    "Feb",
    "tomorrow xyz",
    "<script>",
    "in -3 hours",
    "0 days",
    "in 5000 days",
    `${"tomorrow ".repeat(1000)}x`,
  ]) {
    const found = momentOf(text, now);
    if (text.length > 80) assert.ok(found === null || found > now);
    else assert.equal(found, null, text);
  }
});

test("a long text takes no time", () => {
  const began = performance.now();
  for (const text of ["1".repeat(1e6), " ".repeat(1e6), "1 am ".repeat(1e5)]) momentOf(text, now);
  assert.ok(performance.now() - began < 500);
});

test("the time of the day stays when clocks change", () => {
  // clocks go forward at 2:00 on 29 March and back at 3:00 on 25 October
  assert.equal(at("tomorrow 8:00", new Date(2026, 2, 28, 12)), "2026-03-29T08:00");
  assert.equal(
    momentOf("tomorrow 8:00", new Date(2026, 2, 28, 8))!.getTime() - new Date(2026, 2, 28, 8).getTime(),
    23 * 3_600_000,
  );
  assert.equal(
    momentOf("tomorrow 8:00", new Date(2026, 9, 24, 8))!.getTime() - new Date(2026, 9, 24, 8).getTime(),
    25 * 3_600_000,
  );
  assert.equal(at("1 day", new Date(2026, 2, 28, 8)), "2026-03-29T08:00");
  // hours pass as they are
  assert.equal(at("in 3 hours", new Date(2026, 2, 29, 1)), "2026-03-29T05:00");
  assert.equal(at("in 3 hours", new Date(2026, 9, 25, 1)), "2026-10-25T03:00");
  // an hour that is skipped
  assert.equal(at("tomorrow 2:30", new Date(2026, 2, 28, 12)), "2026-03-29T03:30");
});

test("suggestions are ahead, the soonest first, at any hour of a year", () => {
  for (let hour = 0; hour < 366 * 24; hour++) {
    const from = new Date(2026, 0, 1, hour);
    let before = from;
    for (const [text, moment] of suggestions(from)) {
      assert.ok(
        moment > from && moment >= before && moment.getTime() - from.getTime() < 8 * 86_400_000,
        `${text} ${from.toString()}`,
      );
      before = moment;
    }
  }
});

test("words of the reader's language name a moment, and English ones as well", () => {
  const known: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
    de: [
      ["morgen 9 Uhr", "2026-03-26T09:00"],
      ["morgen früh", "2026-03-26T08:00"],
      ["morgen um 9:15 Uhr", "2026-03-26T09:15"],
      ["heute Abend", "2026-03-25T18:00"],
      ["übermorgen", "2026-03-27T08:00"],
      ["in 3 Stunden", "2026-03-25T13:30"],
      ["in einer Woche", "2026-04-01T10:30"],
      ["am Freitag um 18 Uhr", "2026-03-27T18:00"],
      ["Freitagabend", "2026-03-27T18:00"],
      ["nächsten Montag", "2026-03-30T08:00"],
      ["nächste Woche", "2026-03-30T08:00"],
      ["24. Dezember 18 Uhr", "2026-12-24T18:00"],
      ["24.12.2026 9 Uhr", "2026-12-24T09:00"],
      ["1. März", "2027-03-01T08:00"],
    ],
    fr: [
      ["demain à 9 h", "2026-03-26T09:00"],
      ["demain 9h30", "2026-03-26T09:30"],
      ["demain matin", "2026-03-26T08:00"],
      ["après-demain", "2026-03-27T08:00"],
      ["ce soir", "2026-03-25T18:00"],
      ["dans 3 heures", "2026-03-25T13:30"],
      ["dans une heure", "2026-03-25T11:30"],
      ["vendredi après-midi", "2026-03-27T14:00"],
      ["la semaine prochaine", "2026-03-30T08:00"],
      ["le 24 décembre à 18 heures", "2026-12-24T18:00"],
    ],
    es: [
      ["mañana a las 9", "2026-03-26T09:00"],
      ["mañana por la mañana", "2026-03-26T08:00"],
      ["pasado mañana", "2026-03-27T08:00"],
      ["esta noche", "2026-03-25T20:00"],
      ["dentro de 3 horas", "2026-03-25T13:30"],
      ["en 2 días", "2026-03-27T10:30"],
      ["el viernes por la tarde", "2026-03-27T14:00"],
      ["24 de diciembre a las 18:00", "2026-12-24T18:00"],
    ],
    nl: [
      ["morgen 9 uur", "2026-03-26T09:00"],
      ["morgenochtend", "2026-03-26T08:00"],
      ["overmorgen om 9.15 uur", "2026-03-27T09:15"],
      ["vanavond", "2026-03-25T18:00"],
      ["over 3 uur", "2026-03-25T13:30"],
      ["over twee weken", "2026-04-08T10:30"],
      ["vrijdagmiddag", "2026-03-27T14:00"],
      ["volgende week", "2026-03-30T08:00"],
      ["24 december 18:00", "2026-12-24T18:00"],
    ],
  };
  try {
    for (const [name, texts] of Object.entries(known)) {
      globalThis.moxliteLanguage = language(name, "", [`${name}-${name.toUpperCase()}`], "");
      for (const [text, expected] of texts) assert.equal(at(text), expected, `${name}: ${text}`);
      for (const [text, expected] of [
        ["tomorrow 9:00", "2026-03-26T09:00"],
        ["in 3 hours", "2026-03-25T13:30"],
        ["Friday evening", "2026-03-27T18:00"],
        ["day after tomorrow", "2026-03-27T08:00"],
      ])
        assert.equal(at(text!), expected, `${name}: ${text}`);
      for (const text of ["", "xyz", "constructor", "9 9 9 x", "30.2.2026", "<b>"]) assert.equal(at(text), "", text);
    }
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
});

test("a range begins at its start, and a year may follow a date", () => {
  const known: readonly (readonly [string, string])[] = [
    ["tomorrow 12-13", "2026-03-26T12:00"],
    ["12:00–13:30", "2026-03-25T12:00"],
    ["Tue, Mar 31, 9:30", "2026-03-31T09:30"],
    ["Dec 24 2027", "2027-12-24T08:00"],
    ["18:00 24 Dec", "2026-12-24T18:00"],
    ["tomorrow evening at 7", "2026-03-26T19:00"],
    ["9 to 11 p.m.", "2026-03-25T21:00"],
  ];
  for (const [text, expected] of known) assert.equal(at(text), expected, text);
  for (const text of ["9:30 10:30", "12-13-14", "12-", "Mon Dec 24", "24-26 Dec"]) assert.equal(at(text), "", text);
});
