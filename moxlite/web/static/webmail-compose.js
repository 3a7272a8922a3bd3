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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var check = "M20 6 9 17l-5-5";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var externalLink = "m15 3h6v6 M10 14 21 3 M18 13v6a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h6";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var maximize = "M15 3h6v6 M21 3l-7 7 M3 21l7-7 M9 21H3v-6";
var minus = "M5 12h14";
var paperclip = "M16 6l-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551";
var reply = "m20 18v-2a4 4 0 0 0-4-4H4 M9 17l-5-5 5-5";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var x = "M18 6 6 18 M6 6l12 12";

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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

var choices_default = ".choices{display:grid;gap:6px;max-height:60vh;margin-top:12px;padding:2px;overflow-y:auto}.choices button{flex:none;text-align:start}\n";

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var day = 24 * 60 * 60 * 1e3;
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyName(event) {
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : void 0;
  const key = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key.length > 1 ? "shift " : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key}`;
}
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
function enabled(command) {
  return command.when?.() ?? true;
}

var mirrored = () => document.documentElement.dir === "rtl";
function along(key) {
  if (!mirrored()) return key;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key] ?? key;
}

var menu_default = ".menu{position:fixed;z-index:var(--z-menu, 8);display:grid;min-width:200px;max-width:calc(100vw - 16px);max-height:calc(100vh - 16px);padding:6px;overflow-y:auto;border:1px solid var(--line);border-radius:10px;background:var(--popup-background, var(--raised));box-shadow:var(--shadow-2)}.menu-item{display:flex;justify-content:space-between;align-items:center;gap:20px;min-height:32px;padding:4px 10px;border:0;background:none;text-align:start}.menu-line{width:100%;margin:6px 0;border:0;border-top:1px solid var(--line)}.menu-item .i{margin-inline-start:auto;color:var(--accent)}.menu-item>span:first-child{overflow:hidden;text-overflow:ellipsis}.menu-beside{color:var(--text-2);font-variant-numeric:tabular-nums}.menu-item kbd{margin:0}@media(pointer:coarse),(max-width:700px){.menu-item{min-height:44px}.menu-item kbd{display:none}}\n";

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
    const made = el("button", { class: "menu-item", role: command.checked === void 0 ? "menuitem" : "menuitemradio", "aria-checked": command.checked === void 0 ? void 0 : String(command.checked()), tabindex: "-1", title: hintOf(command), onclick: () => {
      close();
      command.run();
    } }, el("span", {}, titleOf(command)), command.keys?.[0] !== void 0 && el("kbd", {}, keyText(command.keys[0])), command.checked?.() === true && sign(check, "i s"), beside);
    void command.beside?.().then(([short, words2]) => {
      beside.textContent = short;
      if (words2 !== "") made.setAttribute("aria-label", `${titleOf(command)}, ${words2}`);
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

var phone = matchMedia("(max-width: 700px)");

var shown = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden], :disabled)")];
  const drawn = all.filter((one) => one.getClientRects().length > 0);
  return drawn.length > 0 ? drawn : all;
};
function settle(bar) {
  const all = shown(bar);
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
    const all = shown(bar);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var week = 7 * 864e5;

function remember(key, value, storage = localStorage) {
  try {
    storage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

var prefix = "moxlite-webmail-draft-";
function keepCopy(id, copy) {
  const stays = `moxlite-webmail${number}-stays` in localStorage;
  return remember(prefix + id, JSON.stringify(copy), stays ? localStorage : sessionStorage);
}
function dropCopy(id) {
  for (const store of [localStorage, sessionStorage]) store.removeItem(prefix + id);
}
function holdCopy(id) {
  let release = () => {
  };
  if (navigator.locks !== void 0) void navigator.locks.request(prefix + id, () => new Promise((resolve) => release = resolve));
  return () => release();
}

function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

var Files = class {
  constructor(client, base2, load, changed) {
    this.client = client;
    this.base = base2;
    this.load = load;
    this.changed = changed;
  }
  client;
  base;
  load;
  changed;
  root = el("div", { class: "files", role: "group", "aria-label": t("Attachments"), "aria-live": "polite" });
  cards = [];
  get value() {
    return this.cards.flatMap((card) => card.done ?? []);
  }
  set value(files) {
    for (const file of files) this.put(file);
  }
  get unsent() {
    return this.cards.flatMap(({ done, file: { filename, size: size2 } }) => done === null ? { filename, size: size2 } : []);
  }
  set unsent(files) {
    for (const file of files) this.stuck(this.put(file), t("upload interrupted"));
  }
  add(files) {
    for (const file of files) void this.send(file);
  }
  abort() {
    for (const card of this.cards.splice(0)) card.upload?.abort();
  }
  put(file) {
    const bar = el("progress", { max: "1", value: "0", "aria-label": t("Uploading {name}", { name: file.filename }), hidden: true });
    const note = el("span", { class: "file-size" }, size(file.size));
    const root = el("div", { class: "file" }, el("span", { class: "file-name", dir: "auto", title: file.filename }, file.filename), note, bar, el("button", { type: "button", class: "file-remove", "aria-label": t("Remove {name}", { name: file.filename }), onclick: () => this.remove(card) }, sign(x, "i s")));
    const card = { file, root, done: file.upload_id === void 0 ? null : file, upload: null };
    this.cards.push(card);
    this.root.append(root);
    return card;
  }
  stuck(card, why, again) {
    const { root } = card;
    root.querySelector("progress").hidden = why !== "";
    root.classList.toggle("failed", why !== "");
    root.querySelector(".file-size").textContent = why || size(card.file.size);
    root.querySelector(".text")?.remove();
    if (why !== "" && again !== void 0) root.lastElementChild.before(el("button", { type: "button", class: "btn text small", onclick: again }, t("Try again")));
    this.changed();
  }
  async send(file, card = this.put({ filename: file.name || t("image.png"), size: file.size })) {
    this.stuck(card, "");
    const bar = card.root.querySelector("progress");
    try {
      const { FileUpload, offerPlace } = await this.load("uploading");
      if (!this.cards.includes(card)) return;
      void offerPlace(file, card.root, (photo) => {
        this.remove(card);
        void this.send(photo);
      });
      const upload = card.upload ?? new FileUpload(this.base, this.client, file, file.name || "picture.png");
      card.upload = upload;
      card.done = await upload.send({ progress: (sent, size2) => bar.value = size2 > 0 ? sent / size2 : 0, stuck: (why) => this.stuck(card, why, () => upload.retry()) });
      bar.hidden = true;
      this.changed();
    } catch (error) {
      if (this.cards.includes(card)) this.stuck(card, messageOf(error), () => void this.send(file, card));
    }
  }
  remove(card) {
    this.cards = this.cards.filter((other) => other !== card);
    card.upload?.abort();
    card.root.remove();
    if (card.done !== null) this.client.upload_remove(card.done.upload_id).catch(() => {
    });
    this.changed();
  }
};

var writing = "write.";
function addKeys(desk, focused, newest) {
  if (desk.commands.has(`${writing}send`)) return;
  const command = (id, title, keys, run) => ({ id: writing + id, title, keys, quiet: true, when: () => focused() !== null, run: () => run(focused()) });
  desk.commands.add(t("Composing"), [command("send", t("Send"), ["ctrl Enter"], (one) => one.submit(false)), command("send-archive", t("Send and archive conversation"), ["ctrl shift Enter"], (one) => one.submit(true)), { id: `${writing}send-later`, title: t("Schedule send…"), keys: ["ctrl alt Enter"], when: () => newest() !== null, run: () => newest().sendLater() }, command("save", t("Save draft"), ["ctrl s"], (one) => one.save()), command("close", t("Close"), ["Escape", "ctrl S"], (one) => one.leave()), command("format", t("Turn formatting on or off"), ["ctrl F"], (one) => one.format()), command("to", t("Go to recipients"), ["ctrl O"], (one) => one.go("to")), command("cc", t("Go to Cc"), ["ctrl C"], (one) => one.go("cc")), command("bcc", t("Go to Bcc"), ["ctrl B"], (one) => one.go("bcc")), command("reply-to", t("Go to Reply To"), ["ctrl Y"], (one) => one.go("reply_to"))]);
}

function parseParties(text2) {
  const pieces = [];
  let piece = "";
  let quoted = false;
  let inside = false;
  for (const char of text2) {
    if (char === '"') quoted = !quoted;
    else if (char === "<" && !quoted) inside = true;
    else if (char === ">" && !quoted) inside = false;
    if (!quoted && !inside && (char === "," || char === ";" || char === "\n")) {
      pieces.push(piece);
      piece = "";
    } else piece += char;
  }
  pieces.push(piece);
  return pieces.map((one) => one.trim()).filter((one) => one !== "").map(parseParty);
}
function parseParty(text2) {
  const match = /^(.*)<([^<>]*)>$/s.exec(text2);
  if (match === null) return { name: "", address: text2 };
  const name = match[1].trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1");
  return { name, address: match[2].trim() };
}
function formatParty({ name, address }) {
  if (name === "") return address;
  return `${/[",;<>@:\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name} <${address}>`;
}
function looksRight(address) {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return at > 0 && !/\s/.test(domain) && /^[^.]+(\.[^.]+)*$/.test(domain) && (!/\s/.test(address) || address.startsWith('"'));
}
function speaksOfFiles(text2) {
  const own = text2.split("\n").filter((line2) => !line2.startsWith(">")).join("\n").split(/^-- $/m)[0];
  return /\b(attach(ed|ment|ments|ing)?|enclosed|anhang|angehängt|beigefügt|ci-joint|pièces? jointes?|bijlage|adjunto)\b/iu.test(own);
}

var names = [["starttls", t("STARTTLS, based on the last connection")], ["mtasts", t("Enforced MTA-STS policy")], ["dnssec", t("DNSSEC on its mail servers")], ["dane", t("DANE on its main mail server")], ["requiretls", t("REQUIRETLS, based on the last connection")]];
var words = { yes: t("yes"), no: t("no"), error: t("couldn't check"), "": t("unknown") };
var Ways = class {
  constructor(client) {
    this.client = client;
  }
  client;
  known = /* @__PURE__ */ new Map();
  ask(address) {
    const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
    let way = this.known.get(domain);
    if (way === void 0) {
      way = this.client.recipient_security(address);
      this.known.set(domain, way);
      way.catch(() => this.known.delete(domain));
    }
    return way;
  }
};
function bars(way) {
  const root = el("span", { class: "bars", role: "img", hidden: true }, names.map(() => el("i", {})));
  way.then((found) => {
    root.replaceChildren(...names.map(([name]) => el("i", { class: found[name] })));
    root.title = names.map(([name, title]) => `${title}: ${words[found[name]]}`).join("\n");
    root.setAttribute("aria-label", root.title);
    root.hidden = found.starttls !== "no" && !Object.values(found).includes("error");
  }, () => root.remove());
  return root;
}
function canRequire(ways) {
  return ways.length > 0 && ways.every((way) => way !== null && way.requiretls === "yes" && (way.mtasts === "yes" || way.dane === "yes"));
}

var pause = 150;
var Recipients = class {
  constructor(field, label, client, changed, ways) {
    this.field = field;
    this.client = client;
    this.changed = changed;
    this.ways = ways;
    const id = `compose-${field}-${Math.random().toString(36).slice(2)}`;
    this.options = el("div", { class: "completions", role: "listbox", id: `${id}-list`, "aria-label": t("Addresses"), hidden: true });
    this.input = el("input", { id, class: "chip-input", role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-label": label, autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "email", oninput: () => this.typed(), onblur: () => {
      this.commit();
      this.close();
    }, onkeydown: (event) => this.key(event), onpaste: (event) => this.pasted(event) });
    this.root = el("div", { class: "compose-field", data: { field } }, el("label", { for: id }, label), el("div", { class: "chip-box", onclick: (event) => event.target === event.currentTarget && this.input.focus() }, this.chips, this.input, this.options), this.hint);
  }
  field;
  client;
  changed;
  ways;
  input;
  root;
  chips = el("span", { class: "chips", onmousedown: (event) => event.preventDefault() });
  options;
  hint = el("div", { class: "field-hint", role: "alert" });
  list = [];
  found = [];
  all = [];
  groups = Promise.resolve(true);
  at = -1;
  timer = 0;
  exhausted = "";
  get entered() {
    return this.list;
  }
  get value() {
    return [...this.list, ...parseParties(this.input.value)];
  }
  set value(parties) {
    this.list = [...parties];
    this.input.value = "";
    this.draw();
  }
  security() {
    return Promise.all(this.value.map((party) => this.ways !== null && looksRight(party.address) ? this.ways.ask(party.address).catch(() => null) : null));
  }
  wrong() {
    this.commit();
    return this.list.find((one) => !looksRight(one.address));
  }
  complain(text2) {
    fill(this.hint, text2);
    if (text2 !== "") this.input.focus();
  }
  commit() {
    if (this.input.value.trim() === "") return;
    this.list.push(...parseParties(this.input.value));
    this.input.value = "";
    this.draw();
    this.changed();
  }
  draw() {
    this.complainNothing();
    fill(this.chips, this.list.map((party, i) => el("span", { class: looksRight(party.address) ? "chip" : "chip bad", title: looksRight(party.address) ? party.address : t("Invalid email address: {address}", { address: party.address }) }, el("span", { class: "chip-name", dir: "auto", onclick: () => this.edit(i) }, party.name || party.address), this.ways !== null && looksRight(party.address) && bars(this.ways.ask(party.address)), el("button", { type: "button", class: "chip-remove", "aria-label": t("Remove {name}", { name: formatParty(party) }), onclick: () => this.remove(i) }, sign(x, "i s")))));
  }
  complainNothing() {
    if (this.hint.textContent !== "") fill(this.hint);
  }
  remove(i) {
    this.list.splice(i, 1);
    this.draw();
    this.changed();
    this.input.focus();
  }
  edit(i) {
    this.commit();
    const [party] = this.list.splice(i, 1);
    this.draw();
    this.input.value = party === void 0 ? "" : formatParty(party);
    this.input.focus();
    this.changed();
  }
  pasted(event) {
    const text2 = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[,;\n]/.test(text2)) return;
    event.preventDefault();
    this.input.value += text2;
    this.commit();
  }
  typed() {
    this.complainNothing();
    this.changed();
    clearTimeout(this.timer);
    if (/[,;]$/.test(this.input.value) && (this.input.value.match(/"/g) ?? []).length % 2 === 0) {
      this.commit();
      this.close();
      return;
    }
    const text2 = this.input.value.trim();
    if (text2 === "") this.close();
    else this.timer = window.setTimeout(() => void this.complete(text2), pause);
  }
  async complete(text2) {
    if (this.exhausted !== "" && text2.startsWith(this.exhausted)) {
      const needle = text2.toLowerCase();
      this.found = this.all.filter((one) => formatParty(one).toLowerCase().includes(needle));
    } else {
      try {
        const { parties, complete, groups } = await this.client.complete_recipient(text2);
        if (this.input.value.trim() !== text2) return;
        this.found = [...groups.map((name) => ({ name, address: "" })), ...parties];
        this.all = this.found;
        this.exhausted = complete ? text2 : "";
      } catch {
        return;
      }
    }
    this.at = this.found.length > 0 ? 0 : -1;
    this.show();
  }
  show() {
    this.options.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.options.hidden));
    fill(this.options, this.found.map((one, i) => el("div", { role: "option", class: "completion", "aria-selected": String(i === this.at), onmousedown: (event) => {
      event.preventDefault();
      this.take(i);
    } }, el("span", { dir: "auto" }, one.name || one.address), one.name !== "" && el("span", { class: "completion-address" }, one.address || t("Group")))));
    this.options.children[this.at]?.scrollIntoView({ block: "nearest" });
  }
  take(i) {
    const party = this.found[i];
    if (party === void 0) return;
    this.input.value = "";
    this.close();
    if (party.address === "") this.groups = Promise.all([this.groups, this.takeGroup(party.name)]).then((all) => !all.includes(false));
    else this.add([party]);
  }
  async takeGroup(name) {
    try {
      this.add(await this.client.group_members(name));
      return true;
    } catch (error) {
      this.complain(messageOf(error));
      return false;
    }
  }
  arrived() {
    const { groups } = this;
    this.groups = Promise.resolve(true);
    return groups;
  }
  add(parties) {
    const known = new Set(this.list.map((one) => one.address));
    this.list.push(...parties.filter((one) => !known.has(one.address)));
    this.draw();
    this.changed();
  }
  close() {
    clearTimeout(this.timer);
    this.found = [];
    this.exhausted = "";
    this.at = -1;
    this.show();
  }
  key(event) {
    if (event.isComposing) return;
    const open3 = !this.options.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open3 && step !== void 0) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.show();
    } else if (open3 && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey) this.take(this.at);
    else if (open3 && event.key === "Escape") {
      this.close();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && this.input.value.trim() !== "") this.commit();
    else if (event.key === "Backspace" && this.input.value === "" && this.list.length > 0) this.edit(this.list.length - 1);
    else return;
    event.preventDefault();
  }
};

