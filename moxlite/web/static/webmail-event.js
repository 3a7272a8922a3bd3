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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

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
    const { offsetWidth: width, offsetHeight: height } = box;
    const sides = [at.right + apart, at.left - apart - width];
    const side = (mirrored() ? sides.reverse() : sides).find((one) => one >= edge && one + width <= innerWidth - edge);
    const [left, top] = beside && side !== void 0 ? [side, at.top] : [mirrored() ? at.right - width : at.left, at.bottom + apart];
    box.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
    box.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
  };
  draw();
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  observer.observe(document.documentElement);
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

var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var x = "M18 6 6 18 M6 6l12 12";

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
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem };
}
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
  const before2 = document.activeElement;
  return () => {
    if (before2 instanceof HTMLElement && before2 !== document.body && before2.isConnected) before2.focus();
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

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var shown = 1e4;
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made2 = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made2);
  return made2;
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
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

var colours_default = '.cal-colours{display:flex;flex-wrap:wrap;gap:10px;margin:12px 0}.dialog .cal-colours :is(input,button){appearance:none;position:relative;width:28px;height:28px;min-height:0;margin:0;padding:0;border:0;border-radius:50%;background:var(--c);cursor:pointer}.dialog .cal-colours [value=""]{background:none;border:2px dashed var(--c)}.dialog .cal-colours :is(:checked,[aria-pressed=true]){box-shadow:0 0 0 3px var(--raised),0 0 0 5px var(--c)}@media(max-width:700px){.cal-colours{gap:16px 10px}.dialog .cal-colours :is(input,button)::before{content:"";position:absolute;inset:-8px -5px}.dialog .cal-colours [value=""]::before{inset:-10px -7px}}\n';

function nameOf(item) {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}
var birthdayCalendar = -1;
function isChangeable(item, calendar) {
  if (calendar === void 0) return item.calendar_id !== birthdayCalendar;
  return calendar.writable && !item.private && (calendar.invites || item.guests === 0);
}
var colours = ["#D64A3E", "#D9782A", "#C99A06", "#459C40", "#1A9A8C", "#3A7BD3", "#8C5BCB", "#CD4A92"];
var given = [5, 6, 4, 7, 2, 8, 3, 1];
function colourOf(one, place) {
  return nearest(one.colour) ?? given[place % given.length];
}
function nearest(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return void 0;
  const parts = (text2) => [1, 3, 5].map((at) => Number.parseInt(text2.slice(at, at + 2), 16));
  const wanted = parts(colour);
  const distances = colours.map((each) => parts(each).reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0));
  return distances.indexOf(Math.min(...distances)) + 1;
}

adopt(colours_default);
function offered(inherited) {
  const names = [t("red"), t("orange"), t("yellow"), t("green"), t("teal"), t("blue"), t("purple"), t("pink")];
  return [...inherited === void 0 ? [] : [["", inherited, t("Calendar color")]], ...colours.map((colour, at) => [colour, at + 1, names[at]])];
}
function colourChoice(first, inherited) {
  const boxes = offered(inherited).map(([value, number, name]) => el("input", { type: "radio", name: "colour", value, class: `c${number}`, "aria-label": name, title: name, checked: value === first }));
  return { root: el("div", { class: "cal-colours", role: "radiogroup", "aria-label": t("Color") }, boxes), read: () => boxes.find(({ checked }) => checked)?.value ?? first };
}
function colourButtons(chosen, inherited, choose) {
  return el("div", { class: "cal-colours", role: "group", "aria-label": t("Color") }, offered(inherited).map(([value, number, name]) => el("button", { type: "button", value, class: `c${number}`, "aria-label": name, "aria-pressed": String(value === chosen), title: name, onclick: () => choose(value) })));
}

var placeOfEvent = (id, recurrence) => `,${id}${recurrence && `,${recurrence.replace(/\D/g, "")}`}`;

var join_default = ".event-joining{display:flex;align-items:center;gap:12px;margin:0 0 12px;overflow-wrap:anywhere}a.event-join{display:inline-flex;align-items:center;flex:none;min-height:34px;padding:0 14px;border-radius:7px;background:var(--mailbox-active-background);color:var(--color);font-weight:600;text-decoration:none}a.event-join:hover{background:var(--button-hover-background)}.event-card .event-joining{margin:0}.cal-agenda li:has(>.event-join){display:flex;align-items:center;gap:8px}@media(pointer:coarse){a.event-join{min-height:44px}}\n";

adopt(join_default);
function joinLink(link, named2 = false) {
  if (link === void 0 || !/^https?:/i.test(link)) return false;
  const host = URL.canParse(link) ? new URL(link).host : link;
  const button = el("a", { class: "btn event-join", href: link, target: "_blank", rel: "noopener noreferrer", title: link }, meant("event", "Join"));
  return named2 ? el("p", { class: "event-joining" }, button, el("bdi", { dir: "ltr" }, isolated(host))) : button;
}

function formatParty({ name, address }) {
  if (name === "") return address;
  return `${/[",;<>@:\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name} <${address}>`;
}
function looksRight(address) {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return at > 0 && !/\s/.test(domain) && /^[^.]+(\.[^.]+)*$/.test(domain) && (!/\s/.test(address) || address.startsWith('"'));
}

