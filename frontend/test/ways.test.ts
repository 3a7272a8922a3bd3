// WEBMAIL-95: when TLS all the way is demanded without being asked to.

import assert from "node:assert/strict";
import test from "node:test";
import type { Security } from "../gen/webmail";
import { canRequire, Ways } from "../webmail/compose/ways";

const way = (fields: Partial<Security>): Security => ({
  starttls: "yes",
  requiretls: "yes",
  mtasts: "no",
  dnssec: "no",
  dane: "no",
  ...fields,
});

test("each recipient must offer it, and be verified by a policy or by DANE", () => {
  assert.ok(canRequire([way({ dane: "yes" }), way({ mtasts: "yes" })]));
  assert.ok(!canRequire([way({ dane: "yes" }), way({})]));
  assert.ok(!canRequire([way({ dane: "yes", requiretls: "" })]));
  assert.ok(!canRequire([way({ dane: "error", mtasts: "error" })]));
  assert.ok(!canRequire([way({ dane: "yes" }), null]));
  assert.ok(!canRequire([]));
});

test("a domain is asked about once, and again when that failed", async () => {
  const asked: string[] = [];
  const client = {
    recipient_security: (address: string) => {
      asked.push(address);
      return asked.length === 1 ? Promise.reject(new Error("no line")) : Promise.resolve(way({}));
    },
  };
  const ways = new Ways(client as never);
  const failed = await ways.ask("a@x.example").then(
    () => false,
    () => true,
  );
  assert.ok(failed);
  await ways.ask("b@X.example");
  await ways.ask("c@x.example");
  assert.deepEqual(asked, ["a@x.example", "b@X.example"]);
});
