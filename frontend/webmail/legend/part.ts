// The legend: the small signs of the list and of an opened message, with their meanings (WEBMAIL-65a). Signs and words come from
// the modules that draw them.

import { dialog } from "../../lib/dialogs";
import { type Child, el, sign } from "../../lib/dom";
import { bellOff, circleHelp, copy, cornerDownRight, download, ellipsis, paperclip, star } from "../../lib/icons";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import { validations } from "../message/people";
import { chip } from "../state/labels";
import { symbols, words } from "../ui/row";
import sheet from "./legend.css";

adopt(sheet);

/** A sign as it is drawn, and its meaning. */
type Entry = readonly [Child, string];

/** The meanings of the flags that are shown as words. */
const meanings: Readonly<Record<string, string>> = {
  "\\draft": t("Not sent yet"),
  $junk: t("Junk mail"),
  $phishing: t("Pretends to be from someone else"),
  "\\deleted": t("Marked as deleted in a mail app"),
};

const mark = (kind: string, shown: Child) => el("span", { class: `mark ${kind}` }, shown);

const list: readonly Entry[] = [
  [el("span", { class: "legend-unread" }), t("Unread")],
  [el("span", { class: "message-disc legend-disc c3" }, "AL"), t("Sender. Click to select the message")],
  ...symbols.map(([, path, title]): Entry => [mark("", sign(path, "icon")), title]),
  [mark("flagged", sign(star, "icon")), t("Flagged")],
  [mark("", sign(paperclip, "icon")), t("Attachments")],
  [mark("", sign(bellOff, "icon")), t("Muted. New messages in this conversation arrive as read")],
  ...words.map(([flag, word]): Entry => [mark("word", word), meanings[flag] ?? word]),
  [chip({ keyword: "", name: t("Label"), color: 2 }), t("Label. Click to show all messages with this label")],
  [el("span", { class: "keyword more" }, "+2"), t("Number of additional labels")],
  [el("span", { class: "keyword other-mailbox" }, t("Folder")), t("Folder, if different from the one you're viewing")],
  [el("span", { class: "legend-beside" }, t("Dimmed")), t("Muted, or only shown as part of its conversation")],
];

const conversations: readonly Entry[] = [
  [el("span", { class: "thread-count" }, "3"), t("Messages in this conversation")],
  [el("span", { class: "thread-count" }, "+2"), t("More messages in other folders (press → to show)")],
  [el("span", { class: "branch" }, sign(cornerDownRight, "icon")), t("Reply to the message above")],
  [el("span", { class: "branch" }, sign(circleHelp, "icon")), t("Original message not found")],
  [el("span", { class: "branch" }, sign(copy, "icon")), t("Copy of the message above (same Message-ID)")],
];

const opened: readonly Entry[] = [
  ...Object.values(validations).map(
    ([colour, why]): Entry => [el("span", { class: `validation ${colour}` }, "example.org"), why],
  ),
  [el("span", { class: "hint" }, t("signed")), t("The server doesn't verify signatures")],
  [el("span", { class: "hint" }, t("encrypted")), t("The server can't decrypt this message")],
  [el("b", { class: "elsewhere" }, "→ example.net"), t("This link leads to a different address than shown")],
  [sign(download, "icon"), t("Download")],
  [sign(ellipsis, "icon"), t("More message actions")],
];

/** Show the legend. */
export async function openPage(): Promise<void> {
  const section = (name: string, entries: readonly Entry[]) =>
    el(
      "section",
      {},
      el("h3", {}, name),
      el(
        "dl",
        {},
        entries.map(([shown, meaning]) => [el("dt", {}, shown), el("dd", {}, meaning)]),
      ),
    );
  await dialog<void>(t("Icons"), (close) => [
    el(
      "div",
      { class: "legend", tabindex: "0", role: "group", "aria-label": t("Icons") },
      section(t("List"), list),
      section(t("Conversation"), conversations),
      section(t("Message"), opened),
    ),
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { class: "primary", autofocus: true, onclick: () => close() }, t("Close")),
    ),
  ]);
}
