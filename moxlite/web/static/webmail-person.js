var grouped;
var collator;
var locale = () => globalThis.moxliteLanguage?.locale;
function byName(one, other) {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}
function byOwner(one, other) {
  return byName(one.owner, other.owner) || byName(one.name, other.name);
}
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

function codeOf(error) {
  return error instanceof Error && "call" in error && "code" in error && typeof error.code === "string" ? error.code : null;
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

var octagonAlert = "M12 16h.01 M12 8v4 M15.312 2a2 2 0 0 1 1.414.586l4.688 4.688A2 2 0 0 1 22 8.688v6.624a2 2 0 0 1-.586 1.414l-4.688 4.688a2 2 0 0 1-1.414.586H8.688a2 2 0 0 1-1.414-.586l-4.688-4.688A2 2 0 0 1 2 15.312V8.688a2 2 0 0 1 .586-1.414l4.688-4.688A2 2 0 0 1 8.688 2z";
var trash2 = "M10 11v6 M14 11v6 M19 6v14a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6 M3 6h18 M8 6V4a2 2 0 0 1 2-2h4a2 2 0 0 1 2 2v2";
var x = "M18 6 6 18 M6 6l12 12";

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
function once(work) {
  let running = false;
  return (event) => {
    event.preventDefault();
    if (running) return;
    running = true;
    const form2 = event.currentTarget;
    form2.ariaBusy = "true";
    void work().finally(() => {
      running = false;
      form2.ariaBusy = null;
    });
  };
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

function adopt(text2) {
  globalThis.moxliteSheets ??= /* @__PURE__ */ new Set();
  const adopted = globalThis.moxliteSheets;
  if (adopted.size === adopted.add(text2).size) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text2}}`);
  document.adoptedStyleSheets.push(sheet);
}

var shown = 1e4;
var most = 3;
function stack() {
  const found = document.querySelector("body > .toasts");
  if (found !== null) return found;
  const made2 = el("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made2);
  return made2;
}
function toast(text2, action, time = shown) {
  const words = el("span", {}, text2);
  let timer = 0;
  let holds = 0;
  const hold = () => {
    holds++;
    clearTimeout(timer);
  };
  const release = () => {
    holds--;
    clearTimeout(timer);
    if (holds === 0 && time > 0 && box.isConnected) timer = window.setTimeout(close, time);
  };
  const close = () => {
    clearTimeout(timer);
    const focused = box.contains(document.activeElement);
    box.remove();
    if (focused) focusHome();
  };
  const box = el("div", { class: "toast", onpointerenter: hold, onpointerleave: release, onfocusin: hold, onfocusout: release }, words, action !== void 0 && el("button", { class: "btn text toast-action", onclick: () => {
    close();
    action.run();
  } }, action.title), time > 0 && el("button", { class: "btn icon small toast-close", "aria-label": t("Close"), onclick: close }, sign(x)));
  if (time > 0) timer = window.setTimeout(close, time);
  const all = stack();
  all.append(box);
  const passing = (one) => one.querySelector(".toast-close") !== null;
  while (all.childElementCount > most) ([...all.children].find(passing) ?? all.firstElementChild)?.remove();
  return { say: (other) => fill(words, other), close };
}

function bookName(one) {
  return one.owner === "" ? isolated(one.name) : `${isolated(one.name)} (${isolated(one.owner)})`;
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

var written2 = /^(\d{4}|-)-(\d\d)-(\d\d)$/;
var leap = 2e3;
function dateField(label, old) {
  const [year, month, day] = written2.exec(old)?.slice(1) ?? ["", "", ""];
  const box = (value, name, most3, kind) => el("input", { class: `dialog-input ${kind}`, value, inputmode: "numeric", maxlength: most3, autocomplete: "off", placeholder: name, "aria-label": `${label}: ${name}` });
  const days = box(day === "" ? "" : String(Number(day)), t("Day"), "2", "date-day");
  const months = el("select", { class: "dialog-input", "aria-label": `${label}: ${t("Month")}` }, el("option", { value: "" }, "–"), Array.from({ length: 12 }, (_, at) => el("option", { value: String(at + 1).padStart(2, "0"), selected: Number(month) === at + 1 }, formatted(new Date(leap, at, 1), "month alone", { month: "long" }))));
  const years = box(year === "-" ? "" : year, meant("date", "Year"), "4", "date-year");
  const group = field(label, el("div", { class: "date-parts", role: "group", "aria-label": label }, days, months, years), t("The year is optional."));
  group.root.addEventListener("input", () => group.problem(""));
  return { root: group.root, read: () => {
    const [d, m, y] = [days.value.trim(), months.value, years.value.trim()];
    if (d === "" && m === "" && y === "") return "";
    const date = new Date(Number(y || leap), Number(m) - 1, Number(d));
    if (m !== "" && /^\d{1,2}$/.test(d) && /^(\d{4})?$/.test(y) && date.getDate() === Number(d)) return `${y || "-"}-${m}-${d.padStart(2, "0")}`;
    group.problem(t("Enter a day and a month."));
    days.focus();
    return null;
  } };
}

var kinds = [["", t("Other")], ["home", t("Private")], ["work", t("Work")], ["mobile", t("Mobile")], ["fax", t("Fax")], ["pager", meant("phone", "Pager")]];
var places = kinds.slice(0, 3);

var person_default = ".person-fields{display:grid;grid-template-columns:minmax(0,1fr);gap:14px;min-width:0;margin:0;padding:0;border:0}.person-photo{margin-bottom:14px;display:flex;flex-wrap:wrap;align-items:center;gap:8px}.person-photo .person-disc,.person-fields>.person-disc{width:64px;height:64px;font-size:20px}.person-photo .error{flex-basis:100%;margin:0}.person-entries{display:grid;grid-template-columns:minmax(0,1fr);gap:6px}.person-entry{display:flex;gap:6px}.person-entry input.dialog-input{flex:1 1 0;width:0;min-width:0}.person-entry select.dialog-input{flex:none;min-width:0;width:120px}.person-address{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:6px;padding-bottom:10px;border-bottom:1px solid var(--border-color)}.person-address .dialog-input{grid-column:span 3;width:100%;min-width:0}.person-address .dialog-input:first-child{grid-column:1 / -1}.person-address select.dialog-input{grid-column:span 5}.person-address .btn{display:grid;place-content:center;justify-self:end;width:44px;min-width:0;height:100%;padding:0;border:0;background:none;color:var(--color-mild)}.person-fields :is(input,select,textarea,button){scroll-margin-bottom:64px}.date-parts{display:grid;grid-template-columns:64px minmax(0,1fr) 88px;gap:6px}.date-parts .dialog-input{width:100%;min-width:0}\n";

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

function face(base, photo, name, key) {
  return el("span", { class: `disc person-disc c${hue(key)}`, "aria-hidden": "true" }, photo === "" ? initials(name) : el("img", { src: `${base}photo/${photo}`, alt: "", loading: "lazy" }));
}

var most2 = 256;
var octets = 128 * 1024;
function photoField(base, photo, name, key) {
  let chosen = null;
  const shown2 = el("span", {});
  const error = el("p", { class: "error", role: "alert", hidden: true });
  const file = el("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", hidden: true });
  const choose = el("button", { class: "btn line", type: "button", onclick: () => file.click() });
  const remove = el("button", { class: "btn line", type: "button", onclick: () => {
    chosen = photo === "" ? null : "";
    draw();
    choose.focus();
  } }, t("Remove photo"));
  const draw = () => {
    const has = chosen === null ? photo !== "" : chosen !== "";
    const disc = face(base, chosen === null ? photo : "", name, key);
    if (chosen) fill(disc, el("img", { src: `data:image/jpeg;base64,${chosen}`, alt: "" }));
    fill(shown2, disc);
    choose.textContent = has ? t("Change photo…") : t("Add photo…");
    remove.hidden = !has;
  };
  file.addEventListener("change", () => {
    const [picture] = file.files ?? [];
    file.value = "";
    if (picture === void 0) return;
    scaled(picture).then((data) => {
      error.hidden = true;
      chosen = data;
      draw();
    }, () => {
      error.hidden = false;
      error.textContent = t("This image can't be displayed.");
    });
  });
  draw();
  return { root: el("div", { class: "person-photo" }, shown2, choose, remove, file, error), read: () => chosen };
}
async function pictureOf(base, photo) {
  if (photo === "") return "";
  const found = await (await fetch(`${base}photo/${photo}`)).blob();
  if (found.size > octets) return scaled(found);
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",", 2)[1]));
    reader.addEventListener("error", () => reject(reader.error ?? new Error(reader.result)));
    reader.readAsDataURL(found);
  });
}
async function scaled(file) {
  const picture = await createImageBitmap(file);
  const by = Math.min(1, most2 / Math.max(picture.width, picture.height));
  const canvas = el("canvas", { width: String(Math.max(1, Math.round(picture.width * by))), height: String(Math.max(1, Math.round(picture.height * by))) });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  for (const quality of [0.85, 0.6, 0.3]) {
    const data = canvas.toDataURL("image/jpeg", quality).split(",", 2)[1];
    if (data.length * 3 / 4 <= octets) return data;
  }
  throw new Error("too large");
}

adopt(person_default);
var noAddress = { kind: "", street: "", extended: "", box: "", city: "", region: "", code: "", country: "" };
var bare = { nickname: "", title: "", department: "", birthday: "", addresses: [], websites: [] };
var empty = { name: "", emails: [], phones: [], organization: "", note: "", groups: [], details: bare };
function kindChoice(offered, old) {
  const kind = el("select", { class: "dialog-input", "aria-label": t("Type") }, offered.map(([name, text2]) => el("option", { value: name }, text2)), !offered.some(([name]) => name === old) && el("option", { value: old }, old));
  kind.value = old;
  return kind;
}
function entries(label, type, old, offered = kinds) {
  const place = el("div", { class: "person-entries" });
  const line = (one) => {
    const value = el("input", { class: "dialog-input", type, value: one.value, dir: "auto", "aria-label": label });
    const kind = kindChoice(offered, one.kind);
    value.addEventListener("input", () => {
      if (value.value !== "" && root === place.lastElementChild) line({ value: "", kind: "" });
    });
    const root = el("div", { class: "person-entry" }, value, kind);
    place.append(root);
  };
  for (const one of [...old, { value: "", kind: "" }]) line(one);
  return { root: el("div", { class: "field" }, el("span", {}, label), place), read: () => [...place.children].map((one) => ({ value: one.querySelector("input").value.trim(), kind: one.querySelector("select").value })).filter(({ value }) => value !== "") };
}
function addressFields(old) {
  const names = [["street", meant("address", "Street")], ["extended", meant("address", "Apartment")], ["box", t("PO box")], ["code", t("Postal code")], ["city", meant("address", "City")], ["region", t("State or region")], ["country", meant("address", "Country")]];
  const place = el("div", { class: "person-entries" });
  const put = (one) => {
    const kind = kindChoice(places, one.kind);
    const inputs = names.map(([name, label]) => [name, el("input", { class: "dialog-input", value: one[name], dir: "auto", maxlength: "1000", placeholder: label, "aria-label": label })]);
    const remove = t("Remove address");
    const root = el("div", { class: "person-address", role: "group", "aria-label": meant("contact", "Address") }, inputs.map(([, input]) => input), kind, el("button", { class: "btn icon", type: "button", title: remove, "aria-label": remove, onclick: () => {
      root.remove();
      add.focus();
    } }, sign(trash2)));
    place.append(root);
    const read2 = () => ({ kind: kind.value, ...Object.fromEntries(inputs.map(([name, input]) => [name, input.value.trim()])) });
    readers.set(root, read2);
    return inputs[0][1];
  };
  const readers = /* @__PURE__ */ new WeakMap();
  const add = el("button", { class: "btn line", type: "button", data: { adds: "" }, onclick: () => put(noAddress).focus() }, t("Add address"));
  for (const one of old) put(one);
  return { root: el("div", { class: "field" }, el("span", {}, meant("contact", "Address")), place, add), read: () => [...place.children].map((one) => readers.get(one)()) };
}
async function edit(page, books, card, first = empty, into = 0, again) {
  const old = card?.form ?? first;
  const here = books.find(({ id }) => id === card?.book_id);
  const writable = books.filter((one) => one.writable);
  const home = here?.id ?? (writable.some(({ id }) => id === into) ? into : writable[0]?.id ?? 0);
  const book = choice(t("Address book"), [...writable].sort(byOwner).map((one) => [String(one.id), bookName(one)]), String(home));
  book.control.className = "dialog-input";
  const text2 = (value, name2) => el("input", { class: "dialog-input", value, dir: "auto", maxlength: "1000", autofocus: name2 === "name" });
  const name = field(t("Name"), text2(old.name, "name"));
  const organization = field(t("Organization"), text2(old.organization, ""));
  const details = old.details ?? bare;
  const job = field(t("Job title"), text2(details.title, ""));
  const department = field(meant("contact", "Department"), text2(details.department, ""));
  const nickname = field(meant("contact", "Nickname"), text2(details.nickname, ""));
  const birthday = dateField(meant("contact", "Birthday"), details.birthday);
  const addresses = addressFields(details.addresses);
  const websites = entries(meant("contact", "Website"), "url", details.websites, places);
  const groups = field(t("Groups"), text2(old.groups.join(", "), ""), t("Separate with commas."));
  const note = field(t("Note"), el("textarea", { class: "dialog-input", rows: "3", dir: "auto", maxlength: "20000", value: old.note }));
  const emails = entries(t("Email"), "email", old.emails);
  const phones = entries(t("Phone"), "tel", old.phones);
  const key = old.emails[0]?.value ?? old.name;
  const photo = photoField(page.base, card?.photo ?? "", old.name, key);
  const title = card === null ? t("New contact") : isolated(old.name);
  return dialog(title, (close) => {
    const save = async () => {
      const born = birthday.read();
      if (born === null) return;
      const form = { name: name.control.value.trim(), emails: emails.read(), phones: phones.read(), organization: organization.control.value.trim(), note: note.control.value, groups: groups.control.value.split(",").map((one) => one.trim()).filter((one) => one !== ""), details: { nickname: nickname.control.value.trim(), title: job.control.value.trim(), department: department.control.value.trim(), birthday: born, addresses: addresses.read(), websites: websites.read() } };
      if (form.name === "" && form.emails.length + form.phones.length === 0 && form.organization === "") {
        name.problem(t("Enter a name or an address."));
        name.control.focus();
        return;
      }
      try {
        const { client, base } = page;
        const wanted = Number(book.control.value) || home;
        const moves = card !== null && wanted !== home;
        const picture = photo.read();
        const former = picture === null ? null : await pictureOf(base, card?.photo ?? "");
        const id = await client.contact_save(form, card?.id ?? 0, card?.changed ?? 0, card === null ? wanted : 0, picture);
        if (moves) await client.contact_move(id, wanted);
        close("saved");
        const now = await client.contact(id).catch(() => null);
        tell(now !== null && (async () => {
          if (card === null) return client.contact_remove(id, now.changed);
          await client.contact_save(old, id, now.changed, 0, former);
          return moves && client.contact_move(id, home);
        }));
      } catch (error) {
        if (codeOf(error) === "user:conflict") name.problem(t("This contact was changed in another window or app. Close this form and open the contact again."));
        else await showError(t("Couldn't save contact"), error);
      }
    };
    const tell = (undo) => {
      const run = () => void attempt(t("Undoing…"), t("Couldn't undo"), async () => {
        if (undo !== false) await undo();
        again?.();
      });
      const words = card === null ? t("Added to your contacts") : t("Contact saved");
      toast(words, undo === false ? void 0 : { title: t("Undo"), run });
    };
    const remove = async () => {
      await attempt(t("Deleting…"), t("Couldn't delete contact"), async () => {
        const gone = await page.client.contact_remove(card.id, card.changed);
        close("removed");
        toast(t("“{name}” deleted", { name: isolated(old.name) }), { title: t("Undo"), run: () => void attempt(t("Restoring…"), t("Couldn't restore contact"), async () => {
          await page.client.contact_restore(gone, card.book_id);
          again?.();
        }) });
      });
    };
    return [el("form", { novalidate: true, onsubmit: once(save) }, photo.root, el("fieldset", { class: "person-fields" }, name.root, emails.root, phones.root, organization.root, job.root, department.root, birthday.root, addresses.root, websites.root, nickname.root, groups.root, writable.length > 1 && book.root, note.root), el("div", { class: "dialog-buttons" }, card !== null && el("button", { class: "danger", type: "button", onclick: () => void remove() }, t("Delete")), el("button", { type: "button", onclick: () => close(null) }, t("Cancel")), el("button", { class: "primary", type: "submit" }, t("Save"))))];
  });
}
async function copyTo(page, card, places2) {
  const done = await dialog(t("Copy “{name}”", { name: isolated(card.form.name) }), (close) => {
    const book = choice(t("Address book"), places2.map((one) => [String(one.id), bookName(one)]), String(places2[0].id));
    book.control.className = "dialog-input";
    const copy = async () => {
      const copied = await attempt(t("Copying…"), t("Couldn't copy contact"), () => page.client.contact_move(card.id, Number(book.control.value), true));
      if (copied) close(true);
    };
    return [el("form", { onsubmit: once(copy) }, book.root, el("div", { class: "dialog-buttons" }, el("button", { class: "btn", type: "button", onclick: () => close(false) }, t("Cancel")), el("button", { class: "btn primary", type: "submit" }, t("Copy"))))];
  });
  return done === true;
}
export {
  copyTo,
  edit,
  empty
};
