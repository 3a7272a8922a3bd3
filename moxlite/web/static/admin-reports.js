var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name2, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name2.slice(2), value);
    } else if (name2 === "data") {
      Object.assign(element.dataset, value);
    } else if (tag === "textarea" && name2 === "value") {
      element.textContent = String(value);
    } else {
      element.setAttribute(name2, value === true ? "" : read.has(name2) ? written(String(value)) : String(value));
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
function icon(path, name2 = "icon") {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", path.startsWith("m") ? `${name2} along` : name2);
  svg.setAttribute("aria-hidden", "true");
  const line2 = document.createElementNS(namespace, "path");
  line2.setAttribute("d", path);
  svg.append(line2);
  return svg;
}
function sign(path, name2 = "i") {
  const svg = icon(path, name2);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var fileText = "M6 22a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2h8a2.4 2.4 0 0 1 1.704.706l3.588 3.588A2.4 2.4 0 0 1 20 8v12a2 2 0 0 1-2 2z M14 2v5a1 1 0 0 0 1 1h5 M10 9H8 M16 13H8 M16 17H8";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var plus = "M5 12h14 M12 5v14";
var send = "m14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11z M21.854 2.147l-10.94 10.939";
var shieldCheck = "M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z M9 12l2 2 4-4";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

var grouped;
var locale = () => globalThis.moxliteLanguage?.locale;
function filled(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name2) => {
    const value = values[name2];
    if (value === void 0) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}
function t(text2, values = {}) {
  return filled(globalThis.moxliteLanguage?.find(text2) ?? text2, values);
}
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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
function tabs(label, links) {
  const made2 = el("nav", { class: "tabs", "aria-label": label }, links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : void 0 }, title)));
  requestAnimationFrame(() => {
    const shown = made2.querySelector("[aria-current]");
    if (shown !== null) made2.scrollLeft = shown.offsetLeft - made2.offsetLeft - (made2.clientWidth - shown.offsetWidth) / 2;
  });
  return made2;
}
function table(label, columns, rows, each) {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === void 0 || column.kind === "num";
      const cell = el("td", { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : void 0 }, wrapped(column.cell(row)));
      const text2 = cell.textContent;
      cell.className += /\S{30}/.test(text2) ? " long" : /\S{25}/.test(text2) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row);
    return tr;
  });
  const titles2 = columns.map((column) => el("th", { class: column.kind, scope: "col" }, column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title));
  return el("table", { class: "records", "aria-label": label }, el("thead", {}, el("tr", {}, titles2)), el("tbody", {}, body));
}
function wrapped(child) {
  return Array.isArray(child) || typeof child === "string" ? child.length > 0 ? el("div", {}, child) : null : child;
}
function pairs(entries) {
  return el("dl", { class: "pair" }, entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}
function button(title, run, options = {}) {
  const { icon: icon2, kind = "line", name: name2 } = options;
  return el("button", { class: `btn ${kind}`, type: "button", "aria-label": name2, onclick: run }, icon2 !== void 0 && sign(icon2, kind.includes("small") ? "i s" : "i"), title);
}
function iconButton(name2, path, run) {
  return el("button", { class: "btn icon small", type: "button", "aria-label": name2, title: name2, onclick: run }, sign(path, "i s"));
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

var shapes = { ok: circleCheck, warn: triangleAlert, danger: octagonAlert, wait: clock, off: ban, unknown: circleHelp };
var tones = { ok: "ok", warn: "warn", danger: "danger", wait: "muted", off: "muted", unknown: "muted" };
function mark2(level, word, small = true) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], small ? "i s" : "i"), el("span", { class: "sr" }, `${word}: `));
}
function state(level, word) {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}
function notice(level, text2, ...actions) {
  const alert = level === "danger" ? "alert" : void 0;
  return el("div", { class: `notice ${level}`, role: alert }, sign(shapes[level]), el("div", { class: "grow" }, text2), actions);
}
function empty(path, title, text2, ...actions) {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text2 !== "" && el("p", {}, text2), actions);
}

