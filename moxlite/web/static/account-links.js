var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name2, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name2.slice(2), value);
    } else if (name2 === "data") {
      Object.assign(element.dataset, value);
    } else if (tag === "textarea" && name2 === "value") {
      element.textContent = String(value);
    } else {
      element.setAttribute(name2, value === true ? "" : read.has(name2) ? written(String(value)) : String(value));
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
function icon(path, name2 = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", path.startsWith("m") ? `${name2} along` : name2);
  svg.setAttribute("aria-hidden", "true");
  const line3 = document.createElementNS(namespace, "path");
  line3.setAttribute("d", path);
  svg.append(line3);
  return svg;
}
function sign(path, name2 = "i") {
  const svg = icon(path, name2);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name2) => {
    const value = values[name2];
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
function mailboxName(name2) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name2}`) ?? name2;
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
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var externalLink = "m15 3h6v6 M10 14 21 3 M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6";
var link = "M10 13a5 5 0 0 0 7.54.54l3-3a5 5 0 0 0-7.07-7.07l-1.72 1.71 M14 11a5 5 0 0 0-7.54-.54l-3 3a5 5 0 0 0 7.07 7.07l1.71-1.71";
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
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name2, text: text2 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name2 === key || name2.startsWith(`${key}.`) || name2.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name2} ${text2}`.trim());
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
  const unfolded = folds().map(({ open: open2 }) => open2);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name2 = called(before);
  const alike = () => [...root.querySelectorAll(before.tagName)].filter((one) => called(one) === name2);
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
function line2(title, label, value, action, send) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    return [el("form", { onsubmit: once(async () => input.value !== "" && send(input.value, close)) }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)))];
  });
}
var askToSave = async (title, label, value, action, save) => await line2(title, label, value, action, async (text2, close) => await save(text2) && close(true)) === true;
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

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name2) => arrows[name2] ?? globalThis.moxliteLanguage?.find(`key ${name2}`) ?? name2);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
}

var mirrored = () => document.documentElement.dir === "rtl";

var menu_default = ".menu{position:fixed;z-index:var(--z-menu, 8);display:grid;min-width:200px;max-width:calc(100vw - 16px);max-height:calc(100vh - 16px);padding:6px;overflow-y:auto;border:1px solid var(--line);border-radius:10px;background:var(--popup-background, var(--raised));box-shadow:var(--shadow-2)}.menu-item{display:flex;justify-content:space-between;align-items:center;gap:20px;min-height:32px;padding:4px 10px;border:0;background:none;text-align:start}.menu-line{width:100%;margin:6px 0;border:0;border-top:1px solid var(--line)}.menu-item .i{margin-inline-start:auto;color:var(--accent)}.menu-item>span:first-child{overflow:hidden;text-overflow:ellipsis}.menu-beside{color:var(--text-2);font-variant-numeric:tabular-nums}.menu-item kbd{margin:0}@media(pointer:coarse),(max-width:700px){.menu-item{min-height:44px}.menu-item kbd{display:none}}\n";

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(menu_default);
function openMenu(anchor, title, commands) {
  anchor.setAttribute("aria-expanded", "true");
  open(anchor, null, title, commands, () => {
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus();
  });
}
function open(within, point, title, commands, closed) {
  const item = (command) => {
    const beside = command.beside && el("span", { class: "menu-beside" });
    const made2 = el("button", { class: "menu-item", role: command.checked === void 0 ? "menuitem" : "menuitemradio", "aria-checked": command.checked === void 0 ? void 0 : String(command.checked()), tabindex: "-1", title: hintOf(command), onclick: () => {
      close();
      command.run();
    } }, el("span", {}, titleOf(command)), command.keys?.[0] !== void 0 && el("kbd", {}, keyText(command.keys[0])), command.checked?.() === true && sign(check, "i s"), beside);
    void command.beside?.().then(([short, words]) => {
      beside.textContent = short;
      if (words !== "") made2.setAttribute("aria-label", `${titleOf(command)}, ${words}`);
    }, () => null);
    return made2;
  };
  const rows = commands.map((one) => one === null ? el("hr", { class: "menu-line" }) : item(one));
  const items = rows.filter((row) => row instanceof HTMLButtonElement);
  const menu2 = el("div", { class: "menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  const close = () => {
    menu2.remove();
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, outside, true);
    removeEventListener("resize", draw);
    giveBack();
    closed();
  };
  const outside = (event) => {
    if (!(event.target instanceof Node) || menu2.contains(event.target)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
    }
    close();
  };
  menu2.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next2 = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (next2 !== void 0) items[(next2 + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (within.closest("main, .composer") ?? document.body).append(menu2);
  const draw = () => {
    const { offsetWidth: width, offsetHeight: height } = menu2;
    const at = point ?? within.getBoundingClientRect();
    const below = at.bottom + 4 + height <= innerHeight;
    menu2.style.left = `${Math.max(8, Math.min(point || mirrored() ? at.left : at.right - width, innerWidth - width - 8))}px`;
    menu2.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
  };
  draw();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, outside, true);
  addEventListener("resize", draw);
  items[0]?.focus();
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
  const { icon: icon2, kind = "line", name: name2 } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name2, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function iconButton(name2, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name2, title: name2, onclick: run }, sign(path, "i s"));
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

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}
async function redraw(place, draw) {
  await released(place);
  const giveBack = holdPlace(place);
  draw();
  giveBack();
}

