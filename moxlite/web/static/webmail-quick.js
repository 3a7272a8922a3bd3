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

var formats = /* @__PURE__ */ new Map();
function formatted(date2, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date2);
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
  let plain2 = "";
  let last = 0;
  for (const match of written(value).matchAll(scripts)) {
    const piece = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== void 0) + 1;
    if (kind !== 0 && last !== 0 && kind !== last) {
      fragment.append(plain2, mark(piece));
      plain2 = "";
      last = kind;
      continue;
    }
    plain2 += piece;
    if (kind !== 0) last = kind;
    else if (!mixable.test(piece)) last = 0;
  }
  fragment.append(plain2);
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

var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
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

var dayLength = 864e5;
function dayOf(date2) {
  return Math.round(Date.UTC(date2.getFullYear(), date2.getMonth(), date2.getDate()) / dayLength);
}
function dateOf(day, minutes = 0) {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
var clock2 = (date2) => formatted(date2, "event clock", { hour: "numeric", minute: "2-digit" });
var longDay = (day) => formatted(dateOf(day), "event day", { weekday: "long", day: "numeric", month: "long" });
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });

var hour = 50;

var shownName = (one) => one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;

var days = { MO: 1, TU: 2, WE: 3, TH: 4, FR: 5, SA: 6, SU: 0 };
var workdays = "MO,TU,WE,TH,FR";
function weekday2(text2) {
  const [, number = "", day = ""] = /^([+-]?\d+)?(\w\w)$/.exec(text2) ?? [];
  const name = new Intl.DateTimeFormat(locale(), { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, 10, 22 + (days[day] ?? 0))));
  const numbered = { "": name, "1": t("the first {day}", { day: name }), "2": t("the second {day}", { day: name }), "3": t("the third {day}", { day: name }), "4": t("the fourth {day}", { day: name }), "5": t("the fifth {day}", { day: name }), "-1": t("the last {day}", { day: name }) };
  return numbered[number.replace("+", "")] ?? "";
}
function ruleText(rule) {
  const every2 = { hourly: many(rule.interval, "every hour", "every {n} hours"), daily: many(rule.interval, "every day", "every {n} days"), weekly: many(rule.interval, "every week", "every {n} weeks"), monthly: many(rule.interval, "every month", "every {n} months"), yearly: many(rule.interval, "every year", "every {n} years") };
  const atWork = rule.frequency === "weekly" && rule.interval === 1 && rule.days.join() === workdays;
  const names2 = rule.days.map(weekday2);
  const base = atWork ? t("every weekday (Monday to Friday)") : every2[rule.frequency];
  if (base === void 0 || names2.includes("") || rule.month_days.some((n) => n < -1)) return t("repeated by a custom rule");
  const list = (texts) => new Intl.ListFormat(locale()).format(texts);
  const month = (n) => new Intl.DateTimeFormat(locale(), { month: "long", timeZone: "UTC" }).format(new Date(Date.UTC(2026, n - 1, 1)));
  const last = /* @__PURE__ */ new Date(`${rule.until.slice(0, 10)}T00:00:00Z`);
  const lastDay = new Intl.DateTimeFormat(locale(), { dateStyle: "full", timeZone: "UTC" });
  const monthDays = rule.month_days.map((n) => n === -1 ? t("the last") : String(n));
  return [base, !atWork && names2.length > 0 && t("on {days}", { days: list(names2) }), monthDays.length > 0 && t("on day {days}", { days: list(monthDays) }), rule.months.length > 0 && t("in {months}", { months: list(rule.months.map(month)) }), rule.count > 0 && many(rule.count, "once", "{n} times"), !Number.isNaN(last.getTime()) && t("until {day}", { day: lastDay.format(last) })].filter((one) => one !== false).join(", ");
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
  const kinds2 = { DAILY: "daily", WEEKLY: "weekly", MONTHLY: "monthly", YEARLY: "yearly" };
  let kind = others.length > 0 ? isCustom(rule) ? "custom" : "other" : kinds2[FREQ] ?? (FREQ === "" ? "" : "other");
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
function weekOf(date2) {
  const next = new Date(date2.getTime() + 7 * 864e5);
  return next.getUTCMonth() === date2.getUTCMonth() ? Math.ceil(date2.getUTCDate() / 7) : -1;
}
var dayOf2 = (date2) => days2[(date2.getUTCDay() + 6) % 7];
function toRule(kind, until, start) {
  const date2 = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const rules = { daily: "FREQ=DAILY", workdays: `FREQ=WEEKLY;BYDAY=${workdays2}`, weekly: `FREQ=WEEKLY;BYDAY=${dayOf2(date2)}`, fortnightly: `FREQ=WEEKLY;INTERVAL=2;BYDAY=${dayOf2(date2)}`, monthly: "FREQ=MONTHLY", weekday: `FREQ=MONTHLY;BYDAY=${weekOf(date2)}${dayOf2(date2)}`, yearly: "FREQ=YEARLY" };
  const rule = rules[kind];
  return rule === void 0 ? "" : ending(rule, until);
}
function repeats(rule, start) {
  const date2 = /* @__PURE__ */ new Date(`${start}T00:00Z`);
  const day = new Intl.DateTimeFormat(locale(), { weekday: "long", timeZone: "UTC" }).format(date2);
  const found = [["", t("Doesn't repeat")], ["daily", t("Every day")], ["workdays", t("Every weekday (Monday to Friday)")], ["weekly", t("Every week on {day}", { day })], ["fortnightly", t("Every 2 weeks on {day}", { day })], ["monthly", t("Every month on the same day")], ["weekday", t("Every month, same {day}", { day })], ["yearly", t("Every year")], ["custom", t("Custom…")]];
  if (fromRule(rule).kind === "other") found.push(["other", inWords(rule)]);
  return found;
}
function inWords(rule) {
  const parts2 = partsOf(rule.toUpperCase());
  const { FREQ = "", INTERVAL = "1", COUNT = "0", UNTIL = "", WKST: _, ...rest } = parts2;
  const [days22, monthDays, months2] = ["BYDAY", "BYMONTHDAY", "BYMONTH"].map((name) => rest[name]?.split(",") ?? []);
  const others = Object.keys(rest).some((name) => !["BYDAY", "BYMONTHDAY", "BYMONTH"].includes(name));
  return ruleText({ frequency: others ? "" : FREQ.toLowerCase(), interval: Number(INTERVAL), count: Number(COUNT), until: UNTIL.replace(/^(\d{4})(\d\d)(\d\d).*/, "$1-$2-$3"), days: days22, month_days: monthDays.map(Number), months: months2.map(Number) });
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

var undoSeconds = 8;
var addedWords = ({ told: told2 }) => told2 === 0 ? t("Event added") : many(told2, "Saved · {n} guest invited", "Saved · {n} guests invited");
function tellChange(client, words, change, again) {
  const undo = async () => {
    const { told: told2 } = await client.event_undo(change.undo);
    await again();
    if (told2 > 0) toast(many(told2, "Undone · {n} guest will get a correction", "Undone · {n} guests will get a correction"));
  };
  const run = () => void attempt(t("Undoing…"), t("Couldn't undo"), undo);
  toast(words, { title: t("Undo"), run }, undoSeconds * 1e3);
}

var two = (number) => String(number).padStart(2, "0");
function local(date2, whole) {
  const day = `${date2.getFullYear()}-${two(date2.getMonth() + 1)}-${two(date2.getDate())}`;
  return whole ? day : `${day}T${two(date2.getHours())}:${two(date2.getMinutes())}`;
}
var ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
function ahead(zone, moment) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour: hour3 = 0, minute = 0 } = part;
  return Math.round((Date.UTC(year, month - 1, day, hour3, minute) - moment) / 6e4);
}
function momentOf(text2, zone) {
  const shown2 = Date.parse(`${text2}Z`);
  if (!/T\d\d:\d\d$/.test(text2) || Number.isNaN(shown2)) return null;
  const name = zone || ownZone();
  const first = shown2 - ahead(name, shown2) * 6e4;
  return new Date(shown2 - ahead(name, first) * 6e4);
}

