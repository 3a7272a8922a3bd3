// Messages that wait, and what can be done with those that are chosen.

import type { Changed, Filter, Line } from "../../gen/admin";
import { codeOf } from "../../lib/client";
import { attempt, confirm } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { search as lens, pause, play, send, trash2, undo2 } from "../../lib/icons";
import { button, card, foreign, head, table } from "../../lib/pages";
import { released } from "../../lib/press";
import { empty, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk } from "../ui/page";
import { fieldDialog, typedAgain } from "../ui/shared";
import { filterOf, filters, pageOf } from "./filter";
import { address, current, pager, perPage, tabLinks, undone } from "./frame";
import { more } from "./row";

/** Milliseconds between two looks at what waits. */
const period = 5_000;

interface Ahead {
  readonly address: string;
  readonly found: [Line[], number];
  readonly transports: readonly string[];
}

/** What a look has found, for the page that shows it. */
let ahead: Ahead | null = null;

/** What is chosen at an address. It stays while the page is made again: the former one can still be used until then. */
let kept: { readonly address: string; readonly chosen: Set<number> } = { address: "", chosen: new Set() };

export async function waitingPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const filter = filterOf(query);
  const read = () =>
    Promise.all([
      desk.client.queue_list(filter, pageOf(query)),
      desk.client.queue_count(filter).then((found) => found.messages),
    ]);
  const known = ahead?.address === location.hash ? ahead : null;
  ahead = null;
  const [[messages, total], transports] = await Promise.all([
    known?.found ?? read(),
    known?.transports ?? desk.client.transport_list().then((rows) => rows.map((one) => one.name)),
  ]);
  if (Object.keys(filter).length === 0) desk.count("queue", total === 0 ? "" : String(total));
  const here = location.hash;
  const ids = new Set(messages.map((row) => row.id));
  const chosen = new Set(kept.address === here ? [...kept.chosen].filter((id) => ids.has(id)) : []);
  kept = { address: here, chosen };
  desk.onLeave(() => {
    if (location.hash !== here) chosen.clear();
  });
  let whole = false;
  const bar = el("header", { class: "act", hidden: true });
  const boxes = new Map<number, HTMLInputElement>();
  const all = el("input", { type: "checkbox", "aria-label": t("Select all on this page") });
  const wanted = (): [Filter, number] => (whole ? [filter, total] : [{ ids: [...chosen] }, chosen.size]);
  /** Take back what is done to the chosen messages that are on hold, or not; the others stay as they are. */
  const undo = (hold: boolean, back: Change) => {
    const ids = messages.filter((row) => !whole && chosen.has(row.id) && row.hold === hold).map((row) => row.id);
    return ids.length === 0 ? undefined : () => back({ ids }, ids.length);
  };
  const draw = () => {
    bar.hidden = chosen.size === 0 && !whole;
    all.checked = messages.length > 0 && chosen.size === messages.length;
    all.indeterminate = chosen.size > 0 && chosen.size < messages.length;
    for (const [id, box] of boxes) {
      box.checked = whole || chosen.has(id);
      box.closest("tr")?.classList.toggle("marked", box.checked);
    }
    const [, count] = wanted();
    fill(
      bar,
      el("b", {}, many(count, "{n} selected", "{n} selected")),
      !whole &&
        chosen.size === messages.length &&
        total > messages.length &&
        button(
          t("Select all {n}", { n: total }),
          () => {
            whole = true;
            draw();
          },
          { kind: "text small" },
        ),
      el("span", { class: "grow" }),
      button(
        t("Try now"),
        () =>
          void act(desk, wanted(), (f, n) => desk.client.queue_retry(f, true, n), {
            title: (n) => many(n, "Retry {n} message now?", "Retry {n} messages now?"),
            text: t("The next delivery attempt will be made right away."),
            button: t("Retry now"),
            doing: t("Retrying…"),
            failed: t("Couldn't retry messages"),
            done: (n) => many(n, "Retrying {n} message", "Retrying {n} messages"),
          }),
        { icon: play, kind: "small" },
      ),
      button(
        t("Hold"),
        () =>
          void act(
            desk,
            wanted(),
            (f, n) => desk.client.queue_hold(f, true, n),
            {
              title: (n) => many(n, "Hold {n} message?", "Hold {n} messages?"),
              text: t("Delivery is paused until you release these messages."),
              button: t("Hold"),
              doing: t("Saving…"),
              failed: t("Couldn't hold messages"),
              done: (n) => many(n, "{n} message on hold", "{n} messages on hold"),
            },
            undo(false, (f, n) => desk.client.queue_unhold(f, true, n)),
          ),
        { icon: pause, kind: "small" },
      ),
      button(
        t("Release"),
        () =>
          void act(
            desk,
            wanted(),
            (f, n) => desk.client.queue_unhold(f, true, n),
            {
              title: (n) => many(n, "Release {n} message?", "Release {n} messages?"),
              text: t("Delivery will be retried."),
              button: t("Release"),
              doing: t("Saving…"),
              failed: t("Couldn't release messages"),
              done: (n) => many(n, "{n} message released", "{n} messages released"),
            },
            undo(true, (f, n) => desk.client.queue_hold(f, true, n)),
          ),
        { kind: "small" },
      ),
      button(t("Change…"), () => void change(desk, wanted(), transports), { kind: "small" }),
      button(
        t("Bounce…"),
        () =>
          void act(desk, wanted(), (f, n) => desk.client.queue_fail(f, true, n), {
            title: (n) => many(n, "Bounce {n} message?", "Bounce {n} messages?"),
            text: t("Senders will get a bounce message. You can't undo this."),
            button: t("Bounce"),
            doing: t("Saving…"),
            failed: t("Couldn't bounce messages"),
            done: (n) => many(n, "{n} message bounced", "{n} messages bounced"),
            final: true,
          }),
        { icon: undo2, kind: "small" },
      ),
      button(t("Delete…"), () => void drop(desk, wanted()), { icon: trash2, kind: "small danger" }),
    );
  };
  all.addEventListener("change", () => {
    whole = false;
    chosen.clear();
    if (all.checked) for (const one of messages) chosen.add(one.id);
    draw();
  });
  const list = table<Line>(
    t("Messages"),
    [
      {
        title: "",
        kind: "main",
        cell: (row) => {
          const box = el("input", {
            type: "checkbox",
            "aria-label": t("Select the message to {recipient}", { recipient: row.recipient }),
          });
          boxes.set(row.id, box);
          box.addEventListener("change", () => {
            if (whole) {
              whole = false;
              for (const one of messages) chosen.add(one.id);
            }
            if (box.checked) chosen.add(row.id);
            else chosen.delete(row.id);
            draw();
          });
          return box;
        },
      },
      {
        title: t("Status"),
        cell: (row) =>
          row.hold
            ? state("off", t("on hold"))
            : row.attempts > 0
              ? state("warn", t("delayed"))
              : state("wait", t("waiting")),
      },
      { title: t("From"), cell: (row) => address(row.sender) },
      {
        title: t("To"),
        cell: (row) => [
          address(row.recipient),
          row.why !== "" && el("div", { class: "hint reason" }, foreign(row.why, 140)),
        ],
      },
      { title: t("Since"), cell: (row) => when(microseconds(row.queued)) },
      { title: t("Attempts"), kind: "num", cell: (row) => String(row.attempts) },
      { title: t("Next"), cell: (row) => (row.hold ? t("when released") : when(microseconds(row.next_attempt))) },
      { title: "", kind: "top", cell: (row) => more(desk, row) },
    ],
    messages,
  );
  list.querySelector("th")?.replaceChildren(all);
  const last = messages.at(-1);
  const sort = query.get("sort") === "queued" ? "queued" : "next_attempt";
  const following =
    last !== undefined && messages.length === perPage
      ? addressOf("queue", [], {
          ...current(query),
          last: sort === "queued" ? last.queued : last.next_attempt,
          last_id: String(last.id),
        })
      : "";
  draw();
  const root = el(
    "div",
    { class: "page" },
    head(t("Queue"), null, el("span", { class: "hint" }, many(total, "{n} message", "{n} messages"))),
    tabLinks("queue"),
    (messages.length > 0 || query.size > 0) && filters(desk, transports),
    messages.length === 0
      ? card(
          "",
          Object.keys(filter).length === 0
            ? empty(
                send,
                t("The queue is empty"),
                t("Mail that can't be delivered right away waits here, with the other server's reply."),
              )
            : empty(
                lens,
                t("No results"),
                t("No matching messages"),
                el("a", { class: "btn line", href: "#queue" }, t("Show all")),
              ),
        )
      : el("section", { class: "card flush" }, bar, list),
    pager(query, following),
  );
  const shown = JSON.stringify([messages, total]);
  const look = async () => {
    const found = await read();
    return JSON.stringify(found) === shown ? null : { address: location.hash, found, transports };
  };
  lookAgain(desk, root, () => chosen.size > 0 || whole, look);
  return { title: t("Queue"), root };
}

