// The commands that answer and forward what is read; the part `compose` implements them. They come with the message, after the list.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import type { Desk } from "./desk";

/** The commands. */
export function answerCommands(desk: Desk): Command[] {
  const shown = () => desk.shown() !== null;
  // in a conversation, a draft is read beside mail that came
  const own = () => desk.inRole("draft") || desk.reading()?.flags.includes("\\draft") === true;
  const draft = () => shown() && own();
  const received = () => shown() && !own();
  const many = () => {
    const item = desk.shown();
    return received() && item !== null && item.to.length + item.cc.length > 1;
  };
  return [
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
      title: t("Reply to list"),
      keys: ["ctrl L"],
      when: received,
      run: () => desk.compose("reply_list"),
    },
    { id: "compose.forward", title: t("Forward"), keys: ["f"], when: received, run: () => desk.compose("forward") },
    {
      id: "compose.forward-attached",
      title: t("Forward as attachment"),
      keys: ["F"],
      when: received,
      run: () => desk.compose("forward_attached"),
    },
    { id: "compose.again", title: t("Edit as new message"), when: received, run: () => desk.compose("edit") },
  ];
}
