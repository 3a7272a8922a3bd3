// A dialog that asks for one of many by name: typing narrows the list, arrows move, Enter chooses. Its stylesheet is picker.css.

import { dialog } from "./dialogs";
import { el, fill } from "./dom";
import { ranked } from "./ranking";

/** Texts of the dialog: the label, the placeholder of the empty field, and the message if nothing matches. */
export interface PickerWords {
  readonly label: string;
  readonly hint: string;
  readonly nothing: string;
}

export interface PickerOptions<T> {
  /** The part of the name that has been typed already. */
  readonly typed?: string;
  /** Node above the field. */
  readonly above?: Node;
  /** Nodes at the end of a row. */
  readonly detail?: (one: T) => Node[];
}

/** Ask for one of these; null when the dialog is dismissed. */
export function pick<T>(
  title: string,
  words: PickerWords,
  all: readonly T[],
  titleOf: (one: T) => string,
  options: PickerOptions<T> = {},
): Promise<T | null> {
  const { typed = "", above, detail } = options;
  return dialog<T>(title, (close) => {
    const list = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": title });
    let found: T[] = ranked(all, titleOf, typed.trim());
    let at = 0;
    const input = el("input", {
      class: "dialog-input palette-input",
      role: "combobox",
      placeholder: words.hint,
      "aria-label": words.label,
      "aria-expanded": "true",
      "aria-controls": "palette-list",
      "aria-autocomplete": "list",
      autocomplete: "off",
      spellcheck: "false",
      autofocus: true,
    });
    input.value = typed;
    const draw = () => {
      fill(
        list,
        found.map((one, i) =>
          el(
            "div",
            {
              class: "palette-row",
              role: "option",
              id: `palette-${i}`,
              "aria-selected": String(i === at),
              onclick: () => close(one),
            },
            el("span", { dir: "auto" }, titleOf(one)),
            detail !== undefined && el("span", { class: "palette-keys" }, detail(one)),
          ),
        ),
        found.length === 0 && el("p", { class: "dialog-text" }, words.nothing),
      );
      if (found.length === 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", `palette-${at}`);
      list.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
    };
    input.addEventListener("input", () => {
      found = ranked(all, titleOf, input.value.trim());
      at = 0;
      draw();
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const selected = found[at];
      if (event.key === "Enter" && selected !== undefined) close(selected);
      else if (step !== undefined) at = Math.max(0, Math.min(found.length - 1, at + step));
      else if (event.key !== "Enter") return;
      event.preventDefault();
      draw();
    });
    draw();
    return [...(above === undefined ? [] : [above]), input, list];
  });
}
