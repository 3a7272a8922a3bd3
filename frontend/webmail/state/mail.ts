// The state of the page: mailboxes, shown rows, focus and selection, as signals. Events of the stream come in here; views read
// the signals, and commands call the functions.

import type {
  Change,
  MessageItem,
  MsgRemove,
  ParsedMessage,
  Query,
  Request,
  StreamEvent,
  ViewProgress,
} from "../../gen/webmail";
import { computed, type Readable, type Signal, signal } from "../../lib/signal";
import { told } from "../../lib/words";
import { allows, type Box, isInbox, Mailboxes, type Role } from "../data/mailboxes";
import { Pending } from "../data/pending";
import { isInboxes, isListing, isSearch, isThreaded } from "../data/queries";
import { flatRows, type Rows, threadedRows } from "../data/rows";
import type { Connection, Opening } from "../data/stream";
import { Folding } from "../data/threads";
import { View } from "../data/view";
import { Choice } from "./choice";
import { type Counts, kept } from "./counts";
import { type AllSettings, defaults } from "./settings";

/** Progress of a search. */
export interface Searching
  extends Omit<ViewProgress, "kind" | "view_id" | "total" | "index">,
    Partial<Pick<ViewProgress, "index">> {
  readonly found: number;
  /** Whether it was made without a connection, in what this browser keeps. */
  readonly saved?: boolean;
}

/** Progress of a search before the first answer. */
const begun: Searching = { messages: 0, looked: 0, of: 0, found: 0, done: false, stopped: false, left_out: [] };

/** The reason why there are no rows. `unthreaded`: without threads there can be rows. */
export interface Refusal {
  readonly message: string;
  readonly unthreaded: boolean;
}

