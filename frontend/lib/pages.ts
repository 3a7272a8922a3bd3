// Parts of pages: the shell with its side bar, heads, cards, tabs, tables, buttons that copy.

import { hue, initials } from "./disc";
import { brand, type Child, el, fill, isolated, sign } from "./dom";
import { check, copy, menu } from "./icons";
import { t } from "./words";

/** A place in the side bar, with a line that says what it is for. Its pages are tabs, by name and title; the first is shown first,
 * and one without a title is reached from another. */
export interface Place {
  readonly title: string;
  readonly icon: string;
  readonly about: string;
  readonly pages: readonly (readonly [name: string, title: string])[];
}

/** The frame of an app: side bar, on phones a bar with a drawer, and the page in `main`. */
export class Shell {
  readonly main = el("main", { tabindex: "-1", data: { home: "" } });
  readonly root: HTMLElement;
  private readonly links = new Map<Place, HTMLAnchorElement>();
  private readonly counts = new Map<string, HTMLElement>();
  private readonly side: HTMLElement;
  private readonly opener: HTMLButtonElement;
  private scrim: HTMLElement | null = null;

  /** `app` names the app, `foot` is at the bottom of the side bar, `above` above the places. */
  constructor(
    app: string,
    label: string,
    private readonly places: readonly Place[],
    foot: Child,
    above: Child = null,
  ) {
    for (const place of places) {
      const count = el("span", { class: "count" });
      for (const [name] of place.pages) this.counts.set(name, count);
      this.links.set(
        place,
        el(
          "a",
          { class: "nav", href: `#${place.pages[0]![0]}`, onclick: () => this.close() },
          sign(place.icon),
          el("span", {}, place.title, place.about !== "" && [" ", el("small", {}, place.about)]),
          count,
        ),
      );
    }
    this.side = el(
      "nav",
      { class: "side", id: "side", "aria-label": label },
      brand(app),
      above,
      [...this.links.values()],
      el("div", { class: "foot" }, foot),
    );
    this.side.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.opener = el(
      "button",
      {
        class: "btn icon",
        "aria-label": t("Pages"),
        title: t("Pages"),
        "aria-expanded": "false",
        "aria-controls": "side",
        onclick: () => this.open(),
      },
      sign(menu),
    );
    const top = el("header", { class: "shell-top" }, this.opener, el("b", {}, `moxlite ${app}`));
    this.root = el("div", { class: "shell" }, this.side, top, this.main);
  }

