// One message: its header, its actions, and its text or HTML.

import type { Address, Attachment, Client, MessageItem, ParsedMessage } from "../../gen/webmail";
import { CallFailed, codeOf } from "../../lib/client";
import type { Command } from "../../lib/commands";
import { hue, initials } from "../../lib/disc";
import { type Child, el, fill, isolated, sign } from "../../lib/dom";
import { chevronDown, ellipsis } from "../../lib/icons";
import { isDark } from "../../lib/scheme";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import type { OpenMessage } from "../commands/desk";
import type * as PrintPart from "../print/part";
import type { AboutSender } from "../sender/part";
import { shownLabels } from "../state/labels";
import type { AllSettings } from "../state/settings";
import { addressList, bareAddress, fullTime, loneTime, shortAddress } from "../ui/format";
import { missing } from "../ui/missing";
import { subjectOf } from "../ui/subject";
import { asciiDomains } from "./addresses";
import { attachmentCards, type Source } from "./attachments";
import { claimLine } from "./claim";
import { htmlFrame, picturesWords, type Shade } from "./frame";
import { givenLine } from "./given";
import sheet from "./message.css";
import { addressees, drawLabels, headerTable, namedRecipients, recipients, senderOf, validations } from "./people";
import { readableText } from "./text";
import { doubtful, trustLine } from "./trust";
import { type Leaving, leavingLine } from "./unsubscribe";

adopt(sheet);

export { messageCommands } from "./commands";

/** The interface of the page for a message. */
export interface MessageOwner {
  /** Fetch the opened message. */
  open(id: number): Promise<ParsedMessage>;
  /** Run `work` as soon as the server can be reached again, if the message is still shown then. */
  reached(work: () => void): void;
  /** Texts to mark. */
  needles(): readonly string[];
  /** The page of an HTML message is loaded: its keys run our commands, too. */
  framed(page: Document): void;
  /** A message is shown; `place` is an element below its head for additional information. */
  opened(item: MessageItem, place: HTMLElement): void;
  settings(): AllSettings;
  /** Store how messages of this sender are shown; "" removes the entry. Resolves after success or failure. */
  remember(...view: Parameters<Client["from_address_settings_save"]>): Promise<unknown>;
  /** The view mode was changed: opened messages in the cache may have the old one. */
  chosen(parsed: ParsedMessage): void;
  /** Show an attachment in the viewer, from which the others can be reached. */
  look(item: MessageItem, path: string): void;
  /** Open the menu of a message at this button: these commands, then the actions about its sender. */
  menu(item: MessageItem, at: HTMLElement, commands: readonly Command[]): void;
  /** Whether an address is the reader's own. */
  isOwn(address: Address): boolean;
  /** The bar below a message alone, by which it is answered; null where it cannot be. */
  answer(item: MessageItem): HTMLElement | null;
  /** Leave a mailing list or newsletter. */
  readonly leave: Leaving["leave"];
  /** Run an action about the sender of a message, or the masked address; resolves to whether it was done. */
  sender(item: MessageItem, what: AboutSender, masked?: string): Promise<boolean>;
  /** Show the event of a calendar in a place. */
  invitation(item: MessageItem, path: string, place: HTMLElement): void;
  /** Show the request for a receipt of reading in a place. */
  receipt(item: MessageItem, parsed: ParsedMessage, place: HTMLElement): void;
  /** The messages of the conversation in which the message is shown; none for a message alone. */
  together(): readonly MessageItem[];
  /** Run this with the part that prints and downloads. */
  printing(run: (found: typeof PrintPart, client: Client) => unknown): void;
  /** Show the details of a message. */
  details(item: MessageItem, parsed: ParsedMessage): void;
}

/** Types of calendars. */
const calendars: ReadonlySet<string> = new Set(["text/calendar", "application/ics"]);

/** Subjects of what is forwarded, as programs in our languages write them. */
const forwards = /^\s*(fwd?|wg|tr|rv|doorst)\s*:/i;

type Mode = "text" | "html" | "htmlexternal";

/** Choices that are being stored, one after the other; messages that are opened next wait for them. */
let remembered: Promise<unknown> = Promise.resolve();

