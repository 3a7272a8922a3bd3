// Leaving a page, or loading it again: the only code that does (WEBMAIL-12).

import { toast } from "./toasts";
import { t } from "./words";

let offered = false;

/** Leave the page by `load`, which the user wants, or which nothing of the user's is to outlast. */
export function leave(load = () => location.reload()): void {
  // the browser would ask whether to leave the page
  for (const one of document.querySelectorAll<HTMLElement>("[data-unsaved]")) delete one.dataset["unsaved"];
  load();
}

/** Load the page again, by `load`. If a message is being written, or a form has changes that are not saved (lib/unsaved.ts), `words` offer
 * to do so instead. */
export function reload(words: string, load?: () => void): void {
  if (document.querySelector(".composer, [data-unsaved]") === null) leave(load);
  else if (!offered) {
    offered = true;
    const run = () => {
      dispatchEvent(new Event("leaving"));
      leave(load);
    };
    toast(words, { title: t("Reload"), run }, 0);
  }
}
