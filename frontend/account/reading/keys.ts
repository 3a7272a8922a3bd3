// The keys of the commands (WEBMAIL-162): a ready set, or a key of the user's own for each command.

import { type Command, CommandTable, isFixed, keyName, keyText, titleOf } from "../../lib/commands";
import { el, fill } from "../../lib/dom";
import { t } from "../../lib/words";
import type { Desk } from "../../webmail/commands/desk";
import { addFindCommands } from "../../webmail/commands/find";
import { addImportCommand, addReadingCommands } from "../../webmail/commands/reading";
import { addCommands } from "../../webmail/commands/table";
import { messageCommands } from "../../webmail/message/commands";

/** Keys by the ids of commands, for those that do not have their usual one; "" for none. */
type Keymap = Readonly<Record<string, string>>;

/** Gmail's keys where they differ. Commands of moxlite that Gmail lacks give way to them. */
const gmail: Keymap = {
  "app.inbox": "g i",
  "app.undo": "z",
  "compose.edit": "",
  "compose.reply-all": "a",
  "compose.reply-alone": "a",
  "list.next-unread": "",
  "list.none": "u",
  "list.open": "o",
  "list.page-down": "",
  "list.page-down-extend": "",
  "list.page-up": "",
  "list.page-up-extend": "",
  "message.archive": "e",
  "message.attachments": "",
  "message.delete": "#",
  "message.details": "",
  "message.junk": "!",
  "message.labels": "l",
  "message.move": "v",
  "message.read": "I",
  "message.tab": "",
  "message.trash": "#",
  "message.unread": "U",
  "threads.mute": "m",
};

/** Keys of menus and of the address bar in browsers. */
const browsers = /^alt [def]$/i;

/** Names that browsers give to modifiers, and to key presses without a sign. */
const silent = /^(Shift|Control|Alt|AltGraph|Meta|OS|CapsLock|NumLock|Dead|Process|Unidentified)$/;

function same(one: Keymap, other: Keymap): boolean {
  const ids = Object.keys(one);
  return ids.length === Object.keys(other).length && ids.every((id) => one[id] === other[id]);
}

/** All commands of the webmail with their usual keys. None runs here: of the webmail there is what their titles look at. */
export function allCommands(): CommandTable {
  const commands = new CommandTable();
  const desk = { commands, undoable: () => "", selected: () => [] } as Partial<Desk> as Desk;
  addCommands(desk);
  addFindCommands(desk);
  addImportCommand(desk, () => {});
  addReadingCommands(desk, messageCommands(desk));
  return commands;
}

/** Commands with the same usual keys, of which one is possible at a time. */
class Row {
  readonly button = el("button", { class: "btn line key-button", type: "button" });
  readonly root = el("li", { class: "key-row" });
  private readonly title: string;
  private readonly fixed: readonly string[];

  constructor(
    readonly commands: readonly Command[],
    private readonly usual: readonly string[],
  ) {
    this.title = [...new Set(commands.map(titleOf))].join(", ");
    this.fixed = usual.filter(isFixed);
    fill(
      this.root,
      el("span", { class: "key-title" }, this.title),
      this.fixed.map((key) => el("kbd", {}, keyText(key))),
      this.button,
    );
  }

  get name(): string {
    return this.title;
  }

  key(chosen: Keymap): string {
    return chosen[this.commands[0]!.id] ?? this.own;
  }

  /** The usual key that can be changed. */
  get own(): string {
    return this.usual.find((key) => !isFixed(key)) ?? "";
  }

