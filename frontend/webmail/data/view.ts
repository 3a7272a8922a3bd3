// One query as far as the browser has it: its number of messages, and a run of consecutive rows.
//
// The run has the rows on the screen and around it. It grows by pages after its last or before its first row, and starts anew
// elsewhere when the reader jumps. Rows far away are dropped. The server sends the position of the run with every page. Changes
// before the run shift it; if their effect is not exactly known, the position is requested again (`unsure`).
//
// With threads, a row of the run represents a thread: it is the message by which the thread is in the list, and `members` has the
// others. The order of a search, or of threads, is known to the server only: when it reports that entries have changed (`stale`),
// the rows on the screen are requested again, and replaced when all of them have arrived.

import type { Change, MessageItem, Page, Query, Request, ViewMsgs } from "../../gen/webmail";
import { isListing } from "./queries";
import { compare, search } from "./order";

/** Rows of a page. */
export const pageSize = 100;
/** Maximum number of rows that are kept; the furthest are dropped first. A row is about 2 kB. */
const kept = 1000;

type Kind = "new" | "behind" | "before" | "check" | "refresh";

export class View {
  query: Query = { filter: { mailbox_id: 0, mailbox_name: "Inbox" } };
  viewId = 0;
  /** Position of the run's first row. */
  start = 0;
  items: readonly MessageItem[] = [];
  /** Whether the first answer has come. */
  known = false;
  /** Whether the run reaches the end of the list. */
  end = false;
  /** Whether the position of the run must be requested again. */
  unsure = false;
  /** Whether the rows must be requested again. */
  stale = false;
  private threads = new Map<number, readonly MessageItem[]>();
  private gathered: MessageItem[] = [];
  private gatheredAt = 0;
  private matching = 0;
  private requestId = 0;
  private running: Kind | null = null;
  private fresh = false;

  /** Number of rows in the list: matching ones, and shown ones that no longer match. */
  get total(): number {
    if (this.end) return this.start + this.items.length;
    if (isListing(this.query)) return Math.max(this.matching, this.start + this.items.length);
    const gone =
      this.query.filter.unread === true ? this.items.filter((item) => item.flags.includes("\\seen")).length : 0;
    return Math.max(this.matching + gone, this.start + this.items.length);
  }

  get busy(): boolean {
    return this.running !== null;
  }

  item(id: number): MessageItem | undefined {
    return this.items.find((item) => item.id === id);
  }

  /** All messages of the thread that a row represents; without threads the message and its copies. */
  members(row: MessageItem): readonly MessageItem[] {
    return [row, ...(this.threads.get(row.id) ?? [])];
  }

  /** Set the number of entries that are known so far. */
  found(total: number): void {
    this.matching = total;
  }

  /** All loaded messages. */
  all(): readonly MessageItem[] {
    return this.items.flatMap((item) => this.members(item));
  }

  /** Start another query; returns the request for its first page, which is around the message `destination`. */
  open(query: Query, destination = 0): Request {
    this.query = query;
    this.viewId++;
    this.start = this.matching = 0;
    this.items = [];
    this.threads.clear();
    this.known = this.unsure = this.end = this.stale = false;
    return this.request("new", { count: pageSize, dest_message_id: destination });
  }

  /** The request by which a new connection continues with the loaded rows: its page names the last message. */
  resume(): Request {
    this.requestId++;
    this.running = null;
    this.unsure = true;
    return this.going();
  }

  /** The same between two polls, where what was asked for is still to come. Its view is another one, 0, until an answer has come. */
  going(): Request {
    return {
      id: this.requestId,
      view_id: this.known ? this.viewId : 0,
      query: this.query,
      page: this.end && this.start === 0 ? null : { count: pageSize, anchor_message_id: this.items.at(-1)?.id ?? 0 },
    };
  }

