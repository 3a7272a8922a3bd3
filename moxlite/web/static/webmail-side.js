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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}

var mirrored = () => document.documentElement.dir === "rtl";
function along(key2) {
  if (!mirrored()) return key2;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key2] ?? key2;
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

var calendarClock = "M16 14v2.2l1.6 1 M16 2v4 M21 7.5V6a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h3.5 M3 10h5 M8 2v4 M10 16a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z";
var paperclip = "M16 6l-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551";
var x = "M18 6 6 18 M6 6l12 12";

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

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
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

var [quiet2, week2] = [300, 7 * 864e5];
var [mostRows, mostForms] = [100, 50];
var kinds = "form, [data-form]";
var apart = ".login *, .login, .composer *, [role=search], .filter, [data-fleeting]";
var fields = "input, select, textarea";
var never = ["password", "file", "hidden", "submit", "button", "search", "reset", "image"];
var worded = ["text", "textarea", "url", "email", "tel", "div", "span"];
var kindOf = (part) => "type" in part ? String(part.type) : part.tagName.toLowerCase();
function isSecret(part) {
  const hint = part.getAttribute("autocomplete") ?? "";
  return never.includes(kindOf(part)) || /-password|one-time|cc-/.test(hint) || part.closest("[data-secret]") !== null;
}
function partsOf(form) {
  const parts = /* @__PURE__ */ new Map();
  const counts = /* @__PURE__ */ new Map();
  for (const part of form.querySelectorAll(`${fields}, [data-rows], [data-kept]`)) {
    const within = part.parentElement?.closest("[data-kept]") ?? null;
    if (within !== null && form.contains(within) || part.matches(fields) && isSecret(part)) continue;
    const label = "labels" in part ? part.labels?.[0]?.textContent : "";
    const name = `${kindOf(part)} ${part.ariaLabel ?? label ?? ""}`;
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    parts.set(`${name} ${n}`, part);
  }
  return parts;
}
function keepOut(field) {
  if (!field.hasAttribute("autocomplete")) field.setAttribute("autocomplete", "off");
}
function valueIn(part) {
  if (part.dataset["kept"] !== void 0) {
    const event = new CustomEvent("keep", { detail: {} });
    part.dispatchEvent(event);
    return event.detail.value;
  }
  if (part.dataset["rows"] !== void 0) return part.childElementCount;
  if (part instanceof HTMLInputElement && ["checkbox", "radio"].includes(part.type)) return part.checked;
  return part.value;
}
var valuesOf = (form) => Object.fromEntries([...partsOf(form)].map(([name, part]) => [name, valueIn(part)]));
var same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
function set(part, value) {
  if (part.dataset["kept"] !== void 0) part.dispatchEvent(new CustomEvent("keep", { detail: { value } }));
  else if (part.dataset["rows"] !== void 0) {
    const add = [...part.parentElement.querySelectorAll("[data-adds]")].at(-1);
    for (let n = part.childElementCount; n < Math.min(Number(value), mostRows); n++) add?.click();
  } else {
    if (part instanceof HTMLInputElement && ["checkbox", "radio"].includes(part.type)) part.checked = value === true;
    else part.value = String(value);
    for (const kind of ["input", "change"]) part.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}
function put(form, values) {
  for (let turn = 0; turn < 2; turn++) for (const [name, value] of Object.entries(values)) {
    const part = partsOf(form).get(name);
    if (part !== void 0 && !same(valueIn(part), value)) set(part, value);
  }
}
function nameOf(form, begun) {
  const box = form.closest("dialog");
  const words = Object.entries(begun).filter(([name, value]) => worded.includes(name.split(" ")[0]) && value !== "" && !same(value, []));
  const beside = [...(box ?? document).querySelectorAll(kinds)].indexOf(form);
  return JSON.stringify([box?.ariaLabel ?? here(), form.className, beside, words]);
}
var here = () => location.hash.replace(/\?.*/, "");
var placeOf = (form) => form.closest("dialog") === null ? here() : null;
function keepForms(app) {
  const key2 = `${app}-unsaved`;
  const begun = /* @__PURE__ */ new WeakMap();
  const changed = /* @__PURE__ */ new Map();
  const left = /* @__PURE__ */ new Map();
  let [timer, filling, out, last] = [0, false, false, ""];
  const store = () => localStorage.getItem(`${app}-stays`) === null ? sessionStorage : localStorage;
  const owner = () => last = localStorage.getItem(`${app}-address`) ?? last;
  function load() {
    try {
      const { owner: whose, forms } = JSON.parse(store().getItem(key2) ?? "");
      if (whose !== owner()) return {};
      const recent = Object.entries(forms).filter(([, entry]) => Date.now() - entry.at < week2);
      return Object.fromEntries(recent.sort(([, a], [, b]) => a.at - b.at).slice(-mostForms));
    } catch {
      return {};
    }
  }
  function change(work) {
    const forms = load();
    work(forms);
    try {
      if (Object.keys(forms).length === 0) store().removeItem(key2);
      else store().setItem(key2, JSON.stringify({ owner: owner(), forms }));
    } catch {
    }
  }
  (store() === localStorage ? sessionStorage : localStorage).removeItem(key2);
  change(() => {
  });
  const drop = (name) => change((forms) => delete forms[name]);
  function keep() {
    clearTimeout(timer);
    if (out) return;
    change((forms) => {
      for (const [form, { name }] of changed) if (form.isConnected && form.dataset["unsaved"] !== void 0) forms[name] = { at: Date.now(), values: valuesOf(form), lost: form.dataset["lost"] };
    });
  }
  const kept2 = (form) => form instanceof HTMLElement && !form.matches(apart) && partsOf(form).size > 0;
  function look(form) {
    for (const field of form.querySelectorAll(fields)) keepOut(field);
    const old = begun.get(form);
    if (filling || old === void 0 || form.ariaBusy === "true") return;
    if (Object.entries(valuesOf(form)).every(([name, value]) => same(old.values[name], value))) settle2(form);
    else {
      form.dataset["unsaved"] = "";
      if (!changed.has(form)) changed.set(form, { name: old.name, place: placeOf(form) });
      clearTimeout(timer);
      timer = window.setTimeout(keep, quiet2);
    }
  }
  function settle2(form) {
    delete form.dataset["unsaved"];
    delete form.dataset["lost"];
    form.querySelector(".kept-note")?.remove();
    const named = changed.get(form);
    changed.delete(form);
    if (named !== void 0) drop(named.name);
  }
  function refill(form, values) {
    filling = true;
    put(form, values);
    filling = false;
  }
  function came(form) {
    const old = form.dataset["begun"] === void 0 ? valuesOf(form) : {};
    const name = nameOf(form, old);
    begun.set(form, { name, values: { ...old } });
    const record = load()[name];
    if (record === void 0 || form.dataset["begun"] !== void 0) {
      look(form);
      return;
    }
    refill(form, record.values);
    if (record.lost !== void 0) form.dataset["lost"] = record.lost;
    const discard = () => {
      refill(form, old);
      settle2(form);
    };
    form.prepend(el("p", { class: "hint kept-note", role: "status" }, el("span", {}, t("Not saved")), el("button", { class: "btn text small", type: "button", onclick: discard }, t("Discard"))));
    look(form);
  }
  function grew(form, values) {
    if (form.dataset["begun"] !== void 0) return;
    for (const [name, part] of partsOf(form)) if (!(name in values)) values[name] = valueIn(part);
  }
  function gone(form, { name, place }) {
    const box = form.closest("dialog");
    if (box !== null && left.has(box)) return;
    changed.delete(form);
    if (place === null || form.dataset["unsaved"] === void 0) drop(name);
    else if (form.ariaBusy === "true") {
      const saved = new MutationObserver(() => {
        saved.disconnect();
        gone(form, { name, place });
      });
      saved.observe(form, { attributeFilter: ["aria-busy"] });
    } else if (place !== here()) offer(place);
  }
  function leave(box) {
    keep();
    box.close();
    box.remove();
    const open = () => {
      left.delete(box);
      document.body.append(box);
      box.showModal();
    };
    toast(t("Not saved"), { title: meant("action", "Open"), run: open });
    left.set(box, [...document.querySelectorAll(".toast")].at(-1));
  }
  function end(box) {
    left.delete(box);
    for (const form of changed.keys()) if (box.contains(form)) changed.delete(form);
    const focused = document.activeElement;
    box.dispatchEvent(new Event("cancel", { cancelable: true }));
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus();
  }
  function remind() {
    const titles = Object.keys(load()).map((name) => JSON.parse(name)[0]);
    const dialogs = [...new Set(titles.filter((title) => title !== "" && !title.startsWith("#")))];
    const place = titles.filter((title) => title.startsWith("#") && title !== here()).at(-1);
    if (dialogs.length > 0) toast(t("Unsaved changes: {forms}. Open the form again to continue.", { forms: dialogs.map(isolated).join(", ") }));
    if (place !== void 0) offer(place);
  }
  const offer = (place) => toast(t("Not saved"), { title: meant("action", "Open"), run: () => location.hash = place });
  const formsIn = (box) => [...box?.querySelectorAll(kinds) ?? []];
  for (const kind of ["input", "change", "click", "keyup", "focusout", "paste"]) document.addEventListener(kind, ({ target }) => {
    if (target instanceof Element && target.matches(fields)) keepOut(target);
    const form = target instanceof Element ? target.closest(kinds) : null;
    if (kept2(form)) setTimeout(() => look(form));
  }, true);
  document.addEventListener("saved", ({ target }) => {
    const form = target;
    settle2(form);
    const values = valuesOf(form);
    begun.set(form, { name: nameOf(form, values), values });
  });
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key === "Enter" && target instanceof HTMLSelectElement && target.closest("dialog") !== null) {
      event.preventDefault();
      target.form?.requestSubmit();
    }
    const box = [...document.querySelectorAll("dialog:modal")].at(-1) ?? null;
    if (event.key !== "Escape" || !formsIn(box).some((form) => form.ariaBusy === "true")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("cancel", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLDialogElement) || !box.isConnected) return;
    const forms = formsIn(box);
    for (const form of forms) if (kept2(form)) look(form);
    const busy = forms.some((form) => form.ariaBusy === "true");
    if (!busy && !forms.some((form) => form.dataset["unsaved"] !== void 0)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!busy) leave(box);
  }, true);
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-unsaved]") !== null) event.preventDefault();
  });
  for (const kind of ["leaving", "pagehide", "lost"]) addEventListener(kind, keep);
  addEventListener("storage", (event) => {
    if (event.key !== `${app}-csrf`) return;
    out = event.newValue === null;
    if (out) store().removeItem(key2);
  });
  const seen = () => {
    for (const form of document.querySelectorAll(kinds)) {
      const old = begun.get(form);
      if (old !== void 0) grew(form, old.values);
      else if (kept2(form)) came(form);
    }
    for (const [form, named] of changed) if (!form.isConnected) gone(form, named);
    for (const [box, message] of left) if (!message.isConnected) end(box);
  };
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  seen();
  remind();
}