var retryAfter = 1e3;
function offerUndo(desk, say, what, submitId, leaves, author, seconds, again) {
  const takeBack = async () => {
    withdraw();
    for (; ; ) {
      try {
        again(await desk.client.message_submit_undo(submitId, leaves, author));
        return;
      } catch (error) {
        if (codeOf(error) !== "") throw error;
        await new Promise((resolve) => setTimeout(resolve, retryAfter));
      }
    }
  };
  const undo = { what, actions: () => [{ shown: {}, call: takeBack }] };
  const withdraw = () => {
    clearTimeout(timer);
    toast.close();
    desk.actions.forget(undo);
  };
  const toast = say(undo.what, { title: t("Undo"), run: () => desk.actions.takeBack(undo) }, seconds * 1e3);
  const timer = setTimeout(withdraw, seconds * 1e3);
  desk.actions.remember(undo);
}

var [copyAfter, saveAfter, saveEach, retryAfter2] = [1e3, 5e3, 15e3, 4e3];
function iconButton(path, name, run, kind = "", key) {
  const button = el("button", { type: "button", class: `link compose-icon ${kind}`, "aria-label": name, title: withKey(name, key) }, sign(path));
  button.addEventListener("click", () => run(button));
  return button;
}
var [most, windowWidth] = [3, 572];
var fresh = "+";
var stack = el("div", { class: "composers" });
var open2 = /* @__PURE__ */ new Set();
var Composer = class _Composer {
  constructor(desk, say, id, start2, words2) {
    this.desk = desk;
    this.say = say;
    this.id = id;
    this.words = words2;
    const { copy } = start2;
    this.draft = copy.draft;
    this.senders = copy.senders ?? { name: copy.draft.from.name, others: [] };
    this.draftId = copy.draftId;
    this.leaves = copy.leaves ?? 0;
    this.submitId = copy.submitId;
    this.sendAt = copy.sendAt ?? 0;
    if (copy.saveId !== "") this.unanswered = { saveId: copy.saveId, draft: copy.draft };
    this.release = holdCopy(id);
    this.judging = start2.judged;
    const ways = desk.settings().show_address_security ? new Ways(desk.client) : null;
    const field = (name, label2) => new Recipients(name, label2, desk.client, () => {
      this.changed();
      void this.judge();
    }, ways);
    this.replyTo = new Recipients("reply_to", t("Reply to"), desk.client, () => this.changed(), null);
    [this.to, this.cc, this.bcc] = [field("to", t("To")), field("cc", t("Cc")), field("bcc", t("Bcc"))];
    this.files = new Files(desk.client, desk.base, desk.load, () => this.changed());
    this.tls = el("select", { "aria-label": t("Encryption in transit"), onchange: () => {
      this.judging = false;
      this.changed();
    } }, el("option", { value: "default" }, t("Encrypt when possible")), el("option", { value: "require" }, t("Require encryption at every step")), el("option", { value: "insecure" }, t("Allow unencrypted")));
    const hooks = { changed: () => this.changed(), attach: (files) => this.files.add(files), note: (text2) => this.note(text2), say };
    this.text = new words2.Words(desk, hooks, start2.beginning, copy.draft.from.address);
    const label = el("label", { class: "compose-field" }, el("span", { class: "compose-label" }, t("Encryption")), this.tls);
    const from = el("div", { class: "compose-field" }, el("span", { class: "compose-label" }, t("From")), this.from);
    this.rows = { from, cc: this.cc.root, bcc: this.bcc.root, reply_to: this.replyTo.root, tls: label, receipts: el("div", { class: "compose-field compose-receipts" }), subject: this.subject };
    this.root = this.build();
    this.fillIn(copy.files);
    this.files.unsent = copy.unsent ?? [];
    open2.add(this);
    this.dock();
    this.hideSeldom();
    addEventListener("pagehide", this.onHide);
    addEventListener("beforeunload", this.onUnload);
    for (const kind of ["resize", "scroll"]) visualViewport?.addEventListener(kind, this.onViewport);
    this.fit();
    if (start2.focus === "to") this.to.input.focus();
    else this.text.focus();
    if (start2.changed) this.changed();
    void this.judge();
    if (this.submitId !== "") void this.transmit();
  }
  desk;
  say;
  id;
  words;
  root;
  to;
  cc;
  bcc;
  replyTo;
  from = el("select", { class: "compose-from", "aria-label": t("From"), onchange: () => {
    if (this.from.value === fresh) void this.makeAddress();
    else this.chooseSender();
  } });
  lastSender = "";
  tls;
  subject = el("input", { autocomplete: "off", class: "compose-subject", "aria-label": t("Subject"), placeholder: t("Subject"), dir: "auto", maxlength: "5000", oninput: () => {
    this.title();
    this.changed();
  } });
  text;
  state = el("span", { class: "compose-state", role: "status" });
  heading = el("h2", { class: "compose-title" });
  seldom = el("div", { class: "compose-seldom", role: "toolbar", "aria-label": t("More fields") });
  foot = el("div", { class: "compose-foot", role: "toolbar", "aria-label": t("Composing") });
  picker = el("input", { type: "file", multiple: true, hidden: true, onchange: () => {
    this.files.add(this.picker.files ?? []);
    this.picker.value = "";
  } });
  files;
  lessButton = iconButton(minus, t("Minimize"), () => {
    this.shrink(!this.small);
    if (!this.small) this.text.focus();
  }, "compose-less");
  sendButton = el("button", { class: "primary", title: withKey(t("Send"), "ctrl Enter"), onclick: () => void this.submit(false) }, t("Send"));
  draft;
  senders;
  release;
  draftId;
  leaves;
  unanswered = null;
  submitId;
  sendAt;
  version = 0;
  saved = 0;
  busy = Promise.resolve();
  conflict = false;
  kept = true;
  closed = false;
  sending = false;
  archive = false;
  copyTimer = 0;
  saveTimer = 0;
  dirtySince = 0;
  judged = 0;
  judging;
  docked = false;
  rows;
  onHide = () => this.keep();
  onUnload = (event) => {
    if (this.unfinished > 0 || !this.kept && this.saved < this.version) event.preventDefault();
  };
  onViewport = () => this.fit();
  static focused() {
    return [...open2].find((one) => one.root.contains(document.activeElement)) ?? null;
  }
  static newest() {
    return _Composer.focused() ?? [...open2].filter((one) => !one.sending).at(-1) ?? null;
  }
  static top() {
    return _Composer.focused() ?? [...open2].filter((one) => !one.small && !one.sending).at(-1) ?? null;
  }
  static async leaveAll() {
    for (const one of [...open2]) await one.leave();
    return open2.size === 0;
  }
  static hasRoom(say) {
    if (open2.size < most) return true;
    say(t("You can write up to 3 messages at a time. Send or close one first."));
    return false;
  }
  static focus(draftId) {
    const found = [...open2].find((one) => one.draftId === draftId);
    found?.shrink(false);
    found?.text.focus();
    return found !== void 0;
  }
  dock() {
    const { original_id: original = 0, original_flag: flag } = this.draft;
    this.docked = flag === "answered" && !phone.matches && this.desk.dock(original, this.root, () => this.float());
    if (!this.docked) this.float();
  }
  float() {
    const focused = document.activeElement;
    this.docked = false;
    this.root.classList.remove("docked");
    this.root.setAttribute("role", "dialog");
    this.show("subject");
    if (!stack.isConnected) document.body.append(stack);
    stack.append(this.root);
    settle(this.seldom);
    this.makeRoom();
    if (focused instanceof HTMLElement && this.root.contains(focused)) focused.focus({ preventScroll: true });
  }
  get small() {
    return this.root.classList.contains("small");
  }
  shrink(small) {
    if (small === this.small) return;
    const name = small ? t("Restore") : t("Minimize");
    this.root.classList.toggle("small", small);
    this.title();
    this.lessButton.title = name;
    fill(this.lessButton, sign(small ? maximize : minus));
    this.lessButton.setAttribute("aria-label", name);
    if (small) focusHome();
    else this.makeRoom();
  }
  makeRoom() {
    if (phone.matches) return;
    const room = Math.max(1, Math.floor((innerWidth - 20) / windowWidth));
    const windows = [...open2].filter((one) => one !== this && !one.docked && !one.small);
    for (const one of windows.slice(0, Math.max(0, windows.length + 1 - room))) one.shrink(true);
  }
  build() {
    const seldom = (name, label, focus) => el("button", { type: "button", class: "link", data: { reveal: name }, onclick: () => {
      this.show(name);
      focus();
    } }, label);
    const to = this.to.root;
    to.classList.add("compose-to");
    this.seldom.append(seldom("cc", t("Cc"), () => this.cc.input.focus()), seldom("bcc", t("Bcc"), () => this.bcc.input.focus()), iconButton(ellipsis, t("More fields"), (button) => this.offerFields(button), "compose-fields"), iconButton(externalLink, t("Open in new window"), () => this.float(), "compose-float"));
    moveWithin(this.seldom);
    to.append(this.seldom);
    this.foot.append(this.sendButton, iconButton(paperclip, t("Attach files"), () => this.picker.click()), iconButton(clock, t("Schedule send…"), () => this.sendLater(), "", "ctrl alt Enter"), iconButton(fileText, t("Templates"), (button) => this.offerTemplates(button)), this.picker, this.text.formatButton, this.state, iconButton(trash2, t("Discard"), () => void this.discard()));
    moveWithin(this.foot);
    const root = el("section", { class: "composer docked", "aria-label": this.draft.original_flag === "answered" ? t("Reply") : t("New message"), onkeydown: (event) => this.key(event), ondragover: (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    }, ondrop: (event) => this.take(event, event.dataTransfer), onpaste: (event) => this.take(event, event.clipboardData) }, el("header", { class: "compose-head", onclick: (event) => {
      if (!this.small || event.composedPath().some((one) => one instanceof HTMLButtonElement)) return;
      this.shrink(false);
      this.text.focus();
    } }, this.heading, this.lessButton, iconButton(maximize, t("Expand or collapse"), () => root.classList.toggle("wide"), "compose-larger"), iconButton(x, t("Close"), () => void this.leave())), this.rows.from, to, this.cc.root, this.bcc.root, this.replyTo.root, this.rows.tls, this.rows.receipts, this.subject, this.text.root, this.files.root, this.foot);
    to.prepend(sign(reply, "i compose-sign"));
    return root;
  }
  hideSeldom() {
    const { cc, bcc, reply_to: replyTo, tls } = this.draft;
    const shown2 = { from: this.from.options.length > 2 && !this.docked, cc: cc.length > 0, bcc: bcc.length > 0, reply_to: replyTo.length > 0, tls: (tls ?? "default") !== "default", receipts: false, subject: !this.docked };
    for (const row of Object.values(this.rows)) row.hidden = true;
    for (const name of Object.keys(shown2)) if (shown2[name]) this.show(name);
    if (this.draft.ask_read || this.draft.ask_delivered) this.ask();
  }
  show(name) {
    this.rows[name].hidden = false;
    const button = this.root?.querySelector(`[data-reveal="${name}"]`);
    if (button) button.hidden = true;
    settle(this.seldom);
  }
  offerFields(button) {
    const field = (name, title, focus) => ({ id: `field.${name}`, title, when: () => this.rows[name].hidden === true, run: () => {
      this.show(name);
      focus();
    } });
    const asking = (id, title) => ({ id, title, when: () => !this.draft[id], run: () => this.ask(id) });
    const all = [field("subject", t("Subject"), () => this.subject.focus()), field("from", t("From"), () => this.from.focus()), field("reply_to", t("Reply to"), () => this.replyTo.input.focus()), field("tls", t("Encryption"), () => this.tls.focus()), { id: "field.given", title: t("New masked address…"), run: () => {
      this.show("from");
      void this.makeAddress();
    } }, asking("ask_read", t("Request read receipt")), asking("ask_delivered", t("Request delivery receipt"))].filter(enabled);
    if (all.length > 0) openMenu(button, t("More fields"), all);
    else this.text.focus();
  }
  ask(wish) {
    const { draft, rows } = this;
    this.show("receipts");
    void attempt(t("Loading…"), t("Couldn't open editor"), async () => (await this.desk.load("receipt")).drawWishes(rows.receipts, draft, () => this.changed(), wish));
  }
  offerTemplates(button) {
    const { text: text2, subject, to, sender } = this;
    const retitle = (value) => {
      subject.value = value;
      this.title();
      this.changed();
    };
    const target = { from: sender, get to() {
      return to.value;
    }, get subject() {
      return subject.value;
    }, set subject(value) {
      retitle(value);
    }, typed: text2.typed, html: text2.value.html, insert: (words2, html) => text2.insert(words2, html) };
    void attempt(t("Loading…"), t("Couldn't load templates"), async () => (await this.desk.load("templates")).openTemplates(this.desk, button, target));
  }
  fillIn(files) {
    const { draft } = this;
    const first = this.option(draft.from);
    const own = this.desk.facts().addresses.filter((one) => !one.startsWith("@"));
    const all = [...own.map((address) => ({ name: this.senders.name, address })), ...this.senders.others];
    fill(this.from, first, all.filter((one) => one.address !== draft.from.address).map((one) => this.option(one)), el("option", { value: fresh }, t("New masked address…")));
    this.lastSender = first.value;
    this.to.value = draft.to;
    this.cc.value = draft.cc;
    this.bcc.value = draft.bcc;
    this.replyTo.value = draft.reply_to;
    this.subject.value = draft.subject;
    this.tls.value = draft.tls ?? "default";
    this.files.value = files;
    this.title();
  }
  option(party) {
    const value = formatParty(party);
    const other = this.senders.others.find((one) => one.address === party.address);
    return el("option", { value }, other?.on_behalf === true ? t("On behalf of {address}", { address: value }) : value);
  }
  chooseSender() {
    this.lastSender = this.from.value;
    this.text.sign(this.sender);
    this.changed();
  }
  async makeAddress() {
    this.from.value = this.lastSender;
    const site = this.to.value[0]?.address.split("@").at(-1) ?? "";
    await attempt(t("Creating…"), t("Couldn't create address"), async () => {
      const { address } = await this.desk.client.address_add(site);
      this.from.options[this.from.options.length - 1].before(el("option", { value: address }, address));
      this.from.value = address;
      this.chooseSender();
      this.note(t("{address} now receives your mail", { address }));
    });
    this.from.focus();
  }
  get author() {
    const { draft, from, sender, senders } = this;
    const known = [draft.from, ...senders.others].find((one) => one.address === sender);
    return { name: known?.name ?? (from.value === sender ? "" : senders.name), address: sender };
  }
  get sender() {
    return this.from.value.replace(/^.*<(.*)>$/s, "$1");
  }
  written() {
    return { ...this.draft, from: this.author, to: this.to.value, cc: this.cc.value, bcc: this.bcc.value, reply_to: this.replyTo.value, subject: this.subject.value, ...this.text.value, tls: this.tls.value, uploads: [...this.files.value.map((file) => file.upload_id), ...this.text.pictures] };
  }
  title() {
    fill(this.heading, this.small && this.subject.value || this.root.getAttribute("aria-label"));
  }
  async judge() {
    const turn = ++this.judged;
    if (!this.judging) return;
    const ways = await Promise.all([this.to, this.cc, this.bcc].map((field) => field.security()));
    const wish = canRequire(ways.flat()) ? "require" : "default";
    if (turn !== this.judged || !this.judging || this.closed || this.sending || this.tls.value === wish) return;
    this.tls.value = wish;
    if (wish === "require") this.show("tls");
    if (this.version > 0) this.changed();
  }
  note(text2) {
    fill(this.state, text2);
  }
  fit() {
    if (visualViewport === null) return;
    this.root.style.setProperty("--seen", `${visualViewport.height}px`);
    this.root.style.setProperty("--above", `${visualViewport.offsetTop}px`);
  }
  changed() {
    if (this.closed) return;
    this.version++;
    if (!this.sending && !this.conflict) this.note("");
    this.copyTimer ||= window.setTimeout(() => this.keep(), copyAfter);
    const now = Date.now();
    this.dirtySince ||= now;
    clearTimeout(this.saveTimer);
    this.saveTimer = window.setTimeout(() => void this.save(), Math.max(0, Math.min(saveAfter, this.dirtySince + saveEach - now)));
  }
  copy() {
    return { login: this.desk.facts().login_address, time: Date.now(), draft: this.written(), senders: this.senders, files: this.files.value, unsent: this.files.unsent, draftId: this.draftId, saveId: this.unanswered?.saveId ?? "", submitId: this.submitId, leaves: this.leaves, sendAt: this.sendAt };
  }
  keep() {
    clearTimeout(this.copyTimer);
    this.copyTimer = 0;
    if (this.closed || this.version === 0) return;
    this.kept = keepCopy(this.id, this.copy());
    if (!this.kept) this.note(t("Browser storage is full. Your draft isn't saved on this device"));
  }
  alone(work) {
    const next = this.busy.then(work, work);
    this.busy = next.catch(() => {
    });
    return next;
  }
  save() {
    clearTimeout(this.saveTimer);
    return this.alone(async () => {
      if (this.closed || this.sending) return false;
      if (this.conflict) {
        this.offerNew();
        return false;
      }
      try {
        while (this.unanswered !== null || this.saved < this.version) {
          const version = this.version;
          const repeated = this.unanswered !== null;
          this.unanswered ??= { saveId: newId(), draft: this.written() };
          const attempt2 = this.unanswered;
          this.keep();
          this.draftId = await this.desk.client.draft_save(attempt2.draft, attempt2.saveId, this.draftId);
          this.unanswered = null;
          if (!repeated) this.saved = version;
          this.dirtySince = this.saved < this.version ? Date.now() : 0;
          this.keep();
        }
        this.note(t("Draft saved"));
        return true;
      } catch (error) {
        this.failed(error);
        return false;
      }
    });
  }
  async repeat() {
    if (this.unanswered === null) return;
    const { saveId, draft } = this.unanswered;
    try {
      this.draftId = await this.desk.client.draft_save(draft, saveId, this.draftId);
      this.unanswered = null;
    } catch (error) {
      if (codeOf(error) !== "") this.unanswered = null;
    }
  }
  failed(error) {
    const code = codeOf(error);
    if (code === null) {
      void showError(t("Couldn't save draft"), error);
      return;
    }
    if (code !== "") this.unanswered = null;
    if (code === "user:sent") {
      this.sent();
      return;
    }
    if (code === "user:conflict") {
      this.conflict = true;
      this.offerNew();
      return;
    }
    const why = error.message;
    this.note(code === "" ? why : t("Couldn't save: {why}", { why }));
    if (code === "") this.saveTimer = window.setTimeout(() => void this.save(), retryAfter2);
  }
  offerNew() {
    fill(this.state, t("This draft was changed elsewhere."), el("button", { type: "button", class: "link", onclick: () => void this.saveAsNew() }, t("Save as new")));
    settle(this.foot);
  }
  async detach() {
    await this.alone(async () => {
      this.draft.message_id = this.words.freshId(this.draft.message_id);
      this.conflict = false;
      this.draftId = 0;
      this.version++;
    });
  }
  async saveAsNew() {
    await this.detach();
    await this.save();
  }
  async sendAsNew() {
    const why = t("Your message wasn't sent because this draft was changed elsewhere. You'll find the other version in Drafts.");
    if (!await confirm(t("Send this version?"), why, t("Send"))) return false;
    await this.detach();
    return true;
  }
  format() {
    return this.text.toggle();
  }
  go(to) {
    if (to !== "to") this.show(to);
    [this.to, this.cc, this.bcc, this.replyTo].find(({ field }) => field === to)?.input.focus();
  }
  async submit(archive, sendAt = 0) {
    if (this.sending || this.closed) return;
    this.sendAt = sendAt;
    this.archive = archive;
    const fields = [this.to, this.cc, this.bcc, this.replyTo];
    if ((await Promise.all(fields.map((field) => field.arrived()))).includes(false)) return;
    for (const field of fields) {
      const wrong = field.wrong();
      if (wrong !== void 0) {
        field.complain(t("“{address}” isn't an email address.", { address: wrong.address }));
        return;
      }
    }
    if (this.to.value.length + this.cc.value.length + this.bcc.value.length === 0) {
      this.to.complain(t("Add a recipient."));
      return;
    }
    if (this.waits()) return;
    if (this.files.value.length === 0 && speaksOfFiles(this.text.typed)) {
      const anyway = await confirm(t("Send without attachment?"), t("You mentioned an attachment, but there isn't one."), t("Send"));
      if (!anyway) return;
    }
    if (this.conflict && !await this.sendAsNew()) return;
    await this.hand();
  }
  sendLater() {
    this.desk.later(async (found) => {
      const at = await found.chooseSending();
      if (at !== null) await this.submit(false, at);
    });
  }
  async hand() {
    if (this.sending || this.closed) return;
    this.sending = true;
    this.lock(true);
    await this.busy;
    if (this.closed) return;
    this.submitId = newId();
    this.version++;
    this.keep();
    await this.transmit();
  }
  async transmit() {
    this.sending = true;
    this.lock(true);
    for (; ; ) {
      this.note(t("Sending…"));
      try {
        const { undo_send_seconds: wanted } = this.desk.settings();
        const seconds = await this.alone(async () => {
          await this.repeat();
          return this.desk.client.message_submit(this.written(), this.submitId, this.draftId, wanted, this.sendAt, this.leaves);
        });
        this.sent(seconds);
        if (this.archive && this.desk.selected().some((item) => item.id === this.draft.original_id)) this.desk.archiveThread();
        return;
      } catch (error) {
        const code = codeOf(error);
        if (code !== "") {
          this.refused(code, error);
          return;
        }
        this.note(t("Can't reach the server. Retrying… Your message won't be sent twice."));
        await new Promise((resolve) => setTimeout(resolve, retryAfter2));
      }
    }
  }
  sent(seconds = 0) {
    const { desk, say, submitId } = this;
    const copy = this.copy();
    const said = this.sendAt > 0 ? t("Message scheduled") : t("Message sent");
    const beginning = this.text.state;
    this.finish();
    if (seconds <= 0) {
      say(seconds === 0 ? t("Message sent") : t("Saved on this device. Your message will be sent when you're online."));
      return;
    }
    offerUndo(desk, say, said, submitId, this.leaves, copy.draft.from.address, seconds, (draftId) => {
      new _Composer(desk, say, newId(), { copy: { ...copy, draftId, saveId: "", submitId: "" }, beginning, focus: "text", changed: true, judged: false }, this.words);
    });
  }
  refused(code, error) {
    this.sending = false;
    this.submitId = "";
    this.lock(false);
    this.keep();
    if (code === "user:conflict" || code === "user:sent") {
      this.failed(error);
      if (this.conflict) void this.sendAsNew().then((wished) => wished ? this.hand() : void 0);
      return;
    }
    void this.save();
    const [, name, why] = /^(\w+): (.*)$/s.exec(error.message) ?? [];
    const field = [this.to, this.cc, this.bcc, this.replyTo].find((one) => one.field === name);
    if (field !== void 0 && why !== void 0) field.complain(why);
    else {
      if (name === "subject" || name === "from") this.show(name);
      void showError(t("Couldn't send message"), error).then(() => (name === "subject" ? this.subject : name === "from" ? this.from : this.text).focus());
    }
  }
  lock(locked) {
    this.root.toggleAttribute("inert", locked);
    this.sendButton.disabled = locked;
  }
  get unfinished() {
    return this.files.unsent.length + this.text.unfinished;
  }
  waits() {
    if (this.unfinished === 0) return false;
    this.shrink(false);
    this.note(t("Wait for attachments to upload, or remove any that failed."));
    return true;
  }
  async leave() {
    if (this.sending || this.closed || this.waits()) return;
    this.root.hidden = true;
    const written2 = this.version > 0;
    if (written2 && this.saved < this.version && !await this.save()) {
      this.root.hidden = false;
      return;
    }
    const copy = this.copy();
    const beginning = this.text.state;
    const { desk, say, words: words2 } = this;
    this.finish();
    if (!written2) return;
    const again = () => {
      if (_Composer.focus(copy.draftId) || !_Composer.hasRoom(say)) return;
      new _Composer(desk, say, newId(), { copy, beginning, focus: "text", changed: false, judged: false }, words2);
    };
    say(t("Draft saved"), { title: meant("draft", "Open"), run: again });
  }
  async discard() {
    if (this.version > 0 && !await confirm(t("Discard this draft?"), t("This draft will be deleted."), t("Discard"))) return;
    await this.remove();
  }
  async remove() {
    this.root.hidden = true;
    focusHome();
    await this.alone(async () => {
      try {
        await this.repeat();
        if (this.draftId > 0 && !this.conflict) await this.desk.client.draft_remove(this.draftId);
        this.finish();
      } catch (error) {
        if (codeOf(error) === "user:conflict") {
          this.finish();
          return;
        }
        this.root.hidden = false;
        await showError(t("Couldn't delete draft"), error);
        this.text.focus();
      }
    });
  }
  finish() {
    this.closed = true;
    this.text.close();
    clearTimeout(this.copyTimer);
    clearTimeout(this.saveTimer);
    this.files.abort();
    removeEventListener("pagehide", this.onHide);
    removeEventListener("beforeunload", this.onUnload);
    for (const kind of ["resize", "scroll"]) visualViewport?.removeEventListener(kind, this.onViewport);
    dropCopy(this.id);
    this.release();
    open2.delete(this);
    this.root.remove();
    focusHome();
  }
  take(event, data) {
    if (!event.defaultPrevented && this.text.take([...data?.files ?? []])) event.preventDefault();
  }
  key(event) {
    event.stopPropagation();
    if (event.isComposing || event.defaultPrevented) return;
    if (this.desk.commands.key(keyName(event), writing)) event.preventDefault();
  }
};

