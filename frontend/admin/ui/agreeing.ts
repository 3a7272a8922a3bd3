// Asking before something that destroys nothing.

import { dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";

/** Ask before an action that takes time or puts something back; true if the user agrees. */
export async function agree(title: string, words: string, action: string): Promise<boolean> {
  const answer = await dialog<boolean>(title, (close) => [
    el("p", { class: "dialog-text" }, words),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")),
      el("button", { class: "btn primary", autofocus: true, onclick: () => close(true) }, action),
    ),
  ]);
  return answer === true;
}
