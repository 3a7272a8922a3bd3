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
function anchor(...selectors) {
  const button = selectors.flatMap((one) => [...document.querySelectorAll(one)]).find((one) => one.checkVisibility());
  if (button !== void 0) anchorTo(button, false);
}
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

var own = "*";

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
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
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

var choices_default = ".choices{display:grid;gap:6px;max-height:60vh;margin-top:12px;padding:2px;overflow-y:auto}.choices button{flex:none;text-align:start}\n";

var later_default = ".later-words{margin-top:12px}.later-words ::placeholder{font-size:13px}@media(min-width:701px){.dialog.anchored:has(.later-words){width:380px}.later-times button{min-height:34px}}@media(max-width:700px){.later-words .check{padding-block:11px}}.later-said{min-height:1.4em;margin:4px 0 0;color:var(--muted)}.later-said.wrong{color:var(--danger)}.later-words .field+.field{margin-top:10px}.later-times{grid-template-columns:minmax(0,1fr)}.later-times button{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:0 16px;height:auto}.later-times time{color:var(--muted);font-variant-numeric:tabular-nums}.anchored .later-times{gap:2px}.anchored .later-times button{padding:2px 8px;border-color:transparent;background:none}.anchored .later-times button:hover{background:var(--button-hover-background)}@media(max-width:700px){.later-times time{font-size:14px}.later-words ::placeholder{font-size:12px}}\n";

