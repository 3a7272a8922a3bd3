// The editor of HTML: Squire with our rules of what may be in it, its tools, and pictures that are uploaded (WEBMAIL-135).

import type { Client, Uploaded } from "../../gen/webmail";
import { withKey } from "../../lib/commands";
import { ask } from "../../lib/dialogs";
import { el, sign } from "../../lib/dom";
import { bold, code, image, italic, link, list, listOrdered, quote, removeFormatting } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { moveWithin } from "../../lib/toolbar";
import { many, t, told } from "../../lib/words";
import type { Squire as Editor } from "../squire/part";
import { cleaned } from "./clean";
import sheet from "./rich.css";

adopt(sheet);

export interface Surroundings {
  readonly client: Client;
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
  /** Exchange the signature, if it is still `before`. */
  exchange(before: string, after: string): void;
  /** Take pictures; returns the other files. */
  take(files: readonly File[]): File[];
  close(): void;
}

const signed = "moxlite-signature";
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
  const root = el("div", {
    class: "compose-text compose-rich",
    role: "textbox",
    "aria-multiline": "true",
    "aria-label": t("Text"),
    dir: "auto",
    spellcheck: "true",
  });
  const editor = new Squire(root, {
    blockTag: "DIV",
    undo: { documentSizeThreshold: 500_000, undoLimit: 100 },
    tagAttributes: {},
    didError: (error: unknown) => {
      throw error;
    },
    sanitizeToDOMFragment: (text: string) => clean(text),
  });
  // pictures keep their size: the handles would need styles, which neither this page nor the sanitiser takes
  editor._imageResizer.destroy();
  editor.setHTML(html);
  editor.addEventListener("input", changed);
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
  });

  function clean(text: string): DocumentFragment {
    const found = cleaned(text, signed);
    if (!pictures) {
      for (const one of found.fragment.querySelectorAll("img")) one.remove();
      return found.fragment;
    }
    if (found.left > 0)
      say(many(found.left, "A picture of another site was left out.", "{n} pictures of other sites were left out."));
    for (const { address, image: waiting } of found.data)
      void upload(fileOf(address)).then(
        (id) => settle(waiting, id),
        () => settle(waiting, ""),
      );
    return found.fragment;
  }

  /** A picture of pasted HTML has been uploaded, or has failed. */
  function settle(waiting: HTMLImageElement, id: string): void {
    if (id === "") waiting.remove();
    else waiting.setAttribute("src", `upload/${id}`);
    changed();
  }

  async function upload(file: File): Promise<string> {
    pending++;
    note(t("Sending a picture…"));
    try {
      const headers = { "content-type": file.type, "x-moxlite-csrf": client.csrfToken };
      const answer = await fetch(`${base}upload?filename=${encodeURIComponent(file.name || t("picture.png"))}`, {
        method: "POST",
        headers,
        body: file,
      });
      const { result, error } = (await answer.json()) as { result?: Uploaded; error?: { message: string } };
      if (result === undefined) throw new Error(error === undefined ? t("not taken") : (await told(error)).message);
      note("");
      return result.upload_id;
    } catch (error) {
      note(t("The picture could not be sent: {why}", { why: (error as Error).message }));
      throw error;
    } finally {
      pending--;
    }
  }

  function take(files: readonly File[]): File[] {
    if (!pictures) return [...files];
    for (const file of files.filter((one) => pictureTypes.test(one.type))) {
      upload(file).then(
        (id) => {
          if (!closed) editor.insertImage(`upload/${id}`, { alt: file.name });
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
      list,
      t("List"),
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
    [code, t("Code"), "ctrl d", () => within("(?:CODE|PRE)"), () => editor.toggleCode()],
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
  const tools = el(
    "div",
    { class: "compose-tools", role: "toolbar", "aria-label": t("Formatting") },
    buttons.map(({ button }) => button),
    ...(pictures ? [tool(image, t("Picture"), t("Picture"), () => picker.click())] : []),
    tool(removeFormatting, t("Remove formatting"), t("Remove formatting"), () => {
      editor.removeAllFormatting();
      editor.focus();
    }),
    picker,
  );
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
      if (!/(?:^|>)[OU]L/.test(one.getPath())) return;
      event.preventDefault();
      if (key === "Tab") one.increaseListLevel();
      else one.decreaseListLevel();
    });
  }

  async function chooseLink(): Promise<void> {
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
    html: () => editor.getHTML().replace(inHTML, '$1cid:$2@moxlite.invalid"'),
    text: () =>
      plainOf(root)
        .replace(/\u200b/g, "")
        .replace(/\u00a0/g, " ")
        .replace(/\n+$/, "\n"),
    pictures: () =>
      [...root.querySelectorAll("img")].flatMap(
        (one) => /^upload\/(.{22})$/.exec(one.getAttribute("src") ?? "")?.[1] ?? [],
      ),
    pending: () => pending,
    focus: () => void editor.focus(),
    insert: (markup) => void editor.insertHTML(markup),
    add: (markup) => {
      const cursor = editor.getSelection().cloneRange();
      editor.modifyDocument(() => root.append(cleaned(markup, signed).fragment));
      editor.setSelection(cursor);
    },
    exchange: (before, after) => {
      const found = root.querySelector(`.${signed}`);
      if (found === null) {
        if (before === "" && after !== "")
          editor.modifyDocument(() => root.append(el("div", {}, el("br")), cleaned(after, signed).fragment));
      } else if (found.textContent.replace(/\s/g, "") === textIn(before)) {
        editor.modifyDocument(() => found.replaceWith(cleaned(after, signed).fragment));
      }
    },
    take,
    close: () => {
      closed = true;
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
  return new File([octets], t("picture.png"), { type });
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
    else if (node instanceof HTMLElement && /^(?:DIV|BLOCKQUOTE|UL|OL|LI|PRE)$/.test(name)) {
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
