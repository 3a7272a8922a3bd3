// A message that is written: an answer below the message that it answers, anything else in a window. The text is saved twice: in the browser a second later, and as a draft on the server
// after a pause and every 15 seconds (WEBMAIL-88). Saving and sending never run at the same time.

import type { Party, Uploaded, Written } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { type Command, enabled, keyName, withKey } from "../../lib/commands";
import { attempt, confirm, showError } from "../../lib/dialogs";
import { el, fill, sign as symbol } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import { clock, ellipsis, externalLink, fileText, maximize, minus, paperclip, reply, trash2, x } from "../../lib/icons";
import { openMenu } from "../../lib/menu";
import { phone } from "../../lib/phone";
import { newId } from "../../lib/steady";
import { moveWithin, settle } from "../../lib/toolbar";
import { meant, t } from "../../lib/words";
import type { Acting, Selection, Surroundings, Writing } from "../commands/desk";
import type * as ReceiptPart from "../receipt/part";
import type { Wish } from "../receipt/wishes";
import type * as TemplatesPart from "../templates/part";
import type * as WordsPart from "../words/part";
import type { Beginning, Words } from "../words/part";
import { type Copy, dropCopy, holdCopy, keepCopy, type Senders } from "./copies";
import { Files } from "./files";
import { writing } from "./keys";
import type { Say } from "./kinds";
import { formatParty, speaksOfFiles } from "./parties";
import { Recipients } from "./recipients";
import { offerUndo } from "./takeback";
import { canRequire, Ways } from "./ways";

/** Milliseconds: until the browser's copy, until the draft after the last key, between drafts while typing, between attempts. */
const [copyAfter, saveAfter, saveEach, retryAfter] = [1_000, 5_000, 15_000, 4_000];

export interface Start {
  readonly copy: Copy;
  readonly beginning: Beginning;
  readonly focus: "to" | "text";
  /** Whether there are unsaved changes. */
  readonly changed: boolean;
  /** Whether TLS all the way may be required without the user's choice (WEBMAIL-95). */
  readonly judged: boolean;
}

/** Fields that are shown when they are wanted, or not empty. */
type Seldom = "from" | "cc" | "bcc" | "reply_to" | "tls" | "receipts" | "subject";

/** A button with an icon; its name is also its title, with its key where it has one. */
function iconButton(
  path: string,
  name: string,
  run: (button: HTMLElement) => void,
  kind = "",
  key?: string,
): HTMLButtonElement {
  const button = el(
    "button",
    { type: "button", class: `link compose-icon ${kind}`, "aria-label": name, title: withKey(name, key) },
    symbol(path),
  );
  button.addEventListener("click", () => run(button));
  return button;
}

/** Most messages that are written at once, and px that a window takes. */
const [most, windowWidth] = [3, 572];

/** Value of the choice in From that makes an address. */
const fresh = "+";

const stack = el("div", { class: "composers" });
const open = new Set<Composer>();

