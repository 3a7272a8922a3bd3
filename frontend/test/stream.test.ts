// WEBMAIL-32, WEBMAIL-46: when the page reconnects, and by which kind of stream. The browser and its clock are fakes.

import assert from "node:assert/strict";
import test from "node:test";
import type { Client } from "../gen/webmail";
import { CallFailed } from "../lib/client";
import { Backoff } from "../lib/backoff";
import { type Connection, Stream } from "../webmail/data/stream";
import * as wires from "../webmail/wires/part";

type Timer = { at: number; work: () => void };

/** A browser with one tab, whose clock the test advances. */
class FakeBrowser {
  now = 1_000_000;
  /** The outcome of calls for a token: "ok", or "dead". */
  server: "ok" | "dead" = "ok";
  /** Number of calls for a token, and the connections of each kind that were opened. */
  calls = 0;
  readonly events: FakeWire[] = [];
  readonly sockets: FakeWire[] = [];
  readonly polls: FakePoll[] = [];
  readonly states: Connection[] = [];
  readonly stream: Stream;
  private readonly timers = new Map<number, Timer>();
  private readonly listeners = new Map<string, (() => void)[]>();
  private last = 0;

  /** `taken` is the number of other tabs that hold a stream of events; null: the browser has no Web Locks. `stored`: what earlier
   * pages have left. */
  constructor(taken: number | null, stored = new Map<string, string>()) {
    const held = new Set(Array.from({ length: taken ?? 0 }, (_, n) => `moxlite-events-${n + 1}`));
    const locks = {
      async request(name: string, _: unknown, work: (lock: object | null) => unknown) {
        return work(held.has(name) ? null : {});
      },
    };
    const setTimeout = (work: () => void, wait: number) => {
      this.timers.set(++this.last, { at: this.now + wait, work });
      return this.last;
    };
    const clearTimeout = (timer: number) => void this.timers.delete(timer);
    const wire = (all: FakeWire[]) =>
      class extends FakeWire {
        constructor(readonly url: string) {
          super();
          all.push(this);
        }
      };
    const fakes = {
      window: { setTimeout, clearTimeout },
      clearTimeout,
      addEventListener: (kind: string, work: () => void) =>
        this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), work]),
      location: { origin: "http://localhost" },
      localStorage: {
        getItem: (name: string) => stored.get(name) ?? null,
        setItem: (name: string, value: string) => void stored.set(name, value),
      },
      navigator: taken === null ? {} : { locks },
      EventSource: wire(this.events),
      WebSocket: wire(this.sockets),
      fetch: (url: string) =>
        new Promise((resolve, reject) =>
          this.polls.push({
            asked: new URLSearchParams(url.replace(/.*\?/, "")).get("asked"),
            answer: (text) => resolve({ text: async () => text }),
            fail: () => reject(new TypeError()),
          }),
        ),
    };
    for (const [name, value] of Object.entries(fakes))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    Date.now = () => this.now;
    const client = {
      token: async () => {
        this.calls++;
        if (this.server === "dead") throw new CallFailed("token", "", "Can't reach the server.");
        return "t";
      },
      verify: () => {},
    };
    this.stream = new Stream(client as unknown as Client, "/webmail/", {
      event: () => {},
      connection: (state) => this.states.push(state),
      failed: (error) => {
        throw error;
      },
      opening: () => ({ request: { id: 1, view_id: 1 }, since: "0" }),
      wires: async () => wires,
    });
  }

  /** Advance the clock, in steps of 50 ms. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      const due = [...this.timers].filter(([, { at }]) => at <= this.now);
      for (const [id, { work }] of due) if (this.timers.delete(id)) work();
      if (due.length > 0) continue;
      if (this.now >= end) return;
      this.now += 50;
    }
  }

  fire(kind: string): void {
    for (const work of this.listeners.get(kind) ?? []) work();
  }

  get state(): Connection | undefined {
    return this.states.at(-1);
  }
}

/** A request for the events that there are; `asked` is the request that it carries. */
interface FakePoll {
  readonly asked: string | null;
  answer(text: string): void;
  fail(): void;
}

