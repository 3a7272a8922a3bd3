// Messages that are sent later, and that come back later: the times (WEBMAIL-96, WEBMAIL-125).

import type { MessageItem } from "../../gen/webmail";
import { anchor } from "../../lib/anchored";
import { many, t } from "../../lib/words";
import type { Selection, Surroundings } from "../commands/desk";
import { own } from "../data/mailboxes";
import { chooseTime, inWords } from "./choose";

/** Days ahead that the server allows. */
const [longestSending, longestWaiting] = [60, 732];

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}

/** Ask when to send a message: seconds since 1970, null if the user gives up. */
export async function chooseSending(): Promise<number | null> {
  const chosen = await chooseTime(t("Schedule send"), t("Schedule"), longestSending);
  return chosen && seconds(chosen.at);
}

/** Ask when these messages come back, and put them off. Of messages in Sent, answers are expected. */
export async function putOff(desk: Surroundings & Selection, items: readonly MessageItem[]): Promise<void> {
  if (!desk.may(own)) return;
  const sent = desk.inRole("sent");
  const ids = items.map((item) => item.id);
  if (ids.length === 0) return;
  const also = t("Only remind me if there's no reply");
  const asked = chooseTime(sent ? t("Remind me") : t("Snooze"), t("Snooze"), longestWaiting, also, sent);
  anchor('[data-action="later"]:hover', '.toolbar [data-command="message.later"]', ".toolbar-more");
  const chosen = await asked;
  if (chosen === null) return;
  const { at, also: unanswered } = chosen;
  const when = inWords(at);
  const said = unanswered
    ? t("Will return to your inbox {when} if there's no reply", { when })
    : many(ids.length, "Snoozed until {when}", "{n} messages snoozed until {when}", { when });
  desk.actions.run(
    {
      shown: unanswered ? {} : { remove: { ids: new Set(ids) } },
      call: () => desk.client.message_snooze(ids, seconds(at), unanswered),
    },
    { doing: () => t("Snoozing…"), done: () => said },
    items,
    t("Couldn't snooze messages"),
    { what: said, actions: () => [{ shown: {}, call: () => desk.client.message_unsnooze(ids) }] },
  );
}

/** Ask for another time of a message that is sent later, or comes back: seconds since 1970, null if the user gives up. */
export async function anotherTime(sent: boolean): Promise<number | null> {
  const chosen = await chooseTime(t("Change time"), t("Change"), sent ? longestSending : longestWaiting);
  return chosen && seconds(chosen.at);
}
