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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var users = "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2 M16 3.128a4 4 0 0 1 0 7.744 M22 21v-2a4 4 0 0 0-3-3.87 M5 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";

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
  const words2 = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words2), control, problem };
}
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words2]) => el("option", { value, selected: value === chosen }, words2)));
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
  const words2 = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words2);
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
  const words2 = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words2, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words2, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
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

var ways = [["behalf", t("this address and the actual sender")], ["as", t("this address only")]];
function delegatesCard(title, hint, found) {
  const actions = button(t("Add person"), () => void edit(found, null), { icon: plus, kind: "line small" });
  if (found.all.length === 0) return card(title, empty(users, t("Only you can send"), hint), { flush: true, actions });
  const rows = table(title, [{ title: t("Person"), kind: "main", cell: (one) => el("b", {}, foreign(one.guest)) }, { title: t("Recipients see"), cell: (one) => ways.find(([sends]) => sends === one.sends)?.[1] ?? "" }, { title: t("Folders, calendars, and contacts"), cell: (one) => one.whole ? t("can edit") : t("not shared") }, { title: t("Until"), cell: (one) => one.ends === null ? "" : when(microseconds(one.ends)) }, { title: "", kind: "num", cell: (one) => [button(t("Edit"), () => void edit(found, one), { kind: "line small", name: t("Edit {name}", { name: one.guest }) }), " ", button(t("Stop"), () => void end(found, one), { kind: "line small", name: t("Stop {name} from sending", { name: one.guest }) })] }], found.all);
  return card(title, rows, { flush: true, actions });
}
async function edit(found, one) {
  const done = await dialog(one === null ? t("Add person") : one.guest, (close) => {
    const guest = line(t("Person"), one?.guest ?? "", t("Address or account on this server."), { autocapitalize: "none" });
    guest.root.hidden = one !== null;
    const sends = choice(t("Recipients see"), ways, one?.sends ?? "behalf");
    const ends = field(t("Until"), el("input", { type: "date" }), t("Leave blank for no end date."));
    ends.control.value = one === null || one.ends === null ? "" : dayOf(one.ends);
    const whole = tick(t("Share all folders, calendars, and contacts"), one?.whole ?? true, t("Access ends on the same date."));
    const box = form([guest.root, sends.root, ends.root, whole.root], t("Save"), async () => {
      try {
        const day2 = ends.control.value;
        const until = day2 === "" ? 0 : (/* @__PURE__ */ new Date(`${day2}T23:59:59`)).getTime() * 1e3;
        await found.set(guest.control.value, sends.control.value, until, whole.control.checked);
        close(true);
      } catch (error) {
        atFields(error, { guest, sends, ends });
      }
    });
    const cancel = el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel"));
    return [box.root, el("div", { class: "dialog-buttons" }, cancel)];
  });
  if (done === true) await found.refresh();
}
async function end(found, one) {
  const what = t("{name} won't be able to send from this address and will lose access to items shared here.", { name: one.guest });
  if (!await confirm(t("Stop {name} from sending?", { name: one.guest }), what, t("Stop"))) return;
  if (await attempt(t("Saving…"), t("Couldn't save"), () => found.remove(one.guest))) await found.refresh();
}
function dayOf(at) {
  const day2 = new Date(at);
  return new Date(day2.getTime() - day2.getTimezoneOffset() * 6e4).toISOString().slice(0, 10);
}

var levels = [["lr", t("view")], ["lrs", t("view and mark as read")], ["lrswite", t("view, edit, add, and delete")], ["lrswipkxtea", t("full access, including sharing")]];
function words(rights) {
  const found = levels.find(([letters]) => letters === rights);
  return found === void 0 ? t("permissions “{letters}”", { letters: rights }) : found[1];
}
var shares = async (desk) => {
  const found = await desk.client.shares();
  const root = el("div", { class: "page" }, head(t("Shared folders"), t("Users on this server will see your shared folders in their mail app and webmail.")), given(desk, found), add(desk, found), delegatesCard(t("People who can send for you"), t("For example, while you're away."), { all: found.senders, set: (...given2) => desk.client.account_delegate_set(...given2), remove: (guest) => desk.client.account_delegate_rm(guest), refresh: () => desk.refresh() }), received(found.received));
  return { title: t("Shared folders"), root };
};
function given(desk, found) {
  if (found.given.length === 0) return card(t("Shared by you"), empty(users, t("You haven't shared any folders"), t("For example, share a folder with your team or club.")), { flush: true });
  const rows = table(t("Shared by you"), [{ title: t("Folder"), kind: "main", cell: (one) => el("b", {}, foreign(mailboxName(one.mailbox))) }, { title: t("Shared with"), cell: (one) => one.guest === "anyone" ? t("all users on this server") : foreign(one.guest) }, { title: t("Permissions"), cell: (one) => words(one.rights) }, { title: "", kind: "num", cell: (one) => button(t("Stop"), () => void end2(desk, one), { kind: "line small", name: t("Stop sharing {mailbox} with {guest}", { mailbox: mailboxName(one.mailbox), guest: one.guest }) }) }], found.given);
  return card(t("Shared by you"), rows, { flush: true });
}
async function end2(desk, one) {
  if (!await confirm(t("Stop sharing?"), t("{guest} will lose access to “{mailbox}” right away.", { mailbox: mailboxName(one.mailbox), guest: one.guest }), t("Stop sharing"))) return;
  if (await attempt(t("Saving…"), t("Couldn't stop sharing"), () => desk.client.account_share_set(one.mailbox, one.guest, "", false))) await desk.refresh();
}
function add(desk, found) {
  const mailbox = choice(t("Folder"), found.mailboxes.map((name) => [name, visible(mailboxName(name))]), found.mailboxes.find((name) => name === desk.path[0]) ?? found.mailboxes.find((name) => name !== "Inbox") ?? "Inbox", t("In Sent and Drafts, guests can also see Bcc recipients."));
  const guest = line(t("Shared with"), "", t("Address or account on this server, or “anyone” for all users."), { autocapitalize: "none" });
  const rights = choice(t("Permissions"), levels, "lr");
  const below = tick(t("Include subfolders"), false, t("New subfolders will always be shared."));
  const box = form([el("div", { class: "fields" }, mailbox.root, guest.root, rights.root), below.root], t("Share"), async () => {
    try {
      await desk.client.account_share_set(mailbox.control.value, guest.control.value, rights.control.value, below.control.checked);
    } catch (error) {
      atFields(error, { mailbox, guest, rights });
      return;
    }
    desk.say(t("Shared"));
    await desk.refresh();
  });
  return card(t("Share folder"), box.root);
}
function received(all) {
  if (all.length === 0) return card(t("Shared with you"), el("p", { class: "hint" }, t("No shared folders")));
  const rows = table(t("Shared with you"), [{ title: t("Folder"), kind: "main", cell: (one) => el("b", {}, foreign(mailboxName(one.mailbox))) }, { title: t("Owner"), cell: (one) => foreign(one.owner) }, { title: t("Permissions"), cell: (one) => words(one.rights) }], all);
  return card(t("Shared with you"), rows, { flush: true, hint: t("In mail apps, you'll find them under “Other Users”.") });
}
var pages = { shares };
export {
  pages
};
