// Leaving a page, or loading it again: the only code that does (WEBMAIL-12).

import { toast } from "./toasts";
import { t } from "./words";

/** Carries a list to which work on its way adds its end: the page is loaded again after it. */
export type Reloading = CustomEvent<Promise<unknown>[]>;

let waiting = false;

/** Leave the page by `load`, which the user wants, or which nothing of the user's is to outlast. */
export function leave(load = () => location.reload()): void {
  waiting = false; // the user may choose to stay
  // the browser would ask whether to leave the page
  for (const one of document.querySelectorAll<HTMLElement>("[data-unsaved]")) delete one.dataset["unsaved"];
  load();
}

/** Whether the user is at something that a reload would take away: a message, a form with changes that are not saved (lib/unsaved.ts), a
 * question, a report or a log-in in a dialog. */
const engaged = () => document.querySelector(".composer, [data-unsaved], dialog[open]") !== null;

/** Wait until no work is on its way, at most so many milliseconds; true if none is. */
function quiet(time: number): Promise<unknown> {
  const works: Promise<unknown>[] = [];
  dispatchEvent(new CustomEvent("reloading", { detail: works }));
  return Promise.race([Promise.all(works).then(() => true), new Promise((resolve) => setTimeout(resolve, time))]);
}

/** Load the page again, by `load`, when the calls on their way have their answers. If the user is at something, or a call has no end, `words`
 * offer to do so instead. */
export async function reload(words: string, load?: () => void): Promise<void> {
  if (waiting) return;
  waiting = true;
  // a call without an answer is made again for a shorter time
  if (!engaged() && (await quiet(90_000)) && !engaged()) leave(load);
  else
    toast(
      words,
      {
        title: t("Reload"),
        run: () => {
          dispatchEvent(new Event("leaving"));
          void quiet(10_000).then(() => leave(load));
        },
      },
      0,
    );
}
