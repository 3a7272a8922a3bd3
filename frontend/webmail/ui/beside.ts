// A page beside the mailboxes. It is not modal: the mailboxes stay in reach; the keys of the list wait until it is closed, as for
// any open dialog.

import { type Child, el, fill, sign } from "../../lib/dom";
import { holdFocus } from "../../lib/focus";
import { arrowLeft } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import sheet from "./beside.css";

adopt(sheet);

/** Open a page with this title; a page that is open is closed. Returns its body, and the function that closes it; `closed` is
 * called then. `kind`: its class. */
export function openBeside(
  title: string,
  actions: readonly Child[],
  kind = "",
  closed?: () => void,
): { body: HTMLElement; close: () => void } {
  document.querySelector<HTMLElement>(".beside-done")?.click();
  const giveBack = holdFocus();
  const page = el("dialog", { class: `beside-page ${kind}`, "aria-label": title, tabindex: "-1" });
  const body = el("div", { class: "beside-body" });
  const leave = (event: Event) => {
    if (event.target instanceof Element && event.target.closest(".mailbox-open, .compose-new, .search-input") !== null)
      close();
  };
  // wherever the focus is
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog:modal, .menu") !== null) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const close = () => {
    if (!page.isConnected) return;
    removeEventListener("click", leave, true);
    removeEventListener("keydown", pressed, true);
    page.remove();
    for (const one of covered) one.inert = false;
    closed?.();
    giveBack();
  };
  addEventListener("click", leave, true);
  addEventListener("keydown", pressed, true);
  fill(
    page,
    el(
      "header",
      { class: "beside-head" },
      el("button", { class: "btn text beside-done", type: "button", onclick: close }, sign(arrowLeft), t("Done")),
      el("h2", {}, title),
      [...actions],
    ),
    body,
  );
  document.body.append(page);
  // the page below is hidden from keys and screen readers, too
  const covered = [...document.querySelectorAll<HTMLElement>("#app > :not(.side)")].filter(({ inert }) => !inert);
  for (const one of covered) one.inert = true;
  page.show();
  page.focus();
  return { body, close };
}