export class Composer {
  private readonly root: HTMLElement;
  private readonly to: Recipients;
  private readonly cc: Recipients;
  private readonly bcc: Recipients;
  private readonly replyTo: Recipients;
  private readonly from = el("select", {
    class: "compose-from",
    "aria-label": t("From"),
    onchange: () => {
      if (this.from.value === fresh) void this.makeAddress();
      else this.chooseSender();
    },
  });
  /** The sender that was chosen last. */
  private lastSender = "";
  private readonly tls: HTMLSelectElement;
  private readonly subject = el("input", {
    autocomplete: "off",
    class: "compose-subject",
    "aria-label": t("Subject"),
    placeholder: t("Subject"),
    dir: "auto",
    maxlength: "5000",
    oninput: () => {
      this.title();
      this.changed();
    },
  });
  private readonly text: Words;
  private readonly state = el("span", { class: "compose-state", role: "status" });
  private readonly heading = el("h2", { class: "compose-title" });
  /** Buttons behind the recipients, for the fields that are seldom used. */
  private readonly seldom = el("div", { class: "compose-seldom", role: "toolbar", "aria-label": t("More fields") });
  private readonly foot = el("div", { class: "compose-foot", role: "toolbar", "aria-label": t("Composing") });
  private readonly picker = el("input", {
    type: "file",
    multiple: true,
    hidden: true,
    onchange: () => {
      this.files.add(this.picker.files ?? []);
      this.picker.value = "";
    },
  });
  private readonly files: Files;
  private readonly lessButton = iconButton(
    minus,
    t("Minimize"),
    () => {
      this.shrink(!this.small);
      if (!this.small) this.text.focus();
    },
    "compose-less",
  );
  private readonly sendButton = el(
    "button",
    { class: "primary", title: withKey(t("Send"), "ctrl Enter"), onclick: () => void this.submit(false) },
    t("Send"),
  );
  private readonly draft: Written;
  private readonly senders: Senders;
  private readonly release: () => void;
  private draftId: number;
  private readonly leaves: number;
  /** A call to save without an answer, with the draft that it sent. */
  private unanswered: { saveId: string; draft: Written } | null = null;
  private submitId: string;
  /** Time at which it is sent, seconds since 1970; 0: now. */
  private sendAt: number;
  private version = 0;
  private saved = 0;
  private busy: Promise<unknown> = Promise.resolve();
  private conflict = false;
  /** Whether the browser's storage has taken the last copy. */
  private kept = true;
  private closed = false;
  private sending = false;
  private archive = false;
  private copyTimer = 0;
  private saveTimer = 0;
  private dirtySince = 0;
  /** Number of lookups of the recipients' protection; the user's own choice ends them. */
  private judged = 0;
  private judging: boolean;
  /** Whether it is below the message that it answers, and not in a window. */
  private docked = false;
  private readonly rows: Record<Seldom, HTMLElement>;
  private readonly onHide = () => this.keep();
  /** The browser asks whether to leave the page: it has no copy of what the server lacks, such as a file on its way. */
  private readonly onUnload = (event: Event) => {
    if (this.unfinished > 0 || (!this.kept && this.saved < this.version)) event.preventDefault();
  };
  private readonly onViewport = () => this.fit();

  constructor(
    private readonly desk: Surroundings & Selection & Acting & Writing,
    private readonly say: Say,
    private readonly id: string,
    start: Start,
    private readonly words: typeof WordsPart,
  ) {
    const { copy } = start;
    this.draft = copy.draft;
    this.senders = copy.senders ?? { name: copy.draft.from.name, others: [] };
    this.draftId = copy.draftId;
    this.leaves = copy.leaves ?? 0;
    this.submitId = copy.submitId;
    this.sendAt = copy.sendAt ?? 0;
    if (copy.saveId !== "") this.unanswered = { saveId: copy.saveId, draft: copy.draft };
    this.release = holdCopy(id);
    this.judging = start.judged;
    const ways = desk.settings().show_address_security ? new Ways(desk.client) : null;
    const field = (name: string, label: string) =>
      new Recipients(
        name,
        label,
        desk.client,
        () => {
          this.changed();
          void this.judge();
        },
        ways,
      );
    this.replyTo = new Recipients("reply_to", t("Reply to"), desk.client, () => this.changed(), null);
    [this.to, this.cc, this.bcc] = [field("to", t("To")), field("cc", t("Cc")), field("bcc", t("Bcc"))];
    this.files = new Files(desk.client, desk.base, desk.load, () => this.changed());
    this.tls = el(
      "select",
      {
        "aria-label": t("Encryption in transit"),
        onchange: () => {
          this.judging = false;
          this.changed();
        },
      },
      el("option", { value: "default" }, t("Encrypt when possible")),
      el("option", { value: "require" }, t("Require encryption at every step")),
      el("option", { value: "insecure" }, t("Allow unencrypted")),
    );
    const hooks = {
      changed: () => this.changed(),
      attach: (files: Iterable<File>) => this.files.add(files),
      note: (text: string) => this.note(text),
      say,
    };
    this.text = new words.Words(desk, hooks, start.beginning, copy.draft.from.address);
    const label = el(
      "label",
      { class: "compose-field" },
      el("span", { class: "compose-label" }, t("Encryption")),
      this.tls,
    );
    const from = el("div", { class: "compose-field" }, el("span", { class: "compose-label" }, t("From")), this.from);
    this.rows = {
      from,
      cc: this.cc.root,
      bcc: this.bcc.root,
      reply_to: this.replyTo.root,
      tls: label,
      receipts: el("div", { class: "compose-field compose-receipts" }),
      subject: this.subject,
    };
    this.root = this.build();
    this.fillIn(copy.files);
    this.files.unsent = copy.unsent ?? [];
    open.add(this);
    this.dock();
    this.hideSeldom();
    addEventListener("pagehide", this.onHide);
    addEventListener("beforeunload", this.onUnload);
    for (const kind of ["resize", "scroll"]) visualViewport?.addEventListener(kind, this.onViewport);
    this.fit();
    if (start.focus === "to") this.to.input.focus();
    else this.text.focus();
    if (start.changed) this.changed();
    void this.judge();
    if (this.submitId !== "") void this.transmit();
  }

