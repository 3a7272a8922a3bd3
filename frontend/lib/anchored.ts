// Dialogs at the button that opened them, as menus are: nothing is dimmed, and a press beside them closes them. On a phone they come
// from below.

import anchored from "./anchored.css";
import { mirrored } from "./direction";
import { adopt } from "./sheets";

adopt(anchored);

/** Distance from the button, and least distance from the window's edges, px. */
const [apart, edge] = [4, 8];

/** Put the dialog that was opened last at the first of these elements that is on the screen; without one it stays in the middle. */
export function anchor(...selectors: readonly string[]): void {
  const button = selectors
    .flatMap((one) => [...document.querySelectorAll<HTMLElement>(one)])
    .find((one) => one.checkVisibility());
  if (button !== undefined) anchorTo(button, false);
}

/** Put the dialog that was opened last at an element: below it, or `beside` it where there is room. */
export function anchorTo(cause: HTMLElement, beside: boolean): void {
  const box = [...document.querySelectorAll<HTMLDialogElement>("dialog:modal")].at(-1);
  if (box === undefined) return;
  box.classList.add("anchored");
  box.addEventListener("pointerdown", (event) => {
    const place = box.getBoundingClientRect();
    const inside =
      event.clientX >= place.left &&
      event.clientX <= place.right &&
      event.clientY >= place.top &&
      event.clientY <= place.bottom;
    if (event.target === box && !inside) box.dispatchEvent(new Event("cancel", { cancelable: true }));
  });
  let at = cause.getBoundingClientRect();
  const draw = () => {
    if (cause.checkVisibility()) at = cause.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    const sides = [at.right + apart, at.left - apart - width];
    const side = (mirrored() ? sides.reverse() : sides).find((one) => one >= edge && one + width <= innerWidth - edge);
    const [left, top] =
      beside && side !== undefined ? [side, at.top] : [mirrored() ? at.right - width : at.left, at.bottom + apart];
    box.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
    box.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
  };
  draw();
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  observer.observe(document.documentElement); // a window that is made smaller, or a tablet that is turned
}
