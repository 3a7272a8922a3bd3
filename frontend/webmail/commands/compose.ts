// The commands that open a composer; the part `compose` implements them.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import type { Desk } from "./desk";

/** Add these commands to the desk's table. */
export function addComposeCommands(desk: Desk): void {
  const shown = () => desk.shown() !== null;
  const draft = () => shown() && desk.inRole("draft");
  const received = () => shown() && !desk.inRole("draft");
  const many = () => {
    const item = desk.shown();
    return received() && item !== null && item.to.length + item.cc.length > 1;
  };
  const commands: Command[] = [
    { id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") },
    { id: "compose.edit", title: t("Edit"), keys: ["e"], when: draft, run: () => desk.compose("edit") },
    { id: "compose.reply", title: t("Reply"), keys: ["r"], when: received, run: () => desk.compose("reply") },
    {
      id: "compose.reply-all",
      title: t("Reply to all"),
      keys: ["R"],
      when: many,
      run: () => desk.compose("reply_all"),
    },
    {
      id: "compose.reply-alone",
      title: t("Reply"),
      keys: ["R"],
      quiet: true,
      when: () => received() && !many(),
      run: () => desk.compose("reply"),
    },
    {
      id: "compose.reply-list",
      title: t("Reply to the list"),
      keys: ["ctrl L"],
      when: received,
      run: () => desk.compose("reply_list"),
    },
    { id: "compose.forward", title: t("Forward"), keys: ["f"], when: received, run: () => desk.compose("forward") },
    {
      id: "compose.forward-attached",
      title: t("Forward as an attachment"),
      keys: ["F"],
      when: received,
      run: () => desk.compose("forward_attached"),
    },
    { id: "compose.again", title: t("Edit as a new message"), when: received, run: () => desk.compose("edit") },
  ];
  desk.commands.add(t("Write"), commands);
}