  /** The composer that has the focus. */
  static focused(): Composer | null {
    return [...open].find((one) => one.root.contains(document.activeElement)) ?? null;
  }

  /** The composer that has the focus, else the one that was opened last; null without one that can send. */
  static newest(): Composer | null {
    return Composer.focused() ?? [...open].filter((one) => !one.sending).at(-1) ?? null;
  }

  /** The composer that is on top: with the focus, else the last one that is not a bar. */
  static top(): Composer | null {
    return Composer.focused() ?? [...open].filter((one) => !one.small && !one.sending).at(-1) ?? null;
  }

  /** Close all composers: what was written is kept as drafts. False if one stays: it is being sent, or cannot be saved. */
  static async leaveAll(): Promise<boolean> {
    for (const one of [...open]) await one.leave();
    return open.size === 0;
  }

  /** Whether another message may be written: of three that are open, say so. */
  static hasRoom(say: (text: string) => unknown): boolean {
    if (open.size < most) return true;
    say(t("You can write up to 3 messages at a time. Send or close one first."));
    return false;
  }

  /** Focus the composer of this draft; false if there is no such composer. */
  static focus(draftId: number): boolean {
    const found = [...open].find((one) => one.draftId === draftId);
    found?.shrink(false);
    found?.text.focus();
    return found !== undefined;
  }

  /** Show an answer below the message that it answers, if that is read and there is room; anything else in a window. */
  private dock(): void {
    const { original_id: original = 0, original_flag: flag } = this.draft;
    this.docked = flag === "answered" && !phone.matches && this.desk.dock(original, this.root, () => this.float());
    if (!this.docked) this.float();
  }