var maxParties = 1e3;
var [maxLine, maxText] = [1e3, 1e5];
function decoded(text2) {
  try {
    return decodeURIComponent(text2);
  } catch {
    return text2;
  }
}
function line(text2) {
  return text2.replace(/[\x00-\x1f\x7f]+/g, " ").trim().slice(0, maxLine);
}
function parseMailto(address) {
  const url = /^mailto%3a/i.test(address) ? decoded(address) : address;
  const [addresses = "", ...rest] = url.replace(/^mailto:/i, "").split("?");
  const asked = { to: [], cc: [], bcc: [], subject: "", text: "", in_reply_to: "" };
  const add = (list, text2) => {
    const room = maxParties - asked.to.length - asked.cc.length - asked.bcc.length;
    const found = parseParties(text2.replace(/[\x00-\x1f\x7f]+/g, " "));
    list.push(...found.slice(0, Math.max(0, room)));
  };
  add(asked.to, addresses.split(",").map(decoded).join(","));
  for (const field of rest.join("?").split("&")) {
    const at = field.indexOf("=");
    const value = decoded(field.slice(at + 1));
    const name = at > 0 ? decoded(field.slice(0, at)).toLowerCase() : "";
    if (name === "to" || name === "cc" || name === "bcc") add(asked[name], value);
    else if (name === "subject") asked.subject = line(value);
    else if (name === "in-reply-to") asked.in_reply_to = line(value);
    else if (name === "body") asked.text = value.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "").slice(0, maxText);
  }
  return asked;
}

