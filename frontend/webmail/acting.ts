// The implementation of the commands that act on messages. Actions themselves are in state/actions.ts; what asks further is in the
// part `acts`.

import type { Client, MessageItem } from "../gen/webmail";
import { attempt } from "../lib/dialogs";
import { typedUntil } from "../lib/keyboard";
import { part } from "../lib/parts";
import { many, t } from "../lib/words";
import type * as ActsPart from "./acts/part";
import type { Acting, Desk } from "./commands/desk";
import { isInbox, own, type Role } from "./data/mailboxes";
import type { Find } from "./find";
import type * as LabelsPart from "./labels/part";
import type * as LaterPart from "./later/part";
import type { Seen } from "./bar/seen";
import type { Actions } from "./state/actions";
import type { Mail } from "./state/mail";

interface Page {
  readonly base: string;
  readonly client: Client;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly find: Find;
  /** Null until a message is opened. */
  readonly seen: Seen | null;
  readonly desk: Desk;
}

export function acting(page: Page): Acting {
  const { client, mail, actions } = page;

  const words: Readonly<Record<string, (n: number) => string>> = {
    "\\seen true": (n) => many(n, "Marked as read", "{n} messages marked as read"),
    "\\seen false": (n) => many(n, "Marked as unread", "{n} messages marked as unread"),
    "\\flagged true": (n) => many(n, "Message flagged", "{n} messages flagged"),
    "\\flagged false": (n) => many(n, "Message unflagged", "{n} messages unflagged"),
  };

  /** What is said while flags are set or cleared, and afterwards. */
  const said = (flags: string[], add: boolean) => ({
    doing: (n: number) => many(n, "Updating message…", "Updating {n} messages…"),
    done: words[`${flags[0]} ${add}`] ?? ((n: number) => many(n, "Message updated", "{n} messages updated")),
  });

  /** What asks further is a part. */
  const asking = () => part<typeof ActsPart>("acts");

  function toRole(role: Role, items?: readonly MessageItem[]): void {
    page.seen?.cancel();
    if (!actions.toRole(role, items)) void asking().then((found) => found.offerMissing(page, role, items));
  }

  function deleteForGood(items?: readonly MessageItem[]): void {
    page.seen?.cancel();
    void asking().then((found) => found.deleteForGood(page, items));
  }

  function flag(flags: string[], add: boolean): void {
    page.seen?.cancel();
    actions.flag(flags, add, said(flags, add));
  }

  function chooseLabels(number = 0): void {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () =>
      (await part<typeof LabelsPart>("labels")).chooseLabels(client, mail, actions, number),
    );
  }

  function later(run: (found: typeof LaterPart) => Promise<void>): void {
    void attempt(t("Loading…"), t("Couldn't open this item"), async () => run(await part<typeof LaterPart>("later")));
  }

  function away(items: readonly MessageItem[], role: "archive" | "trash"): void {
    if (role === "trash" && (mail.inRole("trash") || mail.inRole("draft"))) {
      if (mail.may("te", undefined, items)) deleteForGood(items);
    } else if (!mail.inRole(role) && mail.may("te", role, items)) toRole(role, items);
  }

  return {
    act(items, action) {
      if (action === "later") later((found) => found.putOff(page.desk, items));
      else if (action === "archive" || action === "trash") away(items, action);
      else if (action !== "read") void asking().then((found) => found.actOn(page, items, action));
      else if (mail.may("s", undefined, items)) {
        const unread = items.some((item) => !item.flags.includes("\\seen"));
        actions.flagItems(items, ["\\seen"], unread, said(["\\seen"], unread));
      }
    },
    toRole,
    archiveThread: () => toRole("archive", mail.choice.readThread()),
    chooseMove: () =>
      void typedUntil(Promise.all([asking(), part("palette")])).then(([[found], typed]) =>
        found.chooseMove(page, typed),
      ),
    deleteForGood: () => deleteForGood(),
    flag,
    notJunk() {
      const [home = ""] = mail.homes();
      const inbox = mail.mailboxes.value.find((box) => box.home === home && isInbox(box));
      const items = mail.choice.selected();
      if (mail.hasJunk() && mail.may(own) && inbox) {
        actions.move(inbox, false);
        actions.looked(items, "$notjunk"); // the Inbox sets none, and the filter has to learn of it
      } else flag(["$junk"], false);
    },
    chooseLabels: () => chooseLabels(),
    toggleLabel: chooseLabels,
    later,
    exportSelection: () => void asking().then((found) => found.exportSelection(page)),
    sender: async (item, what, masked) => (await asking()).sender(page, item, what, masked),
    undoable: () => actions.undoable.value,
    undo: () => actions.undo(),
  };
}
