// One message: its header, what can be done with it, and its text or HTML.

import type { Attachment, Client, MessageItem, ParsedMessage } from "../../gen/webmail";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { many, t } from "../../lib/words";
import type { AllSettings } from "../state/settings";
import { addressList, bareAddress, fullTime, longAddress, readableText } from "./format";

export interface MessageOwner {
  /** The bar of what can be done with the selected messages. */
  readonly bar: HTMLElement;
  /** The page of an HTML message is there: its keys are ours too. */
  framed(page: Document): void;
  /** A message is shown; `place` is below its head, for what there is to say of it. */
  opened(item: MessageItem, place: HTMLElement): void;
  settings(): AllSettings;
  /** The user has chosen how messages of this sender are shown; "" forgets it. */
  remember(address: string, mode: ParsedMessage["view_mode"]): void;
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
      selected > 0 ? this.owner.bar : null,
      el(
        "div",
        { class: "reader-empty" },
        selected > 0 ? many(selected, "{n} message selected", "{n} messages selected") : t("Select a message to read it"),
      ),
    );
  }

  /** Show a message; resolves when it is there. */
  async show(item: MessageItem): Promise<void> {
    this.item = item;
    this.parsed = null;
    this.allHeaders = false;
    this.body = el("div", { class: "reader-body" });
    this.bar = el("div", { class: "reader-bar" });
    const place = el("div", { class: "reader-note", hidden: true });
    fill(this.root, this.owner.bar, this.heading(item), place, this.bar, this.body);
    this.owner.opened(item, place);
    this.root.scrollTop = 0;
    const parsed = await this.open(item.id);
    if (this.item?.id !== item.id) return;
    this.parsed = parsed;
    this.mode = this.first(parsed);
    this.draw();
  }

  /** The message has other flags now. */
  update(item: MessageItem): void {
    this.item = item;
  }

  /** How it is shown first: as remembered for the sender, else as set, else as text (WEBMAIL-55, WEBMAIL-56). */
  private first(parsed: ParsedMessage): Mode {
    if (!parsed.has_html) return "text";
    const { view_mode: remembered } = parsed;
    if (remembered !== "" && (remembered !== "text" || parsed.texts.length > 0)) return remembered === "html_ext" ? "htmlexternal" : remembered;
    return parsed.texts.length === 0 || this.owner.settings().show_html ? "html" : "text";
  }

  /** The user wants to see it so, and the other messages of this sender. */
  private choose(mode: Mode): void {
    if (this.parsed === null || this.mode === mode) return;
    this.mode = mode;
    if (this.parsed.has_html) this.keep(mode === "htmlexternal" ? "html_ext" : mode);
    this.draw();
  }

  private keep(view: ParsedMessage["view_mode"]): void {
    const { parsed, item } = this;
    const [sender, ...others] = item?.from ?? [];
    if (parsed === null || sender === undefined || others.length > 0) return;
    this.parsed = { ...parsed, view_mode: view };
    this.cache.clear();
    this.remember(parsed.id, Promise.resolve(this.parsed));
    this.owner.remember(bareAddress(sender), view);
  }

  /** Show the text. */
  showText(): void {
    this.choose("text");
  }

  /** Show the HTML; asked again, with what it loads from elsewhere. */
  showHTML(): void {
    if (this.parsed?.has_html) this.choose(this.mode === "html" ? "htmlexternal" : "html");
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

  private heading(item: MessageItem): HTMLElement {
    const row = (label: string, value: string) => value !== "" && [el("dt", {}, label), el("dd", { dir: "auto" }, isolated(value))];
    return el(
      "header",
      { class: "reader-head" },
      el("h1", { class: "reader-subject", dir: "auto" }, isolated(item.subject) || t("(no subject)")),
      el(
        "dl",
        { class: "reader-fields" },
        row(t("From"), addressList(item.from, longAddress)),
        row(t("Reply to"), addressList(item.reply_to, longAddress)),
        row(t("To"), addressList(item.to, longAddress)),
        row(t("Cc"), addressList(item.cc, longAddress)),
        row(t("Bcc"), addressList(item.bcc, longAddress)),
        row(t("Date"), fullTime(item.date ?? item.received)),
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
        el("a", { class: "attachment-get", href: this.part("download", attachment.path), title: t("Download {name}", { name: attachment.filename }), "aria-label": t("Download") }, "↓"),
      );
    const draw = (count: number) =>
      fill(
        list,
        all.slice(0, count).map(one),
        all.length > count && el("button", { class: "link", onclick: () => draw(all.length) }, t("{n} more", { n: all.length - count })),
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
      ["text", t("Text"), parsed.texts.length > 0],
      ["html", t("HTML"), parsed.has_html],
      ["htmlexternal", t("HTML with external resources"), parsed.has_html],
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
              onclick: () => this.choose(mode),
            },
            label,
          ),
        ),
      parsed.view_mode !== "" && el("button", { class: "mode", title: t("Messages of this sender are shown so"), onclick: () => (this.keep(""), this.draw()) }, t("Forget for this sender")),
      el("span", { class: "spacer" }),
      item.is_signed && el("span", { class: "hint", title: t("The server does not verify signatures") }, t("signed")),
      item.is_encrypted && el("span", { class: "hint", title: t("The server cannot decrypt this") }, t("encrypted")),
      parsed.texts.length === 0 && parsed.has_html && el("span", { class: "hint" }, t("HTML-only message")),
      el("button", { class: "mode", "aria-pressed": String(this.allHeaders), onclick: () => this.toggleHeaders() }, t("Headers")),
      el("button", { class: "mode", onclick: () => this.openRaw() }, t("Raw")),
    );
    const wanted = new Set(this.owner.settings().show_headers.map((name) => name.toLowerCase()));
    const headers = this.allHeaders ? parsed.headers : parsed.headers.filter((header) => wanted.has(header.name.toLowerCase()));
    fill(this.body, headers.length > 0 && this.headers(headers), this.mode === "text" ? this.texts(parsed) : this.frame());
    this.body.classList.toggle("framed", this.mode !== "text");
  }

  private headers(headers: ParsedMessage["headers"]): HTMLElement {
    return el(
      "table",
      { class: "headers" },
      headers.map((header) => el("tr", {}, el("th", {}, header.name), el("td", {}, header.value))),
    );
  }

  private texts(parsed: ParsedMessage): Child {
    if (parsed.texts.length === 0) return el("p", { class: "hint" }, t("No textual content"));
    return parsed.texts.map((part) =>
      el("article", { class: "text-part" }, readableText(part.text), part.truncated && el("p", { class: "hint" }, t("The rest of this text is not shown."))),
    );
  }

  private frame(): HTMLElement {
    // The page inside runs no scripts: its policy and this attribute both say so. It has our origin so that its keys are ours
    // (docs/decisions/009-frame-of-html-mail.md).
    const kind = this.mode === "htmlexternal" ? "htmlexternal" : "html";
    const frame = el("iframe", {
      class: "html",
      title: t("Message"),
      sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
      referrerpolicy: "no-referrer",
      src: `${this.base}msg/${this.item?.id ?? 0}/${kind}?sameorigin=true`,
    });
    frame.addEventListener("load", () => {
      if (frame.contentDocument !== null) this.owner.framed(frame.contentDocument);
    });
    return frame;
  }
}
