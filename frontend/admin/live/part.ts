// The live view: deliveries, log-ins and sends as they happen, each with its explanation.
//
// The stream is fetched by the script and not by an EventSource, which could not send the CSRF token. Lines that come while the
// reader looks at one wait until the reader asks for them: nothing moves under the pointer.

import type { Happening, Line, WhyFound, WhyReasons } from "../../gen/admin";
import { Backoff } from "../../lib/backoff";
import { codeOf, messageOf } from "../../lib/client";
import { formatted } from "../../lib/dateformats";
import { type Child, el, fill, sign } from "../../lib/dom";
import { activity, inbox, keyRound, search as lens, pause, play, send } from "../../lib/icons";
import { brief, button, card, foreign, head, pairs } from "../../lib/pages";
import { empty, type Level, mark, notice, state } from "../../lib/states";
import { moment, when } from "../../lib/times";
import { many, t } from "../../lib/words";
import { shown as logLines } from "../machine/log";
import { protocolOf, resultOf } from "../ui/logins";
import { addressOf, type Desk, type PagePart } from "../ui/page";
import { decisionOf } from "../ui/reasons";

/** Lines on the page, and as many that wait for the reader. */
const most = 500;

/** Milliseconds for which the list stands still after the pointer has moved on it. */
const aiming = 4_000;

type Kind = Happening["kind"];

const kinds: Readonly<Record<Kind, readonly [icon: string, title: string, word: string]>> = {
  delivery: [inbox, t("Deliveries"), t("Delivery")],
  login: [keyRound, t("Logins"), t("Login")],
  send: [send, t("Sends"), t("Send")],
};

const outcomes: Readonly<Record<Happening["outcome"], readonly [level: Level, word: string]>> = {
  delivered: ["ok", t("delivered")],
  junk: ["warn", t("junk")],
  waits: ["wait", t("inactive")],
  refused: ["danger", t("rejected")],
  accepted: ["ok", t("logged in")],
  queued: ["wait", t("queued")],
  sent: ["ok", t("sent")],
  later: ["warn", t("retrying later")],
  failed: ["danger", t("failed")],
};

const bad = (one: Happening): boolean => ["warn", "danger"].includes(outcomes[one.outcome][0]);

export const pages: PagePart["pages"] = { live: async (desk) => new Live(desk).page() };

class Live {
  private readonly list = el("ol", { class: "live", tabindex: "0" });
  private readonly none = el("div");
  private readonly waiting = el("div", { class: "held" });
  private readonly status = el("p", { class: "hint below", role: "status" }, t("Connecting…"));
  private readonly pauser = button("", () => this.toggle(), { kind: "line" });
  private readonly backoff = new Backoff();
  private readonly stopping = new AbortController();
  private readonly rows: { happening: Happening; root: HTMLElement }[] = [];
  private held: Happening[] = [];
  private last = 0;
  private missed = 0;
  private paused = false;
  private over = false;
  private timer = 0;
  private kind: Kind | "" = "";
  private troubles = false;
  private words: readonly string[] = [];

