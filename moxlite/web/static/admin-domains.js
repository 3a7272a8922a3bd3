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
  const line2 = document.createElementNS(namespace, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text3, values = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text3, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text3) ?? text3, values);
}
function many(n, one, other, values = {}) {
  const text3 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text3, { ...values, n });
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var arrowUp = "M5 12l7-7 7 7 M12 19V5";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var globe = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 2a14.5 14.5 0 0 0 0 20 14.5 14.5 0 0 0 0-20 M2 12h20";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var refreshCw = "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8 M21 3v5h-5 M21 12a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16 M8 16H3v5";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var made = 0;
function field(label, control, hint = null) {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control.id === "") control.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () => described() === "" ? control.removeAttribute("aria-describedby") : control.setAttribute("aria-describedby", described());
  describe();
  const problem = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text3)]);
    control.setAttribute("aria-invalid", String(text3 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3);
  };
  const words2 = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words2), control, problem };
}
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words2]) => el("option", { value, selected: value === chosen }, words2)));
  return field(label, control, hint);
}
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function saved(form2) {
  delete form2.dataset["unsaved"];
  form2.dispatchEvent(new Event("saved", { bubbles: true }));
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
async function confirm(title, message, action, kind = "line danger") {
  const answer2 = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer2 === true;
}
async function attempt(doing, failed, work, undo3) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    undo3?.();
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

function head(title, hint, ...actions) {
  const words2 = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words2);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function tabs(label, links) {
  const made2 = el("nav", { class: "tabs", "aria-label": label }, links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : void 0 }, title)));
  requestAnimationFrame(() => {
    const shown3 = made2.querySelector("[aria-current]");
    if (shown3 !== null) made2.scrollLeft = shown3.offsetLeft - made2.offsetLeft - (made2.clientWidth - shown3.offsetWidth) / 2;
  });
  return made2;
}
function table(label, columns, rows, each) {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
      const text3 = cell.textContent;
      cell.className += /\S{30}/.test(text3) ? " long" : /\S{25}/.test(text3) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row);
    return tr;
  });
  const titles = columns.map((column) => el("th", { class: column.kind, scope: "col" }, column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title));
  return el("table", { class: "records", "aria-label": label }, el("thead", {}, el("tr", {}, titles)), el("tbody", {}, body));
}
function wrapped(child) {
  return Array.isArray(child) || typeof child === "string" ? child.length > 0 ? el("div", {}, child) : null : child;
}
function pairs(entries) {
  return el("dl", { class: "pair" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function iconButton(name, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name, title: name, onclick: run }, sign(path, "i s"));
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text3) => fill(face, sign(path, "i s"), word !== "" && text3);
  const made2 = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made2.addEventListener("click", async () => {
    await toClipboard(value());
    show(check, t("Copied"));
    said.textContent = t("Copied");
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      show(copy, word);
      said.textContent = "";
    }, 2e3);
  });
  show(copy, word);
  return made2;
}
async function toClipboard(value) {
  if (isSecureContext) {
    await navigator.clipboard.writeText(value);
    return;
  }
  const area = el("textarea", { readonly: true, "aria-hidden": "true" });
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
function copyable(value) {
  return el("span", { class: "copy" }, el("code", {}, value), copyButton(() => value));
}
function foreign(value, most = 300) {
  const shown3 = visible(value);
  if (shown3.length <= most) return el("bdi", {}, shown3);
  const words2 = el("bdi", {}, `${shown3.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words2, shown3);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words2, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function mark2(level, word, small = true) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], small ? "i s" : "i"), el("span", { class: "sr" }, `${word}: `));
}
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text3, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text3), actions);
}
function empty(path, title, text3, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text3 !== "" && el("p", {}, text3), actions);
}

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

function sentence(text3) {
  return `${text3[0]?.toUpperCase() ?? ""}${text3.slice(1)}${/[.!?…]$/.test(text3) ? "" : "."}`;
}

var Unreadable = class extends Error {
};
var Editor = class {
  constructor(infos, before, save, sections = [], action = t("Save")) {
    this.infos = infos;
    this.before = before;
    this.parts = new Map(infos.map((info) => [info.name, make(info, before[info.name])]));
    const button2 = el("button", { class: "btn primary", type: "submit" }, action);
    this.root = el("form", { class: "editor", novalidate: true, onsubmit: async (event) => {
      event.preventDefault();
      button2.disabled = true;
      this.fail("");
      this.root.ariaBusy = "true";
      try {
        if (await save({ ...this.before }, this.read()) !== false) saved(this.root);
      } catch (error) {
        this.complain(error);
      } finally {
        button2.disabled = false;
        this.root.ariaBusy = null;
      }
    } }, this.laidOut(sections), this.failure, this.changes, this.bar);
    this.bar.append(button2);
    for (const kind of ["input", "change", "click"]) this.root.addEventListener(kind, () => this.tell());
    this.adapt();
  }
  infos;
  before;
  root;
  parts;
  failure = el("div", { hidden: true });
  bar = el("div", { class: "bar" });
  changes = el("div", { class: "changes", role: "status", hidden: true });
  adapt() {
    this.bar.hidden = this.infos.every(({ name, type }) => ["list", "map"].includes(type) && Object.keys(this.before[name] ?? {}).length === 0) && this.root.querySelector(".item") === null;
  }
  laidOut(sections) {
    const roots = (names) => names.flatMap((name) => this.parts.get(name)?.root ?? []);
    if (sections.length === 0) return roots([...this.parts.keys()]);
    const placed = new Set(sections.flatMap(({ names }) => names));
    const rest = { title: t("All other settings"), names: [...this.parts.keys()].filter((name) => !placed.has(name)) };
    return [...sections, rest].map(({ title: words2, names }) => ({ words: words2, fields: roots(names), set: names.some((name) => name in this.before) })).filter(({ fields }) => fields.length > 0).map(({ words: words2, fields, set }, i) => el("details", { class: "section", open: i === 0 }, el("summary", {}, words2, set && i > 0 && el("span", { class: "hint" }, ` · ${t("some set")}`)), el("div", { class: "items" }, fields)));
  }
  tell() {
    this.adapt();
    let after;
    try {
      after = this.read();
    } catch {
      return;
    }
    const lines2 = this.infos.filter(({ name }) => JSON.stringify(this.before[name]) !== JSON.stringify(after[name])).map((info) => {
      const [was, will] = [this.before[info.name], after[info.name]].map((value) => value === void 0 ? t("not set") : visible(shown(info, value).slice(0, 200)));
      return el("li", {}, el("b", {}, info.label), ": ", el("del", {}, was), " → ", el("ins", {}, will));
    });
    this.changes.hidden = lines2.length === 0;
    fill(this.changes, lines2.length > 0 && [el("p", {}, t("This will change:")), el("ul", {}, lines2)]);
  }
  read() {
    const values = {};
    for (const [name, part] of this.parts) {
      const value = part.read();
      if (value !== void 0) values[name] = value;
    }
    return values;
  }
  complain(error) {
    if (error instanceof Unreadable) {
      this.focus();
      return;
    }
    const rest = [];
    for (const one of fieldsOf(error)) {
      const [name, below] = cut(one.field);
      if (!this.parts.get(name)?.problem(below, one.text)) rest.push(one);
    }
    if (rest.length > 0) this.fail(rest.map((one) => `${one.field} ${one.text}`.trim()).join("\n"));
    else if (fieldsOf(error).length === 0) this.fail(error instanceof Error ? error.message : String(error));
    this.focus();
  }
  focus() {
    const bad = this.root.querySelector("[aria-invalid=true]");
    for (let at = bad?.closest("details"); at; at = at.parentElement?.closest("details")) at.open = true;
    bad?.focus();
  }
  fail(text22) {
    this.failure.hidden = text22 === "";
    fill(this.failure, text22 !== "" && notice("danger", text22));
  }
};
function cut(path) {
  const match = /^\.?(?:"((?:[^"\\]|\\.)*)"|\[(\d+)\]|([^.[]+))/.exec(path);
  if (match === null) return [path, ""];
  const quoted = match[1]?.replace(/\\(.)/g, "$1");
  return [quoted ?? match[2] ?? match[3] ?? "", path.slice(match[0].length).replace(/^\./, "")];
}
function shown(info, value) {
  if (Array.isArray(value)) return value.map(String).join(", ");
  if (typeof value === "boolean") return value ? t("on") : t("off");
  if (typeof value === "object") return JSON.stringify(value);
  return info.words[String(value)] ?? String(value);
}
function rendered(text22) {
  return text22.split(/`([^`]+)`/).map((piece, i) => i % 2 === 1 ? el("code", {}, piece) : piece);
}
function make(info, value, label = info.label) {
  switch (info.type) {
    case "boolean":
      return boolean(info, value, label);
    case "enum":
      return words(info, value, label);
    case "table":
      return table2(info, value, label);
    case "list":
      return list(info, value, label);
    case "map":
      return map(info, value, label);
    default:
      return text2(info, value, label);
  }
}
function boolean(info, value, label) {
  const found = tick(label, value === void 0 ? info.default === true : value === true, rendered(info.doc));
  return { root: found.root, read: () => found.control.checked === (info.default === true) ? void 0 : found.control.checked, problem: (_, words2) => {
    found.problem(words2);
    return true;
  } };
}
function words(info, value, label) {
  const values = Object.entries(info.words).map(([value2, word]) => [value2, value2 === info.default ? t("{word} (default)", { word }) : word]);
  if (info.required) values.unshift(["", t("Choose…")]);
  const found = choice(label, values, String(value ?? info.default ?? ""), rendered(info.doc));
  return { root: found.root, read: () => found.control.value === (info.default ?? "") ? void 0 : found.control.value, problem: (_, said) => {
    found.problem(said);
    return true;
  } };
}
function text2(info, value, label) {
  const numeric = info.type === "integer" || info.type === "number";
  const found = line(label, value === void 0 || value === null ? "" : String(value), rendered(info.doc), { placeholder: String(info.default ?? ""), ...numeric ? { inputmode: "decimal" } : {}, ...info.required ? { required: "" } : {} });
  const read2 = () => {
    const typed = found.control.value;
    if (typed === "") {
      if (!info.required) return void 0;
      found.problem(t("Required."));
      throw new Unreadable();
    }
    if (!numeric) return info.kind === "size" && /^-?\d+$/.test(typed) ? Number(typed) : typed;
    const number = Number(typed);
    if (!Number.isFinite(number) || info.type === "integer" && !Number.isInteger(number)) {
      found.problem(info.type === "integer" ? t("Enter a whole number.") : t("Enter a number."));
      throw new Unreadable();
    }
    return number;
  };
  return { root: found.root, read: read2, problem: (_, said) => {
    found.problem(said);
    return true;
  } };
}
function table2(info, value, label) {
  const optional = info.default === null && !info.required;
  const given = typeof value === "object" && value !== null ? value : {};
  const defaults = typeof info.default === "object" && info.default !== null ? info.default : {};
  const parts = new Map(info.fields.map((one) => [one.name, make({ ...one, default: defaults[one.name] ?? one.default }, given[one.name])]));
  const on = tick(t("Set {what}", { what: label.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase()) }), value !== void 0 && value !== null);
  const body = el("div", { class: "items" }, [...parts.values()].map((part) => part.root));
  const adapt = () => body.hidden = optional && !on.control.checked;
  on.control.addEventListener("change", adapt);
  adapt();
  const root = el("details", { open: value !== void 0 && info.name !== "" }, el("summary", {}, label), el("p", { class: "hint" }, rendered(info.doc)), optional && on.root, body);
  const read2 = () => {
    if (optional && !on.control.checked) return void 0;
    const values = {};
    for (const [name, part] of parts) {
      const one = part.read();
      if (one !== void 0) values[name] = one;
    }
    return !optional && Object.keys(values).length === 0 ? void 0 : values;
  };
  const problem = (path, said) => {
    root.open = true;
    const [name, below] = cut(path);
    if (parts.get(name)?.problem(below, said)) return true;
    on.problem(said);
    return optional;
  };
  return { root, read: read2, problem };
}
function list(info, value, label) {
  return many2(info, label, Array.isArray(value) ? value.map((one) => ["", one]) : [], (item) => ({ part: item, keyed: null }));
}
function map(info, value, label) {
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return many2(info, label, given, (item, key) => ({ part: item, keyed: line(t("Name"), key) }));
}
function begin(root) {
  root.querySelector("details")?.setAttribute("open", "");
  root.querySelector("input, select")?.focus();
}
function heading(label, number, value) {
  const words2 = Object.values(typeof value === "object" && value !== null ? value : {}).flatMap((one) => typeof one === "string" ? [one] : Array.isArray(one) && one.every((item) => typeof item === "string") ? [one.join(", ")] : []);
  const shown22 = words2.slice(0, 2).join(" · ");
  return `${label} ${number}${shown22 === "" ? "" : `: ${visible(shown22.slice(0, 80))}`}`;
}
function many2(info, label, given, wrap) {
  const below = info.item;
  if (below === null || below === void 0) throw new Error(`no item in ${info.name}`);
  const items = [];
  const place = el("div", { class: "items", data: { rows: "" } });
  const error = el("span", { class: "error", hidden: true });
  const ordered = info.type === "list" && below.type === "table";
  const add2 = (key, value) => {
    const made2 = make({ ...below, name: "", required: true }, value, below.type === "table" ? heading(label, items.length + 1, value) : label);
    const { part, keyed: keyed2 } = wrap(made2, key);
    const remove2 = iconButton(t("Remove"), trash2, () => {
      items.splice(items.indexOf(item), 1);
      item.root.remove();
      adder.focus();
    });
    const move = (event) => {
      const at = items.indexOf(item);
      if (at <= 0) return;
      const before = items[at - 1];
      items.splice(at - 1, 2, item, before);
      before.root.before(item.root);
      event.currentTarget.focus();
    };
    const root2 = el("div", { class: "item" }, el("div", { class: "items" }, keyed2?.root, part.root), el("div", { class: "flex" }, ordered && iconButton(t("Move up"), arrowUp, move), remove2));
    const item = { part, key: () => keyed2?.control.value ?? "", root: root2 };
    if (below.type !== "table") root2.querySelector("label")?.classList.add("sr");
    items.push(item);
    place.append(root2);
    return root2;
  };
  for (const [key, value] of given) add2(key, value);
  const adder = el("button", { class: "btn line small", type: "button", data: { adds: "" }, onclick: () => begin(add2("", void 0)) }, sign(plus, "i s"), t("Add"));
  const root = el("fieldset", { class: "field" }, el("legend", {}, label), el("span", { class: "hint" }, rendered(info.doc)), place, error, el("div", {}, adder));
  const keyed = info.type === "map";
  const read2 = () => {
    if (items.length === 0) return void 0;
    if (keyed) return Object.fromEntries(items.map((item) => [item.key(), item.part.read() ?? {}]));
    return items.map((item) => item.part.read() ?? {});
  };
  const problem = (path, said) => {
    const [name, rest] = cut(path);
    const item = keyed ? items.find((one) => one.key() === name) : items[Number(name)];
    if (path !== "" && item?.part.problem(rest, said)) return true;
    error.hidden = false;
    fill(error, said);
    return true;
  };
  return { root, read: read2, problem };
}

async function settingsForm(desk, path, only, sections = []) {
  const found = await desk.client.settings([...path]);
  const fields = only === void 0 ? found.fields : found.fields.filter((one) => only(one.name));
  const names = new Set(fields.map((one) => one.name));
  const chosen = Object.fromEntries(Object.entries(found.values).filter(([name]) => names.has(name)));
  let rest = Object.fromEntries(Object.entries(found.values).filter(([name]) => !names.has(name)));
  const save = async (before, after, base) => {
    if (base !== void 0) rest = Object.fromEntries(Object.entries(base).filter(([name]) => !names.has(name)));
    try {
      await desk.client.settings_save([...path], { ...rest, ...before }, { ...rest, ...after });
    } catch (error) {
      if (codeOf(error) !== "user:conflict") throw error;
      const answer2 = await conflict(error);
      if (answer2 !== "mine") {
        if (answer2 === "theirs") await desk.refresh();
        return answer2 === "theirs";
      }
      const { values: now } = await desk.client.settings([...path]);
      return save(Object.fromEntries(Object.entries(now).filter(([name]) => names.has(name))), onTop(now, before, after, names), now);
    }
    desk.say(t("Saved"), { title: t("Undo"), run: () => void undo(desk, path, { ...rest, ...after }, { ...rest, ...before }) });
    await desk.refresh();
    return true;
  };
  return new Editor(fields, chosen, save, sections).root;
}
async function undo(desk, path, now, then) {
  try {
    await desk.client.settings_save([...path], now, then);
    await desk.refresh();
  } catch (error) {
    await showError(t("Couldn't undo"), error);
  }
}
function onTop(now, before, after, names) {
  const found = {};
  for (const name of names) {
    const value = JSON.stringify(before[name]) === JSON.stringify(after[name]) ? now[name] : after[name];
    if (value !== void 0) found[name] = value;
  }
  return found;
}
async function conflict(error) {
  return dialog(t("Changed elsewhere"), (close) => [el("p", { class: "dialog-text" }, messageOf(error)), el("p", { class: "dialog-text" }, t("Your changes weren't saved. You can still edit them here.")), el("div", { class: "dialog-buttons" }, el("button", { class: "btn line", onclick: () => close("theirs") }, t("Discard my changes")), el("button", { class: "btn primary", autofocus: true, onclick: () => close("mine") }, t("Save anyway")))]);
}
function fieldForm(fields, action, run, more = null, cancel = null) {
  const failure = el("div", { hidden: true });
  const button2 = el("button", { class: "btn primary", type: "submit" }, action);
  const form = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    button2.disabled = true;
    failure.hidden = true;
    form.ariaBusy = "true";
    try {
      if (await run() !== false) saved(form);
    } catch (error) {
      refusal(error, fields, failure, form);
    } finally {
      button2.disabled = false;
      form.ariaBusy = null;
    }
  } }, Object.values(fields).map((one) => one.root), more, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
  return form;
}
function refusal(error, fields, failure, form) {
  const [single, ...others] = Object.keys(fields);
  const told2 = fieldsOf(error);
  const mistakes = told2.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== void 0 ? [{ field: single, text: messageOf(error) }] : told2;
  const rest = mistakes.filter((one) => fields[one.field] === void 0);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form.querySelector("[aria-invalid=true]")?.focus();
}
function fieldDialog(title, action, fields, run, more = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
}
async function typedAgain(title, name, what, action) {
  const typed = line(t("Type {name} to continue", { name }), "");
  const answer2 = await dialog(title, (close) => {
    const button2 = el("button", { class: "btn line danger", type: "submit", disabled: true }, action);
    typed.control.addEventListener("input", () => button2.disabled = typed.control.value !== name);
    return [el("div", { class: "dialog-text" }, what), el("form", { class: "form", data: { fleeting: "" }, onsubmit: (event) => {
      event.preventDefault();
      if (typed.control.value === name) close(true);
    } }, typed.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), button2))];
  });
  return answer2 === true;
}
async function showSecret(title, text3, secret) {
  await dialog(title, (close) => [el("p", { class: "dialog-text" }, text3), el("p", {}, secret), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Done")))]);
}

function aliases(desk, found) {
  const name = found.row.domain;
  const open = (row) => addressOf("domains", [name, "aliases", row.localpart], { tab: "aliases" });
  const list2 = table(t("Aliases"), [{ title: t("Alias"), kind: "main", cell: (row) => [el("a", { href: open(row) }, el("b", {}, row.address)), row.alike && el("div", { class: "hint" }, t("Looks like {address}", { address: row.alike }))] }, { title: t("Members"), cell: (row) => foreign(row.members.join(", "), 200) }, { title: t("Posting permission"), cell: (row) => row.post_public ? t("anyone") : t("members") }, { title: "", kind: "top", cell: (row) => iconButton(t("Delete {alias}", { alias: row.address }), trash2, () => void removeAlias(desk, row)) }], found.aliases);
  return card(t("Aliases"), found.aliases.length === 0 ? el("p", { class: "hint" }, t("No aliases yet. An alias delivers mail to several other addresses.")) : list2, { flush: true, actions: button(t("Add alias"), () => void addAlias(desk, name), { icon: plus, kind: "line small" }) });
}
async function addAlias(desk, domain) {
  const address = line(t("Alias address"), `@${domain}`, null, { inputmode: "email" });
  const members = membersField();
  const done = await fieldDialog(t("Add alias"), t("Add alias"), { alias: address, members }, () => desk.client.config_alias_add(address.control.value, lines(members.control)).then(() => true), el("p", { class: "hint" }, t("Anyone can post to a new alias. Members don't get copies of their own messages.")));
  if (done !== null) await desk.refresh();
}
var membersField = () => field(t("Members"), el("textarea", {}), t("One address per line. At least one must be on this server. We'll email a confirmation link to addresses on other servers."));
var lines = (area) => area.value.split(/[\s,]+/).filter((one) => one !== "");
async function removeAlias(desk, row) {
  if (!await confirm(t("Delete {alias}?", { alias: row.address }), many(row.members.length, "New mail to this alias will be rejected. {n} member will keep existing messages.", "New mail to this alias will be rejected. {n} members will keep existing messages."), t("Delete"))) return;
  if (!await attempt(t("Deleting…"), t("Couldn't delete alias"), () => desk.client.config_alias_rm(row.address))) return;
  desk.go(addressOf("domains", [row.address.slice(row.address.lastIndexOf("@") + 1)], { tab: "aliases" }));
}
async function aliasPage(desk, found, localpart) {
  const row = found.aliases.find((one) => one.localpart === localpart);
  if (row === void 0) return notice("warn", t("This alias no longer exists."));
  const drop = async (member) => {
    if (await attempt(t("Removing…"), t("Couldn't remove member"), () => desk.client.config_alias_rmaddr(row.address, [member]))) await desk.refresh();
  };
  const add2 = async () => {
    const members2 = membersField();
    if (await fieldDialog(t("Add members"), t("Add"), { members: members2 }, () => desk.client.config_alias_addaddr(row.address, lines(members2.control)).then(() => true)) !== null) await desk.refresh();
  };
  const members = table(t("Members"), [{ title: t("Member"), kind: "main", cell: (one) => el("bdi", {}, one) }, { title: "", kind: "top", cell: (one) => iconButton(t("Remove {member}", { member: one }), trash2, () => void drop(one)) }], row.members);
  return [card(row.address, members, { flush: true, actions: [button(t("Add members"), () => void add2(), { icon: plus, kind: "line small" }), button(t("Delete alias…"), () => void removeAlias(desk, row), { kind: "line small danger" })] }), card(t("Options"), await settingsForm(desk, ["domains", found.row.domain, "aliases", localpart]), { hint: t("To reject mail from non-members, turn off “post public”. To send members copies of their own messages, turn on “deliver to sender”.") })];
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

var second = 1e6;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
function timeOf(at) {
  return formatted(new Date(at / 1e3), "clock", { hour: "numeric", minute: "2-digit" });
}
function moment(at, now = Date.now() * 1e3) {
  const here = new Date(at / 1e3);
  const today = new Date(now / 1e3);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here).setHours(0, 0, 0, 0)) / 864e5);
  const time = timeOf(at);
  if (days === 0) return time;
  if (days === 1) return t("yesterday {time}", { time });
  if (days === -1) return t("tomorrow {time}", { time });
  if (days > 0 && days < 7) return `${formatted(here, "weekday", { weekday: "short" })} ${time}`;
  if (here.getFullYear() === today.getFullYear()) return `${formatted(here, "day", { day: "numeric", month: "short" })} ${time}`;
  return formatted(here, "date", { day: "numeric", month: "short", year: "numeric" });
}
function agoShort(duration) {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}
function ago(at) {
  const duration = Date.now() * 1e3 - at;
  return duration < minute ? t("just now") : t("{time} ago", { time: agoShort(duration) });
}

