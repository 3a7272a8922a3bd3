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
  const line = document.createElementNS(namespace, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
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
  await dialog(failed, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(doing, failed, work) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(failed, error);
    return false;
  } finally {
    clearTimeout(timer);
    setStatus("");
  }
}
function setStatus(message) {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var arrowLeft = "m12 19l-7-7 7-7 M19 12H5";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var bell = "M10.268 21a2 2 0 0 0 3.464 0 M3.262 15.326A1 1 0 0 0 4 17h16a1 1 0 0 0 .74-1.673C19.41 13.956 18 12.499 18 8A6 6 0 0 0 6 8c0 4.499-1.411 5.956-2.738 7.326";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var eye = "M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0 M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var monitor = "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M8 21h8 M12 17v4";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var pencil = "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z M15 5l4 4";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

function adopt(text3) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text3}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text3, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text3), actions);
}

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyName(event) {
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : void 0;
  const key = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key.length > 1 ? "shift " : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key}`;
}
var isFixed = (key) => /^ctrl|\w\w$/.test(key);
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}

var gmail = { "app.inbox": "g i", "app.undo": "z", "compose.edit": "", "compose.reply-all": "a", "compose.reply-alone": "a", "list.next-unread": "", "list.none": "u", "list.open": "o", "list.page-down": "", "list.page-down-extend": "", "list.page-up": "", "list.page-up-extend": "", "message.archive": "e", "message.attachments": "", "message.delete": "#", "message.details": "", "message.junk": "!", "message.labels": "l", "message.move": "v", "message.read": "I", "message.tab": "", "message.trash": "#", "message.unread": "U", "threads.mute": "m" };
var browsers = /^alt [def]$/i;
var silent = /^(Shift|Control|Alt|AltGraph|Meta|OS|CapsLock|NumLock|Dead|Process|Unidentified)$/;
function same(one, other) {
  const ids = Object.keys(one);
  return ids.length === Object.keys(other).length && ids.every((id) => one[id] === other[id]);
}
var Row = class {
  constructor(commands, usual) {
    this.commands = commands;
    this.usual = usual;
    const titles = commands.map((one) => one.id === "app.undo" ? t("Undo") : titleOf(one));
    this.title = [...new Set(titles)].join(", ");
    this.fixed = usual.filter(isFixed);
    fill(this.root, el("span", { class: "key-title" }, this.title), this.fixed.map((key) => el("kbd", {}, keyText(key))), this.button);
  }
  commands;
  usual;
  button = el("button", { class: "btn line key-button", type: "button" });
  root = el("li", { class: "key-row" });
  title;
  fixed;
  get name() {
    return this.title;
  }
  key(chosen) {
    return chosen[this.commands[0].id] ?? this.own;
  }
  get own() {
    return this.usual.find((key) => !isFixed(key)) ?? "";
  }
  draw(key) {
    const shown = key === "" ? t("no shortcut") : keyText(key);
    this.button.classList.remove("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${shown}`);
    fill(this.button, key === "" ? "–" : el("kbd", {}, shown));
  }
  wait() {
    const words = t("Press a key…");
    this.button.classList.add("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${words}`);
    fill(this.button, words);
  }
};
function rowsOf(commands) {
  const changeable = (one) => one.quiet !== true || one.id in gmail || commands.usual.get(one).some((key) => !isFixed(key));
  return commands.all().map(({ name, commands: all }) => {
    const together = /* @__PURE__ */ new Map();
    for (const one of all.filter(({ id }) => !id.startsWith("write.")).filter(changeable)) {
      const usual = commands.usual.get(one);
      const place = usual.some((key) => !isFixed(key)) ? usual.join("\n") : one.id;
      together.set(place, [...together.get(place) ?? [], one]);
    }
    return { name, rows: [...together.values()].map((some) => new Row(some, commands.usual.get(some[0]))) };
  }).filter(({ rows }) => rows.length > 0);
}
function keyChoice(commands, now) {
  let chosen = { ...now };
  const groups = rowsOf(commands);
  const rows = groups.flatMap((group) => group.rows);
  const sets = [[{}, el("button", { class: "chip pill", type: "button" }, t("moxlite shortcuts"))], [gmail, el("button", { class: "chip pill", type: "button" }, t("Gmail shortcuts"))]];
  const told2 = el("p", { class: "hint", role: "status" });
  const about = t("Click a shortcut, then press a new key. Press Escape to cancel or Backspace to remove the shortcut.");
  const root = el("div", { class: "key-choice" });
  let question = null;
  const ask = (words) => {
    question?.remove();
    question = words;
  };
  const draw = () => {
    ask(null);
    fill(told2, about);
    for (const row of rows) row.draw(row.key(chosen));
    for (const [set, button] of sets) button.setAttribute("aria-pressed", String(same(set, chosen)));
  };
  const put = (row, key) => {
    for (const { id } of row.commands) if (key === row.own) delete chosen[id];
    else chosen[id] = key;
  };
  const changed = (at) => {
    draw();
    at.focus();
    root.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const choose = (row, key) => {
    const others = key === "" ? [] : rows.filter((one) => one !== row && one.key(chosen) === key);
    const take = () => {
      const old = row.key(chosen);
      for (const [i, other] of others.entries()) put(other, i === 0 ? old : "");
      put(row, key);
      changed(row.button);
    };
    if (others.length === 0) {
      take();
      return;
    }
    draw();
    const cancel = () => {
      draw();
      row.button.focus();
    };
    const swap = el("button", { class: "btn line", type: "button", onclick: take }, t("Swap shortcuts"));
    const words = t("{key} is already used for “{title}”.", { key: keyText(key), title: others.map(({ name }) => name).join(", ") });
    const asked = el("div", { class: "key-question", role: "group", "aria-label": words, onkeydown: (event) => event.key === "Escape" && cancel() }, el("p", {}, words), swap, el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")));
    row.root.append(asked);
    ask(asked);
    swap.focus();
  };
  const pressed = (row, event) => {
    if (!row.button.classList.contains("key-waiting") || silent.test(event.key) || event.isComposing) return;
    event.stopPropagation();
    const key = keyName(event);
    if (key === "Escape" || key === "Backspace" || !isFixed(key)) event.preventDefault();
    if (key === "Escape") draw();
    else if (key === "Backspace") choose(row, "");
    else if (isFixed(key) || browsers.test(key)) fill(told2, t("{key} is reserved by the browser, screen readers, or the webmail.", { key: keyText(key) }));
    else choose(row, key);
  };
  for (const row of rows) {
    row.button.addEventListener("click", () => {
      draw();
      row.wait();
      row.button.focus();
    });
    row.button.addEventListener("keydown", (event) => pressed(row, event));
    row.button.addEventListener("blur", () => row.draw(row.key(chosen)));
  }
  for (const [set, button] of sets) button.addEventListener("click", () => {
    chosen = { ...set };
    changed(button);
  });
  draw();
  fill(root, el("div", { class: "wrap" }, sets.map(([, button]) => button)), el("details", {}, el("summary", {}, t("Customize shortcuts")), told2, groups.map(({ name, rows: some }) => [el("h4", {}, name), el("ul", { class: "key-rows" }, some.map((row) => row.root))])));
  return { root, read: () => ({ ...chosen }) };
}

var settings_default = ".settings-page{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:3;display:grid;grid-template-columns:minmax(180px,228px) minmax(0,1fr);width:auto;height:auto;max-width:none;max-height:none;margin:0;padding:0;border:0;border-inline-start:1px solid var(--border-color);background:var(--background);color:var(--color);overflow:hidden}.settings-page:focus{outline:none}.settings-nav{display:grid;align-content:start;gap:4px;padding:16px 12px;border-inline-end:1px solid var(--border-color)}.settings-title{margin:4px 8px 8px;font-size:20px;line-height:28px}.settings-links{display:grid;gap:2px}.settings-page .btn{display:inline-flex;align-items:center;gap:8px;min-height:34px;border-radius:8px}.settings-page .settings-link,.settings-page .settings-back{justify-content:flex-start;justify-self:stretch;padding:0 10px;border:0;background:none}.settings-page .settings-back{justify-self:start;color:var(--link-color)}.settings-page .settings-link:hover,.settings-page .settings-back:hover{background:var(--button-hover-background)}.settings-nav .hint{margin:12px 10px 0}.settings{display:grid;align-content:start;gap:28px;padding:26px 32px 60px;overflow-y:auto}.settings section{display:grid;grid-template-columns:minmax(0,1fr);gap:12px;max-width:640px;padding-bottom:28px;border-bottom:1px solid var(--border-color);scroll-margin-top:26px}.settings h3{font-size:16px;line-height:24px}.settings .field{display:grid;gap:6px;font-size:14px}.settings .chip.pill{min-height:28px;padding:0 12px;border:1px solid var(--border-color);border-radius:99px;background:var(--background);font-size:13px}.settings .chip.pill[aria-pressed=true]{border-color:transparent;background:var(--mailbox-active-background);color:var(--link-color)}.settings .wrap{display:flex;flex-wrap:wrap;gap:8px}.setting{display:grid;grid-template-columns:14em minmax(0,26em);align-items:center}.setting select,textarea.dialog-input{width:100%;min-height:34px;padding:6px;border:1px solid var(--line-strong, var(--border-color));border-radius:8px;background:var(--background)}.key-choice{display:grid;gap:8px}.key-choice h4{margin:16px 0 4px;font-size:14px}.key-rows{margin:0;padding:0;list-style:none}.key-row{display:flex;flex-wrap:wrap;align-items:center;gap:8px;padding:4px 0;border-top:1px solid var(--border-color);font-size:14px}.key-title{flex:1;min-width:10em}.key-row kbd{margin:0;white-space:nowrap}.key-button kbd{padding:0;border:0;background:none}.settings .key-button{justify-content:center;min-width:64px;margin-inline-start:auto}.key-question{display:flex;flex-basis:100%;flex-wrap:wrap;align-items:center;gap:8px;padding-bottom:4px}.key-question p{flex:1;min-width:12em;margin:0}.settings-state{min-height:24px}.settings-page .hint{padding-inline:0;font-size:13px;color:var(--color-milder)}@media(max-width:1000px){.setting{grid-template-columns:minmax(0,20em);gap:3px}}@media(max-width:700px){.settings-page{inset:0;grid-template:auto minmax(0,1fr) / minmax(0,1fr);border:0}.settings-nav{grid-template-columns:auto 1fr;align-items:center;padding:6px 12px;border-inline-end:0;border-bottom:1px solid var(--border-color)}.settings-page .settings-back{min-height:44px}.settings-title{margin:0}.settings-links,.settings-nav .hint{display:none}.settings{padding:20px 16px calc(40px + env(safe-area-inset-bottom))}.setting{grid-template-columns:minmax(0,1fr);gap:3px}.setting select,.settings .key-button{min-height:44px}}.settings .notice{display:flex;align-items:center;gap:8px}.settings .notice>.grow{flex:1}\n";

adopt(settings_default);
function select(label, value, choices) {
  const input = el("select", {}, choices.map(([one, words]) => el("option", { value: one }, words)));
  input.value = value;
  return { root: el("label", { class: "setting" }, el("span", {}, label), input), read: () => input.value };
}
function check(label, value) {
  const input = el("input", { type: "checkbox" });
  input.checked = value;
  return { root: el("label", { class: "check" }, input, label), read: () => input.checked };
}
function text2(label, value, rows) {
  const input = el("textarea", { class: "dialog-input", rows: String(rows), dir: "auto", maxlength: "10000" });
  input.value = value;
  return { root: el("label", { class: "field" }, label, input), read: () => input.value.replace(/\r\n?/g, "\n") };
}
function signatures(desk, old, own) {
  const all = new Map(own.map((address) => {
    const found = old.signatures.find((one) => one.address === address);
    return [address, { text: found?.text ?? "", html: found?.html ?? "" }];
  }));
  all.set("", { text: old.signature, html: old.signature_html });
  let chosen = "";
  let editor = null;
  let turn = 0;
  const input = el("textarea", { class: "dialog-input", rows: "4", dir: "auto", maxlength: "20000", id: "settings-signature" });
  const label = el("label", { for: "settings-signature" });
  const chips = el("div", { class: "flex wrap" });
  const place = el("div", {}, input);
  const format = el("input", { type: "checkbox", onchange: () => void toggle() });
  const edit = async (html) => {
    const own2 = ++turn;
    const [rich, { Squire }] = await Promise.all([desk.load("rich"), desk.load("squire")]);
    if (own2 !== turn) return;
    editor?.close();
    const none = () => void 0;
    editor = rich.openEditor(Squire, html, { client: desk.client, base: desk.base, changed: none, note: none, say: none, pictures: false });
    editor.root.setAttribute("aria-label", label.textContent);
    editor.root.addEventListener("focusout", () => void place.dispatchEvent(new Event("change", { bubbles: true })));
    input.hidden = true;
    place.append(editor.tools, editor.root);
  };
  const draw = () => {
    const { text: text22, html } = all.get(chosen);
    label.textContent = chosen === "" ? t("Signature") : t("Signature for {address}", { address: chosen });
    input.value = text22;
    input.hidden = false;
    turn++;
    editor?.close();
    editor = null;
    format.checked = html !== "";
    if (html !== "") void attempt(t("Loading…"), t("Couldn't open editor"), () => edit(html));
    fill(chips, own.length > 1 && ["", ...own].map((address) => el("button", { class: "chip pill", type: "button", "aria-pressed": String(address === chosen), onclick: () => choose(address) }, address === "" ? t("All addresses") : address)));
  };
  const keep = () => {
    if (editor !== null) all.set(chosen, { text: editor.text().trimEnd(), html: editor.html() });
    else if (!format.checked) all.set(chosen, { text: input.value.replace(/\r\n?/g, "\n"), html: "" });
  };
  const toggle = async () => {
    if (format.checked) await attempt(t("Loading…"), t("Couldn't open editor"), () => edit(all.get(chosen).text.split("\n").map((line) => `<div>${line.replace(/[&<>]/g, (sign2) => `&#${sign2.charCodeAt(0)};`) || "<br>"}</div>`).join("")));
    else {
      keep();
      all.set(chosen, { text: all.get(chosen).text, html: "" });
      draw();
    }
  };
  const choose = (address) => {
    keep();
    chosen = address;
    draw();
    chips.querySelector('[aria-pressed="true"]')?.focus();
  };
  draw();
  return { root: el("div", { class: "field" }, chips, label, place, el("label", { class: "check" }, format, t("Use formatting")), el("p", { class: "hint" }, t("Added below your message. Each address can have its own."))), read: () => {
    keep();
    const { text: text22, html } = all.get("");
    const none = new Set(old.signatures.filter((one) => one.text === "").map((one) => one.address));
    const single = [...all].filter(([address, one]) => address !== "" && (one.text !== "" || none.has(address)));
    return { signature: text22, signature_html: html, signatures: single.map(([address, one]) => ({ address, ...one })) };
  } };
}
var languages = ["ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"];
var unread = ["ar", "cs", "he", "it", "ja", "pl", "pt", "sv", "uk", "zh"];
function nameOf(language) {
  const name = new Intl.DisplayNames(language, { type: "language" }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}
var ahead = null;
function openSettings(desk) {
  const present = document.querySelector(".settings-page");
  if (present !== null) {
    present.focus();
    return;
  }
  const old = ahead?.known === desk.settings() ? ahead.saved : desk.settings();
  const { panes } = desk;
  const signature = signatures(desk, old, desk.facts().addresses.filter((one) => !one.startsWith("@")));
  const quoting = select(t("Write replies"), old.quoting, [["auto", t("Above the quote, or below selected text")], ["top", t("Above the quote")], ["bottom", t("Below the quote")]]);
  const scheme = select(t("Theme"), old.color_scheme, [["auto", t("Use system setting")], ["light", t("Light")], ["dark", t("Dark")]]);
  const speech = select(t("Language"), old.language, [["", t("Automatic")], ...languages.map((one) => [one, nameOf(one)])]);
  const spoken = document.documentElement.lang;
  const improve = el("p", { class: "hint", hidden: !unread.includes(spoken) }, t("This is a machine translation. To improve it, edit {file} in moxlite's source code.", { file: `frontend/i18n/${spoken}.json` }));
  const density = select(t("List density"), old.density, [["comfortable", t("With preview")], ["compact", t("Compact")]]);
  const layout = select(t("Message"), panes.local.layout, [["leftright", t("Beside list")], ["topbottom", t("Below list")]]);
  const after = select(t("After archiving, deleting, or moving"), old.after_action, [["next", t("Show next message")], ["previous", t("Show previous message")], ["list", t("Back to message list")]]);
  const swipes = [...rowActions.map(([action, , words]) => [action, words]), ["", t("Do nothing")]];
  const left = select(t("Swipe left"), panes.local.left, swipes);
  const right = select(t("Swipe right"), panes.local.right, swipes);
  const touch = navigator.maxTouchPoints > 0 ? [right.root, left.root] : [];
  const seen = select(t("Mark as read"), String(old.mark_seen_ms), seenChoices(old.mark_seen_ms));
  const undo = select(t("Undo send"), String(old.undo_send_seconds), undoChoices(old.undo_send_seconds));
  const html = check(t("Show messages as designed (HTML) instead of plain text"), old.show_html);
  const bars = check(t("Check encryption for each recipient"), old.show_address_security);
  const hints = check(t("Show shortcut when you click an action"), !old.no_show_shortcuts);
  const keymap = keyChoice(desk.commands, old.keymap);
  const keys = check(t("Single-letter shortcuts (archive: a)"), old.single_keys);
  const opens = check(t("Open messages immediately with arrow keys, j, and k"), old.open_on_move);
  const invitations = check(t("Email me invitations and replies from users on this server"), old.invitation_mails);
  const headers = text2(t("Additional header fields, one per line"), old.show_headers.join("\n"), 2);
  const notices = el("div", { class: "notices" });
  load(notices, t("Couldn't load notification settings"), async () => (await desk.load("notices")).showNotices(desk, notices));
  const templates = el("div", {});
  load(templates, t("Couldn't load templates"), async () => (await desk.load("templates")).showTemplates(desk, templates));
  const device = el("div", {});
  void desk.offlineChoice().then((choice) => choice !== null && device.append(choice));
  const sections = [section("writing", t("Writing"), pencil, signature.root, quoting.root, undo.root, bars.root, mailtoButton(desk)), section("templates", t("Templates"), fileText, templates), section("reading", t("Reading"), eye, seen.root, after.root, ...touch, html.root, invitations.root, headers.root, device), section("look", t("Appearance"), monitor, speech.root, improve, scheme.root, density.root, layout.root), section("notices", t("Notifications on this device"), bell, notices), section("keys", t("Shortcuts"), keyRound, keys.root, opens.root, hints.root, keymap.root)];
  const state = el("p", { class: "settings-state hint", role: "status" }, t("Changes are saved automatically."));
  const read2 = () => ({ ...desk.settings(), ...signature.read(), quoting: quoting.read(), undo_send_seconds: Number(undo.read()), language: speech.read(), color_scheme: scheme.read(), density: density.read(), after_action: after.read(), mark_seen_ms: Number(seen.read()), show_html: html.read(), show_address_security: bars.read(), no_show_shortcuts: !hints.read(), single_keys: keys.read(), open_on_move: opens.read(), invitation_mails: invitations.read(), keymap: keymap.read(), show_headers: headers.read().split("\n").map((one) => one.trim().replace(/:$/, "")).filter((one) => one !== "") });
  let saved = read2();
  let asked = saved;
  let last = Promise.resolve();
  const send = (wanted, words, before) => {
    asked = wanted;
    ahead = { saved: wanted, known: desk.settings() };
    last = last.then(async () => {
      const saving = async () => {
        try {
          await desk.client.settings_save(wanted);
        } catch (error) {
          fill(state, t("Couldn't save: {why}", { why: messageOf(error) }));
          throw error;
        }
      };
      if (!await attempt(t("Saving…"), t("Couldn't save settings"), saving)) {
        asked = saved;
        ahead = null;
        addEventListener("connected", save, { once: true });
        return;
      }
      removeEventListener("connected", save);
      saved = wanted;
      const back = before && el("button", { class: "link", type: "button", onclick: () => undone(before) }, t("Undo"));
      fill(state, words, back !== void 0 && [" ", back]);
    });
  };
  const undone = (before) => {
    close();
    void last.then(() => attempt(t("Saving…"), t("Couldn't save settings"), () => desk.client.settings_save({ ...before, searches: desk.settings().searches }))).then((done) => {
      if (done) ahead = { saved: before, known: desk.settings() };
      openSettings(desk);
    });
  };
  const save = () => {
    const local = { ...panes.local, layout: layout.read(), left: left.read(), right: right.read() };
    if (JSON.stringify(local) !== JSON.stringify(panes.local)) panes.set(local);
    const wanted = read2();
    if (JSON.stringify({ ...wanted, searches: [] }) !== JSON.stringify({ ...asked, searches: [] })) send(wanted, t("Saved."), asked);
  };
  const giveBack = holdFocus();
  const page = el("dialog", { class: "settings-page", "aria-label": t("Settings"), tabindex: "-1" });
  const leave = (event) => {
    if (event.target instanceof Element && event.target.closest(".mailbox-open, .compose-new, .search-input") !== null) close();
  };
  const close = () => {
    save();
    removeEventListener("click", leave, true);
    removeEventListener("keydown", pressed, true);
    page.remove();
    giveBack();
  };
  addEventListener("click", leave, true);
  const { account_path } = desk.facts();
  fill(page, el("nav", { class: "settings-nav", "aria-label": t("Settings sections") }, el("button", { class: "btn text settings-back", type: "button", onclick: close }, sign(arrowLeft), t("Done")), el("h2", { class: "settings-title" }, t("Settings")), el("div", { class: "settings-links" }, sections.map(({ title, path, root }) => el("button", { class: "btn settings-link", type: "button", onclick: () => root.scrollIntoView() }, sign(path), title))), account_path !== "" && el("p", { class: "hint" }, placed(t("For your password, devices, linked accounts, and import, go to {account}."), { account: el("a", { href: account_path }, t("your account")) }))), el("form", { class: "settings", onchange: save, onsubmit: (event) => event.preventDefault() }, sections.map(({ root }) => root), state));
  const pressed = (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog:modal, .menu, .key-waiting, .key-question") !== null) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  addEventListener("keydown", pressed, true);
  document.body.append(page);
  page.show();
}
function load(place, failed, work) {
  const begin = () => void work().then(() => removeEventListener("connected", begin), (error) => {
    addEventListener("connected", begin);
    const again = el("button", { class: "btn line", type: "button", onclick: begin }, t("Try again"));
    fill(place, notice("warn", `${failed}. ${messageOf(error)}`, again));
  });
  begin();
}
function section(name, title, path, ...children) {
  const id = `settings-${name}`;
  return { title, path, root: el("section", { "aria-labelledby": id }, el("h3", { id }, title), ...children) };
}
function seenChoices(now) {
  const known = [["0", t("Immediately")], ["500", t("After 0.5 seconds")], ["3000", t("After 3 seconds")], ["-1", t("Manually")]];
  if (!known.some(([value]) => value === String(now))) known.push([String(now), t("After {n} seconds", { n: now / 1e3 })]);
  return known;
}
function undoChoices(now) {
  const numbers = [.../* @__PURE__ */ new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), t("For {n} seconds", { n })])];
}
function mailtoButton(desk) {
  if (typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${desk.base}#compose %s`);
  return el("button", { class: "btn line", type: "button", onclick: () => void attempt(t("Saving…"), t("Couldn't set up email links"), async () => register()) }, t("Open email links from web pages here"));
}
export {
  openSettings
};
