// Exporting a mailbox, or the selected messages.

import type { Client } from "../../gen/webmail";
import { attempt, dialog } from "../../lib/dialogs";
import { el } from "../../lib/dom";
import { postForm } from "../../lib/post";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import choices from "../choices.css";
import type { Mail } from "../state/mail";

adopt(choices);

/** The mail to export: a mailbox, which may contain others, or messages by their ids. */
export type Exported = { mailbox: string; parent: boolean } | { ids: number[] };

/** Ask for the format of the file, and have the browser download it. */
export async function exportMail(client: Client, base: string, what: Exported): Promise<void> {
  const title =
    "ids" in what
      ? many(what.ids.length, "Export this message", "Export {n} messages")
      : t("Export “{name}”", { name: what.mailbox });
  const below = el("input", { type: "checkbox" });
  const parent = "parent" in what && what.parent;
  const forms: [string, Record<string, string>][] = [
    [t("Single mbox file"), { format: "mbox", archive: "none" }],
    [t("ZIP archive of mbox files"), { format: "mbox", archive: "zip" }],
    [t("ZIP archive of Maildirs"), { format: "maildir", archive: "zip" }],
    [t("tar.gz archive of Maildirs"), { format: "maildir", archive: "tgz" }],
  ];
  const buttons = forms.map(([label, form], i) => {
    const button = el("button", { autofocus: i === 0 }, label);
    if (form["archive"] === "none") below.addEventListener("change", () => (button.disabled = below.checked));
    return { button, form };
  });
  const form = await dialog<Record<string, string>>(title, (close) => {
    for (const { button, form } of buttons) button.addEventListener("click", () => close(form));
    return [
      parent && el("label", { class: "check" }, below, t("Include subfolders")),
      el(
        "div",
        { class: "choices" },
        buttons.map(({ button }) => button),
      ),
    ].filter((part) => part !== false);
  });
  if (form === null) return;
  const chosen: Record<string, string> = "ids" in what ? { messageids: what.ids.join(",") } : { mailbox: what.mailbox };
  if (below.checked) chosen["recursive"] = "1";
  // a call first: if the session has ended, or the password is wanted, it shows a form, not a page with an error
  const allowed = await attempt(t("Exporting…"), t("Couldn't export"), () => client.export_prep());
  if (allowed) postForm(`${base}export`, { csrf: client.csrfToken, ...form, ...chosen });
}

/** Export the selection in the list; if not all of it is loaded, the whole mailbox. */
export async function exportSelected(client: Client, base: string, mail: Mail): Promise<void> {
  const ids = mail.choice.selected().map((item) => item.id);
  const mailbox = mail.current.value;
  if (mail.choice.selectedAreLoaded()) await exportMail(client, base, { ids });
  else if (mailbox !== undefined && mailbox.id > 0)
    await exportMail(client, base, { mailbox: mailbox.name, parent: false });
}