async function provider(desk, name) {
  const [used, rotation, hosts] = await Promise.all([desk.client.dns_provider_show(name), desk.client.dns_rotation_show(name), desk.client.dns_host_key_show()]);
  const set = used.provider !== "";
  return [set ? providerCard(desk, name, used) : invitation(desk, name), (set || rotation.stage !== "resting") && rotationCard(desk, name, rotation), hosts.map((one) => (set || one.stage !== "resting") && hostCard(desk, one))];
}
function invitation(desk, name) {
  return card(t("DNS provider"), el("p", { class: "hint" }, t("Add an API token to publish the records below and rotate signing keys automatically.")), { actions: button(t("Set DNS provider…"), () => void choose(desk, name), { kind: "primary" }) });
}
function providerCard(desk, name, used) {
  const forget = async () => {
    const words2 = t("Records won't change. Keys will no longer be rotated automatically.");
    if (!await confirm(t("Delete the {title} token?", { title: used.title }), words2, t("Delete"))) return;
    if (await attempt(t("Deleting…"), t("Couldn't delete token"), () => desk.client.dns_provider_rm(name))) await desk.refresh();
  };
  return card(t("DNS provider"), pairs([[t("Provider"), used.title], ...used.zone === "" ? [] : [[t("Zone"), el("bdi", {}, used.zone)]], [t("External changes"), used.enforce ? t("reverted nightly") : t("reported only")]]), { actions: [button(t("Publish records…"), () => void publish(desk, name), { kind: "primary" }), used.published > 0 && button(t("Undo…"), () => void undo2(desk, name)), button(t("Change…"), () => void choose(desk, name)), button(t("Delete token…"), () => void forget(), { kind: "line danger" })] });
}
async function choose(desk, name) {
  const known = await desk.client.dns_provider_list();
  const which = choice(t("Provider"), known.map((one) => [one.name, one.title]), known[0]?.name ?? "", t("If your provider isn't listed, add the records manually or delegate the zone to a listed provider."));
  const chosen = await fieldDialog(t("DNS provider for {domain}", { domain: name }), t("Next"), { which }, async () => known.find((one) => one.name === which.control.value));
  if (chosen !== null && chosen !== void 0) await answer(desk, name, chosen);
}
async function answer(desk, name, chosen) {
  const questions = chosen.questions.map((one) => ({ option: one.option, field: line(sentence2(one.words), "", null, one.secret ? { type: "password", autocomplete: "new-password" } : {}) }));
  const enforce = tick(t("Undo external changes"), false, t("If someone changes records published here, they'll be restored every night."));
  const done = await fieldDialog(chosen.title, t("Test and save"), { ...Object.fromEntries(questions.map((one) => [one.option, one.field])), enforce }, () => desk.client.dns_provider_set(name, chosen.name, Object.fromEntries(questions.map((one) => [one.option, one.field.control.value])), enforce.control.checked), el("p", { class: "hint" }, chosen.rights));
  if (done === null) return;
  await desk.refresh();
  desk.say(t("{title} connected", { title: done.title }));
}
var sentence2 = (words2) => words2.charAt(0).toUpperCase() + words2.slice(1);
async function publish(desk, name) {
  const addresses2 = tick(t("Include this server's addresses"), false);
  const replace = tick(t("Replace different records"), false, t("For example, another server's MX record. New mail will then be delivered here."));
  const plan = await fieldDialog(t("Publish records"), t("Review changes"), { addresses: addresses2, replace }, () => desk.client.dns_plan(name, false, addresses2.control.checked, replace.control.checked));
  if (plan === null) return;
  const rules = plan.groups.some((one) => one.rules) ? tick(t("Publish enforcement rules"), false, t("Only use this if this server handles all mail and certificates for this domain.")) : null;
  if (!await shown2(t("Publish records"), plan, t("Publish"), rules?.root)) return;
  const lenient = rules !== null && !rules.control.checked;
  await make2(desk, () => desk.client.dns_publish(name, plan.lines, false, addresses2.control.checked, replace.control.checked, lenient));
}
async function undo2(desk, name) {
  let plan = null;
  await attempt(t("Loading…"), t("Couldn't load last change"), async () => {
    plan = await desk.client.dns_plan(name, true);
  });
  const found = plan;
  if (found === null || !await shown2(t("Undo last change"), found, t("Undo"))) return;
  await make2(desk, () => desk.client.dns_publish(name, found.lines, true));
}
async function make2(desk, run) {
  let missing = [];
  const done = await attempt(t("Updating DNS…"), t("Couldn't update DNS"), async () => {
    missing = await run();
  });
  if (!done) return;
  await desk.refresh();
  desk.say(missing.length === 0 ? t("Published. Name servers will update within minutes.") : many(missing.length, "{n} record rejected by the provider.", "{n} records rejected by the provider."));
}
async function shown2(title, plan, action, more = null) {
  const diffs = el("pre", { class: "zone", tabindex: "0", "aria-label": t("Changes") }, plan.groups.map((one) => [el("b", {}, one.title), "\n", one.lines.map((line2) => `${visible(line2)}
`)]));
  const answered = await dialog(title, (close) => [plan.lines.length === 0 ? notice("ok", t("No changes needed.")) : diffs, el("div", {}, more, plan.notes.map((one) => el("p", { class: "hint" }, visible(one)))), el("div", { class: "dialog-buttons" }, button(plan.lines.length === 0 ? t("Close") : t("Cancel"), () => close(false)), plan.lines.length > 0 && button(action, () => close(true), { kind: "primary" }))]);
  return answered === true;
}
function rotationCard(desk, name, found) {
  return stagesCard(desk, t("DKIM key rotation"), found, { question: t("Replace the DKIM key?"), words: t("The next key will be published now and start signing in a few hours. The previous record will be removed after 8 days."), now: () => desk.client.dns_rotation_now(name), stop: () => desk.client.dns_rotation_stop(name), start: () => desk.client.dns_rotation_start(name) });
}
function hostCard(desk, found) {
  return stagesCard(desk, t("DANE key rotation: {host}", { host: found.host }), found, { question: t("Replace the {host} key?", { host: found.host }), words: t("The TLSA record for the next key will be published now. A certificate will be requested in a few hours. The previous record will be removed 1 day later."), now: () => desk.client.dns_host_key_now(found.host), stop: () => desk.client.dns_host_key_stop(found.host), start: () => desk.client.dns_host_key_start(found.host) });
}
function stagesCard(desk, title, found, actions) {
  const act = async (run) => {
    if (await attempt(t("Saving…"), t("Couldn't update key rotation"), run)) await desk.refresh();
  };
  const now = async () => {
    if (await confirm(actions.question, actions.words, t("Replace"))) await act(actions.now);
  };
  const level = found.stopped ? "off" : found.problem !== "" || found.todo.length > 0 ? "warn" : "ok";
  return card(title, [el("p", {}, state(level, found.stage), " ", sentence2(found.words), "."), found.since !== "" && el("p", { class: "hint" }, t("Since {time}.", { time: moment(Date.parse(found.since) * 1e3) })), found.until !== "" && el("p", { class: "hint" }, t("Until {time}.", { time: moment(Date.parse(found.until) * 1e3) })), found.todo.map((one) => el("div", {}, copyable(one))), found.problem !== "" && notice("warn", visible(found.problem))], { actions: [found.stopped ? button(t("Continue"), () => void act(actions.start)) : button(t("Stop"), () => void act(actions.stop)), found.stage === "resting" && button(t("Replace now…"), () => void now())] });
}