var formats = /* @__PURE__ */ new Map();
function formatted(date, name2, options) {
  let format = formats.get(name2);
  if (format === void 0) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name2, format);
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
function agoShort(duration) {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

var month = 30;
var tabLinks = (on) => tabs(t("Reports"), [["#reports", t("DMARC"), on === "dmarc"], ["#reports/sources", t("Sources"), on === "sources"], ["#reports/tls", t("TLS"), on === "tls"], ["#reports/own", t("Pending"), on === "own"], ["#reports/mta-sts", t("MTA-STS policies"), on === "mta-sts"]]);
var name = (value) => value === "" ? el("span", { class: "muted" }, t("(none)")) : el("bdi", {}, visible(value));
var count = (value) => value.toLocaleString();
function noReports(kind, places) {
  const record = kind === "dmarc" ? "rua" : "_smtp._tls";
  const missing = places.filter((one) => (kind === "dmarc" ? one.dmarc : one.tls) === "");
  const first = missing[0] ?? places[0];
  const title = kind === "dmarc" ? t("No DMARC reports yet") : t("No TLS reports yet");
  if (first === void 0) return empty(fileText, title, t("To get reports, add a domain first."), el("a", { class: "btn line", href: "#domains" }, t("Add domain")));
  if (missing.length > 0) {
    const text22 = t("{domain} doesn't have a report address yet. Set {field} in the domain settings, then publish the record with {record}.", { domain: first.domain, field: kind === "dmarc" ? "dmarc" : "tlsrpt", record });
    return empty(fileText, title, text22, el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "settings" }) }, t("Set address")), el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("View records")));
  }
  const text2 = t("Servers that receive your mail send daily reports to {address}. If you don't get any within 2 days, check that the record with {record} is published.", { address: kind === "dmarc" ? first.dmarc : first.tls, record });
  return empty(fileText, title, text2, el("a", { class: "btn line", href: addressOf("domains", [first.domain], { tab: "dns" }) }, t("Check records")));
}

