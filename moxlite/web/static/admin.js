"use strict";
(() => {
// <define:PARTS>
var define_PARTS_default = { accounts: "41bef9a7", audit: "16fda805", domains: "8eafbaa2", factors: "983847b5", live: "a83100d8", machine: "1d4a8254", moving: "02189477", queue: "b8029bd5", reports: "5dde35ac", trends: "25ee2994" };

var CheckFailed = class extends Error {
};
function verify(table2, check2, value, path) {
  if (typeof check2 === "string") {
    if (!scalar(check2, value)) throw new CheckFailed(`${path}: ${check2} expected`);
    return;
  }
  switch (check2[0]) {
    case "list":
      if (!Array.isArray(value)) throw new CheckFailed(`${path}: list expected`);
      for (const [i, item] of value.entries()) verify(table2, check2[1], item, `${path}[${i}]`);
      return;
    case "map":
      if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
      for (const [key2, item] of Object.entries(value)) verify(table2, check2[1], item, `${path}.${key2}`);
      return;
    case "nullable":
      if (value !== null) verify(table2, check2[1], value, path);
      return;
    case "optional":
      if (value !== void 0) verify(table2, check2[1], value, path);
      return;
    case "enum":
      if (!check2[1].some((allowed) => allowed === value)) throw new CheckFailed(`${path}: one of ${check2[1].join(", ")} expected`);
      return;
    case "ref":
      fields(table2, check2[1], value, path);
      return;
    case "union": {
      const kind = isObject(value) ? value["kind"] : void 0;
      const name = typeof kind === "string" ? check2[1][kind] : void 0;
      if (name === void 0) throw new CheckFailed(`${path}: kind is unknown`);
      fields(table2, name, value, path);
    }
  }
}
function fields(table2, name, value, path) {
  if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
  const type = table2[name];
  if (type === void 0) throw new CheckFailed(`${path}: the type ${name} is unknown`);
  for (const [field, check2] of Object.entries(type)) verify(table2, check2, value[field], `${path}.${field}`);
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
function many(n, one, other, values = {}) {
  const text3 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text3, { ...values, n });
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
  constructor(base2, table2, logIn) {
    this.base = base2;
    this.table = table2;
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
    for (const [key2, check2] of Object.entries(checks2)) {
      parameters[key2] = given[Object.keys(parameters).length];
      verify(this.table, check2, parameters[key2], `${name}: ${key2}`);
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
  Happenings: { found: ["list", ["ref", "Happening"]], missed: "integer", last: "integer" },
  Happening: { id: "integer", at: "integer", kind: ["enum", ["delivery", "login", "send"]], outcome: ["enum", ["accepted", "delivered", "failed", "junk", "later", "queued", "refused", "sent", "waits"]], account: "string", who: "string", to: "string", remote: "string", text: "string", cid: "string", message_id: "string", queue_id: "integer" },
  LoginResult: { csrf_token: "string", login_address: "string", second_step: ["nullable", ["ref", "SecondStep"]], device: "boolean" },
  SecondStep: { token: "string", apps: ["list", "string"], keys: ["list", "string"], keys_elsewhere: ["list", ["ref", "KeyElsewhere"]], key_request: "string", codes: "boolean", server_time: "integer" },
  KeyElsewhere: { name: "string", host: "string" },
  Answer: { state: "string", code: "string", iss: "string", error: "string" },
  FactorState: { apps: ["list", ["ref", "TOTPApp"]], keys: ["list", ["ref", "FactorKey"]], codes: "integer", host: "string", programs: ["list", ["ref", "ProgramUse"]], server_time: "integer" },
  TOTPApp: { id: "integer", name: "string", created: "integer", last_used: "integer" },
  FactorKey: { id: "integer", name: "string", host: "string", created: "integer", last_used: "integer" },
  ProgramUse: { protocol: "string", program: "string", remote_ip: "string", last: "integer" },
  NewApp: { uri: "string", secret: "string", qr: ["ref", "QRCode"], server_time: "integer" },
  QRCode: { size: "integer", path: "string" },
  FactorAdded: { name: "string", recovery_codes: ["list", "string"] },
  KeyRequest: { options: "string" },
  History: { today: "integer", series: ["list", ["ref", "DaySeries"]], filed: "integer", filtered: "integer" },
  DaySeries: { kind: ["enum", ["delivered", "failed", "judged-junk", "judged-wanted", "junk", "login-failed", "marked-junk", "marked-wanted", "passed-on", "refused", "sent"]], numbers: ["list", "integer"] },
  DayFigures: { kind: ["enum", ["delivered", "failed", "judged-junk", "judged-wanted", "junk", "login-failed", "marked-junk", "marked-wanted", "passed-on", "refused", "sent"]], sums: ["list", ["ref", "Sum"]] },
  Sum: { about: "string", number: "integer" },
  QueueSample: { at: "integer", messages: "integer", held: "integer", oldest: "integer" },
  LoginFailures: { networks: ["list", ["ref", "Sum"]], others: "integer", rest: "integer" },
  Attempt: { account: "string", address: "string", remote_ip: "string", protocol: "string", mechanism: "string", user_agent: "string", result: "string", tls: "string", first: "integer", last: "integer", count: "integer" },
  DiskUse: { accounts: ["list", ["ref", "AccountDisk"]], others: "integer", rest: "integer" },
  AccountDisk: { name: "string", octets: "integer" },
  ReportPlace: { domain: "string", dmarc: "string", tls: "string" },
  DMARCReportPage: { report: ["ref", "ReceivedReport"], email: "string", contact: "string", errors: ["list", "string"], policy: ["list", "string"], records: "integer", page: ["list", ["ref", "DMARCRecord"]] },
  ReceivedReport: { sender: "string", organization: "string", report_id: "string", domain: "string", received: "integer", begin: "integer", end: "integer", total: "integer", failed: "integer", id: "integer" },
  DMARCRecord: { source_ip: "string", count: "integer", disposition: "string", dkim: "string", spf: "string", reasons: ["list", "string"], header_from: "string", envelope_from: "string", envelope_to: "string", dkim_results: ["list", ["ref", "Judgement"]], spf_results: ["list", ["ref", "Judgement"]] },
  Judgement: { domain: "string", about: "string", result: "string", text: "string" },
  TLSReportDetail: { report: ["ref", "ReceivedReport"], contact: "string", policies: ["list", ["ref", "TLSPolicy"]] },
  TLSPolicy: { type: "string", domain: "string", strings: ["list", "string"], mx: ["list", "string"], successes: "integer", failed: "integer", failures: ["list", ["ref", "TLSFailure"]], more: "integer" },
  TLSFailure: { type: "string", reason: "string", information: "string", sending_ip: "string", host: "string", receiving_ip: "string", sessions: "integer" },
  Sources: { domain: "string", since: "integer", reports: "integer", left_out: "integer", policy: "string", passed: "integer", failed: "integer", hurt: "integer", strange: "integer", answer: ["enum", ["no", "strangers", "unknown", "yes"]], sources: ["list", ["ref", "Source"]] },
  Source: { ip: "string", own: "boolean", passed: "integer", failed: "integer", names: ["list", "string"] },
  SourceReport: { id: "integer", organization: "string", begin: "integer", end: "integer", passed: "integer", failed: "integer", dispositions: ["list", "string"] },
  Evaluated: { id: "integer", at: "integer", source_ip: "string", disposition: "string", dkim: "boolean", spf: "boolean", overrides: ["list", "string"], header_from: "string", envelope_from: "string", envelope_to: "string", record: "string", optional: "boolean", dkim_results: ["list", ["ref", "Judgement"]], spf_results: ["list", ["ref", "Judgement"]] },
  AuditFilter: { actor: ["optional", "string"], object: ["optional", "string"], via: ["optional", "string"], words: ["optional", "string"], since: ["optional", "integer"] },
  AuditLine: { id: "integer", at: "integer", actor: "string", via: "string", remote_ip: "string", action: "string", object: "string", outcome: ["enum", ["begun", "done", "failed", "refused"]], why: "string", given: ["map", "any"], changes: ["list", ["ref", "ValueChange"]] },
  ValueChange: { path: "string", before: "any", after: "any" },
  Backups: { target: "string", interval: "integer", keep_daily: "integer", keep_weekly: "integer", encrypted: "boolean", last: "integer", running: "boolean", run: ["nullable", ["ref", "BackupRun"]], snapshots: ["list", ["ref", "SnapshotRow"]], problem: "string" },
  BackupRun: { began: "integer", ended: "integer", octets: "integer", stored: "integer", errors: ["list", "string"], warnings: ["list", "string"], left_out: ["list", "string"] },
  SnapshotRow: { id: "string", created: "integer", files: "integer", octets: "integer" },
  SecondMachine: { target: "string", lease: "boolean", well: "boolean", words: ["list", "string"] },
  ConfigFile: { path: "string", text: "string", cut: "boolean", problem: "string", current: "boolean", effective: "string", left_out: "integer" },
  MetricRow: { name: "string", kind: ["enum", ["counter", "gauge", "histogram"]], about: "string", samples: ["list", ["ref", "MetricSample"]], left_out: "integer" },
  MetricSample: { labels: ["map", "string"], value: "number", count: "integer" },
  Level: { pkg: "string", level: ["enum", ["", "debug", "error", "info", "trace", "traceauth", "tracedata", "warn"]] },
  LogFound: { cid: "string", lines: ["list", ["ref", "Logged"]], file: "string", since: "integer", whole: "boolean", problem: "string" },
  Logged: { at: "integer", level: ["enum", ["", "debug", "error", "info", "trace", "traceauth", "tracedata", "warn"]], text: "string" },
  WhyFound: { message: "integer", mailbox: "string", why: ["nullable", ["ref", "WhyReasons"]] },
  WhyReasons: { reason: "string", sender: "string", recipient: "string", remote: "string", hello: "string", via: ["list", "string"], facts: ["list", ["ref", "WhyFact"]], missing: ["list", "string"], proposals: ["list", ["ref", "WhyProposal"]], reply: "string", actions: ["list", "string"], cut: "boolean" },
  WhyFact: { name: "string", value: "string", good: ["nullable", "boolean"], strength: "string", source: "string" },
  WhyProposal: { producer: "string", word: "string", reply: "string", actions: ["list", "string"], facts: ["list", "string"] },
  OwnAddresses: { hostname: "string", known: "boolean", asks: "boolean", ips: ["list", "string"], refusing: ["list", "string"], listings: ["list", ["ref", "Listing"]] },
  Listing: { zone: "string", ip: "string", status: ["enum", ["fail", "pass", "temperror", "unknown"]], at: "integer", explanation: "string", problem: "string" },
  ReverseName: { ip: "string", status: ["enum", ["fail", "pass", "permerror", "temperror"]], name: "string", names: ["list", "string"], problem: "string", authentic: "boolean" },
  TransportRow: { name: "string", method: ["enum", ["direct", "fail", "smtp", "socks", "submission", "submissions"]], settings: ["map", "any"], used: ["list", "string"] },
  DNSRecord: { topic: "string", about: "string", name: "string", kind: "string", value: "string", line: "string", optional: "boolean", live: "boolean" },
  DNSReport: { topic: "string", at: "integer", running: "boolean", errors: ["list", "string"], warnings: ["list", "string"], instructions: ["list", "string"], found: ["list", "string"], unused: "boolean" },
  DomainRow: { domain: "string", description: "string", disabled: "boolean", peer: "boolean", reports_only: "boolean", addresses: "integer", aliases: "integer" },
  DomainDetail: { row: ["ref", "DomainRow"], addresses: ["list", "string"], aliases: ["list", ["ref", "AliasRow"]], selectors: ["list", ["ref", "SelectorRow"]], users: ["list", "string"] },
  AliasRow: { localpart: "string", address: "string", alike: "string", members: ["list", "string"], post_public: "boolean", list_members: "boolean", allow_msg_from: "boolean" },
  SelectorRow: { selector: "string", algorithm: "string", bits: "integer", signs: "boolean", name: "string", record: "string", problem: "string" },
  AccountSecurity: { apps: ["list", ["ref", "TOTPApp"]], keys: ["list", ["ref", "FactorKey"]], codes: "integer", certificates: ["list", ["ref", "TLSKeyInfo"]], addresses: ["list", "string"], links: "boolean" },
  TLSKeyInfo: { fingerprint: "string", account: "string", login_address: "string", name: "string", type: "string", no_imap_preauth: "boolean", created: "time", mark: "string", certificate: "string", last_used: ["nullable", "time"], last_ip: "string", last_protocol: "string" },
  LinkMade: { url: "string", expires: "string" },
  Recoverable: { mailboxes: ["list", ["ref", "RemovedFrom"]], kept: "integer" },
  RemovedFrom: { mailbox: "string", messages: "integer", octets: "integer", last: "integer" },
  ProviderSetup: { issuer: "string", client_id: "string", name: "string", allow_internal: "boolean", admin_group: "string", shared: ["list", ["ref", "SharedWithGroup"]], pages: ["list", "string"], logout: "string" },
  SharedWithGroup: { account: "string", group: "string" },
  ProviderTrial: { problems: ["list", "string"], notes: ["list", "string"] },
  AccountPage: { accounts: ["list", ["ref", "AccountRow"]], total: "integer" },
  AccountRow: { name: "string", description: "string", full_name: "string", disabled: "string", broken: "string", first_address: "string", addresses: "integer", limit: "integer" },
  AccountUse: { name: "string", used: "integer", last_login: "integer", last_protocol: "string", problem: "string" },
  AccountDetail: { row: ["ref", "AccountRow"], domain: "string", use: ["ref", "AccountUse"], addresses: ["list", ["ref", "AddressRow"]], domains: ["list", "string"] },
  AddressRow: { address: "string", catchall: "boolean", mailbox: "string", aliases: ["list", "string"], alike: "string" },
  AccountRemains: { messages: "integer", octets: "integer", mailboxes: "integer", addresses: "integer", aliases: ["list", "string"], queued: "integer", held: "integer" },
  SettingsForm: { fields: ["list", ["ref", "FieldInfo"]], values: ["map", "any"] },
  FieldInfo: { name: "string", label: "string", type: ["enum", ["boolean", "enum", "integer", "list", "map", "number", "table", "text"]], kind: "string", doc: "string", required: "boolean", default: "any", words: ["map", "string"], fields: ["list", ["ref", "FieldInfo"]], item: ["nullable", ["ref", "FieldInfo"]] },
  AdminSession: { id: "integer", remote_ip: "string", user_agent: "string", created: "integer", last_used: "integer", own: "boolean", subject: "string" },
  Overview: { at: "integer", hostname: "string", version: "string", update: "string", flow: ["enum", ["flowing", "none-in", "none-out", "slow", "unknown"]], findings: ["list", ["ref", "Finding"]], examined: "integer", config_problems: ["list", ["ref", "Finding"]], certificates: ["list", ["ref", "Certificate"]], disk: ["nullable", ["ref", "Disk"]], queue: ["nullable", ["ref", "QueueState"]], last_backup: "integer", last_rehearsal: "integer", rehearsal_failed: "boolean", standby: ["nullable", "boolean"], backup_interval: "integer", domains: "integer", accounts: "integer", placement: ["list", ["ref", "Provider"]], helpers_tried: "integer", helpers_failed: "integer" },
  Finding: { grade: ["enum", ["error", "note", "warning"]], code: ["enum", ["account-broken", "account-stopped", "address-blocked", "backup-clock", "backup-kept", "backup-none", "backup-old", "backup-rehearsal", "backup-same-disk", "backup-sample", "backup-unwritable", "backup-without-keys", "certificate-ending", "certificate-order", "certificate-unreadable", "child-down", "clock-unsynchronised", "clock-wrong", "config-error", "config-warning", "disk-low", "disk-slow", "dns", "dns-changed", "dns-provider", "dns-server", "ipv6-only", "key-not-in-effect", "key-rotation", "listed", "machine-slow", "mail-not-delivered", "mail-not-read", "mail-not-sent", "mail-rejected", "memory-short", "no-admin-pages", "not-checked", "password-foreign", "password-known", "password-weak", "peer", "permissions", "placement", "port-25-blocked", "port-closed", "port-taken", "program-address", "program-in-clear", "queue-held", "queue-stuck", "quota-reached", "restart-needed", "sandbox-weak", "search-preparing", "server-down", "server-fault", "signature-wrong", "standby-behind", "standby-lease", "store-damaged", "task-down", "update"]], about: "string", text: "string", commands: ["list", "string"], detail: "string", file: "string", line: "integer", cause: "string" },
  Certificate: { listener: "string", names: ["list", "string"], issuer: "string", ends: "integer", automatic: "boolean", own: "boolean" },
  Disk: { free: "integer", size: "integer" },
  QueueState: { messages: "integer", held: "integer", oldest: "number" },
  Provider: { name: "string", address: "string", landing: ["enum", ["inbox", "junk", "missing", "other", "unsent"]], mailbox: "string", seconds: "integer", since: "integer", changed: "string", text: "string", days: ["list", ["ref", "ProviderDay"]] },
  ProviderDay: { at: "integer", landing: ["enum", ["inbox", "junk", "missing", "other", "unsent"]], seconds: "integer" },
  Filter: { ids: ["optional", ["list", "integer"]], account: ["optional", "string"], submitted: ["optional", "string"], sender: ["optional", "string"], recipient: ["optional", "string"], transport: ["optional", ["nullable", "string"]], hold: ["optional", ["nullable", "boolean"]], next_attempt: ["optional", "string"], n: ["optional", "integer"] },
  Page: { sort: ["optional", ["enum", ["next_attempt", "queued"]]], ascending: ["optional", "boolean"], last_id: ["optional", "integer"], last: ["optional", "string"], n: ["optional", "integer"] },
  Line: { id: "integer", queued: "string", account: "string", sender: "string", recipient: "string", message_id: "string", subject: "string", size: "integer", attempts: "integer", transport: "string", error: "string", next_attempt: "string", hold: "boolean", success: ["nullable", "boolean"], last_activity: "string", why: "string", next: "string", admin: "string" },
  Changed: { messages: "integer", id: "integer" },
  Outgoing: { waiting: "integer", held: "integer" },
  Try: { start: "string", seconds: "number", transport: "string", host: "string", ip: "string", tls: "string", outcome: "string", reply: "string", meaning: "string", admin: "string" },
  RetiredFilter: { ids: ["optional", ["list", "integer"]], account: ["optional", "string"], submitted: ["optional", "string"], sender: ["optional", "string"], recipient: ["optional", "string"], transport: ["optional", ["nullable", "string"]], success: ["optional", ["nullable", "boolean"]], last_activity: ["optional", "string"] },
  RetiredPage: { sort: ["optional", ["enum", ["last_activity", "queued"]]], ascending: ["optional", "boolean"], last_id: ["optional", "integer"], last: ["optional", "string"], n: ["optional", "integer"] },
  Rule: { id: "integer", account: "string", sender: "string", recipient: "string" },
  StoppedAccount: { account: "string", since: "string", sign: "string", why: "string", messages: "integer", recipients: "integer", domains: "integer", oldest: "string", sources: ["list", ["ref", "SentFrom"]] },
  SentFrom: { address: "string", first: "string", last: "string", messages: "integer" },
  Suppressed: { account: "string", address: "string", base: "string", manual: "boolean", reason: "string", created: "string", expires: "string" },
  HookFilter: { ids: ["optional", ["list", "integer"]], account: ["optional", "string"], submitted: ["optional", "string"], event: ["optional", "string"], next_attempt: ["optional", "string"], n: ["optional", "integer"] },
  HookPage: { sort: ["optional", ["enum", ["next_attempt", "submitted"]]], ascending: ["optional", "boolean"], last_id: ["optional", "integer"], last: ["optional", "string"], n: ["optional", "integer"] },
  HookLine: { id: "integer", msg_id: "integer", submitted: "string", account: "string", event: "string", url: "string", attempts: "integer", error: "string", next_attempt: "string", success: ["nullable", "boolean"], last_activity: "string", superseded_by: "integer" },
  RetiredHookFilter: { ids: ["optional", ["list", "integer"]], account: ["optional", "string"], submitted: ["optional", "string"], event: ["optional", "string"], last_activity: ["optional", "string"] },
  RetiredHookPage: { sort: ["optional", ["enum", ["last_activity", "submitted"]]], ascending: ["optional", "boolean"], last_id: ["optional", "integer"], last: ["optional", "string"], n: ["optional", "integer"] },
  SentReports: { due: "integer", sent: "integer", skipped: "integer", later: "integer", reports: ["list", ["ref", "SentReport"]] },
  SentReport: { domain: "string", day: "string", result: "string", why: "string", recipients: ["list", "string"] },
  PendingReport: { about: "string", day: "string", total: "integer", failed: "integer" },
  Dropped: { rows: "integer" },
  WithoutReports: { address: "string", until: "string", comment: "string" },
  KeptPolicy: { domain: "string", mode: "string", mx: ["list", "string"], max_age: "integer", valid_end: "integer", last_update: "integer", last_use: "integer", failure: "string", record_id: "string" },
  Total: { domain: "string", reports: "integer", total: "integer", failed: "integer", last: "integer" },
  AddedDomain: { domain: "string", next: ["list", ["ref", "NextStep"]] },
  NextStep: { words: "string", commands: ["list", "string"] },
  PeerState: { domain: "string", hosts: ["list", ["ref", "PeerHost"]], disabled: "boolean", takes_all: "boolean", messages: "integer", elsewhere: ["list", "string"] },
  PeerHost: { host: "string", addresses: ["list", "string"], tls: "boolean", problem: "string" },
  DNSProvider: { name: "string", title: "string", rights: "string", questions: ["list", ["ref", "Question"]] },
  Question: { option: "string", words: "string", secret: "boolean" },
  ProviderInUse: { provider: "string", title: "string", zone: "string", enforce: "boolean", published: "integer" },
  RecordPlan: { lines: ["list", "string"], groups: ["list", ["ref", "RecordGroup"]], notes: ["list", "string"] },
  RecordGroup: { title: "string", rules: "boolean", lines: ["list", "string"] },
  Rotation: { domain: "string", stage: ["enum", ["publishing", "resting", "retiring", "waiting"]], words: "string", since: "string", until: "string", new: "string", old: ["list", "string"], stopped: "boolean", todo: ["list", "string"], problem: "string" },
  HostRotation: { host: "string", stage: ["enum", ["ordering", "publishing", "resting", "retiring", "waiting"]], words: "string", since: "string", until: "string", made_here: "boolean", stopped: "boolean", todo: ["list", "string"], problem: "string" },
  UndeletedMail: { messages: "integer", damaged: "integer" },
  DelegateInfo: { guest: "string", sends: "string", ends: ["nullable", "time"], whole: "boolean" },
  WayInfo: { id: "string", kind: ["enum", ["app_password", "authenticator", "calendar", "calendar_link", "certificate", "contacts", "delegate", "device", "folder", "forward", "incoming_webhook", "linked", "outgoing_webhook", "provider", "push", "recovery_codes", "recovery_link", "script", "security_key", "sender", "session", "token"]], name: "string", who: "string", access: "string", set_up: ["nullable", "time"], actor: "string", via: "string", remote_ip: "string", login: "string", current: "boolean", place: "string" },
  TakenBack: { ways: ["list", ["ref", "WayInfo"]], failed: ["map", "string"] },
  LimitInfo: { who: "string", window: "integer", failures: "integer", limit: "integer", refused: "boolean", network: "string" },
  KeyChallenge: { command: "string", expires: "time" },
  AdminTokenInfo: { name: "string", scopes: ["list", "string"], created: "string", expires: "string", expired: "boolean", last_used: "string", used_from: "string" },
  MoveState: { phase: ["enum", ["done", "finished", "none", "paused", "running", "stopped"]], kind: "string", rate: "number", seconds: "integer", accounts: ["list", ["ref", "AccountMove"]], problems: ["list", "string"] },
  AccountMove: { address: "string", account: "string", phase: ["enum", ["done", "failed", "running", "waiting"]], step: "string", messages: "integer", left: "integer", problems: ["list", "string"], problem_count: "integer" },
  HandedOver: { host: "string", epoch: "integer" },
  Sent: { steps: ["list", "string"], findings: ["list", ["ref", "Finding"]] }
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
  second_factors: [{}, ["ref", "FactorState"]],
  totp_begin: [{ name: "string" }, ["ref", "NewApp"]],
  totp_finish: [{ code: "string" }, ["ref", "FactorAdded"]],
  key_begin: [{ name: "string" }, ["ref", "KeyRequest"]],
  key_created: [{ answer: "string" }, ["ref", "KeyRequest"]],
  key_finish: [{ answer: "string" }, ["ref", "FactorAdded"]],
  factor_remove: [{ kind: ["enum", ["key", "totp"]], id: "integer" }, ["ref", "FactorState"]],
  recovery_codes_new: [{}, ["list", "string"]],
  history: [{ days: "integer" }, ["ref", "History"]],
  history_day: [{ day: "integer" }, ["list", ["ref", "DayFigures"]]],
  queue_history: [{ days: ["optional", "integer"] }, ["list", ["ref", "QueueSample"]]],
  login_failures: [{ days: "integer" }, ["ref", "LoginFailures"]],
  attempts_from: [{ network: "string" }, ["list", ["ref", "Attempt"]]],
  disk_use: [{}, ["ref", "DiskUse"]],
  report_places: [{}, ["list", ["ref", "ReportPlace"]]],
  dmarc_report: [{ report_id: "integer", first: ["optional", "integer"] }, ["ref", "DMARCReportPage"]],
  tls_report: [{ report_id: "integer" }, ["ref", "TLSReportDetail"]],
  dmarc_sources: [{ domain: "string", days: "integer" }, ["ref", "Sources"]],
  dmarc_source_reports: [{ domain: "string", days: "integer", ip: "string" }, ["list", ["ref", "SourceReport"]]],
  dmarc_evaluations: [{ domain: "string", after: ["optional", "integer"] }, ["list", ["ref", "Evaluated"]]],
  audit: [{ filter: ["ref", "AuditFilter"], before: ["optional", "integer"], count: ["optional", "integer"] }, ["list", ["ref", "AuditLine"]]],
  audit_export: [{ filter: ["ref", "AuditFilter"], form: ["enum", ["csv", "json"]] }, "string"],
  backups: [{}, ["ref", "Backups"]],
  second_machine: [{}, ["ref", "SecondMachine"]],
  backup_run: [{}, "null"],
  config_file: [{ file: ["enum", ["domains.toml", "moxlite.toml"]], search: ["optional", "string"] }, ["ref", "ConfigFile"]],
  metrics: [{}, ["list", ["ref", "MetricRow"]]],
  log_levels: [{}, ["list", ["ref", "Level"]]],
  log_level_set: [{ pkg: "string", level: ["enum", ["", "debug", "error", "info", "trace", "traceauth", "tracedata", "warn"]] }, "null"],
  log_of: [{ received_id: "string" }, ["ref", "LogFound"]],
  log_recent: [{ least: ["optional", ["enum", ["debug", "error", "info", "trace", "traceauth", "tracedata", "warn"]]], words: ["optional", "string"] }, ["ref", "LogFound"]],
  message_why: [{ account: "string", message: "string" }, ["list", ["ref", "WhyFound"]]],
  own_addresses: [{}, ["ref", "OwnAddresses"]],
  listing_check: [{ zone: "string", ip: "string" }, ["ref", "Listing"]],
  reverse_lookup: [{ ip: "string" }, ["ref", "ReverseName"]],
  transport_list: [{}, ["list", ["ref", "TransportRow"]]],
  dns_records: [{ domain: "string" }, ["list", ["ref", "DNSRecord"]]],
  dns_zone: [{ domain: "string" }, "string"],
  dns_reports: [{ domain: "string" }, ["list", ["ref", "DNSReport"]]],
  dns_check: [{ domain: "string", topic: "string" }, ["ref", "DNSReport"]],
  domains: [{}, ["list", ["ref", "DomainRow"]]],
  domain: [{ domain: "string" }, ["ref", "DomainDetail"]],
  selector_add: [{ domain: "string", selector: "string", algorithm: ["enum", ["ed25519", "rsa"]] }, "null"],
  selector_remove: [{ domain: "string", selector: "string" }, "null"],
  account_security: [{ name: "string" }, ["ref", "AccountSecurity"]],
  account_factors_reset: [{ name: "string" }, "integer"],
  account_recovery_link: [{ name: "string", reset_factors: ["optional", "boolean"] }, ["ref", "LinkMade"]],
  account_removed: [{ name: "string", since: ["optional", "integer"] }, ["ref", "Recoverable"]],
  provider_setup: [{}, ["ref", "ProviderSetup"]],
  provider_trial: [{ issuer: "string", allow_internal: ["optional", "boolean"] }, ["ref", "ProviderTrial"]],
  password_change: [{ password: "string" }, "integer"],
  accounts: [{ search: ["optional", "string"], after: ["optional", "string"], count: ["optional", "integer"] }, ["ref", "AccountPage"]],
  account_uses: [{ names: ["list", "string"] }, ["list", ["ref", "AccountUse"]]],
  account: [{ name: "string" }, ["ref", "AccountDetail"]],
  account_add: [{ name: "string", address: "string", shared: ["optional", "boolean"] }, "string"],
  account_remains: [{ name: "string" }, ["ref", "AccountRemains"]],
  account_password: [{ name: "string", password: ["optional", "string"] }, "string"],
  attempts: [{ account: ["optional", "string"], count: ["optional", "integer"] }, ["list", ["ref", "Attempt"]]],
  settings: [{ path: ["list", "string"] }, ["ref", "SettingsForm"]],
  settings_save: [{ path: ["list", "string"], before: ["map", "any"], after: ["map", "any"] }, "null"],
  logout: [{}, "null"],
  sessions: [{}, ["list", ["ref", "AdminSession"]]],
  session_end: [{ session_id: "integer" }, "null"],
  overview: [{}, ["ref", "Overview"]],
  examine: [{}, "null"],
  placement_test: [{}, "boolean"],
  queue_list: [{ filter: ["optional", ["ref", "Filter"]], page: ["optional", ["ref", "Page"]] }, ["list", ["ref", "Line"]]],
  queue_count: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_outgoing: [{ account: "string" }, ["ref", "Outgoing"]],
  queue_attempts: [{ id: "integer" }, ["list", ["ref", "Try"]]],
  queue_hold: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_unhold: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_fail: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_drop: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_retry: [{ filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_schedule: [{ seconds: "number", filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]], from_now: ["optional", "boolean"] }, ["ref", "Changed"]],
  queue_transport: [{ transport: "string", filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_requiretls: [{ require_tls: ["enum", ["default", "no", "yes"]], filter: ["optional", ["ref", "Filter"]], all: ["optional", "boolean"], expected: ["optional", ["nullable", "integer"]] }, ["ref", "Changed"]],
  queue_header: [{ id: "integer" }, "string"],
  queue_retired_list: [{ filter: ["optional", ["ref", "RetiredFilter"]], page: ["optional", ["ref", "RetiredPage"]] }, ["list", ["ref", "Line"]]],
  queue_holdrules_list: [{}, ["list", ["ref", "Rule"]]],
  queue_holdrules_add: [{ account: ["optional", "string"], sender: ["optional", "string"], recipient: ["optional", "string"] }, ["ref", "Changed"]],
  queue_holdrules_remove: [{ id: "integer" }, "null"],
  queue_guard_list: [{}, ["list", ["ref", "StoppedAccount"]]],
  queue_guard_release: [{ account: "string" }, ["ref", "StoppedAccount"]],
  queue_suppress_list: [{ account: ["optional", "string"], after_account: ["optional", "string"], after_base: ["optional", "string"], n: ["optional", "integer"] }, ["list", ["ref", "Suppressed"]]],
  queue_suppress_add: [{ address: "string", reason: ["optional", "string"], account: ["optional", "string"] }, "null"],
  queue_suppress_remove: [{ address: "string", account: ["optional", "string"] }, "null"],
  queue_webhook_list: [{ filter: ["optional", ["ref", "HookFilter"]], page: ["optional", ["ref", "HookPage"]] }, ["list", ["ref", "HookLine"]]],
  queue_webhook_schedule: [{ seconds: "number", filter: ["optional", ["ref", "HookFilter"]], all: ["optional", "boolean"], from_now: ["optional", "boolean"] }, ["ref", "Changed"]],
  queue_webhook_cancel: [{ filter: ["optional", ["ref", "HookFilter"]], all: ["optional", "boolean"] }, ["ref", "Changed"]],
  queue_webhook_retired_list: [{ filter: ["optional", ["ref", "RetiredHookFilter"]], page: ["optional", ["ref", "RetiredHookPage"]] }, ["list", ["ref", "HookLine"]]],
  dmarc_send: [{ day: ["optional", "string"] }, ["ref", "SentReports"]],
  dmarc_pending: [{}, ["list", ["ref", "PendingReport"]]],
  dmarc_drop: [{ domain: "string" }, ["ref", "Dropped"]],
  dmarc_suppress_list: [{}, ["list", ["ref", "WithoutReports"]]],
  dmarc_suppress_add: [{ address: "string", seconds: "number", comment: ["optional", "string"] }, "null"],
  dmarc_suppress_remove: [{ address: "string" }, "null"],
  tlsrpt_send: [{ day: ["optional", "string"] }, ["ref", "SentReports"]],
  tlsrpt_pending: [{}, ["list", ["ref", "PendingReport"]]],
  tlsrpt_drop: [{ domain: "string" }, ["ref", "Dropped"]],
  tlsrpt_suppress_list: [{}, ["list", ["ref", "WithoutReports"]]],
  tlsrpt_suppress_add: [{ address: "string", seconds: "number", comment: ["optional", "string"] }, "null"],
  tlsrpt_suppress_remove: [{ address: "string" }, "null"],
  mtasts_kept: [{ after: ["optional", "string"], limit: ["optional", "integer"] }, ["list", ["ref", "KeptPolicy"]]],
  reports_list: [{ kind: ["enum", ["dmarc", "tls"]], domain: ["optional", "string"], days: ["optional", "integer"], before: ["optional", "integer"], limit: ["optional", "integer"] }, ["list", ["ref", "ReceivedReport"]]],
  reports_summary: [{ kind: ["enum", ["dmarc", "tls"]], days: ["optional", "integer"] }, ["list", ["ref", "Total"]]],
  config_account_rm: [{ account: "string" }, "null"],
  config_account_disable: [{ account: "string", message: "string" }, "null"],
  config_account_enable: [{ account: "string" }, "null"],
  config_address_add: [{ address: "string", account: "string" }, "null"],
  config_address_rm: [{ address: "string" }, "null"],
  config_domain_add: [{ domain: "string", account: "string", localpart: ["optional", "string"], disabled: ["optional", "boolean"] }, ["ref", "AddedDomain"]],
  config_domain_rm: [{ domain: "string" }, "null"],
  config_domain_disable: [{ domain: "string" }, "null"],
  config_domain_enable: [{ domain: "string" }, "null"],
  config_domain_strict: [{ domain: "string", off: ["optional", "boolean"] }, "null"],
  config_domain_peer_show: [{ domain: "string" }, ["ref", "PeerState"]],
  config_domain_peer_set: [{ domain: "string", hosts: ["optional", ["list", "string"]] }, ["ref", "PeerState"]],
  config_domain_peer_rm: [{ domain: "string" }, "null"],
  config_alias_add: [{ alias: "string", members: ["list", "string"] }, "null"],
  config_alias_rm: [{ alias: "string" }, "null"],
  config_alias_addaddr: [{ alias: "string", members: ["list", "string"] }, "null"],
  config_alias_rmaddr: [{ alias: "string", members: ["list", "string"] }, "null"],
  dns_provider_list: [{}, ["list", ["ref", "DNSProvider"]]],
  dns_provider_show: [{ domain: "string" }, ["ref", "ProviderInUse"]],
  dns_provider_set: [{ domain: "string", provider: "string", secrets: ["map", "string"], enforce: ["optional", "boolean"] }, ["ref", "ProviderInUse"]],
  dns_provider_rm: [{ domain: "string" }, "null"],
  dns_plan: [{ domain: "string", undo: ["optional", "boolean"], addresses: ["optional", "boolean"], replace: ["optional", "boolean"] }, ["ref", "RecordPlan"]],
  dns_publish: [{ domain: "string", lines: ["list", "string"], undo: ["optional", "boolean"], addresses: ["optional", "boolean"], replace: ["optional", "boolean"], lenient: ["optional", "boolean"] }, ["list", "string"]],
  dns_rotation_show: [{ domain: "string" }, ["ref", "Rotation"]],
  dns_rotation_stop: [{ domain: "string" }, ["ref", "Rotation"]],
  dns_rotation_start: [{ domain: "string" }, ["ref", "Rotation"]],
  dns_rotation_now: [{ domain: "string" }, ["ref", "Rotation"]],
  dns_host_key_show: [{}, ["list", ["ref", "HostRotation"]]],
  dns_host_key_stop: [{ host: "string" }, ["ref", "HostRotation"]],
  dns_host_key_start: [{ host: "string" }, ["ref", "HostRotation"]],
  dns_host_key_now: [{ host: "string" }, ["ref", "HostRotation"]],
  account_undelete: [{ account: "string", since: ["optional", "integer"], mailbox: ["optional", "string"] }, ["ref", "UndeletedMail"]],
  account_delegate_list: [{ account: ["optional", "string"] }, ["list", ["ref", "DelegateInfo"]]],
  account_delegate_set: [{ guest: "string", sends: ["enum", ["as", "behalf"]], ends: ["optional", "integer"], whole: ["optional", "boolean"], account: ["optional", "string"] }, "null"],
  account_delegate_rm: [{ guest: "string", account: ["optional", "string"] }, "null"],
  account_access: [{ since: ["optional", "integer"], after: ["optional", "string"], count: ["optional", "integer"], account: ["optional", "string"] }, ["list", ["ref", "WayInfo"]]],
  account_remove_access: [{ way: "string", account: ["optional", "string"] }, "null"],
  account_take_back: [{ since: "integer", keep: ["optional", ["list", "string"]], account: ["optional", "string"] }, ["ref", "TakenBack"]],
  limits_list: [{}, ["list", ["ref", "LimitInfo"]]],
  limits_clear: [{ ip: ["optional", "string"] }, "integer"],
  config_tlspubkey_challenge: [{ account: ["optional", "string"] }, ["ref", "KeyChallenge"]],
  config_tlspubkey_add: [{ address: "string", certificate: "string", name: ["optional", "string"], no_imap_preauth: ["optional", "boolean"], proof: ["optional", "string"], account: ["optional", "string"] }, ["ref", "TLSKeyInfo"]],
  config_tlspubkey_rm: [{ fingerprint: "string", account: ["optional", "string"] }, "null"],
  admin_token_add: [{ name: "string", scopes: ["list", ["enum", ["accounts", "dns", "domains", "queue", "read", "reports", "server"]]], days: ["optional", "integer"] }, "string"],
  admin_token_list: [{}, ["list", ["ref", "AdminTokenInfo"]]],
  admin_token_rm: [{ name: "string" }, "null"],
  move_status: [{}, ["ref", "MoveState"]],
  move_pause: [{}, "null"],
  move_resume: [{}, "null"],
  move_stop: [{}, "null"],
  standby_handover: [{}, ["ref", "HandedOver"]],
  doctor_mail: [{ send_to: ["optional", "string"] }, ["ref", "Sent"]]
});
var once = "totp_begin totp_finish key_finish factor_remove recovery_codes_new backup_run selector_add selector_remove account_factors_reset account_recovery_link password_change account_add account_password settings_save session_end placement_test queue_hold queue_unhold queue_fail queue_drop queue_retry queue_schedule queue_transport queue_requiretls queue_holdrules_add queue_holdrules_remove queue_guard_release queue_suppress_add queue_suppress_remove queue_webhook_schedule queue_webhook_cancel dmarc_send dmarc_drop dmarc_suppress_add dmarc_suppress_remove tlsrpt_send tlsrpt_drop tlsrpt_suppress_add tlsrpt_suppress_remove config_account_rm config_account_disable config_account_enable config_address_add config_address_rm config_domain_add config_domain_rm config_domain_disable config_domain_enable config_domain_strict config_domain_peer_set config_domain_peer_rm config_alias_add config_alias_rm config_alias_addaddr config_alias_rmaddr dns_provider_set dns_provider_rm dns_publish dns_rotation_stop dns_rotation_start dns_rotation_now dns_host_key_stop dns_host_key_start dns_host_key_now account_undelete account_delegate_set account_delegate_rm account_remove_access account_take_back limits_clear config_tlspubkey_add config_tlspubkey_rm admin_token_add admin_token_rm move_pause move_resume move_stop doctor_mail".split(" ");

var awayKey = "moxlite-provider";
function restorePlace() {
  const place = sessionStorage.getItem(awayKey)?.split(" ")[2];
  if (place && location.search !== "") history.replaceState(null, "", location.search + place);
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
function placed(text22, elements) {
  return text22.split(/(\{\w+\})/).map((part2) => elements[part2.slice(1, -1)] ?? part2);
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
function brand(app = "") {
  return el("div", { class: "brand" }, icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"), el("span", {}, "moxlite", app !== "" && el("small", {}, ` ${app}`)));
}

var activity = "M22 12h-2.48a2 2 0 0 0-1.93 1.46l-2.35 8.36a.25.25 0 0 1-.48 0L9.24 2.18a.25.25 0 0 0-.48 0l-2.35 8.36A2 2 0 0 1 4.49 12H2";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var globe = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 2a14.5 14.5 0 0 0 0 20 14.5 14.5 0 0 0 0-20 M2 12h20";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var logOut = "m16 17l5-5-5-5 M21 12H9 M9 21H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2h4";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var menu = "M4 5h16 M4 12h16 M4 19h16";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var server = "M4 2h16a2 2 0 0 1 2 2v4a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-4a2 2 0 0 1 2 -2z M4 14h16a2 2 0 0 1 2 2v4a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-4a2 2 0 0 1 2 -2z M6 6h.01 M6 18h.01";
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

function remember(key2, value, storage = localStorage) {
  try {
    storage.setItem(key2, value);
    return true;
  } catch {
    return false;
  }
}

var providedKey = "moxlite-provided";
function keepApart(app) {
  providedKey = `${app}-provided`;
}
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
  const [kept, stay] = (sessionStorage.getItem(awayKey) ?? "").split(" ");
  const fields3 = new URLSearchParams(location.search);
  const state2 = fields3.get("state");
  if (kept !== purpose || state2 === null) return null;
  sessionStorage.removeItem(awayKey);
  history.replaceState(null, "", location.pathname + location.hash);
  const [code = "", iss = "", error = ""] = ["code", "iss", "error"].map((name) => fields3.get(name) ?? "");
  return { answer: { state: state2, code, iss, error }, stay: stay === "true" };
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
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const withKey = step.keys.length > 0 && keysKnown();
  let kind = step.apps.length > 0 ? "totp" : withKey || !step.codes ? "key" : "recovery";
  let busy = false;
  let keySpent = false;
  const code = el("input", { class: "input code", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true });
  const label = el("label", { class: "field" });
  const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
  const key2 = el("button", { class: "btn line", type: "button", hidden: !withKey, onclick: () => void attempt2("key") }, sign(keyRound), el("span", {}, keyWords(step.keys)));
  const other = el("button", { class: "btn text small", type: "button", onclick: () => choose(kind === "recovery" ? "totp" : "recovery") });
  const intro = el("p", { class: "two" });
  const form2 = el("form", { class: "form", onsubmit: (event) => {
    event.preventDefault();
    void attempt2(kind);
  } }, label, problem, send, key2);
  code.addEventListener("input", () => {
    problem.hidden = true;
    if (kind === "totp" && code.value.replace(/\s/g, "").length === 6) void attempt2("totp");
  });
  async function attempt2(by) {
    if (busy) return;
    busy = true;
    for (const one of [send, key2, code]) one.disabled = true;
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
      problem.hidden = false;
      fill(problem, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    } finally {
      busy = false;
      for (const one of [send, key2, code]) one.disabled = false;
      if (!problem.hidden && by !== "key") {
        code.select();
        code.focus();
      }
    }
  }
  function choose(next) {
    kind = next;
    const typed2 = kind !== "key";
    problem.hidden = true;
    label.hidden = !typed2;
    send.hidden = !typed2;
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
    (kind === "key" ? key2 : code).focus();
  }
  const elsewhere = step.keys_elsewhere.map((one) => el("li", {}, t("The key “{name}” only works at {host}.", { name: one.name, host: one.host })));
  const clock2 = el("span", {}, serverClock(step.server_time));
  const root = el("div", { class: "second-step" }, el("h2", {}, t("Verify it's you")), intro, form2, elsewhere.length > 0 && el("ul", { class: "hint" }, elsewhere), el("p", { class: "hint second-step-foot" }, other, step.apps.length > 0 && clock2));
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
    const problem = el("p", { class: "error", role: "alert", hidden: true });
    const password = el("input", { class: "input", type: "password", name: "password", autocomplete: "current-password", required: true, autofocus: true });
    const fail = (error) => {
      problem.hidden = false;
      fill(problem, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    };
    const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
    const form2 = el("form", { class: "form", onsubmit: async (event) => {
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
    } }, el("label", { class: "field" }, t("Password"), password), problem, el("div", { class: "dialog-buttons" }, name !== "" && el("button", { class: "btn text", type: "button", onclick: () => void confirmAway(client, () => close(true)).catch(fail) }, t("Log in with {name}", { name })), factors && el("button", { class: "btn text", type: "button", onclick: () => byFactor(step) }, t("Verify another way")), el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")), send));
    const byFactor = (shown2) => {
      const made = secondStepForm({ step: shown2, finish: async (kind, code) => void await client.confirm(kind, code) }, () => close(true), () => void client.confirm_options().then(byFactor));
      fill(place, made.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel"))));
      made.focus();
    };
    fill(place, el("p", { class: "dialog-text" }, why), form2);
    return [place];
  });
  return answer2 === true;
}

function watchFailures() {
  const tell = (error) => void showError(t("Something went wrong on this page"), error?.code === 18 ? t("Allow cookies and site data for this page.") : error);
  addEventListener("error", (event) => tell(event.error ?? event.message));
  addEventListener("unhandledrejection", (event) => tell(event.reason));
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
function wordsOfSearch(name) {
  const place = form.exec(name)?.[1];
  return place === void 0 ? name : load()[Number(place)] ?? "";
}
var forgetSearches = () => sessionStorage.removeItem(key);

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
    const problem = el("p", { class: "login-problem", role: "alert" }, reason);
    const username = el("input", { name: "username", inputmode: "email", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, value: address ?? "" });
    const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const stay = el("input", { type: "checkbox", name: "stay" });
    const button2 = el("button", { class: "btn primary", type: "submit" }, t("Log in"));
    const other = el("button", { class: "btn line", type: "button", hidden: true });
    problem.hidden = reason === "";
    const attempt2 = async (logIn) => {
      button2.disabled = other.disabled = true;
      try {
        const asked2 = await logIn();
        if (asked2 === null) finish();
        else if (asked2 !== void 0) await ask(asked2);
      } catch (error) {
        problem.hidden = false;
        fill(problem, linked(error instanceof Error ? error.message : String(error)));
        password.select();
      } finally {
        button2.disabled = other.disabled = false;
      }
    };
    const form2 = el("form", { class: "login", onsubmit: async (event) => {
      event.preventDefault();
      await attempt2(() => tryLogIn(username.value, password.value, stay.checked));
    } }, brand(), el("h1", {}, title), problem, address !== null && el("label", { class: "field" }, t("Email address"), username), el("label", { class: "field" }, t("Password"), password), stays && isSecureContext && el("label", { class: "check" }, stay, t("Keep me logged in on this device")), button2, other, below);
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app: title }) }, form2);
    const finish = () => {
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = async (asked2) => {
      const back = () => {
        second2.remove();
        form2.hidden = false;
        password.focus();
      };
      const made = (await further()).secondStepForm(asked2, finish, () => {
        second2.remove();
        form2.hidden = false;
        if (password.value !== "") form2.requestSubmit();
      });
      const second2 = el("div", { class: "login" }, brand(), made.root, el("button", { class: "btn text small", type: "button", onclick: back }, t("Back")));
      form2.hidden = true;
      overlay.append(second2);
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

var shown = 1e4;
var most2 = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}
function toast(text3, action2, time = shown) {
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
  const box = el("div", { class: "toast", onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release }, words, action2 !== void 0 && el("button", { class: "btn text toast-action", onclick: () => {
    close();
    action2.run();
  } }, action2.title), time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most2) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

var waiting = false;
function leave(load3 = () => location.reload()) {
  waiting = false;
  for (const one of document.querySelectorAll("[data-unsaved]")) delete one.dataset["unsaved"];
  load3();
}
var engaged = () => document.querySelector(".composer, [data-unsaved], dialog[open]") !== null;
function quiet(time) {
  const works = [];
  dispatchEvent(new CustomEvent("reloading", { detail: works }));
  return Promise.race([Promise.all(works).then(() => true), new Promise((resolve) => setTimeout(resolve, time))]);
}
async function reload(words, load3) {
  if (waiting) return;
  waiting = true;
  if (!engaged() && await quiet(9e4) && !engaged()) leave(load3);
  else toast(words, { title: t("Reload"), run: () => {
    dispatchEvent(new Event("leaving"));
    void quiet(1e4).then(() => leave(load3));
  } }, 0);
}

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

var Shell = class {
  constructor(app, label, places3, foot, above = null) {
    this.places = places3;
    for (const place of places3) {
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
      const own2 = root.querySelector(":scope > .tabs") ?? "";
      root.prepend(el("p", { class: "place" }, place.title), tabs(place.title, pages.map(([page, title]) => [`#${page}`, title, page === name])), own2);
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
function card(title, content2, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content2);
}
function tabs(label, links) {
  const made = el("nav", { class: "tabs", "aria-label": label }, links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : void 0 }, title)));
  requestAnimationFrame(() => {
    const shown2 = made.querySelector("[aria-current]");
    if (shown2 !== null) made.scrollLeft = shown2.offsetLeft - made.offsetLeft - (made.clientWidth - shown2.offsetWidth) / 2;
  });
  return made;
}
function table(label, columns, rows, each) {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
      const text3 = cell.textContent;
      cell.className += /\S{30}/.test(text3) ? " long" : /\S{25}/.test(text3) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row);
    return tr;
  });
  const titles = columns.map((column) => el("th", { class: column.kind, scope: "col" }, column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title));
  return el("table", { class: "records", "aria-label": label }, el("thead", {}, el("tr", {}, titles)), el("tbody", {}, body));
}
function wrapped(child) {
  return Array.isArray(child) || typeof child === "string" ? child.length > 0 ? el("div", {}, child) : null : child;
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text3) => fill(face, sign(path, "i s"), word !== "" && text3);
  const made = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made.addEventListener("click", async () => {
    await toClipboard(value());
    show(check, t("Copied"));
    said.textContent = t("Copied");
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      show(copy, word);
      said.textContent = "";
    }, 2e3);
  });
  show(copy, word);
  return made;
}
async function toClipboard(value) {
  if (isSecureContext) {
    await navigator.clipboard.writeText(value);
    return;
  }
  const area = el("textarea", { readonly: true, "aria-hidden": "true" });
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
function copyable(value) {
  return el("span", { class: "copy" }, el("code", {}, value), copyButton(() => value));
}
function foreign(value, most3 = 300) {
  const shown2 = visible(value);
  if (shown2.length <= most3) return el("bdi", {}, shown2);
  const words = el("bdi", {}, `${shown2.slice(0, most3)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown2);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

function load2(path) {
  return import(path).catch(() => import(`${path}?${Date.now()}`));
}

var folder = "./part/";
var addressOf = (name) => `${folder}${name}.${define_PARTS_default[name]}.js`;
var loading = /* @__PURE__ */ new Map();
function part(name) {
  let found = loading.get(name);
  if (found === void 0) {
    found = Promise.all([load2(addressOf(name)), globalThis.moxliteLanguage?.rest()]).then(([module]) => module).catch((error) => {
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
    const kept = remember(this.addressKey, result.login_address) && remember(this.csrfKey, result.csrf_token);
    const device = `${this.app}-stays`;
    if (result.device) remember(device, "1");
    else localStorage.removeItem(device);
    if (!kept) toast(t("Your browser's storage is full, so a reload will log you out."));
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
  const make = async (call, body, post, kept) => {
    const same2 = `${call} ${body}`;
    const form2 = once3.includes(call) ? saving() : void 0;
    const [forms, formsId] = form2?.dataset["lost"]?.split(" ") ?? [];
    const again = lost.has(same2);
    const id = (forms === call ? formsId : lost.get(same2)) ?? newId();
    const note = (unknown) => {
      if (unknown) lost.set(same2, id);
      else lost.delete(same2);
      if (form2 === void 0) return;
      if (unknown) form2.dataset["lost"] = `${call} ${id}`;
      else delete form2.dataset["lost"];
      form2.dispatchEvent(new Event("lost", { bubbles: true }));
    };
    const repeats = writes.has(call) && !kept;
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

var [quiet2, week] = [300, 7 * 864e5];
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
function partsOf(form2) {
  const parts2 = /* @__PURE__ */ new Map();
  const counts = /* @__PURE__ */ new Map();
  for (const part2 of form2.querySelectorAll(`${fields2}, [data-rows], [data-kept]`)) {
    const within = part2.parentElement?.closest("[data-kept]") ?? null;
    if (within !== null && form2.contains(within) || part2.matches(fields2) && isSecret(part2)) continue;
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
var valuesOf = (form2) => Object.fromEntries([...partsOf(form2)].map(([name, part2]) => [name, valueIn(part2)]));
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
function put(form2, values) {
  for (let turn = 0; turn < 2; turn++) for (const [name, value] of Object.entries(values)) {
    const part2 = partsOf(form2).get(name);
    if (part2 !== void 0 && !same(valueIn(part2), value)) set(part2, value);
  }
}
function nameOf(form2, begun) {
  const box = form2.closest("dialog");
  const words = Object.entries(begun).filter(([name, value]) => worded.includes(name.split(" ")[0]) && value !== "" && !same(value, []));
  const beside = [...(box ?? document).querySelectorAll(kinds)].indexOf(form2);
  return JSON.stringify([box?.ariaLabel ?? here(), form2.className, beside, words]);
}
var here = () => location.hash.replace(/\?.*/, "");
var placeOf = (form2) => form2.closest("dialog") === null ? here() : null;
function keepForms(app) {
  const key2 = `${app}-unsaved`;
  const begun = /* @__PURE__ */ new WeakMap();
  const changed = /* @__PURE__ */ new Map();
  const left = /* @__PURE__ */ new Map();
  let [timer, filling, out, last] = [0, false, false, ""];
  const store = () => localStorage.getItem(`${app}-stays`) === null ? sessionStorage : localStorage;
  const owner = () => last = localStorage.getItem(`${app}-address`) ?? last;
  function load3() {
    try {
      const { owner: whose, forms } = JSON.parse(store().getItem(key2) ?? "");
      if (whose !== owner()) return {};
      const recent = Object.entries(forms).filter(([, entry]) => Date.now() - entry.at < week);
      return Object.fromEntries(recent.sort(([, a], [, b]) => a.at - b.at).slice(-mostForms));
    } catch {
      return {};
    }
  }
  function change(work) {
    const forms = load3();
    work(forms);
    try {
      if (Object.keys(forms).length === 0) store().removeItem(key2);
      else store().setItem(key2, JSON.stringify({ owner: owner(), forms }));
    } catch {
    }
  }
  (store() === localStorage ? sessionStorage : localStorage).removeItem(key2);
  change(() => {
  });
  const drop = (name) => change((forms) => delete forms[name]);
  function keep() {
    clearTimeout(timer);
    if (out) return;
    change((forms) => {
      for (const [form2, { name }] of changed) if (form2.isConnected && form2.dataset["unsaved"] !== void 0) forms[name] = { at: Date.now(), values: valuesOf(form2), lost: form2.dataset["lost"] };
    });
  }
  const kept = (form2) => form2 instanceof HTMLElement && !form2.matches(apart) && partsOf(form2).size > 0;
  function look(form2) {
    for (const field of form2.querySelectorAll(fields2)) keepOut(field);
    const old = begun.get(form2);
    if (filling || old === void 0 || form2.ariaBusy === "true") return;
    if (Object.entries(valuesOf(form2)).every(([name, value]) => same(old.values[name], value))) settle(form2);
    else {
      form2.dataset["unsaved"] = "";
      if (!changed.has(form2)) changed.set(form2, { name: old.name, place: placeOf(form2) });
      clearTimeout(timer);
      timer = window.setTimeout(keep, quiet2);
    }
  }
  function settle(form2) {
    delete form2.dataset["unsaved"];
    delete form2.dataset["lost"];
    form2.querySelector(".kept-note")?.remove();
    const named = changed.get(form2);
    changed.delete(form2);
    if (named !== void 0) drop(named.name);
  }
  function refill(form2, values) {
    filling = true;
    put(form2, values);
    filling = false;
  }
  function came(form2) {
    const old = form2.dataset["begun"] === void 0 ? valuesOf(form2) : {};
    const name = nameOf(form2, old);
    begun.set(form2, { name, values: { ...old } });
    const record = load3()[name];
    if (record === void 0 || form2.dataset["begun"] !== void 0) {
      look(form2);
      return;
    }
    refill(form2, record.values);
    if (record.lost !== void 0) form2.dataset["lost"] = record.lost;
    const discard = () => {
      refill(form2, old);
      settle(form2);
    };
    form2.prepend(el("p", { class: "hint kept-note", role: "status" }, el("span", {}, t("Not saved")), el("button", { class: "btn text small", type: "button", onclick: discard }, t("Discard"))));
    look(form2);
  }
  function grew(form2, values) {
    if (form2.dataset["begun"] !== void 0) return;
    for (const [name, part2] of partsOf(form2)) if (!(name in values)) values[name] = valueIn(part2);
  }
  function gone(form2, { name, place }) {
    const box = form2.closest("dialog");
    if (box !== null && left.has(box)) return;
    changed.delete(form2);
    if (place === null || form2.dataset["unsaved"] === void 0) drop(name);
    else if (form2.ariaBusy === "true") {
      const saved = new MutationObserver(() => {
        saved.disconnect();
        gone(form2, { name, place });
      });
      saved.observe(form2, { attributeFilter: ["aria-busy"] });
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
    for (const form2 of changed.keys()) if (box.contains(form2)) changed.delete(form2);
    const focused = document.activeElement;
    box.dispatchEvent(new Event("cancel", { cancelable: true }));
    if (focused instanceof HTMLElement && focused !== document.body) focused.focus();
  }
  function remind() {
    const titles = Object.keys(load3()).map((name) => JSON.parse(name)[0]);
    const dialogs = [...new Set(titles.filter((title) => title !== "" && !title.startsWith("#")))];
    const place = titles.filter((title) => title.startsWith("#") && title !== here()).at(-1);
    if (dialogs.length > 0) toast(t("Unsaved changes: {forms}. Open the form again to continue.", { forms: dialogs.map(isolated).join(", ") }));
    if (place !== void 0) offer(place);
  }
  const offer = (place) => toast(t("Not saved"), { title: meant("action", "Open"), run: () => location.hash = place });
  const formsIn = (box) => [...box?.querySelectorAll(kinds) ?? []];
  for (const kind of ["input", "change", "click", "keyup", "focusout", "paste"]) document.addEventListener(kind, ({ target }) => {
    if (target instanceof Element && target.matches(fields2)) keepOut(target);
    const form2 = target instanceof Element ? target.closest(kinds) : null;
    if (kept(form2)) setTimeout(() => look(form2));
  }, true);
  document.addEventListener("saved", ({ target }) => {
    const form2 = target;
    settle(form2);
    const values = valuesOf(form2);
    begun.set(form2, { name: nameOf(form2, values), values });
  });
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.key === "Enter" && target instanceof HTMLSelectElement && target.closest("dialog") !== null) {
      event.preventDefault();
      target.form?.requestSubmit();
    }
    const box = [...document.querySelectorAll("dialog:modal")].at(-1) ?? null;
    if (event.key !== "Escape" || !formsIn(box).some((form2) => form2.ariaBusy === "true")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  document.addEventListener("cancel", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLDialogElement) || !box.isConnected) return;
    const forms = formsIn(box);
    for (const form2 of forms) if (kept(form2)) look(form2);
    const busy = forms.some((form2) => form2.ariaBusy === "true");
    if (!busy && !forms.some((form2) => form2.dataset["unsaved"] !== void 0)) return;
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
    if (out) store().removeItem(key2);
  });
  const seen = () => {
    for (const form2 of document.querySelectorAll(kinds)) {
      const old = begun.get(form2);
      if (old !== void 0) grew(form2, old.values);
      else if (kept(form2)) came(form2);
    }
    for (const [form2, named] of changed) if (!form2.isConnected) gone(form2, named);
    for (const [box, message] of left) if (!message.isConnected) end(box);
  };
  new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  seen();
  remind();
}

function size(octets2) {
  if (octets2 < 1024) return `${octets2} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets2;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

async function released(place) {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function mark2(level, word, small = true) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], small ? "i s" : "i"), el("span", { class: "sr" }, `${word}: `));
}
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text3, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text3), actions);
}

