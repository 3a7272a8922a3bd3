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
async function showError(action, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(action, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(action, work) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(t("{action}…", { action }));
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(t("{action} failed", { action }), error);
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
var shortDay = (day) => formatted(dateOf(day), "event date", { weekday: "short", day: "numeric", month: "short" });

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

function importFile(page, file, doing, take) {
  return attempt(doing, async () => {
    const answer = await fetch(`${page.base}upload?filename=import`, { method: "POST", headers: { "x-moxlite-csrf": page.client.csrfToken, "content-type": "application/octet-stream" }, body: file }).catch(() => {
      throw new Error(t("The server cannot be reached."));
    });
    const { result, error } = await answer.json();
    if (result === void 0) throw new Error(error ? (await told(error)).message : t("The file was not taken."));
    const done = await take(result.upload_id);
    const { known, unread, dropped = 0 } = done;
    const facts = [done.words, known > 0 && many(known, "one was there already", "{n} were there already"), dropped > 0 && many(dropped, "one picture was left out", "{n} pictures were left out"), unread > 0 && many(unread, "one could not be read", "{n} could not be read")].filter((one) => one !== false);
    const problems = await Promise.all(done.problems.map((problem) => told(problem)));
    if (unread === 0) toast(facts.join(", "));
    else await dialog(t("Import"), (close) => [el("p", {}, `${facts.join(", ")}.`), el("ul", {}, problems.map(({ message }) => el("li", {}, el("bdi", { dir: "auto" }, isolated(message))))), el("div", { class: "dialog-buttons" }, el("button", { class: "primary", type: "button", onclick: () => close() }, t("Close")))]);
  });
}

function accessChoice({ access, usual }) {
  const words = { details: t("when you are busy, and titles"), busy: t("when you are busy"), nothing: t("nothing") };
  return choice(t("People of your domain see"), [["usual", t("what is usual here: {what}", { what: words[usual] })], ...Object.entries(words)], access, t("When they invite you. Those with whom you share it see all of it."));
}
function fileButtons(page, calendar, imported) {
  const file = el("input", { type: "file", accept: ".ics,text/calendar", hidden: true });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen === void 0) return;
    await importFile(page, chosen, t("Importing events"), async (uploadID) => {
      const done = await page.client.calendar_import(calendar.id, uploadID);
      return { ...done, words: many(done.added, "One event added", "{n} events added") };
    });
    imported();
  });
  return el("div", { class: "cal-files" }, el("button", { class: "btn line", type: "button", onclick: () => file.click() }, t("Import a file…")), el("a", { class: "btn line", href: `${page.base}calendar/${calendar.id}.ics`, download: "", onclick: async (event) => {
    if (!event.isTrusted) return;
    event.preventDefault();
    const link = event.currentTarget;
    if (await attempt(t("Exporting"), () => page.client.export_prep())) link.click();
  } }, t("Export as a file")), file);
}
async function showLinks(client, calendar) {
  const list = el("div", { class: "cal-links" });
  const address = el("p", { class: "dialog-text", role: "status" });
  const note = el("input", { class: "dialog-input", maxlength: "200", dir: "auto", autofocus: true });
  const busy = el("input", { type: "checkbox" });
  const draw = async () => {
    const found = await client.calendar_links(calendar.id);
    fill(list, found.map((one) => el("div", { class: "cal-choice" }, el("span", {}, one.note === "" ? t("Without a name") : el("bdi", { dir: "auto" }, isolated(one.note)), el("small", {}, [shortDay(dayOf(new Date(one.made * 1e3))), one.busy && t("busy times only")].filter(Boolean).join(" · "))), el("button", { class: "btn line small", type: "button", onclick: () => void withdraw(one.id) }, t("Withdraw")))));
  };
  const withdraw = (id) => attempt(t("Withdrawing the link"), async () => {
    await client.calendar_link_remove(id);
    fill(address);
    await draw();
  });
  const make = (event) => {
    event.preventDefault();
    void attempt(t("Making the link"), async () => {
      const made2 = await client.calendar_link_make(calendar.id, note.value, busy.checked);
      fill(address, t("Copy the link now, it cannot be shown again:"), " ", copyable(made2));
      note.value = "";
      await draw();
    });
  };
  const loaded = await attempt(t("Loading the links"), draw);
  if (!loaded) return;
  await dialog(t("Secret links to “{name}”", { name: isolated(calendar.name) }), (close) => [el("p", { class: "dialog-text" }, t("Those who have a secret link read this calendar in their own program, without a password, until you withdraw it.")), list, address, el("form", { onsubmit: make }, el("label", { class: "field" }, t("For whom"), note), el("label", { class: "check" }, busy, t("Busy times only, no details")), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close() }, t("Close")), el("button", { class: "btn primary", type: "submit" }, t("Make a link"))))]);
}
export {
  accessChoice,
  fileButtons,
  showLinks
};