var perPage = 50;
var titles = { dmarc: t("DMARC reports"), tls: t("TLS reports") };
async function receivedPage(desk, kind) {
  const query = desk.address.query;
  const domain = query.get("domain") ?? "";
  const before = query.get("before");
  const [totals, lines, places] = await Promise.all([desk.client.reports_summary(kind, month), desk.client.reports_list(kind, domain, 400, before === null ? void 0 : Number(before), 50), desk.client.report_places()]);
  const last = lines.at(-1);
  const next = last !== void 0 && lines.length === perPage ? addressOf("reports", [kind], { domain, before: String(last.id) }) : "";
  const body = lines.length === 0 ? domain === "" && before === null ? noReports(kind, places) : el("p", { class: "hint" }, domain === "" ? t("No older reports.") : t("No reports about {domain}.", { domain: visible(domain) })) : list(kind, lines);
  const root = el("div", { class: "page" }, head(t("Reports"), kind === "dmarc" ? t("Reports from other servers about mail that claims to be from your domains.") : t("Reports from other servers about TLS connections to you.")), tabLinks(kind), totals.length > 0 && card(t("By domain"), sums(kind, totals), { flush: true, hint: t("Reports from the last {n} days", { n: month }) }), card(domain === "" ? titles[kind] : t("{what} about {domain}", { what: titles[kind], domain: visible(domain) }), body, { flush: true, actions: domain !== "" && el("a", { class: "btn line small", href: addressOf("reports", [kind]) }, t("All domains")) }), el("div", { class: "pages" }, before !== null && el("a", { class: "btn line", href: addressOf("reports", [kind], { domain }) }, t("First page")), next !== "" && el("a", { class: "btn line", href: next }, t("Next page"))));
  return { title: titles[kind], root };
}
function sums(kind, totals) {
  return table(t("Totals by domain"), [{ title: t("Domain"), kind: "main", cell: (row) => el("a", { href: addressOf("reports", [kind], { domain: row.domain }) }, name(row.domain)) }, { title: t("Reports"), kind: "num", cell: (row) => count(row.reports) }, { title: kind === "dmarc" ? t("Messages") : t("Sessions with TLS"), kind: "num", cell: (row) => count(row.total) }, { title: kind === "dmarc" ? t("Failed") : t("Failed"), kind: "num", cell: (row) => failures(row.failed) }, { title: t("Last period ends"), cell: (row) => when(row.last) }, { title: "", kind: "top", cell: (row) => kind === "dmarc" && el("a", { class: "btn line small", href: addressOf("reports", ["sources", row.domain]) }, t("Sources")) }], totals);
}
function failures(number) {
  return number === 0 ? "0" : [mark2("warn", t("check")), " ", count(number)];
}
function list(kind, lines) {
  return table(titles[kind], [{ title: t("From"), kind: "main", cell: (row) => [el("a", { href: addressOf("reports", [kind, String(row.id)]) }, name(row.organization)), row.sender !== row.organization && el("div", { class: "hint" }, t("sent by"), " ", name(row.sender))] }, { title: t("Target"), cell: (row) => name(row.domain) }, { title: t("Period"), cell: (row) => [when(row.begin), " – ", when(row.end)] }, { title: kind === "dmarc" ? t("Messages") : t("Sessions with TLS"), kind: "num", cell: (row) => count(row.total) }, { title: kind === "dmarc" ? t("Failed") : t("Failed"), kind: "num", cell: (row) => failures(row.failed) }, { title: t("Received"), cell: (row) => when(row.received) }], lines);
}
function facts(kind, report) {
  return [[t("Target"), el("a", { href: addressOf("reports", [kind], { domain: report.domain }) }, name(report.domain))], [t("Period"), [when(report.begin), " – ", when(report.end)]], [t("Received"), [when(report.received), ", ", t("in an email from"), " ", name(report.sender)]], [t("Report ID"), name(report.report_id)]];
}
async function dmarcReportPage(desk, number) {
  const first = Math.max(0, Number(desk.address.query.get("first") ?? 0) || 0);
  const found = await desk.client.dmarc_report(number, first);
  const { report } = found;
  const at = (place) => addressOf("reports", ["dmarc", String(number)], { first: place === 0 ? "" : String(place) });
  const end = first + found.page.length;
  const root = el("div", { class: "page" }, head([t("DMARC report from"), " ", name(report.organization || report.sender)], null), tabLinks("dmarc"), found.errors.length > 0 && notice("warn", [t("Errors from the reporter:"), " ", found.errors.map((one) => [foreign(one, 200), " "])]), card("", pairs([...facts("dmarc", report), [t("Published policy"), found.policy.length === 0 ? t("(none)") : el("code", {}, el("bdi", {}, found.policy.join("; ")))], [t("Contact"), [name(found.email), found.contact !== "" && [", ", foreign(found.contact, 120)]]], [t("Messages"), count(report.total)], [t("Failed"), failures(report.failed)]])), card(t("Records"), found.page.length === 0 ? el("p", { class: "hint" }, t("No records in this report.")) : records(found.page), { flush: true, hint: many(found.records, "{n} record", "{n} records") }), el("div", { class: "pages" }, first > 0 && el("a", { class: "btn line", href: at(Math.max(0, first - perPage)) }, t("Earlier records")), end < found.records && el("a", { class: "btn line", href: at(end) }, t("More records"))));
  return { title: t("DMARC report"), root };
}
function records(page) {
  const judged = (results) => results.map((one) => el("div", { class: "hint" }, name(one.domain), one.about !== "" && [" ", name(one.about)], ": ", name(one.result), one.text !== "" && [", ", foreign(one.text, 100)]));
  return table(t("Records"), [{ title: t("Address"), kind: "main", cell: (row) => name(row.source_ip) }, { title: t("Messages"), kind: "num", cell: (row) => count(row.count) }, { title: t("Passed"), cell: (row) => row.dkim === "pass" || row.spf === "pass" ? state("ok", t("yes")) : state("warn", t("no")) }, { title: "DKIM", cell: (row) => [name(row.dkim), judged(row.dkim_results)] }, { title: "SPF", cell: (row) => [name(row.spf), judged(row.spf_results)] }, { title: t("Result"), cell: (row) => [name(row.disposition), row.reasons.map((one) => el("div", { class: "hint" }, foreign(one, 120)))] }, { title: t("From"), cell: (row) => [name(row.header_from), row.envelope_to !== "" && el("div", { class: "hint" }, t("to"), " ", name(row.envelope_to))] }], page);
}
async function tlsReportPage(desk, number) {
  const found = await desk.client.tls_report(number);
  const { report } = found;
  const root = el("div", { class: "page" }, head([t("TLS report from"), " ", name(report.organization || report.sender)], null), tabLinks("tls"), card("", pairs([...facts("tls", report), [t("Contact"), name(found.contact)], [t("Sessions with TLS"), count(report.total)], [t("Failed"), failures(report.failed)]])), found.policies.map((one) => card(t("Policy: {type}", { type: policyWords[one.type] ?? visible(one.type) }), policy(one))));
  return { title: t("TLS report"), root };
}
var policyWords = { sts: t("MTA-STS"), tlsa: t("DANE"), "no-policy-found": t("not found") };
function policy(one) {
  return [pairs([[t("Domain"), name(one.domain)], [t("Mail hosts"), one.mx.length === 0 ? name("") : one.mx.map((host) => el("div", {}, name(host)))], [t("As seen by the reporter"), one.strings.length === 0 ? name("") : one.strings.map((text2) => el("div", {}, el("code", {}, foreign(text2, 200))))], [t("Sessions with TLS"), count(one.successes)], [t("Failed"), failures(one.failed)]]), one.failures.length > 0 && table(t("Failures"), [{ title: t("Failure"), kind: "main", cell: (row) => [name(row.type), row.reason !== "" && el("div", { class: "hint" }, foreign(row.reason, 160)), row.information !== "" && el("div", { class: "hint" }, foreign(row.information, 160))] }, { title: t("Sessions"), kind: "num", cell: (row) => count(row.sessions) }, { title: t("Sent from"), cell: (row) => name(row.sending_ip) }, { title: t("To"), cell: (row) => [name(row.host), row.receiving_ip !== "" && el("div", { class: "hint" }, name(row.receiving_ip))] }], one.failures), one.more > 0 && el("p", { class: "hint" }, many(one.more, "and {n} more failure type", "and {n} more failure types"))];
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
function choice(label, values, chosen, hint = null) {
  const control = el("select", {}, values.map(([value, words]) => el("option", { value, selected: value === chosen }, words)));
  return field(label, control, hint);
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

function sentence(text2) {
  return `${text2[0]?.toUpperCase() ?? ""}${text2.slice(1)}${/[.!?…]$/.test(text2) ? "" : "."}`;
}

function fieldForm(fields, action, run, more = null, cancel = null) {
  const failure = el("div", { hidden: true });
  const button2 = el("button", { class: "btn primary", type: "submit" }, action);
  const form = el("form", { class: "form", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    button2.disabled = true;
    failure.hidden = true;
    form.ariaBusy = "true";
    try {
      if (await run() !== false) saved(form);
    } catch (error) {
      refusal(error, fields, failure, form);
    } finally {
      button2.disabled = false;
      form.ariaBusy = null;
    }
  } }, Object.values(fields).map((one) => one.root), more, failure, el("div", cancel === null ? {} : { class: "dialog-buttons" }, cancel, button2));
  return form;
}
function refusal(error, fields, failure, form) {
  const [single, ...others] = Object.keys(fields);
  const told2 = fieldsOf(error);
  const mistakes = told2.length === 0 && codeOf(error) === "user:error" && others.length === 0 && single !== void 0 ? [{ field: single, text: messageOf(error) }] : told2;
  const rest = mistakes.filter((one) => fields[one.field] === void 0);
  for (const one of mistakes) fields[one.field]?.problem(sentence(one.text));
  failure.hidden = mistakes.length > 0 && rest.length === 0;
  fill(failure, notice("danger", rest.length > 0 ? rest.map((one) => one.text).join("; ") : messageOf(error)));
  form.querySelector("[aria-invalid=true]")?.focus();
}
function fieldDialog(title, action, fields, run, more = null) {
  return dialog(title, (close) => [fieldForm(fields, action, async () => close(await run()), more, el("button", { class: "btn", type: "button", onclick: () => close(null) }, t("Cancel")))]);
}
async function typedAgain(title, name2, what, action) {
  const typed = line(t("Type {name} to continue", { name: name2 }), "");
  const answer2 = await dialog(title, (close) => {
    const button2 = el("button", { class: "btn line danger", type: "submit", disabled: true }, action);
    typed.control.addEventListener("input", () => button2.disabled = typed.control.value !== name2);
    return [el("div", { class: "dialog-text" }, what), el("form", { class: "form", data: { fleeting: "" }, onsubmit: (event) => {
      event.preventDefault();
      if (typed.control.value === name2) close(true);
    } }, typed.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), button2))];
  });
  return answer2 === true;
}

