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
function pairs(entries) {
  return el("dl", { class: "pair" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function iconButton(name, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name, title: name, onclick: run }, sign(path, "i s"));
}
function meter(share) {
  const bar = el("i", { class: share >= 0.9 ? "warn" : void 0 });
  bar.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}

var tests = [["contains", () => meant("rule", "contains")], ["is", () => meant("rule", "is")], ["begins", () => t("begins with")], ["ends", () => t("ends with")]];

var special = /[\\^$.|?*+()[\]{}]/g;
var piece = /^(\^?)((?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])+)(\$?)$/;
var ends = { contains: ["", ""], is: ["^", "$"], begins: ["^", ""], ends: ["", "$"] };
function conditionsOf(pattern) {
  if (pattern === "") return [];
  const grouped2 = /^(\^?)\(((?:[^\\()]|\\.)*)\)(\$?)$/s.exec(pattern);
  const [before = "", inside = pattern, after = ""] = grouped2?.slice(1) ?? [];
  const found = [];
  for (const one of inside.split(/(?<=(?:^|[^\\])(?:\\\\)*)\|/)) {
    const match = piece.exec(before + one + after);
    if (match === null) return null;
    const test = Object.keys(ends).find((name) => ends[name][0] === match[1] && ends[name][1] === match[3]);
    found.push([test, match[2].replace(/\\(.)/g, "$1")]);
  }
  return found;
}
function patternOf(conditions) {
  return conditions.filter(([, name]) => name !== "").map(([test, name]) => ends[test][0] + name.toLowerCase().replace(special, "\\$&") + ends[test][1]).join("|");
}
var Folders = class {
  constructor(title, pattern, names, matching) {
    this.names = names;
    this.matching = matching;
    this.pattern = line(t("Pattern"), pattern, t("Lowercase pattern for folder names."));
    this.pattern.control.addEventListener("input", () => this.draw());
    this.root = el("fieldset", { class: "group form" }, el("legend", {}, title), this.rows, this.hint, el("div", {}, this.add), el("details", { open: conditionsOf(pattern) === null }, el("summary", {}, t("More")), el("div", { class: "form gap" }, this.pattern.root)));
    this.draw();
  }
  names;
  matching;
  root;
  rows = el("div", { class: "form" });
  hint = el("span", { class: "hint", role: "status" });
  pattern;
  add = button(t("Add condition"), () => this.append(), { kind: "text small", icon: plus });
  get value() {
    return this.pattern.control.value;
  }
  problem(text2) {
    this.root.querySelector("details").open = true;
    this.pattern.problem(text2);
  }
  append() {
    this.draw([...conditionsOf(this.value) ?? [], ["is", ""]]);
    this.rows.querySelector(".condition:last-child input")?.focus();
  }
  draw(conditions = conditionsOf(this.value) ?? []) {
    const put = (changed) => {
      this.pattern.control.value = patternOf(changed);
      this.pattern.problem("");
      this.tell();
    };
    const current = [...conditions];
    fill(this.rows, current.map((_, index) => this.row(current, index, put)));
    this.tell();
  }
  row(current, index, put) {
    const [chosen, given] = current[index];
    const test = el("select", { class: "input", "aria-label": t("Comparison") }, tests.map(([value, text2]) => el("option", { value, selected: value === chosen }, text2())));
    const name = el("input", { class: "input", type: "text", autocomplete: "off", spellcheck: "false", "aria-label": t("Folder name"), list: this.names, maxlength: "200" });
    name.value = given;
    const change = () => {
      current[index] = [test.value, name.value.trim()];
      put(current);
    };
    test.addEventListener("change", change);
    name.addEventListener("input", change);
    const drop = iconButton(t("Remove condition"), x, () => {
      const rest = current.filter((_, other) => other !== index);
      put(rest);
      this.draw(rest);
    });
    return el("div", { class: "condition sized", role: "group", "aria-label": t("Condition {n}", { n: index + 1 }) }, test, name, drop);
  }
  tell() {
    this.hint.textContent = this.matching(this.value);
    this.add.hidden = conditionsOf(this.value) === null;
  }
};