var quick_default = ".dialog.anchored:has(.event-short){width:368px}.event-short{display:grid;gap:12px}.event-short-meant{display:flex;align-items:center;gap:8px;border-radius:var(--r-md);color:var(--text)}.event-short-meant.shown{margin-top:4px;padding-block:6px;padding-inline:10px 4px;background:var(--tag-5)}.event-short-meant:not(.shown)>:not(p){display:none}.event-short-meant>svg{flex:none;width:16px;height:16px}.event-short-meant .btn.icon{flex:none;justify-content:center;width:32px;height:32px;border:0;background:none}.event-short-meant .btn.icon:hover{background:var(--button-hover-background)}.event-short-meant p{flex:1;min-width:0;line-height:18px}.event-short-meant :is(b,bdi,span){display:block;overflow-wrap:anywhere}.event-short-meant b{font-weight:600}.event-short-meant span{color:var(--text-2)}.event-short-time{display:flex;flex-wrap:wrap;align-items:center;gap:8px}.event-short-time span{flex:1 1 100%}.event-short-time input{width:auto}.event-short .dialog-buttons{justify-content:space-between}@media(max-width:700px){.dialog.anchored:has(.event-short){width:100%}.event-short-meant.shown{padding-block:0}.event-short-meant .btn.icon{width:44px;height:44px}}\n";

