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
    const kind = match.slice(1, 7).findIndex((group2) => group2 !== void 0) + 1;
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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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

function bookName(one) {
  return one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
}

function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key) {
  let hash = 0;
  for (const sign2 of key) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
}

function face(base, photo, name, key) {
  return el("span", { class: `disc person-disc c${hue(key)}`, "aria-hidden": "true" }, photo === "" ? initials(name) : el("img", { src: `${base}photo/${photo}`, alt: "", loading: "lazy" }));
}

var doubles_default = ".doubles{display:grid;gap:14px;max-height:60vh;margin-bottom:14px;overflow-y:auto}.doubles fieldset{min-width:0;margin:0;padding:8px 12px 12px;border:1px solid var(--line);border-radius:var(--r-md)}.doubles legend{float:inline-start;width:100%;padding:0 0 4px;color:var(--muted);font-size:var(--t-sm)}.double{clear:both;display:flex;align-items:center;gap:10px}.double label{flex:1;display:grid;grid-template-columns:auto auto minmax(0,1fr);align-items:center;gap:10px;min-width:0;min-height:44px}.double input{flex:none;width:18px;height:18px;margin:0}.doubles .btn{margin-top:8px}\n";

adopt(doubles_default);
var named = 0;
async function showDoubles(page, books, again) {
  const place = el("div", { class: "doubles" });
  const draw = async () => {
    const { groups, total } = await page.client.contacts_doubles();
    fill(place, groups.map((one) => group(page, books, one, merged)), total > groups.length && el("p", { class: "hint" }, many(total - groups.length, "{n} more group", "{n} more groups")), total === 0 && el("p", { class: "dialog-text" }, t("No duplicates. Contacts are duplicates if they share an address, or a name and phone number.")));
  };
  const merged = (kept, others, changed) => attempt(t("Merging…"), t("Couldn't merge contacts"), async () => {
    await page.client.contacts_merge(kept.id, others.slice(), changed);
    await Promise.all([draw(), again()]);
    (place.querySelector("input") ?? place.parentElement?.querySelector("button"))?.focus();
    setStatus(t("Contacts merged. You can restore the others for 30 days."));
  });
  if (!await attempt(t("Finding duplicates…"), t("Couldn't find duplicates"), draw)) return;
  await dialog(t("Duplicates"), (close) => [place, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")))]);
}
function group(page, books, one, merge) {
  const name = `double-${++named}`;
  const rows = one.contacts.map((contact, at) => {
    const keep = el("input", { type: "radio", name });
    keep.checked = at === 0;
    const merging = t("Merge “{name}”", { name: isolated(contact.name) });
    const include = el("input", { type: "checkbox", title: merging, "aria-label": merging });
    include.checked = true;
    const book = books.length > 1 ? books.find(({ id }) => id === contact.book_id) : void 0;
    const facts = [...contact.emails, contact.organization, book === void 0 ? "" : bookName(book)];
    const root = el("div", { class: "double" }, el("label", {}, keep, face(page.base, contact.photo, contact.name, contact.emails[0] ?? contact.name), el("span", {}, el("bdi", { class: "person-name", dir: "auto" }, isolated(contact.name)), el("span", { class: "person-facts" }, facts.filter(Boolean).map(isolated).join(" · ")))), include);
    return { contact, keep, include, root };
  });
  const button = el("button", { class: "btn line", type: "button" }, t("Merge"));
  const check = () => {
    for (const { keep, include } of rows) {
      include.disabled = keep.checked;
      if (keep.checked) include.checked = true;
    }
    button.disabled = rows.filter(({ include }) => include.checked).length < 2;
  };
  check();
  button.addEventListener("click", () => {
    const kept = rows.find(({ keep }) => keep.checked);
    const others = rows.filter((row) => row !== kept && row.include.checked).map(({ contact }) => contact.id);
    button.disabled = true;
    void merge(kept.contact, others, one.changed).then(check);
  });
  return el("fieldset", { onchange: check }, el("legend", {}, one.reason === "address" ? t("Same address. Which contact do you want to keep?") : t("Same name and phone number. Which contact do you want to keep?")), rows.map(({ root }) => root), button);
}
export {
  showDoubles
};
