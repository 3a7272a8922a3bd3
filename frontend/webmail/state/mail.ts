// The state of the page: mailboxes, shown rows, focus and selection, as signals. Events of the stream come in here; views read
// the signals, and commands call the functions.

import type {
  Change,
  Mailbox,
  MessageItem,
  MsgRemove,
  ParsedMessage,
  Query,
  Request,
  StreamEvent,
  ViewProgress,
} from "../../gen/webmail";
import { type Readable, type Signal, computed, signal } from "../../lib/signal";
import { Mailboxes, type Role, allows } from "../data/mailboxes";
import { markOf, search } from "../data/order";
import { Pending } from "../data/pending";
import { isListing, isSearch, isSorted, isThreaded } from "../data/queries";
import { Selection } from "../data/selection";
import type { Connection } from "../data/stream";
import { Folding, type Line, isUnread, tree } from "../data/threads";
import { View } from "../data/view";
import { type AllSettings, defaults } from "./settings";

/** The content of the list: a run of rows, the first at the position `start`, of `total`. */
export interface Rows {
  readonly start: number;
  readonly items: readonly MessageItem[];
  readonly total: number;
  /** Number of rows if each thread had one. */
  readonly entries: number;
  /** Whether the first answer has come. */
  readonly known: boolean;
  /** The content of the rows by the ids of their messages; empty without threads. */
  readonly lines: ReadonlyMap<number, Line>;
}

/** Progress of a search. */
export interface Searching extends Pick<ViewProgress, "messages" | "looked" | "of" | "done" | "stopped" | "left_out"> {
  readonly found: number;
}

/** Progress of a search before the first answer. */
const begun: Searching = { messages: 0, looked: 0, of: 0, found: 0, done: false, stopped: false, left_out: [] };

/** A number of messages, and of their conversations. `messages` is null if it is not known. Without threads both are equal. */
export interface Counts {
  readonly messages: number | null;
  readonly conversations: number;
}

/** Counts that stay the same object while their values are the same. */
function kept(count: () => Counts): Readable<Counts> {
  let last: Counts = { messages: 0, conversations: 0 };
  return computed(() => {
    const next = count();
    if (next.messages !== last.messages || next.conversations !== last.conversations) last = next;
    return last;
  });
}

/** The reason why there are no rows. `unthreaded`: without threads there can be rows. */
export interface Refusal {
  readonly message: string;
  readonly unthreaded: boolean;
}

/** The focused row, from which keys start. */
export interface Focus {
  readonly item: MessageItem;
  readonly position: number;
}

export interface Facts {
  readonly login_address: string;
  readonly addresses: readonly string[];
  readonly account_path: string;
  readonly rejects_mailbox: string;
  readonly introbox: string;
}

export type How = "select" | "extend" | "focus";

/** The interface of the page for the state. */
export interface Outside {
  /** Send a request on the open stream. */
  send(request: Request): void;
  /** A message was sent opened, together with the list. */
  opened(parsed: ParsedMessage): void;
  /** The shown message has left the view, but not by an action on this page. */
  removed(): void;
  /** The server has another version than this page. */
  outdated(version: string): void;
  /** Whether to check invariants: for tests and localhost. */
  readonly checking: boolean;
}

/** Milliseconds without changes before the position of the run is requested. */
const checkAfter = 300;
/** Milliseconds without changes before a stale view is requested again. */
const refreshAfter = 50;
/** Milliseconds that missing rows must be on the screen before they are requested. */
const restAfter = 80;

