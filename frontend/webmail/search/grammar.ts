// Parsing of search texts to criteria, and writing them back (WEBMAIL-72): tokens separated by spaces, `"quoted text"` with `""`
// for a quote, `-` for "not", `tag:value`, alternatives by `OR` or in braces, `tag:(several values)`. Every text is valid: a token that is not a criterion is searched as a word, with a
// notice.

import type { Filter, Label, NotFilter, Query } from "../../gen/webmail";
import type { GivenCondition, GivenRule } from "../../lib/newrule";
import { t } from "../../lib/words";

type Kind = NonNullable<Filter["attachments"]>;

/** Maximum number of texts of each kind in the server's query. */
const most = 20;
/** Characters that are read, as many as the search bar takes: any page can lead to an address with more. */
const longest = 1000;

/** A criterion: a tag with its value, or a word with the tag "". */
export interface Token {
  readonly not: boolean;
  readonly tag: string;
  readonly value: string;
  /** In a word: the text before its colon if it looks like a tag, but is unknown. */
  readonly unknown?: string;
  /** Tokens of the same number are alternatives: one of them must match. */
  readonly group?: number;
}

/** A token that is ignored or searched as a word: the token as typed, and the reason. */
export interface Problem {
  readonly token: Token;
  readonly why: string;
  /** The text of the search with the operator that is probably meant. */
  readonly meant?: { readonly name: string; readonly text: string };
}

/** A mailbox, as operators name it. */
export interface Box {
  readonly id: number;
  readonly name: string;
  readonly roles?: readonly string[];
}

export interface Parsed {
  readonly query: Pick<Query, "filter" | "not_filter">;
  readonly problems: readonly Problem[];
  /** Texts that matches contain: they are marked in the list and in messages. */
  readonly needles: readonly string[];
}

/** Names of tags, with their short forms. */
const tags: Readonly<Record<string, string>> = {
  f: "from",
  from: "from",
  t: "to",
  to: "to",
  s: "subject",
  subject: "subject",
  l: "label",
  label: "label",
  mb: "mailbox",
  mailbox: "mailbox",
  submb: "submb",
  start: "start",
  end: "end",
  a: "attachments",
  attachments: "attachments",
  h: "header",
  header: "header",
  minsize: "minsize",
  maxsize: "maxsize",
  is: "is",
  // as Gmail has them
  has: "attachments",
  in: "mailbox",
  cc: "to",
  bcc: "to",
  larger: "minsize",
  smaller: "maxsize",
  before: "before",
  after: "start",
  older: "before",
  newer: "start",
  older_than: "older_than",
  newer_than: "newer_than",
  filename: "filename",
  size: "minsize",
  list: "list",
  deliveredto: "deliveredto",
  rfc822msgid: "rfc822msgid",
};
/** Operators that are offered instead of unknown ones. */
const known = Object.keys(tags).filter((name) => name.length > 2 || name === "to" || name === "is" || name === "in");
/** A token that looks like a criterion, and not like a web address. */
const criterion = /^([a-z][a-z0-9_-]+):(?!\/\/)./i;
/** Criteria that are texts of header fields, as Gmail has them. */
const fields: Readonly<Record<string, string>> = {
  list: "list-id",
  deliveredto: "delivered-to",
  rfc822msgid: "message-id",
};
const texts = ["from", "to", "subject", "label"];
export const kinds: readonly Kind[] = [
  "any",
  "none",
  "image",
  "pdf",
  "archive",
  "spreadsheet",
  "document",
  "presentation",
];
/** The values of `is:`, with the flag and whether it must be set. */
export const states: Readonly<Record<string, readonly [string, boolean]>> = {
  unread: ["\\seen", false],
  read: ["\\seen", true],
  flagged: ["\\flagged", true],
  starred: ["\\flagged", true],
  answered: ["\\answered", true],
};

