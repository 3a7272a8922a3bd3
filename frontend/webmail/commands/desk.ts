// The interface of the page for commands and parts.

import type { Client, MessageItem } from "../../gen/webmail";
import type { Command, CommandTable } from "../../lib/commands";
import type { Kind } from "../compose/kinds";
import type { Role } from "../data/mailboxes";
import type { AboutSender } from "../sender/part";
import type { Actions } from "../state/actions";
import type { AllSettings, Swipe } from "../state/settings";

export type Threading = "off" | "on";
/** Orders of the list. */
export const orders = ["newest", "oldest", "unread", "sender", "size"] as const;
export type Order = (typeof orders)[number];
/** An action on the messages of a row, without opening them. */
export type RowAction = Exclude<Swipe, "">;
/** What else the menu of a row has. */
export type RowChoice = "junk" | "flag" | "labels" | "move";
/** A place of its own, a page beside the mailboxes, or the legend: a part of this name. */
export type Page = "calendar" | "files" | "legend" | "newsletters" | "outbox" | "people";

/** A place other than mail, or a view of mail that has its side bar: its own part of the side bar, its view, and the title of the
 * page. */
export interface Place {
  readonly name: "calendar" | "mail" | "people";
  readonly title: string;
  readonly side?: HTMLElement;
  readonly view: HTMLElement;
}

/** An additional condition on the messages of a view; "" for none. */
export type Refinement = "" | "unread" | "read" | "flagged" | "attachments" | "people" | "newsletters";

/** The part for messages that are sent later, or come back later. */
export interface Later {
  chooseSending(): Promise<number | null>;
  putOff(desk: Surroundings & Selection, items: readonly MessageItem[]): Promise<void>;
  anotherTime(sent: boolean): Promise<number | null>;
}

/** The server, the account and the commands of the page, which every part is given. */
export interface Surroundings {
  readonly client: Client;
  /** Path of the app, with a slash at its end. */
  readonly base: string;
  readonly commands: CommandTable;
  /** The module of a part of the app, which parts cannot load by themselves. */
  load<T>(part: string): Promise<T>;
  /** The same for a part that the page loads by itself: if it can't be loaded, a line offers to try again, and this waits for that. */
  extra<T>(part: string): Promise<T>;
  /** The login address, and the addresses that the account may send from; known once the stream has begun. */
  facts(): { login_address: string; account_path: string; addresses: readonly string[] };
  /** The user's settings. */
  settings(): AllSettings;
  /** The actions that were done, with their undo. */
  readonly actions: Pick<Actions, "remember" | "forget" | "takeBack" | "run">;
}

/** The messages that an action is about. */
export interface Selection {
  /** The message that is shown; null if none or several are selected. */
  shown(): MessageItem | null;
  /** The messages that actions are about and that are loaded, in the order of the list: the selected ones, else that of the
   * cursor, if a key has moved it. */
  selected(): MessageItem[];
  /** Number of selected messages, loaded or not. */
  selectedCount(): number;
  /** Number of messages that actions are about, loaded or not. */
  aimed(): number;
  /** Id of the mailbox that is shown, 0 for a search. */
  here(): number;
  /** Whether the mailbox that is shown has this role. */
  inRole(role: Role): boolean;
  /** Whether Junk or Rejects is shown. */
  inJunk(): boolean;
  /** Whether the owner of the current mailbox permits an action there: letters of RFC 4314, or `own`. With a role, also whether
   * messages may be put into the owner's mailbox of this role. */
  may(rights: string, role?: Role, items?: readonly MessageItem[]): boolean;
  /** The message that is read; in a thread, the one that was opened last. */
  reading(): MessageItem | null;
}

