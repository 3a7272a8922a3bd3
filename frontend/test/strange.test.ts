// WEBMAIL-120a: what the service worker keeps, where others answer in the place of the server. Caches and network are fakes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { asked, installed } from "../webmail/worker/offline";
import type { Asked, Awaited, Beginning } from "../webmail/worker/scope";

const origin = "https://mail.example";
const hash = (content: string) => createHash("sha256").update(content).digest("hex");
const policy = { "content-security-policy": "frame-ancestors 'self'; default-src 'none'; sandbox" };
const part = "export const run = () => 1;\n";
const partPath = `/part/compose.${hash(part).slice(0, 8)}.js`;

/** A file as the server gives it. */
const file = (content: string, type: string, tag = hash(content).slice(0, 20)) =>
  new Response(content, { headers: { "content-type": type, etag: `"${tag}-gzip"` } });
const page = () => file("<!doctype html>Webmail", "text/html; charset=utf-8");
const script = () => file(part, "text/javascript; charset=utf-8", hash(part).slice(0, 8));
/** The log-in page of a café. */
const stranger = () =>
  new Response("<h1>Free Wi-Fi</h1>", { headers: { "content-type": "text/html", etag: '"5f1b2c3d4e5f60718293"' } });

class FakeCache {
  readonly answers = new Map<string, Response>();
  readonly match = async (key: string) => this.answers.get(key)?.clone();
  readonly put = async (key: string, answer: Response) => void this.answers.set(key, answer);
  readonly delete = async (key: string) => this.answers.delete(key);
  readonly keys = async () => [...this.answers.keys()].map((path) => ({ url: origin + path }));
}

/** A browser at a network whose answers are `network`, by path, each in turn; the last one stays. */
function browser(network: Record<string, (() => Response)[]>) {
  const caches = new Map<string, FakeCache>();
  const open = async (name: string) => {
    const cache = caches.get(name) ?? new FakeCache();
    caches.set(name, cache);
    return cache;
  };
  Object.assign(globalThis, {
    PARTS: { compose: partPath.split(".")[1] },
    location: { origin },
    caches: {
      open,
      has: async (name: string) => caches.has(name),
      delete: async (name: string) => caches.delete(name),
      match: async (key: string, { cacheName }: { cacheName: string }) => caches.get(cacheName)?.match(key),
    },
    fetch: async (request: string | Request) => {
      const turns = network[new URL(typeof request === "string" ? origin + request : request.url).pathname];
      if (turns === undefined) throw new TypeError("no network");
      return (turns.length > 1 ? turns.shift()! : turns[0]!)();
    },
  });
  return {
    kept: async (name: string) => [...(await open(`moxlite-webmail-${name}`)).answers.keys()],
    keep: async (name: string, path: string, answer: Response) =>
      (await open(`moxlite-webmail-${name}`)).put(path, answer),
    async get(path: string, place = "/"): Promise<string | undefined> {
      let answer: Promise<Response> | undefined;
      const request = { method: "GET", url: origin + path, mode: path === place ? "navigate" : "no-cors" };
      const scope = { registration: { scope: origin + place } } as Beginning;
      asked(scope, { request, respondWith: (given: Promise<Response>) => (answer = given) } as unknown as Asked);
      return (await answer)?.text();
    },
    async install(): Promise<void> {
      let done: Promise<unknown> | undefined;
      const event = { waitUntil: (work: Promise<unknown>) => (done = work) };
      installed({ skipWaiting: async () => {} } as Beginning, event as unknown as Awaited);
      await done;
    },
  };
}

const icons = Object.fromEntries(
  ["manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"].map((name) => [`/${name}`, [stranger]]),
);

test("a stranger's page is kept neither as the document nor as a part or an icon", async () => {
  const { get, install, kept } = browser({ ...icons, "/": [stranger], [partPath]: [stranger] });
  await install();
  // the café's own page is shown: there one logs in
  assert.equal(await get("/"), "<h1>Free Wi-Fi</h1>");
  assert.equal(await get("/icon.svg"), "<h1>Free Wi-Fi</h1>");
  assert.deepEqual(await kept("shell"), []);
});

test("the server's files are kept, also those that a proxy compressed anew", async () => {
  const weak = () =>
    new Response("<svg/>", {
      headers: { "content-type": "image/svg+xml", etag: `W/"${hash("<svg/>").slice(0, 20)}"` },
    });
  const { install, kept } = browser({ ...icons, "/icon.svg": [weak], "/": [page], [partPath]: [script] });
  await install();
  assert.deepEqual((await kept("shell")).sort(), ["/", "/icon.svg", partPath].sort());
});

test("a part with the right content and another type is not kept", async () => {
  const { install, kept } = browser({ ...icons, "/": [page], [partPath]: [() => file(part, "text/plain")] });
  await install();
  assert.deepEqual(await kept("shell"), ["/"]);
});

test("a stranger's page that was kept is dropped, and the server's file is fetched", async () => {
  const { get, keep, kept } = browser({ "/": [page], [partPath]: [script] });
  await keep("shell", partPath, stranger());
  assert.equal(await get(partPath), part);
  assert.equal(await get(partPath), part);
  await keep("shell", "/", stranger());
  assert.equal(await get("/"), "<!doctype html>Webmail");
  assert.deepEqual(await kept("shell"), [partPath, "/"]);
});

test("a part that the browser itself has from a stranger is fetched past it", async () => {
  const { get, keep, kept } = browser({ [partPath]: [stranger, script] });
  await keep("shell", "/", page());
  assert.equal(await get(partPath), part);
  assert.deepEqual(await kept("shell"), ["/", partPath]);
});

test("without the server the kept page is shown, not the stranger's", async () => {
  const { get, keep } = browser({});
  await keep("shell", "/", page());
  assert.equal(await get("/"), "<!doctype html>Webmail");
});

test("the kept HTML and file of a message are shown in place of a stranger's page", async () => {
  const mail = (words: string) => new Response(words, { headers: { "content-type": "text/html", ...policy } });
  const { get, keep, kept } = browser({
    "/msg/7/html": [() => mail("Ships at noon"), stranger],
    "/msg/7/view/2": [stranger],
    "/msg/8/html": [stranger],
  });
  await keep("mail", "/other", mail("other"));
  await keep("files", "/msg/7/kept/2", mail("the file"));
  assert.equal(await get("/msg/7/html"), "Ships at noon");
  assert.equal(await get("/msg/7/html"), "Ships at noon");
  assert.equal(await get("/msg/7/view/2"), "the file");
  await assert.rejects(get("/msg/8/html"));
  assert.deepEqual(await kept("mail"), ["/other", "/msg/7/html"]);
});

test("where a worker has the place of the settings, it answers for their page alone", async () => {
  const busy = () => new Response("", { status: 503 });
  const { get, keep } = browser({ "/account/": [() => new Response("Settings"), busy], [partPath]: [script] });
  await keep("files", "/settings/kept", new Response("Can't reach the server."));
  assert.equal(await get("/account/", "/account/"), "Settings");
  assert.equal(await get("/account/", "/account/"), "Can't reach the server.");
  assert.equal(await get(partPath, "/account/"), undefined);
  assert.equal(await get("/account/part/x.js", "/account/"), undefined);
});

test("what a page has removed is not kept again by the worker that it gave up", async () => {
  const { get, install, kept } = browser({ ...icons, "/": [page], [partPath]: [script] });
  await install();
  await caches.delete("moxlite-webmail-shell");
  assert.equal(await get(partPath), part);
  assert.equal(await get("/"), "<!doctype html>Webmail");
  assert.deepEqual(await kept("shell"), []);
});
