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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
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
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function saved(form2) {
  delete form2.dataset["unsaved"];
  form2.dispatchEvent(new Event("saved", { bubbles: true }));
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

function head(title, hint, ...actions2) {
  const words2 = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions2), words2);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions: actions2 } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions2 && el("div", { class: "actions" }, actions2), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
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
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
function meter(share) {
  const bar = el("i", { class: share >= 0.9 ? "warn" : void 0 });
  bar.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text2, ...actions2) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions2);
}
function empty(path, title, text2, ...actions2) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions2);
}

function sentence(text2) {
  return `${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}${/[.!?…]$/.test(text2) ? "" : "."}`;
}

function fieldForm(fields, action, run, more = null, cancel = null) {
  const failure = el("div", { hidden: true });
  const button2 = el("button", { class: "btn primary", type: "submit" }, action);
  const form = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    button2.disabled = true;
    failure.hidden = true;
    form.ariaBusy = "true";
    try {
      if (await run() !== false) saved(form);
    } catch (error) {
      refusal(error, fields, failure, form);
    } finally {
      button2.disabled = false;
      form.ariaBusy = null;
    }
  } }, Object.values(fields).map((one) => one.root), more, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
  return form;
}
function refusal(error, fields, failure, form) {
  const [single, ...others] = Object.keys(fields);
  const told2 = fieldsOf(error);
  const mistakes = told2.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== void 0 ? [{ field: single, text: messageOf(error) }] : told2;
  const rest = mistakes.filter((one) => fields[one.field] === void 0);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form.querySelector("[aria-invalid=true]")?.focus();
}
function fieldDialog(title, action, fields, run, more = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
}

var period = 3e3;
async function movePage(desk) {
  const found = await desk.client.move_status();
  if (found.phase === "running") {
    const timer = setTimeout(() => void desk.refresh(), period);
    desk.onLeave(() => clearTimeout(timer));
  }
  const root = el("div", { class: "page" }, head(t("Move"), t("Move all users, their mail, and their passwords from another server."), ...actions(desk, found)), found.phase === "none" ? none() : shown(found));
  return { title: t("Move"), root };
}
function actions(desk, found) {
  const act = async (doing, failed, call) => {
    if (await attempt(doing, failed, call)) await desk.refresh();
  };
  const stop = async () => {
    const text2 = t("The mail copied so far stays here. To continue, run “moxlite move run”.");
    if (!await confirm(t("Stop this move?"), text2, t("Stop move"))) return;
    await act(t("Stopping…"), t("Couldn't stop move"), () => desk.client.move_stop());
  };
  const pause = () => act(t("Pausing…"), t("Couldn't pause move"), () => desk.client.move_pause());
  const resume = () => act(t("Resuming…"), t("Couldn't resume move"), () => desk.client.move_resume());
  return [found.phase === "running" && button(t("Pause"), () => void pause()), found.phase === "paused" && button(t("Resume"), () => void resume(), { kind: "primary" }), (found.phase === "running" || found.phase === "paused") && button(t("Stop…"), () => void stop(), { kind: "line danger" })];
}
function none() {
  const command = "moxlite move --help";
  return card("", empty(users, t("No moves yet"), t("Start moves on the command line, because the plan contains passwords."), el("pre", { class: "zone" }, command), copyButton(() => command, t("Copy"))));
}
function shown(found) {
  const messages = found.accounts.reduce((sum, one) => sum + one.messages, 0);
  const done = found.accounts.filter((one) => one.phase === "done").length;
  const problems = [...found.problems, ...found.accounts.flatMap((one) => one.problems.map((problem) => `${one.address}: ${problem}`))];
  return [card(t("Progress"), [meter(found.accounts.length === 0 ? 1 : done / found.accounts.length), pairs([[t("Status"), words(found.phase)], [t("Accounts"), t("{n} of {all}", { n: done, all: found.accounts.length })], [t("Messages"), messages.toLocaleString()], [t("Speed"), found.rate > 0 ? many(Math.round(found.rate), "{n} message per second", "{n} messages per second") : "–"], [t("Time left"), found.seconds >= 0 ? t("{n} min", { n: Math.ceil(found.seconds / 60) }) : "–"]])]), card(t("Accounts"), accounts(found.accounts), { flush: true }), problems.length === 0 ? notice("ok", t("No problems")) : card(many(problems.length, "{n} problem", "{n} problems"), el("ul", { class: "lines" }, problems.map((one) => el("li", {}, el("bdi", {}, visible(one))))), { flush: true })];
}
function accounts(found) {
  return table(t("Accounts"), [{ title: t("Address"), kind: "main", cell: (one) => el("bdi", {}, visible(one.address)) }, { title: t("Status"), cell: accountState }, { title: t("Current step"), cell: (one) => el("bdi", {}, visible(one.step)) }, { title: t("Messages"), kind: "num", cell: (one) => one.messages.toLocaleString() }, { title: t("Problems"), kind: "num", cell: (one) => one.problem_count.toLocaleString() }], found);
}
function accountState(one) {
  switch (one.phase) {
    case "done":
      return state(one.problem_count === 0 ? "ok" : "warn", t("done"));
    case "failed":
      return state("danger", t("incomplete"));
    case "running":
      return state("wait", t("copying"));
    default:
      return state("wait", t("waiting"));
  }
}
function words(phase) {
  switch (phase) {
    case "running":
      return t("copying");
    case "paused":
      return t("paused");
    case "done":
      return t("done");
    case "finished":
      return t("finished");
    default:
      return t("stopped");
  }
}