var vocabularies = { de: { words: { morgen_frueh: "tomorrow morning", morgen_fruh: "tomorrow morning", heute_nacht: "tonight", in_der_frueh: "morning", ubermorgen: "overmorrow", uebermorgen: "overmorrow", morgen: "tomorrow", heute: "today", fruh: "morning", vormittag: "morning", mittag: "noon", nachmittag: "afternoon", abend: "evening", nacht: "night", mitternacht: "midnight", morgens: "morning", mittags: "noon", nachmittags: "afternoon", abends: "evening", nachts: "night", wochenende: "weekend", sonnabend: "saturday", minute: "minutes", minuten: "minutes", stunde: "hours", stunden: "hours", std: "hours", tag: "days", tage: "days", tagen: "days", woche: "week", wochen: "weeks", monat: "months", monate: "months", monaten: "months", ein: "1", eine: "1", einer: "1", einem: "1", zwei: "2", drei: "3", um: "at", gegen: "at", von: "from", ab: "from" }, ahead: ["in"], clock: ["uhr"], until: ["bis"] }, fr: { words: { "apres-demain": "overmorrow", apres_demain: "overmorrow", ce_soir: "this evening", cette_nuit: "tonight", "week-end": "weekend", week_end: "weekend", "apres-midi": "afternoon", apres_midi: "afternoon", "aujourd'hui": "today", "aujourd’hui": "today", semaine_prochaine: "week", demain: "tomorrow", matin: "morning", midi: "noon", soir: "evening", nuit: "night", minuit: "midnight", jour: "days", jours: "days", semaine: "weeks", semaines: "weeks", mois: "months", un: "1", une: "1", deux: "2", trois: "3", a: "at", vers: "at" }, ahead: ["dans", "d'ici"], clock: ["h", "heure", "heures"], until: ["a", "jusqu'a"] }, es: { words: { pasado_manana: "overmorrow", por_la_manana: "morning", de_la_manana: "morning", esta_manana: "this morning", por_la_tarde: "afternoon", por_la_noche: "night", esta_noche: "tonight", fin_de_semana: "weekend", proxima_semana: "week", semana_que_viene: "week", manana: "tomorrow", hoy: "today", mediodia: "noon", tarde: "afternoon", noche: "night", medianoche: "midnight", minuto: "minutes", minutos: "minutes", dia: "days", dias: "days", semana: "weeks", semanas: "weeks", mes: "months", meses: "months", un: "1", una: "1", dos: "2", tres: "3", a_las: "at", a_la: "at", sobre_las: "at", de_las: "from" }, ahead: ["en", "dentro de"], clock: ["h", "hora", "horas"], until: ["a", "a las", "hasta", "hasta las"] }, nl: { words: { volgende_week: "week", overmorgen: "overmorrow", morgenochtend: "tomorrow morning", morgenmiddag: "tomorrow afternoon", morgenavond: "tomorrow evening", vanmorgen: "this morning", vanochtend: "this morning", vanmiddag: "this afternoon", vanavond: "this evening", vannacht: "tonight", morgen: "tomorrow", vandaag: "today", ochtend: "morning", tussen_de_middag: "noon", middag: "afternoon", avond: "evening", nacht: "night", middernacht: "midnight", minuut: "minutes", minuten: "minutes", dag: "days", dagen: "days", weken: "weeks", maand: "months", maanden: "months", een: "1", twee: "2", drie: "3", om: "at", van: "from", vanaf: "from" }, ahead: ["over"], clock: ["uur", "u"], until: ["tot"] } };
var idle = new Set("am_an_den_der_dem_kommenden_nachsten_naechsten_nachste_naechste_diesen_diese_dieses_le_la_les_au_en_el_los_op_de_het_komende_volgende_deze_prochain_prochaine_proximo_este_esta_ce_cet_cette".split("_"));
function plain(text2) {
  return text2.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
var kept = /* @__PURE__ */ new Map();
function names(language, kind) {
  const known = kept.get(language + kind);
  if (known !== void 0) return known;
  const [own, english, short] = [language, "en", language].map((one, at) => new Intl.DateTimeFormat(one, { [kind]: at === 2 ? "short" : "long", timeZone: "UTC" }));
  const days3 = Array.from({ length: kind === "month" ? 12 : 7 }, (_, n) => kind === "month" ? new Date(Date.UTC(2026, n, 1)) : new Date(Date.UTC(2026, 0, 4 + n)));
  const found = new Map(days3.map((day) => [plain(own.format(day)), english.format(day).toLowerCase()]));
  for (const day of kind === "month" ? [] : days3) {
    const letters = plain(short.format(day)).replace(".", "");
    if (letters.length === 2) found.set(letters, english.format(day).toLowerCase());
  }
  kept.set(language + kind, found);
  return found;
}
function named(all, word) {
  const name = word.replace(/(\D)\.$/, "$1");
  if (name.length < 3) return all.get(name);
  return all.get(name) ?? [...all].find(([one]) => one.startsWith(name))?.[1];
}
function inEnglish(text2, language) {
  const known = vocabularies[language];
  if (known === void 0) return null;
  const words = new Map(Object.entries(known.words).map(([word2, english]) => [word2.replaceAll("_", " "), english]));
  let found = ` ${plain(text2).replace(/[\s,]+/g, " ").trim()} `;
  found = found.replace(/ (\d{1,2})[./](\d{1,2})[./](\d{4}) /, (_, day, month, year) => {
    return ` ${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")} `;
  });
  found = found.replace(/ (\d{1,2})\.(\d{1,2})\. /, (all, day, month) => {
    const name = [...names("en", "month").values()][Number(month) - 1];
    return name === void 0 ? all : ` ${day} ${name} `;
  });
  const ahead2 = known.ahead.find((one) => found.startsWith(` ${one} `));
  if (ahead2 !== void 0) found = found.replace(` ${ahead2} `, " in ");
  const hour3 = new RegExp(`(?<=[ –-])(\\d{1,2})(?:[:.h](\\d{2}))? ?(?:${known.clock.join("|")})(?=[ –-])`, "g");
  found = found.replace(hour3, (_, n, minute) => ahead2 !== void 0 && minute === void 0 ? `${n} hours` : `${n}:${minute ?? "00"}`);
  if (ahead2 !== void 0) found = found.replace(new RegExp(` (${known.clock.join("|")}) `), " hours ");
  found = found.replace(new RegExp(`(\\d) (?:${known.until.join("|")}) (?=\\d)`), "$1-");
  for (const [phrase, english] of words) if (/[ '’-]/.test(phrase)) found = found.replace(` ${phrase} `, ` ${english} `);
  const [weekdays2, months2] = [names(language, "weekday"), names(language, "month")];
  const word = (one) => words.get(one) ?? weekdays2.get(one) ?? months2.get(one) ?? (idle.has(one) ? "" : part(one));
  const part = (one) => named(weekdays2, one) ?? named(months2, one) ?? one;
  const split = (one) => {
    const day = [...weekdays2.keys()].find((name) => name.length > 2 && one.startsWith(name) && words.has(one.slice(name.length)));
    return day === void 0 ? word(one) : `${weekdays2.get(day)} ${words.get(one.slice(day.length))}`;
  };
  return found.trim().split(" ").map(split).filter((one) => one !== "").join(" ");
}

var parts = new Map(Object.entries({ morning: 8, noon: 12, midday: 12, afternoon: 14, evening: 18, night: 20, tonight: 20, midnight: 24 }));
var weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
var months = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
var units = new Map(Object.entries({ minute: 1, min: 1, m: 1, hour: 60, h: 60, day: 1440, d: 1440, week: 10080, w: 10080 }));
var idle2 = /* @__PURE__ */ new Set(["at", "on", "in", "the", "this", "of", "for", "from", "next", "@"]);
var longest = 80;
function named2(names2, word) {
  return word.length < 3 ? -1 : names2.findIndex((name) => name.startsWith(word));
}
function dayAt(from, days3, minutes) {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days3, 0, minutes);
}
function clock3(word) {
  const found = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?$/.exec(word);
  if (found === null) return null;
  let hour3 = Number(found[1]);
  const minute = Number(found[2] ?? 0);
  const half = found[3] !== void 0;
  if (half) {
    if (hour3 < 1 || hour3 > 12) return null;
    hour3 = hour3 % 12 + (found[3] === "pm" ? 12 : 0);
  }
  return hour3 < 24 && minute < 60 ? { minutes: hour3 * 60 + minute, half: half || /^0\d/.test(word) } : null;
}
var noon = 720;
function range(word, part, twelve) {
  const [start, end = null, ...rest] = word.split("-").map(clock3);
  if (start === null || start === void 0 || rest.length > 0 || word.includes("-") && end === null) return null;
  const late = start.minutes + noon;
  const lifted = end?.half ? late <= end.minutes : part > 0 ? part >= 14 && late >= (part - 2) * 60 : twelve && late >= 780 && late < 1140 && (end === null || end.minutes < noon);
  const from = !start.half && start.minutes < noon && lifted ? late : start.minutes;
  if (end === null) return [from, null];
  let to2 = end.minutes;
  if (to2 <= from && !end.half && to2 + noon > from) to2 += noon;
  return [from, to2 <= from ? to2 + 1440 : to2];
}
function date(words, at, now) {
  const [first = "", second = "", third = ""] = words.slice(at, at + 3);
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(first);
  if (iso !== null) return [exact(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])), 1];
  const before = named2(months, first) >= 0;
  const month = named2(months, before ? first : second);
  const number = /^(\d{1,2})(?:st|nd|rd|th|\.)?$/.exec(before ? second : first);
  if (month < 0 || number === null) return null;
  const year = /^20\d\d$/.test(third) ? Number(third) : null;
  const day = exact(year ?? now.getFullYear(), month, Number(number[1]));
  const over = year === null && day !== null && dayAt(day, 1, 0) <= now;
  return [over ? exact(now.getFullYear() + 1, month, Number(number[1])) : day, year === null ? 2 : 3];
}
function after(now, n, unit) {
  const minutes = units.get(unit.replace(/s$/, "")) ?? units.get(unit);
  if (/^months?$/.test(unit)) return new Date(now.getFullYear(), now.getMonth() + n, now.getDate(), now.getHours(), now.getMinutes());
  if (minutes === void 0) return null;
  return minutes >= 1440 ? dayAt(now, n * minutes / 1440, now.getHours() * 60 + now.getMinutes()) : new Date(now.getTime() + n * minutes * 6e4);
}
function readTime(text2, now, twelve = false) {
  const typed = text2.slice(0, longest);
  const english = inEnglish(typed, (locale() ?? "en").split("-")[0]);
  return (english === null ? null : read2(english, now, twelve)) ?? read2(typed, now, twelve);
}
function read2(text2, now, twelve) {
  const all = text2.toLowerCase().replace(/\bday after tomorrow\b/, "overmorrow").replace(/(\d) ?([ap])\.?m\b\.?/g, "$1$2m").replace(/(\d[ap]?m?)\s*(?:[-–—]|\b(?:to|until|till)\b)\s*(?=\d)/g, "$1-").split(/[\s,]+/).filter((word) => word !== "");
  const words = all.filter((word) => !idle2.has(word));
  const [first = "", second = "", third] = words;
  const short = /^(\d{1,3})(min|m|h|d|w)$/.exec(first);
  const count = short !== null && second === "" ? Number(short[1]) : /^an?$/.test(first) ? 1 : Number(first);
  const unit = short !== null && second === "" ? short[2] : second;
  if (unit !== "" && third === void 0 && Number.isInteger(count) && count > 0 && count <= 1e3) {
    const found = after(now, count, unit);
    const whole = (units.get(unit.replace(/s$/, "")) ?? 1440) >= 1440;
    if (found !== null) return { words: all, day: dayAt(found, 0, 0), from: whole ? null : found.getHours() * 60 + found.getMinutes(), to: null, after: found, written: "" };
  }
  let day = null;
  let weekday3 = -1;
  let part = "";
  let written2 = "";
  for (let at = 0; at < words.length; ) {
    const word = words[at];
    const dated = date(words, at, now);
    if (dated !== null) {
      if (dated[0] === null || day !== null) return null;
      day = dated[0];
      at += dated[1];
      continue;
    }
    at++;
    const relative = relativeDay(word, now);
    if (word === "tomorrow" && weekday3 >= 0) part = "morning";
    else if (relative !== null && (word !== "week" || at === words.length)) {
      if (day !== null && +day !== +relative) return null;
      day = relative;
    } else if (named2(weekdays, word) >= 0) {
      if (weekday3 >= 0) return null;
      weekday3 = named2(weekdays, word);
    } else if (!parts.has(word)) {
      if (written2 !== "") return null;
      written2 = word;
    }
    if (parts.has(word)) part = word;
  }
  if (weekday3 >= 0 && day !== null && day.getDay() !== weekday3) return null;
  if (weekday3 >= 0) day ??= dayAt(now, (weekday3 + 7 - now.getDay()) % 7 || 7, 0);
  const hour3 = parts.get(part) ?? 0;
  const times = written2 === "" ? null : range(written2, hour3, twelve);
  if (written2 !== "" && times === null) return null;
  if (day === null && times === null && part === "") return null;
  const [from, to2] = times ?? [part === "" ? null : hour3 * 60, null];
  return { words: all, day, from, to: to2, after: null, written: written2 };
}
function relativeDay(word, now) {
  const ahead2 = { today: 0, tonight: 0, tomorrow: 1, overmorrow: 2, week: (8 - now.getDay()) % 7 || 7, weekend: (13 - now.getDay()) % 7 || 7 };
  return Object.hasOwn(ahead2, word) ? dayAt(now, ahead2[word], 0) : null;
}
function exact(year, month, day) {
  const found = new Date(year, month, day);
  return found.getMonth() === month ? found : null;
}
var isPart = (word) => parts.has(word) && word !== "tonight";
var isIdle = (word) => idle2.has(word);
var isWeekday = (word) => named2(weekdays, word) >= 0;

