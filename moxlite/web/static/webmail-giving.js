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
  for (const match2 of written(value).matchAll(scripts)) {
    const piece = match2[0];
    const kind = match2.slice(1, 7).findIndex((group) => group !== void 0) + 1;
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
  const line2 = document.createElementNS(namespace, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var check = "M20 6 9 17l-5-5";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var x = "M18 6 6 18 M6 6l12 12";

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
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
}
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function saved(form2) {
  delete form2.dataset["unsaved"];
  form2.dispatchEvent(new Event("saved", { bubbles: true }));
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
function once(work) {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    const form2 = event.currentTarget;
    form2.ariaBusy = "true";
    void work().finally(() => {
      running = false;
      form2.ariaBusy = null;
    });
  };
}
function differing(old, now) {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => value !== old[name]));
}
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name, text: text2 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name} ${text2}`.trim());
    else places[best].problem(`${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
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

function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text2) => fill(face, sign(path, "i s"), word !== "" && text2);
  const made2 = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made2.addEventListener("click", async () => {
    await toClipboard(value());
    show(check, t("Copied"));
    said.textContent = t("Copied");
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      show(copy, word);
      said.textContent = "";
    }, 2e3);
  });
  show(copy, word);
  return made2;
}
async function toClipboard(value) {
  if (isSecureContext) {
    await navigator.clipboard.writeText(value);
    return;
  }
  const area = el("textarea", { readonly: true, "aria-hidden": "true" });
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
function copyable(value) {
  return el("span", { class: "copy" }, el("code", {}, value), copyButton(() => value));
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var colours_default = '.cal-colours{display:flex;flex-wrap:wrap;gap:10px;margin:12px 0}.dialog .cal-colours :is(input,button){appearance:none;position:relative;width:28px;height:28px;min-height:0;margin:0;padding:0;border:0;border-radius:50%;background:var(--c);cursor:pointer}.dialog .cal-colours [value=""]{background:none;border:2px dashed var(--c)}.dialog .cal-colours :is(:checked,[aria-pressed=true]){box-shadow:0 0 0 3px var(--raised),0 0 0 5px var(--c)}@media(max-width:700px){.cal-colours{gap:16px 10px}.dialog .cal-colours :is(input,button)::before{content:"";position:absolute;inset:-8px -5px}.dialog .cal-colours [value=""]::before{inset:-10px -7px}}\n';

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var dayLength = 864e5;
function dayOf(date) {
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / dayLength);
}
function dateOf(day, minutes = 0) {
  const utc = new Date(day * dayLength);
  return new Date(utc.getUTCFullYear(), utc.getUTCMonth(), utc.getUTCDate(), 0, minutes);
}
var clock = (date) => formatted(date, "event clock", { hour: "numeric", minute: "2-digit" });
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });
var colours = ["#D64A3E", "#D9782A", "#C99A06", "#459C40", "#1A9A8C", "#3A7BD3", "#8C5BCB", "#CD4A92"];
var given = [5, 6, 4, 7, 2, 8, 3, 1];
function colourOf(one, place) {
  return nearest(one.colour) ?? given[place % given.length];
}
function nearest(colour) {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return void 0;
  const parts = (text2) => [1, 3, 5].map((at) => Number.parseInt(text2.slice(at, at + 2), 16));
  const wanted = parts(colour);
  const distances = colours.map((each) => parts(each).reduce((sum, part, at) => sum + (part - wanted[at]) ** 2, 0));
  return distances.indexOf(Math.min(...distances)) + 1;
}

adopt(colours_default);
function offered(inherited) {
  const names = [t("red"), t("orange"), t("yellow"), t("green"), t("teal"), t("blue"), t("purple"), t("pink")];
  return [...inherited === void 0 ? [] : [["", inherited, t("Calendar color")]], ...colours.map((colour, at) => [colour, at + 1, names[at]])];
}
function colourChoice(first, inherited) {
  const boxes = offered(inherited).map(([value, number, name]) => el("input", { type: "radio", name: "colour", value, class: `c${number}`, "aria-label": name, title: name, checked: value === first }));
  return { root: el("div", { class: "cal-colours", role: "radiogroup", "aria-label": t("Color") }, boxes), read: () => boxes.find(({ checked }) => checked)?.value ?? first };
}