var ahead = 15;
var hour = 36e5;
var clock = (date) => formatted(date, "busy clock", { hour: "numeric", minute: "2-digit" });
var overlaps = (one, start, end) => one.start < end && one.end > start;
function midnight(date, days3 = 0) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days3);
}
function moment(seconds, whole) {
  const date = new Date(seconds * 1e3);
  return whole ? new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) : date;
}
var BusyBars = class {
  constructor(client, eventID, choose) {
    this.client = client;
    this.eventID = eventID;
    this.choose = choose;
    this.next = el("button", { class: "btn line small", type: "button", onclick: () => this.goOn() }, t("Next free time"));
    this.root.append(el("div", { class: "event-busy-head" }, this.day, this.next), this.rows, this.words);
  }
  client;
  eventID;
  choose;
  root = el("section", { class: "event-busy", hidden: true, "aria-label": t("Guest availability") });
  day = el("strong");
  rows = el("ul");
  words = el("p", { role: "status" });
  next;
  people = [];
  slot = null;
  persons = [];
  asked = "";
  waiting = 0;
  show(people, slot) {
    this.people = people;
    this.slot = slot;
    clearTimeout(this.waiting);
    if (people.length === 0 || slot === null) {
      this.root.hidden = true;
      return;
    }
    const wanted = `${midnight(slot.start).getTime()} ${people.join(" ")}`;
    if (wanted === this.asked) this.draw();
    else this.waiting = setTimeout(() => void this.ask(wanted), 250);
  }
  async ask(wanted) {
    const { slot, people } = this;
    if (slot === null) return;
    this.asked = wanted;
    this.root.hidden = false;
    const seconds = (days3) => Math.floor(midnight(slot.start, days3).getTime() / 1e3);
    try {
      const found = await this.client.busy_times(people.slice(0, 50), seconds(0), seconds(ahead), this.eventID);
      if (this.asked !== wanted) return;
      this.persons = found.map((one, at) => person(one, at === 0));
      this.draw();
    } catch {
      if (this.asked !== wanted) return;
      this.asked = "";
      this.persons = [];
      fill(this.rows);
      this.next.hidden = true;
      fill(this.words, t("Couldn't check guest availability. The server didn't respond."));
    }
  }
  draw() {
    const { slot, persons } = this;
    if (slot === null) return;
    this.root.hidden = false;
    const first = midnight(slot.start);
    const end = midnight(slot.start, 1);
    const of = (date, otherwise) => date < end ? date.getHours() + date.getMinutes() / 60 : otherwise;
    const from = slot.whole ? 7 : Math.min(7, Math.floor(of(slot.start, 0)));
    const to = slot.whole ? 20 : Math.min(24, Math.max(20, Math.ceil(of(slot.end, 24))));
    const place = (date) => {
      const hours = date <= first ? 0 : date >= end ? 24 : of(date, 24);
      return 100 * (Math.min(to, Math.max(from, hours)) - from) / (to - from);
    };
    const between = (start, last, kind, title = "") => {
      const made2 = el("i", { class: kind, title });
      made2.style.insetInlineStart = `${place(start)}%`;
      made2.style.width = `${Math.max(0, place(last) - place(start))}%`;
      return made2;
    };
    fill(this.day, formatted(first, "busy day", { weekday: "long", day: "numeric", month: "long" }));
    fill(this.rows, persons.map((one) => {
      const today = one.periods.filter((each) => overlaps(each, first, end));
      const taken2 = one.periods.some((each) => overlaps(each, slot.start, slot.end));
      const state = !one.known ? t("unknown") : taken2 ? t("busy") : t("free");
      return el("li", { class: !one.known ? "unknown" : taken2 ? "taken" : "" }, el("bdi", { dir: "auto" }, one.words), el("b", {}, state), el("span", { class: "event-bar", "aria-hidden": "true" }, !slot.whole && between(slot.start, slot.end, "slot"), today.map((each) => between(each.start, each.end, each.time.tentative ? "maybe" : "", inWords(each)))), el("span", { class: "event-times-read" }, today.map(inWords).join(", ")));
    }), el("li", { class: "event-ticks", "aria-hidden": "true" }, el("span", {}, [9, 12, 15, 18].map((at) => {
      const date = new Date(first.getFullYear(), first.getMonth(), first.getDate(), at);
      const made2 = el("small", {}, formatted(date, "busy hour", { hour: "numeric" }));
      made2.style.insetInlineStart = `${place(date)}%`;
      return made2;
    }))));
    const taken = persons.filter((one) => one.periods.some((each) => overlaps(each, slot.start, slot.end))).length;
    const unknown = persons.filter(({ known }) => !known).length;
    fill(this.words, [taken > 0 ? many(taken, "{n} person is busy at this time.", "{n} people are busy at this time.") : unknown < persons.length && t("All guests with visible calendars are free."), unknown > 0 && many(unknown, "{n} guest's availability isn't shared with you.", "{n} guests' availability isn't shared with you.")].filter(Boolean).join(" "));
    this.next.hidden = slot.whole;
  }
  goOn() {
    const { slot } = this;
    if (slot === null) return;
    const length = slot.end.getTime() - slot.start.getTime();
    const last = midnight(slot.start, ahead).getTime() - length;
    const usual = (date, until) => date.getHours() >= 8 && until <= new Date(midnight(date).getTime() + 18 * hour) && date.getDay() % 6 !== 0;
    const anyTime = !usual(slot.start, slot.end);
    const busy = this.persons.flatMap(({ periods }) => periods);
    const step = hour / 2;
    for (let at = (Math.floor(slot.start.getTime() / step) + 1) * step; at <= last; at += step) {
      const start = new Date(at);
      const end = new Date(at + length);
      if ((anyTime || usual(start, end)) && !busy.some((one) => overlaps(one, start, end))) {
        this.choose(start, end);
        return;
      }
    }
    fill(this.words, t("No time in the next 2 weeks works for everyone."));
  }
};
function person(one, own) {
  return { words: own ? t("You") : isolated(one.name || one.address), known: one.known, periods: one.times.map((time) => ({ start: moment(time.starts, time.whole_days), end: moment(time.ends, time.whole_days), time })) };
}
function inWords({ start, end, time }) {
  const when = time.whole_days ? t("all day") : `${clock(start)} – ${clock(end)}`;
  const words = time.tentative ? t("{when} (tentative)", { when }) : when;
  return time.title === "" ? words : `${words} ${isolated(time.title)}`;
}