async function dns(desk, name, { again = 0, told: told2 = (_) => void 0 } = {}) {
  const [records, reports, above] = await Promise.all([desk.client.dns_records(name), desk.client.dns_reports(name), provider(desk, name)]);
  const places = new Map(reports.map((one) => [one.topic, el("li")]));
  const summary = el("div", { class: "summary", "aria-live": "polite" });
  const latest = new Map(reports.map((one) => [one.topic, one]));
  const running = /* @__PURE__ */ new Set();
  const draw = (topic) => {
    const report = latest.get(topic);
    fill(places.get(topic), topicLine(report, running.has(topic), () => void check2(topic)));
    const all = [...latest.values()];
    told2(all);
    const [bad, weak] = [all.filter((one) => one.errors.length > 0).length, all.filter((one) => one.errors.length === 0 && one.warnings.length > 0).length];
    const level = bad > 0 ? "danger" : weak > 0 ? "warn" : "ok";
    const words2 = running.size > 0 ? many(running.size, "{n} check running.", "{n} checks running.") : bad + weak === 0 ? t("No problems found.") : [bad > 0 ? many(bad, "{n} check found errors.", "{n} checks found errors.") : "", weak > 0 ? many(weak, "{n} check found possible improvements.", "{n} checks found possible improvements.") : ""].join(" ");
    fill(summary, all.some((one) => one.at > 0) || running.size > 0 ? notice(running.size > 0 ? "wait" : level, words2) : null);
  };
  const check2 = async (topic) => {
    let could = true;
    running.add(topic);
    draw(topic);
    try {
      do
        latest.set(topic, await desk.client.dns_check(name, topic));
      while (latest.get(topic).running && summary.isConnected);
    } catch (error) {
      could = false;
      latest.set(topic, { topic, at: Date.now() * 1e3, running: false, errors: [messageOf(error)], warnings: [], instructions: [], found: [], unused: false });
    }
    running.delete(topic);
    draw(topic);
    return could;
  };
  for (const one of reports) {
    if (one.running) void check2(one.topic);
    else draw(one.topic);
  }
  if (again > 0) {
    const look = async () => {
      const [first, ...others] = [...latest.values()].filter((one) => !running.has(one.topic) && (one.at === 0 || one.errors.length > 0));
      if (first === void 0 || !await check2(first.topic)) return;
      for (const one of others) if (!running.has(one.topic)) void check2(one.topic);
    };
    void look();
    const timer = setInterval(() => document.hidden || void look(), again);
    desk.onLeave(() => clearInterval(timer));
  }
  const everything = button(t("Check everything"), () => reports.forEach((one) => void check2(one.topic)), { icon: refreshCw, kind: "primary" });
  const zone = el("pre", { class: "zone", hidden: true, tabindex: "0", "aria-label": t("Zone file") });
  const asZone = async () => {
    zone.textContent = await desk.client.dns_zone(name);
    zone.hidden = false;
    const copy2 = copyButton(() => zone.textContent ?? "", t("Copy zone file"));
    fill(zoneButtons, copy2);
    copy2.focus();
  };
  const zoneButtons = el("span", { class: "flex" }, button(t("Show zone file"), () => void attempt(t("Creating zone file…"), t("Couldn't create zone file"), asZone)));
  const list2 = table(t("Records"), [{ title: t("Type"), cell: (row) => el("b", {}, row.kind) }, { title: t("Name"), cell: (row) => copyable(row.name) }, { title: t("Value"), cell: (row) => [el("span", { class: "copy" }, el("code", {}, foreign(row.value, 80)), copyButton(() => row.value)), (row.optional || !row.live) && el("div", { class: "hint" }, row.optional ? t("Optional.") : t("Requires DNSSEC."))] }, { title: t("Purpose"), cell: (row) => el("span", { class: "hint" }, row.about) }], records);
  return [summary, above, card(t("Checks"), el("ul", { class: "lines" }, [...places.values()]), { flush: true, actions: everything, hint: t("See your DNS records as other servers see them. Checks take up to 30 seconds. Results will appear automatically.") }), card(t("Records for {domain}", { domain: name }), [list2, zone], { flush: true, actions: zoneButtons, hint: t("Add these records at your DNS provider.") })];
}
var topics = { dnssec: [t("DNS records can't be forged"), "DNSSEC"], iprev: [t("This server's addresses point to its name"), t("Reverse DNS")], mx: [t("Mail for this domain is delivered here"), "MX"], tls: [t("Mail to this server is encrypted"), "TLS"], dane: [t("TLS keys are published in DNS"), "DANE"], spf: [t("Only this server sends mail for the domain"), "SPF"], dkim: [t("Outgoing messages are signed"), "DKIM"], dmarc: [t("Other servers know how to handle forged mail"), "DMARC"], "host-tlsrpt": [t("You get TLS reports for this server"), t("Host TLS reports")], tlsrpt: [t("You get TLS reports for the domain"), t("TLS reports")], mtasts: [t("Other servers must encrypt mail to you"), "MTA-STS"], srv: [t("Mail apps find your servers"), "SRV"], autoconfig: [t("Thunderbird finds your settings"), t("Autoconfig")], autodiscover: [t("Outlook finds your settings"), t("Autodiscover")], pacc: [t("Mail apps get settings from your domain"), "PACC"], "client-settings": [t("The server name for mail apps points here"), t("Mail client settings")] };
function topicLine(report, running, again) {
  const mark3 = running ? state("wait", t("checking…")) : report.at === 0 ? state("unknown", t("not checked")) : report.errors.length > 0 ? state("danger", t("wrong")) : report.warnings.length > 0 ? state("warn", t("weak")) : report.unused ? state("unknown", t("not used")) : state("ok", t("correct"));
  const [sentence3, name] = topics[report.topic];
  const said = [...report.errors, ...report.warnings].map((one) => el("div", { class: "two" }, visible(one)));
  const todo = report.instructions.map((one) => el("div", { class: "hint" }, copyableLines(one)));
  const seen = report.found.length > 0 && el("details", {}, el("summary", { class: "hint" }, many(report.found.length, "{n} record found", "{n} records found")), report.found.map((one) => el("code", {}, visible(one))));
  return [el("div", { class: "grow" }, el("b", {}, sentence3), " ", el("span", { class: "chip" }, name), " ", mark3, report.at > 0 && el("span", { class: "hint" }, ` ${ago(report.at)}`), said, todo, seen), iconButton(t("Check {topic} again", { topic: name }), refreshCw, again)];
}
function copyableLines(text3) {
  return text3.split("\n").map((one) => / (?:A|AAAA|TXT|CNAME|MX|SRV|TLSA|CAA|PTR) /.test(one) ? el("div", {}, copyable(one.trim())) : el("div", {}, visible(one)));
}

