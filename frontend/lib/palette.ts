// Finding commands: the palette (type a part of the name, Enter), and the list of all keys.

import { type Command, type CommandTable, keyText, titleOf } from "./commands";
import { dialog } from "./dialogs";
import { el } from "./dom";
import { pick } from "./picker";
import { t } from "./words";

function keysOf(command: Command): Node[] {
  return (command.keys ?? []).map((key) => el("kbd", {}, keyText(key)));
}

/** Ask for a command by name and run it; `typed` is already in the field. */
export async function openPalette(table: CommandTable, typed = ""): Promise<void> {
  const possible = table
    .all()
    .flatMap((group) => group.commands.filter((command) => command.quiet !== true && table.holds(command)));
  const words = { label: t("Command"), hint: t("What do you want to do?"), nothing: t("No matching commands") };
  const chosen = await pick(t("Commands"), words, possible, titleOf, { typed, detail: keysOf });
  chosen?.run();
}

/** All keys and what they do, by groups. `beside` is a command that has a button there. */
export async function showKeys(table: CommandTable, beside: Command): Promise<void> {
  const chosen = await dialog<boolean>(t("Shortcuts"), (close) => [
    el(
      "div",
      { class: "keys", tabindex: "0", role: "group", "aria-label": t("Shortcuts") },
      table.all().flatMap((group) => {
        // keys that do one of two things stand by the first
        const bound = group.commands.filter(
          ({ keys = [] }, at, all) => keys.length > 0 && all.findIndex((one) => `${one.keys}` === `${keys}`) === at,
        );
        return [
          bound.length > 0 &&
            el(
              "section",
              {},
              el("h3", {}, group.name),
              el(
                "dl",
                {},
                bound.map((command) => [el("dt", {}, keysOf(command)), el("dd", {}, titleOf(command))]),
              ),
            ),
        ];
      }),
    ),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { onclick: () => close(true) }, titleOf(beside)),
      el("button", { class: "primary", autofocus: true, onclick: () => close(false) }, t("Close")),
    ),
  ]);
  if (chosen === true) beside.run();
}

/** Maximum number of titles that are shown at once. */
const mostTitles = 100;

/** The text of an element as it is shown, cut; hidden text is left out. */
const visibleText = (of: HTMLElement): string => of.innerText.trim().slice(0, 80);

/** Show the titles of an element and of its descendants, for touch and keyboard users, who cannot hover (WEBMAIL-60). */
export async function showTitles(at: Element): Promise<void> {
  const titled = [at, ...at.querySelectorAll("[title]")].filter(
    (one): one is HTMLElement => one instanceof HTMLElement && one.title !== "" && one.checkVisibility(),
  );
  await dialog<void>(t("Focused control"), (close) =>
    [
      el(
        "div",
        { class: "keys" },
        el(
          "dl",
          {},
          titled
            .slice(0, mostTitles)
            .map((one) => [el("dt", { dir: "auto" }, visibleText(one)), el("dd", { dir: "auto" }, one.title)]),
        ),
      ),
      titled.length === 0 && el("p", { class: "dialog-text" }, t("No description available")),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")),
      ),
    ].filter((one) => one !== false),
  );
}
