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
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}
function byOwner(one, other) {
  return byName(one.owner, other.owner) || byName(one.name, other.name);
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

var chevronDown = "M6 9l6 6 6-6";
var chevronLeft = "m15 18l-6-6 6-6";
var chevronRight = "m9 18l6-6-6-6";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var list = "m3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var plus = "M5 12h14 M12 5v14";
var refreshCw = "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8 M21 3v5h-5 M21 12a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16 M8 16H3v5";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
var x = "M18 6 6 18 M6 6l12 12";

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

var mirrored = () => document.documentElement.dir === "rtl";
function along(key) {
  if (!mirrored()) return key;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key] ?? key;
}

var focusedBy = ({ target }) => target instanceof HTMLElement ? target : document.body;

var quiet = 500;
var [again, longest] = [5e3, 6e4];
function follow(load, failed) {
  let [timer, running, stale, ended, wait] = [0, false, false, false, again];
  const after = (milliseconds) => {
    clearTimeout(timer);
    if (!ended) timer = window.setTimeout(() => void run(), milliseconds);
  };
  const run = async () => {
    running = true;
    stale = false;
    try {
      await load();
      wait = again;
      failed(false);
      if (stale) after(quiet);
    } catch {
      failed(true);
      after(wait);
      wait = Math.min(2 * wait, longest);
    } finally {
      running = false;
    }
  };
  return { changed() {
    stale = true;
    if (!running) after(quiet);
  }, end() {
    ended = true;
    clearTimeout(timer);
  } };
}

var phone = matchMedia("(max-width: 700px)");

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var placeOfEvent = (id, recurrence) => `,${id}${recurrence && `,${recurrence.replace(/\D/g, "")}`}`;

function drawEmpty({ title, text: text2, step: step2 }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step2 === void 0 ? [] : [el("button", { class: "link", onclick: () => step2.run() }, step2.title)]];
}

var placeview_default = ".place-view{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template:auto minmax(0,1fr) / minmax(0,1fr);background:var(--background)}.place-view:focus{outline:none}.place-head{display:flex;align-items:center;gap:8px;min-height:57px;padding:0 16px;border-bottom:1px solid var(--border-color)}.place-head h1{flex:1;min-width:0;margin-inline-start:8px;font-size:20px;line-height:24px}.place-side{display:flex;flex:1;flex-direction:column;gap:14px;min-height:0}.place-side .side-lists{display:flex;flex-direction:column;gap:14px}.side-head{display:flex;justify-content:space-between;align-items:center;min-height:30px;padding-inline-start:8px;color:var(--color-mild);font-size:13px;font-weight:400}:is(.place-view,.place-side) .btn.icon{display:inline-flex;align-items:center;justify-content:center;flex:none;width:34px;min-width:34px;height:34px;padding:0;border:0;background:none;color:var(--text-2)}:is(.place-view,.place-side) .btn.icon.small{width:30px;min-width:30px;height:30px}:is(.place-view,.place-side) .btn.icon:hover{background:var(--button-hover-background)}.place-head .search{flex:none;width:368px}.place-side .btn.place-lists{display:none}.place-new{display:flex;align-items:center;justify-content:center;gap:8px}@media(max-width:1399px){.place-head .search{width:216px}}@media(min-width:701px)and (max-width:1099px){.place-side .btn.place-lists{display:inline-flex;align-self:center;width:44px;height:44px}.place-side .side-lists{display:none}.place-side.open .side-lists{display:flex;position:fixed;inset-block:0;inset-inline:var(--side-width) auto;z-index:var(--z-offer);width:260px;padding:14px 12px;overflow-y:auto;background:var(--background-mild);box-shadow:var(--shadow)}.place-new{min-height:44px;padding:0}.place-new span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}@media(max-width:900px){.place-head h1{font-size:17px;line-height:20px}}@media(max-width:700px){.place-view{inset:0 0 var(--tabs-height);z-index:1}.place-head{position:relative;min-height:56px;padding:0 8px}.place-empty .link{min-height:44px}.place-head .search{width:44px}.place-head .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.place-side .place-new{display:none}}.place-empty{display:grid;align-content:start;justify-items:center;gap:8px;padding:48px 24px;color:var(--color-mild);text-align:center}.place-empty p{max-width:44ch}.place-empty .link{justify-self:center;min-height:24px}.deleted-list{margin:0 0 14px;padding:0;max-height:50vh;overflow-y:auto;list-style:none}.deleted-list li{display:flex;align-items:center;gap:12px;padding:8px 2px;border-bottom:1px solid var(--line)}.deleted-list li>span{flex:1;min-width:0;overflow-wrap:anywhere}.deleted-list small{display:block;color:var(--muted);font-size:var(--t-sm)}.deleted-list .hint{border:0}\n";

adopt(placeview_default);
var pause = 150;
function searchField(label, run, leave) {
  let timer = 0;
  const input = el("input", { class: "search-input", type: "search", maxlength: "200", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", dir: "auto" });
  const close = t("Close search");
  const set = (text2) => {
    clearTimeout(timer);
    input.value = text2;
    clear.hidden = text2 === "";
  };
  const end = () => {
    set("");
    run("");
  };
  const clear = el("button", { class: "search-clear", type: "button", title: close, "aria-label": close, hidden: true, onclick: () => {
    end();
    input.focus();
  } }, sign(x, "i s"));
  const changed = (after) => {
    clearTimeout(timer);
    clear.hidden = input.value === "";
    timer = window.setTimeout(() => run(input.value.trim()), after);
  };
  input.addEventListener("input", () => changed(pause));
  const root = el("form", { class: "search", role: "search" }, el("div", { class: "search-bar" }, sign(search, "i s"), input, clear));
  root.addEventListener("click", () => input.focus());
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    changed(0);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !leave && input.value === "") return;
    event.preventDefault();
    event.stopPropagation();
    end();
    leave?.();
  });
  return { root, input, set };
}
function sideButton(page) {
  const attributes = { class: "menu-open", type: "button", "aria-label": t("Folders"), onclick: () => page.openSide() };
  return el("button", attributes, sign(menu));
}
function listsButton(title) {
  const button = el("button", { class: "btn icon place-lists", type: "button", title, "aria-label": title, "aria-expanded": "false" }, sign(list));
  const show = (open) => {
    button.setAttribute("aria-expanded", String(open));
    button.parentElement?.classList.toggle("open", open);
  };
  button.addEventListener("click", () => show(button.ariaExpanded === "false"));
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && button.parentElement?.contains(target) === false && target.isConnected) show(false);
  });
  return button;
}
function emptyPlace(place) {
  return el("div", { class: "place-empty" }, drawEmpty(place));
}
function listHead(title, add, run) {
  const button = { class: "btn icon small", type: "button", title: add, "aria-label": add, onclick: run };
  return el("h2", { class: "side-head" }, title, el("button", button, sign(plus)));
}

var join_default = ".event-joining{display:flex;align-items:center;gap:12px;margin:0 0 12px;overflow-wrap:anywhere}a.event-join{display:inline-flex;align-items:center;flex:none;min-height:34px;padding:0 14px;border-radius:7px;background:var(--mailbox-active-background);color:var(--color);font-weight:600;text-decoration:none}a.event-join:hover{background:var(--button-hover-background)}.event-card .event-joining{margin:0}.cal-agenda li:has(>.event-join){display:flex;align-items:center;gap:8px}@media(pointer:coarse){a.event-join{min-height:44px}}\n";

