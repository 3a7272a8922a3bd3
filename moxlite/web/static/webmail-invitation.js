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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
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

var calendarClock = "M16 14v2.2l1.6 1 M16 2v4 M21 7.5V6a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h3.5 M3 10h5 M8 2v4 M10 16a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z";
var x = "M18 6 6 18 M6 6l12 12";

function once(work) {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    const form2 = event.currentTarget;
    form2.ariaBusy = "true";
    void work().finally(() => {
      running = false;
      form2.ariaBusy = null;
    });
  };
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
function openSearch(words) {
  location.hash = `search:${nameOfSearch(words)}`;
}
var searchFor = (words) => (event) => {
  event.preventDefault();
  openSearch(words);
};

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shown = 1e4;
var most2 = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}
function toast(text2, action, time = shown) {
  const words = el("span", {}, text2);
  let timer = 0;
  let holds = 0;
  const hold = () => {
    holds++;
    clearTimeout(timer);
  };
  const release = () => {
    holds--;
    clearTimeout(timer);
    if (holds === 0 && time > 0 && box.isConnected) timer = window.setTimeout(close, time);
  };
  const close = () => {
    clearTimeout(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (focused) focusHome();
  };
  const box = el("div", { class: "toast", onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release }, words, action !== void 0 && el("button", { class: "btn text toast-action", onclick: () => {
    close();
    action.run();
  } }, action.title), time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most2) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
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
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}
function dateOf(day, minutes = 0) {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
function placeOf(view, day) {
  return `#calendar:${view},${new Date(day * dayLength).toISOString().slice(0, 10).replaceAll("-", "")}`;
}
function shown2(item) {
  const local2 = (seconds) => {
    if (item.clock === "utc") return new Date(seconds * 1e3);
    const date = new Date(seconds * 1e3);
    return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes());
  };
  const start = local2(item.starts);
  const end = local2(item.ends);
  const first = dayOf(start);
  const last = Math.max(first, dayOf(new Date(end.getTime() - 1)));
  return { item, start, end, first, last, bar: item.clock === "date" || last > first };
}
var clock = (date) => formatted(date, "event clock", { hour: "numeric", minute: "2-digit" });
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });
var isBusy = ({ item, bar }) => !bar && !item.free && !item.cancelled && item.answer !== "no";
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
    const column = free === -1 ? ends.length : free;
    ends[column] = end;
    const place = { one, column, of: 1 };
    group.push(place);
    placed.push(place);
  }
  close();
  return placed;
}

var two = (number) => String(number).padStart(2, "0");
function local(date, whole) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return whole ? day : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
function moved(text2, days2, minutes) {
  const at = /* @__PURE__ */ new Date(`${text2}${text2.includes("T") ? "" : "T00:00"}Z`);
  const later = new Date(at.getTime() + days2 * 864e5 + minutes * 6e4);
  return later.toISOString().slice(0, text2.length);
}
var withDate = (text2, days2) => moved(text2, days2, 0);

