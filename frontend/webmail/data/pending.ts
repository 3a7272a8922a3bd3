// Actions that are shown before the server has done them (WEBMAIL-124). The screen shows the server's state with the actions of
// this log applied in their order. If an action fails, it is removed from the log, and its effect disappears.

import type { MessageItem, QueryAction } from "../../gen/webmail";
import { search } from "./order";

/** Effects of an action on the list. */
export interface Shown {
  /** Messages that leave the list: deleted, or moved to the mailbox `to`. */
  readonly remove?: { readonly ids: ReadonlySet<number>; readonly to?: number };
  /** Messages that stay in the list although they move to another mailbox: in the list of a search. */
  readonly moved?: { readonly ids: ReadonlySet<number>; readonly mailboxId: number };
  /** Messages that are added to the list of this mailbox. */
  readonly add?: { readonly mailboxId: number; readonly items: readonly MessageItem[] };
  /** Messages whose flags and keywords change. */
  readonly flags?: {
    readonly ids: ReadonlySet<number>;
    readonly add: readonly string[];
    readonly clear: readonly string[];
  };
}

/** An action on all messages of a search, as the server is asked for it. */
export type QueryChange = Pick<QueryAction, "action" | "mailbox_id" | "mark_seen" | "flags">;

export interface Action {
  readonly shown: Shown;
  call(): Promise<unknown>;
}

interface Entry extends Action {
  /** The server has done the action; the stream's event about it may still be on its way. */
  done: boolean;
}

/** Milliseconds after the end of a call until its effects are dropped, if the stream has not confirmed them. */
const patience = 3000;

function isKeyword(flag: string): boolean {
  return !flag.startsWith("\\") && !flag.startsWith("$");
}

function changed(item: MessageItem, add: readonly string[], clear: readonly string[]): MessageItem {
  const after = (own: readonly string[], kind: boolean) => {
    const wanted = add.filter((flag) => isKeyword(flag) === kind);
    return [...new Set([...own.filter((flag) => !clear.includes(flag)), ...wanted])];
  };
  return { ...item, flags: after(item.flags, false), keywords: after(item.keywords, true) };
}

export class Pending {
  private entries: Entry[] = [];
  private last: Promise<unknown> = Promise.resolve();
  private readonly made = new WeakMap<MessageItem, { entries: string; item: MessageItem }>();

  /** `changed` is called whenever the shown messages may have changed. */
  constructor(private readonly changed: () => void) {}

  /** Whether the server has not yet done some action. */
  get busy(): boolean {
    return this.entries.some((entry) => !entry.done);
  }

  /** Wait until the server has done, or refused, the actions so far. */
  async end(): Promise<void> {
    await this.last;
  }

  /** Show an action at once, and have it done after the ones before it. Rejects if it failed and its effect was removed. */
  async do(action: Action): Promise<void> {
    const entry: Entry = { ...action, call: () => action.call(), done: false };
    this.entries = [...this.entries, entry];
    this.changed();
    const turn = this.last.then(() => entry.call());
    this.last = turn.catch(() => {});
    try {
      await turn;
      entry.done = true;
      setTimeout(() => this.drop(entry), patience);
    } catch (error) {
      this.drop(entry);
      throw error;
    }
  }

  /** Whether a message is about to leave the list: further actions skip it. */
  leaving(id: number): boolean {
    return this.entries.some((entry) => entry.shown.remove?.ids.has(id));
  }

  /** The messages of a mailbox with all pending effects, in the order of the view. Unchanged messages stay the same objects. */
  show(items: readonly MessageItem[], mailboxId: number, oldestFirst: boolean): readonly MessageItem[] {
    let shown = items;
    for (const entry of this.entries) {
      const one = entry.shown;
      const { remove, moved, add, flags } = one;
      if (remove !== undefined)
        shown = shown.filter(
          (item) => !remove.ids.has(item.id) || item.mailbox_id === remove.to || this.movedSince(entry, item.id),
        );
      if (moved !== undefined)
        shown = shown.map((item) => (moved.ids.has(item.id) ? this.placed(item, moved.mailboxId) : item));
      if (add !== undefined && add.mailboxId === mailboxId) {
        for (const item of add.items) {
          if (shown.some((other) => other.id === item.id)) continue;
          const index = search(shown, item, oldestFirst);
          shown = [...shown.slice(0, index), item, ...shown.slice(index)];
        }
      }
      if (flags !== undefined) shown = shown.map((item) => (flags.ids.has(item.id) ? this.flagged(item, one) : item));
    }
    return shown;
  }

  /** Forget actions whose effects are in the server's state: `items` is that state. */
  settle(items: readonly MessageItem[], mailboxId: number): void {
    const before = this.entries.length;
    const known = new Set(items.map(({ id }) => id));
    this.entries = this.entries.filter((entry) => {
      if (!entry.done) return true;
      const { remove, moved, add, flags } = entry.shown;
      if (add?.mailboxId === mailboxId && add.items.some(({ id }) => !known.has(id))) return true;
      return items.some((item) => {
        const { id, mailbox_id } = item;
        // a thread may keep a message that has left its mailbox
        const here = mailbox_id !== remove?.to && (mailboxId <= 0 || mailbox_id === mailboxId);
        if (remove?.ids.has(id) && here && !this.movedSince(entry, id)) return true;
        if (moved?.ids.has(id) && mailbox_id !== moved.mailboxId) return true;
        if (!flags?.ids.has(id)) return false;
        const own = [...item.flags, ...item.keywords];
        const open = (flag: string, set: boolean) =>
          own.includes(flag) !== set &&
          !this.since(entry, (later) => later.flags?.ids.has(id) && later.flags[set ? "clear" : "add"].includes(flag));
        return flags.add.some((flag) => open(flag, true)) || flags.clear.some((flag) => open(flag, false));
      });
    });
    if (this.entries.length < before) this.changed();
  }

  /** Whether a later action moves this message, or brings it back. */
  private movedSince(entry: Entry, id: number): boolean {
    return this.since(
      entry,
      ({ remove, moved, add }) =>
        remove?.ids.has(id) || moved?.ids.has(id) || add?.items.some((item) => item.id === id),
    );
  }

  /** Whether a later action has such effects. */
  private since(entry: Entry, such: (later: Shown) => boolean | undefined): boolean {
    return this.entries.slice(this.entries.indexOf(entry) + 1).some(({ shown }) => such(shown));
  }

  private flagged(item: MessageItem, shown: Shown): MessageItem {
    const flags = shown.flags!;
    const key = [...flags.add, "", ...flags.clear].join(" ");
    const known = this.made.get(item);
    if (known?.entries === key) return known.item;
    const made = changed(item, flags.add, flags.clear);
    this.made.set(item, { entries: key, item: made });
    return made;
  }

  private placed(item: MessageItem, mailboxId: number): MessageItem {
    if (item.mailbox_id === mailboxId) return item;
    const key = `in ${mailboxId}`;
    const known = this.made.get(item);
    if (known?.entries === key) return known.item;
    const made = { ...item, mailbox_id: mailboxId };
    this.made.set(item, { entries: key, item: made });
    return made;
  }

  private drop(entry: Entry): void {
    if (!this.entries.includes(entry)) return;
    this.entries = this.entries.filter((other) => other !== entry);
    this.changed();
  }
}
