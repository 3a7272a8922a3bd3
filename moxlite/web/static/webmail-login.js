var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
var kept = (account = number) => `moxlite-webmail${account}`;
var pathOf = (account) => base.replace(/u\/[1-7]\/$/, "") + (account === "" ? "" : `u/${account}/`);
function accounts() {
  const found = /* @__PURE__ */ new Map();
  for (const account of ["", ..."1234567"]) {
    const address = localStorage.getItem(`${kept(account)}-address`);
    if (address !== null) found.set(account, address);
  }
  return found;
}
var copies = "moxlite-webmail-draft-";
var week = 7 * 864e5;
function sweepCopies() {
  const logins = [...accounts().values()];
  for (const store of [localStorage, sessionStorage]) for (const [key2, text2] of Object.entries(store)) {
    if (!key2.startsWith(copies)) continue;
    try {
      const { login, time } = JSON.parse(text2);
      if (logins.includes(login) && Date.now() - time < week) continue;
    } catch {
    }
    store.removeItem(key2);
  }
}
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

var login_default = ".login-overlay{width:min(380px,calc(100vw - 32px));padding:30px}.login-overlay::backdrop{background:color-mix(in srgb,var(--background-mild) 82%,transparent);backdrop-filter:blur(6px)}.login{display:grid;gap:16px}.login .brand{justify-content:center}.login h1{text-align:center;font-size:22px;font-weight:600;letter-spacing:-0.015em}.login button{padding:10px;font-weight:600;margin-top:4px}.login-problem{padding:9px 12px;border-radius:8px;background:var(--warning-background);font-size:14px;overflow-wrap:anywhere}.login-others{display:grid;gap:8px}\n";

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
function brand(app = "") {
  return el("div", { class: "brand" }, icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"), el("span", {}, "moxlite", app !== "" && el("small", {}, ` ${app}`)));
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

var key = "moxlite-searched";
var forgetSearches = () => sessionStorage.removeItem(key);

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
    const asked = started(await client.provider_finish(back.answer), back.stay);
    setProvided2(true);
    return asked;
  };
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const problem = el("p", { class: "login-problem", role: "alert" }, reason);
    const username = el("input", { name: "username", inputmode: "email", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, value: address ?? "" });
    const password = el("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const stay = el("input", { type: "checkbox", name: "stay" });
    const button = el("button", { class: "btn primary", type: "submit" }, t("Log in"));
    const other = el("button", { class: "btn line", type: "button", hidden: true });
    problem.hidden = reason === "";
    const attempt = async (logIn) => {
      button.disabled = other.disabled = true;
      try {
        const asked = await logIn();
        if (asked === null) finish();
        else if (asked !== void 0) await ask(asked);
      } catch (error) {
        problem.hidden = false;
        fill(problem, linked(error instanceof Error ? error.message : String(error)));
        password.select();
      } finally {
        button.disabled = other.disabled = false;
      }
    };
    const form = el("form", { class: "login", onsubmit: async (event) => {
      event.preventDefault();
      await attempt(() => tryLogIn(username.value, password.value, stay.checked));
    } }, brand(), el("h1", {}, title), problem, address !== null && el("label", { class: "field" }, t("Email address"), username), el("label", { class: "field" }, t("Password"), password), stays && isSecureContext && el("label", { class: "check" }, stay, t("Keep me logged in on this device")), button, other, below);
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app: title }) }, form);
    const finish = () => {
      overlay.remove();
      giveBack();
      resolve();
    };
    const ask = async (asked) => {
      const back = () => {
        second.remove();
        form.hidden = false;
        password.focus();
      };
      const made = (await further()).secondStepForm(asked, finish, () => {
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
    if (new URLSearchParams(location.search).has("state")) void attempt(comeBack);
    other.onclick = () => void attempt(async () => (await further()).goAway("login", await client.provider_login(stay.checked), stay.checked));
    client.provider_name().then((name) => {
      fill(other, t("Log in with {name}", { name }));
      other.hidden = name === "";
    }, () => null);
  });
}
function linked(value) {
  return value.split(/(https?:\/\/[^\s<>"]+)/).map((piece, i) => i % 2 === 1 ? el("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece) : document.createTextNode(piece));
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function otherAccounts() {
  const listed = accounts();
  const own = listed.get(number);
  listed.delete(number);
  if (listed.size === 0) return [];
  const [first] = listed.keys();
  const remove = async () => {
    await forgetAccount(number);
    location.assign(pathOf(first));
  };
  return [el("div", { class: "login-others" }, el("p", { class: "hint" }, t("Other accounts in this browser")), [...listed].map(([account, address]) => el("a", { class: "btn line", href: pathOf(account) }, el("bdi", { class: "cut" }, address))), own !== void 0 && el("button", { class: "btn text small", type: "button", onclick: () => void remove() }, t("Remove {address} from this browser", { address: own })))];
}

adopt(login_default);
var askLogIn = (asked, further) => {
  sweepCopies();
  return logInForm({ ...asked, below: [...asked.below, ...otherAccounts()] }, further);
};
export {
  askLogIn
};