async function propose({ whole, start, end }, send) {
  const field = (old) => el("input", { class: "dialog-input", type: whole ? "date" : "datetime-local", value: old, required: true });
  const begins = field(start);
  const ends = field(end);
  const note = el("input", { class: "dialog-input", maxlength: "2000", dir: "auto" });
  ends.addEventListener("input", () => ends.setCustomValidity(""));
  let last = { sent: "", id: "" };
  return dialog(t("Propose a new time"), (close) => [el("form", { onsubmit: once(async () => {
    if (ends.value < begins.value) {
      ends.setCustomValidity(t("The end must be after the start."));
      ends.reportValidity();
      return;
    }
    const sent = (field2, days2) => whole ? withDate(field2, days2) : `${new Date(field2).toISOString().slice(0, 16)}Z`;
    const values = [sent(begins.value, 0), sent(ends.value, 1), note.value.trim()];
    if (last.sent !== values.join("\n")) last = { sent: values.join("\n"), id: newId() };
    const [from, to, words] = values;
    const done = await attempt(t("Sending…"), t("Couldn't send proposal"), () => send(from, to, last.id, words));
    if (done) close(true);
  }) }, el("label", { class: "field" }, t("New start"), begins), el("label", { class: "field" }, t("New end"), ends), el("label", { class: "field" }, t("Note to organizer"), note), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Send"))))]).then((done) => done === true);
}

var days = { MO: 1, TU: 2, WE: 3, TH: 4, FR: 5, SA: 6, SU: 0 };
var workdays = "MO,TU,WE,TH,FR";
function weekday(text2) {
  const [, number = "", day = ""] = /^([+-]?\d+)?(\w\w)$/.exec(text2) ?? [];
  const name = new Intl.DateTimeFormat(locale(), { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 10, 22 + (days[day] ?? 0))));
  const numbered = { "": name, "1": t("the first {day}", { day: name }), "2": t("the second {day}", { day: name }), "3": t("the third {day}", { day: name }), "4": t("the fourth {day}", { day: name }), "5": t("the fifth {day}", { day: name }), "-1": t("the last {day}", { day: name }) };
  return numbered[number.replace("+", "")] ?? "";
}
function ruleText(rule) {
  const every = { hourly: many(rule.interval, "every hour", "every {n} hours"), daily: many(rule.interval, "every day", "every {n} days"), weekly: many(rule.interval, "every week", "every {n} weeks"), monthly: many(rule.interval, "every month", "every {n} months"), yearly: many(rule.interval, "every year", "every {n} years") };
  const atWork = rule.frequency === "weekly" && rule.interval === 1 && rule.days.join() === workdays;
  const names = rule.days.map(weekday);
  const base = atWork ? t("every weekday (Monday to Friday)") : every[rule.frequency];
  if (base === void 0 || names.includes("") || rule.month_days.some((n) => n < -1)) return t("repeated by a custom rule");
  const list = (texts) => new Intl.ListFormat(locale()).format(texts);
  const month = (n) => new Intl.DateTimeFormat(locale(), { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, n - 1, 1)));
  const last = /* @__PURE__ */ new Date(`${rule.until.slice(0, 10)}T00:00:00Z`);
  const lastDay = new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeZone: "UTC" });
  const monthDays = rule.month_days.map((n) => n === -1 ? t("the last") : String(n));
  return [base, !atWork && names.length > 0 && t("on {days}", { days: list(names) }), monthDays.length > 0 && t("on day {days}", { days: list(monthDays) }), rule.months.length > 0 && t("in {months}", { months: list(rule.months.map(month)) }), rule.count > 0 && many(rule.count, "once", "{n} times"), !Number.isNaN(last.getTime()) && t("until {day}", { day: lastDay.format(last) })].filter((one) => one !== false).join(", ");
}

var join_default = ".event-joining{display:flex;align-items:center;gap:12px;margin:0 0 12px;overflow-wrap:anywhere}a.event-join{display:inline-flex;align-items:center;flex:none;min-height:34px;padding:0 14px;border-radius:7px;background:var(--mailbox-active-background);color:var(--color);font-weight:600;text-decoration:none}a.event-join:hover{background:var(--button-hover-background)}.event-card .event-joining{margin:0}.cal-agenda li:has(>.event-join){display:flex;align-items:center;gap:8px}@media(pointer:coarse){a.event-join{min-height:44px}}\n";

adopt(join_default);
function joinLink(link, named = false) {
  if (link === void 0 || !/^https?:/i.test(link)) return false;
  const host = URL.canParse(link) ? new URL(link).host : link;
  const button = el("a", { class: "btn event-join", href: link, target: "_blank", rel: "noopener noreferrer", title: link }, meant("event", "Join"));
  return named ? el("p", { class: "event-joining" }, button, el("bdi", { dir: "ltr" }, isolated(host))) : button;
}

