// A button that the dialogs of this part share.

import { el } from "../../lib/dom";
import { t } from "../../lib/words";

export function cancelButton(run: () => void): HTMLElement {
  return el(
    "div",
    { class: "dialog-buttons" },
    el("button", { class: "btn", type: "button", onclick: run }, t("Cancel")),
  );
}