async function keys(desk, found) {
  const name = found.row.domain;
  const add2 = async () => {
    const year = (/* @__PURE__ */ new Date()).getFullYear();
    const used = new Set(found.selectors.map((one) => one.selector));
    const free = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => `${year}${letter}`).find((one) => !used.has(one)) ?? "";
    const selector = line(t("Selector"), free, t("DNS name: SELECTOR._domainkey.{domain}", { domain: name }));
    const algorithm = choice(t("Algorithm"), [["rsa", t("RSA, {bits} bits", { bits: 2048 })], ["ed25519", t("Ed25519")]], "rsa", t("Not all receivers support Ed25519."));
    const done = await fieldDialog(t("Create DKIM key"), t("Create key"), { selector, algorithm }, () => desk.client.selector_add(name, selector.control.value, algorithm.control.value === "rsa" ? "rsa" : "ed25519").then(() => true), el("p", { class: "hint" }, t("First add the DNS record. Then choose this key to sign mail.")));
    if (done !== null) await desk.refresh();
  };
  const remove2 = async (row) => {
    if (!await confirm(t("Delete key {selector}?", { selector: row.selector }), t("The key file will be moved to dkim/old. If you remove the DNS record, receivers can't verify mail that's still being delivered."), t("Delete"))) return;
    if (await attempt(t("Deleting…"), t("Couldn't delete DKIM key"), () => desk.client.selector_remove(name, row.selector))) await desk.refresh();
  };
  const list2 = table(t("DKIM keys"), [{ title: t("Selector"), kind: "main", cell: (row) => el("a", { href: addressOf("domains", [name, "keys", row.selector], { tab: "keys" }) }, el("b", {}, row.selector)) }, { title: t("Algorithm"), cell: (row) => row.problem !== "" ? [state("danger", t("unreadable")), " ", foreign(row.problem)] : row.algorithm === "rsa" ? t("RSA, {bits} bits", { bits: row.bits }) : t("Ed25519") }, { title: t("Status"), cell: (row) => row.signs ? state("ok", t("signing")) : state("off", t("inactive")) }, { title: t("Record"), cell: (row) => row.record !== "" && el("span", { class: "flex" }, foreign(row.record, 40), copyButton(() => row.record)) }, { title: "", kind: "top", cell: (row) => iconButton(t("Delete {selector}", { selector: row.selector }), trash2, () => void remove2(row)) }], found.selectors);
  const signing = await settingsForm(desk, ["domains", name, "dkim"]);
  return [card(t("DKIM keys"), found.selectors.length === 0 ? el("p", { class: "hint" }, t("No DKIM keys. Mail from this domain isn't signed, and many receivers will reject it.")) : list2, { flush: true, actions: button(t("Create key"), () => void add2(), { icon: plus, kind: "line small" }) }), card(t("Signing settings"), signing)];
}

