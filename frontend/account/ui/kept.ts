// Controls whose values are saved as they are changed. A search over all settings shows such a control itself.

import type { Control, Field } from "../../lib/fields";

/** Save the value of a control whenever it is changed; what could not be saved is taken back. Returns the control with its label. */
export function kept<C extends Control>({ root, control }: Field<C>, save: () => Promise<boolean>): HTMLElement {
  const box = control instanceof HTMLInputElement && control.type === "checkbox" ? control : null;
  let saved = box?.checked ?? control.value;
  root.dataset["kept"] = "";
  control.addEventListener("change", async () => {
    const now = box?.checked ?? control.value;
    if (await save()) saved = now;
    else if (box !== null) box.checked = saved === true;
    else control.value = String(saved);
  });
  return root;
}
