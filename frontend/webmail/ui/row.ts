// One row of the list. Row elements are reused for other messages as the reader scrolls. In a list of threads a row may represent
// a whole thread.

import type { Address, Label, MessageItem } from "../../gen/webmail";
import { hue, initials } from "../../lib/disc";
import { type Child, el, fill, isolated, sign } from "../../lib/dom";
import { bellOff, circleHelp, copy, cornerDownRight, forward, paperclip, reply, star } from "../../lib/icons";
import { many, t } from "../../lib/words";
import { type Line, flagsOf, mostMembers, sameLine } from "../data/threads";
import { addressList, bareAddress, fullTime, longAddress, senders, shortAddress, shortTime } from "./format";
import { chip, shownLabels } from "../state/labels";
import { marked } from "./marks";
import { rowActions } from "./rowactions";

/** Values that a row needs besides its message. */
export interface Manner {
  /** The server's clock. */
  readonly now: number;
  /** Whether days have heads in the list. */
  readonly dated: boolean;
  /** Whether to show recipients instead of senders. */
  readonly recipients: boolean;
  /** The current mailbox; the names of other mailboxes are shown. */
  readonly here: number;
  /** Whether an address is the reader's own. */
  own(address: Address): boolean;
  /** The name of a mailbox, or in the list of all inboxes of its home, and the classes of its mark; null for an unknown mailbox. */
  place(id: number): { name: string; title: string; mark: string } | null;
  /** Texts to mark. */
  readonly needles: readonly string[];
  readonly labels: readonly Label[];
}

/** Icons and words for flags (WEBMAIL-65). An icon has its meaning as title. */
export const symbols: readonly (readonly [string, string, string])[] = [
  ["\\answered", reply, t("Replied")],
  ["$forwarded", forward, t("Forwarded")],
];
export const words: readonly (readonly [string, string])[] = [
  ["\\draft", t("Draft")],
  ["$junk", t("Junk")],
  ["$phishing", t("Phishing")],
  ["\\deleted", t("Deleted")],
];

/** Who answers a message from which several people write (WEBMAIL-90a). */
export function answering(keywords: readonly string[]): string[] {
  return keywords.flatMap((one) => {
    const [, kind, name = ""] = /^\$(by|writing)-(.+)/.exec(one) ?? [];
    return kind === "by" ? t("{name} replied", { name }) : kind ? t("{name} is replying…", { name }) : [];
  });
}

/** Labels in a row; the others are counted. */
const fewLabels = 2;

/** A symbol or number with its meaning, as a title and for screen readers. */
function named(kind: string, title: string, shown: Child): HTMLElement {
  return el("span", { class: kind, title, role: "img", "aria-label": title }, shown);
}

export class Row {
  readonly root = el("div", { class: "message", role: "option", draggable: "true" });
  /** The message; null if it is not loaded yet. */
  item: MessageItem | null = null;
  position = -1;
  /** For screen readers; others see it in bold. */
  private readonly state = el("span", { class: "message-state" });
  private readonly people = el("span", { class: "message-people", dir: "auto" });
  /** Numbers of messages, which are never cut. */
  private readonly numbers = el("span", { class: "message-numbers" });
  private readonly marks = el("span", { class: "message-marks" });
  private readonly time = el("time", { class: "message-age" });
  private readonly subject = el("span", { class: "message-subject" });
  private readonly preview = el("span", { class: "message-preview" });
  private readonly labels = el("span", { class: "message-labels" });
  private readonly disc = el("span", { class: "message-disc", "aria-hidden": "true" });
  private line: Line | undefined;
  private manner: Manner | null = null;

  constructor() {
    this.root.append(
      this.disc,
      el(
        "div",
        { class: "message-body" },
        this.state,
        el(
          "div",
          { class: "message-top" },
          this.people,
          this.numbers,
          this.marks,
          this.time,
          el(
            "span",
            { class: "message-actions", "aria-hidden": "true" },
            rowActions.map(([action, path, title]) =>
              el("span", { class: "message-action", title, data: { action } }, sign(path)),
            ),
          ),
        ),
        el(
          "div",
          { class: "message-line" },
          // in the direction of the subject, so that its end is cut, not its beginning
          el("span", { class: "message-words", dir: "auto" }, this.subject, this.preview),
          this.labels,
        ),
      ),
    );
  }

