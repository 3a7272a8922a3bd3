var grouped;
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}
function byOwner(one, other) {
  return byName(one.owner, other.owner) || byName(one.name, other.name);
}
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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
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

var arrowLeft = "m12 19l-7-7 7-7 M19 12H5";
var check = "M20 6 9 17l-5-5";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var list = "m3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var pencil = "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z M15 5l4 4";
var plus = "M5 12h14 M12 5v14";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var star = "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.123 2.123 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904l-3.736 3.638a2.123 2.123 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.122 2.122 0 0 0-1.973 0L6.396 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.122 2.122 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0 1 .294-.906l5.165-.755a2.122 2.122 0 0 0 1.597-1.16z";
var users = "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2 M16 3.128a4 4 0 0 1 0 7.744 M22 21v-2a4 4 0 0 0-3-3.87 M5 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";
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

var focusedBy = ({ target }) => target instanceof HTMLElement ? target : document.body;

var quiet = 500;
var [again, longest] = [5e3, 6e4];
function follow(load2, failed) {
  let [timer, running, stale, ended, wait] = [0, false, false, false, again];
  const after = (milliseconds) => {
    clearTimeout(timer);
    if (!ended) timer = window.setTimeout(() => void run(), milliseconds);
  };
  const run = async () => {
    running = true;
    stale = false;
    try {
      await load2();
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

var phone = matchMedia("(max-width: 700px)");

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}
async function redraw(place, draw) {
  await released(place);
  const giveBack = holdPlace(place);
  draw();
  giveBack();
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
var searchFor = (words) => (event) => {
  event.preventDefault();
  openSearch(words);
};

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

async function showDeleted(client, kind, again2) {
  const list3 = el("ul", { class: "deleted-list" });
  const date = (seconds) => formatted(new Date(seconds * 1e3), "deleted day", { day: "numeric", month: "short", year: "numeric" });
  const draw = async () => {
    const found = await client.deleted_list(kind);
    fill(list3, found.map((one) => {
      const title = one.title === "" ? t("(no title)") : isolated(one.title);
      return el("li", {}, el("span", {}, el("bdi", { dir: "auto" }, title), el("small", {}, [one.starts !== null && date(one.starts), isolated(one.place), t("deleted on {day}", { day: date(one.deleted) })].filter(Boolean).join(" · "))), el("button", { class: "btn line small", type: "button", "aria-label": t("Restore “{title}”", { title }), onclick: () => void back(one.id) }, t("Restore")));
    }), found.length === 0 && el("li", { class: "hint" }, t("Nothing deleted in the last 30 days.")));
  };
  const back = (id) => attempt(t("Restoring…"), t("Couldn't restore"), async () => {
    await client.deleted_restore(id);
    await Promise.all([draw(), again2()]);
    list3.querySelector("button")?.focus();
  }).then((done) => done ? setStatus(t("Restored")) : void 0);
  if (!await attempt(t("Loading…"), t("Couldn't load deleted items"), draw)) return;
  await dialog(kind === "calendar" ? t("Deleted events") : t("Deleted contacts"), (close) => [list3, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")))]);
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

var pause = 1e3;
function importFile({ client, base, load: load2 }, file, doing, failed, take2, words) {
  return attempt(doing, failed, async () => {
    const { FileUpload, UploadAborted } = await load2("uploading");
    const upload = new FileUpload(base, client, file, "import");
    const sending = (sent) => t("Uploading {part} of {whole}…", { part: size(sent), whole: size(file.size) });
    let said2 = toast(sending(0), { title: t("Stop"), run: () => upload.abort() }, 0);
    let done;
    let trouble = null;
    try {
      const { upload_id: uploadID } = await upload.send({ progress: (sent) => said2.say(sending(sent)), stuck(why) {
        trouble?.close();
        trouble = why === "" ? null : toast(why, { title: t("Try again"), run: () => upload.retry() }, 0);
      } });
      said2.close();
      said2 = toast(doing, { title: t("Stop"), run: () => void client.file_import_stop(uploadID) }, 0);
      const timer = window.setInterval(async () => {
        const state = await client.file_import_state(uploadID).catch(() => null);
        if (state !== null && state.about > state.done) said2.say(t("Imported {n} of about {all}…", { n: state.done, all: state.about }));
      }, pause);
      done = await take2(uploadID).finally(() => clearInterval(timer));
    } catch (error) {
      if (error instanceof UploadAborted) {
        toast(t("Import stopped. No messages imported"));
        return;
      }
      throw error;
    } finally {
      trouble?.close();
      said2.close();
    }
    const { known, unread, dropped } = done;
    const facts = [words(done.added), known > 0 && many(known, "{n} already exists", "{n} already exist"), dropped > 0 && many(dropped, "skipped {n} photo", "skipped {n} photos"), unread > 0 && many(unread, "couldn't read {n}", "couldn't read {n}")].filter((one) => one !== false);
    const problems = await Promise.all(done.problems.map((problem) => told(problem)));
    if (problems.length === 0) toast(facts.join(", "));
    else await dialog(t("Import"), (close) => [el("p", {}, `${facts.join(", ")}.`), el("ul", {}, problems.map(({ message }) => el("li", {}, el("bdi", { dir: "auto" }, isolated(message))))), el("div", { class: "dialog-buttons" }, el("button", { class: "primary", type: "button", onclick: () => close() }, t("Close")))]);
  });
}
function exportLink(page, path, title, kind) {
  const save = async (event) => {
    if (!event.isTrusted) return;
    event.preventDefault();
    const link = event.currentTarget;
    if (await attempt(t("Exporting…"), t("Couldn't export"), () => page.client.export_prep())) link.click();
  };
  return el("a", { class: kind, href: `${page.base}${path}`, download: "", onclick: save }, title);
}
function archiveLink(page, kind) {
  return exportLink(page, "calendars-and-contacts.zip", t("Export all calendars and contacts (.zip)"), kind);
}

function drawEmpty({ title, text: text2, step }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step === void 0 ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]];
}

var placeview_default = ".place-view{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template:auto minmax(0,1fr) / minmax(0,1fr);background:var(--background)}.place-view:focus{outline:none}.place-head{display:flex;align-items:center;gap:8px;min-height:57px;padding:0 16px;border-bottom:1px solid var(--border-color)}.place-head h1{flex:1;min-width:0;margin-inline-start:8px;font-size:20px;line-height:24px}.place-side{display:flex;flex:1;flex-direction:column;gap:14px;min-height:0}.place-side .side-lists{display:flex;flex-direction:column;gap:14px}.side-head{display:flex;justify-content:space-between;align-items:center;min-height:30px;padding-inline-start:8px;color:var(--color-mild);font-size:13px;font-weight:400}:is(.place-view,.place-side) .btn.icon{display:inline-flex;align-items:center;justify-content:center;flex:none;width:34px;min-width:34px;height:34px;padding:0;border:0;background:none;color:var(--text-2)}:is(.place-view,.place-side) .btn.icon.small{width:30px;min-width:30px;height:30px}:is(.place-view,.place-side) .btn.icon:hover{background:var(--button-hover-background)}.place-head .search{flex:none;width:368px}.place-side .btn.place-lists{display:none}.place-new{display:flex;align-items:center;justify-content:center;gap:8px}@media(max-width:1399px){.place-head .search{width:216px}}@media(min-width:701px)and (max-width:1099px){.place-side .btn.place-lists{display:inline-flex;align-self:center;width:44px;height:44px}.place-side .side-lists{display:none}.place-side.open .side-lists{display:flex;position:fixed;inset-block:0;inset-inline:var(--side-width) auto;z-index:var(--z-offer);width:260px;padding:14px 12px;overflow-y:auto;background:var(--background-mild);box-shadow:var(--shadow)}.place-new{min-height:44px;padding:0}.place-new span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}@media(max-width:900px){.place-head h1{font-size:17px;line-height:20px}}@media(max-width:700px){.place-view{inset:0 0 var(--tabs-height);z-index:1}.place-head{position:relative;min-height:56px;padding:0 8px}.place-empty .link{min-height:44px}.place-head .search{width:44px}.place-head .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.place-side .place-new{display:none}}.place-empty{display:grid;align-content:start;justify-items:center;gap:8px;padding:48px 24px;color:var(--color-mild);text-align:center}.place-empty p{max-width:44ch}.place-empty .link{justify-self:center;min-height:24px}.deleted-list{margin:0 0 14px;padding:0;max-height:50vh;overflow-y:auto;list-style:none}.deleted-list li{display:flex;align-items:center;gap:12px;padding:8px 2px;border-bottom:1px solid var(--line)}.deleted-list li>span{flex:1;min-width:0;overflow-wrap:anywhere}.deleted-list small{display:block;color:var(--muted);font-size:var(--t-sm)}.deleted-list .hint{border:0}\n";

adopt(placeview_default);
var pause2 = 150;
function searchField(label, run, leave) {
  let timer = 0;
  const input = el("input", { class: "search-input", type: "search", maxlength: "200", placeholder: label, "aria-label": label, autocomplete: "off", spellcheck: "false", dir: "auto" });
  const close = t("Close search");
  const set = (text2) => {
    clearTimeout(timer);
    input.value = text2;
    clear.hidden = text2 === "";
  };
  const end = () => {
    set("");
    run("");
  };
  const clear = el("button", { class: "search-clear", type: "button", title: close, "aria-label": close, hidden: true, onclick: () => {
    end();
    input.focus();
  } }, sign(x, "i s"));
  const changed = (after) => {
    clearTimeout(timer);
    clear.hidden = input.value === "";
    timer = window.setTimeout(() => run(input.value.trim()), after);
  };
  input.addEventListener("input", () => changed(pause2));
  const root = el("form", { class: "search", role: "search" }, el("div", { class: "search-bar" }, sign(search, "i s"), input, clear));
  root.addEventListener("click", () => input.focus());
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    changed(0);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !leave && input.value === "") return;
    event.preventDefault();
    event.stopPropagation();
    end();
    leave?.();
  });
  return { root, input, set };
}
function sideButton(page) {
  const attributes = { class: "menu-open", type: "button", "aria-label": t("Folders"), onclick: () => page.openSide() };
  return el("button", attributes, sign(menu));
}
function listsButton(title) {
  const button = el("button", { class: "btn icon place-lists", type: "button", title, "aria-label": title, "aria-expanded": "false" }, sign(list));
  const show = (open) => {
    button.setAttribute("aria-expanded", String(open));
    button.parentElement?.classList.toggle("open", open);
  };
  button.addEventListener("click", () => show(button.ariaExpanded === "false"));
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && button.parentElement?.contains(target) === false && target.isConnected) show(false);
  });
  return button;
}
function emptyPlace(place) {
  return el("div", { class: "place-empty" }, drawEmpty(place));
}
function listHead(title, add, run) {
  const button = { class: "btn icon small", type: "button", title: add, "aria-label": add, onclick: run };
  return el("h2", { class: "side-head" }, title, el("button", button, sign(plus)));
}

