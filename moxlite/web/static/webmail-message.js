// lib/words.ts
var grouped;
function t(text2, values = {}) {
  return text2.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === void 0) return whole;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}

// lib/client.ts
var CallFailed = class extends Error {
  constructor(call, code, message, fields = []) {
    super(message);
    this.call = call;
    this.code = code;
    this.fields = fields;
  }
  call;
  code;
  fields;
};
function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
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
var bidiControls = /[\u202a-\u202e\u2066-\u2069]/g;
function isolated(value) {
  return value.replace(bidiControls, (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase()}]`);
}
function mark(value) {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}

// lib/numbers.ts
function size(octets) {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

// lib/sheets.ts
function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

// webmail/ui/format.ts
var minute = 60;
var hour = 60 * minute;
var day = 24 * hour;
var year = 365.25 * day;
var month = year / 12;
var full;
function fullTime(time) {
  return (full ??= new Intl.DateTimeFormat(void 0, { dateStyle: "full", timeStyle: "short" })).format(new Date(time));
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function longAddress(address) {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}
function addressList(addresses, one) {
  return addresses.map(one).join(", ");
}

// webmail/ui/missing.ts
function missing(why, again, preview = "") {
  return el(
    "div",
    { class: "missing", role: "status" },
    el("p", { class: "missing-line" }, why, el("button", { onclick: again }, t("Try again"))),
    preview !== "" && el("p", { class: "missing-preview", dir: "auto" }, isolated(preview))
  );
}

// webmail/ui/subject.ts
function subjectOf(item) {
  return el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)"));
}

// webmail/message/addresses.ts
function asciiDomains(addresses) {
  const ascii2 = (host) => /^[\x00-\x7f]*$/.test(host) || !URL.canParse(`http://${host}`) ? host : new URL(`http://${host}`).hostname;
  if (addresses.every(({ host }) => ascii2(host) === host)) return "";
  return addresses.map((one) => bareAddress({ ...one, host: ascii2(one.host) })).join(", ");
}

