// The fields of one rule, and a rule in words.

import type { RuleCondition, RuleLabel, Rule as Sent } from "../../gen/account";
import { type Child, el, fill, sign } from "../../lib/dom";
import { choice, type Field, line, tick } from "../../lib/fields";
import { plus, x } from "../../lib/icons";
import { button, card } from "../../lib/pages";
import { mailboxName, meant, t } from "../../lib/words";

/** A rule with all of its fields. */
export type Rule = Required<Sent>;

export const fresh: Rule = {
  conditions: [],
  match: "all",
  mailbox: "",
  label: "",
  star: false,
  read: false,
  forward_to: [],
  never_junk: false,
  smtp_mail_from_regexp: "",
  msg_from_regexp: "",
  verified_domain: "",
  headers_regexp: [],
  is_forward: false,
  list_allow_domain: "",
  accept_rejects_to_mailbox: "",
  comment: "",
};

/** The condition that a new rule begins with. */
export const blank: RuleCondition = { part: "from", test: "contains", value: "" };

/** The folders and labels that rules can name. */
export interface Names {
  readonly mailboxes: readonly string[];
  readonly labels: readonly RuleLabel[];
}

/** A field for the name of a mailbox, with the known ones to choose from. */
export function mailbox(
  label: string,
  value: string,
  names: readonly string[],
  hint: Child = null,
): Field<HTMLInputElement> {
  const id = "mailbox-names";
  const made = line(label, value, hint, { list: id });
  made.root.append(
    el(
      "datalist",
      { id },
      names.map((name) => el("option", { value: name })),
    ),
  );
  return made;
}

/** Value of the choice of a folder that isn't there yet. */
const newFolder = "\n";

/** Where a rule moves mail: a folder, with Archive and Trash as what they are for, or one that is made then. */
function target(value: string, names: readonly string[]): Field<HTMLSelectElement> & { read(): string } {
  const acts: readonly (readonly [string, string])[] = [
    ["Archive", t("Archive")],
    ["Trash", t("Move to Trash")],
  ];
  const known = acts.filter(([name]) => names.includes(name));
  const others = [...new Set(value === "" ? names : [...names, value])].filter(
    (name) => !known.some(([act]) => act === name),
  );
  const made = choice(
    t("Move to"),
    [
      ["", t("Default folder")],
      ...known,
      ...others.map((name) => [name, mailboxName(name)] as const),
      [newFolder, t("New folder…")],
    ],
    value,
  );
  const name = el("input", {
    type: "text",
    maxlength: "250",
    placeholder: t("Folder name"),
    "aria-label": t("Folder name"),
    hidden: true,
  });
  // before the rule is read, at the root
  made.control.addEventListener("input", () => {
    name.hidden = made.control.value !== newFolder;
    if (!name.hidden) name.focus();
  });
  made.control.after(name);
  return { ...made, read: () => (name.hidden ? made.control.value : name.value.trim()) };
}

/** The parts of a message that conditions name. */
const parts: readonly (readonly [RuleCondition["part"], () => string])[] = [
  ["from", () => meant("rule", "From")],
  ["to", () => meant("rule", "To")],
  ["subject", () => meant("rule", "Subject")],
  ["text", () => t("Any text")],
  ["list", () => t("Mailing list")],
  ["larger", () => t("Larger than (MB)")],
  ["attachment", () => t("Has an attachment")],
];

/** The tests of conditions. */
export const tests: readonly (readonly [RuleCondition["test"], () => string])[] = [
  ["contains", () => meant("rule", "contains")],
  ["is", () => meant("rule", "is")],
  ["begins", () => t("begins with")],
  ["ends", () => t("ends with")],
];

const partName = (part: RuleCondition["part"]) => parts.find(([one]) => one === part)![1]();