var period = 6e4;
var needed = /* @__PURE__ */ new Set(["mx", "spf", "dkim", "dmarc", "iprev"]);
async function setup(desk, found) {
  const domain = found.row.domain;
  const [records, reports, overview] = await Promise.all([desk.client.dns_records(domain), desk.client.dns_reports(domain), desk.client.overview()]);
  const hosts = hostsOf(records, overview.certificates);
  const checked = el("span");
  const told2 = (all) => fill(checked, mark2(...ofReports(all)));
  const [level, word] = ofReports(reports);
  told2(reports);
  const steps = [mailboxes(desk, found), { name: "dns", title: t("DNS records"), level, word, sign: checked, show: () => dns(desk, domain, { again: period, told: told2 }) }, certificates(found, hosts), { name: "test", title: t("Test email"), level: "wait", word: t("to do"), show: () => test(desk, found) }];
  const wanted = desk.address.query.get("step");
  const at = steps.find((one) => one.name === wanted) ?? steps.find((one) => one.level !== "ok") ?? steps[0];
  const next = steps[steps.indexOf(at) + 1];
  const link = (step) => addressOf("domains", [domain], { tab: "setup", step });
  if (at.name !== wanted) desk.note(link(at.name));
  const list2 = el("ol", { class: "stages", "aria-label": t("Steps") }, el("li", {}, el("span", {}, mark2("ok", t("done")), t("Name"))), steps.map((one) => el("li", {}, el("a", { href: link(one.name), "aria-current": one === at ? "step" : void 0 }, one.sign ?? mark2(one.level, one.word), one.title))));
  return [list2, await at.show(), next !== void 0 && el("p", { class: "next" }, el("a", { class: "btn primary", href: link(next.name) }, t("Next: {step}", { step: next.title })))];
}
function mailboxes(desk, found) {
  const domain = found.row.domain;
  const all = [...found.addresses.map((one) => [one, t("address")]), ...found.aliases.map((one) => [one.address, t("alias")])];
  const own = all.some(([one]) => one.toLowerCase() === `postmaster@${domain}`);
  return { name: "mailboxes", title: t("Addresses"), level: all.length > 0 ? "ok" : "wait", word: all.length > 0 ? t("done") : t("to do"), show: () => [card(t("Addresses"), el("ul", { class: "lines" }, !own && el("li", {}, el("div", { class: "grow" }, el("b", {}, el("bdi", {}, `postmaster@${domain}`)), el("div", { class: "hint" }, t("Delivers to this server's postmaster.")))), all.map(([one, kind]) => el("li", {}, el("div", { class: "grow" }, el("b", {}, el("bdi", {}, one)), el("div", { class: "hint" }, kind))))), { flush: true, actions: [button(t("Add address"), () => void addAddress(desk, domain), { icon: plus, kind: all.length > 0 ? "line" : "primary" }), button(t("Add alias"), () => void addAlias(desk, domain), { icon: plus })], hint: t("Addresses that receive mail here.") }), desk.peer(domain)] };
}
async function addAddress(desk, domain) {
  const { accounts } = await desk.client.accounts("", "", 200);
  const fresh = "";
  const address = line(t("Address"), `@${domain}`, null, { inputmode: "email" });
  const account = choice(t("Account"), [[fresh, t("new account")], ...accounts.map((one) => [one.name, one.name])], accounts[0]?.name ?? fresh);
  const name = line(t("New account name"), "", t("Lowercase letters, digits, dots, and hyphens."));
  const toggle = () => name.root.hidden = account.control.value !== fresh;
  account.control.addEventListener("change", toggle);
  toggle();
  const password = await fieldDialog(t("Add address"), t("Add address"), { address, account, name }, async () => {
    if (account.control.value === fresh) return desk.client.account_add(name.control.value, address.control.value);
    await desk.client.config_address_add(address.control.value, account.control.value);
    return "";
  });
  if (password === null) return;
  if (password !== "") await showSecret(t("Account added"), t("Copy {name}'s password now. You won't be able to see it again.", { name: name.control.value }), copyable(password));
  await desk.refresh();
}
function ofReports(reports) {
  const checked = reports.filter((one) => one.at > 0);
  const bad = checked.filter((one) => one.errors.length > 0);
  const wrong = bad.some((one) => needed.has(one.topic));
  const done = checked.length === reports.length && !wrong;
  if (wrong) return ["danger", t("wrong")];
  return done ? [bad.length > 0 ? "warn" : "ok", t("done")] : ["wait", t("to do")];
}
function hostsOf(records, all) {
  const names = records.filter((one) => one.kind === "CNAME").map((one) => one.name.replace(/\.$/, ""));
  return [...new Set(names)].map((name) => ({ name, certificate: all.find((one) => one.names.some((other) => covers(other, name))) ?? null }));
}
var covers = (pattern, name) => pattern === name || pattern.startsWith("*.") && name.slice(name.indexOf(".")) === pattern.slice(1);
function certificates(found, hosts) {
  const left = hosts.filter((one) => one.certificate === null).length;
  const keys2 = found.selectors.filter((one) => one.signs);
  const broken = found.selectors.filter((one) => one.problem !== "");
  return { name: "certificates", title: t("Keys and certificates"), level: broken.length > 0 ? "danger" : left > 0 ? "wait" : "ok", word: broken.length > 0 ? t("wrong") : left > 0 ? t("to do") : t("done"), show: () => [card(t("DKIM keys"), [el("p", {}, keys2.length > 0 ? state("ok", many(keys2.length, "{n} key signs outgoing mail.", "{n} keys sign outgoing mail.")) : state("danger", t("Outgoing mail isn't signed."))), broken.map((one) => notice("danger", visible(one.problem)))], { actions: el("a", { class: "btn line", href: addressOf("domains", [found.row.domain], { tab: "keys" }) }, t("View keys")) }), hosts.length > 0 && card(t("Certificates"), el("ul", { class: "lines" }, hosts.map((one) => el("li", {}, el("div", { class: "grow" }, el("b", {}, one.name), el("div", { class: "hint" }, one.certificate === null ? t("Requested automatically when the DNS record points to this server.") : one.certificate.own ? t("Self-signed. Other servers won't trust this certificate.") : one.certificate.issuer)), one.certificate === null ? state("wait", t("inactive")) : one.certificate.own ? state("warn", t("weak")) : state("ok", t("correct"))))), { flush: true, hint: t("If another web server uses port 443, it provides the certificates.") })] };
}
function test(desk, found) {
  const address = line(t("To"), found.addresses.find((one) => !one.startsWith("@")) ?? "", t("Use an address in this domain, or your address at another provider to check the message details there."), { inputmode: "email" });
  const told2 = el("div", { "aria-live": "polite", class: "stack next" });
  const form = fieldForm({ send_to: address }, t("Send test email"), async () => {
    fill(told2, notice("wait", t("Testing… This can take up to 3 minutes.")));
    try {
      fill(told2, result(await desk.client.doctor_mail(address.control.value.trim())));
    } catch (error) {
      fill(told2);
      throw error;
    }
  });
  return card(t("Test email"), [form, told2], { hint: t("The server delivers and reads a test message, then sends one from its postmaster to this address.") });
}
function result(sent) {
  const bad = sent.findings.filter((one) => one.grade !== "note");
  return [bad.length === 0 ? notice("ok", t("Ready to send and receive mail.")) : notice("danger", t("The test was interrupted.")), el("ul", { class: "lines" }, sent.steps.map((one) => el("li", {}, mark2("ok", t("done")), el("div", { class: "grow" }, visible(one)))), sent.findings.map((one) => el("li", {}, mark2(one.grade === "error" ? "danger" : "warn", t("wrong")), el("div", { class: "grow" }, visible(one.text), one.commands.map((command) => el("div", {}, copyable(command)))))))];
}

