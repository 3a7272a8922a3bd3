// The user's choice in the list: the focused row, from which keys start, and the selected rows.

import type { MessageItem, Query } from "../../gen/webmail";
import { type Readable, type Signal, computed, signal } from "../../lib/signal";
import { markOf, search } from "../data/order";
import { isSorted, isThreaded } from "../data/queries";
import type { Rows } from "../data/rows";
import { Selection } from "../data/selection";
import { type Line, isUnread } from "../data/threads";
import { type Counts, kept } from "./counts";
import type { AllSettings } from "./settings";

/** The focused row, from which keys start. */
export interface Focus {
  readonly item: MessageItem;
  readonly position: number;
}

export type How = "select" | "extend" | "focus";

/** The list of which rows are chosen. */
export interface List {
  readonly rows: Readable<Rows>;
  readonly query: Readable<Query>;
  readonly settings: Readable<AllSettings>;
  /** Counts of the whole list. */
  readonly counts: Readable<Counts>;
  readonly oldestFirst: boolean;
  /** Set the rows on the screen, and request the missing ones. */
  look(first: number, last: number): void;
}

export class Choice {
  readonly selection: Signal<Selection> = signal(Selection.none);
  readonly focus: Signal<Focus | null> = signal(null);
  /** Number of movements to a row by a key, a click or a command: the list scrolls for these alone. */
  readonly moves: Signal<number> = signal(0);
  /** Whether a key has moved the cursor alone: then actions are about its row, while nothing is selected. */
  private readonly pointed = signal(false);
  /** What actions are about: the selection, or the row of the cursor. */
  private readonly acted: Readable<Selection>;
  /** Number of rows that actions are about, loaded or not. */
  readonly aimed: Readable<number>;
  /** Whether rows are being chosen one by one: then a single chosen one is not shown. */
  private readonly choosing = signal(false);
  /** The shown message: the selected one, if exactly one is selected. */
  readonly shown: Readable<MessageItem | null>;
  /** The thread whose collapsed row is selected; null if a message or several rows are selected. */
  readonly conversation: Readable<readonly MessageItem[] | null>;
  /** Number of selected rows, loaded or not. */
  readonly selectedCount: Readable<number>;
  /** Counts of the selection. */
  readonly selectedCounts: Readable<Counts>;
  /** Focus movements that wait for rows that are not loaded: one that selects, then the ones that extend the selection. The last
   * row has the position infinity, because the number of rows of expanded threads is known only when they are loaded. */
  private awaited: { position: number; how: How }[] = [];

  constructor(private readonly list: List) {
    this.shown = computed(() => {
      const selection = this.selection.value;
      if (this.choosing.value || selection.open || selection.ids.size !== 1) return null;
      const [id] = selection.ids.keys();
      return list.rows.value.items.find((item) => item.id === id) ?? null;
    });
    this.conversation = computed(() => {
      const shown = this.shown.value;
      const line = shown === null ? undefined : list.rows.value.lines.get(shown.id);
      return line?.collapsed === true && line.members.length > 1 ? line.members : null;
    });
    this.selectedCount = computed(() => this.selection.value.count(list.rows.value.total));
    this.acted = computed(() => {
      const [selection, focus] = [this.selection.value, this.focus.value];
      return this.pointed.value && focus !== null && this.selectedCount.value === 0
        ? Selection.of([focus.item])
        : selection;
    });
    this.aimed = computed(() => this.acted.value.count(list.rows.value.total));
    this.selectedCounts = kept(() => this.count());
  }

  /** Forget the choice, for another list. */
  reset(): void {
    this.awaited = [];
    this.pointed.value = false;
    this.selection.value = Selection.none;
    this.focus.value = null;
  }

  /** Continue movements that waited for rows, after rows have arrived. */
  resume(): void {
    const [next, ...others] = this.awaited;
    if (next !== undefined && this.at(this.row(next.position)) !== undefined) {
      this.awaited = [];
      this.moveTo(next.position, next.how);
      for (const one of others) this.moveTo(one.position, one.how);
    }
    this.refocus();
  }

  /** The messages that actions are about and that are loaded, in the order of the list. */
  selected(): MessageItem[] {
    return this.selectedRows().flatMap((row) => this.meant(row));
  }

  /** Whether a row is selected. */
  selects(row: MessageItem): boolean {
    return this.selection.value.has(row, this.list.oldestFirst, this.list.rows.value.lines.get(row.id)?.top);
  }

  /** Whether all that actions are about is loaded. */
  selectedAreLoaded(): boolean {
    return this.selectedRows().length === this.aimed.value;
  }