/**
 * Show the page again with what `look` finds: at most once in `period`, however many changes there were. It waits while
 * messages are chosen, a row is unfolded or a dialog is open. A look that fails says nothing, as the user asked for
 * nothing.
 */
function lookAgain(desk: Desk, root: HTMLElement, chosen: () => boolean, look: () => Promise<Ahead | null>): void {
  const busy = () =>
    chosen() ||
    document.hidden ||
    root.querySelector("[aria-expanded=true], input:not([type=checkbox]):focus") !== null ||
    document.querySelector("dialog[open]") !== null;
  const again = async () => {
    try {
      const found = busy() ? null : await look();
      if (found !== null) await released(root);
      if (found !== null && !busy() && desk.shown()) {
        ahead = found;
        return await desk.refresh();
      }
    } catch (error) {
      if (codeOf(error) === null) throw error;
    }
    if (desk.shown()) timer = window.setTimeout(() => void again(), period);
  };
  let timer = window.setTimeout(() => void again(), period);
  desk.onLeave(() => clearTimeout(timer));
}

type Change = (filter: Filter, expected: number) => Promise<Changed>;

interface Texts {
  readonly title: (n: number) => string;
  readonly text: string;
  readonly button: string;
  readonly doing: string;
  readonly failed: string;
  readonly done: (n: number) => string;
  /** It cannot be undone. */
  readonly final?: true;
}