var formats = /* @__PURE__ */ new Map();
function formatted(date, name, options) {
  let format = formats.get(name);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}

var second = 1e6;
var minute = 60 * second;
var hour = 60 * minute;
var day = 24 * hour;
function timeOf(at) {
  return formatted(new Date(at / 1e3), "clock", { hour: "numeric", minute: "2-digit" });
}
function moment(at, now = Date.now() * 1e3) {
  const here2 = new Date(at / 1e3);
  const today = new Date(now / 1e3);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here2).setHours(0, 0, 0, 0)) / 864e5);
  const time = timeOf(at);
  if (days === 0) return time;
  if (days === 1) return t("yesterday {time}", { time });
  if (days === -1) return t("tomorrow {time}", { time });
  if (days > 0 && days < 7) return `${formatted(here2, "weekday", { weekday: "short" })} ${time}`;
  if (here2.getFullYear() === today.getFullYear()) return `${formatted(here2, "day", { day: "numeric", month: "short" })} ${time}`;
  return formatted(here2, "date", { day: "numeric", month: "short", year: "numeric" });
}
function agoShort(duration) {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}
function ago(at) {
  const duration = Date.now() * 1e3 - at;
  return duration < minute ? t("just now") : t("{time} ago", { time: agoShort(duration) });
}

