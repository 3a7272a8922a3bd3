// What a change of an event did, said with its Undo (WEBMAIL-174a).

import type { ChangedEvent, Client } from "../../gen/webmail";
import { attempt } from "../../lib/dialogs";
import { toast } from "../../lib/toasts";
import { many, t } from "../../lib/words";

/** Seconds for which guests and organizers don't hear of a change, and for which its Undo is offered. */
export const undoSeconds = 8;

/** Say that an event was added, and how many guests are invited. */
export const addedWords = ({ told }: ChangedEvent): string =>
  told === 0 ? t("Event added") : many(told, "Saved · {n} guest invited", "Saved · {n} guests invited");

/** Say that an event was changed, and how many guests hear of it. */
export const changedWords = ({ told }: ChangedEvent): string =>
  told === 0 ? t("Event saved") : many(told, "Saved · {n} guest notified", "Saved · {n} guests notified");

/** Show what was done, with Undo; `again` draws the view anew. */
export function tellChange(client: Client, words: string, change: ChangedEvent, again: () => Promise<unknown>): void {
  const undo = async () => {
    const { told } = await client.event_undo(change.undo);
    await again();
    // the messages had left when Undo was pressed
    if (told > 0)
      toast(many(told, "Undone · {n} guest will get a correction", "Undone · {n} guests will get a correction"));
  };
  const run = () => void attempt(t("Undoing…"), t("Couldn't undo"), undo);
  toast(words, { title: t("Undo"), run }, undoSeconds * 1000);
}
