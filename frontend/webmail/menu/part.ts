// Menus of commands, and a hint with the key of a clicked command.

import type { MessageItem } from "../../gen/webmail";
import { type Command, enabled, keyText } from "../../lib/commands";
import { el } from "../../lib/dom";
import { logOut } from "../../lib/logout";
import { type Entries, openMenu, openMenuAt } from "../../lib/menu";
import type { Session } from "../../lib/session";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import { listMenu } from "../commands/choices";
import type { Desk, RowAction, RowChoice } from "../commands/desk";
import { senderCommands } from "../commands/sender";
import type { Kind } from "../compose/kinds";
import type * as ComposePart from "../compose/part";
import type { Offline } from "../offline/part";
import { accountCommands, logOutOfAll } from "./accounts";
import sheet from "./menu.css";

adopt(sheet);

/** Close the topmost of these, which Back was pressed for. */
export function closeLayer(layer: string, drawer: { close(): void }, desk: Pick<Desk, "unselect" | "load">): void {
  const found = [...document.querySelectorAll(layer)].at(-1);
  const pressed = new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
  if (layer === "body.show-side") drawer.close();
  else if (layer === "body.choosing") desk.unselect();
  else if (layer.startsWith(".composer")) void desk.load<typeof ComposePart>("compose").then(({ leave }) => leave());
  else found?.dispatchEvent(found.matches(":modal") ? new Event("cancel", { cancelable: true }) : pressed);
}

/** Log out, unless the user wants to stay where something would be lost. */
export async function leave(page: {
  readonly desk: Pick<Desk, "load">;
  readonly session: Session;
  readonly stream: { stop(): void };
  offline(): Promise<Offline | undefined> | undefined;
}): Promise<void> {
  if ((await (await page.offline())?.mayLeave()) === false) return;
  // the browser would keep their text for the next one who sits down at it
  if (
    document.querySelector(".composer") !== null &&
    !(await (await page.desk.load<typeof ComposePart>("compose")).leaveAll())
  )
    return;
  page.stream.stop();
  await logOut(page.session);
}

/** Open the menu at the top of the side bar. */
export function openAccountMenu(at: HTMLElement, desk: Desk): void {
  const command = (id: string) => desk.commands.get(id);
  openMenu(at, t("Account and settings"), [
    ...accountCommands(desk),
    command("app.newsletters"),
    command("app.scheme"),
    command("app.keys"),
    null,
    ...[command("app.settings")].filter(enabled),
    command("app.log-out"),
    ...logOutOfAll(desk),
  ]);
}

/** Open the menu of the list: what it shows, each choice with its mark. */
export function openListMenu(at: HTMLElement, desk: Desk): void {
  const command = (id: string) => desk.commands.get(id);
  const choices = listMenu.flatMap((group) => [...group.map(command), null]);
  openMenu(at, t("List options"), [...choices, command("app.signs")]);
}

/** Commands for the messages of one row, opened or not: its menu. */
function rowCommands(desk: Desk, items: readonly MessageItem[]): Entries {
  const unread = items.some((item) => !item.flags.includes("\\seen"));
  const act = (
    action: RowAction | RowChoice,
    title: string,
    like: string = action,
    when: () => boolean = () => true,
  ): Command => ({
    id: `row.${action}`,
    title,
    keys: desk.commands.get(`message.${like}`).keys!,
    when,
    run: () => desk.act(items, action),
  });
  const flagged = items.some((one) => one.flags.includes("\\flagged"));
  const moves = () => desk.may("te", undefined, items);
  const [item] = items.length === 1 ? items : [];
  const answer = (kind: Kind, title: string, key: string): Command => ({
    id: `row.${kind}`,
    title,
    keys: [key],
    run: async () => (await desk.load<typeof ComposePart>("compose")).compose(desk, toast, kind, item!, ""),
  });
  const many = item !== undefined && item.to.length + item.cc.length > 1;
  return [
    ...(item === undefined || item.flags.includes("\\draft")
      ? []
      : [
          answer("reply", t("Reply"), "r"),
          ...(many ? [answer("reply_all", t("Reply to all"), "R")] : []),
          answer("forward", t("Forward"), "f"),
          null,
        ]),
    act("archive", t("Archive")),
    act("trash", t("Move to Trash")),
    act("junk", t("Junk"), "junk", () => !desk.inRole("junk") && desk.may("te", "junk", items)),
    unread ? act("read", t("Mark read")) : act("read", t("Mark unread"), "unread"),
    act("flag", flagged ? t("Unflag") : t("Flag"), "flag", () => desk.may("w", undefined, items)),
    null,
    act("later", t("Snooze…")),
    act("labels", t("Labels…")),
    act("move", t("Move…"), "move", moves),
    ...(item === undefined ? [] : [null, ...senderCommands(desk, () => item)]),
  ];
}

/** Commands of a message, and those about its sender. */
const messageCommands = (desk: Desk, item: MessageItem, commands: readonly Command[]): Command[] =>
  [...commands, ...senderCommands(desk, () => item)].filter(enabled);

/** Open the menu of a message in a conversation. */
export function openMessageMenu(at: HTMLElement, desk: Desk, item: MessageItem, commands: readonly Command[]): void {
  openMenu(at, t("More message actions"), messageCommands(desk, item, commands));
}

/** Open the menu of the bar: what that has no room for, and all about a message that is open alone. */
export function openBarMenu(at: HTMLElement, desk: Desk, title: string, commands: readonly Command[]): void {
  const own = at.closest(".chosen-tools") === null ? desk.opened()?.own : [];
  const item = desk.reading();
  openMenu(at, title, own?.length && item ? [...commands, null, ...messageCommands(desk, item, own)] : commands);
}

/** Open the menu of a row at a point of the list. */
export function openRowMenu(
  at: { x: number; y: number },
  list: HTMLElement,
  desk: Desk,
  items: readonly MessageItem[],
): void {
  openMenuAt(
    at,
    list,
    t("Actions for this row"),
    rowCommands(desk, items).filter((one) => one === null || enabled(one)),
  );
}

/** Milliseconds that the key of a clicked action is shown (WEBMAIL-60). */
const hinted = 1500;
let hint: HTMLElement | null = null;

/** Show the key of a command that was clicked. A finger has no keys, and needs the button below the hint. */
export function hintKey(command: Command): void {
  hint?.remove();
  const key = command.keys?.[0];
  if (key === undefined || matchMedia("(pointer: coarse)").matches) return;
  const shown = el("div", { class: "key-hint", "aria-hidden": "true" }, el("kbd", {}, keyText(key)));
  hint = shown;
  document.body.append(shown);
  setTimeout(() => shown.remove(), hinted);
}
