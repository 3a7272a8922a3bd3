"use strict";
(() => {
// <define:PARTS>
var define_PARTS_default = { acts: "58f13189", alarms: "70625df8", answering: "cb1c74a0", bar: "da56a871", book: "7ba0a4fd", bulk: "d8f908ff", calendar: "04b982c7", checks: "9a1d289d", compose: "d932e4e5", conversation: "bdf68f5c", details: "1e934b92", doubles: "6d684ebe", dropping: "399440b8", empty: "bb5fb61c", event: "2d8180f4", eventnews: "6ac5c004", eventsearch: "5372fa9d", export: "a63c071f", files: "4ad8e150", giving: "705523b8", group: "ee764668", hints: "8007a3c7", invitation: "d0479fe9", labels: "4c62562c", later: "e866614d", legend: "97111085", login: "23732506", mailboxes: "96b13f3b", menu: "a59c9c57", message: "4a2c61e0", newsletters: "4f0daaab", offline: "c0b300b9", outbox: "b2b70fd4", palette: "15560ccf", people: "d6e8d06d", person: "db870e8b", print: "67cc73ed", quick: "8e2709f1", receipt: "436d30bf", recipients: "2f70c691", repeating: "e3e7aacc", rich: "5e5a0332", rules: "12b215e7", search: "89e14929", secondstep: "a2416893", sender: "eeb7f60e", sent: "11279fcc", side: "24d34211", sorting: "ddfd8ce5", squire: "8f988577", templates: "54477c69", touch: "4ad1d3a0", uploading: "78b25e34", viewer: "c0d65a1e", wires: "d298e64e", words: "e923ae1a" };

var CheckFailed = class extends Error {
};
function verify(table, check, value, path) {
  if (typeof check === "string") {
    if (!scalar(check, value)) throw new CheckFailed(`${path}: ${check} expected`);
    return;
  }
  switch (check[0]) {
    case "list":
      if (!Array.isArray(value)) throw new CheckFailed(`${path}: list expected`);
      for (const [i, item] of value.entries()) verify(table, check[1], item, `${path}[${i}]`);
      return;
    case "map":
      if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
      for (const [key3, item] of Object.entries(value)) verify(table, check[1], item, `${path}.${key3}`);
      return;
    case "nullable":
      if (value !== null) verify(table, check[1], value, path);
      return;
    case "optional":
      if (value !== void 0) verify(table, check[1], value, path);
      return;
    case "enum":
      if (!check[1].some((allowed) => allowed === value)) throw new CheckFailed(`${path}: one of ${check[1].join(", ")} expected`);
      return;
    case "ref":
      fields(table, check[1], value, path);
      return;
    case "union": {
      const kind = isObject(value) ? value["kind"] : void 0;
      const name = typeof kind === "string" ? check[1][kind] : void 0;
      if (name === void 0) throw new CheckFailed(`${path}: kind is unknown`);
      fields(table, name, value, path);
    }
  }
}
function fields(table, name, value, path) {
  if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
  const type = table[name];
  if (type === void 0) throw new CheckFailed(`${path}: the type ${name} is unknown`);
  for (const [field, check] of Object.entries(type)) verify(table, check, value[field], `${path}.${field}`);
}
function scalar(check, value) {
  switch (check) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "integer":
      return Number.isSafeInteger(value);
    case "time":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === check;
  }
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

var CallFailed = class extends Error {
  constructor(call, code, message, fields2 = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields2;
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
var connectDeadline = 1e4;
var unauthenticated = /* @__PURE__ */ new Set(["user:noAuth", "user:badAuth"]);
var BaseClient = class {
  constructor(base2, table, logIn) {
    this.base = base2;
    this.table = table;
    this.logIn = logIn;
  }
  base;
  table;
  logIn;
  csrfToken = "";
  unanswered = () => {
  };
  confirmAgain = async () => false;
  through = (_, __, run) => run();
  steady = (_, __, post) => post(fetch);
  confirming = null;
  loggingIn = null;
  verify(check, value, path) {
    verify(this.table, check, value, path);
  }
  async call(name, given) {
    if (!(name in this.calls)) {
      const further = await this.furtherChecks();
      this.table = { ...this.table, ...further.checks };
      this.calls = { ...this.calls, ...further.calls };
      this.steady = further.steady;
    }
    const [checks2, result] = this.calls[name];
    const parameters = {};
    for (const [key3, check] of Object.entries(checks2)) {
      parameters[key3] = given[Object.keys(parameters).length];
      verify(this.table, check, parameters[key3], `${name}: ${key3}`);
    }
    const body = JSON.stringify(parameters);
    for (; ; ) {
      try {
        const value = await this.through(name, given, (waits = false) => this.steady(name, body, (ask) => this.post(name, body, ask), waits));
        verify(this.table, result, value, `${name}: result`);
        return value;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        if (error.code === "user:confirm") {
          if (!await this.confirmed()) throw error;
          continue;
        }
        if (!unauthenticated.has(error.code)) throw error;
        await this.again(error.message);
      }
    }
  }
  async again(reason) {
    this.loggingIn ??= this.logIn(reason).finally(() => {
      this.loggingIn = null;
    });
    await this.loggingIn;
  }
  confirmed() {
    this.confirming ??= this.confirmAgain().finally(() => {
      this.confirming = null;
    });
    return this.confirming;
  }
  async post(name, body, ask) {
    let status = 0;
    let answer;
    try {
      const response = await ask(`${this.base}api/${name}`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": this.csrfToken }, body, credentials: "same-origin", signal: name === "token" ? AbortSignal.timeout(connectDeadline) : null });
      ({ status } = response);
      answer = await response.json();
    } catch {
      this.unanswered(name);
      const reached = status !== 0 && (status < 502 || status > 504);
      throw new CallFailed(name, "", reached ? t("Unexpected server response ({status}).", { status: String(status) }) : t("Can't reach the server."));
    }
    if (!answer.error) return answer.result;
    const error = await told(answer.error);
    throw new CallFailed(name, error.code, error.message, error.fields);
  }
};
function clientOf(calls) {
  class Generated extends BaseClient {
    calls = calls;
  }
  const methods = new Proxy(BaseClient.prototype, { get: (base2, name, client) => name in base2 || name === "then" ? Reflect.get(base2, name, client) : (...given) => client.call(name, given) });
  Object.setPrototypeOf(Generated.prototype, methods);
  return Generated;
}

var checks = {
  Start: { kind: ["enum", ["start"]], stream_id: "integer", login_address: "string", addresses: ["list", "string"], mailboxes: ["list", ["ref", "Mailbox"]], mailbox_name: "string", rejects_mailbox: "string", introbox: "string", storage_limit: "integer", account_path: "string", version: "string", modseq: "integer", epoch: "string", server_time: "time", capabilities: ["list", "string"], settings: ["ref", "Settings"], links: ["list", ["ref", "LinkedMailbox"]] },
  Mailbox: { id: "integer", name: "string", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]], keywords: ["list", "string"], total: "integer", unread: "integer", unseen: "integer", deleted: "integer", size: "integer", owner: "string", rights: "string" },
  Settings: { compose_format: ["optional", ["enum", ["html", "text"]]], quoting: ["optional", ["enum", ["auto", "bottom", "top"]]], show_address_security: ["optional", "boolean"], show_html: ["optional", "boolean"], no_show_shortcuts: ["optional", "boolean"], show_headers: ["optional", ["list", "string"]], color_scheme: ["optional", ["enum", ["auto", "dark", "light"]]], language: ["optional", ["enum", ["", "ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"]]], density: ["optional", ["enum", ["comfortable", "compact"]]], single_keys: ["optional", "boolean"], keymap: ["optional", ["map", "string"]], undo_send_seconds: ["optional", "integer"], mark_seen_ms: ["optional", "integer"], after_action: ["optional", ["enum", ["list", "next", "previous"]]], open_on_move: ["optional", "boolean"], invitation_mails: ["optional", "boolean"], searches: ["optional", ["list", ["ref", "SavedSearch"]]], unsubscribed: ["optional", ["list", ["ref", "Unsubscribed"]]], labels: ["optional", ["list", ["ref", "Label"]]], signature: ["optional", "string"], signature_html: ["optional", "string"], signatures: ["optional", ["list", ["ref", "OwnSignature"]]] },
  SavedSearch: { name: "string", text: "string" },
  Unsubscribed: { sender: "string", at: "time" },
  Label: { keyword: "string", name: "string", color: "integer" },
  OwnSignature: { address: "string", text: "string", html: ["optional", "string"] },
  LinkedMailbox: { name: "string", address: "string" },
  Resume: { kind: ["enum", ["resume"]], stream_id: "integer", version: "string", modseq: "integer", server_time: "time", shared: ["list", ["ref", "Mailbox"]], links: ["list", ["ref", "LinkedMailbox"]] },
  ViewMsgs: { kind: ["enum", ["view_msgs"]], view_id: "integer", request_id: "integer", items: ["list", ["list", ["ref", "MessageItem"]]], position: "integer", total: "integer", view_end: "boolean", parsed_message: ["nullable", ["ref", "ParsedMessage"]] },
  MessageItem: { id: "integer", mailbox_id: "integer", uid: "integer", modseq: "integer", thread_id: "integer", flags: ["list", "string"], keywords: ["list", "string"], received: "time", size: "integer", subject: "string", preview: "string", date: ["nullable", "time"], from: ["list", ["ref", "Address"]], to: ["list", ["ref", "Address"]], cc: ["list", ["ref", "Address"]], bcc: ["list", ["ref", "Address"]], reply_to: ["list", ["ref", "Address"]], attachments: ["list", ["ref", "Attachment"]], is_signed: "boolean", is_encrypted: "boolean", thread_muted: "boolean", thread_collapsed: "boolean", thread_missing_link: "boolean", thread_parent: "integer", same_message_id: "boolean", match_query: "boolean", copy_of: "integer" },
  Address: { name: "string", user: "string", host: "string" },
  Attachment: { path: "string", filename: "string", content_type: "string", size: "integer", inside: "boolean" },
  ParsedMessage: { id: "integer", headers: ["list", ["ref", "Header"]], texts: ["list", ["ref", "Text"]], has_html: "boolean", attachments: ["list", ["ref", "Attachment"]], structure: ["ref", "Part"], list_reply_address: "string", view_mode: ["enum", ["", "html", "html_ext", "text"]], fixed_width: "boolean", validation: ["enum", ["", "dmarc", "forged", "list", "none", "relaxed", "strict"]], signed_by: "string", earlier: ["nullable", "integer"], answering: ["ref", "Answering"], unsubscribe: ["nullable", ["ref", "Unsubscribe"]], receipt: ["nullable", ["ref", "ReceiptRequest"]], claim: ["nullable", ["ref", "Claim"]], given: ["nullable", ["ref", "GivenTo"]], photo: "string", stranger: "boolean" },
  Header: { name: "string", value: "string" },
  Text: { path: "string", content_type: "string", text: "string", truncated: "boolean", quoted_from: ["nullable", "integer"] },
  Part: { path: "string", content_type: "string", disposition: "string", filename: "string", size: "integer", parts: ["list", ["ref", "Part"]] },
  Answering: { from: ["ref", "Address"], own: ["list", ["ref", "Address"]], own_mail: "boolean" },
  Unsubscribe: { one_click: "string", host: "string", mailto: "string", link: "string", at: ["nullable", "time"], still_sends: "boolean" },
  ReceiptRequest: { to: ["list", ["ref", "Address"]], elsewhere: "boolean" },
  Claim: { kind: ["enum", ["domain", "own", "person"]], name: "string", known: "string", sender: "string", contact_id: "integer" },
  GivenTo: { address: "string", state: ["enum", ["expired", "off", "on"]], site: "string", strangers: "integer", since: ["nullable", "time"] },
  ViewProgress: { kind: ["enum", ["view_progress"]], view_id: "integer", total: "integer", messages: "integer", looked: "integer", of: "integer", done: "boolean", stopped: "boolean", left_out: ["list", "string"], index: ["list", "integer"] },
  ViewStale: { kind: ["enum", ["view_stale"]], view_id: "integer" },
  ViewReset: { kind: ["enum", ["view_reset"]], view_id: "integer", request_id: "integer" },
  ViewErr: { kind: ["enum", ["view_err"]], view_id: "integer", request_id: "integer", message: "string", unthreaded: "boolean" },
  ViewChanges: { kind: ["enum", ["view_changes"]], view_id: "integer", modseq: "integer", more: "boolean", changes: ["list", ["union", { settings: "SettingsChange", msg_add: "MsgAdd", msg_remove: "MsgRemove", msg_flags: "MsgFlags", msg_thread: "MsgThread", mailbox_add: "MailboxAdd", mailbox_remove: "MailboxRemove", mailbox_rename: "MailboxRename", mailbox_counts: "MailboxCounts", mailbox_special_use: "MailboxSpecialUse", mailbox_keywords: "MailboxKeywords", mailboxes_shared: "MailboxesShared", links: "LinksChange", collection: "CollectionChanged" }]] },
  SettingsChange: { kind: ["enum", ["settings"]], settings: ["ref", "Settings"] },
  MsgAdd: { kind: ["enum", ["msg_add"]], item: ["ref", "MessageItem"] },
  MsgRemove: { kind: ["enum", ["msg_remove"]], mailbox_id: "integer", message_ids: ["list", "integer"] },
  MsgFlags: { kind: ["enum", ["msg_flags"]], message_id: "integer", mailbox_id: "integer", modseq: "integer", flags: ["list", "string"], keywords: ["list", "string"] },
  MsgThread: { kind: ["enum", ["msg_thread"]], message_ids: ["list", "integer"], muted: "boolean", collapsed: "boolean" },
  MailboxAdd: { kind: ["enum", ["mailbox_add"]], mailbox: ["ref", "Mailbox"] },
  MailboxRemove: { kind: ["enum", ["mailbox_remove"]], mailbox_id: "integer", name: "string" },
  MailboxRename: { kind: ["enum", ["mailbox_rename"]], mailbox_id: "integer", old_name: "string", name: "string" },
  MailboxCounts: { kind: ["enum", ["mailbox_counts"]], mailbox_id: "integer", total: "integer", unread: "integer", unseen: "integer", deleted: "integer", size: "integer" },
  MailboxSpecialUse: { kind: ["enum", ["mailbox_special_use"]], mailbox_id: "integer", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]] },
  MailboxKeywords: { kind: ["enum", ["mailbox_keywords"]], mailbox_id: "integer", keywords: ["list", "string"] },
  MailboxesShared: { kind: ["enum", ["mailboxes_shared"]], mailboxes: ["list", ["ref", "Mailbox"]] },
  LinksChange: { kind: ["enum", ["links"]], links: ["list", ["ref", "LinkedMailbox"]] },
  CollectionChanged: { kind: ["enum", ["collection"]], holds: ["enum", ["calendar", "contact", "departure"]], collection_id: "integer" },
  Importing: { kind: ["enum", ["importing"]], token: "string", mailbox_id: "integer", state: ["enum", ["aborted", "done", "finishing", "reading"]], messages: "integer", about: "integer", problems: "integer", message: "string", first_id: "integer" },
  Alarmed: { kind: ["enum", ["alarms"]] },
  Keepalive: { kind: ["enum", ["keepalive"]] },
  Fatal: { kind: ["enum", ["fatal"]], message: "string" },
  ServerShutdown: { kind: ["enum", ["server_shutdown"]] },
  Request: { id: "integer", view_id: "integer", stream_id: ["optional", "integer"], cancel: ["optional", "boolean"], query: ["optional", ["nullable", ["ref", "Query"]]], page: ["optional", ["nullable", ["ref", "Page"]]] },
  Query: { filter: ["ref", "Filter"], not_filter: ["optional", ["ref", "NotFilter"]], order_asc: ["optional", "boolean"], order: ["optional", ["enum", ["received", "sender", "size", "unread"]]], threading: ["optional", ["enum", ["off", "on", "unread"]]] },
  Filter: { mailbox_id: ["optional", "integer"], mailbox_name: ["optional", "string"], mailbox_children_included: ["optional", "boolean"], unread: ["optional", "boolean"], words: ["optional", ["list", "string"]], from: ["optional", ["list", "string"]], to: ["optional", ["list", "string"]], subject: ["optional", ["list", "string"]], filenames: ["optional", ["list", "string"]], labels: ["optional", ["list", "string"]], headers: ["optional", ["list", ["ref", "HeaderIs"]]], any: ["optional", ["list", ["ref", "Alternatives"]]], oldest: ["optional", ["nullable", "time"]], newest: ["optional", ["nullable", "time"]], size_min: ["optional", ["nullable", "integer"]], size_max: ["optional", ["nullable", "integer"]], attachments: ["optional", ["nullable", ["enum", ["any", "archive", "document", "image", "none", "pdf", "presentation", "spreadsheet"]]]], writers: ["optional", ["nullable", ["enum", ["newsletters", "people"]]]] },
  HeaderIs: { name: "string", value: ["optional", "string"] },
  Alternatives: { words: ["optional", ["list", "string"]], from: ["optional", ["list", "string"]], to: ["optional", ["list", "string"]], subject: ["optional", ["list", "string"]], filenames: ["optional", ["list", "string"]] },
  NotFilter: { words: ["optional", ["list", "string"]], from: ["optional", ["list", "string"]], to: ["optional", ["list", "string"]], subject: ["optional", ["list", "string"]], filenames: ["optional", ["list", "string"]], labels: ["optional", ["list", "string"]], attachments: ["optional", ["list", ["enum", ["any", "archive", "document", "image", "none", "pdf", "presentation", "spreadsheet"]]]] },
  Page: { count: "integer", anchor_message_id: ["optional", "integer"], before: ["optional", "boolean"], position: ["optional", ["nullable", "integer"]], dest_message_id: ["optional", "integer"] }
};
var streamEventCheck = ["union", { start: "Start", resume: "Resume", view_msgs: "ViewMsgs", view_progress: "ViewProgress", view_stale: "ViewStale", view_reset: "ViewReset", view_err: "ViewErr", view_changes: "ViewChanges", importing: "Importing", alarms: "Alarmed", keepalive: "Keepalive", fatal: "Fatal", server_shutdown: "ServerShutdown" }];
var Client = /* @__PURE__ */ clientOf({
  provider_name: [{}, "string"],
  token: [{}, "string"],
  request: [{ request: ["ref", "Request"] }, "null"]
});

var awayKey = "moxlite-provider";
function restorePlace() {
  const place = sessionStorage.getItem(awayKey)?.split(" ")[2];
  if (place && location.search !== "") history.replaceState(null, "", location.search + place);
}

var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var week = 7 * 864e5;

var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
var sequence = 1500;
function keyName(event) {
  const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : void 0;
  const key3 = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
  const shift = event.shiftKey && key3.length > 1 ? "shift " : "";
  return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key3}`;
}
var isFixed = (key3) => /^ctrl|\w\w$/.test(key3);
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key3) {
  const whole = key3.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key3) {
  return key3 === void 0 ? title : `${title} (${keyText(key3)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
}
function enabled(command) {
  return command.when?.() ?? true;
}
var CommandTable = class {
  letters = true;
  only = null;
  byId = /* @__PURE__ */ new Map();
  usual = /* @__PURE__ */ new Map();
  chosen = {};
  byKey = /* @__PURE__ */ new Map();
  groups = /* @__PURE__ */ new Map();
  begun = "";
  ending = 0;
  early = null;
  add(group, commands) {
    const listed = this.groups.get(group) ?? { name: group, commands: [] };
    this.groups.set(group, listed);
    for (const command of commands) {
      if (this.byId.has(command.id)) throw new Error(`two commands are called ${command.id}`);
      this.byId.set(command.id, command);
      listed.commands.push(command);
      this.usual.set(command, command.keys ?? []);
    }
    this.remap(this.chosen);
  }
  remap(chosen) {
    this.chosen = chosen;
    this.byKey.clear();
    const mine = ({ id, when }) => Number(id in chosen) * 2 + Number(when !== void 0);
    for (const command of [...this.byId.values()].sort((a, b) => mine(b) - mine(a))) {
      const usual = this.usual.get(command);
      const own2 = chosen[command.id];
      command.keys = own2 === void 0 ? usual : [own2, ...usual.filter(isFixed)].filter(Boolean);
      for (const key3 of command.keys) this.byKey.set(key3, [...this.byKey.get(key3) ?? [], command]);
    }
  }
  has(id) {
    return this.byId.has(id);
  }
  get(id) {
    const found = this.byId.get(id);
    if (found === void 0) throw new Error(`no command ${id}`);
    return found;
  }
  all() {
    return [...this.groups.values()];
  }
  holds(command) {
    return this.only?.test(command.id) !== false && enabled(command);
  }
  run(id) {
    const command = this.get(id);
    if (enabled(command)) command.run();
  }
  async coming(work, wanted) {
    const early = [];
    this.early = early;
    await work.catch(() => null);
    if (this.early === early) this.early = null;
    if (wanted()) for (const event of early) document.dispatchEvent(new KeyboardEvent("keydown", event));
  }
  press(event) {
    const name = keyName(event);
    const early = name.length === 1 ? this.early : null;
    return !early?.length && this.key(name) || Boolean(early?.push(event));
  }
  key(name, within = "") {
    if (!this.letters && name.length === 1) return false;
    const before = this.begun;
    this.begun = "";
    clearTimeout(this.ending);
    const command = this.byKey.get(before + name)?.find((one) => one.id.startsWith(within) && this.holds(one));
    if (command === void 0 && before === "" && within === "" && [...this.byKey.keys()].some((one) => one.startsWith(`${name} `) && name.length === 1)) {
      this.begun = `${name} `;
      this.ending = setTimeout(() => this.begun = "", sequence);
      return true;
    }
    command?.run();
    return command !== void 0 || before !== "";
  }
};

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
function brand(app = "") {
  return el("div", { class: "brand" }, icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"), el("span", {}, "moxlite", app !== "" && el("small", {}, ` ${app}`)));
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var bellOff = "M10.268 21a2 2 0 0 0 3.464 0 M17 17H4a1 1 0 0 1-.74-1.673C4.59 13.956 6 12.499 6 8a6 6 0 0 1 .258-1.742 M2 2l20 20 M8.668 3.01A6 6 0 0 1 18 8c0 2.687.77 4.653 1.707 6.05";
var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";
var chevronsUpDown = "M7 15l5 5 5-5 M7 9l5-5 5 5";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var cornerDownRight = "m15 10l5 5-5 5 M4 4v7a4 4 0 0 0 4 4h12";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var filePen = "M12.659 22H18a2 2 0 0 0 2-2V8a2.4 2.4 0 0 0-.706-1.706l-3.588-3.588A2.4 2.4 0 0 0 14 2H6a2 2 0 0 0-2 2v9.34 M14 2v5a1 1 0 0 0 1 1h5 M10.378 12.622a1 1 0 0 1 3 3.003L8.36 20.637a2 2 0 0 1-.854.506l-2.867.837a.5.5 0 0 1-.62-.62l.836-2.869a2 2 0 0 1 .506-.853z";
var folder = "M20 20a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2h-7.9a2 2 0 0 1-1.69-.9L9.6 3.9A2 2 0 0 0 7.93 3H4a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2Z";
var forward = "m15 17l5-5-5-5 M4 18v-2a4 4 0 0 1 4-4h12";
var inbox = "M22 12 16 12 14 15 10 15 8 12 2 12 M5.45 5.11 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.45-6.89A2 2 0 0 0 16.76 4H7.24a2 2 0 0 0-1.79 1.11z";
var listFilter = "M2 5h20 M6 12h12 M9 19h6";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var paperclip = "M16 6l-8.414 8.586a2 2 0 0 0 2.829 2.829l8.414-8.586a4 4 0 1 0-5.657-5.657l-8.379 8.551a6 6 0 1 0 8.485 8.485l8.379-8.551";
var reply = "m20 18v-2a4 4 0 0 0-4-4H4 M9 17l-5-5 5-5";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var send = "m14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11z M21.854 2.147l-10.94 10.939";
var settings = "M9.671 4.136a2.34 2.34 0 0 1 4.659 0 2.34 2.34 0 0 0 3.319 1.915 2.34 2.34 0 0 1 2.33 4.033 2.34 2.34 0 0 0 0 3.831 2.34 2.34 0 0 1-2.33 4.033 2.34 2.34 0 0 0-3.319 1.915 2.34 2.34 0 0 1-4.659 0 2.34 2.34 0 0 0-3.32-1.915 2.34 2.34 0 0 1-2.33-4.033 2.34 2.34 0 0 0 0-3.831A2.34 2.34 0 0 1 6.35 6.051a2.34 2.34 0 0 0 3.319-1.915 M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z";
var squarePen = "M12 3H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h14a2 2 0 0 0 2-2v-7 M18.375 2.625a1 1 0 0 1 3 3l-9.013 9.014a2 2 0 0 1-.853.505l-2.873.84a.5.5 0 0 1-.62-.62l.84-2.873a2 2 0 0 1 .506-.852z";
var star = "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.123 2.123 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904l-3.736 3.638a2.123 2.123 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.122 2.122 0 0 0-1.973 0L6.396 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.122 2.122 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0 1 .294-.906l5.165-.755a2.122 2.122 0 0 0 1.597-1.16z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var users = "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2 M16 3.128a4 4 0 0 1 0 7.744 M22 21v-2a4 4 0 0 0-3-3.87 M5 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";
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
async function showError(failed2, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(error.title ?? failed2, (close) => [el("p", { class: "dialog-text" }, message), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
async function attempt(doing, failed2, work, undo) {
  const slow = () => document.querySelector("dialog:modal") === null && setStatus(doing);
  const timer = setTimeout(slow, 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    undo?.();
    await showError(failed2, error);
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

function watchFailures() {
  const tell = (error) => void showError(t("Something went wrong on this page"), error?.code === 18 ? t("Allow cookies and site data for this page.") : error);
  addEventListener("error", (event) => tell(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
}

var typing = "input, textarea, select, [contenteditable]";
var pressed = "button, a[href], summary";
function belongsTo(target, key3) {
  const element = target;
  if (typeof element?.closest !== "function") return false;
  return element.closest(typing) !== null || (key3 === "Enter" || key3 === "Space") && element.closest(pressed) !== null;
}
function listen(target, commands, active) {
  const take = (event) => {
    if (event.isComposing || event.defaultPrevented || !active()) return;
    if (!belongsTo(event.target, keyName(event)) && commands.press(event)) event.preventDefault();
  };
  target.addEventListener("keydown", take);
  return () => target.removeEventListener("keydown", take);
}
async function typedUntil(work) {
  let typed = "";
  const hold2 = (event) => {
    if (document.querySelector("dialog[open]") !== null) return;
    if (event.key.length === 1 && !event.ctrlKey) typed += event.key;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("keydown", hold2, true);
  const done = await work.finally(() => removeEventListener("keydown", hold2, true));
  return [done, typed];
}

function load(path) {
  return import(path).catch(() => import(`${path}?${Date.now()}`));
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
  const words2 = el("span", {}, text2);
  let timer = 0;
  let holds = 0;
  const hold2 = () => {
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
  const box = el("div", { class: "toast", onpointerenter: hold2, onpointerleave: release, onfocusin: hold2, onfocusout: release }, words2, action !== void 0 && el("button", { class: "btn text toast-action", onclick: () => {
    close();
    action.run();
  } }, action.title), time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words2, other), close };
}

var waiting = false;
function leave(load2 = () => location.reload()) {
  waiting = false;
  for (const one of document.querySelectorAll("[data-unsaved]")) delete one.dataset["unsaved"];
  load2();
}
var engaged = () => document.querySelector(".composer, [data-unsaved], dialog[open]") !== null;
function quiet(time) {
  const works = [];
  dispatchEvent(new CustomEvent("reloading", { detail: works }));
  return Promise.race([Promise.all(works).then(() => true), new Promise((resolve) => setTimeout(resolve, time))]);
}
async function reload(words2, load2) {
  if (waiting) return;
  waiting = true;
  if (!engaged() && await quiet(9e4) && !engaged()) leave(load2);
  else toast(words2, { title: t("Reload"), run: () => {
    dispatchEvent(new Event("leaving"));
    void quiet(1e4).then(() => leave(load2));
  } }, 0);
}

var folder2 = "./part/";
var addressOf = (name) => `${folder2}${name}.${define_PARTS_default[name]}.js`;
var loading = /* @__PURE__ */ new Map();
function part(name) {
  let found = loading.get(name);
  if (found === void 0) {
    found = Promise.all([load(addressOf(name)), globalThis.moxliteLanguage?.rest()]).then(([module]) => module).catch((error) => {
      loading.delete(name);
      throw new Error(t("Couldn't load part of this page. Try again or reload the page."), { cause: error });
    });
    loading.set(name, found);
  }
  return found;
}
var failed = [];
function extra(name) {
  return part(name).catch((error) => new Promise((resolve) => {
    const again = () => {
      for (const one of failed.splice(0)) one();
    };
    if (failed.push(() => resolve(extra(name))) === 1) toast(error.message, { title: t("Try again"), run: again }, 1e9);
  }));
}

function remember(key3, value, storage = localStorage) {
  try {
    storage.setItem(key3, value);
    return true;
  } catch {
    return false;
  }
}

var key = "moxlite-webmail-scheme";
var queries = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
var dark = /* @__PURE__ */ new Set();
function find(rules) {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
    else if (rule instanceof CSSLayerBlockRule) find(rule.cssRules);
  }
}
function lastScheme() {
  const scheme = localStorage.getItem(key);
  return scheme !== null && scheme in queries ? scheme : "auto";
}
function paint(scheme) {
  remember(key, scheme);
  if (dark.size === 0) {
    for (const sheet of document.styleSheets) find(sheet.cssRules);
  }
  for (const rule of dark) rule.media.mediaText = queries[scheme];
  document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
}
function isDark(scheme) {
  return scheme === "dark" || scheme === "auto" && matchMedia(queries.auto).matches;
}

var Session = class {
  constructor(app, title, client, ask, named2 = true, stays = false) {
    this.app = app;
    this.title = title;
    this.client = client;
    this.ask = ask;
    this.named = named2;
    this.stays = stays;
    this.csrfKey = `${app}-csrf`;
    this.addressKey = `${app}-address`;
  }
  app;
  title;
  client;
  ask;
  named;
  stays;
  csrfKey;
  addressKey;
  address = "";
  running = null;
  left = false;
  resume() {
    addEventListener("storage", (event) => {
      if (event.key === this.csrfKey && !this.left) this.client.csrfToken = event.newValue ?? "";
      if (event.key === this.addressKey && event.newValue && this.address && event.newValue !== this.address) void this.leave();
    });
    this.address = localStorage.getItem(this.addressKey) ?? "";
    this.client.csrfToken = localStorage.getItem(this.csrfKey) ?? "";
    return this.client.csrfToken !== "";
  }
  logIn(reason, below = []) {
    this.running ??= this.askOnce(reason, below).finally(() => this.running = null);
    return this.running;
  }
  leave() {
    this.left = true;
    this.client.csrfToken = "";
    leave();
    return new Promise(() => {
    });
  }
  async askOnce(reason, below) {
    const before = this.address;
    await this.ask({ title: this.title, reason, address: this.named ? before : null, below, stays: this.stays, client: this.client, begin: (result) => this.begin(result) });
    return before !== "" && before !== this.address;
  }
  begin(result) {
    this.client.csrfToken = result.csrf_token;
    this.address = result.login_address;
    const kept6 = remember(this.addressKey, result.login_address) && remember(this.csrfKey, result.csrf_token);
    const device = `${this.app}-stays`;
    if (result.device) remember(device, "1");
    else localStorage.removeItem(device);
    if (!kept6) toast(t("Your browser's storage is full, so a reload will log you out."));
  }
};
function beforeDisplay(root) {
  const hook = window.moxliteBeforeDisplay ?? window.moxBeforeDisplay;
  try {
    hook?.(root);
  } catch (error) {
    void showError(t("Couldn't run this server's custom script"), error);
  }
}

function initials(name) {
  const words2 = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words2.length > 1 ? [...words2[0]][0] + [...words2[words2.length - 1]][0] : [...words2[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key3) {
  let hash = 0;
  for (const sign2 of key3) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
}

var inboxes = -3;
function isInboxes({ filter }) {
  return filter.mailbox_id === inboxes;
}
function isSearch({ filter, not_filter }) {
  const { mailbox_id: _id, mailbox_name: _name, unread: _unread, ...criteria } = filter;
  const asked = (value) => Array.isArray(value) ? value.length > 0 : value != null && value !== false;
  return [-1, -2].includes(filter.mailbox_id ?? 0) || [...Object.values(criteria), ...Object.values(not_filter ?? {})].some(asked);
}
function isThreaded(query) {
  return (query.threading ?? "off") !== "off";
}
function isSorted(query) {
  return (query.order ?? "received") !== "received";
}
function isListing(query) {
  return isThreaded(query) || isSorted(query) || isSearch(query) || isInboxes(query);
}

var roleOrder = ["draft", "sent", "archive", "trash", "junk"];
function nameAtHome({ name, owner, home }) {
  return home.endsWith("/") ? name.slice(home.length) : owner === "" ? name : name.split("/").slice(2).join("/");
}
var isInbox = (mailbox) => nameAtHome(mailbox) === "Inbox";
function rank(mailbox) {
  const name = nameAtHome(mailbox);
  if (name === "Inbox") return -2;
  if (name === "Snoozed") return -1;
  const role = roleOrder.findIndex((name2) => mailbox.roles.includes(name2));
  return role < 0 ? roleOrder.length : role;
}
var own = "*";
function allows(mailbox, rights) {
  return mailbox.owner === "" || [...rights].every((right) => mailbox.rights.includes(right));
}
var Mailboxes = class {
  byId = /* @__PURE__ */ new Map();
  boxes;
  links = [];
  ordered() {
    return [...this.all].sort((a, b) => byName(a.owner, b.owner) || byName(a.home, b.home) || rank(a) - rank(b) || byName(a.name, b.name));
  }
  told() {
    return [...this.byId.values()];
  }
  get all() {
    if (this.boxes) return this.boxes;
    const roles = new Map(this.told().map((box) => [box.name, box.roles]));
    this.boxes = this.told().map((box) => {
      const link = this.links.find(({ name }) => box.owner === "" && `${box.name}/`.startsWith(`${name}/`));
      if (!link) return { ...box, home: box.owner };
      const named2 = box.name.slice(link.name.length + 1);
      const is = (role) => named2.toLowerCase().replace("drafts", "draft") === role || roles.get(named2)?.includes(role);
      return { ...box, roles: roleOrder.filter(is), home: `${link.name}/` };
    });
    return this.boxes;
  }
  get(id) {
    return id === inboxes ? this.inboxes() : this.all.find((mailbox) => mailbox.id === id);
  }
  withRole(role, home = "") {
    return this.all.find((mailbox) => mailbox.home === home && mailbox.roles.includes(role));
  }
  named(name) {
    return this.all.find((mailbox) => mailbox.name === name);
  }
  inboxes() {
    const found = this.all.filter(isInbox);
    if (found.length < 2) return void 0;
    const all = { ...this.named("Inbox"), id: inboxes, name: t("All inboxes") };
    for (const key3 of ["total", "unread", "unseen", "deleted", "size"]) all[key3] = found.reduce((sum, box) => sum + box[key3], 0);
    return all;
  }
  colours() {
    const found = /* @__PURE__ */ new Map();
    const homes = this.all.filter(isInbox).sort((a, b) => a.id - b.id);
    for (const { home } of homes.length > 1 ? homes : []) {
      let colour = hue(home);
      while (found.size < 8 && [...found.values()].includes(colour)) colour = colour % 8 + 1;
      found.set(home, colour);
    }
    return found;
  }
  mark(home) {
    const colour = this.colours().get(home);
    return colour ? ` origin c${colour}` : "";
  }
  set(mailboxes, links = this.links) {
    this.links = links;
    this.byId.clear();
    this.boxes = void 0;
    for (const mailbox of mailboxes) this.byId.set(mailbox.id, mailbox);
  }
  setShared(mailboxes, links = this.links) {
    this.set([...this.told().filter(({ owner }) => owner === ""), ...mailboxes], links);
  }
  apply(change) {
    this.boxes = void 0;
    switch (change.kind) {
      case "links":
        this.links = change.links;
        return true;
      case "mailbox_add":
        this.byId.set(change.mailbox.id, change.mailbox);
        return true;
      case "mailbox_remove":
        this.byId.delete(change.mailbox_id);
        return true;
      case "mailbox_rename":
        return this.update(change.mailbox_id, { name: change.name });
      case "mailbox_counts":
      case "mailbox_special_use":
      case "mailbox_keywords": {
        const { kind: _, mailbox_id, ...values } = change;
        return this.update(mailbox_id, values);
      }
      case "mailboxes_shared":
        this.setShared(change.mailboxes);
        return true;
      default:
        return false;
    }
  }
  update(id, values) {
    const mailbox = this.byId.get(id);
    if (mailbox !== void 0) this.byId.set(id, { ...mailbox, ...values });
    return true;
  }
};

function acting(page) {
  const { client, mail: mail2, actions } = page;
  const words2 = { "\\seen true": (n) => many(n, "Marked as read", "{n} messages marked as read"), "\\seen false": (n) => many(n, "Marked as unread", "{n} messages marked as unread"), "\\flagged true": (n) => many(n, "Message flagged", "{n} messages flagged"), "\\flagged false": (n) => many(n, "Message unflagged", "{n} messages unflagged") };
  const said = (flags, add) => ({ doing: (n) => many(n, "Updating message…", "Updating {n} messages…"), done: words2[`${flags[0]} ${add}`] ?? ((n) => many(n, "Message updated", "{n} messages updated")) });
  const asking = () => part("acts");
  function toRole(role, items) {
    page.seen?.cancel();
    if (!actions.toRole(role, items)) void asking().then((found) => found.offerMissing(page, role, items));
  }
  function deleteForGood(items) {
    page.seen?.cancel();
    void asking().then((found) => found.deleteForGood(page, items));
  }
  function flag(flags, add) {
    page.seen?.cancel();
    actions.flag(flags, add, said(flags, add));
  }
  function chooseLabels(number2 = 0) {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => (await part("labels")).chooseLabels(client, mail2, actions, number2));
  }
  function later(run) {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => run(await part("later")));
  }
  function away(items, role) {
    if (role === "trash" && (mail2.inRole("trash") || mail2.inRole("draft"))) {
      if (mail2.may("te", void 0, items)) deleteForGood(items);
    } else if (!mail2.inRole(role) && mail2.may("te", role, items)) toRole(role, items);
  }
  return { act(items, action) {
    if (action === "later") later((found) => found.putOff(page.desk, items));
    else if (action === "archive" || action === "trash") away(items, action);
    else if (action !== "read") void asking().then((found) => found.actOn(page, items, action));
    else if (mail2.may("s", void 0, items)) {
      const unread = items.some((item) => !item.flags.includes("\\seen"));
      actions.flagItems(items, ["\\seen"], unread, said(["\\seen"], unread));
    }
  }, toRole, archiveThread: () => toRole("archive", mail2.choice.readThread()), chooseMove: () => void typedUntil(Promise.all([asking(), part("palette")])).then(([[found], typed]) => found.chooseMove(page, typed)), deleteForGood: () => deleteForGood(), flag, notJunk() {
    const [home = ""] = mail2.homes();
    const inbox2 = mail2.mailboxes.value.find((box) => box.home === home && isInbox(box));
    const items = mail2.choice.selected();
    if (mail2.hasJunk() && mail2.may(own) && inbox2) {
      actions.move(inbox2, false);
      actions.looked(items, "$notjunk");
    } else flag(["$junk"], false);
  }, chooseLabels: () => chooseLabels(), toggleLabel: chooseLabels, later, exportSelection: () => void asking().then((found) => found.exportSelection(page)), sender: async (item, what, masked) => (await asking()).sender(page, item, what, masked), undoable: () => actions.undoable.value, undo: () => actions.undo() };
}

var prefix = "search:";
var everywhere = "inboxes:";
var placeOf = (hash) => /^#(calendar|people|outbox|files):/.exec(hash)?.[1] ?? "";
function parsePlace(hash) {
  const value = placeOf(hash) !== "" ? "" : hash.replace(/^#/, "");
  const comma = value.lastIndexOf(",");
  const number2 = comma < 0 ? 0 : Number(value.slice(comma + 1));
  const message = Number.isSafeInteger(number2) && number2 > 0 ? number2 : 0;
  const text2 = message > 0 ? value.slice(0, comma) : value;
  try {
    if (text2 === everywhere) return { name: "", search: "", inboxes: true, message };
    if (text2.startsWith(prefix)) return { name: "", search: decodeURIComponent(text2.slice(prefix.length)), message };
    return { name: decodeURIComponent(text2) || "Inbox", search: "", message };
  } catch {
    return { name: "Inbox", search: "", message: 0 };
  }
}
function writePlace({ name, search: search3, message, inboxes: inboxes2 = false }) {
  const what = inboxes2 ? everywhere : search3 !== "" ? `${prefix}${encodeURIComponent(search3)}` : encodeURIComponent(name);
  return `#${what}${message > 0 ? `,${message}` : ""}`;
}

var layers = [".menu", "dialog[open]:not(.login-overlay)", "body.show-side", "body.choosing", ".composer:not([hidden],.small)"];
var over = false;
var listOf = (hash) => hash.replace(/,\d+$/, "");
var topmost = () => layers.find((one) => document.querySelector(one) !== null);
function put(push, same2, hash = location.hash) {
  over = same2;
  history[push ? "pushState" : "replaceState"]({ over }, "", hash);
}
function writeAddress(hash) {
  const [now, next] = [listOf(location.hash), listOf(hash)];
  const [opened, opens] = [now !== location.hash, next !== hash];
  const closes = opened && !opens && now === next;
  if (placeOf(location.hash) !== placeOf(hash)) put(!over, false, hash);
  else if (over) put(false, topmost() !== void 0 || closes || opened && opens, hash);
  else put(!/^(#search:(?!~).*)?$/.test(location.hash) && !(opened && opens) && !closes, closes, hash);
}
function guard() {
  if (!over && topmost() !== void 0) put(true, true);
}
function handleBack(page) {
  const address = location.hash;
  const before = history.state;
  over = before?.over === true;
  if (before === null || before.root === true) {
    history.replaceState({ root: true }, "", placeOf(address) === "calendar" ? address : listOf(address));
    put(true, false, address);
  }
  document.addEventListener("focusin", guard);
  addEventListener("popstate", () => {
    const left = over;
    const state = history.state;
    over = state?.over === true;
    if (state === null) {
      put(false, false);
      return;
    }
    const root = state?.root === true;
    const layer = left ? topmost() : void 0;
    if (layer !== void 0) {
      page.tellPlace();
      if (root) put(true, true);
      void part("menu").then((found) => {
        found.closeLayer(layer, page.drawer, page.desk);
        setTimeout(guard);
      });
    } else if (left && !over && !root) history.back();
    else if (root && document.body.classList.contains("show-message")) put(true, true);
    else if (root) toast(t("Press Back again to exit"));
  });
}

function addFindCommands(desk) {
  const find2 = [{ id: "search.open", title: t("Search"), keys: ["/"], run: () => desk.focusSearch() }, { id: "search.stop", title: t("Stop searching"), keys: ["Escape"], quiet: true, when: () => desk.searching() === "running", run: () => desk.stopSearch() }, { id: "search.end", title: t("Close search"), keys: ["Escape"], quiet: true, when: () => desk.searching() === "done" && desk.selectedCount() === 0, run: () => desk.endSearch() }];
  desk.commands.add(t("Search"), find2);
}

function addCommands(desk) {
  desk.commands.add(t("Write"), [{ id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") }]);
  desk.commands.add(t("Anywhere"), anywhere(desk));
  desk.commands.add(t("List"), list(desk));
}
function goTo(key3, name, run) {
  return { id: `go.${key3}`, title: t("Go to {name}", { name }), keys: [`g ${key3}`], run };
}
function anywhere(desk) {
  return [{ id: "app.palette", title: t("Find command"), keys: ["ctrl k"], quiet: true, run: () => desk.findCommand() }, { id: "app.keys", title: t("Keyboard shortcuts"), keys: ["?"], run: () => desk.showKeys() }, { id: "app.signs", title: t("Icon guide"), run: () => desk.openPage("legend") }, { id: "app.titles", title: t("Describe this control"), keys: ["ctrl ?"], run: () => desk.showTitles() }, { id: "app.undo", title: () => desk.undoable() === "" ? t("Undo") : t("Undo: {what}", { what: desk.undoable() }), keys: ["ctrl z"], when: () => desk.undoable() !== "", run: () => desk.undo() }, { id: "app.inbox", title: t("Open Inbox"), keys: ["i", "g i"], run: () => desk.openInbox() }, goTo("u", t("All inboxes"), () => desk.openInboxes()), goTo("t", mailboxName("Sent"), () => desk.openRole("sent")), goTo("d", mailboxName("Drafts"), () => desk.openRole("draft")), goTo("e", mailboxName("Archive"), () => desk.openRole("archive")), goTo("s", t("Flagged"), () => location.hash = "search:is%3Aflagged"), goTo("a", t("All mail"), () => location.hash = "search:in%3Aanywhere"), { id: "app.unread-only", title: t("Switch between unread and all messages"), run: () => desk.toggleUnread() }, { id: "mailbox.menu", title: t("Folder actions"), keys: ["B"], run: () => desk.openMailboxMenu() }, { id: "app.waiting", title: t("Outbox: scheduled and snoozed messages"), run: () => desk.openPage("outbox") }, { id: "app.scheme", title: t("Toggle dark mode"), run: () => desk.switchScheme() }, { id: "app.settings", title: t("Settings…"), keys: ["ctrl !"], when: () => desk.facts().account_path !== "", run: () => desk.openSettings() }, { id: "app.mail", title: meant("place", "Mail"), keys: ["g m"], run: () => desk.openMail() }, { id: "app.calendar", title: t("Calendar"), keys: ["g c"], run: () => desk.openPage("calendar") }, { id: "app.people", title: meant("place", "Contacts"), keys: ["g p"], run: () => desk.openPage("people") }, { id: "app.newsletters", title: t("Newsletters"), run: () => desk.openPage("newsletters") }, { id: "mailbox.create", title: t("New folder…"), run: () => desk.createMailbox() }, { id: "app.log-out", title: t("Log out"), run: () => desk.logOut() }];
}
function move(desk, id, title, by, key3, letter) {
  const upper = letter.toUpperCase();
  const extend = upper === letter ? [`shift ${key3}`] : [`shift ${key3}`, upper];
  return [{ id: `list.${id}`, title, keys: [letter, key3], quiet: true, run: () => desk.moveFocus(by, "select") }, { id: `list.${id}-extend`, title: t("{title}, extending selection", { title }), keys: extend, quiet: true, run: () => desk.moveFocus(by, "extend") }, { id: `list.${id}-focus`, title: t("{title}, without selecting", { title }), keys: [`ctrl ${key3}`], quiet: true, run: () => desk.moveFocus(by, "focus") }];
}
function list(desk) {
  const some = () => desk.selectedCount() > 0;
  return [...move(desk, "down", t("Next message"), 1, "ArrowDown", "j"), ...move(desk, "up", t("Previous message"), -1, "ArrowUp", "k"), ...move(desk, "page-down", t("Move down 10 messages"), 10, "PageDown", "l"), ...move(desk, "page-up", t("Move up 10 messages"), -10, "PageUp", "h"), ...move(desk, "last", t("Last message"), Infinity, "End", "."), ...move(desk, "first", t("First message"), -Infinity, "Home", ","), { id: "list.open", title: t("Open message"), keys: ["Enter"], quiet: true, run: () => desk.moveFocus(0, "select") }, { id: "list.toggle", title: t("Select or deselect"), keys: ["x", "Space", "ctrl Space"], quiet: true, run: () => desk.toggleFocused() }, { id: "list.next-unread", title: t("Next unread message"), keys: ["u"], run: () => desk.nextUnread() }, { id: "list.all", title: t("Select all messages"), keys: ["ctrl a"], run: () => desk.selectAll() }, { id: "list.none", title: t("Back to message list"), keys: ["Escape"], when: some, run: () => desk.unselect() }];
}

var [first, longest] = [2e3, 6e4];
var Backoff = class {
  constructor(random = Math.random) {
    this.random = random;
  }
  random;
  bound = first;
  next() {
    const wait = this.bound * (0.5 + this.random() / 2);
    this.bound = Math.min(longest, 2 * this.bound);
    return wait;
  }
  reset() {
    this.bound = first;
  }
};

var most2 = 3;
var Slot = class {
  free = null;
  async take(uncounted) {
    const { locks } = navigator;
    if (this.free !== null) return true;
    if (locks === void 0) return uncounted;
    for (let number2 = 1; number2 <= most2; number2++) {
      const free = await hold(locks, `moxlite-events-${number2}`);
      if (free === null) continue;
      this.free = free;
      return true;
    }
    return false;
  }
  release() {
    this.free?.();
    this.free = null;
  }
};
function hold(locks, name) {
  return new Promise((resolve, reject) => {
    locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) resolve(null);
      else return new Promise((free) => resolve(free));
      return void 0;
    }).catch(reject);
  });
}

var bufferedAfter = 1e4;
var heldKey = "moxlite-webmail-held";
var silentAfter = 45e3;
var heldLong = 5e3;
var toldAfter = 1500;
var attemptsApart = 1e3;
var mostRefused = 2;
var Stream = class {
  constructor(client, base2, owner) {
    this.client = client;
    this.base = base2;
    this.owner = owner;
    addEventListener("offline", () => this.suspect());
    for (const kind of ["online", "focus"]) addEventListener(kind, () => this.retry());
    addEventListener("click", () => this.retry(), true);
  }
  client;
  base;
  owner;
  wire = null;
  slot = new Slot();
  backoff = new Backoff();
  stopped = true;
  generation = 0;
  busy = false;
  openedAt = 0;
  triedAt = 0;
  kind = Number(localStorage.getItem(heldKey));
  failed = 0;
  refused = 0;
  next = 0;
  watchdog = 0;
  telling = 0;
  start() {
    this.stopped = false;
    this.tell("connecting");
    void this.connect();
  }
  stop() {
    this.stopped = true;
    this.drop();
    this.slot.release();
  }
  retry(anew = false) {
    if (this.stopped || (anew ? this.busy && this.openedAt === 0 : this.busy)) return;
    this.later(Math.max(0, this.triedAt + attemptsApart - Date.now()));
  }
  suspect() {
    if (this.openedAt !== 0) this.lost();
  }
  asks(request) {
    return this.wire?.asks?.(request) === true;
  }
  lost() {
    const { openedAt } = this;
    this.drop();
    if (this.stopped) return;
    if (openedAt !== 0 && Date.now() - openedAt > heldLong) {
      this.backoff.reset();
      this.tell("off");
      void this.connect();
    } else {
      if (openedAt === 0) this.put("off");
      else this.tell("off");
      this.later(this.backoff.next());
    }
  }
  drop() {
    this.generation++;
    this.busy = false;
    this.openedAt = 0;
    clearTimeout(this.next);
    clearTimeout(this.watchdog);
    this.wire?.close();
    this.wire = null;
  }
  later(wait) {
    clearTimeout(this.next);
    this.next = window.setTimeout(() => void this.connect(), wait);
  }
  put(state) {
    clearTimeout(this.telling);
    this.telling = 0;
    this.owner.connection(state);
  }
  tell(state) {
    this.telling ||= window.setTimeout(() => this.put(state), toldAfter);
  }
  async connect() {
    this.drop();
    const { generation } = this;
    this.busy = true;
    this.triedAt = Date.now();
    let token;
    try {
      token = await this.client.token();
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof CallFailed && (!error.code.startsWith("user:") || error.code === "user:rateLimited")) this.lost();
      else {
        this.drop();
        this.put("off");
        this.owner.failed(error);
      }
      return;
    }
    const kind = this.kind === 0 && !await this.slot.take(this.refused > 0) ? 1 : this.kind;
    if (generation !== this.generation || this.stopped) return;
    this.watchdog = window.setTimeout(() => this.useless(kind), bufferedAfter);
    const take = (data) => {
      if (generation !== this.generation) return;
      clearTimeout(this.watchdog);
      this.watchdog = window.setTimeout(() => this.lost(), silentAfter);
      if (this.openedAt === 0) {
        this.openedAt = Date.now();
        this.refused = this.failed = 0;
        this.put("on");
      }
      this.take(data);
    };
    const gone = (anew = false) => {
      if (generation !== this.generation) return;
      if (anew || this.openedAt === 0 && (kind > 0 || ++this.failed >= mostRefused)) this.useless(kind);
      else this.lost();
    };
    const wires = kind === 0 ? null : await this.owner.wires().catch(() => gone());
    if (generation !== this.generation) return;
    const opening = () => this.owner.opening(kind === 2);
    const { base: base2, client } = this;
    this.wire = wires ? wires[kind === 1 ? "websocket" : "polls"]({ base: base2, client, token, opening, take, gone }) : this.openEvents(token, opening(), take, gone);
  }
  useless(kind) {
    this.drop();
    this.failed = 0;
    if (kind === 0) this.slot.release();
    if (kind === 1 && ++this.refused < mostRefused) this.later(this.backoff.next());
    else {
      this.kind = (kind + 1) % 3;
      remember(heldKey, String(this.kind));
      if (kind === 2) this.lost();
      else void this.connect();
    }
  }
  openEvents(token, opening, take, gone) {
    const parameters = new URLSearchParams({ token, request: JSON.stringify(opening.request), since: opening.since });
    const source = new EventSource(`${this.base}events?${parameters}`);
    for (const kind of Object.keys(streamEventCheck[1])) source.addEventListener(kind, (event) => take(event.data));
    source.onerror = () => {
      source.close();
      gone();
    };
    return source;
  }
  take(data) {
    const event = JSON.parse(data);
    try {
      this.client.verify(streamEventCheck, event, "event");
    } catch (error) {
      this.owner.failed(error);
      return;
    }
    const known = event;
    if (known.kind === "server_shutdown" || known.kind === "fatal") {
      this.drop();
      this.put("off");
      this.later(known.kind === "fatal" ? this.backoff.next() : 3e3 + Math.random() * 5e3);
      return;
    }
    this.owner.event(known);
  }
};

var Reader = class {
  constructor(stale) {
    this.stale = stale;
  }
  stale;
  read = /* @__PURE__ */ new Map();
  follow(work) {
    this.forget();
    return untracked(work, this);
  }
  note(source) {
    source.readers.add(this);
    this.read.set(source, source.version);
  }
  changed() {
    return [...this.read].some(([source, version]) => {
      source.refresh();
      return source.version !== version;
    });
  }
  forget() {
    for (const source of this.read.keys()) source.readers.delete(this);
    this.read.clear();
  }
};
var Source = class {
  constructor(current) {
    this.current = current;
  }
  current;
  version = 0;
  readers = /* @__PURE__ */ new Set();
  refresh = () => {
  };
  get value() {
    this.refresh();
    reader?.note(this);
    return this.current;
  }
  set value(next) {
    if (this.put(next)) this.tell();
  }
  put(next) {
    const other = !Object.is(this.current, next);
    if (other) this.version++;
    this.current = next;
    return other;
  }
  tell = () => {
    for (const one of [...this.readers]) one.stale();
  };
};
var reader = null;
var waiting2 = /* @__PURE__ */ new Set();
function untracked(work, by = null) {
  const before = reader;
  reader = by;
  try {
    return work();
  } finally {
    reader = before;
  }
}
function signal(first2) {
  return new Source(first2);
}
function computed(make) {
  const source = new Source(void 0);
  let [fresh, made] = [false, false];
  const own2 = new Reader(() => {
    if (!fresh) return;
    fresh = false;
    source.tell();
  });
  source.refresh = () => {
    if (fresh) return;
    fresh = true;
    if (!made || own2.changed()) source.put(own2.follow(make));
    made = true;
  };
  return source;
}
function effect(work) {
  const act = () => void (own2.changed() && own2.follow(work));
  const own2 = new Reader(() => {
    if (waiting2.size === 0) queueMicrotask(settle);
    waiting2.add(act);
  });
  own2.follow(work);
}
function settle() {
  const acts = [...waiting2];
  waiting2.clear();
  for (const act of acts) act();
}

var orders = ["newest", "oldest", "unread", "sender", "size"];

var SearchBar = class {
  constructor(mail2, owner) {
    this.mail = mail2;
    this.owner = owner;
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("focus", () => owner.open(this));
    this.input.addEventListener("input", () => {
      this.clear.hidden = this.input.value === "";
      if (this.form.hidden) owner.open(this);
    });
    this.clear.addEventListener("click", () => this.end());
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
      this.fill(this.shown);
      mail2.stopSearch();
      owner.leave();
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.root.contains(event.target)) this.close();
    });
    this.root.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.root.contains(event.relatedTarget)) this.close();
    });
    effect(() => this.draw());
  }
  mail;
  owner;
  input = el("input", { class: "search-input", type: "search", maxlength: "1000", placeholder: t("Search mail"), "aria-label": t("Search mail"), "aria-describedby": "search-said", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  form = el("div", { class: "search-form", hidden: true });
  shown = "";
  said = el("div", { class: "search-said", id: "search-said", role: "status" });
  problems = el("ul", { class: "search-problems", hidden: true });
  clear = el("button", { class: "search-clear", type: "button", "aria-label": t("Close search"), title: t("Close search"), hidden: true }, sign(x, "i s"));
  root = el("form", { class: "search", role: "search" }, el("div", { class: "search-bar" }, sign(search, "i s"), this.input, this.clear), this.form);
  submit() {
    this.close();
    this.owner.search(this.input.value.trim());
    this.owner.leave();
  }
  show(text2) {
    this.shown = text2;
    this.fill(text2);
    this.problems.hidden = true;
  }
  fill(text2) {
    this.input.value = text2;
    this.clear.hidden = text2 === "";
  }
  close() {
    this.form.hidden = true;
  }
  end() {
    this.show("");
    this.close();
    this.owner.search("");
  }
  draw() {
    const searching = this.mail.searching.value;
    this.said.hidden = searching === null;
    if (searching !== null) this.owner.say(this.said, searching);
  }
};

var threadingKey = "moxlite-webmail-threading";
var orderKey = "moxlite-webmail-order";
function storedOrder() {
  const stored = localStorage.getItem(orderKey);
  return orders.find((order) => order === stored) ?? "newest";
}
function storedThreading() {
  return localStorage.getItem(threadingKey) === "off" ? "off" : "on";
}
var Find = class {
  constructor(mail2, owner) {
    this.mail = mail2;
    this.owner = owner;
    this.bar = new SearchBar(mail2, { search: (text2) => void this.search(text2), open: (bar) => void attempt(t("Searching…"), t("Couldn't search"), async () => (await this.part()).openGlance(bar, mail2, owner.glanced)), leave: () => owner.leave(), say: (place, searching) => void this.part().then(({ say }) => say(place, searching, () => mail2.stopSearch()), () => null) });
  }
  mail;
  owner;
  text = signal("");
  name = "";
  refinement = signal("");
  threading = signal(storedThreading());
  order = signal(storedOrder());
  bar;
  wider = "";
  mailbox = 0;
  base = { filter: { mailbox_id: 0 } };
  named(mailbox_name, mailbox_id = 0) {
    return this.with({ filter: { mailbox_id, mailbox_name } });
  }
  openMailbox(mailbox, message = 0) {
    this.name = this.text.value = "";
    this.refinement.value = "";
    this.mailbox = mailbox.id;
    this.bar.show("");
    this.owner.mark([]);
    this.open({ filter: { mailbox_id: mailbox.id } }, message);
  }
  async search(asked, message = 0, begin = false) {
    if (asked === "") {
      const inbox2 = this.mail.boxes.named("Inbox");
      const before = this.mail.boxes.get(this.mailbox) ?? inbox2;
      if (before !== void 0 && this.text.value !== "") this.openMailbox(before);
      return;
    }
    await attempt(t("Searching…"), t("Couldn't search"), async () => {
      const { parse, nameOfSearch, wordsOfSearch, wider, showProblems } = await this.part();
      const text2 = wordsOfSearch(asked);
      if (text2 === "") return this.search("");
      const { query, problems, needles } = parse(text2, this.mail.mailboxes.value, /* @__PURE__ */ new Date(), this.mail.settings.value.labels, this.mail.facts.value.login_address || void 0);
      if (this.text.value === "") this.mailbox = this.mail.current.value?.id ?? this.mailbox;
      this.name = nameOfSearch(text2);
      this.text.value = text2;
      this.refinement.value = "";
      this.bar.show(text2);
      showProblems(this.bar.problems, problems, (meant2) => void this.search(meant2));
      this.owner.mark(needles);
      this.base = query;
      this.wider = wider(text2, query);
      if (begin) this.mail.begin(this.with(query));
      else this.open(query, message);
    });
  }
  everywhere() {
    const { wider } = this;
    return this.text.value && wider ? () => void this.search(wider) : null;
  }
  known() {
    if (/(^|\s)-?((sub)?(mb|mailbox|l|label):|\w+:me\b)/i.test(this.text.value)) void this.search(this.text.value);
  }
  refine(to) {
    this.refinement.value = to;
    this.open(this.here());
  }
  showThreads(how) {
    this.threading.value = how;
    remember(threadingKey, how);
    this.open(this.here());
  }
  sort(order) {
    this.order.value = order;
    remember(orderKey, order);
    this.open(this.here());
  }
  here() {
    const id = this.mail.current.value?.id;
    return this.text.value === "" && id !== void 0 ? { filter: { mailbox_id: id } } : this.base;
  }
  open(query, message = 0) {
    this.base = query;
    this.mail.open(this.with(query), message);
  }
  with({ filter, not_filter }) {
    const labels = filter.labels ?? [];
    const to = this.refinement.value;
    const some = { "": {}, unread: { unread: true }, read: { labels: [...labels, "\\seen"] }, flagged: { labels: [...labels, "\\flagged"] }, attachments: { attachments: filter.attachments ?? "any" } };
    const narrower = some[to] ?? { writers: to };
    const order = this.order.value;
    const query = { filter: { ...filter, ...narrower }, threading: this.threading.value, order_asc: order === "oldest", order: order === "newest" || order === "oldest" ? "received" : order };
    return not_filter === void 0 ? query : { ...query, not_filter };
  }
  part() {
    return part("search");
  }
};

function selection(mail2) {
  return { shown: () => mail2.choice.shown.value, selected: () => mail2.choice.selected(), selectedCount: () => mail2.choice.selectedCount.value, aimed: () => mail2.choice.aimed.value, here: () => mail2.current.value?.id ?? 0, inRole: (role) => mail2.inRole(role), inJunk: () => mail2.hasJunk(), may: (...asked) => mail2.may(...asked) };
}
function lists({ mail: mail2, find: find2, list: list2 }) {
  return { moveFocus: (by, how) => mail2.choice.moveFocus(by, how), toggleFocused: () => mail2.choice.toggleFocused(), selectAll: () => mail2.choice.selectAll(), unselect() {
    mail2.choice.unselect();
    list2.root.focus();
  }, nextUnread: () => mail2.choice.nextUnread(), searching() {
    const searching = mail2.searching.value;
    return searching === null || find2.text.value === "" ? "" : searching.done ? "done" : "running";
  }, focusSearch() {
    find2.bar.input.focus();
    find2.bar.input.select();
  }, stopSearch: () => mail2.stopSearch(), endSearch: () => find2.bar.end(), refinement: () => find2.refinement.value, refine: (to) => find2.refine(to), toggleUnread: () => find2.refine(find2.refinement.value === "unread" ? "" : "unread"), order: () => find2.order.value, sort: (order) => find2.sort(order), threading: () => find2.threading.value, showThreads: (how) => find2.showThreads(how), moveThread: (by) => mail2.choice.moveThread(by), selectThread: () => mail2.choice.selectThread(), fold: (expand) => mail2.fold(expand) };
}

function followPlace(mail2, find2) {
  const { name, search: search3, message, inboxes: inboxes2 } = parsePlace(location.hash);
  if (search3 !== "") {
    if (search3 !== find2.name || !followMessage(mail2, message)) void find2.search(search3, message);
    return;
  }
  const mailbox = inboxes2 ? mail2.boxes.inboxes() : mail2.boxes.named(name);
  if (mailbox === void 0) return;
  const other = mailbox.id !== mail2.current.value?.id || find2.text.value !== "";
  if (other || !followMessage(mail2, message)) find2.openMailbox(mailbox, message);
}
function followMessage(mail2, message) {
  if (message === 0) mail2.choice.unselect();
  return message === 0 || mail2.choice.shown.value?.id === message || mail2.choice.select(message);
}
function tellPlace(mail2, find2, left = false) {
  const shown4 = mail2.choice.shown.value?.id ?? 0;
  const search3 = find2.text.value && find2.name;
  const mailbox = mail2.current.value;
  if (mailbox === void 0 && search3 === "") return;
  const inboxes2 = search3 === "" && isInboxes(mail2.query.value);
  const hash = writePlace({ name: mailbox?.name ?? "", search: search3, message: shown4 || mail2.wanted, inboxes: inboxes2 });
  if (location.hash !== hash && (left || placeOf(location.hash) === "")) writeAddress(hash);
}
function tellTitle(mail2, find2, place) {
  const mailbox = mail2.current.value;
  const unread = mailbox !== void 0 && mailbox.unread > 0 ? `(${mailbox.unread}) ` : "";
  const offline = ["on", "connecting"].includes(mail2.connection.value) ? "" : ` ${t("(not connected)")}`;
  const listed = find2.text.value !== "" ? t("Search mail") : mailboxName(mailbox?.name ?? "Webmail");
  document.title = `${unread}${place || listed} · ${mail2.facts.value.login_address || "moxlite"}${offline}`;
}

function navigation(page) {
  const { client, commands, mail: mail2, drawer, places } = page;
  function openMail(mailbox) {
    drawer.close();
    places.show(null);
    if (mailbox !== void 0) page.find.openMailbox(mailbox);
    if (placeOf(location.hash) !== "") tellPlace(mail2, page.find, true);
  }
  async function mailboxMenu(mailbox) {
    const parent = mail2.mailboxes.value.some((other) => other.name.startsWith(`${mailbox.name}/`));
    const found = await part("mailboxes");
    await found.mailboxMenu(page.desk, mailbox, parent);
  }
  return { openMailbox: openMail, mailboxMenu, openSettings: () => void attempt(t("Loading…"), t("Couldn't open settings"), async () => {
    await client.inbox_unread();
    await mail2.pending.end();
    location.assign(mail2.facts.value.account_path);
  }), switchScheme() {
    const color_scheme = isDark(mail2.settings.value.color_scheme) ? "light" : "dark";
    void attempt(t("Saving…"), t("Couldn't save settings"), () => client.settings_save({ color_scheme }));
  }, openPage(name) {
    drawer.close();
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => (await part(name)).openPage(page.desk));
  }, openMail: () => openMail(), openPlace: (place) => places.show(place), tellAddress(address, name = "") {
    places.opened.value = name;
    writeAddress(address);
  }, openSide: () => drawer.button.click(), async findCommand() {
    const [palette, typed] = await typedUntil(part("palette"));
    await palette.openPalette(commands, typed);
  }, async showKeys() {
    const [palette, writing2] = await Promise.all([part("palette"), part("compose")]);
    writing2.addKeys(page.desk);
    await page.reader.prepare();
    await palette.showKeys(commands, commands.get("app.signs"));
  }, async showTitles() {
    const at = document.activeElement ?? document.body;
    await (await part("palette")).showTitles(at);
  }, openInbox() {
    const inbox2 = mail2.boxes.named("Inbox");
    if (inbox2 !== void 0) openMail(inbox2);
  }, openInboxes: () => openMail(mail2.boxes.inboxes() ?? mail2.boxes.named("Inbox")), openRole(role) {
    const mailbox = mail2.boxes.withRole(role);
    if (mailbox !== void 0) openMail(mailbox);
  }, createMailbox: async () => (await part("mailboxes")).createMailbox(client), openMailboxMenu() {
    const mailbox = mail2.current.value;
    if (mailbox !== void 0 && mailbox.id > 0) void mailboxMenu(mailbox);
  }, logOut: async () => (await part("menu")).leave(page) };
}

var undoSteps = 20;
var waitsAfter = 1e3;
function movedTo({ name }) {
  const mailbox = mailboxName(name);
  return { doing: (n) => many(n, "Moving to {mailbox}…", "Moving {n} messages to {mailbox}…", { mailbox }), done: (n) => many(n, "Moved to {mailbox}", "{n} messages moved to {mailbox}", { mailbox }) };
}
var Actions = class {
  constructor(client, mail2, moved) {
    this.client = client;
    this.mail = mail2;
    this.moved = moved;
  }
  client;
  mail;
  moved;
  undoable = signal("");
  done = signal(0);
  undos = [];
  last = null;
  failure = null;
  newest = 0;
  running = false;
  toRole(role, chosen) {
    const { boxes } = this.mail;
    if (chosen === void 0 && isInboxes(this.mail.query.value) && !this.mail.choice.selectedAreLoaded()) {
      const target = boxes.withRole(role);
      if (target !== void 0) void this.onQuery({ action: "move", mark_seen: true }, movedTo(target), role);
      return target !== void 0;
    }
    const homes = this.mail.homes(chosen);
    const targets = [...homes.size > 0 ? homes : [""]].map((home) => boxes.withRole(role, home));
    if (targets.includes(void 0)) return false;
    if (targets.length === 1 && chosen === void 0) this.move(targets[0], true);
    else {
      const items = chosen ?? this.targets();
      for (const target of targets) this.moveItems(items.filter((item) => boxes.get(item.mailbox_id)?.home === target.home), target, true);
    }
    return true;
  }
  move(mailbox, markSeen) {
    if (mailbox.id === this.mail.current.value?.id) return;
    if (!this.mail.choice.selectedAreLoaded()) {
      void this.onQuery({ action: "move", mailbox_id: mailbox.id, mark_seen: markSeen }, movedTo(mailbox));
      return;
    }
    this.moveItems(this.targets(), mailbox, markSeen);
  }
  moveItems(all, mailbox, markSeen) {
    const named2 = movedTo(mailbox);
    const items = all.filter((item) => item.mailbox_id !== mailbox.id);
    if (items.length === 0) return;
    const unread = markSeen ? items.filter((item) => !item.flags.includes("\\seen")) : [];
    const ids = items.map((item) => item.id);
    const leaves = this.mail.leavesFor(mailbox);
    const turn = this.done.value + 1;
    const action = { shown: leaves ? { remove: { ids: new Set(ids), to: mailbox.id } } : { moved: { ids: new Set(ids), mailboxId: mailbox.id } }, call: async () => {
      await this.client.message_move(ids, mailbox.id, markSeen);
      if (items.length === 1 && turn === this.done.value) this.moved(items[0], mailbox);
    } };
    const back = ({ mailbox_id }) => {
      const box = this.mail.boxes.get(mailbox_id);
      return box?.owner === mailbox.owner && allows(box, "i") && allows(mailbox, "swte");
    };
    const undo = { what: named2.done(items.length), actions: () => this.back(items, mailbox.id, unread) };
    this.perform(action, named2, items.length, t("Couldn't move messages"), items.every(back) ? undo : null);
    if (leaves) this.mail.choice.left(items);
  }
  flag(flags, add, named2) {
    if (!this.mail.choice.selectedAreLoaded()) {
      void this.onQuery({ action: add ? "flags_add" : "flags_clear", flags: [...flags] }, named2);
      return;
    }
    this.flagItems(this.mail.choice.selected(), flags, add, named2);
  }
  flagItems(all, flags, add, named2) {
    const has = (item, flag) => item.flags.includes(flag) || item.keywords.includes(flag);
    const items = all.filter((item) => flags.some((flag) => has(item, flag) !== add));
    if (items.length === 0) return;
    this.perform(this.flagging(all, flags, add), named2, items.length, t("Couldn't update messages"), { what: named2.done(items.length), actions: () => flags.map((flag) => this.flagging(items.filter((item) => has(item, flag) !== add), [flag], !add)) });
  }
  looked(items, flag) {
    this.mail.pending.do(this.flagging(items, [flag], true)).catch((error) => {
      if (!["user:notFound", "user:unknown", ""].includes(codeOf(error) ?? "error")) this.failed(t("Couldn't update messages"), error);
    });
  }
  undo() {
    const last = this.undos.at(-1);
    if (last !== void 0) this.takeBack(last);
  }
  takeBack(undo) {
    this.forget(undo);
    this.done.value++;
    const all = Promise.all(undo.actions().map((action) => this.mail.pending.do(action)));
    void this.follow(all, t("Undoing…"), t("Action undone"), t("Couldn't undo"), false);
  }
  targets() {
    const items = this.mail.choice.selected();
    if (items.length === 1 || this.mail.inRole("sent")) return items;
    return items.filter((item) => this.mail.boxes.get(item.mailbox_id)?.roles.includes("sent") !== true);
  }
  flagging(items, flags, add) {
    const ids = items.map((item) => item.id);
    return { shown: { flags: { ids: new Set(ids), add: add ? flags : [], clear: add ? [] : flags } }, call: async () => {
      if (ids.length > 0) await (add ? this.client.flags_add(ids, [...flags]) : this.client.flags_clear(ids, [...flags]));
    } };
  }
  back(items, from, unread) {
    const actions = [];
    for (const origin of new Set(items.map((item) => item.mailbox_id))) {
      const own2 = items.filter((item) => item.mailbox_id === origin);
      actions.push({ shown: { add: { mailboxId: origin, items: own2 } }, call: () => this.client.message_move(own2.map((item) => item.id), origin, false, from) });
    }
    if (unread.length > 0) actions.push(this.flagging(unread, ["\\seen"], false));
    return actions;
  }
  run(action, named2, items, failed2, undo) {
    this.perform(action, named2, items.length, failed2, undo);
    if (action.shown.remove) this.mail.choice.left(items);
  }
  perform(action, named2, n, failed2, undo) {
    this.done.value++;
    if (undo !== null) this.remember(undo);
    void this.follow(this.mail.pending.do(action), named2.doing(n), named2.done(n), failed2, undo !== null).then((done) => {
      if (!done && undo !== null) this.forget(undo);
    });
  }
  async follow(work, doing, done, failed2, withUndo) {
    const own2 = ++this.newest;
    this.last?.close();
    const timer = setTimeout(() => own2 === this.newest && this.say(doing, withUndo, 0), waitsAfter);
    try {
      await work;
      if (own2 === this.newest) this.say(done, withUndo);
      return true;
    } catch (error) {
      if (own2 === this.newest) this.last?.close();
      this.failed(failed2, error);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
  async onQuery(what, { done }, role) {
    if (this.running) return;
    this.running = true;
    this.newest++;
    this.done.value++;
    this.last?.close();
    try {
      const { onQuery } = await part("bulk");
      const undo = await onQuery(this.client, this.mail, toast, what, done, role);
      if (undo === null) return;
      if (what.action !== "delete") this.remember(undo);
      this.say(undo.what, what.action !== "delete");
    } catch (error) {
      this.failed(t("Couldn't complete this action"), error);
    } finally {
      this.running = false;
    }
  }
  remember(undo) {
    this.keep([...this.undos, undo].slice(-undoSteps));
  }
  forget(undo) {
    this.keep(this.undos.filter((other) => other !== undo));
  }
  keep(undos) {
    this.undos = undos;
    this.undoable.value = undos.at(-1)?.what ?? "";
  }
  say(text2, withUndo = false, time) {
    this.last?.close();
    this.last = toast(text2, withUndo ? { title: t("Undo"), run: () => this.undo() } : void 0, time);
  }
  failed(failed2, error) {
    this.failure?.close();
    this.failure = toast(`${error.title ?? failed2}. ${messageOf(error)}`);
  }
};

function markOf(item) {
  return { received: item.received, id: item.id };
}
function compare(a, b, oldestFirst) {
  const [first2, second] = [a.received.slice(0, -1), b.received.slice(0, -1)];
  const order = first2 < second ? -1 : first2 > second ? 1 : a.id - b.id;
  return oldestFirst ? order : -order;
}
function search2(items, at, oldestFirst) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (compare(items[middle], at, oldestFirst) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

var patience = 3e3;
function isKeyword(flag) {
  return !flag.startsWith("\\") && !flag.startsWith("$");
}
function changed(item, add, clear) {
  const after = (own2, kind) => {
    const wanted = add.filter((flag) => isKeyword(flag) === kind);
    return [.../* @__PURE__ */ new Set([...own2.filter((flag) => !clear.includes(flag)), ...wanted])];
  };
  return { ...item, flags: after(item.flags, false), keywords: after(item.keywords, true) };
}
var Pending = class {
  constructor(changed2) {
    this.changed = changed2;
  }
  changed;
  entries = [];
  last = Promise.resolve();
  made = /* @__PURE__ */ new WeakMap();
  get busy() {
    return this.entries.some((entry) => !entry.done);
  }
  async end() {
    await this.last;
  }
  async do(action) {
    const entry = { ...action, call: () => action.call(), done: false };
    this.entries = [...this.entries, entry];
    this.changed();
    const turn = this.last.then(() => entry.call());
    this.last = turn.catch(() => {
    });
    try {
      await turn;
      entry.done = true;
      setTimeout(() => this.drop(entry), patience);
    } catch (error) {
      this.drop(entry);
      throw error;
    }
  }
  leaving(id) {
    return this.entries.some((entry) => entry.shown.remove?.ids.has(id));
  }
  show(items, mailboxId, oldestFirst) {
    let shown4 = items;
    for (const entry of this.entries) {
      const one = entry.shown;
      const { remove, moved, add, flags } = one;
      if (remove !== void 0) shown4 = shown4.filter((item) => !remove.ids.has(item.id) || item.mailbox_id === remove.to || this.movedSince(entry, item.id));
      if (moved !== void 0) shown4 = shown4.map((item) => moved.ids.has(item.id) ? this.placed(item, moved.mailboxId) : item);
      if (add !== void 0 && add.mailboxId === mailboxId) {
        for (const item of add.items) {
          if (shown4.some((other) => other.id === item.id)) continue;
          const index = search2(shown4, item, oldestFirst);
          shown4 = [...shown4.slice(0, index), item, ...shown4.slice(index)];
        }
      }
      if (flags !== void 0) shown4 = shown4.map((item) => flags.ids.has(item.id) ? this.flagged(item, one) : item);
    }
    return shown4;
  }
  settle(items, mailboxId) {
    const before = this.entries.length;
    const known = new Set(items.map(({ id }) => id));
    this.entries = this.entries.filter((entry) => {
      if (!entry.done) return true;
      const { remove, moved, add, flags } = entry.shown;
      if (add?.mailboxId === mailboxId && add.items.some(({ id }) => !known.has(id))) return true;
      return items.some((item) => {
        const { id, mailbox_id } = item;
        const here = mailbox_id !== remove?.to && (mailboxId <= 0 || mailbox_id === mailboxId);
        if (remove?.ids.has(id) && here && !this.movedSince(entry, id)) return true;
        if (moved?.ids.has(id) && mailbox_id !== moved.mailboxId) return true;
        if (!flags?.ids.has(id)) return false;
        const own2 = [...item.flags, ...item.keywords];
        const open = (flag, set) => own2.includes(flag) !== set && !this.since(entry, (later) => later.flags?.ids.has(id) && later.flags[set ? "clear" : "add"].includes(flag));
        return flags.add.some((flag) => open(flag, true)) || flags.clear.some((flag) => open(flag, false));
      });
    });
    if (this.entries.length < before) this.changed();
  }
  movedSince(entry, id) {
    return this.since(entry, ({ remove, moved, add }) => remove?.ids.has(id) || moved?.ids.has(id) || add?.items.some((item) => item.id === id));
  }
  since(entry, such) {
    return this.entries.slice(this.entries.indexOf(entry) + 1).some(({ shown: shown4 }) => such(shown4));
  }
  flagged(item, shown4) {
    const flags = shown4.flags;
    const key3 = [...flags.add, "", ...flags.clear].join(" ");
    const known = this.made.get(item);
    if (known?.entries === key3) return known.item;
    const made = changed(item, flags.add, flags.clear);
    this.made.set(item, { entries: key3, item: made });
    return made;
  }
  placed(item, mailboxId) {
    if (item.mailbox_id === mailboxId) return item;
    const key3 = `in ${mailboxId}`;
    const known = this.made.get(item);
    if (known?.entries === key3) return known.item;
    const made = { ...item, mailbox_id: mailboxId };
    this.made.set(item, { entries: key3, item: made });
    return made;
  }
  drop(entry) {
    if (!this.entries.includes(entry)) return;
    this.entries = this.entries.filter((other) => other !== entry);
    this.changed();
  }
};

var mostMembers = 500;
var deepest = 6;
function tree(members) {
  const known = new Set(members.map((item) => item.id));
  const below = /* @__PURE__ */ new Map();
  for (const item of [...members].sort((a, b) => a.received < b.received ? -1 : a.received > b.received ? 1 : a.id - b.id)) {
    const above = known.has(item.thread_parent) && item.thread_parent !== item.id ? item.thread_parent : 0;
    below.set(above, [...below.get(above) ?? [], item]);
  }
  const found = [];
  const waiting3 = (below.get(0) ?? []).map((item) => ({ item, depth: 0 })).reverse();
  while (waiting3.length > 0) {
    const next = waiting3.pop();
    found.push(next);
    const children = (below.get(next.item.id) ?? []).map((item) => ({ item, depth: Math.min(deepest, next.depth + 1) }));
    waiting3.push(...children.reverse());
  }
  return found.length === members.length ? found : members.map((item) => ({ item, depth: 0 }));
}
function apart(items) {
  const ids = new Set(items.map((item) => item.id));
  return { letters: items.filter((item) => !ids.has(item.copy_of)), copies: items.filter((item) => ids.has(item.copy_of)) };
}
function isUnread(item) {
  return !item.flags.includes("\\seen");
}
function flagsOf(members) {
  return { flags: [...new Set(members.flatMap((item) => item.flags))], keywords: [...new Set(members.flatMap((item) => item.keywords))], unread: members.some(isUnread) };
}
var same = (a, b) => a.length === b.length && a.every((item, i) => item === b[i]);
function sameLine(a, b) {
  if (a === b) return true;
  if (a === void 0 || b === void 0) return false;
  return a.collapsed === b.collapsed && a.depth === b.depth && a.hidden === b.hidden && same(a.members, b.members) && same(a.copies, b.copies);
}
var Folding = class {
  expanded = /* @__PURE__ */ new Map();
  opened = /* @__PURE__ */ new Set();
  reset() {
    this.expanded = /* @__PURE__ */ new Map();
    this.opened = /* @__PURE__ */ new Set();
  }
  isOpened(threadId) {
    return this.opened.has(threadId);
  }
  isExpanded(threadId) {
    return this.expanded.get(threadId) ?? false;
  }
  set(threadId, expanded) {
    this.expanded.set(threadId, expanded);
    if (expanded) this.opened.add(threadId);
    else this.opened.delete(threadId);
  }
};

function flatRows(view, pending, oldestFirst) {
  const { start, items, total, known, query } = view;
  const mailbox = isListing(query) ? 0 : query.filter.mailbox_id ?? 0;
  const shown4 = pending.show(items, mailbox, oldestFirst);
  const rows = total + shown4.length - items.length;
  const lines = /* @__PURE__ */ new Map();
  for (const item of shown4) {
    const copies = view.members(item).slice(1);
    if (copies.length > 0) lines.set(item.id, { top: item, members: [item], copies, collapsed: true, depth: 0, hidden: 0 });
  }
  return { start, items: shown4, total: rows, entries: rows, known, lines };
}
function threadedRows(view, pending, folding, oldestFirst) {
  const { start, items: tops, total, known } = view;
  const items = [];
  const lines = /* @__PURE__ */ new Map();
  const entryOf = [];
  let gone = 0;
  for (const [i, top] of tops.entries()) {
    const { letters: present, copies } = apart(pending.show(view.members(top), 0, oldestFirst));
    if (!present.some((item) => item.match_query)) {
      gone++;
      continue;
    }
    const order = tree(present);
    const members = order.map(({ item }) => item);
    const opened = folding.isOpened(top.thread_id);
    const of = opened ? order : tree(present.filter((item) => item.match_query));
    const unfolded = folding.isExpanded(top.thread_id);
    const expanded = unfolded && (opened ? members.length : of.length) > 1;
    const first2 = present.find((item) => item.id === top.id && (item.match_query || opened)) ?? present.find((item) => item.match_query);
    const shown4 = expanded ? of : [{ item: first2, depth: 0 }];
    for (const [row, { item, depth }] of shown4.entries()) {
      items.push(item);
      entryOf.push(start + i);
      lines.set(item.id, { top: first2, members, copies, collapsed: !expanded, depth, hidden: expanded && row === 0 ? members.length - shown4.length : 0 });
    }
  }
  const rows = { start, items, total: total + items.length - tops.length, entries: total - gone, known, lines };
  return { rows, entryOf };
}

var pageSize = 100;
var kept2 = 1e3;
var View = class {
  query = { filter: { mailbox_id: 0, mailbox_name: "Inbox" } };
  viewId = 0;
  start = 0;
  items = [];
  known = false;
  end = false;
  unsure = false;
  stale = false;
  threads = /* @__PURE__ */ new Map();
  gathered = [];
  gatheredAt = 0;
  matching = 0;
  requestId = 0;
  running = null;
  fresh = false;
  get total() {
    if (this.end) return this.start + this.items.length;
    if (isListing(this.query)) return Math.max(this.matching, this.start + this.items.length);
    const gone = this.query.filter.unread === true ? this.items.filter((item) => item.flags.includes("\\seen")).length : 0;
    return Math.max(this.matching + gone, this.start + this.items.length);
  }
  get busy() {
    return this.running !== null;
  }
  item(id) {
    return this.items.find((item) => item.id === id);
  }
  members(row) {
    return [row, ...this.threads.get(row.id) ?? []];
  }
  found(total) {
    this.matching = total;
  }
  all() {
    return this.items.flatMap((item) => this.members(item));
  }
  open(query, destination = 0) {
    this.query = query;
    this.viewId++;
    this.start = this.matching = 0;
    this.items = [];
    this.threads.clear();
    this.known = this.unsure = this.end = this.stale = false;
    return this.request("new", { count: pageSize, dest_message_id: destination });
  }
  resume() {
    this.requestId++;
    this.running = null;
    this.unsure = true;
    return this.going();
  }
  going() {
    return { id: this.requestId, view_id: this.known ? this.viewId : 0, query: this.query, page: this.end && this.start === 0 ? null : { count: pageSize, anchor_message_id: this.items.at(-1)?.id ?? 0 } };
  }
  want(first2, last) {
    const end = this.start + this.items.length;
    const wantedEnd = Math.min(last, this.total);
    const wantedFirst = Math.max(0, first2);
    if (!this.known || wantedFirst >= this.start && wantedEnd <= end) return null;
    const apart2 = wantedEnd <= this.start || wantedFirst >= end || this.items.length === 0;
    if (this.running !== null && !(apart2 && this.running !== "new")) return null;
    if (apart2) return this.request("new", { count: pageSize, position: Math.max(0, Math.floor((wantedFirst + wantedEnd - pageSize) / 2)) });
    this.drop(wantedFirst, wantedEnd);
    return wantedEnd > end ? this.request("behind", { count: pageSize, anchor_message_id: this.items.at(-1).id }) : this.request("before", { count: pageSize, anchor_message_id: this.items[0].id, before: true });
  }
  refresh(first2, last) {
    if (!this.stale || this.running !== null) return null;
    this.stale = false;
    return this.request("refresh", { count: pageSize, position: Math.max(0, Math.floor((first2 + last - pageSize) / 2)) });
  }
  check() {
    const first2 = this.items[0];
    if (!this.unsure || this.running !== null || isListing(this.query)) return null;
    this.unsure = false;
    return first2 === void 0 ? null : this.request("check", { count: 1, anchor_message_id: first2.id });
  }
  take(event) {
    if (event.view_id !== this.viewId || event.request_id !== this.requestId || this.running === null) return false;
    this.known = true;
    this.matching = event.total;
    const items = event.items.map((thread) => thread[0]);
    for (const [row, ...others2] of event.items) {
      if (others2.length > 0) this.threads.set(row.id, others2);
      else this.threads.delete(row.id);
    }
    if (this.running === "refresh") {
      if (this.gathered.length === 0) this.gatheredAt = event.position;
      this.gathered.push(...items);
      if (items.length > 0) return true;
      this.replace(this.gathered, this.gatheredAt);
      this.gathered = [];
      this.end = event.view_end;
      this.running = null;
      return true;
    }
    if (items.length === 0) {
      if (this.fresh) this.replace([], event.position);
      if (this.running === "before" && event.position === 0) this.start = 0;
      if (this.running === "new" || this.running === "behind") this.end = event.view_end;
      this.running = null;
      return true;
    }
    const present = new Set(this.items.map((item) => item.id));
    const others = items.filter((item) => !present.has(item.id));
    if (this.fresh) this.replace(items, event.position);
    else if (this.running === "check") this.start = Math.max(0, event.position - (others.length || this.items.findIndex((item) => item.id === items[0].id)));
    else if (this.running === "before") {
      this.items = [...others, ...this.items];
      this.start = event.position;
    } else {
      this.start = Math.max(0, event.position - this.items.length);
      this.items = [...this.items, ...others];
    }
    return true;
  }
  reset(viewId, requestId) {
    if (viewId !== this.viewId || requestId !== this.requestId) return;
    this.running = "new";
    this.fresh = true;
  }
  failed() {
    this.running = null;
    this.known = true;
  }
  lost() {
    this.running = null;
  }
  apply(change) {
    switch (change.kind) {
      case "msg_add":
        return this.add(change.item);
      case "msg_remove":
        if (isListing(this.query)) return [];
        return change.mailbox_id === this.query.filter.mailbox_id ? this.remove(change.message_ids) : [];
      case "msg_flags":
        this.change([change.message_id], (item) => change.modseq < item.modseq ? item : { ...item, flags: change.flags, keywords: change.keywords, modseq: change.modseq });
        return [];
      case "msg_thread":
        this.change(change.message_ids, (item) => ({ ...item, thread_muted: change.muted, thread_collapsed: change.collapsed }));
        return [];
      case "mailbox_counts":
        if (change.mailbox_id === this.query.filter.mailbox_id && !isListing(this.query)) {
          this.matching = this.query.filter.unread === true ? change.unseen : change.total + change.deleted;
        }
        return [];
      default:
        return [];
    }
  }
  checkConsistency() {
    for (let i = 1; i < this.items.length && !isListing(this.query); i++) {
      if (compare(this.items[i - 1], this.items[i], this.query.order_asc === true) >= 0) throw new Error("rows out of order");
    }
    if (this.start < 0 || this.start + this.items.length > this.total) throw new Error("rows outside");
  }
  request(kind, page) {
    this.running = kind;
    this.gathered = [];
    this.fresh = kind === "new";
    return { id: ++this.requestId, view_id: this.viewId, query: this.query, page };
  }
  replace(items, position) {
    this.items = items;
    this.start = position;
    this.fresh = this.end = false;
    if (this.threads.size > 4 * kept2) this.threads = new Map(items.map((item) => [item.id, this.threads.get(item.id) ?? []]));
  }
  drop(first2, last) {
    const over2 = this.items.length + pageSize - kept2;
    if (over2 <= 0) return;
    const above = Math.max(0, first2 - this.start);
    const below = Math.max(0, this.start + this.items.length - last);
    if (above > below) {
      const gone = Math.min(over2, above);
      this.items = this.items.slice(gone);
      this.start += gone;
    } else {
      const gone = Math.min(over2, below);
      this.items = this.items.slice(0, this.items.length - gone);
      if (gone > 0) this.end = false;
    }
  }
  add(item) {
    if (isListing(this.query)) return [];
    const present = this.item(item.id);
    if (present !== void 0 && present.modseq > item.modseq) return [];
    const gone = present === void 0 ? [] : this.remove([item.id]);
    if (item.mailbox_id !== this.query.filter.mailbox_id) return gone;
    const index = search2(this.items, item, this.query.order_asc === true);
    this.matching++;
    if (index === 0 && this.start > 0) {
      this.start++;
      this.unsure = true;
    } else if (index < this.items.length || this.end) {
      this.items = [...this.items.slice(0, index), item, ...this.items.slice(index)];
    }
    return [];
  }
  remove(ids) {
    const wanted = new Set(ids);
    const gone = this.items.filter((item) => wanted.has(item.id));
    this.items = this.items.filter((item) => !wanted.has(item.id));
    this.matching = Math.max(0, this.matching - ids.length);
    if (gone.length < ids.length && this.start > 0) this.unsure = true;
    return gone;
  }
  change(ids, make) {
    const wanted = new Set(ids);
    if (this.items.some((item) => wanted.has(item.id))) this.items = this.items.map((item) => wanted.has(item.id) ? make(item) : item);
    for (const [id, others] of this.threads) {
      if (others.some((item) => wanted.has(item.id))) this.threads.set(id, others.map((item) => wanted.has(item.id) ? make(item) : item));
    }
  }
};

var Selection = class _Selection {
  constructor(ids, stretches, whole, except) {
    this.ids = ids;
    this.stretches = stretches;
    this.whole = whole;
    this.except = except;
  }
  ids;
  stretches;
  whole;
  except;
  static none = new _Selection(/* @__PURE__ */ new Map(), [], false, /* @__PURE__ */ new Set());
  static all = new _Selection(/* @__PURE__ */ new Map(), [], true, /* @__PURE__ */ new Set());
  static of(items) {
    return new _Selection(new Map(items.map((item) => [item.id, item])), [], false, /* @__PURE__ */ new Set());
  }
  get open() {
    return this.whole || this.stretches.length > 0;
  }
  count(total) {
    if (this.whole) return Math.max(0, total - this.except.size);
    return Math.max(0, this.ids.size + this.stretches.reduce((sum, one) => sum + one.count, 0) - this.except.size);
  }
  has(item, oldestFirst, at = item) {
    return !this.except.has(item.id) && (this.ids.has(item.id) || this.covers(at, oldestFirst));
  }
  toggled(item, oldestFirst, at = item) {
    if (this.covers(at, oldestFirst)) return this.with({ except: flipped(this.except, item.id) });
    const ids = new Map(this.ids);
    if (!ids.delete(item.id)) ids.set(item.id, item);
    return this.with({ ids });
  }
  plus(items, oldestFirst) {
    const except = new Set(this.except);
    const ids = new Map(this.ids);
    for (const item of items) {
      except.delete(item.id);
      if (!this.covers(item, oldestFirst)) ids.set(item.id, item);
    }
    return this.with({ ids, except });
  }
  plusStretch(stretch, oldestFirst) {
    if (this.whole) return this;
    const inside = (mark2) => compare(stretch.first, mark2, oldestFirst) <= 0 && compare(mark2, stretch.last, oldestFirst) <= 0;
    const apart2 = this.stretches.filter((other) => !inside(other.first) && !inside(other.last) && !contains(other, stretch.first, oldestFirst));
    const ids = new Map([...this.ids].filter(([, mark2]) => !inside(mark2)));
    return this.with({ ids, stretches: [...apart2, stretch].sort((a, b) => compare(a.first, b.first, oldestFirst)) });
  }
  without(items, oldestFirst) {
    if (items.length === 0) return this;
    const gone = new Set(items.map((item) => item.id));
    const ids = new Map([...this.ids].filter(([id]) => !gone.has(id)));
    const except = new Set([...this.except].filter((id) => !gone.has(id)));
    const stretches = this.stretches.map((one) => ({ ...one, count: one.count - items.filter((item) => contains(one, item, oldestFirst)).length }));
    return this.with({ ids, except, stretches: stretches.filter((one) => one.count > 0) });
  }
  covers(item, oldestFirst) {
    return this.whole || this.stretches.some((one) => contains(one, item, oldestFirst));
  }
  with(values) {
    const next = { ids: this.ids, stretches: this.stretches, except: this.except, ...values };
    return new _Selection(next.ids, next.stretches, this.whole, next.except);
  }
};
function contains(range, mark2, oldestFirst) {
  return compare(range.first, mark2, oldestFirst) <= 0 && compare(mark2, range.last, oldestFirst) <= 0;
}
function flipped(ids, id) {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

function kept3(count) {
  let last = { messages: 0, conversations: 0 };
  return computed(() => {
    const next = count();
    if (next.messages !== last.messages || next.conversations !== last.conversations) last = next;
    return last;
  });
}

var Choice = class {
  constructor(list2) {
    this.list = list2;
    this.shown = computed(() => {
      const selection2 = this.selection.value;
      if (this.choosing.value || selection2.open || selection2.ids.size !== 1) return null;
      const [id] = selection2.ids.keys();
      return list2.rows.value.items.find((item) => item.id === id) ?? null;
    });
    this.conversation = computed(() => {
      const shown4 = this.shown.value;
      const line = shown4 === null ? void 0 : list2.rows.value.lines.get(shown4.id);
      return line?.collapsed === true && line.members.length > 1 ? line.members : null;
    });
    this.selectedCount = computed(() => this.selection.value.count(list2.rows.value.total));
    this.acted = computed(() => {
      const [selection2, focus] = [this.selection.value, this.focus.value];
      return this.pointed.value && focus !== null && this.selectedCount.value === 0 ? Selection.of([focus.item]) : selection2;
    });
    this.aimed = computed(() => this.acted.value.count(list2.rows.value.total));
    this.selectedCounts = kept3(() => this.count());
  }
  list;
  selection = signal(Selection.none);
  focus = signal(null);
  moves = signal(0);
  pointed = signal(false);
  acted;
  aimed;
  choosing = signal(false);
  shown;
  conversation;
  selectedCount;
  selectedCounts;
  awaited = [];
  reset() {
    this.awaited = [];
    this.pointed.value = false;
    this.selection.value = Selection.none;
    this.focus.value = null;
  }
  resume() {
    const [next, ...others] = this.awaited;
    if (next !== void 0 && this.at(this.row(next.position)) !== void 0) {
      this.awaited = [];
      this.moveTo(next.position, next.how);
      for (const one of others) this.moveTo(one.position, one.how);
    }
    this.refocus();
  }
  selected() {
    return this.selectedRows().flatMap((row) => this.meant(row));
  }
  selects(row) {
    return this.selection.value.has(row, this.list.oldestFirst, this.list.rows.value.lines.get(row.id)?.top);
  }
  selectedAreLoaded() {
    return this.selectedRows().length === this.aimed.value;
  }
  meant(row) {
    const line = this.list.rows.value.lines.get(row.id);
    const copies = line?.copies.filter((item) => item.match_query) ?? [];
    if (line?.collapsed !== true) return [row, ...copies.filter((item) => item.copy_of === row.id)];
    const matching = line.members.filter((item) => item.match_query);
    return [...matching.length > 0 ? matching : [row], ...copies];
  }
  meantIds(ids) {
    const rows = new Map(this.list.rows.value.items.map((item) => [item.id, item]));
    return [...ids].flatMap((id) => rows.has(id) ? this.meant(rows.get(id)).map((item) => item.id) : [id]);
  }
  moveThread(by) {
    const { items, start, lines } = this.list.rows.value;
    const from = this.focus.value === null ? -1 : this.focus.value.position - start;
    const top = (item) => lines.get(item?.id ?? 0)?.top ?? item;
    const begins = (index2) => index2 >= 0 && index2 < items.length && top(items[index2 - 1]) !== top(items[index2]);
    let index = from + by;
    while (index > 0 && index < items.length && !begins(index)) index += by;
    if (index >= 0 && index < items.length) this.moveTo(start + index, this.manner("select"));
  }
  selectThread() {
    const focus = this.focus.value;
    const line = focus === null ? void 0 : this.list.rows.value.lines.get(focus.item.id);
    if (focus === null) return;
    this.selection.value = Selection.of(line === void 0 || line.collapsed ? [focus.item] : this.rowsOf(line));
  }
  rowsOf(line) {
    const { lines } = this.list.rows.value;
    return line.members.filter((item) => lines.has(item.id));
  }
  readThread() {
    const shown4 = this.shown.value;
    if (shown4 === null) return [];
    const line = this.list.rows.value.lines.get(shown4.id);
    return line === void 0 || line.collapsed ? this.meant(shown4) : [...line.members, ...line.copies];
  }
  place() {
    const focus = this.focus.value;
    const { total } = this.list.rows.value;
    return this.shown.value === null || focus === null ? null : { at: focus.position + 1, of: total };
  }
  select(id) {
    const { items, start } = this.list.rows.value;
    const index = items.findIndex((item) => item.id === id);
    if (index >= 0) this.moveTo(start + index, "select");
    return index >= 0;
  }
  selectAll() {
    if (this.list.rows.value.total > 0) this.selection.value = Selection.all;
  }
  unselect() {
    this.pointed.value = false;
    this.choosing.value = false;
    this.selection.value = Selection.none;
  }
  toggleFocused() {
    const focus = this.focus.value;
    if (focus !== null) this.toggle(focus.position);
  }
  toggle(position) {
    const item = this.at(position);
    if (item === void 0) return;
    this.moves.value++;
    this.focus.value = { item, position };
    const opened = this.shown.value?.id === item.id;
    this.choosing.value = true;
    if (opened) return;
    this.selection.value = this.selection.value.toggled(item, this.list.oldestFirst, this.list.rows.value.lines.get(item.id)?.top);
  }
  moveFocus(by, how) {
    const total = this.list.rows.value.total;
    if (total === 0) return;
    const last = this.awaited.at(-1);
    const from = (last === void 0 ? this.focus.value?.position : this.row(last.position)) ?? (by > 0 && Number.isFinite(by) ? -1 : 0);
    this.moveTo(by === Infinity ? by : Math.min(total - 1, Math.max(0, from + by)), by === 0 ? how : this.manner(how));
  }
  manner(how) {
    const choosing = this.choosing.value && this.selectedCount.value > 0;
    const closed = this.shown.value === null && !this.list.settings.value.open_on_move;
    return how === "select" && (choosing || closed) ? "focus" : how;
  }
  moveTo(wanted, how) {
    this.moves.value++;
    this.go(wanted, how);
  }
  go(wanted, how) {
    const position = this.row(wanted);
    const item = this.at(position);
    if (how !== "extend") this.awaited = [];
    if (item === void 0 || this.awaited.length > 0) {
      this.awaited.push({ position: wanted, how });
      if (this.awaited.length === 1) this.list.look(position, position + 1);
      return;
    }
    const from = this.focus.value;
    this.focus.value = { item, position };
    this.pointed.value = how === "focus";
    if (how === "select") {
      this.choosing.value = false;
      this.selection.value = Selection.of([item]);
    } else if (how === "extend") this.extend(from ?? { item, position }, { item, position });
  }
  heading() {
    const awaited = this.awaited.at(0)?.position;
    return awaited === void 0 ? this.focus.value?.position ?? null : this.row(awaited);
  }
  row(position) {
    return Math.min(position, Math.max(0, this.list.rows.value.total - 1));
  }
  nextUnread() {
    const rows = this.list.rows.value;
    const from = this.focus.value === null ? 0 : this.focus.value.position + 1 - rows.start;
    const unread = (item) => this.meant(item).some(isUnread);
    const next = rows.items.findIndex((item, i) => i >= from && unread(item));
    if (next >= 0) this.moveTo(rows.start + next, "select");
  }
  left(gone, elsewhere = false) {
    if (gone.length === 0) return;
    const before = this.selection.value;
    const after = before.without(gone, this.list.oldestFirst);
    const first2 = gone.find((item) => before.has(item, this.list.oldestFirst));
    if (first2 === void 0) {
      this.refocus();
      return;
    }
    this.selection.value = after;
    const rows = this.list.rows.value;
    if (before.whole || after.count(rows.total) > 0 || rows.items.length === 0) {
      this.refocus();
      return;
    }
    const opened = !this.choosing.value && before.ids.size === 1 && !before.open;
    const wish = opened ? this.list.settings.value.after_action : "list";
    const found = isThreaded(this.list.query.value) || isSorted(this.list.query.value) ? (this.focus.value?.position ?? 0) - rows.start : search2(rows.items, markOf(first2), this.list.oldestFirst);
    const index = Math.max(0, Math.min(wish === "previous" ? found - 1 : found, rows.items.length - 1));
    if (!elsewhere) this.moves.value++;
    this.go(rows.start + index, wish === "list" ? "focus" : "select");
  }
  count() {
    const { selectedCount } = this;
    const { whole, except } = this.selection.value;
    if (this.selectedAreLoaded()) {
      const items = this.selected();
      const threads = isThreaded(this.list.query.value) ? new Set(items.map((item) => item.thread_id)).size : items.length;
      return { messages: items.length, conversations: threads };
    }
    const { messages, conversations } = this.list.counts.value;
    if (!isThreaded(this.list.query.value)) return { messages: selectedCount.value, conversations: selectedCount.value };
    if (!whole || messages === null) return { messages: null, conversations: whole ? conversations : selectedCount.value };
    if (except.size === 0) return { messages, conversations };
    const left = Math.max(0, messages - this.meantIds(except).length);
    return { messages: left, conversations: left };
  }
  selectedRows() {
    const { items, lines } = this.list.rows.value;
    return items.filter((item) => this.acted.value.has(item, this.list.oldestFirst, lines.get(item.id)?.top));
  }
  at(position) {
    const rows = this.list.rows.value;
    return rows.items[position - rows.start];
  }
  refocus() {
    const focus = this.focus.value;
    if (focus === null) return;
    const rows = this.list.rows.value;
    const index = rows.items.findIndex((item) => item.id === focus.item.id);
    if (index >= 0) this.focus.value = { item: rows.items[index], position: rows.start + index };
    else if (rows.total === 0) this.focus.value = null;
    else {
      const position = Math.min(focus.position, rows.total - 1);
      this.focus.value = { item: this.at(position) ?? focus.item, position };
    }
  }
  extend(from, to) {
    const [first2, last] = from.position <= to.position ? [from, to] : [to, from];
    const rows = this.list.rows.value;
    const items = rows.items.slice(Math.max(0, first2.position - rows.start), last.position + 1 - rows.start);
    const count = last.position + 1 - first2.position;
    const whole = items.length === count || isSorted(this.list.query.value);
    const place = (item) => markOf(rows.lines.get(item.id)?.top ?? item);
    this.selection.value = whole ? this.selection.value.plus(items, this.list.oldestFirst) : this.selection.value.plusStretch({ first: place(first2.item), last: place(last.item), count }, this.list.oldestFirst);
  }
};

var defaults = { signature: "", signature_html: "", signatures: [], compose_format: "text", quoting: "auto", show_address_security: true, show_html: true, no_show_shortcuts: false, show_headers: [], color_scheme: "auto", language: "", density: "comfortable", single_keys: true, keymap: {}, undo_send_seconds: 10, mark_seen_ms: 500, after_action: "next", open_on_move: false, invitation_mails: true, searches: [], unsubscribed: [], labels: [] };
var key2 = "moxlite-webmail-panes";
function loadLocal() {
  const found = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...JSON.parse(localStorage.getItem(key2) ?? "{}") };
  } catch {
    return found;
  }
}
function saveLocal(local) {
  remember(key2, JSON.stringify(local));
}

var begun = { messages: 0, looked: 0, of: 0, found: 0, done: false, stopped: false, left_out: [] };
var checkAfter = 300;
var refreshAfter = 50;
var restAfter = 80;
var Mail = class {
  constructor(outside) {
    this.outside = outside;
    this.query = signal(this.view.query);
    this.current = computed(() => {
      const mailboxes = this.mailboxes.value;
      const id = this.query.value.filter.mailbox_id;
      return isInboxes(this.query.value) ? this.boxes.inboxes() : mailboxes.find((mailbox) => mailbox.id === id);
    });
    this.rows = computed(() => {
      void this.version.value;
      if (!isThreaded(this.view.query)) return flatRows(this.view, this.pending, this.oldestFirst);
      const { rows, entryOf } = threadedRows(this.view, this.pending, this.folding, this.oldestFirst);
      this.entries = entryOf;
      return rows;
    });
    this.counts = kept3(() => this.count());
    this.choice = new Choice(this);
    this.concerned = computed(() => {
      return this.mailboxesOf(this.choice.selectedAreLoaded() ? this.choice.selected() : []);
    });
  }
  outside;
  facts = signal({ login_address: "", addresses: [], account_path: "", rejects_mailbox: "", introbox: "", storage_limit: 0, epoch: "" });
  mailboxes = signal([]);
  query;
  rows;
  connection = signal("on");
  settings = signal(defaults);
  problem = signal(null);
  searching = signal(null);
  current;
  choice;
  counts;
  concerned;
  pending = new Pending(() => this.changed());
  boxes = new Mailboxes();
  streamId = 0;
  modseq = 0;
  clockOffset = 0;
  wanted = 0;
  view = new View();
  version = signal(0);
  entries = [];
  folding = new Folding();
  server = "";
  polls = false;
  refreshing = 0;
  screen = { first: 0, last: 0 };
  resting = 0;
  checking = 0;
  get oldestFirst() {
    return this.view.query.order_asc === true;
  }
  begin(query) {
    this.query.value = this.view.query = query;
    if (isSearch(query)) this.searching.value = begun;
  }
  stopSearch() {
    if (this.searching.value?.done !== false) return;
    this.outside.send({ id: 0, view_id: this.view.viewId, cancel: true });
  }
  opening(polls = false) {
    this.polls = polls && this.modseq > 0;
    const since = this.modseq + this.facts.value.epoch;
    if (this.polls) return { request: this.view.going(), since };
    this.view.lost();
    if (this.modseq > 0 && this.view.known) return { request: this.view.resume(), since };
    return { request: this.view.open(this.view.query, this.wanted), since: "0" };
  }
  open(query, wanted = 0) {
    this.wanted = wanted;
    this.problem.value = null;
    this.searching.value = isSearch(query) ? begun : null;
    this.folding.reset();
    this.outside.send(this.view.open(query, wanted));
    this.query.value = query;
    this.choice.reset();
    this.changed();
  }
  take(event) {
    switch (event.kind) {
      case "start": {
        const again = this.modseq > 0;
        this.began(event.version, event.stream_id, event.server_time);
        this.modseq = event.modseq;
        this.facts.value = event;
        this.settings.value = { ...defaults, ...event.settings };
        this.boxes.set(event.mailboxes, event.links ?? []);
        this.mailboxes.value = this.boxes.ordered();
        const opened = this.boxes.named(event.mailbox_name);
        if (opened !== void 0) this.view.query = { ...this.view.query, filter: { ...this.view.query.filter, mailbox_id: opened.id, mailbox_name: "" } };
        this.query.value = this.view.query;
        if (!this.polls) {
          if (again) this.open(this.view.query);
        } else if (!this.view.busy) this.outdated();
        return;
      }
      case "resume":
        this.began(event.version, event.stream_id, event.server_time);
        this.boxes.setShared(event.shared, event.links);
        this.mailboxes.value = this.boxes.ordered();
        if (!this.polls && isListing(this.view.query)) this.outdated();
        this.changed();
        return;
      case "view_msgs":
        if (!this.view.take(event)) return;
        this.problem.value = null;
        if (event.parsed_message !== null) this.outside.opened(event.parsed_message);
        this.changed();
        this.arrived();
        return;
      case "view_progress":
        if (event.view_id !== this.view.viewId) return;
        this.view.found(event.total);
        if (this.searching.value !== null) this.searching.value = { ...event, found: event.total };
        this.changed();
        if (!this.view.busy) this.fetch();
        return;
      case "view_stale":
        if (event.view_id === this.view.viewId) this.outdated();
        return;
      case "view_reset":
        this.view.reset(event.view_id, event.request_id);
        return;
      case "view_err":
        if (event.view_id !== this.view.viewId) return;
        this.view.failed();
        void told(event).then(({ message, unthreaded }) => {
          if (event.view_id !== this.view.viewId) return;
          this.problem.value = { message, unthreaded };
          this.changed();
        });
        return;
      case "view_changes":
        if (this.polls && event.changes.length > 0 && isListing(this.view.query)) this.outdated();
        this.apply(event.changes);
        if (!event.more) this.modseq = event.modseq;
    }
  }
  look(first2, last) {
    if (this.problem.value !== null && first2 === this.screen.first && last === this.screen.last) return;
    this.screen = { first: first2, last };
    const rows = this.rows.value;
    const apart2 = last <= rows.start || first2 >= rows.start + rows.items.length;
    clearTimeout(this.resting);
    if (apart2 && rows.items.length > 0) this.resting = window.setTimeout(() => this.fetch(), restAfter);
    else this.fetch();
  }
  leavesFor(mailbox) {
    if (isInboxes(this.query.value)) return !isInbox(mailbox);
    const { mailbox_id } = this.query.value.filter;
    if ((mailbox_id ?? 0) >= 0) return true;
    return mailbox_id === -1 && mailbox.roles.some((role) => role === "trash" || role === "junk");
  }
  fold(expand) {
    const focus = this.choice.focus.value;
    const line = focus === null ? void 0 : this.rows.value.lines.get(focus.item.id);
    if (line === void 0 || line.members.length < 2) return;
    const wanted = expand ?? line.collapsed;
    const hidden = line.members.length - this.choice.rowsOf(line).length;
    if (wanted !== line.collapsed && !(wanted && hidden > 0)) return;
    const selected = line.members.some((item) => this.choice.selection.value.ids.has(item.id));
    this.folding.set(line.top.thread_id, wanted);
    this.changed();
    const { items, start } = this.rows.value;
    const first2 = wanted ? line.members[0] : line.top;
    const index = items.findIndex((item) => item.id === first2.id);
    if (index >= 0) this.choice.moveTo(start + index, selected ? "select" : "focus");
  }
  mailboxesOf(items) {
    const ids = /* @__PURE__ */ new Set([this.query.value.filter.mailbox_id, ...items.map((item) => item.mailbox_id)]);
    return this.mailboxes.value.filter((mailbox) => ids.has(mailbox.id));
  }
  may(rights, role, chosen) {
    return (chosen === void 0 ? this.concerned.value : this.mailboxesOf(chosen)).every((mailbox) => {
      if (mailbox.owner === "") return true;
      const target = role && this.boxes.withRole(role, mailbox.home);
      return allows(mailbox, rights) && (role === void 0 || target !== void 0 && allows(target, "i"));
    });
  }
  homes(chosen) {
    return new Set((chosen === void 0 ? this.concerned.value : this.mailboxesOf(chosen)).map(({ home }) => home));
  }
  inRole(role) {
    return this.current.value?.roles.includes(role) ?? false;
  }
  hasJunk(box = this.current.value) {
    return box?.roles.includes("junk") || box?.name === this.facts.value.rejects_mailbox;
  }
  began(version, streamId, time) {
    if (this.server !== "" && this.server !== version) this.outside.outdated(version);
    this.server = version;
    this.streamId = streamId;
    this.clockOffset = Date.parse(time) - Date.now();
  }
  apply(changes) {
    const gone = [];
    let [boxes, removed] = [false, false];
    for (const change of changes) {
      if (change.kind === "msg_remove") removed ||= this.isReading(change);
      if (change.kind === "collection") dispatchEvent(new Event(`${change.holds}s`));
      if (change.kind === "mailbox_counts") dispatchEvent(new CustomEvent("counts", { detail: change.mailbox_id }));
      if (change.kind === "settings") this.settings.value = { ...defaults, ...change.settings };
      boxes = this.boxes.apply(change) || boxes;
      gone.push(...this.view.apply(change));
    }
    if (boxes) this.mailboxes.value = this.boxes.ordered();
    this.changed();
    this.choice.left(gone.filter((item) => !this.pending.leaving(item.id)), true);
    if (removed) {
      if (isListing(this.view.query)) this.choice.unselect();
      this.outside.removed();
    }
    this.pending.settle(this.view.all(), this.view.query.filter.mailbox_id ?? 0);
    if (this.view.unsure) {
      clearTimeout(this.checking);
      this.checking = window.setTimeout(() => this.fetch(), checkAfter);
    }
  }
  isReading({ mailbox_id, message_ids }) {
    const shown4 = this.choice.shown.value?.id ?? 0;
    return (isInboxes(this.view.query) || mailbox_id === this.view.query.filter.mailbox_id) && message_ids.includes(shown4) && !this.pending.leaving(shown4);
  }
  changed() {
    if (this.outside.checking) this.view.checkConsistency();
    this.version.value++;
  }
  arrived() {
    if (this.choice.select(this.wanted)) this.wanted = 0;
    this.choice.resume();
    if (!this.view.busy) this.fetch();
  }
  count() {
    const { entries } = this.rows.value;
    const query = this.query.value;
    if (!isThreaded(query)) return { messages: entries, conversations: entries };
    const mailbox = this.current.value;
    const listed = mailbox && (query.filter.unread === true ? mailbox.unseen : mailbox.total + mailbox.deleted);
    const messages = isSearch(query) ? this.searching.value?.messages : listed;
    return { messages: messages === void 0 ? null : Math.max(messages, entries), conversations: entries };
  }
  fetch() {
    const first2 = this.entryAt(this.screen.first);
    const last = this.entryAt(this.screen.last);
    const request = this.view.want(first2, last) ?? this.view.check() ?? this.view.refresh(first2, last);
    if (request !== null && this.streamId > 0) this.outside.send(request);
  }
  entryAt(row) {
    const { start, items, total } = this.rows.value;
    if (row >= start + items.length) return row + this.view.total - total;
    return isThreaded(this.query.value) && row > start ? this.entries[row - start] : row;
  }
  outdated() {
    this.view.stale = true;
    clearTimeout(this.refreshing);
    this.refreshing = window.setTimeout(() => this.fetch(), refreshAfter);
  }
};

var cookie = "moxlite-language";
var kept4 = 400 * 86400;
function spoken() {
  const found = new RegExp(`(?:^|; )${cookie}=(\\w+)`).exec(document.cookie);
  return found?.[1] ?? "";
}
function speak(language) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${language}; Path=/; SameSite=Lax; Max-Age=${language === "" ? 0 : kept4}${secure}`;
  return spoken() === language && document.documentElement.lang !== language;
}

var sentences = { on: "", connecting: t("Connecting…"), off: t("Not connected. Reconnecting…") };
function connectionLine(mail2, stream) {
  const words2 = el("span");
  const button = el("button", { onclick: () => stream.retry() }, t("Try now"));
  const line = el("div", { class: "offline", role: "status" }, words2, button);
  effect(() => {
    const state = mail2.connection.value;
    line.hidden = state === "on";
    button.hidden = state === "connecting";
    fill(words2, sentences[state]);
  });
  return line;
}

var shown2 = "show-side";
var Drawer = class {
  constructor(side) {
    this.side = side;
    side.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.open) return;
      event.stopPropagation();
      this.close();
      this.button.focus();
    });
    document.addEventListener("click", (event) => {
      if (this.open && event.target instanceof Element && event.target.isConnected && event.target.closest(".side, .menu-open") === null && document.querySelector("dialog[open]") === null) this.close();
    });
  }
  side;
  button = el("button", { class: "menu-open", "aria-label": t("Folders"), "aria-expanded": "false", onclick: () => this.toggle() }, sign(menu));
  close() {
    document.body.classList.remove(shown2);
    this.button.setAttribute("aria-expanded", "false");
  }
  get open() {
    return document.body.classList.contains(shown2);
  }
  toggle() {
    if (this.open) {
      this.close();
      return;
    }
    document.body.classList.add(shown2);
    this.button.setAttribute("aria-expanded", "true");
    (this.side.querySelector("[aria-current]") ?? this.side.querySelector("button"))?.focus();
  }
};

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var day = 24 * 60 * 60 * 1e3;
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function shortTime(time, now, dated = false) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0 || days === 1 && dated) return clockTime(date);
  if (days === 1) return loneTime(time, now);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}
function groupOf(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0) return t("Today");
  if (days === 1) return t("Yesterday");
  if (days < 7) return t("This week");
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "month", { month: "long" });
  return formatted(date, "months", { month: "long", year: "numeric" });
}
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}
function spokenDay(time) {
  const date = new Date(time);
  if (date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear()) return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
function saidTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}
function capital(text2) {
  return text2.slice(0, 1).toLocaleUpperCase(locale()) + text2.slice(1);
}
function loneTime(time, now) {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function isOwn(address, account) {
  const bare = bareAddress(address);
  return account.login_address === bare || account.addresses.includes(bare);
}
function shortAddress(address) {
  return address.name.trim() || bareAddress(address);
}
function firstName(address) {
  const name = shortAddress(address);
  return /^[^\s,]+, *([^\s,]+)/.exec(name)?.[1] ?? name.split(/[\s,]/, 1)[0];
}
function senders(people, own2) {
  const first2 = people.map(firstName);
  const name = (one, at) => people.length > 1 && first2.indexOf(first2[at]) === first2.lastIndexOf(first2[at]) ? first2[at] : shortAddress(one);
  return people.map((one, at) => own2(one) ? meant("sender", "me") : name(one, at)).join(", ");
}
function longAddress(address) {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}
function addressList(addresses, one) {
  return addresses.map(one).join(", ");
}

var phone = matchMedia("(max-width: 700px)");

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
function labelPlace(name) {
  return writePlace({ name: "", search: `label:${/[\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name}`, message: 0 });
}
function chip({ name, color }) {
  return el("span", { class: `keyword c${color}`, title: name, dir: "auto", data: { label: name } }, name);
}

function drawEmpty({ title, text: text2, step }) {
  return [el("h2", { class: "empty-title" }, title), ...text2 === void 0 ? [] : [el("p", {}, text2)], ...step === void 0 ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]];
}

var headHeight = 28;
var Heads = class {
  top = el("div", { class: "messages-group top", "aria-hidden": "true", hidden: true });
  elements = [];
  heads = [];
  of = null;
  day = "";
  get height() {
    return this.heads.length > 0 ? headHeight : 0;
  }
  divide(rows, now, dated) {
    const day2 = new Date(now).toDateString();
    if (rows === this.of && day2 === this.day) return;
    this.of = rows;
    this.day = day2;
    const found = [];
    let [name, from, until] = ["", Infinity, -Infinity];
    for (const [index, item] of dated ? rows.items.entries() : []) {
      const { received } = rows.lines.get(item.id)?.top ?? item;
      const time = Date.parse(received);
      if (time >= from && time < until) continue;
      from = new Date(received).setHours(0, 0, 0, 0);
      until = from + 24 * 60 * 60 * 1e3;
      const next = groupOf(received, now);
      if (next === name) continue;
      name = next;
      found.push({ position: rows.start + index, name });
    }
    this.heads = found;
  }
  above(position) {
    let count = 0;
    while (count < this.heads.length && this.heads[count].position <= position) count++;
    return count * headHeight;
  }
  without(top, rowHeight2) {
    let heads = 0;
    for (const { position } of this.heads) {
      if (position * rowHeight2 + heads + headHeight > top) break;
      heads += headHeight;
    }
    return top - heads;
  }
  draw(space, begin, end, topOf, at) {
    const wanted = this.heads.filter(({ position }) => position >= begin && position < end);
    while (this.elements.length < wanted.length) this.elements.push(el("div", { class: "messages-group", "aria-hidden": "true" }));
    for (const [index, element] of this.elements.entries()) {
      const head = wanted[index];
      if (head === void 0) {
        element.remove();
        continue;
      }
      if (element.textContent !== head.name) fill(element, head.name);
      element.style.transform = `translateY(${topOf(head.position) - headHeight}px)`;
      if (element.parentElement !== space) space.append(element);
    }
    const group = this.heads.filter(({ position }) => position <= at).at(-1) ?? this.heads[0];
    this.top.hidden = group === void 0;
    if (group !== void 0 && this.top.textContent !== group.name) fill(this.top, group.name);
  }
};

function marked(text2, needles) {
  const wanted = needles.filter((needle) => needle.length > 1 || text2.length < 200);
  if (wanted.length === 0) return [text2];
  const pattern = new RegExp(wanted.map((needle) => needle.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const pieces = [];
  let end = 0;
  for (const match of text2.matchAll(pattern)) {
    if (match[0] === "") continue;
    pieces.push(text2.slice(end, match.index), el("mark", { class: "hit" }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text2.slice(end));
  return pieces;
}

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

var symbols = [["\\answered", reply, t("Replied")], ["$forwarded", forward, t("Forwarded")]];
var words = [["\\draft", t("Draft")], ["$junk", t("Junk")], ["$phishing", t("Phishing")], ["\\deleted", t("Deleted")]];
function answering(keywords) {
  return keywords.flatMap((one) => {
    const [, kind, name = ""] = /^\$(by|writing)-(.+)/.exec(one) ?? [];
    return kind === "by" ? t("{name} replied", { name }) : kind ? t("{name} is replying…", { name }) : [];
  });
}
var fewLabels = 2;
function named(kind, title, shown4) {
  return el("span", { class: kind, title, role: "img", "aria-label": title }, shown4);
}
var Row = class {
  root = el("div", { class: "message", role: "option", draggable: "true" });
  item = null;
  position = -1;
  state = el("span", { class: "message-state" });
  people = el("span", { class: "message-people", dir: "auto" });
  numbers = el("span", { class: "message-numbers" });
  marks = el("span", { class: "message-marks" });
  time = el("time", { class: "message-age" });
  subject = el("span", { class: "message-subject" });
  preview = el("span", { class: "message-preview" });
  labels = el("span", { class: "message-labels" });
  disc = el("span", { class: "message-disc", "aria-hidden": "true" });
  line;
  manner = null;
  constructor() {
    this.root.append(this.disc, el("div", { class: "message-body" }, this.state, el("div", { class: "message-top" }, this.people, this.numbers, this.marks, this.time, el("span", { class: "message-actions", "aria-hidden": "true" }, rowActions.map(([action, path, title]) => el("span", { class: "message-action", title, data: { action } }, sign(path))))), el("div", { class: "message-line" }, el("span", { class: "message-words", dir: "auto" }, this.subject, this.preview), this.labels)));
  }
  show(item, manner, line) {
    const before = this.manner;
    if (before !== null && item === this.item && sameLine(line, this.line) && before.recipients === manner.recipients && before.dated === manner.dated && before.needles === manner.needles && before.here === manner.here && before.labels === manner.labels) return;
    this.manner = manner;
    this.item = item;
    this.line = line;
    this.root.classList.toggle("missing", item === null);
    if (item === null) {
      this.root.removeAttribute("id");
      this.root.classList.remove("unread", "deleted", "beside", "in-thread");
      const { state, people, numbers, marks, time, subject: subject2, preview, labels: labels2, disc } = this;
      for (const part2 of [state, people, numbers, marks, time, subject2, preview, labels2, disc]) fill(part2);
      return;
    }
    const matching = line?.collapsed === true ? line.members.filter((one) => one.match_query) : [];
    const thread = matching.length > 0 ? matching : [item];
    const { flags, keywords, unread } = flagsOf(thread);
    const depth = line?.collapsed === false ? line.depth : 0;
    this.root.id = `message-${item.id}`;
    this.root.style.setProperty("--depth", String(depth));
    this.root.classList.toggle("unread", unread);
    fill(this.state, unread && t("Unread"));
    this.root.classList.toggle("deleted", flags.includes("\\deleted"));
    this.root.classList.toggle("beside", !item.match_query || thread.every((one) => one.thread_muted));
    this.root.classList.toggle("in-thread", line?.collapsed === false && line.members.length > 1);
    this.showPeople(thread, manner, line?.hidden ?? 0);
    const subject = isolated(item.subject) || t("(no subject)");
    fill(this.subject, depth > 0 && this.branch(item), marked(subject, manner.needles));
    this.showDisc(item, manner);
    const stored = [...thread, ...line?.copies ?? []];
    const elsewhere = new Set(stored.map((one) => one.mailbox_id).filter((id) => id !== manner.here));
    fill(this.preview, item.preview !== "" && el("bdi", {}, marked(isolated(item.preview), manner.needles)));
    const others = [...elsewhere].map((id) => {
      const place = manner.place(id);
      if (place === null) return null;
      return el("span", { class: `keyword other-mailbox${place.mark}`, title: place.title }, place.name);
    });
    const labels = shownLabels(manner.labels, keywords);
    const more = labels.slice(fewLabels);
    fill(this.labels, others, labels.slice(0, fewLabels).map(chip), more.length > 0 && el("span", { class: "keyword more", title: more.map(({ name }) => name).join(", ") }, `+${more.length}`));
    this.time.dateTime = item.received;
    this.time.title = fullTime(item.received);
    this.refreshAge(manner.now);
    if (line?.collapsed === true && flagsOf(line.members).flags.includes("\\draft")) flags.push("\\draft");
    this.showMarks(thread, flags, keywords);
  }
  place(position, total, top, selected, focused) {
    const { root } = this;
    if (position !== this.position) {
      this.position = position;
      root.setAttribute("aria-posinset", String(position + 1));
    }
    root.setAttribute("aria-setsize", String(total));
    root.style.transform = `translateY(${top}px)`;
    root.classList.toggle("active", selected);
    root.classList.toggle("focused", focused);
    root.setAttribute("aria-selected", String(selected));
  }
  refreshAge(now) {
    if (this.item === null) return;
    const value = shortTime(this.item.received, now, this.manner?.dated);
    if (this.time.textContent !== value) this.time.textContent = value;
  }
  showPeople(thread, manner, hidden) {
    const all = thread.flatMap((item) => manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from);
    const people = [...new Map(all.map((one) => [`${one.user}@${one.host}`, one])).values()];
    this.people.classList.toggle("recipients", manner.recipients);
    this.people.title = addressList(people, longAddress);
    const count = `${thread.length}${thread.length === mostMembers ? "+" : ""}`;
    fill(this.people, marked(isolated(senders(people, manner.own)) || t("(no address)"), manner.needles));
    fill(this.numbers, thread.length > 1 && named("thread-count", t("{n} messages", { n: count }), count), hidden > 0 && named("thread-count", many(hidden, "{n} more message in another folder. Press → to show it", "{n} more messages in other folders. Press → to show them"), `+${hidden}`));
  }
  showDisc(item, manner) {
    const [person] = manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from;
    const name = person === void 0 ? "?" : isolated(shortAddress(person));
    this.disc.className = `message-disc c${hue(person === void 0 ? "" : bareAddress(person).toLowerCase())}`;
    fill(this.disc, initials(name));
  }
  branch(item) {
    if (item.same_message_id) return named("branch", t("Copy of the message above (same Message-ID)"), sign(copy, "icon"));
    if (item.thread_missing_link) return named("branch", t("Original message not found"), sign(circleHelp, "icon"));
    return el("span", { class: "branch", "aria-hidden": "true" }, sign(cornerDownRight, "icon"));
  }
  showMarks(thread, flags, keywords) {
    const word = (text2) => el("span", { class: "mark word" }, text2);
    const files = thread.reduce((sum, item) => sum + item.attachments.filter((one) => !one.inside).length, 0);
    fill(this.marks, words.filter(([flag]) => flags.includes(flag)).map(([, text2]) => word(text2)), answering(keywords).map(word), symbols.filter(([flag]) => flags.includes(flag)).map(([, path, title]) => named("mark", title, sign(path, "icon"))), thread.every((item) => item.thread_muted) && named("mark", t("Muted. New messages in this conversation arrive as read"), sign(bellOff, "icon")), files > 0 && named("mark", t("Attachments: {n}", { n: files }), sign(paperclip, "icon")), flags.includes("\\flagged") && named("mark flagged", t("Flagged"), sign(star, "icon")));
  }
};

var heights = { comfortable: { desk: 56, phone: 68 }, compact: { desk: 40, phone: 56 } };
var rowHeight = heights.comfortable.desk;
var maxHeight = 8e6;
var MessageList = class {
  constructor(mail2, owner) {
    this.mail = mail2;
    this.owner = owner;
    this.root.append(this.heads.top, this.space, this.note);
    this.root.addEventListener("scroll", () => this.later());
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("dblclick", (event) => this.at(event)?.item != null && owner.fold());
    this.root.addEventListener("contextmenu", (event) => this.openMenu(event));
    this.root.addEventListener("dragstart", (event) => this.beginDrag(event));
    new ResizeObserver(() => this.later()).observe(this.root);
    setInterval(() => this.refreshAges(), 3e4);
    effect(() => {
      this.measure();
      this.draw();
    });
    phone.addEventListener("change", () => {
      this.measure();
      this.draw();
    });
    effect(() => {
      void this.mail.choice.moves.value;
      untracked(() => this.reveal());
    });
  }
  mail;
  owner;
  root = el("div", { class: "messages", "aria-label": t("Messages"), tabindex: "0", data: { home: "" } });
  band = el("div", { class: "list-band" });
  space = el("div", { class: "messages-space" });
  note = el("div", { class: "messages-note" });
  heads = new Heads();
  empty;
  shown = /* @__PURE__ */ new Map();
  pool = [];
  dragged = null;
  frame = 0;
  viewOf = null;
  arrived = 0;
  needles = [];
  first = null;
  measure() {
    const { density } = this.mail.settings.value;
    rowHeight = heights[density][phone.matches ? "phone" : "desk"];
    document.body.classList.toggle("compact", density === "compact");
  }
  pushable({ swipes }) {
    const swiped = (row, action) => {
      const item = this.rowOf(row)?.item;
      if (item != null) this.owner.acted(this.mail.choice.meant(item), action);
    };
    const held = (row) => {
      const found = this.rowOf(row);
      if (found?.item != null) this.mail.choice.toggle(found.position);
    };
    swipes(this.root, (row) => this.rowOf(row)?.item != null, this.owner.swipe, swiped, held);
    this.root.dataset["pushable"] = "";
  }
  mark(needles) {
    this.needles = needles;
    this.draw();
  }
  reveal() {
    const position = this.mail.choice.heading();
    if (position === null || this.root.clientHeight === 0) return;
    const top = this.offset(position);
    const at = this.logical();
    if (top - this.heads.height < at) this.scrollTo(top - this.heads.height);
    else if (top + rowHeight > at + this.root.clientHeight) this.scrollTo(top + rowHeight - this.root.clientHeight);
    this.draw();
  }
  later() {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }
  get height() {
    return this.offset(this.mail.rows.value.total);
  }
  offset(position) {
    return position * rowHeight + this.heads.above(position);
  }
  positionAt(top) {
    return Math.max(0, this.heads.without(top, rowHeight) / rowHeight);
  }
  get scale() {
    const { clientHeight } = this.root;
    return this.height <= maxHeight ? 1 : (this.height - clientHeight) / (maxHeight - clientHeight);
  }
  logical() {
    return this.root.scrollTop * this.scale;
  }
  scrollTo(top) {
    this.root.scrollTop = top / this.scale;
  }
  draw() {
    const { rows, query, current, problem } = this.mail;
    const { selection: selection2, focus } = this.mail.choice;
    const { start, items, total, known, lines } = rows.value;
    void selection2.value;
    const focused = focus.value?.position ?? -1;
    const { root, space, note } = this;
    if (this.viewOf !== query.value) {
      this.viewOf = query.value;
      this.first = null;
      root.scrollTop = 0;
    }
    this.call(total);
    const now = Date.now() + this.mail.clockOffset;
    this.heads.divide(rows.value, now, !isSorted(query.value));
    space.style.height = `${Math.min(this.height, maxHeight)}px`;
    const refusal = problem.value;
    const step = refusal?.unthreaded === true && { title: t("Show single messages"), run: () => this.owner.unthread() };
    const place = refusal !== null ? { title: refusal.message, ...step && { step } } : known && total === 0 ? this.emptyPlace() : null;
    const words2 = place === null ? "" : JSON.stringify([place, place.step?.title]);
    if (note.dataset["words"] !== words2) {
      note.dataset["words"] = words2;
      fill(note, place === null ? null : drawEmpty(place));
    }
    this.hold();
    const screen = root.clientHeight;
    const top = this.logical();
    const shift = root.scrollTop - top;
    const visible = Math.ceil(screen / rowHeight) + 1;
    const begin = Math.max(0, Math.floor(this.positionAt(top)) - visible);
    const end = Math.min(total, Math.ceil(this.positionAt(top)) + 2 * visible);
    const roles = current.value?.roles ?? [];
    const manner = { now, dated: !isSorted(query.value), recipients: roles.includes("sent") || roles.includes("draft"), here: query.value.filter.mailbox_id ?? 0, own: (one) => isOwn(one, this.mail.facts.value), place: (id) => {
      const { boxes, facts } = this.mail;
      const box = boxes.get(id);
      if (box === void 0) return null;
      const home = box.home.replace("/", "") || facts.value.login_address.split("@", 1)[0];
      const title = mailboxName(box.name);
      return { name: isInboxes(query.value) && isInbox(box) ? home : title, title, mark: boxes.mark(box.home) };
    }, needles: this.needles, labels: this.mail.settings.value.labels };
    const wanted = /* @__PURE__ */ new Map();
    for (let position = begin; position < end; position++) {
      const item = items[position - start];
      wanted.set(item === void 0 ? `at ${position}` : `id ${item.id}`, position);
    }
    for (const [key3, row] of this.shown) {
      if (wanted.has(key3)) continue;
      this.shown.delete(key3);
      const came = `id ${items[row.position - start]?.id}`;
      if (row.item === null && wanted.has(came) && !this.shown.has(came)) {
        this.shown.set(came, row);
        continue;
      }
      this.pool.push(row);
      row.root.remove();
    }
    let active = "";
    let next = space.firstElementChild;
    for (const [key3, position] of wanted) {
      const item = items[position - start] ?? null;
      let row = this.shown.get(key3);
      if (row === void 0) {
        row = this.pool.pop() ?? new Row();
        this.shown.set(key3, row);
      }
      if (row.root === next) next = next.nextElementSibling;
      else space.insertBefore(row.root, next);
      row.show(item, manner, item === null ? void 0 : lines.get(item.id));
      row.place(position, total, this.offset(position) + shift, item !== null && this.mail.choice.selects(item), position === focused);
      row.root.classList.toggle("arrived", item !== null && item.id === this.arrived);
      if (position === focused && item !== null) active = row.root.id;
    }
    this.heads.draw(space, begin, end, (position) => this.offset(position) + shift, this.positionAt(top));
    if (active === "") root.removeAttribute("aria-activedescendant");
    else root.setAttribute("aria-activedescendant", active);
    if (screen > 0) this.mail.look(begin, Math.max(end, begin + 1));
  }
  emptyPlace() {
    if (this.empty !== void 0) return this.empty?.emptyList(this.mail, this.owner) ?? null;
    this.empty = null;
    void extra("empty").then((found) => {
      this.empty = found;
      this.draw();
    });
    return null;
  }
  call(total) {
    const role = total > 0 ? "listbox" : "group";
    if (this.root.role === role) return;
    this.root.role = role;
    this.root.ariaMultiSelectable = total > 0 ? "true" : null;
  }
  hold() {
    const { start, items } = this.mail.rows.value;
    const before = this.first;
    if (before !== null && this.root.scrollTop >= 8) {
      const index = items.findIndex((item2) => item2.id === before.id);
      if (index >= 0 && this.offset(start + index) !== before.top) this.scrollTo(this.logical() + this.offset(start + index) - before.top);
    }
    const position = Math.ceil(this.positionAt(this.logical()));
    const item = items[position - start];
    const top = items[0];
    const newest = start === 0 && before !== null && before.position === 0 && top !== void 0 && top.id > before.id;
    this.arrived = newest ? top.id : this.arrived;
    this.first = item === void 0 ? null : { id: item.id, position, top: this.offset(position) };
  }
  rowOf(element) {
    return [...this.shown.values()].find((row) => row.root === element);
  }
  at(event) {
    const element = event.target instanceof Element ? event.target.closest(".message") : null;
    return element === null ? void 0 : this.rowOf(element);
  }
  clicked(event) {
    const row = this.at(event);
    if (row === void 0) return;
    const target = event.target instanceof Element ? event.target : null;
    const action = target?.closest(".message-action")?.dataset["action"];
    if (action !== void 0 && row.item !== null) {
      this.owner.acted(this.mail.choice.meant(row.item), action);
      return;
    }
    const label = target?.closest("[data-label]")?.dataset["label"];
    if (label !== void 0 && !phone.matches) {
      location.hash = labelPlace(label);
      return;
    }
    const chooses = target?.closest(".message-disc") != null || phone.matches && document.body.classList.contains("choosing");
    if (chooses && !event.shiftKey) this.mail.choice.toggle(row.position);
    else if (event.ctrlKey || event.metaKey) this.mail.choice.toggle(row.position);
    else this.mail.choice.moveTo(row.position, event.shiftKey ? "extend" : "select");
  }
  openMenu(event) {
    const row = this.at(event);
    if (row?.item == null || event.shiftKey) return;
    event.preventDefault();
    if (event instanceof PointerEvent && event.pointerType === "touch") return;
    const items = this.mail.choice.selects(row.item) && this.mail.choice.selectedAreLoaded() ? this.mail.choice.selected() : this.mail.choice.meant(row.item);
    this.owner.menu(items, { x: event.clientX, y: event.clientY });
  }
  beginDrag(event) {
    const row = this.at(event);
    if (row?.item == null) return;
    this.dragged = this.mail.choice.selects(row.item) ? null : this.mail.choice.meant(row.item);
    event.dataTransfer?.setData("text/plain", row.item.subject);
  }
  refreshAges() {
    const now = Date.now() + this.mail.clockOffset;
    for (const row of this.shown.values()) row.refreshAge(now);
  }
};

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

var icons = { Inbox: inbox, Snoozed: clock, draft: filePen, sent: send, archive, trash: trash2, junk: octagonAlert };
var MailboxList = class {
  constructor(owner) {
    this.owner = owner;
  }
  owner;
  root = el("nav", { class: "mailboxes", "aria-label": t("Folders") });
  searches = el("nav", { class: "mailboxes searches", "aria-label": t("Saved searches"), hidden: true });
  labels = el("nav", { class: "mailboxes searches labels-list", "aria-label": t("Labels"), hidden: true });
  outbox = el("div", { class: "mailbox", hidden: true });
  draw(mailboxes, active, boxes) {
    const homes = [...new Set(mailboxes.map(({ home }) => home))];
    const all = boxes.inboxes();
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : void 0;
    fill(this.root, all && this.row(all, all.id === active), homes.flatMap((home) => [home !== "" && el("h2", { class: `mailbox-owner${boxes.mark(home)}`, title: boxes.links.find(({ name }) => home === `${name}/`)?.address ?? home }, home.replace("/", "")), ...mailboxes.filter((mailbox) => mailbox.home === home && mailbox.name !== "Scheduled" && (nameAtHome(mailbox) !== "" || mailbox.total > 0)).flatMap((mailbox) => [home === "" && mailbox.roles.includes("draft") && this.outbox, this.row(mailbox, mailbox.id === active)]), home === "" && el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, t("+ New folder"))]));
    if (focused !== void 0) this.root.querySelector(`[data-mailbox="${focused}"]`)?.focus();
  }
  row(mailbox, active) {
    const name = nameAtHome(mailbox) || mailbox.name;
    const elements = name.split("/");
    const kind = name === "Inbox" || name === "Snoozed" ? name : mailbox.roles[0] ?? "";
    const { unread } = mailbox;
    const whole = mailboxName(mailbox.name);
    const title = many(mailbox.total, "{name}: {n} message, {unread} unread, {size}", "{name}: {n} messages, {unread} unread, {size}", { name: whole, unread, size: size(mailbox.size) });
    const actions = t("Actions for {name}", { name: whole });
    const menu2 = el("button", { class: "mailbox-menu", title: actions, "aria-label": actions }, sign(ellipsis, "i s"));
    menu2.addEventListener("click", (event) => {
      event.stopPropagation();
      this.owner.mailboxMenu(mailbox, menu2);
    });
    const open = el("button", { class: "mailbox-open", title, data: { mailbox: String(mailbox.id) }, "aria-current": active ? "page" : void 0, onclick: () => this.owner.openMailbox(mailbox) }, sign(mailbox.id < 0 ? inbox : icons[kind] ?? folder), el("span", { class: "mailbox-name" }, mailboxName(elements.at(-1))), unread > 0 && el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n: unread }) }, t("{n}", { n: unread })));
    const row = el("div", { class: `mailbox${active ? " active" : ""}${unread > 0 ? " unread" : ""}` }, open, mailbox.id > 0 && menu2);
    row.style.setProperty("--depth", String(elements.length - 1));
    return row;
  }
};

var mirrored = () => document.documentElement.dir === "rtl";
function along(key3) {
  if (!mirrored()) return key3;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key3] ?? key3;
}

var shown3 = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden], :disabled)")];
  const drawn = all.filter((one) => one.getClientRects().length > 0);
  return drawn.length > 0 ? drawn : all;
};
function settle2(bar) {
  const all = shown3(bar);
  const stop = all.find((one) => one === document.activeElement) ?? all.find((one) => one.tabIndex === 0 && one.dataset["stop"]) ?? all[0];
  for (const one of bar.querySelectorAll("button")) {
    one.tabIndex = one === stop ? 0 : -1;
    if (one === stop) one.dataset["stop"] = "1";
    else delete one.dataset["stop"];
  }
}
function moveWithin(bar) {
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const all = shown3(bar);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle2(bar));
  settle2(bar);
}

function selectedPlace({ messages, conversations }) {
  if (messages === null) return { title: many(conversations, "{n} conversation selected", "{n} conversations selected") };
  const title = many(messages, "{n} message selected", "{n} messages selected");
  return conversations === messages ? { title } : { title, text: many(conversations, "{n} conversation", "{n} conversations") };
}
function counted({ messages, conversations }) {
  if (messages === null) return many(conversations, "{n} conversation", "{n} conversations");
  const all = many(messages, "{n} message", "{n} messages");
  return conversations === messages ? all : many(conversations, "{all} in {n} conversation", "{all} in {n} conversations", { all });
}

function layOut(root, page) {
  const { mail: mail2 } = page;
  const heading = el("h1", { class: "list-title" });
  const count = el("span", { class: "list-count" });
  const named2 = (name) => ({ title: name, "aria-label": name });
  const opener = (kind, title, open, ...label) => {
    const made = el("button", { class: kind, "aria-haspopup": "menu", ...named2(title), onclick: () => open(made) }, label);
    return made;
  };
  const command = (id, attributes, ...label) => el("button", { ...attributes, onclick: () => page.commands.run(id) }, label);
  const tools = el("div", { class: "list-tools", role: "toolbar", "aria-label": t("List options") }, opener("link list-menu", t("List options"), (at) => page.openListMenu(at), sign(listFilter)));
  moveWithin(tools);
  const chosenCount = el("h1", { class: "chosen-count" });
  const all = command("list.all", { class: "link" });
  const bar = el("header", { class: "list-chosen" }, command("list.none", { class: "chosen-clear", ...named2(t("Clear selection")) }, sign(x)), chosenCount, all, page.chosen);
  const compose = command("compose.new", { class: "primary compose-new" }, sign(squarePen), el("span", { class: "side-word" }, t("New message")));
  effect(() => {
    const { single_keys, keymap } = mail2.settings.value;
    page.commands.letters = single_keys;
    page.commands.remap(keymap);
    compose.title = hintOf(page.commands.get("compose.new"));
  });
  const storage = el("div", { class: "storage" });
  const disc = el("span", { "aria-hidden": "true" });
  const address = el("span", { class: "account-address" });
  const account = opener("account-menu", t("Account and settings"), (at) => page.openAccount(at), disc, address, sign(chevronsUpDown, "i s"));
  const gear = command("app.settings", { class: "open-settings", ...named2(t("Settings")) }, sign(settings));
  const head = el("div", { class: "account" }, account, gear);
  fill(page.side, head, el("div", { class: "side-mail" }, compose, el("div", { class: "side-lists" }, page.mailboxes.root, page.mailboxes.labels, page.mailboxes.searches), storage));
  page.list.band.append(page.find.bar.problems);
  fill(root, el("section", { class: "middle", "aria-label": t("List") }, el("div", { class: "list-top" }, page.drawer.button, page.find.bar.root), el("header", { class: "list-head" }, heading, count, page.find.bar.said, tools), bar, page.list.band, page.list.root, command("compose.new", { class: "compose-round", ...named2(t("New message")) }, sign(squarePen))), page.side, page.panes.splitter, page.reader.root);
  page.places.begin(head);
  effect(() => {
    const { account_path, login_address } = mail2.facts.value;
    gear.hidden = account_path === "";
    const [, name = "", domain = ""] = /^(.*?)(@.*)?$/.exec(login_address);
    fill(address, el("b", {}, name), domain);
    account.setAttribute("aria-label", `${t("Account and settings")}: ${login_address}`);
    disc.className = `account-disc c${hue(login_address)}`;
    disc.dataset["initials"] = initials(name);
  });
  effect(() => {
    const { storage_limit } = mail2.facts.value;
    const own2 = mail2.mailboxes.value.filter(({ owner }) => owner === "");
    const used = own2.reduce((sum, one) => sum + one.size, 0);
    storage.hidden = storage_limit === 0;
    const meter = el("meter", { max: String(storage_limit), high: String(0.9 * storage_limit), value: String(used) });
    meter.ariaLabel = t("Storage");
    fill(storage, meter, t("{used} of {all}", { used: size(used), all: size(storage_limit) }));
  });
  effect(() => {
    const name = mail2.current.value?.name.split("/").at(-1) ?? "";
    const searching = page.find.text.value !== "";
    fill(heading, searching ? t("Search") : mailboxName(name));
    root.classList.toggle("searching", searching);
    const inbox2 = !searching && mail2.current.value !== void 0 && isInbox(mail2.current.value);
    Object.assign(page.list.band.dataset, { inbox: inbox2, only: page.find.refinement.value });
    fill(count, mail2.searching.value === null && counted(mail2.counts.value));
  });
  effect(() => {
    const n = mail2.choice.selectedCounts.value.conversations;
    const total = mail2.counts.value.conversations;
    fill(chosenCount, t("{n} selected", { n }));
    fill(all, t("Select all {n}", { n: total }));
    all.hidden = n >= total;
  });
}

var least = 180;
var Panes = class {
  constructor(root) {
    this.root = root;
    addEventListener("resize", () => this.draw());
    this.draw();
  }
  root;
  splitter = el("div", { class: "splitter", role: "separator", tabindex: "0", "aria-label": t("List size") });
  local = loadLocal();
  below = false;
  set(local) {
    this.local = local;
    saveLocal(local);
    this.draw();
  }
  resize(size2) {
    const room = (this.below ? innerHeight : innerWidth) - 2 * least;
    this.set({ ...this.local, [this.below ? "height" : "width"]: Math.round(Math.min(Math.max(size2, least), Math.max(room, least))) });
  }
  draw() {
    const { layout, width, height } = this.local;
    this.below = layout === "topbottom";
    this.root.classList.toggle("below", this.below);
    this.splitter.setAttribute("aria-orientation", this.below ? "horizontal" : "vertical");
    this.root.style.setProperty("--list-width", width === 0 ? "" : `${width}px`);
    this.root.style.setProperty("--list-height", height === 0 ? "" : `${height}px`);
  }
};

var Places = class {
  constructor(commands, root, side) {
    this.commands = commands;
    this.root = root;
    this.side = side;
  }
  commands;
  root;
  side;
  shown = signal(null);
  opened = signal("");
  nav = el("nav", { class: "places", "aria-label": meant("app", "Places") });
  begin(head) {
    const link = (name, at, icon2, words2) => {
      const command = this.commands.get(`app.${name}`);
      const run = (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        command.run();
      };
      return el("a", { class: `place open-${name}`, href: `#${at}`, title: hintOf(command), "aria-label": words2, onclick: run }, sign(icon2), el("span", {}, words2));
    };
    const links = { mail: link("mail", "Inbox", mail, meant("place", "Mail")), calendar: link("calendar", "calendar:", calendar, t("Calendar")), people: link("people", "people:", users, meant("place", "Contacts")) };
    fill(this.nav, ...Object.values(links));
    const arrange = () => phone.matches ? this.root.append(this.nav) : head.after(this.nav);
    phone.addEventListener("change", arrange);
    arrange();
    effect(() => {
      const now = this.shown.value?.name ?? "mail";
      for (const [name, one] of Object.entries(links)) if (name === now) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    });
  }
  show(place) {
    const before = this.shown.value;
    if (place === before) return;
    before?.side?.remove();
    before?.view.remove();
    for (const one of this.root.children) if (one instanceof HTMLElement && one !== this.side && one !== this.nav) one.inert = place !== null;
    this.root.classList.toggle("other-place", place !== null);
    this.commands.only = place === null ? null : /^(app|go)\./;
    if (place !== null) {
      this.root.prepend(place.view);
      if (place.side !== void 0) this.side.append(place.side);
      place.view.tabIndex = -1;
      place.view.focus();
    }
    this.shown.value = place;
    if (document.activeElement === document.body) focusHome();
  }
};

function missing(why, again, preview = "") {
  return el("div", { class: "missing", role: "status" }, el("p", { class: "missing-line" }, why, el("button", { onclick: again }, t("Try again"))), preview !== "" && el("p", { class: "missing-preview", dir: "auto" }, isolated(preview)));
}

function subjectOf(item) {
  return el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)"));
}

var kept5 = 20;
var Reader2 = class {
  constructor(client, base2, owner) {
    this.client = client;
    this.base = base2;
    this.owner = owner;
    this.own = { open: (id) => this.open(id), reached: (work) => void this.waiting.push(work), needles: () => this.needles, framed: (page) => owner.framed(page), opened: (item, place) => owner.opened(item, place), settings: () => owner.settings(), remember: (...view) => owner.remember(...view), chosen: (parsed) => {
      this.cache.clear();
      this.offer(parsed);
    }, look: (item, path) => void this.with("viewer", ({ look }) => look(base2, item, path)), menu: (item, at, commands) => owner.menu(item, at, commands), isOwn: (address) => owner.isOwn(address), answer: (item) => this.bar?.answerBar(owner.commands, item) ?? null, leave: owner.leave, sender: (item, what, masked) => owner.sender(item, what, masked), invitation: (item, path, place) => void this.with("invitation", ({ showInvitation }) => showInvitation(client, base2, item, path, place)), receipt: (item, parsed, place) => void this.with("receipt", ({ showReceipt }) => showReceipt(client, owner.flag, item, parsed, place)), together: () => this.conversation?.members ?? [], printing: (run) => void this.with("print", (found) => run(found, client)), details: (item, parsed) => void this.with("details", ({ openDetails }) => openDetails(client, base2, item, parsed)) };
    this.showNothing(null);
  }
  client;
  base;
  owner;
  root = el("section", { class: "reader", "aria-label": t("Message"), tabindex: "-1" });
  cache = /* @__PURE__ */ new Map();
  shown = null;
  parts = null;
  bar = null;
  message = null;
  conversation = null;
  thread = 0;
  waiting = [];
  needles = [];
  answer = null;
  own;
  async prepare() {
    const [parts, bar] = await Promise.all([part("message"), part("bar")]);
    if (this.parts === null) this.owner.prepared(parts, bar);
    this.parts = parts;
    this.bar = bar;
    return parts;
  }
  awaited(reading) {
    const parts = this.prepare();
    if (this.parts === null) void this.owner.commands.coming(parts, reading);
    return parts;
  }
  async with(name, work) {
    try {
      await work(await part(name));
    } catch (error) {
      this.owner.failed(error);
    }
  }
  current() {
    return this.opened()?.item ?? this.shown;
  }
  shows(id) {
    return this.message?.item.id === id || this.conversation?.shows(id) === true;
  }
  reconnected() {
    const waiting3 = this.waiting;
    this.waiting = [];
    for (const work of waiting3) work();
  }
  offer(parsed) {
    this.remember(parsed.id, Promise.resolve(parsed));
  }
  mark(needles) {
    this.needles = needles;
  }
  showNothing(selected) {
    this.clear();
    if (selected !== null) this.owner.chosen.append(this.owner.bar);
    this.put([], el("div", { class: "toolbar" }), el("div", { class: "reader-empty" }, drawEmpty(selected !== null ? selectedPlace(selected) : { title: t("No message selected"), text: t("Use the arrow keys and Enter, or press ? for all shortcuts.") })));
  }
  show(item) {
    if (this.shown?.id === item.id) {
      this.shown = item;
      if (this.message !== null) this.message.item = item;
      return;
    }
    this.clear();
    this.shown = item;
    if (this.parts !== null) this.unfold(this.parts, item);
    else {
      this.put([item], this.owner.bar, el("header", { class: "reader-head" }, subjectOf(item)));
      const reading = () => this.shown?.id === item.id;
      this.awaited(reading).then((parts) => reading() && this.unfold(parts, this.shown)).catch((error) => reading() && this.missing(subjectOf(item), error, () => this.show(item)));
    }
  }
  missing(subject, error, again) {
    const retry = () => {
      this.clear();
      again();
    };
    this.waiting = [retry];
    this.put([], this.owner.bar, el("header", { class: "reader-head" }, subject), missing(messageOf(error), retry));
  }
  unfold(parts, item) {
    this.message = this.make(parts, item, null);
    this.put([item], this.owner.bar, this.message.root);
    this.root.scrollTop = 0;
    this.message.show().catch((error) => this.owner.failed(error));
  }
  showThread(members, wanted) {
    const first2 = members[0];
    if (this.conversation !== null && this.thread === first2.thread_id) {
      this.conversation.update(members, wanted);
      return;
    }
    this.clear();
    this.thread = first2.thread_id;
    const column = el("div", { class: "conversation" });
    this.put(members, this.owner.bar, el("header", { class: "reader-head" }, subjectOf(first2)), column);
    const reading = () => this.thread === first2.thread_id;
    Promise.all([part("conversation"), this.awaited(reading)]).then(([{ Conversation }, parts]) => {
      if (!reading()) return;
      this.conversation = new Conversation(column, (item, fold) => this.make(parts, item, fold), (error) => this.owner.failed(error), (address) => this.owner.isOwn(address), this.own.answer, () => this.owner.commands.get("compose.edit").run());
      this.conversation.update(members, wanted);
    }).catch((error) => reading() && this.missing(subjectOf(first2), error, () => this.showThread(members, wanted)));
  }
  focus() {
    this.root.focus();
  }
  scroll(screens) {
    if (this.conversation === null) this.message?.scroll(screens);
    else this.conversation.scroll(screens);
  }
  dock(id, root, released) {
    if (this.shown?.id !== id && this.conversation?.has(id) !== true) return false;
    this.release();
    this.answer = { id, root, released };
    this.root.append(root);
    return true;
  }
  release() {
    const { answer } = this;
    this.answer = null;
    if (answer?.root.parentElement === this.root) answer.released();
  }
  put(messages, ...children) {
    if (!messages.some((item) => item.id === this.answer?.id)) this.release();
    const { root } = this;
    const answer = this.answer?.root;
    const giveBack = root.contains(document.activeElement) && answer?.contains(document.activeElement) !== true ? holdFocus() : null;
    const content = new DocumentFragment();
    for (const old of [...root.children]) if (old !== answer) old.remove();
    append(content, children);
    root.prepend(content);
    giveBack?.();
  }
  clear() {
    this.owner.passed(this.conversation?.passed() ?? []);
    this.waiting = [];
    this.shown = null;
    this.message = null;
    this.conversation = null;
    this.thread = 0;
  }
  make(parts, item, fold) {
    return new parts.Message(item, this.base, this.own, fold);
  }
  opened() {
    return this.message ?? this.conversation?.current ?? null;
  }
  open(id) {
    const known = this.cache.get(id);
    if (known !== void 0) return known;
    const opened = this.client.parsed_message(id);
    this.remember(id, opened);
    opened.catch(() => this.cache.delete(id));
    return opened;
  }
  remember(id, parsed) {
    this.cache.set(id, parsed);
    for (const old of this.cache.keys()) {
      if (this.cache.size <= kept5) break;
      this.cache.delete(old);
    }
  }
};

function watch(page) {
  const { mail: mail2, find: find2 } = page;
  const held = signal(false);
  let release = 0;
  addEventListener("pointerdown", () => {
    clearTimeout(release);
    held.value = true;
  }, true);
  for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => release = window.setTimeout(() => held.value = false), true);
  effect(() => {
    if (held.value) return;
    const away = page.places.shown.value !== null;
    page.mailboxes.draw(mail2.mailboxes.value, away ? 0 : mail2.current.value?.id ?? 0, mail2.boxes);
    page.mailboxes.outbox.dataset["place"] = page.places.shown.value?.title;
  });
  effect(() => {
    const { searches, labels } = mail2.settings.value;
    const all = allLabels(labels, mail2.mailboxes.value, []);
    const active = page.places.shown.value === null ? find2.text.value : "";
    page.mailboxes.searches.hidden = searches.length === 0;
    page.mailboxes.labels.hidden = all.length === 0;
    if (!held.value && searches.length + all.length > 0) void extra("mailboxes").then((found) => found.drawLists(page, all, active));
  });
  effect(() => {
    const mailboxes = mail2.mailboxes.value;
    if (page.displayed && mailboxes.length > 0 && mail2.current.value === void 0 && ((mail2.query.value.filter.mailbox_id ?? 0) > 0 || isInboxes(mail2.query.value))) page.desk.openInbox();
  });
  const loaded = spoken();
  const translate = (language) => {
    if (speak(language)) void reload(t("Reload the page to change the language."));
  };
  addEventListener("connected", () => spoken() !== "" && translate(spoken()));
  effect(() => {
    const { color_scheme, language } = mail2.settings.value;
    paint(color_scheme);
    if (loaded !== language) translate(language);
  });
  effect(() => {
    void page.actions.done.value;
    void mail2.query.value;
    page.withdrawRule();
  });
  effect(() => {
    const { shown: shown4, opened } = page.places;
    tellTitle(mail2, find2, shown4.value === null ? "" : opened.value || shown4.value.title);
  });
  effect(() => read2(page, mail2.choice.shown.value, mail2.choice.selectedCount.value > 0 ? mail2.choice.selectedCounts.value : null, mail2.choice.conversation.value));
  effect(() => {
    if (held.value) return;
    void mail2.rows.value;
    void mail2.choice.selection.value;
    void mail2.mailboxes.value;
    void find2.threading.value;
    void mail2.settings.value;
    page.bar?.draw();
  });
  effect(() => {
    tellPlace(mail2, find2);
    void mail2.choice.selectedCount.value;
    guard();
  });
}
function read2({ reader: reader2, seen }, item, selected, thread) {
  document.body.classList.toggle("show-message", item !== null || thread !== null);
  document.body.classList.toggle("choosing", selected !== null && item === null && thread === null);
  if (item === null) {
    seen?.cancel();
    reader2.showNothing(selected);
  } else if (thread !== null) reader2.showThread(thread, item.id);
  else reader2.show(item);
}

function writing(page) {
  const { drawer, reader: reader2 } = page;
  return { compose(kind, mailto = "", leaves = 0) {
    drawer.close();
    const selection2 = getSelection();
    const selected = selection2 !== null && reader2.root.contains(selection2.anchorNode) ? selection2.toString() : "";
    const item = kind === "new" ? null : reader2.current();
    void attempt(t("Loading…"), t("Couldn't open editor"), async () => {
      const [, typed] = await typedUntil(part("compose").then((found) => found.compose(page.desk, toast, kind, item, selected, mailto, leaves)));
      document.execCommand("insertText", false, typed);
    });
  }, dock: (...asked) => reader2.dock(...asked) };
}
function recover(desk) {
  const keys = Object.keys({ ...localStorage, ...sessionStorage });
  if (!keys.some((key3) => key3.startsWith("moxlite-webmail-draft-"))) return;
  void attempt(t("Restoring…"), t("Couldn't restore draft"), async () => (await part("compose")).recover(desk, toast));
}
function askedLink() {
  const asked = /^#compose(?: |%20)(.+)$/.exec(location.hash)?.[1];
  if (asked === void 0) return "";
  history.replaceState(null, "", location.pathname + location.search);
  return asked;
}
function writeTo(page, desk) {
  page.addEventListener("click", (event) => {
    const link = event.target?.closest("[href]")?.getAttribute("href") ?? "";
    if (!/^mailto:/i.test(link)) return;
    event.preventDefault();
    desk.compose("new", link);
  });
}

var App = class {
  base = base;
  commands = new CommandTable();
  answered = () => {
  };
  drawn = new Promise((resolve) => {
    this.answered = () => {
      if (document.hidden) return resolve();
      requestAnimationFrame(() => setTimeout(resolve));
      setTimeout(resolve, 1e3);
    };
  });
  client = new Client(base, checks, (reason) => this.logIn(reason));
  session = new Session(kept(), "Webmail", this.client, async (asked) => {
    const { askLogIn } = await part("login");
    addEventListener("input", () => void this.client.furtherChecks().catch(() => null), { once: true });
    return askLogIn(asked, () => part("secondstep"));
  }, true, true);
  mail = new Mail({ send: (request) => void this.send(request), opened: (parsed) => this.reader.offer(parsed), removed: () => toast(t("This message has been moved or deleted")), outdated: (version) => void reload(t("A new version is available."), () => location.replace(`${base}?v=${encodeURIComponent(version)}${location.hash}`)), checking: location.hostname === "localhost" });
  actions = new Actions(this.client, this.mail, (item, mailbox) => void this.offerRule(item, mailbox));
  stream = new Stream(this.client, base, { event: (event) => {
    this.event(event);
    void this.drawn.then(() => this.offline()).then((found) => found?.took(event));
  }, connection: (state) => {
    this.mail.connection.value = state;
    if (state === "on") {
      this.reader.reconnected();
    }
    dispatchEvent(new Event(state === "on" ? "connected" : "disconnected"));
    if (state === "off" && !this.displayed) void this.offline()?.then((found) => found?.showKept());
  }, failed: (error) => void showError(t("Can't connect to the server"), error), opening: (polls) => this.mail.opening(polls), wires: () => part("wires") });
  mailboxes = new MailboxList({ openMailbox: (mailbox) => this.navigation.openMailbox(mailbox), createMailbox: () => this.commands.run("mailbox.create"), mailboxMenu: (mailbox) => void this.navigation.mailboxMenu(mailbox) });
  find = new Find(this.mail, { mark: (needles) => {
    this.list.mark(needles);
    this.reader.mark(needles);
  }, leave: () => this.list.root.focus(), glanced: { client: this.client, settings: () => this.mail.settings.value, say: toast, open: (item) => {
    this.find.openMailbox({ id: item.mailbox_id }, item.id);
    this.list.root.focus();
  } } });
  list = new MessageList(this.mail, { fold: () => this.mail.fold(), archive: () => {
    const mailbox = this.mail.boxes.withRole("archive");
    return mailbox === void 0 ? null : () => this.navigation.openMailbox(mailbox);
  }, compose: () => this.commands.run("compose.new"), showAll: () => this.desk.toggleUnread(), searchEverywhere: () => this.find.everywhere(), unthread: () => this.find.showThreads("off"), swipe: (direction) => this.panes.local[direction], acted: (items, action) => this.acting.act(items, action), menu: (items, at) => this.withMenus((found) => found.openRowMenu(at, this.list.root, this.desk, items)) });
  bar = null;
  seen = null;
  chosen = el("div", { class: "chosen-tools" });
  toolbar = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("Actions") });
  panes = new Panes(byId("app", HTMLElement));
  side = el("aside", { class: "side", "aria-label": t("Folders and account") });
  drawer = new Drawer(this.side);
  places = new Places(this.commands, this.panes.root, this.side);
  reader = new Reader2(this.client, base, { commands: this.commands, bar: this.toolbar, chosen: this.chosen, framed: (page) => {
    listen(page, this.commands, () => this.displayed);
    writeTo(page, this.desk);
  }, failed: (error) => void showError(t("Couldn't open message"), error), prepared: ({ messageCommands }, { addReadingCommands, Bar, Seen }) => {
    this.seen = new Seen(this.mail, this.actions, (id) => this.reader.shows(id));
    addReadingCommands(this.desk, messageCommands(this.desk));
    this.bar = new Bar(this.toolbar, { commands: this.commands, back: () => this.desk.unselect(), place: () => this.mail.choice.place(), clicked: (command) => {
      if (!this.mail.settings.value.no_show_shortcuts) void part("menu").then((found) => found.hintKey(command), () => null);
    }, openMenu: (at, title, commands) => this.withMenus((found) => found.openBarMenu(at, this.desk, title, commands)) });
  }, settings: () => this.mail.settings.value, remember: (...view) => attempt(t("Saving…"), t("Couldn't save settings"), () => this.client.from_address_settings_save(...view)), menu: (item, at, commands) => this.withMenus((found) => found.openMessageMenu(at, this.desk, item, commands)), isOwn: (address) => isOwn(address, this.mail.facts.value), leave: (listed, again) => attempt(t("Loading…"), t("Couldn't unsubscribe"), async () => (await part("newsletters")).leave(this.desk, listed, again)), flag: (item, flag, done) => this.actions.flagItems([item], [flag], true, { doing: () => done, done: () => done }), passed: (items) => this.seen?.passed(items), sender: (item, what, masked) => this.acting.sender(item, what, masked), opened: (item, place) => {
    this.seen?.opened(item);
    const box = this.mail.boxes.get(item.mailbox_id);
    if (box?.home === "" && box.roles.includes("sent")) void this.followSent(item, place);
  } });
  acting = acting(this);
  navigation = navigation(this);
  desk = { base, client: this.client, commands: this.commands, actions: this.actions, load: part, extra, facts: () => this.mail.facts.value, settings: () => this.mail.settings.value, opened: () => this.reader.opened(), reading: () => this.reader.current(), focusMessage: () => this.reader.focus(), scrollMessage: (screens) => this.reader.scroll(screens), ...selection(this.mail), ...lists(this), ...this.acting, ...this.navigation, ...writing(this) };
  rules = null;
  displayed = false;
  line = connectionLine(this.mail, this.stream);
  waiting = el("div", { class: "waiting" }, brand(), this.line);
  start() {
    if (!/^$|state=/.test(location.search)) history.replaceState(null, "", base + location.hash);
    this.mail.settings.value = { ...this.mail.settings.value, language: spoken(), color_scheme: lastScheme() };
    const known = this.session.resume();
    const place = parsePlace(location.hash);
    this.mail.wanted = place.message;
    this.mail.begin(this.find.named(place.name || "Inbox", place.inboxes ? inboxes : 0));
    const ready = place.search === "" ? Promise.resolve() : this.find.search(place.search, 0, true);
    addEventListener("hashchange", () => this.pageAsked() || followPlace(this.mail, this.find));
    addCommands(this.desk);
    addFindCommands(this.desk);
    listen(document, this.commands, () => this.displayed && document.querySelector("dialog[open]") === null);
    writeTo(document, this.desk);
    layOut(byId("app", HTMLElement), this);
    watch(this);
    handleBack({ drawer: this.drawer, desk: this.desk, tellPlace: () => tellPlace(this.mail, this.find) });
    this.client.furtherChecks = () => part("checks");
    this.client.confirmAgain = async () => (await part("secondstep")).askConfirm(this.client);
    if (known && /state=/.test(location.search)) void extra("secondstep").then((found) => found.confirmBack(this.client));
    this.client.unanswered = (call) => call !== "token" && call !== "request" && this.stream.suspect();
    document.body.append(this.waiting);
    const read3 = localStorage.getItem(`${kept()}-offline`) === null ? ready : this.offline();
    const begun2 = known ? ready : Promise.resolve(read3).then(() => this.logIn(""));
    void Promise.all([begun2, read3, ready]).then(() => this.stream.start());
  }
  openAccount(at) {
    this.withMenus((found) => found.openAccountMenu(at, this.desk));
  }
  openListMenu(at) {
    this.withMenus(async (found) => {
      await this.reader.prepare();
      found.openListMenu(at, this.desk);
    });
  }
  withMenus(open) {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => open(await part("menu")));
  }
  async logIn(reason) {
    const waiting3 = await (await this.keeping)?.atLogIn() ?? [];
    if (await this.session.logIn(reason, waiting3) && this.displayed) await this.session.leave();
  }
  display() {
    if (this.displayed) return;
    this.displayed = true;
    const root = byId("app", HTMLElement);
    beforeDisplay(root);
    this.waiting.remove();
    this.list.band.prepend(this.line);
    root.hidden = false;
    this.list.root.focus();
    recover(this.desk);
    this.pageAsked();
    void this.drawn.then(() => this.complete());
  }
  complete() {
    void this.reader.awaited(() => true).catch(() => null);
    void part("conversation").catch(() => null);
    void extra("side").then((found) => found.complete(this));
  }
  dropping = this.drawn.then(() => extra("dropping")).then(({ Dropping }) => new Dropping(this));
  keeping;
  offline() {
    if (isSecureContext && "serviceWorker" in navigator) this.keeping ??= part("offline").then(({ Offline }) => new Offline({ client: this.client, base, mail: this.mail, say: toast, event: (event) => this.event(event) }), () => this.keeping = void 0);
    return this.keeping;
  }
  event(event) {
    this.mail.take(event);
    if (event.kind === "importing" || event.kind === "alarms") void this.dropping.then((found) => found.took(event));
    if (event.kind === "start") {
      this.display();
      this.find.known();
    } else if (event.kind === "view_msgs" || event.kind === "view_err" || event.kind === "view_progress" && event.done) this.answered();
  }
  async send(request) {
    if (this.stream.asks(request)) return;
    try {
      await this.client.request({ ...request, stream_id: this.mail.streamId });
    } catch (error) {
      this.stream.lost();
      if (codeOf(error) !== "" && codeOf(error) !== "user:notFound") await showError(t("Couldn't load messages"), error);
    }
  }
  async offerRule(item, to) {
    const from = this.mail.boxes.get(item.mailbox_id);
    if (from === void 0 || from.home + to.home !== "" || from.roles.length + to.roles.length > 0) return;
    const [turn, query] = [this.actions.done.value, this.mail.query.value];
    this.rules = await part("rules");
    await this.rules.offerRule(this.client, item.id, from, to, () => turn === this.actions.done.value && query === this.mail.query.value);
  }
  async followSent(item, place) {
    const { follow } = await part("sent");
    await follow(this.client, item, place);
  }
  pageAsked() {
    const place = placeOf(location.hash);
    if (place !== "") {
      this.desk.openPage(place);
      return true;
    }
    this.places.show(null);
    const link = askedLink();
    if (link === "") return false;
    tellPlace(this.mail, this.find);
    this.desk.compose("new", link);
    return true;
  }
  withdrawRule() {
    this.rules?.withdraw();
  }
};
watchFailures();
restorePlace();
new App().start();
})();
