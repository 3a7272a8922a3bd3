// The mailboxes of the account, updated by the stream.

import type { Change, LinkedMailbox, Mailbox } from "../../gen/webmail";
import { hue } from "../../lib/disc";
import { byName, t } from "../../lib/words";
import { inboxes } from "./queries";

/** Order of mailboxes: Inbox, Snoozed, mailboxes with a role, then by name. */
const roleOrder = ["draft", "sent", "archive", "trash", "junk"] as const;

export type Role = (typeof roleOrder)[number];

/** A mailbox with the place that it belongs to. `home` is "" for the user's own, an account that shares it, or the name of a link
 * and "/": below it mailboxes have their roles by their names. */
export interface Box extends Mailbox {
  readonly home: string;
}

/** The name of a mailbox within its home. */
export function nameAtHome({ name, owner, home }: Box): string {
  return home.endsWith("/") ? name.slice(home.length) : owner === "" ? name : name.split("/").slice(2).join("/");
}

/** Whether new mail comes into a mailbox. */
export const isInbox = (mailbox: Box): boolean => nameAtHome(mailbox) === "Inbox";

function rank(mailbox: Box): number {
  const name = nameAtHome(mailbox);
  if (name === "Inbox") return -2;
  if (name === "Snoozed") return -1;
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
  private boxes: readonly Box[] | undefined;
  links: readonly LinkedMailbox[] = [];

  /** All mailboxes in the order of the list: first the user's own, then of links, then of others. */
  ordered(): Box[] {
    return [...this.all].sort(
      (a, b) => byName(a.owner, b.owner) || byName(a.home, b.home) || rank(a) - rank(b) || byName(a.name, b.name),
    );
  }

  /** The mailboxes as the server has told them. */
  told(): Mailbox[] {
    return [...this.byId.values()];
  }

  private get all(): readonly Box[] {
    if (this.boxes) return this.boxes;
    const roles = new Map(this.told().map((box) => [box.name, box.roles]));
    this.boxes = this.told().map((box): Box => {
      const link = this.links.find(({ name }) => box.owner === "" && `${box.name}/`.startsWith(`${name}/`));
      if (!link) return { ...box, home: box.owner };
      const named = box.name.slice(link.name.length + 1);
      const is = (role: Role) =>
        named.toLowerCase().replace("drafts", "draft") === role || roles.get(named)?.includes(role);
      return { ...box, roles: roleOrder.filter(is), home: `${link.name}/` };
    });
    return this.boxes;
  }

  get(id: number): Box | undefined {
    return id === inboxes ? this.inboxes() : this.all.find((mailbox) => mailbox.id === id);
  }

  /** The mailbox of a role in the user's own account, or in another home. */
  withRole(role: Role, home = ""): Box | undefined {
    return this.all.find((mailbox) => mailbox.home === home && mailbox.roles.includes(role));
  }

  named(name: string): Box | undefined {
    return this.all.find((mailbox) => mailbox.name === name);
  }

  /** All inboxes as one mailbox; undefined if there is only one. */
  inboxes(): Box | undefined {
    const found = this.all.filter(isInbox);
    if (found.length < 2) return undefined;
    const all = { ...this.named("Inbox")!, id: inboxes, name: t("All inboxes") };
    for (const key of ["total", "unread", "unseen", "deleted", "size"] as const)
      all[key] = found.reduce((sum, box) => sum + box[key], 0);
    return all;
  }

  /** The colour of each home that has an inbox, 1 to 8, if there are several: by its name, or the next free one for what was made
   * later. */
  colours(): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    const homes = this.all.filter(isInbox).sort((a, b) => a.id - b.id);
    for (const { home } of homes.length > 1 ? homes : []) {
      let colour = hue(home);
      while (found.size < 8 && [...found.values()].includes(colour)) colour = (colour % 8) + 1;
      found.set(home, colour);
    }
    return found;
  }

  /** The classes of what is marked with the colour of a home; "" without one. */
  mark(home: string): string {
    const colour = this.colours().get(home);
    return colour ? ` origin c${colour}` : "";
  }

  /** Replace all mailboxes. */
  set(mailboxes: readonly Mailbox[], links = this.links): void {
    this.links = links;
    this.byId.clear();
    this.boxes = undefined;
    for (const mailbox of mailboxes) this.byId.set(mailbox.id, mailbox);
  }

  /** Replace the mailboxes of others. */
  setShared(mailboxes: readonly Mailbox[], links = this.links): void {
    this.set([...this.told().filter(({ owner }) => owner === ""), ...mailboxes], links);
  }

  /** Apply a change; false if it does not concern mailboxes. */
  apply(change: Change): boolean {
    this.boxes = undefined;
    switch (change.kind) {
      case "links":
        this.links = change.links;
        return true;
      case "mailbox_add":
        this.byId.set(change.mailbox.id, change.mailbox);
        return true;
      case "mailbox_remove":
        this.byId.delete(change.mailbox_id);
        return true;
      case "mailbox_rename":
        return this.update(change.mailbox_id, { name: change.name });
      case "mailbox_counts":
      case "mailbox_special_use":
      case "mailbox_keywords": {
        const { kind: _, mailbox_id, ...values } = change;
        return this.update(mailbox_id, values);
      }
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
