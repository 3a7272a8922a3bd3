// The queue: messages that wait, hold rules, finished messages, webhooks, suppressions.

import type { Filter, HookLine, Line, Page, Rule, Suppressed, Try } from "../../gen/admin";
import { messageOf } from "../../lib/client";
import { attempt, confirm, dialog } from "../../lib/dialogs";
import { type Child, el, fill, sign } from "../../lib/dom";
import { choice, line } from "../../lib/fields";
import { chevronDown, chevronRight, pause, play, plus, search as lens, send, trash2, undo2 } from "../../lib/icons";
import { size } from "../../lib/numbers";
import { button, card, foreign, head, iconButton, pairs, table, tabs, visible } from "../../lib/pages";
import { empty, notice, state } from "../../lib/states";
import { microseconds, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { fieldDialog, typedAgain } from "../ui/shared";

const perPage = 50;

/** Fields of the filter, as the page's address names them. */
const names = ["account", "sender", "recipient", "hold", "submitted", "next_attempt", "transport"] as const;

function filterOf(query: URLSearchParams): Filter {
  const found: Filter = {};
  for (const name of ["account", "sender", "recipient", "submitted", "next_attempt"] as const) {
    const value = query.get(name);
    if (value !== null && value !== "") found[name] = value;
  }
  const hold = query.get("hold");
  if (hold !== null && hold !== "") found.hold = hold === "true";
  const transport = query.get("transport");
  if (transport !== null) found.transport = transport;
  return found;
}

function pageOf(query: URLSearchParams): Page {
  const sort = query.get("sort") === "queued" ? "queued" : "next_attempt";
  const page: Page = { sort, ascending: query.get("order") !== "desc", n: perPage };
  const last = query.get("last");
  if (last !== null) Object.assign(page, { last, last_id: Number(query.get("last_id")) });
  return page;
}

const current = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query.entries()].filter(([name]) => !name.startsWith("last")));

const tabLinks = (on: string) =>
  tabs(t("Queue"), [
    ["#queue", t("Waiting"), on === "queue"],
    ["#queue/rules", t("Hold rules"), on === "rules"],
    ["#queue/finished", t("Finished"), on === "finished"],
    ["#queue/webhooks", t("Webhooks"), on === "webhooks"],
    ["#queue/suppressions", t("Suppressions"), on === "suppressions"],
  ]);

const address = (value: string): Child =>
  el(
    "div",
    { class: "address" },
    value === "" ? el("span", { class: "muted" }, t("(none)")) : el("bdi", {}, visible(value)),
  );

async function queuePage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  switch (desk.address.path[0]) {
    case "rules":
      return rulesPage(desk);
    case "finished":
      return finishedPage(desk);
    case "webhooks":
      return webhooksPage(desk);
    case "suppressions":
      return suppressionsPage(desk);
    default:
      return waitingPage(desk);
  }
}

async function waitingPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const filter = filterOf(query);
  const [messages, total, transports] = await Promise.all([
    desk.client.queue(filter, pageOf(query)),
    desk.client.queue_count(filter),
    desk.client.transports(),
  ]);
  if (Object.keys(filter).length === 0) desk.count("queue", total === 0 ? "" : String(total));
  const chosen = new Set<number>();
  let whole = false;
  const bar = el("header", { class: "act", hidden: true });
  const boxes = new Map<number, HTMLInputElement>();
  const all = el("input", { type: "checkbox", "aria-label": t("Select all on this page") });
  const wanted = (): [Filter, number] => (whole ? [filter, total] : [{ ids: [...chosen] }, chosen.size]);
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
          void act(
            desk,
            t("Trying"),
            wanted(),
            (f, n) => desk.client.queue_schedule(f, n, 0, true),
            "",
            t("Their next attempt is made now."),
          ),
        { icon: play, kind: "small" },
      ),
      button(
        t("Hold"),
        () =>
          void act(
            desk,
            t("Holding"),
            wanted(),
            (f, n) => desk.client.queue_change("hold", f, n),
            "",
            t("Nothing is tried until they are released."),
            (f, n) => desk.client.queue_change("unhold", f, n),
          ),
        { icon: pause, kind: "small" },
      ),
      button(
        t("Release"),
        () =>
          void act(
            desk,
            t("Releasing"),
            wanted(),
            (f, n) => desk.client.queue_change("unhold", f, n),
            "",
            t("They are tried again."),
            (f, n) => desk.client.queue_change("hold", f, n),
          ),
        { kind: "small" },
      ),
      button(t("Change…"), () => void change(desk, wanted(), transports), { kind: "small" }),
      button(
        t("Return to sender…"),
        () =>
          void act(
            desk,
            t("Returning"),
            wanted(),
            (f, n) => desk.client.queue_change("fail", f, n),
            t("Return to sender"),
            t("The senders are told that their mail was not delivered."),
          ),
        { icon: undo2, kind: "small" },
      ),
      button(t("Drop…"), () => void drop(desk, wanted()), { icon: trash2, kind: "small danger" }),
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
        title: t("State"),
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
        cell: (row) => [address(row.recipient), row.why !== "" && el("div", { class: "hint" }, foreign(row.why, 140))],
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
    filterForm(desk, transports),
    messages.length === 0
      ? card(
          "",
          Object.keys(filter).length === 0
            ? empty(
                send,
                t("The queue is empty"),
                t("Mail that cannot be delivered at once waits here, with what the other servers said."),
              )
            : empty(
                lens,
                t("Nothing found"),
                t("No message matches the filter."),
                el("a", { class: "btn line", href: "#queue" }, t("Show all")),
              ),
        )
      : el("section", { class: "card flush" }, bar, list),
    pager(query, following),
  );
  return { title: t("Queue"), root };
}

