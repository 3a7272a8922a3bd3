// Importing mail: the form, the upload of the file, the progress in the server, and the result.

import type { Client, ImportAborted, ImportDone, ImportEvent, ImportProgress } from "../../gen/account";
import { number } from "../../lib/beside";
import { codeOf, messageOf } from "../../lib/client";
import { attempt, confirm, showError } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { duration, size } from "../../lib/numbers";
import { foreign } from "../../lib/pages";
import { FormUpload, UploadAborted } from "../../lib/upload";
import { locale, many, t } from "../../lib/words";
import { Follower } from "./follow";
import { LabelQuestion } from "./labels";

/** Data of an import that this window keeps when the page is reloaded. */
interface Kept {
  token: string;
  name: string;
  /** The result; the page keeps it for longer than the server does. */
  end?: ImportDone | ImportAborted;
  /** The user has seen the end. */
  dismissed?: boolean;
}

const keptKey = `moxlite-account${number}-import`;
const shownMailboxes = 200;
const lostText = t(
  "Couldn't get the import status. Your import may have finished, or a server restart may have undone it. To find out, check your folders.",
);

export class Importing {
  readonly root = el("section", { class: "card", "aria-labelledby": "import-title" });
  private readonly file = el("input", {
    type: "file",
    class: "drop-input",
    id: "import-file",
    "aria-describedby": "import-kinds",
    accept: ".zip,.tgz,.gz,.tar,.mbox,.mbx,.eml,application/mbox,message/rfc822",
  });
  private readonly fileName = el("span", { class: "drop-name" });
  private readonly mailbox = el("input", {
    autocomplete: "off",
    spellcheck: "false",
    list: "mailbox-names",
    placeholder: t("Same folder as in the file, or Inbox"),
  });
  private readonly prefix = el("input", {
    autocomplete: "off",
    spellcheck: "false",
    placeholder: t("For example, “[Gmail]” or “Old/Mail”"),
  });
  private readonly skip = el("input", { type: "checkbox" });
  private readonly trial = el("input", { type: "checkbox" });
  private readonly submit = el("button", { class: "btn primary", type: "submit" }, t("Import"));
  private readonly form: HTMLFormElement;
  private readonly bar = el("progress", { class: "bar", max: 1, "aria-label": t("Progress") });
  private readonly doing = el("p", { class: "doing", role: "status" });
  private readonly figures = el("p", { class: "figures" });
  private readonly counts = el("div", { class: "counts" });
  private readonly problems = el("details", { class: "problems" });
  private readonly notes = el("div", { class: "hint" });
  private readonly cancel = el("button", { onclick: () => void this.askCancel() }, t("Cancel"));
  private readonly another = el(
    "button",
    { class: "btn primary", onclick: () => this.dismiss() },
    t("Import another file"),
  );
  private readonly result = el("p", { class: "result", role: "alert" });
  private readonly labels = new LabelQuestion(() => this.answered());
  /** Name of the file with these labels. */
  private labelled = "";
  private readonly running: HTMLElement;
  private readonly runningTitle = el("h3");

  private upload: FormUpload | null = null;
  private follower: Follower | null = null;
  private kept: Kept | null = null;
  private step = "";
  private found = new Map<string, number>();
  private texts: string[] = [];
  /** Texts about files that aren't mail, and messages that the file has twice. */
  private noted: string[] = [];
  private drawing = 0;

