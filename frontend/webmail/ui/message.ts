// One message: its header, what can be done with it, and its text or HTML.

import type { Attachment, Client, MessageItem, ParsedMessage } from "../../gen/webmail";
import { type Child, el, fill } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { addressList, fullTime, longAddress, readableText } from "./format";

export interface MessageOwner {
  /** The actions on the selected messages. */
  actions(): Node[];
  back(): void;
}

type Mode = "text" | "html" | "htmlexternal";

/** Opened messages that are kept, so that stepping back and forth is at once. */
const kept = 20;
const firstAttachments = 4;

export class MessageView {
  readonly root = el("section", { class: "reader", "aria-label": "Message" });
  private readonly cache = new Map<number, Promise<ParsedMessage>>();
  private item: MessageItem | null = null;
  private parsed: ParsedMessage | null = null;
  private mode: Mode = "text";
  private allHeaders = false;
  private body = el("div", { class: "reader-body" });
  private bar = el("div", { class: "reader-bar" });

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly owner: MessageOwner,
  ) {
    this.showNothing(0);
  }

  /** The message that is shown. */
  current(): MessageItem | null {
    return this.item;
  }

  /** Take an opened message that came with the list. */
  offer(parsed: ParsedMessage): void {
    this.remember(parsed.id, Promise.resolve(parsed));
  }

  /** Show that none, or several, are selected. */
  showNothing(selected: number): void {
    this.item = null;
    this.parsed = null;
    fill(
      this.root,
      selected > 1 ? this.toolbar() : null,
      el("div", { class: "reader-empty" }, selected > 1 ? `${selected} messages selected` : "Select a message to read it"),
    );
  }

  /** Show a message; resolves when it is there. */
  async show(item: MessageItem): Promise<void> {
    this.item = item;
    this.parsed = null;
    this.allHeaders = false;
    this.body = el("div", { class: "reader-body" });
    this.bar = el("div", { class: "reader-bar" });
    fill(this.root, this.toolbar(), this.heading(item), this.bar, this.body);
    this.root.scrollTop = 0;
    const parsed = await this.open(item.id);
    if (this.item?.id !== item.id) return;
    this.parsed = parsed;
    this.mode = parsed.texts.length > 0 || !parsed.has_html ? "text" : "html";
    this.draw();
  }

  /** Draw the toolbar again: what the actions do depends on the flags. */
  refreshActions(item: MessageItem | null): void {
    if (item !== null) this.item = item;
    this.root.querySelector(".toolbar")?.replaceWith(this.toolbar());
  }

  /** Show the text. */
  showText(): void {
    if (this.parsed === null) return;
    this.mode = "text";
    this.draw();
  }

  /** Show the HTML; asked again, with what it loads from elsewhere. */
  showHTML(): void {
    if (!this.parsed?.has_html) return;
    this.mode = this.mode === "html" ? "htmlexternal" : "html";
    this.draw();
  }

  toggleHeaders(): void {
    this.allHeaders = !this.allHeaders;
    this.draw();
  }

  /** The octets as they came, in a new tab. */
  openRaw(): void {
    if (this.item !== null) window.open(`${this.base}msg/${this.item.id}/raw`, "_blank", "noopener");
  }

  /** Scroll by screens, or to the ends with infinities. */
  scroll(screens: number): void {
    const by = Number.isFinite(screens) ? screens * this.body.clientHeight : Math.sign(screens) * this.body.scrollHeight;
    this.body.scrollBy({ top: by });
  }

  private open(id: number): Promise<ParsedMessage> {
    const known = this.cache.get(id);
    if (known !== undefined) return known;
    const opened = this.client.parsed_message(id);
    this.remember(id, opened);
    opened.catch(() => this.cache.delete(id));
    return opened;
  }

  private remember(id: number, parsed: Promise<ParsedMessage>): void {
    this.cache.set(id, parsed);
    for (const old of this.cache.keys()) {
      if (this.cache.size <= kept) break;
      this.cache.delete(old);
    }
  }

  private toolbar(): HTMLElement {
    return el(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Actions" },
      el("button", { class: "back", onclick: () => this.owner.back() }, "‹ Back"),
      this.owner.actions(),
    );
  }

  private heading(item: MessageItem): HTMLElement {
    const row = (label: string, value: string) => value !== "" && [el("dt", {}, label), el("dd", {}, value)];
    return el(
      "header",
      { class: "reader-head" },
      el("h1", { class: "reader-subject" }, item.subject || "(no subject)"),
      el(
        "dl",
        { class: "reader-fields" },
        row("From", addressList(item.from, longAddress)),
        row("Reply to", addressList(item.reply_to, longAddress)),
        row("To", addressList(item.to, longAddress)),
        row("Cc", addressList(item.cc, longAddress)),
        row("Bcc", addressList(item.bcc, longAddress)),
        row("Date", fullTime(item.date ?? item.received)),
      ),
      this.attachments(item.attachments),
    );
  }

  private attachments(all: Attachment[]): Child {
    if (all.length === 0) return null;
    const list = el("div", { class: "attachments" });
    const one = (attachment: Attachment) =>
      el(
        "span",
        { class: "attachment", title: attachment.content_type },
        el("a", { href: this.part("view", attachment.path), target: "_blank", rel: "noopener" }, attachment.filename),
        el("span", { class: "attachment-size" }, size(attachment.size)),
        el("a", { class: "attachment-get", href: this.part("download", attachment.path), title: `Download ${attachment.filename}`, "aria-label": "Download" }, "↓"),
      );
    const draw = (count: number) =>
      fill(
        list,
        all.slice(0, count).map(one),
        all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, `${all.length - count} more`),
      );
    draw(firstAttachments);
    return list;
  }

  private part(kind: string, path: string): string {
    return `${this.base}msg/${this.item?.id ?? 0}/${kind}/${path}`;
  }

  private draw(): void {
    const { parsed, item } = this;
    if (parsed === null || item === null) return;
    const modes: [Mode, string, boolean][] = [
      ["text", "Text", parsed.texts.length > 0],
      ["html", "HTML", parsed.has_html],
      ["htmlexternal", "HTML with external resources", parsed.has_html],
    ];
    fill(
      this.bar,
      modes
        .filter(([, , possible]) => possible)
        .map(([mode, label]) =>
          el(
            "button",
            {
              class: "mode",
              "aria-pressed": String(this.mode === mode),
              onclick: () => {
                this.mode = mode;
                this.draw();
              },
            },
            label,
          ),
        ),
      el("span", { class: "spacer" }),
      item.is_signed && el("span", { class: "hint", title: "The server does not verify signatures" }, "signed"),
      item.is_encrypted && el("span", { class: "hint", title: "The server cannot decrypt this" }, "encrypted"),
      parsed.texts.length === 0 && parsed.has_html && el("span", { class: "hint" }, "HTML-only message"),
      el("button", { class: "mode", "aria-pressed": String(this.allHeaders), onclick: () => this.toggleHeaders() }, "Headers"),
      el("button", { class: "mode", onclick: () => this.openRaw() }, "Raw"),
    );
    fill(this.body, this.allHeaders && this.headers(parsed), this.mode === "text" ? this.texts(parsed) : this.frame());
    this.body.classList.toggle("framed", this.mode !== "text");
  }

  private headers(parsed: ParsedMessage): HTMLElement {
    return el(
      "table",
      { class: "headers" },
      parsed.headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value))),
    );
  }

  private texts(parsed: ParsedMessage): Child {
    if (parsed.texts.length === 0) return el("p", { class: "hint" }, "No textual content");
    return parsed.texts.map((part) =>
      el("article", { class: "text-part" }, readableText(part.text), part.truncated && el("p", { class: "hint" }, "The rest of this text is not shown.")),
    );
  }

  private frame(): HTMLElement {
    // the page inside runs no scripts and has no origin; this attribute says it once more
    return el("iframe", {
      class: "html",
      title: "Message",
      sandbox: "allow-popups allow-popups-to-escape-sandbox",
      referrerpolicy: "no-referrer",
      src: this.mode === "htmlexternal" ? `${this.base}msg/${this.item?.id ?? 0}/htmlexternal` : `${this.base}msg/${this.item?.id ?? 0}/html`,
    });
  }
}
