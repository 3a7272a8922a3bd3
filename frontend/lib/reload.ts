// Loading the page again: the only code that does (WEBMAIL-12).

import { toast } from "./toasts";
import { t } from "./words";

/** Texts that their user is writing, and forms with changes that are not saved, as lib/unsaved.ts marks them. */
const unsaved = ".composer, [data-unsaved]";
let offered = false;

/** Load the page again, by `load`. If something on it is not saved, `words` offer to do so instead. Without words, which is by the user's
 * own wish, or for another user, it is done at once. */
export function reload(words = "", load = () => location.reload()): void {
  const changed = document.querySelectorAll<HTMLElement>(unsaved);
  if (words === "" || changed.length === 0) {
    // the browser would ask whether to leave the page
    for (const one of changed) delete one.dataset["unsaved"];
    load();
  } else if (!offered) {
    offered = true;
    toast(words, { title: t("Reload"), run: () => reload("", load) }, 0);
  }
}
