// Actions on more messages than are loaded. The server does them, a thousand at a time (WEBMAIL-137).

import type { Client, QueryAction, QueryDone } from "../../gen/webmail";
import { many, t } from "../../lib/words";
import type { toast } from "../../lib/toasts";
import { type Role, isInbox } from "../data/mailboxes";
import type { Action, QueryChange } from "../data/pending";
import type { Mail } from "../state/mail";
import { leavesOthers } from "../state/others";
import type { Undo } from "../state/undo";

type Change = QueryChange & Pick<QueryAction, "targets">;

/** Maximum ids in one call. */
const callSize = 1000;

/** Cut a list into pieces of at most `size`. */
function pieces<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Apply the action to the selection, with progress and a button to stop. Resolves with the undo; null if it failed, which was
 * reported. `role`: of all inboxes, messages move to the mailbox of this role at home. */
export async function onQuery(
  client: Client,
  mail: Mail,
  say: typeof toast,
  asked: QueryChange,
  said: (n: number) => string,
  role?: Role,
): Promise<Undo | null> {
  const homes = role === undefined ? [] : mail.mailboxes.value.filter((box) => box.owner === "" && isInbox(box));
  const targets = homes.map(({ id, home }) => ({
    from_id: id,
    mailbox_id: mail.boxes.withRole(role!, home)?.id ?? id,
  }));
  const what: Change = { ...asked, targets };
  const selection = mail.choice.selection.value;
  const counts = mail.choice.selectedCounts.value;
  const all = counts.messages;
  const query: QueryAction = {
    query: mail.query.value,
    ranges: selection.stretches.map(({ first, last }) => ({ first, last })),
    except_ids: mail.choice.meantIds(selection.except),
    modseq: mail.modseq,
    ...what,
  };
  const ids: number[] = [];
  /** The mailboxes that the messages were in. */
  const from: number[] = [];
  const unseen: number[] = [];
  let stopped = false;
  const mixed = leavesOthers(mail);
  const begun = mixed
    ? t("Updating only your own messages…")
    : all === null
      ? t("Updating messages…")
      : many(all, "Updating message…", "Updating {n} messages…");
  const progress = say(begun, { title: t("Stop"), run: () => (stopped = true) }, 0);
  const origins = new Map(
    mail.rows.value.items.flatMap((row) => mail.choice.meant(row)).map((item) => [item.id, item.mailbox_id]),
  );
  if (what.action === "move" || what.action === "delete") mail.choice.unselect();
  try {
    // messages selected one by one beside a range are few, and loaded
    const single = mail.choice.meantIds(selection.ids.keys());
    for (const box of new Set(single.map((id) => origins.get(id) ?? 0)))
      await onIds(
        client,
        single.filter((id) => (origins.get(id) ?? 0) === box),
        what,
        box,
      );
    ids.push(...single);
    from.push(...single.map((id) => origins.get(id) ?? mail.current.value?.id ?? 0));
    let after: QueryAction["after"] = null;
    // without ranges the server would take all of the query
    for (let more = selection.open; more && !stopped; more = after !== null) {
      const done: QueryDone = await client.query_action({ ...query, after });
      ids.push(...done.message_ids);
      from.push(...done.mailbox_ids);
      unseen.push(...done.unseen_ids);
      after = done.after;
      progress.say(
        all === null
          ? many(ids.length, "{n} message…", "{n} messages…")
          : many(all, "{done} of {n} message…", "{done} of {n} messages…", { done: ids.length }),
      );
    }
    progress.close();
  } catch (error) {
    progress.close();
    const why = error instanceof Error ? error.message : String(error);
    say(`${many(ids.length, "Stopped after {n} message", "Stopped after {n} messages")}. ${why}`);
    return null;
  }
  return {
    what: mixed ? `${said(ids.length)}. ${t("Other users' messages weren't changed.")}` : said(ids.length),
    actions: () => back(client, ids, unseen, from, what),
  };
}

/** The mailbox to which messages of another one move. */
function targetOf({ targets, mailbox_id }: Change, from: number): number {
  return targets?.find(({ from_id }) => from_id === from)?.mailbox_id ?? mailbox_id ?? 0;
}

async function onIds(client: Client, ids: number[], what: Change, from: number): Promise<void> {
  if (what.action === "move") await client.message_move(ids, targetOf(what, from), what.mark_seen);
  else if (what.action === "delete") await client.message_delete(ids);
  else if (what.action === "flags_add") await client.flags_add(ids, what.flags ?? []);
  else await client.flags_clear(ids, what.flags ?? []);
}

function back(client: Client, ids: number[], unseen: number[], from: number[], what: Change): Action[] {
  const calls = (all: number[], call: (piece: number[]) => Promise<unknown>): Action[] =>
    pieces(all, callSize).map((piece) => ({ shown: {}, call: () => call(piece) }));
  const flags = what.flags ?? [];
  if (what.action === "flags_add") return calls(ids, (piece) => client.flags_clear(piece, flags));
  if (what.action === "flags_clear") return calls(ids, (piece) => client.flags_add(piece, flags));
  const moved = [...new Set(from)].flatMap((origin) =>
    calls(
      ids.filter((_, i) => from[i] === origin),
      (piece) => client.message_move(piece, origin, false, targetOf(what, origin)),
    ),
  );
  return what.mark_seen === true
    ? [...moved, ...calls(unseen, (piece) => client.flags_clear(piece, ["\\seen"]))]
    : moved;
}