  /** `changed` is called when an import has added mail. */
  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly changed: () => void,
  ) {
    const drop = el(
      "div",
      { class: "drop" },
      el("label", { class: "drop-text", for: "import-file" }, t("Choose a file or drag it here")),
      this.fileName,
      el(
        "span",
        { class: "hint", id: "import-kinds" },
        t(
          "ZIP, tar.gz, or tar archive with mbox, Maildir, or .eml files, such as from Google Takeout or Thunderbird. You can also use a single mbox or .eml file.",
        ),
      ),
      this.file,
    );
    this.file.addEventListener("change", () => this.chosen());
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer !== null && event.dataTransfer.files.length > 0) {
        this.file.files = event.dataTransfer.files;
        this.chosen();
      }
    });
    this.form = el(
      "form",
      {
        class: "form",
        data: { fleeting: "" },
        onsubmit: (event: Event) => {
          event.preventDefault();
          void this.begin();
        },
      },
      drop,
      el(
        "div",
        { class: "fields" },
        el("label", { class: "field" }, t("Import into folder"), this.mailbox),
        el("label", { class: "field" }, t("Remove folder name prefix"), this.prefix),
      ),
      el("label", { class: "check" }, this.skip, t("Skip messages already in the folder")),
      el("label", { class: "check" }, this.trial, t("Dry run: count messages and find problems without importing")),
      el("div", { class: "flex wrap" }, this.submit),
    );
    this.running = el(
      "div",
      { class: "running", hidden: true },
      this.runningTitle,
      this.doing,
      this.bar,
      this.figures,
      this.result,
      this.counts,
      this.problems,
      this.notes,
      el("div", { class: "flex wrap" }, this.cancel, this.another),
    );
    fill(
      this.root,
      el("h2", { id: "import-title" }, t("Import")),
      el(
        "p",
        { class: "hint" },
        t(
          "If something goes wrong, nothing will be imported. You can keep using your mail during the import, and close this page once the upload finishes.",
        ),
      ),
      this.form,
      this.running,
      this.labels.root,
    );
    addEventListener("beforeunload", (event) => {
      if (this.upload !== null) event.preventDefault(); // the upload would stop
    });
    this.chosen();
  }

  /** Show an import that is running, or the result of the last one. */
  async show(): Promise<void> {
    if (this.upload !== null || this.follower !== null) return;
    this.kept = readKept();
    const state = await this.client.import_state();
    const kept = this.kept;
    if (kept !== null && !kept.dismissed) {
      this.open(kept.name);
      // the server keeps more details for a while
      if (kept.end !== undefined && state.token !== kept.token) this.end(kept.end);
      else this.follow(kept);
    } else if (state.token !== "" && state.token !== kept?.token) {
      this.open("");
      this.follow({ token: state.token, name: "" });
    }
  }

  private chosen(): void {
    const file = this.file.files?.[0];
    fill(this.fileName, file === undefined ? "" : `${file.name} · ${size(file.size)}`);
    this.fileName.hidden = file === undefined;
    this.submit.disabled = file === undefined;
    if (file !== undefined && file.name !== this.labelled) this.labels.clear();
  }

  /** Import the file of the last trial; after a reload of the page, it has to be chosen again. */
  private answered(): void {
    const again = this.file.files?.length === 1;
    if (!this.running.hidden) this.dismiss(again);
    this.trial.checked = false;
    if (this.file.files?.length === 1) void this.begin();
    else this.file.focus();
  }

  private async begin(): Promise<void> {
    const file = this.file.files?.[0];
    if (file === undefined) return;
    this.submit.disabled = true;
    try {
      await this.client.import_check(file.size);
    } catch (error) {
      await showError(t("Couldn't import file"), error);
      return;
    } finally {
      this.submit.disabled = false;
    }
    const form = new FormData();
    if (this.mailbox.value.trim() !== "") form.set("mailbox", this.mailbox.value.trim());
    if (this.prefix.value.trim() !== "") form.set("skip_mailbox_prefix", this.prefix.value.trim());
    if (this.skip.checked) form.set("skip_duplicates", "1");
    if (this.trial.checked) form.set("dry_run", "1");
    if (this.labels.answers !== "") form.set("labels", this.labels.answers);
    form.set("file", file);
    this.open(file.name);
    const upload = new FormUpload();
    this.upload = upload;
    fill(this.doing, t("Uploading file…"));
    const began = Date.now();
    try {
      const token = await upload.send(`${this.base}import`, form, this.client, (sent, whole) => {
        const seconds = (Date.now() - began) / 1000;
        this.draw(sent, whole, seconds > 2 && sent > 0 ? (seconds * (whole - sent)) / sent : null);
      });
      this.upload = null;
      this.follow({ token, name: file.name });
    } catch (error) {
      this.upload = null;
      this.close();
      if (error instanceof UploadAborted) return;
      const reason = await this.reason(error, file.size);
      if (upload.complete && codeOf(reason) === "user:conflict") {
        await this.show();
        return;
      }
      const words =
        codeOf(reason) === "" && upload.complete
          ? t("Can't reach the server, and we don't know whether this was done. Check before you try again.")
          : messageOf(reason);
      if (await confirm(t("Couldn't import file"), words, t("Try again"), "primary")) await this.begin();
    }
  }

  /** The reason of a failed upload. The browser may lose the answer of a server that ends an upload early, so ask again. */
  private async reason(error: unknown, octets: number): Promise<unknown> {
    if (codeOf(error) !== "") return error;
    try {
      await this.client.import_check(octets);
      return error;
    } catch (reason) {
      return (codeOf(reason) ?? "") !== "" ? reason : error;
    }
  }

  private follow(kept: Kept): void {
    this.keep(kept);
    this.follower = new Follower(this.client, this.base, kept.token, {
      begins: () => {
        this.clear();
      },
      event: (event) => this.take(event),
      waiting: () => fill(this.doing, t("Connection lost. The import is still running. Reconnecting…")),
      lost: () => {
        this.follower?.stop();
        this.end(this.kept?.end ?? { kind: "aborted", message: lostText });
      },
    });
  }

  private take(event: ImportEvent): void {
    switch (event.kind) {
      case "step":
        this.step = event.title;
        fill(this.doing, event.title === "finishing" ? t("Filing messages…") : t("Reading file…"));
        if (event.title === "finishing") this.bar.removeAttribute("value");
        fill(this.figures);
        return;
      case "share":
        this.drawShare(event.percent);
        return;
      case "count":
        this.found.set(event.mailbox, event.count);
        this.later();
        return;
      case "problem":
        this.texts.push(event.message);
        this.later();
        return;
      case "note":
        this.noted.push(event.message);
        this.later();
        return;
      case "asked":
        this.labelled = this.kept?.name ?? "";
        this.labels.ask(event.labels);
        return;
      case "progress":
        if (this.step !== "finishing") this.progress(event);
        return;
      case "done":
      case "aborted":
        this.end(event);
        if (event.kind === "done" && !event.dry_run) {
          this.labels.clear();
          this.changed();
        }
    }
  }

  private progress(event: ImportProgress): void {
    this.draw(event.octets, event.size, event.seconds_left);
  }

  /** Show the progress. */
  private draw(octets: number, whole: number, left: number | null): void {
    const rest = left === null ? "" : ` · ${t("about {time} left", { time: duration(left) })}`;
    const part = ` · ${t("{part} of {whole}", { part: size(octets), whole: size(whole) })}${rest}`;
    this.drawShare(whole > 0 ? (100 * octets) / whole : 0, whole > 1 ? part : "");
  }

  private drawShare(percent: number, more = ""): void {
    this.bar.value = percent / 100;
    const text = `${Math.floor(percent)} %`;
    fill(this.figures, `${text}${more}`);
    document.title = `${text} · ${t("Import")} · moxlite`;
  }

  /** Show counts and problems, once for all events that arrive together. */
  private later(): void {
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.drawFound(this.texts.length);
    });
  }

  private drawFound(problems: number): void {
    const rows = [...this.found].slice(0, shownMailboxes);
    const more = this.found.size - rows.length;
    const total = [...this.found.values()].reduce((sum, number) => sum + number, 0);
    fill(
      this.counts,
      rows.length > 0 &&
        el(
          "table",
          {},
          el(
            "caption",
            {},
            t("{messages} in {mailboxes}", {
              messages: many(total, "{n} message", "{n} messages"),
              mailboxes: many(this.found.size, "{n} folder", "{n} folders"),
            }),
          ),
          el(
            "tbody",
            {},
            rows.map(([name, number]) =>
              el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, number.toLocaleString(locale()))),
            ),
          ),
          more > 0 &&
            el(
              "tfoot",
              {},
              el("tr", {}, el("td", { colspan: 2 }, many(more, "and {n} more folder", "and {n} more folders"))),
            ),
        ),
    );
    fill(
      this.notes,
      this.noted.map((text) => el("p", {}, foreign(text))),
    );
    this.problems.hidden = this.texts.length === 0;
    const hidden = problems - this.texts.length;
    fill(
      this.problems,
      el("summary", {}, many(problems, "{n} problem (view skipped items)", "{n} problems (view skipped items)")),
      el(
        "ul",
        {},
        this.texts.map((text) => el("li", {}, text)),
        hidden > 0 && el("li", {}, t("and {n} more", { n: hidden })),
      ),
    );
  }

  /** Forget what was told of an import. */
  private clear(): void {
    this.found.clear();
    this.texts = [];
    this.noted = [];
    this.step = "";
  }

  private end(end: ImportDone | ImportAborted): void {
    this.follower = null;
    if (this.kept !== null) this.keep({ ...this.kept, end });
    cancelAnimationFrame(this.drawing);
    this.drawing = 0;
    this.drawFound(end.kind === "done" ? end.problems : this.texts.length);
    const good = end.kind === "done";
    this.bar.hidden = true;
    this.cancel.hidden = true;
    this.another.hidden = false;
    this.result.hidden = false;
    this.result.classList.toggle("bad", !good);
    fill(this.doing);
    fill(this.figures);
    fill(this.result, endText(end));
    document.title = `${good ? t("Done") : t("Not imported")} · ${t("Import")} · moxlite`;
  }

  /** Show the progress instead of the form. */
  private open(name: string): void {
    this.form.hidden = true;
    this.running.hidden = false;
    this.clear();
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.cancel.hidden = false;
    this.cancel.disabled = false;
    this.another.hidden = true;
    this.result.hidden = true;
    this.drawFound(0);
    fill(this.runningTitle, name === "" ? t("Import started on another page") : name);
    fill(this.doing, t("Connecting…"));
    fill(this.figures);
  }

  private close(): void {
    this.running.hidden = true;
    this.form.hidden = false;
    document.title = `${t("Import and export")} · moxlite`;
  }

  /** Show the form again, empty unless it is to `keep` what was chosen. */
  private dismiss(keep = false): void {
    if (this.kept !== null) this.keep({ ...this.kept, dismissed: true });
    if (!keep) this.form.reset();
    this.chosen();
    this.close();
    this.file.focus();
  }

  private async askCancel(): Promise<void> {
    if (this.upload !== null) {
      this.upload.abort();
      return;
    }
    const token = this.follower?.token;
    if (token === undefined) return;
    if (await confirm(t("Stop this import?"), t("Messages imported so far will be removed."), t("Stop import"))) {
      await attempt(t("Canceling…"), t("Couldn't cancel import"), () => this.client.import_abort(token));
    }
  }

  private keep(kept: Kept): void {
    this.kept = kept;
    sessionStorage.setItem(keptKey, JSON.stringify(kept));
  }
}

function endText(end: ImportDone | ImportAborted): string {
  if (end.kind === "aborted")
    return end.message === lostText ? lostText : t("No messages imported: {why}", { why: end.message });
  const messages = many(end.messages, "{n} message", "{n} messages");
  const problems = end.problems > 0 ? `, ${many(end.problems, "{n} problem", "{n} problems")}` : "";
  const values = { messages, problems };
  return end.dry_run
    ? t("{messages} would be imported{problems}. This was only a dry run.", values)
    : t("{messages} imported{problems}.", values);
}

function readKept(): Kept | null {
  const text = sessionStorage.getItem(keptKey);
  return text === null ? null : (JSON.parse(text) as Kept);
}
