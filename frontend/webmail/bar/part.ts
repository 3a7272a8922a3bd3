// The bar above a message: the commands that are needed most, each an icon with its word; the others are in a menu. Without space
// for all words only the first command keeps its one; commands without space for the icon are in the menu, too (WEBMAIL-58,
// WEBMAIL-60). While rows are chosen it is above the list, icons alone. On a phone it is at the bottom.

import { type Command, type CommandTable, enabled, hintOf, titleOf } from "../../lib/commands";
import { el, fill, sign } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import {
  archive,
  arrowLeft,
  chevronLeft,
  chevronRight,
  circleCheck,
  clock,
  download,
  ellipsis,
  filePen,
  folderInput,
  forward,
  mail,
  mailOpen,
  octagonAlert,
  reply,
  replyAll,
  star,
  tag,
  trash2,
} from "../../lib/icons";
import { phone } from "../../lib/phone";
import { adopt } from "../../lib/sheets";
import { moveWithin, settle } from "../../lib/toolbar";
import { t } from "../../lib/words";
import sheet from "./bar.css";

adopt(sheet);

/** The commands of the bar, in this order; impossible ones are left out. What follows `menu` is always in the menu. */
const listed: readonly string[] = [
  "compose.edit",
  "compose.reply",
  "message.not-junk",
  "message.archive",
  "message.trash",
  "message.delete",
  "message.later",
  "message.labels",
  "message.move",
  "menu",
  "compose.reply-all",
  "compose.forward",
  "message.unread",
  "message.read",
  "message.flag",
  "message.unflag",
  "message.junk",
  "message.export",
];
/** Of chosen rows: what is done to several. */
const chosen: readonly string[] = [
  "message.not-junk",
  "message.archive",
  "message.trash",
  "message.delete",
  "message.read",
  "message.later",
  "message.labels",
  "menu",
  "message.move",
  "message.unread",
  "message.flag",
  "message.unflag",
  "message.junk",
  "message.export",
];
/** On a phone, below a message: what a thumb needs most first. */
const byThumb: readonly string[] = [
  "message.archive",
  "message.trash",
  "message.delete",
  "compose.edit",
  "compose.reply",
  "message.later",
  "menu",
  "compose.reply-all",
  "compose.forward",
  "message.not-junk",
  "message.labels",
  "message.move",
  "message.unread",
  "message.read",
  "message.flag",
  "message.unflag",
  "message.junk",
  "message.export",
];

const icons: Readonly<Record<string, string>> = {
  "compose.edit": filePen,
  "compose.reply": reply,
  "compose.reply-all": replyAll,
  "compose.forward": forward,
  "message.archive": archive,
  "message.trash": trash2,
  "message.delete": trash2,
  "message.junk": octagonAlert,
  "message.not-junk": circleCheck,
  "message.move": folderInput,
  "message.later": clock,
  "message.unread": mail,
  "message.read": mailOpen,
  "message.flag": star,
  "message.unflag": star,
  "message.labels": tag,
  "message.export": download,
};
/** Commands that keep their word when there is no space for all. */
const worded: readonly string[] = ["compose.edit", "compose.reply", "message.not-junk"];
/** Where words that can be spared have no room. */
const half = matchMedia("(min-width: 701px) and (max-width: 1279px)");

export { addReadingCommands } from "../commands/reading";
export { answerBar } from "./answer";
export { Seen } from "./seen";

/** Open a menu of commands at a button. */
export type OpenMenu = (anchor: HTMLElement, title: string, commands: readonly Command[]) => void;

/** The interface of the page for the bar. */
export interface BarOwner {
  readonly commands: CommandTable;
  back(): void;
  /** The place of the open message in the list, counted from 1, and the number of rows; null if none is open. */
  place(): { readonly at: number; readonly of: number } | null;
  /** An action was clicked: its key may be shown. */
  clicked(command: Command): void;
  readonly openMenu: OpenMenu;
}

/** The word of a command: without the dots of what asks further. */
const wordOf = (command: Command): string =>
  command.id === "message.read" ? t("Read") : titleOf(command).replace(/…$/, "");

export class Bar {
  private readonly buttons = el("div", { class: "toolbar-buttons" });
  private readonly more = el(
    "button",
    { class: "toolbar-more", "aria-haspopup": "menu", title: t("More actions"), "aria-label": t("More actions") },
    sign(ellipsis),
    el("span", { class: "word", "aria-hidden": "true" }, t("More")),
  );
  private readonly at = el("span", { class: "toolbar-at" });
  private readonly before: HTMLButtonElement;
  private readonly after: HTMLButtonElement;
  private folded: Command[] = [];

