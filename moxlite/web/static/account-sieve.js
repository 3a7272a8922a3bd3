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
    const piece2 = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== void 0) + 1;
    if (kind !== 0 && last !== 0 && kind !== last) {
      fragment.append(plain, mark(piece2));
      plain = "";
      last = kind;
      continue;
    }
    plain += piece2;
    if (kind !== 0) last = kind;
    else if (!mixable.test(piece2)) last = 0;
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
  const line3 = document.createElementNS(namespace, "path");
  line3.setAttribute("d", path);
  svg.append(line3);
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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var forward = "m15 17l5-5-5-5 M4 18v-2a4 4 0 0 1 4-4h12";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
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
  const problem2 = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem2(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem: problem2 };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem2 = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem: problem2 };
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
      const done = await save2() !== false;
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
function once(work) {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    const form2 = event.currentTarget;
    form2.ariaBusy = "true";
    void work().finally(() => {
      running = false;
      form2.ariaBusy = null;
    });
  };
}
function differing(old, now2) {
  return Object.fromEntries(Object.entries(now2).filter(([name, value]) => value !== old[name]));
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
function moment(at, now2 = Date.now() * 1e3) {
  const here = new Date(at / 1e3);
  const today = new Date(now2 / 1e3);
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

var away = async (desk) => {
  const found = await desk.client.account_vacation_show();
  const title = t("Vacation reply");
  return { title, root: el("div", { class: "page" }, head(title, t("Reply automatically while you're away.")), now(found), answer(desk, found), told2(found.answered)) };
};
function now(found) {
  if (found.script) return notice("warn", t("A Sieve script is active. If the script sends vacation replies, these settings won't apply."));
  if (found.active) return notice("ok", t("Vacation reply on"));
  if (found.enabled && found.start > Date.now() * 1e3) return notice("off", t("Vacation reply starts at the time below."));
  return null;
}
function answer(desk, old) {
  const on = tick(t("Send vacation reply"), old.enabled);
  const start2 = line(meant("time", "From"), local(old.start), t("Leave blank to start now."), { type: "datetime-local" });
  const end = line(t("Until"), local(old.end), t("Leave blank for no end date."), { type: "datetime-local" });
  const subject = line(t("Subject"), old.subject, t("Leave blank to use “Auto:” and the message's subject."), { spellcheck: "true", maxlength: "200" });
  const told22 = old.addresses.join(", ");
  const further = line(t("Also reply to mail for"), told22, t("For example, an alias. Separate with commas."));
  const area = el("textarea", { rows: 7, maxlength: "20000" });
  area.value = old.text;
  const text2 = field(meant("vacation", "Reply"), area);
  const html = old.html === "" ? null : markup(old.html);
  const known = choice(t("Reply to"), [["all", t("anyone who emails me")], ["known", t("only people I've emailed")]], old.known_only ? "known" : "all");
  const box = form([on.root, el("div", { class: "fields" }, start2.root, end.root, known.root), further.root, subject.root, text2.root, html?.root ?? null, el("p", { class: "hint" }, t("Senders get one reply every 7 days. Mailing lists, newsletters, automated mail, and forged senders don't get replies."))], t("Save"), async () => {
    const changed = { enabled: on.control.checked, start: instant(start2.control.value), end: instant(end.control.value), subject: subject.control.value, text: area.value, ...html === null ? {} : { html: html.control.value }, known_only: known.control.value === "known", ...further.control.value === told22 ? {} : { addresses: further.control.value.split(/[\s,;]+/).filter(Boolean) } };
    try {
      await desk.client.account_vacation_set(differing(old, changed), old.mark);
    } catch (error) {
      atFields(error, { start: start2, end, addresses: further, subject, text: text2, ...html === null ? {} : { html } });
      return;
    }
    desk.say(changed.enabled ? t("Saved. Vacation reply on") : t("Saved. Vacation reply off"));
    await desk.refresh();
  });
  return card(meant("vacation", "Reply"), box.root);
}
function told2(all) {
  if (all.length === 0) return null;
  const rows = table(t("Recent replies"), [{ title: t("Sender"), kind: "main", cell: (one) => foreign(one.address) }, { title: t("Last reply"), cell: (one) => when(one.sent) }], all);
  return card(t("Recent replies"), rows, { flush: true });
}
function markup(value) {
  const area = el("textarea", { rows: 7, maxlength: "20000", spellcheck: "false" });
  area.value = value;
  return field(t("HTML version"), area, t("Most mail apps show this instead of the text. Leave blank to send only the text."));
}
function local(moment2) {
  if (moment2 === 0) return "";
  const at = new Date(moment2 / 1e3);
  return new Date(at.getTime() - at.getTimezoneOffset() * 6e4).toISOString().slice(0, 16);
}
function instant(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
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
function line2(title, label, value, action, send) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    return [el("form", { onsubmit: once(async () => input.value !== "" && send(input.value, close)) }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)))];
  });
}
var askToSave = async (title, label, value, action, save2) => await line2(title, label, value, action, async (text2, close) => await save2(text2) && close(true)) === true;
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
  const line22 = byId("status", HTMLElement);
  line22.hidden = message === "";
  fill(line22, message);
}