var most2 = 12;
var hour2 = 60;
function timeIn(text2, begun, now) {
  const words = text2.trim().split(/\s+/);
  const twelve = hour12();
  if (readTime(text2, now, twelve) !== null) return null;
  const at = words.findIndex((word) => every.test(word));
  if (at >= 0) return series(words.slice(0, at), words.slice(at), begun, now);
  const days3 = daysIn(words, now);
  if (days3 !== null) return days3;
  const taken = (phrase, rest, first) => {
    const typed = phrase.join(" ").replace(/[,;:]+$/, "");
    const title = rest.join(" ").replace(/^[-–—:,;·\s]+|[-–—:,;·\s]+$/g, "");
    if (!first && isIdle(rest.at(-1).toLowerCase())) return null;
    const reading = title === "" ? null : readTime(typed, now, twelve);
    if (reading === null || !isMeant(reading, first, begun.start, typed)) return null;
    const last = rest.at(-1);
    if (!first && (to.test(last) || reading.day === null && numbers.test(last))) return null;
    return { title, words: typed, repeat: "", ...timesOf(reading, begun) };
  };
  for (let at2 = Math.max(1, words.length - most2); at2 < words.length; at2++) {
    const found = taken(words.slice(at2), words.slice(0, at2), false);
    if (found !== null) return found;
  }
  for (let at2 = Math.min(most2, words.length - 1); at2 > 0; at2--) {
    const found = taken(words.slice(0, at2), words.slice(at2), true);
    if (found !== null) return found;
  }
  return null;
}
var every = /^(every|each|jede[nrs]?|chaque|tous|toutes|cada|todos|todas)$/i;
var to = /^(to|until|till|bis|au|al|hasta|[-–—])$/i;
var numbers = /^\d{1,2}(\.\d{1,2}\.(\d{2,4})?|\/\d{1,2}(\/\d{2,4})?)$/;
var kinds = [[/^(day|tag|jours?|d[ií]as?)$/i, "daily"], [/^(weekday|workday|werktag)$/i, "workdays"], [/^(week|woche|semaines?|semanas?)$/i, "weekly"], [/^(month|monat|mois|mes|meses)$/i, "monthly"], [/^(year|jahr|ans?|année|años?)$/i, "yearly"]];
function series(before, after2, begun, now) {
  const rest = after2.slice(1).filter((word, at) => at > 0 || !/^(les|los|las)$/i.test(word));
  const other = /^(other|second|zweiten?|zweite)$/i.test(rest[0] ?? "");
  if (other) rest.shift();
  const kind = kinds.find(([name]) => name.test(rest[0] ?? ""))?.[1] ?? "";
  const least = before.length > 0 ? rest.length : 1;
  for (let length = rest.length; length >= least && length > 0; length--) {
    const phrase = rest.slice(0, length).join(" ").replace(/[,;:]+$/, "");
    const reading = repeated(kind === "" ? phrase : phrase.split(" ").slice(1).join(" "), kind, now);
    if (reading === null || other && kind !== "" && kind !== "weekly") continue;
    const title = [...before, ...rest.slice(length)].join(" ").replace(/^[-–—:,;·\s]+|[-–—:,;·\s]+$/g, "");
    const words = [...after2.slice(0, after2.length - rest.length), ...rest.slice(0, length)].join(" ");
    const repeat = kind === "" || kind === "weekly" ? other ? "fortnightly" : "weekly" : kind;
    return title === "" ? null : { title, words, repeat, ...timesOf(reading, begun) };
  }
  return null;
}
function repeated(phrase, kind, now) {
  if (phrase === "") return kind === "" ? null : { day: null, from: null, to: null, after: null };
  const reading = readTime(phrase, now, hour12()) ?? readTime(phrase.replace(/(\p{L})s\b/u, "$1"), now, hour12());
  if (reading === null || reading.after !== null) return null;
  const weekday3 = reading.words.some(isWeekday);
  const alone = reading.words.filter((word) => !isIdle(word) && !isWeekday(word) && word !== reading.written);
  if (alone.some((word) => !isPart(word))) return null;
  return kind === "" || kind === "weekly" ? weekday3 || kind !== "" ? reading : null : weekday3 ? null : reading;
}
function daysIn(words, now) {
  const between = words.findIndex((word, at) => at > 0 && to.test(word));
  if (between < 1) return null;
  const last = words.slice(between + 1).join(" ");
  const dayOf3 = (text2) => {
    const reading = readTime(text2, now);
    return reading === null || reading.from !== null || reading.after !== null ? null : reading.day;
  };
  for (let at = 1; at < between; at++) {
    const first = words.slice(at, between).join(" ");
    const day = /^\d{1,2}\.?$/.test(first) ? last.replace(/\d{1,2}\.?/, first) : first;
    const [start, end] = [day, /^\d{1,2}\.?$/.test(last) ? first.replace(/\d{1,2}\.?/, last) : last].map(dayOf3);
    if (start == null || end == null || end <= start) continue;
    const title = words.slice(0, at).join(" ").replace(/[-–—:,;·\s]+$/, "");
    const text2 = words.slice(at).join(" ");
    return { title, words: text2, repeat: "", allDay: true, start, end: dayAt(end, 1, 0) };
  }
  return null;
}
var hour12 = () => new Intl.DateTimeFormat(locale(), { hour: "numeric" }).resolvedOptions().hour12 === true;
function isMeant(reading, first, begun, text2) {
  const { words, day, from, to: to2, after: after2, written: written2 } = reading;
  const [begin = "", second = ""] = words;
  if (isIdle(words.at(-1)) || words.at(-1) === "week" || words.includes("weekend")) return false;
  if (after2 !== null) return begin === "in";
  const at = words.findIndex((word) => !isIdle(word));
  if (isPart(words[at]) && words[at - 1] !== "this" && !(begin === "at" && /noon|mid/.test(second))) return false;
  if (words.some((word, n) => word === "the" && isWeekday(words[n + 1] ?? ""))) return false;
  if (written2 !== "") {
    const place = words.indexOf(written2);
    const said = /^(at|from|@)$/.test(words[place - 1] ?? "");
    const exact2 = /\d[:h]\d|[ap]m/.test(written2);
    return exact2 || said || place > at && day !== null || to2 !== null && (day !== null || Number.parseInt(written2, 10) >= 7);
  }
  const weekdays2 = words.every((word) => isIdle(word) || isWeekday(word));
  if (weekdays2 && (first || begun.getDay() === day?.getDay())) return false;
  return from !== null || /\d|\p{L}{3}/u.test(text2);
}
function timesOf({ day, from, to: to2, after: after2 }, begun) {
  const date2 = day ?? begun.start;
  if (from === null) return { allDay: true, start: dayAt(date2, 0, 0), end: dayAt(date2, 1, 0) };
  const start = after2 ?? dayAt(date2, 0, from);
  const length = begun.allDay ? hour2 * 6e4 : begun.end.getTime() - begun.start.getTime();
  const end = to2 === null ? new Date(start.getTime() + length) : dayAt(date2, 0, to2);
  return { allDay: false, start, end: end > start ? end : new Date(start.getTime() + length) };
}

