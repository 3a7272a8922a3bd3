// What is dragged over the page: messages of the list to a mailbox, files from the desktop to a mailbox or the list, where they are
// imported (WEBMAIL-141). Composers take files by themselves.

import type { Alarmed, Client, Importing as State } from "../../gen/webmail";
import type { CommandTable } from "../../lib/commands";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { t } from "../../lib/words";
import type * as AlarmsPart from "../alarms/part";
import type { Surroundings } from "../commands/desk";
import { addImportCommand } from "../commands/reading";
import type { Box } from "../data/mailboxes";
import { isInboxes } from "../data/queries";
import type { Actions } from "../state/actions";
import type { Mail } from "../state/mail";
import type { MessageList } from "../ui/list";
import sheet from "./dropping.css";
import { Importing, kinds } from "./importing";

adopt(sheet);

/** The parts of the page that a drag concerns. */
interface Page {
  readonly base: string;
  readonly client: Client;
  readonly commands: CommandTable;
  readonly mail: Mail;
  readonly actions: Actions;
  readonly list: MessageList;
  readonly desk: Pick<Surroundings, "extra" | "load">;
}

/** A place that something can be dropped on: the mailbox of a row, or the list with the one that is shown. */
interface Place {
  readonly element: Element;
  readonly mailbox: Box | undefined;
  readonly label?: { readonly keyword: string; readonly name: string };
}

export class Dropping {
  private readonly importing: Importing;
  /** Whether messages of the list are dragged. */
  private moving = false;
  private marked: Element | null = null;

  constructor(private readonly page: Page) {
    this.importing = new Importing(page.client, page.base, page.mail, page.actions);
    document.addEventListener("dragstart", (event) => {
      this.moving = event.target instanceof Element && event.target.closest(".message") !== null;
    });
    document.addEventListener("dragend", () => this.left());
    document.addEventListener("dragover", (event) => this.over(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.mark(null));
    document.addEventListener("drop", (event) => this.drop(event));
    // from the menu of a mailbox
    addEventListener("importfiles", (event) => {
      const mailbox = page.mail.boxes.get((event as CustomEvent<number>).detail);
      if (mailbox !== undefined) void this.importing.choose(mailbox);
    });
    addImportCommand(page, () => {
      const here = page.mail.current.value;
      const mailbox = here !== undefined && here.id > 0 ? here : page.mail.boxes.named("Inbox");
      if (mailbox !== undefined) void this.importing.choose(mailbox);
    });
  }

  /** Show the state of an import, or alarms of the calendar that have come (DAV-51). */
  took(event: State | Alarmed): void {
    if (event.kind === "importing") this.importing.took(event);
    else void this.page.desk.extra<typeof AlarmsPart>("alarms").then((found) => found.showAlarms(this.page));
  }

  private over(event: DragEvent): void {
    const place = this.place(event);
    this.mark(place?.element ?? null);
    if (place !== null) event.preventDefault();
    else if (this.strays(event)) {
      event.preventDefault();
      event.dataTransfer!.dropEffect = "none";
    }
  }

  private drop(event: DragEvent): void {
    const place = this.place(event);
    const moving = this.moving;
    this.left();
    if (place === null) return;
    event.preventDefault();
    const { mailbox, label } = place;
    const files = [...(event.dataTransfer?.files ?? [])];
    if (label !== undefined) this.label(label);
    else if (moving) this.move(mailbox!);
    else if (files.length === 0) toast(kinds());
    else if (mailbox === undefined)
      toast(t("This list shows several folders. Drop the files on a single folder instead."));
    else void this.importing.begin(mailbox, files);
  }

  private label({ keyword, name }: { readonly keyword: string; readonly name: string }): void {
    const { actions, list, mail } = this.page;
    actions.flagItems(list.dragged ?? mail.choice.selected(), [keyword], true, {
      doing: () => t("Adding label “{name}”…", { name }),
      done: () => t("Added label “{name}”", { name }),
    });
  }

  private move(mailbox: Box): void {
    const { actions, list } = this.page;
    if (list.dragged === null) actions.move(mailbox, false);
    else actions.moveItems(list.dragged, mailbox, false);
  }

  /** The place below the pointer; null where nothing can be dropped, or where something else takes it. */
  private place(event: DragEvent): Place | null {
    const target = event.target;
    if (event.defaultPrevented || !(target instanceof Element)) return null;
    const { boxes, current, query } = this.page.mail;
    const row = target.closest(".mailbox");
    const id = row?.querySelector<HTMLElement>("[data-mailbox]")?.dataset["mailbox"];
    const mailbox = id === undefined ? undefined : boxes.get(Number(id));
    if (row !== null && mailbox !== undefined && mailbox.id > 0) return { element: row, mailbox };
    const { keyword, name } = row instanceof HTMLElement ? row.dataset : {};
    if (this.moving && row !== null && keyword !== undefined)
      return { element: row, mailbox: undefined, label: { keyword, name: name! } };
    const list = this.moving ? null : target.closest(".messages");
    return list === null
      ? null
      : { element: list, mailbox: isInboxes(query.value) ? boxes.named("Inbox") : current.value };
  }

  /** Whether files are dragged over a part of the page that does not take them: the browser would open them instead of the page. */
  private strays(event: DragEvent): boolean {
    const types = event.dataTransfer?.types ?? [];
    const taken = event.target instanceof Element && event.target.closest("input, dialog, [contenteditable]") !== null;
    return types.includes("Files") && !event.defaultPrevented && !taken;
  }

  private mark(element: Element | null): void {
    if (element === this.marked) return;
    this.marked?.classList.remove("drop");
    element?.classList.add("drop");
    this.marked = element;
  }

  private left(): void {
    this.moving = false;
    this.mark(null);
  }
}