export class Message implements OpenMessage {
  readonly root = el("div", { class: "reader-message" });
  private parsed: ParsedMessage | null = null;
  private mode: Mode = "text";
  /** Text is in a font of fixed width. */
  private fixed = false;
  private allHeaders = false;
  /** The shade that the reader chose for this message, and whether it has a light sheet without a choice. */
  private chosen: Shade | null = null;
  private sheet = false;
  private readonly body = el("div", { class: "reader-body" });
  private readonly bar = el("div", { class: "reader-bar" });
  private readonly people = el("span", { dir: "auto" });
  private readonly sender = el("dd", {}, this.people);
  private readonly address = el("span", { class: "author-address", hidden: true });
  private readonly trust = el("div", { class: "trust", hidden: true });
  /** The way out of a list or newsletter. */
  private readonly leaving = el("span", { class: "leaving" });
  /** What follows the text: attachments, and the bar by which it is answered. */
  private readonly after = el("div", { class: "reader-after" });
  private readonly claim = el("div", { class: "claim", hidden: true });
  /** The line about an address that was given away. */
  private readonly given = el("div", { class: "given-to", hidden: true });
  private readonly labels = el("div", { class: "message-keywords", hidden: true });
  /** The card of an event to which the message invites. */
  private readonly event = el("div", { class: "event-card", hidden: true });
  /** The line about a receipt of reading that the sender asks for. */
  private readonly receipt = el("div", { class: "reader-bar receipt", hidden: true });
  private readonly fields = el("dl", { class: "reader-fields", hidden: true });
  private readonly more = el(
    "button",
    {
      class: "quiet message-menu",
      "aria-haspopup": "menu",
      title: t("More message actions"),
      "aria-label": t("More message actions"),
    },
    sign(ellipsis),
  );
  /** Remote resources that the page was denied, and their hosts; null until it is loaded. */
  private blocked: { count: number; hosts: string[] } | null = null;
  /** Paths of the attachments that the page shows; null until it is loaded. */
  private inside: string[] | null = null;

  /** `fold` closes the message in its thread. Such a message is as high as its page, because the thread scrolls. */
  constructor(
    private shown: MessageItem,
    private readonly base: string,
    private readonly owner: MessageOwner,
    private readonly fold: (() => void) | null,
  ) {
    const { item } = this;
    const place = el("div", { class: "reader-note", hidden: true });
    this.more.addEventListener("click", () => this.owner.menu(this.item, this.more, this.commands()));
    this.more.hidden = !this.whole;
    fill(this.root, this.heading(item), place, this.receipt, this.event, this.bar, this.body);
    this.owner.opened(item, place);
  }

  get item(): MessageItem {
    return this.shown;
  }

  /** Set the message with its newest flags and labels. */
  set item(item: MessageItem) {
    this.shown = item;
    this.drawReceipt();
    drawLabels(this.labels, shownLabels(this.owner.settings().labels, this.item.keywords));
  }

  /** Show the request for a receipt, as long as it was neither answered nor declined in any program. */
  private drawReceipt(): void {
    const { parsed, item } = this;
    if (parsed === null || !parsed.receipt) return; // what an older page has kept has none
    if (item.flags.includes("$mdnsent")) this.receipt.hidden = true;
    else if (this.receipt.hidden) this.owner.receipt(item, parsed, this.receipt);
  }

  private get whole(): boolean {
    return this.fold !== null;
  }

  get own(): readonly Command[] {
    return this.whole ? [] : this.commands();
  }

  /** Show the text; resolves when it is drawn. */
  async show(): Promise<void> {
    await remembered;
    let parsed: ParsedMessage;
    try {
      parsed = await this.owner.open(this.item.id);
    } catch (error) {
      if (codeOf(error) === null) throw error;
      this.missing(error as Error);
      return;
    }
    this.parsed = parsed;
    this.mode = this.first(parsed);
    this.fixed = parsed.fixed_width;
    this.drawSender(validations[parsed.validation]);
    this.drawTrust(parsed);
    this.drawFace(parsed.photo);
    this.draw();
    this.drawReceipt();
    const { calendar } = this;
    if (calendar !== undefined) this.owner.invitation(this.item, calendar.path, this.event);
  }

  /** Report that the message could not be fetched, above its data from the list. It is fetched again when the server can be
   * reached. */
  private missing(error: Error): void {
    let asked = false;
    const again = () => {
      if (asked || !this.root.isConnected) return;
      asked = true;
      void this.show();
    };
    this.body.classList.remove("framed");
    fill(this.body, missing(t("Couldn't load this message: {why}", { why: error.message }), again, this.item.preview));
    if (codeOf(error) === "") this.owner.reached(again);
  }

