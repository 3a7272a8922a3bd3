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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var bookmark = "M17 3a2 2 0 0 1 2 2v15a1 1 0 0 1-1.496.868l-4.512-2.578a2 2 0 0 0-1.984 0l-4.512 2.578A1 1 0 0 1 5 20V5a2 2 0 0 1 2-2z";
var plus = "M5 12h14 M12 5v14";
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
function line(title, label, value, action, send) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    return [el("form", { onsubmit: once(async () => input.value !== "" && send(input.value, close)) }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, action)))];
  });
}
var askToSave = async (title, label, value, action, save) => await line(title, label, value, action, async (text2, close) => await save(text2) && close(true)) === true;
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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var choices_default = ".choices{display:grid;gap:6px;max-height:60vh;margin-top:12px;padding:2px;overflow-y:auto}.choices button{flex:none;text-align:start}\n";

function nameAtHome({ name, owner, home }) {
  return home.endsWith("/") ? name.slice(home.length) : owner === "" ? name : name.split("/").slice(2).join("/");
}
var isInbox = (mailbox) => nameAtHome(mailbox) === "Inbox";
function allows(mailbox, rights) {
  return mailbox.owner === "" || [...rights].every((right) => mailbox.rights.includes(right));
}

var prefix = "search:";
var everywhere = "inboxes:";
var placeOf = (hash) => /^#(calendar|people|outbox|files):/.exec(hash)?.[1] ?? "";
function parsePlace(hash) {
  const value = placeOf(hash) !== "" ? "" : hash.replace(/^#/, "");
  const comma = value.lastIndexOf(",");
  const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
  const message = Number.isSafeInteger(number) && number > 0 ? number : 0;
  const text2 = message > 0 ? value.slice(0, comma) : value;
  try {
    if (text2 === everywhere) return { name: "", search: "", inboxes: true, message };
    if (text2.startsWith(prefix)) return { name: "", search: decodeURIComponent(text2.slice(prefix.length)), message };
    return { name: decodeURIComponent(text2) || "Inbox", search: "", message };
  } catch {
    return { name: "Inbox", search: "", message: 0 };
  }
}
function writePlace({ name, search, message, inboxes: inboxes2 = false }) {
  const what = inboxes2 ? everywhere : search !== "" ? `${prefix}${encodeURIComponent(search)}` : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
}

function labelPlace(name) {
  return writePlace({ name: "", search: `label:${/[\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name}`, message: 0 });
}

var mailboxes_default = ".labels-list .mailbox-owner{display:flex;align-items:center;justify-content:space-between;margin-inline-end:4px}.label-make{display:grid;place-content:center;min-width:28px;min-height:28px;padding:0;border:0;background:none}.label-dot{flex:none;width:10px;height:10px;margin:0 3px;border-radius:50%;background:var(--line-strong)}.d1{background:var(--tag-1-text)}.d2{background:var(--tag-2-text)}.d3{background:var(--tag-3-text)}.d4{background:var(--tag-4-text)}.d5{background:var(--tag-5-text)}.d6{background:var(--tag-6-text)}.d7{background:var(--tag-7-text)}.d8{background:var(--tag-8-text)}@media(max-width:700px),(pointer:coarse){.label-make{min-width:44px;min-height:44px}}@media(min-width:701px)and (max-width:1099px){.label-make{display:none}.label-dot{width:14px;height:14px}}\n";

adopt(choices_default);
adopt(mailboxes_default);
var roleNames = [["draft", t("Drafts")], ["sent", t("Sent messages")], ["archive", mailboxName("Archive")], ["trash", t("Trash")], ["junk", t("Junk")]];
function confirmDelete(counts, mixed) {
  const what = counts.messages === null ? many(counts.conversations, "{n} conversation will be permanently deleted. You can't undo this.", "{n} conversations will be permanently deleted. You can't undo this.") : many(counts.messages, "This message will be permanently deleted. You can't undo this.", "{n} messages will be permanently deleted. You can't undo this.");
  const kept = mixed ? ` ${t("Messages in other users' folders won't be deleted.")}` : "";
  return confirm(t("Delete permanently?"), what + kept, t("Delete"));
}
async function createMailbox(client, beside) {
  const above = beside === void 0 || isInbox(beside) ? "" : `${nameAtHome(beside)}/`;
  await askToSave(t("New folder"), t("Folder name. Use “/” for a subfolder"), above, t("Create"), (name) => attempt(t("Creating…"), t("Couldn't create folder"), () => client.mailbox_create(name, beside?.id ?? 0)));
}
async function mailboxMenu({ client, base, facts, load: load2 }, mailbox, parent) {
  const exporting = async (what) => (await load2("export")).exportMail(client, base, what);
  const guest = mailbox.owner !== "";
  const fixed = !allows(mailbox, "x") || isInbox(mailbox);
  const stays = fixed || guest && mailbox.roles.length > 0;
  const title = mailboxName(mailbox.name);
  const account = facts().account_path;
  const action = await dialog(title, (close) => [el("p", { class: "dialog-text" }, many(mailbox.total, "{n} message, {unread} unread", "{n} messages, {unread} unread", { unread: mailbox.unread })), el("div", { class: "choices" }, el("button", { disabled: mailbox.unread === 0 || !allows(mailbox, "s"), onclick: () => close("read") }, t("Mark all as read")), guest && el("button", { disabled: !allows(mailbox, "k"), onclick: () => close("create") }, t("New folder…")), el("button", { disabled: fixed, onclick: () => close("rename") }, t("Rename…")), account !== "" && !guest && mailbox.home === "" && el("button", { onclick: () => close("share") }, t("Share…")), el("button", { disabled: fixed || guest || mailbox.home !== "", onclick: () => close("roles") }, t("Use as…")), el("button", { disabled: !allows(mailbox, "i"), onclick: () => close("import") }, t("Import files…")), el("button", { disabled: guest, onclick: () => close("export") }, t("Export…")), el("button", { disabled: stays, class: "danger", onclick: () => close("delete") }, t("Delete…")))]);
  if (action === "read") await attempt(t("Marking as read…"), t("Couldn't mark as read"), () => client.mailboxes_mark_read([mailbox.id]));
  if (action === "create") await createMailbox(client, mailbox);
  if (action === "rename") {
    const before = guest ? nameAtHome(mailbox) : mailbox.name;
    const save = async (name) => name === before || attempt(t("Saving…"), t("Couldn't rename folder"), () => client.mailbox_rename(mailbox.id, name));
    await askToSave(t("Rename folder"), t("New name"), before, t("Rename"), save);
  }
  if (action === "share") location.assign(`${account}#shares/${encodeURIComponent(mailbox.name)}`);
  if (action === "import") dispatchEvent(new CustomEvent("importfiles", { detail: mailbox.id }));
  if (action === "export") await exporting({ mailbox: mailbox.name, parent });
  if (action === "roles") await chooseRole(client, mailbox);
  if (action === "delete") {
    const what = guest ? many(mailbox.total, "“{name}” will be deleted, and its message will move to Trash.", "“{name}” will be deleted, and its {n} messages will move to Trash.", { name: nameAtHome(mailbox) }) : many(mailbox.total, "“{name}” and its message will be deleted. You can't undo this.", "“{name}” and its {n} messages will be deleted. You can't undo this.", { name: mailbox.name });
    if (await confirm(t("Delete this folder?"), what, t("Delete"))) await attempt(t("Deleting…"), t("Couldn't delete folder"), () => client.mailbox_delete(mailbox.id));
  }
}
async function chooseRole(client, mailbox) {
  const chosen = await dialog(t("Use “{name}” as", { name: mailbox.name }), (close) => [el("div", { class: "choices" }, roleNames.map(([role, label]) => el("button", { disabled: mailbox.roles.includes(role), onclick: () => close([role]) }, label)), el("button", { disabled: mailbox.roles.length === 0, onclick: () => close([]) }, t("Regular folder")))]);
  if (chosen !== null) await attempt(t("Saving…"), t("Couldn't update folder"), () => client.mailbox_set_special_use(mailbox.id, chosen));
}
async function offerRole(client, role, mailboxes, pick, home = "") {
  const first = `${home}${role[0].toUpperCase()}${role.slice(1)}${role === "draft" ? "s" : ""}`;
  const name = home === "" ? roleNames.find(([known]) => known === role)?.[1] ?? role : first;
  const free = mailboxes.filter((box) => home === "" && box.home === "" && !isInbox(box) && box.roles.length === 0);
  const chosen = await pick(t("No “{name}” folder set", { name }), { label: t("Folder"), hint: t("Folder name"), nothing: t("No matching folders") }, ["new", ...free], (one) => one === "new" ? t("New folder “{name}”", { name }) : one.name, { above: el("p", { class: "dialog-text" }, t("Choose a folder, then try again.")) });
  if (chosen === null) return;
  await attempt(t("Saving…"), t("Couldn't update folder"), async () => {
    const id = chosen === "new" ? await client.mailbox_create(name) : chosen.id;
    if (home === "") await client.mailbox_set_special_use(id, [role]);
  });
}
var unread = /* @__PURE__ */ new Map();
var countAfter = 1e3;
var counting = 0;
function countLabels(client, labels, draw) {
  clearTimeout(counting);
  counting = window.setTimeout(() => {
    const keywords = labels.slice(0, 200).map(({ keyword }) => keyword);
    void client.label_counts(keywords).then((found) => {
      unread = new Map(keywords.map((keyword, at) => [keyword, found[at]]));
      draw();
    }, () => null);
  }, countAfter);
}
function drawLabels(root, labels, active, client, opened) {
  const make = () => askToSave(t("New label"), t("Name"), "", t("Create"), (name) => attempt(t("Creating…"), t("Couldn't create label"), () => client.label_save(name.trim(), labels.length % 8 + 1)));
  const number = (keyword) => {
    const n = unread.get(keyword) ?? 0;
    return n > 0 && el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n }) }, t("{n}", { n }));
  };
  const places = /* @__PURE__ */ new Map();
  countLabels(client, labels, () => {
    for (const [keyword, place] of places) fill(place, number(keyword));
  });
  fill(root, el("h2", { class: "mailbox-owner" }, t("Labels"), el("button", { class: "label-make", title: t("New label"), "aria-label": t("New label"), onclick: () => void make() }, sign(plus, "i s"))), labels.map(({ name, color, keyword }) => {
    const place = labelPlace(name);
    const here = parsePlace(place).search === active;
    const count = el("span", {}, number(keyword));
    places.set(keyword, count);
    return el("div", { class: `mailbox${here ? " active" : ""}`, data: { keyword, name } }, el("button", { class: "mailbox-open", title: name, "aria-current": here ? "page" : void 0, onclick: () => {
      opened();
      location.hash = place;
    } }, el("span", { class: `label-dot d${color}`, "aria-hidden": "true" }), el("span", { class: "mailbox-name", dir: "auto" }, name), count));
  }));
}
var drawn = "";
function drawLists(page, labels, active) {
  const { searches } = page.mail.settings.value;
  const opened = () => page.drawer.close();
  if (labels.length > 0) drawLabels(page.mailboxes.labels, labels, active, page.client, opened);
  const next = JSON.stringify([searches, active]);
  if (next !== drawn) drawSearches(page.mailboxes.searches, searches, active, page.client, () => page.mail.settings.value, opened);
  drawn = next;
}
function drawSearches(root, searches, active, client, settings, opened) {
  const save = (wanted) => attempt(t("Saving…"), t("Couldn't save search"), () => client.settings_save({ searches: wanted }));
  const forget = (search) => {
    const before = settings().searches;
    void save(before.filter((one) => one.text !== search.text));
    toast(t("Saved search deleted"), { title: t("Undo"), run: () => void save(before) });
  };
  fill(root, el("h2", { class: "mailbox-owner" }, t("Searches")), searches.map((search) => {
    const remove = t("Delete search {name}", { name: search.name });
    return el("div", { class: `mailbox${search.text === active ? " active" : ""}` }, el("button", { class: "mailbox-open", title: search.text, "aria-current": search.text === active ? "page" : void 0, onclick: () => {
      opened();
      openSearch(search.text);
    } }, sign(bookmark, "icon"), el("span", { class: "mailbox-name", dir: "auto" }, search.name)), el("button", { class: "mailbox-menu", title: remove, "aria-label": remove, onclick: () => forget(search) }, sign(x, "i s")));
  }));
}
export {
  confirmDelete,
  createMailbox,
  drawLists,
  mailboxMenu,
  offerRole,
  roleNames
};
