// Keys of a page, or of a frame in it, as commands.

import { type CommandTable, keyName } from "./commands";

const typing = "input, textarea, select, [contenteditable]";
const pressed = "button, a[href], summary";

/** Whether a key belongs to the element that has the focus: to what is typed into, or to a button that it presses. */
function belongsTo(target: EventTarget | null, key: string): boolean {
  // an element of a frame is none of this window's classes
  const element = target as Element | null;
  if (typeof element?.closest !== "function") return false;
  return element.closest(typing) !== null || ((key === "Enter" || key === "Space") && element.closest(pressed) !== null);
}

/** Have the keys of this document run commands, while `active` says so. Ends with the result. */
export function listen(target: Document, commands: CommandTable, active: () => boolean): () => void {
  const take = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || !active()) return;
    const name = keyName(event);
    if (belongsTo(event.target, name)) return;
    if (commands.key(name)) event.preventDefault();
  };
  target.addEventListener("keydown", take);
  return () => target.removeEventListener("keydown", take);
}

/** What `work` comes to, and what is typed until then: that is meant for what it opens, not for the page. Dialogs have their keys. */
export async function typedUntil<T>(work: Promise<T>): Promise<[T, string]> {
  let typed = "";
  const hold = (event: KeyboardEvent) => {
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.key.length === 1 && !event.ctrlKey) typed += event.key;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("keydown", hold, true);
  const done = await work.finally(() => removeEventListener("keydown", hold, true));
  return [done, typed];
}
