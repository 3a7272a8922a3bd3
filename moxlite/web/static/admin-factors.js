var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text4, values = {}) {
  return text4.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text4, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text4) ?? text4, values);
}
function many(n, one, other, values = {}) {
  const text4 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text4, { ...values, n });
}

var browsers = { Edge: /\bEdgA?\//, Opera: /\bOPR\//, Samsung: /\bSamsungBrowser\//, Firefox: /\b(Firefox|FxiOS)\//, Chrome: /\b(Chrome|CriOS|HeadlessChrome)\//, Safari: /\bVersion\/[\d.]+ .*Safari\// };
var systems = { iPad: /\biPad\b/, iPhone: /\biPhone\b/, Android: /\bAndroid\b/, Windows: /\bWindows\b/, macOS: /\bMac OS X\b/, ChromeOS: /\bCrOS\b/, Linux: /\bLinux\b/ };
function browserName(userAgent) {
  const [browser, system] = [browsers, systems].map((marks) => Object.entries(marks).find(([, mark2]) => mark2.test(userAgent))?.[0]);
  return browser === void 0 || system === void 0 ? "" : t("{browser} on {system}", { browser, system });
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
function placed(text22, elements) {
  return text22.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
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
  const line2 = document.createElementNS(namespace, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var list = "m3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var smartphone = "M7 2h10a2 2 0 0 1 2 2v16a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-16a2 2 0 0 1 2 -2z M12 18h.01";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var made = 0;
function field(label, control, hint = null) {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control.id === "") control.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () => described() === "" ? control.removeAttribute("aria-describedby") : control.setAttribute("aria-describedby", described());
  describe();
  const problem = (text4) => {
    error.hidden = text4 === "";
    fill(error, text4 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text4)]);
    control.setAttribute("aria-invalid", String(text4 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text4) => {
    error.hidden = text4 === "";
    fill(error, text4);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem };
}
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
}
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function saved(form2) {
  delete form2.dataset["unsaved"];
  form2.dispatchEvent(new Event("saved", { bubbles: true }));
}
function form(content, action, save2, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text4) => {
    error.hidden = text4 === "";
    fill(error, text4);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row2 = el("div", { class: "flex wrap" }, submit);
  const root = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    root.ariaBusy = "true";
    complain("");
    try {
      const done = await save2() !== false;
      if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
    } catch (failure) {
      complain(failure instanceof Error ? failure.message : String(failure));
    } finally {
      submit.disabled = false;
      root.ariaBusy = null;
      root.querySelector("[aria-invalid=true]")?.focus();
    }
  } }, content, error, row2);
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row2.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row2.className) {
      row2.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
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

var protocols = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols[code] ?? code;
}

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function table(label, columns, rows, each) {
  const body = rows.map((row2) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row2)));
      const text4 = cell.textContent;
      cell.className += /\S{30}/.test(text4) ? " long" : /\S{25}/.test(text4) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row2);
    return tr;
  });
  const titles = columns.map((column) => el("th", { class: column.kind, scope: "col" }, column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title));
  return el("table", { class: "records", "aria-label": label }, el("thead", {}, el("tr", {}, titles)), el("tbody", {}, body));
}
function wrapped(child) {
  return Array.isArray(child) || typeof child === "string" ? child.length > 0 ? el("div", {}, child) : null : child;
}
function pairs(entries) {
  return el("dl", { class: "pair" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text4) => fill(face, sign(path, "i s"), word !== "" && text4);
  const made2 = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made2.addEventListener("click", async () => {
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
  return made2;
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
function microseconds(text4) {
  return text4 === "" ? 0 : Date.parse(text4) * 1e3;
}

var page = 20;
var kinds = { folder: t("Shared folder"), calendar: t("Shared calendar"), contacts: t("Shared address book"), delegate: t("Person who can send"), calendar_link: t("Private calendar link"), forward: t("Forwarding address"), script: t("Active script"), sender: t("Reply-To or Bcc"), linked: t("Linked account"), outgoing_webhook: t("Webhook for sent mail"), incoming_webhook: t("Webhook for received mail"), session: t("Browser"), app_password: t("App password"), token: t("Token"), certificate: t("Client certificate"), authenticator: t("Authenticator app"), security_key: t("Security key or passkey"), recovery_codes: t("Recovery codes"), recovery_link: t("Password reset link"), provider: t("Login provider user"), device: t("Device with notifications"), push: t("Push subscription") };
var scopes = [["imap", t("reading mail (IMAP)")], ["submission", t("sending mail (SMTP)")], ["webapi", t("web API")], ["dav", t("calendars and contacts")], ["jmap", "JMAP"], ["addresses", t("masked addresses (password managers)")], ["sharing", t("change sharing")], ["sieve", t("change Sieve scripts")]];
var parts = new Map([...scopes, ["as", t("sends as this account")], ["behalf", t("sends on behalf of this account")], ["whole account", t("all folders, calendars, and contacts")], ["busy", t("free/busy only")], ["r", t("view")], ["send", t("sending mail (SMTP)")], ["asked", t("not confirmed, email sent")], ["confirmed", ""]]);
var administrator = t("your administrator");
var actors = /* @__PURE__ */ new Map([["(cli)", administrator], ["(admin)", administrator], ["(editor)", administrator], ["(server)", t("this server")]]);
function waysCard(title, hint, first, ways) {
  if (first.length === 0) return card(title, el("p", { class: "hint" }, t("Nothing has been set up.")));
  const body = el("ul", { class: "lines" }, first.map((one) => removable(one, ways)));
  let last = first.at(-1);
  const more = button(t("Show older"), async () => {
    let found = [];
    if (!await attempt(t("Loading…"), t("Couldn't load access"), async () => found = await ways.page(last.place, page))) return;
    body.append(...found.map((one) => removable(one, ways)));
    last = found.at(-1) ?? last;
    more.hidden = found.length < page;
  }, { kind: "text" });
  more.hidden = first.length < page;
  return card(title, [body, el("p", { class: "more" }, more)], { flush: true, hint });
}
function firstWays(ways) {
  return ways.page("", page);
}
function removable(one, ways) {
  const name = wayName(one);
  const remove = async () => {
    if (!await confirm(t("Remove “{name}”?", { name }), t("This takes effect immediately."), t("Remove"))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove access"), () => ways.remove(one.id))) await ways.refresh();
  };
  const last = one.current ? el("span", { class: "chip" }, t("this browser")) : button(t("Remove"), () => void remove(), { kind: "line small", name: t("Remove {name}", { name }) });
  return wayLine(one, last);
}
function wayLine(one, last, before = null) {
  const facts = factsOf(one);
  const access2 = accessOf(one);
  return el("li", {}, before, el("span", { class: "grow" }, el("b", {}, kinds[one.kind]), facts.length > 0 && [" ", foreign(facts.join(", "), 160)], access2 !== "" && [" ", el("span", { class: "chip" }, foreign(access2, 160))], el("span", { class: "hint" }, el("br"), one.set_up === null ? t("Set up at an unknown time") : when(microseconds(one.set_up)), [originOf(one)].filter(Boolean).map((origin) => [" · ", foreign(origin, 160)]))), last);
}
function wayName(one) {
  return [kinds[one.kind], ...factsOf(one)].join(", ").slice(0, 120);
}
function originOf(one) {
  const login = one.login === "" ? "" : t("app password or certificate “{name}”", { name: one.login });
  const actor = actors.get(one.actor) ?? one.actor;
  return [actor, /^(cli|file|server)$|admin/.test(one.via) ? "" : protocolName(one.via), login, one.remote_ip].filter(Boolean).join(", ");
}
function accessOf({ kind, access: access2 }) {
  if (kind === "folder" || kind === "calendar" || kind === "contacts") return permission(access2);
  const all = access2.split(", ").map((part) => parts.get(part) ?? protocolName(part));
  return all.filter(Boolean).join(", ");
}
function permission(letters) {
  if (letters.includes("a")) return t("full access, including sharing");
  if (/[iwtexpk]/.test(letters)) return t("view, edit, add, and delete");
  if (/r.*s/.test(letters)) return t("view and mark as read");
  return letters.includes("r") ? t("view") : t("permissions “{letters}”", { letters });
}
function factsOf(one) {
  const name = one.kind === "session" ? browserName(one.name) || one.name : one.name;
  return [name, one.who].filter((fact) => fact !== "");
}

function qrDrawing(code, label) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${code.size} ${code.size}`);
  svg.setAttribute("class", "qr-code");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", code.path);
  svg.append(path);
  return svg;
}

async function createKey(options) {
  const asked = JSON.parse(options);
  const publicKey = { ...asked, challenge: octets(asked.challenge), user: { ...asked.user, id: octets(asked.user.id) }, excludeCredentials: descriptors(asked.excludeCredentials) };
  const made2 = await spoken(() => navigator.credentials.create({ publicKey }));
  const response = made2.response;
  return answer(made2, { clientDataJSON: text2(response.clientDataJSON), attestationObject: text2(response.attestationObject), transports: response.getTransports?.() ?? [] });
}
async function useKey(options) {
  const asked = JSON.parse(options);
  const publicKey = { ...asked, challenge: octets(asked.challenge), allowCredentials: descriptors(asked.allowCredentials) };
  const used2 = await spoken(() => navigator.credentials.get({ publicKey }));
  const response = used2.response;
  return answer(used2, { clientDataJSON: text2(response.clientDataJSON), authenticatorData: text2(response.authenticatorData), signature: text2(response.signature), userHandle: response.userHandle === null ? null : text2(response.userHandle) });
}
function keysKnown() {
  return isSecureContext && "credentials" in navigator && typeof PublicKeyCredential !== "undefined";
}
async function spoken(ask) {
  try {
    const found = await ask();
    if (found !== null) return found;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "InvalidStateError") throw new Error(t("This security key is already set up."));
    if (name !== "NotAllowedError" && name !== "AbortError") throw error;
  }
  throw new Error(t("Your security key didn't respond. Try again or choose another method."));
}
function answer(found, response) {
  return JSON.stringify({ id: found.id, rawId: text2(found.rawId), type: found.type, response, clientExtensionResults: {} });
}
function descriptors(list2) {
  return (list2 ?? []).map((one) => ({ ...one, id: octets(one.id) }));
}
function octets(value) {
  return Uint8Array.from(atob(value.replace(/-/g, "+").replace(/_/g, "/")), (sign2) => sign2.charCodeAt(0));
}
function text2(value) {
  return btoa(String.fromCharCode(...new Uint8Array(value))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function serverClock(at) {
  const began = performance.now();
  const format = new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit", second: "2-digit" });
  const shown = el("time", {});
  const show = () => shown.textContent = format.format(at + performance.now() - began);
  show();
  const timer = setInterval(() => shown.isConnected ? show() : clearInterval(timer), 1e3);
  return el("span", {}, placed(t("The server's time is {time}"), { time: shown }));
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text4, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text4), actions);
}
function empty(path, title, text4, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text4 !== "" && el("p", {}, text4), actions);
}

async function factorsCard(client, mail) {
  const place = el("div", { class: "factors" });
  const show = (found) => fill(place, built(client, found, mail, async () => show(await client.second_factors())));
  show(await client.second_factors());
  return place;
}
function built(client, found, mail, refresh) {
  const on = isOn(found);
  const add = (work) => async () => {
    if (await work()) await refresh();
  };
  const remove = async (kind, id, name) => {
    const last = found.apps.length + found.keys.length === 1;
    const off = mail ? t("You'll only need your password to log in, even in mail apps.") : t("You'll only need your password to log in.");
    const said = last ? t("This is your last verification method, so two-step verification will be turned off. {off}", { off }) : t("You won't be able to use it to log in. Your other verification methods will still work.");
    if (!await confirm(t("Remove “{name}”?", { name }), said, t("Remove"))) return;
    if (await attempt(t("Removing…"), t("Couldn't remove verification method"), () => client.factor_remove(kind, id))) await refresh();
  };
  const renew = async () => {
    if (!await confirm(t("Create new recovery codes?"), t("Your old codes will stop working."), t("Create codes"))) return;
    let codes = [];
    if (await attempt(t("Creating…"), t("Couldn't create recovery codes"), async () => {
      codes = await client.recovery_codes_new();
    })) {
      await showCodes(codes);
      await refresh();
    }
  };
  const rows = [...found.apps.map((app) => row(smartphone, placed(t("Authenticator app “{name}”"), { name: foreign(app.name) }), used(app), removal(app.name, () => void remove("totp", app.id, app.name)))), ...found.keys.map((key2) => row(keyRound, placed(t("Security key “{name}” for {host}"), { name: foreign(key2.name), host: el("bdi", {}, key2.host) }), used(key2), removal(key2.name, () => void remove("key", key2.id, key2.name))))];
  if (on) {
    const few = found.codes < 4;
    const left = many(found.codes, "{n} recovery code left", "{n} recovery codes left");
    rows.push(row(list, few ? state("warn", left) : left, t("Use a code if you lose a device."), button(t("New codes"), () => void renew(), { kind: "text small" })));
  }
  const key = button(t("Add security key"), () => void add(() => addKey(client, found, mail))(), { icon: plus });
  const possible = found.host !== "" && keysKnown();
  return card(t("Two-step verification"), [el("p", { class: "two" }, t("You'll also need a code from your phone or a security key to log in. A stolen password alone won't be enough.")), rows.length > 0 && el("ul", { class: "factor-list" }, rows), el("div", { class: "flex wrap factor-add" }, button(t("Add authenticator app"), () => void add(() => addApp(client, found, mail))(), { icon: plus }), possible && key), !possible && el("p", { class: "hint" }, t("Security keys require a host name with HTTPS, so you can't add one here. Authenticator apps work everywhere.")), possible && el("p", { class: "hint" }, t("Security keys only work at {host}. Authenticator apps and recovery codes work everywhere.", { host: found.host }))], { actions: on ? state("ok", t("on")) : state("off", t("off")) });
}
function isOn(found) {
  return found.apps.length + found.keys.length > 0;
}
function row(path, what, hint, act) {
  return el("li", {}, sign(path), el("div", { class: "grow" }, el("div", {}, what), el("div", { class: "hint" }, hint)), act);
}
function used(device) {
  return placed(t("added {added}, last used {used}"), { added: when(device.created), used: when(device.last_used) });
}
function removal(name, run) {
  return button(t("Remove"), run, { kind: "text small", name: t("Remove {name}", { name }) });
}
function warning(found, mail) {
  if (isOn(found) || !mail) return null;
  const text4 = t("After that, mail apps will need app passwords. Your own password will only work on these web pages.");
  if (found.programs.length === 0) return notice("unknown", text4);
  return el("div", { class: "stack" }, notice("warn", [text4, " ", t("These apps used your own password in the last 30 days and will stop working:")]), el("ul", { class: "factor-programs" }, found.programs.map((one) => el("li", {}, program(one)))));
}
var protocols2 = { imap: t("reading mail (IMAP)"), submission: t("sending mail (SMTP)"), smtp: t("sending mail (SMTP)"), webapi: t("web API"), dav: t("calendars and contacts") };
function program(one) {
  const text4 = t("{app}, {protocol}, from {ip}, {time}", { protocol: protocols2[one.protocol] ?? one.protocol });
  return placed(text4, { app: one.program === "" ? el("span", {}, t("Unknown app")) : foreign(one.program, 80), ip: el("bdi", {}, one.remote_ip), time: when(one.last) });
}
async function steps(title, begin) {
  const answer2 = await dialog(title, (close) => {
    const place = el("div", { class: "stack" });
    const buttons = () => el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")));
    begin((...content) => {
      fill(place, content, buttons());
      place.querySelector("input")?.focus();
    }, close);
    return [place];
  });
  return answer2 === true;
}
async function addApp(client, found, mail) {
  let codes = [];
  const added = await steps(t("Add authenticator app"), (show, close) => {
    const name = line(t("Device name"), found.apps.length === 0 ? t("Phone") : "", t("Helps you tell devices apart."), { maxlength: "64" });
    const named = form([warning(found, mail), name.root], t("Continue"), async () => {
      const made2 = await client.totp_begin(name.control.value);
      const code = field(t("Code from the app"), el("input", { class: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "9", required: true }), serverClock(made2.server_time));
      const tried = form(code.root, t("Turn on"), async () => {
        ({ recovery_codes: codes } = await client.totp_finish(code.control.value));
        close(true);
      });
      show(el("p", {}, t("Scan this with an authenticator app, such as Aegis, Google Authenticator, or your password manager.")), qrDrawing(made2.qr, t("QR code. You'll find the same secret as text below")), el("p", { class: "hint" }, t("Or type this secret into the app:")), copyable(made2.secret.replace(/(.{4})(?=.)/g, "$1 ")), tried.root);
      code.control.focus();
    });
    show(named.root);
  });
  if (codes.length > 0) await showCodes(codes);
  return added;
}
async function addKey(client, found, mail) {
  let codes = [];
  const added = await steps(t("Add security key"), (show, close) => {
    const name = line(t("Key name"), "", t("Helps you tell keys apart."), { maxlength: "64" });
    const named = form([warning(found, mail), name.root], t("Continue"), async () => {
      const made2 = await createKey((await client.key_begin(name.control.value)).options);
      const request = await client.key_created(made2);
      const tried = form(el("p", {}, t("Test the key to finish setup.")), t("Test key"), async () => {
        const given = await useKey(request.options);
        ({ recovery_codes: codes } = await client.key_finish(given));
        close(true);
      });
      show(tried.root);
      tried.root.querySelector("button")?.focus();
    });
    show(named.root);
  });
  if (codes.length > 0) await showCodes(codes);
  return added;
}
async function showCodes(codes) {
  await dialog(t("Recovery codes"), (close) => {
    const kept = tick(t("I saved these codes"), false);
    const done = el("button", { class: "btn primary", type: "button", disabled: true, onclick: () => close(true) }, t("Done"));
    kept.control.addEventListener("change", () => done.disabled = !kept.control.checked);
    const all = () => `${codes.join("\n")}
`;
    return [el("p", { class: "dialog-text" }, t("Save these codes where you can find them without your phone, such as on paper or in a password manager. Each code works once. You won't be able to see them again.")), el("ol", { class: "recovery-codes" }, codes.map((code) => el("li", {}, el("code", {}, code)))), el("div", { class: "flex wrap" }, copyButton(all, t("Copy")), button(t("Download"), () => save(all()), { icon: download }), button(t("Print"), () => print(), {})), kept.root, el("div", { class: "dialog-buttons" }, done)];
  }, false);
}
function save(text4) {
  const url = URL.createObjectURL(new Blob([text4], { type: "text/plain" }));
  const link = el("a", { href: url, download: t("recovery codes for {host}.txt", { host: location.hostname }) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 6e4);
}

function sentence(text4) {
  return `${text4[0]?.toUpperCase() ?? ""}${text4.slice(1)}${/[.!?…]$/.test(text4) ? "" : "."}`;
}

function fieldForm(fields, action, run, more = null, cancel = null) {
  const failure = el("div", { hidden: true });
  const button2 = el("button", { class: "btn primary", type: "submit" }, action);
  const form2 = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    button2.disabled = true;
    failure.hidden = true;
    form2.ariaBusy = "true";
    try {
      if (await run() !== false) saved(form2);
    } catch (error) {
      refusal(error, fields, failure, form2);
    } finally {
      button2.disabled = false;
      form2.ariaBusy = null;
    }
  } }, Object.values(fields).map((one) => one.root), more, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
  return form2;
}
function refusal(error, fields, failure, form2) {
  const [single, ...others] = Object.keys(fields);
  const told2 = fieldsOf(error);
  const mistakes = told2.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== void 0 ? [{ field: single, text: messageOf(error) }] : told2;
  const rest = mistakes.filter((one) => fields[one.field] === void 0);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form2.querySelector("[aria-invalid=true]")?.focus();
}
function fieldDialog(title, action, fields, run, more = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
}
async function showSecret(title, text4, secret) {
  await dialog(title, (close) => [el("p", { class: "dialog-text" }, text4), el("p", {}, secret), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Done")))]);
}

var providerPage = async (desk) => {
  const set = await desk.client.provider_setup();
  const title = t("Login provider");
  const root = el("div", { class: "page" }, head(title, t("Users log in with Authentik, Keycloak, Kanidm, Pocket ID, or another OpenID Connect provider.")), el("div", { class: "stack" }, current(set), check2(desk, set)));
  return { title, root };
};
function current(set) {
  if (set.issuer === "") return null;
  return card(t("In use"), pairs([[t("Name"), foreign(set.name)], [t("Issuer"), foreign(set.issuer)], [t("Administrators"), set.admin_group === "" ? t("only with the admin password") : foreign(set.admin_group)], ...set.shared.map((one) => [t("Shared mailbox"), foreign(`${one.account}: ${one.group}`)])]));
}
function check2(desk, set) {
  const issuer = line(t("Issuer"), set.issuer, t("For example, https://login.example.org/realms/home"), { inputmode: "url" });
  const client = line(t("Client ID"), set.client_id || "moxlite");
  const name = line(t("Name on the login button"), set.name);
  const group = line(t("Administrators' group"), set.admin_group, t("Leave blank to allow only the admin password."));
  const internal = tick(t("Provider is on my own network"), set.allow_internal);
  const below = el("div", { class: "stack", "aria-live": "polite" });
  const form2 = fieldForm({ issuer, client, name, group, internal }, t("Check provider"), async () => {
    fill(below);
    const found = await desk.client.provider_trial(issuer.control.value.trim(), internal.control.checked);
    const lines = ["[oidc]", `issuer = ${text3(issuer.control.value)}`, `client_id = ${text3(client.control.value)}`, 'client_secret_file = "oidc-secret"', ...name.control.value.trim() === "" ? [] : [`name = ${text3(name.control.value)}`], ...internal.control.checked ? ["allow_internal = true"] : [], ...group.control.value.trim() === "" ? [] : [`admin_group = ${text3(group.control.value)}`]];
    fill(below, result(found), found.problems.length === 0 && [register(set), configure(lines.join("\n"))]);
  });
  return [card(t("Check a provider"), form2), below];
}
var text3 = (value) => JSON.stringify(value.trim());
function result(found) {
  const list2 = (words) => el("ul", {}, words.map((one) => el("li", {}, foreign(one))));
  if (found.problems.length > 0) return notice("danger", [t("You can't use this provider yet:"), list2(found.problems)]);
  return [notice("ok", t("This provider works with moxlite.")), found.notes.length > 0 && notice("warn", [t("Some features won't be available:"), list2(found.notes)])];
}
function register(set) {
  return card(t("Register with the provider"), pairs([...set.pages.map((one) => [t("Redirect URI (login and logout)"), copyable(one)]), ...set.logout === "" ? [] : [[t("Back-channel logout address"), copyable(set.logout)]], [t("Flow"), t("authorization code with PKCE (S256)")]]));
}
function configure(lines) {
  return card(t("Add to moxlite.toml"), [el("pre", { class: "zone", tabindex: "0", "aria-label": t("Lines for moxlite.toml") }, lines), copyButton(() => lines, t("Copy"))], { hint: t("Save the client secret in the file oidc-secret next to moxlite.toml, readable by the server's user. Then restart the server.") });
}

var scopes2 = [["read", t("Read everything")], ["accounts", t("Accounts")], ["domains", t("Domains and aliases")], ["queue", t("Queue and webhooks")], ["reports", t("Reports")], ["dns", t("DNS records and key rotation")], ["server", t("Certificates")]];
async function tokens(desk) {
  const made2 = await desk.client.admin_token_list();
  const add = button(t("Create token…"), () => void make(desk), { kind: "line small", icon: plus });
  const hint = t("Use tokens to manage this server from API clients. For the API reference, see {url}.", { url: new URL("v1/openapi.json", location.href).href });
  if (made2.length === 0) return card(t("API tokens"), empty(keyRound, t("No tokens yet"), hint, add), { flush: true });
  const rows = table(t("API tokens"), [{ title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) }, { title: t("Permissions"), cell: (one) => one.scopes.join(", ") }, { title: t("Last used"), cell: (one) => one.last_used === "" ? t("never") : el("span", {}, one.last_used, el("span", { class: "hint" }, ` ${one.used_from}`)) }, { title: t("Expires"), cell: (one) => one.expired ? state("off", t("expired")) : el("span", { class: "nowrap" }, one.expires) }, { title: "", kind: "num", cell: (one) => button(t("Revoke"), () => void revoke(desk, one), { kind: "line small", name: t("Revoke {name}", { name: one.name }) }) }], made2);
  return card(t("API tokens"), rows, { flush: true, actions: add, hint });
}
async function make(desk) {
  const name = line(t("API client name"), "", null, { maxlength: "64", autofocus: "" });
  const uses = scopes2.map(([scope, words]) => tick(words, scope === "read"));
  const days = choice(t("Expires"), [["30", t("in 30 days")], ["90", t("in 90 days")], ["365", t("in 1 year")]], "365");
  const group = el("fieldset", { class: "group" }, el("legend", {}, t("Permissions")), uses.map((one) => one.root));
  const token = await fieldDialog(t("New API token"), t("Create token"), { name, scopes: { root: group, control: group, problem: (text4) => uses[0].problem(text4) }, days }, () => desk.client.admin_token_add(name.control.value, scopes2.filter((_, i) => uses[i].control.checked).map(([scope]) => scope), Number(days.control.value)), el("p", { class: "hint" }, t("Tokens can't set passwords, create tokens, or delete accounts or domains.")));
  if (token === null) return;
  await showSecret(t("API token"), t("Copy this now. You won't be able to see it again."), copyable(token));
  await desk.refresh();
}
async function revoke(desk, one) {
  const sure = await confirm(t("Revoke “{name}”?", { name: one.name }), t("This will disconnect the API client immediately."), t("Revoke"));
  if (sure && await attempt(t("Revoking…"), t("Couldn't revoke token"), () => desk.client.admin_token_rm(one.name))) await desk.refresh();
}

async function changePassword(desk) {
  const first = field(t("New password"), el("input", { type: "password", autocomplete: "new-password" }), t("Use at least 8 characters. For example, 3 or 4 random words."));
  const second2 = field(t("Confirm new password"), el("input", { type: "password", autocomplete: "new-password" }));
  const ended = await fieldDialog(t("Change admin password"), t("Change password"), { password: first, again: second2 }, async () => {
    if (first.control.value !== second2.control.value) {
      second2.problem(t("Passwords don't match."));
      throw new Error(t("Your changes weren't saved."));
    }
    return desk.client.password_change(first.control.value);
  });
  if (ended === null) return;
  desk.say(many(ended, "Password changed. {n} other session ended.", "Password changed. {n} other sessions ended."));
  await desk.refresh();
}
var twoStep = async (desk) => {
  const title = t("Login");
  const lost = el("p", { class: "hint" }, t("If you lose all your devices, run this on the server: {command}", { command: "moxlite admin reset-second-factor" }));
  const password = card(t("Password"), el("p", { class: "two" }, t("Only used for this app. If you change the password, all other sessions will end.")), { actions: button(t("Change password…"), () => void changePassword(desk), { kind: "line small" }) });
  return { title, root: el("div", { class: "page" }, head(title, t("Login settings for you and your API clients.")), el("div", { class: "stack" }, password, await factorsCard(desk.client, false), lost, await tokens(desk))) };
};
var pages = { "two-step": twoStep, provider: providerPage };
async function access(desk, name) {
  const ways = { page: (after, count) => desk.client.account_access(0, after, count, name), remove: (id) => desk.client.account_remove_access(id, name), refresh: () => desk.refresh() };
  const hint = t("Everything that was set up, newest first, with when, by whom, and from where.");
  return waysCard(t("Who and what has access to this account"), hint, await firstWays(ways), ways);
}
export {
  access,
  pages
};
