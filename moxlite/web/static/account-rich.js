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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var CallFailed = class extends Error {
  constructor(call, code2, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code2;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var alignLeft = "M21 5H3 M15 12H3 M17 19H3";
var baseline = "M4 20h16 M6 16l6-12 6 12 M8 12h8";
var bold = "M6 12h9a4 4 0 0 1 0 8H7a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h7a4 4 0 0 1 0 8";
var check = "M20 6 9 17l-5-5";
var code = "M16 18l6-6-6-6 M8 6l-6 6 6 6";
var image = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M7 9a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z M21 15l-3.086-3.086a2 2 0 0 0-2.828 0L6 21";
var italic = "M19 4h-9 M14 20H5 M15 4 9 20";
var letterSize = "M21 14h-5 M16 16v-3.5a2.5 2.5 0 0 1 5 0V16 M4.5 13h6 M3 16l4.5-9 4.5 9";
var link = "M10 13a5 5 0 0 0 7.54.54l3-3a5 5 0 0 0-7.07-7.07l-1.72 1.71 M14 11a5 5 0 0 0-7.54-.54l-3 3a5 5 0 0 0 7.07 7.07l1.71-1.71";
var list = "m3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var listOrdered = "m11 5h10 M11 12h10 M11 19h10 M4 4h1v5 M4 9h2 M6.5 20H3.4c0-1 2.6-1.925 2.6-3.5a1.5 1.5 0 0 0-2.6-1.02";
var quote = "M16 3a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2 1 1 0 0 1 1 1v1a2 2 0 0 1-2 2 1 1 0 0 0-1 1v2a1 1 0 0 0 1 1 6 6 0 0 0 6-6V5a2 2 0 0 0-2-2z M5 3a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2 1 1 0 0 1 1 1v1a2 2 0 0 1-2 2 1 1 0 0 0-1 1v2a1 1 0 0 0 1 1 6 6 0 0 0 6-6V5a2 2 0 0 0-2-2z";
var redo2 = "m15 14l5-5-5-5 M20 9H9.5a5.5 5.5 0 0 0 0 11H13";
var removeFormatting = "M4 7V4h16v3 M5 20h6 M13 4 8 20 M15 15l5 5 M20 15l-5 5";
var smile = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M8 14s1.5 2 4 2 4-2 4-2 M9 9h.01 M15 9h.01";
var strikethrough = "M16 4H9a3 3 0 0 0-2.83 4 M14 12a4 4 0 0 1 0 8H6 M4 12h16";
var table = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18 M3 15h18 M12 3v18";
var underline = "M6 4v6a6 6 0 0 0 12 0V4 M4 20h16";
var undo2 = "m9 14 4 9l5-5 M4 9h10.5a5.5 5.5 0 0 1 5.5 5.5a5.5 5.5 0 0 1-5.5 5.5H11";
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
function line(title, label, value, action, send) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    return [el("form", { onsubmit: once(async () => input.value !== "" && send(input.value, close)) }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)))];
  });
}
var ask = (title, label, value, action) => line(title, label, value, action, async (text2, close) => close(text2));
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

var mirrored = () => document.documentElement.dir === "rtl";
function along(key) {
  if (!mirrored()) return key;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key] ?? key;
}

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
function openMenuAt({ x: x2, y }, within, title, commands) {
  open(within, new DOMRect(x2, y), title, commands, () => void 0);
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
  const made2 = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made2);
  return made2;
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

var shown2 = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden], :disabled)")];
  const drawn2 = all.filter((one) => one.getClientRects().length > 0);
  return drawn2.length > 0 ? drawn2 : all;
};
function settle(bar) {
  const all = shown2(bar);
  const stop = all.find((one) => one === document.activeElement) ?? all.find((one) => one.tabIndex === 0 && one.dataset["stop"]) ?? all[0];
  for (const one of bar.querySelectorAll("button")) {
    one.tabIndex = one === stop ? 0 : -1;
    if (one === stop) one.dataset["stop"] = "1";
    else delete one.dataset["stop"];
  }
}
function moveWithin(bar) {
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const all = shown2(bar);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
}

