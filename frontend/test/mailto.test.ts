// WEBMAIL-119: what a mailto: address may fill in.

import assert from "node:assert/strict";
import test from "node:test";
import { parseMailto } from "../webmail/compose/mailto";

const one = (address: string) => ({ name: "", address });

test("the fields of RFC 6068", () => {
  assert.deepEqual(
    parseMailto(
      "mailto:ada@x.example,tom@x.example?cc=a%2Bb@y.example&Subject=Caf%C3%A9%20at%20%3f&body=one%0D%0Atwo&in-reply-to=%3Ca@b%3E",
    ),
    {
      to: [one("ada@x.example"), one("tom@x.example")],
      cc: [one("a+b@y.example")],
      bcc: [],
      subject: "Café at ?",
      text: "one\ntwo",
      in_reply_to: "<a@b>",
    },
  );
  assert.deepEqual(parseMailto("mailto:%22not%40me%22@x.example").to, [one('"not@me"@x.example')]);
});

test("foreign fields, controls and what is not encoded well do nothing", () => {
  const asked = parseMailto(
    "mailto:a@x.example?attach=/etc/passwd&From=b@x.example&subject=a%0d%0aBcc:%20c@x.example&body=%zz&x",
  );
  assert.deepEqual(asked, {
    to: [one("a@x.example")],
    cc: [],
    bcc: [],
    subject: "a Bcc: c@x.example",
    text: "%zz",
    in_reply_to: "",
  });
});

test("a thousand recipients are enough", () => {
  const many = Array.from({ length: 3000 }, (_, i) => `a${i}@x.example`).join(",");
  const asked = parseMailto(`mailto:${many}?cc=${many}&body=${"x".repeat(300_000)}`);
  assert.equal(asked.to.length, 1000);
  assert.equal(asked.cc.length, 0);
  assert.equal(asked.text.length, 100_000);
});

test("an address that a browser has encoded is one, also where it is not encoded well", () => {
  assert.deepEqual(parseMailto("mailto%3Aada%40x.example%3Fsubject%3DHello").to, [one("ada@x.example")]);
  assert.equal(parseMailto("mailto%3Aada%40x.example%3Fsubject%3DHello").subject, "Hello");
  assert.equal(parseMailto("mailto%3Aada%").to.length, 1);
});