  /** The messages that an action on a row applies to: of a collapsed thread, its matching messages; with their copies. */
  meant(row: MessageItem): readonly MessageItem[] {
    const line = this.list.rows.value.lines.get(row.id);
    const copies = line?.copies.filter((item) => item.match_query) ?? [];
    if (line?.collapsed !== true) return [row, ...copies.filter((item) => item.copy_of === row.id)];
    const matching = line.members.filter((item) => item.match_query);
    return [...(matching.length > 0 ? matching : [row]), ...copies];
  }

  /** Convert ids of rows to ids of the messages that an action applies to, as far as they are loaded. */
  meantIds(ids: Iterable<number>): number[] {
    const rows = new Map(this.list.rows.value.items.map((item) => [item.id, item]));
    return [...ids].flatMap((id) => (rows.has(id) ? this.meant(rows.get(id)!).map((item) => item.id) : [id]));
  }

  /** Move to the first row of a thread: of the next thread, or of this one, then of the previous one. */
  moveThread(by: 1 | -1): void {
    const { items, start, lines } = this.list.rows.value;
    const from = this.focus.value === null ? -1 : this.focus.value.position - start;
    const top = (item?: MessageItem) => lines.get(item?.id ?? 0)?.top ?? item;
    const begins = (index: number) => index >= 0 && index < items.length && top(items[index - 1]) !== top(items[index]);
    let index = from + by;
    while (index > 0 && index < items.length && !begins(index)) index += by;
    if (index >= 0 && index < items.length) this.moveTo(start + index, this.manner("select"));
  }

  /** Select all rows of the focused thread. */
  selectThread(): void {
    const focus = this.focus.value;
    const line = focus === null ? undefined : this.list.rows.value.lines.get(focus.item.id);
    if (focus === null) return;
    this.selection.value = Selection.of(line === undefined || line.collapsed ? [focus.item] : this.rowsOf(line));
  }

  /** The messages of a thread that have rows. */
  rowsOf(line: Line): MessageItem[] {
    const { lines } = this.list.rows.value;
    return line.members.filter((item) => lines.has(item.id));
  }

  /** The messages of the thread that is read; without threads only the message. */
  readThread(): readonly MessageItem[] {
    const shown = this.shown.value;
    if (shown === null) return [];
    const line = this.list.rows.value.lines.get(shown.id);
    return line === undefined || line.collapsed ? this.meant(shown) : [...line.members, ...line.copies];
  }

  /** The row of the open message, counted from 1, and the number of rows; null if none is open. */
  place(): { at: number; of: number } | null {
    const focus = this.focus.value;
    const { total } = this.list.rows.value;
    return this.shown.value === null || focus === null ? null : { at: focus.position + 1, of: total };
  }

  /** Select a message alone; returns whether it is loaded. */
  select(id: number): boolean {
    const { items, start } = this.list.rows.value;
    const index = items.findIndex((item) => item.id === id);
    if (index >= 0) this.moveTo(start + index, "select");
    return index >= 0;
  }

  selectAll(): void {
    if (this.list.rows.value.total > 0) this.selection.value = Selection.all;
  }

  /** Clear the selection; the focus stays. */
  unselect(): void {
    this.pointed.value = false;
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
    this.moves.value++;
    this.focus.value = { item, position };
    const opened = this.shown.value?.id === item.id;
    this.choosing.value = true;
    // the message that is open is chosen with the first press
    if (opened) return;
    this.selection.value = this.selection.value.toggled(
      item,
      this.list.oldestFirst,
      this.list.rows.value.lines.get(item.id)?.top,
    );
  }

  /** Move the focus by rows, or to an end of the list with an infinity. */
  moveFocus(by: number, how: How): void {
    const total = this.list.rows.value.total;
    if (total === 0) return;
    const last = this.awaited.at(-1);
    const from =
      (last === undefined ? this.focus.value?.position : this.row(last.position)) ??
      (by > 0 && Number.isFinite(by) ? -1 : 0);
    this.moveTo(by === Infinity ? by : Math.min(total - 1, Math.max(0, from + by)), by === 0 ? how : this.manner(how));
  }

  /** How a key that moves does it: the cursor alone while rows are chosen, and while no message is open, but as the settings say; a
   * message that is open gives way to the next. */
  private manner(how: How): How {
    const choosing = this.choosing.value && this.selectedCount.value > 0;
    const closed = this.shown.value === null && !this.list.settings.value.open_on_move;
    return how === "select" && (choosing || closed) ? "focus" : how;
  }

