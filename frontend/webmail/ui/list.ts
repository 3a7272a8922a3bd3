// The list of messages. It is windowed: elements exist for the rows on the screen and one screen above and below, whatever the
// length of the list, and are filled again as the reader scrolls. It handles rows and positions; their meaning is in the state.

import type { Address, MessageItem } from "../../gen/webmail";
import { el, fill } from "../../lib/dom";
import { extra } from "../../lib/parts";
import { phone } from "../../lib/phone";
import { effect, untracked } from "../../lib/signal";
import { mailboxName, t } from "../../lib/words";
import type { RowAction } from "../commands/desk";
import { isInbox } from "../data/mailboxes";
import { isInboxes, isSorted } from "../data/queries";
import type * as EmptyPart from "../empty/part";
import type { Mail } from "../state/mail";
import type { Swipe } from "../state/settings";
import { labelPlace } from "../state/labels";
import type * as TouchPart from "../touch/part";
import { type EmptyPlace, drawEmpty } from "./empty";
import { isOwn } from "./format";
import { Heads } from "./heads";
import { Row } from "./row";

/** Height of a row in px by density, with a pointer and on a phone, as in row.css and narrow.css. */
const heights = { comfortable: { desk: 56, phone: 68 }, compact: { desk: 40, phone: 56 } };
let rowHeight = heights.comfortable.desk;
/** Browsers stop at some 16 to 33 million px; beyond this the scroll bar is mapped to the list in proportion. */
const maxHeight = 8_000_000;

export interface ListOwner extends EmptyPart.WaysOut {
  /** The action of a swipe in this direction. */
  swipe(direction: "left" | "right"): Swipe;
  /** An action of a row was clicked, or the row was swiped for it. `items` are its messages. */
  acted(items: readonly MessageItem[], action: RowAction): void;
  /** Open the menu of a row, at a point of the screen. */
  menu(items: readonly MessageItem[], at: { x: number; y: number }): void;
  /** Fold or unfold the thread of the focused row. */
  fold(): void;
  /** Show the view without threads. */
  unthread(): void;
}

export class MessageList {
  readonly root = el("div", { class: "messages", "aria-label": t("Messages"), tabindex: "0", data: { home: "" } });
  /** The row above the list, always there: a notice, or the filters. */
  readonly band = el("div", { class: "list-band" });
  private readonly space = el("div", { class: "messages-space" });
  private readonly note = el("div", { class: "messages-note" });
  private readonly heads = new Heads();
  /** The part for an empty list; null while it is fetched. */
  private empty: typeof EmptyPart | null | undefined;
  private readonly shown = new Map<string, Row>();
  private readonly pool: Row[] = [];
  /** The dragged messages; null: the selection. */
  dragged: readonly MessageItem[] | null = null;
  private frame = 0;
  private viewOf: unknown = null;
  private arrived = 0;
  private needles: readonly string[] = [];
  private first: { id: number; position: number; top: number } | null = null;

  constructor(
    private readonly mail: Mail,
    private readonly owner: ListOwner,
  ) {
    this.root.append(this.heads.top, this.space, this.note);
    this.root.addEventListener("scroll", () => this.later());
    this.root.addEventListener("click", (event) => this.clicked(event));
    this.root.addEventListener("dblclick", (event) => this.at(event)?.item != null && owner.fold());
    this.root.addEventListener("contextmenu", (event) => this.openMenu(event));
    this.root.addEventListener("dragstart", (event) => this.beginDrag(event));
    new ResizeObserver(() => this.later()).observe(this.root);
    setInterval(() => this.refreshAges(), 30_000);
    effect(() => {
      this.measure();
      this.draw();
    });
    phone.addEventListener("change", () => {
      this.measure();
      this.draw();
    });
    // new mail, flags and moves elsewhere leave the list where it is
    effect(() => {
      void this.mail.choice.moves.value;
      untracked(() => this.reveal());
    });
  }

  private measure(): void {
    const { density } = this.mail.settings.value;
    rowHeight = heights[density][phone.matches ? "phone" : "desk"];
    document.body.classList.toggle("compact", density === "compact");
  }

  /** Make rows swipeable by touch, and selectable by a long press. */
  pushable({ swipes }: typeof TouchPart): void {
    const swiped = (row: HTMLElement, action: RowAction) => {
      const item = this.rowOf(row)?.item;
      if (item != null) this.owner.acted(this.mail.choice.meant(item), action);
    };
    const held = (row: HTMLElement) => {
      const found = this.rowOf(row);
      if (found?.item != null) this.mail.choice.toggle(found.position);
    };
    swipes(this.root, (row) => this.rowOf(row)?.item != null, this.owner.swipe, swiped, held);
    this.root.dataset["pushable"] = "";
  }

