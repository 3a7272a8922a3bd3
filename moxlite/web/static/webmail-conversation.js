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

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

function isUnread(item) {
  return !item.flags.includes("\\seen");
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
function daysBetween(time, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}
var clockTime = (date) => formatted(date, "time", { hour: "numeric", minute: "2-digit" });
function shortTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0) return clockTime(date);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function shortAddress(address) {
  return address.name.trim() || bareAddress(address);
}
function addressList(addresses, one) {
  return addresses.map(one).join(", ");
}

var conversation_default = ".conversation{flex:1;min-height:0;padding:0 18px 24px;overflow-y:auto}.card{margin-bottom:8px;border:1px solid var(--border-color);border-radius:10px;overflow:hidden}.card-head{display:flex;align-items:baseline;gap:10px;width:100%;padding:10px 14px;border:0;border-radius:0;background:none;text-align:left}.card-from{flex:none;max-width:45%;overflow:hidden;text-overflow:ellipsis;white-space:pre}.card.unread .card-from{font-weight:650}.card-preview{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--color-mild);font-size:13.5px}.card.beside:not(.open){background:var(--background-mild)}.card .reader-head{padding:10px 14px}@media(max-width:860px){.conversation{padding:0 8px 16px}.card-head{min-height:44px}}\n";

adopt(conversation_default);
var openedAtOnce = 5;
var Conversation = class {
  constructor(column, make, failed, isOwn) {
    this.column = column;
    this.make = make;
    this.failed = failed;
    this.isOwn = isOwn;
  }
  column;
  make;
  failed;
  isOwn;
  current = null;
  cards = /* @__PURE__ */ new Map();
  get members() {
    return [...this.cards.values()].map((card) => card.item);
  }
  shows(id) {
    return this.cards.get(id)?.message != null;
  }
  has(id) {
    return this.cards.has(id);
  }
  update(members, wanted) {
    const ordered = [...members].sort((a, b) => a.received < b.received ? -1 : a.received > b.received ? 1 : a.id - b.id);
    const begins = this.cards.size === 0;
    for (const item of ordered) {
      const card = this.cards.get(item.id);
      if (card === void 0) {
        const made = this.card(item);
        this.cards.set(item.id, made);
        this.column.append(made.root);
      } else if (card.item !== item) {
        card.item = item;
        if (card.message !== null) card.message.item = item;
        card.draw();
      }
    }
    const present = new Set(members.map((item) => item.id));
    for (const [id, card] of this.cards) {
      if (present.has(id)) continue;
      if (card.message !== null) this.toggle(card);
      card.root.remove();
      this.cards.delete(id);
    }
    if (begins) this.begin(ordered, wanted);
  }
  scroll(screens) {
    const { column } = this;
    column.scrollBy({ top: Number.isFinite(screens) ? screens * column.clientHeight : Math.sign(screens) * column.scrollHeight });
  }
  begin(ordered, wanted) {
    const open = ordered.filter((item) => isUnread(item) || item.id === wanted).slice(-openedAtOnce);
    for (const item of open) this.toggle(this.cards.get(item.id));
    const first = this.cards.get(open[0]?.id ?? 0)?.root;
    if (first !== void 0) requestAnimationFrame(() => this.column.scrollTop = first.offsetTop - this.column.offsetTop);
  }
  card(item) {
    const head = el("button", { class: "card-head", "aria-expanded": "false" });
    const root = el("article", { class: "card" }, head);
    const card = { root, item, message: null, draw: () => {
      const { item: item2 } = card;
      root.classList.toggle("unread", isUnread(item2));
      root.classList.toggle("beside", !item2.match_query);
      root.classList.toggle("open", card.message !== null);
      head.hidden = card.message !== null;
      fill(head, el("span", { class: "card-from", dir: "auto" }, isolated(addressList(item2.from, (one) => this.isOwn(one) ? t("me") : shortAddress(one))) || t("(no address)")), el("span", { class: "card-preview", dir: "auto" }, isolated(item2.preview)), el("time", { class: "message-age", datetime: item2.received, title: fullTime(item2.received) }, shortTime(item2.received, Date.now())));
    } };
    head.addEventListener("click", () => {
      this.toggle(card);
      root.querySelector(".author-name")?.focus();
    });
    card.draw();
    return card;
  }
  toggle(card) {
    if (card.message === null) {
      const fold = () => {
        this.toggle(card);
        card.root.querySelector(".card-head")?.focus();
      };
      this.current = card.message = this.make(card.item, fold);
      card.root.append(card.message.root);
      card.message.show().catch((error) => this.failed(error));
    } else {
      card.message.root.remove();
      card.message = null;
      this.current = [...this.cards.values()].filter((other) => other.message !== null).at(-1)?.message ?? null;
    }
    card.draw();
  }
};
export {
  Conversation
};
