// Mailing lists and newsletters (WEBMAIL-136a): how much each sends, a way out, and all of its mail archived.

import type { Newsletter, NewsletterArchived } from "../../gen/webmail";
import { attempt, confirm } from "../../lib/dialogs";
import { hue, initials } from "../../lib/disc";
import { el, fill, isolated } from "../../lib/dom";
import { size } from "../../lib/numbers";
import { openSearch } from "../../lib/searched";
import { toast } from "../../lib/toasts";
import { adopt } from "../../lib/sheets";
import { many, t } from "../../lib/words";
import type { Acting, Surroundings, Writing } from "../commands/desk";
import { type Leaving, leavingLine } from "../message/unsubscribe";
import { openBeside } from "../ui/beside";
import { saidTime } from "../ui/format";
import { leave } from "./leave";
import sheet from "./newsletters.css";

export { leave };

adopt(sheet);

type Order = "messages" | "size";

/** Messages of a sender above which archiving them all is asked about. */
const asked = 20;

/** Open the page. */
export function openPage(desk: Surroundings & Acting & Writing): void {
  const order = el(
    "select",
    { class: "dialog-input", "aria-label": t("Sort order") },
    el("option", { value: "messages" }, t("Most messages first")),
    el("option", { value: "size" }, t("Largest first")),
  );
  const { body, close } = openBeside(t("Newsletters"), [order]);
  const list = el("div", { role: "list", "aria-label": t("Newsletters") });
  const more = el("button", { class: "btn line", type: "button", hidden: true }, t("Show more"));
  const state = el("p", { class: "hint", role: "status" }, t("Loading…"));
  fill(body, state, list, more);
  let position = 0;
  /** Number of the order that was asked for last. */
  let turn = 0;

  const load = async (anew: boolean) => {
    const own = ++turn;
    if (anew) position = 0;
    await attempt(t("Loading…"), t("Couldn't load newsletters"), async () => {
      const { senders, total } = await desk.client.newsletters(order.value as Order, position);
      if (own !== turn) return;
      if (anew) fill(list);
      position += senders.length;
      list.append(...senders.map((one) => row(desk, one, close)));
      more.hidden = position >= total || senders.length === 0;
      state.textContent =
        total === 0
          ? t("When you get newsletters or mailing list mail, you'll see the senders here.")
          : many(total, "{n} sender", "{n} senders");
    });
  };
  order.addEventListener("change", () => void load(true));
  more.addEventListener("click", () => void load(false));
  void load(true);
}

function row(desk: Surroundings & Acting & Writing, one: Newsletter, close: () => void): HTMLElement {
  const name = isolated(one.name || one.address);
  const facts = [
    ...(one.name === "" ? [] : [isolated(one.address)]),
    many(one.messages, "{n} message", "{n} messages"),
    size(one.size),
    t("newest {time}", { time: saidTime(one.received, Date.now()) }),
    one.read === null ? t("not read recently") : t("last read: {time}", { time: saidTime(one.read, Date.now()) }),
  ];
  const actions = el("div", { class: "newsletter-actions" });
  const owner: Leaving = {
    leave: (listed, again) => leave(desk, listed, again, close),
    block: () => void block(desk, one, close),
  };
  const show = () => {
    close();
    openSearch(`from:${one.address}`);
  };
  const draw = (unsubscribe: Newsletter["unsubscribe"]) =>
    fill(
      actions,
      leavingLine({ id: one.newest, name, unsubscribe }, owner, (at) => draw(unsubscribe && { ...unsubscribe, at })),
      el("button", { class: "btn line", type: "button", onclick: show }, t("Show")),
      el(
        "button",
        { class: "btn line", type: "button", onclick: () => void archiveAll(desk, one, name) },
        t("Archive all"),
      ),
    );
  draw(one.unsubscribe);
  return el(
    "div",
    { class: "newsletter", role: "listitem" },
    el(
      "span",
      { class: `disc newsletter-disc c${hue(one.address)}`, "aria-hidden": "true" },
      initials(one.name || one.address),
    ),
    el(
      "div",
      { class: "newsletter-who" },
      el("bdi", { class: "newsletter-name", dir: "auto" }, name),
      el("div", { class: "newsletter-facts" }, facts.join(" · ")),
    ),
    actions,
  );
}

/** Send further mail of a sender to Junk. */
async function block(desk: Surroundings & Acting & Writing, one: Newsletter, close: () => void): Promise<void> {
  await attempt(t("Blocking…"), t("Couldn't block sender"), async () => {
    const item = await desk.client.message_item(one.newest);
    close();
    desk.sender(item, "block");
  });
}

/** Archive all messages of a sender, some hundred in a call; it can be undone. */
async function archiveAll(desk: Surroundings & Acting & Writing, one: Newsletter, name: string): Promise<void> {
  const words = t("All mail from {name} will be archived and marked as read, except in Trash and Junk.", {
    name,
  });
  if (one.messages > asked && !(await confirm(t("Archive all?"), words, t("Archive all")))) return;
  const pieces: NewsletterArchived[] = [];
  const done = await attempt(t("Archiving…"), t("Couldn't archive messages"), async () => {
    let after: NewsletterArchived["after"] = null;
    do {
      const piece: NewsletterArchived = await desk.client.newsletter_archive(one.id, after);
      pieces.push(piece);
      after = piece.after;
    } while (after !== null);
  });
  const n = pieces.reduce((sum, { ids }) => sum + ids.length, 0);
  if (n === 0) {
    if (done) toast(t("No messages to archive"));
    return;
  }
  const back = async () => {
    for (const { ids, mailbox_ids, unread } of pieces) {
      for (const mailbox of new Set(mailbox_ids))
        await desk.client.message_move(
          ids.filter((_, i) => mailbox_ids[i] === mailbox),
          mailbox,
        );
      if (unread.length > 0) await desk.client.flags_clear(unread, ["\\seen"]);
    }
  };
  toast(many(n, "{n} message archived", "{n} messages archived"), {
    title: t("Undo"),
    run: () => void attempt(t("Undoing…"), t("Couldn't undo"), back),
  });
}
