// The commands for searches and threads; the desk implements them.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { Desk } from "./desk";

/** Add these commands to the desk's table. */
export function addFindCommands(desk: Desk): void {
  const threaded = () => desk.threading() !== "off";
  const some = () => threaded() && desk.aimed() > 0;
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
  ];
  desk.commands.add(t("Search"), find);
  desk.commands.add(t("Threads"), threads);
}
