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

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var chevronDown = "M6 9l6 6 6-6";
var chevronRight = "m9 18l6-6-6-6";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var pause = "M15 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1z M6 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1z";
var play = "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z";
var plus = "M5 12h14 M12 5v14";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var send = "m14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11z M21.854 2.147l-10.94 10.939";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
var undo2 = "m9 14 4 9l5-5 M4 9h10.5a5.5 5.5 0 0 1 5.5 5.5a5.5 5.5 0 0 1-5.5 5.5H11";

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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
function tabs(label, links) {
  const made2 = el("nav", { class: "tabs", "aria-label": label }, links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : void 0 }, title)));
  requestAnimationFrame(() => {
    const shown = made2.querySelector("[aria-current]");
    if (shown !== null) made2.scrollLeft = shown.offsetLeft - made2.offsetLeft - (made2.clientWidth - shown.offsetWidth) / 2;
  });
  return made2;
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
function foreign(value, most = 300) {
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more2 = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more2);
  return el("span", { class: "foreign" }, words, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
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
function microseconds(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
}

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
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

var perPage = 50;
var current = (query) => Object.fromEntries([...query.entries()].filter(([name]) => !name.startsWith("last")));
var tabLinks = (on) => tabs(t("Queue"), [["#queue", t("Waiting"), on === "queue"], ["#queue/rules", t("Hold rules"), on === "rules"], ["#queue/finished", t("Finished"), on === "finished"], ["#queue/webhooks", t("Webhooks"), on === "webhooks"], ["#queue/suppressions", t("Suppressions"), on === "suppressions"]]);
var address = (value) => el("div", { class: "address" }, value === "" ? el("span", { class: "muted" }, t("(none)")) : el("bdi", {}, visible(value)));
function pager(query, following, page = []) {
  return el("div", { class: "pages" }, query.has("last") && el("a", { class: "btn line", href: addressOf("queue", page, current(query)) }, t("First page")), following !== "" && el("a", { class: "btn line", href: following }, t("Next page")));
}
var pill = (href, on, words) => el("a", { class: "chip pill", href, "aria-current": on ? "true" : void 0 }, words);
function listPage(title, tab, { query, found, list, none, after, action = null, pills = [] }) {
  const last = found.at(-1);
  const following = last !== void 0 && found.length === perPage ? addressOf("queue", [tab], { ...current(query), ...after(last) }) : "";
  return { title, root: el("div", { class: "page" }, head(t("Queue"), null, action), tabLinks(tab), pills.length > 0 && el("div", { class: "filter" }, pills), card("", found.length === 0 ? none : list, { flush: true }), pager(query, following, [tab])) };
}
async function undone(desk, back) {
  const done = await attempt(t("Undoing…"), t("Couldn't undo"), back);
  await desk.refresh();
  if (done) desk.say(t("Undone"));
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

function more(desk, row) {
  const face = el("span", {}, sign(chevronRight, "i s"));
  const opener = el("button", { class: "btn icon small", type: "button", "aria-expanded": "false", "aria-label": t("Attempts for {recipient}", { recipient: row.recipient }) }, face);
  let below = null;
  opener.addEventListener("click", async () => {
    if (below !== null) {
      below.remove();
      below = null;
    } else {
      const cell = el("td", { colspan: "8" }, t("Loading…"));
      below = el("tr", {}, cell);
      opener.closest("tr")?.after(below);
      try {
        fill(cell, detail(desk, row, await desk.client.queue_attempts(row.id)));
      } catch (error) {
        fill(cell, notice("danger", messageOf(error)));
      }
    }
    opener.setAttribute("aria-expanded", String(below !== null));
    fill(face, sign(below === null ? chevronRight : chevronDown, "i s"));
  });
  return opener;
}
function detail(desk, row, tries) {
  const waits = row.next_attempt !== "" || row.hold;
  const header = async () => {
    const found = await desk.client.queue_header(row.id);
    await dialog(t("Header"), (close) => [el("pre", { class: "zone", tabindex: "0" }, visible(found.replaceAll("\r\n", "\n")).replaceAll("[U+000A]", "\n").replaceAll("[U+0009]", "	")), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
  };
  return [el("ol", { class: "attempts" }, tries.length === 0 ? el("li", {}, t("No attempts yet.")) : tries.map((one) => el("li", {}, when(microseconds(one.start)), el("div", {}, state(one.outcome === "delivered" ? "ok" : "warn", one.outcome === "delivered" ? t("delivered") : t("not delivered")), " ", el("b", {}, visible(one.host)), one.ip !== "" && ` [${one.ip}]`, one.tls !== "" && `, ${one.tls}`, one.transport !== "" && `, ${one.transport}`, one.meaning !== "" && el("div", {}, one.meaning), (one.reply !== "" || one.outcome !== "delivered") && el("div", {}, el("q", {}, foreign(one.reply !== "" ? one.reply : one.outcome, 400))), one.admin !== "" && el("div", { class: "hint" }, one.admin))))), pairs([[t("Subject"), foreign(row.subject, 200)], [t("Size"), size(row.size)], [t("Message-ID"), foreign(row.message_id, 200)], [t("Account"), row.account === "" ? "–" : el("a", { href: addressOf("accounts", [row.account]) }, row.account)], [t("Next step"), row.next], ...row.admin !== "" ? [[t("Advice"), row.admin]] : []]), waits && el("div", { class: "flex wrap" }, button(t("Header"), () => void attempt(t("Loading…"), t("Couldn't load header"), header), { kind: "line small" }))];
}

async function finishedPage(desk) {
  const query = desk.address.query;
  const success = query.get("success") ?? "";
  const page = { n: perPage, ...query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {} };
  const filter = { ...query.get("sender") ? { sender: query.get("sender") ?? "" } : {}, ...query.get("recipient") ? { recipient: query.get("recipient") ?? "" } : {}, ...success !== "" ? { success: success === "true" } : {} };
  const found = await desk.client.queue_retired_list(filter, page);
  const list = table(t("Finished messages"), [{ title: t("Status"), kind: "main", cell: (row) => row.success === true ? state("ok", t("delivered")) : state("danger", t("failed")) }, { title: t("From"), cell: (row) => address(row.sender) }, { title: t("To"), cell: (row) => [address(row.recipient), row.error !== "" && el("div", { class: "hint" }, foreign(row.error, 140))] }, { title: t("Queued"), cell: (row) => when(microseconds(row.queued)) }, { title: t("Finished"), cell: (row) => when(microseconds(row.last_activity)) }, { title: "", kind: "top", cell: (row) => more(desk, row) }], found);
  const only = (value, words) => pill(addressOf("queue", ["finished"], { ...current(query), success: value }), success === value, words);
  return listPage(t("Finished"), "finished", { query, found, list, none: empty(send, t("No finished messages"), t("To keep finished messages listed, set keep_retired_message_period for an account.")), after: (last) => ({ last: last.last_activity, last_id: String(last.id) }), pills: [only("", t("All")), only("false", t("Failed")), only("true", t("Delivered"))] });
}

function sentence(text2) {
  return `${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}${/[.!?…]$/.test(text2) ? "" : "."}`;
}

function fieldForm(fields, action, run, more2 = null, cancel = null) {
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
  } }, Object.values(fields).map((one) => one.root), more2, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
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
function fieldDialog(title, action, fields, run, more2 = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more2, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
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
function filterForm(apply, ...fields) {
  const form = el("form", { class: "filter", "aria-label": t("Filter"), onsubmit: (event) => {
    event.preventDefault();
    apply();
  } }, fields, el("button", { class: "btn line", type: "submit" }, t("Filter")));
  for (const one of form.querySelectorAll("select")) one.addEventListener("change", apply);
  return form;
}

async function rulesPage(desk) {
  const found = await desk.client.queue_holdrules_list();
  const add = async () => {
    const account = line(t("Account"), "");
    const sender = line(t("Sender"), "", t("Domain or address."));
    const recipient = line(t("Recipient"), "", t("Domain or address."));
    const held = await fieldDialog(t("Add hold rule"), t("Add rule"), { account, sender, recipient }, () => desk.client.queue_holdrules_add(account.control.value, sender.control.value, recipient.control.value), el("p", { class: "hint" }, t("All fields must match. If you leave all fields blank, all messages are put on hold.")));
    if (held === null) return;
    desk.say(many(held.messages, "Rule added. {n} message on hold", "Rule added. {n} messages on hold"));
    await desk.refresh();
  };
  const remove = async (rule) => {
    if (await attempt(t("Deleting…"), t("Couldn't delete rule"), () => desk.client.queue_holdrules_remove(rule.id))) {
      desk.say(t("Rule deleted. Messages stay on hold until you release them"));
      await desk.refresh();
    }
  };
  const any = (text2) => text2 === "" ? el("span", { class: "muted" }, t("any")) : el("bdi", {}, text2);
  const list = table(t("Hold rules"), [{ title: t("Account"), cell: (rule) => any(rule.account) }, { title: t("Sender"), cell: (rule) => any(rule.sender) }, { title: t("Recipient"), cell: (rule) => any(rule.recipient) }, { title: "", kind: "top", cell: (rule) => iconButton(t("Delete rule"), trash2, () => void remove(rule)) }], found);
  const body = found.length === 0 ? empty(pause, t("No hold rules"), t("Hold rules put queued and new messages on hold for an account, sender, or recipient.")) : list;
  return { title: t("Hold rules"), root: el("div", { class: "page" }, head(t("Queue"), null, button(t("Add hold rule"), () => void add(), { icon: plus, kind: "primary" })), tabLinks("rules"), card("", body, { flush: true })) };
}

async function suppressionsPage(desk) {
  const query = desk.address.query;
  const found = await desk.client.queue_suppress_list(query.get("account") ?? "", query.get("last") ?? "", query.get("last_base") ?? "", perPage);
  const add = async () => {
    const account = line(t("Account"), "");
    const suppressed = line(t("Address"), "", null, { inputmode: "email" });
    const reason = line(t("Reason"), "");
    const done = await fieldDialog(t("Suppress an address"), t("Suppress"), { account, address: suppressed, reason }, () => desk.client.queue_suppress_add(suppressed.control.value, reason.control.value, account.control.value).then(() => true));
    if (done !== null) await desk.refresh();
  };
  const remove = async (row) => {
    if (!await attempt(t("Removing…"), t("Couldn't remove address"), () => desk.client.queue_suppress_remove(row.address, row.account))) return;
    desk.say(t("{address} can get mail again", { address: row.address }), { title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => desk.client.queue_suppress_add(row.address, row.reason, row.account)).then(() => desk.refresh()) });
    await desk.refresh();
  };
  const list = table(t("Suppressions"), [{ title: t("Address"), kind: "main", cell: (row) => address(row.address) }, { title: t("Account"), cell: (row) => row.account }, { title: t("Reason"), cell: (row) => [row.manual ? t("manual") : t("failed"), row.reason !== "" && [": ", foreign(row.reason, 200)]] }, { title: t("Since"), cell: (row) => when(microseconds(row.created)) }, { title: t("Until"), cell: (row) => row.expires === "" ? t("permanent") : when(microseconds(row.expires)) }, { title: "", kind: "top", cell: (row) => iconButton(t("Remove {address}", { address: row.address }), trash2, () => void remove(row)) }], found);
  return listPage(t("Suppressions"), "suppressions", { query, found, list, none: empty(send, t("No suppressions"), t("Mail to these addresses failed permanently. The account can't send to an address until you remove it from this list.")), after: (last) => ({ last: last.account, last_base: last.base }), action: button(t("Suppress an address"), () => void add(), { icon: plus, kind: "primary" }) });
}

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

var names = ["account", "sender", "recipient", "hold", "submitted", "next_attempt", "transport"];
function filterOf(query) {
  const found = {};
  for (const name of ["account", "sender", "recipient", "submitted", "next_attempt"]) {
    const value = query.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  const hold = query.get("hold");
  if (hold !== null && hold !== "") found.hold = hold === "true";
  const transport = query.get("transport");
  if (transport !== null) found.transport = transport;
  return found;
}
function pageOf(query) {
  const sort = query.get("sort") === "queued" ? "queued" : "next_attempt";
  const page = { sort, ascending: query.get("order") !== "desc", n: perPage };
  const last = query.get("last");
  if (last !== null) Object.assign(page, { last, last_id: Number(query.get("last_id")) });
  return page;
}
function filters(desk, transports) {
  const query = desk.address.query;
  const get = (name) => query.get(name) ?? "";
  const fields = { sender: line(t("From"), get("sender"), null, { placeholder: t("text or @domain") }), recipient: line(t("To"), get("recipient"), null, { placeholder: t("text or @domain") }), account: line(t("Account"), get("account")), hold: choice(t("On hold"), [["", t("any")], ["true", t("on hold")], ["false", t("not on hold")]], get("hold")), submitted: choice(t("Waiting"), [["", t("any time")], ["<-1h", t("over an hour")], ["<-4h", t("over 4 hours")], ["<-1d", t("over a day")], ["<-3d", t("over 3 days")]], get("submitted")), next_attempt: choice(t("Next attempt"), [["", t("any time")], ["<now", t("due")], ["<1h", t("within an hour")], [">1h", t("in more than an hour")]], get("next_attempt")), transport: choice(t("Transport"), [["*", t("any")], ["", t("based on routes")], ...transports.map((one) => [one, one])], query.get("transport") ?? "*"), sort: choice(t("Sort order"), [["next_attempt", t("next attempt first")], ["queued", t("oldest first")], ["newest", t("newest first")]], query.get("order") === "desc" ? "newest" : get("sort")) };
  const apply = () => {
    const found = {};
    for (const name of names) if (fields[name].control.value !== "" && name !== "transport") found[name] = fields[name].control.value;
    const { value } = fields.sort.control;
    if (value === "queued" || value === "newest") found["sort"] = "queued";
    if (value === "newest") found["order"] = "desc";
    let to = addressOf("queue", [], found);
    const transport = fields.transport.control.value;
    if (transport !== "*") to += `${to.includes("?") ? "&" : "?"}transport=${encodeURIComponent(transport)}`;
    desk.go(to);
  };
  const form = filterForm(apply, fields.sender.root, fields.recipient.root, fields.account.root, fields.hold.root, fields.submitted.root, fields.next_attempt.root, fields.transport.root, fields.sort.root);
  const used = [...query.keys()].some((name) => name !== "last" && name !== "last_id");
  return el("details", { class: "filters", open: used || innerWidth > 700 }, el("summary", {}, t("Filter and sort")), form);
}

var period = 5e3;
var ahead = null;
var kept = { address: "", chosen: /* @__PURE__ */ new Set() };
async function waitingPage(desk) {
  const query = desk.address.query;
  const filter = filterOf(query);
  const read2 = () => Promise.all([desk.client.queue_list(filter, pageOf(query)), desk.client.queue_count(filter).then((found) => found.messages)]);
  const known = ahead?.address === location.hash ? ahead : null;
  ahead = null;
  const [[messages, total], transports] = await Promise.all([known?.found ?? read2(), known?.transports ?? desk.client.transport_list().then((rows) => rows.map((one) => one.name))]);
  if (Object.keys(filter).length === 0) desk.count("queue", total === 0 ? "" : String(total));
  const here = location.hash;
  const ids = new Set(messages.map((row) => row.id));
  const chosen = new Set(kept.address === here ? [...kept.chosen].filter((id) => ids.has(id)) : []);
  kept = { address: here, chosen };
  desk.onLeave(() => {
    if (location.hash !== here) chosen.clear();
  });
  let whole = false;
  const bar = el("header", { class: "act", hidden: true });
  const boxes = /* @__PURE__ */ new Map();
  const all = el("input", { type: "checkbox", "aria-label": t("Select all on this page") });
  const wanted = () => whole ? [filter, total] : [{ ids: [...chosen] }, chosen.size];
  const undo = (hold, back) => {
    const ids2 = messages.filter((row) => !whole && chosen.has(row.id) && row.hold === hold).map((row) => row.id);
    return ids2.length === 0 ? void 0 : () => back({ ids: ids2 }, ids2.length);
  };
  const draw = () => {
    bar.hidden = chosen.size === 0 && !whole;
    all.checked = messages.length > 0 && chosen.size === messages.length;
    all.indeterminate = chosen.size > 0 && chosen.size < messages.length;
    for (const [id, box] of boxes) {
      box.checked = whole || chosen.has(id);
      box.closest("tr")?.classList.toggle("marked", box.checked);
    }
    const [, count] = wanted();
    fill(bar, el("b", {}, many(count, "{n} selected", "{n} selected")), !whole && chosen.size === messages.length && total > messages.length && button(t("Select all {n}", { n: total }), () => {
      whole = true;
      draw();
    }, { kind: "text small" }), el("span", { class: "grow" }), button(t("Try now"), () => void act(desk, wanted(), (f, n) => desk.client.queue_retry(f, true, n), { title: (n) => many(n, "Retry {n} message now?", "Retry {n} messages now?"), text: t("The next delivery attempt will be made right away."), button: t("Retry now"), doing: t("Retrying…"), failed: t("Couldn't retry messages"), done: (n) => many(n, "Retrying {n} message", "Retrying {n} messages") }), { icon: play, kind: "small" }), button(t("Hold"), () => void act(desk, wanted(), (f, n) => desk.client.queue_hold(f, true, n), { title: (n) => many(n, "Hold {n} message?", "Hold {n} messages?"), text: t("Delivery is paused until you release these messages."), button: t("Hold"), doing: t("Saving…"), failed: t("Couldn't hold messages"), done: (n) => many(n, "{n} message on hold", "{n} messages on hold") }, undo(false, (f, n) => desk.client.queue_unhold(f, true, n))), { icon: pause, kind: "small" }), button(t("Release"), () => void act(desk, wanted(), (f, n) => desk.client.queue_unhold(f, true, n), { title: (n) => many(n, "Release {n} message?", "Release {n} messages?"), text: t("Delivery will be retried."), button: t("Release"), doing: t("Saving…"), failed: t("Couldn't release messages"), done: (n) => many(n, "{n} message released", "{n} messages released") }, undo(true, (f, n) => desk.client.queue_hold(f, true, n))), { kind: "small" }), button(t("Change…"), () => void change(desk, wanted(), transports), { kind: "small" }), button(t("Bounce…"), () => void act(desk, wanted(), (f, n) => desk.client.queue_fail(f, true, n), { title: (n) => many(n, "Bounce {n} message?", "Bounce {n} messages?"), text: t("Senders will get a bounce message. You can't undo this."), button: t("Bounce"), doing: t("Saving…"), failed: t("Couldn't bounce messages"), done: (n) => many(n, "{n} message bounced", "{n} messages bounced"), final: true }), { icon: undo2, kind: "small" }), button(t("Delete…"), () => void drop(desk, wanted()), { icon: trash2, kind: "small danger" }));
  };
  all.addEventListener("change", () => {
    whole = false;
    chosen.clear();
    if (all.checked) for (const one of messages) chosen.add(one.id);
    draw();
  });
  const list = table(t("Messages"), [{ title: "", kind: "main", cell: (row) => {
    const box = el("input", { type: "checkbox", "aria-label": t("Select the message to {recipient}", { recipient: row.recipient }) });
    boxes.set(row.id, box);
    box.addEventListener("change", () => {
      if (whole) {
        whole = false;
        for (const one of messages) chosen.add(one.id);
      }
      if (box.checked) chosen.add(row.id);
      else chosen.delete(row.id);
      draw();
    });
    return box;
  } }, { title: t("Status"), cell: (row) => row.hold ? state("off", t("on hold")) : row.attempts > 0 ? state("warn", t("delayed")) : state("wait", t("waiting")) }, { title: t("From"), cell: (row) => address(row.sender) }, { title: t("To"), cell: (row) => [address(row.recipient), row.why !== "" && el("div", { class: "hint reason" }, foreign(row.why, 140))] }, { title: t("Since"), cell: (row) => when(microseconds(row.queued)) }, { title: t("Attempts"), kind: "num", cell: (row) => String(row.attempts) }, { title: t("Next"), cell: (row) => row.hold ? t("when released") : when(microseconds(row.next_attempt)) }, { title: "", kind: "top", cell: (row) => more(desk, row) }], messages);
  list.querySelector("th")?.replaceChildren(all);
  const last = messages.at(-1);
  const sort = query.get("sort") === "queued" ? "queued" : "next_attempt";
  const following = last !== void 0 && messages.length === perPage ? addressOf("queue", [], { ...current(query), last: sort === "queued" ? last.queued : last.next_attempt, last_id: String(last.id) }) : "";
  draw();
  const root = el("div", { class: "page" }, head(t("Queue"), null, el("span", { class: "hint" }, many(total, "{n} message", "{n} messages"))), tabLinks("queue"), (messages.length > 0 || query.size > 0) && filters(desk, transports), messages.length === 0 ? card("", Object.keys(filter).length === 0 ? empty(send, t("The queue is empty"), t("Mail that can't be delivered right away waits here, with the other server's reply.")) : empty(search, t("No results"), t("No matching messages"), el("a", { class: "btn line", href: "#queue" }, t("Show all")))) : el("section", { class: "card flush" }, bar, list), pager(query, following));
  const shown = JSON.stringify([messages, total]);
  const look = async () => {
    const found = await read2();
    return JSON.stringify(found) === shown ? null : { address: location.hash, found, transports };
  };
  lookAgain(desk, root, () => chosen.size > 0 || whole, look);
  return { title: t("Queue"), root };
}
function lookAgain(desk, root, chosen, look) {
  const busy = () => chosen() || document.hidden || root.querySelector("[aria-expanded=true], input:not([type=checkbox]):focus") !== null || document.querySelector("dialog[open]") !== null;
  const again = async () => {
    try {
      const found = busy() ? null : await look();
      if (found !== null) await released(root);
      if (found !== null && !busy() && desk.shown()) {
        ahead = found;
        return await desk.refresh();
      }
    } catch (error) {
      if (codeOf(error) === null) throw error;
    }
    if (desk.shown()) timer = window.setTimeout(() => void again(), period);
  };
  let timer = window.setTimeout(() => void again(), period);
  desk.onLeave(() => clearTimeout(timer));
}
async function act(desk, [filter, count], run, texts, back) {
  if (texts.final || count > 1) {
    const kind = texts.final ? "line danger" : "primary";
    if (!await confirm(texts.title(count), texts.text, texts.button, kind)) return;
  }
  let changed = 0;
  if (!await attempt(texts.doing, texts.failed, async () => changed = (await run(filter, count)).messages)) return;
  const undo = back && { title: t("Undo"), run: () => void undone(desk, back) };
  desk.say(texts.done(changed), undo);
  await refreshed(desk, filter);
}
async function drop(desk, [filter, count]) {
  const title = many(count, "Permanently delete {n} message?", "Permanently delete {n} messages?");
  const what = t("The messages will be deleted from the queue. Senders won't be notified. You can't undo this.");
  if (!await typedAgain(title, String(count), what, many(count, "Delete {n} message", "Delete {n} messages"))) return;
  if (await attempt(t("Deleting…"), t("Couldn't delete messages"), () => desk.client.queue_drop(filter, true, count))) {
    desk.say(many(count, "{n} message deleted", "{n} messages deleted"));
    await refreshed(desk, filter);
  }
}
async function refreshed(desk, filter) {
  for (const id of filter.ids ?? kept.chosen) kept.chosen.delete(id);
  await desk.refresh();
}
async function change(desk, [filter, count], transports) {
  const minutes = line(t("Delay next attempt (minutes)"), "", t("Enter a negative number to deliver sooner. Leave blank for no change."), { inputmode: "numeric" });
  const transport = choice(t("Transport"), [["*", t("no change")], ["", t("based on routes")], ...transports.map((one) => [one, one])], "*");
  const tls = choice(t("Require TLS"), [["*", t("no change")], ["yes", t("yes, only deliver with TLS")], ["no", t("no, even if policies require it")], ["default", t("follow policies")]], "*");
  const done = await fieldDialog(many(count, "Change {n} message", "Change {n} messages"), t("Change"), { minutes, transport, tls }, async () => {
    if (minutes.control.value !== "") {
      const number = Number(minutes.control.value);
      if (!Number.isFinite(number)) {
        minutes.problem(t("Enter a number."));
        throw new Error(t("Your changes weren't saved."));
      }
      await desk.client.queue_schedule(number * 60, filter, true, count);
    }
    if (transport.control.value !== "*") await desk.client.queue_transport(transport.control.value, filter, true, count);
    const demand = tls.control.value;
    if (demand === "yes" || demand === "no" || demand === "default") await desk.client.queue_requiretls(demand, filter, true, count);
    return true;
  });
  if (done !== null) await refreshed(desk, filter);
}

async function webhooksPage(desk) {
  const query = desk.address.query;
  const finished = query.get("finished") === "true";
  const page = { n: perPage, ...query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {} };
  const found = finished ? await desk.client.queue_webhook_retired_list({}, page) : await desk.client.queue_webhook_list({}, page);
  const again = async (row) => {
    if (await attempt(t("Calling webhook…"), t("Couldn't call webhook"), () => desk.client.queue_webhook_schedule(0, { ids: [row.id] }, false, true))) await desk.refresh();
  };
  const cancel = async (row) => {
    if (!await confirm(t("Delete this webhook?"), t("{url} won't be notified. You can't undo this.", { url: row.url }), t("Delete webhook"))) return;
    if (await attempt(t("Canceling…"), t("Couldn't delete webhook"), () => desk.client.queue_webhook_cancel({ ids: [row.id] }))) await desk.refresh();
  };
  const list = table(t("Webhooks"), [{ title: t("Event"), kind: "main", cell: (row) => [el("b", {}, row.event), row.success === false && [" ", state("danger", t("failed"))], row.success === true && [" ", state("ok", t("done"))]] }, { title: t("Account"), cell: (row) => row.account }, { title: t("URL"), cell: (row) => [foreign(row.url, 100), row.error !== "" && el("div", { class: "hint reason" }, foreign(row.error, 200))] }, { title: t("Since"), cell: (row) => when(microseconds(row.submitted)) }, { title: t("Attempts"), kind: "num", cell: (row) => String(row.attempts) }, { title: finished ? t("Finished") : t("Next"), cell: (row) => when(microseconds(finished ? row.last_activity : row.next_attempt)) }, { title: "", kind: "top", cell: (row) => !finished && el("span", { class: "flex" }, button(t("Retry now"), () => void again(row), { kind: "line small" }), button(t("Delete…"), () => void cancel(row), { kind: "small danger" })) }], found);
  const only = (value, words) => pill(addressOf("queue", ["webhooks"], value ? { finished: "true" } : {}), finished === value, words);
  return listPage(t("Webhooks"), "webhooks", { query, found, list, none: empty(send, t("No webhooks"), finished ? t("To keep finished webhooks listed, set keep_retired_webhook_period for an account.") : t("Failed webhooks wait here to be retried.")), after: (last) => ({ last: finished ? last.last_activity : last.next_attempt, last_id: String(last.id) }), pills: [only(false, t("Waiting")), only(true, t("Finished"))] });
}

async function queuePage(desk) {
  switch (desk.address.path[0]) {
    case "rules":
      return rulesPage(desk);
    case "finished":
      return finishedPage(desk);
    case "webhooks":
      return webhooksPage(desk);
    case "suppressions":
      return suppressionsPage(desk);
    default:
      return waitingPage(desk);
  }
}
var pages = { queue: queuePage };
export {
  pages
};