var dayLength = 864e5;
function nameOf(item) {
  if (item.private) return t("(private)");
  return item.title === "" ? t("(no title)") : isolated(item.title);
}
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}
function dateOf(day2, minutes = 0) {
  const utc = new Date(day2 * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
function placeOf(view, day2) {
  return `#calendar:${view},${new Date(day2 * dayLength).toISOString().slice(0, 10).replaceAll("-", "")}`;
}
function shown2(item) {
  const local = (seconds) => {
    if (item.clock === "utc") return new Date(seconds * 1e3);
    const date = new Date(seconds * 1e3);
    return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes());
  };
  const start = local(item.starts);
  const end = local(item.ends);
  const first = dayOf(start);
  const last = Math.max(first, dayOf(new Date(end.getTime() - 1)));
  return { item, start, end, first, last, bar: item.clock === "date" || last > first };
}
var clock = (date) => formatted(date, "event clock", { hour: "numeric", minute: "2-digit" });
var shortDay = (day2) => formatted(dateOf(day2), "event date", { weekday: "short", day: "numeric", month: "short" });

var day = 24 * 60 * 60 * 1e3;
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function shortTime(time, now, dated = false) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0 || days === 1 && dated) return clockTime(date);
  if (days === 1) return loneTime(time, now);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}
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
function capital(text2) {
  return text2.slice(0, 1).toLocaleUpperCase(locale()) + text2.slice(1);
}
function loneTime(time, now) {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}

