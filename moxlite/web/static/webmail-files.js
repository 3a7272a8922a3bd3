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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}

var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var fileArchive = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 6h.01 M10 10h.01 M10 14h.01 M9 18h2";
var fileTable = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M8 13h8 M8 17h8 M12 13v4";
var filePlain = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5";
var image = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M7 9a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z M21 15l-3.086-3.086a2 2 0 0 0-2.828 0L6 21";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var play = "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
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

function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;

var shellCache = `${kept()}-shell`;
var mailCache = `${kept()}-mail`;
var fileCache = `${kept()}-files`;
var fileKey = (base2, id, path) => `${base2}msg/${id}/kept/${path}`;

var missingText = () => t("This file isn't saved on this device. Connect to open it.");
function keptFile(base2, id, path) {
  return caches.match(fileKey(base2, id, path), { cacheName: fileCache, ignoreVary: true });
}
function guardDownload(link, base2, id, path) {
  link.addEventListener("click", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    void keptFile(base2, id, path()).then((kept2) => {
      if (kept2 === void 0) void showError(t("Download"), new Error(missingText()));
      else location.assign(link.href);
    });
  });
}

var largestImage = 10 * 1024 * 1024;
var kinds = [[/^image\//, image, "picture"], [/^(audio|video)\//, play, "film"], [/^message\//, mail, "letter"], [/^text\/calendar|\/ics$/, calendar, "date"], [/^application\/pdf/, fileText, "pdf"], [/spreadsheet|excel|csv/, fileTable, "table"], [/zip|compressed|tar\b|rar|7z/, fileArchive, "archive"], [/^text\/|word|opendocument\.text|rtf|presentation|powerpoint/, fileText, "document"]];
function kindOf({ content_type }) {
  const [, path, kind] = kinds.find(([pattern]) => pattern.test(content_type)) ?? [null, filePlain, "other"];
  return [path, kind];
}
function partOf(source, kind, path) {
  return `${source.base}msg/${source.id}/${kind}/${path}`;
}

var prefix = "search:";
var everywhere = "inboxes:";
function writePlace({ name, search: search2, message, inboxes = false }) {
  const what = inboxes ? everywhere : search2 !== "" ? `${prefix}${encodeURIComponent(search2)}` : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
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

var day = 24 * 60 * 60 * 1e3;
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function shortTime(time, now, dated = false) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0 || days === 1 && dated) return clockTime(date);
  if (days === 1) return loneTime(time, now);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}
function groupOf(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0) return t("Today");
  if (days === 1) return t("Yesterday");
  if (days < 7) return t("This week");
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "month", { month: "long" });
  return formatted(date, "months", { month: "long", year: "numeric" });
}
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}
function spokenDay(time) {
  const date = new Date(time);
  if (date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear()) return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
function saidTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}
function capital(text2) {
  return text2.slice(0, 1).toLocaleUpperCase(locale()) + text2.slice(1);
}
function loneTime(time, now) {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function shortAddress(address) {
  return address.name.trim() || bareAddress(address);
}

function drawEmpty({ title, text: text2, step }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step === void 0 ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]];
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
function emptyPlace(place) {
  return el("div", { class: "place-empty" }, drawEmpty(place));
}

