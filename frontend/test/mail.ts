// A server in a few lines: a mailbox with pages and changes like the real server's.

import type { Change, MessageItem, Query, Request, ViewMsgs } from "../gen/webmail";
import { compare } from "../webmail/data/order";

export function item(id: number, received = id): MessageItem {
  return {
    id,
    mailbox_id: 1,
    uid: id,
    modseq: id,
    thread_id: id,
    flags: [],
    keywords: [],
    received: `2026-01-01T00:00:${String(received / 1000).padEnd(9, "0")}Z`,
    size: 1,
    subject: `number ${id}`,
    preview: "",
    date: null,
    from: [],
    to: [],
    cc: [],
    bcc: [],
    reply_to: [],
    attachments: [],
    is_signed: false,
    is_encrypted: false,
    thread_muted: false,
    thread_collapsed: false,
    thread_missing_link: false,
    thread_parent: 0,
    same_message_id: false,
    copy_of: 0,
    match_query: true,
  };
}

/** Pseudo-random numbers, the same in each run (a linear congruence, as POSIX rand). */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

export class Server {
  items: MessageItem[] = [];
  private lastId = 0;

  constructor(count: number) {
    for (let n = 0; n < count; n++) this.items.push(item(++this.lastId));
    this.sort();
  }

  /** The answer to a request: one event with its rows, and one that ends it. */
  answer(request: Request): ViewMsgs[] {
    const page = request.page!;
    const anchor = this.items.findIndex((one) => one.id === page.anchor_message_id);
    const destination = this.items.findIndex((one) => one.id === page.dest_message_id);
    let first = anchor < 0 ? 0 : anchor + 1;
    if (page.position != null) first = Math.min(page.position, this.items.length);
    else if (page.before === true) first = Math.max(0, anchor - page.count);
    else if (destination >= page.count) first = destination - Math.floor(page.count / 2);
    const rows = this.items.slice(first, page.before === true ? anchor : first + page.count);
    const base = {
      kind: "view_msgs" as const,
      view_id: request.view_id,
      request_id: request.id,
      total: this.items.length,
      parsed_message: null,
    };
    const end = {
      ...base,
      items: [],
      position: first + rows.length,
      view_end: page.before !== true && first + rows.length >= this.items.length,
    };
    return rows.length === 0
      ? [end]
      : [{ ...base, items: rows.map((one) => [{ ...one }]), position: first, view_end: false }, end];
  }

  /** Add a message, anywhere in the order. */
  add(received: number): Change[] {
    const added = item(++this.lastId, received);
    this.items.push(added);
    this.sort();
    return [{ kind: "msg_add", item: { ...added } }, this.counts()];
  }

  remove(ids: number[]): Change[] {
    this.items = this.items.filter((one) => !ids.includes(one.id));
    return [{ kind: "msg_remove", mailbox_id: 1, message_ids: ids }, this.counts()];
  }

  query(): Query {
    return { filter: { mailbox_id: 1 } };
  }

  private counts(): Change {
    const total = this.items.length;
    return { kind: "mailbox_counts", mailbox_id: 1, total, unread: total, unseen: total, deleted: 0, size: total };
  }

  private sort(): void {
    this.items.sort((a, b) => compare(a, b, false));
  }
}
