// The viewer of attachments (WEBMAIL-80): images, PDF and text are shown; others by name, size and type; every type as text on
// request.

import type { Attachment, MessageItem } from "../../gen/webmail";
import { dialog } from "../../lib/dialogs";
import { el, fill, sign } from "../../lib/dom";
import { chevronLeft, chevronRight } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import { guardDownload, keptFile, missingText } from "../offline/missing";
import sheet from "./viewer.css";

adopt(sheet);

/** How the browser may show a type: an image, a separate page (PDF), the text, or not at all. */
function kindOf({ content_type: type }: Attachment): "image" | "pdf" | "text" | "" {
  if (type.startsWith("image/") && !type.startsWith("image/svg")) return "image";
  if (type === "application/pdf") return "pdf";
  return type.startsWith("text/") || type.startsWith("message/") || type === "application/json" ? "text" : "";
}

/** A file without a connection: its text, which service workers do not give to a frame in a sandbox, or a sentence if it is not
 * kept; null for a kept file that a frame shows. */
async function away(base: string, id: number, path: string, kind: "pdf" | "text"): Promise<HTMLElement | null> {
  const kept = await keptFile(base, id, path);
  if (kept === undefined) return el("p", {}, missingText());
  if (kind === "pdf") return null;
  const charset = /charset=([\w-]+)/.exec(kept.headers.get("content-type") ?? "")?.[1] ?? "utf-8";
  const content = await kept.arrayBuffer();
  try {
    return el("pre", { class: "viewer-text", dir: "auto" }, new TextDecoder(charset).decode(content));
  } catch {
    // the sender names the character set; for an unknown name browsers take this one in a frame, too
    return el("pre", { class: "viewer-text", dir: "auto" }, new TextDecoder("windows-1252").decode(content));
  }
}

/** Show the attachment at `path`; arrow keys lead to the others. */
export async function look(base: string, item: MessageItem, path: string): Promise<void> {
  const all = item.attachments;
  let at = Math.max(
    0,
    all.findIndex((one) => one.path === path),
  );
  await dialog<void>(t("Attachments"), (close) => {
    const name = el("h2", { class: "viewer-name", dir: "auto", "aria-live": "polite" });
    const view = el("div", { class: "viewer-view", tabindex: "0", autofocus: true, "aria-label": t("Attachment") });
    const download = el("a", { class: "button", title: t("Download (d)") }, t("Download"));
    const text = el("button", {}, t("As text"));
    const done = el("button", { onclick: () => close() }, t("Close"));
    const step = (by: number, title: string, path: string) =>
      el("button", { title, "aria-label": title, disabled: all.length < 2, onclick: () => to(at + by) }, sign(path));
    const url = (kind: string) => `${base}msg/${item.id}/${kind}/${all[at]!.path}`;
    const frame = (kind: string, sandbox: boolean) =>
      el("iframe", {
        class: "viewer-frame",
        title: all[at]!.filename,
        src: url(kind),
        sandbox: sandbox ? "" : undefined,
        referrerpolicy: "no-referrer",
      });
    const show = (kind: ReturnType<typeof kindOf>) => {
      const one = all[at]!;
      fill(
        name,
        one.filename,
        el("small", {}, `${size(one.size)} · ${t("{n} of {all}", { n: at + 1, all: all.length })}`),
      );
      download.href = url("download");
      text.hidden = kind === "text";
      // what cannot be shown is meant to be saved
      download.classList.toggle("primary", kind === "");
      done.classList.toggle("primary", kind !== "");
      if (kind === "image")
        fill(
          view,
          el("img", {
            src: url("view"),
            alt: one.filename,
            onerror: () =>
              fill(view, el("p", {}, navigator.onLine ? t("This image can't be displayed.") : missingText())),
          }),
        );
      else if (!navigator.onLine && kind !== "")
        void away(base, item.id, one.path, kind).then((found) => {
          if (all[at] === one) fill(view, found ?? frame("view", false));
        });
      // Chromium's PDF viewer does not work in a sandbox; the answer's policy forbids all scripts
      else if (kind === "pdf") fill(view, frame("view", false));
      else if (kind === "text") fill(view, frame("viewtext", true));
      else fill(view, el("p", {}, t("This file can't be displayed here.")));
    };
    const to = (next: number) => {
      at = (next + all.length) % all.length;
      show(kindOf(all[at]!));
      view.focus();
    };
    guardDownload(download, base, item.id, () => all[at]!.path);
    text.addEventListener("click", () => {
      show("text");
      // the button is gone; keys must still work
      view.focus();
    });
    const keys: Record<string, () => void> = {
      ArrowLeft: () => to(at - 1),
      h: () => to(at - 1),
      ArrowRight: () => to(at + 1),
      l: () => to(at + 1),
      "0": () => to(0),
      $: () => to(all.length - 1),
      d: () => download.click(),
    };
    const root = el(
      "div",
      { class: "viewer" },
      el(
        "header",
        { class: "viewer-head" },
        name,
        step(-1, t("Previous (h)"), chevronLeft),
        step(1, t("Next (l)"), chevronRight),
        text,
        download,
        done,
      ),
      view,
    );
    root.addEventListener("keydown", (event) => {
      const act = event.ctrlKey || event.altKey || event.metaKey ? undefined : keys[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    });
    show(kindOf(all[at]!));
    return [root];
  });
}
