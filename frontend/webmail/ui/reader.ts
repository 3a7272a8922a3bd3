// The reading pane: one message (the part `message`), or a thread (the part `conversation`).

import type { Client, MessageItem, ParsedMessage } from "../../gen/webmail";
import { messageOf } from "../../lib/client";
import type { CommandTable } from "../../lib/commands";
import { type Child, append, el } from "../../lib/dom";
import { holdFocus } from "../../lib/focus";
import { part } from "../../lib/parts";
import { t } from "../../lib/words";
import type * as BarPart from "../bar/part";
import type * as ConversationPart from "../conversation/part";
import type { Conversation } from "../conversation/part";
import type * as DetailsPart from "../details/part";
import type * as InvitationPart from "../invitation/part";
import type * as MessagePart from "../message/part";
import type { Message, MessageOwner } from "../message/part";
import type * as PrintPart from "../print/part";
import type * as ReceiptPart from "../receipt/part";
import type * as ViewerPart from "../viewer/part";
import type { Counts } from "../state/counts";
import { selectedPlace } from "./counts";
import { drawEmpty } from "./empty";
import { missing } from "./missing";
import { subjectOf } from "./subject";

/** Number of opened messages that are cached, so that stepping back and forth is instant. */
const kept = 20;

export interface ReaderOwner
  extends Pick<MessageOwner, "framed" | "opened" | "settings" | "remember" | "menu" | "isOwn" | "leave" | "sender"> {
  /** The bar of commands for the selected messages, which a part draws, and its place while rows are chosen. */
  readonly bar: HTMLElement;
  readonly chosen: HTMLElement;
  readonly commands: CommandTable;
  failed(error: unknown): void;
  /** These unread messages were lines of a thread that was read. */
  passed(items: readonly MessageItem[]): void;
  /** Set a flag on a message, with Undo. */
  flag(item: MessageItem, flag: string, done: string): void;
  /** The parts that show messages and the bar above them are there. */
  prepared(parts: typeof MessagePart, bar: typeof BarPart): void;
}