adopt(join_default);
function joinLink(link, named = false) {
  if (link === void 0 || !/^https?:/i.test(link)) return false;
  const host = URL.canParse(link) ? new URL(link).host : link;
  const button = el("a", { class: "btn event-join", href: link, target: "_blank", rel: "noopener noreferrer", title: link }, meant("event", "Join"));
  return named ? el("p", { class: "event-joining" }, button, el("bdi", { dir: "ltr" }, isolated(host))) : button;
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

var dayLength = 864e5;
function nameOf(item) {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}
var birthdayCalendar = -1;
function isChangeable(item, calendar) {
  if (calendar === void 0) return item.calendar_id !== birthdayCalendar;
  return calendar.writable && !item.private && (calendar.invites || item.guests === 0);
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
function placeIn(hash) {
  const form = /^#calendar:(?:(day|week|month|agenda)|search:([^,]+)),(\d{4})(\d\d)(\d\d)((?:,\d+){0,2})$/;
  const found = form.exec(hash);
  if (found === null) return null;
  const [year, month, day] = found.slice(3).map(Number);
  const at = { sought: "", day: Date.UTC(year, month - 1, day) / dayLength, event: found[6] };
  try {
    return found[1] !== void 0 ? { ...at, view: found[1] } : { ...at, sought: decodeURIComponent(found[2]) };
  } catch {
    return at;
  }
}
var weekday = (day) => ((day + 3) % 7 + 7) % 7;
var sundays = "BR CA CO HK IL IN JP KR MX PE PT SA TW US VE ZA";
var saturdays = "BH DJ DZ EG IQ JO KW LY OM QA SD SY";
function firstWeekday() {
  const name = new Intl.Locale(locale() ?? navigator.language);
  const found = name;
  const region = name.maximize().region ?? "";
  const usual = saturdays.split(" ").includes(region) ? 6 : sundays.split(" ").includes(region) ? 7 : 1;
  return ((found.getWeekInfo?.() ?? found.weekInfo)?.firstDay ?? usual) - 1;
}
var weekStart = (day) => day - (weekday(day) - firstWeekday() + 7) % 7;
function monthStart(day, by = 0) {
  const date = dateOf(day);
  return dayOf(new Date(date.getFullYear(), date.getMonth() + by, 1));
}
function weekNumber(day) {
  const thursday = day - weekday(day) + 3;
  const year = new Date(thursday * dayLength).getUTCFullYear();
  return Math.floor((thursday - Math.round(Date.UTC(year, 0, 1) / dayLength)) / 7) + 1;
}
function monthsLater(day, by) {
  const start = monthStart(day, by);
  return Math.min(start + dateOf(day).getDate() - 1, monthStart(start, 1) - 1);
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
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });
var dayName = (day) => formatted(dateOf(day), "event weekday", { weekday: "short" });
var dayInitial = (day) => formatted(dateOf(day), "event initial", { weekday: "narrow" });
var monthName = (day) => formatted(dateOf(day), "event month", { month: "long", year: "numeric" });
function when(one) {
  const from = shortDay(one.first);
  const to = shortDay(one.last);
  if (one.item.clock === "date") return one.first === one.last ? from : `${from} – ${to}`;
  const end = one.first === one.last ? clock(one.end) : `${to}, ${clock(one.end)}`;
  return `${from}, ${clock(one.start)} – ${end}`;
}
var isBusy = ({ item, bar }) => !bar && !item.free && !item.cancelled && item.answer !== "no";
function clashText(one, events) {
  if (!isBusy(one)) return "";
  const other = events.find((each) => each !== one && isBusy(each) && each.start < one.end && one.start < each.end);
  return other === void 0 ? "" : overlapText(other);
}
var overlapText = ({ item, start }) => t("Overlaps with {title} at {time}", { title: nameOf(item), time: clock(start) });
var colours = ["#D64A3E", "#D9782A", "#C99A06", "#459C40", "#1A9A8C", "#3A7BD3", "#8C5BCB", "#CD4A92"];
var given = [5, 6, 4, 7, 2, 8, 3, 1];
function colourOf(one, place) {
  return nearest(one.colour) ?? given[place % given.length];
}
function colourOfEvent(item, calendars) {
  const place = calendars.findIndex(({ id }) => id === item.calendar_id);
  return nearest(item.colour ?? "") ?? (place === -1 ? 5 : colourOf(calendars[place], place));
}
function nearest(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return void 0;
  const parts = (text2) => [1, 3, 5].map((at) => Number.parseInt(text2.slice(at, at + 2), 16));
  const wanted = parts(colour);
  const distances = colours.map((each) => parts(each).reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0));
  return distances.indexOf(Math.min(...distances)) + 1;
}
function columns(events) {
  const placed = [];
  let group = [];
  let ends = [];
  const close = () => {
    for (const each of group) each.of = ends.length;
    group = [];
    ends = [];
  };
  for (const one of [...events].sort((a, b) => a.start.getTime() - b.start.getTime())) {
    const start = one.start.getTime();
    const end = Math.max(one.end.getTime(), start + 18e5);
    if (ends.every((other) => other <= start)) close();
    const free = ends.findIndex((other) => other <= start);
    const column2 = free === -1 ? ends.length : free;
    ends[column2] = end;
    const place = { one, column: column2, of: 1 };
    group.push(place);
    placed.push(place);
  }
  close();
  return placed;
}
function birthdayIn({ id, name, date }, year) {
  const born = Number(/^\d{4}/.exec(date)?.[0] ?? Number.NaN);
  if (year < born) return null;
  const leap = new Date(year, 1, 29).getMonth() === 1;
  const day = date.slice(-5) === "02-29" && !leap ? "02-28" : date.slice(-5);
  const starts = Date.UTC(year, Number(day.slice(0, 2)) - 1, Number(day.slice(3))) / 1e3;
  const values = { name: isolated(name) };
  return { id, calendar_id: birthdayCalendar, recurrence: String(year), starts, ends: starts + 86400, clock: "date", title: year > born ? t("{name} turns {n}", { ...values, n: year - born }) : t("{name}'s birthday", values), place: "", free: false, repeats: true, guests: 0, answer: "", cancelled: false, private: false, join: "", colour: colours[7] };
}

var line = 24;
var head = 30;
function drawMonth(board) {
  const first = weekStart(monthStart(board.day));
  const month = dateOf(board.day).getMonth();
  const weeks = Math.ceil((monthStart(board.day, 1) - first) / 7);
  const height = Math.max(head + 2 * line, (board.root.clientHeight - 29) / weeks);
  const lines = Math.max(1, Math.floor((height - head) / line));
  const names = el("div", { class: "cal-names" }, el("span", { class: "cal-number" }, t("Week")), Array.from({ length: 7 }, (_, at) => el("span", {}, dayName(first + at))));
  const rows = Array.from({ length: weeks }, (_, at) => week(board, first + 7 * at, month, lines));
  const place = el("div", { class: "cal-weeks" }, rows);
  place.style.gridTemplateRows = `repeat(${weeks}, minmax(0, 1fr))`;
  return el("div", { class: "cal-month" }, names, place);
}
function week(board, first, month, lines) {
  const inside = board.events.filter((one) => one.first < first + 7 && one.last >= first);
  const bars = inside.filter((one) => one.bar).sort((a, b) => a.first - b.first || b.last - a.last);
  const times = inside.filter((one) => !one.bar);
  const taken = Array.from({ length: 7 }, () => []);
  const hidden = Array.from({ length: 7 }, () => 0);
  const counts = Array.from({ length: 7 }, () => 0);
  for (const one of inside) for (let at = Math.max(0, one.first - first); at <= Math.min(6, one.last - first); at++) counts[at]++;
  const drawn = [];
  for (const one of [...bars, ...times]) {
    const from = Math.max(0, one.first - first);
    const to = Math.min(6, one.last - first);
    const days = taken.slice(from, to + 1);
    let lane = 0;
    while (days.some((day) => day[lane])) lane++;
    const room = days.every((_, at) => counts[from + at] <= lines) ? lines : lines - 1;
    if (lane >= room) {
      for (let at = from; at <= to; at++) hidden[at]++;
      continue;
    }
    for (const day of days) day[lane] = true;
    const made = board.event(one, one.bar ? "cal-bar" : "cal-time", [!one.bar && el("i", { class: "cal-dot" }), !one.bar && el("time", {}, clock(one.start))]);
    Object.assign(made.style, { gridColumn: `${from + 2} / ${to + 3}`, gridRow: `${lane + 2}` });
    drawn.push(made);
  }
  const cells = taken.map((_, at) => {
    const day = first + at;
    const classes = ["cal-cell", weekday(day) > 4 && "weekend", dateOf(day).getMonth() !== month && "other", day === today() && "today"];
    const date = dateOf(day).getDate();
    const cell = el("div", { class: classes.filter(Boolean).join(" "), data: { day: String(day) } }, board.dayButton(day, date === 1 ? shortDay(day).replace(/^\S+\s/, "") : String(date), counts[at]));
    cell.style.gridColumn = String(at + 2);
    return cell;
  });
  const more = hidden.map((count, at) => {
    if (count === 0) return null;
    const words = many(count, "{n} more event", "{n} more");
    const button = el("button", { class: "cal-more", type: "button", "aria-label": `${words}, ${longDay(first + at)}`, onclick: () => board.show("day", first + at) }, words);
    Object.assign(button.style, { gridColumn: String(at + 2), gridRow: String(lines + 1) });
    return button;
  });
  const row = el("div", { class: "cal-week" }, el("span", { class: "cal-number" }, String(weekNumber(first + 3))), cells, drawn, more);
  row.style.gridTemplateRows = `${head}px repeat(${lines}, ${line}px) minmax(0, 1fr)`;
  return row;
}
function ofDay(events, day) {
  return events.filter((one) => one.first <= day && one.last >= day).sort((a, b) => Number(b.item.clock === "date") - Number(a.item.clock === "date") || +a.start - +b.start);
}