/** The tokens of a text; a quote that is not closed extends to the end. */
export function tokens(text: string): Token[] {
  const found: Token[] = [];
  const opened: { end: string; prefix: string; group: number }[] = [];
  let [groups, joins, rest] = [0, false, text.slice(0, longest).trimStart()];
  while (rest !== "") {
    const within = opened.at(-1);
    if (within !== undefined && rest.startsWith(within.end)) {
      opened.pop();
      rest = rest.slice(1).trimStart();
      continue;
    }
    const begins = bracket.exec(rest);
    const end = begins?.[2] === "{" ? "}" : ")";
    if (begins !== null && rest.includes(end)) {
      const group = end === "}" ? ++groups : (within?.group ?? 0);
      opened.push({ end, prefix: begins[1] || (within?.prefix ?? ""), group });
      rest = rest.slice(begins[0].length).trimStart();
      continue;
    }
    const word = (within === undefined ? /^(?:"(?:[^"]|"")*"?|[^\s"])+/ : /^(?:"(?:[^"]|"")*"?|[^\s"(){}])+/).exec(
      rest,
    );
    const piece = word?.[0] ?? rest[0]!;
    rest = rest.slice(piece.length).trimStart();
    if (piece === "OR" && found.length > 0 && rest !== "") {
      joins = true;
      continue;
    }
    if (piece === "AND" && found.length > 0 && rest !== "") continue;
    const count = found.length;
    const raw = (within?.prefix ?? "") + piece;
    const not = raw.length > 1 && raw.startsWith("-");
    const body = not ? raw.slice(1) : raw;
    const tag = /^(\w+):/.exec(body)?.[1] ?? "";
    const known = tags[tag.toLowerCase()];
    const value = unquoted(known === undefined ? body : body.slice(tag.length + 1));
    // an empty word would match everything
    if (known !== undefined)
      found.push({ not, tag: known, value: known === "attachments" && /^attachments?$/i.test(value) ? "any" : value });
    else if (value !== "") {
      const name = body.startsWith('"') ? undefined : criterion.exec(value)?.[1];
      const unknown = name !== undefined && tags[name.toLowerCase()] === undefined ? { unknown: name } : {};
      found.push({ not, tag: "", value, ...unknown });
    }
    if (found.length > count) {
      const before = found[count - 1];
      const group = joins ? before?.group || ++groups : within?.group;
      if (joins && before !== undefined) found[count - 1] = { ...before, group: group! };
      // what is excluded is excluded each for itself
      if (group) found[count] = { ...found[count]!, group };
      joins = false;
    }
  }
  return found
    .map((one) => (one.group !== undefined && (one.not || alone(one, found)) ? { ...one, group: 0 } : one))
    .map(({ group, ...one }) => (group ? { ...one, group } : one));
}

/** What begins a list: a brace for alternatives, a parenthesis, with a criterion before it or without. */
const bracket = /^(-?(?:\w+:)?)([({])/;

/** Whether a token is the only one of its group. */
const alone = (token: Token, all: readonly Token[]) =>
  all.filter((one) => one.group === token.group && !one.not).length < 2;

/** Whether OR or "-" has several criteria in parentheses, each of which is taken alone. */
const nested = (text: string) =>
  /\([^()"]*\s[^()"]*\)\s+OR\s|\sOR\s+-?\([^()"]*\s[^()"]*\)|-\([^()"]*\s[^()"]*\)/.test(
    text.slice(0, longest).replace(/"[^"]*"?/g, "x"),
  );

function unquoted(text: string): string {
  return text.replace(/"((?:[^"]|"")*)"?/g, (_, inside: string) => inside.replaceAll('""', '"'));
}

