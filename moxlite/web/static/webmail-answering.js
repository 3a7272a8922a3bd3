var anchored_default = ".anchored::backdrop{background:none}@media(min-width:701px){.dialog.anchored{inset:auto;width:340px;margin:0;padding:14px;border-radius:12px}.anchored .palette-list{height:300px}}@media(max-width:700px){.dialog.anchored{inset:auto 0 0!important;width:100%;max-width:none;max-height:80dvh;margin:0;padding-bottom:calc(22px + env(safe-area-inset-bottom));border-radius:14px 14px 0 0}.anchored::backdrop{background:var(--overlay-background)}}\n";

var mirrored = () => document.documentElement.dir === "rtl";

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(anchored_default);
var [apart, edge] = [4, 8];
function anchorTo(cause, beside) {
  const box = [...document.querySelectorAll("dialog:modal")].at(-1);
  if (box === void 0) return;
  box.classList.add("anchored");
  box.addEventListener("pointerdown", (event) => {
    const place = box.getBoundingClientRect();
    const inside = event.clientX >= place.left && event.clientX <= place.right && event.clientY >= place.top && event.clientY <= place.bottom;
    if (event.target === box && !inside) box.dispatchEvent(new Event("cancel", { cancelable: true }));
  });
  let at = cause.getBoundingClientRect();
  const draw = () => {
    if (cause.checkVisibility()) at = cause.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height2 } = box;
    const sides = [at.right + apart, at.left - apart - width];
    const side = (mirrored() ? sides.reverse() : sides).find((one) => one >= edge && one + width <= innerWidth - edge);
    const [left, top] = beside && side !== void 0 ? [side, at.top] : [mirrored() ? at.right - width : at.left, at.bottom + apart];
    box.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
    box.style.top = `${Math.max(edge, Math.min(top, innerHeight - height2 - edge))}px`;
  };
  draw();
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  observer.observe(document.documentElement);
}

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
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

var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
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

function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key) {
  let hash = 0;
  for (const sign2 of key) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
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
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });
function when(one) {
  const from = shortDay(one.first);
  const to = shortDay(one.last);
  if (one.item.clock === "date") return one.first === one.last ? from : `${from} – ${to}`;
  const end = one.first === one.last ? clock(one.end) : `${to}, ${clock(one.end)}`;
  return `${from}, ${clock(one.start)} – ${end}`;
}
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

var undoSeconds = 8;

function titleOf(news) {
  const n = news.filter(({ said }) => said === "invited").length;
  return n > 0 ? many(n, "{n} new invitation", "{n} new invitations") : many(news.length, "{n} change in your calendar", "{n} changes in your calendar");
}

var day_default = ".day-name{color:var(--text);font-size:13px;font-weight:600}.day-hours{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px;margin-top:12px}.day-labels span{display:block;height:32px;color:var(--muted);font-size:11px;line-height:16px;text-align:end;font-variant-numeric:tabular-nums;translate:0 -8px}.day-blocks,.day-whole{margin:0;padding:0;list-style:none}.day-blocks{position:relative;background:repeating-linear-gradient(var(--line) 0 1px,transparent 1px 32px)}.day-whole li{margin-top:4px;padding:2px 8px;border-radius:4px;background:var(--g);color:var(--c);font-size:12px}.day-event{--d: color-mix(in oklab, var(--c) 68%, var(--g));position:absolute;overflow:hidden;padding-block:1px;padding-inline:8px 4px;border-radius:6px;background:var(--g);color:var(--c);font-size:11px;line-height:14px;box-shadow:inset calc(3px * var(--flow)) 0 0 var(--d)}.day-event bdi{display:block;overflow:hidden;max-height:28px;overflow-wrap:normal;font-weight:600;text-overflow:ellipsis}.day-event.short bdi{white-space:nowrap}.day-event time{clip-path:inset(50%);position:absolute}.day-event.ask{background:var(--surface);box-shadow:inset 0 0 0 1.5px var(--d)}.day-event.off{background:var(--surface);color:var(--muted);box-shadow:inset 0 0 0 1px var(--line);text-decoration:line-through}.day-event.free{background:repeating-linear-gradient(-45deg,var(--g) 0 6px,color-mix(in srgb,var(--g) 45%,var(--surface)) 6px 12px)}.day-event.was{background:repeating-linear-gradient(-45deg,transparent 0 4px,color-mix(in srgb,var(--text) 8%,transparent) 4px 8px);box-shadow:inset 0 0 0 1px var(--line)}\n";

