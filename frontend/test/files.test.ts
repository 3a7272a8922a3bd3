// WEBMAIL-121: the files that are kept on a device stay within their bounds.

import assert from "node:assert/strict";
import test from "node:test";
import type { Attachment, MessageItem } from "../gen/webmail";
import { keepFiles } from "../webmail/offline/files";
import type { Store } from "../webmail/offline/store";

const base = "/webmail/";
const kept = new Map<string, Response>();
const asked: string[] = [];
const opened: string[] = [];
const facts = new Map<string, unknown>();

Object.assign(globalThis, {
  caches: {
    open: async (name: string) => {
      opened.push(name);
      return {
        put: async (key: string, answer: Response) => void kept.set(key, answer),
        delete: async (key: string) => kept.delete(key),
      };
    },
  },
  fetch: async (address: string) => {
    asked.push(address);
    return new Response("content", { headers: { "content-security-policy": "sandbox; default-src 'none'" } });
  },
});

let messages: number[] = [];
const store = {
  get: async (_: string, key: string) => facts.get(key),
  put: async (_: string, value: unknown, key: string) => facts.set(key, value),
  keys: async () => messages,
} as unknown as Store;

function item(id: number, ...sizes: [type: string, size: number][]): MessageItem {
  const attachments = sizes.map(
    ([content_type, size], n): Attachment => ({
      path: `0.${n + 1}`,
      filename: "it's.txt",
      content_type,
      size,
      inside: false,
    }),
  );
  return { id, attachments } as unknown as MessageItem;
}

const files = () => [...kept.keys()].filter((key) => key.includes("/kept/")).sort();

test("small files are kept once, in the form that the viewer shows, with the server's policy", async () => {
  messages = [7];
  const one = item(7, ["image/png", 10], ["text/html", 1 << 20], ["application/zip", 5], ["image/png", (1 << 20) + 1]);
  await keepFiles(base, store, [one], () => true);
  await keepFiles(base, store, [one, item(8, ["text/plain", 1])], () => true);
  assert.deepEqual(asked, ["/webmail/msg/7/view/0.1", "/webmail/msg/7/viewtext/0.2", "/webmail/msg/7/download/0.3"]);
  assert.deepEqual(files(), ["/webmail/msg/7/kept/0.1", "/webmail/msg/7/kept/0.2", "/webmail/msg/7/kept/0.3"]);
  const answer = kept.get("/webmail/msg/7/kept/0.1");
  assert.equal(answer?.headers.get("content-security-policy"), "sandbox; default-src 'none'");
  assert.equal(answer?.headers.get("x-moxlite-file"), "it%27s.txt");
  assert.equal(kept.get("/webmail/msg/kept")?.status, 503);
});

test("files of newer messages replace files of older messages; files of dropped messages go", async () => {
  facts.clear();
  kept.clear();
  const many = Array.from({ length: 21 }, (_, n) => item(n + 1, ["text/plain", 1 << 20]));
  messages = many.map(({ id }) => id);
  // the oldest first, so that the last one replaces the first
  await keepFiles(base, store, many, () => true);
  assert.equal(files().length, 20);
  assert.ok(!files().includes("/webmail/msg/1/kept/0.1"));
  // an older message finds no room
  await keepFiles(base, store, many.slice(0, 1), () => true);
  assert.ok(!files().includes("/webmail/msg/1/kept/0.1"));
  messages = [20, 21];
  await keepFiles(base, store, [], () => true);
  assert.deepEqual(files(), ["/webmail/msg/20/kept/0.1", "/webmail/msg/21/kept/0.1"]);
});

test("nothing is asked for without a connection", async () => {
  facts.clear();
  asked.length = opened.length = 0;
  messages = [1];
  await keepFiles(base, store, [item(1, ["text/plain", 1])], () => false);
  assert.deepEqual(asked, []);
  assert.deepEqual(opened, []);
});
