// Files of contacts or events: saved, or taken by the server, with what became of it.

import type { Remark } from "../../gen/webmail";
import { attempt, dialog } from "../../lib/dialogs";
import { el, isolated } from "../../lib/dom";
import type { Told } from "../../lib/language";
import { toast } from "../../lib/toasts";
import { many, t, told } from "../../lib/words";
import type { Surroundings } from "../commands/desk";

interface Done {
  /** How many were added. */
  readonly words: string;
  readonly known: number;
  readonly unread: number;
  readonly dropped?: number;
  readonly problems: readonly Remark[];
}

/** Send a file to the server, have it read, and say what became of it; `doing` names that in errors. */
export function importFile(
  page: Pick<Surroundings, "client" | "base">,
  file: File,
  doing: string,
  take: (uploadID: string) => Promise<Done>,
): Promise<boolean> {
  return attempt(doing, async () => {
    const answer = await fetch(`${page.base}upload?filename=import`, {
      method: "POST",
      headers: { "x-moxlite-csrf": page.client.csrfToken, "content-type": "application/octet-stream" },
      body: file,
    }).catch(() => {
      throw new Error(t("The server cannot be reached."));
    });
    const { result, error } = (await answer.json()) as {
      result?: { upload_id: string };
      error?: { message: string };
    };
    if (result === undefined) throw new Error(error ? (await told(error)).message : t("The file was not taken."));
    const done = await take(result.upload_id);
    const { known, unread, dropped = 0 } = done;
    const facts = [
      done.words,
      known > 0 && many(known, "one was there already", "{n} were there already"),
      dropped > 0 && many(dropped, "one picture was left out", "{n} pictures were left out"),
      unread > 0 && many(unread, "one could not be read", "{n} could not be read"),
    ].filter((one) => one !== false);
    const problems = await Promise.all(done.problems.map((problem) => told(problem as Told)));
    if (unread === 0) toast(facts.join(", "));
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
    if (await attempt(t("Exporting"), () => page.client.export_prep())) link.click();
  };
  return el("a", { class: kind, href: `${page.base}${path}`, download: "", onclick: save }, title);
}