export class Mail {
  readonly facts: Signal<Facts> = signal({
    login_address: "",
    addresses: [],
    account_path: "",
    rejects_mailbox: "",
    introbox: "",
  });
  readonly mailboxes: Signal<readonly Mailbox[]> = signal([]);
  readonly query: Signal<Query>;
  readonly rows: Readable<Rows>;
  readonly selection: Signal<Selection> = signal(Selection.none);
  readonly focus: Signal<Focus | null> = signal(null);
  /** Whether rows are being chosen one by one: then a single chosen one is not shown. */
  private readonly choosing = signal(false);
  readonly connection: Signal<Connection> = signal("on");
  readonly settings: Signal<AllSettings> = signal(defaults);
  /** The reason why there are no rows; null if there is nothing to report. */
  readonly problem: Signal<Refusal | null> = signal(null);
  /** Progress of the search; null if the list is not a search. */
  readonly searching: Signal<Searching | null> = signal(null);
  /** The mailbox that is shown. */
  readonly current: Readable<Mailbox | undefined>;
  /** The shown message: the selected one, if exactly one is selected. */
  readonly shown: Readable<MessageItem | null>;
  /** The thread whose collapsed row is selected; null if a message or several rows are selected. */
  readonly conversation: Readable<readonly MessageItem[] | null>;
  /** Number of selected rows, loaded or not. */
  readonly selectedCount: Readable<number>;
  /** Counts of the view. */
  readonly counts: Readable<Counts>;
  /** Counts of the selection. */
  readonly selectedCounts: Readable<Counts>;
  /** The mailboxes whose rights matter: the current one, and the mailboxes of the selected messages. */
  private readonly concerned: Readable<readonly Mailbox[]>;
  readonly pending = new Pending(() => this.changed());
  readonly boxes = new Mailboxes();
  /** Id of the stream, for requests. */
  streamId = 0;
  /** Modseq that the browser has reached. */
  modseq = 0;
  /** Milliseconds by which the server's clock is ahead of the browser's. */
  clockOffset = 0;
  /** Id of the message in the address; it is selected when it is loaded. */
  wanted = 0;
  private readonly view = new View();
  private readonly version = signal(0);
  /** With threads: the entry of the view for each row. */
  private entries: number[] = [];
  private readonly folding = new Folding();
  private server = "";
  private refreshing = 0;
  private screen = { first: 0, last: 0 };
  private resting = 0;
  private checking = 0;
  /** Focus movements that wait for rows that are not loaded: one that selects, then the ones that extend the selection. The last
   * row has the position infinity, because the number of rows of expanded threads is known only when they are loaded. */
  private awaited: { position: number; how: How }[] = [];

  constructor(private readonly outside: Outside) {
    this.query = signal(this.view.query);
    this.current = computed(() => {
      const mailboxes = this.mailboxes.value;
      return mailboxes.find((mailbox) => mailbox.id === this.query.value.filter.mailbox_id);
    });
    this.rows = computed(() => {
      void this.version.value;
      return this.overlaid();
    });
    this.shown = computed(() => {
      const selection = this.selection.value;
      if (this.choosing.value || selection.open || selection.ids.size !== 1) return null;
      const [id] = selection.ids.keys();
      return this.rows.value.items.find((item) => item.id === id) ?? null;
    });
    this.conversation = computed(() => {
      const shown = this.shown.value;
      const line = shown === null ? undefined : this.rows.value.lines.get(shown.id);
      return line?.collapsed === true && line.members.length > 1 ? line.members : null;
    });
    this.selectedCount = computed(() => this.selection.value.count(this.rows.value.total));
    this.counts = kept(() => this.all());
    this.selectedCounts = kept(() => this.chosen());
    this.concerned = computed(() => {
      // messages that are not loaded can be changed in the user's own account only (WEBMAIL-137)
      return this.mailboxesOf(this.selectedAreLoaded() ? this.selected() : []);
    });
  }

  get oldestFirst(): boolean {
    return this.view.query.order_asc === true;
  }

  /** Show this query with the first connection. */
  begin(query: Query): void {
    this.query.value = this.view.query = query;
    if (isSearch(query)) this.searching.value = begun;
  }

  /** Cancel the search. */
  stopSearch(): void {
    if (this.searching.value?.done !== false) return;
    this.outside.send({ id: 0, view_id: this.view.viewId, cancel: true });
  }

  /** The view for the next connection. */
  opening(): { request: Request; since: number } {
    this.view.lost();
    if (this.modseq > 0 && this.view.known) return { request: this.view.resume(), since: this.modseq };
    return { request: this.view.open(this.view.query, this.wanted), since: 0 };
  }

