// WEBMAIL-89, WEBMAIL-97: names and addresses as they are typed.

import assert from "node:assert/strict";
import test from "node:test";
import { formatParty, looksRight, parseParties, speaksOfFiles } from "../webmail/compose/parties";

test("a pasted list is split outside of quotes and brackets", () => {
  assert.deepEqual(parseParties('"Doe, Jane" <jane@x.example>, tom@x.example; <a@b.example>\nb@c.example,,'), [
    { name: "Doe, Jane", address: "jane@x.example" },
    { name: "", address: "tom@x.example" },
    { name: "", address: "a@b.example" },
    { name: "", address: "b@c.example" },
  ]);
});

test("what is formatted is parsed as it was", () => {
  for (const name of ["", "Zoë", 'a "b" c', "a, b", "back\\slash"]) {
    const party = { name, address: "x@y.example" };
    assert.deepEqual(parseParties(formatParty(party)), [party]);
  }
});

test("addresses look right or wrong", () => {
  for (const address of ["a@b", "büro@x.example", '"a b"@x.example']) assert.ok(looksRight(address), address);
  for (const address of ["a", "@b", "a@", "a b@c", "a@b c", "a@b..c"]) assert.ok(!looksRight(address), address);
});

test("quotes and signatures do not speak of files", () => {
  assert.ok(speaksOfFiles("The plan is attached."));
  assert.ok(speaksOfFiles("Im Anhang der Plan"));
  assert.ok(!speaksOfFiles("> see the attachment\nYes\n-- \nattached"));
});

test("the time is linear in the length of a text", () => {
  const begun = performance.now();
  parseParties(`<${" ".repeat(200_000)}a`);
  parseParties("<".repeat(200_000));
  assert.ok(performance.now() - begun < 2_000);
});