function addressOf2(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}
function read2(hash) {
  const [path = "", query = ""] = hash.slice(1).split("?", 2);
  const names = path.split("/").map(decoded);
  const fields3 = new URLSearchParams(query);
  for (const [name, value] of [...fields3]) fields3.set(name, wordsOfSearch(value));
  return { page: names[0] || "overview", path: names.slice(1), query: fields3 };
}
var typed = ["search", "words", "sender", "recipient", "account", "actor", "object"];
function withoutWords(address) {
  const [path = "", query] = address.split("?", 2);
  if (query === void 0) return address;
  const fields3 = new URLSearchParams(query);
  for (const name of typed.filter((one) => fields3.has(one))) fields3.set(name, nameOfSearch(fields3.get(name)));
  return `${path}?${fields3}`;
}
function decoded(text3) {
  try {
    return decodeURIComponent(text3);
  } catch {
    return text3;
  }
}

var queue = () => [addressOf2("queue"), t("View queue")];
var log = () => [addressOf2("log"), t("View log")];
var network = () => [addressOf2("network"), t("View network")];
var backups = () => [addressOf2("backups"), t("View backups")];
var standby = () => [addressOf2("standby"), t("View standby server")];
var files = () => [addressOf2("config"), t("View configuration")];
var account = (tab) => (one) => [addressOf2("accounts", [one.about], { tab }), t("View account")];
var records = (one) => [addressOf2("domains", [one.about.split(" ")[0] ?? ""], { tab: "dns" }), t("View records")];
var places = { "account-broken": account(""), "account-stopped": account(""), "address-blocked": queue, "backup-clock": backups, "backup-kept": backups, "backup-none": backups, "backup-old": backups, "backup-rehearsal": backups, "backup-same-disk": backups, "backup-sample": backups, "backup-unwritable": backups, "backup-without-keys": backups, "certificate-ending": network, "certificate-order": network, "certificate-unreadable": network, "child-down": log, "clock-unsynchronised": null, "clock-wrong": null, "config-error": files, "config-warning": files, "disk-low": null, "disk-slow": null, dns: records, "dns-changed": records, "dns-provider": records, "dns-server": null, "ipv6-only": null, "key-not-in-effect": files, "key-rotation": null, listed: null, "machine-slow": null, "mail-not-delivered": log, "mail-not-read": log, "mail-not-sent": log, "mail-rejected": log, "memory-short": () => [addressOf2("metrics"), t("View metrics")], "no-admin-pages": null, "not-checked": null, "password-foreign": account("security"), "password-known": account("security"), "password-weak": account("security"), peer: (one) => [addressOf2("domains", [one.about]), t("View domain")], permissions: null, placement: null, "port-25-blocked": null, "port-closed": network, "port-taken": network, "program-address": null, "program-in-clear": network, "queue-held": () => [addressOf2("queue", [], { hold: "true" }), t("View queue")], "queue-stuck": queue, "quota-reached": account("settings"), "restart-needed": files, "sandbox-weak": null, "search-preparing": account(""), "server-down": null, "server-fault": log, "signature-wrong": null, "standby-behind": standby, "standby-lease": standby, "store-damaged": null, "task-down": log, update: null };
function action(one) {
  const place = places[one.code];
  if (place === null) return null;
  const [href, label] = place(one);
  return el("a", { class: "btn line", href }, label);
}
function remedy(one) {
  const commands = one.commands.length === 0 && places[one.code] === null ? ["moxlite doctor"] : one.commands;
  return [one.file !== "" && !one.text.includes(one.file) && el("div", {}, el("code", {}, `${one.file}:${one.line}`)), commands.map((command) => el("div", {}, /^(moxlite|systemctl|journalctl) /.test(command) ? copyable(command) : visible(command)))];
}