var most3 = 5;
var mostAddresses = 3;
function mailSearch(addresses) {
  const some = addresses.slice(0, mostAddresses);
  return `{${some.flatMap((address) => [`from:${address}`, `to:${address}`]).join(" ")}}`;
}
function between({ client, base }, emails) {
  const addresses = emails.slice(0, mostAddresses);
  const root = el("section", { class: "card-between", "aria-label": t("Between you"), hidden: true });
  const glance = (attachments) => client.search_glance({ filter: { mailbox_id: -1, any: [{ from: addresses, to: addresses }], attachments }, threading: "off" });
  const coming = async () => {
    const ids = (await client.calendars()).map(({ id }) => id);
    return (await client.events_with(addresses, ids)).map(shown2).filter(({ end }) => +end > Date.now());
  };
  const quietly = (work) => work.catch(() => []);
  const load2 = async () => {
    const [mails, events, holders] = await Promise.all([quietly(glance(null)), quietly(coming()), quietly(glance("any"))]);
    const files = holders.flatMap((item) => item.attachments.filter(({ inside }) => !inside).map((file) => [item, file]));
    root.hidden = mails.length + events.length + files.length === 0;
    const search2 = mailSearch(emails);
    fill(root, el("h3", {}, t("Between you")), list2(meant("contact", "Latest messages"), mails.map((item) => mailRow(item, search2))), mails.length === most3 && el("a", { class: "between-all", href: "#search:", onclick: searchFor(search2) }, t("Show all messages")), list2(meant("contact", "Upcoming events"), events.slice(0, most3).map(eventRow)), list2(meant("contact", "Files"), files.slice(0, most3).map(([item, file]) => fileRow(base, item, file))));
  };
  if (addresses.length > 0) void load2();
  return root;
}
function list2(title, rows) {
  return rows.length > 0 && [el("h4", {}, title), el("ul", {}, rows.map((row22) => el("li", {}, row22)))];
}
function row(href, time, text2, more, attributes = {}) {
  return el("a", { class: "between-row", href, ...attributes }, el("time", {}, time), el("bdi", { dir: "auto" }, isolated(text2)), more !== "" && el("small", {}, more));
}
var mailRow = (item, search2) => row(`#search:${encodeURIComponent(search2)},${item.id}`, shortTime(item.received, Date.now()), item.subject || t("(no subject)"), "");
var eventRow = (one) => row(placeOf("day", one.first), shortDay(one.first), nameOf(one.item), one.item.clock === "date" ? "" : clock(one.start));
var fileRow = (base, item, file) => row(`${base}msg/${item.id}/download/${file.path}`, shortTime(item.received, Date.now()), file.filename || file.content_type, size(file.size), { download: "" });

var starred = "starred";
var groupName = (group) => group === starred ? meant("contact", "Favorites") : isolated(group);
function bookName(one) {
  return one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
}
function sharedBy(one) {
  const owner = t("{owner} shares this address book with you.", { owner: isolated(one.owner) });
  return `${owner} ${one.writable ? t("You can edit contacts.") : t("You can only view it.")}`;
}
var writable = (books, book) => books.find(({ id }) => id === book)?.writable ?? true;

function drawShelves(place, books, groups, shown3, actions) {
  const row3 = (shelf, name, contacts, one) => {
    const title = t("Edit “{name}”", { name });
    return el("div", { class: "book" }, el("button", { class: "book-open", type: "button", "aria-pressed": String(shelf.book === shown3.book && shelf.group === shown3.group), data: { book: String(shelf.book), group: shelf.group }, onclick: () => actions.choose(shelf) }, el("bdi", { dir: "auto" }, name), one !== void 0 && one.guests > 0 && el("span", { class: "book-sign", title: t("Shared") }, sign(users)), el("small", {}, String(contacts))), one !== void 0 && el("button", { class: "btn icon small", type: "button", title, "aria-label": title, onclick: () => actions.changeBook(one) }, sign(ellipsis)));
  };
  const sum = books.reduce((all, one) => all + one.contacts, 0);
  fill(place, el("div", { role: "group", "aria-label": t("Address books") }, listHead(t("Address books"), t("New address book"), () => actions.changeBook(null)), row3({ book: 0, group: "" }, t("All contacts"), sum), row3({ book: 0, group: starred }, groupName(starred), groups.find(({ name }) => name === starred)?.contacts ?? 0), [...books].sort(byOwner).map((one) => row3({ book: one.id, group: "" }, bookName(one), one.contacts, one))), el("div", { role: "group", "aria-label": t("Groups") }, listHead(t("Groups"), t("New group"), () => actions.addGroup()), groups.filter(({ name }) => name !== starred).sort((a, b) => byName(a.name, b.name)).map(({ name, contacts }) => row3({ book: 0, group: name }, groupName(name), contacts))));
}

var written2 = /^(\d{4}|-)-(\d\d)-(\d\d)$/;
var leap = 2e3;
function dateInWords(text2) {
  const match = written2.exec(text2);
  if (match === null) return text2;
  const [year, month, day2] = match.slice(1).map(Number);
  const date = new Date(leap, month - 1, day2);
  if (Number.isNaN(year)) return formatted(date, "yearless", { day: "numeric", month: "long" });
  date.setFullYear(year);
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}

var kinds = [["", t("Other")], ["home", t("Private")], ["work", t("Work")], ["mobile", t("Mobile")], ["fax", t("Fax")], ["pager", meant("phone", "Pager")]];
var places = kinds.slice(0, 3);
var kindName = (kind) => kinds.find(([name]) => name === kind)?.[1] ?? kind;

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

function face(base, photo, name, key2) {
  return el("span", { class: `disc person-disc c${hue(key2)}`, "aria-hidden": "true" }, photo === "" ? initials(name) : el("img", { src: `${base}photo/${photo}`, alt: "", loading: "lazy" }));
}

