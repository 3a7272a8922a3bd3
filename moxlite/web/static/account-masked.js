var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name2, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name2.slice(2), value);
    } else if (name2 === "data") {
      Object.assign(element.dataset, value);
    } else if (tag === "textarea" && name2 === "value") {
      element.textContent = String(value);
    } else {
      element.setAttribute(name2, value === true ? "" : read.has(name2) ? written(String(value)) : String(value));
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
function placed(text2, elements) {
  return text2.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
}
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}
function icon(path, name2 = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", path.startsWith("m") ? `${name2} along` : name2);
  svg.setAttribute("aria-hidden", "true");
  const line2 = document.createElementNS(namespace, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
  return svg;
}
function sign(path, name2 = "i") {
  const svg = icon(path, name2);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name2) => {
    const value = values[name2];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text2, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text2) ?? text2, values);
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var atSign = "M8 12a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z M16 8v5a3 3 0 0 0 6 0v-1a10 10 0 1 0-4 8";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var pencil = "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z M15 5l4 4";
var plus = "M5 12h14 M12 5v14";
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
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
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
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row = el("div", { class: "flex wrap" }, submit);
  const root = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    root.ariaBusy = "true";
    complain("");
    try {
      const done = await save() !== false;
      if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
    } catch (failure) {
      complain(failure instanceof Error ? failure.message : String(failure));
    } finally {
      submit.disabled = false;
      root.ariaBusy = null;
      root.querySelector("[aria-invalid=true]")?.focus();
    }
  } }, content, error, row);
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row.className) {
      row.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
}
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name2, text: text2 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name2 === key || name2.startsWith(`${key}.`) || name2.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name2} ${text2}`.trim());
    else places[best].problem(`${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
}

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}
function called(one) {
  const label = one instanceof HTMLInputElement || one instanceof HTMLSelectElement || one instanceof HTMLTextAreaElement ? one.labels?.[0]?.textContent : null;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? label ?? one.textContent}`;
}
function holdPlace(root) {
  const before = document.activeElement;
  const folds = () => [...root.querySelectorAll("details")];
  const unfolded = folds().map(({ open }) => open);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name2 = called(before);
  const alike = () => [...root.querySelectorAll(before.tagName)].filter((one) => called(one) === name2);
  const place = alike().indexOf(before);
  return () => {
    unfold();
    const found = alike();
    (found[place] ?? found.at(-1) ?? root.querySelector("h1"))?.focus({ preventScroll: true });
  };
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
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function table(label, columns, rows, each) {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
      const text2 = cell.textContent;
      cell.className += /\S{30}/.test(text2) ? " long" : /\S{25}/.test(text2) ? "" : " fit";
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
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name: name2 } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name2, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function iconButton(name2, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name2, title: name2, onclick: run }, sign(path, "i s"));
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text2) => fill(face, sign(path, "i s"), word !== "" && text2);
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
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
}

var formats = /* @__PURE__ */ new Map();
function formatted(date, name2, options) {
  let format = formats.get(name2);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name2, format);
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
function when(at) {
  const date = new Date(at / 1e3);
  const iso = date.toISOString();
  return el("time", { datetime: iso, title: `${formatted(date, "whole", { dateStyle: "full", timeStyle: "long" })}
