// Flags that a message gets by being shown for a while: it is read, and mail that is wanted (WEBMAIL-81).

import type { MessageItem } from "../../gen/webmail";
import type { Actions } from "../state/actions";
import type { Mail } from "../state/mail";

/** ms that an unjudged message is shown before the junk filter learns that it is wanted (WEBMAIL-81). */
const notJunkAfter = 5000;

export class Seen {
  private timers: number[] = [];

  constructor(
    private readonly mail: Mail,
    private readonly actions: Actions,
    /** Whether the message of this ID is still shown. */
    private readonly shows: (id: number) => boolean,
  ) {}

  /** A message is shown. In a conversation, several are at once. */
  opened(item: MessageItem): void {
    const { mail } = this;
    if (mail.choice.conversation.value === null) this.cancel();
    if (mail.may("s")) this.after(mail.settings.value.mark_seen_ms, item.id, ["\\seen"]);
    const box = mail.boxes.get(item.mailbox_id);
    // the server has put these messages aside: opening them does not mean that they are wanted
    if (box?.owner === "" && !mail.hasJunk(box) && box.name !== mail.facts.value.introbox)
      this.after(notJunkAfter, item.id, ["$notjunk", "$junk", "\\draft"]);
  }

  /** These unread messages were lines of a thread that was read. */
  passed(items: readonly MessageItem[]): void {
    const { mail } = this;
    if (items.length > 0 && mail.settings.value.mark_seen_ms >= 0 && mail.may("s", undefined, items))
      this.actions.looked(items, "\\seen");
  }

  /** Cancel flags that the shown message would get by being shown longer. */
  cancel(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers = [];
  }

  /** After `wait` milliseconds set the first of these flags on a message, if it is still shown and has none of them. */
  private after(wait: number, id: number, flags: readonly string[]): void {
    if (wait < 0) return;
    this.timers.push(
      window.setTimeout(() => {
        const { items, lines } = this.mail.rows.value;
        const all = [...items, ...[...lines.values()].flatMap((line) => [...line.members, ...line.copies])];
        const seen = new Map(all.map((one) => [one.id, one]));
        for (const item of this.shows(id) ? seen.values() : [])
          if ([item.id, item.copy_of].includes(id) && !flags.some((flag) => item.flags.includes(flag)))
            this.actions.looked([item], flags[0]!);
      }, wait),
    );
  }
}