var agendaDays = 30;
function drawAgenda(board) {
  const now = /* @__PURE__ */ new Date();
  const days = Array.from({ length: agendaDays }, (_, at) => board.day + at).map((day) => ({ day, events: ofDay(board.events, day) })).filter(({ events }) => events.length > 0).map(({ day, events }) => el("section", { class: `cal-agenda-day${day === today() ? " today" : ""}`, "aria-label": longDay(day) }, el("h2", {}, board.dayButton(day, String(dateOf(day).getDate()), events.length), el("span", {}, day === today() ? t("Today") : dayName(day), el("small", {}, dateOf(day).toLocaleDateString(locale(), { month: "long" })))), el("ul", {}, events.map((one) => {
    const time = one.item.clock === "date" || one.first < day && one.last > day ? t("all day") : `${one.first === day ? clock(one.start) : "…"} – ${one.last === day ? clock(one.end) : "…"}`;
    return el("li", {}, board.event(one, `cal-entry${one.end < now ? " past" : ""}`, [el("time", {}, time), el("i", { class: "cal-stripe" })], [one.item.place !== "" && el("bdi", { class: "cal-place", dir: "auto" }, one.item.place)]), one.end >= now && joinLink(one.item.join));
  }))));
  return el("div", { class: "cal-agenda" }, days.length > 0 ? days : board.nothing());
}

function shownBox(colour, shown2, show) {
  const box = el("input", { type: "checkbox", class: `c${colour}`, checked: shown2, onchange: () => void attempt(t("Saving…"), t("Couldn't update calendar"), () => show(box.checked), () => box.checked = shown2) });
  return box;
}
var Birthdays = class {
  constructor(client, again2) {
    this.client = client;
    this.again = again2;
    addEventListener("contacts", () => this.known = false);
  }
  client;
  again;
  people = [];
  shown = true;
  known = false;
  wish = "";
  async fetch() {
    if (this.known) return;
    const { wish } = this;
    this.known = true;
    this.wish = "";
    try {
      ({ shown: this.shown, people: this.people } = await this.client.birthdays(wish));
    } catch (error) {
      this.known = false;
      this.wish ||= wish;
      throw error;
    }
  }
  items(from, to) {
    const years = [...new Set([from, to - 1].map((day) => dateOf(day).getFullYear()))];
    return this.people.flatMap((one) => years.map((year) => birthdayIn(one, year))).filter((item) => item !== null).filter(({ starts }) => starts >= from * 86400 && starts < to * 86400);
  }
  row() {
    if (this.shown && this.people.length === 0) return false;
    const box = shownBox(8, this.shown, async (shown2) => {
      this.wish = shown2 ? "on" : "off";
      this.known = false;
      await this.again();
    });
    return el("div", { class: "cal-choice" }, el("label", {}, box, meant("calendar", "Birthdays")));
  }
  addressOf({ id }) {
    return this.people.find((one) => one.id === id)?.address ?? "";
  }
};

