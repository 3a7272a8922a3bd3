// lib/dom.ts
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}
function append(parent, children) {
  for (const child of children) {
    if (child === null || child === void 0 || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else if (typeof child === "string") parent.appendChild(child.length > 0 ? text(child) : document.createTextNode(""));
    else parent.appendChild(child);
  }
}
function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}
var ascii = /^[\x00-\x7f]*$/;
var scripts = /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
var mixable = /[\p{L}]/u;
function text(value) {
  if (ascii.test(value)) return document.createTextNode(value);
  const fragment = document.createDocumentFragment();
  let plain = "";
  let last = 0;
  for (const match of value.matchAll(scripts)) {
    const piece = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== void 0) + 1;
    if (kind !== 0 && last !== 0 && kind !== last) {
      fragment.append(plain, mark(piece));
      plain = "";
      last = kind;
      continue;
    }
    plain += piece;
    if (kind !== 0) last = kind;
    else if (!mixable.test(piece)) last = 0;
  }
  fragment.append(plain);
  return fragment;
}
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}

// lib/words.ts
var grouped;
function t(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}
function many(n, one, other, values = {}) {
  return t(n === 1 ? one : other, { ...values, n });
}

// lib/sheets.ts
function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

// webmail/ui/counts.ts
function counted({ messages, conversations }) {
  if (messages === null) return many(conversations, "{n} conversation", "{n} conversations");
  const all = many(messages, "{n} message", "{n} messages");
  return conversations === messages ? all : many(conversations, "{all} in {n} conversation", "{all} in {n} conversations", { all });
}

