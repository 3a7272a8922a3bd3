// lib/dom.ts
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
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
var ascii = /^[\x00-\x7f]*$/;
var scripts = /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
var mixable = /[\p{L}]/u;
function text(value) {
  if (ascii.test(value)) return document.createTextNode(value);
  const fragment = document.createDocumentFragment();
  let plain = "";
  let last = 0;
  for (const match of value.matchAll(scripts)) {
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

// lib/focus.ts
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

// lib/words.ts
var grouped;
function t(text3, values = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat();
    return grouped.format(value);
  });
}

// lib/dialogs.ts
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
    document.body.append(box);
    box.showModal();
  });
}
async function showError(action, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(action, (close) => [
    el("p", { class: "dialog-text" }, message),
    el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))
  ]);
}
async function attempt(action, work) {
  const timer = setTimeout(() => setStatus(t("{action}…", { action })), 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(t("{action} failed", { action }), error);
    return false;
  } finally {
    clearTimeout(timer);
    setStatus("");
  }
}
function setStatus(message) {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
}

// lib/sheets.ts
function adopt(text3) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text3}}`);
  document.adoptedStyleSheets.push(sheet);
}

// webmail/settings/settings.css
var settings_default = "/* The settings. */\n\n.settings-body {\n  display: grid;\n  grid-template-columns: minmax(0, 1fr);\n  gap: 18px;\n  max-height: 68vh;\n  overflow-y: auto;\n}\n\n.settings section,\n.settings details {\n  display: grid;\n  grid-template-columns: minmax(0, 1fr);\n  gap: 9px;\n}\n\n.settings h3 {\n  font-size: 13px;\n  color: var(--color-mild);\n}\n\n.setting {\n  display: grid;\n  grid-template-columns: 9em minmax(0, 1fr);\n  align-items: center;\n}\n\n.setting select,\ntextarea.dialog-input {\n  width: 100%;\n  padding: 6px;\n  border: 1px solid var(--border-color);\n  border-radius: 7px;\n  background: var(--background);\n}\n\n@media (max-width: 640px) {\n  .setting {\n    grid-template-columns: minmax(0, 1fr);\n    gap: 3px;\n  }\n}\n";

// webmail/settings/part.ts
adopt(settings_default);
function select(label, value, choices, first = false) {
  const input = el("select", { autofocus: first }, choices.map(([one, words]) => el("option", { value: one }, words)));
  input.value = value;
  return { root: el("label", { class: "setting" }, el("span", {}, label), input), read: () => input.value };
}
function check(label, value) {
  const input = el("input", { type: "checkbox" });
  input.checked = value;
  return { root: el("label", { class: "check" }, input, label), read: () => input.checked };
}
function text2(label, value, rows) {
  const input = el("textarea", { class: "dialog-input", rows: String(rows), dir: "auto", maxlength: "10000" });
  input.value = value;
  return { root: el("label", { class: "field" }, label, input), read: () => input.value.replace(/\r\n?/g, "\n") };
}
async function openSettings(desk) {
  const old = desk.settings();
  const { panes } = desk;
  const own = desk.facts().addresses.filter((one) => !one.startsWith("@"));
  const signature = text2(t("Signature"), old.signature, 4);
  const signatures = own.length > 1 ? own.map((address) => ({ address, ...text2(address, old.signatures.find((one) => one.address === address)?.text ?? "", 2) })) : [];
  const quoting = select(t("Write answers"), old.quoting, [
    ["auto", t("Above; below a selected part")],
    ["top", t("Above what is quoted")],
    ["bottom", t("Below what is quoted")]
  ]);
  const scheme = select(t("Colours"), old.color_scheme, [
    ["auto", t("Same as the system")],
    ["light", t("Light")],
    ["dark", t("Dark")]
  ], true);
  const density = select(t("Rows"), old.density, [
    ["comfortable", t("With a preview")],
    ["compact", t("Compact")]
  ]);
  const layout = select(t("Message"), panes.local.layout, [
    ["auto", t("Beside the list if there is room")],
    ["leftright", t("Beside the list")],
    ["topbottom", t("Below the list")]
  ]);
  const after = select(t("After archive, trash, move"), old.after_action, [
    ["next", t("Show the next message")],
    ["previous", t("Show the one before")],
    ["list", t("Back to the list")]
  ]);
  const seen = select(t("Mark as read"), String(old.mark_seen_ms), seenChoices(old.mark_seen_ms));
  const undo = select(t("Sent messages can be taken back"), String(old.undo_send_seconds), undoChoices(old.undo_send_seconds));
  const html = check(t("Show messages as designed (HTML), not as plain text"), old.show_html);
  const bars = check(t("Look up how mail to each recipient is protected"), old.show_address_security);
  const hints = check(t("Show the key of an action that is clicked"), !old.no_show_shortcuts);
  const keys = check(t("Single letters are keys (archive: a)"), old.single_keys);
  const headers = text2(t("More header fields to show, one per line"), old.show_headers.join("\n"), 2);
  const section = (title, ...children) => el("section", {}, el("h3", {}, title), ...children);
  const save = () => ({
    ...old,
    signature: signature.read(),
    signatures: signatures.map((one) => ({ address: one.address, text: one.read() })).filter((one) => one.text !== ""),
    quoting: quoting.read(),
    undo_send_seconds: Number(undo.read()),
    color_scheme: scheme.read(),
    density: density.read(),
    after_action: after.read(),
    mark_seen_ms: Number(seen.read()),
    show_html: html.read(),
    show_address_security: bars.read(),
    no_show_shortcuts: !hints.read(),
    single_keys: keys.read(),
    show_headers: headers.read().split("\n").map((one) => one.trim().replace(/:$/, "")).filter((one) => one !== "")
  });
  const chosen = await dialog(t("Settings"), (close) => [
    el(
      "form",
      {
        class: "settings",
        onsubmit: (event) => {
          event.preventDefault();
          panes.set({ ...panes.local, layout: layout.read() });
          close(save());
        }
      },
      el(
        "div",
        { class: "settings-body" },
        section(t("Look"), scheme.root, density.root, layout.root),
        section(t("Reading"), seen.root, after.root, html.root, headers.root),
        section(t("Writing"), quoting.root, undo.root, signature.root, signatures.length > 0 && el("details", {}, el("summary", {}, t("Another signature for an address")), signatures.map((one) => one.root)), bars.root),
        section(t("Keys and links"), keys.root, hints.root, mailtoButton(desk))
      ),
      el("div", { class: "dialog-buttons" }, el("button", { class: "primary", type: "submit" }, t("Save")))
    )
  ]);
  if (chosen !== null) await attempt(t("Saving the settings"), () => desk.client.settings_save(chosen));
}
function seenChoices(now) {
  const known = [
    ["0", t("At once")],
    ["500", t("After half a second")],
    ["3000", t("After 3 seconds")],
    ["-1", t("Only by hand")]
  ];
  if (!known.some(([value]) => value === String(now))) known.push([String(now), t("After {n} seconds", { n: now / 1e3 })]);
  return known;
}
function undoChoices(now) {
  const numbers = [.../* @__PURE__ */ new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), t("For {n} seconds", { n })])];
}
function mailtoButton(desk) {
  if (typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${desk.base}#compose %s`);
  return el("button", { type: "button", onclick: () => void attempt(t("Taking addresses of web pages"), async () => register()) }, t("Write here when a page has a mail address"));
}
export {
  openSettings
};