/** Do something with messages: at once with one message, if it can be undone; after a question otherwise. */
async function act(
  desk: Desk,
  [filter, count]: [Filter, number],
  run: Change,
  texts: Texts,
  back?: () => Promise<unknown>,
): Promise<void> {
  if (texts.final || count > 1) {
    const kind = texts.final ? "line danger" : "primary";
    if (!(await confirm(texts.title(count), texts.text, texts.button, kind))) return;
  }
  let changed = 0;
  if (!(await attempt(texts.doing, texts.failed, async () => (changed = (await run(filter, count)).messages)))) return;
  const undo = back && { title: t("Undo"), run: () => void undone(desk, back) };
  desk.say(texts.done(changed), undo);
  await refreshed(desk, filter);
}

async function drop(desk: Desk, [filter, count]: [Filter, number]): Promise<void> {
  const title = many(count, "Permanently delete {n} message?", "Permanently delete {n} messages?");
  const what = t("The messages will be deleted from the queue. Senders won't be notified. You can't undo this.");
  if (!(await typedAgain(title, String(count), what, many(count, "Delete {n} message", "Delete {n} messages")))) return;
  if (await attempt(t("Deleting…"), t("Couldn't delete messages"), () => desk.client.queue_drop(filter, true, count))) {
    desk.say(many(count, "{n} message deleted", "{n} messages deleted"));
    await refreshed(desk, filter);
  }
}

/** Show the page again without these messages being chosen. */
async function refreshed(desk: Desk, filter: Filter): Promise<void> {
  for (const id of filter.ids ?? kept.chosen) kept.chosen.delete(id);
  await desk.refresh();
}

async function change(desk: Desk, [filter, count]: [Filter, number], transports: readonly string[]): Promise<void> {
  const minutes = line(
    t("Delay next attempt (minutes)"),
    "",
    t("Enter a negative number to deliver sooner. Leave blank for no change."),
    { inputmode: "numeric" },
  );
  const transport = choice(
    t("Transport"),
    [["*", t("no change")], ["", t("based on routes")], ...transports.map((one): [string, string] => [one, one])],
    "*",
  );
  const tls = choice(
    t("Require TLS"),
    [
      ["*", t("no change")],
      ["yes", t("yes, only deliver with TLS")],
      ["no", t("no, even if policies require it")],
      ["default", t("follow policies")],
    ],
    "*",
  );
  const done = await fieldDialog(
    many(count, "Change {n} message", "Change {n} messages"),
    t("Change"),
    { minutes, transport, tls },
    async () => {
      if (minutes.control.value !== "") {
        const number = Number(minutes.control.value);
        if (!Number.isFinite(number)) {
          minutes.problem(t("Enter a number."));
          throw new Error(t("Your changes weren't saved."));
        }
        await desk.client.queue_schedule(number * 60, filter, true, count);
      }
      if (transport.control.value !== "*")
        await desk.client.queue_transport(transport.control.value, filter, true, count);
      const demand = tls.control.value;
      if (demand === "yes" || demand === "no" || demand === "default")
        await desk.client.queue_requiretls(demand, filter, true, count);
      return true;
    },
  );
  if (done !== null) await refreshed(desk, filter);
}