var files_default = ".files-view{grid-template-rows:auto auto minmax(0,1fr)}.files-tools{display:flex;align-items:center;gap:8px;min-height:44px;padding:4px 24px;border-bottom:1px solid var(--border-color)}.files-tools select{width:auto;min-width:0;max-width:50%}.files-main{padding:4px 16px 60px;overflow-y:auto}.files-main>.btn{margin:16px 8px}.files-list h2:not(.empty-title){padding:0 8px;color:var(--color-mild);font-size:13px;font-weight:600;line-height:28px}.files-list ul{margin:0 0 12px;padding:0;list-style:none}.files-list .file{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,3fr) 72px 88px 34px;align-items:center;gap:0 16px;min-height:48px;padding:0 8px;border-bottom:1px solid var(--line)}.files-list .file:hover{background:var(--button-hover-background)}.files-list .file a{color:inherit;text-decoration:none}.files-list .file-open{display:flex;align-items:center;gap:12px;min-height:44px}.files-list .file-face{display:grid;place-items:center;flex:none;width:32px;height:32px;border-radius:6px;background:var(--g, var(--sunken));color:var(--c, var(--text-2))}.files-list .file-face.pdf{--g: var(--tag-1);--c: var(--tag-1-text)}.files-list .file-face.table{--g: var(--tag-4);--c: var(--tag-4-text)}.files-list .file-face.document{--g: var(--tag-6);--c: var(--tag-6-text)}.files-list .file-face.archive{--g: var(--tag-3);--c: var(--tag-3-text)}.files-list .file-name,.files-list .file-message{overflow:hidden;text-align:start;text-overflow:ellipsis;white-space:nowrap}.files-list .file-message,.files-list .file-size,.files-list .file time{font-size:13px;line-height:34px}.files-list .file .file-message{color:var(--muted)}.files-list .file-message:hover,.files-list .file-open:hover .file-name{text-decoration:underline}.files-list .file-size,.files-list .file time{color:var(--muted);text-align:end;white-space:nowrap}.files-list .file-get{display:grid;place-items:center;width:34px;height:34px;border-radius:8px}@media(max-width:1099px){.files-list .file{grid-template-columns:minmax(0,1fr) auto auto 34px}.files-list .file-message{grid-area:2 / 1;padding-inline-start:44px;line-height:24px}.files-list .file-open{grid-area:1 / 1}.files-list .file{padding-bottom:4px}}@media(max-width:700px){.files-tools{padding:4px 8px}.files-tools select{flex:1;min-height:44px}.files-main{padding-inline:8px}.files-list .file{grid-template-columns:minmax(0,1fr) auto 44px;gap:0 8px}.files-list .file-open{grid-area:1 / 1 / auto / 3}.files-list .file-message{padding-bottom:12px}.files-list .file-size{display:none}.files-list .file time{grid-area:2 / 2;line-height:24px;padding-bottom:12px}.files-list .file-get{grid-area:1 / 3;width:44px;height:44px}}\n";

