// WEBMAIL-69: an action on a selection.

import assert from "node:assert/strict";
import test from "node:test";
import type { Client } from "../gen/webmail";
import type { Action } from "../webmail/data/pending";
import { Actions } from "../webmail/state/actions";
import type { Mail } from "../webmail/state/mail";
import { item } from "./mail";

test("a flag is set on all that are chosen, also on those that look as if they had it", () => {
  // without an end of the actions nothing is reported: there is no page
  Object.assign(globalThis, { setTimeout: () => 0 });
  const told: unknown[] = [];
  const client = { flags_add: async (ids: number[], flags: string[]) => void told.push([ids, flags]) };
  const pending = {
    do(action: Action) {
      void action.call();
      return new Promise(() => {});
    },
  };
  const actions = new Actions(client as unknown as Client, { pending } as unknown as Mail, () => {});
  const seen = { ...item(2), flags: ["\\seen"] };
  const named = { doing: () => "", done: () => "" };
  actions.flagItems([item(3), seen], ["\\seen"], true, named);
  actions.flagItems([seen], ["\\seen"], true, named);
  assert.deepEqual(told, [[[3, 2], ["\\seen"]]]);
});
