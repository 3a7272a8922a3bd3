function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
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

var x = "M18 6 6 18 M6 6l12 12";

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
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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

var inboxes = -3;
function isInboxes({ filter }) {
  return filter.mailbox_id === inboxes;
}

function allows(mailbox, rights) {
  return mailbox.owner === "" || [...rights].every((right) => mailbox.rights.includes(right));
}

var refinements = [["", t("Show all messages")], ["unread", t("Show unread messages only")], ["read", t("Show read messages only")], ["flagged", t("Show flagged messages only")], ["attachments", t("Show messages with attachments only")], ["people", t("Show messages from people only")], ["newsletters", t("Show newsletters only")]];
var threadings = [["on", t("Conversations")], ["off", t("Single messages")]];
var orderings = [["newest", t("Newest first")], ["oldest", t("Oldest first")], ["unread", t("Unread first")], ["sender", t("By sender")], ["size", t("Largest first")]];
var listMenu = [refinements.map(([id]) => `list.show-${id || "all"}`), threadings.map(([id]) => `threads.${id}`), orderings.map(([order]) => `list.order-${order}`)];

function addImportCommand(desk, run) {
  desk.commands.add(t("Anywhere"), [{ id: "mailbox.import", title: t("Import files…"), run }]);
}

var dropping_default = ".mailbox.drop,.messages.drop{outline:2px dashed var(--accent);outline-offset:-2px}\n";

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;

