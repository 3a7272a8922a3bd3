function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var recipients_default = ".chip-box{position:relative;display:flex;flex-wrap:wrap;gap:4px;grid-column:2 / -1;cursor:text;max-height:110px;overflow-y:auto}.chip-box:has(.completions:not([hidden])){overflow:visible}.chips{display:contents}.chips .chip{display:inline-flex;align-items:center;max-width:100%;padding-block:0;padding-inline:9px 2px;border-radius:13px;background:var(--mailbox-active-background);font-size:13px;line-height:26px}.chips .chip.bad{outline:1.5px solid var(--danger)}.chip-name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.bars:not([hidden]){display:grid;grid-auto-flow:column;gap:2px;width:30px;margin-inline-start:7px}.bars i{height:4px;border-radius:2px;background:color-mix(in srgb,currentColor 18%,transparent)}.bars .yes{background:var(--underline-green)}.bars .no{background:var(--underline-red)}.bars .error{background:var(--underline-grey)}.chip-remove,.file-remove{display:grid;place-items:center;min-width:24px;min-height:24px;padding:0;border:0;background:none;color:var(--color-mild)}.chip-input{flex:1;min-width:110px;min-height:28px;padding:0 6px;border:0;border-radius:6px;outline-offset:-2px;background:none;color:var(--color);font:inherit}@supports (field-sizing: content){.chip-input{flex:1 0 auto;min-width:40px;max-width:100%;field-sizing:content}}.field-hint{grid-column:2 / -1;color:var(--danger);font-size:13px}.field-hint:empty{display:none}.completions{position:absolute;inset:100% 0 auto;z-index:1;max-height:260px;overflow-y:auto;background:var(--popup-background);border:1px solid var(--border-color);border-radius:8px;box-shadow:var(--shadow)}.completion{display:flex;flex-wrap:wrap;gap:0 8px;padding:6px 10px;overflow-wrap:anywhere;cursor:pointer}.completion[aria-selected=true]{background:var(--mailbox-active-background)}.completion-address{color:var(--color-mild)}@media(max-width:700px){.chip-input{min-width:24px;font-size:16px}.chip-box{position:static}.completions{inset:100% 8px auto}}\n";

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

var x = "M18 6 6 18 M6 6l12 12";

function parseParties(text2) {
  const pieces = [];
  let piece = "";
  let quoted = false;
  let inside = false;
  for (const char of text2) {
    if (char === '"') quoted = !quoted;
    else if (char === "<" && !quoted) inside = true;
    else if (char === ">" && !quoted) inside = false;
    if (!quoted && !inside && (char === "," || char === ";" || char === "\n")) {
      pieces.push(piece);
      piece = "";
    } else piece += char;
  }
  pieces.push(piece);
  return pieces.map((one) => one.trim()).filter((one) => one !== "").map(parseParty);
}
function parseParty(text2) {
  const match = /^(.*)<([^<>]*)>$/s.exec(text2);
  if (match === null) return { name: "", address: text2 };
  const name = match[1].trim().replace(/^"(.*)"$/s, "$1").replace(/\\(.)/g, "$1");
  return { name, address: match[2].trim() };
}
function formatParty({ name, address }) {
  if (name === "") return address;
  return `${/[",;<>@:\\]/.test(name) ? `"${name.replace(/["\\]/g, "\\$&")}"` : name} <${address}>`;
}
function looksRight(address) {
  const at = address.lastIndexOf("@");
  const domain = address.slice(at + 1);
  return at > 0 && !/\s/.test(domain) && /^[^.]+(\.[^.]+)*$/.test(domain) && (!/\s/.test(address) || address.startsWith('"'));
}

var names = [["starttls", t("STARTTLS, based on the last connection")], ["mtasts", t("Enforced MTA-STS policy")], ["dnssec", t("DNSSEC on its mail servers")], ["dane", t("DANE on its main mail server")], ["requiretls", t("REQUIRETLS, based on the last connection")]];
var words = { yes: t("yes"), no: t("no"), error: t("couldn't check"), "": t("unknown") };
function bars(way) {
  const root = el("span", { class: "bars", role: "img", hidden: true }, names.map(() => el("i", {})));
  way.then((found) => {
    root.replaceChildren(...names.map(([name]) => el("i", { class: found[name] })));
    root.title = names.map(([name, title]) => `${title}: ${words[found[name]]}`).join("\n");
    root.setAttribute("aria-label", root.title);
    root.hidden = found.starttls !== "no" && !Object.values(found).includes("error");
  }, () => root.remove());
  return root;
}