var compose_default = '.composers{position:fixed;inset-inline-end:16px;bottom:0;z-index:var(--z-composer);display:flex;flex-direction:row-reverse;align-items:flex-end;gap:12px;max-width:calc(100vw - 32px);pointer-events:none}.composers:has(.menu){z-index:var(--z-menu)}.composer{display:flex;flex-direction:column;width:min(560px,100vw - 32px);height:min(520px,100dvh - 24px);min-width:0;background:var(--popup-background);border:1px solid var(--border-color);border-bottom:0;border-radius:10px 10px 0 0;box-shadow:var(--shadow);pointer-events:auto}.composer.docked{flex:1 0 min(50%,320px);width:auto;height:auto;min-height:0;margin:0 24px 16px;border-bottom:1px solid var(--border-color);border-radius:12px;box-shadow:none}.docked:has(.file,.compose-rich img){flex-basis:min(68%,480px)}.docked .compose-head,.composer:not(.docked) :is(.compose-float,.compose-sign){display:none}.docked .compose-to>label{position:absolute;clip-path:inset(50%)}.docked .compose-to{grid-template-columns:28px minmax(0,1fr) auto}.reader:has(>.docked)>:is(.reader-message:not(:has(.framed)),.conversation){flex:0 1 auto;min-height:120px}.composer.small{width:min(280px,100vw - 32px);height:44px}.small>:not(.compose-head),.small .compose-larger{display:none}.small>.compose-head{cursor:pointer}.composer.wide:not(.small){width:min(960px,100vw - 32px);height:calc(100dvh - 24px)}.composer[inert]>:not(.compose-foot){opacity:0.6}.compose-head{display:flex;align-items:center;gap:4px;padding-block:6px;padding-inline:14px 8px;background:var(--background-mild);border-radius:10px 10px 0 0}.compose-title{flex:1;margin:0;overflow:hidden;font-size:14px;text-overflow:ellipsis;white-space:nowrap}.compose-field{display:grid;grid-template-columns:auto minmax(0,1fr) auto;align-items:center;padding:3px 14px;border-bottom:1px solid var(--border-color);min-height:38px}.compose-field>label,.compose-label{min-width:62px;padding-inline-end:8px;color:var(--color-mild);font-size:13px}.compose-seldom{display:flex;grid-area:1 / 3;gap:2px;align-self:start}.compose-field[data-field]>label{place-self:start;line-height:31px}.compose-field.compose-to>label{line-height:34px}.compose-seldom>.link:not(.compose-icon){padding:0 10px}.compose-sign{grid-area:1 / 1;align-self:start;margin-top:8px;color:var(--color-milder)}.compose-to .chip-box{grid-area:1 / 2;align-self:start;padding-block:3px}.compose-icon{display:grid;flex:none;place-content:center;width:34px;height:34px;color:var(--color-mild)}.compose-quoted{position:relative;align-self:start;width:34px;height:18px;min-height:0;margin:4px 14px 12px;padding:0;border:0;border-radius:9px;background:var(--button-hover-background);line-height:10px}.compose-quoted::after{position:absolute;inset:-8px -6px;content:""}.compose-field select{min-width:0;border:0;border-radius:6px;background:var(--popup-background);min-height:30px}.compose-subject,.compose-text{border:0;outline-offset:-2px;background:none;color:var(--color);font:inherit}.compose-subject{padding:9px 14px;border-bottom:1px solid var(--border-color);font-weight:600}.compose-text:focus-visible{outline:none}.compose-text{flex:1;min-height:60px;padding:12px 14px;resize:none;line-height:1.5}.files{display:flex;flex-wrap:wrap;gap:0 6px;padding:6px 14px 0;max-height:120px;overflow-y:auto}.files>.file{display:flex;align-items:center;gap:8px;max-width:100%;margin-bottom:6px;padding-block:3px;padding-inline:10px 4px;border:1px solid var(--border-color);border-radius:8px;background:var(--background-mild);font-size:13px}.files>.file.failed{border-color:var(--danger)}.files .file-name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.files .file-size{flex:none;color:var(--color-mild)}.files>.file progress{width:70px}.compose-foot{display:flex;align-items:center;gap:8px;padding:8px 14px;border-top:1px solid var(--border-color)}.compose-state{flex:1;min-width:0;color:var(--color-mild);font-size:13px}body:has(.composer) .toasts{bottom:86px}@media(max-width:700px){body:has(.composer) .toasts{inset:auto 12px calc(12px + env(safe-area-inset-bottom));max-height:calc(var(--seen, 100dvh) - 136px);overflow-y:auto}body:has(.composer) .toast:not(:last-child){display:none}.composers{inset:auto 0 0;flex-direction:column;align-items:stretch;gap:0;max-width:none;padding-bottom:env(safe-area-inset-bottom);background:var(--background-mild)}.show-message .composers{bottom:calc(60px + env(safe-area-inset-bottom))}.composer.small{width:auto;height:52px;border-width:1px 0 0;border-radius:0;box-shadow:none}body:has(.composer.small) .compose-round{margin-bottom:52px}.composer:not(.small){position:fixed;inset:var(--above, 0) 0 auto;z-index:var(--z-composer);margin:0;width:100vw;height:var(--seen, 100dvh);border:0;border-radius:0}.compose-head{order:-2;border-radius:0}.compose-foot{order:-1;border-top:0;border-bottom:1px solid var(--border-color)}.docked .compose-head{display:flex}.composer .compose-larger{display:none}.compose-foot button,.compose-head button{min-height:44px;min-width:44px}.compose-text,.compose-subject{font-size:16px}.compose-field{position:relative}.compose-field.compose-to>label{min-width:20px;margin-inline-end:8px}}\n';

