// The heads of groups in the list: Today, Yesterday, This week, months. Rows have one height; a head is between two of them. The
// head of the group on the screen stays at the top. Groups are known for loaded rows only.

import { el, fill } from "../../lib/dom";
import type { Rows } from "../data/rows";
import { groupOf } from "./format";

/** Height of a head in px, as in list.css. */
const headHeight = 28;

interface Head {
  /** The row below the head. */
  readonly position: number;
  readonly name: string;
}

export class Heads {
  /** The head that stays at the top of the list. */
  readonly top = el("div", { class: "messages-group top", "aria-hidden": "true", hidden: true });
  private readonly elements: HTMLElement[] = [];
  private heads: readonly Head[] = [];
  private of: Rows | null = null;
  private day = "";

  /** Height of the head above the rows that are on the screen; 0 without groups. */
  get height(): number {
    return this.heads.length > 0 ? headHeight : 0;
  }

  /** Find the groups of the loaded rows; `dated`: whether they are in the order of reception, which alone has groups. */
  divide(rows: Rows, now: number, dated: boolean): void {
    const day = new Date(now).toDateString();
    if (rows === this.of && day === this.day) return;
    this.of = rows;
    this.day = day;
    const found: Head[] = [];
    let [name, from, until] = ["", Infinity, -Infinity];
    for (const [index, item] of dated ? rows.items.entries() : []) {
      const { received } = rows.lines.get(item.id)?.top ?? item;
      const time = Date.parse(received);
      // a name holds for a whole day: the calendar is asked once a day
      if (time >= from && time < until) continue;
      from = new Date(received).setHours(0, 0, 0, 0);
      until = from + 24 * 60 * 60 * 1000;
      const next = groupOf(received, now);
      if (next === name) continue;
      name = next;
      found.push({ position: rows.start + index, name });
    }
    this.heads = found;
  }

  /** Sum of the heights of heads above a row, px. */
  above(position: number): number {
    let count = 0;
    while (count < this.heads.length && this.heads[count]!.position <= position) count++;
    return count * headHeight;
  }

  /** A place in the list, px, less the heads above it. */
  without(top: number, rowHeight: number): number {
    let heads = 0;
    for (const { position } of this.heads) {
      if (position * rowHeight + heads + headHeight > top) break;
      heads += headHeight;
    }
    return top - heads;
  }

  /** Draw the heads between two rows, and the head of the group of the row `at`, which is the first on the screen. */
  draw(space: HTMLElement, begin: number, end: number, topOf: (position: number) => number, at: number): void {
    const wanted = this.heads.filter(({ position }) => position >= begin && position < end);
    while (this.elements.length < wanted.length)
      this.elements.push(el("div", { class: "messages-group", "aria-hidden": "true" }));
    for (const [index, element] of this.elements.entries()) {
      const head = wanted[index];
      if (head === undefined) {
        element.remove();
        continue;
      }
      if (element.textContent !== head.name) fill(element, head.name);
      element.style.transform = `translateY(${topOf(head.position) - headHeight}px)`;
      if (element.parentElement !== space) space.append(element);
    }
    const group = this.heads.filter(({ position }) => position <= at).at(-1) ?? this.heads[0];
    this.top.hidden = group === undefined;
    if (group !== undefined && this.top.textContent !== group.name) fill(this.top, group.name);
  }
}