var CallFailed = class extends Error {
  constructor(call, code, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

var UploadAborted = class extends Error {
};
var silentAfter = 3e4;
var staleAfter = 3e3;
var [first, largest, quick] = [1 << 20, 8 << 20, 4e3];
function sent(request, url, body, type, client, progress) {
  return new Promise((resolve, reject) => {
    const fail = (code, text2) => reject(new CallFailed("upload", code, text2));
    let [heard, timer] = [0, 0];
    const hear = () => {
      heard = Date.now();
      clearTimeout(timer);
      timer = window.setTimeout(lost, silentAfter);
    };
    const lost = () => {
      fail("", t("upload interrupted"));
      request.abort();
    };
    const connected = () => {
      if (Date.now() - heard > staleAfter) lost();
    };
    request.open("POST", url);
    request.setRequestHeader("x-moxlite-csrf", client.csrfToken);
    if (type !== null) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => {
      hear();
      progress(event.loaded, event.total);
    };
    request.onload = () => {
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        const { status } = request;
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === void 0) resolve(answer);
      else void told(answer.error).then(({ code, message }) => fail(code, message));
    };
    request.onerror = () => fail("", t("upload interrupted"));
    request.onabort = () => reject(new UploadAborted());
    request.onloadend = () => {
      clearTimeout(timer);
      removeEventListener("connected", connected);
    };
    addEventListener("connected", connected);
    hear();
    request.send(body);
  });
}
async function loggedIn(error, client) {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}
var FormUpload = class {
  request = new XMLHttpRequest();
  complete = false;
  async send(url, form, client, progress) {
    for (; ; ) {
      try {
        const { token } = await sent(this.request, url, form, null, client, (octets, size2) => {
          this.complete = octets === size2;
          progress(octets, size2);
        });
        if (token === void 0) throw new CallFailed("upload", "", t("Unexpected response from the server. Try again."));
        return token;
      } catch (error) {
        if (!await loggedIn(error, client)) throw error;
        this.request = new XMLHttpRequest();
      }
    }
  }
  abort() {
    this.request.abort();
  }
};

var mostFiles = 1e3;
var mostUndone = 1e5;
var longestName = 60;
var mostNames = 3;
var start = 512;
var storageKey = `${kept()}-imports`;
async function isMail(file) {
  let text2;
  try {
    const bytes = await file.slice(0, start).arrayBuffer();
    text2 = new TextDecoder("latin1").decode(bytes).replace(/^\xef\xbb\xbf/, "");
  } catch {
    return false;
  }
  return text2.startsWith("PK") || text2.startsWith("") || text2.startsWith("ustar", 257) || text2.startsWith("From ") || /^(?:\d+ *\n)?[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]/.test(text2);
}
function kinds() {
  return t("You can import messages (.eml), mbox files, and ZIP, tar.gz, or tar archives of mail.");
}
function listed(files) {
  const names = files.slice(0, mostNames).map((file) => file.name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "_"));
  const short = names.map((name) => name.length > longestName ? `${name.slice(0, longestName)}…` : name);
  return short.join(", ") + (files.length > mostNames ? ", …" : "");
}
function importingText(state, mailbox) {
  const { messages: messages2, about } = state;
  if (messages2 === 0 || about <= messages2) return t("Importing into {mailbox}…", { mailbox });
  return state.state === "finishing" ? `${t("Filing messages…")} ${Math.floor(100 * messages2 / about)} %` : t("Importing {n} of about {all} messages into {mailbox}…", { n: messages2, all: about, mailbox });
}
var untilClosed = 1e9;
var Importing = class {
  constructor(client, base2, mail, actions) {
    this.client = client;
    this.base = base2;
    this.mail = mail;
    this.actions = actions;
    addEventListener("beforeunload", (event) => {
      if (this.upload.size > 0) event.preventDefault();
    });
    addEventListener("connected", () => void this.look());
    void this.look();
  }
  client;
  base;
  mail;
  actions;
  running = /* @__PURE__ */ new Map();
  stopped = /* @__PURE__ */ new Set();
  upload = /* @__PURE__ */ new Set();
  async choose(mailbox) {
    const files = await dialog(t("Import into “{name}”", { name: mailboxName(mailbox.name) }), (close) => {
      const input = el("input", { type: "file", multiple: true, hidden: true });
      input.addEventListener("change", () => close([...input.files ?? []]));
      return [el("p", { class: "dialog-text" }, kinds()), input, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", onclick: () => close([]) }, t("Cancel")), el("button", { class: "btn primary", autofocus: true, onclick: () => input.click() }, t("Choose files…")))];
    });
    if (files !== null && files.length > 0) await this.begin(mailbox, files);
  }
  async begin(mailbox, files) {
    if (this.mail.connection.value !== "on") {
      toast(t("You can't import while offline."));
      return;
    }
    if (files.length > mostFiles) {
      toast(t("You can import up to {n} files at a time. For more, use a ZIP archive.", { n: mostFiles }));
      return;
    }
    const known = await Promise.all(files.map(isMail));
    const others = files.filter((_, i) => known[i] !== true);
    const taken = files.filter((_, i) => known[i] === true);
    if (others.length > 0 || taken.length === 0) toast(`${others.length > 0 ? t("Not mail files: {names}.", { names: listed(others) }) : ""} ${kinds()}`.trim());
    if (taken.length > 0) await this.send(mailbox, taken);
  }
  async send(mailbox, files) {
    const octets = files.reduce((sum, file) => sum + file.size, 0);
    const upload = new FormUpload();
    const form = new FormData();
    for (const file of files) form.append("file", file);
    const sending = (sent2) => t("Uploading {part} of {whole}…", { part: size(sent2), whole: size(octets) });
    let said = null;
    this.upload.add(upload);
    try {
      await this.client.import_check(mailbox.id, octets);
      const progress = toast(sending(0), { title: t("Stop"), run: () => upload.abort() }, 0);
      said = progress;
      const address = `${this.base}import?mailbox_id=${mailbox.id}`;
      const token = await upload.send(address, form, this.client, (sent2) => progress.say(sending(Math.min(sent2, octets))));
      if (this.kept()[token] === void 0) this.keep(token, mailbox.name);
    } catch (error) {
      if (error instanceof UploadAborted) toast(t("Import stopped. No messages imported"));
      else this.offer(mailbox, files, await this.reason(error, mailbox, octets), upload.complete);
    } finally {
      this.upload.delete(upload);
      said?.close();
    }
  }
  offer(mailbox, files, error, complete) {
    if (complete && codeOf(error) === "user:conflict") return;
    const unanswered = codeOf(error) === "";
    const words = unanswered && complete ? t("Can't reach the server, and we don't know whether this was done. Check before you try again.") : t("No messages imported: {why}", { why: messageOf(error) });
    const again = () => void this.send(mailbox, files);
    const said = toast(words, { title: t("Try again"), run: again }, untilClosed);
    const shown2 = [...document.querySelectorAll(".toast")].at(-1);
    const connected = () => {
      if (shown2.isConnected) again();
      said.close();
    };
    if (unanswered && !complete) addEventListener("connected", connected, { once: true });
  }
  async reason(error, mailbox, octets) {
    if (codeOf(error) !== "") return error;
    try {
      await this.client.import_check(mailbox.id, octets);
      return error;
    } catch (reason) {
      return codeOf(reason) === "" ? error : reason;
    }
  }
  took(state) {
    const { token } = state;
    if (this.kept()[token] === "") return;
    const mailbox = mailboxName(this.mail.boxes.get(state.mailbox_id)?.name ?? "");
    if (state.state === "done" || state.state === "aborted") {
      this.ended(token);
      if (state.state === "done") this.done(state, mailbox);
      else this.failed(state.message);
      return;
    }
    this.keep(token, mailbox);
    if (this.stopped.has(token)) return;
    const words = importingText(state, mailbox);
    const shown2 = this.running.get(token);
    if (shown2 === void 0) this.running.set(token, toast(words, { title: t("Stop"), run: () => void this.stop(token) }, 0));
    else shown2.say(words);
  }
  async stop(token) {
    this.stopped.add(token);
    this.running.delete(token);
    try {
      await this.client.import_abort(token);
    } catch (error) {
      this.stopped.delete(token);
      toast(messageOf(error));
    }
  }
  done(state, mailbox) {
    const { messages: messages2, first_id } = state;
    const said = many(messages2, "{n} message imported into {mailbox}", "{n} messages imported into {mailbox}", { mailbox });
    const words = state.problems > 0 ? `${said}. ${t("Skipped {n}: {why}", { n: state.problems, why: state.message })}` : said;
    const box = this.mail.boxes.get(state.mailbox_id);
    if (messages2 === 0 || messages2 > mostUndone || box === void 0 || !allows(box, "te")) {
      toast(words);
      return;
    }
    const undo = { what: said, actions: () => [{ shown: {}, call: () => this.client.import_undo(first_id, messages2) }] };
    this.actions.remember(undo);
    toast(words, { title: t("Undo"), run: () => this.actions.takeBack(undo) });
  }
  failed(why) {
    toast(why === "" ? t("Import stopped. No messages imported") : t("No messages imported: {why}", { why }));
  }
  async look() {
    for (const [token, mailbox] of Object.entries(this.kept())) {
      if (mailbox === "") continue;
      let state;
      try {
        state = await this.client.import_state(token);
      } catch {
        return;
      }
      if (state !== null) this.took(state);
      else if (this.kept()[token] !== "") {
        this.ended(token);
        toast(t("Couldn't get the status of the import into {mailbox}. The import may have finished, or a server restart may have undone it.", { mailbox }), void 0, 0);
      }
    }
  }
  ended(token) {
    this.keep(token, "");
    this.stopped.delete(token);
    this.running.get(token)?.close();
    this.running.delete(token);
  }
  kept() {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? "{}");
  }
  keep(token, mailbox) {
    sessionStorage.setItem(storageKey, JSON.stringify({ ...this.kept(), [token]: mailbox }));
  }
};