function pager(query: URLSearchParams, following: string, page: readonly string[] = []): HTMLElement {
  return el(
    "div",
    { class: "pages" },
    query.has("last") &&
      el("a", { class: "btn line", href: addressOf("queue", page, current(query)) }, t("First page")),
    following !== "" && el("a", { class: "btn line", href: following }, t("Next page")),
  );
}

function filterForm(desk: Desk, transports: readonly string[]): HTMLElement {
  const query = desk.address.query;
  const get = (name: string) => query.get(name) ?? "";
  const fields = {
    sender: line(t("From"), get("sender"), null, { placeholder: t("part, or @domain") }),
    recipient: line(t("To"), get("recipient"), null, { placeholder: t("part, or @domain") }),
    account: line(t("Account"), get("account")),
    hold: choice(
      t("On hold"),
      [
        ["", t("any")],
        ["true", t("on hold")],
        ["false", t("not on hold")],
      ],
      get("hold"),
    ),
    submitted: choice(
      t("Waiting"),
      [
        ["", t("any time")],
        ["<-1h", t("over an hour")],
        ["<-4h", t("over 4 hours")],
        ["<-1d", t("over a day")],
        ["<-3d", t("over 3 days")],
      ],
      get("submitted"),
    ),
    next_attempt: choice(
      t("Next attempt"),
      [
        ["", t("any time")],
        ["<now", t("is due")],
        ["<1h", t("within an hour")],
        [">1h", t("later than an hour")],
      ],
      get("next_attempt"),
    ),
    transport: choice(
      t("Transport"),
      [["*", t("any")], ["", t("by the routes")], ...transports.map((one): [string, string] => [one, one])],
      query.get("transport") ?? "*",
    ),
    sort: choice(
      t("Order"),
      [
        ["next_attempt", t("next attempt first")],
        ["queued", t("oldest first")],
        ["newest", t("newest first")],
      ],
      query.get("order") === "desc" ? "newest" : get("sort"),
    ),
  };
  const apply = () => {
    const found: Record<string, string> = {};
    for (const name of names)
      if (fields[name].control.value !== "" && name !== "transport") found[name] = fields[name].control.value;
    const { value } = fields.sort.control;
    if (value === "queued" || value === "newest") found["sort"] = "queued";
    if (value === "newest") found["order"] = "desc";
    let to = addressOf("queue", [], found);
    const transport = fields.transport.control.value;
    if (transport !== "*") to += `${to.includes("?") ? "&" : "?"}transport=${encodeURIComponent(transport)}`;
    desk.go(to);
  };
  const form = el(
    "form",
    {
      class: "filter",
      "aria-label": t("Filter"),
      onsubmit: (event: Event) => {
        event.preventDefault();
        apply();
      },
    },
    fields.sender.root,
    fields.recipient.root,
    fields.account.root,
    fields.hold.root,
    fields.submitted.root,
    fields.next_attempt.root,
    fields.transport.root,
    fields.sort.root,
    el("button", { class: "btn line", type: "submit" }, t("Filter")),
  );
  for (const one of form.querySelectorAll("select")) one.addEventListener("change", apply);
  const used = [...query.keys()].some((name) => name !== "last" && name !== "last_id");
  return el(
    "details",
    { class: "filters", open: used || innerWidth > 700 },
    el("summary", {}, t("Filter and order")),
    form,
  );
}

