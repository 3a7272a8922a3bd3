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
  const namespace2 = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace2, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", path.startsWith("m") ? `${name} along` : name);
  svg.setAttribute("aria-hidden", "true");
  const line2 = document.createElementNS(namespace2, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var activity = "M22 12h-2.48a2 2 0 0 0-1.93 1.46l-2.35 8.36a.25.25 0 0 1-.48 0L9.24 2.18a.25.25 0 0 0-.48 0l-2.35 8.36A2 2 0 0 1 4.49 12H2";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var lock = "M5 11h14a2 2 0 0 1 2 2v7a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-7a2 2 0 0 1 2 -2z M7 11V7a5 5 0 0 1 10 0v4";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top2 = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top2, content);
}
function table(label, columns, rows2, each) {
  const body = rows2.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
      const text2 = cell.textContent;
      cell.className += /\S{30}/.test(text2) ? " long" : /\S{25}/.test(text2) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row);
    return tr;
  });
  const titles = columns.map((column) => el("th", { class: column.kind, scope: "col" }, column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title));
  return el("table", { class: "records", "aria-label": label }, el("thead", {}, el("tr", {}, titles)), el("tbody", {}, body));
}
function wrapped(child) {
  return Array.isArray(child) || typeof child === "string" ? child.length > 0 ? el("div", {}, child) : null : child;
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text2) => fill(face, sign(path, "i s"), word !== "" && text2);
  const made = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made.addEventListener("click", async () => {
    await toClipboard(value());
    show(check, t("Copied"));
    said.textContent = t("Copied");
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      show(copy, word);
      said.textContent = "";
    }, 2e3);
  });
  show(copy, word);
  return made;
}
async function toClipboard(value) {
  if (isSecureContext) {
    await navigator.clipboard.writeText(value);
    return;
  }
  const area = el("textarea", { readonly: true, "aria-hidden": "true" });
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
function copyable(value) {
  return el("span", { class: "copy" }, el("code", {}, value), copyButton(() => value));
}
function foreign(value, most = 300) {
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
}

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

var decisions = { "no-bad-signals": t("nothing suspicious"), "stray-bounce": t("bounce for a message not sent from here"), "high-rate": t("too much mail from the sender's network"), "own-queue": t("sent by this server"), reporting: t("mail report"), "list-allow": t("verified domain of a rule"), contact: t("verified contact"), msgfromfull: t("earlier mail from this sender"), msgtofull: t("account wrote to this sender before"), msgfromdomain: t("earlier mail from the sender's domain"), msgfromorgdomain: t("earlier mail from the sender's organization"), msgtodomain: t("account wrote to the sender's domain before"), msgtoorgdomain: t("account wrote to the sender's organization before"), dkimspf: t("earlier mail from the same verified domains"), ip1: t("earlier mail from the same server"), ip2: t("earlier mail from the same network"), ip3: t("earlier mail from nearby networks"), "dmarc-policy": t("unverified, and the sender's domain asks to reject it"), "dmarc-quarantine": t("unverified, and the sender's domain asks to quarantine it"), "dmarc-indirect": t("unverified, but probably from a mailing list or forwarder"), "dmarc-temperror": t("couldn't check the sender's domain"), "msg-auth-required": t("address only accepts verified senders"), "spf-policy": t("sending server not allowed by the sender's domain"), iprev: t("sending server without a valid host name"), sieve: t("Sieve script"), "sieve-error": t("Sieve script failed"), "sieve-kept": t("rejected by a Sieve script, but kept"), "sieve-reject": t("rejected by a Sieve script"), vacation: t("vacation reply"), "junk-content": t("junk filter"), "junk-content-strict": t("junk filter unsure, and suspicious otherwise"), "junk-content-unsure": t("junk filter unsure, moved to Junk"), subjectpass: t("requested word in the subject"), "give-subjectpass": t("sender asked to add a word to the subject"), "dns-blocklisted": t("sending server on a block list"), "ambiguous-from": t("more than one sender"), "blocked-sender": t("sender blocked by the account"), "allowed-sender": t("sender allowed by the account"), "ruleset-never-junk": t("kept out of junk by a rule"), "alias-members-only": t("only members can post"), "chosen-senders-only": t("address only accepts chosen senders"), "unknown-user": t("unknown address"), "reputation-error": t("couldn't read earlier mail"), "junk-classify-error": t("couldn't reach the junk filter"), "subjectpass-error": t("couldn't check the subject"), simulated: t("test result"), peer: t("for the domain's previous server") };
var decisionOf = (word) => decisions[word] ?? word;

var kinds = { delivered: [t("Delivered"), 1], sent: [t("Sent"), 2], junk: [t("Junk"), 3], refused: [t("Rejected"), 5], failed: [t("Not delivered"), 4], "passed-on": [t("Forwarded to the old server"), 1], "judged-wanted": [t("Classified as not junk"), 1], "judged-junk": [t("Classified as junk"), 3], "marked-junk": [t("Missed (marked as junk by users)"), 4], "marked-wanted": [t("Wrong (marked as not junk by users)"), 2], "login-failed": [t("Failed logins"), 4] };
var begins = (day2) => day2 * 864e5;
function dayOf(day2) {
  const year = new Date(begins(day2)).getUTCFullYear() === (/* @__PURE__ */ new Date()).getUTCFullYear() ? void 0 : "numeric";
  return new Intl.DateTimeFormat(void 0, { weekday: "short", day: "numeric", month: "short", year, timeZone: "UTC" }).format(begins(day2));
}
function shortDay(day2) {
  return new Intl.DateTimeFormat(void 0, { day: "numeric", month: "short", timeZone: "UTC" }).format(begins(day2));
}
var isoDay = (day2) => new Date(begins(day2)).toISOString().slice(0, 10);

async function dayPage(desk, number2) {
  const day2 = Number.isSafeInteger(number2) && number2 >= 0 && number2 <= 1e6 ? number2 : 0;
  const found = await desk.client.history_day(day2);
  const title = dayOf(day2);
  const today = Math.floor(Date.now() / 864e5);
  const root = el("div", { class: "page" }, head(title, t("By reason. Days start at midnight UTC."), day2 > 0 && el("a", { class: "btn line", href: addressOf("trends", ["day", String(day2 - 1)]) }, t("Day before")), day2 < today && el("a", { class: "btn line", href: addressOf("trends", ["day", String(day2 + 1)]) }, t("Day after")), el("a", { class: "btn line", href: "#trends" }, t("All days"))), found.length === 0 ? card("", empty(activity, t("No data for this day"), t("Data is kept for 400 days, starting when you installed this version."))) : found.map(figures), found.length > 0 && card(t("Individual messages"), el("p", {}, t("To see each message's sender, recipient, and reason, search the log:"), " ", copyable(`journalctl -u moxlite --utc --since ${isoDay(day2)} --until ${isoDay(day2 + 1)} | grep pkg=smtpd`))));
  return { title, root };
}
function figures(one) {
  const [title] = kinds[one.kind];
  const total = one.sums.reduce((sum, row) => sum + row.number, 0);
  const network = one.kind === "login-failed";
  const list = table(title, [{ title: network ? t("Network") : t("Reason"), kind: "main", cell: (row) => row.about === "" ? el("span", { class: "muted" }, network ? t("other networks") : t("all")) : network ? el("a", { href: addressOf("trends", ["logins"], { network: row.about }) }, visible(row.about)) : [decisionOf(visible(row.about)), " ", el("code", { class: "hint" }, visible(row.about))] }, { title: t("Count"), kind: "num", cell: (row) => row.number.toLocaleString() }], one.sums);
  return card(`${title}: ${total.toLocaleString()}`, list, { flush: true });
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
function when(at) {
  const date = new Date(at / 1e3);
  const iso = date.toISOString();
  return el("time", { datetime: iso, title: `${formatted(date, "whole", { dateStyle: "full", timeStyle: "long" })}
${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}` }, moment(at));
}
function agoShort(duration) {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}

var protocols = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols[code] ?? code;
}

var results = { ok: t("logged in"), badpassword: t("wrong password"), baduser: t("unknown address"), badcreds: t("wrong password or token"), badchanbind: t("other connection"), badprotocol: t("invalid exchange"), badfactor: t("wrong code"), factorneeded: t("code needed"), logindisabled: t("login disabled"), notpermitted: t("not allowed here"), error: t("failed"), aborted: t("canceled") };
var resultOf = (word) => results[word] ?? word;
var protocols2 = { smtp: "SMTP", webadmin: t("admin app"), addresses: t("password managers"), website: t("website") };
var protocolOf = (word) => protocols2[word] ?? protocolName(word);

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
async function confirm(title, message, action, kind = "line danger") {
  const answer2 = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer2 === true;
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

async function clearLimits(desk, ip) {
  let dropped = 0;
  if (!await attempt(t("Saving…"), t("Couldn't allow logins"), async () => dropped = await desk.client.limits_clear(ip))) return;
  desk.say(dropped === 0 ? t("No failed logins to clear") : t("Logins allowed again"));
  await desk.refresh();
}
async function limitsPage(desk) {
  const found = await desk.client.limits_list();
  const all = async () => {
    if (await confirm(t("Clear all failed logins?"), t("All networks and accounts can try again. You can't undo this."), t("Clear all"))) await clearLimits(desk, "");
  };
  const list = table(t("Failed logins"), [{ title: t("Network or account"), kind: "main", cell: (one) => one.network === one.who ? el("a", { href: addressOf("trends", ["logins"], { network: one.network }) }, el("bdi", {}, visible(one.who))) : el("bdi", {}, visible(one.who)) }, { title: t("Status"), cell: (one) => one.refused ? state("warn", t("rejected")) : state("ok", t("allowed")) }, { title: t("Failures"), kind: "num", cell: (one) => t("{n} of {limit}", { n: one.failures, limit: one.limit }) }, { title: t("Time window"), cell: (one) => agoShort(one.window * 1e6) }, { title: "", kind: "top", cell: (one) => one.network !== "" && button(t("Allow again"), () => void clearLimits(desk, one.network.split("/")[0] ?? ""), { kind: "line small", name: t("Allow logins from {network} again", { network: one.who }) }) }], found);
  const refused = found.filter((one) => one.refused).length;
  const root = el("div", { class: "page" }, head(t("Login limits"), many(refused, "{n} blocked before the password check.", "{n} blocked before the password check."), el("a", { class: "btn line", href: "#trends" }, t("All trends")), found.length > 0 && button(t("Clear all…"), () => void all(), { kind: "line danger" })), card("", found.length === 0 ? empty(lock, t("No failed logins"), t("You'll see failures from the last minute and day here, by network and account.")) : list, { flush: true }));
  return { title: t("Login limits"), root };
}

async function loginsPage(desk, network) {
  const found = await desk.client.attempts_from(network);
  const list = table(t("Failed logins"), [{ title: t("Username"), kind: "main", cell: (row) => row.address === "" ? el("span", { class: "muted" }, t("(none)")) : foreign(row.address, 120) }, { title: t("Account"), cell: (row) => row.account === "-" ? el("span", { class: "muted" }, t("none")) : el("bdi", {}, visible(row.account)) }, { title: t("From"), cell: (row) => el("bdi", {}, visible(row.remote_ip)) }, { title: t("Protocol"), cell: (row) => [protocolOf(row.protocol), row.user_agent !== "" && el("div", { class: "hint" }, foreign(row.user_agent, 80))] }, { title: t("Result"), cell: (row) => resultOf(row.result) }, { title: t("Attempts"), kind: "num", cell: (row) => row.count.toLocaleString() }, { title: t("Last"), cell: (row) => when(row.last) }], found);
  const root = el("div", { class: "page" }, head([t("Failed logins from"), " ", el("bdi", {}, visible(network))], t("Latest attempts in the last 30 days."), el("a", { class: "btn line", href: "#trends" }, t("All trends"))), card("", found.length === 0 ? empty(lock, t("No failed logins listed"), t("Attempts are listed for 30 days and charted for 400 days.")) : list, { flush: true }), found.length > 0 && card(t("Blocked automatically"), el("p", {}, t("After too many failures, a network is blocked before the password check."), " ", el("a", { href: "#trends/limits" }, t("All limits"))), { actions: button(t("Allow again"), () => void clearLimits(desk, network.split("/")[0] ?? ""), { kind: "line small" }) }));
  return { title: t("Failed logins"), root };
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

var namespace = "http://www.w3.org/2000/svg";
var width = 250;
var height = 150;
var left = 30;
var bottom = 132;
var top = 10;
function node(tag, attributes, ...children) {
  const made = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, typeof value === "number" ? value.toFixed(1).replace(/\.0$/, "") : written(value));
  made.append(...children.map((one) => typeof one === "string" ? written(one) : one));
  return made;
}
var plots = 0;
function canvas(label, tall) {
  const id = `plot${++plots}`;
  const root = node("svg", { class: "plot", viewBox: `0 0 ${width} ${tall}`, role: "group", "aria-label": label });
  const defs = node("defs", {});
  const shapes2 = { 2: "M0 4L4 0", 3: "M0 2H4", 4: "M0 0L4 4M0 4L4 0", 5: "M2 0V4" };
  for (const [tone, path] of Object.entries(shapes2)) {
    defs.append(node("pattern", { id: `${id}-${tone}`, width: 4, height: 4, patternUnits: "userSpaceOnUse" }, node("rect", { width: 4, height: 4, class: `p${tone}` }), node("path", { d: path, class: "hatch" })));
  }
  root.append(defs);
  return { root, fill: (tone) => tone === 1 ? "" : `url(#${id}-${tone})` };
}
function ceiling(most) {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((times) => times * power).find((value) => value >= most) ?? 10 * power;
}
function scale(root, most, words) {
  const limit = ceiling(most);
  const y = (value) => bottom - value / limit * (bottom - top);
  for (const part of Number.isInteger(limit / 2) ? [0, 0.5, 1] : [0, 1]) {
    const value = limit * part;
    root.append(node("line", { x1: left, x2: width, y1: y(value), y2: y(value) }), node("text", { x: left - 4, y: y(value) + 3, "text-anchor": "end" }, words(value)));
  }
  return y;
}
function bar(fill2, tone, attributes) {
  return node("rect", fill2 === "" ? { class: `p${tone}`, ...attributes } : { fill: fill2, ...attributes });
}
function stacked(label, series, titles, marks, link2, words) {
  const { root, fill: fill2 } = canvas(label, height);
  const places = titles.length;
  const sums = titles.map((_, place) => series.reduce((sum, one) => sum + (one.values[place] ?? 0), 0));
  const y = scale(root, Math.max(...sums, 0), words);
  const step = (width - left) / Math.max(1, places);
  titles.forEach((title, place) => {
    const x = left + place * step + step * 0.14;
    const said = `${title}: ${series.map((one) => `${one.title} ${words(one.values[place] ?? 0)}`).join(", ")}`;
    const group = node("a", { href: link2(place) }, node("title", {}, said), node("rect", { class: "hit", x: left + place * step, y: top, width: step, height: bottom - top }));
    let sum = 0;
    for (const one of series) {
      const value = one.values[place] ?? 0;
      if (value === 0) continue;
      group.append(bar(fill2(one.tone), one.tone, { x, y: y(sum + value), width: step * 0.72, height: Math.max(0.6, y(sum) - y(sum + value) - 0.4) }));
      sum += value;
    }
    root.append(group);
    const mark2 = marks[place];
    if (mark2 !== void 0 && mark2 !== "") root.append(node("text", { x: left + (place + 0.5) * step, y: height - 4, "text-anchor": place === places - 1 ? "end" : "middle", ...place === places - 1 ? { x: width } : {} }, mark2));
  });
  return root;
}
function line(label, points, from, to, marks, href, words, peak) {
  const { root } = canvas(label, height);
  const y = scale(root, Math.max(...points.map(([, value]) => value), 0), words);
  const x = (at) => left + (Math.min(Math.max(at, from), to) - from) / Math.max(1, to - from) * (width - left);
  let path = "";
  let last = 0;
  for (const [at, value] of points) {
    path += path === "" ? `M${x(at).toFixed(1)} ${y(value).toFixed(1)}` : `H${x(at).toFixed(1)}V${y(value).toFixed(1)}`;
    last = value;
  }
  const link2 = node("a", { href }, node("rect", { class: "hit", x: left, y: top, width: width - left, height: bottom - top }));
  if (path !== "") {
    path += `H${width}`;
    const first = points[0];
    link2.append(node("path", { class: "area", d: `${path}V${bottom}H${x(first[0]).toFixed(1)}Z` }), node("path", { class: "ln", d: path }));
    const highest = points.reduce((most, point) => point[1] > most[1] ? point : most, first);
    if (highest[1] > 0) {
      const at = x(highest[0]);
      link2.append(node("circle", { class: "p1", cx: at, cy: y(highest[1]), r: 2.5 }), node("text", { class: "t", x: at > width / 2 ? at - 5 : at + 5, y: y(highest[1]) + (y(highest[1]) < top + 6 ? 9 : -3), "text-anchor": at > width / 2 ? "end" : "start" }, peak(highest)));
    }
  }
  link2.append(node("title", {}, `${label}: ${words(last)}`));
  root.append(link2);
  for (const [at, text2] of marks) root.append(node("text", { x: x(at), y: height - 4, "text-anchor": at >= to ? "end" : at <= from ? "start" : "middle" }, text2));
  return root;
}
function rows(label, series, found, words) {
  const pitch = 26;
  const { root, fill: fill2 } = canvas(label, Math.max(1, found.length) * pitch + 2);
  const most = Math.max(...found.map((row) => row.values.reduce((sum, value) => sum + value, 0)), 1);
  found.forEach((row, place) => {
    const y = place * pitch;
    const said = `${row.title}: ${series.map(([title], index) => `${title} ${words(row.values[index] ?? 0)}`).join(", ")}`;
    const group = node("a", { href: row.href }, node("title", {}, said), node("rect", { class: "hit", x: 0, y, width, height: pitch }), node("text", { class: "t", x: 0, y: y + 10 }, row.title.length > 40 ? `${row.title.slice(0, 39)}…` : row.title));
    let x = 0;
    series.forEach(([, tone], index) => {
      const value = row.values[index] ?? 0;
      if (value === 0) return;
      const long = Math.max(1, value / most * width);
      group.append(bar(fill2(tone), tone, { x, y: y + 14, width: Math.max(0.6, long - 0.6), height: 8 }));
      x += long;
    });
    root.append(group);
  });
  return root;
}
function key(tone) {
  const { root, fill: fill2 } = canvas("", 1);
  root.setAttribute("viewBox", "0 0 10 10");
  root.setAttribute("class", "key");
  root.removeAttribute("role");
  root.removeAttribute("aria-label");
  root.setAttribute("aria-hidden", "true");
  root.append(bar(fill2(tone), tone, { width: 10, height: 10 }));
  return el("span", { class: "keyed" }, root);
}

function answer(found) {
  switch (found.answer) {
    case "unknown":
      return ["unknown", t("Unknown. There were no reports in the last 30 days.")];
    case "no":
      return ["ok", many(found.passed, "Yes. The only message passes.", "Yes. All {n} messages pass.")];
    case "strangers":
      return ["ok", many(found.strange, "Probably. This would reject {n} message from an IP address that never passes. Check whether it's one of yours.", "Probably. This would reject {n} messages from IP addresses that never pass. Check whether any of them are yours.")];
    case "yes":
      return ["warn", many(found.hurt, "No. {n} failing message came from an IP address that also sends your legitimate mail.", "No. {n} failing messages came from IP addresses that also send your legitimate mail.")];
  }
}

var spans = [14, 30, 90];
var minute2 = 6e7;
var week = 7 * 864e8;
var number = (value) => value >= 1e4 ? `${(value / 1e3).toLocaleString(void 0, { maximumFractionDigits: 1 })}k` : value.toLocaleString();
var link = (value) => el("bdi", {}, visible(value));
async function trendsPage(desk) {
  const days = spans.find((one) => String(one) === desk.address.query.get("days")) ?? 30;
  const { client } = desk;
  const [history, queue, totals, logins, disk] = await Promise.all([client.history(days), client.queue_history(), client.reports_summary("dmarc", 30), client.login_failures(days), client.disk_use()]);
  const wanted = desk.address.query.get("domain");
  const domain = totals.find((one) => one.domain === wanted)?.domain ?? totals.reduce((most, one) => most === null || one.total > most.total ? one : most, null)?.domain;
  const sources = domain === void 0 ? null : await client.dmarc_sources(domain, 30);
  const chip = (span) => el("a", { class: "chip pill", href: addressOf("trends", [], { days: String(span), domain: wanted ?? "" }), "aria-current": span === days ? "true" : void 0 }, many(span, "{n} day", "{n} days"));
  const root = el("div", { class: "page" }, head(t("Trends"), t("Click a bar to see the list. Days start at midnight UTC."), spans.map(chip)), el("div", { class: "cols plots" }, mail(history, days), junk(history, days), waiting(queue), dmarc(sources, totals.map((one) => one.domain), days), disks(disk), guesses(logins, days)));
  return { title: t("Trends"), root };
}
function plotCard(title, hint, plot, beside) {
  return card(title, el("div", { class: "plotted" }, el("div", {}, plot), beside), { hint: typeof hint === "string" ? hint : el("p", { class: "hint" }, hint) });
}
var nothing = (text2) => el("p", { class: "none two" }, text2);
function figures2(label, columns, found) {
  const made = table(label, columns, found);
  made.classList.remove("records");
  return made;
}
function middle(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
function byDay(history, days, wanted, label) {
  const found = wanted.map((kind) => history.series.find((one) => one.kind === kind) ?? { kind, numbers: [] });
  const first = history.today - days + 1;
  const counted = history.series.map((one) => one.numbers.findIndex((value) => value > 0)).filter((place) => place >= 0);
  const begin = Math.min(...counted, days - 1);
  const places = Array.from({ length: days }, (_, place) => first + place);
  const every = Math.ceil(days / 4);
  const series = found.map((one) => ({ title: kinds[one.kind][0], tone: kinds[one.kind][1], values: one.numbers }));
  const marks = places.map((day2, place) => place === days - 1 ? t("today") : place % every === 0 && place <= days - every ? shortDay(day2) : "");
  const plot = series.every((one) => one.values.every((value) => value === 0)) ? nothing(t("No data for this period")) : stacked(label, series, places.map(dayOf), marks, (place) => addressOf("trends", ["day", String(first + place)]), number);
  const beside = figures2(label, [{ title: t("Mail"), kind: "main", cell: (row) => el("span", { class: "keyed" }, key(kinds[row.kind][1]), el("span", {}, kinds[row.kind][0])) }, { title: t("Today"), kind: "num", cell: (row) => number(row.numbers.at(-1) ?? 0) }, { title: t("Usual"), kind: "num", cell: (row) => number(middle(row.numbers.slice(begin, -1))) }, { title: t("All"), kind: "num", cell: (row) => number(row.numbers.reduce((sum, one) => sum + one, 0)) }], found);
  return [plot, beside];
}
function mail(history, days) {
  const [plot, beside] = byDay(history, days, ["delivered", "sent", "junk", "refused"], t("Mail per day"));
  return plotCard(t("Mail per day"), many(days, "Last {n} day", "Last {n} days"), plot, beside);
}
function junk(history, days) {
  const verdicts = byDay(history, days, ["judged-wanted", "judged-junk"], t("Junk filter results"));
  const marks = byDay(history, days, ["marked-junk", "marked-wanted"], t("User corrections"));
  const sum = (kind) => history.series.find((one) => one.kind === kind)?.numbers.reduce((all, one) => all + one, 0) ?? 0;
  const judged = sum("judged-wanted") + sum("judged-junk");
  const [missed, wrong] = [sum("marked-junk"), sum("marked-wanted")];
  const words = judged + missed + wrong === 0 ? t("No results yet. Filters start when they have enough training data.") : missed > 2 * wrong + 5 ? t("Too much junk is missed. Lower the threshold to catch more.") : wrong > 2 * missed + 5 ? t("Too much good mail is marked as junk. Raise the threshold to avoid this.") : t("Junk detection looks balanced.");
  return plotCard(t("Junk filter"), [words, history.filed + history.filtered > 0 && ` ${t("{filed} moved to Junk, {filtered} rejected.", { filed: number(history.filed), filtered: number(history.filtered) })}`], [el("h3", { class: "hint" }, t("Results")), verdicts[0], el("h3", { class: "hint" }, t("User corrections")), marks[0]], el("div", {}, verdicts[1], marks[1]));
}
function waiting(samples) {
  const now = Date.now() * 1e3;
  const from = now - week;
  const midnights = Array.from({ length: 7 }, (_, place) => new Date(now / 1e3 - (6 - place) * 864e5).setHours(0, 0, 0, 0) * 1e3).filter((at) => at > from && at < now - week / 5);
  const marks = [...midnights.filter((_, place) => place % 2 === 0).map((at) => [at, new Intl.DateTimeFormat(void 0, { weekday: "short" }).format(at / 1e3)]), [now, t("now")]];
  const most = (read2) => samples.reduce((highest, one) => Math.max(highest, read2(one)), 0);
  const last = samples.at(-1);
  const age = (value) => value === 0 ? "0" : value < minute2 ? t("< 1 minute") : agoShort(value);
  const label = t("Messages waiting, last 7 days");
  const plot = line(label, samples.map((one) => [one.at, one.messages]), from, now, marks, "#queue", number, ([at, value]) => `${number(value)}, ${moment(at)}`);
  const hours = line(t("Oldest message (hours)"), samples.map((one) => [one.at, one.oldest / (60 * minute2)]), from, now, marks, addressOf("queue", [], { sort: "queued" }), (value) => value.toLocaleString(void 0, { maximumFractionDigits: 1 }), ([at, value]) => `${age(value * 60 * minute2)}, ${moment(at)}`);
  const beside = figures2(label, [{ title: t("Queue"), kind: "main", cell: (row) => row[0] }, { title: t("Now"), kind: "num", cell: (row) => row[1] }, { title: t("Peak"), kind: "num", cell: (row) => row[2] }], [[t("Waiting"), number(last?.messages ?? 0), number(most((one) => one.messages))], [t("On hold"), number(last?.held ?? 0), number(most((one) => one.held))], [t("Oldest"), age(last?.oldest ?? 0), age(most((one) => one.oldest))]]);
  return plotCard(t("Queue"), t("Checked every 5 minutes while messages are waiting"), samples.every((one) => one.messages === 0) ? nothing(t("No messages waited in the last 7 days")) : [el("h3", { class: "hint" }, t("Messages")), plot, el("h3", { class: "hint" }, t("Oldest message (hours)")), hours], beside);
}
function dmarc(found, domains, days) {
  if (found === null) return card(t("Sources"), el("p", { class: "hint" }, t("No DMARC reports in the last 30 days."), " ", el("a", { href: "#reports" }, t("Set up reports"))), {});
  const series = [[t("pass"), 1], [t("fail"), 4]];
  const named = (ip, own) => ip === "" ? t("Others") : own ? t("This server") : visible(ip);
  const shown = found.sources.slice(0, 8);
  const to = (ip) => addressOf("reports", ["sources", found.domain], { ip });
  const plot = rows(t("Mail sources"), series, shown.map((one) => ({ title: named(one.ip, one.own), values: [one.passed, one.failed], href: to(one.ip) })), number);
  const beside = figures2(t("Mail sources"), [{ title: t("Source"), kind: "main", cell: (row) => named(row.ip, row.own) }, { title: t("Pass"), kind: "num", cell: (row) => number(row.passed) }, { title: t("Fail"), kind: "num", cell: (row) => number(row.failed) }], shown);
  const [level, words] = answer(found);
  const others = domains.filter((one) => one !== found.domain).slice(0, 10);
  const hint = [t("From DMARC reports in 30 days for"), " ", el("b", {}, link(found.domain)), ".", others.length > 0 && [" ", t("Others:"), others.map((one) => [" ", el("a", { href: addressOf("trends", [], { domain: one, days: String(days) }) }, link(one))])], el("br"), state(level, t("p=reject")), " ", words];
  return plotCard(t("Sources"), hint, plot, beside);
}
function disks(found) {
  const shown = found.accounts.slice(0, 8);
  const rest = found.accounts.slice(8);
  const octets = rest.reduce((sum, one) => sum + one.octets, found.rest);
  const total = found.accounts.reduce((sum, one) => sum + one.octets, found.rest);
  const all = octets > 0 ? [...shown, { name: "", octets }] : shown;
  const named = (one) => one.name === "" ? many(rest.length + found.others, "{n} other", "{n} others") : visible(one.name);
  const plot = rows(t("Disk by account"), [[t("Disk"), 1]], all.map((one) => ({ title: named(one), values: [one.octets], href: addressOf("accounts", one.name === "" ? [] : [one.name]) })), size);
  const beside = figures2(t("Disk by account"), [{ title: t("Account"), kind: "main", cell: (row) => named(row) }, { title: t("On disk"), kind: "num", cell: (row) => size(row.octets) }], all);
  return plotCard(t("Disk by account"), t("{size} total: mail, search index, and database logs", { size: size(total) }), plot, beside);
}
function guesses(found, days) {
  const shown = found.networks.slice(0, 8);
  const rest = found.networks.slice(8).reduce((sum, one) => sum + one.number, found.rest);
  const total = found.networks.reduce((sum, one) => sum + one.number, found.rest);
  const limits = el("a", { href: "#trends/limits" }, t("Currently blocked"));
  if (total === 0) return card(t("Failed logins"), el("p", { class: "hint" }, many(days, "None in the last {n} day.", "None in the last {n} days."), " ", limits));
  const all = rest > 0 ? [...shown, { about: "", number: rest }] : shown;
  const named = (one) => one.about === "" ? t("other networks") : visible(one.about);
  const plot = rows(t("Failed logins by network"), [[t("Failed"), 4]], all.map((one) => ({ title: named(one), values: [one.number], href: one.about === "" ? "#trends" : addressOf("trends", ["logins"], { network: one.about }) })), number);
  const beside = figures2(t("Failed logins by network"), [{ title: t("Network"), kind: "main", cell: (row) => named(row) }, { title: t("Failed"), kind: "num", cell: (row) => number(row.number) }], all);
  return plotCard(t("Failed logins"), [many(days, "{total} in {n} day, by network", "{total} in {n} days, by network", { total: number(total) }), ". ", limits], plot, beside);
}

var pages = { trends: (desk) => {
  switch (desk.address.path[0]) {
    case "day":
      return dayPage(desk, Number(desk.address.path[1] ?? 0));
    case "logins":
      return loginsPage(desk, desk.address.query.get("network") ?? "");
    case "limits":
      return limitsPage(desk);
    default:
      return trendsPage(desk);
  }
} };
export {
  pages
};