// webmail/search/grammar.ts
var most = 20;
var tags = {
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
  is: "is"
};
var criterion = /^([a-z][a-z_-]+):(?!\/\/)./i;
var texts = ["from", "to", "subject", "label"];
var kinds = ["any", "none", "image", "pdf", "archive", "spreadsheet", "document", "presentation"];
var states = {
  unread: ["\\seen", false],
  read: ["\\seen", true],
  flagged: ["\\flagged", true],
  answered: ["\\answered", true]
};
function tokens(text2) {
  const found = [];
  let rest = text2.trimStart();
  while (rest !== "") {
    const raw = /^(?:"(?:[^"]|"")*"?|[^\s"])+/.exec(rest)?.[0] ?? rest;
    rest = rest.slice(raw.length).trimStart();
    const not = raw.length > 1 && raw.startsWith("-");
    const body = not ? raw.slice(1) : raw;
    const tag = /^([a-z]+):/i.exec(body)?.[1] ?? "";
    const known = tags[tag.toLowerCase()];
    const value = unquoted(known === void 0 ? body : body.slice(tag.length + 1));
    if (known !== void 0) found.push({ not, tag: known, value });
    else if (value !== "") {
      const name = body.startsWith('"') ? void 0 : criterion.exec(value)?.[1];
      const unknown = name !== void 0 && tags[name.toLowerCase()] === void 0 ? { unknown: name } : {};
      found.push({ not, tag: "", value, ...unknown });
    }
  }
  return found;
}
function unquoted(text2) {
  return text2.replace(/"((?:[^"]|"")*)"?/g, (_, inside) => inside.replaceAll('""', '"'));
}
function quoted(value, word) {
  const tag = /^([a-z]+):/i.exec(value)?.[1];
  const meant = tag !== void 0 && tags[tag.toLowerCase()] !== void 0 || criterion.test(value);
  const plain = !/[\s"]/.test(value) && !(word && (value.startsWith("-") || meant));
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}
function write(all) {
  const one = ({ tag, value, unknown }) => {
    if (unknown !== void 0) return `${unknown}:${quoted(value.slice(unknown.length + 1), false)}`;
    return tag === "" ? quoted(value, true) : `${tag}:${quoted(value, false)}`;
  };
  return all.map((token) => `${token.not ? "-" : ""}${one(token)}`).join(" ");
}
function parse(text2, mailboxes, now) {
  const lists = { words: [], from: [], to: [], subject: [], labels: [] };
  const nots = { words: [], from: [], to: [], subject: [], labels: [], attachments: [] };
  const headers = [];
  let filter = { mailbox_id: -1 };
  const problems = [];
  const needles = [];
  for (const token of tokens(text2)) {
    const { not, tag, value } = token;
    const side = not ? nots : lists;
    const wrong = (why) => {
      problems.push({ token, why });
      side.words.push(write([{ ...token, not: false }]));
    };
    if (side.words.length === most || lists.labels.length + nots.labels.length === most || needles.length === most || headers.length === most) {
      problems.push({ token, why: t("a search has at most {n} criteria of a kind", { n: most }) });
      break;
    }
    const only = (change, why) => {
      if (not) wrong(t("“{tag}” cannot be turned around with “-”; it is looked for as a word", { tag }));
      else if (change === null) wrong(why);
      else filter = { ...filter, ...change };
    };
    if (tag === "") {
      side.words.push(value);
      if (!not) needles.push(value);
      if (token.unknown !== void 0) problems.push({ token, why: t("“{name}:” is not known here; “{value}” is looked for as a word", { name: token.unknown, value }) });
    } else if (texts.includes(tag)) {
      if (value === "") wrong(t("nothing is said after “{tag}:”", { tag }));
      else side[tag === "label" ? "labels" : tag].push(value);
      if (!not && tag !== "label" && value !== "") needles.push(value);
    } else if (tag === "is") {
      const state = states[value.toLowerCase()];
      if (state === void 0) wrong(t("“is:” knows {names}", { names: Object.keys(states).join(", ") }));
      else if (state[0] === "\\seen" && state[1] === not) filter = { ...filter, unread: true };
      else (state[1] === not ? nots : lists).labels.push(state[0]);
    } else if (tag === "attachments") {
      const kind = kinds.find((one) => one === value.toLowerCase());
      if (kind === void 0) wrong(t("attachments are {names}", { names: kinds.join(", ") }));
      else if (not) nots.attachments.push(kind);
      else if (filter.attachments == null || filter.attachments === kind) filter = { ...filter, attachments: kind };
      else wrong(t("only one kind of attachment can be asked for"));
    } else if (tag === "header") {
      const [, name, wanted] = /^([!-9;-~]{1,100}):?([^]*)$/.exec(value) ?? [];
      if (not || name === void 0) wrong(t("“header:” is followed by a name, perhaps with “:” and a text"));
      else headers.push({ name, value: wanted.trim() });
    } else if (tag === "minsize" || tag === "maxsize") {
      const size = octets(value);
      only(size === null ? null : tag === "minsize" ? { size_min: size } : { size_max: size }, t("“{value}” is no size; write 500k or 2m", { value }));
    } else if (tag === "start" || tag === "end") {
      const time = moment(value, tag === "end", now);
      only(time === null ? null : tag === "start" ? { oldest: time } : { newest: time }, t("“{value}” is no date; write 2026-11-21, 2026-11-21T08:30 or 08:30", { value }));
    } else {
      const box = mailboxes.find((one) => one.name === value) ?? mailboxes.find((one) => one.name.toLowerCase() === value.toLowerCase());
      const change = value === "" ? { mailbox_id: -2 } : box === void 0 ? null : { mailbox_id: box.id, mailbox_children_included: tag === "submb" };
      only(change, t("no mailbox is called “{value}”", { value }));
    }
  }
  const not_filter = nots;
  return { query: { filter: { ...filter, ...lists, headers }, not_filter }, problems, needles };
}
function octets(text2) {
  const [, number2, unit] = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text2.trim()) ?? [];
  if (number2 === void 0) return null;
  return Math.round(Number(number2) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase()));
}
function moment(text2, last, now) {
  const [, date, year, month, day, hour, minute] = /^((\d{4})-(\d\d)-(\d\d))?(?:T|^|$)(?:(\d\d?):(\d\d))?$/i.exec(text2.trim()) ?? [];
  if (date === void 0 && hour === void 0) return null;
  const start = date === void 0 ? new Date(now) : new Date(Number(year), Number(month) - 1, Number(day));
  if (date !== void 0 && (start.getMonth() !== Number(month) - 1 || start.getDate() !== Number(day))) return null;
  if (hour === void 0) {
    if (last) start.setDate(start.getDate() + 1);
  } else {
    if (Number(hour) > 23 || Number(minute) > 59) return null;
    start.setHours(Number(hour), Number(minute) + (last ? 1 : 0), 0, 0);
  }
  return start.toISOString();
}

