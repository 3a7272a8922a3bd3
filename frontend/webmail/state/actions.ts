// Actions on messages: shown at once, sent in order, reported by a toast, and undone by Undo (WEBMAIL-70, 82..84, 124, 137).

import type { Client, MessageItem } from "../../gen/webmail";
import { codeOf, messageOf } from "../../lib/client";
import { part } from "../../lib/parts";
import { signal } from "../../lib/signal";
import { type Toast, toast } from "../../lib/toasts";
import { mailboxName, many, t } from "../../lib/words";
import type * as BulkPart from "../bulk/part";
import { type Box, type Role, allows } from "../data/mailboxes";
import type { Action, QueryChange } from "../data/pending";
import { isInboxes } from "../data/queries";
import type { Mail } from "./mail";
import type { Undo } from "./undo";

/** Number of actions that can be undone (WEBMAIL-124). */
const undoSteps = 20;
/** The texts of an action on a number of messages, while it is running and when it is done. */
export interface Named {
  readonly doing: (n: number) => string;
  readonly done: (n: number) => string;
}

/** Milliseconds that an action may take before the page reports that it waits. */
const waitsAfter = 1_000;

function movedTo({ name }: Pick<Box, "name">): Named {
  const mailbox = mailboxName(name);
  return {
    doing: (n) => many(n, "Moving to {mailbox}…", "Moving {n} messages to {mailbox}…", { mailbox }),
    done: (n) => many(n, "Moved to {mailbox}", "{n} messages moved to {mailbox}", { mailbox }),
  };
}

export class Actions {
  /** The name of the action that Undo takes back; "" without one. */
  readonly undoable = signal("");
  /** Counts actions: a message about one action is removed with the next action. */
  readonly done = signal(0);
  private undos: Undo[] = [];
  private last: Toast | null = null;
  private failure: Toast | null = null;
  /** Number of the newest action, which the toast is about. */
  private newest = 0;
  private running = false;

  constructor(
    private readonly client: Client,
    private readonly mail: Mail,
    /** Called after the user moved a single message, the server has done it, and no other action was started since. */
    private readonly moved: (item: MessageItem, mailbox: Box) => void,
  ) {}

  /** Move the selection, or `chosen`, to the mailbox of their home with this role; false without one. */
  toRole(role: Role, chosen?: readonly MessageItem[]): boolean {
    const { boxes } = this.mail;
    if (chosen === undefined && isInboxes(this.mail.query.value) && !this.mail.choice.selectedAreLoaded()) {
      const target = boxes.withRole(role);
      if (target !== undefined) void this.onQuery({ action: "move", mark_seen: true }, movedTo(target), role);
      return target !== undefined;
    }
    const homes = this.mail.homes(chosen);
    const targets = [...(homes.size > 0 ? homes : [""])].map((home) => boxes.withRole(role, home));
    if (targets.includes(undefined)) return false;
    // WEBMAIL-83: archived messages become read
    if (targets.length === 1 && chosen === undefined) this.move(targets[0]!, true);
    else {
      // messages move within their home
      const items = chosen ?? this.targets();
      for (const target of targets)
        this.moveItems(
          items.filter((item) => boxes.get(item.mailbox_id)?.home === target!.home),
          target!,
          true,
        );
    }
    return true;
  }

  /** Move the selection. */
  move(mailbox: Box, markSeen: boolean): void {
    if (mailbox.id === this.mail.current.value?.id) return;
    if (!this.mail.choice.selectedAreLoaded()) {
      void this.onQuery({ action: "move", mailbox_id: mailbox.id, mark_seen: markSeen }, movedTo(mailbox));
      return;
    }
    this.moveItems(this.targets(), mailbox, markSeen);
  }

  /** Move these messages. */
  moveItems(all: readonly MessageItem[], mailbox: Box, markSeen: boolean): void {
    const named = movedTo(mailbox);
    const items = all.filter((item) => item.mailbox_id !== mailbox.id);
    if (items.length === 0) return;
    const unread = markSeen ? items.filter((item) => !item.flags.includes("\\seen")) : [];
    const ids = items.map((item) => item.id);
    const leaves = this.mail.leavesFor(mailbox);
    const turn = this.done.value + 1;
    const action: Action = {
      shown: leaves
        ? { remove: { ids: new Set(ids), to: mailbox.id } }
        : { moved: { ids: new Set(ids), mailboxId: mailbox.id } },
      call: async () => {
        await this.client.message_move(ids, mailbox.id, markSeen);
        if (items.length === 1 && turn === this.done.value) this.moved(items[0]!, mailbox);
      },
    };
    // messages that move to another account's file, or lose flags, get new ids
    const back = ({ mailbox_id }: MessageItem) => {
      const box = this.mail.boxes.get(mailbox_id);
      return box?.owner === mailbox.owner && allows(box, "i") && allows(mailbox, "swte");
    };
    const undo = { what: named.done(items.length), actions: () => this.back(items, mailbox.id, unread) };
    this.perform(action, named, items.length, t("Couldn't move messages"), items.every(back) ? undo : null);
    if (leaves) this.mail.choice.left(items);
  }

  /** Set or clear flags and keywords of the selection. */
  flag(flags: readonly string[], add: boolean, named: Named): void {
    if (!this.mail.choice.selectedAreLoaded()) {
      void this.onQuery({ action: add ? "flags_add" : "flags_clear", flags: [...flags] }, named);
      return;
    }
    this.flagItems(this.mail.choice.selected(), flags, add, named);
  }