var dateOf2 = ({ utc, local: local2 }) => utc !== null ? new Date(utc * 1e3) : new Date(local2.includes("T") ? local2 : `${local2}T00:00`);
var same = (one, other) => one.utc !== null && other.utc !== null ? one.utc === other.utc : one.local === other.local;
function told2(from, to) {
  const oneDay = dateOf2(from).toDateString() === dateOf2(to).toDateString();
  const timed = (when) => when.local.includes("T");
  const text2 = (when) => {
    if (!timed(when)) return formatted(dateOf2(when), "event date", { weekday: "short", day: "numeric", month: "short" });
    if (oneDay && timed(from) === timed(to)) return formatted(dateOf2(when), "event clock", { hour: "numeric", minute: "2-digit" });
    const options = { weekday: "short", day: "numeric", month: "short" };
    return formatted(dateOf2(when), "event moment", { ...options, hour: "numeric", minute: "2-digit" });
  };
  return { from: text2(from), to: text2(to) };
}
function changesOf({ before, start, end, title, place }) {
  if (before === null) return [];
  const found = [];
  if (start !== null && before.start !== null && !same(before.start, start)) found.push(t("Moved from {from} to {to}", told2(before.start, start)));
  else if (end !== null && before.end !== null && !same(before.end, end) && end.local.includes("T")) found.push(t("End moved from {from} to {to}", told2(before.end, end)));
  if (before.title !== title && before.title !== "") found.push(t("Renamed from “{title}”", { title: isolated(before.title) }));
  if (before.place !== place) found.push(before.place === "" ? t("Location added: {place}", { place: isolated(place) }) : place === "" ? t("Location removed: {place}", { place: isolated(before.place) }) : t("Location changed from {from} to {to}", { from: isolated(before.place), to: isolated(place) }));
  return found;
}

var day_default = ".day-name{color:var(--text);font-size:13px;font-weight:600}.day-hours{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px;margin-top:12px}.day-labels span{display:block;height:32px;color:var(--muted);font-size:11px;line-height:16px;text-align:end;font-variant-numeric:tabular-nums;translate:0 -8px}.day-blocks,.day-whole{margin:0;padding:0;list-style:none}.day-blocks{position:relative;background:repeating-linear-gradient(var(--line) 0 1px,transparent 1px 32px)}.day-whole li{margin-top:4px;padding:2px 8px;border-radius:4px;background:var(--g);color:var(--c);font-size:12px}.day-event{--d: color-mix(in oklab, var(--c) 68%, var(--g));position:absolute;overflow:hidden;padding-block:1px;padding-inline:8px 4px;border-radius:6px;background:var(--g);color:var(--c);font-size:11px;line-height:14px;box-shadow:inset calc(3px * var(--flow)) 0 0 var(--d)}.day-event bdi{display:block;overflow:hidden;max-height:28px;overflow-wrap:normal;font-weight:600;text-overflow:ellipsis}.day-event.short bdi{white-space:nowrap}.day-event time{clip-path:inset(50%);position:absolute}.day-event.ask{background:var(--surface);box-shadow:inset 0 0 0 1.5px var(--d)}.day-event.off{background:var(--surface);color:var(--muted);box-shadow:inset 0 0 0 1px var(--line);text-decoration:line-through}.day-event.free{background:repeating-linear-gradient(-45deg,var(--g) 0 6px,color-mix(in srgb,var(--g) 45%,var(--surface)) 6px 12px)}.day-event.was{background:repeating-linear-gradient(-45deg,transparent 0 4px,color-mix(in srgb,var(--text) 8%,transparent) 4px 8px);box-shadow:inset 0 0 0 1px var(--line)}\n";

