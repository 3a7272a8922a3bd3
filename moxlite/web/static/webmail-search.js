var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (tag === "textarea" && name === "value") {
      element.textContent = String(value);
    } else {
      element.setAttribute(name, value === true ? "" : read.has(name) ? written(String(value)) : String(value));
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
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no element #${id}`);
  return found;
}
var ascii = /^[\t\n\x20-\x7e]*$/;
var controls = /\r(?!\n)|[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;
var scripts = /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
var mixable = /[\p{L}]/u;
function written(value) {
  return ascii.test(value) ? value : value.replace(controls, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
function text(value) {
  if (ascii.test(value)) return document.createTextNode(value);
  const fragment = document.createDocumentFragment();
  let plain = "";
  let last = 0;
  for (const match of written(value).matchAll(scripts)) {
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
var bidiControls = /[\u202a-\u202e\u2066-\u2069]/g;
function isolated(value) {
  return value.replace(bidiControls, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase()}]`);
}
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}
function icon(path, name = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", path.startsWith("m") ? `${name} along` : name);
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(namespace, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var bookmark = "M17 3a2 2 0 0 1 2 2v15a1 1 0 0 1-1.496.868l-4.512-2.578a2 2 0 0 0-1.984 0l-4.512 2.578A1 1 0 0 1 5 20V5a2 2 0 0 1 2-2z";
var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var slidersHorizontal = "M10 5H3 M12 19H3 M14 3v4 M16 17v4 M21 12h-9 M21 19h-5 M21 5h-7 M8 10v4 M8 12H3";

function newRuleAt(account, address, rule) {
  return `${account}#rules/${encodeURIComponent(address || "-")}/${encodeURIComponent(JSON.stringify(rule))}`;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var grouped;
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}
function filled(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text2, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text2) ?? text2, values);
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function labelOf(labels, keyword) {
  return labels.find((one) => one.keyword === keyword) ?? { keyword, name: keyword, color: 0 };
}
function shownLabels(labels, keywords) {
  return keywords.filter((one) => !one.startsWith("$") || labels.some(({ keyword }) => keyword === one)).map((one) => labelOf(labels, one));
}
function allLabels(labels, mailboxes, items) {
  const known2 = /* @__PURE__ */ new Set([...labels.map(({ keyword }) => keyword), ...[...mailboxes, ...items].flatMap(({ keywords }) => keywords)]);
  return shownLabels(labels, [...known2]).sort((a, b) => byName(a.name, b.name));
}

function counted({ messages, conversations }) {
  if (messages === null) return many(conversations, "{n} conversation", "{n} conversations");
  const all = many(messages, "{n} message", "{n} messages");
  return conversations === messages ? all : many(conversations, "{all} in {n} conversation", "{all} in {n} conversations", { all });
}

var form_default = '.search:has(>.search-form){display:grid;grid-template-columns:minmax(0,1fr)}.search-form{grid-row:1 / 2;position:absolute;inset:calc(100% + 6px) 0 auto;z-index:3;width:min(560px,calc(100vw - 24px));max-height:calc(100dvh - 90px);padding:12px 14px 0;scroll-padding-bottom:64px;overflow-y:auto;border:1px solid var(--border-color);border-radius:11px;background:var(--popup-background);box-shadow:var(--shadow)}.search-help{margin:0 0 8px;color:var(--color-mild);font-size:13px}.search-form .dialog-buttons{position:sticky;bottom:0;margin:0 -14px;padding:10px 14px 14px;background:var(--popup-background)}.search-field{display:grid;grid-template-columns:96px minmax(0,1fr);align-items:center;gap:2px 10px;margin-bottom:5px;font-size:14px}.search-field .dialog-input{width:100%;margin:0;padding:5px 9px}.search-field [aria-invalid=true]{border-color:var(--underline-red)}.field-problem{grid-column:2;font-size:12.5px;color:var(--underline-red)}.field-problem:empty{display:none}@media(max-width:700px){.search-form{inset-block:calc(100% + 6px) auto;inset-inline:-44px auto;width:calc(100vw - 16px)}}.search-form:has(>.glance:not([hidden])){padding:12px 6px 6px}.glance-chips{display:flex;flex-wrap:wrap;gap:8px;padding:0 6px 8px}.glance-chip{max-width:100%;min-height:28px;padding:0 12px;overflow:hidden;border-radius:14px;font-size:13px;text-overflow:ellipsis;white-space:nowrap}.glance-chip[aria-pressed=true]{border-color:transparent;background:var(--mailbox-active-background);color:var(--link-color)}.glance-head{padding:4px 10px;color:var(--color-mild);font-size:12px}.glance-option{display:flex;align-items:center;gap:12px;min-height:34px;padding:3px 10px;border-radius:8px;cursor:pointer}.glance-hit{min-height:50px}.glance-option:is(:hover,[aria-selected=true]){background:var(--mailbox-active-background)}.glance-disc{display:grid;flex:none;place-content:center;width:24px;height:24px;border-radius:50%;background:var(--g);color:var(--c);font-size:10px;font-weight:600}.glance-words{flex:1;min-width:0;overflow:hidden;font-size:14px;line-height:20px;text-overflow:ellipsis;white-space:nowrap}.glance-subject,.glance-hit .glance-more{display:block;overflow:hidden;text-overflow:ellipsis}.glance-hit.unread .glance-subject{font-weight:600}.glance-more{color:var(--color-mild);font-size:13px}.glance-option time,.glance-option kbd{flex:none;color:var(--color-mild);font:inherit;font-size:12px}.glance-option kbd{border:0;background:none}.glance-line svg{flex:none;width:18px;color:var(--color-mild)}[role=group]:not(:empty)+[role=group]:not(:empty):last-child{margin-top:6px;padding-top:6px;border-top:1px solid var(--border-color)}.search-day{display:flex;align-items:center;gap:4px}.search-calendar{position:absolute;width:1px;height:24px;padding:0;border:0;opacity:0;pointer-events:none}@media(max-width:700px){.glance-option,.glance-chip{min-height:44px}.glance-option kbd{display:none}}.search-said{grid-area:2 / 1 / 3 / 3;color:var(--color-mild);font-size:13px;line-height:18px;font-variant-numeric:tabular-nums;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.search-said .link{float:inline-end;min-height:0;margin-inline-start:8px}.search-problems{margin:0;padding:0;background:var(--warning-background);list-style:none}.hit{border-radius:3px;background:var(--highlight-background);color:var(--color)}.message-preview .hit{background:none;color:var(--color);font-weight:600}@media(max-width:700px){.searching .list-head{grid-template:"tools" 44px "said" 12px / minmax(0,1fr)}.searching .list-title{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.searching .search-bar{min-height:38px;margin-block:-2px 0}.searching .search-clear{position:relative;min-height:36px}.searching .search-clear::before{content:"";position:absolute;inset:-4px 0}.searching .search-said{grid-area:said;font-size:11px;line-height:12px}}\n';

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyText(key2) {
  const whole = key2.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}

function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key2) {
  let hash = 0;
  for (const sign2 of key2) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
}

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}
function holdFocus() {
  const before = document.activeElement;
  return () => {
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus();
    if (document.activeElement === null || document.activeElement === document.body) focusHome();
  };
}

function dialog(title, build, dismissable = true) {
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const box = el("dialog", { class: "dialog", "aria-label": title });
    const close = (value) => {
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
async function showError(failed, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(error.title ?? failed, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(doing, failed, work, undo) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var day = 24 * 60 * 60 * 1e3;
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function shortTime(time, now, dated = false) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0 || days === 1 && dated) return clockTime(date);
  if (days === 1) return loneTime(time, now);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}
function spokenDay(time) {
  const date = new Date(time);
  if (date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear()) return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
function saidTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}
function capital(text2) {
  return text2.slice(0, 1).toLocaleUpperCase(locale()) + text2.slice(1);
}
function loneTime(time, now) {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function shortAddress(address) {
  return address.name.trim() || bareAddress(address);
}

function marked(text2, needles) {
  const wanted = needles.filter((needle) => needle.length > 1 || text2.length < 200);
  if (wanted.length === 0) return [text2];
  const pattern = new RegExp(wanted.map((needle) => needle.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const pieces = [];
  let end = 0;
  for (const match of text2.matchAll(pattern)) {
    if (match[0] === "") continue;
    pieces.push(text2.slice(end, match.index), el("mark", { class: "hit" }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text2.slice(end));
  return pieces;
}

var most = 20;
var longest = 1e3;
var tags = { f: "from", from: "from", t: "to", to: "to", s: "subject", subject: "subject", l: "label", label: "label", mb: "mailbox", mailbox: "mailbox", submb: "submb", start: "start", end: "end", a: "attachments", attachments: "attachments", h: "header", header: "header", minsize: "minsize", maxsize: "maxsize", is: "is", has: "attachments", in: "mailbox", cc: "to", bcc: "to", larger: "minsize", smaller: "maxsize", before: "before", after: "start", older: "before", newer: "start", older_than: "older_than", newer_than: "newer_than", filename: "filename", size: "minsize", list: "list", deliveredto: "deliveredto", rfc822msgid: "rfc822msgid" };
var known = Object.keys(tags).filter((name) => name.length > 2 || name === "to" || name === "is" || name === "in");
var criterion = /^([a-z][a-z0-9_-]+):(?!\/\/)./i;
var fields = { list: "list-id", deliveredto: "delivered-to", rfc822msgid: "message-id" };
var texts = ["from", "to", "subject", "label"];
var kinds = ["any", "none", "image", "pdf", "archive", "spreadsheet", "document", "presentation"];
var states = { unread: ["\\seen", false], read: ["\\seen", true], flagged: ["\\flagged", true], starred: ["\\flagged", true], answered: ["\\answered", true] };
function tokens(text2) {
  const found = [];
  const opened = [];
  let [groups, joins, rest] = [0, false, text2.slice(0, longest).trimStart()];
  while (rest !== "") {
    const within = opened.at(-1);
    if (within !== void 0 && rest.startsWith(within.end)) {
      opened.pop();
      rest = rest.slice(1).trimStart();
      continue;
    }
    const begins = bracket.exec(rest);
    const end = begins?.[2] === "{" ? "}" : ")";
    if (begins !== null && rest.includes(end)) {
      const group = end === "}" ? ++groups : within?.group ?? 0;
      opened.push({ end, prefix: begins[1] || (within?.prefix ?? ""), group });
      rest = rest.slice(begins[0].length).trimStart();
      continue;
    }
    const word = (within === void 0 ? /^(?:"(?:[^"]|"")*"?|[^\s"])+/ : /^(?:"(?:[^"]|"")*"?|[^\s"(){}])+/).exec(rest);
    const piece = word?.[0] ?? rest[0];
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
    const known2 = tags[tag.toLowerCase()];
    const value = unquoted(known2 === void 0 ? body : body.slice(tag.length + 1));
    if (known2 !== void 0) found.push({ not, tag: known2, value: known2 === "attachments" && /^attachments?$/i.test(value) ? "any" : value });
    else if (value !== "") {
      const name = body.startsWith('"') ? void 0 : criterion.exec(value)?.[1];
      const unknown2 = name !== void 0 && tags[name.toLowerCase()] === void 0 ? { unknown: name } : {};
      found.push({ not, tag: "", value, ...unknown2 });
    }
    if (found.length > count) {
      const before = found[count - 1];
      const group = joins ? before?.group || ++groups : within?.group;
      if (joins && before !== void 0) found[count - 1] = { ...before, group };
      if (group) found[count] = { ...found[count], group };
      joins = false;
    }
  }
  return found.map((one) => one.group !== void 0 && (one.not || alone(one, found)) ? { ...one, group: 0 } : one).map(({ group, ...one }) => group ? { ...one, group } : one);
}
var bracket = /^(-?(?:\w+:)?)([({])/;
var alone = (token, all) => all.filter((one) => one.group === token.group && !one.not).length < 2;
var nested = (text2) => /\([^()"]*\s[^()"]*\)\s+OR\s|\sOR\s+-?\([^()"]*\s[^()"]*\)|-\([^()"]*\s[^()"]*\)/.test(text2.slice(0, longest).replace(/"[^"]*"?/g, "x"));
function unquoted(text2) {
  return text2.replace(/"((?:[^"]|"")*)"?/g, (_, inside) => inside.replaceAll('""', '"'));
}
function quoted(value, word) {
  const tag = /^(\w+):/.exec(value)?.[1];
  const meant2 = tag !== void 0 && tags[tag.toLowerCase()] !== void 0 || criterion.test(value);
  const plain = !/[\s"]/.test(value) && !(word && (value.startsWith("-") || meant2));
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}
function write(all) {
  const one = ({ tag, value, unknown: unknown2 }) => {
    if (unknown2 !== void 0) return `${unknown2}:${quoted(value.slice(unknown2.length + 1), false)}`;
    return tag === "" ? quoted(value, true) : `${tag}:${quoted(value, false)}`;
  };
  return all.map((token, at) => {
    const joined = token.group !== void 0 && token.group === all[at - 1]?.group;
    return `${joined ? "OR " : ""}${token.not ? "-" : ""}${one(token)}`;
  }).join(" ");
}
var noTexts = () => ({ words: [], from: [], to: [], subject: [], filenames: [] });
function parse(text2, mailboxes, now, labels = [], me = "me") {
  const all = tokens(text2);
  const lists = { ...noTexts(), labels: [] };
  const nots = { ...noTexts(), labels: [], attachments: [] };
  const headers = [];
  const any = /* @__PURE__ */ new Map();
  let filter = { mailbox_id: -1 };
  const problems = [];
  const needles = [];
  for (const token of all) {
    const { not, tag, value } = token;
    const side = not ? nots : token.group === void 0 ? lists : alternatives(token.group, lists, any);
    const wrong = (why) => {
      problems.push({ token, why });
      side.words.push(write([{ ...token, not: false }]));
    };
    if (side.words.length === most || side.filenames.length === most || lists.labels.length + nots.labels.length === most || needles.length === most || headers.length === most) {
      problems.push({ token, why: t("searches can have up to {n} criteria of the same kind", { n: most }) });
      break;
    }
    const only = (change, why) => {
      if (not) wrong(t("You can't exclude “{tag}” with “-”, so it was treated as a word", { tag }));
      else if (change === null) wrong(why);
      else filter = { ...filter, ...change };
    };
    if (tag === "") {
      const word = value.replace(/^\+(?=[\p{L}\p{N}])/u, "");
      side.words.push(word);
      if (!not) needles.push(word);
      if (token.unknown !== void 0) problems.push(unknown(token, token.unknown, all));
      else if (value === "AROUND") problems.push({ token, why: t("“{value}” isn't a search operator, so it was treated as a word", { value }) });
    } else if (texts.includes(tag)) {
      if (value === "") wrong(t("add a value after “{tag}:”", { tag }));
      else if (tag === "label") {
        const keyword = labels.find(({ name }) => name.toLowerCase() === value.toLowerCase())?.keyword ?? value;
        if (/[^\x21-\x7e]|[(){%*"]/.test(keyword)) wrong(t("no label named “{value}”", { value }));
        else side.labels.push(keyword);
      } else side[tag].push(tag !== "subject" && value.toLowerCase() === "me" ? me : value);
      if (!not && tag !== "label" && value !== "") needles.push(value);
    } else if (tag === "is") {
      const state = states[value.toLowerCase()];
      if (state === void 0) wrong(t("for “is:”, use {names}", { names: Object.keys(states).join(", ") }));
      else if (state[0] === "\\seen" && state[1] === not) filter = { ...filter, unread: true };
      else (state[1] === not ? nots : lists).labels.push(state[0]);
    } else if (tag === "attachments") {
      const kind = kinds.find((one) => one === value.toLowerCase());
      if (kind === void 0) wrong(t("for attachments, use {names}", { names: kinds.join(", ") }));
      else if (not) nots.attachments.push(kind);
      else if (filter.attachments == null || filter.attachments === kind) filter = { ...filter, attachments: kind };
      else wrong(t("you can only search for one attachment type"));
    } else if (tag in fields) {
      if (not) wrong(t("You can't exclude “{tag}” with “-”, so it was treated as a word", { tag }));
      else if (value === "") wrong(t("add a value after “{tag}:”", { tag }));
      else headers.push({ name: fields[tag], value });
    } else if (tag === "header") {
      const [, name, wanted] = /^([!-9;-~]{1,100}):?(.*)$/s.exec(value) ?? [];
      if (not || name === void 0) wrong(t("after “header:”, add a field name, optionally followed by “:” and text"));
      else headers.push({ name, value: wanted.trim() });
    } else if (tag === "minsize" || tag === "maxsize") {
      const size = octets(value);
      only(size === null ? null : tag === "minsize" ? { size_min: size } : { size_max: size }, t("“{value}” isn't a size. Try 500k or 2m", { value }));
    } else if (tag === "older_than" || tag === "newer_than") {
      const time = ago(value, now);
      only(time === null ? null : tag === "older_than" ? { newest: time } : { oldest: time }, t("“{value}” isn't a time span. Try 7d, 2w, 3m, or 1y", { value }));
    } else if (tag === "filename") {
      const name = value.replace(/^\*/, "");
      if (name === "") wrong(t("add a value after “{tag}:”", { tag }));
      else side.filenames.push(name);
    } else if (tag === "before" || tag === "start" || tag === "end") {
      const time = moment(value, tag === "end", now);
      only(time === null ? null : tag === "start" ? { oldest: time } : { newest: time }, t("“{value}” isn't a date. Try yesterday, 2026-11-21, 2026-11-21T08:30, or 08:30", { value }));
    } else {
      const name = value.toLowerCase();
      const role = { drafts: "draft", spam: "junk", bin: "trash" }[name] ?? name;
      const box = mailboxes.find((one) => one.name === value) ?? mailboxes.find((one) => one.name.toLowerCase() === name) ?? mailboxes.find((one) => one.roles?.includes(role));
      const change = value === "" || name === "anywhere" && box === void 0 ? { mailbox_id: -2 } : box === void 0 ? null : { mailbox_id: box.id, mailbox_children_included: tag === "submb" };
      only(change, t("no folder named “{value}”", { value }));
    }
  }
  if (nested(text2)) problems.push({ token: all[0], why: t("“OR” and “-” only work with single criteria, not with parentheses") });
  for (const one of all) if (one.group !== void 0 && one.tag !== "" && !["from", "to", "subject", "filename"].includes(one.tag)) problems.push({ token: one, why: t("“{tag}:” can't be part of an “OR”, so it applies to all results", { tag: one.tag }) });
  for (const one of any.values()) if (one.words.length > 0 && one.from.length + one.to.length + one.subject.length + one.filenames.length > 0) problems.push({ token: all[0], why: t("“OR” can't mix words with senders, recipients, or subjects. Results will match all of these types") });
  if (any.size > 0) filter = { ...filter, any: [...any.values()] };
  const not_filter = nots;
  return { query: { filter: { ...filter, ...lists, headers }, not_filter }, problems, needles };
}
var ruled = { "": "text", from: "from", to: "to", subject: "subject", list: "list", minsize: "larger", attachments: "attachment" };
function ruleOf(all) {
  const asked = all.filter(({ not, tag, value }) => !not && ruled[tag] !== void 0 && value !== "" && value !== "none");
  const group = asked[0]?.group;
  const any = group !== void 0 && asked.every((one) => one.group === group);
  const conditions = asked.filter((one) => any || one.group === void 0).map(({ tag, value }) => ({ part: ruled[tag], test: "contains", value: tag === "attachments" ? "" : tag === "minsize" ? value.replace(/b$/i, "") : value }));
  return conditions.length === 0 ? null : { match: any ? "any" : "all", conditions };
}
function alternatives(group, lists, any) {
  const own = any.get(group) ?? noTexts();
  any.set(group, own);
  return { ...lists, ...own };
}
function unknown(token, name, all) {
  const why = t("“{name}:” isn't a search operator, so “{value}” was treated as text", { name, value: token.value });
  const [nearest, far] = known.map((one) => [one, distance(name.toLowerCase(), one)]).reduce((a, b) => b[1] < a[1] ? b : a);
  if (far > (name.length > 3 ? 2 : 1)) return { token, why };
  const instead = all.map((one) => one === token ? { not: token.not, tag: nearest, value: token.value.slice(name.length + 1) } : one);
  return { token, why, meant: { name: nearest, text: write(instead) } };
}
function distance(a, b) {
  if (Math.abs(a.length - b.length) > 2) return 3;
  const rows = [...Array(a.length + 1)].map((_, i) => [i, ...Array(b.length).fill(0)]);
  for (let j = 1; j <= b.length; j++) rows[0][j] = j;
  for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) {
    const same = a[i - 1] === b[j - 1] ? 0 : 1;
    let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
    if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, rows[i - 2][j - 2] + 1);
    rows[i][j] = least;
  }
  return rows[a.length][b.length];
}
function ago(text2, now) {
  const [, digits, unit] = /^(\d{1,4})([dwmy])$/i.exec(text2.trim()) ?? [];
  if (digits === void 0) return null;
  const n = Number(digits);
  const time = new Date(now);
  if (unit === "y" || unit === "Y") time.setFullYear(time.getFullYear() - n);
  else if (unit === "m" || unit === "M") time.setMonth(time.getMonth() - n);
  else time.setDate(time.getDate() - n * (unit === "w" || unit === "W" ? 7 : 1));
  return time.toISOString();
}
function daysAgo(text2) {
  if (["today", t("Today").toLowerCase()].includes(text2)) return 0;
  if (["yesterday", t("Yesterday").toLowerCase()].includes(text2)) return 1;
  const digits = /^(\d{1,4}) days? ago$/.exec(text2)?.[1];
  return digits === void 0 ? null : Number(digits);
}
function octets(text2) {
  const [, number3, unit] = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text2.trim()) ?? [];
  if (number3 === void 0) return null;
  return Math.round(Number(number3) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase()));
}
function moment(text2, last, now) {
  const days = daysAgo(text2.trim().toLowerCase());
  if (days !== null) return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days + Number(last)).toISOString();
  const [, date, year, month, day2, hour, minute] = /^((\d{4})[-/](\d\d?)[-/](\d\d?))?(?:T|^|$)(?:(\d\d?):(\d\d))?$/i.exec(text2.trim()) ?? [];
  if (date === void 0 && hour === void 0) return null;
  const start = date === void 0 ? new Date(now) : new Date(Number(year), Number(month) - 1, Number(day2));
  if (date !== void 0 && (start.getMonth() !== Number(month) - 1 || start.getDate() !== Number(day2))) return null;
  if (hour === void 0) {
    if (last) start.setDate(start.getDate() + 1);
  } else {
    if (Number(hour) > 23 || Number(minute) > 59) return null;
    start.setHours(Number(hour), Number(minute) + (last ? 1 : 0), 0, 0);
  }
  return start.toISOString();
}

var pause = 120;
var mostPeople = 3;
var number = 0;
var Glance = class {
  constructor(bar, mail, owner, more) {
    this.bar = bar;
    this.mail = mail;
    this.owner = owner;
    this.more = more;
    const { input } = bar;
    for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": this.id, "aria-autocomplete": "list" })) input.setAttribute(name, value);
    fill(this.list, this.people, this.hits, this.last);
    fill(this.root, this.chips, this.list);
    input.addEventListener("input", () => this.typed());
    input.addEventListener("keydown", (event) => this.key(event));
    this.typed();
  }
  bar;
  mail;
  owner;
  more;
  root = el("div", { class: "glance" });
  id = `glance-${++number}`;
  chips = el("div", { class: "glance-chips" });
  list = el("div", { role: "listbox", id: this.id, "aria-label": t("Suggestions") });
  people = el("div", { role: "group", "aria-label": t("People") });
  hits = el("div", { role: "group", "aria-label": t("Messages") });
  last = el("div", { role: "group", "aria-label": t("Search") });
  at = -1;
  timer = 0;
  turn = 0;
  typed() {
    clearTimeout(this.timer);
    const text2 = this.bar.input.value.trim();
    this.turn++;
    this.drawChips();
    this.drawLast(text2);
    if (text2 === "") {
      fill(this.people);
      fill(this.hits);
    } else this.timer = window.setTimeout(() => void this.ask(text2), pause);
    this.point(-1);
  }
  async save(text2) {
    const saved = this.owner.settings().searches;
    if (!saved.some((one) => one.text === text2)) {
      const searches = [...saved, { name: text2.slice(0, 200), text: text2 }];
      if (!await attempt(t("Saving…"), t("Couldn't save search"), () => this.owner.client.settings_save({ searches }))) return;
    }
    this.bar.submit();
    this.owner.say(t("Search saved under your folders."));
  }
  async ask(text2) {
    const turn = this.turn;
    const { query, needles } = parse(text2, this.mail.mailboxes.value, /* @__PURE__ */ new Date(), this.mail.settings.value.labels, this.mail.facts.value.login_address || void 0);
    const word = tokens(text2).filter((token) => token.tag === "" || token.tag === "from" || token.tag === "to").at(-1)?.value ?? "";
    const none = [];
    const [items, parties] = await Promise.all([this.owner.client.search_glance({ ...query, threading: "off" }).catch(() => []), word === "" ? none : this.owner.client.complete_recipient(word).then((found) => found.parties, () => none)]);
    await released(this.list);
    if (turn !== this.turn) return;
    const chosen = this.options()[this.at]?.textContent;
    this.drawPeople(people(items, parties, word), needles);
    this.drawHits(items, needles);
    this.point(chosen === void 0 ? -1 : this.options().findIndex((one) => one.textContent === chosen));
  }
  drawChips() {
    const { input } = this.bar;
    const all = tokens(input.value);
    const words = all.filter((token) => token.tag === "" && !token.not && token.unknown === void 0);
    const rewrite = (next) => {
      input.value = write(next) + (next.length > 0 ? " " : "");
      input.focus();
      input.dispatchEvent(new Event("input"));
    };
    const toggle = (label, tag, value) => {
      const on = (token) => token.tag === tag && token.value.toLowerCase() === value.toLowerCase() && !token.not;
      const set = all.some(on);
      const next = set ? all.filter((token) => !on(token)) : [...all, { not: false, tag, value }];
      return el("button", { type: "button", class: "glance-chip", "aria-pressed": String(set), onclick: () => rewrite(next) }, label);
    };
    const turned = (label, tag, word2) => el("button", { type: "button", class: "glance-chip", onclick: () => rewrite(all.map((token) => token === word2 ? { ...token, tag } : token)) }, el("span", { dir: "auto" }, label));
    const here = this.mail.current.value;
    const box = here !== void 0 && here.id > 0 ? here.name : void 0;
    const word = words.length === 1 ? words[0] : void 0;
    fill(this.chips, box !== void 0 && toggle(t("In {name}", { name: box }), "mailbox", box), word !== void 0 && [turned(t("From {name}", { name: isolated(word.value) }), "from", word), turned(t("To {name}", { name: isolated(word.value) }), "to", word)], toggle(t("Has attachment"), "attachments", "any"), toggle(t("Last month"), "newer_than", "1m"), toggle(t("Unread"), "is", "unread"));
  }
  drawPeople(found, needles) {
    const { input } = this.bar;
    fill(this.people, found.length > 0 && el("div", { class: "glance-head", "aria-hidden": "true" }, t("People")), found.map((one) => this.option("glance-person", () => {
      input.value = write([{ not: false, tag: "from", value: one.address }]);
      this.bar.submit();
    }, disc(one.name || one.address, one.address), el("span", { class: "glance-words", dir: "auto" }, marked(isolated(one.name || one.address), needles), " ", one.name !== "" && el("span", { class: "glance-more" }, marked(isolated(one.address), needles))))));
  }
  drawHits(items, needles) {
    fill(this.hits, items.length > 0 && el("div", { class: "glance-head", "aria-hidden": "true" }, t("Messages")), items.map((item) => {
      const [from] = item.from;
      const name = from === void 0 ? t("(no address)") : isolated(shortAddress(from));
      return this.option(item.flags.includes("\\seen") ? "glance-hit" : "glance-hit unread", () => {
        this.bar.close();
        this.owner.open(item);
      }, disc(name, from === void 0 ? "" : bareAddress(from)), el("span", { class: "glance-words" }, el("span", { class: "glance-subject", dir: "auto" }, marked(isolated(item.subject) || t("(no subject)"), needles)), el("span", { class: "glance-more", dir: "auto" }, `${name}: `, marked(isolated(item.preview), needles))), el("time", { datetime: item.received }, shortTime(item.received, Date.now())));
    }));
  }
  drawLast(text2) {
    fill(this.last, text2 !== "" && this.option("glance-line", () => this.bar.submit(), sign(search), el("span", { class: "glance-words" }, t("All results")), el("kbd", {}, keyText("Enter"))), text2 !== "" && this.option("glance-line", () => void this.save(text2), sign(bookmark), el("span", { class: "glance-words" }, t("Save search"))), this.option("glance-line", () => this.more(), sign(slidersHorizontal), el("span", { class: "glance-words" }, t("More search options")), el("kbd", {}, keyText("ctrl Enter"))));
  }
  option(kind, run, ...children) {
    const root = el("div", { role: "option", class: `glance-option ${kind}`, id: `${this.id}-${++number}`, "aria-selected": "false", onclick: run }, children);
    root.addEventListener("mousedown", (event) => event.preventDefault());
    return root;
  }
  options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }
  point(at) {
    const { input } = this.bar;
    this.at = at;
    const all = this.options();
    for (const [i, one] of all.entries()) one.setAttribute("aria-selected", String(i === at));
    const found = all[at];
    if (found === void 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", found.id);
      found.scrollIntoView({ block: "nearest" });
    }
  }
  key(event) {
    if (event.isComposing || this.bar.form.hidden || !this.root.isConnected) return;
    const all = this.options();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== void 0) this.point(this.at < 0 ? step > 0 ? 0 : all.length - 1 : (this.at + step + all.length) % all.length);
    else if (event.key === "Enter" && event.ctrlKey) this.more();
    else if (event.key === "Enter" && this.at >= 0) all[this.at].click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
};
function disc(name, address) {
  return el("span", { class: `disc glance-disc c${hue(address.toLowerCase())}`, "aria-hidden": "true" }, initials(name));
}
function people(items, written2, word) {
  const found = /* @__PURE__ */ new Map();
  const needle = word.toLowerCase();
  const senders = items.flatMap((item) => item.from.map((one) => ({ name: one.name, address: bareAddress(one) })));
  for (const one of [...written2, ...senders]) {
    const key2 = one.address.toLowerCase();
    if (!found.has(key2) && needle !== "" && `${one.name} ${key2}`.toLowerCase().includes(needle)) found.set(key2, one);
  }
  return [...found.values()].slice(0, mostPeople);
}

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-searched";
var most2 = 500;
var form = /^~(\d+)~$/;
var load = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
function nameOfSearch(words) {
  if (words === "" || form.test(words)) return words;
  const kept = load();
  const known2 = kept.indexOf(words);
  if (known2 >= 0) return `~${known2}~`;
  const place = Math.min(kept.length, most2 - 1);
  remember(key, JSON.stringify([...kept.slice(0, place), words]), sessionStorage);
  return `~${place}~`;
}
function wordsOfSearch(name) {
  const place = form.exec(name)?.[1];
  return place === void 0 ? name : load()[Number(place)] ?? "";
}

adopt(form_default);
var choices = { any: t("Has attachment"), none: t("No attachment"), image: t("image file"), pdf: "PDF", archive: t("archive file"), spreadsheet: t("spreadsheet file"), document: t("document file"), presentation: t("presentation file"), unread: t("Unread"), read: meant("message", "Read"), flagged: t("Flagged"), starred: t("Flagged"), answered: t("Replied") };
var fields2 = [{ tag: "", label: t("Words"), hint: t("anywhere in message") }, { tag: "from", label: t("From") }, { tag: "to", label: t("To, Cc, Bcc") }, { tag: "subject", label: t("Subject") }, { tag: "mailbox", label: t("Folder") }, { tag: "label", label: t("Label") }, { tag: "start", label: t("From date"), hint: "2026-11-21[T08:30]" }, { tag: "end", label: t("To date"), hint: t("including this date") }, { tag: "attachments", label: t("Attachments"), choices: kinds }, { tag: "is", label: t("Status"), choices: Object.keys(states) }, { tag: "minsize", label: t("At least"), hint: t("500k, 2m") }, { tag: "maxsize", label: t("At most"), hint: t("500k, 2m") }, { tag: "header", label: t("Header"), hint: t("Name:text") }];
var number2 = 0;
function wider(text2, { filter }) {
  if ((filter.mailbox_id ?? 0) <= 0 && (filter.mailbox_name ?? "") === "") return "";
  return text2.replace(/(^|\s)(sub)?(mb|mailbox|in):("[^"]*"|\S*)/gi, " ").trim();
}
function showProblems(place, problems, search2) {
  place.hidden = problems.length === 0;
  fill(place, problems.map(({ why, meant: other }) => el("li", {}, why, other !== void 0 && [" ", el("button", { type: "button", class: "link", onclick: () => search2(other.text) }, t("Did you mean {name}:?", { name: other.name }))])));
}
function say(place, { looked, of, found, messages, done, stopped, left_out, index, saved }, stop) {
  const count = messages > found ? counted({ messages, conversations: found }) : many(found, "{n} found", "{n} found");
  const all = Math.max(of, looked);
  const words = [done && !stopped && count, saved === true && t("In mail saved on this device"), stopped && many(all, "Stopped. {count}. Searched {looked} of {n} message", "Stopped. {count}. Searched {looked} of {n} messages", { count, looked }), !done && (looked === 0 ? t("Searching…") : many(all, "Searching… {count}. Searched {looked} of {n} message", "Searching… {count}. Searched {looked} of {n} messages", { count, looked })), !done && index?.[1] !== void 0 && t("Preparing search: {done} of {total}", { done: index[0], total: index[1] }), left_out.length > 0 && t("Folders shared by {owners} aren't available right now.", { owners: left_out.join(", ") })].filter((one) => one !== false).join(" · ");
  fill(place, !done && el("button", { class: "link", type: "button", onclick: stop }, t("Stop")), words);
  place.title = words;
}
function openGlance(bar, mail, owner) {
  if (!bar.root.contains(document.activeElement) || !bar.form.hidden) return;
  bar.form.hidden = false;
  if (bar.form.childElementCount === 0) {
    const form22 = el("div", { class: "search-more" });
    const glance2 = new Glance(bar, mail, owner, () => {
      glance2.root.hidden = true;
      form22.hidden = false;
      if (form22.childElementCount === 0) fillForm(form22, bar, mail);
      form22.querySelector("input")?.focus();
    });
    fill(bar.form, glance2.root, form22);
  }
  const [glance, form2] = bar.form.children;
  glance.hidden = false;
  form2.hidden = true;
  bar.input.dispatchEvent(new Event("input"));
}
function fillForm(form2, bar, mail) {
  const names = () => {
    const mailboxes = mail.mailboxes.value;
    return { mailboxes, labels: allLabels(mail.settings.value.labels, mailboxes, []).map(({ name }) => name) };
  };
  const rows = fields2.map((field) => row(field, bar, names));
  const draw = () => {
    const all = tokens(bar.input.value);
    const { problems } = parse(bar.input.value, names().mailboxes, /* @__PURE__ */ new Date(), mail.settings.value.labels);
    for (const one of rows) one.draw(all, problems);
    toRule.hidden = account === "";
    toRule.disabled = ruleOf(all) === null;
  };
  const { account_path: account } = mail.facts.value;
  const toRule = el("button", { type: "button", onclick: () => {
    const rule = ruleOf(tokens(bar.input.value));
    if (rule !== null) location.assign(newRuleAt(account, "", rule));
  } }, t("Create rule…"));
  fill(form2, el("p", { class: "search-help" }, t("Separate words with spaces. To exclude a word, put “-” before it. To find a phrase, use quotes.")), rows.map((one) => one.root), el("div", { class: "dialog-buttons" }, toRule, el("button", { type: "button", onclick: () => bar.end() }, t("Clear")), el("button", { type: "submit", class: "primary" }, t("Search"))));
  bar.input.addEventListener("input", draw);
  draw();
}
function row(field, bar, names) {
  const id = `search-${++number2}`;
  const wrong = el("span", { class: "field-problem", id: `${id}-wrong`, role: "alert" });
  const common = { class: "dialog-input", id, "aria-describedby": `${id}-wrong`, autocomplete: "off", spellcheck: "false" };
  const list = el("datalist", { id: `${id}-list` });
  const offered = field.tag === "mailbox" ? () => names().mailboxes.map(({ name }) => name) : field.tag === "label" ? () => names().labels : null;
  const input = field.choices !== void 0 ? el("select", common, el("option", { value: "" }, t("All messages")), field.choices.map((choice) => el("option", { value: choice }, choices[choice] ?? choice))) : el("input", { ...common, placeholder: field.hint ?? "", maxlength: "1000", list: offered === null ? void 0 : list.id });
  const own = (token) => token.tag === field.tag;
  const day2 = field.tag === "start" || field.tag === "end" ? calendarOf(input) : null;
  const changed = () => {
    const all = tokens(bar.input.value);
    const value = input.value.trim();
    const typed = field.tag === "" ? tokens(value).filter(own) : value === "" ? [] : tokensOf(field, value);
    const first = all.findIndex(own);
    const at = first >= 0 ? first : field.tag === "" ? 0 : all.length;
    const others = (part) => part.filter((token) => !own(token));
    bar.input.value = write([...others(all.slice(0, at)), ...typed, ...others(all.slice(at))]);
    bar.input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", changed);
  input.addEventListener("focus", () => offered !== null && fill(list, offered().map((value) => el("option", { value }))));
  return { root: el("div", { class: "search-field" }, el("label", { for: id }, field.label), day2 === null ? input : el("span", { class: "search-day" }, input, day2), list, wrong), draw(all, problems) {
    if (document.activeElement !== input) input.value = shown(field, all.filter(own));
    const found = problems.find(({ token }) => own(token))?.why ?? "";
    fill(wrong, found);
    input.setAttribute("aria-invalid", String(found !== ""));
  } };
}
function calendarOf(input) {
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
  return el("span", {}, hidden, el("button", { type: "button", class: "link", "aria-label": t("Choose date"), title: t("Choose date"), onclick: choose }, sign(calendar)));
}
function shown(field, own) {
  if (field.tag === "") return write(own);
  const single = field.choices !== void 0 || ["mailbox", "start", "end", "minsize", "maxsize"].includes(field.tag);
  const first = own[0];
  if (first === void 0) return "";
  if (single) return first.not ? "" : first.value;
  return write(own.map((token) => ({ ...token, tag: "" })));
}
function tokensOf(field, value) {
  const single = field.choices !== void 0 || ["mailbox", "start", "end", "minsize", "maxsize", "header"].includes(field.tag);
  if (single) return [{ not: false, tag: field.tag, value }];
  return tokens(value).map((token) => token.tag === "" ? { ...token, tag: field.tag } : { not: token.not, tag: field.tag, value: `${token.tag}:${token.value}` });
}
export {
  nameOfSearch,
  openGlance,
  parse,
  say,
  showProblems,
  wider,
  wordsOfSearch
};