export class Reader {
  readonly root = el("section", { class: "reader", "aria-label": t("Message"), tabindex: "-1" });
  private readonly cache = new Map<number, Promise<ParsedMessage>>();
  private shown: MessageItem | null = null;
  private parts: typeof MessagePart | null = null;
  private bar: typeof BarPart | null = null;
  private message: Message | null = null;
  private conversation: Conversation | null = null;
  private thread = 0;
  /** Work that waits until the server can be reached. */
  private waiting: (() => void)[] = [];
  private needles: readonly string[] = [];
  /** An answer that is written below the message, with the message that it answers. */
  private answer: { readonly id: number; readonly root: HTMLElement; released(): void } | null = null;
  private readonly own: MessageOwner;

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly owner: ReaderOwner,
  ) {
    this.own = {
      open: (id) => this.open(id),
      reached: (work) => void this.waiting.push(work),
      needles: () => this.needles,
      framed: (page) => owner.framed(page),
      opened: (item, place) => owner.opened(item, place),
      settings: () => owner.settings(),
      remember: (...view) => owner.remember(...view),
      chosen: (parsed) => {
        this.cache.clear();
        this.offer(parsed);
      },
      look: (item, path) => void this.with<typeof ViewerPart>("viewer", ({ look }) => look(base, item, path)),
      menu: (item, at, commands) => owner.menu(item, at, commands),
      isOwn: (address) => owner.isOwn(address),
      answer: (item) => this.bar?.answerBar(owner.commands, item) ?? null,
      leave: owner.leave,
      sender: (item, what, masked) => owner.sender(item, what, masked),
      invitation: (item, path, place) =>
        void this.with<typeof InvitationPart>("invitation", ({ showInvitation }) =>
          showInvitation(client, base, item, path, place),
        ),
      receipt: (item, parsed, place) =>
        void this.with<typeof ReceiptPart>("receipt", ({ showReceipt }) =>
          showReceipt(client, owner.flag, item, parsed, place),
        ),
      together: () => this.conversation?.members ?? [],
      printing: (run) => void this.with<typeof PrintPart>("print", (found) => run(found, client)),
      details: (item, parsed) =>
        void this.with<typeof DetailsPart>("details", ({ openDetails }) => openDetails(client, base, item, parsed)),
    };
    this.showNothing(null);
  }

  /** Fetch the parts that show a message before one is opened. */
  async prepare(): Promise<typeof MessagePart> {
    const [parts, bar] = await Promise.all([part<typeof MessagePart>("message"), part<typeof BarPart>("bar")]);
    if (this.parts === null) this.owner.prepared(parts, bar);
    this.parts = parts;
    this.bar = bar;
    return parts;
  }

  /** Fetch these parts; they bring the commands of letters that are pressed before, and run if still `reading`. */
  awaited(reading: () => boolean): Promise<typeof MessagePart> {
    const parts = this.prepare();
    if (this.parts === null) void this.owner.commands.coming(parts, reading);
    return parts;
  }

  private async with<T>(name: string, work: (found: T) => unknown): Promise<void> {
    try {
      await work(await part<T>(name));
    } catch (error) {
      this.owner.failed(error);
    }
  }

  /** The shown message; in a thread, the one that was opened last. */
  current(): MessageItem | null {
    return this.opened()?.item ?? this.shown;
  }

  /** Whether a message is open. */
  shows(id: number): boolean {
    return this.message?.item.id === id || this.conversation?.shows(id) === true;
  }

  /** The server can be reached again: run waiting work. */
  reconnected(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const work of waiting) work();
  }

  /** Cache an opened message that was sent with the list. */
  offer(parsed: ParsedMessage): void {
    this.remember(parsed.id, Promise.resolve(parsed));
  }

  /** Mark these texts in messages that are opened from now on. */
  mark(needles: readonly string[]): void {
    this.needles = needles;
  }

  /** Show that no message, or several, are selected. */
  showNothing(selected: Counts | null): void {
    this.clear();
    if (selected !== null) this.owner.chosen.append(this.owner.bar);
    this.put(
      [],
      el("div", { class: "toolbar" }),
      el(
        "div",
        { class: "reader-empty" },
        drawEmpty(
          selected !== null
            ? selectedPlace(selected)
            : {
                title: t("No message selected"),
                text: t("Use the arrow keys and Enter, or press ? for all shortcuts."),
              },
        ),
      ),
    );
  }

  /** Show a message; if it is shown already, update its flags. */
  show(item: MessageItem): void {
    if (this.shown?.id === item.id) {
      this.shown = item;
      if (this.message !== null) this.message.item = item;
      return;
    }
    this.clear();
    this.shown = item;
    if (this.parts !== null) this.unfold(this.parts, item);
    else {
      this.put([item], this.owner.bar, el("header", { class: "reader-head" }, subjectOf(item)));
      const reading = () => this.shown?.id === item.id;
      this.awaited(reading)
        .then((parts) => reading() && this.unfold(parts, this.shown!))
        .catch((error: unknown) => reading() && this.missing(subjectOf(item), error, () => this.show(item)));
    }
  }

  /** Report that a part could not be fetched. */
  private missing(subject: Child, error: unknown, again: () => void): void {
    const retry = () => {
      this.clear();
      again();
    };
    this.waiting = [retry];
    this.put([], this.owner.bar, el("header", { class: "reader-head" }, subject), missing(messageOf(error), retry));
  }

  private unfold(parts: typeof MessagePart, item: MessageItem): void {
    this.message = this.make(parts, item, null);
    this.put([item], this.owner.bar, this.message.root);
    this.root.scrollTop = 0;
    this.message.show().catch((error: unknown) => this.owner.failed(error));
  }

  /** Show a thread, with the message `wanted` open. If it is shown already, messages are added or removed, and open ones stay
   * open. */
  showThread(members: readonly MessageItem[], wanted: number): void {
    const first = members[0]!;
    if (this.conversation !== null && this.thread === first.thread_id) {
      this.conversation.update(members, wanted);
      return;
    }
    this.clear();
    this.thread = first.thread_id;
    const column = el("div", { class: "conversation" });
    this.put(members, this.owner.bar, el("header", { class: "reader-head" }, subjectOf(first)), column);
    const reading = () => this.thread === first.thread_id;
    Promise.all([part<typeof ConversationPart>("conversation"), this.awaited(reading)])
      .then(([{ Conversation }, parts]) => {
        if (!reading()) return;
        this.conversation = new Conversation(
          column,
          (item, fold) => this.make(parts, item, fold),
          (error) => this.owner.failed(error),
          (address) => this.owner.isOwn(address),
          this.own.answer,
          () => this.owner.commands.get("compose.edit").run(),
        );
        this.conversation.update(members, wanted);
      })
      .catch(
        (error: unknown) => reading() && this.missing(subjectOf(first), error, () => this.showThread(members, wanted)),
      );
  }

  /** Focus the text that is read. */
  focus(): void {
    this.root.focus();
  }

  /** Scroll by screens, or to the ends with infinities. */
  scroll(screens: number): void {
    if (this.conversation === null) this.message?.scroll(screens);
    else this.conversation.scroll(screens);
  }

  /** Show an element below the message that is read, until that is left (see Desk.dock). */
  dock(id: number, root: HTMLElement, released: () => void): boolean {
    if (this.shown?.id !== id && this.conversation?.has(id) !== true) return false;
    this.release();
    this.answer = { id, root, released };
    this.root.append(root);
    return true;
  }

  /** Give back the element below the message, if it is still there. */
  private release(): void {
    const { answer } = this;
    this.answer = null;
    if (answer?.root.parentElement === this.root) answer.released();
  }

  /** Replace the content, which shows these messages. If the focus was in it, it is restored there, or moves to the list. An answer
   * to one of the messages stays. */
  private put(messages: readonly MessageItem[], ...children: Child[]): void {
    if (!messages.some((item) => item.id === this.answer?.id)) this.release();
    const { root } = this;
    const answer = this.answer?.root;
    const giveBack =
      root.contains(document.activeElement) && answer?.contains(document.activeElement) !== true ? holdFocus() : null;
    const content = new DocumentFragment();
    for (const old of [...root.children]) if (old !== answer) old.remove();
    append(content, children);
    root.prepend(content);
    giveBack?.();
  }

  private clear(): void {
    this.owner.passed(this.conversation?.passed() ?? []);
    this.waiting = [];
    this.shown = null;
    this.message = null;
    this.conversation = null;
    this.thread = 0;
  }

  private make(parts: typeof MessagePart, item: MessageItem, fold: (() => void) | null): Message {
    return new parts.Message(item, this.base, this.own, fold);
  }

  /** The message that is open; in a thread, the last one. */
  opened(): Message | null {
    return this.message ?? this.conversation?.current ?? null;
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
}
