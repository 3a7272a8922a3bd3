// The files of a message: uploads with their progress, then cards that can be removed.

import type { Client, Uploaded } from "../../gen/webmail";
import { messageOf } from "../../lib/client";
import { el, sign } from "../../lib/dom";
import { x } from "../../lib/icons";
import { size } from "../../lib/numbers";
import type { FileUpload } from "../../lib/upload";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type * as UploadingPart from "../uploading/part";

/** A file that the server does not have: it is on its way, or failed. */
export type Unsent = Pick<Uploaded, "filename" | "size">;

interface Card {
  readonly file: Unsent;
  readonly root: HTMLElement;
  done: Uploaded | null;
  /** What sends it, if there is something to send. */
  upload: FileUpload | null;
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
    private readonly load: Surroundings["load"],
    private readonly changed: () => void,
  ) {}

  get value(): Uploaded[] {
    return this.cards.flatMap((card) => card.done ?? []);
  }

  set value(files: Uploaded[]) {
    for (const file of files) this.put(file);
  }

  get unsent(): Unsent[] {
    return this.cards.flatMap(({ done, file: { filename, size } }) => (done === null ? { filename, size } : []));
  }

  /** Files that were on their way when their page ended: they are shown as failed. */
  set unsent(files: readonly Unsent[]) {
    for (const file of files) this.stuck(this.put(file), t("upload interrupted"));
  }

  /** Upload files to the server. */
  add(files: Iterable<File>): void {
    for (const file of files) void this.send(file);
  }

  /** Cancel running uploads. */
  abort(): void {
    for (const card of this.cards.splice(0)) card.upload?.abort();
  }

  private put(file: Unsent & Partial<Uploaded>): Card {
    const bar = el("progress", {
      max: "1",
      value: "0",
      "aria-label": t("Uploading {name}", { name: file.filename }),
      hidden: true,
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
    const card: Card = { file, root, done: file.upload_id === undefined ? null : (file as Uploaded), upload: null };
    this.cards.push(card);
    this.root.append(root);
    return card;
  }

  /** Show why a file doesn't go on, with a button that tries again; "" when it does. */
  private stuck(card: Card, why: string, again?: () => void): void {
    const { root } = card;
    root.querySelector("progress")!.hidden = why !== "";
    root.classList.toggle("failed", why !== "");
    root.querySelector(".file-size")!.textContent = why || size(card.file.size);
    root.querySelector(".text")?.remove();
    if (why !== "" && again !== undefined)
      root.lastElementChild!.before(
        el("button", { type: "button", class: "btn text small", onclick: again }, t("Try again")),
      );
    this.changed();
  }

  private async send(file: File, card = this.put({ filename: file.name || t("image.png"), size: file.size })) {
    this.stuck(card, "");
    const bar = card.root.querySelector("progress")!;
    try {
      const { FileUpload, offerPlace } = await this.load<typeof UploadingPart>("uploading");
      if (!this.cards.includes(card)) return;
      void offerPlace(file, card.root, (photo) => {
        this.remove(card);
        void this.send(photo);
      });
      const upload = card.upload ?? new FileUpload(this.base, this.client, file, file.name || "picture.png");
      card.upload = upload;
      card.done = await upload.send<Uploaded>({
        progress: (sent, size) => (bar.value = size > 0 ? sent / size : 0),
        stuck: (why) => this.stuck(card, why, () => upload.retry()),
      });
      bar.hidden = true;
      this.changed();
    } catch (error) {
      if (this.cards.includes(card)) this.stuck(card, messageOf(error), () => void this.send(file, card));
    }
  }

  private remove(card: Card): void {
    this.cards = this.cards.filter((other) => other !== card);
    card.upload?.abort();
    card.root.remove();
    // the server removes leftovers a day later
    if (card.done !== null) this.client.upload_remove(card.done.upload_id).catch(() => {});
    this.changed();
  }
}
