// The list of messages: rows, selection and focus.

import type { MessageItem } from "../../gen/webmail";
import { el, fill, icon } from "../../lib/dom";
import { addressList, age, fullTime, longAddress, shortAddress } from "./format";

const clip = "M12.5 7.2L7.8 12a2.9 2.9 0 01-4.2-4.1l5.2-5.2a2 2 0 012.8 2.8l-5 5a1 1 0 01-1.4-1.4l4.4-4.4";

export interface MessageListOwner {
  /** The selection is another: one message is to be shown, several or none are not. */
  selectionChanged(ids: number[]): void;
  /** The reader comes near the end of what is there. */
  wantMore(): void;
  /** The server's clock. */
  now(): number;
  /** Whether this mailbox shows whom messages went to, instead of whom they came from. */
  showsRecipients(): boolean;
}

export class MessageList {
  readonly root = el("div", { class: "messages", role: "listbox", "aria-label": "Messages", "aria-multiselectable": "true", tabindex: "0" });
  private readonly rows = new Map<number, HTMLElement>();
  private readonly note = el("div", { class: "messages-note" });
  private items: MessageItem[] = [];
  private selected = new Set<number>();
  private focused = 0;

  constructor(private readonly owner: MessageListOwner) {
    this.root.append(this.note);
    this.root.addEventListener("scroll", () => this.checkEnd());
    setInterval(() => this.refreshAges(), 30_000);
  }

  /** How many rows fit; pages are three times as long. */
  pageSize(): number {
    return Math.max(50, 3 * Math.ceil(this.root.clientHeight / 60));
  }

  selection(): number[] {
    return this.items.filter((item) => this.selected.has(item.id)).map((item) => item.id);
  }

  /** Begin with an empty list that is not known to be empty. */
  reset(items: MessageItem[]): void {
    this.items = items;
    this.rows.clear();
    this.selected.clear();
    this.focused = 0;
    fill(this.root, this.note);
    this.setNote("");
  }

  append(items: MessageItem[]): void {
    for (const item of items) this.note.before(this.makeRow(item));
  }

  insert(item: MessageItem, index: number): void {
    const next = this.items[index + 1];
    const before = (next && this.rows.get(next.id)) ?? this.note;
    const atTop = this.root.scrollTop < 8;
    const height = this.root.scrollHeight;
    const row = this.makeRow(item);
    before.before(row);
    row.classList.add("arrived");
    // what is read stays where it is, unless the reader looks at the top of the list
    if (!atTop && row.offsetTop < this.root.scrollTop) this.root.scrollTop += this.root.scrollHeight - height;
    this.setNote("");
  }

  /** A message left the list; the one behind it takes its place when it was selected. */
  remove(item: MessageItem, index: number): void {
    const wasSelected = this.selected.delete(item.id);
    this.rows.get(item.id)?.remove();
    this.rows.delete(item.id);
    if (this.focused === item.id) this.focused = 0;
    if (!wasSelected || this.selected.size > 0) {
      if (wasSelected) this.owner.selectionChanged(this.selection());
      return;
    }
    const next = this.items[index] ?? this.items[index - 1];
    if (next !== undefined) this.select(next.id);
    else this.owner.selectionChanged([]);
  }

  update(item: MessageItem): void {
    const old = this.rows.get(item.id);
    if (old === undefined) return;
    old.replaceWith(this.makeRow(item));
  }

  setNote(message: string): void {
    fill(this.note, message);
  }

  /** Ask for more when less than a screen is left. */
  checkEnd(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.root;
    if (scrollHeight - scrollTop - clientHeight < clientHeight) this.owner.wantMore();
  }

  /** Show and select one message only. */
  select(id: number): void {
    this.setSelection(new Set([id]), id);
  }

  /** Nothing is selected any more; the focus stays. */
  unselect(): void {
    this.setSelection(new Set(), this.focused);
  }

  selectAll(): void {
    this.setSelection(new Set(this.items.map((item) => item.id)), this.focused);
  }

  /** Select the focused message too, or no longer. */
  toggle(): void {
    if (this.focused === 0) return;
    const selected = new Set(this.selected);
    if (!selected.delete(this.focused)) selected.add(this.focused);
    this.setSelection(selected, this.focused);
  }

