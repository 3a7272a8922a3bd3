var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
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
  svg.setAttribute("class", name);
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
function many(n, one, other, values = {}) {
  const text2 = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text2, { ...values, n });
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
async function ask(title, label, value, action) {
  return dialog(title, (close) => {
    const input = el("input", { class: "dialog-input", value, autofocus: true, "aria-label": label, autocomplete: "off" });
    const form = el("form", { onsubmit: (event) => {
      event.preventDefault();
      if (input.value !== "") close(input.value);
    } }, el("label", { class: "field" }, label, input), el("div", { class: "dialog-buttons" }, el("button", { class: "btn primary", type: "submit" }, action)));
    return [form];
  });
}
function setStatus(message) {
  const line = byId("status", HTMLElement);
  line.hidden = message === "";
  fill(line, message);
}

var bold = "M6 12h9a4 4 0 0 1 0 8H7a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h7a4 4 0 0 1 0 8";
var code = "M16 18l6-6-6-6 M8 6l-6 6 6 6";
var image = "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1 -2 2h-14a2 2 0 0 1 -2 -2v-14a2 2 0 0 1 2 -2z M7 9a2 2 0 1 0 4 0a2 2 0 1 0 -4 0z M21 15l-3.086-3.086a2 2 0 0 0-2.828 0L6 21";
var italic = "M19 4h-9 M14 20H5 M15 4 9 20";
var link = "M10 13a5 5 0 0 0 7.54.54l3-3a5 5 0 0 0-7.07-7.07l-1.72 1.71 M14 11a5 5 0 0 0-7.54-.54l-3 3a5 5 0 0 0 7.07 7.07l1.71-1.71";
var list = "M3 5h.01 M3 12h.01 M3 19h.01 M8 5h13 M8 12h13 M8 19h13";
var listOrdered = "M11 5h10 M11 12h10 M11 19h10 M4 4h1v5 M4 9h2 M6.5 20H3.4c0-1 2.6-1.925 2.6-3.5a1.5 1.5 0 0 0-2.6-1.02";
var quote = "M16 3a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2 1 1 0 0 1 1 1v1a2 2 0 0 1-2 2 1 1 0 0 0-1 1v2a1 1 0 0 0 1 1 6 6 0 0 0 6-6V5a2 2 0 0 0-2-2z M5 3a2 2 0 0 0-2 2v6a2 2 0 0 0 2 2 1 1 0 0 1 1 1v1a2 2 0 0 1-2 2 1 1 0 0 0-1 1v2a1 1 0 0 0 1 1 6 6 0 0 0 6-6V5a2 2 0 0 0-2-2z";
var removeFormatting = "M4 7V4h16v3 M5 20h6 M13 4 8 20 M15 15l5 5 M20 15l-5 5";

function adopt(text2) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shown = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden])")];
  const drawn = all.filter((one) => one.getClientRects().length > 0);
  return drawn.length > 0 ? drawn : all;
};
function settle(bar) {
  const all = shown(bar);
  const stop = all.find((one) => one === document.activeElement) ?? all.find((one) => one.tabIndex === 0 && one.dataset["stop"]) ?? all[0];
  for (const one of bar.querySelectorAll("button")) {
    one.tabIndex = one === stop ? 0 : -1;
    if (one === stop) one.dataset["stop"] = "1";
    else delete one.dataset["stop"];
  }
}
function moveWithin(bar) {
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const all = shown(bar);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
}