var largest = 64 << 20;
var [mostHeaders, mostDirectories, mostEntries] = [100, 16, 500];
var [longestValue, longestPacket] = [4096, 4 << 20];
var gpsPointer = 34853;
var coordinates = [2, 4];
var sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
var first = /^(?:\xff\xd8\xff|\x89PNG\r\n|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*|[\s\S]{4}ftyp(?:hei|hev|mif1|msf1|avi[fs]))/;
var octetsOf = (text2) => Uint8Array.from(text2, (char) => char.charCodeAt(0));
var textOf = (octets) => new TextDecoder("latin1").decode(octets);
function positions(octets, text2) {
  const sought = octetsOf(text2);
  const found = [];
  for (let at = octets.indexOf(sought[0]); at !== -1; at = octets.indexOf(sought[0], at + 1)) if (sought.every((octet, index) => octets[at + index] === octet) && found.push(at) === mostHeaders) break;
  return found;
}
var Photo = class {
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer);
    for (const [order, little] of [["II*\0", true], ["MM\0*", false]]) for (const at of positions(octets, order)) this.exif(at, little);
    for (const at of positions(octets, "<rdf:RDF")) this.xmp(at);
    for (const at of positions(octets, "©xyz")) this.film(at);
    if (octets[0] === 137) this.checksums();
  }
  octets;
  ranges = [];
  placed = false;
  view;
  change(begin, end, value) {
    this.octets.fill(0, begin, end);
    if (value !== void 0) this.octets.set(value, begin);
    this.ranges.push([begin, end]);
  }
  exif(header, little) {
    const { view, octets } = this;
    const entries = (at2) => {
      if (at2 < header + 8 || at2 + 2 > octets.length) return null;
      const count = view.getUint16(at2, little);
      if (count === 0 || count > mostEntries || at2 + 2 + 12 * count > octets.length) return null;
      const found = Array.from({ length: count }, (_, index) => at2 + 2 + 12 * index);
      return found.every((entry) => (sizes[view.getUint16(entry + 2, little)] ?? 0) > 0) ? found : null;
    };
    const pointer = (at2) => at2 + 4 > octets.length ? 0 : header + view.getUint32(at2, little);
    let at = pointer(header + 4);
    for (let number = 0; number < mostDirectories; number++) {
      const found = entries(at);
      if (found === null) return;
      const next = pointer(at + 2 + 12 * found.length);
      const gps = found.find((entry) => view.getUint16(entry, little) === gpsPointer);
      if (gps !== void 0) {
        const values = entries(pointer(gps + 8));
        this.placed ||= values?.some((entry) => coordinates.includes(view.getUint16(entry, little))) ?? false;
        for (const entry of values ?? []) {
          const length = sizes[view.getUint16(entry + 2, little)] * view.getUint32(entry + 4, little);
          const begin = pointer(entry + 8);
          if (length > 4 && length <= longestValue) this.change(begin, Math.min(begin + length, octets.length));
        }
        if (values !== null) this.change(values[0] - 2, values.at(-1) + 12);
        this.drop(at, found.length, gps, little);
      }
      at = next;
    }
  }
  drop(at, count, entry, little) {
    const end = Math.min(at + 2 + 12 * count + 4, this.octets.length);
    const rest = this.octets.slice(entry + 12, end);
    this.change(entry, end, rest);
    this.view.setUint16(at, count - 1, little);
    this.ranges.push([at, at + 2]);
  }
  xmp(at) {
    const text2 = textOf(this.octets.subarray(at, at + longestPacket));
    const end = text2.indexOf("</rdf:RDF");
    if (end === -1) return;
    const property = /\s[\w.-]{1,40}:gps\w{0,40}\s?=\s?(?:"[^"]*"|'[^']*')|<([\w.-]{1,40}:gps\w{0,40})(?=[\s>/])[^<>]*>/gi;
    property.lastIndex = 0;
    for (let found = property.exec(text2); found !== null && found.index < end; found = property.exec(text2)) {
      const [words, name] = found;
      let close = found.index + words.length;
      if (name !== void 0 && !words.endsWith("/>")) {
        const last = text2.indexOf(`</${name}`, close);
        if (last === -1) return;
        close = text2.indexOf(">", last) + 1;
      }
      property.lastIndex = close;
      this.placed ||= /gps(?:dest)?(?:lat|lon)/i.test(words);
      this.change(at + found.index, at + close, octetsOf(" ".repeat(close - found.index)));
    }
  }
  film(at) {
    const size = at < 4 ? 0 : this.view.getUint32(at - 4);
    if (size < 12 || size > 200 || !/^[+-]\d\d/.test(textOf(this.octets.subarray(at + 8, at + 11)))) return;
    this.placed = true;
    this.change(at, Math.min(at - 4 + size, this.octets.length), octetsOf("free"));
  }
  checksums() {
    const { view, octets, ranges } = this;
    for (let at = 8; at + 12 <= octets.length; ) {
      const end = at + 8 + view.getUint32(at);
      if (end + 4 > octets.length) return;
      if (ranges.some(([begin]) => begin >= at + 8 && begin < end)) {
        view.setUint32(end, checksum(octets.subarray(at + 4, end)));
        ranges.push([end, end + 4]);
      }
      at = end + 4;
    }
  }
};
function checksum(octets) {
  let value = -1;
  for (const octet of octets) {
    value ^= octet;
    for (let bit = 0; bit < 8; bit++) value = value >>> 1 ^ (value & 1 ? 3988292384 : 0);
  }
  return ~value >>> 0;
}
async function withoutPlace(file) {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (file.size > largest || !first.test(String.fromCharCode(...head))) return null;
  const octets = new Uint8Array(await file.arrayBuffer());
  const { placed, ranges } = new Photo(octets);
  if (!placed) return null;
  const pieces = [];
  let at = 0;
  for (const [begin, end] of ranges.sort((one, other) => one[0] - other[0])) {
    if (end <= at) continue;
    pieces.push(file.slice(at, Math.max(at, begin)), octets.slice(Math.max(at, begin), end));
    at = end;
  }
  return new File([...pieces, file.slice(at)], file.name, { type: file.type, lastModified: file.lastModified });
}

var UploadAborted = class extends Error {
};
var silentAfter = 3e4;
var staleAfter = 3e3;
var waits = [1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var [first2, largest2, quick] = [1 << 20, 8 << 20, 4e3];
function sent(request, url, body, type, client, progress) {
  return new Promise((resolve, reject) => {
    const fail = (code2, text2) => reject(new CallFailed("upload", code2, text2));
    let [heard, timer] = [0, 0];
    const hear = () => {
      heard = Date.now();
      clearTimeout(timer);
      timer = window.setTimeout(lost, silentAfter);
    };
    const lost = () => {
      fail("", t("upload interrupted"));
      request.abort();
    };
    const connected = () => {
      if (Date.now() - heard > staleAfter) lost();
    };
    request.open("POST", url);
    request.setRequestHeader("x-moxlite-csrf", client.csrfToken);
    if (type !== null) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => {
      hear();
      progress(event.loaded, event.total);
    };
    request.onload = () => {
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        const { status } = request;
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === void 0) resolve(answer);
      else void told(answer.error).then(({ code: code2, message }) => fail(code2, message));
    };
    request.onerror = () => fail("", t("upload interrupted"));
    request.onabort = () => reject(new UploadAborted());
    request.onloadend = () => {
      clearTimeout(timer);
      removeEventListener("connected", connected);
    };
    addEventListener("connected", connected);
    hear();
    request.send(body);
  });
}
async function loggedIn(error, client) {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}
var FileUpload = class {
  constructor(base, client, file, name) {
    this.base = base;
    this.client = client;
    this.file = file;
    this.name = name;
  }
  base;
  client;
  file;
  name;
  request = new XMLHttpRequest();
  aborted = false;
  key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
  at = 0;
  retry = () => {
  };
  async send(watcher) {
    let length = first2;
    for (let failed = 0; ; ) {
      if (this.aborted) throw new UploadAborted();
      const begun = Date.now();
      try {
        const result = await this.piece(failed > 0 ? 0 : length, watcher);
        if ("upload_id" in result) return result;
        this.at = result.received;
        length = Math.min(failed === 0 && Date.now() - begun < quick ? 2 * length : length, largest2);
        if (failed > 0) watcher.stuck("", false);
        failed = 0;
      } catch (error) {
        if (error instanceof UploadAborted) throw error;
        if (await loggedIn(error, this.client)) continue;
        length = first2;
        const refused = codeOf(error) !== "";
        watcher.stuck(messageOf(error), refused);
        if (this.aborted) continue;
        await this.pause(refused ? null : waits[Math.min(failed, waits.length - 1)]);
        failed++;
      }
    }
  }
  abort() {
    this.aborted = true;
    this.request.abort();
    this.retry();
  }
  async piece(length, { progress }) {
    const { at, file } = this;
    const parameters = new URLSearchParams({ filename: this.name, key: this.key, start: `${at}`, size: `${file.size}` });
    this.request = new XMLHttpRequest();
    const type = file.type || "application/octet-stream";
    const url = `${this.base}upload?${parameters}`;
    const answer = await sent(this.request, url, file.slice(at, at + length), type, this.client, (octets) => progress(Math.min(at + octets, file.size), file.size));
    return answer.result ?? {};
  }
  pause(time) {
    return new Promise((resolve) => {
      const timer = time === null ? 0 : window.setTimeout(() => this.retry(), time);
      const automatic = time === null ? [] : ["connected", "online"];
      this.retry = () => {
        clearTimeout(timer);
        for (const kind of automatic) removeEventListener(kind, this.retry);
        this.retry = () => {
        };
        resolve();
      };
      for (const kind of automatic) addEventListener(kind, this.retry);
    });
  }
};

