// Forms for any object of domains.toml, from the description of its fields: each field has the control of its type, its explanation
// and its default.

import type { FieldInfo } from "../../gen/admin";
import { type FieldProblem, fieldsOf } from "../../lib/client";
import { type Child, el, fill, sign } from "../../lib/dom";
import { choice, line, tick, saved } from "../../lib/fields";
import { arrowUp, plus, trash2 } from "../../lib/icons";
import { iconButton, visible } from "../../lib/pages";
import { notice } from "../../lib/states";
import { t } from "../../lib/words";

type Value = unknown;

/** A control of the form. */
interface Part {
  readonly root: HTMLElement;
  /** The value in the form of the file; undefined where it is not set. */
  read(): Value;
  /** Show a mistake at the rest of a path below this part. */
  problem(path: string, text: string): boolean;
}

/** Why a text is not what is asked for, found by the page itself. */
class Unreadable extends Error {}

/** Fields that belong together, by their names. The first section of a form is open. */
export interface Section {
  readonly title: string;
  readonly names: readonly string[];
}

/** A form for fields; `save` gets what was shown and what is wanted now. Above its button it says what would change. */
export class Editor {
  readonly root: HTMLFormElement;
  private readonly parts: ReadonlyMap<string, Part>;
  private readonly failure = el("div", { hidden: true });
  private readonly bar = el("div", { class: "bar" });
  private readonly changes = el("div", { class: "changes", role: "status", hidden: true });

  constructor(
    private readonly infos: readonly FieldInfo[],
    private readonly before: Readonly<Record<string, Value>>,
    save: (before: Record<string, Value>, after: Record<string, Value>) => Promise<unknown>,
    sections: readonly Section[] = [],
    action = t("Save"),
  ) {
    this.parts = new Map(infos.map((info) => [info.name, make(info, before[info.name])]));
    const button = el("button", { class: "btn primary", type: "submit" }, action);
    this.root = el(
      "form",
      {
        class: "editor",
        novalidate: true,
        onsubmit: async (event: Event) => {
          event.preventDefault();
          button.disabled = true;
          this.fail("");
          this.root.ariaBusy = "true";
          try {
            if ((await save({ ...this.before }, this.read())) !== false) saved(this.root);
          } catch (error) {
            this.complain(error);
          } finally {
            button.disabled = false;
            this.root.ariaBusy = null;
          }
        },
      },
      this.laidOut(sections),
      this.failure,
      this.changes,
      this.bar,
    );
    this.bar.append(button);
    for (const kind of ["input", "change", "click"]) this.root.addEventListener(kind, () => this.tell());
    this.adapt();
  }

  /** Lists that are and were empty have nothing to save. */
  private adapt(): void {
    this.bar.hidden =
      this.infos.every(
        ({ name, type }) => ["list", "map"].includes(type) && Object.keys(this.before[name] ?? {}).length === 0,
      ) && this.root.querySelector(".item") === null;
  }

  /** The fields in their sections; fields without a section come last. */
  private laidOut(sections: readonly Section[]): HTMLElement[] {
    const roots = (names: readonly string[]) => names.flatMap((name) => this.parts.get(name)?.root ?? []);
    if (sections.length === 0) return roots([...this.parts.keys()]);
    const placed = new Set(sections.flatMap(({ names }) => names));
    const rest = { title: t("All other settings"), names: [...this.parts.keys()].filter((name) => !placed.has(name)) };
    return [...sections, rest]
      .map(({ title: words, names }) => ({
        words,
        fields: roots(names),
        set: names.some((name) => name in this.before),
      }))
      .filter(({ fields }) => fields.length > 0)
      .map(({ words, fields, set }, i) =>
        el(
          "details",
          { class: "section", open: i === 0 },
          el("summary", {}, words, set && i > 0 && el("span", { class: "hint" }, ` · ${t("some set")}`)),
          el("div", { class: "items" }, fields),
        ),
      );
  }

  /** Say what a save would change. */
  private tell(): void {
    this.adapt();
    let after: Record<string, Value>;
    try {
      after = this.read();
    } catch {
      return; // the field says why
    }
    const lines = this.infos
      .filter(({ name }) => JSON.stringify(this.before[name]) !== JSON.stringify(after[name]))
      .map((info) => {
        const [was, will] = [this.before[info.name], after[info.name]].map((value) =>
          value === undefined ? t("not set") : visible(shown(info, value).slice(0, 200)),
        );
        return el("li", {}, el("b", {}, info.label), ": ", el("del", {}, was), " → ", el("ins", {}, will));
      });
    this.changes.hidden = lines.length === 0;
    fill(this.changes, lines.length > 0 && [el("p", {}, t("This will change:")), el("ul", {}, lines)]);
  }

  /** The values that are set. */
  read(): Record<string, Value> {
    const values: Record<string, Value> = {};
    for (const [name, part] of this.parts) {
      const value = part.read();
      if (value !== undefined) values[name] = value;
    }
    return values;
  }

