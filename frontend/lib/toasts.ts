// Short messages at the bottom: an action that was done, with a button to undo it, or a failure. They disappear by themselves and
// never ask.

import { el, fill, sign } from "./dom";
import { focusHome } from "./focus";
import { x } from "./icons";
import { t } from "./words";

/** Milliseconds that a message is shown: WEBMAIL-124. */
const shown = 10_000;
const most = 3;

export interface ToastAction {
  readonly title: string;
  run(): void;
}

export interface Toast {
  /** Replace the text. */
  say(text: string): void;
  close(): void;
}

/** The messages, below each other. Each part of an app has a copy of this module: they share the element in the page. */
function stack(): HTMLElement {
  const found = document.querySelector<HTMLElement>("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}

/** Show a message. It disappears after `time` milliseconds, or with its action; with 0 it stays until `close`. The pointer or the
 * focus on it keeps it there; the time begins anew when they leave. */
export function toast(text: string, action?: ToastAction, time = shown): Toast {
  const words = el("span", {}, text);
  let timer = 0;
  // the pointer and the focus each hold it: who reads or is about to press a button has time (WCAG 2.2.1)
  let holds = 0;
  const hold = () => {
    holds++;
    clearTimeout(timer);
  };
  const release = () => {
    holds--;
    clearTimeout(timer);
    if (holds === 0 && time > 0 && box.isConnected) timer = window.setTimeout(close, time);
  };
  const close = () => {
    clearTimeout(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (focused) focusHome();
  };
  const box = el(
    "div",
    { class: "toast", onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release },
    words,
    action !== undefined &&
      el(
        "button",
        {
          class: "btn text toast-action",
          onclick: () => {
            close();
            action.run();
          },
        },
        action.title,
      ),
    time > 0 &&
      el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)),
  );
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  // what stays until its end, such as a progress with its button, goes last
  const passing = (one: Element) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}
