// The commands for searches and threads; the desk implements them.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { Desk, Order, Refinement, Threading } from "./desk";

/** Ways to show threads (WEBMAIL-66). */
const threadings: readonly (readonly [Threading, string])[] = [
  ["on", t("Conversations")],
  ["off", t("Single messages")],
];
const refinements: readonly (readonly [Refinement, string])[] = [
  ["", t("Show all messages")],
  ["read", t("Show read messages only")],
  ["flagged", t("Show flagged messages only")],
  ["attachments", t("Show messages with attachments only")],
];

const orderings: readonly (readonly [Order, string])[] = [
  ["newest", t("Newest first")],
  ["oldest", t("Oldest first")],
  ["unread", t("Unread first")],
  ["sender", t("By sender")],
  ["size", t("Largest first")],
];

/** The commands in the menu of the list. */
export const listMenu: readonly string[] = [
  ...refinements.map(([id]) => `list.show-${id || "all"}`),
  ...threadings.map(([id]) => `threads.${id}`),
  ...orderings.map(([order]) => `list.order-${order}`),
  "app.signs",
];

/** Add these commands to the desk's table. */
export function addFindCommands(desk: Desk): void {
  const threaded = () => desk.threading() !== "off";
  const some = () => threaded() && desk.selectedCount() > 0;
  const find: Command[] = [
    { id: "search.open", title: t("Search"), keys: ["/"], run: () => desk.focusSearch() },
    {
      id: "search.stop",
      title: t("Stop the search"),
      keys: ["Escape"],
      quiet: true,
      when: () => desk.searching() === "running",
      run: () => desk.stopSearch(),
    },
    {
      id: "search.end",
      title: t("Close the search"),
      keys: ["Escape"],
      quiet: true,
      when: () => desk.searching() === "done" && desk.selectedCount() === 0,
      run: () => desk.endSearch(),
    },
    ...refinements.map(
      ([id, title]): Command => ({
        id: `list.show-${id || "all"}`,
        title,
        when: () => desk.refinement() !== id,
        run: () => desk.refine(id),
      }),
    ),
    ...orderings.map(
      ([order, title]): Command => ({
        id: `list.order-${order}`,
        title,
        when: () => desk.order() !== order,
        run: () => desk.sort(order),
      }),
    ),
  ];
  const threads: Command[] = [
    {
      id: "threads.next",
      title: t("Next thread"),
      keys: ["n"],
      quiet: true,
      when: threaded,
      run: () => desk.moveThread(1),
    },
    {
      id: "threads.previous",
      title: t("First message of the thread, or previous thread"),
      keys: ["p"],
      quiet: true,
      when: threaded,
      run: () => desk.moveThread(-1),
    },
    {
      id: "threads.select",
      title: t("Select the thread"),
      keys: ["S"],
      when: threaded,
      run: () => desk.selectThread(),
    },
    {
      id: "threads.fold",
      title: t("Collapse the thread, or expand it"),
      keys: ["C"],
      when: threaded,
      run: () => desk.fold(),
    },
    {
      id: "threads.collapse",
      title: t("Collapse the thread"),
      keys: ["ArrowLeft"],
      quiet: true,
      when: threaded,
      run: () => desk.fold(false),
    },
    {
      id: "threads.expand",
      title: t("Expand the thread"),
      keys: ["ArrowRight"],
      quiet: true,
      when: threaded,
      run: () => desk.fold(true),
    },
    {
      id: "threads.mute",
      title: () => (desk.allMuted() ? t("Unmute the thread") : t("Mute the thread")),
      keys: ["X"],
      when: () => some() && desk.may(own),
      run: () => desk.toggleMute(),
    },
    ...threadings.map(
      ([id, title]): Command => ({
        id: `threads.${id}`,
        title,
        when: () => desk.threading() !== id,
        run: () => desk.showThreads(id),
      }),
    ),
  ];
  desk.commands.add(t("Search"), find);
  desk.commands.add(t("Threads"), threads);
}
