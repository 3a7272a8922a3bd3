// WEBMAIL-176, WEBMAIL-63: homes of mailboxes, roles and colours there, and all inboxes as one.

import assert from "node:assert/strict";
import test from "node:test";
import type { Mailbox } from "../gen/webmail";
import { Mailboxes, nameAtHome } from "../webmail/data/mailboxes";
import { parsePlace, writePlace } from "../webmail/state/address";

function box(id: number, name: string, values: Partial<Mailbox> = {}): Mailbox {
  const counts = { total: id, unread: 1, unseen: 1, deleted: 0, size: 10 };
  return { id, name, roles: [], keywords: [], owner: "", rights: "", ...counts, ...values };
}

const shared = 3 * 2 ** 32 + 1;
const all = [
  box(1, "Inbox"),
  box(2, "Archive", { roles: ["archive"] }),
  box(3, "Rubbish", { roles: ["trash"] }),
  box(4, "Freemail"),
  box(5, "Freemail/Inbox"),
  box(6, "Freemail/Archive"),
  box(7, "Freemail/Trash"),
  box(8, "Freemailer/Inbox"),
  box(shared, "Other Users/bob/Inbox", { owner: "bob", rights: "lr" }),
];

function filled(): Mailboxes {
  const boxes = new Mailboxes();
  boxes.set(all, [{ name: "Freemail", address: "me@freemail.example" }]);
  return boxes;
}

test("mailboxes of a link are at home there, with roles by their names", () => {
  const boxes = filled();
  assert.equal(boxes.get(5)?.home, "Freemail/");
  assert.equal(boxes.get(8)?.home, "");
  assert.equal(boxes.get(shared)?.home, "bob");
  assert.deepEqual(
    [4, 5, 8, shared].map((id) => nameAtHome(boxes.get(id)!)),
    ["", "Inbox", "Freemailer/Inbox", "Inbox"],
  );
  assert.equal(boxes.withRole("archive")?.id, 2);
  assert.equal(boxes.withRole("archive", "Freemail/")?.id, 6);
  assert.equal(boxes.withRole("trash", "Freemail/")?.id, 7);
  assert.equal(boxes.withRole("junk", "Freemail/"), undefined);
  assert.deepEqual(boxes.told(), all);
});

test("the order is one's own, links, others", () => {
  assert.deepEqual(
    filled()
      .ordered()
      .map(({ id }) => id),
    [1, 2, 3, 8, 5, 6, 7, 4, shared],
  );
});

test("all inboxes have the sum of their counts; a single one has no such list", () => {
  const boxes = filled();
  const inboxes = boxes.inboxes();
  assert.equal(inboxes?.id, -3);
  assert.equal(inboxes?.total, 1 + 5 + shared);
  assert.equal(inboxes?.unread, 3);
  boxes.setShared([], []);
  assert.equal(boxes.inboxes(), undefined);
  assert.equal(boxes.colours().size, 0);
});

test("colours differ, and stay the same when a link is added", () => {
  const boxes = new Mailboxes();
  const names = ["Gmail", "GMX", "Work", "Choir", "Club", "Old"];
  const links = names.map((name) => ({ name, address: `me@${name}.example` }));
  boxes.set([box(1, "Inbox"), ...names.map((name, i) => box(10 + i, `${name}/Inbox`))], links);
  const before = boxes.colours();
  assert.equal(new Set(before.values()).size, 7);
  boxes.apply({ kind: "mailbox_add", mailbox: box(30, "A new one/Inbox") });
  boxes.apply({ kind: "links", links: [...links, { name: "A new one", address: "x@y.example" }] });
  const after = boxes.colours();
  for (const [home, colour] of before) assert.equal(after.get(home), colour);
  assert.equal(new Set(after.values()).size, 8);
});

test("no mailbox has the address of all inboxes", () => {
  assert.deepEqual(parsePlace("#inboxes:,12"), { name: "", search: "", inboxes: true, message: 12 });
  assert.equal(writePlace({ name: "All inboxes", search: "", message: 0, inboxes: true }), "#inboxes:");
  const place = { name: "inboxes:", search: "", message: 0 };
  assert.deepEqual(parsePlace(writePlace(place)), place);
});
