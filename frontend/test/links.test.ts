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

test("all of the line is there again, in its order", () => {
  for (const line of [
    "",
    "x",
    "https://a.example",
    "a https://b.example/). https://c.example ",
    "mailto:",
    "https://)))",
    "((https://x.example/)",
  ]) {
    const text = linkPieces(line).map((piece) => (typeof piece === "string" ? piece : piece.url));
    assert.equal(text.join(""), line);
  }
});

test("a name before an @ is not the host", () => {
  const [, piece] = linkPieces("https://www.bank.example@evil.example/login");
  assert.deepEqual(piece, { url: "https://www.bank.example@evil.example/login", elsewhere: "evil.example" });
  const [, plain] = linkPieces("https://www.bank.example/a@b");
  assert.deepEqual(plain, { url: "https://www.bank.example/a@b", elsewhere: "" });
});

test("no line takes long", () => {
  const began = performance.now();
  for (const piece of [".", ")", "(", "https://", "https://x.", "mailto:)", "@"]) {
    linkPieces(`https://${piece.repeat(200_000)}x`);
    linkPieces(`${piece.repeat(200_000)} x`);
  }
  assert.ok(performance.now() - began < 10_000);
});
