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

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var x = "M18 6 6 18 M6 6l12 12";

var shown = 1e4;
var most = 3;
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
function nameOf(item) {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
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
var isBusy = ({ item, bar }) => !bar && !item.free && !item.cancelled && item.answer !== "no";
var overlapText = ({ item, start }) => t("Overlaps with {title} at {time}", { title: nameOf(item), time: clock(start) });

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
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
  return dialog(t("Propose a new time"), (close) => [el("form", { onsubmit: async (event) => {
    event.preventDefault();
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
  } }, el("label", { class: "field" }, t("New start"), begins), el("label", { class: "field" }, t("New end"), ends), el("label", { class: "field" }, t("Note to organizer"), note), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Send"))))]).then((done) => done === true);
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

var invitation_default = ".event-card:not([hidden]){display:grid;gap:8px;margin:12px 16px 0;padding:14px 16px;border:1px solid var(--border-color);border-radius:10px;overflow-wrap:anywhere}.event-title{margin:0;font-size:16px}.event-state{margin:0;font-weight:600}.event-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 12px;margin:0;font-size:14px}.event-facts dt{color:var(--color-mild)}.event-facts dd{margin:0}.event-answers{display:flex;flex-wrap:wrap;gap:8px;align-items:center}.event-note{flex:1 1 160px;min-width:0}.event-day{margin:0;color:var(--color-mild)}.event-day.clash{color:var(--warn)}\n";

adopt(invitation_default);
var firstGuests = 10;
var answers = [["yes", t("Yes")], ["maybe", t("Maybe")], ["no", t("No")]];
var given = { yes: t("You accepted."), maybe: t("You replied “maybe”."), no: t("You declined."), proposed: t("You proposed a new time.") };
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
  const same = start.utc !== null && end.utc !== null ? new Date(start.utc * 1e3).toDateString() === new Date(end.utc * 1e3).toDateString() : start.local.slice(0, 10) === end.local.slice(0, 10);
  const clock2 = (when) => new Intl.DateTimeFormat(locale(), { timeStyle: "short", ...when.utc === null && { timeZone: "UTC" } }).format(when.utc === null ? /* @__PURE__ */ new Date(`${when.local}Z`) : new Date(when.utc * 1e3));
  return t("{start} to {end}", { start: momentOf(start), end: same ? clock2(end) : momentOf(end) });
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
    const shown22 = found.people.slice(0, n).flatMap((one, at) => at === 0 ? [guest(one)] : [", ", guest(one)]);
    const left = found.people.length - Math.min(n, found.people.length) + found.more;
    const all = el("button", { class: "link", type: "button", onclick: () => show(found.people.length) }, t("and {n} more", { n: left }));
    fill(place, shown22, rest > 0 && left > 0 && [" ", n >= found.people.length ? t("and {n} more", { n: left }) : all]);
  };
  show(firstGuests);
  return place;
}
function stateOf(found) {
  switch (found.state) {
    case "cancelled":
      return t("This event is canceled.");
    case "old":
      return [t("This event has been updated since."), " ", el("a", { href: `#search:${encodeURIComponent(`subject:"${found.title.replaceAll('"', " ")}"`)}` }, t("Show"))];
    case "stranger":
      if (found.method === "COUNTER") return t("This new time can’t be accepted here: its sender isn’t a verified guest of one of your events.");
      return t("The organizer couldn't be verified, so this update wasn't applied.");
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
  if (found.proposal !== null) return t("{who} proposes a new time.", { who: isolated(found.proposal.by.name || found.proposal.by.address) });
  if (found.method === "DECLINECOUNTER" && found.state === "" && found.organizer !== null) return t("{who} declined your new time.", { who: isolated(found.organizer.name || found.organizer.address) });
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
  const said = el("span", { role: "status" }, found.answer === "" ? "" : given[found.answer] ?? "", found.answered_old && ` ${t("You replied to an earlier version.")}`);
  let last = null;
  const answer = async (chosen) => {
    const words = note.value.trim();
    if (last?.chosen !== chosen || last.words !== words) last = { chosen, words, id: newId() };
    const { id } = last;
    const sent = await attempt(t("Sending…"), t("Couldn't send reply"), () => client.invitation_answer(item.id, path, chosen, id, words));
    if (!sent) return;
    toast(t("Reply sent to {who}", { who: isolated(found.organizer?.name || found.organizer.address) }));
    const held = place.contains(document.activeElement);
    draw(client, base, item, path, place, { ...found, answer: chosen, answered_old: false });
    if (held) place.querySelector('[aria-pressed="true"]')?.focus();
  };
  const day = el("p", { class: "event-day", role: "status", hidden: true });
  const open = found.method === "REQUEST" && found.me !== "" && found.state === "" && found.organizer !== null;
  const state = stateOf(found);
  const means = saidOf(found);
  fill(place, el("h2", { class: "event-title" }, el("bdi", { dir: "auto" }, isolated(found.title) || t("(no title)"))), means !== "" && el("p", { class: "event-state" }, means), state !== null && el("p", { class: "event-state" }, state), el("dl", { class: "event-facts" }, found.proposal !== null && fact(t("Current time"), timesOf(found.proposal)), fact(found.proposal === null ? t("When") : t("Proposed time"), [timesOf(found), there !== "" && el("span", { class: "hint" }, el("br"), there)]), found.repeats !== null && fact(t("Repeats"), ruleText(found.repeats)), found.one_of_many && fact(t("Note"), t("This is for 1 event in a series.")), found.place !== "" && fact(t("Location"), isolated(found.place)), found.organizer !== null && fact(t("Organizer"), guest(found.organizer)), found.sent_by !== "" && fact(t("Sent by"), el("strong", {}, isolated(found.sent_by))), found.people.length > 0 && fact(t("Guests"), guests(found)), found.others > 0 && fact(t("Also"), many(found.others, "{n} more event in the file", "{n} more events in the file"))), day, el("div", { class: "event-answers" }, open && answers.map(([name, title]) => el("button", { class: found.answer === name ? "btn primary" : "btn line", type: "button", "aria-pressed": String(found.answer === name), onclick: () => void answer(name) }, title)), open && note, open && found.repeats === null && found.start !== null && el("button", { class: "btn line", type: "button", onclick: async () => {
    const times = shownTimes(found.start, found.end);
    const sent = await propose(times, (start, end, id, words) => client.invitation_propose(item.id, path, start, end, id, words));
    if (!sent) return;
    toast(t("New time proposed"));
    draw(client, base, item, path, place, { ...found, answer: "proposed", answered_old: false });
  } }, t("Propose new time…")), proposed(client, item, path, found), el("a", { class: "button", href: `${base}msg/${item.id}/download/${path}` }, t("Add to calendar (.ics)")), said));
  place.hidden = false;
  if (open) void showDay(client, found, day).catch(() => void 0);
}
async function showDay(client, { title, start, end }, place) {
  if (start === null || start.utc === null || end === null || end.utc === null) return;
  const own = (await client.calendars()).filter(({ owner, hidden }) => owner === "" && !hidden);
  const { events } = await client.events(start.utc, end.utc, own.map(({ id }) => id));
  const [from, to] = [new Date(start.utc * 1e3), new Date(end.utc * 1e3)];
  const others = events.map(shown2).filter((one) => isBusy(one) && one.start < to && from < one.end).filter((one) => +one.start !== +from || one.item.title !== title);
  place.hidden = false;
  place.classList.toggle("clash", others.length > 0);
  fill(place, others.length > 0 ? overlapText(others[0]) : t("You're free at this time."));
}
export {
  showInvitation
};
