// The pointer in a view: drag over free room to make an event, an event to move it, its lower edge to lengthen it
// (WEBMAIL-175). Fingers scroll; a tap on free room makes an event.

import { el } from "../../lib/dom";
import { clock, dateOf } from "./days";
import { hour } from "./hours";

export interface Dragged {
  /** Make an event: of whole days, or between minutes of the first day. */
  make(day: number, last: number, from: number | null, to: number | null): void;
  /** Move the event of a button by days and minutes, or its end by minutes. */
  move(button: HTMLElement, days: number, minutes: number, end: number): void;
}

/** Minutes to which times snap. */
const step = 15;
/** Pixels from which a press is a drag. */
const least = 5;

interface Place {
  readonly day: number;
  /** Minutes of the day, null where days are whole. */
  readonly minutes: number | null;
  readonly column: HTMLElement;
}

export function listenForDrags(root: HTMLElement, does: Dragged): void {
  root.addEventListener("pointerdown", (event) => {
    const target = event.target as Element;
    if (event.button !== 0 || target.closest("button:not(.cal-event), a") !== null) return;
    const start = placeAt(event.clientX, event.clientY);
    if (start === null) return;
    const button = target.closest<HTMLElement>(".cal-event");
    if (event.pointerType === "touch") {
      if (button === null) tap(root, event, () => make(does, start, start));
      return;
    }
    drag(root, event, start, button, target.closest(".cal-grip") !== null, does);
  });
}

function tap(root: HTMLElement, first: PointerEvent, run: () => void): void {
  const end = new AbortController();
  root.addEventListener("pointercancel", () => end.abort(), { signal: end.signal });
  root.addEventListener(
    "pointerup",
    (event) => {
      end.abort();
      if (Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < 2 * least) run();
    },
    { signal: end.signal },
  );
}

function drag(
  root: HTMLElement,
  first: PointerEvent,
  start: Place,
  button: HTMLElement | null,
  grip: boolean,
  does: Dragged,
): void {
  const end = new AbortController();
  const { signal } = end;
  const mark = el("div", { class: "cal-mark", "aria-hidden": "true" });
  let moving = false;
  let last = start;
  const stop = () => {
    end.abort();
    mark.remove();
    button?.classList.remove("dragged");
  };
  const moved = (event: PointerEvent) => {
    if (!moving && Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < least) return;
    moving = true;
    button?.classList.add("dragged");
    last = placeAt(event.clientX, event.clientY) ?? last;
    draw(mark, start, last, button, grip);
  };
  const done = () => {
    stop();
    if (!moving) {
      if (button === null) make(does, start, start);
      return;
    }
    // the click that follows is part of the drag
    const swallow = (click: Event) => click.stopPropagation();
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true), 0);
    if (button === null) make(does, start, last);
    else {
      const minutes = start.minutes === null || last.minutes === null ? 0 : snapped(last.minutes - start.minutes);
      if (grip) does.move(button, 0, 0, minutes);
      else does.move(button, last.day - start.day, minutes, 0);
    }
  };
  if (button === null) first.preventDefault();
  root.addEventListener("pointermove", moved, { signal });
  addEventListener("pointerup", done, { signal });
  addEventListener("pointercancel", stop, { signal });
  addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || !moving) return;
      event.stopPropagation();
      stop();
    },
    { capture: true, signal },
  );
}

function make(does: Dragged, start: Place, last: Place): void {
  const [from, to] = start.day <= last.day ? [start.day, last.day] : [last.day, start.day];
  if (start.minutes === null) does.make(from, to, null, null);
  else if (last.minutes === null || last.minutes === start.minutes) {
    const begin = Math.floor(start.minutes / 30) * 30;
    does.make(start.day, start.day, begin, begin + 60);
  } else {
    const begin = Math.floor(Math.min(start.minutes, last.minutes) / step) * step;
    const end = Math.ceil(Math.max(start.minutes, last.minutes) / step) * step;
    does.make(start.day, start.day, begin, Math.max(begin + step, end));
  }
}

const snapped = (minutes: number): number => Math.round(minutes / step) * step;

/** The day and time below a point. */
function placeAt(x: number, y: number): Place | null {
  for (const found of document.elementsFromPoint(x, y)) {
    const column = found.closest<HTMLElement>("[data-day]");
    if (column === null || column.tagName === "BUTTON") continue;
    const within = column.classList.contains("cal-column");
    const minutes = within ? ((y - column.getBoundingClientRect().top) * 60) / hour : null;
    return {
      day: Number(column.dataset["day"]),
      minutes: minutes === null ? null : Math.max(0, Math.min(1440, minutes)),
      column,
    };
  }
  return null;
}

function draw(mark: HTMLElement, start: Place, last: Place, button: HTMLElement | null, grip: boolean): void {
  const target = grip || button === null ? start : last;
  if (target.minutes === null || last.minutes === null || start.minutes === null) {
    mark.remove();
    if (last.minutes === null) last.column.append(mark);
    Object.assign(mark.style, { top: "0", height: "100%" });
    mark.textContent = "";
    return;
  }
  const top = button === null ? 0 : button.offsetTop;
  const height = button === null ? 0 : button.offsetHeight;
  const by = (snapped(last.minutes - start.minutes) * hour) / 60;
  let from = (Math.floor(Math.min(start.minutes, last.minutes) / step) * step * hour) / 60;
  let to = (Math.ceil(Math.max(start.minutes, last.minutes) / step) * step * hour) / 60;
  if (button !== null) [from, to] = grip ? [top, top + height + by] : [top + by, top + height + by];
  target.column.append(mark);
  Object.assign(mark.style, { top: `${from}px`, height: `${Math.max(8, to - from)}px` });
  const text = (pixels: number) => clock(dateOf(target.day, snapped((pixels * 60) / hour)));
  mark.textContent = `${text(from)} – ${text(to)}`;
}
