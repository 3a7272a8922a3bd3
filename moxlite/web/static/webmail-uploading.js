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

var largest = 64 << 20;
var [mostHeaders, mostDirectories, mostEntries] = [100, 16, 500];
var [longestValue, longestPacket] = [4096, 4 << 20];
var gpsPointer = 34853;
var coordinates = [2, 4];
var sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
var first = /^(?:\xff\xd8\xff|\x89PNG\r\n|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*|[\s\S]{4}ftyp(?:hei|hev|mif1|msf1|avi[fs]))/;
var octetsOf = (text2) => Uint8Array.from(text2, (char) => char.charCodeAt(0));
var textOf = (octets) => new TextDecoder("latin1").decode(octets);
function positions(octets, text2) {
  const sought = octetsOf(text2);
  const found = [];
  for (let at = octets.indexOf(sought[0]); at !== -1; at = octets.indexOf(sought[0], at + 1)) if (sought.every((octet, index) => octets[at + index] === octet) && found.push(at) === mostHeaders) break;
  return found;
}
var Photo = class {
  constructor(octets) {
    this.octets = octets;
    this.view = new DataView(octets.buffer);
    for (const [order, little] of [["II*\0", true], ["MM\0*", false]]) for (const at of positions(octets, order)) this.exif(at, little);
    for (const at of positions(octets, "<rdf:RDF")) this.xmp(at);
    for (const at of positions(octets, "©xyz")) this.film(at);
    if (octets[0] === 137) this.checksums();
  }
  octets;
  ranges = [];
  placed = false;
  view;
  change(begin, end, value) {
    this.octets.fill(0, begin, end);
    if (value !== void 0) this.octets.set(value, begin);
    this.ranges.push([begin, end]);
  }
  exif(header, little) {
    const { view, octets } = this;
    const entries = (at2) => {
      if (at2 < header + 8 || at2 + 2 > octets.length) return null;
      const count = view.getUint16(at2, little);
      if (count === 0 || count > mostEntries || at2 + 2 + 12 * count > octets.length) return null;
      const found = Array.from({ length: count }, (_, index) => at2 + 2 + 12 * index);
      return found.every((entry) => (sizes[view.getUint16(entry + 2, little)] ?? 0) > 0) ? found : null;
    };
    const pointer = (at2) => at2 + 4 > octets.length ? 0 : header + view.getUint32(at2, little);
    let at = pointer(header + 4);
    for (let number = 0; number < mostDirectories; number++) {
      const found = entries(at);
      if (found === null) return;
      const next = pointer(at + 2 + 12 * found.length);
      const gps = found.find((entry) => view.getUint16(entry, little) === gpsPointer);
      if (gps !== void 0) {
        const values = entries(pointer(gps + 8));
        this.placed ||= values?.some((entry) => coordinates.includes(view.getUint16(entry, little))) ?? false;
        for (const entry of values ?? []) {
          const length = sizes[view.getUint16(entry + 2, little)] * view.getUint32(entry + 4, little);
          const begin = pointer(entry + 8);
          if (length > 4 && length <= longestValue) this.change(begin, Math.min(begin + length, octets.length));
        }
        if (values !== null) this.change(values[0] - 2, values.at(-1) + 12);
        this.drop(at, found.length, gps, little);
      }
      at = next;
    }
  }
  drop(at, count, entry, little) {
    const end = Math.min(at + 2 + 12 * count + 4, this.octets.length);
    const rest = this.octets.slice(entry + 12, end);
    this.change(entry, end, rest);
    this.view.setUint16(at, count - 1, little);
    this.ranges.push([at, at + 2]);
  }
  xmp(at) {
    const text2 = textOf(this.octets.subarray(at, at + longestPacket));
    const end = text2.indexOf("</rdf:RDF");
    if (end === -1) return;
    const property = /\s[\w.-]{1,40}:gps\w{0,40}\s?=\s?(?:"[^"]*"|'[^']*')|<([\w.-]{1,40}:gps\w{0,40})(?=[\s>/])[^<>]*>/gi;
    property.lastIndex = 0;
    for (let found = property.exec(text2); found !== null && found.index < end; found = property.exec(text2)) {
      const [words, name] = found;
      let close = found.index + words.length;
      if (name !== void 0 && !words.endsWith("/>")) {
        const last = text2.indexOf(`</${name}`, close);
        if (last === -1) return;
        close = text2.indexOf(">", last) + 1;
      }
      property.lastIndex = close;
      this.placed ||= /gps(?:dest)?(?:lat|lon)/i.test(words);
      this.change(at + found.index, at + close, octetsOf(" ".repeat(close - found.index)));
    }
  }
  film(at) {
    const size = at < 4 ? 0 : this.view.getUint32(at - 4);
    if (size < 12 || size > 200 || !/^[+-]\d\d/.test(textOf(this.octets.subarray(at + 8, at + 11)))) return;
    this.placed = true;
    this.change(at, Math.min(at - 4 + size, this.octets.length), octetsOf("free"));
  }
  checksums() {
    const { view, octets, ranges } = this;
    for (let at = 8; at + 12 <= octets.length; ) {
      const end = at + 8 + view.getUint32(at);
      if (end + 4 > octets.length) return;
      if (ranges.some(([begin]) => begin >= at + 8 && begin < end)) {
        view.setUint32(end, checksum(octets.subarray(at + 4, end)));
        ranges.push([end, end + 4]);
      }
      at = end + 4;
    }
  }
};
function checksum(octets) {
  let value = -1;
  for (const octet of octets) {
    value ^= octet;
    for (let bit = 0; bit < 8; bit++) value = value >>> 1 ^ (value & 1 ? 3988292384 : 0);
  }
  return ~value >>> 0;
}
async function withoutPlace(file) {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (file.size > largest || !first.test(String.fromCharCode(...head))) return null;
  const octets = new Uint8Array(await file.arrayBuffer());
  const { placed, ranges } = new Photo(octets);
  if (!placed) return null;
  const pieces = [];
  let at = 0;
  for (const [begin, end] of ranges.sort((one, other) => one[0] - other[0])) {
    if (end <= at) continue;
    pieces.push(file.slice(at, Math.max(at, begin)), octets.slice(Math.max(at, begin), end));
    at = end;
  }
  return new File([...pieces, file.slice(at)], file.name, { type: file.type, lastModified: file.lastModified });
}

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
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