  /** Show another query, and select the message `wanted` in it. */
  open(query: Query, wanted = 0): void {
    this.wanted = wanted;
    this.awaited = [];
    this.problem.value = null;
    this.searching.value = isSearch(query) ? begun : null;
    this.folding.reset();
    this.outside.send(this.view.open(query, wanted));
    this.query.value = query;
    this.selection.value = Selection.none;
    this.focus.value = null;
    this.changed();
  }

  /** Handle an event of the stream. */
  take(event: StreamEvent): void {
    switch (event.kind) {
      case "start": {
        const again = this.modseq > 0;
        this.began(event.version, event.stream_id, event.server_time);
        this.modseq = event.modseq;
        this.facts.value = event;
        this.settings.value = { ...defaults, ...event.settings };
        this.boxes.set(event.mailboxes);
        this.mailboxes.value = this.boxes.ordered();
        const opened = this.boxes.named(event.mailbox_name);
        if (opened !== undefined)
          this.view.query = {
            ...this.view.query,
            filter: { ...this.view.query.filter, mailbox_id: opened.id, mailbox_name: "" },
          };
        this.query.value = this.view.query;
        // the modseq is too old to continue from
        if (again) this.open(this.view.query);
        return;
      }
      case "resume":
        this.began(event.version, event.stream_id, event.server_time);
        this.boxes.setShared(event.shared);
        this.mailboxes.value = this.boxes.ordered();
        // the search was lost with the connection
        if (isListing(this.view.query)) this.outdated();
        this.changed();
        return;
      case "view_msgs":
        if (!this.view.take(event)) return;
        if (event.parsed_message !== null) this.outside.opened(event.parsed_message);
        this.changed();
        this.arrived();
        return;
      case "view_progress":
        if (event.view_id !== this.view.viewId) return;
        this.view.found(event.total);
        if (this.searching.value !== null) this.searching.value = { ...event, found: event.total };
        this.changed();
        if (!this.view.busy) this.fetch();
        return;
      case "view_stale":
        if (event.view_id === this.view.viewId) this.outdated();
        return;
      case "view_reset":
        this.view.reset(event.view_id, event.request_id);
        return;
      case "view_err":
        if (event.view_id !== this.view.viewId) return;
        this.view.failed();
        this.problem.value = { message: event.message, unthreaded: event.unthreaded };
        this.changed();
        return;
      case "view_changes":
        this.apply(event.changes);
        if (!event.more) this.modseq = event.modseq;
    }
  }

  /** Set the rows on the screen and around it, and request the missing ones. */
  look(first: number, last: number): void {
    this.screen = { first, last };
    const rows = this.rows.value;
    const apart = last <= rows.start || first >= rows.start + rows.items.length;
    clearTimeout(this.resting);
    // while the reader drags the scroll bar over a hundred thousand rows, the rows in between are not wanted
    if (apart && rows.items.length > 0) this.resting = window.setTimeout(() => this.fetch(), restAfter);
    else this.fetch();
  }

  /** The selected messages that are loaded, in the order of the list. */
  selected(): MessageItem[] {
    return this.selectedRows().flatMap((row) => this.meant(row));
  }

  /** Whether a row is selected. */
  selects(row: MessageItem): boolean {
    return this.selection.value.has(row, this.oldestFirst, this.rows.value.lines.get(row.id)?.top);
  }

  /** Whether the whole selection is loaded. */
  selectedAreLoaded(): boolean {
    return this.selectedRows().length === this.selectedCount.value;
  }

  /** The messages that an action on a row applies to: of a collapsed thread, its matching messages. */
  meant(row: MessageItem): readonly MessageItem[] {
    const line = this.rows.value.lines.get(row.id);
    if (line?.collapsed !== true) return [row];
    const matching = line.members.filter((item) => item.match_query);
    return matching.length > 0 ? matching : [row];
  }

  /** Convert ids of rows to ids of the messages that an action applies to, as far as they are loaded. */
  meantIds(ids: Iterable<number>): number[] {
    const rows = new Map(this.rows.value.items.map((item) => [item.id, item]));
    return [...ids].flatMap((id) => (rows.has(id) ? this.meant(rows.get(id)!).map((item) => item.id) : [id]));
  }