  /** Set or clear flags and keywords of these messages. */
  flagItems(all: readonly MessageItem[], flags: readonly string[], add: boolean, named: Named): void {
    const has = (item: MessageItem, flag: string) => item.flags.includes(flag) || item.keywords.includes(flag);
    const items = all.filter((item) => flags.some((flag) => has(item, flag) !== add));
    if (items.length === 0) return;
    // of all that are chosen: one that looks changed already may be about to look otherwise
    this.perform(this.flagging(all, flags, add), named, items.length, t("Couldn't update messages"), {
      what: named.done(items.length),
      // undo restores each flag on the messages that it was changed on
      actions: () =>
        flags.map((flag) =>
          this.flagging(
            items.filter((item) => has(item, flag) !== add),
            [flag],
            !add,
          ),
        ),
    });
  }

  /** Set a flag on messages that were looked at, without a report or an undo. */
  looked(items: readonly MessageItem[], flag: string): void {
    this.mail.pending.do(this.flagging(items, [flag], true)).catch((error: unknown) => {
      // a message that is gone needs no flag, and an unreachable server is reported elsewhere
      if (!["user:notFound", "user:unknown", ""].includes(codeOf(error) ?? "error"))
        this.failed(t("Couldn't update messages"), error);
    });
  }

  /** Undo the last action. */
  undo(): void {
    const last = this.undos.at(-1);
    if (last !== undefined) this.takeBack(last);
  }

  /** Undo this action. */
  takeBack(undo: Undo): void {
    this.forget(undo);
    this.done.value++;
    const all = Promise.all(undo.actions().map((action) => this.mail.pending.do(action)));
    void this.follow(all, t("Undoing…"), t("Action undone"), t("Couldn't undo"), false);
  }

  /** WEBMAIL-70: of several messages, messages in Sent are left out, unless Sent is shown. */
  private targets(): MessageItem[] {
    const items = this.mail.choice.selected();
    if (items.length === 1 || this.mail.inRole("sent")) return items;
    return items.filter((item) => this.mail.boxes.get(item.mailbox_id)?.roles.includes("sent") !== true);
  }

  private flagging(items: readonly MessageItem[], flags: readonly string[], add: boolean): Action {
    const ids = items.map((item) => item.id);
    return {
      shown: { flags: { ids: new Set(ids), add: add ? flags : [], clear: add ? [] : flags } },
      call: async () => {
        if (ids.length > 0)
          await (add ? this.client.flags_add(ids, [...flags]) : this.client.flags_clear(ids, [...flags]));
      },
    };
  }

  /** The actions that move messages back to their mailboxes, and mark the `unread` ones as unread again. */
  private back(items: readonly MessageItem[], from: number, unread: readonly MessageItem[]): Action[] {
    const actions: Action[] = [];
    for (const origin of new Set(items.map((item) => item.mailbox_id))) {
      const own = items.filter((item) => item.mailbox_id === origin);
      actions.push({
        shown: { add: { mailboxId: origin, items: own } },
        call: () =>
          this.client.message_move(
            own.map((item) => item.id),
            origin,
            false,
            from,
          ),
      });
    }
    if (unread.length > 0) actions.push(this.flagging(unread, ["\\seen"], false));
    return actions;
  }

  /** Run an action of a part that takes messages away from the list, or shows nothing. */
  run(action: Action, named: Named, items: readonly MessageItem[], failed: string, undo: Undo | null): void {
    this.perform(action, named, items.length, failed, undo);
    if (action.shown.remove) this.mail.choice.left(items);
  }

  private perform(action: Action, named: Named, n: number, failed: string, undo: Undo | null): void {
    this.done.value++;
    if (undo !== null) this.remember(undo);
    void this.follow(this.mail.pending.do(action), named.doing(n), named.done(n), failed, undo !== null).then(
      (done) => {
        if (!done && undo !== null) this.forget(undo);
      },
    );
  }

  /** Report the state of an action: done, when the server has confirmed it; before that, waiting, if it takes long. The toast is
   * about the newest action; a failure is always reported. True if the action succeeded. */
  private async follow(
    work: Promise<unknown>,
    doing: string,
    done: string,
    failed: string,
    withUndo: boolean,
  ): Promise<boolean> {
    const own = ++this.newest;
    this.last?.close();
    const timer = setTimeout(() => own === this.newest && this.say(doing, withUndo, 0), waitsAfter);
    try {
      await work;
      if (own === this.newest) this.say(done, withUndo);
      return true;
    } catch (error) {
      if (own === this.newest) this.last?.close();
      this.failed(failed, error);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Run an action on messages of the query that are not all loaded. */
  async onQuery(what: QueryChange, { done }: Named, role?: Role): Promise<void> {
    if (this.running) return;
    this.running = true;
    this.newest++;
    this.done.value++;
    this.last?.close();
    try {
      const { onQuery } = await part<typeof BulkPart>("bulk");
      const undo = await onQuery(this.client, this.mail, toast, what, done, role);
      if (undo === null) return;
      if (what.action !== "delete") this.remember(undo);
      this.say(undo.what, what.action !== "delete");
    } catch (error) {
      this.failed(t("Couldn't complete this action"), error);
    } finally {
      this.running = false;
    }
  }

  /** Add an action that can be undone. */
  remember(undo: Undo): void {
    this.keep([...this.undos, undo].slice(-undoSteps));
  }

  /** Remove an action that can no longer be undone. */
  forget(undo: Undo): void {
    this.keep(this.undos.filter((other) => other !== undo));
  }

  private keep(undos: Undo[]): void {
    this.undos = undos;
    this.undoable.value = undos.at(-1)?.what ?? "";
  }

  private say(text: string, withUndo = false, time?: number): void {
    this.last?.close();
    this.last = toast(text, withUndo ? { title: t("Undo"), run: () => this.undo() } : undefined, time);
  }

  private failed(failed: string, error: unknown): void {
    this.failure?.close();
    this.failure = toast(`${(error as { title?: string }).title ?? failed}. ${messageOf(error)}`);
  }
}
