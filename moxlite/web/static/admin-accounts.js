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
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
var users = "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2 M16 3.128a4 4 0 0 1 0 7.744 M22 21v-2a4 4 0 0 0-3-3.87 M5 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";

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
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3);
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
  for (const { field: name, text: text3 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name} ${text3}`.trim());
    else places[best].problem(`${text3[0]?.toUpperCase() ?? ""}${text3.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
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
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
}
async function attempt(doing, failed, work, undo2) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    undo2?.();
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

function initials(name) {
  const words2 = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words2.length > 1 ? [...words2[0]][0] + [...words2[words2.length - 1]][0] : [...words2[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key) {
  let hash = 0;
  for (const sign2 of key) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
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
    const shown2 = made2.querySelector("[aria-current]");
    if (shown2 !== null) made2.scrollLeft = shown2.offsetLeft - made2.offsetLeft - (made2.clientWidth - shown2.offsetWidth) / 2;
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
  const shown2 = visible(value);
  if (shown2.length <= most) return el("bdi", {}, shown2);
  const words2 = el("bdi", {}, `${shown2.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words2, shown2);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words2, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
function disc(key, name) {
  return el("span", { class: `disc c${hue(key)}`, "aria-hidden": "true" }, initials(name));
}
function meter(share2) {
  const bar = el("i", { class: share2 >= 0.9 ? "warn" : void 0 });
  bar.style.width = `${Math.min(100, Math.max(0, share2 * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
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
function when(at) {
  const date = new Date(at / 1e3);
  const iso = date.toISOString();
  return el("time", { datetime: iso, title: `${formatted(date, "whole", { dateStyle: "full", timeStyle: "long" })}
${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}` }, moment(at));
}
function microseconds(text3) {
  return text3 === "" ? 0 : Date.parse(text3) * 1e3;
}
function agoShort(duration) {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}

var ways = [["behalf", t("this address and the actual sender")], ["as", t("this address only")]];
function delegatesCard(title, hint, found) {
  const actions = button(t("Add person"), () => void edit(found, null), { icon: plus, kind: "line small" });
  if (found.all.length === 0) return card(title, empty(users, t("Only you can send"), hint), { flush: true, actions });
  const rows = table(title, [{ title: t("Person"), kind: "main", cell: (one) => el("b", {}, foreign(one.guest)) }, { title: t("Recipients see"), cell: (one) => ways.find(([sends]) => sends === one.sends)?.[1] ?? "" }, { title: t("Folders, calendars, and contacts"), cell: (one) => one.whole ? t("can edit") : t("not shared") }, { title: t("Until"), cell: (one) => one.ends === null ? "" : when(microseconds(one.ends)) }, { title: "", kind: "num", cell: (one) => [button(t("Edit"), () => void edit(found, one), { kind: "line small", name: t("Edit {name}", { name: one.guest }) }), " ", button(t("Stop"), () => void end(found, one), { kind: "line small", name: t("Stop {name} from sending", { name: one.guest }) })] }], found.all);
  return card(title, rows, { flush: true, actions });
}
async function edit(found, one) {
  const done = await dialog(one === null ? t("Add person") : one.guest, (close) => {
    const guest = line(t("Person"), one?.guest ?? "", t("Address or account on this server."), { autocapitalize: "none" });
    guest.root.hidden = one !== null;
    const sends = choice(t("Recipients see"), ways, one?.sends ?? "behalf");
    const ends = field(t("Until"), el("input", { type: "date" }), t("Leave blank for no end date."));
    ends.control.value = one === null || one.ends === null ? "" : dayOf(one.ends);
    const whole = tick(t("Share all folders, calendars, and contacts"), one?.whole ?? true, t("Access ends on the same date."));
    const box = form([guest.root, sends.root, ends.root, whole.root], t("Save"), async () => {
      try {
        const day2 = ends.control.value;
        const until = day2 === "" ? 0 : (/* @__PURE__ */ new Date(`${day2}T23:59:59`)).getTime() * 1e3;
        await found.set(guest.control.value, sends.control.value, until, whole.control.checked);
        close(true);
      } catch (error) {
        atFields(error, { guest, sends, ends });
      }
    });
    const cancel = el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel"));
    return [box.root, el("div", { class: "dialog-buttons" }, cancel)];
  });
  if (done === true) await found.refresh();
}
async function end(found, one) {
  const what = t("{name} won't be able to send from this address and will lose access to items shared here.", { name: one.guest });
  if (!await confirm(t("Stop {name} from sending?", { name: one.guest }), what, t("Stop"))) return;
  if (await attempt(t("Saving…"), t("Couldn't save"), () => found.remove(one.guest))) await found.refresh();
}
function dayOf(at) {
  const day2 = new Date(at);
  return new Date(day2.getTime() - day2.getTimezoneOffset() * 6e4).toISOString().slice(0, 10);
}

function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

var protocols = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols[code] ?? code;
}

var results = { ok: t("logged in"), badpassword: t("wrong password"), baduser: t("unknown address"), badcreds: t("wrong password or token"), badchanbind: t("other connection"), badprotocol: t("invalid exchange"), badfactor: t("wrong code"), factorneeded: t("code needed"), logindisabled: t("login disabled"), notpermitted: t("not allowed here"), error: t("failed"), aborted: t("canceled") };
var resultOf = (word) => results[word] ?? word;
var protocols2 = { smtp: "SMTP", webadmin: t("admin app"), addresses: t("password managers"), website: t("website") };
var protocolOf = (word) => protocols2[word] ?? protocolName(word);

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
  constructor(infos, before, save, sections2 = [], action = t("Save")) {
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
    } }, this.laidOut(sections2), this.failure, this.changes, this.bar);
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
  laidOut(sections2) {
    const roots = (names) => names.flatMap((name) => this.parts.get(name)?.root ?? []);
    if (sections2.length === 0) return roots([...this.parts.keys()]);
    const placed = new Set(sections2.flatMap(({ names }) => names));
    const rest = { title: t("All other settings"), names: [...this.parts.keys()].filter((name) => !placed.has(name)) };
    return [...sections2, rest].map(({ title: words2, names }) => ({ words: words2, fields: roots(names), set: names.some((name) => name in this.before) })).filter(({ fields }) => fields.length > 0).map(({ words: words2, fields, set }, i) => el("details", { class: "section", open: i === 0 }, el("summary", {}, words2, set && i > 0 && el("span", { class: "hint" }, ` · ${t("some set")}`)), el("div", { class: "items" }, fields)));
  }
  tell() {
    this.adapt();
    let after;
    try {
      after = this.read();
    } catch {
      return;
    }
    const lines = this.infos.filter(({ name }) => JSON.stringify(this.before[name]) !== JSON.stringify(after[name])).map((info) => {
      const [was, will] = [this.before[info.name], after[info.name]].map((value) => value === void 0 ? t("not set") : visible(shown(info, value).slice(0, 200)));
      return el("li", {}, el("b", {}, info.label), ": ", el("del", {}, was), " → ", el("ins", {}, will));
    });
    this.changes.hidden = lines.length === 0;
    fill(this.changes, lines.length > 0 && [el("p", {}, t("This will change:")), el("ul", {}, lines)]);
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
  const shown2 = words2.slice(0, 2).join(" · ");
  return `${label} ${number}${shown2 === "" ? "" : `: ${visible(shown2.slice(0, 80))}`}`;
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

async function settingsForm(desk, path, only, sections2 = []) {
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
      const answer = await conflict(error);
      if (answer !== "mine") {
        if (answer === "theirs") await desk.refresh();
        return answer === "theirs";
      }
      const { values: now } = await desk.client.settings([...path]);
      return save(Object.fromEntries(Object.entries(now).filter(([name]) => names.has(name))), onTop(now, before, after, names), now);
    }
    desk.say(t("Saved"), { title: t("Undo"), run: () => void undo(desk, path, { ...rest, ...after }, { ...rest, ...before }) });
    await desk.refresh();
    return true;
  };
  return new Editor(fields, chosen, save, sections2).root;
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
  const form2 = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    button2.disabled = true;
    failure.hidden = true;
    form2.ariaBusy = "true";
    try {
      if (await run() !== false) saved(form2);
    } catch (error) {
      refusal(error, fields, failure, form2);
    } finally {
      button2.disabled = false;
      form2.ariaBusy = null;
    }
  } }, Object.values(fields).map((one) => one.root), more, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
  return form2;
}
function refusal(error, fields, failure, form2) {
  const [single, ...others] = Object.keys(fields);
  const told2 = fieldsOf(error);
  const mistakes = told2.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== void 0 ? [{ field: single, text: messageOf(error) }] : told2;
  const rest = mistakes.filter((one) => fields[one.field] === void 0);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form2.querySelector("[aria-invalid=true]")?.focus();
}
function fieldDialog(title, action, fields, run, more = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
}
async function typedAgain(title, name, what, action) {
  const typed = line(t("Type {name} to continue", { name }), "");
  const answer = await dialog(title, (close) => {
    const button2 = el("button", { class: "btn line danger", type: "submit", disabled: true }, action);
    typed.control.addEventListener("input", () => button2.disabled = typed.control.value !== name);
    return [el("div", { class: "dialog-text" }, what), el("form", { class: "form", data: { fleeting: "" }, onsubmit: (event) => {
      event.preventDefault();
      if (typed.control.value === name) close(true);
    } }, typed.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), button2))];
  });
  return answer === true;
}
async function showSecret(title, text3, secret) {
  await dialog(title, (close) => [el("p", { class: "dialog-text" }, text3), el("p", {}, secret), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Done")))]);
}

var hour2 = 36e8;
async function securityCards(desk, name) {
  const [found, removed, ways2] = await Promise.all([desk.client.account_security(name), desk.client.account_removed(name), desk.access(name)]);
  return [factors(desk, name, found), recovery(desk, name, found), keys(desk, name, found), ways2, removedMail(desk, name, removed)];
}
function factors(desk, name, found) {
  const devices = [...found.apps.map((one) => [t("authenticator app"), one.name, one.created, one.last_used]), ...found.keys.map((one) => [t("security key at {host}", { host: one.host }), one.name, one.created, one.last_used])];
  if (devices.length === 0) return card(t("Two-step verification"), el("p", { class: "two" }, t("To turn this on, users go to Security in the account app.")), { actions: state("off", t("off")) });
  const reset = async () => {
    const what = many(devices.length, "{n} verification method and all recovery codes will be removed. The user can log in with only the password. Browsers will be logged out, and the user will get an email.", "{n} verification methods and all recovery codes will be removed. The user can log in with only the password. Browsers will be logged out, and the user will get an email.");
    if (!await confirm(t("Reset two-step verification for {name}?", { name }), what, t("Reset"))) return;
    if (!await attempt(t("Resetting…"), t("Couldn't reset two-step verification"), () => desk.client.account_factors_reset(name))) return;
    desk.say(t("Turned off two-step verification for {name}", { name }));
    await desk.refresh();
  };
  const list2 = table(t("Two-step verification"), [{ title: t("Device"), kind: "main", cell: ([, title]) => foreign(title, 80) }, { title: t("Type"), cell: ([kind]) => kind }, { title: t("Since"), cell: ([, , created]) => when(created) }, { title: t("Last used"), cell: ([, , , used]) => used === 0 ? t("never") : when(used) }], devices);
  return card(t("Two-step verification"), list2, { flush: true, hint: many(found.codes, "{n} recovery code left.", "{n} recovery codes left."), actions: button(t("Reset…"), () => void reset(), { kind: "line small danger" }) });
}
function recovery(desk, name, found) {
  const make2 = async () => {
    const also = tick(t("Also remove verification methods"), false, t("If the user also lost their devices."));
    const made2 = await fieldDialog(t("Recovery link for {name}", { name }), t("Create link"), { reset_factors: also }, () => desk.client.account_recovery_link(name, also.control.checked), el("p", { class: "hint" }, t("The user will get an email. When the link is used, the user will be logged out everywhere.")));
    if (made2 === null) return;
    await showSecret(t("Recovery link"), t("This link sets a new password. It works once, until {when} UTC, and replaces older links. Copy it now and send it to {name} securely. You won't be able to see it again.", { when: made2.expires, name }), copyable(made2.url));
  };
  const text3 = el("p", { class: "two" }, t("Create a link to let the user set a new password. The link works once and expires after 1 hour. You won't see the new password."));
  const without = el("p", { class: "hint" }, t("The account page needs a public address for this link. Run moxlite config listeners publish-web on, or set web.public_url in moxlite.toml."));
  return card(t("Lost password"), found.links ? text3 : [text3, without], { actions: found.links && button(t("Recovery link…"), () => void make2(), { kind: "line small" }) });
}
function keys(desk, name, found) {
  const add2 = async () => {
    let command = "";
    const load = async () => {
      command = (await desk.client.config_tlspubkey_challenge(name)).command;
    };
    if (!await attempt(t("Loading…"), t("Couldn't load details"), load)) return;
    const address = choice(t("Logs in as"), found.addresses.map((one) => [one, one]), found.addresses[0] ?? "");
    const certificate = field(t("Certificate"), el("textarea", { rows: "6", spellcheck: "false", class: "mono" }), t("In PEM format, without the private key. Dates and issuer are ignored."));
    const title = line(t("Name"), "", t("Leave blank to use the name in the certificate."), { maxlength: "256" });
    const manual = tick(t("Require IMAP clients to log in"), false, t("For clients without PREAUTH support."));
    const proof = field(t("Proof"), el("textarea", { rows: "4", spellcheck: "false", class: "mono" }), t("Leave blank if a mail client with this certificate has logged in to the account in the last day."));
    const how = el("div", {}, t("To prove that the private key is theirs, the user runs this command where key.pem is, and sends you its output."), copyable(command));
    proof.root.prepend(how);
    const done = await fieldDialog(t("Add certificate"), t("Add"), { address, certificate, proof, name: title, no_imap_preauth: manual }, () => desk.client.config_tlspubkey_add(address.control.value, certificate.control.value, title.control.value, manual.control.checked, proof.control.value, name));
    if (done !== null) await desk.refresh();
  };
  const remove2 = async (one) => {
    if (!await confirm(t("Remove “{name}”?", { name: one.name }), t("Clients with this certificate will no longer be able to log in as {address}.", { address: one.login_address }), t("Remove"))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove certificate"), () => desk.client.config_tlspubkey_rm(one.fingerprint, name))) await desk.refresh();
  };
  const list2 = table(t("Client certificates"), [{ title: t("Name"), kind: "main", cell: (one) => [el("b", {}, foreign(one.name, 80)), el("div", { class: "hint" }, one.fingerprint)] }, { title: t("Type"), cell: (one) => one.type }, { title: t("Logs in as"), cell: (one) => el("bdi", {}, one.login_address) }, { title: t("IMAP"), cell: (one) => one.no_imap_preauth ? t("login required") : t("no login required") }, { title: t("Since"), cell: (one) => when(microseconds(one.created)) }, { title: t("Last used"), cell: lastUse }, { title: "", kind: "top", cell: (one) => iconButton(t("Remove {name}", { name: one.name }), trash2, () => void remove2(one)) }], found.certificates);
  const body = found.certificates.length === 0 ? empty(keyRound, t("No client certificates"), t("Apps can log in over TLS with a client certificate instead of a password.")) : list2;
  return card(t("Client certificates"), body, { flush: true, actions: found.addresses.length > 0 && button(t("Add certificate"), () => void add2(), { icon: plus, kind: "line small" }) });
}
function lastUse({ last_used, last_protocol, last_ip }) {
  if (last_used === null) return el("span", { class: "muted" }, t("not in the last 30 days"));
  const how = [last_protocol, last_ip].filter(Boolean).join(", ");
  return el("span", {}, when(microseconds(last_used)), el("span", { class: "hint" }, ` ${how}`));
}
function removedMail(desk, name, first) {
  const place = el("div");
  const since = el("select", { "aria-label": t("Deletion time") }, [["0", t("any time")], ["1", t("the last hour")], ["24", t("the last day")], ["72", t("the last 3 days")]].map(([value, words2]) => el("option", { value }, words2)));
  const begin2 = () => since.value === "0" ? 0 : Math.round(Date.now() * 1e3 - Number(since.value) * hour2);
  const back = async (mailbox, messages) => {
    const from = begin2();
    const where = mailbox === "" ? t("Messages will be restored to their original folders.") : t("Messages will be restored to {mailbox}.", { mailbox });
    if (!await confirm(many(messages, "Restore {n} message?", "Restore {n} messages?"), t("{where} This includes messages that the user meant to delete.", { where }), t("Restore"), "primary")) return;
    await attempt(t("Restoring messages…"), t("Couldn't restore messages"), async () => {
      const done = await desk.client.account_undelete(name, from, mailbox);
      desk.say(many(done.messages, "{n} message restored.", "{n} messages restored.") + (done.damaged > 0 ? ` ${many(done.damaged, "Couldn't read {n}.", "Couldn't read {n}.")}` : ""));
      await desk.refresh();
    });
  };
  const show = (found) => {
    const all = found.mailboxes.reduce((sum, one) => sum + one.messages, 0);
    const list2 = table(t("Deleted messages"), [{ title: t("Folder"), kind: "main", cell: (one) => foreign(one.mailbox, 120) }, { title: t("Messages"), kind: "num", cell: (one) => one.messages.toLocaleString() }, { title: t("Size"), kind: "num", cell: (one) => size(one.octets) }, { title: t("Last deleted"), cell: (one) => when(one.last) }, { title: "", kind: "top", cell: (one) => button(t("Restore…"), () => void back(one.mailbox, one.messages), { kind: "line small", name: t("Restore mail to {mailbox}", { mailbox: one.mailbox }) }) }], found.mailboxes);
    fill(place, all === 0 ? el("p", { class: "two pad" }, t("None.")) : list2, found.mailboxes.length > 1 && el("p", { class: "pad" }, button(many(all, "Restore {n} message…", "Restore all {n} messages…"), () => void back("", all), { kind: "line small" })));
  };
  since.addEventListener("change", () => void attempt(t("Loading…"), t("Couldn't load deleted messages"), async () => show(await desk.client.account_removed(name, begin2()))));
  show(first);
  return card(t("Deleted messages"), place, { flush: true, hint: first.kept > 0 ? t("Messages are kept for {time} after a mail app deletes them.", { time: agoShort(first.kept) }) : t("To keep deleted messages, set undelete_grace to more than 0."), actions: el("div", { class: "field" }, since) });
}
function stopped(desk, one) {
  const held = one.messages === 0 ? t("No messages on hold.") : t("On hold: {mail} to {people}.", { mail: many(one.messages, "{n} message", "{n} messages"), people: many(one.recipients, "{n} recipient", "{n} recipients") });
  const release = async () => {
    const what = one.messages === 0 ? t("This account will be able to send again.") : t("This account will be able to send again. Messages on hold will be sent immediately. You can't undo this.");
    const question = t("Allow {name} to send?", { name: one.account });
    if (!await confirm(question, `${held} ${what}`, t("Allow"), "primary")) return;
    if (!await attempt(t("Saving…"), t("Couldn't allow sending"), () => desk.client.queue_guard_release(one.account))) return;
    desk.say(t("Allowed {name} to send", { name: one.account }));
    await desk.refresh();
  };
  const from = one.sources.length > 0 && el("div", { class: "hint" }, t("Sent from:"), " ", one.sources.slice(0, 5).map((source, place) => [place > 0 && ", ", el("bdi", {}, source.address), ` (${many(source.messages, "{n} message", "{n} messages")})`]));
  const text3 = [el("b", {}, t("Sending paused since {when}.", { when: moment(microseconds(one.since)) })), " ", one.why, " ", held, from, el("div", { class: "hint" }, el("a", { href: `#queue?account=${encodeURIComponent(one.account)}&hold=true` }, t("View messages on hold")), " · ", t("If someone else may know the password, set a new one first."))];
  return notice("danger", text3, button(t("Allow sending…"), () => void release(), { kind: "line small" }));
}

var perPage = 50;
var atOnce = 10;
var sections = () => [{ title: t("Name and storage"), names: ["full_name", "quota_message_size", "description"] }, { title: t("Login"), names: ["login_disabled", "no_custom_password", "require_app_passwords"] }, { title: t("Sending limits"), names: ["max_outgoing_messages_per_day", "max_first_time_recipients_per_day", "max_recipients_per_hour", "no_sending_guard", "no_first_time_sender_delay"] }, { title: t("Junk and rejected mail"), names: ["junk_filter", "automatic_junk_flags", "rejects_mailbox", "keep_rejects", "introbox", "subject_pass", "senders"] }, { title: t("Forwarding, routes, and queue"), names: ["forward_to", "keep_copy", "routes", "queue_mailbox", "no_dsn_suppression"] }, { title: t("API clients and webhooks"), names: ["outgoing_webhook", "incoming_webhook", "from_id_login_addresses", "keep_retired_message_period", "keep_retired_webhook_period", "login_names", "imap_prefix", "imap_capabilities_disabled", "no_jmap"] }, { title: t("Mail retention"), names: ["expire_after"] }];
var storage = (row, use) => {
  if (use === void 0) return el("span", { class: "muted" }, "…");
  if (use.problem !== "") return state("danger", t("unavailable"));
  return row.limit === 0 ? size(use.used) : share(row, use);
};
var share = (row, use) => el("div", { class: "use" }, meter(use.used / row.limit), el("span", { class: "xs muted" }, t("{used} of {limit}", { used: size(use.used), limit: size(row.limit) })));
var lastLogin = (use) => use === void 0 ? "" : use.last_login === 0 ? el("span", { class: "muted" }, t("not in the last 30 days")) : [when(use.last_login), ` ${use.last_protocol}`];
var disabled = (row) => row.disabled !== "" && el("span", { class: "chip" }, t("disabled"));
async function listPage(desk) {
  const wanted = desk.address.query.get("search") ?? "";
  const after = desk.address.query.get("after") ?? "";
  const place = el("div");
  const count = el("span", { class: "hint" });
  const show = async (words2, behind) => {
    const page = await desk.client.accounts(words2, behind, perPage);
    count.textContent = many(page.total, "{n} account", "{n} accounts");
    const uses = /* @__PURE__ */ new Map();
    const rows = /* @__PURE__ */ new Map();
    const body = (row) => [storage(row, uses.get(row.name)), lastLogin(uses.get(row.name))];
    const list2 = table(t("Accounts"), [{ title: t("Account"), kind: "main", cell: (row) => el("div", { class: "flex" }, disc(row.name, row.full_name || row.name), el("div", { class: "grow" }, el("a", { href: addressOf("accounts", [row.name]) }, el("b", {}, row.name)), " ", disabled(row), row.broken !== "" && state("danger", t("unavailable")), el("div", { class: "hint" }, el("bdi", {}, row.first_address)))) }, { title: t("Addresses"), cell: (row) => String(row.addresses), kind: "num" }, { title: t("Storage"), cell: (row) => el("div", {}, body(row)[0]) }, { title: t("Last login"), cell: (row) => el("div", {}, body(row)[1]) }, { title: "", kind: "top", cell: (row) => el("a", { class: "btn icon small", href: addressOf("accounts", [row.name]), "aria-label": t("Show {name}", { name: row.name }) }, sign(ellipsis, "i s")) }], page.accounts, (tr, row) => rows.set(row.name, tr));
    const last = page.accounts.at(-1)?.name ?? "";
    fill(place, page.accounts.length === 0 ? card("", empty(users, words2 === "" ? t("No accounts yet") : t('Nothing found for "{words}"', { words: words2 }), words2 === "" ? t("Each account has its own mail, addresses, and password.") : t("Searches names, addresses, and notes."))) : card("", list2, { flush: true }), el("div", { class: "pages" }, behind !== "" && el("a", { class: "btn line", href: addressOf("accounts", [], { search: words2 }) }, t("First page")), page.accounts.length === perPage && el("a", { class: "btn line", href: addressOf("accounts", [], { search: words2, after: last }) }, t("Next page"))));
    const names = page.accounts.map((row) => row.name);
    for (let at = 0; at < names.length && desk.shown(); at += atOnce) {
      for (const use of await desk.client.account_uses(names.slice(at, at + atOnce))) {
        uses.set(use.name, use);
        const row = page.accounts.find((one) => one.name === use.name);
        const cells = rows.get(use.name)?.querySelectorAll("td > div");
        const [used, login] = body(row);
        if (cells?.[2] !== void 0) fill(cells[2], used);
        if (cells?.[3] !== void 0) fill(cells[3], login);
      }
    }
  };
  const input = el("input", { type: "search", "aria-label": t("Name or address"), placeholder: t("Name or address") });
  input.value = wanted;
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      desk.note(addressOf("accounts", [], { search: input.value }));
      void attempt(t("Searching…"), t("Couldn't search"), () => show(input.value, ""));
    }, 200);
  });
  const root = el("div", { class: "page" }, head(t("Accounts"), null, el("label", { class: "search" }, sign(search), input), el("a", { class: "btn line", href: "#move" }, t("Move from another server")), button(t("Add account"), () => void add(desk), { icon: plus, kind: "primary" })), el("div", { class: "filter" }, count), place);
  const first = show(wanted, after);
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 400))]);
  first.catch((error) => fill(place, notice("danger", messageOf(error))));
  return { title: t("Accounts"), root };
}
async function add(desk) {
  const domain = (await desk.client.domains())[0]?.domain;
  const name = line(t("Name"), "", t("Lowercase letters, digits, dots, and hyphens. Only you can see it. You can't change it later."));
  const address = line(t("First address"), "", domain === void 0 ? t("Add a domain first.") : t("For example, an address at {domain}.", { domain }), { inputmode: "email" });
  name.control.addEventListener("change", () => {
    if (address.control.value === "" && domain !== void 0) address.control.value = `${name.control.value}@${domain}`;
  });
  const shared = tick(t("Shared mailbox"), false, t("No one can log in to this account. Members read and reply from their own accounts."));
  const password = await fieldDialog(t("Add account"), t("Add account"), { name, address, shared }, () => desk.client.account_add(name.control.value, address.control.value, shared.control.checked));
  if (password === null) return;
  if (shared.control.checked) {
    desk.go(addressOf("accounts", [name.control.value], { tab: "members" }));
    return;
  }
  await showSecret(t("Account added"), t("Copy {name}'s password now. You won't be able to see it again.", { name: name.control.value }), copyable(password));
  desk.go(addressOf("accounts", [name.control.value]));
}
async function limits(desk, name) {
  const path = ["accounts", name];
  const { fields: known, values } = await desk.client.settings(path);
  const ask = (key, title, hint) => {
    const standard = known.find((one) => one.name === key)?.default ?? null;
    const value = values[key] ?? null;
    return line(title, value === null ? "" : String(value), hint, { placeholder: standard === null ? "" : String(standard) });
  };
  const fields = { quota_message_size: ask("quota_message_size", t("Storage"), t("For example, 5g. Leave blank to use the default.")), max_outgoing_messages_per_day: ask("max_outgoing_messages_per_day", t("Recipients in 24 hours"), t("Limits abuse if a password is stolen.")), max_first_time_recipients_per_day: ask("max_first_time_recipients_per_day", t("First-time recipients in 24 hours"), t("Addresses this account has never written to.")) };
  const all = el("p", {}, el("a", { href: addressOf("accounts", [name], { tab: "settings" }) }, t("All settings")));
  const save = async () => {
    const after = { ...values };
    for (const [key, one] of Object.entries(fields)) {
      const typed = one.control.value.trim();
      if (typed === "") delete after[key];
      else after[key] = /^-?\d+$/.test(typed) ? Number(typed) : typed;
    }
    await desk.client.settings_save(path, values, after);
    return true;
  };
  if (await fieldDialog(t("Limits for {name}", { name }), t("Save"), fields, save, all) !== true) return;
  desk.say(t("Saved"));
  await desk.refresh();
}
async function accountPage(desk) {
  const name = desk.address.path[0];
  if (!name) return listPage(desk);
  const tab = desk.address.query.get("tab") ?? "addresses";
  const [found, stops] = await Promise.all([desk.client.account(name), desk.client.queue_guard_list().catch(() => [])]);
  const link = (to, title) => [addressOf("accounts", [name], { tab: to }), title, to === tab];
  const content = { addresses: async () => addresses(desk, found), settings: async () => card(t("Settings"), await settingsForm(desk, ["accounts", name], void 0, sections())), members: async () => members(desk, name), security: () => securityCards(desk, name), logins: async () => logins(await desk.client.attempts(name, 50)) };
  const address = desk.address.path[1];
  const shown2 = address !== void 0 ? card(address, await settingsForm(desk, ["accounts", name, "destinations", address]), { hint: t("Delivery for this address") }) : await (content[tab] ?? content["addresses"])();
  const row = found.row;
  const root = el("div", { class: "page" }, head([disc(name, row.full_name || name), " ", name], el("p", { class: "hint" }, el("a", { href: "#accounts" }, t("Accounts")), row.full_name && [" · ", el("bdi", {}, row.full_name)], row.description && [" · ", el("bdi", {}, row.description)]), disabled(row), button(t("Limits…"), () => void limits(desk, name)), button(t("New password"), () => void newPassword(desk, name)), row.disabled === "" ? button(t("Lock…"), () => void lock(desk, name)) : button(t("Unlock"), () => void unlock(desk, name)), button(t("Delete…"), () => void remove(desk, name), { kind: "line danger" })), row.broken !== "" && notice("danger", t("This account is unavailable: {why}", { why: row.broken })), stops.filter((one) => one.account === name).map((one) => stopped(desk, one)), row.disabled !== "" && notice("warn", t("Login disabled: “{text}”. This account still receives mail.", { text: row.disabled })), card("", pairs([[t("Storage"), found.use.problem !== "" ? foreign(found.use.problem) : row.limit === 0 ? t("{used}, no limit", { used: size(found.use.used) }) : share(row, found.use)], [t("Last login"), lastLogin(found.use)]])), el("br"), tabs(name, [link("addresses", t("Addresses {n}", { n: row.addresses })), link("members", t("Members")), link("settings", t("Settings")), link("security", t("Security")), link("logins", t("Logins"))]), shown2);
  return { title: name, root };
}
async function lock(desk, name) {
  const message = line(t("Message to the user"), t("This account is locked. Ask your administrator."), t("Shown when someone tries to log in."), { maxlength: "1000", autofocus: "" });
  const words2 = t("All browsers, mail apps, and app passwords will be logged out. Mail will still be delivered.");
  const done = await fieldDialog(t("Lock {name}?", { name }), t("Lock account"), { message }, async () => {
    await desk.client.config_account_disable(name, message.control.value);
    return true;
  }, el("p", { class: "hint" }, words2));
  if (done === null) return;
  desk.say(t("Locked {name}", { name }), { title: t("Undo"), run: () => void unlock(desk, name) });
  await desk.refresh();
}
async function unlock(desk, name) {
  const work = () => desk.client.config_account_enable(name);
  if (await attempt(t("Unlocking…"), t("Couldn't unlock account"), work)) await desk.refresh();
}
async function members(desk, name) {
  const found = await desk.client.account_delegate_list(name);
  return delegatesCard(t("People who can send for this account"), t("For example, your team."), { all: found, set: (...given) => desk.client.account_delegate_set(...given, name), remove: (guest) => desk.client.account_delegate_rm(guest, name), refresh: () => desk.refresh() });
}
function addresses(desk, found) {
  const name = found.row.name;
  const remove2 = async (row) => {
    const leaves = row.aliases.length > 0 ? ` ${t("This will also remove the address from these aliases: {aliases}.", { aliases: row.aliases.join(", ") })}` : "";
    if (!await confirm(t("Remove {address}?", { address: row.address }), `${t("New mail to this address will be rejected. Existing messages won't be deleted.")}${leaves}`, t("Remove"))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove address"), () => desk.client.config_address_rm(row.address))) await desk.refresh();
  };
  const add2 = async () => {
    const address = line(t("Address"), `@${found.domain}`, t("@{domain} receives mail for all other addresses.", { domain: found.domain }), { inputmode: "email" });
    if (await fieldDialog(t("Add address"), t("Add"), { address }, () => desk.client.config_address_add(address.control.value, name)) === null) return;
    await desk.refresh();
  };
  const list2 = table(t("Addresses"), [{ title: t("Address"), kind: "main", cell: (row) => [el("a", { href: addressOf("accounts", [name, row.address]) }, el("bdi", {}, row.address)), row.catchall && [" ", el("span", { class: "chip" }, t("all other addresses"))], row.alike && el("div", { class: "hint" }, t("Looks like {address}", { address: row.alike }))] }, { title: t("Folder"), cell: (row) => el("bdi", {}, row.mailbox) }, { title: t("Member of"), cell: (row) => row.aliases.join(", ") }, { title: "", kind: "top", cell: (row) => iconButton(t("Remove {address}", { address: row.address }), trash2, () => void remove2(row)) }], found.addresses);
  return card(t("Addresses"), list2, { flush: true, actions: button(t("Add address"), () => void add2(), { icon: plus, kind: "line small" }) });
}
function logins(found) {
  if (found.length === 0) return card(t("Logins"), el("p", { class: "two" }, t("No logins in 30 days.")));
  const list2 = table(t("Logins"), [{ title: t("Result"), kind: "main", cell: (row) => [state(row.result === "ok" ? "ok" : "warn", resultOf(row.result)), row.count > 1 && ` × ${row.count}`] }, { title: t("When"), cell: (row) => when(row.last) }, { title: t("From"), cell: (row) => row.remote_ip }, { title: t("Protocol"), cell: (row) => `${protocolOf(row.protocol)} ${row.mechanism}` }, { title: t("App"), cell: (row) => foreign(row.user_agent, 60) }], found);
  return card(t("Logins"), list2, { flush: true, hint: t("Latest 50, repeats combined.") });
}
async function newPassword(desk, name) {
  const password = line(t("New password"), "", t("Leave blank to generate a password. You'll only see it once."), { autocomplete: "new-password" });
  const set = await fieldDialog(t("New password for {name}", { name }), t("Set password"), { password }, () => desk.client.account_password(name, password.control.value), el("p", { class: "hint" }, t("This will log the user out everywhere.")));
  if (set === null) return;
  if (password.control.value === "") await showSecret(t("Password updated"), t("Copy {name}'s password now. You won't be able to see it again.", { name }), copyable(set));
  else desk.say(t("Password updated"));
}
async function remove(desk, name) {
  const goes = await desk.client.account_remains(name);
  const what = [el("p", {}, t("These will be permanently deleted:"), " ", many(goes.messages, "{n} message", "{n} messages"), ", ", size(goes.octets), ", ", many(goes.mailboxes, "{n} folder", "{n} folders"), ", ", many(goes.addresses, "{n} address", "{n} addresses"), "."), goes.aliases.length > 0 && el("p", {}, t("This account will be removed from these aliases: {aliases}.", { aliases: goes.aliases.join(", ") })), goes.queued > 0 && el("p", {}, many(goes.queued, "{n} outgoing message will stay in the queue.", "{n} outgoing messages will stay in the queue.")), goes.held > 0 && el("p", {}, many(goes.held, "{n} message on hold or scheduled won't be sent.", "{n} messages on hold or scheduled won't be sent."))];
  if (!await typedAgain(t("Delete {name}?", { name }), name, what, t("Delete account"))) return;
  if (!await attempt(t("Deleting…"), t("Couldn't delete account"), () => desk.client.config_account_rm(name))) return;
  desk.say(t("Deleted {name}", { name }));
  desk.go("#accounts");
}
var pages = { accounts: accountPage };
export {
  pages
};
