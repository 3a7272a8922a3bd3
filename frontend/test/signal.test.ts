// WEBMAIL-57: signals.

import assert from "node:assert/strict";
import test from "node:test";
import { computed, effect, settle, signal, untracked } from "../lib/signal";

test("an effect runs once per batch, with the last values", () => {
  const a = signal(1);
  const b = signal(2);
  const seen: number[] = [];
  effect(() => void seen.push(a.value + b.value));
  a.value = 10;
  b.value = 20;
  settle();
  assert.deepEqual(seen, [3, 30]);
});

test("a microtask runs effects by itself", async () => {
  const a = signal(1);
  const seen: number[] = [];
  effect(() => void seen.push(a.value));
  a.value = 2;
  await Promise.resolve();
  assert.deepEqual(seen, [1, 2]);
});

test("a computed value that stays the same tells nothing", () => {
  const n = signal(1);
  let made = 0;
  const odd = computed(() => {
    made++;
    return n.value % 2 === 1;
  });
  const seen: boolean[] = [];
  effect(() => void seen.push(odd.value));
  n.value = 3;
  settle();
  n.value = 4;
  settle();
  assert.deepEqual(seen, [true, false]);
  assert.equal(made, 3);
});

test("a diamond of computed values is consistent and made once", () => {
  const n = signal(1);
  let made = 0;
  const double = computed(() => n.value * 2);
  const triple = computed(() => n.value * 3);
  const sum = computed(() => {
    made++;
    return double.value + triple.value;
  });
  const seen: number[] = [];
  effect(() => void seen.push(sum.value));
  n.value = 2;
  settle();
  assert.deepEqual(seen, [5, 10]);
  assert.equal(made, 2);
});

test("what is read may change from run to run", () => {
  const which = signal(true);
  const a = signal(1);
  const b = signal(2);
  let runs = 0;
  effect(() => {
    runs++;
    void (which.value ? a.value : b.value);
  });
  b.value = 3;
  settle();
  assert.equal(runs, 1);
  which.value = false;
  settle();
  a.value = 5;
  settle();
  assert.equal(runs, 2);
  b.value = 4;
  settle();
  assert.equal(runs, 3);
});

test("an untracked value is not followed", () => {
  const a = signal(1);
  const b = signal(1);
  let runs = 0;
  effect(() => {
    runs++;
    untracked(() => b.value);
    void a.value;
  });
  b.value = 2;
  settle();
  assert.equal(runs, 1);
  a.value = 2;
  settle();
  assert.equal(runs, 2);
});
