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

var chevronLeft = "m15 18l-6-6 6-6";
var chevronRight = "m9 18l6-6-6-6";

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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;

var shellCache = `${kept()}-shell`;
var mailCache = `${kept()}-mail`;
var fileCache = `${kept()}-files`;
var fileKey = (base2, id, path) => `${base2}msg/${id}/kept/${path}`;

var missingText = () => t("This file isn't saved on this device. Connect to open it.");
function keptFile(base2, id, path) {
  return caches.match(fileKey(base2, id, path), { cacheName: fileCache, ignoreVary: true });
}
function guardDownload(link, base2, id, path) {
  link.addEventListener("click", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    void keptFile(base2, id, path()).then((kept2) => {
      if (kept2 === void 0) void showError(t("Download"), new Error(missingText()));
      else location.assign(link.href);
    });
  });
}

var viewer_default = ".dialog:has(>.viewer){width:min(1200px,calc(100vw - 24px));max-width:none;height:calc(100dvh - 24px);max-height:none;padding:0}.dialog:has(>.viewer)>.dialog-title{display:none}.viewer{display:flex;flex-direction:column;height:100%}.viewer-head{display:flex;flex-wrap:wrap;align-items:center;gap:6px;padding:8px 12px;border-bottom:1px solid var(--border-color)}.viewer-head :is(button,.button){min-height:36px}.viewer-head .button{display:inline-flex;align-items:center;padding:0 10px}.viewer-name{flex:1 1 240px;min-width:0;margin:0;overflow:hidden;font-size:15px;text-overflow:ellipsis;white-space:nowrap}.viewer-name small{margin-inline-start:10px;color:var(--color-mild);font-weight:400}.viewer-view{display:flex;flex:1;align-items:center;justify-content:center;min-height:0;padding:8px;overflow:auto;background:var(--background-mild)}.viewer-view img{max-width:100%;max-height:100%;object-fit:contain}.viewer-frame{width:100%;height:100%;border:0;background:#ffffff}.viewer-text{align-self:stretch;width:100%;margin:0;overflow:auto;white-space:pre-wrap}@media(max-width:700px){.viewer-head :is(button,.button){min-width:44px;min-height:44px}.viewer-head>:last-child{margin-inline-start:auto}}\n";

adopt(viewer_default);
function kindOf({ content_type: type }) {
  if (type.startsWith("image/") && !type.startsWith("image/svg")) return "image";
  if (type === "application/pdf") return "pdf";
  return type.startsWith("text/") || type.startsWith("message/") || type === "application/json" ? "text" : "";
}
async function away(base2, id, path, kind) {
  const kept2 = await keptFile(base2, id, path);
  if (kept2 === void 0) return el("p", {}, missingText());
  if (kind === "pdf") return null;
  const charset = /charset=([\w-]+)/.exec(kept2.headers.get("content-type") ?? "")?.[1] ?? "utf-8";
  const content = await kept2.arrayBuffer();
  try {
    return el("pre", { class: "viewer-text", dir: "auto" }, new TextDecoder(charset).decode(content));
  } catch {
    return el("pre", { class: "viewer-text", dir: "auto" }, new TextDecoder("windows-1252").decode(content));
  }
}
async function look(base2, item, path) {
  const all = item.attachments;
  let at = Math.max(0, all.findIndex((one) => one.path === path));
  await dialog(t("Attachments"), (close) => {
    const name = el("h2", { class: "viewer-name", dir: "auto", "aria-live": "polite" });
    const view = el("div", { class: "viewer-view", tabindex: "0", autofocus: true, "aria-label": t("Attachment") });
    const download = el("a", { class: "button", title: t("Download (d)") }, t("Download"));
    const text2 = el("button", {}, t("As text"));
    const done = el("button", { onclick: () => close() }, t("Close"));
    const step = (by, title, path2) => el("button", { title, "aria-label": title, disabled: all.length < 2, onclick: () => to(at + by) }, sign(path2));
    const url = (kind) => `${base2}msg/${item.id}/${kind}/${all[at].path}`;
    const frame = (kind, sandbox) => el("iframe", { class: "viewer-frame", title: all[at].filename, src: url(kind), sandbox: sandbox ? "" : void 0, referrerpolicy: "no-referrer" });
    const show = (kind) => {
      const one = all[at];
      fill(name, one.filename, el("small", {}, `${size(one.size)} · ${t("{n} of {all}", { n: at + 1, all: all.length })}`));
      download.href = url("download");
      text2.hidden = kind === "text";
      download.classList.toggle("primary", kind === "");
      done.classList.toggle("primary", kind !== "");
      if (kind === "image") fill(view, el("img", { src: url("view"), alt: one.filename, onerror: () => fill(view, el("p", {}, navigator.onLine ? t("This image can't be displayed.") : missingText())) }));
      else if (!navigator.onLine && kind !== "") void away(base2, item.id, one.path, kind).then((found) => {
        if (all[at] === one) fill(view, found ?? frame("view", false));
      });
      else if (kind === "pdf") fill(view, frame("view", false));
      else if (kind === "text") fill(view, frame("viewtext", true));
      else fill(view, el("p", {}, t("This file can't be displayed here.")));
    };
    const to = (next) => {
      at = (next + all.length) % all.length;
      show(kindOf(all[at]));
      view.focus();
    };
    guardDownload(download, base2, item.id, () => all[at].path);
    text2.addEventListener("click", () => {
      show("text");
      view.focus();
    });
    const keys = { ArrowLeft: () => to(at - 1), h: () => to(at - 1), ArrowRight: () => to(at + 1), l: () => to(at + 1), "0": () => to(0), $: () => to(all.length - 1), d: () => download.click() };
    const root = el("div", { class: "viewer" }, el("header", { class: "viewer-head" }, name, step(-1, t("Previous (h)"), chevronLeft), step(1, t("Next (l)"), chevronRight), text2, download, done), view);
    root.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.altKey || event.metaKey ? void 0 : keys[event.key];
      if (act === void 0) return;
      event.preventDefault();
      act();
    });
    show(kindOf(all[at]));
    return [root];
  });
}
export {
  look
};