adopt(day_default);
var [around, fewest, most3] = [2, 6, 10];
var morning = 10;
var height = 32;
async function showDay(client, found, line, beside) {
  const { event_id, start, end, before } = found;
  if (start === null || start.utc === null || end === null || end.utc === null) return;
  const asked = outline(found.title, start.utc, end.utc);
  const was = before === null || before.start?.utc == null || before.end?.utc == null || before.start.utc === start.utc ? void 0 : outline(before.title, before.start.utc, before.end.utc);
  const calendars = await client.calendars();
  const { others } = await about(client, calendars, event_id, asked.start, asked.end);
  const clash = others.find((one) => overlaps(one, asked));
  line.hidden = beside.hidden = false;
  line.classList.toggle("clash", clash !== void 0);
  fill(line, clash !== void 0 ? overlapText(clash) : t("You're free at this time."));
  drawDay(beside, asked, was, others, calendars);
}
async function about(client, calendars, eventID, start, end) {
  const own = calendars.filter(({ owner }) => owner === "");
  const seconds = (day) => dateOf(day).getTime() / 1e3;
  const from = seconds(dayOf(start));
  const to = Math.max(seconds(dayOf(end) + 1), end.getTime() / 1e3);
  const { events } = await client.events(from, to, own.map(({ id }) => id));
  const seen = new Set(own.filter(({ hidden }) => !hidden).map(({ id }) => id));
  return { asked: events.filter(({ id }) => id === eventID).map(shown2), others: events.filter(({ id, calendar_id }) => id !== eventID && seen.has(calendar_id)).map(shown2) };
}
var overlaps = (one, asked) => isBusy(one) && one.start < asked.end && asked.start < one.end;
function outline(title, starts, ends) {
  const none = { recurrence: "", place: "", free: false, repeats: false, cancelled: false, private: false, join: "", colour: "" };
  const item = { ...none, id: 0, calendar_id: 0, starts, ends, clock: "utc", title, guests: 0, answer: "ask" };
  return shown2(item);
}
function drawDay(place, asked, was, others, calendars) {
  const day = asked.first;
  const midnight = dateOf(day).getTime();
  const hours = (date) => (date.getTime() - midnight) / 36e5;
  const marked = asked.bar ? [] : was === void 0 || was.first !== day ? [asked] : [asked, was];
  const [begins, ends] = asked.bar ? [morning, morning] : [Math.min(...marked.map(({ start }) => hours(start))), Math.max(...marked.map(({ end }) => hours(end)))];
  const from = Math.max(0, Math.floor(begins) - around);
  const wanted = Math.ceil(ends) + around - from;
  const count = Math.min(24 - from, most3, Math.max(fewest, wanted));
  const within = (one) => hours(one.start) < from + count && hours(one.end) > from;
  const kind = ({ item }) => [`c${colourOfEvent(item, calendars)}`, item.free && "free", item.answer === "ask" && "ask", (item.answer === "no" || item.cancelled) && "off"].filter(Boolean).join(" ");
  const whole = (asked.bar ? [asked, ...others] : others).filter((one) => one.bar && one.first <= day && one.last >= day);
  const timed = others.filter((one) => !one.bar && one.first === day);
  const made = columns([...timed, ...marked].filter(within)).map(({ one, column, of }) => {
    const [top, bottom] = [Math.max(from, hours(one.start)), Math.min(from + count, hours(one.end))];
    const tall = Math.max(16, (bottom - top) * height - 2);
    const times = `${clock(one.start)} – ${clock(one.end)}`;
    const name = one === was ? t("Moved from {from} to {to}", { from: clock(one.start), to: clock(asked.start) }) : "";
    const block = el("li", { class: `day-event ${one === was ? "was" : kind(one)}${tall < 32 ? " short" : ""}`, title: `${nameOf(one.item)}
${times}`, ...name !== "" && { "aria-label": name } }, one !== was && [el("bdi", { dir: "auto" }, nameOf(one.item)), el("time", {}, times)]);
    Object.assign(block.style, { top: `${(top - from) * height + 1}px`, height: `${tall}px`, insetInlineStart: `calc(${column * 100 / of}% + 1px)`, width: `calc(${100 / of}% - 2px)` });
    return block;
  });
  const blocks = el("ul", { class: "day-blocks" }, made);
  blocks.style.height = `${count * height}px`;
  fill(place, el("a", { class: "day-name", href: placeOf("day", day) }, shortDay(day)), whole.length > 0 && el("ul", { class: "day-whole" }, whole.map((one) => el("li", { class: kind(one) }, el("bdi", { dir: "auto" }, nameOf(one.item))))), el("div", { class: "day-hours" }, el("div", { class: "day-labels", "aria-hidden": "true" }, Array.from({ length: count }, (_, at) => el("span", {}, clock(dateOf(day, (from + at) * 60))))), blocks));
}

