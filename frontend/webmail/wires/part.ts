// The connections for all events where server-sent events don't come through (WEBMAIL-32, WEBMAIL-32a).

import type { Client, Request } from "../../gen/webmail";
import type { Opening, Wire } from "../data/stream";

/** Milliseconds between two polls if nothing is asked for, and for which a page polls until it tries the other kinds again. */
const [pollEvery, pollFor] = [15_000, 600_000];
/** Polls that fail in a row before the connection is lost. */
const mostFailed = 2;

/** What a connection is made of. `gone` is called when it has ended; with `anew`, because the other kinds may work again. */
interface Wiring {
  readonly base: string;
  readonly client: Client;
  readonly token: string;
  readonly opening: () => Opening;
  readonly take: (data: string) => void;
  readonly gone: (anew?: boolean) => void;
}

export function websocket({ base, token, opening, take, gone }: Wiring): Wire {
  const { request, since } = opening();
  const parameters = new URLSearchParams({ token, since });
  const socket = new WebSocket(
    `${location.origin.replace(/^http/, "ws")}${base}ws?${parameters}`,
    "moxlite.webmail.v1",
  );
  socket.onopen = () => socket.send(JSON.stringify({ request }));
  socket.onmessage = (message) => {
    const frame = JSON.parse(String(message.data)) as { data: unknown };
    take(JSON.stringify(frame.data));
  };
  socket.onclose = () => gone();
  return socket;
}

/** Requests one after the other, each for the events that there are. */
export function polls(wiring: Wiring): Wire {
  const { base, client, opening, take, gone } = wiring;
  const stop = new AbortController();
  const begun = Date.now();
  let [token, asked, next, resting, failed]: [string, Request | null, number, boolean, number] = [
    wiring.token,
    null,
    0,
    false,
    0,
  ];

  async function poll(): Promise<void> {
    resting = false;
    token ||= await client.token();
    const { request, since } = opening();
    const parameters = new URLSearchParams({ token, request: JSON.stringify(request), since });
    token = "";
    const carried = asked;
    if (carried !== null) parameters.set("asked", JSON.stringify(carried));
    const answer = await fetch(`${base}poll?${parameters}`, { signal: stop.signal });
    const all = [...(await answer.text()).matchAll(/^data: (.*)/gm)];
    // a page of the network's own has no events
    if (all.length === 0) throw new TypeError();
    for (const [, data] of all) take(data!);
    failed = 0;
    if (asked === carried) asked = null;
  }

  function turn(): void {
    clearTimeout(next);
    poll()
      .catch(() => failed++)
      .then(() => {
        if (stop.signal.aborted) return;
        if (failed >= mostFailed || Date.now() - begun > pollFor) {
          gone(failed === 0);
          return;
        }
        resting = true;
        next = window.setTimeout(turn, asked === null && failed === 0 ? pollEvery : 0);
      });
  }

  turn();
  return {
    close() {
      clearTimeout(next);
      stop.abort();
    },
    asks(request) {
      // a search ends by itself
      if (request.cancel !== true) asked = request;
      if (resting) turn();
      return true;
    },
  };
}
