"use strict";
(() => {
  // <define:PARTS>
  var define_PARTS_default = { export: "export.22b553e032d3e1b78aef.js" };

  // lib/check.ts
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
        value.forEach((item, i) => verify(table, check[1], item, `${path}[${i}]`));
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
    for (const [field, check] of Object.entries(table[name] ?? {})) verify(table, check, value[field], `${path}.${field}`);
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

  // lib/client.ts
  var CallFailed = class extends Error {
    constructor(call, code, message2) {
      super(message2);
      this.call = call;
      this.code = code;
    }
    call;
    code;
  };
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
    /** Sent with each call; a foreign page cannot know it. */
    csrfToken = "";
    loggingIn = null;
    /** Called by the generated methods. */
    async call(name, parameters, checks2, result) {
      for (const [key, check] of Object.entries(checks2)) verify(this.table, check, parameters[key], `${name}: ${key}`);
      const body = JSON.stringify(parameters);
      for (; ; ) {
        try {
          const value = await this.post(name, body);
          verify(this.table, result, value, `${name}: result`);
          return value;
        } catch (error) {
          if (!(error instanceof CallFailed) || !unauthenticated.has(error.code)) throw error;
          await this.again(error.message);
        }
      }
    }
    /** One log-in for all calls that wait for it. */
    async again(reason) {
      this.loggingIn ??= this.logIn(reason).finally(() => {
        this.loggingIn = null;
      });
      await this.loggingIn;
    }
    async post(name, body) {
      await simulatedLatency();
      let response;
      let answer;
      try {
        response = await fetch(`${this.base}api/${name}`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-moxlite-csrf": this.csrfToken },
          body,
          credentials: "same-origin"
        });
      } catch {
        throw new CallFailed(name, "", "The server cannot be reached.");
      }
      try {
        answer = await response.json();
      } catch {
        throw new CallFailed(name, "", `The server answered ${response.status} without saying why.`);
      }
      if (answer.error) throw new CallFailed(name, answer.error.code, answer.error.message);
      return answer.result;
    }
  };
  async function simulatedLatency() {
    const setting = localStorage.getItem("moxlite-debug");
    if (setting === null) return;
    const { wait_min_ms: least = 0, wait_max_ms: most = 0 } = JSON.parse(setting);
    await new Promise((resolve) => setTimeout(resolve, least + Math.random() * Math.max(0, most - least)));
  }

  // gen/webmail.ts
  var checks = {
    Start: { kind: ["enum", ["start"]], stream_id: "integer", login_address: "string", addresses: ["list", "string"], mailboxes: ["list", ["ref", "Mailbox"]], mailbox_name: "string", rejects_mailbox: "string", account_path: "string", version: "string", modseq: "integer", server_time: "time", capabilities: ["list", "string"] },
    Mailbox: { id: "integer", name: "string", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]], keywords: ["list", "string"], total: "integer", unread: "integer", unseen: "integer", deleted: "integer", size: "integer" },
    Resume: { kind: ["enum", ["resume"]], stream_id: "integer", version: "string", modseq: "integer", server_time: "time" },
    ViewMsgs: { kind: ["enum", ["view_msgs"]], view_id: "integer", request_id: "integer", items: ["list", ["list", ["ref", "MessageItem"]]], position: "integer", total: "integer", view_end: "boolean", parsed_message: ["nullable", ["ref", "ParsedMessage"]] },
    MessageItem: { id: "integer", mailbox_id: "integer", uid: "integer", modseq: "integer", thread_id: "integer", flags: ["list", "string"], keywords: ["list", "string"], received: "time", size: "integer", subject: "string", preview: "string", date: ["nullable", "time"], from: ["list", ["ref", "Address"]], to: ["list", ["ref", "Address"]], cc: ["list", ["ref", "Address"]], bcc: ["list", ["ref", "Address"]], reply_to: ["list", ["ref", "Address"]], attachments: ["list", ["ref", "Attachment"]], is_signed: "boolean", is_encrypted: "boolean", thread_muted: "boolean", match_query: "boolean" },
    Address: { name: "string", user: "string", host: "string" },
    Attachment: { path: "string", filename: "string", content_type: "string", size: "integer" },
    ParsedMessage: { id: "integer", headers: ["list", ["ref", "Header"]], texts: ["list", ["ref", "Text"]], has_html: "boolean", attachments: ["list", ["ref", "Attachment"]], structure: ["ref", "Part"], list_reply_address: "string" },
    Header: { name: "string", value: "string" },
    Text: { path: "string", content_type: "string", text: "string", truncated: "boolean" },
    Part: { path: "string", content_type: "string", disposition: "string", filename: "string", size: "integer", parts: ["list", ["ref", "Part"]] },
    ViewReset: { kind: ["enum", ["view_reset"]], view_id: "integer", request_id: "integer" },
    ViewErr: { kind: ["enum", ["view_err"]], view_id: "integer", request_id: "integer", message: "string" },
    ViewChanges: { kind: ["enum", ["view_changes"]], view_id: "integer", modseq: "integer", more: "boolean", changes: ["list", ["union", { msg_add: "MsgAdd", msg_remove: "MsgRemove", msg_flags: "MsgFlags", msg_thread: "MsgThread", mailbox_add: "MailboxAdd", mailbox_remove: "MailboxRemove", mailbox_rename: "MailboxRename", mailbox_counts: "MailboxCounts", mailbox_special_use: "MailboxSpecialUse", mailbox_keywords: "MailboxKeywords" }]] },
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
    Keepalive: { kind: ["enum", ["keepalive"]] },
    Fatal: { kind: ["enum", ["fatal"]], message: "string" },
    ServerShutdown: { kind: ["enum", ["server_shutdown"]] },
    Request: { id: "integer", view_id: "integer", stream_id: ["optional", "integer"], cancel: ["optional", "boolean"], query: ["optional", ["nullable", ["ref", "Query"]]], page: ["optional", ["nullable", ["ref", "Page"]]] },
    Query: { filter: ["ref", "Filter"], order_asc: ["optional", "boolean"] },
    Filter: { mailbox_id: ["optional", "integer"], mailbox_name: ["optional", "string"], unread: ["optional", "boolean"] },
    Page: { count: "integer", anchor_message_id: ["optional", "integer"], before: ["optional", "boolean"], position: ["optional", ["nullable", "integer"]], dest_message_id: ["optional", "integer"] },
    LoginResult: { csrf_token: "string", login_address: "string" },
    Begun: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], subject: "string", text: "string", message_id: "string", in_reply_to: "string", references: ["list", "string"], uploads: ["list", ["ref", "Uploaded"]] },
    Party: { name: "string", address: "string" },
    Uploaded: { upload_id: "string", filename: "string", content_type: "string", size: "integer" },
    Written: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], reply_to: ["list", ["ref", "Party"]], subject: "string", text: "string", uploads: ["list", "string"], message_id: "string", in_reply_to: "string", references: ["list", "string"], tls: ["optional", ["enum", ["default", "insecure", "require"]]], original_id: ["optional", "integer"], original_flag: ["optional", ["enum", ["", "answered", "forwarded"]]] },
    Suggestions: { parties: ["list", ["ref", "Party"]], complete: "boolean" },
    QueryAction: { query: ["ref", "Query"], ranges: ["optional", ["list", ["ref", "Range"]]], except_ids: ["optional", ["list", "integer"]], modseq: "integer", action: ["enum", ["delete", "flags_add", "flags_clear", "move"]], mailbox_id: ["optional", "integer"], mark_seen: ["optional", "boolean"], flags: ["optional", ["list", "string"]], after: ["optional", ["nullable", ["ref", "Mark"]]] },
    Range: { first: ["ref", "Mark"], last: ["ref", "Mark"] },
    Mark: { received: "time", id: "integer" },
    QueryDone: { message_ids: ["list", "integer"], unseen_ids: ["list", "integer"], after: ["nullable", ["ref", "Mark"]] }
  };
  var streamEventCheck = ["union", { start: "Start", resume: "Resume", view_msgs: "ViewMsgs", view_reset: "ViewReset", view_err: "ViewErr", view_changes: "ViewChanges", keepalive: "Keepalive", fatal: "Fatal", server_shutdown: "ServerShutdown" }];
  var Client = class extends BaseClient {
    /** The token that `login` must bring along within 30 seconds. */
    login_prep() {
      return this.call("login_prep", {}, {}, "string");
    }
    /** Begin a session: its cookie is set, its CSRF token returned. */
    login(login_token, username, password) {
      return this.call("login", { login_token, username, password }, { login_token: "string", username: "string", password: "string" }, ["ref", "LoginResult"]);
    }
    /** What an answer, a forwarded message, a draft or a new message begins with. */
    compose_prepare(kind, message_id, selected, when) {
      return this.call("compose_prepare", { kind, message_id, selected, when }, { kind: ["enum", ["edit", "forward", "forward_attached", "new", "reply", "reply_all", "reply_list"]], message_id: ["optional", "integer"], selected: ["optional", "string"], when: ["optional", "string"] }, ["ref", "Begun"]);
    }
    /** Keep a message as typed among the drafts, in place of ``replaces``; returns its id. A conflict when that was */
    draft_save(draft, save_id, replaces) {
      return this.call("draft_save", { draft, save_id, replaces }, { draft: ["ref", "Written"], save_id: "string", replaces: ["optional", "integer"] }, "integer");
    }
    /** Send a message, once for each ``submit_id``: a copy goes to Sent, the draft goes, the original is marked. */
    message_submit(message2, submit_id, draft_id) {
      return this.call("message_submit", { message: message2, submit_id, draft_id }, { message: ["ref", "Written"], submit_id: "string", draft_id: ["optional", "integer"] }, "null");
    }
    /** Remove a draft. A conflict when it was replaced or removed elsewhere. */
    draft_remove(draft_id) {
      return this.call("draft_remove", { draft_id }, { draft_id: "integer" }, "null");
    }
    /** Remove a file that is not to be sent. */
    upload_remove(upload_id) {
      return this.call("upload_remove", { upload_id }, { upload_id: "string" }, "null");
    }
    /** Addresses written to before whose name or text holds this one. */
    complete_recipient(search) {
      return this.call("complete_recipient", { search }, { search: "string" }, ["ref", "Suggestions"]);
    }
    /** End the session and its streams. */
    logout() {
      return this.call("logout", {}, {}, "null");
    }
    /** A token that opens one event stream within a minute. */
    token() {
      return this.call("token", {}, {}, "string");
    }
    /** Ask a stream for another view, or for more of the one that it shows; the answer comes on the stream. */
    request(request) {
      return this.call("request", { request }, { request: ["ref", "Request"] }, "null");
    }
    /** A message as it stands in lists. */
    message_item(message_id) {
      return this.call("message_item", { message_id }, { message_id: "integer" }, ["ref", "MessageItem"]);
    }
    /** A message for reading: its header, texts and parts. */
    parsed_message(message_id) {
      return this.call("parsed_message", { message_id }, { message_id: "integer" }, ["ref", "ParsedMessage"]);
    }
    /** Set flags (`\seen`, `$junk`, ...) and keywords. */
    flags_add(message_ids, flags) {
      return this.call("flags_add", { message_ids, flags }, { message_ids: ["list", "integer"], flags: ["list", "string"] }, "null");
    }
    /** Remove flags and keywords. */
    flags_clear(message_ids, flags) {
      return this.call("flags_clear", { message_ids, flags }, { message_ids: ["list", "integer"], flags: ["list", "string"] }, "null");
    }
    /** Move messages to a mailbox; a conflict when one of them is there already. With `from_mailbox_id` those that */
    message_move(message_ids, mailbox_id, mark_seen, from_mailbox_id) {
      return this.call("message_move", { message_ids, mailbox_id, mark_seen, from_mailbox_id }, { message_ids: ["list", "integer"], mailbox_id: "integer", mark_seen: ["optional", "boolean"], from_mailbox_id: ["optional", "integer"] }, "null");
    }
    /** Do something with the messages of a query, at most a thousand in one call (WEBMAIL-137); go on with `after` */
    query_action(action) {
      return this.call("query_action", { action }, { action: ["ref", "QueryAction"] }, ["ref", "QueryDone"]);
    }
    /** Remove messages for good. */
    message_delete(message_ids) {
      return this.call("message_delete", { message_ids }, { message_ids: ["list", "integer"] }, "null");
    }
    /** Mark all messages of these mailboxes as read. */
    mailboxes_mark_read(mailbox_ids) {
      return this.call("mailboxes_mark_read", { mailbox_ids }, { mailbox_ids: ["list", "integer"] }, "null");
    }
    /** Create a mailbox and what is missing above it; returns its id. */
    mailbox_create(name) {
      return this.call("mailbox_create", { name }, { name: "string" }, "integer");
    }
    /** Give a mailbox, and those in it, another name. */
    mailbox_rename(mailbox_id, name) {
      return this.call("mailbox_rename", { mailbox_id, name }, { mailbox_id: "integer", name: "string" }, "null");
    }
    /** Remove a mailbox with its messages; not while there are others in it. */
    mailbox_delete(mailbox_id) {
      return this.call("mailbox_delete", { mailbox_id }, { mailbox_id: "integer" }, "null");
    }
    /** Give a mailbox exactly these roles, taking them from others. */
    mailbox_set_special_use(mailbox_id, roles) {
      return this.call("mailbox_set_special_use", { mailbox_id, roles }, { mailbox_id: "integer", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]] }, "null");
    }
    /** Encoded words (RFC 2047) as people read them. */
    decode_mime_words(text2) {
      return this.call("decode_mime_words", { text: text2 }, { text: "string" }, "string");
    }
  };

  // lib/commands.ts
  function keyName(event) {
    const letter = event.altKey ? /^Key([A-Z])$/.exec(event.code)?.[1] : void 0;
    const key = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
    const shift = event.shiftKey && key.length > 1 ? "shift " : "";
    return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key}`;
  }
  function titleOf(command) {
    return typeof command.title === "string" ? command.title : command.title();
  }
  function hintOf(command) {
    const key = command.keys?.[0];
    return key === void 0 ? titleOf(command) : `${titleOf(command)} (${key})`;
  }
  function enabled(command) {
    return command.when?.() ?? true;
  }
  var CommandTable = class {
    byId = /* @__PURE__ */ new Map();
    byKey = /* @__PURE__ */ new Map();
    groups = /* @__PURE__ */ new Map();
    /** Add commands to the group of this name. Two may share a key when they are never possible at the same time; the first
     * that is possible runs. */
    add(group, commands) {
      const listed = this.groups.get(group) ?? { name: group, commands: [] };
      this.groups.set(group, listed);
      for (const command of commands) {
        if (this.byId.has(command.id)) throw new Error(`two commands are called ${command.id}`);
        this.byId.set(command.id, command);
        listed.commands.push(command);
        for (const key of command.keys ?? []) this.byKey.set(key, [...this.byKey.get(key) ?? [], command]);
      }
    }
    /** The command of this id. */
    get(id) {
      const found = this.byId.get(id);
      if (found === void 0) throw new Error(`no command ${id}`);
      return found;
    }
    /** All commands in their groups, in the order in which they were added. */
    all() {
      return [...this.groups.values()];
    }
    /** Do it, if it can be done now. */
    run(id) {
      const command = this.get(id);
      if (enabled(command)) command.run();
    }
    /** Do what a key stands for; true when there was something to do. */
    key(name) {
      const command = this.byKey.get(name)?.find(enabled);
      command?.run();
      return command !== void 0;
    }
  };

  // lib/dom.ts
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === void 0 || value === null || value === false) continue;
      if (typeof value === "function") {
        element.addEventListener(name.slice(2), value);
      } else if (name === "data") {
        Object.assign(element.dataset, value);
      } else {
        element.setAttribute(name, value === true ? "" : String(value));
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
  var ascii = /^[\x00-\x7f]*$/;
  var scripts = /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
  var mixable = /[\p{L}]/u;
  function text(value) {
    if (ascii.test(value)) return document.createTextNode(value);
    const fragment = document.createDocumentFragment();
    let plain = "";
    let last = 0;
    for (const match2 of value.matchAll(scripts)) {
      const piece = match2[0];
      const kind = match2.slice(1, 7).findIndex((group) => group !== void 0) + 1;
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
    svg.setAttribute("class", name);
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(namespace, "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }
  function brand() {
    return el("div", { class: "brand" }, icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"), "moxlite");
  }

  // lib/dialogs.ts
  function dialog(title, build, dismissable = true) {
    return new Promise((resolve) => {
      const before = document.activeElement;
      const box = el("dialog", { class: "dialog", "aria-label": title });
      const close = (value) => {
        box.close();
        box.remove();
        if (before instanceof HTMLElement) before.focus();
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
  async function showError(action, error) {
    const message2 = error instanceof Error ? error.message : String(error);
    await dialog(action, (close) => [
      el("p", { class: "dialog-text" }, message2),
      el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, "Close"))
    ]);
  }
  async function confirm(title, message2, action) {
    const answer = await dialog(title, (close) => [
      el("p", { class: "dialog-text" }, message2),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { onclick: () => close(false) }, "Cancel"),
        el("button", { class: "danger", autofocus: true, onclick: () => close(true) }, action)
      )
    ]);
    return answer === true;
  }
  async function ask(title, label, value, action) {
    return dialog(title, (close) => {
      const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
      const form = el(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            if (input.value !== "") close(input.value);
          }
        },
        el("label", { class: "field" }, label, input),
        el("div", { class: "dialog-buttons" }, el("button", { class: "primary", type: "submit" }, action))
      );
      return [form];
    });
  }
  async function attempt(action, work) {
    const timer = setTimeout(() => setStatus(`${action}…`), 1e3);
    try {
      await work();
      return true;
    } catch (error) {
      await showError(`${action} failed`, error);
      return false;
    } finally {
      clearTimeout(timer);
      setStatus("");
    }
  }
  function setStatus(message2) {
    const line = byId("status", HTMLElement);
    line.hidden = message2 === "";
    fill(line, message2);
  }

  // lib/keyboard.ts
  var typing = "input, textarea, select, [contenteditable]";
  var pressed = "button, a[href], summary";
  function belongsTo(target, key) {
    const element = target;
    if (typeof element?.closest !== "function") return false;
    return element.closest(typing) !== null || (key === "Enter" || key === "Space") && element.closest(pressed) !== null;
  }
  function listen(target, commands, active) {
    const take = (event) => {
      if (event.isComposing || event.defaultPrevented || !active()) return;
      const name = keyName(event);
      if (belongsTo(event.target, name)) return;
      if (commands.key(name)) event.preventDefault();
    };
    target.addEventListener("keydown", take);
    return () => target.removeEventListener("keydown", take);
  }

  // lib/parts.ts
  var loading = /* @__PURE__ */ new Map();
  function part(base2, name) {
    let found = loading.get(name);
    if (found === void 0) {
      found = import(`${base2}part/${define_PARTS_default[name] ?? ""}`).catch((error) => {
        loading.delete(name);
        throw new Error("A part of this page could not be loaded. Try again, or load the page anew.", { cause: error });
      });
      loading.set(name, found);
    }
    return found;
  }

  // lib/login.ts
  function askLogIn(app, reason, tryLogIn, below = []) {
    return new Promise((resolve) => {
      const problem = el("p", { class: "login-problem", role: "alert" }, reason);
      const username = el("input", {
        name: "username",
        inputmode: "email",
        autocomplete: "username",
        autocapitalize: "none",
        spellcheck: "false",
        required: true,
        autofocus: true
      });
      const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
      const button = el("button", { class: "primary", type: "submit" }, "Log in");
      problem.hidden = reason === "";
      const form = el(
        "form",
        {
          class: "login",
          onsubmit: async (event) => {
            event.preventDefault();
            button.disabled = true;
            try {
              await tryLogIn(username.value, password.value);
              overlay.close();
              overlay.remove();
              resolve();
            } catch (error) {
              problem.hidden = false;
              fill(problem, linked(error instanceof Error ? error.message : String(error)));
              password.select();
            } finally {
              button.disabled = false;
            }
          }
        },
        brand(),
        el("h1", {}, app),
        problem,
        el("label", { class: "field" }, "Email address", username),
        el("label", { class: "field" }, "Password", password),
        button,
        below
      );
      const overlay = el("dialog", { class: "login-overlay", "aria-label": `Log in to ${app}` }, form);
      overlay.addEventListener("cancel", (event) => event.preventDefault());
      overlay.addEventListener("keydown", (event) => event.stopPropagation());
      document.body.append(overlay);
      overlay.showModal();
      username.focus();
    });
  }
  function linked(value) {
    return value.split(/(https?:\/\/[^\s<>"]+)/).map(
      (piece, i) => i % 2 === 1 ? el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece) : document.createTextNode(piece)
    );
  }

  // lib/session.ts
  var Session = class {
    /** `app` is its name in the browser's storage, `title` on the form. */
    constructor(app, title, client) {
      this.title = title;
      this.client = client;
      this.csrfKey = `moxlite-${app}-csrf`;
      this.addressKey = `moxlite-${app}-address`;
    }
    title;
    client;
    csrfKey;
    addressKey;
    /** Take up what another page has left; false: there is nothing, the form comes first. */
    resume() {
      addEventListener("storage", (event) => {
        if (event.key === this.csrfKey) this.client.csrfToken = event.newValue ?? "";
      });
      this.client.csrfToken = localStorage.getItem(this.csrfKey) ?? "";
      return this.client.csrfToken !== "";
    }
    /** Show the form until a log-in succeeds; true when it is somebody else than before. `below` stands under the form. */
    async logIn(reason, below = []) {
      const before = localStorage.getItem(this.addressKey);
      await askLogIn(
        this.title,
        reason,
        async (username, password) => {
          const token = await this.client.login_prep();
          const result = await this.client.login(token, username, password);
          this.client.csrfToken = result.csrf_token;
          localStorage.setItem(this.csrfKey, result.csrf_token);
          localStorage.setItem(this.addressKey, result.login_address);
        },
        below
      );
      return before !== null && before !== localStorage.getItem(this.addressKey);
    }
    /** End the session and show the page anew. */
    async logOut() {
      if (!await attempt("Logging out", () => this.client.logout())) return;
      localStorage.removeItem(this.csrfKey);
      localStorage.removeItem(this.addressKey);
      location.hash = "";
      location.reload();
    }
  };
  function beforeDisplay(root) {
    const hook = window.moxliteBeforeDisplay ?? window.moxBeforeDisplay;
    try {
      hook?.(root);
    } catch (error) {
      void showError("The custom script of this server failed", error);
    }
  }

  // lib/words.ts
  function t(text2, values = {}) {
    return text2.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      if (value === void 0) return whole;
      return typeof value === "number" ? value.toLocaleString() : value;
    });
  }

  // lib/palette.ts
  function match(title, typed) {
    const text2 = title.toLowerCase();
    const whole = text2.indexOf(typed.toLowerCase());
    if (whole >= 0) return whole === 0 || text2[whole - 1] === " " ? whole : 50 + whole;
    let at = -1;
    let spread = 100;
    for (const letter of typed.toLowerCase()) {
      if (letter === " ") continue;
      const next = text2.indexOf(letter, at + 1);
      if (next < 0) return -1;
      spread += next - at;
      at = next;
    }
    return spread;
  }
  function ranked(commands, typed) {
    return commands.map((command) => ({ command, rank: match(titleOf(command), typed) })).filter(({ rank: rank2 }) => rank2 >= 0).sort((a, b) => a.rank - b.rank).map(({ command }) => command);
  }
  function keysOf(command) {
    return (command.keys ?? []).map((key) => el("kbd", {}, key));
  }
  async function openPalette(table) {
    const possible = table.all().flatMap((group) => group.commands.filter((command) => command.quiet !== true && enabled(command)));
    const chosen = await dialog(t("Commands"), (close) => {
      const list2 = el("div", { class: "palette-list", role: "listbox", id: "palette-list", "aria-label": t("Commands") });
      let found = possible;
      let at = 0;
      const input = el("input", {
        class: "dialog-input palette-input",
        role: "combobox",
        placeholder: t("What do you want to do?"),
        "aria-label": t("Command"),
        "aria-expanded": "true",
        "aria-controls": "palette-list",
        autocomplete: "off",
        spellcheck: "false",
        autofocus: true
      });
      const draw = () => {
        fill(
          list2,
          found.map(
            (command, i) => el(
              "div",
              { class: "palette-row", role: "option", id: `palette-${i}`, "aria-selected": String(i === at), onclick: () => close(command) },
              el("span", {}, titleOf(command)),
              el("span", { class: "palette-keys" }, keysOf(command))
            )
          ),
          found.length === 0 && el("p", { class: "dialog-text" }, t("No command is called so."))
        );
        input.setAttribute("aria-activedescendant", `palette-${at}`);
        list2.querySelector(`#palette-${at}`)?.scrollIntoView({ block: "nearest" });
      };
      input.addEventListener("input", () => {
        found = ranked(possible, input.value);
        at = 0;
        draw();
      });
      input.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        const selected = found[at];
        if (event.key === "Enter" && selected !== void 0) close(selected);
        else if (step === void 0) return;
        else at = Math.min(found.length - 1, Math.max(0, at + step));
        event.preventDefault();
        draw();
      });
      draw();
      return [input, list2];
    });
    chosen?.run();
  }
  async function showKeys(table) {
    await dialog(t("Keys"), (close) => [
      el(
        "div",
        { class: "keys" },
        table.all().flatMap((group) => {
          const bound = group.commands.filter((command) => (command.keys ?? []).length > 0);
          return [
            bound.length > 0 && el("section", {}, el("h3", {}, group.name), el("dl", {}, bound.map((command) => [el("dt", {}, keysOf(command)), el("dd", {}, titleOf(command))])))
          ];
        })
      ),
      el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")))
    ]);
  }

  // webmail/commands/table.ts
  var barCommands = [
    "message.archive",
    "message.trash",
    "message.delete",
    "message.junk",
    "message.move",
    "message.unread",
    "message.read",
    "message.flag",
    "message.unflag",
    "message.export"
  ];
  function addCommands(desk) {
    desk.commands.add(t("Anywhere"), anywhere(desk));
    desk.commands.add(t("List"), list(desk));
    desk.commands.add(t("Messages"), messages(desk));
    desk.commands.add(t("Message"), message(desk));
  }
  function anywhere(desk) {
    return [
      { id: "app.palette", title: t("Find a command"), keys: ["ctrl k"], quiet: true, run: () => openPalette(desk.commands) },
      { id: "app.keys", title: t("Show all keys"), keys: ["?"], run: () => showKeys(desk.commands) },
      { id: "app.inbox", title: t("Open the Inbox"), keys: ["i"], run: () => desk.openInbox() },
      { id: "app.unread-only", title: t("Show unread messages only, or all"), run: () => desk.toggleUnread() },
      { id: "mailbox.create", title: t("New mailbox…"), run: () => desk.createMailbox() },
      { id: "app.log-out", title: t("Log out"), run: () => desk.logOut() }
    ];
  }
  function move(desk, id, title, by, key, letter) {
    const upper = letter.toUpperCase();
    const extend = upper === letter ? [`shift ${key}`] : [`shift ${key}`, upper];
    return [
      { id: `list.${id}`, title, keys: [letter, key], quiet: true, run: () => desk.moveFocus(by, "select") },
      { id: `list.${id}-extend`, title: t("{title}, extending the selection", { title }), keys: extend, quiet: true, run: () => desk.moveFocus(by, "extend") },
      { id: `list.${id}-focus`, title: t("{title}, without selecting", { title }), keys: [`ctrl ${key}`], quiet: true, run: () => desk.moveFocus(by, "focus") }
    ];
  }
  function list(desk) {
    const some = () => desk.selectedCount() > 0;
    return [
      ...move(desk, "down", t("Next message"), 1, "ArrowDown", "j"),
      ...move(desk, "up", t("Previous message"), -1, "ArrowUp", "k"),
      ...move(desk, "page-down", t("Ten messages on"), 10, "PageDown", "l"),
      ...move(desk, "page-up", t("Ten messages back"), -10, "PageUp", "h"),
      ...move(desk, "last", t("Last message"), Infinity, "End", "."),
      ...move(desk, "first", t("First message"), -Infinity, "Home", ","),
      { id: "list.open", title: t("Open the message"), keys: ["Enter"], quiet: true, run: () => desk.moveFocus(0, "select") },
      { id: "list.toggle", title: t("Select, or unselect"), keys: ["Space", "ctrl Space"], quiet: true, run: () => desk.toggleFocused() },
      { id: "list.next-unread", title: t("Next unread message"), keys: ["u"], run: () => desk.nextUnread() },
      { id: "list.all", title: t("Select all messages"), keys: ["ctrl a"], run: () => desk.selectAll() },
      { id: "list.none", title: t("Back to the list"), keys: ["Escape"], when: some, run: () => desk.unselect() }
    ];
  }
  function messages(desk) {
    const some = () => desk.selectedCount() > 0;
    const any = (flag) => () => desk.selected().some((item) => item.flags.includes(flag));
    const anyWithout = (flag) => () => desk.selected().some((item) => !item.flags.includes(flag));
    const trash = () => some() && !desk.inRole("trash") && !desk.inRole("draft");
    const last = () => some() && (desk.inRole("trash") || desk.inRole("draft"));
    return [
      { id: "message.archive", title: t("Archive"), keys: ["a"], when: () => some() && !desk.inRole("archive"), run: () => desk.toRole("archive") },
      { id: "message.trash", title: t("Trash"), keys: ["d", "Delete"], when: trash, run: () => desk.toRole("trash") },
      { id: "message.delete", title: t("Delete…"), keys: ["d", "Delete"], when: last, run: () => desk.deleteForGood() },
      { id: "message.delete-at-once", title: t("Delete for good…"), keys: ["D"], when: some, run: () => desk.deleteForGood() },
      { id: "message.junk", title: t("Junk"), keys: ["q"], when: () => some() && !desk.inRole("junk"), run: () => desk.toRole("junk") },
      { id: "message.move", title: t("Move…"), keys: ["w"], when: some, run: () => desk.chooseMove() },
      { id: "message.read", title: t("Mark read"), keys: ["m"], when: anyWithout("\\seen"), run: () => desk.flag(["\\seen"], true) },
      { id: "message.unread", title: t("Mark unread"), keys: ["M"], when: any("\\seen"), run: () => desk.flag(["\\seen"], false) },
      { id: "message.flag", title: t("Flag"), keys: ["s"], when: () => some() && !any("\\flagged")(), run: () => desk.flag(["\\flagged"], true) },
      { id: "message.unflag", title: t("Unflag"), keys: ["s"], when: any("\\flagged"), run: () => desk.flag(["\\flagged"], false) },
      { id: "message.export", title: t("Export…"), keys: ["E"], when: some, run: () => desk.exportSelection() }
    ];
  }
  function message(desk) {
    const shown = () => desk.shown() !== null;
    const scroll = (id, title, by, keys) => ({
      id,
      title,
      keys,
      quiet: true,
      when: shown,
      run: () => desk.scrollMessage(by)
    });
    return [
      { id: "message.text", title: t("Show the text"), keys: ["t"], when: shown, run: () => desk.showText() },
      { id: "message.html", title: t("Show the HTML; again: with what it loads from elsewhere"), keys: ["T"], when: shown, run: () => desk.showHTML() },
      { id: "message.headers", title: t("Show all headers"), keys: ["ctrl i"], when: shown, run: () => desk.toggleHeaders() },
      { id: "message.raw", title: t("Open the raw message"), keys: ["O"], when: shown, run: () => desk.openRaw() },
      scroll("message.scroll-down", t("Scroll the message down"), 0.75, ["alt j", "alt ArrowDown"]),
      scroll("message.scroll-up", t("Scroll the message up"), -0.75, ["alt k", "alt ArrowUp"]),
      scroll("message.scroll-end", t("Scroll to the end"), Infinity, ["alt J"]),
      scroll("message.scroll-top", t("Scroll to the top"), -Infinity, ["alt K"])
    ];
  }

  // webmail/data/model.ts
  var roleOrder = ["draft", "sent", "archive", "trash", "junk"];
  function rank(mailbox) {
    if (mailbox.name === "Inbox") return -1;
    const role = roleOrder.findIndex((name) => mailbox.roles.includes(name));
    return role < 0 ? roleOrder.length : role;
  }
  var Model = class {
    constructor(listener) {
      this.listener = listener;
    }
    listener;
    mailboxes = /* @__PURE__ */ new Map();
    items = [];
    query = { filter: { mailbox_id: 0, mailbox_name: "Inbox" } };
    viewId = 0;
    requestId = 0;
    /** A request runs. */
    loading = false;
    /** There is nothing behind the last item. */
    end = false;
    byId = /* @__PURE__ */ new Map();
    /** All mailboxes in the order of the list. */
    ordered() {
      return [...this.mailboxes.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    }
    /** The mailbox that holds a role. */
    withRole(role) {
      return [...this.mailboxes.values()].find((mailbox) => mailbox.roles.includes(role));
    }
    mailboxNamed(name) {
      return [...this.mailboxes.values()].find((mailbox) => mailbox.name === name);
    }
    /** The mailbox that is shown. */
    current() {
      return this.mailboxes.get(this.query.filter.mailbox_id ?? 0);
    }
    item(id) {
      return this.byId.get(id);
    }
    /** Begin another view; returns the request for its first page. */
    open(query, count, destination = 0) {
      this.query = query;
      this.viewId++;
      this.clear();
      return this.request(count, destination);
    }
    /** The request for more of the view, or again for its beginning. */
    request(count, destination = 0) {
      this.loading = true;
      const anchor = this.items.at(-1)?.id ?? 0;
      return {
        id: ++this.requestId,
        view_id: this.viewId,
        query: this.query,
        page: { count, anchor_message_id: anchor, dest_message_id: destination }
      };
    }
    /** The request by which a new connection goes on with what is shown. Without a page when all of the view is here. */
    resumeRequest(count) {
      const request = this.request(count);
      this.loading = false;
      return this.end ? { ...request, page: null } : request;
    }
    clear() {
      this.items = [];
      this.byId.clear();
      this.end = false;
      this.listener.viewReset();
    }
    /** Take a page of the running request. */
    append(threads, end) {
      const fresh = threads.flat().filter((item) => !this.byId.has(item.id));
      for (const item of fresh) this.byId.set(item.id, item);
      this.items.push(...fresh);
      if (end) this.end = true;
      if (threads.length === 0 || end) this.loading = false;
      this.listener.itemsAppended(fresh);
    }
    /** Take mailboxes as they are. */
    setMailboxes(mailboxes) {
      this.mailboxes.clear();
      for (const mailbox of mailboxes) this.mailboxes.set(mailbox.id, mailbox);
      this.listener.mailboxesChanged();
    }
    /** Take one change of the account. */
    apply(change) {
      switch (change.kind) {
        case "msg_add":
          this.insert(change.item);
          return;
        case "msg_remove":
          for (const id of change.message_ids) {
            if (this.byId.get(id)?.mailbox_id === change.mailbox_id) this.remove(id);
          }
          return;
        case "msg_flags": {
          const item = this.byId.get(change.message_id);
          if (item === void 0 || change.modseq < item.modseq) return;
          item.flags = change.flags;
          item.keywords = change.keywords;
          item.modseq = change.modseq;
          this.listener.itemChanged(item);
          return;
        }
        case "msg_thread":
          for (const id of change.message_ids) {
            const item = this.byId.get(id);
            if (item === void 0) continue;
            item.thread_muted = change.muted;
            this.listener.itemChanged(item);
          }
          return;
        case "mailbox_add":
          this.mailboxes.set(change.mailbox.id, change.mailbox);
          break;
        case "mailbox_remove":
          this.mailboxes.delete(change.mailbox_id);
          break;
        case "mailbox_rename":
          this.update(change.mailbox_id, { name: change.name });
          break;
        case "mailbox_counts": {
          const { total, unread, unseen, deleted, size: size2 } = change;
          this.update(change.mailbox_id, { total, unread, unseen, deleted, size: size2 });
          break;
        }
        case "mailbox_special_use":
          this.update(change.mailbox_id, { roles: change.roles });
          break;
        case "mailbox_keywords":
          this.update(change.mailbox_id, { keywords: change.keywords });
      }
      this.listener.mailboxesChanged();
    }
    update(id, values) {
      const mailbox = this.mailboxes.get(id);
      if (mailbox !== void 0) Object.assign(mailbox, values);
    }
    insert(item) {
      const present = this.byId.get(item.id);
      if (present !== void 0) {
        if (present.modseq > item.modseq) return;
        this.remove(item.id);
      }
      if (item.mailbox_id !== this.query.filter.mailbox_id) return;
      let low = 0;
      let high = this.items.length;
      while (low < high) {
        const middle = low + high >> 1;
        if (this.before(this.items[middle], item)) low = middle + 1;
        else high = middle;
      }
      if (low === this.items.length && !this.end) return;
      this.items.splice(low, 0, item);
      this.byId.set(item.id, item);
      this.listener.itemAdded(item, low);
    }
    /** Whether `a` stands before `b`: newest first, or oldest first when asked for. */
    before(a, b) {
      const [first, second] = [a.received.slice(0, -1), b.received.slice(0, -1)];
      const order = first < second ? -1 : first > second ? 1 : a.id - b.id;
      return this.query.order_asc ? order < 0 : order > 0;
    }
    remove(id) {
      const item = this.byId.get(id);
      if (item === void 0) return;
      const index = this.items.indexOf(item);
      this.items.splice(index, 1);
      this.byId.delete(id);
      this.listener.itemRemoved(item, index);
    }
  };

  // webmail/data/stream.ts
  var bufferedAfter = 1e4;
  var heldLong = 5e3;
  var waits = [1, 2, 5, 10, 30];
  var Stream = class {
    constructor(client, base2, owner) {
      this.client = client;
      this.base = base2;
      this.owner = owner;
      addEventListener("online", () => this.retry());
      addEventListener("focus", () => this.retry());
    }
    client;
    base;
    owner;
    wire = null;
    useWebsocket = false;
    attempts = 0;
    openedAt = 0;
    timer = 0;
    stopped = true;
    generation = 0;
    /** Connect, and stay connected until `stop`. */
    start() {
      this.stopped = false;
      void this.connect();
    }
    stop() {
      this.stopped = true;
      this.drop();
    }
    /** Do not wait any longer for the next attempt. */
    retry() {
      if (this.timer === 0 || this.stopped) return;
      clearTimeout(this.timer);
      this.timer = 0;
      void this.connect();
    }
    drop() {
      this.generation++;
      clearTimeout(this.timer);
      this.timer = 0;
      this.wire?.close();
      this.wire = null;
    }
    async connect() {
      this.drop();
      const generation = this.generation;
      let token;
      try {
        token = await this.client.token();
      } catch (error) {
        if (generation !== this.generation) return;
        if (error instanceof CallFailed && error.code === "") this.lost();
        else this.owner.failed(error);
        return;
      }
      if (generation !== this.generation || this.stopped) return;
      this.openedAt = 0;
      const patience = setTimeout(() => {
        if (generation !== this.generation || this.openedAt !== 0) return;
        this.useWebsocket = !this.useWebsocket;
        void this.connect();
      }, bufferedAfter);
      const opening = this.owner.opening();
      const take = (data) => {
        if (generation !== this.generation) return;
        if (this.openedAt === 0) {
          this.openedAt = Date.now();
          clearTimeout(patience);
          this.owner.connection(true);
        }
        this.take(data);
      };
      const gone = () => {
        clearTimeout(patience);
        if (generation === this.generation) this.lost();
      };
      this.wire = this.useWebsocket ? this.openWebsocket(token, opening, take, gone) : this.openEvents(token, opening, take, gone);
    }
    openEvents(token, opening, take, gone) {
      const parameters = new URLSearchParams({ token, request: JSON.stringify(opening.request) });
      if (opening.since > 0) parameters.set("since", String(opening.since));
      const source = new EventSource(`${this.base}events?${parameters}`);
      for (const kind of Object.keys(streamEventCheck[1])) source.addEventListener(kind, (event) => take(event.data));
      source.onerror = () => {
        source.close();
        gone();
      };
      return source;
    }
    openWebsocket(token, opening, take, gone) {
      const parameters = new URLSearchParams({ token });
      if (opening.since > 0) parameters.set("since", String(opening.since));
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.base}ws?${parameters}`, "moxlite.webmail.v1");
      socket.onopen = () => socket.send(JSON.stringify({ request: opening.request }));
      socket.onmessage = (message2) => {
        const frame = JSON.parse(String(message2.data));
        take(JSON.stringify(frame.data));
      };
      socket.onclose = gone;
      return socket;
    }
    take(data) {
      const event = JSON.parse(data);
      try {
        verify(checks, streamEventCheck, event, "event");
      } catch (error) {
        this.owner.failed(error);
        return;
      }
      const known = event;
      if (known.kind === "server_shutdown") {
        this.drop();
        this.owner.connection(false);
        this.later(3e3 + Math.random() * 5e3);
        return;
      }
      if (known.kind === "fatal") {
        this.drop();
        this.owner.connection(false);
        this.later(this.nextWait());
        return;
      }
      this.owner.event(known);
    }
    lost() {
      this.wire?.close();
      this.wire = null;
      this.generation++;
      if (this.stopped) return;
      if (this.openedAt !== 0 && Date.now() - this.openedAt > heldLong) {
        this.attempts = 0;
        void this.connect();
        return;
      }
      this.owner.connection(false);
      this.later(this.nextWait());
    }
    /** Milliseconds until the next attempt; longer each time, until a connection has held. */
    nextWait() {
      if (this.openedAt !== 0 && Date.now() - this.openedAt > heldLong) this.attempts = 0;
      return waits[Math.min(this.attempts++, waits.length - 1)] * 1e3;
    }
    later(milliseconds) {
      this.timer = window.setTimeout(() => this.retry(), milliseconds);
    }
  };

  // webmail/ui/format.ts
  var minute = 60;
  var hour = 60 * minute;
  var day = 24 * hour;
  var year = 365.25 * day;
  var month = year / 12;
  function age(time, now) {
    const seconds = Math.max(0, (now - Date.parse(time)) / 1e3);
    if (seconds < minute) return "<1min";
    if (seconds < hour) return `${Math.floor(seconds / minute)}min`;
    if (seconds < day) return `${Math.floor(seconds / hour)}h`;
    if (seconds < month) return `${Math.floor(seconds / day)}d`;
    if (seconds < year) return `${Math.floor(seconds / month)}mo`;
    return `${Math.floor(seconds / year)}y`;
  }
  function fullTime(time) {
    return new Date(time).toLocaleString(void 0, { dateStyle: "full", timeStyle: "medium" });
  }
  function bareAddress(address) {
    if (address.host === "") return address.user;
    const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
    return `${user}@${address.host}`;
  }
  function shortAddress(address) {
    return address.name.trim() || bareAddress(address);
  }
  function longAddress(address) {
    const name = address.name.trim();
    return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
  }
  function addressList(addresses, one) {
    return addresses.map(one).join(", ");
  }
  var link = /\b(?:https?:\/\/|mailto:)[^\s<>"“”]+/g;
  var trailing = /[.,;:!?'»”*_]+$/;
  function linked2(line) {
    const pieces = [];
    let end = 0;
    for (const match2 of line.matchAll(link)) {
      let url = match2[0].replace(trailing, "");
      while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1).replace(trailing, "");
      pieces.push(line.slice(end, match2.index), el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url));
      end = match2.index + url.length;
    }
    pieces.push(line.slice(end));
    return pieces;
  }
  function quoteLevel(line) {
    return (/^(?:>[ ]?)+/.exec(line)?.[0] ?? "").split(">").length - 1;
  }
  function readableText(value) {
    const blocks = [];
    let level = -1;
    let lines = [];
    const flush = () => {
      if (level >= 0) blocks.push(el("div", { class: level === 0 ? "text" : `text quoted quoted${(level - 1) % 3 + 1}` }, lines));
      lines = [];
    };
    for (const line of value.replace(/\r\n?/g, "\n").split("\n")) {
      const own = quoteLevel(line);
      if (own !== level) {
        flush();
        level = own;
      }
      lines.push(linked2(line), "\n");
    }
    flush();
    return blocks;
  }

  // webmail/ui/list.ts
  var clip = "M12.5 7.2L7.8 12a2.9 2.9 0 01-4.2-4.1l5.2-5.2a2 2 0 012.8 2.8l-5 5a1 1 0 01-1.4-1.4l4.4-4.4";
  var MessageList = class {
    constructor(owner) {
      this.owner = owner;
      this.root.append(this.note);
      this.root.addEventListener("scroll", () => this.checkEnd());
      setInterval(() => this.refreshAges(), 3e4);
    }
    owner;
    root = el("div", { class: "messages", role: "listbox", "aria-label": "Messages", "aria-multiselectable": "true", tabindex: "0" });
    rows = /* @__PURE__ */ new Map();
    note = el("div", { class: "messages-note" });
    items = [];
    selected = /* @__PURE__ */ new Set();
    focused = 0;
    /** How many rows fit; pages are three times as long. */
    pageSize() {
      return Math.max(50, 3 * Math.ceil(this.root.clientHeight / 60));
    }
    selection() {
      return this.items.filter((item) => this.selected.has(item.id)).map((item) => item.id);
    }
    /** Begin with an empty list that is not known to be empty. */
    reset(items) {
      this.items = items;
      this.rows.clear();
      this.selected.clear();
      this.focused = 0;
      fill(this.root, this.note);
      this.setNote("");
    }
    append(items) {
      for (const item of items) this.note.before(this.makeRow(item));
    }
    insert(item, index) {
      const next = this.items[index + 1];
      const before = (next && this.rows.get(next.id)) ?? this.note;
      const atTop = this.root.scrollTop < 8;
      const height = this.root.scrollHeight;
      const row = this.makeRow(item);
      before.before(row);
      row.classList.add("arrived");
      if (!atTop && row.offsetTop < this.root.scrollTop) this.root.scrollTop += this.root.scrollHeight - height;
      this.setNote("");
    }
    /** A message left the list; the one behind it takes its place when it was selected. */
    remove(item, index) {
      const wasSelected = this.selected.delete(item.id);
      this.rows.get(item.id)?.remove();
      this.rows.delete(item.id);
      if (this.focused === item.id) this.focused = 0;
      if (!wasSelected || this.selected.size > 0) {
        if (wasSelected) this.owner.selectionChanged(this.selection());
        return;
      }
      const next = this.items[index] ?? this.items[index - 1];
      if (next !== void 0) this.select(next.id);
      else this.owner.selectionChanged([]);
    }
    update(item) {
      const old = this.rows.get(item.id);
      if (old === void 0) return;
      old.replaceWith(this.makeRow(item));
    }
    setNote(message2) {
      fill(this.note, message2);
    }
    /** Ask for more when less than a screen is left. */
    checkEnd() {
      const { scrollTop, clientHeight, scrollHeight } = this.root;
      if (scrollHeight - scrollTop - clientHeight < clientHeight) this.owner.wantMore();
    }
    /** Show and select one message only. */
    select(id) {
      this.setSelection(/* @__PURE__ */ new Set([id]), id);
    }
    /** Nothing is selected any more; the focus stays. */
    unselect() {
      this.setSelection(/* @__PURE__ */ new Set(), this.focused);
    }
    selectAll() {
      this.setSelection(new Set(this.items.map((item) => item.id)), this.focused);
    }
    /** Select the focused message too, or no longer. */
    toggle() {
      if (this.focused === 0) return;
      const selected = new Set(this.selected);
      if (!selected.delete(this.focused)) selected.add(this.focused);
      this.setSelection(selected, this.focused);
    }
    /** Move by rows, or to the ends with infinities. */
    move(by, how) {
      const extend = how === "extend";
      if (this.items.length === 0) return;
      const from = this.items.findIndex((item) => item.id === this.focused);
      const start = from >= 0 || !Number.isFinite(by) ? Math.max(from, 0) + by : by >= 0 ? 0 : Infinity;
      const to = Math.min(this.items.length - 1, Math.max(0, start));
      const id = this.items[to].id;
      const range = extend && from >= 0 ? this.items.slice(Math.min(from, to), Math.max(from, to) + 1).map((item) => item.id) : [];
      this.setSelection(how === "focus" ? this.selected : /* @__PURE__ */ new Set([...extend ? this.selected : [], ...range, id]), id);
    }
    /** The next unread message below the focus. */
    nextUnread() {
      const from = this.items.findIndex((item) => item.id === this.focused);
      const next = this.items.slice(from + 1).find((item) => !item.flags.includes("\\seen"));
      if (next !== void 0) this.select(next.id);
    }
    setSelection(selected, focused) {
      const changed = /* @__PURE__ */ new Set([...this.selected, ...selected, this.focused, focused]);
      this.selected = selected;
      this.focused = focused;
      for (const id of changed) {
        const row2 = this.rows.get(id);
        if (row2 !== void 0) this.mark(row2, id);
      }
      const row = this.rows.get(focused);
      if (row !== void 0) {
        row.scrollIntoView({ block: "nearest" });
        this.root.setAttribute("aria-activedescendant", row.id);
      }
      this.owner.selectionChanged(this.selection());
      this.checkEnd();
    }
    mark(row, id) {
      row.classList.toggle("active", this.selected.has(id));
      row.classList.toggle("focused", this.focused === id);
      row.setAttribute("aria-selected", String(this.selected.has(id)));
    }
    clicked(event, id) {
      if (event.ctrlKey || event.metaKey) {
        const selected = new Set(this.selected);
        if (!selected.delete(id)) selected.add(id);
        this.setSelection(selected, id);
      } else if (event.shiftKey) {
        const from = this.items.findIndex((item) => item.id === this.focused);
        const to = this.items.findIndex((item) => item.id === id);
        const range = this.items.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
        this.setSelection(/* @__PURE__ */ new Set([...this.selected, ...range.map((item) => item.id)]), id);
      } else {
        this.select(id);
      }
    }
    makeRow(item) {
      const unread = !item.flags.includes("\\seen");
      const people = this.owner.showsRecipients() ? [...item.to, ...item.cc, ...item.bcc] : item.from;
      const marks = [
        item.flags.includes("\\answered") && el("span", { class: "mark", title: "Answered" }, "↩"),
        item.flags.includes("$forwarded") && el("span", { class: "mark", title: "Forwarded" }, "↪"),
        item.attachments.length > 0 && el("span", { class: "mark", title: `Attachments: ${item.attachments.length}` }, icon(clip)),
        item.flags.includes("\\flagged") && el("span", { class: "mark flagged", title: "Flagged" }, "★")
      ];
      const row = el(
        "div",
        { class: `message${unread ? " unread" : ""}${item.flags.includes("\\deleted") ? " deleted" : ""}`, role: "option", id: `message-${item.id}`, draggable: "true" },
        el(
          "div",
          { class: "message-top" },
          el(
            "span",
            { class: `message-people${this.owner.showsRecipients() ? " recipients" : ""}`, title: addressList(people, longAddress) },
            addressList(people, shortAddress) || "(nobody)"
          ),
          el("span", { class: "message-marks" }, marks),
          el("time", { class: "message-age", datetime: item.received, title: fullTime(item.received) }, age(item.received, this.owner.now()))
        ),
        el("div", { class: "message-subject" }, item.subject || "(no subject)"),
        el(
          "div",
          { class: "message-preview" },
          item.keywords.map((keyword) => el("span", { class: "keyword" }, keyword)),
          item.preview
        )
      );
      row.addEventListener("click", (event) => this.clicked(event, item.id));
      row.addEventListener("dragstart", (event) => {
        if (!this.selected.has(item.id)) this.select(item.id);
        event.dataTransfer?.setData("text/plain", item.subject);
      });
      this.rows.set(item.id, row);
      this.mark(row, item.id);
      return row;
    }
    refreshAges() {
      for (const time of this.root.querySelectorAll("time")) {
        const value = age(time.dateTime, this.owner.now());
        if (time.textContent !== value) time.textContent = value;
      }
    }
  };

  // lib/numbers.ts
  function size(octets) {
    if (octets < 1024) return `${octets} B`;
    const units = ["KB", "MB", "GB", "TB"];
    let value = octets;
    let unit = -1;
    do {
      value /= 1024;
      unit++;
    } while (value >= 999.5 && unit < units.length - 1);
    return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
  }

  // webmail/ui/mailboxes.ts
  var icons = {
    inbox: "M2 9l2.2-6h7.6L14 9v4H2zM2 9h3.5l1 2h3l1-2H14",
    draft: "M3 13l.6-2.8L11 2.8l2.2 2.2-7.4 7.4z",
    sent: "M2 8l12-5-4 11-2.6-4.4z M7.4 9.6L14 3",
    archive: "M2 3h12v3H2z M3 6v7h10V6 M6.5 8.5h3",
    trash: "M3 4.5h10 M6 4.5V3h4v1.5 M4.2 4.5l.6 9h6.4l.6-9",
    junk: "M8 2a6 6 0 100 12A6 6 0 008 2z M8 5v4 M8 11v.2",
    folder: "M2 4h4.5L8 5.5h6V13H2z"
  };
  var MailboxList = class {
    constructor(owner) {
      this.owner = owner;
    }
    owner;
    root = el("nav", { class: "mailboxes", "aria-label": "Mailboxes" });
    /** Draw all mailboxes; `active` is the one that is shown. */
    draw(mailboxes, active) {
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : void 0;
      fill(
        this.root,
        mailboxes.map((mailbox) => this.row(mailbox, mailbox.id === active)),
        el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, "+ New mailbox")
      );
      if (focused !== void 0) this.root.querySelector(`[data-mailbox="${focused}"]`)?.focus();
    }
    row(mailbox, active) {
      const elements = mailbox.name.split("/");
      const kind = mailbox.name === "Inbox" ? "inbox" : mailbox.roles[0] ?? "folder";
      const title = `${mailbox.name}: ${mailbox.total} messages, ${mailbox.unread} unread, ${size(mailbox.size)}`;
      const menu = el("button", { class: "mailbox-menu", title: `Actions for ${mailbox.name}`, "aria-label": `Actions for ${mailbox.name}` }, "⋯");
      menu.addEventListener("click", (event) => {
        event.stopPropagation();
        this.owner.mailboxMenu(mailbox, menu);
      });
      const open = el(
        "button",
        {
          class: "mailbox-open",
          title,
          data: { mailbox: String(mailbox.id) },
          "aria-current": active ? "page" : void 0,
          onclick: () => this.owner.openMailbox(mailbox)
        },
        icon(icons[kind] ?? icons["folder"]),
        el("span", { class: "mailbox-name" }, elements.at(-1)),
        mailbox.unread > 0 && el("span", { class: "mailbox-unread", "aria-label": `${mailbox.unread} unread` }, String(mailbox.unread))
      );
      const row = el("div", { class: `mailbox${active ? " active" : ""}${mailbox.unread > 0 ? " unread" : ""}` }, open, menu);
      row.style.setProperty("--depth", String(elements.length - 1));
      row.addEventListener("dragover", (event) => {
        event.preventDefault();
        row.classList.add("drop");
      });
      row.addEventListener("dragleave", () => row.classList.remove("drop"));
      row.addEventListener("drop", (event) => {
        event.preventDefault();
        row.classList.remove("drop");
        this.owner.dropMessages(mailbox);
      });
      return row;
    }
  };

  // webmail/ui/message.ts
  var kept = 20;
  var firstAttachments = 4;
  var MessageView = class {
    constructor(client, base2, owner) {
      this.client = client;
      this.base = base2;
      this.owner = owner;
      this.showNothing(0);
    }
    client;
    base;
    owner;
    root = el("section", { class: "reader", "aria-label": "Message" });
    cache = /* @__PURE__ */ new Map();
    item = null;
    parsed = null;
    mode = "text";
    allHeaders = false;
    body = el("div", { class: "reader-body" });
    bar = el("div", { class: "reader-bar" });
    /** The message that is shown. */
    current() {
      return this.item;
    }
    /** Take an opened message that came with the list. */
    offer(parsed) {
      this.remember(parsed.id, Promise.resolve(parsed));
    }
    /** Show that none, or several, are selected. */
    showNothing(selected) {
      this.item = null;
      this.parsed = null;
      fill(
        this.root,
        selected > 1 ? this.toolbar() : null,
        el("div", { class: "reader-empty" }, selected > 1 ? `${selected} messages selected` : "Select a message to read it")
      );
    }
    /** Show a message; resolves when it is there. */
    async show(item) {
      this.item = item;
      this.parsed = null;
      this.allHeaders = false;
      this.body = el("div", { class: "reader-body" });
      this.bar = el("div", { class: "reader-bar" });
      fill(this.root, this.toolbar(), this.heading(item), this.bar, this.body);
      this.root.scrollTop = 0;
      const parsed = await this.open(item.id);
      if (this.item?.id !== item.id) return;
      this.parsed = parsed;
      this.mode = parsed.texts.length > 0 || !parsed.has_html ? "text" : "html";
      this.draw();
    }
    /** Draw the toolbar again: what the actions do depends on the flags. */
    refreshActions(item) {
      if (item !== null) this.item = item;
      this.root.querySelector(".toolbar")?.replaceWith(this.toolbar());
    }
    /** Show the text. */
    showText() {
      if (this.parsed === null) return;
      this.mode = "text";
      this.draw();
    }
    /** Show the HTML; asked again, with what it loads from elsewhere. */
    showHTML() {
      if (!this.parsed?.has_html) return;
      this.mode = this.mode === "html" ? "htmlexternal" : "html";
      this.draw();
    }
    toggleHeaders() {
      this.allHeaders = !this.allHeaders;
      this.draw();
    }
    /** The octets as they came, in a new tab. */
    openRaw() {
      if (this.item !== null) window.open(`${this.base}msg/${this.item.id}/raw`, "_blank", "noopener");
    }
    /** Scroll by screens, or to the ends with infinities. */
    scroll(screens) {
      const by = Number.isFinite(screens) ? screens * this.body.clientHeight : Math.sign(screens) * this.body.scrollHeight;
      this.body.scrollBy({ top: by });
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
        if (this.cache.size <= kept) break;
        this.cache.delete(old);
      }
    }
    toolbar() {
      return el(
        "div",
        { class: "toolbar", role: "toolbar", "aria-label": "Actions" },
        el("button", { class: "back", onclick: () => this.owner.back() }, "‹ Back"),
        this.owner.actions()
      );
    }
    heading(item) {
      const row = (label, value) => value !== "" && [el("dt", {}, label), el("dd", {}, value)];
      return el(
        "header",
        { class: "reader-head" },
        el("h1", { class: "reader-subject" }, item.subject || "(no subject)"),
        el(
          "dl",
          { class: "reader-fields" },
          row("From", addressList(item.from, longAddress)),
          row("Reply to", addressList(item.reply_to, longAddress)),
          row("To", addressList(item.to, longAddress)),
          row("Cc", addressList(item.cc, longAddress)),
          row("Bcc", addressList(item.bcc, longAddress)),
          row("Date", fullTime(item.date ?? item.received))
        ),
        this.attachments(item.attachments)
      );
    }
    attachments(all) {
      if (all.length === 0) return null;
      const list2 = el("div", { class: "attachments" });
      const one = (attachment) => el(
        "span",
        { class: "attachment", title: attachment.content_type },
        el("a", { href: this.part("view", attachment.path), target: "_blank", rel: "noopener" }, attachment.filename),
        el("span", { class: "attachment-size" }, size(attachment.size)),
        el("a", { class: "attachment-get", href: this.part("download", attachment.path), title: `Download ${attachment.filename}`, "aria-label": "Download" }, "↓")
      );
      const draw = (count) => fill(
        list2,
        all.slice(0, count).map(one),
        all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, `${all.length - count} more`)
      );
      draw(firstAttachments);
      return list2;
    }
    part(kind, path) {
      return `${this.base}msg/${this.item?.id ?? 0}/${kind}/${path}`;
    }
    draw() {
      const { parsed, item } = this;
      if (parsed === null || item === null) return;
      const modes = [
        ["text", "Text", parsed.texts.length > 0],
        ["html", "HTML", parsed.has_html],
        ["htmlexternal", "HTML with external resources", parsed.has_html]
      ];
      fill(
        this.bar,
        modes.filter(([, , possible]) => possible).map(
          ([mode, label]) => el(
            "button",
            {
              class: "mode",
              "aria-pressed": String(this.mode === mode),
              onclick: () => {
                this.mode = mode;
                this.draw();
              }
            },
            label
          )
        ),
        el("span", { class: "spacer" }),
        item.is_signed && el("span", { class: "hint", title: "The server does not verify signatures" }, "signed"),
        item.is_encrypted && el("span", { class: "hint", title: "The server cannot decrypt this" }, "encrypted"),
        parsed.texts.length === 0 && parsed.has_html && el("span", { class: "hint" }, "HTML-only message"),
        el("button", { class: "mode", "aria-pressed": String(this.allHeaders), onclick: () => this.toggleHeaders() }, "Headers"),
        el("button", { class: "mode", onclick: () => this.openRaw() }, "Raw")
      );
      fill(this.body, this.allHeaders && this.headers(parsed), this.mode === "text" ? this.texts(parsed) : this.frame());
      this.body.classList.toggle("framed", this.mode !== "text");
    }
    headers(parsed) {
      return el(
        "table",
        { class: "headers" },
        parsed.headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value)))
      );
    }
    texts(parsed) {
      if (parsed.texts.length === 0) return el("p", { class: "hint" }, "No textual content");
      return parsed.texts.map(
        (part2) => el("article", { class: "text-part" }, readableText(part2.text), part2.truncated && el("p", { class: "hint" }, "The rest of this text is not shown."))
      );
    }
    frame() {
      return el("iframe", {
        class: "html",
        title: "Message",
        sandbox: "allow-popups allow-popups-to-escape-sandbox",
        referrerpolicy: "no-referrer",
        src: this.mode === "htmlexternal" ? `${this.base}msg/${this.item?.id ?? 0}/htmlexternal` : `${this.base}msg/${this.item?.id ?? 0}/html`
      });
    }
  };

  // webmail/main.ts
  var markSeenAfter = 500;
  var base = document.location.pathname.replace(/[^/]*$/, "");
  var App = class {
    client = new Client(base, checks, (reason) => this.logIn(reason));
    base = base;
    commands = new CommandTable();
    session = new Session("webmail", "Webmail", this.client);
    stream = new Stream(this.client, base, {
      event: (event) => this.take(event),
      connection: (connected) => this.connection(connected),
      failed: (error) => void showError("The connection to the server failed", error),
      opening: () => this.opening()
    });
    model = new Model({
      mailboxesChanged: () => this.drawMailboxes(),
      itemAdded: (item, index) => {
        this.list.insert(item, index);
        this.note();
      },
      itemsAppended: (items) => {
        this.list.append(items);
        this.note();
      },
      itemRemoved: (item, index) => {
        this.list.remove(item, index);
        this.note();
      },
      itemChanged: (item) => {
        this.list.update(item);
        if (this.reader.current()?.id === item.id) this.reader.refreshActions(item);
      },
      viewReset: () => this.list.reset(this.model.items)
    });
    mailboxes = new MailboxList({
      openMailbox: (mailbox) => this.openMailbox(mailbox),
      createMailbox: () => this.commands.run("mailbox.create"),
      mailboxMenu: (mailbox) => void this.mailboxMenu(mailbox),
      dropMessages: (mailbox) => void this.move(mailbox, false)
    });
    list = new MessageList({
      selectionChanged: (ids) => this.selectionChanged(ids),
      wantMore: () => void this.more(),
      now: () => Date.now() + this.clockOffset,
      showsRecipients: () => this.model.current()?.roles.some((role) => role === "sent" || role === "draft") ?? false
    });
    reader = new MessageView(this.client, base, { actions: () => this.actions(), back: () => this.list.unselect() });
    account = el("span", { class: "account-address" });
    accountLink = el("a", { title: "Import and export mail", hidden: true }, "Account");
    heading = el("h1", { class: "list-title" });
    offline = el(
      "div",
      { class: "offline", role: "status" },
      "Not connected",
      el("button", { onclick: () => this.stream.retry() }, "Connect")
    );
    connected = true;
    streamId = 0;
    loginAddress = "";
    addresses = [];
    modseq = 0;
    version = "";
    clockOffset = 0;
    seenTimer = 0;
    displayed = false;
    wantedMessage = 0;
    start() {
      const known = this.session.resume();
      this.offline.hidden = true;
      this.readHash();
      addEventListener("hashchange", () => this.followHash());
      addCommands(this);
      listen(document, this.commands, () => this.displayed);
      const root = byId("app", HTMLElement);
      fill(
        root,
        el(
          "aside",
          { class: "side" },
          brand(),
          this.mailboxes.root,
          el(
            "div",
            { class: "account" },
            this.account,
            el("div", { class: "account-links" }, this.accountLink, el("button", { class: "link", onclick: () => this.commands.run("app.log-out") }, "Log out"))
          )
        ),
        el(
          "section",
          { class: "middle", "aria-label": "List" },
          el(
            "header",
            { class: "list-head" },
            el("button", { class: "menu-open", "aria-label": "Mailboxes", onclick: () => document.body.classList.toggle("show-side") }, "☰"),
            this.heading,
            el("button", { class: "link", onclick: () => this.commands.run("app.unread-only") }, el("span", { class: "unread-toggle" }, "Unread only"))
          ),
          this.offline,
          this.list.root
        ),
        this.reader.root
      );
      if (!known) void this.logIn("").then(() => this.stream.start());
      else this.stream.start();
    }
    /** Show the form, and log in with what is typed there. */
    async logIn(reason) {
      if (await this.session.logIn(reason) && this.displayed) location.reload();
    }
    async logOut() {
      this.stream.stop();
      await this.session.logOut();
    }
    opening() {
      if (this.modseq > 0) return { request: this.model.resumeRequest(this.list.pageSize()), since: this.modseq };
      return { request: this.model.open(this.model.query, this.list.pageSize(), this.wantedMessage), since: 0 };
    }
    connection(connected) {
      this.connected = connected;
      this.offline.hidden = connected;
      this.title();
    }
    take(event) {
      switch (event.kind) {
        case "start": {
          if (this.version !== "" && this.version !== event.version) {
            location.replace(`${base}?v=${encodeURIComponent(event.version)}${location.hash}`);
            return;
          }
          this.version = event.version;
          this.streamId = event.stream_id;
          this.modseq = event.modseq;
          this.clockOffset = Date.parse(event.server_time) - Date.now();
          this.loginAddress = event.login_address;
          this.addresses = event.addresses;
          fill(this.account, event.login_address);
          this.accountLink.href = event.account_path;
          this.accountLink.hidden = event.account_path === "";
          const opened = event.mailboxes.find((mailbox) => mailbox.name === event.mailbox_name);
          if (opened !== void 0) this.model.query = { ...this.model.query, filter: { ...this.model.query.filter, mailbox_id: opened.id, mailbox_name: "" } };
          this.model.setMailboxes(event.mailboxes);
          this.display();
          return;
        }
        case "resume":
          this.streamId = event.stream_id;
          this.clockOffset = Date.parse(event.server_time) - Date.now();
          if (this.version !== event.version) location.replace(`${base}?v=${encodeURIComponent(event.version)}${location.hash}`);
          else this.list.checkEnd();
          return;
        case "view_msgs":
          if (event.view_id !== this.model.viewId || event.request_id !== this.model.requestId) return;
          if (event.parsed_message !== null) this.reader.offer(event.parsed_message);
          this.model.append(event.items, event.view_end);
          this.showWanted();
          if (!this.model.loading) this.list.checkEnd();
          return;
        case "view_reset":
          if (event.view_id === this.model.viewId) this.model.clear();
          return;
        case "view_err":
          if (event.view_id !== this.model.viewId) return;
          this.model.loading = false;
          this.list.setNote(event.message);
          return;
        case "view_changes":
          for (const change of event.changes) this.model.apply(change);
          if (!event.more) this.modseq = event.modseq;
          return;
        case "server_shutdown":
        case "fatal":
          return;
      }
    }
    /** Once, when there is something to see: custom scripts have their turn, then the page appears. */
    display() {
      if (this.displayed) return;
      this.displayed = true;
      const root = byId("app", HTMLElement);
      beforeDisplay(root);
      root.hidden = false;
      this.list.root.focus();
    }
    drawMailboxes() {
      const current = this.model.current();
      this.mailboxes.draw(this.model.ordered(), current?.id ?? 0);
      fill(this.heading, current?.name.split("/").at(-1) ?? "");
      this.title();
      if (this.displayed && current === void 0) {
        const inbox = this.model.mailboxNamed("Inbox");
        if (inbox !== void 0) this.openMailbox(inbox);
      }
    }
    title() {
      const mailbox = this.model.current();
      const unread = mailbox !== void 0 && mailbox.unread > 0 ? `(${mailbox.unread}) ` : "";
      document.title = `${unread}${mailbox?.name ?? "Webmail"} · moxlite${this.connected ? "" : " (not connected)"}`;
    }
    note() {
      const { items, loading: loading2, end } = this.model;
      if (items.length > 0) this.list.setNote("");
      else if (loading2 && !end) this.list.setNote("");
      else this.list.setNote(this.model.query.filter.unread ? "Nothing unread here." : "No messages here.");
    }
    openMailbox(mailbox, unread = false) {
      document.body.classList.remove("show-side");
      this.open({ filter: { mailbox_id: mailbox.id, unread } }, 0);
    }
    open(query, message2) {
      this.reader.showNothing(0);
      document.body.classList.remove("show-message");
      this.wantedMessage = message2;
      const request = { ...this.model.open(query, this.list.pageSize(), message2), stream_id: this.streamId };
      this.drawMailboxes();
      this.writeHash();
      byId("app", HTMLElement).classList.toggle("unread-only", query.filter.unread === true);
      void attempt("Opening the mailbox", () => this.client.request(request));
    }
    toggleUnread() {
      const mailbox = this.model.current();
      if (mailbox !== void 0) this.openMailbox(mailbox, this.model.query.filter.unread !== true);
    }
    async more() {
      if (this.model.loading || this.model.end || this.streamId === 0) return;
      const request = { ...this.model.request(this.list.pageSize()), stream_id: this.streamId };
      await attempt("Loading more messages", () => this.client.request(request));
    }
    showWanted() {
      if (this.wantedMessage === 0 || this.model.item(this.wantedMessage) === void 0) return;
      const wanted = this.wantedMessage;
      this.wantedMessage = 0;
      this.list.select(wanted);
    }
    selected() {
      return this.list.selection().flatMap((id) => this.model.item(id) ?? []);
    }
    selectionChanged(ids) {
      clearTimeout(this.seenTimer);
      const item = ids.length === 1 ? this.model.item(ids[0]) : void 0;
      document.body.classList.toggle("show-message", ids.length > 0);
      if (item === void 0) {
        this.reader.showNothing(ids.length);
      } else if (this.reader.current()?.id !== item.id) {
        this.reader.show(item).catch((error) => void showError("Opening the message failed", error));
        if (!item.flags.includes("\\seen")) {
          this.seenTimer = window.setTimeout(() => void attempt("Marking as read", () => this.client.flags_add([item.id], ["\\seen"])), markSeenAfter);
        }
      }
      this.writeHash();
    }
    actions() {
      return barCommands.map((id) => this.commands.get(id)).filter(enabled).map(
        (command) => el(
          "button",
          { class: command.id === "message.delete" ? "danger" : "", title: hintOf(command), onclick: () => this.commands.run(command.id) },
          titleOf(command)
        )
      );
    }
    facts() {
      return { login_address: this.loginAddress, addresses: this.addresses };
    }
    shown() {
      return this.reader.current();
    }
    selectedCount() {
      return this.list.selection().length;
    }
    inRole(role) {
      return this.model.current()?.roles.includes(role) ?? false;
    }
    moveFocus(by, how) {
      this.list.move(by, how);
    }
    toggleFocused() {
      this.list.toggle();
    }
    selectAll() {
      this.list.selectAll();
    }
    unselect() {
      this.list.unselect();
    }
    nextUnread() {
      this.list.nextUnread();
    }
    showText() {
      this.reader.showText();
    }
    showHTML() {
      this.reader.showHTML();
    }
    toggleHeaders() {
      this.reader.toggleHeaders();
    }
    openRaw() {
      this.reader.openRaw();
    }
    scrollMessage(screens) {
      this.reader.scroll(screens);
    }
    openInbox() {
      const inbox = this.model.mailboxNamed("Inbox");
      if (inbox !== void 0) this.openMailbox(inbox);
    }
    async flag(flags, add) {
      clearTimeout(this.seenTimer);
      const ids = this.list.selection();
      if (ids.length === 0) return;
      await attempt("Changing flags", () => add ? this.client.flags_add(ids, flags) : this.client.flags_clear(ids, flags));
    }
    async toRole(role) {
      const mailbox = this.model.withRole(role);
      if (mailbox === void 0) {
        await showError("There is no such mailbox", new Error(`No mailbox has the role “${role}”. Give it to one in the mailbox's menu.`));
        return;
      }
      if (mailbox.id === this.model.current()?.id) {
        if (role === "trash") await this.deleteForGood();
        return;
      }
      await this.move(mailbox, role !== "archive" || this.selected().some((item) => !item.flags.includes("\\seen")));
    }
    async move(mailbox, markSeen) {
      clearTimeout(this.seenTimer);
      const ids = this.selected().filter((item) => item.mailbox_id !== mailbox.id).map((item) => item.id);
      if (ids.length > 0) await attempt(`Moving to ${mailbox.name}`, () => this.client.message_move(ids, mailbox.id, markSeen));
    }
    async deleteForGood() {
      clearTimeout(this.seenTimer);
      const ids = this.list.selection();
      if (ids.length === 0) return;
      const what = ids.length === 1 ? "this message" : `${ids.length} messages`;
      if (await confirm("Delete for good?", `This removes ${what} from the account. It cannot be undone.`, "Delete")) {
        await attempt("Deleting", () => this.client.message_delete(ids));
      }
    }
    async exportSelection() {
      const ids = this.list.selection();
      if (ids.length > 0) await this.export(ids.length === 1 ? "Export this message" : `Export ${ids.length} messages`, { ids });
    }
    async export(title, what) {
      const { exportMail } = await part(base, "export");
      await exportMail(this.client, base, title, what);
    }
    async chooseMove() {
      if (this.list.selection().length === 0) return;
      const targets = this.model.ordered().filter((mailbox) => mailbox.id !== this.model.current()?.id);
      const chosen = await dialog("Move to", (close) => [
        el("div", { class: "choices" }, targets.map((mailbox, i) => el("button", { autofocus: i === 0, onclick: () => close(mailbox) }, mailbox.name)))
      ]);
      if (chosen !== null) await this.move(chosen, false);
    }
    async createMailbox() {
      const name = await ask("New mailbox", "Name; “/” puts it inside another", "", "Create");
      if (name !== null) await attempt("Creating the mailbox", () => this.client.mailbox_create(name));
    }
    async mailboxMenu(mailbox) {
      const fixed = mailbox.name === "Inbox";
      const action = await dialog(mailbox.name, (close) => [
        el("p", { class: "dialog-text" }, `${mailbox.total} messages, ${mailbox.unread} unread`),
        el(
          "div",
          { class: "choices" },
          el("button", { disabled: mailbox.unread === 0, onclick: () => close("read") }, "Mark all as read"),
          el("button", { disabled: fixed, onclick: () => close("rename") }, "Rename…"),
          el("button", { disabled: fixed, onclick: () => close("roles") }, "Use as…"),
          el("button", { onclick: () => close("export") }, "Export…"),
          el("button", { disabled: fixed, class: "danger", onclick: () => close("delete") }, "Delete…")
        )
      ]);
      if (action === "read") await attempt("Marking as read", () => this.client.mailboxes_mark_read([mailbox.id]));
      if (action === "rename") {
        const name = await ask("Rename mailbox", "New name", mailbox.name, "Rename");
        if (name !== null && name !== mailbox.name) await attempt("Renaming the mailbox", () => this.client.mailbox_rename(mailbox.id, name));
      }
      if (action === "export") {
        const parent = this.model.ordered().some((other) => other.name.startsWith(`${mailbox.name}/`));
        await this.export(`Export “${mailbox.name}”`, { mailbox: mailbox.name, parent });
      }
      if (action === "roles") await this.chooseRole(mailbox);
      if (action === "delete") {
        const what = `“${mailbox.name}” and its ${mailbox.total} messages are removed. It cannot be undone.`;
        if (await confirm("Delete this mailbox?", what, "Delete")) await attempt("Deleting the mailbox", () => this.client.mailbox_delete(mailbox.id));
      }
    }
    async chooseRole(mailbox) {
      const names = [
        ["draft", "Drafts"],
        ["sent", "Sent messages"],
        ["archive", "Archive"],
        ["trash", "Trash"],
        ["junk", "Junk"]
      ];
      const chosen = await dialog(`Use “${mailbox.name}” as`, (close) => [
        el(
          "div",
          { class: "choices" },
          names.map(([role, label]) => el("button", { disabled: mailbox.roles.includes(role), onclick: () => close([role]) }, label)),
          el("button", { disabled: mailbox.roles.length === 0, onclick: () => close([]) }, "An ordinary mailbox")
        )
      ]);
      if (chosen !== null) await attempt("Changing the role", () => this.client.mailbox_set_special_use(mailbox.id, chosen));
    }
    // The address shows what is open: `#Inbox` or `#Inbox,123`.
    readHash() {
      const { name, message: message2 } = parseHash();
      this.model.query = { filter: { mailbox_id: 0, mailbox_name: name } };
      this.wantedMessage = message2;
    }
    followHash() {
      const { name, message: message2 } = parseHash();
      const mailbox = this.model.mailboxNamed(name);
      if (mailbox === void 0) return;
      if (mailbox.id !== this.model.current()?.id) this.open({ filter: { mailbox_id: mailbox.id } }, message2);
      else if (message2 === 0) this.list.unselect();
      else if (this.model.item(message2) !== void 0 && this.reader.current()?.id !== message2) this.list.select(message2);
    }
    writeHash() {
      const mailbox = this.model.current();
      if (mailbox === void 0) return;
      const selection = this.list.selection();
      const wanted = selection.length === 1 ? selection[0] : this.wantedMessage;
      const hash = `#${encodeURIComponent(mailbox.name)}${wanted > 0 ? `,${wanted}` : ""}`;
      if (location.hash === hash) return;
      if (location.hash.includes(",") && hash.includes(",")) history.replaceState(null, "", hash);
      else history.pushState(null, "", hash);
    }
  };
  function parseHash() {
    const value = location.hash.slice(1);
    const comma = value.lastIndexOf(",");
    const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
    const message2 = Number.isSafeInteger(number) && number > 0 ? number : 0;
    const name = message2 > 0 ? value.slice(0, comma) : value;
    try {
      return { name: decodeURIComponent(name) || "Inbox", message: message2 };
    } catch {
      return { name: "Inbox", message: 0 };
    }
  }
  addEventListener("error", (event) => void showError("Something went wrong in this page", event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => void showError("Something went wrong in this page", event.reason));
  if (new URLSearchParams(location.search).has("v")) history.replaceState(null, "", `${base}${location.hash}`);
  setStatus("");
  new App().start();
})();
