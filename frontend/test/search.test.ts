// WEBMAIL-72, WEBMAIL-153: what is typed to search.

import assert from "node:assert/strict";
import test from "node:test";
import { moment, octets, parse, ruleOf, tokens, write } from "../webmail/search/grammar";
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
  assert.deepEqual(named("nosuchop:xx boats"), [
    "“nosuchop:” isn't a search operator, so “nosuchop:xx” was treated as text",
  ]);
  assert.deepEqual(filter("nosuchop:xx boats").words, ["nosuchop:xx", "boats"]);
  assert.deepEqual(query("-nosuchop:xx").query.not_filter?.words, ["nosuchop:xx"]);
  // web addresses, times, and text in quotes are words
  for (const text of ["https://example.com/", "12:30", '"nosuch:attachment"', "a:pdf", "note:"])
    assert.deepEqual(named(text), [], text);
  assert.equal(write(tokens('"hex:attachment" hex:"two words"')), '"hex:attachment" hex:"two words"');
});

test("the nearest operator is offered for an unknown one", () => {
  const meant = (text: string) => query(text).problems.map((one) => one.meant?.text);
  assert.deepEqual(meant("form:ada boats"), ["from:ada boats"]);
  assert.deepEqual(meant("-subjet:boats"), ["-subject:boats"]);
  assert.deepEqual(meant("befor:2026-11-01"), ["before:2026-11-01"]);
  assert.deepEqual(meant("nosuchop:xx"), [undefined]);
});

test("operators of Gmail are understood", () => {
  const found = (text: string) => {
    const { query: asked, problems } = query(text);
    assert.deepEqual(problems, [], text);
    return asked.filter;
  };
  assert.equal(found("has:attachment").attachments, "any");
  assert.equal(found("has:pdf").attachments, "pdf");
  assert.deepEqual(found("filename:plan.pdf filename:*.pdf").filenames, ["plan.pdf", ".pdf"]);
  assert.deepEqual(found("filename:plan").words, []);
  assert.deepEqual(
    found("filename:a OR filename:b").any?.map(({ filenames }) => filenames),
    [["a", "b"]],
  );
  assert.deepEqual(query("-filename:plan").query.not_filter?.filenames, ["plan"]);
  assert.equal(found("in:inbox").mailbox_id, 1);
  assert.equal(found("in:anywhere").mailbox_id, -2);
  assert.equal(found("before:2026/11/2").newest, new Date(2026, 10, 2).toISOString());
  assert.equal(found("after:2026/11/02").oldest, new Date(2026, 10, 2).toISOString());
  assert.deepEqual(found("is:starred").labels, ["\\flagged"]);
  assert.deepEqual(found("label:travel").labels, ["travel"]);
  assert.deepEqual(found("cc:bob").to, ["bob"]);
  assert.equal(found("larger:2m").size_min, 2 << 20);
  for (const span of ["older_than:7d", "older_than:2w", "newer_than:1m", "newer_than:1y"]) found(span);
  assert.equal(query("older_than:soon").problems.length, 1);
});

test("alternatives, lists and more of Gmail's operators are understood", () => {
  const found = (text: string) => {
    const { query: asked, problems } = query(text);
    assert.deepEqual(problems, [], text);
    return asked.filter;
  };
  const none = { words: [], from: [], to: [], subject: [], filenames: [] };
  assert.deepEqual(found("from:anna OR from:ben boats").any, [{ ...none, from: ["anna", "ben"] }]);
  assert.deepEqual(found("from:anna OR from:ben boats").words, ["boats"]);
  assert.deepEqual(found("{a b} {from:c to:d}").any, [
    { ...none, words: ["a", "b"] },
    { ...none, from: ["c"], to: ["d"] },
  ]);
  assert.deepEqual(found('from:(anna OR ben OR "c d")').any, [{ ...none, from: ["anna", "ben", "c d"] }]);
  assert.deepEqual(found("from:{anna ben}").any, [{ ...none, from: ["anna", "ben"] }]);
  assert.deepEqual(found("subject:(budget review) from:(anna ben)").subject, ["budget", "review"]);
  assert.deepEqual(found("subject:(budget review) from:(anna ben)").from, ["anna", "ben"]);
  assert.deepEqual(found("(green boats) AND red").words, ["green", "boats", "red"]);
  assert.deepEqual(query("-{a b}").query.not_filter?.words, ["a", "b"]);
  assert.deepEqual(found("list:dev.example.org").headers, [{ name: "list-id", value: "dev.example.org" }]);
  assert.deepEqual(found("rfc822msgid:a@b.example").headers, [{ name: "message-id", value: "a@b.example" }]);
  assert.equal(found("size:2m").size_min, 2 << 20);
  assert.equal(found("after:yesterday").oldest, new Date(2026, 10, 20).toISOString());
  assert.equal(found('before:"30 days ago"').newest, new Date(2026, 9, 22).toISOString());
  assert.deepEqual(found("foo() :) OR").words, ["foo()", ":)", "OR"]);
  assert.equal(found("OR boats").any, undefined);
});

