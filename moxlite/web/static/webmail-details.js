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
function meant(context, text2) {
  return globalThis.moxliteLanguage?.find(`${context} ${text2}`) ?? text2;
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

function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === void 0 ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function isOwn(id) {
  return id < 2 ** 32;
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

var day = 24 * 60 * 60 * 1e3;
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}

var details_default = ".dialog:has(>.details){width:min(760px,calc(100vw - 24px));max-width:none}.details{max-height:70dvh;overflow:auto}.details h3{margin:16px 0 4px;font-size:14px}.details-facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 14px;margin:0;font-size:13.5px}.details-facts dt{color:var(--color-mild)}.details-facts dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}.details pre{font:12.5px/1.5 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere}.details-parts{padding-inline-start:18px;font-size:13.5px}.details ul ul{padding-inline-start:18px}\n";

var reasons = { "no-bad-signals": t("Nothing suspicious was found."), "stray-bounce": t("This is a bounce for a message that wasn't sent from here."), "high-rate": t("The sender's network has sent too much mail."), "own-queue": t("This server sent this message."), reporting: t("This is a mail report, sent to your report address."), "list-allow": t("One of your rules trusts this verified mailing list."), contact: t("The sender is a verified contact."), msgfromfull: t("Based on how you marked earlier mail from this sender."), msgtofull: t("You've written to this sender before."), msgfromdomain: t("Based on how you marked earlier mail from the sender's domain."), msgfromorgdomain: t("Based on how you marked earlier mail from the sender's organization."), msgtodomain: t("You've written to the sender's domain before."), msgtoorgdomain: t("You've written to the sender's organization before."), dkimspf: t("Based on how you marked earlier mail from the same verified domains."), ip1: t("Based on how you marked earlier mail from the same server."), ip2: t("Based on how you marked earlier mail from the same network."), ip3: t("Based on how you marked earlier mail from nearby networks."), "dmarc-policy": t("The sender's domain asks servers to reject unverified mail, and this message couldn't be verified."), "dmarc-quarantine": t("The sender's domain asks servers to quarantine unverified mail, and this message couldn't be verified."), "dmarc-indirect": t("The sender's domain asks servers to reject unverified mail, but this message seems to come from a mailing list or forwarder."), "dmarc-temperror": t("The sender's domain couldn't be checked right now."), "msg-auth-required": t("Your address only accepts verified senders, and this sender couldn't be verified."), "spf-policy": t("The sender's domain doesn't allow the sending server to send its mail, and the sender is unknown."), iprev: t("The sending server doesn't have a valid host name, and earlier mail from it was mostly junk."), sieve: t("Your Sieve script handled this message."), "sieve-error": t("Your Sieve script failed, so the message was kept."), "sieve-kept": t("Your Sieve script rejected this message, but we kept it because a bounce could reach someone else."), "sieve-reject": t("Your Sieve script rejected this message."), vacation: t("Your vacation reply was sent."), "junk-content": t("The junk filter classified the text as junk."), "junk-content-strict": t("The junk filter wasn't sure, and junk often arrives this way."), "junk-content-unsure": t("The junk filter wasn't sure, so the message was moved to Junk."), subjectpass: t("The subject includes the word the sender was asked to add."), "give-subjectpass": t("The junk filter wasn't sure. The sender was asked to add a word to the subject."), "dns-blocklisted": t("The sending server is on a block list."), "ambiguous-from": t("This message lists more than one sender."), "blocked-sender": t("You blocked this sender."), "allowed-sender": t("You allowed this sender, and the sender is verified."), "ruleset-never-junk": t("Your rule keeps this sender's mail out of junk, and the sender is verified."), "alias-members-only": t("Only members can write to this address."), "chosen-senders-only": t("Only senders you've chosen can write to this address."), "unknown-user": t("This address doesn't exist."), "reputation-error": t("Couldn't check earlier mail."), "junk-classify-error": t("Couldn't reach the junk filter."), "subjectpass-error": t("Couldn't check the subject for the word the sender was asked to add."), simulated: t("Test result.") };
function reasonOf(word) {
  return reasons[word] ?? word;
}

adopt(details_default);
async function openDetails(client, base, item, parsed) {
  let found = null;
  await attempt(t("Loading…"), t("Couldn't load details"), async () => {
    found = isOwn(item.id) ? await client.message_details(item.id) : { arrival: null, reason: "", why: [] };
  });
  if (found === null) return;
  const details = found;
  const facts = (rows) => el("dl", { class: "details-facts" }, rows.filter(([, value]) => value !== "").map(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, isolated(value))]));
  const section = (title, ...content) => el("section", {}, el("h3", {}, title), content);
  const part = (one) => {
    const url = (kind) => `${base}msg/${item.id}/${kind}/${one.path}`;
    const link = (kind, label) => el("a", { href: url(kind), target: "_blank", rel: "noopener" }, label);
    const leaf = one.parts.length === 0;
    return el("li", {}, `${one.content_type} · ${size(one.size)}${one.filename === "" ? "" : ` · ${isolated(one.filename)}`} `, leaf && [link("view", t("open")), " ", link("viewtext", t("as text")), " ", el("a", { href: url("download") }, t("download"))], !leaf && el("ul", {}, one.parts.map(part)));
  };
  await dialog(t("Message details"), (close) => [el("div", { class: "details" }, details.arrival !== null && section(t("Delivery"), facts([[t("Sending server"), `${details.arrival.remote_ip}${details.arrival.ehlo === "" ? "" : ` (${details.arrival.ehlo})`}`], [t("Envelope sender"), details.arrival.mail_from || t("none (bounce or report)")], [t("Recipient address"), details.arrival.rcpt_to], [t("Sender's domain (SPF)"), details.arrival.mail_from_ok ? t("passed") : t("not verified")], [t("Signed by (DKIM)"), details.arrival.signed_by.join(", ") || meant("signature", "none")], [t("Encrypted in transit"), details.arrival.tls || t("no")], [t("Time"), fullTime(item.received)]])), details.reason !== "" && section(t("Why this message is here"), el("p", {}, reasonOf(details.reason)), el("details", {}, el("summary", {}, t("All checks")), el("pre", {}, details.why.map(isolated).join("\n")))), section(t("Record"), facts([[t("Number"), String(item.id)], [t("UID"), String(item.uid)], [t("Change number"), String(item.modseq)], [t("Conversation"), String(item.thread_id)], [t("Size"), size(item.size)], [t("Flags"), [...item.flags, ...item.keywords].join(" ")]])), section(t("Parts"), el("ul", { class: "details-parts" }, part(parsed.structure)))), el("div", { class: "dialog-buttons" }, el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")))]);
}
export {
  openDetails
};
