// Rows under a finger: a swipe to each side does what the user has chosen for it; a long press selects (WEBMAIL-59). The list under
// a finger is in pull.ts.

import { el, fill, sign } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import type { RowAction } from "../commands/desk";
import type { Swipe } from "../state/settings";
import { rowActions } from "../ui/rowactions";
import sheet from "./touch.css";

adopt(sheet);

export { pulls } from "./pull";

/** Pixels after which a swiped row triggers its action. */
const far = 90;
/** Pixels below which a touch is a tap; a mostly vertical movement is a scroll. */
const least = 12;

/** Milliseconds that a finger rests on a row to select it. */
const longPress = 500;

/** Watch the rows of a list. `chosen` is the action of a direction; `done` is called with a row that was swiped far enough for its
 * action, `held` with one that was pressed long. */
export function swipes(
  list: HTMLElement,
  possible: (row: HTMLElement) => boolean,
  chosen: (direction: "left" | "right") => Swipe,
  done: (row: HTMLElement, action: RowAction) => void,
  held: (row: HTMLElement) => void,
): void {
  const beneath = el("div", { class: "swipe-beneath", "aria-hidden": "true" });
  let resting = 0;
  let pressed = false;
  let row: HTMLElement | null = null;
  let from = { x: 0, y: 0 };
  let pushed = false;
  const actionOf = (by: number) => chosen(by > 0 ? "right" : "left");
  /** Show the action where the row has left its place. */
  const show = (by: number) => {
    const found = by !== 0 && rowActions.find(([action]) => action === actionOf(by));
    if (!found) {
      row?.style.removeProperty("--swipe");
      beneath.remove();
      return;
    }
    row?.style.setProperty("--swipe", `${by}px`);
    const [action, path, words] = found;
    fill(beneath, sign(path), words);
    beneath.dataset["action"] = action;
    beneath.classList.toggle("far", Math.abs(by) >= far);
    const box = row!.getBoundingClientRect();
    Object.assign(beneath.style, {
      top: `${box.top}px`,
      height: `${box.height}px`,
      width: `${Math.abs(by)}px`,
      left: `${by > 0 ? box.left - by : box.right}px`,
    });
    if (!beneath.isConnected) document.body.append(beneath);
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
    const action = actionOf(by);
    if (target !== null && enough && action !== "") done(target, action);
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