  private complain(error: unknown): void {
    if (error instanceof Unreadable) {
      this.focus();
      return;
    }
    const rest: FieldProblem[] = [];
    for (const one of fieldsOf(error)) {
      const [name, below] = cut(one.field);
      if (!this.parts.get(name)?.problem(below, one.text)) rest.push(one);
    }
    if (rest.length > 0) this.fail(rest.map((one) => `${one.field} ${one.text}`.trim()).join("\n"));
    else if (fieldsOf(error).length === 0) this.fail(error instanceof Error ? error.message : String(error));
    this.focus();
  }

  private focus(): void {
    const bad = this.root.querySelector<HTMLElement>("[aria-invalid=true]");
    for (let at = bad?.closest("details"); at; at = at.parentElement?.closest("details")) at.open = true;
    bad?.focus();
  }

  private fail(text: string): void {
    this.failure.hidden = text === "";
    fill(this.failure, text !== "" && notice("danger", text));
  }
}

/** The first key of a path as in TOML, and the rest: `a.b`, `a[0].b`, `a."x.y"`. */
function cut(path: string): [string, string] {
  const match = /^\.?(?:"((?:[^"\\]|\\.)*)"|\[(\d+)\]|([^.[]+))/.exec(path);
  if (match === null) return [path, ""];
  const quoted = match[1]?.replace(/\\(.)/g, "$1");
  return [quoted ?? match[2] ?? match[3] ?? "", path.slice(match[0].length).replace(/^\./, "")];
}

/** A value in words. */
function shown(info: FieldInfo, value: Value): string {
  if (Array.isArray(value)) return value.map(String).join(", ");
  if (typeof value === "boolean") return value ? t("on") : t("off");
  if (typeof value === "object") return JSON.stringify(value);
  return info.words[String(value)] ?? String(value);
}