var pause = 150;
var Recipients = class {
  constructor(field, label, client, changed, ways) {
    this.field = field;
    this.client = client;
    this.changed = changed;
    this.ways = ways;
    const id = `compose-${field}-${Math.random().toString(36).slice(2)}`;
    this.options = el("div", { class: "completions", role: "listbox", id: `${id}-list`, "aria-label": t("Addresses"), hidden: true });
    this.input = el("input", { id, class: "chip-input", role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-label": label, autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "email", oninput: () => this.typed(), onblur: () => {
      this.commit();
      this.close();
    }, onkeydown: (event) => this.key(event), onpaste: (event) => this.pasted(event) });
    this.root = el("div", { class: "compose-field", data: { field } }, el("label", { for: id }, label), el("div", { class: "chip-box", onclick: (event) => event.target === event.currentTarget && this.input.focus() }, this.chips, this.input, this.options), this.hint);
  }
  field;
  client;
  changed;
  ways;
  input;
  root;
  chips = el("span", { class: "chips", onmousedown: (event) => event.preventDefault() });
  options;
  hint = el("div", { class: "field-hint", role: "alert" });
  list = [];
  found = [];
  all = [];
  groups = Promise.resolve(true);
  at = -1;
  timer = 0;
  exhausted = "";
  get entered() {
    return this.list;
  }
  get value() {
    return [...this.list, ...parseParties(this.input.value)];
  }
  set value(parties) {
    this.list = [...parties];
    this.input.value = "";
    this.draw();
  }
  security() {
    return Promise.all(this.value.map((party) => this.ways !== null && looksRight(party.address) ? this.ways.ask(party.address).catch(() => null) : null));
  }
  wrong() {
    this.commit();
    return this.list.find((one) => !looksRight(one.address));
  }
  complain(text2) {
    fill(this.hint, text2);
    if (text2 !== "") this.input.focus();
  }
  commit() {
    if (this.input.value.trim() === "") return;
    this.list.push(...parseParties(this.input.value));
    this.input.value = "";
    this.draw();
    this.changed();
  }
  draw() {
    this.complainNothing();
    fill(this.chips, this.list.map((party, i) => el("span", { class: looksRight(party.address) ? "chip" : "chip bad", title: looksRight(party.address) ? party.address : t("Invalid email address: {address}", { address: party.address }) }, el("span", { class: "chip-name", dir: "auto", onclick: () => this.edit(i) }, party.name || party.address), this.ways !== null && looksRight(party.address) && bars(this.ways.ask(party.address)), el("button", { type: "button", class: "chip-remove", "aria-label": t("Remove {name}", { name: formatParty(party) }), onclick: () => this.remove(i) }, sign(x, "i s")))));
  }
  complainNothing() {
    if (this.hint.textContent !== "") fill(this.hint);
  }
  remove(i) {
    this.list.splice(i, 1);
    this.draw();
    this.changed();
    this.input.focus();
  }
  edit(i) {
    this.commit();
    const [party] = this.list.splice(i, 1);
    this.draw();
    this.input.value = party === void 0 ? "" : formatParty(party);
    this.input.focus();
    this.changed();
  }
  pasted(event) {
    const text2 = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[,;\n]/.test(text2)) return;
    event.preventDefault();
    this.input.value += text2;
    this.commit();
  }
  typed() {
    this.complainNothing();
    this.changed();
    clearTimeout(this.timer);
    if (/[,;]$/.test(this.input.value) && (this.input.value.match(/"/g) ?? []).length % 2 === 0) {
      this.commit();
      this.close();
      return;
    }
    const text2 = this.input.value.trim();
    if (text2 === "") this.close();
    else this.timer = window.setTimeout(() => void this.complete(text2), pause);
  }
  async complete(text2) {
    if (this.exhausted !== "" && text2.startsWith(this.exhausted)) {
      const needle = text2.toLowerCase();
      this.found = this.all.filter((one) => formatParty(one).toLowerCase().includes(needle));
    } else {
      try {
        const { parties, complete, groups } = await this.client.complete_recipient(text2);
        if (this.input.value.trim() !== text2) return;
        this.found = [...groups.map((name) => ({ name, address: "" })), ...parties];
        this.all = this.found;
        this.exhausted = complete ? text2 : "";
      } catch {
        return;
      }
    }
    this.at = this.found.length > 0 ? 0 : -1;
    this.show();
  }
  show() {
    this.options.hidden = this.found.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.options.hidden));
    fill(this.options, this.found.map((one, i) => el("div", { role: "option", class: "completion", "aria-selected": String(i === this.at), onmousedown: (event) => {
      event.preventDefault();
      this.take(i);
    } }, el("span", { dir: "auto" }, one.name || one.address), one.name !== "" && el("span", { class: "completion-address" }, one.address || t("Group")))));
    this.options.children[this.at]?.scrollIntoView({ block: "nearest" });
  }
  take(i) {
    const party = this.found[i];
    if (party === void 0) return;
    this.input.value = "";
    this.close();
    if (party.address === "") this.groups = Promise.all([this.groups, this.takeGroup(party.name)]).then((all) => !all.includes(false));
    else this.add([party]);
  }
  async takeGroup(name) {
    try {
      this.add(await this.client.group_members(name));
      return true;
    } catch (error) {
      this.complain(messageOf(error));
      return false;
    }
  }
  arrived() {
    const { groups } = this;
    this.groups = Promise.resolve(true);
    return groups;
  }
  add(parties) {
    const known = new Set(this.list.map((one) => one.address));
    this.list.push(...parties.filter((one) => !known.has(one.address)));
    this.draw();
    this.changed();
  }
  close() {
    clearTimeout(this.timer);
    this.found = [];
    this.exhausted = "";
    this.at = -1;
    this.show();
  }
  key(event) {
    if (event.isComposing) return;
    const open = !this.options.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step !== void 0) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.show();
    } else if (open && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey) this.take(this.at);
    else if (open && event.key === "Escape") {
      this.close();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && this.input.value.trim() !== "") this.commit();
    else if (event.key === "Backspace" && this.input.value === "" && this.list.length > 0) this.edit(this.list.length - 1);
    else return;
    event.preventDefault();
  }
};

adopt(recipients_default);
export {
  Recipients
};