// webmail/search/form.css
var form_default = '/* The form of a search. */\n\n.search-form {\n  position: absolute;\n  inset: calc(100% + 6px) 0 auto;\n  z-index: 3;\n  width: min(560px, calc(100vw - 24px));\n  max-height: calc(100dvh - 90px);\n  padding: 12px 14px 14px;\n  overflow-y: auto;\n  border: 1px solid var(--border-color);\n  border-radius: 11px;\n  background: var(--popup-background);\n  box-shadow: var(--shadow);\n}\n\n.search-help {\n  margin: 0 0 8px;\n  color: var(--color-mild);\n  font-size: 13px;\n}\n\n.search-field {\n  display: grid;\n  grid-template-columns: 96px minmax(0, 1fr);\n  align-items: center;\n  gap: 2px 10px;\n  margin-bottom: 5px;\n  font-size: 14px;\n}\n\n.search-field .dialog-input {\n  width: 100%;\n  margin: 0;\n  padding: 5px 9px;\n}\n\n.search-field [aria-invalid="true"] {\n  border-color: var(--underline-red);\n}\n\n.field-problem {\n  grid-column: 2;\n  font-size: 12.5px;\n  color: var(--underline-red);\n}\n\n.field-problem:empty {\n  display: none;\n}\n\n@media (max-width: 860px) {\n  .search-form {\n    inset: calc(100% + 6px) auto auto -44px;\n    width: calc(100vw - 16px);\n  }\n}\n';

