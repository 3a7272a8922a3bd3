// The connection that brings everything: server-sent events, or a websocket where a proxy holds events back. It comes again when it is lost.

import { type Client, type Request, type StreamEvent, checks, streamEventCheck } from "../../gen/webmail";
import { verify } from "../../lib/check";
import { CallFailed } from "../../lib/client";

/** Without a first event after this long, something between buffers: try a websocket. */
const bufferedAfter = 10_000;
/** A connection that is silent for so long is none: the server says every 30 seconds that it stands (WEBMAIL-33). */
const silentAfter = 45_000;
/** A connection that has held this long may be replaced at once. */
const heldLong = 5_000;
/** Waits between attempts that fail one after the other, in seconds. */
const waits = [1, 2, 5, 10, 30];

export interface StreamOwner {
  /** Take an event. */
  event(event: StreamEvent): void;
  /** The connection stands, or does not: then `retry` makes the next attempt at once. */
  connection(connected: boolean): void;
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
  private useWebsocket = false;
  private attempts = 0;
  private openedAt = 0;
  private timer = 0;
  private watchdog = 0;
  private stopped = true;
  private generation = 0;

  constructor(
    private readonly client: Client,
    private readonly base: string,
    private readonly owner: StreamOwner,
  ) {
    addEventListener("online", () => this.retry());
    addEventListener("focus", () => this.retry());
  }

  /** Connect, and stay connected until `stop`. */
  start(): void {
    this.stopped = false;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  /** Do not wait any longer for the next attempt. */
  retry(): void {
    if (this.timer === 0 || this.stopped) return;
    clearTimeout(this.timer);
    this.timer = 0;
    void this.connect();
  }

  private drop(): void {
    this.generation++;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.timer = 0;
    this.wire?.close();
    this.wire = null;
  }

  private async connect(): Promise<void> {
    this.drop();
    const generation = this.generation;
    let token: string;
    try {
      token = await this.client.token();
    } catch (error) {
      if (generation !== this.generation) return;
      // a server that stops or starts answers that it can't
      if (error instanceof CallFailed && !error.code.startsWith("user:")) this.lost();
      else this.owner.failed(error);
      return;
    }
    if (generation !== this.generation || this.stopped) return;
    this.openedAt = 0;
    const patience = setTimeout(() => {
      if (generation !== this.generation || this.openedAt !== 0) return;
      this.useWebsocket = !this.useWebsocket;
      void this.connect();
    }, bufferedAfter);
    const opening = this.owner.opening();
    const take = (data: string) => {
      if (generation !== this.generation) return;
      clearTimeout(this.watchdog);
      this.watchdog = window.setTimeout(() => generation === this.generation && this.lost(), silentAfter);
      if (this.openedAt === 0) {
        this.openedAt = Date.now();
        clearTimeout(patience);
        this.owner.connection(true);
      }
      this.take(data);
    };
    const gone = () => {
      clearTimeout(patience);
      if (generation === this.generation) this.lost();
    };
    this.wire = this.useWebsocket ? this.openWebsocket(token, opening, take, gone) : this.openEvents(token, opening, take, gone);
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
    if (known.kind === "server_shutdown") {
      this.drop();
      this.owner.connection(false);
      // all browsers of a server that starts again must not come in the same moment
      this.later(3000 + Math.random() * 5000);
      return;
    }
    if (known.kind === "fatal") {
      this.drop();
      this.owner.connection(false);
      this.later(this.nextWait());
      return;
    }
    this.owner.event(known);
  }

  /** The connection is gone, or did not bring what was asked for: another one comes. */
  lost(): void {
    clearTimeout(this.watchdog);
    this.wire?.close();
    this.wire = null;
    this.generation++;
    if (this.stopped) return;
    if (this.openedAt !== 0 && Date.now() - this.openedAt > heldLong) {
      this.attempts = 0;
      void this.connect();
      return;
    }
    this.owner.connection(false);
    this.later(this.nextWait());
  }

  /** Milliseconds until the next attempt; longer each time, until a connection has held. */
  private nextWait(): number {
    if (this.openedAt !== 0 && Date.now() - this.openedAt > heldLong) this.attempts = 0;
    return waits[Math.min(this.attempts++, waits.length - 1)]! * 1000;
  }

  private later(milliseconds: number): void {
    this.timer = window.setTimeout(() => this.retry(), milliseconds);
  }
}