/** A condition in words. */
function said({ part, test, value }: RuleCondition): string {
  if (part === "attachment") return t("Has an attachment");
  if (part === "larger") return t("larger than {size}", { size: value.replace(/m$/i, " MB") });
  const values = { part: partName(part), text: value };
  if (test === "is") return t("{part} is “{text}”", values);
  if (test === "begins") return t("{part} begins with “{text}”", values);
  if (test === "ends") return t("{part} ends with “{text}”", values);
  return t("{part} contains “{text}”", values);
}

/** The conditions of a rule in one line. */
export function conditions(rule: Sent): string {
  const words = (rule.conditions ?? []).map(said);
  return [
    words.length < 2 || rule.match !== "any"
      ? words.join(", ")
      : t("any of: {conditions}", { conditions: words.join(", ") }),
    rule.msg_from_regexp !== "" ? t("From matches {pattern}", { pattern: rule.msg_from_regexp }) : "",
    rule.smtp_mail_from_regexp !== ""
      ? t("envelope sender matches {pattern}", { pattern: rule.smtp_mail_from_regexp })
      : "",
    rule.verified_domain !== "" ? t("from verified domain {domain}", { domain: rule.verified_domain }) : "",
    ...rule.headers_regexp.map((one) => t("{name} matches {pattern}", { name: one.name, pattern: one.value })),
    rule.list_allow_domain !== "" ? t("mailing list at {domain}", { domain: rule.list_allow_domain }) : "",
    rule.is_forward ? t("forwarded") : "",
  ]
    .filter((text) => text !== "")
    .join(", ");
}

/** What a rule does, in one line. */
export function actions(rule: Rule, labels: readonly RuleLabel[]): string {
  const label = labels.find((one) => one.keyword === rule.label)?.name ?? rule.label;
  return [
    rule.mailbox !== "" ? t("move to {mailbox}", { mailbox: mailboxName(rule.mailbox) }) : "",
    rule.label !== "" ? t("label “{label}”", { label }) : "",
    rule.star ? meant("rule", "flag") : "",
    rule.read ? t("mark as read") : "",
    rule.forward_to.length > 0 ? t("forward to {addresses}", { addresses: rule.forward_to.join(", ") }) : "",
    rule.never_junk ? t("Never junk") : "",
  ]
    .filter((text) => text !== "")
    .join(", ");
}

export function small(path: string, name: string, run: () => void, disabled = false): HTMLButtonElement {
  return el(
    "button",
    { class: "btn icon small", type: "button", title: name, "aria-label": name, disabled, onclick: run },
    sign(path, "i s"),
  );
}

/** Changes some fields of the rule. */
type Put = (change: Partial<Rule>) => void;

/** Notes a field by its key, for mistakes that the server tells. */
type Named = <F extends { problem(text: string): void }>(key: string, one: F) => F;

