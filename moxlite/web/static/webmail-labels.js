var anchored_default = ".anchored::backdrop{background:none}@media(min-width:701px){.dialog.anchored{inset:auto;width:340px;margin:0;padding:14px;border-radius:12px}.anchored .palette-list{height:300px}}@media(max-width:700px){.dialog.anchored{inset:auto 0 0!important;width:100%;max-width:none;max-height:80dvh;margin:0;padding-bottom:calc(22px + env(safe-area-inset-bottom));border-radius:14px 14px 0 0}.anchored::backdrop{background:var(--overlay-background)}}\n";

var mirrored = () => document.documentElement.dir === "rtl";

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(anchored_default);
var [apart, edge] = [4, 8];
function anchor(...selectors) {
  const button = selectors.flatMap((one) => [...document.querySelectorAll(one)]).find((one) => one.checkVisibility());
  if (button !== void 0) anchorTo(button, false);
}
function anchorTo(cause, beside) {
  const box = [...document.querySelectorAll("dialog:modal")].at(-1);
  if (box === void 0) return;
  box.classList.add("anchored");
  box.addEventListener("pointerdown", (event) => {
    const place = box.getBoundingClientRect();
    const inside = event.clientX >= place.left && event.clientX <= place.right && event.clientY >= place.top && event.clientY <= place.bottom;
    if (event.target === box && !inside) box.dispatchEvent(new Event("cancel", { cancelable: true }));
  });
  let at = cause.getBoundingClientRect();
  const draw = () => {
    if (cause.checkVisibility()) at = cause.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = box;
    const sides = [at.right + apart, at.left - apart - width];
    const side = (mirrored() ? sides.reverse() : sides).find((one) => one >= edge && one + width <= innerWidth - edge);
    const [left, top] = beside && side !== void 0 ? [side, at.top] : [mirrored() ? at.right - width : at.left, at.bottom + apart];
    box.style.left = `${Math.max(edge, Math.min(left, innerWidth - width - edge))}px`;
    box.style.top = `${Math.max(edge, Math.min(top, innerHeight - height - edge))}px`;
  };
  draw();
  const observer = new ResizeObserver(draw);
  observer.observe(box);
  observer.observe(document.documentElement);
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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var pencil = "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z M15 5l4 4";
var x = "M18 6 6 18 M6 6l12 12";

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

function labelOf(labels, keyword) {
  return labels.find((one) => one.keyword === keyword) ?? { keyword, name: keyword, color: 0 };
}
function shownLabels(labels, keywords) {
  return keywords.filter((one) => !one.startsWith("$") || labels.some(({ keyword }) => keyword === one)).map((one) => labelOf(labels, one));
}
function allLabels(labels, mailboxes, items) {
  const known = /* @__PURE__ */ new Set([...labels.map(({ keyword }) => keyword), ...[...mailboxes, ...items].flatMap(({ keywords }) => keywords)]);
  return shownLabels(labels, [...known]).sort((a, b) => byName(a.name, b.name));
}
function chip({ name, color }) {
  return el("span", { class: `keyword c${color}`, title: name, dir: "auto", data: { label: name } }, name);
}

var labels_default = ".labels{display:grid;grid-template-columns:minmax(0,1fr);gap:2px;max-height:40vh;margin:8px 0;overflow-y:auto}.label-row{display:flex;align-items:center;gap:8px;min-height:32px}.label-row .check{flex:1;align-items:center;min-width:0}.label-row kbd{margin-inline-start:auto}.label-row .btn{flex:none;padding:6px;border-color:transparent}.label-row .btn .i{width:16px;height:16px}.label-new{display:flex;gap:8px}.label-new input{flex:1;min-width:0}.label-colors{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0;border:0;padding:0}.label-colors legend{padding:0 0 6px}.label-colors input{width:28px;height:28px;margin:0;border:1px solid var(--c, var(--line-strong));border-radius:50%;background:var(--g, var(--sunken));appearance:none;cursor:pointer}.label-colors input:checked{border-width:3px;box-shadow:inset 0 0 0 2px var(--surface)}.label-colors input:focus-visible{outline:2px solid var(--focus);outline-offset:2px}@media(pointer:coarse){.label-row{min-height:44px}.label-colors input{width:44px;height:44px}}\n";

adopt(labels_default);
var colors = [t("No color"), t("Red"), t("Orange"), t("Yellow"), t("Green"), t("Teal"), t("Blue"), t("Purple"), t("Pink")];
async function chooseLabels(client, mail, actions, number, items = mail.choice.selected()) {
  const known = allLabels(mail.settings.value.labels, mail.mailboxes.value, items);
  const change = ({ keyword, name }, add) => actions.flagItems(items, [keyword], add, { doing: () => add ? t("Adding label “{name}”…", { name }) : t("Removing label “{name}”…", { name }), done: () => add ? t("Added label “{name}”", { name }) : t("Removed label “{name}”", { name }) });
  const chosen = known[number - 1];
  if (chosen !== void 0) change(chosen, !items.every((item) => item.keywords.includes(chosen.keyword)));
  else if (number === 0) await openDialog(client, known, items, change);
}
async function openDialog(client, known, items, change) {
  let labels = [...known];
  const changed = /* @__PURE__ */ new Map();
  const done = dialog(t("Labels"), (close) => {
    const place = el("div");
    const list = el("div", { class: "labels" });
    const input = el("input", { class: "dialog-input", "aria-label": t("Find or create label"), placeholder: t("Find or create label"), autocomplete: "off", spellcheck: "false", autofocus: true, maxlength: "100", dir: "auto" });
    const make = el("button", { type: "submit", class: "primary", hidden: true }, t("Create"));
    const typed = () => input.value.trim().replace(/\s+/g, " ");
    const same = () => labels.find(({ name }) => name.toLowerCase() === typed().toLowerCase());
    const set = (label, add) => {
      changed.set(label.keyword, add);
      change(label, add);
    };
    const row = (label) => {
      const having = items.filter((item) => item.keywords.includes(label.keyword)).length;
      const box = el("input", { type: "checkbox" });
      box.checked = changed.get(label.keyword) ?? (having === items.length && having > 0);
      box.indeterminate = !changed.has(label.keyword) && having > 0 && having < items.length;
      box.addEventListener("change", () => set(label, box.checked));
      const edit = t("Edit {name}", { name: label.name });
      const number = known.indexOf(label);
      return el("div", { class: "label-row" }, el("label", { class: "check" }, box, chip(label), number >= 0 && number < 9 && el("kbd", {}, String(number + 1))), el("button", { class: "btn text", type: "button", title: edit, "aria-label": edit, onclick: () => showOne(label) }, sign(pencil)));
    };
    const draw = () => {
      const wanted = typed().toLowerCase();
      const found = labels.filter(({ name }) => name.toLowerCase().includes(wanted));
      make.hidden = wanted === "" || same() !== void 0;
      const hint = labels.length === 0 ? t("Type a name to create your first label.") : t("No matching label. Press Enter to create it.");
      fill(list, found.map(row), found.length === 0 && el("p", { class: "dialog-text" }, hint));
    };
    input.addEventListener("input", draw);
    const submitted = async () => {
      const label = same();
      const name = typed();
      if (label !== void 0) {
        set(label, true);
        close();
      } else if (name !== "") {
        const color = labels.length % (colors.length - 1) + 1;
        await attempt(t("Creating…"), t("Couldn't create label"), async () => {
          set(await client.label_save(name, color), true);
          close();
        });
      } else close();
    };
    const form = el("form", { class: "label-new", data: { fleeting: "" }, onsubmit: (event) => {
      event.preventDefault();
      void submitted();
    } }, input, make);
    const showAll = () => {
      fill(place, form, list, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close() }, t("Done"))));
      draw();
      input.focus();
    };
    const showOne = (label) => {
      const name = el("input", { class: "dialog-input", value: label.name, maxlength: "100", required: true, dir: "auto", autocomplete: "off" });
      const choices = colors.map((title, color) => {
        const radio = el("input", { type: "radio", name: "label-color", value: String(color), class: `c${color}`, title, "aria-label": title });
        radio.checked = color === label.color;
        return radio;
      });
      const save = async () => {
        const color = choices.findIndex(({ checked }) => checked);
        await attempt(t("Saving…"), t("Couldn't save label"), async () => {
          const saved = await client.label_save(name.value, color, label.keyword);
          labels = labels.map((one) => one === label ? saved : one);
          showAll();
        });
      };
      const remove = async () => {
        if (!await confirm(t("Delete the label “{name}”?", { name: label.name }), t("The label will be removed from all messages. Your messages won't be deleted. You can't undo this."), t("Delete"))) return;
        await attempt(t("Deleting…"), t("Couldn't delete label"), async () => {
          const n = await client.label_remove(label.keyword);
          labels = labels.filter((one) => one !== label);
          toast(many(n, "Removed “{name}” from {n} message", "Removed “{name}” from {n} messages", { name: label.name }));
          showAll();
        });
      };
      fill(place, el("form", { onsubmit: once(save) }, el("label", { class: "field" }, t("Name"), name), el("fieldset", { class: "label-colors" }, el("legend", {}, t("Color")), choices), el("div", { class: "dialog-buttons" }, el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")), el("button", { class: "btn", type: "button", onclick: showAll }, t("Back")), el("button", { class: "btn primary", type: "submit" }, t("Save")))));
      name.focus();
    };
    showAll();
    return [place];
  });
  anchor('.toolbar [data-command="message.labels"]', ".toolbar-more");
  await done;
}
export {
  chooseLabels
};
