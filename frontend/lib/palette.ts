// Where commands are looked for: the palette (type a part of the name, Enter), and the list of all keys.

import { type Command, type CommandTable, enabled, titleOf } from "./commands";
import { dialog } from "./dialogs";
import { el, fill } from "./dom";
import { t } from "./words";

/** Whether the letters of `typed` come in `title` in this order; how well, the lower the better, else -1. */
export function match(title: string, typed: string): number {
  const text = title.toLowerCase();
  const whole = text.indexOf(typed.toLowerCase());
  if (whole >= 0) return whole === 0 || text[whole - 1] === " " ? whole : 50 + whole;
  let at = -1;
  let spread = 100;
  for (const letter of typed.toLowerCase()) {
    if (letter === " ") continue;
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return -1;
    spread += next - at;
    at = next;
  }
  return spread;
}

/** The commands whose title matches, best first. */
export function ranked(commands: readonly Command[], typed: string): Command[] {
  return commands
    .map((command) => ({ command, rank: match(titleOf(command), typed) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ command }) => command);
}

function keysOf(command: Command): Node[] {
  return (command.keys ?? []).map((key) => el("kbd", {}, key));
}

/** Ask for a command by name and run it; `typed` of it has been typed already. */
export async function openPalette(table: CommandTable, typed = ""): Promise<void> {
  const possible = table.all().flatMap((group) => group.commands.filter((command) => command.quiet !== true && enabled(command)));
  const chosen = await dialog<Command>(t("Commands"), (close) => {
    const list = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": t("Commands") });
    let found: Command[] = ranked(possible, typed);
    let at = 0;
    const input = el("input", {
      class: "dialog-input palette-input",
      value: typed,
      role: "combobox",
      placeholder: t("What do you want to do?"),
      "aria-label": t("Command"),
      "aria-expanded": "true",
      "aria-controls": "palette-list",
      autocomplete: "off",
      spellcheck: "false",
      autofocus: true,
    });
    input.setSelectionRange(typed.length, typed.length);
    const draw = () => {
      fill(
        list,
        found.map((command, i) =>
          el(
            "div",
            { class: "palette-row", role: "option", id: `palette-${i}`, "aria-selected": String(i === at), onclick: () => close(command) },
            el("span", {}, titleOf(command)),
            el("span", { class: "palette-keys" }, keysOf(command)),
          ),
        ),
        found.length === 0 && el("p", { class: "dialog-text" }, t("No command is called so.")),
      );
      input.setAttribute("aria-activedescendant", `palette-${at}`);
      list.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
    };
    input.addEventListener("input", () => {
      found = ranked(possible, input.value);
      at = 0;
      draw();
    });
    input.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const selected = found[at];
      if (event.key === "Enter" && selected !== undefined) close(selected);
      else if (step === undefined) return;
      else at = Math.min(found.length - 1, Math.max(0, at + step));
      event.preventDefault();
      draw();
    });
    draw();
    return [input, list];
  });
  chosen?.run();
}

/** All keys and what they do, by groups. */
export async function showKeys(table: CommandTable): Promise<void> {
  await dialog<void>(t("Keys"), (close) => [
    el(
      "div",
      { class: "keys", tabindex: "0", role: "group", "aria-label": t("Keys") },
      table.all().flatMap((group) => {
        const bound = group.commands.filter((command) => (command.keys ?? []).length > 0);
        return [
          bound.length > 0 &&
            el("section", {}, el("h3", {}, group.name), el("dl", {}, bound.map((command) => [el("dt", {}, keysOf(command)), el("dd", {}, titleOf(command))]))),
        ];
      }),
    ),
    el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close"))),
  ]);
}

/** Titles that are shown at once. */
const mostTitles = 100;

/** What the titles of an element and of those in it say: for fingers and keys, which cannot rest on something (WEBMAIL-60). */
export async function showTitles(at: Element): Promise<void> {
  const titled = [at, ...at.querySelectorAll("[title]")].filter((one): one is HTMLElement => one instanceof HTMLElement && one.title !== "" && one.checkVisibility());
  await dialog<void>(t("What has the focus"), (close) => [
    el("div", { class: "keys" }, el("dl", {}, titled.slice(0, mostTitles).map((one) => [el("dt", { dir: "auto" }, one.innerText.trim().slice(0, 80)), el("dd", { dir: "auto" }, one.title)]))),
    titled.length === 0 && el("p", { class: "dialog-text" }, t("There is nothing to explain here.")),
    el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close"))),
  ].filter((one) => one !== false));
}
