// The bar above a message: the commands that are possible now, each an icon with its word. Without space for all words only the
// first commands keep theirs; commands without space for the icon are in a menu (WEBMAIL-58, WEBMAIL-60). On a phone the bar is at
// the bottom: icons alone, what a thumb needs most first.

import { type Command, type CommandTable, enabled, hintOf, titleOf } from "../../lib/commands";
import { el, fill, sign } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import {
  archive,
  arrowLeft,
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
import { moveWithin, settle } from "../../lib/toolbar";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import sheet from "./bar.css";

adopt(sheet);

/** The commands of the bar, in this order; impossible ones are left out. */
const listed: readonly string[] = [
  "compose.edit",
  "compose.reply",
  "compose.reply-all",
  "compose.forward",
  "message.archive",
  "message.trash",
  "message.delete",
  "message.junk",
  "message.later",
  "message.move",
  "message.unread",
  "message.read",
  "message.flag",
  "message.unflag",
  "message.labels",
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
const worded: readonly string[] = ["compose.edit", "compose.reply", "message.archive"];
/** The order of commands on a phone; the others follow. */
const byThumb: readonly string[] = [
  "message.archive",
  "message.trash",
  "message.delete",
  "compose.edit",
  "compose.reply",
];
const phone = matchMedia("(max-width: 700px)");

/** Open a menu of commands at a button. */
export type OpenMenu = (anchor: HTMLElement, title: string, commands: readonly Command[]) => void;

export class Bar {
  private readonly buttons = el("div", { class: "toolbar-buttons" });
  private readonly more = el(
    "button",
    { class: "toolbar-more", "aria-haspopup": "menu", title: t("More actions"), "aria-label": t("More actions") },
    sign(ellipsis),
  );
  private folded: Command[] = [];

  constructor(
    private readonly root: HTMLElement,
    private readonly commands: CommandTable,
    back: () => void,
    /** Called when an action was clicked, to show its key. */
    private readonly clicked: (command: Command) => void,
    openMenu: OpenMenu,
  ) {
    this.more.addEventListener("click", () => openMenu(this.more, t("More actions"), this.folded));
    this.root.append(
      el("button", { class: "back", title: t("Back"), "aria-label": t("Back"), onclick: back }, sign(arrowLeft)),
      this.buttons,
      this.more,
    );
    moveWithin(this.root);
    new ResizeObserver(() => this.fold()).observe(this.root);
    phone.addEventListener("change", () => this.draw());
    this.draw();
  }

  /** Draw the bar again after the possible commands have changed. The focused button keeps the focus. */
  draw(): void {
    const focused = this.buttons.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset["command"]
      : undefined;
    fill(
      this.buttons,
      this.possible().map((command) =>
        el(
          "button",
          {
            class: `${command.id === "message.delete" ? "danger" : ""}${command.id === "compose.reply" || command.id === "compose.edit" ? " soft" : ""}`,
            data: { command: command.id },
            title: hintOf(command),
            onclick: () => {
              this.commands.run(command.id);
              this.clicked(command);
            },
          },
          sign(icons[command.id] ?? ellipsis),
          el("span", { class: worded.includes(command.id) ? "word" : "word spare" }, titleOf(command)),
        ),
      ),
    );
    this.fold();
    if (focused === undefined) return;
    this.buttons.querySelector<HTMLElement>(`[data-command="${focused}"]`)?.focus();
    // the focused command is no longer possible, or is in the menu now
    if (!this.buttons.contains(document.activeElement)) focusHome();
  }

  private possible(): Command[] {
    const possible = listed.map((id) => this.commands.get(id)).filter(enabled);
    if (!phone.matches) return possible;
    const place = ({ id }: Command) => byThumb.indexOf(id) + 1 || byThumb.length + 1;
    return possible.sort((a, b) => place(a) - place(b));
  }

  /** Hide words, then buttons without space, from the end, and offer these in the menu. */
  private fold(): void {
    const buttons = [...this.buttons.children].filter((child): child is HTMLElement => child instanceof HTMLElement);
    const focused = document.activeElement === this.more;
    for (const button of buttons) button.hidden = false;
    this.more.hidden = true;
    const possible = this.possible();
    const crowded = () => this.buttons.scrollWidth > this.buttons.clientWidth;
    let shown = buttons.length;
    this.root.classList.remove("tight");
    this.root.classList.toggle("tight", crowded());
    while (shown > 1 && crowded()) {
      this.more.hidden = false;
      shown--;
      buttons[shown]!.hidden = true;
    }
    this.folded = possible.slice(shown);
    if (focused) this.more.focus();
    settle(this.root);
  }
}
