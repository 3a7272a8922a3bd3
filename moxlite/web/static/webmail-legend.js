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

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var bellOff = "M10.268 21a2 2 0 0 0 3.464 0 M17 17H4a1 1 0 0 1-.74-1.673C4.59 13.956 6 12.499 6 8a6 6 0 0 1 .258-1.742 M2 2l20 20 M8.668 3.01A6 6 0 0 1 18 8c0 2.687.77 4.653 1.707 6.05";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var cornerDownRight = "m15 10l5 5-5 5 M4 4v7a4 4 0 0 0 4 4h12";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var forward = "m15 17l5-5-5-5 M4 18v-2a4 4 0 0 1 4-4h12";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var paperclip = "M16 6l-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551";
var reply = "m20 18v-2a4 4 0 0 0-4-4H4 M9 17l-5-5 5-5";
var star = "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.123 2.123 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904l-3.736 3.638a2.123 2.123 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.122 2.122 0 0 0-1.973 0L6.396 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.122 2.122 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0 1 .294-.906l5.165-.755a2.122 2.122 0 0 0 1.597-1.16z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";

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

function chip({ name, color }) {
  return el("span", { class: `keyword c${color}`, title: name, dir: "auto", data: { label: name } }, name);
}

var day = 24 * 60 * 60 * 1e3;

var validations = { strict: ["green", t("Domain verified (SPF or DKIM)")], dmarc: ["green", t("Domain verified (DMARC)")], relaxed: ["green", t("Related domain verified (SPF or DKIM)")], list: ["blue", t("Trusted list or forwarder. Sender not verified")], none: ["grey", t("Domain not verified")], forged: ["red", t("Failed the domain's DMARC check")] };

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

var symbols = [["\\answered", reply, t("Replied")], ["$forwarded", forward, t("Forwarded")]];
var words = [["\\draft", t("Draft")], ["$junk", t("Junk")], ["$phishing", t("Phishing")], ["\\deleted", t("Deleted")]];

var legend_default = ".legend{max-height:62vh;overflow-y:auto;font-size:14px}.legend h3{margin:12px 0 6px;font-size:13px;color:var(--color-mild)}.legend dl{display:grid;grid-template-columns:minmax(64px,max-content) minmax(0,1fr);align-items:baseline;gap:6px 16px;margin:0}.legend dt{display:flex;min-width:0}.legend dd{margin:0}.legend-unread{width:7px;height:7px;border-radius:50%;background:var(--accent)}.legend-disc{position:static}.legend-beside{color:var(--color-milder)}.legend .hint,.legend .elsewhere{margin:0}\n";

adopt(legend_default);
var meanings = { "\\draft": t("Not sent yet"), $junk: t("Junk mail"), $phishing: t("Pretends to be from someone else"), "\\deleted": t("Marked as deleted in a mail app") };
var mark2 = (kind, shown) => el("span", { class: `mark ${kind}` }, shown);
var list = [[el("span", { class: "legend-unread" }), t("Unread")], [el("span", { class: "message-disc legend-disc c3" }, "AL"), t("Sender. Click to select the message")], ...symbols.map(([, path, title]) => [mark2("", sign(path, "icon")), title]), [mark2("flagged", sign(star, "icon")), t("Flagged")], [mark2("", sign(paperclip, "icon")), t("Attachments")], [mark2("", sign(bellOff, "icon")), t("Muted. New messages in this conversation arrive as read")], ...words.map(([flag, word]) => [mark2("word", word), meanings[flag] ?? word]), [chip({ keyword: "", name: t("Label"), color: 2 }), t("Label. Click to show all messages with this label")], [el("span", { class: "keyword more" }, "+2"), t("Number of additional labels")], [el("span", { class: "keyword other-mailbox" }, t("Folder")), t("Folder, if different from the one you're viewing")], [el("span", { class: "legend-beside" }, t("Dimmed")), t("Muted, or only shown as part of its conversation")]];
var conversations = [[el("span", { class: "thread-count" }, "3"), t("Messages in this conversation")], [el("span", { class: "thread-count" }, "+2"), t("More messages in other folders (press → to show)")], [el("span", { class: "branch" }, sign(cornerDownRight, "icon")), t("Reply to the message above")], [el("span", { class: "branch" }, sign(circleHelp, "icon")), t("Original message not found")], [el("span", { class: "branch" }, sign(copy, "icon")), t("Copy of the message above (same Message-ID)")]];
var opened = [...Object.values(validations).map(([colour, why]) => [el("span", { class: `validation ${colour}` }, "example.org"), why]), [el("span", { class: "hint" }, t("signed")), t("The server doesn't verify signatures")], [el("span", { class: "hint" }, t("encrypted")), t("The server can't decrypt this message")], [el("b", { class: "elsewhere" }, "→ example.net"), t("This link leads to a different address than shown")], [sign(download, "icon"), t("Download")], [sign(ellipsis, "icon"), t("More message actions")]];
async function openPage() {
  const section = (name, entries) => el("section", {}, el("h3", {}, name), el("dl", {}, entries.map(([shown, meaning]) => [el("dt", {}, shown), el("dd", {}, meaning)])));
  await dialog(t("Icons"), (close) => [el("div", { class: "legend", tabindex: "0", role: "group", "aria-label": t("Icons") }, section(t("List"), list), section(t("Conversation"), conversations), section(t("Message"), opened)), el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
export {
  openPage
};
