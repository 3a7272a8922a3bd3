// The files of a message: uploads with their progress, then cards that can be removed.

import type { Client, Uploaded } from "../../gen/webmail";
import { el, sign } from "../../lib/dom";
import { x } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { t, told } from "../../lib/words";

/** A file that the server does not have: it is on its way, or failed. */
export type Unsent = Pick<Uploaded, "filename" | "size">;

interface Card {
  readonly file: Unsent;
  readonly root: HTMLElement;
  done: Uploaded | null;
  readonly request: XMLHttpRequest | null;
}

export class Files {
  /** Screen readers say the name of a file that is added, and why one failed. */
  readonly root = el("div", {
    class: "files",
    role: "group",
    "aria-label": t("Attachments"),
    "aria-live": "polite",
  });
  private cards: Card[] = [];

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly changed: () => void,
  ) {}

  get value(): Uploaded[] {
    return this.cards.flatMap((card) => card.done ?? []);
  }

  set value(files: Uploaded[]) {
    for (const file of files) this.put(file, null);
  }

  get unsent(): Unsent[] {
    return this.cards.flatMap(({ done, file: { filename, size } }) => (done === null ? { filename, size } : []));
  }

  /** Files that were on their way when their page ended: they are shown as failed. */
  set unsent(files: readonly Unsent[]) {
    for (const file of files) this.fail(this.put(file, null), t("upload interrupted"));
  }

  /** Upload files to the server. */
  add(files: Iterable<File>): void {
    for (const file of files) this.send(file);
  }

  /** Cancel running uploads. */
  abort(): void {
    for (const card of this.cards) card.request?.abort();
  }

  private put(file: Unsent & Partial<Uploaded>, request: XMLHttpRequest | null): Card {
    const bar = el("progress", {
      max: "1",
      value: "0",
      "aria-label": t("Uploading {name}", { name: file.filename }),
      hidden: request === null,
    });
    const note = el("span", { class: "file-size" }, size(file.size));
    const root = el(
      "div",
      { class: "file" },
      el("span", { class: "file-name", dir: "auto", title: file.filename }, file.filename),
      note,
      bar,
      el(
        "button",
        {
          type: "button",
          class: "file-remove",
          "aria-label": t("Remove {name}", { name: file.filename }),
          onclick: () => this.remove(card),
        },
        sign(x, "i s"),
      ),
    );
    const card: Card = { file, root, done: file.upload_id === undefined ? null : (file as Uploaded), request };
    this.cards.push(card);
    this.root.append(root);
    return card;
  }

  private fail(card: Card, why: string): void {
    card.root.querySelector("progress")!.hidden = true;
    card.root.classList.add("failed");
    card.root.querySelector(".file-size")!.textContent = why;
    this.changed();
  }

  private send(file: File): void {
    const request = new XMLHttpRequest();
    const card = this.put({ filename: file.name || t("image.png"), size: file.size }, request);
    const bar = card.root.querySelector("progress")!;
    const fail = (why: string) => this.fail(card, why);
    request.open("POST", `${this.base}upload?filename=${encodeURIComponent(file.name || "picture.png")}`);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.setRequestHeader("x-moxlite-csrf", this.client.csrfToken);
    request.upload.onprogress = (event) => (bar.value = event.total > 0 ? event.loaded / event.total : 0);
    request.onerror = () => fail(t("upload interrupted"));
    request.onload = () => {
      let answer: { result?: Uploaded; error?: { message: string } };
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        fail(t("rejected by the server: {status}", { status: request.status }));
        return;
      }
      if (answer.result === undefined) {
        void told(answer.error ?? { message: t("rejected") }).then((error) => fail(error.message));
        return;
      }
      card.done = answer.result;
      bar.hidden = true;
      this.changed();
    };
    request.send(file);
    this.changed();
  }

  private remove(card: Card): void {
    card.request?.abort();
    this.cards = this.cards.filter((one) => one !== card);
    card.root.remove();
    // the server removes leftovers a day later
    if (card.done !== null) this.client.upload_remove(card.done.upload_id).catch(() => {});
    this.changed();
  }
}
