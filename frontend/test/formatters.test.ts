// WEB-164a, WEBMAIL-118: 2,000 strangers' texts through each formatter of texts.

import { made } from "./fakedom";
import { raw, strangers } from "./strangers";

import assert from "node:assert/strict";
import test from "node:test";
import { addressOf, read } from "../admin/ui/page";
import { hue, initials } from "../lib/disc";
import { el, isolated, text, written } from "../lib/dom";
import { brief, foreign, visible } from "../lib/pages";
import { many, t } from "../lib/words";

const texts = strangers();

/** A text before its controls were written out. */
const back = (shown: string): string =>
  shown.replace(/\[U\+([0-9A-F]{4})\]/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

test("there are 2,000 texts, with and without controls", () => {
  assert.equal(texts.length, 2000);
  assert.ok(new Set(texts).size > 1900);
  assert.ok(texts.some((one) => raw.test(one)) && texts.some((one) => !raw.test(one)));
});

for (const [name, format] of Object.entries({ written, visible, isolated })) {
  test(`${name} says which controls there are and changes nothing else`, () => {
    for (const one of texts) {
      const shown = format(one);
      assert.equal(back(shown), one);
      assert.ok(
        name === "isolated" ? !/[\u202a-\u202e\u2066-\u2069]/.test(shown) : !raw.test(shown),
        JSON.stringify(one),
      );
      assert.equal(format(shown), shown);
    }
  });
}

test("texts become texts, and only look-alikes are marked", () => {
  for (const one of texts) {
    const root = made(el("p", { title: one, "aria-label": one }, one, text(one)));
    assert.equal(root.textContent, written(one) + written(one));
    assert.deepEqual(
      [...new Set(root.all().map((found) => found.name))].filter((found) => found !== "p" && found !== "span"),
      [],
    );
    for (const found of root.all()) for (const value of found.attributes.values()) assert.ok(!raw.test(value));
  }
});

test("a long text is cut, and the rest comes on demand", () => {
  for (const one of texts) {
    const shown = visible(one);
    const root = made(foreign(one, 300));
    const more = root.all().find((found) => found.name === "button");
    assert.equal(more !== undefined, shown.length > 300);
    assert.equal(root.textContent, shown.length > 300 ? `${shown.slice(0, 300)}… Show all` : shown);
    more?.click();
    assert.equal(root.textContent, shown);
    assert.ok(root.all().every((found) => ["bdi", "span", "button"].includes(found.name)));
    assert.ok(root.all().some((found) => found.name === "bdi"));
    assert.ok(made(brief(one, 200)).textContent.length <= 201);
  }
});

test("a disc has two letters and one of eight hues", () => {
  for (const one of texts) {
    const letters = initials(one);
    assert.ok(!raw.test(letters) && [...letters].length <= 6, JSON.stringify(letters)); // some have capitals of several letters
    assert.ok(letters.length > 0);
    assert.ok([1, 2, 3, 4, 5, 6, 7, 8].includes(hue(one)));
  }
});

test("a value in a sentence is taken as it is", () => {
  for (const one of texts) {
    assert.equal(t("From {name} to {name}", { name: one }), `From ${one} to ${one}`);
    assert.equal(many(2, "{n} {what}", "{n} {what}s", { what: one }), `2 ${one}s`);
  }
});

test("an address of the app leads to what it was made of", () => {
  for (const one of texts) {
    if (/\p{Surrogate}/u.test(one)) continue; // no answer of the server has half a character
    const address = read(addressOf("accounts", [one, "x"], { search: one }));
    assert.deepEqual([address.page, ...address.path, address.query.get("search") ?? ""], ["accounts", one, "x", one]);
  }
});
