// The Outbox (WEBMAIL-96a): what leaves later, what is on its way, what was sent in the last week, and what returns to the Inbox; a
// view of mail with its row in the side bar.

import type { Departed, Departing, Leaving, Outbox, Waiting } from "../../gen/webmail";
import { attempt, confirm } from "../../lib/dialogs";
import { type Child, el, fill, isolated } from "../../lib/dom";
import { follow } from "../../lib/live";
import { redraw } from "../../lib/press";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { mailboxName, many, meant, t } from "../../lib/words";
import type { Acting, Navigation, Place, Selection, Surroundings, Writing } from "../commands/desk";
import type * as ComposePart from "../compose/part";
import { inWords } from "../later/choose";
import { writePlace } from "../state/address";
import { drawEmpty } from "../ui/empty";
import { sideButton } from "../ui/placeview";
import sheet from "./outbox.css";

adopt(sheet);

type Page = Surroundings &
  Selection &
  Acting &
  Writing &
  Pick<Navigation, "openPlace" | "openSide" | "tellAddress" | "openMail">;

let opened: (() => void) | null = null;

/** Open the Outbox. */
export function openPage(page: Page): void {
  opened ??= makePage(page);
  opened();
}

function makePage(page: Page): () => void {
  const title = meant("place", "Outbox");
  const said = el("p", { class: "hint", role: "status" });
  const body = el("div", { class: "outbox-lists" });
  const view = el(
    "section",
    { class: "place-view", "aria-label": title },
    el("header", { class: "place-head" }, sideButton(page), el("h1", { tabindex: "-1" }, title)),
    el("div", { class: "outbox-main" }, said, body),
  );
  const place: Place = { name: "mail", title, view };
  let all: Departing[] = [];
  let more = false;
  const load = async () => {
    const [waiting, leaving, first] = await Promise.all([
      page.client.messages_waiting(),
      page.client.account_later_list(),
      page.client.outbox(),
    ]);
    all = first.waiting;
    more = first.more;
    const queued = leaving.filter((one) => one.message_id === 0);
    await redraw(view, () => draw(waiting, queued, first.ended));
  };
  const live = follow(load, (failed) => fill(said, failed && t("Couldn't load the latest changes. Trying again…")));
  const show = () => void attempt(t("Loading…"), t("Couldn't load Outbox"), load);
  /** Do something that the user has asked for, and show the outcome. */
  const act = async (doing: string, failed: string, work: () => Promise<unknown>) => {
    if (await attempt(doing, failed, work)) show();
  };

  const another = (one: Waiting) =>
    page.later(async (found) => {
      const at = await found.anotherTime(one.kind === "sent");
      if (at === null) return;
      const { id } = one.item;
      await act(t("Saving…"), t("Couldn't change time"), () =>
        one.kind === "sent"
          ? page.client.scheduled_change(id, at)
          : page.client.message_snooze([id], at, one.kind === "answer"),
      );
    });
  const edit = (one: Waiting) =>
    act(t("Loading…"), t("Couldn't open editor"), async () => {
      const item = await page.client.message_item(await page.client.scheduled_cancel(one.item.id));
      const found = await page.load<typeof ComposePart>("compose");
      await found.compose(page, toast, "edit", item, "");
    });

  const scheduled = (one: Waiting) => {
    const { id } = one.item;
    const { writer = "" } = one;
    const own = writer === "";
    const facts = [t("Scheduled for {when}", { when: time(one.due) })];
    if (!own) facts.push(t("Written by {name}", { name: writer }));
    return row(subject(one), people(one), facts.join(" · "), [
      own &&
        button(t("Send now"), () =>
          act(t("Sending…"), t("Couldn't send message"), () => page.client.scheduled_change(id)),
        ),
      own && button(t("Change time…"), () => another(one)),
      own && button(t("Edit"), () => edit(one)),
      button(t("Keep as draft"), () =>
        act(t("Saving…"), t("Couldn't keep as draft"), () => page.client.scheduled_cancel(id)),
      ),
    ]);
  };
  const held = (one: Leaving) =>
    row(
      one.subject,
      one.recipients.join(", "),
      t("Scheduled for {when}", { when: inWords(new Date(one.due / 1000)) }),
      [
        button(t("Cancel delivery"), () =>
          act(t("Canceling…"), t("Couldn't cancel delivery"), () => page.client.account_later_stop(one.id)),
        ),
      ],
    );
  const departing = (one: Departing) =>
    row(one.subject, one.recipient, status(one), [
      !one.stopped &&
        button(t("Try now"), () =>
          act(t("Retrying…"), t("Couldn't retry"), () => page.client.delivery_retry([one.id])),
        ),
      button(t("Cancel delivery"), () => cancel(one)),
    ]);
  const cancel = async (one: Departing) => {
    const values = { name: one.recipient };
    const what = t(
      "The message won't be sent to {name}. If delivery has already started, it may still arrive.",
      values,
    );
    if (await confirm(t("Cancel delivery?"), what, t("Cancel delivery")))
      await act(t("Canceling…"), t("Couldn't cancel delivery"), () => page.client.delivery_cancel([one.id]));
  };
  const returning = (one: Waiting) => {
    const answer = one.kind === "answer";
    const [doing, failed] = answer
      ? [t("No reminder"), t("Couldn't remove reminder")]
      : [t("Unsnooze"), t("Couldn't unsnooze message")];
    return row(subject(one), people(one), returns(one), [
      button(t("Change time…"), () => another(one)),
      button(doing, () => act(t("Saving…"), failed, () => page.client.message_unsnooze([one.item.id]))),
    ]);
  };
  const older = () =>
    button(t("Show older"), () =>
      attempt(t("Loading…"), t("Couldn't load Outbox"), async () => {
        const next = await page.client.outbox(all.at(-1)!.id);
        all.push(...next.waiting);
        more = next.more;
        queue.append(...next.waiting.map(departing));
        if (!more) queue.nextElementSibling?.remove();
      }),
    );
  let queue = el("ul", {});

  const draw = (waiting: readonly Waiting[], queued: readonly Leaving[], ended: Outbox["ended"]) => {
    const later = [
      ...waiting.filter(({ kind }) => kind === "sent").map((one) => [Date.parse(one.due), scheduled(one)] as const),
      ...queued.map((one) => [one.due / 1000, held(one)] as const),
    ];
    later.sort(([first], [second]) => first - second);
    const back = waiting.filter(({ kind }) => kind !== "sent");
    queue = el("ul", { class: "outbox-list" }, all.map(departing));
    fill(
      body,
      later.length + all.length === 0 && nothing(),
      group(
        t("Scheduled"),
        later.map(([, line]) => line),
      ),
      all.length > 0 && el("section", {}, el("h2", {}, t("Waiting to be sent")), queue, more && older()),
      group(mailboxName("Snoozed"), back.map(returning)),
      group(t("Sent in the last week"), ended.map(gone)),
    );
  };

  addEventListener("departures", () => view.isConnected && live.changed());
  return () => {
    page.openPlace(place);
    page.tellAddress("#outbox:");
    show();
  };
}

