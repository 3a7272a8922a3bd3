// Messages that are sent later, and that come back later: the times, and the list of what waits (WEBMAIL-96, WEBMAIL-125).

import type { Leaving, MessageItem, Waiting } from "../../gen/webmail";
import { anchor } from "../../lib/anchored";
import { attempt, dialog } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { mailboxName, many, t } from "../../lib/words";
import type { Selection, Surroundings } from "../commands/desk";
import { own } from "../data/mailboxes";
import { type Chosen, chooseTime, inWords } from "./choose";

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

function described(one: Waiting): string {
  const when = inWords(new Date(one.due));
  if (one.kind === "sent") return t("Scheduled for {when}", { when });
  if (one.kind === "answer") return t("Will return to your inbox {when} if there's no reply", { when });
  return t("Snoozed to {mailbox} until {when}", {
    mailbox: mailboxName(one.origin === "" ? "Inbox" : one.origin),
    when,
  });
}

function people(one: Waiting): string {
  const all = one.kind === "back" ? one.item.from : [...one.item.to, ...one.item.cc, ...one.item.bcc];
  return all.map((who) => who.name || `${who.user}@${who.host}`).join(", ");
}

/** Show what waits, with other times and an end for each. */
export async function showWaiting(desk: Surroundings & Selection): Promise<void> {
  for (;;) {
    let found: Waiting[] = [];
    let queued: Leaving[] = [];
    const load = async () => {
      const [waiting, leaving] = await Promise.all([desk.client.messages_waiting(), desk.client.account_later_list()]);
      found = waiting;
      queued = leaving.filter((one) => one.message_id === 0);
    };
    if (!(await attempt(t("Loading…"), t("Couldn't load scheduled messages"), load))) return;
    const next = await dialog<() => Promise<unknown>>(t("Scheduled"), (close) => [list(desk, found, queued, close)]);
    if (next === null) return;
    await next();
  }
}

function list(
  desk: Surroundings & Selection,
  found: readonly Waiting[],
  queued: readonly Leaving[],
  close: (next: () => Promise<unknown>) => void,
): Node {
  if (found.length + queued.length === 0)
    return el("p", { class: "dialog-text" }, t("You'll see scheduled and snoozed messages here."));
  const root = el("ul", { class: "waiting-list" });
  const button = (text: string, run: () => Promise<unknown>) =>
    el("button", { class: "btn", type: "button", onclick: () => close(run) }, text);
  const act = (doing: string, failed: string, work: () => Promise<unknown>) => () => attempt(doing, failed, work);
  const row = (subject: string, who: string, when: string, buttons: (Node | false)[]) =>
    el(
      "li",
      {},
      el("strong", { dir: "auto" }, el("bdi", {}, subject || t("(no subject)"))),
      el("span", { class: "waiting-what" }, el("bdi", {}, who)),
      el("span", { class: "waiting-what" }, when),
      el("div", { class: "waiting-buttons" }, buttons),
    );
  fill(
    root,
    found.map((one) => {
      const { id } = one.item;
      const { writer = "" } = one;
      const buttons =
        one.kind === "sent"
          ? [
              writer === "" &&
                button(t("Another time…"), () => again(one, (at) => desk.client.scheduled_change(id, seconds(at.at)))),
              writer === "" &&
                button(
                  t("Send now"),
                  act(t("Sending…"), t("Couldn't send message"), () => desk.client.scheduled_change(id)),
                ),
              button(
                t("Keep as draft"),
                act(t("Saving…"), t("Couldn't keep as draft"), () => desk.client.scheduled_cancel(id)),
              ),
            ]
          : [
              button(t("Another time…"), () =>
                again(one, (at) => desk.client.message_snooze([id], seconds(at.at), one.kind === "answer")),
              ),
              button(
                one.kind === "answer" ? t("No reminder") : t("Unsnooze"),
                act(
                  t("Saving…"),
                  one.kind === "answer" ? t("Couldn't remove reminder") : t("Couldn't unsnooze message"),
                  () => desk.client.message_unsnooze([id]),
                ),
              ),
            ];
      const about = [described(one), ...(writer === "" ? [] : [t("Written by {name}", { name: writer })])];
      return row(one.item.subject, people(one), about.join(" · "), buttons);
    }),
    // the queue has these from a mail app or the web API: there's no copy to keep as a draft
    queued.map((one) =>
      row(
        one.subject,
        one.recipients.join(", "),
        t("Scheduled for {when}", { when: inWords(new Date(one.due / 1000)) }),
        [
          button(
            t("Cancel delivery"),
            act(t("Canceling…"), t("Couldn't cancel delivery"), () => desk.client.account_later_stop(one.id)),
          ),
        ],
      ),
    ),
  );
  return root;
}

async function again(one: Waiting, change: (at: Chosen) => Promise<unknown>): Promise<void> {
  const at = await chooseTime(t("Another time"), t("Change"), one.kind === "sent" ? longestSending : longestWaiting);
  if (at !== null) await attempt(t("Saving…"), t("Couldn't change time"), () => change(at));
}
