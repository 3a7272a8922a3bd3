// WEBMAIL-122, WEBMAIL-122a: the handlers of the service worker, in a scope that notes what they do.

import assert from "node:assert/strict";
import test from "node:test";
import { clicked, pushed } from "../webmail/worker/notices";
import type { Clicked, NoticeOptions, OpenPage, Pushed, Scope } from "../webmail/worker/scope";

const base = "https://mail.example/webmail/";

/** What handlers do, in their order; `refuses`: the open page was loaded before the worker; `late`: the browser opens no page any
 * more. */
class FakeScope implements Scope {
  readonly done: unknown[][] = [];
  readonly registration = {
    scope: base,
    showNotification: async (title: string, options: NoticeOptions) => {
      this.done.push(["show", title, options]);
    },
    pushManager: {
      subscribe: async () => {
        throw new DOMException("no push service", "AbortError");
      },
    },
  };
  readonly clients;

  constructor(open: boolean, refuses = false, late = false, at = base) {
    const page: OpenPage = {
      url: `${at}#Sent,3`,
      focus: async () => this.done.push(["focus"]),
      navigate: async (url) => {
        if (refuses) throw new TypeError();
        this.done.push(["navigate", url]);
      },
    };
    this.clients = {
      matchAll: async () => (open ? [page] : []),
      openWindow: async (url: string) => {
        if (late) throw new DOMException("too long after the click", "InvalidAccessError");
        this.done.push(["open", url]);
      },
    };
  }
}

async function push(json: () => unknown): Promise<unknown[]> {
  const scope = new FakeScope(false);
  let waiting: Promise<unknown> | null = null;
  const event = {
    data: { json },
    waitUntil: (done: Promise<unknown>) => {
      waiting = done;
    },
  } as unknown as Pushed;
  pushed(scope, event);
  assert.ok(waiting);
  await waiting;
  assert.equal(scope.done.length, 1);
  return scope.done[0]!;
}

test("a push shows who wrote", async () => {
  const shown = (title: string, body: string, data: number) => [
    "show",
    title,
    { body, tag: `mail-${data}`, data, actions: [] },
  ];
  assert.deepEqual(await push(() => ({ sender: "Ada", id: 7 })), shown("Ada", "New message", 7));
  assert.deepEqual(await push(() => ({ sender: "Ada", id: 7, more: 2 })), shown("Ada", "New message and 2 more", 7));
  assert.deepEqual(
    await push(() => ({ test: true })),
    shown("Notifications are working", "Notifications turned on for this device", 0),
  );
});

test("a push that cannot be read shows a notice as well", async () => {
  const plain = ["show", "New mail", { body: "New message", tag: "mail-0", data: 0, actions: [] }];
  const odd: (() => unknown)[] = [
    () => JSON.parse("{"),
    () => null,
    () => [],
    () => "text",
    () => ({ sender: 5, id: "x", more: {} }),
    ...[-1, 1.5, Infinity, 2 ** 53, [7], { valueOf: () => 7 }].map((id) => () => ({ id })),
  ];
  for (const json of odd) assert.deepEqual(await push(json), plain);
});

async function pushes(notice: unknown): Promise<unknown[][]> {
  const scope = new FakeScope(false);
  let waiting: Promise<unknown> = Promise.resolve();
  const event = { data: { json: () => notice }, waitUntil: (done: Promise<unknown>) => (waiting = done) };
  pushed(scope, event as unknown as Pushed);
  await waiting;
  return scope.done;
}

test("DAV-50: alarms show title, time and place, each in a notice of its own", async () => {
  const start = new Date();
  start.setHours(start.getHours() + 1, 30, 0, 0);
  const digits = [start.getFullYear(), start.getMonth() + 1, start.getDate()];
  const day = digits.map((one) => String(one).padStart(2, "0"));
  const time = start.toLocaleString(undefined, { hour: "numeric", minute: "2-digit" });
  const alarms = [
    { id: 7, title: "Crew meeting", place: "Pier 3", at: start.getTime() },
    { id: 8, title: "", day: "2026-12-24" },
    { id: 9, title: "Water the plants" },
    null,
    "x",
  ];
  const whole = new Date("2026-12-24T00:00").toLocaleDateString(undefined, {
    weekday: "long",
    day: "numeric",
    month: "long",
  });
  const shown = (title: string, body: string, id: number, place: string) => [
    "show",
    title,
    { body, tag: `alarm-${id}`, data: `#calendar:day,${place}`, actions: [] },
  ];
  const done = await pushes({ alarms });
  assert.deepEqual(done.slice(0, 2), [
    shown("Crew meeting", `${time} · Pier 3`, 7, day.join("")),
    shown("(no title)", whole, 8, "20261224"),
  ]);
  assert.deepEqual([done.length, done[2]![1]], [3, "Water the plants"]);
  const both = await pushes({ alarms, sender: "Ada", id: 7 });
  assert.deepEqual([both.length, both[3]![1]], [4, "Ada"]);
  for (const odd of [{ alarms: 5 }, { alarms: [] }, { alarms: [null] }])
    assert.deepEqual((await pushes(odd))[0]![1], "New mail");
});

