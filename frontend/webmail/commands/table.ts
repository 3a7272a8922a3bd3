// The commands of the webmail (WEBMAIL-71): title, keys and condition of each. The desk implements them. Parts add their own:
// compose, search, settings.

import type { Command } from "../../lib/commands";
import { mailboxName, t } from "../../lib/words";
import { own } from "../data/mailboxes";
import type { Desk } from "./desk";

/** Add the basic commands to the desk's table. */
export function addCommands(desk: Desk): void {
  desk.commands.add(t("Write"), [
    { id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") },
  ]);
  desk.commands.add(t("Anywhere"), anywhere(desk));
  desk.commands.add(t("List"), list(desk));
  desk.commands.add(t("Messages"), messages(desk));
}

/** A place with a sequence of keys. */
function goTo(key: string, name: string, run: () => unknown): Command {
  return { id: `go.${key}`, title: t("Go to {name}", { name }), keys: [`g ${key}`], run };
}

function anywhere(desk: Desk): Command[] {
  return [
    { id: "app.palette", title: t("Find command"), keys: ["ctrl k"], quiet: true, run: () => desk.findCommand() },
    { id: "app.keys", title: t("Keyboard shortcuts"), keys: ["?"], run: () => desk.showKeys() },
    { id: "app.signs", title: t("Icon guide"), run: () => desk.openPage("legend") },
    { id: "app.titles", title: t("Describe this control"), keys: ["ctrl ?"], run: () => desk.showTitles() },
    {
      id: "app.undo",
      title: () => (desk.undoable() === "" ? t("Undo") : t("Undo: {what}", { what: desk.undoable() })),
      keys: ["ctrl z"],
      when: () => desk.undoable() !== "",
      run: () => desk.undo(),
    },
    { id: "app.inbox", title: t("Open Inbox"), keys: ["i", "g i"], run: () => desk.openInbox() },
    goTo("u", t("All inboxes"), () => desk.openInboxes()),
    goTo("t", mailboxName("Sent"), () => desk.openRole("sent")),
    goTo("d", mailboxName("Drafts"), () => desk.openRole("draft")),
    goTo("e", mailboxName("Archive"), () => desk.openRole("archive")),
    goTo("s", t("Flagged"), () => (location.hash = "search:is%3Aflagged")),
    goTo("a", t("All mail"), () => (location.hash = "search:in%3Aanywhere")),
    { id: "app.unread-only", title: t("Switch between unread and all messages"), run: () => desk.toggleUnread() },
    { id: "mailbox.menu", title: t("Folder actions"), keys: ["B"], run: () => desk.openMailboxMenu() },
    {
      id: "app.waiting",
      title: t("Scheduled and snoozed messages…"),
      run: () => desk.later((found) => found.showWaiting(desk)),
    },
    { id: "app.scheme", title: t("Toggle dark mode"), run: () => desk.switchScheme() },
    { id: "app.settings", title: t("Settings…"), keys: ["ctrl !"], run: () => desk.openSettings() },
    { id: "app.calendar", title: t("Calendar"), keys: ["g c"], run: () => desk.openPage("calendar") },
    { id: "app.people", title: t("People"), run: () => desk.openPage("people") },
    { id: "app.newsletters", title: t("Newsletters"), run: () => desk.openPage("newsletters") },
    { id: "mailbox.create", title: t("New folder…"), run: () => desk.createMailbox() },
    { id: "app.log-out", title: t("Log out"), run: () => desk.logOut() },
  ];
}

/** The three forms of a movement in the list: with ctrl only the focus moves, with shift the selection grows. */
function move(desk: Desk, id: string, title: string, by: number, key: string, letter: string): Command[] {
  const upper = letter.toUpperCase();
  const extend = upper === letter ? [`shift ${key}`] : [`shift ${key}`, upper];
  return [
    { id: `list.${id}`, title, keys: [letter, key], quiet: true, run: () => desk.moveFocus(by, "select") },
    {
      id: `list.${id}-extend`,
      title: t("{title}, extending selection", { title }),
      keys: extend,
      quiet: true,
      run: () => desk.moveFocus(by, "extend"),
    },
    {
      id: `list.${id}-focus`,
      title: t("{title}, without selecting", { title }),
      keys: [`ctrl ${key}`],
      quiet: true,
      run: () => desk.moveFocus(by, "focus"),
    },
  ];
}

function list(desk: Desk): Command[] {
  const some = () => desk.selectedCount() > 0;
  return [
    ...move(desk, "down", t("Next message"), 1, "ArrowDown", "j"),
    ...move(desk, "up", t("Previous message"), -1, "ArrowUp", "k"),
    ...move(desk, "page-down", t("Down 10 messages"), 10, "PageDown", "l"),
    ...move(desk, "page-up", t("Up 10 messages"), -10, "PageUp", "h"),
    ...move(desk, "last", t("Last message"), Infinity, "End", "."),
    ...move(desk, "first", t("First message"), -Infinity, "Home", ","),
    {
      id: "list.open",
      title: t("Open message"),
      keys: ["Enter"],
      quiet: true,
      run: () => desk.moveFocus(0, "select"),
    },
    {
      id: "list.toggle",
      title: t("Select or deselect"),
      keys: ["x", "Space", "ctrl Space"],
      quiet: true,
      run: () => desk.toggleFocused(),
    },
    { id: "list.next-unread", title: t("Next unread message"), keys: ["u"], run: () => desk.nextUnread() },
    { id: "list.all", title: t("Select all messages"), keys: ["ctrl a"], run: () => desk.selectAll() },
    { id: "list.none", title: t("Back to message list"), keys: ["Escape"], when: some, run: () => desk.unselect() },
  ];
}

function messages(desk: Desk): Command[] {
  const some = () => desk.aimed() > 0;
  // flags of messages that are not loaded are unknown: then both commands are offered
  const unknown = () => desk.selected().length < desk.aimed();
  const any = (flag: string, right: string) => () =>
    desk.may(right) && (unknown() || desk.selected().some((item) => item.flags.includes(flag)));
  const anyWithout = (flag: string, right: string) => () =>
    desk.may(right) && (unknown() || desk.selected().some((item) => !item.flags.includes(flag)));
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
      when: anyWithout("\\seen", "s"),
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
      when: () => some() && (desk.inRole("junk") ? desk.may("w") : any("$junk", "w")()),
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
