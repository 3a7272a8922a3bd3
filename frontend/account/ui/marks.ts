// Settings on a page, by their texts: what a search finds, and marks on its page.

const elements = "label, legend, h2, h3, summary, button, a.btn";

/** The text of a setting without its explanation; "" for an icon. */
function textOf(element: HTMLElement): string {
  const copy = element.cloneNode(true) as HTMLElement;
  for (const other of copy.querySelectorAll(".hint, .error, .sr, select, datalist")) other.remove();
  return (copy.textContent ?? "").trim();
}

/** The settings of a page: each element with its text. Hidden elements are left out, folded ones are not. */
export function settingsIn(root: HTMLElement): (readonly [element: HTMLElement, text: string])[] {
  return [...root.querySelectorAll<HTMLElement>(elements)]
    .filter((one) => one.closest("[hidden]") === null)
    .map((one) => [one, textOf(one)] as const)
    .filter(([, text]) => text !== "");
}

/** Unfold, mark and focus the setting with this text. Whether it is there. */
export function mark(root: HTMLElement, text: string): boolean {
  const element = text === "" ? undefined : settingsIn(root).find(([, one]) => one === text)?.[0];
  if (element === undefined) return false;
  for (let at = element.closest("details"); at !== null; at = at.parentElement?.closest("details") ?? null)
    at.open = true;
  element.classList.add("sought");
  const control = element instanceof HTMLLabelElement ? element.control : null;
  const goal = control ?? element;
  if (goal.tabIndex < 0) goal.tabIndex = -1;
  goal.focus({ preventScroll: true });
  element.scrollIntoView({ block: "center" });
  return true;
}
