// Fields of forms: a label, the control, its explanation, and an error at the place where it has to be mended.

import { fieldsOf } from "./client";
import { type Child, el, fill, sign } from "./dom";
import { octagonAlert } from "./icons";
import { t } from "./words";

export type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** A control with its label. */
export interface Field<C extends HTMLElement = Control> {
  readonly root: HTMLElement;
  readonly control: C;
  /** Show an error; "" for none. */
  problem(text: string): void;
}

let made = 0;

/** A labelled control; `hint` explains it. */
export function field<C extends HTMLElement>(label: string, control: C, hint: Child = null): Field<C> {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control.id === "") control.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () =>
    described() === ""
      ? control.removeAttribute("aria-describedby")
      : control.setAttribute("aria-describedby", described());
  describe();
  const problem = (text: string) => {
    error.hidden = text === "";
    fill(error, text !== "" && [sign(octagonAlert, "i s"), el("span", {}, text)]);
    control.setAttribute("aria-invalid", String(text !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return {
    root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help),
    control,
    problem,
  };
}

/** A check box with its label behind it. */
export function tick(label: Child, on: boolean, hint: Child = null): Field<HTMLInputElement> {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text: string) => {
    error.hidden = text === "";
    fill(error, text);
  };
  const words = el(
    "span",
    { class: "grow" },
    label,
    hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint),
    error,
  );
  return { root: el("label", { class: "check" }, control, words), control, problem };
}

/** A choice: values with their words. */
export function choice(
  label: string,
  values: readonly (readonly [value: string, words: string])[],
  chosen: string,
  hint: Child = null,
): Field<HTMLSelectElement> {
  const control = el(
    "select",
    {},
    values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)),
  );
  return field(label, control, hint);
}

/** One line of text. */
export function line(
  label: string,
  value: string,
  hint: Child = null,
  attributes: Record<string, string> = {},
): Field<HTMLInputElement> {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}

/** What is in a form is saved: nothing of it is kept any more (lib/unsaved.ts). */
export function saved(form: HTMLElement): void {
  delete form.dataset["unsaved"];
  form.dispatchEvent(new Event("saved", { bubbles: true }));
}

/** A form: its fields, and a button that runs `save`, which resolves to false if it has told why it couldn't. While it runs, the button cannot
 * be pressed again. What cannot be put at a field is shown above the button. */
export function form(
  content: Child,
  action: string,
  save: () => Promise<unknown>,
  kind = "primary",
): { root: HTMLFormElement; complain: (text: string) => void } {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text: string) => {
    error.hidden = text === "";
    fill(error, text);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row = el("div", { class: "flex wrap" }, submit);
  const root = el(
    "form",
    {
      class: "form",
      novalidate: true,
      onsubmit: async (event: Event) => {
        event.preventDefault();
        submit.disabled = true;
        root.ariaBusy = "true";
        complain("");
        try {
          const done = (await save()) !== false;
          if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
        } catch (failure) {
          complain(failure instanceof Error ? failure.message : String(failure));
        } finally {
          submit.disabled = false;
          root.ariaBusy = null;
          root.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
        }
      },
    },
    content,
    error,
    row,
  );
  // in a dialog all buttons are in one row, the one that acts last
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row.className) {
      row.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
}

/** What a form does when it is sent. While it runs, the form is not sent again: two presses on a slow line are one. */
export function once(work: () => Promise<unknown>): (event: Event) => void {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    const form = event.currentTarget as HTMLElement;
    form.ariaBusy = "true";
    void work().finally(() => {
      running = false;
      form.ariaBusy = null;
    });
  };
}

/** The values of a form that differ from those it was filled with: the others are not sent, so they stay as they are. */
export function differing<T extends object>(old: T, now: Partial<T>): Partial<T> {
  return Object.fromEntries(
    Object.entries(now).filter(([name, value]) => value !== old[name as keyof T]),
  ) as Partial<T>;
}

/** Show the mistakes of a failed call at their fields: at the one whose name is that of the mistake, or its longest beginning.
 * Throws the error again if it is no such failure, or an error with the mistakes that have no field here. */
export function atFields(error: unknown, places: Readonly<Record<string, { problem(text: string): void }>>): void {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest: string[] = [];
  for (const { field: name, text } of mistakes) {
    const best = Object.keys(places)
      .filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`)))
      .sort((a, b) => b.length - a.length)[0];
    if (best === undefined) rest.push(`${name} ${text}`.trim());
    else places[best]!.problem(`${text[0]?.toUpperCase() ?? ""}${text.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
}

/** Texts of fields whose entry is missing. */
export const missing = (): string => t("Required.");