var uploading_default = ".file:has(.file-place){flex-wrap:wrap}.file-place{display:flex;flex-basis:100%;flex-wrap:wrap;align-items:center;gap:0 8px}\n";

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
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

var UploadAborted = class extends Error {
};
var silentAfter = 3e4;
var staleAfter = 3e3;
var waits = [1e3, 2e3, 4e3, 8e3, 15e3, 3e4];
var [first2, largest2, quick] = [1 << 20, 8 << 20, 4e3];
function sent(request, url, body, type, client, progress) {
  return new Promise((resolve, reject) => {
    const fail = (code, text2) => reject(new CallFailed("upload", code, text2));
    let [heard, timer] = [0, 0];
    const hear = () => {
      heard = Date.now();
      clearTimeout(timer);
      timer = window.setTimeout(lost, silentAfter);
    };
    const lost = () => {
      fail("", t("upload interrupted"));
      request.abort();
    };
    const connected = () => {
      if (Date.now() - heard > staleAfter) lost();
    };
    request.open("POST", url);
    request.setRequestHeader("x-moxlite-csrf", client.csrfToken);
    if (type !== null) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => {
      hear();
      progress(event.loaded, event.total);
    };
    request.onload = () => {
      let answer;
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        const { status } = request;
        if (status < 400 || status >= 500) fail("", t("upload interrupted"));
        else fail("user:error", t("rejected by the server: {status}", { status }));
        return;
      }
      if (answer.error === void 0) resolve(answer);
      else void told(answer.error).then(({ code, message }) => fail(code, message));
    };
    request.onerror = () => fail("", t("upload interrupted"));
    request.onabort = () => reject(new UploadAborted());
    request.onloadend = () => {
      clearTimeout(timer);
      removeEventListener("connected", connected);
    };
    addEventListener("connected", connected);
    hear();
    request.send(body);
  });
}
async function loggedIn(error, client) {
  if (codeOf(error) !== "user:noAuth" && codeOf(error) !== "user:badAuth") return false;
  await client.again(messageOf(error));
  return true;
}
var FileUpload = class {
  constructor(base, client, file, name) {
    this.base = base;
    this.client = client;
    this.file = file;
    this.name = name;
  }
  base;
  client;
  file;
  name;
  request = new XMLHttpRequest();
  aborted = false;
  key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
  at = 0;
  retry = () => {
  };
  async send(watcher) {
    let length = first2;
    for (let failed = 0; ; ) {
      if (this.aborted) throw new UploadAborted();
      const begun = Date.now();
      try {
        const result = await this.piece(failed > 0 ? 0 : length, watcher);
        if ("upload_id" in result) return result;
        this.at = result.received;
        length = Math.min(failed === 0 && Date.now() - begun < quick ? 2 * length : length, largest2);
        if (failed > 0) watcher.stuck("", false);
        failed = 0;
      } catch (error) {
        if (error instanceof UploadAborted) throw error;
        if (await loggedIn(error, this.client)) continue;
        length = first2;
        const refused = codeOf(error) !== "";
        watcher.stuck(messageOf(error), refused);
        if (this.aborted) continue;
        await this.pause(refused ? null : waits[Math.min(failed, waits.length - 1)]);
        failed++;
      }
    }
  }
  abort() {
    this.aborted = true;
    this.request.abort();
    this.retry();
  }
  async piece(length, { progress }) {
    const { at, file } = this;
    const parameters = new URLSearchParams({ filename: this.name, key: this.key, start: `${at}`, size: `${file.size}` });
    this.request = new XMLHttpRequest();
    const type = file.type || "application/octet-stream";
    const url = `${this.base}upload?${parameters}`;
    const answer = await sent(this.request, url, file.slice(at, at + length), type, this.client, (octets) => progress(Math.min(at + octets, file.size), file.size));
    return answer.result ?? {};
  }
  pause(time) {
    return new Promise((resolve) => {
      const timer = time === null ? 0 : window.setTimeout(() => this.retry(), time);
      const automatic = time === null ? [] : ["connected", "online"];
      this.retry = () => {
        clearTimeout(timer);
        for (const kind of automatic) removeEventListener(kind, this.retry);
        this.retry = () => {
        };
        resolve();
      };
      for (const kind of automatic) addEventListener(kind, this.retry);
    });
  }
};

adopt(uploading_default);
async function offerPlace(file, card, replace) {
  const photo = await withoutPlace(file).catch(() => null);
  if (photo === null || card.querySelector(".file-place") !== null) return;
  const run = () => {
    const cards = card.parentElement;
    replace(photo);
    cards.querySelector(".file:last-child .file-remove")?.focus();
  };
  card.append(el("div", { class: "file-place" }, el("span", {}, t("This photo says where it was taken")), el("button", { type: "button", class: "btn text small", onclick: run }, t("Remove location"))));
}
export {
  FileUpload,
  UploadAborted,
  offerPlace
};
