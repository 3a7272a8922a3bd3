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
function icon(path, name = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", name);
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

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";

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

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark read, or unread")]];

var touch_default = ".swipe-beneath{position:fixed;display:grid;place-content:center;justify-items:center;gap:2px;overflow:hidden;background:var(--success-background);color:var(--color);font-size:12px;line-height:14px;text-align:center}.swipe-beneath[data-action=trash]{background:var(--warning-background)}.swipe-beneath.far{font-weight:650}.toast button{min-width:44px;min-height:44px}\n";

adopt(touch_default);
var far = 90;
var least = 12;
var longPress = 500;
function swipes(list, possible, chosen, done, held) {
  const beneath = el("div", { class: "swipe-beneath", "aria-hidden": "true" });
  let resting = 0;
  let pressed = false;
  let row = null;
  let from = { x: 0, y: 0 };
  let pushed = false;
  const actionOf = (by) => chosen(by > 0 ? "right" : "left");
  const show = (by) => {
    const found = by !== 0 && rowActions.find(([action2]) => action2 === actionOf(by));
    if (!found) {
      row?.style.removeProperty("--swipe");
      beneath.remove();
      return;
    }
    row?.style.setProperty("--swipe", `${by}px`);
    const [action, path, words] = found;
    fill(beneath, sign(path), words);
    beneath.dataset["action"] = action;
    beneath.classList.toggle("far", Math.abs(by) >= far);
    const box = row.getBoundingClientRect();
    Object.assign(beneath.style, { top: `${box.top}px`, height: `${box.height}px`, width: `${Math.abs(by)}px`, left: `${by > 0 ? box.left - by : box.right}px` });
    if (!beneath.isConnected) document.body.append(beneath);
  };
  const end = () => {
    show(0);
    row = null;
    pushed = false;
  };
  list.addEventListener("pointerdown", (event) => {
    pressed = false;
    if (event.pointerType !== "touch" || !(event.target instanceof Element)) return;
    const found = event.target.closest(".message");
    if (found === null || !possible(found)) return;
    row = found;
    from = { x: event.clientX, y: event.clientY };
    clearTimeout(resting);
    resting = window.setTimeout(() => {
      if (row !== found || pushed) return;
      end();
      pressed = true;
      navigator.vibrate?.(10);
      held(found);
    }, longPress);
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerType !== "touch") return;
    const by = event.clientX - from.x;
    if (Math.hypot(by, event.clientY - from.y) >= least) clearTimeout(resting);
    if (!pushed && Math.abs(event.clientY - from.y) > Math.abs(by)) return;
    if (!pushed && Math.abs(by) < least) return;
    pushed = true;
    show(by);
  });
  list.addEventListener("pointerup", (event) => {
    clearTimeout(resting);
    const target = row;
    const by = event.clientX - from.x;
    const enough = pushed && Math.abs(by) >= far;
    end();
    const action = actionOf(by);
    if (target !== null && enough && action !== "") done(target, action);
  });
  list.addEventListener("pointercancel", () => {
    clearTimeout(resting);
    end();
  });
  list.addEventListener("contextmenu", (event) => {
    if (row === null && !pressed) return;
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
  list.addEventListener("click", (event) => {
    if (!pressed) return;
    pressed = false;
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
}
export {
  swipes
};