  /** Move by rows, or to the ends with infinities. */
  move(by: number, how: "select" | "extend" | "focus"): void {
    const extend = how === "extend";
    if (this.items.length === 0) return;
    const from = this.items.findIndex((item) => item.id === this.focused);
    const start = from >= 0 || !Number.isFinite(by) ? Math.max(from, 0) + by : by >= 0 ? 0 : Infinity;
    const to = Math.min(this.items.length - 1, Math.max(0, start));
    const id = this.items[to]!.id;
    const range = extend && from >= 0 ? this.items.slice(Math.min(from, to), Math.max(from, to) + 1).map((item) => item.id) : [];
    this.setSelection(how === "focus" ? this.selected : new Set([...(extend ? this.selected : []), ...range, id]), id);
  }

  /** The next unread message below the focus. */
  nextUnread(): void {
    const from = this.items.findIndex((item) => item.id === this.focused);
    const next = this.items.slice(from + 1).find((item) => !item.flags.includes("\\seen"));
    if (next !== undefined) this.select(next.id);
  }

  private setSelection(selected: Set<number>, focused: number): void {
    const changed = new Set([...this.selected, ...selected, this.focused, focused]);
    this.selected = selected;
    this.focused = focused;
    for (const id of changed) {
      const row = this.rows.get(id);
      if (row !== undefined) this.mark(row, id);
    }
    const row = this.rows.get(focused);
    if (row !== undefined) {
      row.scrollIntoView({ block: "nearest" });
      this.root.setAttribute("aria-activedescendant", row.id);
    }
    this.owner.selectionChanged(this.selection());
    this.checkEnd();
  }

  private mark(row: HTMLElement, id: number): void {
    row.classList.toggle("active", this.selected.has(id));
    row.classList.toggle("focused", this.focused === id);
    row.setAttribute("aria-selected", String(this.selected.has(id)));
  }

  private clicked(event: MouseEvent, id: number): void {
    if (event.ctrlKey || event.metaKey) {
      const selected = new Set(this.selected);
      if (!selected.delete(id)) selected.add(id);
      this.setSelection(selected, id);
    } else if (event.shiftKey) {
      const from = this.items.findIndex((item) => item.id === this.focused);
      const to = this.items.findIndex((item) => item.id === id);
      const range = this.items.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1);
      this.setSelection(new Set([...this.selected, ...range.map((item) => item.id)]), id);
    } else {
      this.select(id);
    }
  }

  private makeRow(item: MessageItem): HTMLElement {
    const unread = !item.flags.includes("\\seen");
    const people = this.owner.showsRecipients() ? [...item.to, ...item.cc, ...item.bcc] : item.from;
    const marks = [
      item.flags.includes("\\answered") && el("span", { class: "mark", title: "Answered" }, "↩"),
      item.flags.includes("$forwarded") && el("span", { class: "mark", title: "Forwarded" }, "↪"),
      item.attachments.length > 0 && el("span", { class: "mark", title: `Attachments: ${item.attachments.length}` }, icon(clip)),
      item.flags.includes("\\flagged") && el("span", { class: "mark flagged", title: "Flagged" }, "★"),
    ];
    const row = el(
      "div",
      { class: `message${unread ? " unread" : ""}${item.flags.includes("\\deleted") ? " deleted" : ""}`, role: "option", id: `message-${item.id}`, draggable: "true" },
      el(
        "div",
        { class: "message-top" },
        el(
          "span",
          { class: `message-people${this.owner.showsRecipients() ? " recipients" : ""}`, title: addressList(people, longAddress) },
          addressList(people, shortAddress) || "(nobody)",
        ),
        el("span", { class: "message-marks" }, marks),
        el("time", { class: "message-age", datetime: item.received, title: fullTime(item.received) }, age(item.received, this.owner.now())),
      ),
      el("div", { class: "message-subject" }, item.subject || "(no subject)"),
      el(
        "div",
        { class: "message-preview" },
        item.keywords.map((keyword) => el("span", { class: "keyword" }, keyword)),
        item.preview,
      ),
    );
    row.addEventListener("click", (event) => this.clicked(event, item.id));
    row.addEventListener("dragstart", (event) => {
      if (!this.selected.has(item.id)) this.select(item.id);
      event.dataTransfer?.setData("text/plain", item.subject);
    });
    this.rows.set(item.id, row);
    this.mark(row, item.id);
    return row;
  }

  private refreshAges(): void {
    for (const time of this.root.querySelectorAll("time")) {
      const value = age(time.dateTime, this.owner.now());
      if (time.textContent !== value) time.textContent = value;
    }
  }
}
