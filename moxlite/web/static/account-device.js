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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var check = "M20 6 9 17l-5-5";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var copy = "M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-10a2 2 0 0 1 2 -2z M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var smartphone = "M7 2h10a2 2 0 0 1 2 2v16a2 2 0 0 1 -2 2h-10a2 2 0 0 1 -2 -2v-16a2 2 0 0 1 2 -2z M12 18h.01";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var made = 0;
function field(label, control, hint = null) {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control.id === "") control.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () => described() === "" ? control.removeAttribute("aria-describedby") : control.setAttribute("aria-describedby", described());
  describe();
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control.id }, label), control, error, help), control, problem };
}
function line(label, value, hint = null, attributes = {}) {
  const control = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control.value = value;
  return field(label, control, hint);
}
function saved(form2) {
  delete form2.dataset["unsaved"];
  form2.dispatchEvent(new Event("saved", { bubbles: true }));
}
function form(content, action, save, kind = "primary") {
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const complain = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const submit = el("button", { class: `btn ${kind}`, type: "submit" }, action);
  const row = el("div", { class: "flex wrap" }, submit);
  const root = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    root.ariaBusy = "true";
    complain("");
    try {
      const done = await save() !== false;
      if (done && root.querySelector(".error:not([hidden])") === null) saved(root);
    } catch (failure) {
      complain(failure instanceof Error ? failure.message : String(failure));
    } finally {
      submit.disabled = false;
      root.ariaBusy = null;
      root.querySelector("[aria-invalid=true]")?.focus();
    }
  } }, content, error, row);
  queueMicrotask(() => {
    if (!root.closest("dialog")) return;
    row.className = "dialog-buttons";
    const others = root.nextElementSibling;
    if (others?.className === row.className) {
      row.prepend(...others.childNodes);
      others.remove();
    }
  });
  return { root, complain };
}
function atFields(error, places) {
  const mistakes = fieldsOf(error);
  if (mistakes.length === 0) throw error;
  const rest = [];
  for (const { field: name, text: text2 } of mistakes) {
    const best = Object.keys(places).filter((key) => key !== "" && (name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`))).sort((a, b) => b.length - a.length)[0];
    if (best === void 0) rest.push(`${name} ${text2}`.trim());
    else places[best].problem(`${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}.`);
  }
  if (rest.length > 0) throw new Error(rest.join("; "));
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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
}
function pairs(entries) {
  return el("dl", { class: "pair" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function copyButton(value, word = "") {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path, text2) => fill(face, sign(path, "i s"), word !== "" && text2);
  const made2 = el("button", { class: word === "" ? "btn icon small" : "btn line", type: "button", title: t("Copy"), "aria-label": word === "" ? t("Copy") : void 0 }, face, said);
  let timer = 0;
  made2.addEventListener("click", async () => {
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
  return made2;
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
function foreign(value, most = 300) {
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}
function visible(value) {
  return isolated(value).replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

function qrDrawing(code, label) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", `0 0 ${code.size} ${code.size}`);
  svg.setAttribute("class", "qr-code");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", code.path);
  svg.append(path);
  return svg;
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}

var securities = { tls: "TLS", starttls: "STARTTLS", plain: t("not encrypted") };
function byHand(program) {
  if (program.imap.length === 0 && program.submission.length === 0) return el("p", { class: "hint" }, t("Mail apps can't connect to this server. IMAP and submission are turned off."));
  return pairs([[t("Incoming (IMAP)"), servers(program.imap)], [t("Outgoing (SMTP)"), servers(program.submission)], ...program.jmap === "" ? [] : [["JMAP", copyable(program.jmap)]], [t("Username"), copyable(program.username)], [t("Password"), el("span", {}, t("a separate app password for each app."), " ", el("a", { href: "#security" }, t("Create one")))]]);
}
function servers(all) {
  if (all.length === 0) return t("not available");
  return all.map((one) => el("div", { class: "flex wrap" }, copyable(one.host), el("span", { class: "hint" }, t("port {port}, {security}", { port: String(one.port), security: securities[one.security] }))));
}

var period = 2e3;
var kinds = ["iphone", "android", "mac", "thunderbird", "other"];
var names = { iphone: t("iPhone or iPad"), android: t("Android"), mac: t("Mac"), thunderbird: t("Thunderbird"), other: t("Another app") };
var device = async (desk) => {
  const kind = kinds.find((one) => one === desk.path[0]) ?? "iphone";
  const { program, app_passwords_required: separate } = await desk.client.overview();
  const [before, after] = t("Use an app password. You can create one in {place}.").split("{place}");
  const linked = kind === "iphone" || kind === "android" || kind === "mac";
  const root = el("div", { class: "page" }, head(t("Set up a device"), ""), el("nav", { class: "pick", "aria-label": t("Device type") }, kinds.map((one) => el("a", { class: "btn line", href: `#device/${one}`, "aria-current": one === kind ? "page" : void 0 }, names[one]))), linked && link(desk, kind), kind === "thunderbird" && card(t("Thunderbird"), [el("p", {}, t("Choose “New account”, then “Email”, and enter your name and address. Thunderbird finds the servers automatically.")), el("p", { class: "gap" }, copyable(program.username)), el("p", { class: "hint gap" }, before ?? "", el("a", { href: "#security" }, t("Security")), after ?? "")]), card(t("Manual setup"), byHand(program), { hint: [separate && t("Use a separate app password for each mail app."), " ", kind === "other" && t("Apps that support autoconfig or autodiscover only need your address.")] }), (kind === "iphone" || kind === "mac") && card(t("Setup profile (no password)"), el("p", {}, el("a", { class: "btn line", href: `/profile.mobileconfig?addresses=${encodeURIComponent(program.username)}`, download: "" }, t("Download profile"))), { hint: t("When asked for a password, enter an app password.") }));
  return { title: t("Set up a device"), root };
};
function link(desk, kind) {
  const place = el("div", {});
  const name = line(t("Device name"), kind === "mac" ? t("Mac") : t("Phone"), t("This creates an app password with this name. You can revoke it under Security."), { maxlength: "64" });
  const ask = form(name.root, t("Show code"), async () => {
    try {
      const made2 = await desk.client.device_start(name.control.value);
      fill(place, steps(kind, made2.url, made2.qr), follow(desk, () => fill(place, ask.root)));
    } catch (error) {
      atFields(error, { name });
    }
  });
  fill(place, ask.root);
  return card(names[kind], place);
}
function steps(kind, url, code) {
  const left = el("p", { class: "hint" }, t("Works once and expires in 10 minutes"));
  const third = kind === "android" ? [el("b", {}, t("Enter the address and password in your mail app")), el("p", { class: "hint" }, t("Thunderbird for Android finds the servers automatically."))] : [el("b", {}, t("Install the profile in Settings, under “Profile downloaded”")), el("p", { class: "hint" }, t("The profile includes your server settings, email address, and password."))];
  return el("div", { class: "qr-row" }, el("div", {}, el("div", { class: "qr" }, qrDrawing(code, t("QR code for the link"))), left), el("ol", { class: "steps grow" }, el("li", {}, el("div", {}, el("b", {}, t("Scan this code with your device's camera")), el("p", { class: "hint" }, t("Or open this link on your device:")), copyable(url))), el("li", {}, el("div", {}, el("b", {}, t("Tap “Set up mail” on your device")), el("p", { class: "hint" }, t("Then confirm here. No one else can use this code.")))), el("li", {}, el("div", {}, third))));
}
function follow(desk, again) {
  const place = el("div", { class: "gap", role: "status" });
  let before = "";
  const show = (found) => {
    if (found.state === before) return;
    before = found.state;
    const anew = button(t("New code"), again);
    if (found.state === "waiting") fill(place, notice("wait", t("Waiting for the device…")));
    else if (found.state === "asking") fill(place, notice("warn", [el("b", {}, t("A device at {ip} wants to connect. Is it yours?", { ip: found.remote_ip })), el("br"), foreign(found.user_agent, 120)], button(t("No"), () => void answer(false)), button(t("Set up"), () => void answer(true), { kind: "primary" })));
    else if (found.state === "issuing") fill(place, notice("wait", t("Creating device password…")));
    else if (found.state === "ready") fill(place, notice("ok", t("Password sent. Continue on your device."), anew));
    else if (found.state === "refused") fill(place, notice("off", t("Device rejected. It can't access your account."), anew));
    else fill(place, notice("off", t("This code has expired."), anew));
  };
  const answer = async (yes) => {
    before = "";
    if (await attempt(yes ? t("Setting up device…") : t("Saving…"), yes ? t("Couldn't set up device") : t("Couldn't reject device"), () => desk.client.device_answer(yes))) await look();
  };
  const look = async () => {
    try {
      show(await desk.client.device_state());
    } catch (error) {
      if (codeOf(error) !== "") throw error;
    }
  };
  const timer = setInterval(() => void look(), period);
  desk.onLeave(() => clearInterval(timer));
  void look();
  return place;
}
var setup = async (desk) => {
  const secret = desk.path[0] ?? "";
  const place = el("div", {});
  const begin = button(t("Set up mail"), async () => {
    begin.disabled = true;
    try {
      const claim = await desk.client.device_open(secret);
      history.replaceState(null, "", desk.base);
      wait(desk, claim, place);
    } catch (error) {
      fill(place, notice("danger", `${messageOf(error)}.`));
    }
  }, { kind: "primary", icon: smartphone });
  fill(place, el("p", { class: "gap" }, t("Set up mail on this device, then confirm on the page where you saw the code.")), el("p", { class: "gap" }, begin));
  const root = el("div", { class: "page narrow" }, head(t("Set up mail on this device"), ""), place);
  return { title: t("Set up mail"), root };
};
function wait(desk, claim, place) {
  fill(place, notice("wait", t("Now confirm on the page where you saw the code.")));
  const timer = setInterval(async () => {
    let found;
    try {
      found = await desk.client.device_look(claim);
    } catch (error) {
      if (codeOf(error) === "") return;
      clearInterval(timer);
      fill(place, notice("danger", `${messageOf(error)}.`));
      return;
    }
    if (found.state === "refused") {
      clearInterval(timer);
      fill(place, notice("danger", t("This device was rejected on your account page.")));
    } else if (found.state === "ready") {
      clearInterval(timer);
      fill(place, ready(desk, claim, found));
    }
  }, period);
}
function ready(desk, claim, { program, password, davx5 }) {
  const profile = el("form", { method: "post", action: `${desk.base}device/profile` }, el("input", { type: "hidden", name: "claim", value: claim }), el("button", { class: "btn primary" }, t("Download profile")));
  return [card(t("iPhone, iPad, Mac"), [el("p", { class: "two" }, t("Download the profile, then install it in Settings under “Profile downloaded”. Your servers, address, and password are included.")), el("div", { class: "gap" }, profile)]), card(t("Android and others"), [el("p", { class: "two" }, t("Enter both in your mail app. Thunderbird finds the servers automatically.")), el("div", { class: "gap" }, el("b", {}, t("Address")), el("div", {}, copyable(program.username))), el("div", { class: "gap" }, el("b", {}, t("Password")), el("div", { class: "secret" }, el("code", {}, password), copyButton(() => password))), davx5 !== "" && el("p", { class: "gap" }, el("a", { class: "btn line", href: davx5 }, t("Open calendars and contacts in DAVx5"))), el("details", { class: "gap" }, el("summary", {}, t("Servers")), byHand(program))])];
}
var pages = { device, setup };
export {
  pages
};
