// Finding commands, by name or by key, and mailboxes by name.

import { anchor } from "../../lib/anchored";
import { pick } from "../../lib/picker";
import { adopt } from "../../lib/sheets";
import { mailboxName, t } from "../../lib/words";
import type { Box } from "../data/mailboxes";
import picker from "../../lib/picker.css";
import sheet from "./palette.css";

adopt(picker);
adopt(sheet);

export { openPalette, showKeys, showTitles } from "../../lib/palette";
export { pick };

/** Ask for one of these mailboxes by its name; `typed` is already in the field. */
export function chooseMailbox(title: string, mailboxes: readonly Box[], typed = ""): Promise<Box | null> {
  return pick(
    title,
    { label: t("Folder"), hint: t("Folder name"), nothing: t("No matching folders") },
    mailboxes,
    ({ name }) => mailboxName(name),
    { typed },
  );
}

/** Ask for the mailbox that messages are moved to, at the button for it. */
export function chooseTarget(mailboxes: readonly Box[], typed: string): Promise<Box | null> {
  const chosen = chooseMailbox(t("Move to"), mailboxes, typed);
  anchor('.toolbar [data-command="message.move"]', ".toolbar-more");
  return chosen;
}
