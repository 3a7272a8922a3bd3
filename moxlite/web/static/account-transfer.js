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

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
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
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
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
function meter(share) {
  const bar = el("i", { class: share >= 0.9 ? "warn" : void 0 });
  bar.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
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
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

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
function called(one) {
  const label = one instanceof HTMLInputElement || one instanceof HTMLSelectElement || one instanceof HTMLTextAreaElement ? one.labels?.[0]?.textContent : null;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? label ?? one.textContent}`;
}
function holdPlace(root) {
  const before = document.activeElement;
  const folds = () => [...root.querySelectorAll("details")];
  const unfolded = folds().map(({ open }) => open);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name = called(before);
  const alike = () => [...root.querySelectorAll(before.tagName)].filter((one) => called(one) === name);
  const place = alike().indexOf(before);
  return () => {
    unfold();
    const found = alike();
    (found[place] ?? found.at(-1) ?? root.querySelector("h1"))?.focus({ preventScroll: true });
  };
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

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}
async function redraw(place, draw) {
  await released(place);
  const giveBack = holdPlace(place);
  draw();
  giveBack();
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
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
function duration(seconds) {
  if (seconds < 10) return t("a few seconds");
  if (seconds < 90) return t("{n} seconds", { n: Math.ceil(seconds / 10) * 10 });
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return many(minutes, "{n} minute", "{n} minutes");
  return many(Math.round(seconds / 360) / 10, "{n} hour", "{n} hours");
}

async function inWord(text2) {
  return text2.message === "" ? text2 : { ...text2, ...await told(text2) };
}

var period = 1e3;
var shownMailboxes = 500;
var security = [["implicit", t("TLS (port 993)")], ["starttls", t("STARTTLS (port 143)")], ["none", t("No encryption (port 143)")]];
var Copying = class {
  constructor(desk) {
    this.desk = desk;
    desk.onLeave(() => clearTimeout(this.timer));
  }
  desk;
  root = el("div", { class: "copying" });
  timer = 0;
  phase = "";
  leftOut = /* @__PURE__ */ new Set();
  async show() {
    clearTimeout(this.timer);
    const found = await inWords(await this.desk.client.copy_state());
    const keep = found.phase === this.phase && ["none", "looked", "paused", "done", "failed", "aborted"].includes(found.phase);
    if (!keep) await redraw(this.root, () => this.draw(found));
    if (this.phase !== found.phase && this.phase === "running") void this.desk.recount();
    this.phase = found.phase;
    if (found.phase === "looking" || found.phase === "running") this.timer = window.setTimeout(() => void this.again(), period);
  }
  async again() {
    if (!this.desk.shown()) return;
    try {
      await this.show();
    } catch {
      this.timer = window.setTimeout(() => void this.again(), period * 5);
    }
  }
  draw(found) {
    const title = t("From another mail server");
    switch (found.phase) {
      case "none":
        fill(this.root, card(title, this.ask(found), { hint: t("Copies folders and messages over IMAP, with dates and flags. Your mail there won't change. Copying again won't create duplicates.") }));
        return;
      case "looking":
        fill(this.root, card(title, [where(found), el("p", { role: "status" }, t("Loading folders…")), noted(found), this.buttons(found)]));
        return;
      case "looked":
        fill(this.root, card(title, [where(found), this.choose(found)]));
        return;
      case "running":
      case "paused":
        fill(this.root, card(title, [where(found), progress(found), noted(found), problems(found), this.buttons(found)]));
        return;
      default:
        fill(this.root, card(title, [where(found), result(found), problems(found), el("div", { class: "flex wrap gap" }, button(t("Close"), () => void this.act(() => this.desk.client.copy_dismiss())))]));
    }
  }
  ask(found) {
    const last = found.known[0];
    const hosts = el("datalist", { id: "copy-hosts" }, found.known.map((one) => el("option", { value: one.host })));
    const users = el("datalist", { id: "copy-users" }, found.known.map((one) => el("option", { value: one.user })));
    const host = line(t("Server"), last?.host ?? "", t("For example, imap.example.org"), { list: "copy-hosts", inputmode: "url", autocapitalize: "none" });
    const tls = choice(t("Encryption"), security.filter(([value]) => value !== "none" || found.insecure), "implicit");
    const port = line(t("Port"), "", t("Leave blank to use the default."), { inputmode: "numeric", maxlength: "5" });
    const user = line(t("Username"), last?.user ?? "", t("Usually your full email address."), { list: "copy-users", autocapitalize: "none" });
    const password = line(t("Password"), "", t("Kept in memory during the import and never saved. Some providers require an app password."), { type: "password", autocomplete: "off" });
    const prefix = line(t("Parent folder"), "", t("Leave blank to keep the same folder structure."));
    const since = line(t("Only messages since"), "", t("Leave blank to import all messages."), { type: "date" });
    const box = form([hosts, users, el("div", { class: "fields" }, host.root, tls.root, port.root, user.root, password.root, prefix.root, since.root)], t("Choose folders"), async () => {
      const number2 = port.control.value.trim() === "" ? 0 : Number(port.control.value);
      if (!Number.isInteger(number2) || number2 < 0 || number2 > 65535) {
        port.problem(t("Enter a port from 1 to 65535."));
        return;
      }
      try {
        await this.desk.client.copy_look({ host: host.control.value, port: number2, tls: tls.control.value, user: user.control.value, password: password.control.value, prefix: prefix.control.value, since: since.control.value === "" ? null : `${since.control.value}T00:00:00Z` });
      } catch (error) {
        atFields(error, { host, tls, port, user, password, prefix, since });
        return;
      }
      this.leftOut.clear();
      await this.show();
    });
    return box.root;
  }
  choose(found) {
    if (found.plan.length === 0) return el("div", {}, notice("ok", t("You already have all messages from this server.")), el("div", { class: "flex wrap gap" }, button(t("Close"), () => void this.act(() => this.desk.client.copy_abort().then(() => this.desk.client.copy_dismiss())))));
    const chosen = el("p", { class: "hint", role: "status" });
    const go = button(t("Import"), () => void this.act(() => this.desk.client.copy_go_on([...this.leftOut])), { kind: "primary" });
    const count = () => {
      const taken = found.plan.filter((one) => !this.leftOut.has(one.source));
      const fresh = taken.reduce((sum, one) => sum + one.new, 0);
      fill(chosen, t("{mailboxes}, {messages}", { mailboxes: many(taken.length, "{n} folder", "{n} folders"), messages: many(fresh, "{n} new message", "{n} new messages") }));
      go.disabled = taken.length === 0;
    };
    const rows = found.plan.slice(0, shownMailboxes).map((one) => this.row(one, count));
    const more = found.plan.length - rows.length;
    count();
    return el("div", { class: "gap" }, el("fieldset", { class: "group boxes" }, el("legend", {}, t("Copy these folders")), rows, more > 0 && el("p", { class: "hint" }, many(more, "and {n} more", "and {n} more"))), chosen, el("div", { class: "flex wrap gap" }, go, button(t("Cancel"), () => void this.act(() => this.desk.client.copy_abort()), { kind: "line" })));
  }
  row(one, changed) {
    const box = el("input", { type: "checkbox" });
    box.checked = !this.leftOut.has(one.source);
    box.addEventListener("change", () => {
      if (box.checked) this.leftOut.delete(one.source);
      else this.leftOut.add(one.source);
      changed();
    });
    const renamed = one.source !== one.target && !(one.source.toUpperCase() === "INBOX" && one.target === "Inbox");
    return el("label", { class: "check" }, box, el("span", { class: "grow" }, foreign(one.source), renamed && el("span", { class: "hint" }, " → ", foreign(one.target))), el("span", { class: "hint" }, one.new === one.messages ? many(one.messages, "{n} message", "{n} messages") : t("{new} of {all} new", { new: one.new.toLocaleString(locale()), all: one.messages.toLocaleString(locale()) })));
  }
  buttons(found) {
    const client = this.desk.client;
    return el("div", { class: "flex wrap gap" }, found.phase === "running" && button(t("Pause"), () => void this.act(() => client.copy_pause())), found.phase === "paused" && button(t("Continue"), () => void this.act(() => client.copy_go_on(null)), { kind: "primary" }), button(t("Stop import"), () => void this.end(), { kind: "line danger" }));
  }
  async end() {
    if (await confirm(t("Stop this import?"), t("You'll keep the copied messages. You can start another import later to continue."), t("Stop import"))) await this.act(() => this.desk.client.copy_abort());
  }
  async act(work) {
    await attempt(t("Updating…"), t("Couldn't update import"), work);
    await this.show();
  }
};
async function inWords(found) {
  const [note, error, ...problems2] = await Promise.all([found.note, found.error, ...found.problems].map(inWord));
  return { ...found, note, error, problems: problems2 };
}
function where(found) {
  return el("p", { class: "gap" }, el("b", {}, foreign(found.user)), " ", t("at"), " ", el("b", {}, foreign(found.host)));
}
function progress(found) {
  const share = found.all > 0 && found.left >= 0 ? 1 - found.left / found.all : 0;
  const rest = found.seconds > 0 && found.phase === "running" ? t("about {time} left", { time: duration(found.seconds) }) : "";
  const place = found.mailbox === "" ? null : placed(many(found.total, "{mailbox}: {done} of {n} message", "{mailbox}: {done} of {n} messages", { done: found.done }), { mailbox: foreign(mailboxName(found.mailbox)) });
  return el("div", { class: "gap" }, meter(share), el("p", { class: "hint", role: "status" }, found.phase === "paused" ? t("Paused. If you don't continue within a day, the import will end.") : [`${Math.floor(share * 100)} %`, rest].filter((one) => one !== "").join(" · ")), found.phase === "running" && place !== null && el("p", {}, place), found.messages > 0 && el("p", {}, many(found.messages, "{n} message copied", "{n} messages copied")));
}
function noted(found) {
  return found.note.message === "" ? null : notice("warn", foreign(found.note.message));
}
function result(found) {
  const copied = many(found.messages, "{n} message copied", "{n} messages copied");
  const flags = many(found.flags, "Flags changed on {n} more message.", "Flags changed on {n} more messages.");
  if (found.phase === "done") return notice("ok", [t("Import finished. {copied}.", { copied }), found.flags > 0 && ` ${flags}`]);
  if (found.phase === "aborted") return notice("off", t("Import stopped. {copied}.", { copied }));
  return notice("danger", [foreign(found.error.message), found.messages > 0 && el("span", {}, ` ${copied}.`)]);
}
function problems(found) {
  if (found.problems.length === 0) return null;
  const more = found.problem_count - found.problems.length;
  return el("details", { class: "problems" }, el("summary", {}, many(Math.max(found.problem_count, found.problems.length), "{n} problem (view skipped items)", "{n} problems (view skipped items)")), el("ul", {}, found.problems.map(({ message }) => el("li", {}, foreign(message))), more > 0 && el("li", {}, t("and {n} more", { n: more }))));
}

var period2 = 1e3;
var CalendarCopies = class {
  constructor(desk) {
    this.desk = desk;
    desk.onLeave(() => clearTimeout(this.timer));
  }
  desk;
  root = el("div", { class: "copying" });
  timer = 0;
  phase = "";
  async show() {
    clearTimeout(this.timer);
    const found = await this.desk.client.calendar_copy_state();
    if (found.phase === "running" || found.phase !== this.phase) {
      const texts = [found.error, ...found.problems].filter(({ message }) => message !== "");
      const [error = "", ...problems2] = await Promise.all(texts.map(async (one) => (await told(one)).message));
      const failed = found.error.message !== "";
      await redraw(this.root, () => this.draw(found, failed ? error : "", failed ? problems2 : [error, ...problems2].filter((one) => one !== "")));
    }
    this.phase = found.phase;
    if (found.phase === "running") this.timer = window.setTimeout(() => void this.again(), period2);
  }
  async again() {
    if (!this.desk.shown()) return;
    try {
      await this.show();
    } catch {
      this.timer = window.setTimeout(() => void this.again(), period2 * 5);
    }
  }
  draw(found, error, problems2) {
    const title = t("Calendars and contacts from another server");
    if (found.phase === "none") {
      const hint = t("Copies data over CalDAV and CardDAV. Your data there won't change, and guests won't be notified. Copying again won't create duplicates.");
      fill(this.root, card(title, this.ask(), { hint }));
      return;
    }
    const counted = [many(found.added, "{n} entry copied", "{n} entries copied"), found.known > 0 && many(found.known, "{n} already here", "{n} already here"), found.unread > 0 && many(found.unread, "couldn't read {n}", "couldn't read {n}")].filter(Boolean).join(", ");
    const running = found.phase === "running";
    fill(this.root, card(title, [where(found), running && el("div", { class: "gap" }, meter(found.of > 0 ? found.at / found.of : 0), el("p", { class: "hint", role: "status" }, found.place === "" ? t("Finding calendars and address books…") : placed(many(found.of, "{place}: {done} of {n} entry", "{place}: {done} of {n} entries", { done: found.at }), { place: foreign(found.place) })), el("p", {}, counted)), found.phase === "done" && notice("ok", `${t("Done")}: ${counted}.`), found.phase === "aborted" && notice("off", t("Copy canceled. {counted}.", { counted })), found.phase === "failed" && notice("danger", [foreign(error), found.added > 0 && el("span", {}, ` ${counted}.`)]), problems2.length > 0 && el("details", { class: "problems" }, el("summary", {}, t("Skipped items")), el("ul", {}, problems2.map((one) => el("li", {}, foreign(one))))), el("div", { class: "flex wrap gap" }, running ? button(t("Stop"), () => void this.act(() => this.desk.client.calendar_copy_abort())) : button(t("Close"), () => void this.act(() => this.desk.client.calendar_copy_dismiss())))]));
  }
  ask() {
    const url = line(t("Server address"), "", t("For example, dav.example.com. See your provider's help."), { inputmode: "url", autocapitalize: "none" });
    const user = line(t("Username"), "", t("Usually your full email address."), { autocapitalize: "none" });
    const password = line(t("Password"), "", t("Never saved. Many providers require an app password."), { type: "password", autocomplete: "off" });
    return form([el("div", { class: "fields" }, url.root, user.root, password.root)], t("Copy"), async () => {
      try {
        await this.desk.client.calendar_copy(url.control.value, user.control.value, password.control.value);
      } catch (error) {
        atFields(error, { url, user, password });
        return;
      }
      await this.show();
    }).root;
  }
  async act(work) {
    await attempt(t("Updating…"), t("Couldn't update import"), work);
    await this.show();
  }
};

var Exporting = class {
  constructor(client, base2) {
    this.client = client;
    this.archive.append(this.none);
    this.form = el("form", { class: "form", data: { fleeting: "" }, method: "post", action: `${base2}export`, onsubmit: (event) => {
      event.preventDefault();
      void this.download();
    } }, this.csrf, el("div", { class: "fields" }, el("label", { class: "field" }, t("Folder"), this.mailbox), el("label", { class: "field" }, t("File"), this.archive)), el("label", { class: "check" }, this.recursive, t("Include subfolders")), el("fieldset", { class: "group" }, el("legend", {}, t("Format")), el("label", { class: "check" }, this.mbox, el("span", {}, t("mbox: one file per folder, for most mail apps"))), el("label", { class: "check" }, this.maildir, el("span", {}, t("Maildir: one directory per folder, one file per message")))), this.what, el("div", { class: "flex wrap" }, el("button", { class: "btn primary", type: "submit" }, t("Download"))));
    fill(this.root, el("h2", { id: "export-title" }, t("Export")), el("p", { class: "hint" }, t("Messages are exported unchanged, with their flags, keywords, and received times. Mail you receive during the download won't be included.")), this.form, this.names);
  }
  client;
  root = el("section", { class: "card", "aria-labelledby": "export-title" });
  csrf = el("input", { type: "hidden", name: "csrf" });
  mailbox = el("select", { name: "mailbox", onchange: () => this.adapt() });
  names = el("datalist", { id: "mailbox-names" });
  recursive = el("input", { type: "checkbox", name: "recursive", value: "1", checked: true, onchange: () => this.adapt() });
  mbox = el("input", { type: "radio", name: "format", value: "mbox", checked: true, onchange: () => this.adapt() });
  maildir = el("input", { type: "radio", name: "format", value: "maildir", onchange: () => this.adapt() });
  archive = el("select", { name: "archive" }, el("option", { value: "zip" }, t("zip archive")), el("option", { value: "tgz" }, t("tar.gz archive")), el("option", { value: "tar" }, t("tar archive, not compressed")));
  none = el("option", { value: "none" }, t("single mbox file, no archive"));
  what = el("p", { class: "hint" });
  form;
  mailboxes = [];
  async show() {
    this.mailboxes = await this.client.mailboxes();
    const chosen = this.mailbox.value;
    fill(this.mailbox, el("option", { value: "" }, t("All folders")), this.mailboxes.map((mailbox) => el("option", { value: mailbox.name }, visible(mailboxName(mailbox.name)))));
    this.mailbox.value = this.mailboxes.some((mailbox) => mailbox.name === chosen) ? chosen : "";
    fill(this.names, this.mailboxes.map((mailbox) => el("option", { value: mailbox.name })));
    this.adapt();
  }
  adapt() {
    const name = this.mailbox.value;
    const below = this.mailboxes.filter((mailbox) => mailbox.name.startsWith(`${name}/`));
    this.recursive.disabled = name === "" || below.length === 0;
    const whole = name === "" ? this.mailboxes : this.mailboxes.filter((mailbox) => mailbox.name === name).concat(this.recursive.checked ? below : []);
    this.none.disabled = !this.mbox.checked || name === "" || whole.length !== 1;
    if (this.none.disabled && this.archive.value === "none") this.archive.value = "zip";
    const messages = whole.reduce((sum, mailbox) => sum + mailbox.total, 0);
    const octets = whole.reduce((sum, mailbox) => sum + mailbox.size, 0);
    fill(this.what, `${many(messages, "{n} message", "{n} messages")}, ${size(octets)}`);
  }
  async download() {
    const chosen = this.mailbox.value;
    try {
      await this.client.export_prep();
      await this.show();
    } catch (error) {
      await showError(t("Couldn't start export"), error);
      return;
    }
    if (this.mailbox.value !== chosen) {
      await showError(t("Couldn't start export"), t("This folder no longer exists."));
      return;
    }
    this.csrf.value = this.client.csrfToken;
    this.form.submit();
  }
};

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var week = 7 * 864e5;

var UploadAborted = class extends Error {
};
var silentAfter = 3e4;
var staleAfter = 3e3;
var [first, largest, quick] = [1 << 20, 8 << 20, 4e3];
function sent(request, url, body, type, client, progress2) {
  return new Promise((resolve, reject) => {
    const fail = (code, text2) => reject(new CallFailed("upload", code, text2));
    let [heard, timer] = [0, 0];
    const hear = () => {
      heard = Date.now();
      clearTimeout(timer);
      timer = window.setTimeout(lost, silentAfter);
    };
    const lost = () => {
      fail("", t("upload interrupted"));
      request.abort();
    };
    const connected = () => {
      if (Date.now() - heard > staleAfter) lost();
    };
    request.open("POST", url);
    request.setRequestHeader("x-moxlite-csrf", client.csrfToken);
    if (type !== null) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => {
      hear();
      progress2(event.loaded, event.total);
    };
    request.onload = () => {
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        const { status } = request;
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === void 0) resolve(answer);
      else void told(answer.error).then(({ code, message }) => fail(code, message));
    };
    request.onerror = () => fail("", t("upload interrupted"));
    request.onabort = () => reject(new UploadAborted());
    request.onloadend = () => {
      clearTimeout(timer);
      removeEventListener("connected", connected);
    };
    addEventListener("connected", connected);
    hear();
    request.send(body);
  });
}
async function loggedIn(error, client) {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}
var FormUpload = class {
  request = new XMLHttpRequest();
  complete = false;
  async send(url, form2, client, progress2) {
    for (; ; ) {
      try {
        const { token } = await sent(this.request, url, form2, null, client, (octets, size2) => {
          this.complete = octets === size2;
          progress2(octets, size2);
        });
        if (token === void 0) throw new CallFailed("upload", "", t("Unexpected response from the server. Try again."));
        return token;
      } catch (error) {
        if (!await loggedIn(error, client)) throw error;
        this.request = new XMLHttpRequest();
      }
    }
  }
  abort() {
    this.request.abort();
  }
};

var importEventCheck = ["union", { step: "ImportStep", count: "ImportCount", problem: "ImportProblem", note: "ImportNote", asked: "ImportAsked", progress: "ImportProgress", share: "ImportShare", done: "ImportDone", aborted: "ImportAborted" }];
var once2 = "provider_connected provider_disconnect totp_begin totp_finish key_finish factor_remove recovery_codes_new sort_move link_add copy_look copy_go_on copy_pause copy_abort copy_dismiss calendar_copy calendar_copy_abort calendar_copy_dismiss device_start device_answer junk_teach junk_retrain sending_save webhook_test settings_save set_password generate_password app_password_remove_all session_remove session_remove_others not_me template_save template_remove notices_remove notices_test import_abort account_sieve_put account_sieve_activate account_sieve_rename account_sieve_rm account_vacation_set account_rule_set account_forward_set account_forward_ask account_forward_start account_junk_set account_junk_mark_inbox account_junk_unmark_inbox address_add address_set address_on address_off address_rm account_app_password_add account_app_password_allow account_app_password_rm account_share_set account_delegate_set account_delegate_rm account_remove_access account_take_back config_tlspubkey_add config_tlspubkey_set config_tlspubkey_rm link_set_password link_set_sending link_set_sorting link_pause link_resume link_rename link_rm queue_suppress_add queue_suppress_remove".split(" ");

var [first2, longest] = [2e3, 6e4];
var Backoff = class {
  constructor(random = Math.random) {
    this.random = random;
  }
  random;
  bound = first2;
  next() {
    const wait = this.bound * (0.5 + this.random() / 2);
    this.bound = Math.min(longest, 2 * this.bound);
    return wait;
  }
  reset() {
    this.bound = first2;
  }
};

var Follower = class {
  constructor(client, base2, token, owner) {
    this.client = client;
    this.base = base2;
    this.token = token;
    this.owner = owner;
    this.connect();
  }
  client;
  base;
  token;
  owner;
  source = null;
  timer = 0;
  backoff = new Backoff();
  stop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
  connect() {
    const source = new EventSource(`${this.base}importprogress?token=${encodeURIComponent(this.token)}`);
    this.source = source;
    source.onopen = () => {
      this.backoff.reset();
      this.owner.begins();
    };
    for (const kind of Object.keys(importEventCheck[1])) source.addEventListener(kind, (event) => this.take(event.data));
    source.onerror = () => {
      source.close();
      this.owner.waiting();
      this.later();
    };
  }
  async again() {
    try {
      const state = await this.client.import_state();
      if (this.source === null) return;
      if (state.token === this.token) this.connect();
      else this.owner.lost();
    } catch (error) {
      if (codeOf(error) !== "") throw error;
      this.later();
    }
  }
  later() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.again(), this.backoff.next());
  }
  take(data) {
    const event = JSON.parse(data);
    this.client.verify(importEventCheck, event, "event");
    const known = event;
    if (known.kind === "done" || known.kind === "aborted") this.stop();
    this.owner.event(known);
  }
};

function meanings() {
  return [["mailbox", t("Folder with this name")], ["inbox", t("Inbox")], ["sent", t("Sent")], ["drafts", t("Drafts")], ["trash", t("Trash")], ["junk", t("Junk")], ["archive", t("Archived")], ["unread", t("Unread")], ["opened", t("Opened")], ["starred", t("Flagged")], ["important", t("Important")], ["ignored", t("Skip")]];
}
var isMailbox = (meaning) => meaning === "mailbox";
var LabelQuestion = class {
  constructor(start) {
    this.start = start;
  }
  start;
  root = el("section", { class: "form", hidden: true, "aria-labelledby": "labels-title" });
  choices = /* @__PURE__ */ new Map();
  ask(labels) {
    this.choices.clear();
    const rows = labels.map((label) => {
      const choice2 = el("select", { "aria-label": t("Meaning of {label}", { label: label.name }) }, meanings().map(([value, words]) => el("option", { value }, words)));
      choice2.value = label.meaning;
      this.choices.set(label, choice2);
      return el("tr", {}, el("th", { scope: "row" }, label.name), ...[label.messages, label.own, label.delivered].map((n) => el("td", {}, n.toLocaleString(locale()))), el("td", {}, choice2));
    });
    fill(this.root, el("h3", { id: "labels-title" }, t("Match Gmail labels")), el("p", { class: "hint" }, t("We couldn't detect the language of these Gmail labels, so we guessed their meanings. Change any that are wrong.")), el("div", { class: "counts" }, el("table", {}, el("thead", {}, el("tr", {}, [t("Label"), t("Messages"), t("Sent by you"), t("Received"), t("Meaning")].map((words) => el("th", { scope: "col" }, words)))), el("tbody", {}, rows))), el("div", { class: "flex wrap" }, el("button", { class: "btn primary", onclick: () => this.start() }, t("Import"))));
    this.root.hidden = false;
  }
  get answers() {
    const said = [...this.choices].filter(([label, choice2]) => ![label.meaning, choice2.value].every(isMailbox));
    return said.length > 0 ? JSON.stringify(Object.fromEntries(said.map(([label, choice2]) => [label.name, choice2.value]))) : "";
  }
  clear() {
    this.choices.clear();
    fill(this.root);
    this.root.hidden = true;
  }
};

var keptKey = `moxlite-account${number}-import`;
var shownMailboxes2 = 200;
var lostText = t("Couldn't get the import status. Your import may have finished, or a server restart may have undone it. To find out, check your folders.");
var Importing = class {
  constructor(client, base2, changed) {
    this.client = client;
    this.base = base2;
    this.changed = changed;
    const drop = el("div", { class: "drop" }, el("label", { class: "drop-text", for: "import-file" }, t("Choose a file or drag it here")), this.fileName, el("span", { class: "hint", id: "import-kinds" }, t("ZIP, tar.gz, or tar archive with mbox, Maildir, or .eml files, such as from Google Takeout or Thunderbird. You can also use a single mbox or .eml file.")), this.file);
    this.file.addEventListener("change", () => this.chosen());
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer !== null && event.dataTransfer.files.length > 0) {
        this.file.files = event.dataTransfer.files;
        this.chosen();
      }
    });
    this.form = el("form", { class: "form", data: { fleeting: "" }, onsubmit: (event) => {
      event.preventDefault();
      void this.begin();
    } }, drop, el("div", { class: "fields" }, el("label", { class: "field" }, t("Import into folder"), this.mailbox), el("label", { class: "field" }, t("Remove folder name prefix"), this.prefix)), el("label", { class: "check" }, this.skip, t("Skip messages already in the folder")), el("label", { class: "check" }, this.trial, t("Dry run: count messages and find problems without importing")), el("div", { class: "flex wrap" }, this.submit));
    this.running = el("div", { class: "running", hidden: true }, this.runningTitle, this.doing, this.bar, this.figures, this.result, this.counts, this.problems, this.notes, el("div", { class: "flex wrap" }, this.cancel, this.another));
    fill(this.root, el("h2", { id: "import-title" }, t("Import")), el("p", { class: "hint" }, t("If something goes wrong, nothing will be imported. You can keep using your mail during the import, and close this page once the upload finishes.")), this.form, this.running, this.labels.root);
    addEventListener("beforeunload", (event) => {
      if (this.upload !== null) event.preventDefault();
    });
    this.chosen();
  }
  client;
  base;
  changed;
  root = el("section", { class: "card", "aria-labelledby": "import-title" });
  file = el("input", { type: "file", class: "drop-input", id: "import-file", "aria-describedby": "import-kinds", accept: ".zip,.tgz,.gz,.tar,.mbox,.mbx,.eml,application/mbox,message/rfc822" });
  fileName = el("span", { class: "drop-name" });
  mailbox = el("input", { autocomplete: "off", spellcheck: "false", list: "mailbox-names", placeholder: t("Same folder as in the file, or Inbox") });
  prefix = el("input", { autocomplete: "off", spellcheck: "false", placeholder: t("For example, “[Gmail]” or “Old/Mail”") });
  skip = el("input", { type: "checkbox" });
  trial = el("input", { type: "checkbox" });
  submit = el("button", { class: "btn primary", type: "submit" }, t("Import"));
  form;
  bar = el("progress", { class: "bar", max: 1, "aria-label": t("Progress") });
  doing = el("p", { class: "doing", role: "status" });
  figures = el("p", { class: "figures" });
  counts = el("div", { class: "counts" });
  problems = el("details", { class: "problems" });
  notes = el("div", { class: "hint" });
  cancel = el("button", { onclick: () => void this.askCancel() }, t("Cancel"));
  another = el("button", { class: "btn primary", onclick: () => this.dismiss() }, t("Import another file"));
  result = el("p", { class: "result", role: "alert" });
  labels = new LabelQuestion(() => this.answered());
  labelled = "";
  running;
  runningTitle = el("h3");
  upload = null;
  follower = null;
  kept = null;
  step = "";
  found = /* @__PURE__ */ new Map();
  texts = [];
  noted = [];
  drawing = 0;
  async show() {
    if (this.upload !== null || this.follower !== null) return;
    this.kept = readKept();
    const state = await this.client.import_state();
    const kept = this.kept;
    if (kept !== null && !kept.dismissed) {
      this.open(kept.name);
      if (kept.end !== void 0 && state.token !== kept.token) this.end(kept.end);
      else this.follow(kept);
    } else if (state.token !== "" && state.token !== kept?.token) {
      this.open("");
      this.follow({ token: state.token, name: "" });
    }
  }
  chosen() {
    const file = this.file.files?.[0];
    fill(this.fileName, file === void 0 ? "" : `${file.name} · ${size(file.size)}`);
    this.fileName.hidden = file === void 0;
    this.submit.disabled = file === void 0;
    if (file !== void 0 && file.name !== this.labelled) this.labels.clear();
  }
  answered() {
    const again = this.file.files?.length === 1;
    if (!this.running.hidden) this.dismiss(again);
    this.trial.checked = false;
    if (this.file.files?.length === 1) void this.begin();
    else this.file.focus();
  }
  async begin() {
    const file = this.file.files?.[0];
    if (file === void 0) return;
    this.submit.disabled = true;
    try {
      await this.client.import_check(file.size);
    } catch (error) {
      await showError(t("Couldn't import file"), error);
      return;
    } finally {
      this.submit.disabled = false;
    }
    const form2 = new FormData();
    if (this.mailbox.value.trim() !== "") form2.set("mailbox", this.mailbox.value.trim());
    if (this.prefix.value.trim() !== "") form2.set("skip_mailbox_prefix", this.prefix.value.trim());
    if (this.skip.checked) form2.set("skip_duplicates", "1");
    if (this.trial.checked) form2.set("dry_run", "1");
    if (this.labels.answers !== "") form2.set("labels", this.labels.answers);
    form2.set("file", file);
    this.open(file.name);
    const upload = new FormUpload();
    this.upload = upload;
    fill(this.doing, t("Uploading file…"));
    const began = Date.now();
    try {
      const token = await upload.send(`${this.base}import`, form2, this.client, (sent2, whole) => {
        const seconds = (Date.now() - began) / 1e3;
        this.draw(sent2, whole, seconds > 2 && sent2 > 0 ? seconds * (whole - sent2) / sent2 : null);
      });
      this.upload = null;
      this.follow({ token, name: file.name });
    } catch (error) {
      this.upload = null;
      this.close();
      if (error instanceof UploadAborted) return;
      const reason = await this.reason(error, file.size);
      if (upload.complete && codeOf(reason) === "user:conflict") {
        await this.show();
        return;
      }
      const words = codeOf(reason) === "" && upload.complete ? t("Can't reach the server, and we don't know whether this was done. Check before you try again.") : messageOf(reason);
      if (await confirm(t("Couldn't import file"), words, t("Try again"), "primary")) await this.begin();
    }
  }
  async reason(error, octets) {
    if (codeOf(error) !== "") return error;
    try {
      await this.client.import_check(octets);
      return error;
    } catch (reason) {
      return (codeOf(reason) ?? "") !== "" ? reason : error;
    }
  }
  follow(kept) {
    this.keep(kept);
    this.follower = new Follower(this.client, this.base, kept.token, { begins: () => {
      this.clear();
    }, event: (event) => this.take(event), waiting: () => fill(this.doing, t("Connection lost. The import is still running. Reconnecting…")), lost: () => {
      this.follower?.stop();
      this.end(this.kept?.end ?? { kind: "aborted", message: lostText });
    } });
  }
  take(event) {
    switch (event.kind) {
      case "step":
        this.step = event.title;
        fill(this.doing, event.title === "finishing" ? t("Filing messages…") : t("Reading file…"));
        if (event.title === "finishing") this.bar.removeAttribute("value");
        fill(this.figures);
        return;
      case "share":
        this.drawShare(event.percent);
        return;
      case "count":
        this.found.set(event.mailbox, event.count);
        this.later();
        return;
      case "problem":
        this.texts.push(event.message);
        this.later();
        return;
      case "note":
        this.noted.push(event.message);
        this.later();
        return;
      case "asked":
        this.labelled = this.kept?.name ?? "";
        this.labels.ask(event.labels);
        return;
      case "progress":
        if (this.step !== "finishing") this.progress(event);
        return;
      case "done":
      case "aborted":
        this.end(event);
        if (event.kind === "done" && !event.dry_run) {
          this.labels.clear();
          this.changed();
        }
    }
  }
  progress(event) {
    this.draw(event.octets, event.size, event.seconds_left);
  }
  draw(octets, whole, left) {
    const rest = left === null ? "" : ` · ${t("about {time} left", { time: duration(left) })}`;
    const part = ` · ${t("{part} of {whole}", { part: size(octets), whole: size(whole) })}${rest}`;
    this.drawShare(whole > 0 ? 100 * octets / whole : 0, whole > 1 ? part : "");
  }
  drawShare(percent, more = "") {
    this.bar.value = percent / 100;
    const text2 = `${Math.floor(percent)} %`;
    fill(this.figures, `${text2}${more}`);
    document.title = `${text2} · ${t("Import")} · moxlite`;
  }
  later() {
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.drawFound(this.texts.length);
    });
  }
  drawFound(problems2) {
    const rows = [...this.found].slice(0, shownMailboxes2);
    const more = this.found.size - rows.length;
    const total = [...this.found.values()].reduce((sum, number2) => sum + number2, 0);
    fill(this.counts, rows.length > 0 && el("table", {}, el("caption", {}, t("{messages} in {mailboxes}", { messages: many(total, "{n} message", "{n} messages"), mailboxes: many(this.found.size, "{n} folder", "{n} folders") })), el("tbody", {}, rows.map(([name, number2]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, number2.toLocaleString(locale()))))), more > 0 && el("tfoot", {}, el("tr", {}, el("td", { colspan: 2 }, many(more, "and {n} more folder", "and {n} more folders"))))));
    fill(this.notes, this.noted.map((text2) => el("p", {}, foreign(text2))));
    this.problems.hidden = this.texts.length === 0;
    const hidden = problems2 - this.texts.length;
    fill(this.problems, el("summary", {}, many(problems2, "{n} problem (view skipped items)", "{n} problems (view skipped items)")), el("ul", {}, this.texts.map((text2) => el("li", {}, text2)), hidden > 0 && el("li", {}, t("and {n} more", { n: hidden }))));
  }
  clear() {
    this.found.clear();
    this.texts = [];
    this.noted = [];
    this.step = "";
  }
  end(end) {
    this.follower = null;
    if (this.kept !== null) this.keep({ ...this.kept, end });
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    this.drawFound(end.kind === "done" ? end.problems : this.texts.length);
    const good = end.kind === "done";
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.another.hidden = false;
    this.result.hidden = false;
    this.result.classList.toggle("bad", !good);
    fill(this.doing);
    fill(this.figures);
    fill(this.result, endText(end));
    document.title = `${good ? t("Done") : t("Not imported")} · ${t("Import")} · moxlite`;
  }
  open(name) {
    this.form.hidden = true;
    this.running.hidden = false;
    this.clear();
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.cancel.hidden = false;
    this.cancel.disabled = false;
    this.another.hidden = true;
    this.result.hidden = true;
    this.drawFound(0);
    fill(this.runningTitle, name === "" ? t("Import started on another page") : name);
    fill(this.doing, t("Connecting…"));
    fill(this.figures);
  }
  close() {
    this.running.hidden = true;
    this.form.hidden = false;
    document.title = `${t("Import and export")} · moxlite`;
  }
  dismiss(keep = false) {
    if (this.kept !== null) this.keep({ ...this.kept, dismissed: true });
    if (!keep) this.form.reset();
    this.chosen();
    this.close();
    this.file.focus();
  }
  async askCancel() {
    if (this.upload !== null) {
      this.upload.abort();
      return;
    }
    const token = this.follower?.token;
    if (token === void 0) return;
    if (await confirm(t("Stop this import?"), t("Messages imported so far will be removed."), t("Stop import"))) {
      await attempt(t("Canceling…"), t("Couldn't cancel import"), () => this.client.import_abort(token));
    }
  }
  keep(kept) {
    this.kept = kept;
    sessionStorage.setItem(keptKey, JSON.stringify(kept));
  }
};
function endText(end) {
  if (end.kind === "aborted") return end.message === lostText ? lostText : t("No messages imported: {why}", { why: end.message });
  const messages = many(end.messages, "{n} message", "{n} messages");
  const problems2 = end.problems > 0 ? `, ${many(end.problems, "{n} problem", "{n} problems")}` : "";
  const values = { messages, problems: problems2 };
  return end.dry_run ? t("{messages} would be imported{problems}. This was only a dry run.", values) : t("{messages} imported{problems}.", values);
}
function readKept() {
  const text2 = sessionStorage.getItem(keptKey);
  return text2 === null ? null : JSON.parse(text2);
}

var transfer = async (desk) => {
  const exporting = new Exporting(desk.client, desk.base);
  const importing = new Importing(desk.client, desk.base, () => {
    void desk.recount();
    void exporting.show();
  });
  const copying = new Copying(desk);
  const calendars = new CalendarCopies(desk);
  await Promise.all([importing.show(), exporting.show(), copying.show(), calendars.show()]);
  return { title: t("Import and export"), root: el("div", { class: "page transfer" }, head(t("Import and export"), ""), copying.root, calendars.root, importing.root, exporting.root) };
};
var pages = { transfer };
export {
  pages
};
