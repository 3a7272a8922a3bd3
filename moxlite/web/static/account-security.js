var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text3, values = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text3, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text3) ?? text3, values);
}
function many(n, one, other, values = {}) {
  const text3 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text3, { ...values, n });
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

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
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
var shieldAlert = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z M12 8v4 M12 16h.01";
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
  const problem = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text3)]);
    control.setAttribute("aria-invalid", String(text3 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem };
}
function choice(label, values, chosen2, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen2 }, words)));
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
  const complain = (text3) => {
    error.hidden = text3 === "";
    fill(error, text3);
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
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name, text: text3 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name} ${text3}`.trim());
    else places[best].problem(`${text3[0]?.toUpperCase() ?? ""}${text3.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
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
    const box2 = el("dialog", { class: "dialog", "aria-label": title });
    const close = (value) => {
      box2.close();
      box2.remove();
      giveBack();
      resolve(value);
    };
    box2.append(el("h2", { class: "dialog-title" }, title), ...build(close));
    box2.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (dismissable) close(null);
    });
    box2.addEventListener("keydown", (event) => event.stopPropagation());
    setStatus("");
    document.body.append(box2);
    box2.showModal();
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
      const text3 = cell.textContent;
      cell.className += /\S{30}/.test(text3) ? " long" : /\S{25}/.test(text3) ? "" : " fit";
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
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text3) => fill(face, sign(path, "i s"), word !== "" && text3);
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
function foreign(value, most2 = 300) {
  const shown = visible(value);
  if (shown.length <= most2) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most2)}…`);
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
function notice(level, text3, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text3), actions);
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
function microseconds(text3) {
  return text3 === "" ? 0 : Date.parse(text3) * 1e3;
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
    const left2 = many(found.codes, "{n} recovery code left", "{n} recovery codes left");
    rows.push(row(list, few ? state("warn", left2) : left2, t("Use a code if you lose a device."), button(t("New codes"), () => void renew(), { kind: "text small" })));
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
  const text3 = t("After that, mail apps will need app passwords. Your own password will only work on these web pages.");
  if (found.programs.length === 0) return notice("unknown", text3);
  return el("div", { class: "stack" }, notice("warn", [text3, " ", t("These apps used your own password in the last 30 days and will stop working:")]), el("ul", { class: "factor-programs" }, found.programs.map((one) => el("li", {}, program(one)))));
}
var protocols = { imap: t("reading mail (IMAP)"), submission: t("sending mail (SMTP)"), smtp: t("sending mail (SMTP)"), webapi: t("web API"), dav: t("calendars and contacts") };
function program(one) {
  const text3 = t("{app}, {protocol}, from {ip}, {time}", { protocol: protocols[one.protocol] ?? one.protocol });
  return placed(text3, { app: one.program === "" ? el("span", {}, t("Unknown app")) : foreign(one.program, 80), ip: el("bdi", {}, one.remote_ip), time: when(one.last) });
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
function save(text3) {
  const url = URL.createObjectURL(new Blob([text3], { type: "text/plain" }));
  const link = el("a", { href: url, download: t("recovery codes for {host}.txt", { host: location.hostname }) });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 6e4);
}

var protocols2 = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols2[code] ?? code;
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
  const access = accessOf(one);
  return el("li", {}, before, el("span", { class: "grow" }, el("b", {}, kinds[one.kind]), facts.length > 0 && [" ", foreign(facts.join(", "), 160)], access !== "" && [" ", el("span", { class: "chip" }, foreign(access, 160))], el("span", { class: "hint" }, el("br"), one.set_up === null ? t("Set up at an unknown time") : when(microseconds(one.set_up)), [originOf(one)].filter(Boolean).map((origin) => [" · ", foreign(origin, 160)]))), last);
}
function wayName(one) {
  return [kinds[one.kind], ...factsOf(one)].join(", ").slice(0, 120);
}
function originOf(one) {
  const login = one.login === "" ? "" : t("app password or certificate “{name}”", { name: one.login });
  const actor = actors.get(one.actor) ?? one.actor;
  return [actor, /^(cli|file|server)$|admin/.test(one.via) ? "" : protocolName(one.via), login, one.remote_ip].filter(Boolean).join(", ");
}
function accessOf({ kind, access }) {
  if (kind === "folder" || kind === "calendar" || kind === "contacts") return permission(access);
  const all = access.split(", ").map((part) => parts.get(part) ?? protocolName(part));
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

var most = 1e3;
var week = 7 * 864e5;
var ended = /* @__PURE__ */ new Set(["session", "app_password", "token", "certificate", "device", "push"]);
async function notMe(desk) {
  const choice2 = await choose(desk);
  if (choice2 === null) return;
  const done = {};
  if (!await attempt(t("Logging out other sessions…"), t("Couldn't log out other sessions"), async () => done.found = await desk.client.not_me(choice2.since, [...choice2.keep]))) return;
  const found = done.found;
  await dialog(t("Logged out everywhere else"), (close) => [el("p", { class: "dialog-text" }, t("Here's your new password. You won't be able to see it again.")), el("p", { class: "secret" }, el("code", {}, found.password), copyButton(() => found.password)), el("p", { class: "dialog-text" }, [many(found.sessions, "{n} other browser was logged out.", "{n} other browsers were logged out."), many(found.app_passwords, "{n} app password revoked.", "{n} app passwords revoked."), found.queue ? many(found.held, "{n} outgoing message held.", "{n} outgoing messages held.") : t("The queue isn't available. Check your Outbox later.")].join(" ")), ...found.taken === null ? [] : [takenBack(found.taken)], left(found), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")))], false);
  await desk.refresh();
}
function choose(desk) {
  return dialog(t("Log out everywhere else?"), (close) => {
    const since = field(t("Remove everything set up since"), el("input", { type: "date" }), t("To keep something, clear its check box. Leave blank to keep all of it."));
    since.control.value = dayOf(Date.now() - week);
    const list2 = el("ul", { class: "lines small" });
    const kept = /* @__PURE__ */ new Map();
    const load = async () => {
      const start = startOf(since.control.value);
      const found = start === 0 ? [] : await desk.client.account_access(start, "", most);
      kept.clear();
      fill(list2, found.filter((one) => !one.current).map((one) => wayLine(one, null, box(one, kept))));
    };
    since.control.addEventListener("change", () => {
      void attempt(t("Loading…"), t("Couldn't load access"), load);
    });
    void attempt(t("Loading…"), t("Couldn't load access"), load);
    const text3 = t("You'll get a new password. Use it to log in again in your other browsers. You'll also need new app passwords for your devices and apps. Outgoing mail will be held until you release it.");
    const page3 = form([el("p", { class: "dialog-text" }, text3), since.root, list2], t("Log out"), async () => {
      const keep = [...kept].filter(([, control]) => !control.checked).map(([id]) => id);
      close({ since: startOf(since.control.value), keep });
    });
    const cancel = el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel"));
    return [page3.root, el("div", { class: "dialog-buttons" }, cancel)];
  });
}
function box(one, kept) {
  const control = el("input", { type: "checkbox", "aria-label": t("Remove {name}", { name: one.name || one.who }) });
  control.checked = true;
  control.disabled = ended.has(one.kind);
  if (!control.disabled) kept.set(one.id, control);
  return control;
}
function dayOf(milliseconds) {
  const day3 = new Date(milliseconds);
  return [day3.getFullYear(), day3.getMonth() + 1, day3.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}
function startOf(day3) {
  return day3 === "" ? 0 : (/* @__PURE__ */ new Date(`${day3}T00:00:00`)).getTime() * 1e3;
}
function takenBack({ ways, failed }) {
  const reasons = Object.entries(failed);
  return el("div", {}, ways.length > 0 && [notice("ok", t("Removed:")), el("ul", { class: "lines small" }, ways.map((one) => wayLine(one, null)))], reasons.length > 0 && [notice("warn", t("Couldn't remove everything. Try again on the Security page:")), el("ul", { class: "lines small" }, reasons.map(([id, reason]) => el("li", {}, el("b", {}, kindOf(id)), " ", foreign(reason))))]);
}
function kindOf(id) {
  return kinds[id.slice(0, id.indexOf(":"))];
}
function left(found) {
  if (found.left.length === 0) return el("p", { class: "dialog-text" }, t("No messages sent in the last day."));
  const box2 = el("ul", { class: "lines small" });
  fill(box2, found.left.map((one) => el("li", {}, el("span", { class: "grow" }, foreign(one.recipient)), el("span", { class: "muted" }, one.state, " ", when(microseconds(one.ended))))));
  return el("div", {}, notice("warn", many(found.left.length, "{n} message sent in the last day:", "{n} messages sent in the last day:")), box2);
}

var awayKey = "moxlite-provider";

function goAway(purpose, url, stay = false) {
  sessionStorage.setItem(awayKey, `${purpose} ${stay} ${location.hash}`);
  location.assign(url);
  return new Promise(() => {
  });
}
function answered(purpose) {
  const [kept, stay] = (sessionStorage.getItem(awayKey) ?? "").split(" ");
  const fields = new URLSearchParams(location.search);
  const state2 = fields.get("state");
  if (kept !== purpose || state2 === null) return null;
  sessionStorage.removeItem(awayKey);
  history.replaceState(null, "", location.pathname + location.hash);
  const [code = "", iss = "", error = ""] = ["code", "iss", "error"].map((name) => fields.get(name) ?? "");
  return { answer: { state: state2, code, iss, error }, stay: stay === "true" };
}

async function providerCard(desk) {
  const { client } = desk;
  const back = answered("connect");
  if (back !== null) {
    const { answer: answer2 } = back;
    if (await attempt(t("Connecting…"), t("Couldn't connect account"), () => client.provider_connected(answer2))) desk.say(t("Account connected"));
  }
  const found = await client.provider_state();
  return found.name === "" ? null : built2(desk, found);
}
function built2(desk, { name, people }) {
  const connect = () => attempt(t("Connecting…"), t("Couldn't connect account"), async () => goAway("connect", await desk.client.provider_connect()));
  const disconnect = async (subject) => {
    const text3 = t("You'll no longer be able to log in with {name}. You'll be logged out everywhere else.", { name });
    if (!await confirm(t("Disconnect this login?"), text3, t("Disconnect"))) return;
    const end2 = () => desk.client.provider_disconnect(subject);
    if (await attempt(t("Disconnecting…"), t("Couldn't disconnect login"), end2)) await desk.refresh();
  };
  const rows = people.length > 0 && table(name, [{ title: t("Login"), kind: "main", cell: (one) => foreign(one.subject) }, { title: t("Since"), cell: (one) => when(one.since) }, { title: "", kind: "num", cell: (one) => button(t("Disconnect"), () => void disconnect(one.subject), { kind: "line small" }) }], people);
  return card(name, [el("p", { class: "two" }, t("Connect your account to log in with {name}. Mail apps still need app passwords.", { name })), rows], { actions: button(t("Connect"), () => void connect(), { icon: plus }) });
}

var page2 = 20;
var day2 = 864e5;
var overHTTP = /* @__PURE__ */ new Set(["webapi", "dav", "jmap", "addresses", "sharing", "sieve"]);
var chosen = /* @__PURE__ */ new Set(["imap", "submission", "dav", "jmap"]);
function suits(scope, token) {
  return token ? overHTTP.has(scope) : scope !== "addresses";
}
var security = async (desk) => {
  const ways = { page: (after, count) => desk.client.account_access(0, after, count), remove: (id) => desk.client.account_remove_access(id), refresh: () => desk.refresh() };
  const [own, apps, sessions, keys, attempts, factors, provider, first] = await Promise.all([desk.client.password_state(), desk.client.account_app_password_list(), desk.client.session_list(), desk.client.config_tlspubkey_list(), desk.client.attempt_list("", page2), factorsCard(desk.client, true), providerCard(desk), firstWays(ways)]);
  const root = el("div", { class: "page" }, head(t("Security"), ""), password(desk, own, apps.length), factors, provider, logins(desk, sessions, apps, keys), attemptList(desk, attempts), waysCard(t("Who and what has access to my mail"), t("Everything that was set up, newest first, with when, by whom, and from where."), first, ways), card(t("See anything unfamiliar?"), [el("p", { class: "two" }, t("Log out your other browsers, revoke all app passwords, get a new password, hold outgoing mail, and review mail sent in the last day.")), el("p", { class: "two" }, t("You can also remove everything that was set up since a day you choose."))], { actions: button(t("This wasn't me"), () => void notMe(desk), { kind: "line danger", icon: shieldAlert }) }));
  return { title: t("Security"), root };
};
var pages = { security };
function password(desk, own, apps) {
  const changed = own.changed === null ? t("Not set yet.") : placed(t("Changed {time}."), { time: when(microseconds(own.changed)) });
  const said = own.app_passwords_required ? t("Only applies when you log in on the web. Mail apps need app passwords.") : t("Works on web pages and in mail apps.");
  return card(t("Password"), [el("p", { class: "two" }, changed, " ", said), !own.custom && el("p", { class: "hint" }, t("Your administrator requires a generated password for this account.")), el("div", { class: "flex wrap gap" }, own.custom && button(t("Change password"), () => void choosePassword(desk, apps), {}), button(t("Generate password"), () => void makePassword(desk, apps), {}))]);
}
function consequences(apps) {
  return apps === 0 ? t("All other browsers and mail apps will be logged out.") : many(apps, "Other browsers will be logged out. {n} app password will still work.", "Other browsers will be logged out. {n} app passwords will still work.");
}
async function choosePassword(desk, apps) {
  const done = await dialog(t("Change password"), (close) => {
    const first = field(t("New password"), el("input", { type: "password", autocomplete: "new-password", minlength: "8", autofocus: true }), t("Use at least 8 characters. For example, 3 or 4 random words."));
    const second2 = field(t("Confirm new password"), el("input", { type: "password", autocomplete: "new-password" }));
    const also = tick(t("Also revoke all app passwords"), false);
    const box2 = form([el("p", { class: "dialog-text" }, consequences(apps)), first.root, second2.root, apps > 0 && also.root], t("Change password"), async () => {
      if (first.control.value !== second2.control.value) {
        second2.problem(t("Passwords don't match."));
        return;
      }
      await desk.client.set_password(first.control.value);
      if (also.control.checked) await desk.client.app_password_remove_all();
      close(true);
    });
    return [box2.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  desk.say(t("Password changed"));
  await desk.refresh();
}
async function makePassword(desk, apps) {
  const text3 = apps === 0 ? t("Password updated. Other browsers and mail apps were logged out.") : t("You'll get a new password and be logged out in your other browsers. App passwords won't change.");
  if (!await confirm(t("Generate a new password?"), text3, t("Generate"))) return;
  let made2 = "";
  if (await attempt(t("Creating…"), t("Couldn't create password"), async () => made2 = await desk.client.generate_password())) {
    await showSecret(t("Your new password"), made2, t("Write this down now. You won't be able to see it again."), apps > 0 ? endAll(desk) : null);
    await desk.refresh();
  }
}
function endAll(desk) {
  return button(t("Also revoke all app passwords"), () => void attempt(t("Revoking…"), t("Couldn't revoke app passwords"), () => desk.client.app_password_remove_all().then((n) => desk.say(many(n, "{n} app password revoked", "{n} app passwords revoked")))), { kind: "line danger" });
}
async function showSecret(title, secret, text3, more = null) {
  await dialog(title, (close) => [el("p", { class: "dialog-text" }, text3), el("p", { class: "secret" }, el("code", {}, secret), copyButton(() => secret)), el("div", { class: "dialog-buttons" }, more, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")))], false);
}
function cancelButton(cancel) {
  return el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")));
}
function ofSession(desk, one) {
  const remove = async () => {
    if (await attempt(t("Logging out…"), t("Couldn't log out"), () => desk.client.session_remove(one.id))) await desk.refresh();
  };
  return { name: browserName(one.user_agent) || one.user_agent || t("unknown"), chips: [one.current ? t("this browser") : "", one.device ? t("stays logged in") : ""], kind: t("Browser"), access: protocolName(one.app), used: [one.last_used, one.remote_ip], expires: when(microseconds(one.expires)), remove: one.current ? null : () => void remove() };
}
function ofApp(desk, one) {
  const access = one.scopes.map((scope) => scopes.find(([name]) => name === scope)[1]).join(", ");
  const remove = () => end(desk, one.name, t("This will log the app out immediately."), t("Couldn't revoke app password"), () => desk.client.account_app_password_rm(one.name));
  return { name: one.name, chips: [], kind: one.token ? t("Token") : t("App password"), access: one.read_only ? t("{access}, read-only", { access }) : access, used: one.last_used === null ? null : [one.last_used, [protocolName(one.last_protocol), one.last_ip].filter(Boolean).join(", ")], expires: one.expires === null ? t("never") : one.expired ? state("off", t("expired")) : when(microseconds(one.expires)), remove: () => void remove(), edit: () => void allow(desk, one) };
}
async function allow(desk, one) {
  const done = await dialog(one.name, (close) => {
    const sharing = tick(t("change sharing"), one.scopes.includes("sharing"));
    const sieve = tick(t("change Sieve scripts"), one.scopes.includes("sieve"));
    const box2 = form([el("fieldset", { class: "group" }, el("legend", {}, t("Allow access to")), sharing.root, sieve.root, el("p", { class: "hint" }, t("Saving logs the app out. It can log in again immediately.")))], t("Save"), async () => {
      await desk.client.account_app_password_allow(one.name, sharing.control.checked, sieve.control.checked);
      close(true);
    });
    return [box2.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}
function ofKey(desk, one) {
  const remove = () => end(desk, one.name, t("Apps with this certificate will no longer be able to log in."), t("Couldn't remove certificate"), () => desk.client.config_tlspubkey_rm(one.fingerprint));
  return { name: one.name, chips: [], kind: t("Client certificate"), access: foreign(one.login_address), used: one.last_used === null || one.last_used === void 0 ? ["", t("not in the last 30 days")] : [one.last_used, [protocolName(one.last_protocol), one.last_ip].filter(Boolean).join(", ")], expires: t("never"), remove: () => void remove() };
}
async function end(desk, name, text3, failed, call) {
  if (!await confirm(t("Remove “{name}”?", { name }), text3, t("Remove"))) return;
  if (await attempt(t("Removing…"), failed, call)) await desk.refresh();
}
function logins(desk, sessions, apps, keys) {
  const all = [...sessions.map((one) => ofSession(desk, one)), ...apps.map((one) => ofApp(desk, one)), ...keys.map((one) => ofKey(desk, one))];
  const order = (one) => one.remove === null ? Infinity : microseconds(one.used?.[0] ?? "");
  all.sort((one, other) => order(one) > order(other) ? -1 : order(one) < order(other) ? 1 : 0);
  const rows = table(t("Devices and apps"), [{ title: t("Name"), kind: "main", cell: (one) => el("span", {}, el("b", {}, foreign(one.name, 90)), one.chips.filter((chip) => chip !== "").map((chip) => [" ", el("span", { class: "chip" }, chip)])) }, { title: t("Type"), cell: (one) => el("span", { class: "whole" }, one.kind) }, { title: t("Access"), cell: (one) => one.access }, { title: t("Last used"), cell: (one) => one.used === null ? t("never") : one.used[0] === "" ? one.used[1] : el("span", {}, when(microseconds(one.used[0])), el("span", { class: "hint" }, ` ${one.used[1]}`)) }, { title: t("Expires"), cell: (one) => one.expires }, { title: "", kind: "num", cell: (one) => [one.edit !== void 0 && button(t("Edit"), one.edit, { kind: "line small", name: t("Edit {name}", { name: one.name }) }), " ", one.remove !== null && button(t("Remove"), one.remove, { kind: "line small", name: t("Remove {name}", { name: one.name }) })] }], all);
  const others = button(t("Log out other sessions"), async () => {
    if (await attempt(t("Logging out…"), t("Couldn't log out"), () => desk.client.session_remove_others())) await desk.refresh();
  });
  const add = button(t("New app password"), () => void addApp2(desk), { icon: plus, kind: apps.length === 0 ? "primary" : "line" });
  return card(t("Devices and apps"), rows, { flush: true, actions: el("span", { class: "flex wrap" }, sessions.length > 1 && others, add), hint: t("Use a separate app password for each mail app.") });
}
async function addApp2(desk) {
  let made2 = "";
  let token = false;
  const done = await dialog(t("New app password"), (close) => {
    const name = line(t("Device or app name"), "", t("For example, “Phone” or “Thunderbird at home”."), { maxlength: "64", autofocus: "" });
    const kind = choice(t("Type"), [["", t("Password")], ["token", t("Token")]], "", t("Use a password with your email address. Choose a token only if the app requires one."));
    kind.control.addEventListener("change", () => {
      scopes.forEach(([scope], i) => {
        uses[i].root.hidden = !suits(scope, kind.control.value !== "");
      });
    });
    const uses = scopes.map(([scope, words]) => tick(words, chosen.has(scope)));
    scopes.forEach(([scope], i) => {
      uses[i].root.hidden = !suits(scope, false);
    });
    const only = tick(t("Read-only: can't change data or send mail"), false);
    const ends = choice(t("Expires"), [["", t("never")], ["7", t("in 7 days")], ["30", t("in 30 days")], ["90", t("in 90 days")], ["365", t("in 1 year")]], "");
    const purpose = { problem: (text3) => uses[0].problem(text3) };
    const box2 = form([name.root, kind.root, el("fieldset", { class: "group" }, el("legend", {}, t("Allow access to")), uses.map((one) => one.root)), only.root, ends.root], t("Create app password"), async () => {
      token = kind.control.value !== "";
      const wanted = scopes.filter(([scope], i) => uses[i].control.checked && suits(scope, token)).map(([scope]) => scope);
      const expires = ends.control.value === "" ? null : (Date.now() + Number(ends.control.value) * day2) * 1e3;
      try {
        made2 = await desk.client.account_app_password_add(name.control.value, [...wanted], only.control.checked, expires, token);
      } catch (error) {
        atFields(error, { name, scopes: purpose, expires: ends });
        return;
      }
      close(true);
    });
    return [box2.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  await showSecret(token ? t("Token") : t("App password"), made2, t("Enter this in your app now. You won't be able to see it again."));
  await desk.refresh();
}
function attemptList(desk, first) {
  const body = el("ul", { class: "lines" }, first.map(attemptLine));
  let last = first.at(-1);
  const more = button(t("Show older"), async () => {
    let found = [];
    if (!await attempt(t("Loading…"), t("Couldn't load logins"), async () => found = await desk.client.attempt_list(last.after, page2))) return;
    body.append(...found.map(attemptLine));
    last = found.at(-1) ?? last;
    more.hidden = found.length < page2;
  }, { kind: "text" });
  more.hidden = first.length < page2;
  return card(t("Logins in the last 30 days"), [body, el("p", { class: "more" }, more)], { flush: true });
}
var services = { smtp: "SMTP", addresses: t("password managers"), website: t("protected website") };
var outcomes = { baduser: t("rejected: unknown address"), badpassword: t("rejected: wrong password"), badcreds: t("rejected: wrong password"), badchanbind: t("rejected: connection doesn't match"), badprotocol: t("rejected: protocol error"), logindisabled: t("rejected: login disabled"), notpermitted: t("rejected: app password not allowed here"), factorneeded: t("waiting for the verification code"), badfactor: t("rejected: wrong verification code"), error: t("failed: server error"), aborted: t("canceled by the app") };
function outcome(one) {
  if (one.mechanism === "websession") return t("rejected: unknown session");
  if (one.result !== "ok") return outcomes[one.result] ?? one.result;
  if (one.app_password !== "") return t("logged in with the app password “{name}”", { name: one.app_password });
  return one.certificate ? t("logged in with a client certificate") : t("logged in");
}
function attemptLine(one) {
  const times = one.count > 1 ? many(one.count, "{n} time", "{n} times") : "";
  return el("li", {}, state(one.result === "ok" ? "ok" : "warn", ""), el("span", { class: "grow" }, foreign([services[one.protocol] ?? protocolName(one.protocol), one.remote_ip, outcome(one)].join(", ")), times !== "" && el("span", { class: "chip" }, times), one.user_agent !== "" && el("span", { class: "hint" }, el("br"), foreign(one.user_agent, 120))), el("span", { class: "muted" }, when(microseconds(one.last))));
}
export {
  pages
};