var period = 3e4;
var day2 = 864e8;
var soon = 14;
var levels = { error: "danger", warning: "warn", note: "unknown" };
var grades = { error: t("error"), warning: t("warning"), note: t("note") };
async function overviewPage(desk) {
  const root = el("div", { class: "page" });
  const show = (found) => {
    desk.count("queue", found.queue === null || found.queue.messages === 0 ? "" : String(found.queue.messages));
    fill(root, ...content(desk, found));
  };
  show(await desk.client.overview());
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      const found = await desk.client.overview();
      await released(root);
      if (desk.shown() && !root.contains(document.activeElement)) show(found);
    } catch (error) {
      if (codeOf(error) === null) throw error;
    }
  }, period);
  desk.onLeave(() => clearInterval(timer));
  return { title: t("Overview"), root };
}
function content(desk, found) {
  const lines = attention(found);
  const bad = found.flow === "none-in" || found.flow === "none-out";
  const doubtful = found.flow === "slow" || found.flow === "unknown";
  const tone = bad ? "danger" : doubtful ? "warn" : "ok";
  const shape = bad ? octagonAlert : doubtful ? triangleAlert : circleCheck;
  return [el("header", { class: "hero" }, el("span", { class: tone }, sign(shape)), el("div", {}, el("h1", { tabindex: "-1" }, headline(found)), el("p", { class: "two" }, summary(found, lines.length)))), ...found.config_problems.map((one) => notice("danger", [el("b", {}, t("The configuration has an error. The previous version is still active.")), " ", el("code", {}, `${one.file}:${one.line}`), " ", one.about, " ", one.text, one.commands.map((hint) => ` (${hint})`)], action(one))), lines.length > 0 ? card(t("Needs attention"), el("ul", { class: "lines" }, lines), { flush: true }) : card(t("Needs attention"), el("p", { class: "two" }, unexamined(found) ? t("Not checked yet") : t("No problems")), {}), ...found.placement.length > 0 ? [card(t("Inbox placement"), el("ul", { class: "placement" }, found.placement.map(placed2)), { flush: true, actions: button(t("Send test now"), () => void testPlacement(desk)) })] : [], card(t("Status"), el("ul", { class: "well" }, working(found)), { flush: true, actions: el("span", { class: "hint" }, unexamined(found) ? t("not checked yet") : t("checked {when}", { when: ago(found.examined) }), " · ", button(t("check now"), () => void examine(desk), { kind: "text small" })) })];
}
async function examine(desk) {
  desk.say(t("Checking. This can take up to 5 minutes. You can continue working."));
  if (await attempt(t("Running checks…"), t("Couldn't run checks"), () => desk.client.examine()) && desk.shown()) await desk.refresh();
}
function headline(found) {
  switch (found.flow) {
    case "none-in":
      return t("Incoming mail is down");
    case "none-out":
      return t("Outgoing mail is down");
    case "slow":
      return t("Mail delivery is slow");
    case "flowing":
      return t("Accepting and sending mail");
    case "unknown":
      return t("Running, but not checked yet");
  }
}
function unexamined(found) {
  return found.flow === "unknown";
}
function summary(found, things) {
  const queue2 = found.queue;
  const waiting2 = queue2 === null ? t("The queue isn't running.") : queue2.messages === 0 ? t("The queue is empty.") : queue2.oldest > 0 ? many(queue2.messages, "{n} message waiting for {time}.", "{n} messages waiting, the oldest for {time}.", { time: agoShort(queue2.oldest * 1e6) }) : many(queue2.messages, "{n} message on hold.", "{n} messages on hold.");
  const need = things === 0 ? unexamined(found) ? t("This server hasn't been checked on this machine. The first check starts automatically.") : t("No problems found.") : many(things, "{n} problem needs attention.", "{n} problems need attention.");
  return `${waiting2} ${need}`;
}
function line(level, grade, title, detail, step) {
  return el("li", {}, mark2(level, grade, false), el("div", { class: "grow" }, el("b", {}, title), el("div", { class: "hint" }, detail)), step);
}
function attention(found) {
  const lines = found.findings.map((one) => line(levels[one.grade], grades[one.grade], visible(one.text), [one.detail !== "" && foreign(one.detail), remedy(one)], action(one)));
  for (const one of found.certificates) {
    const left = Math.floor((one.ends - found.at) / day2);
    if (left >= soon || one.own) continue;
    lines.push(line(left < 3 ? "danger" : "warn", t("warning"), certificateEnds(one, left), one.automatic ? t("Automatic renewal failed. For details, see the server log.") : t("Replace the certificate file. The server will reload it within 6 hours."), one.automatic ? el("a", { class: "btn line", href: "#log" }, t("View log")) : el("a", { class: "btn line", href: "#network" }, t("View network"))));
  }
  return lines;
}
var nights = 30;
var landings = { inbox: ["ok", t("Inbox")], other: ["ok", t("another folder")], junk: ["warn", t("junk")], missing: ["danger", t("not found")], unsent: ["danger", t("not sent")] };
async function testPlacement(desk) {
  let ended = false;
  const done = await attempt(t("Sending test email…"), t("Couldn't send test email"), async () => {
    ended = await desk.client.placement_test();
  });
  if (!done) return;
  await desk.refresh();
  desk.say(ended ? t("Test email found.") : t("Test email sent. You'll see results here within 15 minutes."));
}
function placed2(one) {
  const [level, word] = landings[one.landing];
  const days = one.days.slice(-nights);
  const good = days.filter((day22) => day22.landing === "inbox" || day22.landing === "other").length;
  return el("li", {}, mark2(level, word, false), el("div", { class: "grow" }, el("b", {}, one.name), el("div", { class: "hint" }, foreign(one.text))), el("div", { class: "nights", role: "img", "aria-label": t("{good} of {all} arrived", { good, all: days.length }) }, days.map((day22) => el("i", { class: landings[day22.landing][0], title: `${moment(day22.at * 1e6)}: ${landings[day22.landing][1]}` }))));
}
function certificateEnds(one, left) {
  const names = one.names.join(", ");
  return left < 0 ? t("The certificate for {names} has expired", { names }) : many(left, "The certificate for {names} expires in {n} day", "The certificate for {names} expires in {n} days", { names });
}
function working(found) {
  const items = [];
  const add = (level, title, text3) => items.push(el("li", {}, mark2(level, level === "ok" ? t("OK") : t("check")), el("div", {}, el("b", {}, title), el("div", { class: "hint" }, text3))));
  const issued = found.certificates.filter((one) => !one.own);
  const first = issued.reduce((least, one) => least === null || one.ends < least.ends ? one : least, null);
  if (first !== null) {
    const left = Math.floor((first.ends - found.at) / day2);
    add(left < soon ? "warn" : "ok", t("Certificates"), [many(left, "{n} day left", "{n} days left"), ", ", first.automatic ? t("renewed automatically") : t("from files")]);
  } else {
    add("unknown", t("Certificates"), found.certificates.length > 0 ? t("self-signed, so browsers and other servers won't trust them") : t("none, so connections aren't encrypted"));
  }
  if (found.disk !== null) add(found.disk.free < found.disk.size / 20 ? "warn" : "ok", t("Disk"), t("{free} of {size} free", { free: size(found.disk.free), size: size(found.disk.size) }));
  if (found.queue !== null) add("ok", t("Queue"), found.queue.messages === 0 ? t("empty") : many(found.queue.messages, "{n} message", "{n} messages"));
  if (found.backup_interval > 0) add(found.at - found.last_backup > 2 * found.backup_interval ? "warn" : "ok", t("Backup"), found.last_backup === 0 ? t("never") : ago(found.last_backup));
  if (found.last_rehearsal > 0) add(found.rehearsal_failed ? "danger" : "ok", t("Test restore"), found.rehearsal_failed ? t("failed") : t("passed {when}", { when: ago(found.last_rehearsal) }));
  if (found.standby !== null) add(found.standby ? "ok" : "warn", t("Standby server"), found.standby ? t("up to date") : t("out of date"));
  if (found.helpers_tried > 0) add(found.helpers_failed > 0 ? "danger" : "ok", t("Helper processes"), t("tested {when}", { when: ago(found.helpers_tried) }));
  add(found.config_problems.length > 0 ? "danger" : "ok", t("Configuration"), found.config_problems.length > 0 ? t("has an error") : [many(found.domains, "{n} domain", "{n} domains"), ", ", many(found.accounts, "{n} account", "{n} accounts")]);
  add("ok", t("Version"), found.update === "" ? found.version : t("{version} ({update} available)", { version: found.version, update: found.update }));
  add(found.examined === 0 ? "unknown" : "ok", t("Nightly checks"), found.examined === 0 ? t("never") : ago(found.examined));
  return items;
}
async function sessionsPage(desk) {
  const found = await desk.client.sessions();
  const end = async (one) => {
    if (await attempt(t("Logging out…"), t("Couldn't end session"), () => desk.client.session_end(one.id))) await desk.refresh();
  };
  const list = table(t("Sessions"), [{ title: t("From"), kind: "main", cell: (one) => [el("b", {}, one.remote_ip), one.own && [" ", state("ok", t("this session"))], one.subject !== "" && el("div", { class: "hint" }, foreign(one.subject, 120))] }, { title: t("Browser"), cell: (one) => foreign(one.user_agent, 120) }, { title: t("Since"), cell: (one) => moment(one.created) }, { title: t("Last used"), cell: (one) => el("span", { class: "nowrap" }, ago(one.last_used)) }, { title: "", kind: "top", cell: (one) => !one.own && button(t("End"), () => void end(one), { kind: "line small", name: t("End session from {address}", { address: one.remote_ip }) }) }], found);
  const root = el("div", { class: "page" }, head(t("Your sessions"), t("Sessions end after 12 hours without use, when the server restarts, or when you change the admin password or verification methods.")), card("", list, { flush: true }));
  return { title: t("Your sessions"), root };
}
function failurePage(desk, error) {
  return el("div", { class: "page" }, head(t("Page not available"), null), notice("danger", messageOf(error), button(t("Try now"), () => void desk.refresh())));
}

