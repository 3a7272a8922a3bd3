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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
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

var activity = "M22 12h-2.48a2 2 0 0 0-1.93 1.46l-2.35 8.36a.25.25 0 0 1-.48 0L9.24 2.18a.25.25 0 0 0-.48 0l-2.35 8.36A2 2 0 0 1 4.49 12H2";
var ban = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M4.929 4.929 19.07 19.071";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var circleHelp = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M9.09 9a3 3 0 0 1 5.83 1c0 2-3 3-3 3 M12 17h.01";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var inbox = "M22 12 16 12 14 15 10 15 8 12 2 12 M5.45 5.11 2 12v6a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-6l-3.45-6.89A2 2 0 0 0 16.76 4H7.24a2 2 0 0 0-1.79 1.11z";
var keyRound = "M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z M16 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var pause = "M15 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1z M6 3h3a1 1 0 0 1 1 1v16a1 1 0 0 1 -1 1h-3a1 1 0 0 1 -1 -1v-16a1 1 0 0 1 1 -1z";
var play = "M5 5a2 2 0 0 1 3.008-1.728l11.997 6.998a2 2 0 0 1 .003 3.458l-12 7A2 2 0 0 1 5 19z";
var search = "M21 21l-4.34-4.34 M3 11a8 8 0 1 0 16 0a8 8 0 1 0 -16 0z";
var send = "m14.536 21.686a.5.5 0 0 0 .937-.024l6.5-19a.496.496 0 0 0-.635-.635l-19 6.5a.5.5 0 0 0-.024.937l7.93 3.18a2 2 0 0 1 1.112 1.11z M21.854 2.147l-10.94 10.939";
var triangleAlert = "M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3 M12 9v4 M12 17h.01";

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
function foreign(value, most2 = 300) {
  const shown2 = visible(value);
  if (shown2.length <= most2) return el("bdi", {}, shown2);
  const words = el("bdi", {}, `${shown2.slice(0, most2)}…`);
  const more = el("button", { class: "btn text small", type: "button", onclick: () => {
    fill(words, shown2);
    rest.remove();
  } }, t("Show all"));
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}
function brief(value, most2 = 200) {
  const shown2 = visible(value);
  return el("bdi", {}, shown2.length <= most2 ? shown2 : `${shown2.slice(0, most2)}…`);
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

function addressOf(page, path = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const tail = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
  return `#${[page, ...path.map(encodeURIComponent)].join("/")}${tail}`;
}

var tones2 = { error: "danger", warn: "warn" };
function shown(found) {
  return el("ol", { class: "loglines", tabindex: "0", "aria-label": t("Log lines") }, [...found].reverse().map((one) => el("li", {}, one.at > 0 && when(one.at), one.level !== "" && tones2[one.level] !== void 0 && state(tones2[one.level], one.level), el("code", {}, foreign(one.at > 0 ? one.text.replace(/^t=\S+ /, "") : one.text, 600)))));
}

var protocols = { submission: t("sending mail"), imap: "IMAP", webaccount: t("account page"), webmail: t("webmail"), webapi: t("web API"), dav: t("calendars and contacts"), jmap: "JMAP", managesieve: "ManageSieve" };
function protocolName(code) {
  return protocols[code] ?? code;
}

var results = { ok: t("logged in"), badpassword: t("wrong password"), baduser: t("unknown address"), badcreds: t("wrong password or token"), badchanbind: t("other connection"), badprotocol: t("invalid exchange"), badfactor: t("wrong code"), factorneeded: t("code needed"), logindisabled: t("login disabled"), notpermitted: t("not allowed here"), error: t("failed"), aborted: t("canceled") };
var resultOf = (word) => results[word] ?? word;
var protocols2 = { smtp: "SMTP", webadmin: t("admin app"), addresses: t("password managers"), website: t("website") };
var protocolOf = (word) => protocols2[word] ?? protocolName(word);

var decisions = { "no-bad-signals": t("nothing suspicious"), "stray-bounce": t("bounce for a message not sent from here"), "high-rate": t("too much mail from the sender's network"), "own-queue": t("sent by this server"), reporting: t("mail report"), "list-allow": t("verified domain of a rule"), contact: t("verified contact"), msgfromfull: t("earlier mail from this sender"), msgtofull: t("account wrote to this sender before"), msgfromdomain: t("earlier mail from the sender's domain"), msgfromorgdomain: t("earlier mail from the sender's organization"), msgtodomain: t("account wrote to the sender's domain before"), msgtoorgdomain: t("account wrote to the sender's organization before"), dkimspf: t("earlier mail from the same verified domains"), ip1: t("earlier mail from the same server"), ip2: t("earlier mail from the same network"), ip3: t("earlier mail from nearby networks"), "dmarc-policy": t("unverified, and the sender's domain asks to reject it"), "dmarc-quarantine": t("unverified, and the sender's domain asks to quarantine it"), "dmarc-indirect": t("unverified, but probably from a mailing list or forwarder"), "dmarc-temperror": t("couldn't check the sender's domain"), "msg-auth-required": t("address only accepts verified senders"), "spf-policy": t("sending server not allowed by the sender's domain"), iprev: t("sending server without a valid host name"), sieve: t("Sieve script"), "sieve-error": t("Sieve script failed"), "sieve-kept": t("rejected by a Sieve script, but kept"), "sieve-reject": t("rejected by a Sieve script"), vacation: t("vacation reply"), "junk-content": t("junk filter"), "junk-content-strict": t("junk filter unsure, and suspicious otherwise"), "junk-content-unsure": t("junk filter unsure, moved to Junk"), subjectpass: t("requested word in the subject"), "give-subjectpass": t("sender asked to add a word to the subject"), "dns-blocklisted": t("sending server on a block list"), "ambiguous-from": t("more than one sender"), "blocked-sender": t("sender blocked by the account"), "allowed-sender": t("sender allowed by the account"), "ruleset-never-junk": t("kept out of junk by a rule"), "alias-members-only": t("only members can post"), "chosen-senders-only": t("address only accepts chosen senders"), "unknown-user": t("unknown address"), "reputation-error": t("couldn't read earlier mail"), "junk-classify-error": t("couldn't reach the junk filter"), "subjectpass-error": t("couldn't check the subject"), simulated: t("test result"), peer: t("for the domain's previous server") };
var decisionOf = (word) => decisions[word] ?? word;

var most = 500;
var aiming = 4e3;
var kinds = { delivery: [inbox, t("Deliveries"), t("Delivery")], login: [keyRound, t("Logins"), t("Login")], send: [send, t("Sends"), t("Send")] };
var outcomes = { delivered: ["ok", t("delivered")], junk: ["warn", t("junk")], waits: ["wait", t("inactive")], refused: ["danger", t("rejected")], accepted: ["ok", t("logged in")], queued: ["wait", t("queued")], sent: ["ok", t("sent")], later: ["warn", t("retrying later")], failed: ["danger", t("failed")] };
var bad = (one) => ["warn", "danger"].includes(outcomes[one.outcome][0]);
var pages = { live: async (desk) => new Live(desk).page() };
var Live = class {
  constructor(desk) {
    this.desk = desk;
    this.list.setAttribute("aria-label", t("Activity"));
    this.list.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.aim(aiming));
    this.list.addEventListener("pointerleave", () => this.aim(0));
    this.list.addEventListener("focusout", () => setTimeout(() => this.flow()));
    desk.onLeave(() => {
      this.stopping.abort();
      clearTimeout(this.timer);
    });
  }
  desk;
  list = el("ol", { class: "live", tabindex: "0" });
  none = el("div");
  waiting = el("div", { class: "held" });
  status = el("p", { class: "hint below", role: "status" }, t("Connecting…"));
  pauser = button("", () => this.toggle(), { kind: "line" });
  backoff = new Backoff();
  stopping = new AbortController();
  rows = [];
  held = [];
  last = 0;
  missed = 0;
  paused = false;
  over = false;
  timer = 0;
  kind = "";
  troubles = false;
  words = [];
  page() {
    this.drawPauser();
    this.draw();
    void this.follow();
    const root = el("div", { class: "page" }, head(t("Live"), t("Live deliveries, logins, and sends. Subjects and content aren't shown."), this.pauser), this.filter(), card("", [this.waiting, this.list, this.none], { flush: true }), this.status);
    return { title: t("Live"), root };
  }
  filter() {
    const pills = Object.keys(kinds).map((kind) => [kind, kinds[kind][1]]);
    const made = [["", t("All")], ...pills].map(([kind, title]) => {
      const one = el("button", { class: "chip pill", type: "button", "aria-pressed": String(kind === this.kind), onclick: () => choose(kind) }, title);
      return [kind, one];
    });
    const choose = (kind) => {
      this.kind = kind;
      for (const [other, one] of made) one.setAttribute("aria-pressed", String(other === kind));
      this.draw();
    };
    const troubles = el("input", { type: "checkbox" });
    troubles.addEventListener("change", () => {
      this.troubles = troubles.checked;
      this.draw();
    });
    const label = t("Address, account, host, or reason");
    const words = el("input", { type: "search", "aria-label": label, placeholder: label });
    words.addEventListener("input", () => {
      this.words = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.draw();
    });
    return el("div", { class: "filter", role: "group", "aria-label": t("Filter") }, el("div", { class: "pills" }, made.map(([, one]) => one)), el("label", { class: "check" }, troubles, el("span", {}, t("Problems only"))), el("label", { class: "search" }, sign(search), words));
  }
  aim(time) {
    clearTimeout(this.timer);
    this.over = time > 0;
    if (this.over) this.timer = window.setTimeout(() => this.aim(0), time);
    else this.flow();
  }
  toggle() {
    this.paused = !this.paused;
    this.drawPauser();
    this.flow();
  }
  drawPauser() {
    fill(this.pauser, sign(this.paused ? play : pause), this.paused ? t("Continue") : t("Pause"));
  }
  wanted(one) {
    if (this.kind !== "" && one.kind !== this.kind || this.troubles && !bad(one)) return false;
    const kept = [one.who, one.to, one.account, one.remote, one.text, one.message_id];
    const text2 = [...kept, goal(one), reason(one)].join(" ").toLowerCase();
    return this.words.every((word) => text2.includes(word));
  }
  flow() {
    const reads = this.list.querySelector("[aria-expanded=true]") !== null;
    const away = this.list.scrollTop > 0 || this.list.getBoundingClientRect().top < 0;
    const busy = this.over || away || reads || this.list.contains(document.activeElement);
    if (!this.paused && !busy) this.show();
    else this.drawHeld();
  }
  show() {
    for (const happening of this.held) this.rows.push({ happening, root: row(this.desk, happening) });
    this.held = [];
    for (const gone of this.rows.splice(0, Math.max(0, this.rows.length - most))) gone.root.remove();
    this.draw();
  }
  drawHeld() {
    const count = this.held.filter((one) => this.wanted(one)).length;
    fill(this.waiting, count > 0 && button(many(count, "Show {n} new event", "Show {n} new events"), () => {
      this.list.scrollTop = 0;
      this.show();
    }, { kind: "text small" }));
  }
  draw() {
    const found = this.rows.filter((one) => this.wanted(one.happening)).map((one) => one.root);
    for (const root of [...this.list.children]) if (!found.includes(root)) root.remove();
    for (const [index, root] of found.reverse().entries()) if (this.list.children[index] !== root) this.list.insertBefore(root, this.list.children[index] ?? null);
    this.list.hidden = found.length === 0;
    fill(this.none, found.length === 0 && (this.rows.length === 0 ? empty(activity, t("No activity yet"), t("New deliveries, logins, and sends will appear here.")) : empty(activity, t("No matching events"), t("New matching events will appear here."))));
    this.drawHeld();
  }
  async follow() {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let why2 = t("Connection lost. Reconnecting…");
      try {
        const answer = await fetch(`${base()}live?after=${this.last}`, { headers: { "x-moxlite-csrf": this.desk.client.csrfToken }, credentials: "same-origin", signal });
        if (answer.status === 403) await this.desk.client.log_levels();
        else if (answer.status === 503) why2 = t("This page is open in too many windows. Retrying…");
        else if (answer.ok && answer.body !== null) for await (const told2 of events(answer.body)) this.take(told2);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof DOMException) && codeOf(error) === null) throw error;
      }
      if (signal.aborted) return;
      fill(this.status, why2);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, this.backoff.next());
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve(null);
        });
      });
    }
  }
  take(told2) {
    const { found, missed, last } = this.desk.happenings(told2);
    this.backoff.reset();
    this.last = last;
    this.missed += missed;
    this.held.push(...found);
    this.missed += this.held.splice(0, Math.max(0, this.held.length - most)).length;
    fill(this.status, t("Latest {n} events, newest first. For older events, see the log.", { n: most }), this.missed > 0 && ` ${many(this.missed, "Skipped {n} event to keep up.", "Skipped {n} events to keep up.")}`);
    this.flow();
  }
};
var base = () => document.location.pathname.replace(/[^/]*$/, "");
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const one of lines) if (one.startsWith("data: ")) yield JSON.parse(one.slice(6));
  }
}
function clock2(at) {
  const made = when(at);
  made.textContent = formatted(new Date(at / 1e3), "seconds", { timeStyle: "medium" });
  return made;
}
var admin = "(admin)";
var accountOf = (name) => name === "" || name === admin ? null : el("a", { href: addressOf("accounts", [name]) }, brief(name, 64));
var goal = (one) => one.kind === "login" ? protocolOf(one.to) : one.to;
function reason(one) {
  if (one.kind === "login") return resultOf(one.text);
  if (one.kind === "send") return one.text;
  const [word = "", ...reply] = one.text.split(" ");
  return [decisionOf(word), reply.join(" ")].filter(Boolean).join(": ");
}
function row(desk, one) {
  const [icon2, , word] = kinds[one.kind];
  const [level, outcome] = outcomes[one.outcome];
  const arrow = el("span", { class: "muted", "aria-hidden": "true" }, " → ");
  const who = one.who !== "" ? foreign(one.who, 80) : one.account === admin ? t("Administrator") : t("unnamed");
  const main = one.kind === "login" ? [el("b", {}, who), " ", el("span", { class: "two" }, goal(one))] : [el("b", {}, who), arrow, foreign(one.to, 120)];
  const details2 = [one.account !== one.who && accountOf(one.account), one.remote !== "" && foreign(one.remote, 80), one.text !== "" && foreign(reason(one), 160)].filter((part2) => part2 !== false && part2 !== null);
  return el("li", { data: { kind: one.kind } }, sign(icon2), el("span", { class: "sr" }, `${word}: `), clock2(one.at), state(level, outcome), el("div", { class: "grow" }, main, el("div", { class: "hint" }, details2.flatMap((part2, n) => n > 0 ? [" · ", part2] : [part2]))), why(desk, one, t("Why? {what}", { what: `${outcome}, ${one.who}` })));
}
function why(desk, one, label) {
  const place = el("div", { class: "why", hidden: true, "aria-live": "polite" });
  const opener = button(t("Why?"), () => {
    place.hidden = !place.hidden;
    opener.ariaExpanded = String(!place.hidden);
    if (place.childElementCount === 0) void explain(desk, one).then((found) => fill(place, found));
  }, { kind: "text small", name: label });
  opener.ariaExpanded = "false";
  return [opener, place];
}
async function explain(desk, one) {
  const parts = [one.kind === "delivery" && one.message_id !== "" && one.account !== "" && part(t("Message"), () => reasons(desk, one.account, one.message_id)), one.queue_id > 0 && part(t("Queue"), () => queued(desk, one.queue_id)), one.cid !== "" && part(t("Connection log"), () => connection(desk, one.cid))];
  return [pairs([[t("When"), when(one.at)], [t("Account"), accountOf(one.account) ?? "–"], [t("Reason"), one.text === "" ? "–" : foreign(reason(one), 300)]]), await Promise.all(parts.filter((found) => found !== false))];
}
async function part(title, make) {
  let found;
  try {
    found = await make();
  } catch (error) {
    if (codeOf(error) === null) throw error;
    found = el("p", { class: "two" }, messageOf(error));
  }
  return el("section", { "aria-label": title }, el("h2", {}, title), found);
}
async function reasons(desk, account, message) {
  const found = await desk.client.message_why(account, message);
  return found.map((one) => el("div", {}, explained(one)));
}
function explained(one) {
  const where = el("p", {}, t("Message {id}, in {mailbox}", { id: one.message, mailbox: one.mailbox }));
  if (one.why === null) return [where, el("p", { class: "two" }, t("No reasons recorded. The message came from a mail app, an import, or an earlier version."))];
  return [where, ...details(one.why)];
}
function details(why2) {
  const spoken = (good) => good === null ? mark2("unknown", t("neutral")) : good ? mark2("ok", t("positive")) : mark2("warn", t("negative"));
  const proposed = why2.proposals.map((one) => el("li", {}, el("b", {}, decisionOf(one.word)), el("span", { class: "hint" }, ` ${one.word}, ${one.producer}`), [one.reply, ...one.actions].filter(Boolean).map((text2) => el("div", { class: "hint" }, foreign(text2, 200)))));
  return [pairs([[t("Decision"), [el("b", {}, decisionOf(why2.reason)), el("span", { class: "hint" }, ` ${why2.reason}`), why2.reply !== "" && el("div", {}, why2.reply)]], [t("Done"), why2.actions.length === 0 ? "–" : why2.actions.map((text2) => el("div", {}, foreign(text2, 200)))], [t("From"), foreign(why2.sender === "" ? "<>" : why2.sender, 160)], [t("To"), [foreign(why2.recipient, 160), ...why2.via.length > 0 ? [" ", t("via {aliases}", { aliases: why2.via.join(", ") })] : []]], [t("Client"), foreign(`${why2.remote || "–"} ${why2.hello === "" ? "" : `(${why2.hello})`}`, 200)]]), el("h3", {}, t("Evidence")), el("ul", { class: "evidence" }, why2.facts.map((one) => el("li", {}, spoken(one.good), el("b", {}, one.name), " ", foreign(one.value, 160), el("span", { class: "hint" }, ` ${one.strength}, ${one.source}`))), why2.missing.map((name) => el("li", {}, mark2("unknown", t("no response")), el("b", {}, name), " ", t("no response")))), el("h3", {}, t("Suggestions")), proposed.length === 0 ? el("p", { class: "two" }, t("None.")) : el("ul", { class: "evidence" }, proposed), why2.cut && notice("unknown", t("Some details were too long to keep."))];
}
async function queued(desk, id) {
  const [row2] = await desk.client.queue_list({ ids: [id] }, {});
  const tries = row2 === void 0 ? [] : await desk.client.queue_attempts(id);
  if (row2 === void 0) return el("p", { class: "two" }, t("This message is no longer in the queue."), " ", el("a", { href: "#queue/finished" }, t("Finished messages")));
  return [pairs([[t("To"), foreign(row2.recipient, 160)], [t("Waiting"), row2.why === "" ? "–" : foreign(row2.why, 300)], [t("Next step"), row2.next], ...row2.admin !== "" ? [[t("Advice"), row2.admin]] : [], [t("Attempts"), String(tries.length)]]), el("p", {}, el("a", { href: addressOf("queue", [], { recipient: row2.recipient }) }, t("Show in queue")))];
}
async function connection(desk, cid) {
  const found = await desk.client.log_of(cid);
  if (found.lines.length > 0) return shown(found.lines);
  return el("p", { class: "two" }, t("No log lines left in memory. If logs go to the journal, run:"), " ", el("code", {}, `journalctl -u moxlite -g cid=${found.cid}`), found.since > 0 && ` ${t("Log lines in memory since {when}.", { when: moment(found.since) })}`);
}
export {
  pages
};
