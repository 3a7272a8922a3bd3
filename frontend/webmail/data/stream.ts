// The connection for all events: server-sent events, or a websocket if a proxy holds events back, and in all tabs but three
// (slot.ts); where neither works, polls. It reconnects when it is lost.

import { type Client, type Request, type StreamEvent, streamEventCheck } from "../../gen/webmail";
import { Backoff } from "../../lib/backoff";
import { CallFailed } from "../../lib/client";
import { remember } from "../../lib/stored";
import { Slot } from "./slot";

/** Milliseconds (as all times here) after which a connection without a first event is held back by a proxy: the other kind is
 * tried. */
const bufferedAfter = 10_000;
/** Name of what this browser remembers about the network: the kind of connection that it lets through. */
const heldKey = "moxlite-webmail-held";
/** A connection that is silent for this long is dead: the server sends something every 30 seconds (WEBMAIL-33). */
const silentAfter = 45_000;
/** A connection that has lasted this long is replaced at once when it is lost. */
const heldLong = 5_000;
/** A lost connection is reported after this long, unless there is another one by then. */
const toldAfter = 1_500;
/** Time between two attempts, even if the user asks for one. */
const attemptsApart = 1_000;
/** Connections that fail in a row before the page tries another kind. */
const mostRefused = 2;

/** State of the connection. `connecting`: for the first time. `off`: the server does not answer. */
export type Connection = "on" | "connecting" | "off";

/** The view for a new connection: `since` is the modseq to continue from, with its epoch; "0" to start anew. */
export interface Opening {
  request: Request;
  since: string;
}

export interface StreamOwner {
  /** Handle an event. */
  event(event: StreamEvent): void;
  /** The state of the connection has changed. While it is not `on`, `retry` makes the next attempt at once. */
  connection(state: Connection): void;
  /** An error that another attempt will not resolve. */
  failed(error: unknown): void;
  /** The view for a new connection, or for the next poll. */
  opening(polls: boolean): Opening;
  /** The connections of the other kinds. */
  wires(): Promise<typeof import("../wires/part")>;
}

/** A connection. `asks` takes requests where it polls. */
export interface Wire {
  close(): void;
  asks?(request: Request): boolean;
}

