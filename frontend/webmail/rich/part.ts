// The editor of HTML: Squire with our rules of what may be in it, its tools, and pictures that are uploaded (WEBMAIL-135).

import type { Client, Uploaded } from "../../gen/webmail";
import { withKey } from "../../lib/commands";
import { ask } from "../../lib/dialogs";
import { el, sign } from "../../lib/dom";
import {
  alignLeft,
  baseline,
  bold,
  code,
  image,
  italic,
  letterSize,
  link,
  list,
  listOrdered,
  quote,
  redo2,
  removeFormatting,
  smile,
  strikethrough,
  table,
  underline,
  undo2,
} from "../../lib/icons";
import { openMenu, openMenuAt } from "../../lib/menu";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { moveWithin, settle as settleBar } from "../../lib/toolbar";
import { withoutPlace } from "../../lib/photoplace";
import { FileUpload } from "../../lib/upload";
import { many, meant, t } from "../../lib/words";
import type { Squire as Editor } from "../squire/part";
import { cleaned } from "./clean";
import { emoji } from "./emoji";
import { openGrid } from "./grid";
import { alignments, type Choice, classOf, inks, kinds, largest, markers, sizes, styled, widths } from "./look";
import sheet from "./rich.css";
import { atEnd, cellOf, changes, look, neighbour, newTable } from "./table";

adopt(sheet);

export interface Surroundings {
  readonly client: Pick<Client, "csrfToken" | "again">;
  /** Path of the app. */
  readonly base: string;
  changed(): void;
  note(text: string): void;
  say(text: string): void;
  /** Whether there may be pictures: a signature has none, since uploads are kept for a day. */
  readonly pictures?: boolean;
}

/** An open editor. */
export interface Rich {
  readonly root: HTMLElement;
  readonly tools: HTMLElement;
  /** The HTML as it is sent: uploaded pictures have `cid:` addresses. */
  html(): string;
  text(): string;
  /** Ids of the uploads that are shown. */
  pictures(): string[];
  /** Number of pictures that are being uploaded. */
  pending(): number;
  focus(): void;
  /** Put HTML at the cursor. */
  insert(html: string): void;
  /** Put HTML at the end. */
  add(html: string): void;
  /** Put HTML in the place of all. */
  put(html: string): void;
  /** Exchange the signature, if it is still `before`. */
  exchange(before: string, after: string): void;
  /** Take pictures; returns the other files. */
  take(files: readonly File[]): File[];
  close(): void;
}

const signed = "moxlite-signature";
/** Attempts to send a picture, in about a minute. */
const mostAttempts = 6;