function group(title: string, rows: readonly HTMLElement[]): Child {
  return rows.length > 0 && el("section", {}, el("h2", {}, title), el("ul", { class: "outbox-list" }, [...rows]));
}

function nothing(): HTMLElement {
  return el(
    "div",
    { class: "outbox-empty" },
    drawEmpty({
      title: t("Your Outbox is empty"),
      text: t("Messages you send appear here until the recipients' servers accept them."),
    }),
  );
}

function button(text: string, run: () => unknown): HTMLElement {
  return el("button", { class: "btn line", type: "button", onclick: () => void run() }, text);
}

/** The subject of a message, which opens it where it waits. */
function subject({ item, kind, origin }: Waiting): Child {
  const words = item.subject || t("(no subject)");
  if (kind !== "sent" || origin === "") return words;
  return el("a", { href: writePlace({ name: origin, search: "", message: item.id }) }, words);
}

function row(subject: Child, who: string, how: Child, buttons: readonly Child[]): HTMLElement {
  return el(
    "li",
    {},
    el("strong", { dir: "auto" }, el("bdi", {}, subject || t("(no subject)"))),
    el("span", { class: "outbox-what" }, el("bdi", {}, who)),
    el("span", { class: "outbox-what" }, how),
    el("div", { class: "outbox-buttons" }, [...buttons]),
  );
}

const time = (text: string) => inWords(new Date(text));

function people(one: Waiting): string {
  const all = one.kind === "back" ? one.item.from : [...one.item.to, ...one.item.cc, ...one.item.bcc];
  return all.map((who) => who.name || `${who.user}@${who.host}`).join(", ");
}

/** When and where a message returns. */
function returns(one: Waiting): string {
  const when = time(one.due);
  if (one.kind === "answer") return t("Will return to your inbox {when} if there's no reply", { when });
  return t("Snoozed to {mailbox} until {when}", {
    mailbox: mailboxName(one.origin === "" ? "Inbox" : one.origin),
    when,
  });
}

/** The delivery status of a message in the queue, with the error of its last attempt. */
function status(one: Departing): Child {
  if (one.stopped)
    return `${t("paused by the server")} · ${t("Unusual sending activity. Contact your administrator.")}`;
  if (one.next_attempt === null) return t("on hold");
  const facts = [
    one.error === "" ? t("waiting") : meant("delivery", "delayed"),
    t("next attempt {time}", { time: time(one.next_attempt) }),
  ];
  if (one.attempts > 1) facts.push(many(one.attempts, "{n} attempt", "{n} attempts"));
  return [facts.join(" · "), one.error !== "" && why(one)];
}

/** Why a message is delayed; the words of another server, which few people can use, are below. */
function why({ code, error }: Departing): HTMLElement {
  if (code === 0) return el("div", {}, error);
  return el(
    "details",
    {},
    el(
      "summary",
      {},
      code < 500 ? t("The other server asked us to try later.") : t("The other server doesn't accept this message."),
    ),
    el("bdi", { dir: "auto" }, isolated(error)),
  );
}

function gone(one: Departed): HTMLElement {
  const ends = {
    delivered: t("delivered"),
    relayed: t("relayed"),
    failed: t("not delivered"),
    canceled: t("canceled"),
  };
  return el(
    "li",
    { class: `outbox-gone ${one.state}` },
    el("bdi", {}, one.recipient),
    el("span", {}, ends[one.state]),
    el("span", {}, time(one.ended)),
  );
}
