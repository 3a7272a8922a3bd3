// Importing files into a mailbox: what is taken, the upload, the progress as the stream tells it, the end with its undo
// (WEBMAIL-141).

import type { Client, Importing as State } from "../../gen/webmail";
import { kept } from "../../lib/beside";
import { codeOf, messageOf } from "../../lib/client";
import { dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { type Toast, toast } from "../../lib/toasts";
import { FormUpload, UploadAborted } from "../../lib/upload";
import { mailboxName, many, t } from "../../lib/words";
import type { Box } from "../data/mailboxes";
import { allows } from "../data/mailboxes";
import type { Actions } from "../state/actions";
import type { Mail } from "../state/mail";

/** Files of one import. */
const mostFiles = 1000;
/** Messages that Undo takes back. */
const mostUndone = 100_000;
/** Characters of a file's name in a message, and the names in one. */
const longestName = 60;
const mostNames = 3;
/** Octets at the beginning of a file that say what it is. */
const start = 512;

/** Key in the session's storage: mailboxes of imports by their tokens, "" for those whose end was told. */
const storageKey = `${kept()}-imports`;

/** Whether a file is mail by its first octets, as the server looks at them: a zip, gzip or tar archive, an mbox, a message. */
async function isMail(file: File): Promise<boolean> {
  let text: string;
  try {
    const bytes = await file.slice(0, start).arrayBuffer();
    text = new TextDecoder("latin1").decode(bytes).replace(/^\xef\xbb\xbf/, "");
  } catch {
    // a folder, which cannot be read
    return false;
  }
  return (
    text.startsWith("PK\x03\x04") ||
    text.startsWith("\x1f\x8b") ||
    text.startsWith("ustar", 257) ||
    text.startsWith("From ") ||
    // .emlx files have a line with the message's size before it
    /^(?:\d+ *\n)?[A-Za-z][A-Za-z0-9-]*:[ \t\r\n]/.test(text)
  );
}

/** The kinds of files that are imported. */
export function kinds(): string {
  return t("You can import messages (.eml), mbox files, and ZIP, tar.gz, or tar archives of mail.");
}

/** Names of files in a message, without characters that deceive. */
function listed(files: readonly File[]): string {
  const names = files.slice(0, mostNames).map((file) => file.name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "_"));
  const short = names.map((name) => (name.length > longestName ? `${name.slice(0, longestName)}…` : name));
  return short.join(", ") + (files.length > mostNames ? ", …" : "");
}

function importingText(state: State, mailbox: string): string {
  const { messages, about } = state;
  if (messages === 0 || about <= messages) return t("Importing into {mailbox}…", { mailbox });
  return state.state === "finishing"
    ? `${t("Filing messages…")} ${Math.floor((100 * messages) / about)} %`
    : t("Importing {n} of about {all} messages into {mailbox}…", { n: messages, all: about, mailbox });
}

/** Milliseconds that a message stays which is closed by the user, or by another attempt. */
const untilClosed = 1e9;

