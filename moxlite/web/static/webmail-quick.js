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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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
  await dialog(failed, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(doing, failed, work) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(failed, error);
    return false;
  } finally {
    clearTimeout(timer);
    setStatus("");
  }
}
function setStatus(message) {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
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
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
}
function once(work) {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    void work().finally(() => running = false);
  };
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
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}
function dateOf(day, minutes = 0) {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
var longDay = (day) => formatted(dateOf(day), "event day", { weekday: "long", day: "numeric", month: "long" });

var shownName = (one) => one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;

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
var dayOf2 = (date) => days2[(date.getUTCDay() + 6) % 7];
function toRule(kind, until, start) {
  const date = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const rules = { daily: "FREQ=DAILY", workdays: `FREQ=WEEKLY;BYDAY=${workdays2}`, weekly: `FREQ=WEEKLY;BYDAY=${dayOf2(date)}`, fortnightly: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${dayOf2(date)}`, monthly: "FREQ=MONTHLY", weekday: `FREQ=MONTHLY;BYDAY=${weekOf(date)}${dayOf2(date)}`, yearly: "FREQ=YEARLY" };
  const rule = rules[kind];
  return rule === void 0 ? "" : ending(rule, until);
}
function repeats(rule, start) {
  const date = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const day = new Intl.DateTimeFormat(document.documentElement.lang || void 0, { weekday: "long", timeZone: "UTC" }).format(date);
  const found = [["", t("Doesn't repeat")], ["daily", t("Every day")], ["workdays", t("Every weekday (Monday to Friday)")], ["weekly", t("Every week on {day}", { day })], ["fortnightly", t("Every 2 weeks on {day}", { day })], ["monthly", t("Every month on the same day")], ["weekday", t("Every month on the same {day}", { day })], ["yearly", t("Every year")], ["custom", t("Custom…")]];
  if (fromRule(rule).kind === "other") found.push(["other", inWords(rule)]);
  return found;
}
function inWords(rule) {
  const parts = partsOf(rule.toUpperCase());
  const { FREQ = "", INTERVAL = "1", COUNT = "0", UNTIL = "", WKST: _, ...rest } = parts;
  const [days22, monthDays, months] = ["BYDAY", "BYMONTHDAY", "BYMONTH"].map((name) => rest[name]?.split(",") ?? []);
  const others = Object.keys(rest).some((name) => !["BYDAY", "BYMONTHDAY", "BYMONTH"].includes(name));
  return ruleText({ frequency: others ? "" : FREQ.toLowerCase(), interval: Number(INTERVAL), count: Number(COUNT), until: UNTIL.replace(/^(\d{4})(\d\d)(\d\d).*/, "$1-$2-$3"), days: days22, month_days: monthDays.map(Number), months: months.map(Number) });
}

var two = (number) => String(number).padStart(2, "0");
function local(date, whole) {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return whole ? day : `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
var ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
function ahead(zone, moment) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute) - moment) / 6e4);
}
function momentOf(text2, zone) {
  const shown2 = Date.parse(`${text2}Z`);
  if (!/T\d\d:\d\d$/.test(text2) || Number.isNaN(shown2)) return null;
  const name = zone || ownZone();
  const first = shown2 - ahead(name, shown2) * 6e4;
  return new Date(shown2 - ahead(name, first) * 6e4);
}

var quick_default = ".dialog.anchored:has(.event-short){width:368px}.event-short{display:grid;gap:12px}.event-short-time{display:flex;flex-wrap:wrap;align-items:center;gap:8px}.event-short-time span{flex:1 1 100%}.event-short-time input{width:auto}.event-short .dialog-buttons{justify-content:space-between}@media(max-width:700px){.dialog.anchored:has(.event-short){width:100%}}\n";

adopt(quick_default);
async function writeShort(client, calendars, begun, cause) {
  const { allDay, start, end } = begun;
  const writable = calendars.filter((one) => one.writable);
  const own = writable.filter(({ owner }) => owner === "");
  const first = own.find(({ hidden }) => !hidden) ?? own[0] ?? writable[0];
  const last = new Date(end.getTime() - 1);
  const days3 = [.../* @__PURE__ */ new Set([dayOf(start), dayOf(last)])].map(longDay).join(" – ");
  const answer = dialog(t("New event"), (close) => {
    const title = field(t("Title"), el("input", { class: "dialog-input", maxlength: "1000", dir: "auto", autofocus: true, value: begun.title ?? "" }));
    const time = (date, label) => el("input", { class: "dialog-input", type: "time", value: local(date, false).slice(11), "aria-label": label, required: true });
    const times = [time(start, t("Starts at")), time(end, t("Ends at"))];
    const calendar = choice(t("Calendar"), [...writable].sort(byOwner).map((one) => [String(one.id), shownName(one)]), String(first.id));
    calendar.control.className = "dialog-input";
    const day = local(start, true);
    const repeat = choice(t("Repeat"), repeats("", day).filter(([kind]) => kind !== "custom"), "");
    repeat.control.className = "dialog-input";
    const read2 = () => {
      const from = !allDay && momentOf(`${day}T${times[0].value}`, "") || start;
      let to = !allDay && momentOf(`${day}T${times[1].value}`, "") || end;
      if (to < from) to = new Date(to.getFullYear(), to.getMonth(), to.getDate() + 1, to.getHours(), to.getMinutes());
      return { allDay, start: from, end: to, title: title.control.value.trim(), calendar: Number(calendar.control.value), rule: toRule(repeat.control.value, "", day) };
    };
    const save = async () => {
      const event = read2();
      const saved = await attempt(t("Saving…"), t("Couldn't save event"), () => client.event_save(event.calendar, { title: event.title, place: "", notes: "", all_day: allDay, start: local(event.start, allDay), end: local(event.end, allDay), zone: allDay ? "" : ownZone(), rule: event.rule, alarms: [], mails: [], free: false, guests: [] }));
      if (saved) {
        close("saved");
        toast(t("Event added"));
      }
    };
    return [el("form", { class: "event-short", onsubmit: once(save) }, title.root, el("p", { class: "event-short-time" }, el("span", {}, days3), !allDay && [times[0], "–", times[1]]), repeat.root, calendar.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn text", type: "button", onclick: () => close(read2()) }, t("More…")), el("button", { class: "btn primary", type: "submit" }, t("Save"))))];
  });
  if (cause.isConnected) anchorTo(cause, true);
  return answer;
}
export {
  writeShort
};