var vocabularies = { de: { words: { morgen_frueh: "tomorrow morning", morgen_fruh: "tomorrow morning", heute_nacht: "tonight", in_der_frueh: "morning", ubermorgen: "overmorrow", uebermorgen: "overmorrow", morgen: "tomorrow", heute: "today", fruh: "morning", vormittag: "morning", mittag: "noon", nachmittag: "afternoon", abend: "evening", nacht: "night", mitternacht: "midnight", morgens: "morning", mittags: "noon", nachmittags: "afternoon", abends: "evening", nachts: "night", wochenende: "weekend", sonnabend: "saturday", minute: "minutes", minuten: "minutes", stunde: "hours", stunden: "hours", std: "hours", tag: "days", tage: "days", tagen: "days", woche: "week", wochen: "weeks", monat: "months", monate: "months", monaten: "months", ein: "1", eine: "1", einer: "1", einem: "1", zwei: "2", drei: "3", um: "at", gegen: "at", von: "from", ab: "from" }, ahead: ["in"], clock: ["uhr"], until: ["bis"] }, fr: { words: { "apres-demain": "overmorrow", apres_demain: "overmorrow", ce_soir: "this evening", cette_nuit: "tonight", "week-end": "weekend", week_end: "weekend", "apres-midi": "afternoon", apres_midi: "afternoon", "aujourd'hui": "today", "aujourd’hui": "today", semaine_prochaine: "week", demain: "tomorrow", matin: "morning", midi: "noon", soir: "evening", nuit: "night", minuit: "midnight", jour: "days", jours: "days", semaine: "weeks", semaines: "weeks", mois: "months", un: "1", une: "1", deux: "2", trois: "3", a: "at", vers: "at" }, ahead: ["dans", "d'ici"], clock: ["h", "heure", "heures"], until: ["a", "jusqu'a"] }, es: { words: { pasado_manana: "overmorrow", por_la_manana: "morning", de_la_manana: "morning", esta_manana: "this morning", por_la_tarde: "afternoon", por_la_noche: "night", esta_noche: "tonight", fin_de_semana: "weekend", proxima_semana: "week", semana_que_viene: "week", manana: "tomorrow", hoy: "today", mediodia: "noon", tarde: "afternoon", noche: "night", medianoche: "midnight", minuto: "minutes", minutos: "minutes", dia: "days", dias: "days", semana: "weeks", semanas: "weeks", mes: "months", meses: "months", un: "1", una: "1", dos: "2", tres: "3", a_las: "at", a_la: "at", sobre_las: "at", de_las: "from" }, ahead: ["en", "dentro de"], clock: ["h", "hora", "horas"], until: ["a", "a las", "hasta", "hasta las"] }, nl: { words: { volgende_week: "week", overmorgen: "overmorrow", morgenochtend: "tomorrow morning", morgenmiddag: "tomorrow afternoon", morgenavond: "tomorrow evening", vanmorgen: "this morning", vanochtend: "this morning", vanmiddag: "this afternoon", vanavond: "this evening", vannacht: "tonight", morgen: "tomorrow", vandaag: "today", ochtend: "morning", tussen_de_middag: "noon", middag: "afternoon", avond: "evening", nacht: "night", middernacht: "midnight", minuut: "minutes", minuten: "minutes", dag: "days", dagen: "days", weken: "weeks", maand: "months", maanden: "months", een: "1", twee: "2", drie: "3", om: "at", van: "from", vanaf: "from" }, ahead: ["over"], clock: ["uur", "u"], until: ["tot"] } };
var idle = new Set("am_an_den_der_dem_kommenden_nachsten_naechsten_nachste_naechste_diesen_diese_dieses_le_la_les_au_en_el_los_op_de_het_komende_volgende_deze_prochain_prochaine_proximo_este_esta_ce_cet_cette".split("_"));
function plain(text2) {
  return text2.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
}
var kept = /* @__PURE__ */ new Map();
function names(language, kind) {
  const known = kept.get(language + kind);
  if (known !== void 0) return known;
  const [own2, english, short] = [language, "en", language].map((one, at) => new Intl.DateTimeFormat(one, { [kind]: at === 2 ? "short" : "long", timeZone: "UTC" }));
  const days = Array.from({ length: kind === "month" ? 12 : 7 }, (_, n) => kind === "month" ? new Date(Date.UTC(2026, n, 1)) : new Date(Date.UTC(2026, 0, 4 + n)));
  const found = new Map(days.map((day3) => [plain(own2.format(day3)), english.format(day3).toLowerCase()]));
  for (const day3 of kind === "month" ? [] : days) {
    const letters = plain(short.format(day3)).replace(".", "");
    if (letters.length === 2) found.set(letters, english.format(day3).toLowerCase());
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
  found = found.replace(/ (\d{1,2})[./](\d{1,2})[./](\d{4}) /, (_, day3, month, year) => {
    return ` ${year}-${month.padStart(2, "0")}-${day3.padStart(2, "0")} `;
  });
  found = found.replace(/ (\d{1,2})\.(\d{1,2})\. /, (all, day3, month) => {
    const name = [...names("en", "month").values()][Number(month) - 1];
    return name === void 0 ? all : ` ${day3} ${name} `;
  });
  const ahead = known.ahead.find((one) => found.startsWith(` ${one} `));
  if (ahead !== void 0) found = found.replace(` ${ahead} `, " in ");
  const hour2 = new RegExp(`(?<=[ –-])(\\d{1,2})(?:[:.h](\\d{2}))? ?(?:${known.clock.join("|")})(?=[ –-])`, "g");
  found = found.replace(hour2, (_, n, minute2) => ahead !== void 0 && minute2 === void 0 ? `${n} hours` : `${n}:${minute2 ?? "00"}`);
  if (ahead !== void 0) found = found.replace(new RegExp(` (${known.clock.join("|")}) `), " hours ");
  found = found.replace(new RegExp(`(\\d) (?:${known.until.join("|")}) (?=\\d)`), "$1-");
  for (const [phrase, english] of words) if (/[ '’-]/.test(phrase)) found = found.replace(` ${phrase} `, ` ${english} `);
  const [weekdays2, months2] = [names(language, "weekday"), names(language, "month")];
  const word = (one) => words.get(one) ?? weekdays2.get(one) ?? months2.get(one) ?? (idle.has(one) ? "" : part(one));
  const part = (one) => named(weekdays2, one) ?? named(months2, one) ?? one;
  const split = (one) => {
    const day3 = [...weekdays2.keys()].find((name) => name.length > 2 && one.startsWith(name) && words.has(one.slice(name.length)));
    return day3 === void 0 ? word(one) : `${weekdays2.get(day3)} ${words.get(one.slice(day3.length))}`;
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
function dayAt(from, days, minutes) {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, 0, minutes);
}
function clock(word) {
  const found = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm)?$/.exec(word);
  if (found === null) return null;
  let hour2 = Number(found[1]);
  const minute2 = Number(found[2] ?? 0);
  const half = found[3] !== void 0;
  if (half) {
    if (hour2 < 1 || hour2 > 12) return null;
    hour2 = hour2 % 12 + (found[3] === "pm" ? 12 : 0);
  }
  return hour2 < 24 && minute2 < 60 ? { minutes: hour2 * 60 + minute2, half: half || /^0\d/.test(word) } : null;
}
var noon = 720;
function range(word, part, twelve) {
  const [start, end = null, ...rest] = word.split("-").map(clock);
  if (start === null || start === void 0 || rest.length > 0 || word.includes("-") && end === null) return null;
  const late = start.minutes + noon;
  const lifted = end?.half ? late <= end.minutes : part > 0 ? part >= 14 && late >= (part - 2) * 60 : twelve && late >= 780 && late < 1140 && (end === null || end.minutes < noon);
  const from = !start.half && start.minutes < noon && lifted ? late : start.minutes;
  if (end === null) return [from, null];
  let to = end.minutes;
  if (to <= from && !end.half && to + noon > from) to += noon;
  return [from, to <= from ? to + 1440 : to];
}
function date(words, at, now) {
  const [first = "", second2 = "", third = ""] = words.slice(at, at + 3);
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(first);
  if (iso !== null) return [exact(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])), 1];
  const before = named2(months, first) >= 0;
  const month = named2(months, before ? first : second2);
  const number = /^(\d{1,2})(?:st|nd|rd|th|\.)?$/.exec(before ? second2 : first);
  if (month < 0 || number === null) return null;
  const year = /^20\d\d$/.test(third) ? Number(third) : null;
  const day3 = exact(year ?? now.getFullYear(), month, Number(number[1]));
  const over = year === null && day3 !== null && dayAt(day3, 1, 0) <= now;
  return [over ? exact(now.getFullYear() + 1, month, Number(number[1])) : day3, year === null ? 2 : 3];
}
function after(now, n, unit) {
  const minutes = units.get(unit.replace(/s$/, "")) ?? units.get(unit);
  if (/^months?$/.test(unit)) return new Date(now.getFullYear(), now.getMonth() + n, now.getDate(), now.getHours(), now.getMinutes());
  if (minutes === void 0) return null;
  return minutes >= 1440 ? dayAt(now, n * minutes / 1440, now.getHours() * 60 + now.getMinutes()) : new Date(now.getTime() + n * minutes * 6e4);
}
function momentOf(text2, now) {
  const reading = readTime(text2, now);
  if (reading === null) return null;
  const { day: day3, from } = reading;
  const found = reading.after ?? dayAt(day3 ?? now, 0, from ?? 480);
  return day3 === null && found <= now ? dayAt(now, 1, from) : found;
}
function readTime(text2, now, twelve = false) {
  const typed = text2.slice(0, longest);
  const english = inEnglish(typed, (locale() ?? "en").split("-")[0]);
  return (english === null ? null : read2(english, now, twelve)) ?? read2(typed, now, twelve);
}
function read2(text2, now, twelve) {
  const all = text2.toLowerCase().replace(/\bday after tomorrow\b/, "overmorrow").replace(/(\d) ?([ap])\.?m\b\.?/g, "$1$2m").replace(/(\d[ap]?m?)\s*(?:[-–—]|\b(?:to|until|till)\b)\s*(?=\d)/g, "$1-").split(/[\s,]+/).filter((word) => word !== "");
  const words = all.filter((word) => !idle2.has(word));
  const [first = "", second2 = "", third] = words;
  const short = /^(\d{1,3})(min|m|h|d|w)$/.exec(first);
  const count = short !== null && second2 === "" ? Number(short[1]) : /^an?$/.test(first) ? 1 : Number(first);
  const unit = short !== null && second2 === "" ? short[2] : second2;
  if (unit !== "" && third === void 0 && Number.isInteger(count) && count > 0 && count <= 1e3) {
    const found = after(now, count, unit);
    const whole = (units.get(unit.replace(/s$/, "")) ?? 1440) >= 1440;
    if (found !== null) return { words: all, day: dayAt(found, 0, 0), from: whole ? null : found.getHours() * 60 + found.getMinutes(), to: null, after: found, written: "" };
  }
  let day3 = null;
  let weekday = -1;
  let part = "";
  let written2 = "";
  for (let at = 0; at < words.length; ) {
    const word = words[at];
    const dated = date(words, at, now);
    if (dated !== null) {
      if (dated[0] === null || day3 !== null) return null;
      day3 = dated[0];
      at += dated[1];
      continue;
    }
    at++;
    const relative = relativeDay(word, now);
    if (word === "tomorrow" && weekday >= 0) part = "morning";
    else if (relative !== null && (word !== "week" || at === words.length)) {
      if (day3 !== null && +day3 !== +relative) return null;
      day3 = relative;
    } else if (named2(weekdays, word) >= 0) {
      if (weekday >= 0) return null;
      weekday = named2(weekdays, word);
    } else if (!parts.has(word)) {
      if (written2 !== "") return null;
      written2 = word;
    }
    if (parts.has(word)) part = word;
  }
  if (weekday >= 0 && day3 !== null && day3.getDay() !== weekday) return null;
  if (weekday >= 0) day3 ??= dayAt(now, (weekday + 7 - now.getDay()) % 7 || 7, 0);
  const hour2 = parts.get(part) ?? 0;
  const times = written2 === "" ? null : range(written2, hour2, twelve);
  if (written2 !== "" && times === null) return null;
  if (day3 === null && times === null && part === "") return null;
  const [from, to] = times ?? [part === "" ? null : hour2 * 60, null];
  return { words: all, day: day3, from, to, after: null, written: written2 };
}
function relativeDay(word, now) {
  const ahead = { today: 0, tonight: 0, tomorrow: 1, overmorrow: 2, week: (8 - now.getDay()) % 7 || 7, weekend: (13 - now.getDay()) % 7 || 7 };
  return Object.hasOwn(ahead, word) ? dayAt(now, ahead[word], 0) : null;
}
function exact(year, month, day3) {
  const found = new Date(year, month, day3);
  return found.getMonth() === month ? found : null;
}
function suggestions(now) {
  const hour2 = now.getHours();
  const found = [];
  if (hour2 < 20) found.push([t("In 3 hours"), after(now, 3, "hours")]);
  if (hour2 < 16) found.push([t("This evening"), dayAt(now, 0, 18 * 60)]);
  found.push([t("Tomorrow morning"), dayAt(now, 1, 8 * 60)], [t("Tomorrow afternoon"), dayAt(now, 1, 14 * 60)]);
  if (now.getDay() > 0 && now.getDay() < 5) found.push([meant("time", "Weekend"), dayAt(now, 6 - now.getDay(), 8 * 60)]);
  if (now.getDay() !== 0) found.push([t("Monday morning"), dayAt(now, (8 - now.getDay()) % 7 || 7, 8 * 60)]);
  return found.sort(([, one], [, other]) => +one - +other);
}
function fieldValue(at) {
  const two = (n) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

adopt(choices_default);
adopt(later_default);
var day2 = 864e5;
function inWords(at) {
  const ahead = at.getTime() - Date.now();
  const text2 = moment(at.getTime() * 1e3);
  if (ahead < 2 * day2 && /\d:\d/.test(text2)) return text2;
  return at.toLocaleString(locale(), { weekday: "short", day: "numeric", month: "short", ...ahead > 300 * day2 && { year: "numeric" }, hour: "numeric", minute: "2-digit" });
}
async function chooseTime(title, action, days, also = "", ticked = false) {
  return dialog(title, (close) => {
    const now = /* @__PURE__ */ new Date();
    const box = el("input", { type: "checkbox", checked: ticked });
    const words = el("input", { class: "dialog-input", autocomplete: "off", maxlength: "80", placeholder: t("tomorrow 9:00, in 3 hours, Friday evening…"), "aria-label": t("Type a time") });
    const calendar = el("input", { class: "dialog-input", type: "datetime-local", min: fieldValue(now), max: fieldValue(new Date(now.getTime() + days * day2)), "aria-label": t("Date and time") });
    const said = el("p", { class: "later-said", role: "status" });
    const wrong = (text2, field) => {
      said.classList.add("wrong");
      fill(said, text2);
      field.setAttribute("aria-invalid", "true");
      field.focus();
    };
    const take = (at) => close({ at, also: box.checked });
    words.addEventListener("input", () => {
      const found = momentOf(words.value, /* @__PURE__ */ new Date());
      said.classList.remove("wrong");
      words.removeAttribute("aria-invalid");
      calendar.removeAttribute("aria-invalid");
      fill(said, found === null ? "" : found.toLocaleString(locale(), { dateStyle: "full", timeStyle: "short" }));
      calendar.value = found === null ? "" : fieldValue(found);
    });
    const form = el("form", { class: "later-words", data: { fleeting: "" }, novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      const field = calendar.value === "" ? words : calendar;
      const at = calendar.value === "" ? momentOf(words.value, /* @__PURE__ */ new Date()) : new Date(calendar.value);
      if (at === null || Number.isNaN(at.getTime())) wrong(t("Enter a time. For example, “tomorrow 9:00” or “in 3 hours”."), field);
      else if (at.getTime() <= Date.now()) wrong(t("This time is in the past."), field);
      else if (at.getTime() > Date.now() + days * day2) wrong(t("Choose a time in the next {days} days.", { days }), field);
      else take(at);
    } }, el("label", { class: "field" }, t("Type a time"), words), el("label", { class: "field" }, t("Date and time"), calendar), said, also !== "" && el("label", { class: "check" }, box, " ", also), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close({ at: /* @__PURE__ */ new Date(0), also: false }) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)));
    const times = suggestions(now).map(([text2, at], i) => el("button", { type: "button", autofocus: i === 0, onclick: () => take(at) }, el("span", {}, text2), el("time", { datetime: at.toISOString() }, inWords(at))));
    const list = el("div", { class: "choices later-times" }, times);
    list.addEventListener("keydown", (event) => {
      if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) words.focus();
    });
    return [list, form];
  }).then((chosen) => chosen === null || chosen.at.getTime() === 0 ? null : chosen);
}

