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