/** The card with all fields of a rule, the one with this number. */
export function ruleFields(number: number, rule: Rule, names: Names, put: Put, named: Named): HTMLElement {
  const text = (
    key: "msg_from_regexp" | "smtp_mail_from_regexp" | "verified_domain" | "list_allow_domain" | "comment",
    label: string,
    hint: string,
  ) => {
    const one = line(label, rule[key], hint);
    one.control.addEventListener("input", () => put({ [key]: one.control.value }));
    return named(key, one);
  };
  const rejects = mailbox(
    t("Move rejected mail to"),
    rule.accept_rejects_to_mailbox,
    names.mailboxes,
    t("Mail will be moved here instead of being rejected."),
  );
  rejects.control.addEventListener("input", () => put({ accept_rejects_to_mailbox: rejects.control.value }));
  const forward = tick(
    t("Forwarded mail"),
    rule.is_forward,
    t(
      "For mail forwarded by a service at the verified domain. The junk filter will ignore the service itself. Requires an envelope sender and a verified domain.",
    ),
  );
  forward.control.addEventListener("change", () => put({ is_forward: forward.control.checked }));
  const folder = target(rule.mailbox, names.mailboxes);
  folder.root.addEventListener("input", () => put({ mailbox: folder.read() }));
  const label = choice(meant("rule", "Label"), [["", t("No label")], ...labelsOf(rule, names.labels)], rule.label);
  label.control.addEventListener("change", () => put({ label: label.control.value }));
  const star = tick(t("Flag"), rule.star);
  star.control.addEventListener("change", () => put({ star: star.control.checked }));
  const read = tick(t("Mark as read"), rule.read);
  read.control.addEventListener("change", () => put({ read: read.control.checked }));
  const junk = tick(t("Never junk"), rule.never_junk, t("Only if the sender is verified."));
  junk.control.addEventListener("change", () => put({ never_junk: junk.control.checked }));
  const forwards = line(
    t("Forward a copy to"),
    rule.forward_to.join(" "),
    t("Forwarding starts when the recipient confirms by email. Separate addresses with spaces."),
  );
  forwards.control.addEventListener("input", () =>
    put({ forward_to: forwards.control.value.split(/[\s,]+/).filter((word) => word !== "") }),
  );
  const patterns = [rule.msg_from_regexp, rule.verified_domain, rule.smtp_mail_from_regexp, rule.list_allow_domain];
  const special = rule.headers_regexp.length > 0 || rule.is_forward || rule.accept_rejects_to_mailbox !== "";
  return card(
    t("Rule {n}", { n: number }),
    el(
      "div",
      { class: "form" },
      words(rule, put, named),
      el("h3", {}, t("Then")),
      el(
        "div",
        { class: "rule-actions" },
        named("mailbox", folder).root,
        named("label", label).root,
        named("forward_to", forwards).root,
        el("div", { class: "form" }, star.root, read.root, junk.root),
      ),
      el(
        "details",
        { open: special || patterns.some((text) => text !== "") },
        el("summary", {}, t("More options: name, patterns, and headers")),
        el(
          "div",
          { class: "form gap" },
          text("comment", t("Rule name"), t("Only you can see this.")).root,
          text(
            "msg_from_regexp",
            t("From pattern"),
            t("Pattern for the From address, in lowercase. For a domain, use @example\\.org$."),
          ).root,
          text("verified_domain", t("Verified domain"), t("Verified by SPF or DKIM. Includes subdomains.")).root,
          headers(rule, put, named),
          text(
            "smtp_mail_from_regexp",
            t("Envelope sender"),
            t("Pattern for the bounce address. Useful for lists and forwarding."),
          ).root,
          text(
            "list_allow_domain",
            t("Mailing list domain"),
            t("Mail from this verified domain skips the junk filter."),
          ).root,
          named("is_forward", forward).root,
          named("accept_rejects_to_mailbox", rejects).root,
        ),
      ),
    ),
  );
}

/** The labels that can be chosen: those with a name, and the one that the rule has. */
function labelsOf(rule: Rule, labels: readonly RuleLabel[]): (readonly [string, string])[] {
  const known = labels.map((one) => [one.keyword, one.name] as const);
  const own = rule.label !== "" && !labels.some((one) => one.keyword === rule.label);
  return own ? [...known, [rule.label, rule.label]] : known;
}

/** The conditions in words: each a part of the message, a test and a text. */
function words(rule: Rule, put: Put, named: Named): HTMLElement {
  const rows = el("div", { class: "form" });
  const draw = () => {
    const change = (index: number, other: Partial<RuleCondition>) =>
      put({ conditions: rule.conditions.map((old, i) => (i === index ? { ...old, ...other } : old)) });
    const lines = rule.conditions.map((one, index) =>
      conditionRow(
        one,
        index,
        (other) => change(index, other),
        () => {
          put({ conditions: rule.conditions.filter((_, i) => i !== index) });
          draw();
        },
        draw,
        named,
      ),
    );
    fill(rows, lines);
    match.root.hidden = rule.conditions.length < 2;
  };
  const match = choice(
    t("Match conditions"),
    [
      ["all", t("If all of these match")],
      ["any", t("If any of these match")],
    ],
    rule.match,
  );
  match.control.addEventListener("change", () => put({ match: match.control.value as Rule["match"] }));
  const add = button(
    t("Add condition"),
    () => {
      put({ conditions: [...rule.conditions, { ...blank }] });
      draw();
      rows.querySelector<HTMLElement>(".condition:last-child select")?.focus();
    },
    { kind: "text small", icon: plus },
  );
  draw();
  return el("div", { class: "form" }, match.root, rows, el("div", {}, add));
}