async function inWord(text2) {
  return text2.message === "" ? text2 : { ...text2, ...await told(text2) };
}

function sentence(text2) {
  return `${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}${/[.!?…]$/.test(text2) ? "" : "."}`;
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
function formatted(date, name2, options) {
  let format = formats.get(name2);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name2, format);
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

var security = [["implicit", t("TLS (port 993)")], ["starttls", t("STARTTLS (port 143)")], ["none", t("No encryption (port 143)")]];
var maildropSecurity = [["implicit", t("TLS (port 995)")], ["starttls", t("STARTTLS (port 110)")]];
var protocols = [["imap", t("IMAP: sync everything both ways")], ["pop3", t("POP3: download new mail to a single folder")]];
function keeping(days) {
  if (days === null) return t("Keep mail on server");
  if (days === 0) return t("Delete from server after download");
  return many(days, "Delete from server after {n} day", "Delete from server after {n} days");
}
var submission = [["implicit", t("TLS (port 465)")], ["starttls", t("STARTTLS (port 587)")]];
function addMailbox(desk, insecure) {
  return dialog(t("Add account from another provider"), (close) => {
    const place = el("div", {});
    const cancel = () => close(null);
    const askPassword = (address, found, reason = "") => {
      fill(place, passwordStep(desk, { address, found, reason, insecure }, close));
      place.querySelector(found === null ? "[name=host]" : "[type=password]")?.focus();
    };
    fill(place, addressStep(desk, askPassword), buttons(cancel));
    return [place];
  });
}
function addressStep(desk, go) {
  const address = line(t("Address"), "", t("We'll use your address to find the mail servers."), { inputmode: "email", autocapitalize: "none", placeholder: "mia@example.org", maxlength: "320", autofocus: "" });
  const doing = el("p", { class: "hint", role: "status" });
  const box = form([address.root, doing], meant("step", "Next"), async () => {
    const typed = address.control.value.trim();
    const domain = typed.slice(typed.lastIndexOf("@") + 1);
    fill(doing, t("Finding mail servers for {domain}…", { domain }));
    try {
      go(typed, await desk.client.link_find(typed));
    } catch (error) {
      if (fieldsOf(error).some((one) => one.field === "host")) go(typed, null, messageOf(error));
      else atFields(error, { address });
    } finally {
      fill(doing);
    }
  });
  return box.root;
}
function passwordStep(desk, step, close) {
  const { address, found } = step;
  const server = found?.incoming ?? { host: "", port: 0, tls: "implicit", user: address };
  const password = passwordLine();
  const name2 = line(t("Display name"), nameOf(address, found), t("Folders will appear under this name."), { maxlength: "100" });
  const host = line(t("Server"), server.host, t("For example, imap.example.org"), { name: "host", inputmode: "url", autocapitalize: "none" });
  const protocol = choice(t("Server type"), protocols, found?.protocol ?? "imap");
  const keep = choice(t("After downloading"), [null, 30, 7, 0].map((days) => [String(days ?? ""), keeping(days)]), "");
  const tls = choice(t("Encryption"), [], "");
  const offer = () => {
    const chosen = tls.control.value || server.tls;
    const maildrop = protocol.control.value === "pop3";
    const all = maildrop ? maildropSecurity : security.filter(([value]) => value !== "none" || step.insecure);
    fill(tls.control, all.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
    keep.root.hidden = !maildrop;
  };
  protocol.control.addEventListener("change", offer);
  offer();
  const port = line(t("Port"), server.port === 0 ? "" : String(server.port), t("Leave blank to use the default."), { inputmode: "numeric", maxlength: "5" });
  const user = line(t("Username"), server.user, t("Usually your full email address."), { autocapitalize: "none" });
  const smtp = found?.smtp ?? { host: "", port: 0, tls: "implicit", user: "" };
  const sending = sendingFields({ sends: true, smtp_host: smtp.host, smtp_port: smtp.port, smtp_tls: smtp.tls === "starttls" ? "starttls" : "implicit", smtp_user: smtp.user });
  const others = el("details", { class: "other-settings", open: found === null }, el("summary", {}, t("Other settings")), el("div", { class: "fields" }, protocol.root, host.root, tls.root, port.root, user.root), sending.servers);
  const sorts = sortingTick(false);
  const doing = el("p", { class: "hint", role: "status" });
  const box = form([about(step), password.root, name2.root, keep.root, sending.tick, sorts.root, others, doing], t("Add account"), async () => {
    const number = portOf(port);
    const form2 = sending.value();
    if (number === null || form2 === null) {
      others.open = true;
      return;
    }
    fill(doing, t("Logging in to {host}…", { host: host.control.value.trim() }));
    try {
      close(await desk.client.link_add({ address, name: name2.control.value, protocol: protocol.control.value, keep_days: keep.root.hidden || keep.control.value === "" ? null : Number(keep.control.value), host: host.control.value, port: number, tls: tls.control.value, user: user.control.value, password: password.control.value, sorts: sorts.control.checked, ...form2 }));
    } catch (error) {
      const within = { protocol, host, tls, port, user, ...sending.places };
      if (fieldsOf(error).some((one) => one.field in within)) others.open = true;
      atFields(error, { name: name2, password, keep_days: keep, ...within });
    } finally {
      fill(doing);
    }
  });
  return [box.root, buttons(() => close(null))];
}
function portOf(port) {
  const text2 = port.control.value.trim();
  const number = text2 === "" ? 0 : Number(text2);
  if (Number.isInteger(number) && number >= 0 && number <= 65535) return number;
  port.problem(t("Enter a port from 1 to 65535."));
  return null;
}
function sendingFields(now) {
  const sends = tick(t("Send from this address"), now.sends, t("Uses your provider's server when you choose this From address."));
  const host = line(t("SMTP server"), now.smtp_host, t("Leave blank to detect automatically."), { inputmode: "url", autocapitalize: "none" });
  const tls = choice(t("SMTP encryption"), submission, now.smtp_tls);
  const port = line(t("SMTP port"), now.smtp_port === 0 ? "" : String(now.smtp_port), t("Leave blank to use the default."), { inputmode: "numeric", maxlength: "5" });
  const user = line(t("SMTP username"), now.smtp_user, t("Leave blank to use the incoming username."), { autocapitalize: "none" });
  const servers = el("div", { class: "fields" }, host.root, tls.root, port.root, user.root);
  const show = () => {
    servers.hidden = !sends.control.checked;
  };
  sends.control.addEventListener("change", show);
  show();
  const value = () => {
    const number = portOf(port);
    if (number === null) return null;
    return { sends: sends.control.checked, smtp_host: host.control.value, smtp_port: number, smtp_tls: tls.control.value, smtp_user: user.control.value };
  };
  return { tick: sends.root, servers, value, places: { smtp_host: host, smtp_tls: tls, smtp_port: port, smtp_user: user } };
}
async function changeSending(desk, one) {
  const done = await dialog(t("Send from {address}", { address: one.address }), (close) => {
    const sending = sendingFields({ ...one, sends: one.smtp_host !== "" });
    const doing = el("p", { class: "hint", role: "status" });
    const box = form([sending.tick, sending.servers, doing], t("Save"), async () => {
      const form2 = sending.value();
      if (form2 === null) return;
      fill(doing, form2.sends && t("Checking SMTP login…"));
      try {
        const { smtp_host, smtp_port, smtp_tls, smtp_user, sends } = form2;
        await desk.client.link_set_sending(one.name, smtp_host, smtp_port, smtp_tls, smtp_user, null, !sends);
        close(true);
      } catch (error) {
        atFields(error, sending.places);
      } finally {
        fill(doing);
      }
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}
function sortingTick(now) {
  return tick(t("Sort new mail"), now, t("Use your junk filter, rules, and script. Changes sync to your provider. This mail won't get vacation replies or be forwarded."));
}
async function changeSorting(desk, one) {
  const done = await dialog(t("Sort mail from {name}", { name: one.name }), (close) => {
    const sorts = sortingTick(one.sorts);
    const box = form([sorts.root], t("Save"), async () => {
      await desk.client.link_set_sorting(one.name, !sorts.control.checked);
      close(true);
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}
function about({ address, found, reason }) {
  const whose = el("p", { class: "two" }, el("b", {}, foreign(address)));
  if (found === null) return [whose, notice("warn", foreign(reason))];
  const text2 = t("DNS points to {host}, a server in another domain. Continue only if your provider uses this server.", { host: found.incoming.host });
  return [whose, el("p", { class: "hint" }, t("Server"), ": ", found.provider !== "" && `${found.provider}, `, foreign(found.incoming.host)), found.proven ? null : notice("warn", text2), found.protocol === "pop3" && notice("unknown", t("This provider only supports POP3. New mail is fetched every 5 minutes into a single folder. Changes you make here won't sync back.")), wanted(found)];
}
function wanted(one) {
  if (one.wants === "") return null;
  const names = { provider: one.provider };
  const [text2, action] = one.wants === "app" ? [t("{provider} requires an app password for this server. Your usual password won't work.", names), t("Create app password")] : [t("First, turn on IMAP in your {provider} settings.", names), t("Show instructions")];
  const place = { href: one.page, target: "_blank", rel: "noopener noreferrer" };
  const out = el("a", place, action, " ", sign(externalLink, "i s"));
  return notice("unknown", [text2, " ", out]);
}
async function newPassword(desk, one) {
  const done = await dialog(t("New password for {name}", { name: one.name }), (close) => {
    const password = passwordLine();
    const doing = el("p", { class: "hint", role: "status" });
    const box = form([wanted(one), password.root, doing], t("Save"), async () => {
      fill(doing, t("Logging in to {host}…", { host: one.host }));
      try {
        await desk.client.link_set_password(one.name, password.control.value);
        close(true);
      } catch (error) {
        atFields(error, { password });
      } finally {
        fill(doing);
      }
    });
    return [box.root, buttons(() => close(false))];
  });
  return done === true;
}
function passwordLine() {
  return line(t("Password"), "", t("Stored encrypted. Only used to connect to this account."), { type: "password", autocomplete: "off", autofocus: "" });
}
function buttons(giveUp, ...others) {
  return el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: giveUp }, t("Cancel")), others);
}
function nameOf(address, found) {
  if (found !== null && found.provider !== "") return found.provider;
  const label = address.slice(address.lastIndexOf("@") + 1).split(".")[0] ?? "";
  return `${label.slice(0, 1).toUpperCase()}${label.slice(1)}`;
}

var period = 2e3;
var links = async (desk) => {
  const list = new List(desk);
  await list.load();
  const title = t("Linked accounts");
  const hint = t("Read your mail from Gmail, GMX, or another provider here. Changes sync both ways.");
  const add = button(t("Add account"), () => void list.add(), { icon: plus, kind: "primary" });
  return { title, root: el("div", { class: "page" }, head(title, hint, add), list.root) };
};
var List = class {
  constructor(desk) {
    this.desk = desk;
    desk.onLeave(() => clearTimeout(this.timer));
  }
  desk;
  root = el("div", {});
  timer = 0;
  drawn = "";
  insecure = false;
  async load() {
    clearTimeout(this.timer);
    const found = await inWords(await this.desk.client.link_list());
    this.insecure = found.insecure;
    const now = JSON.stringify(found.items.map((one) => ({ ...one, next_try: one.next_try?.slice(0, 16) })));
    if (now !== this.drawn || this.root.childElementCount === 0) {
      await redraw(this.root, () => {
        this.drawn = now;
        fill(this.root, this.shown(found.items));
      });
    }
    clearTimeout(this.timer);
    if (found.items.length > 0) this.timer = window.setTimeout(() => void this.again(), period);
  }
  async again() {
    if (!this.desk.shown()) return;
    if (this.root.querySelector("[aria-expanded=true]") !== null) {
      this.timer = window.setTimeout(() => void this.again(), period);
      return;
    }
    try {
      await this.load();
    } catch {
      this.timer = window.setTimeout(() => void this.again(), period * 5);
    }
  }
  shown(items) {
    if (items.length > 0) return card("", table(t("Linked accounts"), this.columns(), items), { flush: true });
    const add = button(t("Add account"), () => void this.add(), { icon: plus });
    const text2 = t("Folders appear in their own group and sync both ways.");
    return card("", empty(link, t("No linked accounts yet"), text2, add), { flush: true });
  }
  columns() {
    return [{ title: t("Name"), kind: "main", cell: (one) => name(one) }, { title: t("Status"), cell: (one) => status(one) }, { title: "", kind: "num", cell: (one) => this.first(one) }, { title: "", kind: "top", cell: (one) => this.menu(one) }];
  }
  first(one) {
    const names = { name: visible(one.name) };
    const kind = "line small";
    switch (one.state) {
      case "paused":
        return button(t("Resume"), () => void this.pause(one, false), { kind, name: t("Resume {name}", names) });
      case "waiting":
        return button(t("Try now"), () => void this.pause(one, false), { kind, name: t("Try now: {name}", names) });
      case "refused":
        return button(t("New password"), () => void this.password(one), { kind, name: t("New password for {name}", names) });
      default:
        return button(t("Pause"), () => void this.pause(one, true), { kind, name: t("Pause {name}", names) });
    }
  }
  menu(one) {
    const title = t("Actions for {name}", { name: visible(one.name) });
    const stops = one.state === "waiting" || one.state === "refused";
    const entries = [...stops ? [{ id: "link.pause", title: t("Pause"), run: () => void this.pause(one, true) }] : [], { id: "link.sending", title: t("Sending"), run: () => void this.sending(one) }, { id: "link.sorting", title: t("Sorting"), run: () => void this.sorting(one) }, ...one.state === "refused" ? [] : [{ id: "link.password", title: t("New password"), run: () => void this.password(one) }], { id: "link.rename", title: t("Rename"), run: () => void this.rename(one) }, null, { id: "link.remove", title: t("Unlink"), run: () => void this.remove(one) }];
    const made2 = iconButton(title, ellipsis, () => openMenu(made2, title, entries));
    made2.setAttribute("aria-haspopup", "menu");
    made2.setAttribute("aria-expanded", "false");
    return made2;
  }
  async pause(one, paused) {
    await attempt(t("Saving…"), paused ? t("Couldn't pause account") : t("Couldn't resume account"), async () => {
      await (paused ? this.desk.client.link_pause(one.name) : this.desk.client.link_resume(one.name));
      await this.load();
    });
  }
  async password(one) {
    if (!await newPassword(this.desk, one)) return;
    this.desk.say(t("Password updated"));
    await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }
  async sending(one) {
    if (await changeSending(this.desk, one)) await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }
  async sorting(one) {
    if (await changeSorting(this.desk, one)) await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }
  async rename(one) {
    const title = t("Rename {name}", { name: visible(one.name) });
    const save = async (name2) => name2 === one.name || attempt(t("Saving…"), t("Couldn't rename account"), () => this.desk.client.link_rename(one.name, name2));
    if (await askToSave(title, t("Name"), one.name, t("Rename"), save)) await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
  }
  async remove(one) {
    const names = { name: visible(one.name), host: one.host };
    const copies = tick(t("Also delete copied mail from this account"), false, t("If you don't, you'll keep the copied folders."));
    const yes = await dialog(t("Unlink {name}?", names), (close) => [el("p", { class: "dialog-text" }, t("Mail will stop syncing. Your mail at {host} won't be deleted.", names)), el("div", { class: "gap" }, copies.root), buttons(() => close(false), el("button", { class: "btn line danger", type: "button", onclick: () => close(true) }, t("Unlink account")))]);
    if (yes !== true) return;
    await attempt(t("Unlinking…"), t("Couldn't unlink account"), async () => {
      await this.desk.client.link_rm(one.name, copies.control.checked);
      await this.load();
    });
  }
  async add() {
    const made2 = await addMailbox(this.desk, this.insecure);
    if (made2 === null) return;
    this.desk.say(t("Linked {name}. Syncing newest messages first", { name: visible(made2.name) }));
    await attempt(t("Loading…"), t("Couldn't load linked accounts"), () => this.load());
    const { message } = await inWord(made2.sending);
    if (message !== "") await showError(t("You can't send from this address yet"), sentence(message));
  }
};
async function inWords(found) {
  const items = await Promise.all(found.items.map(async (one) => {
    const [said, ...problems2] = await Promise.all([one.said, ...one.problems].map(inWord));
    return { ...one, said, problems: problems2 };
  }));
  return { ...found, items };
}
function name(one) {
  return el("div", { class: "given" }, el("b", {}, foreign(one.name)), el("span", { class: "hint" }, foreign(one.address)), el("span", { class: "hint" }, foreign(one.host)), one.protocol === "pop3" && el("span", { class: "hint" }, `POP3 · ${keeping(one.keep_days)}`), el("span", { class: "hint" }, one.smtp_host === "" ? t("receive only") : t("sends through {host}", { host: visible(one.smtp_host) })), one.sorts && el("span", { class: "hint" }, t("sorts new mail")));
}
function status(one) {
  return el("div", { class: "given", role: "status" }, standing(one), ...problems(one));
}
function standing(one) {
  const reason = one.said.message !== "" && el("span", { class: "hint" }, foreign(sentence(one.said.message)));
  switch (one.state) {
    case "current":
      return state("ok", one.protocol === "pop3" ? t("up to date") : t("connected"));
    case "paused":
      return state("off", t("paused"));
    case "connecting":
      return state("wait", t("connecting…"));
    case "copying":
      return [state("wait", t("copying")), progress(one)];
    case "waiting":
      return [state("warn", t("no connection")), reason, next(one)];
    default:
      return [state("danger", t("password rejected")), one.refused !== null && el("span", { class: "hint" }, around(t("Last rejected {time}"), one.refused)), reason, el("span", {}, t("If you changed your password, enter the new one here.")), wanted(one), next(one)];
  }
}
function progress(one) {
  if (one.mailbox === "") return null;
  return [meter(one.total > 0 ? one.done / one.total : 0), el("span", { class: "hint" }, placed(many(one.total, "{mailbox}: {done} of {n} message", "{mailbox}: {done} of {n} messages", { done: one.done }), { mailbox: foreign(mailboxName(one.mailbox)) }))];
}
function next(one) {
  return one.next_try !== null && el("span", { class: "hint" }, around(t("Next attempt {time}"), one.next_try));
}
function around(words, at) {
  const [before, after] = words.split("{time}");
  return [before ?? "", when(microseconds(at)), after ?? ""];
}
function problems(one) {
  if (one.problems.length === 0) return [];
  return [el("details", { class: "problems" }, el("summary", { class: "hint" }, many(one.problems.length, "{n} problem (view skipped items)", "{n} problems (view skipped items)")), el("ul", {}, one.problems.map(({ message }) => el("li", {}, foreign(message)))))];
}
var pages = { links };
export {
  pages
};
