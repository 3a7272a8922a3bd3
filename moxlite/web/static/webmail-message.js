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

var CallFailed = class extends Error {
  constructor(call, code, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

function initials(name) {
  const words3 = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words3.length > 1 ? [...words3[0]][0] + [...words3[words3.length - 1]][0] : [...words3[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key) {
  let hash = 0;
  for (const sign2 of key) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
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

var atSign = "M8 12a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z M16 8v5a3 3 0 0 0 6 0v-1a10 10 0 1 0-4 8";
var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";
var chevronDown = "M6 9l6 6 6-6";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var fileArchive = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 6h.01 M10 10h.01 M10 14h.01 M9 18h2";
var fileTable = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M8 13h8 M8 17h8 M12 13v4";
var filePlain = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5";
var image = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M7 9a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z M21 15l-3.086-3.086a2 2 0 0 0-2.828 0L6 21";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var play = "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z";
var shield = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z";
var shieldAlert = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z M12 8v4 M12 16h.01";
var shieldCheck = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z M9 12l2 2 4-4";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var queries = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
function isDark(scheme) {
  return scheme === "dark" || scheme === "auto" && matchMedia(queries.auto).matches;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var prefix = "search:";
var everywhere = "inboxes:";
function writePlace({ name, search, message, inboxes: inboxes2 = false }) {
  const what = inboxes2 ? everywhere : search !== "" ? `${prefix}${encodeURIComponent(search)}` : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
}

function labelOf(labels, keyword) {
  return labels.find((one) => one.keyword === keyword) ?? { keyword, name: keyword, color: 0 };
}
function shownLabels(labels, keywords) {
  return keywords.filter((one) => !one.startsWith("$") || labels.some(({ keyword }) => keyword === one)).map((one) => labelOf(labels, one));
}
function labelPlace(name) {
  return writePlace({ name: "", search: `label:${/[\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name}`, message: 0 });
}
function chip({ name, color }) {
  return el("span", { class: `keyword c${color}`, title: name, dir: "auto", data: { label: name } }, name);
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
function longAddress(address) {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}
function addressList(addresses, one) {
  return addresses.map(one).join(", ");
}

function missing(why, again, preview = "") {
  return el("div", { class: "missing", role: "status" }, el("p", { class: "missing-line" }, why, el("button", { onclick: again }, t("Try again"))), preview !== "" && el("p", { class: "missing-preview", dir: "auto" }, isolated(preview)));
}

function subjectOf(item) {
  return el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)"));
}

function asciiDomains(addresses) {
  const ascii2 = (host) => /^[\x00-\x7f]*$/.test(host) || !URL.canParse(`http://${host}`) ? host : new URL(`http://${host}`).hostname;
  if (addresses.every(({ host }) => ascii2(host) === host)) return "";
  return addresses.map((one) => bareAddress({ ...one, host: ascii2(one.host) })).join(", ");
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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
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

var firstCards = 8;
var largestImage = 10 * 1024 * 1024;
var kinds = [[/^image\//, image, "picture"], [/^(audio|video)\//, play, "film"], [/^message\//, mail, "letter"], [/^text\/calendar|\/ics$/, calendar, "date"], [/^application\/pdf/, fileText, "pdf"], [/spreadsheet|excel|csv/, fileTable, "table"], [/zip|compressed|tar\b|rar|7z/, fileArchive, "archive"], [/^text\/|word|opendocument\.text|rtf|presentation|powerpoint/, fileText, "document"]];
function ending({ filename, content_type }) {
  const found = /\.([a-z0-9]{1,5})$/i.exec(filename)?.[1] ?? /^\w+\/([a-z0-9]{1,5})$/i.exec(content_type)?.[1];
  return (found ?? "").toUpperCase();
}
function isImage({ content_type, size: size2 }) {
  return content_type.startsWith("image/") && !content_type.startsWith("image/svg") && size2 <= largestImage;
}
function attachmentCards(source, all, others) {
  if (all.length === 0) return null;
  const without = others.map((one) => one.path).join(",");
  const list = el("div", { class: "attachments" });
  const whole = el("a", { class: "attachment-all", href: `${source.base}msg/${source.id}/attachments.zip${without && `?without=${without}`}` }, t("Save all"));
  guardDownload(whole, source.base, source.id, () => "");
  const draw = (count) => fill(list, all.slice(0, count).map((one) => card(source, one)), all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count })));
  draw(all.length > firstCards + 1 ? firstCards : all.length);
  const octets = all.reduce((sum, one) => sum + one.size, 0);
  return [el("div", { class: "attachments-head" }, `${many(all.length, "{n} attachment", "{n} attachments")}, ${size(octets)}`, all.length > 1 && whole), list];
}
function kindOf({ content_type }) {
  const [, path, kind] = kinds.find(([pattern]) => pattern.test(content_type)) ?? [null, filePlain, "other"];
  return [path, kind];
}
function card(source, attachment) {
  const { filename } = attachment;
  const [path, kind] = kindOf(attachment);
  const title = t("Download {name}", { name: filename });
  const get = el("a", { class: "attachment-get", href: partOf(source, "download", attachment.path), title, "aria-label": title }, sign(download));
  guardDownload(get, source.base, source.id, () => attachment.path);
  const face = el("span", { class: `attachment-face ${kind}` }, sign(path));
  if (isImage(attachment)) {
    const picture = el("img", { src: partOf(source, "view", attachment.path), alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.replaceWith(sign(path)));
    fill(face, picture);
  }
  return el("span", { class: "attachment", title: filename }, looking(source, attachment, face, el("span", { class: "attachment-name", dir: "auto" }, filename)), el("span", { class: "attachment-size" }, [size(attachment.size), ending(attachment)].filter(Boolean).join(" · ")), get);
}
function looking(source, attachment, ...content) {
  const link = el("a", { class: "attachment-open", href: partOf(source, "view", attachment.path), target: "_blank", rel: "noopener" }, content);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    source.look(attachment.path);
  });
  return link;
}
function partOf(source, kind, path) {
  return `${source.base}msg/${source.id}/${kind}/${path}`;
}

var mostShown = 100;
function quoted(text2) {
  return isolated(text2.length > mostShown ? `${text2.slice(0, mostShown)}…` : text2);
}
function words({ kind, name, known, sender }) {
  const values = { name: quoted(name), known: quoted(known), sender: quoted(sender) };
  switch (kind) {
    case "own":
      return t("This claims to be from you, but {sender} isn't your address.", values);
    case "domain":
      return t("This claims to be from your domain {name}, but {sender} belongs to another domain.", values);
    case "person":
      return name === "" ? t("This claims to be from {known}, someone you know, but {sender} is a new address.", values) : t("This claims to be from {name}, known to you as {known}, but {sender} is a new address.", values);
  }
}
function claimLine(claim, confirm, report) {
  const name = quoted(claim.name || claim.known);
  return [sign(octagonAlert), el("p", {}, words(claim)), el("div", { class: "claim-actions" }, el("button", { class: "btn line", onclick: confirm }, claim.kind === "own" ? t("This is really me") : t("This is really {name}", { name })), el("button", { class: "btn line", onclick: report }, t("Report phishing")))];
}

function marked(text2, needles) {
  const wanted = needles.filter((needle) => needle.length > 1 || text2.length < 200);
  if (wanted.length === 0) return [text2];
  const pattern = new RegExp(wanted.map((needle) => needle.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const pieces = [];
  let end = 0;
  for (const match of text2.matchAll(pattern)) {
    if (match[0] === "") continue;
    pieces.push(text2.slice(end, match.index), el("mark", { class: "hit" }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text2.slice(end));
  return pieces;
}

var most = 2e4;
function markIn(page, needles) {
  if (needles.length === 0) return;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let n = 0; n < most && walker.nextNode(); n++) found.push(walker.currentNode);
  for (const node of found) {
    const pieces = marked(node.data, needles);
    if (pieces.length > 1) node.replaceWith(...pieces.map((piece) => piece instanceof Node ? page.adoptNode(piece) : String(piece)));
  }
}
function followPlaces(page) {
  page.addEventListener("click", (event) => {
    const link = event.target?.closest("[href]")?.getAttribute("href") ?? "";
    if (!link.startsWith("#")) return;
    event.preventDefault();
    const place = placeIn(page, link.slice(1));
    if (place === void 0) return;
    const quote = place.closest("details");
    const go = () => {
      place.scrollIntoView();
      if (place !== page.body) place.tabIndex = -1;
      place.focus({ preventScroll: true });
    };
    if (quote === null || quote.open) return go();
    quote.addEventListener("toggle", go, { once: true });
    quote.open = true;
  });
}
function placeIn(page, name) {
  const begin = /^(top)?$/i.test(name) ? page.body : void 0;
  return page.getElementById(name) ?? page.getElementsByName(name)[0] ?? begin;
}
function pageFacts(page) {
  const fact = (name) => page.head?.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? null;
  const blocked = fact("blocked");
  if (blocked === null) return null;
  const inside = fact("inside") ?? "";
  const [count, ...hosts] = blocked.split(" ");
  return { count: Number(count), hosts, coloured: fact("coloured") === "yes", inside: inside.split(" ") };
}

var highest = 5e5;
var smallest = 0.55;
function htmlFrame(src, shade, owner) {
  const frame = el("iframe", { class: "html", title: t("Message"), sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer", src: `${src}?sameorigin=true${shade === "light" ? "" : `&scheme=${shade}`}` });
  const sheet = el("div", { class: "html-sheet" }, frame);
  let [known, loaded] = [null, false];
  const take = () => {
    const page = frame.contentDocument;
    if (page === null || page === known || page.URL === "about:blank") return;
    known = page;
    followPlaces(page);
    owner.framed(page);
  };
  let said = false;
  const readFacts = () => {
    const page = frame.contentDocument;
    const facts = said || page === null || !frame.isConnected ? null : pageFacts(page);
    if (facts === null) return;
    said = true;
    sheet.classList.toggle("dimmed", shade === "dark" && facts.coloured);
    owner.facts(facts);
  };
  const watch = () => {
    take();
    readFacts();
    const high = known?.documentElement?.scrollHeight ?? 0;
    if (high > frame.clientHeight) frame.style.height = `${Math.min(highest, high)}px`;
    if (frame.isConnected && !loaded) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  frame.addEventListener("load", () => {
    const page = frame.contentDocument;
    loaded = true;
    if (page === null) {
      if (!frame.isConnected) return;
      owner.failed();
      return;
    }
    take();
    readFacts();
    markIn(page, owner.needles());
    const quote = page.querySelector("details.moxlite-quote");
    if (quote !== null) quote.open = owner.forwarded || quote.querySelector(".hit, mark") !== null;
    const grow = () => {
      const bar = (page.defaultView?.innerHeight ?? 0) - page.documentElement.clientHeight;
      frame.style.height = "0";
      frame.style.height = `${Math.min(highest, page.documentElement.scrollHeight + bar)}px`;
    };
    let width = 0;
    const adapt = () => {
      if (frame.clientWidth === width) return;
      width = frame.clientWidth;
      fit(page);
      grow();
    };
    adapt();
    page.defaultView?.addEventListener("resize", adapt);
    quote?.addEventListener("toggle", grow);
  });
  return sheet;
}
function fit(page) {
  const { documentElement: root, body } = page;
  body.style.zoom = "";
  const scale = root.clientWidth / root.scrollWidth;
  if (scale < 1 && scale >= smallest) body.style.zoom = String(scale);
}
function picturesWords(mode, blocked) {
  if (mode === "htmlexternal") return t("Remote images loaded");
  if (blocked === null || blocked.count === 0) return "";
  return many(blocked.count, "{n} image from {hosts} not loaded", "{n} images from {hosts} not loaded", { hosts: isolated(blocked.hosts.join(", ")) });
}

function words2({ address, site }) {
  const values = { address: isolated(address), site: isolated(site) };
  return site === "" ? t("Sent to your masked address {address}.", values) : t("Sent to {address}, your address for {site}.", values);
}
function leak({ strangers, since }) {
  if (since === null) return "";
  const values = { since: new Date(since).toLocaleDateString(locale(), { dateStyle: "medium" }) };
  return many(strangers, "{n} unknown sender since {since}", "{n} unknown senders since {since}", values);
}
function givenLine(given, turn) {
  const off = given.state !== "on";
  const since = leak(given);
  return [sign(since === "" ? atSign : triangleAlert), el("p", {}, words2(given), since !== "" && [" ", el("b", {}, since), "."], given.state === "off" && [" ", t("This address is turned off. New mail is rejected.")], given.state === "expired" && [" ", t("This address has expired. New mail is rejected.")]), el("button", { class: "btn line", onclick: () => turn(off) }, off ? t("Turn on") : t("Turn off"))];
}

var message_default = '.reader-fields{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;margin:0;font-size:14px;padding-top:10px;max-height:45vh;overflow-y:auto}.author{display:grid;grid-template:"disc names time menu" auto "disc more more more" auto / 52px minmax(0,1fr) auto auto;align-items:center}@media(min-width:701px)and (max-width:900px){.author{grid-template:"disc names menu" auto "disc time time" auto "disc more more" auto / 52px minmax(0,1fr) auto}.author>.author-time{margin:0}}.author-disc{grid-area:disc;align-self:start;width:40px;height:40px;font-size:14px}.author-names{grid-area:names;display:flex;flex-wrap:wrap;align-items:baseline;gap:0 8px;min-width:0}.author-name{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:15px;font-weight:600}.author-address{min-width:0;color:var(--color-mild);font-size:13px;overflow-wrap:anywhere}.author-time{grid-area:time;margin-inline-start:12px;color:var(--color-mild);font-size:13px;white-space:nowrap}.author-more{grid-area:more;min-width:0}.author-to{display:flex;flex-wrap:wrap;align-items:center;gap:0 12px;min-width:0}.message-menu{grid-area:menu;display:grid;place-content:center;min-width:34px;min-height:30px;margin-block:-4px;margin-inline:12px -7px;padding:0}button.quiet{border-color:transparent;background:none;text-align:start}button.quiet.author-name{padding:0;min-height:24px}.reader-recipients{display:flex;align-items:center;gap:2px;max-width:100%;min-height:24px;padding:0;color:var(--color-mild);font-size:13px}.reader-recipients bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.reader-recipients[aria-expanded=true] .i{rotate:180deg}.trust{color:var(--color-mild);font-size:13px}.trust>button{min-height:24px}.trust-line{display:flex;gap:6px;align-items:center}.trust-line .i{width:15px;height:15px}.trust-forged{margin:4px 0;padding:8px 12px;border-radius:8px;background:color-mix(in srgb,var(--danger) 12%,transparent);color:var(--text)}.trust-forged .i,.claim>.i{color:var(--danger)}.claim{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px 8px;margin-top:8px;padding:9px 12px;border-radius:8px;background:color-mix(in srgb,var(--danger) 12%,transparent);color:var(--text);font-size:13.5px}.given-to{display:flex;flex-wrap:wrap;align-items:center;gap:6px 8px;margin-top:8px;padding:7px 12px;border:1px solid var(--line);border-radius:8px;color:var(--color-mild);font-size:13.5px}.given-to p{flex:1 1 240px;margin:0;overflow-wrap:anywhere}.given-leaked{border-color:transparent;background:var(--warn-soft);color:var(--text)}.claim p{margin:0;overflow-wrap:anywhere}.claim-actions{display:flex;flex-wrap:wrap;gap:6px;grid-column:2}.claim-actions .btn{display:block;max-width:100%;overflow:hidden;text-overflow:ellipsis}.reader-fields dt{color:var(--color-mild)}.reader-fields dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}.reader-note{padding:0 26px 12px;font-size:13.5px}.reader-after{flex:none;padding:0 26px 24px}.reader-after:empty{display:none}.attachments-head{display:flex;flex-wrap:wrap;gap:4px 16px;padding:8px 0;color:var(--color-mild);font-size:13px}.attachments{display:grid;grid-template-columns:repeat(auto-fill,minmax(148px,1fr));gap:10px;align-items:center}.attachment{position:relative;display:grid;max-width:200px;border:1px solid var(--border-color);border-radius:10px;overflow:hidden;background:var(--background)}.attachment:hover,.attachment:focus-within{border-color:var(--line-strong)}.attachment-open,.attachment-open:visited{display:grid;color:inherit;text-decoration:none}.attachment-open:focus-visible{outline-offset:-2px}.attachment-face{display:grid;grid-template-columns:100%;place-items:center;height:92px;overflow:hidden;border-bottom:1px solid var(--border-color);background:var(--g, var(--background-mild));color:var(--c, var(--color-mild))}.attachment-face .i{width:32px;height:32px;stroke-width:1.5}.attachment-face img{width:100%;height:92px;object-fit:cover}.attachment-face.pdf{--g: var(--tag-1);--c: var(--tag-1-text)}.attachment-face.table{--g: var(--tag-4);--c: var(--tag-4-text)}.attachment-face.document{--g: var(--tag-6);--c: var(--tag-6-text)}.attachment-face.archive{--g: var(--tag-3);--c: var(--tag-3-text)}.attachment-name{padding:7px 10px 0;overflow:hidden;font-size:13px;line-height:18px;text-overflow:ellipsis;white-space:nowrap}.attachment-size{padding-block:0 8px;padding-inline:10px 44px;color:var(--color-milder);font-size:12px;line-height:18px;white-space:nowrap}.attachment-get{position:absolute;inset-inline-end:4px;bottom:3px;display:grid;place-content:center;width:30px;height:28px;border-radius:8px;color:var(--color-mild)}.attachment-get:visited{color:var(--color-mild)}.attachment-get .i{width:18px;height:18px}.attachment-get:hover{background:var(--button-hover-background)}.reader-bar{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;flex:none;margin:0 26px 10px;padding:7px 12px;border-radius:8px;background:var(--background-mild);color:var(--color-mild);font-size:13px}.reader-bar-words{min-width:0;overflow-wrap:anywhere}.reader .hint:not(.text-part){padding:0 8px}.reader-body{flex:1;min-height:0;overflow:auto}.reader-body.framed{display:flex;flex-direction:column}.text-part{padding:14px 26px}.text-part+.text-part{border-top:1px solid var(--border-color)}.text{max-width:78ch;white-space:pre-wrap;unicode-bidi:plaintext;text-align:start;overflow-wrap:anywhere;line-height:1.55}.fixed .text{max-width:none;font:13px/1.55 var(--mono)}.elsewhere{margin:0 4px;padding:0 5px;border-radius:4px;background:var(--warning-background);font-size:12.5px}.quoted1{color:var(--quoted1)}.quoted2{color:var(--quoted2)}.quoted3{color:var(--quoted3)}.html-sheet{flex:none}.html{display:block;width:100%;height:80px;border:0}.html-sheet.dimmed{margin:0 16px 16px;border-radius:10px;overflow:hidden;isolation:isolate;background:var(--sheet)}.dimmed .html{mix-blend-mode:multiply}.headers{margin:14px 26px;border-collapse:collapse;font:12.5px/1.5 var(--mono)}.headers th{padding-inline-end:14px;text-align:end;vertical-align:top;white-space:nowrap;font-weight:400;color:var(--color-mild)}.headers td{overflow-wrap:anywhere}.reader-message{display:flex;flex-direction:column;flex:1;min-height:0}.card .reader-bar{margin:0 0 8px}.card .text-part{padding:14px 0}.card .reader-after{padding:0 0 8px}.conversation>.reader-after{padding:0}.card .reader-body{overflow:visible}.quote{margin:6px 0}.quote>summary{width:max-content;padding:1px 9px;border-radius:9px;background:var(--button-hover-background);color:var(--color-mild);font-size:12.5px;cursor:pointer;list-style:none}.quote[open]>summary{margin-bottom:4px}.validation{text-decoration:underline 2px;text-underline-offset:3px}.validation.green{text-decoration-color:var(--underline-green)}.validation.blue{text-decoration-color:var(--underline-blue)}.validation.grey{text-decoration-color:var(--underline-grey)}.validation.red{text-decoration-color:var(--underline-red)}.text.signature{color:var(--color-mild)}@media(max-width:700px){.reader-bar{margin:0 16px 8px}.trust:has(>.trust-good:only-child){display:none}.reader-after{padding:0 16px 16px}.attachment-get{inset-inline-end:0;bottom:0;width:44px;height:44px}.attachment-size{padding-bottom:12px}.message-menu{min-width:44px;min-height:44px}.claim-actions .btn,.given-to .btn{min-height:44px}.reader-recipients{min-height:32px}.text-part{padding:14px 16px}}@media print{.side,.middle,.splitter,.toolbar,.reader-bar,.message-menu,.claim-actions,.given-to,.leaving,.attachment-get,.composers,.toasts{display:none}.app,.reader,.reader-message,.reader-body{display:block;height:auto;overflow:visible}}.message-keywords{display:flex;flex-wrap:wrap;gap:4px 6px;margin-top:6px}.keyword-link{display:inline-flex;max-width:100%;text-decoration:none}.keyword-link:hover .keyword{text-decoration:underline}.author-disc img{width:100%;height:100%;border-radius:50%;object-fit:cover}\n';

var firstAddresses = 6;
var namedRecipients = 2;
var mostInRow = 50;
var firstLabels = 8;
var validations = { strict: ["green", t("Domain verified (SPF or DKIM)")], dmarc: ["green", t("Domain verified (DMARC)")], relaxed: ["green", t("Related domain verified (SPF or DKIM)")], list: ["blue", t("Trusted list or forwarder. Sender not verified")], none: ["grey", t("Domain not verified")], forged: ["red", t("Failed the domain's DMARC check")] };
function recipients(item, isOwn) {
  const all = [...item.to, ...item.cc, ...item.bcc];
  if (all.length === 0) return t("no recipients");
  const mine = all.findIndex((one) => isOwn(one));
  const named = [...mine < 0 ? [] : [meant("recipient", "me")], ...all.filter((_, at) => at !== mine).slice(0, namedRecipients - (mine < 0 ? 0 : 1)).map(shortAddress)];
  const names = isolated(named.join(", "));
  const n = all.length - named.length;
  if ([item.to, item.cc, item.bcc].some((field) => field.length >= mostInRow)) return t("to {names} and over {n} more", { names, n });
  return n > 0 ? t("to {names} and {n} more", { names, n }) : t("to {names}", { names });
}
function addressees(field, all, headers) {
  const place = el("dd");
  const draw = (count) => {
    const whole = count < mostInRow ? "" : headers().filter(({ name }) => name.toLowerCase() === field).map(({ value }) => value).join(", ");
    const left = all.length - count;
    const text2 = whole || addressList(all.slice(0, count), longAddress);
    place.title = asciiDomains(all.slice(0, count));
    fill(place, el("span", { dir: "auto" }, isolated(text2)), left > 0 && [" ", el("button", { class: "link", onclick: () => draw(all.length) }, t("and {n} more", { n: left }))]);
  };
  draw(all.length > firstAddresses + 1 ? firstAddresses : all.length);
  return place;
}
function senderOf(address, [colour, why]) {
  const whole = isolated(longAddress(address));
  const at = whole.lastIndexOf(address.host);
  if (colour === void 0 || address.host === "" || at < 0) return whole;
  return [whole.slice(0, at), el("span", { class: `validation ${colour}`, title: why }, address.host), whole.slice(at + address.host.length)];
}
function drawLabels(place, labels) {
  const shown = JSON.stringify(labels);
  if (place.dataset["labels"] === shown) return;
  place.dataset["labels"] = shown;
  const link = (label) => el("a", { class: "keyword-link", href: labelPlace(label.name), title: t("Messages with label {name}", { name: label.name }) }, chip(label));
  const rest = labels.slice(firstLabels);
  const all = el("button", { class: "link", onclick: () => fill(place, labels.map(link)) }, t("{n} more", { n: rest.length }));
  place.hidden = labels.length === 0;
  fill(place, labels.slice(0, firstLabels).map(link), rest.length > 0 && all);
}
function headerTable(headers) {
  return el("table", { class: "headers" }, headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value))));
}

var start = /\b(?:(?:https?|webcal):\/\/|(?:mailto|sms|tel):|www\.)[^\s<>"“”]+|(?<![^\s<([,;:"'])[^\s<>()[\]",;:@'][^\s<>()[\]",;:@]*@[^\s<>()[\]",;:@]+\.[^\s<>()[\]",;:@.\d]{2,}/g;
var trailing = new Set(".,;:!?'»”*_");
function linkPieces(line) {
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(start)) {
    const text2 = withoutTrailing(match[0]);
    const url = text2.startsWith("www.") ? `https://${text2}` : text2.includes(":") ? text2 : `mailto:${encodeURI(text2)}`;
    pieces.push(line.slice(end, match.index), { text: text2, url, elsewhere: elsewhere(url) });
    end = match.index + text2.length;
  }
  pieces.push(line.slice(end));
  return pieces;
}
function withoutTrailing(url) {
  let closing = 0;
  for (const char of url) closing += char === ")" ? 1 : char === "(" ? -1 : 0;
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1];
    if (last === ")" && closing > 0) closing--;
    else if (!trailing.has(last)) break;
  }
  return url.slice(0, end);
}
function elsewhere(url) {
  if (!/^https?:/i.test(url)) return "";
  const authority = /^[^/\\?#]*/.exec(url.slice(url.indexOf("//") + 2))[0];
  if (!authority.includes("@")) return "";
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}

function linked(line) {
  return linkPieces(line).map((piece) => {
    if (typeof piece === "string") return piece;
    const link = el("a", { href: piece.url, target: "_blank", rel: "noopener noreferrer" }, piece.text);
    const note = t("This link actually goes to {host}", { host: piece.elsewhere });
    return piece.elsewhere === "" ? link : [link, el("b", { class: "elsewhere", title: note }, `→ ${piece.elsewhere}`)];
  });
}
function quoteLevel(line) {
  let level = 0;
  for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
  return level;
}
var foldedFrom = 7;
function readableText(value, needles, quotedFrom) {
  const blocks = [];
  let level = -1;
  let signed = false;
  let lines = [];
  const flush = () => {
    const kind = level > 0 ? `text quoted quoted${(level - 1) % 3 + 1}` : signed ? "text signature" : "text";
    if (level >= 0) blocks.push({ quoted: level > 0, lines: lines.length / 2, node: el("div", { class: kind }, lines) });
    lines = [];
  };
  const all = value.trimEnd().replace(/\r\n?/g, "\n").split("\n");
  for (const [at, line] of all.entries()) {
    const below = at >= (quotedFrom ?? all.length);
    const own2 = Math.max(quoteLevel(line), below ? 1 : 0);
    const signs = line === "-- " && !below;
    if (own2 !== level || signs && !signed) {
      const above = own2 > 0 && level === 0 ? lines.splice(lines.length - 2 * attribution(all, at)) : [];
      flush();
      if (above[0]) blocks.push({ quoted: true, lines: 0, node: el("div", { class: "text" }, above) });
      level = own2;
      signed = signs || signed && own2 === 0;
    }
    lines.push(linked(line).map((piece) => typeof piece === "string" ? marked(piece, needles) : piece), "\n");
  }
  flush();
  return blocks.some((block) => !block.quoted && block.node.textContent.trim() !== "") ? foldQuotes(blocks) : blocks.map(({ node }) => node);
}
function attribution(all, at) {
  let end = at;
  while (all[end - 1]?.trim() === "") end--;
  const found = [1, 2].find((n) => {
    const words3 = all.slice(Math.max(0, end - n), end).join(" ").trim();
    return words3.length < 300 && /^[^>].*[\d@](?!.*[.!?] ).*:$/.test(words3);
  });
  return found === void 0 ? 0 : at - end + found;
}
function foldQuotes(blocks) {
  const found = [];
  let run = [];
  const end = () => {
    const nodes = run.map(({ node }) => node);
    const count = run.reduce((sum, block) => sum + block.lines, 0);
    run = [];
    if (count < foldedFrom || nodes.some((node) => node.querySelector(".hit") !== null)) {
      for (const node of nodes) found.push(node);
    } else found.push(el("details", { class: "quote" }, el("summary", {}, t("Quoted text: {n} lines", { n: count })), nodes));
  };
  for (const block of blocks) {
    if (block.quoted) run.push(block);
    else {
      end();
      found.push(block.node);
    }
  }
  end();
  return found;
}

var mostCounted = 1e3;
var shapes = { forged: octagonAlert, look: shieldAlert, first: shield, good: shieldCheck };
var endings = { one: t("{n}st message from this address"), two: t("{n}nd message from this address"), few: t("{n}rd message from this address"), other: t("{n}th message from this address") };
function ordinal({ earlier }) {
  if (earlier === null) return "";
  if (earlier === 0) return t("First message from this address");
  if (earlier >= mostCounted) return t("More than {n} messages from this address", { n: mostCounted });
  const n = earlier + 1;
  return filled(endings[new Intl.PluralRules("en", { type: "ordinal" }).select(n)], { n });
}
function proof({ validation, signed_by }, from) {
  switch (validation) {
    case "strict":
    case "dmarc":
    case "relaxed":
      return signed_by === "" ? t("Sent by a server at {domain}", { domain: isolated(from?.host ?? "") }) : t("Signed by {domain}", { domain: isolated(signed_by) });
    case "list":
      return t("Sent through a trusted list or forwarder");
    case "none":
      return t("Not signed. Anyone could have sent this message.");
    case "forged":
      return t("Probably forged. This message failed {domain}'s checks.", { domain: isolated(from?.host ?? "") });
    case "":
      return "";
  }
}
function doubtful(parsed, from) {
  return parsed.validation === "none" || parsed.validation === "forged" || parsed.earlier === 0 || (from?.name ?? "").includes("@");
}
function trustLine(parsed, item) {
  const [from] = item.from;
  const words3 = [proof(parsed, from), ordinal(parsed)].filter((one) => one !== "");
  if (words3.length === 0) return [];
  const looks = parsed.validation === "none" || (from?.name ?? "").includes("@");
  const kind = parsed.validation === "forged" ? "forged" : looks ? "look" : parsed.earlier === 0 ? "first" : "good";
  return [el("span", { class: `trust-line trust-${kind}` }, sign(shapes[kind], "i s"), el("span", {}, words3.join(" · ")))];
}

function leavingLine(listed, owner, again) {
  const { unsubscribe: found } = listed;
  if (found === null) return null;
  if (found.at !== null) {
    const time = saidTime(found.at, Date.now());
    if (!found.still_sends) return el("span", { class: "unsubscribed" }, t("Unsubscribed {time}", { time }));
    return [el("span", { class: "unsubscribed" }, t("Unsubscribed {time}, but still getting mail", { time })), el("button", { class: "link unsubscribe", onclick: () => owner.block() }, t("Block"))];
  }
  return el("button", { class: "link unsubscribe", onclick: () => void owner.leave(listed, again) }, t("Unsubscribe"));
}

var own = "*";

function senderCommands(desk, of) {
  const act = (what, title) => ({ id: `sender.${what}`, title, when: () => of()?.from.length === 1 && (what === "search" || what === "contact" || desk.may(own)) && (what !== "rule" || desk.facts().account_path !== ""), run: () => desk.sender(of(), what) });
  return [act("search", t("Find messages from this sender")), act("contact", t("Add to contacts…")), act("always", t("Always move mail from this sender…")), act("rule", t("Create rule…")), act("block", t("Block sender")), act("phishing", t("Report phishing"))];
}

function messageCommands(desk) {
  const shown = () => desk.shown() !== null;
  const scroll = (id, title, by, keys) => ({ id, title, keys, quiet: true, when: shown, run: () => desk.scrollMessage(by) });
  const several = () => (desk.opened()?.together.length ?? 0) > 1;
  return [...senderCommands(desk, () => desk.reading()), { id: "message.event", title: t("Create event"), when: shown, run: () => void desk.load("event").then((found) => found.eventOf(desk)) }, { id: "message.print", title: t("Print message"), keys: ["ctrl p"], when: () => desk.opened() !== null, run: () => desk.opened()?.print() }, { id: "message.print-thread", title: t("Print conversation"), when: several, run: () => desk.opened()?.printThread() }, { id: "message.thread-text", title: t("Open conversation as text"), when: several, run: () => desk.opened()?.openThread() }, { id: "message.download", title: t("Download message"), when: () => desk.opened() !== null, run: () => desk.opened()?.download() }, { id: "message.download-thread", title: t("Download conversation"), when: several, run: () => desk.opened()?.downloadThread() }, { id: "message.text", title: t("Show plain text"), keys: ["t"], when: shown, run: () => desk.opened()?.showText() }, { id: "message.html", title: t("Show HTML (repeat for full HTML)"), keys: ["T"], when: shown, run: () => desk.opened()?.showHTML() }, { id: "message.headers", title: t("Show all headers"), keys: ["ctrl i"], when: shown, run: () => desk.opened()?.toggleHeaders() }, { id: "message.tab", title: t("Open message in new tab"), keys: ["o"], when: shown, run: () => desk.opened()?.openTab() }, { id: "message.raw", title: t("View source"), keys: ["O"], when: shown, run: () => desk.opened()?.openRaw() }, { id: "message.details", title: t("Details"), keys: ["I"], when: shown, run: () => desk.opened()?.openDetails() }, { id: "message.attachments", title: t("View attachments"), keys: ["v"], when: () => (desk.reading()?.attachments.length ?? 0) > 0, run: () => desk.opened()?.openAttachments() }, { id: "message.focus", title: t("Move focus to message"), keys: ["ctrl m"], quiet: true, when: shown, run: () => desk.focusMessage() }, scroll("message.scroll-down", t("Scroll message down"), 0.75, ["alt j", "alt ArrowDown"]), scroll("message.scroll-up", t("Scroll message up"), -0.75, ["alt k", "alt ArrowUp"]), scroll("message.scroll-end", t("Scroll to end"), Infinity, ["alt J"]), scroll("message.scroll-top", t("Scroll to top"), -Infinity, ["alt K"])];
}

adopt(message_default);
var calendars = /* @__PURE__ */ new Set(["text/calendar", "application/ics"]);
var forwards = /^\s*(fwd?|wg|tr|rv|doorst)\s*:/i;
var remembered = Promise.resolve();
var Message = class {
  constructor(shown, base2, owner, fold) {
    this.shown = shown;
    this.base = base2;
    this.owner = owner;
    this.fold = fold;
    const { item } = this;
    const place = el("div", { class: "reader-note", hidden: true });
    this.more.addEventListener("click", () => this.owner.menu(this.item, this.more, this.commands()));
    this.more.hidden = !this.whole;
    fill(this.root, this.heading(item), place, this.receipt, this.event, this.bar, this.body);
    this.owner.opened(item, place);
  }
  shown;
  base;
  owner;
  fold;
  root = el("div", { class: "reader-message" });
  parsed = null;
  mode = "text";
  fixed = false;
  allHeaders = false;
  chosen = null;
  sheet = false;
  body = el("div", { class: "reader-body" });
  bar = el("div", { class: "reader-bar" });
  people = el("span", { dir: "auto" });
  sender = el("dd", {}, this.people);
  address = el("span", { class: "author-address", hidden: true });
  trust = el("div", { class: "trust", hidden: true });
  leaving = el("span", { class: "leaving" });
  after = el("div", { class: "reader-after" });
  claim = el("div", { class: "claim", hidden: true });
  given = el("div", { class: "given-to", hidden: true });
  labels = el("div", { class: "message-keywords", hidden: true });
  event = el("div", { class: "event-card", hidden: true });
  receipt = el("div", { class: "reader-bar receipt", hidden: true });
  fields = el("dl", { class: "reader-fields", hidden: true });
  more = el("button", { class: "quiet message-menu", "aria-haspopup": "menu", title: t("More message actions"), "aria-label": t("More message actions") }, sign(ellipsis));
  blocked = null;
  inside = null;
  get item() {
    return this.shown;
  }
  set item(item) {
    this.shown = item;
    this.drawReceipt();
    drawLabels(this.labels, shownLabels(this.owner.settings().labels, this.item.keywords));
  }
  drawReceipt() {
    const { parsed, item } = this;
    if (parsed === null || !parsed.receipt) return;
    if (item.flags.includes("$mdnsent")) this.receipt.hidden = true;
    else if (this.receipt.hidden) this.owner.receipt(item, parsed, this.receipt);
  }
  get whole() {
    return this.fold !== null;
  }
  get own() {
    return this.whole ? [] : this.commands();
  }
  async show() {
    await remembered;
    let parsed;
    try {
      parsed = await this.owner.open(this.item.id);
    } catch (error) {
      if (codeOf(error) === null) throw error;
      this.missing(error);
      return;
    }
    this.parsed = parsed;
    this.mode = this.first(parsed);
    this.fixed = parsed.fixed_width;
    this.drawSender(validations[parsed.validation]);
    this.drawTrust(parsed);
    this.drawFace(parsed.photo);
    this.draw();
    this.drawReceipt();
    const { calendar: calendar2 } = this;
    if (calendar2 !== void 0) this.owner.invitation(this.item, calendar2.path, this.event);
  }
  missing(error) {
    let asked = false;
    const again = () => {
      if (asked || !this.root.isConnected) return;
      asked = true;
      void this.show();
    };
    this.body.classList.remove("framed");
    fill(this.body, missing(t("Couldn't load this message: {why}", { why: error.message }), again, this.item.preview));
    if (codeOf(error) === "") this.owner.reached(again);
  }
  first(parsed) {
    if (!parsed.has_html) return "text";
    const { view_mode: remembered2 } = parsed;
    if (remembered2 !== "" && (remembered2 !== "text" || parsed.texts.length > 0)) return remembered2 === "html_ext" ? "htmlexternal" : remembered2;
    return parsed.texts.length === 0 || this.owner.settings().show_html ? "html" : "text";
  }
  get shade() {
    return isDark(this.owner.settings().color_scheme) ? this.chosen ?? "dark" : "light";
  }
  shadeIn(shade) {
    this.chosen = shade;
    this.draw();
  }
  choose(mode, always = false) {
    if (this.parsed === null) return;
    const changed = this.mode !== mode;
    this.mode = mode;
    if (this.parsed.has_html && (always || changed && mode !== "htmlexternal")) this.keep({ view_mode: mode === "htmlexternal" ? "html_ext" : mode });
    if (changed) this.draw();
    else this.drawBar();
  }
  fix(fixed) {
    this.fixed = fixed;
    this.keep({ fixed_width: fixed });
    this.draw();
  }
  keep(view) {
    const { parsed, item } = this;
    const [sender, ...others] = item.from;
    if (parsed === null || sender === void 0 || others.length > 0) return;
    const changed = { ...parsed, ...view };
    const { view_mode, fixed_width } = changed;
    this.parsed = changed;
    this.owner.chosen(changed);
    remembered = remembered.then(() => this.owner.remember(bareAddress(sender), view_mode, fixed_width));
  }
  showText() {
    this.choose("text");
  }
  showHTML() {
    if (this.parsed?.has_html) this.choose(this.mode === "html" ? "htmlexternal" : "html");
  }
  toggleHeaders() {
    this.allHeaders = !this.allHeaders;
    this.draw();
  }
  openRaw() {
    window.open(`${this.base}msg/${this.item.id}/raw`, "_blank", "noopener");
  }
  openTab() {
    window.open(`${this.base}msg/${this.item.id}/msg${this.mode}`, "_blank", "noopener");
  }
  get together() {
    return this.owner.together();
  }
  print() {
    const mode = this.mode;
    this.owner.printing(({ printMessage }, client) => printMessage(client, this.base, this.item, mode));
  }
  printThread() {
    this.owner.printing(({ printThread }, client) => printThread(client, this.base, this.together));
  }
  openThread() {
    this.owner.printing(({ openThread }) => openThread(this.base, this.together));
  }
  download() {
    this.owner.printing(({ download: download2 }, client) => download2(client, this.base, [this.item]));
  }
  downloadThread() {
    this.owner.printing(({ download: download2 }, client) => download2(client, this.base, this.together));
  }
  openAttachments() {
    const [first] = [...this.files, ...this.all];
    if (first !== void 0) this.look(first.path);
  }
  openDetails() {
    if (this.parsed !== null) this.owner.details(this.item, this.parsed);
  }
  scroll(screens) {
    const by = Number.isFinite(screens) ? screens * this.body.clientHeight : Math.sign(screens) * this.body.scrollHeight;
    this.body.scrollBy({ top: by });
  }
  heading(item) {
    const [from] = item.from;
    const time = item.date ?? item.received;
    const people = (label, name2, all) => all.length > 0 && [el("dt", {}, label), addressees(name2, all, () => this.parsed?.headers ?? [])];
    this.drawSender();
    drawLabels(this.labels, shownLabels(this.owner.settings().labels, this.item.keywords));
    fill(this.fields, item.from.length > 0 && [el("dt", {}, t("From")), this.sender], people(t("Reply to"), "reply-to", item.reply_to), people(t("To"), "to", item.to), people(t("Cc"), "cc", item.cc), people(t("Bcc"), "bcc", item.bcc), el("dt", {}, t("Date")), el("dd", {}, fullTime(time)));
    const name = el("bdi", { dir: "auto" }, isolated(addressList(item.from.slice(0, namedRecipients), shortAddress)) || t("(no address)"));
    const author = this.fold === null ? el("b", { class: "author-name" }, name) : el("button", { class: "quiet author-name", "aria-expanded": "true", title: t("Collapse message"), onclick: this.fold }, name);
    const unfold = el("button", { class: "quiet reader-recipients", "aria-expanded": "false", title: t("Show all addresses") }, el("bdi", { dir: "auto" }, recipients(item, (one) => this.owner.isOwn(one))), sign(chevronDown, "i s"));
    unfold.addEventListener("click", () => {
      this.fields.hidden = !this.fields.hidden;
      unfold.setAttribute("aria-expanded", String(!this.fields.hidden));
    });
    if (from !== void 0) fill(this.address, isolated(bareAddress(from)));
    this.drawFiles();
    const face = from === void 0 ? "?" : isolated(shortAddress(from));
    const color = hue(from === void 0 ? "" : bareAddress(from).toLowerCase());
    return el("header", { class: "reader-head" }, !this.whole && subjectOf(item), el("div", { class: "author" }, el("span", { class: `disc author-disc c${color}`, "aria-hidden": "true" }, initials(face)), el("div", { class: "author-names" }, author, this.address), el("time", { class: "author-time", datetime: time, title: fullTime(time) }, loneTime(time, Date.now())), this.more, el("div", { class: "author-more" }, el("div", { class: "author-to" }, unfold, this.leaving), this.trust)), this.claim, this.given, this.labels, this.fields);
  }
  get all() {
    return this.parsed?.attachments ?? this.item.attachments;
  }
  get files() {
    const { inside } = this;
    return this.all.filter((one) => this.mode === "text" || !(inside === null ? one.inside : inside.includes(one.path)));
  }
  drawFiles() {
    const { calendar: calendar2, files, item, all } = this;
    fill(this.after, attachmentCards(this.source, files.filter((one) => one !== calendar2), all.filter((one) => !files.includes(one))), !this.whole && this.owner.answer(item));
  }
  drawTrust(parsed) {
    const { item } = this;
    const inline = parsed.texts.map((part) => /^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----/m.exec(part.text)?.[1]).find((kind) => kind !== void 0);
    const hints = [(item.is_signed || inline === "SIGNED MESSAGE") && el("span", { class: "hint", title: t("The server doesn't verify signatures") }, t("signed")), (item.is_encrypted || inline === "MESSAGE") && el("span", { class: "hint", title: t("The server can't decrypt this message") }, t("encrypted"))];
    const again = (at) => this.change({ ...parsed, unsubscribe: parsed.unsubscribe && { ...parsed.unsubscribe, at } });
    const [from] = item.from;
    const listed = { id: item.id, name: isolated(from === void 0 ? parsed.unsubscribe?.host ?? "" : shortAddress(from)), unsubscribe: parsed.unsubscribe };
    const leaving = { leave: this.owner.leave, block: () => void this.owner.sender(item, "block") };
    const add = async () => {
      if (await this.owner.sender(item, "add")) this.change({ ...parsed, stranger: false });
    };
    const stranger = parsed.stranger === true && !parsed.claim && !parsed.unsubscribe;
    fill(this.trust, trustLine(parsed, item), hints, stranger && el("button", { class: "link", type: "button", onclick: () => void add() }, t("Add to contacts")));
    this.trust.hidden = this.trust.childElementCount === 0;
    fill(this.leaving, leavingLine(listed, leaving, again));
    this.address.hidden = !doubtful(parsed, item.from[0]);
    this.drawClaim(parsed);
    this.drawGiven(parsed);
  }
  change(parsed) {
    this.parsed = parsed;
    this.owner.chosen(parsed);
    this.drawTrust(parsed);
  }
  drawGiven(parsed) {
    const given = parsed.given ?? null;
    this.given.hidden = given === null;
    if (given === null) return;
    this.given.classList.toggle("given-leaked", given.strangers > 0);
    const turn = async (on) => {
      if (!await this.owner.sender(this.item, on ? "accept" : "refuse", given.address)) return;
      this.change({ ...parsed, given: { ...given, state: on ? "on" : "off" } });
      this.given.querySelector("button")?.focus();
    };
    fill(this.given, givenLine(given, (on) => void turn(on)));
  }
  drawClaim(parsed) {
    const { item } = this;
    const claim = parsed.claim ?? null;
    this.claim.hidden = claim === null;
    if (claim === null) return;
    this.address.hidden = true;
    const confirm = async () => {
      if (await this.owner.sender(item, "known")) this.change({ ...parsed, claim: null });
    };
    fill(this.claim, claimLine(claim, () => void confirm(), () => void this.owner.sender(item, "phishing")));
  }
  commands() {
    const { parsed, mode } = this;
    if (parsed === null) return [];
    const several = this.together.length > 1;
    const dark = isDark(this.owner.settings().color_scheme);
    const shown = (id, title, keys, run, when = true) => ({ id: `view.${id}`, title, keys, when: () => when, run });
    return [shown("html", t("Show as designed (HTML)"), ["T"], () => this.choose("html"), parsed.has_html && mode === "text"), shown("pictures", t("Load remote images"), ["T"], () => this.choose("htmlexternal"), mode === "html" && (this.blocked?.count ?? 0) > 0), shown("text", t("Show as plain text"), ["t"], () => this.choose("text"), parsed.texts.length > 0 && mode !== "text"), shown("fixed", this.fixed ? t("Use standard font") : t("Use fixed-width font"), [], () => this.fix(!this.fixed), parsed.texts.length > 0 && mode === "text"), shown("dark", t("View in dark mode"), [], () => this.shadeIn("plain"), mode !== "text" && (this.shade === "light" ? dark : this.shade === "dark" && this.sheet)), shown("light", t("View in light mode"), [], () => this.shadeIn("light"), mode !== "text" && dark && (this.shade === "plain" || this.shade === "dark" && !this.sheet)), shown("forget", t("Reset view for this sender"), [], () => this.forget(), parsed.view_mode !== "" || parsed.fixed_width), shown("headers", this.allHeaders ? t("Hide headers") : t("Show all headers"), ["ctrl i"], () => this.toggleHeaders()), shown("details", t("Details"), ["I"], () => this.openDetails()), shown("raw", t("View source"), ["O"], () => this.openRaw()), shown("tab", t("Open in new tab"), ["o"], () => this.openTab()), shown("print", t("Print"), ["ctrl p"], () => this.print()), shown("print-thread", t("Print conversation"), [], () => this.printThread(), several), shown("thread-text", t("Open conversation as text"), [], () => this.openThread(), several), shown("download", t("Download"), [], () => this.download()), shown("download-thread", t("Download conversation"), [], () => this.downloadThread(), several)];
  }
  forget() {
    this.keep({ view_mode: "", fixed_width: false });
    this.drawBar();
  }
  drawSender(mark2 = []) {
    const { from } = this.item;
    this.sender.title = asciiDomains(from);
    fill(this.people, from.map((address, i) => [i > 0 && ", ", senderOf(address, mark2)]));
  }
  drawFace(photo) {
    const disc = this.root.querySelector(".author-disc");
    if (photo === "" || disc === null) return;
    const picture = el("img", { alt: "", onload: () => fill(disc, picture), src: `${this.base}photo/${photo}` });
  }
  drawBar() {
    const { parsed, blocked, mode, item } = this;
    this.bar.hidden = true;
    if (parsed === null || mode === "text") return;
    const alone = item.from.length === 1 && parsed.view_mode !== "html_ext";
    const always = alone && el("button", { class: "link", onclick: () => this.choose("htmlexternal", true) }, t("Always for this sender"));
    const words3 = picturesWords(mode, blocked);
    if (words3 === "" || mode === "htmlexternal" && !always) return;
    const load = mode === "html" && el("button", { class: "link", onclick: () => this.choose("htmlexternal") }, t("Show"));
    fill(this.bar, el("span", { class: "reader-bar-words" }, words3), load, always);
    this.bar.hidden = false;
  }
  draw() {
    const { parsed } = this;
    if (parsed === null) return;
    this.blocked = this.inside = null;
    this.drawBar();
    this.drawFiles();
    const wanted = new Set(this.owner.settings().show_headers.map((name) => name.toLowerCase()));
    const headers = this.allHeaders ? parsed.headers : parsed.headers.filter((header) => wanted.has(header.name.toLowerCase()));
    fill(this.body, headers.length > 0 && headerTable(headers), this.mode === "text" ? this.texts(parsed) : this.frame(), this.after);
    this.body.classList.toggle("framed", this.mode !== "text");
  }
  texts(parsed) {
    if (parsed.texts.length === 0) return el("p", { class: "text-part hint" }, t("This message doesn't have any text"));
    return parsed.texts.map((part) => el("article", { class: this.fixed ? "text-part fixed" : "text-part" }, readableText(part.text, this.owner.needles(), part.quoted_from), part.truncated && el("p", { class: "hint" }, t("This message was shortened."))));
  }
  frame() {
    const kind = this.mode === "htmlexternal" ? "htmlexternal" : "html";
    return htmlFrame(`${this.base}msg/${this.item.id}/${kind}`, this.shade, { framed: (page) => this.owner.framed(page), facts: (facts) => {
      this.blocked = facts;
      this.inside = facts.inside;
      this.drawFiles();
      if (this.chosen === null) this.sheet = facts.coloured;
      this.drawBar();
    }, failed: () => this.missing(new CallFailed("html", "", t("Can't reach the server."))), needles: () => this.owner.needles(), forwarded: forwards.test(this.item.subject) });
  }
  get calendar() {
    return this.all.find((one) => calendars.has(one.content_type));
  }
  get source() {
    return { base: this.base, id: this.item.id, look: (path) => this.look(path) };
  }
  look(path) {
    this.owner.look({ ...this.item, attachments: this.all }, path);
  }
};
export {
  Message,
  messageCommands
};