  /** The first view mode: the one stored for the sender, else HTML, unless the general setting is text (WEBMAIL-55, WEBMAIL-56). */
  private first(parsed: ParsedMessage): Mode {
    if (!parsed.has_html) return "text";
    const { view_mode: remembered } = parsed;
    if (remembered !== "" && (remembered !== "text" || parsed.texts.length > 0))
      return remembered === "html_ext" ? "htmlexternal" : remembered;
    return parsed.texts.length === 0 || this.owner.settings().show_html ? "html" : "text";
  }

  private get shade(): Shade {
    return isDark(this.owner.settings().color_scheme) ? (this.chosen ?? "dark") : "light";
  }

  /** Show the page in another shade. */
  private shadeIn(shade: Shade): void {
    this.chosen = shade;
    this.draw();
  }

  /** Switch to the mode that the user chose. Text and HTML are stored for the other messages of this sender; external content
   * is loaded for them only on request (`always`). */
  private choose(mode: Mode, always = false): void {
    if (this.parsed === null) return;
    const changed = this.mode !== mode;
    this.mode = mode;
    if (this.parsed.has_html && (always || (changed && mode !== "htmlexternal")))
      this.keep({ view_mode: mode === "htmlexternal" ? "html_ext" : mode });
    if (changed) this.draw();
    else this.drawBar();
  }

  /** Show text in a font of fixed width, or not; also that of the other messages of this sender. */
  private fix(fixed: boolean): void {
    this.fixed = fixed;
    this.keep({ fixed_width: fixed });
    this.draw();
  }

  private keep(view: Partial<Pick<ParsedMessage, "view_mode" | "fixed_width">>): void {
    const { parsed, item } = this;
    const [sender, ...others] = item.from;
    if (parsed === null || sender === undefined || others.length > 0) return;
    const changed = { ...parsed, ...view };
    const { view_mode, fixed_width } = changed;
    this.parsed = changed;
    this.owner.chosen(changed);
    remembered = remembered.then(() => this.owner.remember(bareAddress(sender), view_mode, fixed_width));
  }

  /** Show the text. */
  showText(): void {
    this.choose("text");
  }

  /** Show the HTML; if it is shown already, with its external content. */
  showHTML(): void {
    if (this.parsed?.has_html) this.choose(this.mode === "html" ? "htmlexternal" : "html");
  }

  toggleHeaders(): void {
    this.allHeaders = !this.allHeaders;
    this.draw();
  }

  /** Open the raw message in a new tab. */
  openRaw(): void {
    window.open(`${this.base}msg/${this.item.id}/raw`, "_blank", "noopener");
  }

  /** Open the message alone in a new tab, in the same mode; also for printing. */
  openTab(): void {
    window.open(`${this.base}msg/${this.item.id}/msg${this.mode}`, "_blank", "noopener");
  }

  /** The conversation in which the message is shown. */
  get together(): readonly MessageItem[] {
    return this.owner.together();
  }

  /** Print the message as it is shown. */
  print(): void {
    const mode = this.mode;
    this.owner.printing(({ printMessage }, client) => printMessage(client, this.base, this.item, mode));
  }

  /** Print the texts of the conversation. */
  printThread(): void {
    this.owner.printing(({ printThread }, client) => printThread(client, this.base, this.together));
  }

  /** Open the texts of the conversation in a new tab. */
  openThread(): void {
    this.owner.printing(({ openThread }) => openThread(this.base, this.together));
  }

  /** Save the message as a file. */
  download(): void {
    this.owner.printing(({ download }, client) => download(client, this.base, [this.item]));
  }

  /** Save the conversation as one mbox file. */
  downloadThread(): void {
    this.owner.printing(({ download }, client) => download(client, this.base, this.together));
  }

  /** Open the viewer at the first attachment. */
  openAttachments(): void {
    const [first] = [...this.files, ...this.all];
    if (first !== undefined) this.look(first.path);
  }

  openDetails(): void {
    if (this.parsed !== null) this.owner.details(this.item, this.parsed);
  }

  /** Scroll by screens, or to the ends with infinities. */
  scroll(screens: number): void {
    const by = Number.isFinite(screens)
      ? screens * this.body.clientHeight
      : Math.sign(screens) * this.body.scrollHeight;
    this.body.scrollBy({ top: by });
  }