var invitation_default = ".event-card:not([hidden]){display:flex;flex-wrap:wrap;margin:12px 26px 0;border:1px solid var(--border-color);border-radius:10px;overflow:hidden;overflow-wrap:anywhere}.card .event-card:not([hidden]){margin-inline:0}@media(max-width:700px){.event-card:not([hidden]){margin-inline:16px}}.event-card>p{margin:14px 16px}.event-what{display:grid;flex:99 1 320px;align-content:start;gap:8px;min-width:0;padding:14px 16px}.event-title{margin:0;font-size:16px}.event-what.off .event-title,.event-what.off dd:first-of-type{color:var(--color-mild);text-decoration:line-through}.event-state{margin:0;font-weight:600}.event-change{display:flex;gap:6px;justify-self:start;margin:0;padding:3px 10px 3px 8px;border-radius:4px;background:var(--tag-6);color:var(--tag-6-text);font-size:13px;font-weight:600}.event-change .i{flex:none;margin-top:1px}.invitation-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 12px;margin:0;font-size:14px}.invitation-facts dt{color:var(--color-mild)}.invitation-facts dd{margin:0}.event-answers{display:flex;flex-wrap:wrap;gap:8px;align-items:center}.event-note{flex:1 1 160px;min-width:0}.event-day{margin:0;color:var(--color-mild)}.event-day.clash{color:var(--warn)}.event-beside:not([hidden]){flex:1 1 200px;min-width:0;padding:14px 16px;border:solid var(--border-color);border-width:1px;margin:-1px;background:var(--surface)}\n";

