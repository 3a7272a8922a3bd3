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
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}
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

var check = "M20 6 9 17l-5-5";
var x = "M18 6 6 18 M6 6l12 12";

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
function line(title, label, value, action, send) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    return [el("form", { onsubmit: once(async () => input.value !== "" && send(input.value, close)) }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)))];
  });
}
var askToSave = async (title, label, value, action, save) => await line(title, label, value, action, async (text2, close) => await save(text2) && close(true)) === true;
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

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
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
  open2(anchor, null, title, commands, () => {
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus();
  });
}
function open2(within, point, title, commands, closed) {
  const item = (command) => {
    const beside = command.beside && el("span", { class: "menu-beside" });
    const made = el("button", { class: "menu-item", role: command.checked === void 0 ? "menuitem" : "menuitemradio", "aria-checked": command.checked === void 0 ? void 0 : String(command.checked()), tabindex: "-1", title: hintOf(command), onclick: () => {
      close();
      command.run();
    } }, el("span", {}, titleOf(command)), command.keys?.[0] !== void 0 && el("kbd", {}, keyText(command.keys[0])), command.checked?.() === true && sign(check, "i s"), beside);
    void command.beside?.().then(([short, words]) => {
      beside.textContent = short;
      if (words !== "") made.setAttribute("aria-label", `${titleOf(command)}, ${words}`);
    }, () => null);
    return made;
  };
  const rows = commands.map((one) => one === null ? el("hr", { class: "menu-line" }) : item(one));
  const items = rows.filter((row) => row instanceof HTMLButtonElement);
  const menu = el("div", { class: "menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  const close = () => {
    menu.remove();
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, outside, true);
    removeEventListener("resize", draw);
    giveBack();
    closed();
  };
  const outside = (event) => {
    if (!(event.target instanceof Node) || menu.contains(event.target)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
    }
    close();
  };
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (next !== void 0) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (within.closest("main, .composer") ?? document.body).append(menu);
  const draw = () => {
    const { offsetWidth: width, offsetHeight: height } = menu;
    const at = point ?? within.getBoundingClientRect();
    const below = at.bottom + 4 + height <= innerHeight;
    menu.style.left = `${Math.max(8, Math.min(point || mirrored() ? at.left : at.right - width, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
  };
  draw();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, outside, true);
  addEventListener("resize", draw);
  items[0]?.focus();
}

var shown = 1e4;
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}
function toast(text2, action, time = shown) {
  const words = el("span", {}, text2);
  let timer = 0;
  let holds = 0;
  const hold = () => {
    holds++;
    clearTimeout(timer);
  };
  const release = () => {
    holds--;
    clearTimeout(timer);
    if (holds === 0 && time > 0 && box.isConnected) timer = window.setTimeout(close, time);
  };
  const close = () => {
    clearTimeout(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (focused) focusHome();
  };
  const box = el("div", { class: "toast", onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release }, words, action !== void 0 && el("button", { class: "btn text toast-action", onclick: () => {
    close();
    action.run();
  } }, action.title), time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

function signatureOf(settings, address) {
  const own = settings.signatures.find((one) => one.address === address)?.text ?? settings.signature;
  return own.trim() === "" ? "" : `-- 
${own.trimEnd()}`;
}
function around(text2, signature) {
  const at = text2.lastIndexOf(`
${signature}`);
  const end = at + 1 + signature.length;
  return signature === "" || at < 0 || end < text2.length && text2[end] !== "\n" ? null : [text2.slice(0, at), text2.slice(end)];
}

var escaped = (text2) => text2.replace(/[&<>"]/g, (sign2) => `&#${sign2.charCodeAt(0)};`);
function filled2(text2, { to }, safe) {
  const [first] = to;
  const values = { name: first?.name ?? "", address: first?.address ?? "", date: new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(/* @__PURE__ */ new Date()) };
  return text2.replace(/\{(name|address|date)\}/g, (whole, name) => values[name] === "" ? whole : safe(values[name]));
}
function written2(page, target) {
  const text2 = (around(target.typed, signatureOf(page.settings(), target.from))?.[0] ?? target.typed).trimEnd();
  if (target.html === "") return { text: text2, html: "" };
  const body = new DOMParser().parseFromString(target.html, "text/html").body;
  for (const one of body.querySelectorAll(".moxlite-signature, img")) one.remove();
  const serializer = new XMLSerializer();
  return { text: text2, html: [...body.childNodes].map((node) => serializer.serializeToString(node)).join("") };
}
async function listed(page) {
  return [...await page.client.templates()].sort((a, b) => byName(a.name, b.name));
}
async function openTemplates(page, at, target) {
  let all = [];
  const loaded = await attempt(t("Loading…"), t("Couldn't load templates"), async () => {
    all = await listed(page);
  });
  if (!loaded) return;
  const command = (id, title, run) => ({ id: `template.${id}`, title, run });
  const put = (one) => {
    if (target.subject === "") target.subject = filled2(one.subject, target, String);
    target.insert(filled2(one.text, target, String), filled2(one.html, target, escaped));
  };
  const { account_path: account } = page.facts();
  const manage = () => void open(`${account}#templates`, "_blank", "noopener");
  openMenu(at, t("Templates"), [...all.map((one) => command(String(one.id), isolated(one.name), () => put(one))), command("save", t("Save as template…"), () => void saveAs(page, target, all)), ...all.length > 0 && account !== "" ? [command("edit", t("Manage templates…"), manage)] : []]);
}
async function saveAs(page, target, all) {
  const { text: text2, html } = written2(page, target);
  const save = async (typed) => {
    const name = typed.trim();
    const known = all.find((one2) => one2.name === name);
    if (name === "" || known !== void 0 && !await confirm(t("Replace template?"), t("A template named “{name}” already exists.", { name: isolated(name) }), t("Replace"))) return false;
    const one = { id: known?.id ?? 0, name: name.slice(0, 100), subject: target.subject.slice(0, 1e3), text: text2, html };
    const saved = await attempt(t("Saving…"), t("Couldn't save template"), () => page.client.template_save(one, known?.mark));
    if (saved) toast(t("Template “{name}” saved", { name: isolated(name) }));
    return saved;
  };
  await askToSave(t("Save as template"), t("Name"), target.subject.slice(0, 100), t("Save"), save);
}
export {
  openTemplates
};
