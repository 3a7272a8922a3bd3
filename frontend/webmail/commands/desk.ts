// What commands and parts work on: the page as they see it.

import type { Client, MessageItem } from "../../gen/webmail";
import type { CommandTable } from "../../lib/commands";
import type { Kind } from "../compose/part";
import type { Role } from "../data/mailboxes";
import type { AboutSender } from "../sender/part";
import type { Actions } from "../state/actions";
import type { AllSettings, Local } from "../state/settings";

export type Threading = "off" | "on" | "unread";
/** What a view is narrowed to, beside what it shows; "" for all of it. */
export type Refinement = "" | "unread" | "read" | "flagged" | "attachments";

export interface Desk {
  readonly client: Client;
  /** Path of the app, with a slash at its end. */
  readonly base: string;
  readonly commands: CommandTable;
  /** Address of the log-in, and those that the account may send from; known once the stream has begun. */
  facts(): { login_address: string; addresses: readonly string[] };

  /** The message that is shown, if it is one. */
  shown(): MessageItem | null;
  /** The selected messages that are loaded, in the order of the list. */
  selected(): MessageItem[];
  /** How many are selected, loaded or not. */
  selectedCount(): number;
  /** Whether the mailbox that is shown has this role. */
  inRole(role: Role): boolean;
  /** Whether the owner of the mailbox that is shown lets this be done there: letters of RFC 4314, or `own`; with a role: and
   * messages be put into their mailbox with it. */
  may(rights: string, role?: Role): boolean;

  /** Move the focus of the list by rows, or to its ends with infinities. */
  moveFocus(by: number, how: "select" | "extend" | "focus"): void;
  toggleFocused(): void;
  selectAll(): void;
  unselect(): void;
  nextUnread(): void;

  toRole(role: Role): void;
  /** Put the thread away that is read, or the message. */
  archiveThread(): void;
  chooseMove(): void;
  deleteForGood(): void;
  flag(flags: string[], add: boolean): void;
  /** Marks what is selected as wanted mail; out of Junk it goes to the Inbox. */
  notJunk(): void;
  chooseLabels(): void;
  exportSelection(): void;
  /** What `undo` would take back, in words; "" when there is nothing. */
  undoable(): string;
  undo(): void;
  /** What was done, and how it is taken back. */
  readonly actions: Pick<Actions, "remember" | "forget" | "takeBack">;

  showText(): void;
  showHTML(): void;
  toggleHeaders(): void;
  openRaw(): void;
  /** The message alone, in a new tab. */
  openTab(): void;
  openAttachments(): void;
  openDetails(): void;
  /** Put the focus into what is read. */
  focusMessage(): void;
  /** Set the label of this number, counted in the order of the label dialog from 1 on, or clear it where all have it. */
  toggleLabel(number: number): void;
  /** Scroll the message by screens, or to its ends with infinities. */
  scrollMessage(screens: number): void;

  /** What the user has set. */
  settings(): AllSettings;
  /** How the panes lie in this browser. */
  readonly panes: { readonly local: Local; set(local: Local): void };
  openSettings(): void;
  findCommand(): void;
  showKeys(): void;
  /** Show the titles of what has the focus, and of what is in it. */
  showTitles(): void;

  /** The message that is read; of a thread the one that was opened last. */
  reading(): MessageItem | null;
  /** Do something about the sender of a message. */
  sender(item: MessageItem, what: AboutSender): void;

  /** Begin a message: a new one, or from the one that is shown; `mailto` is an address that fills in a new one. */
  compose(kind: Kind, mailto?: string): void;

  /** Whether the list is a search: one that is running, or done. */
  searching(): "" | "running" | "done";
  focusSearch(): void;
  stopSearch(): void;
  endSearch(): void;
  refinement(): Refinement;
  refine(to: Refinement): void;

  threading(): Threading;
  showThreads(how: Threading): void;
  moveThread(by: 1 | -1): void;
  selectThread(): void;
  /** Fold the focused thread, or unfold it; `expand`: which of the two. */
  fold(expand?: boolean): void;
  /** Whether all selected messages are muted. */
  allMuted(): boolean;
  toggleMute(): void;

  openInbox(): void;
  createMailbox(): void;
  /** The menu of the mailbox that is shown. */
  openMailboxMenu(): void;
  toggleUnread(): void;
  logOut(): void;
}
