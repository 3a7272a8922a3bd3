// The connection that brings everything: server-sent events, or a websocket where a proxy holds events back and in all tabs but
// three (slot.ts). It comes again when it is lost.

import { type Client, type Request, type StreamEvent, checks, streamEventCheck } from "../../gen/webmail";
import { verify } from "../../lib/check";
import { CallFailed } from "../../lib/client";
import { Backoff } from "./backoff";
import { Slot } from "./slot";

/** Without a first event after this long, something between holds events back: the other way is tried. Milliseconds, as all here. */
const bufferedAfter = 10_000;
/** A connection that is silent for so long is dead: the server sends something every 30 seconds (WEBMAIL-33). */
const silentAfter = 45_000;
/** A connection that has held this long is replaced at once when it is lost. */
const heldLong = 5_000;
/** A connection that is lost is told of after this long, unless there is another one by then. */
const toldAfter = 1_500;
/** Time between two attempts, whatever the user does. */
const attemptsApart = 1_000;
/** Websockets that fail in a row before the page says that they do. */
const mostRefused = 2;

/** How the page is connected. `connecting`: for the first time. `off`: the server does not answer. `crowded`: other tabs have all
 * streams of server-sent events, and websockets fail. `blocked`: the server answers, but neither kind of stream brings anything. */
export type Connection = "on" | "connecting" | "off" | "crowded" | "blocked";

export interface StreamOwner {
  /** Take an event. */
  event(event: StreamEvent): void;
  /** The connection is another. While there is none, `retry` makes the next attempt at once. */
  connection(state: Connection): void;
  /** Something is wrong that no further attempt will mend. */
  failed(error: unknown): void;
  /** What a connection shall show: `since` is the change counter to go on from, 0 to begin anew. */
  opening(): { request: Request; since: number };
}

interface Wire {
  close(): void;
}

export class Stream {
  private wire: Wire | null = null;
  private readonly slot = new Slot();
  private readonly backoff = new Backoff();
  private stopped = true;
  /** Increased when what was begun before is given up. */
  private generation = 0;
  /** An attempt is under way, or the connection stands. */
  private busy = false;
  /** When the first event came; 0 without a connection. */
  private openedAt = 0;
  private triedAt = 0;
  /** Server-sent events are held back on their way. */
  private heldBack = false;
  /** Websockets that have failed in a row. */
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

  /** Make the next attempt now; at most one a second. */
  retry(): void {
    if (this.busy || this.stopped) return;
    this.later(Math.max(0, this.triedAt + attemptsApart - Date.now()));
  }

  /** A call had no answer, or the browser says that it is offline: see whether the connection still stands. */
  suspect(): void {
    if (this.openedAt !== 0) this.lost();
  }

  /** The connection is gone, or did not bring what was asked for: another one comes. */
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

  /** Say how the page is connected. */
  private put(state: Connection): void {
    clearTimeout(this.telling);
    this.telling = 0;
    this.owner.connection(state);
  }

  /** Say it in a moment, unless there is a connection by then. */
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
      // a server that stops or starts answers that it can't
      if (error instanceof CallFailed && (!error.code.startsWith("user:") || error.code === "user:rateLimited")) this.lost();
      else {
        this.drop();
        this.put("off");
        this.owner.failed(error);
      }
      return;
    }
    const events = !this.heldBack && (await this.slot.take(this.refused > 0));
    if (generation !== this.generation || this.stopped) return;
    this.watchdog = window.setTimeout(() => this.useless(events), bufferedAfter);
    const opening = this.owner.opening();
    const take = (data: string) => {
      if (generation !== this.generation) return;
      clearTimeout(this.watchdog);
      this.watchdog = window.setTimeout(() => this.lost(), silentAfter);
      if (this.openedAt === 0) {
        this.openedAt = Date.now();
        this.refused = 0;
        this.put("on");
      }
      this.take(data);
    };
    const gone = () => {
      if (generation !== this.generation) return;
      if (this.openedAt === 0 && !events) this.useless(events);
      else this.lost();
    };
    this.wire = (events ? this.openEvents : this.openWebsocket).call(this, token, opening, take, gone);
  }

  /** The server has answered, but this way brings nothing: the next attempt takes the other one, if it may (WEBMAIL-32). */
  private useless(events: boolean): void {
    this.drop();
    if (events) {
      this.heldBack = true;
      this.slot.release();
      void this.connect();
      return;
    }
    this.refused++;
    if (this.refused >= mostRefused) this.put(this.heldBack ? "blocked" : "crowded");
    this.heldBack = false;
    this.later(this.backoff.next());
  }

  private openEvents(token: string, opening: { request: Request; since: number }, take: (data: string) => void, gone: () => void): Wire {
    const parameters = new URLSearchParams({ token, request: JSON.stringify(opening.request) });
    if (opening.since > 0) parameters.set("since", String(opening.since));
    const source = new EventSource(`${this.base}events?${parameters}`);
    for (const kind of Object.keys(streamEventCheck[1])) source.addEventListener(kind, (event) => take((event as MessageEvent<string>).data));
    source.onerror = () => {
      source.close();
      gone();
    };
    return source;
  }

  private openWebsocket(token: string, opening: { request: Request; since: number }, take: (data: string) => void, gone: () => void): Wire {
    const parameters = new URLSearchParams({ token });
    if (opening.since > 0) parameters.set("since", String(opening.since));
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.base}ws?${parameters}`, "moxlite.webmail.v1");
    socket.onopen = () => socket.send(JSON.stringify({ request: opening.request }));
    socket.onmessage = (message) => {
      const frame = JSON.parse(String(message.data)) as { data: unknown };
      take(JSON.stringify(frame.data));
    };
    socket.onclose = gone;
    return socket;
  }

  private take(data: string): void {
    const event: unknown = JSON.parse(data);
    try {
      verify(checks, streamEventCheck, event, "event");
    } catch (error) {
      this.owner.failed(error);
      return;
    }
    const known = event as StreamEvent;
    if (known.kind === "server_shutdown" || known.kind === "fatal") {
      this.drop();
      this.put("off");
      // all browsers of a server that starts again must not come in the same moment
      this.later(known.kind === "fatal" ? this.backoff.next() : 3000 + Math.random() * 5000);
      return;
    }
    this.owner.event(known);
  }
}