// https://support.google.com/mail/answer/7190, in its order; "me" and dates as there
test("each operator that Gmail documents is understood or said not to be", () => {
  const all = [...boxes, { id: 3, name: "Snoozed" }, { id: 4, name: "Archive", roles: ["archive"] }];
  const said = (text: string) => parse(text, all, now).problems.length;
  const understood = [
    "from:me",
    "from:amy@example.com",
    "to:me",
    "cc:john@example.com",
    "bcc:david@example.com",
    "subject:dinner",
    "subject:anniversary party",
    "after:2004/04/16",
    "before:2004/04/18",
    "older:2004/04/16",
    "newer:2004/04/18",
    "older_than:1y",
    "newer_than:2d",
    "from:amy OR from:david",
    "{from:amy from:david}",
    "from:amy AND to:david",
    "dinner -movie",
    "label:friends",
    "has:attachment",
    "has:document",
    "has:spreadsheet",
    "has:presentation",
    "list:info@example.com",
    "filename:pdf",
    "filename:homework.txt",
    '"dinner and movie tonight"',
    "subject:(dinner movie)",
    "in:anywhere",
    "in:archive",
    "in:snoozed",
    "is:starred",
    "is:unread",
    "is:read",
    "deliveredto:username@example.com",
    "size:1000000",
    "larger:10M",
    "smaller:10M",
    "+unicorn",
    "rfc822msgid:200503292@example.com",
  ];
  for (const text of understood) assert.equal(said(text), 0, text);
  const told = [
    "after:04/16/2004",
    "holiday AROUND 10 vacation",
    '"secret AROUND 25 birthday" AROUND',
    "category:primary",
    "has:youtube",
    "has:drive",
    "is:muted",
    "is:important",
    "in:chats",
    "has:yellow-star",
    "has:blue-info",
    "has:userlabels",
    "has:nouserlabels",
  ];
  for (const text of told) assert.ok(said(text) > 0, text);
});

test("what is not understood is said", () => {
  const said = (text: string) => query(text).problems.length;
  for (const text of [
    "is:important",
    "category:social",
    "(a b) OR c",
    "a OR (b c)",
    "-(a b)",
    "is:unread OR a",
    "a OR from:b",
    "after:someday",
    "has:yellow-star",
    "rfc822msgid:",
  ])
    assert.ok(said(text) > 0, text);
});

test("alternatives are written as they were", () => {
  for (const text of ["from:anna OR from:ben boats", 'a OR b OR "c d"', "x a OR b", "subject:a subject:b"])
    assert.equal(write(tokens(text)), text);
  assert.equal(write(tokens("{a b} from:{c d}")), "a OR b from:c OR from:d");
});