adopt(invitation_default);
var firstGuests = 10;
var answers = [["yes", t("Yes")], ["maybe", t("Maybe")], ["no", t("No")]];
var given2 = { yes: t("You accepted."), maybe: t("You replied “maybe”."), no: t("You declined."), proposed: t("You proposed a new time.") };
var leftOut = { zone: t("Your calendar uses your time zone because the event's time zone is unknown."), end: t("Your calendar doesn't have an end time because the event's isn't valid."), rule: t("Your calendar only has the first date because it can't read how the event repeats."), excluded: t("Your calendar also has dates that the organizer excluded."), guests: t("Your calendar only lists the first 500 guests.") };
var comes = { yes: t("going"), maybe: t("maybe"), no: t("not going") };
function dayOf2(local2) {
  const date = /* @__PURE__ */ new Date(`${local2.slice(0, 10)}T00:00:00Z`);
  return new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeZone: "UTC" }).format(date);
}
function momentOf(when, zone) {
  if (!when.local.includes("T")) return dayOf2(when.local);
  const options = { dateStyle: "full", timeStyle: "short" };
  if (when.utc === null) return new Intl.DateTimeFormat(locale(), { ...options, timeZone: "UTC" }).format(/* @__PURE__ */ new Date(`${when.local}Z`));
  return new Intl.DateTimeFormat(locale(), zone === void 0 ? options : { ...options, timeZone: zone }).format(new Date(when.utc * 1e3));
}
function timesOf({ start, end }) {
  if (start === null) return t("Time not set");
  if (end === null) return momentOf(start);
  if (!start.local.includes("T")) {
    const last = new Date(Date.parse(`${end.local.slice(0, 10)}T00:00:00Z`) - 864e5).toISOString();
    return last.slice(0, 10) <= start.local.slice(0, 10) ? momentOf(start) : t("{start} to {end}", { start: momentOf(start), end: dayOf2(last) });
  }
  const same2 = start.utc !== null && end.utc !== null ? new Date(start.utc * 1e3).toDateString() === new Date(end.utc * 1e3).toDateString() : start.local.slice(0, 10) === end.local.slice(0, 10);
  const clock2 = (when) => new Intl.DateTimeFormat(locale(), { timeStyle: "short", ...when.utc === null && { timeZone: "UTC" } }).format(when.utc === null ? /* @__PURE__ */ new Date(`${when.local}Z`) : new Date(when.utc * 1e3));
  return t("{start} to {end}", { start: momentOf(start), end: same2 ? clock2(end) : momentOf(end) });
}
function thereOf({ start }) {
  if (start === null || start.zone === "" || start.zone === "UTC") return "";
  if (start.utc === null) return t("{time} in {zone}", { time: momentOf(start), zone: start.zone });
  try {
    const there = momentOf(start, start.zone);
    return there === momentOf(start) ? "" : t("{time} in {zone}", { time: there, zone: start.zone });
  } catch {
    return "";
  }
}
function guest(one) {
  const name = isolated(one.name || one.address);
  const said = comes[one.answer];
  return el("span", { title: isolated(one.address) }, el("bdi", { dir: "auto" }, name), said !== void 0 && ` (${said})`);
}
function guests(found) {
  const place = el("span", {});
  const rest = found.people.length - firstGuests + found.more;
  const show = (n) => {
    const shown3 = found.people.slice(0, n).flatMap((one, at) => at === 0 ? [guest(one)] : [", ", guest(one)]);
    const left = found.people.length - Math.min(n, found.people.length) + found.more;
    const all = el("button", { class: "link", type: "button", onclick: () => show(found.people.length) }, t("and {n} more", { n: left }));
    fill(place, shown3, rest > 0 && left > 0 && [" ", n >= found.people.length ? t("and {n} more", { n: left }) : all]);
  };
  show(firstGuests);
  return place;
}
function stateOf(found) {
  switch (found.state) {
    case "cancelled":
      return t("This event is canceled.");
    case "old":
      return [t("This event has since been updated."), " ", el("a", { href: "#search:", onclick: searchFor(`subject:"${found.title.replaceAll('"', " ")}"`) }, t("Show"))];
    case "stranger":
      if (found.method === "COUNTER") return t("You can't accept this new time because the sender isn't a verified guest at one of your events.");
      return t("The organizer couldn't be verified. Anyone could have sent this.");
    default:
      return null;
  }
}
function saidOf(found) {
  const [answered] = found.people.filter((one) => one.answer !== "");
  if (found.method === "REPLY" && answered !== void 0) {
    const name = isolated(answered.name || answered.address);
    if (answered.answer === "yes") return t("{name} is going", { name });
    return answered.answer === "maybe" ? t("{name} replied “maybe”", { name }) : t("{name} isn't going", { name });
  }
  if (found.proposal !== null) return t("{who} proposed a new time.", { who: isolated(found.proposal.by.name || found.proposal.by.address) });
  if (found.method === "DECLINECOUNTER" && found.state === "" && found.organizer !== null) return t("{who} declined the time you proposed.", { who: isolated(found.organizer.name || found.organizer.address) });
  return "";
}
var became = { accepted: t("New time accepted."), changed: t("The event has changed since this proposal."), declined: t("New time declined.") };
function proposed(client, item, path, found) {
  const { proposal } = found;
  if (proposal === null) return null;
  const said = el("span", { role: "status" }, became[proposal.state] ?? "");
  if (proposal.state !== "") return said;
  const ids = { accept: newId(), decline: newId() };
  const who = isolated(proposal.by.name || proposal.by.address);
  const buttons = ["accept", "decline"].map((name) => el("button", { class: name === "accept" ? "btn primary" : "btn line", type: "button", onclick: async () => {
    const accept = name === "accept";
    const done = await attempt(accept ? t("Moving…") : t("Sending…"), accept ? t("Couldn't move event") : t("Couldn't decline new time"), () => client.invitation_proposal(item.id, path, accept, ids[name]));
    if (!done) return;
    toast(accept ? t("Event moved. Guests will get an update.") : t("{who} will get a message", { who }));
    for (const button of buttons) button.remove();
    fill(said, became[accept ? "accepted" : "declined"]);
  } }, name === "accept" ? t("Accept new time") : t("Decline new time")));
  return [buttons, said];
}
function shownTimes(start, end) {
  const whole = !start.local.includes("T");
  const value = (when) => whole ? when.local : when.utc === null ? when.local.slice(0, 16) : local(new Date(when.utc * 1e3), false);
  return { whole, start: value(start), end: end === null ? value(start) : whole ? withDate(end.local, -1) : value(end) };
}
var acts = { add: [t("Add to calendar"), t("Saving…"), t("Couldn't save event")], update: [t("Update my calendar"), t("Saving…"), t("Couldn't save event")], remove: [t("Remove from calendar"), t("Deleting…"), t("Couldn't delete event")] };
function applied(client, item, path, found, again) {
  const { act } = found;
  if (act === "") return null;
  const [title, doing, failed] = acts[act];
  const target = el("select", { class: "dialog-input", "aria-label": t("Calendar"), hidden: true });
  if (act === "add") void offer(client, target).catch(() => void 0);
  const apply = async () => {
    const undo = (run) => ({ title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), async () => {
      await run();
      await again();
    }) });
    await attempt(doing, failed, async () => {
      const done = await client.invitation_apply(item.id, path, Number(target.value));
      const { removed, added, known, event_id: id } = done;
      const name = isolated(found.title || t("(no title)"));
      if (removed !== null) toast(t("“{title}” deleted", { title: name }), undo(() => client.event_undo([removed])));
      else if (act === "update") toast(t("Calendar updated"));
      else toast(added === 0 && known > 0 ? many(known, "{n} already exists", "{n} already exist") : many(added, "{n} entry added", "{n} entries added"), added === 1 && id !== 0 ? undo(() => client.event_remove(id)) : void 0);
      await again();
    });
  };
  return [el("button", { class: `btn ${act === "update" ? "line" : "primary"}`, type: "button", onclick: apply }, title), target];
}
async function offer(client, target) {
  const own = (await client.calendars()).filter(({ owner, source }) => owner === "" && source === "");
  fill(target, own.map(({ id, name }) => el("option", { value: String(id) }, isolated(name))));
  target.hidden = own.length < 2;
}
async function showInvitation(client, base, item, path, place) {
  let found;
  try {
    found = await client.invitation(item.id, path);
  } catch (error) {
    if (codeOf(error) === null) throw error;
    fill(place, el("p", { class: "hint" }, t("Couldn't open calendar: {why}", { why: error.message })));
    place.hidden = false;
    return;
  }
  draw(client, base, item, path, place, found);
}
function draw(client, base, item, path, place, found) {
  const fact = (name, value) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)];
  const there = thereOf(found);
  const note = el("input", { class: "dialog-input event-note", placeholder: t("Add note"), "aria-label": t("Note to organizer"), maxlength: "2000", dir: "auto" });
  const said = el("span", { role: "status" }, found.answer === "" ? "" : given2[found.answer] ?? "", found.answered_old && ` ${t("You replied to an earlier version.")}`);
  let last = null;
  const answer = async (chosen) => {
    const words = note.value.trim();
    if (last?.chosen !== chosen || last.words !== words) last = { chosen, words, id: newId() };
    const { id } = last;
    const sent = await attempt(t("Sending…"), t("Couldn't send reply"), () => client.invitation_answer(item.id, path, chosen, id, words));
    if (!sent) return;
    toast(t("Reply sent to {who}", { who: isolated(found.organizer?.name || found.organizer.address) }));
    const held = place.contains(document.activeElement);
    const answered = { ...found, answer: chosen, answered_old: false };
    draw(client, base, item, path, place, await client.invitation(item.id, path).catch(() => answered));
    if (held) place.querySelector('[aria-pressed="true"]')?.focus();
  };
  const stands = (name) => found.answer === name && !found.answered_old;
  const day = el("p", { class: "event-day", role: "status", hidden: true });
  const beside = el("section", { class: "event-beside", "aria-label": t("Your day"), hidden: true });
  const open = found.method === "REQUEST" && found.me !== "" && found.state === "" && found.organizer !== null;
  const state = stateOf(found);
  const means = saidOf(found);
  const again = async () => draw(client, base, item, path, place, await client.invitation(item.id, path));
  const off = found.method === "CANCEL" || found.state === "cancelled";
  const card = el("div", { class: off ? "event-what off" : "event-what" }, changesOf(found).map((words) => el("p", { class: "event-change" }, sign(calendarClock, "i s"), words)), el("h2", { class: "event-title" }, el("bdi", { dir: "auto" }, isolated(found.title) || t("(no title)"))), means !== "" && el("p", { class: "event-state" }, means), state !== null && el("p", { class: "event-state" }, state), found.state === "" && joinLink(found.join, true), el("dl", { class: "invitation-facts" }, found.proposal !== null && fact(t("Scheduled time"), timesOf(found.proposal)), fact(found.proposal === null ? t("When") : t("Proposed time"), [timesOf(found), there !== "" && el("span", { class: "hint" }, el("br"), there)]), found.repeats !== null && fact(t("Repeats"), ruleText(found.repeats)), found.one_of_many && fact(t("Note"), t("This is for one event in a series.")), found.place !== "" && fact(t("Location"), isolated(found.place)), found.organizer !== null && fact(t("Organizer"), guest(found.organizer)), found.sent_by !== "" && fact(t("Sent by"), el("strong", {}, isolated(found.sent_by))), found.people.length > 0 && fact(t("Guests"), guests(found)), found.others > 0 && fact(t("Also"), many(found.others, "{n} more event in the file", "{n} more events in the file"))), found.act === "add" && found.method === "REQUEST" && el("p", { class: "event-day" }, t("You aren't on the guest list. The organizer won't know that you're going.")), found.left_out.map((one) => el("p", { class: "event-day" }, leftOut[one])), day, el("div", { class: "event-answers" }, open && answers.map(([name, title]) => el("button", { class: stands(name) ? "btn primary" : "btn line", type: "button", "aria-pressed": String(stands(name)), onclick: () => void answer(name) }, title)), open && note, open && found.repeats === null && found.start !== null && el("button", { class: "btn line", type: "button", onclick: async () => {
    const times = shownTimes(found.start, found.end);
    const sent = await propose(times, (start, end, id, words) => client.invitation_propose(item.id, path, start, end, id, words));
    if (!sent) return;
    toast(t("New time proposed"));
    draw(client, base, item, path, place, { ...found, answer: "proposed", answered_old: false });
  } }, t("Propose new time…")), proposed(client, item, path, found), applied(client, item, path, found, again), found.event_id !== 0 && found.start !== null && el("a", { class: "btn text", href: placeOf("day", dayOf(dateOf2(found.start))) }, t("Show in calendar")), el("a", { class: "btn text", href: `${base}msg/${item.id}/download/${path}` }, t("Download")), said));
  fill(place, card, beside);
  place.hidden = false;
  if (open) void showDay(client, found, day, beside).catch(() => void 0);
}
export {
  showInvitation
};