type Change = (filter: Filter, expected: number) => Promise<number>;

/** Do something with messages: at once what can be undone, after a question what cannot. */
async function act(
  desk: Desk,
  doing: string,
  [filter, count]: [Filter, number],
  run: Change,
  ask: string,
  what: string,
  back?: Change,
): Promise<void> {
  if (ask !== "" || count > 1) {
    const title = many(count, "{what} {n} message?", "{what} {n} messages?", {
      what: ask === "" ? `${doing}:` : `${ask}:`,
    });
    if (!(await confirm(title, what, ask === "" ? t("Go on") : ask))) return;
  }
  let changed = 0;
  if (!(await attempt(doing, async () => (changed = await run(filter, count))))) return;
  const undo =
    back === undefined ? undefined : { title: t("Undo"), run: () => void undone(desk, () => back(filter, count)) };
  desk.say(many(changed, "{n} message changed. {what}", "{n} messages changed. {what}", { what }), undo);
  await desk.refresh();
}

async function undone(desk: Desk, back: () => Promise<unknown>): Promise<void> {
  const done = await attempt(t("Undoing"), back);
  await desk.refresh();
  if (done) desk.say(t("Undone"));
}

async function drop(desk: Desk, [filter, count]: [Filter, number]): Promise<void> {
  const title = many(count, "Drop {n} message for good?", "Drop {n} messages for good?");
  const what = t("They leave the queue, and the senders are not told. This can't be undone.");
  if (!(await typedAgain(title, String(count), what, many(count, "Drop {n} message", "Drop {n} messages")))) return;
  if (await attempt(t("Dropping"), () => desk.client.queue_change("drop", filter, count))) {
    desk.say(many(count, "{n} message dropped", "{n} messages dropped"));
    await desk.refresh();
  }
}

async function change(desk: Desk, [filter, count]: [Filter, number], transports: readonly string[]): Promise<void> {
  const minutes = line(
    t("Put the next attempt off by minutes"),
    "",
    t("A negative number brings it forward; empty leaves it."),
    { inputmode: "numeric" },
  );
  const transport = choice(
    t("Transport"),
    [["*", t("leave it")], ["", t("by the routes")], ...transports.map((one): [string, string] => [one, one])],
    "*",
  );
  const tls = choice(
    t("Demand TLS"),
    [
      ["*", t("leave it")],
      ["yes", t("yes: rather not deliver than without")],
      ["no", t("no, even where policies ask for it")],
      ["default", t("as policies ask")],
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
          minutes.problem(t("This must be a number."));
          throw new Error(t("Nothing was changed."));
        }
        await desk.client.queue_schedule(filter, count, number, false);
      }
      if (transport.control.value !== "*") await desk.client.queue_transport(filter, count, transport.control.value);
      const demand = tls.control.value;
      if (demand === "yes" || demand === "no" || demand === "default")
        await desk.client.queue_requiretls(filter, count, demand);
      return true;
    },
  );
  if (done !== null) await desk.refresh();
}

/** The button that unfolds a message: its attempts, with what the other servers said. */
function more(desk: Desk, row: Line): HTMLElement {
  const face = el("span", {}, sign(chevronRight, "i s"));
  const opener = el(
    "button",
    {
      class: "btn icon small",
      type: "button",
      "aria-expanded": "false",
      "aria-label": t("Attempts for {recipient}", { recipient: row.recipient }),
    },
    face,
  );
  let below: HTMLElement | null = null;
  opener.addEventListener("click", async () => {
    if (below !== null) {
      below.remove();
      below = null;
    } else {
      const cell = el("td", { colspan: "8" }, t("Loading…"));
      below = el("tr", {}, cell);
      opener.closest("tr")?.after(below);
      try {
        fill(cell, detail(desk, row, await desk.client.queue_attempts(row.id)));
      } catch (error) {
        fill(cell, notice("danger", messageOf(error)));
      }
    }
    opener.setAttribute("aria-expanded", String(below !== null));
    fill(face, sign(below === null ? chevronRight : chevronDown, "i s"));
  });
  return opener;
}