var recipients_default = ".chip-box{position:relative;display:flex;flex-wrap:wrap;gap:4px;grid-column:2 / -1;cursor:text;max-height:110px;overflow-y:auto}.chip-box:has(.completions:not([hidden])){overflow:visible}.chips{display:contents}.chips .chip{display:inline-flex;align-items:center;max-width:100%;padding-block:0;padding-inline:9px 2px;border-radius:13px;background:var(--mailbox-active-background);font-size:13px;line-height:26px}.chips .chip.bad{outline:1.5px solid var(--danger)}.chip-name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.bars:not([hidden]){display:grid;grid-auto-flow:column;gap:2px;width:30px;margin-inline-start:7px}.bars i{height:4px;border-radius:2px;background:color-mix(in srgb,currentColor 18%,transparent)}.bars .yes{background:var(--underline-green)}.bars .no{background:var(--underline-red)}.bars .error{background:var(--underline-grey)}.chip-remove,.file-remove{display:grid;place-items:center;min-width:24px;min-height:24px;padding:0;border:0;background:none;color:var(--color-mild)}.chip-input{flex:1;min-width:110px;min-height:28px;padding:0 6px;border:0;border-radius:6px;outline-offset:-2px;background:none;color:var(--color);font:inherit}@supports (field-sizing: content){.chip-input{flex:1 0 auto;min-width:40px;max-width:100%;field-sizing:content}}.field-hint{grid-column:2 / -1;color:var(--danger);font-size:13px}.field-hint:empty{display:none}.completions{position:absolute;inset:100% 0 auto;z-index:1;max-height:260px;overflow-y:auto;background:var(--popup-background);border:1px solid var(--border-color);border-radius:8px;box-shadow:var(--shadow)}.completion{display:flex;flex-wrap:wrap;gap:0 8px;padding:6px 10px;overflow-wrap:anywhere;cursor:pointer}.completion[aria-selected=true]{background:var(--mailbox-active-background)}.completion-address{color:var(--color-mild)}@media(max-width:700px){.chip-input{min-width:24px;font-size:16px}.chip-box{position:static}.completions{inset:100% 8px auto}}\n";