var period = 1e3;
var junk = async (desk) => {
  const found = await desk.client.account_junk_show();
  return { title: t("Junk"), root: el("div", { class: "page" }, head(t("Junk"), ""), learned(desk, found), settings(desk, found)) };
};
function learned(desk, found) {
  if (found.form.junk_filter === null) return card(t("Junk filter"), notice("off", t("The junk filter is off, so mail isn't classified by content.")));
  const young = found.lacks.length > 0;
  const few = !young && found.spams * 10 < found.hams;
  const messages = (kind, count) => {
    const lack = found.lacks.find((one) => one.kind === kind);
    if (lack === void 0) return many(count, "{n} message", "{n} messages");
    return many(lack.needed, "{done} of {n} message", "{done} of {n} messages", { done: count });
  };
  const progress = el("div", { class: "gap", role: "status" });
  const teach = button(t("Train with Archive and Junk"), async () => {
    const done = {};
    const work = async () => {
      const taught = await desk.client.junk_teach();
      done.text = t("Training with {wanted} good and {junk} junk messages", { wanted: taught.wanted, junk: taught.junk });
    };
    if (!await attempt(t("Training junk filter…"), t("Couldn't train junk filter"), work)) return;
    desk.say(done.text);
    await desk.refresh();
  }, { kind: young ? "primary" : "line" });
  const retrain = button(t("Retrain"), () => void again(desk, progress));
  return card(t("Training data"), [pairs([[t("Not junk"), messages("hams", found.hams)], [t("Junk"), messages("spams", found.spams)], [t("Moved to Junk in the last 7 days"), many(found.filed, "{n} message", "{n} messages")], [t("Rejected in the last 7 days"), many(found.refused, "{n} message", "{n} messages")]]), young && el("p", { class: "gap" }, t("The filter needs more training. You can train the filter with the mail in Archive and Junk. Messages you've already marked won't change.")), found.hams === 0 && el("p", { class: "gap" }, t("You haven't filed any good mail yet. Moving mail to Archive trains the filter.")), few && el("p", { class: "gap" }, many(found.spams, "{n} junk message and {wanted} others: too few junk messages to catch much. To catch more junk, mark it as junk.", "{n} junk messages and {wanted} others: too few junk messages to catch much. To catch more junk, mark it as junk.", { wanted: found.hams })), el("div", { class: "flex wrap gap" }, teach, retrain), progress, inbox(desk, found)]);
}
function inbox(desk, found) {
  const lacking = found.lacks.some(({ kind }) => kind === "hams" || kind === "ham-senders");
  const perform = async (work) => {
    const done = {};
    if (!await attempt(t("Training junk filter…"), t("Couldn't train junk filter"), async () => done.text = await work())) return;
    desk.say(done.text);
    await desk.refresh();
  };
  const mark2 = async () => {
    const text2 = t("These messages will be marked as not junk, so the filter learns from them. If some are junk, move them to Junk first. You can undo this.");
    if (!await confirm(t("Train with Inbox?"), text2, t("Train with Inbox"))) return;
    await perform(async () => many(await desk.client.account_junk_mark_inbox(), "Marked {n} message as not junk", "Marked {n} messages as not junk"));
  };
  const unmark = () => perform(async () => many(await desk.client.account_junk_unmark_inbox(), "Removed mark from {n} message", "Removed mark from {n} messages"));
  return [lacking && found.kept > 0 && [el("p", { class: "gap" }, many(found.kept, "Your Inbox has {n} read message older than 14 days. If it isn't junk, the filter can learn from it.", "Your Inbox has {n} read messages older than 14 days. If they aren't junk, the filter can learn from them.")), el("div", { class: "flex wrap gap" }, button(t("Train with Inbox"), mark2))], found.marked > 0 && [el("p", { class: "gap" }, many(found.marked, "The filter was trained with {n} Inbox message.", "The filter was trained with {n} Inbox messages.")), el("div", { class: "flex wrap gap" }, button(t("Undo"), unmark))]];
}
async function again(desk, place) {
  if (!await confirm(t("Retrain the junk filter?"), t("The filter will be rebuilt from messages you've marked as junk or not junk. It'll keep working in the meantime."), t("Retrain"))) return;
  const timer = setInterval(async () => {
    const { running, done, total } = await desk.client.junk_training();
    if (running) fill(place, meter(total === 0 ? 0 : done / total), el("p", { class: "hint" }, many(total, "{done} of {n} message", "{done} of {n} messages", { done })));
  }, period);
  const result = {};
  const ok = await attempt(t("Training junk filter…"), t("Couldn't train junk filter"), async () => result.count = await desk.client.junk_retrain());
  clearInterval(timer);
  fill(place);
  if (ok) desk.say(many(result.count ?? 0, "Trained with {n} message", "Trained with {n} messages"));
  if (ok && desk.shown()) await desk.refresh();
}
function settings(desk, found) {
  const old = found.form;
  const own = old.junk_filter ?? found.standard;
  const flags = old.automatic_junk_flags;
  const names = el("datalist", { id: "junk-mailboxes" }, found.mailboxes.map((name) => el("option", { value: name })));
  const on = tick(t("Filter junk by content"), old.junk_filter !== null);
  const comma = 0.5.toLocaleString(locale()).includes(",");
  const number = (label, value, hint) => line(label, comma ? String(value).replace(".", ",") : String(value), hint, { inputmode: "decimal" });
  const threshold = number(t("Junk if score is above"), own.threshold, t("The filter uses a lower limit if your good mail allows it."));
  const unsure = tick(t("Move probable junk to Junk, and only reject mail that's almost certainly junk"), own.file_unsure ?? false);
  const grams = [tick(t("Single words"), own.onegrams), tick(t("Word pairs"), own.twograms), tick(t("Groups of 3 words"), own.threegrams)];
  const power = number(t("Maximum word weight"), own.max_power, t("Keeps word scores at least this far from 0 and 1."));
  const top = number(t("Words in explanations"), own.top_words, t("Shows a message's strongest words."));
  const ignore = number(t("Ignored words"), own.ignore_words, t("Ignores words with scores this close to 0.5."));
  const rare = number(t("Rare words"), own.rare_words, t("Ignores words seen this many times or fewer."));
  const rejects = line(t("Keep rejected mail in"), old.rejects_mailbox, t("Leave blank to discard rejected mail. Mail in this folder is deleted after a few days."), { list: "junk-mailboxes" });
  const keep = tick(t("Keep rejected mail permanently"), old.keep_rejects);
  const intro = line(t("Folder for unknown senders"), old.introbox, t("Leave blank to use the Inbox."), { list: "junk-mailboxes" });
  const auto = tick(t("Classify messages by the folder you move them to"), flags.enabled);
  const matching = (pattern) => shown(found, pattern);
  const patterns = [new Folders(t("Junk folders"), flags.junk_mailbox_regexp, names.id, matching), new Folders(t("Neutral folders"), flags.neutral_mailbox_regexp, names.id, matching), new Folders(t("“Not junk” folders"), flags.not_junk_mailbox_regexp, names.id, (pattern) => pattern === "" ? t("Leave blank to use all other folders.") : matching(pattern))];
  const capabilities = line(t("Hidden IMAP capabilities"), old.imap_capabilities_disabled.join(" "), t("Uppercase, separated by spaces. For mail apps with compatibility problems."));
  const places = { "junk_filter.threshold": threshold, "junk_filter.max_power": power, "junk_filter.top_words": top, "junk_filter.ignore_words": ignore, "junk_filter.rare_words": rare, junk_filter: on, rejects_mailbox: rejects, introbox: intro, "automatic_junk_flags.junk_mailbox_regexp": patterns[0], "automatic_junk_flags.neutral_mailbox_regexp": patterns[1], "automatic_junk_flags.not_junk_mailbox_regexp": patterns[2], imap_capabilities_disabled: capabilities };
  const save = form([on.root, threshold.root, unsure.root, el("details", {}, el("summary", {}, t("Word scoring")), el("div", { class: "form gap" }, el("fieldset", { class: "group" }, el("legend", {}, t("Analyze")), grams.map((one) => one.root)), power.root, top.root, ignore.root, rare.root)), el("h3", {}, t("Folders")), rejects.root, keep.root, intro.root, el("h3", {}, t("Classification by folder")), auto.root, patterns.map((one) => one.root), el("h3", {}, t("IMAP")), capabilities.root, names], t("Save"), async () => {
    let bad = false;
    const read2 = (one, whole) => {
      const value = Number(one.control.value.replace(",", "."));
      const good = one.control.value.trim() !== "" && Number.isFinite(value) && value >= 0 && (!whole || Number.isInteger(value));
      if (!good) one.problem(whole ? t("Enter a whole number.") : t("Enter a number. For example, {n}", { n: found.standard.threshold }));
      bad ||= !good;
      return good ? value : 0;
    };
    const filter = { threshold: read2(threshold, false), onegrams: grams[0].control.checked, twograms: grams[1].control.checked, threegrams: grams[2].control.checked, max_power: read2(power, false), top_words: read2(top, true), ignore_words: read2(ignore, false), rare_words: read2(rare, true), file_unsure: unsure.control.checked };
    if (bad) return;
    const changed = { automatic_junk_flags: { enabled: auto.control.checked, junk_mailbox_regexp: patterns[0].value, neutral_mailbox_regexp: patterns[1].value, not_junk_mailbox_regexp: patterns[2].value }, junk_filter: on.control.checked ? filter : null, rejects_mailbox: rejects.control.value, keep_rejects: keep.control.checked, introbox: intro.control.value, imap_capabilities_disabled: capabilities.control.value.split(/\s+/).filter((word) => word !== "") };
    try {
      await desk.client.account_junk_set(changed, old);
    } catch (error) {
      atFields(error, places);
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  });
  return card(t("Settings"), save.root);
}
function shown(found, pattern) {
  if (pattern === "") return "";
  let matching;
  try {
    const compiled = new RegExp(pattern, "i");
    matching = found.mailboxes.filter((name) => compiled.test(name));
  } catch {
    return "";
  }
  if (matching.length === 0) return t("Doesn't match any of your folders.");
  const names = matching.slice(0, 10).join(", ");
  const count = (boxes) => boxes.reduce((sum, name) => sum + (found.latest[name] ?? 0), 0);
  const all = count(Object.keys(found.latest));
  if (all === 0) return t("Matches {names}", { names });
  return many(all, "Matches {names}, with {found} of {n} message", "Matches {names}, with {found} of the last {n} messages", { names, found: count(matching) });
}
var pages = { junk };
export {
  pages
};
