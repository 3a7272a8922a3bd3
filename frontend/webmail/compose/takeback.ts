// Taking back a sent message for some seconds (WEBMAIL-123). The server holds the message for longer than the offer lasts.

import { codeOf } from "../../lib/client";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import type { Say } from "./kinds";

/** Milliseconds until the call is repeated if the server has not answered. */
const retryAfter = 1_000;

/** Offer to take a message back, by a toast and by `ctrl z`. `again` opens a composer for the draft that the message becomes, 0
 * for none. */
export function offerUndo(
  desk: Surroundings,
  say: Say,
  what: string,
  submitId: string,
  leaves: number,
  author: string,
  seconds: number,
  again: (draftId: number) => void,
): void {
  const takeBack = async () => {
    withdraw();
    for (;;) {
      try {
        again(await desk.client.message_submit_undo(submitId, leaves, author));
        return;
      } catch (error) {
        // only an answer says whether it was too late
        if (codeOf(error) !== "") throw error;
        await new Promise((resolve) => setTimeout(resolve, retryAfter));
      }
    }
  };
  const undo = { what, actions: () => [{ shown: {}, call: takeBack }] };
  const withdraw = () => {
    clearTimeout(timer);
    toast.close();
    desk.actions.forget(undo);
  };
  const toast = say(undo.what, { title: t("Undo"), run: () => desk.actions.takeBack(undo) }, seconds * 1000);
  const timer = setTimeout(withdraw, seconds * 1000);
  desk.actions.remember(undo);
}