function sourceOf(client, one, again) {
  const moment = new Date(one.read * 1e3);
  const problem = el("p", { class: "cal-problem" });
  const left = el("p", { class: "hint" });
  for (const [line2, reason] of [[problem, one.problem], [left, one.left]]) {
    line2.hidden = reason.message === "";
    if (!line2.hidden) void told(reason).then(({ message }) => line2.textContent = message);
  }
  const read2 = el("button", { class: "btn line", type: "button" }, t("Refresh"));
  read2.addEventListener("click", () => {
    read2.disabled = true;
    void attempt(t("Refreshing…"), t("Couldn't refresh calendar"), () => client.calendar_refresh(one.id)).then((done) => {
      if (!done) return;
      problem.hidden = true;
      setStatus(t("The calendar is up to date."));
      return again();
    }).finally(() => read2.disabled = false);
  });
  return el("div", { class: "cal-source" }, el("p", { class: "cal-address" }, el("bdi", { dir: "ltr" }, one.source)), el("p", { class: "hint" }, one.read === 0 ? t("Not refreshed yet") : t("Refreshed hourly, last on {day} at {time}", { day: shortDay(dayOf(moment)), time: clock(moment) })), problem, left, read2);
}
async function subscribe(client, colour, again) {
  const address = el("input", { class: "dialog-input", type: "text", inputmode: "url", autocapitalize: "off", spellcheck: false, maxlength: "2000", dir: "ltr", required: true, autofocus: true, placeholder: "https://" });
  const name = el("input", { class: "dialog-input", maxlength: "200", dir: "auto" });
  await dialog(t("Subscribe to calendar"), (close) => {
    const button = el("button", { class: "btn primary", type: "submit" }, t("Subscribe"));
    const submitted = async () => {
      button.disabled = true;
      const done = await attempt(t("Subscribing…"), t("Couldn't subscribe to calendar"), () => client.calendar_subscribe(address.value, name.value, colour));
      button.disabled = false;
      if (!done) return;
      close();
      await again();
    };
    return [el("form", { class: "cal-subscribe", onsubmit: once(submitted) }, el("p", { class: "dialog-text" }, t("For example, holidays, sports, or a club calendar. Events appear alongside yours and refresh hourly.")), el("label", { class: "field" }, t("URL (https:// or webcal://)"), address), el("label", { class: "field" }, t("Custom name (optional)"), name), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close() }, t("Cancel")), button))];
  });
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
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made2 = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made2);
  return made2;
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

var pause = 1e3;
function importFile({ client, base, load }, file, doing, failed, take, words) {
  return attempt(doing, failed, async () => {
    const { FileUpload, UploadAborted } = await load("uploading");
    const upload = new FileUpload(base, client, file, "import");
    const sending = (sent) => t("Uploading {part} of {whole}…", { part: size(sent), whole: size(file.size) });
    let said = toast(sending(0), { title: t("Stop"), run: () => upload.abort() }, 0);
    let done;
    let trouble = null;
    try {
      const { upload_id: uploadID } = await upload.send({ progress: (sent) => said.say(sending(sent)), stuck(why) {
        trouble?.close();
        trouble = why === "" ? null : toast(why, { title: t("Try again"), run: () => upload.retry() }, 0);
      } });
      said.close();
      said = toast(doing, { title: t("Stop"), run: () => void client.file_import_stop(uploadID) }, 0);
      const timer = window.setInterval(async () => {
        const state = await client.file_import_state(uploadID).catch(() => null);
        if (state !== null && state.about > state.done) said.say(t("Imported {n} of about {all}…", { n: state.done, all: state.about }));
      }, pause);
      done = await take(uploadID).finally(() => clearInterval(timer));
    } catch (error) {
      if (error instanceof UploadAborted) {
        toast(t("Import stopped. No messages imported"));
        return;
      }
      throw error;
    } finally {
      trouble?.close();
      said.close();
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

var sharing_default = ".sharing{margin-top:20px;padding-top:14px;border-top:1px solid var(--line)}.dialog-title+.sharing{margin-top:0;padding-top:0;border-top:0}.sharing h3:has(+:empty){display:none}.sharing h3{margin:0 0 4px;color:var(--muted);font-size:var(--t-sm);font-weight:400}.sharing-guests{margin:0 0 14px;padding:0;list-style:none}.sharing-guests li{display:flex;align-items:center;gap:8px;padding:6px 0}.sharing-guests bdi{flex:1;min-width:0;overflow-wrap:anywhere}.sharing-guests select.dialog-input{width:auto;max-width:50%}.sharing form{display:grid;grid-template-columns:minmax(0,1fr);gap:10px}\n";

adopt(sharing_default);
function sharing(first, guests, share) {
  const list = el("ul", { class: "sharing-guests" });
  const levels = [["read", t("can view")], ["change", t("can edit")]];
  const set = async (guest2, rights2) => {
    await share(guest2, rights2);
    draw(await guests());
  };
  const draw = (found) => fill(list, found.map(({ account, name, writable }) => {
    const shown2 = account === "anyone" ? t("all users on this server") : isolated(name || account);
    const rights2 = el("select", { class: "dialog-input", "aria-label": t("Permissions for {name}", { name: shown2 }) }, levels.map(([value, words]) => el("option", { value }, words)));
    rights2.value = writable ? "change" : "read";
    rights2.addEventListener("change", () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, rights2.value)));
    const end = t("Stop sharing with {name}", { name: shown2 });
    return el("li", {}, el("bdi", { dir: "auto" }, shown2), rights2, el("button", { class: "btn line", type: "button", "aria-label": end, title: end, onclick: () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, "")) }, t("Stop")));
  }));
  draw(first);
  const guest = line(t("Shared with"), "", t("Address or account on this server, or “anyone” for all users."), { autocapitalize: "none", class: "dialog-input" });
  const rights = choice(t("Permissions"), levels, "read");
  rights.control.className = "dialog-input";
  const add = form([guest.root, rights.root], t("Share"), async () => {
    try {
      await set(guest.control.value, rights.control.value);
    } catch (error) {
      atFields(error, { guest, rights });
      return;
    }
    guest.control.value = "";
  }, "line");
  return el("section", { class: "sharing" }, el("h3", {}, t("Shared with")), list, add.root);
}