class FakeWire {
  closed = false;
  onerror = () => {};
  onclose = () => {};
  private readonly takers = new Map<string, (event: { data: string }) => void>();

  addEventListener(kind: string, take: (event: { data: string }) => void): void {
    this.takers.set(kind, take);
  }
  send(): void {}
  close(): void {
    this.closed = true;
  }
  /** The server sends a keepalive, in the format of either kind. */
  speak(): void {
    const data = { kind: "keepalive" };
    this.takers.get("keepalive")?.({ data: JSON.stringify(data) });
    (this as unknown as { onmessage?: (message: { data: string }) => void }).onmessage?.({
      data: JSON.stringify({ event: "keepalive", id: null, data }),
    });
  }
}

test("waits grow from one second to a minute, with jitter", () => {
  for (const random of [0, 0.5, 0.999]) {
    const backoff = new Backoff(() => random);
    const waits = Array.from({ length: 8 }, () => backoff.next());
    assert.ok(waits[0]! >= 1_000 && waits[0]! <= 2_000, String(waits));
    assert.ok(waits[7]! >= 30_000 && waits[7]! <= 60_000, String(waits));
    assert.ok(waits.every((wait, i) => i === 0 || wait >= waits[i - 1]!));
    backoff.reset();
    assert.equal(backoff.next(), waits[0]);
  }
});

test("a page that was connected for long does not ask a dead server without a pause", async () => {
  const browser = new FakeBrowser(0);
  browser.stream.start();
  await browser.pass(100);
  browser.events[0]!.speak();
  assert.deepEqual(browser.states, ["on"]);
  await browser.pass(10_000);
  browser.server = "dead";
  const before = browser.calls;
  browser.events[0]!.onerror();
  await browser.pass(100);
  assert.equal(browser.state, "off");
  await browser.pass(60_000);
  assert.ok(browser.calls - before >= 5 && browser.calls - before <= 8, String(browser.calls - before));
  for (let click = 0; click < 100; click++) {
    browser.fire("click");
    await browser.pass(100);
  }
  assert.ok(browser.calls - before <= 8 + 11, "clicks, too, at most once a second");
  browser.server = "ok";
  browser.fire("online");
  await browser.pass(1_000);
  browser.events[1]!.speak();
  assert.equal(browser.state, "on");
});

test("a connection that comes back at once is not told of; one that hangs is, within two seconds", async () => {
  const browser = new FakeBrowser(0);
  browser.stream.start();
  await browser.pass(100);
  browser.events[0]!.speak();
  await browser.pass(6_000);
  browser.events[0]!.onerror();
  await browser.pass(500);
  browser.events[1]!.speak();
  assert.deepEqual([...new Set(browser.states)], ["on"]);
  await browser.pass(6_000);
  browser.fire("offline");
  await browser.pass(2_000);
  assert.equal(browser.state, "off");
});

test("a fourth tab takes a websocket, and polls when that does not work", async () => {
  const browser = new FakeBrowser(3);
  browser.stream.start();
  await browser.pass(100);
  assert.deepEqual([browser.events.length, browser.sockets.length], [0, 1]);
  browser.sockets[0]!.onclose();
  await browser.pass(3_000);
  browser.sockets[1]!.onclose();
  await browser.pass(100);
  assert.deepEqual([browser.events.length, browser.polls.length], [0, 1]);
});

test("where tabs cannot be counted, the websocket comes first", async () => {
  const browser = new FakeBrowser(null);
  browser.stream.start();
  await browser.pass(100);
  assert.deepEqual([browser.events.length, browser.sockets.length], [0, 1]);
  browser.sockets[0]!.onclose();
  await browser.pass(3_000);
  assert.deepEqual([browser.events.length, browser.sockets.length], [1, 1]);
});

test("where events were held back, the next page begins with a websocket", async () => {
  const stored = new Map<string, string>();
  const first = new FakeBrowser(0, stored);
  first.stream.start();
  await first.pass(10_100);
  first.sockets[0]!.speak();
  assert.equal(first.state, "on");
  const next = new FakeBrowser(0, stored);
  next.stream.start();
  await next.pass(100);
  next.sockets[0]!.speak();
  assert.deepEqual([next.events.length, next.state], [0, "on"]);
});

