// The mailboxes of the account, updated by the stream.

import type { Change, Mailbox } from "../../gen/webmail";

/** Order of mailboxes: Inbox, Snoozed, mailboxes with a role, then by name. */
const roleOrder = ["draft", "sent", "archive", "trash", "junk"] as const;

export type Role = (typeof roleOrder)[number];

function rank(mailbox: Mailbox): number {
  if (mailbox.name === "Inbox") return -2;
  if (mailbox.name === "Snoozed") return -1;
  const role = roleOrder.findIndex((name) => mailbox.roles.includes(name));
  return role < 0 ? roleOrder.length : role;
}

/** A right that only the user's own account gives, in addition to the letters of RFC 4314. */
export const own = "*";

/** Whether a message or mailbox belongs to the user's own account: ids of other accounts have the account's number above 32
 * bits. */
export function isOwn(id: number): boolean {
  return id < 2 ** 32;
}

/** Whether the owner of a mailbox permits actions there: letters of RFC 4314. Everything is permitted in the user's own
 * mailboxes. */
export function allows(mailbox: Mailbox, rights: string): boolean {
  return mailbox.owner === "" || [...rights].every((right) => mailbox.rights.includes(right));
}

export class Mailboxes {
  private readonly byId = new Map<number, Mailbox>();

  /** All mailboxes in the order of the list. */
  ordered(): Mailbox[] {
    return [...this.byId.values()].sort(
      (a, b) => a.owner.localeCompare(b.owner) || rank(a) - rank(b) || a.name.localeCompare(b.name),
    );
  }

  get(id: number): Mailbox | undefined {
    return this.byId.get(id);
  }

  /** The mailbox of a role, in the user's own account or an owner's. */
  withRole(role: Role, owner = ""): Mailbox | undefined {
    return [...this.byId.values()].find((mailbox) => mailbox.owner === owner && mailbox.roles.includes(role));
  }

  named(name: string): Mailbox | undefined {
    return [...this.byId.values()].find((mailbox) => mailbox.name === name);
  }

  /** Replace all mailboxes. */
  set(mailboxes: readonly Mailbox[]): void {
    this.byId.clear();
    for (const mailbox of mailboxes) this.byId.set(mailbox.id, mailbox);
  }

  /** Replace the mailboxes of others. */
  setShared(mailboxes: readonly Mailbox[]): void {
    this.set([...[...this.byId.values()].filter(({ owner }) => owner === ""), ...mailboxes]);
  }

  /** Apply a change; false if it does not concern mailboxes. */
  apply(change: Change): boolean {
    switch (change.kind) {
      case "mailbox_add":
        this.byId.set(change.mailbox.id, change.mailbox);
        return true;
      case "mailbox_remove":
        this.byId.delete(change.mailbox_id);
        return true;
      case "mailbox_rename":
        return this.update(change.mailbox_id, { name: change.name });
      case "mailbox_counts": {
        const { total, unread, unseen, deleted, size } = change;
        return this.update(change.mailbox_id, { total, unread, unseen, deleted, size });
      }
      case "mailbox_special_use":
        return this.update(change.mailbox_id, { roles: change.roles });
      case "mailbox_keywords":
        return this.update(change.mailbox_id, { keywords: change.keywords });
      case "mailboxes_shared":
        this.setShared(change.mailboxes);
        return true;
      default:
        return false;
    }
  }

  private update(id: number, values: Partial<Mailbox>): true {
    const mailbox = this.byId.get(id);
    if (mailbox !== undefined) this.byId.set(id, { ...mailbox, ...values });
    return true;
  }
}
