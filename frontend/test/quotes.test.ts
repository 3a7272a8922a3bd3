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

test("what follows the head of a quoted message is folded", () => {
  const names = (text: string) => readableText(text, []).map((one) => (one as unknown as { name: string }).name);
  const message = `From: Ada\nSent: Monday\nTo: Bo\nSubject: Offer\n\n${"quoted\n".repeat(7)}> older\n-- \nAda`;
  const heads = ["رسالة أصلية", "הודעה מקורית", "Вихідне повідомлення", "元のメッセージ", "原始邮件"].map(
    (one) => `-----${one}-----`,
  );
  for (const head of [...heads, "-----Original Message-----", "------- Ursprüngliche Nachricht -----", "_".repeat(32)])
    assert.deepEqual(names(`ANSWER\n\n${head}\n${message}`), ["div", "details"], head);
  assert.deepEqual(names(`-----Original Message-----\n${message}`), ["div"]);
  for (const line of [
    "---- original recipe ----\nTake eggs\n",
    `${"_".repeat(32)}\nFrom: us\nall\n`,
    "----------\nFrom: a\n",
  ])
    assert.deepEqual(names(`${line}${"mine\n".repeat(9)}end`), ["div"], line);
});

test("the time is linear in the number of quotes", () => {
  const begun = process.cpuUsage().user;
  assert.equal(readableText("> a\nb\n".repeat(60_000), []).length, 120_000);
  readableText(`${"_".repeat(32)}\n`.repeat(30_000), []);
  readableText("-".repeat(500_000), []);
  // of the processor: a test beside others may wait long
  assert.ok(process.cpuUsage().user - begun < 20_000_000);
});