var topics = { anniversary: meant("contact", "Anniversary"), birthday: meant("contact", "Birthday"), birthplace: t("Place of birth"), calendar: t("Calendar"), chat: meant("contact", "Chat"), contact: t("Contact form"), date: t("Date"), death: t("Date of death"), deathplace: t("Place of death"), directory: meant("contact", "Directory"), expertise: meant("contact", "Expertise"), gender: meant("contact", "Gender"), group: t("Group"), hobby: meant("contact", "Hobby"), interest: meant("contact", "Interest"), key: meant("contact", "Encryption key"), language: t("Language"), location: t("Location"), logo: meant("contact", "Logo"), member: meant("contact", "Member"), nickname: meant("contact", "Nickname"), photo: meant("contact", "Photo"), profile: meant("contact", "Profile"), pronouns: meant("contact", "Pronouns"), pronunciation: meant("contact", "Pronunciation"), related: t("Related person"), role: meant("contact", "Role"), sound: meant("contact", "Sound"), title: t("Job title"), website: meant("contact", "Website"), zone: t("Time zone") };
function addressLines(one) {
  const city = [one.code, one.city].filter(Boolean).join(" ");
  return [one.street, one.extended, one.box, city, one.region, one.country].filter((line) => line !== "");
}
function linked(text2) {
  const url = URL.canParse(text2) ? new URL(text2) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return isolated(text2);
  const shown3 = text2.replace(/^https?:\/\//, "").replace(/\/$/, "");
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, isolated(shown3));
}
function drawCard(base, card, books, actions, history) {
  const { form: form3 } = card;
  const details = form3.details;
  const book = books.find(({ id }) => id === card.book_id);
  const writable2 = book?.writable ?? true;
  const addresses = form3.emails.map(({ value }) => value);
  const button = (words, icon2, run, kind = "btn") => el("button", { class: kind, type: "button", onclick: run }, sign(icon2), el("span", {}, words));
  const lines = (label, values) => values.length > 0 && el("div", { class: "card-line" }, el("dt", {}, label), values.map(([value, kind]) => el("dd", {}, el("bdi", { class: "card-value", dir: "auto" }, value), kind !== "" && [" ", el("small", {}, kind)])));
  const line = (label, value, kind = "") => value !== "" && lines(label, [[value, kind]]);
  const kindOf = (kind) => kind === "" ? "" : kindName(kind);
  const job = [details.title, form3.organization, details.department].filter((text2) => text2 !== "");
  return el("article", { class: "card", "aria-label": isolated(form3.name) }, el("div", { class: "card-bar", role: "toolbar", "aria-label": t("Contact actions") }, el("button", { class: "btn icon card-back", type: "button", title: t("Back"), "aria-label": t("Back"), onclick: () => actions.back() }, sign(arrowLeft)), addresses.length > 0 && button(t("Write"), mail, () => actions.write(addresses[0]), "btn soft"), addresses.length > 0 && button(t("Show mail"), search, () => actions.mails()), writable2 && button(t("Edit"), pencil, () => actions.edit()), writable2 && el("button", { class: "btn", type: "button", onclick: (event) => actions.groups(event.currentTarget) }, sign(users), el("span", {}, t("Groups"))), books.some((one) => one.writable && one.id !== card.book_id) && el("button", { class: "btn card-copy", type: "button", onclick: () => actions.copy() }, t("Copy to…")), writable2 && starButton(card.starred, () => actions.star())), el("div", { class: "card-page" }, el("header", { class: "card-top" }, face(base, card.photo, form3.name, addresses[0] ?? form3.name), el("div", {}, el("h2", {}, el("bdi", { dir: "auto" }, isolated(form3.name))), job.length > 0 && el("p", {}, job.map(isolated).join(", ")), form3.groups.length > 0 && el("p", { class: "card-groups" }, form3.groups.map((name) => el("button", { class: "chip", type: "button", onclick: () => actions.openGroup(name) }, isolated(name)))))), !writable2 && book !== void 0 && el("p", { class: "hint" }, sharedBy(book)), el("dl", { class: "card-facts" }, lines(t("Email"), form3.emails.map(({ value, kind }) => [el("button", { class: "card-link", type: "button", onclick: () => actions.write(value) }, isolated(value)), kindOf(kind)])), lines(t("Phone"), form3.phones.map(({ value, kind }) => [el("a", { href: `tel:${value.replace(/[^\d+*#]/g, "")}` }, isolated(value)), kindOf(kind)])), lines(meant("contact", "Address"), details.addresses.map((one) => [addressLines(one).map((text2, at) => [at > 0 && el("br"), isolated(text2)]), kindOf(one.kind)])), line(topics.nickname, isolated(details.nickname)), line(topics.birthday, dateInWords(details.birthday)), lines(topics.website, details.websites.map(({ value, kind }) => [linked(value), kindOf(kind)])), card.further.map(({ topic, label, value }) => line(topic === "other" ? isolated(label) : topics[topic], value === "" ? t("Included in this contact") : linked(said(topic, value)), topic === "other" ? "" : isolated(label))), line(t("Note"), form3.note === "" ? "" : el("span", { class: "card-note" }, isolated(form3.note))), books.length > 1 && book !== void 0 && line(t("Address book"), bookName(book))), history));
}
function starButton(on, run) {
  const title = on ? t("Remove from favorites") : t("Add to favorites");
  return el("button", { class: "btn icon card-star", type: "button", title: `${title} (s)`, "aria-label": title, data: { on: String(on) }, onclick: run }, sign(star));
}
function said(topic, value) {
  if (topic === "gender") return { F: meant("gender", "Female"), M: meant("gender", "Male"), O: meant("gender", "Other") }[value] ?? value;
  return dateInWords(value);
}

var [others, han] = ["#", "漢"];
var initials2 = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
var lowest = 14;
var collator2;
function headOf(name) {
  const first = [...name.trim().normalize("NFKD")].find((char) => !/\p{M}/u.test(char)) ?? "";
  const code = first.codePointAt(0) ?? 0;
  if (/\p{Script=Han}/u.test(first)) return han;
  if (!/\p{L}/u.test(first)) return others;
  if (code >= 4352 && code < 4352 + initials2.length) return initials2[code - 4352];
  if (code >= 12449 && code <= 12534) return String.fromCodePoint(code - 96);
  collator2 ??= new Intl.Collator(locale(), { sensitivity: "base" });
  const [whole] = name.trim().normalize("NFC");
  const letter = whole !== void 0 && /\p{L}/u.test(whole) && collator2.compare(whole, first) !== 0 ? whole : first;
  return [...letter.toLocaleUpperCase(locale())][0];
}
var inOrder = (heads) => [...new Set(heads)].sort((a, b) => Number(b === others) - Number(a === others) || byName(a, b));
function letterStrip(jump, enter) {
  let heads = [];
  let at = 0;
  const root = el("div", { class: "letters", role: "slider", tabindex: "0", "aria-label": t("Jump to a letter"), "aria-orientation": "vertical", "aria-valuemin": "0", hidden: true });
  const tell = () => {
    root.ariaValueMax = String(heads.length - 1);
    root.ariaValueNow = String(at);
    root.ariaValueText = heads[at] ?? "";
  };
  const go = (to) => {
    const next = Math.max(0, Math.min(heads.length - 1, to));
    at = next;
    tell();
    void jump(heads[at]);
  };
  const thin = () => {
    const every = Math.max(1, Math.ceil(heads.length * lowest / Math.max(1, root.clientHeight)));
    for (const [n, one] of [...root.children].entries()) one.classList.toggle("left-out", n % every !== 0);
  };
  new ResizeObserver(thin).observe(root);
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const typed = event.key.length === 1 ? heads.indexOf(headOf(event.key)) : -1;
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, PageDown: at + 5, PageUp: at - 5, Home: 0, End: heads.length - 1 }[event.key];
    if (to !== void 0) go(to);
    else if (typed >= 0) go(typed);
    else if (event.key === "Enter") enter(heads[at]);
    else return;
    event.preventDefault();
  });
  const point = (event) => {
    const { top, height } = root.getBoundingClientRect();
    const to = Math.floor((event.clientY - top) / height * heads.length);
    if (event.type === "pointerdown" || to !== at) go(to);
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    point(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && point(event));
  return { root, draw: (now) => {
    const before = heads[at];
    heads = now;
    at = Math.max(0, now.indexOf(before ?? ""));
    root.hidden = now.length < 2;
    fill(root, now.map((head) => el("span", {}, head)));
    tell();
    thin();
  } };
}

