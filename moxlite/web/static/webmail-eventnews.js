var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";

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

var quiet = 500;
var [again, longest] = [5e3, 6e4];
function follow(load, failed) {
  let [timer, running, stale, ended, wait] = [0, false, false, false, again];
  const after = (milliseconds) => {
    clearTimeout(timer);
    if (!ended) timer = window.setTimeout(() => void run(), milliseconds);
  };
  const run = async () => {
    running = true;
    stale = false;
    try {
      await load();
      wait = again;
      failed(false);
      if (stale) after(quiet);
    } catch {
      failed(true);
      after(wait);
      wait = Math.min(2 * wait, longest);
    } finally {
      running = false;
    }
  };
  return { changed() {
    stale = true;
    if (!running) after(quiet);
  }, end() {
    ended = true;
    clearTimeout(timer);
  } };
}

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var eventnews_default = ".event-news{border:0;border-radius:0;background:var(--mailbox-active-background);color:var(--color);font:inherit;text-align:start;cursor:pointer}.event-news-said{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.event-news-go{color:var(--link-color)}.event-news kbd{margin:0;padding:0 6px;border:1px solid var(--line);border-radius:4px}.event-news-count{position:absolute;inset-block-start:4px;inset-inline-start:calc(50% + 4px);min-width:16px;padding:0 4px;border-radius:8px;background:var(--accent);color:var(--accent-color);font-size:11px;font-variant-numeric:tabular-nums;line-height:16px}.event-news-count[hidden]{display:none}@media(hover:none){.event-news kbd{display:none}}\n";

function titleOf2(news) {
  const n = news.filter(({ said }) => said === "invited").length;
  return n > 0 ? many(n, "{n} new invitation", "{n} new invitations") : many(news.length, "{n} change in your calendar", "{n} changes in your calendar");
}

adopt(eventnews_default);
function showEventNews({ client, commands, desk }, band) {
  const button = document.querySelector(".open-calendar");
  const said = el("span", { class: "event-news-said" });
  const go = el("b", { class: "event-news-go" });
  const key = el("kbd");
  const box = el("button", { class: "event-news", type: "button", "aria-haspopup": "dialog", hidden: true, onclick: () => void open() }, sign(calendar, "i s"), said, go, key);
  const count = el("span", { class: "event-news-count", hidden: true });
  const label = button.getAttribute("aria-label") ?? "";
  let news = [];
  let panel;
  const draw = () => {
    const invitations = news.filter((one) => one.said === "invited");
    const shown = invitations.length > 0 ? invitations : news;
    const who = [...new Set(shown.map((one) => one.who))].map((name) => isolated(name)).join(", ");
    fill(said, el("b", {}, titleOf2(news)), " ", who);
    fill(go, invitations.length > 0 ? meant("invitation", "Answer") : t("Show"));
    const command = commands.get("app.invitations");
    box.title = hintOf(command);
    fill(key, command.keys?.[0] !== void 0 && keyText(command.keys[0]));
    box.hidden = count.hidden = news.length === 0;
    fill(count, t("{n}", { n: news.length }));
    const added = news.length === 0 ? "" : ` ${many(news.length, "{n} new", "{n} new")}`;
    button.setAttribute("aria-label", label + added);
    panel?.update(news);
  };
  const ask = async () => {
    const found = await client.event_news();
    await released(band);
    news = found;
    draw();
  };
  const open = () => attempt(t("Loading…"), t("Couldn't open this item"), async () => {
    const { openNews } = await desk.load("answering");
    panel ??= openNews(client, news, box, ask);
    await panel.closed;
    panel = void 0;
  });
  commands.add(t("Anywhere"), [{ id: "app.invitations", title: t("Answer invitations"), keys: ["i"], when: () => box.checkVisibility(), run: open }]);
  const live = follow(ask, () => void 0);
  addEventListener("calendars", () => live.changed());
  button.append(" ", count);
  band.append(box);
  live.changed();
}
export {
  showEventNews
};
