// Three hints for a browser that opens the webmail for the first time, one after the other, once (WEBMAIL-66d).

import { el, fill } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import { adopt } from "../../lib/sheets";
import { remember } from "../../lib/stored";
import { t } from "../../lib/words";
import sheet from "./hints.css";

adopt(sheet);

/** Key in the browser's storage for the number of hints that were read. */
export const hintsKey = "moxlite-webmail-hints";

/** Show the hints that were not read in the band above the list. */
export function showHints(band: HTMLElement): void {
  const touch = navigator.maxTouchPoints > 0;
  const hints = [
    touch
      ? t("Swipe right to archive or left to move to Trash. Press and hold to select several messages.")
      : t("Press ? for all shortcuts, or Ctrl+K to find a command."),
    t("You can undo almost anything, even sending."),
    t("Remote images only load when you ask, so senders can't tell when you read their mail."),
  ];
  let read = Number(localStorage.getItem(hintsKey)) || 0;
  if (read >= hints.length) return;
  const box = el("aside", { class: "hints", "aria-label": t("Tip") });
  const draw = () => {
    fill(
      box,
      el(
        "p",
        {},
        el("span", { class: "hints-count" }, t("{n} of {total}", { n: read + 1, total: hints.length })),
        " ",
        hints[read]!,
      ),
      el("button", { class: "link hints-next", onclick: next }, t("Got it")),
    );
  };
  const next = () => {
    remember(hintsKey, String(++read));
    if (read < hints.length) {
      draw();
      box.querySelector<HTMLElement>(".hints-next")?.focus();
      return;
    }
    box.remove();
    focusHome();
  };
  draw();
  band.append(box);
}
