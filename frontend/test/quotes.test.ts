// WEBMAIL-140: quoted lines of a text.

import "./fakedom";
import assert from "node:assert/strict";
import test from "node:test";
import { readableText } from "../webmail/message/text";

test("a long quote is folded, a short one stays", () => {
  const quote = "> a\n".repeat(7);
  const names = (text: string) => readableText(text, []).map((one) => (one as unknown as { name: string }).name);
  assert.deepEqual(names(`one\n${quote}two\n> b\nthree`), ["div", "details", "div", "div", "div"]);
  assert.deepEqual(names(`one\n${quote}`.trimEnd()), ["div", "details"]);
  assert.deepEqual(names(quote.trimEnd()), ["div"]);
});

test("the line that says who wrote a long quote is folded with it", () => {
  const quote = "> line\n".repeat(9);
  const names = (text: string) => readableText(text, []).map((one) => (one as unknown as { name: string }).name);
  const said = "On Mon, 30 Nov 2026 at 10:00, Ada Lind wrote:\n";
  assert.deepEqual(names(`Fine.\n\n${said}${quote}`), ["div", "details"]);
  assert.deepEqual(names(`Fine.\n\nAm 30.11.2026 um 10:00 schrieb Ada Lind\n<ada@x.example>:\n\n${quote}`), [
    "div",
    "details",
  ]);
  const shown = readableText(`Fine.\n\n${said}${quote}`, [])[0] as HTMLElement;
  assert.equal(shown.textContent.trim(), "Fine.");
  // the reader's own words stay
  for (const own of ["You said:\n", "On Monday 3 people came.\n", "Room 3:\n\nSo:\n"])
    assert.ok((readableText(`Fine.\n${own}${quote}`, [])[0] as HTMLElement).textContent.includes(own.trim()), own);
  // above a short quote it is as before
  assert.deepEqual(names(`Fine.\n\n${said}> one\n`), ["div", "div", "div"]);
});

test("what the server says to be quoted is folded", () => {
  const names = (text: string, from: number) =>
    readableText(text, [], from).map((one) => (one as unknown as { name: string }).name);
  const message = `-----Original Message-----\nFrom: Ada\n\n${"quoted\n".repeat(7)}> older\n-- \nAda`;
  assert.deepEqual(names(`ANSWER\n\n${message}`, 2), ["div", "details"]);
  assert.deepEqual(names(message, 0), ["div"]);
  assert.deepEqual(readableText(`ANSWER\n\n${message}`, [], null).length, 3);
});

test("the time is linear in the number of quotes", () => {
  const begun = process.cpuUsage().user;
  assert.equal(readableText("> a\nb\n".repeat(60_000), []).length, 120_000);
  // of the processor: a test beside others may wait long
  assert.ok(process.cpuUsage().user - begun < 20_000_000);
});
