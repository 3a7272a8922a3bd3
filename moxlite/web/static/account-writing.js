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
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
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
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function kept({ root, control }, save) {
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
    const now = box?.checked ?? control.value;
    const before = saved2;
    if (await save(() => put(before))) saved2 = now;
    else put(saved2);
  });
  return root;
}

async function openEditor(desk, html) {
  const [rich, { Squire }] = await Promise.all([desk.load("rich"), desk.load("squire")]);
  const none = () => void 0;
  const { client, base } = desk;
  const editor = rich.openEditor(Squire, html, { client, base, changed: none, note: none, say: none, pictures: false });
  editor.root.dataset["kept"] = "";
  editor.root.addEventListener("keep", (event) => {
    const { detail } = event;
    if (detail.value === void 0) detail.value = editor.html();
    else editor.put(detail.value);
  });
  return editor;
}

function signatures(desk, old, own) {
  const all = new Map(own.map((address) => {
    const found = old.signatures.find((one) => one.address === address);
    return [address, { text: found?.text ?? "", html: found?.html ?? "" }];
  }));
  all.set("", { text: old.signature, html: old.signature_html });
  let chosen = "";
  let editor = null;
  let begun = "";
  let turn = 0;
  const input = el("textarea", { class: "input", rows: "4", dir: "auto", maxlength: "20000", id: "signature" });
  const label = el("label", { for: "signature" });
  const chips = el("div", { class: "flex wrap" });
  const place = el("div", {}, input);
  const format = el("input", { type: "checkbox", onchange: () => void toggle() });
  const edit2 = async (html) => {
    const own2 = ++turn;
    const opened = await openEditor(desk, html);
    if (own2 !== turn) {
      opened.close();
      return;
    }
    editor = opened;
    begun = editor.html();
    editor.root.setAttribute("aria-label", label.textContent);
    input.hidden = true;
    place.append(el("div", { class: "template-words" }, editor.tools, editor.root));
  };
  const draw = () => {
    const { text: text2, html } = all.get(chosen);
    label.textContent = chosen === "" ? t("Signature") : t("Signature for {address}", { address: chosen });
    input.value = text2;
    input.hidden = false;
    turn++;
    editor?.close();
    editor = null;
    fill(place, input);
    format.checked = html !== "";
    if (html !== "") void attempt(t("Loading…"), t("Couldn't open editor"), () => edit2(html));
    fill(chips, own.length > 1 && ["", ...own].map((address) => el("button", { class: "btn line small", type: "button", "aria-pressed": String(address === chosen), onclick: () => choose(address) }, address === "" ? t("All addresses") : address)));
  };
  const keep = () => {
    if (editor?.html() === begun && all.get(chosen).html !== "") return;
    if (editor !== null) all.set(chosen, { text: editor.text().trimEnd(), html: editor.html() });
    else if (!format.checked) all.set(chosen, { text: input.value.replace(/\r\n?/g, "\n"), html: "" });
  };
  const toggle = async () => {
    if (format.checked) await attempt(t("Loading…"), t("Couldn't open editor"), () => edit2(all.get(chosen).text.split("\n").map((line2) => `<div>${line2.replace(/[&<>]/g, (sign2) => `&#${sign2.charCodeAt(0)};`) || "<br>"}</div>`).join("")));
    else {
      keep();
      all.set(chosen, { text: all.get(chosen).text, html: "" });
      draw();
    }
  };
  const choose = (address) => {
    keep();
    chosen = address;
    draw();
    chips.querySelector('[aria-pressed="true"]')?.focus();
  };
  desk.onLeave(() => {
    turn++;
    editor?.close();
    editor = null;
  });
  draw();
  const root = el("div", { class: "field signatures", data: { kept: "" } }, chips, label, place, el("label", { class: "check" }, format, t("Use formatting")), el("p", { class: "hint" }, t("Added below your message. You can have a different signature for each address.")));
  root.addEventListener("keep", (event) => {
    const { detail } = event;
    keep();
    if (detail.value === void 0) detail.value = [...all];
    else {
      for (const [address, one] of detail.value) if (all.has(address)) all.set(address, one);
      draw();
    }
  });
  return { root, read: () => {
    keep();
    const { text: text2, html } = all.get("");
    const none = new Set(old.signatures.filter((one) => one.text === "").map((one) => one.address));
    const single = [...all].filter(([address, one]) => address !== "" && (one.text !== "" || none.has(address)));
    return { signature: text2, signature_html: html, signatures: single.map(([address, one]) => ({ address, ...one })) };
  } };
}

function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
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

var templates = async (desk) => {
  const [id] = desk.path;
  let all = [...await desk.client.templates()].sort((a, b) => byName(a.name, b.name));
  const chosen = all.find((one) => String(one.id) === id);
  if (chosen !== void 0) return edit(desk, chosen);
  if (id === "new") return edit(desk, { id: 0, name: "", subject: "", text: "", html: "", mark: "" });
  const add = button(t("New template"), () => desk.go("#templates/new"), { icon: plus });
  const list = el("div", {});
  const draw = () => fill(list, all.length === 0 ? empty(fileText, t("No templates"), t("You can also save a message that you're writing as a template."), add) : el("ul", { class: "lines" }, all.map(row)));
  const row = (one) => {
    const name = isolated(one.name);
    return el("li", {}, el("a", { class: "name grow", href: `#templates/${one.id}` }, el("bdi", { dir: "auto" }, name)), button(t("Delete"), () => void remove(one), { kind: "line small", name: t("Delete {name}", { name }) }));
  };
  const remove = async (one) => {
    if (!await attempt(t("Deleting…"), t("Couldn't delete template"), () => desk.client.template_remove(one.id, one.mark))) return;
    all = all.filter((other) => other !== one);
    draw();
    toast(t("“{name}” deleted", { name: isolated(one.name) }), { title: t("Undo"), run: () => void attempt(t("Restoring…"), t("Couldn't restore template"), async () => {
      await desk.client.template_save({ id: 0, name: one.name, subject: one.subject, text: one.text, html: one.html });
      await desk.refresh();
    }) });
  };
  draw();
  const hint = t("You can use {name} and {address} for the first recipient, and {date} for today.");
  const root = el("div", { class: "page" }, head(t("Templates"), hint, all.length > 0 && add), card("", list, { flush: true }));
  return { title: t("Templates"), root };
};
async function taken(desk, id, name) {
  return (await desk.client.templates()).some((other) => other.name === name && other.id !== id);
}
async function edit(desk, one) {
  const title = one.id === 0 ? t("New template") : isolated(one.name);
  const name = line(t("Name"), one.name, null, { maxlength: "100", dir: "auto" });
  const subject = line(t("Subject"), one.subject, null, { maxlength: "1000", dir: "auto" });
  const text2 = field(meant("body", "Message"), el("textarea", { rows: "8", dir: "auto", maxlength: "200000" }, one.text), t("You can use {name} and {address} for the first recipient, and {date} for today."));
  const editor = one.html === "" ? null : await openEditor(desk, one.html);
  if (editor !== null) desk.onLeave(() => editor.close());
  const box = form([name.root, subject.root, editor === null ? text2.root : el("div", { class: "template-words" }, editor.tools, editor.root)], t("Save"), async () => {
    const words = editor === null ? { text: text2.control.value, html: "" } : { text: editor.text().trimEnd(), html: editor.html() };
    const now = { ...words, name: name.control.value.trim(), subject: subject.control.value };
    try {
      await desk.client.template_save({ ...differing(one, now), id: one.id }, one.mark);
    } catch (error) {
      if (codeOf(error) !== "user:conflict") atFields(error, { name });
      else if (await taken(desk, one.id, now.name)) name.problem(t("A template with this name already exists."));
      else throw error;
      return;
    }
    desk.say(t("Saved"));
    desk.go("#templates");
  });
  const above = el("p", { class: "hint" }, el("a", { href: "#templates" }, t("Templates")), " /");
  return { title, root: el("div", { class: "page" }, above, head(title, ""), card("", box.root)) };
}

var writing_default = ".template-words{display:grid;border:1px solid var(--line-strong);border-radius:var(--r-md)}.template-words .compose-tools{margin:4px}.template-words button{border:0;border-radius:var(--r-sm);background:none;color:var(--text-2);cursor:pointer}.template-words button:hover:not(:disabled){background:var(--hover)}.page .compose-text{min-height:160px;padding:8px 10px}.signatures [aria-pressed=true]{background:var(--accent-soft);border-color:var(--accent);color:var(--accent-text)}\n";

adopt(writing_default);
var writing = async (desk) => {
  const { settings, addresses } = await desk.client.preferences();
  const old = settings;
  const own = signatures(desk, old, addresses);
  const quoting = choice(t("Start replies"), [["auto", t("Above the quote, or below selected text")], ["top", t("Above the quote")], ["bottom", t("Below the quote")]], old.quoting);
  const undo = choice(t("Undo send"), undoChoices(old.undo_send_seconds), String(old.undo_send_seconds));
  const bars = tick(t("Check encryption for each recipient"), old.show_address_security);
  const root = el("div", { class: "page" }, head(t("Signatures and replies"), ""), card("", form(own.root, t("Save"), () => desk.keep(own.read())).root), card("", el("div", { class: "form" }, kept(quoting, (back) => desk.keep({ quoting: quoting.control.value }, back)), kept(undo, (back) => desk.keep({ undo_send_seconds: Number(undo.control.value) }, back)), kept(bars, (back) => desk.keep({ show_address_security: bars.control.checked }, back)), emailLinks(desk))));
  return { title: t("Signatures and replies"), root };
};
function undoChoices(now) {
  const numbers = [.../* @__PURE__ */ new Set([5, 10, 20, 30, now])].filter((n) => n > 0).sort((a, b) => a - b);
  return [["0", t("Never")], ...numbers.map((n) => [String(n), many(n, "For {n} second", "For {n} seconds")])];
}
function emailLinks({ webmail }) {
  if (webmail === "" || typeof navigator.registerProtocolHandler !== "function") return null;
  const register = () => navigator.registerProtocolHandler("mailto", `${location.origin}${webmail}#compose %s`);
  const run = () => void attempt(t("Saving…"), t("Couldn't set up email links"), async () => register());
  return el("div", {}, button(t("Open email links from web pages here"), run));
}
var pages = { writing, templates };
export {
  pages
};
