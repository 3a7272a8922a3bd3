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

var x = "M18 6 6 18 M6 6l12 12";

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

function allows(mailbox, rights) {
  return mailbox.owner === "" || [...rights].every((right) => mailbox.rights.includes(right));
}

function leavesOthers(mail) {
  const { mailbox_id } = mail.query.value.filter;
  return (mailbox_id ?? 0) < 0 && !mail.choice.selectedAreLoaded() && mail.mailboxes.value.some(({ owner }) => owner !== "");
}

function unlikely(mailbox) {
  return mailbox.roles.includes("draft") || mailbox.roles.includes("sent");
}
async function offerMissing({ client, mail, desk }, role, items) {
  const [{ offerRole }, { pick }] = await Promise.all([desk.load("mailboxes"), desk.load("palette")]);
  const without = [...mail.homes(items)].find((home) => mail.boxes.withRole(role, home) === void 0);
  await offerRole(client, role, mail.mailboxes.value, pick, without?.endsWith("/") ? without : "");
}
async function deleteForGood(page, chosen) {
  const { client, mail, actions, desk } = page;
  const { confirmDelete } = await desk.load("mailboxes");
  const few = chosen && { messages: chosen.length, conversations: chosen.length };
  const asked = few ? confirmDelete(few, false) : confirmDelete(mail.choice.selectedCounts.value, leavesOthers(mail));
  if (!await asked) return;
  const named = { doing: (n) => many(n, "Deleting…", "Deleting {n} messages…"), done: (n) => many(n, "Deleted permanently", "{n} messages deleted permanently") };
  if (chosen === void 0 && !mail.choice.selectedAreLoaded()) {
    void actions.onQuery({ action: "delete" }, named);
    return;
  }
  const items = chosen ?? mail.choice.selected();
  const ids = items.map((item) => item.id);
  const action = { shown: { remove: { ids: new Set(ids) } }, call: () => client.message_delete(ids) };
  actions.run(action, named, items, t("Couldn't delete messages"), null);
}
async function actOn(page, items, choice) {
  const { client, mail, actions, desk } = page;
  if (choice === "move") return chooseMove(page, "", items);
  if (choice === "junk") {
    if (!actions.toRole("junk", items)) await offerMissing(page, "junk", items);
  } else if (choice === "flag") {
    const add = !items.some((item) => item.flags.includes("\\flagged"));
    actions.flagItems(items, ["\\flagged"], add, { doing: (n) => many(n, "Updating message…", "Updating {n} messages…"), done: (n) => add ? many(n, "Message flagged", "{n} messages flagged") : many(n, "Message unflagged", "{n} messages unflagged") });
  } else await attempt(t("Loading…"), t("Couldn't open this item"), async () => (await desk.load("labels")).chooseLabels(client, mail, actions, 0, items));
}
async function chooseMove({ mail, actions, desk }, typed, items) {
  const { chooseTarget } = await desk.load("palette");
  const here = mail.current.value?.id;
  const chosen = await chooseTarget(mail.mailboxes.value.filter((mailbox) => mailbox.id !== here && allows(mailbox, "i")).sort((a, b) => Number(unlikely(a)) - Number(unlikely(b))), typed);
  if (chosen === null) return;
  if (items === void 0) actions.move(chosen, false);
  else actions.moveItems(items, chosen, false);
}
function exportSelection({ base, client, mail, desk }) {
  void attempt(t("Exporting…"), t("Couldn't export"), async () => (await desk.load("export")).exportSelected(client, base, mail));
}
async function sender(page, item, what, masked = "") {
  const { client, mail, actions, desk } = page;
  const found = await desk.load("sender");
  return found.act(item, what, masked, { client, mail, actions, search: (text2) => void page.find.search(text2, 0), contact: async (name, address) => (await desk.load("people")).addSender(desk, name, address), choose: async (title, among) => (await desk.load("palette")).chooseMailbox(title, among), offerRole: (role) => void offerMissing(page, role), say: toast });
}
export {
  actOn,
  chooseMove,
  deleteForGood,
  exportSelection,
  offerMissing,
  sender
};
