var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;
async function forgetMail(account = number) {
  localStorage.removeItem(`${kept(account)}-offline`);
  for (const name of ["mail", "files"]) await globalThis.caches?.delete(`${kept(account)}-${name}`);
  const request = indexedDB.deleteDatabase(kept(account));
  await new Promise((resolve) => {
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
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
function placed(text2, elements) {
  return text2.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";

var made = 0;
function field(label, control, hint = null) {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control.id === "") control.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () => described() === "" ? control.removeAttribute("aria-describedby") : control.setAttribute("aria-describedby", described());
  describe();
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function tick(label, on, hint = null) {
  const control = el("input", { type: "checkbox" });
  control.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control, words), control, problem };
}
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
}
function saved(form22) {
  delete form22.dataset["unsaved"];
  form22.dispatchEvent(new Event("saved", { bubbles: true }));
}
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row = el("div", { class: "flex wrap" }, submit);
  const root = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    root.ariaBusy = "true";
    complain("");
    try {
      const done = await save() !== false;
      if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
    } catch (failure) {
      complain(failure instanceof Error ? failure.message : String(failure));
    } finally {
      submit.disabled = false;
      root.ariaBusy = null;
      root.querySelector("[aria-invalid=true]")?.focus();
    }
  } }, content, error, row);
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row.className) {
      row.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
}

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-webmail-panes";
function loadLocal() {
  const found = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return found;
  }
}
function saveLocal(local2) {
  remember(key, JSON.stringify(local2));
}

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

function kept2({ root, control }, save) {
  const box = control instanceof HTMLInputElement && control.type === "checkbox" ? control : null;
  let saved2 = box?.checked ?? control.value;
  const put = (value) => {
    if (box !== null) box.checked = value === true;
    else control.value = String(value);
    saved2 = value;
    return control.isConnected;
  };
  root.dataset["kept"] = "";
  control.addEventListener("change", async () => {
    const now2 = box?.checked ?? control.value;
    const before = saved2;
    if (await save(() => put(before))) saved2 = now2;
    else put(saved2);
  });
  return root;
}

