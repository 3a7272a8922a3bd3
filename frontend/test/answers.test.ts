// WEBMAIL-121: an answer that begins without a connection has the author that the server told with the message.

import assert from "node:assert/strict";
import test from "node:test";
import type { Address, Answering, Begun, ParsedMessage } from "../gen/webmail";
import { beginAnswer } from "../webmail/offline/answers";
import { item } from "./mail";

const at = (address: string, name = ""): Address => {
  const [user = "", host = ""] = address.split("@");
  return { name, user, host };
};
const begun: Begun = {
  from: { name: "Mia M", address: "mia@example.org" },
  to: [],
  cc: [],
  bcc: [],
  reply_to: [],
  subject: "",
  text: "",
  html: "",
  original: "",
  message_id: "<new@example.org>",
  in_reply_to: "",
  references: [],
  uploads: [],
  notes: [],
  name: "Mia M",
  senders: [],
  ask_read: false,
  ask_delivered: false,
  tls: "default",
};

function answer(answering: Answering, fields: object): Begun {
  const parsed = { id: 1, headers: [], texts: [], has_html: false, attachments: [], list_reply_address: "", answering };
  const message = { ...item(1), from: [at("ann@remote.example", "Ann")], ...fields };
  return beginAnswer({
    kind: "reply_all",
    item: message,
    parsed: parsed as unknown as ParsedMessage,
    begun,
    selected: "",
    when: "",
  });
}

const addresses = (found: Begun) => [...found.to, ...found.cc].map((one) => one.address);

test("the author is the address that the server names, and all own addresses are left out", () => {
  const found = answer(
    { from: at("Mia+x@example.org"), own: [at("Mia+x@example.org"), at("shop@caught.example")], own_mail: false },
    {
      to: [at("mia+X@example.org"), at("bob@remote.example")],
      cc: [at("shop@caught.example"), at("desk@example.org")],
    },
  );
  assert.deepEqual(found.from, { name: "Mia M", address: "Mia+x@example.org" });
  assert.deepEqual(addresses(found), ["ann@remote.example", "bob@remote.example", "desk@example.org"]);
});

test("an alias and a blind copy are authors that the message's row does not tell", () => {
  const found = answer({ from: at("desk@example.org"), own: [], own_mail: false }, { to: [at("bob@remote.example")] });
  assert.equal(found.from.address, "desk@example.org");
  assert.deepEqual(addresses(found), ["ann@remote.example", "bob@remote.example"]);
});

test("own mail that was written as an alias goes to its recipients again", () => {
  const fields = { from: [at("desk@example.org")], to: [at("bob@remote.example")] };
  assert.deepEqual(addresses(answer({ from: at("desk@example.org"), own: [], own_mail: true }, fields)), [
    "bob@remote.example",
  ]);
});
