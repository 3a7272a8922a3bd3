// A menu of commands below, or above, a button. Arrows move, Enter runs, Escape and a click elsewhere close it.

import { type Command, hintOf, keyText, titleOf } from "./commands";
import { mirrored } from "./direction";
import { el, sign } from "./dom";
import { holdFocus } from "./focus";
import { check } from "./icons";
import sheet from "./menu.css";
import { adopt } from "./sheets";

adopt(sheet);

/** Commands of a menu; null is a line between two groups. */
export type Entries = readonly (Command | null)[];

/** Open a menu at `anchor`. The menu has the focus until it closes; then the focus is restored. */
export function openMenu(anchor: HTMLElement, title: string, commands: Entries): void {
  anchor.setAttribute("aria-expanded", "true");
  open(anchor, null, title, commands, () => {
    anchor.setAttribute("aria-expanded", "false");
    // the button may have been drawn anew while the menu was fetched: then it had no focus to restore
    anchor.focus();
  });
}

/** Open a menu at a point of the screen, for something inside `within`. */
export function openMenuAt(
  { x, y }: { x: number; y: number },
  within: HTMLElement,
  title: string,
  commands: Entries,
): void {
  open(within, new DOMRect(x, y), title, commands, () => undefined);
}

/** Open a menu at a point, else at `within`, which it follows when the window gets another size. */
function open(within: HTMLElement, point: DOMRect | null, title: string, commands: Entries, closed: () => void): void {
  const item = (command: Command) => {
    const beside = command.beside && el("span", { class: "menu-beside" });
    const made = el(
      "button",
      {
        class: "menu-item",
        role: command.checked === undefined ? "menuitem" : "menuitemradio",
        "aria-checked": command.checked === undefined ? undefined : String(command.checked()),
        tabindex: "-1",
        title: hintOf(command),
        onclick: () => {
          close();
          command.run();
        },
      },
      el("span", {}, titleOf(command)),
      command.keys?.[0] !== undefined && el("kbd", {}, keyText(command.keys[0])),
      command.checked?.() === true && sign(check, "i s"),
      beside,
    );
    void command.beside?.().then(
      ([short, words]) => {
        beside!.textContent = short;
        if (words !== "") made.setAttribute("aria-label", `${titleOf(command)}, ${words}`);
      },
      () => null,
    );
    return made;
  };
  const rows = commands.map((one) => (one === null ? el("hr", { class: "menu-line" }) : item(one)));
  const items = rows.filter((row) => row instanceof HTMLButtonElement);
  const menu = el("div", { class: "menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  const close = () => {
    menu.remove();
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, outside, true);
    removeEventListener("resize", draw);
    giveBack();
    closed();
  };
  // a place that is still being loaded may have taken the focus
  const outside = (event: Event) => {
    if (!(event.target instanceof Node) || menu.contains(event.target)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
    }
    close();
  };
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (next !== undefined) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  // inside a landmark, for users who navigate by landmarks
  (within.closest("main, .composer") ?? document.body).append(menu);
  const draw = () => {
    const { offsetWidth: width, offsetHeight: height } = menu;
    const at = point ?? within.getBoundingClientRect();
    const below = at.bottom + 4 + height <= innerHeight;
    menu.style.left = `${Math.max(8, Math.min(point || mirrored() ? at.left : at.right - width, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
  };
  draw();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, outside, true);
  addEventListener("resize", draw);
  items[0]?.focus();
}