adopt(dropping_default);
var Dropping = class {
  constructor(page) {
    this.page = page;
    this.importing = new Importing(page.client, page.base, page.mail, page.actions);
    document.addEventListener("dragstart", (event) => {
      this.moving = event.target instanceof Element && event.target.closest(".message") !== null;
    });
    document.addEventListener("dragend", () => this.left());
    document.addEventListener("dragover", (event) => this.over(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.mark(null));
    document.addEventListener("drop", (event) => this.drop(event));
    addEventListener("importfiles", (event) => {
      const mailbox = page.mail.boxes.get(event.detail);
      if (mailbox !== void 0) void this.importing.choose(mailbox);
    });
    addImportCommand(page, () => {
      const here = page.mail.current.value;
      const mailbox = here !== void 0 && here.id > 0 ? here : page.mail.boxes.named("Inbox");
      if (mailbox !== void 0) void this.importing.choose(mailbox);
    });
  }
  page;
  importing;
  moving = false;
  marked = null;
  took(event) {
    if (event.kind === "importing") this.importing.took(event);
    else void this.page.desk.extra("alarms").then((found) => found.showAlarms(this.page));
  }
  over(event) {
    const place = this.place(event);
    this.mark(place?.element ?? null);
    if (place !== null) event.preventDefault();
    else if (this.strays(event)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    }
  }
  drop(event) {
    const place = this.place(event);
    const moving = this.moving;
    this.left();
    if (place === null) return;
    event.preventDefault();
    const { mailbox, label } = place;
    const files = [...event.dataTransfer?.files ?? []];
    if (label !== void 0) this.label(label);
    else if (moving) this.move(mailbox);
    else if (files.length === 0) toast(kinds());
    else if (mailbox === void 0) toast(t("This list shows several folders. Drop the files on a single folder instead."));
    else void this.importing.begin(mailbox, files);
  }
  label({ keyword, name }) {
    const { actions, list, mail } = this.page;
    actions.flagItems(list.dragged ?? mail.choice.selected(), [keyword], true, { doing: () => t("Adding label “{name}”…", { name }), done: () => t("Added label “{name}”", { name }) });
  }
  move(mailbox) {
    const { actions, list } = this.page;
    if (list.dragged === null) actions.move(mailbox, false);
    else actions.moveItems(list.dragged, mailbox, false);
  }
  place(event) {
    const target = event.target;
    if (event.defaultPrevented || !(target instanceof Element)) return null;
    const { boxes, current, query } = this.page.mail;
    const row = target.closest(".mailbox");
    const id = row?.querySelector("[data-mailbox]")?.dataset["mailbox"];
    const mailbox = id === void 0 ? void 0 : boxes.get(Number(id));
    if (row !== null && mailbox !== void 0 && mailbox.id > 0) return { element: row, mailbox };
    const { keyword, name } = row instanceof HTMLElement ? row.dataset : {};
    if (this.moving && row !== null && keyword !== void 0) return { element: row, mailbox: void 0, label: { keyword, name } };
    const list = this.moving ? null : target.closest(".messages");
    return list === null ? null : { element: list, mailbox: isInboxes(query.value) ? boxes.named("Inbox") : current.value };
  }
  strays(event) {
    const types = event.dataTransfer?.types ?? [];
    const taken = event.target instanceof Element && event.target.closest("input, dialog, [contenteditable]") !== null;
    return types.includes("Files") && !event.defaultPrevented && !taken;
  }
  mark(element) {
    if (element === this.marked) return;
    this.marked?.classList.remove("drop");
    element?.classList.add("drop");
    this.marked = element;
  }
  left() {
    this.moving = false;
    this.mark(null);
  }
};
export {
  Dropping
};
