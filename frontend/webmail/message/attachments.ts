// The attachments of a message as cards: a picture of what is inside where it is one, else its kind, with name and size.

import type { Attachment } from "../../gen/webmail";
import { type Child, el, fill, sign } from "../../lib/dom";
import { calendar, download, fileArchive, filePlain, fileTable, fileText, image, mail, play } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { many, t } from "../../lib/words";
import { guardDownload } from "../offline/missing";

/** A message by its id: the address of the server, and what opens the viewer at a part. */
export interface Source {
  readonly base: string;
  readonly id: number;
  look(path: string): void;
}

/** Cards that are shown until the user asks for all. */
const firstCards = 8;
/** Maximum octets of an image that a card shows. */
const largestImage = 10 * 1024 * 1024;

/** Icons by what types begin with, or have in their names; the first that fits. */
const kinds: readonly (readonly [RegExp, string, string])[] = [
  [/^image\//, image, "picture"],
  [/^(audio|video)\//, play, "film"],
  [/^message\//, mail, "letter"],
  [/^text\/calendar|\/ics$/, calendar, "date"],
  [/^application\/pdf/, fileText, "pdf"],
  [/spreadsheet|excel|csv/, fileTable, "table"],
  [/zip|compressed|tar\b|rar|7z/, fileArchive, "archive"],
  [/^text\/|word|opendocument\.text|rtf|presentation|powerpoint/, fileText, "document"],
];

/** The last letters of a name, or of its type, as a word: "PDF". */
function ending({ filename, content_type }: Attachment): string {
  const found = /\.([a-z0-9]{1,5})$/i.exec(filename)?.[1] ?? /^\w+\/([a-z0-9]{1,5})$/i.exec(content_type)?.[1];
  return (found ?? "").toUpperCase();
}

/** Whether an attachment may be shown as an image: SVG may contain scripts. */
function isImage({ content_type, size }: Attachment): boolean {
  return content_type.startsWith("image/") && !content_type.startsWith("image/svg") && size <= largestImage;
}

/** The attachments of a message: how many, and a card for each of the first; more on demand. The message shows the `others`
 * itself. */
export function attachmentCards(source: Source, all: readonly Attachment[], others: readonly Attachment[]): Child {
  if (all.length === 0) return null;
  const without = others.map((one) => one.path).join(",");
  const list = el("div", { class: "attachments" });
  const whole = el(
    "a",
    {
      class: "attachment-all",
      href: `${source.base}msg/${source.id}/attachments.zip${without && `?without=${without}`}`,
    },
    t("Save all"),
  );
  guardDownload(whole, source.base, source.id, () => "");
  const draw = (count: number) =>
    fill(
      list,
      all.slice(0, count).map((one) => card(source, one)),
      all.length > count &&
        el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count })),
    );
  draw(all.length > firstCards + 1 ? firstCards : all.length);
  const octets = all.reduce((sum, one) => sum + one.size, 0);
  return [
    el(
      "div",
      { class: "attachments-head" },
      `${many(all.length, "{n} attachment", "{n} attachments")}, ${size(octets)}`,
      all.length > 1 && whole,
    ),
    list,
  ];
}

/** The icon of a file, and the class of its kind. */
export function kindOf({ content_type }: Attachment): readonly [string, string] {
  const [, path, kind] = kinds.find(([pattern]) => pattern.test(content_type)) ?? [null, filePlain, "other"];
  return [path, kind];
}

function card(source: Source, attachment: Attachment): HTMLElement {
  const { filename } = attachment;
  const [path, kind] = kindOf(attachment);
  const title = t("Download {name}", { name: filename });
  const get = el(
    "a",
    { class: "attachment-get", href: partOf(source, "download", attachment.path), title, "aria-label": title },
    sign(download),
  );
  guardDownload(get, source.base, source.id, () => attachment.path);
  const face = el("span", { class: `attachment-face ${kind}` }, sign(path));
  if (isImage(attachment)) {
    const picture = el("img", { src: partOf(source, "view", attachment.path), alt: "", loading: "lazy" });
    picture.addEventListener("error", () => picture.replaceWith(sign(path)));
    fill(face, picture);
  }
  return el(
    "span",
    { class: "attachment", title: filename },
    looking(source, attachment, face, el("span", { class: "attachment-name", dir: "auto" }, filename)),
    el("span", { class: "attachment-size" }, [size(attachment.size), ending(attachment)].filter(Boolean).join(" · ")),
    get,
  );
}

/** A link to an attachment: a click opens the viewer, a click with ctrl a new tab. */
function looking(source: Source, attachment: Attachment, ...content: Child[]): HTMLElement {
  const link = el(
    "a",
    { class: "attachment-open", href: partOf(source, "view", attachment.path), target: "_blank", rel: "noopener" },
    content,
  );
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    source.look(attachment.path);
  });
  return link;
}

/** The address of a part of the message. */
export function partOf(source: Omit<Source, "look">, kind: string, path: string): string {
  return `${source.base}msg/${source.id}/${kind}/${path}`;
}