  constructor(private readonly desk: Desk) {
    this.list.setAttribute("aria-label", t("Activity"));
    this.list.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.aim(aiming));
    this.list.addEventListener("pointerleave", () => this.aim(0));
    this.list.addEventListener("focusout", () => setTimeout(() => this.flow()));
    desk.onLeave(() => {
      this.stopping.abort();
      clearTimeout(this.timer);
    });
  }

  page(): { title: string; root: HTMLElement } {
    this.drawPauser();
    this.draw();
    void this.follow();
    const root = el(
      "div",
      { class: "page" },
      head(t("Live"), t("Live deliveries, logins, and sends. Subjects and content aren't shown."), this.pauser),
      this.filter(),
      card("", [this.waiting, this.list, this.none], { flush: true }),
      this.status,
    );
    return { title: t("Live"), root };
  }

  private filter(): HTMLElement {
    const pills = (Object.keys(kinds) as Kind[]).map((kind) => [kind, kinds[kind][1]] as const);
    const made = ([["", t("All")], ...pills] as const).map(([kind, title]) => {
      const one = el(
        "button",
        { class: "chip pill", type: "button", "aria-pressed": String(kind === this.kind), onclick: () => choose(kind) },
        title,
      );
      return [kind, one] as const;
    });
    const choose = (kind: Kind | "") => {
      this.kind = kind;
      for (const [other, one] of made) one.setAttribute("aria-pressed", String(other === kind));
      this.draw();
    };
    const troubles = el("input", { type: "checkbox" });
    troubles.addEventListener("change", () => {
      this.troubles = troubles.checked;
      this.draw();
    });
    const label = t("Address, account, host, or reason");
    const words = el("input", { type: "search", "aria-label": label, placeholder: label });
    words.addEventListener("input", () => {
      this.words = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      this.draw();
    });
    return el(
      "div",
      { class: "filter", role: "group", "aria-label": t("Filter") },
      el(
        "div",
        { class: "pills" },
        made.map(([, one]) => one),
      ),
      el("label", { class: "check" }, troubles, el("span", {}, t("Problems only"))),
      el("label", { class: "search" }, sign(lens), words),
    );
  }

  /** The pointer is on its way to a line, for so many milliseconds. */
  private aim(time: number): void {
    clearTimeout(this.timer);
    this.over = time > 0;
    if (this.over) this.timer = window.setTimeout(() => this.aim(0), time);
    else this.flow();
  }

  private toggle(): void {
    this.paused = !this.paused;
    this.drawPauser();
    this.flow();
  }

  private drawPauser(): void {
    fill(this.pauser, sign(this.paused ? play : pause), this.paused ? t("Continue") : t("Pause"));
  }

  private wanted(one: Happening): boolean {
    if ((this.kind !== "" && one.kind !== this.kind) || (this.troubles && !bad(one))) return false;
    const kept = [one.who, one.to, one.account, one.remote, one.text, one.message_id];
    const text = [...kept, goal(one), reason(one)].join(" ").toLowerCase();
    return this.words.every((word) => text.includes(word));
  }

  /** Show what has come, unless the reader has paused, looks at a line, or reads an explanation. */
  private flow(): void {
    const reads = this.list.querySelector("[aria-expanded=true]") !== null;
    const away = this.list.scrollTop > 0 || this.list.getBoundingClientRect().top < 0;
    const busy = this.over || away || reads || this.list.contains(document.activeElement);
    if (!this.paused && !busy) this.show();
    else this.drawHeld();
  }

  private show(): void {
    for (const happening of this.held) this.rows.push({ happening, root: row(this.desk, happening) });
    this.held = [];
    for (const gone of this.rows.splice(0, Math.max(0, this.rows.length - most))) gone.root.remove();
    this.draw();
  }

  private drawHeld(): void {
    const count = this.held.filter((one) => this.wanted(one)).length;
    fill(
      this.waiting,
      count > 0 &&
        button(
          many(count, "Show {n} new event", "Show {n} new events"),
          () => {
            this.list.scrollTop = 0;
            this.show();
          },
          { kind: "text small" },
        ),
    );
  }

  private draw(): void {
    const found = this.rows.filter((one) => this.wanted(one.happening)).map((one) => one.root);
    // only what differs is touched: rows that stay keep focus and selection
    for (const root of [...this.list.children]) if (!found.includes(root as HTMLElement)) root.remove();
    for (const [index, root] of found.reverse().entries())
      if (this.list.children[index] !== root) this.list.insertBefore(root, this.list.children[index] ?? null);
    this.list.hidden = found.length === 0;
    fill(
      this.none,
      found.length === 0 &&
        (this.rows.length === 0
          ? empty(activity, t("No activity yet"), t("New deliveries, logins, and sends will appear here."))
          : empty(activity, t("No matching events"), t("New matching events will appear here."))),
    );
    this.drawHeld();
  }

  /** Follow the stream, and connect again when it is lost, until the page is left. */
  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let why = t("Connection lost. Reconnecting…");
      try {
        const answer = await fetch(`${base()}live?after=${this.last}`, {
          headers: { "x-moxlite-csrf": this.desk.client.csrfToken },
          credentials: "same-origin",
          signal,
        });
        if (answer.status === 403)
          await this.desk.client.log_levels(); // asks for a log-in
        else if (answer.status === 503) why = t("This page is open in too many windows. Retrying…");
        else if (answer.ok && answer.body !== null) for await (const told of events(answer.body)) this.take(told);
      } catch (error) {
        // a fetch that fails, or is given up, is a TypeError or DOMException; a call that fails has a code
        if (!(error instanceof TypeError || error instanceof DOMException) && codeOf(error) === null) throw error;
      }
      if (signal.aborted) return;
      fill(this.status, why);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, this.backoff.next());
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          resolve(null);
        });
      });
    }
  }

  private take(told: unknown): void {
    const { found, missed, last } = this.desk.happenings(told);
    this.backoff.reset();
    this.last = last;
    this.missed += missed;
    this.held.push(...found);
    this.missed += this.held.splice(0, Math.max(0, this.held.length - most)).length;
    fill(
      this.status,
      t("Latest {n} events, newest first. For older events, see the log.", { n: most }),
      this.missed > 0 && ` ${many(this.missed, "Skipped {n} event to keep up.", "Skipped {n} events to keep up.")}`,
    );
    this.flow();
  }
}