var placeOfEvent = (id, recurrence) => `,${id}${recurrence && `,${recurrence.replace(/\D/g, "")}`}`;

var key = "moxlite-webmail-panes";
function loadLocal() {
  const found = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return found;
  }
}
function followLocal(changed) {
  addEventListener("storage", (event) => event.key === key && changed(loadLocal()));
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shown2 = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden], :disabled)")];
  const drawn = all.filter((one) => one.getClientRects().length > 0);
  return drawn.length > 0 ? drawn : all;
};
function settle(bar) {
  const all = shown2(bar);
  const stop = all.find((one) => one === document.activeElement) ?? all.find((one) => one.tabIndex === 0 && one.dataset["stop"]) ?? all[0];
  for (const one of bar.querySelectorAll("button")) {
    one.tabIndex = one === stop ? 0 : -1;
    if (one === stop) one.dataset["stop"] = "1";
    else delete one.dataset["stop"];
  }
}
function moveWithin(bar) {
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const all = shown2(bar);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
}

var band_default = '.list-band>:not(.turn){display:none}.list-band>.turn{display:flex;align-items:center;gap:12px;flex:1;min-height:0;margin:0;padding:0 16px;font-size:13px;line-height:18px}.list-band>.search-problems.turn{display:block;align-content:center;padding-block:3px;overflow-y:auto}.list-band p{flex:1;min-width:0;max-height:36px;overflow-y:auto;overflow-wrap:anywhere}.list-band .link{flex:none;min-height:34px;padding:0 4px}.list-band>.list-filters{gap:6px;overflow-x:auto;scrollbar-width:none}@media(min-width:701px)and (max-width:1099px){.list-band>.list-filters{gap:4px}.list-filters .chip.pill{padding-inline:8px;font-size:12px}}@media(max-width:700px){.list-band .link{min-height:44px}.list-filters .chip.pill{position:relative;min-height:32px}.list-filters .chip.pill::before{content:"";position:absolute;inset:-6px 0}}\n';