async function listPage(desk) {
  const found = await desk.client.domains();
  const list2 = table(t("Domains"), [{ title: t("Domain"), kind: "main", cell: (row) => [el("a", { href: addressOf("domains", [row.domain]) }, el("b", {}, row.domain)), " ", marks(row), row.description !== "" && el("div", { class: "hint" }, el("bdi", {}, row.description))] }, { title: t("Addresses"), kind: "num", cell: (row) => String(row.addresses) }, { title: t("Aliases"), kind: "num", cell: (row) => String(row.aliases) }], found);
  const body = found.length === 0 ? empty(globe, t("No domains yet"), t("A domain is the part of an address after the @.")) : list2;
  const root = el("div", { class: "page" }, head(t("Domains"), null, button(t("Add domain"), () => void add(desk), { icon: plus, kind: "primary" })), card("", body, { flush: true }));
  return { title: t("Domains"), root };
}
var marks = (row) => [row.disabled && el("span", { class: "chip" }, t("disabled")), row.reports_only && el("span", { class: "chip" }, t("reports only")), row.peer && el("span", { class: "chip" }, t("migrating here"))];
async function add(desk) {
  const accounts = await desk.client.accounts("", "", 200);
  const domain = line(t("Domain"), "", t("For example, example.org. This creates DKIM keys. Next, set up mailboxes and DNS records, and run a test."));
  const account = line(t("Report account"), accounts.accounts[0]?.name ?? "", t("An existing account, or a name for a new account."));
  const localpart = line(t("First address for new account"), "", t("The part before the @. Leave blank for an existing account."));
  const disabled = tick(t("Not active yet"), false, t("Mail will be deferred or forwarded to the current server. Certificates won't be requested."));
  const done = await fieldDialog(t("Add domain"), t("Add domain"), { domain, account, localpart, disabled }, () => desk.client.config_domain_add(domain.control.value.trim(), account.control.value, localpart.control.value, disabled.control.checked).then(() => true));
  if (done !== null) desk.go(addressOf("domains", [domain.control.value.trim().toLowerCase()], { tab: "setup" }));
}
async function domainPage(desk) {
  const name = desk.address.path[0];
  if (name === void 0 || name === "") return listPage(desk);
  const tab = desk.address.query.get("tab") ?? "dns";
  const found = await desk.client.domain(name);
  const row = found.row;
  const content = { setup: () => setup(desk, found), dns: () => dns(desk, name), addresses: async () => [addresses(found), desk.peer(name)], aliases: async () => aliases(desk, found), keys: async () => keys(desk, found), settings: async () => card(t("Settings"), await settingsForm(desk, ["domains", name])) };
  const link = (to, title) => [addressOf("domains", [name], { tab: to }), title, to === tab];
  const shown3 = desk.address.path[1] === "aliases" && desk.address.path[2] !== void 0 ? await aliasPage(desk, found, desk.address.path[2]) : desk.address.path[1] === "keys" && desk.address.path[2] !== void 0 ? card(desk.address.path[2], await settingsForm(desk, ["domains", name, "dkim", "selectors", desk.address.path[2]])) : await (content[tab] ?? content["dns"])();
  const root = el("div", { class: "page" }, head(name, el("p", { class: "hint" }, el("a", { href: "#domains" }, t("Domains")), row.description !== "" && [" · ", el("bdi", {}, row.description)]), marks(row), button(row.disabled ? t("Enable") : t("Disable"), () => void disable(desk, row)), button(t("Delete…"), () => void remove(desk, found), { kind: "line danger" })), row.disabled && notice("warn", row.peer ? t("Incoming mail is forwarded to the old server. Outgoing mail is deferred.") : t("Incoming and outgoing mail is deferred. Users can still log in.")), tabs(name, [link("setup", t("Set up")), link("dns", t("DNS")), link("addresses", t("Addresses {n}", { n: row.addresses })), link("aliases", t("Aliases {n}", { n: row.aliases })), link("keys", t("Keys {n}", { n: found.selectors.length })), link("settings", t("Settings"))]), shown3);
  return { title: name, root };
}
async function disable(desk, row) {
  const set = (disabled) => disabled ? desk.client.config_domain_disable(row.domain) : desk.client.config_domain_enable(row.domain);
  if (!await attempt(t("Saving…"), row.disabled ? t("Couldn't enable domain") : t("Couldn't disable domain"), () => set(!row.disabled))) return;
  desk.say(row.disabled ? t("{domain} enabled", { domain: row.domain }) : t("{domain} disabled", { domain: row.domain }), { title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => set(row.disabled)).then(() => desk.refresh()) });
  await desk.refresh();
}
async function remove(desk, found) {
  const name = found.row.domain;
  const what = found.users.length > 0 ? [el("p", {}, t("To delete this domain, first remove:")), el("ul", {}, found.users.slice(0, 20).map((one) => el("li", {}, one)))] : [el("p", {}, many(found.aliases.length, "{n} alias will also be deleted.", "{n} aliases will also be deleted.")), el("p", {}, t("Key files will be moved to dkim/old. Queued mail will still be sent."))];
  if (!await typedAgain(t("Delete {name}?", { name }), name, what, t("Delete domain"))) return;
  if (!await attempt(t("Deleting…"), t("Couldn't delete domain"), () => desk.client.config_domain_rm(name))) return;
  desk.say(t("Deleted {name}", { name }));
  desk.go("#domains");
}
function addresses(found) {
  if (found.addresses.length === 0) return card(t("Addresses"), el("p", { class: "two" }, t("No addresses yet. To add one, open an account.")));
  return card(t("Addresses"), table(t("Addresses"), [{ title: t("Address"), kind: "main", cell: (one) => el("a", { href: addressOf("accounts", [], { search: one }) }, el("bdi", {}, one)) }], found.addresses), { flush: true });
}
var pages = { domains: domainPage };
export {
  pages
};