const base = (): string => document.location.pathname.replace(/[^/]*$/, "");

/** The data of the events of a stream (WHATWG HTML §9.2); each is one line of JSON, as this server writes them. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const reader = body.pipeThrough(new TextDecoderStream() as never).getReader() as ReadableStreamDefaultReader<string>;
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const one of lines) if (one.startsWith("data: ")) yield JSON.parse(one.slice(6));
  }
}

/** A moment to the second, with the whole date on hover. */
function clock(at: number): HTMLElement {
  const made = when(at);
  made.textContent = formatted(new Date(at / 1000), "seconds", { timeStyle: "medium" });
  return made;
}

/** The account of log-ins to this app. */
const admin = "(admin)";

const accountOf = (name: string): Child =>
  name === "" || name === admin ? null : el("a", { href: addressOf("accounts", [name]) }, brief(name, 64));

/** Where a message goes, or what a log-in was for. */
const goal = (one: Happening): string => (one.kind === "login" ? protocolOf(one.to) : one.to);

/** Why, in words: the server's word for a decision or a result, and a reply as it was. */
function reason(one: Happening): string {
  if (one.kind === "login") return resultOf(one.text);
  if (one.kind === "send") return one.text;
  const [word = "", ...reply] = one.text.split(" ");
  return [decisionOf(word), reply.join(" ")].filter(Boolean).join(": ");
}

function row(desk: Desk, one: Happening): HTMLElement {
  const [icon, , word] = kinds[one.kind];
  const [level, outcome] = outcomes[one.outcome];
  const arrow = el("span", { class: "muted", "aria-hidden": "true" }, " → ");
  const who = one.who !== "" ? foreign(one.who, 80) : one.account === admin ? t("Administrator") : t("unnamed");
  const main: Child =
    one.kind === "login"
      ? [el("b", {}, who), " ", el("span", { class: "two" }, goal(one))]
      : [el("b", {}, who), arrow, foreign(one.to, 120)];
  const details = [
    one.account !== one.who && accountOf(one.account),
    one.remote !== "" && foreign(one.remote, 80),
    one.text !== "" && foreign(reason(one), 160),
  ].filter((part) => part !== false && part !== null);
  return el(
    "li",
    { data: { kind: one.kind } },
    sign(icon),
    el("span", { class: "sr" }, `${word}: `),
    clock(one.at),
    state(level, outcome),
    el(
      "div",
      { class: "grow" },
      main,
      el(
        "div",
        { class: "hint" },
        details.flatMap((part, n) => (n > 0 ? [" · ", part] : [part])),
      ),
    ),
    why(desk, one, t("Why? {what}", { what: `${outcome}, ${one.who}` })),
  );
}

/** A button, and below the line what it shows. */
function why(desk: Desk, one: Happening, label: string): HTMLElement[] {
  const place = el("div", { class: "why", hidden: true, "aria-live": "polite" });
  const opener = button(
    t("Why?"),
    () => {
      place.hidden = !place.hidden;
      opener.ariaExpanded = String(!place.hidden);
      if (place.childElementCount === 0) void explain(desk, one).then((found) => fill(place, found));
    },
    { kind: "text small", name: label },
  );
  opener.ariaExpanded = "false";
  return [opener, place];
}

/** The explanation of a line: what is stored with the message or its attempts, and the log of the connection. */
async function explain(desk: Desk, one: Happening): Promise<Child> {
  const parts = [
    one.kind === "delivery" &&
      one.message_id !== "" &&
      one.account !== "" &&
      part(t("Message"), () => reasons(desk, one.account, one.message_id)),
    one.queue_id > 0 && part(t("Queue"), () => queued(desk, one.queue_id)),
    one.cid !== "" && part(t("Connection log"), () => connection(desk, one.cid)),
  ];
  return [
    pairs([
      [t("When"), when(one.at)],
      [t("Account"), accountOf(one.account) ?? "–"],
      [t("Reason"), one.text === "" ? "–" : foreign(reason(one), 300)],
    ]),
    await Promise.all(parts.filter((found) => found !== false)),
  ];
}

