// Printing: a message or a conversation on paper, without the page around it, and as files (WEBMAIL-50).

import type { Client, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { postForm } from "../../lib/post";
import { t } from "../../lib/words";

/** The time in ms after which the page on paper is removed where the browser does not tell that its dialog was closed. */
const kept = 10 * 60 * 1000;

/** Address of the page that has all these messages as texts, the oldest first. */
function together(base: string, items: readonly MessageItem[]): string {
  const [first, ...others] = [...items].sort((a, b) => (a.received < b.received ? -1 : 1));
  const query = others.length > 0 ? `?others=${others.map((item) => item.id).join(",")}` : "";
  return `${base}msg/${first!.id}/msgtexts${query}`;
}

/** Print the page at this address. Resolves when it has come. */
async function paper(client: Client, address: string): Promise<void> {
  // a call first: if the session has ended, it shows the log-in form, not a page with an error
  await client.decode_mime_words("");
  const frame = el("iframe", { class: "on-paper", title: t("Printed page"), "aria-hidden": "true", tabindex: "-1" });
  frame.style.cssText = "position: fixed; inset: auto auto 0 0; width: 1px; height: 1px; border: 0; opacity: 0";
  const done = () => frame.remove();
  await new Promise<void>((resolve, reject) => {
    frame.addEventListener("load", () => {
      if (frame.dataset["printed"] !== undefined) return;
      // the browser's own page about a server that does not answer is another site's
      if (frame.contentDocument === null) {
        done();
        reject(new Error(t("Can't reach the server.")));
        return;
      }
      const page = frame.contentWindow;
      if (page === null) return;
      frame.dataset["printed"] = "";
      page.addEventListener("afterprint", done);
      setTimeout(done, kept);
      resolve();
      page.print();
    });
    frame.src = `${address}${address.includes("?") ? "&" : "?"}print=true`;
    document.body.append(frame);
  });
}

/** Print a message in the way in which it is shown: `text`, `html`, or `htmlexternal`. */
export async function printMessage(client: Client, base: string, item: MessageItem, mode: string): Promise<void> {
  await attempt(t("Printing…"), t("Couldn't print"), () => paper(client, `${base}msg/${item.id}/msg${mode}`));
}

/** Print the texts of a conversation. */
export async function printThread(client: Client, base: string, items: readonly MessageItem[]): Promise<void> {
  await attempt(t("Printing…"), t("Couldn't print"), () => paper(client, together(base, items)));
}

/** Open the texts of a conversation in a new tab. */
export function openThread(base: string, items: readonly MessageItem[]): void {
  window.open(together(base, items), "_blank", "noopener");
}

/** Have the browser save a message as a file, or the messages of a conversation as one mbox file. */
export async function download(client: Client, base: string, items: readonly MessageItem[]): Promise<void> {
  // a call first: if the session has ended, it shows the log-in form, not a page with an error
  if (!(await attempt(t("Downloading…"), t("Couldn't download"), () => client.decode_mime_words("")))) return;
  const [first, ...others] = items;
  if (others.length === 0) el("a", { href: `${base}msg/${first!.id}/rawdl`, download: "" }).click();
  else
    postForm(`${base}export`, {
      csrf: client.csrfToken,
      format: "mbox",
      archive: "none",
      messageids: items.map((item) => item.id).join(","),
    });
}
