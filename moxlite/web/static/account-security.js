// lib/dom.ts
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
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
var ascii = /^[\x00-\x7f]*$/;
var scripts = /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
var mixable = /[\p{L}]/u;
function text(value) {
  if (ascii.test(value)) return document.createTextNode(value);
  const fragment = document.createDocumentFragment();
  let plain = "";
  let last = 0;
  for (const match of value.matchAll(scripts)) {
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
  svg.setAttribute("class", name);
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

// lib/focus.ts
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

// lib/words.ts
var grouped;
function t(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole2, name) => {
    const value = values[name];
    if (value === void 0) return whole2;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}
function many(n, one, other, values = {}) {
  return t(n === 1 ? one : other, { ...values, n });
}

// lib/dialogs.ts
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
    document.body.append(box);
    box.showModal();
  });
}
async function showError(action, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(action, (close) => [
    el("p", { class: "dialog-text" }, message),
    el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))
  ]);
}
async function confirm(title, message, action) {
  const answer = await dialog(title, (close) => [
    el("p", { class: "dialog-text" }, message),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")),
      el("button", { class: "btn line danger", autofocus: true, onclick: () => close(true) }, action)
    )
  ]);
  return answer === true;
}
async function attempt(action, work) {
  const timer = setTimeout(() => setStatus(t("{action}…", { action })), 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(t("{action} failed", { action }), error);
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

// lib/client.ts
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

// lib/icons.ts
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var shieldAlert = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z M12 8v4 M12 16h.01";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

// lib/fields.ts
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
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
}
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const root = el(
    "form",
    {
      class: "form",
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        submit.disabled = true;
        complain("");
        try {
          await save();
        } catch (failure) {
          complain(failure instanceof Error ? failure.message : String(failure));
        } finally {
          submit.disabled = false;
          root.querySelector("[aria-invalid=true]")?.focus();
        }
      }
    },
    content,
    error,
    el("div", { class: "flex wrap" }, submit)
  );
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

// lib/pages.ts
function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), actions, words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), el("span", { class: "grow" }), actions, typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function table(label, columns, rows, each) {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      return el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
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
function foreign(value, most = 300) {
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => (fill(words, shown), more.remove()) }, t("Show all"));
  return el("span", {}, words, more);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

// lib/states.ts
var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), el("p", {}, text2), actions);
}

// lib/times.ts
var second = 1e6;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
var clock2;
var weekday;
var date;
var year;
var whole;
function timeOf(at) {
  return (clock2 ??= new Intl.DateTimeFormat(void 0, { hour: "2-digit", minute: "2-digit" })).format(at / 1e3);
}
function moment(at, now = Date.now() * 1e3) {
  const here = new Date(at / 1e3);
  const today = new Date(now / 1e3);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here).setHours(0, 0, 0, 0)) / 864e5);
  const time = timeOf(at);
  if (days === 0) return time;
  if (days === 1) return t("yesterday {time}", { time });
  if (days === -1) return t("tomorrow {time}", { time });
  if (days > 0 && days < 7) return `${(weekday ??= new Intl.DateTimeFormat(void 0, { weekday: "short" })).format(here)} ${time}`;
  if (here.getFullYear() === today.getFullYear()) return `${(date ??= new Intl.DateTimeFormat(void 0, { day: "numeric", month: "short" })).format(here)} ${time}`;
  return (year ??= new Intl.DateTimeFormat(void 0, { day: "numeric", month: "short", year: "numeric" })).format(here);
}
function when(at) {
  whole ??= new Intl.DateTimeFormat(void 0, { dateStyle: "full", timeStyle: "long" });
  const iso = new Date(at / 1e3).toISOString();
  return el("time", { datetime: iso, title: `${whole.format(at / 1e3)}
${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}` }, moment(at));
}
function microseconds(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
}

