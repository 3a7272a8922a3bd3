// One row of the list. Row elements are reused for other messages as the reader scrolls. In a list of threads a row may represent
// a whole thread.

import type { Address, MessageItem } from "../../gen/webmail";
import { type Child, el, fill, icon, isolated } from "../../lib/dom";
import { many, t } from "../../lib/words";
import { type Line, flagsOf, sameLine } from "../data/threads";
import { addressList, age, fullTime, longAddress, shortAddress } from "./format";
import { marked } from "./marks";

const clip = "M12.5 7.2L7.8 12a2.9 2.9 0 01-4.2-4.1l5.2-5.2a2 2 0 012.8 2.8l-5 5a1 1 0 01-1.4-1.4l4.4-4.4";

/** Values that a row needs besides its message. */
export interface Manner {
  /** The server's clock. */
  readonly now: number;
  /** Whether to show recipients instead of senders. */
  readonly recipients: boolean;
  /** The current mailbox; the names of other mailboxes are shown. */
  readonly here: number;
  /** The name of a mailbox. */
  mailbox(id: number): string;
  /** Texts to mark. */
  readonly needles: readonly string[];
}

/** Symbols for flags (WEBMAIL-65), with their meaning. */
const letters: readonly (readonly [string, string, string])[] = [
  ["\\answered", "↩", t("Answered")],
  ["$forwarded", "↪", t("Forwarded")],
  ["$junk", "j", t("Junk")],
  ["\\deleted", "D", t("Marked as deleted")],
  ["\\draft", "d", t("Draft")],
  ["$phishing", "p", t("Phishing")],
];

export class Row {
  readonly root = el("div", { class: "message", role: "option", draggable: "true" });
  /** The message; null if it is not loaded yet. */
  item: MessageItem | null = null;
  position = -1;
  private readonly people = el("span", { class: "message-people", dir: "auto" });
  private readonly marks = el("span", { class: "message-marks" });
  private readonly time = el("time", { class: "message-age" });
  private readonly subject = el("div", { class: "message-subject", dir: "auto" });
  private readonly preview = el("div", { class: "message-preview", dir: "auto" });
  private line: Line | undefined;
  private manner: Manner | null = null;

  constructor() {
    this.root.append(el("div", { class: "message-top" }, this.people, this.marks, this.time), this.subject, this.preview);
  }

  /** Show a message, or the thread of `line`. Nothing is changed if it is already shown. */
  show(item: MessageItem | null, manner: Manner, line: Line | undefined): void {
    const before = this.manner;
    if (before !== null && item === this.item && sameLine(line, this.line) && before.recipients === manner.recipients && before.needles === manner.needles && before.here === manner.here) return;
    this.manner = manner;
    this.item = item;
    this.line = line;
    this.root.classList.toggle("missing", item === null);
    if (item === null) {
      this.root.removeAttribute("id");
      this.root.classList.remove("unread", "deleted", "beside", "in-thread");
      for (const part of [this.people, this.marks, this.time, this.subject, this.preview]) fill(part);
      return;
    }
    const thread = line?.collapsed === true ? line.members : [item];
    const { flags, keywords, unread } = flagsOf(thread);
    const depth = line?.collapsed === false ? line.depth : 0;
    this.root.id = `message-${item.id}`;
    this.root.style.setProperty("--depth", String(depth));
    this.root.classList.toggle("unread", unread);
    this.root.classList.toggle("deleted", flags.includes("\\deleted"));
    this.root.classList.toggle("beside", !item.match_query || thread.every((one) => one.thread_muted));
    this.root.classList.toggle("in-thread", line?.collapsed === false && line.members.length > 1);
    this.showPeople(thread, manner, line?.hidden ?? 0);
    const subject = isolated(item.subject) || t("(no subject)");
    fill(this.subject, depth > 0 && this.branch(item), marked(subject, manner.needles));
    const elsewhere = [...new Set(thread.filter((one) => one.mailbox_id !== manner.here).map((one) => manner.mailbox(one.mailbox_id)))];
    fill(
      this.preview,
      elsewhere.length > 0 && elsewhere[0] !== "" && el("span", { class: "keyword other-mailbox" }, elsewhere.join(", ")),
      keywords.map((keyword) => el("span", { class: "keyword" }, keyword)),
      marked(isolated(item.preview), manner.needles),
    );
    this.time.dateTime = item.received;
    this.time.title = fullTime(item.received);
    this.refreshAge(manner.now);
    this.showMarks(thread, flags);
  }

  /** Set the position in the list, in px from the top, and whether the row is selected and focused. */
  place(position: number, total: number, top: number, selected: boolean, focused: boolean): void {
    const { root } = this;
    if (position !== this.position) {
      this.position = position;
      root.setAttribute("aria-posinset", String(position + 1));
    }
    root.setAttribute("aria-setsize", String(total));
    root.style.transform = `translateY(${top}px)`;
    root.classList.toggle("active", selected);
    root.classList.toggle("focused", focused);
    root.setAttribute("aria-selected", String(selected));
  }

  refreshAge(now: number): void {
    if (this.item === null) return;
    const value = age(this.item.received, now);
    if (this.time.textContent !== value) this.time.textContent = value;
  }

  private showPeople(thread: readonly MessageItem[], manner: Manner, hidden: number): void {
    const all: Address[] = thread.flatMap((item) => (manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from));
    const people = [...new Map(all.map((one) => [`${one.user}@${one.host}`, one])).values()];
    this.people.classList.toggle("recipients", manner.recipients);
    this.people.title = addressList(people, longAddress);
    fill(
      this.people,
      marked(isolated(addressList(people, shortAddress)) || t("(no address)"), manner.needles),
      thread.length > 1 && el("span", { class: "thread-count", title: t("{n} messages", { n: thread.length }) }, String(thread.length)),
      hidden > 0 && el("span", { class: "thread-count", title: many(hidden, "One more message of this conversation is elsewhere: → shows it", "{n} more messages of this conversation are elsewhere: → shows them") }, `+${hidden}`),
    );
  }

  /** The symbol for the relation to the message above. */
  private branch(item: MessageItem): Child {
    if (item.same_message_id) return el("span", { class: "branch", title: t("Has the same Message-ID as the message above") }, "≈ ");
    if (item.thread_missing_link) return el("span", { class: "branch", title: t("The message that it answers is not here") }, "↯ ");
    return el("span", { class: "branch", "aria-hidden": "true" }, "↳ ");
  }

  private showMarks(thread: readonly MessageItem[], flags: readonly string[]): void {
    const files = thread.reduce((sum, item) => sum + item.attachments.length, 0);
    const known = flags.includes("$junk") || flags.includes("$notjunk");
    const letter = (sign: string, title: string) => el("span", { class: "mark", title }, sign);
    fill(
      this.marks,
      letters.filter(([flag]) => flags.includes(flag)).map(([, sign, title]) => letter(sign, title)),
      !known && flags.includes("\\seen") && el("span", { class: "mark unknown", title: t("The junk filter has learnt nothing from it") }, "?"),
      thread.every((item) => item.thread_muted) && letter("m", t("Muted: new messages of the thread arrive read")),
      files > 0 && el("span", { class: "mark", title: t("Attachments: {n}", { n: files }) }, icon(clip)),
      flags.includes("\\flagged") && el("span", { class: "mark flagged", title: t("Flagged") }, "★"),
    );
  }
}
