// WEBMAIL-79: web addresses in a text.

import assert from "node:assert/strict";
import test from "node:test";
import { linkPieces } from "../webmail/data/links";

function urls(line: string): string[] {
  return linkPieces(line).flatMap((piece) => (typeof piece === "string" ? [] : [piece.url]));
}

test("what ends a sentence does not belong to an address", () => {
  assert.deepEqual(urls("See https://a.example/x, (http://b.example/y_(z)) or mailto:c@d.example."), [
    "https://a.example/x",
    "http://b.example/y_(z)",
    "mailto:c@d.example",
  ]);
  assert.deepEqual(urls('"https://a.example/?q=1!?" <https://b.example> xhttps://c.example javascript:https'), [
    "https://a.example/?q=1",
    "https://b.example",
  ]);
});

test("addresses without a scheme are links, too", () => {
  assert.deepEqual(
    urls(
      "Ann <ann+x@a.example>, jörg@bücher.example. www.a.example/x! webcal://a.example/c.ics sms:+491 tel:+492, 100%@a.example",
    ),
    [
      "mailto:ann+x@a.example",
      "mailto:j%C3%B6rg@b%C3%BCcher.example",
      "https://www.a.example/x",
      "webcal://a.example/c.ics",
      "sms:+491",
      "tel:+492",
      "mailto:100%25@a.example",
    ],
  );
  assert.deepEqual(urls("[a@b.example] 'o'hara@b.example' (c@d.example)."), [
    "mailto:a@b.example",
    "mailto:o'hara@b.example",
    "mailto:c@d.example",
  ]);
  assert.deepEqual(urls("a@b @b.example a@ hotel:5 awww.a.example x@1.2.3 a@b@c.example"), []);
});

test("all of the line is there again, in its order", () => {
  for (const line of [
    "",
    "x",
    "https://a.example",
    "a https://b.example/). https://c.example ",
    "mailto:",
    "https://)))",
    "((https://x.example/)",
    "a@b.example, www.a.example.",
  ]) {
    const text = linkPieces(line).map((piece) => (typeof piece === "string" ? piece : piece.text));
    assert.equal(text.join(""), line);
  }
});

test("a name before an @ is not the host", () => {
  const [, piece] = linkPieces("https://www.bank.example@evil.example/login");
  const imitation = "https://www.bank.example@evil.example/login";
  assert.deepEqual(piece, { text: imitation, url: imitation, elsewhere: "evil.example" });
  const [, plain] = linkPieces("https://www.bank.example/a@b");
  assert.deepEqual(plain, { text: "https://www.bank.example/a@b", url: "https://www.bank.example/a@b", elsewhere: "" });
});

test("no line takes long", () => {
  const began = performance.now();
  for (const piece of [
    "a",
    "a@",
    "a.",
    "@a.",
    "www.",
    "www.a",
    ".",
    ")",
    "(",
    "https://",
    "https://x.",
    "mailto:)",
    "@",
  ]) {
    linkPieces(`https://${piece.repeat(200_000)}x`);
    linkPieces(`${piece.repeat(200_000)} x`);
  }
  assert.ok(performance.now() - began < 10_000);
});
