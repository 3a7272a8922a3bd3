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
function placed(text2, elements) {
  return text2.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
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

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var send = "m14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11z M21.854 2.147l-10.94 10.939";
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
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem };
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
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row = el("div", { class: "flex wrap" }, submit);
  const root = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    root.ariaBusy = "true";
    complain("");
    try {
      const done = await save() !== false;
      if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
    } catch (failure) {
      complain(failure instanceof Error ? failure.message : String(failure));
    } finally {
      submit.disabled = false;
      root.ariaBusy = null;
      root.querySelector("[aria-invalid=true]")?.focus();
    }
  } }, content, error, row);
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row.className) {
      row.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
}
function differing(old, now) {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== old[name]));
}
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name, text: text2 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name} ${text2}`.trim());
    else places[best].problem(`${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}.`);
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
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
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
  const body = rows.map((row) => {
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

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
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
function microseconds(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
}

function cancelButton(run) {
  return el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: run }, t("Cancel")));
}

var protocols = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols[code] ?? code;
}

function hooks(desk, found) {
  const old = found.form;
  const out = old.outgoing_webhook;
  const into = old.incoming_webhook;
  const secret = (label, value, hint) => line(label, value, hint, { type: "password", autocomplete: "off" });
  const outURL = line(t("URL"), out.url, t("We'll POST JSON to this URL. Leave blank to turn off."), { inputmode: "url" });
  const outAuth = secret(t("Authorization"), out.authorization, t("Header value. For example, “Bearer …”."));
  const outKey = secret(t("Signing key"), out.secret, t("whsec_ and a Base64 key, as in Standard Webhooks. Leave blank to skip signing."));
  const events = found.events.map((name) => tick(name, out.events.length === 0 || out.events.includes(name)));
  const inURL = line(t("URL"), into.url, t("We'll POST JSON to this URL. Leave blank to turn off."), { inputmode: "url" });
  const inAuth = secret(t("Authorization"), into.authorization, "");
  const inKey = secret(t("Signing key"), into.secret, "");
  const ids = line(t("Logins with unique sender addresses"), old.from_id_login_addresses.join(" "), t("Messages from these logins get a unique sender address, so replies can be matched. Separate logins with spaces."));
  const keepMail = line(t("Show sent mail for"), old.keep_retired_message_period, t("For example, 7d or 12h. Use 0s to turn off."));
  const keepHooks = line(t("Show finished webhooks for"), old.keep_retired_webhook_period, t("For example, 7d or 12h. Use 0s to turn off."));
  const places = { "outgoing_webhook.url": outURL, "outgoing_webhook.authorization": outAuth, "outgoing_webhook.secret": outKey, "outgoing_webhook.events": events[0], "incoming_webhook.url": inURL, "incoming_webhook.authorization": inAuth, "incoming_webhook.secret": inKey, from_id_login_addresses: ids, keep_retired_message_period: keepMail, keep_retired_webhook_period: keepHooks };
  const chosen = () => found.events.filter((_, i) => events[i].control.checked);
  const outForm = () => ({ url: outURL.control.value.trim(), authorization: outAuth.control.value, events: chosen().length === found.events.length ? [] : chosen(), secret: outKey.control.value });
  const inForm = () => ({ url: inURL.control.value.trim(), authorization: inAuth.control.value, secret: inKey.control.value });
  const outTest = test(desk, () => ({ ...outForm() }), false, { url: outURL, authorization: outAuth });
  const inTest = test(desk, () => ({ ...inForm(), events: [] }), true, { url: inURL, authorization: inAuth });
  const save = form([el("h3", {}, t("Outgoing webhooks")), outURL.root, outAuth.root, outKey.root, el("fieldset", { class: "group" }, el("legend", {}, t("Events")), events.map((one) => one.root)), outTest, el("h3", {}, t("Incoming webhooks")), inURL.root, inAuth.root, inKey.root, inTest, el("h3", {}, t("Sent mail")), ids.root, keepMail.root, keepHooks.root], t("Save"), async () => {
    if (outURL.control.value.trim() !== "" && chosen().length === 0) {
      events[0].problem(t("Choose at least one event."));
      return;
    }
    const changed = { outgoing_webhook: outForm(), incoming_webhook: inForm(), from_id_login_addresses: ids.control.value.split(/\s+/).filter((word) => word !== ""), keep_retired_message_period: keepMail.control.value.trim(), keep_retired_webhook_period: keepHooks.control.value.trim() };
    try {
      await desk.client.sending_save(old, changed);
    } catch (error) {
      atFields(error, places);
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  });
  return card(t("Webhooks"), save.root, { hint: t("Notify your own apps when you send or receive mail.") });
}
function test(desk, hook, incoming, places) {
  const answer = el("div", { role: "status" });
  const run = async () => {
    fill(answer, notice("wait", t("Testing webhook…")));
    let found;
    try {
      found = await desk.client.webhook_test(hook(), incoming);
    } catch (error) {
      fill(answer);
      try {
        atFields(error, places);
      } catch (rest) {
        fill(answer, notice("danger", rest instanceof Error ? rest.message : String(rest)));
      }
      return;
    }
    const seconds = Math.round(found.seconds * 10) / 10;
    const words = found.status === 0 ? placed(t("{error} after {seconds} s", { seconds }), { error: foreign(found.error) }) : t("Status {code} after {seconds} s", { code: String(found.status), seconds });
    fill(answer, notice(found.error === "" ? "ok" : "danger", [words, found.response !== "" && el("pre", { class: "answer" }, foreign(found.response, 600))]));
  };
  return el("div", {}, button(t("Send test"), () => void run()), answer);
}

var keys = async (desk) => {
  const [all, sending, overview] = await Promise.all([desk.client.config_tlspubkey_list(), desk.client.sending(), desk.client.overview()]);
  const root = el("div", { class: "page" }, head(t("Keys and webhooks"), ""), keyList(desk, all, overview.login_address), commands(), hooks(desk, sending));
  return { title: t("Keys and webhooks"), root };
};
function lastUse({ last_used, last_protocol, last_ip }) {
  if (last_used === null || last_used === void 0) return t("not in the last 30 days");
  const how = [protocolName(last_protocol), last_ip].filter(Boolean).join(", ");
  return el("span", {}, when(microseconds(last_used)), el("span", { class: "hint" }, ` ${how}`));
}
function keyList(desk, all, address) {
  const add = button(t("Add certificate"), () => void addKey(desk, address), { icon: plus });
  if (all.length === 0) return card(t("Client certificates"), empty(keyRound, t("No client certificates"), t("Mail apps can log in with a client certificate instead of a password. To create one, run the commands below."), add), { flush: true });
  const rows = table(t("Client certificates"), [{ title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) }, { title: t("Type"), cell: (one) => el("span", { class: "whole" }, one.type) }, { title: t("Logs in as"), cell: (one) => foreign(one.login_address) }, { title: t("Fingerprint"), cell: (one) => el("code", {}, `${one.fingerprint.slice(0, 12)}…`) }, { title: t("Since"), cell: (one) => when(microseconds(one.created)) }, { title: t("Last used"), cell: (one) => lastUse(one) }, { title: "", kind: "num", cell: (one) => el("span", { class: "flex wrap" }, button(t("Change"), () => void changeKey(desk, one), { kind: "line small", name: t("Change {name}", { name: one.name }) }), button(t("Remove"), () => void removeKey(desk, one), { kind: "line small", name: t("Remove {name}", { name: one.name }) })) }], all);
  return card(t("Client certificates"), rows, { flush: true, actions: add });
}
var privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
async function addKey(desk, address) {
  let command = "";
  const load = async () => {
    command = (await desk.client.config_tlspubkey_challenge()).command;
  };
  if (!await attempt(t("Loading…"), t("Couldn't load details"), load)) return;
  const done = await dialog(t("Add certificate"), (close) => {
    const text2 = field(t("Certificate"), el("textarea", { rows: "6", spellcheck: "false", autofocus: true }), t("Paste the content of cert.pem, starting with -----BEGIN CERTIFICATE-----."));
    const file = field(t("Or choose a file"), el("input", { type: "file", accept: ".pem,.crt,.cer" }));
    file.control.addEventListener("change", async () => {
      const chosen = file.control.files?.[0];
      if (chosen !== void 0) text2.control.value = await chosen.slice(0, 1e5).text();
    });
    const name = line(t("Name"), "", t("Leave blank to use the name in the certificate."), { maxlength: "256" });
    const login = line(t("Logs in as"), address);
    const noPreauth = tick(t("Require IMAP apps to log in"), false, t("For apps without PREAUTH support."));
    const how = el("div", {}, t("To prove that the private key is yours, run this command where key.pem is, and paste its output below."), el("div", { class: "command" }, copyable(command)));
    const proof = field(t("Proof"), el("textarea", { rows: "4", spellcheck: "false" }), t("Leave blank if a mail app with this certificate has logged in to your account in the last day."));
    const fields = [text2.root, file.root, how, proof.root, name.root, login.root, noPreauth.root];
    const box = form(fields, t("Add"), async () => {
      const leaked = [text2, proof].find((one) => privateKey.test(one.control.value));
      if (leaked !== void 0) {
        leaked.problem(t("This contains a private key, so it wasn't sent. Don't share your private key."));
        return;
      }
      try {
        await desk.client.config_tlspubkey_add(login.control.value, text2.control.value, name.control.value, noPreauth.control.checked, proof.control.value);
      } catch (error) {
        atFields(error, { certificate: text2, proof, name, address: login });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}
async function changeKey(desk, old) {
  const done = await dialog(t("Edit certificate"), (close) => {
    const name = line(t("Name"), old.name, null, { maxlength: "256" });
    const login = line(t("Logs in as"), old.login_address);
    const command = tick(t("Require IMAP apps to log in"), old.no_imap_preauth);
    const box = form([name.root, login.root, command.root], t("Save"), async () => {
      try {
        await desk.client.config_tlspubkey_set(old.fingerprint, differing(old, { name: name.control.value, login_address: login.control.value, no_imap_preauth: command.control.checked }), old.mark);
      } catch (error) {
        atFields(error, { name, login_address: login });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}
async function removeKey(desk, one) {
  if (!await confirm(t("Remove “{name}”?", { name: one.name }), t("Apps with this certificate will no longer be able to log in."), t("Remove certificate"))) return;
  if (await attempt(t("Removing…"), t("Couldn't remove certificate"), () => desk.client.config_tlspubkey_rm(one.fingerprint))) await desk.refresh();
}
var make = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \\
  -keyout key.pem -out cert.pem -days 3650 -subj "/CN=my computer"`;
