// The commands of the webmail (WEBMAIL-71): title, keys and condition of each. The desk implements them. Parts add their own:
// compose, search, settings.

import type { Command } from "../../lib/commands";
import { mailboxName, meant, t } from "../../lib/words";
import type { Desk } from "./desk";

/** Add the basic commands to the desk's table. */
export function addCommands(desk: Desk): void {
  desk.commands.add(t("Write"), [
    { id: "compose.new", title: t("New message"), keys: ["c"], run: () => desk.compose("new") },
  ]);
  desk.commands.add(t("Anywhere"), anywhere(desk));
  desk.commands.add(t("List"), list(desk));
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
      title: t("Outbox: scheduled and snoozed messages"),
      run: () => desk.openPage("outbox"),
    },
    { id: "app.scheme", title: t("Toggle dark mode"), run: () => desk.switchScheme() },
    {
      id: "app.settings",
      title: t("Settings…"),
      keys: ["ctrl !"],
      when: () => desk.facts().account_path !== "",
      run: () => desk.openSettings(),
    },
    { id: "app.mail", title: meant("place", "Mail"), keys: ["g m"], run: () => desk.openMail() },
    { id: "app.calendar", title: t("Calendar"), keys: ["g c"], run: () => desk.openPage("calendar") },
    { id: "app.people", title: meant("place", "Contacts"), keys: ["g p"], run: () => desk.openPage("people") },
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
    ...move(desk, "page-down", t("Move down 10 messages"), 10, "PageDown", "l"),
    ...move(desk, "page-up", t("Move up 10 messages"), -10, "PageUp", "h"),
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
