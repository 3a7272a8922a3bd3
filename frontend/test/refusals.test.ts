// WEBMAIL-34: rows that the server refuses.

import assert from "node:assert/strict";
import test from "node:test";
import type { Request, ViewErr } from "../gen/webmail";
import { Mail } from "../webmail/state/mail";
import { Server } from "./mail";

function begun() {
  const server = new Server(300);
  const sent: Request[] = [];
  const nothing = () => undefined;
  const mail = new Mail({
    send: (request) => void sent.push(request),
    opened: nothing,
    removed: nothing,
    outdated: nothing,
    checking: true,
  });
  mail.begin(server.query());
  const answer = (request: Request) => {
    for (const event of server.answer(request)) mail.take(event);
  };
  const refuse = async ({ view_id, id }: Request) => {
    const refusal: ViewErr = { kind: "view_err", view_id, request_id: id, message: "not now", unthreaded: false };
    mail.take(refusal);
    await new Promise((resolve) => setTimeout(resolve));
  };
  answer(mail.opening().request);
  mail.streamId = 1;
  return { server, sent, mail, answer, refuse };
}

test("the same rows are not asked for in a loop, but again elsewhere, and what was refused is forgotten with rows", async () => {
  const { sent, mail, answer, refuse } = begun();
  mail.look(80, 150);
  assert.equal(sent.length, 1);
  await refuse(sent[0]!);
  assert.equal(mail.problem.value?.message, "not now");
  mail.look(80, 150);
  assert.equal(sent.length, 1);
  mail.look(81, 151);
  assert.equal(sent.length, 2);
  answer(sent[1]!);
  assert.equal(mail.problem.value, null);
  assert.equal(mail.rows.value.items.length, 200);
});

test("a refusal of the list before does not lie over this one", async () => {
  const { server, sent, mail, answer, refuse } = begun();
  mail.look(80, 150);
  const before = refuse(sent[0]!);
  mail.open({ ...server.query(), order_asc: false });
  await before;
  assert.equal(mail.problem.value, null);
  answer(sent[1]!);
  assert.equal(mail.problem.value, null);
});
