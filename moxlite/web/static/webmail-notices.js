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

var browsers = { Edge: /\bEdgA?\//, Opera: /\bOPR\//, Samsung: /\bSamsungBrowser\//, Firefox: /\b(Firefox|FxiOS)\//, Chrome: /\b(Chrome|CriOS|HeadlessChrome)\//, Safari: /\bVersion\/[\d.]+ .*Safari\// };
var systems = { iPad: /\biPad\b/, iPhone: /\biPhone\b/, Android: /\bAndroid\b/, Windows: /\bWindows\b/, macOS: /\bMac OS X\b/, ChromeOS: /\bCrOS\b/, Linux: /\bLinux\b/ };
function browserName(userAgent) {
  const [browser, system] = [browsers, systems].map((marks) => Object.entries(marks).find(([, mark2]) => mark2.test(userAgent))?.[0]);
  return browser === void 0 || system === void 0 ? "" : t("{browser} on {system}", { browser, system });
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
  await dialog(failed, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(doing, failed, work) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(failed, error);
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

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;

var cacheName = `${kept()}-notices`;
var file = "notice-facts";
async function keptFacts(base2) {
  if (globalThis.caches === void 0 || !await caches.has(cacheName)) return null;
  const found = await (await caches.open(cacheName)).match(base2 + file);
  return found === void 0 ? null : await found.json();
}
async function keepFacts(base2, facts) {
  await (await caches.open(cacheName)).put(base2 + file, new Response(JSON.stringify(facts)));
}
async function dropFacts() {
  await globalThis.caches?.delete(cacheName);
}
function noticeWords() {
  return { works: t("Notifications work"), told: t("Notifications turned on for this device"), mail: t("New mail"), one: t("New message"), more: t("New message and {n} more"), archive: t("Archive"), alarm: t("(no title)") };
}
function valuesOf(made) {
  const { endpoint = "", keys = {} } = made.toJSON();
  return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
}

var notices_default = ".notices{display:grid;grid-template-columns:minmax(0,1fr);gap:12px}.notices .hint{margin:0}.notices .hint:empty{display:none}.notice-quiet{display:flex;flex-wrap:wrap;align-items:center;gap:8px}.notice-quiet input[type=time]{min-height:34px;padding:4px 6px;border:1px solid var(--line-strong, var(--border-color));border-radius:8px;background:var(--background);color:var(--color)}.notice-devices{display:grid;gap:8px;margin:0;padding:0;list-style:none}.notice-devices li{display:grid;grid-template-columns:minmax(0,1fr) auto auto;align-items:center;gap:8px}.notice-devices:empty{display:none}@media(max-width:700px){.notice-quiet input[type=time],.notice-devices .btn{min-height:44px}}\n";

adopt(notices_default);
var night = { from: 22 * 60, until: 7 * 60 };
function obstacle() {
  if ("serviceWorker" in navigator && typeof PushManager === "function" && typeof Notification === "function") return Notification.permission === "denied" ? t("Notifications are blocked. Allow them for this site in your browser settings.") : "";
  return isSecureContext ? t("This browser can't show notifications. On an iPhone or iPad, add the webmail to your home screen first.") : t("Notifications need a secure connection (https).");
}
async function showNotices(desk, place) {
  let state = await desk.client.notices();
  const said = el("p", { class: "hint", role: "status" });
  const say = (text2) => fill(said, text2);
  let facts = await keptFacts(desk.base);
  const devices = el("ul", { class: "notice-devices" });
  const why = obstacle();
  const subscription = async () => (await navigator.serviceWorker?.getRegistration(desk.base))?.pushManager.getSubscription();
  const own = () => state.devices.find((one) => one.id === facts?.device);
  const forget = async () => {
    facts = null;
    await dropFacts();
  };
  let told = null;
  const turnOn = async () => {
    say("");
    if (await Notification.requestPermission() !== "granted") {
      say(t("Notifications weren't allowed in this browser."));
      return;
    }
    const { pushManager } = await navigator.serviceWorker.register(`${desk.base}sw.js`, { scope: desk.base, updateViaCache: "none" });
    await navigator.serviceWorker.ready;
    if (told === null) {
      await (await pushManager.getSubscription())?.unsubscribe();
      told = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: state.public_key });
    }
    const { endpoint, p256dh, auth } = valuesOf(told);
    const name = browserName(navigator.userAgent) || t("Unknown browser");
    facts = { login: desk.facts().login_address, device: await desk.client.notices_subscribe(endpoint, p256dh, auth, name), name, endpoint, key: state.public_key, csrf: desk.client.csrfToken, words: noticeWords() };
    told = null;
    if (state.choice.zone === "UTC" && timeZone !== "UTC") await desk.client.notices_choose({ ...state.choice, zone: timeZone });
    await keepFacts(desk.base, facts);
    say(t("Notifications turned on for this device"));
  };
  const turnOff = async (device) => {
    say("");
    await desk.client.notices_remove(device.id);
    if (device === own()) {
      await forget();
      await (await subscription())?.unsubscribe();
    }
    say(t("Notifications turned off for “{name}”", { name: device.name }));
  };
  const test = async (device) => {
    const error = await desk.client.notices_test(device.id);
    say(error === "" ? t("Test notification sent to “{name}”.", { name: device.name }) : t("Couldn't send: {error}", { error }));
  };
  const renew = async () => {
    state = await desk.client.notices();
  };
  const run = async (doing, failed, action) => {
    if (await attempt(doing, failed, action)) await attempt(t("Loading…"), t("Couldn't load notification settings"), renew);
    else await renew().catch(() => null);
    draw();
  };
  const here = el("input", { type: "checkbox", disabled: why !== "" });
  here.addEventListener("change", () => {
    const device = own();
    if (here.checked) void run(t("Saving…"), t("Couldn't turn on notifications"), turnOn);
    else if (device !== void 0) void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device));
  });
  const who = el("select", {}, el("option", { value: "known" }, t("People I know")), el("option", { value: "all" }, t("Everyone")));
  const alarms = el("select", {}, el("option", { value: "all" }, t("Notifications, and email for email alerts")), el("option", { value: "notices" }, t("Notifications only")), el("option", { value: "none" }, t("Never")));
  const quiet = el("input", { type: "checkbox" });
  const from = el("input", { type: "time", "aria-label": t("Quiet from"), required: true });
  const until = el("input", { type: "time", "aria-label": t("Quiet until"), required: true });
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const choose = () => {
    from.disabled = until.disabled = !quiet.checked;
    const hours = { from: minutes(from.value), until: minutes(until.value) };
    if (quiet.checked && (hours.from === null || hours.until === null || hours.from === hours.until)) return;
    const choice = { known: who.value === "known", quiet_from: quiet.checked ? hours.from : 0, quiet_until: quiet.checked ? hours.until : 0, zone: timeZone, alarms: alarms.value };
    void attempt(t("Saving…"), t("Couldn't save settings"), async () => {
      await desk.client.notices_choose(choice);
      state = { ...state, choice };
    }).then((done) => done ? say(t("Saved.")) : showChoice());
  };
  const showChoice = () => {
    const { known, quiet_from, quiet_until } = state.choice;
    who.value = known ? "known" : "all";
    alarms.value = state.choice.alarms ?? "all";
    quiet.checked = quiet_from !== quiet_until;
    from.value = clock(quiet.checked ? quiet_from : night.from);
    until.value = clock(quiet.checked ? quiet_until : night.until);
    from.disabled = until.disabled = !quiet.checked;
  };
  for (const one of [who, alarms, quiet, from, until]) one.addEventListener("change", choose);
  const draw = () => {
    here.checked = own() !== void 0;
    fill(devices, state.devices.map((device) => el("li", {}, el("div", {}, el("strong", {}, device.name), device === own() && t(" (this device)"), el("div", { class: "hint" }, aboutDevice(device))), button(t("Test"), t("Test “{name}”", { name: device.name }), () => void run(t("Sending…"), t("Couldn't send notification"), () => test(device))), button(t("Remove"), t("Remove “{name}”", { name: device.name }), () => void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device))))));
  };
  const { zone } = state.choice;
  showChoice();
  if (own() !== void 0 && why === "" && !await subscription()) await forget();
  draw();
  place.addEventListener("change", (event) => event.stopPropagation());
  fill(place, el("label", { class: "check" }, here, t("Notify me about new mail on this device")), why !== "" && el("p", { class: "hint" }, why), el("p", { class: "hint" }, t("Notifications show the sender, never the subject or text. They're encrypted for this browser."), " ", t("Alert notifications show the event's title, place, and time.")), el("label", { class: "setting" }, el("span", {}, t("Notify me about mail from")), who), el("p", { class: "hint" }, t("People you know are your contacts and anyone you've written to.")), el("div", { class: "notice-quiet" }, el("label", { class: "check" }, quiet, t("Quiet hours from")), from, t("until"), until), quiet.checked && zone !== timeZone && el("p", { class: "hint" }, t("Quiet hours use the time zone {zone}. If you change them, they'll use this browser's time zone.", { zone })), el("label", { class: "setting" }, el("span", {}, t("Calendar alerts")), alarms), devices, said);
}
function button(text2, label, onclick) {
  return el("button", { class: "btn line", type: "button", "aria-label": label, onclick }, text2);
}
function aboutDevice({ used, failures, error, host }) {
  if (failures > 0) return t("Last notification rejected: {error}", { error });
  if (used === null) return t("No notifications yet, by {host}", { host });
  return t("Last notification {at}, by {host}", { at: new Date(used).toLocaleString(), host });
}
function clock(minute) {
  return [Math.floor(minute / 60), minute % 60].map((one) => String(one).padStart(2, "0")).join(":");
}
function minutes(text2) {
  const [, hour, minute] = /^(\d\d):(\d\d)/.exec(text2) ?? [];
  return hour === void 0 ? null : Number(hour) * 60 + Number(minute);
}
export {
  showNotices
};