var calendar_default = '.calendar-page{--t-xs: 0.75rem;--t-md: 0.875rem;--r-sm: 4px;--on-accent: var(--accent-color);--ground: var(--background-mild);--hover: var(--button-hover-background);--selected: var(--message-active-background)}.cal-tools h1 small{margin-inline-start:10px;color:var(--muted);font-size:var(--t-sm);font-weight:400}.cal-tools>button{flex:none;min-height:34px;font-size:var(--t-md)}.calendar-page .cal-back{display:inline-flex;align-items:center;gap:6px}.searching .cal-tools :is(.cal-today,.btn.icon,.cal-tabs),.calendar-page:not(.searching) .cal-back{display:none}.calendar-page :is(.c1,.c2,.c3,.c4,.c5,.c6,.c7,.c8){--d: color-mix(in oklab, var(--c) 68%, var(--g))}.cal-main{position:relative;display:flex;flex-direction:column;min-width:0;min-height:0}.cal-view{flex:1;min-height:0;display:flex;flex-direction:column;user-select:none}.cal-state{margin:0;padding:6px 16px;background:var(--warn-soft);color:var(--warn);font-size:var(--t-sm)}.cal-tabs{display:inline-flex;padding:2px;gap:2px;border-radius:var(--r-md);background:var(--sunken);box-shadow:inset 0 0 0 1px var(--line)}.calendar-page .cal-tabs .btn{justify-content:center;min-height:30px;padding:0 12px;border:0;background:none;font-size:var(--t-sm);color:var(--text-2)}.calendar-page .cal-tabs .btn[aria-pressed=true]{background:var(--raised);box-shadow:0 0 0 1px var(--line);color:var(--text);font-weight:600}.cal-subscribe{display:grid;gap:12px}.cal-subscribe>.dialog-text{margin:0}.cal-small-head{display:flex;align-items:center;min-height:28px;margin-bottom:4px}.cal-small-name{display:flex;align-items:center;gap:4px;min-height:28px;margin-inline-end:auto;padding:0 6px;border:0;border-radius:var(--r-sm);background:none;color:var(--text);font:inherit;font-size:var(--t-sm);font-weight:600;cursor:pointer}.cal-small-grid{display:grid;grid-template-columns:repeat(7,1fr);text-align:center;font-size:var(--t-xs)}.cal-small-months{grid-template-columns:repeat(4,1fr);gap:2px}.cal-small-months b{grid-column:1 / -1;padding:4px 6px 0;line-height:20px;text-align:start}.cal-small-grid>span{color:var(--muted);line-height:22px}.cal-small-grid button{justify-self:center;width:100%;height:26px;min-width:24px;padding:0;border:0;border-radius:13px;background:none;color:var(--text);font:inherit;font-size:var(--t-xs);font-variant-numeric:tabular-nums;cursor:pointer}.cal-small-grid button:hover{background:var(--hover)}.cal-small-grid:not(.cal-small-months) button{max-width:32px}.cal-small-grid button.other{color:var(--muted)}.cal-small-grid button.within{background:var(--selected)}.cal-small-grid button.today{background:var(--accent);color:var(--on-accent);font-weight:600}.cal-choice{display:flex;align-items:center;border-radius:var(--r-md)}.cal-choice label{flex:1;display:flex;align-items:center;gap:10px;min-height:32px;min-width:0;padding:0 6px;cursor:pointer}.cal-choice input{flex:none;width:18px;height:18px;margin:0;accent-color:var(--d)}.calendar-page .cal-deleted{justify-content:start;border:0;background:none;min-height:32px;margin-top:6px;padding:0 6px;color:var(--text-2);font-size:var(--t-sm)}.cal-sign{flex:none;display:inline-flex;margin-inline-start:auto;color:var(--muted)}.cal-sign svg{width:14px;height:14px}.cal-sign.warn{color:var(--warn)}.cal-event{display:flex;align-items:center;gap:5px;min-width:0;padding:0 6px;border:0;border-radius:var(--r-sm);background:none;color:var(--text);font:inherit;font-size:var(--t-xs);text-align:start;overflow:hidden;cursor:pointer}.cal-event:focus-visible{outline-offset:-2px}.cal-event.dragged{opacity:0.6}.cal-title,.cal-place,.cal-choice bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.cal-event time{flex:none;color:var(--muted);font-variant-numeric:tabular-nums}.cal-bar{height:22px;margin:0 4px;padding-inline-start:9px;background:var(--g);color:var(--c);font-weight:500;box-shadow:inset calc(3px * var(--flow)) 0 0 var(--d)}.cal-bar time{color:inherit;font-weight:400}.cal-time{height:22px;margin:0 4px}.cal-dot{flex:none;width:8px;height:8px;border-radius:50%;background:var(--d)}.cal-event.ask:is(.cal-bar,.cal-block){background:var(--surface);box-shadow:inset 0 0 0 1.5px var(--d)}.cal-event.ask .cal-dot{background:none;box-shadow:inset 0 0 0 2px var(--d)}.cal-event.off .cal-title{text-decoration:line-through;font-weight:400}.cal-event.off:is(.cal-bar,.cal-block){background:var(--surface);color:var(--muted);box-shadow:inset 0 0 0 1px var(--line)}.cal-event.free:is(.cal-bar,.cal-block){background:repeating-linear-gradient(-45deg,var(--g) 0 6px,color-mix(in srgb,var(--g) 45%,var(--surface)) 6px 12px)}.cal-day{padding:0 5px;border:0;background:none;color:inherit;font:inherit;font-variant-numeric:tabular-nums;cursor:pointer}.cal-mark{position:absolute;inset-inline:3px;z-index:4;padding:2px 6px;border-radius:6px;background:color-mix(in srgb,var(--accent) 22%,transparent);box-shadow:inset 0 0 0 1.5px var(--accent);color:var(--text);font-size:var(--t-xs);pointer-events:none}.cal-month,.cal-hours{display:flex;flex:1;flex-direction:column;min-height:0}.cal-names,.cal-week{display:grid;grid-template-columns:40px repeat(7,minmax(0,1fr))}.cal-names{font-size:var(--t-xs);line-height:28px;font-weight:500;color:var(--muted)}.cal-names span{padding-inline-start:10px}.cal-number{padding:6px 0 0;text-align:center;font-size:var(--t-xs);color:var(--muted)}.cal-names .cal-number{padding:0}.cal-weeks{display:grid;flex:1;min-height:0}.cal-week{position:relative;min-height:0;border-top:1px solid var(--line);overflow:hidden}.cal-week>.cal-number{grid-area:1 / 1}.cal-week>.cal-event,.cal-more{z-index:1}.cal-cell{position:relative;grid-row:1 / -1;padding:4px 6px;border-inline-start:1px solid var(--line)}.cal-cell.weekend{background:color-mix(in srgb,var(--ground) 60%,var(--surface))}.cal-cell .cal-day{min-width:24px;height:22px;border-radius:11px;font-size:var(--t-sm)}.cal-cell.other .cal-day{color:var(--muted)}.cal-cell .cal-day:hover{background:var(--hover)}.cal-cell.today .cal-day,.cal-head.today .cal-day,.cal-agenda-day.today .cal-day{background:var(--accent);color:var(--on-accent);font-weight:600}.cal-cell:has(.chosen){box-shadow:inset 0 2px 0 var(--accent)}.cal-more{justify-self:start;max-width:calc(100% - 8px);height:22px;margin:0 4px;padding:0 6px;border:0;border-radius:var(--r-sm);background:none;color:var(--text-2);font:inherit;font-size:var(--t-xs);font-weight:500;text-overflow:ellipsis;overflow:hidden;cursor:pointer}:is(.cal-choice,.cal-small-name,.cal-time,.cal-entry,.cal-more,.calendar-page .cal-deleted):hover{background:var(--hover)}.cal-heads{display:grid;grid-template-columns:64px repeat(var(--days),minmax(0,1fr));height:44px;flex:none;overflow:hidden}.cal-head{display:flex;align-items:center;gap:6px;padding-inline-start:8px;font-size:var(--t-sm);color:var(--text-2)}.cal-head .cal-day{min-width:30px;height:30px;padding:0 4px;border-radius:15px;font-size:1.0625rem;font-weight:600;color:var(--text)}.cal-days{display:grid;grid-template-columns:64px minmax(0,1fr);flex:none;max-height:30%;padding-block:2px 3px;border-bottom:1px solid var(--line);overflow-y:auto}.cal-hint{padding-block:4px 0;padding-inline:0 8px;font-size:11px;text-align:end;color:var(--muted)}.cal-bars{display:grid;grid-template-columns:repeat(var(--days),minmax(0,1fr));grid-auto-rows:24px}.cal-whole{position:relative;grid-row:1 / calc(var(--lanes) + 1);min-height:24px;border-inline-start:1px solid var(--line)}.cal-bars .cal-event{z-index:1}.cal-heads,.cal-days,.cal-scroll{scrollbar-gutter:stable}.cal-scroll{flex:1;min-height:0;overflow-y:auto}.cal-grid{position:relative;display:grid;grid-template-columns:64px repeat(var(--days),minmax(0,1fr));height:1200px}.cal-hour{z-index:1;background:var(--background);position:absolute;inset-inline-start:0;width:56px;font-size:11px;line-height:16px;text-align:end;color:var(--muted);font-variant-numeric:tabular-nums}.cal-column{position:relative;grid-row:1;border-inline-start:1px solid var(--line);background:repeating-linear-gradient(transparent 0 49px,var(--line) 49px 50px)}.cal-column.weekend{background-color:color-mix(in srgb,var(--text) 2.2%,transparent)}.cal-block{position:absolute;container-type:inline-size;flex-flow:column wrap;align-content:flex-start;gap:0 24px;min-height:24px;padding-block:3px 0;padding-inline:10px 6px;border-radius:6px;background:var(--g);color:var(--c);line-height:16px;box-shadow:inset calc(3px * var(--flow)) 0 0 var(--d),0 0 0 1.5px var(--surface)}.cal-block .cal-title{flex:none;display:-webkit-box;max-height:32px;font-weight:600;white-space:normal;-webkit-box-orient:vertical;-webkit-line-clamp:2}.cal-block.short{flex-flow:row wrap;gap:24px 6px}.cal-block.short .cal-title{display:block;max-width:100%;white-space:nowrap}.cal-block:not(.short)>:is(.cal-title,time,.cal-place){width:100%}.cal-block time{height:16px;color:inherit;white-space:normal;overflow:hidden}.cal-block time span{white-space:nowrap}@container (max-width: 57px){.cal-block :is(time,.cal-place),.short .cal-clash{display:none}.cal-block .cal-clash{inset-block:auto 2px}.calendar-page .cal-block.clash>.cal-title{width:calc(100% + 14px);max-width:none}}[dir=rtl] .cal-block bdi{text-align:right}.cal-clash{position:absolute;inset-block-start:4px;inset-inline-end:4px;display:grid;color:var(--warn)}.cal-clash svg{width:14px;height:14px}.cal-block.clash{padding-inline-end:20px}.cal-grip{position:absolute;inset:auto 0 0;height:7px;cursor:ns-resize}.cal-now{position:absolute;inset-inline:0;height:2px;margin-top:-1px;background:var(--danger);pointer-events:none}.cal-now::before{content:"";position:absolute;inset-inline-start:-4px;top:-3px;width:8px;height:8px;border-radius:50%;background:var(--danger)}.cal-agenda{flex:1;overflow-y:auto}.cal-agenda-day{display:grid;grid-template-columns:168px minmax(0,1fr);padding:8px 20px;border-bottom:1px solid var(--line)}.cal-agenda-day :is(h2,h3){display:flex;gap:12px;align-items:center;height:44px;margin:0;font-size:var(--t-sm);line-height:18px}.cal-agenda-day small{display:block;font-size:inherit;font-weight:400;color:var(--muted)}.cal-agenda-day .cal-day{min-width:40px;height:40px;border-radius:20px;font-size:1.375rem;font-weight:600}.cal-agenda-day ul{margin:0;padding:0;list-style:none}.cal-entry{width:100%;min-height:44px;gap:12px;padding:0 8px;border-radius:var(--r-md);font-size:var(--t-md)}.cal-entry time{width:116px;font-size:var(--t-sm);color:var(--text-2)}.cal-entry .cal-title{font-weight:600}.cal-entry.past .cal-title{font-weight:400;color:var(--text-2)}.cal-entry .cal-place{flex:1;color:var(--muted);font-size:var(--t-sm)}.cal-stripe{flex:none;width:4px;height:28px;border-radius:2px;background:var(--d)}.cal-entry.ask .cal-stripe{background:none;box-shadow:inset 0 0 0 1.5px var(--d)}@media(max-width:900px){.cal-time time,.cal-tools h1 small{display:none}.cal-tools{position:relative}.cal-tools .search{width:44px}.cal-tools .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.searching .cal-tools :is(.search,.search:focus-within){position:static;width:216px}}@media(max-width:700px){.cal-tools{flex-wrap:wrap;padding-block:6px}.cal-tools h1{order:-2;flex:1 1 50%}.cal-tools .menu-open{order:-3}.cal-tools .cal-today{order:-1;border:0;color:var(--accent)}.cal-tabs{flex:1;order:1}.cal-tabs .btn{flex:1;justify-content:center}.cal-later{order:2}.cal-tabs .wide{display:none}.searching .cal-tools :is(.search,.search:focus-within){flex:1 1 70%;width:auto;order:-2}.searching .cal-tools h1{order:0}.cal-agenda-day{grid-template-columns:minmax(0,1fr);padding:8px 8px}.cal-entry{display:grid;grid-template-columns:4px minmax(0,1fr);gap:0 12px;min-height:56px;padding:6px 8px;font-size:1rem}.cal-entry .cal-stripe{grid-area:1 / 1 / 4 / 2;height:100%;min-height:36px}.cal-entry time{grid-column:2;grid-row:2;width:auto}.cal-entry .cal-title{grid-column:2;grid-row:1}.cal-entry .cal-place{grid-column:2}.cal-agenda{padding-bottom:96px}.cal-heads,.cal-grid{grid-template-columns:60px repeat(var(--days),minmax(0,1fr))}}@media print{.app:has(>.calendar-page)>:not(.calendar-page){display:none}.place-view.calendar-page{position:static;height:100vh}.place-view.calendar-page :is(.btn,.cal-tabs,.compose-round){display:none}.calendar-page *{print-color-adjust:exact}.cal-scroll,.cal-agenda{overflow:visible}}\n';