var pack = "openssl pkcs12 -export -inkey key.pem -in cert.pem -out key.p12 -name mail";
var packOld = `openssl pkcs12 -export -inkey key.pem -in cert.pem -out key.p12 -name mail \\
  -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1`;
function commands() {
  const shown = (title, text2) => [el("p", { class: "gap" }, title), el("div", { class: "command" }, copyable(text2))];
  return card(t("Create a certificate"), [shown(t("On your computer, create a private key and a certificate (P-256). Add cert.pem above. Don't share key.pem."), make), shown(t("To package both for a mail app:"), pack), el("details", { class: "gap" }, el("summary", {}, t("If you have an older Apple device")), shown(t("Use the older encryption:"), packOld)), el("p", { class: "hint gap" }, t("You can also use RSA with at least 2048 bits. Few apps support Ed25519. Dates and names in the certificate are ignored."))]);
}

var suppressed = async (desk) => {
  const title = t("Suppressed addresses");
  const hint = t("We won't send your mail to these addresses because they don't exist or because you added them.");
  const add = button(t("Add address"), () => void suppress(desk), { icon: plus });
  const found = await desk.client.queue_suppress_list();
  return { title, root: el("div", { class: "page" }, head(title, hint, add), list(desk, found)) };
};
function list(desk, found) {
  const rows = table(t("Suppressed addresses"), [{ title: t("Address"), kind: "main", cell: (one) => el("b", {}, foreign(one.address)) }, { title: t("Reason"), cell: (one) => one.reason === "" ? one.manual ? t("added manually") : "" : foreign(one.reason, 160) }, { title: t("Since"), cell: (one) => when(microseconds(one.created)) }, { title: t("Until"), cell: (one) => one.expires === "" ? el("span", { class: "whole" }, t("removed manually")) : when(microseconds(one.expires)) }, { title: "", kind: "num", cell: (one) => button(t("Remove"), async () => {
    if (await attempt(t("Removing…"), t("Couldn't remove address"), () => desk.client.queue_suppress_remove(one.address))) await desk.refresh();
  }, { kind: "line small", name: t("Remove {name}", { name: one.address }) }) }], found);
  return card("", found.length > 0 ? rows : empty(send, t("No suppressions"), ""), { flush: true });
}
async function suppress(desk) {
  const done = await dialog(t("Suppress an address"), (close) => {
    const address = line(t("Address"), "", null, { inputmode: "email", autofocus: "" });
    const reason = line(t("Reason"), "", t("Only you can see this. Optional."), { maxlength: "300" });
    const box = form([address.root, reason.root], t("Add"), async () => {
      await desk.client.queue_suppress_add(address.control.value, reason.control.value);
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}
var pages = { suppressed, keys };
export {
  pages
};
