// Following an import by its token, across lost connections and reloads of the page: the server sends all events again.

import { type Client, type ImportEvent, importEventCheck } from "../../gen/account";
import { Backoff } from "../../lib/backoff";
import { codeOf } from "../../lib/client";

export interface FollowOwner {
  /** A connection is open: all earlier events are sent again. */
  begins(): void;
  /** Handle an event. */
  event(event: ImportEvent): void;
  /** The connection is lost; another attempt will be made. */
  waiting(): void;
  /** The server does not know this import any longer. */
  lost(): void;
}

export class Follower {
  private source: EventSource | null = null;
  private timer = 0;
  private readonly backoff = new Backoff();

  constructor(
    private readonly client: Client,
    private readonly base: string,
    readonly token: string,
    private readonly owner: FollowOwner,
  ) {
    this.connect();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private connect(): void {
    const source = new EventSource(`${this.base}importprogress?token=${encodeURIComponent(this.token)}`);
    this.source = source;
    source.onopen = () => {
      this.backoff.reset();
      this.owner.begins();
    };
    for (const kind of Object.keys(importEventCheck[1]))
      source.addEventListener(kind, (event) => this.take((event as MessageEvent<string>).data));
    source.onerror = () => {
      source.close();
      this.owner.waiting();
      this.later();
    };
  }

  /** Connect again, unless the import has ended. */
  private async again(): Promise<void> {
    try {
      const state = await this.client.import_state();
      if (this.source === null) return;
      if (state.token === this.token) this.connect();
      else this.owner.lost();
    } catch (error) {
      if (codeOf(error) !== "") throw error;
      this.later();
    }
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.again(), this.backoff.next());
  }

  private take(data: string): void {
    const event: unknown = JSON.parse(data);
    this.client.verify(importEventCheck, event, "event");
    const known = event as ImportEvent;
    if (known.kind === "done" || known.kind === "aborted") this.stop();
    this.owner.event(known);
  }
}