  /** The request for missing rows from `first` up to but not including `last`; null if none is missing, or a request is
   * running. */
  want(first: number, last: number): Request | null {
    const end = this.start + this.items.length;
    const wantedEnd = Math.min(last, this.total);
    const wantedFirst = Math.max(0, first);
    if (!this.known || (wantedFirst >= this.start && wantedEnd <= end)) return null;
    const apart = wantedEnd <= this.start || wantedFirst >= end || this.items.length === 0;
    if (this.running !== null && !(apart && this.running !== "new")) return null;
    if (apart)
      return this.request("new", {
        count: pageSize,
        position: Math.max(0, Math.floor((wantedFirst + wantedEnd - pageSize) / 2)),
      });
    this.drop(wantedFirst, wantedEnd);
    return wantedEnd > end
      ? this.request("behind", { count: pageSize, anchor_message_id: this.items.at(-1)!.id })
      : this.request("before", { count: pageSize, anchor_message_id: this.items[0]!.id, before: true });
  }

  /** The request for the rows around `first` to `last` again; null if they are up to date, or another request is running. */
  refresh(first: number, last: number): Request | null {
    if (!this.stale || this.running !== null) return null;
    this.stale = false;
    return this.request("refresh", {
      count: pageSize,
      position: Math.max(0, Math.floor((first + last - pageSize) / 2)),
    });
  }

  /** The request for the position of the run; null if it is known, or another request is running. */
  check(): Request | null {
    const first = this.items[0];
    if (!this.unsure || this.running !== null || isListing(this.query)) return null;
    this.unsure = false;
    return first === undefined ? null : this.request("check", { count: 1, anchor_message_id: first.id });
  }

  /** Take a part of a page; false if it belongs to another request. */
  take(event: ViewMsgs): boolean {
    if (event.view_id !== this.viewId || event.request_id !== this.requestId || this.running === null) return false;
    this.known = true;
    this.matching = event.total;
    const items = event.items.map((thread) => thread[0]!);
    for (const [row, ...others] of event.items) {
      if (others.length > 0) this.threads.set(row!.id, others);
      else this.threads.delete(row!.id);
    }
    if (this.running === "refresh") {
      if (this.gathered.length === 0) this.gatheredAt = event.position;
      this.gathered.push(...items);
      if (items.length > 0) return true;
      this.replace(this.gathered, this.gatheredAt);
      this.gathered = [];
      this.end = event.view_end;
      this.running = null;
      return true;
    }
    if (items.length === 0) {
      if (this.fresh) this.replace([], event.position);
      // position 0 is the first row of the list
      if (this.running === "before" && event.position === 0) this.start = 0;
      if (this.running === "new" || this.running === "behind") this.end = event.view_end;
      this.running = null;
      return true;
    }
    const present = new Set(this.items.map((item) => item.id));
    const others = items.filter((item) => !present.has(item.id));
    if (this.fresh) this.replace(items, event.position);
    // messages that were added meanwhile may come before the anchor
    else if (this.running === "check")
      this.start = Math.max(
        0,
        event.position - (others.length || this.items.findIndex((item) => item.id === items[0]!.id)),
      );
    else if (this.running === "before") {
      this.items = [...others, ...this.items];
      this.start = event.position;
    } else {
      this.start = Math.max(0, event.position - this.items.length);
      this.items = [...this.items, ...others];
    }
    return true;
  }

  /** The anchor of the request no longer exists: the page begins at the top. */
  reset(viewId: number, requestId: number): void {
    if (viewId !== this.viewId || requestId !== this.requestId) return;
    this.running = "new";
    this.fresh = true;
  }

  /** The request failed. */
  failed(): void {
    this.running = null;
    this.known = true;
  }

  /** The connection is lost, and the running request with it. */
  lost(): void {
    this.running = null;
  }

