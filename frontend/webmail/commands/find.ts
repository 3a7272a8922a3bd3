// The commands for searches; the desk implements them.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import type { Desk } from "./desk";

/** Add these commands to the desk's table. */
export function addFindCommands(desk: Desk): void {
  const find: Command[] = [
    { id: "search.open", title: t("Search"), keys: ["/"], run: () => desk.focusSearch() },
    {
      id: "search.stop",
      title: t("Stop searching"),
      keys: ["Escape"],
      quiet: true,
      when: () => desk.searching() === "running",
      run: () => desk.stopSearch(),
    },
    {
      id: "search.end",
      title: t("Close search"),
      keys: ["Escape"],
      quiet: true,
      when: () => desk.searching() === "done" && desk.selectedCount() === 0,
      run: () => desk.endSearch(),
    },
  ];
  desk.commands.add(t("Search"), find);
}
