// Switches and choices, whose values are saved as they are changed. A search over all settings shows such a control itself.

import type { Field } from "../../lib/fields";

/** Save the value of a control whenever it is changed; what could not be saved is taken back. `back`, which `save` is given, takes
 * it back before an error is shown, or later, while the control is shown. Returns the control with its label. */
export function kept<C extends HTMLInputElement | HTMLSelectElement>(
  { root, control }: Field<C>,
  save: (back: () => boolean) => Promise<boolean>,
): HTMLElement {
  const box = control instanceof HTMLInputElement && control.type === "checkbox" ? control : null;
  let saved = box?.checked ?? control.value;
  const put = (value: boolean | string) => {
    if (box !== null) box.checked = value === true;
    else control.value = String(value);
    saved = value;
    return control.isConnected;
  };
  root.dataset["kept"] = "";
  control.addEventListener("change", async () => {
    const now = box?.checked ?? control.value;
    const before = saved;
    if (await save(() => put(before))) saved = now;
    else put(saved);
  });
  return root;
}