var perPage2 = 50;
async function ownPage(desk) {
  const [dmarc, tls, noDMARC, noTLS] = await Promise.all([desk.client.dmarc_pending(), desk.client.tlsrpt_pending(), desk.client.dmarc_suppress_list(), desk.client.tlsrpt_suppress_list()]);
  const root = el("div", { class: "page" }, head(t("Reports"), t("Reports this server sends to other domains nightly."), button(t("Suppress an address"), () => void suppress(desk), { icon: plus })), tabLinks("own"), pendingCard(desk, "dmarc", t("DMARC: messages checked against other domains' policies"), dmarc), pendingCard(desk, "tls", t("TLS: sessions under other domains' policies"), tls), suppressedCard(desk, [...noDMARC.map((row) => ({ kind: "dmarc", row })), ...noTLS.map((row) => ({ kind: "tls", row }))]));
  return { title: t("Our reports"), root };
}
function pendingCard(desk, kind, title, found) {
  const nothing = kind === "dmarc" ? t("For domains that request DMARC reports (rua), mail is counted here until the report is sent.") : t("For domains that request TLS reports, sessions are counted here until the report is sent.");
  const now = async () => {
    let said = "";
    const done = await attempt(t("Sending reports…"), t("Couldn't send reports"), async () => {
      const sent = await (kind === "dmarc" ? desk.client.dmarc_send() : desk.client.tlsrpt_send());
      said = many(sent.due, "{n} report was due: {sent} sent, {skipped} not needed, {later} postponed", "{n} reports were due: {sent} sent, {skipped} not needed, {later} postponed", { sent: sent.sent, skipped: sent.skipped, later: sent.later });
    });
    if (!done) return;
    desk.say(said);
    await desk.refresh();
  };
  const drop = async (row) => {
    const domain = row.about.split(" ")[0] ?? row.about;
    if (!await typedAgain(t("Delete report data for {domain}?", { domain }), domain, t("The domain won't get a report for this data. You can't undo this."), t("Delete"))) return;
    if (await attempt(t("Deleting…"), t("Couldn't delete reports"), () => kind === "dmarc" ? desk.client.dmarc_drop(domain) : desk.client.tlsrpt_drop(domain))) await desk.refresh();
  };
  const list2 = table(title, [{ title: t("Domain"), kind: "main", cell: (row) => kind === "dmarc" ? el("a", { href: addressOf("reports", ["own", row.about]) }, name(row.about)) : name(row.about) }, { title: t("Day"), cell: (row) => day2(row.day) }, { title: kind === "dmarc" ? t("Messages") : t("Sessions"), kind: "num", cell: (row) => count(row.total) }, { title: kind === "dmarc" ? t("Failed") : t("Failed"), kind: "num", cell: (row) => row.failed === 0 ? "0" : [mark2("warn", t("check")), " ", count(row.failed)] }, { title: "", kind: "top", cell: (row) => iconButton(t("Delete report data for {domain}", { domain: row.about }), trash2, () => void drop(row)) }], found);
  return card(title, found.length === 0 ? empty(clock, t("No pending reports"), nothing) : list2, { flush: true, actions: found.length > 0 && button(t("Send due reports"), () => void now(), { icon: send, kind: "line small" }) });
}
function day2(text2) {
  return /^\d{8}$/.test(text2) ? `${text2.slice(0, 4)}-${text2.slice(4, 6)}-${text2.slice(6)}` : text2;
}
function suppressedCard(desk, found) {
  const remove = async ({ kind, row }) => {
    if (!await attempt(t("Removing…"), t("Couldn't remove address"), () => kind === "dmarc" ? desk.client.dmarc_suppress_remove(row.address) : desk.client.tlsrpt_suppress_remove(row.address))) return;
    const days = Math.max(1, Math.round((microseconds(row.until) / 1e3 - Date.now()) / 864e5));
    desk.say(t("Reports to {address} resumed", { address: row.address }), { title: t("Undo"), run: () => void attempt(t("Undoing…"), t("Couldn't undo"), () => without(desk, kind, row.address, Math.min(days, 3650), row.comment)).then(() => desk.refresh()) });
    await desk.refresh();
  };
  const list2 = table(t("Addresses we don't send reports to"), [{ title: t("Address"), kind: "main", cell: ({ row }) => name(row.address) }, { title: t("Type"), cell: ({ kind }) => kind === "dmarc" ? "DMARC" : "TLS" }, { title: t("Reason"), cell: ({ row }) => row.comment === "" ? name("") : foreign(row.comment, 160) }, { title: t("Until"), cell: ({ row }) => when(microseconds(row.until)) }, { title: "", kind: "top", cell: (one) => iconButton(t("Send reports to {address} again", { address: one.row.address }), trash2, () => void remove(one)) }], found);
  return card(t("Addresses we don't send reports to"), found.length === 0 ? el("p", { class: "hint" }, t("If an address rejects a report, we'll pause reports to it for a while.")) : list2, { flush: true });
}
var without = (desk, kind, address, days, comment) => kind === "dmarc" ? desk.client.dmarc_suppress_add(address, days * 86400, comment) : desk.client.tlsrpt_suppress_add(address, days * 86400, comment);
async function suppress(desk) {
  const address = line(t("Address"), "", null, { inputmode: "email" });
  const kind = choice(t("Reports"), [["dmarc", "DMARC"], ["tls", "TLS"]], "dmarc");
  const days = line(t("Days"), "30", null, { inputmode: "numeric" });
  const comment = line(t("Reason"), "");
  const done = await fieldDialog(t("Stop reports to an address"), t("Suppress"), { address, kind, days, comment }, async () => {
    const number = Number(days.control.value);
    if (!Number.isInteger(number) || number < 1 || number > 3650) {
      days.problem(t("Enter 1 to 3650 days."));
      throw new Error(t("Your changes weren't saved."));
    }
    await without(desk, kind.control.value === "tls" ? "tls" : "dmarc", address.control.value, number, comment.control.value);
    return true;
  });
  if (done !== null) await desk.refresh();
}
async function evaluationsPage(desk, domain) {
  const after = Number(desk.address.query.get("after") ?? 0) || 0;
  const found = await desk.client.dmarc_evaluations(domain, after);
  const last = found.at(-1);
  const list2 = table(t("Messages"), [{ title: t("When"), kind: "main", cell: (row) => when(row.at) }, { title: t("Address"), cell: (row) => name(row.source_ip) }, { title: t("Passed"), cell: (row) => row.dkim || row.spf ? state("ok", [row.dkim && "DKIM", row.spf && "SPF"].filter(Boolean).join(", ")) : state("warn", t("no")) }, { title: t("Result"), cell: (row) => [name(row.disposition), row.overrides.map((one) => el("div", { class: "hint" }, foreign(one, 120)))] }, { title: t("From"), cell: (row) => [name(row.header_from), el("div", { class: "hint" }, t("envelope:"), " ", name(row.envelope_from))] }, { title: t("To"), cell: (row) => name(row.envelope_to) }, { title: t("Policy"), cell: (row) => [el("code", {}, foreign(row.record, 80)), row.optional && el("div", { class: "hint" }, t("won't trigger a report on its own"))] }], found);
  const root = el("div", { class: "page" }, head([t("Mail checked by"), " ", name(domain)], t("Included in the next DMARC report to this domain.")), tabLinks("own"), card("", found.length === 0 ? el("p", { class: "hint" }, t("No data left for this domain's report.")) : list2, { flush: true }), el("div", { class: "pages" }, el("a", { class: "btn line", href: "#reports/own" }, t("All domains")), last !== void 0 && found.length === perPage2 && el("a", { class: "btn line", href: addressOf("reports", ["own", domain], { after: String(last.id) }) }, t("Next page"))));
  return { title: t("Mail checked by {domain}", { domain }), root };
}
function mode(row) {
  switch (row.mode) {
    case "enforce":
      return state("ok", t("enforced"));
    case "testing":
      return state("wait", t("testing"));
    case "none":
      return state("off", t("revoked"));
    case "":
      return state("warn", t("not fetched"));
    default:
      return el("span", {}, name(row.mode));
  }
}
async function policiesPage(desk) {
  const after = desk.address.query.get("after") ?? "";
  const found = await desk.client.mtasts_kept(after, perPage2);
  const last = found.at(-1);
  const list2 = table(t("Policies"), [{ title: t("Domain"), kind: "main", cell: (row) => name(row.domain) }, { title: t("Mode"), cell: (row) => [mode(row), row.failure !== "" && el("div", { class: "hint" }, foreign(row.failure, 120))] }, { title: t("Mail hosts"), cell: (row) => row.mx.slice(0, 5).map((one) => el("div", {}, name(one))).concat(row.mx.length > 5 ? [el("div", { class: "hint" }, many(row.mx.length - 5, "and {n} more", "and {n} more"))] : []) }, { title: t("Valid until"), cell: (row) => [when(row.valid_end), row.max_age > 0 && el("div", { class: "hint" }, t("for up to {time}", { time: agoShort(row.max_age * 1e6) }))] }, { title: t("Confirmed"), cell: (row) => when(row.last_update) }, { title: t("Used"), cell: (row) => when(row.last_use) }], found);
  const root = el("div", { class: "page" }, head(t("Reports"), t("Policies for domains you send to. Mail is only sent to these hosts, and only over TLS.")), tabLinks("mta-sts"), card("", found.length > 0 ? list2 : after === "" ? empty(shieldCheck, t("No policies yet"), t("When you send to a domain with MTA-STS, the policy is saved here to prevent downgrade attacks.")) : el("p", { class: "hint" }, t("End of list.")), { flush: true }), el("div", { class: "pages" }, after !== "" && el("a", { class: "btn line", href: "#reports/mta-sts" }, t("First page")), last !== void 0 && found.length === perPage2 && el("a", { class: "btn line", href: addressOf("reports", ["mta-sts"], { after: last.domain }) }, t("Next page"))));
  return { title: t("MTA-STS policies"), root };
}

