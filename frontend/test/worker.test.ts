// WEBMAIL-122: the handlers of the service worker, in a scope that notes what they do.

import assert from "node:assert/strict";
import test from "node:test";
import { clicked, pushed } from "../webmail/worker/notices";
import type { Clicked, OpenPage, Pushed, Scope } from "../webmail/worker/scope";

const base = "https://mail.example/webmail/";

/** What handlers do, in their order; `refuses`: the open page was loaded before the worker. */
class FakeScope implements Scope {
  readonly done: unknown[][] = [];
  readonly registration = {
    scope: base,
    showNotification: async (title: string, options?: NotificationOptions) => {
      this.done.push(["show", title, options]);
    },
    pushManager: {
      subscribe: async () => {
        throw new DOMException("no push service", "AbortError");
      },
    },
  };
  readonly clients;

  constructor(open: boolean, refuses = false) {
    const page: OpenPage = {
      focus: async () => this.done.push(["focus"]),
      navigate: async (url) => {
        if (refuses) throw new TypeError();
        this.done.push(["navigate", url]);
      },
    };
    this.clients = {
      matchAll: async () => (open ? [page] : []),
      openWindow: async (url: string) => this.done.push(["open", url]),
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
  const shown = (title: string, body: string, data: number) => ["show", title, { body, tag: `mail-${data}`, data }];
  assert.deepEqual(await push(() => ({ sender: "Ada", id: 7 })), shown("Ada", "New message", 7));
  assert.deepEqual(await push(() => ({ sender: "Ada", id: 7, more: 2 })), shown("Ada", "New message, and 2 more", 7));
  assert.deepEqual(await push(() => ({ test: true })), shown("Notices work", "This device is told of new mail.", 0));
});

test("a push that cannot be read shows a notice as well", async () => {
  const plain = ["show", "New mail", { body: "New message", tag: "mail-0", data: 0 }];
  const odd: (() => unknown)[] = [
    () => JSON.parse("{"),
    () => null,
    () => [],
    () => "text",
    () => ({ sender: 5, id: "x", more: {} }),
  ];
  for (const json of odd) assert.deepEqual(await push(json), plain);
});

async function click(scope: FakeScope, data: unknown): Promise<unknown[][]> {
  let waiting: Promise<unknown> = Promise.resolve();
  const event = {
    notification: { close: () => scope.done.push(["close"]), data },
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
