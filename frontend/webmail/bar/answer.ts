// The bar below a message by which it is answered, so that the reader need not go up to the toolbar.

import type { MessageItem } from "../../gen/webmail";
import { type CommandTable, enabled, hintOf } from "../../lib/commands";
import { el, isolated, sign } from "../../lib/dom";
import { filePen, forward, reply, replyAll } from "../../lib/icons";
import { t } from "../../lib/words";
import { firstName } from "../ui/format";
import { answering } from "../ui/row";

/** The bar for a message whose author is named, or for a draft; null for another that cannot be answered. */
export function answerBar(commands: CommandTable, item: MessageItem): HTMLElement | null {
  const [from] = item.from;
  const button = (id: string, kind: string, path: string, words: string) => {
    const command = commands.get(`compose.${id}`);
    return el(
      "button",
      { class: kind, title: hintOf(command), onclick: () => command.run() },
      sign(path),
      el("span", { dir: "auto" }, words),
    );
  };
  if (enabled(commands.get("compose.edit")))
    return el("div", { class: "answer-bar" }, button("edit", "answer-first", filePen, t("Edit")));
  if (from === undefined || !enabled(commands.get("compose.reply"))) return null;
  const several = item.to.length + item.cc.length > 1;
  return el(
    "div",
    { class: "answer-bar" },
    answering(item.keywords).map((words) => el("span", { class: "hint" }, words)),
    button("reply", "answer-first", reply, t("Reply to {name}…", { name: isolated(firstName(from)) })),
    several && button("reply-all", "", replyAll, t("Reply all")),
    button("forward", "", forward, t("Forward")),
  );
}