adopt(quick_default);
async function writeShort(client, calendars, begun, root, timed, again) {
  const writable = calendars.filter((one) => one.writable);
  const own = writable.filter(({ owner }) => owner === "");
  const first = own.find(({ hidden }) => !hidden) ?? own[0] ?? writable[0];
  const cause = mark2(begun, timed);
  const place = () => {
    if (!cause.isConnected) root.querySelector(placeOf(begun, timed))?.append(cause);
  };
  place();
  if (timed) cause.scrollIntoView({ block: "nearest" });
  const drawn = new MutationObserver(place);
  drawn.observe(root, { childList: true, subtree: true });
  const answer = dialog(t("New event"), (close) => {
    const title = titleField(begun, () => draw());
    const times = timesField(begun);
    const calendar = choice(t("Calendar"), [...writable].sort(byOwner).map((one) => [String(one.id), shownName(one)]), String(first.id));
    calendar.control.className = "dialog-input";
    const repeat = choice(t("Repeat"), [], "");
    repeat.control.className = "dialog-input";
    const dayIn = ({ start }) => local(start, true);
    let said = "";
    const draw = () => {
      const meant2 = title.meant();
      if ((meant2?.repeat ?? "") !== said) {
        said = meant2?.repeat ?? "";
        if (![...repeat.control.options].some(({ value }) => value === said)) repeat.control.append(new Option(said, said));
        repeat.control.value = said;
      }
      times.root.hidden = meant2 !== null;
      cause.style.visibility = meant2 === null ? "" : "hidden";
      const chosen = repeat.control.value;
      fill(repeat.control, repeats("", dayIn(meant2 ?? begun)).filter(([kind]) => kind !== "custom").map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
    };
    draw();
    const read3 = () => {
      const meant2 = title.meant();
      const { allDay, start, end } = meant2 ?? times.read();
      const words = meant2?.title ?? title.control.value.trim();
      return { allDay, start, end, title: words, typed: words !== "", calendar: Number(calendar.control.value), rule: toRule(repeat.control.value, "", dayIn({ allDay, start, end })) };
    };
    const save = async () => {
      const event = read3();
      const form = { title: event.title, place: "", notes: "", all_day: event.allDay, start: local(event.start, event.allDay), end: local(event.end, event.allDay), zone: event.allDay ? "" : ownZone(), rule: event.rule, alarms: [], mails: [], free: false, guests: [] };
      await attempt(t("Saving…"), t("Couldn't save event"), async () => {
        const change = await client.event_save(event.calendar, form);
        close(null);
        await again();
        tellChange(client, addedWords(change), change, again);
      });
    };
    return [el("form", { class: "event-short", onsubmit: once(save) }, title.root, times.root, repeat.root, calendar.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn text", type: "button", onclick: () => close(read3()) }, t("More…")), el("button", { class: "btn primary", type: "submit" }, t("Save"))))];
  });
  if (cause.isConnected) anchorTo(cause, true);
  return answer.finally(() => {
    drawn.disconnect();
    cause.remove();
  });
}
function titleField(begun, changed) {
  const title = field(t("Title"), el("input", { class: "dialog-input", maxlength: "1000", dir: "auto", autofocus: true, autocomplete: "off", placeholder: t("Dentist Tue 9:30"), value: begun.title ?? "" }));
  let meant2 = null;
  let left = "";
  const said = el("p", { role: "status" });
  const leave = () => {
    left = meant2?.words ?? "";
    title.control.focus();
    draw();
  };
  const words = t("Don't use this time");
  const line = el("div", { class: "event-short-meant" }, sign(clock), said, el("button", { class: "btn icon small", type: "button", title: words, "aria-label": words, onclick: leave }, sign(x)));
  const draw = () => {
    const found = timeIn(title.control.value, begun, /* @__PURE__ */ new Date());
    meant2 = found?.words === left ? null : found;
    line.classList.toggle("shown", meant2 !== null);
    fill(said, meant2 !== null && [el("bdi", {}, isolated(meant2.title)), " ", el("b", {}, inWords2(meant2)), " ", meant2.repeat !== "" && el("bdi", {}, ruleOf(meant2)), " ", el("span", {}, t("Press Enter or Save to use this time"))]);
    changed();
  };
  title.control.addEventListener("input", draw);
  title.root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || meant2 === null) return;
    event.preventDefault();
    leave();
  });
  title.root.append(line);
  return { root: title.root, control: title.control, meant: () => meant2 };
}
function timesField({ allDay, start, end }) {
  const time = (date2, label) => el("input", { class: "dialog-input", type: "time", value: local(date2, false).slice(11), "aria-label": label, required: true });
  const [begin, finish] = [time(start, t("Starts at")), time(end, t("Ends at"))];
  const at = (input) => momentOf(`${local(start, true)}T${input.value}`, "");
  let length = end.getTime() - start.getTime();
  begin.addEventListener("input", () => {
    const from = at(begin);
    if (from !== null) finish.value = local(new Date(from.getTime() + length), false).slice(11);
  });
  const read3 = () => {
    const from = !allDay && at(begin) || start;
    let to2 = !allDay && at(finish) || end;
    if (to2 < from) to2 = new Date(to2.getFullYear(), to2.getMonth(), to2.getDate() + 1, to2.getHours(), to2.getMinutes());
    return { allDay, start: from, end: to2 };
  };
  finish.addEventListener("input", () => {
    const { start: from, end: to2 } = read3();
    length = to2.getTime() - from.getTime();
  });
  const days3 = [.../* @__PURE__ */ new Set([dayOf(start), dayOf(new Date(end.getTime() - 1))])].map(longDay).join(" – ");
  const root = el("p", { class: "event-short-time" }, el("span", {}, days3), !allDay && [begin, "–", finish]);
  return { root, read: read3 };
}
function inWords2({ allDay, start, end }) {
  const [first, last] = [dayOf(start), dayOf(new Date(end.getTime() - 1))];
  const day = start.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear() ? shortDay(first) : formatted(start, "event year", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  if (allDay) return `${day}, ${t("all day")}`;
  return `${day}, ${clock2(start)} – ${first === last ? "" : `${shortDay(last)}, `}${clock2(end)}`;
}
var ruleOf = ({ start, repeat }) => repeats("", local(start, true)).find(([kind]) => kind === repeat)[1];
function mark2({ start, end }, timed) {
  const made2 = el("div", { class: "cal-mark", "aria-hidden": "true" });
  const minutes = start.getHours() * 60 + start.getMinutes();
  Object.assign(made2.style, { top: timed ? `${minutes * hour / 60}px` : "0", height: timed ? `${(end.getTime() - start.getTime()) / 36e5 * hour}px` : "100%" });
  return made2;
}
var placeOf = ({ start }, timed) => `${timed ? ".cal-column" : ""}[data-day="${dayOf(start)}"]`;
export {
  writeShort
};
