// What the views of places share: their search, in the same field as that of mail, and the button of a phone's side bar.

import { el, sign } from "../../lib/dom";
import { list, menu, plus, search, x } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import type { Navigation } from "../commands/desk";
import { drawEmpty, type EmptyPlace } from "./empty";
import sheet from "./placeview.css";

adopt(sheet);

/** Milliseconds after the last key until the search begins. */
const pause = 150;

/** The field for searches in a place. `run` gets the text, "" when the search ends; Escape ends it, and calls `leave`. Without
 * `leave` the field is in a dialog, which Escape closes when the field is empty. */
export function searchField(
  label: string,
  run: (text: string) => void,
  leave?: () => void,
): { root: HTMLElement; input: HTMLInputElement; set: (text: string) => void } {
  let timer = 0;
  const input = el("input", {
    class: "search-input",
    type: "search",
    maxlength: "200",
    placeholder: label,
    "aria-label": label,
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
  });
  const close = t("Close search");
  const set = (text: string) => {
    clearTimeout(timer);
    input.value = text;
    clear.hidden = text === "";
  };
  const end = () => {
    set("");
    run("");
  };
  const clear = el(
    "button",
    {
      class: "search-clear",
      type: "button",
      title: close,
      "aria-label": close,
      hidden: true,
      onclick: () => {
        end();
        input.focus();
      },
    },
    sign(x, "i s"),
  );
  const changed = (after: number) => {
    clearTimeout(timer);
    clear.hidden = input.value === "";
    timer = window.setTimeout(() => run(input.value.trim()), after);
  };
  input.addEventListener("input", () => changed(pause));
  const root = el(
    "form",
    { class: "search", role: "search" },
    el("div", { class: "search-bar" }, sign(search, "i s"), input, clear),
  );
  // where there is little room, the sign is all that is seen of the field
  root.addEventListener("click", () => input.focus());
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    changed(0);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || (!leave && input.value === "")) return;
    event.preventDefault();
    event.stopPropagation();
    end();
    leave?.();
  });
  return { root, input, set };
}

/** The button that opens the side bar of a phone. */
export function sideButton(page: Pick<Navigation, "openSide">): HTMLElement {
  const attributes = { class: "menu-open", type: "button", "aria-label": t("Folders"), onclick: () => page.openSide() };
  return el("button", attributes, sign(menu));
}

/** The button that opens the lists of a place where the side bar has icons alone. */
export function listsButton(title: string): HTMLElement {
  const button = el(
    "button",
    { class: "btn icon place-lists", type: "button", title, "aria-label": title, "aria-expanded": "false" },
    sign(list),
  );
  const show = (open: boolean) => {
    button.setAttribute("aria-expanded", String(open));
    button.parentElement?.classList.toggle("open", open);
  };
  button.addEventListener("click", () => show(button.ariaExpanded === "false"));
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && button.parentElement?.contains(target) === false && target.isConnected) show(false);
  });
  return button;
}

/** What an empty place says, as an empty list of mail does. */
export function emptyPlace(place: EmptyPlace): HTMLElement {
  return el("div", { class: "place-empty" }, drawEmpty(place));
}

/** The heading of a list in the side bar, with a button that adds to it. */
export function listHead(title: string, add: string, run: () => void): HTMLElement {
  const button = { class: "btn icon small", type: "button", title: add, "aria-label": add, onclick: run };
  return el("h2", { class: "side-head" }, title, el("button", button, sign(plus)));
}
