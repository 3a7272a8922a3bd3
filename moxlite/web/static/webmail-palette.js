var anchored_default = ".anchored::backdrop{background:none}@media(min-width:701px){.dialog.anchored{inset:auto;width:340px;margin:0;padding:14px;border-radius:12px}.anchored .palette-list{height:300px}}@media(max-width:700px){.dialog.anchored{inset:auto 0 0!important;width:100%;max-width:none;max-height:80dvh;margin:0;padding-bottom:calc(22px + env(safe-area-inset-bottom));border-radius:14px 14px 0 0}.anchored::backdrop{background:var(--overlay-background)}}\n";

var mirrored = () => document.documentElement.dir === "rtl";

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(anchored_default);
var [apart, edge] = [4, 8];
function anchor(...selectors) {
  const button = selectors.flatMap((one) => [...document.querySelectorAll(one)]).find((one) => one.checkVisibility());
  if (button !== void 0) anchorTo(button, false);
}
function anchorTo(cause, beside) {
  const box = [...document.querySelectorAll("dialog:modal")].at(-1);
  if (box === void 0) return;
  box.classList.add("anchored");
  box.addEventListener("pointerdown", (event) => {
    const place = box.getBoundingClientRect();
    const inside = event.clientX >= place.left && event.clientX <= place.right && event.clientY >= place.top && event.clientY <= place.bottom;
    if (event.target === box && !inside) box.dispatchEvent(new Event("cancel", { cancelable: true }));
  });
  let at = cause.getBoundingClientRect();
  const draw = () => {
    if (cause.checkVisibility()) at = cause.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    const sides = [at.right + apart, at.left - apart - width];
    const side = (mirrored() ? sides.reverse() : sides).find((one) => one >= edge && one + width <= innerWidth - edge);
    const [left, top] = beside && side !== void 0 ? [side, at.top] : [mirrored() ? at.right - width : at.left, at.bottom + apart];
    box.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
    box.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
  };
  draw();
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  observer.observe(document.documentElement);
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
  for (const match2 of written(value).matchAll(scripts)) {
    const piece = match2[0];
    const kind = match2.slice(1, 7).findIndex((group) => group !== void 0) + 1;
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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

function match(title, typed) {
  const text2 = title.toLowerCase();
  const whole = text2.indexOf(typed.toLowerCase());
  if (whole >= 0) return whole === 0 || " /".includes(text2[whole - 1]) ? whole : 50 + whole;
  let at = -1;
  let spread = 100;
  for (const letter of typed.toLowerCase()) {
    if (letter === " ") continue;
    const next = text2.indexOf(letter, at + 1);
    if (next < 0) return -1;
    spread += next - at;
    at = next;
  }
  return spread;
}
function ranked(all, titleOf2, typed) {
  return all.map((one) => ({ one, rank: match(titleOf2(one), typed) })).filter(({ rank }) => rank >= 0).sort((a, b) => a.rank - b.rank).map(({ one }) => one);
}

function pick(title, words, all, titleOf2, options = {}) {
  const { typed = "", above, detail } = options;
  return dialog(title, (close) => {
    const list = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": title });
    let found = ranked(all, titleOf2, typed.trim());
    let at = 0;
    const input = el("input", { class: "dialog-input palette-input", role: "combobox", placeholder: words.hint, "aria-label": words.label, "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", autofocus: true });
    input.value = typed;
    const draw = () => {
      fill(list, found.map((one, i) => el("div", { class: "palette-row", role: "option", id: `palette-${i}`, "aria-selected": String(i === at), onclick: () => close(one) }, el("span", { dir: "auto" }, titleOf2(one)), detail !== void 0 && el("span", { class: "palette-keys" }, detail(one)))), found.length === 0 && el("p", { class: "dialog-text" }, words.nothing));
      if (found.length === 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", `palette-${at}`);
      list.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
    };
    input.addEventListener("input", () => {
      found = ranked(all, titleOf2, input.value.trim());
      at = 0;
      draw();
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const selected = found[at];
      if (event.key === "Enter" && selected !== void 0) close(selected);
      else if (step !== void 0) at = Math.max(0, Math.min(found.length - 1, at + step));
      else if (event.key !== "Enter") return;
      event.preventDefault();
      draw();
    });
    draw();
    return [...above === void 0 ? [] : [above], input, list];
  });
}

var picker_default = ".palette-input{width:100%}.dialog-text+.palette-input{margin-top:12px}.palette-list{height:46vh;margin-top:10px;overflow-y:auto}.palette-row{display:flex;justify-content:space-between;gap:14px;padding:7px 10px;border-radius:7px;overflow-wrap:anywhere;cursor:pointer}.palette-row:hover{background:var(--button-hover-background)}.palette-row[aria-selected=true]{background:var(--mailbox-active-background)}.palette-keys{flex:none}@media(pointer:coarse){.palette-row{padding:12px 10px}}\n";

var palette_default = ".keys{max-height:62vh;overflow-y:auto;font-size:14px}.keys h3{margin:12px 0 6px;font-size:13px;color:var(--color-mild)}.keys dl{display:grid;grid-template-columns:minmax(108px,max-content) minmax(0,1fr);gap:5px 16px;margin:0}.keys dd{margin:0}\n";

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}

function keysOf(command) {
  return (command.keys ?? []).map((key) => el("kbd", {}, keyText(key)));
}
async function openPalette(table, typed = "") {
  const possible = table.all().flatMap((group) => group.commands.filter((command) => command.quiet !== true && table.holds(command)));
  const words = { label: t("Command"), hint: t("What do you want to do?"), nothing: t("No matching commands") };
  const chosen = await pick(t("Commands"), words, possible, titleOf, { typed, detail: keysOf });
  chosen?.run();
}
async function showKeys(table, beside) {
  const chosen = await dialog(t("Shortcuts"), (close) => [el("div", { class: "keys", tabindex: "0", role: "group", "aria-label": t("Shortcuts") }, table.all().flatMap((group) => {
    const bound = group.commands.filter(({ keys = [] }, at, all) => keys.length > 0 && all.findIndex((one) => `${one.keys}` === `${keys}`) === at);
    return [bound.length > 0 && el("section", {}, el("h3", {}, group.name), el("dl", {}, bound.map((command) => [el("dt", {}, keysOf(command)), el("dd", {}, titleOf(command))])))];
  })), el("div", { class: "dialog-buttons" }, el("button", { onclick: () => close(true) }, titleOf(beside)), el("button", { class: "primary", autofocus: true, onclick: () => close(false) }, t("Close")))]);
  if (chosen === true) beside.run();
}
var mostTitles = 100;
var visibleText = (of) => of.innerText.trim().slice(0, 80);
async function showTitles(at) {
  const titled = [at, ...at.querySelectorAll("[title]")].filter((one) => one instanceof HTMLElement && one.title !== "" && one.checkVisibility());
  await dialog(t("Focused control"), (close) => [el("div", { class: "keys" }, el("dl", {}, titled.slice(0, mostTitles).map((one) => [el("dt", { dir: "auto" }, visibleText(one)), el("dd", { dir: "auto" }, one.title)]))), titled.length === 0 && el("p", { class: "dialog-text" }, t("No description available")), el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")))].filter((one) => one !== false));
}

adopt(picker_default);
adopt(palette_default);
function chooseMailbox(title, mailboxes, typed = "") {
  return pick(title, { label: t("Folder"), hint: t("Folder name"), nothing: t("No matching folders") }, mailboxes, ({ name }) => mailboxName(name), { typed });
}
function chooseTarget(mailboxes, typed) {
  const chosen = chooseMailbox(t("Move to"), mailboxes, typed);
  anchor('.toolbar [data-command="message.move"]', ".toolbar-more");
  return chosen;
}
export {
  chooseMailbox,
  chooseTarget,
  openPalette,
  pick,
  showKeys,
  showTitles
};