/** One condition; `redraw` when another part is chosen, which has other tests. */
function conditionRow(
  one: RuleCondition,
  index: number,
  change: (other: Partial<RuleCondition>) => void,
  drop: () => void,
  redraw: () => void,
  named: Named,
): HTMLElement {
  const error = el("span", { class: "error", hidden: true });
  const select = <T extends string>(name: string, all: readonly (readonly [T, () => string])[], chosen: T) =>
    el(
      "select",
      { class: "input", "aria-label": name },
      all.map(([value, text]) => el("option", { value, selected: value === chosen }, text())),
    );
  const part = select(t("Message part"), parts, one.part);
  part.addEventListener("change", () => {
    const next = part.value as RuleCondition["part"];
    const keeps = next !== "attachment" && next !== "larger" && one.part !== "larger";
    change({ part: next, test: next === one.part ? one.test : "contains", value: keeps ? one.value : "" });
    redraw();
  });
  const test = select(t("Comparison"), one.part === "text" ? tests.slice(0, 1) : tests, one.test);
  test.addEventListener("change", () => change({ test: test.value as RuleCondition["test"] }));
  const size = one.part === "larger";
  const value = el("input", {
    class: "input",
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": partName(one.part),
    inputmode: size ? "numeric" : "text",
    maxlength: "500",
  });
  value.value = size ? one.value.replace(/m$/i, "") : one.value;
  value.addEventListener("input", () => {
    const typed = value.value.trim();
    change({ value: size && /^\d+$/.test(typed) ? `${typed}m` : value.value });
  });
  named(`conditions[${index}]`, {
    problem: (text: string) => {
      error.hidden = text === "";
      value.setAttribute("aria-invalid", String(text !== ""));
      fill(error, text);
    },
  });
  const kind = one.part === "attachment" ? "bare" : size ? "sized" : "";
  return el(
    "div",
    { class: `condition ${kind}`, role: "group", "aria-label": t("Condition {n}", { n: index + 1 }) },
    part,
    kind === "" && test,
    kind !== "bare" && value,
    small(x, t("Remove condition"), drop),
    error,
  );
}

/** Patterns for header fields. */
function headers(rule: Rule, put: Put, named: Named): HTMLElement {
  const rows = el("div", { class: "form" });
  const error = el("span", { class: "error", hidden: true });
  named("headers_regexp", {
    problem: (text: string) => {
      error.hidden = text === "";
      fill(error, text);
    },
  });
  const draw = () =>
    fill(
      rows,
      rule.headers_regexp.map((one, index) => {
        const change = (other: Partial<typeof one>) =>
          put({ headers_regexp: rule.headers_regexp.map((old, i) => (i === index ? { ...old, ...other } : old)) });
        const name = line(t("Header field"), one.name, null, { placeholder: "^list-id$" });
        const value = line(t("Value"), one.value);
        name.control.addEventListener("input", () => change({ name: name.control.value }));
        value.control.addEventListener("input", () => change({ value: value.control.value }));
        const drop = small(x, t("Remove condition"), () => {
          put({ headers_regexp: rule.headers_regexp.filter((_, i) => i !== index) });
          draw();
        });
        return el("div", { class: "header-row" }, name.root, value.root, drop);
      }),
      el(
        "div",
        {},
        button(
          t("Header field matches…"),
          () => {
            put({ headers_regexp: [...rule.headers_regexp, { name: "", value: "" }] });
            draw();
          },
          { kind: "text small", icon: plus },
        ),
        error,
      ),
    );
  draw();
  return rows;
}
