// What the parts of the admin app share: saving settings, refusals at fields, removing with a name typed again, filters.

import { codeOf, fieldsOf, messageOf } from "../../lib/client";
import { dialog, showError } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { type Field, line, saved } from "../../lib/fields";
import { sentence } from "../../lib/sentence";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";
import { Editor, type Section } from "./editor";
import type { Desk } from "./page";

/** A form for the settings at a path of domains.toml; `only` chooses fields, by their names; `sections` order them. */
export async function settingsForm(
  desk: Desk,
  path: readonly string[],
  only?: (name: string) => boolean,
  sections: readonly Section[] = [],
): Promise<HTMLElement> {
  const found = await desk.client.settings([...path]);
  const fields = only === undefined ? found.fields : found.fields.filter((one) => only(one.name));
  const names = new Set(fields.map((one) => one.name));
  const chosen = Object.fromEntries(Object.entries(found.values).filter(([name]) => names.has(name)));
  let rest = Object.fromEntries(Object.entries(found.values).filter(([name]) => !names.has(name)));
  const save = async (
    before: Record<string, unknown>,
    after: Record<string, unknown>,
    base?: Record<string, unknown>,
  ): Promise<boolean> => {
    if (base !== undefined) rest = Object.fromEntries(Object.entries(base).filter(([name]) => !names.has(name)));
    try {
      await desk.client.settings_save([...path], { ...rest, ...before }, { ...rest, ...after });
    } catch (error) {
      if (codeOf(error) !== "user:conflict") throw error;
      const answer = await conflict(error);
      if (answer !== "mine") {
        if (answer === "theirs") await desk.refresh();
        return answer === "theirs";
      }
      // what is there now is the base, with the fields that were changed here on top of it
      const { values: now } = await desk.client.settings([...path]);
      return save(
        Object.fromEntries(Object.entries(now).filter(([name]) => names.has(name))),
        onTop(now, before, after, names),
        now,
      );
    }
    desk.say(t("Saved"), {
      title: t("Undo"),
      run: () => void undo(desk, path, { ...rest, ...after }, { ...rest, ...before }),
    });
    await desk.refresh();
    return true;
  };
  return new Editor(fields, chosen, save, sections).root;
}

async function undo(
  desk: Desk,
  path: readonly string[],
  now: Record<string, unknown>,
  then: Record<string, unknown>,
): Promise<void> {
  try {
    await desk.client.settings_save([...path], now, then);
    await desk.refresh();
  } catch (error) {
    await showError(t("Couldn't undo"), error);
  }
}

/** The values of `now` in these fields, with those that differ between `before` and `after`. */
function onTop(
  now: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const value = JSON.stringify(before[name]) === JSON.stringify(after[name]) ? now[name] : after[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Someone else has changed the same object: both versions are told; nothing is written. */
async function conflict(error: unknown): Promise<"theirs" | "mine" | null> {
  return dialog<"theirs" | "mine">(t("Changed elsewhere"), (close) => [
    el("p", { class: "dialog-text" }, messageOf(error)),
    el("p", { class: "dialog-text" }, t("Your changes weren't saved. You can still edit them here.")),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn line", onclick: () => close("theirs") }, t("Discard my changes")),
      el("button", { class: "btn primary", autofocus: true, onclick: () => close("mine") }, t("Save anyway")),
    ),
  ]);
}

/** A form with fields. Refusals of `run` are shown at the fields, all at once. `cancel`: the other button of a dialog. */
export function fieldForm(
  fields: Readonly<Record<string, Field<HTMLElement>>>,
  action: string,
  run: () => Promise<unknown>,
  more: Child = null,
  cancel: HTMLElement | null = null,
): HTMLFormElement {
  const failure = el("div", { hidden: true });
  const button = el("button", { class: "btn primary", type: "submit" }, action);
  const form = el(
    "form",
    {
      class: "form",
      novalidate: true,
      onsubmit: async (event: Event) => {
        event.preventDefault();
        button.disabled = true;
        failure.hidden = true;
        form.ariaBusy = "true";
        try {
          if ((await run()) !== false) saved(form);
        } catch (error) {
          refusal(error, fields, failure, form);
        } finally {
          button.disabled = false;
          form.ariaBusy = null;
        }
      },
    },
    Object.values(fields).map((one) => one.root),
    more,
    failure,
    el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button),
  );
  return form;
}

/** Show why a call failed: mistakes at their fields, the rest in `failure`. */
function refusal(
  error: unknown,
  fields: Readonly<Record<string, Field<HTMLElement>>>,
  failure: HTMLElement,
  form: HTMLElement,
): void {
  const [single, ...others] = Object.keys(fields);
  const told = fieldsOf(error);
  // a refusal in words alone is about the one field that there is
  const mistakes =
    told.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== undefined
      ? [{ field: single, text: messageOf(error) }]
      : told;
  const rest = mistakes.filter((one) => fields[one.field] === undefined);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
}

/** A dialog with fields. `run` makes the call; its refusals are shown at the fields, all at once. Resolves with what `run` gave,
 * or null. */
export function fieldDialog<T>(
  title: string,
  action: string,
  fields: Readonly<Record<string, Field<HTMLElement>>>,
  run: () => Promise<T>,
  more: Child = null,
): Promise<T | null> {
  return dialog<T | null>(title, (close) => [
    fieldForm(
      fields,
      action,
      async () => close(await run()),
      more,
      el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")),
    ),
  ]);
}

/** Ask for a name to be typed again before something goes for good; `what` says what goes and what stays. */
export async function typedAgain(title: string, name: string, what: Child, action: string): Promise<boolean> {
  const typed = line(t("Type {name} to continue", { name }), "");
  const answer = await dialog<boolean>(title, (close) => {
    const button = el("button", { class: "btn line danger", type: "submit", disabled: true }, action);
    typed.control.addEventListener("input", () => (button.disabled = typed.control.value !== name));
    return [
      el("div", { class: "dialog-text" }, what),
      el(
        "form",
        {
          class: "form",
          data: { fleeting: "" },
          onsubmit: (event: Event) => {
            event.preventDefault();
            if (typed.control.value === name) close(true);
          },
        },
        typed.root,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")),
          button,
        ),
      ),
    ];
  });
  return answer === true;
}

/** A secret that is shown once. */
export async function showSecret(title: string, text: string, secret: Child): Promise<void> {
  await dialog<void>(title, (close) => [
    el("p", { class: "dialog-text" }, text),
    el("p", {}, secret),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Done")),
    ),
  ]);
}

/** A form that filters a list: by its button, and at once when a choice changes. */
export function filterForm(apply: () => void, ...fields: Child[]): HTMLFormElement {
  const form = el(
    "form",
    {
      class: "filter",
      "aria-label": t("Filter"),
      onsubmit: (event: Event) => {
        event.preventDefault();
        apply();
      },
    },
    fields,
    el("button", { class: "btn line", type: "submit" }, t("Filter")),
  );
  for (const one of form.querySelectorAll("select")) one.addEventListener("change", apply);
  return form;
}