  /** Show a message, or the thread of `line`. Nothing is changed if it is already shown. */
  show(item: MessageItem | null, manner: Manner, line: Line | undefined): void {
    const before = this.manner;
    if (
      before !== null &&
      item === this.item &&
      sameLine(line, this.line) &&
      before.recipients === manner.recipients &&
      before.dated === manner.dated &&
      before.needles === manner.needles &&
      before.here === manner.here &&
      before.labels === manner.labels
    )
      return;
    this.manner = manner;
    this.item = item;
    this.line = line;
    this.root.classList.toggle("missing", item === null);
    if (item === null) {
      this.root.removeAttribute("id");
      this.root.classList.remove("unread", "deleted", "beside", "in-thread");
      const { state, people, numbers, marks, time, subject, preview, labels, disc } = this;
      for (const part of [state, people, numbers, marks, time, subject, preview, labels, disc]) fill(part);
      return;
    }
    // messages of a conversation that are elsewhere, such as archived ones, have left its row
    const matching = line?.collapsed === true ? line.members.filter((one) => one.match_query) : [];
    const thread = matching.length > 0 ? matching : [item];
    const { flags, keywords, unread } = flagsOf(thread);
    const depth = line?.collapsed === false ? line.depth : 0;
    this.root.id = `message-${item.id}`;
    this.root.style.setProperty("--depth", String(depth));
    this.root.classList.toggle("unread", unread);
    fill(this.state, unread && t("Unread"));
    this.root.classList.toggle("deleted", flags.includes("\\deleted"));
    this.root.classList.toggle("beside", !item.match_query || thread.every((one) => one.thread_muted));
    this.root.classList.toggle("in-thread", line?.collapsed === false && line.members.length > 1);
    this.showPeople(thread, manner, line?.hidden ?? 0);
    const subject = isolated(item.subject) || t("(no subject)");
    fill(this.subject, depth > 0 && this.branch(item), marked(subject, manner.needles));
    this.showDisc(item, manner);
    const stored = [...thread, ...(line?.copies ?? [])];
    const elsewhere = new Set(stored.map((one) => one.mailbox_id).filter((id) => id !== manner.here));
    fill(this.preview, item.preview !== "" && el("bdi", {}, marked(isolated(item.preview), manner.needles)));
    const others = [...elsewhere].map((id) => {
      const place = manner.place(id);
      if (place === null) return null;
      return el("span", { class: `keyword other-mailbox${place.mark}`, title: place.title }, place.name);
    });
    const labels = shownLabels(manner.labels, keywords);
    const more = labels.slice(fewLabels);
    fill(
      this.labels,
      others,
      labels.slice(0, fewLabels).map(chip),
      more.length > 0 &&
        el("span", { class: "keyword more", title: more.map(({ name }) => name).join(", ") }, `+${more.length}`),
    );
    this.time.dateTime = item.received;
    this.time.title = fullTime(item.received);
    this.refreshAge(manner.now);
    // the draft of an answer is in another mailbox
    if (line?.collapsed === true && flagsOf(line.members).flags.includes("\\draft")) flags.push("\\draft");
    this.showMarks(thread, flags, keywords);
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
    const value = shortTime(this.item.received, now, this.manner?.dated);
    if (this.time.textContent !== value) this.time.textContent = value;
  }

  private showPeople(thread: readonly MessageItem[], manner: Manner, hidden: number): void {
    const all: Address[] = thread.flatMap((item) =>
      manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from,
    );
    const people = [...new Map(all.map((one) => [`${one.user}@${one.host}`, one])).values()];
    this.people.classList.toggle("recipients", manner.recipients);
    this.people.title = addressList(people, longAddress);
    const count = `${thread.length}${thread.length === mostMembers ? "+" : ""}`;
    fill(this.people, marked(isolated(senders(people, manner.own)) || t("(no address)"), manner.needles));
    fill(
      this.numbers,
      thread.length > 1 && named("thread-count", t("{n} messages", { n: count }), count),
      hidden > 0 &&
        named(
          "thread-count",
          many(
            hidden,
            "{n} more message in another folder. Press → to show it",
            "{n} more messages in other folders. Press → to show them",
          ),
          `+${hidden}`,
        ),
    );
  }

  private showDisc(item: MessageItem, manner: Manner): void {
    const [person] = manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from;
    const name = person === undefined ? "?" : isolated(shortAddress(person));
    this.disc.className = `message-disc c${hue(person === undefined ? "" : bareAddress(person).toLowerCase())}`;
    fill(this.disc, initials(name));
  }

  /** The symbol for the relation to the message above. */
  private branch(item: MessageItem): Child {
    if (item.same_message_id)
      return named("branch", t("Copy of the message above (same Message-ID)"), sign(copy, "icon"));
    if (item.thread_missing_link) return named("branch", t("Original message not found"), sign(circleHelp, "icon"));
    return el("span", { class: "branch", "aria-hidden": "true" }, sign(cornerDownRight, "icon"));
  }

  private showMarks(thread: readonly MessageItem[], flags: readonly string[], keywords: readonly string[]): void {
    const word = (text: string) => el("span", { class: "mark word" }, text);
    const files = thread.reduce((sum, item) => sum + item.attachments.filter((one) => !one.inside).length, 0);
    fill(
      this.marks,
      words.filter(([flag]) => flags.includes(flag)).map(([, text]) => word(text)),
      answering(keywords).map(word),
      symbols
        .filter(([flag]) => flags.includes(flag))
        .map(([, path, title]) => named("mark", title, sign(path, "icon"))),
      thread.every((item) => item.thread_muted) &&
        named("mark", t("Muted. New messages in this conversation arrive as read"), sign(bellOff, "icon")),
      files > 0 && named("mark", t("Attachments: {n}", { n: files }), sign(paperclip, "icon")),
      flags.includes("\\flagged") && named("mark flagged", t("Flagged"), sign(star, "icon")),
    );
  }
}