// webmail/search/part.ts
adopt(form_default);
var fields = [
  { tag: "", label: t("Words"), hint: t("anywhere in the message") },
  { tag: "from", label: t("From") },
  { tag: "to", label: t("To, Cc, Bcc") },
  { tag: "subject", label: t("Subject") },
  { tag: "mailbox", label: t("Mailbox") },
  { tag: "label", label: t("Label") },
  { tag: "start", label: t("From day"), hint: t("2026-11-21, or with a time 2026-11-21T08:30") },
  { tag: "end", label: t("To day"), hint: t("that day too") },
  { tag: "attachments", label: t("Attachments"), choices: kinds },
  { tag: "is", label: t("State"), choices: Object.keys(states) },
  { tag: "minsize", label: t("At least"), hint: t("500k, 2m") },
  { tag: "maxsize", label: t("At most"), hint: t("500k, 2m") },
  { tag: "header", label: t("Header"), hint: t("Name:text") }
];
var number = 0;
function say(place, { looked, of, found, messages, done, stopped, left_out }, stop) {
  const count = messages > found ? t("{what} found", { what: counted({ messages, conversations: found }) }) : t("{n} found", { n: found });
  const numbers = { looked, of: Math.max(of, looked), count };
  fill(
    place,
    done && !stopped && count,
    stopped && t("Stopped: {count}; {looked} of {of} messages looked at", numbers),
    !done && (looked === 0 ? t("Searching…") : t("Searching… {count}; {looked} of {of} messages looked at", numbers)),
    !done && el("button", { class: "link", type: "button", onclick: stop }, t("Stop")),
    left_out.length > 0 && el("p", {}, t("Without the mailboxes of {owners}: they can't be read at the moment.", { owners: left_out.join(", ") }))
  );
}
function openForm(bar, mail) {
  if (!bar.root.contains(document.activeElement)) return;
  bar.form.hidden = false;
  if (bar.form.childElementCount > 0) {
    bar.input.dispatchEvent(new Event("input"));
    return;
  }
  const names = () => {
    const mailboxes = mail.mailboxes.value;
    return { mailboxes, labels: [...new Set(mailboxes.flatMap((mailbox) => mailbox.keywords))].sort() };
  };
  const rows = fields.map((field) => row(field, bar, names));
  const draw = () => {
    const all = tokens(bar.input.value);
    const { problems } = parse(bar.input.value, names().mailboxes, /* @__PURE__ */ new Date());
    for (const one of rows) one.draw(all, problems);
  };
  fill(
    bar.form,
    el("p", { class: "search-help" }, t("Separate words with spaces. Put “-” before a word to exclude it, and quotes around words that belong together.")),
    rows.map((one) => one.root),
    el("div", { class: "dialog-buttons" }, el("button", { type: "button", onclick: () => bar.end() }, t("Clear")), el("button", { type: "submit", class: "primary" }, t("Search")))
  );
  bar.input.addEventListener("input", draw);
  draw();
}
function row(field, bar, names) {
  const id = `search-${++number}`;
  const wrong = el("span", { class: "field-problem", id: `${id}-wrong`, role: "alert" });
  const common = { class: "dialog-input", id, "aria-describedby": `${id}-wrong`, autocomplete: "off", spellcheck: "false" };
  const list = el("datalist", { id: `${id}-list` });
  const offered = field.tag === "mailbox" ? () => names().mailboxes.map(({ name }) => name) : field.tag === "label" ? () => names().labels : null;
  const input = field.choices !== void 0 ? el("select", common, el("option", { value: "" }, t("All messages")), field.choices.map((choice) => el("option", { value: choice }, choice))) : el("input", { ...common, placeholder: field.hint ?? "", maxlength: "1000", list: offered === null ? void 0 : list.id });
  const own = (token) => token.tag === field.tag;
  const changed = () => {
    const all = tokens(bar.input.value);
    const value = input.value.trim();
    const typed = field.tag === "" ? tokens(value).filter(own) : value === "" ? [] : many2(field, value);
    const first = all.findIndex(own);
    const at = first >= 0 ? first : field.tag === "" ? 0 : all.length;
    const others = (part) => part.filter((token) => !own(token));
    bar.input.value = write([...others(all.slice(0, at)), ...typed, ...others(all.slice(at))]);
    bar.input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", changed);
  input.addEventListener("focus", () => offered !== null && fill(list, offered().map((value) => el("option", { value }))));
  return {
    root: el("div", { class: "search-field" }, el("label", { for: id }, field.label), input, list, wrong),
    draw(all, problems) {
      if (document.activeElement !== input) input.value = shown(field, all.filter(own));
      const found = problems.find(({ token }) => own(token))?.why ?? "";
      fill(wrong, found);
      input.setAttribute("aria-invalid", String(found !== ""));
    }
  };
}
function shown(field, own) {
  if (field.tag === "") return write(own);
  const single = field.choices !== void 0 || ["mailbox", "start", "end", "minsize", "maxsize"].includes(field.tag);
  const first = own[0];
  if (first === void 0) return "";
  if (single) return first.not ? "" : first.value;
  return write(own.map((token) => ({ ...token, tag: "" })));
}
function many2(field, value) {
  const single = field.choices !== void 0 || ["mailbox", "start", "end", "minsize", "maxsize", "header"].includes(field.tag);
  if (single) return [{ not: false, tag: field.tag, value }];
  return tokens(value).map((token) => token.tag === "" ? { ...token, tag: field.tag } : { not: token.not, tag: field.tag, value: `${token.tag}:${token.value}` });
}
export {
  openForm,
  parse,
  say
};
