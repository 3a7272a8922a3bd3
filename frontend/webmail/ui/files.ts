// Files of contacts or events: saved, or taken by the server, with what became of it.

import type { FileImported, Uploaded } from "../../gen/webmail";
import { attempt, dialog } from "../../lib/dialogs";
import { el, isolated } from "../../lib/dom";
import type { Told } from "../../lib/language";
import { size } from "../../lib/numbers";
import { type Toast, toast } from "../../lib/toasts";
import { many, t, told } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type * as UploadingPart from "../uploading/part";

/** Milliseconds between two looks at how far an import is. */
const pause = 1000;

/** Send a file to the server, have it read, and say what became of it; both can be stopped, and what was read by then
 * stays. `doing` and `failed` are shown while it runs and when it fails, `words` say what was added. */
export function importFile(
  { client, base, load }: Pick<Surroundings, "client" | "base" | "load">,
  file: File,
  doing: string,
  failed: string,
  take: (uploadID: string) => Promise<FileImported>,
  words: (added: number) => string,
): Promise<boolean> {
  return attempt(doing, failed, async () => {
    const { FileUpload, UploadAborted } = await load<typeof UploadingPart>("uploading");
    const upload = new FileUpload(base, client, file, "import");
    const sending = (sent: number) => t("Uploading {part} of {whole}…", { part: size(sent), whole: size(file.size) });
    let said = toast(sending(0), { title: t("Stop"), run: () => upload.abort() }, 0);
    let done: FileImported;
    let trouble: Toast | null = null;
    try {
      const { upload_id: uploadID } = await upload.send<Uploaded>({
        progress: (sent) => said.say(sending(sent)),
        stuck(why) {
          trouble?.close();
          trouble = why === "" ? null : toast(why, { title: t("Try again"), run: () => upload.retry() }, 0);
        },
      });
      said.close();
      said = toast(doing, { title: t("Stop"), run: () => void client.file_import_stop(uploadID) }, 0);
      const timer = window.setInterval(async () => {
        const state = await client.file_import_state(uploadID).catch(() => null);
        if (state !== null && state.about > state.done)
          said.say(t("Imported {n} of about {all}…", { n: state.done, all: state.about }));
      }, pause);
      done = await take(uploadID).finally(() => clearInterval(timer));
    } catch (error) {
      if (error instanceof UploadAborted) {
        toast(t("Import stopped. No messages imported"));
        return;
      }
      throw error;
    } finally {
      (trouble as Toast | null)?.close();
      said.close();
    }
    const { known, unread, dropped } = done;
    const facts = [
      words(done.added),
      known > 0 && many(known, "{n} already exists", "{n} already exist"),
      dropped > 0 && many(dropped, "skipped {n} photo", "skipped {n} photos"),
      unread > 0 && many(unread, "couldn't read {n}", "couldn't read {n}"),
    ].filter((one) => one !== false);
    const problems = await Promise.all(done.problems.map((problem) => told(problem as Told)));
    if (problems.length === 0) toast(facts.join(", "));
    else
      await dialog<void>(t("Import"), (close) => [
        el("p", {}, `${facts.join(", ")}.`),
        el(
          "ul",
          {},
          problems.map(({ message }) => el("li", {}, el("bdi", { dir: "auto" }, isolated(message)))),
        ),
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "primary", type: "button", onclick: () => close() }, t("Close")),
        ),
      ]);
  });
}

/** A link that saves a file of the server. A call goes before it, which may ask for the password. */
export function exportLink(
  page: Pick<Surroundings, "client" | "base">,
  path: string,
  title: string,
  kind: string,
): HTMLElement {
  const save = async (event: Event) => {
    if (!event.isTrusted) return;
    event.preventDefault();
    const link = event.currentTarget as HTMLAnchorElement;
    if (await attempt(t("Exporting…"), t("Couldn't export"), () => page.client.export_prep())) link.click();
  };
  return el("a", { class: kind, href: `${page.base}${path}`, download: "", onclick: save }, title);
}

/** A link that saves all calendars and contacts. */
export function archiveLink(page: Pick<Surroundings, "client" | "base">, kind: string): HTMLElement {
  return exportLink(page, "calendars-and-contacts.zip", t("Export all calendars and contacts (.zip)"), kind);
}
