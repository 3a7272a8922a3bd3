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
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
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

function newRuleAt(account, address, rule2) {
  return `${account}#rules/${encodeURIComponent(address || "-")}/${encodeURIComponent(JSON.stringify(rule2))}`;
}

var day = 24 * 60 * 60 * 1e3;
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}

async function act(item, what, masked, page) {
  const { mail, actions } = page;
  if (what === "known") return attempt(t("Saving…"), t("Couldn't save contact"), async () => {
    await page.client.claim_confirm(item.id);
    page.say(t("Added to your contacts"));
  });
  if (what === "add") {
    const [from] = item.from;
    const value = bareAddress(from);
    const emails = [{ value, kind: "" }];
    const contact = { name: from.name || value, emails, phones: [], organization: "", note: "", groups: [] };
    return attempt(t("Saving…"), t("Couldn't save contact"), async () => {
      const id = await page.client.contact_save(contact);
      page.say(t("Added to your contacts"), { title: t("Edit"), run: () => location.assign(`#people:,${id}`) });
    });
  }
  if (what === "refuse" || what === "accept") return attempt(t("Saving…"), t("Couldn't update address"), async () => {
    await (what === "accept" ? page.client.address_on(masked) : page.client.address_off(masked));
    page.say(what === "accept" ? t("This address accepts mail again") : t("New mail to this address will be rejected"));
  });
  if (what === "search") {
    page.search(`from:"${bareAddress(item.from[0]).replaceAll('"', '""')}"`);
    return true;
  }
  if (what === "rule") {
    const { account_path: account, addresses } = mail.facts.value;
    const named = [...item.to, ...item.cc].map((one) => bareAddress(one).toLowerCase());
    const own = addresses.find((address) => named.includes(address.toLowerCase())) ?? "";
    const conditions = [{ part: "from", test: "is", value: bareAddress(item.from[0]) }];
    location.assign(newRuleAt(account, own, { match: "all", conditions }));
    return true;
  }
  if (what === "contact") {
    const [from] = item.from;
    return attempt(t("Loading…"), t("Couldn't open contact"), () => page.contact(from.name, bareAddress(from)));
  }
  const others = mail.mailboxes.value.filter((mailbox) => mailbox.roles.length === 0 && !["Inbox", "Snoozed", "Scheduled"].includes(mailbox.name));
  const chosen = what === "always" ? await page.choose(t("Always move mail from this sender to"), others) : mail.boxes.withRole("junk", mail.boxes.get(item.mailbox_id)?.home);
  if (chosen === void 0) page.offerRole("junk");
  if (chosen == null) return false;
  if (what === "phishing") actions.flagItems([item], ["$phishing"], true, { doing: () => t("Marking as phishing…"), done: () => t("Marked as phishing") });
  else if (!await rule(item, chosen, page)) return false;
  actions.moveItems([item], chosen, what !== "always");
  return true;
}
async function rule(item, { id }, { client, say }) {
  return attempt(t("Saving…"), t("Couldn't add rule"), async () => {
    const { msg_from: sender, recipient, mailbox } = await client.ruleset_for_sender(item.id, id);
    say(t("New mail from {sender} to {recipient} will go to “{mailbox}”", { sender, recipient, mailbox }));
  });
}
export {
  act
};