function quoted(value: string, word: boolean): string {
  const tag = /^(\w+):/.exec(value)?.[1];
  const meant = (tag !== undefined && tags[tag.toLowerCase()] !== undefined) || criterion.test(value);
  const plain = !/[\s"]/.test(value) && !(word && (value.startsWith("-") || meant));
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}

/** The text of tokens; `tokens` parses it back. */
export function write(all: readonly Token[]): string {
  const one = ({ tag, value, unknown }: Token) => {
    if (unknown !== undefined) return `${unknown}:${quoted(value.slice(unknown.length + 1), false)}`;
    return tag === "" ? quoted(value, true) : `${tag}:${quoted(value, false)}`;
  };
  return all
    .map((token, at) => {
      const joined = token.group !== undefined && token.group === all[at - 1]?.group;
      return `${joined ? "OR " : ""}${token.not ? "-" : ""}${one(token)}`;
    })
    .join(" ");
}

/** Texts of which one must match. */
interface Alternatives {
  readonly words: string[];
  readonly from: string[];
  readonly to: string[];
  readonly subject: string[];
  readonly filenames: string[];
}

const noTexts = (): Alternatives => ({ words: [], from: [], to: [], subject: [], filenames: [] });

/** The query of a text. `mailboxes` are the existing mailboxes, `labels` those with names; `now` is the reader's clock, `me` the
 * reader's address, which "me" stands for. */
export function parse(
  text: string,
  mailboxes: readonly Box[],
  now: Date,
  labels: readonly Label[] = [],
  me = "me",
): Parsed {
  const all = tokens(text);
  const lists = { ...noTexts(), labels: [] as string[] };
  const nots = { ...noTexts(), labels: [] as string[], attachments: [] as Kind[] };
  const headers: { name: string; value: string }[] = [];
  const any = new Map<number, Alternatives>();
  let filter: Filter = { mailbox_id: -1 };
  const problems: Problem[] = [];
  const needles: string[] = [];
  for (const token of all) {
    const { not, tag, value } = token;
    const side = not ? nots : token.group === undefined ? lists : alternatives(token.group, lists, any);
    const wrong = (why: string) => {
      problems.push({ token, why });
      side.words.push(write([{ ...token, not: false }]));
    };
    if (
      side.words.length === most ||
      side.filenames.length === most ||
      lists.labels.length + nots.labels.length === most ||
      needles.length === most ||
      headers.length === most
    ) {
      problems.push({ token, why: t("searches can have up to {n} criteria of the same kind", { n: most }) });
      break;
    }
    const only = (change: Partial<Filter> | null, why: string) => {
      if (not) wrong(t("You can't exclude “{tag}” with “-”, so it was treated as a word", { tag }));
      else if (change === null) wrong(why);
      else filter = { ...filter, ...change };
    };
    if (tag === "") {
      // Gmail's "+word": the word as it is written, as each is here
      const word = value.replace(/^\+(?=[\p{L}\p{N}])/u, "");
      side.words.push(word);
      if (!not) needles.push(word);
      if (token.unknown !== undefined) problems.push(unknown(token, token.unknown, all));
      else if (value === "AROUND")
        problems.push({
          token,
          why: t("“{value}” isn't a search operator, so it was treated as a word", { value }),
        });
    } else if (texts.includes(tag)) {
      if (value === "") wrong(t("add a value after “{tag}:”", { tag }));
      else if (tag === "label") {
        // by the name, else by the keyword, as other mail programs show it
        const keyword = labels.find(({ name }) => name.toLowerCase() === value.toLowerCase())?.keyword ?? value;
        if (/[^\x21-\x7e]|[(){%*"]/.test(keyword)) wrong(t("no label named “{value}”", { value }));
        else side.labels.push(keyword);
      } else
        side[tag as "from" | "to" | "subject"].push(tag !== "subject" && value.toLowerCase() === "me" ? me : value);
      if (!not && tag !== "label" && value !== "") needles.push(value);
    } else if (tag === "is") {
      const state = states[value.toLowerCase()];
      if (state === undefined) wrong(t("for “is:”, use {names}", { names: Object.keys(states).join(", ") }));
      else if (state[0] === "\\seen" && state[1] === not) filter = { ...filter, unread: true };
      else (state[1] === not ? nots : lists).labels.push(state[0]);
    } else if (tag === "attachments") {
      const kind = kinds.find((one) => one === value.toLowerCase());
      if (kind === undefined) wrong(t("for attachments, use {names}", { names: kinds.join(", ") }));
      else if (not) nots.attachments.push(kind);
      else if (filter.attachments == null || filter.attachments === kind) filter = { ...filter, attachments: kind };
      else wrong(t("you can only search for one attachment type"));
    } else if (tag in fields) {
      if (not) wrong(t("You can't exclude “{tag}” with “-”, so it was treated as a word", { tag }));
      else if (value === "") wrong(t("add a value after “{tag}:”", { tag }));
      else headers.push({ name: fields[tag]!, value });
    } else if (tag === "header") {
      const [, name, wanted] = /^([!-9;-~]{1,100}):?(.*)$/s.exec(value) ?? [];
      if (not || name === undefined) wrong(t("after “header:”, add a field name, optionally followed by “:” and text"));
      else headers.push({ name, value: wanted!.trim() });
    } else if (tag === "minsize" || tag === "maxsize") {
      const size = octets(value);
      only(
        size === null ? null : tag === "minsize" ? { size_min: size } : { size_max: size },
        t("“{value}” isn't a size. Try 500k or 2m", { value }),
      );
    } else if (tag === "older_than" || tag === "newer_than") {
      const time = ago(value, now);
      only(
        time === null ? null : tag === "older_than" ? { newest: time } : { oldest: time },
        t("“{value}” isn't a time span. Try 7d, 2w, 3m, or 1y", { value }),
      );
    } else if (tag === "filename") {
      const name = value.replace(/^\*/, "");
      if (name === "") wrong(t("add a value after “{tag}:”", { tag }));
      else side.filenames.push(name);
    } else if (tag === "before" || tag === "start" || tag === "end") {
      const time = moment(value, tag === "end", now);
      only(
        time === null ? null : tag === "start" ? { oldest: time } : { newest: time },
        t("“{value}” isn't a date. Try yesterday, 2026-11-21, 2026-11-21T08:30, or 08:30", { value }),
      );
    } else {
      const name = value.toLowerCase();
      const role = { drafts: "draft", spam: "junk", bin: "trash" }[name] ?? name;
      const box =
        mailboxes.find((one) => one.name === value) ??
        mailboxes.find((one) => one.name.toLowerCase() === name) ??
        mailboxes.find((one) => one.roles?.includes(role));
      const change =
        value === "" || (name === "anywhere" && box === undefined)
          ? { mailbox_id: -2 }
          : box === undefined
            ? null
            : { mailbox_id: box.id, mailbox_children_included: tag === "submb" };
      only(change, t("no folder named “{value}”", { value }));
    }
  }
  if (nested(text))
    problems.push({ token: all[0]!, why: t("“OR” and “-” only work with single criteria, not with parentheses") });
  for (const one of all)
    if (one.group !== undefined && one.tag !== "" && !["from", "to", "subject", "filename"].includes(one.tag))
      problems.push({
        token: one,
        why: t("“{tag}:” can't be part of an “OR”, so it applies to all results", { tag: one.tag }),
      });
  for (const one of any.values())
    if (one.words.length > 0 && one.from.length + one.to.length + one.subject.length + one.filenames.length > 0)
      problems.push({
        token: all[0]!,
        why: t("“OR” can't mix words with senders, recipients, or subjects. Results will match all of these types"),
      });
  if (any.size > 0) filter = { ...filter, any: [...any.values()] };
  const not_filter: NotFilter = nots;
  return { query: { filter: { ...filter, ...lists, headers }, not_filter }, problems, needles };
}

/** Parts of messages that rules compare, by the tags of the criteria. */
const ruled: Readonly<Record<string, GivenCondition["part"]>> = {
  "": "text",
  from: "from",
  to: "to",
  subject: "subject",
  list: "list",
  minsize: "larger",
  attachments: "attachment",
};

/** A search as a rule for new mail; null where no criterion can be one. Alternatives alone become a rule of which any condition
 * must match. What says where or when a message is, is left out, and what a rule has no word for. */
export function ruleOf(all: readonly Token[]): GivenRule | null {
  const asked = all.filter(
    ({ not, tag, value }) => !not && ruled[tag] !== undefined && value !== "" && value !== "none",
  );
  const group = asked[0]?.group;
  const any = group !== undefined && asked.every((one) => one.group === group);
  const conditions = asked
    .filter((one) => any || one.group === undefined)
    .map(({ tag, value }) => ({
      part: ruled[tag]!,
      test: "contains" as const,
      value: tag === "attachments" ? "" : tag === "minsize" ? value.replace(/b$/i, "") : value,
    }));
  return conditions.length === 0 ? null : { match: any ? "any" : "all", conditions };
}

/** The lists for the criteria of a group: what cannot be an alternative must match. */
function alternatives<T extends Alternatives>(group: number, lists: T, any: Map<number, Alternatives>): T {
  const own = any.get(group) ?? noTexts();
  any.set(group, own);
  return { ...lists, ...own };
}

/** The report of an unknown operator, with the nearest known one. */
function unknown(token: Token, name: string, all: readonly Token[]): Problem {
  const why = t("“{name}:” isn't a search operator, so “{value}” was treated as text", {
    name,
    value: token.value,
  });
  const [nearest, far] = known
    .map((one) => [one, distance(name.toLowerCase(), one)] as const)
    .reduce((a, b) => (b[1] < a[1] ? b : a));
  if (far > (name.length > 3 ? 2 : 1)) return { token, why };
  const instead = all.map((one) =>
    one === token ? { not: token.not, tag: nearest, value: token.value.slice(name.length + 1) } : one,
  );
  return { token, why, meant: { name: nearest, text: write(instead) } };
}

/** Number of letters to insert, remove, replace or swap with the next, which make one word another. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  const rows = [...Array(a.length + 1)].map((_, i) => [i, ...Array<number>(b.length).fill(0)]);
  for (let j = 1; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = least;
    }
  return rows[a.length]![b.length]!;
}

/** The time before which a span ends now: "7d", "2w", "3m" (months), "1y"; null if the text is not a span. */
function ago(text: string, now: Date): string | null {
  const [, digits, unit] = /^(\d{1,4})([dwmy])$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const n = Number(digits);
  const time = new Date(now);
  if (unit === "y" || unit === "Y") time.setFullYear(time.getFullYear() - n);
  else if (unit === "m" || unit === "M") time.setMonth(time.getMonth() - n);
  else time.setDate(time.getDate() - n * (unit === "w" || unit === "W" ? 7 : 1));
  return time.toISOString();
}

/** The days of "today", "yesterday" and "30 days ago"; null for other texts. */
function daysAgo(text: string): number | null {
  if (["today", t("Today").toLowerCase()].includes(text)) return 0;
  if (["yesterday", t("Yesterday").toLowerCase()].includes(text)) return 1;
  const digits = /^(\d{1,4}) days? ago$/.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Octets of "500", "20k", "3mb": binary multiples; null if the text is not a size. */
export function octets(text: string): number | null {
  const [, number, unit] = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text.trim()) ?? [];
  if (number === undefined) return null;
  return Math.round(Number(number) * 1024 ** ["", "k", "m", "g"].indexOf(unit!.toLowerCase()));
}

/** The time of a date, a date with a time, a time of today, "today", "yesterday" or "30 days ago", in the reader's zone; with `last`, the end of that day or minute.
 * Null if the text is not a time. */
export function moment(text: string, last: boolean, now: Date): string | null {
  const days = daysAgo(text.trim().toLowerCase());
  if (days !== null)
    return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + Number(last)).toISOString();
  const [, date, year, month, day, hour, minute] =
    /^((\d{4})[-/](\d\d?)[-/](\d\d?))?(?:T|^|$)(?:(\d\d?):(\d\d))?$/i.exec(text.trim()) ?? [];
  if (date === undefined && hour === undefined) return null;
  const start = date === undefined ? new Date(now) : new Date(Number(year), Number(month) - 1, Number(day));
  if (date !== undefined && (start.getMonth() !== Number(month) - 1 || start.getDate() !== Number(day))) return null;
  if (hour === undefined) {
    if (last) start.setDate(start.getDate() + 1);
  } else {
    if (Number(hour) > 23 || Number(minute) > 59) return null;
    start.setHours(Number(hour), Number(minute) + (last ? 1 : 0), 0, 0);
  }
  return start.toISOString();
}