test("DAV-50: a click on an alarm shows its day", async () => {
  const day = "#calendar:day,20261224";
  assert.deepEqual(await click(new FakeScope(false), day), [["close"], ["open", base + day]]);
  assert.deepEqual(await click(new FakeScope(true), day), [["close"], ["focus"], ["navigate", base + day]]);
});

async function click(scope: FakeScope, data: unknown, action = ""): Promise<unknown[][]> {
  let waiting: Promise<unknown> = Promise.resolve();
  const event = {
    action,
    notification: {
      close: () => scope.done.push(["close"]),
      title: "Ada",
      body: "New message",
      tag: "",
      data,
      actions: [],
    },
    waitUntil: (done: Promise<unknown>) => {
      waiting = done;
    },
  } as unknown as Clicked;
  clicked(scope, event);
  await waiting;
  return scope.done;
}

test("a click shows the message", async () => {
  assert.deepEqual(await click(new FakeScope(false), 7), [["close"], ["open", `${base}#Inbox,7`]]);
  assert.deepEqual(await click(new FakeScope(true), 7), [["close"], ["focus"], ["navigate", `${base}#Inbox,7`]]);
  assert.deepEqual(await click(new FakeScope(true, true), 7), [["close"], ["focus"]]);
  for (const data of [0, null, undefined, "https://evil.example/", -1])
    assert.deepEqual(await click(new FakeScope(false), data), [["close"], ["open", base]]);
});

/** The browser's kept facts and its network, while `run` is done; returns the calls that were made. */
async function online(answer: () => Promise<Response>, run: () => Promise<void>): Promise<unknown[][]> {
  const facts = { csrf: "token", words: { one: "Neue Nachricht", more: "Neue Nachricht und {n} weitere" } };
  const calls: unknown[][] = [];
  const before = { caches: globalThis.caches, fetch: globalThis.fetch };
  Object.assign(globalThis, {
    caches: { has: async () => true, open: async () => ({ match: async () => new Response(JSON.stringify(facts)) }) },
    fetch: (url: string, { method, headers, body, redirect }: RequestInit) => {
      calls.push([url, method, headers, body, redirect]);
      return answer();
    },
  });
  try {
    await run();
  } finally {
    Object.assign(globalThis, before);
  }
  return calls;
}

const done = async () => new Response('{"result":null}');
const archiveCall = [
  "/api/notice_archive",
  "POST",
  { "content-type": "application/json", "x-moxlite-csrf": "token" },
  '{"message_id":7}',
  "error",
];

test("a notice of one message can archive it; one of several, and a test, cannot", async () => {
  const actionsOf = async (notice: unknown) => ((await push(() => notice))[2] as NoticeOptions).actions;
  await online(done, async () => {
    assert.deepEqual(await actionsOf({ sender: "Ada", id: 7 }), [{ action: "archive", title: "Archive" }]);
    for (const other of [
      { sender: "Ada", id: 7, more: 1 },
      { sender: "Ada", id: -7 },
      { sender: "Ada" },
      { test: true },
    ])
      assert.deepEqual(await actionsOf(other), []);
  });
  // without kept facts there is no token
  assert.deepEqual(await actionsOf({ sender: "Ada", id: 7 }), []);
});

test("an archived message closes its notice, and opens nothing", async () => {
  for (const open of [false, true]) {
    const scope = new FakeScope(open);
    const calls = await online(done, async () => void (await click(scope, 7, "archive")));
    assert.deepEqual(calls, [archiveCall]);
    assert.deepEqual(scope.done, [["close"]]);
  }
});

test("a message that was not archived is shown", async () => {
  const failures: (() => Promise<Response>)[] = [
    async () => new Response('{"error":{"code":"user:noAuth","message":""}}', { status: 401 }),
    async () => new Response("", { status: 502 }),
    async () => new Response("<h1>Welcome to the train</h1>"),
    async () => new Response("null"),
    async () => {
      throw new TypeError("unreachable, or a redirect");
    },
    async () => {
      throw new DOMException("too slow", "TimeoutError");
    },
  ];
  for (const failure of failures) {
    const scope = new FakeScope(false);
    await online(failure, async () => void (await click(scope, 7, "archive")));
    assert.deepEqual(scope.done, [["open", `${base}#Inbox,7`], ["close"]]);
  }
});

test("a notice whose message could neither be archived nor shown stays", async () => {
  const scope = new FakeScope(false, false, true);
  await online(
    async () => new Response("", { status: 401 }),
    async () => void (await click(scope, 7, "archive")),
  );
  assert.deepEqual(scope.done, [["show", "Ada", { body: "New message", tag: "", data: 7, actions: [] }]]);
});

test("an unknown action, and the action of a notice without a message, are clicks", async () => {
  const calls = await online(done, async () => {
    assert.deepEqual(await click(new FakeScope(false), 7, "delete"), [["close"], ["open", `${base}#Inbox,7`]]);
    for (const data of [0, null, "7", 2 ** 53])
      assert.deepEqual(await click(new FakeScope(false), data, "archive"), [["close"], ["open", base]]);
  });
  assert.deepEqual(calls, []);
});

test("WEBMAIL-179: a click never uses a page of another account, nor of another app", async () => {
  for (const at of [`${base}u/1/`, "https://mail.example/"])
    assert.deepEqual(await click(new FakeScope(true, false, false, at), 7), [["close"], ["open", `${base}#Inbox,7`]]);
});