  constructor(
    private readonly root: HTMLElement,
    private readonly owner: BarOwner,
  ) {
    this.before = this.step("list.up", chevronLeft);
    this.after = this.step("list.down", chevronRight);
    this.more.addEventListener("click", () => owner.openMenu(this.more, t("More actions"), this.folded));
    const back = t("Back");
    this.root.append(
      this.buttons,
      this.more,
      el(
        "div",
        { class: "toolbar-head" },
        el("button", { class: "back", title: back, "aria-label": back, onclick: () => owner.back() }, sign(arrowLeft)),
        this.at,
        this.before,
        this.after,
      ),
    );
    moveWithin(this.root);
    new ResizeObserver(() => this.fold()).observe(this.root);
    phone.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** A button to the message above or below. */
  private step(id: string, path: string): HTMLButtonElement {
    const command = this.owner.commands.get(id);
    return el(
      "button",
      { title: hintOf(command), "aria-label": titleOf(command), onclick: () => command.run() },
      sign(path),
    );
  }

  /** Draw the bar again after the possible commands have changed. The focused button keeps the focus, and the bar is entered where
   * it was left. */
  draw(): void {
    const stop = this.buttons.querySelector<HTMLElement>("[data-stop]")?.dataset["command"];
    const focused = this.buttons.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset["command"]
      : undefined;
    fill(
      this.buttons,
      this.possible().shown.map((command) =>
        el(
          "button",
          {
            class: `${command.id === "message.delete" ? "danger" : ""}${command.id === "compose.reply" || command.id === "compose.edit" ? " soft" : ""}`,
            data: { command: command.id, ...(command.id === stop ? { stop: "1" } : {}) },
            title: hintOf(command),
            onclick: () => {
              this.owner.commands.run(command.id);
              this.owner.clicked(command);
            },
          },
          sign(icons[command.id] ?? ellipsis),
          el("span", { class: worded.includes(command.id) ? "word" : "word spare" }, wordOf(command)),
        ),
      ),
    );
    const place = this.owner.place();
    for (const one of [this.at, this.before, this.after]) one.hidden = place === null;
    if (place !== null) {
      fill(this.at, t("{at} of {all}", { at: place.at, all: place.of }));
      const steps = [this.before, this.after];
      const left = steps.find((step) => step === document.activeElement);
      this.before.disabled = place.at <= 1;
      this.after.disabled = place.at >= place.of;
      // the first or last message is reached: the focus goes on to the way back
      if (left?.disabled) (steps.find((step) => !step.disabled) ?? left).focus();
    }
    this.fold();
    if (focused === undefined) return;
    this.buttons.querySelector<HTMLElement>(`[data-command="${focused}"]`)?.focus();
    // the focused command is no longer possible, or is in the menu now
    if (!this.buttons.contains(document.activeElement)) focusHome();
  }

  /** The commands that are possible now: for the bar, where it has room, and for the menu. */
  private possible(): { shown: Command[]; others: Command[] } {
    const all = this.root.closest(".chosen-tools") !== null ? chosen : phone.matches ? byThumb : listed;
    const commands = (ids: readonly string[]) => ids.map((id) => this.owner.commands.get(id)).filter(enabled);
    const at = all.indexOf("menu");
    return { shown: commands(all.slice(0, at)), others: commands(all.slice(at + 1)) };
  }

  /** Hide the place in the list, words, then buttons without space, from the end, and offer these in the menu. */
  private fold(): void {
    const buttons = [...this.buttons.children].filter((child): child is HTMLElement => child instanceof HTMLElement);
    const focused = document.activeElement === this.more;
    const onList = this.root.closest(".chosen-tools") !== null;
    const spare = (button: HTMLElement) => button.querySelector(".spare") !== null;
    for (const button of buttons) {
      button.hidden = false;
      button.classList.toggle("bare", !phone.matches && (onList || (half.matches && spare(button))));
    }
    const { shown, others } = this.possible();
    this.more.hidden = others.length === 0;
    const crowded = () => this.buttons.scrollWidth > this.buttons.clientWidth;
    let count = buttons.length;
    this.root.classList.remove("tight");
    this.root.classList.toggle("tight", crowded());
    for (const button of phone.matches ? [] : [...buttons].reverse())
      if (crowded() && spare(button)) button.classList.add("bare");
    while (count > 1 && crowded()) {
      this.more.hidden = false;
      count--;
      buttons[count]!.hidden = true;
    }
    this.folded = [...shown.slice(count), ...others];
    if (focused) this.more.focus();
    settle(this.root);
  }
}
