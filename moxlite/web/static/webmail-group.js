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

var check = "M20 6 9 17l-5-5";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
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

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
}

var mirrored = () => document.documentElement.dir === "rtl";

var menu_default = ".menu{position:fixed;z-index:var(--z-menu, 8);display:grid;min-width:200px;max-width:calc(100vw - 16px);max-height:calc(100vh - 16px);padding:6px;overflow-y:auto;border:1px solid var(--line);border-radius:10px;background:var(--popup-background, var(--raised));box-shadow:var(--shadow-2)}.menu-item{display:flex;justify-content:space-between;align-items:center;gap:20px;min-height:32px;padding:4px 10px;border:0;background:none;text-align:start}.menu-line{width:100%;margin:6px 0;border:0;border-top:1px solid var(--line)}.menu-item .i{margin-inline-start:auto;color:var(--accent)}.menu-item>span:first-child{overflow:hidden;text-overflow:ellipsis}.menu-beside{color:var(--text-2);font-variant-numeric:tabular-nums}.menu-item kbd{margin:0}@media(pointer:coarse),(max-width:700px){.menu-item{min-height:44px}.menu-item kbd{display:none}}\n";

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(menu_default);
function openMenu(anchor, title, commands) {
  anchor.setAttribute("aria-expanded", "true");
  open(anchor, null, title, commands, () => {
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus();
  });
}
function open(within, point, title, commands, closed) {
  const item = (command) => {
    const beside = command.beside && el("span", { class: "menu-beside" });
    const made = el("button", { class: "menu-item", role: command.checked === void 0 ? "menuitem" : "menuitemradio", "aria-checked": command.checked === void 0 ? void 0 : String(command.checked()), tabindex: "-1", title: hintOf(command), onclick: () => {
      close();
      command.run();
    } }, el("span", {}, titleOf(command)), command.keys?.[0] !== void 0 && el("kbd", {}, keyText(command.keys[0])), command.checked?.() === true && sign(check, "i s"), beside);
    void command.beside?.().then(([short, words]) => {
      beside.textContent = short;
      if (words !== "") made.setAttribute("aria-label", `${titleOf(command)}, ${words}`);
    }, () => null);
    return made;
  };
  const rows = commands.map((one) => one === null ? el("hr", { class: "menu-line" }) : item(one));
  const items = rows.filter((row) => row instanceof HTMLButtonElement);
  const menu2 = el("div", { class: "menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  const close = () => {
    menu2.remove();
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, outside, true);
    removeEventListener("resize", draw);
    giveBack();
    closed();
  };
  const outside = (event) => {
    if (!(event.target instanceof Node) || menu2.contains(event.target)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
    }
    close();
  };
  menu2.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (next !== void 0) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (within.closest("main, .composer") ?? document.body).append(menu2);
  const draw = () => {
    const { offsetWidth: width, offsetHeight: height } = menu2;
    const at = point ?? within.getBoundingClientRect();
    const below = at.bottom + 4 + height <= innerHeight;
    menu2.style.left = `${Math.max(8, Math.min(point || mirrored() ? at.left : at.right - width, innerWidth - width - 8))}px`;
    menu2.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
  };
  draw();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, outside, true);
  addEventListener("resize", draw);
  items[0]?.focus();
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

var starred = "starred";
var groupName = (group) => group === starred ? meant("contact", "Favorites") : isolated(group);

