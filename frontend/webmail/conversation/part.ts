// A thread as a column of its messages. Unread messages are open, and the one by which the thread is in the list; of many older
// ones the last have a line each, the others one together (WEBMAIL-140).

import type { Address, MessageItem } from "../../gen/webmail";
import { hue, initials } from "../../lib/disc";
import { el, fill, isolated, sign } from "../../lib/dom";
import { chevronsUpDown } from "../../lib/icons";
import { many, meant, t } from "../../lib/words";
import { adopt } from "../../lib/sheets";
import { isUnread, mostMembers } from "../data/threads";
import { bareAddress, capital, firstName, fullTime, loneTime, senders, shortAddress, spokenDay } from "../ui/format";
import type { Message } from "../message/part";
import sheet from "./conversation.css";

adopt(sheet);

/** Maximum number of messages that are opened at once; more can be clicked. */
const openedAtOnce = 5;

/** Messages before the first open one that keep a line; the older ones share one if they are at least `fewest`. */
const [lines, fewest] = [3, 3];

/** Names in the line of the older messages. */
const names = 4;

/** The disc of a person. */
function disc(person: Address): HTMLElement {
  const kind = `disc card-disc c${hue(bareAddress(person).toLowerCase())}`;
  return el("span", { class: kind, "aria-hidden": "true" }, initials(isolated(shortAddress(person))));
}

const isDraft = ({ flags }: MessageItem): boolean => flags.includes("\\draft");

/** A message of the thread, folded until it is opened. */
interface Card {
  readonly root: HTMLElement;
  item: MessageItem;
  message: Message | null;
  draw(): void;
}

export class Conversation {
  /** The message that was opened last. */
  current: Message | null = null;
  private readonly foot = el("div", { class: "reader-after" });
  /** The message that the foot answers. */
  private answered: Message | null = null;
  private readonly cards = new Map<number, Card>();
  /** IDs of the messages that were there when the thread was opened. */
  private first: readonly number[] = [];

  /** `make` creates the element of an open message, which calls `fold` to be closed; `isOwn` knows the reader's addresses,
   * `answer` makes the bar by which the message that was opened last is answered, `edit` goes on writing it if it is a draft. */
  constructor(
    private readonly column: HTMLElement,
    private readonly make: (item: MessageItem, fold: () => void) => Message,
    private readonly failed: (error: unknown) => void,
    private readonly isOwn: (address: Address) => boolean,
    private readonly answer: (item: MessageItem) => HTMLElement | null,
    private readonly edit: () => void,
  ) {}

  /** The messages, the oldest first. */
  get members(): readonly MessageItem[] {
    return [...this.cards.values()].map((card) => card.item);
  }

  /** Whether a message is open. */
  shows(id: number): boolean {
    return this.cards.get(id)?.message != null;
  }

  /** The unread messages that were lines from the beginning, which are marked read when the thread is left. None if an open one is
   * unread: it was shown too briefly, or marked unread on purpose. */
  passed(): readonly MessageItem[] {
    const unread = [...this.cards.values()].filter(({ item }) => isUnread(item));
    return unread.some(({ message }) => message !== null)
      ? []
      : unread.map(({ item }) => item).filter(({ id }) => this.first.includes(id));
  }

  /** Whether a message is one of the thread. */
  has(id: number): boolean {
    return this.cards.has(id);
  }

  /** Show these messages, with `wanted` open. Flags of shown messages are updated; open messages stay open. */
  update(members: readonly MessageItem[], wanted: number): void {
    const ordered = [...members].sort((a, b) =>
      a.received < b.received ? -1 : a.received > b.received ? 1 : a.id - b.id,
    );
    const begins = this.cards.size === 0;
    for (const item of ordered) {
      const card = this.cards.get(item.id);
      if (card === undefined) {
        const made = this.card(item);
        this.cards.set(item.id, made);
        this.column.append(made.root);
      } else if (card.item !== item) {
        card.item = item;
        if (card.message !== null) card.message.item = item;
        card.draw();
      }
    }
    const present = new Set(members.map((item) => item.id));
    for (const [id, card] of this.cards) {
      if (present.has(id)) continue;
      if (card.message !== null) this.toggle(card);
      card.root.remove();
      this.cards.delete(id);
    }
    if (begins) {
      this.first = [...this.cards.keys()];
      this.begin(ordered, wanted);
    }
    this.drawFoot();
  }

  /** Put the foot last. It stays as it is for the same message: a press may be under way. */
  private drawFoot(): void {
    const { current, foot, column } = this;
    if (this.answered !== current) fill(foot, current !== null && this.answer(current.item));
    this.answered = current;
    if (column.lastElementChild !== foot) column.append(foot);
  }