var pages = { move: movePage };
function peer(desk, domain) {
  const root = el("div");
  const draw = (found) => fill(root, found.hosts.length > 0 ? inUse(desk, found) : refused(desk, found));
  const look = async () => {
    fill(root, card(t("Other addresses"), notice("wait", t("Checking whether this domain uses another server…"))));
    try {
      draw(await desk.client.config_domain_peer_show(domain));
    } catch (error) {
      fill(root, card(t("Other addresses"), notice("danger", messageOf(error))));
    }
  };
  void look();
  return root;
}
function refused(desk, found) {
  const hosts = found.elsewhere;
  return card(t("Other addresses"), hosts.length === 0 ? el("p", { class: "hint" }, t("Mail to unknown addresses is rejected.")) : [notice("warn", t("MX points to another server: {hosts}", { hosts: hosts.join(", ") })), el("p", { class: "hint" }, t("To avoid losing mail, forward mail for users who haven't moved yet to that server before you change MX."))], { actions: button(t("Forward…"), () => void set(desk, found), { kind: hosts.length === 0 ? "line" : "primary" }) });
}
async function set(desk, found) {
  const hosts = line(t("Current mail server"), found.elsewhere.join(", "), t("Host name. If the name will point to this server later, use the IP address. Separate multiple servers with commas."));
  const words2 = t("We'll forward mail for unknown addresses to that server. Make sure the server accepts mail from here.");
  const done = await fieldDialog(t("Mail to other addresses at {domain}", { domain: found.domain }), t("Forward"), { hosts }, () => desk.client.config_domain_peer_set(found.domain, hosts.control.value.split(/[\s,]+/).filter(Boolean)), el("p", { class: "hint" }, words2));
  if (done !== null) await desk.refresh();
}
function inUse(desk, found) {
  const end = async () => {
    const words2 = t("Mail to unknown addresses will be rejected.");
    if (!await confirm(t("Stop forwarding?"), words2, t("Stop"))) return;
    if (await attempt(t("Saving…"), t("Couldn't stop forwarding"), () => desk.client.config_domain_peer_rm(found.domain))) await desk.refresh();
  };
  const went = many(found.messages, "{n} message forwarded in the last 14 days.", "{n} messages forwarded in the last 14 days.");
  return card(t("Other addresses"), el("ul", { class: "lines" }, found.hosts.map((one) => el("li", {}, el("div", { class: "grow" }, el("b", {}, el("bdi", {}, one.host)), el("div", { class: "hint" }, one.problem === "" ? one.addresses.join(", ") : visible(one.problem))), one.problem !== "" ? state("danger", t("no response")) : one.tls ? state("ok", t("responding")) : state("warn", t("without TLS")))), found.takes_all && el("li", {}, state("warn", t("That server accepts mail for any address, so mistyped addresses won't be rejected."))), el("li", {}, went)), { flush: true, actions: [button(t("Change…"), () => void set(desk, edited(found))), button(t("Stop…"), () => void end())], hint: found.disabled ? t("This domain is disabled. All mail is forwarded to the old server.") : t("Mail to unknown addresses is forwarded to the old server.") });
}
var edited = (found) => ({ ...found, elsewhere: found.hosts.map((one) => one.host) });
export {
  pages,
  peer
};