  /** Whether messages that move to this mailbox leave the list. */
  leavesFor(mailbox: Mailbox): boolean {
    const { mailbox_id } = this.query.value.filter;
    if ((mailbox_id ?? 0) >= 0) return true;
    return mailbox_id === -1 && mailbox.roles.some((role) => role === "trash" || role === "junk");
  }

  // Threads

  /** Fold or unfold the thread of the focused row; `expand` chooses which. */
  fold(expand?: boolean): void {
    const focus = this.focus.value;
    const line = focus === null ? undefined : this.rows.value.lines.get(focus.item.id);
    if (line === undefined || line.members.length < 2) return;
    const wanted = expand ?? line.collapsed;
    const hidden = line.members.length - this.rowsOf(line).length;
    if (wanted !== line.collapsed && !(wanted && hidden > 0)) return;
    const selected = line.members.some((item) => this.selection.value.ids.has(item.id));
    this.folding.set(line.top.thread_id, wanted);
    this.changed();
    const { items, start } = this.rows.value;
    const first = wanted ? line.members[0]! : line.top;
    const index = items.findIndex((item) => item.id === first.id);
    if (index >= 0) this.moveTo(start + index, selected ? "select" : "focus");
  }

  /** Move to the first row of a thread: of the next thread, or of this one, then of the previous one. */
  moveThread(by: 1 | -1): void {
    const { items, start, lines } = this.rows.value;
    const from = this.focus.value === null ? -1 : this.focus.value.position - start;
    const begins = (index: number) =>
      index >= 0 &&
      index < items.length &&
      lines.get(items[index - 1]?.id ?? 0)?.top !== lines.get(items[index]!.id)?.top;
    let index = from + by;
    while (index > 0 && index < items.length && lines.size > 0 && !begins(index)) index += by;
    if (index >= 0 && index < items.length) this.moveTo(start + index, "select");
  }

  /** Select all rows of the focused thread. */
  selectThread(): void {
    const focus = this.focus.value;
    const line = focus === null ? undefined : this.rows.value.lines.get(focus.item.id);
    if (focus === null) return;
    this.selection.value = Selection.of(line === undefined || line.collapsed ? [focus.item] : this.rowsOf(line));
  }

  /** The messages of a thread that have rows. */
  private rowsOf(line: Line): MessageItem[] {
    const { lines } = this.rows.value;
    return line.members.filter((item) => lines.has(item.id));
  }

  /** The messages of the thread that is read; without threads only the message. */
  readThread(): readonly MessageItem[] {
    const shown = this.shown.value;
    if (shown === null) return [];
    const line = this.rows.value.lines.get(shown.id);
    return line === undefined || line.collapsed ? this.meant(shown) : line.members;
  }

  /** The current mailbox, and the mailboxes of these messages. */
  private mailboxesOf(items: readonly MessageItem[]): Mailbox[] {
    const ids = new Set([this.query.value.filter.mailbox_id, ...items.map((item) => item.mailbox_id)]);
    return this.mailboxes.value.filter((mailbox) => ids.has(mailbox.id));
  }

  /** Whether the owners of the selection, or of `chosen`, permit an action. With a role, also whether messages may be put into
   * their mailbox of this role. */
  may(rights: string, role?: Role, chosen?: readonly MessageItem[]): boolean {
    return (chosen === undefined ? this.concerned.value : this.mailboxesOf(chosen)).every((mailbox) => {
      if (mailbox.owner === "") return true;
      const target = role && this.boxes.withRole(role, mailbox.owner);
      return allows(mailbox, rights) && (role === undefined || (target !== undefined && allows(target, "i")));
    });
  }

  /** The owners of the selection, or of `chosen`; "" is the user's own account. */
  owners(chosen?: readonly MessageItem[]): Set<string> {
    return new Set((chosen === undefined ? this.concerned.value : this.mailboxesOf(chosen)).map(({ owner }) => owner));
  }

  inRole(role: Role): boolean {
    return this.current.value?.roles.includes(role) ?? false;
  }