  private heading(item: MessageItem): HTMLElement {
    const [from] = item.from;
    const time = item.date ?? item.received;
    const people = (label: string, name: string, all: Address[]) =>
      all.length > 0 && [el("dt", {}, label), addressees(name, all, () => this.parsed?.headers ?? [])];
    this.drawSender();
    drawLabels(this.labels, shownLabels(this.owner.settings().labels, this.item.keywords));
    fill(
      this.fields,
      item.from.length > 0 && [el("dt", {}, t("From")), this.sender],
      people(t("Reply to"), "reply-to", item.reply_to),
      people(t("To"), "to", item.to),
      people(t("Cc"), "cc", item.cc),
      people(t("Bcc"), "bcc", item.bcc),
      el("dt", {}, t("Date")),
      el("dd", {}, fullTime(time)),
    );
    const name = el(
      "bdi",
      { dir: "auto" },
      isolated(addressList(item.from.slice(0, namedRecipients), shortAddress)) || t("(no address)"),
    );
    const author =
      this.fold === null
        ? el("b", { class: "author-name" }, name)
        : el(
            "button",
            { class: "quiet author-name", "aria-expanded": "true", title: t("Collapse message"), onclick: this.fold },
            name,
          );
    const unfold = el(
      "button",
      { class: "quiet reader-recipients", "aria-expanded": "false", title: t("Show all addresses") },
      el(
        "bdi",
        { dir: "auto" },
        recipients(item, (one) => this.owner.isOwn(one)),
      ),
      sign(chevronDown, "i s"),
    );
    unfold.addEventListener("click", () => {
      this.fields.hidden = !this.fields.hidden;
      unfold.setAttribute("aria-expanded", String(!this.fields.hidden));
    });
    if (from !== undefined) fill(this.address, isolated(bareAddress(from)));
    this.drawFiles();
    const face = from === undefined ? "?" : isolated(shortAddress(from));
    const color = hue(from === undefined ? "" : bareAddress(from).toLowerCase());
    return el(
      "header",
      { class: "reader-head" },
      !this.whole && subjectOf(item),
      el(
        "div",
        { class: "author" },
        el("span", { class: `disc author-disc c${color}`, "aria-hidden": "true" }, initials(face)),
        el("div", { class: "author-names" }, author, this.address),
        el("time", { class: "author-time", datetime: time, title: fullTime(time) }, loneTime(time, Date.now())),
        this.more,
        el("div", { class: "author-more" }, el("div", { class: "author-to" }, unfold, this.leaving), this.trust),
      ),
      this.claim,
      this.given,
      this.labels,
      this.fields,
    );
  }

  /** All attachments: a row of the list has the first. */
  private get all(): Attachment[] {
    return this.parsed?.attachments ?? this.item.attachments;
  }

  /** The attachments that the page does not show: what it does, its server says; before, the pictures of the HTML count. */
  private get files(): Attachment[] {
    const { inside } = this;
    return this.all.filter(
      (one) => this.mode === "text" || !(inside === null ? one.inside : inside.includes(one.path)),
    );
  }

  /** Draw what follows the text. */
  private drawFiles(): void {
    const { calendar, files, item, all } = this;
    fill(
      this.after,
      // an event has its own card
      attachmentCards(
        this.source,
        files.filter((one) => one !== calendar),
        all.filter((one) => !files.includes(one)),
      ),
      !this.whole && this.owner.answer(item),
    );
  }

  private drawTrust(parsed: ParsedMessage): void {
    const { item } = this;
    // WEBMAIL-78: armoured text stays unchanged, for the reader's own programs
    const inline = parsed.texts
      .map((part) => /^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----/m.exec(part.text)?.[1])
      .find((kind) => kind !== undefined);
    const hints = [
      (item.is_signed || inline === "SIGNED MESSAGE") &&
        el("span", { class: "hint", title: t("The server doesn't verify signatures") }, t("signed")),
      (item.is_encrypted || inline === "MESSAGE") &&
        el("span", { class: "hint", title: t("The server can't decrypt this message") }, t("encrypted")),
    ];
    const again = (at: string) =>
      this.change({ ...parsed, unsubscribe: parsed.unsubscribe && { ...parsed.unsubscribe, at } });
    const [from] = item.from;
    const listed = {
      id: item.id,
      name: isolated(from === undefined ? (parsed.unsubscribe?.host ?? "") : shortAddress(from)),
      unsubscribe: parsed.unsubscribe,
    };
    const leaving = { leave: this.owner.leave, block: () => void this.owner.sender(item, "block") };
    const add = async () => {
      if (await this.owner.sender(item, "add")) this.change({ ...parsed, stranger: false });
    };
    // newsletters have no person to add
    const stranger = parsed.stranger === true && !parsed.claim && !parsed.unsubscribe;
    fill(
      this.trust,
      trustLine(parsed, item),
      hints,
      stranger && el("button", { class: "link", type: "button", onclick: () => void add() }, t("Add to contacts")),
    );
    this.trust.hidden = this.trust.childElementCount === 0;
    fill(this.leaving, leavingLine(listed, leaving, again));
    this.address.hidden = !doubtful(parsed, item.from[0]);
    this.drawClaim(parsed);
    this.drawGiven(parsed);
  }