adopt(day_default);
var [around, fewest, most] = [2, 6, 10];
var morning = 10;
var height = 32;
async function about(client, calendars, eventID, start, end) {
  const own = calendars.filter(({ owner }) => owner === "");
  const seconds = (day) => dateOf(day).getTime() / 1e3;
  const from = seconds(dayOf(start));
  const to = Math.max(seconds(dayOf(end) + 1), end.getTime() / 1e3);
  const { events } = await client.events(from, to, own.map(({ id }) => id));
  const seen = new Set(own.filter(({ hidden }) => !hidden).map(({ id }) => id));
  return { asked: events.filter(({ id }) => id === eventID).map(shown), others: events.filter(({ id, calendar_id }) => id !== eventID && seen.has(calendar_id)).map(shown) };
}
var overlaps = (one, asked) => isBusy(one) && one.start < asked.end && asked.start < one.end;
function outline(title, starts, ends) {
  const none = { recurrence: "", place: "", free: false, repeats: false, cancelled: false, private: false, join: "", colour: "" };
  const item = { ...none, id: 0, calendar_id: 0, starts, ends, clock: "utc", title, guests: 0, answer: "ask" };
  return shown(item);
}
function drawDay(place, asked, was, others, calendars) {
  const day = asked.first;
  const midnight = dateOf(day).getTime();
  const hours = (date) => (date.getTime() - midnight) / 36e5;
  const marked = asked.bar ? [] : was === void 0 || was.first !== day ? [asked] : [asked, was];
  const [begins, ends] = asked.bar ? [morning, morning] : [Math.min(...marked.map(({ start }) => hours(start))), Math.max(...marked.map(({ end }) => hours(end)))];
  const from = Math.max(0, Math.floor(begins) - around);
  const wanted = Math.ceil(ends) + around - from;
  const count = Math.min(24 - from, most, Math.max(fewest, wanted));
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

var answering_default = ".dialog:has(>.answering){width:min(860px,calc(100vw - 32px));padding:0;overflow:hidden}.dialog[open]:has(>.answering){display:grid;grid-template:auto minmax(0,1fr) auto / minmax(0,1fr) auto auto;align-items:center}.dialog:has(>.answering)>.dialog-title{margin:0;padding:14px 20px;font-size:16px}.answering-count{color:var(--text-2);font-size:13px}.answering-close{margin-inline:8px 12px}:is(.answering-close,.answering-buttons .icon){display:grid;flex:none;place-content:center;width:34px;height:34px;padding:0;border:0;background:none}:is(.answering,.answering-foot) button{min-height:34px;font-size:14px}:is(.answering,.answering-foot) .text{border:0;background:none;color:var(--link-color)}.answering{display:grid;grid-column:1 / -1;grid-template-columns:minmax(0,1fr) 200px;align-self:stretch;min-height:0;border:solid var(--line);border-width:1px 0}.answering-rows{min-height:0;max-height:460px;margin:0;padding:0;overflow-y:auto;list-style:none}.answering-row{display:flex;align-items:center;gap:14px;min-height:92px;padding:8px 16px 8px 20px;line-height:18px}.answering-row+.answering-row{border-top:1px solid var(--line)}.answering-row.chosen{background:var(--mailbox-active-background)}.answering-row>.disc{--disc: 40px;font-size:13px}.answering-text{flex:1;min-width:0;font-size:13px}.answering-text>*{overflow:hidden;margin:0;text-overflow:ellipsis;white-space:nowrap}.answering-text h3{margin:-3px;padding:3px;display:flex;font-size:14px}.answering-text a{overflow:hidden;text-overflow:ellipsis;color:inherit;text-decoration:none}.answering-text a:hover{text-decoration:underline}.answered .answering-text h3{color:var(--text-2);font-weight:400}.canceled .answering-text h3{text-decoration:line-through}.answering-facts{color:var(--text-2);font-size:12px}.answering-state{display:flex;gap:6px;min-height:18px;color:var(--tag-4-text)}.changed .answering-state{display:none}.changed .answering-facts{white-space:normal}.answering-state.clash{color:var(--warn)}.answered .answering-state{color:var(--text-2)}.answering-state .i{flex:none;margin-top:1px}.answering-state span{overflow:hidden;text-overflow:ellipsis}.answering-buttons{display:flex;align-items:center;gap:6px}.answering-given{display:flex;gap:6px;font-size:14px}.answering-given.yes{color:var(--tag-4-text)}.answering-day{min-height:0;max-height:460px;padding:14px;overflow-y:auto;border-inline-start:1px solid var(--line);background:var(--surface)}.answering-foot{display:flex;grid-column:1 / -1;flex-wrap:wrap;align-items:center;gap:4px 16px;padding:6px 12px 6px 20px;color:var(--text-2);font-size:13px}.answering-foot kbd{margin:0;padding:1px 6px;border:1px solid var(--line);border-radius:4px;font-size:12px}.answering-foot .btn{margin-inline-start:auto}@media(hover:none){.answering-foot>span{display:none}}@media(max-width:700px){.dialog.anchored:has(>.answering){inset:0!important;width:100%;height:100dvh;max-height:none;padding-bottom:env(safe-area-inset-bottom);border-radius:0}.answering{grid-template-columns:minmax(0,1fr)}.answering-rows{max-height:none}.answering-day{display:none}.answering-row{display:grid;grid-template-columns:auto minmax(0,1fr);gap:8px 12px;padding:12px 16px}.answering-row>.disc{align-self:start}.answering-buttons{grid-column:1 / -1}:is(.answering-close,.answering-buttons button,.answering-foot button){min-width:44px;min-height:44px}.answering-buttons .line{flex:1}.answering-row:is(.answered,.changed){grid-template-columns:auto minmax(0,1fr) auto;min-height:60px;padding-block:8px}:is(.answered,.changed) .answering-buttons{grid-column:auto;gap:0}:is(.answered,.changed) .answering-buttons .text{padding-inline:8px 0}.answered :is(.answering-facts,.answering-state){display:none}}\n";

adopt(answering_default);
var answers = [["yes", t("Yes"), meant("answer", "Going")], ["maybe", t("Maybe"), t("Maybe")], ["no", t("No"), t("Not going")]];
var ahead = 90;
var dayLength2 = 864e5;
function openNews(client, news, button, ask) {
  const open = new Answering(client, ask);
  open.update(news);
  const closed = dialog(titleOf(news), (end) => open.build(end));
  anchorTo(button, false);
  open.begin();
  return { update: (found) => open.update(found), closed: closed.then(() => open.end()) };
}
var Answering = class {
  constructor(client, ask) {
    this.client = client;
    this.ask = ask;
  }
  client;
  ask;
  rows = el("ul", { class: "answering-rows" });
  day = el("section", { class: "answering-day", "aria-label": t("Your day") });
  count = el("p", { class: "answering-count", role: "status" });
  known = /* @__PURE__ */ new Map();
  calendars;
  close = () => {
  };
  chosen;
  build(end) {
    this.close = end;
    const key = (name, words2) => el("span", {}, el("kbd", {}, name), " ", words2);
    const last = el("div", { class: "answering-foot" }, key("y", t("Yes")), key("m", t("Maybe")), key("n", t("No")), key("u", t("Undo")), key("j k", t("Next, previous")), el("button", { class: "btn text", type: "button", onclick: () => end() }, t("Answer later")));
    const words = t("Close");
    const leave = el("button", { class: "btn icon answering-close", type: "button", title: words, "aria-label": words, onclick: () => end() }, sign(x));
    const box = el("div", { class: "answering", onkeydown: (event) => this.key(event) }, this.rows, this.day);
    box.addEventListener("focusin", ({ target }) => {
      const at = this.list().find(({ root }) => root.contains(target));
      if (at !== void 0) this.choose(at);
    });
    return [this.count, leave, box, last];
  }
  begin() {
    this.list()[0]?.focus();
  }
  end() {
    for (const row of this.known.values()) row.end();
  }
  update(news) {
    const here = new Set(news.map(({ event_id }) => event_id));
    const at = this.list().findIndex(({ root }) => root.contains(document.activeElement));
    for (const [id, row] of this.known) if (!here.has(id) && row.answer === void 0) {
      row.root.remove();
      this.known.delete(id);
    }
    for (const one of news) {
      const row = this.known.get(one.event_id);
      if (row !== void 0) row.show(one);
      else {
        const made = new Row(this, one);
        this.known.set(one.event_id, made);
        this.rows.append(made.root);
      }
    }
    const list = this.list();
    if (at >= 0 && !this.rows.contains(document.activeElement)) (list[at] ?? list.at(-1))?.focus();
    const answered = list.filter(({ answer }) => answer !== void 0).length;
    fill(this.count, answered > 0 && many(answered, "{n} answered", "{n} answered"));
    if (list.length === 0) this.close();
  }
  settled() {
    if (this.list().every(({ done }) => done)) this.close();
  }
  next(after) {
    const list = this.list();
    const at = list.indexOf(after);
    ([...list.slice(at + 1), ...list.slice(0, at)].find(({ answer }) => answer === void 0) ?? after).focus();
  }
  async own() {
    this.calendars ??= this.client.calendars();
    return this.calendars;
  }
  async drawn(row) {
    if (row !== this.chosen || row.asked === void 0) return;
    drawDay(this.day, row.asked, void 0, row.others, await this.own());
  }
  choose(row) {
    if (row === this.chosen) return;
    this.chosen = row;
    for (const one of this.list()) one.root.classList.toggle("chosen", one === row);
    fill(this.day);
    void this.drawn(row);
  }
  list() {
    return [...this.known.values()];
  }
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const list = this.list();
    const at = Math.max(0, list.findIndex(({ root }) => root.contains(document.activeElement)));
    const to = { j: at + 1, k: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key];
    const press = to === void 0 ? list[at]?.press(event.key) : list[to]?.focus();
    if (press === false) return;
    event.preventDefault();
  }
};
var Row = class {
  constructor(panel, news) {
    this.panel = panel;
    this.news = news;
    this.show(news);
    if (news.said === "invited") void this.compare().catch(() => void 0);
  }
  panel;
  news;
  root = el("li", { class: "answering-row" });
  asked;
  others = [];
  answer;
  time = el("p", {});
  facts = el("p", { class: "answering-facts" });
  state = el("p", { class: "answering-state" });
  buttons = el("div", { class: "answering-buttons" });
  link;
  change;
  timer = 0;
  get done() {
    return this.answer !== void 0 && this.change === void 0;
  }
  show(news) {
    const known = this.link !== void 0 && JSON.stringify(news) === JSON.stringify(this.news);
    this.news = news;
    if (this.answer !== void 0 || known) return;
    const { said, who, title } = news;
    const first = outlined(news);
    this.link = el("a", { dir: "auto", href: first === void 0 ? "#calendar" : placeOf("day", first.first), onclick: () => this.leave() }, title === "" ? t("(no title)") : isolated(title));
    this.root.classList.toggle("canceled", said === "canceled");
    this.root.classList.toggle("changed", said !== "invited");
    fill(this.time, first === void 0 ? t("Time not set") : timeText(first, news.repeats));
    this.tellFacts(0);
    fill(this.root, el("span", { class: `disc c${hue(who.toLowerCase())}`, "aria-hidden": "true" }, initials(who)), el("div", { class: "answering-text" }, el("h3", {}, this.link), this.time, this.facts, this.state), this.buttons);
    this.offer();
  }
  focus() {
    this.link?.focus();
    this.root.scrollIntoView({ block: "nearest" });
  }
  press(key) {
    const name = { y: "yes", m: "maybe", n: "no", u: "undo" }[key] ?? "";
    const button = this.buttons.querySelector(`[data-answer="${name}"]`);
    button?.click();
    return button !== null;
  }
  end() {
    clearTimeout(this.timer);
    if (this.change !== void 0) void this.forget().catch(() => void 0);
  }
  leave() {
    this.root.closest("dialog")?.dispatchEvent(new Event("cancel", { cancelable: true }));
  }
  tellFacts(guests) {
    const { said, place, who } = this.news;
    const facts = [said === "invited" ? isolated(who) : what(this.news), isolated(place), guests > 1 && many(guests, "{n} guest", "{n} guests")];
    fill(this.facts, facts.filter(Boolean).join(" · "));
  }
  offer() {
    const invited = this.news.said === "invited";
    const dismiss = () => this.act(t("Couldn't save event"), () => this.forget());
    const words = t("Dismiss");
    fill(this.buttons, invited && answers.map(([answer, title]) => el("button", { class: "btn line", type: "button", data: { answer }, title: withKey(title, answer.slice(0, 1)), onclick: () => this.give(answer) }, title)), invited ? el("button", { class: "btn icon", type: "button", title: words, "aria-label": words, onclick: dismiss }, sign(x)) : el("button", { class: "btn text", type: "button", onclick: dismiss }, words));
  }
  async give(answer) {
    await this.act(t("Couldn't send reply"), async () => {
      this.change = await this.panel.client.event_answer(this.news.event_id, answer, "", undoSeconds);
      this.answer = answer;
      this.tell();
      this.panel.next(this);
      this.timer = window.setTimeout(() => this.settle(), undoSeconds * 1e3);
    });
  }
  tell() {
    const [, , given2] = answers.find(([name]) => name === this.answer);
    const words = t("Undo");
    this.root.classList.toggle("answered", this.answer !== void 0);
    fill(this.buttons, el("span", { class: `answering-given ${this.answer}` }, sign(circleCheck, "i s"), given2), this.change !== void 0 && el("button", { class: "btn text", type: "button", data: { answer: "undo" }, title: withKey(words, "u"), onclick: () => this.takeBack() }, words));
  }
  async takeBack() {
    const { change } = this;
    if (change === void 0) return;
    clearTimeout(this.timer);
    this.change = void 0;
    await this.act(t("Couldn't undo"), async () => {
      await this.panel.client.event_undo(change.undo);
      this.answer = void 0;
      this.root.classList.remove("answered");
      this.offer();
      this.focus();
    });
    if (this.answer !== void 0) this.tell();
  }
  settle() {
    const held = this.buttons.contains(document.activeElement);
    this.change = void 0;
    this.tell();
    if (held) this.focus();
    void this.forget().catch(() => void 0);
    this.panel.settled();
  }
  async forget() {
    await this.panel.client.event_news_seen(this.news.event_id);
  }
  async act(failed, run) {
    await attempt(t("Saving…"), failed, async () => {
      await run();
      await this.panel.ask();
    });
  }
  async compare() {
    const first = outlined(this.news);
    if (first === void 0) return;
    const until = this.news.repeats ? new Date(first.start.getTime() + ahead * dayLength2) : first.end;
    const calendars = await this.panel.own();
    const { asked, others } = await about(this.panel.client, calendars, this.news.event_id, first.start, until);
    const times = asked.length === 0 ? [first] : asked;
    this.asked = times[0];
    this.others = others;
    if (this.answer === void 0) {
      fill(this.time, timeText(this.asked, this.news.repeats));
      this.tellFacts(this.asked.item.guests);
    }
    const clash = times.flatMap((time) => others.filter((one) => overlaps(one, time)))[0];
    const words = clash !== void 0 ? overlapText(clash) : times.length > 1 ? many(times.length, "You're free on this day.", "You're free on the first {n} days.") : t("You're free at this time.");
    this.state.classList.toggle("clash", clash !== void 0);
    const icon2 = clash === void 0 ? circleCheck : triangleAlert;
    fill(this.state, !this.asked.bar && [sign(icon2, "i s"), el("span", { title: words }, words)]);
    await this.panel.drawn(this);
  }
};
function outlined({ title, at }) {
  if (at === null) return void 0;
  const length = at.clock === "date" ? 86400 : 3600;
  return shown({ ...outline(title, at.starts, at.starts + length).item, clock: at.clock });
}
function timeText(one, repeats) {
  const text2 = one.item.id === 0 && !one.bar ? when(one).replace(` – ${clock(one.end)}`, "") : when(one);
  return repeats ? `${text2} · ${t("Repeats")}` : text2;
}
function what({ said, who, before, answer }) {
  const name = isolated(who);
  if (said === "canceled") return t("{name} canceled this event", { name });
  if (said === "moved" && before !== null) {
    const was = shown({ ...outline("", before.starts, before.starts).item, clock: before.clock });
    return t("{name} moved this event from {time}", { name, time: timeText(was, false) });
  }
  if (said !== "answered") return t("{name} changed this event", { name });
  if (answer === "yes") return t("{name} is going", { name });
  if (answer === "maybe") return t("{name} replied “maybe”", { name });
  return answer === "no" ? t("{name} isn't going", { name }) : t("{name} replied", { name });
}
export {
  openNews
};