  /** Select a message alone, if it is loaded. */
  select(id: number): void {
    const rows = this.rows.value;
    const index = rows.items.findIndex((item) => item.id === id);
    if (index >= 0) this.moveTo(rows.start + index, "select");
  }

  selectAll(): void {
    if (this.rows.value.total > 0) this.selection.value = Selection.all;
  }

  /** Clear the selection; the focus stays. */
  unselect(): void {
    this.choosing.value = false;
    this.selection.value = Selection.none;
  }

  toggleFocused(): void {
    const focus = this.focus.value;
    if (focus !== null) this.toggle(focus.position);
  }

  toggle(position: number): void {
    const item = this.at(position);
    if (item === undefined) return;
    this.focus.value = { item, position };
    this.choosing.value = true;
    this.selection.value = this.selection.value.toggled(
      item,
      this.oldestFirst,
      this.rows.value.lines.get(item.id)?.top,
    );
  }

  /** Move the focus by rows, or to an end of the list with an infinity. */
  moveFocus(by: number, how: How): void {
    const total = this.rows.value.total;
    if (total === 0) return;
    const last = this.awaited.at(-1);
    const from =
      (last === undefined ? this.focus.value?.position : this.row(last.position)) ??
      (by > 0 && Number.isFinite(by) ? -1 : 0);
    this.moveTo(by === Infinity ? by : Math.min(total - 1, Math.max(0, from + by)), how);
  }

  /** Move the focus to a row; if it is not loaded, as soon as it is. */
  moveTo(wanted: number, how: How): void {
    const position = this.row(wanted);
    const item = this.at(position);
    if (how !== "extend") this.awaited = [];
    if (item === undefined || this.awaited.length > 0) {
      this.awaited.push({ position: wanted, how });
      if (this.awaited.length === 1) this.look(position, position + 1);
      return;
    }
    const from = this.focus.value;
    this.focus.value = { item, position };
    if (how === "select") {
      this.choosing.value = false;
      this.selection.value = Selection.of([item]);
    } else if (how === "extend") this.extend(from ?? { item, position }, { item, position });
  }

  /** The row that the focus will be on when pending movements are done. */
  heading(): number | null {
    const awaited = this.awaited.at(0)?.position;
    return awaited === undefined ? (this.focus.value?.position ?? null) : this.row(awaited);
  }

  /** The nearest existing row. */
  private row(position: number): number {
    return Math.min(position, Math.max(0, this.rows.value.total - 1));
  }

  nextUnread(): void {
    const rows = this.rows.value;
    const from = this.focus.value === null ? 0 : this.focus.value.position + 1 - rows.start;
    const unread = (item: MessageItem) => this.meant(item).some(isUnread);
    const next = rows.items.findIndex((item, i) => i >= from && unread(item));
    if (next >= 0) this.moveTo(rows.start + next, "select");
  }

  /** Handle messages that have left the list. If the one that was read is among them, the next row is opened, if the user wants
   * that. If no message was read, because none or several were selected, nothing is opened (WEBMAIL-83). */
  left(gone: readonly MessageItem[]): void {
    if (gone.length === 0) return;
    const before = this.selection.value;
    const after = before.without(gone, this.oldestFirst);
    const first = gone.find((item) => before.has(item, this.oldestFirst));
    if (first === undefined) {
      this.refocus();
      return;
    }
    this.selection.value = after;
    const rows = this.rows.value;
    if (before.whole || after.count(rows.total) > 0 || rows.items.length === 0) {
      this.refocus();
      return;
    }
    const wish = before.ids.size === 1 && !before.open ? this.settings.value.after_action : "list";
    // threads have an order of their own: the row that moves up is at the position of the focus
    const found =
      isThreaded(this.query.value) || isSorted(this.query.value)
        ? (this.focus.value?.position ?? 0) - rows.start
        : search(rows.items, markOf(first), this.oldestFirst);
    const index = Math.max(0, Math.min(wish === "previous" ? found - 1 : found, rows.items.length - 1));
    this.moveTo(rows.start + index, wish === "list" ? "focus" : "select");
  }

