// Commands for the messages of the list, opened or not (WEBMAIL-71).

import type { Command } from "../../lib/commands";
import { t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { Desk } from "./desk";

export function messages(desk: Desk): Command[] {
  const some = () => desk.aimed() > 0;
  // flags of messages that are not loaded are unknown: then both commands are offered
  const unknown = () => desk.selected().length < desk.aimed();
  const any =
    (flag: string, right: string, has = true) =>
    () =>
      desk.may(right) && (unknown() || desk.selected().some((item) => item.flags.includes(flag) === has));
  const deletable = () => some() && desk.may("te");
  const loaded = () => some() && desk.may("w") && !unknown();
  // in Trash, messages can only be moved out or deleted (WEBMAIL-83)
  const trash = () => some() && desk.may("te", "trash") && !desk.inRole("trash") && !desk.inRole("draft");
  const last = () => deletable() && (desk.inRole("trash") || desk.inRole("draft"));
  return [
    {
      id: "message.archive",
      title: t("Archive"),
      keys: ["a"],
      when: () => some() && !desk.inRole("archive") && desk.may("te", "archive"),
      run: () => desk.toRole("archive"),
    },
    { id: "message.trash", title: t("Trash"), keys: ["d", "Delete"], when: trash, run: () => desk.toRole("trash") },
    { id: "message.delete", title: t("Delete…"), keys: ["d", "Delete"], when: last, run: () => desk.deleteForGood() },
    {
      id: "message.delete-at-once",
      title: t("Delete permanently…"),
      keys: ["D"],
      when: deletable,
      run: () => desk.deleteForGood(),
    },
    {
      id: "message.junk",
      title: t("Junk"),
      keys: ["q"],
      when: () => some() && !desk.inRole("junk") && desk.may("te", "junk"),
      run: () => desk.toRole("junk"),
    },
    { id: "message.move", title: t("Move…"), keys: ["w"], when: deletable, run: () => desk.chooseMove() },
    {
      id: "message.later",
      title: t("Snooze…"),
      keys: ["b"],
      when: () => loaded() && desk.may(own),
      run: () => desk.later((found) => found.putOff(desk, desk.selected())),
    },
    {
      id: "message.read",
      title: t("Mark read"),
      keys: ["m"],
      when: any("\\seen", "s", false),
      run: () => desk.flag(["\\seen"], true),
    },
    {
      id: "message.unread",
      title: t("Mark unread"),
      keys: ["M"],
      when: any("\\seen", "s"),
      run: () => desk.flag(desk.may("w") ? ["\\seen", "$junk", "$notjunk"] : ["\\seen"], false),
    },
    {
      id: "message.not-junk",
      title: t("Not junk"),
      keys: ["Q"],
      when: () => some() && (desk.inJunk() ? desk.may("w") : any("$junk", "w")()),
      run: () => desk.notJunk(),
    },
    {
      id: "message.flag",
      title: t("Flag"),
      keys: ["s"],
      when: () => some() && desk.may("w") && !desk.selected().some((item) => item.flags.includes("\\flagged")),
      run: () => desk.flag(["\\flagged"], true),
    },
    {
      id: "message.unflag",
      title: t("Unflag"),
      keys: ["s"],
      when: any("\\flagged", "w"),
      run: () => desk.flag(["\\flagged"], false),
    },
    { id: "message.labels", title: t("Labels…"), keys: ["y"], when: loaded, run: () => desk.chooseLabels() },
    ...Array.from(
      { length: 9 },
      (_, i): Command => ({
        id: `message.label-${i + 1}`,
        title: t("Add or remove label {n}", { n: i + 1 }),
        keys: [String(i + 1)],
        quiet: true,
        when: loaded,
        run: () => desk.toggleLabel(i + 1),
      }),
    ),
    { id: "message.export", title: t("Export…"), keys: ["E"], when: some, run: () => desk.exportSelection() },
  ];
}
