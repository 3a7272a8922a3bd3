// In place of a message that could not be loaded: why, a way to try again, and what is known of it (WEBMAIL-46).

import { el, isolated } from "../../lib/dom";
import { t } from "../../lib/words";

/** `preview` is the beginning of its text, as the list has it. */
export function missing(why: string, again: () => void, preview = ""): HTMLElement {
  return el(
    "div",
    { class: "missing", role: "status" },
    el("p", { class: "missing-line" }, why, el("button", { onclick: again }, t("Try again"))),
    preview !== "" && el("p", { class: "missing-preview", dir: "auto" }, isolated(preview)),
  );
}
