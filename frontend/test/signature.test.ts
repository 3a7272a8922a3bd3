// WEBMAIL-92, WEBMAIL-105: signatures and quotes.

import assert from "node:assert/strict";
import test from "node:test";
import { begin, exchange, signatureOf } from "../webmail/words/signature";

test("an address has its own signature, else the common one", () => {
  const settings = { signature: "Mia", signatures: [{ address: "b@x.example", text: "Mia, B\n" }] };
  assert.equal(signatureOf(settings, "a@x.example"), "-- \nMia");
  assert.equal(signatureOf(settings, "b@x.example"), "-- \nMia, B");
  assert.equal(signatureOf({ signature: " ", signatures: [] }, "a@x.example"), "");
});

test("the cursor is above or below the quote", () => {
  assert.deepEqual(begin("", "-- \nMia", false), { text: "\n\n-- \nMia", cursor: 0 });
  assert.deepEqual(begin("", "", false), { text: "", cursor: 0 });
  assert.deepEqual(begin("> x\n", "-- \nMia", false), { text: "\n\n-- \nMia\n\n> x\n", cursor: 0 });
  assert.deepEqual(begin("> x\n", "", false), { text: "\n\n> x\n", cursor: 0 });
  const below = begin("> x\n", "-- \nMia", true);
  assert.equal(below.text, "> x\n\n\n\n-- \nMia");
  assert.equal(below.text.slice(0, below.cursor), "> x\n\n");
});

test("a signature that was not touched goes with the address", () => {
  assert.equal(exchange("Hi\n\n-- \nMia\n\n> x\n", "-- \nMia", "-- \nBoss"), "Hi\n\n-- \nBoss\n\n> x\n");
  assert.equal(exchange("Hi\n\n-- \nMia and Tom", "-- \nMia", "-- \nBoss"), "Hi\n\n-- \nMia and Tom");
  assert.equal(exchange("Hi\n\n-- \nMia", "-- \nMia", ""), "Hi");
  assert.equal(exchange("Hi", "", "-- \nMia"), "Hi\n\n-- \nMia");
  assert.equal(exchange("Hi\n\n> -- \n> Mia", "", "-- \nMia"), "Hi\n\n> -- \n> Mia");
});