// webmail/message/message.css
var message_default = '/* One message: its head, what there is to say of it, its text or page. */\n\n.reader-fields {\n  display: grid;\n  grid-template-columns: max-content minmax(0, 1fr);\n  gap: 2px 12px;\n  margin: 0;\n  font-size: 14px;\n  /* all recipients of a long list leave room for the text */\n  max-height: 45vh;\n  overflow-y: auto;\n}\n\n.reader-fields dt {\n  color: var(--color-mild);\n}\n\n.reader-fields dd {\n  margin: 0;\n  white-space: pre-wrap;\n  overflow-wrap: anywhere;\n}\n\n.reader-note {\n  padding: 0 26px 12px;\n  font-size: 13.5px;\n}\n\n.attachments {\n  display: flex;\n  flex-wrap: wrap;\n  gap: 7px;\n  margin-top: 12px;\n}\n\n.attachment {\n  display: inline-flex;\n  align-items: baseline;\n  gap: 8px;\n  max-width: 100%;\n  padding: 4px 10px;\n  border: 1px solid var(--border-color);\n  border-radius: 8px;\n  background: var(--background-mild);\n  font-size: 13.5px;\n}\n\n.attachment a {\n  overflow: hidden;\n  text-overflow: ellipsis;\n  text-decoration: none;\n  white-space: nowrap;\n}\n\n.attachment a:hover {\n  text-decoration: underline;\n}\n\n.attachment-size {\n  color: var(--color-milder);\n  font-size: 12px;\n  white-space: nowrap;\n}\n\n.reader-bar {\n  display: flex;\n  flex-wrap: wrap;\n  align-items: center;\n  gap: 4px;\n  min-height: 30px;\n  padding: 0 22px 10px;\n  flex: none;\n  border-bottom: 1px solid var(--border-color);\n}\n\n.reader-bar button.mode {\n  padding: 2px 9px;\n  border-color: transparent;\n  background: none;\n  color: var(--color-mild);\n  font-size: 13px;\n}\n\n.reader-bar button.mode[aria-pressed="true"] {\n  background: var(--button-hover-background);\n  color: var(--color);\n}\n\n.hint {\n  padding: 0 8px;\n  color: var(--color-milder);\n  font-size: 13px;\n}\n\n.reader-body {\n  flex: 1;\n  min-height: 0;\n  overflow: auto;\n}\n\n.reader-body.framed {\n  display: flex;\n  flex-direction: column;\n}\n\n.text-part {\n  max-width: 78ch;\n  padding: 22px 26px;\n}\n\n.text-part + .text-part {\n  border-top: 1px solid var(--border-color);\n}\n\n.text {\n  white-space: pre-wrap;\n  /* each line by its own letters: text of both directions comes in one message (WEBMAIL-118) */\n  unicode-bidi: plaintext;\n  text-align: start;\n  overflow-wrap: anywhere;\n  line-height: 1.55;\n}\n\n.elsewhere {\n  margin: 0 4px;\n  padding: 0 5px;\n  border-radius: 4px;\n  background: var(--warning-background);\n  font-size: 12.5px;\n}\n\n.quoted1 {\n  color: var(--quoted1);\n}\n\n.quoted2 {\n  color: var(--quoted2);\n}\n\n.quoted3 {\n  color: var(--quoted3);\n}\n\n.html {\n  flex: 1;\n  width: 100%;\n  min-height: 200px;\n  border: 0;\n  /* mail assumes paper */\n  background: #ffffff;\n  color-scheme: light;\n}\n\n.headers {\n  margin: 14px 26px;\n  border-collapse: collapse;\n  font: 12.5px/1.5 var(--mono);\n}\n\n.headers th {\n  padding-right: 14px;\n  text-align: right;\n  vertical-align: top;\n  white-space: nowrap;\n  font-weight: 400;\n  color: var(--color-mild);\n}\n\n.headers td {\n  overflow-wrap: anywhere;\n}\n\n.reader-message {\n  display: flex;\n  flex-direction: column;\n  flex: 1;\n  min-height: 0;\n}\n\n.card .reader-bar {\n  padding: 0 10px 8px;\n}\n\n.card .text-part {\n  padding: 14px;\n}\n\n.card .reader-body {\n  overflow: visible;\n}\n\n.card .html {\n  flex: none;\n}\n\n.quote {\n  margin: 6px 0;\n}\n\n.quote > summary {\n  width: max-content;\n  padding: 1px 9px;\n  border-radius: 9px;\n  background: var(--button-hover-background);\n  color: var(--color-mild);\n  font-size: 12.5px;\n  cursor: pointer;\n  list-style: none;\n}\n\n.quote[open] > summary {\n  margin-bottom: 4px;\n}\n\n.validation {\n  text-decoration: underline 2px;\n  text-underline-offset: 3px;\n}\n\n.validation.green {\n  text-decoration-color: var(--underline-green);\n}\n\n.validation.blue {\n  text-decoration-color: var(--underline-blue);\n}\n\n.validation.red {\n  text-decoration-color: var(--underline-red);\n}\n\n.sender-menu {\n  margin-left: 6px;\n  padding: 0 6px;\n}\n\n.attachment-all {\n  align-self: center;\n  font-size: 13px;\n}\n\n.shown-image {\n  display: block;\n  max-width: calc(100% - 52px);\n  max-height: 70vh;\n  margin: 8px 26px;\n  border-radius: 6px;\n}\n\n.text.signature {\n  color: var(--color-mild);\n}\n\n@media (max-width: 860px) {\n  .reader-bar {\n    padding: 0 10px 8px;\n  }\n\n  .text-part {\n    padding: 16px;\n  }\n}\n\n/* on paper there is the message alone */\n@media print {\n  .side,\n  .middle,\n  .splitter,\n  .toolbar,\n  .reader-bar,\n  .sender-menu,\n  .composers,\n  .toasts {\n    display: none;\n  }\n\n  .app,\n  .reader,\n  .reader-message,\n  .reader-body {\n    display: block;\n    height: auto;\n    overflow: visible;\n  }\n}\n\n/* words at the bottom stand above the bar */\n@media (max-width: 860px) {\n  .show-message .toasts {\n    bottom: 70px;\n  }\n}\n\n.spacer {\n  flex: 1;\n}\n';

