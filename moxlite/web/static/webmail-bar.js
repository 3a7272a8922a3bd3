var arrows = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
function titleOf(command) {
  return typeof command.title === "string" ? command.title : command.title();
}
function keyText(key) {
  const whole = key.replace(/ (?=[A-Z]$)/, " shift ");
  return whole.replace(/[a-z]{2,}/gi, (name) => arrows[name] ?? globalThis.moxliteLanguage?.find(`key ${name}`) ?? name);
}
function withKey(title, key) {
  return key === void 0 ? title : `${title} (${keyText(key)})`;
}
function hintOf(command) {
  return withKey(titleOf(command), command.keys?.[0]);
}
function enabled(command) {
  return command.when?.() ?? true;
}

var read = /* @__PURE__ */ new Set(["title", "aria-label", "placeholder", "alt"]);
function el(tag2, attributes = {}, ...children) {
  const element = document.createElement(tag2);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === void 0 || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (tag2 === "textarea" && name === "value") {
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

function focusHome() {
  document.querySelector("[data-home]")?.focus({ preventScroll: true });
}

var archive = "M3 3h18a1 1 0 0 1 1 1v3a1 1 0 0 1 -1 1h-18a1 1 0 0 1 -1 -1v-3a1 1 0 0 1 1 -1z M4 8v11a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8 M10 12h4";
var arrowLeft = "m12 19l-7-7 7-7 M19 12H5";
var chevronLeft = "m15 18l-6-6 6-6";
var chevronRight = "m9 18l6-6-6-6";
var circleCheck = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M16 9l-5.5 5.5L8 12";
var clock = "M2 12a10 10 0 1 0 20 0a10 10 0 1 0 -20 0z M12 6v6l4 2";
var download = "M12 15V3 M21 15v4a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-4 M7 10l5 5 5-5";
var ellipsis = "M11 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M18 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z M4 12a1 1 0 1 0 2 0a1 1 0 1 0 -2 0z";
var filePen = "M12.659 22H18a2 2 0 0 0 2-2V8a2.4 2.4 0 0 0-.706-1.706l-3.588-3.588A2.4 2.4 0 0 0 14 2H6a2 2 0 0 0-2 2v9.34 M14 2v5a1 1 0 0 0 1 1h5 M10.378 12.622a1 1 0 0 1 3 3.003L8.36 20.637a2 2 0 0 1-.854.506l-2.867.837a.5.5 0 0 1-.62-.62l.836-2.869a2 2 0 0 1 .506-.853z";
var folderInput = "m2 9V5a2 2 0 0 1 2-2h3.9a2 2 0 0 1 1.69.9l.81 1.2a2 2 0 0 0 1.67.9H20a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-1 M2 13h10 M9 16l3-3-3-3";
var forward = "m15 17l5-5-5-5 M4 18v-2a4 4 0 0 1 4-4h12";
var mail = "M22 7l-8.991 5.727a2 2 0 0 1-2.009 0L2 7 M4 4h16a2 2 0 0 1 2 2v12a2 2 0 0 1 -2 2h-16a2 2 0 0 1 -2 -2v-12a2 2 0 0 1 2 -2z";
var mailOpen = "M21.2 8.4c.5.38.8.97.8 1.6v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V10a2 2 0 0 1 .8-1.6l8-6a2 2 0 0 1 2.4 0l8 6Z M22 10l-8.97 5.7a1.94 1.94 0 0 1-2.06 0L2 10";
var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var reply = "m20 18v-2a4 4 0 0 0-4-4H4 M9 17l-5-5 5-5";
var replyAll = "m12 17l-5-5 5-5 M22 18v-2a4 4 0 0 0-4-4H7 M7 17l-5-5 5-5";
var star = "M11.525 2.295a.53.53 0 0 1 .95 0l2.31 4.679a2.123 2.123 0 0 0 1.595 1.16l5.166.756a.53.53 0 0 1 .294.904l-3.736 3.638a2.123 2.123 0 0 0-.611 1.878l.882 5.14a.53.53 0 0 1-.771.56l-4.618-2.428a2.122 2.122 0 0 0-1.973 0L6.396 21.01a.53.53 0 0 1-.77-.56l.881-5.139a2.122 2.122 0 0 0-.611-1.879L2.16 9.795a.53.53 0 0 1 .294-.906l5.165-.755a2.122 2.122 0 0 0 1.597-1.16z";
var tag = "M12.586 2.586A2 2 0 0 0 11.172 2H4a2 2 0 0 0-2 2v7.172a2 2 0 0 0 .586 1.414l8.704 8.704a2.426 2.426 0 0 0 3.42 0l6.58-6.58a2.426 2.426 0 0 0 0-3.42z M7 7.5a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0 -1 0z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";

var phone = matchMedia("(max-width: 700px)");

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var mirrored = () => document.documentElement.dir === "rtl";
function along(key) {
  if (!mirrored()) return key;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key] ?? key;
}

var shown = (bar) => {
  const all = [...bar.querySelectorAll("button:not([hidden], :disabled)")];
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
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === void 0) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
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

var bar_default = ".choosing .list-chosen{display:flex;align-items:center;gap:6px;height:54px;padding-block:0;padding-inline:8px 4px;flex:none;background:var(--message-active-background)}.list-chosen .link{min-height:24px}.chosen-clear{display:grid;flex:none;padding:6px;border:0;background:none}.chosen-count,.list-chosen .link{white-space:nowrap}.chosen-count{font-size:15px;font-weight:600}.chosen-tools{flex:1;min-width:0;margin-inline-start:auto}@media(min-width:701px){.chosen-tools .toolbar{justify-content:end;gap:0;height:48px;padding:0;border:0}}@media(max-width:700px){.choosing .list-chosen{height:56px}.chosen-clear{padding:12px}.list-chosen .link{min-height:44px;margin-inline-start:auto;padding:0 8px}.chosen-tools{position:absolute;inset:auto 0 0;z-index:2;background:var(--background)}.choosing .messages-space{margin-bottom:60px}}.toolbar-buttons{display:flex;gap:2px;flex:0 1 auto;min-width:0;overflow:hidden;padding:3px}.toolbar button{display:inline-flex;align-items:center;gap:6px;flex:none;min-width:34px;min-height:34px;justify-content:center;padding:4px 8px;border:0;background:none;font-size:14px;font-weight:500}.toolbar button:hover:not(:disabled){background:var(--button-hover-background)}.toolbar button.soft{margin-inline-end:4px;padding-inline:12px;background:var(--mailbox-active-background);color:var(--link-color)}.toolbar .i{color:var(--color-mild)}.toolbar .soft .i,.toolbar .danger .i{color:inherit}.toolbar-head{display:flex;align-items:center;flex:none;margin-inline-start:auto}.toolbar-at{padding:0 6px;color:var(--color-mild);font-size:13px;font-variant-numeric:tabular-nums;white-space:nowrap}.toolbar button.back{display:none}.chosen-tools .toolbar-head{display:none}@media(min-width:701px){.bare .word,.toolbar-more .word{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.toolbar.tight .toolbar-at{display:none}}@media(max-width:700px){.toolbar-buttons{flex:1 1 0;gap:0;padding:0}.toolbar-buttons button,.toolbar .toolbar-more{flex:1 1 0;flex-direction:column;gap:2px;min-width:44px;min-height:52px;margin:0;padding:4px 1px;font-size:11px;line-height:16px}.toolbar .toolbar-more{flex:0 0 20%}.toolbar .word{max-width:100%;overflow:hidden;text-overflow:ellipsis}.toolbar button.soft{background:none;font-weight:600}.toolbar-head{position:absolute;inset:0 0 auto;height:52px;padding:0 4px;border-bottom:1px solid var(--border-color);background:var(--background)}.toolbar-head button{min-width:44px;min-height:44px}.toolbar-at{margin-inline-start:auto}.toolbar button.back{display:inline-flex}}.answer-bar{display:flex;flex-wrap:wrap;gap:4px;margin-top:16px;padding:6px;border:1px solid var(--border-color);border-radius:12px}.answer-bar button{display:flex;align-items:center;gap:8px;min-width:0;min-height:36px;border:0;background:none}.answer-bar button>span{overflow:hidden;text-overflow:ellipsis}.answer-bar .answer-first{flex:1;color:var(--color-mild)}.answer-bar .i{color:var(--color-mild)}.reader:has(>.composer) .answer-bar{display:none}.conversation>.reader-after .answer-bar{margin-top:4px}.closed+.reader-after .answer-bar{margin-top:16px}@media(max-width:700px){.answer-bar button{min-height:44px}.answer-bar .answer-first{flex:1 1 100%}}@media print{.answer-bar{display:none}}.missing{display:grid;gap:14px;max-width:78ch;padding:clamp(16px,3vw,24px)}.missing-line{display:flex;align-items:center;justify-content:space-between;gap:12px;padding-block:8px;padding-inline:14px 8px;border-radius:8px;background:var(--warning-background);font-size:14px}.missing-preview{color:var(--color-mild)}.missing button{flex:none}\n";

function answerCommands(desk) {
  const shown2 = () => desk.shown() !== null;
  const own2 = () => desk.inRole("draft") || desk.reading()?.flags.includes("\\draft") === true;
  const draft = () => shown2() && own2();
  const received = () => shown2() && !own2();
  const many2 = () => {
    const item = desk.shown();
    return received() && item !== null && item.to.length + item.cc.length > 1;
  };
  return [{ id: "compose.edit", title: t("Edit"), keys: ["e"], when: draft, run: () => desk.compose("edit") }, { id: "compose.reply", title: t("Reply"), keys: ["r"], when: received, run: () => desk.compose("reply") }, { id: "compose.reply-all", title: t("Reply to all"), keys: ["R"], when: many2, run: () => desk.compose("reply_all") }, { id: "compose.reply-alone", title: t("Reply"), keys: ["R"], quiet: true, when: () => received() && !many2(), run: () => desk.compose("reply") }, { id: "compose.reply-list", title: t("Reply to list"), keys: ["ctrl L"], when: received, run: () => desk.compose("reply_list") }, { id: "compose.forward", title: t("Forward"), keys: ["f"], when: received, run: () => desk.compose("forward") }, { id: "compose.forward-attached", title: t("Forward as attachment"), keys: ["F"], when: received, run: () => desk.compose("forward_attached") }, { id: "compose.again", title: t("Edit as new message"), when: received, run: () => desk.compose("edit") }];
}

var own = "*";

var refinements = [["", t("Show all messages")], ["unread", t("Show unread messages only")], ["read", t("Show read messages only")], ["flagged", t("Show flagged messages only")], ["attachments", t("Show messages with attachments only")], ["people", t("Show messages from people only")], ["newsletters", t("Show newsletters only")]];
var threadings = [["on", t("Conversations")], ["off", t("Single messages")]];
var orderings = [["newest", t("Newest first")], ["oldest", t("Oldest first")], ["unread", t("Unread first")], ["sender", t("By sender")], ["size", t("Largest first")]];
var listMenu = [refinements.map(([id]) => `list.show-${id || "all"}`), threadings.map(([id]) => `threads.${id}`), orderings.map(([order]) => `list.order-${order}`)];
function listChoices(desk) {
  const choice = (id, title, checked, run) => ({ id, title, checked, run });
  return [...refinements.map(([id, title]) => choice(`list.show-${id || "all"}`, title, () => desk.refinement() === id, () => desk.refine(id))), ...threadings.map(([id, title]) => choice(`threads.${id}`, title, () => desk.threading() === id, () => desk.showThreads(id))), ...orderings.map(([order, title]) => choice(`list.order-${order}`, title, () => desk.order() === order, () => desk.sort(order)))];
}
function threadCommands(desk) {
  const threaded = () => desk.threading() !== "off";
  const some = () => threaded() && desk.aimed() > 0;
  return [{ id: "threads.next", title: t("Next conversation"), keys: ["n"], quiet: true, when: threaded, run: () => desk.moveThread(1) }, { id: "threads.previous", title: t("First message or previous conversation"), keys: ["p"], quiet: true, when: threaded, run: () => desk.moveThread(-1) }, { id: "threads.select", title: t("Select conversation"), keys: ["S"], when: threaded, run: () => desk.selectThread() }, { id: "threads.fold", title: t("Collapse or expand conversation"), keys: ["C"], when: threaded, run: () => desk.fold() }, { id: "threads.collapse", title: t("Collapse conversation"), keys: ["ArrowLeft"], quiet: true, when: threaded, run: () => desk.fold(false) }, { id: "threads.expand", title: t("Expand conversation"), keys: ["ArrowRight"], quiet: true, when: threaded, run: () => desk.fold(true) }, { id: "threads.mute", title: () => desk.selected().every(isMuted) ? t("Unmute conversation") : t("Mute conversation"), keys: ["X"], when: () => some() && desk.may(own), run: () => toggleMute(desk) }];
}
var isMuted = (item) => item.thread_muted;
function toggleMute(desk) {
  const mute = !desk.selected().every(isMuted);
  const items = desk.selected().filter((item) => isMuted(item) !== mute);
  const ids = items.map((item) => item.id);
  const said = mute ? t("Conversation muted. New messages will be marked as read") : t("Conversation unmuted");
  const named = { doing: () => mute ? t("Muting…") : t("Unmuting…"), done: () => said };
  const call = (to) => ({ shown: {}, call: () => desk.client.thread_mute(ids, to) });
  desk.actions.run(call(mute), named, items, t("Couldn't mute conversation"), { what: said, actions: () => [call(!mute)] });
}

function messages(desk) {
  const some = () => desk.aimed() > 0;
  const unknown = () => desk.selected().length < desk.aimed();
  const any = (flag, right, has = true) => () => desk.may(right) && (unknown() || desk.selected().some((item) => item.flags.includes(flag) === has));
  const deletable = () => some() && desk.may("te");
  const loaded = () => some() && desk.may("w") && !unknown();
  const trash = () => some() && desk.may("te", "trash") && !desk.inRole("trash") && !desk.inRole("draft");
  const last = () => deletable() && (desk.inRole("trash") || desk.inRole("draft"));
  return [{ id: "message.archive", title: t("Archive"), keys: ["a"], when: () => some() && !desk.inRole("archive") && desk.may("te", "archive"), run: () => desk.toRole("archive") }, { id: "message.trash", title: t("Trash"), keys: ["d", "Delete"], when: trash, run: () => desk.toRole("trash") }, { id: "message.delete", title: t("Delete…"), keys: ["d", "Delete"], when: last, run: () => desk.deleteForGood() }, { id: "message.delete-at-once", title: t("Delete permanently…"), keys: ["D"], when: deletable, run: () => desk.deleteForGood() }, { id: "message.junk", title: t("Junk"), keys: ["q"], when: () => some() && !desk.inRole("junk") && desk.may("te", "junk"), run: () => desk.toRole("junk") }, { id: "message.move", title: t("Move…"), keys: ["w"], when: deletable, run: () => desk.chooseMove() }, { id: "message.later", title: t("Snooze…"), keys: ["b"], when: () => loaded() && desk.may(own), run: () => desk.later((found) => found.putOff(desk, desk.selected())) }, { id: "message.read", title: t("Mark read"), keys: ["m"], when: any("\\seen", "s", false), run: () => desk.flag(["\\seen"], true) }, { id: "message.unread", title: t("Mark unread"), keys: ["M"], when: any("\\seen", "s"), run: () => desk.flag(desk.may("w") ? ["\\seen", "$junk", "$notjunk"] : ["\\seen"], false) }, { id: "message.not-junk", title: t("Not junk"), keys: ["Q"], when: () => some() && (desk.inJunk() ? desk.may("w") : any("$junk", "w")()), run: () => desk.notJunk() }, { id: "message.flag", title: t("Flag"), keys: ["s"], when: () => some() && desk.may("w") && !desk.selected().some((item) => item.flags.includes("\\flagged")), run: () => desk.flag(["\\flagged"], true) }, { id: "message.unflag", title: t("Unflag"), keys: ["s"], when: any("\\flagged", "w"), run: () => desk.flag(["\\flagged"], false) }, { id: "message.labels", title: t("Labels…"), keys: ["y"], when: loaded, run: () => desk.chooseLabels() }, ...Array.from({ length: 9 }, (_, i) => ({ id: `message.label-${i + 1}`, title: t("Add or remove label {n}", { n: i + 1 }), keys: [String(i + 1)], quiet: true, when: loaded, run: () => desk.toggleLabel(i + 1) })), { id: "message.export", title: t("Export…"), keys: ["E"], when: some, run: () => desk.exportSelection() }];
}

function addReadingCommands(desk, message) {
  desk.commands.add(t("Messages"), messages(desk));
  desk.commands.add(t("Write"), answerCommands(desk));
  desk.commands.add(t("Message"), message);
  desk.commands.add(t("List"), listChoices(desk));
  desk.commands.add(t("Conversations"), threadCommands(desk));
}

var day = 24 * 60 * 60 * 1e3;
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

var rowActions = [["archive", archive, t("Archive")], ["trash", trash2, t("Move to Trash")], ["later", clock, t("Snooze")], ["read", mailOpen, t("Mark as read or unread")]];

var symbols = [["\\answered", reply, t("Replied")], ["$forwarded", forward, t("Forwarded")]];
var words = [["\\draft", t("Draft")], ["$junk", t("Junk")], ["$phishing", t("Phishing")], ["\\deleted", t("Deleted")]];
function answering(keywords) {
  return keywords.flatMap((one) => {
    const [, kind, name = ""] = /^\$(by|writing)-(.+)/.exec(one) ?? [];
    return kind === "by" ? t("{name} replied", { name }) : kind ? t("{name} is replying…", { name }) : [];
  });
}

function answerBar(commands, item) {
  const [from] = item.from;
  const button = (id, kind, path, words2) => {
    const command = commands.get(`compose.${id}`);
    return el("button", { class: kind, title: hintOf(command), onclick: () => command.run() }, sign(path), el("span", { dir: "auto" }, words2));
  };
  if (enabled(commands.get("compose.edit"))) return el("div", { class: "answer-bar" }, button("edit", "answer-first", filePen, t("Edit")));
  if (from === void 0 || !enabled(commands.get("compose.reply"))) return null;
  const several = item.to.length + item.cc.length > 1;
  return el("div", { class: "answer-bar" }, answering(item.keywords).map((words2) => el("span", { class: "hint" }, words2)), button("reply", "answer-first", reply, t("Reply to {name}…", { name: isolated(firstName(from)) })), several && button("reply-all", "", replyAll, t("Reply all")), button("forward", "", forward, t("Forward")));
}

var notJunkAfter = 5e3;
var Seen = class {
  constructor(mail2, actions, shows) {
    this.mail = mail2;
    this.actions = actions;
    this.shows = shows;
  }
  mail;
  actions;
  shows;
  timers = [];
  opened(item) {
    const { mail: mail2 } = this;
    if (mail2.choice.conversation.value === null) this.cancel();
    if (mail2.may("s")) this.after(mail2.settings.value.mark_seen_ms, item.id, ["\\seen"]);
    const box = mail2.boxes.get(item.mailbox_id);
    if (box?.owner === "" && !mail2.hasJunk(box) && box.name !== mail2.facts.value.introbox) this.after(notJunkAfter, item.id, ["$notjunk", "$junk", "\\draft"]);
  }
  passed(items) {
    const { mail: mail2 } = this;
    if (items.length > 0 && mail2.settings.value.mark_seen_ms >= 0 && mail2.may("s", void 0, items)) this.actions.looked(items, "\\seen");
  }
  cancel() {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
  }
  after(wait, id, flags) {
    if (wait < 0) return;
    this.timers.push(window.setTimeout(() => {
      const { items, lines } = this.mail.rows.value;
      const all = [...items, ...[...lines.values()].flatMap((line) => [...line.members, ...line.copies])];
      const seen = new Map(all.map((one) => [one.id, one]));
      for (const item of this.shows(id) ? seen.values() : []) if ([item.id, item.copy_of].includes(id) && !flags.some((flag) => item.flags.includes(flag))) this.actions.looked([item], flags[0]);
    }, wait));
  }
};

adopt(bar_default);
var listed = ["compose.edit", "compose.reply", "message.not-junk", "message.archive", "message.trash", "message.delete", "message.later", "message.labels", "message.move", "menu", "compose.reply-all", "compose.forward", "message.unread", "message.read", "message.flag", "message.unflag", "message.junk", "message.export"];
var chosen = ["message.not-junk", "message.archive", "message.trash", "message.delete", "message.read", "message.later", "message.labels", "menu", "message.move", "message.unread", "message.flag", "message.unflag", "message.junk", "message.export"];
var byThumb = ["message.archive", "message.trash", "message.delete", "compose.edit", "compose.reply", "message.later", "menu", "compose.reply-all", "compose.forward", "message.not-junk", "message.labels", "message.move", "message.unread", "message.read", "message.flag", "message.unflag", "message.junk", "message.export"];
var icons = { "compose.edit": filePen, "compose.reply": reply, "compose.reply-all": replyAll, "compose.forward": forward, "message.archive": archive, "message.trash": trash2, "message.delete": trash2, "message.junk": octagonAlert, "message.not-junk": circleCheck, "message.move": folderInput, "message.later": clock, "message.unread": mail, "message.read": mailOpen, "message.flag": star, "message.unflag": star, "message.labels": tag, "message.export": download };
var worded = ["compose.edit", "compose.reply", "message.not-junk"];
var half = matchMedia("(min-width: 701px) and (max-width: 1279px)");
var wordOf = (command) => command.id === "message.read" ? t("Read") : titleOf(command).replace(/…$/, "");
var Bar = class {
  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.before = this.step("list.up", chevronLeft);
    this.after = this.step("list.down", chevronRight);
    this.more.addEventListener("click", () => owner.openMenu(this.more, t("More actions"), this.folded));
    const back = t("Back");
    this.root.append(this.buttons, this.more, el("div", { class: "toolbar-head" }, el("button", { class: "back", title: back, "aria-label": back, onclick: () => owner.back() }, sign(arrowLeft)), this.at, this.before, this.after));
    moveWithin(this.root);
    new ResizeObserver(() => this.fold()).observe(this.root);
    phone.addEventListener("change", () => this.draw());
    this.draw();
  }
  root;
  owner;
  buttons = el("div", { class: "toolbar-buttons" });
  more = el("button", { class: "toolbar-more", "aria-haspopup": "menu", title: t("More actions"), "aria-label": t("More actions") }, sign(ellipsis), el("span", { class: "word", "aria-hidden": "true" }, t("More")));
  at = el("span", { class: "toolbar-at" });
  before;
  after;
  folded = [];
  step(id, path) {
    const command = this.owner.commands.get(id);
    return el("button", { title: hintOf(command), "aria-label": titleOf(command), onclick: () => command.run() }, sign(path));
  }
  draw() {
    const stop = this.buttons.querySelector("[data-stop]")?.dataset["command"];
    const focused = this.buttons.contains(document.activeElement) ? document.activeElement.dataset["command"] : void 0;
    fill(this.buttons, this.possible().shown.map((command) => el("button", { class: `${command.id === "message.delete" ? "danger" : ""}${command.id === "compose.reply" || command.id === "compose.edit" ? " soft" : ""}`, data: { command: command.id, ...command.id === stop ? { stop: "1" } : {} }, title: hintOf(command), onclick: () => {
      this.owner.commands.run(command.id);
      this.owner.clicked(command);
    } }, sign(icons[command.id] ?? ellipsis), el("span", { class: worded.includes(command.id) ? "word" : "word spare" }, wordOf(command)))));
    const place = this.owner.place();
    for (const one of [this.at, this.before, this.after]) one.hidden = place === null;
    if (place !== null) {
      fill(this.at, t("{at} of {all}", { at: place.at, all: place.of }));
      const steps = [this.before, this.after];
      const left = steps.find((step) => step === document.activeElement);
      this.before.disabled = place.at <= 1;
      this.after.disabled = place.at >= place.of;
      if (left?.disabled) (steps.find((step) => !step.disabled) ?? left).focus();
    }
    this.fold();
    if (focused === void 0) return;
    this.buttons.querySelector(`[data-command="${focused}"]`)?.focus();
    if (!this.buttons.contains(document.activeElement)) focusHome();
  }
  possible() {
    const all = this.root.closest(".chosen-tools") !== null ? chosen : phone.matches ? byThumb : listed;
    const commands = (ids) => ids.map((id) => this.owner.commands.get(id)).filter(enabled);
    const at = all.indexOf("menu");
    return { shown: commands(all.slice(0, at)), others: commands(all.slice(at + 1)) };
  }
  fold() {
    const buttons = [...this.buttons.children].filter((child) => child instanceof HTMLElement);
    const focused = document.activeElement === this.more;
    const onList = this.root.closest(".chosen-tools") !== null;
    const spare = (button) => button.querySelector(".spare") !== null;
    for (const button of buttons) {
      button.hidden = false;
      button.classList.toggle("bare", !phone.matches && (onList || half.matches && spare(button)));
    }
    const { shown: shown2, others } = this.possible();
    this.more.hidden = others.length === 0;
    const crowded = () => this.buttons.scrollWidth > this.buttons.clientWidth;
    let count = buttons.length;
    this.root.classList.remove("tight");
    this.root.classList.toggle("tight", crowded());
    for (const button of phone.matches ? [] : [...buttons].reverse()) if (crowded() && spare(button)) button.classList.add("bare");
    while (count > 1 && crowded()) {
      this.more.hidden = false;
      count--;
      buttons[count].hidden = true;
    }
    this.folded = [...shown2.slice(count), ...others];
    if (focused) this.more.focus();
    settle(this.root);
  }
};
export {
  Bar,
  Seen,
  addReadingCommands,
  answerBar
};
