"use strict";
(() => {
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
    case "map":
      if (!isObject(value)) throw new CheckFailed(`${path}: object expected`);
      for (const [key, item] of Object.entries(value)) verify(table, check[1], item, `${path}.${key}`);
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

// lib/words.ts
var grouped;
function t(text3, values = {}) {
  return text3.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}
function many(n, one, other, values = {}) {
  return t(n === 1 ? one : other, { ...values, n });
}

// lib/client.ts
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
  deadlines = {};
  confirmAgain = async () => false;
  confirming = null;
  loggingIn = null;
  async call(name, parameters, checks2, result) {
    for (const [key, check] of Object.entries(checks2)) verify(this.table, check, parameters[key], `${name}: ${key}`);
    const body = JSON.stringify(parameters);
    for (; ; ) {
      try {
        const value = await this.post(name, body);
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
  async post(name, body) {
    await simulatedLatency();
    let status = 0;
    let answer2;
    const deadline = this.deadlines[name];
    try {
      const response = await fetch(`${this.base}api/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-moxlite-csrf": this.csrfToken },
        body,
        credentials: "same-origin",
        signal: deadline === void 0 ? null : AbortSignal.timeout(deadline)
      });
      ({ status } = response);
      answer2 = await response.json();
    } catch {
      this.unanswered(name);
      const reached = status !== 0 && (status < 502 || status > 504);
      throw new CallFailed(name, "", reached ? t("The server answered {status} without saying why.", { status: String(status) }) : t("The server cannot be reached."));
    }
    if (answer2.error) throw new CallFailed(name, answer2.error.code, answer2.error.message, answer2.error.fields);
    return answer2.result;
  }
};
async function simulatedLatency() {
  const setting = localStorage.getItem("moxlite-debug");
  if (setting === null) return;
  const { wait_min_ms: least = 0, wait_max_ms: most = 0 } = JSON.parse(setting);
  await new Promise((resolve) => setTimeout(resolve, least + Math.random() * Math.max(0, most - least)));
}

// gen/account.ts
var checks = {
  ImportStep: { kind: ["enum", ["step"]], title: "string" },
  ImportCount: { kind: ["enum", ["count"]], mailbox: "string", count: "integer" },
  ImportProblem: { kind: ["enum", ["problem"]], message: "string" },
  ImportProgress: { kind: ["enum", ["progress"]], octets: "integer", size: "integer", messages: "integer", seconds_left: ["nullable", "integer"] },
  ImportDone: { kind: ["enum", ["done"]], messages: "integer", problems: "integer", dry_run: "boolean" },
  ImportAborted: { kind: ["enum", ["aborted"]], message: "string" },
  LoginResult: { csrf_token: "string", login_address: "string", second_step: ["nullable", ["ref", "SecondStep"]] },
  SecondStep: { token: "string", apps: ["list", "string"], keys: ["list", "string"], keys_elsewhere: ["list", ["ref", "KeyElsewhere"]], key_request: "string", codes: "boolean", server_time: "integer" },
  KeyElsewhere: { name: "string", host: "string" },
  FactorState: { apps: ["list", ["ref", "FactorApp"]], keys: ["list", ["ref", "FactorKey"]], codes: "integer", host: "string", programs: ["list", ["ref", "ProgramUse"]], server_time: "integer" },
  FactorApp: { id: "integer", name: "string", created: "integer", last_used: "integer" },
  FactorKey: { id: "integer", name: "string", host: "string", created: "integer", last_used: "integer" },
  ProgramUse: { protocol: "string", program: "string", remote_ip: "string", last: "integer" },
  NewApp: { uri: "string", secret: "string", qr: ["ref", "QRCode"], server_time: "integer" },
  QRCode: { size: "integer", path: "string" },
  FactorAdded: { name: "string", recovery_codes: ["list", "string"] },
  KeyRequest: { options: "string" },
  RecoveryInfo: { account: "string", expires: "integer", generated: "boolean", reset_factors: "boolean" },
  Apps: { webmail: "string" },
  Overview: { login_address: "string", storage_used: "integer", storage_limit: "integer" },
  Mailbox: { name: "string", total: "integer", size: "integer" },
  ImportState: { token: "string", uploading: "boolean" }
};
var importEventCheck = ["union", { step: "ImportStep", count: "ImportCount", problem: "ImportProblem", progress: "ImportProgress", done: "ImportDone", aborted: "ImportAborted" }];
var Client = class extends BaseClient {
  login_prep() {
    return this.call("login_prep", {}, {}, "string");
  }
  login(login_token, username, password) {
    return this.call("login", { login_token, username, password }, { login_token: "string", username: "string", password: "string" }, ["ref", "LoginResult"]);
  }
  login_factor(token, kind, code) {
    return this.call("login_factor", { token, kind, code }, { token: "string", kind: ["enum", ["key", "recovery", "totp"]], code: "string" }, ["ref", "LoginResult"]);
  }
  confirm_options() {
    return this.call("confirm_options", {}, {}, ["ref", "SecondStep"]);
  }
  confirm(kind, code) {
    return this.call("confirm", { kind, code }, { kind: ["enum", ["key", "password", "recovery", "totp"]], code: "string" }, "null");
  }
  second_factors() {
    return this.call("second_factors", {}, {}, ["ref", "FactorState"]);
  }
  totp_begin(name) {
    return this.call("totp_begin", { name }, { name: "string" }, ["ref", "NewApp"]);
  }
  totp_finish(code) {
    return this.call("totp_finish", { code }, { code: "string" }, ["ref", "FactorAdded"]);
  }
  key_begin(name) {
    return this.call("key_begin", { name }, { name: "string" }, ["ref", "KeyRequest"]);
  }
  key_created(answer2) {
    return this.call("key_created", { answer: answer2 }, { answer: "string" }, ["ref", "KeyRequest"]);
  }
  key_finish(answer2) {
    return this.call("key_finish", { answer: answer2 }, { answer: "string" }, ["ref", "FactorAdded"]);
  }
  factor_remove(kind, id) {
    return this.call("factor_remove", { kind, id }, { kind: ["enum", ["key", "totp"]], id: "integer" }, ["ref", "FactorState"]);
  }
  recovery_codes_new() {
    return this.call("recovery_codes_new", {}, {}, ["list", "string"]);
  }
  recovery_info(token) {
    return this.call("recovery_info", { token }, { token: "string" }, ["ref", "RecoveryInfo"]);
  }
  recover(token, password) {
    return this.call("recover", { token, password }, { token: "string", password: "string" }, "string");
  }
  apps() {
    return this.call("apps", {}, {}, ["ref", "Apps"]);
  }
  logout() {
    return this.call("logout", {}, {}, "null");
  }
  overview() {
    return this.call("overview", {}, {}, ["ref", "Overview"]);
  }
  mailboxes() {
    return this.call("mailboxes", {}, {}, ["list", ["ref", "Mailbox"]]);
  }
  import_state() {
    return this.call("import_state", {}, {}, ["ref", "ImportState"]);
  }
  import_check(size2) {
    return this.call("import_check", { size: size2 }, { size: "integer" }, "null");
  }
  import_abort(token) {
    return this.call("import_abort", { token }, { token: "string" }, "null");
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
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}
function brand(app = "") {
  return el("div", { class: "brand" }, icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"), el("span", {}, "moxlite", app !== "" && el("small", {}, ` ${app}`)));
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
async function showError(action, error) {
  const message = error instanceof Error ? error.message : String(error);
  await dialog(action, (close) => [
    el("p", { class: "dialog-text" }, message),
    el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")))
  ]);
}
async function confirm(title, message, action) {
  const answer2 = await dialog(title, (close) => [
    el("p", { class: "dialog-text" }, message),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "btn", onclick: () => close(false) }, t("Cancel")),
      el("button", { class: "btn line danger", autofocus: true, onclick: () => close(true) }, action)
    )
  ]);
  return answer2 === true;
}
async function attempt(action, work) {
  const timer = setTimeout(() => setStatus(t("{action}…", { action })), 1e3);
  try {
    await work();
    return true;
  } catch (error) {
    await showError(t("{action} failed", { action }), error);
    return false;
  } finally {
    clearTimeout(timer);
    setStatus("");
  }
}
function setStatus(message) {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
}

// lib/icons.ts
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";

// lib/webauthn.ts
async function useKey(options) {
  const asked = JSON.parse(options);
  const publicKey = {
    ...asked,
    challenge: octets(asked.challenge),
    allowCredentials: descriptors(asked.allowCredentials)
  };
  const used = await spoken(() => navigator.credentials.get({ publicKey }));
  const response = used.response;
  return answer(used, {
    clientDataJSON: text2(response.clientDataJSON),
    authenticatorData: text2(response.authenticatorData),
    signature: text2(response.signature),
    userHandle: response.userHandle === null ? null : text2(response.userHandle)
  });
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
    if (name === "InvalidStateError") throw new Error(t("This security key is set up already."));
    if (name !== "NotAllowedError" && name !== "AbortError") throw error;
  }
  throw new Error(t("No security key answered. Try again, or choose another way."));
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

// lib/secondstep.ts
function secondStepForm(asked, done, again) {
  const { step } = asked;
  const problem2 = el("p", { class: "error", role: "alert", hidden: true });
  const withKey = step.keys.length > 0 && keysKnown();
  let kind = step.apps.length > 0 ? "totp" : withKey || !step.codes ? "key" : "recovery";
  let busy = false;
  let keySpent = false;
  const code = el("input", { class: "input code", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true });
  const label = el("label", { class: "field" });
  const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
  const key = el("button", { class: "btn line", type: "button", hidden: !withKey, onclick: () => void attempt2("key") }, sign(keyRound), el("span", {}, keyWords(step.keys)));
  const other = el("button", { class: "btn text small", type: "button", onclick: () => choose(kind === "recovery" ? "totp" : "recovery") });
  const intro = el("p", { class: "two" });
  const form = el(
    "form",
    {
      class: "form",
      onsubmit: (event) => {
        event.preventDefault();
        void attempt2(kind);
      }
    },
    label,
    problem2,
    send,
    key
  );
  code.addEventListener("input", () => {
    problem2.hidden = true;
    if (kind === "totp" && code.value.replace(/\s/g, "").length === 6) void attempt2("totp");
  });
  async function attempt2(by) {
    if (busy) return;
    busy = true;
    for (const one of [send, key, code]) one.disabled = true;
    try {
      if (by === "key" && keySpent) return again();
      if (by === "key") {
        const given = await useKey(step.key_request);
        keySpent = true;
        await asked.finish("key", given);
      } else {
        await asked.finish(by, code.value);
      }
      done();
    } catch (error) {
      problem2.hidden = false;
      fill(problem2, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    } finally {
      busy = false;
      for (const one of [send, key, code]) one.disabled = false;
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
    fill(other, kind === "recovery" ? t("Use a code of an app") : t("Use a recovery code"));
    focus();
  }
  function introduction() {
    if (kind === "recovery") return t("Type one of the recovery codes that you have kept. Each works once.");
    if (kind === "key") return withKey ? t("Use your security key.") : t("Your security keys do not work at this address.");
    return step.apps.length === 1 ? t("Type the code of your app “{name}”.", { name: step.apps[0] }) : t("Type a code of your app: {names}.", { names: step.apps.join(", ") });
  }
  function focus() {
    (kind === "key" ? key : code).focus();
  }
  const elsewhere = step.keys_elsewhere.map((one) => el("li", {}, t("The key “{name}” works at {host} only.", { name: one.name, host: one.host })));
  const clock = el("span", {}, serverClock(step.server_time));
  const root = el(
    "div",
    { class: "second-step" },
    el("h2", {}, t("One more step")),
    intro,
    form,
    elsewhere.length > 0 && el("ul", { class: "hint" }, elsewhere),
    el("p", { class: "hint second-step-foot" }, other, step.apps.length > 0 && clock)
  );
  choose(kind);
  return { root, focus };
}
function keyWords(names) {
  return names.length === 1 ? t("Use the key “{name}”", { name: names[0] }) : t("Use a security key");
}
function serverClock(at) {
  const began = performance.now();
  const format = new Intl.DateTimeFormat(void 0, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const shown = el("time", {});
  const show = () => shown.textContent = format.format(at + performance.now() - began);
  show();
  const timer = setInterval(() => shown.isConnected ? show() : clearInterval(timer), 1e3);
  return el("span", {}, t("The server’s time is "), shown);
}

// lib/confirm.ts
async function askConfirm(client) {
  const step = await client.confirm_options();
  const answer2 = await dialog(t("Is it you?"), (close) => {
    const place = el("div", {});
    const factors = step.apps.length > 0 || step.keys.length > 0 || step.codes;
    const problem2 = el("p", { class: "error", role: "alert", hidden: true });
    const password = el("input", { class: "input", type: "password", name: "password", autocomplete: "current-password", required: true, autofocus: true });
    const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
    const form = el(
      "form",
      {
        class: "form",
        onsubmit: async (event) => {
          event.preventDefault();
          send.disabled = true;
          try {
            await client.confirm("password", password.value);
            close(true);
          } catch (error) {
            problem2.hidden = false;
            fill(problem2, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
            password.select();
          } finally {
            send.disabled = false;
          }
        }
      },
      el("label", { class: "field" }, t("Password"), password),
      problem2,
      el(
        "div",
        { class: "dialog-buttons" },
        factors && el("button", { class: "btn text", type: "button", onclick: () => byFactor(step) }, t("Use a second factor")),
        el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")),
        send
      )
    );
    const byFactor = (shown) => {
      const made = secondStepForm(
        { step: shown, finish: async (kind, code) => void await client.confirm(kind, code) },
        () => close(true),
        () => void client.confirm_options().then(byFactor)
      );
      fill(place, made.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel"))));
      made.focus();
    };
    fill(place, el("p", { class: "dialog-text" }, t("This changes who can log in, so give your password again.")), form);
    return [place];
  });
  return answer2 === true;
}

// lib/numbers.ts
function size(octets2) {
  if (octets2 < 1024) return `${octets2} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets2;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
function duration(seconds) {
  if (seconds < 10) return t("a few seconds");
  if (seconds < 90) return t("{n} seconds", { n: Math.ceil(seconds / 10) * 10 });
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return many(minutes, "{n} minute", "{n} minutes");
  return many(Math.round(seconds / 360) / 10, "{n} hour", "{n} hours");
}

// lib/login.ts
function askLogIn(app, reason, address, tryLogIn, below = []) {
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const problem2 = el("p", { class: "login-problem", role: "alert" }, reason);
    const username = el("input", {
      name: "username",
      inputmode: "email",
      autocomplete: "username",
      autocapitalize: "none",
      spellcheck: "false",
      required: true,
      value: address ?? ""
    });
    const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const button = el("button", { class: "btn primary", type: "submit" }, t("Log in"));
    problem2.hidden = reason === "";
    const form = el(
      "form",
      {
        class: "login",
        onsubmit: async (event) => {
          event.preventDefault();
          button.disabled = true;
          try {
            const asked = await tryLogIn(username.value, password.value);
            if (asked === null) finish();
            else ask(asked);
          } catch (error) {
            problem2.hidden = false;
            fill(problem2, linked(error instanceof Error ? error.message : String(error)));
            password.select();
          } finally {
            button.disabled = false;
          }
        }
      },
      brand(),
      el("h1", {}, app),
      problem2,
      address !== null && el("label", { class: "field" }, t("Email address"), username),
      el("label", { class: "field" }, t("Password"), password),
      button,
      below
    );
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app }) }, form);
    const finish = () => {
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = (asked) => {
      const back = () => {
        second.remove();
        form.hidden = false;
        password.focus();
      };
      const made = secondStepForm(asked, finish, () => {
        second.remove();
        form.hidden = false;
        form.requestSubmit();
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
  });
}
function linked(value) {
  return value.split(/(https?:\/\/[^\s<>"]+)/).map(
    (piece, i) => i % 2 === 1 ? el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece) : document.createTextNode(piece)
  );
}

// lib/session.ts
var Session = class {
  constructor(app, title, client, ask, named = true) {
    this.title = title;
    this.client = client;
    this.ask = ask;
    this.named = named;
    this.csrfKey = `moxlite-${app}-csrf`;
    this.addressKey = `moxlite-${app}-address`;
  }
  title;
  client;
  ask;
  named;
  csrfKey;
  addressKey;
  address = "";
  resume() {
    addEventListener("storage", (event) => {
      if (event.key === this.csrfKey) this.client.csrfToken = event.newValue ?? "";
      if (event.key === this.addressKey && event.newValue !== null && this.address !== "" && event.newValue !== this.address) location.reload();
    });
    this.address = localStorage.getItem(this.addressKey) ?? "";
    this.client.csrfToken = localStorage.getItem(this.csrfKey) ?? "";
    return this.client.csrfToken !== "";
  }
  async logIn(reason, below = []) {
    const before = this.address;
    await this.ask(
      this.title,
      reason,
      this.named ? before : null,
      async (username, password) => {
        const token = await this.client.login_prep();
        const result = await this.client.login(token, username, password);
        const step = result.second_step;
        if (step !== null) return { step, finish: async (kind, code) => this.begin(await this.client.login_factor(step.token, kind, code)) };
        this.begin(result);
        return null;
      },
      below
    );
    return before !== "" && before !== this.address;
  }
  begin(result) {
    this.client.csrfToken = result.csrf_token;
    this.address = result.login_address;
    localStorage.setItem(this.csrfKey, result.csrf_token);
    localStorage.setItem(this.addressKey, result.login_address);
  }
  async logOut() {
    if (!await attempt(t("Logging out"), () => this.client.logout())) return;
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
    void showError(t("The custom script of this server failed"), error);
  }
}

// account/recover.ts
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
    const goOn = el("button", { class: "btn primary", type: "button", onclick: () => resolve() }, t("Go to the log-in"));
    const end = (...content) => {
      fill(place, brand(), el("h1", {}, t("Set your password")), content, goOn);
      goOn.focus();
    };
    client.recovery_info(token).then(
      (info) => place.append(passwordForm(client, token, info, end)),
      (error) => end(problem(error))
    );
  });
  overlay.remove();
}
function passwordForm(client, token, info, end) {
  const password = el("input", { type: "password", name: "new-password", autocomplete: "new-password", minlength: "8", required: true });
  const wrong = el("div", {});
  const send = el("button", { class: "btn primary", type: "submit" }, info.generated ? t("Make a new password") : t("Set the password"));
  return el(
    "form",
    {
      class: "login",
      onsubmit: async (event) => {
        event.preventDefault();
        send.disabled = true;
        try {
          const made = await client.recover(token, password.value);
          const said = el("p", { role: "status" }, t("Your new password is set. All other sessions have ended."));
          end(said, ...made === "" ? [] : [el("p", {}, t("Keep it, it is not shown again:")), el("p", {}, el("code", {}, made))]);
        } catch (error) {
          fill(wrong, problem(error));
          send.disabled = false;
          password.focus();
        }
      }
    },
    el("p", { class: "two" }, t("For the account "), el("b", {}, el("bdi", {}, info.account)), "."),
    !info.generated && el("label", { class: "field" }, t("New password"), password),
    info.reset_factors && el("p", { class: "hint" }, t("Your second factors are removed, too. Set up two-step log-in again after that.")),
    wrong,
    send
  );
}
function problem(error) {
  return el("p", { class: "error", role: "alert" }, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
}

// account/exporting.ts
var Exporting = class {
  constructor(client, base2) {
    this.client = client;
    this.archive.append(this.none);
    this.form = el(
      "form",
      {
        class: "form",
        method: "post",
        action: `${base2}export`,
        onsubmit: (event) => {
          event.preventDefault();
          void this.download();
        }
      },
      this.csrf,
      el("div", { class: "fields" }, el("label", { class: "field" }, t("Mailbox"), this.mailbox), el("label", { class: "field" }, t("File"), this.archive)),
      el("label", { class: "check" }, this.recursive, t("With the mailboxes inside it")),
      el(
        "fieldset",
        { class: "choice" },
        el("legend", {}, t("Format")),
        el("label", { class: "check" }, this.mbox, el("span", {}, t("mbox: a file for each mailbox, which most mail programs read"))),
        el("label", { class: "check" }, this.maildir, el("span", {}, t("Maildir: a folder for each mailbox, a file for each message")))
      ),
      this.what,
      el("div", { class: "buttons" }, el("button", { class: "primary", type: "submit" }, t("Download")))
    );
    fill(
      this.root,
      el("h2", { id: "export-title" }, t("Export")),
      el("p", { class: "hint" }, t("Messages are written as they are, with their flags, keywords and the time they were received. What arrives during the download is not in it.")),
      this.form,
      this.names
    );
  }
  client;
  root = el("section", { class: "card", "aria-labelledby": "export-title" });
  csrf = el("input", { type: "hidden", name: "csrf" });
  mailbox = el("select", { name: "mailbox", onchange: () => this.adapt() });
  names = el("datalist", { id: "mailbox-names" });
  recursive = el("input", { type: "checkbox", name: "recursive", value: "1", checked: true, onchange: () => this.adapt() });
  mbox = el("input", { type: "radio", name: "format", value: "mbox", checked: true, onchange: () => this.adapt() });
  maildir = el("input", { type: "radio", name: "format", value: "maildir", onchange: () => this.adapt() });
  archive = el(
    "select",
    { name: "archive" },
    el("option", { value: "zip" }, t("zip archive")),
    el("option", { value: "tgz" }, t("tar.gz archive")),
    el("option", { value: "tar" }, t("tar archive, not compressed"))
  );
  none = el("option", { value: "none" }, t("no archive: one mbox file"));
  what = el("p", { class: "hint" });
  form;
  mailboxes = [];
  async show() {
    this.mailboxes = await this.client.mailboxes();
    const chosen = this.mailbox.value;
    fill(this.mailbox, el("option", { value: "" }, t("All mailboxes")), this.mailboxes.map((mailbox) => el("option", { value: mailbox.name }, mailbox.name)));
    this.mailbox.value = this.mailboxes.some((mailbox) => mailbox.name === chosen) ? chosen : "";
    fill(this.names, this.mailboxes.map((mailbox) => el("option", { value: mailbox.name })));
    this.adapt();
  }
  adapt() {
    const name = this.mailbox.value;
    const below = this.mailboxes.filter((mailbox) => mailbox.name.startsWith(`${name}/`));
    this.recursive.disabled = name === "" || below.length === 0;
    const whole = name === "" ? this.mailboxes : this.mailboxes.filter((mailbox) => mailbox.name === name).concat(this.recursive.checked ? below : []);
    this.none.disabled = !this.mbox.checked || name === "" || whole.length !== 1;
    if (this.none.disabled && this.archive.value === "none") this.archive.value = "zip";
    const messages = whole.reduce((sum, mailbox) => sum + mailbox.total, 0);
    const octets2 = whole.reduce((sum, mailbox) => sum + mailbox.size, 0);
    fill(this.what, `${many(messages, "{n} message", "{n} messages")}, ${size(octets2)}`);
  }
  async download() {
    const chosen = this.mailbox.value;
    try {
      await this.show();
    } catch (error) {
      await showError(t("The export could not be begun"), error);
      return;
    }
    if (this.mailbox.value !== chosen) {
      await showError(t("The export could not be begun"), t("This mailbox is no longer there."));
      return;
    }
    this.csrf.value = this.client.csrfToken;
    this.form.submit();
  }
};

// lib/backoff.ts
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

// account/follow.ts
var Follower = class {
  constructor(client, base2, token, owner) {
    this.client = client;
    this.base = base2;
    this.token = token;
    this.owner = owner;
    this.connect();
  }
  client;
  base;
  token;
  owner;
  source = null;
  timer = 0;
  backoff = new Backoff();
  stop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }
  connect() {
    const source = new EventSource(`${this.base}importprogress?token=${encodeURIComponent(this.token)}`);
    this.source = source;
    source.onopen = () => {
      this.backoff.reset();
      this.owner.begins();
    };
    for (const kind of Object.keys(importEventCheck[1])) source.addEventListener(kind, (event) => this.take(event.data));
    source.onerror = () => {
      source.close();
      this.owner.waiting();
      this.later();
    };
  }
  async again() {
    try {
      const state = await this.client.import_state();
      if (this.source === null) return;
      if (state.token === this.token) this.connect();
      else this.owner.lost();
    } catch (error) {
      if (!(error instanceof CallFailed) || error.code !== "") throw error;
      this.later();
    }
  }
  later() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.again(), this.backoff.next());
  }
  take(data) {
    const event = JSON.parse(data);
    verify(checks, importEventCheck, event, "event");
    const known = event;
    if (known.kind === "done" || known.kind === "aborted") this.stop();
    this.owner.event(known);
  }
};

// account/upload.ts
var UploadAborted = class extends Error {
};
var Upload = class {
  request = new XMLHttpRequest();
  send(url, form, csrfToken, progress) {
    const request = this.request;
    return new Promise((resolve, reject) => {
      request.open("POST", url);
      request.setRequestHeader("x-moxlite-csrf", csrfToken);
      request.upload.onprogress = (event) => progress(event.loaded, event.total);
      request.onload = () => {
        try {
          const answer2 = JSON.parse(request.responseText);
          if (typeof answer2.token === "string") resolve(answer2.token);
          else reject(new CallFailed("import", answer2.error?.code ?? "", answer2.error?.message ?? t("The answer of the server cannot be understood.")));
        } catch {
          reject(new CallFailed("import", "", request.responseText || t("The server answered {status} without saying why.", { status: String(request.status) })));
        }
      };
      request.onerror = () => reject(new CallFailed("import", "", t("The connection broke while the file was sent. Nothing was imported.")));
      request.onabort = () => reject(new UploadAborted());
      request.send(form);
    });
  }
  abort() {
    this.request.abort();
  }
};

// account/importing.ts
var keptKey = "moxlite-account-import";
var shownMailboxes = 200;
var lostText = t("Nothing more is known of this import: it ended more than a minute ago, or the server was started again, which takes an import back. Look at your mailboxes.");
var Importing = class {
  constructor(client, base2, changed) {
    this.client = client;
    this.base = base2;
    this.changed = changed;
    const drop = el(
      "div",
      { class: "drop" },
      el("label", { class: "drop-text", for: "import-file" }, t("Choose a file, or drop it here")),
      this.fileName,
      el("span", { class: "hint", id: "import-kinds" }, t("zip, tar.gz or tar with mbox files, Maildirs or .eml files, such as exports of Google Takeout or Thunderbird folders; or one mbox or .eml file")),
      this.file
    );
    this.file.addEventListener("change", () => this.chosen());
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer !== null && event.dataTransfer.files.length > 0) {
        this.file.files = event.dataTransfer.files;
        this.chosen();
      }
    });
    this.form = el(
      "form",
      {
        class: "form",
        onsubmit: (event) => {
          event.preventDefault();
          void this.begin();
        }
      },
      drop,
      el(
        "div",
        { class: "fields" },
        el("label", { class: "field" }, t("Into mailbox"), this.mailbox),
        el("label", { class: "field" }, t("Cut off the beginning of mailbox names"), this.prefix)
      ),
      el("label", { class: "check" }, this.skip, t("Leave out messages that the mailbox has already")),
      el("label", { class: "check" }, this.trial, t("Only try it: count messages and find problems, store nothing")),
      el("div", { class: "buttons" }, this.submit)
    );
    this.running = el(
      "div",
      { class: "running", hidden: true },
      this.runningTitle,
      this.doing,
      this.bar,
      this.figures,
      this.result,
      this.counts,
      this.problems,
      el("div", { class: "buttons" }, this.cancel, this.another)
    );
    fill(
      this.root,
      el("h2", { id: "import-title" }, t("Import")),
      el("p", { class: "hint" }, t("All of the file is imported, or nothing if something fails. You can go on reading and writing mail meanwhile, and close this page once the file is sent.")),
      this.form,
      this.running
    );
    addEventListener("beforeunload", (event) => {
      if (this.upload !== null) event.preventDefault();
    });
    this.chosen();
  }
  client;
  base;
  changed;
  root = el("section", { class: "card", "aria-labelledby": "import-title" });
  file = el("input", { type: "file", class: "drop-input", id: "import-file", "aria-describedby": "import-kinds", accept: ".zip,.tgz,.gz,.tar,.mbox,.mbx,.eml,application/mbox,message/rfc822" });
  fileName = el("span", { class: "drop-name" });
  mailbox = el("input", { autocomplete: "off", spellcheck: "false", list: "mailbox-names", placeholder: t("as in the file, else Inbox") });
  prefix = el("input", { autocomplete: "off", spellcheck: "false", placeholder: t("such as “[Gmail]” or “Old/Mail”") });
  skip = el("input", { type: "checkbox" });
  trial = el("input", { type: "checkbox" });
  submit = el("button", { class: "primary", type: "submit" }, t("Import"));
  form;
  bar = el("progress", { class: "bar", max: 1, "aria-label": t("Progress") });
  doing = el("p", { class: "doing", role: "status" });
  figures = el("p", { class: "figures" });
  counts = el("div", { class: "counts" });
  problems = el("details", { class: "problems" });
  cancel = el("button", { onclick: () => void this.askCancel() }, t("Cancel"));
  another = el("button", { class: "primary", onclick: () => this.dismiss() }, t("Import another file"));
  result = el("p", { class: "result", role: "alert" });
  running;
  runningTitle = el("h3");
  upload = null;
  follower = null;
  kept = null;
  step = "";
  found = /* @__PURE__ */ new Map();
  texts = [];
  drawing = 0;
  async show() {
    if (this.upload !== null || this.follower !== null) return;
    this.kept = readKept();
    const state = await this.client.import_state();
    const kept = this.kept;
    if (kept !== null && !kept.dismissed) {
      this.open(kept.name);
      if (kept.end !== void 0 && state.token !== kept.token) this.end(kept.end);
      else this.follow(kept);
    } else if (state.token !== "" && state.token !== kept?.token) {
      this.open("");
      this.follow({ token: state.token, name: "" });
    }
  }
  chosen() {
    const file = this.file.files?.[0];
    fill(this.fileName, file === void 0 ? "" : `${file.name} · ${size(file.size)}`);
    this.fileName.hidden = file === void 0;
    this.submit.disabled = file === void 0;
  }
  async begin() {
    const file = this.file.files?.[0];
    if (file === void 0) return;
    this.submit.disabled = true;
    try {
      await this.client.import_check(file.size);
    } catch (error) {
      await showError(t("This file cannot be imported now"), error);
      return;
    } finally {
      this.submit.disabled = false;
    }
    const form = new FormData();
    if (this.mailbox.value.trim() !== "") form.set("mailbox", this.mailbox.value.trim());
    if (this.prefix.value.trim() !== "") form.set("skip_mailbox_prefix", this.prefix.value.trim());
    if (this.skip.checked) form.set("skip_duplicates", "1");
    if (this.trial.checked) form.set("dry_run", "1");
    form.set("file", file);
    this.open(file.name);
    const upload = this.upload = new Upload();
    fill(this.doing, t("Sending the file…"));
    const began = Date.now();
    try {
      const token = await upload.send(`${this.base}import`, form, this.client.csrfToken, (sent, whole) => {
        const seconds = (Date.now() - began) / 1e3;
        this.draw(sent, whole, seconds > 2 && sent > 0 ? seconds * (whole - sent) / sent : null);
      });
      this.upload = null;
      this.follow({ token, name: file.name });
    } catch (error) {
      this.upload = null;
      this.close();
      if (error instanceof UploadAborted) return;
      await showError(t("The file was not imported"), await this.reason(error, file.size));
    }
  }
  async reason(error, octets2) {
    if (!(error instanceof CallFailed) || error.code !== "") return error;
    try {
      await this.client.import_check(octets2);
      return error;
    } catch (reason) {
      return reason instanceof CallFailed && reason.code !== "" ? reason : error;
    }
  }
  follow(kept) {
    this.keep(kept);
    this.follower = new Follower(this.client, this.base, kept.token, {
      begins: () => {
        this.found.clear();
        this.texts = [];
        this.step = "";
      },
      event: (event) => this.take(event),
      waiting: () => fill(this.doing, t("The connection is lost; the import goes on. Trying to connect…")),
      lost: () => {
        this.follower?.stop();
        this.end(this.kept?.end ?? { kind: "aborted", message: lostText });
      }
    });
  }
  take(event) {
    switch (event.kind) {
      case "step":
        this.step = event.title;
        fill(this.doing, event.title === "finishing" ? t("Putting the messages into their mailboxes…") : t("Reading the file…"));
        this.cancel.disabled = event.title === "finishing";
        if (event.title === "finishing") this.draw(1, 1, null);
        return;
      case "count":
        this.found.set(event.mailbox, event.count);
        this.later();
        return;
      case "problem":
        this.texts.push(event.message);
        this.later();
        return;
      case "progress":
        if (this.step !== "finishing") this.progress(event);
        return;
      case "done":
      case "aborted":
        this.end(event);
        if (event.kind === "done" && !event.dry_run) this.changed();
    }
  }
  progress(event) {
    this.draw(event.octets, event.size, event.seconds_left);
  }
  draw(octets2, whole, left) {
    const share = whole > 0 ? octets2 / whole : 0;
    this.bar.value = share;
    const percent = `${Math.floor(share * 100)} %`;
    const rest = left === null ? "" : ` · ${t("about {time} left", { time: duration(left) })}`;
    fill(this.figures, whole > 1 ? `${percent} · ${t("{part} of {whole}", { part: size(octets2), whole: size(whole) })}${rest}` : "");
    document.title = `${percent} · ${t("Import")} · moxlite`;
  }
  later() {
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.drawFound(this.texts.length);
    });
  }
  drawFound(problems) {
    const rows = [...this.found].slice(0, shownMailboxes);
    const more = this.found.size - rows.length;
    const total = [...this.found.values()].reduce((sum, number) => sum + number, 0);
    fill(
      this.counts,
      rows.length > 0 && el(
        "table",
        {},
        el("caption", {}, t("{messages} in {mailboxes}", { messages: many(total, "{n} message", "{n} messages"), mailboxes: many(this.found.size, "{n} mailbox", "{n} mailboxes") })),
        el("tbody", {}, rows.map(([name, number]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, number.toLocaleString())))),
        more > 0 && el("tfoot", {}, el("tr", {}, el("td", { colspan: 2 }, many(more, "and {n} mailbox more", "and {n} mailboxes more"))))
      )
    );
    this.problems.hidden = this.texts.length === 0;
    const hidden = problems - this.texts.length;
    fill(
      this.problems,
      el("summary", {}, many(problems, "{n} problem: what is left out", "{n} problems: what is left out")),
      el("ul", {}, this.texts.map((text3) => el("li", {}, text3)), hidden > 0 && el("li", {}, t("and {n} more", { n: hidden })))
    );
  }
  end(end) {
    this.follower = null;
    if (this.kept !== null) this.keep({ ...this.kept, end });
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    this.drawFound(end.kind === "done" ? end.problems : this.texts.length);
    const good = end.kind === "done";
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.another.hidden = false;
    this.result.hidden = false;
    this.result.classList.toggle("bad", !good);
    fill(this.doing);
    fill(this.figures);
    fill(this.result, endText(end));
    document.title = `${good ? t("Done") : t("Not imported")} · ${t("Import")} · moxlite`;
  }
  open(name) {
    this.form.hidden = true;
    this.running.hidden = false;
    this.found.clear();
    this.texts = [];
    this.step = "";
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.cancel.hidden = false;
    this.cancel.disabled = false;
    this.another.hidden = true;
    this.result.hidden = true;
    this.drawFound(0);
    fill(this.runningTitle, name === "" ? t("An import that was begun elsewhere") : name);
    fill(this.doing, t("Connecting…"));
    fill(this.figures);
  }
  close() {
    this.running.hidden = true;
    this.form.hidden = false;
    document.title = `${t("Import and export")} · moxlite`;
  }
  dismiss() {
    if (this.kept !== null) this.keep({ ...this.kept, dismissed: true });
    this.form.reset();
    this.chosen();
    this.close();
    this.file.focus();
  }
  async askCancel() {
    if (this.upload !== null) {
      this.upload.abort();
      return;
    }
    const token = this.follower?.token;
    if (token === void 0) return;
    if (await confirm(t("Cancel this import?"), t("What was read so far is taken back; the account stays as it was."), t("Cancel the import"))) {
      await attempt(t("Cancelling the import"), () => this.client.import_abort(token));
    }
  }
  keep(kept) {
    this.kept = kept;
    sessionStorage.setItem(keptKey, JSON.stringify(kept));
  }
};
function endText(end) {
  if (end.kind === "aborted") return end.message === lostText ? lostText : t("Nothing was imported: {why}", { why: end.message });
  const messages = many(end.messages, "{n} message", "{n} messages");
  const problems = end.problems > 0 ? `, ${many(end.problems, "{n} problem", "{n} problems")}` : "";
  const values = { messages, problems };
  return end.dry_run ? t("{messages} would be imported{problems}. This was a trial: nothing was stored.", values) : t("{messages} imported{problems}.", values);
}
function readKept() {
  const text3 = sessionStorage.getItem(keptKey);
  return text3 === null ? null : JSON.parse(text3);
}