  /** Show what is known now of the message's author and addresses, and keep it. */
  private change(parsed: ParsedMessage): void {
    this.parsed = parsed;
    this.owner.chosen(parsed);
    this.drawTrust(parsed);
  }

  /** Draw the line about the address to which the message came, if it was given away. */
  private drawGiven(parsed: ParsedMessage): void {
    const given = parsed.given ?? null;
    this.given.hidden = given === null;
    if (given === null) return;
    this.given.classList.toggle("given-leaked", given.strangers > 0);
    const turn = async (on: boolean) => {
      if (!(await this.owner.sender(this.item, on ? "accept" : "refuse", given.address))) return;
      this.change({ ...parsed, given: { ...given, state: on ? "on" : "off" } });
      this.given.querySelector("button")?.focus();
    };
    fill(
      this.given,
      givenLine(given, (on) => void turn(on)),
    );
  }

  /** Draw the line about a name that the author claims; it has the address, too. */
  private drawClaim(parsed: ParsedMessage): void {
    const { item } = this;
    // a copy that this browser has kept since an older version has no such field
    const claim = parsed.claim ?? null;
    this.claim.hidden = claim === null;
    if (claim === null) return;
    this.address.hidden = true;
    const confirm = async () => {
      if (await this.owner.sender(item, "known")) this.change({ ...parsed, claim: null });
    };
    fill(
      this.claim,
      claimLine(
        claim,
        () => void confirm(),
        () => void this.owner.sender(item, "phishing"),
      ),
    );
  }

  /** The commands of the menu. */
  private commands(): Command[] {
    const { parsed, mode } = this;
    if (parsed === null) return [];
    const several = this.together.length > 1;
    const dark = isDark(this.owner.settings().color_scheme);
    const shown = (id: string, title: string, keys: string[], run: () => void, when = true): Command => ({
      id: `view.${id}`,
      title,
      keys,
      when: () => when,
      run,
    });
    return [
      shown("html", t("Show as designed (HTML)"), ["T"], () => this.choose("html"), parsed.has_html && mode === "text"),
      shown(
        "pictures",
        t("Load remote images"),
        ["T"],
        () => this.choose("htmlexternal"),
        mode === "html" && (this.blocked?.count ?? 0) > 0,
      ),
      shown(
        "text",
        t("Show as plain text"),
        ["t"],
        () => this.choose("text"),
        parsed.texts.length > 0 && mode !== "text",
      ),
      shown(
        "fixed",
        this.fixed ? t("Use standard font") : t("Use fixed-width font"),
        [],
        () => this.fix(!this.fixed),
        parsed.texts.length > 0 && mode === "text",
      ),
      shown(
        "dark",
        t("View in dark mode"),
        [],
        () => this.shadeIn("plain"),
        mode !== "text" && (this.shade === "light" ? dark : this.shade === "dark" && this.sheet),
      ),
      shown(
        "light",
        t("View in light mode"),
        [],
        () => this.shadeIn("light"),
        mode !== "text" && dark && (this.shade === "plain" || (this.shade === "dark" && !this.sheet)),
      ),
      shown(
        "forget",
        t("Reset view for this sender"),
        [],
        () => this.forget(),
        parsed.view_mode !== "" || parsed.fixed_width,
      ),
      shown("headers", this.allHeaders ? t("Hide headers") : t("Show all headers"), ["ctrl i"], () =>
        this.toggleHeaders(),
      ),
      shown("details", t("Details"), ["I"], () => this.openDetails()),
      shown("raw", t("View source"), ["O"], () => this.openRaw()),
      shown("tab", t("Open in new tab"), ["o"], () => this.openTab()),
      shown("print", t("Print"), ["ctrl p"], () => this.print()),
      shown("print-thread", t("Print conversation"), [], () => this.printThread(), several),
      shown("thread-text", t("Open conversation as text"), [], () => this.openThread(), several),
      shown("download", t("Download"), [], () => this.download()),
      shown("download-thread", t("Download conversation"), [], () => this.downloadThread(), several),
    ];
  }

