"use strict";
(() => {
// <define:PARTS>
var define_PARTS_default = { device: "e8be57c1", finding: "4b011a8a", junk: "b3ff20e9", links: "e7c0c41e", masked: "09b7f55a", reading: "90803c21", rich: "5e5a0332", rules: "f225b66b", security: "c8513848", sending: "e639b999", shares: "4e47fd55", sieve: "9b9a0af9", squire: "2e87e3ee", transfer: "14403dea", writing: "242cdda1", you: "94f96962" };

var CheckFailed = class extends Error {
};
function verify(table, check2, value, path) {
  if (typeof check2 === "string") {
    if (!scalar(check2, value)) throw new CheckFailed(`${path}: ${check2} expected`);
    return;
  }
  switch (check2[0]) {
    case "list":
      if (!Array.isArray(value)) throw new CheckFailed(`${path}: list expected`);
      for (const [i, item] of value.entries()) verify(table, check2[1], item, `${path}[${i}]`);
      return;
    case "map":
      if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
      for (const [key3, item] of Object.entries(value)) verify(table, check2[1], item, `${path}.${key3}`);
      return;
    case "nullable":
      if (value !== null) verify(table, check2[1], value, path);
      return;
    case "optional":
      if (value !== void 0) verify(table, check2[1], value, path);
      return;
    case "enum":
      if (!check2[1].some((allowed) => allowed === value)) throw new CheckFailed(`${path}: one of ${check2[1].join(", ")} expected`);
      return;
    case "ref":
      fields(table, check2[1], value, path);
      return;
    case "union": {
      const kind = isObject(value) ? value["kind"] : void 0;
      const name = typeof kind === "string" ? check2[1][kind] : void 0;
      if (name === void 0) throw new CheckFailed(`${path}: kind is unknown`);
      fields(table, name, value, path);
    }
  }
}
function fields(table, name, value, path) {
  if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
  const type = table[name];
  if (type === void 0) throw new CheckFailed(`${path}: the type ${name} is unknown`);
  for (const [field, check2] of Object.entries(type)) verify(table, check2, value[field], `${path}.${field}`);
}
function scalar(check2, value) {
  switch (check2) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "integer":
      return Number.isSafeInteger(value);
    case "time":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === check2;
  }
}
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text3, values = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text3, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text3) ?? text3, values);
}
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function meant(context, text3) {
  return globalThis.moxliteLanguage?.find(`${context} ${text3}`) ?? text3;
}

