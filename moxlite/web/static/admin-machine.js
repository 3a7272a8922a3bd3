var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text3, values2 = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values2[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text3, values2 = {}) {
  return filled(globalThis.moxliteLanguage?.find(text3) ?? text3, values2);
}
function many(n, one, other, values2 = {}) {
  const text3 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text3, { ...values2, n });
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

var arrowUp = "M5 12l7-7 7 7 M12 19V5";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var database = "M3 5a9 3 0 1 0 18 0a9 3 0 1 0 -18 0z M3 5V19A9 3 0 0 0 21 19V5 M3 12A9 3 0 0 0 21 12";
var list = "m3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var listFilter = "M2 5h20 M6 12h12 M9 19h6";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var refreshCw = "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8 M21 3v5h-5 M21 12a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16 M8 16H3v5";
var route = "M3 19a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z M9 19h8.5a3.5 3.5 0 0 0 0-7h-11a3.5 3.5 0 0 1 0-7H15 M15 5a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
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
function choice(label, values2, chosen, hint = null) {
  const control = el("select", {}, values2.map(([value, words2]) => el("option", { value, selected: value === chosen }, words2)));
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
    const shown4 = made2.querySelector("[aria-current]");
    if (shown4 !== null) made2.scrollLeft = shown4.offsetLeft - made2.offsetLeft - (made2.clientWidth - shown4.offsetWidth) / 2;
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
  const shown4 = visible(value);
  if (shown4.length <= most) return el("bdi", {}, shown4);
  const words2 = el("bdi", {}, `${shown4.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words2, shown4);
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

var period = 2e3;
async function backupsPage(desk) {
  const found = await desk.client.backups();
  const runs = found.running || found.run !== null && found.run.ended === 0;
  if (runs) {
    const timer = setTimeout(() => {
      if (desk.shown()) void desk.refresh().catch((error) => codeOf(error) === null && Promise.reject(error));
    }, period);
    desk.onLeave(() => clearTimeout(timer));
  }
  const start = button(t("Back up now"), () => void begin(desk, found), { icon: database, kind: "primary" });
  start.disabled = runs;
  const root = el("div", { class: "page" }, head(t("Backups"), t("Snapshots of your configuration and mail, created while the server is running."), found.target !== "" && start), found.target === "" ? unset() : [runs && notice("wait", t("Backup in progress.")), found.run !== null && found.run.ended > 0 && outcome(found.run), settings(found), snapshots(found)]);
  return { title: t("Backups"), root };
}
function unset() {
  const text3 = '[backup]\nschedule = "24h"\ntarget = "/mnt/backup/moxlite"';
  return card("", empty(database, t("Backups are off"), t("To turn on backups, set a schedule and a target on another disk in moxlite.toml, then restart the server:"), el("pre", { class: "zone" }, text3), copyButton(() => text3, t("Copy"))));
}
function settings(found) {
  const late = found.interval > 0 && Date.now() * 1e3 - found.last > 2 * found.interval;
  return card(t("Settings"), pairs([[t("Last backup"), found.last === 0 ? state("warn", t("No backup yet")) : [state(late ? "warn" : "ok", ago(found.last)), " ", when(found.last)]], [t("Schedule"), agoShort(found.interval)], [t("Target"), foreign(found.target, 200)], [t("Encrypted"), found.encrypted ? state("ok", t("yes")) : t("no (anyone with access to the target can read all mail)")], [t("Kept"), found.encrypted ? t("all, until you delete them (the server can't read them)") : many(found.keep_weekly, "{days} daily and {n} weekly backup", "{days} daily and {n} weekly backups", { days: found.keep_daily })]]));
}
function outcome(run) {
  const many_ = (title, lines) => lines.length > 0 && [el("p", {}, title), el("ul", {}, lines.map((one) => el("li", {}, foreign(one, 300))))];
  if (run.errors.length > 0) return notice("danger", [t("The backup from {when} is incomplete.", { when: ago(run.ended) }), many_(t("Errors:"), run.errors)]);
  return notice(run.warnings.length + run.left_out.length > 0 ? "warn" : "ok", [t("Backed up {size} ({stored} new).", { size: size(run.octets), stored: size(run.stored) }), many_(t("Warnings:"), run.warnings), many_(t("Not included, so a restored server would create new keys:"), run.left_out)]);
}
function snapshots(found) {
  if (found.problem !== "") return card(t("Snapshots"), notice("danger", [t("Couldn't list snapshots:"), " ", foreign(found.problem)]));
  if (found.snapshots.length === 0) return card(t("Snapshots"), el("p", { class: "two" }, t("No snapshots yet.")));
  const list3 = table(t("Snapshots"), [{ title: t("Created"), kind: "main", cell: (row) => when(row.created) }, { title: t("ID"), cell: (row) => el("code", {}, row.id) }, { title: t("Files"), kind: "num", cell: (row) => row.files < 0 ? "–" : t("{n}", { n: row.files }) }, { title: t("Size"), kind: "num", cell: (row) => row.octets < 0 ? "–" : size(row.octets) }], found.snapshots);
  return card(many(found.snapshots.length, "{n} snapshot", "{n} snapshots"), list3, { flush: true, hint: el("p", { class: "hint" }, t("To restore a snapshot, run this command. The server doesn't need to be running."), " ", el("code", {}, "moxlite restore")) });
}
async function begin(desk, found) {
  if (!await confirm(t("Back up now?"), t("This will create a full snapshot in {target}. Mail will keep working.", { target: found.target }), t("Back up"), "primary")) return;
  if (await attempt(t("Starting backup…"), t("Couldn't start backup"), () => desk.client.backup_run())) await desk.refresh();
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
    const roots = (names2) => names2.flatMap((name) => this.parts.get(name)?.root ?? []);
    if (sections.length === 0) return roots([...this.parts.keys()]);
    const placed = new Set(sections.flatMap(({ names: names2 }) => names2));
    const rest = { title: t("All other settings"), names: [...this.parts.keys()].filter((name) => !placed.has(name)) };
    return [...sections, rest].map(({ title: words2, names: names2 }) => ({ words: words2, fields: roots(names2), set: names2.some((name) => name in this.before) })).filter(({ fields }) => fields.length > 0).map(({ words: words2, fields, set }, i) => el("details", { class: "section", open: i === 0 }, el("summary", {}, words2, set && i > 0 && el("span", { class: "hint" }, ` · ${t("some set")}`)), el("div", { class: "items" }, fields)));
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
    const values2 = {};
    for (const [name, part] of this.parts) {
      const value = part.read();
      if (value !== void 0) values2[name] = value;
    }
    return values2;
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
      return list2(info, value, label);
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
  const values2 = Object.entries(info.words).map(([value2, word]) => [value2, value2 === info.default ? t("{word} (default)", { word }) : word]);
  if (info.required) values2.unshift(["", t("Choose…")]);
  const found = choice(label, values2, String(value ?? info.default ?? ""), rendered(info.doc));
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
    const values2 = {};
    for (const [name, part] of parts) {
      const one = part.read();
      if (one !== void 0) values2[name] = one;
    }
    return !optional && Object.keys(values2).length === 0 ? void 0 : values2;
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
function list2(info, value, label) {
  return many2(info, label, Array.isArray(value) ? value.map((one) => ["", one]) : [], (item) => ({ part: item, keyed: null }));
}
function map(info, value, label) {
  const given = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return many2(info, label, given, (item, key) => ({ part: item, keyed: line(t("Name"), key) }));
}
function begin2(root) {
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
  const add = (key, value) => {
    const made2 = make({ ...below, name: "", required: true }, value, below.type === "table" ? heading(label, items.length + 1, value) : label);
    const { part, keyed: keyed2 } = wrap(made2, key);
    const remove = iconButton(t("Remove"), trash2, () => {
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
    const root2 = el("div", { class: "item" }, el("div", { class: "items" }, keyed2?.root, part.root), el("div", { class: "flex" }, ordered && iconButton(t("Move up"), arrowUp, move), remove));
    const item = { part, key: () => keyed2?.control.value ?? "", root: root2 };
    if (below.type !== "table") root2.querySelector("label")?.classList.add("sr");
    items.push(item);
    place.append(root2);
    return root2;
  };
  for (const [key, value] of given) add(key, value);
  const adder = el("button", { class: "btn line small", type: "button", data: { adds: "" }, onclick: () => begin2(add("", void 0)) }, sign(plus, "i s"), t("Add"));
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
  const names2 = new Set(fields.map((one) => one.name));
  const chosen = Object.fromEntries(Object.entries(found.values).filter(([name]) => names2.has(name)));
  let rest = Object.fromEntries(Object.entries(found.values).filter(([name]) => !names2.has(name)));
  const save = async (before, after, base) => {
    if (base !== void 0) rest = Object.fromEntries(Object.entries(base).filter(([name]) => !names2.has(name)));
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
      return save(Object.fromEntries(Object.entries(now).filter(([name]) => names2.has(name))), onTop(now, before, after, names2), now);
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
function onTop(now, before, after, names2) {
  const found = {};
  for (const name of names2) {
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
function filterForm(apply, ...fields) {
  const form = el("form", { class: "filter", "aria-label": t("Filter"), onsubmit: (event) => {
    event.preventDefault();
    apply();
  } }, fields, el("button", { class: "btn line", type: "submit" }, t("Filter")));
  for (const one of form.querySelectorAll("select")) one.addEventListener("change", apply);
  return form;
}

var names = ["error", "warn", "info", "debug", "trace", "traceauth", "tracedata"];
var nameOf = (value) => names.find((one) => one === value) ?? "info";
var tones2 = { error: "danger", warn: "warn" };
var places = (on) => tabs(t("Log"), [["#log", t("Latest lines"), on === ""], ["#log/connection", t("Connection"), on === "connection"], ["#log/levels", t("Levels"), on === "levels"]]);
async function logPage(desk) {
  const part = desk.address.path[0] ?? "";
  const content = part === "levels" ? await levels(desk) : part === "connection" ? await connection(desk) : await newest(desk);
  return { title: t("Log"), root: el("div", { class: "page" }, head(t("Log"), null), places(part), content) };
}
function shown2(found) {
  return el("ol", { class: "loglines", tabindex: "0", "aria-label": t("Log lines") }, [...found].reverse().map((one) => el("li", {}, one.at > 0 && when(one.at), one.level !== "" && tones2[one.level] !== void 0 && state(tones2[one.level], one.level), el("code", {}, foreign(one.at > 0 ? one.text.replace(/^t=\S+ /, "") : one.text, 600)))));
}
function source(found) {
  if (found.file !== "") return found.whole ? t("Newest first, from {file}.", { file: found.file }) : t("Newest first, from the last 32 MB in {file}.", { file: found.file });
  return found.since === 0 ? t("Newest first.") : t("Newest first, in memory since {when}. For older lines, see the log destination, such as the journal.", { when: moment(found.since) });
}
async function newest(desk) {
  const least = nameOf(desk.address.query.get("level") ?? "info");
  const wanted = desk.address.query.get("words") ?? "";
  const found = await desk.client.log_recent(least, wanted);
  const level = choice(t("Minimum level"), names.slice(0, 5).map((one) => [one, one]), least);
  const words2 = el("input", { type: "search", "aria-label": t("Search text"), placeholder: t("Search text") });
  words2.value = wanted;
  const apply = () => desk.go(addressOf("log", [], { level: level.control.value === "info" ? "" : level.control.value, words: words2.value }));
  const form = filterForm(apply, level.root, el("label", { class: "search" }, sign(search), words2));
  const none = empty(list, t("No lines"), t("No matching lines in memory."));
  return [form, card("", found.lines.length === 0 ? none : shown2(found.lines), { flush: true }), el("p", { class: "hint below" }, source(found))];
}
async function connection(desk) {
  const wanted = desk.address.query.get("id") ?? "";
  const id = line(t("ID"), wanted, t("A 22-character ID from a Received field added by this server, or from an error page. You can also use the cid from a log line."));
  const answer = el("div", { "aria-live": "polite" });
  const search2 = async () => {
    const found = await desk.client.log_of(id.control.value);
    desk.note(addressOf("log", ["connection"], { id: id.control.value.trim() }));
    fill(answer, found.problem !== "" && notice("warn", t("Couldn't read log file: {why}", { why: found.problem })), card(many(found.lines.length, "{n} line of connection {cid}", "{n} lines of connection {cid}", { cid: found.cid }), found.lines.length > 0 ? shown2(found.lines) : el("div", {}, el("p", { class: "two" }, t("No log lines left in memory. If logs go to the journal, run:")), copyable(`journalctl -u moxlite -g cid=${found.cid}`)), { flush: found.lines.length > 0, hint: source(found) }));
  };
  const form = fieldForm({ received_id: id }, t("Show log lines"), search2);
  if (wanted !== "") void attempt(t("Searching…"), t("Couldn't search log"), search2);
  return [card("", form), answer];
}
async function levels(desk) {
  const found = await desk.client.log_levels();
  const all = found.find((one) => one.pkg === "")?.level ?? "info";
  const set = async (row, level, control) => {
    const before = row.level;
    const make2 = (value) => desk.client.log_level_set(row.pkg, value === "" ? "" : nameOf(value));
    const undo2 = () => control.value = before;
    if (!await attempt(t("Saving…"), t("Couldn't change log level"), () => make2(level), undo2)) return;
    desk.say(row.pkg === "" ? t("Log level set to {level}", { level }) : level === "" ? t("{pkg} now uses the default level", { pkg: row.pkg }) : t("{pkg} level set to {level}", { pkg: row.pkg, level }), { title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => make2(before)).then(() => desk.refresh()) });
    await desk.refresh();
  };
  const select = (row) => {
    const own = names.map((one) => [one, one]);
    const values2 = row.pkg === "" ? own : [["", t("default ({level})", { level: all })], ...own];
    const control = el("select", { "aria-label": row.pkg === "" ? t("Level for all packages") : t("Level for {pkg}", { pkg: row.pkg }) }, values2.map(([value, words2]) => el("option", { value, selected: value === row.level }, words2)));
    control.addEventListener("change", () => void set(row, control.value, control));
    return el("div", { class: "field" }, control);
  };
  const loud = found.filter((one) => one.level === "traceauth" || one.level === "tracedata");
  return [loud.length > 0 && notice("warn", t("These packages log passwords (traceauth, tracedata) or mail content (tracedata): {pkgs}.", { pkgs: loud.map((one) => one.pkg === "" ? t("all packages") : one.pkg).join(", ") })), card(t("Levels"), table(t("Levels"), [{ title: t("Package"), kind: "main", cell: (row) => el("b", {}, row.pkg === "" ? t("All") : row.pkg) }, { title: t("Level"), cell: select }], found), { flush: true, hint: t("Changes last until the server restarts. For permanent changes, set log_level and package_log_levels in moxlite.toml. traceauth also logs passwords, and tracedata also logs mail content.") })];
}

var listingState = (row) => {
  switch (row.status) {
    case "pass":
      return state("ok", t("not listed"));
    case "fail":
      return state("danger", t("listed"));
    case "temperror":
      return state("warn", t("no response"));
    case "unknown":
      return state("unknown", t("not checked yet"));
  }
};
async function networkPage(desk) {
  const found = await desk.client.own_addresses();
  const root = el("div", { class: "page" }, head(t("Network"), t("How other mail servers see this server.")), !found.asks && notice("unknown", t("localserve doesn't contact other servers, so lookups aren't available.")), !found.known && notice("unknown", t("This server's public addresses aren't configured, for example because of NAT. Set nat_ips for the listener in moxlite.toml.")), card(t("Reverse DNS"), await reverse(desk, found), { hint: t("Other servers expect your address to have a reverse DNS name that points back to it. Your provider can set this.") }), card(t("Block lists"), listings(desk, found), { flush: found.listings.length > 0, hint: t("Checked every 3 hours, or more often when you send a lot of mail.") }), card(t("Monitored lists"), await settingsForm(desk, [], (name) => name === "monitor_dnsbls"), { hint: found.refusing.length > 0 ? t("Mail is rejected based on these lists: {zones}. To change them, edit moxlite.toml.", { zones: found.refusing.join(", ") }) : t("No block lists reject mail. To add one, set smtp.dnsbls for a listener in moxlite.toml.") }), card(t("Trusted forwarders"), await settingsForm(desk, [], (name) => name === "arc")));
  return { title: t("Network"), root };
}
function listings(desk, found) {
  if (found.listings.length === 0) return el("p", { class: "hint" }, t("No monitored lists"));
  return table(t("Block lists"), [{ title: t("List"), kind: "main", cell: (row) => el("b", {}, row.zone) }, { title: t("Address"), cell: (row) => row.ip }, { title: t("Status"), cell: (row) => [listingState(row), (row.explanation !== "" || row.problem !== "") && el("div", { class: "hint reason" }, foreign(row.explanation || row.problem, 200))] }, { title: t("Checked"), cell: (row) => row.at === 0 ? el("span", { class: "muted" }, t("never")) : el("span", { class: "nowrap" }, ago(row.at)) }, { title: "", kind: "top", cell: (row) => iconButton(t("Check {ip} on {zone} now", { zone: row.zone, ip: row.ip }), refreshCw, async () => {
    if (await attempt(t("Checking {zone}…", { zone: row.zone }), t("Couldn't check {zone}", { zone: row.zone }), () => desk.client.listing_check(row.zone, row.ip))) await desk.refresh();
  }) }], found.listings);
}
function reverseState(found, hostname) {
  const names2 = found.names.length > 0 ? [" ", foreign(found.names.join(", "), 200)] : null;
  if (found.status === "pass") {
    const same = found.name.toLowerCase() === hostname.toLowerCase();
    return [state(same ? "ok" : "warn", same ? t("correct") : t("doesn't match {hostname}", { hostname })), names2];
  }
  const words2 = { fail: t("doesn't point back"), permerror: t("no reverse DNS"), temperror: t("unknown") };
  return [state(found.status === "temperror" ? "unknown" : "danger", words2[found.status]), names2, found.problem !== "" && el("div", { class: "hint" }, foreign(found.problem, 200))];
}
async function reverse(desk, own) {
  const rows = own.ips.map((ip2) => ({ ip: ip2, place: el("span", {}, own.asks ? t("Checking…") : state("unknown", t("not checked"))) }));
  if (own.asks) {
    for (const row of rows) {
      desk.client.reverse_lookup(row.ip).then((found) => fill(row.place, reverseState(found, own.hostname))).catch((error) => fill(row.place, state("unknown", t("unknown")), " ", messageOf(error)));
    }
  }
  const ip = line(t("Look up another address"), "", null, { inputmode: "text", placeholder: "192.0.2.1" });
  const answer = el("div", { "aria-live": "polite" });
  const form = fieldForm({ ip }, t("Look up"), async () => {
    fill(answer, t("Checking…"));
    try {
      const found = await desk.client.reverse_lookup(ip.control.value);
      fill(answer, pairs([[found.ip, found.status === "pass" ? [state("ok", t("points back")), " ", foreign(found.name)] : reverseState(found, own.hostname)]]));
    } catch (error) {
      fill(answer);
      throw error;
    }
  });
  return [rows.length > 0 && pairs(rows.map((row) => [row.ip, row.place])), rows.length > 0 && el("br"), form, answer];
}
var methods = { submissions: t("relay with implicit TLS"), submission: t("relay with STARTTLS, port 587"), smtp: t("relay with STARTTLS, port 25"), socks: t("SOCKS proxy"), direct: t("direct"), fail: t("fails immediately") };
function values(settings2, prefix = "") {
  return Object.entries(settings2).flatMap(([name, value]) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return values(value, `${prefix}${name}.`);
    return [[`${prefix}${name}`, Array.isArray(value) ? value.join(", ") : String(value)]];
  });
}
async function routesPage(desk) {
  const found = await desk.client.transport_list();
  const list3 = table(t("Transports"), [{ title: t("Transport"), kind: "main", cell: (row) => el("b", {}, el("bdi", {}, row.name)) }, { title: t("Type"), cell: (row) => methods[row.method] }, { title: t("Settings"), cell: (row) => el("details", {}, el("summary", {}, foreign(String(row.settings["host"] ?? row.settings["address"] ?? t("show")), 80)), pairs(values(row.settings).map(([name, value]) => [name, foreign(value, 120)]))) }, { title: t("Used by routes for"), cell: (row) => row.used.length === 0 ? el("span", { class: "muted" }, t("none")) : foreign([...new Set(row.used)].join(", "), 120) }], found);
  const none = empty(route, t("No transports"), t("Mail is delivered directly to recipients' servers. To add a transport, such as a smarthost, set [transports.NAME] in moxlite.toml."));
  const root = el("div", { class: "page" }, head(t("Routes"), t("How outgoing mail is delivered."), found.length > 0 && button(t("Add route"), () => void addRoute(desk, found))), card(t("Transports"), found.length === 0 ? none : list3, { flush: true, hint: found.length === 0 ? null : t("To change transports, edit moxlite.toml and restart the server. Passwords are hidden.") }), card(t("Routes for all mail"), await settingsForm(desk, [], (name) => name === "routes"), { hint: t("Only the first matching route applies. Account routes are checked first, then domain routes, then these.") }));
  return { title: t("Routes"), root };
}
async function addRoute(desk, transports) {
  const names2 = transports.map((one) => [one.name, `${one.name}, ${methods[one.method]}`]);
  const hint = t("Domains, separated by spaces. For subdomains, use .example.org. Leave blank for all.");
  const fields = { transport: choice(t("Transport"), names2, names2[0]?.[0] ?? ""), to_domain: line(t("To addresses at"), "", hint), from_domain: line(t("From addresses at"), "", hint) };
  const domains = (one) => {
    const typed = fields[one].control.value.split(/[\s,]+/).filter((word) => word !== "");
    return typed.length > 0 ? { [one]: typed } : {};
  };
  const done = await fieldDialog(t("Route"), t("Add"), fields, async () => {
    const { values: values2 } = await desk.client.settings([]);
    const before = Array.isArray(values2["routes"]) ? values2["routes"] : [];
    const some = { ...domains("to_domain"), ...domains("from_domain") };
    const made2 = { transport: fields.transport.control.value, ...some };
    const routes = Object.keys(some).length > 0 ? [made2, ...before] : [...before, made2];
    await desk.client.settings_save([], values2, { ...values2, routes });
    return true;
  });
  if (done !== true) return;
  desk.say(t("Added"));
  await desk.refresh();
}
async function addHandler(desk, host, path, what) {
  const { values: values2 } = await desk.client.settings([]);
  const before = Array.isArray(values2["web_handlers"]) ? values2["web_handlers"] : [];
  const pattern = `^${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`;
  const made2 = { domain: host, path_regexp: pattern, ...what };
  const at = before.findIndex((one) => one["domain"] === host && String(one["path_regexp"] ?? "").length < pattern.length);
  const place = at < 0 ? before.length : at;
  const handlers = [...before.slice(0, place), made2, ...before.slice(place)];
  await desk.client.settings_save([], values2, { ...values2, web_handlers: handlers });
}
async function ask(desk, title, third, what) {
  const fields = { domain: line(t("Host"), "", t("For example, www.example.org. DNS must point to this server.")), path_regexp: line(t("Path"), "/", t("Includes all paths below this one. For the entire host, use /.")), third };
  const done = await fieldDialog(title, t("Add"), fields, async () => {
    if (!fields.path_regexp.control.value.startsWith("/")) {
      fields.path_regexp.problem(t("Start the path with /."));
      throw new Error(t("Your changes weren't saved."));
    }
    await addHandler(desk, fields.domain.control.value.trim(), fields.path_regexp.control.value, what(third.control.value.trim()));
    return true;
  });
  if (done !== true) return;
  desk.say(t("Added"));
  await desk.refresh();
}
function addSite(desk) {
  const folder = line(t("Folder"), "", t("Folder on this server. For example, /srv/www"));
  return ask(desk, t("Static site"), folder, (root) => ({ static: { root } }));
}
function addRedirect(desk) {
  const target = line(t("To"), "", t("For example, https://example.com. The path and query are kept."));
  return ask(desk, t("Redirect"), target, (url) => ({ redirect: { base_url: url } }));
}
function addProxy(desk) {
  const server = line(t("Backend server"), "", t("For example, http://127.0.0.1:3000"));
  return ask(desk, t("Proxy"), server, (url) => ({ forward: { url } }));
}
async function webPage(desk) {
  const root = el("div", { class: "page" }, head(t("Web server"), t("Host websites on listeners with webserver_http or webserver_https.")), card(t("Add to web server"), el("div", { class: "flex wrap gap" }, button(t("Static site"), () => void addSite(desk), { kind: "primary" }), button(t("Redirect"), () => void addRedirect(desk)), button(t("Proxy"), () => void addProxy(desk))), { hint: t("Fill in these 3 fields to start. You can change other settings later.") }), card(t("Redirects"), await settingsForm(desk, [], (name) => name === "web_domain_redirects"), { hint: t("Redirect one host to another. The path and query are kept.") }), card(t("Handlers"), await settingsForm(desk, [], (name) => name === "web_handlers"), { hint: t("The first matching handler serves the request. A handler must have exactly one of static, redirect, forward, or internal.") }));
  return { title: t("Web server"), root };
}

async function configPage(desk) {
  const file = desk.address.path[0] === "domains.toml" ? "domains.toml" : "moxlite.toml";
  const effective = desk.address.query.get("as") === "effective";
  const search2 = desk.address.query.get("search") ?? "";
  const found = await desk.client.config_file(file, search2);
  const link = (to, as, title) => [addressOf("config", [to], { as }), title, to === file && as === "effective" === effective];
  const shown4 = effective ? found.effective : found.text;
  const input = el("input", { type: "search", "aria-label": t("Accounts and domains with names containing"), placeholder: t("Account or domain") });
  input.value = search2;
  const find = el("form", { class: "filter", onsubmit: (event) => {
    event.preventDefault();
    desk.go(addressOf("config", [file], { as: "effective", search: input.value }));
  } }, el("label", { class: "search" }, sign(search), input), el("button", { class: "btn line", type: "submit" }, t("Show")));
  const root = el("div", { class: "page" }, head(t("Configuration"), t("Secrets are hidden. Changes to moxlite.toml take effect when you restart the server. Changes to domains.toml take effect immediately, whether you make them here, on the command line, or in an editor.")), tabs(t("Files"), [link("moxlite.toml", "", t("moxlite.toml")), link("moxlite.toml", "effective", t("moxlite.toml, effective")), link("domains.toml", "", t("domains.toml")), link("domains.toml", "effective", t("domains.toml, effective"))]), found.problem !== "" && notice("warn", t("{path} {why}", { path: found.path, why: found.problem })), found.problem === "" && !found.current && notice("danger", [t("The file has an error, so the previous version is still active."), " ", el("a", { href: "#overview" }, t("Show error"))]), effective && file === "domains.toml" && (found.left_out > 0 || search2 !== "") && [find, found.left_out > 0 && el("p", { class: "hint" }, many(found.left_out, "{n} account or domain not shown.", "{n} accounts and domains not shown."))], card(found.path, el("pre", { class: "zone whole", tabindex: "0", "aria-label": found.path }, shown4 === "" ? t("(empty)") : foreignLines(shown4)), { flush: true, actions: copyButton(() => shown4), hint: effective ? t("All active values, including defaults.") : found.cut ? t("Only the beginning of this file is shown.") : null }));
  return { title: t("Configuration"), root };
}
function foreignLines(text3) {
  return text3.split("\n").flatMap((one, index) => [index > 0 && "\n", one === "" ? null : foreign(one.replaceAll("	", "  "), 2e3)]);
}
var round = (value) => Number.isInteger(value) ? t("{n}", { n: value }) : t("{n}", { n: Number(value.toPrecision(4)) });
function sampleText(row, one) {
  if (row.kind !== "histogram") return round(one.value);
  return one.count === 0 ? t("none") : t("{count}, mean {mean}", { count: one.count, mean: round(one.value / one.count) });
}
var atParts = (name) => name.split(/(?<=_)/).map((one) => [one, el("wbr")]);
async function metricsPage(desk) {
  const found = await desk.client.metrics();
  const wanted = desk.address.query.get("search") ?? "";
  const place = el("div");
  const count = el("span", { class: "hint" });
  const show = (words2) => {
    const parts = words2.toLowerCase().split(/\s+/).filter((one) => one !== "");
    const rows = found.filter((row) => row.samples.length > 0 && parts.every((one) => row.name.includes(one) || row.about.toLowerCase().includes(one)));
    count.textContent = many(rows.length, "{n} metric", "{n} metrics");
    fill(place, rows.length === 0 ? card("", empty(listFilter, t("No results"), t("Searches names and descriptions. Empty metrics are hidden."))) : card("", el("ul", { class: "metrics" }, rows.map((row) => el("li", {}, el("div", {}, el("b", {}, atParts(row.name.replace(/^moxlite_/, ""))), el("div", { class: "hint" }, row.about)), samples(row)))), { flush: true }));
  };
  const input = el("input", { type: "search", "aria-label": t("Name or description"), placeholder: t("Name or description") });
  input.value = wanted;
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      desk.note(addressOf("metrics", [], { search: input.value }));
      void attempt(t("Searching…"), t("Couldn't search"), async () => show(input.value));
    }, 150);
  });
  show(wanted);
  const root = el("div", { class: "page" }, head(t("Metrics"), t("Counted since the server started. Prometheus and other tools can read them at /metrics on a listener with metrics_http."), el("label", { class: "search" }, sign(search), input)), el("div", { class: "filter" }, count), place);
  return { title: t("Metrics"), root };
}
function samples(row) {
  const lines = row.samples.map((one) => el("tr", {}, el("td", {}, foreign(Object.entries(one.labels).map(([name, value]) => `${name} ${value === "" ? "–" : value}`).join(", ") || t("value"), 120)), el("td", { class: "num" }, sampleText(row, one))));
  const whole = el("table", { "aria-label": row.name }, el("tbody", {}, lines, row.left_out > 0 && el("tr", {}, el("td", { colspan: "2" }, many(row.left_out, "{n} more value", "{n} more values")))));
  if (row.samples.length <= 6) return whole;
  const total = row.samples.reduce((sum, one) => sum + (row.kind === "histogram" ? one.count : one.value), 0);
  const summary = row.kind === "gauge" ? many(row.samples.length, "{n} value", "{n} values") : t("{n} in {m} values", { n: Number(total.toPrecision(6)), m: row.samples.length });
  return el("details", {}, el("summary", {}, summary), whole);
}

var waiting = false;
function leave(load = () => location.reload()) {
  waiting = false;
  for (const one of document.querySelectorAll("[data-unsaved]")) delete one.dataset["unsaved"];
  load();
}

var period2 = 3e3;
async function standbyPage(desk) {
  const found = await desk.client.second_machine();
  const place = el("section", { "aria-live": "polite" });
  const start = button(t("Switch over"), () => void handOver(desk, start, place), { kind: "line danger" });
  const root = el("div", { class: "page" }, head(t("Standby server"), t("Copies all changes within about a second and can take over at any time."), found.lease && start), place, found.target === "" ? unset2() : shown3(found));
  return { title: t("Standby server"), root };
}
function unset2() {
  const text3 = '[standby]\ntarget = "/mnt/second-disk/moxlite"\nencrypt_to = ["age1..."]';
  return card("", empty(copy, t("No standby server"), t("To add one, set a target on another disk, machine, or object storage in moxlite.toml, then restart the server:"), el("pre", { class: "zone" }, text3), copyButton(() => text3, t("Copy"))));
}
function shown3(found) {
  const words2 = found.words.map((one) => el("p", {}, visible(one)));
  return [notice(found.well ? "ok" : "warn", found.well ? t("All changes copied.") : t("Some changes haven't been copied.")), card(t("Status"), words2, { hint: found.lease ? null : t("Without standby.lease, automatic failover and switchover aren't available. To fail over, run moxlite standby takeover.") })];
}
async function handOver(desk, start, place) {
  const agreed = await confirm(t("Switch over to the standby server?"), t("This server will stop accepting mail, send its latest changes, and shut down. The standby server will take over within seconds, with all mail. If the standby server isn't ready or runs a different version, this server will keep running."), t("Switch over"));
  if (!agreed) return;
  start.disabled = true;
  fill(place, notice("wait", t("Contacting the standby server and sending the latest changes. This can take up to 1 minute.")));
  try {
    const done = await desk.client.standby_handover();
    fill(place, notice("wait", [el("b", {}, t("{host} is taking over. This server will shut down.", { host: visible(done.host) })), " ", t("Waiting for this address to respond. If needed, point this address to the standby server.")]));
    wait(desk, place);
  } catch (error) {
    fill(place, notice("danger", [t("Couldn't switch over:"), " ", visible(messageOf(error))]));
    start.disabled = false;
  }
}
function wait(desk, place) {
  const timer = setInterval(async () => {
    const answered = await fetch(location.pathname, { cache: "no-store" }).then((response) => response.ok, () => false);
    if (!answered || !desk.shown()) return;
    clearInterval(timer);
    fill(place, notice("ok", t("This address is responding again."), button(t("Log in"), () => leave(), { kind: "primary" })));
  }, period2);
  desk.onLeave(() => clearInterval(timer));
}

var pages = { network: networkPage, routes: routesPage, web: webPage, log: logPage, config: configPage, metrics: metricsPage, backups: backupsPage, standby: standbyPage };
export {
  pages
};