var people_default = '.people-tools{display:flex;flex-wrap:wrap;align-items:center;gap:8px;padding:12px 16px;border-bottom:1px solid var(--border-color)}.people-tools:empty{display:none}.people-tools h2{flex:1 0 100%;font-size:18px;overflow-wrap:anywhere}.people-acts{display:flex;flex-wrap:wrap;gap:8px}.people-tools .btn{min-height:34px}.people-chosen{flex:1}.people-shelves{display:flex;flex-direction:column;gap:14px}.person-disc{width:32px;height:32px;font-size:12px;overflow:hidden}.person-disc img{width:100%;height:100%;object-fit:cover}.person{position:relative;display:flex;align-items:center;border-bottom:1px solid var(--border-color)}.person:not([data-head=""]){flex-wrap:wrap}.person:not([data-head=""])::before{content:attr(data-head);flex:1 0 100%;padding:4px 16px;border-bottom:1px solid var(--border-color);background:var(--background);color:var(--color-mild);font-size:13px;font-weight:600;line-height:20px}.person>:is(.person-box,.person-open):hover{background:none}.person:hover{background:var(--button-hover-background)}.person:has([aria-current]){background:var(--message-active-background)}.person-box{position:relative;flex:none;width:48px;min-height:56px;padding:0;padding-inline-start:16px;border:0;background:none;color:inherit}.person-box>svg{position:absolute;inset-block-start:50%;inset-inline-start:16px;width:32px;height:32px;padding:7px;border-radius:50%;background:var(--accent);color:var(--background);opacity:0;translate:0 -50%}.person-box[aria-checked=true]>svg{opacity:1}.person-star{position:absolute;inset-block-start:10px;inset-inline-end:16px}.person-star svg,.card-star[data-on=true] svg{fill:currentColor;color:var(--accent)}.person-star svg{width:14px;height:14px}.person:has(.person-star) .person-name{padding-inline-end:22px}.card-bar .card-star{margin-inline-start:auto}.person-leave{flex:none;margin-inline-end:8px}.person-open{position:relative;flex:1;min-width:0;min-height:56px;padding:8px 16px;padding-inline-start:12px;border:0;border-radius:0;background:none;color:inherit;text-align:start}.person-open:focus-visible{outline-offset:-2px}.person-name,.person-facts{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.person-name{font-weight:600}.person-facts{color:var(--color-mild);font-size:13px}.people-page{grid-template-columns:clamp(260px,32%,375px) minmax(0,1fr)}.people-page>.place-head{grid-column:1 / -1}@media(min-width:701px){.people-page>.place-head{display:grid;grid-template-columns:subgrid;gap:0;padding:0}.people-page>.place-head .search{width:auto;margin-inline:16px}.people-page>.place-head h1{margin-inline:16px}}.people-main,.letters{grid-area:2 / 1}.people-main:has(+.letters:not([hidden])){padding-inline-end:24px}.letters{z-index:1;display:flex;flex-direction:column;justify-self:end;width:24px;padding:8px 0;color:var(--color-mild);font-size:11px;line-height:14px;text-align:center;cursor:pointer;touch-action:none;user-select:none}.letters[hidden]{display:none}.letters span{flex:1 1 0;display:grid;place-content:center;min-height:0}.letters .left-out{visibility:hidden}.people-main{padding-bottom:60px;border-inline-end:1px solid var(--border-color);overflow-y:auto}.people-main>.hint:not(.place-empty){padding:8px 16px;border-bottom:1px solid var(--border-color)}.people-main>.place-empty{display:block;color:var(--color);font-size:15px}.people-main>.btn{margin:12px 16px}.people-reading{grid-area:2 / 2;min-width:0;overflow-y:auto}.people-reading>.place-empty{align-content:center;height:100%}.card-bar{position:sticky;top:0;z-index:1;display:flex;align-items:center;gap:8px;min-height:52px;padding:0 16px;border-bottom:1px solid var(--border-color);background:var(--background)}.card-bar .btn:not(.icon){display:inline-flex;align-items:center;gap:6px;min-width:0;min-height:36px;padding:0 12px;border:0;background:none}.card-bar .btn.soft{background:var(--mailbox-active-background)}.card-bar .btn:hover:not(:disabled){background:var(--button-hover-background)}.place-view .card-bar .card-back{display:none}.card-page{max-width:760px;padding:20px 24px 60px}.card-top{display:flex;align-items:center;gap:20px;margin-bottom:20px}.card-top .person-disc{flex:none;width:88px;height:88px;font-size:28px}.card-top>div{min-width:0}.card-top h2{font-size:26px;line-height:32px;overflow-wrap:anywhere}.card-top p{margin:4px 0 0;overflow-wrap:anywhere}.card-groups{display:flex;flex-wrap:wrap;gap:6px}.card-groups .chip{max-width:100%;min-height:24px;padding:2px 10px;border:0;border-radius:6px;background:var(--mailbox-active-background);font-size:13px;overflow:hidden;text-overflow:ellipsis}.card-facts{margin:0}.card-line{display:grid;grid-template-columns:120px minmax(0,1fr);column-gap:16px;padding:10px 0 4px;border-top:1px solid var(--border-color)}.card-line dt{grid-row:1 / span 50;color:var(--color-mild);font-size:13px;line-height:22px;overflow-wrap:anywhere}.card-line dd{grid-column:2;margin:0;padding-bottom:6px;line-height:22px;overflow-wrap:anywhere}.card-line dd small{margin-inline-start:8px;color:var(--color-milder);font-size:13px}.card-link{padding:0;border:0;background:none;color:var(--link-color);text-align:start;text-decoration:underline;white-space:normal;overflow-wrap:anywhere}.card-line a:visited{color:var(--link-color)}.card-between{margin-top:12px;padding:14px 16px;border-radius:10px;background:var(--background-mild)}.card-between h3{font-size:15px}.card-between h4{margin:12px 0 4px;color:var(--color-mild);font-size:13px}.card-between ul{margin:0;padding:0;list-style:none}.between-all{display:inline-block;line-height:24px}.between-row{display:grid;grid-template-columns:96px minmax(0,1fr) auto;gap:12px;align-items:center;min-height:32px;color:inherit;text-decoration:none}.between-row:visited{color:inherit}.between-row:hover bdi{text-decoration:underline}.between-row bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.between-row :is(time,small){color:var(--color-mild);font-size:13px}.card-note{white-space:pre-wrap}@media(max-width:900px){.card-bar .btn:not(.icon){flex:1 1 0;flex-direction:column;justify-content:center;gap:2px;min-height:48px;padding:4px 0;font-size:12px;line-height:14px;white-space:normal;overflow-wrap:anywhere}}@media(max-width:700px){.people-page{grid-template-columns:minmax(0,1fr)}.people-main{border:0}.letters{padding-bottom:88px}.people-page:not(.reading)>.people-reading,.people-page.reading>:is(.place-head,.people-main,.letters,.compose-round){display:none}.people-page.reading>.people-reading{grid-area:1 / 1 / -1 / -1}.card-bar{gap:2px;min-height:56px;padding:0 8px}.place-view .card-bar .card-back{display:inline-flex}.place-view .card-bar :is(.card-back,.card-star),.people-main .person-leave{width:44px;height:44px}.card-page{padding:16px 16px 80px}.card-top{gap:14px}.card-top .person-disc{width:64px;height:64px;font-size:20px}.card-line{grid-template-columns:minmax(0,1fr)}.card-line dt,.card-line dd{grid-area:auto}.between-row{min-height:44px}.card-groups .chip,.people-tools .btn{min-height:44px}.card-groups{gap:0;margin-inline-start:-6px}.card-groups .chip{border:6px solid transparent;border-radius:12px;background-clip:padding-box}.card-link,.between-all,.card-line a{display:inline-block;padding-block:11px;line-height:22px}}.book{display:flex;align-items:center;border-radius:var(--r-md)}.book:hover{background:var(--button-hover-background)}.book:has([aria-pressed=true]){background:var(--message-active-background)}.book-open{flex:1;display:flex;align-items:center;gap:8px;min-width:0;min-height:34px;padding:0 8px;border:0;background:none;color:inherit;font:inherit;text-align:start;cursor:pointer}.book-open[aria-pressed=true]{font-weight:600}.book-open bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.book-open small{margin-inline-start:auto;color:var(--muted);font-size:var(--t-sm);font-variant-numeric:tabular-nums}.book-sign{flex:none;display:inline-flex;color:var(--muted)}.book-sign svg{width:14px;height:14px}@media(max-width:700px){.book-open{min-height:44px}.people-page .place-head .search{order:1}}.people-files .mailbox-open{justify-content:start;padding:4px 8px}.people-files a{color:inherit;text-decoration:none}\n';