var hour = 50;
function drawHours(board, first, count) {
  const days = Array.from({ length: count }, (_, at) => first + at);
  const bars = board.events.filter((one) => one.bar && one.first < first + count && one.last >= first);
  const lanes = [];
  const placed = bars.map((one) => {
    const from = Math.max(0, one.first - first);
    const to = Math.min(count - 1, one.last - first);
    let lane = lanes.findIndex((ends) => ends.every((end, at) => at < from || at > to || end === 0));
    if (lane === -1) lane = lanes.push(Array.from({ length: count }, () => 0)) - 1;
    for (let at = from; at <= to; at++) lanes[lane][at] = 1;
    const made = board.event(one, "cal-bar", [one.item.clock !== "date" && el("time", {}, clock(one.start))]);
    Object.assign(made.style, { gridColumn: `${from + 1} / ${to + 2}`, gridRow: String(lane + 1) });
    return made;
  });
  const heads = days.map((day) => el("div", { class: `cal-head${day === today() ? " today" : ""}` }, el("span", {}, dayName(day)), board.dayButton(day, String(dateOf(day).getDate()), board.events.filter((one) => one.first === day).length)));
  const whole = days.map((day, at) => {
    const cell = el("div", { class: "cal-whole", data: { day: String(day) }, title: longDay(day) });
    cell.style.gridColumn = String(at + 1);
    return cell;
  });
  const columnsOfDays = days.map((day, at) => {
    const made = column(board, day);
    made.style.gridColumn = String(at + 2);
    return made;
  });
  const scroll = el("div", { class: "cal-scroll", tabindex: "0", role: "group", "aria-label": t("Hours") }, el("div", { class: "cal-grid" }, Array.from({ length: 23 }, (_, at) => {
    const label = el("span", { class: "cal-hour" }, clock(dateOf(first, (at + 1) * 60)));
    label.style.top = `${(at + 1) * hour - 8}px`;
    return label;
  }), columnsOfDays));
  const root = el("div", { class: "cal-hours" }, el("div", { class: "cal-heads" }, el("span"), heads), el("div", { class: "cal-days" }, el("span", { class: "cal-hint" }, t("all day")), el("div", { class: "cal-bars" }, whole, placed)), scroll);
  root.style.setProperty("--days", String(count));
  root.style.setProperty("--lanes", String(Math.max(1, lanes.length)));
  requestAnimationFrame(() => scroll.scrollTop = board.scrolled ?? 7.5 * hour);
  scroll.addEventListener("scroll", () => board.scrolled = scroll.scrollTop);
  return root;
}
function column(board, day) {
  const times = board.events.filter((one) => !one.bar && one.first === day);
  const minutes = (date) => date.getHours() * 60 + date.getMinutes();
  const made = columns(times).map(({ one, column: at, of }) => {
    const from = minutes(one.start);
    const to = Math.max(from + 29, +one.end === +dateOf(day + 1) ? 1440 : minutes(one.end));
    const short = to - from < 45;
    const found = board.event(one, `cal-block${short ? " short" : ""}`, [], [el("time", {}, el("span", {}, clock(one.start)), !short && [" ", el("span", {}, `– ${clock(one.end)}`)]), !short && one.item.place !== "" && el("bdi", { class: "cal-place", dir: "auto" }, one.item.place)]);
    Object.assign(found.style, { top: `${from * hour / 60 + 1}px`, height: `${(to - from) * hour / 60 - 3}px`, insetInlineStart: `calc(${at * 100 / of}% + 3px)`, width: `calc(${100 / of}% - 7px)` });
    found.append(el("i", { class: "cal-grip", "aria-hidden": "true" }));
    return found;
  });
  const now = day === today() && el("i", { class: "cal-now" });
  if (now !== false) now.style.top = `${minutes(/* @__PURE__ */ new Date()) * hour / 60}px`;
  return el("div", { class: `cal-column${weekday(day) > 4 ? " weekend" : ""}`, data: { day: String(day) } }, now, made);
}