  /** Move the focus to a row; if it is not loaded, as soon as it is. */
  moveTo(wanted: number, how: How): void {
    this.moves.value++;
    this.go(wanted, how);
  }

  private go(wanted: number, how: How): void {
    const position = this.row(wanted);
    const item = this.at(position);
    if (how !== "extend") this.awaited = [];
    if (item === undefined || this.awaited.length > 0) {
      this.awaited.push({ position: wanted, how });
      if (this.awaited.length === 1) this.list.look(position, position + 1);
      return;
    }
    const from = this.focus.value;
    this.focus.value = { item, position };
    this.pointed.value = how === "focus";
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
    return Math.min(position, Math.max(0, this.list.rows.value.total - 1));
  }

  nextUnread(): void {
    const rows = this.list.rows.value;
    const from = this.focus.value === null ? 0 : this.focus.value.position + 1 - rows.start;
    const unread = (item: MessageItem) => this.meant(item).some(isUnread);
    const next = rows.items.findIndex((item, i) => i >= from && unread(item));
    if (next >= 0) this.moveTo(rows.start + next, "select");
  }

  /** Handle messages that have left the list. If the one that was read is among them, the next row is opened, if the user wants
   * that. If no message was read, because none or several were selected, nothing is opened (WEBMAIL-83). The list scrolls to
   * the next row only if they left by an action on this page. */
  left(gone: readonly MessageItem[], elsewhere = false): void {
    if (gone.length === 0) return;
    const before = this.selection.value;
    const after = before.without(gone, this.list.oldestFirst);
    const first = gone.find((item) => before.has(item, this.list.oldestFirst));
    if (first === undefined) {
      this.refocus();
      return;
    }
    this.selection.value = after;
    const rows = this.list.rows.value;
    if (before.whole || after.count(rows.total) > 0 || rows.items.length === 0) {
      this.refocus();
      return;
    }
    // a row that was chosen without being opened opens no other
    const opened = !this.choosing.value && before.ids.size === 1 && !before.open;
    const wish = opened ? this.list.settings.value.after_action : "list";
    // threads have an order of their own: the row that moves up is at the position of the focus
    const found =
      isThreaded(this.list.query.value) || isSorted(this.list.query.value)
        ? (this.focus.value?.position ?? 0) - rows.start
        : search(rows.items, markOf(first), this.list.oldestFirst);
    const index = Math.max(0, Math.min(wish === "previous" ? found - 1 : found, rows.items.length - 1));
    if (!elsewhere) this.moves.value++;
    this.go(rows.start + index, wish === "list" ? "focus" : "select");
  }

  private count(): Counts {
    const { selectedCount } = this;
    const { whole, except } = this.selection.value;
    if (this.selectedAreLoaded()) {
      const items = this.selected();
      const threads = isThreaded(this.list.query.value)
        ? new Set(items.map((item) => item.thread_id)).size
        : items.length;
      return { messages: items.length, conversations: threads };
    }
    const { messages, conversations } = this.list.counts.value;
    if (!isThreaded(this.list.query.value))
      return { messages: selectedCount.value, conversations: selectedCount.value };
    if (!whole || messages === null)
      return { messages: null, conversations: whole ? conversations : selectedCount.value };
    if (except.size === 0) return { messages, conversations };
    const left = Math.max(0, messages - this.meantIds(except).length);
    return { messages: left, conversations: left };
  }

  private selectedRows(): MessageItem[] {
    const { items, lines } = this.list.rows.value;
    return items.filter((item) => this.acted.value.has(item, this.list.oldestFirst, lines.get(item.id)?.top));
  }

  private at(position: number): MessageItem | undefined {
    const rows = this.list.rows.value;
    return rows.items[position - rows.start];
  }

  /** Update the focus after rows have moved. If the focused message is gone, its place has the focus. */
  private refocus(): void {
    const focus = this.focus.value;
    if (focus === null) return;
    const rows = this.list.rows.value;
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
    const rows = this.list.rows.value;
    const items = rows.items.slice(Math.max(0, first.position - rows.start), last.position + 1 - rows.start);
    const count = last.position + 1 - first.position;
    // a range is one of times of reception: in another order, the rows that are loaded are added
    const whole = items.length === count || isSorted(this.list.query.value);
    const place = (item: MessageItem) => markOf(rows.lines.get(item.id)?.top ?? item);
    this.selection.value = whole
      ? this.selection.value.plus(items, this.list.oldestFirst)
      : this.selection.value.plusStretch(
          { first: place(first.item), last: place(last.item), count },
          this.list.oldestFirst,
        );
  }
}