  /** Show a page in its place, below the tabs of the place. A heading that says no more than its tab is for screen readers. */
  show(name: string, root: HTMLElement): void {
    const place = this.places.find(({ pages }) => pages.some(([page]) => page === name)) ?? this.places[0]!;
    for (const [other, link] of this.links) {
      if (other === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const pages = place.pages.filter(([, title]) => title !== "");
    if (pages.length > 1) {
      const heading = root.querySelector("h1");
      if (pages.some(([, title]) => title === heading?.textContent)) heading?.classList.add("sr");
      // the tabs of the page itself stay where they are, whatever its head has
      const own = root.querySelector(":scope > .tabs") ?? "";
      root.prepend(
        el("p", { class: "place" }, place.title),
        tabs(
          place.title,
          pages.map(([page, title]) => [`#${page}`, title, page === name]),
        ),
        own,
      );
    }
    fill(this.main, root);
  }

  /** Show a number at the place of a page; "" for none. */
  count(name: string, text: string): void {
    const found = this.counts.get(name);
    if (found !== undefined) found.textContent = text;
  }

  private open(): void {
    this.root.classList.add("open");
    this.opener.setAttribute("aria-expanded", "true");
    this.scrim = el("button", { class: "shell-scrim", "aria-label": t("Close"), onclick: () => this.close() });
    this.root.append(this.scrim);
    this.links.values().next().value?.focus();
  }

  private close(): void {
    if (this.scrim === null) return;
    this.scrim.remove();
    this.scrim = null;
    this.root.classList.remove("open");
    this.opener.setAttribute("aria-expanded", "false");
    this.opener.focus();
  }
}

/** The head of a page: its title, and buttons at the right. The title takes the focus when the page is shown. */
export function head(title: Child, hint: Child, ...actions: Child[]): HTMLElement {
  const words =
    (typeof hint === "string" && hint !== "") || Array.isArray(hint) ? el("p", { class: "hint" }, hint) : hint;
  return el(
    "header",
    {},
    el("h1", { tabindex: "-1" }, title),
    el("span", { class: "grow" }),
    el("div", { class: "actions" }, actions),
    words,
  );
}

/** A card with a title; `flush` for lists and tables that reach its edges. */
export function card(
  title: string,
  content: Child,
  options: { flush?: boolean; hint?: Child; actions?: Child } = {},
): HTMLElement {
  const { flush = false, hint, actions } = options;
  const top =
    title === ""
      ? null
      : el(
          "header",
          {},
          el("h2", {}, title),
          actions && el("div", { class: "actions" }, actions),
          typeof hint === "string" ? el("p", { class: "hint" }, hint) : hint,
        );
  return el(
    "section",
    { class: flush ? "card flush" : "card", "aria-label": title === "" ? undefined : title },
    top,
    content,
  );
}

/** Links to the parts of a page: address, title, and whether it is shown. Where they do not fit, the shown one is scrolled into view. */
export function tabs(
  label: string,
  links: readonly (readonly [href: string, title: string, on: boolean])[],
): HTMLElement {
  const made = el(
    "nav",
    { class: "tabs", "aria-label": label },
    links.map(([href, title, on]) => el("a", { href, "aria-current": on ? "page" : undefined }, title)),
  );
  requestAnimationFrame(() => {
    const shown = made.querySelector<HTMLElement>("[aria-current]");
    if (shown !== null)
      made.scrollLeft = shown.offsetLeft - made.offsetLeft - (made.clientWidth - shown.offsetWidth) / 2;
  });
  return made;
}

/** A column: its title, and how a row's cell is made. `kind` is "main" for what a record begins with, "num" for numbers, "top"
 * for buttons, which records show in their corner. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Child;
  readonly kind?: "main" | "num" | "top";
}

/** A table; below 701 px each row is a record. `each` may add to a row's element. */
export function table<Row>(
  label: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  each?: (tr: HTMLTableRowElement, row: Row) => void,
): HTMLTableElement {
  const body = rows.map((row) => {
    const cells = columns.map((column) => {
      const labelled = column.kind === undefined || column.kind === "num";
      const cell = el(
        "td",
        { class: column.kind, data: labelled && column.title !== "" ? { label: column.title } : undefined },
        wrapped(column.cell(row)),
      );
      // words as long as most addresses stay whole; no word makes the table wider than its card
      const text = cell.textContent;
      cell.className += /\S{30}/.test(text) ? " long" : /\S{25}/.test(text) ? "" : " fit";
      return cell;
    });
    const tr = el("tr", {}, cells);
    each?.(tr, row);
    return tr;
  });
  const titles = columns.map((column) =>
    el(
      "th",
      { class: column.kind, scope: "col" },
      column.title === "" ? el("span", { class: "sr" }, t("Actions")) : column.title,
    ),
  );
  return el(
    "table",
    { class: "records", "aria-label": label },
    el("thead", {}, el("tr", {}, titles)),
    el("tbody", {}, body),
  );
}

/** One child, as a record puts label and value into two columns. */
function wrapped(child: Child): Child {
  return Array.isArray(child) || typeof child === "string" ? (child.length > 0 ? el("div", {}, child) : null) : child;
}

/** Terms and their values. */
export function pairs(entries: readonly (readonly [term: string, value: Child])[]): HTMLElement {
  return el(
    "dl",
    { class: "pair" },
    entries.map(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]),
  );
}

/** A button with an icon and a word. */
export function button(
  title: string,
  run: () => void,
  options: { icon?: string; kind?: string; name?: string } = {},
): HTMLButtonElement {
  const { icon, kind = "line", name } = options;
  return el(
    "button",
    { class: `btn ${kind}`, type: "button", "aria-label": name, onclick: run },
    icon !== undefined && sign(icon, kind.includes("small") ? "i s" : "i"),
    title,
  );
}

/** A button that is an icon alone; its name is for the title and screen readers. */
export function iconButton(name: string, path: string, run: (event: Event) => void): HTMLButtonElement {
  return el(
    "button",
    { class: "btn icon small", type: "button", "aria-label": name, title: name, onclick: run },
    sign(path, "i s"),
  );
}

/** A button that puts a text on the clipboard, and says so for two seconds. `word` for a button with a word. */
export function copyButton(value: () => string, word = ""): HTMLButtonElement {
  const said = el("span", { class: "sr", role: "status" });
  const face = el("span", { class: "flex" });
  const show = (path: string, text: string) => fill(face, sign(path, "i s"), word !== "" && text);
  const made = el(
    "button",
    {
      class: word === "" ? "btn icon small" : "btn line",
      type: "button",
      title: t("Copy"),
      "aria-label": word === "" ? t("Copy") : undefined,
    },
    face,
    said,
  );
  let timer = 0;
  made.addEventListener("click", async () => {
    await toClipboard(value());
    show(check, t("Copied"));
    said.textContent = t("Copied");
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      show(copy, word);
      said.textContent = "";
    }, 2000);
  });
  show(copy, word);
  return made;
}