var step = 15;
var least = 5;
function listenForDrags(root, does) {
  root.addEventListener("pointerdown", (event) => {
    const target = event.target;
    if (event.button !== 0 || target.closest("button:not(.cal-event), a") !== null) return;
    const start = placeAt(event.clientX, event.clientY);
    if (start === null) return;
    const button = target.closest(".cal-event");
    if (event.pointerType === "touch") {
      if (button === null) tap(root, event, () => make(does, start, start));
      return;
    }
    drag(root, event, start, button, target.closest(".cal-grip") !== null, does);
  });
}
function tap(root, first, run) {
  const end = new AbortController();
  root.addEventListener("pointercancel", () => end.abort(), { signal: end.signal });
  root.addEventListener("pointerup", (event) => {
    end.abort();
    if (Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < 2 * least) run();
  }, { signal: end.signal });
}
function drag(root, first, start, button, grip, does) {
  const end = new AbortController();
  const { signal } = end;
  const mark2 = el("div", { class: "cal-mark", "aria-hidden": "true" });
  let moving = false;
  let last = start;
  const stop = () => {
    end.abort();
    mark2.remove();
    button?.classList.remove("dragged");
  };
  const moved = (event) => {
    if (!moving && Math.hypot(event.clientX - first.clientX, event.clientY - first.clientY) < least) return;
    moving = true;
    button?.classList.add("dragged");
    last = placeAt(event.clientX, event.clientY) ?? last;
    draw(mark2, start, last, button, grip);
  };
  const done = () => {
    stop();
    if (!moving) {
      if (button === null) make(does, start, start);
      return;
    }
    const swallow = (click) => click.stopPropagation();
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true), 0);
    if (button === null) make(does, start, last);
    else {
      const minutes = start.minutes === null || last.minutes === null ? 0 : snapped(last.minutes - start.minutes);
      if (grip) does.move(button, 0, 0, minutes);
      else does.move(button, last.day - start.day, minutes, 0);
    }
  };
  if (button === null) first.preventDefault();
  root.addEventListener("pointermove", moved, { signal });
  addEventListener("pointerup", done, { signal });
  addEventListener("pointercancel", stop, { signal });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !moving) return;
    event.stopPropagation();
    stop();
  }, { capture: true, signal });
}
function make(does, start, last) {
  const [from, to] = start.day <= last.day ? [start.day, last.day] : [last.day, start.day];
  if (start.minutes === null) does.make(from, to, null, null);
  else if (last.minutes === null || last.minutes === start.minutes) {
    const begin = Math.floor(start.minutes / 30) * 30;
    does.make(start.day, start.day, begin, begin + 60);
  } else {
    const begin = Math.floor(Math.min(start.minutes, last.minutes) / step) * step;
    const end = Math.ceil(Math.max(start.minutes, last.minutes) / step) * step;
    does.make(start.day, start.day, begin, Math.max(begin + step, end));
  }
}
var snapped = (minutes) => Math.round(minutes / step) * step;
function placeAt(x2, y) {
  for (const found of document.elementsFromPoint(x2, y)) {
    const column2 = found.closest("[data-day]");
    if (column2 === null || column2.tagName === "BUTTON") continue;
    const within = column2.classList.contains("cal-column");
    const minutes = within ? (y - column2.getBoundingClientRect().top) * 60 / hour : null;
    return { day: Number(column2.dataset["day"]), minutes: minutes === null ? null : Math.max(0, Math.min(1440, minutes)), column: column2 };
  }
  return null;
}
function draw(mark2, start, last, button, grip) {
  const target = grip || button === null ? start : last;
  if (target.minutes === null || last.minutes === null || start.minutes === null) {
    mark2.remove();
    if (last.minutes === null) last.column.append(mark2);
    Object.assign(mark2.style, { top: "0", height: "100%" });
    mark2.textContent = "";
    return;
  }
  const top = button === null ? 0 : button.offsetTop;
  const height = button === null ? 0 : button.offsetHeight;
  const by = snapped(last.minutes - start.minutes) * hour / 60;
  let from = Math.floor(Math.min(start.minutes, last.minutes) / step) * step * hour / 60;
  let to = Math.ceil(Math.max(start.minutes, last.minutes) / step) * step * hour / 60;
  if (button !== null) [from, to] = grip ? [top, top + height + by] : [top + by, top + height + by];
  target.column.append(mark2);
  Object.assign(mark2.style, { top: `${from}px`, height: `${Math.max(8, to - from)}px` });
  const text2 = (pixels) => clock(dateOf(target.day, snapped(pixels * 60 / hour)));
  mark2.textContent = `${text2(from)} – ${text2(to)}`;
}

function drawSmall(root, day, within, show, year = null) {
  const own = dateOf(day);
  const choose = (first, focused = 0) => {
    drawSmall(root, day, within, show, first);
    root.querySelectorAll("button")[focused]?.focus();
  };
  const button = (kind, text2, name, run) => el("button", { class: kind, type: "button", "aria-label": name, onclick: run }, text2);
  const step2 = (by, title, path, at) => year !== null && el("button", { class: "btn icon small", type: "button", title, "aria-label": title, onclick: () => choose(year + by, at) }, sign(path));
  const days = () => {
    const first = weekStart(monthStart(day));
    return el("div", { class: "cal-small-grid" }, Array.from({ length: 7 }, (_, at) => el("span", { "aria-hidden": "true" }, dayInitial(first + at))), Array.from({ length: 42 }, (_, at) => {
      const one = first + at;
      const date = dateOf(one);
      const kinds = [one === today() && "today", date.getMonth() !== own.getMonth() && "other", one >= within[0] && one < within[1] && "within"];
      return button(kinds.filter(Boolean).join(" "), String(date.getDate()), longDay(one), () => show(one));
    }));
  };
  const months = (of) => {
    const made = Array.from({ length: 12 }, (_, at) => {
      const by = 12 * (of - own.getFullYear()) + at - own.getMonth();
      const start = monthStart(day, by);
      const kind = start === monthStart(today()) ? "today" : by === 0 ? "within" : "";
      const name2 = formatted(dateOf(start), "short month", { month: "short" });
      return button(kind, name2, null, () => {
        show(monthsLater(day, by));
        root.querySelector("button")?.focus();
      });
    });
    const name = formatted(new Date(of, 0), "event year", { year: "numeric" });
    return el("div", { class: "cal-small-grid cal-small-months", role: "group", "aria-label": name }, el("b", {}, name), made);
  };
  fill(root, el("div", { class: "cal-small-head" }, el("button", { class: "cal-small-name", type: "button", title: t("Choose month"), "aria-expanded": String(year !== null), onclick: () => choose(year === null ? own.getFullYear() : null) }, monthName(day), sign(chevronDown, "i s")), step2(-1, t("Earlier"), chevronLeft, 1), step2(1, t("Later"), chevronRight, 2)), year === null ? days() : [months(year), months(year + 1)]);
}

var shownName = (one) => one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
function signOf(one) {
  if (one.source === "") return null;
  const words = one.problem.message === "" ? t("subscribed calendar") : t("can't be refreshed right now");
  return el("span", { class: one.problem.message === "" ? "cal-sign" : "cal-sign warn", title: words, role: "img", "aria-label": words }, sign(one.problem.message === "" ? refreshCw : triangleAlert));
}

