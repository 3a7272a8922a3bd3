// Actions on messages that ask further: for a mailbox, whether to delete, for a place to export to, about a sender.

import type { Client, MessageItem } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { toast } from "../../lib/toasts";
import { many, t } from "../../lib/words";
import type { Desk, RowChoice } from "../commands/desk";
import { type Box, type Role, allows } from "../data/mailboxes";
import type * as ExportPart from "../export/part";
import type { Find } from "../find";
import type * as LabelsPart from "../labels/part";
import type * as MailboxesPart from "../mailboxes/part";
import type * as PalettePart from "../palette/part";
import type * as PeoplePart from "../people/part";
import type * as SenderPart from "../sender/part";
import type { AboutSender } from "../sender/part";
import type { Actions, Named } from "../state/actions";
import type { Mail } from "../state/mail";
import { leavesOthers } from "../state/others";

/** What the page has for them. */
export interface Page {
  readonly base: string;
  readonly client: Client;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly find: Pick<Find, "search">;
  readonly desk: Desk;
}

/** Whether messages of others are rarely moved to this mailbox. */
function unlikely(mailbox: Box): boolean {
  return mailbox.roles.includes("draft") || mailbox.roles.includes("sent");
}

/** No mailbox has this role where the messages are at home: offer to choose one. */
export async function offerMissing(
  { client, mail, desk }: Page,
  role: Role,
  items?: readonly MessageItem[],
): Promise<void> {
  const [{ offerRole }, { pick }] = await Promise.all([
    desk.load<typeof MailboxesPart>("mailboxes"),
    desk.load<typeof PalettePart>("palette"),
  ]);
  const without = [...mail.homes(items)].find((home) => mail.boxes.withRole(role, home) === undefined);
  await offerRole(client, role, mail.mailboxes.value, pick, without?.endsWith("/") ? without : "");
}

/** Delete the selected messages, or `chosen`, for good, after a question. */
export async function deleteForGood(page: Page, chosen?: readonly MessageItem[]): Promise<void> {
  const { client, mail, actions, desk } = page;
  const { confirmDelete } = await desk.load<typeof MailboxesPart>("mailboxes");
  const few = chosen && { messages: chosen.length, conversations: chosen.length };
  const asked = few ? confirmDelete(few, false) : confirmDelete(mail.choice.selectedCounts.value, leavesOthers(mail));
  if (!(await asked)) return;
  const named: Named = {
    doing: (n) => many(n, "Deleting…", "Deleting {n} messages…"),
    done: (n) => many(n, "Deleted permanently", "{n} messages deleted permanently"),
  };
  if (chosen === undefined && !mail.choice.selectedAreLoaded()) {
    void actions.onQuery({ action: "delete" }, named);
    return;
  }
  const items = chosen ?? mail.choice.selected();
  const ids = items.map((item) => item.id);
  const action = { shown: { remove: { ids: new Set(ids) } }, call: () => client.message_delete(ids) };
  actions.run(action, named, items, t("Couldn't delete messages"), null);
}

/** Do what the menu of a row has, to messages that needn't be selected. */
export async function actOn(page: Page, items: readonly MessageItem[], choice: RowChoice): Promise<void> {
  const { client, mail, actions, desk } = page;
  if (choice === "move") return chooseMove(page, "", items);
  if (choice === "junk") {
    if (!actions.toRole("junk", items)) await offerMissing(page, "junk", items);
  } else if (choice === "flag") {
    const add = !items.some((item) => item.flags.includes("\\flagged"));
    actions.flagItems(items, ["\\flagged"], add, {
      doing: (n) => many(n, "Updating message…", "Updating {n} messages…"),
      done: (n) =>
        add
          ? many(n, "Message flagged", "{n} messages flagged")
          : many(n, "Message unflagged", "{n} messages unflagged"),
    });
  } else
    await attempt(t("Loading…"), t("Couldn't open this item"), async () =>
      (await desk.load<typeof LabelsPart>("labels")).chooseLabels(client, mail, actions, 0, items),
    );
}

/** Move messages, by default the selected ones, to a mailbox that is chosen by its name; `typed` is already in the field. */
export async function chooseMove(
  { mail, actions, desk }: Page,
  typed: string,
  items?: readonly MessageItem[],
): Promise<void> {
  const { chooseTarget } = await desk.load<typeof PalettePart>("palette");
  const here = mail.current.value?.id;
  const chosen = await chooseTarget(
    // unlikely targets come last
    mail.mailboxes.value
      .filter((mailbox) => mailbox.id !== here && allows(mailbox, "i"))
      .sort((a, b) => Number(unlikely(a)) - Number(unlikely(b))),
    typed,
  );
  if (chosen === null) return;
  if (items === undefined) actions.move(chosen, false);
  else actions.moveItems(items, chosen, false);
}

/** Export the selected messages. */
export function exportSelection({ base, client, mail, desk }: Page): void {
  void attempt(t("Exporting…"), t("Couldn't export"), async () =>
    (await desk.load<typeof ExportPart>("export")).exportSelected(client, base, mail),
  );
}

/** Run an action about the sender of a message; resolves to whether it was done. */
export async function sender(page: Page, item: MessageItem, what: AboutSender, masked = ""): Promise<boolean> {
  const { client, mail, actions, desk } = page;
  const found = await desk.load<typeof SenderPart>("sender");
  return found.act(item, what, masked, {
    client,
    mail,
    actions,
    search: (text) => void page.find.search(text, 0),
    contact: async (name, address) => (await desk.load<typeof PeoplePart>("people")).addSender(desk, name, address),
    choose: async (title, among) => (await desk.load<typeof PalettePart>("palette")).chooseMailbox(title, among),
    offerRole: (role) => void offerMissing(page, role),
    say: toast,
  });
}
