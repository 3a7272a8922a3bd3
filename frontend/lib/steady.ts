// Calls on a bad network (WEBMAIL-46a). Each has an id, by which the server does it once (WEB-61b). A request that is silent for too
// long is given up, and a call without an answer is made again: what changes something until nothing is left to hope for.

import { CallFailed, type Steady, codeOf } from "./client";
import type { Reloading } from "./reload";
import { t } from "./words";

/** Milliseconds (as all times here) without an octet after which a request is given up: the server sends one every 10 s. */
const silentAfter = 20_000;
/** Octets that a slow line sends in a millisecond: a long request takes its time. */
const slowLine = 4;
/** Time after which a request that is still silent is given up when there is a new connection. */
const staleAfter = 3_000;
/** Waits before a call is made again, each ended by a new connection. */
const waits = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** Calls that change messages: after one without an answer, these refusals say that it was done. */
const changes = new Set(["flags_add", "flags_clear", "message_move", "message_delete", "thread_mute"]);
const settled = new Set(["user:conflict", "user:notFound"]);

/** Calls that set something to what it is then: doing them twice is doing them once. */
const settings = [
  "alarm_seen",
  "calendar_view",
  "event_news_seen",
  "from_address_settings_save",
  "log_level_set",
  "mailbox_set_special_use",
  "notices_choose",
  "preferences_save",
  "ruleset_never",
  "thread_collapse",
];

/** Refusals before the server looks at the id: what became of an earlier attempt is as unknown as before. */
const undecided = new Set(["user:noAuth", "user:badAuth", "user:confirm", "user:rateLimited", "server:error"]);

/** A random id: 32 hexadecimal digits. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** Requests that wait for octets, with the time of the last one. */
const silent = new Map<AbortController, number>();

/** Send a request as `fetch` does. Its answer breaks off if no octet comes for too long. */
async function asked(id: string, ...[url, given]: Parameters<typeof fetch>): Promise<Response> {
  await simulatedLatency();
  const request = new AbortController();
  let timer = 0;
  const wait = (time: number) => {
    clearTimeout(timer);
    silent.set(request, Date.now());
    timer = setTimeout(() => request.abort(), time);
  };
  const end = () => {
    clearTimeout(timer);
    silent.delete(request);
  };
  request.signal.addEventListener("abort", end);
  wait(silentAfter + String(given?.body).length / slowLine);
  try {
    const headers = { ...given?.headers, "idempotency-key": id };
    const answer = await fetch(url, { ...given, headers, signal: request.signal });
    wait(silentAfter);
    const octets = answer.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, out) {
          wait(silentAfter);
          out.enqueue(piece);
        },
        flush: end,
      }),
    );
    if (octets === undefined) end();
    return new Response(octets ?? null, answer);
  } catch (error) {
    end();
    throw error;
  }
}

/** Whether the server answers at all, asked where the page has no connection: if not, the call has not left this device. */
async function reached(call: Parameters<typeof fetch>[0]): Promise<boolean> {
  try {
    await (await asked(newId(), String(call).replace(/[^/]*$/, ""), { method: "HEAD" })).text();
    return true;
  } catch {
    return false;
  }
}

const titled = (error: Error, title: string): Error => Object.assign(error, { title });

/** The error, of which the page says this in place of "Couldn't …". */
function unsure(error: Error): Error {
  return titled(error, t("No answer"));
}

/** The form that is being saved. It keeps `data-lost`, the name and the id of its call that had no answer, for which the event `lost` has it
 * stored (unsaved.ts): what it saves after that is the same thing, whatever has been typed meanwhile. */
const saving = (): HTMLElement | undefined =>
  [...document.querySelectorAll<HTMLElement>(":is(form,[data-form])[aria-busy=true]")].at(-1);

/** The error for a form whose first attempt was done, and which has changed since. */
const alreadySaved = (error: Error): Error =>
  Object.assign(titled(error, t("Already saved")), {
    message: t(
      "Your first attempt worked, without your latest changes. Open the saved version to change it. If you save again, you may get a second one.",
    ),
  });

