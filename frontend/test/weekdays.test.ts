// WEBMAIL-143g: the first day of a week and the digits, in each language, also in a browser that knows no weeks.

import assert from "node:assert/strict";
import test from "node:test";
import { language } from "../lib/language";
import { formatted } from "../lib/dateformats";
import { filled } from "../lib/words";
import { firstWeekday, weekStart } from "../webmail/calendar/days";

const monday = 0;
const saturday = 5;
const sunday = 6;

const first: Readonly<Record<string, number>> = {
  ...{ ar: saturday, "ar-EG": saturday, "ar-SA": sunday, he: sunday, ja: sunday, pt: sunday, "en-US": sunday },
  ...{ cs: monday, de: monday, es: monday, fr: monday, it: monday, nl: monday, pl: monday, sv: monday, uk: monday },
  ...{ "ar-MA": monday, "es-MX": sunday, "en-GB": monday, zh: monday },
};

function each(run: (name: string) => void): void {
  try {
    for (const name of Object.keys(first)) {
      globalThis.moxliteLanguage = language(name.split("-")[0]!, "", [name], "");
      run(name);
    }
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
}

test("a week begins on the day of the language's region", () => {
  each((name) => {
    assert.equal(firstWeekday(), first[name], name);
    assert.equal((((weekStart(20_600) + 3) % 7) + 7) % 7, first[name], name);
  });
});

test("also where the browser doesn't say it", () => {
  const kept = Object.getOwnPropertyDescriptors(Intl.Locale.prototype) as Record<string, PropertyDescriptor>;
  const known = ["getWeekInfo", "weekInfo"].filter((name) => name in kept);
  try {
    for (const name of known) delete (Intl.Locale.prototype as unknown as Record<string, unknown>)[name];
    each((name) => assert.equal(firstWeekday(), first[name], name));
  } finally {
    for (const name of known) Object.defineProperty(Intl.Locale.prototype, name, kept[name]!);
  }
});

test("digits are of one kind", () => {
  const date = new Date(2026, 10, 23, 14, 5);
  each((name) => {
    const said = [
      formatted(date, `${name} full`, { dateStyle: "full", timeStyle: "short" }),
      filled("{n}", { n: 12_345 }),
    ].join(" ");
    assert.ok(/2026.*12.345/.test(said), said);
    assert.ok(!/(?![0-9])\p{Nd}/u.test(said), said);
  });
});
