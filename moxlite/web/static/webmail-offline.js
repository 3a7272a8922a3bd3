// lib/words.ts
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

// lib/client.ts
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// lib/dom.ts
var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
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
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}

// lib/focus.ts
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

// lib/dialogs.ts
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
    document.body.append(box);
    box.showModal();
  });
}
async function confirm(title, message, action) {
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn line danger", autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
}

// webmail/data/queries.ts
function isSearch({ filter, not_filter }) {
  const { mailbox_id: _id, mailbox_name: _name, unread: _unread, ...criteria } = filter;
  const asked = (value) => Array.isArray(value) ? value.length > 0 : value != null && value !== false;
  return (filter.mailbox_id ?? 0) < 0 || [...Object.values(criteria), ...Object.values(not_filter ?? {})].some(asked);
}

// webmail/offline/names.ts
var shellCache = "moxlite-webmail-shell";
var mailCache = "moxlite-webmail-mail";
var mostMessages = 200;

// webmail/offline/outbox.ts
var waiting = { flags_add: null, flags_clear: null, message_move: null, message_delete: null, thread_mute: null, message_submit: -1 };
var settled = /* @__PURE__ */ new Set(["user:conflict", "user:notFound"]);
var Outbox = class {
  constructor(store, client, say, changed) {
    this.store = store;
    this.client = client;
    this.say = say;
    this.changed = changed;
  }
  store;
  client;
  say;
  changed;
  calls = /* @__PURE__ */ new Map();
  running = null;
  turn = Promise.resolve();
  get size() {
    return this.calls.size;
  }
  async load() {
    this.calls = await this.store.entries("outbox");
    this.changed();
  }
  runs(call, given) {
    return JSON.stringify({ call, given }) === JSON.stringify(this.running);
  }
  behind(call, given) {
    return this.size > 0 && call in waiting && !this.runs(call, given);
  }
  async add(call, given) {
    if (!(call in waiting) || this.runs(call, given)) return void 0;
    if (!await this.store.put("outbox", { call, given })) return void 0;
    await this.load();
    return waiting[call];
  }
  async send(kept) {
    this.turn = this.turn.then(() => navigator.locks.request("moxlite-webmail-outbox", () => this.sendAll(kept)));
    await this.turn;
  }
  async sendAll(kept) {
    if (kept) await this.load();
    while (this.calls.size > 0) {
      const [key, one] = [...this.calls][0];
      this.running = one;
      try {
        if (!await this.made(one)) return;
      } finally {
        this.running = null;
      }
      if (kept) await this.store.delete("outbox", key);
      this.calls.delete(key);
      this.changed();
    }
  }
  async made(one) {
    const methods = this.client;
    try {
      await methods[one.call](...one.given);
      return true;
    } catch (error) {
      const code = codeOf(error);
      if (code === "" || code?.startsWith("server:") === true) return false;
      if (code === "user:sent") return true;
      const why = messageOf(error);
      if (one.call !== "message_submit") {
        if (settled.has(code ?? "")) return true;
        this.say(t("A change that you made without a connection was refused: {why}", { why }));
        return true;
      }
      try {
        await this.client.draft_save(one.given[0], crypto.randomUUID().replaceAll("-", ""), 0);
      } catch (failure) {
        this.say(t("A message that you wrote without a connection waits on this device: {why}", { why: messageOf(failure) }));
        return false;
      }
      this.say(t("A message that you wrote without a connection was not sent, and is in Drafts: {why}", { why }));
      return true;
    }
  }
};

