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
function placed(text22, elements) {
  return text22.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
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

var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";

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
function setStatus(message) {
  const line2 = byId("status", HTMLElement);
  line2.hidden = message === "";
  fill(line2, message);
}

var awayKey = "moxlite-provider";

function remember(key, value, storage = localStorage) {
  try {
    storage.setItem(key, value);
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
  const [kept, stay] = (sessionStorage.getItem(awayKey) ?? "").split(" ");
  const fields = new URLSearchParams(location.search);
  const state = fields.get("state");
  if (kept !== purpose || state === null) return null;
  sessionStorage.removeItem(awayKey);
  history.replaceState(null, "", location.pathname + location.hash);
  const [code = "", iss = "", error = ""] = ["code", "iss", "error"].map((name) => fields.get(name) ?? "");
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
  const asked = JSON.parse(options);
  const publicKey = { ...asked, challenge: octets(asked.challenge), allowCredentials: descriptors(asked.allowCredentials) };
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

function secondStepForm(asked, done, again) {
  const { step } = asked;
  const problem = el("p", { class: "error", role: "alert", hidden: true });
  const withKey = step.keys.length > 0 && keysKnown();
  let kind = step.apps.length > 0 ? "totp" : withKey || !step.codes ? "key" : "recovery";
  let busy = false;
  let keySpent = false;
  const code = el("input", { class: "input code", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", required: true });
  const label = el("label", { class: "field" });
  const send = el("button", { class: "btn primary", type: "submit" }, t("Continue"));
  const key = el("button", { class: "btn line", type: "button", hidden: !withKey, onclick: () => void attempt("key") }, sign(keyRound), el("span", {}, keyWords(step.keys)));
  const other = el("button", { class: "btn text small", type: "button", onclick: () => choose(kind === "recovery" ? "totp" : "recovery") });
  const intro = el("p", { class: "two" });
  const form = el("form", { class: "form", onsubmit: (event) => {
    event.preventDefault();
    void attempt(kind);
  } }, label, problem, send, key);
  code.addEventListener("input", () => {
    problem.hidden = true;
    if (kind === "totp" && code.value.replace(/\s/g, "").length === 6) void attempt("totp");
  });
  async function attempt(by) {
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
      problem.hidden = false;
      fill(problem, sign(octagonAlert, "i s"), el("span", {}, error instanceof Error ? error.message : String(error)));
    } finally {
      busy = false;
      for (const one of [send, key, code]) one.disabled = false;
      if (!problem.hidden && by !== "key") {
        code.select();
        code.focus();
      }
    }
  }
  function choose(next) {
    kind = next;
    const typed = kind !== "key";
    problem.hidden = true;
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
    (kind === "key" ? key : code).focus();
  }
  const elsewhere = step.keys_elsewhere.map((one) => el("li", {}, t("The key “{name}” only works at {host}.", { name: one.name, host: one.host })));
  const clock = el("span", {}, serverClock(step.server_time));
  const root = el("div", { class: "second-step" }, el("h2", {}, t("Verify it's you")), intro, form, elsewhere.length > 0 && el("ul", { class: "hint" }, elsewhere), el("p", { class: "hint second-step-foot" }, other, step.apps.length > 0 && clock));
  choose(kind);
  return { root, focus };
}
function keyWords(names) {
  return names.length === 1 ? t("Use key “{name}”", { name: names[0] }) : t("Use security key");
}
function serverClock(at) {
  const began = performance.now();
  const format = new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit", second: "2-digit" });
  const shown = el("time", {});
  const show = () => shown.textContent = format.format(at + performance.now() - began);
  show();
  const timer = setInterval(() => shown.isConnected ? show() : clearInterval(timer), 1e3);
  return el("span", {}, placed(t("The server's time is {time}"), { time: shown }));
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
    } }, el("label", { class: "field" }, t("Password"), password), problem, el("div", { class: "dialog-buttons" }, name !== "" && el("button", { class: "btn text", type: "button", onclick: () => void confirmAway(client, () => close(true)).catch(fail) }, t("Log in with {name}", { name })), factors && el("button", { class: "btn text", type: "button", onclick: () => byFactor(step) }, t("Verify another way")), el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel")), send));
    const byFactor = (shown) => {
      const made = secondStepForm({ step: shown, finish: async (kind, code) => void await client.confirm(kind, code) }, () => close(true), () => void client.confirm_options().then(byFactor));
      fill(place, made.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn line", type: "button", onclick: () => close(false) }, t("Cancel"))));
      made.focus();
    };
    fill(place, el("p", { class: "dialog-text" }, why), form);
    return [place];
  });
  return answer2 === true;
}

var factors_default = ".second-step,.second-step .form{display:grid;grid-template-columns:minmax(0,1fr);gap:var(--s-3, 12px)}.second-step .field{display:grid;gap:4px}.second-step h2,.second-step>p{text-align:center}.second-step .btn{min-height:44px}.second-step-foot{display:flex;flex-wrap:wrap;gap:4px 8px;justify-content:center;align-items:center}.second-step-foot .btn{min-height:32px}input.code{width:100%;min-width:0;text-align:center;font-size:1.375rem;letter-spacing:0.12em;font-variant-numeric:tabular-nums;min-height:48px}.factor-list{margin:var(--s-3) 0}.factor-list>li{display:flex;gap:var(--s-3);align-items:flex-start;padding:8px 0;border-bottom:1px solid var(--line)}.factor-list>li:last-child{border:0}.factor-list .grow{overflow-wrap:anywhere}.factors+.hint{margin-top:var(--s-4)}.factor-add{margin:var(--s-3) 0}.factor-programs{font-size:var(--t-sm);list-style:disc;padding-inline-start:20px}.qr-code{display:block;width:min(220px,100%);margin:var(--s-3) auto;border-radius:var(--r-md);background:#fff}.qr-code path{stroke:#000;stroke-width:1;fill:none;shape-rendering:crispEdges}.recovery-codes{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:6px 16px;margin:var(--s-3) 0;font-size:1rem}@media print{body:has(.recovery-codes)>:not(dialog){display:none}body:has(.recovery-codes) dialog :is(.btn,.check){display:none}}\n";

function adopt(text3) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text3).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text3}}`);
  document.adoptedStyleSheets.push(sheet);
}

adopt(factors_default);
var askConfirm2 = (client) => askConfirm(client, t("To export mail, enter your password again."));
export {
  answered,
  askConfirm2 as askConfirm,
  confirmBack,
  goAway,
  secondStepForm,
  setProvided
};