var giving_default = ".dialog .cal-source{display:flex;flex-direction:column;align-items:start;gap:6px;margin-bottom:14px;padding:10px 12px;border-radius:var(--r-md);background:var(--sunken)}.cal-source p{margin:0;max-width:100%}.cal-address{font-size:var(--t-sm);overflow-wrap:anywhere}.cal-problem::first-letter{text-transform:uppercase}.cal-problem{color:var(--danger);font-size:var(--t-sm)}.cal-links{display:grid;max-height:240px;margin-top:12px;overflow-y:auto}.cal-link{display:flex;align-items:center;justify-content:space-between;gap:12px;min-height:48px;padding:6px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}.cal-link small{display:block;color:var(--muted)}.dialog .cal-made{display:grid;gap:6px;margin:0;padding:10px 12px;border-radius:var(--r-md);background:var(--sunken);font-size:var(--t-sm)}.cal-made:empty{display:none}.cal-made .copy{display:flex;align-items:center;gap:4px}.cal-made .copy .btn{flex:none;justify-content:center;min-width:28px;padding:0}.cal-made code{flex:1;min-width:0;overflow-wrap:anywhere}.cal-sources{display:grid;gap:10px;margin-top:14px;padding-top:14px;border-top:1px solid var(--line)}.cal-files{display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px;margin-top:12px}\n";

