// The mailboxes on a narrow screen: a drawer over the list. A button opens it; Escape, a tap beside it and a choice in it close
// it. While it is closed, its content cannot be reached.

import { el, sign } from "../../lib/dom";
import { menu } from "../../lib/icons";
import { t } from "../../lib/words";

/** The class of the page while the drawer is open. */
const shown = "show-side";

export class Drawer {
  readonly button = el(
    "button",
    { class: "menu-open", "aria-label": t("Folders"), "aria-expanded": "false", onclick: () => this.toggle() },
    sign(menu),
  );

  constructor(private readonly side: HTMLElement) {
    side.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.open) return;
      event.stopPropagation();
      this.close();
      this.button.focus();
    });
    // the rest of the page takes no taps meanwhile (narrow.css): the tap that closes the drawer does nothing else
    document.addEventListener("click", (event) => {
      if (
        this.open &&
        event.target instanceof Element &&
        event.target.isConnected &&
        event.target.closest(".side, .menu-open") === null &&
        document.querySelector("dialog[open]") === null
      )
        this.close();
    });
  }

  close(): void {
    document.body.classList.remove(shown);
    this.button.setAttribute("aria-expanded", "false");
  }

  private get open(): boolean {
    return document.body.classList.contains(shown);
  }

  private toggle(): void {
    if (this.open) {
      this.close();
      return;
    }
    document.body.classList.add(shown);
    this.button.setAttribute("aria-expanded", "true");
    (this.side.querySelector<HTMLElement>("[aria-current]") ?? this.side.querySelector("button"))?.focus();
  }
}