var inks = [[t("Black"), ""], [t("Gray"), "color:#5f6368"], [t("Red"), "color:#b3261e"], [t("Orange"), "color:#a84300"], [t("Green"), "color:#1a7334"], [t("Teal"), "color:#0b6e69"], [t("Blue"), "color:#1a56b0"], [t("Purple"), "color:#6b3fa0"]];
var markers = [[t("No highlight"), ""], [t("Yellow"), "background-color:#fff1a8"], [t("Light green"), "background-color:#d3f2d6"], [t("Light blue"), "background-color:#d6e9ff"], [t("Pink"), "background-color:#ffd9e6"], [t("Light gray"), "background-color:#e8eaed"]];
var sizes2 = [[t("Small"), "font-size:12px"], [t("Normal"), ""], [t("Large"), "font-size:18px"], [t("Huge"), "font-size:26px"]];
var alignments = [[t("Left"), ""], [t("Centered"), "text-align:center"], [t("Right"), "text-align:right"]];
var widths = [[t("Small"), 160], [t("Medium"), 320], [t("Large"), 560], [t("Original size"), 0]];
var largest3 = 560;
var kinds = { ink: "look-ink", marker: "look-marker", size: "look-size" };
var letters = [[kinds.ink, inks], [kinds.marker, markers], [kinds.size, sizes2]];
var classOf = (kind, look2) => `${kind} ${kind}-${look2.replace(/\W/g, "")}`;
var cell = "border:1px solid #b8bcc2;padding:6px 10px;vertical-align:top";
var table2 = "border-collapse:collapse";
var pictured = (width) => `width:${width}px;max-width:100%;height:auto`;
var drawn = (look2) => look2.replace(/^(background-)?color:(.*)$/, (_, marker, colour) => marker === void 0 ? `color:light-dark(${colour},color-mix(in oklab,${colour},white 55%))` : `background-color:light-dark(${colour},color-mix(in oklab,${colour},black 52%))`);
adopt([...[...inks, ...markers, ...sizes2, ...alignments].filter(([, look2]) => look2 !== "").map(([, look2]) => `.compose-rich [data-look="${look2}"]{${drawn(look2)}}`), ...widths.filter(([, width]) => width > 0).map(([, width]) => `.compose-rich img[width="${width}"]{width:${width}px;height:auto}`)].join(""));
function lettersOf(style) {
  const declared = declarations(style);
  return letters.flatMap(([kind, choices]) => {
    const found = choices.find(([, look2]) => look2 !== "" && declared.has(look2));
    return found === void 0 ? [] : [[kind, found[1]]];
  });
}
function alignmentOf(node, style) {
  const look2 = `text-align:${node.getAttribute("align")?.toLowerCase()}`;
  const declared = declarations(style);
  return alignments.find(([, one]) => one !== "" && (one === look2 || declared.has(one)))?.[1] ?? "";
}
function widthOf(node) {
  const width = Number(node.getAttribute("width"));
  return widths.some(([, one]) => one === width) ? width : 0;
}
function tabled(made2) {
  if (made2.nodeName === "TABLE") {
    made2.dataset["look"] = table2;
    made2.setAttribute("cellspacing", "0");
  } else if (made2.nodeName !== "TR" && made2.nodeName !== "TBODY") made2.dataset["look"] = cell;
}
function styled(html) {
  return html.replace(/<[a-z][^<>]*>/g, (tag) => tag.replace(/ class="look-[^"]*"/, "").replace(/^<img( [^<>]*?) width="(\d+)"/, (_, rest, width) => {
    return `<img${rest} width="${width}" style="${pictured(Number(width))}"`;
  }).replace(/ data-look="(text-align:(\w+))"/, ' align="$2" style="$1"').replace(/ data-look="/, ' style="').replace(/ data-waits="[^"]*"/, ""));
}
function declarations(style) {
  return new Set(style.toLowerCase().replace(/\s/g, "").replace(/rgb\((\d+),(\d+),(\d+)\)/g, (_, ...parts) => parts.slice(0, 3).reduce((all, one) => all + Number(one).toString(16).padStart(2, "0"), "#")).split(";"));
}

