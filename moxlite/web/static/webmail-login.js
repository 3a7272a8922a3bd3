// lib/login.css
var login_default = "/* The log-in form. */\n\n.login-overlay {\n  width: min(380px, calc(100vw - 32px));\n  padding: 30px;\n}\n\n.login-overlay::backdrop {\n  background: color-mix(in srgb, var(--background-mild) 82%, transparent);\n  backdrop-filter: blur(6px);\n}\n\n.login {\n  display: grid;\n  gap: 16px;\n}\n\n.login h1 {\n  font-size: 22px;\n  font-weight: 650;\n  letter-spacing: -0.015em;\n}\n\n.login button {\n  padding: 10px;\n  margin-top: 4px;\n}\n\n.login-problem {\n  padding: 9px 12px;\n  border-radius: 8px;\n  background: var(--warning-background);\n  font-size: 14px;\n  overflow-wrap: anywhere;\n}\n";

// lib/sheets.ts
function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

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

// lib/words.ts
var grouped;
function t(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}

// lib/login.ts
function askLogIn(app, reason, address, tryLogIn, below = []) {
  return new Promise((resolve) => {
    const giveBack = holdFocus();
    const problem = el("p", { class: "login-problem", role: "alert" }, reason);
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
            overlay.remove();
            giveBack();
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
      address !== null && el("label", { class: "field" }, t("Email address"), username),
      el("label", { class: "field" }, t("Password"), password),
      button,
      below
    );
    const overlay = el("dialog", { class: "login-overlay", "aria-label": t("Log in to {app}", { app }) }, form);
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

// webmail/login/part.ts
adopt(login_default);
export {
  askLogIn
};
