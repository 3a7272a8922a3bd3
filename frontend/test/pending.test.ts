// WEBMAIL-124: actions that are shown before they are done.

import assert from "node:assert/strict";
import test from "node:test";
import { type Action, Pending } from "../webmail/data/pending";
import { dice, item } from "./mail";

const ids = (items: readonly { id: number }[]) => items.map((one) => one.id);

function gate(): { call: () => Promise<void>; open: () => void; fail: () => void } {
  let open = () => {};
  let fail = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = () => reject(new Error("no"));
  });
  return { call: () => promise, open: () => open(), fail: () => fail() };
}

test("an action is shown at once, and taken back when it fails", async () => {
  let drawn = 0;
  const pending = new Pending(() => drawn++);
  const items = [item(3), item(2), item(1)];
  const door = gate();
  const done = pending.do({ shown: { remove: { ids: new Set([2]) } }, call: door.call });
  assert.deepEqual(ids(pending.show(items, 1, false)), [3, 1]);
  assert.ok(pending.leaving(2));
  door.fail();
  await done.then(
    () => assert.ok(false),
    () => {},
  );
  assert.deepEqual(ids(pending.show(items, 1, false)), [3, 2, 1]);
  assert.equal(drawn, 2);
});

test("calls are made one after the other, also behind one that failed", async () => {
  const order: string[] = [];
  const pending = new Pending(() => {});
  const first = gate();
  const one = pending.do({
    shown: {},
    call: async () => {
      order.push("one");
      return first.call();
    },
  });
  const two = pending.do({ shown: {}, call: async () => void order.push("two") });
  await Promise.resolve();
  first.fail();
  await one.catch(() => {});
  assert.deepEqual(order.slice(0, 1), ["one"]);
  await two;
  assert.deepEqual(order, ["one", "two"]);
});

test("what is done stays shown until the stream has told it", async () => {
  const pending = new Pending(() => {});
  const items = [item(2), item(1)];
  await pending.do({
    shown: { flags: { ids: new Set([1]), add: ["\\seen", "receipts"], clear: [] } },
    call: async () => {},
  });
  const shown = pending.show(items, 1, false);
  assert.deepEqual([shown[1]!.flags, shown[1]!.keywords], [["\\seen"], ["receipts"]]);
  assert.ok(shown[0] === items[0], "what is not changed is the same object");
  assert.ok(pending.show(items, 1, false)[1] === shown[1], "and what is changed is made once");
  pending.settle(items, 1);
  assert.equal(pending["entries"].length, 1);
  pending.settle([items[0]!, { ...items[1]!, flags: ["\\seen"], keywords: ["receipts"] }], 1);
  assert.equal(pending["entries"].length, 0);
});

test("a flag that was taken back and set again is shown as set", async () => {
  const pending = new Pending(() => {});
  const flags = (add: string[], clear: string[]) => ({ flags: { ids: new Set([1]), add, clear } });
  await pending.do({ shown: flags([], ["\\seen"]), call: async () => {} });
  await pending.do({ shown: flags(["\\seen"], []), call: async () => {} });
  const server = [{ ...item(1), flags: ["\\seen"] }];
  assert.deepEqual(pending.show(server, 1, false)[0]!.flags, ["\\seen"]);
  pending.settle(server, 1);
  assert.deepEqual(pending.show(server, 1, false)[0]!.flags, ["\\seen"]);
  assert.equal(pending["entries"].length, 0);
});

test("an undone move comes back to its place before the server says so", async () => {
  const pending = new Pending(() => {});
  const items = [item(3), item(2), item(1)];
  await pending.do({ shown: { remove: { ids: new Set([2]) } }, call: async () => {} });
  await pending.do({ shown: { add: { mailboxId: 1, items: [item(2)] } }, call: async () => {} });
  assert.deepEqual(ids(pending.show(items, 1, false)), [3, 2, 1]);
  assert.deepEqual(ids(pending.show([item(3), item(1)], 1, false)), [3, 2, 1]);
  assert.deepEqual(ids(pending.show([item(9)], 7, false)), [9]);
});

test("a moved message is shown in its new mailbox, also when it is moved on", async () => {
  const pending = new Pending(() => {});
  const moved = (mailbox_id: number) => ({ ...item(2), mailbox_id });
  await pending.do({ shown: { remove: { ids: new Set([2]), to: 7 } }, call: async () => {} });
  assert.deepEqual(ids(pending.show([item(3), item(2)], 1, false)), [3]);
  assert.deepEqual(ids(pending.show([moved(7)], 7, false)), [2]);
  await pending.do({ shown: { remove: { ids: new Set([2]), to: 1 } }, call: async () => {} });
  assert.deepEqual(ids(pending.show([moved(7)], 7, false)), []);
  assert.deepEqual(ids(pending.show([item(3), moved(1)], 1, false)), [3, 2]);
  pending.settle([item(3), moved(1)], 1);
  assert.equal(pending["entries"].length, 0);
});

for (const seed of [1, 2, 3, 4]) {
  test(`any actions and failures end in what the server has, seed ${seed}`, async () => {
    const random = dice(seed);
    const pending = new Pending(() => {});
    let server = Array.from({ length: 50 }, (_, n) => item(50 - n));
    const running: Promise<unknown>[] = [];
    for (let step = 0; step < 100; step++) {
      const shown = pending.show(server, 1, false);
      const target = shown[random(shown.length)];
      if (target === undefined) break;
      const fails = random(4) === 0;
      const remove = random(3) > 0;
      const flag = ["\\seen", "\\flagged"][random(2)]!;
      const action: Action = remove
        ? {
            shown: { remove: { ids: new Set([target.id]) } },
            call: async () => act(() => (server = server.filter((one) => one.id !== target.id))),
          }
        : {
            shown: { flags: { ids: new Set([target.id]), add: [flag], clear: [] } },
            call: async () =>
              act(
                () =>
                  (server = server.map((one) =>
                    one.id === target.id ? { ...one, flags: [...new Set([...one.flags, flag])] } : one,
                  )),
              ),
          };
      const act = (work: () => void) => {
        if (fails) throw new Error("no");
        work();
      };
      running.push(pending.do(action).catch(() => {}));
      if (random(3) === 0) await Promise.resolve();
    }
    await Promise.all(running);
    pending.settle(server, 1);
    assert.equal(pending["entries"].length, 0);
    assert.deepEqual(pending.show(server, 1, false), server);
  });
}
