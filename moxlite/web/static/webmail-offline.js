var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;
async function forgetMail(account = number) {
  localStorage.removeItem(`${kept(account)}-offline`);
  for (const name of ["mail", "files"]) await globalThis.caches?.delete(`${kept(account)}-${name}`);
  const request = indexedDB.deleteDatabase(kept(account));
  await new Promise((resolve) => {
    request.onsuccess = request.onerror = request.onblocked = resolve;
  });
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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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
  const found2 = document.getElementById(id);
  if (!(found2 instanceof kind)) throw new Error(`no element #${id}`);
  return found2;
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
  let plain2 = "";
  let last = 0;
  for (const match of written(value).matchAll(scripts)) {
    const piece = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== void 0) + 1;
    if (kind !== 0 && last !== 0 && kind !== last) {
      fragment.append(plain2, mark(piece));
      plain2 = "";
      last = kind;
      continue;
    }
    plain2 += piece;
    if (kind !== 0) last = kind;
    else if (!mixable.test(piece)) last = 0;
  }
  fragment.append(plain2);
  return fragment;
}
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
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
async function confirm(title, message, action, kind = "line danger") {
  const answer = await dialog(title, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")), el("button", { class: `btn ${kind}`, autofocus: true, onclick: () => close(true) }, action))]);
  return answer === true;
}
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

function isSearch({ filter, not_filter }) {
  const { mailbox_id: _id, mailbox_name: _name, unread: _unread, ...criteria } = filter;
  const asked = (value) => Array.isArray(value) ? value.length > 0 : value != null && value !== false;
  return [-1, -2].includes(filter.mailbox_id ?? 0) || [...Object.values(criteria), ...Object.values(not_filter ?? {})].some(asked);
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

function freshId(message_id) {
  return message_id.replace(/^<[^@]*/, `<${newId()}`);
}

var day = 24 * 60 * 60 * 1e3;
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function longAddress(address) {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}

function escaped(text2) {
  const signs = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text2.replace(/[&<>"]/g, (sign2) => signs[sign2]).replace(/ {2}/g, " &nbsp;").replace(/^ /, "&nbsp;");
}
var deepest = 20;
function textToHTML(text2) {
  let html = "";
  let level = 0;
  for (const line of text2.replace(/\r\n?/g, "\n").split("\n")) {
    const [, signs = "", rest = ""] = /^((?:> ?)*)(.*)$/s.exec(line);
    const own = Math.min(deepest, signs.replace(/ /g, "").length);
    html += own > level ? "<blockquote>".repeat(own - level) : "</blockquote>".repeat(level - own);
    level = own;
    html += `<div>${rest === "" ? "<br>" : escaped(rest)}</div>`;
  }
  return html + "</blockquote>".repeat(level);
}

var mark2 = "offline:";
var [mostQuoted, mostSubject] = [2e5, 1e3];
var answered = /^(?:(?:re|aw|sv|vs|antw|rif|r|res|odp|відп|رد|תשובה|תגובה|回复|答复|回覆|返信)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+/i;
var forwarded = /^(?:(?:fwd|fw|wg|tr|rv|enc|i|pd|vb|vl|doorst|пересл|إعادة توجيه|הועבר|העברה|转发|轉寄|転送)\s*(?:\[\d+\]|\(\d+\))?\s*[:：]\s*)+/i;
var party = (one) => ({ name: one.name, address: bareAddress(one) });
var key = (one) => one.address.toLowerCase();
function unique(parties) {
  return [...new Map(parties.map((one) => [key(one), one]).reverse()).values()].reverse();
}
function field({ headers }, name) {
  return headers.find((one) => one.name.toLowerCase() === name)?.value ?? "";
}
function beginAnswer(kept3) {
  const { kind, item, parsed, begun, selected, when } = kept3;
  const { from: author, own: ownAddresses, own_mail: mine } = parsed.answering;
  const mineToo = new Set(ownAddresses.map((one) => key(party(one))));
  const isOwn = (one) => mineToo.has(key(one));
  const [from, to, cc] = [item.from.map(party), item.to.map(party), item.cc.map(party)];
  const ids = (name2) => field(parsed, name2).match(/<[^<>\s]{1,996}>/g) ?? [];
  const own = ids("message-id").slice(0, 1);
  const earlier = ids("references");
  const replied = ids("in-reply-to");
  const thread = earlier.length === 0 && replied.length === 1 ? replied : earlier;
  const subject = item.subject.slice(0, mostSubject).trim();
  const forward = kind.startsWith("forward");
  const common = { ...begun, from: { ...begun.from, address: bareAddress(author) }, subject: forward ? "Fwd: ".concat(subject.replace(forwarded, "")) : "Re: ".concat(subject.replace(answered, "")), references: [.../* @__PURE__ */ new Set([...thread, ...own])].slice(-100) };
  const name = from[0]?.name || from[0]?.address || "?";
  const whole = parsed.texts.map((one) => one.text.replace(/\n$/, "")).join("\n");
  const original = parsed.has_html && selected === "" ? marked({ kind, id: item.id, when }) : "";
  const cut = parsed.texts.some((one) => one.truncated) && original === "" && selected === "";
  const notes = cut || whole === "" && selected === "" && original === "" ? [{ message: t("You're offline, so some of the text wasn't quoted."), words: null }] : [];
  if (forward) {
    const attached = kind === "forward_attached";
    const files = attached ? [{ filename: `${subject.slice(0, 100) || "message"}.eml`, content_type: "application/octet-stream", size: item.size }] : parsed.attachments.map(({ filename, content_type, size }) => ({ filename, content_type, size }));
    return { ...common, text: attached ? "" : `${forwardedHead(item, subject, when)}

${whole.slice(0, mostQuoted)}`, original: attached ? "" : original, uploads: files.map((file2) => ({ ...file2, upload_id: marked({ kind, id: item.id, when, file: [file2.filename, file2.size] }) })), notes: attached ? [] : notes };
  }
  const back = mine ? to : item.reply_to.length > 0 ? item.reply_to.map(party) : from;
  const wanted2 = kind === "reply_all" ? [...back, ...mine ? [] : to] : back;
  const others = wanted2.filter((one) => !isOwn(one));
  const list = kind === "reply_list" && parsed.list_reply_address !== "" ? parsed.list_reply_address : "";
  const first = unique(list === "" ? others.length > 0 ? others : wanted2 : [{ name: "", address: list }]);
  const there = new Set(first.map(key));
  const quoted = quote(selected || withoutSignature(whole));
  return { ...common, to: first, cc: kind === "reply_all" ? unique(cc).filter((one) => !isOwn(one) && !there.has(key(one))) : [], in_reply_to: own[0] ?? "", text: quoted === "" ? "" : `${when === "" ? t("{name} wrote:", { name }) : t("On {when}, {name} wrote:", { when, name })}
${quoted}
`, original, notes };
}
function forwardedHead(item, subject, when) {
  const listed2 = (all) => all.slice(0, 50).map((one) => one.name === "" ? bareAddress(one) : `${one.name} <${bareAddress(one)}>`).join(", ");
  const lines = [[t("From"), listed2(item.from)], [t("Date"), when], [t("Subject"), subject], [t("To"), listed2(item.to)], [t("Cc"), listed2(item.cc)]];
  const fields = lines.filter(([, value]) => value !== "").map(([label, value]) => `${label}: ${value}`);
  return [`---------- ${t("Forwarded message")} ----------`, ...fields].join("\n");
}
function withoutSignature(text2) {
  const lines = text2.split("\n");
  const at = lines.indexOf("-- ");
  return (at < 0 ? lines : lines.slice(0, at)).join("\n");
}
function quote(text2) {
  const bare = text2.slice(0, mostQuoted).replace(/\n(?:[ \t]*\n){2,}/g, "\n\n").replace(/^\n+|\n+$/g, "");
  if (bare.trim() === "") return "";
  return bare.split("\n").map((line) => line.startsWith(">") ? `>${line}` : `> ${line}`.trimEnd()).join("\n");
}
function marked(one) {
  return mark2 + JSON.stringify(one);
}
function read2(text2) {
  return text2.startsWith(mark2) ? JSON.parse(text2.slice(mark2.length)) : null;
}
function hasMarks({ original = "", uploads }) {
  return [original, ...uploads].some((one) => one.startsWith(mark2));
}
var Originals = class {
  constructor(client) {
    this.client = client;
  }
  client;
  made = /* @__PURE__ */ new Map();
  begun({ kind, id, when }) {
    const name = `${kind} ${id}`;
    let found2 = this.made.get(name);
    if (found2 === void 0) {
      found2 = this.client.compose_prepare(kind, id, "", when);
      this.made.set(name, found2);
      found2.catch(() => this.made.delete(name));
    }
    return found2;
  }
  async fill(message) {
    const below = read2(message.original ?? "");
    const uploads = [];
    for (const one of message.uploads) {
      const file2 = read2(one);
      if (file2 === null) uploads.push(one);
      else {
        const [filename, octets] = file2.file ?? [];
        const found2 = (await this.begun(file2)).uploads.find((up) => up.filename === filename && up.size === octets && !uploads.includes(up.upload_id));
        if (found2 !== void 0) uploads.push(found2.upload_id);
      }
    }
    if (below === null) return { ...message, uploads };
    const { original, text: text2 } = await this.begun(below);
    if (original !== "" || text2 === "") return { ...message, uploads, original };
    if ((message.html ?? "") === "") return { ...message, uploads, original, text: `${message.text}

${text2}` };
    return { ...message, uploads, original, html: message.html + textToHTML(text2) };
  }
};

var shellCache = `${kept()}-shell`;
var mailCache = `${kept()}-mail`;
var fileCache = `${kept()}-files`;
var apart = 150;
var fileKey = (base2, id, path) => `${base2}msg/${id}/kept/${path}`;
var missingKey = (base2) => `${base2}msg/kept`;
var awayKey = (base2) => `${base2}settings/kept`;
var guarded = (answer) => answer.headers.get("content-security-policy")?.includes("default-src 'none'") === true;
var mostMessages = 200;

var missingText = () => t("This file isn't saved on this device. Connect to open it.");

var [largest, most] = [1 << 20, 20 << 20];
var listed = "files";
function kindOf({ content_type: type }) {
  if (type === "application/pdf" || type.startsWith("image/") && !type.startsWith("image/svg")) return "view";
  return type.startsWith("text/") || type.startsWith("message/") || type === "application/json" ? "viewtext" : "download";
}
async function keepFiles(base2, store, items, goesOn) {
  if (!goesOn()) return;
  const cache = await caches.open(fileCache);
  await cache.put(missingKey(base2), missing());
  let files = await store.get("facts", listed) ?? [];
  const drop = async (gone) => {
    for (const { id, path } of gone) await cache.delete(fileKey(base2, id, path));
    files = files.filter((one) => !gone.includes(one));
    await store.put("facts", files, listed);
  };
  const messages = new Set(await store.keys("messages"));
  await drop(files.filter(({ id }) => !messages.has(id)));
  for (const item of items.filter(({ id }) => messages.has(id))) {
    for (const one of item.attachments) {
      if (one.size > largest || files.some(({ id, path }) => id === item.id && path === one.path)) continue;
      const older = files.filter(({ id }) => id < item.id).sort((a, b) => a.id - b.id);
      let room = most - one.size - files.reduce((sum, { size }) => sum + size, 0);
      const replaced = [];
      for (const oldest of older) {
        if (room >= 0) break;
        replaced.push(oldest);
        room += oldest.size;
      }
      if (room < 0) continue;
      if (!goesOn()) return;
      await drop(replaced);
      if (!await keep(cache, base2, item.id, one)) continue;
      files = [...files, { id: item.id, path: one.path, size: one.size }];
      await store.put("facts", files, listed);
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
  }
}
async function keep(cache, base2, id, one) {
  const answer = await fetch(`${base2}msg/${id}/${kindOf(one)}/${one.path}`);
  if (!answer.ok || !guarded(answer)) return false;
  const headers = new Headers(answer.headers);
  const name = encodeURIComponent(one.filename).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  headers.set("x-moxlite-file", name);
  try {
    await cache.put(fileKey(base2, id, one.path), new Response(await answer.blob(), { headers }));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return false;
  }
  return true;
}
function missing() {
  return new Response(missingText(), { status: 503, headers: { "content-type": "text/plain; charset=utf-8", "content-security-policy": "default-src 'none'" } });
}

var kept2 = { calendars: 1, birthdays: 1, events: 24, event: 200, address_books: 1, contact_groups: 1, contacts: 50, contact: 200 };
var nameOf = (call, given) => `answer ${call} ${JSON.stringify(call === "birthdays" ? [] : given)}`;
var listOf = (call) => `answers ${call}`;
var keeping = Promise.resolve();
function keepAnswer(store, call, given, result) {
  const most2 = kept2[call];
  if (most2 !== void 0) keeping = keeping.then(() => put(store, most2, call, given, result));
}
async function put(store, most2, call, given, result) {
  const name = nameOf(call, given);
  const earlier = (await store.get("facts", listOf(call)) ?? []).filter((other) => nameOf(call, other) !== name);
  const now = [...earlier, given];
  for (const other of now.splice(0, Math.max(0, now.length - most2))) await store.delete("facts", nameOf(call, other));
  if (await store.put("facts", result, name)) await store.put("facts", now, listOf(call));
}
async function keptAnswer(store, call, given) {
  if (!(call in kept2)) return void 0;
  const exact = await store.get("facts", nameOf(call, given));
  if (exact !== void 0 || call !== "events" && call !== "contacts") return exact;
  const others = [...await store.get("facts", listOf(call)) ?? []].reverse();
  if (call === "contacts") return contactsOf(store, others, given);
  const [from, to] = given;
  const around = others.find(([since, until]) => Number(since) <= from && Number(until) >= to);
  return around && store.get("facts", nameOf(call, around));
}
async function contactsOf(store, asked, [text2 = "", group = "", after = 0, book = 0]) {
  if (after !== 0) return void 0;
  const fitting = asked.filter(([words = "", itsGroup = "", , itsBook = 0]) => words === "" && itsGroup === group && itsBook === book);
  if (fitting.length === 0) return void 0;
  const pages = await Promise.all(fitting.map((given) => store.get("facts", nameOf("contacts", given))));
  const all = new Map(pages.flatMap((page) => page?.contacts ?? []).map((contact) => [contact.id, contact]));
  const needle = String(text2).toLowerCase();
  const contacts = [...all.values()].filter((contact) => JSON.stringify(contact).toLowerCase().includes(needle));
  return { contacts, more: false, total: contacts.length, letters: [] };
}
async function fetchGroupware(client) {
  const now = /* @__PURE__ */ new Date();
  const seconds = (month, day2) => Math.floor(new Date(now.getFullYear(), now.getMonth() + month, day2).getTime() / 1e3);
  const calendars = (await client.calendars()).filter(({ hidden }) => !hidden);
  await client.events(seconds(0, -7), seconds(2, 15), calendars.map(({ id }) => id));
  await client.birthdays("");
  await client.address_books();
  await client.contact_groups();
  await client.contacts("", "", 0, 0, 1e3);
}

var cacheName = `${kept()}-notices`;
var file = "notice-facts";
async function keptFacts(base2) {
  if (globalThis.caches === void 0 || !await caches.has(cacheName)) return null;
  const found2 = await (await caches.open(cacheName)).match(base2 + file);
  return found2 === void 0 ? null : await found2.json();
}
async function keepFacts(base2, facts) {
  await (await caches.open(cacheName)).put(base2 + file, new Response(JSON.stringify(facts)));
}
async function dropFacts() {
  await globalThis.caches?.delete(cacheName);
}
function noticeWords() {
  return { works: t("Notifications are working"), told: t("Notifications turned on for this device"), mail: t("New mail"), one: t("New message"), more: t("New message and {n} more"), archive: t("Archive"), alarm: t("(no title)") };
}
function valuesOf(made) {
  const { endpoint = "", keys = {} } = made.toJSON();
  return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
}

async function follow(client, base2, login, say) {
  const facts = await keptFacts(base2);
  if (facts === null) return;
  const registration = await navigator.serviceWorker.getRegistration(base2);
  const subscription = await registration?.pushManager?.getSubscription() ?? null;
  if (subscription === null || facts.login !== login) {
    await subscription?.unsubscribe();
    await dropFacts();
    return;
  }
  const values = valuesOf(subscription);
  let { device } = facts;
  if (facts.csrf !== client.csrfToken || facts.endpoint !== values.endpoint) {
    const { devices } = await client.notices();
    if (!devices.some((one) => one.id === device)) {
      await subscription.unsubscribe();
      await dropFacts();
      say(t("Notifications are off on this device. You can turn them on in the settings."));
      return;
    }
    device = await client.notices_subscribe(values.endpoint, values.p256dh, values.auth, facts.name, device);
  }
  const now = { ...facts, device, endpoint: values.endpoint, csrf: client.csrfToken, words: noticeWords() };
  if (JSON.stringify(now) !== JSON.stringify(facts)) await keepFacts(base2, now);
}
async function followDevice(...given) {
  try {
    await follow(...given);
  } catch (error) {
    if (codeOf(error) === null && !(error instanceof DOMException)) throw error;
  }
}

var waiting = { flags_add: null, flags_clear: null, message_move: null, message_delete: null, thread_mute: null, message_submit: -1 };
function mayWait(call) {
  return call in waiting;
}
var settled = /* @__PURE__ */ new Set(["user:conflict", "user:notFound"]);
var mostSilent = 3;
var restFor = 6e5;
function changedBy({ call, given }) {
  return call === "message_submit" ? [] : given[0];
}
var Outbox = class {
  constructor(store, client, say, changed, originals) {
    this.store = store;
    this.client = client;
    this.say = say;
    this.changed = changed;
    this.originals = originals;
  }
  store;
  client;
  say;
  changed;
  originals;
  calls = /* @__PURE__ */ new Map();
  running = null;
  aside = /* @__PURE__ */ new Map();
  silent = /* @__PURE__ */ new Map();
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
    if (!(call in waiting) || this.runs(call, given)) return false;
    return this.size > this.aside.size || this.follows({ call, given });
  }
  follows(call) {
    if (this.aside.size === 0) return false;
    const ids = new Set([...this.aside.values()].flatMap(changedBy));
    return changedBy(call).some((id) => ids.has(id));
  }
  async add(call, given) {
    if (!(call in waiting) || this.runs(call, given)) return void 0;
    if (!await this.store.put("outbox", { call, given })) return void 0;
    await this.load();
    return waiting[call];
  }
  async send(kept3) {
    this.turn = this.turn.then(() => navigator.locks.request(`${kept()}-outbox`, () => this.sendAll(kept3)));
    await this.turn;
  }
  async sendAll(kept3) {
    if (kept3) await this.load();
    this.aside.clear();
    for (; ; ) {
      const next = [...this.calls].find(([key22]) => !this.aside.has(key22));
      if (next === void 0) return;
      const [key2, one] = next;
      const [times, at] = this.silent.get(key2) ?? [0, 0];
      const rests = times >= mostSilent && Date.now() < at + restFor;
      const last = times + 1 >= mostSilent;
      let outcome = "failed";
      try {
        if (!rests && !this.follows(one)) outcome = await this.made(one, last);
      } finally {
        this.running = null;
      }
      if (outcome === "unanswered") {
        this.silent.set(key2, [times + 1, Date.now()]);
        if (!last) return;
        outcome = "failed";
      } else if (!rests) this.silent.delete(key2);
      if (outcome === "failed") {
        const failed = { ...one, failed: true };
        if (kept3) await this.store.put("outbox", failed, key2);
        this.calls.set(key2, failed);
        this.aside.set(key2, failed);
        continue;
      }
      if (kept3) await this.store.delete("outbox", key2);
      this.calls.delete(key2);
      this.changed();
    }
  }
  async made(one, last) {
    const methods = this.client;
    try {
      const [first, ...rest] = one.given;
      const given = one.call === "message_submit" ? [await this.originals.fill(first), ...rest] : one.given;
      this.running = { call: one.call, given };
      await methods[one.call](...given);
      return "done";
    } catch (error) {
      const code = codeOf(error);
      const silent = code === "";
      if (silent && !last) return "unanswered";
      if (code === "user:sent") return "done";
      const why = messageOf(error);
      const failed = silent || code?.startsWith("server:") === true;
      if (one.call !== "message_submit") {
        if (settled.has(code ?? "")) return "done";
        this.say(failed ? t("The server couldn't apply an offline change: {why} We'll try again when you reconnect. If this happens again, contact your administrator.", { why }) : t("A change you made offline was rejected: {why}", { why }));
        return silent ? "unanswered" : failed ? "failed" : "done";
      }
      if (silent || failed && one.failed !== true) {
        this.say(t("A message you wrote offline is waiting on this device: {why}", { why }));
        return silent ? "unanswered" : "failed";
      }
      let failure = await this.drafted(one.given[0]);
      if (failure !== null && codeOf(failure)?.startsWith("user:") === true) {
        const { original: _, ...words } = one.given[0];
        failure = await this.drafted({ ...words, uploads: [] });
      }
      if (failure !== null) {
        this.say(t("A message you wrote offline is waiting on this device: {why}", { why: messageOf(failure) }));
        return codeOf(failure) === "" ? "unanswered" : "failed";
      }
      this.say(t("A message you wrote offline wasn't sent. You'll find it in Drafts: {why}", { why }));
      return "done";
    }
  }
  async drafted(message) {
    try {
      await this.client.draft_save(message, crypto.randomUUID().replaceAll("-", ""), 0);
      return null;
    } catch (error) {
      return error;
    }
  }
};

var plain = (text2) => text2.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
var has = (where, wanted2 = []) => {
  const text2 = plain(where);
  return wanted2.every((one) => text2.includes(plain(one)));
};
function found(query, items, messages, box) {
  const { words, from, to, subject, unread, mailbox_id, mailbox_name, ...rest } = query.filter;
  const { not_filter, ...others } = query;
  if (isSearch({ ...others, filter: rest }) || not_filter && isSearch({ filter: {}, not_filter })) return null;
  if (box === 0 && (mailbox_id ?? 0) > 0) return null;
  const texts = new Map(messages.map((one) => [one.id, one.texts.map((text2) => text2.text).join("\n")]));
  const unique2 = new Map(items.map((item) => [item.id, item]));
  return [...unique2.values()].filter((item) => {
    const people = (all) => all.map(longAddress).join("\n");
    const [authors, readers] = [people(item.from), people([...item.to, ...item.cc, ...item.bcc])];
    return (box === 0 || item.mailbox_id === box) && (unread !== true || !item.flags.includes("\\seen")) && has(authors, from) && has(readers, to) && has(item.subject, subject) && has([item.subject, authors, readers, item.preview, texts.get(item.id) ?? ""].join("\n"), words);
  }).sort((a, b) => a.received < b.received ? 1 : -1);
}

async function guardSettings(base2, settings) {
  if (!isHere(settings)) return;
  const cache = await caches.open(fileCache);
  await cache.put(awayKey(base2), away());
  await navigator.serviceWorker.register(`${base2}sw.js`, { scope: settings, updateViaCache: "none" });
}
async function freeSettings(settings) {
  if (!isHere(settings)) return;
  const registration = await navigator.serviceWorker.getRegistration(settings);
  if (registration?.scope === new URL(settings, location.href).href) await registration.unregister();
}
var isHere = (settings) => settings !== "" && new URL(settings, location.href).origin === location.origin;
function away() {
  const title = t("Couldn't open settings");
  const page = document.implementation.createHTMLDocument(title);
  const { lang, dir } = document.documentElement;
  Object.assign(page.documentElement, { lang, dir });
  page.head.append(el("meta", { name: "color-scheme", content: "light dark" }), el("meta", { name: "viewport", content: "width=device-width" }));
  page.body.append(el("h1", {}, title), el("p", {}, t("Can't reach the server.")));
  return new Response(new XMLSerializer().serializeToString(page), { status: 503, headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'" } });
}

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
    database.onversionchange = () => {
      this.ended = true;
      database.close();
    };
    database.onclose = () => {
      this.ended = true;
    };
  }
  database;
  full;
  ended = false;
  static async open(full) {
    const request = indexedDB.open(kept(), 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion === 1) request.transaction?.objectStore("messages").clear();
      else for (const name of stores) request.result.createObjectStore(name, { autoIncrement: name === "outbox" });
    };
    return new _Store(await done(request), full);
  }
  in(name, mode = "readonly") {
    return this.database.transaction(name, mode).objectStore(name);
  }
  async reading(nothing, read3) {
    try {
      return this.ended ? nothing : await read3();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.ended = true;
      return nothing;
    }
  }
  get(name, key2) {
    return this.reading(void 0, () => done(this.in(name).get(key2)));
  }
  all(name) {
    return this.reading([], () => done(this.in(name).getAll()));
  }
  keys(name) {
    return this.reading([], () => done(this.in(name).getAllKeys()));
  }
  entries(name) {
    return this.reading(/* @__PURE__ */ new Map(), async () => {
      const store = this.in(name);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      return new Map(keys.map((key2, i) => [key2, values[i]]));
    });
  }
  async delete(name, key2) {
    await this.reading(void 0, () => done(this.in(name, "readwrite").delete(key2)));
  }
  async put(name, value, key2) {
    if (this.ended) return false;
    try {
      const transaction = this.database.transaction(name, "readwrite", { durability: "strict" });
      await new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
        transaction.objectStore(name).put(value, key2);
      });
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (error.name === "InvalidStateError") this.ended = true;
      else this.full();
      return false;
    }
  }
};

var wantedKey = `${kept()}-offline`;
var addressKey = `${kept()}-address`;
var quiet = 1e3;
var refillAfter = 2e4;
var mostDrafts = 20;
var [peopleKey, mostNames] = ["people", 20];
var draftKey = (id) => `draft-${id}`;
function wanted() {
  return localStorage.getItem(wantedKey) === "1";
}
var Offline = class {
  constructor(page) {
    this.page = page;
    this.originals = new Originals(page.client);
    page.client.through = (call, given, run) => this.through(call, given, run);
    addEventListener("storage", (event) => event.key === wantedKey && void this.chosen());
    addEventListener("beforeunload", (event) => {
      const address = localStorage.getItem(addressKey);
      if (this.waits > 0 && !wanted() && (address === null || address === this.owner)) event.preventDefault();
    });
  }
  page;
  store = null;
  outbox = null;
  owner = "";
  originals;
  opening = null;
  timer = 0;
  refilling = 0;
  fetching = false;
  turns = /* @__PURE__ */ new Map();
  people = null;
  alone = false;
  told = false;
  start = null;
  line = el("div", { class: "offline", role: "status" });
  async open() {
    if (wanted() && this.store === null) {
      this.opening ??= this.openStore().finally(() => this.opening = null);
      await this.opening;
    }
    return this.store;
  }
  async chosen() {
    if (!wanted()) {
      this.store = this.outbox = null;
      await freeSettings(this.start?.account_path ?? "");
      return;
    }
    await this.open();
    await this.fill();
    await this.keepList();
  }
  async openStore() {
    let store;
    try {
      store = await Store.open(() => this.full());
    } catch {
      this.full();
      return;
    }
    this.owner = (await store.get("facts", "start"))?.login_address ?? "";
    this.outbox = new Outbox(store, this.page.client, (text2) => this.page.say(text2), () => this.tellWaiting(), this.originals);
    await this.outbox.load();
    this.store = store;
  }
  get waits() {
    return this.outbox?.size ?? 0;
  }
  async atLogIn() {
    await this.open();
    if (wanted()) await forgetMail();
    const n = this.waits;
    if (n === 0) return [];
    const text2 = many(n, "To send {n} offline change, log in as {address}. If another user logs in, it will be lost.", "To send {n} offline changes, log in as {address}. If another user logs in, they will be lost.", { address: this.owner });
    return [el("p", { class: "hint" }, text2)];
  }
  full() {
    if (this.told) return;
    this.told = true;
    this.page.say(t("Browser storage is full. Some mail won't be available offline."));
  }
  tellWaiting() {
    const n = this.waits;
    fill(this.line, many(n, "{n} change will be sent when you're online.", "{n} changes will be sent when you're online."));
    if (n > 0) document.querySelector(".list-band")?.append(this.line);
    else this.line.remove();
  }
  async showKept() {
    const store = await this.open();
    const start = await store?.get("facts", "start");
    if (start === void 0 || start.login_address !== localStorage.getItem(addressKey)) return;
    this.alone = true;
    this.page.event({ ...start, stream_id: 1, modseq: 0, server_time: (/* @__PURE__ */ new Date()).toISOString() });
    await this.answer(this.page.mail.opening().request);
  }
  async took(event) {
    const again = event.kind === "resume" && this.store !== null && this.start?.capabilities.includes("offline") === false;
    if (again) await this.began(this.start);
    if (event.kind === "start") {
      const goesOn = await this.began(event);
      const { client, base: base2, say } = this.page;
      void followDevice(client, base2, event.login_address, say);
      if (!goesOn) return;
      void this.fill();
    }
    if (event.kind === "start" || event.kind === "resume") void this.outbox?.send(wanted());
    if (this.store === null || this.alone) return;
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.keepList(), quiet);
  }
  async began(start) {
    this.alone = false;
    this.start = start;
    await this.open();
    if (this.owner !== "" && this.owner !== start.login_address) {
      this.store = this.outbox = this.people = null;
      this.owner = "";
      this.tellWaiting();
      await forgetMail();
    }
    if (!start.capabilities.includes("offline")) {
      await this.outbox?.send(wanted());
      if (this.waits === 0) {
        this.store = this.outbox = null;
        await leave(this.page.base, start.account_path);
      }
      return false;
    }
    await navigator.serviceWorker.register(`${this.page.base}sw.js`, { updateViaCache: "none" }).catch(() => null);
    if (!wanted()) {
      this.store = null;
      await freeSettings(start.account_path);
    }
    return true;
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
    if (start_ !== void 0) await this.store?.put("facts", { ...start_, mailboxes: mail.boxes.told(), links: [...mail.boxes.links], settings: mail.settings.value }, "start");
  }
  async putList(list) {
    await this.store?.put("lists", list, list.mailbox);
    void this.fetch(list);
  }
  async fill() {
    if (this.store === null || this.start === null) return;
    this.owner = this.start.login_address;
    await this.store.put("facts", this.start, "start");
    await guardSettings(this.page.base, this.start.account_path).catch(() => null);
    await this.page.client.compose_prepare("new").catch(() => null);
    await this.fetchPeople().catch(() => null);
    await fetchGroupware(this.page.client).catch(() => null);
    const boxes = this.page.mail.mailboxes.value.filter((one) => one.owner === "");
    for (const box of boxes) if (box.name === "Inbox" || box.roles.includes("draft")) await this.listOf(box).catch(() => null);
  }
  async fetchPeople() {
    const kept22 = await this.store?.get("facts", peopleKey);
    if (kept22 !== void 0 && Date.now() - kept22.at < 864e5) return;
    const { parties } = await this.page.client.complete_recipient("");
    this.people = parties;
    await this.store?.put("facts", { at: Date.now(), parties }, peopleKey);
  }
  async complete(text2) {
    this.people ??= (await this.store?.get("facts", peopleKey))?.parties ?? null;
    if (this.people === null) return void 0;
    const needle = text2.toLowerCase();
    const parties = [];
    for (const one of this.people) {
      if (`${one.name} <${one.address}>`.toLowerCase().includes(needle)) parties.push(one);
      if (parties.length > mostNames) break;
    }
    return { parties: parties.slice(0, mostNames), complete: parties.length <= mostNames, groups: [] };
  }
  async listOf(box) {
    const request = { id: 1, view_id: 1, query: { filter: { mailbox_id: box.id } }, page: { count: mostMessages } };
    const parameters = new URLSearchParams({ token: await this.page.client.token(), request: JSON.stringify(request) });
    const source = new EventSource(`${this.page.base}events?${parameters}`);
    const items = [];
    await new Promise((resolve, reject) => {
      source.addEventListener("view_msgs", (event) => {
        const found2 = JSON.parse(event.data);
        items.push(...found2.items);
        if (found2.items.length === 0) resolve();
      });
      source.onerror = () => reject(new Error("no list"));
    }).finally(() => source.close());
    const shown = this.page.mail.current.value?.id === box.id;
    if (!shown) await this.putList({ mailbox: box.id, threads: items });
  }
  async fetch(list) {
    this.turns.set(list.mailbox, list);
    if (this.fetching) return;
    this.fetching = true;
    try {
      for (const [mailbox, next] of this.turns) {
        this.turns.delete(mailbox);
        await this.fetchMessages(next);
      }
    } catch {
    } finally {
      this.turns.clear();
      this.fetching = false;
    }
  }
  async fetchMessages(list) {
    const { store } = this;
    if (store === null || !wanted()) return;
    const mail = await caches.open(mailCache);
    const known = new Set(await store.keys("messages"));
    for (const item of list.threads.flat().slice(0, mostMessages)) {
      if (known.has(item.id) || this.alone || this.page.mail.connection.value !== "on") continue;
      const parsed = await this.page.client.parsed_message(item.id);
      if (parsed.has_html) {
        const path = `${this.page.base}msg/${item.id}/html`;
        const answer = await fetch(`${path}?sameorigin=true`);
        if (answer.ok && guarded(answer)) await mail.put(path, answer);
      }
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
    await this.fetchDrafts(list);
    const keys = await store.keys("messages");
    for (const key2 of keys.slice(0, Math.max(0, keys.length - 2 * mostMessages))) await store.delete("messages", key2);
    await keepFiles(this.page.base, store, list.threads.flat().slice(0, mostMessages), () => wanted() && this.store === store && !this.alone && this.page.mail.connection.value === "on");
  }
  async fetchDrafts(list) {
    const box = this.page.mail.mailboxes.value.find((one) => one.id === list.mailbox);
    if (this.store === null || box?.owner !== "" || !box.roles.includes("draft")) return;
    const drafts = list.threads.flat().filter((one) => one.mailbox_id === list.mailbox && one.attachments.length === 0);
    const wanted2 = new Set(drafts.slice(0, mostDrafts).map((one) => draftKey(one.id)));
    const known = new Set(await this.store.keys("facts"));
    for (const name of known) if (typeof name === "string" && name.startsWith(draftKey(0).slice(0, -1)) && !wanted2.has(name)) await this.store.delete("facts", name);
    for (const { id } of drafts.slice(0, mostDrafts)) {
      if (known.has(draftKey(id)) || this.page.mail.connection.value !== "on") continue;
      await this.page.client.compose_prepare("edit", id);
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
  }
  async through(call, given, run) {
    if (!wanted()) return run();
    await this.open();
    if (call === "logout") {
      const result = await run();
      await forgetMail();
      return result;
    }
    if (this.outbox?.behind(call, given) === true) return this.wait(call, given);
    try {
      if ((call === "message_submit" || call === "draft_save") && hasMarks(given[0])) return await this.marked(call, given);
      const result = await run(mayWait(call));
      this.keepResult(call, given, result);
      return result;
    } catch (error) {
      if (codeOf(error) !== "") throw error;
      const stood = await this.standIn(call, given);
      if (stood === void 0) throw error;
      return stood;
    }
  }
  async marked(call, given) {
    const [message, ...rest] = given;
    const filled2 = await this.originals.fill(message);
    const method = this.page.client[call];
    return method.call(this.page.client, filled2, ...rest);
  }
  keepResult(call, given, result) {
    if (this.store !== null) void keepAnswer(this.store, call, given, result);
    if (call === "parsed_message") void this.store?.put("messages", result, given[0]);
    if (call === "compose_prepare" && given[0] === "new") void this.store?.put("facts", result, "new");
    if (call === "compose_prepare" && given[0] === "edit") void this.keepDraft(result, given[1]);
    if (call === "draft_save") {
      const { uploads, ...words } = given[0];
      if (uploads.length === 0) void this.keepDraft({ html: "", original: "", ask_read: false, ask_delivered: false, ...words, tls: words.tls ?? "default", uploads: [], notes: [], name: words.from.name, senders: [] }, result);
      clearTimeout(this.refilling);
      this.refilling = window.setTimeout(() => void this.fill(), refillAfter);
    }
  }
  async keepDraft(begun, id) {
    const whole = begun.uploads.length === 0 && begun.original === "" && !/<img\b/i.test(begun.html);
    if (whole) await this.store?.put("facts", begun, draftKey(id));
  }
  async standIn(call, given) {
    if (call === "parsed_message") return this.store?.get("messages", given[0]);
    if (call === "request" && this.alone) {
      await this.answer(given[0]);
      return null;
    }
    if (call === "draft_find") return 0;
    if (call === "complete_recipient") return this.complete(given[0]);
    if (call === "compose_prepare") return this.begin(given);
    return (this.store && await keptAnswer(this.store, call, given)) ?? this.wait(call, given);
  }
  async begin(given) {
    const [kind, id, selected, when] = given;
    const begun = await this.fresh();
    if (begun === void 0 || kind === "new") return begun;
    if (kind === "edit") {
      const draft = await this.store?.get("facts", draftKey(id ?? 0));
      if (draft !== void 0) return draft;
      throw new Error(t("You can't edit this message offline because part of it isn't saved on this device."));
    }
    const lists = await this.store?.all("lists") ?? [];
    const item = lists.flatMap((list) => list.threads.flat()).find((one) => one.id === id);
    const parsed = await this.store?.get("messages", id ?? 0);
    if (item === void 0 || parsed === void 0) throw new Error(t("While you're offline, you can only reply to messages saved on this device."));
    return beginAnswer({ kind, item, parsed, begun, selected: selected ?? "", when: when ?? "" });
  }
  async fresh() {
    const begun = await this.store?.get("facts", "new");
    return begun && { ...begun, message_id: freshId(begun.message_id) };
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
    const searched = query && isSearch(query) ? await this.searched(query) : null;
    const list = searched ?? (query && await this.listFor(query));
    const { view_id, id: request_id } = request;
    if (list === void 0 || list === null) {
      const message = query && isSearch(query) ? t("While you're offline, you can only search for words in messages saved on this device.") : t("While you're offline, you can only open lists saved on this device.");
      this.page.event({ kind: "view_err", view_id, request_id, message, unthreaded: false });
      this.page.mail.searching.value = null;
      return;
    }
    const threaded = (query?.threading ?? "off") !== "off";
    const items = threaded ? list.threads.map((one) => [...one]) : list.threads.flat().filter((one) => searched !== null || one.mailbox_id === list.mailbox).map((one) => [one]);
    const common = { kind: "view_msgs", view_id, request_id, position: 0, total: items.length, parsed_message: null };
    this.page.event({ ...common, items, view_end: true });
    this.page.event({ ...common, items: [], view_end: true });
    const n = items.length;
    if (searched !== null) this.page.mail.searching.value = { messages: n, looked: n, of: n, found: n, done: true, stopped: false, left_out: [], saved: true };
  }
  async searched(query) {
    const lists = await this.store?.all("lists") ?? [];
    const messages = await this.store?.all("messages") ?? [];
    const { mailboxes } = this.page.mail;
    const { mailbox_id: id, mailbox_name: name } = query.filter;
    const box = mailboxes.value.find((one) => one.id === id || one.name === name);
    const items = found(query, lists.flatMap((list) => list.threads.flat()), messages, box?.id ?? 0);
    return items === null ? null : { mailbox: box?.id ?? 0, threads: items.map((item) => [item]) };
  }
  async listFor(query) {
    if (isSearch(query) || query.filter.unread === true) return void 0;
    const { mailboxes } = this.page.mail;
    const box = mailboxes.value.find(({ id, name }) => id === query.filter.mailbox_id || name === query.filter.mailbox_name);
    return box && this.store?.get("lists", box.id);
  }
  async mayLeave() {
    const n = this.waits;
    if (n === 0) return true;
    return confirm(t("Log out?"), many(n, "{n} unsent change will be lost.", "{n} unsent changes will be lost."), t("Log out"));
  }
};
async function leave(base2, settings) {
  await freeSettings(settings);
  const registration = await navigator.serviceWorker.getRegistration(base2);
  if (registration !== void 0 && await registration.pushManager?.getSubscription() === null) await registration.unregister();
  await caches.delete(shellCache);
  await forgetMail();
}
export {
  Offline
};
