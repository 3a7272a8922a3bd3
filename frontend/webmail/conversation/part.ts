// A thread as a column of its messages. Unread messages are open, and the one by which the thread is in the list (WEBMAIL-140).

import type { Address, MessageItem } from "../../gen/webmail";
import { el, fill, isolated } from "../../lib/dom";
import { t } from "../../lib/words";
import { adopt } from "../../lib/sheets";
import { isUnread } from "../data/threads";
import { addressList, fullTime, shortAddress, shortTime } from "../ui/format";
import type { Message } from "../message/part";
import sheet from "./conversation.css";

adopt(sheet);

/** Maximum number of messages that are opened at once; more can be clicked. */
const openedAtOnce = 5;

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
  private readonly cards = new Map<number, Card>();

  /** `make` creates the element of an open message, which calls `fold` to be closed; `isOwn` knows the reader's addresses. */
  constructor(
    private readonly column: HTMLElement,
    private readonly make: (item: MessageItem, fold: () => void) => Message,
    private readonly failed: (error: unknown) => void,
    private readonly isOwn: (address: Address) => boolean,
  ) {}

  /** The messages, the oldest first. */
  get members(): readonly MessageItem[] {
    return [...this.cards.values()].map((card) => card.item);
  }

  /** Whether a message is open. */
  shows(id: number): boolean {
    return this.cards.get(id)?.message != null;
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
    if (begins) this.begin(ordered, wanted);
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
    if (first !== undefined)
      requestAnimationFrame(() => (this.column.scrollTop = first.offsetTop - this.column.offsetTop));
  }

  private card(item: MessageItem): Card {
    const head = el("button", { class: "card-head", "aria-expanded": "false" });
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
        head.hidden = card.message !== null;
        fill(
          head,
          el(
            "span",
            { class: "card-from", dir: "auto" },
            isolated(addressList(item.from, (one) => (this.isOwn(one) ? t("me") : shortAddress(one)))) ||
              t("(no address)"),
          ),
          el("span", { class: "card-preview", dir: "auto" }, isolated(item.preview)),
          el(
            "time",
            { class: "message-age", datetime: item.received, title: fullTime(item.received) },
            shortTime(item.received, Date.now()),
          ),
        );
      },
    };
    head.addEventListener("click", () => {
      this.toggle(card);
      root.querySelector<HTMLElement>(".author-name")?.focus();
    });
    card.draw();
    return card;
  }

  private toggle(card: Card): void {
    if (card.message === null) {
      const fold = () => {
        this.toggle(card);
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
