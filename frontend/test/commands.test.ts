// WEBMAIL-71: the command table.

import assert from "node:assert/strict";
import test from "node:test";
import { CommandTable, hintOf, keyName, keyText } from "../lib/commands";
import { hashed, language } from "../lib/language";
import { match, ranked } from "../lib/ranking";
import type { Desk } from "../webmail/commands/desk";
import { messages } from "../webmail/commands/messages";
import { addCommands } from "../webmail/commands/table";
import { messageCommands } from "../webmail/message/commands";

const none = { key: "", code: "", ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };

test("keys have one name each", () => {
  assert.equal(keyName({ ...none, key: "j" }), "j");
  assert.equal(keyName({ ...none, key: "J", shiftKey: true }), "J");
  assert.equal(keyName({ ...none, key: "ArrowDown", shiftKey: true }), "shift ArrowDown");
  assert.equal(keyName({ ...none, key: "a", metaKey: true }), "ctrl a");
  assert.equal(keyName({ ...none, key: " " }), "Space");
  assert.equal(keyName({ ...none, key: "∆", code: "KeyJ", altKey: true }), "alt j");
});

test("WEBMAIL-71: keys are named as on the keyboard of the reader", () => {
  assert.equal(keyText("ctrl F"), "ctrl shift F");
  assert.equal(keyText("shift ArrowDown"), "shift ↓");
  assert.equal(keyText("D"), "D");
  const names = { ctrl: "Strg", shift: "Umschalt", Delete: "Entf" };
  const lines = Object.entries(names).map(([name, text]) => `${hashed(`key ${name}`)}${text}\n`);
  try {
    globalThis.moxliteLanguage = language("de", lines.join(""), [], "");
    assert.equal(keyText("ctrl F"), "Strg Umschalt F");
    assert.equal(keyText("ctrl alt Enter"), "Strg alt Enter");
    assert.equal(hintOf({ id: "x", title: "Trash", keys: ["Delete", "d"], run: () => {} }), "Trash (Entf)");
  } finally {
    globalThis.moxliteLanguage = undefined;
  }
});

test("of two commands with one key the possible one runs", () => {
  const table = new CommandTable();
  const ran: string[] = [];
  let flagged = false;
  table.add("g", [
    { id: "flag", title: "Flag", keys: ["s"], when: () => !flagged, run: () => ran.push("flag") },
    { id: "unflag", title: "Unflag", keys: ["s"], when: () => flagged, run: () => ran.push("unflag") },
  ]);
  assert.ok(table.key("s"));
  flagged = true;
  assert.ok(table.key("s"));
  assert.ok(!table.key("x"));
  assert.deepEqual(ran, ["flag", "unflag"]);
  assert.throws(() => table.add("g", [{ id: "flag", title: "again", run: () => {} }]), /two commands/);
});

test("WEBMAIL-71: the first key of a sequence waits for the second, which runs nothing else", () => {
  const table = new CommandTable();
  const ran: string[] = [];
  const command = (id: string, ...keys: string[]) => ({ id, title: id, keys, run: () => ran.push(id) });
  table.add("g", [
    command("a.inbox", "g i"),
    command("a.sent", "g t"),
    command("a.flag", "s"),
    command("a.typed", "t"),
  ]);
  assert.ok(table.key("g"));
  assert.deepEqual(ran, []);
  assert.ok(table.key("i"));
  // an unknown second key does nothing
  assert.ok(table.key("g"));
  assert.ok(table.key("s"));
  assert.ok(table.key("t"));
  assert.ok(table.key("s"));
  assert.deepEqual(ran, ["a.inbox", "a.typed", "a.flag"]);
  table.letters = false;
  assert.ok(!table.key("g"));
});

test("a chosen key takes the place of the usual one; fixed keys stay, also of commands that come later", () => {
  const table = new CommandTable();
  const ran: string[] = [];
  const command = (id: string, ...keys: string[]) => ({ id, title: id, keys, run: () => ran.push(id) });
  table.add("g", [command("a.archive", "a"), command("a.trash", "d", "Delete"), command("a.undo", "ctrl z")]);
  table.remap({ "a.archive": "e", "a.trash": "", "a.undo": "z", "b.edit": "", "c.unknown": "x" });
  table.add("h", [command("b.edit", "e")]);
  assert.deepEqual(table.get("a.archive").keys, ["e"]);
  assert.deepEqual(table.get("a.trash").keys, ["Delete"]);
  assert.deepEqual(table.get("a.undo").keys, ["z", "ctrl z"]);
  for (const key of ["a", "d", "x"]) assert.ok(!table.key(key), key);
  for (const key of ["e", "Delete", "z", "ctrl z"]) assert.ok(table.key(key), key);
  assert.deepEqual(ran, ["a.archive", "a.trash", "a.undo", "a.undo"]);
  table.remap({});
  assert.deepEqual(table.get("b.edit").keys, ["e"]);
  assert.ok(table.key("a"));
});

test("a chosen key comes before the usual key of a command that a newer version has", () => {
  const table = new CommandTable();
  const ran: string[] = [];
  const command = (id: string, ...keys: string[]) => ({ id, title: id, keys, run: () => ran.push(id) });
  table.add("g", [command("a.new", "e"), command("a.archive", "a")]);
  table.remap({ "a.archive": "e" });
  assert.ok(table.key("e"));
  assert.deepEqual(ran, ["a.archive"]);
});

test("a command that is possible at times comes before one that always is, and after a chosen key", () => {
  const table = new CommandTable();
  const ran: string[] = [];
  const command = (id: string, ...keys: string[]) => ({ id, title: id, keys, run: () => ran.push(id) });
  let there = true;
  table.add("g", [command("a.inbox", "i"), command("a.other", "o"), { ...command("a.news", "i"), when: () => there }]);
  table.key("i");
  there = false;
  table.key("i");
  there = true;
  table.remap({ "a.other": "i" });
  table.key("i");
  assert.deepEqual(ran, ["a.news", "a.inbox", "a.other"]);
});

test("the palette finds by parts and by letters", () => {
  assert.ok(match("Mark unread", "unr") >= 0);
  assert.ok(match("Mark unread", "mkun") >= 0);
  assert.equal(match("Mark unread", "xyz"), -1);
  const titles = ["Keyboard shortcuts", "Mark read", "Open the raw message"];
  const found = ranked(titles, (title) => title, "ra");
  assert.equal(found[0], "Open the raw message");
});

test("the keys of WEBMAIL-71 that the ground has", () => {
  const commands = new CommandTable();
  const desk = {
    commands,
    selected: () => [],
    selectedCount: () => 0,
    aimed: () => 0,
    shown: () => null,
    inRole: () => false,
  } as unknown as Desk;
  addCommands(desk);
  commands.add("Messages", messages(desk));
  commands.add("Message", messageCommands(desk));
  const bound = new Set(commands.all().flatMap((group) => group.commands.flatMap((command) => command.keys ?? [])));
  const wanted =
    "i ? ArrowDown j ArrowUp k PageDown l PageUp h End . Home , Space|ctrl a|ctrl p|u|d Delete D a q m M s w E t T O|ctrl i|alt j|alt k|alt J|alt K";
  for (const key of wanted.split("|").flatMap((part) => (/^(ctrl|alt) /.test(part) ? [part] : part.split(" ")))) {
    assert.ok(bound.has(key), key);
  }
});