// account/security/part.ts
var page = 20;
var day2 = 864e5;
var scopes = [
  ["imap", t("reading mail (IMAP)")],
  ["submission", t("sending mail (SMTP)")],
  ["webapi", t("web API")]
];
var security = async (desk) => {
  const [own, apps, sessions, attempts] = await Promise.all([
    desk.client.password_state(),
    desk.client.app_password_list(),
    desk.client.session_list(),
    desk.client.attempt_list("", page)
  ]);
  const root = el(
    "div",
    { class: "page" },
    head(t("Security"), ""),
    password(desk, own, apps.length),
    appPasswords(desk, apps),
    sessionList(desk, sessions),
    attemptList(desk, attempts),
    card(
      t("Something here wasn’t you?"),
      el("p", { class: "two" }, t("Logs out every other browser, ends all app passwords, sets a new password, holds mail that waits to be sent, and shows what was sent in the last day.")),
      { actions: button(t("This wasn’t me"), () => void notMe(desk), { kind: "line danger", icon: shieldAlert }) }
    )
  );
  return { title: t("Security"), root };
};
var pages = { security };
function password(desk, own, apps) {
  const changed = own.changed === null ? t("not set yet") : [t("changed "), when(microseconds(own.changed))];
  const said = own.app_passwords_required ? t("Only web pages take it; mail programs need app passwords.") : t("Web pages and mail programs take it.");
  return card(
    t("Password"),
    [
      el("p", { class: "two" }, changed, ". ", said),
      !own.custom && el("p", { class: "hint" }, t("The password of this account is generated; the administrator has set this.")),
      el(
        "div",
        { class: "flex wrap gap" },
        own.custom && button(t("Change password"), () => void choosePassword(desk, apps), {}),
        button(t("Generate a password"), () => void makePassword(desk, apps), {})
      )
    ]
  );
}
function consequences(apps) {
  return apps === 0 ? t("All other browsers and mail programs are logged out.") : many(apps, "All other browsers are logged out. {n} app password stays valid.", "All other browsers are logged out. {n} app passwords stay valid.");
}
async function choosePassword(desk, apps) {
  const done = await dialog(t("Change password"), (close) => {
    const first = field(t("New password"), el("input", { type: "password", autocomplete: "new-password", minlength: "8", autofocus: true }), t("At least 8 characters. Three or four words that belong to nothing are good."));
    const second2 = field(t("New password again"), el("input", { type: "password", autocomplete: "new-password" }));
    const also = tick(t("End all app passwords too"), false);
    const box = form([el("p", { class: "dialog-text" }, consequences(apps)), first.root, second2.root, apps > 0 && also.root], t("Change password"), async () => {
      if (first.control.value !== second2.control.value) {
        second2.problem(t("The two are not the same."));
        return;
      }
      await desk.client.set_password(first.control.value);
      if (also.control.checked) await desk.client.app_password_remove_all();
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  desk.say(t("Password changed"));
  await desk.refresh();
}
async function makePassword(desk, apps) {
  const text2 = apps === 0 ? t("The password is replaced. All other browsers and mail programs are logged out.") : t("The password is replaced. All other browsers are logged out; app passwords stay.");
  if (!await confirm(t("Generate a new password?"), text2, t("Generate"))) return;
  let made2 = "";
  if (await attempt(t("Generating a password"), async () => made2 = await desk.client.generate_password())) {
    await showSecret(t("Your new password"), made2, t("Write it down now: it is not shown again."), apps > 0 ? endAll(desk) : null);
    await desk.refresh();
  }
}
function endAll(desk) {
  return button(t("End all app passwords too"), () => void attempt(t("Ending app passwords"), () => desk.client.app_password_remove_all().then((n) => desk.say(many(n, "{n} app password ended", "{n} app passwords ended")))), { kind: "line danger" });
}
async function showSecret(title, secret, text2, more = null) {
  await dialog(
    title,
    (close) => [
      el("p", { class: "dialog-text" }, text2),
      el("p", { class: "secret" }, el("code", {}, secret), copyButton(() => secret)),
      el("div", { class: "dialog-buttons" }, more, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("I have it")))
    ],
    false
  );
}
function cancelButton(cancel) {
  return el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")));
}
function appPasswords(desk, apps) {
  const add = button(t("New app password"), () => void addApp(desk), { icon: plus, kind: apps.length === 0 ? "primary" : "line" });
  if (apps.length === 0)
    return card(t("App passwords"), empty(keyRound, t("No app passwords yet"), t("Give each phone and program a password of its own: one that is lost is ended alone."), add), { flush: true });
  const rows = table(
    t("App passwords"),
    [
      { title: t("Name"), kind: "main", cell: (one) => el("b", {}, foreign(one.name)) },
      { title: t("For"), cell: (one) => [one.scopes.map((scope) => scopes.find(([name]) => name === scope)[1]).join(", "), one.read_only ? t(", read-only") : ""].join("") },
      { title: t("Last use"), cell: (one) => one.last_used === null ? t("never") : el("span", {}, when(microseconds(one.last_used)), one.last_ip !== "" && el("span", { class: "hint" }, ` ${one.last_protocol}, ${one.last_ip}`)) },
      { title: t("Ends"), cell: (one) => one.expires === null ? t("never") : one.expired ? state("off", t("ended")) : when(microseconds(one.expires)) },
      { title: "", kind: "num", cell: (one) => button(t("End"), () => void endApp(desk, one), { kind: "line small", name: t("End {name}", { name: one.name }) }) }
    ],
    apps
  );
  return card(t("App passwords"), rows, { flush: true, actions: add, hint: t("One for each phone or program. The name of its last use is known for 30 days.") });
}
async function addApp(desk) {
  let made2 = "";
  const done = await dialog(t("New app password"), (close) => {
    const name = line(t("Name of the device or program"), "", t("Such as “Phone” or “Thunderbird at home”."), { maxlength: "64", autofocus: "" });
    const uses = scopes.map(([, words], i) => tick(words, i < 2));
    const only = tick(t("Read-only: it can neither change nor send anything"), false);
    const ends = choice(t("Ends"), [["", t("never")], ["7", t("in a week")], ["30", t("in 30 days")], ["90", t("in 90 days")], ["365", t("in a year")]], "");
    const purpose = { problem: (text2) => uses[0].problem(text2) };
    const box = form([name.root, el("fieldset", { class: "group" }, el("legend", {}, t("It may be used for")), uses.map((one) => one.root)), only.root, ends.root], t("Make app password"), async () => {
      const chosen = scopes.filter((_, i) => uses[i].control.checked).map(([scope]) => scope);
      const expires = ends.control.value === "" ? null : new Date(Date.now() + Number(ends.control.value) * day2).toISOString();
      try {
        made2 = await desk.client.app_password_add(name.control.value, [...chosen], only.control.checked, expires);
      } catch (error) {
        atFields(error, { name, scopes: purpose, expires: ends });
        return;
      }
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done !== true) return;
  await showSecret(t("App password"), made2, t("Type or paste it into the program now: it is not shown again."));
  await desk.refresh();
}
async function endApp(desk, one) {
  if (!await confirm(t("End “{name}”?", { name: one.name }), t("The program that uses it is logged out at once."), t("End app password"))) return;
  if (await attempt(t("Ending the app password"), () => desk.client.app_password_remove(one.name))) await desk.refresh();
}
function sessionList(desk, sessions) {
  const others = sessions.filter((one) => !one.current).length;
  const rows = table(
    t("Browsers that are logged in"),
    [
      { title: t("Where"), kind: "main", cell: (one) => el("span", {}, el("b", {}, one.app), one.current && el("span", { class: "chip" }, t("this browser"))) },
      { title: t("Address"), cell: (one) => one.remote_ip },
      { title: t("Browser"), cell: (one) => foreign(one.user_agent, 90) },
      { title: t("Last use"), cell: (one) => when(microseconds(one.last_used)) },
      {
        title: "",
        kind: "num",
        cell: (one) => one.current ? null : button(
          t("Log out"),
          async () => {
            if (await attempt(t("Logging out"), () => desk.client.session_remove(one.id))) await desk.refresh();
          },
          { kind: "line small", name: t("Log out {app} at {ip}", { app: one.app, ip: one.remote_ip }) }
        )
      }
    ],
    sessions
  );
  const all = button(t("Log out all others"), async () => {
    if (await attempt(t("Logging out"), () => desk.client.session_remove_others())) await desk.refresh();
  });
  return card(t("Browsers that are logged in"), rows, { flush: true, actions: others > 0 && all });
}
function attemptList(desk, first) {
  const body = el("ul", { class: "lines" }, first.map(attemptLine));
  let last = first.at(-1);
  const more = button(t("Show older ones"), async () => {
    let found = [];
    if (!await attempt(t("Reading log-ins"), async () => found = await desk.client.attempt_list(last.after, page))) return;
    body.append(...found.map(attemptLine));
    last = found.at(-1) ?? last;
    more.hidden = found.length < page;
  }, { kind: "text" });
  more.hidden = first.length < page;
  return card(t("Log-ins of the last 30 days"), [body, el("p", { class: "more" }, more)], { flush: true });
}
function attemptLine(one) {
  const times = one.count > 1 ? many(one.count, "{n} time", "{n} times") : "";
  return el(
    "li",
    {},
    state(one.ok ? "ok" : "warn", ""),
    el("span", { class: "grow" }, foreign(one.text), times !== "" && el("span", { class: "chip" }, times), one.user_agent !== "" && el("span", { class: "hint" }, el("br"), foreign(one.user_agent, 120))),
    el("span", { class: "muted" }, when(microseconds(one.last)))
  );
}
async function notMe(desk) {
  const text2 = t("You get a new password, which you have to enter in your other browsers. Each phone and program needs a new app password. Mail that waits to be sent is held until you let it go.");
  if (!await confirm(t("Lock everyone else out?"), text2, t("Lock them out"))) return;
  const done = {};
  if (!await attempt(t("Locking everyone else out"), async () => done.found = await desk.client.not_me())) return;
  const found = done.found;
  await dialog(
    t("Everyone else is locked out"),
    (close) => [
      el("p", { class: "dialog-text" }, t("Your new password, shown this once:")),
      el("p", { class: "secret" }, el("code", {}, found.password), copyButton(() => found.password)),
      el(
        "p",
        { class: "dialog-text" },
        [
          many(found.sessions, "{n} other browser was logged out.", "{n} other browsers were logged out."),
          many(found.app_passwords, "{n} app password ended.", "{n} app passwords ended."),
          found.queue ? many(found.held, "{n} message that waited is held.", "{n} messages that waited are held.") : t("The queue is out of service: look at outgoing mail later.")
        ].join(" ")
      ),
      left(found),
      el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("I have the password")))
    ],
    false
  );
  await desk.refresh();
}
function left(found) {
  if (found.left.length === 0) return el("p", { class: "dialog-text" }, t("Nothing was sent in the last day."));
  const box = el("ul", { class: "lines small" });
  fill(box, found.left.map((one) => el("li", {}, el("span", { class: "grow" }, foreign(one.recipient)), el("span", { class: "muted" }, one.state, " ", when(microseconds(one.ended))))));
  return el("div", {}, notice("warn", many(found.left.length, "{n} message was sent in the last day:", "{n} messages were sent in the last day:")), box);
}
export {
  pages
};
