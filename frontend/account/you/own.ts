// The settings of the account that its user changes, each with the control of its type.

import { type Setting, settings } from "../../gen/accountsettings";
import { el } from "../../lib/dom";
import { atFields, choice, type Field, field, form, line, tick } from "../../lib/fields";
import { t } from "../../lib/words";
import type { Desk } from "../ui/page";

type Values = Record<string, unknown>;

/** A control; `read` gives the value in the form of the file, undefined for the default. */
interface Control {
  readonly field: Field<HTMLElement>;
  read(): unknown;
}

/** The form; `old` are the values as they are. */
export function ownSettings(desk: Desk, old: Values): HTMLElement {
  const controls = new Map(settings.map((one) => [one.name, control(one, old[one.name])]));
  const parts = [...controls.values()].map((one) => one.field.root);
  return form(parts, t("Save"), async () => {
    const changed: Values = {};
    for (const [name, one] of controls) {
      const value = one.read();
      if (value !== undefined) changed[name] = value;
    }
    try {
      await desk.client.settings_save(old, changed);
    } catch (error) {
      atFields(error, Object.fromEntries([...controls].map(([name, one]) => [name, one.field])));
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  }).root;
}

function control(setting: Setting, value: unknown): Control {
  const { label, about } = setting;
  const text = value === undefined ? "" : String(value);
  switch (setting.type) {
    case "boolean": {
      const made = tick(label, value === true, about);
      return { field: made, read: () => made.control.checked };
    }
    case "enum": {
      const words = setting.words.map((one) => [one, one] as const);
      const made = choice(label, words, text, about);
      return { field: made, read: () => made.control.value };
    }
    case "list": {
      const lines = Array.isArray(value) ? value.map(String) : [];
      const made = field(label, el("textarea", { rows: 4, spellcheck: "false" }, lines.join("\n")), about);
      const read = () => made.control.value.split("\n").filter((one) => one.trim() !== "");
      return { field: made, read };
    }
    case "number": {
      const made = line(label, text, about, { inputmode: "decimal" });
      const number = () =>
        /^-?[0-9]+(\.[0-9]+)?$/.test(made.control.value) ? Number(made.control.value) : made.control.value;
      return { field: made, read: () => (made.control.value === "" ? undefined : number()) };
    }
    default: {
      const made = line(label, text, about);
      return { field: made, read: () => (made.control.value === "" ? undefined : made.control.value) };
    }
  }
}
