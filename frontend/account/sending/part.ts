// Outgoing mail of the account, and suppressed addresses.

import type { Leaving, Left, Outgoing, QueuedItem, Suppressed } from "../../gen/account";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, fill } from "../../lib/dom";
import { form, line } from "../../lib/fields";
import { plus, send } from "../../lib/icons";
import { button, card, foreign, head, table } from "../../lib/pages";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { meant, t } from "../../lib/words";
import type { Desk, MakePage } from "../ui/page";
import { cancelButton } from "./buttons";
import { keys } from "./keys";

const outgoing: MakePage = async (desk) => {
  const [mail, later, suppressed] = await Promise.all([
    desk.client.outgoing(0),
    desk.client.account_later_list(),
    desk.client.queue_suppress_list(),
  ]);
  const root = el(
    "div",
    { class: "page" },
    head(t("Outbox"), ""),
    leaving(desk, later),
    waiting(desk, mail),
    ended(mail.ended),
    suppressions(desk, suppressed),
  );
  return { title: t("Outbox"), root };
};

/** Mail that leaves later, by whichever interface it was sent. */
function leaving(desk: Desk, all: readonly Leaving[]): HTMLElement | null {
  if (all.length === 0) return null;
  const title = t("Scheduled");
  const rows = table<Leaving>(
    title,
    [
      {
        title: t("To"),
        kind: "main",
        cell: (one) =>
          el(
            "span",
            {},
            el("b", {}, foreign(one.recipients.join(", "), 120)),
            el("br"),
            el("span", { class: "hint" }, foreign(one.subject, 120)),
          ),
      },
      { title: meant("attempt", "Next"), cell: (one) => when(one.due) },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(t("Cancel"), () => void stop(desk, one), {
            kind: "line small",
            name: t("Cancel mail to {name}", { name: one.recipients.join(", ") }),
          }),
      },
    ],
    all,
  );
  return card(title, rows, { flush: true });
}

async function stop(desk: Desk, one: Leaving): Promise<void> {
  const what =
    one.message_id === 0 ? t("The message won't be sent.") : t("The message won't be sent. You'll find it in Drafts.");
  if (!(await confirm(t("Cancel this message?"), what, t("Cancel message")))) return;
  if (await attempt(t("Canceling…"), t("Couldn't cancel message"), () => desk.client.account_later_stop(one.id)))
    await desk.refresh();
}

function waiting(desk: Desk, first: Outgoing): HTMLElement {
  if (first.waiting.length === 0)
    return card(
      t("Waiting to be sent"),
      empty(
        send,
        t("Your Outbox is empty"),
        t("Messages you send appear here until the recipients’ servers accept them."),
      ),
      { flush: true },
    );
  const place = el("div", {});
  const all = [...first.waiting];
  let more = first.more;
  const draw = () =>
    fill(
      place,
      table(
        t("Waiting to be sent"),
        [
          {
            title: t("To"),
            kind: "main",
            cell: (one) =>
              el(
                "span",
                {},
                el("b", {}, foreign(one.recipient)),
                el("br"),
                el("span", { class: "hint" }, foreign(one.subject, 120)),
              ),
          },
          { title: t("Status"), cell: (one) => status(one) },
          { title: t("Attempts"), cell: (one) => (one.attempts === 0 ? t("none yet") : String(one.attempts)) },
          {
            title: meant("attempt", "Next"),
            cell: (one) => (one.next_attempt === null ? t("after release") : when(microseconds(one.next_attempt))),
          },
          {
            title: "",
            kind: "num",
            cell: (one) =>
              el(
                "span",
                { class: "flex wrap" },
                !one.stopped && button(t("Try now"), () => void tryNow(desk, one), { kind: "line small" }),
                button(t("Cancel"), () => void cancel(desk, one), {
                  kind: "line small",
                  name: t("Cancel mail to {name}", { name: one.recipient }),
                }),
              ),
          },
        ],
        all,
      ),
      more &&
        el(
          "p",
          { class: "more" },
          button(
            t("Show older"),
            () =>
              void attempt(t("Loading…"), t("Couldn't load Outbox"), async () => {
                const next = await desk.client.outgoing(all.at(-1)!.id);
                all.push(...next.waiting);
                more = next.more;
                draw();
              }),
            { kind: "text" },
          ),
        ),
    );
  draw();
  return card(t("Waiting to be sent"), place, { flush: true });
}