adopt(calendar_default);
var views = { day: t("Day"), week: t("Week"), month: t("Month"), agenda: t("Agenda") };
var daysBy = (key) => ({ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 })[along(key)];
var icon2 = (name, path, title, run) => el("button", { class: name, type: "button", title, "aria-label": title, onclick: run }, sign(path));
var opened = null;
function openPage(page) {
  opened ??= new CalendarPage(page);
  opened.follow();
}
var CalendarPage = class {
  constructor(page) {
    this.page = page;
    this.birthdays = new Birthdays(page.client, () => this.load());
    const add = t("New event");
    const title = `${add} (c)`;
    const side = el("div", { class: "place-side calendar-page" }, el("button", { class: "primary place-new", type: "button", title, onclick: () => this.add() }, sign(plus), el("span", {}, add)), listsButton(t("Calendars")), el("div", { class: "side-lists" }, this.small, this.list));
    const view = el("section", { class: "place-view calendar-page", "aria-label": t("Calendar") }, el("header", { class: "place-head cal-tools" }, sideButton(page), this.search.root, el("button", { class: "btn line cal-today", type: "button", title: "t", onclick: () => this.show(this.view, today()) }, t("Today")), icon2("btn icon cal-earlier", chevronLeft, t("Earlier"), () => this.step(-1)), icon2("btn icon cal-later", chevronRight, t("Later"), () => this.step(1)), this.heading, this.tabs, el("button", { class: "btn text cal-back", type: "button", onclick: () => this.endSearch() }, sign(x, "i s"), el("span", {}, t("Back to calendar")))), el("div", { class: "cal-main" }, this.state, this.root, icon2("compose-round", plus, add, () => this.add())));
    this.place = { name: "calendar", title: t("Calendar"), side, view };
    listenForDrags(this.root, { make: (day, last, from, to) => this.add(day, last, from, to, true), move: (button, days, minutes, end) => void this.move(button, days, minutes, end) });
    const { changed } = follow(() => this.fetch(), (failed) => {
      this.late = failed;
      this.drawState();
    });
    const here = () => view.isConnected;
    for (const name of ["calendars", "contacts"]) addEventListener(name, () => here() && changed());
    addEventListener("resize", () => here() && this.draw());
    addEventListener("keydown", (event) => {
      if (here() && !event.defaultPrevented && document.querySelector("dialog:modal, .menu, .composer:focus-within") === null) this.key(event);
    });
  }
  page;
  root = el("div", { class: "cal-view" });
  day = today();
  events = [];
  scrolled;
  view = phone.matches ? "agenda" : "month";
  calendars = [];
  loading;
  buttons = /* @__PURE__ */ new WeakMap();
  turn = 0;
  asked = "";
  crowded = false;
  sought = "";
  found = null;
  searching;
  zones;
  late = false;
  drawn = false;
  heading = el("h1", { "aria-live": "polite" });
  small = el("div", { class: "cal-small" });
  list = el("div", { class: "cal-list", role: "group", "aria-label": t("Calendars") });
  tabs = el("div", { class: "cal-tabs", role: "group", "aria-label": t("View") });
  state = el("p", { class: "cal-state", role: "status", hidden: true });
  search = searchField(t("Search calendar"), (text2) => this.seek(text2), () => this.focusView());
  place;
  birthdays;
  follow() {
    const asked = placeIn(location.hash);
    this.view = asked?.view ?? this.view;
    if (phone.matches && this.view !== "day") this.view = "agenda";
    this.day = asked?.day ?? this.day;
    this.asked = asked?.event ?? "";
    this.sought = asked?.sought ?? "";
    this.search.set(this.sought.startsWith("~") ? "" : this.sought);
    this.found = null;
    this.drawHead();
    this.drawn = this.place.view.isConnected;
    this.page.openPlace(this.place);
    void this.load();
  }
  show(view, day) {
    this.view = view;
    this.day = day;
    this.sought = "";
    this.search.set("");
    this.drawHead();
    this.draw();
    void this.load();
  }
  event(one, kind, before, after = []) {
    const { item } = one;
    const place = this.calendars.findIndex(({ id }) => id === item.calendar_id);
    const title = nameOf(item);
    const clash = kind.startsWith("cal-block") ? clashText(one, this.events) : "";
    const classes = ["cal-event", kind, clash !== "" && "clash", `c${colourOfEvent(item, this.calendars)}`, item.free && "free", item.answer === "ask" && "ask", (item.answer === "no" || item.cancelled) && "off"];
    const hints = [title, when(one), item.place, item.answer === "ask" && t("no reply yet"), item.cancelled && t("canceled"), clash, place !== -1 && shownName(this.calendars[place])];
    const made = el("button", { class: classes.filter(Boolean).join(" "), type: "button", title: hints.filter(Boolean).join("\n"), data: { event: `${item.id} ${item.recurrence}` }, onclick: () => void this.open(one, made) }, before, el("bdi", { class: "cal-title", dir: "auto" }, title), after, clash !== "" && el("span", { class: "cal-clash", role: "img", "aria-label": clash }, sign(triangleAlert, "i s")));
    this.buttons.set(made, one);
    return made;
  }
  dayButton(day, text2, count) {
    const chosen = day === this.day;
    return el("button", { class: `cal-day${chosen ? " chosen" : ""}`, type: "button", tabindex: chosen ? "0" : "-1", "aria-label": [!/^\d+$/.test(text2) && text2, longDay(day), many(count, "{n} event", "{n} events")].filter(Boolean).join(", "), "aria-current": day === today() ? "date" : null, data: { number: String(day) }, onclick: () => this.show("day", day) }, text2);
  }
  nothing() {
    return emptyPlace({ title: t("No events"), text: t("Events you add on any device will appear here."), step: { title: t("New event"), run: () => this.add() } });
  }
  get hourly() {
    return this.view === "day" || this.view === "week";
  }
  range() {
    const { day } = this;
    if (this.view === "day") return [day, day + 1];
    if (this.view === "week") return [weekStart(day), weekStart(day) + 7];
    if (this.view === "agenda") return [day, day + agendaDays];
    return [weekStart(monthStart(day)), weekStart(monthStart(day)) + 42];
  }
  seek(text2) {
    if (text2 === this.sought) return;
    if (text2 === "") {
      this.show(this.view, this.day);
      return;
    }
    if (this.sought === "") this.found = null;
    this.sought = text2;
    this.drawHead();
    void this.load();
  }
  endSearch() {
    this.show(this.view, this.day);
    this.focusView();
  }
  focusView() {
    this.root.querySelector(".cal-day.chosen, button")?.focus();
  }
  async load() {
    this.loading = attempt(t("Loading…"), t("Couldn't load calendar"), () => this.fetch());
    await this.loading;
  }
  async fetch() {
    const own = ++this.turn;
    const { client } = this.page;
    const [calendars] = await Promise.all([client.calendars(), this.birthdays.fetch()]);
    if (calendars.some((one) => one.second_zone)) this.zones ??= await this.page.load("giving");
    if (this.sought !== "") {
      this.searching ??= await this.page.load("eventsearch");
      const words = this.searching.wordsOfSearch(this.sought);
      if (words === "") return this.show(this.view, this.day);
      if (words !== this.sought) {
        this.sought = words;
        this.search.set(words);
      }
      this.page.tellAddress(this.searching.placeOfSearch(words, this.day));
      const result = await client.event_search(this.sought, calendars.map(({ id }) => id));
      await released(this.root);
      if (own !== this.turn) return;
      this.found = result;
      return this.arrived(calendars);
    }
    const [from, to] = this.range();
    const seconds = (day) => +dateOf(day) / 1e3;
    const ids = calendars.filter(({ hidden }) => !hidden).map(({ id }) => id);
    const found = await client.events(seconds(from), seconds(to), ids);
    await released(this.root);
    if (own !== this.turn) return;
    this.events = [...found.events, ...this.birthdays.items(from, to)].map(shown).filter((one) => one.first < to && one.last >= from);
    this.crowded = found.more;
    this.arrived(calendars);
  }
  arrived(calendars) {
    this.calendars = calendars;
    this.late = false;
    this.drawState();
    this.drawList();
    this.draw();
    const { asked } = this;
    this.asked = "";
    const one = this.events.find(({ item }) => placeOfEvent(item.id, item.recurrence) === asked);
    if (one !== void 0) void this.open(one);
  }
  drawState() {
    const words = this.late ? t("Couldn't load the latest changes. Trying again…") : this.crowded && this.sought === "" ? t("Too many events to show. Hide a calendar or choose a shorter period.") : "";
    this.state.hidden = words === "";
    this.state.textContent = words;
  }
  draw() {
    const focused = document.activeElement;
    const { event, number } = focused instanceof HTMLElement ? focused.dataset : {};
    if (this.sought !== "" && this.found === null) return;
    const within = this.root.contains(focused);
    fill(this.root, this.drawView());
    if (!within && this.drawn) return;
    this.drawn = true;
    const same = this.root.querySelector(event !== void 0 ? `[data-event="${event}"]` : `[data-number="${number ?? ""}"]`);
    (same ?? this.root.querySelector(".cal-day.chosen") ?? this.root.querySelector("button"))?.focus({ preventScroll: true });
  }
  drawView() {
    const { view, found, searching } = this;
    if (this.sought !== "" && found !== null && searching !== void 0) {
      this.heading.textContent = many(found.events.length, "{n} event", "{n} events");
      return searching.drawFound(this, this.sought, found);
    }
    if (view === "month") return drawMonth(this);
    if (view === "agenda") return drawAgenda(this);
    const hours = drawHours(this, this.range()[0], view === "day" ? 1 : 7);
    this.zones?.addZone(hours, this.calendars, this.day);
    return hours;
  }
  drawHead() {
    const searches = this.sought !== "";
    this.place.view.classList.toggle("searching", searches);
    if (!searches && this.asked === "") this.page.tellAddress(placeOf(this.view, this.day));
    const month = monthName(this.day);
    const words = searches ? t("Searching…") : this.view === "day" ? longDay(this.day) : month;
    fill(this.heading, words, !searches && this.view === "week" && el("small", {}, t("Week {n}", { n: String(weekNumber(weekStart(this.day) + 3)) })));
    fill(this.tabs, Object.entries(views).map(([view, name]) => el("button", { class: `btn small${/^[mw]/.test(view) ? " wide" : ""}`, type: "button", "aria-pressed": String(view === this.view), onclick: () => this.show(view, this.day) }, name)));
    drawSmall(this.small, this.day, this.hourly ? this.range() : [0, 0], (day) => this.show(this.view, day));
  }
  drawList() {
    const { client } = this.page;
    const again2 = () => this.load();
    const action = (words, run) => el("button", { class: "btn text cal-deleted", type: "button", onclick: run }, words);
    fill(this.list, listHead(t("Calendars"), t("New calendar"), () => void this.edit(null)), [...this.calendars].sort(byOwner).map((one) => {
      const box = shownBox(colourOf(one, this.calendars.indexOf(one)), !one.hidden, async (shown2) => {
        if (one.owner === "") await client.calendar_save({ hidden: !shown2 }, one.id);
        else await client.calendar_view(one.id, { hidden: !shown2 });
        await again2();
      });
      return el("div", { class: "cal-choice" }, el("label", {}, box, el("bdi", { dir: "auto" }, shownName(one)), signOf(one)), icon2("btn icon small", ellipsis, t("Edit “{name}”", { name: shownName(one) }), () => void this.edit(one)));
    }), this.birthdays.row(), !phone.matches && action(t("Second time zone…"), () => this.give((giving) => giving.chooseZone(client, this.calendars, again2))), action(t("Deleted events…"), () => this.give((giving) => giving.showDeleted(client, "calendar", again2))));
  }
  async edit(one) {
    await this.give((giving) => giving.editCalendar(this.page, this.calendars, one, () => this.load()));
  }
  async give(show) {
    await attempt(t("Loading…"), t("Couldn't open this item"), async () => show(await this.page.load("giving")));
  }
  step(by) {
    const { view, day } = this;
    if (view === "month") this.show(view, monthsLater(day, by));
    else {
      const [from, to] = this.range();
      this.show(view, day + by * (to - from));
    }
  }
  async tool() {
    const { Events } = await this.page.load("event");
    return new Events(this.page, this.calendars, () => this.load());
  }
  add(day = this.day, last = day, from = null, to = null, short = false) {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => {
      for (let last2; last2 !== this.loading; await last2) last2 = this.loading;
      if (this.calendars.length === 0) return;
      const begin = from ?? this.nextHour(day);
      const wanted = from === null && last !== day ? { allDay: true, start: dateOf(day), end: dateOf(last + 1) } : { allDay: false, start: dateOf(day, begin), end: dateOf(day, to ?? begin + 60) };
      if (!short) return void await (await this.tool()).add(wanted);
      const { writeShort } = await this.page.load("quick");
      const further = await writeShort(this.page.client, this.calendars, wanted, this.root, from !== null, () => this.load());
      if (further !== null) await (await this.tool()).add(further);
    });
  }
  nextHour(day) {
    return day === today() ? Math.min(22, (/* @__PURE__ */ new Date()).getHours() + 1) * 60 : 540;
  }
  async open(one, cause) {
    await attempt(t("Loading…"), t("Couldn't open event"), async () => {
      const events = await this.tool();
      if (one.item.calendar_id === birthdayCalendar) await events.openBirthday(one.item.title, when(one), this.birthdays.addressOf(one.item), cause);
      else await events.open(one.item, when(one), cause, clashText(one, this.events));
    });
  }
  async move(button, days, minutes, end) {
    const one = this.buttons.get(button);
    if (one === void 0 || days === 0 && minutes === 0 && end === 0) return;
    if (!this.isWritable(one)) return this.draw();
    await attempt(t("Moving…"), t("Couldn't move event"), async () => (await this.tool()).move(one.item, days, minutes, end));
  }
  isWritable({ item }) {
    return isChangeable(item, this.calendars.find(({ id }) => id === item.calendar_id));
  }
  key(event) {
    const target = focusedBy(event);
    if (event.ctrlKey || event.metaKey || target.closest("input, select, textarea, [contenteditable]") !== null) return;
    const one = this.buttons.get(target);
    const run = event.altKey ? this.moves(event.key, one, target) : this.keys(event.key, one, target);
    if (run === null) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  }
  moves(key, one, target) {
    const by = daysBy(key);
    if (by === void 0 || one === void 0 || !this.isWritable(one)) return null;
    const quarters = Math.abs(by) === 7 && target.classList.contains("cal-block");
    return () => void this.move(target, quarters ? 0 : by, quarters ? 15 * Math.sign(by) : 0, 0);
  }
  keys(key, one, target) {
    const around = daysBy(key);
    if (around !== void 0 && one !== void 0) return () => this.nextEvent(target, around > 0 ? 1 : -1);
    if (around !== void 0 && target.closest(".cal-scroll") === target && Math.abs(around) === 7) return null;
    if (around !== void 0 && this.sought !== "") return null;
    if (around !== void 0) return () => this.choose(this.day + (this.view === "month" ? around : Math.sign(around)));
    if ((key === "Delete" || key === "Backspace") && one !== void 0 && this.isWritable(one)) return () => void attempt(t("Deleting…"), t("Couldn't delete event"), async () => (await this.tool()).remove(one.item));
    if (key === "Escape" && this.sought !== "") return () => this.endSearch();
    const letters = { "/": () => this.search.input.focus(), t: () => this.sought === "" ? this.choose(today()) : this.show(this.view, today()), n: () => this.add(this.day, this.day, this.hourly ? this.nextHour(this.day) : null, null, true), c: () => this.add(), d: () => this.show("day", this.day), w: () => this.show("week", this.day), m: () => this.show("month", this.day), a: () => this.show("agenda", this.day), PageUp: () => this.step(-1), PageDown: () => this.step(1) };
    return letters[key] ?? null;
  }
  choose(day) {
    const [from, to] = this.range();
    this.day = day;
    this.drawHead();
    if (day < from || day >= to || !this.hourly) void this.load();
    this.draw();
    this.root.querySelector(".cal-day.chosen")?.focus();
  }
  nextEvent(target, by) {
    const all = [...this.root.querySelectorAll(".cal-event")];
    const time = (each) => +(this.buttons.get(each)?.start ?? 0);
    if (this.sought === "") all.sort((a, b) => time(a) - time(b));
    all[all.indexOf(target) + by]?.focus();
  }
};
export {
  openPage
};