/** A text with the words between backticks as code. */
export function rendered(text: string): Child[] {
  return text.split(/`([^`]+)`/).map((piece, i) => (i % 2 === 1 ? el("code", {}, piece) : piece));
}

function make(info: FieldInfo, value: Value, label = info.label): Part {
  switch (info.type) {
    case "boolean":
      return boolean(info, value, label);
    case "enum":
      return words(info, value, label);
    case "table":
      return table(info, value, label);
    case "list":
      return list(info, value, label);
    case "map":
      return map(info, value, label);
    default:
      return text(info, value, label);
  }
}

function boolean(info: FieldInfo, value: Value, label: string): Part {
  const found = tick(label, value === undefined ? info.default === true : value === true, rendered(info.doc));
  return {
    root: found.root,
    read: () => (found.control.checked === (info.default === true) ? undefined : found.control.checked),
    problem: (_, words) => {
      found.problem(words);
      return true;
    },
  };
}

function words(info: FieldInfo, value: Value, label: string): Part {
  const values = Object.entries(info.words).map(([value, word]): [string, string] => [
    value,
    value === info.default ? t("{word} (default)", { word }) : word,
  ]);
  if (info.required) values.unshift(["", t("Choose…")]);
  const found = choice(label, values, String(value ?? info.default ?? ""), rendered(info.doc));
  return {
    root: found.root,
    read: () => (found.control.value === (info.default ?? "") ? undefined : found.control.value),
    problem: (_, said) => {
      found.problem(said);
      return true;
    },
  };
}

function text(info: FieldInfo, value: Value, label: string): Part {
  const numeric = info.type === "integer" || info.type === "number";
  const found = line(label, value === undefined || value === null ? "" : String(value), rendered(info.doc), {
    placeholder: String(info.default ?? ""),
    ...(numeric ? { inputmode: "decimal" } : {}),
    ...(info.required ? { required: "" } : {}),
  });
  const read = () => {
    const typed = found.control.value;
    if (typed === "") {
      if (!info.required) return undefined;
      found.problem(t("Required."));
      throw new Unreadable();
    }
    if (!numeric) return info.kind === "size" && /^-?\d+$/.test(typed) ? Number(typed) : typed;
    const number = Number(typed);
    if (!Number.isFinite(number) || (info.type === "integer" && !Number.isInteger(number))) {
      found.problem(info.type === "integer" ? t("Enter a whole number.") : t("Enter a number."));
      throw new Unreadable();
    }
    return number;
  };
  return {
    root: found.root,
    read,
    problem: (_, said) => {
      found.problem(said);
      return true;
    },
  };
}

/** A table: present or not where it has no default, with its fields below. */
function table(info: FieldInfo, value: Value, label: string): Part {
  const optional = info.default === null && !info.required;
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<string, Value>;
  const defaults = (typeof info.default === "object" && info.default !== null ? info.default : {}) as Record<
    string,
    Value
  >;
  const parts = new Map(
    info.fields.map((one) => [one.name, make({ ...one, default: defaults[one.name] ?? one.default }, given[one.name])]),
  );
  const on = tick(
    t("Set {what}", { what: label.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) }),
    value !== undefined && value !== null,
  );
  const body = el(
    "div",
    { class: "items" },
    [...parts.values()].map((part) => part.root),
  );
  const adapt = () => (body.hidden = optional && !on.control.checked);
  on.control.addEventListener("change", adapt);
  adapt();
  const root = el(
    "details",
    { open: value !== undefined && info.name !== "" },
    el("summary", {}, label),
    el("p", { class: "hint" }, rendered(info.doc)),
    optional && on.root,
    body,
  );
  const read = () => {
    if (optional && !on.control.checked) return undefined;
    const values: Record<string, Value> = {};
    for (const [name, part] of parts) {
      const one = part.read();
      if (one !== undefined) values[name] = one;
    }
    return !optional && Object.keys(values).length === 0 ? undefined : values;
  };
  const problem = (path: string, said: string) => {
    root.open = true;
    const [name, below] = cut(path);
    if (parts.get(name)?.problem(below, said)) return true;
    on.problem(said);
    return optional;
  };
  return { root, read, problem };
}

interface Item {
  readonly part: Part;
  readonly key: () => string;
  readonly root: HTMLElement;
}

/** A list of values, each with a button that removes it. */
function list(info: FieldInfo, value: Value, label: string): Part {
  return many(info, label, Array.isArray(value) ? value.map((one): [string, Value] => ["", one]) : [], (item) => ({
    part: item,
    keyed: null,
  }));
}

/** Values by names that are typed. */
function map(info: FieldInfo, value: Value, label: string): Part {
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return many(info, label, given, (item, key) => ({ part: item, keyed: line(t("Name"), key) }));
}

/** Open an item that was added, and put the focus into its first field. */
function begin(root: HTMLElement): void {
  root.querySelector("details")?.setAttribute("open", "");
  root.querySelector<HTMLElement>("input, select")?.focus();
}

/** The heading of a table in a list: its number, and what its first texts are. */
function heading(label: string, number: number, value: Value): string {
  const words = Object.values(
    (typeof value === "object" && value !== null ? value : {}) as Record<string, Value>,
  ).flatMap((one) =>
    typeof one === "string"
      ? [one]
      : Array.isArray(one) && one.every((item) => typeof item === "string")
        ? [one.join(", ")]
        : [],
  );
  const shown = words.slice(0, 2).join(" · ");
  return `${label} ${number}${shown === "" ? "" : `: ${visible(shown.slice(0, 80))}`}`;
}

function many(
  info: FieldInfo,
  label: string,
  given: [string, Value][],
  wrap: (part: Part, key: string) => { part: Part; keyed: ReturnType<typeof line> | null },
): Part {
  const below = info.item;
  if (below === null || below === undefined) throw new Error(`no item in ${info.name}`);
  const items: Item[] = [];
  const place = el("div", { class: "items", data: { rows: "" } });
  const error = el("span", { class: "error", hidden: true });
  const ordered = info.type === "list" && below.type === "table";
  const add = (key: string, value: Value) => {
    const made = make(
      { ...below, name: "", required: true },
      value,
      below.type === "table" ? heading(label, items.length + 1, value) : label,
    );
    const { part, keyed } = wrap(made, key);
    const remove = iconButton(t("Remove"), trash2, () => {
      items.splice(items.indexOf(item), 1);
      item.root.remove();
      adder.focus();
    });
    const move = (event: Event) => {
      const at = items.indexOf(item);
      if (at <= 0) return;
      const before = items[at - 1]!;
      items.splice(at - 1, 2, item, before);
      before.root.before(item.root);
      (event.currentTarget as HTMLElement).focus();
    };
    const root = el(
      "div",
      { class: "item" },
      el("div", { class: "items" }, keyed?.root, part.root),
      el("div", { class: "flex" }, ordered && iconButton(t("Move up"), arrowUp, move), remove),
    );
    const item: Item = { part, key: () => keyed?.control.value ?? "", root };
    if (below.type !== "table") root.querySelector("label")?.classList.add("sr");
    items.push(item);
    place.append(root);
    return root;
  };
  for (const [key, value] of given) add(key, value);
  const adder = el(
    "button",
    {
      class: "btn line small",
      type: "button",
      data: { adds: "" },
      onclick: () => begin(add("", undefined)),
    },
    sign(plus, "i s"),
    t("Add"),
  );
  const root = el(
    "fieldset",
    { class: "field" },
    el("legend", {}, label),
    el("span", { class: "hint" }, rendered(info.doc)),
    place,
    error,
    el("div", {}, adder),
  );
  const keyed = info.type === "map";
  const read = () => {
    if (items.length === 0) return undefined;
    if (keyed) return Object.fromEntries(items.map((item) => [item.key(), item.part.read() ?? {}]));
    return items.map((item) => item.part.read() ?? {});
  };
  const problem = (path: string, said: string) => {
    const [name, rest] = cut(path);
    const item = keyed ? items.find((one) => one.key() === name) : items[Number(name)];
    if (path !== "" && item?.part.problem(rest, said)) return true;
    error.hidden = false;
    fill(error, said);
    return true;
  };
  return { root, read, problem };
}
