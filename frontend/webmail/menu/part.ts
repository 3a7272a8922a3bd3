// A menu of commands, and a hint with the key of a clicked command.

import { type Command, keyText } from "../../lib/commands";
import { el } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import sheet from "./menu.css";

adopt(sheet);

export { openMenu, openMenuAt } from "../../lib/menu";

/** Milliseconds that the key of a clicked action is shown (WEBMAIL-60). */
const hinted = 1500;
let hint: HTMLElement | null = null;

/** Show the key of a command that was clicked. A finger has no keys, and needs the button below the hint. */
export function hintKey(command: Command): void {
  hint?.remove();
  const key = command.keys?.[0];
  if (key === undefined || matchMedia("(pointer: coarse)").matches) return;
  const shown = el("div", { class: "key-hint", "aria-hidden": "true" }, el("kbd", {}, keyText(key)));
  hint = shown;
  document.body.append(shown);
  setTimeout(() => shown.remove(), hinted);
}
