// The form above a list, when a choice in it has fetched another list: the focus and what was typed meanwhile stay.

import { holdPlace } from "../../lib/focus";

const formIn = (main: HTMLElement): HTMLFormElement | null => main.querySelector<HTMLFormElement>("form.filter");
const textsOf = (form: HTMLFormElement | null): HTMLInputElement[] =>
  form === null ? [] : [...form.querySelectorAll<HTMLInputElement>("input")].filter((one) => one.type !== "checkbox");

/** Remember the form's texts while its list is fetched. The returned function is called when the list is there: null if
 * the focus is outside the form; else a function that gives the form of the next page the focus, and texts that were
 * typed since. */
export function holdFilter(main: HTMLElement): () => (() => void) | null {
  const begun = textsOf(formIn(main)).map((one) => one.value);
  return () => {
    const form = formIn(main);
    if (form === null || !form.contains(document.activeElement)) return null;
    const now = textsOf(form);
    const giveBack = holdPlace(main);
    return () => {
      const fields = textsOf(formIn(main));
      if (fields.length === now.length)
        for (const [place, one] of now.entries())
          if (one.value !== begun[place]) (fields[place] as HTMLInputElement).value = one.value;
      giveBack();
    };
  };
}
