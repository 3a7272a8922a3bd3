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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
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

var arrowDown = "M12 5v14 M19 12l-7 7-7-7";
var arrowUp = "M5 12l7-7 7 7 M12 19V5";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var filter = "M10 20a1 1 0 0 0 .553.895l2 1A1 1 0 0 0 14 21v-7a2 2 0 0 1 .517-1.341L21.74 4.67A1 1 0 0 0 21 3H3a1 1 0 0 0-.742 1.67l7.225 7.989A2 2 0 0 1 10 14z";
var gripVertical = "M8 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M8 5a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M8 19a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M14 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M14 5a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M14 19a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
var x = "M18 6 6 18 M6 6l12 12";

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

var parts = ["from", "to", "subject", "text", "list", "larger", "attachment"];
var tests = ["contains", "is", "begins", "ends"];
var most = 50;
function givenRule(text2) {
  if (text2 === void 0) return null;
  try {
    const { match, conditions: conditions2 } = JSON.parse(text2);
    if (!Array.isArray(conditions2) || conditions2.length > most) return null;
    const all = conditions2.map(({ part, test, value }) => ({ part, test, value }));
    const valid = all.every(({ part, test, value }) => parts.includes(part) && tests.includes(test) && typeof value === "string");
    return valid ? { match: match === "any" ? "any" : "all", conditions: all } : null;
  } catch {
    return null;
  }
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
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function foreign(value, most2 = 300) {
  const shown = visible(value);
  if (shown.length <= most2) return el("bdi", {}, shown);
  const words2 = el("bdi", {}, `${shown.slice(0, most2)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words2, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words2, rest);
}
function brief(value, most2 = 200) {
  const shown = visible(value);
  return el("bdi", {}, shown.length <= most2 ? shown : `${shown.slice(0, most2)}…`);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text2, ...actions2) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions2);
}
function empty(path, title, text2, ...actions2) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions2);
}

var securities = { tls: "TLS", starttls: "STARTTLS", plain: t("not encrypted") };
function addressName(one) {
  return one.address.startsWith("@") ? t("All other addresses at {domain}", { domain: one.address.slice(1) }) : one.address;
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

var piece = 100;
async function applyToExisting(desk, place, source, count) {
  const moves = [];
  const title = t("Apply to existing mail");
  let looked = 0;
  let stopped = false;
  const show = (content, ...actions2) => fill(place, card(title, [content, actions2.length > 0 && el("div", { class: "flex wrap gap" }, actions2)]));
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
  const pieces = [...groups].flatMap(([target2, ids]) => Array.from({ length: Math.ceil(ids.length / piece) }, (_, n) => ({ ids: ids.slice(n * piece, (n + 1) * piece), target: target2 })));
  if (moves.length === 0) return show(notice("ok", many(looked, "The message would stay in {mailbox}.", "All {n} messages would stay in {mailbox}.", { mailbox: mailboxName(source) })));
  const list = el("ul", { class: "lines" }, [...groups].map(([target2, ids]) => el("li", {}, el("span", { class: "grow" }, foreign(target2, 100)), el("span", { class: "muted" }, many(ids.length, "{n} message", "{n} messages")))));
  const words2 = many(looked, "The message in {mailbox} would move to:", "{moves} of {n} messages in {mailbox} would move to:", { mailbox: mailboxName(source), moves: moves.length });
  show(el("div", {}, el("p", {}, words2), list, stopped && el("p", { class: "hint" }, t("Stopped early. Older messages weren't checked."))), button(t("Move messages"), () => void move(0), { kind: "primary" }), button(t("Don't move"), () => fill(place), { kind: "text" }));
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

var fresh = { conditions: [], match: "all", mailbox: "", label: "", star: false, read: false, forward_to: [], never_junk: false, smtp_mail_from_regexp: "", msg_from_regexp: "", verified_domain: "", headers_regexp: [], is_forward: false, list_allow_domain: "", accept_rejects_to_mailbox: "", comment: "" };
var blank = { part: "from", test: "contains", value: "" };
function mailbox(label, value, names, hint = null) {
  const id = "mailbox-names";
  const made2 = line(label, value, hint, { list: id });
  made2.root.append(el("datalist", { id }, names.map((name) => el("option", { value: name }))));
  return made2;
}
var newFolder = "\n";
function target(value, names) {
  const acts = [["Archive", t("Archive")], ["Trash", t("Move to Trash")]];
  const known = acts.filter(([name2]) => names.includes(name2));
  const others = [...new Set(value === "" ? names : [...names, value])].filter((name2) => !known.some(([act]) => act === name2));
  const made2 = choice(t("Move to"), [["", t("Default folder")], ...known, ...others.map((name2) => [name2, mailboxName(name2)]), [newFolder, t("New folder…")]], value);
  const name = el("input", { type: "text", maxlength: "250", placeholder: t("Folder name"), "aria-label": t("Folder name"), hidden: true });
  made2.control.addEventListener("input", () => {
    name.hidden = made2.control.value !== newFolder;
    if (!name.hidden) name.focus();
  });
  made2.control.after(name);
  return { ...made2, read: () => name.hidden ? made2.control.value : name.value.trim() };
}
var parts2 = [["from", () => meant("rule", "From")], ["to", () => meant("rule", "To")], ["subject", () => meant("rule", "Subject")], ["text", () => t("Any text")], ["list", () => t("Mailing list")], ["larger", () => t("Larger than (MB)")], ["attachment", () => t("Has an attachment")]];
var tests2 = [["contains", () => meant("rule", "contains")], ["is", () => meant("rule", "is")], ["begins", () => t("begins with")], ["ends", () => t("ends with")]];
var partName = (part) => parts2.find(([one]) => one === part)[1]();
function said({ part, test, value }) {
  if (part === "attachment") return t("Has an attachment");
  if (part === "larger") return t("larger than {size}", { size: value.replace(/m$/i, " MB") });
  const values = { part: partName(part), text: value };
  if (test === "is") return t("{part} is “{text}”", values);
  if (test === "begins") return t("{part} begins with “{text}”", values);
  if (test === "ends") return t("{part} ends with “{text}”", values);
  return t("{part} contains “{text}”", values);
}
function conditions(rule) {
  const words2 = (rule.conditions ?? []).map(said);
  return [words2.length < 2 || rule.match !== "any" ? words2.join(", ") : t("any of: {conditions}", { conditions: words2.join(", ") }), rule.msg_from_regexp !== "" ? t("From matches {pattern}", { pattern: rule.msg_from_regexp }) : "", rule.smtp_mail_from_regexp !== "" ? t("envelope sender matches {pattern}", { pattern: rule.smtp_mail_from_regexp }) : "", rule.verified_domain !== "" ? t("from verified domain {domain}", { domain: rule.verified_domain }) : "", ...rule.headers_regexp.map((one) => t("{name} matches {pattern}", { name: one.name, pattern: one.value })), rule.list_allow_domain !== "" ? t("mailing list at {domain}", { domain: rule.list_allow_domain }) : "", rule.is_forward ? t("forwarded") : ""].filter((text2) => text2 !== "").join(", ");
}
function actions(rule, labels) {
  const label = labels.find((one) => one.keyword === rule.label)?.name ?? rule.label;
  return [rule.mailbox !== "" ? t("move to {mailbox}", { mailbox: mailboxName(rule.mailbox) }) : "", rule.label !== "" ? t("label “{label}”", { label }) : "", rule.star ? meant("rule", "flag") : "", rule.read ? t("mark as read") : "", rule.forward_to.length > 0 ? t("forward to {addresses}", { addresses: rule.forward_to.join(", ") }) : "", rule.never_junk ? t("Never junk") : ""].filter((text2) => text2 !== "").join(", ");
}
function small(path, name, run, disabled = false) {
  return el("button", { class: "btn icon small", type: "button", title: name, "aria-label": name, disabled, onclick: run }, sign(path, "i s"));
}
function ruleFields(number, rule, names, put, named) {
  const text2 = (key, label2, hint) => {
    const one = line(label2, rule[key], hint);
    one.control.addEventListener("input", () => put({ [key]: one.control.value }));
    return named(key, one);
  };
  const rejects = mailbox(t("Move rejected mail to"), rule.accept_rejects_to_mailbox, names.mailboxes, t("Mail will be moved here instead of being rejected."));
  rejects.control.addEventListener("input", () => put({ accept_rejects_to_mailbox: rejects.control.value }));
  const forward = tick(t("Forwarded mail"), rule.is_forward, t("For mail forwarded by a service at the verified domain. The junk filter will ignore the service itself. Requires an envelope sender and a verified domain."));
  forward.control.addEventListener("change", () => put({ is_forward: forward.control.checked }));
  const folder = target(rule.mailbox, names.mailboxes);
  folder.root.addEventListener("input", () => put({ mailbox: folder.read() }));
  const label = choice(meant("rule", "Label"), [["", t("No label")], ...labelsOf(rule, names.labels)], rule.label);
  label.control.addEventListener("change", () => put({ label: label.control.value }));
  const star = tick(t("Flag"), rule.star);
  star.control.addEventListener("change", () => put({ star: star.control.checked }));
  const read2 = tick(t("Mark as read"), rule.read);
  read2.control.addEventListener("change", () => put({ read: read2.control.checked }));
  const junk = tick(t("Never junk"), rule.never_junk, t("Only if the sender is verified."));
  junk.control.addEventListener("change", () => put({ never_junk: junk.control.checked }));
  const forwards = line(t("Forward a copy to"), rule.forward_to.join(" "), t("Forwarding starts when the recipient confirms by email. Separate addresses with spaces."));
  forwards.control.addEventListener("input", () => put({ forward_to: forwards.control.value.split(/[\s,]+/).filter((word) => word !== "") }));
  const patterns = [rule.msg_from_regexp, rule.verified_domain, rule.smtp_mail_from_regexp, rule.list_allow_domain];
  const special = rule.headers_regexp.length > 0 || rule.is_forward || rule.accept_rejects_to_mailbox !== "";
  return card(t("Rule {n}", { n: number }), el("div", { class: "form" }, words(rule, put, named), el("h3", {}, t("Then")), el("div", { class: "rule-actions" }, named("mailbox", folder).root, named("label", label).root, named("forward_to", forwards).root, el("div", { class: "form" }, star.root, read2.root, junk.root)), el("details", { open: special || patterns.some((text22) => text22 !== "") }, el("summary", {}, t("More options: name, patterns, and headers")), el("div", { class: "form gap" }, text2("comment", t("Rule name"), t("Only you can see this.")).root, text2("msg_from_regexp", t("From pattern"), t("Pattern for the From address, in lowercase. For a domain, use @example\\.org$.")).root, text2("verified_domain", t("Verified domain"), t("Verified by SPF or DKIM. Includes subdomains.")).root, headers(rule, put, named), text2("smtp_mail_from_regexp", t("Envelope sender"), t("Pattern for the bounce address. Useful for lists and forwarding.")).root, text2("list_allow_domain", t("Mailing list domain"), t("Mail from this verified domain skips the junk filter.")).root, named("is_forward", forward).root, named("accept_rejects_to_mailbox", rejects).root))));
}
function labelsOf(rule, labels) {
  const known = labels.map((one) => [one.keyword, one.name]);
  const own = rule.label !== "" && !labels.some((one) => one.keyword === rule.label);
  return own ? [...known, [rule.label, rule.label]] : known;
}
function words(rule, put, named) {
  const rows = el("div", { class: "form" });
  const draw = () => {
    const change = (index, other) => put({ conditions: rule.conditions.map((old, i) => i === index ? { ...old, ...other } : old) });
    const lines = rule.conditions.map((one, index) => conditionRow(one, index, (other) => change(index, other), () => {
      put({ conditions: rule.conditions.filter((_, i) => i !== index) });
      draw();
    }, draw, named));
    fill(rows, lines);
    match.root.hidden = rule.conditions.length < 2;
  };
  const match = choice(t("Match conditions"), [["all", t("If all of these match")], ["any", t("If any of these match")]], rule.match);
  match.control.addEventListener("change", () => put({ match: match.control.value }));
  const add = button(t("Add condition"), () => {
    put({ conditions: [...rule.conditions, { ...blank }] });
    draw();
    rows.querySelector(".condition:last-child select")?.focus();
  }, { kind: "text small", icon: plus });
  draw();
  return el("div", { class: "form" }, match.root, rows, el("div", {}, add));
}
function conditionRow(one, index, change, drop, redraw, named) {
  const error = el("span", { class: "error", hidden: true });
  const select = (name, all, chosen) => el("select", { class: "input", "aria-label": name }, all.map(([value2, text2]) => el("option", { value: value2, selected: value2 === chosen }, text2())));
  const part = select(t("Message part"), parts2, one.part);
  part.addEventListener("change", () => {
    const next = part.value;
    const keeps = next !== "attachment" && next !== "larger" && one.part !== "larger";
    change({ part: next, test: next === one.part ? one.test : "contains", value: keeps ? one.value : "" });
    redraw();
  });
  const test = select(t("Comparison"), one.part === "text" ? tests2.slice(0, 1) : tests2, one.test);
  test.addEventListener("change", () => change({ test: test.value }));
  const size = one.part === "larger";
  const value = el("input", { class: "input", type: "text", autocomplete: "off", spellcheck: "false", "aria-label": partName(one.part), inputmode: size ? "numeric" : "text", maxlength: "500" });
  value.value = size ? one.value.replace(/m$/i, "") : one.value;
  value.addEventListener("input", () => {
    const typed = value.value.trim();
    change({ value: size && /^\d+$/.test(typed) ? `${typed}m` : value.value });
  });
  named(`conditions[${index}]`, { problem: (text2) => {
    error.hidden = text2 === "";
    value.setAttribute("aria-invalid", String(text2 !== ""));
    fill(error, text2);
  } });
  const kind = one.part === "attachment" ? "bare" : size ? "sized" : "";
  return el("div", { class: `condition ${kind}`, role: "group", "aria-label": t("Condition {n}", { n: index + 1 }) }, part, kind === "" && test, kind !== "bare" && value, small(x, t("Remove condition"), drop), error);
}
function headers(rule, put, named) {
  const rows = el("div", { class: "form" });
  const error = el("span", { class: "error", hidden: true });
  named("headers_regexp", { problem: (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  } });
  const draw = () => fill(rows, rule.headers_regexp.map((one, index) => {
    const change = (other) => put({ headers_regexp: rule.headers_regexp.map((old, i) => i === index ? { ...old, ...other } : old) });
    const name = line(t("Header field"), one.name, null, { placeholder: "^list-id$" });
    const value = line(t("Value"), one.value);
    name.control.addEventListener("input", () => change({ name: name.control.value }));
    value.control.addEventListener("input", () => change({ value: value.control.value }));
    const drop = small(x, t("Remove condition"), () => {
      put({ headers_regexp: rule.headers_regexp.filter((_, i) => i !== index) });
      draw();
    });
    return el("div", { class: "header-row" }, name.root, value.root, drop);
  }), el("div", {}, button(t("Header field matches…"), () => {
    put({ headers_regexp: [...rule.headers_regexp, { name: "", value: "" }] });
    draw();
  }, { kind: "text small", icon: plus }), error));
  draw();
  return rows;
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

var quiet = 700;
var few = 5;
var Preview = class {
  constructor(desk, address) {
    this.desk = desk;
    this.address = address;
  }
  desk;
  address;
  root = el("div", { class: "rule-preview", role: "status" });
  timer = 0;
  asked = 0;
  running = false;
  show(rules2, index) {
    const number = ++this.asked;
    clearTimeout(this.timer);
    const rule = rules2[index];
    if (rule === void 0) {
      fill(this.root);
      return;
    }
    if (!isWhole(rule)) {
      this.say(t("To see matching mail here, complete the rule."));
      return;
    }
    this.timer = window.setTimeout(() => void this.ask(number, rules2.map((one) => ({ ...one })), index), quiet);
  }
  async ask(number, rules2, index) {
    if (this.running) {
      this.timer = window.setTimeout(() => void this.ask(number, rules2, index), quiet);
      return;
    }
    this.running = true;
    try {
      const tried = rules2.map((rule, at) => at <= index && isWhole(rule) ? rule : null);
      const sent = tried.filter((rule) => rule !== null);
      const own = sent.indexOf(tried[index]);
      const found = await this.desk.client.rules_try(this.address, sent);
      if (number === this.asked) this.tell(found.messages.filter((one) => one.rule === own), found.messages.length);
    } catch {
      if (number === this.asked) this.say(t("Couldn't preview this rule. Save it to see what's wrong."));
    } finally {
      this.running = false;
    }
  }
  say(text2) {
    fill(this.root, card(t("Matching mail"), el("p", { class: "hint" }, text2)));
  }
  tell(taken, all) {
    if (all === 0) {
      this.say(t("You haven't received mail at this address over SMTP yet, so you can't test the rules."));
      return;
    }
    const count = many(all, "Matches {found} of {n} message", "Matches {found} of the last {n} messages", { found: taken.length });
    fill(this.root, card(t("Matching mail"), [el("p", {}, el("b", {}, count)), el("ul", { class: "preview-list" }, taken.slice(0, few).map((one) => el("li", {}, el("span", { class: "muted" }, foreign(one.sender, 60), " · ", when(microseconds(one.received))), el("span", {}, foreign(one.subject, 120))))), taken.length > few && el("p", { class: "hint" }, t("and {n} more", { n: taken.length - few }))]));
  }
};
function isWhole(rule) {
  const acts = [rule.mailbox, rule.label, rule.star, rule.read, rule.never_junk, rule.list_allow_domain, rule.is_forward];
  return conditions(rule) !== "" && rule.conditions.every((one) => one.part === "attachment" || one.value.trim() !== "") && (acts.some((one) => one !== "" && one !== false) || rule.forward_to.length > 0 || rule.accept_rejects_to_mailbox !== "");
}

async function convert(desk, item, rules2) {
  const made2 = {};
  if (!await attempt(t("Converting…"), t("Couldn't convert rules"), async () => made2.found = await desk.client.rules_as_sieve([...rules2]))) return;
  const { script, left_out: leftOut } = made2.found;
  const keep = await dialog(t("Your rules as a Sieve script"), (close) => [el("p", { class: "dialog-text" }, t("The script runs for all your addresses, after their rules. To use the script instead, save it, then delete the rules here.")), leftOut.length > 0 && notice("warn", el("ul", { class: "faults" }, leftOut.map((one) => el("li", {}, placed(t("Rule {number}: {reason}", { number: one.rule + 1 }), { reason: foreign(one.reason) }))))), el("pre", { class: "code-shown", tabindex: "0" }, script), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Close")), el("button", { class: "btn primary", type: "button", onclick: () => close(true) }, t("Save as script")))].filter((one) => one !== false));
  if (keep !== true) return;
  const name = t("rules for {address}", { address: item.address });
  if (await attempt(t("Saving…"), t("Couldn't save script"), () => desk.client.account_sieve_put(name, script, false, null))) desk.go(`#scripts/edit/${encodeURIComponent(name)}`);
}
function version(title, form, keep) {
  return card(title, el("ol", { class: "versions" }, form.map((rule) => el("li", {}, foreign(rule.comment || mailboxName(rule.mailbox)), el("span", { class: "hint" }, " ", foreign(conditions(rule), 200))))), { actions: keep });
}
function triedOn(found, mailbox2) {
  const taken = found.messages.filter((one) => one.rule !== null);
  const others = found.messages.length - taken.length;
  if (found.messages.length === 0) {
    return notice("unknown", t("You haven't received mail at this address over SMTP yet, so you can't test the rules."));
  }
  return card(t("Test rules"), [!found.complete && notice("warn", t("Timed out before all messages were checked.")), el("ul", { class: "lines" }, taken.slice(0, 100).map((one) => el("li", {}, el("span", { class: "chip" }, t("Rule {n}", { n: one.rule + 1 })), el("span", { class: "grow" }, el("b", {}, foreign(one.sender, 60)), " ", el("span", { class: "muted" }, foreign(one.subject, 120))), el("span", { class: "muted" }, when(microseconds(one.received))))))], { flush: true, hint: many(found.messages.length, "Rules match {taken} of {n} message. {others} would go to {mailbox}.", "Rules match {taken} of the last {n} messages. {others} would go to {mailbox}.", { taken: taken.length, others, mailbox: mailboxName(mailbox2) }) });
}

var Rules = class {
  constructor(desk, item, names) {
    this.desk = desk;
    this.item = item;
    this.names = names;
    this.rules = item.form.rulesets.map((rule) => ({ ...fresh, ...rule }));
    this.preview = new Preview(desk, item.address);
    const add = button(t("New rule"), () => this.add(), { icon: plus });
    const test = button(t("Test rules"), () => void this.tryIt());
    const save = button(t("Save"), () => void this.save(), { kind: "primary" });
    this.apply = button(t("Apply to existing mail"), () => void applyToExisting(desk, this.tried, item.form.mailbox, (after) => desk.client.rules_count(item.address, this.rules, after)));
    fill(this.bar, save, test, this.apply, button(t("Undo changes"), () => void this.anew(), { kind: "text" }), el("details", {}, el("summary", {}, t("More")), button(t("Show as Sieve"), () => void convert(desk, item, this.rules))), this.error);
    const all = el("div", { data: { kept: "" } });
    all.addEventListener("keep", (event) => {
      const { detail } = event;
      if (detail.value === void 0) detail.value = this.rules;
      else {
        this.rules.splice(0, Infinity, ...structuredClone(detail.value));
        this.edit(-1);
      }
    });
    fill(this.root, all);
    fill(all, card(t("Rules"), [this.list, el("p", { class: "hint foot-note" }, t("To reorder, drag a rule or press Alt and an arrow key. All other mail goes to {mailbox}.", { mailbox: mailboxName(item.form.mailbox) }))], { flush: true, actions: add }), el("div", { class: "rule-editor" }, this.editor, this.preview.root), this.bar, this.tried);
    this.draw();
  }
  desk;
  item;
  names;
  root = el("div", { data: { form: "" } });
  rules;
  list = el("ol", { class: "rules", "aria-label": t("Rules, in order") });
  editor = el("div", {});
  preview;
  tried = el("div", { class: "gap", role: "status" });
  bar = el("div", { class: "bar" });
  error = el("p", { class: "error", role: "alert", hidden: true });
  apply;
  open = -1;
  dragged = -1;
  fields = {};
  changed() {
    return JSON.stringify(this.rules) !== JSON.stringify(this.item.form.rulesets.map((rule) => ({ ...fresh, ...rule })));
  }
  draw(focus = -1) {
    this.bar.hidden = this.rules.length === 0 && !this.changed();
    this.apply.disabled = this.rules.length === 0 || this.changed();
    if (this.rules.length === 0) {
      fill(this.list, el("li", {}, empty(filter, t("No rules yet"), t("Use rules to move new mail from a sender or list to a folder. Right now, all mail goes to {mailbox}.", { mailbox: mailboxName(this.item.form.mailbox) }))));
      return;
    }
    fill(this.list, this.rules.map((rule, index) => this.row(rule, index)));
    if (focus >= 0) this.list.querySelectorAll("button.rule-name")[focus]?.focus();
  }
  row(rule, index) {
    const name = el("button", { class: "rule-name", type: "button", "aria-expanded": String(index === this.open), onclick: () => this.edit(index === this.open ? -1 : index) }, el("b", {}, brief(rule.comment || actions(rule, this.names.labels) || t("new rule"))), el("span", { class: "hint" }, brief(conditions(rule) || t("no conditions yet"))), rule.comment !== "" && el("span", { class: "hint" }, "→ ", brief(actions(rule, this.names.labels))));
    name.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
      if (!event.altKey || step === 0) return;
      event.preventDefault();
      this.move(index, index + step);
    });
    const li = el("li", { class: index === this.open ? "rule open" : "rule", draggable: "true" }, el("span", { class: "grip", "aria-hidden": "true" }, sign(gripVertical)), name, el("span", { class: "flex" }, small(arrowUp, t("Move up"), () => this.move(index, index - 1), index === 0), small(arrowDown, t("Move down"), () => this.move(index, index + 1), index === this.rules.length - 1), small(x, t("Delete"), () => this.remove(index))));
    li.addEventListener("dragstart", (event) => {
      this.dragged = index;
      event.dataTransfer?.setData("text/plain", String(index));
    });
    li.addEventListener("dragover", (event) => this.dragged >= 0 && event.preventDefault());
    li.addEventListener("drop", (event) => {
      event.preventDefault();
      if (this.dragged >= 0) this.move(this.dragged, index);
      this.dragged = -1;
    });
    return li;
  }
  add(fields = { conditions: [{ ...blank }] }) {
    this.rules.push({ ...fresh, ...fields });
    this.edit(this.rules.length - 1);
    this.editor.querySelector("input")?.focus();
  }
  remove(index) {
    this.rules.splice(index, 1);
    this.edit(-1);
    this.draw(Math.min(index, this.rules.length - 1));
  }
  move(from, to) {
    const rule = this.rules[from];
    if (rule === void 0 || to < 0 || to >= this.rules.length) return;
    this.rules.splice(from, 1);
    this.rules.splice(to, 0, rule);
    if (this.open >= 0) this.edit(-1);
    this.draw(to);
  }
  edit(index) {
    this.open = index;
    const rule = this.rules[index];
    this.fields = {};
    this.preview.show(this.rules, index);
    if (rule === void 0) {
      fill(this.editor);
      this.draw();
      return;
    }
    const put = (change) => {
      Object.assign(rule, change);
      this.draw();
      this.preview.show(this.rules, index);
    };
    const named = (key, one) => {
      this.fields[`rulesets[${this.open}].${key}`] = one;
      return one;
    };
    fill(this.editor, ruleFields(index + 1, rule, this.names, put, named));
    this.draw();
  }
  complain(text2) {
    this.error.hidden = text2 === "";
    fill(this.error, text2);
  }
  mistakes(error) {
    const fields = error instanceof Error && "fields" in error ? error.fields : [];
    const rule = /^rulesets\[(\d+)\]/.exec(fields[0]?.field ?? "")?.[1];
    if (rule !== void 0 && Number(rule) !== this.open) this.edit(Number(rule));
    try {
      atFields(error, this.fields);
      this.complain(t("To save your changes, fix the errors in rule {n}.", { n: Number(rule ?? 0) + 1 }));
    } catch (rest) {
      this.complain(messageOf(rest));
    }
  }
  async save() {
    this.complain("");
    try {
      await this.put(this.item);
    } catch (error) {
      if (codeOf(error) === "user:conflict") await this.conflict(error);
      else this.mistakes(error);
      return;
    }
    this.desk.say(t("Rules saved"));
    await this.anew();
  }
  async anew() {
    saved(this.root);
    await this.desk.refresh();
  }
  async put(old) {
    await this.desk.client.account_rule_set(old.address, { rulesets: this.rules }, { rulesets: old.form.rulesets });
  }
  async conflict(error) {
    const theirs = (await this.desk.client.account_rule_list()).find((one) => one.address === this.item.address);
    if (theirs === void 0) {
      this.complain(messageOf(error));
      return;
    }
    const mine = button(t("Keep mine"), () => void this.force(theirs), {});
    const his = button(t("Use other version"), () => void this.anew(), {});
    fill(this.tried, notice("warn", t("These settings were changed elsewhere, so your changes weren't saved.")), el("div", { class: "cols gap" }, version(t("Your version"), this.rules, mine), version(t("Current version"), theirs.form.rulesets, his)));
  }
  async force(theirs) {
    if (await attempt(t("Saving…"), t("Couldn't save rules"), () => this.put(theirs))) await this.anew();
  }
  async tryIt() {
    this.complain("");
    fill(this.tried, notice("wait", t("Testing rules on your mail…")));
    let found;
    try {
      found = await this.desk.client.rules_try(this.item.address, this.rules);
    } catch (error) {
      fill(this.tried);
      this.mistakes(error);
      return;
    }
    fill(this.tried, triedOn(found, this.item.form.mailbox));
  }
};