// webmail/offline/store.ts
var databaseName = "moxlite-webmail";
var stores = ["facts", "lists", "messages", "outbox"];
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
var Store = class _Store {
  constructor(database, full) {
    this.database = database;
    this.full = full;
  }
  database;
  full;
  static async open(full) {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => {
      for (const name of stores) request.result.createObjectStore(name, { autoIncrement: name === "outbox" });
    };
    const database = await done(request);
    database.onversionchange = () => database.close();
    return new _Store(database, full);
  }
  static async remove() {
    await done(indexedDB.deleteDatabase(databaseName));
  }
  in(name, mode = "readonly") {
    return this.database.transaction(name, mode).objectStore(name);
  }
  get(name, key) {
    return done(this.in(name).get(key));
  }
  all(name) {
    return done(this.in(name).getAll());
  }
  keys(name) {
    return done(this.in(name).getAllKeys());
  }
  async entries(name) {
    const store = this.in(name);
    const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
    return new Map(keys.map((key, i) => [key, values[i]]));
  }
  async delete(name, key) {
    try {
      await done(this.in(name, "readwrite").delete(key));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }
  async put(name, value, key) {
    try {
      const transaction = this.database.transaction(name, "readwrite", { durability: "strict" });
      await new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
        transaction.objectStore(name).put(value, key);
      });
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.full();
      return false;
    }
  }
};