/** A part whose content may not be there: a message can be gone by now, a log be rotated. */
async function part(title: string, make: () => Promise<Child>): Promise<HTMLElement> {
  let found: Child;
  try {
    found = await make();
  } catch (error) {
    if (codeOf(error) === null) throw error;
    found = el("p", { class: "two" }, messageOf(error));
  }
  return el("section", { "aria-label": title }, el("h2", {}, title), found);
}

async function reasons(desk: Desk, account: string, message: string): Promise<Child> {
  const found = await desk.client.message_why(account, message);
  return found.map((one) => el("div", {}, explained(one)));
}

function explained(one: WhyFound): Child {
  const where = el("p", {}, t("Message {id}, in {mailbox}", { id: one.message, mailbox: one.mailbox }));
  if (one.why === null)
    return [
      where,
      el(
        "p",
        { class: "two" },
        t("No reasons recorded. The message came from a mail app, an import, or an earlier version."),
      ),
    ];
  return [where, ...details(one.why)];
}

function details(why: WhyReasons): Child[] {
  const spoken = (good: boolean | null) =>
    good === null ? mark("unknown", t("neutral")) : good ? mark("ok", t("positive")) : mark("warn", t("negative"));
  const proposed = why.proposals.map((one) =>
    el(
      "li",
      {},
      el("b", {}, decisionOf(one.word)),
      el("span", { class: "hint" }, ` ${one.word}, ${one.producer}`),
      [one.reply, ...one.actions].filter(Boolean).map((text) => el("div", { class: "hint" }, foreign(text, 200))),
    ),
  );
  return [
    pairs([
      [
        t("Decision"),
        [
          el("b", {}, decisionOf(why.reason)),
          el("span", { class: "hint" }, ` ${why.reason}`),
          why.reply !== "" && el("div", {}, why.reply),
        ],
      ],
      [t("Done"), why.actions.length === 0 ? "–" : why.actions.map((text) => el("div", {}, foreign(text, 200)))],
      [t("From"), foreign(why.sender === "" ? "<>" : why.sender, 160)],
      [
        t("To"),
        [
          foreign(why.recipient, 160),
          ...(why.via.length > 0 ? [" ", t("via {aliases}", { aliases: why.via.join(", ") })] : []),
        ],
      ],
      [t("Client"), foreign(`${why.remote || "–"} ${why.hello === "" ? "" : `(${why.hello})`}`, 200)],
    ]),
    el("h3", {}, t("Evidence")),
    el(
      "ul",
      { class: "evidence" },
      why.facts.map((one) =>
        el(
          "li",
          {},
          spoken(one.good),
          el("b", {}, one.name),
          " ",
          foreign(one.value, 160),
          el("span", { class: "hint" }, ` ${one.strength}, ${one.source}`),
        ),
      ),
      why.missing.map((name) =>
        el("li", {}, mark("unknown", t("no response")), el("b", {}, name), " ", t("no response")),
      ),
    ),
    el("h3", {}, t("Suggestions")),
    proposed.length === 0 ? el("p", { class: "two" }, t("None.")) : el("ul", { class: "evidence" }, proposed),
    why.cut && notice("unknown", t("Some details were too long to keep.")),
  ];
}

async function queued(desk: Desk, id: number): Promise<Child> {
  const [row]: Line[] = await desk.client.queue_list({ ids: [id] }, {});
  const tries = row === undefined ? [] : await desk.client.queue_attempts(id);
  if (row === undefined)
    return el(
      "p",
      { class: "two" },
      t("This message is no longer in the queue."),
      " ",
      el("a", { href: "#queue/finished" }, t("Finished messages")),
    );
  return [
    pairs([
      [t("To"), foreign(row.recipient, 160)],
      [t("Waiting"), row.why === "" ? "–" : foreign(row.why, 300)],
      [t("Next step"), row.next],
      ...(row.admin !== "" ? [[t("Advice"), row.admin] as const] : []),
      [t("Attempts"), String(tries.length)],
    ]),
    el("p", {}, el("a", { href: addressOf("queue", [], { recipient: row.recipient }) }, t("Show in queue"))),
  ];
}

async function connection(desk: Desk, cid: string): Promise<Child> {
  const found = await desk.client.log_of(cid);
  if (found.lines.length > 0) return logLines(found.lines);
  return el(
    "p",
    { class: "two" },
    t("No log lines left in memory. If logs go to the journal, run:"),
    " ",
    el("code", {}, `journalctl -u moxlite -g cid=${found.cid}`),
    found.since > 0 && ` ${t("Log lines in memory since {when}.", { when: moment(found.since) })}`,
  );
}