var event_default = ".event-when{margin:0 0 12px}.event-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px 16px;margin:0;font-size:var(--t-sm)}.event-facts dt{color:var(--muted)}.event-facts dd{margin:0;overflow-wrap:anywhere}.event-notes{white-space:pre-wrap}.event-guests{display:grid;gap:4px;margin:4px 0 0;padding:0;list-style:none}.event-guests li{display:flex;justify-content:space-between;gap:12px}.event-guests span{flex:none;max-width:60%;color:var(--muted)}.event-guests span.error{color:var(--danger)}.event-answer{display:flex;flex-wrap:wrap;align-items:center;gap:8px;margin-top:16px}.event-answer [aria-pressed=true]{background:var(--mailbox-active-background);font-weight:600}.event-answer>span{flex:1}.event-buttons{flex-wrap:wrap}@media(max-width:700px){.event-buttons:has(>:nth-child(4)){display:grid;grid-template-columns:1fr 1fr}}.event-scopes{display:grid;gap:2px;margin:12px -10px 0}.event-scopes label{display:flex;align-items:center;gap:10px;min-height:40px;padding:0 10px;border-radius:var(--r-md)}@media(max-width:700px){.event-scopes label{min-height:44px}}.event-scopes label:has(:checked){background:var(--message-active-background)}.event-form{display:grid;grid-template-columns:minmax(0,1fr);gap:12px}.event-form .field{margin:0}.event-times,.event-pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:12px;align-items:start}.event-times{grid-template-columns:minmax(0,1fr)}.event-form :is(input:not([type=checkbox],[type=radio]),select,textarea){box-sizing:border-box;width:100%;min-width:0}.event-times .field>div{display:flex;gap:6px}.event-times input{min-width:0}.event-times input[type=date]{flex:1}.event-form .event-times input[type=time]{flex:none;width:auto;min-width:40%}.event-form .compose-field{grid-template-columns:minmax(0,1fr);gap:4px;min-height:0;padding:0;border:0}.event-form .compose-field>*{grid-column:1}.event-form .compose-field>label{color:var(--text-2);font-size:var(--t-sm);line-height:inherit}.event-form .chip-box{padding:4px 8px;border:1px solid var(--line-strong);border-radius:var(--r-md);background:var(--raised)}.event-form .chip-box:focus-within{border-color:var(--focus);outline:1px solid var(--focus)}.event-form input.chip-input{width:auto;min-height:34px;outline:0}.event-form .btn.text{justify-self:start}.event-form select+select{margin-top:6px}@media(max-width:700px){.event-times,.event-pair{grid-template-columns:minmax(0,1fr)}}.event-busy{display:grid;gap:8px;padding:12px;border:1px solid var(--line);border-radius:var(--r-md);font-size:var(--t-sm)}.event-busy[hidden]{display:none}.event-busy-head{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:8px;min-height:32px}.event-busy p{margin:0}.event-busy ul{display:grid;grid-template-columns:minmax(0,1fr) max-content;gap:8px 10px;margin:0;padding:0;list-style:none}.event-busy li{position:relative;display:grid;grid-template-columns:subgrid;grid-column:1 / -1;align-items:center}.event-busy bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.event-busy b{text-align:end;color:var(--muted);font-weight:500}.event-busy .taken b{color:var(--danger);font-weight:600}.event-times-read{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}.event-bar{position:relative;grid-column:1 / -1;height:22px;margin-top:2px;overflow:hidden;border-radius:4px;background:var(--sunken)}.event-bar i{position:absolute;inset-block:4px;border-radius:2px;background:var(--muted)}.event-bar i.maybe{background:repeating-linear-gradient(-45deg,var(--muted) 0 3px,transparent 3px 6px)}.event-bar i.slot{inset-block:0;border:2px solid var(--accent);border-radius:4px;background:color-mix(in srgb,var(--accent) 14%,transparent)}.event-busy .taken i.slot{border-color:var(--danger);background:color-mix(in srgb,var(--danger) 14%,transparent)}.event-busy .unknown .event-bar{background:repeating-linear-gradient(-45deg,var(--sunken) 0 6px,transparent 6px 12px)}.event-ticks>span{position:relative;grid-column:1 / -1;height:1.3em}.event-ticks small{position:absolute;color:var(--muted);font-size:0.75rem;transform:translateX(-50%);white-space:nowrap}[dir=rtl] .event-ticks small{transform:translateX(50%)}@media(min-width:701px){.dialog.anchored:has(.event-facts){width:412px}}.event-clash{margin:0 0 12px;color:var(--warn)}\n";

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

var two = (number) => String(number).padStart(2, "0");
function local(date, whole) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return whole ? day : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
function moved(text2, days3, minutes) {
  const at = /* @__PURE__ */ new Date(`${text2}${text2.includes("T") ? "" : "T00:00"}Z`);
  const later = new Date(at.getTime() + days3 * 864e5 + minutes * 6e4);
  return later.toISOString().slice(0, text2.length);
}
var withDate = (text2, days3) => moved(text2, days3, 0);
var ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
function ahead2(zone, moment2) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  const part = Object.fromEntries(format.formatToParts(moment2).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour: hour2 = 0, minute = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour2, minute) - moment2) / 6e4);
}
function momentOf(text2, zone) {
  const shown2 = Date.parse(`${text2}Z`);
  if (!/T\d\d:\d\d$/.test(text2) || Number.isNaN(shown2)) return null;
  const name = zone || ownZone();
  const first = shown2 - ahead2(name, shown2) * 6e4;
  return new Date(shown2 - ahead2(name, first) * 6e4);
}
function localIn(date, zone) {
  const shown2 = date.getTime() + ahead2(zone || ownZone(), date.getTime()) * 6e4;
  return new Date(shown2).toISOString().slice(0, 16);
}