var placeview_default = ".place-view{position:fixed;inset-block:0;inset-inline:var(--side-width) 0;z-index:var(--z-place);display:grid;grid-template:auto minmax(0,1fr) / minmax(0,1fr);background:var(--background)}.place-view:focus{outline:none}.place-head{display:flex;align-items:center;gap:8px;min-height:57px;padding:0 16px;border-bottom:1px solid var(--border-color)}.place-head h1{flex:1;min-width:0;margin-inline-start:8px;font-size:20px;line-height:24px}.place-side{display:flex;flex:1;flex-direction:column;gap:14px;min-height:0}.place-side .side-lists{display:flex;flex-direction:column;gap:14px}.side-head{display:flex;justify-content:space-between;align-items:center;min-height:30px;padding-inline-start:8px;color:var(--color-mild);font-size:13px;font-weight:400}:is(.place-view,.place-side) .btn.icon{display:inline-flex;align-items:center;justify-content:center;flex:none;width:34px;min-width:34px;height:34px;padding:0;border:0;background:none;color:var(--text-2)}:is(.place-view,.place-side) .btn.icon.small{width:30px;min-width:30px;height:30px}:is(.place-view,.place-side) .btn.icon:hover{background:var(--button-hover-background)}.place-head .search{flex:none;width:368px}.place-side .btn.place-lists{display:none}.place-new{display:flex;align-items:center;justify-content:center;gap:8px}@media(max-width:1399px){.place-head .search{width:216px}}@media(min-width:701px)and (max-width:1099px){.place-side .btn.place-lists{display:inline-flex;align-self:center;width:44px;height:44px}.place-side .side-lists{display:none}.place-side.open .side-lists{display:flex;position:fixed;inset-block:0;inset-inline:var(--side-width) auto;z-index:var(--z-offer);width:260px;padding:14px 12px;overflow-y:auto;background:var(--background-mild);box-shadow:var(--shadow)}.place-new{min-height:44px;padding:0}.place-new span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}}@media(max-width:900px){.place-head h1{font-size:17px;line-height:20px}}@media(max-width:700px){.place-view{inset:0 0 var(--tabs-height);z-index:1}.place-head{position:relative;min-height:56px;padding:0 8px}.place-empty .link{min-height:44px}.place-head .search{width:44px}.place-head .search:focus-within{position:absolute;inset:8px 8px auto;z-index:2;width:auto;background:var(--background)}.place-side .place-new{display:none}}.place-empty{display:grid;align-content:start;justify-items:center;gap:8px;padding:48px 24px;color:var(--color-mild);text-align:center}.place-empty p{max-width:44ch}.place-empty .link{justify-self:center;min-height:24px}.deleted-list{margin:0 0 14px;padding:0;max-height:50vh;overflow-y:auto;list-style:none}.deleted-list li{display:flex;align-items:center;gap:12px;padding:8px 2px;border-bottom:1px solid var(--line)}.deleted-list li>span{flex:1;min-width:0;overflow-wrap:anywhere}.deleted-list small{display:block;color:var(--muted);font-size:var(--t-sm)}.deleted-list .hint{border:0}\n";

adopt(placeview_default);
var pause = 150;
function searchField(label, run, leave2) {
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
  input.addEventListener("input", () => changed(pause));
  const root = el("form", { class: "search", role: "search" }, el("div", { class: "search-bar" }, sign(search, "i s"), input, clear));
  root.addEventListener("click", () => input.focus());
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    changed(0);
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !leave2 && input.value === "") return;
    event.preventDefault();
    event.stopPropagation();
    end();
    leave2?.();
  });
  return { root, input, set };
}

var group_default = ".group-found{height:min(360px,50vh);margin:12px 0;overflow-y:auto}.group-person{display:flex;align-items:center;gap:12px;min-height:48px;border-bottom:1px solid var(--border-color)}.group-person>span{flex:1;min-width:0}.group-person :is(bdi,small){display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.group-person small{color:var(--color-mild)}\n";

