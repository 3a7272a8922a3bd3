// WEBMAIL-46a: a call whose answer is lost is made again with the same id. The network and its clock are fakes.

import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { CallFailed, codeOf } from "../lib/client";
import { steadily } from "../lib/steady";

/** What becomes of a request: an answer, none, or one that never comes. */
type Fate = "ok" | "lost" | "silent" | "slow" | "user:conflict" | "user:done" | "user:noAuth" | "user:confirm";

/** A network that notes the ids of its requests. */
class Network {
  readonly ids: string[] = [];
  /** The form that is being saved, if there is one. */
  form: { dataset: Record<string, string>; dispatchEvent: () => boolean } | null = null;
  readonly listeners = new Map<string, () => void>();

  constructor(
    private readonly context: TestContext,
    private readonly fates: Fate[],
    online = true,
  ) {
    context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
    Object.assign(globalThis, {
      localStorage: { getItem: () => null },
      document: { querySelectorAll: () => (this.form === null ? [] : [this.form]) },
      addEventListener: (kind: string, work: () => void) => void this.listeners.set(kind, work),
      fetch: (_: string, given: RequestInit) => this.fetch(given),
    });
    Object.defineProperty(globalThis, "navigator", { value: { onLine: online }, configurable: true });
  }

  /** What becomes of the next requests. */
  answers(...fates: Fate[]): void {
    this.fates.push(...fates);
  }

  private async fetch({ headers, signal }: RequestInit): Promise<Response> {
    this.ids.push((headers as Record<string, string>)["idempotency-key"]!);
    const fate = this.fates.shift() ?? "lost";
    if (fate === "lost") throw new TypeError("Failed to fetch");
    if (fate === "silent")
      return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(new DOMException("aborted"))));
    if (fate !== "slow") return Response.json(fate === "ok" ? { result: 7 } : { error: { code: fate } });
    // signs of life, then the answer
    const pieces = [" ", " ", " ", '{"result": 7}'];
    return new Response(
      new ReadableStream({
        pull: (out) => {
          const piece = pieces.shift();
          return new Promise<void>((resolve) =>
            setTimeout(() => {
              if (piece === undefined) out.close();
              else out.enqueue(new TextEncoder().encode(piece));
              resolve();
            }, 10_000),
          );
        },
      }),
    );
  }

  /** Make a call, as `BaseClient.call` does. */
  call(steady: ReturnType<typeof steadily>, name = "event_save", kept = false, body = "{}"): Promise<unknown> {
    const post = async (ask: typeof fetch) => {
      let answer: { result?: unknown; error?: { code: string } };
      try {
        answer = (await (await ask("api", { method: "POST", body })).json()) as typeof answer;
      } catch {
        throw new CallFailed(name, "", "Can't reach the server.");
      }
      if (answer.error) throw new CallFailed(name, answer.error.code, "refused");
      return answer.result;
    };
    return steady(name, body, post, kept);
  }

  /** Let everything run that waits for no time. */
  async turn(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Let time pass until `work` has ended. */
  async pass(work: Promise<unknown>): Promise<void> {
    let over = false;
    void work.then(
      () => (over = true),
      () => (over = true),
    );
    for (let n = 0; n < 2_000 && !over; n++) {
      await this.turn();
      if (!over) this.context.mock.timers.tick(100);
    }
    assert.ok(over, "the call never ends");
  }
}

const once = ["event_save"];

test("a call whose answers are lost is made again with its id until there is one", async (context) => {
  const network = new Network(context, ["lost", "lost", "ok"]);
  const work = network.call(steadily(once));
  await network.pass(work);
  assert.equal(await work, 7);
  assert.equal(network.ids.length, 3);
  assert.equal(new Set(network.ids).size, 1);
});

test("when no attempt is answered the page says so, and the next press has the same id", async (context) => {
  const network = new Network(context, []);
  const steady = steadily(once);
  const work = network.call(steady);
  await network.pass(work);
  const error = (await work.catch((found: unknown) => found)) as Error & { title: string };
  assert.equal(codeOf(error), "user:unknown");
  assert.equal(error.title, "No answer");
  const again = network.call(steady);
  await network.pass(again);
  await again.catch(() => {});
  assert.equal(new Set(network.ids).size, 1);
});