var rules = async (desk) => {
  const [all, mailboxes, labels] = await Promise.all([desk.client.account_rule_list(), desk.client.mailboxes(), desk.client.rule_labels()]);
  const chosen = all.find((one) => one.address === desk.path[0]) ?? all[0];
  if (chosen === void 0) return { title: t("Rules"), root: el("div", { class: "page" }, head(t("Rules"), ""), empty(filter, t("No addresses"), t("To create rules, you need an address. This account doesn't have one."))) };
  const editor = new Rules(desk, chosen, { mailboxes: mailboxes.map((one) => one.name), labels });
  const given = givenRule(desk.path[1]);
  if (given !== null) {
    history.replaceState(null, "", `#rules/${encodeURIComponent(chosen.address)}`);
    editor.add({ match: given.match, conditions: [...given.conditions] });
  }
  const root = el("div", { class: "page" }, head(t("Rules"), t("Only the first matching rule applies."), all.length > 1 && pick(desk, all, chosen)), editor.root);
  return { title: t("Rules"), root };
};
function pick(desk, all, chosen) {
  const list = choice(t("Address"), all.map((one) => [one.address, addressName(one)]), chosen.address);
  list.control.addEventListener("change", () => desk.go(`#rules/${encodeURIComponent(list.control.value)}`));
  return list.root;
}
var pages = { rules };
export {
  pages
};
