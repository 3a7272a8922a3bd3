// Short messages at the bottom: an action that was done, with a button to undo it, or a failure. They disappear by themselves and
// never ask.

import { el, fill } from "./dom";
import { focusHome } from "./focus";
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

const stack = el("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Show a message. It disappears after `time` milliseconds, or with its action; with 0 it stays until `close`. */
export function toast(text: string, action?: ToastAction, time = shown): Toast {
  if (!stack.isConnected) document.body.append(stack);
  const words = el("span", {}, text);
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (focused) focusHome();
  };
  const box = el(
    "div",
    { class: "toast" },
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
    time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, "×"),
  );
  if (time > 0) timer = window.setTimeout(close, time);
  stack.append(box);
  while (stack.childElementCount > most) stack.firstElementChild?.remove();
  return { say: (other) => fill(words, other), close };
}
