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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var refreshCw = "M3 12a9 9 0 0 1 9-9 9.75 9.75 0 0 1 6.74 2.74L21 8 M21 3v5h-5 M21 12a9 9 0 0 1-9 9 9.75 9.75 0 0 1-6.74-2.74L3 16 M8 16H3v5";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var wifiOff = "M12 20h.01 M8.5 16.429a5 5 0 0 1 7 0 M5 12.859a10 10 0 0 1 5.17-2.69 M19 12.859a10 10 0 0 0-2.007-1.523 M2 8.82a15 15 0 0 1 4.177-2.643 M22 8.82a15 15 0 0 0-11.288-3.764 M2 2l20 20";

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

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

var touch_default = ".swipe-beneath{position:fixed;display:grid;place-content:center;justify-items:center;gap:2px;overflow:hidden;background:var(--success-background);color:var(--color);font-size:12px;line-height:14px;text-align:center}.swipe-beneath[data-action=trash]{background:var(--warning-background)}.swipe-beneath.far{font-weight:600}.toast button{min-width:44px;min-height:44px}html,.messages{overscroll-behavior-y:contain}.pull{position:absolute;z-index:3;left:50%;translate:-50%;display:flex;align-items:center;gap:8px;padding:8px 16px;border:1px solid var(--border-color);border-radius:20px;background:var(--raised);box-shadow:var(--shadow-2);color:var(--color);font-size:14px;line-height:20px;white-space:nowrap;pointer-events:none}.pull-sign{display:grid}@media(prefers-reduced-motion:no-preference){.pull{transform:translateY(calc(var(--pull, 0px) / 3))}.pull-sign{transition:rotate 150ms}.pull.far .pull-sign{rotate:180deg}.pull.asking .pull-sign{animation:pull-turn 1s linear infinite}@keyframes pull-turn{to{rotate:540deg}}}\n";

var enough = 90;
var least = 12;
var longPress = 500;
var patience = 15e3;
var shownFor = 1500;
function pulls(list, look) {
  const words = el("span");
  const picture = el("span", { class: "pull-sign", "aria-hidden": "true" });
  const shown = el("div", { class: "pull", role: "status" }, picture, words);
  let pull = null;
  let asking = false;
  let hiding = 0;
  const say = (text2, path = refreshCw) => {
    if (!shown.isConnected) {
      shown.style.top = `${list.offsetTop + 10}px`;
      list.after(shown);
    }
    if (words.textContent === text2) return;
    fill(picture, sign(path));
    fill(words, text2);
  };
  const follow = (by) => {
    shown.style.setProperty("--pull", `${Math.min(by, enough)}px`);
    shown.classList.toggle("far", by >= enough);
  };
  const hide = () => {
    shown.remove();
    fill(words);
  };
  const ask = () => {
    asking = true;
    say(t("Checking for new messages…"));
    shown.classList.add("asking");
    const end = (text2, path) => {
      removeEventListener("connected", found);
      removeEventListener("disconnected", failed);
      clearTimeout(hiding);
      asking = false;
      shown.classList.remove("asking", "far");
      say(text2, path);
      hiding = window.setTimeout(hide, shownFor);
    };
    const found = () => end(t("Up to date"));
    const failed = () => end(t("Not connected"), wifiOff);
    addEventListener("connected", found);
    addEventListener("disconnected", failed);
    hiding = window.setTimeout(failed, patience);
    look();
  };
  list.addEventListener("touchstart", (event) => {
    const [finger] = event.touches;
    pull = null;
    if (asking || finger === void 0 || event.touches.length > 1 || list.scrollTop > 0) return;
    clearTimeout(hiding);
    hide();
    pull = { x: finger.clientX, y: finger.clientY, at: event.timeStamp, by: 0 };
  }, { passive: true });
  list.addEventListener("touchmove", (event) => {
    const [finger] = event.touches;
    if (pull === null || finger === void 0) return;
    const by = finger.clientY - pull.y;
    const aside = finger.clientX - pull.x;
    if (pull.by === 0 && Math.hypot(by, aside) < least) return;
    const begins = by > Math.abs(aside) && event.timeStamp - pull.at < longPress && event.touches.length === 1;
    if (pull.by === 0 && !begins) {
      pull = null;
      return;
    }
    pull.by = Math.max(1, by);
    say(by >= enough ? t("Release to refresh") : t("Pull to refresh"));
    follow(pull.by);
  }, { passive: true });
  list.addEventListener("touchend", () => {
    if (pull === null) return;
    const { by } = pull;
    pull = null;
    if (by >= enough) ask();
    else hide();
  });
  list.addEventListener("touchcancel", () => {
    if (pull !== null) hide();
    pull = null;
  });
}

adopt(touch_default);
var far = 90;
var least2 = 12;
var longPress2 = 500;
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
    }, longPress2);
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerType !== "touch") return;
    const by = event.clientX - from.x;
    if (Math.hypot(by, event.clientY - from.y) >= least2) clearTimeout(resting);
    if (!pushed && Math.abs(event.clientY - from.y) > Math.abs(by)) return;
    if (!pushed && Math.abs(by) < least2) return;
    pushed = true;
    show(by);
  });
  list.addEventListener("pointerup", (event) => {
    clearTimeout(resting);
    const target = row;
    const by = event.clientX - from.x;
    const enough2 = pushed && Math.abs(by) >= far;
    end();
    const action = actionOf(by);
    if (target !== null && enough2 && action !== "") done(target, action);
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
  pulls,
  swipes
};
