// WEB-66: classes of folders in words.

import assert from "node:assert/strict";
import test from "node:test";
import "./fakedom";
import { conditionsOf, patternOf } from "../account/junk/folders";

test("patterns that conditions can say are conditions", () => {
  assert.deepEqual(conditionsOf(""), []);
  assert.deepEqual(conditionsOf("^(junk|spam)"), [
    ["begins", "junk"],
    ["begins", "spam"],
  ]);
  assert.deepEqual(conditionsOf("^a\\.b$|news$|list/"), [
    ["is", "a.b"],
    ["ends", "news"],
    ["contains", "list/"],
  ]);
});

test("others stay patterns", () => {
  for (const pattern of ["ju.k", "^(a|(b))", "a|", "|", "[ab]", "^", "\\d", "(?i)a", "^(a)|b", "a{2}", "^(a|^b)"])
    assert.equal(conditionsOf(pattern), null, pattern);
});

test("what was written is read back, whatever signs a name has", () => {
  const tests = ["contains", "is", "begins", "ends"] as const;
  for (const name of ["junk", "a|b", "x.y", "(z)", "\\", "^a$", "a\\|b", "[1]", "ünter-post", "a b"])
    for (const one of tests) {
      assert.deepEqual(conditionsOf(patternOf([[one, name]])), [[one, name]], `${one} ${name}`);
      const two = [
        [one, name],
        ["is", "other"],
      ] as const;
      assert.deepEqual(conditionsOf(patternOf(two)), two);
      const found = new RegExp(patternOf([[one, name]]));
      assert.ok(found.test(name));
      assert.equal(found.test(`x${name}x`), one === "contains", name);
    }
  assert.equal(
    patternOf([
      ["is", "Junk"],
      ["is", ""],
    ]),
    "^junk$",
  );
});