  /** Scroll by screens, or to the ends with infinities. */
  scroll(screens: number): void {
    const { column } = this;
    column.scrollBy({
      top: Number.isFinite(screens) ? screens * column.clientHeight : Math.sign(screens) * column.scrollHeight,
    });
  }

  private begin(ordered: readonly MessageItem[], wanted: number): void {
    const open = ordered.filter((item) => isUnread(item) || item.id === wanted).slice(-openedAtOnce);
    for (const item of open) this.toggle(this.cards.get(item.id)!);
    const first = this.cards.get(open[0]?.id ?? 0)?.root;
    if (first === undefined) return;
    const older = ordered.slice(0, Math.max(0, ordered.indexOf(open[0]!) - lines));
    if (older.length >= fewest) this.hide(older);
    if (ordered.length === mostMembers) {
      const words = t("Showing the newest {n} messages. To see all of them, turn off conversations in the list.", {
        n: mostMembers,
      });
      this.column.prepend(el("p", { class: "hint" }, words));
    }
    this.keepInSight(
      first,
      open.map((item) => this.cards.get(item.id)!.root),
    );
  }

  /** Scroll to this card while the open ones get their texts, until the reader scrolls. */
  private keepInSight(first: HTMLElement, open: readonly HTMLElement[]): void {
    const { column } = this;
    const sizes = new ResizeObserver(() => (column.scrollTop = first.offsetTop - column.offsetTop));
    for (const one of open) sizes.observe(one);
    for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"])
      column.addEventListener(kind, () => sizes.disconnect(), { once: true, passive: true });
  }

  /** Show one line for these messages, which brings them back. */
  private hide(older: readonly MessageItem[]): void {
    const cards = older.map((item) => this.cards.get(item.id)!);
    const people = new Map(
      older.flatMap((item) =>
        item.from.map((one) => [bareAddress(one), this.isOwn(one) ? meant("sender", "me") : firstName(one)]),
      ),
    );
    const line = el(
      "button",
      { class: "closed card-head older", "aria-expanded": "false" },
      [...new Map(older.flatMap(({ from }) => from.map((one) => [bareAddress(one), one]))).values()]
        .slice(-lines)
        .map(disc),
      el("b", {}, many(older.length, "{n} older message", "{n} older messages")),
      el(
        "span",
        { class: "card-preview", dir: "auto" },
        t("since {date}, from {people}", {
          date: spokenDay(older[0]!.received),
          people: `${isolated([...people.values()].slice(0, names).join(", "))}${people.size > names ? " …" : ""}`,
        }),
      ),
      sign(chevronsUpDown, "i s"),
    );
    for (const card of cards) card.root.hidden = true;
    line.addEventListener("click", () => {
      for (const card of cards) card.root.hidden = false;
      line.remove();
      cards[0]!.root.querySelector<HTMLElement>(".card-head")?.focus();
    });
    this.column.prepend(line);
  }

  private card(item: MessageItem): Card {
    const senderNames = senders(item.from, this.isOwn);
    const own = item.from.slice(0, 1).some(this.isOwn);
    const head = el(
      "button",
      { class: "card-head", "aria-expanded": "false" },
      item.from.slice(0, 1).map(disc),
      el(
        "span",
        { class: "card-from", dir: "auto" },
        isolated(own ? capital(senderNames) : senderNames) || t("(no address)"),
      ),
      isDraft(item) && el("span", { class: "mark word" }, t("Draft")),
      el("span", { class: "card-preview", dir: "auto" }, isolated(item.preview)),
      el(
        "time",
        { class: "message-age", datetime: item.received, title: fullTime(item.received) },
        loneTime(item.received, Date.now()),
      ),
    );
    const root = el("article", { class: "card" }, head);
    const card: Card = {
      root,
      item,
      message: null,
      draw: () => {
        const { item } = card;
        root.classList.toggle("unread", isUnread(item));
        root.classList.toggle("beside", !item.match_query);
        root.classList.toggle("open", card.message !== null);
        root.classList.toggle("closed", card.message === null);
        head.hidden = card.message !== null;
      },
    };
    head.addEventListener("click", () => {
      this.toggle(card);
      this.drawFoot();
      root.querySelector<HTMLElement>(".author-name")?.focus();
      if (isDraft(card.item)) this.edit();
    });
    card.draw();
    return card;
  }

  private toggle(card: Card): void {
    if (card.message === null) {
      const fold = () => {
        this.toggle(card);
        this.drawFoot();
        card.root.querySelector<HTMLElement>(".card-head")?.focus();
      };
      this.current = card.message = this.make(card.item, fold);
      card.root.append(card.message.root);
      card.message.show().catch((error: unknown) => this.failed(error));
    } else {
      card.message.root.remove();
      card.message = null;
      this.current = [...this.cards.values()].filter((other) => other.message !== null).at(-1)?.message ?? null;
    }
    card.draw();
  }
}
