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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
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

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var dayLength = 864e5;
function nameOf(item) {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}
function dateOf(day, minutes = 0) {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
var today = () => dayOf(/* @__PURE__ */ new Date());
function shown(item) {
  const local = (seconds) => {
    if (item.clock === "utc") return new Date(seconds * 1e3);
    const date = new Date(seconds * 1e3);
    return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes());
  };
  const start = local(item.starts);
  const end = local(item.ends);
  const first = dayOf(start);
  const last = Math.max(first, dayOf(new Date(end.getTime() - 1)));
  return { item, start, end, first, last, bar: item.clock === "date" || last > first };
}
var clock = (date) => formatted(date, "event clock", { hour: "numeric", minute: "2-digit" });
var longDay = (day) => formatted(dateOf(day), "event day", { weekday: "long", day: "numeric", month: "long" });
var dayName = (day) => formatted(dateOf(day), "event weekday", { weekday: "short" });

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

var eventsearch_default = ".found-head{position:sticky;top:0;z-index:1;margin:0;padding:6px 20px;background:var(--background-mild);color:var(--color-mild);font-size:13px;font-weight:600}.found .cal-entry{flex-wrap:nowrap}.found .cal-title{flex:none;max-width:60%}.found mark{border-radius:3px;background:var(--highlight-background);color:var(--color)}.found-end p{margin:0 0 6px}.found-end{padding:16px 20px 96px;color:var(--color-mild);font-size:13px}@media(max-width:700px){.found-head,.found-end{padding-inline:16px}.found .cal-title{max-width:none}}\n";

adopt(eventsearch_default);
function drawFound(board, text2, { events, more }) {
  const now = Date.now();
  const words = text2.split(/\s+/);
  const found = events.map((one) => ({ ...one, at: shown(one.event) }));
  const coming = found.filter(({ at }) => +at.end > now);
  const past = found.filter(({ at }) => +at.end <= now).reverse();
  const part = (title, some) => some.length > 0 && [el("h2", { class: "found-head" }, title), days(board, words, some)];
  return el("div", { class: "cal-agenda found" }, part(meant("events", "Upcoming"), coming), part(meant("events", "Past"), past), el("div", { class: "found-end" }, found.length === 0 && el("p", {}, t("No matching events")), more && el("p", {}, t("Only the {n} events closest to today are shown. Add a word to narrow your search.", { n: found.length })), el("p", {}, t("Searches titles, locations, guests, and notes in all calendars."))));
}
function days(board, words, found) {
  return [...new Set(found.map(({ at }) => at.first))].map((day) => {
    const some = found.filter(({ at }) => at.first === day);
    const date = dateOf(day);
    const year = date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear() ? {} : { year: "numeric" };
    const month = formatted(date, `found month ${"year" in year}`, { month: "short", ...year });
    return el("section", { class: `cal-agenda-day${day === today() ? " today" : ""}`, "aria-label": longDay(day) }, el("h3", {}, board.dayButton(day, String(date.getDate()), some.length), el("span", {}, day === today() ? t("Today") : dayName(day), el("small", {}, month))), el("ul", {}, some.map((one) => el("li", {}, row(board, words, one)))));
  });
}
function row(board, words, { event, excerpt, at }) {
  const time = event.clock === "date" ? t("all day") : at.first === at.last ? `${clock(at.start)} – ${clock(at.end)}` : `${clock(at.start)} –`;
  const hint = (text2) => text2 !== "" && el("span", { class: "cal-place", dir: "auto" }, marked(isolated(text2), words));
  const made = board.event(at, "cal-entry", [el("time", {}, time), el("i", { class: "cal-stripe" })], [hint(event.place), hint(excerpt)]);
  fill(made.querySelector(".cal-title"), marked(nameOf(event), words));
  return made;
}
export {
  drawFound
};