function answer(found) {
  switch (found.answer) {
    case "unknown":
      return ["unknown", t("Unknown. There were no reports in the last 30 days.")];
    case "no":
      return ["ok", many(found.passed, "Yes. The only message passes.", "Yes. All {n} messages pass.")];
    case "strangers":
      return ["ok", many(found.strange, "Probably. This would reject {n} message from an IP address that never passes. Check whether it's one of yours.", "Probably. This would reject {n} messages from IP addresses that never pass. Check whether any of them are yours.")];
    case "yes":
      return ["warn", many(found.hurt, "No. {n} failing message came from an IP address that also sends your legitimate mail.", "No. {n} failing messages came from IP addresses that also send your legitimate mail.")];
  }
}

async function sourcesPage(desk) {
  const [totals, places] = await Promise.all([desk.client.reports_summary("dmarc", month), desk.client.report_places()]);
  const only = totals[0];
  if (only !== void 0 && totals.length === 1) return sourcePage(desk, only.domain);
  const list2 = table(t("Domains"), [{ title: t("Domain"), kind: "main", cell: (row) => el("a", { href: addressOf("reports", ["sources", row.domain]) }, name(row.domain)) }, { title: t("Messages"), kind: "num", cell: (row) => count(row.total) }, { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) }], totals);
  return { title: t("Sources"), root: el("div", { class: "page" }, head(t("Reports"), null), tabLinks("sources"), card("", totals.length === 0 ? noReports("dmarc", places) : list2, { flush: true })) };
}
function owner(domain, one) {
  if (one.ip === "") return t("Others");
  const link = el("a", { href: addressOf("reports", ["sources", domain], { ip: one.ip }) }, one.own ? t("This server") : name(one.ip));
  const names = one.names.map((proven, place) => [place > 0 && ", ", name(proven)]);
  return [link, one.own ? el("div", { class: "hint" }, name(one.ip)) : names.length > 0 && el("div", { class: "hint" }, t("verified for"), " ", names)];
}
async function sourcePage(desk, domain) {
  const ip = desk.address.query.get("ip");
  if (ip !== null) return sourceReportsPage(desk, domain, ip);
  const found = await desk.client.dmarc_sources(domain, month);
  const [level, words] = answer(found);
  const list2 = table(t("Sources"), [{ title: t("Source"), kind: "main", cell: (row) => owner(domain, row) }, { title: t("Pass"), kind: "num", cell: (row) => count(row.passed) }, { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) }, { title: t("Status"), cell: (row) => row.failed === 0 ? state("ok", t("passes")) : row.passed > 0 || row.own ? state("warn", t("sometimes passes")) : state("off", t("never passes")) }], found.sources);
  const root = el("div", { class: "page" }, head([t("Sources for"), " ", name(domain)], many(found.reports, "From {n} report in the last {days} days", "From {n} reports in the last {days} days", { days: month })), tabLinks("sources"), notice(level, [el("b", {}, t("Is p=reject safe?")), " ", words, found.policy !== "" && [" ", t("Current policy:"), " ", el("code", {}, "p=", name(found.policy))]]), found.left_out > 0 && notice("wait", many(found.left_out, "{n} report wasn't counted because of the limits on number and size.", "{n} reports weren't counted because of the limits on number and size.")), card("", found.sources.length === 0 ? el("p", { class: "hint" }, t("No sources in reports from the last {n} days.", { n: month })) : list2, { flush: true }));
  return { title: t("Sources for {domain}", { domain }), root };
}
async function sourceReportsPage(desk, domain, ip) {
  const found = await desk.client.dmarc_source_reports(domain, month, ip);
  const list2 = table(t("Reports"), [{ title: t("From"), kind: "main", cell: (row) => el("a", { href: addressOf("reports", ["dmarc", String(row.id)]) }, name(row.organization)) }, { title: t("Period"), cell: (row) => [when(row.begin), " – ", when(row.end)] }, { title: t("Pass"), kind: "num", cell: (row) => count(row.passed) }, { title: t("Failed"), kind: "num", cell: (row) => count(row.failed) }, { title: t("Result"), cell: (row) => row.dispositions.map((one, place) => [place > 0 && ", ", name(one)]) }], found);
  const root = el("div", { class: "page" }, head([t("Reports about"), " ", name(ip)], [t("Mail sent as"), " ", name(domain), " ", t("from this address")], el("a", { class: "btn line", href: addressOf("reports", ["sources", domain]) }, t("All sources"))), tabLinks("sources"), card("", found.length === 0 ? el("p", { class: "hint" }, t("No reports about this address in the last {n} days.", { n: month })) : list2, { flush: true }));
  return { title: t("Reports about {ip}", { ip }), root };
}

var kinds = { dmarc: "dmarc", tls: "tls" };
async function reportsPage(desk) {
  const [first = "", second2 = ""] = desk.address.path;
  if (first === "own") return second2 === "" ? ownPage(desk) : evaluationsPage(desk, second2);
  if (first === "mta-sts") return policiesPage(desk);
  if (first === "sources") return second2 === "" ? sourcesPage(desk) : sourcePage(desk, second2);
  const kind = kinds[first] ?? "dmarc";
  const number = Number(second2);
  if (second2 !== "" && Number.isSafeInteger(number)) return kind === "dmarc" ? dmarcReportPage(desk, number) : tlsReportPage(desk, number);
  return receivedPage(desk, kind);
}
var pages = { reports: reportsPage };
export {
  pages
};
