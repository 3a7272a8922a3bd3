// The drop-down of the search bar: suggestions, and behind them the form with the same criteria as the bar; changes in one appear
// in the other at once (WEBMAIL-73). And the line with the progress of a search.

import type { Query } from "../../gen/webmail";
import { type Child, el, fill, sign } from "../../lib/dom";
import { calendar } from "../../lib/icons";
import { newRuleAt } from "../../lib/newrule";
import { adopt } from "../../lib/sheets";
import { many, meant, t } from "../../lib/words";
import { allLabels } from "../state/labels";
import type { Mail, Searching } from "../state/mail";
import { counted } from "../ui/counts";
import type { SearchBar } from "../ui/searchbar";
import sheet from "./form.css";
import { Glance, type Glanced } from "./glance";
import { kinds, type Problem, parse, ruleOf, states, type Token, tokens, write } from "./grammar";

adopt(sheet);

export type { Glanced } from "./glance";
export { parse } from "./grammar";
export { nameOfSearch, wordsOfSearch } from "../../lib/searched";

interface Field {
  readonly tag: string;
  readonly label: string;
  readonly hint?: string;
  /** The possible values; any text if missing. */
  readonly choices?: readonly string[];
}

/** The words of `has:` and `is:` as the form shows them. */
const choices: Readonly<Record<string, string>> = {
  any: t("Has attachment"),
  none: t("No attachment"),
  image: t("image file"),
  pdf: "PDF",
  archive: t("archive file"),
  spreadsheet: t("spreadsheet file"),
  document: t("document file"),
  presentation: t("presentation file"),
  unread: t("Unread"),
  read: meant("message", "Read"),
  flagged: t("Flagged"),
  starred: t("Flagged"),
  answered: t("Replied"),
};

const fields: readonly Field[] = [
  { tag: "", label: t("Words"), hint: t("anywhere in message") },
  { tag: "from", label: t("From") },
  { tag: "to", label: t("To, Cc, Bcc") },
  { tag: "subject", label: t("Subject") },
  { tag: "mailbox", label: t("Folder") },
  { tag: "label", label: t("Label") },
  { tag: "start", label: t("From date"), hint: "2026-11-21[T08:30]" },
  { tag: "end", label: t("To date"), hint: t("including this date") },
  { tag: "attachments", label: t("Attachments"), choices: kinds },
  { tag: "is", label: t("Status"), choices: Object.keys(states) },
  { tag: "minsize", label: t("At least"), hint: t("500k, 2m") },
  { tag: "maxsize", label: t("At most"), hint: t("500k, 2m") },
  { tag: "header", label: t("Header"), hint: t("Name:text") },
];

interface Names {
  readonly mailboxes: readonly { readonly id: number; readonly name: string }[];
  readonly labels: readonly string[];
}

let number = 0;

