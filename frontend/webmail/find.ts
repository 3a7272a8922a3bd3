// The choice of the list's content: a mailbox or a search, with a refinement or without, with threads or without. It makes the
// queries, and updates the search bar.

import type { Filter, Mailbox, Query } from "../gen/webmail";
import { attempt } from "../lib/dialogs";
import { part } from "../lib/parts";
import { signal } from "../lib/signal";
import { remember } from "../lib/stored";
import { t } from "../lib/words";
import { type Order, type Refinement, type Threading, orders } from "./commands/desk";
import type * as SearchPart from "./search/part";
import type { Glanced } from "./search/part";
import type { Mail } from "./state/mail";
import { SearchBar } from "./ui/searchbar";

/** Key in the browser's storage for the way to show threads (WEBMAIL-105). */
const threadingKey = "moxlite-webmail-threading";

export interface FindOwner {
  /** Mark these texts in messages that are read. */
  mark(needles: readonly string[]): void;
  /** Move the focus to the list. */
  leave(): void;
  readonly glanced: Glanced;
}

/** Key in the browser's storage for the order of the list. */
const orderKey = "moxlite-webmail-order";

function storedOrder(): Order {
  const stored = localStorage.getItem(orderKey);
  return orders.find((order) => order === stored) ?? "newest";
}

function storedThreading(): Threading {
  return localStorage.getItem(threadingKey) === "off" ? "off" : "on";
}

export class Find {
  /** The text of the search; "" for a mailbox. */
  readonly text = signal("");
  /** What names the search in addresses; "" for a mailbox. */
  name = "";
  readonly refinement = signal<Refinement>("");
  readonly threading = signal<Threading>(storedThreading());
  readonly order = signal<Order>(storedOrder());
  readonly bar: SearchBar;
  /** The search for the same in all mailboxes; "" if this one covers them. */
  private wider = "";
  /** The mailbox to return to when the search ends. */
  private mailbox = 0;
  private base: Pick<Query, "filter" | "not_filter"> = { filter: { mailbox_id: 0 } };

  constructor(
    private readonly mail: Mail,
    private readonly owner: FindOwner,
  ) {
    this.bar = new SearchBar(mail, {
      search: (text) => void this.search(text),
      open: (bar) =>
        void attempt(t("Searching…"), t("Couldn't search"), async () =>
          (await this.part()).openGlance(bar, mail, owner.glanced),
        ),
      leave: () => owner.leave(),
      // a part that cannot be loaded is reported by the action that needs it
      say: (place, searching) =>
        void this.part().then(
          ({ say }) => say(place, searching, () => mail.stopSearch()),
          () => null,
        ),
    });
  }

  /** The query of a mailbox by its name, or by its id, for the first view. */
  named(mailbox_name: string, mailbox_id = 0): Query {
    return this.with({ filter: { mailbox_id, mailbox_name } });
  }

  /** Show a mailbox. */
  openMailbox(mailbox: Pick<Mailbox, "id">, message = 0): void {
    this.name = this.text.value = "";
    this.refinement.value = "";
    this.mailbox = mailbox.id;
    this.bar.show("");
    this.owner.mark([]);
    this.open({ filter: { mailbox_id: mailbox.id } }, message);
  }

  /** Search for words, or what an address names; "" returns to the mailbox. `begin`: as the first view, before the stream is open. */
  async search(asked: string, message = 0, begin = false): Promise<void> {
    if (asked === "") {
      const inbox = this.mail.boxes.named("Inbox");
      const before = this.mail.boxes.get(this.mailbox) ?? inbox;
      if (before !== undefined && this.text.value !== "") this.openMailbox(before);
      return;
    }
    await attempt(t("Searching…"), t("Couldn't search"), async () => {
      const { parse, nameOfSearch, wordsOfSearch, wider, showProblems } = await this.part();
      const text = wordsOfSearch(asked);
      if (text === "") return this.search("");
      const { query, problems, needles } = parse(
        text,
        this.mail.mailboxes.value,
        new Date(),
        this.mail.settings.value.labels,
        this.mail.facts.value.login_address || undefined,
      );
      if (this.text.value === "") this.mailbox = this.mail.current.value?.id ?? this.mailbox;
      this.name = nameOfSearch(text);
      this.text.value = text;
      this.refinement.value = "";
      this.bar.show(text);
      showProblems(this.bar.problems, problems, (meant) => void this.search(meant));
      this.owner.mark(needles);
      this.base = query;
      this.wider = wider(text, query);
      if (begin) this.mail.begin(this.with(query));
      else this.open(query, message);
    });
  }

  /** The search for the same in all mailboxes; null if this one covers them. */
  everywhere(): (() => void) | null {
    const { wider } = this;
    return this.text.value && wider ? () => void this.search(wider) : null;
  }

  /** The mailboxes and labels are known now: repeat a search that names one. */
  known(): void {
    if (/(^|\s)-?((sub)?(mb|mailbox|l|label):|\w+:me\b)/i.test(this.text.value)) void this.search(this.text.value);
  }

  refine(to: Refinement): void {
    this.refinement.value = to;
    this.open(this.here());
  }

  showThreads(how: Threading): void {
    this.threading.value = how;
    remember(threadingKey, how);
    this.open(this.here());
  }

  sort(order: Order): void {
    this.order.value = order;
    remember(orderKey, order);
    this.open(this.here());
  }

  private here(): Pick<Query, "filter" | "not_filter"> {
    // the first view may have named its mailbox
    const id = this.mail.current.value?.id;
    return this.text.value === "" && id !== undefined ? { filter: { mailbox_id: id } } : this.base;
  }

  private open(query: Pick<Query, "filter" | "not_filter">, message = 0): void {
    this.base = query;
    this.mail.open(this.with(query), message);
  }

  private with({ filter, not_filter }: Pick<Query, "filter" | "not_filter">): Query {
    const labels = filter.labels ?? [];
    const to = this.refinement.value;
    const some: Partial<Record<Refinement, Filter>> = {
      "": {},
      unread: { unread: true },
      read: { labels: [...labels, "\\seen"] },
      flagged: { labels: [...labels, "\\flagged"] },
      attachments: { attachments: filter.attachments ?? "any" },
    };
    const narrower = some[to] ?? { writers: to as "people" | "newsletters" };
    const order = this.order.value;
    const query: Query = {
      filter: { ...filter, ...narrower },
      threading: this.threading.value,
      order_asc: order === "oldest",
      order: order === "newest" || order === "oldest" ? "received" : order,
    };
    return not_filter === undefined ? query : { ...query, not_filter };
  }

  private part(): Promise<typeof SearchPart> {
    return part<typeof SearchPart>("search");
  }
}