/** Makes calls, of which `once` are done once for each id. `most`: repetitions of a call; few where no line says that there is no
 * connection. */
export function steadily(once: readonly string[], most = waits.length): Steady {
  let off = false;
  const away = () => off || !navigator.onLine;
  let go = () => {};
  let connected = new Promise<void>((resolve) => (go = resolve));
  addEventListener("disconnected", () => (off = true));
  addEventListener("connected", () => {
    off = false;
    // what waits for octets of an earlier connection may wait for ever
    for (const [request, since] of silent) if (Date.now() - since > staleAfter) request.abort();
    go();
    connected = new Promise((resolve) => (go = resolve));
  });
  const writes = new Set([...once, ...changes, ...settings]);
  /** Ids of calls without an answer: the same call once more has the same id. */
  const lost = new Map<string, string>();
  const make: Steady = async (call, body, post, kept) => {
    const same = `${call} ${body}`;
    const form = once.includes(call) ? saving() : undefined;
    const [forms, formsId] = form?.dataset["lost"]?.split(" ") ?? [];
    const again = lost.has(same);
    const id = (forms === call ? formsId : lost.get(same)) ?? newId();
    /** Whether what became of the call is unknown. */
    const note = (unknown: boolean) => {
      if (unknown) lost.set(same, id);
      else lost.delete(same);
      if (form === undefined) return;
      if (unknown) form.dataset["lost"] = `${call} ${id}`;
      else delete form.dataset["lost"];
      form.dispatchEvent(new Event("lost", { bubbles: true }));
    };
    const repeats = writes.has(call) && !kept;
    for (let made = 0; ; made++) {
      const begun = Date.now();
      const wasAway = made === 0 && away();
      let left = !(wasAway && writes.has(call));
      try {
        const result = await post(async (...given) => {
          left ||= await reached(given[0]);
          if (!left) throw new TypeError();
          return asked(id, ...given);
        });
        note(false);
        return result;
      } catch (error) {
        const code = codeOf(error);
        if (code !== "") {
          if (!undecided.has(code ?? "")) note(false);
          if (code === "user:done") throw alreadySaved(error as Error);
          if ((made > 0 || again) && changes.has(call) && settled.has(code ?? "")) return null;
          throw code === "user:unknown" ? unsure(error as Error) : error;
        }
        if (!left || (wasAway && away() && !writes.has(call))) throw error;
        if (writes.has(call)) note(true);
        if (repeats && made < most)
          await Promise.race([connected, new Promise((resolve) => setTimeout(resolve, waits[made]))]);
        else if (repeats) {
          throw unsure(
            new CallFailed(
              call,
              "user:unknown",
              t("Can't reach the server, and we don't know whether this was done. Check before you try again."),
            ),
          );
        } else if (made > 0 || Date.now() - begun < staleAfter) throw error;
      }
    }
  };
  /** Calls on their way that change something. */
  const under = new Set<Promise<unknown>>();
  const quiet = async () => {
    while (under.size > 0) {
      await Promise.allSettled(under);
      // what waits for them goes on first: with further calls, or by saying that they failed
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  addEventListener("reloading", (event) => void (event as Reloading).detail.push(quiet()));
  return async (call, ...given) => {
    const made = make(call, ...given);
    if (writes.has(call)) under.add(made);
    try {
      return await made;
    } finally {
      under.delete(made);
    }
  };
}

/** Simulate a slow line, for tests: localStorage `moxlite-debug` holds {"wait_min_ms", "wait_max_ms"}. */
async function simulatedLatency(): Promise<void> {
  const setting = localStorage.getItem("moxlite-debug");
  if (setting === null) return;
  const { wait_min_ms: least = 0, wait_max_ms: most = 0 } = JSON.parse(setting) as Record<string, number>;
  await new Promise((resolve) => setTimeout(resolve, least + Math.random() * Math.max(0, most - least)));
}
