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

var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";

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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function foreign(value, most3 = 300) {
  const shown = visible(value);
  if (shown.length <= most3) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most3)}…`);
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

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-searched";
var most = 500;
var form = /^~(\d+)~$/;
var load = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
function nameOfSearch(words) {
  if (words === "" || form.test(words)) return words;
  const kept = load();
  const known = kept.indexOf(words);
  if (known >= 0) return `~${known}~`;
  const place = Math.min(kept.length, most - 1);
  remember(key, JSON.stringify([...kept.slice(0, place), words]), sessionStorage);
  return `~${place}~`;
}
function wordsOfSearch(name) {
  const place = form.exec(name)?.[1];
  return place === void 0 ? name : load()[Number(place)] ?? "";
}

function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
}

var elements = "label, legend, h2, h3, summary, button, a.btn";
function textOf(element) {
  const copy2 = element.cloneNode(true);
  for (const other of copy2.querySelectorAll(".hint, .error, .sr, select, datalist")) other.remove();
  return (copy2.textContent ?? "").trim();
}
function settingsIn(root) {
  return [...root.querySelectorAll(elements)].filter((one) => one.closest("[hidden]") === null).map((one) => [one, textOf(one)]).filter(([, text2]) => text2 !== "");
}

var most2 = 50;
var search2 = async (desk) => {
  const found = [];
  const place = el("div", { role: "status" });
  const input = el("input", { type: "search", "aria-label": t("Search settings"), autocomplete: "off", spellcheck: "false", value: wordsOfSearch(desk.path[0] ?? "") });
  const show = () => fill(place, results(desk, found, input.value));
  input.addEventListener("input", () => {
    history.replaceState(null, "", `#search/${nameOfSearch(input.value)}`);
    show();
  });
  const root = el("div", { class: "page" }, head(t("Search settings"), "", el("label", { class: "search" }, sign(search), input)), place);
  void attempt(t("Loading…"), t("Couldn't load account"), async () => {
    for (const { title: room, pages: pages2 } of desk.places) await Promise.all(pages2.filter(([, title]) => title !== "").map(async ([page, title]) => {
      found.push(...await settingsOf(desk, page, `${room} › ${title}`));
      show();
    }));
  });
  requestAnimationFrame(() => input.focus());
  return { title: t("Search settings"), root };
};
async function settingsOf(desk, page, path) {
  const leave = [];
  const quiet = { ...desk, path: [], shown: () => false, onLeave: (act) => leave.push(act) };
  try {
    const make = await desk.find(page);
    const { root } = await make(quiet);
    const seen = /* @__PURE__ */ new Set();
    return settingsIn(root).flatMap(([element, text2]) => {
      if (seen.has(text2)) return [];
      seen.add(text2);
      const around = element.closest(".field") ?? element;
      const words = `${path} ${around.textContent}`.toLocaleLowerCase();
      return [{ page, path, text: text2, words, control: element.closest("[data-kept]") }];
    });
  } catch {
    return [];
  } finally {
    for (const act of leave) act();
  }
}
function results(desk, all, typed) {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter((one) => one !== "");
  if (words.length === 0) return contents(desk);
  const found = all.filter((one) => words.every((word) => one.words.includes(word)));
  const named = (one) => words.every((word) => one.text.toLocaleLowerCase().includes(word)) ? 0 : 1;
  found.sort((one, other) => named(one) - named(other));
  if (found.length === 0) return card("", empty(search, t("No results"), ""));
  return card("", el("ul", { class: "lines" }, found.slice(0, most2).map((one) => el("li", {}, one.control === null ? led(desk, one) : itself(desk, one.control, one)))), { flush: true });
}
function contents(desk) {
  const link = ([page, title]) => el("a", { href: `#${page}` }, title);
  const line = ({ title, pages: pages2 }) => {
    const named = pages2.filter(([, page]) => page !== "");
    return named.length > 0 && el("li", { class: "place-pages" }, el("b", {}, title), el("span", { class: "flex wrap" }, named.map(link)));
  };
  return card("", el("ul", { class: "lines" }, desk.places.map(line)), { flush: true });
}
function led(desk, one) {
  return el("span", { class: "grow" }, el("a", { class: "name", href: `#${one.page}`, onclick: () => desk.mark(one.text) }, foreign(one.text, 100)), el("br"), el("span", { class: "hint" }, one.path));
}
function itself(desk, control, one) {
  const link = el("a", { class: "hint", href: `#${one.page}`, onclick: () => desk.mark(one.text) }, one.path);
  return el("div", { class: "grow" }, control, link);
}
var pages = { search: search2 };
export {
  pages
};
