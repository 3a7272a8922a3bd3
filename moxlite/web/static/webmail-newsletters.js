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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

var arrowLeft = "m12 19l-7-7 7-7 M19 12H5";
var x = "M18 6 6 18 M6 6l12 12";

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
async function confirm(title, message, action, kind = "line danger") {
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
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

function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key2) {
  let hash = 0;
  for (const sign2 of key2) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
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

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-searched";
var most = 500;
var form = /^~(\d+)~$/;
var load = () => JSON.parse(sessionStorage.getItem(key) ?? "[]");
function nameOfSearch(words) {
  if (words === "" || form.test(words)) return words;
  const kept = load();
  const known = kept.indexOf(words);
  if (known >= 0) return `~${known}~`;
  const place = Math.min(kept.length, most - 1);
  remember(key, JSON.stringify([...kept.slice(0, place), words]), sessionStorage);
  return `~${place}~`;
}
function openSearch(words) {
  location.hash = `search:${nameOfSearch(words)}`;
}

var shown = 1e4;
var most2 = 3;
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
  while (all.childElementCount > most2) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var day = 24 * 60 * 60 * 1e3;
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function spokenDay(time) {
  const date = new Date(time);
  if (date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear()) return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
function saidTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}

function leavingLine(listed, owner, again) {
  const { unsubscribe: found } = listed;
  if (found === null) return null;
  if (found.at !== null) {
    const time = saidTime(found.at, Date.now());
    if (!found.still_sends) return el("span", { class: "unsubscribed" }, t("Unsubscribed {time}", { time }));
    return [el("span", { class: "unsubscribed" }, t("Unsubscribed {time}, but still getting mail", { time })), el("button", { class: "link unsubscribe", onclick: () => owner.block() }, t("Block"))];
  }
  return el("button", { class: "link unsubscribe", onclick: () => void owner.leave(listed, again) }, t("Unsubscribe"));
}

var beside_default = ".beside-page{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template-rows:auto minmax(0,1fr);width:auto;height:auto;max-width:none;max-height:none;margin:0;padding:0;border:0;border-inline-start:1px solid var(--border-color);background:var(--background);color:var(--color)}.beside-page:focus{outline:none}.beside-head{display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px;padding:10px 24px;border-bottom:1px solid var(--border-color)}.beside-head h2{flex:1;margin:0;font-size:20px;line-height:28px}.beside-head select{width:auto}.beside-body{padding:12px 24px 60px;overflow-y:auto}.beside-page .btn{display:inline-flex;align-items:center;gap:8px}@media(max-width:700px){.beside-page{inset:0;border:0}.beside-head,.beside-body{padding-inline-start:16px;padding-inline-end:16px}}\n";

adopt(beside_default);
function openBeside(title, actions, kind = "", closed) {
  document.querySelector(".beside-done")?.click();
  const giveBack = holdFocus();
  const page = el("dialog", { class: `beside-page ${kind}`, "aria-label": title, tabindex: "-1" });
  const body = el("div", { class: "beside-body" });
  const leave2 = (event) => {
    if (event.target instanceof Element && event.target.closest(".mailbox-open, .compose-new, .search-input") !== null) close();
  };
  const pressed = (event) => {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog:modal, .menu") !== null) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const close = () => {
    if (!page.isConnected) return;
    removeEventListener("click", leave2, true);
    removeEventListener("keydown", pressed, true);
    page.remove();
    for (const one of covered) one.inert = false;
    closed?.();
    giveBack();
  };
  addEventListener("click", leave2, true);
  addEventListener("keydown", pressed, true);
  fill(page, el("header", { class: "beside-head" }, el("button", { class: "btn text beside-done", type: "button", onclick: close }, sign(arrowLeft), t("Done")), el("h2", {}, title), [...actions]), body);
  document.body.append(page);
  const covered = [...document.querySelectorAll("#app > :not(.side)")].filter(({ inert }) => !inert);
  for (const one of covered) one.inert = true;
  page.show();
  page.focus();
  return { body, close };
}

async function leave({ client, compose }, { id, name, unsubscribe: ways }, again, close = () => {
}) {
  if (ways === null) return;
  const left = () => again((/* @__PURE__ */ new Date()).toISOString());
  const byHand = async () => {
    if (ways.mailto !== "") {
      close();
      compose("new", ways.mailto, id);
      return;
    }
    window.open(ways.link, "_blank", "noopener,noreferrer");
    await client.unsubscribe(id, false);
    left();
  };
  const tryByHand = () => void attempt(t("Unsubscribing…"), t("Couldn't unsubscribe"), byHand);
  const title = t("Unsubscribe from {name}?", { name });
  const host = isolated(ways.host);
  if (ways.one_click === "") {
    const byPost = ways.mailto !== "";
    const how = byPost ? t("To unsubscribe, send the message we've prepared to {name}.", { name }) : t("You'll be taken to {host} to finish.", { host });
    if (await confirm(title, how, byPost ? t("Write message") : t("Open page"))) tryByHand();
    return;
  }
  if (!await confirm(title, t("We'll send an unsubscribe request to {host}.", { host }), t("Unsubscribe"))) return;
  try {
    await client.unsubscribe(id, true);
    left();
    toast(t("Unsubscribed from {name}", { name }));
  } catch (error) {
    const reason = isolated(error instanceof Error ? error.message : String(error));
    const next = ways.mailto !== "" ? t("Email instead") : t("Open website instead");
    toast(t("Couldn't unsubscribe: {reason}", { reason }), codeOf(error) === "" ? void 0 : { title: next, run: tryByHand });
  }
}

var newsletters_default = ".newsletter{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:4px 12px;align-items:center;padding:12px 0;border-bottom:1px solid var(--border-color)}.newsletter-disc{width:32px;height:32px;font-size:12px}.newsletter-who{min-width:0}.newsletter-name{display:block;overflow:hidden;font-weight:600;text-align:start;text-overflow:ellipsis;white-space:nowrap}.newsletter-facts{color:var(--color-mild);font-size:13px;overflow-wrap:anywhere}.newsletter-actions{display:flex;flex-wrap:wrap;align-items:center;justify-content:flex-end;gap:8px}@media(max-width:700px){.newsletter-actions{grid-column:2 / -1;justify-content:flex-start}}\n";

adopt(newsletters_default);
var asked = 20;
function openPage(desk) {
  const order = el("select", { class: "dialog-input", "aria-label": t("Sort order") }, el("option", { value: "messages" }, t("Most messages first")), el("option", { value: "size" }, t("Largest first")));
  const { body, close } = openBeside(t("Newsletters"), [order]);
  const list = el("div", { role: "list", "aria-label": t("Newsletters") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  fill(body, state, list, more);
  let position = 0;
  let turn = 0;
  const load2 = async (anew) => {
    const own = ++turn;
    if (anew) position = 0;
    await attempt(t("Loading…"), t("Couldn't load newsletters"), async () => {
      const { senders, total } = await desk.client.newsletters(order.value, position);
      if (own !== turn) return;
      if (anew) fill(list);
      position += senders.length;
      list.append(...senders.map((one) => row(desk, one, close)));
      more.hidden = position >= total || senders.length === 0;
      state.textContent = total === 0 ? t("When you get newsletters or mailing list mail, you'll see the senders here.") : many(total, "{n} sender", "{n} senders");
    });
  };
  order.addEventListener("change", () => void load2(true));
  more.addEventListener("click", () => void load2(false));
  void load2(true);
}
function row(desk, one, close) {
  const name = isolated(one.name || one.address);
  const facts = [...one.name === "" ? [] : [isolated(one.address)], many(one.messages, "{n} message", "{n} messages"), size(one.size), t("newest {time}", { time: saidTime(one.received, Date.now()) }), one.read === null ? t("not read recently") : t("last read: {time}", { time: saidTime(one.read, Date.now()) })];
  const actions = el("div", { class: "newsletter-actions" });
  const owner = { leave: (listed, again) => leave(desk, listed, again, close), block: () => void block(desk, one, close) };
  const show = () => {
    close();
    openSearch(`from:${one.address}`);
  };
  const draw = (unsubscribe) => fill(actions, leavingLine({ id: one.newest, name, unsubscribe }, owner, (at) => draw(unsubscribe && { ...unsubscribe, at })), el("button", { class: "btn line", type: "button", onclick: show }, t("Show")), el("button", { class: "btn line", type: "button", onclick: () => void archiveAll(desk, one, name) }, t("Archive all")));
  draw(one.unsubscribe);
  return el("div", { class: "newsletter", role: "listitem" }, el("span", { class: `disc newsletter-disc c${hue(one.address)}`, "aria-hidden": "true" }, initials(one.name || one.address)), el("div", { class: "newsletter-who" }, el("bdi", { class: "newsletter-name", dir: "auto" }, name), el("div", { class: "newsletter-facts" }, facts.join(" · "))), actions);
}
async function block(desk, one, close) {
  await attempt(t("Blocking…"), t("Couldn't block sender"), async () => {
    const item = await desk.client.message_item(one.newest);
    close();
    desk.sender(item, "block");
  });
}
async function archiveAll(desk, one, name) {
  const words = t("All mail from {name} will be archived and marked as read, except in Trash and Junk.", { name });
  if (one.messages > asked && !await confirm(t("Archive all?"), words, t("Archive all"))) return;
  const pieces = [];
  const done = await attempt(t("Archiving…"), t("Couldn't archive messages"), async () => {
    let after = null;
    do {
      const piece = await desk.client.newsletter_archive(one.id, after);
      pieces.push(piece);
      after = piece.after;
    } while (after !== null);
  });
  const n = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
  if (n === 0) {
    if (done) toast(t("No messages to archive"));
    return;
  }
  const back = async () => {
    for (const { ids, mailbox_ids, unread } of pieces) {
      for (const mailbox of new Set(mailbox_ids)) await desk.client.message_move(ids.filter((_, i) => mailbox_ids[i] === mailbox), mailbox);
      if (unread.length > 0) await desk.client.flags_clear(unread, ["\\seen"]);
    }
  };
  toast(many(n, "{n} message archived", "{n} messages archived"), { title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), back) });
}
export {
  leave,
  openPage
};
