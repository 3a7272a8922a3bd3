// The commands that come with the first message that is read, or with a menu (WEBMAIL-71), in their groups.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { answerCommands } from "./answers";
import { listChoices, threadCommands } from "./choices";
import type { Desk } from "./desk";
import { messages } from "./messages";

/** Add these commands to the desk's table; `message` are those for the message that is read. */
export function addReadingCommands(desk: Desk, message: readonly Command[]): void {
  desk.commands.add(t("Messages"), messages(desk));
  desk.commands.add(t("Write"), answerCommands(desk));
  desk.commands.add(t("Message"), message);
  desk.commands.add(t("List"), listChoices(desk));
  desk.commands.add(t("Conversations"), threadCommands(desk));
}

/** Add the command that imports files into the mailbox that is shown. */
export function addImportCommand(desk: Pick<Desk, "commands">, run: () => void): void {
  desk.commands.add(t("Anywhere"), [{ id: "mailbox.import", title: t("Import files…"), run }]);
}