const pictureTypes = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;
const inHTML = /(<img [^<>]*?src=")upload\/([\w-]{22})"/g;

/** Open an editor with this HTML. */
export function openEditor(
  Squire: typeof Editor,
  html: string,
  { client, base, changed, note, say, pictures = true }: Surroundings,
): Rich {
  let pending = 0;
  let closed = false;
  let waited = 0;
  const uploads = new Set<FileUpload>();
  /** Ids of uploaded pictures of pasted HTML, by their numbers; "" of those that failed. */
  const sent = new Map<string, string>();
  /** Uploaded photos that say where they were taken, without it, by the ids of these; then the ids that are shown in their place. */
  const unplaced = new Map<string, File>();
  const replaced = new Map<string, string>();
  const root = el("div", {
    class: "compose-text compose-rich",
    role: "textbox",
    "aria-multiline": "true",
    "aria-label": t("Text"),
    dir: "auto",
    spellcheck: "true",
  });
  // Squire learns of the cursor by an event that comes later, and takes none from an editor without the focus. This has to
  // be heard before its own listener.
  root.addEventListener("blur", () => void editor.getSelection(), true);
  const editor = new Squire(root, {
    blockTag: "DIV",
    undo: { documentSizeThreshold: 500_000, undoLimit: 100 },
    tagAttributes: {},
    didError: (error: unknown) => {
      throw error;
    },
    sanitizeToDOMFragment: (text: string) => clean(text),
  });
  // pictures have the sizes of their menu: the handles would need styles, which this page does not take
  editor._imageResizer.destroy();
  editor.setHTML(html);
  editor.addEventListener("input", changed);
  editor.addEventListener("undoStateChange", ((event: CustomEvent<{ canUndo: boolean; canRedo: boolean }>) => {
    backButton.disabled = !event.detail.canUndo;
    againButton.disabled = !event.detail.canRedo;
    settleBar(tools);
    arrived();
  }) as unknown as (event: Event) => void);
  editor.addEventListener("pathChange", () => show());
  editor.addEventListener("select", () => show());
  editor.addEventListener("pasteImage", ((event: CustomEvent<{ clipboardData: DataTransfer }>) =>
    take([...event.detail.clipboardData.files])) as unknown as (event: Event) => void);
  // what the browser would put in by itself has not been looked at
  root.addEventListener("beforeinput", (event) => {
    if (/^insertFrom(?:Drop|Paste)/.test(event.inputType)) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("a") !== null) event.preventDefault();
    if (event.target instanceof HTMLImageElement) offerPicture(event.target);
  });

  function clean(text: string): DocumentFragment {
    const found = cleaned(text, signed);
    if (!pictures) {
      for (const one of found.fragment.querySelectorAll("img")) one.remove();
      return found.fragment;
    }
    if (found.left > 0)
      say(many(found.left, "Skipped {n} image from another site.", "Skipped {n} images from other sites."));
    for (const { address, image: waiting } of found.data) {
      const number = String(++waited);
      waiting.dataset["waits"] = number;
      const settle = (id: string) => {
        sent.set(number, id);
        arrived();
        changed();
      };
      void upload(fileOf(address)).then(settle, () => settle(""));
    }
    return found.fragment;
  }

  /** Show the pictures of pasted HTML that have been uploaded, and remove those that failed; show photos without their places: also in
   * what undo brings back. */
  function arrived(): void {
    for (const waiting of root.querySelectorAll<HTMLImageElement>("img[data-waits]")) {
      const id = sent.get(waiting.dataset["waits"]!);
      if (id === undefined) continue;
      if (id === "") waiting.remove();
      else waiting.setAttribute("src", `upload/${id}`);
      delete waiting.dataset["waits"];
    }
    for (const photo of root.querySelectorAll("img")) {
      const id = replaced.get(idOf(photo));
      if (id !== undefined) photo.setAttribute("src", `upload/${id}`);
    }
  }

  /** Say that an uploaded photo tells where it was taken, if it does, with a button that puts the photo without it in its place. */
  async function offerPlace(file: File, id: string): Promise<void> {
    const photo = await withoutPlace(file).catch(() => null);
    if (photo === null || closed) return;
    unplaced.set(id, photo);
    toast(
      t("This photo says where it was taken"),
      { title: t("Remove location"), run: () => void removePlace(id) },
      60_000,
    );
  }

  async function removePlace(id: string): Promise<void> {
    const photo = unplaced.get(id);
    if (photo === undefined || closed) return;
    unplaced.delete(id);
    try {
      replaced.set(id, await upload(photo));
    } catch {
      unplaced.set(id, photo);
      return;
    }
    arrived();
    changed();
  }

  async function upload(file: File): Promise<string> {
    pending++;
    note(t("Uploading image…"));
    const picture = new FileUpload(base, client, file, file.name || t("image.png"));
    uploads.add(picture);
    let [failed, reason] = [0, ""];
    try {
      const { upload_id } = await picture.send<Uploaded>({
        progress: () => {},
        stuck(why, refused) {
          if (why !== "") reason = why;
          if (refused || (why !== "" && ++failed > mostAttempts)) picture.abort();
        },
      });
      note("");
      void offerPlace(file, upload_id);
      return upload_id;
    } catch (error) {
      const words = t("Couldn't upload image: {why}", { why: reason });
      note(closed ? "" : words);
      if (!closed) toast(words, { title: t("Try again"), run: () => take([file]) }, 60_000);
      throw error;
    } finally {
      uploads.delete(picture);
      pending--;
    }
  }

  function take(files: readonly File[]): File[] {
    if (!pictures) return [...files];
    for (const file of files.filter((one) => pictureTypes.test(one.type))) {
      upload(file).then(
        (id) => {
          if (closed) return;
          const made = editor.insertImage(`upload/${id}`, { alt: file.name });
          made.addEventListener("load", () => {
            if (made.naturalWidth > largest && !made.hasAttribute("width")) made.setAttribute("width", String(largest));
          });
        },
        () => {},
      );
    }
    return files.filter((one) => !pictureTypes.test(one.type));
  }

  const picker = el("input", {
    type: "file",
    accept: "image/png,image/jpeg,image/gif,image/webp,image/avif,image/bmp",
    multiple: true,
    hidden: true,
    onchange: () => {
      take([...(picker.files ?? [])]);
      picker.value = "";
    },
  });
  const within = (tag: string) =>
    new RegExp(`(?:^|>)${tag}(?:[>.#\\[]|$)`).test(editor.getPath()) || editor.hasFormat(tag);
  const toggles: [string, string, string, () => boolean, (on: boolean) => unknown][] = [
    [bold, t("Bold"), "ctrl b", () => editor.hasFormat("B"), (on) => (on ? editor.removeBold() : editor.bold())],
    [
      italic,
      t("Italic"),
      "ctrl i",
      () => editor.hasFormat("I"),
      (on) => (on ? editor.removeItalic() : editor.italic()),
    ],
    [
      underline,
      t("Underline"),
      "ctrl u",
      () => editor.hasFormat("U"),
      (on) => (on ? editor.removeUnderline() : editor.underline()),
    ],
    [
      strikethrough,
      t("Strikethrough"),
      "ctrl shift 7",
      () => editor.hasFormat("S"),
      (on) => (on ? editor.removeStrikethrough() : editor.strikethrough()),
    ],
    [
      list,
      meant("format", "List"),
      "ctrl shift 8",
      () => within("UL"),
      (on) => (on ? editor.removeList() : editor.makeUnorderedList()),
    ],
    [
      listOrdered,
      t("Numbered list"),
      "ctrl shift 9",
      () => within("OL"),
      (on) => (on ? editor.removeList() : editor.makeOrderedList()),
    ],
    [
      quote,
      t("Quote"),
      "ctrl ]",
      () => within("BLOCKQUOTE"),
      (on) => (on ? editor.decreaseQuoteLevel() : editor.increaseQuoteLevel()),
    ],
    [code, meant("format", "Code"), "ctrl d", () => within("(?:CODE|PRE)"), () => editor.toggleCode()],
    [link, t("Link"), "ctrl k", () => editor.hasFormat("A"), () => void chooseLink()],
  ];
  const buttons = toggles.map(([path, title, key, active, run]) => {
    const button = tool(path, withKey(title, key), title, () => {
      run(active());
      editor.focus();
      show();
    });
    return { button, active };
  });
  const [letterTools, blockTools] = [buttons.slice(0, 4), buttons.slice(4)];
  const backButton = tool(undo2, withKey(t("Undo"), "ctrl z"), t("Undo"), () => editor.undo());
  const againButton = tool(redo2, withKey(t("Redo"), "ctrl shift z"), t("Redo"), () => editor.redo());
  backButton.disabled = againButton.disabled = true;
  const named = (path: string, title: string, run: (button: HTMLButtonElement) => void) => {
    const button = tool(path, title, title, () => run(button));
    button.setAttribute("aria-haspopup", "menu");
    return button;
  };
  const tools = el(
    "div",
    { class: "compose-tools", role: "toolbar", "aria-label": t("Formatting") },
    letterTools.map(({ button }) => button),
    named(baseline, t("Color"), chooseColour),
    named(letterSize, t("Size"), chooseSize),
    named(alignLeft, t("Alignment"), chooseAlignment),
    blockTools.map(({ button }) => button),
    ...(pictures ? [named(image, t("Image"), choosePicture)] : []),
    named(table, t("Table"), chooseTable),
    named(smile, t("Emoji"), chooseEmoji),
    tool(removeFormatting, t("Remove formatting"), t("Remove formatting"), () => {
      editor.removeAllFormatting();
      editor.focus();
    }),
    backButton,
    againButton,
    picker,
  );

  /** What a menu does with the text that is chosen now: the menu takes the focus. */
  function kept(run: () => void): () => void {
    const range = editor.getSelection().cloneRange();
    return () => {
      editor.setSelection(range);
      editor.focus();
      run();
      editor.focus();
      show();
      changed();
    };
  }

  /** Give the chosen letters a look, in place of another of its kind. */
  function letters(kind: string, choices: readonly Choice[], look: string): void {
    const format = (one: string) => ({ tag: "SPAN", attributes: { class: classOf(kind, one), "data-look": one } });
    const range = editor.getSelection();
    const at = range.startContainer;
    const former = (at instanceof Element ? at : at.parentElement)?.closest(`.${kind}`) ?? null;
    if (look === "" || !range.collapsed || former === null || !root.contains(former)) {
      for (const [, one] of choices)
        if (one !== look && root.querySelector(`[data-look="${one}"]`) !== null) editor.changeFormat(null, format(one));
      if (look !== "") editor.changeFormat(format(look), null);
      return;
    }
    // between letters with another look: Squire would leave the cursor in it
    editor.saveUndoState(range);
    range.setEndAfter(former);
    const rest = range.extractContents();
    const fresh = el("span", { class: classOf(kind, look), data: { look } }, "\u200b");
    former.after(fresh, ...(rest.textContent === "" ? [] : [rest]));
    range.setStart(fresh.firstChild!, 1);
    range.collapse(true);
    editor.setSelection(range);
  }

  const has = (kind: string, look: string) => {
    const at = editor.getSelection().startContainer;
    const found = (at instanceof Element ? at : at.parentElement)?.closest(`.${kind}`);
    return (found instanceof HTMLElement && root.contains(found) ? found.dataset["look"] : "") === look;
  };

  function chooseColour(button: HTMLElement): void {
    const cells = (kind: string, choices: readonly Choice[]) =>
      choices.map(([name, look]) => ({
        name,
        content: el("span", { class: "compose-rich swatch", "aria-hidden": "true" }, swatch(look)),
        chosen: has(kind, look),
        run: kept(() => letters(kind, choices, look)),
      }));
    openGrid(button, t("Color"), 8, [
      [t("Text color"), cells(kinds.ink, inks)],
      [t("Highlight"), cells(kinds.marker, markers)],
    ]);
  }

  function chooseSize(button: HTMLElement): void {
    const size = ([title, look]: Choice) => ({ id: look, title, run: kept(() => letters(kinds.size, sizes, look)) });
    openMenu(button, t("Size"), sizes.map(size));
  }

  function chooseAlignment(button: HTMLElement): void {
    const align = ([title, look]: Choice) => ({
      id: look,
      title,
      run: kept(() => {
        editor.forEachBlock((block) => {
          if (look === "") delete block.dataset["look"];
          else block.dataset["look"] = look;
        }, true);
      }),
    });
    openMenu(button, t("Alignment"), alignments.map(align));
  }

  function chooseEmoji(button: HTMLElement): void {
    const cells = [...emoji].map((one) => ({
      name: one,
      content: one,
      run: kept(() => void editor.insertPlainText(one, false)),
    }));
    openGrid(button, t("Emoji"), 9, [["", cells]]);
  }

  function choosePicture(button: HTMLElement): void {
    const range = editor.getSelection();
    const chosen = range.cloneContents().querySelectorAll("img");
    const at = range.startContainer.childNodes[range.startOffset];
    if (chosen.length === 1 && at instanceof HTMLImageElement) openMenu(button, t("Image"), pictureChoices(at));
    else picker.click();
  }

  /** Open the menu of a picture in the text, at the picture. */
  function offerPicture(picture: HTMLImageElement): void {
    const place = picture.getBoundingClientRect();
    const seen = root.getBoundingClientRect();
    const y = Math.max(seen.top, Math.min(place.bottom, seen.bottom));
    openMenuAt({ x: Math.max(place.left, seen.left), y }, root, t("Image"), pictureChoices(picture));
  }

  function pictureChoices(picture: HTMLImageElement) {
    const change = (run: () => void) => () => {
      editor.saveUndoState();
      run();
      editor.modifyDocument(() => {});
      changed();
      editor.focus();
    };
    const describe = async () => {
      const hint = t("Describe this image for people who can't see it");
      const words = await ask(t("Alternative text"), hint, picture.alt, t("Done"));
      if (words !== null) change(() => (picture.alt = words.trim().slice(0, 1000)))();
    };
    return [
      ...widths.map(([title, width]) => ({
        id: `width.${width}`,
        title,
        run: change(() => {
          if (width === 0) picture.removeAttribute("width");
          else picture.setAttribute("width", String(width));
        }),
      })),
      { id: "picture.words", title: t("Alternative text…"), run: () => void describe() },
      ...(unplaced.has(idOf(picture))
        ? [{ id: "picture.place", title: t("Remove location"), run: () => void removePlace(idOf(picture)) }]
        : []),
      { id: "picture.remove", title: t("Remove"), run: change(() => picture.remove()) },
    ];
  }

  function chooseTable(button: HTMLElement): void {
    const cell = cellOf(editor.getSelection().startContainer, root);
    if (cell === null) {
      const choices = [2, 3, 4, 5].flatMap((rows) =>
        [2, 3, 4, 5].map((columns) => ({
          name: t("{rows} rows, {columns} columns", { rows, columns }),
          content: `${rows}×${columns}`,
          run: kept(() => insertTable(rows, columns)),
        })),
      );
      openGrid(button, t("Table"), 4, [["", choices]]);
      return;
    }
    const change = (id: keyof typeof changes, title: string) => ({
      id,
      title,
      run: kept(() => {
        editor.saveUndoState();
        const next = changes[id](cell);
        if (next !== null) into(next);
      }),
    });
    openMenu(button, t("Table"), [
      change("rowBelow", t("Add row")),
      change("columnBeside", t("Add column")),
      change("dropRow", t("Delete row")),
      change("dropColumn", t("Delete column")),
      change("dropTable", t("Delete table")),
    ]);
  }

  function insertTable(rows: number, columns: number): void {
    const before = new Set(root.querySelectorAll("table"));
    editor.insertHTML(newTable(rows, columns));
    const made = [...root.querySelectorAll("table")].find((one) => !before.has(one));
    if (made === undefined) return;
    look(made);
    into(made.rows[0]!.cells[0]!);
  }

  /** Put the cursor into a cell or line. */
  function into(place: HTMLElement): void {
    const range = document.createRange();
    range.setStart(place.querySelector("div") ?? place, 0);
    editor.setSelection(range);
  }
  editor.setKeyHandler("Ctrl-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  editor.setKeyHandler("Meta-k", (_, event) => {
    event.preventDefault();
    void chooseLink();
  });
  // the composer has these keys
  for (const key of ["Tab", "Shift-Tab"]) {
    editor.setKeyHandler(key, (one, event) => {
      const cell = cellOf(one.getSelection().startContainer, root);
      const next = cell === null ? null : neighbour(cell, key === "Tab");
      if (next !== null) {
        event.preventDefault();
        into(next);
        return;
      }
      if (!/(?:^|>)[OU]L/.test(one.getPath())) return;
      event.preventDefault();
      if (key === "Tab") one.increaseListLevel();
      else one.decreaseListLevel();
    });
  }

  // Backspace and Delete do not join cells
  for (const key of ["Backspace", "Delete"]) {
    const former = editor._keyHandlers[key]!;
    editor.setKeyHandler(key, (one, event, range) => {
      const cell = cellOf(range.startContainer, root);
      const joins = range.collapsed
        ? cell !== null && atEnd(range, cell, key === "Backspace")
        : cell !== null && cell !== cellOf(range.endContainer, root);
      if (joins) event.preventDefault();
      else former(one, event, range);
    });
  }

  async function chooseLink(): Promise<void> {
    const range = editor.getSelection().cloneRange();
    const from = range.startContainer instanceof Element ? range.startContainer : range.startContainer.parentElement;
    const present = from?.closest("a")?.getAttribute("href") ?? "";
    const typed = await ask(t("Link"), t("Link address. Leave blank to remove the link."), present, t("Done"));
    editor.setSelection(range);
    editor.focus();
    if (typed === null) return;
    const address = typed.trim();
    if (address === "") editor.removeLink();
    else if (/^(?:https?|mailto|tel):/i.test(address)) editor.makeLink(address);
    else editor.makeLink(/^[^\s/@]+@[^\s/@]+$/.test(address) ? `mailto:${address}` : `https://${address}`);
    changed();
  }

  function show(): void {
    for (const { button, active } of buttons) button.setAttribute("aria-pressed", String(active()));
  }
  show();
  moveWithin(tools);

  const textIn = (markup: string) => {
    const holder = el("div", {});
    holder.append(cleaned(markup, signed).fragment);
    return holder.textContent.replace(/\s/g, "");
  };
  return {
    root,
    tools,
    html: () => {
      arrived();
      return styled(editor.getHTML()).replace(inHTML, '$1cid:$2@moxlite.invalid"');
    },
    text: () =>
      plainOf(root)
        .replace(/\u200b/g, "")
        .replace(/\u00a0/g, " ")
        .replace(/\n+$/, "\n"),
    pictures: () => [...root.querySelectorAll("img")].map(idOf).filter((id) => id !== ""),
    pending: () => pending,
    focus: () => void editor.focus(),
    insert: (markup) => void editor.insertHTML(markup),
    add: (markup) => {
      editor.saveUndoState();
      const cursor = editor.getSelection().cloneRange();
      editor.modifyDocument(() => root.append(cleaned(markup, signed).fragment));
      editor.setSelection(cursor);
    },
    exchange: (before, after) => {
      editor.saveUndoState();
      const found = root.querySelector(`.${signed}`);
      if (found === null) {
        if (before === "" && after !== "")
          editor.modifyDocument(() => root.append(el("div", {}, el("br")), cleaned(after, signed).fragment));
      } else if (found.textContent.replace(/\s/g, "") === textIn(before)) {
        editor.modifyDocument(() => found.replaceWith(cleaned(after, signed).fragment));
      }
    },
    put: (text) => editor.setHTML(text),
    take,
    close: () => {
      closed = true;
      for (const picture of uploads) picture.abort();
      editor.destroy();
      root.remove();
      tools.remove();
    },
  };
}