adopt(files_default);
var opened = null;
function openPage(page) {
  opened ??= makePage(page);
  opened();
}
function makePage(page) {
  const title = meant("place", "Files");
  const kinds2 = [["any", t("All types")], ["image", meant("files", "Images")], ["pdf", "PDF"], ["document", meant("files", "Documents")], ["spreadsheet", meant("files", "Spreadsheets")], ["presentation", meant("files", "Presentations")], ["archive", t("Compressed files")]];
  const choice = (label, options) => el("select", { class: "dialog-input", "aria-label": label, onchange: () => void show() }, options.map(([value, words]) => el("option", { value }, words)));
  const folder = choice(t("Folder"), [[-1, t("All folders")]]);
  const kind = choice(t("Type"), kinds2);
  const search2 = searchField(t("Search files"), () => void show());
  const said = el("p", { class: "hint", role: "status" });
  const list2 = el("div", { class: "files-list" });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const body = el("div", { class: "files-main" }, said, list2, more);
  const view = el("section", { class: "place-view files-view", "aria-label": title }, el("header", { class: "place-head" }, sideButton(page), el("h1", { tabindex: "-1" }, title), search2.root), el("div", { class: "files-tools" }, folder, kind), body);
  const place = { name: "mail", title, view };
  const names = /* @__PURE__ */ new Map();
  let after = null;
  let group = "";
  let turn = 0;
  const draw = ({ messages }, now) => {
    for (const message of messages) {
      const name = groupOf(message.received, now);
      if (name !== group) list2.append(el("h2", {}, name), el("ul", { "aria-label": name }));
      group = name;
      list2.lastElementChild.append(...message.attachments.map((file) => row(page, message, file, names)));
    }
    settle();
  };
  const load = async (anew) => {
    const own = ++turn;
    const text2 = search2.input.value.trim();
    const filter = { mailbox_id: Number(folder.value), attachments: kind.value };
    const narrow = text2 !== "" || kind.value !== "any" || folder.value !== "-1";
    let drawn = 0;
    do {
      const mark2 = anew ? null : after;
      const answer = await page.client.files({ filter: text2 === "" ? filter : { ...filter, filenames: [text2] } }, mark2);
      if (own !== turn) return;
      if (anew) {
        fill(list2);
        group = "";
        if (filter.mailbox_id === -1) knowFolders(answer);
      }
      anew = false;
      after = answer.after;
      draw(answer, Date.now());
      drawn += answer.messages.length;
    } while (drawn === 0 && after !== null);
    more.hidden = after === null;
    if (list2.firstChild === null) fill(list2, emptyPlace(narrow ? { title: t("No files found") } : { title: t("No files"), text: t("Attachments you send and get appear here.") }));
  };
  const knowFolders = ({ mailboxes }) => {
    names.clear();
    for (const { id, name } of mailboxes) names.set(id, name);
    fill(folder, folder.options[0], mailboxes.map(({ id, name }) => el("option", { value: id }, mailboxName(name))));
  };
  const show = () => attempt(t("Loading…"), t("Couldn't load files"), () => load(true));
  more.addEventListener("click", () => {
    const last = links().length;
    void attempt(t("Loading…"), t("Couldn't load files"), async () => {
      await load(false);
      links()[last]?.focus();
    });
  });
  const links = () => [...list2.querySelectorAll(".file-open")];
  let stop;
  const settle = () => {
    const all = [...list2.querySelectorAll("a")];
    if (stop === void 0 || !all.includes(stop)) stop = all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  list2.addEventListener("focusin", ({ target }) => {
    stop = target instanceof HTMLElement ? target : void 0;
    settle();
  });
  list2.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const rows = [...list2.querySelectorAll("li")];
    const at = rows.findIndex((one) => one.contains(document.activeElement));
    if (at < 0) return;
    const own = [...rows[at].querySelectorAll("a")];
    const across = own.indexOf(document.activeElement);
    const down = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1 };
    const to = { ...down, Home: 0, End: rows.length - 1 }[event.key];
    const aside = { ArrowLeft: across - 1, ArrowRight: across + 1 }[along(event.key)];
    const next = to !== void 0 ? rows[to]?.querySelectorAll("a")[across] : aside !== void 0 ? own[aside] : void 0;
    if (to === void 0 && aside === void 0) return;
    event.preventDefault();
    next?.focus();
  });
  const live = follow(() => load(true), (failed) => fill(said, failed && t("Couldn't load the latest changes. Trying again…")));
  addEventListener("counts", () => {
    if (view.isConnected && body.scrollTop === 0 && !list2.contains(document.activeElement)) live.changed();
  });
  return () => {
    page.openPlace(place);
    page.tellAddress("#files:");
    void show();
  };
}
function row(page, message, file, names) {
  const { base: base2 } = page;
  const [face, kind] = kindOf(file);
  const author = message.from.slice(0, 1).map(shortAddress).join("");
  const subject = message.subject || t("(no subject)");
  const open = el("a", { class: "file-open", href: partOf({ base: base2, id: message.id }, "view", file.path), target: "_blank", rel: "noopener" }, el("span", { class: `file-face ${kind}`, "aria-hidden": "true" }, sign(face)), el("bdi", { class: "file-name", title: file.filename }, file.filename));
  open.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => {
      const { look } = await page.load("viewer");
      await look(base2, message, file.path);
    });
  });
  const words = t("Download {name}", { name: file.filename });
  const get = el("a", { class: "file-get", href: partOf({ base: base2, id: message.id }, "download", file.path), title: words, "aria-label": words }, sign(download));
  guardDownload(get, base2, message.id, () => file.path);
  const where = writePlace({ name: names.get(message.mailbox_id) ?? "", search: "", message: message.id });
  const facts = [el("a", { class: "file-message", href: where, title: t("Open message") }, el("bdi", {}, author), author && " · ", el("bdi", {}, subject)), el("span", { class: "file-size" }, size(file.size)), el("time", { title: fullTime(message.received) }, shortTime(message.received, Date.now(), true))];
  return el("li", { class: "file" }, open, ...facts, get);
}
export {
  openPage
};