/** What a poll brings that found nothing new. */
const nothing = 'event: keepalive\ndata: {"kind":"keepalive"}\n\n:\n\n';

/** A browser whose network holds events back and refuses websockets, at its first poll. */
async function polling(stored = new Map<string, string>()): Promise<FakeBrowser> {
  const browser = new FakeBrowser(0, stored);
  browser.stream.start();
  await browser.pass(10_100);
  browser.sockets[0]!.onclose();
  await browser.pass(3_000);
  browser.sockets[1]!.onclose();
  await browser.pass(100);
  assert.deepEqual([browser.events.length, browser.sockets.length, browser.polls.length], [1, 2, 1]);
  return browser;
}

test("where events are held back and websockets refused, the page polls, and the next page begins with that", async () => {
  const stored = new Map<string, string>();
  const first = await polling(stored);
  first.polls[0]!.answer(nothing);
  await first.pass(14_000);
  assert.deepEqual([first.states, first.polls.length], [["connecting", "on"], 1]);
  await first.pass(1_500);
  assert.equal(first.polls.length, 2);
  first.polls[1]!.answer(nothing);
  await first.pass(100);
  assert.deepEqual(first.states, ["connecting", "on"], "between two polls it is the same connection");
  const next = new FakeBrowser(0, stored);
  next.stream.start();
  await next.pass(100);
  assert.deepEqual([next.events.length, next.sockets.length, next.polls.length], [0, 0, 1]);
});

test("what is asked for goes with the next poll, at once", async () => {
  const browser = await polling();
  assert.ok(browser.stream.asks({ id: 1, view_id: 1 }), "while a poll is under way");
  browser.polls[0]!.answer(nothing);
  await browser.pass(100);
  assert.equal(browser.polls.length, 2);
  assert.equal(browser.polls[1]!.asked, '{"id":1,"view_id":1}');
  browser.polls[1]!.fail();
  while (browser.polls.length === 2) await browser.pass(500);
  assert.equal(browser.polls[2]!.asked, '{"id":1,"view_id":1}', "it had no answer");
  browser.polls[2]!.answer(nothing);
  await browser.pass(100);
  assert.ok(browser.stream.asks({ id: 2, view_id: 1 }), "between two polls");
  await browser.pass(100);
  assert.deepEqual(
    browser.polls.slice(3).map(({ asked }) => asked),
    ['{"id":2,"view_id":1}'],
  );
});

test("a page that polls tries the other kinds again after ten minutes", async () => {
  const browser = await polling();
  const begun = browser.now;
  while (browser.events.length === 1) {
    browser.polls.at(-1)!.answer(nothing);
    await browser.pass(15_100);
  }
  assert.ok(browser.now - begun > 600_000 && browser.now - begun < 640_000);
  browser.events[1]!.speak();
  assert.equal(browser.stream.asks({ id: 3, view_id: 1 }), false, "a stream takes calls");
});

test("where a network refuses all three kinds, the page says that it isn't connected", async () => {
  const browser = await polling();
  for (let n = 0; n < 2; n++) {
    while (browser.polls.length === n) await browser.pass(500);
    browser.polls[n]!.answer("<h1>Log in to the network</h1>");
    await browser.pass(100);
  }
  assert.equal(browser.state, "off");
  while (browser.events.length === 1) await browser.pass(500); // it begins from the start
});

test("where events are refused, the page takes a websocket; where that is refused too, it polls", async () => {
  const browser = new FakeBrowser(0);
  browser.stream.start();
  while (browser.polls.length === 0) {
    for (const wire of [...browser.events, ...browser.sockets].filter(({ closed }) => !closed)) {
      wire.closed = true;
      wire.onerror();
      wire.onclose();
    }
    await browser.pass(500);
  }
  assert.deepEqual([browser.events.length, browser.sockets.length], [2, 2]);
});
