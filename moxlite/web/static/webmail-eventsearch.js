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

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-searched";
var most = 500;
var form = /^~(\d+)~$/;
var load = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
function nameOfSearch(words) {
  if (words === "" || form.test(words)) return words;
  const kept = load();
  const known = kept.indexOf(words);
  if (known >= 0) return `~${known}~`;
  const place = Math.min(kept.length, most - 1);
  remember(key, JSON.stringify([...kept.slice(0, place), words]), sessionStorage);
  return `~${place}~`;
}
function wordsOfSearch(name) {
  const place = form.exec(name)?.[1];
  return place === void 0 ? name : load()[Number(place)] ?? "";
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
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
function placeOf(view, day) {
  return `#calendar:${view},${new Date(day * dayLength).toISOString().slice(0, 10).replaceAll("-", "")}`;
}
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

function drawEmpty({ title, text: text2, step }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step === void 0 ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]];
}

var placeview_default = ".place-view{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template:auto minmax(0,1fr) / minmax(0,1fr);background:var(--background)}.place-view:focus{outline:none}.place-head{display:flex;align-items:center;gap:8px;min-height:57px;padding:0 16px;border-bottom:1px solid var(--border-color)}.place-head h1{flex:1;min-width:0;margin-inline-start:8px;font-size:20px;line-height:24px}.place-side{display:flex;flex:1;flex-direction:column;gap:14px;min-height:0}.place-side .side-lists{display:flex;flex-direction:column;gap:14px}.side-head{display:flex;justify-content:space-between;align-items:center;min-height:30px;padding-inline-start:8px;color:var(--color-mild);font-size:13px;font-weight:400}:is(.place-view,.place-side) .btn.icon{display:inline-flex;align-items:center;justify-content:center;flex:none;width:34px;min-width:34px;height:34px;padding:0;border:0;background:none;color:var(--text-2)}:is(.place-view,.place-side) .btn.icon.small{width:30px;min-width:30px;height:30px}:is(.place-view,.place-side) .btn.icon:hover{background:var(--button-hover-background)}.place-head .search{flex:none;width:368px}.place-side .btn.place-lists{display:none}.place-new{display:flex;align-items:center;justify-content:center;gap:8px}@media(max-width:1399px){.place-head .search{width:216px}}@media(min-width:701px)and (max-width:1099px){.place-side .btn.place-lists{display:inline-flex;align-self:center;width:44px;height:44px}.place-side .side-lists{display:none}.place-side.open .side-lists{display:flex;position:fixed;inset-block:0;inset-inline:var(--side-width) auto;z-index:var(--z-offer);width:260px;padding:14px 12px;overflow-y:auto;background:var(--background-mild);box-shadow:var(--shadow)}.place-new{min-height:44px;padding:0}.place-new span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}@media(max-width:900px){.place-head h1{font-size:17px;line-height:20px}}@media(max-width:700px){.place-view{inset:0 0 var(--tabs-height);z-index:1}.place-head{position:relative;min-height:56px;padding:0 8px}.place-empty .link{min-height:44px}.place-head .search{width:44px}.place-head .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.place-side .place-new{display:none}}.place-empty{display:grid;align-content:start;justify-items:center;gap:8px;padding:48px 24px;color:var(--color-mild);text-align:center}.place-empty p{max-width:44ch}.place-empty .link{justify-self:center;min-height:24px}.deleted-list{margin:0 0 14px;padding:0;max-height:50vh;overflow-y:auto;list-style:none}.deleted-list li{display:flex;align-items:center;gap:12px;padding:8px 2px;border-bottom:1px solid var(--line)}.deleted-list li>span{flex:1;min-width:0;overflow-wrap:anywhere}.deleted-list small{display:block;color:var(--muted);font-size:var(--t-sm)}.deleted-list .hint{border:0}\n";

adopt(placeview_default);
function emptyPlace(place) {
  return el("div", { class: "place-empty" }, drawEmpty(place));
}

var eventsearch_default = ".found-head{position:sticky;top:0;z-index:1;margin:0;padding:6px 20px;background:var(--background-mild);color:var(--color-mild);font-size:13px;font-weight:600}.found .cal-entry{flex-wrap:nowrap}.found .cal-title{flex:none;max-width:100%}.found .cal-title:not(:last-child){max-width:60%}.found mark{border-radius:3px;background:var(--highlight-background);color:var(--color)}.found-end p{margin:0 0 6px}.found-end{padding:16px 20px 96px;color:var(--color-mild);font-size:13px}@media(max-width:700px){.found-head,.found-end{padding-inline:16px}.found .cal-title:not(:last-child){max-width:none}}\n";

adopt(eventsearch_default);
function placeOfSearch(words, day) {
  return placeOf("day", day).replace("day", `search:${nameOfSearch(words)}`);
}
function drawFound(board, text2, { events, more }) {
  const now = Date.now();
  const words = text2.split(/\s+/);
  const found = events.map((one) => ({ ...one, at: shown(one.event) }));
  const coming = found.filter(({ at }) => +at.end > now);
  const past = found.filter(({ at }) => +at.end <= now).reverse();
  const part = (title, some) => some.length > 0 && [el("h2", { class: "found-head" }, title), days(board, words, some)];
  const searched = t("Searches titles, locations, guests, and notes in all calendars.");
  if (found.length === 0) return emptyPlace({ title: t("No matching events"), text: searched });
  return el("div", { class: "cal-agenda found" }, part(meant("events", "Upcoming"), coming), part(meant("events", "Past"), past), el("div", { class: "found-end" }, more && el("p", {}, t("Only the {n} events closest to today are shown. Add a word to narrow your search.", { n: found.length })), el("p", {}, searched)));
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
  drawFound,
  placeOfSearch,
  wordsOfSearch
};