adopt(choices_default);
adopt(recipients_default);
adopt(compose_default);
function addKeys2(desk) {
  addKeys(desk, () => Composer.focused(), () => Composer.newest());
}
async function leave() {
  await Composer.top()?.leave();
}
async function leaveAll() {
  return Composer.leaveAll();
}
async function compose(desk, say, kind, item, selected, mailto = "", leaves = 0) {
  addKeys2(desk);
  if (kind === "edit" && item !== null && Composer.focus(item.id)) return;
  if (!Composer.hasRoom(say)) return;
  const words2 = await desk.load("words");
  let begun = null;
  await attempt(t("Loading…"), t("Couldn't open editor"), async () => {
    const here = Math.max(0, desk.here());
    const when = item === null ? "" : fullTime(item.date ?? item.received);
    begun = kind === "new" ? await words2.begun(desk.client, here) : await desk.client.compose_prepare(kind, item?.id ?? 0, selected.slice(0, 2e5), when, here);
  });
  if (begun === null) return;
  if (mailto !== "") begun = { ...begun, ...parseMailto(mailto) };
  if (!await words2.prepare(desk, begun.html ?? "", kind !== "edit")) return;
  const began = start(desk.settings(), words2, begun, kind, item, selected);
  began.copy.leaves = leaves;
  new Composer(desk, say, newId(), began, words2);
  for (const note of begun.notes ?? []) say((await told(note)).message);
}
function start(settings, words2, begun, kind, item, selected) {
  const { uploads, notes: _, name = begun.from.name, senders: others = [], ...fields } = begun;
  const { text: text2, html = "", original = "" } = begun;
  const beginning = words2.beginning(settings, { kind, text: text2, html, original, sample: item?.id ?? 0, selected, address: begun.from.address });
  const draft = item !== null && kind === "edit" && item.flags.includes("\\draft") ? item.id : 0;
  return { copy: { login: "", time: 0, draft: { ...fields, uploads: [], original_id: item !== null && kind !== "edit" ? item.id : 0, original_flag: kind === "new" || kind === "edit" ? "" : kind.startsWith("reply") ? "answered" : "forwarded" }, senders: { name, others }, files: uploads, draftId: draft, saveId: "", submitId: "" }, beginning, focus: begun.to.length > 0 && kind !== "edit" ? "text" : "to", changed: false, judged: kind !== "reply_list" && begun.tls === "default" };
}
async function recover(desk, say) {
  addKeys2(desk);
  const login = desk.facts().login_address;
  const words2 = await desk.load("words");
  for (const [id, copy] of await words2.lostCopies(login)) {
    if (Date.now() - copy.time > 864e5) copy.submitId = copy.saveId = "";
    await words2.refresh(desk.client, copy);
    const { text: text2, html = "", original = "", original_id: answered = 0, original_flag: flag } = copy.draft;
    if (!await words2.prepare(desk, html, false)) continue;
    const beginning = { text: text2, html, original, quoted: "", sample: answered || copy.draftId, forwarded: flag === "forwarded", cursor: text2.length };
    const room = Composer.hasRoom(() => {
    });
    const composer = new Composer(desk, say, id, { copy, beginning, focus: "text", changed: true, judged: copy.draft.tls === "default" }, words2);
    if (room) void composer.save();
    else await composer.leave();
  }
}
export {
  addKeys2 as addKeys,
  compose,
  leave,
  leaveAll,
  recover
};