export interface Facts {
  readonly login_address: string;
  readonly addresses: readonly string[];
  readonly account_path: string;
  readonly rejects_mailbox: string;
  readonly introbox: string;
  /** Octets that the account's mail may have; 0 without a limit. */
  readonly storage_limit: number;
  /** Epoch of the modseqs. */
  readonly epoch: string;
}

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
    storage_limit: 0,
    epoch: "",
  });
  readonly mailboxes: Signal<readonly Box[]> = signal([]);
  readonly query: Signal<Query>;
  readonly rows: Readable<Rows>;
  readonly connection: Signal<Connection> = signal("on");
  readonly settings: Signal<AllSettings> = signal(defaults);
  /** The reason why there are no rows; null if there is nothing to report. */
  readonly problem: Signal<Refusal | null> = signal(null);
  /** Progress of the search; null if the list is not a search. */
  readonly searching: Signal<Searching | null> = signal(null);
  /** The mailbox that is shown. */
  readonly current: Readable<Box | undefined>;
  readonly choice: Choice;
  /** Counts of the view. */
  readonly counts: Readable<Counts>;
  /** The mailboxes whose rights matter: the current one, and the mailboxes of the selected messages. */
  private readonly concerned: Readable<readonly Box[]>;
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
  /** Whether connections are polls, of which each resumes. */
  private polls = false;
  private refreshing = 0;
  private screen = { first: 0, last: 0 };
  private resting = 0;
  private checking = 0;
  constructor(private readonly outside: Outside) {
    this.query = signal(this.view.query);
    this.current = computed(() => {
      const mailboxes = this.mailboxes.value;
      const id = this.query.value.filter.mailbox_id;
      return isInboxes(this.query.value) ? this.boxes.inboxes() : mailboxes.find((mailbox) => mailbox.id === id);
    });
    this.rows = computed(() => {
      void this.version.value;
      if (!isThreaded(this.view.query)) return flatRows(this.view, this.pending, this.oldestFirst);
      const { rows, entryOf } = threadedRows(this.view, this.pending, this.folding, this.oldestFirst);
      this.entries = entryOf;
      return rows;
    });
    this.counts = kept(() => this.count());
    this.choice = new Choice(this);
    this.concerned = computed(() => {
      // messages that are not loaded can be changed in the user's own account only (WEBMAIL-137)
      return this.mailboxesOf(this.choice.selectedAreLoaded() ? this.choice.selected() : []);
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
  opening(polls = false): Opening {
    this.polls = polls && this.modseq > 0;
    const since = this.modseq + this.facts.value.epoch;
    if (this.polls) return { request: this.view.going(), since };
    this.view.lost();
    if (this.modseq > 0 && this.view.known) return { request: this.view.resume(), since };
    return { request: this.view.open(this.view.query, this.wanted), since: "0" };
  }

  /** Show another query, and select the message `wanted` in it. */
  open(query: Query, wanted = 0): void {
    this.wanted = wanted;
    this.problem.value = null;
    this.searching.value = isSearch(query) ? begun : null;
    this.folding.reset();
    this.outside.send(this.view.open(query, wanted));
    this.query.value = query;
    this.choice.reset();
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
        // a browser may have kept an older page's
        this.boxes.set(event.mailboxes, event.links ?? []);
        this.mailboxes.value = this.boxes.ordered();
        const opened = this.boxes.named(event.mailbox_name);
        if (opened !== undefined)
          this.view.query = {
            ...this.view.query,
            filter: { ...this.view.query.filter, mailbox_id: opened.id, mailbox_name: "" },
          };
        this.query.value = this.view.query;
        // the modseq is too old to continue from, or the mailbox is another user's
        if (!this.polls) {
          if (again) this.open(this.view.query);
        } else if (!this.view.busy) this.outdated();
        return;
      }
      case "resume":
        this.began(event.version, event.stream_id, event.server_time);
        this.boxes.setShared(event.shared, event.links);
        this.mailboxes.value = this.boxes.ordered();
        // the search was lost with the connection
        if (!this.polls && isListing(this.view.query)) this.outdated();
        this.changed();
        return;
      case "view_msgs":
        if (!this.view.take(event)) return;
        this.problem.value = null;
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
        void told(event).then(({ message, unthreaded }) => {
          // its texts may come late
          if (event.view_id !== this.view.viewId) return;
          this.problem.value = { message, unthreaded };
          this.changed();
        });
        return;
      case "view_changes":
        if (this.polls && event.changes.length > 0 && isListing(this.view.query)) this.outdated();
        this.apply(event.changes);
        if (!event.more) this.modseq = event.modseq;
    }
  }

  /** Set the rows on the screen and around it, and request the missing ones. */
  look(first: number, last: number): void {
    // rows that were refused are asked for again when the reader goes elsewhere
    if (this.problem.value !== null && first === this.screen.first && last === this.screen.last) return;
    this.screen = { first, last };
    const rows = this.rows.value;
    const apart = last <= rows.start || first >= rows.start + rows.items.length;
    clearTimeout(this.resting);
    // while the reader drags the scroll bar over a hundred thousand rows, the rows in between are not wanted
    if (apart && rows.items.length > 0) this.resting = window.setTimeout(() => this.fetch(), restAfter);
    else this.fetch();
  }

  /** Whether messages that move to this mailbox leave the list. */
  leavesFor(mailbox: Box): boolean {
    if (isInboxes(this.query.value)) return !isInbox(mailbox);
    const { mailbox_id } = this.query.value.filter;
    if ((mailbox_id ?? 0) >= 0) return true;
    return mailbox_id === -1 && mailbox.roles.some((role) => role === "trash" || role === "junk");
  }

  // Threads

  /** Fold or unfold the thread of the focused row; `expand` chooses which. */
  fold(expand?: boolean): void {
    const focus = this.choice.focus.value;
    const line = focus === null ? undefined : this.rows.value.lines.get(focus.item.id);
    if (line === undefined || line.members.length < 2) return;
    const wanted = expand ?? line.collapsed;
    const hidden = line.members.length - this.choice.rowsOf(line).length;
    if (wanted !== line.collapsed && !(wanted && hidden > 0)) return;
    const selected = line.members.some((item) => this.choice.selection.value.ids.has(item.id));
    this.folding.set(line.top.thread_id, wanted);
    this.changed();
    const { items, start } = this.rows.value;
    const first = wanted ? line.members[0]! : line.top;
    const index = items.findIndex((item) => item.id === first.id);
    if (index >= 0) this.choice.moveTo(start + index, selected ? "select" : "focus");
  }

  /** The current mailbox, and the mailboxes of these messages. */
  private mailboxesOf(items: readonly MessageItem[]): Box[] {
    const ids = new Set([this.query.value.filter.mailbox_id, ...items.map((item) => item.mailbox_id)]);
    return this.mailboxes.value.filter((mailbox) => ids.has(mailbox.id));
  }

  /** Whether the owners of the selection, or of `chosen`, permit an action. With a role, also whether messages may be put into
   * their mailbox of this role. */
  may(rights: string, role?: Role, chosen?: readonly MessageItem[]): boolean {
    return (chosen === undefined ? this.concerned.value : this.mailboxesOf(chosen)).every((mailbox) => {
      if (mailbox.owner === "") return true;
      const target = role && this.boxes.withRole(role, mailbox.home);
      return allows(mailbox, rights) && (role === undefined || (target !== undefined && allows(target, "i")));
    });
  }

  /** The homes of the selection, or of `chosen`; "" is the user's own account. */
  homes(chosen?: readonly MessageItem[]): Set<string> {
    return new Set((chosen === undefined ? this.concerned.value : this.mailboxesOf(chosen)).map(({ home }) => home));
  }

  inRole(role: Role): boolean {
    return this.current.value?.roles.includes(role) ?? false;
  }

  /** Whether the server puts what it takes for junk into a mailbox, the current one if no other is named. */
  hasJunk(box: Box | null | undefined = this.current.value): boolean {
    return box?.roles.includes("junk") || box?.name === this.facts.value.rejects_mailbox;
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
      // for the parts, which are not told of changes
      if (change.kind === "collection") dispatchEvent(new Event(`${change.holds}s`));
      if (change.kind === "mailbox_counts") dispatchEvent(new CustomEvent("counts", { detail: change.mailbox_id }));
      if (change.kind === "settings") this.settings.value = { ...defaults, ...change.settings };
      boxes = this.boxes.apply(change) || boxes;
      gone.push(...this.view.apply(change));
    }
    if (boxes) this.mailboxes.value = this.boxes.ordered();
    this.changed();
    this.choice.left(
      gone.filter((item) => !this.pending.leaving(item.id)),
      true,
    );
    if (removed) {
      // threads and searches are loaded again by themselves, without the message
      if (isListing(this.view.query)) this.choice.unselect();
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
    const shown = this.choice.shown.value?.id ?? 0;
    return (
      (isInboxes(this.view.query) || mailbox_id === this.view.query.filter.mailbox_id) &&
      message_ids.includes(shown) &&
      !this.pending.leaving(shown)
    );
  }

  /** Update the rows after the view or the pending actions have changed. */
  private changed(): void {
    if (this.outside.checking) this.view.checkConsistency();
    this.version.value++;
  }

  /** Rows have arrived: continue pending movements, and request rows that are still missing. */
  private arrived(): void {
    if (this.choice.select(this.wanted)) this.wanted = 0;
    this.choice.resume();
    if (!this.view.busy) this.fetch();
  }

  private count(): Counts {
    const { entries } = this.rows.value;
    const query = this.query.value;
    if (!isThreaded(query)) return { messages: entries, conversations: entries };
    const mailbox = this.current.value;
    // the mailbox may count messages whose rows are not yet, or no longer, here
    const listed = mailbox && (query.filter.unread === true ? mailbox.unseen : mailbox.total + mailbox.deleted);
    const messages = isSearch(query) ? this.searching.value?.messages : listed;
    return { messages: messages === undefined ? null : Math.max(messages, entries), conversations: entries };
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
}
