// What is done without a connection: calls that wait in this browser, and are made in their order, each once, when the server can
// be reached (WEBMAIL-121). Calls that change flags and mailboxes may be repeated; a message is sent once under its `submit_id`.

import type { Client, Written } from "../../gen/webmail";
import { kept as named } from "../../lib/beside";
import { codeOf, messageOf } from "../../lib/client";
import { t } from "../../lib/words";
import type { Originals } from "./answers";
import type { Store } from "./store";

/** Calls that may wait, each with its result while it waits. -1: the message is kept. */
const waiting: Readonly<Record<string, unknown>> = {
  flags_add: null,
  flags_clear: null,
  message_move: null,
  message_delete: null,
  thread_mute: null,
  message_submit: -1,
};
/** Whether a call may wait. */
export function mayWait(call: string): boolean {
  return call in waiting;
}
/** Answers after which a change was made already, or its messages are gone: there is nothing left to do. */
const settled = new Set(["user:conflict", "user:notFound"]);

/** Connections in a row in which a call has no answer before it is at fault: each of them began with a call that had one. A proxy
 * may refuse it with a page of its own, for its size or its words. */
const mostSilent = 3;
/** Milliseconds until such a call is made again: each attempt costs the connection. */
const restFor = 600_000;

interface Call {
  readonly call: string;
  readonly given: readonly unknown[];
  /** Whether the server has failed at it in an earlier connection. */
  readonly failed?: boolean;
}

/** What has become of a call: made or given up, without an answer, or one at which the server fails. */
type Outcome = "done" | "unanswered" | "failed";

/** The messages that a call changes; none for a message that is sent. */
function changedBy({ call, given }: Call): readonly number[] {
  return call === "message_submit" ? [] : (given[0] as readonly number[]);
}

export class Outbox {
  /** The calls that wait, with their keys in the store. They are here, too, because the browser forgets them when a session
   * ends: after a log-in of the same user they are made all the same. */
  private calls = new Map<number, Call>();
  private running: Call | null = null;
  /** Calls at which the server fails, by their keys, and those after them that change the same messages: they wait for the next
   * connection, and the others go on. */
  private aside = new Map<number, Call>();
  /** Calls without an answer, by their keys: the connections in a row, and the time of the last attempt, ms since 1970. */
  private readonly silent = new Map<number, readonly [times: number, at: number]>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly client: Client,
    private readonly say: (text: string) => void,
    /** Called when the number of waiting calls has changed. */
    private readonly changed: () => void,
    private readonly originals: Originals,
  ) {}

  /** Number of calls that wait. */
  get size(): number {
    return this.calls.size;
  }

  /** Read the calls that this page, another one or an earlier one has left. */
  async load(): Promise<void> {
    this.calls = await this.store.entries<Call>("outbox");
    this.changed();
  }

  private runs(call: string, given: readonly unknown[]): boolean {
    return JSON.stringify({ call, given }) === JSON.stringify(this.running);
  }

  /** Whether a call must not be made now: it may wait, and others wait before it. */
  behind(call: string, given: readonly unknown[]): boolean {
    if (!(call in waiting) || this.runs(call, given)) return false;
    return this.size > this.aside.size || this.follows({ call, given });
  }

  /** Whether a call changes messages of those set aside. */
  private follows(call: Call): boolean {
    if (this.aside.size === 0) return false;
    const ids = new Set([...this.aside.values()].flatMap(changedBy));
    return changedBy(call).some((id) => ids.has(id));
  }

  /** Keep a call for later; undefined if it cannot wait. */
  async add(call: string, given: readonly unknown[]): Promise<unknown> {
    if (!(call in waiting) || this.runs(call, given)) return undefined;
    if (!(await this.store.put("outbox", { call, given } satisfies Call))) return undefined;
    await this.load();
    return waiting[call];
  }

  /** Make the calls that wait; one page at a time, and one after the other. Stops when the server does not answer, but for a call
   * that is at fault itself. `kept`: the browser still has them. */
  async send(kept: boolean): Promise<void> {
    this.turn = this.turn.then(() => navigator.locks.request(`${named()}-outbox`, () => this.sendAll(kept)));
    await this.turn;
  }

  private async sendAll(kept: boolean): Promise<void> {
    if (kept) await this.load();
    this.aside.clear();
    for (;;) {
      const next = [...this.calls].find(([key]) => !this.aside.has(key));
      if (next === undefined) return;
      const [key, one] = next;
      const [times, at] = this.silent.get(key) ?? [0, 0];
      const rests = times >= mostSilent && Date.now() < at + restFor;
      const last = times + 1 >= mostSilent;
      let outcome: Outcome = "failed";
      try {
        if (!rests && !this.follows(one)) outcome = await this.made(one, last);
      } finally {
        this.running = null;
      }
      if (outcome === "unanswered") {
        this.silent.set(key, [times + 1, Date.now()]);
        if (!last) return;
        outcome = "failed";
      } else if (!rests) this.silent.delete(key);
      if (outcome === "failed") {
        const failed: Call = { ...one, failed: true };
        if (kept) await this.store.put("outbox", failed, key);
        this.calls.set(key, failed);
        this.aside.set(key, failed);
        continue;
      }
      if (kept) await this.store.delete("outbox", key);
      this.calls.delete(key);
      this.changed();
    }
  }

  /** Make a call. A message that is refused becomes a draft, and so does one at which the server fails again. `last`: the user is
   * told of a call without an answer. */
  private async made(one: Call, last: boolean): Promise<Outcome> {
    const methods = this.client as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>;
    try {
      const [first, ...rest] = one.given;
      const given = one.call === "message_submit" ? [await this.originals.fill(first as Written), ...rest] : one.given;
      this.running = { call: one.call, given };
      await methods[one.call]!(...given);
      return "done";
    } catch (error) {
      const code = codeOf(error);
      const silent = code === "";
      if (silent && !last) return "unanswered";
      if (code === "user:sent") return "done";
      const why = messageOf(error);
      const failed = silent || code?.startsWith("server:") === true;
      if (one.call !== "message_submit") {
        if (settled.has(code ?? "")) return "done";
        this.say(
          failed
            ? t(
                "The server couldn't apply an offline change: {why} We'll try again when you reconnect. If this happens again, contact your administrator.",
                { why },
              )
            : t("A change you made offline was rejected: {why}", { why }),
        );
        return silent ? "unanswered" : failed ? "failed" : "done";
      }
      // one without an answer may be sent already: it becomes no draft
      if (silent || (failed && one.failed !== true)) {
        this.say(t("A message you wrote offline is waiting on this device: {why}", { why }));
        return silent ? "unanswered" : "failed";
      }
      let failure = await this.drafted(one.given[0] as Written);
      if (failure !== null && codeOf(failure)?.startsWith("user:") === true) {
        // the server keeps uploads for a day: the words are worth more than the files
        const { original: _, ...words } = one.given[0] as Written;
        failure = await this.drafted({ ...words, uploads: [] });
      }
      if (failure !== null) {
        // it stays here, and the next connection tries again
        this.say(t("A message you wrote offline is waiting on this device: {why}", { why: messageOf(failure) }));
        return codeOf(failure) === "" ? "unanswered" : "failed";
      }
      this.say(t("A message you wrote offline wasn't sent. You'll find it in Drafts: {why}", { why }));
      return "done";
    }
  }
  /** Save a message as a draft; returns the failure, null without one. */
  private async drafted(message: Written): Promise<unknown> {
    try {
      await this.client.draft_save(message, crypto.randomUUID().replaceAll("-", ""), 0);
      return null;
    } catch (error) {
      return error;
    }
  }
}