  private began(version: string, streamId: number, time: string): void {
    if (this.server !== "" && this.server !== version) this.outside.outdated(version);
    this.server = version;
    this.streamId = streamId;
    this.clockOffset = Date.parse(time) - Date.now();
  }

  private apply(changes: readonly Change[]): void {
    const gone: MessageItem[] = [];
    let [boxes, removed] = [false, false];
    for (const change of changes) {
      if (change.kind === "msg_remove") removed ||= this.isReading(change);
      if (change.kind === "settings") this.settings.value = { ...defaults, ...change.settings };
      boxes = this.boxes.apply(change) || boxes;
      gone.push(...this.view.apply(change));
    }
    if (boxes) this.mailboxes.value = this.boxes.ordered();
    this.changed();
    const elsewhere = gone.filter((item) => !this.pending.leaving(item.id));
    this.left(elsewhere);
    if (removed) {
      // threads and searches are loaded again by themselves, without the message
      if (isListing(this.view.query)) this.unselect();
      this.outside.removed();
    }
    this.pending.settle(this.view.all(), this.view.query.filter.mailbox_id ?? 0);
    if (this.view.unsure) {
      clearTimeout(this.checking);
      this.checking = window.setTimeout(() => this.fetch(), checkAfter);
    }
  }

  /** Whether these changes remove the shown message from the current mailbox, but not by an action on this page. */
  private isReading({ mailbox_id, message_ids }: MsgRemove): boolean {
    const shown = this.shown.value?.id ?? 0;
    return (
      mailbox_id === this.view.query.filter.mailbox_id && message_ids.includes(shown) && !this.pending.leaving(shown)
    );
  }

  /** Update the rows after the view or the pending actions have changed. */
  private changed(): void {
    if (this.outside.checking) this.view.checkConsistency();
    this.version.value++;
  }

  private overlaid(): Rows {
    const { start, items, total, known, query } = this.view;
    const mailbox = isListing(query) ? 0 : (query.filter.mailbox_id ?? 0);
    if (isThreaded(query)) return this.threaded();
    const shown = this.pending.show(items, mailbox, this.oldestFirst);
    const rows = total + shown.length - items.length;
    return { start, items: shown, total: rows, entries: rows, known, lines: new Map() };
  }

  /** The rows of threads: one row per collapsed thread, or one per message. */
  private threaded(): Rows {
    const { start, items: tops, total, known } = this.view;
    const items: MessageItem[] = [];
    const lines = new Map<number, Line>();
    this.entries = [];
    let gone = 0;
    for (const [i, top] of tops.entries()) {
      const present = this.pending.show(this.view.members(top), 0, this.oldestFirst);
      // a thread without a matching message does not belong to this view
      if (!present.some((item) => item.match_query)) {
        gone++;
        continue;
      }
      const order = tree(present);
      const members = order.map(({ item }) => item);
      const opened = this.folding.isOpened(top.thread_id);
      // messages that were archived or removed stay hidden, unless the reader opens the thread
      const of = opened ? order : tree(present.filter((item) => item.match_query));
      const unfolded = this.folding.isExpanded(top.thread_id);
      const expanded = unfolded && (opened ? members.length : of.length) > 1;
      const first =
        present.find((item) => item.id === top.id && (item.match_query || opened)) ??
        present.find((item) => item.match_query)!;
      const rows = expanded ? of : [{ item: first, depth: 0 }];
      for (const [row, { item, depth }] of rows.entries()) {
        items.push(item);
        this.entries.push(start + i);
        lines.set(item.id, {
          top: first,
          members,
          collapsed: !expanded,
          depth,
          hidden: expanded && row === 0 ? members.length - rows.length : 0,
        });
      }
    }
    return { start, items, total: total + items.length - tops.length, entries: total - gone, known, lines };
  }

  private all(): Counts {
    const { entries } = this.rows.value;
    const query = this.query.value;
    if (!isThreaded(query)) return { messages: entries, conversations: entries };
    const mailbox = this.current.value;
    // the mailbox may count messages whose rows are not yet, or no longer, here
    const listed = mailbox && (query.filter.unread === true ? mailbox.unseen : mailbox.total + mailbox.deleted);
    const messages = isSearch(query) ? this.searching.value?.messages : listed;
    return { messages: messages === undefined ? null : Math.max(messages, entries), conversations: entries };
  }