var [longestSending, longestWaiting] = [60, 732];
function seconds(at) {
  return Math.floor(at.getTime() / 1e3);
}
async function chooseSending() {
  const chosen = await chooseTime(t("Schedule send"), t("Schedule"), longestSending);
  return chosen && seconds(chosen.at);
}
async function putOff(desk, items) {
  if (!desk.may(own)) return;
  const sent = desk.inRole("sent");
  const ids = items.map((item) => item.id);
  if (ids.length === 0) return;
  const also = t("Only remind me if there's no reply");
  const asked = chooseTime(sent ? t("Remind me") : t("Snooze"), t("Snooze"), longestWaiting, also, sent);
  anchor('[data-action="later"]:hover', '.toolbar [data-command="message.later"]', ".toolbar-more");
  const chosen = await asked;
  if (chosen === null) return;
  const { at, also: unanswered } = chosen;
  const when = inWords(at);
  const said = unanswered ? t("Will return to your inbox {when} if there's no reply", { when }) : many(ids.length, "Snoozed until {when}", "{n} messages snoozed until {when}", { when });
  desk.actions.run({ shown: unanswered ? {} : { remove: { ids: new Set(ids) } }, call: () => desk.client.message_snooze(ids, seconds(at), unanswered) }, { doing: () => t("Snoozing…"), done: () => said }, items, t("Couldn't snooze messages"), { what: said, actions: () => [{ shown: {}, call: () => desk.client.message_unsnooze(ids) }] });
}
async function anotherTime(sent) {
  const chosen = await chooseTime(t("Change time"), t("Change"), sent ? longestSending : longestWaiting);
  return chosen && seconds(chosen.at);
}
export {
  anotherTime,
  chooseSending,
  putOff
};
