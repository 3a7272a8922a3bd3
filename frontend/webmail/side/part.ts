// The side bar and the bar between the panes, by keys and by pointer.

import { along, mirrored } from "../../lib/direction";
import { followLocal } from "../state/settings";
import type { Panes } from "../ui/panes";

/** Pixels that an arrow key moves the bar between the panes. */
const step = 24;

/** Let the bar between list and message be dragged, and moved by the arrow keys (WEBMAIL-58). */
export function moveSplitter(panes: Panes): void {
  followLocal((local) => panes.set(local));
  const { splitter } = panes;
  const pane = panes.root.querySelector(".middle")!;
  const list = () => pane.getBoundingClientRect();
  // the list's share of the space, in per cent, for screen readers
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = panes.root;
    if (clientWidth === 0) return;
    const share = panes.below ? list().height / clientHeight : list().width / clientWidth;
    splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }).observe(pane);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { top, left, right } = list();
    panes.resize(panes.below ? event.clientY - top : mirrored() ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener("dblclick", () => panes.set({ ...panes.local, [panes.below ? "height" : "width"]: 0 }));
  splitter.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
    if (by === undefined) return;
    panes.resize((panes.below ? list().height : list().width) + by);
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Make the side bar one stop of the tab key: an arrow goes to the next control in its direction. */
export function oneStop(side: HTMLElement): void {
  const controls = () =>
    [...side.querySelectorAll<HTMLElement>("button, input, a")].filter((one) => one.checkVisibility());
  let stop: HTMLElement | undefined;
  const settle = () => {
    const all = controls();
    if (stop === undefined || !all.includes(stop))
      stop = all.filter((one) => one.ariaCurrent === "page").at(-1) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  side.addEventListener("focusin", (event) => {
    stop = event.target as HTMLElement;
    settle();
  });
  side.addEventListener("keydown", (event) => {
    const [across, down] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const middle = (one: HTMLElement) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return [(left + right) / 2, (top + bottom) / 2] as const;
    };
    const from = middle(event.target as HTMLElement);
    let nearest = Infinity;
    let next: HTMLElement | undefined;
    for (const one of controls()) {
      const to = middle(one);
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const ahead = across * dx + down! * dy;
      const aside = Math.abs(across) > 0 ? Math.abs(dy) * 9 : Math.abs(dx);
      if (ahead > 4 && ahead + aside / 2 < nearest) [nearest, next] = [ahead + aside / 2, one];
    }
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  new MutationObserver(settle).observe(side, { childList: true, subtree: true });
  addEventListener("resize", settle);
  settle();
}