adopt(group_default);
var batch = 500;
async function named(page, title, before, action, done) {
  let name = "";
  const save = async (typed) => {
    if (typed.trim() === "") return false;
    try {
      name = await page.client.contact_group_save(typed.slice(0, 100), before);
      return true;
    } catch (error) {
      const failed = codeOf(error) === "user:conflict" ? t("Choose another name") : t("Couldn't save group");
      await showError(failed, error);
      return false;
    }
  };
  if (await askToSave(title, t("Name"), before, action, save)) await attempt(t("Saving…"), t("Couldn't change group"), () => done(name));
}
async function put(page, ids, group, member = true) {
  for (let at = 0; at < ids.length; at += batch) await page.client.contacts_group(ids.slice(at, at + batch), group, member);
}
var addGroup = (page, ids, done) => named(page, t("New group"), "", t("Create"), async (name) => {
  await put(page, ids, name);
  await done(name);
});
var rename = (page, group, done) => named(page, t("Rename group"), group, t("Rename"), done);
async function remove(page, group, done) {
  await attempt(t("Deleting…"), t("Couldn't delete group"), async () => {
    const cards = await page.client.contact_group_remove(group);
    await done("");
    toast(t("“{name}” deleted. You'll keep its contacts", { name: isolated(group) }), { title: t("Undo"), run: () => void attempt(t("Restoring…"), t("Couldn't restore group"), async () => {
      for (const { card, book_id } of cards) await page.client.contact_restore(card, book_id);
      await done(group);
    }) });
  });
}
async function leave(page, group, one, again) {
  const change = (member) => attempt(t("Saving…"), t("Couldn't change group"), async () => {
    await page.client.contacts_group([one.id], group, member);
    await again();
  });
  if (await change(false)) toast(t("“{name}” removed from “{group}”", { name: isolated(one.name), group: groupName(group) }), { title: t("Undo"), run: () => void change(true) });
}
function chooseGroup(page, anchor, ids, inside, groups, done) {
  const joined = async (group) => {
    await done();
    toast(many(ids.length, "Contact added to “{group}”", "{n} contacts added to “{group}”", { group: isolated(group) }));
  };
  const change = (group) => async () => {
    const member = inside?.includes(group) !== true;
    await attempt(t("Saving…"), t("Couldn't change group"), async () => {
      await put(page, ids, group, member);
      await (member ? joined(group) : done());
    });
  };
  openMenu(anchor, t("Groups"), [...groups.map(({ name }) => name).filter((name) => name !== starred).sort(byName).map((name) => ({ id: "", title: isolated(name), ...inside === null ? {} : { checked: () => inside.includes(name) }, run: change(name) })), ...groups.length > 0 ? [null] : [], { id: "", title: t("New group…"), run: () => addGroup(page, ids, joined) }]);
}
async function writeToAll(page, group) {
  const parties = await page.client.group_members(group);
  if (parties.length === 0) toast(t("No one in this group has an email address"));
  else {
    const to = parties.map(({ name, address }) => name === "" || name === address ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`);
    page.compose("new", `mailto:?to=${encodeURIComponent(to.join(", "))}`);
  }
}
async function addPeople(page, group, again) {
  const list2 = el("div", { class: "group-found", role: "list", "aria-label": t("Matching contacts") });
  const added = /* @__PURE__ */ new Set();
  let turn = 0;
  const find = async () => {
    const own = ++turn;
    const text2 = search2.input.value.trim();
    const [{ contacts }, { contacts: there }] = await Promise.all([page.client.contacts(text2), page.client.contacts(text2, group)]);
    if (own !== turn) return;
    const inside = new Set(there.map(({ id }) => id));
    fill(list2, contacts.map((one) => {
      const name = isolated(one.name);
      const button = el("button", { class: "btn line small", type: "button", "aria-label": t("Add “{name}”", { name }), onclick: () => void attempt(t("Saving…"), t("Couldn't change group"), async () => {
        await page.client.contacts_group([one.id], group);
        added.add(one.id);
        mark2();
        search2.input.focus();
        await again();
      }) }, meant("contact", "Add"));
      const mark2 = () => {
        button.disabled = true;
        button.textContent = meant("contact", "Added");
        button.ariaLabel = t("Added “{name}”", { name });
      };
      if (inside.has(one.id) || added.has(one.id)) mark2();
      return el("div", { class: "group-person", role: "listitem" }, el("span", {}, el("bdi", { dir: "auto" }, name), el("small", {}, isolated(one.emails[0] ?? ""))), button);
    }), contacts.length === 0 && el("p", { class: "hint" }, t("No matching contacts")));
  };
  const load = () => attempt(t("Loading…"), t("Couldn't load contacts"), find);
  const search2 = searchField(t("Name or address"), () => void load());
  search2.input.autofocus = true;
  if (!await load()) return;
  await dialog(t("Add people to “{group}”", { group: isolated(group) }), (close) => [search2.root, list2, el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", type: "button", onclick: () => close() }, t("Done")))]);
}
export {
  addGroup,
  addPeople,
  chooseGroup,
  leave,
  remove,
  rename,
  writeToAll
};