/** The search for the same in all mailboxes; "" if `query` covers them. */
export function wider(text: string, { filter }: Pick<Query, "filter">): string {
  if ((filter.mailbox_id ?? 0) <= 0 && (filter.mailbox_name ?? "") === "") return "";
  return text.replace(/(^|\s)(sub)?(mb|mailbox|in):("[^"]*"|\S*)/gi, " ").trim();
}

/** Show what a search can't look for, at its `place` below the bar. */
export function showProblems(place: HTMLElement, problems: readonly Problem[], search: (text: string) => void): void {
  place.hidden = problems.length === 0;
  fill(
    place,
    problems.map(({ why, meant: other }) =>
      el(
        "li",
        {},
        why,
        other !== undefined && [
          " ",
          el(
            "button",
            { type: "button", class: "link", onclick: () => search(other.text) },
            t("Did you mean {name}:?", { name: other.name }),
          ),
        ],
      ),
    ),
  );
}

/** Write the progress of a search, and the owners whose mailboxes it could not search. */
export function say(
  place: HTMLElement,
  { looked, of, found, messages, done, stopped, left_out, index, saved }: Searching,
  stop: () => void,
): void {
  const count = messages > found ? counted({ messages, conversations: found }) : many(found, "{n} found", "{n} found");
  const all = Math.max(of, looked);
  const words = [
    done && !stopped && count,
    saved === true && t("In mail saved on this device"),
    stopped &&
      many(
        all,
        "Stopped. {count}. Searched {looked} of {n} message",
        "Stopped. {count}. Searched {looked} of {n} messages",
        { count, looked },
      ),
    !done &&
      (looked === 0
        ? t("Searching…")
        : many(
            all,
            "Searching… {count}. Searched {looked} of {n} message",
            "Searching… {count}. Searched {looked} of {n} messages",
            { count, looked },
          )),
    !done && index?.[1] !== undefined && t("Preparing search: {done} of {total}", { done: index[0]!, total: index[1] }),
    left_out.length > 0 && t("Folders shared by {owners} aren't available right now.", { owners: left_out.join(", ") }),
  ]
    .filter((one) => one !== false)
    .join(" · ");
  // one line, whatever is to be said: the list below stays where it is
  fill(place, !done && el("button", { class: "link", type: "button", onclick: stop }, t("Stop")), words);
  place.title = words;
}

/** Show suggestions below the bar, unless the focus has left the bar while this part was loaded. */
export function openGlance(bar: SearchBar, mail: Mail, owner: Glanced): void {
  if (!bar.root.contains(document.activeElement) || !bar.form.hidden) return;
  bar.form.hidden = false;
  if (bar.form.childElementCount === 0) {
    const form = el("div", { class: "search-more" });
    const glance = new Glance(bar, mail, owner, () => {
      glance.root.hidden = true;
      form.hidden = false;
      if (form.childElementCount === 0) fillForm(form, bar, mail);
      form.querySelector("input")?.focus();
    });
    fill(bar.form, glance.root, form);
  }
  const [glance, form] = bar.form.children as unknown as [HTMLElement, HTMLElement];
  glance.hidden = false;
  form.hidden = true;
  bar.input.dispatchEvent(new Event("input"));
}

/** Fill in the form with all criteria. */
function fillForm(form: HTMLElement, bar: SearchBar, mail: Mail): void {
  const names = (): Names => {
    const mailboxes = mail.mailboxes.value;
    return { mailboxes, labels: allLabels(mail.settings.value.labels, mailboxes, []).map(({ name }) => name) };
  };
  const rows = fields.map((field) => row(field, bar, names));
  const draw = () => {
    const all = tokens(bar.input.value);
    const { problems } = parse(bar.input.value, names().mailboxes, new Date(), mail.settings.value.labels);
    for (const one of rows) one.draw(all, problems);
    toRule.hidden = account === "";
    toRule.disabled = ruleOf(all) === null;
  };
  const { account_path: account } = mail.facts.value;
  const toRule = el(
    "button",
    {
      type: "button",
      onclick: () => {
        const rule = ruleOf(tokens(bar.input.value));
        if (rule !== null) location.assign(newRuleAt(account, "", rule));
      },
    },
    t("Create rule…"),
  );
  fill(
    form,
    el(
      "p",
      { class: "search-help" },
      t("Separate words with spaces. To exclude a word, put “-” before it. To find a phrase, use quotes."),
    ),
    rows.map((one) => one.root),
    el(
      "div",
      { class: "dialog-buttons" },
      toRule,
      el("button", { type: "button", onclick: () => bar.end() }, t("Clear")),
      el("button", { type: "submit", class: "primary" }, t("Search")),
    ),
  );
  bar.input.addEventListener("input", draw);
  draw();
}

/** A field of the form. It contains the criteria of its tag, one after the other; negated ones keep their "-". */
function row(
  field: Field,
  bar: SearchBar,
  names: () => Names,
): { root: HTMLElement; draw(all: readonly Token[], problems: readonly Problem[]): void } {
  const id = `search-${++number}`;
  const wrong = el("span", { class: "field-problem", id: `${id}-wrong`, role: "alert" });
  const common = {
    class: "dialog-input",
    id,
    "aria-describedby": `${id}-wrong`,
    autocomplete: "off",
    spellcheck: "false",
  };
  const list = el("datalist", { id: `${id}-list` });
  const offered =
    field.tag === "mailbox"
      ? () => names().mailboxes.map(({ name }) => name)
      : field.tag === "label"
        ? () => names().labels
        : null;
  const input =
    field.choices !== undefined
      ? el(
          "select",
          common,
          el("option", { value: "" }, t("All messages")),
          field.choices.map((choice) => el("option", { value: choice }, choices[choice] ?? choice)),
        )
      : el("input", {
          ...common,
          placeholder: field.hint ?? "",
          maxlength: "1000",
          list: offered === null ? undefined : list.id,
        });
  const own = (token: Token) => token.tag === field.tag;
  const day = field.tag === "start" || field.tag === "end" ? calendarOf(input) : null;
  const changed = () => {
    const all = tokens(bar.input.value);
    const value = input.value.trim();
    const typed = field.tag === "" ? tokens(value).filter(own) : value === "" ? [] : tokensOf(field, value);
    // at the old position; else words first, all others last
    const first = all.findIndex(own);
    const at = first >= 0 ? first : field.tag === "" ? 0 : all.length;
    const others = (part: readonly Token[]) => part.filter((token) => !own(token));
    bar.input.value = write([...others(all.slice(0, at)), ...typed, ...others(all.slice(at))]);
    bar.input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", changed);
  input.addEventListener(
    "focus",
    () =>
      offered !== null &&
      fill(
        list,
        offered().map((value) => el("option", { value })),
      ),
  );
  return {
    root: el(
      "div",
      { class: "search-field" },
      el("label", { for: id }, field.label),
      day === null ? input : el("span", { class: "search-day" }, input, day),
      list,
      wrong,
    ) as HTMLElement,
    draw(all, problems) {
      // text that is being typed here stays as it is
      if (document.activeElement !== input) input.value = shown(field, all.filter(own));
      const found: Child = problems.find(({ token }) => own(token))?.why ?? "";
      fill(wrong, found);
      input.setAttribute("aria-invalid", String(found !== ""));
    },
  };
}

/** A button that opens the browser's calendar; the chosen day is put into the field. */
function calendarOf(input: HTMLInputElement | HTMLSelectElement): HTMLElement {
  const hidden = el("input", { type: "date", class: "search-calendar", tabindex: "-1", "aria-hidden": "true" });
  hidden.addEventListener("change", () => {
    input.value = hidden.value;
    input.dispatchEvent(new Event("input"));
    input.focus();
  });
  const choose = () => {
    hidden.value = input.value.slice(0, 10);
    hidden.showPicker();
  };
  return el(
    "span",
    {},
    hidden,
    el(
      "button",
      { type: "button", class: "link", "aria-label": t("Choose date"), title: t("Choose date"), onclick: choose },
      sign(calendar),
    ),
  );
}

function shown(field: Field, own: readonly Token[]): string {
  if (field.tag === "") return write(own);
  const single = field.choices !== undefined || ["mailbox", "start", "end", "minsize", "maxsize"].includes(field.tag);
  const first = own[0];
  if (first === undefined) return "";
  if (single) return first.not ? "" : first.value;
  return write(own.map((token) => ({ ...token, tag: "" })));
}

/** The criteria in a field's text: several for names and subjects, separated as words in the bar. */
function tokensOf(field: Field, value: string): Token[] {
  const single =
    field.choices !== undefined || ["mailbox", "start", "end", "minsize", "maxsize", "header"].includes(field.tag);
  if (single) return [{ not: false, tag: field.tag, value }];
  return tokens(value).map((token) =>
    token.tag === ""
      ? { ...token, tag: field.tag }
      : { not: token.not, tag: field.tag, value: `${token.tag}:${token.value}` },
  );
}