test("each criterion becomes a part of the query", () => {
  const found = query(
    "green f:ada -to:bob s:minutes l:done h:X-Project:aurora minsize:2k maxsize:1MB a:pdf -a:image start:2026-11-01 end:2026-11-02 mb:inbox",
  );
  assert.deepEqual(found.problems, []);
  assert.deepEqual(found.needles, ["green", "ada", "minutes"]);
  assert.deepEqual(found.query.filter, {
    mailbox_id: 1,
    mailbox_children_included: false,
    words: ["green"],
    from: ["ada"],
    to: [],
    subject: ["minutes"],
    filenames: [],
    labels: ["done"],
    headers: [{ name: "X-Project", value: "aurora" }],
    size_min: 2048,
    size_max: 1 << 20,
    attachments: "pdf",
    oldest: new Date(2026, 10, 1).toISOString(),
    newest: new Date(2026, 10, 3).toISOString(),
  });
  assert.deepEqual(found.query.not_filter, {
    words: [],
    from: [],
    to: ["bob"],
    subject: [],
    filenames: [],
    labels: [],
    attachments: ["image"],
  });
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

for (const text of [
  "start:soon",
  "end:2026-02-30",
  "minsize:big",
  "a:film",
  "is:nice",
  "mb:Nowhere",
  "from:",
  "-start:2026-01-01",
  "header:",
  "start:25:00",
]) {
  test(`${text} is looked for as a word, and said`, () => {
    const found = query(`x ${text}`);
    assert.equal(found.problems.length, 1);
    const words = [...(found.query.filter.words ?? []), ...(found.query.not_filter?.words ?? [])];
    assert.equal(words.length, 2);
  });
}

test("sizes and moments", () => {
  assert.deepEqual(["500", "2k", "2kb", "1.5m", "1g", "x", "-1"].map(octets), [
    500,
    2048,
    2048,
    1572864,
    1 << 30,
    null,
    null,
  ]);
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

test("each of Gmail's documented operators is understood, or said", () => {
  const mailboxes = [
    ...boxes,
    ...["archive", "trash", "junk", "sent", "draft"].map((one, at) => ({ id: 10 + at, name: `${one}s`, roles: [one] })),
  ];
  const search = (text: string) => parse(text, mailboxes, now, [], "ada@example.org");
  const understood =
    'from:amy|to:me|cc:john|bcc:david|subject:dinner|after:2004/04/16|before:2004/04/18|older:2004/04/16|newer:2004/04/16|older_than:1y|newer_than:2d|from:amy OR from:david|{from:amy from:david}|from:amy AND to:david|dinner -movie|label:friends|has:attachment|has:document|has:spreadsheet|has:presentation|list:info@example.com|filename:pdf|filename:homework.txt|"dinner and movie"|+unicorn|subject:(dinner movie)|in:anywhere|in:archive|in:trash|in:spam|in:sent|in:draft|in:inbox|is:starred|is:unread|is:read|deliveredto:u@example.com|size:1000000|larger:10M|smaller:1M|rfc822msgid:1@example.com';
  for (const text of understood.split("|")) assert.deepEqual(search(text).problems, [], text);
  const said =
    "category:primary|has:drive|has:youtube|has:yellow-star|has:userlabels|has:nouserlabels|in:chats|is:important|is:muted|is:snoozed|dinner AROUND 5 friday|after:04/16/2004|circle:friends";
  for (const text of said.split("|")) assert.equal(search(text).problems.length, 1, text);
  assert.deepEqual(search("from:me to:Me").query.filter.from, ["ada@example.org"]);
  assert.deepEqual(search("from:me to:Me").query.filter.to, ["ada@example.org"]);
  assert.deepEqual(search("+unicorn").query.filter.words, ["unicorn"]);
});

test("an address with a text that no search bar takes is read in a moment", () => {
  const begun = performance.now();
  query(`from:a ${"OR from:a ".repeat(100_000)}`);
  query(`(a${" a".repeat(200_000)}`);
  assert.ok(performance.now() - begun < 2_000);
});

test("WEBMAIL-142a: a search becomes the conditions of a rule, as far as rules have words for it", () => {
  const rule = (text: string) => {
    const found = ruleOf(tokens(text));
    return found && [found.match, ...found.conditions.map(({ part, test, value }) => `${part} ${test} ${value}`)];
  };
  assert.deepEqual(rule('from:ada subject:"two words" bill'), [
    "all",
    "from contains ada",
    "subject contains two words",
    "text contains bill",
  ]);
  assert.deepEqual(rule("larger:2mb has:attachment list:club"), [
    "all",
    "larger contains 2m",
    "attachment contains ",
    "list contains club",
  ]);
  assert.deepEqual(rule("{from:ada from:bob}"), ["any", "from contains ada", "from contains bob"]);
  assert.deepEqual(rule("subject:x {from:ada from:bob}"), ["all", "subject contains x"]);
  assert.equal(rule("-from:ada in:inbox is:unread after:2026-01-01 attachments:none"), null);
});