adopt(band_default);
var urgent = 2;
var ranks = [".offline", ".search-problems", ".list-filters:has([aria-pressed=true])", ".sorting", ".event-news", ".hints", ".list-filters"];
function fillBand(band, desk) {
  const filter = (to, words) => {
    const run = () => desk.refine(desk.refinement() === to ? "" : to);
    return el("button", { class: "chip pill", type: "button", data: { only: to }, onclick: run }, words);
  };
  const filters = el("div", { class: "list-filters", role: "toolbar", "aria-label": t("Show only") }, filter("unread", t("Unread")), filter("people", meant("messages from", "People")), filter("newsletters", t("Newsletters")), filter("attachments", meant("place", "Files")));
  moveWithin(filters);
  band.append(filters);
  const draw = () => {
    for (const one of filters.children) one.ariaPressed = String(one.dataset["only"] === band.dataset["only"]);
    const inbox = band.dataset["inbox"] === "true";
    const present = [...band.children].filter((one) => !one.hidden && (inbox || !one.matches(".event-news")));
    const rank = (one) => ranks.findIndex((selector) => one.matches(selector));
    const next = Math.min(...present.map(rank));
    const now = band.querySelector(":scope > .turn");
    const held = now !== null && present.includes(now) && next >= urgent && band.matches(":hover, :focus-within");
    if (held && rank(now) > next) return;
    for (const one of band.children) one.classList.toggle("turn", present.includes(one) && rank(one) === next);
  };
  const options = { childList: true, subtree: true, attributeFilter: ["hidden", "data-inbox", "data-only"] };
  new MutationObserver(draw).observe(band, options);
  for (const kind of ["pointerleave", "focusout"]) band.addEventListener(kind, () => setTimeout(draw));
  draw();
}

