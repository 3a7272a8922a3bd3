// Rows under a finger: a swipe to the right archives, to the left moves to the trash; a long press selects (WEBMAIL-59).

import { adopt } from "../../lib/sheets";
import sheet from "./touch.css";

adopt(sheet);

/** Pixels after which a swiped row triggers its action. */
const far = 90;
/** Pixels below which a touch is a tap; a mostly vertical movement is a scroll. */
const least = 12;

/** Milliseconds that a finger rests on a row to select it. */
const longPress = 500;

/** Watch the rows of a list; `done` is called with a row that was swiped far enough, `held` with one that was pressed long. */
export function swipes(
  list: HTMLElement,
  possible: (row: HTMLElement) => boolean,
  done: (row: HTMLElement, direction: "left" | "right") => void,
  held: (row: HTMLElement) => void,
): void {
  let resting = 0;
  let pressed = false;
  let row: HTMLElement | null = null;
  let from = { x: 0, y: 0 };
  let pushed = false;
  const show = (by: number) => {
    row?.style.setProperty("--swipe", `${by}px`);
    row?.classList.toggle("swiped-right", by > 0);
    row?.classList.toggle("swiped-left", by < 0);
    row?.classList.toggle("swiped-far", Math.abs(by) >= far);
  };
  const end = () => {
    show(0);
    row = null;
    pushed = false;
  };
  list.addEventListener("pointerdown", (event) => {
    pressed = false;
    if (event.pointerType !== "touch" || !(event.target instanceof Element)) return;
    const found = event.target.closest<HTMLElement>(".message");
    if (found === null || !possible(found)) return;
    row = found;
    from = { x: event.clientX, y: event.clientY };
    clearTimeout(resting);
    resting = window.setTimeout(() => {
      if (row !== found || pushed) return;
      end();
      pressed = true;
      navigator.vibrate?.(10);
      held(found);
    }, longPress);
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerType !== "touch") return;
    const by = event.clientX - from.x;
    if (Math.hypot(by, event.clientY - from.y) >= least) clearTimeout(resting);
    if (!pushed && Math.abs(event.clientY - from.y) > Math.abs(by)) return;
    if (!pushed && Math.abs(by) < least) return;
    pushed = true;
    show(by);
  });
  list.addEventListener("pointerup", (event) => {
    clearTimeout(resting);
    const target = row;
    const by = event.clientX - from.x;
    const enough = pushed && Math.abs(by) >= far;
    end();
    if (target !== null && enough) done(target, by > 0 ? "right" : "left");
  });
  list.addEventListener("pointercancel", () => {
    clearTimeout(resting);
    end();
  });
  // a long press selects: the browser's menu, which some open for it, would cover that
  list.addEventListener(
    "contextmenu",
    (event) => {
      if (row === null && !pressed) return;
      event.stopImmediatePropagation();
      event.preventDefault();
    },
    true,
  );
  // the end of a long press is no click
  list.addEventListener(
    "click",
    (event) => {
      if (!pressed) return;
      pressed = false;
      event.stopImmediatePropagation();
      event.preventDefault();
    },
    true,
  );
}