var kept = { ...Object.fromEntries(["B", "I", "U", "S", "CODE", "PRE", "SUB", "SUP", "BLOCKQUOTE", "UL", "OL", "LI", "A", "BR", "DIV"].map((name) => [name, name])), STRONG: "B", EM: "I", CITE: "I", DEL: "S", STRIKE: "S", TT: "CODE", KBD: "CODE", SAMP: "CODE", P: "DIV", H1: "DIV", H2: "DIV", H3: "DIV", H4: "DIV", H5: "DIV", H6: "DIV", TR: "DIV", DT: "DIV", DD: "DIV", ADDRESS: "DIV", FIGCAPTION: "DIV" };
var dropped = /* @__PURE__ */ new Set(["SCRIPT", "STYLE", "HEAD", "TITLE", "TEMPLATE", "IFRAME", "OBJECT", "EMBED", "SVG", "MATH", "NOSCRIPT", "SELECT", "BUTTON", "INPUT", "TEXTAREA", "AUDIO", "VIDEO", "CANVAS", "LINK", "META"]);
var headings = /^H[1-6]$/;
var linked = /^(?:https?|mailto|tel):/i;
var picture = /^(?:cid:([\w-]{22})@moxlite\.invalid|upload\/([\w-]{22}))$/;
var tags = /<\/?[a-z][^<>]*>/gi;
var unstyled = (tag) => tag.replace(/^(<\/?)style/i, "$1textarea").replace(/^(<\/?)(base|meta|link)\b/i, "$1x-$2").replace(/[\s/"'](style|on\w+)\s*=/gi, " data-$1=");
var [deepest, longest] = [60, 2e6];
function cleaned(html, signed2) {
  const fragment = document.createDocumentFragment();
  const found = { fragment, left: 0, data: [] };
  const source = new DOMParser().parseFromString(html.slice(0, longest).replace(tags, unstyled), "text/html");
  walk(source.body, fragment, 0);
  return found;
  function walk(from, into, depth) {
    for (const node of from.childNodes) {
      if (node instanceof Text) into.appendChild(document.createTextNode(node.data));
      else if (node.nodeType === Node.ELEMENT_NODE) element(node, into, depth);
    }
  }
  function element(node, into, depth) {
    const name = node.nodeName.toUpperCase();
    if (dropped.has(name)) return;
    if (name === "IMG") {
      image2(node, into);
      return;
    }
    const made = depth < deepest ? make(node, name) : null;
    if (made === null) {
      walk(node, into, Math.min(depth + 1, deepest));
      if (name === "TD" || name === "TH") into.appendChild(document.createTextNode(" "));
      return;
    }
    const inner = inside(made, node.getAttribute("data-style") ?? "", name);
    walk(node, inner, depth + 1);
    into.appendChild(made);
  }
  function make(node, name) {
    const style = node.getAttribute("data-style") ?? "";
    if (name === "B" && /(?:^|[\s;])font-weight\s*:\s*normal/i.test(style)) return null;
    const becomes = kept[name] ?? (name === "SPAN" || name === "FONT" ? marked(style) : void 0);
    if (becomes === void 0) return null;
    const made = document.createElement(becomes);
    if (becomes === "A") {
      const href = node.getAttribute("href")?.trim() ?? "";
      if (!linked.test(href) || href.length > 4e3) return null;
      made.setAttribute("href", href);
    }
    if (becomes === "DIV" && node.classList.contains(signed2)) made.className = signed2;
    const dir = node.getAttribute("dir");
    if (dir === "rtl" || dir === "ltr") made.setAttribute("dir", dir);
    return made;
  }
  function image2(node, into) {
    const address = node.getAttribute("src")?.trim() ?? "";
    const [, inMail, here] = picture.exec(address) ?? [];
    const id = inMail ?? here;
    const inData = /^data:image\/(?:png|jpeg|gif|webp|avif|bmp);base64,/i.test(address);
    if (id === void 0 && !inData) {
      if (address !== "") found.left++;
      return;
    }
    const made = document.createElement("img");
    made.alt = (node.getAttribute("alt") ?? "").slice(0, 1e3);
    if (id === void 0) found.data.push({ address, image: made });
    else made.setAttribute("src", `upload/${id}`);
    into.appendChild(made);
  }
}
function marked(style) {
  if (/(?:^|[\s;])font-weight\s*:\s*(?:bold|[6-9]00)/i.test(style)) return "B";
  return /font-style\s*:\s*italic/i.test(style) ? "I" : void 0;
}
function inside(made, style, name) {
  if (headings.test(name) || made.nodeName === "B" && /font-style\s*:\s*italic/i.test(style)) {
    return made.appendChild(document.createElement(headings.test(name) ? "b" : "i"));
  }
  return made;
}

var rich_default = ".compose-rich{overflow:auto;overflow-wrap:anywhere}.compose-rich img{max-width:100%}.compose-rich blockquote{margin:4px 0 4px 2px;padding-left:12px;border-left:2px solid var(--border-color);color:var(--color-mild)}.compose-rich :is(ul,ol){margin:4px 0;padding-left:26px}.compose-rich :is(code,pre){border-radius:4px;background:var(--sunken);font-family:var(--mono);font-size:0.93em}.compose-rich code{padding:1px 4px}.compose-rich pre{margin:6px 0;padding:8px 12px;white-space:pre-wrap}.compose-rich a{color:var(--link-color);text-decoration:underline}.compose-rich .moxlite-signature{color:var(--color-mild)}.compose-tools{display:flex;flex:none;gap:2px;margin:0 10px 4px;padding:2px;overflow-x:auto;border-radius:8px;background:var(--sunken)}.compose-tools [aria-pressed=true]{background:var(--mailbox-active-background);color:var(--color)}@media(max-width:700px){.compose-tools{margin:0;border-radius:0}.compose-tools button{min-width:44px;min-height:44px}}\n";

adopt(rich_default);
var signed = "moxlite-signature";
var pictureTypes = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;
var inHTML = /(<img [^<>]*?src=")upload\/([\w-]{22})"/g;
function openEditor(Squire, html, { client, base, changed, note, say, pictures = true }) {
  let pending = 0;
  let closed = false;
  const root = el("div", { class: "compose-text compose-rich", role: "textbox", "aria-multiline": "true", "aria-label": t("Text"), dir: "auto", spellcheck: "true" });
  const editor = new Squire(root, { blockTag: "DIV", undo: { documentSizeThreshold: 5e5, undoLimit: 100 }, tagAttributes: {}, didError: (error) => {
    throw error;
  }, sanitizeToDOMFragment: (text2) => clean(text2) });
  editor._imageResizer.destroy();
  editor.setHTML(html);
  editor.addEventListener("input", changed);
  editor.addEventListener("pathChange", () => show());
  editor.addEventListener("select", () => show());
  editor.addEventListener("pasteImage", ((event) => take([...event.detail.clipboardData.files])));
  root.addEventListener("beforeinput", (event) => {
    if (/^insertFrom(?:Drop|Paste)/.test(event.inputType)) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a") !== null) event.preventDefault();
  });
  function clean(text2) {
    const found = cleaned(text2, signed);
    if (!pictures) {
      for (const one of found.fragment.querySelectorAll("img")) one.remove();
      return found.fragment;
    }
    if (found.left > 0) say(many(found.left, "A picture of another site was left out.", "{n} pictures of other sites were left out."));
    for (const { address, image: waiting } of found.data) void upload(fileOf(address)).then((id) => settle2(waiting, id), () => settle2(waiting, ""));
    return found.fragment;
  }
  function settle2(waiting, id) {
    if (id === "") waiting.remove();
    else waiting.setAttribute("src", `upload/${id}`);
    changed();
  }
  async function upload(file) {
    pending++;
    note(t("Sending a picture…"));
    try {
      const headers = { "content-type": file.type, "x-moxlite-csrf": client.csrfToken };
      const answer = await fetch(`${base}upload?filename=${encodeURIComponent(file.name || t("picture.png"))}`, { method: "POST", headers, body: file });
      const { result, error } = await answer.json();
      if (result === void 0) throw new Error(error === void 0 ? t("not taken") : (await told(error)).message);
      note("");
      return result.upload_id;
    } catch (error) {
      note(t("The picture could not be sent: {why}", { why: error.message }));
      throw error;
    } finally {
      pending--;
    }
  }
  function take(files) {
    if (!pictures) return [...files];
    for (const file of files.filter((one) => pictureTypes.test(one.type))) {
      upload(file).then((id) => {
        if (!closed) editor.insertImage(`upload/${id}`, { alt: file.name });
      }, () => {
      });
    }
    return files.filter((one) => !pictureTypes.test(one.type));
  }
  const picker = el("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp,image/avif,image/bmp", multiple: true, hidden: true, onchange: () => {
    take([...picker.files ?? []]);
    picker.value = "";
  } });
  const within = (tag) => new RegExp(`(?:^|>)${tag}(?:[>.#\\[]|$)`).test(editor.getPath()) || editor.hasFormat(tag);
  const toggles = [[bold, t("Bold"), "ctrl b", () => editor.hasFormat("B"), (on) => on ? editor.removeBold() : editor.bold()], [italic, t("Italic"), "ctrl i", () => editor.hasFormat("I"), (on) => on ? editor.removeItalic() : editor.italic()], [list, t("List"), "ctrl shift 8", () => within("UL"), (on) => on ? editor.removeList() : editor.makeUnorderedList()], [listOrdered, t("Numbered list"), "ctrl shift 9", () => within("OL"), (on) => on ? editor.removeList() : editor.makeOrderedList()], [quote, t("Quote"), "ctrl ]", () => within("BLOCKQUOTE"), (on) => on ? editor.decreaseQuoteLevel() : editor.increaseQuoteLevel()], [code, t("Code"), "ctrl d", () => within("(?:CODE|PRE)"), () => editor.toggleCode()], [link, t("Link"), "ctrl k", () => editor.hasFormat("A"), () => void chooseLink()]];
  const buttons = toggles.map(([path, title, key, active, run]) => {
    const button = tool(path, withKey(title, key), title, () => {
      run(active());
      editor.focus();
      show();
    });
    return { button, active };
  });
  const tools = el("div", { class: "compose-tools", role: "toolbar", "aria-label": t("Formatting") }, buttons.map(({ button }) => button), ...pictures ? [tool(image, t("Picture"), t("Picture"), () => picker.click())] : [], tool(removeFormatting, t("Remove formatting"), t("Remove formatting"), () => {
    editor.removeAllFormatting();
    editor.focus();
  }), picker);
  editor.setKeyHandler("Ctrl-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  editor.setKeyHandler("Meta-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  for (const key of ["Tab", "Shift-Tab"]) {
    editor.setKeyHandler(key, (one, event) => {
      if (!/(?:^|>)[OU]L/.test(one.getPath())) return;
      event.preventDefault();
      if (key === "Tab") one.increaseListLevel();
      else one.decreaseListLevel();
    });
  }
  async function chooseLink() {
    const range = editor.getSelection().cloneRange();
    const from = range.startContainer instanceof Element ? range.startContainer : range.startContainer.parentElement;
    const present = from?.closest("a")?.getAttribute("href") ?? "";
    const typed = await ask(t("Link"), t("Address; empty for no link"), present, t("Done"));
    editor.setSelection(range);
    editor.focus();
    if (typed === null) return;
    const address = typed.trim();
    if (address === "") editor.removeLink();
    else if (/^(?:https?|mailto|tel):/i.test(address)) editor.makeLink(address);
    else editor.makeLink(/^[^\s/@]+@[^\s/@]+$/.test(address) ? `mailto:${address}` : `https://${address}`);
    changed();
  }
  function show() {
    for (const { button, active } of buttons) button.setAttribute("aria-pressed", String(active()));
  }
  show();
  moveWithin(tools);
  const textIn = (markup) => {
    const holder = el("div", {});
    holder.append(cleaned(markup, signed).fragment);
    return holder.textContent.replace(/\s/g, "");
  };
  return { root, tools, html: () => editor.getHTML().replace(inHTML, '$1cid:$2@moxlite.invalid"'), text: () => plainOf(root).replace(/\u200b/g, "").replace(/\u00a0/g, " ").replace(/\n+$/, "\n"), pictures: () => [...root.querySelectorAll("img")].flatMap((one) => /^upload\/(.{22})$/.exec(one.getAttribute("src") ?? "")?.[1] ?? []), pending: () => pending, focus: () => void editor.focus(), insert: (markup) => void editor.insertHTML(markup), add: (markup) => {
    const cursor = editor.getSelection().cloneRange();
    editor.modifyDocument(() => root.append(cleaned(markup, signed).fragment));
    editor.setSelection(cursor);
  }, exchange: (before, after) => {
    const found = root.querySelector(`.${signed}`);
    if (found === null) {
      if (before === "" && after !== "") editor.modifyDocument(() => root.append(el("div", {}, el("br")), cleaned(after, signed).fragment));
    } else if (found.textContent.replace(/\s/g, "") === textIn(before)) {
      editor.modifyDocument(() => found.replaceWith(cleaned(after, signed).fragment));
    }
  }, take, close: () => {
    closed = true;
    editor.destroy();
    root.remove();
    tools.remove();
  } };
}
function tool(path, title, name, run) {
  return el("button", { type: "button", class: "link compose-icon", title, "aria-label": name, onmousedown: (event) => event.preventDefault(), onclick: run }, sign(path));
}
function fileOf(address) {
  const [head = "", content = ""] = address.split(",", 2);
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? "";
  let octets;
  try {
    octets = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  } catch {
    octets = new Uint8Array();
  }
  return new File([octets], t("picture.png"), { type });
}
function plainOf(root, prefix = "") {
  let text2 = "";
  let line = "";
  let number = 0;
  const end = () => {
    text2 += `${prefix}${line}
`;
    line = "";
  };
  for (const node of root.childNodes) {
    const name = node.nodeName;
    if (node instanceof Text) line += node.data;
    else if (name === "BR") end();
    else if (node instanceof HTMLElement && /^(?:DIV|BLOCKQUOTE|UL|OL|LI|PRE)$/.test(name)) {
      if (line !== "") end();
      if (name === "LI") {
        const mark2 = root.nodeName === "OL" ? `${++number}. ` : "- ";
        const item = plainOf(node, `${prefix}  `);
        text2 += `${prefix}${mark2}${item.slice(prefix.length + 2)}`;
      } else text2 += plainOf(node, name === "BLOCKQUOTE" ? `${prefix}> ` : prefix);
    } else if (node instanceof HTMLElement) line += inline(node);
  }
  if (line !== "") end();
  return text2;
}
function inline(node) {
  if (node.nodeName === "IMG") return node.getAttribute("alt") ?? "";
  const href = node.getAttribute("href") ?? "";
  const text2 = [...node.childNodes].map((one) => one instanceof HTMLElement ? one.nodeName === "BR" ? "\n" : inline(one) : one.textContent ?? "").join("");
  return href === "" || href.endsWith(text2) ? text2 : `${text2} <${href}>`;
}
export {
  openEditor
};
