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

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";

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

function sharedBy(one) {
  const owner = t("{owner} shares this address book with you.", { owner: isolated(one.owner) });
  return `${owner} ${one.writable ? t("You can edit contacts.") : t("You can only view it.")}`;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
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
    const shown = account === "anyone" ? t("all users on this server") : isolated(name || account);
    const rights2 = el("select", { class: "dialog-input", "aria-label": t("Permissions for {name}", { name: shown }) }, levels.map(([value, words]) => el("option", { value }, words)));
    rights2.value = writable ? "change" : "read";
    rights2.addEventListener("change", () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, rights2.value)));
    const end = t("Stop sharing with {name}", { name: shown });
    return el("li", {}, el("bdi", { dir: "auto" }, shown), rights2, el("button", { class: "btn line", type: "button", "aria-label": end, title: end, onclick: () => void attempt(t("Saving…"), t("Couldn't update sharing"), () => set(account, "")) }, t("Stop")));
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

async function about(one) {
  await dialog(isolated(one.name), (close) => [el("p", { class: "dialog-text" }, sharedBy(one)), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function change(client, one, again) {
  let guests = [];
  if (one !== null) {
    const loaded = await attempt(t("Loading…"), t("Couldn't load address book"), async () => {
      guests = await client.address_book_guests(one.id);
    });
    if (!loaded) return;
  }
  const title = one === null ? t("New address book") : isolated(one.name);
  await dialog(title, (close) => {
    const name = line(t("Name"), one?.name ?? "", null, { maxlength: "200", dir: "auto", required: "", class: "dialog-input" });
    name.control.autofocus = true;
    const save = async () => {
      const saved2 = await attempt(t("Saving…"), t("Couldn't save address book"), async () => {
        if (name.control.value !== one?.name) await client.address_book_save(name.control.value, one?.id ?? 0);
      });
      if (!saved2) return;
      close();
      await again();
    };
    const remove = async () => {
      close();
      if (!await sure(one)) return;
      await attempt(t("Deleting…"), t("Couldn't delete address book"), () => client.address_book_remove(one.id));
      await again();
    };
    return [el("form", { onsubmit: once(save) }, name.root, el("div", { class: "dialog-buttons" }, one !== null && el("button", { class: "btn line danger", type: "button", onclick: () => void remove() }, t("Delete…")), el("button", { class: "btn", type: "button", onclick: () => close() }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Save")))), ...one === null ? [] : [sharing(guests, () => client.address_book_guests(one.id), async (guest, rights) => {
      await client.contacts_share(one.path, guest, rights === "change", rights === "");
      await again();
    })]];
  });
}
function sure(one) {
  const lost = many(one.contacts, "This will also delete {n} contact from all your devices.", "This will also delete {n} contacts from all your devices.");
  const back = t("You can restore up to 5,000 deleted contacts for 30 days.");
  return confirm(t("Delete “{name}”?", { name: isolated(one.name) }), `${lost} ${back}`, t("Delete"));
}
export {
  about,
  change
};
