// Elements over the page: log-in, errors, questions, and the status line.

import { byId, el, fill } from "./dom";
import { once } from "./fields";
import { holdFocus } from "./focus";
import { t } from "./words";

/** A modal dialog; resolves with the argument of `close`, or null if it is dismissed. */
export function dialog<T>(
  title: string,
  build: (close: (value: T) => void) => Node[],
  dismissable = true,
): Promise<T | null> {
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const box = el("dialog", { class: "dialog", "aria-label": title });
    const close = (value: T | null) => {
      box.close();
      box.remove();
      giveBack();
      resolve(value);
    };
    box.append(el("h2", { class: "dialog-title" }, title), ...build(close));
    box.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (dismissable) close(null);
    });
    box.addEventListener("keydown", (event) => event.stopPropagation());
    setStatus("");
    document.body.append(box);
    box.showModal();
  });
}

/** Report a failure: a text such as "Couldn't save draft", or the title of the error, and the reason. */
export async function showError(failed: string, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  await dialog<void>((error as { title?: string }).title ?? failed, (close) => [
    el("p", { class: "dialog-text" }, message),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}

/** Ask for confirmation of an action that cannot be undone, or, by the `kind` "primary", of one that destroys nothing. */
export async function confirm(title: string, message: string, action: string, kind = "line danger"): Promise<boolean> {
  const answer = await dialog<boolean>(title, (close) => [
    el("p", { class: "dialog-text" }, message),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")),
      el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action),
    ),
  ]);
  return answer === true;
}

/** A dialog with one line of text, which is given to `send` unless it is empty. It resolves with what that closes it with, or null. */
function line<T>(
  title: string,
  label: string,
  value: string,
  action: string,
  send: (text: string, close: (value: T) => void) => Promise<unknown>,
): Promise<T | null> {
  return dialog<T | null>(title, (close) => {
    const input = el("input", {
      class: "dialog-input",
      value,
      autofocus: true,
      "aria-label": label,
      autocomplete: "off",
    });
    return [
      el(
        "form",
        { onsubmit: once(async () => input.value !== "" && send(input.value, close)) },
        el("label", { class: "field" }, label, input),
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")),
          el("button", { class: "btn primary", type: "submit" }, action),
        ),
      ),
    ];
  });
}

/** Ask for one line of text. */
export const ask = (title: string, label: string, value: string, action: string): Promise<string | null> =>
  line<string>(title, label, value, action, async (text, close) => close(text));

/** Ask for one line of text, and save it. The dialog stays until `save` has resolved to true; it tells of its failure itself. True if it was saved. */
export const askToSave = async (
  title: string,
  label: string,
  value: string,
  action: string,
  save: (text: string) => Promise<boolean>,
): Promise<boolean> =>
  (await line<true>(title, label, value, action, async (text, close) => (await save(text)) && close(true))) === true;

/** Run an action of the user: show `doing` after one second, unless the action asks something, and report its failure with `failed`.
 * True if it succeeded. Both are whole texts ("Deleting…", "Couldn't delete contact"): no language makes one from the other. `undo`: have
 * the page below the report show what was before. */
export async function attempt(
  doing: string,
  failed: string,
  work: () => Promise<unknown>,
  undo?: () => unknown,
): Promise<boolean> {
  // a question that it asks is no wait
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1000);
  try {
    await work();
    return true;
  } catch (error) {
    undo?.();
    await showError(failed, error);
    return false;
  } finally {
    clearTimeout(timer);
    setStatus("");
  }
}

/** Set the status line; "" hides it. */
export function setStatus(message: string): void {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
}