/** Actions on messages, each with its undo. */
export interface Acting {
  /** Act on the messages of a row, selected or not. */
  act(items: readonly MessageItem[], action: RowAction | RowChoice): void;
  toRole(role: Role): void;
  /** Archive the thread that is read, or the message. */
  archiveThread(): void;
  chooseMove(): void;
  deleteForGood(): void;
  flag(flags: string[], add: boolean): void;
  /** Mark the selection as wanted mail; messages in Junk move to the Inbox. */
  notJunk(): void;
  chooseLabels(): void;
  /** Set the label of this number, counted from 1 in the order of the label dialog; clear it if all selected messages have it. */
  toggleLabel(number: number): void;
  /** Load the part for messages that wait for a time (WEBMAIL-125), and run this with it. */
  later(run: (found: Later) => Promise<void>): void;
  exportSelection(): void;
  /** Run an action about the sender of a message; resolves to whether it was done. */
  sender(item: MessageItem, what: AboutSender, masked?: string): Promise<boolean>;
  /** The name of the action that `undo` would take back, or "". */
  undoable(): string;
  undo(): void;
}

/** The list of messages: its focus, order, threads, search and conditions. */
export interface Lists {
  /** Move the focus of the list by rows, or to its ends with infinities. */
  moveFocus(by: number, how: "select" | "extend" | "focus"): void;
  toggleFocused(): void;
  selectAll(): void;
  unselect(): void;
  nextUnread(): void;
  /** Whether the list shows a search, and whether it is still running. */
  searching(): "" | "running" | "done";
  focusSearch(): void;
  stopSearch(): void;
  endSearch(): void;
  refinement(): Refinement;
  refine(to: Refinement): void;
  /** Show unread messages only, or all. */
  toggleUnread(): void;
  order(): Order;
  sort(order: Order): void;
  threading(): Threading;
  showThreads(how: Threading): void;
  moveThread(by: 1 | -1): void;
  selectThread(): void;
  /** Fold or unfold the focused thread; `expand` chooses which. */
  fold(expand?: boolean): void;
}

/** A message that is open. */
export interface OpenMessage {
  showText(): void;
  showHTML(): void;
  toggleHeaders(): void;
  openRaw(): void;
  /** Open it alone, in a new tab. */
  openTab(): void;
  openAttachments(): void;
  openDetails(): void;
  print(): void;
  download(): void;
  /** The messages of the conversation in which it is shown; none for a message alone. */
  readonly together: readonly MessageItem[];
  printThread(): void;
  /** Open the texts of the conversation in a new tab. */
  openThread(): void;
  downloadThread(): void;
  /** What the menu of the bar has for a message alone; a message of a conversation has a menu of its own. */
  readonly own: readonly Command[];
}

/** The message that is shown. */
export interface Reading {
  /** The message that is open; in a thread, the last one. */
  opened(): OpenMessage | null;
  /** Focus the text that is read. */
  focusMessage(): void;
  /** Scroll the message by screens, or to its ends with infinities. */
  scrollMessage(screens: number): void;
}

/** The composers. */
export interface Writing {
  /** Open a composer: for a new message, or from the one that is shown. `mailto` is an address that fills in a new message,
   * `leaves` a message of the list that is left when it is sent. */
  compose(kind: Kind, mailto?: string, leaves?: number): void;
  /** Show an element below the message that is read; false if another message is read. `released` is called when that message
   * is left, or another element comes to its place: the element must be shown elsewhere then. */
  dock(messageId: number, element: HTMLElement, released: () => void): boolean;
}

/** Pages, dialogs and mailboxes. */
export interface Navigation {
  /** Open the settings, which are in the account app. */
  openSettings(): void;
  /** Show the page dark if it is light, or the other way, from now on. */
  switchScheme(): void;
  openPage(name: Page): void;
  /** Show the mail. */
  openMail(): void;
  /** Show a place, which names itself in the address of the page. */
  openPlace(place: Place): void;
  /** Write the address of what a place shows, and the name of what is open there, for the title of the page. */
  tellAddress(address: string, name?: string): void;
  /** Open the side bar of a phone. */
  openSide(): void;
  findCommand(): void;
  showKeys(): void;
  /** Show the titles of the focused element and of its descendants. */
  showTitles(): void;
  openInbox(): void;
  /** Show the user's own mailbox of a role. */
  /** Open all inboxes, or the one that there is. */
  openInboxes(): void;
  openRole(role: Role): void;
  createMailbox(): void;
  /** The menu of the mailbox that is shown. */
  openMailboxMenu(): void;
  logOut(): void;
}

/** The whole page, for its commands. Parts ask for what they use of it. */
export interface Desk extends Surroundings, Selection, Acting, Lists, Reading, Writing, Navigation {}
