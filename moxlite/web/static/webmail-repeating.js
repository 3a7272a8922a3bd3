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
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
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

var sundays = "BR CA CO HK IL IN JP KR MX PE PT SA TW US VE ZA";
var saturdays = "BH DJ DZ EG IQ JO KW LY OM QA SD SY";
function firstWeekday() {
  const name = new Intl.Locale(locale() ?? navigator.language);
  const found = name;
  const region = name.maximize().region ?? "";
  const usual = saturdays.split(" ").includes(region) ? 6 : sundays.split(" ").includes(region) ? 7 : 1;
  return ((found.getWeekInfo?.() ?? found.weekInfo)?.firstDay ?? usual) - 1;
}

var repeating_default = ".repeating{display:grid;gap:8px;padding:10px 12px;border:1px solid var(--line);border-radius:var(--r-md);font-size:var(--t-sm)}.repeating-line{display:flex;align-items:center;flex-wrap:wrap;gap:8px}.event-form .repeating-line :is(input,select){width:auto}.event-form .repeating-line input{width:110px}.event-form .repeating-line select+select{margin:0}.repeating-days{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:0 8px}.repeating-days label{display:flex;align-items:center;gap:4px;min-height:30px}@media(max-width:700px){.repeating-days label{min-height:44px}}\n";

adopt(repeating_default);
var days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
var dayOf = (date) => days[(date.getUTCDay() + 6) % 7];
function inMonth(date, on) {
  const [, number = "", day = ""] = /^(-?\d+)(\w\w)?$/.exec(on);
  const at = date.getUTCDate();
  if (day === "") return Number(number) === at;
  const next = new Date(date.getTime() + 7 * 864e5);
  const last = next.getUTCMonth() !== date.getUTCMonth();
  return dayOf(date) === day && (number === "-1" ? last : Number(number) === Math.ceil(at / 7));
}
function customRule(parts, start) {
  const begins = () => /* @__PURE__ */ new Date(`${start.value}T00:00Z`);
  const date = begins();
  const today = dayOf(date);
  const by = parts["BYDAY"] ?? "";
  const name = (day, weekday) => new Intl.DateTimeFormat(locale(), { weekday, timeZone: "UTC" }).format(Date.UTC(2026, 10, 23 + days.indexOf(day)));
  const select = (label, options, value) => {
    const made = el("select", { class: "dialog-input", "aria-label": label }, options.map(([key, words]) => el("option", { value: key }, words ?? "")));
    made.value = value;
    return made;
  };
  const number = (label, value, most) => el("input", { class: "dialog-input", type: "number", min: "1", max: String(most), value, "aria-label": label });
  const interval = number(t("Interval"), parts["INTERVAL"] ?? "1", 99);
  const frequency = select(t("Repeat"), [["DAILY"], ["WEEKLY"], ["MONTHLY"], ["YEARLY"]], parts["FREQ"] ?? "WEEKLY");
  const count = () => {
    const n = Math.max(1, Number(interval.value));
    const words = [many(n, "every day", "every {n} days"), many(n, "every week", "every {n} weeks"), many(n, "every month", "every {n} months"), many(n, "every year", "every {n} years")];
    for (const [at, option] of [...frequency.options].entries()) fill(option, words[at]);
  };
  const chosen = parts["FREQ"] === "WEEKLY" && by !== "" ? by.split(",") : [today];
  const boxes = days.map((day) => {
    const box = el("input", { type: "checkbox", value: day, "aria-label": name(day, "long") });
    box.checked = chosen.includes(day);
    return box;
  });
  const week = el("div", { class: "repeating-days", role: "group", "aria-label": t("Repeat on") }, days.map((_, n) => {
    const at = (n + firstWeekday()) % 7;
    return el("label", {}, boxes[at], name(days[at], "short"));
  }));
  const named = (day) => {
    const one = { day: name(day, "long") };
    return [[`1${day}`, t("the first {day}", one)], [`2${day}`, t("the second {day}", one)], [`3${day}`, t("the third {day}", one)], [`4${day}`, t("the fourth {day}", one)], [`-1${day}`, t("the last {day}", one)]];
  };
  const monthDay = parts["BYMONTHDAY"] ?? String(date.getUTCDate());
  const month = select(t("Repeat on"), [["", t("on day {days}", { days: monthDay })], ...[today, ...days.filter((one) => one !== today)].flatMap(named)], parts["FREQ"] === "MONTHLY" ? by : "");
  const times = number(t("Number of times"), parts["COUNT"] ?? "", 9999);
  times.placeholder = t("No limit");
  const adapt = () => {
    week.hidden = frequency.value !== "WEEKLY";
    month.hidden = frequency.value !== "MONTHLY";
  };
  const ticked = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
  const note = el("p", { class: "hint", role: "status" });
  const say = () => {
    const first = begins();
    const among = { WEEKLY: () => ticked().length === 0 || ticked().includes(dayOf(first)), MONTHLY: () => inMonth(first, month.value || monthDay) }[frequency.value];
    const day = new Intl.DateTimeFormat(locale(), { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
    const other = start.value !== "" && among?.() === false;
    note.hidden = !other;
    fill(note, other && t("The event also takes place on {date}, its start date.", { date: day.format(first) }));
  };
  interval.addEventListener("input", count);
  frequency.addEventListener("change", adapt);
  for (const one of [frequency, month, start, ...boxes]) one.addEventListener("change", say);
  count();
  adapt();
  say();
  const root = el("div", { class: "repeating", role: "group", "aria-label": t("Repeat") }, el("div", { class: "repeating-line" }, interval, frequency, month), week, note, el("div", { class: "repeating-line" }, el("span", {}, t("Number of times")), times));
  return { root, read: () => {
    const every = Number(interval.value);
    const on = { WEEKLY: `;BYDAY=${ticked().join(",") || dayOf(begins())}`, MONTHLY: month.value === "" ? `;BYMONTHDAY=${monthDay}` : `;BYDAY=${month.value}` }[frequency.value];
    const often = every > 1 ? `;INTERVAL=${every}` : "";
    return `FREQ=${frequency.value}${often}${on ?? ""}${times.value === "" ? "" : `;COUNT=${times.value}`}`;
  } };
}
export {
  customRule
};