async function inWord(text2) {
  return text2.message === "" ? text2 : { ...text2, ...await told(text2) };
}

function kept({ root, control }, save2) {
  const box = control instanceof HTMLInputElement && control.type === "checkbox" ? control : null;
  let saved2 = box?.checked ?? control.value;
  const put = (value) => {
    if (box !== null) box.checked = value === true;
    else control.value = String(value);
    saved2 = value;
    return control.isConnected;
  };
  root.dataset["kept"] = "";
  control.addEventListener("change", async () => {
    const now2 = box?.checked ?? control.value;
    const before = saved2;
    if (await save2(() => put(before))) saved2 = now2;
    else put(saved2);
  });
  return root;
}

var problem = "";
var forwarding = async (desk) => {
  const found = await desk.client.account_forward_list();
  const words = await Promise.all(found.targets.map((one) => inWord({ message: one.error })));
  const targets = found.targets.map((one, place) => ({ ...one, error: words[place]?.message ?? one.error }));
  const title = t("Forwarding");
  const said = problem;
  problem = "";
  const root = el("div", { class: "page" }, head(title, t("Forward accepted mail, except junk, to your other addresses. Bounces go to the original sender, not to you.")), said !== "" && notice("warn", foreign(said)), list(desk, { ...found, targets }), add(desk, found.form), copies(desk, found));
  return { title, root };
};
async function save(desk, old, changed) {
  problem = await desk.client.account_forward_set(changed, old);
  await desk.refresh();
}
function list(desk, found) {
  const title = t("Addresses");
  if (found.targets.length === 0) return card(title, empty(forward, t("Forwarding is off"), t("Add an address below. We'll email a confirmation link to it.")), { flush: true });
  const rows = table(title, [{ title: t("Address"), kind: "main", cell: (one) => el("span", {}, el("b", {}, foreign(one.address)), one.alias !== "" && el("span", { class: "hint" }, el("br"), placed(t("member of {alias}"), { alias: foreign(one.alias) })), one.script !== "" && el("span", { class: "hint" }, el("br"), placed(t("in script {name}"), { name: foreign(one.script) })), one.ran && el("span", { class: "hint" }, el("br"), t("added by a script"))) }, { title: t("Status"), cell: (one) => told3(one) }, { title: "", kind: "num", cell: (one) => el("span", { class: "flex wrap" }, (one.state === "new" || one.state === "asked") && button(t("Resend email"), () => void act(desk, t("Sending…"), t("Couldn't send confirmation email"), () => desk.client.account_forward_ask(one.address)), { kind: "line small", name: t("Resend email to {address}", { address: one.address }) }), one.state === "stopped" && button(t("Resume"), () => void act(desk, t("Saving…"), t("Couldn't resume forwarding"), () => desk.client.account_forward_start(one.address)), { kind: "line small", name: t("Resume forwarding to {address}", { address: one.address }) }), one.alias === "" && one.script === "" && !one.ran && button(t("Remove"), () => void remove(desk, found.form, one), { kind: "line small", name: t("Remove {address}", { address: one.address }) })) }], found.targets);
  return card(title, rows, { flush: true });
}
function told3(one) {
  const since = one.since === null ? null : [" ", when(microseconds(one.since))];
  const error = one.error === "" ? null : el("span", { class: "hint" }, el("br"), foreign(one.error));
  switch (one.state) {
    case "new":
      return state("off", t("not confirmed, email not sent yet"));
    case "asked":
      return el("span", {}, state("off", t("not confirmed, email sent")), since);
    case "confirmed":
      return one.failing === null ? el("span", {}, state("ok", t("forwarding your mail")), one.taken_over && el("span", { class: "hint" }, el("br"), t("used by your script before confirmation was required"))) : el("span", {}, state("warn", t("bouncing since")), " ", when(microseconds(one.failing)), error);
    case "stopped":
      return el("span", {}, state("danger", t("stopped, your mail is kept here")), error);
  }
}
async function act(desk, doing, failed, work) {
  if (await attempt(doing, failed, work)) await desk.refresh();
}
async function remove(desk, old, one) {
  if (!await confirm(t("Stop forwarding to {address}?", { address: one.address }), t("New mail won't be forwarded to this address anymore."), t("Stop"))) return;
  const rest = old.forward_to.filter((address2) => address2 !== one.address);
  await attempt(t("Saving…"), t("Couldn't stop forwarding"), () => save(desk, old, { forward_to: rest, keep_copy: rest.length === 0 ? true : old.keep_copy }));
}
function add(desk, old) {
  const address2 = line(t("Address"), "", t("We'll email a confirmation link to this address. Forwarding starts when it's confirmed."), { inputmode: "email", autocapitalize: "none" });
  const box = form(address2.root, t("Add"), async () => {
    const to = address2.control.value.trim();
    if (to === "") {
      address2.problem(t("Enter an address."));
      return;
    }
    try {
      await save(desk, old, { forward_to: [...old.forward_to, to] });
    } catch (error) {
      atFields(error, { forward_to: address2 });
    }
  });
  return card(t("Add address"), box.root);
}
function copies(desk, found) {
  const old = found.form;
  if (old.forward_to.length === 0) return null;
  const keep = tick(t("Keep a copy here"), old.keep_copy, found.script === "" ? t("If forwarding fails, you'll still find the mail here.") : t("Your active script {script} decides which mail to keep. To use this setting, turn off the script.", { script: found.script }));
  const put = async () => {
    const keep_copy = keep.control.checked;
    await desk.client.account_forward_set({ keep_copy }, old);
    old.keep_copy = keep_copy;
    desk.say(t("Saved"));
  };
  return card(t("Copies"), kept(keep, (back) => attempt(t("Saving…"), t("Couldn't save settings"), put, back)));
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

var piece = 100;
async function applyToExisting(desk, place, source, count) {
  const moves = [];
  const title = t("Apply to existing mail");
  let looked = 0;
  let stopped = false;
  const show = (content, ...actions) => fill(place, card(title, [content, actions.length > 0 && el("div", { class: "flex wrap gap" }, actions)]));
  const stop = () => button(t("Stop"), () => stopped = true);
  let after = null;
  do {
    show(notice("wait", many(looked, "Checking {mailbox}: {n} message", "Checking {mailbox}: {n} messages", { mailbox: mailboxName(source) })), stop());
    const got = {};
    if (!await attempt(t("Checking messages…"), t("Couldn't check messages"), async () => got.page = await count(after))) return fill(place);
    moves.push(...got.page.moves);
    looked += got.page.looked;
    after = got.page.next;
  } while (after !== null && !stopped);
  const groups = /* @__PURE__ */ new Map();
  for (const one of moves) groups.set(one.mailbox, [...groups.get(one.mailbox) ?? [], one.id]);
  const pieces = [...groups].flatMap(([target, ids]) => Array.from({ length: Math.ceil(ids.length / piece) }, (_, n) => ({ ids: ids.slice(n * piece, (n + 1) * piece), target })));
  if (moves.length === 0) return show(notice("ok", many(looked, "The message would stay in {mailbox}.", "All {n} messages would stay in {mailbox}.", { mailbox: mailboxName(source) })));
  const list3 = el("ul", { class: "lines" }, [...groups].map(([target, ids]) => el("li", {}, el("span", { class: "grow" }, foreign(target, 100)), el("span", { class: "muted" }, many(ids.length, "{n} message", "{n} messages")))));
  const words = many(looked, "The message in {mailbox} would move to:", "{moves} of {n} messages in {mailbox} would move to:", { mailbox: mailboxName(source), moves: moves.length });
  show(el("div", {}, el("p", {}, words), list3, stopped && el("p", { class: "hint" }, t("Stopped early. Older messages weren't checked."))), button(t("Move messages"), () => void move(0), { kind: "primary" }), button(t("Don't move"), () => fill(place), { kind: "text" }));
  async function move(from) {
    stopped = false;
    let done = from;
    for (; done < pieces.length && !stopped; done++) {
      progress(t("Moving…"), done, pieces.length);
      const one = pieces[done];
      if (!await attempt(t("Moving…"), t("Couldn't move messages"), () => desk.client.sort_move([...one.ids], source, one.target))) break;
    }
    const back = button(t("Undo"), () => void undo(Math.min(done, pieces.length - 1)));
    const moved = pieces.slice(0, done).reduce((sum, one) => sum + one.ids.length, 0);
    if (done === pieces.length) show(notice("ok", many(moved, "{n} message moved.", "{n} messages moved.")), back);
    else show(notice("warn", many(moves.length, "Stopped. Moved {moved} of {n} message.", "Stopped. Moved {moved} of {n} messages.", { moved })), button(t("Continue"), () => void move(done), { kind: "primary" }), back);
  }
  async function undo(last) {
    stopped = false;
    let left = last;
    for (; left >= 0 && !stopped; left--) {
      progress(t("Moving back…"), last - left, last + 1);
      const one = pieces[left];
      if (!await attempt(t("Moving back…"), t("Couldn't move messages back"), () => desk.client.sort_move([...one.ids], one.target, source))) break;
    }
    if (left < 0) show(notice("ok", t("Moved all messages back to {mailbox}.", { mailbox: mailboxName(source) })));
    else show(notice("warn", t("Stopped. Some messages haven't been moved back yet.")), button(t("Move the rest back"), () => void undo(left)));
  }
  function progress(word, done, all) {
    show(el("div", {}, el("p", {}, word), el("progress", { value: String(done), max: String(all) })), stop());
  }
}

var pause = 500;
var start = 'require ["fileinto"];\n\nif header :contains "subject" "invoice" {\n    fileinto "invoices";\n}\n';
var scripts2 = async (desk) => {
  const [name] = desk.path;
  if (name !== void 0 && name !== "") return editor(desk, name === "new" && desk.path[1] === void 0 ? null : desk.path.slice(-1)[0]);
  const found = await desk.client.script_list();
  const title = t("Sieve scripts");
  const applied = el("div", { role: "status" });
  const hint = t("Write your own rules in Sieve. The active script runs after your address rules. Mail apps can also edit scripts over ManageSieve.");
  return { title, root: el("div", { class: "page" }, head(title, hint), list2(desk, found, applied), applied, await failures(found)) };
};
function address(name) {
  return `#scripts/edit/${encodeURIComponent(name)}`;
}
function list2(desk, found, applied) {
  const add2 = button(t("New script"), () => desk.go("#scripts/new"), { icon: plus, kind: found.scripts.length === 0 ? "primary" : "line" });
  if (found.scripts.length === 0) return card(t("Scripts"), empty(fileText, t("No scripts"), t("For most tasks, you can use address rules instead."), add2), { flush: true });
  const rows = table(t("Scripts"), [{ title: t("Name"), kind: "main", cell: (one) => el("span", {}, el("a", { href: address(one.name) }, foreign(one.name)), one.active && [" ", state("ok", t("active"))]) }, { title: t("Size"), cell: (one) => size(one.size) }, { title: t("Changed"), cell: (one) => when(one.changed) }, { title: "", kind: "num", cell: (one) => el("span", { class: "flex wrap" }, button(one.active ? t("Turn off") : t("Activate"), () => void act2(desk, () => desk.client.account_sieve_activate(one.active ? "" : one.name)), { kind: "line small", name: one.active ? t("Turn off {name}", { name: one.name }) : t("Activate {name}", { name: one.name }) }), button(t("Apply"), () => void applyToExisting(desk, applied, "Inbox", (after) => desk.client.script_count(one.name, after)), { kind: "line small", name: t("Apply {name} to existing mail", { name: one.name }) }), button(t("Rename"), () => void rename(desk, one), { kind: "line small", name: t("Rename {name}", { name: one.name }) }), !one.active && button(t("Delete"), () => void remove2(desk, one), { kind: "line small", name: t("Delete {name}", { name: one.name }) })) }], found.scripts);
  return card(t("Scripts"), rows, { flush: true, actions: add2 });
}
var change = (work) => attempt(t("Saving…"), t("Couldn't update scripts"), work);
async function act2(desk, work) {
  if (await change(work)) await desk.refresh();
}
async function rename(desk, one) {
  const save2 = async (name) => name === one.name || change(() => desk.client.account_sieve_rename(one.name, name));
  if (await askToSave(t("Rename script"), t("Name"), one.name, t("Rename"), save2)) await desk.refresh();
}
async function remove2(desk, one) {
  if (await confirm(t("Delete “{name}”?", { name: one.name }), t("The script will be permanently deleted."), t("Delete"))) await act2(desk, () => desk.client.account_sieve_rm(one.name, one.changed));
}
async function failures(found) {
  if (found.failures.length === 0) return null;
  const texts = await Promise.all(found.failures.map((one) => inWord(one.text)));
  const lines = found.failures.map((one, at) => {
    const place = one.line > 0 ? t("{script}, line {line}", { script: one.script, line: one.line }) : one.script;
    return el("li", {}, state("warn", ""), el("span", { class: "grow" }, foreign(texts[at].message), place !== "" && el("span", { class: "hint" }, el("br"), foreign(place))), el("span", { class: "muted" }, when(microseconds(one.moment))));
  });
  return card(t("Script errors"), el("ul", { class: "lines" }, lines), { flush: true, hint: t("You'll find these messages in your Inbox.") });
}
async function editor(desk, name) {
  const old = name === null ? null : await desk.client.account_sieve_get(name);
  const known = name === null ? null : (await desk.client.script_list()).scripts.find((one) => one.name === name);
  const called = line(t("Name"), "", null, { maxlength: "128" });
  const area = el("textarea", { class: "code", rows: 18, spellcheck: "false", autocapitalize: "none", autocomplete: "off", wrap: "off" });
  area.value = old ?? start;
  const text2 = field(t("Script"), area);
  const activate = tick(t("Use as active script"), known?.active ?? true);
  const verdict = el("div", { class: "gap", "aria-live": "polite" });
  let timer = 0;
  let asked = 0;
  const check2 = async () => {
    const mine = ++asked;
    let faults;
    try {
      faults = await desk.client.script_check(area.value);
    } catch {
      return;
    }
    if (mine === asked) fill(verdict, judged(faults, area));
  };
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void check2(), pause);
  });
  area.addEventListener("keydown", (event) => indent(event, area));
  desk.onLeave(() => clearTimeout(timer));
  await check2();
  const box = form([name === null && called.root, text2.root, verdict, !(known?.active ?? false) && activate.root], t("Save"), async () => {
    try {
      await desk.client.account_sieve_put(name ?? called.control.value, area.value, activate.control.checked, old);
    } catch (error) {
      atFields(error, { text: text2 });
      return;
    }
    desk.say(t("Script saved"));
    desk.go("#scripts");
  });
  const title = name === null ? t("New script") : name;
  const back = el("a", { class: "btn text", href: "#scripts" }, t("All scripts"));
  return { title: t("Sieve scripts"), root: el("div", { class: "page" }, head(name === null ? title : foreign(title), "", back), card("", box.root)) };
}
function judged(faults, area) {
  if (faults.length === 0) return notice("ok", t("Script is valid."));
  const items = faults.map((one) => el("li", {}, el("button", { class: "btn text small", type: "button", onclick: () => jump(area, one) }, t("Line {line}, column {column}", { line: one.line, column: one.column })), " ", foreign(one.text)));
  return notice("danger", el("ul", { class: "faults" }, items));
}
function jump(area, fault) {
  const lines = area.value.split("\n");
  const before = lines.slice(0, fault.line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const column = [...lines[fault.line - 1] ?? ""].slice(0, fault.column - 1).join("").length;
  area.focus();
  area.setSelectionRange(before + column, before + column);
}
function indent(event, area) {
  if (event.key !== "Enter" || event.isComposing || event.shiftKey) return;
  const before = area.value.slice(0, area.selectionStart);
  const spaces = /^[ \t]*/.exec(before.slice(before.lastIndexOf("\n") + 1))[0];
  if (spaces === "") return;
  event.preventDefault();
  area.setRangeText(`
${spaces}`, area.selectionStart, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input"));
}

var pages = { away, forwarding, scripts: scripts2 };
export {
  pages
};