test("a form that was changed after a call without an answer has the same id until it is known what became of it", async (context) => {
  const network = new Network(context, []);
  network.form = { dataset: {}, dispatchEvent: () => true };
  const steady = steadily(once);
  const first = network.call(steady);
  await network.pass(first);
  await first.catch(() => {});
  assert.equal(network.form.dataset["lost"], `event_save ${network.ids[0]}`);
  network.answers("user:done", "ok");
  const changed = network.call(steady, "event_save", false, '{"title": "Walk"}');
  await assert.rejects(changed, /Your first attempt worked/);
  assert.equal(new Set(network.ids).size, 1);
  // pressed again, knowing that
  assert.equal(await network.call(steady, "event_save", false, '{"title": "Walk"}'), 7);
  assert.equal(new Set(network.ids).size, 2);
});

test("a refusal before the call is looked at leaves open what became of it", async (context) => {
  const network = new Network(context, ["lost", "user:noAuth", "user:confirm", "ok", "ok"]);
  const steady = steadily(once);
  for (const refusal of ["user:noAuth", "user:confirm"]) {
    const work = network.call(steady);
    await network.pass(work);
    assert.equal(codeOf(await work.catch((error: unknown) => error)), refusal);
  }
  assert.equal(await network.call(steady), 7);
  assert.equal(new Set(network.ids).size, 1);
  assert.equal(await network.call(steady), 7);
  assert.equal(new Set(network.ids).size, 2);
});

test("a form that comes again after a reload has the id of its call without an answer", async (context) => {
  const network = new Network(context, ["ok"]);
  network.form = { dataset: { lost: "event_save 0123" }, dispatchEvent: () => true };
  assert.equal(await network.call(steadily(once)), 7);
  assert.deepEqual([network.ids, network.form.dataset], [["0123"], {}]);
});

test("a call that never left this device fails at once", async (context) => {
  const network = new Network(context, ["lost"], false);
  await assert.rejects(network.call(steadily(once)), /Can't reach the server/);
  assert.equal(network.ids.length, 1);
});

test("a call that leaves without a connection, and whose answer is lost, is made again", async (context) => {
  const network = new Network(context, ["ok", "lost", "ok"]);
  const steady = steadily(once);
  network.listeners.get("disconnected")!();
  const work = network.call(steady);
  await network.pass(work);
  assert.equal(await work, 7);
  // the first one asks whether the server is there
  assert.equal(new Set(network.ids.slice(1)).size, 1);
  assert.equal(network.ids.length, 3);
});

test("without a connection a call fails at once, and a new one ends the wait of an earlier call", async (context) => {
  const network = new Network(context, ["lost", "lost", "ok"]);
  const steady = steadily(once);
  const early = network.call(steady);
  await network.turn();
  network.listeners.get("disconnected")!();
  await assert.rejects(network.call(steady, "contact_save"), /Can't reach the server/);
  network.listeners.get("connected")!();
  await network.turn();
  assert.equal(await early, 7);
});

test("a silent request is given up, and made again", async (context) => {
  for (const name of ["event_save", "parsed_message"]) {
    const network = new Network(context, ["silent", "ok"]);
    const work = network.call(steadily(once), name);
    await network.pass(work);
    assert.equal(await work, 7);
    assert.equal(network.ids.length, 2);
    context.mock.timers.reset();
  }
});

test("a new connection gives up what the earlier one left without an answer", async (context) => {
  const network = new Network(context, ["silent", "ok"]);
  const work = network.call(steadily(once));
  await network.turn();
  context.mock.timers.tick(5_000);
  network.listeners.get("connected")!();
  await network.pass(work);
  assert.equal(await work, 7);
});

test("a call that works for long and says so is left alone", async (context) => {
  const network = new Network(context, ["slow"]);
  const work = network.call(steadily(once));
  await network.pass(work);
  assert.equal(await work, 7);
  assert.equal(network.ids.length, 1);
});

test("a move that was done already is no failure", async (context) => {
  const network = new Network(context, ["lost", "user:conflict"]);
  const work = network.call(steadily(once), "message_move");
  await network.pass(work);
  assert.equal(await work, null);
});

test("a move that was done, of which the page didn't know, is no failure when it is made again", async (context) => {
  const network = new Network(context, []);
  const steady = steadily(once);
  const work = network.call(steady, "message_move");
  await network.pass(work);
  await assert.rejects(work, /we don't know/);
  network.answers("user:conflict");
  assert.equal(await network.call(steady, "message_move"), null);
});

test("a read and a call that is kept for later fail at once", async (context) => {
  for (const [name, kept] of [
    ["parsed_message", false],
    ["message_move", true],
  ] as const) {
    const network = new Network(context, ["lost"]);
    await assert.rejects(network.call(steadily(once), name, kept), /Can't reach the server/);
    assert.equal(network.ids.length, 1);
    context.mock.timers.reset();
  }
});