var browsers = { Edge: /\bEdgA?\//, Opera: /\bOPR\//, Samsung: /\bSamsungBrowser\//, Firefox: /\b(Firefox|FxiOS)\//, Chrome: /\b(Chrome|CriOS|HeadlessChrome)\//, Safari: /\bVersion\/[\d.]+ .*Safari\// };
var systems = { iPad: /\biPad\b/, iPhone: /\biPhone\b/, Android: /\bAndroid\b/, Windows: /\bWindows\b/, macOS: /\bMac OS X\b/, ChromeOS: /\bCrOS\b/, Linux: /\bLinux\b/ };
function browserName(userAgent) {
  const [browser, system] = [browsers, systems].map((marks) => Object.entries(marks).find(([, mark2]) => mark2.test(userAgent))?.[0]);
  return browser === void 0 || system === void 0 ? "" : t("{browser} on {system}", { browser, system });
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
  return { works: t("Notifications are working"), told: t("Notifications turned on for this device"), mail: t("New mail"), one: t("New message"), more: t("New message and {n} more"), archive: t("Archive"), alarm: t("(no title)") };
}
function valuesOf(made2) {
  const { endpoint = "", keys = {} } = made2.toJSON();
  return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
}

var night = { from: 22 * 60, until: 7 * 60 };
function obstacle(webmail, login) {
  if (webmail === "" || localStorage.getItem(`${kept()}-address`) !== login) return t("To turn on notifications, log in to webmail in this browser first.");
  if ("serviceWorker" in navigator && typeof PushManager === "function" && typeof Notification === "function") return Notification.permission === "denied" ? t("Notifications are blocked. Allow them for this site in your browser settings.") : "";
  return isSecureContext ? t("This browser can't show notifications. On an iPhone or iPad, add webmail to your home screen first.") : t("Notifications require a secure connection (HTTPS).");
}
async function subscribe(webmail, csrf, values) {
  const answer = await fetch(`${webmail}api/notices_subscribe`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": csrf }, body: JSON.stringify(values) }).catch(() => {
    throw new Error(t("Can't reach the server."));
  });
  const { result, error } = await answer.json();
  if (error !== void 0) throw new Error(error.message);
  return result;
}
async function activated(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active !== null || worker === null) return;
  await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
}
async function alerts(desk) {
  const { client, webmail } = desk;
  const [first, { login_address: login }] = await Promise.all([client.notices(), client.overview()]);
  let state = first;
  const said = el("p", { class: "hint", role: "status" });
  const say = (text2) => fill(said, text2);
  let facts = await keptFacts(webmail);
  const devices = el("ul", { class: "notice-devices" });
  const why = obstacle(webmail, login);
  const subscription = async () => webmail === "" ? void 0 : (await navigator.serviceWorker?.getRegistration(webmail))?.pushManager?.getSubscription();
  const own2 = () => state.devices.find((one) => one.id === facts?.device);
  const forget = async () => {
    facts = null;
    await dropFacts();
  };
  let told2 = null;
  const turnOn = async () => {
    say("");
    if (await Notification.requestPermission() !== "granted") {
      say(t("Notifications weren't allowed in this browser."));
      return;
    }
    const registration = await navigator.serviceWorker.register(`${webmail}sw.js`, { scope: webmail, updateViaCache: "none" });
    await activated(registration);
    const { pushManager } = registration;
    if (told2 === null) {
      await (await pushManager.getSubscription())?.unsubscribe();
      told2 = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: state.public_key });
    }
    const values = valuesOf(told2);
    const csrf = localStorage.getItem(`${kept()}-csrf`) ?? "";
    const name = browserName(navigator.userAgent) || t("Unknown browser");
    facts = { login, device: await subscribe(webmail, csrf, { ...values, name }), name, endpoint: values.endpoint, key: state.public_key, csrf, words: noticeWords() };
    told2 = null;
    if (state.choice.zone === "UTC" && timeZone !== "UTC") await client.notices_choose({ ...state.choice, zone: timeZone });
    await keepFacts(webmail, facts);
    say(t("Notifications turned on for this device"));
  };
  const turnOff = async (device) => {
    say("");
    await client.notices_remove(device.id);
    if (device === own2()) {
      await forget();
      await (await subscription())?.unsubscribe();
    }
    say(t("Notifications turned off for “{name}”", { name: device.name }));
  };
  const test = async (device) => {
    const error = await client.notices_test(device.id);
    say(error === "" ? t("Test notification sent to “{name}”.", { name: device.name }) : t("Couldn't send: {error}", { error }));
  };
  const renew = async () => {
    state = await client.notices();
  };
  const run = async (doing, failed, action) => {
    if (await attempt(doing, failed, action, draw)) await attempt(t("Loading…"), t("Couldn't load notification settings"), renew);
    else await renew().catch(() => null);
    draw();
  };
  const onHere = tick(t("Notify me about new mail on this device"), false, why);
  const here = onHere.control;
  here.disabled = why !== "";
  here.addEventListener("change", () => {
    const device = own2();
    if (here.checked) void run(t("Saving…"), t("Couldn't turn on notifications"), turnOn);
    else if (device !== void 0) void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device));
  });
  const whose = choice(t("Notify me about mail from"), [["known", t("People I know")], ["all", t("Everyone")]], "", t("People you know are your contacts and anyone you've written to."));
  const who = whose.control;
  const ofEvents = choice(t("Calendar alerts"), [["all", t("Notifications and alert emails")], ["notices", t("Notifications only")], ["none", meant("alert", "None")]], "");
  const alarms = ofEvents.control;
  const quiet = el("input", { type: "checkbox" });
  const from = el("input", { type: "time", "aria-label": t("Quiet hours start"), required: true });
  const until = el("input", { type: "time", "aria-label": t("Quiet hours end"), required: true });
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const choose = () => {
    from.disabled = until.disabled = !quiet.checked;
    const hours = { from: minutes(from.value), until: minutes(until.value) };
    if (quiet.checked && (hours.from === null || hours.until === null || hours.from === hours.until)) return;
    const choice2 = { known: who.value === "known", quiet_from: quiet.checked ? hours.from : 0, quiet_until: quiet.checked ? hours.until : 0, zone: timeZone, alarms: alarms.value };
    const work = async () => {
      await client.notices_choose(choice2);
      state = { ...state, choice: choice2 };
      say(t("Saved"));
    };
    void attempt(t("Saving…"), t("Couldn't save settings"), work, showChoice);
  };
  const showChoice = () => {
    const { known, quiet_from, quiet_until } = state.choice;
    who.value = known ? "known" : "all";
    alarms.value = state.choice.alarms ?? "all";
    quiet.checked = quiet_from !== quiet_until;
    from.value = clock2(quiet.checked ? quiet_from : night.from);
    until.value = clock2(quiet.checked ? quiet_until : night.until);
    from.disabled = until.disabled = !quiet.checked;
  };
  for (const one of [who, alarms, quiet, from, until]) one.addEventListener("change", choose);
  const draw = () => {
    here.checked = own2() !== void 0;
    fill(devices, state.devices.map((device) => el("li", {}, el("div", {}, device === own2() ? placed(t("{name} (this device)"), { name: el("strong", {}, device.name) }) : el("strong", {}, device.name), el("div", { class: "hint" }, aboutDevice(device))), button(t("Test"), t("Test “{name}”", { name: device.name }), () => void run(t("Sending…"), t("Couldn't send notification"), () => test(device))), button(t("Remove"), t("Remove “{name}”", { name: device.name }), () => void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device))))));
  };
  const { zone } = state.choice;
  showChoice();
  if (own2() !== void 0 && why === "" && !await subscription()) await forget();
  draw();
  const quietHours = el("div", { class: "notice-quiet" }, el("label", { class: "check" }, quiet, t("Quiet hours from")), from, el("span", { class: "flex" }, t("until"), until));
  for (const one of [onHere.root, whose.root, quietHours, ofEvents.root]) one.dataset["kept"] = "";
  return el("div", { class: "form" }, onHere.root, el("p", { class: "hint" }, t("Notifications show the sender, never the subject or text. They're encrypted for this browser."), " ", t("Calendar alerts show the event's title, location, and time.")), whose.root, quietHours, quiet.checked && zone !== timeZone && el("p", { class: "hint" }, t("Quiet hours use the {zone} time zone. If you edit them, they'll use this browser's time zone.", { zone })), ofEvents.root, devices, said);
}
function button(text2, label, onclick) {
  return el("button", { class: "btn line", type: "button", "aria-label": label, onclick }, text2);
}
function aboutDevice({ used, failures, error, host }) {
  if (failures > 0) return t("Last notification was rejected: {error}", { error });
  if (used === null) return t("No notifications sent through {host} yet", { host });
  return t("Last notification sent {at} through {host}", { at: new Date(used).toLocaleString(locale()), host });
}
function clock2(minute) {
  return [Math.floor(minute / 60), minute % 60].map((one) => String(one).padStart(2, "0")).join(":");
}
function minutes(text2) {
  const [, hour, minute] = /^(\d\d):(\d\d)/.exec(text2) ?? [];
  return hour === void 0 ? null : Number(hour) * 60 + Number(minute);
}

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
var sequence = 1500;
function keyName(event) {
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : void 0;
  const key2 = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key2.length > 1 ? "shift " : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key2}`;
}
var isFixed = (key2) => /^ctrl|\w\w$/.test(key2);
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key2) {
  const whole = key2.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function enabled(command) {
  return command.when?.() ?? true;
}
var CommandTable = class {
  letters = true;
  only = null;
  byId = /* @__PURE__ */ new Map();
  usual = /* @__PURE__ */ new Map();
  chosen = {};
  byKey = /* @__PURE__ */ new Map();
  groups = /* @__PURE__ */ new Map();
  begun = "";
  ending = 0;
  early = null;
  add(group, commands) {
    const listed = this.groups.get(group) ?? { name: group, commands: [] };
    this.groups.set(group, listed);
    for (const command of commands) {
      if (this.byId.has(command.id)) throw new Error(`two commands are called ${command.id}`);
      this.byId.set(command.id, command);
      listed.commands.push(command);
      this.usual.set(command, command.keys ?? []);
    }
    this.remap(this.chosen);
  }
  remap(chosen) {
    this.chosen = chosen;
    this.byKey.clear();
    const mine = ({ id, when }) => Number(id in chosen) * 2 + Number(when !== void 0);
    for (const command of [...this.byId.values()].sort((a, b) => mine(b) - mine(a))) {
      const usual = this.usual.get(command);
      const own2 = chosen[command.id];
      command.keys = own2 === void 0 ? usual : [own2, ...usual.filter(isFixed)].filter(Boolean);
      for (const key2 of command.keys) this.byKey.set(key2, [...this.byKey.get(key2) ?? [], command]);
    }
  }
  has(id) {
    return this.byId.has(id);
  }
  get(id) {
    const found = this.byId.get(id);
    if (found === void 0) throw new Error(`no command ${id}`);
    return found;
  }
  all() {
    return [...this.groups.values()];
  }
  holds(command) {
    return this.only?.test(command.id) !== false && enabled(command);
  }
  run(id) {
    const command = this.get(id);
    if (enabled(command)) command.run();
  }
  async coming(work, wanted) {
    const early = [];
    this.early = early;
    await work.catch(() => null);
    if (this.early === early) this.early = null;
    if (wanted()) for (const event of early) document.dispatchEvent(new KeyboardEvent("keydown", event));
  }
  press(event) {
    const name = keyName(event);
    const early = name.length === 1 ? this.early : null;
    return !early?.length && this.key(name) || Boolean(early?.push(event));
  }
  key(name, within = "") {
    if (!this.letters && name.length === 1) return false;
    const before = this.begun;
    this.begun = "";
    clearTimeout(this.ending);
    const command = this.byKey.get(before + name)?.find((one) => one.id.startsWith(within) && this.holds(one));
    if (command === void 0 && before === "" && within === "" && [...this.byKey.keys()].some((one) => one.startsWith(`${name} `) && name.length === 1)) {
      this.begun = `${name} `;
      this.ending = setTimeout(() => this.begun = "", sequence);
      return true;
    }
    command?.run();
    return command !== void 0 || before !== "";
  }
};

function addFindCommands(desk) {
  const find = [{ id: "search.open", title: t("Search"), keys: ["/"], run: () => desk.focusSearch() }, { id: "search.stop", title: t("Stop searching"), keys: ["Escape"], quiet: true, when: () => desk.searching() === "running", run: () => desk.stopSearch() }, { id: "search.end", title: t("Close search"), keys: ["Escape"], quiet: true, when: () => desk.searching() === "done" && desk.selectedCount() === 0, run: () => desk.endSearch() }];
  desk.commands.add(t("Search"), find);
}

function answerCommands(desk) {
  const shown = () => desk.shown() !== null;
  const own2 = () => desk.inRole("draft") || desk.reading()?.flags.includes("\\draft") === true;
  const draft = () => shown() && own2();
  const received = () => shown() && !own2();
  const many2 = () => {
    const item = desk.shown();
    return received() && item !== null && item.to.length + item.cc.length > 1;
  };
  return [{ id: "compose.edit", title: t("Edit"), keys: ["e"], when: draft, run: () => desk.compose("edit") }, { id: "compose.reply", title: t("Reply"), keys: ["r"], when: received, run: () => desk.compose("reply") }, { id: "compose.reply-all", title: t("Reply to all"), keys: ["R"], when: many2, run: () => desk.compose("reply_all") }, { id: "compose.reply-alone", title: t("Reply"), keys: ["R"], quiet: true, when: () => received() && !many2(), run: () => desk.compose("reply") }, { id: "compose.reply-list", title: t("Reply to list"), keys: ["ctrl L"], when: received, run: () => desk.compose("reply_list") }, { id: "compose.forward", title: t("Forward"), keys: ["f"], when: received, run: () => desk.compose("forward") }, { id: "compose.forward-attached", title: t("Forward as attachment"), keys: ["F"], when: received, run: () => desk.compose("forward_attached") }, { id: "compose.again", title: t("Edit as new message"), when: received, run: () => desk.compose("edit") }];
}

var own = "*";

var refinements = [["", t("Show all messages")], ["unread", t("Show unread messages only")], ["read", t("Show read messages only")], ["flagged", t("Show flagged messages only")], ["attachments", t("Show messages with attachments only")], ["people", t("Show messages from people only")], ["newsletters", t("Show newsletters only")]];
var threadings = [["on", t("Conversations")], ["off", t("Single messages")]];
var orderings = [["newest", t("Newest first")], ["oldest", t("Oldest first")], ["unread", t("Unread first")], ["sender", t("By sender")], ["size", t("Largest first")]];
var listMenu = [refinements.map(([id]) => `list.show-${id || "all"}`), threadings.map(([id]) => `threads.${id}`), orderings.map(([order]) => `list.order-${order}`)];
function listChoices(desk) {
  const choice2 = (id, title, checked, run) => ({ id, title, checked, run });
  return [...refinements.map(([id, title]) => choice2(`list.show-${id || "all"}`, title, () => desk.refinement() === id, () => desk.refine(id))), ...threadings.map(([id, title]) => choice2(`threads.${id}`, title, () => desk.threading() === id, () => desk.showThreads(id))), ...orderings.map(([order, title]) => choice2(`list.order-${order}`, title, () => desk.order() === order, () => desk.sort(order)))];
}
function threadCommands(desk) {
  const threaded = () => desk.threading() !== "off";
  const some = () => threaded() && desk.aimed() > 0;
  return [{ id: "threads.next", title: t("Next conversation"), keys: ["n"], quiet: true, when: threaded, run: () => desk.moveThread(1) }, { id: "threads.previous", title: t("First message or previous conversation"), keys: ["p"], quiet: true, when: threaded, run: () => desk.moveThread(-1) }, { id: "threads.select", title: t("Select conversation"), keys: ["S"], when: threaded, run: () => desk.selectThread() }, { id: "threads.fold", title: t("Collapse or expand conversation"), keys: ["C"], when: threaded, run: () => desk.fold() }, { id: "threads.collapse", title: t("Collapse conversation"), keys: ["ArrowLeft"], quiet: true, when: threaded, run: () => desk.fold(false) }, { id: "threads.expand", title: t("Expand conversation"), keys: ["ArrowRight"], quiet: true, when: threaded, run: () => desk.fold(true) }, { id: "threads.mute", title: () => desk.selected().every(isMuted) ? t("Unmute conversation") : t("Mute conversation"), keys: ["X"], when: () => some() && desk.may(own), run: () => toggleMute(desk) }];
}
var isMuted = (item) => item.thread_muted;
function toggleMute(desk) {
  const mute = !desk.selected().every(isMuted);
  const items = desk.selected().filter((item) => isMuted(item) !== mute);
  const ids = items.map((item) => item.id);
  const said = mute ? t("Conversation muted. New messages will be marked as read") : t("Conversation unmuted");
  const named = { doing: () => mute ? t("Muting…") : t("Unmuting…"), done: () => said };
  const call = (to) => ({ shown: {}, call: () => desk.client.thread_mute(ids, to) });
  desk.actions.run(call(mute), named, items, t("Couldn't mute conversation"), { what: said, actions: () => [call(!mute)] });
}

function messages(desk) {
  const some = () => desk.aimed() > 0;
  const unknown = () => desk.selected().length < desk.aimed();
  const any = (flag, right, has = true) => () => desk.may(right) && (unknown() || desk.selected().some((item) => item.flags.includes(flag) === has));
  const deletable = () => some() && desk.may("te");
  const loaded = () => some() && desk.may("w") && !unknown();
  const trash = () => some() && desk.may("te", "trash") && !desk.inRole("trash") && !desk.inRole("draft");
  const last = () => deletable() && (desk.inRole("trash") || desk.inRole("draft"));
  return [{ id: "message.archive", title: t("Archive"), keys: ["a"], when: () => some() && !desk.inRole("archive") && desk.may("te", "archive"), run: () => desk.toRole("archive") }, { id: "message.trash", title: t("Trash"), keys: ["d", "Delete"], when: trash, run: () => desk.toRole("trash") }, { id: "message.delete", title: t("Delete…"), keys: ["d", "Delete"], when: last, run: () => desk.deleteForGood() }, { id: "message.delete-at-once", title: t("Delete permanently…"), keys: ["D"], when: deletable, run: () => desk.deleteForGood() }, { id: "message.junk", title: t("Junk"), keys: ["q"], when: () => some() && !desk.inRole("junk") && desk.may("te", "junk"), run: () => desk.toRole("junk") }, { id: "message.move", title: t("Move…"), keys: ["w"], when: deletable, run: () => desk.chooseMove() }, { id: "message.later", title: t("Snooze…"), keys: ["b"], when: () => loaded() && desk.may(own), run: () => desk.later((found) => found.putOff(desk, desk.selected())) }, { id: "message.read", title: t("Mark read"), keys: ["m"], when: any("\\seen", "s", false), run: () => desk.flag(["\\seen"], true) }, { id: "message.unread", title: t("Mark unread"), keys: ["M"], when: any("\\seen", "s"), run: () => desk.flag(desk.may("w") ? ["\\seen", "$junk", "$notjunk"] : ["\\seen"], false) }, { id: "message.not-junk", title: t("Not junk"), keys: ["Q"], when: () => some() && (desk.inJunk() ? desk.may("w") : any("$junk", "w")()), run: () => desk.notJunk() }, { id: "message.flag", title: t("Flag"), keys: ["s"], when: () => some() && desk.may("w") && !desk.selected().some((item) => item.flags.includes("\\flagged")), run: () => desk.flag(["\\flagged"], true) }, { id: "message.unflag", title: t("Unflag"), keys: ["s"], when: any("\\flagged", "w"), run: () => desk.flag(["\\flagged"], false) }, { id: "message.labels", title: t("Labels…"), keys: ["y"], when: loaded, run: () => desk.chooseLabels() }, ...Array.from({ length: 9 }, (_, i) => ({ id: `message.label-${i + 1}`, title: t("Add or remove label {n}", { n: i + 1 }), keys: [String(i + 1)], quiet: true, when: loaded, run: () => desk.toggleLabel(i + 1) })), { id: "message.export", title: t("Export…"), keys: ["E"], when: some, run: () => desk.exportSelection() }];
}

function addReadingCommands(desk, message) {
  desk.commands.add(t("Messages"), messages(desk));
  desk.commands.add(t("Write"), answerCommands(desk));
  desk.commands.add(t("Message"), message);
  desk.commands.add(t("List"), listChoices(desk));
  desk.commands.add(t("Conversations"), threadCommands(desk));
}
function addImportCommand(desk, run) {
  desk.commands.add(t("Anywhere"), [{ id: "mailbox.import", title: t("Import files…"), run }]);
}

function addCommands(desk) {
  desk.commands.add(t("Write"), [{ id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") }]);
  desk.commands.add(t("Anywhere"), anywhere(desk));
  desk.commands.add(t("List"), list(desk));
}
function goTo(key2, name, run) {
  return { id: `go.${key2}`, title: t("Go to {name}", { name }), keys: [`g ${key2}`], run };
}
function anywhere(desk) {
  return [{ id: "app.palette", title: t("Find command"), keys: ["ctrl k"], quiet: true, run: () => desk.findCommand() }, { id: "app.keys", title: t("Keyboard shortcuts"), keys: ["?"], run: () => desk.showKeys() }, { id: "app.signs", title: t("Icon guide"), run: () => desk.openPage("legend") }, { id: "app.titles", title: t("Describe this control"), keys: ["ctrl ?"], run: () => desk.showTitles() }, { id: "app.undo", title: () => desk.undoable() === "" ? t("Undo") : t("Undo: {what}", { what: desk.undoable() }), keys: ["ctrl z"], when: () => desk.undoable() !== "", run: () => desk.undo() }, { id: "app.inbox", title: t("Open Inbox"), keys: ["i", "g i"], run: () => desk.openInbox() }, goTo("u", t("All inboxes"), () => desk.openInboxes()), goTo("t", mailboxName("Sent"), () => desk.openRole("sent")), goTo("d", mailboxName("Drafts"), () => desk.openRole("draft")), goTo("e", mailboxName("Archive"), () => desk.openRole("archive")), goTo("s", t("Flagged"), () => location.hash = "search:is%3Aflagged"), goTo("a", t("All mail"), () => location.hash = "search:in%3Aanywhere"), { id: "app.unread-only", title: t("Switch between unread and all messages"), run: () => desk.toggleUnread() }, { id: "mailbox.menu", title: t("Folder actions"), keys: ["B"], run: () => desk.openMailboxMenu() }, { id: "app.waiting", title: t("Outbox: scheduled and snoozed messages"), run: () => desk.openPage("outbox") }, { id: "app.scheme", title: t("Toggle dark mode"), run: () => desk.switchScheme() }, { id: "app.settings", title: t("Settings…"), keys: ["ctrl !"], when: () => desk.facts().account_path !== "", run: () => desk.openSettings() }, { id: "app.mail", title: meant("place", "Mail"), keys: ["g m"], run: () => desk.openMail() }, { id: "app.calendar", title: t("Calendar"), keys: ["g c"], run: () => desk.openPage("calendar") }, { id: "app.people", title: meant("place", "Contacts"), keys: ["g p"], run: () => desk.openPage("people") }, { id: "app.newsletters", title: t("Newsletters"), run: () => desk.openPage("newsletters") }, { id: "mailbox.create", title: t("New folder…"), run: () => desk.createMailbox() }, { id: "app.log-out", title: t("Log out"), run: () => desk.logOut() }];
}
function move(desk, id, title, by, key2, letter) {
  const upper = letter.toUpperCase();
  const extend = upper === letter ? [`shift ${key2}`] : [`shift ${key2}`, upper];
  return [{ id: `list.${id}`, title, keys: [letter, key2], quiet: true, run: () => desk.moveFocus(by, "select") }, { id: `list.${id}-extend`, title: t("{title}, extending selection", { title }), keys: extend, quiet: true, run: () => desk.moveFocus(by, "extend") }, { id: `list.${id}-focus`, title: t("{title}, without selecting", { title }), keys: [`ctrl ${key2}`], quiet: true, run: () => desk.moveFocus(by, "focus") }];
}
function list(desk) {
  const some = () => desk.selectedCount() > 0;
  return [...move(desk, "down", t("Next message"), 1, "ArrowDown", "j"), ...move(desk, "up", t("Previous message"), -1, "ArrowUp", "k"), ...move(desk, "page-down", t("Move down 10 messages"), 10, "PageDown", "l"), ...move(desk, "page-up", t("Move up 10 messages"), -10, "PageUp", "h"), ...move(desk, "last", t("Last message"), Infinity, "End", "."), ...move(desk, "first", t("First message"), -Infinity, "Home", ","), { id: "list.open", title: t("Open message"), keys: ["Enter"], quiet: true, run: () => desk.moveFocus(0, "select") }, { id: "list.toggle", title: t("Select or deselect"), keys: ["x", "Space", "ctrl Space"], quiet: true, run: () => desk.toggleFocused() }, { id: "list.next-unread", title: t("Next unread message"), keys: ["u"], run: () => desk.nextUnread() }, { id: "list.all", title: t("Select all messages"), keys: ["ctrl a"], run: () => desk.selectAll() }, { id: "list.none", title: t("Back to message list"), keys: ["Escape"], when: some, run: () => desk.unselect() }];
}

function senderCommands(desk, of) {
  const act = (what, title) => ({ id: `sender.${what}`, title, when: () => of()?.from.length === 1 && (what === "search" || what === "contact" || desk.may(own)) && (what !== "rule" || desk.facts().account_path !== ""), run: () => desk.sender(of(), what) });
  return [act("search", t("Find messages from this sender")), act("contact", t("Add to contacts…")), act("always", t("Always move mail from this sender…")), act("rule", t("Create rule…")), act("block", t("Block sender")), act("phishing", t("Report phishing"))];
}

function messageCommands(desk) {
  const shown = () => desk.shown() !== null;
  const scroll = (id, title, by, keys) => ({ id, title, keys, quiet: true, when: shown, run: () => desk.scrollMessage(by) });
  const several = () => (desk.opened()?.together.length ?? 0) > 1;
  return [...senderCommands(desk, () => desk.reading()), { id: "message.event", title: t("Create event"), when: shown, run: () => void desk.load("event").then((found) => found.eventOf(desk)) }, { id: "message.print", title: t("Print message"), keys: ["ctrl p"], when: () => desk.opened() !== null, run: () => desk.opened()?.print() }, { id: "message.print-thread", title: t("Print conversation"), when: several, run: () => desk.opened()?.printThread() }, { id: "message.thread-text", title: t("Open conversation as text"), when: several, run: () => desk.opened()?.openThread() }, { id: "message.download", title: t("Download message"), when: () => desk.opened() !== null, run: () => desk.opened()?.download() }, { id: "message.download-thread", title: t("Download conversation"), when: several, run: () => desk.opened()?.downloadThread() }, { id: "message.text", title: t("Show plain text"), keys: ["t"], when: shown, run: () => desk.opened()?.showText() }, { id: "message.html", title: t("Show HTML (repeat for full HTML)"), keys: ["T"], when: shown, run: () => desk.opened()?.showHTML() }, { id: "message.headers", title: t("Show all headers"), keys: ["ctrl i"], when: shown, run: () => desk.opened()?.toggleHeaders() }, { id: "message.tab", title: t("Open message in new tab"), keys: ["o"], when: shown, run: () => desk.opened()?.openTab() }, { id: "message.raw", title: t("View source"), keys: ["O"], when: shown, run: () => desk.opened()?.openRaw() }, { id: "message.details", title: t("Details"), keys: ["I"], when: shown, run: () => desk.opened()?.openDetails() }, { id: "message.attachments", title: t("View attachments"), keys: ["v"], when: () => (desk.reading()?.attachments.length ?? 0) > 0, run: () => desk.opened()?.openAttachments() }, { id: "message.focus", title: t("Move focus to message"), keys: ["ctrl m"], quiet: true, when: shown, run: () => desk.focusMessage() }, scroll("message.scroll-down", t("Scroll message down"), 0.75, ["alt j", "alt ArrowDown"]), scroll("message.scroll-up", t("Scroll message up"), -0.75, ["alt k", "alt ArrowUp"]), scroll("message.scroll-end", t("Scroll to end"), Infinity, ["alt J"]), scroll("message.scroll-top", t("Scroll to top"), -Infinity, ["alt K"])];
}

var gmail = { "app.inbox": "g i", "app.undo": "z", "compose.edit": "", "compose.reply-all": "a", "compose.reply-alone": "a", "list.next-unread": "", "list.none": "u", "list.open": "o", "list.page-down": "", "list.page-down-extend": "", "list.page-up": "", "list.page-up-extend": "", "message.archive": "e", "message.attachments": "", "message.delete": "#", "message.details": "", "message.junk": "!", "message.labels": "l", "message.move": "v", "message.read": "I", "message.tab": "", "message.trash": "#", "message.unread": "U", "threads.mute": "m" };
var browsers2 = /^alt [def]$/i;
var silent = /^(Shift|Control|Alt|AltGraph|Meta|OS|CapsLock|NumLock|Dead|Process|Unidentified)$/;
function same(one, other) {
  const ids = Object.keys(one);
  return ids.length === Object.keys(other).length && ids.every((id) => one[id] === other[id]);
}
function allCommands() {
  const commands = new CommandTable();
  const desk = { commands, undoable: () => "", selected: () => [] };
  addCommands(desk);
  addFindCommands(desk);
  addImportCommand(desk, () => {
  });
  addReadingCommands(desk, messageCommands(desk));
  return commands;
}
var Row = class {
  constructor(commands, usual) {
    this.commands = commands;
    this.usual = usual;
    this.title = [...new Set(commands.map(titleOf))].join(", ");
    this.fixed = usual.filter(isFixed);
    fill(this.root, el("span", { class: "key-title" }, this.title), this.fixed.map((key2) => el("kbd", {}, keyText(key2))), this.button);
  }
  commands;
  usual;
  button = el("button", { class: "btn line key-button", type: "button" });
  root = el("li", { class: "key-row" });
  title;
  fixed;
  get name() {
    return this.title;
  }
  key(chosen) {
    return chosen[this.commands[0].id] ?? this.own;
  }
  get own() {
    return this.usual.find((key2) => !isFixed(key2)) ?? "";
  }
  draw(key2) {
    const shown = key2 === "" ? t("no shortcut") : keyText(key2);
    this.button.classList.remove("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${shown}`);
    fill(this.button, key2 === "" ? "–" : el("kbd", {}, shown));
  }
  wait() {
    const words = t("Press a key…");
    this.button.classList.add("key-waiting");
    this.button.setAttribute("aria-label", `${this.title}: ${words}`);
    fill(this.button, words);
  }
};
function rowsOf(commands) {
  const changeable = (one) => one.quiet !== true || one.id in gmail || commands.usual.get(one).some((key2) => !isFixed(key2));
  return commands.all().map(({ name, commands: all }) => {
    const together = /* @__PURE__ */ new Map();
    for (const one of all.filter(({ id }) => !id.startsWith("write.")).filter(changeable)) {
      const usual = commands.usual.get(one);
      const place = usual.some((key2) => !isFixed(key2)) ? usual.join("\n") : one.id;
      together.set(place, [...together.get(place) ?? [], one]);
    }
    return { name, rows: [...together.values()].map((some) => new Row(some, commands.usual.get(some[0]))) };
  }).filter(({ rows }) => rows.length > 0);
}
function keyChoice(commands, now2) {
  let chosen = { ...now2 };
  const groups = rowsOf(commands);
  const rows = groups.flatMap((group) => group.rows);
  const sets = [[{}, el("button", { class: "chip pill", type: "button" }, t("moxlite shortcuts"))], [gmail, el("button", { class: "chip pill", type: "button" }, t("Gmail shortcuts"))]];
  const told2 = el("p", { class: "hint", role: "status" });
  const about = t("Click a shortcut, then press a new key. Press Escape to cancel or Backspace to remove the shortcut.");
  const root = el("div", { class: "key-choice" });
  let question = null;
  const ask = (words) => {
    question?.remove();
    question = words;
  };
  const draw = () => {
    ask(null);
    fill(told2, about);
    for (const row of rows) row.draw(row.key(chosen));
    for (const [set, button2] of sets) button2.setAttribute("aria-pressed", String(same(set, chosen)));
  };
  const put = (row, key2) => {
    for (const { id } of row.commands) if (key2 === row.own) delete chosen[id];
    else chosen[id] = key2;
  };
  const changed = (at) => {
    draw();
    at.focus();
    root.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const choose = (row, key2) => {
    const others = key2 === "" ? [] : rows.filter((one) => one !== row && one.key(chosen) === key2);
    const take = () => {
      const old = row.key(chosen);
      for (const [i, other] of others.entries()) put(other, i === 0 ? old : "");
      put(row, key2);
      changed(row.button);
    };
    if (others.length === 0) {
      take();
      return;
    }
    draw();
    const cancel = () => {
      draw();
      row.button.focus();
    };
    const swap = el("button", { class: "btn line", type: "button", onclick: take }, t("Swap shortcuts"));
    const words = t("{key} is already used for “{title}”.", { key: keyText(key2), title: others.map(({ name }) => name).join(", ") });
    const asked = el("div", { class: "key-question", role: "group", "aria-label": words, onkeydown: (event) => event.key === "Escape" && cancel() }, el("p", {}, words), swap, el("button", { class: "btn", type: "button", onclick: cancel }, t("Cancel")));
    row.root.append(asked);
    ask(asked);
    swap.focus();
  };
  const pressed = (row, event) => {
    if (!row.button.classList.contains("key-waiting") || silent.test(event.key) || event.isComposing) return;
    event.stopPropagation();
    const key2 = keyName(event);
    if (key2 === "Escape" || key2 === "Backspace" || !isFixed(key2)) event.preventDefault();
    if (key2 === "Escape") draw();
    else if (key2 === "Backspace") choose(row, "");
    else if (isFixed(key2) || browsers2.test(key2)) fill(told2, t("{key} is reserved by the browser, screen readers, or webmail.", { key: keyText(key2) }));
    else choose(row, key2);
  };
  for (const row of rows) {
    row.button.addEventListener("click", () => {
      draw();
      row.wait();
      row.button.focus();
    });
    row.button.addEventListener("keydown", (event) => pressed(row, event));
    row.button.addEventListener("blur", () => row.draw(row.key(chosen)));
  }
  for (const [set, button2] of sets) button2.addEventListener("click", () => {
    chosen = { ...set };
    changed(button2);
  });
  draw();
  fill(root, el("div", { class: "flex wrap" }, sets.map(([, button2]) => button2)), el("details", {}, el("summary", {}, t("Customize shortcuts")), told2, groups.map(({ name, rows: some }) => [el("h3", {}, name), el("ul", { class: "key-rows" }, some.map((row) => row.root))])));
  return { root, read: () => ({ ...chosen }) };
}

var reading_default = ".notice-quiet{display:flex;flex-wrap:wrap;align-items:center;gap:8px}.notice-quiet input[type=time]{min-height:var(--control);padding:4px 6px;border:1px solid var(--line-strong);border-radius:var(--r-md);background:var(--raised);color:var(--text)}.notice-devices{display:grid;gap:8px}.notice-devices li{display:grid;grid-template-columns:minmax(0,1fr) auto auto;align-items:center;gap:8px}:is(.notice-devices,.notice-devices+.hint):empty{display:none}.key-choice{display:grid;gap:8px}.key-choice h3{margin:16px 0 4px}.key-row{display:flex;flex-wrap:wrap;align-items:center;gap:8px;padding:4px 0;border-top:1px solid var(--line)}.key-title{flex:1;min-width:10em}.key-row kbd{white-space:nowrap}.key-button{justify-content:center;min-width:64px;margin-inline-start:auto}.key-button kbd{padding:0;border:0;background:none}.key-question{display:flex;flex-basis:100%;flex-wrap:wrap;align-items:center;gap:8px;padding-bottom:4px}.key-question p{flex:1;min-width:12em}\n";

adopt(reading_default);
function select(desk, now2, name, label, values, read2 = (value) => value) {
  const made2 = choice(label, values, String(now2[name]));
  return kept2(made2, (back) => desk.keep({ [name]: read2(made2.control.value) }, back));
}
function check2(desk, now2, name, label, on = true) {
  const made2 = tick(label, now2[name] === on);
  return kept2(made2, (back) => desk.keep({ [name]: made2.control.checked === on }, back));
}
function local(name, label, values) {
  const made2 = choice(label, values, loadLocal()[name]);
  return kept2(made2, async () => {
    saveLocal({ ...loadLocal(), [name]: made2.control.value });
    return true;
  });
}
async function now(desk) {
  return (await desk.client.preferences()).settings;
}
function page(title, hint, ...cards) {
  return { title, root: el("div", { class: "page" }, head(title, hint), cards) };
}
var automatic = t("Changes are saved automatically.");
var form2 = (...content) => el("div", { class: "form" }, content);
var languages = ["ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"];
function nameOf(language) {
  const name = new Intl.DisplayNames(language, { type: "language" }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}
var layouts = [["leftright", t("Beside list")], ["topbottom", t("Below list")]];
var appearance = async (desk) => {
  const old = await now(desk);
  const spoken = document.documentElement.lang;
  const improve = el("p", { class: "hint", hidden: spoken === "en" }, t("This is a machine translation. To improve it, edit {file} in moxlite's source code.", { file: `frontend/i18n/${spoken}.json` }));
  return page(t("Appearance"), automatic, card("", form2(select(desk, old, "language", t("Language"), [["", t("Automatic")], ...languages.map((one) => [one, nameOf(one)])]), improve, select(desk, old, "color_scheme", t("Theme"), [["auto", t("Use system setting")], ["light", t("Light")], ["dark", t("Dark")]]), select(desk, old, "density", t("List density"), [["comfortable", t("With preview")], ["compact", t("Compact")]]), desk.webmail === "" ? null : local("layout", t("Reading pane"), layouts))));
};
var swipes = [...rowActions.map(([action, , words]) => [action, words]), ["", t("Do nothing")]];
var reading = async (desk) => {
  const { settings, offline } = await desk.client.preferences();
  const old = settings;
  const headers = field(t("Additional header fields, one per line"), el("textarea", { rows: "2", dir: "auto", spellcheck: "false" }, old.show_headers.join("\n")));
  const device = desk.webmail === "" ? [] : onDevice(offline);
  return page(meant("settings", "Reading"), "", card("", form2(select(desk, old, "mark_seen_ms", t("Mark as read"), seenChoices(old.mark_seen_ms), Number), select(desk, old, "after_action", t("After archiving, deleting, or moving"), [["next", t("Show next message")], ["previous", t("Show previous message")], ["list", t("Back to message list")]]), check2(desk, old, "show_html", t("Show messages as designed (HTML) instead of plain text")), check2(desk, old, "invitation_mails", t("Email me invitations and replies from users on this server")))), card("", form(headers.root, t("Save"), async () => {
    const show_headers = headers.control.value.split("\n").map((one) => one.trim().replace(/:$/, "")).filter((one) => one !== "");
    return desk.keep({ show_headers });
  }).root), device.length > 0 && card(t("On this device"), form2(...device)));
};
function onDevice(offline) {
  const touch = navigator.maxTouchPoints > 0 ? [local("right", t("Swipe right"), swipes), local("left", t("Swipe left"), swipes)] : [];
  return offline && localStorage.getItem(`${kept()}-stays`) !== null ? [...touch, mailOffline()] : touch;
}
function mailOffline() {
  const key2 = `${kept()}-offline`;
  const made2 = tick(t("Save mail for offline use"), localStorage.getItem(key2) === "1", t("Read the newest 200 messages and drafts offline, including attachments up to 1 MB. Your changes will sync when you're back online. To remove saved mail, log out."));
  return kept2(made2, async () => {
    if (made2.control.checked) {
      if (!remember(key2, "1")) throw new Error(t("Your browser's storage is full."));
      await navigator.storage.persist().catch(() => false);
    } else await forgetMail();
    return true;
  });
}
function seenChoices(now2) {
  const known = [["0", t("Immediately")], ["500", t("After 0.5 seconds")], ["3000", t("After 3 seconds")], ["-1", t("Manually")]];
  if (!known.some(([value]) => value === String(now2))) known.push([String(now2), many(now2 / 1e3, "After {n} second", "After {n} seconds")]);
  return known;
}
var notifications = async (desk) => page(meant("settings", "Notifications"), automatic, card("", await alerts(desk)));
var shortcuts = async (desk) => {
  const old = await now(desk);
  const keys = keyChoice(allCommands(), old.keymap);
  keys.root.addEventListener("change", async () => {
    if (!await desk.keep({ keymap: keys.read() })) await desk.refresh();
  });
  return page(t("Shortcuts"), automatic, card("", form2(check2(desk, old, "single_keys", t("Single-letter shortcuts (for example, “a” to archive)")), check2(desk, old, "open_on_move", t("Open messages as you move with the arrow keys, j, or k")), check2(desk, old, "no_show_shortcuts", t("Show shortcut when you click an action"), false))), card("", keys.root));
};
var pages = { appearance, reading, notifications, shortcuts };
export {
  pages
};
