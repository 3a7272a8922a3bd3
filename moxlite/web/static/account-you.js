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
var bidiControls = /[\u202a-\u202e\u2066-\u2069]/g;
function isolated(value) {
  return value.replace(bidiControls, (sign2) => `[U+${sign2.charCodeAt(0).toString(16).toUpperCase()}]`);
}
function placed(text2, elements) {
  return text2.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
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
async function told(error) {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}
function mailboxName(name) {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function fieldsOf(error) {
  return error instanceof Error && "fields" in error && Array.isArray(error.fields) ? error.fields : [];
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var made = 0;
function field(label, control2, hint = null) {
  const id = `field-${++made}`;
  const error = el("span", { class: "error", id: `${id}-error`, hidden: true });
  const help = hint === null || hint === "" ? null : el("span", { class: "hint", id: `${id}-hint` }, hint);
  if (control2.id === "") control2.id = id;
  const described = () => [error.hidden ? "" : error.id, help?.id ?? ""].filter((one) => one !== "").join(" ");
  const describe = () => described() === "" ? control2.removeAttribute("aria-describedby") : control2.setAttribute("aria-describedby", described());
  describe();
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2 !== "" && [sign(octagonAlert, "i s"), el("span", {}, text2)]);
    control2.setAttribute("aria-invalid", String(text2 !== ""));
    describe();
  };
  control2.addEventListener("input", () => problem(""));
  return { root: el("div", { class: "field" }, el("label", { for: control2.id }, label), control2, error, help), control: control2, problem };
}
function tick(label, on, hint = null) {
  const control2 = el("input", { type: "checkbox" });
  control2.checked = on;
  const error = el("span", { class: "error", hidden: true });
  const problem = (text2) => {
    error.hidden = text2 === "";
    fill(error, text2);
  };
  const words = el("span", { class: "grow" }, label, hint !== null && hint !== "" && el("span", { class: "hint" }, el("br"), hint), error);
  return { root: el("label", { class: "check" }, control2, words), control: control2, problem };
}
function choice(label, values, chosen, hint = null) {
  const control2 = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control2, hint);
}
function line(label, value, hint = null, attributes = {}) {
  const control2 = el("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  control2.value = value;
  return field(label, control2, hint);
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

function head(title, hint, ...actions) {
  const words = typeof hint === "string" && hint !== "" || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el("header", {}, el("h1", { tabindex: "-1" }, title), el("span", { class: "grow" }), el("div", { class: "actions" }, actions), words);
}
function card(title, content, options = {}) {
  const { flush = false, hint, actions } = options;
  const top = title === "" ? null : el("header", {}, el("h2", {}, title), actions && el("div", { class: "actions" }, actions), typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint);
  return el("section", { class: flush ? "card flush" : "card", "aria-label": title === "" ? void 0 : title }, top, content);
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
function meter(share) {
  const bar = el("i", { class: share >= 0.9 ? "warn" : void 0 });
  bar.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
}

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}

function mailbox(label, value, names, hint = null) {
  const id = "mailbox-names";
  const made2 = line(label, value, hint, { list: id });
  made2.root.append(el("datalist", { id }, names.map((name) => el("option", { value: name }))));
  return made2;
}

var securities = { tls: "TLS", starttls: "STARTTLS", plain: t("not encrypted") };
function addressName(one) {
  return one.address.startsWith("@") ? t("All other addresses at {domain}", { domain: one.address.slice(1) }) : one.address;
}

var settings = [
  { name: "full_name", label: t("Your name"), about: t("Your name in mail you send from webmail."), type: "text", words: [] }
];

function ownSettings(desk, old) {
  const controls2 = new Map(settings.map((one) => [one.name, control(one, old[one.name])]));
  const parts = [...controls2.values()].map((one) => one.field.root);
  return form(parts, t("Save"), async () => {
    const changed = {};
    for (const [name, one] of controls2) {
      const value = one.read();
      if (value !== void 0) changed[name] = value;
    }
    try {
      await desk.client.settings_save(old, changed);
    } catch (error) {
      atFields(error, Object.fromEntries([...controls2].map(([name, one]) => [name, one.field])));
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  }).root;
}
function control(setting, value) {
  const { label, about } = setting;
  const text2 = value === void 0 ? "" : String(value);
  switch (setting.type) {
    case "boolean": {
      const made2 = tick(label, value === true, about);
      return { field: made2, read: () => made2.control.checked };
    }
    case "enum": {
      const words = setting.words.map((one) => [one, one]);
      const made2 = choice(label, words, text2, about);
      return { field: made2, read: () => made2.control.value };
    }
    case "list": {
      const lines = Array.isArray(value) ? value.map(String) : [];
      const made2 = field(label, el("textarea", { rows: 4, spellcheck: "false" }, lines.join("\n")), about);
      const read2 = () => made2.control.value.split("\n").filter((one) => one.trim() !== "");
      return { field: made2, read: read2 };
    }
    case "number": {
      const made2 = line(label, text2, about, { inputmode: "decimal" });
      const number = () => /^-?[0-9]+(\.[0-9]+)?$/.test(made2.control.value) ? Number(made2.control.value) : made2.control.value;
      return { field: made2, read: () => made2.control.value === "" ? void 0 : number() };
    }
    default: {
      const made2 = line(label, text2, about);
      return { field: made2, read: () => made2.control.value === "" ? void 0 : made2.control.value };
    }
  }
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

async function inWord(text2) {
  return text2.message === "" ? text2 : { ...text2, ...await told(text2) };
}

function sentence(text2) {
  return `${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}${/[.!?…]$/.test(text2) ? "" : "."}`;
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
  const here = new Date(at / 1e3);
  const today = new Date(now / 1e3);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here).setHours(0, 0, 0, 0)) / 864e5);
  const time = timeOf(at);
  if (days === 0) return time;
  if (days === 1) return t("yesterday {time}", { time });
  if (days === -1) return t("tomorrow {time}", { time });
  if (days > 0 && days < 7) return `${formatted(here, "weekday", { weekday: "short" })} ${time}`;
  if (here.getFullYear() === today.getFullYear()) return `${formatted(here, "day", { day: "numeric", month: "short" })} ${time}`;
  return formatted(here, "date", { day: "numeric", month: "short", year: "numeric" });
}
function when(at) {
  const date = new Date(at / 1e3);
  const iso = date.toISOString();
  return el("time", { datetime: iso, title: `${formatted(date, "whole", { dateStyle: "full", timeStyle: "long" })}
${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}` }, moment(at));
}
function microseconds(text2) {
  return text2 === "" ? 0 : Date.parse(text2) * 1e3;
}

async function notices(found) {
  const failed = found.sorting.failure;
  return [...sorting(found.sorting, failed === null ? "" : (await inWord(failed.text)).message), ...await Promise.all(found.old_patterns.map(oldPattern))];
}
function lists(found) {
  return found.lists.length > 0 && card(t("Your mailing lists"), el("ul", { class: "lines" }, found.lists.map(list)), { flush: true });
}
async function oldPattern(one) {
  const { message } = await told(one.remark);
  const [text2, page, title] = one.address === "" ? [t("Problem with a junk folder pattern: {reason}."), "junk", t("Junk")] : [t("Problem with a pattern in the rules for {address}: {reason}.", { address: one.address }), `rules/${encodeURIComponent(one.address)}`, t("Rules")];
  return notice("warn", placed(text2, { reason: foreign(message, 600) }), el("a", { href: `#${page}` }, title));
}
function sorting(found, why) {
  const link = (page, title) => el("a", { href: `#${page}` }, title);
  const lines = [];
  if (found.away) lines.push(notice("wait", found.away_until === null ? t("Vacation reply is on.") : placed(t("Vacation reply is on until {time}."), { time: when(microseconds(found.away_until)) }), link("away", t("Manage"))));
  const failure = found.failure;
  if (failure?.script === "") lines.push(notice("warn", foreign(sentence(why), 300), link("forwarding", t("Forwarding"))));
  else if (failure != null) {
    const text2 = failure.line > 0 ? t("Your script failed in line {line}: {reason}.", { line: failure.line }) : t("Your script failed: {reason}.");
    lines.push(notice("warn", [placed(text2, { reason: foreign(why, 300) }), " ", t("You'll find the message in your Inbox.")], link("scripts", t("Sieve scripts"))));
  }
  for (const address of found.stopped) lines.push(notice("warn", placed(t("Forwarding to {address} stopped after 3 days of bounces. You'll find your mail here."), { address: foreign(address, 100) }), link("forwarding", t("Forwarding"))));
  return lines;
}
function storage(found) {
  const values = { used: size(found.storage_used), limit: size(found.storage_limit) };
  const text2 = found.storage_limit === 0 ? t("{used} used, no limit", values) : t("{used} of {limit} used", values);
  return card(t("Storage"), [found.storage_limit !== 0 && meter(found.storage_used / found.storage_limit), el("p", { class: "hint gap" }, many(found.messages, "{n} message", "{n} messages"))], { actions: el("span", { class: "muted" }, text2) });
}
function list(one) {
  const about = [one.public ? t("anyone can post") : t("only members can post"), one.may_send ? t("you can send from this address") : ""].filter((text2) => text2 !== "");
  const members = one.members_shown ? one.members.join(", ") : t("members hidden");
  return el("li", {}, el("span", { class: "grow" }, el("b", {}, el("bdi", {}, one.address)), el("span", { class: "hint" }, ` ${about.join(", ")}`), el("br"), el("span", { class: "hint" }, el("bdi", {}, members))));
}

var addresses = async (desk) => {
  const [all, mailboxes] = await Promise.all([desk.client.account_rule_list(), desk.client.mailboxes()]);
  const chosen = all.find((one) => one.address === desk.path[0]);
  const names = mailboxes.map((one) => one.name);
  if (chosen !== void 0) return { title: chosen.address, root: el("div", { class: "page" }, above("#addresses", t("Addresses")), head(addressName(chosen), ""), settings2(desk, chosen, names)) };
  const [own, found] = await Promise.all([desk.client.settings(), desk.client.overview()]);
  const off = new Set(found.addresses.filter((one) => one.domain_disabled).map((one) => one.address));
  const root = el("div", { class: "page" }, head(t("Addresses"), t("To add or remove addresses, contact your administrator.")), ...await notices(found), card("", ownSettings(desk, own)), card(t("Addresses"), el("ul", { class: "lines" }, all.map((one) => addressLine(one, off.has(one.address)))), { flush: true }), lists(found), storage(found));
  return { title: t("Addresses"), root };
};
function above(href, title) {
  return el("p", { class: "hint" }, el("a", { href }, title), " /");
}
function addressLine(one, off) {
  const path = encodeURIComponent(one.address);
  const rules = one.form.rulesets.length;
  return el("li", {}, el("span", { class: "grow" }, el("a", { class: "name", href: `#addresses/${path}` }, el("bdi", {}, addressName(one))), el("span", { class: "hint" }, ` ${one.form.smtp_error === "" ? t("move to {mailbox}", { mailbox: mailboxName(one.form.mailbox) }) : ""}`)), off && state("off", t("domain disabled")), one.form.smtp_error !== "" && state("off", t("rejects all mail")), el("a", { class: "btn text small", href: `#rules/${path}` }, rules === 0 ? t("Rules") : many(rules, "{n} rule", "{n} rules")));
}
function settings2(desk, one, names) {
  const old = one.form;
  const box = mailbox(t("Default folder"), old.mailbox, names, t("For mail that doesn't match a rule."));
  const name = line(t("Display name"), old.full_name, t("Leave blank to use your own name."));
  const refuse = line(t("Reject all mail with this reply"), old.smtp_error, t("421 or 550, a space, and text. For example, “550 this address is no longer in use”. Leave blank to accept mail."));
  const proof = line(t("Reject unverified senders with this message"), old.message_auth_required_smtp_error, t("Applies to mail without valid DMARC, DKIM, or SPF. Leave blank to filter this mail as usual."));
  const refused = line(t("Rejected addresses"), old.refused_addresses.join(" "), t("Variants of your addresses to reject, separated by spaces. For example, you+shop@example.org"));
  const box2 = form([box.root, name.root, refuse.root, proof.root, refused.root], t("Save"), async () => {
    const changed = { mailbox: box.control.value, full_name: name.control.value, smtp_error: refuse.control.value, message_auth_required_smtp_error: proof.control.value, refused_addresses: refused.control.value.split(/\s+/).filter((word) => word !== "") };
    try {
      await desk.client.account_rule_set(one.address, changed, old);
    } catch (error) {
      atFields(error, { mailbox: box, full_name: name, smtp_error: refuse, message_auth_required_smtp_error: proof, refused_addresses: refused });
      return;
    }
    desk.say(t("Saved"));
    await desk.refresh();
  });
  return card("", [box2.root, el("p", { class: "hint gap" }, el("a", { href: `#rules/${encodeURIComponent(one.address)}` }, t("Address rules")))]);
}
var pages = { addresses };
export {
  pages
};
