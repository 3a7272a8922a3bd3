// Short words at the bottom: what was done, with a way back, or what failed. They come and go by themselves and never ask.

import { el } from "./dom";
import { t } from "./words";

/** How long a word stands: WEBMAIL-124. */
const shown = 10_000;
const most = 3;

export interface ToastAction {
  readonly title: string;
  run(): void;
}

export interface Toast {
  /** Say something else. */
  say(text: string): void;
  close(): void;
}

const stack = el("div", { class: "toasts", role: "status", "aria-live": "polite" });

/** Say something; it goes after ten seconds or so many ms, or with its action. 0 ms: it stays until `close`. */
export function toast(text: string, action?: ToastAction, time = shown): Toast {
  if (!stack.isConnected) document.body.append(stack);
  const words = el("span", {}, text);
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    box.remove();
  };
  const box = el(
    "div",
    { class: "toast" },
    words,
    action !== undefined &&
      el(
        "button",
        {
          class: "toast-action",
          onclick: () => {
            close();
            action.run();
          },
        },
        action.title,
      ),
    time > 0 && el("button", { class: "toast-close", "aria-label": t("Close"), onclick: close }, "×"),
  );
  if (time > 0) timer = window.setTimeout(close, time);
  stack.append(box);
  while (stack.childElementCount > most) stack.firstElementChild?.remove();
  return { say: (other) => (words.textContent = other), close };
}