function detail(desk: Desk, row: Line, tries: readonly Try[]): Child[] {
  const waits = row.next_attempt !== "" || row.hold;
  const header = async () => {
    const found = await desk.client.queue_header(row.id);
    await dialog<void>(t("Header"), (close) => [
      el(
        "pre",
        { class: "zone", tabindex: "0" },
        visible(found.replaceAll("\r\n", "\n")).replaceAll("[U+000A]", "\n").replaceAll("[U+0009]", "\t"),
      ),
      el(
        "div",
        { class: "dialog-buttons" },
        el("button", { class: "btn primary", autofocus: true, onclick: () => close() }, t("Close")),
      ),
    ]);
  };
  return [
    el(
      "ol",
      { class: "attempts" },
      tries.length === 0
        ? el("li", {}, t("No attempt yet."))
        : tries.map((one) =>
            el(
              "li",
              {},
              when(microseconds(one.start)),
              el(
                "div",
                {},
                state(
                  one.outcome === "delivered" ? "ok" : "warn",
                  one.outcome === "delivered" ? t("delivered") : t("not delivered"),
                ),
                " ",
                el("b", {}, visible(one.host)),
                one.ip !== "" && ` [${one.ip}]`,
                one.tls !== "" && `, ${one.tls}`,
                one.transport !== "" && `, ${one.transport}`,
                one.meaning !== "" && el("div", {}, one.meaning),
                (one.reply !== "" || one.outcome !== "delivered") &&
                  el("div", {}, el("q", {}, foreign(one.reply !== "" ? one.reply : one.outcome, 400))),
                one.admin !== "" && el("div", { class: "hint" }, one.admin),
              ),
            ),
          ),
    ),
    pairs([
      [t("Subject"), foreign(row.subject, 200)],
      [t("Size"), size(row.size)],
      [t("Message-ID"), foreign(row.message_id, 200)],
      [t("Account"), row.account === "" ? "–" : el("a", { href: addressOf("accounts", [row.account]) }, row.account)],
      [t("Next step"), row.next],
      ...(row.admin !== "" ? [[t("Advice"), row.admin] as const] : []),
    ]),
    waits &&
      el(
        "div",
        { class: "flex wrap" },
        button(t("Header"), () => void attempt(t("Reading the header"), header), { kind: "line small" }),
      ),
  ];
}

async function rulesPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const found = await desk.client.hold_rules();
  const add = async () => {
    const account = line(t("Account"), "");
    const sender = line(t("Sender"), "", t("A domain, or an address."));
    const recipient = line(t("Recipient"), "", t("A domain, or an address."));
    const held = await fieldDialog(
      t("Add a hold rule"),
      t("Add rule"),
      { account, sender, recipient },
      () => desk.client.hold_rule_add(account.control.value, sender.control.value, recipient.control.value),
      el("p", { class: "hint" }, t("All must match. With all empty, every message is put on hold.")),
    );
    if (held === null) return;
    desk.say(
      many(held, "Rule added; {n} message is on hold by it now", "Rule added; {n} messages are on hold by it now"),
    );
    await desk.refresh();
  };
  const remove = async (rule: Rule) => {
    if (await attempt(t("Removing"), () => desk.client.hold_rule_remove(rule.id))) {
      desk.say(t("Rule removed; what it held stays on hold until it is released"));
      await desk.refresh();
    }
  };
  const any = (text: string) => (text === "" ? el("span", { class: "muted" }, t("any")) : el("bdi", {}, text));
  const list = table<Rule>(
    t("Hold rules"),
    [
      { title: t("Account"), cell: (rule) => any(rule.account) },
      { title: t("Sender"), cell: (rule) => any(rule.sender) },
      { title: t("Recipient"), cell: (rule) => any(rule.recipient) },
      { title: "", kind: "top", cell: (rule) => iconButton(t("Remove the rule"), trash2, () => void remove(rule)) },
    ],
    found,
  );
  const body =
    found.length === 0
      ? empty(
          pause,
          t("No hold rules"),
          t(
            "A rule puts messages on hold, those that wait and those that come: for an account, a sender or a recipient.",
          ),
        )
      : list;
  return {
    title: t("Hold rules"),
    root: el(
      "div",
      { class: "page" },
      head(
        t("Queue"),
        null,
        button(t("Add a hold rule"), () => void add(), { icon: plus, kind: "primary" }),
      ),
      tabLinks("rules"),
      card("", body, { flush: true }),
    ),
  };
}