  private forget(): void {
    this.keep({ view_mode: "", fixed_width: false });
    this.drawBar();
  }

  /** Draw the sender; once known, with a line under the domain that shows its validation (WEBMAIL-77). */
  private drawSender(mark: readonly [string, string] | readonly [] = []): void {
    const { from } = this.item;
    this.sender.title = asciiDomains(from);
    // the button stays the same element: a pointer may be down on it
    fill(
      this.people,
      from.map((address, i) => [i > 0 && ", ", senderOf(address, mark)]),
    );
  }

  /** Show the author's photo in place of the initials, once it has come (WEBMAIL-128b). */
  private drawFace(photo: string): void {
    const disc = this.root.querySelector(".author-disc");
    if (photo === "" || disc === null) return;
    const picture = el("img", { alt: "", onload: () => fill(disc, picture), src: `${this.base}photo/${photo}` });
  }

  /** The line above the text about pictures that are not loaded. */
  private drawBar(): void {
    const { parsed, blocked, mode, item } = this;
    this.bar.hidden = true;
    if (parsed === null || mode === "text") return;
    const alone = item.from.length === 1 && parsed.view_mode !== "html_ext";
    const always =
      alone &&
      el("button", { class: "link", onclick: () => this.choose("htmlexternal", true) }, t("Always for this sender"));
    const words = picturesWords(mode, blocked);
    if (words === "" || (mode === "htmlexternal" && !always)) return;
    const load =
      mode === "html" && el("button", { class: "link", onclick: () => this.choose("htmlexternal") }, t("Show"));
    fill(this.bar, el("span", { class: "reader-bar-words" }, words), load, always);
    this.bar.hidden = false;
  }

  private draw(): void {
    const { parsed } = this;
    if (parsed === null) return;
    this.blocked = this.inside = null;
    this.drawBar();
    this.drawFiles();
    const wanted = new Set(this.owner.settings().show_headers.map((name) => name.toLowerCase()));
    const headers = this.allHeaders
      ? parsed.headers
      : parsed.headers.filter((header) => wanted.has(header.name.toLowerCase()));
    fill(
      this.body,
      headers.length > 0 && headerTable(headers),
      this.mode === "text" ? this.texts(parsed) : this.frame(),
      this.after,
    );
    this.body.classList.toggle("framed", this.mode !== "text");
  }

  private texts(parsed: ParsedMessage): Child {
    if (parsed.texts.length === 0) return el("p", { class: "text-part hint" }, t("This message doesn't have any text"));
    return parsed.texts.map((part) =>
      el(
        "article",
        { class: this.fixed ? "text-part fixed" : "text-part" },
        readableText(part.text, this.owner.needles(), part.quoted_from),
        part.truncated && el("p", { class: "hint" }, t("This message was shortened.")),
      ),
    );
  }

  private frame(): HTMLElement {
    const kind = this.mode === "htmlexternal" ? "htmlexternal" : "html";
    return htmlFrame(`${this.base}msg/${this.item.id}/${kind}`, this.shade, {
      framed: (page) => this.owner.framed(page),
      facts: (facts) => {
        this.blocked = facts;
        this.inside = facts.inside;
        this.drawFiles();
        if (this.chosen === null) this.sheet = facts.coloured;
        this.drawBar();
      },
      failed: () => this.missing(new CallFailed("html", "", t("Can't reach the server."))),
      needles: () => this.owner.needles(),
      forwarded: forwards.test(this.item.subject),
    });
  }

  /** The event to which the message invites. */
  private get calendar(): Attachment | undefined {
    return this.all.find((one) => calendars.has(one.content_type));
  }

  private get source(): Source {
    return { base: this.base, id: this.item.id, look: (path) => this.look(path) };
  }

  private look(path: string): void {
    this.owner.look({ ...this.item, attachments: this.all }, path);
  }
}
