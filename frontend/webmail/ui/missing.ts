// Replacement for a message that could not be loaded: the reason, a button to retry, and its data from the list (WEBMAIL-46).

import { el, isolated } from "../../lib/dom";
import { t } from "../../lib/words";

/** `preview` is the beginning of the text, from the list. */
export function missing(why: string, again: () => void, preview = ""): HTMLElement {
  return el(
    "div",
    { class: "missing", role: "status" },
    el("p", { class: "missing-line" }, why, el("button", { onclick: again }, t("Try again"))),
    preview !== "" && el("p", { class: "missing-preview", dir: "auto" }, isolated(preview)),
  );
}
