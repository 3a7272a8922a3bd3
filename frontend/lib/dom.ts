// Building elements. Text always becomes text nodes, and styles are set through CSSOM only, because the pages' policy allows
// nothing else.

export type Child = Node | string | null | undefined | false | Child[];

type Handlers = { [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void };

export interface Attributes extends Handlers {
  class?: string;
  title?: string;
  data?: Record<string, string>;
  [name: string]: unknown;
}

/** Attributes that people read or hear. */
const read = new Set(["title", "aria-label", "placeholder", "alt"]);

/** An element with attributes, listeners (`onclick`, ...) and children. Attributes that are false, null or undefined are left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value as EventListener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (tag === "textarea" && name === "value") {
      element.textContent = String(value); // it has no such attribute
    } else {
      element.setAttribute(name, value === true ? "" : read.has(name) ? written(String(value)) : String(value));
    }
  }
  append(element, children);
  return element;
}

/** Append children; texts become text nodes. */
export function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else if (typeof child === "string")
      parent.appendChild(child.length > 0 ? text(child) : document.createTextNode(""));
    else parent.appendChild(child);
  }
}

/** Replace the children of an element. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

/** The element with this id, which our document always contains. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no element #${id}`);
  return found;
}

const ascii = /^[\t\n\x20-\x7e]*$/;
const controls = /\r(?!\n)|[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const scripts =
  /(\p{sc=Latin}+)|(\p{sc=Greek}+)|(\p{sc=Cyrillic}+)|(\p{sc=Armenian}+)|(\p{sc=Hebrew}+)|(\p{sc=Arabic}+)|([\s\S])/gu;
const mixable = /[\p{L}]/u;

/** Text with its control characters written out, such as U+001B or U+202E (UAX #9 §2), but for those that only part words and
 * lines. Elements have it for each text: a stranger's text must not move the text around it. */
export function written(value: string): string {
  return ascii.test(value)
    ? value
    : value.replace(controls, (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** Text as nodes. Within a word, letters of another script than the ones before are marked, so that look-alikes are visible. */
export function text(value: string): Node {
  if (ascii.test(value)) return document.createTextNode(value);
  const fragment = document.createDocumentFragment();
  let plain = "";
  let last = 0;
  for (const match of written(value).matchAll(scripts)) {
    const piece = match[0];
    const kind = match.slice(1, 7).findIndex((group) => group !== undefined) + 1;
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

const bidiControls = /[\u202a-\u202e\u2066-\u2069]/g;

/** Text from outside, with bidirectional controls written out (UAX #9 §2), such as U+202E. The two direction marks, U+200E and
 * U+200F, have no effect on surrounding text and stay. */
export function isolated(value: string): string {
  return value.replace(bidiControls, (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase()}]`);
}

/** A whole text, with an element in the place of each name in braces, such as `{time}`. */
export function placed(text: string, elements: Readonly<Record<string, HTMLElement>>): (HTMLElement | string)[] {
  return text.split(/(\{\w+\})/).map((part) => elements[part.slice(1, -1)] ?? part);
}

function mark(value: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "scriptswitch";
  element.textContent = value;
  return element;
}

/** An icon from one path in a box of 16 by 16, in the colour of the surrounding text. */
export function icon(path: string, name = "icon"): SVGElement {
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

/** An icon of lib/icons.ts: 20 px high, or 16 px with the class "i s". */
export function sign(path: string, name = "i"): SVGElement {
  const svg = icon(path, name);
  svg.setAttribute("viewBox", "0 0 24 24");
  return svg;
}

/** The name of the program with its icon. */
export function brand(app = ""): HTMLElement {
  return el(
    "div",
    { class: "brand" },
    icon("M1 3.5h14v9.5H1z M14.7 4L8 9.2 1.3 4", "brand-mark"),
    el("span", {}, "moxlite", app !== "" && el("small", {}, ` ${app}`)),
  );
}
