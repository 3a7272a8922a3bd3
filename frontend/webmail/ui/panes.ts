// The panes beside or below each other. The part `side` moves the bar between them.

import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import { type Local, loadLocal, saveLocal } from "../state/settings";

const least = 180;

export class Panes {
  readonly splitter = el("div", {
    class: "splitter",
    role: "separator",
    tabindex: "0",
    "aria-label": t("List size"),
  });
  local: Local = loadLocal();
  /** The message is below the list. */
  below = false;

  constructor(readonly root: HTMLElement) {
    addEventListener("resize", () => this.draw());
    this.draw();
  }

  set(local: Local): void {
    this.local = local;
    saveLocal(local);
    this.draw();
  }

  /** Make the list so many pixels wide, or high. */
  resize(size: number): void {
    const room = (this.below ? innerHeight : innerWidth) - 2 * least;
    this.set({
      ...this.local,
      [this.below ? "height" : "width"]: Math.round(Math.min(Math.max(size, least), Math.max(room, least))),
    });
  }

  private draw(): void {
    const { layout, width, height } = this.local;
    this.below = layout === "topbottom";
    this.root.classList.toggle("below", this.below);
    this.splitter.setAttribute("aria-orientation", this.below ? "horizontal" : "vertical");
    this.root.style.setProperty("--list-width", width === 0 ? "" : `${width}px`);
    this.root.style.setProperty("--list-height", height === 0 ? "" : `${height}px`);
  }
}