async function finishedPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const success = query.get("success") ?? "";
  const page = {
    n: perPage,
    ...(query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {}),
  };
  const filter = {
    ...(query.get("sender") ? { sender: query.get("sender") ?? "" } : {}),
    ...(query.get("recipient") ? { recipient: query.get("recipient") ?? "" } : {}),
    ...(success !== "" ? { success: success === "true" } : {}),
  };
  const found = await desk.client.retired(filter, page);
  const list = table<Line>(
    t("Finished messages"),
    [
      {
        title: t("State"),
        kind: "main",
        cell: (row) => (row.success === true ? state("ok", t("delivered")) : state("danger", t("failed"))),
      },
      { title: t("From"), cell: (row) => address(row.sender) },
      {
        title: t("To"),
        cell: (row) => [
          address(row.recipient),
          row.error !== "" && el("div", { class: "hint" }, foreign(row.error, 140)),
        ],
      },
      { title: t("Queued"), cell: (row) => when(microseconds(row.queued)) },
      { title: t("Finished"), cell: (row) => when(microseconds(row.last_activity)) },
      { title: "", kind: "top", cell: (row) => more(desk, row) },
    ],
    found,
  );
  const pill = (value: string, words: string) =>
    el(
      "a",
      {
        class: "chip pill",
        href: addressOf("queue", ["finished"], { ...current(query), success: value }),
        "aria-current": success === value ? "true" : undefined,
      },
      words,
    );
  const last = found.at(-1);
  const following =
    last !== undefined && found.length === perPage
      ? addressOf("queue", ["finished"], { ...current(query), last: last.last_activity, last_id: String(last.id) })
      : "";
  const body =
    found.length === 0
      ? empty(
          send,
          t("Nothing is listed"),
          t("Finished messages stay listed where an account has keep_retired_message_period."),
        )
      : list;
  return {
    title: t("Finished"),
    root: el(
      "div",
      { class: "page" },
      head(t("Queue"), null),
      tabLinks("finished"),
      el("div", { class: "filter" }, pill("", t("All")), pill("false", t("Failed")), pill("true", t("Delivered"))),
      card("", body, { flush: true }),
      pager(query, following, ["finished"]),
    ),
  };
}

async function webhooksPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const finished = query.get("finished") === "true";
  const page = {
    n: perPage,
    ...(query.has("last") ? { last: query.get("last") ?? "", last_id: Number(query.get("last_id")) } : {}),
  };
  const found = finished ? await desk.client.webhooks_retired({}, page) : await desk.client.webhooks({}, page);
  const again = async (row: HookLine) => {
    if (await attempt(t("Calling"), () => desk.client.webhook_schedule(row.id))) await desk.refresh();
  };
  const cancel = async (row: HookLine) => {
    if (
      !(await confirm(
        t("Cancel this call?"),
        t("{url} is not told of it. This can't be undone.", { url: row.url }),
        t("Cancel the call"),
      ))
    )
      return;
    if (await attempt(t("Cancelling"), () => desk.client.webhook_cancel(row.id))) await desk.refresh();
  };
  const list = table<HookLine>(
    t("Webhooks"),
    [
      {
        title: t("Event"),
        kind: "main",
        cell: (row) => [
          el("b", {}, row.event),
          row.success === false && [" ", state("danger", t("failed"))],
          row.success === true && [" ", state("ok", t("done"))],
        ],
      },
      { title: t("Account"), cell: (row) => row.account },
      {
        title: t("Where to"),
        cell: (row) => [
          foreign(row.url, 100),
          row.error !== "" && el("div", { class: "hint" }, foreign(row.error, 200)),
        ],
      },
      { title: t("Since"), cell: (row) => when(microseconds(row.submitted)) },
      { title: t("Attempts"), kind: "num", cell: (row) => String(row.attempts) },
      {
        title: finished ? t("Finished") : t("Next"),
        cell: (row) => when(microseconds(finished ? row.last_activity : row.next_attempt)),
      },
      {
        title: "",
        kind: "top",
        cell: (row) =>
          !finished &&
          el(
            "span",
            { class: "flex" },
            button(t("Call now"), () => void again(row), { kind: "line small" }),
            button(t("Cancel…"), () => void cancel(row), { kind: "small danger" }),
          ),
      },
    ],
    found,
  );
  const last = found.at(-1);
  const following =
    last !== undefined && found.length === perPage
      ? addressOf("queue", ["webhooks"], {
          ...current(query),
          last: finished ? last.last_activity : last.next_attempt,
          last_id: String(last.id),
        })
      : "";
  const pill = (value: boolean, words: string) =>
    el(
      "a",
      {
        class: "chip pill",
        href: addressOf("queue", ["webhooks"], value ? { finished: "true" } : {}),
        "aria-current": finished === value ? "true" : undefined,
      },
      words,
    );
  const body =
    found.length === 0
      ? empty(
          send,
          t("No calls"),
          finished
            ? t("Finished calls stay listed where an account has keep_retired_webhook_period.")
            : t("Calls to web servers of your users wait here when they fail."),
        )
      : list;
  return {
    title: t("Webhooks"),
    root: el(
      "div",
      { class: "page" },
      head(t("Queue"), null),
      tabLinks("webhooks"),
      el("div", { class: "filter" }, pill(false, t("Waiting")), pill(true, t("Finished"))),
      card("", body, { flush: true }),
      pager(query, following, ["webhooks"]),
    ),
  };
}

