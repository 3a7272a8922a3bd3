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
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var rules_default = ".offer{position:fixed;inset-inline-end:20px;bottom:20px;z-index:var(--z-offer);display:grid;gap:10px;width:min(400px,calc(100vw - 32px));padding:16px;overflow-wrap:anywhere;border:1px solid var(--border-color);border-radius:10px;background:var(--popup-background);box-shadow:var(--shadow);font-size:14px}@media(max-width:1099px){body:has(.toast) .offer{bottom:130px}}.offer-buttons{display:flex;gap:8px}.offer .link{display:block;padding:4px 0}@media print{.offer{display:none}}\n";

adopt(rules_default);
var open = null;
function question(rule) {
  const { msg_from: sender, list_id: list, recipient, mailbox } = rule;
  if (list === "") return rule.remove ? t("Stop moving mail from {sender} to {recipient} into “{mailbox}”?", { sender, recipient, mailbox }) : t("Always move mail from {sender} to {recipient} into “{mailbox}”?", { sender, recipient, mailbox });
  return rule.remove ? t("Stop moving mail from the list {list} to {recipient} into “{mailbox}”?", { list, recipient, mailbox }) : t("Always move mail from the list {list} to {recipient} into “{mailbox}”?", { list, recipient, mailbox });
}
function withdraw() {
  open?.remove();
  open = null;
}
async function offerRule(client, message, { id: from, name: fromName }, { id: to, name: toName }, timely) {
  const rule = await client.ruleset_suggest_move(message, from, to).catch(() => null);
  if (rule === null || !timely()) return;
  withdraw();
  const never = (which) => {
    withdraw();
    void attempt(t("Saving…"), t("Couldn't save settings"), () => client.ruleset_never(message, from, to, which));
  };
  const accept = () => {
    withdraw();
    void attempt(t("Saving…"), rule.remove ? t("Couldn't delete rule") : t("Couldn't add rule"), () => client.ruleset_accept(message, from, to));
  };
  const root = el("section", { class: "offer", role: "status", "aria-label": t("Rule for similar mail") }, el("p", {}, question(rule)), el("div", { class: "offer-buttons" }, el("button", { class: "primary", onclick: accept }, rule.remove ? t("Delete rule") : t("Add rule")), el("button", { onclick: withdraw }, t("Not now"))), el("details", {}, el("summary", {}, t("Never ask again…")), el("button", { class: "link", onclick: () => never("message") }, rule.list_id === "" ? t("for this sender") : t("for this list")), el("button", { class: "link", onclick: () => never("to_mailbox") }, t("when I move to “{name}”", { name: toName })), el("button", { class: "link", onclick: () => never("from_mailbox") }, t("when I move from “{name}”", { name: fromName }))));
  open = root;
  document.body.append(root);
}
export {
  offerRule,
  withdraw
};