function status(one: QueuedItem): Child {
  if (one.stopped)
    return [
      state("danger", t("paused by the server")),
      el("br"),
      el("span", { class: "hint" }, t("Unusual sending activity. Contact your administrator.")),
    ];
  if (one.hold) return state("off", t("on hold"));
  if (one.error === "") return state("wait", t("waiting"));
  return [state("warn", t("delayed")), el("br"), el("span", { class: "hint" }, foreign(one.error, 200))];
}

async function tryNow(desk: Desk, one: QueuedItem): Promise<void> {
  if (await attempt(t("Retrying…"), t("Couldn't retry"), () => desk.client.outgoing_try([one.id])))
    await desk.refresh();
}

async function cancel(desk: Desk, one: QueuedItem): Promise<void> {
  if (
    !(await confirm(
      t("Cancel this message?"),
      t("The message won't be sent to {name}. If it's being sent right now, it may still arrive.", {
        name: one.recipient,
      }),
      t("Cancel message"),
    ))
  )
    return;
  if (await attempt(t("Canceling…"), t("Couldn't cancel message"), () => desk.client.outgoing_cancel([one.id])))
    await desk.refresh();
}

function end(word: string): Child {
  const made: Readonly<Record<string, () => HTMLElement>> = {
    delivered: () => state("ok", t("delivered")),
    relayed: () => state("ok", t("relayed")),
    failed: () => state("danger", t("not delivered")),
    canceled: () => state("off", t("canceled")),
  };
  return made[word]?.() ?? word;
}

function ended(found: readonly Left[]): Child {
  if (found.length === 0) return null;
  return card(
    t("Sent in the last week"),
    el(
      "ul",
      { class: "lines" },
      found.map((one) =>
        el(
          "li",
          {},
          el("span", { class: "grow" }, foreign(one.recipient)),
          end(one.state),
          el("span", { class: "muted" }, when(microseconds(one.ended))),
        ),
      ),
    ),
    { flush: true },
  );
}

function suppressions(desk: Desk, found: readonly Suppressed[]): HTMLElement {
  const add = button(t("Add address"), () => void suppress(desk), { icon: plus });
  const hint = t(
    "Mail to these addresses won't be sent, because their servers reported that they don't exist or you added them.",
  );
  if (found.length === 0)
    return card(t("Suppressed addresses"), el("p", { class: "hint" }, t("None. "), hint), { actions: add });
  const rows = table(
    t("Suppressed addresses"),
    [
      { title: t("Address"), kind: "main", cell: (one) => el("b", {}, foreign(one.address)) },
      {
        title: t("Reason"),
        cell: (one) => (one.reason === "" ? (one.manual ? t("added manually") : "") : foreign(one.reason, 160)),
      },
      { title: t("Since"), cell: (one) => when(microseconds(one.created)) },
      {
        title: t("Until"),
        cell: (one) => (one.expires === "" ? t("removed manually") : when(microseconds(one.expires))),
      },
      {
        title: "",
        kind: "num",
        cell: (one) =>
          button(
            t("Remove"),
            async () => {
              if (
                await attempt(t("Removing…"), t("Couldn't remove address"), () =>
                  desk.client.queue_suppress_remove(one.address),
                )
              )
                await desk.refresh();
            },
            { kind: "line small", name: t("Remove {name}", { name: one.address }) },
          ),
      },
    ],
    found,
  );
  return card(t("Suppressed addresses"), rows, { flush: true, actions: add, hint });
}

async function suppress(desk: Desk): Promise<void> {
  const done = await dialog<boolean>(t("Suppress an address"), (close) => {
    const address = line(t("Address"), "", null, { inputmode: "email", autofocus: "" });
    const reason = line(t("Reason"), "", t("Only you see this. Optional."), { maxlength: "300" });
    const box = form([address.root, reason.root], t("Add"), async () => {
      await desk.client.queue_suppress_add(address.control.value, reason.control.value);
      close(true);
    });
    return [box.root, cancelButton(() => close(false))];
  });
  if (done === true) await desk.refresh();
}

export const pages: Readonly<Record<string, MakePage>> = { outgoing, keys };
