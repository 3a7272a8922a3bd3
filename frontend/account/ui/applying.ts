// Rules or a script for mail that is there already (WEBMAIL-130a): a count first, then the moves in pieces, which can be
// stopped, continued and undone. All ids are known before the first move, so that nothing is lost when the server stops.

import type { Destined, Place, SortPage } from "../../gen/account";
import { attempt } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { button, card, foreign } from "../../lib/pages";
import { notice } from "../../lib/states";
import { mailboxName, many, t } from "../../lib/words";
import type { Desk } from "./page";

/** Messages of one move, which is one transaction. */
const piece = 100;

/** A move of messages to one mailbox. */
interface Move {
  readonly ids: readonly number[];
  readonly target: string;
}

/** Count and then move the mail in `source`; `count` returns a page of it. The result is shown in `place`. */
export async function applyToExisting(
  desk: Desk,
  place: HTMLElement,
  source: string,
  count: (after: Place | null) => Promise<SortPage>,
): Promise<void> {
  const moves: Destined[] = [];
  const title = t("Apply to existing mail");
  let looked = 0;
  let stopped = false;
  const show = (content: HTMLElement, ...actions: HTMLElement[]) =>
    fill(place, card(title, [content, actions.length > 0 && el("div", { class: "flex wrap gap" }, actions)]));
  const stop = () => button(t("Stop"), () => (stopped = true));

  let after: Place | null = null;
  do {
    show(
      notice(
        "wait",
        many(looked, "Checking {mailbox}: {n} message", "Checking {mailbox}: {n} messages", {
          mailbox: mailboxName(source),
        }),
      ),
      stop(),
    );
    const got: { page?: SortPage } = {};
    if (
      !(await attempt(
        t("Checking messages…"),
        t("Couldn't check messages"),
        async () => (got.page = await count(after)),
      ))
    )
      return fill(place);
    moves.push(...got.page!.moves);
    looked += got.page!.looked;
    after = got.page!.next;
  } while (after !== null && !stopped);

  const groups = new Map<string, number[]>();
  for (const one of moves) groups.set(one.mailbox, [...(groups.get(one.mailbox) ?? []), one.id]);
  const pieces: Move[] = [...groups].flatMap(([target, ids]) =>
    Array.from({ length: Math.ceil(ids.length / piece) }, (_, n) => ({
      ids: ids.slice(n * piece, (n + 1) * piece),
      target,
    })),
  );
  if (moves.length === 0)
    return show(
      notice(
        "ok",
        many(looked, "The message would stay in {mailbox}.", "All {n} messages would stay in {mailbox}.", {
          mailbox: mailboxName(source),
        }),
      ),
    );
  const list = el(
    "ul",
    { class: "lines" },
    [...groups].map(([target, ids]) =>
      el(
        "li",
        {},
        el("span", { class: "grow" }, foreign(target, 100)),
        el("span", { class: "muted" }, many(ids.length, "{n} message", "{n} messages")),
      ),
    ),
  );
  const words = many(
    looked,
    "The message in {mailbox} would move to:",
    "{moves} of {n} messages in {mailbox} would move to:",
    { mailbox: mailboxName(source), moves: moves.length },
  );
  show(
    el(
      "div",
      {},
      el("p", {}, words),
      list,
      stopped && el("p", { class: "hint" }, t("Stopped early. Older messages weren't checked.")),
    ),
    button(t("Move messages"), () => void move(0), { kind: "primary" }),
    button(t("Don't move"), () => fill(place), { kind: "text" }),
  );

  /** Move the pieces from this one on. */
  async function move(from: number): Promise<void> {
    stopped = false;
    let done = from;
    for (; done < pieces.length && !stopped; done++) {
      progress(t("Moving…"), done, pieces.length);
      const one = pieces[done]!;
      if (
        !(await attempt(t("Moving…"), t("Couldn't move messages"), () =>
          desk.client.sort_move([...one.ids], source, one.target),
        ))
      )
        break;
    }
    // the answer of a piece that failed may have been lost: it is undone, too
    const back = button(t("Undo"), () => void undo(Math.min(done, pieces.length - 1)));
    const moved = pieces.slice(0, done).reduce((sum, one) => sum + one.ids.length, 0);
    if (done === pieces.length) show(notice("ok", many(moved, "{n} message moved.", "{n} messages moved.")), back);
    else
      show(
        notice(
          "warn",
          many(moves.length, "Stopped. Moved {moved} of {n} message.", "Stopped. Moved {moved} of {n} messages.", {
            moved,
          }),
        ),
        button(t("Continue"), () => void move(done), { kind: "primary" }),
        back,
      );
  }

  /** Move the pieces up to this one back. */
  async function undo(last: number): Promise<void> {
    stopped = false;
    let left = last;
    for (; left >= 0 && !stopped; left--) {
      progress(t("Moving back…"), last - left, last + 1);
      const one = pieces[left]!;
      if (
        !(await attempt(t("Moving back…"), t("Couldn't move messages back"), () =>
          desk.client.sort_move([...one.ids], one.target, source),
        ))
      )
        break;
    }
    if (left < 0) show(notice("ok", t("Moved all messages back to {mailbox}.", { mailbox: mailboxName(source) })));
    else
      show(
        notice("warn", t("Stopped. Some messages haven't been moved back yet.")),
        button(t("Move the rest back"), () => void undo(left)),
      );
  }

  function progress(word: string, done: number, all: number): void {
    show(el("div", {}, el("p", {}, word), el("progress", { value: String(done), max: String(all) })), stop());
  }
}