var CallFailed = class extends Error {
  constructor(call, code, message, fields3 = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields3;
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
  verify(check2, value, path) {
    verify(this.table, check2, value, path);
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
    for (const [key3, check2] of Object.entries(checks2)) {
      parameters[key3] = given[Object.keys(parameters).length];
      verify(this.table, check2, parameters[key3], `${name}: ${key3}`);
    }
    const body = JSON.stringify(parameters);
    for (; ; ) {
      try {
        const value = await this.through(name, given, (waits2 = false) => this.steady(name, body, (ask) => this.post(name, body, ask), waits2));
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
    let answer2;
    try {
      const response = await ask(`${this.base}api/${name}`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": this.csrfToken }, body, credentials: "same-origin", signal: name === "token" ? AbortSignal.timeout(connectDeadline) : null });
      ({ status } = response);
      answer2 = await response.json();
    } catch {
      this.unanswered(name);
      const reached2 = status !== 0 && (status < 502 || status > 504);
      throw new CallFailed(name, "", reached2 ? t("Unexpected server response ({status}).", { status: String(status) }) : t("Can't reach the server."));
    }
    if (!answer2.error) return answer2.result;
    const error = await told(answer2.error);
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
  ImportStep: { kind: ["enum", ["step"]], title: "string" },
  ImportCount: { kind: ["enum", ["count"]], mailbox: "string", count: "integer" },
  ImportProblem: { kind: ["enum", ["problem"]], message: "string" },
  ImportNote: { kind: ["enum", ["note"]], message: "string" },
  ImportAsked: { kind: ["enum", ["asked"]], labels: ["list", ["ref", "ImportLabel"]] },
  ImportLabel: { name: "string", messages: "integer", own: "integer", delivered: "integer", meaning: ["enum", ["archive", "drafts", "ignored", "important", "inbox", "junk", "mailbox", "opened", "sent", "starred", "trash", "unread"]] },
  ImportProgress: { kind: ["enum", ["progress"]], octets: "integer", size: "integer", messages: "integer", seconds_left: ["nullable", "integer"] },
  ImportShare: { kind: ["enum", ["share"]], percent: "integer" },
  ImportDone: { kind: ["enum", ["done"]], messages: "integer", problems: "integer", dry_run: "boolean" },
  ImportAborted: { kind: ["enum", ["aborted"]], message: "string" },
  LoginResult: { csrf_token: "string", login_address: "string", second_step: ["nullable", ["ref", "SecondStep"]], device: "boolean" },
  SecondStep: { token: "string", apps: ["list", "string"], keys: ["list", "string"], keys_elsewhere: ["list", ["ref", "KeyElsewhere"]], key_request: "string", codes: "boolean", server_time: "integer" },
  KeyElsewhere: { name: "string", host: "string" },
  Answer: { state: "string", code: "string", iss: "string", error: "string" },
  ProviderState: { name: "string", people: ["list", ["ref", "ProviderPerson"]] },
  ProviderPerson: { subject: "string", since: "integer" },
  FactorState: { apps: ["list", ["ref", "TOTPApp"]], keys: ["list", ["ref", "FactorKey"]], codes: "integer", host: "string", programs: ["list", ["ref", "ProgramUse"]], server_time: "integer" },
  TOTPApp: { id: "integer", name: "string", created: "integer", last_used: "integer" },
  FactorKey: { id: "integer", name: "string", host: "string", created: "integer", last_used: "integer" },
  ProgramUse: { protocol: "string", program: "string", remote_ip: "string", last: "integer" },
  NewApp: { uri: "string", secret: "string", qr: ["ref", "QRCode"], server_time: "integer" },
  QRCode: { size: "integer", path: "string" },
  FactorAdded: { name: "string", recovery_codes: ["list", "string"] },
  KeyRequest: { options: "string" },
  RecoveryInfo: { account: "string", expires: "integer", generated: "boolean", reset_factors: "boolean" },
  Rule: { conditions: ["optional", ["list", ["ref", "RuleCondition"]]], match: ["optional", ["enum", ["all", "any"]]], mailbox: "string", label: ["optional", "string"], star: ["optional", "boolean"], read: ["optional", "boolean"], forward_to: ["optional", ["list", "string"]], never_junk: ["optional", "boolean"], smtp_mail_from_regexp: "string", msg_from_regexp: "string", verified_domain: "string", headers_regexp: ["list", ["ref", "HeaderRule"]], is_forward: "boolean", list_allow_domain: "string", accept_rejects_to_mailbox: "string", comment: "string" },
  RuleCondition: { part: ["enum", ["attachment", "from", "larger", "list", "subject", "text", "to"]], test: ["enum", ["begins", "contains", "ends", "is"]], value: "string" },
  HeaderRule: { name: "string", value: "string" },
  Place: { received: "integer", id: "integer" },
  SortPage: { moves: ["list", ["ref", "Destined"]], looked: "integer", next: ["nullable", ["ref", "Place"]] },
  Destined: { id: "integer", mailbox: "string" },
  GivenPage: { items: ["list", ["ref", "GivenAddress"]], total: "integer", domains: ["list", "string"] },
  GivenAddress: { id: "integer", address: "string", state: ["enum", ["expired", "off", "on"]], site: "string", note: "string", only_from: ["list", "string"], created: "string", expires: "string", last_mail: "string", messages: "integer", senders: ["list", "string"], wrote: ["list", ["ref", "GivenSender"]], strangers: "integer", strangers_since: "string", leak: "string" },
  GivenSender: { domain: "string", first: "string", messages: "integer" },
  LinkList: { items: ["list", ["ref", "LinkItem"]], insecure: "boolean" },
  LinkItem: { name: "string", address: "string", host: "string", port: "integer", tls: ["enum", ["implicit", "none", "starttls"]], protocol: ["enum", ["imap", "pop3"]], keep_days: ["nullable", "integer"], user: "string", created: "time", state: ["enum", ["connecting", "copying", "current", "paused", "refused", "waiting"]], mailbox: "string", done: "integer", total: "integer", said: ["ref", "Remark"], next_try: ["nullable", "time"], refused: ["nullable", "time"], provider: "string", wants: ["enum", ["", "allow", "app"]], page: "string", problems: ["list", ["ref", "Remark"]], smtp_host: "string", smtp_port: "integer", smtp_tls: ["enum", ["implicit", "starttls"]], smtp_user: "string", sorts: "boolean" },
  Remark: { message: "string", words: "any" },
  FoundServers: { incoming: ["ref", "FoundServer"], protocol: ["enum", ["imap", "pop3"]], smtp: ["nullable", ["ref", "FoundServer"]], provider: "string", wants: ["enum", ["", "allow", "app"]], page: "string", proven: "boolean" },
  FoundServer: { host: "string", port: "integer", tls: ["enum", ["implicit", "none", "starttls"]], user: "string" },
  LinkForm: { address: "string", name: "string", protocol: ["enum", ["imap", "pop3"]], host: "string", port: "integer", tls: ["enum", ["implicit", "none", "starttls"]], user: "string", password: "string", keep_days: ["nullable", "integer"], sorts: "boolean", sends: "boolean", smtp_host: "string", smtp_port: "integer", smtp_tls: ["enum", ["implicit", "starttls"]], smtp_user: "string" },
  Added: { name: "string", sending: ["ref", "Remark"] },
  Shares: { given: ["list", ["ref", "ShareInfo"]], received: ["list", ["ref", "Received"]], mailboxes: ["list", "string"], senders: ["list", ["ref", "DelegateInfo"]] },
  ShareInfo: { mailbox: "string", guest: "string", rights: "string" },
  Received: { owner: "string", mailbox: "string", rights: "string" },
  DelegateInfo: { guest: "string", sends: "string", ends: ["nullable", "time"], whole: "boolean" },
  Copying: { phase: ["enum", ["aborted", "done", "failed", "looked", "looking", "none", "paused", "running"]], host: "string", port: "integer", tls: ["enum", ["implicit", "none", "starttls"]], user: "string", plan: ["list", ["ref", "PlannedMailbox"]], mailbox: "string", done: "integer", total: "integer", all: "integer", left: "integer", seconds: "integer", messages: "integer", flags: "integer", note: ["ref", "Remark"], problems: ["list", ["ref", "Remark"]], problem_count: "integer", error: ["ref", "Remark"], known: ["list", ["ref", "KnownServer"]], insecure: "boolean" },
  PlannedMailbox: { source: "string", target: "string", messages: "integer", new: "integer" },
  KnownServer: { host: "string", user: "string" },
  ServerForm: { host: "string", port: "integer", tls: ["enum", ["implicit", "none", "starttls"]], user: "string", password: "string", prefix: "string", since: ["nullable", "time"] },
  CalendarCopying: { phase: ["enum", ["aborted", "done", "failed", "none", "running"]], host: "string", user: "string", place: "string", at: "integer", of: "integer", places: "integer", added: "integer", known: "integer", unread: "integer", problems: ["list", ["ref", "Remark"]], error: ["ref", "Remark"] },
  DeviceLink: { url: "string", qr: ["ref", "QRCode"] },
  DeviceState: { state: ["enum", ["asking", "gone", "issuing", "ready", "refused", "waiting"]], remote_ip: "string", user_agent: "string" },
  DeviceLook: { state: ["enum", ["asking", "issuing", "ready", "refused", "waiting"]], password: "string", program: ["ref", "Program"], davx5: "string" },
  Program: { username: "string", imap: ["list", ["ref", "MailServer"]], submission: ["list", ["ref", "MailServer"]], jmap: "string" },
  MailServer: { host: "string", port: "integer", security: ["enum", ["plain", "starttls", "tls"]] },
  Taught: { wanted: "integer", junk: "integer" },
  Training: { running: "boolean", done: "integer", total: "integer" },
  Sending: { form: ["ref", "SendingForm"], events: ["list", "string"] },
  SendingForm: { outgoing_webhook: ["ref", "OutgoingForm"], incoming_webhook: ["ref", "IncomingForm"], from_id_login_addresses: ["list", "string"], keep_retired_message_period: "string", keep_retired_webhook_period: "string" },
  OutgoingForm: { url: "string", authorization: "string", events: ["list", "string"], secret: "string" },
  IncomingForm: { url: "string", authorization: "string", secret: "string" },
  HookTest: { status: "integer", seconds: "number", error: "string", response: "string" },
  Scripts: { scripts: ["list", ["ref", "Script"]], failures: ["list", ["ref", "ScriptFailure"]], extensions: ["list", "string"] },
  Script: { name: "string", size: "integer", active: "boolean", changed: "integer" },
  ScriptFailure: { moment: "time", script: "string", line: "integer", text: ["ref", "Remark"] },
  ScriptFault: { line: "integer", column: "integer", text: "string" },
  RuleLabel: { keyword: "string", name: "string" },
  TriedRules: { messages: ["list", ["ref", "TriedMessage"]], complete: "boolean" },
  TriedMessage: { id: "integer", sender: "string", subject: "string", received: "time", rule: ["nullable", "integer"] },
  RulesAsSieve: { script: "string", left_out: ["list", ["ref", "LeftOutRule"]] },
  LeftOutRule: { rule: "integer", reason: "string" },
  PasswordState: { custom: "boolean", changed: ["nullable", "time"], app_passwords_required: "boolean" },
  SessionItem: { id: "integer", app: ["enum", ["webaccount", "webmail"]], address: "string", remote_ip: "string", user_agent: "string", created: "time", last_used: "time", expires: "time", current: "boolean", device: "boolean" },
  Attempt: { protocol: "string", mechanism: "string", remote_ip: "string", result: "string", certificate: "boolean", username: "string", user_agent: "string", app_password: "string", first: "time", last: "time", count: "integer", after: "string" },
  Secured: { password: "string", sessions: "integer", app_passwords: "integer", queue: "boolean", held: "integer", left: ["list", ["ref", "Left"]], taken: ["nullable", ["ref", "TakenBack"]] },
  Left: { recipient: "string", state: "string", ended: "time" },
  TakenBack: { ways: ["list", ["ref", "WayInfo"]], failed: ["map", "string"] },
  WayInfo: { id: "string", kind: ["enum", ["app_password", "authenticator", "calendar", "calendar_link", "certificate", "contacts", "delegate", "device", "folder", "forward", "incoming_webhook", "linked", "outgoing_webhook", "provider", "push", "recovery_codes", "recovery_link", "script", "security_key", "sender", "session", "token"]], name: "string", who: "string", access: "string", set_up: ["nullable", "time"], actor: "string", via: "string", remote_ip: "string", login: "string", current: "boolean", place: "string" },
  Apps: { webmail: "string" },
  Overview: { login_address: "string", account: "string", full_name: "string", storage_used: "integer", storage_limit: "integer", messages: "integer", addresses: ["list", ["ref", "Address"]], lists: ["list", ["ref", "MailingList"]], program: ["ref", "Program"], app_passwords_required: "boolean", sorting: ["ref", "SortingNotices"], old_patterns: ["list", ["ref", "OldPattern"]] },
  Address: { address: "string", catchall: "boolean", domain_disabled: "boolean", full_name: "string", mailbox: "string", rules: "integer", refused: "string" },
  MailingList: { address: "string", members_shown: "boolean", members: ["list", "string"], public: "boolean", may_send: "boolean" },
  SortingNotices: { away: "boolean", away_until: ["nullable", "time"], failure: ["nullable", ["ref", "SortingFailure"]], stopped: ["list", "string"] },
  SortingFailure: { moment: "time", script: "string", line: "integer", text: ["ref", "Remark"], count: "integer" },
  OldPattern: { address: "string", remark: ["ref", "Remark"] },
  Preferences: { settings: ["ref", "Settings"], addresses: ["list", "string"], offline: "boolean" },
  Settings: { compose_format: ["optional", ["enum", ["html", "text"]]], quoting: ["optional", ["enum", ["auto", "bottom", "top"]]], show_address_security: ["optional", "boolean"], show_html: ["optional", "boolean"], no_show_shortcuts: ["optional", "boolean"], show_headers: ["optional", ["list", "string"]], color_scheme: ["optional", ["enum", ["auto", "dark", "light"]]], language: ["optional", ["enum", ["", "ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"]]], density: ["optional", ["enum", ["comfortable", "compact"]]], single_keys: ["optional", "boolean"], keymap: ["optional", ["map", "string"]], undo_send_seconds: ["optional", "integer"], mark_seen_ms: ["optional", "integer"], after_action: ["optional", ["enum", ["list", "next", "previous"]]], open_on_move: ["optional", "boolean"], invitation_mails: ["optional", "boolean"], searches: ["optional", ["list", ["ref", "SavedSearch"]]], unsubscribed: ["optional", ["list", ["ref", "Unsubscribed"]]], labels: ["optional", ["list", ["ref", "Label"]]], signature: ["optional", "string"], signature_html: ["optional", "string"], signatures: ["optional", ["list", ["ref", "OwnSignature"]]] },
  SavedSearch: { name: "string", text: "string" },
  Unsubscribed: { sender: "string", at: "time" },
  Label: { keyword: "string", name: "string", color: "integer" },
  OwnSignature: { address: "string", text: "string", html: ["optional", "string"] },
  SomeSettings: { compose_format: ["optional", ["enum", ["html", "text"]]], quoting: ["optional", ["enum", ["auto", "bottom", "top"]]], show_address_security: ["optional", "boolean"], show_html: ["optional", "boolean"], no_show_shortcuts: ["optional", "boolean"], show_headers: ["optional", ["list", "string"]], color_scheme: ["optional", ["enum", ["auto", "dark", "light"]]], language: ["optional", ["enum", ["", "ar", "cs", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt", "sv", "uk", "zh"]]], density: ["optional", ["enum", ["comfortable", "compact"]]], single_keys: ["optional", "boolean"], keymap: ["optional", ["map", "string"]], undo_send_seconds: ["optional", "integer"], mark_seen_ms: ["optional", "integer"], after_action: ["optional", ["enum", ["list", "next", "previous"]]], open_on_move: ["optional", "boolean"], invitation_mails: ["optional", "boolean"], searches: ["optional", ["list", ["ref", "SavedSearch"]]], unsubscribed: ["optional", ["list", ["ref", "Unsubscribed"]]], labels: ["optional", ["list", ["ref", "Label"]]], signature: ["optional", "string"], signature_html: ["optional", "string"], signatures: ["optional", ["list", ["ref", "OwnSignature"]]] },
  ShownTemplate: { id: "integer", name: "string", subject: "string", text: "string", html: "string", mark: "string" },
  TemplateChange: { id: "integer", name: ["optional", "string"], subject: ["optional", "string"], text: ["optional", "string"], html: ["optional", "string"] },
  NoticeState: { public_key: "string", devices: ["list", ["ref", "NoticeDevice"]], choice: ["ref", "NoticeChoice"] },
  NoticeDevice: { id: "integer", name: "string", host: "string", created: "time", used: ["nullable", "time"], failures: "integer", error: "string" },
  NoticeChoice: { known: "boolean", quiet_from: "integer", quiet_until: "integer", zone: "string", alarms: ["optional", ["enum", ["all", "none", "notices"]]] },
  Mailbox: { name: "string", total: "integer", size: "integer" },
  ImportState: { token: "string", uploading: "boolean" },
  VacationInfo: { enabled: "boolean", start: "integer", end: "integer", subject: "string", text: "string", html: "string", known_only: "boolean", addresses: ["list", "string"], active: "boolean", script: "boolean", mark: "string", answered: ["list", ["ref", "VacationAnswer"]] },
  VacationAnswer: { address: "string", sent: "integer" },
  VacationChange: { enabled: ["optional", "boolean"], start: ["optional", "integer"], end: ["optional", "integer"], subject: ["optional", "string"], text: ["optional", "string"], html: ["optional", "string"], known_only: ["optional", "boolean"], addresses: ["optional", ["list", "string"]] },
  DestinationItem: { address: "string", form: ["ref", "DestinationForm"] },
  DestinationForm: { mailbox: "string", full_name: "string", rulesets: ["list", ["ref", "Rule"]], smtp_error: "string", refused_addresses: ["list", "string"], message_auth_required_smtp_error: "string" },
  DestinationChange: { mailbox: ["optional", "string"], full_name: ["optional", "string"], rulesets: ["optional", ["list", ["ref", "Rule"]]], smtp_error: ["optional", "string"], refused_addresses: ["optional", ["list", "string"]], message_auth_required_smtp_error: ["optional", "string"] },
  Forwards: { form: ["ref", "ForwardForm"], targets: ["list", ["ref", "ForwardTarget"]], script: "string" },
  ForwardForm: { forward_to: ["list", "string"], keep_copy: "boolean" },
  ForwardTarget: { address: "string", state: ["enum", ["asked", "confirmed", "new", "stopped"]], since: ["nullable", "time"], failing: ["nullable", "time"], error: "string", alias: "string", script: "string", ran: "boolean", taken_over: "boolean" },
  ForwardChange: { forward_to: ["optional", ["list", "string"]], keep_copy: ["optional", "boolean"] },
  Junk: { form: ["ref", "JunkForm"], standard: ["ref", "JunkFilterForm"], hams: "integer", spams: "integer", lacks: ["list", ["ref", "JunkLack"]], mailboxes: ["list", "string"], latest: ["map", "integer"], kept: "integer", marked: "integer", filed: "integer", refused: "integer" },
  JunkForm: { automatic_junk_flags: ["ref", "JunkFlagsForm"], junk_filter: ["nullable", ["ref", "JunkFilterForm"]], rejects_mailbox: "string", keep_rejects: "boolean", introbox: "string", imap_capabilities_disabled: ["list", "string"] },
  JunkFlagsForm: { enabled: "boolean", junk_mailbox_regexp: "string", neutral_mailbox_regexp: "string", not_junk_mailbox_regexp: "string" },
  JunkFilterForm: { threshold: "number", onegrams: "boolean", twograms: "boolean", threegrams: "boolean", max_power: "number", top_words: "integer", ignore_words: "number", rare_words: "integer", file_unsure: ["optional", "boolean"] },
  JunkLack: { kind: ["enum", ["ham-senders", "hams", "lead", "spam-senders", "spams", "words"]], count: "integer", needed: "integer" },
  JunkChange: { automatic_junk_flags: ["optional", ["ref", "JunkFlagsForm"]], junk_filter: ["optional", ["nullable", ["ref", "JunkFilterForm"]]], rejects_mailbox: ["optional", "string"], keep_rejects: ["optional", "boolean"], introbox: ["optional", "string"], imap_capabilities_disabled: ["optional", ["list", "string"]] },
  AppPasswordInfo: { name: "string", token: "boolean", scopes: ["list", ["enum", ["addresses", "dav", "imap", "jmap", "sharing", "sieve", "submission", "webapi"]]], read_only: "boolean", created: "time", expires: ["nullable", "time"], expired: "boolean", last_used: ["nullable", "time"], last_ip: "string", last_protocol: "string" },
  TLSKeyInfo: { fingerprint: "string", account: "string", login_address: "string", name: "string", type: "string", no_imap_preauth: "boolean", created: "time", mark: "string", certificate: "string", last_used: ["nullable", "time"], last_ip: "string", last_protocol: "string" },
  KeyChallenge: { command: "string", expires: "time" },
  CertificateChange: { name: ["optional", "string"], login_address: ["optional", "string"], no_imap_preauth: ["optional", "boolean"] },
  LinkInfo: { name: "string", address: "string", host: "string", port: "integer", tls: "string", user: "string", state: "string", text: "string", problems: ["list", "string"], protocol: "string", keep_days: ["nullable", "integer"], smtp_host: "string", smtp_port: "integer", smtp_tls: "string", smtp_user: "string", sends: "boolean", keeps_copy: "boolean", sorts: "boolean", sending: "string" },
  Suppressed: { account: "string", address: "string", base: "string", manual: "boolean", reason: "string", created: "string", expires: "string" }
};
var Client = /* @__PURE__ */ clientOf({
  login_prep: [{}, "string"],
  login: [{ login_token: "string", username: "string", password: "string" }, ["ref", "LoginResult"]],
  login_factor: [{ token: "string", kind: ["enum", ["key", "recovery", "totp"]], code: "string" }, ["ref", "LoginResult"]],
  confirm_options: [{}, ["ref", "SecondStep"]],
  confirm: [{ kind: ["enum", ["key", "password", "recovery", "totp"]], code: "string" }, "null"],
  provider_name: [{}, "string"],
  provider_login: [{ stay: "boolean" }, "string"],
  provider_finish: [{ answer: ["ref", "Answer"] }, ["ref", "LoginResult"]],
  provider_confirm: [{}, "string"],
  provider_confirmed: [{ answer: ["ref", "Answer"] }, "null"],
  provider_logout: [{}, "string"],
  provider_state: [{}, ["ref", "ProviderState"]],
  provider_connect: [{}, "string"],
  provider_connected: [{ answer: ["ref", "Answer"] }, ["ref", "ProviderState"]],
  provider_disconnect: [{ subject: "string" }, ["ref", "ProviderState"]],
  second_factors: [{}, ["ref", "FactorState"]],
  totp_begin: [{ name: "string" }, ["ref", "NewApp"]],
  totp_finish: [{ code: "string" }, ["ref", "FactorAdded"]],
  key_begin: [{ name: "string" }, ["ref", "KeyRequest"]],
  key_created: [{ answer: "string" }, ["ref", "KeyRequest"]],
  key_finish: [{ answer: "string" }, ["ref", "FactorAdded"]],
  factor_remove: [{ kind: ["enum", ["key", "totp"]], id: "integer" }, ["ref", "FactorState"]],
  recovery_codes_new: [{}, ["list", "string"]],
  recovery_info: [{ token: "string" }, ["ref", "RecoveryInfo"]],
  recover: [{ token: "string", password: "string" }, "string"],
  rules_count: [{ address: "string", rules: ["list", ["ref", "Rule"]], after: ["nullable", ["ref", "Place"]] }, ["ref", "SortPage"]],
  script_count: [{ name: "string", after: ["nullable", ["ref", "Place"]] }, ["ref", "SortPage"]],
  sort_move: [{ ids: ["list", "integer"], source: "string", target: "string" }, "integer"],
  masked_list: [{ text: "string", offset: "integer" }, ["ref", "GivenPage"]],
  link_list: [{}, ["ref", "LinkList"]],
  link_find: [{ address: "string" }, ["ref", "FoundServers"]],
  link_add: [{ link: ["ref", "LinkForm"] }, ["ref", "Added"]],
  shares: [{}, ["ref", "Shares"]],
  copy_state: [{}, ["ref", "Copying"]],
  copy_look: [{ server: ["ref", "ServerForm"] }, "null"],
  copy_go_on: [{ leave_out: ["nullable", ["list", "string"]] }, "null"],
  copy_pause: [{}, "null"],
  copy_abort: [{}, "null"],
  copy_dismiss: [{}, "null"],
  calendar_copy_state: [{}, ["ref", "CalendarCopying"]],
  calendar_copy: [{ url: "string", user: "string", password: "string" }, "null"],
  calendar_copy_abort: [{}, "null"],
  calendar_copy_dismiss: [{}, "null"],
  device_start: [{ name: "string" }, ["ref", "DeviceLink"]],
  device_state: [{}, ["ref", "DeviceState"]],
  device_answer: [{ yes: "boolean" }, "null"],
  device_open: [{ link: "string" }, "string"],
  device_look: [{ claim: "string" }, ["ref", "DeviceLook"]],
  junk_teach: [{}, ["ref", "Taught"]],
  junk_retrain: [{}, "integer"],
  junk_training: [{}, ["ref", "Training"]],
  sending: [{}, ["ref", "Sending"]],
  sending_save: [{ old: ["ref", "SendingForm"], changed: ["ref", "SendingForm"] }, ["ref", "SendingForm"]],
  webhook_test: [{ hook: ["ref", "OutgoingForm"], incoming: "boolean" }, ["ref", "HookTest"]],
  script_list: [{}, ["ref", "Scripts"]],
  script_check: [{ text: "string" }, ["list", ["ref", "ScriptFault"]]],
  settings: [{}, ["map", "any"]],
  settings_save: [{ old: ["map", "any"], changed: ["map", "any"] }, "null"],
  rule_labels: [{}, ["list", ["ref", "RuleLabel"]]],
  rules_try: [{ address: "string", rules: ["list", ["ref", "Rule"]] }, ["ref", "TriedRules"]],
  rules_as_sieve: [{ rules: ["list", ["ref", "Rule"]] }, ["ref", "RulesAsSieve"]],
  password_state: [{}, ["ref", "PasswordState"]],
  set_password: [{ password: "string" }, "integer"],
  generate_password: [{}, "string"],
  app_password_remove_all: [{}, "integer"],
  session_list: [{}, ["list", ["ref", "SessionItem"]]],
  session_remove: [{ session_id: "integer" }, "null"],
  session_remove_others: [{}, "integer"],
  attempt_list: [{ after: "string", count: "integer" }, ["list", ["ref", "Attempt"]]],
  not_me: [{ since: ["optional", "integer"], keep: ["optional", ["list", "string"]] }, ["ref", "Secured"]],
  apps: [{}, ["ref", "Apps"]],
  overview: [{}, ["ref", "Overview"]],
  preferences: [{}, ["ref", "Preferences"]],
  preferences_save: [{ settings: ["ref", "SomeSettings"] }, "null"],
  templates: [{}, ["list", ["ref", "ShownTemplate"]]],
  template_save: [{ template: ["ref", "TemplateChange"], mark: ["optional", "string"] }, "integer"],
  template_remove: [{ template_id: "integer", mark: ["optional", "string"] }, "null"],
  notices: [{}, ["ref", "NoticeState"]],
  notices_remove: [{ device_id: "integer" }, "null"],
  notices_test: [{ device_id: "integer" }, "string"],
  notices_choose: [{ choice: ["ref", "NoticeChoice"] }, "null"],
  login_handed: [{ token: "string" }, ["ref", "LoginResult"]],
  logout: [{}, "null"],
  export_prep: [{}, "null"],
  mailboxes: [{}, ["list", ["ref", "Mailbox"]]],
  import_state: [{}, ["ref", "ImportState"]],
  import_check: [{ size: "integer" }, "null"],
  import_abort: [{ token: "string" }, "null"],
  account_sieve_get: [{ script: "string", account: ["optional", "string"] }, "string"],
  account_sieve_put: [{ script: "string", text: "string", activate: ["optional", "boolean"], old: ["optional", ["nullable", "string"]], account: ["optional", "string"] }, "null"],
  account_sieve_activate: [{ script: "string", account: ["optional", "string"] }, "null"],
  account_sieve_rename: [{ script: "string", new_name: "string", account: ["optional", "string"] }, "null"],
  account_sieve_rm: [{ script: "string", changed: ["optional", "integer"], account: ["optional", "string"] }, "null"],
  account_vacation_show: [{ account: ["optional", "string"] }, ["ref", "VacationInfo"]],
  account_vacation_set: [{ changed: ["ref", "VacationChange"], mark: ["optional", "string"], account: ["optional", "string"] }, "null"],
  account_rule_list: [{ address: ["optional", "string"], account: ["optional", "string"] }, ["list", ["ref", "DestinationItem"]]],
  account_rule_set: [{ address: "string", changed: ["ref", "DestinationChange"], old: ["optional", ["ref", "DestinationChange"]], account: ["optional", "string"] }, "null"],
  account_forward_list: [{ account: ["optional", "string"] }, ["ref", "Forwards"]],
  account_forward_set: [{ changed: ["ref", "ForwardChange"], old: ["optional", ["ref", "ForwardChange"]], account: ["optional", "string"] }, "string"],
  account_forward_ask: [{ address: "string", account: ["optional", "string"] }, "null"],
  account_forward_start: [{ address: "string", account: ["optional", "string"] }, "null"],
  account_junk_show: [{ account: ["optional", "string"] }, ["ref", "Junk"]],
  account_junk_set: [{ changed: ["ref", "JunkChange"], old: ["optional", ["ref", "JunkChange"]], account: ["optional", "string"] }, "null"],
  account_junk_mark_inbox: [{ account: ["optional", "string"] }, "integer"],
  account_junk_unmark_inbox: [{ account: ["optional", "string"] }, "integer"],
  address_add: [{ site: ["optional", "string"], word: ["optional", "string"], domain: ["optional", "string"], note: ["optional", "string"], only_from: ["optional", "string"], expires: ["optional", "string"], account: ["optional", "string"] }, ["ref", "GivenAddress"]],
  address_set: [{ address: "string", site: ["optional", ["nullable", "string"]], note: ["optional", ["nullable", "string"]], only_from: ["optional", ["nullable", "string"]], expires: ["optional", ["nullable", "string"]], account: ["optional", "string"] }, ["ref", "GivenAddress"]],
  address_on: [{ address: "string", account: ["optional", "string"] }, "null"],
  address_off: [{ address: "string", account: ["optional", "string"] }, "null"],
  address_rm: [{ address: "string", account: ["optional", "string"] }, "null"],
  account_app_password_add: [{ name: "string", scopes: ["list", ["enum", ["addresses", "dav", "imap", "jmap", "sharing", "sieve", "submission", "webapi"]]], read_only: ["optional", "boolean"], expires: ["optional", ["nullable", "integer"]], token: ["optional", "boolean"], account: ["optional", "string"] }, "string"],
  account_app_password_list: [{ account: ["optional", "string"] }, ["list", ["ref", "AppPasswordInfo"]]],
  account_app_password_allow: [{ name: "string", sharing: ["optional", "boolean"], sieve: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  account_app_password_rm: [{ name: "string", account: ["optional", "string"] }, "null"],
  account_share_set: [{ mailbox: "string", guest: "string", rights: "string", below: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  account_delegate_set: [{ guest: "string", sends: ["enum", ["as", "behalf"]], ends: ["optional", "integer"], whole: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  account_delegate_rm: [{ guest: "string", account: ["optional", "string"] }, "null"],
  account_access: [{ since: ["optional", "integer"], after: ["optional", "string"], count: ["optional", "integer"], account: ["optional", "string"] }, ["list", ["ref", "WayInfo"]]],
  account_remove_access: [{ way: "string", account: ["optional", "string"] }, "null"],
  account_take_back: [{ since: "integer", keep: ["optional", ["list", "string"]], account: ["optional", "string"] }, ["ref", "TakenBack"]],
  config_tlspubkey_list: [{ account: ["optional", "string"] }, ["list", ["ref", "TLSKeyInfo"]]],
  config_tlspubkey_challenge: [{ account: ["optional", "string"] }, ["ref", "KeyChallenge"]],
  config_tlspubkey_add: [{ address: "string", certificate: "string", name: ["optional", "string"], no_imap_preauth: ["optional", "boolean"], proof: ["optional", "string"], account: ["optional", "string"] }, ["ref", "TLSKeyInfo"]],
  config_tlspubkey_set: [{ fingerprint: "string", changed: ["optional", ["ref", "CertificateChange"]], mark: ["optional", "string"], account: ["optional", "string"] }, "null"],
  config_tlspubkey_rm: [{ fingerprint: "string", account: ["optional", "string"] }, "null"],
  link_set_password: [{ link: "string", password: "string", account: ["optional", "string"] }, "null"],
  link_set_sending: [{ link: "string", smtp_host: ["optional", "string"], smtp_port: ["optional", "integer"], smtp_tls: ["optional", ["enum", ["implicit", "starttls"]]], smtp_user: ["optional", "string"], keeps_copy: ["optional", ["nullable", "boolean"]], off: ["optional", "boolean"], account: ["optional", "string"] }, ["ref", "LinkInfo"]],
  link_set_sorting: [{ link: "string", off: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  link_pause: [{ link: "string", account: ["optional", "string"] }, "null"],
  link_resume: [{ link: "string", account: ["optional", "string"] }, "null"],
  link_rename: [{ link: "string", name: "string", account: ["optional", "string"] }, "null"],
  link_rm: [{ link: "string", delete_copies: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  queue_suppress_list: [{ account: ["optional", "string"], after_account: ["optional", "string"], after_base: ["optional", "string"], n: ["optional", "integer"] }, ["list", ["ref", "Suppressed"]]],
  queue_suppress_add: [{ address: "string", reason: ["optional", "string"], account: ["optional", "string"] }, "null"],
  queue_suppress_remove: [{ address: "string", account: ["optional", "string"] }, "null"]
});
var once = "provider_connected provider_disconnect totp_begin totp_finish key_finish factor_remove recovery_codes_new sort_move link_add copy_look copy_go_on copy_pause copy_abort copy_dismiss calendar_copy calendar_copy_abort calendar_copy_dismiss device_start device_answer junk_teach junk_retrain sending_save webhook_test settings_save set_password generate_password app_password_remove_all session_remove session_remove_others not_me template_save template_remove notices_remove notices_test import_abort account_sieve_put account_sieve_activate account_sieve_rename account_sieve_rm account_vacation_set account_rule_set account_forward_set account_forward_ask account_forward_start account_junk_set account_junk_mark_inbox account_junk_unmark_inbox address_add address_set address_on address_off address_rm account_app_password_add account_app_password_allow account_app_password_rm account_share_set account_delegate_set account_delegate_rm account_remove_access account_take_back config_tlspubkey_add config_tlspubkey_set config_tlspubkey_rm link_set_password link_set_sending link_set_sorting link_pause link_resume link_rename link_rm queue_suppress_add queue_suppress_remove".split(" ");

var awayKey = "moxlite-provider";
function restorePlace() {
  const place = sessionStorage.getItem(awayKey)?.split(" ")[2];
  if (place && location.search !== "") history.replaceState(null, "", location.search + place);
}

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
async function forgetAccount(account) {
  for (const name of ["csrf", "address", "stays", "unsaved"]) localStorage.removeItem(`${kept(account)}-${name}`);
  await forgetMail(account);
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
function placed(text22, elements2) {
  return text22.split(/(\{\w+\})/).map((part2) => elements2[part2.slice(1, -1)] ?? part2);
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

var atSign = "M8 12a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z M16 8v5a3 3 0 0 0 6 0v-1a10 10 0 1 0-4 8";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var calendar = "M8 2v3 M16 2v3 M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M3 9h18";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var eye = "M2.062 12.348a1 1 0 0 1 0-.696 10.75 10.75 0 0 1 19.876 0 1 1 0 0 1 0 .696 10.75 10.75 0 0 1-19.876 0 M9 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z";
var inbox = "M22 12 16 12 14 15 10 15 8 12 2 12 M5.45 5.11 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.45-6.89A2 2 0 0 0 16.76 4H7.24a2 2 0 0 0-1.79 1.11z";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var lock = "M5 11h14a2 2 0 0 1 2 2v7a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-7a2 2 0 0 1 2 -2z M7 11V7a5 5 0 0 1 10 0v4";
var logOut = "m16 17l5-5-5-5 M21 12H9 M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var pencil = "M21.174 6.812a1 1 0 0 0-3.986-3.987L3.842 16.174a2 2 0 0 0-.5.83l-1.321 4.352a.5.5 0 0 0 .623.622l4.353-1.32a2 2 0 0 0 .83-.497z M15 5l4 4";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";
var users = "M16 21v-2a4 4 0 0 0-4-4H6a4 4 0 0 0-4 4v2 M16 3.128a4 4 0 0 1 0 7.744 M22 21v-2a4 4 0 0 0-3-3.87 M5 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z";
var x = "M18 6 6 18 M6 6l12 12";

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}
function called(one) {
  const label = one instanceof HTMLInputElement || one instanceof HTMLSelectElement || one instanceof HTMLTextAreaElement ? one.labels?.[0]?.textContent : null;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? label ?? one.textContent}`;
}
function holdPlace(root) {
  const before = document.activeElement;
  const folds = () => [...root.querySelectorAll("details")];
  const unfolded = folds().map(({ open }) => open);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name = called(before);
  const alike = () => [...root.querySelectorAll(before.tagName)].filter((one) => called(one) === name);
  const place = alike().indexOf(before);
  return () => {
    unfold();
    const found = alike();
    (found[place] ?? found.at(-1) ?? root.querySelector("h1"))?.focus({ preventScroll: true });
  };
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

function remember(key3, value, storage = localStorage) {
  try {
    storage.setItem(key3, value);
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
function goAway(purpose, url, stay = false) {
  sessionStorage.setItem(awayKey, `${purpose} ${stay} ${location.hash}`);
  location.assign(url);
  return new Promise(() => {
  });
}
function answered(purpose) {
  const [kept3, stay] = (sessionStorage.getItem(awayKey) ?? "").split(" ");
  const fields3 = new URLSearchParams(location.search);
  const state = fields3.get("state");
  if (kept3 !== purpose || state === null) return null;
  sessionStorage.removeItem(awayKey);
  history.replaceState(null, "", location.pathname + location.hash);
  const [code = "", iss = "", error = ""] = ["code", "iss", "error"].map((name) => fields3.get(name) ?? "");
  return { answer: { state, code, iss, error }, stay: stay === "true" };
}
var confirmed = "moxlite-confirmed";
async function confirmAway(client, done) {
  sessionStorage.setItem(awayKey, "confirm");
  const away = window.open("", "_blank");
  sessionStorage.removeItem(awayKey);
  const url = await client.provider_confirm();
  if (away === null) return goAway("confirm", url);
  const channel = new BroadcastChannel(confirmed);
  channel.onmessage = () => {
    channel.close();
    done();
  };
  away.location.assign(url);
}
async function confirmBack(client) {
  const back = answered("confirm");
  if (back === null) return;
  try {
    await client.provider_confirmed(back.answer);
  } catch (error) {
    return void showError(t("Confirm it's you"), error);
  }
  new BroadcastChannel(confirmed).postMessage("");
  window.close();
}

async function useKey(options) {
  const asked2 = JSON.parse(options);
  const publicKey = { ...asked2, challenge: octets(asked2.challenge), allowCredentials: descriptors(asked2.allowCredentials) };
  const used = await spoken(() => navigator.credentials.get({ publicKey }));
  const response = used.response;
  return answer(used, { clientDataJSON: text2(response.clientDataJSON), authenticatorData: text2(response.authenticatorData), signature: text2(response.signature), userHandle: response.userHandle === null ? null : text2(response.userHandle) });
}
function keysKnown() {
  return isSecureContext && "credentials" in navigator && typeof PublicKeyCredential !== "undefined";
}
async function spoken(ask) {
  try {
    const found = await ask();
    if (found !== null) return found;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "InvalidStateError") throw new Error(t("This security key is already set up."));
    if (name !== "NotAllowedError" && name !== "AbortError") throw error;
  }
  throw new Error(t("Your security key didn't respond. Try again or choose another method."));
}
function answer(found, response) {
  return JSON.stringify({ id: found.id, rawId: text2(found.rawId), type: found.type, response, clientExtensionResults: {} });
}
function descriptors(list) {
  return (list ?? []).map((one) => ({ ...one, id: octets(one.id) }));
}
function octets(value) {
  return Uint8Array.from(atob(value.replace(/-/g, "+").replace(/_/g, "/")), (sign2) => sign2.charCodeAt(0));
}
function text2(value) {
  return btoa(String.fromCharCode(...new Uint8Array(value))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function secondStepForm(asked2, done, again) {
  const { step } = asked2;
  const problem2 = el("p", { class: "error", role: "alert", hidden: true });
  const withKey = step.keys.length > 0 && keysKnown();
  let kind = step.apps.length > 0 ? "totp" : withKey || !step.codes ? "key" : "recovery";
  let busy = false;
  let keySpent = false;
  const code = el("input", { class: "input code", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true });
  const label = el("label", { class: "field" });
  const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
  const key3 = el("button", { class: "btn line", type: "button", hidden: !withKey, onclick: () => void attempt2("key") }, sign(keyRound), el("span", {}, keyWords(step.keys)));
  const other = el("button", { class: "btn text small", type: "button", onclick: () => choose(kind === "recovery" ? "totp" : "recovery") });
  const intro = el("p", { class: "two" });
  const form = el("form", { class: "form", onsubmit: (event) => {
    event.preventDefault();
    void attempt2(kind);
  } }, label, problem2, send, key3);
  code.addEventListener("input", () => {
    problem2.hidden = true;
    if (kind === "totp" && code.value.replace(/\s/g, "").length === 6) void attempt2("totp");
  });
  async function attempt2(by) {
    if (busy) return;
    busy = true;
    for (const one of [send, key3, code]) one.disabled = true;
    try {
      if (by === "key" && keySpent) return again();
      if (by === "key") {
        const given = await useKey(step.key_request);
        keySpent = true;
        await asked2.finish("key", given);
      } else {
        await asked2.finish(by, code.value);
      }
      done();
    } catch (error) {
      problem2.hidden = false;
      fill(problem2, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    } finally {
      busy = false;
      for (const one of [send, key3, code]) one.disabled = false;
      if (!problem2.hidden && by !== "key") {
        code.select();
        code.focus();
      }
    }
  }
  function choose(next) {
    kind = next;
    const typed = kind !== "key";
    problem2.hidden = true;
    label.hidden = !typed;
    send.hidden = !typed;
    code.value = "";
    code.inputMode = kind === "totp" ? "numeric" : "text";
    code.maxLength = kind === "totp" ? 9 : 40;
    fill(label, kind === "totp" ? t("Code") : t("Recovery code"), code);
    fill(intro, introduction());
    other.hidden = !(step.codes || kind === "recovery") || kind === "recovery" && step.apps.length === 0;
    fill(other, kind === "recovery" ? t("Use authenticator app") : t("Use recovery code"));
    focus();
  }
  function introduction() {
    if (kind === "recovery") return t("Enter a recovery code. Each code works once.");
    if (kind === "key") return withKey ? t("Use your security key.") : t("Your security keys don't work at this address.");
    return step.apps.length === 1 ? t("Enter the code from “{name}”.", { name: step.apps[0] }) : t("Enter a code from {names}.", { names: step.apps.join(", ") });
  }
  function focus() {
    (kind === "key" ? key3 : code).focus();
  }
  const elsewhere = step.keys_elsewhere.map((one) => el("li", {}, t("The key “{name}” only works at {host}.", { name: one.name, host: one.host })));
  const clock2 = el("span", {}, serverClock(step.server_time));
  const root = el("div", { class: "second-step" }, el("h2", {}, t("Verify it's you")), intro, form, elsewhere.length > 0 && el("ul", { class: "hint" }, elsewhere), el("p", { class: "hint second-step-foot" }, other, step.apps.length > 0 && clock2));
  choose(kind);
  return { root, focus };
}
function keyWords(names) {
  return names.length === 1 ? t("Use key “{name}”", { name: names[0] }) : t("Use security key");
}
function serverClock(at) {
  const began = performance.now();
  const format = new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit", second: "2-digit" });
  const shown2 = el("time", {});
  const show = () => shown2.textContent = format.format(at + performance.now() - began);
  show();
  const timer = setInterval(() => shown2.isConnected ? show() : clearInterval(timer), 1e3);
  return el("span", {}, placed(t("The server's time is {time}"), { time: shown2 }));
}

async function askConfirm(client, why = t("To confirm this change, enter your password again.")) {
  const [step, name] = await Promise.all([client.confirm_options(), provided() ? client.provider_name() : ""]);
  const answer2 = await dialog(t("Confirm it's you"), (close) => {
    const place = el("div", {});
    const factors = step.apps.length > 0 || step.keys.length > 0 || step.codes;
    const problem2 = el("p", { class: "error", role: "alert", hidden: true });
    const password = el("input", { class: "input", type: "password", name: "password", autocomplete: "current-password", required: true, autofocus: true });
    const fail = (error) => {
      problem2.hidden = false;
      fill(problem2, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    };
    const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
    const form = el("form", { class: "form", onsubmit: async (event) => {
      event.preventDefault();
      send.disabled = true;
      try {
        await client.confirm("password", password.value);
        close(true);
      } catch (error) {
        fail(error);
        password.select();
      } finally {
        send.disabled = false;
      }
    } }, el("label", { class: "field" }, t("Password"), password), problem2, el("div", { class: "dialog-buttons" }, name !== "" && el("button", { class: "btn text", type: "button", onclick: () => void confirmAway(client, () => close(true)).catch(fail) }, t("Log in with {name}", { name })), factors && el("button", { class: "btn text", type: "button", onclick: () => byFactor(step) }, t("Verify another way")), el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")), send));
    const byFactor = (shown2) => {
      const made = secondStepForm({ step: shown2, finish: async (kind, code) => void await client.confirm(kind, code) }, () => close(true), () => void client.confirm_options().then(byFactor));
      fill(place, made.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel"))));
      made.focus();
    };
    fill(place, el("p", { class: "dialog-text" }, why), form);
    return [place];
  });
  return answer2 === true;
}

function watchFailures() {
  const tell = (error) => void showError(t("Something went wrong on this page"), error?.code === 18 ? t("Allow cookies and site data for this page.") : error);
  addEventListener("error", (event) => tell(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
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
function toast(text3, action, time = shown) {
  const words = el("span", {}, text3);
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
async function reload(words, load2) {
  if (waiting) return;
  waiting = true;
  if (!engaged() && await quiet(9e4) && !engaged()) leave(load2);
  else toast(words, { title: t("Reload"), run: () => {
    dispatchEvent(new Event("leaving"));
    void quiet(1e4).then(() => leave(load2));
  } }, 0);
}

var key = "moxlite-searched";
var forgetSearches = () => sessionStorage.removeItem(key);

function forget(app) {
  for (const name of [app, app.replace("webmail", "account")]) for (const store of [localStorage, sessionStorage]) store.removeItem(`${name}-unsaved`);
  for (const name of ["csrf", "address", "stays"]) localStorage.removeItem(`${app}-${name}`);
  forgetSearches();
}
async function logOut2(session, forgetSession) {
  const { client } = session;
  const url = provided() ? await client.provider_logout().catch(() => "") : "";
  if (!await attempt(t("Logging out…"), t("Couldn't log out"), () => client.logout())) return;
  forget(session.app);
  await forgetSession?.();
  location.hash = "";
  setProvided(false);
  leave(url === "" ? void 0 : () => location.assign(url));
}

function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key3) {
  let hash = 0;
  for (const sign2 of key3) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
}

var Shell = class {
  constructor(app, label, places2, foot, above = null) {
    this.places = places2;
    for (const place of places2) {
      const count = el("span", { class: "count" });
      for (const [name] of place.pages) this.counts.set(name, count);
      this.links.set(place, el("a", { class: "nav", href: `#${place.pages[0][0]}`, onclick: () => this.close() }, sign(place.icon), el("span", {}, place.title, place.about !== "" && [" ", el("small", {}, place.about)]), count));
    }
    this.side = el("nav", { class: "side", id: "side", "aria-label": label }, brand(app), above, [...this.links.values()], el("div", { class: "foot" }, foot));
    this.side.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.opener = el("button", { class: "btn icon", "aria-label": t("Pages"), title: t("Pages"), "aria-expanded": "false", "aria-controls": "side", onclick: () => this.open() }, sign(menu));
    const top = el("header", { class: "shell-top" }, this.opener, el("b", {}, `moxlite ${app}`));
    this.root = el("div", { class: "shell" }, this.side, top, this.main);
  }
  places;
  main = el("main", { tabindex: "-1", data: { home: "" } });
  root;
  links = /* @__PURE__ */ new Map();
  counts = /* @__PURE__ */ new Map();
  side;
  opener;
  scrim = null;
  show(name, root) {
    const place = this.places.find(({ pages: pages2 }) => pages2.some(([page]) => page === name)) ?? this.places[0];
    for (const [other, link] of this.links) {
      if (other === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const pages = place.pages.filter(([, title]) => title !== "");
    if (pages.length > 1) {
      const heading = root.querySelector("h1");
      if (pages.some(([, title]) => title === heading?.textContent)) heading?.classList.add("sr");
      const own = root.querySelector(":scope > .tabs") ?? "";
      root.prepend(el("p", { class: "place" }, place.title), tabs(place.title, pages.map(([page, title]) => [`#${page}`, title, page === name])), own);
    }
    fill(this.main, root);
  }
  count(name, text3) {
    const found = this.counts.get(name);
    if (found !== void 0) found.textContent = text3;
  }
  open() {
    this.root.classList.add("open");
    this.opener.setAttribute("aria-expanded", "true");
    this.scrim = el("button", { class: "shell-scrim", "aria-label": t("Close"), onclick: () => this.close() });
    this.root.append(this.scrim);
    this.links.values().next().value?.focus();
  }
  close() {
    if (this.scrim === null) return;
    this.scrim.remove();
    this.scrim = null;
    this.root.classList.remove("open");
    this.opener.setAttribute("aria-expanded", "false");
    this.opener.focus();
  }
};
function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function tabs(label, links) {
  const made = el("nav", { class: "tabs", "aria-label": label }, links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : void 0 }, title)));
  requestAnimationFrame(() => {
    const shown2 = made.querySelector("[aria-current]");
    if (shown2 !== null) made.scrollLeft = shown2.offsetLeft - made.offsetLeft - (made.clientWidth - shown2.offsetWidth) / 2;
  });
  return made;
}
function iconButton(name, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name, title: name, onclick: run }, sign(path, "i s"));
}
function disc(key3, name) {
  return el("span", { class: `disc c${hue(key3)}`, "aria-hidden": "true" }, initials(name));
}

function load(path) {
  return import(path).catch(() => import(`${path}?${Date.now()}`));
}

var folder = "./part/";
var addressOf = (name) => `${folder}${name}.${define_PARTS_default[name]}.js`;
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
async function reloadIfGone(name) {
  const answer2 = await fetch(addressOf(name), { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer2?.status === 404) await reload(t("A new version is available."));
}

var key2 = "moxlite-webmail-scheme";
var queries = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
var dark = /* @__PURE__ */ new Set();
function find(rules) {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && /prefers-color-scheme:\s*dark/.test(rule.conditionText)) dark.add(rule);
    else if (rule instanceof CSSLayerBlockRule) find(rule.cssRules);
  }
}
function lastScheme() {
  const scheme = localStorage.getItem(key2);
  return scheme !== null && scheme in queries ? scheme : "auto";
}
function paint(scheme) {
  remember(key2, scheme);
  if (dark.size === 0) {
    for (const sheet of document.styleSheets) find(sheet.cssRules);
  }
  for (const rule of dark) rule.media.mediaText = queries[scheme];
  document.documentElement.style.colorScheme = scheme === "auto" ? "" : scheme;
}

var Session = class {
  constructor(app, title, client, ask, named = true, stays = false) {
    this.app = app;
    this.title = title;
    this.client = client;
    this.ask = ask;
    this.named = named;
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
    const kept3 = remember(this.addressKey, result.login_address) && remember(this.csrfKey, result.csrf_token);
    const device = `${this.app}-stays`;
    if (result.device) remember(device, "1");
    else localStorage.removeItem(device);
    if (!kept3) toast(t("Your browser's storage is full, so a reload will log you out."));
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

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text3, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text3), actions);
}

var silentAfter = 2e4;
var slowLine = 4;
var staleAfter = 3e3;
var waits = [500, 1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var changes = /* @__PURE__ */ new Set(["flags_add", "flags_clear", "message_move", "message_delete", "thread_mute"]);
var settled = /* @__PURE__ */ new Set(["user:conflict", "user:notFound"]);
var settings = ["alarm_seen", "calendar_view", "event_news_seen", "from_address_settings_save", "log_level_set", "mailbox_set_special_use", "notices_choose", "preferences_save", "ruleset_never", "thread_collapse"];
var undecided = /* @__PURE__ */ new Set(["user:noAuth", "user:badAuth", "user:confirm", "user:rateLimited", "server:error"]);
function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}
var silent = /* @__PURE__ */ new Map();
async function asked(id, ...[url, given]) {
  await simulatedLatency();
  const request = new AbortController();
  let timer = 0;
  const wait = (time) => {
    clearTimeout(timer);
    silent.set(request, Date.now());
    timer = setTimeout(() => request.abort(), time);
  };
  const end = () => {
    clearTimeout(timer);
    silent.delete(request);
  };
  request.signal.addEventListener("abort", end);
  wait(silentAfter + String(given?.body).length / slowLine);
  try {
    const headers = { ...given?.headers, "idempotency-key": id };
    const answer2 = await fetch(url, { ...given, headers, signal: request.signal });
    wait(silentAfter);
    const octets2 = answer2.body?.pipeThrough(new TransformStream({ transform(piece, out) {
      wait(silentAfter);
      out.enqueue(piece);
    }, flush: end }));
    if (octets2 === void 0) end();
    return new Response(octets2 ?? null, answer2);
  } catch (error) {
    end();
    throw error;
  }
}
async function reached(call) {
  try {
    await (await asked(newId(), String(call).replace(/[^/]*$/, ""), { method: "HEAD" })).text();
    return true;
  } catch {
    return false;
  }
}
var titled = (error, title) => Object.assign(error, { title });
function unsure(error) {
  return titled(error, t("No answer"));
}
var saving = () => [...document.querySelectorAll(":is(form,[data-form])[aria-busy=true]")].at(-1);
var alreadySaved = (error) => Object.assign(titled(error, t("Already saved")), { message: t("Your first attempt worked, without your latest changes. Open the saved version to change it. If you save again, you may get a second one.") });
function steadily(once3, most3 = waits.length) {
  let off = false;
  const away = () => off || !navigator.onLine;
  let go = () => {
  };
  let connected = new Promise((resolve) => go = resolve);
  addEventListener("disconnected", () => off = true);
  addEventListener("connected", () => {
    off = false;
    for (const [request, since] of silent) if (Date.now() - since > staleAfter) request.abort();
    go();
    connected = new Promise((resolve) => go = resolve);
  });
  const writes = /* @__PURE__ */ new Set([...once3, ...changes, ...settings]);
  const lost = /* @__PURE__ */ new Map();
  const make = async (call, body, post, kept3) => {
    const same2 = `${call} ${body}`;
    const form = once3.includes(call) ? saving() : void 0;
    const [forms, formsId] = form?.dataset["lost"]?.split(" ") ?? [];
    const again = lost.has(same2);
    const id = (forms === call ? formsId : lost.get(same2)) ?? newId();
    const note = (unknown) => {
      if (unknown) lost.set(same2, id);
      else lost.delete(same2);
      if (form === void 0) return;
      if (unknown) form.dataset["lost"] = `${call} ${id}`;
      else delete form.dataset["lost"];
      form.dispatchEvent(new Event("lost", { bubbles: true }));
    };
    const repeats = writes.has(call) && !kept3;
    for (let made = 0; ; made++) {
      const begun = Date.now();
      const wasAway = made === 0 && away();
      let left = !(wasAway && writes.has(call));
      try {
        const result = await post(async (...given) => {
          left ||= await reached(given[0]);
          if (!left) throw new TypeError();
          return asked(id, ...given);
        });
        note(false);
        return result;
      } catch (error) {
        const code = codeOf(error);
        if (code !== "") {
          if (!undecided.has(code ?? "")) note(false);
          if (code === "user:done") throw alreadySaved(error);
          if ((made > 0 || again) && changes.has(call) && settled.has(code ?? "")) return null;
          throw code === "user:unknown" ? unsure(error) : error;
        }
        if (!left || wasAway && away() && !writes.has(call)) throw error;
        if (writes.has(call)) note(true);
        if (repeats && made < most3) await Promise.race([connected, new Promise((resolve) => setTimeout(resolve, waits[made]))]);
        else if (repeats) {
          throw unsure(new CallFailed(call, "user:unknown", t("Can't reach the server, and we don't know whether this was done. Check before you try again.")));
        } else if (made > 0 || Date.now() - begun < staleAfter) throw error;
      }
    }
  };
  const under = /* @__PURE__ */ new Set();
  const quiet3 = async () => {
    while (under.size > 0) {
      await Promise.allSettled(under);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  addEventListener("reloading", (event) => void event.detail.push(quiet3()));
  return async (call, ...given) => {
    const made = make(call, ...given);
    if (writes.has(call)) under.add(made);
    try {
      return await made;
    } finally {
      under.delete(made);
    }
  };
}
async function simulatedLatency() {
  const setting = localStorage.getItem("moxlite-debug");
  if (setting === null) return;
  const { wait_min_ms: least = 0, wait_max_ms: most3 = 0 } = JSON.parse(setting);
  await new Promise((resolve) => setTimeout(resolve, least + Math.random() * Math.max(0, most3 - least)));
}

var [quiet2, week2] = [300, 7 * 864e5];
var [mostRows, mostForms] = [100, 50];
var kinds = "form, [data-form]";
var apart = ".login *, .login, .composer *, [role=search], .filter, [data-fleeting]";
var fields2 = "input, select, textarea";
var never = ["password", "file", "hidden", "submit", "button", "search", "reset", "image"];
var worded = ["text", "textarea", "url", "email", "tel", "div", "span"];
var kindOf = (part2) => "type" in part2 ? String(part2.type) : part2.tagName.toLowerCase();
function isSecret(part2) {
  const hint = part2.getAttribute("autocomplete") ?? "";
  return never.includes(kindOf(part2)) || /-password|one-time|cc-/.test(hint) || part2.closest("[data-secret]") !== null;
}
function partsOf(form) {
  const parts2 = /* @__PURE__ */ new Map();
  const counts = /* @__PURE__ */ new Map();
  for (const part2 of form.querySelectorAll(`${fields2}, [data-rows], [data-kept]`)) {
    const within = part2.parentElement?.closest("[data-kept]") ?? null;
    if (within !== null && form.contains(within) || part2.matches(fields2) && isSecret(part2)) continue;
    const label = "labels" in part2 ? part2.labels?.[0]?.textContent : "";
    const name = `${kindOf(part2)} ${part2.ariaLabel ?? label ?? ""}`;
    const n = counts.get(name) ?? 0;
    counts.set(name, n + 1);
    parts2.set(`${name} ${n}`, part2);
  }
  return parts2;
}
function keepOut(field) {
  if (!field.hasAttribute("autocomplete")) field.setAttribute("autocomplete", "off");
}
function valueIn(part2) {
  if (part2.dataset["kept"] !== void 0) {
    const event = new CustomEvent("keep", { detail: {} });
    part2.dispatchEvent(event);
    return event.detail.value;
  }
  if (part2.dataset["rows"] !== void 0) return part2.childElementCount;
  if (part2 instanceof HTMLInputElement && ["checkbox", "radio"].includes(part2.type)) return part2.checked;
  return part2.value;
}
var valuesOf = (form) => Object.fromEntries([...partsOf(form)].map(([name, part2]) => [name, valueIn(part2)]));
var same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
function set(part2, value) {
  if (part2.dataset["kept"] !== void 0) part2.dispatchEvent(new CustomEvent("keep", { detail: { value } }));
  else if (part2.dataset["rows"] !== void 0) {
    const add = [...part2.parentElement.querySelectorAll("[data-adds]")].at(-1);
    for (let n = part2.childElementCount; n < Math.min(Number(value), mostRows); n++) add?.click();
  } else {
    if (part2 instanceof HTMLInputElement && ["checkbox", "radio"].includes(part2.type)) part2.checked = value === true;
    else part2.value = String(value);
    for (const kind of ["input", "change"]) part2.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}
function put(form, values) {
  for (let turn = 0; turn < 2; turn++) for (const [name, value] of Object.entries(values)) {
    const part2 = partsOf(form).get(name);
    if (part2 !== void 0 && !same(valueIn(part2), value)) set(part2, value);
  }
}
function nameOf(form, begun) {
  const box = form.closest("dialog");
  const words = Object.entries(begun).filter(([name, value]) => worded.includes(name.split(" ")[0]) && value !== "" && !same(value, []));
  const beside = [...(box ?? document).querySelectorAll(kinds)].indexOf(form);
  return JSON.stringify([box?.ariaLabel ?? here(), form.className, beside, words]);
}
var here = () => location.hash.replace(/\?.*/, "");
var placeOf = (form) => form.closest("dialog") === null ? here() : null;
function keepForms(app) {
  const key3 = `${app}-unsaved`;
  const begun = /* @__PURE__ */ new WeakMap();
  const changed = /* @__PURE__ */ new Map();
  const left = /* @__PURE__ */ new Map();
  let [timer, filling, out, last] = [0, false, false, ""];
  const store = () => localStorage.getItem(`${app}-stays`) === null ? sessionStorage : localStorage;
  const owner = () => last = localStorage.getItem(`${app}-address`) ?? last;
  function load2() {
    try {
      const { owner: whose, forms } = JSON.parse(store().getItem(key3) ?? "");
      if (whose !== owner()) return {};
      const recent = Object.entries(forms).filter(([, entry]) => Date.now() - entry.at < week2);
      return Object.fromEntries(recent.sort(([, a], [, b]) => a.at - b.at).slice(-mostForms));
    } catch {
      return {};
    }
  }
  function change(work) {
    const forms = load2();
    work(forms);
    try {
      if (Object.keys(forms).length === 0) store().removeItem(key3);
      else store().setItem(key3, JSON.stringify({ owner: owner(), forms }));
    } catch {
    }
  }
  (store() === localStorage ? sessionStorage : localStorage).removeItem(key3);
  change(() => {
  });
  const drop = (name) => change((forms) => delete forms[name]);
  function keep() {
    clearTimeout(timer);
    if (out) return;
    change((forms) => {
      for (const [form, { name }] of changed) if (form.isConnected && form.dataset["unsaved"] !== void 0) forms[name] = { at: Date.now(), values: valuesOf(form), lost: form.dataset["lost"] };
    });
  }
  const kept3 = (form) => form instanceof HTMLElement && !form.matches(apart) && partsOf(form).size > 0;
  function look(form) {
    for (const field of form.querySelectorAll(fields2)) keepOut(field);
    const old = begun.get(form);
    if (filling || old === void 0 || form.ariaBusy === "true") return;
    if (Object.entries(valuesOf(form)).every(([name, value]) => same(old.values[name], value))) settle(form);
    else {
      form.dataset["unsaved"] = "";
      if (!changed.has(form)) changed.set(form, { name: old.name, place: placeOf(form) });
      clearTimeout(timer);
      timer = window.setTimeout(keep, quiet2);
    }
  }
  function settle(form) {
    delete form.dataset["unsaved"];
    delete form.dataset["lost"];
    form.querySelector(".kept-note")?.remove();
    const named = changed.get(form);
    changed.delete(form);
    if (named !== void 0) drop(named.name);
  }
  function refill(form, values) {
    filling = true;
    put(form, values);
    filling = false;
  }
  function came(form) {
    const old = form.dataset["begun"] === void 0 ? valuesOf(form) : {};
    const name = nameOf(form, old);
    begun.set(form, { name, values: { ...old } });
    const record = load2()[name];
    if (record === void 0 || form.dataset["begun"] !== void 0) {
      look(form);
      return;
    }
    refill(form, record.values);
    if (record.lost !== void 0) form.dataset["lost"] = record.lost;
    const discard = () => {
      refill(form, old);
      settle(form);
    };
    form.prepend(el("p", { class: "hint kept-note", role: "status" }, el("span", {}, t("Not saved")), el("button", { class: "btn text small", type: "button", onclick: discard }, t("Discard"))));
    look(form);
  }
  function grew(form, values) {
    if (form.dataset["begun"] !== void 0) return;
    for (const [name, part2] of partsOf(form)) if (!(name in values)) values[name] = valueIn(part2);
  }
  function gone(form, { name, place }) {
    const box = form.closest("dialog");
    if (box !== null && left.has(box)) return;
    changed.delete(form);
    if (place === null || form.dataset["unsaved"] === void 0) drop(name);
    else if (form.ariaBusy === "true") {
      const saved = new MutationObserver(() => {
        saved.disconnect();
        gone(form, { name, place });
      });
      saved.observe(form, { attributeFilter: ["aria-busy"] });
    } else if (place !== here()) offer(place);
  }
  function leave2(box) {
    keep();
    box.close();
    box.remove();
    const open = () => {
      left.delete(box);
      document.body.append(box);
      box.showModal();
    };
    toast(t("Not saved"), { title: meant("action", "Open"), run: open });
    left.set(box, [...document.querySelectorAll(".toast")].at(-1));
  }
  function end(box) {
    left.delete(box);
    for (const form of changed.keys()) if (box.contains(form)) changed.delete(form);
    const focused = document.activeElement;
    box.dispatchEvent(new Event("cancel", { cancelable: true }));
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus();
  }
  function remind() {
    const titles = Object.keys(load2()).map((name) => JSON.parse(name)[0]);
    const dialogs = [...new Set(titles.filter((title) => title !== "" && !title.startsWith("#")))];
    const place = titles.filter((title) => title.startsWith("#") && title !== here()).at(-1);
    if (dialogs.length > 0) toast(t("Unsaved changes: {forms}. Open the form again to continue.", { forms: dialogs.map(isolated).join(", ") }));
    if (place !== void 0) offer(place);
  }
  const offer = (place) => toast(t("Not saved"), { title: meant("action", "Open"), run: () => location.hash = place });
  const formsIn = (box) => [...box?.querySelectorAll(kinds) ?? []];
  for (const kind of ["input", "change", "click", "keyup", "focusout", "paste"]) document.addEventListener(kind, ({ target }) => {
    if (target instanceof Element && target.matches(fields2)) keepOut(target);
    const form = target instanceof Element ? target.closest(kinds) : null;
    if (kept3(form)) setTimeout(() => look(form));
  }, true);
  document.addEventListener("saved", ({ target }) => {
    const form = target;
    settle(form);
    const values = valuesOf(form);
    begun.set(form, { name: nameOf(form, values), values });
  });
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key === "Enter" && target instanceof HTMLSelectElement && target.closest("dialog") !== null) {
      event.preventDefault();
      target.form?.requestSubmit();
    }
    const box = [...document.querySelectorAll("dialog:modal")].at(-1) ?? null;
    if (event.key !== "Escape" || !formsIn(box).some((form) => form.ariaBusy === "true")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("cancel", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLDialogElement) || !box.isConnected) return;
    const forms = formsIn(box);
    for (const form of forms) if (kept3(form)) look(form);
    const busy = forms.some((form) => form.ariaBusy === "true");
    if (!busy && !forms.some((form) => form.dataset["unsaved"] !== void 0)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!busy) leave2(box);
  }, true);
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-unsaved]") !== null) event.preventDefault();
  });
  for (const kind of ["leaving", "pagehide", "lost"]) addEventListener(kind, keep);
  addEventListener("storage", (event) => {
    if (event.key !== `${app}-csrf`) return;
    out = event.newValue === null;
    if (out) store().removeItem(key3);
  });
  const seen = () => {
    for (const form of document.querySelectorAll(kinds)) {
      const old = begun.get(form);
      if (old !== void 0) grew(form, old.values);
      else if (kept3(form)) came(form);
    }
    for (const [form, named] of changed) if (!form.isConnected) gone(form, named);
    for (const [box, message] of left) if (!message.isConnected) end(box);
  };
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  seen();
  remind();
}

var cookie = "moxlite-language";
var kept2 = 400 * 86400;
function spoken2() {
  const found = new RegExp(`(?:^|; )${cookie}=(\\w+)`).exec(document.cookie);
  return found?.[1] ?? "";
}
function speak(language) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${cookie}=${language}; Path=/; SameSite=Lax; Max-Age=${language === "" ? 0 : kept2}${secure}`;
  return spoken2() === language && document.documentElement.lang !== language;
}

var Keeper = class {
  constructor(client, again) {
    this.client = client;
    this.again = again;
  }
  client;
  again;
  last = Promise.resolve();
  keep(changed, back = () => false) {
    const place = location.hash;
    const turn = this.last.then(async () => {
      let before = {};
      const work = async () => {
        before = await this.put(changed);
      };
      const done = await attempt(t("Saving…"), t("Couldn't save settings"), work, back);
      if (done) toast(t("Saved"), { title: t("Undo"), run: () => void this.takeBack(before, back, place) });
      return done;
    });
    this.last = turn;
    return turn;
  }
  async takeBack(before, back, place) {
    if (!await attempt(t("Saving…"), t("Couldn't save settings"), () => this.put(before))) return;
    if (!back() && location.hash === place) await this.again();
  }
  async put(changed) {
    const settings2 = (await this.client.preferences()).settings;
    await this.client.preferences_save(changed);
    if (changed.color_scheme !== void 0) paint(changed.color_scheme);
    if (changed.language !== void 0 && speak(changed.language)) void reload(t("Reload the page to change the language."));
    return Object.fromEntries(Object.keys(changed).map((name) => [name, settings2[name]]));
  }
};

function recoveryToken(hash) {
  return /^#recover=([\w-]{1,64})$/.exec(hash)?.[1] ?? "";
}
async function recover(client, token) {
  history.replaceState(null, "", location.pathname);
  const place = el("main", { class: "login" }, brand(), el("h1", {}, t("Set your password")));
  const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Set your password") }, place);
  overlay.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(overlay);
  overlay.showModal();
  await new Promise((resolve) => {
    const goOn = el("button", { class: "btn primary", type: "button", onclick: () => resolve() }, t("Go to login"));
    const end = (...content) => {
      fill(place, brand(), el("h1", {}, t("Set your password")), content, goOn);
      goOn.focus();
    };
    client.recovery_info(token).then((info) => place.append(passwordForm(client, token, info, end)), (error) => end(problem(error)));
  });
  overlay.remove();
}
function passwordForm(client, token, info, end) {
  const password = el("input", { type: "password", name: "new-password", autocomplete: "new-password", minlength: "8", required: true });
  const wrong = el("div", {});
  const send = el("button", { class: "btn primary", type: "submit" }, info.generated ? t("Generate a new password") : t("Set password"));
  return el("form", { class: "login", onsubmit: async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      const made = await client.recover(token, password.value);
      const said = el("p", { role: "status" }, t("Password updated. You've been logged out everywhere else."));
      end(said, ...made === "" ? [] : [el("p", {}, t("Save this password now. You won't be able to see it again:")), el("p", {}, el("code", {}, made))]);
    } catch (error) {
      fill(wrong, problem(error));
      send.disabled = false;
      password.focus();
    }
  } }, el("p", { class: "two" }, placed(t("For the account {account}."), { account: el("b", {}, el("bdi", {}, info.account)) })), !info.generated && el("label", { class: "field" }, t("New password"), password), info.reset_factors && el("p", { class: "hint" }, t("Your verification methods will be removed too. Set up two-step verification again afterward.")), wrong, send);
}
function problem(error) {
  return el("p", { class: "error", role: "alert" }, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
}

var askLogIn = (asked2) => logInForm(asked2, async () => ({ secondStepForm, answered, goAway, setProvided }));
function logInForm({ title, reason, address, below, stays, client, begin }, further) {
  const keep = (result) => {
    if (address !== null && result.login_address !== address) forgetSearches();
    begin(result);
  };
  const started = (result, stay) => {
    const step = result.second_step;
    if (step === null) keep(result);
    return step && { step, finish: async (kind, code) => keep(await client.login_factor(step.token, kind, code, stay)) };
  };
  const tryLogIn = async (username, password, stay) => {
    const token = await client.login_prep();
    return started(await client.login(token, username, password, stay), stay);
  };
  const comeBack = async () => {
    const { answered: answered2, setProvided: setProvided2 } = await further();
    const back = answered2("login");
    if (back === null) return;
    const asked2 = started(await client.provider_finish(back.answer), back.stay);
    setProvided2(true);
    return asked2;
  };
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const problem2 = el("p", { class: "login-problem", role: "alert" }, reason);
    const username = el("input", { name: "username", inputmode: "email", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, value: address ?? "" });
    const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const stay = el("input", { type: "checkbox", name: "stay" });
    const button = el("button", { class: "btn primary", type: "submit" }, t("Log in"));
    const other = el("button", { class: "btn line", type: "button", hidden: true });
    problem2.hidden = reason === "";
    const attempt2 = async (logIn) => {
      button.disabled = other.disabled = true;
      try {
        const asked2 = await logIn();
        if (asked2 === null) finish();
        else if (asked2 !== void 0) await ask(asked2);
      } catch (error) {
        problem2.hidden = false;
        fill(problem2, linked(error instanceof Error ? error.message : String(error)));
        password.select();
      } finally {
        button.disabled = other.disabled = false;
      }
    };
    const form = el("form", { class: "login", onsubmit: async (event) => {
      event.preventDefault();
      await attempt2(() => tryLogIn(username.value, password.value, stay.checked));
    } }, brand(), el("h1", {}, title), problem2, address !== null && el("label", { class: "field" }, t("Email address"), username), el("label", { class: "field" }, t("Password"), password), stays && isSecureContext && el("label", { class: "check" }, stay, t("Keep me logged in on this device")), button, other, below);
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app: title }) }, form);
    const finish = () => {
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = async (asked2) => {
      const back = () => {
        second.remove();
        form.hidden = false;
        password.focus();
      };
      const made = (await further()).secondStepForm(asked2, finish, () => {
        second.remove();
        form.hidden = false;
        if (password.value !== "") form.requestSubmit();
      });
      const second = el("div", { class: "login" }, brand(), made.root, el("button", { class: "btn text small", type: "button", onclick: back }, t("Back")));
      form.hidden = true;
      overlay.append(second);
      made.focus();
    };
    overlay.addEventListener("cancel", (event) => event.preventDefault());
    overlay.addEventListener("keydown", (event) => event.stopPropagation());
    document.body.append(overlay);
    overlay.showModal();
    (address === "" ? username : password).focus();
    if (new URLSearchParams(location.search).has("state")) void attempt2(comeBack);
    other.onclick = () => void attempt2(async () => (await further()).goAway("login", await client.provider_login(stay.checked), stay.checked));
    client.provider_name().then((name) => {
      fill(other, t("Log in with {name}", { name }));
      other.hidden = name === "";
    }, () => null);
  });
}
function linked(value) {
  return value.split(/(https?:\/\/[^\s<>"]+)/).map((piece, i) => i % 2 === 1 ? el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece) : document.createTextNode(piece));
}

var webmailKey = `${kept()}-csrf`;
var handedKey = `moxlite-account${number}-handed`;
var most2 = 3;
var AccountSession = class extends Session {
  constructor(client) {
    super(`moxlite-account${number}`, t("Account"), client, askLogIn);
    this.client = client;
  }
  client;
  tried = [];
  webmail = "";
  resume() {
    const handed = localStorage.getItem(handedKey);
    if (handed !== null && handed !== localStorage.getItem(webmailKey)) {
      localStorage.removeItem(handedKey);
      forget(this.app);
    }
    return super.resume();
  }
  async askOnce(reason, below) {
    const before = this.address;
    const known = this.client.csrfToken;
    const take = () => this.takeOver(known);
    const taken = await (isSecureContext ? navigator.locks.request(handedKey, take) : take());
    if (!taken) return super.askOnce(reason, below);
    return before !== "" && before !== this.address;
  }
  async takeOver(known) {
    const theirs = localStorage.getItem(this.csrfKey) ?? "";
    if (theirs !== "" && theirs !== known) {
      this.client.csrfToken = theirs;
      return true;
    }
    const csrf = localStorage.getItem(webmailKey);
    this.tried = this.tried.filter((at) => performance.now() - at < 6e4);
    if (csrf === null || this.webmail === "" || this.tried.length >= most2) return false;
    this.tried.push(performance.now());
    try {
      const answer2 = await fetch(`${this.webmail}api/hand_on`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": csrf }, body: "{}" });
      if (!answer2.ok) return false;
      const { result: token } = await answer2.json();
      this.begin(await this.client.login_handed(token));
    } catch {
      return this.takeOver(known);
    }
    remember(handedKey, csrf);
    return true;
  }
  begin(result) {
    localStorage.removeItem(handedKey);
    super.begin(result);
  }
  async forgetHanded() {
    const handed = localStorage.getItem(handedKey) !== null;
    localStorage.removeItem(handedKey);
    if (handed) await forgetAccount(number);
  }
};

var elements = "label, legend, h2, h3, summary, button, a.btn";
function textOf(element) {
  const copy2 = element.cloneNode(true);
  for (const other of copy2.querySelectorAll(".hint, .error, .sr, select, datalist")) other.remove();
  return (copy2.textContent ?? "").trim();
}
function settingsIn(root) {
  return [...root.querySelectorAll(elements)].filter((one) => one.closest("[hidden]") === null).map((one) => [one, textOf(one)]).filter(([, text3]) => text3 !== "");
}
function mark2(root, text3) {
  const element = text3 === "" ? void 0 : settingsIn(root).find(([, one]) => one === text3)?.[0];
  if (element === void 0) return false;
  for (let at = element.closest("details"); at !== null; at = at.parentElement?.closest("details") ?? null) at.open = true;
  element.classList.add("sought");
  const control = element instanceof HTMLLabelElement ? element.control : null;
  const goal = control ?? element;
  if (goal.tabIndex < 0) goal.tabIndex = -1;
  goal.focus({ preventScroll: true });
  element.scrollIntoView({ block: "center" });
  return true;
}

var places = [{ title: t("Search settings"), icon: search, about: "", pages: [["search", ""]] }, { title: meant("settings", "You"), icon: atSign, about: t("Name, addresses, appearance"), pages: [["addresses", t("Addresses")], ["appearance", t("Appearance")]] }, { title: meant("settings", "Writing"), icon: pencil, about: t("Signatures, templates"), pages: [["writing", t("Signatures and replies")], ["templates", t("Templates")], ["suppressed", t("Suppressed addresses")]] }, { title: t("Reading and alerts"), icon: eye, about: t("Messages, notifications, shortcuts"), pages: [["reading", meant("settings", "Reading")], ["notifications", meant("settings", "Notifications")], ["shortcuts", t("Shortcuts")]] }, { title: t("Incoming mail"), icon: inbox, about: t("Rules, vacation reply, junk"), pages: [["rules", t("Rules")], ["away", t("Vacation reply")], ["junk", t("Junk")], ["forwarding", t("Forwarding")], ["masked", t("Masked addresses")]] }, { title: t("Devices and security"), icon: lock, about: t("Password, devices, apps"), pages: [["security", t("Security")], ["device", t("Set up a device")]] }, { title: t("Sharing and import"), icon: users, about: t("Linked accounts, folders, import"), pages: [["shares", t("Shared folders")], ["links", t("Linked accounts")], ["transfer", t("Import and export")]] }, { title: t("For developers"), icon: keyRound, about: t("Sieve, keys, webhooks"), pages: [["scripts", t("Sieve scripts")], ["keys", t("Keys and webhooks")]] }];
var parts = { device: "device", setup: "device", security: "security", addresses: "you", search: "finding", appearance: "reading", writing: "writing", templates: "writing", reading: "reading", notifications: "reading", shortcuts: "reading", rules: "rules", away: "sieve", forwarding: "sieve", scripts: "sieve", junk: "junk", suppressed: "sending", keys: "sending", transfer: "transfer", shares: "shares", masked: "masked", links: "links" };
var first = "addresses";
var App = class {
  client = new Client(base, checks, (reason) => this.logIn(reason));
  session = new AccountSession(this.client);
  keeper = new Keeper(this.client, () => this.open());
  who = el("span", { class: "flex grow who" });
  webmail = el("nav", { class: "to-places", "aria-label": meant("app", "Places"), hidden: true });
  shell = new Shell(t("account"), t("Pages"), places, el("div", { class: "me" }, this.who, iconButton(t("Log out"), logOut, () => void logOut2(this.session, () => this.session.forgetHanded()))), this.webmail);
  shown = 0;
  leave = [];
  displayed = "";
  wanted = "";
  async start() {
    paint(lastScheme());
    this.client.confirmAgain = () => askConfirm(this.client);
    this.client.steady = steadily(once, 4);
    const token = recoveryToken(location.hash);
    if (token !== "") await recover(this.client, token);
    const known = this.session.resume();
    void confirmBack(this.client);
    const app = byId("app", HTMLElement);
    addEventListener("hashchange", () => void this.open());
    if (read2(location.hash).page === "setup") {
      await this.setUp(app);
      return;
    }
    fill(app, this.shell.root);
    try {
      const apps = await this.client.apps();
      this.webmail.hidden = apps.webmail === "";
      fill(this.webmail, placesOf(apps.webmail).map(([href, icon2, title]) => el("a", { href }, sign(icon2), el("span", {}, title))));
      if (apps.webmail.startsWith("/")) this.session.webmail = apps.webmail;
      if (!known) await this.logIn("");
    } catch (error) {
      await showError(t("Couldn't load account"), error);
    }
    app.hidden = false;
    keepForms(`moxlite-account${number}`);
    await this.open();
  }
  async logIn(reason) {
    const webmail = this.webmail.hidden ? [] : [el("p", { class: "hint" }, el("a", { href: this.webmail.querySelector("a").href }, t("Open webmail")))];
    if (await this.session.logIn(reason, webmail) && this.displayed !== "") await this.session.leave();
  }
  async setUp(app) {
    const make = (await part("device")).pages["setup"];
    const page = await make(this.desk(read2(location.hash).path, ++this.shown));
    document.title = `${page.title} · moxlite`;
    fill(app, el("main", {}, page.root));
    beforeDisplay(page.root);
    app.hidden = false;
  }
  async open() {
    const address = read2(location.hash);
    if (address.page === "setup") {
      leave();
      return;
    }
    if (location.hash === "#outgoing" && !this.webmail.hidden) {
      leave(() => location.replace(`${this.webmail.querySelector("a").href}#outbox:`));
      return;
    }
    const number2 = ++this.shown;
    let page;
    const leave2 = this.leave;
    this.leave = [];
    const slow = setTimeout(() => setStatus(t("Loading…")), 300);
    try {
      await this.recount();
      const make = await find2(address.page);
      page = await make(this.desk(address.path, number2));
    } catch (error) {
      const from = parts[address.page];
      page = { title: t("Page not available"), root: failure(error, () => void this.open()) };
      if (this.displayed !== "" && from !== void 0) void reloadIfGone(from);
    } finally {
      clearTimeout(slow);
      setStatus("");
    }
    for (const act of leave2) act();
    if (number2 !== this.shown) return;
    document.title = `${page.title} · ${t("Account")} · moxlite`;
    const again = this.displayed === (location.hash || "#");
    const top = again ? scrollY : 0;
    const giveBack = again ? holdPlace(this.shell.main) : () => {
    };
    this.shell.show(address.page, page.root);
    giveBack();
    beforeDisplay(page.root);
    scrollTo(0, top);
    if (mark2(page.root, this.wanted)) this.wanted = "";
    else if (this.displayed !== "" && !again) page.root.querySelector("h1")?.focus({ preventScroll: true });
    this.displayed = location.hash || "#";
  }
  async recount() {
    const { login_address: address } = await this.client.overview();
    fill(this.who, disc(address, address), el("span", { class: "cut" }, el("bdi", {}, address)));
  }
  desk(path, number2) {
    return { client: this.client, base, webmail: this.session.webmail, path, keep: (changed, back) => this.keeper.keep(changed, back), load: part, refresh: () => this.open(), go: (to) => {
      if (location.hash === to) void this.open();
      else location.hash = to;
    }, say: (text3) => void toast(text3), onLeave: (act) => this.leave.push(act), shown: () => number2 === this.shown, places, find: find2, mark: (setting) => this.wanted = setting, recount: () => this.recount() };
  }
};
function placesOf(webmail) {
  return [[webmail, mail, meant("place", "Mail")], [`${webmail}#calendar:`, calendar, t("Calendar")], [`${webmail}#people:`, users, meant("place", "Contacts")]];
}
async function find2(name) {
  return (await part(parts[name])).pages[name];
}
function failure(error, again) {
  return el("div", { class: "page" }, head(t("Couldn't open this page"), ""), notice("danger", messageOf(error), el("button", { class: "btn line", type: "button", onclick: again }, t("Try again"))));
}
function read2(hash) {
  const [page = "", ...path] = hash.slice(1).split("/").map(decoded);
  return parts[page] === void 0 ? { page: first, path: [] } : { page, path };
}
function decoded(text3) {
  try {
    return decodeURIComponent(text3);
  } catch {
    return text3;
  }
}
watchFailures();
setStatus("");
restorePlace();
void new App().start();
})();
