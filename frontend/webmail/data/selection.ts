// The selection in a view: single messages, ranges of the query (loaded or not), or the whole query, each with exceptions
// (WEBMAIL-69).

import type { Mark, MessageItem, Range } from "../../gen/webmail";
import { compare } from "./order";

/** A range of consecutive messages, `count` of them, both ends included. */
export interface Stretch extends Range {
  readonly count: number;
}

export class Selection {
  private constructor(
    /** Messages that were selected one by one, with their places: they need not stay loaded. */
    readonly ids: ReadonlyMap<number, Mark>,
    readonly stretches: readonly Stretch[],
    /** The whole query. */
    readonly whole: boolean,
    /** Exceptions: not selected, although a range or the whole query includes them. */
    readonly except: ReadonlySet<number>,
  ) {}

  static readonly none = new Selection(new Map(), [], false, new Set());
  static readonly all = new Selection(new Map(), [], true, new Set());

  static of(items: readonly Mark[]): Selection {
    return new Selection(new Map(items.map((item) => [item.id, item])), [], false, new Set());
  }

  /** Whether the selection may include messages that are not loaded. */
  get open(): boolean {
    return this.whole || this.stretches.length > 0;
  }

  /** Number of selected messages in a view of `total`. */
  count(total: number): number {
    if (this.whole) return Math.max(0, total - this.except.size);
    return Math.max(0, this.ids.size + this.stretches.reduce((sum, one) => sum + one.count, 0) - this.except.size);
  }

  /** Whether a message is selected. `at` is its place if that differs from its own: in a thread. */
  has(item: Mark, oldestFirst: boolean, at = item): boolean {
    return !this.except.has(item.id) && (this.ids.has(item.id) || this.covers(at, oldestFirst));
  }

  /** The selection with this message added, or removed if it is selected; `at` as for `has`. */
  toggled(item: Mark, oldestFirst: boolean, at = item): Selection {
    if (this.covers(at, oldestFirst)) return this.with({ except: flipped(this.except, item.id) });
    const ids = new Map(this.ids);
    if (!ids.delete(item.id)) ids.set(item.id, item);
    return this.with({ ids });
  }

  /** The selection with these messages, all of which are loaded. */
  plus(items: readonly Pick<MessageItem, "id" | "received">[], oldestFirst: boolean): Selection {
    const except = new Set(this.except);
    const ids = new Map(this.ids);
    for (const item of items) {
      except.delete(item.id);
      if (!this.covers(item, oldestFirst)) ids.set(item.id, item);
    }
    return this.with({ ids, except });
  }

  /** The selection with a range of the query, which need not be loaded. It replaces the ranges that it touches. */
  plusStretch(stretch: Stretch, oldestFirst: boolean): Selection {
    if (this.whole) return this;
    const inside = (mark: Mark) =>
      compare(stretch.first, mark, oldestFirst) <= 0 && compare(mark, stretch.last, oldestFirst) <= 0;
    const apart = this.stretches.filter(
      (other) => !inside(other.first) && !inside(other.last) && !contains(other, stretch.first, oldestFirst),
    );
    const ids = new Map([...this.ids].filter(([, mark]) => !inside(mark)));
    return this.with({ ids, stretches: [...apart, stretch].sort((a, b) => compare(a.first, b.first, oldestFirst)) });
  }

  /** The selection without messages that have left the view. */
  without(items: readonly Pick<MessageItem, "id" | "received">[], oldestFirst: boolean): Selection {
    if (items.length === 0) return this;
    const gone = new Set(items.map((item) => item.id));
    const ids = new Map([...this.ids].filter(([id]) => !gone.has(id)));
    const except = new Set([...this.except].filter((id) => !gone.has(id)));
    const stretches = this.stretches.map((one) => ({
      ...one,
      count: one.count - items.filter((item) => contains(one, item, oldestFirst)).length,
    }));
    return this.with({ ids, except, stretches: stretches.filter((one) => one.count > 0) });
  }

  private covers(item: Mark, oldestFirst: boolean): boolean {
    return this.whole || this.stretches.some((one) => contains(one, item, oldestFirst));
  }

  private with(values: Partial<Pick<Selection, "ids" | "stretches" | "except">>): Selection {
    const next = { ids: this.ids, stretches: this.stretches, except: this.except, ...values };
    return new Selection(next.ids, next.stretches, this.whole, next.except);
  }
}

function contains(range: Range, mark: Mark, oldestFirst: boolean): boolean {
  return compare(range.first, mark, oldestFirst) <= 0 && compare(mark, range.last, oldestFirst) <= 0;
}

function flipped(ids: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}