var kept = { ...Object.fromEntries(["B", "I", "U", "S", "CODE", "PRE", "SUB", "SUP", "BLOCKQUOTE", "UL", "OL", "LI", "A", "BR", "DIV"].map((name) => [name, name])), CENTER: "DIV", CAPTION: "DIV", STRONG: "B", EM: "I", CITE: "I", DEL: "S", STRIKE: "S", TT: "CODE", KBD: "CODE", SAMP: "CODE", P: "DIV", H1: "DIV", H2: "DIV", H3: "DIV", H4: "DIV", H5: "DIV", H6: "DIV", TR: "DIV", DT: "DIV", DD: "DIV", ADDRESS: "DIV", FIGCAPTION: "DIV" };
var dropped = /* @__PURE__ */ new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "TEMPLATE", "IFRAME", "OBJECT", "EMBED", "SVG", "MATH", "NOSCRIPT", "SELECT", "BUTTON", "INPUT", "TEXTAREA", "AUDIO", "VIDEO", "CANVAS", "LINK", "META"]);
var headings = /^H[1-6]$/;
var tabular = { ...Object.fromEntries(["TABLE", "TBODY", "TR", "TD", "TH"].map((name) => [name, name])), THEAD: "TBODY", TFOOT: "TBODY" };
var cells = 2e3;
var linked = /^(?:https?|mailto|tel):/i;
var picture = /^(?:cid:([\w-]{22})@moxlite\.invalid|upload\/([\w-]{22}))$/;
var tags = /<\/?[a-z][^<>]*>/gi;
var unstyled = (tag) => tag.replace(/^(<\/?)style/i, "$1textarea").replace(/^(<\/?)(base|meta|link)\b/i, "$1x-$2").replace(/[\s/"'](style|on\w+)\s*=/gi, " data-$1=").replace(/ data-look=/gi, " data-style=");
var [deepest, longest] = [60, 2e6];
function cleaned(html, signed2) {
  const fragment = document.createDocumentFragment();
  const found = { fragment, left: 0, data: [] };
  const source = new DOMParser().parseFromString(html.slice(0, longest).replace(tags, unstyled), "text/html");
  const tables = new Set([...source.querySelectorAll("table")].filter(holdsData));
  walk(source.body, fragment, 0);
  return found;
  function walk(from, into, depth) {
    for (const node of from.childNodes) {
      if (node instanceof Text) {
        if (!/^(?:TABLE|TBODY|TR)$/.test(into.nodeName)) into.appendChild(document.createTextNode(node.data));
      } else if (node.nodeType === Node.ELEMENT_NODE) element(node, into, depth);
    }
  }
  function element(node, into, depth) {
    const name = node.nodeName.toUpperCase();
    if (dropped.has(name)) return;
    if (name === "IMG") {
      image2(node, into);
      return;
    }
    const made2 = depth < deepest ? make(node, name) : null;
    if (made2 === null) {
      walk(node, into, Math.min(depth + 1, deepest));
      if (name === "TD" || name === "TH") into.appendChild(document.createTextNode(" "));
      return;
    }
    if (name === "CAPTION" && into.nodeName === "TABLE") return;
    const inner = inside(made2, node, name);
    if (made2.nodeName === "TABLE") for (const title of node.querySelectorAll("caption")) walk(title, into, depth + 1);
    walk(node, inner, depth + 1);
    if (made2.nodeName === "TD" || made2.nodeName === "TH") block(made2);
    into.appendChild(made2);
  }
  function make(node, name) {
    const style = node.getAttribute("data-style") ?? "";
    if (name === "B" && /(?:^|[\s;])font-weight\s*:\s*normal/i.test(style)) return null;
    const becomes = (tables.has(node.closest("table")) ? tabular[name] : void 0) ?? kept[name] ?? (name === "SPAN" || name === "FONT" ? marked(style) : void 0);
    if (becomes === void 0) return null;
    const made2 = document.createElement(becomes);
    if (tabular[becomes] !== void 0) {
      tabled(made2);
      for (const span of ["colspan", "rowspan"]) {
        const value = Math.trunc(Number(node.getAttribute(span)));
        if (value > 1 && value <= 100) made2.setAttribute(span, String(value));
      }
      return made2;
    }
    const align = becomes === "DIV" || becomes === "LI" ? alignmentOf(node, style) : "";
    if (align !== "" || name === "CENTER") made2.dataset["look"] = align || "text-align:center";
    if (becomes === "A") {
      const href = node.getAttribute("href")?.trim() ?? "";
      if (!linked.test(href) || href.length > 4e3) return null;
      made2.setAttribute("href", href);
    }
    if (becomes === "DIV" && node.classList.contains(signed2)) made2.className = signed2;
    const dir = node.getAttribute("dir");
    if (dir === "rtl" || dir === "ltr") made2.setAttribute("dir", dir);
    return made2;
  }
  function image2(node, into) {
    const address = node.getAttribute("src")?.trim() ?? "";
    const [, inMail, here] = picture.exec(address) ?? [];
    const id = inMail ?? here;
    const inData = /^data:image\/(?:png|jpeg|gif|webp|avif|bmp);base64,/i.test(address);
    if (id === void 0 && !inData) {
      if (address !== "") found.left++;
      return;
    }
    const made2 = document.createElement("img");
    made2.alt = (node.getAttribute("alt") ?? "").slice(0, 1e3);
    const width = widthOf(node);
    if (width > 0) made2.setAttribute("width", String(width));
    if (id === void 0) found.data.push({ address, image: made2 });
    else made2.setAttribute("src", `upload/${id}`);
    into.appendChild(made2);
  }
}
var styles = [["B", /(?:^|[\s;])font-weight\s*:\s*(?:bold|[6-9]00)/i], ["I", /font-style\s*:\s*italic/i], ["U", /text-decoration(?:-line)?\s*:[^;]*underline/i], ["S", /text-decoration(?:-line)?\s*:[^;]*line-through/i]];
function marked(style) {
  return styles.find(([, one]) => one.test(style))?.[0] ?? (lettersOf(style).length > 0 ? "SPAN" : void 0);
}
function inside(made2, node, name) {
  if (headings.test(name)) return made2.appendChild(document.createElement("b"));
  if (!/^(?:SPAN|FONT|B|STRONG)$/.test(name)) return made2;
  const style = node.getAttribute("data-style") ?? "";
  let inner = made2;
  for (const [tag, one] of styles) if (tag !== made2.nodeName && one.test(style)) inner = inner.appendChild(document.createElement(tag));
  for (const [kind, look2] of lettersOf(style)) {
    if (inner.nodeName !== "SPAN" || inner.className !== "") inner = inner.appendChild(document.createElement("span"));
    inner.className = classOf(kind, look2);
    inner.dataset["look"] = look2;
  }
  return inner;
}
function holdsData(table3) {
  return table3.getAttribute("role") !== "presentation" && table3.querySelector("table") === null && [...table3.rows].some((row) => row.cells.length > 1) && table3.querySelectorAll("td, th").length <= cells;
}
function block(cell2) {
  let line2 = null;
  for (const child of [...cell2.childNodes]) {
    if (/^(?:DIV|UL|OL|BLOCKQUOTE|PRE)$/.test(child.nodeName)) line2 = null;
    else if (line2 !== null) line2.append(child);
    else if (child.textContent?.trim() !== "" || child.nodeName !== "#text") {
      line2 = document.createElement("div");
      child.replaceWith(line2);
      line2.append(child);
    } else child.remove();
  }
  if (cell2.childNodes.length === 0) cell2.append(document.createElement("div"));
}

var emoji = "😀😃😄😁😅😂🤣😊😇🙂🙃😉😍🥰😘😋😜🤪🤔🤗🤭🙄😏😌😴😷🤒🥳😎🤓😕😟😮😳🥺😢😭😱😤😡🤯👍👎👌🤞🤝👏🙌👐🙏💪👋🤙👀💯🔥✨🎉🎂🎁🎈🏆🌟💡📎📌📅✅❌❓❗💤💬🧡💛💚💙💜🖤💔💕💖🌹🌸🌞🌈🌧⛄🌍🐶🐱🐦🐝🍀🍎🍕🍰☕🍷🍺⚽🚗🚲✈🏠🎵📷💻📞🔒";

function openGrid(anchor, title, columns, groups) {
  const items = [];
  const rows = groups.flatMap(([heading, cells2]) => {
    const made2 = cells2.map((cell2) => el("button", { class: "grid-cell", type: "button", role: "menuitemradio", tabindex: "-1", title: cell2.name, "aria-label": cell2.name, "aria-checked": String(cell2.chosen === true), onclick: () => {
      close();
      cell2.run();
    } }, cell2.content));
    items.push(...made2);
    const row = el("div", { class: "grid-row", role: "group", "aria-label": heading || title }, made2);
    row.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    return heading === "" ? [row] : [el("div", { class: "grid-heading", "aria-hidden": "true" }, heading), row];
  });
  const root = el("div", { class: "menu grid-menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  anchor.setAttribute("aria-expanded", "true");
  const close = () => {
    root.remove();
    removeEventListener("pointerdown", outside, true);
    anchor.setAttribute("aria-expanded", "false");
    giveBack();
  };
  const outside = (event) => {
    if (event.target instanceof Node && !root.contains(event.target)) close();
  };
  root.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[along(event.key)];
    event.stopPropagation();
    if (step !== void 0) items[Math.max(0, Math.min(items.length - 1, at + step))]?.focus();
    else if (event.key === "Home") items[0]?.focus();
    else if (event.key === "End") items.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (anchor.closest("main") ?? document.body).append(root);
  const place = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = root;
  const above = place.top - 4 - height >= 8;
  root.style.left = `${Math.max(8, Math.min(mirrored() ? place.right - width : place.left, innerWidth - width - 8))}px`;
  root.style.top = `${above ? place.top - 4 - height : Math.min(place.bottom + 4, innerHeight - height - 8)}px`;
  addEventListener("pointerdown", outside, true);
  (items.find((one) => one.getAttribute("aria-checked") === "true") ?? items[0])?.focus();
}

var rich_default = ".compose-rich{overflow:auto;overflow-wrap:anywhere}.compose-rich img{max-width:100%}.compose-rich blockquote{margin-block:4px;margin-inline:2px 0;padding-inline-start:12px;border-inline-start:2px solid var(--line);color:var(--text-2)}.compose-rich :is(ul,ol){margin:4px 0;padding-inline-start:26px}.compose-rich :is(code,pre){border-radius:4px;background:var(--sunken);font-family:var(--mono);font-size:0.93em}.compose-rich code{padding:1px 4px}.compose-rich pre{margin:6px 0;padding:8px 12px;white-space:pre-wrap}.compose-rich a{color:var(--accent-text, var(--link-color));text-decoration:underline}.compose-rich .moxlite-signature{color:var(--text-2)}.compose-rich table{margin:6px 0;border-collapse:collapse}.compose-rich :is(td,th){min-width:48px;padding:6px 10px;border:1px solid var(--line);text-align:start;vertical-align:top}.compose-rich img{cursor:pointer}.compose-words:has(>.compose-tools){min-height:112px}.compose-tools{display:flex;flex:none;flex-wrap:wrap;gap:1px;margin:0 10px 4px;padding:2px;border-radius:8px;background:var(--sunken)}.compose-tools button{width:28px;height:32px}.compose-tools button:disabled{opacity:0.4}.grid-menu{max-width:calc(100vw - 16px);max-height:min(340px,50dvh);padding:6px;overflow-y:auto}.grid-heading{padding:4px 6px;color:var(--text-2);font-size:12px}.grid-row{display:grid;justify-content:start;gap:2px}.grid-cell{display:grid;place-content:center;min-width:32px;min-height:32px;padding:2px;border:0;border-radius:6px;background:none;color:var(--text);font:inherit}.grid-cell:is(:hover,:focus-visible){background:var(--hover, var(--button-hover-background))}.grid-cell[aria-checked=true]{outline:2px solid var(--accent-text, var(--link-color));outline-offset:-2px}.swatch>span{display:grid;place-content:center;width:22px;height:22px;border-radius:4px;font-weight:600}.compose-tools [aria-pressed=true]{background:var(--accent-soft, var(--mailbox-active-background));color:var(--text)}@media(max-width:700px){.compose-tools{display:grid;grid-template-columns:repeat(9,minmax(0,1fr));margin:0;gap:2px;padding:2px 4px;border-radius:0}.compose-tools button{width:100%;min-height:44px}.grid-cell{min-width:38px;min-height:44px}}\n";

function made(name, ...content) {
  const element = document.createElement(name);
  element.append(...content);
  tabled(element);
  return element;
}
var emptyCell = () => made("td", el("div", {}, el("br")));
function newTable(rows, columns) {
  const row = `<tr>${"<td><div><br></div></td>".repeat(columns)}</tr>`;
  return `<table><tbody>${row.repeat(rows)}</tbody></table>`;
}
function look(table3) {
  for (const one of [table3, ...table3.querySelectorAll("tbody, tr, td")]) tabled(one);
}
function cellOf(node, root) {
  const found = (node instanceof Element ? node : node?.parentElement)?.closest("td, th");
  return found instanceof HTMLTableCellElement && root.contains(found) ? found : null;
}
var changes = { rowBelow(cell2) {
  const row = cell2.parentElement;
  const added = made("tr", ...Array.from({ length: row.cells.length }, emptyCell));
  row.after(added);
  return added.children[Math.min(cell2.cellIndex, added.children.length - 1)];
}, columnBeside(cell2) {
  const at = cell2.cellIndex;
  for (const row of tableOf(cell2).rows) (row.cells[Math.min(at, row.cells.length - 1)] ?? null)?.after(emptyCell());
  return cell2.nextElementSibling;
}, dropRow(cell2) {
  const row = cell2.parentElement;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (next === null) return changes.dropTable(cell2);
  const at = Math.min(cell2.cellIndex, next.cells.length - 1);
  row.remove();
  return next.cells[at] ?? null;
}, dropColumn(cell2) {
  const at = cell2.cellIndex;
  const next = cell2.nextElementSibling ?? cell2.previousElementSibling;
  if (next === null) return changes.dropTable(cell2);
  for (const row of tableOf(cell2).rows) row.cells[at]?.remove();
  return next;
}, dropTable(cell2) {
  const table3 = tableOf(cell2);
  const line2 = el("div", {}, el("br"));
  table3.replaceWith(line2);
  return line2;
} };
function neighbour(cell2, forward) {
  const all = [...tableOf(cell2).querySelectorAll("td, th")];
  const next = all[all.indexOf(cell2) + (forward ? 1 : -1)];
  if (next !== void 0) return next;
  return forward ? changes.rowBelow(cell2).parentElement.firstElementChild : null;
}
function atEnd(range, cell2, backwards) {
  const rest = document.createRange();
  rest.selectNodeContents(cell2);
  if (backwards) rest.setEnd(range.startContainer, range.startOffset);
  else rest.setStart(range.endContainer, range.endOffset);
  return rest.toString().replace(/\u200b/g, "") === "" && rest.cloneContents().querySelector("img") === null;
}
function tableOf(cell2) {
  return cell2.closest("table");
}

adopt(rich_default);
var signed = "moxlite-signature";
var mostAttempts = 6;
var pictureTypes = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;
var inHTML = /(<img [^<>]*?src=")upload\/([\w-]{22})"/g;
function openEditor(Squire, html, { client, base, changed, note, say, pictures = true }) {
  let pending = 0;
  let closed = false;
  let waited = 0;
  const uploads = /* @__PURE__ */ new Set();
  const sent2 = /* @__PURE__ */ new Map();
  const unplaced = /* @__PURE__ */ new Map();
  const replaced = /* @__PURE__ */ new Map();
  const root = el("div", { class: "compose-text compose-rich", role: "textbox", "aria-multiline": "true", "aria-label": t("Text"), dir: "auto", spellcheck: "true" });
  root.addEventListener("blur", () => void editor.getSelection(), true);
  const editor = new Squire(root, { blockTag: "DIV", undo: { documentSizeThreshold: 5e5, undoLimit: 100 }, tagAttributes: {}, didError: (error) => {
    throw error;
  }, sanitizeToDOMFragment: (text2) => clean(text2) });
  editor._imageResizer.destroy();
  editor.setHTML(html);
  editor.addEventListener("input", changed);
  editor.addEventListener("undoStateChange", ((event) => {
    backButton.disabled = !event.detail.canUndo;
    againButton.disabled = !event.detail.canRedo;
    settle(tools);
    arrived();
  }));
  editor.addEventListener("pathChange", () => show());
  editor.addEventListener("select", () => show());
  editor.addEventListener("pasteImage", ((event) => take([...event.detail.clipboardData.files])));
  root.addEventListener("beforeinput", (event) => {
    if (/^insertFrom(?:Drop|Paste)/.test(event.inputType)) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a") !== null) event.preventDefault();
    if (event.target instanceof HTMLImageElement) offerPicture(event.target);
  });
  function clean(text2) {
    const found = cleaned(text2, signed);
    if (!pictures) {
      for (const one of found.fragment.querySelectorAll("img")) one.remove();
      return found.fragment;
    }
    if (found.left > 0) say(many(found.left, "Skipped {n} image from another site.", "Skipped {n} images from other sites."));
    for (const { address, image: waiting } of found.data) {
      const number = String(++waited);
      waiting.dataset["waits"] = number;
      const settle2 = (id) => {
        sent2.set(number, id);
        arrived();
        changed();
      };
      void upload(fileOf(address)).then(settle2, () => settle2(""));
    }
    return found.fragment;
  }
  function arrived() {
    for (const waiting of root.querySelectorAll("img[data-waits]")) {
      const id = sent2.get(waiting.dataset["waits"]);
      if (id === void 0) continue;
      if (id === "") waiting.remove();
      else waiting.setAttribute("src", `upload/${id}`);
      delete waiting.dataset["waits"];
    }
    for (const photo of root.querySelectorAll("img")) {
      const id = replaced.get(idOf(photo));
      if (id !== void 0) photo.setAttribute("src", `upload/${id}`);
    }
  }
  async function offerPlace(file, id) {
    const photo = await withoutPlace(file).catch(() => null);
    if (photo === null || closed) return;
    unplaced.set(id, photo);
    toast(t("This photo says where it was taken"), { title: t("Remove location"), run: () => void removePlace(id) }, 6e4);
  }
  async function removePlace(id) {
    const photo = unplaced.get(id);
    if (photo === void 0 || closed) return;
    unplaced.delete(id);
    try {
      replaced.set(id, await upload(photo));
    } catch {
      unplaced.set(id, photo);
      return;
    }
    arrived();
    changed();
  }
  async function upload(file) {
    pending++;
    note(t("Uploading image…"));
    const picture2 = new FileUpload(base, client, file, file.name || t("image.png"));
    uploads.add(picture2);
    let [failed, reason] = [0, ""];
    try {
      const { upload_id } = await picture2.send({ progress: () => {
      }, stuck(why, refused) {
        if (why !== "") reason = why;
        if (refused || why !== "" && ++failed > mostAttempts) picture2.abort();
      } });
      note("");
      void offerPlace(file, upload_id);
      return upload_id;
    } catch (error) {
      const words = t("Couldn't upload image: {why}", { why: reason });
      note(closed ? "" : words);
      if (!closed) toast(words, { title: t("Try again"), run: () => take([file]) }, 6e4);
      throw error;
    } finally {
      uploads.delete(picture2);
      pending--;
    }
  }
  function take(files) {
    if (!pictures) return [...files];
    for (const file of files.filter((one) => pictureTypes.test(one.type))) {
      upload(file).then((id) => {
        if (closed) return;
        const made2 = editor.insertImage(`upload/${id}`, { alt: file.name });
        made2.addEventListener("load", () => {
          if (made2.naturalWidth > largest3 && !made2.hasAttribute("width")) made2.setAttribute("width", String(largest3));
        });
      }, () => {
      });
    }
    return files.filter((one) => !pictureTypes.test(one.type));
  }
  const picker = el("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp,image/avif,image/bmp", multiple: true, hidden: true, onchange: () => {
    take([...picker.files ?? []]);
    picker.value = "";
  } });
  const within = (tag) => new RegExp(`(?:^|>)${tag}(?:[>.#\\[]|$)`).test(editor.getPath()) || editor.hasFormat(tag);
  const toggles = [[bold, t("Bold"), "ctrl b", () => editor.hasFormat("B"), (on) => on ? editor.removeBold() : editor.bold()], [italic, t("Italic"), "ctrl i", () => editor.hasFormat("I"), (on) => on ? editor.removeItalic() : editor.italic()], [underline, t("Underline"), "ctrl u", () => editor.hasFormat("U"), (on) => on ? editor.removeUnderline() : editor.underline()], [strikethrough, t("Strikethrough"), "ctrl shift 7", () => editor.hasFormat("S"), (on) => on ? editor.removeStrikethrough() : editor.strikethrough()], [list, meant("format", "List"), "ctrl shift 8", () => within("UL"), (on) => on ? editor.removeList() : editor.makeUnorderedList()], [listOrdered, t("Numbered list"), "ctrl shift 9", () => within("OL"), (on) => on ? editor.removeList() : editor.makeOrderedList()], [quote, t("Quote"), "ctrl ]", () => within("BLOCKQUOTE"), (on) => on ? editor.decreaseQuoteLevel() : editor.increaseQuoteLevel()], [code, meant("format", "Code"), "ctrl d", () => within("(?:CODE|PRE)"), () => editor.toggleCode()], [link, t("Link"), "ctrl k", () => editor.hasFormat("A"), () => void chooseLink()]];
  const buttons = toggles.map(([path, title, key, active, run]) => {
    const button = tool(path, withKey(title, key), title, () => {
      run(active());
      editor.focus();
      show();
    });
    return { button, active };
  });
  const [letterTools, blockTools] = [buttons.slice(0, 4), buttons.slice(4)];
  const backButton = tool(undo2, withKey(t("Undo"), "ctrl z"), t("Undo"), () => editor.undo());
  const againButton = tool(redo2, withKey(t("Redo"), "ctrl shift z"), t("Redo"), () => editor.redo());
  backButton.disabled = againButton.disabled = true;
  const named = (path, title, run) => {
    const button = tool(path, title, title, () => run(button));
    button.setAttribute("aria-haspopup", "menu");
    return button;
  };
  const tools = el("div", { class: "compose-tools", role: "toolbar", "aria-label": t("Formatting") }, letterTools.map(({ button }) => button), named(baseline, t("Color"), chooseColour), named(letterSize, t("Size"), chooseSize), named(alignLeft, t("Alignment"), chooseAlignment), blockTools.map(({ button }) => button), ...pictures ? [named(image, t("Image"), choosePicture)] : [], named(table, t("Table"), chooseTable), named(smile, t("Emoji"), chooseEmoji), tool(removeFormatting, t("Remove formatting"), t("Remove formatting"), () => {
    editor.removeAllFormatting();
    editor.focus();
  }), backButton, againButton, picker);
  function kept2(run) {
    const range = editor.getSelection().cloneRange();
    return () => {
      editor.setSelection(range);
      editor.focus();
      run();
      editor.focus();
      show();
      changed();
    };
  }
  function letters2(kind, choices, look2) {
    const format = (one) => ({ tag: "SPAN", attributes: { class: classOf(kind, one), "data-look": one } });
    const range = editor.getSelection();
    const at = range.startContainer;
    const former = (at instanceof Element ? at : at.parentElement)?.closest(`.${kind}`) ?? null;
    if (look2 === "" || !range.collapsed || former === null || !root.contains(former)) {
      for (const [, one] of choices) if (one !== look2 && root.querySelector(`[data-look="${one}"]`) !== null) editor.changeFormat(null, format(one));
      if (look2 !== "") editor.changeFormat(format(look2), null);
      return;
    }
    editor.saveUndoState(range);
    range.setEndAfter(former);
    const rest = range.extractContents();
    const fresh = el("span", { class: classOf(kind, look2), data: { look: look2 } }, "​");
    former.after(fresh, ...rest.textContent === "" ? [] : [rest]);
    range.setStart(fresh.firstChild, 1);
    range.collapse(true);
    editor.setSelection(range);
  }
  const has = (kind, look2) => {
    const at = editor.getSelection().startContainer;
    const found = (at instanceof Element ? at : at.parentElement)?.closest(`.${kind}`);
    return (found instanceof HTMLElement && root.contains(found) ? found.dataset["look"] : "") === look2;
  };
  function chooseColour(button) {
    const cells2 = (kind, choices) => choices.map(([name, look2]) => ({ name, content: el("span", { class: "compose-rich swatch", "aria-hidden": "true" }, swatch(look2)), chosen: has(kind, look2), run: kept2(() => letters2(kind, choices, look2)) }));
    openGrid(button, t("Color"), 8, [[t("Text color"), cells2(kinds.ink, inks)], [t("Highlight"), cells2(kinds.marker, markers)]]);
  }
  function chooseSize(button) {
    const size = ([title, look2]) => ({ id: look2, title, run: kept2(() => letters2(kinds.size, sizes2, look2)) });
    openMenu(button, t("Size"), sizes2.map(size));
  }
  function chooseAlignment(button) {
    const align = ([title, look2]) => ({ id: look2, title, run: kept2(() => {
      editor.forEachBlock((block2) => {
        if (look2 === "") delete block2.dataset["look"];
        else block2.dataset["look"] = look2;
      }, true);
    }) });
    openMenu(button, t("Alignment"), alignments.map(align));
  }
  function chooseEmoji(button) {
    const cells2 = [...emoji].map((one) => ({ name: one, content: one, run: kept2(() => void editor.insertPlainText(one, false)) }));
    openGrid(button, t("Emoji"), 9, [["", cells2]]);
  }
  function choosePicture(button) {
    const range = editor.getSelection();
    const chosen = range.cloneContents().querySelectorAll("img");
    const at = range.startContainer.childNodes[range.startOffset];
    if (chosen.length === 1 && at instanceof HTMLImageElement) openMenu(button, t("Image"), pictureChoices(at));
    else picker.click();
  }
  function offerPicture(picture2) {
    const place = picture2.getBoundingClientRect();
    const seen = root.getBoundingClientRect();
    const y = Math.max(seen.top, Math.min(place.bottom, seen.bottom));
    openMenuAt({ x: Math.max(place.left, seen.left), y }, root, t("Image"), pictureChoices(picture2));
  }
  function pictureChoices(picture2) {
    const change = (run) => () => {
      editor.saveUndoState();
      run();
      editor.modifyDocument(() => {
      });
      changed();
      editor.focus();
    };
    const describe = async () => {
      const hint = t("Describe this image for people who can't see it");
      const words = await ask(t("Alternative text"), hint, picture2.alt, t("Done"));
      if (words !== null) change(() => picture2.alt = words.trim().slice(0, 1e3))();
    };
    return [...widths.map(([title, width]) => ({ id: `width.${width}`, title, run: change(() => {
      if (width === 0) picture2.removeAttribute("width");
      else picture2.setAttribute("width", String(width));
    }) })), { id: "picture.words", title: t("Alternative text…"), run: () => void describe() }, ...unplaced.has(idOf(picture2)) ? [{ id: "picture.place", title: t("Remove location"), run: () => void removePlace(idOf(picture2)) }] : [], { id: "picture.remove", title: t("Remove"), run: change(() => picture2.remove()) }];
  }
  function chooseTable(button) {
    const cell2 = cellOf(editor.getSelection().startContainer, root);
    if (cell2 === null) {
      const choices = [2, 3, 4, 5].flatMap((rows) => [2, 3, 4, 5].map((columns) => ({ name: t("{rows} rows, {columns} columns", { rows, columns }), content: `${rows}×${columns}`, run: kept2(() => insertTable(rows, columns)) })));
      openGrid(button, t("Table"), 4, [["", choices]]);
      return;
    }
    const change = (id, title) => ({ id, title, run: kept2(() => {
      editor.saveUndoState();
      const next = changes[id](cell2);
      if (next !== null) into(next);
    }) });
    openMenu(button, t("Table"), [change("rowBelow", t("Add row")), change("columnBeside", t("Add column")), change("dropRow", t("Delete row")), change("dropColumn", t("Delete column")), change("dropTable", t("Delete table"))]);
  }
  function insertTable(rows, columns) {
    const before = new Set(root.querySelectorAll("table"));
    editor.insertHTML(newTable(rows, columns));
    const made2 = [...root.querySelectorAll("table")].find((one) => !before.has(one));
    if (made2 === void 0) return;
    look(made2);
    into(made2.rows[0].cells[0]);
  }
  function into(place) {
    const range = document.createRange();
    range.setStart(place.querySelector("div") ?? place, 0);
    editor.setSelection(range);
  }
  editor.setKeyHandler("Ctrl-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  editor.setKeyHandler("Meta-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  for (const key of ["Tab", "Shift-Tab"]) {
    editor.setKeyHandler(key, (one, event) => {
      const cell2 = cellOf(one.getSelection().startContainer, root);
      const next = cell2 === null ? null : neighbour(cell2, key === "Tab");
      if (next !== null) {
        event.preventDefault();
        into(next);
        return;
      }
      if (!/(?:^|>)[OU]L/.test(one.getPath())) return;
      event.preventDefault();
      if (key === "Tab") one.increaseListLevel();
      else one.decreaseListLevel();
    });
  }
  for (const key of ["Backspace", "Delete"]) {
    const former = editor._keyHandlers[key];
    editor.setKeyHandler(key, (one, event, range) => {
      const cell2 = cellOf(range.startContainer, root);
      const joins = range.collapsed ? cell2 !== null && atEnd(range, cell2, key === "Backspace") : cell2 !== null && cell2 !== cellOf(range.endContainer, root);
      if (joins) event.preventDefault();
      else former(one, event, range);
    });
  }
  async function chooseLink() {
    const range = editor.getSelection().cloneRange();
    const from = range.startContainer instanceof Element ? range.startContainer : range.startContainer.parentElement;
    const present = from?.closest("a")?.getAttribute("href") ?? "";
    const typed = await ask(t("Link"), t("Link address. Leave blank to remove the link."), present, t("Done"));
    editor.setSelection(range);
    editor.focus();
    if (typed === null) return;
    const address = typed.trim();
    if (address === "") editor.removeLink();
    else if (/^(?:https?|mailto|tel):/i.test(address)) editor.makeLink(address);
    else editor.makeLink(/^[^\s/@]+@[^\s/@]+$/.test(address) ? `mailto:${address}` : `https://${address}`);
    changed();
  }
  function show() {
    for (const { button, active } of buttons) button.setAttribute("aria-pressed", String(active()));
  }
  show();
  moveWithin(tools);
  const textIn = (markup) => {
    const holder = el("div", {});
    holder.append(cleaned(markup, signed).fragment);
    return holder.textContent.replace(/\s/g, "");
  };
  return { root, tools, html: () => {
    arrived();
    return styled(editor.getHTML()).replace(inHTML, '$1cid:$2@moxlite.invalid"');
  }, text: () => plainOf(root).replace(/\u200b/g, "").replace(/\u00a0/g, " ").replace(/\n+$/, "\n"), pictures: () => [...root.querySelectorAll("img")].map(idOf).filter((id) => id !== ""), pending: () => pending, focus: () => void editor.focus(), insert: (markup) => void editor.insertHTML(markup), add: (markup) => {
    editor.saveUndoState();
    const cursor = editor.getSelection().cloneRange();
    editor.modifyDocument(() => root.append(cleaned(markup, signed).fragment));
    editor.setSelection(cursor);
  }, exchange: (before, after) => {
    editor.saveUndoState();
    const found = root.querySelector(`.${signed}`);
    if (found === null) {
      if (before === "" && after !== "") editor.modifyDocument(() => root.append(el("div", {}, el("br")), cleaned(after, signed).fragment));
    } else if (found.textContent.replace(/\s/g, "") === textIn(before)) {
      editor.modifyDocument(() => found.replaceWith(cleaned(after, signed).fragment));
    }
  }, put: (text2) => editor.setHTML(text2), take, close: () => {
    closed = true;
    for (const picture2 of uploads) picture2.abort();
    editor.destroy();
    root.remove();
    tools.remove();
  } };
}
function tool(path, title, name, run) {
  return el("button", { type: "button", class: "link compose-icon", title, "aria-label": name, onmousedown: (event) => event.preventDefault(), onclick: run }, sign(path));
}
function swatch(look2) {
  return el("span", look2 === "" ? {} : { data: { look: look2 } }, "A");
}
var idOf = (picture2) => /^upload\/(.{22})$/.exec(picture2.getAttribute("src") ?? "")?.[1] ?? "";
function fileOf(address) {
  const [head = "", content = ""] = address.split(",", 2);
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? "";
  let octets;
  try {
    octets = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  } catch {
    octets = new Uint8Array();
  }
  return new File([octets], t("image.png"), { type });
}
function plainOf(root, prefix = "") {
  let text2 = "";
  let line2 = "";
  let number = 0;
  const end = () => {
    text2 += `${prefix}${line2}
`;
    line2 = "";
  };
  for (const node of root.childNodes) {
    const name = node.nodeName;
    if (node instanceof Text) line2 += node.data;
    else if (name === "BR") end();
    else if (node instanceof HTMLTableElement) {
      if (line2 !== "") end();
      for (const row of node.rows) {
        line2 = [...row.cells].map((cell2) => plainOf(cell2).trim().replace(/\s*\n\s*/g, " ")).join("  ");
        end();
      }
    } else if (node instanceof HTMLElement && /^(?:DIV|BLOCKQUOTE|UL|OL|LI|PRE)$/.test(name)) {
      if (line2 !== "") end();
      if (name === "LI") {
        const mark2 = root.nodeName === "OL" ? `${++number}. ` : "- ";
        const item = plainOf(node, `${prefix}  `);
        text2 += `${prefix}${mark2}${item.slice(prefix.length + 2)}`;
      } else text2 += plainOf(node, name === "BLOCKQUOTE" ? `${prefix}> ` : prefix);
    } else if (node instanceof HTMLElement) line2 += inline(node);
  }
  if (line2 !== "") end();
  return text2;
}
function inline(node) {
  if (node.nodeName === "IMG") return node.getAttribute("alt") ?? "";
  const href = node.getAttribute("href") ?? "";
  const text2 = [...node.childNodes].map((one) => one instanceof HTMLElement ? one.nodeName === "BR" ? "\n" : inline(one) : one.textContent ?? "").join("");
  return href === "" || href.endsWith(text2) ? text2 : `${text2} <${href}>`;
}
export {
  openEditor
};
