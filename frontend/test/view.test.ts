// WEBMAIL-37, WEBMAIL-140, WEBMAIL-154: the run of rows that the browser has.

import assert from "node:assert/strict";
import test from "node:test";
import { Pending } from "../webmail/data/pending";
import { flatRows, threadedRows } from "../webmail/data/rows";
import { Folding } from "../webmail/data/threads";
import { View } from "../webmail/data/view";
import { dice, item, Server } from "./mail";

function fetch(view: View, server: Server, first: number, last: number): void {
  for (let tries = 0; tries < 20; tries++) {
    const request = view.want(first, last) ?? view.check();
    if (request === null) return;
    for (const event of server.answer(request)) assert.ok(view.take(event));
  }
  throw new Error("rows are asked for without end");
}

function opened(server: Server): View {
  const view = new View();
  for (const event of server.answer(view.open(server.query()))) view.take(event);
  return view;
}

const ids = (view: View) => view.items.map((one) => one.id);

/** The message at a position, if it is loaded. */
function at(view: View, position: number): View["items"][number] | undefined {
  return view.items[position - view.start];
}

test("the first page, and rows as they are scrolled to", () => {
  const server = new Server(5000);
  const view = opened(server);
  assert.equal(view.total, 5000);
  assert.equal(view.items.length, 100);
  fetch(view, server, 80, 140);
  assert.equal(view.items.length, 200);
  assert.equal(at(view, 139)?.id, server.items[139]!.id);
});

test("End is one page, and rows far away are dropped", () => {
  const server = new Server(100_000);
  const view = opened(server);
  fetch(view, server, 99_980, 100_000);
  assert.equal(at(view, 99_999)?.id, server.items.at(-1)!.id);
  assert.ok(view.end);
  assert.ok(view.items.length <= 100);
  for (let first = 99_980; first > 90_000; first -= 15) fetch(view, server, first, first + 20);
  assert.ok(view.items.length <= 1000);
  assert.equal(at(view, 90_010)?.id, server.items[90_010]!.id);
  assert.ok(!view.end);
});

test("an answer to an older request is not taken", () => {
  const server = new Server(1000);
  const view = opened(server);
  const old = view.want(90, 120)!;
  const jump = view.want(700, 720)!;
  for (const event of server.answer(jump)) assert.ok(view.take(event));
  for (const event of server.answer(old)) assert.ok(!view.take(event));
  assert.equal(at(view, 705)?.id, server.items[705]!.id);
});

test("a message that comes above the run moves it", () => {
  const server = new Server(1000);
  const view = opened(server);
  fetch(view, server, 500, 520);
  const before = at(view, 510)!.id;
  for (const change of server.add(5000)) view.apply(change);
  assert.equal(at(view, 511)?.id, before);
  assert.equal(view.total, 1001);
});

test("a message that comes while a new connection asks where the run begins", () => {
  const server = new Server(50);
  const view = opened(server);
  view.resume();
  const request = view.check()!;
  const changes = server.add(5000);
  const answer = server.answer(request);
  for (const change of changes) view.apply(change);
  for (const event of answer) view.take(event);
  fetch(view, server, 0, 20);
  assert.equal(view.start, 0);
  assert.deepEqual(
    ids(view),
    server.items.map((one) => one.id),
  );
});

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`random changes and scrolling end in what the server has, seed ${seed}`, () => {
    const random = dice(seed);
    const server = new Server(400 + random(1500));
    const view = opened(server);
    let screen = 0;
    for (let step = 0; step < 300; step++) {
      switch (random(5)) {
        case 0:
          for (const change of server.add(random(3000))) view.apply(change);
          break;
        case 1: {
          const gone = [...new Set([random(server.items.length), random(server.items.length)])].map(
            (at) => server.items[at]!.id,
          );
          for (const change of server.remove(gone)) view.apply(change);
          break;
        }
        case 2: {
          const at = view.items[random(view.items.length)];
          if (at !== undefined) for (const change of server.remove([at.id])) view.apply(change);
          break;
        }
        case 3:
          screen = Math.max(0, Math.min(view.total - 20, screen + random(200) - 100));
          fetch(view, server, screen, screen + 20);
          break;
        default:
          screen = random(Math.max(1, view.total - 20));
          fetch(view, server, screen, screen + 20);
      }
      view.checkConsistency();
    }
    screen = Math.max(0, Math.min(view.total - 20, screen));
    fetch(view, server, screen, screen + 20);
    assert.equal(view.total, server.items.length);
    assert.deepEqual(
      ids(view),
      server.items.slice(view.start, view.start + view.items.length).map((one) => one.id),
    );
  });
}

test("a copy is no row of its own, and actions are about it", () => {
  const [first, copy, answer] = [1, 2, 3].map((id) => ({ ...item(id), thread_id: 1, copy_of: id === 2 ? 1 : 0 }));
  for (const threading of ["on", "off"] as const) {
    const view = new View();
    const request = view.open({ filter: { mailbox_id: -3 }, threading });
    const [view_id, request_id] = [request.view_id, request.id];
    const entry = threading === "on" ? [answer!, first!, copy!] : [first!, copy!];
    view.take({
      kind: "view_msgs",
      view_id,
      request_id,
      items: [entry],
      position: 0,
      total: 1,
      view_end: true,
      parsed_message: null,
    });
    const pending = new Pending(() => {});
    const rows =
      threading === "off" ? flatRows(view, pending, false) : threadedRows(view, pending, new Folding(), false).rows;
    assert.equal(rows.items.length, 1);
    const line = rows.lines.get(rows.items[0]!.id)!;
    assert.deepEqual(line.members, threading === "on" ? [first, answer] : [first]);
    assert.deepEqual(line.copies, [copy]);
    assert.deepEqual(new Set(view.all()), new Set(entry));
  }
});
