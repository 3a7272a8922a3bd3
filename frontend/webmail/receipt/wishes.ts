// Receipts that a message asks for (WEBMAIL-139c, d): of reading, from the reader's program, and of delivery, from mail servers.

import type { Written } from "../../gen/webmail";
import { el, fill } from "../../lib/dom";
import { t } from "../../lib/words";

/** The field of a message for a receipt. */
export type Wish = "ask_read" | "ask_delivered";

/** Fill a row with a box for each receipt. The boxes change the draft; `wish` is asked for, and its box gets the focus. */
export function drawWishes(row: HTMLElement, draft: Written, changed: () => void, wish?: Wish): void {
  if (wish !== undefined) {
    draft[wish] = true;
    changed();
  }
  const box = (name: Wish, label: string, title: string) => {
    const input = el("input", {
      type: "checkbox",
      name,
      checked: draft[name] === true,
      onchange: () => {
        draft[name] = input.checked;
        changed();
      },
    });
    return el("label", { title }, input, " ", label);
  };
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", t("Receipts"));
  fill(
    row,
    el("span", { class: "compose-label" }, t("Receipts")),
    box("ask_read", t("Read receipt"), t("Recipients choose whether to send one")),
    box("ask_delivered", t("Delivery receipt"), t("Report from the recipient's mail server")),
  );
  if (wish !== undefined) row.querySelector<HTMLElement>(`[name="${wish}"]`)?.focus();
}