// webmail/offline/part.ts
var wantedKey = "moxlite-webmail-offline";
var quiet = 1e3;
var apart = 150;
function wanted() {
  return localStorage.getItem(wantedKey) === "1";
}
async function forget() {
  localStorage.removeItem(wantedKey);
  await caches.delete(mailCache);
  await Store.remove();
}
var Offline = class {
  constructor(page) {
    this.page = page;
    page.client.through = (call, given, run) => this.through(call, given, run);
  }
  page;
  store = null;
  outbox = null;
  timer = 0;
  fetching = false;
  alone = false;
  told = false;
  start = null;
  line = el("div", { class: "offline", role: "status" });
  async open() {
    if (!wanted() || this.store !== null) return this.store;
    try {
      this.store = await Store.open(() => this.full());
    } catch {
      this.full();
      return null;
    }
    this.outbox = new Outbox(this.store, this.page.client, (text2) => this.page.say(text2), () => this.tellWaiting());
    await this.outbox.load();
    return this.store;
  }
  full() {
    if (this.told) return;
    this.told = true;
    this.page.say(t("This browser has no room: not all mail is kept for times without a connection."));
  }
  tellWaiting() {
    const n = this.outbox?.size ?? 0;
    fill(this.line, many(n, "{n} change waits on this device until the server can be reached.", "{n} changes wait on this device until the server can be reached."));
    if (n > 0) document.querySelector(".messages")?.before(this.line);
    else this.line.remove();
  }
  async showKept() {
    const store = await this.open();
    const address = localStorage.getItem("moxlite-webmail-address");
    const start = await store?.get("facts", "start");
    if (start === void 0 || start.login_address !== address) return;
    this.alone = true;
    this.page.event({ ...start, stream_id: 1, modseq: 0, server_time: (/* @__PURE__ */ new Date()).toISOString() });
    await this.answer(this.page.mail.opening().request);
  }
  async took(event) {
    if (event.kind === "start") {
      this.alone = false;
      if (!event.capabilities.includes("offline")) return leave(this.page.base);
      await navigator.serviceWorker.register(`${this.page.base}sw.js`, { updateViaCache: "none" }).catch(() => null);
      const kept = await (await this.open())?.get("facts", "start");
      if (kept !== void 0 && kept.login_address !== event.login_address) {
        this.outbox = null;
        await forget();
      }
      if (!wanted()) this.store = null;
      this.start = event;
      void this.fill();
    }
    if (event.kind === "start" || event.kind === "resume") void this.outbox?.send(wanted());
    if (this.store === null || this.alone) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.keepList(), quiet);
  }
  async keepList() {
    const { mail } = this.page;
    const { items, lines, start } = mail.rows.value;
    const mailbox = mail.current.value?.id;
    if (mailbox === void 0 || start > 0 || isSearch(mail.query.value) || mail.query.value.filter.unread === true) return;
    const tops = items.filter((item) => (lines.get(item.id)?.top.id ?? item.id) === item.id);
    const threads = tops.map((top) => [top, ...(lines.get(top.id)?.members ?? []).filter((one) => one.id !== top.id)]);
    await this.putList({ mailbox, threads: threads.slice(0, mostMessages) });
    const start_ = await this.store?.get("facts", "start");
    if (start_ !== void 0) await this.store?.put("facts", { ...start_, mailboxes: [...mail.mailboxes.value], settings: mail.settings.value }, "start");
  }
  async putList(list) {
    await this.store?.put("lists", list, list.mailbox);
    void this.fetch(list);
  }
  async fill() {
    if (this.store === null) return;
    await this.store.put("facts", this.start, "start");
    await this.page.client.compose_prepare("new").catch(() => null);
    const boxes = this.page.mail.mailboxes.value.filter((one) => one.owner === "");
    for (const box of boxes) if (box.name === "Inbox" || box.roles.includes("draft")) await this.listOf(box).catch(() => null);
  }
  async listOf(box) {
    const request = { id: 1, view_id: 1, query: { filter: { mailbox_id: box.id } }, page: { count: mostMessages } };
    const parameters = new URLSearchParams({ token: await this.page.client.token(), request: JSON.stringify(request) });
    const source = new EventSource(`${this.page.base}events?${parameters}`);
    const items = [];
    await new Promise((resolve, reject) => {
      source.addEventListener("view_msgs", (event) => {
        const found = JSON.parse(event.data);
        items.push(...found.items);
        if (found.items.length === 0) resolve();
      });
      source.onerror = () => reject(new Error("no list"));
    }).finally(() => source.close());
    const shown = this.page.mail.current.value?.id === box.id;
    if (!shown) await this.putList({ mailbox: box.id, threads: items });
  }
  async fetch(list) {
    const { store } = this;
    if (store === null || this.fetching) return;
    this.fetching = true;
    try {
      await caches.open(mailCache);
      const known = new Set(await store.keys("messages"));
      for (const item of list.threads.flat().slice(0, mostMessages)) {
        if (known.has(item.id) || this.alone || this.page.mail.connection.value !== "on") continue;
        const parsed = await this.page.client.parsed_message(item.id);
        if (parsed.has_html) await fetch(`${this.page.base}msg/${item.id}/html?sameorigin=true`);
        await new Promise((resolve) => setTimeout(resolve, apart));
      }
      const keys = await store.keys("messages");
      for (const key of keys.slice(0, Math.max(0, keys.length - 2 * mostMessages))) await store.delete("messages", key);
    } catch {
    } finally {
      this.fetching = false;
    }
  }
  async through(call, given, run) {
    if (!wanted()) return run();
    await this.open();
    if (this.outbox?.behind(call, given) === true) return this.wait(call, given);
    try {
      const result = await run();
      if (call === "parsed_message") void this.store?.put("messages", result, given[0]);
      if (call === "compose_prepare" && given[0] === "new") void this.store?.put("facts", result, "new");
      return result;
    } catch (error) {
      if (codeOf(error) !== "") throw error;
      const stood = await this.standIn(call, given);
      if (stood === void 0) throw error;
      return stood;
    }
  }
  async standIn(call, given) {
    if (call === "parsed_message") return this.store?.get("messages", given[0]);
    if (call === "request" && this.alone) {
      await this.answer(given[0]);
      return null;
    }
    if (call === "compose_prepare" && given[0] === "new") {
      const begun = await this.store?.get("facts", "new");
      return begun && { ...begun, message_id: begun.message_id.replace(/^<[^@]*/, `<${crypto.randomUUID()}`) };
    }
    return this.wait(call, given);
  }
  async wait(call, given) {
    const result = await this.outbox?.add(call, given);
    if (result !== void 0) await this.change(call, given);
    return result;
  }
  async change(call, given) {
    const ids = given[0];
    const flags = call === "flags_add" || call === "flags_clear" ? given[1] : null;
    const leaves = call === "message_move" || call === "message_delete";
    if (this.store === null || flags === null && !leaves) return;
    const changed = (item) => {
      if (flags === null || !ids.includes(item.id)) return item;
      const own = { flags: [...item.flags], keywords: [...item.keywords] };
      for (const flag of flags) {
        const kind = /^[\\$]/.test(flag) ? "flags" : "keywords";
        own[kind] = own[kind].filter((one) => one !== flag).concat(call === "flags_add" ? [flag] : []);
      }
      return { ...item, ...own };
    };
    for (const list of await this.store.all("lists")) {
      const here = list.threads.flat().filter((item) => ids.includes(item.id) && item.mailbox_id === list.mailbox);
      if (here.length === 0) continue;
      const threads = list.threads.map((thread) => thread.filter((item) => !leaves || !ids.includes(item.id)).map(changed)).filter((thread) => thread.length > 0);
      await this.store.put("lists", { ...list, threads }, list.mailbox);
      if (!this.alone) continue;
      const { modseq } = this.page.mail;
      const facts = here.map(changed).map(({ id, flags: flags2, keywords }) => ({ kind: "msg_flags", message_id: id, mailbox_id: list.mailbox, modseq, flags: flags2, keywords }));
      const gone = { kind: "msg_remove", mailbox_id: list.mailbox, message_ids: here.map(({ id }) => id) };
      this.page.event({ kind: "view_changes", view_id: 0, modseq, more: true, changes: leaves ? [gone] : facts });
    }
  }
  async answer(request) {
    const { query } = request;
    const list = query && await this.listFor(query);
    const { view_id, id: request_id } = request;
    if (list === void 0 || list === null) {
      const message = t("Without a connection there are only lists that this device has kept.");
      this.page.event({ kind: "view_err", view_id, request_id, message, unthreaded: false });
      return;
    }
    const threaded = (query?.threading ?? "off") !== "off";
    const items = threaded ? list.threads.map((one) => [...one]) : list.threads.flat().filter((one) => one.mailbox_id === list.mailbox).map((one) => [one]);
    const common = { kind: "view_msgs", view_id, request_id, position: 0, total: items.length, parsed_message: null };
    this.page.event({ ...common, items, view_end: true });
    this.page.event({ ...common, items: [], view_end: true });
  }
  async listFor(query) {
    if (isSearch(query) || query.filter.unread === true) return void 0;
    const { mailboxes } = this.page.mail;
    const box = mailboxes.value.find(({ id, name }) => id === query.filter.mailbox_id || name === query.filter.mailbox_name);
    return box && this.store?.get("lists", box.id);
  }
  async mayLeave() {
    const n = this.outbox?.size ?? 0;
    if (n === 0) return true;
    return confirm(t("Log out?"), many(n, "{n} change was not sent yet and is lost.", "{n} changes were not sent yet and are lost."), t("Log out"));
  }
  choice() {
    if (localStorage.getItem("moxlite-webmail-stays") === null) return null;
    const box = el("input", { type: "checkbox" });
    box.checked = wanted();
    box.addEventListener("change", async (event) => {
      event.stopPropagation();
      if (box.checked) {
        localStorage.setItem(wantedKey, "1");
        await navigator.storage.persist().catch(() => false);
        await this.open();
        await this.fill();
        await this.keepList();
      } else {
        this.store = this.outbox = null;
        await forget();
      }
    });
    return el("div", { class: "field" }, el("label", { class: "check" }, box, t("Keep mail on this device")), el("p", { class: "hint" }, t("The newest 200 messages and drafts can be read without a connection. What you do meanwhile is sent later. Log out to remove them.")));
  }
};
async function leave(base) {
  const registration = await navigator.serviceWorker.getRegistration(base);
  if (registration !== void 0 && await registration.pushManager?.getSubscription() === null) await registration.unregister();
  await caches.delete(shellCache);
  await forget();
}
export {
  Offline,
  forget
};