async function suppressionsPage(desk: Desk): Promise<{ title: string; root: HTMLElement }> {
  const query = desk.address.query;
  const found = await desk.client.suppressions(
    query.get("account") ?? "",
    query.get("last") ?? "",
    query.get("last_base") ?? "",
    perPage,
  );
  const add = async () => {
    const account = line(t("Account"), "");
    const suppressed = line(t("Address"), "", null, { inputmode: "email" });
    const reason = line(t("Reason"), "");
    const done = await fieldDialog(
      t("Suppress an address"),
      t("Suppress"),
      { account, address: suppressed, reason },
      () =>
        desk.client
          .suppression_add(account.control.value, suppressed.control.value, reason.control.value)
          .then(() => true),
    );
    if (done !== null) await desk.refresh();
  };
  const remove = async (row: Suppressed) => {
    if (!(await attempt(t("Removing"), () => desk.client.suppression_remove(row.account, row.address)))) return;
    desk.say(t("{address} gets mail again", { address: row.address }), {
      title: t("Undo"),
      run: () =>
        void attempt(t("Undoing"), () => desk.client.suppression_add(row.account, row.address, row.reason)).then(() =>
          desk.refresh(),
        ),
    });
    await desk.refresh();
  };
  const list = table<Suppressed>(
    t("Suppressions"),
    [
      { title: t("Address"), kind: "main", cell: (row) => address(row.address) },
      { title: t("Account"), cell: (row) => row.account },
      {
        title: t("Why"),
        cell: (row) => [row.manual ? t("by hand") : t("failed"), row.reason !== "" && [": ", foreign(row.reason, 200)]],
      },
      { title: t("Since"), cell: (row) => when(microseconds(row.created)) },
      { title: t("Until"), cell: (row) => (row.expires === "" ? t("for good") : when(microseconds(row.expires))) },
      {
        title: "",
        kind: "top",
        cell: (row) => iconButton(t("Remove {address}", { address: row.address }), trash2, () => void remove(row)),
      },
    ],
    found,
  );
  const last = found.at(-1);
  const following =
    last !== undefined && found.length === perPage
      ? addressOf("queue", ["suppressions"], { ...current(query), last: last.account, last_base: last.base })
      : "";
  const body =
    found.length === 0
      ? empty(
          send,
          t("No suppressions"),
          t(
            "An address to which mail failed for good gets nothing more from that account, until it is removed from this list.",
          ),
        )
      : list;
  return {
    title: t("Suppressions"),
    root: el(
      "div",
      { class: "page" },
      head(
        t("Queue"),
        null,
        button(t("Suppress an address"), () => void add(), { icon: plus, kind: "primary" }),
      ),
      tabLinks("suppressions"),
      card("", body, { flush: true }),
      pager(query, following, ["suppressions"]),
    ),
  };
}

export const pages: PagePart["pages"] = { queue: queuePage };