function complete(page) {
  const { client, desk, list, mail } = page;
  keepForms(kept());
  addEventListener("beforeunload", (event) => {
    if (mail.pending.busy) event.preventDefault();
  });
  const done = async () => {
    while (mail.pending.busy) await mail.pending.end();
  };
  addEventListener("reloading", (event) => void event.detail.push(done()));
  oneStop(page.side);
  moveSplitter(page.panes);
  drawOutbox(page);
  drawFiles(page);
  document.addEventListener("auxclick", openBeside);
  fillBand(list.band, desk);
  prepareWriting(desk);
  const extra = (name, run) => void desk.extra(name).then(run);
  if (!(Number(localStorage.getItem("moxlite-webmail-hints")) >= 3)) extra("hints", (found) => found.showHints(list.band));
  extra("sorting", (found) => found.showNotices(client, list.band, desk.facts().account_path));
  extra("eventnews", (found) => found.showEventNews(page, list.band));
  if (navigator.maxTouchPoints > 0) extra("touch", (found) => {
    list.pushable(found);
    found.pulls(list.root, () => page.stream.retry(true));
  });
}
var writingAfter = 1e4;
function prepareWriting(desk) {
  const { client, load } = desk;
  const work = async () => {
    const [words] = await Promise.all([load("words"), load("compose")]);
    await words.begun(client);
  };
  setTimeout(() => work().catch((error) => codeOf(error) || prepareWriting(desk)), writingAfter);
}
function openBeside({ button, target }) {
  const at = target instanceof Element ? target.closest("[data-event], [data-contact]") : null;
  if (button !== 1 || at === null) return;
  const { event, contact } = at.dataset;
  const [id, date = ""] = (event ?? "").split(" ");
  const day = /^#calendar:.*?,\d{8}/.exec(location.hash)?.[0] ?? "";
  window.open(event === void 0 ? `#people:,${contact}` : `${day}${placeOfEvent(Number(id), date)}`);
}
var step = 24;
function moveSplitter(panes) {
  followLocal((local) => panes.set(local));
  const { splitter } = panes;
  const pane = panes.root.querySelector(".middle");
  const list = () => pane.getBoundingClientRect();
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = panes.root;
    if (clientWidth === 0) return;
    const share = panes.below ? list().height / clientHeight : list().width / clientWidth;
    splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }).observe(pane);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { top, left, right } = list();
    panes.resize(panes.below ? event.clientY - top : mirrored() ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener("dblclick", () => panes.set({ ...panes.local, [panes.below ? "height" : "width"]: 0 }));
  splitter.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
    if (by === void 0) return;
    panes.resize((panes.below ? list().height : list().width) + by);
    event.preventDefault();
    event.stopPropagation();
  });
}
function oneStop(side) {
  const controls2 = () => [...side.querySelectorAll("button, input, a")].filter((one) => one.checkVisibility());
  let stop;
  const settle2 = () => {
    const all = controls2();
    if (stop === void 0 || !all.includes(stop)) stop = all.filter((one) => one.ariaCurrent === "page").at(-1) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  side.addEventListener("focusin", (event) => {
    stop = event.target;
    settle2();
  });
  side.addEventListener("keydown", (event) => {
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === void 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const middle = (one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return [(left + right) / 2, (top + bottom) / 2];
    };
    const from = middle(event.target);
    let nearest = Infinity;
    let next;
    for (const one of controls2()) {
      const to = middle(one);
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const ahead = across * dx + down * dy;
      const aside = Math.abs(across) > 0 ? Math.abs(dy) * 9 : Math.abs(dx);
      if (ahead > 4 && ahead + aside / 2 < nearest) [nearest, next] = [ahead + aside / 2, one];
    }
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  new MutationObserver(settle2).observe(side, { childList: true, subtree: true });
  addEventListener("resize", settle2);
  settle2();
}
function drawOutbox({ client, commands, mail, mailboxes }) {
  const row = mailboxes.outbox;
  const number2 = el("span", { class: "mailbox-unread" });
  const title = meant("place", "Outbox");
  const open = el("button", { class: "mailbox-open", title, onclick: () => commands.run("app.waiting") }, sign(calendarClock), el("span", { class: "mailbox-name" }, title), number2);
  fill(row, open);
  let n = 0;
  const draw = () => {
    const shown3 = row.dataset["place"] === title;
    row.classList.toggle("active", shown3);
    row.hidden = n === 0 && !shown3;
    open.ariaCurrent = shown3 ? "page" : null;
    number2.textContent = n === 0 ? "" : t("{n}", { n });
  };
  new MutationObserver(draw).observe(row, { attributeFilter: ["data-place"] });
  const count = async () => {
    n = await client.outbox_count();
    draw();
  };
  const { changed } = follow(count, () => {
  });
  addEventListener("counts", (event) => {
    const of = [mail.boxes.withRole("sent"), mail.boxes.named("Scheduled"), mail.boxes.named("Snoozed")];
    if (of.some((box) => box?.id === event.detail)) dispatchEvent(new Event("departures"));
  });
  for (const name of ["departures", "connected"]) addEventListener(name, changed);
  draw();
  changed();
}
function drawFiles({ mailboxes }) {
  const title = meant("place", "Files");
  const open = el("button", { class: "mailbox-open", title, onclick: () => location.hash = "files:" }, sign(paperclip), el("span", { class: "mailbox-name" }, title));
  const row = el("div", { class: "mailbox" }, open);
  const draw = () => {
    const shown3 = mailboxes.outbox.dataset["place"] === title;
    row.classList.toggle("active", shown3);
    open.ariaCurrent = shown3 ? "page" : null;
  };
  new MutationObserver(draw).observe(mailboxes.outbox, { attributeFilter: ["data-place"] });
  mailboxes.root.after(el("div", { class: "mailboxes" }, row));
  draw();
}
export {
  complete
};