var formIn = (main) => main.querySelector("form.filter");
var textsOf = (form2) => form2 === null ? [] : [...form2.querySelectorAll("input")].filter((one) => one.type !== "checkbox");
function holdFilter(main) {
  const begun = textsOf(formIn(main)).map((one) => one.value);
  return () => {
    const form2 = formIn(main);
    if (form2 === null || !form2.contains(document.activeElement)) return null;
    const now = textsOf(form2);
    const giveBack = holdPlace(main);
    return () => {
      const fields3 = textsOf(formIn(main));
      if (fields3.length === now.length) {
        for (const [place, one] of now.entries()) if (one.value !== begun[place]) fields3[place].value = one.value;
      }
      giveBack();
    };
  };
}

var base = document.location.pathname.replace(/[^/]*$/, "");
var places2 = [{ title: t("Overview"), icon: activity, about: t("Status and problems"), pages: [["overview", t("Overview")]] }, { title: t("People"), icon: users, about: t("Accounts and storage"), pages: [["accounts", t("Accounts")], ["move", ""]] }, { title: t("Domains"), icon: globe, about: t("DNS, aliases, keys"), pages: [["domains", t("Domains")]] }, { title: t("Mail"), icon: mail, about: t("Queue, activity, trends"), pages: [["queue", t("Queue")], ["live", t("Live")], ["trends", t("Trends")], ["reports", t("Reports")], ["routes", t("Routes")]] }, { title: t("Machine"), icon: server, about: t("Network, web, backups"), pages: [["network", t("Network")], ["web", t("Web server")], ["backups", t("Backups")], ["standby", t("Standby server")], ["log", t("Log")], ["metrics", t("Metrics")], ["config", t("Configuration")]] }, { title: t("Administrators"), icon: keyRound, about: t("Login, sessions, history"), pages: [["two-step", t("Login")], ["provider", t("Login provider")], ["sessions", t("Your sessions")], ["audit", t("Audit log")]] }];
var parts = { accounts: "accounts", move: "moving", domains: "domains", queue: "queue", reports: "reports", trends: "trends", "two-step": "factors", provider: "factors", live: "live", network: "machine", routes: "machine", web: "machine", log: "machine", audit: "audit", metrics: "machine", backups: "machine", standby: "machine", config: "machine" };
var own = { overview: overviewPage, sessions: sessionsPage };
var App = class {
  client = new Client(base, checks, (reason) => this.logIn(reason));
  session = new Session("moxlite-admin", t("Admin"), this.client, askLogIn, false);
  shell = new Shell(t("admin"), t("Pages"), places2, el("div", { class: "me" }, button(t("Log out"), () => void logOut2(this.session), { icon: logOut, kind: "text" })));
  shown = 0;
  leave = [];
  displayed = "";
  async start() {
    this.client.confirmAgain = () => askConfirm(this.client);
    this.client.steady = steadily(once, 4);
    keepApart("moxlite-admin");
    const known = this.session.resume();
    void confirmBack(this.client);
    const app = byId("app", HTMLElement);
    fill(app, this.shell.root);
    addEventListener("hashchange", () => void this.open());
    this.shell.main.addEventListener("click", (event) => this.follow(event));
    if (!known) {
      forgetSearches();
      await this.logIn("");
    }
    app.hidden = false;
    keepForms("moxlite-admin");
    await this.open();
  }
  async logIn(reason) {
    await this.session.logIn(reason, [el("p", { class: "hint" }, t("The admin app is only available in English."))]);
  }
  follow(event) {
    const address = event.target.closest("a[href^='#'][href*='?']")?.getAttribute("href") ?? null;
    if (address === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.go(address);
  }
  go(to) {
    const address = withoutWords(to);
    if (location.hash === address) void this.open();
    else location.hash = address;
  }
  async open() {
    const address = read2(location.hash);
    const number = ++this.shown;
    const desk = this.desk(address, number);
    let page;
    const leave2 = this.leave;
    this.leave = [];
    const filter = holdFilter(this.shell.main);
    const slow = setTimeout(() => setStatus(t("Loading…")), 300);
    try {
      const make = await find(address.page);
      page = await make(desk);
    } catch (error) {
      const from = parts[address.page];
      page = { title: t("Page not available"), root: failurePage(desk, error) };
      if (this.displayed !== "" && from !== void 0) void reloadIfGone(from);
    } finally {
      clearTimeout(slow);
      setStatus("");
    }
    for (const act of leave2) act();
    if (number !== this.shown) return;
    document.title = `${written(page.title)} · moxlite admin`;
    const here2 = location.hash || "#";
    const filtered = listOf(this.displayed) === listOf(here2) ? filter() : null;
    const again = this.displayed === here2 || filtered !== null;
    const top = again ? scrollY : 0;
    const giveBack = filtered ?? (again ? holdPlace(this.shell.main) : () => {
    });
    this.shell.show(address.page, page.root);
    giveBack();
    beforeDisplay(page.root);
    scrollTo(0, top);
    if (this.displayed !== "" && !again) page.root.querySelector("h1")?.focus({ preventScroll: true });
    this.displayed = here2;
  }
  desk(address, number) {
    const desk = { client: this.client, address, happenings: (told2) => {
      verify(checks, ["ref", "Happenings"], told2, "told");
      return told2;
    }, refresh: () => this.open(), go: (to) => this.go(to), note: (to) => {
      if (number !== this.shown) return;
      this.displayed = withoutWords(to);
      window.history.replaceState(null, "", this.displayed);
    }, count: (page, text3) => this.shell.count(page, text3), say: (text3, undo) => void toast(text3, undo), onLeave: (act) => this.leave.push(act), peer: (domain) => {
      const root = el("div", { class: "next", "aria-live": "polite" });
      void part("moving").then((found) => fill(root, found.peer(desk, domain)));
      return root;
    }, access: (account2) => part("factors").then((found) => found.access(desk, account2)), shown: () => number === this.shown };
    return desk;
  }
};
var listOf = (hash) => hash.replace(/\?.*/s, "");
async function find(name) {
  const here2 = own[name];
  if (here2 !== void 0) return here2;
  const from = parts[name];
  const found = from === void 0 ? void 0 : (await part(from)).pages[name];
  return found ?? overviewPage;
}
watchFailures();
setStatus("");
restorePlace();
void new App().start();
})();