  /** Mark these texts in rows. */
  mark(needles: readonly string[]): void {
    this.needles = needles;
    this.draw();
  }

  /** Scroll the focused row into view. */
  private reveal(): void {
    const position = this.mail.choice.heading();
    if (position === null || this.root.clientHeight === 0) return;
    const top = this.offset(position);
    const at = this.logical();
    // the head of the group stays above the row
    if (top - this.heads.height < at) this.scrollTo(top - this.heads.height);
    else if (top + rowHeight > at + this.root.clientHeight) this.scrollTo(top + rowHeight - this.root.clientHeight);
    this.draw();
  }

  private later(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private get height(): number {
    return this.offset(this.mail.rows.value.total);
  }

  /** Top of a row in the list, px. */
  private offset(position: number): number {
    return position * rowHeight + this.heads.above(position);
  }

  /** The row at a place of the list, px; with a fraction. */
  private positionAt(top: number): number {
    return Math.max(0, this.heads.without(top, rowHeight) / rowHeight);
  }

  /** Number of px of the list per px of the scroll bar. */
  private get scale(): number {
    const { clientHeight } = this.root;
    return this.height <= maxHeight ? 1 : (this.height - clientHeight) / (maxHeight - clientHeight);
  }

  /** Position of the screen's top in the list, px. */
  private logical(): number {
    return this.root.scrollTop * this.scale;
  }

  private scrollTo(top: number): void {
    this.root.scrollTop = top / this.scale;
  }

  private draw(): void {
    const { rows, query, current, problem } = this.mail;
    const { selection, focus } = this.mail.choice;
    const { start, items, total, known, lines } = rows.value;
    void selection.value;
    const focused = focus.value?.position ?? -1;
    const { root, space, note } = this;
    if (this.viewOf !== query.value) {
      this.viewOf = query.value;
      this.first = null;
      root.scrollTop = 0;
    }
    this.call(total);
    const now = Date.now() + this.mail.clockOffset;
    this.heads.divide(rows.value, now, !isSorted(query.value));
    space.style.height = `${Math.min(this.height, maxHeight)}px`;
    const refusal = problem.value;
    const step = refusal?.unthreaded === true && { title: t("Show single messages"), run: () => this.owner.unthread() };
    const place =
      refusal !== null
        ? { title: refusal.message, ...(step && { step }) }
        : known && total === 0
          ? this.emptyPlace()
          : null;
    const words = place === null ? "" : JSON.stringify([place, place.step?.title]);
    if (note.dataset["words"] !== words) {
      note.dataset["words"] = words;
      fill(note, place === null ? null : drawEmpty(place));
    }
    this.hold();
    const screen = root.clientHeight;
    const top = this.logical();
    const shift = root.scrollTop - top; // once rows are removed, it would cost a layout
    const visible = Math.ceil(screen / rowHeight) + 1;
    const begin = Math.max(0, Math.floor(this.positionAt(top)) - visible);
    const end = Math.min(total, Math.ceil(this.positionAt(top)) + 2 * visible);
    const roles = current.value?.roles ?? [];
    const manner = {
      now,
      dated: !isSorted(query.value),
      recipients: roles.includes("sent") || roles.includes("draft"),
      here: query.value.filter.mailbox_id ?? 0,
      own: (one: Address) => isOwn(one, this.mail.facts.value),
      place: (id: number) => {
        const { boxes, facts } = this.mail;
        const box = boxes.get(id);
        if (box === undefined) return null;
        const home = box.home.replace("/", "") || facts.value.login_address.split("@", 1)[0]!;
        const title = mailboxName(box.name);
        return {
          name: isInboxes(query.value) && isInbox(box) ? home : title,
          title,
          mark: boxes.mark(box.home),
        };
      },
      needles: this.needles,
      labels: this.mail.settings.value.labels,
    };
    const wanted = new Map<string, number>();
    for (let position = begin; position < end; position++) {
      const item = items[position - start];
      wanted.set(item === undefined ? `at ${position}` : `id ${item.id}`, position);
    }
    for (const [key, row] of this.shown) {
      if (wanted.has(key)) continue;
      this.shown.delete(key);
      // the message of this placeholder has arrived: keep the element, because a pointer may be down on it
      const came = `id ${items[row.position - start]?.id}`;
      if (row.item === null && wanted.has(came) && !this.shown.has(came)) {
        this.shown.set(came, row);
        continue;
      }
      this.pool.push(row);
      row.root.remove();
    }
    let active = "";
    // the order of elements is the order of rows, for screen readers
    let next = space.firstElementChild;
    for (const [key, position] of wanted) {
      const item = items[position - start] ?? null;
      let row = this.shown.get(key);
      if (row === undefined) {
        row = this.pool.pop() ?? new Row();
        this.shown.set(key, row);
      }
      if (row.root === next) next = next.nextElementSibling;
      else space.insertBefore(row.root, next);
      row.show(item, manner, item === null ? undefined : lines.get(item.id));
      row.place(
        position,
        total,
        this.offset(position) + shift,
        item !== null && this.mail.choice.selects(item),
        position === focused,
      );
      row.root.classList.toggle("arrived", item !== null && item.id === this.arrived);
      if (position === focused && item !== null) active = row.root.id;
    }
    this.heads.draw(space, begin, end, (position) => this.offset(position) + shift, this.positionAt(top));
    if (active === "") root.removeAttribute("aria-activedescendant");
    else root.setAttribute("aria-activedescendant", active);
    if (screen > 0) this.mail.look(begin, Math.max(end, begin + 1));
  }

  /** What the empty list says, once its part is there. */
  private emptyPlace(): EmptyPlace | null {
    if (this.empty !== undefined) return this.empty?.emptyList(this.mail, this.owner) ?? null;
    this.empty = null;
    void extra<typeof EmptyPart>("empty").then((found) => {
      this.empty = found;
      this.draw();
    });
    return null;
  }

  /** Set the role for screen readers: only a list box with rows is valid. */
  private call(total: number): void {
    const role = total > 0 ? "listbox" : "group";
    if (this.root.role === role) return;
    this.root.role = role;
    this.root.ariaMultiSelectable = total > 0 ? "true" : null;
  }

  /** Keep the visible rows in place when rows are added or removed above them, unless the list is scrolled to its top. */
  private hold(): void {
    const { start, items } = this.mail.rows.value;
    const before = this.first;
    if (before !== null && this.root.scrollTop >= 8) {
      const index = items.findIndex((item) => item.id === before.id);
      if (index >= 0 && this.offset(start + index) !== before.top)
        this.scrollTo(this.logical() + this.offset(start + index) - before.top);
    }
    const position = Math.ceil(this.positionAt(this.logical()));
    const item = items[position - start];
    const top = items[0];
    const newest = start === 0 && before !== null && before.position === 0 && top !== undefined && top.id > before.id;
    this.arrived = newest ? top.id : this.arrived;
    this.first = item === undefined ? null : { id: item.id, position, top: this.offset(position) };
  }

  private rowOf(element: HTMLElement): Row | undefined {
    return [...this.shown.values()].find((row) => row.root === element);
  }

  private at(event: Event): Row | undefined {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>(".message") : null;
    return element === null ? undefined : this.rowOf(element);
  }

  private clicked(event: MouseEvent): void {
    const row = this.at(event);
    if (row === undefined) return;
    const target = event.target instanceof Element ? event.target : null;
    const action = target?.closest<HTMLElement>(".message-action")?.dataset["action"];
    if (action !== undefined && row.item !== null) {
      this.owner.acted(this.mail.choice.meant(row.item), action as RowAction);
      return;
    }
    const label = target?.closest<HTMLElement>("[data-label]")?.dataset["label"];
    if (label !== undefined && !phone.matches) {
      location.hash = labelPlace(label);
      return;
    }
    // the disc is a check box; on a phone, so is the row while others are chosen
    const chooses =
      target?.closest(".message-disc") != null || (phone.matches && document.body.classList.contains("choosing"));
    if (chooses && !event.shiftKey) this.mail.choice.toggle(row.position);
    else if (event.ctrlKey || event.metaKey) this.mail.choice.toggle(row.position);
    else this.mail.choice.moveTo(row.position, event.shiftKey ? "extend" : "select");
  }

  private openMenu(event: MouseEvent): void {
    const row = this.at(event);
    if (row?.item == null || event.shiftKey) return;
    event.preventDefault();
    // a finger that is held selects instead
    if (event instanceof PointerEvent && event.pointerType === "touch") return;
    const items =
      this.mail.choice.selects(row.item) && this.mail.choice.selectedAreLoaded()
        ? this.mail.choice.selected()
        : this.mail.choice.meant(row.item);
    this.owner.menu(items, { x: event.clientX, y: event.clientY });
  }

  private beginDrag(event: DragEvent): void {
    const row = this.at(event);
    if (row?.item == null) return;
    this.dragged = this.mail.choice.selects(row.item) ? null : this.mail.choice.meant(row.item);
    event.dataTransfer?.setData("text/plain", row.item.subject);
  }

  private refreshAges(): void {
    const now = Date.now() + this.mail.clockOffset;
    for (const row of this.shown.values()) row.refreshAge(now);
  }
}
