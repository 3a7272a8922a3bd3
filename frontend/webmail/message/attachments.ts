// The attachments of a message: the list in its header, and the images below its text.

import type { Attachment } from "../../gen/webmail";
import { type Child, el, fill } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { t } from "../../lib/words";
import { guardDownload } from "../offline/missing";

/** A message by its id: the address of the server, and what opens the viewer at a part. */
export interface Source {
  readonly base: string;
  readonly id: number;
  look(path: string): void;
}

const firstAttachments = 4;
/** Maximum number of images that are shown below a text, and maximum octets of one. */
const mostImages = 20;
const largestImage = 10 * 1024 * 1024;

/** Whether an attachment may be shown as an image: SVG may contain scripts. */
function isImage(attachment: Attachment): boolean {
  return attachment.content_type.startsWith("image/") && !attachment.content_type.startsWith("image/svg");
}

/** The attachments of a message: the first ones, the others on demand. */
export function attachmentList(source: Source, all: Attachment[]): Child {
  if (all.length === 0) return null;
  const list = el("div", { class: "attachments" });
  const one = (attachment: Attachment) => {
    const title = t("Download {name}", { name: attachment.filename });
    const get = el(
      "a",
      { class: "attachment-get", href: partOf(source, "download", attachment.path), title, "aria-label": title },
      "↓",
    );
    guardDownload(get, source.base, source.id, () => attachment.path);
    return el(
      "span",
      { class: "attachment", title: attachment.content_type },
      looking(source, attachment, attachment.filename),
      el("span", { class: "attachment-size" }, size(attachment.size)),
      get,
    );
  };
  const whole = el(
    "a",
    { class: "attachment-all", href: `${source.base}msg/${source.id}/attachments.zip` },
    t("All as a zip file"),
  );
  guardDownload(whole, source.base, source.id, () => "");
  const draw = (count: number) =>
    fill(
      list,
      all.slice(0, count).map(one),
      all.length > count &&
        el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count })),
      all.length > 1 && whole,
    );
  draw(firstAttachments);
  return list;
}

/** A link to an attachment: a click opens the viewer, a click with ctrl a new tab. */
function looking(source: Source, attachment: Attachment, ...content: Child[]): HTMLElement {
  const link = el("a", { href: partOf(source, "view", attachment.path), target: "_blank", rel: "noopener" }, content);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    source.look(attachment.path);
  });
  return link;
}

/** The address of a part of the message. */
function partOf(source: Source, kind: string, path: string): string {
  return `${source.base}msg/${source.id}/${kind}/${path}`;
}

/** The images among the attachments, to be shown below the text. */
export function images(source: Source, all: readonly Attachment[]): HTMLElement[] {
  return all
    .filter((one) => isImage(one) && one.size <= largestImage)
    .slice(0, mostImages)
    .map((one) =>
      looking(
        source,
        one,
        el("img", { class: "shown-image", src: partOf(source, "view", one.path), alt: one.filename, loading: "lazy" }),
      ),
    );
}
