function initials(name) {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [...words[0]][0] + [...words[words.length - 1]][0] : [...words[0] ?? "?"].slice(0, 2).join("");
  return letters.toUpperCase();
}
function hue(key) {
  let hash = 0;
  for (const sign2 of key) hash = hash * 31 + sign2.codePointAt(0) >>> 0;
  return hash % 8 + 1;
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
  const line = document.createElementNS(namespace, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
function sign(path, name = "i") {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

var chevronsUpDown = "M7 15l5 5 5-5 M7 9l5-5 5 5";

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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var mostMembers = 500;
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
function fullTime(time) {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}
function spokenDay(time) {
  const date = new Date(time);
  if (date.getFullYear() === (/* @__PURE__ */ new Date()).getFullYear()) return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}
function saidTime(time, now) {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}
function capital(text2) {
  return text2.slice(0, 1).toLocaleUpperCase(locale()) + text2.slice(1);
}
function loneTime(time, now) {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}
function bareAddress(address) {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}
function shortAddress(address) {
  return address.name.trim() || bareAddress(address);
}
function firstName(address) {
  const name = shortAddress(address);
  return /^[^\s,]+, *([^\s,]+)/.exec(name)?.[1] ?? name.split(/[\s,]/, 1)[0];
}
function senders(people, own) {
  const first = people.map(firstName);
  const name = (one, at) => people.length > 1 && first.indexOf(first[at]) === first.lastIndexOf(first[at]) ? first[at] : shortAddress(one);
  return people.map((one, at) => own(one) ? meant("sender", "me") : name(one, at)).join(", ");
}

var conversation_default = ".conversation{flex:1;min-height:0;padding:0 26px 24px;overflow-y:auto}.closed{border:1px solid var(--border-color);border-bottom-width:0;overflow:hidden}.closed:not(.closed+.closed){border-radius:12px 12px 0 0}.closed:not(:has(+.closed)){border-bottom-width:1px;border-end-start-radius:12px;border-end-end-radius:12px}.card.open{padding:12px 0}.card.open:first-child{padding-top:0}.card.open+.card.open{border-top:1px solid var(--border-color)}.card-head{display:flex;align-items:center;gap:10px;width:100%;min-height:38px;padding:5px 14px;border:0;border-radius:0;background:none;text-align:start}.card-head.older{border:1px solid var(--border-color);border-bottom-width:0;border-radius:12px 12px 0 0}.older .i{color:var(--color-mild)}.older b{font-weight:600}.card-disc{width:24px;height:24px;font-size:10px}.older .card-disc+.card-disc{margin-inline-start:-14px}.card-from{flex:none;max-width:45%;overflow:hidden;text-overflow:ellipsis;white-space:pre}.card.unread .card-from{font-weight:600}.card-preview{flex:1;min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;color:var(--color-mild);font-size:13.5px}.card.beside:not(.open){background:var(--background-mild)}.card .reader-head{padding:10px 0}@media(max-width:700px){.conversation{padding:0 16px 16px}.card-head{min-height:44px}}\n";

adopt(conversation_default);
var openedAtOnce = 5;
var [lines, fewest] = [3, 3];
var names = 4;
function disc(person) {
  const kind = `disc card-disc c${hue(bareAddress(person).toLowerCase())}`;
  return el("span", { class: kind, "aria-hidden": "true" }, initials(isolated(shortAddress(person))));
}
var isDraft = ({ flags }) => flags.includes("\\draft");
var Conversation = class {
  constructor(column, make, failed, isOwn, answer, edit) {
    this.column = column;
    this.make = make;
    this.failed = failed;
    this.isOwn = isOwn;
    this.answer = answer;
    this.edit = edit;
  }
  column;
  make;
  failed;
  isOwn;
  answer;
  edit;
  current = null;
  foot = el("div", { class: "reader-after" });
  answered = null;
  cards = /* @__PURE__ */ new Map();
  first = [];
  get members() {
    return [...this.cards.values()].map((card) => card.item);
  }
  shows(id) {
    return this.cards.get(id)?.message != null;
  }
  passed() {
    const unread = [...this.cards.values()].filter(({ item }) => isUnread(item));
    return unread.some(({ message }) => message !== null) ? [] : unread.map(({ item }) => item).filter(({ id }) => this.first.includes(id));
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
    if (begins) {
      this.first = [...this.cards.keys()];
      this.begin(ordered, wanted);
    }
    this.drawFoot();
  }
  drawFoot() {
    const { current, foot, column } = this;
    if (this.answered !== current) fill(foot, current !== null && this.answer(current.item));
    this.answered = current;
    if (column.lastElementChild !== foot) column.append(foot);
  }
  scroll(screens) {
    const { column } = this;
    column.scrollBy({ top: Number.isFinite(screens) ? screens * column.clientHeight : Math.sign(screens) * column.scrollHeight });
  }
  begin(ordered, wanted) {
    const open = ordered.filter((item) => isUnread(item) || item.id === wanted).slice(-openedAtOnce);
    for (const item of open) this.toggle(this.cards.get(item.id));
    const first = this.cards.get(open[0]?.id ?? 0)?.root;
    if (first === void 0) return;
    const older = ordered.slice(0, Math.max(0, ordered.indexOf(open[0]) - lines));
    if (older.length >= fewest) this.hide(older);
    if (ordered.length === mostMembers) {
      const words = t("Showing the newest {n} messages. To see all of them, turn off conversations in the list.", { n: mostMembers });
      this.column.prepend(el("p", { class: "hint" }, words));
    }
    this.keepInSight(first, open.map((item) => this.cards.get(item.id).root));
  }
  keepInSight(first, open) {
    const { column } = this;
    const sizes = new ResizeObserver(() => column.scrollTop = first.offsetTop - column.offsetTop);
    for (const one of open) sizes.observe(one);
    for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) column.addEventListener(kind, () => sizes.disconnect(), { once: true, passive: true });
  }
  hide(older) {
    const cards = older.map((item) => this.cards.get(item.id));
    const people = new Map(older.flatMap((item) => item.from.map((one) => [bareAddress(one), this.isOwn(one) ? meant("sender", "me") : firstName(one)])));
    const line = el("button", { class: "closed card-head older", "aria-expanded": "false" }, [...new Map(older.flatMap(({ from }) => from.map((one) => [bareAddress(one), one]))).values()].slice(-lines).map(disc), el("b", {}, many(older.length, "{n} older message", "{n} older messages")), el("span", { class: "card-preview", dir: "auto" }, t("since {date}, from {people}", { date: spokenDay(older[0].received), people: `${isolated([...people.values()].slice(0, names).join(", "))}${people.size > names ? " …" : ""}` })), sign(chevronsUpDown, "i s"));
    for (const card of cards) card.root.hidden = true;
    line.addEventListener("click", () => {
      for (const card of cards) card.root.hidden = false;
      line.remove();
      cards[0].root.querySelector(".card-head")?.focus();
    });
    this.column.prepend(line);
  }
  card(item) {
    const senderNames = senders(item.from, this.isOwn);
    const own = item.from.slice(0, 1).some(this.isOwn);
    const head = el("button", { class: "card-head", "aria-expanded": "false" }, item.from.slice(0, 1).map(disc), el("span", { class: "card-from", dir: "auto" }, isolated(own ? capital(senderNames) : senderNames) || t("(no address)")), isDraft(item) && el("span", { class: "mark word" }, t("Draft")), el("span", { class: "card-preview", dir: "auto" }, isolated(item.preview)), el("time", { class: "message-age", datetime: item.received, title: fullTime(item.received) }, loneTime(item.received, Date.now())));
    const root = el("article", { class: "card" }, head);
    const card = { root, item, message: null, draw: () => {
      const { item: item2 } = card;
      root.classList.toggle("unread", isUnread(item2));
      root.classList.toggle("beside", !item2.match_query);
      root.classList.toggle("open", card.message !== null);
      root.classList.toggle("closed", card.message === null);
      head.hidden = card.message !== null;
    } };
    head.addEventListener("click", () => {
      this.toggle(card);
      this.drawFoot();
      root.querySelector(".author-name")?.focus();
      if (isDraft(card.item)) this.edit();
    });
    card.draw();
    return card;
  }
  toggle(card) {
    if (card.message === null) {
      const fold = () => {
        this.toggle(card);
        this.drawFoot();
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