  /** Show the message in a window. What has the focus keeps it. */
  private float(): void {
    const focused = document.activeElement;
    this.docked = false;
    this.root.classList.remove("docked");
    this.root.setAttribute("role", "dialog");
    this.show("subject");
    if (!stack.isConnected) document.body.append(stack);
    stack.append(this.root);
    settle(this.seldom);
    this.makeRoom();
    if (focused instanceof HTMLElement && this.root.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** Whether it is a bar at the edge of the window. */
  private get small(): boolean {
    return this.root.classList.contains("small");
  }

  /** Make the window a bar, so that the page below can be read, or a window again. */
  private shrink(small: boolean): void {
    if (small === this.small) return;
    const name = small ? t("Restore") : t("Minimize");
    this.root.classList.toggle("small", small);
    this.title();
    this.lessButton.title = name;
    fill(this.lessButton, symbol(small ? maximize : minus));
    this.lessButton.setAttribute("aria-label", name);
    if (small) focusHome();
    else this.makeRoom();
  }

  /** Make older windows bars that have no room beside this one. On a phone a window is above all others. */
  private makeRoom(): void {
    if (phone.matches) return;
    const room = Math.max(1, Math.floor((innerWidth - 20) / windowWidth));
    const windows = [...open].filter((one) => one !== this && !one.docked && !one.small);
    for (const one of windows.slice(0, Math.max(0, windows.length + 1 - room))) one.shrink(true);
  }

  private build(): HTMLElement {
    const seldom = (name: Seldom, label: string, focus: () => void) =>
      el(
        "button",
        {
          type: "button",
          class: "link",
          data: { reveal: name },
          onclick: () => {
            this.show(name);
            focus();
          },
        },
        label,
      );
    const to = this.to.root;
    to.classList.add("compose-to");
    this.seldom.append(
      seldom("cc", t("Cc"), () => this.cc.input.focus()),
      seldom("bcc", t("Bcc"), () => this.bcc.input.focus()),
      iconButton(ellipsis, t("More fields"), (button) => this.offerFields(button), "compose-fields"),
      iconButton(externalLink, t("Open in new window"), () => this.float(), "compose-float"),
    );
    moveWithin(this.seldom);
    to.append(this.seldom);
    this.foot.append(
      this.sendButton,
      iconButton(paperclip, t("Attach files"), () => this.picker.click()),
      iconButton(clock, t("Schedule send…"), () => this.sendLater(), "", "ctrl alt Enter"),
      iconButton(fileText, t("Templates"), (button) => this.offerTemplates(button)),
      this.picker,
      this.text.formatButton,
      this.state,
      iconButton(trash2, t("Discard"), () => void this.discard()),
    );
    moveWithin(this.foot);
    const root = el(
      "section",
      {
        class: "composer docked",
        "aria-label": this.draft.original_flag === "answered" ? t("Reply") : t("New message"),
        onkeydown: (event) => this.key(event),
        ondragover: (event) => {
          if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
        },
        ondrop: (event) => this.take(event, event.dataTransfer),
        onpaste: (event) => this.take(event, event.clipboardData),
      },
      el(
        "header",
        {
          class: "compose-head",
          onclick: (event: Event) => {
            if (!this.small || event.composedPath().some((one) => one instanceof HTMLButtonElement)) return;
            this.shrink(false);
            this.text.focus();
          },
        },
        this.heading,
        this.lessButton,
        iconButton(maximize, t("Expand or collapse"), () => root.classList.toggle("wide"), "compose-larger"),
        iconButton(x, t("Close"), () => void this.leave()),
      ),
      this.rows.from,
      to,
      this.cc.root,
      this.bcc.root,
      this.replyTo.root,
      this.rows.tls,
      this.rows.receipts,
      this.subject,
      this.text.root,
      this.files.root,
      this.foot,
    );
    to.prepend(symbol(reply, "i compose-sign"));
    return root;
  }

  /** Hide empty fields that are seldom used; a window has the subject always, and the sender if there is a choice. */
  private hideSeldom(): void {
    const { cc, bcc, reply_to: replyTo, tls } = this.draft;
    const shown: Record<Seldom, boolean> = {
      from: this.from.options.length > 2 && !this.docked,
      cc: cc.length > 0,
      bcc: bcc.length > 0,
      reply_to: replyTo.length > 0,
      tls: (tls ?? "default") !== "default",
      receipts: false,
      subject: !this.docked,
    };
    for (const row of Object.values(this.rows)) row.hidden = true;
    for (const name of Object.keys(shown) as Seldom[]) if (shown[name]) this.show(name);
    if (this.draft.ask_read || this.draft.ask_delivered) this.ask();
  }

  /** Show a field that is seldom used. */
  private show(name: Seldom): void {
    this.rows[name].hidden = false;
    const button = this.root?.querySelector<HTMLElement>(`[data-reveal="${name}"]`);
    if (button) button.hidden = true;
    settle(this.seldom);
  }

  /** Offer the other hidden fields in a menu. */
  private offerFields(button: HTMLElement): void {
    const field = (name: Seldom, title: string, focus: () => void): Command => ({
      id: `field.${name}`,
      title,
      when: () => this.rows[name].hidden === true,
      run: () => {
        this.show(name);
        focus();
      },
    });
    const asking = (id: Wish, title: string): Command => ({
      id,
      title,
      when: () => !this.draft[id],
      run: () => this.ask(id),
    });
    const all = [
      field("subject", t("Subject"), () => this.subject.focus()),
      field("from", t("From"), () => this.from.focus()),
      field("reply_to", t("Reply to"), () => this.replyTo.input.focus()),
      field("tls", t("Encryption"), () => this.tls.focus()),
      {
        id: "field.given",
        title: t("New masked address…"),
        run: () => {
          this.show("from");
          void this.makeAddress();
        },
      },
      asking("ask_read", t("Request read receipt")),
      asking("ask_delivered", t("Request delivery receipt")),
    ].filter(enabled);
    if (all.length > 0) openMenu(button, t("More fields"), all);
    else this.text.focus();
  }

  /** Show the row of receipts, and ask for one. */
  private ask(wish?: Wish): void {
    const { draft, rows } = this;
    this.show("receipts");
    void attempt(t("Loading…"), t("Couldn't open editor"), async () =>
      (await this.desk.load<typeof ReceiptPart>("receipt")).drawWishes(
        rows.receipts,
        draft,
        () => this.changed(),
        wish,
      ),
    );
  }

  private offerTemplates(button: HTMLElement): void {
    const { text, subject, to, sender } = this;
    const retitle = (value: string) => {
      subject.value = value;
      this.title();
      this.changed();
    };
    const target = {
      from: sender,
      get to() {
        return to.value;
      },
      get subject() {
        return subject.value;
      },
      set subject(value: string) {
        retitle(value);
      },
      typed: text.typed,
      html: text.value.html,
      insert: (words: string, html: string) => text.insert(words, html),
    };
    void attempt(t("Loading…"), t("Couldn't load templates"), async () =>
      (await this.desk.load<typeof TemplatesPart>("templates")).openTemplates(this.desk, button, target),
    );
  }

  private fillIn(files: Uploaded[]): void {
    const { draft } = this;
    const first = this.option(draft.from);
    const own = this.desk.facts().addresses.filter((one) => !one.startsWith("@"));
    const all = [...own.map((address) => ({ name: this.senders.name, address })), ...this.senders.others];
    fill(
      this.from,
      first,
      all.filter((one) => one.address !== draft.from.address).map((one) => this.option(one)),
      el("option", { value: fresh }, t("New masked address…")),
    );
    this.lastSender = first.value;
    this.to.value = draft.to;
    this.cc.value = draft.cc;
    this.bcc.value = draft.bcc;
    this.replyTo.value = draft.reply_to;
    this.subject.value = draft.subject;
    this.tls.value = draft.tls ?? "default";
    this.files.value = files;
    this.title();
  }

  /** A sender in the menu; one of another account says how its mail names the user (SMTP-189). */
  private option(party: Party): HTMLOptionElement {
    const value = formatParty(party);
    const other = this.senders.others.find((one) => one.address === party.address);
    return el("option", { value }, other?.on_behalf === true ? t("On behalf of {address}", { address: value }) : value);
  }

  private chooseSender(): void {
    this.lastSender = this.from.value;
    this.text.sign(this.sender);
    this.changed();
  }

  /** Write from a new address, for the site of the first recipient (MASK-14). */
  private async makeAddress(): Promise<void> {
    this.from.value = this.lastSender;
    const site = this.to.value[0]?.address.split("@").at(-1) ?? "";
    await attempt(t("Creating…"), t("Couldn't create address"), async () => {
      const { address } = await this.desk.client.address_add(site);
      // without the user's name, which would tell whose address it is
      this.from.options[this.from.options.length - 1]!.before(el("option", { value: address }, address));
      this.from.value = address;
      this.chooseSender();
      this.note(t("{address} now receives your mail", { address }));
    });
    this.from.focus();
  }

  private get author(): Party {
    const { draft, from, sender, senders } = this;
    const known = [draft.from, ...senders.others].find((one) => one.address === sender);
    return { name: known?.name ?? (from.value === sender ? "" : senders.name), address: sender };
  }

  private get sender(): string {
    return this.from.value.replace(/^.*<(.*)>$/s, "$1");
  }

  private written(): Written {
    return {
      ...this.draft,
      from: this.author,
      to: this.to.value,
      cc: this.cc.value,
      bcc: this.bcc.value,
      reply_to: this.replyTo.value,
      subject: this.subject.value,
      ...this.text.value,
      tls: this.tls.value as NonNullable<Written["tls"]>,
      uploads: [...this.files.value.map((file) => file.upload_id), ...this.text.pictures],
    };
  }

  /** A bar names its subject; a window has a field for that. */
  private title(): void {
    fill(this.heading, (this.small && this.subject.value) || this.root.getAttribute("aria-label"));
  }

  /** WEBMAIL-95: require TLS all the way if all recipients support it. */
  private async judge(): Promise<void> {
    const turn = ++this.judged;
    if (!this.judging) return;
    const ways = await Promise.all([this.to, this.cc, this.bcc].map((field) => field.security()));
    const wish = canRequire(ways.flat()) ? "require" : "default";
    if (turn !== this.judged || !this.judging || this.closed || this.sending || this.tls.value === wish) return;
    this.tls.value = wish;
    if (wish === "require") this.show("tls");
    if (this.version > 0) this.changed();
  }

  private note(text: string): void {
    fill(this.state, text);
  }

  /** On a phone, fit the window to the space above the keyboard, for which some browsers move the page up. */
  private fit(): void {
    if (visualViewport === null) return;
    this.root.style.setProperty("--seen", `${visualViewport.height}px`);
    this.root.style.setProperty("--above", `${visualViewport.offsetTop}px`);
  }

  private changed(): void {
    if (this.closed) return;
    this.version++;
    if (!this.sending && !this.conflict) this.note("");
    this.copyTimer ||= window.setTimeout(() => this.keep(), copyAfter);
    const now = Date.now();
    this.dirtySince ||= now;
    clearTimeout(this.saveTimer);
    this.saveTimer = window.setTimeout(
      () => void this.save(),
      Math.max(0, Math.min(saveAfter, this.dirtySince + saveEach - now)),
    );
  }

  /** The complete state of the message. */
  private copy(): Copy {
    return {
      login: this.desk.facts().login_address,
      time: Date.now(),
      draft: this.written(),
      senders: this.senders,
      files: this.files.value,
      unsent: this.files.unsent,
      draftId: this.draftId,
      saveId: this.unanswered?.saveId ?? "",
      submitId: this.submitId,
      leaves: this.leaves,
      sendAt: this.sendAt,
    };
  }

  /** Save the browser's copy now. */
  private keep(): void {
    clearTimeout(this.copyTimer);
    this.copyTimer = 0;
    if (this.closed || this.version === 0) return;
    this.kept = keepCopy(this.id, this.copy());
    if (!this.kept) this.note(t("Browser storage is full. Your draft isn't saved on this device"));
  }

  /** Run work that must not overlap with other such work: saving, sending, removing. */
  private alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.busy.then(work, work);
    this.busy = next.catch(() => {});
    return next;
  }

  /** Save the message as a draft; true if that succeeded. */
  save(): Promise<boolean> {
    clearTimeout(this.saveTimer);
    return this.alone(async () => {
      if (this.closed || this.sending) return false;
      if (this.conflict) {
        // other words may have come into its place
        this.offerNew();
        return false;
      }
      try {
        // first repeat the save without an answer: if it was done after all, its result is the id of the current draft
        while (this.unanswered !== null || this.saved < this.version) {
          const version = this.version;
          const repeated = this.unanswered !== null;
          this.unanswered ??= { saveId: newId(), draft: this.written() };
          const attempt = this.unanswered;
          this.keep();
          this.draftId = await this.desk.client.draft_save(attempt.draft, attempt.saveId, this.draftId);
          this.unanswered = null;
          if (!repeated) this.saved = version;
          this.dirtySince = this.saved < this.version ? Date.now() : 0;
          this.keep();
        }
        this.note(t("Draft saved"));
        return true;
      } catch (error) {
        this.failed(error);
        return false;
      }
    });
  }

  /** Repeat a save without an answer: if it was done after all, its result is the draft that goes with the message. Without a
   * connection it waits. */
  private async repeat(): Promise<void> {
    if (this.unanswered === null) return;
    const { saveId, draft } = this.unanswered;
    try {
      this.draftId = await this.desk.client.draft_save(draft, saveId, this.draftId);
      this.unanswered = null;
    } catch (error) {
      if (codeOf(error) !== "") this.unanswered = null;
    }
  }

  private failed(error: unknown): void {
    const code = codeOf(error);
    if (code === null) {
      void showError(t("Couldn't save draft"), error);
      return;
    }
    if (code !== "") this.unanswered = null;
    if (code === "user:sent") {
      this.sent();
      return;
    }
    if (code === "user:conflict") {
      this.conflict = true;
      this.offerNew();
      return;
    }
    const why = (error as Error).message;
    // without an answer it may have been saved
    this.note(code === "" ? why : t("Couldn't save: {why}", { why }));
    // the text stays here and in the browser's copy; the server is asked again
    if (code === "") this.saveTimer = window.setTimeout(() => void this.save(), retryAfter);
  }

  /** Say that the draft was changed elsewhere, and offer a new one. */
  private offerNew(): void {
    fill(
      this.state,
      t("This draft was changed elsewhere."),
      el("button", { type: "button", class: "link", onclick: () => void this.saveAsNew() }, t("Save as new")),
    );
    settle(this.foot);
  }

  /** Make this message independent of its draft. */
  private async detach(): Promise<void> {
    await this.alone(async () => {
      this.draft.message_id = this.words.freshId(this.draft.message_id);
      this.conflict = false;
      this.draftId = 0;
      this.version++;
    });
  }

  private async saveAsNew(): Promise<void> {
    await this.detach();
    await this.save();
  }

  /** Ask whether to send a draft that was changed elsewhere; true: this message is now independent of that draft. */
  private async sendAsNew(): Promise<boolean> {
    const why = t(
      "Your message wasn't sent because this draft was changed elsewhere. You'll find the other version in Drafts.",
    );
    if (!(await confirm(t("Send this version?"), why, t("Send")))) return false;
    await this.detach();
    return true;
  }

  /** Write HTML or plain text. */
  format(): Promise<void> {
    return this.text.toggle();
  }

  /** Focus a field. */
  go(to: "to" | "cc" | "bcc" | "reply_to"): void {
    if (to !== "to") this.show(to);
    [this.to, this.cc, this.bcc, this.replyTo].find(({ field }) => field === to)?.input.focus();
  }

  /** Send, if nothing is missing. `archive`: then archive the answered thread, if it is still the one that is read. */
  async submit(archive: boolean, sendAt = 0): Promise<void> {
    if (this.sending || this.closed) return;
    this.sendAt = sendAt;
    this.archive = archive;
    const fields = [this.to, this.cc, this.bcc, this.replyTo];
    if ((await Promise.all(fields.map((field) => field.arrived()))).includes(false)) return;
    for (const field of fields) {
      const wrong = field.wrong();
      if (wrong !== undefined) {
        field.complain(t("“{address}” isn't an email address.", { address: wrong.address }));
        return;
      }
    }
    if (this.to.value.length + this.cc.value.length + this.bcc.value.length === 0) {
      this.to.complain(t("Add a recipient."));
      return;
    }
    if (this.waits()) return;
    if (this.files.value.length === 0 && speaksOfFiles(this.text.typed)) {
      const anyway = await confirm(
        t("Send without attachment?"),
        t("You mentioned an attachment, but there isn't one."),
        t("Send"),
      );
      if (!anyway) return;
    }
    if (this.conflict && !(await this.sendAsNew())) return;
    await this.hand();
  }

  /** Ask for a time, and send the message then (WEBMAIL-96). */
  sendLater(): void {
    this.desk.later(async (found) => {
      const at = await found.chooseSending();
      if (at !== null) await this.submit(false, at);
    });
  }

  /** Send the message as it is. */
  private async hand(): Promise<void> {
    // asked twice, the first counts
    if (this.sending || this.closed) return;
    this.sending = true;
    this.lock(true);
    await this.busy;
    // the last save may have told that it was sent elsewhere
    if (this.closed) return;
    // under this id it is sent once, whatever happens to the connection and to this page
    this.submitId = newId();
    this.version++;
    this.keep();
    await this.transmit();
  }

  /** Repeat the call to send until there is an answer. */
  private async transmit(): Promise<void> {
    this.sending = true;
    this.lock(true);
    for (;;) {
      this.note(t("Sending…"));
      try {
        const { undo_send_seconds: wanted } = this.desk.settings();
        const seconds = await this.alone(async () => {
          await this.repeat();
          return this.desk.client.message_submit(
            this.written(),
            this.submitId,
            this.draftId,
            wanted,
            this.sendAt,
            this.leaves,
          );
        });
        this.sent(seconds);
        if (this.archive && this.desk.selected().some((item) => item.id === this.draft.original_id))
          this.desk.archiveThread();
        return;
      } catch (error) {
        const code = codeOf(error);
        if (code !== "") {
          this.refused(code, error as Error);
          return;
        }
        this.note(t("Can't reach the server. Retrying… Your message won't be sent twice."));
        await new Promise((resolve) => setTimeout(resolve, retryAfter));
      }
    }
  }

  /** The message is sent; for `seconds` it can be taken back (WEBMAIL-123). */
  private sent(seconds = 0): void {
    const { desk, say, submitId } = this;
    const copy = this.copy();
    const said = this.sendAt > 0 ? t("Message scheduled") : t("Message sent");
    const beginning = this.text.state;
    this.finish();
    if (seconds <= 0) {
      say(seconds === 0 ? t("Message sent") : t("Saved on this device. Your message will be sent when you're online."));
      return;
    }
    offerUndo(desk, say, said, submitId, this.leaves, copy.draft.from.address, seconds, (draftId) => {
      // the draft lacks what only this browser knows: the answered message, and the choice of TLS
      new Composer(
        desk,
        say,
        newId(),
        {
          copy: { ...copy, draftId, saveId: "", submitId: "" },
          beginning,
          focus: "text",
          changed: true,
          judged: false,
        },
        this.words,
      );
    });
  }

  private refused(code: string | null, error: Error): void {
    this.sending = false;
    this.submitId = "";
    this.lock(false);
    this.keep();
    if (code === "user:conflict" || code === "user:sent") {
      this.failed(error);
      if (this.conflict) void this.sendAsNew().then((wished) => (wished ? this.hand() : undefined));
      return;
    }
    // of an author that the user may no longer use, the draft is the user's own from now on
    void this.save();
    const [, name, why] = /^(\w+): (.*)$/s.exec(error.message) ?? [];
    const field = [this.to, this.cc, this.bcc, this.replyTo].find((one) => one.field === name);
    if (field !== undefined && why !== undefined) field.complain(why);
    else {
      if (name === "subject" || name === "from") this.show(name);
      void showError(t("Couldn't send message"), error).then(() =>
        (name === "subject" ? this.subject : name === "from" ? this.from : this.text).focus(),
      );
    }
  }

  private lock(locked: boolean): void {
    this.root.toggleAttribute("inert", locked);
    this.sendButton.disabled = locked;
  }

  /** Number of files and pictures that the server does not have: they are on their way, or failed. */
  private get unfinished(): number {
    return this.files.unsent.length + this.text.unfinished;
  }

  /** Whether the message must stay open for its files; says so. */
  private waits(): boolean {
    if (this.unfinished === 0) return false;
    this.shrink(false);
    this.note(t("Wait for attachments to upload, or remove any that failed."));
    return true;
  }

  /** Close the window without a question: what was written is kept as a draft. */
  async leave(): Promise<void> {
    if (this.sending || this.closed || this.waits()) return;
    this.root.hidden = true;
    const written = this.version > 0;
    if (written && this.saved < this.version && !(await this.save())) {
      this.root.hidden = false;
      return;
    }
    const copy = this.copy();
    const beginning = this.text.state;
    const { desk, say, words } = this;
    this.finish();
    if (!written) return;
    const again = () => {
      if (Composer.focus(copy.draftId) || !Composer.hasRoom(say)) return;
      new Composer(desk, say, newId(), { copy, beginning, focus: "text", changed: false, judged: false }, words);
    };
    say(t("Draft saved"), { title: meant("draft", "Open"), run: again });
  }

  private async discard(): Promise<void> {
    if (this.version > 0 && !(await confirm(t("Discard this draft?"), t("This draft will be deleted."), t("Discard"))))
      return;
    await this.remove();
  }

  private async remove(): Promise<void> {
    // for the user the window is closed at once: further keys are for the page
    this.root.hidden = true;
    focusHome();
    await this.alone(async () => {
      try {
        await this.repeat();
        if (this.draftId > 0 && !this.conflict) await this.desk.client.draft_remove(this.draftId);
        this.finish();
      } catch (error) {
        if (codeOf(error) === "user:conflict") {
          this.finish();
          return;
        }
        this.root.hidden = false;
        await showError(t("Couldn't delete draft"), error);
        this.text.focus();
      }
    });
  }

  private finish(): void {
    this.closed = true;
    this.text.close();
    clearTimeout(this.copyTimer);
    clearTimeout(this.saveTimer);
    this.files.abort();
    removeEventListener("pagehide", this.onHide);
    removeEventListener("beforeunload", this.onUnload);
    for (const kind of ["resize", "scroll"]) visualViewport?.removeEventListener(kind, this.onViewport);
    dropCopy(this.id);
    this.release();
    open.delete(this);
    this.root.remove();
    focusHome();
  }

  private take(event: Event, data: DataTransfer | null): void {
    // the editor has looked at it already
    if (!event.defaultPrevented && this.text.take([...(data?.files ?? [])])) event.preventDefault();
  }

  private key(event: KeyboardEvent): void {
    // keys here must not run commands of the list
    event.stopPropagation();
    if (event.isComposing || event.defaultPrevented) return;
    if (this.desk.commands.key(keyName(event), writing)) event.preventDefault();
  }
}