  /** Apply a change of the account; returns the messages that left the view. */
  apply(change: Change): MessageItem[] {
    switch (change.kind) {
      case "msg_add":
        return this.add(change.item);
      case "msg_remove":
        // `stale` covers where a search finds it now, and whether a thread keeps it
        if (isListing(this.query)) return [];
        return change.mailbox_id === this.query.filter.mailbox_id ? this.remove(change.message_ids) : [];
      case "msg_flags":
        this.change([change.message_id], (item) =>
          change.modseq < item.modseq
            ? item
            : { ...item, flags: change.flags, keywords: change.keywords, modseq: change.modseq },
        );
        return [];
      case "msg_thread":
        this.change(change.message_ids, (item) => ({
          ...item,
          thread_muted: change.muted,
          thread_collapsed: change.collapsed,
        }));
        return [];
      case "mailbox_counts":
        if (change.mailbox_id === this.query.filter.mailbox_id && !isListing(this.query)) {
          this.matching = this.query.filter.unread === true ? change.unseen : change.total + change.deleted;
        }
        return [];
      default:
        return [];
    }
  }

  /** Check invariants; throws an error that names the broken one. */
  checkConsistency(): void {
    for (let i = 1; i < this.items.length && !isListing(this.query); i++) {
      if (compare(this.items[i - 1]!, this.items[i]!, this.query.order_asc === true) >= 0)
        throw new Error("rows out of order");
    }
    if (this.start < 0 || this.start + this.items.length > this.total) throw new Error("rows outside");
  }

  private request(kind: Kind, page: Page): Request {
    this.running = kind;
    this.gathered = [];
    this.fresh = kind === "new";
    return { id: ++this.requestId, view_id: this.viewId, query: this.query, page };
  }

  private replace(items: readonly MessageItem[], position: number): void {
    this.items = items;
    this.start = position;
    this.fresh = this.end = false;
    if (this.threads.size > 4 * kept)
      this.threads = new Map(items.map((item) => [item.id, this.threads.get(item.id) ?? []]));
  }

  /** Drop rows that are far from the wanted ones. */
  private drop(first: number, last: number): void {
    const over = this.items.length + pageSize - kept;
    if (over <= 0) return;
    const above = Math.max(0, first - this.start);
    const below = Math.max(0, this.start + this.items.length - last);
    if (above > below) {
      const gone = Math.min(over, above);
      this.items = this.items.slice(gone);
      this.start += gone;
    } else {
      const gone = Math.min(over, below);
      this.items = this.items.slice(0, this.items.length - gone);
      if (gone > 0) this.end = false;
    }
  }

  private add(item: MessageItem): MessageItem[] {
    if (isListing(this.query)) return [];
    const present = this.item(item.id);
    if (present !== undefined && present.modseq > item.modseq) return [];
    const gone = present === undefined ? [] : this.remove([item.id]);
    if (item.mailbox_id !== this.query.filter.mailbox_id) return gone;
    const index = search(this.items, item, this.query.order_asc === true);
    this.matching++;
    if (index === 0 && this.start > 0) {
      this.start++;
      this.unsure = true;
    } else if (index < this.items.length || this.end) {
      this.items = [...this.items.slice(0, index), item, ...this.items.slice(index)];
    }
    return [];
  }

  private remove(ids: readonly number[]): MessageItem[] {
    const wanted = new Set(ids);
    const gone = this.items.filter((item) => wanted.has(item.id));
    this.items = this.items.filter((item) => !wanted.has(item.id));
    this.matching = Math.max(0, this.matching - ids.length);
    if (gone.length < ids.length && this.start > 0) this.unsure = true;
    return gone;
  }

  private change(ids: readonly number[], make: (item: MessageItem) => MessageItem): void {
    const wanted = new Set(ids);
    if (this.items.some((item) => wanted.has(item.id)))
      this.items = this.items.map((item) => (wanted.has(item.id) ? make(item) : item));
    for (const [id, others] of this.threads) {
      if (others.some((item) => wanted.has(item.id)))
        this.threads.set(
          id,
          others.map((item) => (wanted.has(item.id) ? make(item) : item)),
        );
    }
  }
}
