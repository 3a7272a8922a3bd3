// Running commands by the keys of a page, or of a frame in it.

import { type CommandTable, keyName } from "./commands";

const typing = "input, textarea, select, [contenteditable]";
const pressed = "button, a[href], summary";

/** Whether the focused element needs the key itself: a field for typing, or a button that the key presses. */
function belongsTo(target: EventTarget | null, key: string): boolean {
  // instanceof fails here: an element in a frame has that frame's classes
  const element = target as Element | null;
  if (typeof element?.closest !== "function") return false;
  return (
    element.closest(typing) !== null || ((key === "Enter" || key === "Space") && element.closest(pressed) !== null)
  );
}

/** The element in which a key was pressed. While nothing has the focus, as after its element was removed, that may be the document,
 * which stands for its body. */
export const focusedBy = ({ target }: Event): HTMLElement => (target instanceof HTMLElement ? target : document.body);

/** Run commands by the keys of this document while `active` returns true. The returned function stops that. */
export function listen(target: Document, commands: CommandTable, active: () => boolean): () => void {
  const take = (event: KeyboardEvent) => {
    if (event.isComposing || event.defaultPrevented || !active()) return;
    if (!belongsTo(event.target, keyName(event)) && commands.press(event)) event.preventDefault();
  };
  target.addEventListener("keydown", take);
  return () => target.removeEventListener("keydown", take);
}

/** The result of `work`, and the characters typed until then: they are for what it opens, not for the page. Dialogs keep their
 * keys. */
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
