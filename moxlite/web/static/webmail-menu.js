var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key2) {
  const whole = key2.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key2) {
  return key2 === void 0 ? title : `${title} (${keyText(key2)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
}
function enabled(command) {
  return command.when?.() ?? true;
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

var check = "M20 6 9 17l-5-5";
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

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var providedKey = "moxlite-provided";
var provided = () => localStorage.getItem(providedKey) !== null;
function setProvided(on) {
  if (on) remember(providedKey, "1");
  else localStorage.removeItem(providedKey);
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

var waiting = false;
function leave(load = () => location.reload()) {
  waiting = false;
  for (const one of document.querySelectorAll("[data-unsaved]")) delete one.dataset["unsaved"];
  load();
}

var key = "moxlite-searched";
var forgetSearches = () => sessionStorage.removeItem(key);

function forget(app) {
  for (const name of [app, app.replace("webmail", "account")]) for (const store of [localStorage, sessionStorage]) store.removeItem(`${name}-unsaved`);
  for (const name of ["csrf", "address", "stays"]) localStorage.removeItem(`${app}-${name}`);
  forgetSearches();
}
async function logOut(session, forgetSession) {
  const { client } = session;
  const url = provided() ? await client.provider_logout().catch(() => "") : "";
  if (!await attempt(t("Logging out…"), t("Couldn't log out"), () => client.logout())) return;
  forget(session.app);
  await forgetSession?.();
  location.hash = "";
  setProvided(false);
  leave(url === "" ? void 0 : () => location.assign(url));
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
function openMenuAt({ x: x2, y }, within, title, commands) {
  open(within, new DOMRect(x2, y), title, commands, () => void 0);
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
  const menu = el("div", { class: "menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  const close = () => {
    menu.remove();
    for (const kind of ["pointerdown", "keydown"]) removeEventListener(kind, outside, true);
    removeEventListener("resize", draw);
    giveBack();
    closed();
  };
  const outside = (event) => {
    if (!(event.target instanceof Node) || menu.contains(event.target)) return;
    if (event instanceof KeyboardEvent) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
    }
    close();
  };
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    event.stopPropagation();
    if (next !== void 0) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (within.closest("main, .composer") ?? document.body).append(menu);
  const draw = () => {
    const { offsetWidth: width, offsetHeight: height } = menu;
    const at = point ?? within.getBoundingClientRect();
    const below = at.bottom + 4 + height <= innerHeight;
    menu.style.left = `${Math.max(8, Math.min(point || mirrored() ? at.left : at.right - width, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - 4 - height)}px`;
  };
  draw();
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, outside, true);
  addEventListener("resize", draw);
  items[0]?.focus();
}

var own = "*";

var refinements = [["", t("Show all messages")], ["unread", t("Show unread messages only")], ["read", t("Show read messages only")], ["flagged", t("Show flagged messages only")], ["attachments", t("Show messages with attachments only")], ["people", t("Show messages from people only")], ["newsletters", t("Show newsletters only")]];
var threadings = [["on", t("Conversations")], ["off", t("Single messages")]];
var orderings = [["newest", t("Newest first")], ["oldest", t("Oldest first")], ["unread", t("Unread first")], ["sender", t("By sender")], ["size", t("Largest first")]];
var listMenu = [refinements.map(([id]) => `list.show-${id || "all"}`), threadings.map(([id]) => `threads.${id}`), orderings.map(([order]) => `list.order-${order}`)];

function senderCommands(desk, of) {
  const act = (what, title) => ({ id: `sender.${what}`, title, when: () => of()?.from.length === 1 && (what === "search" || what === "contact" || desk.may(own)) && (what !== "rule" || desk.facts().account_path !== ""), run: () => desk.sender(of(), what) });
  return [act("search", t("Find messages from this sender")), act("contact", t("Add to contacts…")), act("always", t("Always move mail from this sender…")), act("rule", t("Create rule…")), act("block", t("Block sender")), act("phishing", t("Report phishing"))];
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var pathOf = (account) => base.replace(/u\/[1-7]\/$/, "") + (account === "" ? "" : `u/${account}/`);
function accounts() {
  const found = /* @__PURE__ */ new Map();
  for (const account of ["", ..."1234567"]) {
    const address = localStorage.getItem(`${kept(account)}-address`);
    if (address !== null) found.set(account, address);
  }
  return found;
}
var week = 7 * 864e5;
async function forgetMail(account = number) {
  localStorage.removeItem(`${kept(account)}-offline`);
  for (const name of ["mail", "files"]) await globalThis.caches?.delete(`${kept(account)}-${name}`);
  const request = indexedDB.deleteDatabase(kept(account));
  await new Promise((resolve) => {
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
}
async function forgetAccount(account) {
  for (const name of ["csrf", "address", "stays", "unsaved"]) localStorage.removeItem(`${kept(account)}-${name}`);
  await forgetMail(account);
}

var patience = 1e4;
function accountCommands(desk) {
  const listed = accounts();
  const own2 = desk.facts().login_address;
  const others = [...listed].filter(([account, address]) => account !== number && address !== own2);
  const free = ["", ..."1234567"].find((account) => account !== number && !listed.has(account));
  return [...others.map(([account, address]) => ({ id: "app.account-switch", title: address, beside: () => unread(account), run: () => location.assign(pathOf(account)) })), ...free === void 0 ? [] : [{ id: "app.account-add", title: t("Add another account…"), run: () => location.assign(pathOf(free)) }], null];
}
function logOutOfAll(desk) {
  const others = [...accounts()].filter(([account]) => account !== number);
  if (others.length === 0) return [];
  return [{ id: "app.log-out-all", title: t("Log out of all accounts"), run: () => void leaveAll(desk, others) }];
}
async function leaveAll(desk, others) {
  const asked = t("Mail saved on this device will be deleted. Any offline changes that haven't been sent will be lost.");
  if (!await confirm(t("Log out of all accounts?"), asked, t("Log out"))) return;
  const left = await Promise.all(others.map(async ([account, address]) => {
    const status = await call(account, "logout").then((answer) => answer.status, () => 0);
    if (status !== 200 && status !== 401) return address;
    await forgetAccount(account);
    return "";
  }));
  const stays = left.filter((address) => address !== "");
  if (stays.length === 0) desk.logOut();
  else await showError(t("Couldn't log out"), new Error(t("These accounts are still logged in: {addresses}", { addresses: stays.join(", ") })));
}
async function unread(account) {
  const answer = await call(account, "inbox_unread");
  if (answer.status === 401) return [t("logged out"), t("logged out")];
  const { result } = await answer.json();
  if (typeof result !== "number" || result === 0) return ["", ""];
  return [result.toLocaleString(locale()), many(result, "{n} unread message", "{n} unread messages")];
}
function call(account, name) {
  return fetch(`${pathOf(account)}api/${name}`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": localStorage.getItem(`${kept(account)}-csrf`) ?? "" }, body: "{}", signal: AbortSignal.timeout(patience) });
}

var menu_default2 = ".key-hint{position:fixed;inset-inline-end:20px;bottom:20px;z-index:var(--z-composer);font-size:20px}.key-hint kbd{padding:6px 12px;font-size:18px;box-shadow:var(--shadow)}\n";

adopt(menu_default2);
function closeLayer(layer, drawer, desk) {
  const found = [...document.querySelectorAll(layer)].at(-1);
  const pressed = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
  if (layer === "body.show-side") drawer.close();
  else if (layer === "body.choosing") desk.unselect();
  else if (layer.startsWith(".composer")) void desk.load("compose").then(({ leave: leave22 }) => leave22());
  else found?.dispatchEvent(found.matches(":modal") ? new Event("cancel", { cancelable: true }) : pressed);
}
async function leave2(page) {
  if (await (await page.offline())?.mayLeave() === false) return;
  if (document.querySelector(".composer") !== null && !await (await page.desk.load("compose")).leaveAll()) return;
  page.stream.stop();
  await logOut(page.session);
}
function openAccountMenu(at, desk) {
  const command = (id) => desk.commands.get(id);
  openMenu(at, t("Account and settings"), [...accountCommands(desk), command("app.newsletters"), command("app.scheme"), command("app.keys"), null, ...[command("app.settings")].filter(enabled), command("app.log-out"), ...logOutOfAll(desk)]);
}
function openListMenu(at, desk) {
  const command = (id) => desk.commands.get(id);
  const choices = listMenu.flatMap((group) => [...group.map(command), null]);
  openMenu(at, t("List options"), [...choices, command("app.signs")]);
}
function rowCommands(desk, items) {
  const unread2 = items.some((item2) => !item2.flags.includes("\\seen"));
  const act = (action, title, like = action, when = () => true) => ({ id: `row.${action}`, title, keys: desk.commands.get(`message.${like}`).keys, when, run: () => desk.act(items, action) });
  const flagged = items.some((one) => one.flags.includes("\\flagged"));
  const moves = () => desk.may("te", void 0, items);
  const [item] = items.length === 1 ? items : [];
  const answer = (kind, title, key2) => ({ id: `row.${kind}`, title, keys: [key2], run: async () => (await desk.load("compose")).compose(desk, toast, kind, item, "") });
  const many2 = item !== void 0 && item.to.length + item.cc.length > 1;
  return [...item === void 0 || item.flags.includes("\\draft") ? [] : [answer("reply", t("Reply"), "r"), ...many2 ? [answer("reply_all", t("Reply to all"), "R")] : [], answer("forward", t("Forward"), "f"), null], act("archive", t("Archive")), act("trash", t("Move to Trash")), act("junk", t("Junk"), "junk", () => !desk.inRole("junk") && desk.may("te", "junk", items)), unread2 ? act("read", t("Mark read")) : act("read", t("Mark unread"), "unread"), act("flag", flagged ? t("Unflag") : t("Flag"), "flag", () => desk.may("w", void 0, items)), null, act("later", t("Snooze…")), act("labels", t("Labels…")), act("move", t("Move…"), "move", moves), ...item === void 0 ? [] : [null, ...senderCommands(desk, () => item)]];
}
var messageCommands = (desk, item, commands) => [...commands, ...senderCommands(desk, () => item)].filter(enabled);
function openMessageMenu(at, desk, item, commands) {
  openMenu(at, t("More message actions"), messageCommands(desk, item, commands));
}
function openBarMenu(at, desk, title, commands) {
  const own2 = at.closest(".chosen-tools") === null ? desk.opened()?.own : [];
  const item = desk.reading();
  openMenu(at, title, own2?.length && item ? [...commands, null, ...messageCommands(desk, item, own2)] : commands);
}
function openRowMenu(at, list, desk, items) {
  openMenuAt(at, list, t("Actions for this row"), rowCommands(desk, items).filter((one) => one === null || enabled(one)));
}
var hinted = 1500;
var hint = null;
function hintKey(command) {
  hint?.remove();
  const key2 = command.keys?.[0];
  if (key2 === void 0 || matchMedia("(pointer: coarse)").matches) return;
  const shown2 = el("div", { class: "key-hint", "aria-hidden": "true" }, el("kbd", {}, keyText(key2)));
  hint = shown2;
  document.body.append(shown2);
  setTimeout(() => shown2.remove(), hinted);
}
export {
  closeLayer,
  hintKey,
  leave2 as leave,
  openAccountMenu,
  openBarMenu,
  openListMenu,
  openMessageMenu,
  openRowMenu
};