/** Put a text on the clipboard. Over plain http, as through an ssh tunnel by another name than localhost, browsers give pages
 * no clipboard; there the text is selected and copied. */
async function toClipboard(value: string): Promise<void> {
  if (isSecureContext) {
    await navigator.clipboard.writeText(value);
    return;
  }
  const area = el("textarea", { readonly: true, "aria-hidden": "true" });
  area.value = value;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A value with a button that copies it. */
export function copyable(value: string): HTMLElement {
  return el(
    "span",
    { class: "copy" },
    el("code", {}, value),
    copyButton(() => value),
  );
}

/** Text of strangers: isolated from the text around it, direction controls and control characters visible, cut after `most`
 * characters with the rest on demand. */
export function foreign(value: string, most = 300): HTMLElement {
  const shown = visible(value);
  if (shown.length <= most) return el("bdi", {}, shown);
  const words = el("bdi", {}, `${shown.slice(0, most)}…`);
  const more = el(
    "button",
    {
      class: "btn text small",
      type: "button",
      onclick: () => {
        fill(words, shown);
        rest.remove();
      },
    },
    t("Show all"),
  );
  const rest = el("span", {}, " ", more);
  return el("span", { class: "foreign" }, words, rest);
}

/** Text of strangers within a button or link, where "Show all" cannot be: isolated and visible, cut after `most` characters. */
export function brief(value: string, most = 200): HTMLElement {
  const shown = visible(value);
  return el("bdi", {}, shown.length <= most ? shown : `${shown.slice(0, most)}…`);
}

/** Text with control characters and direction controls written out. */
export function visible(value: string): string {
  return isolated(value).replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\ufeff]/g,
    (sign) => `[U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`,
  );
}

/** The disc of an address or name: two letters in one of eight hues. */
export function disc(key: string, name: string): HTMLElement {
  return el("span", { class: `disc c${hue(key)}`, "aria-hidden": "true" }, initials(name));
}

/** How full something is, 0 to 1; in another colour from 0.9 on. The figures are in the text beside it. */
export function meter(share: number): HTMLElement {
  const bar = el("i", { class: share >= 0.9 ? "warn" : undefined });
  bar.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
  return el("div", { class: "meter", "aria-hidden": "true" }, bar);
}
