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
    const kind = match.slice(1, 7).findIndex((group2) => group2 !== void 0) + 1;
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

var menu = "M4 5h16 M4 12h16 M4 19h16";
var x = "M18 6 6 18 M6 6l12 12";

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
async function redraw(place, draw) {
  await released(place);
  const giveBack = holdPlace(place);
  draw();
  giveBack();
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shown = 1e4;
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}
function toast(text2, action, time2 = shown) {
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
    if (holds === 0 && time2 > 0 && box.isConnected) timer = window.setTimeout(close, time2);
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
  } }, action.title), time2 > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time2 > 0) timer = window.setTimeout(close, time2);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
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

var second = 1e6;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
function timeOf(at) {
  return formatted(new Date(at / 1e3), "clock", { hour: "numeric", minute: "2-digit" });
}
function moment(at, now = Date.now() * 1e3) {
  const here = new Date(at / 1e3);
  const today = new Date(now / 1e3);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here).setHours(0, 0, 0, 0)) / 864e5);
  const time2 = timeOf(at);
  if (days === 0) return time2;
  if (days === 1) return t("yesterday {time}", { time: time2 });
  if (days === -1) return t("tomorrow {time}", { time: time2 });
  if (days > 0 && days < 7) return `${formatted(here, "weekday", { weekday: "short" })} ${time2}`;
  if (here.getFullYear() === today.getFullYear()) return `${formatted(here, "day", { day: "numeric", month: "short" })} ${time2}`;
  return formatted(here, "date", { day: "numeric", month: "short", year: "numeric" });
}

var choices_default = ".choices{display:grid;gap:6px;max-height:60vh;margin-top:12px;padding:2px;overflow-y:auto}.choices button{flex:none;text-align:start}\n";

var later_default = ".later-words{margin-top:12px}.later-words ::placeholder{font-size:13px}@media(min-width:701px){.dialog.anchored:has(.later-words){width:380px}.later-times button{min-height:34px}}@media(max-width:700px){.later-words .check{padding-block:11px}}.later-said{min-height:1.4em;margin:4px 0 0;color:var(--muted)}.later-said.wrong{color:var(--danger)}.later-words .field+.field{margin-top:10px}.later-times{grid-template-columns:minmax(0,1fr)}.later-times button{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:0 16px;height:auto}.later-times time{color:var(--muted);font-variant-numeric:tabular-nums}.anchored .later-times{gap:2px}.anchored .later-times button{padding:2px 8px;border-color:transparent;background:none}.anchored .later-times button:hover{background:var(--button-hover-background)}@media(max-width:700px){.later-times time{font-size:14px}.later-words ::placeholder{font-size:12px}}\n";

var idle = new Set("am_an_den_der_dem_kommenden_nachsten_naechsten_nachste_naechste_diesen_diese_dieses_le_la_les_au_en_el_los_op_de_het_komende_volgende_deze_prochain_prochaine_proximo_este_esta_ce_cet_cette".split("_"));

var parts = new Map(Object.entries({ morning: 8, noon: 12, midday: 12, afternoon: 14, evening: 18, night: 20, tonight: 20, midnight: 24 }));
var units = new Map(Object.entries({ minute: 1, min: 1, m: 1, hour: 60, h: 60, day: 1440, d: 1440, week: 10080, w: 10080 }));

adopt(choices_default);
adopt(later_default);
var day2 = 864e5;
function inWords(at) {
  const ahead = at.getTime() - Date.now();
  const text2 = moment(at.getTime() * 1e3);
  if (ahead < 2 * day2 && /\d:\d/.test(text2)) return text2;
  return at.toLocaleString(locale(), { weekday: "short", day: "numeric", month: "short", ...ahead > 300 * day2 && { year: "numeric" }, hour: "numeric", minute: "2-digit" });
}

var prefix = "search:";
var everywhere = "inboxes:";
function writePlace({ name, search: search2, message, inboxes = false }) {
  const what = inboxes ? everywhere : search2 !== "" ? `${prefix}${encodeURIComponent(search2)}` : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
}

function drawEmpty({ title, text: text2, step }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step === void 0 ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]];
}