export class Stream {
  private wire: Wire | null = null;
  private readonly slot = new Slot();
  private readonly backoff = new Backoff();
  private stopped = true;
  /** Increased when earlier attempts are abandoned. */
  private generation = 0;
  /** Whether an attempt is running, or a connection is open. */
  private busy = false;
  /** Time of the first event; 0 without a connection. */
  private openedAt = 0;
  private triedAt = 0;
  /** The kind that the network lets through, as far as this browser knows: 0 for server-sent events, 1 for websockets, 2 for polls.
   * Each is tried when the one before it delivers nothing. */
  private kind = Number(localStorage.getItem(heldKey));
  /** Number of streams of server-sent events that have failed in a row before their first event. */
  private failed = 0;
  /** Number of websockets that have failed in a row. */
  private refused = 0;
  private next = 0;
  private watchdog = 0;
  private telling = 0;

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly owner: StreamOwner,
  ) {
    addEventListener("offline", () => this.suspect());
    for (const kind of ["online", "focus"]) addEventListener(kind, () => this.retry());
    addEventListener("click", () => this.retry(), true);
  }

  /** Connect, and stay connected until `stop`. */
  start(): void {
    this.stopped = false;
    this.tell("connecting");
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
    this.slot.release();
  }

  /** Make the next attempt now; at most one a second. With `anew`, an open connection is replaced by one that asks for the view
   * again. */
  retry(anew = false): void {
    if (this.stopped || (anew ? this.busy && this.openedAt === 0 : this.busy)) return;
    this.later(Math.max(0, this.triedAt + attemptsApart - Date.now()));
  }

  /** Check the connection, after a call without an answer, or when the browser reports that it is offline. */
  suspect(): void {
    if (this.openedAt !== 0) this.lost();
  }

  /** Whether a request is taken by the next poll, and not by a call. */
  asks(request: Request): boolean {
    return this.wire?.asks?.(request) === true;
  }

  /** The connection is lost, or did not deliver what was requested: open another one. */
  lost(): void {
    const { openedAt } = this;
    this.drop();
    if (this.stopped) return;
    if (openedAt !== 0 && Date.now() - openedAt > heldLong) {
      this.backoff.reset();
      this.tell("off");
      void this.connect();
    } else {
      if (openedAt === 0) this.put("off");
      else this.tell("off");
      this.later(this.backoff.next());
    }
  }

  private drop(): void {
    this.generation++;
    this.busy = false;
    this.openedAt = 0;
    clearTimeout(this.next);
    clearTimeout(this.watchdog);
    this.wire?.close();
    this.wire = null;
  }

  /** Make the next attempt in so many milliseconds. */
  private later(wait: number): void {
    clearTimeout(this.next);
    this.next = window.setTimeout(() => void this.connect(), wait);
  }

  /** Report the state of the connection. */
  private put(state: Connection): void {
    clearTimeout(this.telling);
    this.telling = 0;
    this.owner.connection(state);
  }

  /** Report the state in a moment, unless there is a connection by then. */
  private tell(state: Connection): void {
    this.telling ||= window.setTimeout(() => this.put(state), toldAfter);
  }

  private async connect(): Promise<void> {
    this.drop();
    const { generation } = this;
    this.busy = true;
    this.triedAt = Date.now();
    let token: string;
    try {
      token = await this.client.token();
    } catch (error) {
      if (generation !== this.generation) return;
      // a server that stops or starts may refuse calls
      if (error instanceof CallFailed && (!error.code.startsWith("user:") || error.code === "user:rateLimited"))
        this.lost();
      else {
        this.drop();
        this.put("off");
        this.owner.failed(error);
      }
      return;
    }
    const kind = this.kind === 0 && !(await this.slot.take(this.refused > 0)) ? 1 : this.kind;
    if (generation !== this.generation || this.stopped) return;
    this.watchdog = window.setTimeout(() => this.useless(kind), bufferedAfter);
    const take = (data: string) => {
      if (generation !== this.generation) return;
      clearTimeout(this.watchdog);
      this.watchdog = window.setTimeout(() => this.lost(), silentAfter);
      if (this.openedAt === 0) {
        this.openedAt = Date.now();
        this.refused = this.failed = 0;
        this.put("on");
      }
      this.take(data);
    };
    const gone = (anew = false) => {
      if (generation !== this.generation) return;
      if (anew || (this.openedAt === 0 && (kind > 0 || ++this.failed >= mostRefused))) this.useless(kind);
      else this.lost();
    };
    const wires = kind === 0 ? null : await this.owner.wires().catch(() => gone());
    if (generation !== this.generation) return;
    const opening = () => this.owner.opening(kind === 2);
    const { base, client } = this;
    this.wire = wires
      ? wires[kind === 1 ? "websocket" : "polls"]({ base, client, token, opening, take, gone })
      : this.openEvents(token, opening(), take, gone);
  }

  /** The server has answered, but this kind of connection delivers nothing: the next attempt uses another one (WEBMAIL-32). */
  private useless(kind: number): void {
    this.drop();
    this.failed = 0;
    if (kind === 0) this.slot.release();
    if (kind === 1 && ++this.refused < mostRefused) this.later(this.backoff.next());
    else {
      this.kind = (kind + 1) % 3;
      // without room the next page finds out by itself
      remember(heldKey, String(this.kind));
      if (kind === 2) this.lost();
      else void this.connect();
    }
  }

  private openEvents(token: string, opening: Opening, take: (data: string) => void, gone: () => void): Wire {
    const parameters = new URLSearchParams({ token, request: JSON.stringify(opening.request), since: opening.since });
    const source = new EventSource(`${this.base}events?${parameters}`);
    for (const kind of Object.keys(streamEventCheck[1]))
      source.addEventListener(kind, (event) => take((event as MessageEvent<string>).data));
    source.onerror = () => {
      source.close();
      gone();
    };
    return source;
  }

  private take(data: string): void {
    const event: unknown = JSON.parse(data);
    try {
      this.client.verify(streamEventCheck, event, "event");
    } catch (error) {
      this.owner.failed(error);
      return;
    }
    const known = event as StreamEvent;
    if (known.kind === "server_shutdown" || known.kind === "fatal") {
      this.drop();
      this.put("off");
      // spread the browsers of a server that restarts
      this.later(known.kind === "fatal" ? this.backoff.next() : 3000 + Math.random() * 5000);
      return;
    }
    this.owner.event(known);
  }
}
