// What may be in the editor (WEBMAIL-135): everything that comes into it, pasted, dropped, or from a draft, is read by the browser in a
// document without scripts and pictures, and made anew from a list of elements. No style, class, handler or address of elsewhere is taken over:
// of styles, what the tools of the editor make themselves is known again.

import { alignmentOf, classOf, lettersOf, tabled, widthOf } from "./look";

/** Elements that are made anew, by the names of those that become them. */
const kept: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["B", "I", "U", "S", "CODE", "PRE", "SUB", "SUP", "BLOCKQUOTE", "UL", "OL", "LI", "A", "BR", "DIV"].map((name) => [
      name,
      name,
    ]),
  ),
  CENTER: "DIV",
  CAPTION: "DIV",
  STRONG: "B",
  EM: "I",
  CITE: "I",
  DEL: "S",
  STRIKE: "S",
  TT: "CODE",
  KBD: "CODE",
  SAMP: "CODE",
  P: "DIV",
  H1: "DIV",
  H2: "DIV",
  H3: "DIV",
  H4: "DIV",
  H5: "DIV",
  H6: "DIV",
  TR: "DIV",
  DT: "DIV",
  DD: "DIV",
  ADDRESS: "DIV",
  FIGCAPTION: "DIV",
};

/** Elements without readable text, and those whose text is no text of the message. */
const dropped = new Set([
  "SCRIPT",
  "STYLE",
  "HEAD",
  "TITLE",
  "TEMPLATE",
  "IFRAME",
  "OBJECT",
  "EMBED",
  "SVG",
  "MATH",
  "NOSCRIPT",
  "SELECT",
  "BUTTON",
  "INPUT",
  "TEXTAREA",
  "AUDIO",
  "VIDEO",
  "CANVAS",
  "LINK",
  "META",
]);
const headings = /^H[1-6]$/;
/** The elements of a table of data, by the names of those that become them. */
const tabular: Readonly<Record<string, string>> = {
  ...Object.fromEntries(["TABLE", "TBODY", "TR", "TD", "TH"].map((name) => [name, name])),
  THEAD: "TBODY",
  TFOOT: "TBODY",
};
/** Most cells of a table; a larger one is kept as lines. */
const cells = 2_000;
/** Schemes of links. */
const linked = /^(?:https?|mailto|tel):/i;
/** A picture that was uploaded: its address in a message, and in the editor. */
const picture = /^(?:cid:([\w-]{22})@moxlite\.invalid|upload\/([\w-]{22}))$/;
/** Tags, as far as no ">" is in them. */
const tags = /<\/?[a-z][^<>]*>/gi;
/** A tag without styles and handlers, under another name if it is a sheet, base or link: the page's policy would complain of these. */
const unstyled = (tag: string): string =>
  tag
    .replace(/^(<\/?)style/i, "$1textarea")
    .replace(/^(<\/?)(base|meta|link)\b/i, "$1x-$2")
    .replace(/[\s/"'](style|on\w+)\s*=/gi, " data-$1=")
    .replace(/ data-look=/gi, " data-style=");
/** Most levels that are kept, and characters that are read. */
const [deepest, longest] = [60, 2_000_000];

export interface Cleaned {
  readonly fragment: DocumentFragment;
  /** Number of pictures of other places that were left out. */
  readonly left: number;
  /** Pictures that are in the HTML itself, as `data:` addresses, in their order; the elements wait for their upload. */
  readonly data: { readonly address: string; readonly image: HTMLImageElement }[];
}

/** The HTML, made anew. `signed` is the class of the block that is a signature. */
export function cleaned(html: string, signed: string): Cleaned {
  const fragment = document.createDocumentFragment();
  const found = { fragment, left: 0, data: [] as Cleaned["data"] };
  const source = new DOMParser().parseFromString(html.slice(0, longest).replace(tags, unstyled), "text/html");
  const tables = new Set([...source.querySelectorAll("table")].filter(holdsData));
  walk(source.body, fragment, 0);
  return found;

  function walk(from: Node, into: Node, depth: number): void {
    for (const node of from.childNodes) {
      if (node instanceof Text) {
        if (!/^(?:TABLE|TBODY|TR)$/.test(into.nodeName)) into.appendChild(document.createTextNode(node.data));
      } else if (node.nodeType === Node.ELEMENT_NODE) element(node as Element, into, depth);
    }
  }

  function element(node: Element, into: Node, depth: number): void {
    const name = node.nodeName.toUpperCase();
    if (dropped.has(name)) return;
    if (name === "IMG") {
      image(node, into);
      return;
    }
    const made = depth < deepest ? make(node, name) : null;
    if (made === null) {
      walk(node, into, Math.min(depth + 1, deepest));
      if (name === "TD" || name === "TH") into.appendChild(document.createTextNode(" "));
      return;
    }
    if (name === "CAPTION" && into.nodeName === "TABLE") return;
    const inner = inside(made, node, name);
    if (made.nodeName === "TABLE") for (const title of node.querySelectorAll("caption")) walk(title, into, depth + 1);
    walk(node, inner, depth + 1);
    if (made.nodeName === "TD" || made.nodeName === "TH") block(made);
    into.appendChild(made);
  }

  /** The element that this one becomes, null for its content alone. */
  function make(node: Element, name: string): HTMLElement | null {
    const style = node.getAttribute("data-style") ?? "";
    // documents of Google are in a <b> that is not bold
    if (name === "B" && /(?:^|[\s;])font-weight\s*:\s*normal/i.test(style)) return null;
    const becomes =
      (tables.has(node.closest("table")!) ? tabular[name] : undefined) ??
      kept[name] ??
      (name === "SPAN" || name === "FONT" ? marked(style) : undefined);
    if (becomes === undefined) return null;
    const made = document.createElement(becomes);
    if (tabular[becomes] !== undefined) {
      tabled(made);
      for (const span of ["colspan", "rowspan"]) {
        const value = Math.trunc(Number(node.getAttribute(span)));
        if (value > 1 && value <= 100) made.setAttribute(span, String(value));
      }
      return made;
    }
    const align = becomes === "DIV" || becomes === "LI" ? alignmentOf(node, style) : "";
    if (align !== "" || name === "CENTER") made.dataset["look"] = align || "text-align:center";
    if (becomes === "A") {
      const href = node.getAttribute("href")?.trim() ?? "";
      if (!linked.test(href) || href.length > 4000) return null;
      made.setAttribute("href", href);
    }
    if (becomes === "DIV" && node.classList.contains(signed)) made.className = signed;
    const dir = node.getAttribute("dir");
    if (dir === "rtl" || dir === "ltr") made.setAttribute("dir", dir);
    return made;
  }

  function image(node: Element, into: Node): void {
    const address = node.getAttribute("src")?.trim() ?? "";
    const [, inMail, here] = picture.exec(address) ?? [];
    const id = inMail ?? here;
    const inData = /^data:image\/(?:png|jpeg|gif|webp|avif|bmp);base64,/i.test(address);
    if (id === undefined && !inData) {
      if (address !== "") found.left++;
      return;
    }
    const made = document.createElement("img");
    made.alt = (node.getAttribute("alt") ?? "").slice(0, 1000);
    const width = widthOf(node);
    if (width > 0) made.setAttribute("width", String(width));
    if (id === undefined) found.data.push({ address, image: made });
    else made.setAttribute("src", `upload/${id}`);
    into.appendChild(made);
  }
}

/** Elements of letters, by the styles that say the same. */
const styles: readonly (readonly [string, RegExp])[] = [
  ["B", /(?:^|[\s;])font-weight\s*:\s*(?:bold|[6-9]00)/i],
  ["I", /font-style\s*:\s*italic/i],
  ["U", /text-decoration(?:-line)?\s*:[^;]*underline/i],
  ["S", /text-decoration(?:-line)?\s*:[^;]*line-through/i],
];

/** The element for letters with a style that is kept. */
function marked(style: string): string | undefined {
  return styles.find(([, one]) => one.test(style))?.[0] ?? (lettersOf(style).length > 0 ? "SPAN" : undefined);
}

/** The node that takes the content: headings are bold, and letters may have several styles. */
function inside(made: HTMLElement, node: Element, name: string): Node {
  if (headings.test(name)) return made.appendChild(document.createElement("b"));
  if (!/^(?:SPAN|FONT|B|STRONG)$/.test(name)) return made;
  const style = node.getAttribute("data-style") ?? "";
  let inner = made;
  for (const [tag, one] of styles)
    if (tag !== made.nodeName && one.test(style)) inner = inner.appendChild(document.createElement(tag));
  for (const [kind, look] of lettersOf(style)) {
    if (inner.nodeName !== "SPAN" || inner.className !== "") inner = inner.appendChild(document.createElement("span"));
    inner.className = classOf(kind, look);
    inner.dataset["look"] = look;
  }
  return inner;
}

/** Whether a table holds data, and is not the layout of a page. */
function holdsData(table: HTMLTableElement): boolean {
  return (
    table.getAttribute("role") !== "presentation" &&
    table.querySelector("table") === null &&
    [...table.rows].some((row) => row.cells.length > 1) &&
    table.querySelectorAll("td, th").length <= cells
  );
}

/** Put the text of a cell into blocks. */
function block(cell: HTMLElement): void {
  let line: HTMLElement | null = null;
  for (const child of [...cell.childNodes]) {
    if (/^(?:DIV|UL|OL|BLOCKQUOTE|PRE)$/.test(child.nodeName)) line = null;
    else if (line !== null) line.append(child);
    else if (child.textContent?.trim() !== "" || child.nodeName !== "#text") {
      line = document.createElement("div");
      child.replaceWith(line);
      line.append(child);
    } else child.remove();
  }
  if (cell.childNodes.length === 0) cell.append(document.createElement("div"));
}
