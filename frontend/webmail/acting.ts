// The implementation of the commands that act on messages. Actions themselves are in state/actions.ts; dialogs are parts.

import type { Client, Mailbox, MessageItem } from "../gen/webmail";
import { attempt } from "../lib/dialogs";
import { typedUntil } from "../lib/keyboard";
import { part } from "../lib/parts";
import { toast } from "../lib/toasts";
import { many, t } from "../lib/words";
import type { Acting, Desk } from "./commands/desk";
import { allows, own, type Role } from "./data/mailboxes";
import type * as ExportPart from "./export/part";
import type { Find } from "./find";
import type * as LabelsPart from "./labels/part";
import type * as LaterPart from "./later/part";
import type * as MailboxesPart from "./mailboxes/part";
import type * as PalettePart from "./palette/part";
import type * as PeoplePart from "./people/part";
import type { Seen } from "./seen";
import type * as SenderPart from "./sender/part";
import type { Actions } from "./state/actions";
import type { Mail } from "./state/mail";
import { leavesOthers } from "./state/others";

interface Page {
  readonly base: string;
  readonly client: Client;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly find: Find;
  readonly seen: Seen;
  readonly desk: Desk;
}

/** Whether messages of others are rarely moved to this mailbox. */
function unlikely(mailbox: Mailbox): boolean {
  return mailbox.roles.includes("draft") || mailbox.roles.includes("sent");
}

export function acting(page: Page): Acting {
  const { client, mail, actions, seen } = page;

  async function offerMissing(role: Role): Promise<void> {
    const [{ offerRole }, { pick }] = await Promise.all([
      part<typeof MailboxesPart>("mailboxes"),
      part<typeof PalettePart>("palette"),
    ]);
    await offerRole(client, role, mail.mailboxes.value, pick);
  }

  function toRole(role: Role, items?: readonly MessageItem[]): void {
    seen.cancel();
    if (!actions.toRole(role, items)) void offerMissing(role);
  }

  async function deleteForGood(items?: readonly MessageItem[]): Promise<void> {
    seen.cancel();
    const { confirmDelete } = await part<typeof MailboxesPart>("mailboxes");
    const few = items && { messages: items.length, conversations: items.length };
    const asked = few ? confirmDelete(few, false) : confirmDelete(mail.choice.selectedCounts.value, leavesOthers(mail));
    if (await asked) actions.deleteForGood(items);
  }

  function flag(flags: string[], add: boolean): void {
    seen.cancel();
    actions.flag(flags, add, {
      doing: (n) => many(n, "Changing the message", "Changing {n} messages"),
      done: (n) => many(n, "Message changed", "{n} messages changed"),
    });
  }

  function chooseLabels(number = 0): void {
    void attempt(t("Choosing labels"), async () =>
      (await part<typeof LabelsPart>("labels")).chooseLabels(client, mail, actions, number),
    );
  }

  function later(run: (found: typeof LaterPart) => Promise<void>): void {
    void attempt(t("Choosing a time"), async () => run(await part<typeof LaterPart>("later")));
  }

  function away(items: readonly MessageItem[], role: "archive" | "trash"): void {
    if (role === "trash" && (mail.inRole("trash") || mail.inRole("draft"))) {
      if (mail.may("te", undefined, items)) void deleteForGood(items);
    } else if (!mail.inRole(role) && mail.may("te", role, items)) toRole(role, items);
  }

  return {
    act(items, action) {
      if (action === "later") later((found) => found.putOff(page.desk, items));
      else if (action === "archive" || action === "trash") away(items, action);
      else if (mail.may("s", undefined, items)) {
        const unread = items.some((item) => !item.flags.includes("\\seen"));
        actions.flagItems(items, ["\\seen"], unread, {
          doing: () => (unread ? t("Marking read") : t("Marking unread")),
          done: () => (unread ? t("Marked read") : t("Marked unread")),
        });
      }
    },
    toRole,
    archiveThread: () => toRole("archive", mail.choice.readThread()),
    async chooseMove() {
      const [{ chooseMailbox }, typed] = await typedUntil(part<typeof PalettePart>("palette"));
      const here = mail.current.value?.id;
      const chosen = await chooseMailbox(
        t("Move to"),
        // unlikely targets come last
        mail.mailboxes.value
          .filter((mailbox) => mailbox.id !== here && allows(mailbox, "i"))
          .sort((a, b) => Number(unlikely(a)) - Number(unlikely(b))),
        typed,
      );
      if (chosen !== null) actions.move(chosen, false);
    },
    deleteForGood: () => deleteForGood(),
    flag,
    notJunk() {
      const inbox = mail.boxes.named("Inbox");
      // the account's own rules mark and train messages that are moved out of Junk (WEBMAIL-82)
      if (mail.inRole("junk") && mail.may(own) && inbox !== undefined) actions.move(inbox, false);
      else flag(["$junk"], false);
    },
    chooseLabels: () => chooseLabels(),
    toggleLabel: chooseLabels,
    later,
    exportSelection: () =>
      void attempt(t("Exporting"), async () =>
        (await part<typeof ExportPart>("export")).exportSelected(client, page.base, mail),
      ),
    sender: (item, what) =>
      part<typeof SenderPart>("sender").then((found) =>
        found.act(item, what, {
          client,
          mail,
          actions,
          search: (text) => void page.find.search(text, 0),
          contact: async (name, address) =>
            (await part<typeof PeoplePart>("people")).addSender(page.desk, name, address),
          choose: async (title, among) => (await part<typeof PalettePart>("palette")).chooseMailbox(title, among),
          offerRole: (role) => void offerMissing(role),
          say: toast,
        }),
      ),
    undoable: () => actions.undoable.value,
    undo: () => actions.undo(),
  };
}