${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}` }, moment(at));
}
function microseconds(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
}

var pause = 250;
var page = 50;
var masked = async (desk) => {
  const list = new List(desk);
  await list.load();
  const title = t("Masked addresses");
  const hint = t("Use a different address for each store or newsletter. Mail arrives here as usual. If you start getting mail from unknown senders, you'll know who shared your address.");
  const make = button(t("New address"), () => void list.make(), { icon: plus, kind: "primary" });
  return { title, root: el("div", { class: "page" }, head(title, hint, make), list.root) };
};
var List = class {
  constructor(desk) {
    this.desk = desk;
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => void this.go(0), pause);
    });
    desk.onLeave(() => clearTimeout(timer));
  }
  desk;
  place = el("div", {});
  search = el("input", { class: "input", type: "search", autocomplete: "off", spellcheck: "false", maxlength: "200", placeholder: t("Address, site, or note"), "aria-label": t("Find address") });
  bar = el("p", { class: "gap given-search" }, this.search);
  root = el("div", {}, this.bar, this.place);
  offset = 0;
  domains = [];
  readings = 0;
  async load() {
    const number = ++this.readings;
    const found = await this.desk.client.masked_list(this.search.value, this.offset);
    await released(this.place);
    if (number !== this.readings) return;
    if (found.items.length === 0 && this.offset > 0) {
      this.offset = 0;
      await this.load();
      return;
    }
    this.domains = found.domains;
    this.bar.hidden = found.total === 0 && this.search.value === "";
    const giveBack = holdPlace(this.place);
    fill(this.place, this.shown(found));
    giveBack();
  }
  async go(offset) {
    this.offset = offset;
    await attempt(t("Loading…"), t("Couldn't load addresses"), () => this.load());
  }
  shown(found) {
    const title = t("Addresses");
    if (found.total > 0) return [card("", table(title, this.columns(), found.items), { flush: true }), this.pager(found)];
    if (this.search.value !== "") return card("", el("p", { class: "hint" }, t("No matching addresses")));
    const make = button(t("New address"), () => void this.make(), { icon: plus });
    const text2 = t("Create one the next time a site asks for your email address.");
    return card("", empty(atSign, t("No masked addresses yet"), text2, make), { flush: true });
  }
  columns() {
    return [{ title: t("Address"), kind: "main", cell: (one) => name(one) }, { title: t("Status"), cell: (one) => status(one) }, { title: t("Mail"), cell: (one) => mail(one) }, { title: t("Created"), cell: (one) => when(microseconds(one.created)) }, { title: "", kind: "num", cell: (one) => this.buttons(one) }];
  }
  buttons(one) {
    const off = one.state !== "on";
    const names = { name: one.address };
    return el("span", { class: "flex wrap" }, button(off ? t("Turn on") : t("Turn off"), () => void this.turn(one, off), { kind: "line small", name: off ? t("Turn on {name}", names) : t("Turn off {name}", names) }), iconButton(t("Edit {name}", names), pencil, () => void this.edit(one)), iconButton(t("Delete {name}", names), trash2, () => void this.remove(one)));
  }
  pager({ items, total }) {
    const last = this.offset + items.length;
    if (this.offset === 0 && last >= total) return null;
    return el("nav", { class: "flex wrap gap", "aria-label": t("Page navigation") }, el("span", { class: "grow hint" }, t("{first}–{last} of {total}", { first: this.offset + 1, last, total })), this.offset > 0 && button(t("Newer"), () => void this.go(Math.max(0, this.offset - page))), last < total && button(t("Older"), () => void this.go(last)));
  }
  async turn(one, active) {
    const failed = active ? t("Couldn't turn on address") : t("Couldn't turn off address");
    const done = await attempt(t("Saving…"), failed, async () => {
      await (active ? this.desk.client.address_on(one.address) : this.desk.client.address_off(one.address));
      await this.load();
    });
    if (!done) return;
    const names = { name: one.address };
    this.desk.say(active ? t("Turned on {name}", names) : t("New mail to {name} will be rejected", names));
  }
  async remove(one) {
    const yes = await confirm(t("Delete {name}?", { name: one.address }), t("New mail to this address will be rejected, and its history will be deleted. To keep the history, turn off the address instead."), t("Delete address"));
    if (!yes) return;
    await attempt(t("Deleting…"), t("Couldn't delete address"), async () => {
      await this.desk.client.address_rm(one.address);
      await this.load();
    });
  }
  async make() {
    const made2 = await dialog(t("New masked address"), (close) => {
      const site = line(t("Website"), "", t("For example, shop.example. Optional."), { autocapitalize: "none", inputmode: "url", maxlength: "300", autofocus: "" });
      const note = line(t("Note"), "", t("Only you can see this. Optional."), { maxlength: "500" });
      const word = line(t("Prefix"), "", t("Letters and digits. By default, based on the site's name."), { autocapitalize: "none", maxlength: "32" });
      const domain = choice(t("Domain"), this.domains.map((one) => [one, one]), this.domains[0] ?? "");
      const content = [site.root, note.root, word.root, this.domains.length > 1 && domain.root];
      const box = form(content, t("Create address"), async () => {
        const { client } = this.desk;
        try {
          close(await client.address_add(site.control.value, word.control.value, domain.control.value, note.control.value));
        } catch (error) {
          atFields(error, { site, note, word, domain });
        }
      });
      return [box.root, cancel(() => close(null))];
    });
    if (made2 === null) return;
    await dialog(t("Your new address"), (close) => [el("p", { class: "gap" }, copyable(made2.address)), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")))]);
    this.search.value = "";
    await this.go(0);
  }
  async edit(one) {
    const done = await dialog(one.address, (close) => {
      const site = line(t("Website"), one.site, null, { autocapitalize: "none", maxlength: "300" });
      const note = line(t("Note"), one.note, null, { maxlength: "500" });
      const senders = line(t("Allowed senders"), one.only_from.join(", "), t("Addresses and domains, separated by commas. Leave blank to accept everyone. Other mail is rejected."), { autocapitalize: "none" });
      const until = field(t("Expires after"), el("input", { type: "date" }), t("Leave blank for no expiration."));
      until.control.value = dayOf(one.expires);
      const box = form([site.root, note.root, senders.root, until.root], t("Save"), async () => {
        try {
          await this.desk.client.address_set(one.address, differing(site.control.value, one.site), differing(note.control.value, one.note), differing(senders.control.value, one.only_from.join(", ")), differing(endOf(until.control.value), endOf(dayOf(one.expires))));
          close(true);
        } catch (error) {
          atFields(error, { site, note, only_from: senders, expires: until });
        }
      });
      return [box.root, cancel(() => close(false))];
    });
    if (done === true) await attempt(t("Loading…"), t("Couldn't load addresses"), () => this.load());
  }
};
function name(one) {
  return el("div", { class: "given" }, copyable(one.address), (one.site !== "" || one.note !== "") && el("p", { class: "hint" }, foreign(one.site), one.site !== "" && one.note !== "" && " · ", foreign(one.note)), one.only_from.length > 0 && el("p", { class: "hint" }, t("Only accepts mail from {names}", { names: one.only_from.join(", ") })), leak(one), one.wrote.length > 0 && el("details", {}, el("summary", { class: "hint" }, t("Senders")), el("ul", { class: "given-senders" }, one.wrote.map((sender) => el("li", {}, el("b", {}, foreign(sender.domain)), " · ", placed(many(sender.messages, "{n} message since {since}", "{n} messages since {since}"), { since: when(microseconds(sender.first)) }))))));
}
function leak(one) {
  if (one.strangers === 0) return null;
  const words = one.site === "" ? many(one.strangers, "{n} unknown sender since {since}", "{n} unknown senders since {since}") : many(one.strangers, "Used for {site}. {n} unknown sender since {since}", "Used for {site}. {n} unknown senders since {since}", { site: one.site });
  return el("p", { class: "given-leak" }, placed(words, { since: when(microseconds(one.strangers_since)) }));
}
function status(one) {
  const known = { on: state("ok", t("on")), off: state("off", t("off")), expired: state("warn", t("expired")) };
  if (one.expires === "" || one.state === "off") return known[one.state];
  const words = one.state === "on" ? t("expires {time}") : t("since {time}");
  return el("span", {}, known[one.state], el("br"), el("span", { class: "hint" }, placed(words, { time: when(microseconds(one.expires)) })));
}
function mail(one) {
  if (one.last_mail === "") return t("no mail yet");
  return el("span", {}, el("span", { class: "given-count" }, many(one.messages, "{n} message", "{n} messages")), el("br"), el("span", { class: "hint" }, placed(t("last {time}"), { time: when(microseconds(one.last_mail)) })));
}
function dayOf(text2) {
  if (text2 === "") return "";
  const at = new Date(text2);
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}
function differing(now, before) {
  return now === before ? null : now;
}
function endOf(day2) {
  return day2 === "" ? "never" : (/* @__PURE__ */ new Date(`${day2}T23:59:59`)).toISOString();
}
function cancel(run) {
  return el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: run }, t("Cancel")));
}
var pages = { masked };
export {
  pages
};
