// WEBMAIL-72, WEBMAIL-153: what is typed to search.

import assert from "node:assert/strict";
import test from "node:test";
import { moment, octets, parse, tokens, write } from "../webmail/search/grammar";
import { dice } from "./mail";

const boxes = [
  { id: 1, name: "Inbox" },
  { id: 7, name: "Lists/Python" },
];
const now = new Date(2026, 10, 21, 15, 30);
const query = (text: string) => parse(text, boxes, now);
const filter = (text: string) => query(text).query.filter;

test("words, quotes and tags", () => {
  assert.deepEqual(tokens('hello "two words" -no f:ada s:"a ""b""" x:y -l:done is:unread'), [
    { not: false, tag: "", value: "hello" },
    { not: false, tag: "", value: "two words" },
    { not: true, tag: "", value: "no" },
    { not: false, tag: "from", value: "ada" },
    { not: false, tag: "subject", value: 'a "b"' },
    { not: false, tag: "", value: "x:y" },
    { not: true, tag: "label", value: "done" },
    { not: false, tag: "is", value: "unread" },
  ]);
});

test("a word that looks like a criterion is named", () => {
  const named = (text: string) => query(text).problems.map(({ why }) => why);
  assert.deepEqual(named("has:attachment boats"), ["“has:” is not known here; “has:attachment” is looked for as a word"]);
  assert.deepEqual(filter("has:attachment boats").words, ["has:attachment", "boats"]);
  assert.deepEqual(query("-nosuchop:xx").query.not_filter?.words, ["nosuchop:xx"]);
  // web addresses, times, and text in quotes are words
  for (const text of ["https://example.com/", "12:30", '"has:attachment"', "a:pdf", "note:"]) assert.deepEqual(named(text), [], text);
  assert.equal(write(tokens('"has:attachment" has:"two words"')), '"has:attachment" has:"two words"');
});

test("each criterion becomes a part of the query", () => {
  const found = query('green f:ada -to:bob s:minutes l:done h:X-Project:aurora minsize:2k maxsize:1MB a:pdf -a:image start:2026-11-01 end:2026-11-02 mb:inbox');
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.needles, ["green", "ada", "minutes"]);
  assert.deepEqual(found.query.filter, {
    mailbox_id: 1,
    mailbox_children_included: false,
    words: ["green"],
    from: ["ada"],
    to: [],
    subject: ["minutes"],
    labels: ["done"],
    headers: [{ name: "X-Project", value: "aurora" }],
    size_min: 2048,
    size_max: 1 << 20,
    attachments: "pdf",
    oldest: new Date(2026, 10, 1).toISOString(),
    newest: new Date(2026, 10, 3).toISOString(),
  });
  assert.deepEqual(found.query.not_filter, { words: [], from: [], to: ["bob"], subject: [], labels: [], attachments: ["image"] });
});

test("without a mailbox all but Trash and Junk, with an empty one all", () => {
  assert.equal(filter("x").mailbox_id, -1);
  assert.equal(filter("mb: x").mailbox_id, -2);
  assert.equal(filter("submb:Lists/Python").mailbox_children_included, true);
});

test("is: and its opposite", () => {
  assert.equal(filter("is:unread").unread, true);
  assert.equal(filter("-is:read").unread, true);
  assert.deepEqual(filter("is:read").labels, ["\\seen"]);
  assert.deepEqual(filter("-is:unread").labels, ["\\seen"]);
  assert.deepEqual(filter("is:flagged").labels, ["\\flagged"]);
  assert.deepEqual(query("-is:answered").query.not_filter?.labels, ["\\answered"]);
});

for (const text of ["start:soon", "end:2026-02-30", "minsize:big", "a:film", "is:nice", "mb:Nowhere", "from:", "-start:2026-01-01", "header:", "start:25:00"]) {
  test(`${text} is looked for as a word, and said`, () => {
    const found = query(`x ${text}`);
    assert.equal(found.problems.length, 1);
    const words = [...(found.query.filter.words ?? []), ...(found.query.not_filter?.words ?? [])];
    assert.equal(words.length, 2);
  });
}

test("sizes and moments", () => {
  assert.deepEqual(["500", "2k", "2kb", "1.5m", "1g", "x", "-1"].map(octets), [500, 2048, 2048, 1572864, 1 << 30, null, null]);
  assert.equal(moment("08:30", false, now), new Date(2026, 10, 21, 8, 30).toISOString());
  assert.equal(moment("2026-01-31T08:30", true, now), new Date(2026, 0, 31, 8, 31).toISOString());
  assert.equal(moment("2026-12-31", true, now), new Date(2027, 0, 1).toISOString());
  assert.equal(moment("", false, now), null);
});

test("what is written is read again", () => {
  const random = dice(7);
  const letters = ['"', " ", "-", ":", "a", "s", "f", "é", "\\", "x"];
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: random(14) }, () => letters[random(letters.length)]).join("");
    const found = tokens(text);
    assert.deepEqual(tokens(write(found)), found, text);
    query(text);
  }
});
