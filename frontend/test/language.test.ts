import assert from "node:assert/strict";
import test from "node:test";

import { hashed, language } from "../lib/language";
import { filled, locale, many, t } from "../lib/words";

const lines = ["Archive", "{n} message|{n} messages"]
  .map((key, n) => `${hashed(key)}${["Archivieren", "eine Nachricht|{n} Nachrichten"][n]}\n`)
  .join("");

test("a text is shown in the language of the page, in English where it has none", () => {
  try {
    globalThis.moxliteLanguage = language("de", lines, ["en-GB", "de-CH", "de"]);
    assert.equal(t("Archive"), "Archivieren");
    assert.equal(t("Nothing was found."), "Nothing was found.");
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

test("forms follow the rules of the language", () => {
  try {
    globalThis.moxliteLanguage = language("fr", `${hashed("{n} message|{n} messages")}{n} message|{n} messages\n`, []);
    assert.equal(many(0, "{n} message", "{n} messages"), "0 message");
    assert.equal(locale(), "fr");
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
});

test("the hash of a text is that of the generator", () => {
  assert.equal(hashed("Archive"), "suw5");
  assert.equal(hashed("Log in to {app}"), "p6bm");
  assert.equal(hashed("“{address}” is not an email address."), "y2lw");
});

test("values are filled in", () => assert.equal(filled("{a} and {b}", { a: "x" }), "x and {b}"));