adopt(people_default);
var form2 = (page) => page.load("person");
var [few, most4] = [100, 1e3];
var opened = null;
function openPage(page) {
  opened ??= makePage(page);
  opened.follow();
}
function placeIn(hash) {
  const match = /^#people:(\d*)(?:,(\d*))?(?:,(.+))?$/.exec(hash);
  if (match === null) return null;
  return { book: Number(match[1]), contact: Number(match[2] ?? 0), group: decodeURIComponent(match[3] ?? "") };
}
function makePage(page) {
  const search2 = searchField(t("Search contacts"), () => void load2(true), () => list3.querySelector("button")?.focus());
  const file = el("input", { type: "file", accept: ".vcf,.csv,.zip,text/vcard,text/csv", hidden: true });
  const words = t("New contact");
  const adding = (kind, ...label) => el("button", { class: kind, type: "button", "aria-label": words, title: words, onclick: () => void begin() }, label);
  const add = adding("primary place-new", sign(plus), el("span", {}, words));
  const round = adding("compose-round", sign(plus));
  const side = el("div", { class: "people-shelves" });
  const lists = listsButton(t("Address books"));
  const tools = el("div", { class: "people-tools" });
  const list3 = el("div", { role: "list", "aria-label": meant("place", "Contacts") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  const strip = letterStrip((head) => jump(head), (head) => at(head)?.querySelector(".person-open")?.focus());
  const reading = el("div", { class: "people-reading" });
  const save = (form22, name) => exportLink(page, `contacts.${form22}`, name, "mailbox-open");
  const tool = (label, run) => el("button", { class: "mailbox-open", type: "button", onclick: run }, label);
  const tidy = el("div", { class: "people-files", role: "group", "aria-label": t("Import and export") }, tool(t("Find duplicates…"), () => opening(async () => (await page.load("doubles")).showDoubles(page, books, anew))), tool(t("Deleted contacts…"), () => void showDeleted(page.client, "contact", () => anew())), tool(t("Import…"), () => file.click()), save("vcf", t("Export as vCards")), save("csv", t("Export as CSV")), archiveLink(page, "mailbox-open"), file);
  const place = { name: "people", title: meant("place", "Contacts"), side: el("div", { class: "place-side people-side" }, add, lists, el("div", { class: "side-lists" }, side, tidy)), view: el("section", { class: "place-view people-page", "aria-label": meant("place", "Contacts") }, el("header", { class: "place-head" }, sideButton(page), search2.root, el("h1", {}, meant("place", "Contacts"))), el("div", { class: "people-main" }, tools, state, list3, more), strip.root, reading, round) };
  const opening = (work) => void attempt(t("Loading…"), t("Couldn't load contacts"), work);
  const grouping = (work) => opening(async () => work(await page.load("group")));
  let books = [];
  let groups = [];
  let shelf = { book: 0, group: "" };
  let shown3 = [];
  const selected = /* @__PURE__ */ new Set();
  let read2 = 0;
  let card = null;
  let history;
  let after = 0;
  let letters = [];
  let turn = 0;
  const fetch2 = async (whole, least = few) => {
    const own = ++turn;
    const wanted = search2.input.value.trim();
    const { book, group } = shelf;
    const size2 = Math.min(most4, Math.max(few, least));
    let found = await page.client.contacts(wanted, group, whole ? 0 : after, book, size2);
    const { letters: all2 } = found;
    const pages = [...whole ? [] : shown3, ...found.contacts];
    while (whole && found.more && pages.length < least && own === turn) {
      found = await page.client.contacts(wanted, group, pages.at(-1).id, book, size2);
      pages.push(...found.contacts);
    }
    await released(list3);
    if (own !== turn) return;
    after = found.contacts.at(-1)?.id ?? 0;
    shown3 = pages.sort((a, b) => byName(a.name, b.name));
    if (whole) letters = all2;
    const heads = shown3.map(({ name }) => headOf(name));
    await redraw(list3, () => fill(list3, shown3.map((one, n) => row2(page, one, books, shelf, heads[n] === heads[n - 1] ? "" : heads[n], rows))));
    strip.draw(shown3.length < 10 ? [] : inOrder([...letters.map(headOf), ...heads]));
    mark2();
    more.hidden = !found.more;
    const number = wanted === "" ? found.total : shown3.length;
    state.textContent = found.total === 0 ? t("No contacts yet. Add one or import a file from your phone or another mail app.") : shown3.length > 0 ? group !== "" || wanted !== "" && found.more ? "" : many(number, "{n} contact", "{n} contacts") : group === "" || wanted !== "" ? t("No matching contacts") : group === starred ? t("No favorites yet. To add one, open a contact and click the star.") : t("No contacts in this group");
    state.hidden = state.textContent === "";
    state.classList.toggle("place-empty", shown3.length === 0);
  };
  const load2 = (whole) => attempt(t("Loading…"), t("Couldn't load contacts"), () => fetch2(whole));
  const at = (head) => list3.querySelector(`[data-head="${CSS.escape(head)}"]`);
  let jumping = 0;
  const jump = (head) => {
    const own = ++jumping;
    return attempt(t("Loading…"), t("Couldn't load contacts"), async () => {
      while (at(head) === null && !more.hidden && own === jumping) await fetch2(false, most4);
      if (own === jumping) at(head)?.scrollIntoView({ block: "start" });
    });
  };
  const tell = () => {
    const { book, group } = shelf;
    const more2 = group === "" ? "" : `,${encodeURIComponent(group)}`;
    page.tellAddress(`#people:${book || ""}${read2 > 0 || more2 !== "" ? `,${read2 || ""}` : ""}${more2}`, card === null ? "" : isolated(card.form.name));
  };
  const mark2 = () => {
    for (const one of list3.querySelectorAll(".person")) {
      const id = Number(one.dataset.contact);
      const [box, open2] = one.querySelectorAll("button");
      box.ariaChecked = String(selected.has(id));
      if (id === read2) open2.setAttribute("aria-current", "true");
      else open2.removeAttribute("aria-current");
    }
  };
  const rows = { open: (id) => void open(id), select: (id) => {
    if (!selected.delete(id)) selected.add(id);
    mark2();
    drawTools();
  }, leave: (one) => grouping((part) => part.leave(page, shelf.group, one, anew)) };
  const drawTools = () => {
    const giveBack = holdPlace(tools);
    const { group } = shelf;
    const ids = [...selected];
    const button = (words2, run, kind = "btn line") => el("button", { class: kind, type: "button", onclick: (event) => run(event.currentTarget) }, words2);
    fill(tools, ids.length > 0 ? [el("span", { class: "people-chosen" }, t("{n} selected", { n: ids.length })), button(t("Groups"), (anchor) => grouping((part) => part.chooseGroup(page, anchor, ids, null, groups, regrouped))), button(t("Clear"), () => {
      selected.clear();
      mark2();
      drawTools();
      list3.querySelector(".person-open")?.focus();
    })] : group !== "" && [el("h2", {}, el("bdi", { dir: "auto" }, groupName(group))), group !== starred && el("div", { class: "people-acts", role: "toolbar", "aria-label": t("Group actions") }, button(t("Email all"), () => grouping((part) => part.writeToAll(page, group)), "btn soft"), button(t("Add people…"), () => grouping((part) => part.addPeople(page, group, anew))), button(t("Rename…"), () => grouping((part) => part.rename(page, group, moved))), button(t("Delete group"), () => grouping((part) => part.remove(page, group, moved))))]);
    giveBack();
  };
  const changeStar = (now) => writable(books, now.book_id) && void attempt(t("Saving…"), t("Couldn't update favorites"), async () => {
    await page.client.contacts_group([now.id], starred, !now.starred);
    await anew();
  });
  const regrouped = () => {
    selected.clear();
    drawTools();
    return anew();
  };
  const moved = (group) => {
    shelf = { book: 0, group };
    read2 = 0;
    tell();
    return anew();
  };
  const change = (now) => void attempt(t("Loading…"), t("Couldn't open contact"), async () => {
    const done = await (await form2(page)).edit(page, books, now, void 0, 0, () => void anew());
    if (done === "removed") close();
    if (done !== null) await anew();
  });
  const drawReading = () => {
    place.view.classList.toggle("reading", read2 > 0);
    const now = card;
    const emails = now?.form.emails.map(({ value }) => value) ?? [];
    if (now === null) history = void 0;
    else if (history?.addresses !== emails.join(" ")) history = { addresses: emails.join(" "), root: between(page, emails) };
    fill(reading, now === null ? read2 === 0 && emptyPlace({ title: t("No contact selected") }) : drawCard(page.base, now, books, { back: close, write: (address) => page.compose("new", mailto(now.form.name, address)), mails: () => openSearch(mailSearch(emails)), edit: () => change(now), openGroup: (group) => choose({ book: 0, group }), groups: (anchor) => grouping((part) => part.chooseGroup(page, anchor, [now.id], now.form.groups, groups, anew)), star: () => changeStar(now), copy: () => {
      const others2 = books.filter((one) => one.writable && one.id !== now.book_id);
      void attempt(t("Loading…"), t("Couldn't open contact"), async () => {
        if (await (await form2(page)).copyTo(page, now, others2)) await anew();
      });
    } }, history.root));
  };
  const fetchCard = async () => {
    const own = read2;
    let found = null;
    try {
      if (own > 0) found = await page.client.contact(own);
    } catch (error) {
      if (codeOf(error) !== "user:notFound") throw error;
    }
    await released(reading);
    if (own !== read2) return;
    card = found;
    if (found !== null) tell();
    if (found === null && own > 0) {
      read2 = 0;
      tell();
      mark2();
    }
    await redraw(reading, drawReading);
  };
  const open = async (id) => {
    read2 = id;
    card = null;
    tell();
    mark2();
    drawReading();
    if (!await attempt(t("Loading…"), t("Couldn't open contact"), fetchCard)) close();
    else if (phone.matches) reading.querySelector("button")?.focus();
    else reading.scrollTop = 0;
  };
  const close = () => {
    const id = read2;
    read2 = 0;
    card = null;
    tell();
    mark2();
    drawReading();
    list3.querySelector(`[data-contact="${id}"] .person-open`)?.focus();
  };
  const choose = (wanted) => {
    shelf = wanted;
    if (lists.ariaExpanded === "true") lists.click();
    else if (document.body.classList.contains("show-side")) page.openSide();
    read2 = 0;
    card = null;
    selected.clear();
    tell();
    draw();
    drawReading();
    void load2(true);
  };
  const draw = () => {
    add.hidden = round.hidden = !writable(books, shelf.book);
    const giveBack = holdPlace(side);
    drawShelves(side, books, groups, shelf, { choose, changeBook: (one) => opening(async () => {
      const part = await page.load("book");
      await (one === null || one.owner === "" ? part.change(page.client, one, anew) : part.about(one));
    }), addGroup: () => grouping((part) => part.addGroup(page, [], moved)) });
    giveBack();
    drawTools();
  };
  const anew = async () => {
    await attempt(t("Loading…"), t("Couldn't load contacts"), () => all());
  };
  const all = async (least = 0) => {
    const [found, named] = await Promise.all([page.client.address_books(), page.client.contact_groups()]);
    await released(side);
    [books, groups] = [found, named];
    shelf = { book: books.find(({ id }) => id === shelf.book)?.id ?? 0, group: shelf.group === starred || groups.some(({ name }) => name === shelf.group) ? shelf.group : "" };
    draw();
    await Promise.all([fetch2(true, least), fetchCard()]);
  };
  const live = follow(() => all(shown3.length), (failed) => {
    if (failed) state.textContent = t("Couldn't load the latest changes. Trying again…");
  });
  addEventListener("contacts", () => place.view.isConnected && live.changed());
  addEventListener("keydown", (event) => {
    const target = focusedBy(event);
    if (!place.view.isConnected || event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (document.querySelector("dialog:modal, .menu") !== null || target.closest("input, select, textarea, .composer") !== null) return;
    const row22 = target.closest(".person");
    if (event.key === "Escape" && selected.size > 0) {
      selected.clear();
      mark2();
      drawTools();
    } else if (event.key === "Escape" && read2 > 0) close();
    else if (event.key === "x" && row22 !== null) rows.select(Number(row22.dataset.contact));
    else if (event.key === "s" && card !== null) changeStar(card);
    else if (event.key === "/") search2.input.focus();
    else if (event.key === "c" || event.key === "n") void begin();
    else return;
    event.preventDefault();
  });
  more.addEventListener("click", () => void load2(false));
  const begin = () => attempt(t("Loading…"), t("Couldn't open contact"), async () => {
    const { edit, empty } = await form2(page);
    const first = shelf.group === "" ? empty : { ...empty, groups: [shelf.group] };
    if (await edit(page, books, null, first, shelf.book, () => void anew())) await anew();
  });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen !== void 0) void take(page, chosen).then(anew);
  });
  return { follow: () => {
    const asked = placeIn(location.hash);
    if (asked !== null) shelf = { book: asked.book, group: asked.group };
    read2 = asked?.contact ?? (phone.matches ? 0 : read2);
    if (card?.id !== read2) card = null;
    tell();
    page.openPlace(place);
    mark2();
    drawReading();
    void anew().then(() => {
      if (document.activeElement === place.view) list3.querySelector("button")?.focus({ preventScroll: true });
    });
  } };
}
function row2(page, one, books, shelf, head, actions) {
  const [address] = one.emails;
  const home = shelf.book === 0 && books.length > 1 ? books.find(({ id }) => id === one.book_id) : void 0;
  const facts = [...one.emails, one.organization, home === void 0 ? "" : bookName(home)].filter((text2) => text2 !== "" && text2 !== one.name);
  const name = isolated(one.name);
  const leave = shelf.group === starred ? t("Remove “{name}” from favorites", { name }) : t("Remove “{name}” from this group", { name });
  return el("div", { class: "person", role: "listitem", data: { contact: String(one.id), head } }, el("button", { class: "person-box", type: "button", role: "checkbox", tabindex: "-1", "aria-label": t("Select “{name}”", { name }), title: t("Select (x)"), onclick: () => actions.select(one.id) }, face(page.base, one.photo, one.name, address ?? one.name), sign(check)), el("button", { class: "person-open", type: "button", onclick: () => actions.open(one.id) }, el("span", { class: "person-name" }, el("bdi", { dir: "auto" }, name)), el("span", { class: "person-facts" }, facts.map(isolated).join(" · ")), one.starred && el("span", { class: "person-star", title: groupName(starred) }, sign(star))), shelf.group !== "" && writable(books, one.book_id) && el("button", { class: "btn icon small person-leave", type: "button", title: leave, "aria-label": leave, onclick: () => actions.leave(one) }, sign(x)));
}
function mailto(name, address) {
  const party = name === "" || name === address ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`;
  return `mailto:?to=${encodeURIComponent(party)}`;
}
async function addSender(page, name, address) {
  let books = [];
  let known;
  const looked = await attempt(t("Loading…"), t("Couldn't load contacts"), async () => {
    books = await page.client.address_books();
    const { contacts } = await page.client.contacts(address);
    known = contacts.find(({ emails }) => emails.some((one) => one.toLowerCase() === address.toLowerCase()));
  });
  if (known !== void 0) {
    location.hash = `people:,${known.id}`;
    return;
  }
  if (!looked) return;
  await attempt(t("Loading…"), t("Couldn't open contact"), async () => {
    const { edit, empty } = await form2(page);
    const first = { ...empty, name: name || address, emails: [{ value: address, kind: "" }] };
    await edit(page, books, null, first);
  });
}
function take(page, file) {
  return importFile(page, file, t("Importing…"), t("Couldn't import contacts"), (uploadID) => page.client.contacts_import(uploadID), (added) => many(added, "{n} entry added", "{n} entries added"));
}
export {
  addSender,
  openPage
};
