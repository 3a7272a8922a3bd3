var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;

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

function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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
  let last2 = 0;
  for (const match of written(value).matchAll(scripts)) {
    const piece = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== void 0) + 1;
    if (kind !== 0 && last2 !== 0 && kind !== last2) {
      fragment.append(plain, mark(piece));
      plain = "";
      last2 = kind;
      continue;
    }
    plain += piece;
    if (kind !== 0) last2 = kind;
    else if (!mixable.test(piece)) last2 = 0;
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

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}

var x = "M18 6 6 18 M6 6l12 12";

var shown = 1e4;
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
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

var alarms_default = ".alarms{position:fixed;inset-block:20px auto;inset-inline:auto 20px;display:grid;gap:8px;max-height:calc(100vh - 40px);overflow-y:auto;z-index:var(--z-alarm)}.toast.alarm{flex-wrap:wrap;justify-content:end;width:min(400px,calc(100vw - 40px));padding-block:12px 4px}.alarm-event{display:grid;gap:2px;flex:1 1 100%;color:inherit;text-decoration:none;overflow-wrap:anywhere}\n";

adopt(alarms_default);
var pause = 5;
var near = 18 * 36e5;
var last = 0;
var shown2 = /* @__PURE__ */ new Map();
var tabs = new BroadcastChannel(`${kept()}-alarms`);
tabs.onmessage = ({ data }) => shown2.get(Number(data))?.remove();
async function showAlarms({ client, base: base2 }) {
  const found = await client.alarms(last).catch(() => []);
  last = Math.max(last, ...found.map(({ id }) => id));
  if (await pushed(base2)) return;
  for (const one of found.reverse()) show(client, one);
}
async function pushed(base2) {
  const registration = await navigator.serviceWorker?.getRegistration(base2).catch(() => void 0);
  return (await registration?.pushManager?.getSubscription().catch(() => null) ?? null) !== null;
}
function show(client, one) {
  const start = one.day === "" ? new Date((one.starts ?? 0) * 1e3) : /* @__PURE__ */ new Date(`${one.day}T00:00`);
  const timed = one.day !== "" || one.starts !== null;
  const day = timed ? start : /* @__PURE__ */ new Date();
  const digits = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
  const facts = [timed ? when(start, one.day !== "") : "", isolated(one.place)].filter((text2) => text2 !== "");
  shown2.get(one.event_id)?.remove();
  const seen = async (snooze) => {
    gone();
    tabs.postMessage(one.event_id);
    try {
      await client.alarm_seen(one.event_id, snooze);
    } catch (error) {
      toast(messageOf(error));
    }
  };
  const box = el("div", { class: "toast alarm", role: "alert" }, el("a", { href: `#calendar:day,${digits.join("")}`, class: "alarm-event" }, el("strong", {}, el("bdi", { dir: "auto" }, one.title === "" ? t("(no title)") : isolated(one.title))), el("span", {}, facts.join(" · "))), el("button", { class: "btn text", type: "button", onclick: () => void seen(pause) }, t("Snooze for {n} minutes", { n: pause })), el("button", { class: "btn text", type: "button", onclick: () => void seen(0) }, t("Dismiss")));
  const gone = () => {
    box.remove();
    if (shown2.get(one.event_id) === box) shown2.delete(one.event_id);
  };
  shown2.set(one.event_id, box);
  stack2().append(box);
}
function when(start, whole) {
  if (whole) return start.toLocaleDateString(locale(), { weekday: "long", day: "numeric", month: "long" });
  const far = Math.abs(start.getTime() - Date.now()) > near;
  return start.toLocaleString(locale(), { ...far ? { weekday: "short", day: "numeric", month: "short" } : {}, hour: "numeric", minute: "2-digit" });
}
function stack2() {
  const found = document.querySelector("body > .alarms");
  if (found !== null) return found;
  const made = el("div", { class: "alarms", role: "region", "aria-label": t("Alerts") });
  document.body.append(made);
  return made;
}
export {
  showAlarms
};
