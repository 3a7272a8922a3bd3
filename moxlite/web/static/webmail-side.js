var mirrored = () => document.documentElement.dir === "rtl";
function along(key2) {
  if (!mirrored()) return key2;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key2] ?? key2;
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

var calendarClock = "M16 14v2.2l1.6 1 M16 2v4 M21 7.5V6a2 2 0 0 0-2-2H5a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h3.5 M3 10h5 M8 2v4 M10 16a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z";

var quiet = 500;
var [again, longest] = [5e3, 6e4];
function follow(load, failed) {
  let [timer, running, stale, ended, wait] = [0, false, false, false, again];
  const after = (milliseconds) => {
    clearTimeout(timer);
    if (!ended) timer = window.setTimeout(() => void run(), milliseconds);
  };
  const run = async () => {
    running = true;
    stale = false;
    try {
      await load();
      wait = again;
      failed(false);
      if (stale) after(quiet);
    } catch {
      failed(true);
      after(wait);
      wait = Math.min(2 * wait, longest);
    } finally {
      running = false;
    }
  };
  return { changed() {
    stale = true;
    if (!running) after(quiet);
  }, end() {
    ended = true;
    clearTimeout(timer);
  } };
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

var key = "moxlite-webmail-panes";
function loadLocal() {
  const found = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return found;
  }
}
function followLocal(changed) {
  addEventListener("storage", (event) => event.key === key && changed(loadLocal()));
}

function complete(page) {
  const { client, desk, list } = page;
  oneStop(page.side);
  moveSplitter(page.panes);
  drawOutbox(page);
  const extra = (name, run) => void desk.extra(name).then(run);
  if (!(Number(localStorage.getItem("moxlite-webmail-hints")) >= 3)) extra("hints", (found) => found.showHints(list.root));
  extra("sorting", (found) => found.showNotices(client, list.root, desk.facts().account_path));
  extra("eventnews", (found) => found.showEventNews(client, list.root));
  if (navigator.maxTouchPoints > 0) extra("touch", (found) => {
    list.pushable(found);
    found.pulls(list.root, () => page.stream.retry(true));
  });
}
var step = 24;
function moveSplitter(panes) {
  followLocal((local) => panes.set(local));
  const { splitter } = panes;
  const pane = panes.root.querySelector(".middle");
  const list = () => pane.getBoundingClientRect();
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = panes.root;
    if (clientWidth === 0) return;
    const share = panes.below ? list().height / clientHeight : list().width / clientWidth;
    splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }).observe(pane);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { top, left, right } = list();
    panes.resize(panes.below ? event.clientY - top : mirrored() ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener("dblclick", () => panes.set({ ...panes.local, [panes.below ? "height" : "width"]: 0 }));
  splitter.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
    if (by === void 0) return;
    panes.resize((panes.below ? list().height : list().width) + by);
    event.preventDefault();
    event.stopPropagation();
  });
}
function oneStop(side) {
  const controls2 = () => [...side.querySelectorAll("button, input, a")].filter((one) => one.checkVisibility());
  let stop;
  const settle = () => {
    const all = controls2();
    if (stop === void 0 || !all.includes(stop)) stop = all.filter((one) => one.ariaCurrent === "page").at(-1) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  side.addEventListener("focusin", (event) => {
    stop = event.target;
    settle();
  });
  side.addEventListener("keydown", (event) => {
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === void 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const middle = (one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return [(left + right) / 2, (top + bottom) / 2];
    };
    const from = middle(event.target);
    let nearest = Infinity;
    let next;
    for (const one of controls2()) {
      const to = middle(one);
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const ahead = across * dx + down * dy;
      const aside = Math.abs(across) > 0 ? Math.abs(dy) * 9 : Math.abs(dx);
      if (ahead > 4 && ahead + aside / 2 < nearest) [nearest, next] = [ahead + aside / 2, one];
    }
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  new MutationObserver(settle).observe(side, { childList: true, subtree: true });
  addEventListener("resize", settle);
  settle();
}
function drawOutbox({ client, commands, mail, mailboxes }) {
  const row = mailboxes.outbox;
  const number = el("span", { class: "mailbox-unread" });
  const title = meant("place", "Outbox");
  const open = el("button", { class: "mailbox-open", title, onclick: () => commands.run("app.waiting") }, sign(calendarClock), el("span", { class: "mailbox-name" }, title), number);
  fill(row, open);
  let n = 0;
  const draw = () => {
    const shown = row.classList.contains("active");
    row.hidden = n === 0 && !shown;
    open.ariaCurrent = shown ? "page" : null;
    number.textContent = n === 0 ? "" : t("{n}", { n });
  };
  new MutationObserver(draw).observe(row, { attributeFilter: ["class"] });
  const count = async () => {
    n = await client.outbox_count();
    draw();
  };
  const { changed } = follow(count, () => {
  });
  addEventListener("counts", (event) => {
    const of = [mail.boxes.withRole("sent"), mail.boxes.named("Scheduled"), mail.boxes.named("Snoozed")];
    if (of.some((box) => box?.id === event.detail)) dispatchEvent(new Event("departures"));
  });
  for (const name of ["departures", "connected"]) addEventListener(name, changed);
  draw();
  changed();
}
export {
  complete
};
