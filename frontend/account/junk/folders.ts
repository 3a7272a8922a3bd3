// Folders by their names, in words: conditions such as "begins with junk", which are kept as a pattern. The pattern itself is
// behind "More", and what it says that no condition can stays as it is.

import type { RuleCondition } from "../../gen/account";
import { el, fill } from "../../lib/dom";
import { line } from "../../lib/fields";
import { plus, x } from "../../lib/icons";
import { button, iconButton } from "../../lib/pages";
import { t } from "../../lib/words";
import { tests } from "../rules/fields";

type Test = RuleCondition["test"];
type Condition = readonly [test: Test, name: string];

/** A name as a pattern has it, at its begin and end or within. */
const special = /[\\^$.|?*+()[\]{}]/g;
const piece = /^(\^?)((?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])+)(\$?)$/;

const ends: Readonly<Record<Test, readonly [before: string, after: string]>> = {
  contains: ["", ""],
  is: ["^", "$"],
  begins: ["^", ""],
  ends: ["", "$"],
};

/** The conditions of which one must hold for a name to match the pattern; null if conditions can't say it. */
export function conditionsOf(pattern: string): Condition[] | null {
  if (pattern === "") return [];
  // ^(junk|spam)$ is ^junk$|^spam$
  const grouped = /^(\^?)\(((?:[^\\()]|\\.)*)\)(\$?)$/s.exec(pattern);
  const [before = "", inside = pattern, after = ""] = grouped?.slice(1) ?? [];
  const found: Condition[] = [];
  for (const one of inside.split(/(?<=(?:^|[^\\])(?:\\\\)*)\|/)) {
    const match = piece.exec(before + one + after);
    if (match === null) return null;
    const test = (Object.keys(ends) as Test[]).find(
      (name) => ends[name][0] === match[1] && ends[name][1] === match[3],
    )!;
    found.push([test, match[2]!.replace(/\\(.)/g, "$1")]);
  }
  return found;
}

/** The pattern of conditions; those without a name say nothing. */
export function patternOf(conditions: readonly Condition[]): string {
  return conditions
    .filter(([, name]) => name !== "")
    .map(([test, name]) => ends[test][0] + name.toLowerCase().replace(special, "\\$&") + ends[test][1])
    .join("|");
}

/** The folders of a class. `matching` says which ones match a pattern now; `names` is the id of a list of names. */
export class Folders {
  readonly root: HTMLElement;
  private readonly rows = el("div", { class: "form" });
  private readonly hint = el("span", { class: "hint", role: "status" });
  private readonly pattern;
  private readonly add = button(t("Add condition"), () => this.append(), { kind: "text small", icon: plus });

  constructor(
    title: string,
    pattern: string,
    private readonly names: string,
    private readonly matching: (pattern: string) => string,
  ) {
    this.pattern = line(t("Pattern"), pattern, t("Lowercase pattern for folder names."));
    this.pattern.control.addEventListener("input", () => this.draw());
    this.root = el(
      "fieldset",
      { class: "group form" },
      el("legend", {}, title),
      this.rows,
      this.hint,
      el("div", {}, this.add),
      el(
        "details",
        { open: conditionsOf(pattern) === null },
        el("summary", {}, t("More")),
        el("div", { class: "form gap" }, this.pattern.root),
      ),
    );
    this.draw();
  }

  get value(): string {
    return this.pattern.control.value;
  }

  problem(text: string): void {
    this.root.querySelector("details")!.open = true;
    this.pattern.problem(text);
  }

  private append(): void {
    this.draw([...(conditionsOf(this.value) ?? []), ["is", ""]]);
    this.rows.querySelector<HTMLElement>(".condition:last-child input")?.focus();
  }

  private draw(conditions = conditionsOf(this.value) ?? []): void {
    const put = (changed: readonly Condition[]) => {
      this.pattern.control.value = patternOf(changed);
      this.pattern.problem("");
      this.tell();
    };
    const current = [...conditions];
    fill(
      this.rows,
      current.map((_, index) => this.row(current, index, put)),
    );
    this.tell();
  }

  private row(current: Condition[], index: number, put: (changed: readonly Condition[]) => void): HTMLElement {
    const [chosen, given] = current[index]!;
    const test = el(
      "select",
      { class: "input", "aria-label": t("Comparison") },
      tests.map(([value, text]) => el("option", { value, selected: value === chosen }, text())),
    );
    const name = el("input", {
      class: "input",
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": t("Folder name"),
      list: this.names,
      maxlength: "200",
    });
    name.value = given;
    const change = () => {
      current[index] = [test.value as Test, name.value.trim()];
      put(current);
    };
    test.addEventListener("change", change);
    name.addEventListener("input", change);
    const drop = iconButton(t("Remove condition"), x, () => {
      const rest = current.filter((_, other) => other !== index);
      put(rest);
      this.draw(rest);
    });
    return el(
      "div",
      { class: "condition sized", role: "group", "aria-label": t("Condition {n}", { n: index + 1 }) },
      test,
      name,
      drop,
    );
  }

  private tell(): void {
    this.hint.textContent = this.matching(this.value);
    this.add.hidden = conditionsOf(this.value) === null;
  }
}
