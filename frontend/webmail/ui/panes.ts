// The panes beside or below each other. A bar between list and message can be dragged, or moved by the arrow keys (WEBMAIL-58).

import { along, mirrored } from "../../lib/direction";
import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import { type Local, loadLocal, saveLocal } from "../state/settings";

const [least, step] = [180, 24];

export class Panes {
  readonly splitter = el("div", {
    class: "splitter",
    role: "separator",
    tabindex: "0",
    "aria-label": t("List size"),
  });
  local: Local = loadLocal();
  private below = false;

  constructor(private readonly root: HTMLElement) {
    this.splitter.addEventListener("pointerdown", (event) => {
      this.splitter.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.splitter.addEventListener("pointermove", (event) => {
      if (!this.splitter.hasPointerCapture(event.pointerId)) return;
      const list = this.splitter.previousElementSibling!.getBoundingClientRect();
      this.resize(
        this.below ? event.clientY - list.top : mirrored() ? list.right - event.clientX : event.clientX - list.left,
      );
    });
    this.splitter.addEventListener("dblclick", () => this.set({ ...this.local, [this.below ? "height" : "width"]: 0 }));
    this.splitter.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
      if (by === undefined) return;
      const list = this.splitter.previousElementSibling!.getBoundingClientRect();
      this.resize((this.below ? list.height : list.width) + by);
      event.preventDefault();
      event.stopPropagation();
    });
    addEventListener("resize", () => this.draw());
    new ResizeObserver(() => this.tell()).observe(root);
    this.draw();
  }

  set(local: Local): void {
    this.local = local;
    saveLocal(local);
    this.draw();
  }

  private resize(size: number): void {
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
    this.tell();
  }

  /** Set the list's share of the space, in per cent, for screen readers. */
  private tell(): void {
    const list = this.splitter.previousElementSibling?.getBoundingClientRect();
    const { clientWidth, clientHeight } = this.root;
    if (list === undefined || clientWidth === 0) return;
    const share = this.below ? list.height / clientHeight : list.width / clientWidth;
    this.splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }
}
