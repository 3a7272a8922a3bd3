"use strict";
(() => {
  // <define:PARTS>
  var define_PARTS_default = { compose: "compose.f850e0b43634c804585d.js", export: "export.22b553e032d3e1b78aef.js", mailboxes: "mailboxes.790346afc2ae736254b0.js", palette: "palette.48adbc084b06e3af766a.js", rules: "rules.ff617a13334d2d7b44c4.js", sent: "sent.bf6fa4fcc2a2edad90ff.js", settings: "settings.53b712464065ec516051.js" };

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
      for (const [key2, check] of Object.entries(checks2)) verify(this.table, check, parameters[key2], `${name}: ${key2}`);
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
    const { wait_min_ms: least3 = 0, wait_max_ms: most2 = 0 } = JSON.parse(setting);
    await new Promise((resolve) => setTimeout(resolve, least3 + Math.random() * Math.max(0, most2 - least3)));
  }

  // gen/webmail.ts
  var checks = {
    Start: { kind: ["enum", ["start"]], stream_id: "integer", login_address: "string", addresses: ["list", "string"], mailboxes: ["list", ["ref", "Mailbox"]], mailbox_name: "string", rejects_mailbox: "string", account_path: "string", version: "string", modseq: "integer", server_time: "time", capabilities: ["list", "string"], settings: ["ref", "Settings"] },
    Mailbox: { id: "integer", name: "string", roles: ["list", ["enum", ["archive", "draft", "junk", "sent", "trash"]]], keywords: ["list", "string"], total: "integer", unread: "integer", unseen: "integer", deleted: "integer", size: "integer" },
    Settings: { signature: ["optional", "string"], signatures: ["optional", ["list", ["ref", "OwnSignature"]]], quoting: ["optional", ["enum", ["auto", "bottom", "top"]]], show_address_security: ["optional", "boolean"], show_html: ["optional", "boolean"], no_show_shortcuts: ["optional", "boolean"], show_headers: ["optional", ["list", "string"]], color_scheme: ["optional", ["enum", ["auto", "dark", "light"]]], density: ["optional", ["enum", ["comfortable", "compact"]]], single_keys: ["optional", "boolean"], mark_seen_ms: ["optional", "integer"], after_action: ["optional", ["enum", ["list", "next", "previous"]]] },
    OwnSignature: { address: "string", text: "string" },
    Resume: { kind: ["enum", ["resume"]], stream_id: "integer", version: "string", modseq: "integer", server_time: "time" },
    ViewMsgs: { kind: ["enum", ["view_msgs"]], view_id: "integer", request_id: "integer", items: ["list", ["list", ["ref", "MessageItem"]]], position: "integer", total: "integer", view_end: "boolean", parsed_message: ["nullable", ["ref", "ParsedMessage"]] },
    MessageItem: { id: "integer", mailbox_id: "integer", uid: "integer", modseq: "integer", thread_id: "integer", flags: ["list", "string"], keywords: ["list", "string"], received: "time", size: "integer", subject: "string", preview: "string", date: ["nullable", "time"], from: ["list", ["ref", "Address"]], to: ["list", ["ref", "Address"]], cc: ["list", ["ref", "Address"]], bcc: ["list", ["ref", "Address"]], reply_to: ["list", ["ref", "Address"]], attachments: ["list", ["ref", "Attachment"]], is_signed: "boolean", is_encrypted: "boolean", thread_muted: "boolean", thread_collapsed: "boolean", thread_missing_link: "boolean", thread_parent: "integer", same_message_id: "boolean", match_query: "boolean" },
    Address: { name: "string", user: "string", host: "string" },
    Attachment: { path: "string", filename: "string", content_type: "string", size: "integer" },
    ParsedMessage: { id: "integer", headers: ["list", ["ref", "Header"]], texts: ["list", ["ref", "Text"]], has_html: "boolean", attachments: ["list", ["ref", "Attachment"]], structure: ["ref", "Part"], list_reply_address: "string", view_mode: ["enum", ["", "html", "html_ext", "text"]] },
    Header: { name: "string", value: "string" },
    Text: { path: "string", content_type: "string", text: "string", truncated: "boolean" },
    Part: { path: "string", content_type: "string", disposition: "string", filename: "string", size: "integer", parts: ["list", ["ref", "Part"]] },
    ViewProgress: { kind: ["enum", ["view_progress"]], view_id: "integer", total: "integer", looked: "integer", of: "integer", done: "boolean", stopped: "boolean" },
    ViewStale: { kind: ["enum", ["view_stale"]], view_id: "integer" },
    ViewReset: { kind: ["enum", ["view_reset"]], view_id: "integer", request_id: "integer" },
    ViewErr: { kind: ["enum", ["view_err"]], view_id: "integer", request_id: "integer", message: "string", unthreaded: "boolean" },
    ViewChanges: { kind: ["enum", ["view_changes"]], view_id: "integer", modseq: "integer", more: "boolean", changes: ["list", ["union", { settings: "SettingsChange", msg_add: "MsgAdd", msg_remove: "MsgRemove", msg_flags: "MsgFlags", msg_thread: "MsgThread", mailbox_add: "MailboxAdd", mailbox_remove: "MailboxRemove", mailbox_rename: "MailboxRename", mailbox_counts: "MailboxCounts", mailbox_special_use: "MailboxSpecialUse", mailbox_keywords: "MailboxKeywords" }]] },
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
    Keepalive: { kind: ["enum", ["keepalive"]] },
    Fatal: { kind: ["enum", ["fatal"]], message: "string" },
    ServerShutdown: { kind: ["enum", ["server_shutdown"]] },
    Request: { id: "integer", view_id: "integer", stream_id: ["optional", "integer"], cancel: ["optional", "boolean"], query: ["optional", ["nullable", ["ref", "Query"]]], page: ["optional", ["nullable", ["ref", "Page"]]] },
    Query: { filter: ["ref", "Filter"], not_filter: ["optional", ["ref", "NotFilter"]], order_asc: ["optional", "boolean"], threading: ["optional", ["enum", ["off", "on", "unread"]]] },
    Filter: { mailbox_id: ["optional", "integer"], mailbox_name: ["optional", "string"], mailbox_children_included: ["optional", "boolean"], unread: ["optional", "boolean"], words: ["optional", ["list", "string"]], from: ["optional", ["list", "string"]], to: ["optional", ["list", "string"]], subject: ["optional", ["list", "string"]], labels: ["optional", ["list", "string"]], headers: ["optional", ["list", ["ref", "HeaderIs"]]], oldest: ["optional", ["nullable", "time"]], newest: ["optional", ["nullable", "time"]], size_min: ["optional", ["nullable", "integer"]], size_max: ["optional", ["nullable", "integer"]], attachments: ["optional", ["nullable", ["enum", ["any", "archive", "document", "image", "none", "pdf", "presentation", "spreadsheet"]]]] },
    HeaderIs: { name: "string", value: ["optional", "string"] },
    NotFilter: { words: ["optional", ["list", "string"]], from: ["optional", ["list", "string"]], to: ["optional", ["list", "string"]], subject: ["optional", ["list", "string"]], labels: ["optional", ["list", "string"]], attachments: ["optional", ["list", ["enum", ["any", "archive", "document", "image", "none", "pdf", "presentation", "spreadsheet"]]]] },
    Page: { count: "integer", anchor_message_id: ["optional", "integer"], before: ["optional", "boolean"], position: ["optional", ["nullable", "integer"]], dest_message_id: ["optional", "integer"] },
    LoginResult: { csrf_token: "string", login_address: "string" },
    Suggestion: { recipient: "string", list_id: "string", msg_from: "string", remove: "boolean", mailbox: "string" },
    DeliveryReport: { recipients: ["list", ["ref", "Delivery"]], seen: "string" },
    Delivery: { id: "integer", recipient: "string", state: ["enum", ["canceled", "delivered", "failed", "held", "queued", "relayed", "trying"]], attempts: "integer", ended: ["nullable", "time"], last_attempt: ["nullable", "time"], next_attempt: ["nullable", "time"], last_planned: ["nullable", "time"], error: "string", advice: "string", reply: "string", host: "string", tls: "string" },
    Begun: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], subject: "string", text: "string", message_id: "string", in_reply_to: "string", references: ["list", "string"], uploads: ["list", ["ref", "Uploaded"]] },
    Party: { name: "string", address: "string" },
    Uploaded: { upload_id: "string", filename: "string", content_type: "string", size: "integer" },
    Written: { from: ["ref", "Party"], to: ["list", ["ref", "Party"]], cc: ["list", ["ref", "Party"]], bcc: ["list", ["ref", "Party"]], reply_to: ["list", ["ref", "Party"]], subject: "string", text: "string", uploads: ["list", "string"], message_id: "string", in_reply_to: "string", references: ["list", "string"], tls: ["optional", ["enum", ["default", "insecure", "require"]]], original_id: ["optional", "integer"], original_flag: ["optional", ["enum", ["", "answered", "forwarded"]]] },
    Suggestions: { parties: ["list", ["ref", "Party"]], complete: "boolean" },
    Security: { starttls: ["enum", ["", "error", "no", "yes"]], requiretls: ["enum", ["", "error", "no", "yes"]], mtasts: ["enum", ["", "error", "no", "yes"]], dnssec: ["enum", ["", "error", "no", "yes"]], dane: ["enum", ["", "error", "no", "yes"]] },
    QueryAction: { query: ["ref", "Query"], ranges: ["optional", ["list", ["ref", "Range"]]], except_ids: ["optional", ["list", "integer"]], modseq: "integer", action: ["enum", ["delete", "flags_add", "flags_clear", "move"]], mailbox_id: ["optional", "integer"], mark_seen: ["optional", "boolean"], flags: ["optional", ["list", "string"]], after: ["optional", ["nullable", ["ref", "Mark"]]] },
    Range: { first: ["ref", "Mark"], last: ["ref", "Mark"] },
    Mark: { received: "time", id: "integer" },
    QueryDone: { message_ids: ["list", "integer"], unseen_ids: ["list", "integer"], after: ["nullable", ["ref", "Mark"]] }
  };
  var streamEventCheck = ["union", { start: "Start", resume: "Resume", view_msgs: "ViewMsgs", view_progress: "ViewProgress", view_stale: "ViewStale", view_reset: "ViewReset", view_err: "ViewErr", view_changes: "ViewChanges", keepalive: "Keepalive", fatal: "Fatal", server_shutdown: "ServerShutdown" }];
  var Client = class extends BaseClient {
    /** The token that `login` must bring along within 30 seconds. */
    login_prep() {
      return this.call("login_prep", {}, {}, "string");
    }
    /** Begin a session: its cookie is set, its CSRF token returned. */
    login(login_token, username, password) {
      return this.call("login", { login_token, username, password }, { login_token: "string", username: "string", password: "string" }, ["ref", "LoginResult"]);
    }
    /** The rule that would have filed a message to where it was moved; null when there is none to propose. */
    ruleset_suggest_move(message_id, from_mailbox_id, to_mailbox_id) {
      return this.call("ruleset_suggest_move", { message_id, from_mailbox_id, to_mailbox_id }, { message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer" }, ["nullable", ["ref", "Suggestion"]]);
    }
    /** Add the proposed rule, or remove it. A conflict when it would not be proposed any more. */
    ruleset_accept(message_id, from_mailbox_id, to_mailbox_id) {
      return this.call("ruleset_accept", { message_id, from_mailbox_id, to_mailbox_id }, { message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer" }, "null");
    }
    /** Never again propose it: for this list or sender at this address and in this direction, or for moves from, or */
    ruleset_never(message_id, from_mailbox_id, to_mailbox_id, never) {
      return this.call("ruleset_never", { message_id, from_mailbox_id, to_mailbox_id, never }, { message_id: "integer", from_mailbox_id: "integer", to_mailbox_id: "integer", never: ["enum", ["from_mailbox", "message", "to_mailbox"]] }, "null");
    }
    /** Keep the settings, all of them; other pages of the user hear of it. */
    settings_save(settings) {
      return this.call("settings_save", { settings }, { settings: ["ref", "Settings"] }, "null");
    }
    /** Remember how messages of a sender are shown; "" forgets it. */
    from_address_settings_save(from_address, view_mode) {
      return this.call("from_address_settings_save", { from_address, view_mode }, { from_address: "string", view_mode: ["enum", ["", "html", "html_ext", "text"]] }, "null");
    }
    /** What has become of a message that was sent. When that is the state ``seen``, the answer waits 20 seconds for */
    delivery_status(message_id, seen) {
      return this.call("delivery_status", { message_id, seen }, { message_id: "integer", seen: ["optional", "string"] }, ["ref", "DeliveryReport"]);
    }
    /** Try again now; returns for how many recipients. */
    delivery_retry(delivery_ids) {
      return this.call("delivery_retry", { delivery_ids }, { delivery_ids: ["list", "integer"] }, "integer");
    }
    /** Deliver to these recipients no more; returns how many had not been reached. */
    delivery_cancel(delivery_ids) {
      return this.call("delivery_cancel", { delivery_ids }, { delivery_ids: ["list", "integer"] }, "integer");
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
    complete_recipient(search2) {
      return this.call("complete_recipient", { search: search2 }, { search: "string" }, ["ref", "Suggestions"]);
    }
    /** How well mail to an address would be protected on its way (WEBMAIL-94); at most 15 seconds later. */
    recipient_security(address) {
      return this.call("recipient_security", { address }, { address: "string" }, ["ref", "Security"]);
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
    /** Mute messages with all below them, or no more: what comes into a muted thread arrives read. Muting collapses */
    thread_mute(message_ids, mute) {
      return this.call("thread_mute", { message_ids, mute }, { message_ids: ["list", "integer"], mute: "boolean" }, "null");
    }
    /** Keep that messages, with all below them, are shown collapsed, or expanded (WEBMAIL-66). */
    thread_collapse(message_ids, collapse) {
      return this.call("thread_collapse", { message_ids, collapse }, { message_ids: ["list", "integer"], collapse: "boolean" }, "null");
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
    const key2 = letter === void 0 ? event.key === " " ? "Space" : event.key : event.shiftKey ? letter : letter.toLowerCase();
    const shift = event.shiftKey && key2.length > 1 ? "shift " : "";
    return `${event.ctrlKey || event.metaKey ? "ctrl " : ""}${event.altKey ? "alt " : ""}${shift}${key2}`;
  }
  function titleOf(command) {
    return typeof command.title === "string" ? command.title : command.title();
  }
  function hintOf(command) {
    const key2 = command.keys?.[0];
    return key2 === void 0 ? titleOf(command) : `${titleOf(command)} (${key2})`;
  }
  function enabled(command) {
    return command.when?.() ?? true;
  }
  var CommandTable = class {
    /** Whether keys without ctrl or alt that type a sign run commands: speech input and fingers that slip would, too. */
    letters = true;
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
        for (const key2 of command.keys ?? []) this.byKey.set(key2, [...this.byKey.get(key2) ?? [], command]);
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
      if (!this.letters && name.length === 1) return false;
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
    for (const match of value.matchAll(scripts)) {
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
    return value.replace(bidiControls, (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase()}]`);
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
  function belongsTo(target, key2) {
    const element = target;
    if (typeof element?.closest !== "function") return false;
    return element.closest(typing) !== null || (key2 === "Enter" || key2 === "Space") && element.closest(pressed) !== null;
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

  // lib/scheme.ts
  var queries = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
  var dark = /* @__PURE__ */ new Set();
  function paint(scheme) {
    if (dark.size === 0) {
      for (const sheet of document.styleSheets) {
        for (const rule of sheet.cssRules) {
          if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
        }
      }
    }
    for (const rule of dark) rule.media.mediaText = queries[scheme];
    document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
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
    /** Show the form until a log-in succeeds; true when it is another user than before. `below` stands under the form. */
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

  // lib/signal.ts
  var Reader = class {
    constructor(stale) {
      this.stale = stale;
    }
    stale;
    read = /* @__PURE__ */ new Map();
    /** Run `work`, noting what it reads. */
    follow(work) {
      this.forget();
      return untracked(work, this);
    }
    note(source) {
      source.readers.add(this);
      this.read.set(source, source.version);
    }
    /** Whether something that was read has another value by now. */
    changed() {
      return [...this.read].some(([source, version]) => (source.refresh(), source.version !== version));
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
    /** Take a value; whether it is another one. */
    put(next) {
      const other = !Object.is(this.current, next);
      if (other) this.version++;
      this.current = next;
      return other;
    }
    tell = () => [...this.readers].forEach((one) => one.stale());
  };
  var reader = null;
  var owned = null;
  var waiting = /* @__PURE__ */ new Set();
  function untracked(work, by = null) {
    const before = reader;
    reader = by;
    try {
      return work();
    } finally {
      reader = before;
    }
  }
  function signal(first) {
    return new Source(first);
  }
  function computed(make) {
    const source = new Source(void 0);
    let [fresh, made] = [false, false];
    const own = new Reader(() => {
      if (!fresh) return;
      fresh = false;
      source.tell();
    });
    source.refresh = () => {
      if (fresh) return;
      fresh = true;
      if (!made || own.changed()) source.put(own.follow(make));
      made = true;
    };
    return source;
  }
  function effect(work) {
    let ended = false;
    const act = () => void (ended || own.changed() && own.follow(work));
    const own = new Reader(() => {
      if (waiting.size === 0) queueMicrotask(settle);
      waiting.add(act);
    });
    const end = () => {
      ended = true;
      own.forget();
    };
    owned?.push(end);
    own.follow(work);
    return end;
  }
  function settle() {
    const acts = [...waiting];
    waiting.clear();
    for (const act of acts) act();
  }

  // lib/words.ts
  function t(text2, values = {}) {
    return text2.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      if (value === void 0) return whole;
      return typeof value === "number" ? value.toLocaleString() : value;
    });
  }
  function many(n, one, other, values = {}) {
    return t(n === 1 ? one : other, { ...values, n });
  }

  // lib/toasts.ts
  var shown = 1e4;
  var most = 3;
  var stack = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  function toast(text2, action, lasting = false) {
    if (!stack.isConnected) document.body.append(stack);
    const words = el("span", {}, text2);
    let timer = 0;
    const close = () => {
      clearTimeout(timer);
      box.remove();
    };
    const box = el(
      "div",
      { class: "toast" },
      words,
      action !== void 0 && el(
        "button",
        {
          class: "toast-action",
          onclick: () => {
            close();
            action.run();
          }
        },
        action.title
      ),
      !lasting && el("button", { class: "toast-close", "aria-label": t("Close"), onclick: close }, "×")
    );
    if (!lasting) timer = window.setTimeout(close, shown);
    stack.append(box);
    while (stack.childElementCount > most) stack.firstElementChild?.remove();
    return { say: (other) => words.textContent = other, close };
  }

  // webmail/commands/compose.ts
  var composeBar = ["compose.edit", "compose.reply", "compose.reply-all", "compose.forward"];
  function addComposeCommands(desk) {
    const shown2 = () => desk.shown() !== null;
    const draft = () => shown2() && desk.inRole("draft");
    const received = () => shown2() && !desk.inRole("draft");
    const many2 = () => {
      const item = desk.shown();
      return received() && item !== null && item.to.length + item.cc.length > 1;
    };
    const commands = [
      { id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") },
      { id: "compose.edit", title: t("Edit"), keys: ["e"], when: draft, run: () => desk.compose("edit") },
      { id: "compose.reply", title: t("Reply"), keys: ["r"], when: received, run: () => desk.compose("reply") },
      { id: "compose.reply-all", title: t("Reply to all"), keys: ["R"], when: many2, run: () => desk.compose("reply_all") },
      { id: "compose.reply-alone", title: t("Reply"), keys: ["R"], quiet: true, when: () => received() && !many2(), run: () => desk.compose("reply") },
      { id: "compose.reply-list", title: t("Reply to the list"), keys: ["ctrl L"], when: received, run: () => desk.compose("reply_list") },
      { id: "compose.forward", title: t("Forward"), keys: ["f"], when: received, run: () => desk.compose("forward") },
      { id: "compose.forward-attached", title: t("Forward as an attachment"), keys: ["F"], when: received, run: () => desk.compose("forward_attached") },
      { id: "compose.again", title: t("Write again as a new message"), when: received, run: () => desk.compose("edit") }
    ];
    desk.commands.add(t("Write"), commands);
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
    "message.labels",
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
      { id: "app.palette", title: t("Find a command"), keys: ["ctrl k"], quiet: true, run: () => desk.findCommand() },
      { id: "app.keys", title: t("Show all keys"), keys: ["?"], run: () => desk.showKeys() },
      {
        id: "app.undo",
        title: () => desk.undoable() === "" ? t("Undo") : t("Undo: {what}", { what: desk.undoable() }),
        keys: ["ctrl z"],
        when: () => desk.undoable() !== "",
        run: () => desk.undo()
      },
      { id: "app.inbox", title: t("Open the Inbox"), keys: ["i"], run: () => desk.openInbox() },
      { id: "app.unread-only", title: t("Show unread messages only, or all"), run: () => desk.toggleUnread() },
      { id: "app.settings", title: t("Settings…"), keys: ["ctrl !"], run: () => desk.openSettings() },
      { id: "mailbox.create", title: t("New mailbox…"), run: () => desk.createMailbox() },
      { id: "app.log-out", title: t("Log out"), run: () => desk.logOut() }
    ];
  }
  function move(desk, id, title, by, key2, letter) {
    const upper = letter.toUpperCase();
    const extend = upper === letter ? [`shift ${key2}`] : [`shift ${key2}`, upper];
    return [
      { id: `list.${id}`, title, keys: [letter, key2], quiet: true, run: () => desk.moveFocus(by, "select") },
      { id: `list.${id}-extend`, title: t("{title}, extending the selection", { title }), keys: extend, quiet: true, run: () => desk.moveFocus(by, "extend") },
      { id: `list.${id}-focus`, title: t("{title}, without selecting", { title }), keys: [`ctrl ${key2}`], quiet: true, run: () => desk.moveFocus(by, "focus") }
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
    const unknown = () => desk.selected().length < desk.selectedCount();
    const any = (flag) => () => unknown() || desk.selected().some((item) => item.flags.includes(flag));
    const anyWithout = (flag) => () => unknown() || desk.selected().some((item) => !item.flags.includes(flag));
    const loaded = () => some() && !unknown();
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
      { id: "message.flag", title: t("Flag"), keys: ["s"], when: () => some() && !desk.selected().some((item) => item.flags.includes("\\flagged")), run: () => desk.flag(["\\flagged"], true) },
      { id: "message.unflag", title: t("Unflag"), keys: ["s"], when: any("\\flagged"), run: () => desk.flag(["\\flagged"], false) },
      { id: "message.labels", title: t("Labels…"), keys: ["y"], when: loaded, run: () => desk.chooseLabels() },
      { id: "message.export", title: t("Export…"), keys: ["E"], when: some, run: () => desk.exportSelection() }
    ];
  }
  function message(desk) {
    const shown2 = () => desk.shown() !== null;
    const scroll = (id, title, by, keys) => ({
      id,
      title,
      keys,
      quiet: true,
      when: shown2,
      run: () => desk.scrollMessage(by)
    });
    return [
      { id: "message.text", title: t("Show the text"), keys: ["t"], when: shown2, run: () => desk.showText() },
      { id: "message.html", title: t("Show the HTML; again: with what it loads from elsewhere"), keys: ["T"], when: shown2, run: () => desk.showHTML() },
      { id: "message.headers", title: t("Show all headers"), keys: ["ctrl i"], when: shown2, run: () => desk.toggleHeaders() },
      { id: "message.raw", title: t("Open the raw message"), keys: ["O"], when: shown2, run: () => desk.openRaw() },
      scroll("message.scroll-down", t("Scroll the message down"), 0.75, ["alt j", "alt ArrowDown"]),
      scroll("message.scroll-up", t("Scroll the message up"), -0.75, ["alt k", "alt ArrowUp"]),
      scroll("message.scroll-end", t("Scroll to the end"), Infinity, ["alt J"]),
      scroll("message.scroll-top", t("Scroll to the top"), -Infinity, ["alt K"])
    ];
  }

  // webmail/data/stream.ts
  var bufferedAfter = 1e4;
  var silentAfter = 45e3;
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
    watchdog = 0;
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
      clearTimeout(this.watchdog);
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
      const patience2 = setTimeout(() => {
        if (generation !== this.generation || this.openedAt !== 0) return;
        this.useWebsocket = !this.useWebsocket;
        void this.connect();
      }, bufferedAfter);
      const opening = this.owner.opening();
      const take = (data) => {
        if (generation !== this.generation) return;
        clearTimeout(this.watchdog);
        this.watchdog = window.setTimeout(() => generation === this.generation && this.lost(), silentAfter);
        if (this.openedAt === 0) {
          this.openedAt = Date.now();
          clearTimeout(patience2);
          this.owner.connection(true);
        }
        this.take(data);
      };
      const gone = () => {
        clearTimeout(patience2);
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
      clearTimeout(this.watchdog);
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

  // webmail/state/actions.ts
  var undoSteps = 20;
  var callSize = 1e3;
  function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
  }
  function pieces(all, size2) {
    return Array.from({ length: Math.ceil(all.length / size2) }, (_, i) => all.slice(i * size2, (i + 1) * size2));
  }
  var Actions = class {
    constructor(client, mail, moved) {
      this.client = client;
      this.mail = mail;
      this.moved = moved;
    }
    client;
    mail;
    moved;
    /** What Undo would take back, in words; "" when there is nothing. */
    undoable = signal("");
    undos = [];
    last = null;
    running = false;
    /** Move what is selected to the mailbox with this role; false when there is none. */
    toRole(role) {
      const mailbox = this.mail.boxes.withRole(role);
      if (mailbox === void 0) return false;
      this.move(mailbox, true);
      return true;
    }
    /** Move what is selected. */
    move(mailbox, markSeen) {
      if (mailbox.id === this.mail.current.value?.id) return;
      const said = (n) => many(n, "Moved to {mailbox}", "{n} messages moved to {mailbox}", { mailbox: mailbox.name });
      if (!this.mail.selectedAreLoaded()) {
        void this.onQuery({ action: "move", mailbox_id: mailbox.id, mark_seen: markSeen }, said);
        return;
      }
      const items = this.targets().filter((item) => item.mailbox_id !== mailbox.id);
      if (items.length === 0) return;
      const unread = markSeen ? items.filter((item) => !item.flags.includes("\\seen")) : [];
      const ids = items.map((item) => item.id);
      const action = {
        shown: { remove: new Set(ids) },
        call: async () => {
          await this.client.message_move(ids, mailbox.id, markSeen);
          if (items.length === 1) this.moved(items[0], mailbox);
        }
      };
      this.perform(action, said(items.length), t("Not moved"), { what: said(items.length), actions: () => this.back(items, mailbox.id, unread) });
      this.mail.left(items);
    }
    /** Set, or clear, flags and keywords of what is selected. */
    flag(flags, add, said) {
      if (!this.mail.selectedAreLoaded()) {
        void this.onQuery({ action: add ? "flags_add" : "flags_clear", flags: [...flags] }, said);
        return;
      }
      const has = (item, flag) => item.flags.includes(flag) || item.keywords.includes(flag);
      const items = this.mail.selected().filter((item) => flags.some((flag) => has(item, flag) !== add));
      if (items.length === 0) return;
      this.perform(this.flagging(items, flags, add), said(items.length), t("Not changed"), {
        what: said(items.length),
        // each flag goes back on those messages that it was changed on
        actions: () => flags.map((flag) => this.flagging(items.filter((item) => has(item, flag) !== add), [flag], !add))
      });
    }
    /** A message was looked at: no word of it, and nothing to take back. */
    seen(item) {
      this.mail.pending.do(this.flagging([item], ["\\seen"], true)).catch((error) => this.failed(t("Not marked as read"), error));
    }
    /** Remove what is selected for good; the question was asked. */
    deleteForGood() {
      const said = (n) => many(n, "Deleted for good", "{n} messages deleted for good");
      if (!this.mail.selectedAreLoaded()) {
        void this.onQuery({ action: "delete" }, said);
        return;
      }
      const items = this.mail.selected();
      const ids = items.map((item) => item.id);
      this.perform({ shown: { remove: new Set(ids) }, call: () => this.client.message_delete(ids) }, said(ids.length), t("Not deleted"), null);
      this.mail.left(items);
    }
    /** Take the last action back. */
    undo() {
      const last = this.undos.pop();
      this.undoable.value = this.undos.at(-1)?.what ?? "";
      if (last === void 0) return;
      this.say(t("Undone: {what}", { what: last.what }));
      for (const action of last.actions()) this.mail.pending.do(action).catch((error) => this.failed(t("Not undone"), error));
    }
    /** WEBMAIL-70: of several messages those in Sent stay, unless Sent is open. */
    targets() {
      const items = this.mail.selected();
      const sent = this.mail.boxes.withRole("sent")?.id;
      return items.length === 1 || this.mail.inRole("sent") ? items : items.filter((item) => item.mailbox_id !== sent);
    }
    flagging(items, flags, add) {
      const ids = items.map((item) => item.id);
      return {
        shown: { flags: { ids: new Set(ids), add: add ? flags : [], clear: add ? [] : flags } },
        call: async () => {
          if (ids.length > 0) await (add ? this.client.flags_add(ids, [...flags]) : this.client.flags_clear(ids, [...flags]));
        }
      };
    }
    /** What brings messages back to where they were, unread again those that were. */
    back(items, from, unread) {
      const actions = [];
      for (const origin of new Set(items.map((item) => item.mailbox_id))) {
        const own = items.filter((item) => item.mailbox_id === origin);
        actions.push({
          shown: { add: { mailboxId: origin, items: own } },
          call: () => this.client.message_move(own.map((item) => item.id), origin, false, from)
        });
      }
      if (unread.length > 0) actions.push(this.flagging(unread, ["\\seen"], false));
      return actions;
    }
    perform(action, said, failed, undo) {
      if (undo !== null) this.remember(undo);
      this.say(said, undo !== null);
      this.mail.pending.do(action).catch((error) => {
        if (undo !== null) {
          this.undos = this.undos.filter((other) => other !== undo);
          this.undoable.value = this.undos.at(-1)?.what ?? "";
        }
        this.failed(failed, error);
      });
    }
    /** Do something with messages of the query that are not all loaded, a thousand at a time, with progress and a way to stop. */
    async onQuery(what, said) {
      if (this.running) return;
      const selection = this.mail.selection.value;
      const from = this.mail.current.value?.id ?? 0;
      const all = this.mail.selectedCount.value;
      const query = {
        query: this.mail.query.value,
        ranges: selection.stretches.map(({ first, last }) => ({ first, last })),
        except_ids: [...selection.except],
        modseq: this.mail.modseq,
        ...what
      };
      const ids = [];
      const unseen = [];
      let stopped = false;
      this.running = true;
      this.last?.close();
      const stop = () => stopped = true;
      const progress = toast(t("Working on {n} messages…", { n: all }), { title: t("Stop"), run: stop }, true);
      if (what.action === "move" || what.action === "delete") this.mail.unselect();
      try {
        const single = [...selection.ids.keys()];
        if (single.length > 0) await this.onIds(single, what);
        ids.push(...single);
        let after = null;
        for (let more = selection.open; more && !stopped; more = after !== null) {
          const done = await this.client.query_action({ ...query, after });
          ids.push(...done.message_ids);
          unseen.push(...done.unseen_ids);
          after = done.after;
          progress.say(t("{n} of {all} messages…", { n: ids.length, all }));
        }
        const undo = what.action === "delete" ? null : { what: said(ids.length), actions: () => this.backFromQuery(ids, unseen, from, what) };
        if (undo !== null) this.remember(undo);
        progress.close();
        this.say(said(ids.length), undo !== null);
      } catch (error) {
        progress.close();
        this.failed(many(ids.length, "Stopped after {n} message", "Stopped after {n} messages"), error);
      } finally {
        this.running = false;
      }
    }
    async onIds(ids, what) {
      if (what.action === "move") await this.client.message_move(ids, what.mailbox_id ?? 0, what.mark_seen);
      else if (what.action === "delete") await this.client.message_delete(ids);
      else if (what.action === "flags_add") await this.client.flags_add(ids, what.flags ?? []);
      else await this.client.flags_clear(ids, what.flags ?? []);
    }
    backFromQuery(ids, unseen, from, what) {
      const calls = (all, call) => pieces(all, callSize).map((piece) => ({ shown: {}, call: () => call(piece) }));
      const flags = what.flags ?? [];
      if (what.action === "flags_add") return calls(ids, (piece) => this.client.flags_clear(piece, flags));
      if (what.action === "flags_clear") return calls(ids, (piece) => this.client.flags_add(piece, flags));
      const moved = calls(ids, (piece) => this.client.message_move(piece, from, false, what.mailbox_id));
      return what.mark_seen === true ? [...moved, ...calls(unseen, (piece) => this.client.flags_clear(piece, ["\\seen"]))] : moved;
    }
    remember(undo) {
      this.undos = [...this.undos, undo].slice(-undoSteps);
      this.undoable.value = undo.what;
    }
    say(text2, withUndo = false) {
      this.last?.close();
      this.last = toast(text2, withUndo ? { title: t("Undo"), run: () => this.undo() } : void 0);
    }
    failed(what, error) {
      this.last?.close();
      this.last = toast(t("{what}: {why}", { what, why: messageOf(error) }));
    }
  };

  // webmail/state/address.ts
  function parsePlace(hash) {
    const value = hash.replace(/^#/, "");
    const comma = value.lastIndexOf(",");
    const number = comma < 0 ? 0 : Number(value.slice(comma + 1));
    const message2 = Number.isSafeInteger(number) && number > 0 ? number : 0;
    try {
      return { name: decodeURIComponent(message2 > 0 ? value.slice(0, comma) : value) || "Inbox", message: message2 };
    } catch {
      return { name: "Inbox", message: 0 };
    }
  }
  function writePlace({ name, message: message2 }) {
    return `#${encodeURIComponent(name)}${message2 > 0 ? `,${message2}` : ""}`;
  }

  // webmail/data/mailboxes.ts
  var roleOrder = ["draft", "sent", "archive", "trash", "junk"];
  function rank(mailbox) {
    if (mailbox.name === "Inbox") return -1;
    const role = roleOrder.findIndex((name) => mailbox.roles.includes(name));
    return role < 0 ? roleOrder.length : role;
  }
  var Mailboxes = class {
    byId = /* @__PURE__ */ new Map();
    /** All of them in the order of the list. */
    ordered() {
      return [...this.byId.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    }
    get(id) {
      return this.byId.get(id);
    }
    withRole(role) {
      return [...this.byId.values()].find((mailbox) => mailbox.roles.includes(role));
    }
    named(name) {
      return [...this.byId.values()].find((mailbox) => mailbox.name === name);
    }
    /** Take them as they are. */
    set(mailboxes) {
      this.byId.clear();
      for (const mailbox of mailboxes) this.byId.set(mailbox.id, mailbox);
    }
    /** Take a change; false when it is none of mailboxes. */
    apply(change) {
      switch (change.kind) {
        case "mailbox_add":
          this.byId.set(change.mailbox.id, change.mailbox);
          return true;
        case "mailbox_remove":
          this.byId.delete(change.mailbox_id);
          return true;
        case "mailbox_rename":
          return this.update(change.mailbox_id, { name: change.name });
        case "mailbox_counts": {
          const { total, unread, unseen, deleted, size: size2 } = change;
          return this.update(change.mailbox_id, { total, unread, unseen, deleted, size: size2 });
        }
        case "mailbox_special_use":
          return this.update(change.mailbox_id, { roles: change.roles });
        case "mailbox_keywords":
          return this.update(change.mailbox_id, { keywords: change.keywords });
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

  // webmail/data/order.ts
  function markOf(item) {
    return { received: item.received, id: item.id };
  }
  function compare(a, b, oldestFirst) {
    const [first, second] = [a.received.slice(0, -1), b.received.slice(0, -1)];
    const order = first < second ? -1 : first > second ? 1 : a.id - b.id;
    return oldestFirst ? order : -order;
  }
  function search(items, at, oldestFirst) {
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = low + high >> 1;
      if (compare(items[middle], at, oldestFirst) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // webmail/data/pending.ts
  var patience = 3e3;
  function isKeyword(flag) {
    return !flag.startsWith("\\") && !flag.startsWith("$");
  }
  function changed(item, add, clear) {
    const after = (own, kind) => {
      const wanted = add.filter((flag) => isKeyword(flag) === kind);
      return [.../* @__PURE__ */ new Set([...own.filter((flag) => !clear.includes(flag)), ...wanted])];
    };
    return { ...item, flags: after(item.flags, false), keywords: after(item.keywords, true) };
  }
  var Pending = class {
    /** `changed` is called whenever what is shown may be another. */
    constructor(changed2) {
      this.changed = changed2;
    }
    changed;
    entries = [];
    last = Promise.resolve();
    made = /* @__PURE__ */ new WeakMap();
    /** Whether the server still has to be told of something. */
    get busy() {
      return this.entries.some((entry) => !entry.done);
    }
    get size() {
      return this.entries.length;
    }
    /** Show an action and have it done when those before it are; rejects when it failed and is taken back. */
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
    /** The ids that are to leave the list: they are not acted on again. */
    leaving(id) {
      return this.entries.some((entry) => entry.shown.remove?.has(id));
    }
    /** What is shown of these messages of a mailbox, in the order of the view. Unchanged messages stay the same objects. */
    show(items, mailboxId, oldestFirst) {
      let shown2 = items;
      for (const { shown: one } of this.entries) {
        const { remove, add, flags } = one;
        if (remove !== void 0) shown2 = shown2.filter((item) => !remove.has(item.id));
        if (add !== void 0 && add.mailboxId === mailboxId) {
          for (const item of add.items) {
            if (shown2.some((other) => other.id === item.id)) continue;
            const index = search(shown2, item, oldestFirst);
            shown2 = [...shown2.slice(0, index), item, ...shown2.slice(index)];
          }
        }
        if (flags !== void 0) shown2 = shown2.map((item) => flags.ids.has(item.id) ? this.flagged(item, one) : item);
      }
      return shown2;
    }
    /** Forget the actions that the server has done and told of: `items` is what it told. */
    settle(items, mailboxId) {
      const before = this.entries.length;
      const byId2 = new Map(items.map((item) => [item.id, item]));
      this.entries = this.entries.filter((entry) => {
        if (!entry.done) return true;
        const { remove, add, flags } = entry.shown;
        if (remove !== void 0 && [...remove].some((id) => byId2.has(id))) return true;
        if (add !== void 0 && add.mailboxId === mailboxId && add.items.some((item) => !byId2.has(item.id))) return true;
        if (flags === void 0) return false;
        return [...flags.ids].some((id) => {
          const item = byId2.get(id);
          if (item === void 0) return false;
          const own = [...item.flags, ...item.keywords];
          return flags.add.some((flag) => !own.includes(flag)) || flags.clear.some((flag) => own.includes(flag));
        });
      });
      if (this.entries.length < before) this.changed();
    }
    flagged(item, shown2) {
      const flags = shown2.flags;
      const key2 = [...flags.add, "", ...flags.clear].join(" ");
      const known = this.made.get(item);
      if (known?.entries === key2) return known.item;
      const made = changed(item, flags.add, flags.clear);
      this.made.set(item, { entries: key2, item: made });
      return made;
    }
    drop(entry) {
      if (!this.entries.includes(entry)) return;
      this.entries = this.entries.filter((other) => other !== entry);
      this.changed();
    }
  };

  // webmail/data/selection.ts
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
    /** Whether it names messages that need not be loaded. */
    get open() {
      return this.whole || this.stretches.length > 0;
    }
    /** How many are selected of a view of `total`. */
    count(total) {
      if (this.whole) return Math.max(0, total - this.except.size);
      return Math.max(0, this.ids.size + this.stretches.reduce((sum, one) => sum + one.count, 0) - this.except.size);
    }
    has(item, oldestFirst) {
      return !this.except.has(item.id) && (this.ids.has(item.id) || this.covers(item, oldestFirst));
    }
    /** With this message, or without it when it is selected. */
    toggled(item, oldestFirst) {
      if (this.covers(item, oldestFirst)) return this.with({ except: flipped(this.except, item.id) });
      const ids = new Map(this.ids);
      if (!ids.delete(item.id)) ids.set(item.id, item);
      return this.with({ ids });
    }
    /** With these messages too, all of which are loaded. */
    plus(items, oldestFirst) {
      const except = new Set(this.except);
      const ids = new Map(this.ids);
      for (const item of items) {
        except.delete(item.id);
        if (!this.covers(item, oldestFirst)) ids.set(item.id, item);
      }
      return this.with({ ids, except });
    }
    /** With a range of the query that need not be loaded. Of ranges that touch the later one stands. */
    plusStretch(stretch, oldestFirst) {
      if (this.whole) return this;
      const inside = (mark2) => compare(stretch.first, mark2, oldestFirst) <= 0 && compare(mark2, stretch.last, oldestFirst) <= 0;
      const apart = this.stretches.filter((other) => !inside(other.first) && !inside(other.last) && !contains(other, stretch.first, oldestFirst));
      const ids = new Map([...this.ids].filter(([, mark2]) => !inside(mark2)));
      return this.with({ ids, stretches: [...apart, stretch].sort((a, b) => compare(a.first, b.first, oldestFirst)) });
    }
    /** Without messages that have left the view. */
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

  // webmail/data/view.ts
  var pageSize = 100;
  var kept = 1e3;
  var View = class {
    query = { filter: { mailbox_id: 0, mailbox_name: "Inbox" } };
    viewId = 0;
    /** Where the run begins. */
    start = 0;
    items = [];
    /** The first answer has come. */
    known = false;
    /** The run reaches to the end of the list. */
    end = false;
    /** Where the run begins should be asked for again. */
    unsure = false;
    matching = 0;
    requestId = 0;
    running = null;
    fresh = false;
    /** How many rows the list has: those that match, and those shown ones that match no more. */
    get total() {
      if (this.end) return this.start + this.items.length;
      const gone = this.query.filter.unread === true ? this.items.filter((item) => item.flags.includes("\\seen")).length : 0;
      return Math.max(this.matching + gone, this.start + this.items.length);
    }
    get busy() {
      return this.running !== null;
    }
    /** The message at a position, if it is loaded. */
    at(position) {
      return this.items[position - this.start];
    }
    item(id) {
      return this.items.find((item) => item.id === id);
    }
    /** Begin with another query; returns the request for its first page, which lies around the message `destination`. */
    open(query, destination = 0) {
      this.query = query;
      this.viewId++;
      this.start = this.matching = 0;
      this.items = [];
      this.known = this.unsure = this.end = false;
      return this.request("new", { count: pageSize, dest_message_id: destination });
    }
    /** The request by which a new connection goes on with what is here: its page names the last message. */
    resume() {
      const last = this.items.at(-1);
      const request = this.request("check", { count: pageSize, anchor_message_id: last?.id ?? 0 });
      this.running = null;
      this.unsure = true;
      return this.end && this.start === 0 ? { ...request, page: null } : request;
    }
    /** The request for what is missing of the rows from `first` up to but not including `last`; null when nothing is, or when it
     * is on its way. */
    want(first, last) {
      const end = this.start + this.items.length;
      const wantedEnd = Math.min(last, this.total);
      const wantedFirst = Math.max(0, first);
      if (!this.known || wantedFirst >= this.start && wantedEnd <= end) return null;
      const apart = wantedEnd <= this.start || wantedFirst >= end || this.items.length === 0;
      if (this.running !== null && !(apart && this.running !== "new")) return null;
      if (apart) return this.request("new", { count: pageSize, position: Math.max(0, Math.floor((wantedFirst + wantedEnd - pageSize) / 2)) });
      this.drop(wantedFirst, wantedEnd);
      return wantedEnd > end ? this.request("behind", { count: pageSize, anchor_message_id: this.items.at(-1).id }) : this.request("before", { count: pageSize, anchor_message_id: this.items[0].id, before: true });
    }
    /** The request that tells where the run begins; null when that is known, or another request runs. */
    check() {
      const first = this.items[0];
      if (!this.unsure || this.running !== null) return null;
      this.unsure = false;
      return first === void 0 ? null : this.request("check", { count: 1, anchor_message_id: first.id });
    }
    /** Take a part of a page; false when it belongs to another request. */
    take(event) {
      if (event.view_id !== this.viewId || event.request_id !== this.requestId || this.running === null) return false;
      this.known = true;
      this.matching = event.total;
      const items = event.items.flat();
      if (items.length === 0) {
        if (this.fresh) this.replace([], event.position);
        if (this.running === "new" || this.running === "behind") this.end = event.view_end;
        this.running = null;
        return true;
      }
      const present = new Set(this.items.map((item) => item.id));
      const others = items.filter((item) => !present.has(item.id));
      if (this.fresh) this.replace(items, event.position);
      else if (this.running === "check") this.start = Math.max(0, event.position - 1);
      else if (this.running === "before") {
        this.items = [...others, ...this.items];
        this.start = event.position;
      } else {
        this.start = Math.max(0, event.position - this.items.length);
        this.items = [...this.items, ...others];
      }
      return true;
    }
    /** The anchor of the request was not there: what comes begins at the top. */
    reset(viewId, requestId) {
      if (viewId !== this.viewId || requestId !== this.requestId) return;
      this.running = "new";
      this.fresh = true;
    }
    /** The request failed. */
    failed() {
      this.running = null;
      this.known = true;
    }
    /** The connection is gone, and what was on its way with it. */
    lost() {
      this.running = null;
    }
    /** Take a change of the account; returns the messages that left the view. */
    apply(change) {
      switch (change.kind) {
        case "msg_add":
          return this.add(change.item);
        case "msg_remove":
          return change.mailbox_id === this.query.filter.mailbox_id ? this.remove(change.message_ids) : [];
        case "msg_flags":
          this.change(
            [change.message_id],
            (item) => change.modseq < item.modseq ? item : { ...item, flags: change.flags, keywords: change.keywords, modseq: change.modseq }
          );
          return [];
        case "msg_thread":
          this.change(change.message_ids, (item) => ({ ...item, thread_muted: change.muted }));
          return [];
        case "mailbox_counts":
          if (change.mailbox_id === this.query.filter.mailbox_id) {
            this.matching = this.query.filter.unread === true ? change.unseen : change.total + change.deleted;
          }
          return [];
        default:
          return [];
      }
    }
    /** What must always hold; throws with what does not. */
    checkConsistency() {
      for (let i = 1; i < this.items.length; i++) {
        if (compare(this.items[i - 1], this.items[i], this.query.order_asc === true) >= 0) throw new Error(`the list is out of order at ${i}`);
      }
      if (this.start < 0 || this.start + this.items.length > this.total) throw new Error("the run lies outside of the list");
    }
    request(kind, page) {
      this.running = kind;
      this.fresh = kind === "new";
      return { id: ++this.requestId, view_id: this.viewId, query: this.query, page };
    }
    replace(items, position) {
      this.items = items;
      this.start = position;
      this.fresh = this.end = false;
    }
    /** Forget rows that are far from those that are wanted. */
    drop(first, last) {
      const over = this.items.length + pageSize - kept;
      if (over <= 0) return;
      const above = Math.max(0, first - this.start);
      const below = Math.max(0, this.start + this.items.length - last);
      if (above > below) {
        const gone = Math.min(over, above);
        this.items = this.items.slice(gone);
        this.start += gone;
      } else {
        const gone = Math.min(over, below);
        this.items = this.items.slice(0, this.items.length - gone);
        if (gone > 0) this.end = false;
      }
    }
    add(item) {
      const present = this.item(item.id);
      if (present !== void 0 && present.modseq > item.modseq) return [];
      const gone = present === void 0 ? [] : this.remove([item.id]);
      if (item.mailbox_id !== this.query.filter.mailbox_id) return gone;
      const index = search(this.items, item, this.query.order_asc === true);
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
    }
  };

  // webmail/state/settings.ts
  var defaults = {
    signature: "",
    signatures: [],
    quoting: "auto",
    show_address_security: true,
    show_html: false,
    no_show_shortcuts: false,
    show_headers: [],
    color_scheme: "auto",
    density: "comfortable",
    single_keys: true,
    mark_seen_ms: 500,
    after_action: "next"
  };
  var key = "moxlite-webmail-panes";
  function loadLocal() {
    const found = { layout: "auto", width: 0, height: 0 };
    try {
      return { ...found, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
    } catch {
      return found;
    }
  }
  function saveLocal(local) {
    localStorage.setItem(key, JSON.stringify(local));
  }

  // webmail/state/mail.ts
  var checkAfter = 300;
  var restAfter = 80;
  var Mail = class {
    constructor(outside) {
      this.outside = outside;
      this.query = signal(this.view.query);
      this.current = computed(() => {
        const mailboxes = this.mailboxes.value;
        return mailboxes.find((mailbox) => mailbox.id === this.query.value.filter.mailbox_id);
      });
      this.rows = computed(() => {
        void this.version.value;
        return this.overlaid();
      });
      this.shown = computed(() => {
        const selection = this.selection.value;
        if (selection.open || selection.ids.size !== 1) return null;
        const [id] = selection.ids.keys();
        return this.rows.value.items.find((item) => item.id === id) ?? null;
      });
      this.selectedCount = computed(() => this.selection.value.count(this.rows.value.total));
    }
    outside;
    facts = signal({ login_address: "", addresses: [], account_path: "" });
    mailboxes = signal([]);
    query;
    rows;
    selection = signal(Selection.none);
    focus = signal(null);
    connected = signal(true);
    settings = signal(defaults);
    /** Why there are no rows, in words; "" when there is nothing to say. */
    problem = signal("");
    /** The mailbox that is shown. */
    current;
    /** The message that is shown: the one that is selected, when it is one. */
    shown;
    /** How many messages are selected, loaded or not. */
    selectedCount;
    pending = new Pending(() => this.changed());
    boxes = new Mailboxes();
    /** Identifies the stream in requests. */
    streamId = 0;
    /** What the browser has of the account's changes. */
    modseq = 0;
    /** The server's clock is ahead of ours by so much, milliseconds. */
    clockOffset = 0;
    /** A message that the address names; it is selected when it is there. */
    wanted = 0;
    view = new View();
    version = signal(0);
    server = "";
    screen = { first: 0, last: 0 };
    resting = 0;
    checking = 0;
    /** Moves that wait for rows that are not there yet: one that selects, then those that extend the selection. */
    awaited = [];
    get oldestFirst() {
      return this.view.query.order_asc === true;
    }
    /** Show this query with the first connection. */
    begin(query) {
      this.query.value = this.view.query = query;
    }
    /** What the next connection shall show. */
    opening() {
      this.view.lost();
      if (this.modseq > 0 && this.view.known) return { request: this.view.resume(), since: this.modseq };
      return { request: this.view.open(this.view.query, this.wanted), since: 0 };
    }
    /** Show another query, and in it the message `wanted`. */
    open(query, wanted = 0) {
      this.wanted = wanted;
      this.awaited = [];
      this.problem.value = "";
      this.outside.send(this.view.open(query, wanted));
      this.query.value = query;
      this.selection.value = Selection.none;
      this.focus.value = null;
      this.changed();
    }
    /** Take what the stream tells. */
    take(event) {
      switch (event.kind) {
        case "start": {
          const again = this.modseq > 0;
          this.began(event.version, event.stream_id, event.server_time);
          this.modseq = event.modseq;
          this.facts.value = { login_address: event.login_address, addresses: event.addresses, account_path: event.account_path };
          this.settings.value = { ...defaults, ...event.settings };
          this.boxes.set(event.mailboxes);
          this.mailboxes.value = this.boxes.ordered();
          const opened = this.boxes.named(event.mailbox_name);
          if (opened !== void 0) this.view.query = { ...this.view.query, filter: { ...this.view.query.filter, mailbox_id: opened.id, mailbox_name: "" } };
          this.query.value = this.view.query;
          if (again) this.open(this.view.query);
          return;
        }
        case "resume":
          this.began(event.version, event.stream_id, event.server_time);
          this.changed();
          return;
        case "view_msgs":
          if (!this.view.take(event)) return;
          if (event.parsed_message !== null) this.outside.opened(event.parsed_message);
          this.changed();
          this.arrived();
          return;
        case "view_reset":
          this.view.reset(event.view_id, event.request_id);
          return;
        case "view_err":
          if (event.view_id !== this.view.viewId) return;
          this.view.failed();
          this.problem.value = event.message;
          this.changed();
          return;
        case "view_changes":
          this.apply(event.changes);
          if (!event.more) this.modseq = event.modseq;
      }
    }
    /** The rows that are on the screen, and around it; what is missing of them is asked for. */
    look(first, last) {
      this.screen = { first, last };
      const rows = this.rows.value;
      const apart = last <= rows.start || first >= rows.start + rows.items.length;
      clearTimeout(this.resting);
      if (apart && rows.items.length > 0) this.resting = window.setTimeout(() => this.fetch(), restAfter);
      else this.fetch();
    }
    /** The selected messages that are loaded, in the order of the list. */
    selected() {
      const selection = this.selection.value;
      return this.rows.value.items.filter((item) => selection.has(item, this.oldestFirst));
    }
    /** Whether all that is selected is loaded. */
    selectedAreLoaded() {
      return this.selected().length === this.selectedCount.value;
    }
    inRole(role) {
      return this.current.value?.roles.includes(role) ?? false;
    }
    /** Select a message alone, if it is loaded. */
    select(id) {
      const rows = this.rows.value;
      const index = rows.items.findIndex((item) => item.id === id);
      if (index >= 0) this.moveTo(rows.start + index, "select");
    }
    selectAll() {
      if (this.rows.value.total > 0) this.selection.value = Selection.all;
    }
    /** Nothing is selected any more; the focus stays. */
    unselect() {
      this.selection.value = Selection.none;
    }
    toggleFocused() {
      const focus = this.focus.value;
      if (focus !== null) this.toggle(focus.position);
    }
    toggle(position) {
      const item = this.at(position);
      if (item === void 0) return;
      this.focus.value = { item, position };
      this.selection.value = this.selection.value.toggled(item, this.oldestFirst);
    }
    /** Move the focus by rows, or to the ends of the list with infinities. */
    moveFocus(by, how) {
      const total = this.rows.value.total;
      if (total === 0) return;
      const from = this.awaited.at(-1)?.position ?? this.focus.value?.position ?? (by > 0 && Number.isFinite(by) ? -1 : 0);
      this.moveTo(Math.min(total - 1, Math.max(0, from + by)), how);
    }
    /** Move the focus to a row; when it is not there yet, as soon as it is. */
    moveTo(position, how) {
      const item = this.at(position);
      if (how !== "extend") this.awaited = [];
      if (item === void 0 || this.awaited.length > 0) {
        this.awaited.push({ position, how });
        if (this.awaited.length === 1) this.look(position, position + 1);
        return;
      }
      const from = this.focus.value;
      this.focus.value = { item, position };
      if (how === "select") this.selection.value = Selection.of([item]);
      else if (how === "extend") this.extend(from ?? { item, position }, { item, position });
    }
    /** The row where the focus will be when what it waits for has come. */
    heading() {
      return this.awaited.at(0)?.position ?? this.focus.value?.position ?? null;
    }
    nextUnread() {
      const rows = this.rows.value;
      const from = this.focus.value === null ? 0 : this.focus.value.position + 1 - rows.start;
      const next = rows.items.findIndex((item, i) => i >= from && !item.flags.includes("\\seen"));
      if (next >= 0) this.moveTo(rows.start + next, "select");
    }
    /** Messages have left the list: where all that was selected is gone, the next row takes its place. */
    left(gone) {
      if (gone.length === 0) return;
      const before = this.selection.value;
      const after = before.without(gone, this.oldestFirst);
      const first = gone.find((item) => before.has(item, this.oldestFirst));
      if (first === void 0) {
        this.refocus();
        return;
      }
      this.selection.value = after;
      const rows = this.rows.value;
      if (before.whole || after.count(rows.total) > 0 || rows.items.length === 0) {
        this.refocus();
        return;
      }
      const wish = this.settings.value.after_action;
      const found = search(rows.items, markOf(first), this.oldestFirst);
      const index = Math.max(0, Math.min(wish === "previous" ? found - 1 : found, rows.items.length - 1));
      this.moveTo(rows.start + index, wish === "list" ? "focus" : "select");
    }
    began(version, streamId, time) {
      if (this.server !== "" && this.server !== version) this.outside.outdated(version);
      this.server = version;
      this.streamId = streamId;
      this.clockOffset = Date.parse(time) - Date.now();
    }
    apply(changes) {
      const gone = [];
      let boxes = false;
      for (const change of changes) {
        if (change.kind === "settings") this.settings.value = { ...defaults, ...change.settings };
        boxes = this.boxes.apply(change) || boxes;
        gone.push(...this.view.apply(change));
      }
      if (boxes) this.mailboxes.value = this.boxes.ordered();
      this.changed();
      this.left(gone.filter((item) => !this.pending.leaving(item.id)));
      this.pending.settle(this.view.items, this.view.query.filter.mailbox_id ?? 0);
      if (this.view.unsure) {
        clearTimeout(this.checking);
        this.checking = window.setTimeout(() => this.fetch(), checkAfter);
      }
    }
    /** Something of the view or of the pending actions is another. */
    changed() {
      if (this.outside.checking) this.view.checkConsistency();
      this.version.value++;
    }
    overlaid() {
      const { start: start2, items, total, known } = this.view;
      const shown2 = this.pending.show(items, this.view.query.filter.mailbox_id ?? 0, this.oldestFirst);
      return { start: start2, items: shown2, total: total + shown2.length - items.length, known };
    }
    /** Rows have come: moves that waited for them go on, and what is still missing is asked for. */
    arrived() {
      if (this.wanted > 0 && this.rows.value.items.some((item) => item.id === this.wanted)) {
        const wanted = this.wanted;
        this.wanted = 0;
        this.select(wanted);
      }
      const [next, ...others] = this.awaited;
      if (next !== void 0 && this.at(next.position) !== void 0) {
        this.awaited = [];
        this.moveTo(next.position, next.how);
        for (const one of others) this.moveTo(one.position, one.how);
      }
      this.refocus();
      if (!this.view.busy) this.fetch();
    }
    fetch() {
      const { first, last } = this.screen;
      const hidden = this.view.items.length - this.rows.value.items.length;
      const request = this.view.want(first, last + Math.max(0, hidden)) ?? this.view.check();
      if (request !== null && this.streamId > 0) this.outside.send(request);
    }
    at(position) {
      const rows = this.rows.value;
      return rows.items[position - rows.start];
    }
    /** The focused message may stand elsewhere now, or be another object; when it is gone, its place is the focus. */
    refocus() {
      const focus = this.focus.value;
      if (focus === null) return;
      const rows = this.rows.value;
      const index = rows.items.findIndex((item) => item.id === focus.item.id);
      if (index >= 0) this.focus.value = { item: rows.items[index], position: rows.start + index };
      else if (rows.total === 0) this.focus.value = null;
      else {
        const position = Math.min(focus.position, rows.total - 1);
        this.focus.value = { item: this.at(position) ?? focus.item, position };
      }
    }
    extend(from, to) {
      const [first, last] = compare(from.item, to.item, this.oldestFirst) <= 0 ? [from, to] : [to, from];
      const rows = this.rows.value;
      const items = rows.items.slice(Math.max(0, first.position - rows.start), last.position + 1 - rows.start);
      const count = last.position + 1 - first.position;
      this.selection.value = items.length === count ? this.selection.value.plus(items, this.oldestFirst) : this.selection.value.plusStretch({ first: markOf(first.item), last: markOf(last.item), count }, this.oldestFirst);
    }
  };

  // lib/menu.ts
  function openMenu(anchor, title, commands) {
    const items = commands.map(
      (command) => el(
        "button",
        {
          class: "menu-item",
          role: "menuitem",
          tabindex: "-1",
          title: hintOf(command),
          onclick: () => {
            close();
            command.run();
          }
        },
        el("span", {}, titleOf(command)),
        command.keys?.[0] !== void 0 && el("kbd", {}, command.keys[0])
      )
    );
    const menu = el("div", { class: "menu", role: "menu", "aria-label": title }, items);
    const before = document.activeElement;
    const close = () => {
      menu.remove();
      anchor.setAttribute("aria-expanded", "false");
      removeEventListener("pointerdown", outside, true);
      if (before instanceof HTMLElement) before.focus();
    };
    const outside = (event) => {
      if (event.target instanceof Node && !menu.contains(event.target)) close();
    };
    menu.addEventListener("keydown", (event) => {
      const at = items.findIndex((item) => item === document.activeElement);
      const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      event.stopPropagation();
      if (next !== void 0) items[(next + items.length) % items.length]?.focus();
      else if (event.key === "Escape" || event.key === "Tab") close();
      else return;
      event.preventDefault();
    });
    document.body.append(menu);
    const place = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = place.bottom + 4 + height <= innerHeight;
    menu.style.left = `${Math.max(8, Math.min(place.right - width, innerWidth - width - 8))}px`;
    menu.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - 4 - height)}px`;
    anchor.setAttribute("aria-expanded", "true");
    addEventListener("pointerdown", outside, true);
    items[0]?.focus();
  }

  // webmail/ui/bar.ts
  var Bar = class {
    constructor(commands, ids, back, hints) {
      this.commands = commands;
      this.ids = ids;
      this.hints = hints;
      this.more.addEventListener("click", () => openMenu(this.more, t("More actions"), this.folded));
      this.root.append(el("button", { class: "back", onclick: back }, t("‹ Back")), this.buttons, this.more);
      new ResizeObserver(() => this.fold()).observe(this.root);
    }
    commands;
    ids;
    hints;
    root = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("Actions") });
    buttons = el("div", { class: "toolbar-buttons" });
    more = el("button", { class: "toolbar-more", "aria-haspopup": "menu", title: t("More actions"), "aria-label": t("More actions") }, "⋯");
    folded = [];
    /** Draw it again: what can be done is another. The button that has the focus keeps it. */
    draw() {
      const focused = this.buttons.contains(document.activeElement) ? document.activeElement.dataset["command"] : void 0;
      fill(
        this.buttons,
        this.possible().map(
          (command) => el(
            "button",
            {
              class: command.id === "message.delete" ? "danger" : "",
              data: { command: command.id },
              title: hintOf(command),
              onclick: () => {
                this.commands.run(command.id);
                if (this.hints()) hintKey(command);
              }
            },
            titleOf(command)
          )
        )
      );
      if (focused !== void 0) this.buttons.querySelector(`[data-command="${focused}"]`)?.focus();
      this.fold();
    }
    possible() {
      return this.ids.map((id) => this.commands.get(id)).filter(enabled);
    }
    /** Hide from the end what does not fit, and have the menu offer it. */
    fold() {
      const buttons = [...this.buttons.children].filter((child) => child instanceof HTMLElement);
      for (const button of buttons) button.hidden = false;
      this.more.hidden = true;
      const possible = this.possible();
      let shown2 = buttons.length;
      while (shown2 > 1 && this.buttons.scrollWidth > this.buttons.clientWidth) {
        this.more.hidden = false;
        shown2--;
        buttons[shown2].hidden = true;
      }
      this.folded = possible.slice(shown2);
    }
  };
  var hinted = 1500;
  var hint = null;
  function hintKey(command) {
    hint?.remove();
    const key2 = command.keys?.[0];
    if (key2 === void 0) return;
    const shown2 = hint = el("div", { class: "key-hint", "aria-hidden": "true" }, el("kbd", {}, key2));
    document.body.append(shown2);
    setTimeout(() => shown2.remove(), hinted);
  }

  // webmail/data/links.ts
  var start = /\b(?:https?:\/\/|mailto:)[^\s<>"“”]+/g;
  var trailing = new Set(".,;:!?'»”*_");
  function linkPieces(line) {
    const pieces2 = [];
    let end = 0;
    for (const match of line.matchAll(start)) {
      const url = withoutTrailing(match[0]);
      pieces2.push(line.slice(end, match.index), { url, elsewhere: elsewhere(url) });
      end = match.index + url.length;
    }
    pieces2.push(line.slice(end));
    return pieces2;
  }
  function withoutTrailing(url) {
    let closing = 0;
    for (const char of url) closing += char === ")" ? 1 : char === "(" ? -1 : 0;
    let end = url.length;
    for (; end > 0; end--) {
      const last = url[end - 1];
      if (last === ")" && closing > 0) closing--;
      else if (!trailing.has(last)) break;
    }
    return url.slice(0, end);
  }
  function elsewhere(url) {
    if (!/^https?:/i.test(url)) return "";
    const authority = /^[^/\\?#]*/.exec(url.slice(url.indexOf("//") + 2))[0];
    if (!authority.includes("@")) return "";
    try {
      return new URL(url).host;
    } catch {
      return "";
    }
  }

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
  function linked2(line) {
    return linkPieces(line).map((piece) => {
      if (typeof piece === "string") return piece;
      const link = el("a", { href: piece.url, target: "_blank", rel: "noopener noreferrer" }, piece.url);
      const note = t("This link leads to {host}, not to where its text says", { host: piece.elsewhere });
      return piece.elsewhere === "" ? link : [link, el("b", { class: "elsewhere", title: note }, `→ ${piece.elsewhere}`)];
    });
  }
  function quoteLevel(line) {
    let level = 0;
    for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
    return level;
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

  // webmail/ui/row.ts
  var clip = "M12.5 7.2L7.8 12a2.9 2.9 0 01-4.2-4.1l5.2-5.2a2 2 0 012.8 2.8l-5 5a1 1 0 01-1.4-1.4l4.4-4.4";
  var Row = class {
    root = el("div", { class: "message", role: "option", draggable: "true" });
    /** The message; null for one that is not loaded yet. */
    item = null;
    position = -1;
    people = el("span", { class: "message-people", dir: "auto" });
    marks = el("span", { class: "message-marks" });
    time = el("time", { class: "message-age" });
    subject = el("div", { class: "message-subject", dir: "auto" });
    preview = el("div", { class: "message-preview", dir: "auto" });
    recipients = false;
    drawn = false;
    constructor() {
      this.root.append(el("div", { class: "message-top" }, this.people, this.marks, this.time), this.subject, this.preview);
    }
    /** Show this message; nothing is touched when it is the one that is shown. */
    show(item, manner) {
      if (this.drawn && item === this.item && manner.recipients === this.recipients) return;
      this.drawn = true;
      this.item = item;
      this.recipients = manner.recipients;
      this.root.classList.toggle("missing", item === null);
      if (item === null) {
        this.root.removeAttribute("id");
        this.root.classList.remove("unread", "deleted");
        for (const part2 of [this.people, this.marks, this.time, this.subject, this.preview]) fill(part2);
        return;
      }
      const people = manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from;
      this.root.id = `message-${item.id}`;
      this.root.classList.toggle("unread", !item.flags.includes("\\seen"));
      this.root.classList.toggle("deleted", item.flags.includes("\\deleted"));
      this.people.classList.toggle("recipients", manner.recipients);
      this.people.title = addressList(people, longAddress);
      fill(this.people, isolated(addressList(people, shortAddress)) || t("(no address)"));
      fill(this.subject, isolated(item.subject) || t("(no subject)"));
      fill(this.preview, item.keywords.map((keyword) => el("span", { class: "keyword" }, keyword)), isolated(item.preview));
      this.time.dateTime = item.received;
      this.time.title = fullTime(item.received);
      this.refreshAge(manner.now);
      fill(
        this.marks,
        item.flags.includes("\\answered") && el("span", { class: "mark", title: t("Answered") }, "↩"),
        item.flags.includes("$forwarded") && el("span", { class: "mark", title: t("Forwarded") }, "↪"),
        item.attachments.length > 0 && el("span", { class: "mark", title: t("Attachments: {n}", { n: item.attachments.length }) }, icon(clip)),
        item.flags.includes("\\flagged") && el("span", { class: "mark flagged", title: t("Flagged") }, "★")
      );
    }
    /** Its place in the list, in px from the top, and whether it is selected and focused. */
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
      const value = age(this.item.received, now);
      if (this.time.textContent !== value) this.time.textContent = value;
    }
  };

  // webmail/ui/swipe.ts
  var far = 90;
  var least = 12;
  function swipes(list2, possible, done) {
    let row = null;
    let from = { x: 0, y: 0 };
    let pushed = false;
    const show = (by) => {
      row?.style.setProperty("--swipe", `${by}px`);
      row?.classList.toggle("swiped-right", by > 0);
      row?.classList.toggle("swiped-left", by < 0);
      row?.classList.toggle("swiped-far", Math.abs(by) >= far);
    };
    const end = () => {
      show(0);
      row = null;
      pushed = false;
    };
    list2.addEventListener("pointerdown", (event) => {
      if (event.pointerType !== "touch" || !(event.target instanceof Element)) return;
      const found = event.target.closest(".message");
      if (found === null || !possible(found)) return;
      row = found;
      from = { x: event.clientX, y: event.clientY };
    });
    list2.addEventListener("pointermove", (event) => {
      if (row === null || event.pointerType !== "touch") return;
      const by = event.clientX - from.x;
      if (!pushed && Math.abs(event.clientY - from.y) > Math.abs(by)) return;
      if (!pushed && Math.abs(by) < least) return;
      pushed = true;
      show(by);
    });
    list2.addEventListener("pointerup", (event) => {
      const target = row;
      const by = event.clientX - from.x;
      const enough = pushed && Math.abs(by) >= far;
      end();
      if (target !== null && enough) done(target, by > 0 ? "right" : "left");
    });
    list2.addEventListener("pointercancel", end);
  }

  // webmail/ui/list.ts
  var heights = { comfortable: 78, compact: 54 };
  var rowHeight = heights.comfortable;
  var maxHeight = 8e6;
  var MessageList = class {
    constructor(mail, owner) {
      this.mail = mail;
      this.root.append(this.space, this.note);
      this.root.addEventListener("scroll", () => this.later());
      this.root.addEventListener("click", (event) => this.clicked(event));
      this.root.addEventListener("dragstart", (event) => this.dragged(event));
      swipes(this.root, (row) => this.rowOf(row)?.item != null, (row, direction) => {
        const found = this.rowOf(row);
        if (found === void 0) return;
        this.mail.moveTo(found.position, "select");
        owner.swiped(direction);
      });
      new ResizeObserver(() => this.later()).observe(this.root);
      setInterval(() => this.refreshAges(), 3e4);
      effect(() => {
        rowHeight = heights[mail.settings.value.density];
        document.body.classList.toggle("compact", rowHeight === heights.compact);
        this.draw();
      });
      effect(() => {
        void this.mail.focus.value;
        untracked(() => this.reveal());
      });
    }
    mail;
    root = el("div", { class: "messages", role: "listbox", "aria-label": t("Messages"), "aria-multiselectable": "true", tabindex: "0" });
    space = el("div", { class: "messages-space" });
    note = el("div", { class: "messages-note" });
    shown = /* @__PURE__ */ new Map();
    pool = [];
    frame = 0;
    viewOf = null;
    arrived = 0;
    first = null;
    /** Bring the row with the focus into sight. */
    reveal() {
      const position = this.mail.heading();
      if (position === null || this.root.clientHeight === 0) return;
      const top = position * rowHeight;
      const at = this.logical();
      if (top < at) this.scrollTo(top);
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
      return this.mail.rows.value.total * rowHeight;
    }
    /** How many px of the list one px of the scroll bar stands for. */
    get scale() {
      const { clientHeight } = this.root;
      return this.height <= maxHeight ? 1 : (this.height - clientHeight) / (maxHeight - clientHeight);
    }
    /** Where the screen begins in the list, px. */
    logical() {
      return this.root.scrollTop * this.scale;
    }
    scrollTo(top) {
      this.root.scrollTop = top / this.scale;
    }
    draw() {
      const { rows, selection, focus, query, current, problem } = this.mail;
      const { start: start2, items, total, known } = rows.value;
      const chosen = selection.value;
      const focused = focus.value?.position ?? -1;
      const { root, space, note } = this;
      if (this.viewOf !== query.value) {
        this.viewOf = query.value;
        this.first = null;
        root.scrollTop = 0;
      }
      space.style.height = `${Math.min(this.height, maxHeight)}px`;
      const words = problem.value || (known && total === 0 ? emptyNote(query.value.filter.unread === true) : "");
      if (note.textContent !== words) fill(note, words);
      this.hold();
      const screen = root.clientHeight;
      const top = this.logical();
      const visible = Math.ceil(screen / rowHeight) + 1;
      const begin = Math.max(0, Math.floor(top / rowHeight) - visible);
      const end = Math.min(total, Math.ceil(top / rowHeight) + 2 * visible);
      const roles = current.value?.roles ?? [];
      const manner = { now: Date.now() + this.mail.clockOffset, recipients: roles.includes("sent") || roles.includes("draft") };
      const wanted = /* @__PURE__ */ new Map();
      for (let position = begin; position < end; position++) {
        const item = items[position - start2];
        wanted.set(item === void 0 ? `at ${position}` : `id ${item.id}`, position);
      }
      for (const [key2, row] of this.shown) {
        if (wanted.has(key2)) continue;
        this.shown.delete(key2);
        this.pool.push(row);
        row.root.remove();
      }
      const shift = root.scrollTop - top;
      let active = "";
      let next = space.firstElementChild;
      for (const [key2, position] of wanted) {
        const item = items[position - start2] ?? null;
        let row = this.shown.get(key2);
        if (row === void 0) {
          row = this.pool.pop() ?? new Row();
          this.shown.set(key2, row);
        }
        if (row.root === next) next = next.nextElementSibling;
        else space.insertBefore(row.root, next);
        row.show(item, manner);
        row.place(position, total, position * rowHeight + shift, item !== null && chosen.has(item, this.mail.oldestFirst), position === focused);
        row.root.classList.toggle("arrived", item !== null && item.id === this.arrived);
        if (position === focused && item !== null) active = row.root.id;
      }
      if (active === "") root.removeAttribute("aria-activedescendant");
      else root.setAttribute("aria-activedescendant", active);
      if (screen > 0) this.mail.look(begin, Math.max(end, begin + 1));
    }
    /** What is read stays where it is when rows come or go above it, unless the reader looks at the top of the list. */
    hold() {
      const { start: start2, items } = this.mail.rows.value;
      const before = this.first;
      if (before !== null && this.root.scrollTop >= 8) {
        const index = items.findIndex((item2) => item2.id === before.id);
        if (index >= 0 && start2 + index !== before.position) this.scrollTo(this.logical() + (start2 + index - before.position) * rowHeight);
      }
      const position = Math.ceil(this.logical() / rowHeight);
      const item = items[position - start2];
      const top = items[0];
      const newest = start2 === 0 && before !== null && before.position === 0 && top !== void 0 && top.id > before.id;
      this.arrived = newest ? top.id : this.arrived;
      this.first = item === void 0 ? null : { id: item.id, position };
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
      if (row?.item == null) return;
      if (event.ctrlKey || event.metaKey) this.mail.toggle(row.position);
      else this.mail.moveTo(row.position, event.shiftKey ? "extend" : "select");
    }
    dragged(event) {
      const row = this.at(event);
      if (row?.item == null) return;
      if (!this.mail.selection.value.has(row.item, this.mail.oldestFirst)) this.mail.moveTo(row.position, "select");
      event.dataTransfer?.setData("text/plain", row.item.subject);
    }
    refreshAges() {
      const now = Date.now() + this.mail.clockOffset;
      for (const row of this.shown.values()) row.refreshAge(now);
    }
  };
  function emptyNote(unread) {
    return unread ? t("No unread messages here.") : t("No messages here.");
  }

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
    root = el("nav", { class: "mailboxes", "aria-label": t("Mailboxes") });
    /** Draw all mailboxes; `active` is the one that is shown. */
    draw(mailboxes, active) {
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["mailbox"] : void 0;
      fill(
        this.root,
        mailboxes.map((mailbox) => this.row(mailbox, mailbox.id === active)),
        el("button", { class: "mailbox-new", onclick: () => this.owner.createMailbox() }, t("+ New mailbox"))
      );
      if (focused !== void 0) this.root.querySelector(`[data-mailbox="${focused}"]`)?.focus();
    }
    row(mailbox, active) {
      const elements = mailbox.name.split("/");
      const kind = mailbox.name === "Inbox" ? "inbox" : mailbox.roles[0] ?? "folder";
      const title = t("{name}: {total} messages, {unread} unread, {size}", {
        name: mailbox.name,
        total: mailbox.total,
        unread: mailbox.unread,
        size: size(mailbox.size)
      });
      const actions = t("Actions for {name}", { name: mailbox.name });
      const menu = el("button", { class: "mailbox-menu", title: actions, "aria-label": actions }, "⋯");
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
        mailbox.unread > 0 && el("span", { class: "mailbox-unread", "aria-label": t("{n} unread", { n: mailbox.unread }) }, mailbox.unread.toLocaleString())
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
  var kept2 = 20;
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
        selected > 0 ? this.owner.bar : null,
        el(
          "div",
          { class: "reader-empty" },
          selected > 0 ? many(selected, "{n} message selected", "{n} messages selected") : t("Select a message to read it")
        )
      );
    }
    /** Show a message; resolves when it is there. */
    async show(item) {
      this.item = item;
      this.parsed = null;
      this.allHeaders = false;
      this.body = el("div", { class: "reader-body" });
      this.bar = el("div", { class: "reader-bar" });
      const place = el("div", { class: "reader-note", hidden: true });
      fill(this.root, this.owner.bar, this.heading(item), place, this.bar, this.body);
      this.owner.opened(item, place);
      this.root.scrollTop = 0;
      const parsed = await this.open(item.id);
      if (this.item?.id !== item.id) return;
      this.parsed = parsed;
      this.mode = this.first(parsed);
      this.draw();
    }
    /** The message has other flags now. */
    update(item) {
      this.item = item;
    }
    /** How it is shown first: as remembered for the sender, else as set, else as text (WEBMAIL-55, WEBMAIL-56). */
    first(parsed) {
      if (!parsed.has_html) return "text";
      const { view_mode: remembered } = parsed;
      if (remembered !== "" && (remembered !== "text" || parsed.texts.length > 0)) return remembered === "html_ext" ? "htmlexternal" : remembered;
      return parsed.texts.length === 0 || this.owner.settings().show_html ? "html" : "text";
    }
    /** The user wants to see it so, and the other messages of this sender. */
    choose(mode) {
      if (this.parsed === null || this.mode === mode) return;
      this.mode = mode;
      if (this.parsed.has_html) this.keep(mode === "htmlexternal" ? "html_ext" : mode);
      this.draw();
    }
    keep(view) {
      const { parsed, item } = this;
      const [sender, ...others] = item?.from ?? [];
      if (parsed === null || sender === void 0 || others.length > 0) return;
      this.parsed = { ...parsed, view_mode: view };
      this.cache.clear();
      this.remember(parsed.id, Promise.resolve(this.parsed));
      this.owner.remember(bareAddress(sender), view);
    }
    /** Show the text. */
    showText() {
      this.choose("text");
    }
    /** Show the HTML; asked again, with what it loads from elsewhere. */
    showHTML() {
      if (this.parsed?.has_html) this.choose(this.mode === "html" ? "htmlexternal" : "html");
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
        if (this.cache.size <= kept2) break;
        this.cache.delete(old);
      }
    }
    heading(item) {
      const row = (label, value) => value !== "" && [el("dt", {}, label), el("dd", { dir: "auto" }, isolated(value))];
      return el(
        "header",
        { class: "reader-head" },
        el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)")),
        el(
          "dl",
          { class: "reader-fields" },
          row(t("From"), addressList(item.from, longAddress)),
          row(t("Reply to"), addressList(item.reply_to, longAddress)),
          row(t("To"), addressList(item.to, longAddress)),
          row(t("Cc"), addressList(item.cc, longAddress)),
          row(t("Bcc"), addressList(item.bcc, longAddress)),
          row(t("Date"), fullTime(item.date ?? item.received))
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
        el("a", { class: "attachment-get", href: this.part("download", attachment.path), title: t("Download {name}", { name: attachment.filename }), "aria-label": t("Download") }, "↓")
      );
      const draw = (count) => fill(
        list2,
        all.slice(0, count).map(one),
        all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count }))
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
        ["text", t("Text"), parsed.texts.length > 0],
        ["html", t("HTML"), parsed.has_html],
        ["htmlexternal", t("HTML with external resources"), parsed.has_html]
      ];
      fill(
        this.bar,
        modes.filter(([, , possible]) => possible).map(
          ([mode, label]) => el(
            "button",
            {
              class: "mode",
              "aria-pressed": String(this.mode === mode),
              onclick: () => this.choose(mode)
            },
            label
          )
        ),
        parsed.view_mode !== "" && el("button", { class: "mode", title: t("Messages of this sender are shown so"), onclick: () => (this.keep(""), this.draw()) }, t("Forget for this sender")),
        el("span", { class: "spacer" }),
        item.is_signed && el("span", { class: "hint", title: t("The server does not verify signatures") }, t("signed")),
        item.is_encrypted && el("span", { class: "hint", title: t("The server cannot decrypt this") }, t("encrypted")),
        parsed.texts.length === 0 && parsed.has_html && el("span", { class: "hint" }, t("HTML-only message")),
        el("button", { class: "mode", "aria-pressed": String(this.allHeaders), onclick: () => this.toggleHeaders() }, t("Headers")),
        el("button", { class: "mode", onclick: () => this.openRaw() }, t("Raw"))
      );
      const wanted = new Set(this.owner.settings().show_headers.map((name) => name.toLowerCase()));
      const headers = this.allHeaders ? parsed.headers : parsed.headers.filter((header) => wanted.has(header.name.toLowerCase()));
      fill(this.body, headers.length > 0 && this.headers(headers), this.mode === "text" ? this.texts(parsed) : this.frame());
      this.body.classList.toggle("framed", this.mode !== "text");
    }
    headers(headers) {
      return el(
        "table",
        { class: "headers" },
        headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value)))
      );
    }
    texts(parsed) {
      if (parsed.texts.length === 0) return el("p", { class: "hint" }, t("No textual content"));
      return parsed.texts.map(
        (part2) => el("article", { class: "text-part" }, readableText(part2.text), part2.truncated && el("p", { class: "hint" }, t("The rest of this text is not shown.")))
      );
    }
    frame() {
      const kind = this.mode === "htmlexternal" ? "htmlexternal" : "html";
      const frame = el("iframe", {
        class: "html",
        title: t("Message"),
        sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
        referrerpolicy: "no-referrer",
        src: `${this.base}msg/${this.item?.id ?? 0}/${kind}?sameorigin=true`
      });
      frame.addEventListener("load", () => {
        if (frame.contentDocument !== null) this.owner.framed(frame.contentDocument);
      });
      return frame;
    }
  };

  // webmail/ui/panes.ts
  var wide = 1100;
  var [least2, step] = [180, 24];
  var Panes = class {
    constructor(root) {
      this.root = root;
      this.splitter.addEventListener("pointerdown", (event) => {
        this.splitter.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      this.splitter.addEventListener("pointermove", (event) => {
        if (!this.splitter.hasPointerCapture(event.pointerId)) return;
        const list2 = this.splitter.previousElementSibling.getBoundingClientRect();
        this.resize(this.below ? event.clientY - list2.top : event.clientX - list2.left);
      });
      this.splitter.addEventListener("dblclick", () => this.set({ ...this.local, [this.below ? "height" : "width"]: 0 }));
      this.splitter.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[event.key];
        if (by === void 0) return;
        const list2 = this.splitter.previousElementSibling.getBoundingClientRect();
        this.resize((this.below ? list2.height : list2.width) + by);
        event.preventDefault();
        event.stopPropagation();
      });
      addEventListener("resize", () => this.draw());
      this.draw();
    }
    root;
    splitter = el("div", { class: "splitter", role: "separator", tabindex: "0", "aria-label": t("Size of the list") });
    local = loadLocal();
    below = false;
    set(local) {
      this.local = local;
      saveLocal(local);
      this.draw();
    }
    resize(size2) {
      const room = (this.below ? innerHeight : innerWidth) - 2 * least2;
      this.set({ ...this.local, [this.below ? "height" : "width"]: Math.round(Math.min(Math.max(size2, least2), Math.max(room, least2))) });
    }
    draw() {
      const { layout, width, height } = this.local;
      this.below = layout === "topbottom" || layout === "auto" && innerWidth < wide;
      this.root.classList.toggle("below", this.below);
      this.splitter.setAttribute("aria-orientation", this.below ? "horizontal" : "vertical");
      this.root.style.setProperty("--list-width", width === 0 ? "" : `${width}px`);
      this.root.style.setProperty("--list-height", height === 0 ? "" : `${height}px`);
    }
  };

  // webmail/main.ts
  var schemeKey = "moxlite-webmail-scheme";
  var base = document.location.pathname.replace(/[^/]*$/, "");
  function mailboxDialogs() {
    return part(base, "mailboxes");
  }
  var App = class {
    base = base;
    commands = new CommandTable();
    client = new Client(base, checks, (reason) => this.logIn(reason));
    session = new Session("webmail", "Webmail", this.client);
    mail = new Mail({
      send: (request) => this.send(request),
      opened: (parsed) => this.reader.offer(parsed),
      outdated: (version) => location.replace(`${base}?v=${encodeURIComponent(version)}${location.hash}`),
      checking: location.hostname === "localhost"
    });
    actions = new Actions(this.client, this.mail, (item, mailbox) => void this.offerRule(item, mailbox));
    stream = new Stream(this.client, base, {
      event: (event) => {
        this.mail.take(event);
        if (event.kind === "start") this.display();
      },
      connection: (connected) => this.mail.connected.value = connected,
      failed: (error) => void showError(t("The connection to the server failed"), error),
      opening: () => this.mail.opening()
    });
    mailboxes = new MailboxList({
      openMailbox: (mailbox) => this.openMailbox(mailbox),
      createMailbox: () => this.commands.run("mailbox.create"),
      mailboxMenu: (mailbox) => void this.mailboxMenu(mailbox),
      dropMessages: (mailbox) => this.actions.move(mailbox, false)
    });
    list = new MessageList(this.mail, {
      swiped: (direction) => this.commands.run(direction === "right" ? "message.archive" : this.inRole("trash") ? "message.delete" : "message.trash")
    });
    bar = new Bar(
      this.commands,
      [...composeBar, ...barCommands],
      () => this.unselect(),
      () => !this.settings().no_show_shortcuts
    );
    panes = new Panes(byId("app", HTMLElement));
    reader = new MessageView(this.client, base, {
      bar: this.bar.root,
      framed: (page) => {
        listen(page, this.commands, () => this.displayed);
        this.writeTo(page);
      },
      settings: () => this.settings(),
      remember: (address, mode) => void attempt(t("Remembering it for this sender"), () => this.client.from_address_settings_save(address, mode)),
      opened: (item, place) => {
        if (this.mail.boxes.get(item.mailbox_id)?.roles.includes("sent")) void this.followSent(item, place);
      }
    });
    seenTimer = 0;
    displayed = false;
    start() {
      const scheme = localStorage.getItem(schemeKey);
      if (scheme === "light" || scheme === "dark") this.mail.settings.value = { ...this.settings(), color_scheme: scheme };
      const known = this.session.resume();
      const place = parsePlace(location.hash);
      this.mail.wanted = place.message;
      this.mail.begin({ filter: { mailbox_id: 0, mailbox_name: place.name } });
      addEventListener("hashchange", () => this.writeAsked() || this.followHash());
      addEventListener("beforeunload", (event) => {
        if (this.mail.pending.busy) event.preventDefault();
      });
      addCommands(this);
      addComposeCommands(this);
      listen(document, this.commands, () => this.displayed && document.querySelector("dialog[open]") === null);
      this.writeTo(document);
      this.layOut(byId("app", HTMLElement));
      this.watch();
      if (!known) void this.logIn("").then(() => this.stream.start());
      else this.stream.start();
    }
    layOut(root) {
      const facts = this.mail.facts;
      const account = el("span", { class: "account-address" });
      const accountLink = el("a", { title: t("Import and export mail"), hidden: true }, t("Account"));
      const heading = el("h1", { class: "list-title" });
      const count = el("span", { class: "list-count" });
      const offline = el("div", { class: "offline", role: "status" }, t("Not connected"), el("button", { onclick: () => this.stream.retry() }, t("Connect")));
      const command = (id, attributes, ...label) => el("button", { ...attributes, onclick: () => this.commands.run(id) }, label);
      fill(
        root,
        el(
          "aside",
          { class: "side" },
          brand(),
          el("button", { class: "primary compose-new", title: t("New message (c)"), onclick: () => this.commands.run("compose.new") }, t("New message")),
          this.mailboxes.root,
          el("div", { class: "account" }, account, el("div", { class: "account-links" }, command("app.settings", { class: "link" }, t("Settings")), accountLink, command("app.log-out", { class: "link" }, t("Log out"))))
        ),
        el(
          "section",
          { class: "middle", "aria-label": t("List") },
          el(
            "header",
            { class: "list-head" },
            el("button", { class: "menu-open", "aria-label": t("Mailboxes"), onclick: () => document.body.classList.toggle("show-side") }, "☰"),
            heading,
            count,
            command("app.unread-only", { class: "link" }, el("span", { class: "unread-toggle" }, t("Unread only")))
          ),
          offline,
          this.list.root
        ),
        this.panes.splitter,
        this.reader.root
      );
      effect(() => {
        const { login_address, account_path } = facts.value;
        fill(account, login_address);
        accountLink.href = account_path;
        accountLink.hidden = account_path === "";
      });
      effect(() => {
        const selected = this.mail.selectedCount.value;
        fill(heading, this.mail.current.value?.name.split("/").at(-1) ?? "");
        const { total } = this.mail.rows.value;
        fill(count, selected > 1 ? t("{n} of {total} selected", { n: selected, total }) : many(total, "{n} message", "{n} messages"));
      });
      effect(() => {
        offline.hidden = this.mail.connected.value;
      });
      effect(() => {
        root.classList.toggle("unread-only", this.mail.query.value.filter.unread === true);
      });
    }
    /** Have the page follow the state. */
    watch() {
      effect(() => {
        this.mailboxes.draw(this.mail.mailboxes.value, this.mail.current.value?.id ?? 0);
      });
      effect(() => {
        const mailboxes = this.mail.mailboxes.value;
        if (this.displayed && mailboxes.length > 0 && this.mail.current.value === void 0) this.openInbox();
      });
      effect(() => {
        const { color_scheme, single_keys } = this.settings();
        paint(color_scheme);
        localStorage.setItem(schemeKey, color_scheme);
        this.commands.letters = single_keys;
      });
      effect(() => this.title());
      effect(() => this.read(this.mail.shown.value, this.mail.selectedCount.value));
      effect(() => {
        void this.mail.rows.value;
        void this.mail.selection.value;
        void this.mail.mailboxes.value;
        this.bar.draw();
      });
      effect(() => this.writeHash(this.mail.shown.value?.id ?? 0));
    }
    /** Show the message that is selected, or how many are. */
    read(item, selected) {
      document.body.classList.toggle("show-message", selected > 0);
      if (item === null) {
        clearTimeout(this.seenTimer);
        this.reader.showNothing(selected);
        return;
      }
      if (this.reader.current()?.id === item.id) {
        this.reader.update(item);
        return;
      }
      clearTimeout(this.seenTimer);
      this.reader.show(item).catch((error) => void showError(t("Opening the message failed"), error));
      const wait = this.settings().mark_seen_ms;
      if (wait >= 0 && !item.flags.includes("\\seen")) this.seenTimer = window.setTimeout(() => this.actions.seen(item), wait);
    }
    /** Show the form, and log in with what is typed there. */
    async logIn(reason) {
      if (await this.session.logIn(reason) && this.displayed) location.reload();
    }
    /** Once, when there is something to see: custom scripts have their turn, then the page appears. */
    display() {
      if (this.displayed) return;
      this.displayed = true;
      const root = byId("app", HTMLElement);
      beforeDisplay(root);
      root.hidden = false;
      this.list.root.focus();
      this.recover();
      this.writeAsked();
    }
    title() {
      const mailbox = this.mail.current.value;
      const unread = mailbox !== void 0 && mailbox.unread > 0 ? `(${mailbox.unread}) ` : "";
      const offline = this.mail.connected.value ? "" : ` ${t("(not connected)")}`;
      document.title = `${unread}${mailbox?.name ?? "Webmail"} · ${this.mail.facts.value.login_address || "moxlite"}${offline}`;
    }
    send(request) {
      void attempt(t("Loading messages"), () => this.client.request({ ...request, stream_id: this.mail.streamId }));
    }
    openMailbox(mailbox, unread = false) {
      document.body.classList.remove("show-side");
      this.open({ filter: { mailbox_id: mailbox.id, unread } }, 0);
    }
    open(query, message2) {
      this.mail.open(query, message2);
    }
    async mailboxMenu(mailbox) {
      const parent = this.mail.mailboxes.value.some((other) => other.name.startsWith(`${mailbox.name}/`));
      const { mailboxMenu } = await mailboxDialogs();
      await mailboxMenu(this.client, mailbox, parent, (title, what) => this.export(title, what));
    }
    async export(title, what) {
      const { exportMail } = await part(base, "export");
      await exportMail(this.client, base, title, what);
    }
    // The desk: what commands do.
    facts() {
      return this.mail.facts.value;
    }
    settings() {
      return this.mail.settings.value;
    }
    async findCommand() {
      let typed = "";
      const hold = (event) => {
        if (event.key.length === 1) typed += event.key;
        event.preventDefault();
        event.stopPropagation();
      };
      addEventListener("keydown", hold, true);
      const loaded = part(base, "palette").finally(() => removeEventListener("keydown", hold, true));
      await (await loaded).openPalette(this.commands, typed);
    }
    async showKeys() {
      await (await part(base, "palette")).showKeys(this.commands);
    }
    openSettings() {
      void attempt(t("Opening the settings"), async () => (await part(base, "settings")).openSettings(this));
    }
    shown() {
      return this.mail.shown.value;
    }
    selected() {
      return this.mail.selected();
    }
    selectedCount() {
      return this.mail.selectedCount.value;
    }
    inRole(role) {
      return this.mail.inRole(role);
    }
    undoable() {
      return this.actions.undoable.value;
    }
    undo() {
      this.actions.undo();
    }
    moveFocus(by, how) {
      this.mail.moveFocus(by, how);
      this.list.reveal();
    }
    toggleFocused() {
      this.mail.toggleFocused();
    }
    selectAll() {
      this.mail.selectAll();
    }
    unselect() {
      this.mail.unselect();
      this.list.root.focus();
    }
    nextUnread() {
      this.mail.nextUnread();
    }
    toRole(role) {
      clearTimeout(this.seenTimer);
      if (!this.actions.toRole(role)) void this.offerRole(role);
    }
    async offerRole(role) {
      await (await mailboxDialogs()).offerRole(this.client, role, this.mail.mailboxes.value);
    }
    async chooseMove() {
      const { chooseMailbox } = await mailboxDialogs();
      const here = this.mail.current.value?.id;
      const chosen = await chooseMailbox(
        t("Move to"),
        this.mail.mailboxes.value.filter((mailbox) => mailbox.id !== here)
      );
      if (chosen !== null) this.actions.move(chosen, false);
    }
    async deleteForGood() {
      clearTimeout(this.seenTimer);
      const what = many(
        this.selectedCount(),
        "This removes this message from the account. It cannot be undone.",
        "This removes {n} messages from the account. It cannot be undone."
      );
      if (await confirm(t("Delete for good?"), what, t("Delete"))) this.actions.deleteForGood();
    }
    flag(flags, add) {
      clearTimeout(this.seenTimer);
      const said = (n) => many(n, "Message changed", "{n} messages changed");
      this.actions.flag(flags, add, said);
    }
    async chooseLabels() {
      const known = this.mail.mailboxes.value.flatMap((mailbox) => mailbox.keywords);
      const { chooseLabels } = await mailboxDialogs();
      await chooseLabels(
        known,
        this.selected(),
        (label, add) => this.actions.flag([label], add, () => add ? t("Labelled “{label}”", { label }) : t("Label “{label}” removed", { label }))
      );
    }
    exportSelection() {
      const ids = this.selected().map((item) => item.id);
      const count = this.selectedCount();
      const mailbox = this.mail.current.value;
      const title = many(ids.length, "Export this message", "Export {n} messages");
      if (ids.length === count) void this.export(title, { ids });
      else if (mailbox !== void 0) void this.export(t("Export “{name}”", { name: mailbox.name }), { mailbox: mailbox.name, parent: false });
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
    compose(kind, mailto = "") {
      document.body.classList.remove("show-side");
      const selection = getSelection();
      const selected = selection !== null && this.reader.root.contains(selection.anchorNode) ? selection.toString() : "";
      const item = kind === "new" ? null : this.reader.current();
      void attempt(t("Writing"), async () => (await part(base, "compose")).compose(this, toast, kind, item, selected, mailto));
    }
    /** WEBMAIL-101; that there is nothing to offer is no failure. */
    async offerRule({ id, mailbox_id: from }, { id: to, name, roles }) {
      const source = this.mail.boxes.get(from);
      if (source === void 0 || source.roles.length + roles.length > 0) return;
      const rule = await this.client.ruleset_suggest_move(id, from, to).catch(() => null);
      if (rule === null) return;
      const { offerRule } = await part(base, "rules");
      offerRule(this.client, rule, { message: id, from, to }, { from: source.name, to: name });
    }
    async followSent(item, place) {
      const { follow } = await part(base, "sent");
      await follow(this.client, item, place);
    }
    /** `#compose mailto:…` begins a message (WEBMAIL-63); true when it did. */
    writeAsked() {
      const asked = /^#compose(?: |%20)(.+)$/.exec(location.hash)?.[1];
      if (asked === void 0) return false;
      history.replaceState(null, "", location.pathname + location.search);
      this.writeHash(this.mail.shown.value?.id ?? 0);
      this.compose("new", /^mailto%3a/i.test(asked) ? decodeURIComponent(asked) : asked);
      return true;
    }
    /** Addresses in messages open the composer (WEBMAIL-79). */
    writeTo(page) {
      page.addEventListener("click", (event) => {
        const link = event.target?.closest("a[href]")?.getAttribute("href") ?? "";
        if (!/^mailto:/i.test(link)) return;
        event.preventDefault();
        this.compose("new", link);
      });
    }
    /** Take up what a page that was killed has left of messages. */
    recover() {
      if (!Object.keys(localStorage).some((key2) => key2.startsWith("moxlite-webmail-draft-"))) return;
      void attempt(t("Recovering a draft"), async () => (await part(base, "compose")).recover(this, toast));
    }
    openInbox() {
      const inbox = this.mail.boxes.named("Inbox");
      if (inbox !== void 0) this.openMailbox(inbox);
    }
    async createMailbox() {
      await (await mailboxDialogs()).createMailbox(this.client);
    }
    toggleUnread() {
      const mailbox = this.mail.current.value;
      if (mailbox !== void 0) this.openMailbox(mailbox, this.mail.query.value.filter.unread !== true);
    }
    async logOut() {
      this.stream.stop();
      await this.session.logOut();
    }
    followHash() {
      const { name, message: message2 } = parsePlace(location.hash);
      const mailbox = this.mail.boxes.named(name);
      if (mailbox === void 0) return;
      if (mailbox.id !== this.mail.current.value?.id) this.open({ filter: { mailbox_id: mailbox.id } }, message2);
      else if (message2 === 0) this.mail.unselect();
      else if (this.shown()?.id !== message2) this.mail.select(message2);
    }
    writeHash(shown2) {
      const mailbox = this.mail.current.value;
      if (mailbox === void 0) return;
      const hash = writePlace({ name: mailbox.name, message: shown2 || this.mail.wanted });
      if (location.hash === hash) return;
      if (location.hash.includes(",") && hash.includes(",")) history.replaceState(null, "", hash);
      else history.pushState(null, "", hash);
    }
  };
  addEventListener("error", (event) => void showError(t("Something went wrong in this page"), event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => void showError(t("Something went wrong in this page"), event.reason));
  if (new URLSearchParams(location.search).has("v")) history.replaceState(null, "", `${base}${location.hash}`);
  setStatus("");
  new App().start();
})();