async function showDeleted(client, kind, again) {
  const list = el("ul", { class: "deleted-list" });
  const date = (seconds) => formatted(new Date(seconds * 1e3), "deleted day", { day: "numeric", month: "short", year: "numeric" });
  const draw = async () => {
    const found = await client.deleted_list(kind);
    fill(list, found.map((one) => {
      const title = one.title === "" ? t("(no title)") : isolated(one.title);
      return el("li", {}, el("span", {}, el("bdi", { dir: "auto" }, title), el("small", {}, [one.starts !== null && date(one.starts), isolated(one.place), t("deleted on {day}", { day: date(one.deleted) })].filter(Boolean).join(" · "))), el("button", { class: "btn line small", type: "button", "aria-label": t("Restore “{title}”", { title }), onclick: () => void back(one.id) }, t("Restore")));
    }), found.length === 0 && el("li", { class: "hint" }, t("Nothing deleted in the last 30 days.")));
  };
  const back = (id) => attempt(t("Restoring…"), t("Couldn't restore"), async () => {
    await client.deleted_restore(id);
    await Promise.all([draw(), again()]);
    list.querySelector("button")?.focus();
  }).then((done) => done ? setStatus(t("Restored")) : void 0);
  if (!await attempt(t("Loading…"), t("Couldn't load deleted items"), draw)) return;
  await dialog(kind === "calendar" ? t("Deleted events") : t("Deleted contacts"), (close) => [list, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")))]);
}

var picker_default = ".palette-input{width:100%}.dialog-text+.palette-input{margin-top:12px}.palette-list{height:46vh;margin-top:10px;overflow-y:auto}.palette-row{display:flex;justify-content:space-between;gap:14px;padding:7px 10px;border-radius:7px;overflow-wrap:anywhere;cursor:pointer}.palette-row:hover{background:var(--button-hover-background)}.palette-row[aria-selected=true]{background:var(--mailbox-active-background)}.palette-keys{flex:none}@media(pointer:coarse){.palette-row{padding:12px 10px}}\n";

function match(title, typed) {
  const text2 = title.toLowerCase();
  const whole = text2.indexOf(typed.toLowerCase());
  if (whole >= 0) return whole === 0 || " /".includes(text2[whole - 1]) ? whole : 50 + whole;
  let at = -1;
  let spread = 100;
  for (const letter of typed.toLowerCase()) {
    if (letter === " ") continue;
    const next = text2.indexOf(letter, at + 1);
    if (next < 0) return -1;
    spread += next - at;
    at = next;
  }
  return spread;
}
function ranked(all, titleOf, typed) {
  return all.map((one) => ({ one, rank: match(titleOf(one), typed) })).filter(({ rank }) => rank >= 0).sort((a, b) => a.rank - b.rank).map(({ one }) => one);
}

function pick(title, words, all, titleOf, options = {}) {
  const { typed = "", above, detail } = options;
  return dialog(title, (close) => {
    const list = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": title });
    let found = ranked(all, titleOf, typed.trim());
    let at = 0;
    const input = el("input", { class: "dialog-input palette-input", role: "combobox", placeholder: words.hint, "aria-label": words.label, "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", autofocus: true });
    input.value = typed;
    const draw = () => {
      fill(list, found.map((one, i) => el("div", { class: "palette-row", role: "option", id: `palette-${i}`, "aria-selected": String(i === at), onclick: () => close(one) }, el("span", { dir: "auto" }, titleOf(one)), detail !== void 0 && el("span", { class: "palette-keys" }, detail(one)))), found.length === 0 && el("p", { class: "dialog-text" }, words.nothing));
      if (found.length === 0) input.removeAttribute("aria-activedescendant");
      else input.setAttribute("aria-activedescendant", `palette-${at}`);
      list.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
    };
    input.addEventListener("input", () => {
      found = ranked(all, titleOf, input.value.trim());
      at = 0;
      draw();
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const selected = found[at];
      if (event.key === "Enter" && selected !== void 0) close(selected);
      else if (step !== void 0) at = Math.max(0, Math.min(found.length - 1, at + step));
      else if (event.key !== "Enter") return;
      event.preventDefault();
      draw();
    });
    draw();
    return [...above === void 0 ? [] : [above], input, list];
  });
}

var ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

var zones_default = ".cal-zone,.cal-zone-name{display:none}@media(min-width:701px){.cal-zone,.cal-zone-name{display:block}.zoned :is(.cal-heads,.cal-grid){grid-template-columns:134px repeat(var(--days),minmax(0,1fr))}.zoned .cal-days{grid-template-columns:134px minmax(0,1fr)}.zoned .cal-hour{width:62px}.zoned .cal-hour:not(.cal-zone){inset-inline-start:64px}.zoned .cal-heads>span:first-child{display:flex;align-items:end;gap:2px;padding-block-end:6px}.cal-zone-name{width:62px;max-height:32px;overflow:hidden;color:var(--muted);font-size:11px;line-height:16px;text-align:end;overflow-wrap:anywhere}}\n";

adopt(picker_default);
adopt(zones_default);
var isHome = ({ second_zone: zone }) => zone !== "";
var written2 = (zone) => zone.replaceAll("_", " ");
function shortName(zone, day) {
  const format = new Intl.DateTimeFormat(locale(), { timeZone: zone, timeZoneName: "short" });
  return format.formatToParts(dateOf(day, 720)).find(({ type }) => type === "timeZoneName")?.value ?? "";
}
function addZone(hours, calendars, day) {
  const zone = calendars.find(isHome)?.second_zone;
  if (zone === void 0) return;
  let name;
  try {
    name = shortName(zone, day);
  } catch {
    return;
  }
  hours.classList.add("zoned");
  fill(hours.querySelector(".cal-heads > span"), [[name, zone], [shortName(ownZone(), day), ownZone()]].map(([short, long]) => el("span", { class: "cal-zone-name", title: written2(long) }, short)));
  for (const [at, label] of hours.querySelectorAll(".cal-hour").entries()) {
    const time = formatted(dateOf(day, (at + 1) * 60), `hours of ${zone}`, { hour: "numeric", minute: "2-digit", timeZone: zone });
    const other = el("span", { class: "cal-hour cal-zone" }, time);
    other.style.top = label.style.top;
    label.before(other);
  }
}
async function chooseZone(client, calendars, again) {
  const own = calendars.filter(({ owner, source }) => owner === "" && source === "");
  const home = calendars.find(isHome) ?? own[0];
  const day = Math.floor(Date.now() / 864e5);
  const zones = Intl.supportedValuesOf("timeZone").filter((zone) => zone !== ownZone());
  const chosen = await pick(t("Second time zone"), { label: t("Time zone"), hint: t("City or region"), nothing: t("No matching time zones") }, home.second_zone === "" ? zones : ["", ...zones], (zone) => zone === "" ? t("No second time zone") : written2(zone), { detail: (zone) => [el("span", {}, zone === "" ? "" : shortName(zone, day))] });
  if (chosen === null) return;
  const saved2 = await attempt(t("Saving…"), t("Couldn't update calendar"), async () => {
    await client.calendar_save({ second_zone: chosen }, home.id);
    await again();
  });
  if (saved2) toast(chosen === "" ? t("Second time zone removed") : t("Day and week views show {zone} time", { zone: written2(chosen) }));
}

adopt(giving_default);
async function editCalendar(page, calendars, one, again) {
  const { client } = page;
  const place = one === null ? calendars.length : calendars.indexOf(one);
  const first = one === null ? colours[[4, 5, 3, 6, 1, 7, 2, 0][place % 8]] : colours[colourOf(one, place) - 1];
  const name = el("input", { class: "dialog-input", value: one?.name ?? "", maxlength: "200", dir: "auto", autofocus: true, required: true });
  const done = await dialog(one === null ? t("New calendar") : isolated(one.name), (close) => {
    const choice2 = colourChoice(first);
    const access = accessChoice(one ?? { access: "usual", usual: calendars[0]?.usual ?? "busy" });
    const save = async () => {
      const [colour, wanted] = [choice2.read(), access.control.value];
      const view = one === null || colour !== first ? { colour } : {};
      const change = one === null ? { name: name.value, access: wanted } : differing(one, { name: name.value, access: wanted });
      const saved2 = await attempt(t("Saving…"), t("Couldn't save calendar"), () => one !== null && one.owner !== "" ? client.calendar_view(one.id, view) : client.calendar_save({ ...change, ...view }, one?.id ?? 0));
      if (saved2) close(true);
    };
    const bringInto = (file) => client.calendar_save({ name: name.value || file.name.replace(/\.\w+$/, ""), colour: choice2.read(), access: access.control.value });
    const remove = async () => {
      close(false);
      if (await sure(one)) {
        await attempt(t("Deleting…"), t("Couldn't delete calendar"), () => client.calendar_remove(one.id));
        await again();
      }
    };
    const links = () => {
      close(false);
      return showLinks(client, one);
    };
    const share = () => {
      close(false);
      return showSharing(client, one);
    };
    const other = () => {
      close(false);
      return subscribe(client, first, again);
    };
    return [el("form", { onsubmit: once(save) }, one !== null && one.source !== "" && sourceOf(client, one, again), one !== null && one.owner !== "" ? el("p", { class: "dialog-text" }, t("{owner} shared this calendar with you.", { owner: isolated(one.owner) }), " ", one.writable ? t("You can edit events.") : t("You can only view it.")) : el("label", { class: "field" }, t("Name"), name), choice2.root, (one === null || one.source === "" && one.owner === "") && access.root, one === null && el("div", { class: "cal-files" }, el("button", { class: "btn line", type: "button", onclick: () => void other() }, t("Subscribe…")), imports(page, bringInto, () => close(true))), one?.source === "" && one.owner === "" && el("div", { class: "cal-files" }, el("button", { class: "btn line", type: "button", onclick: () => void share() }, `${t("Share")}…`), el("button", { class: "btn line", type: "button", onclick: () => void links() }, t("Private links…")), imports(page, () => Promise.resolve(one.id), () => void again()), exportLink(page, `calendar/${one.id}.ics`, t("Export"), "btn line"), archiveLink(page, "btn line")), el("div", { class: "dialog-buttons" }, one?.owner === "" && el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")), el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Save"))))];
  });
  if (done === true) await again();
}
async function sure(one) {
  const words = many(one.events, "This will also delete {n} event from all your devices.", "This will also delete {n} events from all your devices.");
  const answer = await dialog(t("Delete “{name}”?", { name: isolated(one.name) }), (close) => [el("p", { class: "dialog-text" }, words, " ", t("You can't undo this.")), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", autofocus: true, onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn line danger", onclick: () => close(true) }, t("Delete")))]);
  return answer === true;
}
function accessChoice({ access, usual }) {
  const words = { details: t("free/busy and titles"), busy: t("free/busy only"), nothing: t("nothing") };
  return choice(t("People in your domain can see"), [["usual", t("Default ({what})", { what: words[usual] })], ...Object.entries(words)], access, t("Shown when people in your domain invite you. Anyone you share the calendar with sees everything."));
}
function imports(page, target, imported) {
  const file = el("input", { type: "file", accept: ".ics,.zip,text/calendar", hidden: true });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen === void 0) return;
    await importFile(page, chosen, t("Importing…"), t("Couldn't import events"), async (uploadID) => page.client.calendar_import(await target(chosen), uploadID), (added) => many(added, "{n} entry added", "{n} entries added"));
    imported();
  });
  return [el("button", { class: "btn line", type: "button", onclick: () => file.click() }, t("Import…")), file];
}
async function showLinks(client, calendar) {
  const list = el("div", { class: "cal-links" });
  const address = el("p", { class: "cal-made", role: "status" });
  const note = el("input", { class: "dialog-input", maxlength: "200", dir: "auto", autofocus: true });
  const busy = el("input", { type: "checkbox" });
  const draw = async () => {
    const found = (await client.calendar_link_list()).filter((one) => one.calendar === calendar.path);
    fill(list, found.map((one) => el("div", { class: "cal-link" }, el("span", {}, one.note === "" ? t("Unnamed") : el("bdi", { dir: "auto" }, isolated(one.note)), el("small", {}, [shortDay(dayOf(new Date(one.made))), one.shows === "busy" && t("busy times only")].filter(Boolean).join(" · "))), el("button", { class: "btn line small", type: "button", onclick: () => void withdraw(one.id) }, t("Revoke")))));
  };
  const withdraw = (id) => attempt(t("Revoking…"), t("Couldn't revoke link"), async () => {
    await client.calendar_link_rm(id);
    fill(address);
    await draw();
  });
  const make = once(() => attempt(t("Creating…"), t("Couldn't create link"), async () => {
    const made2 = await client.calendar_link_make(calendar.path, busy.checked, note.value);
    fill(address, t("Copy this link now. You won't be able to see it again:"), " ", copyable(made2));
    note.value = "";
    await draw();
  }));
  const loaded = await attempt(t("Loading…"), t("Couldn't load links"), draw);
  if (!loaded) return;
  await dialog(t("Private links to “{name}”", { name: isolated(calendar.name) }), (close) => [el("p", { class: "dialog-text" }, t("Anyone with a private link can view this calendar without a password. You can revoke the link at any time.")), list, address, el("form", { class: "cal-sources", onsubmit: make }, el("label", { class: "field" }, t("Link name"), note), el("label", { class: "check" }, busy, t("Free/busy only")), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close() }, t("Close")), el("button", { class: "btn primary", type: "submit" }, t("Create link"))))]);
}
async function showSharing(client, calendar) {
  let guests = [];
  const asked = () => client.calendar_guests(calendar.id);
  const loaded = await attempt(t("Loading…"), t("Couldn't load calendar"), async () => {
    guests = await asked();
  });
  if (!loaded) return;
  await dialog(isolated(calendar.name), (close) => [sharing(guests, asked, async (guest, rights) => {
    await client.calendar_share(calendar.path, guest, rights === "change", rights === "");
  }), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close() }, t("Close")))]);
}
export {
  addZone,
  chooseZone,
  editCalendar,
  showDeleted
};
