var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

var typeTool = "M12 4v16 M4 7V5a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v2 M9 20h6";

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

function escaped(text2) {
  const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text2.replace(/[&<>"]/g, (sign2) => signs[sign2]).replace(/ {2}/g, " &nbsp;").replace(/^ /, "&nbsp;");
}
var deepest = 20;
function textToHTML(text2) {
  let html = "";
  let level = 0;
  for (const line of text2.replace(/\r\n?/g, "\n").split("\n")) {
    const [, signs = "", rest = ""] = /^((?:> ?)*)(.*)$/s.exec(line);
    const own = Math.min(deepest, signs.replace(/ /g, "").length);
    html += own > level ? "<blockquote>".repeat(own - level) : "</blockquote>".repeat(level - own);
    level = own;
    html += `<div>${rest === "" ? "<br>" : escaped(rest)}</div>`;
  }
  return html + "</blockquote>".repeat(level);
}
var signed = "moxlite-signature";
function signatureHTML(text2, html) {
  if (html === "" && text2 === "") return "";
  return `<div class="${signed}">${html === "" ? textToHTML(text2) : `<div>--&nbsp;</div>${html}`}</div>`;
}

function signatureOf(settings, address) {
  const own = settings.signatures.find((one) => one.address === address)?.text ?? settings.signature;
  return own.trim() === "" ? "" : `-- 
${own.trimEnd()}`;
}
function signatureHTMLOf(settings, address) {
  const own = settings.signatures.find((one) => one.address === address);
  return own === void 0 ? settings.signature_html : own.html ?? "";
}
function begin(quoted, signature, below) {
  const own = signature === "" ? "" : `

${signature}`;
  if (quoted === "") return { text: own, cursor: 0 };
  if (!below) return { text: `${own}

${quoted}`, cursor: 0 };
  const start = `${quoted.trimEnd()}

`;
  return { text: start + own, cursor: start.length };
}
function exchange(text2, before, after) {
  if (before === after) return text2;
  if (before === "") return text2.includes("\n-- \n") || text2.includes("\n> ") ? text2 : `${text2.trimEnd()}

${after}`;
  const parts = around(text2, before);
  if (parts === null) return text2;
  const [above, below] = parts;
  return after === "" ? above.trimEnd() + below : `${above}
${after}${below}`;
}
function around(text2, signature) {
  const at = text2.lastIndexOf(`
${signature}`);
  const end = at + 1 + signature.length;
  return signature === "" || at < 0 || end < text2.length && text2[end] !== "\n" ? null : [text2.slice(0, at), text2.slice(end)];
}

var words_default = ".compose-words{display:flex;flex:1;flex-direction:column;min-height:0}.compose-original{flex:none;max-height:60%;margin:0 14px 10px;overflow:auto;border:1px solid var(--border-color);border-radius:8px;font-size:13px}.compose-original>summary{padding:7px 12px;color:var(--color-mild);cursor:pointer}.compose-original-page{display:block;width:100%;height:180px;border:0;border-block:1px solid var(--border-color);background:var(--sheet)}.compose-original-foot{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin:0;padding:4px 12px;color:var(--color-mild)}.compose-foot [aria-pressed=true]{background:var(--mailbox-active-background);color:var(--color)}@media(pointer:coarse){.compose-original>summary{padding-block:13px}}@media(min-width:701px)and (max-width:900px){.docked .compose-to>.chip-box{grid-area:2 / 1 / 3 / -1}}\n";

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

var patience = 2e3;
var known = /* @__PURE__ */ new Map();
function freshId(message_id) {
  return message_id.replace(/^<[^@]*/, `<${newId()}`);
}
async function begun(client, mailbox = 0) {
  const last = known.get(mailbox) ?? known.get(0);
  const asked = client.compose_prepare("new", 0, "", "", mailbox).then((answer) => {
    known.set(mailbox, answer);
    return answer;
  });
  if (last === void 0) return asked;
  const again = { ...last, message_id: freshId(last.message_id) };
  const answered = asked.catch((error) => {
    if (codeOf(error) !== "") throw error;
    return again;
  });
  return Promise.race([answered, new Promise((resolve) => setTimeout(() => resolve(again), patience))]);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
function accounts() {
  const found = /* @__PURE__ */ new Map();
  for (const account of ["", ..."1234567"]) {
    const address = localStorage.getItem(`${kept(account)}-address`);
    if (address !== null) found.set(account, address);
  }
  return found;
}
var copies = "moxlite-webmail-draft-";
var week = 7 * 864e5;
function sweepCopies() {
  const logins = [...accounts().values()];
  for (const store of [localStorage, sessionStorage]) for (const [key, text2] of Object.entries(store)) {
    if (!key.startsWith(copies)) continue;
    try {
      const { login, time } = JSON.parse(text2);
      if (logins.includes(login) && Date.now() - time < week) continue;
    } catch {
    }
    store.removeItem(key);
  }
}

var silent = 9e4;
async function lostCopies(login) {
  sweepCopies();
  const held = new Set((await navigator.locks?.query())?.held?.map((lock) => lock.name));
  const lost = /* @__PURE__ */ new Map();
  for (const store of [localStorage, sessionStorage]) for (const [key, text2] of Object.entries(store)) {
    if (!key.startsWith(copies) || held.has(key)) continue;
    const copy = JSON.parse(text2);
    if (copy.login !== login || navigator.locks === void 0 && Date.now() - copy.time < silent) continue;
    lost.set(key.slice(copies.length), copy);
  }
  return lost;
}
async function refresh(client, copy) {
  if (copy.draftId > 0 || copy.saveId !== "" || copy.submitId !== "") return;
  const seconds = Math.max(0, Math.ceil((Date.now() - copy.time) / 1e3));
  const newer = await client.draft_find(copy.draft.message_id, seconds, copy.draft.from.address);
  if (newer === 0) return;
  const { uploads, notes: _, name: _name, senders: _senders, ...fields } = await client.compose_prepare("edit", newer);
  Object.assign(copy, { draft: { ...copy.draft, ...fields }, files: uploads, draftId: newer });
}

adopt(words_default);
var editors = null;
async function loadEditors(desk) {
  if (editors !== null) return editors;
  await attempt(t("Loading…"), t("Couldn't open editor"), async () => {
    const [rich, squire] = await Promise.all([desk.load("rich"), desk.load("squire")]);
    editors = { rich, squire };
  });
  return editors;
}
async function prepare(desk, html, fresh) {
  const wanted = html !== "" || fresh && desk.settings().compose_format === "html";
  return !wanted || await loadEditors(desk) !== null || html === "";
}
function beginning(settings, prepared) {
  const { kind, text: text2, html, original, sample, selected, address } = prepared;
  const rest = { sample, forwarded: kind === "forward", quoted: "", original: "" };
  if (kind === "edit") return { ...rest, text: text2, html, original, cursor: 0 };
  const answered = kind.startsWith("reply");
  const below = kind === "new" ? text2 !== "" : answered && (settings.quoting === "bottom" || settings.quoting === "auto" && selected !== "");
  const [signature, signed2] = [signatureOf(settings, address), signatureHTMLOf(settings, address)];
  const kept2 = below || selected !== "" ? "" : original;
  const folded = kept2 === "" && answered && !below && selected === "" ? text2 : "";
  const quote = folded + kept2 === "" ? text2 : "";
  const begun2 = begin(quote, signature, below);
  const empty = "<div><br></div>";
  const own = signatureHTML(signature, signed2);
  const above = below && quote !== "" ? `${textToHTML(quote.trimEnd())}${empty}` : empty;
  const after = !below && quote !== "" ? empty + textToHTML(quote) : "";
  const rich = settings.compose_format === "html" && editors !== null;
  return { ...rest, text: begun2.text, html: rich ? above + (own === "" ? "" : empty + own) + after : "", cursor: begun2.cursor, quoted: folded === "" ? "" : `

${folded}`, original: kept2 };
}
var Words = class {
  constructor(desk, hooks, start, address) {
    this.desk = desk;
    this.hooks = hooks;
    this.address = address;
    [this.quoted, this.original, this.sample, this.forwarded] = [start.quoted, start.original, start.sample, start.forwarded];
    this.field.value = start.text;
    this.root.append(this.field, this.foldButton);
    if (this.original !== "") this.root.append(this.originalBox());
    this.foldButton.hidden = this.quoted === "";
    if (start.html !== "" && editors !== null) this.enrich(start.html);
    this.field.setSelectionRange(start.cursor, start.cursor);
    this.showFormat();
  }
  desk;
  hooks;
  address;
  root = el("div", { class: "compose-words" });
  formatButton = el("button", { type: "button", class: "link compose-icon", title: withKey(t("Formatting"), "ctrl F"), "aria-label": t("Formatting"), onclick: () => void this.toggle() }, sign(typeTool));
  field = el("textarea", { autocomplete: "off", class: "compose-text", "aria-label": t("Text"), dir: "auto", spellcheck: "true", oninput: () => this.hooks.changed() });
  foldButton = el("button", { type: "button", class: "compose-quoted", "aria-label": t("Show quote"), title: t("Show quote"), onclick: () => this.unfold() }, "…");
  rich = null;
  quoted;
  original;
  forwarded;
  sample;
  former = { html: "", text: "" };
  get value() {
    if (this.rich === null) return { text: this.field.value + this.quoted, html: "", original: this.original };
    return { text: "", html: this.rich.html() + (this.quoted === "" ? "" : textToHTML(this.quoted.trim())), original: this.original };
  }
  get state() {
    const own = this.rich?.html() ?? "";
    return { text: this.field.value, html: own, quoted: this.quoted, original: this.original, sample: this.sample, forwarded: this.forwarded, cursor: this.field.selectionStart };
  }
  get typed() {
    return this.rich?.text() ?? this.field.value;
  }
  get pictures() {
    return this.rich?.pictures() ?? [];
  }
  get unfinished() {
    return this.rich?.pending() ?? 0;
  }
  focus() {
    if (this.rich === null) this.field.focus({ preventScroll: true });
    else this.rich.focus();
  }
  insert(text2, html) {
    this.focus();
    if (this.rich !== null) this.rich.insert(html === "" ? textToHTML(text2) : html);
    else this.field.setRangeText(text2, this.field.selectionStart, this.field.selectionEnd, "end");
    this.hooks.changed();
  }
  sign(address) {
    const settings = this.desk.settings();
    const [before, after] = [signatureOf(settings, this.address), signatureOf(settings, address)];
    if (this.rich !== null) {
      const [old, now] = [this.address, address].map((one) => signatureHTML(signatureOf(settings, one), signatureHTMLOf(settings, one)));
      this.rich.exchange(old, now);
    } else {
      const { selectionStart } = this.field;
      this.field.value = exchange(this.field.value, before, after);
      this.field.setSelectionRange(selectionStart, selectionStart);
    }
    this.address = address;
  }
  async toggle() {
    if (this.rich === null) {
      if (await loadEditors(this.desk) === null || this.rich !== null) return;
      this.enrich(this.field.value === this.former.text && this.former.html !== "" ? this.former.html : this.asHTML());
    } else {
      this.former = { html: this.rich.html(), text: this.rich.text() };
      this.field.value = this.former.text;
      this.rich.root.replaceWith(this.field);
      this.rich.close();
      this.rich = null;
    }
    this.showFormat();
    this.focus();
    this.hooks.changed();
    const format = this.rich === null ? "text" : "html";
    if (this.desk.settings().compose_format !== format) await attempt(t("Saving…"), t("Couldn't save settings"), () => this.desk.client.settings_save({ compose_format: format }));
  }
  take(files) {
    if (files.length === 0) return false;
    const left = this.rich?.take(files) ?? files;
    if (left.length > 0) this.hooks.attach(left);
    return true;
  }
  close() {
    this.rich?.close();
  }
  asHTML() {
    const settings = this.desk.settings();
    const own = signatureOf(settings, this.address);
    const parts = around(this.field.value, own);
    if (parts === null) return textToHTML(this.field.value);
    const [above, below] = parts;
    return textToHTML(above) + signatureHTML(own, signatureHTMLOf(settings, this.address)) + (below === "" ? "" : textToHTML(below.slice(1)));
  }
  enrich(html) {
    const { rich, squire } = editors;
    this.rich = rich.openEditor(squire.Squire, html, { ...this.hooks, client: this.desk.client, base: this.desk.base });
    this.field.replaceWith(this.rich.root);
    this.root.append(this.rich.tools);
  }
  showFormat() {
    this.formatButton.setAttribute("aria-pressed", String(this.rich !== null));
  }
  unfold() {
    const quoted = this.quoted;
    this.quoted = "";
    this.foldButton.hidden = true;
    if (this.rich !== null) this.rich.add(textToHTML(quoted.trimEnd()));
    else {
      const { selectionStart } = this.field;
      this.field.value += quoted;
      this.field.setSelectionRange(selectionStart, selectionStart);
    }
    this.focus();
  }
  originalBox() {
    const title = this.forwarded ? t("Forwarded message") : t("Original message");
    const frame = el("iframe", { class: "compose-original-page", title, sandbox: "allow-popups allow-popups-to-escape-sandbox" });
    const box = el("details", { class: "compose-original", ontoggle: () => {
      if (box.open && this.sample > 0 && !frame.hasAttribute("src")) frame.src = `${this.desk.base}msg/${this.sample}/html`;
    } }, el("summary", {}, title), this.sample > 0 && frame, el("p", { class: "compose-original-foot" }, t("The original is sent unchanged below your text."), el("button", { type: "button", class: "link", onclick: () => {
      this.original = "";
      box.remove();
      this.focus();
      this.hooks.changed();
    } }, t("Remove"))));
    return box;
  }
};
export {
  Words,
  beginning,
  begun,
  freshId,
  lostCopies,
  prepare,
  refresh
};
