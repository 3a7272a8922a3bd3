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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}
function called(one) {
  const label = one instanceof HTMLInputElement || one instanceof HTMLSelectElement || one instanceof HTMLTextAreaElement ? one.labels?.[0]?.textContent : null;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? label ?? one.textContent}`;
}
function holdPlace(root) {
  const before = document.activeElement;
  const folds = () => [...root.querySelectorAll("details")];
  const unfolded = folds().map(({ open }) => open);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name = called(before);
  const alike = () => [...root.querySelectorAll(before.tagName)].filter((one) => called(one) === name);
  const place = alike().indexOf(before);
  return () => {
    unfold();
    const found = alike();
    (found[place] ?? found.at(-1) ?? root.querySelector("h1"))?.focus({ preventScroll: true });
  };
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

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}
async function redraw(place, draw2) {
  await released(place);
  const giveBack = holdPlace(place);
  draw2();
  giveBack();
}

async function inWord(text2) {
  return text2.message === "" ? text2 : { ...text2, ...await told(text2) };
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var sent_default = ".deliveries ul{max-height:30vh;margin:8px 0;padding:0;overflow-y:auto;list-style:none}.delivery{padding:4px 0;overflow-wrap:anywhere}.delivery.failed,.delivery-error{color:var(--danger)}.delivery-advice{color:var(--color-mild)}\n";

adopt(sent_default);
var again = 1e4;
var fresh = 6e5;
var objections = 6e4;
var waiting = /* @__PURE__ */ new Set(["queued", "trying", "held"]);
var states = { queued: t("waiting"), trying: t("being delivered"), held: t("on hold"), delivered: t("delivered"), relayed: t("relayed"), failed: t("failed"), canceled: t("canceled") };
var ways = { dane: t("encrypted and verified (DANE)"), sts: t("encrypted and verified (MTA-STS)"), "dane sts": t("encrypted and verified (DANE, MTA-STS)"), verified: t("encrypted and verified"), opportunistic: t("encrypted"), clear: t("not encrypted") };
function time(text2) {
  return new Date(text2).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}
function summary(all) {
  const counts = /* @__PURE__ */ new Map();
  for (const one of all) counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
  const order = ["failed", "held", "trying", "queued", "canceled", "relayed", "delivered"];
  const parts = order.filter((state) => counts.has(state)).map((state) => all.length === 1 ? states[state] : t("{n} {state}", { n: counts.get(state), state: states[state] }));
  const line = parts.join(", ");
  return line.charAt(0).toLocaleUpperCase() + line.slice(1);
}
function detail(one) {
  const lines = [];
  if (one.ended !== null) lines.push(time(one.ended));
  if (one.next_attempt !== null) lines.push(t("next attempt {time}", { time: time(one.next_attempt) }));
  if (one.attempts > 1) lines.push(many(one.attempts, "{n} attempt", "{n} attempts"));
  if ((one.state === "delivered" || one.state === "relayed") && ways[one.tls] !== void 0) lines.push(ways[one.tls]);
  return lines;
}
async function inSight() {
  while (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}
async function follow(client, { id: messageId, received }, root) {
  const sent = Date.parse(received);
  let seen = "";
  while (root.isConnected) {
    await inSight();
    try {
      const report = await client.delivery_status(messageId, seen);
      const recipients = await Promise.all(report.recipients.map(inWords));
      if (report.seen !== seen) await redraw(root, () => draw(client, root, recipients));
      seen = report.seen;
      const settled = report.recipients.length > 0 || Date.now() - sent > fresh;
      const ended = Math.max(sent, ...report.recipients.map((one) => Date.parse(one.ended ?? received)));
      if (settled && Date.now() - ended > objections && report.recipients.every((one) => !waiting.has(one.state))) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, again));
    }
  }
}
async function inWords(one) {
  return { ...one, advice: await inWord(one.advice) };
}
function draw(client, root, all) {
  root.hidden = all.length === 0;
  const left = all.filter((one) => waiting.has(one.state));
  const open = root.querySelector("details")?.open ?? all.some((one) => one.state === "failed" || one.error !== "");
  const ids = left.map((one) => one.id);
  fill(root, el("details", { class: "deliveries", open }, el("summary", {}, summary(all)), el("ul", {}, all.map(row)), ids.length > 0 && el("p", {}, el("button", { onclick: () => void attempt(t("Retrying…"), t("Couldn't retry"), () => client.delivery_retry(ids)) }, t("Try now")), " ", el("button", { class: "danger", onclick: () => void attempt(t("Canceling…"), t("Couldn't cancel delivery"), () => client.delivery_cancel(ids)) }, t("Cancel delivery")))));
}
function row(one) {
  const facts = detail(one);
  return el("li", { class: `delivery ${one.state}`, title: one.host }, el("b", { dir: "auto" }, one.recipient), " ", [states[one.state], ...facts].join(" · "), one.error !== "" && el("div", { class: "delivery-error", title: one.reply }, one.error), one.advice.message !== "" && el("div", { class: "delivery-advice" }, one.advice.message));
}
export {
  detail,
  follow,
  summary
};