export class Importing {
  private readonly running = new Map<string, Toast>();
  private readonly stopped = new Set<string>();
  private readonly upload = new Set<FormUpload>();

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly mail: Mail,
    private readonly actions: Pick<Actions, "remember" | "takeBack">,
  ) {
    addEventListener("beforeunload", (event) => {
      // the upload would stop
      if (this.upload.size > 0) event.preventDefault();
    });
    // an import may have ended while this page was not connected, and nothing is told of what ended with the server
    addEventListener("connected", () => void this.look());
    void this.look();
  }

  /** Let the user choose files. */
  async choose(mailbox: Box): Promise<void> {
    const files = await dialog<File[]>(t("Import into “{name}”", { name: mailboxName(mailbox.name) }), (close) => {
      const input = el("input", { type: "file", multiple: true, hidden: true });
      input.addEventListener("change", () => close([...(input.files ?? [])]));
      return [
        el("p", { class: "dialog-text" }, kinds()),
        input,
        el(
          "div",
          { class: "dialog-buttons" },
          el("button", { class: "btn", onclick: () => close([]) }, t("Cancel")),
          el("button", { class: "btn primary", autofocus: true, onclick: () => input.click() }, t("Choose files…")),
        ),
      ];
    });
    if (files !== null && files.length > 0) await this.begin(mailbox, files);
  }

  /** Import files, as far as they are mail. */
  async begin(mailbox: Box, files: readonly File[]): Promise<void> {
    if (this.mail.connection.value !== "on") {
      toast(t("You can't import while offline."));
      return;
    }
    if (files.length > mostFiles) {
      toast(t("You can import up to {n} files at a time. For more, use a ZIP archive.", { n: mostFiles }));
      return;
    }
    const known = await Promise.all(files.map(isMail));
    const others = files.filter((_, i) => known[i] !== true);
    const taken = files.filter((_, i) => known[i] === true);
    if (others.length > 0 || taken.length === 0)
      toast(`${others.length > 0 ? t("Not mail files: {names}.", { names: listed(others) }) : ""} ${kinds()}`.trim());
    if (taken.length > 0) await this.send(mailbox, taken);
  }

  private async send(mailbox: Box, files: readonly File[]): Promise<void> {
    const octets = files.reduce((sum, file) => sum + file.size, 0);
    const upload = new FormUpload();
    const form = new FormData();
    for (const file of files) form.append("file", file);
    const sending = (sent: number) => t("Uploading {part} of {whole}…", { part: size(sent), whole: size(octets) });
    let said: Toast | null = null;
    this.upload.add(upload);
    try {
      await this.client.import_check(mailbox.id, octets);
      const progress = toast(sending(0), { title: t("Stop"), run: () => upload.abort() }, 0);
      said = progress;
      const address = `${this.base}import?mailbox_id=${mailbox.id}`;
      const token = await upload.send(address, form, this.client, (sent) =>
        progress.say(sending(Math.min(sent, octets))),
      );
      if (this.kept()[token] === undefined) this.keep(token, mailbox.name);
    } catch (error) {
      if (error instanceof UploadAborted) toast(t("Import stopped. No messages imported"));
      else this.offer(mailbox, files, await this.reason(error, mailbox, octets), upload.complete);
    } finally {
      this.upload.delete(upload);
      said?.close();
    }
  }

  /** Say why nothing was imported, and offer to try again, which comes by itself with a connection. `complete`: the server may have all of
   * it, and import it. */
  private offer(mailbox: Box, files: readonly File[], error: unknown, complete: boolean): void {
    // the import that runs is this one, and is shown as others are
    if (complete && codeOf(error) === "user:conflict") return;
    const unanswered = codeOf(error) === "";
    const words =
      unanswered && complete
        ? t("Can't reach the server, and we don't know whether this was done. Check before you try again.")
        : t("No messages imported: {why}", { why: messageOf(error) });
    const again = () => void this.send(mailbox, files);
    const said = toast(words, { title: t("Try again"), run: again }, untilClosed);
    const shown = [...document.querySelectorAll(".toast")].at(-1)!;
    const connected = () => {
      if (shown.isConnected) again();
      said.close();
    };
    if (unanswered && !complete) addEventListener("connected", connected, { once: true });
  }

  /** The reason of a failed upload. The browser may lose the answer of a server that ends an upload early, so ask again. */
  private async reason(error: unknown, mailbox: Box, octets: number): Promise<unknown> {
    if (codeOf(error) !== "") return error;
    try {
      await this.client.import_check(mailbox.id, octets);
      return error;
    } catch (reason) {
      return codeOf(reason) === "" ? error : reason;
    }
  }

  /** Show the state of an import, also of one that was begun in another tab. */
  took(state: State): void {
    const { token } = state;
    if (this.kept()[token] === "") return;
    const mailbox = mailboxName(this.mail.boxes.get(state.mailbox_id)?.name ?? "");
    if (state.state === "done" || state.state === "aborted") {
      this.ended(token);
      if (state.state === "done") this.done(state, mailbox);
      else this.failed(state.message);
      return;
    }
    this.keep(token, mailbox);
    if (this.stopped.has(token)) return;
    const words = importingText(state, mailbox);
    const shown = this.running.get(token);
    if (shown === undefined)
      this.running.set(token, toast(words, { title: t("Stop"), run: () => void this.stop(token) }, 0));
    else shown.say(words);
  }

  private async stop(token: string): Promise<void> {
    this.stopped.add(token);
    this.running.delete(token);
    try {
      await this.client.import_abort(token);
    } catch (error) {
      // it may have come too late; the end is told
      this.stopped.delete(token);
      toast(messageOf(error));
    }
  }

  private done(state: State, mailbox: string): void {
    const { messages, first_id } = state;
    const said = many(messages, "{n} message imported into {mailbox}", "{n} messages imported into {mailbox}", {
      mailbox,
    });
    const words =
      state.problems > 0 ? `${said}. ${t("Skipped {n}: {why}", { n: state.problems, why: state.message })}` : said;
    const box = this.mail.boxes.get(state.mailbox_id);
    if (messages === 0 || messages > mostUndone || box === undefined || !allows(box, "te")) {
      toast(words);
      return;
    }
    const undo = {
      what: said,
      actions: () => [{ shown: {}, call: () => this.client.import_undo(first_id, messages) }],
    };
    this.actions.remember(undo);
    toast(words, { title: t("Undo"), run: () => this.actions.takeBack(undo) });
  }

  private failed(why: string): void {
    toast(why === "" ? t("Import stopped. No messages imported") : t("No messages imported: {why}", { why }));
  }

  /** Ask what became of the imports that were running when this page heard of them last. */
  private async look(): Promise<void> {
    for (const [token, mailbox] of Object.entries(this.kept())) {
      if (mailbox === "") continue;
      let state: State | null;
      try {
        state = await this.client.import_state(token);
      } catch {
        // not connected: asked again with the next connection
        return;
      }
      if (state !== null) this.took(state);
      else if (this.kept()[token] !== "") {
        this.ended(token);
        toast(
          t(
            "Couldn't get the status of the import into {mailbox}. The import may have finished, or a server restart may have undone it.",
            {
              mailbox,
            },
          ),
          undefined,
          0,
        );
      }
    }
  }

  private ended(token: string): void {
    this.keep(token, "");
    this.stopped.delete(token);
    this.running.get(token)?.close();
    this.running.delete(token);
  }

  private kept(): Record<string, string> {
    return JSON.parse(sessionStorage.getItem(storageKey) ?? "{}") as Record<string, string>;
  }

  private keep(token: string, mailbox: string): void {
    sessionStorage.setItem(storageKey, JSON.stringify({ ...this.kept(), [token]: mailbox }));
  }
}
