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

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function remember(key, value, storage = localStorage) {
  try {
    storage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
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

var hints_default = ".hints{background:var(--mailbox-active-background)}.hints-count{color:var(--color-mild);font-variant-numeric:tabular-nums}@media(max-width:1099px){.list-band>.hints{font-size:12px;line-height:14px}.list-band>.hints p{max-height:none;overflow:visible}}\n";

adopt(hints_default);
var hintsKey = "moxlite-webmail-hints";
function showHints(band) {
  const touch = navigator.maxTouchPoints > 0;
  const hints = [touch ? t("Swipe right to archive or left to move to Trash. Press and hold to select several messages.") : t("Press ? for all shortcuts, or Ctrl+K to find a command."), t("You can undo almost anything, even sending."), t("Remote images only load when you ask, so senders can't tell when you read their mail.")];
  let read2 = Number(localStorage.getItem(hintsKey)) || 0;
  if (read2 >= hints.length) return;
  const box = el("aside", { class: "hints", "aria-label": t("Tip") });
  const draw = () => {
    fill(box, el("p", {}, el("span", { class: "hints-count" }, t("{n} of {total}", { n: read2 + 1, total: hints.length })), " ", hints[read2]), el("button", { class: "link hints-next", onclick: next }, t("Got it")));
  };
  const next = () => {
    remember(hintsKey, String(++read2));
    if (read2 < hints.length) {
      draw();
      box.querySelector(".hints-next")?.focus();
      return;
    }
    box.remove();
    focusHome();
  };
  draw();
  band.append(box);
}
export {
  hintsKey,
  showHints
};
