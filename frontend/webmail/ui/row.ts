// One row of the list. Rows are made once and filled with one message after the other as the reader scrolls.

import type { Address, MessageItem } from "../../gen/webmail";
import { el, fill, icon, isolated } from "../../lib/dom";
import { t } from "../../lib/words";
import { addressList, age, fullTime, longAddress, shortAddress } from "./format";

const clip = "M12.5 7.2L7.8 12a2.9 2.9 0 01-4.2-4.1l5.2-5.2a2 2 0 012.8 2.8l-5 5a1 1 0 01-1.4-1.4l4.4-4.4";

/** What a row shows beside its message. */
export interface Manner {
  /** The server's clock. */
  readonly now: number;
  /** Whom messages went to, instead of whom they came from. */
  readonly recipients: boolean;
}

export class Row {
  readonly root = el("div", { class: "message", role: "option", draggable: "true" });
  /** The message; null for one that is not loaded yet. */
  item: MessageItem | null = null;
  position = -1;
  private readonly people = el("span", { class: "message-people", dir: "auto" });
  private readonly marks = el("span", { class: "message-marks" });
  private readonly time = el("time", { class: "message-age" });
  private readonly subject = el("div", { class: "message-subject", dir: "auto" });
  private readonly preview = el("div", { class: "message-preview", dir: "auto" });
  private recipients = false;
  private drawn = false;

  constructor() {
    this.root.append(el("div", { class: "message-top" }, this.people, this.marks, this.time), this.subject, this.preview);
  }

  /** Show this message; nothing is touched when it is the one that is shown. */
  show(item: MessageItem | null, manner: Manner): void {
    if (this.drawn && item === this.item && manner.recipients === this.recipients) return;
    this.drawn = true;
    this.item = item;
    this.recipients = manner.recipients;
    this.root.classList.toggle("missing", item === null);
    if (item === null) {
      this.root.removeAttribute("id");
      this.root.classList.remove("unread", "deleted");
      for (const part of [this.people, this.marks, this.time, this.subject, this.preview]) fill(part);
      return;
    }
    const people: Address[] = manner.recipients ? [...item.to, ...item.cc, ...item.bcc] : item.from;
    this.root.id = `message-${item.id}`;
    this.root.classList.toggle("unread", !item.flags.includes("\\seen"));
    this.root.classList.toggle("deleted", item.flags.includes("\\deleted"));
    this.people.classList.toggle("recipients", manner.recipients);
    this.people.title = addressList(people, longAddress);
    fill(this.people, isolated(addressList(people, shortAddress)) || t("(no address)"));
    fill(this.subject, isolated(item.subject) || t("(no subject)"));
    fill(this.preview, item.keywords.map((keyword) => el("span", { class: "keyword" }, keyword)), isolated(item.preview));
    this.time.dateTime = item.received;
    this.time.title = fullTime(item.received);
    this.refreshAge(manner.now);
    fill(
      this.marks,
      item.flags.includes("\\answered") && el("span", { class: "mark", title: t("Answered") }, "↩"),
      item.flags.includes("$forwarded") && el("span", { class: "mark", title: t("Forwarded") }, "↪"),
      item.attachments.length > 0 && el("span", { class: "mark", title: t("Attachments: {n}", { n: item.attachments.length }) }, icon(clip)),
      item.flags.includes("\\flagged") && el("span", { class: "mark flagged", title: t("Flagged") }, "★"),
    );
  }

  /** Its place in the list, in px from the top, and whether it is selected and focused. */
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
}