  draw(key: string): void {
    const shown = key === "" ? t("no shortcut") : keyText(key);
    this.button.classList.remove("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${shown}`);
    fill(this.button, key === "" ? "–" : el("kbd", {}, shown));
  }

  wait(): void {
    const words = t("Press a key…");
    this.button.classList.add("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${words}`);
    fill(this.button, words);
  }
}

/** The commands of the table in rows, by groups. Keys while writing, and of movements that have a fixed key alone, are left out. */
function rowsOf(commands: CommandTable): { name: string; rows: Row[] }[] {
  const changeable = (one: Command) =>
    one.quiet !== true || one.id in gmail || commands.usual.get(one)!.some((key) => !isFixed(key));
  return commands
    .all()
    .map(({ name, commands: all }) => {
      const together = new Map<string, Command[]>();
      for (const one of all.filter(({ id }) => !id.startsWith("write.")).filter(changeable)) {
        const usual = commands.usual.get(one)!;
        const place = usual.some((key) => !isFixed(key)) ? usual.join("\n") : one.id;
        together.set(place, [...(together.get(place) ?? []), one]);
      }
      return { name, rows: [...together.values()].map((some) => new Row(some, commands.usual.get(some[0]!)!)) };
    })
    .filter(({ rows }) => rows.length > 0);
}

/** The choice of keys, for the form of the settings: each change is told by a change event of `root`. */
export function keyChoice(
  commands: CommandTable,
  now: Keymap,
): { root: HTMLElement; read: () => Record<string, string> } {
  let chosen: Record<string, string> = { ...now };
  const groups = rowsOf(commands);
  const rows = groups.flatMap((group) => group.rows);
  const sets: readonly (readonly [Keymap, HTMLElement])[] = [
    [{}, el("button", { class: "chip pill", type: "button" }, t("moxlite shortcuts"))],
    [gmail, el("button", { class: "chip pill", type: "button" }, t("Gmail shortcuts"))],
  ];
  const told = el("p", { class: "hint", role: "status" });
  const about = t(
    "Click a shortcut, then press a new key. Press Escape to cancel or Backspace to remove the shortcut.",
  );
  const root = el("div", { class: "key-choice" });
  let question: HTMLElement | null = null;

  const ask = (words: HTMLElement | null) => {
    question?.remove();
    question = words;
  };
  const draw = () => {
    ask(null);
    fill(told, about);
    for (const row of rows) row.draw(row.key(chosen));
    for (const [set, button] of sets) button.setAttribute("aria-pressed", String(same(set, chosen)));
  };
  const put = (row: Row, key: string) => {
    for (const { id } of row.commands)
      if (key === row.own) delete chosen[id];
      else chosen[id] = key;
  };
  const changed = (at: HTMLElement) => {
    draw();
    at.focus();
    root.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const choose = (row: Row, key: string) => {
    const others = key === "" ? [] : rows.filter((one) => one !== row && one.key(chosen) === key);
    const take = () => {
      const old = row.key(chosen);
      for (const [i, other] of others.entries()) put(other, i === 0 ? old : "");
      put(row, key);
      changed(row.button);
    };
    if (others.length === 0) {
      take();
      return;
    }
    draw();
    const cancel = () => {
      draw();
      row.button.focus();
    };
    const swap = el("button", { class: "btn line", type: "button", onclick: take }, t("Swap shortcuts"));
    const words = t("{key} is already used for “{title}”.", {
      key: keyText(key),
      title: others.map(({ name }) => name).join(", "),
    });
    const asked = el(
      "div",
      {
        class: "key-question",
        role: "group",
        "aria-label": words,
        onkeydown: (event: KeyboardEvent) => event.key === "Escape" && cancel(),
      },
      el("p", {}, words),
      swap,
      el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")),
    );
    row.root.append(asked);
    ask(asked);
    swap.focus();
  };
  const pressed = (row: Row, event: KeyboardEvent) => {
    if (!row.button.classList.contains("key-waiting") || silent.test(event.key) || event.isComposing) return;
    event.stopPropagation();
    const key = keyName(event);
    // Tab goes on, and so ends the wait
    if (key === "Escape" || key === "Backspace" || !isFixed(key)) event.preventDefault();
    if (key === "Escape") draw();
    else if (key === "Backspace") choose(row, "");
    else if (isFixed(key) || browsers.test(key))
      fill(told, t("{key} is reserved by the browser, screen readers, or webmail.", { key: keyText(key) }));
    else choose(row, key);
  };
  for (const row of rows) {
    row.button.addEventListener("click", () => {
      draw();
      row.wait();
      row.button.focus();
    });
    row.button.addEventListener("keydown", (event) => pressed(row, event));
    row.button.addEventListener("blur", () => row.draw(row.key(chosen)));
  }
  for (const [set, button] of sets)
    button.addEventListener("click", () => {
      chosen = { ...set };
      changed(button);
    });
  draw();
  fill(
    root,
    el(
      "div",
      { class: "flex wrap" },
      sets.map(([, button]) => button),
    ),
    el(
      "details",
      {},
      el("summary", {}, t("Customize shortcuts")),
      told,
      groups.map(({ name, rows: some }) => [
        el("h3", {}, name),
        el(
          "ul",
          { class: "key-rows" },
          some.map((row) => row.root),
        ),
      ]),
    ),
  );
  return { root, read: () => ({ ...chosen }) };
}