var placeview_default = ".place-view{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template:auto minmax(0,1fr) / minmax(0,1fr);background:var(--background)}.place-view:focus{outline:none}.place-head{display:flex;align-items:center;gap:8px;min-height:57px;padding:0 16px;border-bottom:1px solid var(--border-color)}.place-head h1{flex:1;min-width:0;margin-inline-start:8px;font-size:20px;line-height:24px}.place-side{display:flex;flex:1;flex-direction:column;gap:14px;min-height:0}.place-side .side-lists{display:flex;flex-direction:column;gap:14px}.side-head{display:flex;justify-content:space-between;align-items:center;min-height:30px;padding-inline-start:8px;color:var(--color-mild);font-size:13px;font-weight:400}:is(.place-view,.place-side) .btn.icon{display:inline-flex;align-items:center;justify-content:center;flex:none;width:34px;min-width:34px;height:34px;padding:0;border:0;background:none;color:var(--text-2)}:is(.place-view,.place-side) .btn.icon.small{width:30px;min-width:30px;height:30px}:is(.place-view,.place-side) .btn.icon:hover{background:var(--button-hover-background)}.place-head .search{flex:none;width:368px}.place-side .btn.place-lists{display:none}.place-new{display:flex;align-items:center;justify-content:center;gap:8px}@media(max-width:1399px){.place-head .search{width:216px}}@media(min-width:701px)and (max-width:1099px){.place-side .btn.place-lists{display:inline-flex;align-self:center;width:44px;height:44px}.place-side .side-lists{display:none}.place-side.open .side-lists{display:flex;position:fixed;inset-block:0;inset-inline:var(--side-width) auto;z-index:var(--z-offer);width:260px;padding:14px 12px;overflow-y:auto;background:var(--background-mild);box-shadow:var(--shadow)}.place-new{min-height:44px;padding:0}.place-new span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}@media(max-width:900px){.place-head h1{font-size:17px;line-height:20px}}@media(max-width:700px){.place-view{inset:0 0 var(--tabs-height);z-index:1}.place-head{position:relative;min-height:56px;padding:0 8px}.place-empty .link{min-height:44px}.place-head .search{width:44px}.place-head .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.place-side .place-new{display:none}}.place-empty{display:grid;align-content:start;justify-items:center;gap:8px;padding:48px 24px;color:var(--color-mild);text-align:center}.place-empty p{max-width:44ch}.place-empty .link{justify-self:center;min-height:24px}.deleted-list{margin:0 0 14px;padding:0;max-height:50vh;overflow-y:auto;list-style:none}.deleted-list li{display:flex;align-items:center;gap:12px;padding:8px 2px;border-bottom:1px solid var(--line)}.deleted-list li>span{flex:1;min-width:0;overflow-wrap:anywhere}.deleted-list small{display:block;color:var(--muted);font-size:var(--t-sm)}.deleted-list .hint{border:0}\n";

adopt(placeview_default);
function sideButton(page) {
  const attributes = { class: "menu-open", type: "button", "aria-label": t("Folders"), onclick: () => page.openSide() };
  return el("button", attributes, sign(menu));
}

var outbox_default = ".outbox-main{padding:12px 24px 60px;overflow-y:auto}.outbox-lists{display:grid;gap:24px;max-width:760px}.outbox-lists h2:not(.empty-title){color:var(--color-mild);font-size:13px;font-weight:600;line-height:28px}.outbox-empty{display:grid;justify-items:center;gap:8px;padding:48px 16px;color:var(--color-mild);text-align:center}.outbox-empty p{max-width:44ch}.outbox-list{margin:0;padding:0;list-style:none}.outbox-list li{display:grid;gap:4px;padding:10px 0;border-top:1px solid var(--border-color)}.outbox-list strong{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.outbox-what{overflow-wrap:anywhere;color:var(--muted)}.outbox-buttons{display:flex;flex-wrap:wrap;gap:8px}.outbox-list .outbox-gone{grid-template-columns:minmax(0,1fr) auto auto;gap:16px;color:var(--muted);overflow-wrap:anywhere}.outbox-list .failed span:first-of-type{color:var(--danger)}@media(max-width:700px){.outbox-main{padding-inline:16px}.outbox-buttons .btn{min-height:44px}}\n";