// account/transfer.ts
var Transfer = class {
  title = t("Import and export");
  root;
  importing;
  exporting;
  constructor(client, base2, changed) {
    this.exporting = new Exporting(client, base2);
    this.importing = new Importing(client, base2, () => {
      changed();
      void this.exporting.show();
    });
    this.root = el("div", { class: "transfer" }, el("h1", {}, this.title), this.importing.root, this.exporting.root);
  }
  async show() {
    await Promise.all([this.importing.show(), this.exporting.show()]);
  }
};

// account/main.ts
var base = document.location.pathname.replace(/[^/]*$/, "");
var App = class {
  client = new Client(base, checks, (reason) => this.logIn(reason));
  session = new Session("account", t("Account"), this.client, askLogIn);
  sections = { transfer: new Transfer(this.client, base, () => void this.overview()) };
  nav = el("nav", { class: "sections", "aria-label": t("Sections") });
  page = el("main", { class: "page", id: "page" });
  address = el("span", { class: "account-address" });
  usage = el("span", { class: "usage" });
  webmail = el("a", { hidden: true }, "Webmail");
  displayed = false;
  async start() {
    this.client.confirmAgain = () => askConfirm(this.client);
    const token = recoveryToken(location.hash);
    if (token !== "") await recover(this.client, token);
    const known = this.session.resume();
    addEventListener("hashchange", () => void this.open());
    fill(
      byId("app", HTMLElement),
      el(
        "aside",
        { class: "side" },
        brand(),
        this.nav,
        el(
          "div",
          { class: "account" },
          this.address,
          this.usage,
          el("div", { class: "account-links" }, this.webmail, el("button", { class: "link", onclick: () => void this.session.logOut() }, t("Log out")))
        )
      ),
      this.page
    );
    try {
      const apps = await this.client.apps();
      this.webmail.hidden = apps.webmail === "";
      this.webmail.href = apps.webmail;
      if (!known) await this.logIn("");
      await this.open();
    } catch (error) {
      await showError(t("The account cannot be shown"), error);
    }
  }
  async logIn(reason) {
    const webmail = this.webmail.hidden ? [] : [el("p", { class: "login-below" }, el("a", { href: this.webmail.href }, t("Your mail is in the webmail")))];
    if (await this.session.logIn(reason, webmail) && this.displayed) location.reload();
  }
  async overview() {
    const overview = await this.client.overview();
    fill(this.address, overview.login_address);
    const values = { used: size(overview.storage_used), limit: size(overview.storage_limit) };
    fill(this.usage, overview.storage_limit === 0 ? t("{used} used", values) : t("{used} of {limit} used", values));
  }
  async open() {
    const names = Object.keys(this.sections);
    const wanted = location.hash.slice(1);
    const name = names.includes(wanted) ? wanted : names[0];
    const section = this.sections[name];
    await this.overview();
    fill(
      this.nav,
      names.map(
        (other) => el("a", { class: "section-link", href: `#${other}`, "aria-current": other === name ? "page" : void 0 }, icon("M3 5.5h9.5 M10 3l2.5 2.5L10 8 M13 10.5H3.5 M6 8l-2.5 2.5L6 13"), this.sections[other].title)
      )
    );
    await section.show();
    document.title = `${section.title} · moxlite`;
    fill(this.page, section.root);
    beforeDisplay(section.root);
    byId("app", HTMLElement).hidden = false;
    this.displayed = true;
  }
};
addEventListener("error", (event) => void showError(t("Something went wrong in this page"), event.error ?? event.message));
addEventListener("unhandledrejection", (event) => void showError(t("Something went wrong in this page"), event.reason));
setStatus("");
void new App().start();
})();
