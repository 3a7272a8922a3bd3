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

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var history = "M3 12a9 9 0 1 0 9-9 9.75 9.75 0 0 0-6.74 2.74L3 8 M3 3v5h5 M12 7v5l4 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
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
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
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

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
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

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

function filterForm(apply, ...fields) {
  const form = el("form", { class: "filter", "aria-label": t("Filter"), onsubmit: (event) => {
    event.preventDefault();
    apply();
  } }, fields, el("button", { class: "btn line", type: "submit" }, t("Filter")));
  for (const one of form.querySelectorAll("select")) one.addEventListener("change", apply);
  return form;
}

var perPage = 50;
var vias = [["", t("any source")], ["webadmin", t("this app")], ["adminapi", t("admin API")], ["webaccount", t("account page")], ["webmail", t("webmail")], ["cli", t("command line")], ["file", t("manual file edit")]];
var wayOf = (via) => vias.find(([name]) => name === via && name !== "")?.[1] ?? via;
var actors = { "(admin)": t("admin"), "(cli)": t("command line"), "(editor)": t("file editor"), "(visitor)": t("without login") };
function filterOf(query) {
  const found = {};
  for (const name of ["actor", "object", "via", "words"]) {
    const value = query.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  const days = Number(query.get("days") ?? "");
  if (days > 0) found.since = Math.round((Date.now() - days * 864e5) * 1e3);
  return found;
}
var asText = (value) => value === null || value === void 0 ? "–" : typeof value === "string" ? value : JSON.stringify(value);
function what(row) {
  const changes = row.changes.map((one) => el("li", {}, el("span", { class: "muted" }, foreign(one.path, 120)), " ", foreign(asText(one.before), 120), " → ", el("b", {}, foreign(asText(one.after), 200))));
  const given = Object.entries(row.given).filter(([, value]) => asText(value) !== row.object);
  return [el("b", {}, visible(row.action)), row.object !== "" && [" ", el("bdi", {}, visible(row.object))], row.outcome !== "done" && [" ", outcome(row)], row.why !== "" && el("div", { class: "hint" }, foreign(row.why, 200)), changes.length > 0 ? folded(changes) : given.length > 0 && el("div", { class: "hint" }, foreign(given.map(([name, value]) => `${name.replaceAll("_", " ")}: ${asText(value)}`).join("; "), 200))];
}
function folded(changes) {
  const some = changes.length > 4 ? 3 : changes.length;
  return [el("ul", { class: "changes" }, changes.slice(0, some)), some < changes.length && el("details", {}, el("summary", { class: "hint" }, many(changes.length - some, "{n} more", "{n} more")), el("ul", { class: "changes" }, changes.slice(some)))];
}
function outcome(row) {
  switch (row.outcome) {
    case "refused":
      return state("off", t("rejected"));
    case "failed":
      return state("danger", t("failed"));
    default:
      return state("unknown", t("interrupted when the server stopped"));
  }
}
var actor = (name) => name.startsWith("(") ? foreign(name.slice(1, -1), 120) : el("a", { href: addressOf("accounts", [name]) }, el("bdi", {}, visible(name)));
async function auditPage(desk) {
  const query = desk.address.query;
  const filter = filterOf(query);
  const before = Number(query.get("before") ?? "0");
  const found = await desk.client.audit(filter, before, perPage);
  const list = table(t("Changes"), [{ title: t("When"), kind: "main", cell: (row) => when(row.at) }, { title: t("User"), cell: (row) => actors[row.actor] === void 0 ? actor(row.actor) : el("span", { class: "nowrap" }, actors[row.actor]) }, { title: t("From"), cell: (row) => [row.remote_ip, el("div", { class: "hint nowrap" }, wayOf(row.via))] }, { title: t("Action"), cell: what }], found);
  const current = Object.fromEntries([...query.entries()].filter(([name]) => name !== "before"));
  const last = found.at(-1);
  const following = last !== void 0 && found.length === perPage ? addressOf("audit", [], { ...current, before: String(last.id) }) : "";
  const filtered = Object.keys(filter).length > 0;
  const none = filtered || before > 0 ? empty(history, t("No results"), t("No matching changes"), el("a", { class: "btn line", href: "#audit" }, t("Show all"))) : empty(history, t("No changes yet"), t("Changes made on the command line, in this app, on the account page, or in domains.toml appear here for 1 year."));
  const save = (form) => void attempt(t("Exporting…"), t("Couldn't export"), async () => offer(await desk.client.audit_export(filter, form), form));
  const root = el("div", { class: "page" }, head(t("Audit log"), t("Changes made by admins and users, on the command line, in this app, or in domains.toml. Entries are kept for 1 year and never include secrets."), button(t("Export as CSV"), () => save("csv"), { icon: download }), button(t("as JSON"), () => save("json"))), (found.length > 0 || query.size > 0) && filters(desk), card("", found.length === 0 ? none : list, { flush: true }), el("div", { class: "pages" }, before > 0 && el("a", { class: "btn line", href: addressOf("audit", [], current) }, t("Newest")), following !== "" && el("a", { class: "btn line", href: following }, t("Older"))));
  return { title: t("Audit log"), root };
}
function filters(desk) {
  const get = (name) => desk.address.query.get(name) ?? "";
  const fields = { words: line(t("Text"), get("words"), null, { placeholder: t("action, name, or value") }), actor: line(t("User"), get("actor"), null, { placeholder: t("account or (admin)") }), object: line(t("Target"), get("object"), null, { placeholder: t("account, address, or domain") }), via: choice(t("Source"), vias, get("via")), days: choice(t("When"), [["", t("any time")], ["1", t("last day")], ["7", t("last 7 days")], ["30", t("last 30 days")]], get("days")) };
  const apply = () => desk.go(addressOf("audit", [], Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.control.value.trim()]))));
  const form = filterForm(apply, Object.values(fields).map((one) => one.root));
  return el("details", { class: "filters", open: desk.address.query.size > 0 || innerWidth > 700 }, el("summary", {}, t("Filter")), form);
}
function offer(text2, form) {
  const address = URL.createObjectURL(new Blob([text2], { type: form === "csv" ? "text/csv" : "application/json" }));
  const link = el("a", { href: address, download: `moxlite-audit.${form === "csv" ? "csv" : "jsonl"}` });
  link.click();
  URL.revokeObjectURL(address);
}
var pages = { audit: auditPage };
export {
  pages
};
