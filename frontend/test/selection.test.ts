// WEBMAIL-69, WEBMAIL-137: selections over a query.

import assert from "node:assert/strict";
import test from "node:test";
import { Selection } from "../webmail/data/selection";
import { item } from "./mail";

const at = (id: number) => ({ received: item(id).received, id });

test("all but three", () => {
  let all = Selection.all;
  for (const id of [5, 6, 7]) all = all.toggled(item(id), false);
  assert.equal(all.count(100_000), 99_997);
  assert.ok(!all.has(item(6), false));
  assert.ok(all.has(item(8), false));
  assert.equal(all.toggled(item(6), false).count(100_000), 99_998);
});

test("a stretch that is not loaded, without one of it, and with one beside it", () => {
  const stretch = { first: at(900), last: at(100), count: 801 };
  const chosen = Selection.of([at(500), at(950)])
    .plusStretch(stretch, false)
    .toggled(item(300), false);
  assert.equal(chosen.count(1000), 801);
  assert.ok(chosen.has(item(500), false));
  assert.ok(chosen.has(item(950), false));
  assert.ok(!chosen.has(item(300), false));
  assert.ok(!chosen.has(item(99), false));
  assert.equal(chosen.plus([item(300)], false).count(1000), 802);
});

test("what leaves the view leaves the selection", () => {
  const stretch = { first: at(20), last: at(11), count: 10 };
  const chosen = Selection.of([at(1), at(2)]).plusStretch(stretch, false);
  const after = chosen.without([item(15), item(2), item(30)], false);
  assert.equal(after.count(1000), 10);
  assert.deepEqual([...after.ids.keys()], [1]);
});

test("oldest first, a stretch goes the other way", () => {
  const chosen = Selection.none.plusStretch({ first: at(10), last: at(20), count: 11 }, true);
  assert.ok(chosen.has(item(15), true));
  assert.ok(!chosen.has(item(21), true));
});