async function propose({ whole, start, end }, send) {
  const field2 = (old) => el("input", { class: "dialog-input", type: whole ? "date" : "datetime-local", value: old, required: true });
  const begins = field2(start);
  const ends = field2(end);
  const note = el("input", { class: "dialog-input", maxlength: "2000", dir: "auto" });
  ends.addEventListener("input", () => ends.setCustomValidity(""));
  let last = { sent: "", id: "" };
  return dialog(t("Propose a new time"), (close) => [el("form", { onsubmit: once(async () => {
    if (ends.value < begins.value) {
      ends.setCustomValidity(t("The end must be after the start."));
      ends.reportValidity();
      return;
    }
    const sent = (field22, days3) => whole ? withDate(field22, days3) : `${new Date(field22).toISOString().slice(0, 16)}Z`;
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

var days2 = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
var workdays2 = "MO,TU,WE,TH,FR";
function partsOf(rule) {
  return Object.fromEntries(rule.split(";").filter(Boolean).map((one) => one.split("=", 2)));
}
function fromRule(rule) {
  const { FREQ = "", UNTIL = "", INTERVAL = "1", WKST: _, ...rest } = partsOf(rule.toUpperCase());
  const until = UNTIL === "" ? "" : `${UNTIL.slice(0, 4)}-${UNTIL.slice(4, 6)}-${UNTIL.slice(6, 8)}`;
  const by = rest["BYDAY"] ?? "";
  const others = Object.keys(rest).filter((name) => name !== "BYDAY");
  const kinds = { DAILY: "daily", WEEKLY: "weekly", MONTHLY: "monthly", YEARLY: "yearly" };
  let kind = others.length > 0 ? isCustom(rule) ? "custom" : "other" : kinds[FREQ] ?? (FREQ === "" ? "" : "other");
  if (kind === "weekly" && by === workdays2) kind = "workdays";
  else if (kind === "weekly" && INTERVAL === "2" && !by.includes(",")) return { kind: "fortnightly", until };
  else if (kind === "monthly" && /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/.test(by)) kind = "weekday";
  else if (by !== "" && !(kind === "weekly" && days2.includes(by))) kind = "other";
  if (kind === "other" || INTERVAL !== "1") kind = isCustom(rule) ? "custom" : "other";
  return { kind, until };
}
function isCustom(rule) {
  const { FREQ = "", BYDAY = "", BYMONTHDAY = "", ...rest } = partsOf(rule.toUpperCase());
  if (Object.keys(rest).some((name) => !["INTERVAL", "COUNT", "UNTIL", "WKST"].includes(name))) return false;
  if (FREQ === "WEEKLY") return BYMONTHDAY === "" && BYDAY.split(",").every((one) => BYDAY === "" || days2.includes(one));
  if (FREQ === "MONTHLY") return BYDAY === "" ? /^\d*$/.test(BYMONTHDAY) : BYMONTHDAY === "" && /^(-1|[1-4])(MO|TU|WE|TH|FR|SA|SU)$/.test(BYDAY);
  return ["DAILY", "YEARLY"].includes(FREQ) && BYDAY === "" && BYMONTHDAY === "";
}
var ending = (rule, until) => until === "" ? rule : `${rule};UNTIL=${until.replaceAll("-", "")}`;
function weekOf(date) {
  const next = new Date(date.getTime() + 7 * 864e5);
  return next.getUTCMonth() === date.getUTCMonth() ? Math.ceil(date.getUTCDate() / 7) : -1;
}
var dayOf = (date) => days2[(date.getUTCDay() + 6) % 7];
function toRule(kind, until, start) {
  const date = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const rules = { daily: "FREQ=DAILY", workdays: `FREQ=WEEKLY;BYDAY=${workdays2}`, weekly: `FREQ=WEEKLY;BYDAY=${dayOf(date)}`, fortnightly: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${dayOf(date)}`, monthly: "FREQ=MONTHLY", weekday: `FREQ=MONTHLY;BYDAY=${weekOf(date)}${dayOf(date)}`, yearly: "FREQ=YEARLY" };
  const rule = rules[kind];
  return rule === void 0 ? "" : ending(rule, until);
}
function repeats(rule, start) {
  const date = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const day = new Intl.DateTimeFormat(locale(), { weekday: "long", timeZone: "UTC" }).format(date);
  const found = [["", t("Doesn't repeat")], ["daily", t("Every day")], ["workdays", t("Every weekday (Monday to Friday)")], ["weekly", t("Every week on {day}", { day })], ["fortnightly", t("Every 2 weeks on {day}", { day })], ["monthly", t("Every month on the same day")], ["weekday", t("Every month, same {day}", { day })], ["yearly", t("Every year")], ["custom", t("Custom…")]];
  if (fromRule(rule).kind === "other") found.push(["other", inWords2(rule)]);
  return found;
}
function inWords2(rule) {
  const parts = partsOf(rule.toUpperCase());
  const { FREQ = "", INTERVAL = "1", COUNT = "0", UNTIL = "", WKST: _, ...rest } = parts;
  const [days22, monthDays, months] = ["BYDAY", "BYMONTHDAY", "BYMONTH"].map((name) => rest[name]?.split(",") ?? []);
  const others = Object.keys(rest).some((name) => !["BYDAY", "BYMONTHDAY", "BYMONTH"].includes(name));
  return ruleText({ frequency: others ? "" : FREQ.toLowerCase(), interval: Number(INTERVAL), count: Number(COUNT), until: UNTIL.replace(/^(\d{4})(\d\d)(\d\d).*/, "$1-$2-$3"), days: days22, month_days: monthDays.map(Number), months: months.map(Number) });
}

var undoSeconds = 8;
var addedWords = ({ told: told2 }) => told2 === 0 ? t("Event added") : many(told2, "Saved · {n} guest invited", "Saved · {n} guests invited");
var changedWords = ({ told: told2 }) => told2 === 0 ? t("Event saved") : many(told2, "Saved · {n} guest notified", "Saved · {n} guests notified");
function tellChange(client, words, change, again) {
  const undo = async () => {
    const { told: told2 } = await client.event_undo(change.undo);
    await again();
    if (told2 > 0) toast(many(told2, "Undone · {n} guest will get a correction", "Undone · {n} guests will get a correction"));
  };
  const run = () => void attempt(t("Undoing…"), t("Couldn't undo"), undo);
  toast(words, { title: t("Undo"), run }, undoSeconds * 1e3);
}

adopt(event_default);
var alarms = [0, 5, 10, 15, 30, 60, 120, 1440, 10080];
var Events = class {
  constructor(page, calendars, again) {
    this.page = page;
    this.calendars = calendars;
    this.again = again;
  }
  page;
  calendars;
  again;
  async add(wanted) {
    const form = { title: wanted.title ?? "", place: "", notes: wanted.notes ?? "", all_day: wanted.allDay, start: local(wanted.start, wanted.allDay), end: local(wanted.end, wanted.allDay), zone: wanted.allDay ? "" : ownZone(), rule: wanted.rule ?? "", alarms: [], mails: [], free: false, guests: [...wanted.guests ?? []] };
    const calendars = this.calendars.filter(({ writable }) => writable);
    const own = calendars.filter(({ owner }) => owner === "");
    const home = wanted.calendar ?? (own.find(({ hidden }) => !hidden) ?? own[0] ?? calendars[0]).id;
    let change;
    const save = async (event, calendarID) => {
      change = await this.page.client.event_save(calendarID, event, 0, 0, "", "all", undoSeconds);
    };
    if (!await this.form(t("New event"), form, home, null, save, wanted.typed)) return;
    await this.again();
    this.tell(addedWords(change), change);
  }
  async open(item, when, cause, clash = "") {
    const found = await this.page.client.event(item.id, item.recurrence);
    const { form } = found;
    const people = [...found.organizer === null ? [] : [found.organizer], ...found.guests];
    const title = nameOf({ ...item, title: form.title });
    const calendar = this.calendars.find(({ id }) => id === found.calendar_id);
    const writable = isChangeable(item, calendar);
    const answer = dialog(title, (close) => {
      const button = (words, what, kind = "btn line") => el("button", { class: kind, type: "button", onclick: () => close(what), autofocus: what === "edit" }, words);
      const fact = (label, text2) => text2 !== "" && text2 !== false && [el("dt", {}, label), el("dd", {}, text2)];
      const parts = [el("p", { class: "event-when" }, [when, elsewhere(form)].filter(Boolean).join(" · ")), joinLink(found.join, true), clash !== "" && el("p", { class: "event-clash" }, clash), el("dl", { class: "event-facts" }, fact(t("Repeats"), found.repeats && inWords2(form.rule)), form.place !== "" && fact(t("Location"), el("bdi", { dir: "auto" }, isolated(form.place))), fact(t("Calendar"), calendar !== void 0 && named(calendar)), fact(t("Alerts"), form.alarms.map(before).join(", ")), fact(t("Email alerts"), (form.mails ?? []).map(before).join(", ")), form.notes !== "" && fact(t("Notes"), el("bdi", { class: "event-notes", dir: "auto" }, isolated(form.notes))), people.length > 0 && fact(t("Guests"), [answered(found), guestList(people, found.organizer)])), writable && colourButtons(chosenColour(form.colour), this.inherited(found.calendar_id), (colour) => close({ colour })), writable && found.answer !== "" && el("div", { class: "event-answer", role: "group", "aria-label": t("Are you coming?") }, el("span", {}, t("Are you coming?")), ["yes", "maybe", "no"].map((answer2) => el("button", { class: "btn", type: "button", "aria-pressed": String(found.answer === answer2), onclick: () => close(answer2) }, { yes: t("Yes"), maybe: t("Maybe"), no: t("No") }[answer2])), (form.rule === "" || found.recurrence !== "") && !item.cancelled && button(t("Propose new time…"), "propose")), el("div", { class: "dialog-buttons event-buttons" }, writable && button(t("Delete"), "remove", "btn line danger"), people.length > 0 && button(t("Email all guests"), "mail"), button(t("Close"), "close", "btn"), writable && button(t("Edit"), "edit", "btn primary"))];
      return parts.filter((one) => one !== false);
    });
    if (cause?.isConnected === true) anchorTo(cause, true);
    const view = /^#calendar:.*?,\d{8}/.exec(location.hash)?.[0];
    if (view !== void 0) this.page.tellAddress(view + placeOfEvent(item.id, item.recurrence), title);
    const chosen = await answer;
    if (view !== void 0 && location.hash.startsWith(view)) this.page.tellAddress(view);
    if (typeof chosen === "object" && chosen !== null) await this.paint(found, chosen.colour);
    else if (chosen === "edit") await this.edit(found);
    else if (chosen === "remove") await this.remove(item, found);
    else if (chosen === "mail") this.mail(found);
    else if (chosen === "propose") await this.propose(found);
    else if (chosen !== null && chosen !== "close") {
      await attempt(t("Sending…"), t("Couldn't send reply"), async () => {
        const change = await this.page.client.event_answer(found.id, chosen, found.recurrence, undoSeconds);
        this.tell({ yes: t("You accepted."), maybe: t("You replied “maybe”."), no: t("You declined.") }[chosen], change);
      });
      await this.again();
    }
  }
  tell(words, change) {
    tellChange(this.page.client, words, change, this.again);
  }
  async paint(found, colour) {
    if (colour === chosenColour(found.form.colour)) return;
    await attempt(t("Saving…"), t("Couldn't save event"), async () => {
      const scope = await this.scope(found, t("Change “{title}”?", { title: isolated(found.form.title) }), t("Change"), false, false);
      if (scope === null) return;
      const change = await this.save(found, { ...found.form, colour }, found.calendar_id, scope);
      await this.again();
      this.tell(changedWords(change), change);
    });
  }
  inherited(calendarID) {
    const at = this.calendars.findIndex(({ id }) => id === calendarID);
    return at === -1 ? 5 : colourOf(this.calendars[at], at);
  }
  async openBirthday(title, when, address, cause) {
    const answer = dialog(title, (close) => [el("p", { class: "event-when" }, when), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close("close") }, t("Close")), address !== "" && el("button", { class: "btn primary", type: "button", onclick: () => close("write") }, t("Write message")))]);
    if (cause?.isConnected === true) anchorTo(cause, true);
    if (await answer === "write") this.page.compose("new", `mailto:${encodeURIComponent(address)}`);
  }
  async move(item, days3, minutes, end) {
    const found = await this.page.client.event(item.id, item.recurrence);
    const { form } = found;
    const event = { ...form, start: moved(form.start, days3, minutes), end: moved(form.end, days3, minutes + end) };
    const scope = await this.scope(found, t("Move “{title}”?", { title: isolated(form.title) }), t("Move"), false);
    if (scope === null || event.end < event.start) return this.again();
    const change = await this.save(found, event, found.calendar_id, scope);
    await this.again();
    this.tell(found.recurrence !== "" && scope !== "this" ? t("Events moved") : t("Event moved"), change);
  }
  async remove(item, known) {
    const found = known ?? await this.page.client.event(item.id, item.recurrence);
    const title = isolated(found.form.title || t("(no title)"));
    const scope = await this.scope(found, t("Delete “{title}”?", { title }), t("Delete"), true);
    if (scope === null) return;
    await attempt(t("Deleting…"), t("Couldn't delete event"), async () => {
      const { client } = this.page;
      const change = await client.event_remove(found.id, found.changed, found.recurrence, scope, undoSeconds);
      await this.again();
      this.tell(t("“{title}” deleted", { title }), change);
    });
  }
  async edit(found) {
    let change;
    const done = await this.form(t("Edit event"), found.form, found.calendar_id, found, async (event, calendarID) => {
      const scope = await this.scope(found, t("Change “{title}”?", { title: isolated(found.form.title) }), t("Change"), false, isToldOf(found.form, event));
      if (scope === null) return false;
      change = await this.save(found, event, calendarID, scope);
      return true;
    });
    if (!done) return;
    await this.again();
    this.tell(changedWords(change), change);
  }
  save(found, event, calendarID, scope) {
    const { id, changed, recurrence } = found;
    return this.page.client.event_save(calendarID, event, id, changed, recurrence, scope, undoSeconds);
  }
  async propose({ id, form, recurrence }) {
    const shown2 = (time) => {
      const moment2 = form.zone === "" ? null : momentOf(time, form.zone);
      return moment2 === null ? time : local(moment2, false);
    };
    const times = form.all_day ? { whole: true, start: form.start, end: withDate(form.end, -1) } : { whole: false, start: shown2(form.start), end: shown2(form.end) };
    const sent = await propose(times, (start, end, submitID, note) => this.page.client.event_propose(id, start, end, submitID, recurrence, note));
    if (!sent) return;
    toast(t("New time proposed"));
    await this.again();
  }
  mail(found) {
    const own = this.page.facts().addresses.map((one) => one.toLowerCase());
    const people = [...found.guests, ...found.organizer === null ? [] : [found.organizer]];
    const others = people.filter(({ address }) => !own.includes(address.toLowerCase()));
    const to = others.map(formatParty);
    this.page.compose("new", `mailto:?to=${encodeURIComponent(to.join(", "))}&subject=${encodeURIComponent(found.form.title)}`);
  }
  async scope(found, title, action, removes, told2 = true) {
    if (found.recurrence === "") return "all";
    const chosen = await dialog(title, (close) => {
      const choices = [["this", t("Only this event")], ["following", t("This and following events")], ["all", t("All events")]];
      const boxes = choices.map(([value]) => el("input", { type: "radio", name: "scope", value, autofocus: value === "this" }));
      boxes[0].checked = true;
      const submitted = (event) => {
        event.preventDefault();
        close(boxes.find(({ checked }) => checked).value);
      };
      const guests = told2 && found.own && found.guests.length > 0;
      return [el("form", { onsubmit: submitted }, guests && el("p", { class: "dialog-text" }, many(found.guests.length, "{n} guest will be notified.", "{n} guests will be notified.")), el("div", { class: "event-scopes", role: "radiogroup" }, choices.map(([, words], at) => el("label", {}, boxes[at], words))), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close("none") }, t("Cancel")), el("button", { class: removes ? "btn line danger" : "btn primary", type: "submit" }, action)))];
    });
    return chosen === "none" ? null : chosen;
  }
  async form(heading, old, calendarID, found, save, typed = false) {
    const own = found?.own ?? true;
    const owned = this.calendars.find(({ id }) => id === calendarID)?.owner ?? "";
    const text2 = (value) => el("input", { class: "dialog-input", value, maxlength: "1000", dir: "auto", disabled: !own });
    const input = (type, value, label) => el("input", { class: "dialog-input", type, value, "aria-label": label, required: true, disabled: !own });
    const select = (options, value, disabled = !own) => {
      const made2 = el("select", { class: "dialog-input", disabled }, options.map(([key, words]) => el("option", { value: key }, words)));
      made2.value = value;
      return made2;
    };
    const title = field(t("Title"), text2(old.title));
    title.control.autofocus = true;
    const allDay = tick(t("All day"), old.all_day);
    allDay.control.disabled = !own;
    const [startDay, startTime = "09:00"] = old.start.split("T");
    const [rawEnd, endTime = "10:00"] = old.end.split("T");
    const days3 = { start: input("date", startDay, t("Starts on")), end: input("date", old.all_day ? withDate(rawEnd, -1) : rawEnd, t("Ends on")) };
    const times = { start: input("time", startTime, t("Starts at")), end: input("time", endTime, t("Ends at")) };
    const zones = [.../* @__PURE__ */ new Set([old.zone || ownZone(), ownZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
    const zone = field(t("Time zone"), select(zones.map((one) => [one, one.replaceAll("_", " ")]), old.zone || ownZone()));
    zone.root.hidden = old.zone === "" || old.zone === ownZone();
    const showZone = el("button", { class: "btn text", type: "button", onclick: () => zone.root.hidden = false }, t("Other time zone…"));
    const repeat = field(t("Repeat"), select(repeats(old.rule, startDay), old.rule === "" ? "" : fromRule(old.rule).kind));
    const until = input("date", fromRule(old.rule).until, t("Until"));
    until.required = false;
    const untilField = field(t("Repeats until"), until, t("Leave blank to repeat forever."));
    const custom = el("div", { hidden: true });
    let rule = null;
    const choose = async () => {
      custom.hidden = repeat.control.value !== "custom";
      if (custom.hidden || rule !== null) return;
      const { customRule } = await this.page.load("repeating");
      rule = customRule(fromRule(old.rule).kind === "custom" ? partsOf(old.rule.toUpperCase()) : {}, days3.start);
      fill(custom, rule.root);
    };
    repeat.control.addEventListener("change", () => void attempt(t("Loading…"), t("Couldn't open this item"), choose));
    await choose();
    const place = field(t("Location"), text2(old.place));
    const link = field(meant("event", "Link"), text2(old.link ?? ""));
    Object.assign(link.control, { type: "url", maxLength: 2e3, placeholder: "https://", dir: "ltr" });
    const { Recipients } = await this.page.load("recipients");
    const guests = new Recipients("guests", t("Guests"), this.page.client, () => showBusy(), null);
    guests.root.inert = !own;
    guests.value = old.guests;
    guests.root.dataset["kept"] = "";
    guests.root.addEventListener("keep", (event) => {
      const { detail } = event;
      if (detail.value === void 0) detail.value = guests.value;
      else guests.value = detail.value;
    });
    const notes = field(t("Notes"), el("textarea", { class: "dialog-input", rows: "3", dir: "auto", maxlength: "20000", value: old.notes, disabled: !own }));
    const mails = old.mails ?? [];
    const alarm = (value) => select([["", meant("alert", "none")], ...[.../* @__PURE__ */ new Set([...alarms, ...old.alarms, ...mails])].sort((a, b) => a - b).map((one) => [String(one), before(one)])], value === void 0 ? "" : String(value), false);
    const alarmBoxes = [...old.alarms, void 0].slice(0, 5).map(alarm);
    for (const [at, one] of alarmBoxes.entries()) one.setAttribute("aria-label", t("Alert {n}", { n: at + 1 }));
    const mailBox = field(t("Email alert"), alarm(mails[0]));
    const busy = field(t("Show as"), select([["", t("busy")], ["free", t("free")]], old.free ? "free" : "", false));
    const calendar = field(t("Calendar"), select(this.calendars.filter(({ writable, owner }) => writable && (found === null || owner === owned)).sort(byOwner).map((one) => [String(one.id), named(one)]), String(calendarID), !own));
    const first = chosenColour(old.colour);
    const colour = colourChoice(first, this.inherited(calendarID));
    const adapt = () => {
      const whole = allDay.control.checked;
      for (const one of [times.start, times.end]) one.hidden = whole;
      showZone.hidden = whole || !zone.root.hidden || !own;
      if (whole) zone.root.hidden = true;
      untilField.root.hidden = ["", "other"].includes(repeat.control.value);
    };
    allDay.control.addEventListener("change", adapt);
    repeat.control.addEventListener("change", adapt);
    showZone.addEventListener("click", adapt);
    const moment2 = (end) => Date.parse(`${days3[end].value}T${times[end].value}Z`);
    let begun = moment2("start");
    const follow = () => {
      const [start, end] = [moment2("start"), moment2("end")];
      if (Number.isNaN(start)) return;
      if (!Number.isNaN(end + begun)) [days3.end.value, times.end.value] = new Date(end + start - begun).toISOString().slice(0, 16).split("T");
      begun = start;
      for (const [at, [, words]] of repeats(old.rule, days3.start.value).entries()) fill(repeat.control.options[at], words);
    };
    for (const one of [days3.start, times.start]) one.addEventListener("change", follow);
    const slot = () => {
      if (allDay.control.checked) {
        const [start2, last] = [momentOf(`${days3.start.value}T00:00`, ""), momentOf(`${days3.end.value}T00:00`, "")];
        if (start2 === null || last === null) return null;
        return { start: start2, end: new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1), whole: true };
      }
      const at = (end2) => momentOf(`${days3[end2].value}T${times[end2].value}`, zone.root.hidden ? "" : zone.control.value);
      const [start, end] = [at("start"), at("end")];
      return start === null || end === null || end <= start ? null : { start, end, whole: false };
    };
    const bars = new BusyBars(this.page.client, found?.id ?? 0, (start, end) => {
      for (const [which, date] of [["start", start], ["end", end]]) [days3[which].value, times[which].value] = localIn(date, zone.root.hidden ? "" : zone.control.value).split("T");
      begun = moment2("start");
      showBusy();
    });
    const showBusy = () => {
      const mine = this.page.facts().addresses.map((one) => one.toLowerCase());
      const people = guests.entered.map(({ address }) => address.toLowerCase()).filter(looksRight);
      bars.show(own ? [...new Set(people.filter((one) => !mine.includes(one)))] : [], slot());
    };
    const notified = el("p", { class: "hint" });
    const showNotified = () => {
      const invites = this.calendars.find(({ id }) => String(id) === calendar.control.value)?.invites ?? true;
      fill(notified, invites ? whoIsNotified(old, isOver()) : t("To invite guests, you need permission to send from this calendar's address."));
    };
    const isOver = () => {
      const last = repeat.control.value === "" ? days3.end.value : until.value;
      const end = momentOf(`${last || "9999-12-31"}T${times.end.value || "23:59"}`, "");
      return end !== null && Date.now() - end.getTime() > 864e5;
    };
    const showGuests = () => {
      showBusy();
      showNotified();
    };
    const asked = [allDay, zone, repeat, calendar, { control: until }, { control: days3.start }, { control: days3.end }];
    for (const { control } of asked) control.addEventListener("change", showGuests);
    for (const one of [times.start, times.end]) one.addEventListener("change", showGuests);
    adapt();
    showGuests();
    const ruled = (kind) => {
      if (kind === "custom") return rule === null ? old.rule : ending(rule.read(), until.value);
      const same = kind === fromRule(old.rule).kind && until.value === fromRule(old.rule).until;
      return kind === "other" || same ? old.rule : toRule(kind, until.value, days3.start.value);
    };
    const read2 = () => {
      const whole = allDay.control.checked;
      const wrong = guests.wrong();
      if (wrong !== void 0) {
        guests.complain(t("“{address}” isn't a complete email address.", { address: isolated(wrong.address) }));
        return null;
      }
      const start = whole ? days3.start.value : `${days3.start.value}T${times.start.value}`;
      const end = whole ? withDate(days3.end.value, 1) : `${days3.end.value}T${times.end.value}`;
      if (end < start || whole && end === start) {
        untilProblem(t("The end must be after the start."));
        return null;
      }
      const kind = repeat.control.value;
      return { title: title.control.value.trim(), place: place.control.value.trim(), link: link.control.value.trim(), notes: notes.control.value, all_day: whole, start, end, zone: whole ? "" : old.zone === "" && !old.all_day && zone.root.hidden ? "" : zone.control.value, rule: ruled(kind), alarms: [...new Set(alarmBoxes.filter(({ value }) => value !== "").map(({ value }) => Number(value)))], mails: [.../* @__PURE__ */ new Set([...mailBox.control.value === "" ? [] : [Number(mailBox.control.value)], ...mails.slice(1)])], free: busy.control.value === "free", guests: guests.value, colour: colour.read() === first ? old.colour : colour.read() };
    };
    const problem = el("p", { class: "error", role: "alert", hidden: true });
    const untilProblem = (words) => {
      problem.hidden = false;
      fill(problem, words);
    };
    const done = await dialog(heading, (close) => {
      const submitted = async () => {
        if (!await guests.arrived()) return;
        const form = read2();
        if (form === null) return;
        try {
          if (await save(form, Number(calendar.control.value)) !== false) close(true);
        } catch (error) {
          if (codeOf(error) === "user:conflict") untilProblem(t("This event was changed in another window or app. Close this form and open the event again."));
          else await showError(t("Couldn't save event"), error);
        }
      };
      return [el("form", { class: "event-form", data: typed ? { begun: "" } : {}, onsubmit: once(submitted) }, !own && el("p", { class: "hint" }, t("The organizer manages this event. You can change your alerts, color, and free/busy status.")), title.root, allDay.root, el("div", { class: "event-times" }, el("div", { class: "field" }, el("span", {}, t("Starts on")), el("div", {}, days3.start, times.start)), el("div", { class: "field" }, el("span", {}, t("Ends on")), el("div", {}, days3.end, times.end))), showZone, zone.root, el("div", { class: "event-times" }, repeat.root, untilField.root), custom, el("div", { class: "event-pair" }, place.root, link.root), guests.root, own && notified, bars.root, notes.root, el("div", { class: "event-pair" }, el("div", { class: "field" }, el("span", {}, t("Alerts")), alarmBoxes), mailBox.root), el("div", { class: "event-pair" }, busy.root, calendar.root), el("div", { class: "field" }, el("span", {}, t("Color")), colour.root), problem, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Save"))))];
    });
    return done === true;
  }
};
async function eventOf(page) {
  const item = page.reading() ?? page.shown();
  if (item === null) return;
  await attempt(t("Loading…"), t("Couldn't open this item"), async () => {
    const [calendars, parsed] = await Promise.all([page.client.calendars(), page.client.parsed_message(item.id)]);
    const start = /* @__PURE__ */ new Date();
    start.setHours(start.getHours() + 1, 0, 0, 0);
    const own = page.facts().addresses.map((one) => one.toLowerCase());
    const people = [...item.from, ...item.to, ...item.cc].map(({ name, user, host }) => ({ name, address: `${user}@${host}` }));
    const others = people.filter(({ address }) => !own.includes(address.toLowerCase()));
    const events = new Events(page, calendars, async () => void 0);
    await events.add({ allDay: false, start, end: new Date(start.getTime() + 36e5), title: item.subject, notes: parsed.texts[0]?.text.trim().slice(0, 5e3) ?? "", guests: [...new Map(others.map((one) => [one.address.toLowerCase(), one])).values()] });
  });
}
function chosenColour(colour = "") {
  const near = nearest(colour);
  return near === void 0 ? "" : colours[near - 1];
}
function isToldOf(before2, after) {
  const shown2 = (form) => JSON.stringify({ ...form, alarms: [], mails: [], free: false, colour: "" });
  return shown2(before2) !== shown2(after);
}
function whoIsNotified({ guests }, over) {
  if (over) return t("This event is over, so guests won't be notified.");
  if (guests.length === 0) return t("Guests will get an invitation.");
  return t("New guests will get an invitation. Other guests will get an update if anything changes for them.");
}
function answered({ own, guests }) {
  if (!own || guests.length === 0) return null;
  const n = guests.filter(({ answer }) => answer !== "").length;
  return el("p", { class: "event-answered" }, t("{n} of {total} replied", { n, total: guests.length }));
}
function guestList(people, organizer) {
  const said = { yes: t("yes"), no: t("no"), maybe: t("maybe"), "": t("no reply yet") };
  const rows = people.map((one) => el("li", {}, el("bdi", { dir: "auto" }, isolated(one.name || one.address)), el("span", { class: one.undelivered === true ? "error" : "" }, one === organizer ? t("organizer") : one.undelivered === true ? t("couldn't be notified") : said[one.answer])));
  return el("ul", { class: "event-guests" }, rows);
}
var named = (one) => one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
function elsewhere({ all_day, start, zone }) {
  if (all_day || zone === "" || /^(Etc\/)?(UTC|GMT|UCT|Zulu)$/.test(zone)) return "";
  const moment2 = momentOf(start, zone);
  if (moment2 === null || localIn(moment2, "") === start) return "";
  const time = formatted(/* @__PURE__ */ new Date(`${start}Z`), "clock elsewhere", { timeStyle: "short", timeZone: "UTC" });
  return t("{time} in {zone}", { time, zone: zone.replace(/^.*\//, "").replaceAll("_", " ") });
}
function before(minutes) {
  if (minutes === 0) return t("at start time");
  if (minutes % 10080 === 0) return many(minutes / 10080, "{n} week before", "{n} weeks before");
  if (minutes % 1440 === 0) return many(minutes / 1440, "{n} day before", "{n} days before");
  if (minutes % 60 === 0) return many(minutes / 60, "{n} hour before", "{n} hours before");
  return many(minutes, "{n} minute before", "{n} minutes before");
}
export {
  Events,
  eventOf
};