adopt(outbox_default);
var opened = null;
function openPage(page) {
  opened ??= makePage(page);
  opened();
}
function makePage(page) {
  const title = meant("place", "Outbox");
  const said = el("p", { class: "hint", role: "status" });
  const body = el("div", { class: "outbox-lists" });
  const view = el("section", { class: "place-view", "aria-label": title }, el("header", { class: "place-head" }, sideButton(page), el("h1", { tabindex: "-1" }, title)), el("div", { class: "outbox-main" }, said, body));
  const place = { name: "mail", title, view };
  let all = [];
  let more = false;
  const load = async () => {
    const [waiting, leaving, first] = await Promise.all([page.client.messages_waiting(), page.client.account_later_list(), page.client.outbox()]);
    all = first.waiting;
    more = first.more;
    const queued = leaving.filter((one) => one.message_id === 0);
    await redraw(view, () => draw(waiting, queued, first.ended));
  };
  const live = follow(load, (failed) => fill(said, failed && t("Couldn't load the latest changes. Trying again…")));
  const show = () => void attempt(t("Loading…"), t("Couldn't load Outbox"), load);
  const act = async (doing, failed, work) => {
    if (await attempt(doing, failed, work)) show();
  };
  const another = (one) => page.later(async (found) => {
    const at = await found.anotherTime(one.kind === "sent");
    if (at === null) return;
    const { id } = one.item;
    await act(t("Saving…"), t("Couldn't change time"), () => one.kind === "sent" ? page.client.scheduled_change(id, at) : page.client.message_snooze([id], at, one.kind === "answer"));
  });
  const edit = (one) => act(t("Loading…"), t("Couldn't open editor"), async () => {
    const item = await page.client.message_item(await page.client.scheduled_cancel(one.item.id));
    const found = await page.load("compose");
    await found.compose(page, toast, "edit", item, "");
  });
  const scheduled = (one) => {
    const { id } = one.item;
    const { writer = "" } = one;
    const own = writer === "";
    const facts = [t("Scheduled for {when}", { when: time(one.due) })];
    if (!own) facts.push(t("Written by {name}", { name: writer }));
    return row(subject(one), people(one), facts.join(" · "), [own && button(t("Send now"), () => act(t("Sending…"), t("Couldn't send message"), () => page.client.scheduled_change(id))), own && button(t("Change time…"), () => another(one)), own && button(t("Edit"), () => edit(one)), button(t("Keep as draft"), () => act(t("Saving…"), t("Couldn't keep as draft"), () => page.client.scheduled_cancel(id)))]);
  };
  const held = (one) => row(one.subject, one.recipients.join(", "), t("Scheduled for {when}", { when: inWords(new Date(one.due / 1e3)) }), [button(t("Cancel delivery"), () => act(t("Canceling…"), t("Couldn't cancel delivery"), () => page.client.account_later_stop(one.id)))]);
  const departing = (one) => row(one.subject, one.recipient, status(one), [!one.stopped && button(t("Try now"), () => act(t("Retrying…"), t("Couldn't retry"), () => page.client.delivery_retry([one.id]))), button(t("Cancel delivery"), () => cancel(one))]);
  const cancel = async (one) => {
    const values = { name: one.recipient };
    const what = t("The message won't be sent to {name}. If delivery has already started, it may still arrive.", values);
    if (await confirm(t("Cancel delivery?"), what, t("Cancel delivery"))) await act(t("Canceling…"), t("Couldn't cancel delivery"), () => page.client.delivery_cancel([one.id]));
  };
  const returning = (one) => {
    const answer = one.kind === "answer";
    const [doing, failed] = answer ? [t("No reminder"), t("Couldn't remove reminder")] : [t("Unsnooze"), t("Couldn't unsnooze message")];
    return row(subject(one), people(one), returns(one), [button(t("Change time…"), () => another(one)), button(doing, () => act(t("Saving…"), failed, () => page.client.message_unsnooze([one.item.id])))]);
  };
  const older = () => button(t("Show older"), () => attempt(t("Loading…"), t("Couldn't load Outbox"), async () => {
    const next = await page.client.outbox(all.at(-1).id);
    all.push(...next.waiting);
    more = next.more;
    queue.append(...next.waiting.map(departing));
    if (!more) queue.nextElementSibling?.remove();
  }));
  let queue = el("ul", {});
  const draw = (waiting, queued, ended) => {
    const later = [...waiting.filter(({ kind }) => kind === "sent").map((one) => [Date.parse(one.due), scheduled(one)]), ...queued.map((one) => [one.due / 1e3, held(one)])];
    later.sort(([first], [second2]) => first - second2);
    const back = waiting.filter(({ kind }) => kind !== "sent");
    queue = el("ul", { class: "outbox-list" }, all.map(departing));
    fill(body, later.length + all.length === 0 && nothing(), group(t("Scheduled"), later.map(([, line]) => line)), all.length > 0 && el("section", {}, el("h2", {}, t("Waiting to be sent")), queue, more && older()), group(mailboxName("Snoozed"), back.map(returning)), group(t("Sent in the last week"), ended.map(gone)));
  };
  addEventListener("departures", () => view.isConnected && live.changed());
  return () => {
    page.openPlace(place);
    page.tellAddress("#outbox:");
    show();
  };
}
function group(title, rows) {
  return rows.length > 0 && el("section", {}, el("h2", {}, title), el("ul", { class: "outbox-list" }, [...rows]));
}
function nothing() {
  return el("div", { class: "outbox-empty" }, drawEmpty({ title: t("Your Outbox is empty"), text: t("Messages you send appear here until the recipients' servers accept them.") }));
}
function button(text2, run) {
  return el("button", { class: "btn line", type: "button", onclick: () => void run() }, text2);
}
function subject({ item, kind, origin }) {
  const words = item.subject || t("(no subject)");
  if (kind !== "sent" || origin === "") return words;
  return el("a", { href: writePlace({ name: origin, search: "", message: item.id }) }, words);
}
function row(subject2, who, how, buttons) {
  return el("li", {}, el("strong", { dir: "auto" }, el("bdi", {}, subject2 || t("(no subject)"))), el("span", { class: "outbox-what" }, el("bdi", {}, who)), el("span", { class: "outbox-what" }, how), el("div", { class: "outbox-buttons" }, [...buttons]));
}
var time = (text2) => inWords(new Date(text2));
function people(one) {
  const all = one.kind === "back" ? one.item.from : [...one.item.to, ...one.item.cc, ...one.item.bcc];
  return all.map((who) => who.name || `${who.user}@${who.host}`).join(", ");
}
function returns(one) {
  const when = time(one.due);
  if (one.kind === "answer") return t("Will return to your inbox {when} if there's no reply", { when });
  return t("Snoozed to {mailbox} until {when}", { mailbox: mailboxName(one.origin === "" ? "Inbox" : one.origin), when });
}
function status(one) {
  if (one.stopped) return `${t("paused by the server")} · ${t("Unusual sending activity. Contact your administrator.")}`;
  if (one.next_attempt === null) return t("on hold");
  const facts = [one.error === "" ? t("waiting") : meant("delivery", "delayed"), t("next attempt {time}", { time: time(one.next_attempt) })];
  if (one.attempts > 1) facts.push(many(one.attempts, "{n} attempt", "{n} attempts"));
  return [facts.join(" · "), one.error !== "" && why(one)];
}
function why({ code, error }) {
  if (code === 0) return el("div", {}, error);
  return el("details", {}, el("summary", {}, code < 500 ? t("The other server asked us to try later.") : t("The other server doesn't accept this message.")), el("bdi", { dir: "auto" }, isolated(error)));
}
function gone(one) {
  const ends = { delivered: t("delivered"), relayed: t("relayed"), failed: t("not delivered"), canceled: t("canceled") };
  return el("li", { class: `outbox-gone ${one.state}` }, el("bdi", {}, one.recipient), el("span", {}, ends[one.state]), el("span", {}, time(one.ended)));
}
export {
  openPage
};