function tool(path: string, title: string, name: string, run: () => void): HTMLButtonElement {
  // the selection stays in the editor
  return el(
    "button",
    {
      type: "button",
      class: "link compose-icon",
      title,
      "aria-label": name,
      onmousedown: (event) => event.preventDefault(),
      onclick: run,
    },
    sign(path),
  );
}

/** The letter by which a colour is shown. */
function swatch(look: string): HTMLElement {
  return el("span", look === "" ? {} : { data: { look } }, "A");
}

/** Id of the upload that a picture shows; "" for none. */
const idOf = (picture: Element): string => /^upload\/(.{22})$/.exec(picture.getAttribute("src") ?? "")?.[1] ?? "";

/** A file of a `data:` address. */
function fileOf(address: string): File {
  const [head = "", content = ""] = address.split(",", 2);
  const type = /^data:([^;]+)/.exec(head)?.[1] ?? "";
  let octets: Uint8Array<ArrayBuffer>;
  try {
    octets = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  } catch {
    octets = new Uint8Array();
  }
  return new File([octets], t("image.png"), { type });
}

/** The text of what was written, as a plain message has it. */
function plainOf(root: Element, prefix = ""): string {
  let text = "";
  let line = "";
  let number = 0;
  const end = () => {
    text += `${prefix}${line}\n`;
    line = "";
  };
  for (const node of root.childNodes) {
    const name = node.nodeName;
    if (node instanceof Text) line += node.data;
    else if (name === "BR") end();
    else if (node instanceof HTMLTableElement) {
      if (line !== "") end();
      for (const row of node.rows) {
        line = [...row.cells]
          .map((cell) =>
            plainOf(cell)
              .trim()
              .replace(/\s*\n\s*/g, " "),
          )
          .join("  ");
        end();
      }
    } else if (node instanceof HTMLElement && /^(?:DIV|BLOCKQUOTE|UL|OL|LI|PRE)$/.test(name)) {
      if (line !== "") end();
      if (name === "LI") {
        const mark = root.nodeName === "OL" ? `${++number}. ` : "- ";
        const item = plainOf(node, `${prefix}  `);
        text += `${prefix}${mark}${item.slice(prefix.length + 2)}`;
      } else text += plainOf(node, name === "BLOCKQUOTE" ? `${prefix}> ` : prefix);
    } else if (node instanceof HTMLElement) line += inline(node);
  }
  if (line !== "") end();
  return text;
}

function inline(node: HTMLElement): string {
  if (node.nodeName === "IMG") return node.getAttribute("alt") ?? "";
  const href = node.getAttribute("href") ?? "";
  const text = [...node.childNodes]
    .map((one) => (one instanceof HTMLElement ? (one.nodeName === "BR" ? "\n" : inline(one)) : (one.textContent ?? "")))
    .join("");
  return href === "" || href.endsWith(text) ? text : `${text} <${href}>`;
}