  private chosen(): Counts {
    const { selection, selectedCount, counts } = this;
    const { whole, except } = selection.value;
    if (this.selectedAreLoaded()) {
      const items = this.selected();
      const threads = isThreaded(this.query.value) ? new Set(items.map((item) => item.thread_id)).size : items.length;
      return { messages: items.length, conversations: threads };
    }
    const { messages, conversations } = counts.value;
    if (!isThreaded(this.query.value)) return { messages: selectedCount.value, conversations: selectedCount.value };
    if (!whole || messages === null)
      return { messages: null, conversations: whole ? conversations : selectedCount.value };
    if (except.size === 0) return { messages, conversations };
    const left = Math.max(0, messages - this.meantIds(except).length);
    return { messages: left, conversations: left };
  }

  /** Rows have arrived: continue pending movements, and request rows that are still missing. */
  private arrived(): void {
    if (this.wanted > 0 && this.rows.value.items.some((item) => item.id === this.wanted)) {
      const wanted = this.wanted;
      this.wanted = 0;
      this.select(wanted);
    }
    const [next, ...others] = this.awaited;
    if (next !== undefined && this.at(this.row(next.position)) !== undefined) {
      this.awaited = [];
      this.moveTo(next.position, next.how);
      for (const one of others) this.moveTo(one.position, one.how);
    }
    this.refocus();
    if (!this.view.busy) this.fetch();
  }

  private fetch(): void {
    const first = this.entryAt(this.screen.first);
    const last = this.entryAt(this.screen.last);
    const request = this.view.want(first, last) ?? this.view.check() ?? this.view.refresh(first, last);
    if (request !== null && this.streamId > 0) this.outside.send(request);
  }

  /** The entry of the view at a row. A thread may have many rows; a message that leaves the list has none. */
  private entryAt(row: number): number {
    const { start, items, total } = this.rows.value;
    if (row >= start + items.length) return row + this.view.total - total;
    return isThreaded(this.query.value) && row > start ? this.entries[row - start]! : row;
  }

  /** The rows are outdated: request them again after a moment without changes. */
  private outdated(): void {
    this.view.stale = true;
    clearTimeout(this.refreshing);
    this.refreshing = window.setTimeout(() => this.fetch(), refreshAfter);
  }

  private selectedRows(): MessageItem[] {
    return this.rows.value.items.filter((item) => this.selects(item));
  }

  private at(position: number): MessageItem | undefined {
    const rows = this.rows.value;
    return rows.items[position - rows.start];
  }

  /** Update the focus after rows have moved. If the focused message is gone, its place has the focus. */
  private refocus(): void {
    const focus = this.focus.value;
    if (focus === null) return;
    const rows = this.rows.value;
    const index = rows.items.findIndex((item) => item.id === focus.item.id);
    if (index >= 0) this.focus.value = { item: rows.items[index]!, position: rows.start + index };
    else if (rows.total === 0) this.focus.value = null;
    else {
      const position = Math.min(focus.position, rows.total - 1);
      this.focus.value = { item: this.at(position) ?? focus.item, position };
    }
  }

  private extend(from: Focus, to: Focus): void {
    const [first, last] = from.position <= to.position ? [from, to] : [to, from];
    const rows = this.rows.value;
    const items = rows.items.slice(Math.max(0, first.position - rows.start), last.position + 1 - rows.start);
    const count = last.position + 1 - first.position;
    // a range is one of times of reception: in another order, the rows that are loaded are added
    const whole = items.length === count || isSorted(this.query.value);
    const place = (item: MessageItem) => markOf(rows.lines.get(item.id)?.top ?? item);
    this.selection.value = whole
      ? this.selection.value.plus(items, this.oldestFirst)
      : this.selection.value.plusStretch({ first: place(first.item), last: place(last.item), count }, this.oldestFirst);
  }
}
