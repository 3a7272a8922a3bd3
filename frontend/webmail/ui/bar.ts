// The bar above a message: the commands that are possible now. Commands without space are in a menu (WEBMAIL-58, WEBMAIL-60).

import { type Command, type CommandTable, enabled, hintOf, titleOf } from "../../lib/commands";
import { el, fill } from "../../lib/dom";
import { focusHome } from "../../lib/focus";
import { t } from "../../lib/words";

/** Open a menu of commands at a button. */
export type OpenMenu = (anchor: HTMLElement, title: string, commands: readonly Command[]) => void;

export class Bar {
  readonly root = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("Actions") });
  private readonly buttons = el("div", { class: "toolbar-buttons" });
  private readonly more = el("button", { class: "toolbar-more", "aria-haspopup": "menu", title: t("More actions"), "aria-label": t("More actions") }, "⋯");
  private folded: Command[] = [];

  constructor(
    private readonly commands: CommandTable,
    private readonly ids: readonly string[],
    back: () => void,
    /** Called when an action was clicked, to show its key. */
    private readonly clicked: (command: Command) => void,
    openMenu: OpenMenu,
  ) {
    this.more.addEventListener("click", () => openMenu(this.more, t("More actions"), this.folded));
    this.root.append(el("button", { class: "back", onclick: back }, t("‹ Back")), this.buttons, this.more);
    new ResizeObserver(() => this.fold()).observe(this.root);
  }

  /** Draw the bar again after the possible commands have changed. The focused button keeps the focus. */
  draw(): void {
    const focused = this.buttons.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["command"] : undefined;
    fill(
      this.buttons,
      this.possible().map((command) =>
        el(
          "button",
          {
            class: command.id === "message.delete" ? "danger" : "",
            data: { command: command.id },
            title: hintOf(command),
            onclick: () => {
              this.commands.run(command.id);
              this.clicked(command);
            },
          },
          titleOf(command),
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
    return this.ids.map((id) => this.commands.get(id)).filter(enabled);
  }

  /** Hide buttons without space, from the end, and offer them in the menu. */
  private fold(): void {
    const buttons = [...this.buttons.children].filter((child): child is HTMLElement => child instanceof HTMLElement);
    for (const button of buttons) button.hidden = false;
    this.more.hidden = true;
    const possible = this.possible();
    let shown = buttons.length;
    while (shown > 1 && this.buttons.scrollWidth > this.buttons.clientWidth) {
      this.more.hidden = false;
      shown--;
      buttons[shown]!.hidden = true;
    }
    this.folded = possible.slice(shown);
  }
}
