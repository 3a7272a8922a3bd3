import assert from "node:assert/strict";
import test from "node:test";

import { inWords, wholeHash } from "../lib/errors";
import { hashed, language } from "../lib/language";
import { byName, byOwner, filled, locale, many, t, told } from "../lib/words";

const lines = ["Archive", "{n} message|{n} messages"]
  .map((key, n) => `${hashed(key)}${["Archivieren", "eine Nachricht|{n} Nachrichten"][n]}\n`)
  .join("");

test("a text is shown in the language of the page, in English where it has none", () => {
  try {
    globalThis.moxliteLanguage = language("de", lines, ["en-GB", "de-CH", "de"], "");
    assert.equal(t("Archive"), "Archivieren");
    assert.equal(t("No results"), "No results");
    assert.equal(many(1, "{n} message", "{n} messages"), "eine Nachricht");
    assert.equal(many(3, "{n} message", "{n} messages"), "3 Nachrichten");
    assert.equal(many(1, "{n} day", "{n} days"), "1 day");
    assert.equal(locale(), "de-CH");
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
  assert.equal(t("Archive"), "Archive");
  assert.equal(locale(), undefined);
});

test("names are ordered by letters, whatever their accents, and by numbers; own calendars first", () => {
  const names = ["Zoé", "week 10", "Émile", "emma", "week 9", "ÅSA"];
  assert.deepEqual([...names].sort(byName), ["ÅSA", "Émile", "emma", "week 9", "week 10", "Zoé"]);
  const calendars = ["Ben/A", "/Zoé", "/Émile"].map((one) => ({ owner: one.split("/")[0]!, name: one.split("/")[1]! }));
  assert.deepEqual(
    calendars.sort(byOwner).map(({ name }) => name),
    ["Émile", "Zoé", "A"],
  );
});

test("forms follow the rules of the language", () => {
  try {
    globalThis.moxliteLanguage = language(
      "fr",
      `${hashed("{n} message|{n} messages")}{n} message|{n} messages\n`,
      [],
      "",
    );
    assert.equal(many(0, "{n} message", "{n} messages"), "0 message");
    assert.equal(locale(), "fr");
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
});

test("a language has as many forms as it needs", () => {
  const key = hashed("{n} message|{n} messages");
  const polish = language("pl", `${key}{n} wiadomość|{n} wiadomości|{n} wiadomości w sumie\n`, [], "", "", [
    "one",
    "few",
  ]);
  const found = [1, 2, 5, 22, 1.5].map((n) => polish.find("{n} message|{n} messages", n)?.split(" ").length);
  assert.deepEqual(found, [2, 2, 4, 2, 4]);
  assert.equal(polish.find("{n} message|{n} messages", 1), "{n} wiadomość");
  const chinese = language("zh", `${key}{n} 封邮件\n`, [], "", "", []);
  assert.equal(chinese.find("{n} message|{n} messages", 1), "{n} 封邮件");
});

test("the hash of a text is that of the generator", () => {
  assert.equal(hashed("Archive"), "suw5");
  assert.equal(hashed("Log in to {app}"), "p6bm");
  assert.equal(hashed("“{address}” isn't an email address."), "hoy8");
});

test("values are filled in", () => assert.equal(filled("{a} and {b}", { a: "x" }), "x and {b}"));

const german = {
  "can't read this file: {reason}": "die Datei kann nicht gelesen werden: {reason}",
  "the file is larger than {most} MiB": "sie hat mehr als {most} MiB",
  "is empty": "ist leer",
};
const errors = Object.entries(german)
  .map(([key, text]) => `${wholeHash(key)}${text}\n`)
  .join("");

test("the hash of an error's text is that of the generator", () =>
  assert.equal(wholeHash("the file has more than {most} contacts"), "10gy2ew"));

test("an error is told by its text and its values, which may be texts themselves", () => {
  const reason = { text: "the file is larger than {most} MiB", values: { most: 10 } };
  const words = { text: "can't read this file: {reason}", values: { reason } };
  const found = inWords(
    { code: "user:error", message: "can't read this file: the file is larger than 10 MiB", words },
    errors,
  );
  assert.equal(found.message, "die Datei kann nicht gelesen werden: sie hat mehr als 10 MiB");
  assert.equal(found.code, "user:error");
  assert.equal(inWords({ message: "the {disk} is new to us" }, errors).message, "the {disk} is new to us");
});

test("mistakes in fields are told each, and all of them together", () => {
  const fields = [
    { field: "name", text: "is empty" },
    { field: "to", text: "is unknown" },
  ];
  const found = inWords({ message: "name is empty; to is unknown", fields }, errors);
  assert.deepEqual(
    found.fields.map((one) => one.text),
    ["ist leer", "is unknown"],
  );
  assert.equal(found.message, "name ist leer; to is unknown");
});

test("an error stays in English where its texts cannot be loaded, and in an English page", async () => {
  const error = { message: "is empty" };
  assert.equal(await told(error), error);
  try {
    globalThis.moxliteLanguage = language("de", "", [], "data:text/javascript,nothing to find");
    assert.equal(await told(error), error);
    const part = "export const inWords = (error) => ({ ...error, message: 'ist leer' });";
    globalThis.moxliteLanguage = language("de", "", [], `data:text/javascript,${encodeURIComponent(part)}`);
    assert.equal((await told(error)).message, "ist leer");
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
});

test("texts of parts come with the first part, and are asked for again when they did not", async () => {
  const lines = `${hashed("Snooze")}Zurückstellen`;
  const part = `data:text/javascript,${encodeURIComponent(`export const lines = ${JSON.stringify(lines)};`)}`;
  const german = language("de", `${hashed("Archive")}Archivieren`, [], "", part);
  assert.equal(german.find("Snooze"), undefined);
  await Promise.all([german.rest(), german.rest()]);
  assert.equal(german.find("Snooze"), "Zurückstellen");
  assert.equal(german.find("Archive"), "Archivieren");
  const broken = language("de", "", [], "", "data:text/javascript,nothing to find");
  await assert.rejects(broken.rest());
  await assert.rejects(broken.rest());
  await language("de", "", [], "").rest();
});
