// What the browser knows of the account, as the stream tells it: mailboxes, and the messages of one view in their order.

import type { Change, Mailbox, MessageItem, Query, Request } from "../../gen/webmail";

/** Order of mailboxes: Inbox, those with a role, then by name. */
const roleOrder = ["draft", "sent", "archive", "trash", "junk"] as const;

export type Role = (typeof roleOrder)[number];

function rank(mailbox: Mailbox): number {
  if (mailbox.name === "Inbox") return -1;
  const role = roleOrder.findIndex((name) => mailbox.roles.includes(name));
  return role < 0 ? roleOrder.length : role;
}

/** Tells the views what has changed; they draw themselves anew as far as needed. */
export interface Listener {
  mailboxesChanged(): void;
  itemAdded(item: MessageItem, index: number): void;
  itemsAppended(items: MessageItem[]): void;
  itemRemoved(item: MessageItem, index: number): void;
  itemChanged(item: MessageItem): void;
  viewReset(): void;
}

export class Model {
  readonly mailboxes = new Map<number, Mailbox>();
  items: MessageItem[] = [];
  query: Query = { filter: { mailbox_id: 0, mailbox_name: "Inbox" } };
  viewId = 0;
  requestId = 0;
  /** A request runs. */
  loading = false;
  /** There is nothing behind the last item. */
  end = false;
  private readonly byId = new Map<number, MessageItem>();

  constructor(private readonly listener: Listener) {}

  /** All mailboxes in the order of the list. */
  ordered(): Mailbox[] {
    return [...this.mailboxes.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  }

  /** The mailbox that holds a role. */
  withRole(role: Role): Mailbox | undefined {
    return [...this.mailboxes.values()].find((mailbox) => mailbox.roles.includes(role));
  }

  mailboxNamed(name: string): Mailbox | undefined {
    return [...this.mailboxes.values()].find((mailbox) => mailbox.name === name);
  }

  /** The mailbox that is shown. */
  current(): Mailbox | undefined {
    return this.mailboxes.get(this.query.filter.mailbox_id ?? 0);
  }

  item(id: number): MessageItem | undefined {
    return this.byId.get(id);
  }

  /** Begin another view; returns the request for its first page. */
  open(query: Query, count: number, destination = 0): Request {
    this.query = query;
    this.viewId++;
    this.clear();
    return this.request(count, destination);
  }

  /** The request for more of the view, or again for its beginning. */
  request(count: number, destination = 0): Request {
    this.loading = true;
    const anchor = this.items.at(-1)?.id ?? 0;
    return {
      id: ++this.requestId,
      view_id: this.viewId,
      query: this.query,
      page: { count, anchor_message_id: anchor, dest_message_id: destination },
    };
  }

  /** The request by which a new connection goes on with what is shown. Without a page when all of the view is here. */
  resumeRequest(count: number): Request {
    const request = this.request(count);
    this.loading = false;
    return this.end ? { ...request, page: null } : request;
  }

  clear(): void {
    this.items = [];
    this.byId.clear();
    this.end = false;
    this.listener.viewReset();
  }

  /** Take a page of the running request. */
  append(threads: MessageItem[][], end: boolean): void {
    const fresh = threads.flat().filter((item) => !this.byId.has(item.id));
    for (const item of fresh) this.byId.set(item.id, item);
    this.items.push(...fresh);
    if (end) this.end = true;
    if (threads.length === 0 || end) this.loading = false;
    this.listener.itemsAppended(fresh);
  }

  /** Take mailboxes as they are. */
  setMailboxes(mailboxes: Mailbox[]): void {
    this.mailboxes.clear();
    for (const mailbox of mailboxes) this.mailboxes.set(mailbox.id, mailbox);
    this.listener.mailboxesChanged();
  }

  /** Take one change of the account. */
  apply(change: Change): void {
    switch (change.kind) {
      case "msg_add":
        this.insert(change.item);
        return;
      case "msg_remove":
        for (const id of change.message_ids) {
          if (this.byId.get(id)?.mailbox_id === change.mailbox_id) this.remove(id);
        }
        return;
      case "msg_flags": {
        const item = this.byId.get(change.message_id);
        if (item === undefined || change.modseq < item.modseq) return;
        item.flags = change.flags;
        item.keywords = change.keywords;
        item.modseq = change.modseq;
        this.listener.itemChanged(item);
        return;
      }
      case "msg_thread":
        for (const id of change.message_ids) {
          const item = this.byId.get(id);
          if (item === undefined) continue;
          item.thread_muted = change.muted;
          this.listener.itemChanged(item);
        }
        return;
      case "mailbox_add":
        this.mailboxes.set(change.mailbox.id, change.mailbox);
        break;
      case "mailbox_remove":
        this.mailboxes.delete(change.mailbox_id);
        break;
      case "mailbox_rename":
        this.update(change.mailbox_id, { name: change.name });
        break;
      case "mailbox_counts": {
        const { total, unread, unseen, deleted, size } = change;
        this.update(change.mailbox_id, { total, unread, unseen, deleted, size });
        break;
      }
      case "mailbox_special_use":
        this.update(change.mailbox_id, { roles: change.roles });
        break;
      case "mailbox_keywords":
        this.update(change.mailbox_id, { keywords: change.keywords });
    }
    this.listener.mailboxesChanged();
  }

  private update(id: number, values: Partial<Mailbox>): void {
    const mailbox = this.mailboxes.get(id);
    if (mailbox !== undefined) Object.assign(mailbox, values);
  }

  private insert(item: MessageItem): void {
    const present = this.byId.get(item.id);
    if (present !== undefined) {
      if (present.modseq > item.modseq) return;
      this.remove(item.id);
    }
    if (item.mailbox_id !== this.query.filter.mailbox_id) return;
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.before(this.items[middle]!, item)) low = middle + 1;
      else high = middle;
    }
    if (low === this.items.length && !this.end) return;
    this.items.splice(low, 0, item);
    this.byId.set(item.id, item);
    this.listener.itemAdded(item, low);
  }

  /** Whether `a` stands before `b`: newest first, or oldest first when asked for. */
  private before(a: MessageItem, b: MessageItem): boolean {
    // as text, in UTC and without the Z: Date has milliseconds only, and the server orders by microseconds
    const [first, second] = [a.received.slice(0, -1), b.received.slice(0, -1)];
    const order = first < second ? -1 : first > second ? 1 : a.id - b.id;
    return this.query.order_asc ? order < 0 : order > 0;
  }

  private remove(id: number): void {
    const item = this.byId.get(id);
    if (item === undefined) return;
    const index = this.items.indexOf(item);
    this.items.splice(index, 1);
    this.byId.delete(id);
    this.listener.itemRemoved(item, index);
  }
}
