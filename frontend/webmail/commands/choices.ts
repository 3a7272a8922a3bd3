// Commands of the list that come after it: the conditions, threads and orders of its menu (WEBMAIL-66), and those for threads.

import type { MessageItem } from "../../gen/webmail";
import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { Desk, Order, Refinement, Threading } from "./desk";

const refinements: readonly (readonly [Refinement, string])[] = [
  ["", t("Show all messages")],
  ["unread", t("Show unread messages only")],
  ["read", t("Show read messages only")],
  ["flagged", t("Show flagged messages only")],
  ["attachments", t("Show messages with attachments only")],
  ["people", t("Show messages from people only")],
  ["newsletters", t("Show newsletters only")],
];

const threadings: readonly (readonly [Threading, string])[] = [
  ["on", t("Conversations")],
  ["off", t("Single messages")],
];

const orderings: readonly (readonly [Order, string])[] = [
  ["newest", t("Newest first")],
  ["oldest", t("Oldest first")],
  ["unread", t("Unread first")],
  ["sender", t("By sender")],
  ["size", t("Largest first")],
];

/** The ids of these commands in the groups of the menu, of each of which one holds. */
export const listMenu: readonly (readonly string[])[] = [
  refinements.map(([id]) => `list.show-${id || "all"}`),
  threadings.map(([id]) => `threads.${id}`),
  orderings.map(([order]) => `list.order-${order}`),
];

/** The commands. */
export function listChoices(desk: Desk): Command[] {
  const choice = (id: string, title: string, checked: () => boolean, run: () => void): Command => ({
    id,
    title,
    checked,
    run,
  });
  return [
    ...refinements.map(([id, title]) =>
      choice(
        `list.show-${id || "all"}`,
        title,
        () => desk.refinement() === id,
        () => desk.refine(id),
      ),
    ),
    ...threadings.map(([id, title]) =>
      choice(
        `threads.${id}`,
        title,
        () => desk.threading() === id,
        () => desk.showThreads(id),
      ),
    ),
    ...orderings.map(([order, title]) =>
      choice(
        `list.order-${order}`,
        title,
        () => desk.order() === order,
        () => desk.sort(order),
      ),
    ),
  ];
}

/** The commands for threads. */
export function threadCommands(desk: Desk): Command[] {
  const threaded = () => desk.threading() !== "off";
  const some = () => threaded() && desk.aimed() > 0;
  return [
    {
      id: "threads.next",
      title: t("Next conversation"),
      keys: ["n"],
      quiet: true,
      when: threaded,
      run: () => desk.moveThread(1),
    },
    {
      id: "threads.previous",
      title: t("First message or previous conversation"),
      keys: ["p"],
      quiet: true,
      when: threaded,
      run: () => desk.moveThread(-1),
    },
    {
      id: "threads.select",
      title: t("Select conversation"),
      keys: ["S"],
      when: threaded,
      run: () => desk.selectThread(),
    },
    {
      id: "threads.fold",
      title: t("Collapse or expand conversation"),
      keys: ["C"],
      when: threaded,
      run: () => desk.fold(),
    },
    {
      id: "threads.collapse",
      title: t("Collapse conversation"),
      keys: ["ArrowLeft"],
      quiet: true,
      when: threaded,
      run: () => desk.fold(false),
    },
    {
      id: "threads.expand",
      title: t("Expand conversation"),
      keys: ["ArrowRight"],
      quiet: true,
      when: threaded,
      run: () => desk.fold(true),
    },
    {
      id: "threads.mute",
      title: () => (desk.selected().every(isMuted) ? t("Unmute conversation") : t("Mute conversation")),
      keys: ["X"],
      when: () => some() && desk.may(own),
      run: () => toggleMute(desk),
    },
  ];
}

const isMuted = (item: MessageItem) => item.thread_muted;

/** Mute the threads of the selection; unmute them if all are muted (WEBMAIL-67). */
function toggleMute(desk: Desk): void {
  const mute = !desk.selected().every(isMuted);
  const items = desk.selected().filter((item) => isMuted(item) !== mute);
  const ids = items.map((item) => item.id);
  const said = mute ? t("Conversation muted. New messages will be marked as read") : t("Conversation unmuted");
  const named = { doing: () => (mute ? t("Muting…") : t("Unmuting…")), done: () => said };
  const call = (to: boolean) => ({ shown: {}, call: () => desk.client.thread_mute(ids, to) });
  desk.actions.run(call(mute), named, items, t("Couldn't mute conversation"), {
    what: said,
    actions: () => [call(!mute)],
  });
}