// webmail/ui/marks.ts
function marked(text2, needles) {
  const wanted = needles.filter((needle) => needle.length > 1 || text2.length < 200);
  if (wanted.length === 0) return [text2];
  const pattern = new RegExp(wanted.map((needle) => needle.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const pieces = [];
  let end = 0;
  for (const match of text2.matchAll(pattern)) {
    if (match[0] === "") continue;
    pieces.push(text2.slice(end, match.index), el("mark", { class: "hit" }, match[0]));
    end = match.index + match[0].length;
  }
  pieces.push(text2.slice(end));
  return pieces;
}

// webmail/message/page.ts
var most = 2e4;
function markIn(page, needles) {
  if (needles.length === 0) return;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let n = 0; n < most && walker.nextNode(); n++) found.push(walker.currentNode);
  for (const node of found) {
    const pieces = marked(node.data, needles);
    if (pieces.length > 1) node.replaceWith(...pieces.map((piece) => piece instanceof Node ? page.adoptNode(piece) : String(piece)));
  }
}

// webmail/data/links.ts
var start = /\b(?:https?:\/\/|mailto:)[^\s<>"“”]+/g;
var trailing = new Set(".,;:!?'»”*_");
function linkPieces(line) {
  const pieces = [];
  let end = 0;
  for (const match of line.matchAll(start)) {
    const url = withoutTrailing(match[0]);
    pieces.push(line.slice(end, match.index), { url, elsewhere: elsewhere(url) });
    end = match.index + url.length;
  }
  pieces.push(line.slice(end));
  return pieces;
}
function withoutTrailing(url) {
  let closing = 0;
  for (const char of url) closing += char === ")" ? 1 : char === "(" ? -1 : 0;
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1];
    if (last === ")" && closing > 0) closing--;
    else if (!trailing.has(last)) break;
  }
  return url.slice(0, end);
}
function elsewhere(url) {
  if (!/^https?:/i.test(url)) return "";
  const authority = /^[^/\\?#]*/.exec(url.slice(url.indexOf("//") + 2))[0];
  if (!authority.includes("@")) return "";
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}

// webmail/message/text.ts
function linked(line) {
  return linkPieces(line).map((piece) => {
    if (typeof piece === "string") return piece;
    const link = el("a", { href: piece.url, target: "_blank", rel: "noopener noreferrer" }, piece.url);
    const note = t("This link leads to {host}, not to where its text says", { host: piece.elsewhere });
    return piece.elsewhere === "" ? link : [link, el("b", { class: "elsewhere", title: note }, `→ ${piece.elsewhere}`)];
  });
}
function quoteLevel(line) {
  let level = 0;
  for (let at = 0; line[at] === ">"; at += line[at + 1] === " " ? 2 : 1) level++;
  return level;
}
var foldedFrom = 7;
function readableText(value, needles) {
  const blocks = [];
  let level = -1;
  let signed = false;
  let lines = [];
  const flush = () => {
    const kind = level > 0 ? `text quoted quoted${(level - 1) % 3 + 1}` : signed ? "text signature" : "text";
    if (level >= 0) blocks.push({ quoted: level > 0, lines: lines.length / 2, node: el("div", { class: kind }, lines) });
    lines = [];
  };
  for (const line of value.replace(/\r\n?/g, "\n").split("\n")) {
    const own = quoteLevel(line);
    const signs = line === "-- ";
    if (own !== level || signs && !signed) {
      flush();
      level = own;
      signed = signs || signed && own === 0;
    }
    lines.push(linked(line).map((piece) => typeof piece === "string" ? marked(piece, needles) : piece), "\n");
  }
  flush();
  return blocks.some((block) => !block.quoted && block.node.textContent.trim() !== "") ? foldQuotes(blocks) : blocks.map(({ node }) => node);
}
function foldQuotes(blocks) {
  const found = [];
  for (let i = 0; i < blocks.length; i++) {
    const end = blocks.findIndex((block, at) => at >= i && !block.quoted);
    const run = blocks.slice(i, end < 0 ? void 0 : end);
    const count = run.reduce((sum, block) => sum + block.lines, 0);
    if (count < foldedFrom || run.some(({ node }) => node.querySelector(".hit") !== null)) {
      found.push(...run.map(({ node }) => node), ...end < 0 ? [] : [blocks[end].node]);
    } else {
      const summary = el("summary", {}, t("Quoted text: {n} lines", { n: count }));
      found.push(el("details", { class: "quote" }, summary, run.map(({ node }) => node)), ...end < 0 ? [] : [blocks[end].node]);
    }
    if (end < 0) break;
    i = end;
  }
  return found;
}

// webmail/message/part.ts
adopt(message_default);
var firstAttachments = 4;
var firstAddresses = 6;
var mostInRow = 50;
var highest = 2e4;
var mostImages = 20;
var largestImage = 10 * 1024 * 1024;
var validations = {
  strict: ["green", t("The message comes from this domain: SPF or DKIM says so")],
  dmarc: ["green", t("The message comes from this domain: DMARC says so")],
  relaxed: ["green", t("The message comes from a domain of the same owner: SPF or DKIM says so")],
  list: ["blue", t("The message came by a list or a forward that your rules trust; its author is not proven")],
  none: ["red", t("Nothing proves that the message comes from this domain")]
};
function isImage(attachment) {
  return attachment.content_type.startsWith("image/") && !attachment.content_type.startsWith("image/svg");
}
var remembered = Promise.resolve();
var Message = class {
  constructor(item, base, owner, whole) {
    this.item = item;
    this.base = base;
    this.owner = owner;
    this.whole = whole;
    const place = el("div", { class: "reader-note", hidden: true });
    this.menu.addEventListener("click", () => this.owner.senderMenu(this.item, this.menu));
    fill(this.root, this.heading(item), place, this.bar, this.body);
    this.owner.opened(item, place);
  }
  item;
  base;
  owner;
  whole;
  root = el("div", { class: "reader-message" });
  parsed = null;
  mode = "text";
  allHeaders = false;
  body = el("div", { class: "reader-body" });
  bar = el("div", { class: "reader-bar" });
  people = el("span", { dir: "auto" });
  menu = el("button", { class: "link sender-menu", "aria-haspopup": "menu", title: t("What to do about this sender"), "aria-label": t("What to do about this sender") }, "⋯");
  sender = el("dd", {}, this.people, this.menu);
  async show() {
    await remembered;
    let parsed;
    try {
      parsed = await this.owner.open(this.item.id);
    } catch (error) {
      if (codeOf(error) === null) throw error;
      this.missing(error);
      return;
    }
    this.parsed = parsed;
    this.mode = this.first(parsed);
    this.drawSender(validations[parsed.validation]);
    this.draw();
  }
  missing(error) {
    let asked = false;
    const again = () => {
      if (asked || !this.root.isConnected) return;
      asked = true;
      void this.show();
    };
    this.body.classList.remove("framed");
    fill(this.body, missing(t("This message could not be loaded: {why}", { why: error.message }), again, this.item.preview));
    if (codeOf(error) === "") this.owner.reached(again);
  }
  first(parsed) {
    if (!parsed.has_html) return "text";
    const { view_mode: remembered2 } = parsed;
    if (remembered2 !== "" && (remembered2 !== "text" || parsed.texts.length > 0)) return remembered2 === "html_ext" ? "htmlexternal" : remembered2;
    return parsed.texts.length === 0 || this.owner.settings().show_html ? "html" : "text";
  }
  choose(mode) {
    if (this.parsed === null || this.mode === mode) return;
    this.mode = mode;
    if (this.parsed.has_html) this.keep(mode === "htmlexternal" ? "html_ext" : mode);
    this.draw();
  }
  keep(view) {
    const { parsed, item } = this;
    const [sender, ...others] = item.from;
    if (parsed === null || sender === void 0 || others.length > 0) return;
    this.parsed = { ...parsed, view_mode: view };
    this.owner.chosen(this.parsed);
    remembered = remembered.then(() => this.owner.remember(bareAddress(sender), view));
  }
  showText() {
    this.choose("text");
  }
  showHTML() {
    if (this.parsed?.has_html) this.choose(this.mode === "html" ? "htmlexternal" : "html");
  }
  toggleHeaders() {
    this.allHeaders = !this.allHeaders;
    this.draw();
  }
  openRaw() {
    window.open(`${this.base}msg/${this.item.id}/raw`, "_blank", "noopener");
  }
  openTab() {
    window.open(`${this.base}msg/${this.item.id}/msg${this.mode}`, "_blank", "noopener");
  }
  openAttachments() {
    const [first] = this.item.attachments;
    if (first !== void 0) this.owner.look(this.item, first.path);
  }
  openDetails() {
    if (this.parsed !== null) this.owner.details(this.item, this.parsed);
  }
  scroll(screens) {
    const by = Number.isFinite(screens) ? screens * this.body.clientHeight : Math.sign(screens) * this.body.scrollHeight;
    this.body.scrollBy({ top: by });
  }
  heading(item) {
    const people = (label, name, all) => all.length > 0 && [el("dt", {}, label), this.addressees(name, all)];
    this.drawSender();
    return el(
      "header",
      { class: "reader-head" },
      !this.whole && subjectOf(item),
      el(
        "dl",
        { class: "reader-fields" },
        item.from.length > 0 && [el("dt", {}, t("From")), this.sender],
        people(t("Reply to"), "reply-to", item.reply_to),
        people(t("To"), "to", item.to),
        people(t("Cc"), "cc", item.cc),
        people(t("Bcc"), "bcc", item.bcc),
        el("dt", {}, t("Date")),
        el("dd", {}, fullTime(item.date ?? item.received))
      ),
      this.attachments(item.attachments)
    );
  }
  addressees(field, all) {
    const place = el("dd");
    const draw = (count) => {
      const whole = count < mostInRow ? "" : (this.parsed?.headers ?? []).filter(({ name }) => name.toLowerCase() === field).map(({ value }) => value).join(", ");
      const left = all.length - count;
      const text2 = whole || addressList(all.slice(0, count), longAddress);
      place.title = asciiDomains(all.slice(0, count));
      fill(
        place,
        el("span", { dir: "auto" }, isolated(text2)),
        left > 0 && [" ", el("button", { class: "link", onclick: () => draw(all.length) }, t("and {n} more", { n: left }))]
      );
    };
    draw(all.length > firstAddresses + 1 ? firstAddresses : all.length);
    return place;
  }
  drawSender([colour, why] = []) {
    const { from } = this.item;
    const one = (address) => {
      const whole = isolated(longAddress(address));
      const at = whole.lastIndexOf(address.host);
      if (colour === void 0 || address.host === "" || at < 0) return whole;
      return [whole.slice(0, at), el("span", { class: `validation ${colour}`, title: why }, address.host), whole.slice(at + address.host.length)];
    };
    this.sender.title = asciiDomains(from);
    fill(this.people, from.map((address, i) => [i > 0 && ", ", one(address)]));
  }
  attachments(all) {
    if (all.length === 0) return null;
    const list = el("div", { class: "attachments" });
    const one = (attachment) => el(
      "span",
      { class: "attachment", title: attachment.content_type },
      this.looking(attachment, attachment.filename),
      el("span", { class: "attachment-size" }, size(attachment.size)),
      el("a", { class: "attachment-get", href: this.part("download", attachment.path), title: t("Download {name}", { name: attachment.filename }), "aria-label": t("Download") }, "↓")
    );
    const draw = (count) => fill(
      list,
      all.slice(0, count).map(one),
      all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count })),
      all.length > 1 && el("a", { class: "attachment-all", href: `${this.base}msg/${this.item.id}/attachments.zip` }, t("All as a zip file"))
    );
    draw(firstAttachments);
    return list;
  }
  looking(attachment, ...content) {
    const link = el("a", { href: this.part("view", attachment.path), target: "_blank", rel: "noopener" }, content);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.owner.look(this.item, attachment.path);
    });
    return link;
  }
  part(kind, path) {
    return `${this.base}msg/${this.item.id}/${kind}/${path}`;
  }
  draw() {
    const { parsed, item } = this;
    if (parsed === null) return;
    const modes = [
      ["text", t("Text"), parsed.texts.length > 0],
      ["html", t("HTML"), parsed.has_html],
      ["htmlexternal", t("HTML with external resources"), parsed.has_html]
    ];
    const inline = parsed.texts.map((part) => /^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----/m.exec(part.text)?.[1]).find((kind) => kind !== void 0);
    fill(
      this.bar,
      modes.filter(([, , possible]) => possible).map(
        ([mode, label]) => el(
          "button",
          {
            class: "mode",
            "aria-pressed": String(this.mode === mode),
            onclick: () => this.choose(mode)
          },
          label
        )
      ),
      parsed.view_mode !== "" && el("button", { class: "mode", title: t("Messages of this sender are shown like this"), onclick: () => (this.keep(""), this.draw()) }, t("Forget for this sender")),
      el("span", { class: "spacer" }),
      (item.is_signed || inline === "SIGNED MESSAGE") && el("span", { class: "hint", title: t("The server does not verify signatures") }, t("signed")),
      (item.is_encrypted || inline === "MESSAGE") && el("span", { class: "hint", title: t("The server cannot decrypt this") }, t("encrypted")),
      parsed.texts.length === 0 && parsed.has_html && el("span", { class: "hint" }, t("HTML-only message")),
      el("button", { class: "mode", "aria-pressed": String(this.allHeaders), onclick: () => this.toggleHeaders() }, t("Headers")),
      el("button", { class: "mode", onclick: () => this.openDetails() }, t("Details")),
      el("button", { class: "mode", onclick: () => this.openRaw() }, t("Raw"))
    );
    const wanted = new Set(this.owner.settings().show_headers.map((name) => name.toLowerCase()));
    const headers = this.allHeaders ? parsed.headers : parsed.headers.filter((header) => wanted.has(header.name.toLowerCase()));
    fill(this.body, headers.length > 0 && this.headers(headers), this.mode === "text" ? this.texts(parsed) : this.frame());
    this.body.classList.toggle("framed", this.mode !== "text");
  }
  headers(headers) {
    return el(
      "table",
      { class: "headers" },
      headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value)))
    );
  }
  texts(parsed) {
    const images = this.item.attachments.filter((one) => isImage(one) && one.size <= largestImage).slice(0, mostImages).map((one) => this.looking(one, el("img", { class: "shown-image", src: this.part("view", one.path), alt: one.filename, loading: "lazy" })));
    if (parsed.texts.length === 0) return [el("p", { class: "hint" }, t("No textual content")), images];
    return [...parsed.texts.map(
      (part) => el("article", { class: "text-part" }, readableText(part.text, this.owner.needles()), part.truncated && el("p", { class: "hint" }, t("The rest of this text is not shown.")))
    ), images];
  }
  frame() {
    const kind = this.mode === "htmlexternal" ? "htmlexternal" : "html";
    const frame = el("iframe", {
      class: "html",
      title: t("Message"),
      sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
      referrerpolicy: "no-referrer",
      src: `${this.base}msg/${this.item.id}/${kind}?sameorigin=true`
    });
    let [known, loaded] = [null, false];
    const take = () => {
      const page = frame.contentDocument;
      if (page === null || page === known || page.URL === "about:blank") return;
      known = page;
      this.owner.framed(page);
    };
    const watch = () => {
      take();
      if (frame.isConnected && !loaded) requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
    frame.addEventListener("load", () => {
      const page = frame.contentDocument;
      loaded = true;
      if (page === null) {
        if (!frame.isConnected) return;
        this.missing(new CallFailed("html", "", t("The server cannot be reached.")));
        return;
      }
      take();
      markIn(page, this.owner.needles());
      const bar = (page.defaultView?.innerHeight ?? 0) - page.documentElement.clientHeight;
      if (this.whole) frame.style.height = `${Math.min(highest, page.documentElement.scrollHeight + bar)}px`;
    });
    return frame;
  }
};
export {
  Message
};
