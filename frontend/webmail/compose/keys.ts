// Commands of the composer (WEBMAIL-71). They are in the table of the page, and possible while a composer has the focus.

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";

/** Prefix of the ids of these commands. */
export const writing = "write.";

/** The methods of a composer that commands call. */
export interface Writing {
  submit(archive: boolean): Promise<void>;
  sendLater(): void;
  save(): Promise<boolean>;
  leave(): Promise<void>;
  format(): Promise<void>;
  go(to: "to" | "cc" | "bcc" | "reply_to"): void;
}

/** Add these commands to the table, once. `focused` returns the composer that has the focus; `newest` the same, or without one
 * the composer that was opened last: the palette takes the focus, so it lists only what that one can do. */
export function addKeys(
  desk: Pick<Surroundings, "commands">,
  focused: () => Writing | null,
  newest: () => Writing | null,
): void {
  if (desk.commands.has(`${writing}send`)) return;
  const command = (id: string, title: string, keys: string[], run: (one: Writing) => unknown): Command => ({
    id: writing + id,
    title,
    keys,
    quiet: true,
    when: () => focused() !== null,
    run: () => run(focused()!),
  });
  desk.commands.add(t("Composing"), [
    command("send", t("Send"), ["ctrl Enter"], (one) => one.submit(false)),
    command("send-archive", t("Send and archive conversation"), ["ctrl shift Enter"], (one) => one.submit(true)),
    {
      id: `${writing}send-later`,
      title: t("Schedule send…"),
      keys: ["ctrl alt Enter"],
      when: () => newest() !== null,
      run: () => newest()!.sendLater(),
    },
    command("save", t("Save draft"), ["ctrl s"], (one) => one.save()),
    command("close", t("Close"), ["Escape", "ctrl S"], (one) => one.leave()),
    command("format", t("Turn formatting on or off"), ["ctrl F"], (one) => one.format()),
    command("to", t("Go to recipients"), ["ctrl O"], (one) => one.go("to")),
    command("cc", t("Go to Cc"), ["ctrl C"], (one) => one.go("cc")),
    command("bcc", t("Go to Bcc"), ["ctrl B"], (one) => one.go("bcc")),
    command("reply-to", t("Go to Reply To"), ["ctrl Y"], (one) => one.go("reply_to")),
  ]);
}
