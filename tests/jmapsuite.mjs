// smee.io on loopback, for the push tests of jmapio/jmap-test-suite: loaded by `node --import`.
// PUSH_KEY and PUSH_CERTIFICATE name the files of a certificate for localhost that the JMAP server trusts.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const listeners = new Map();
const server = createServer(
  { key: readFileSync(process.env.PUSH_KEY), cert: readFileSync(process.env.PUSH_CERTIFICATE) },
  async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    for (const tell of listeners.get(request.url) ?? []) tell(Buffer.concat(pieces).toString());
    response.end();
  },
);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
server.unref();
const base = `https://localhost:${server.address().port}`;

const real = globalThis.fetch;
let made = 0;
globalThis.fetch = async (input, init) => {
  const url = String(input?.url ?? input);
  if (url === "https://smee.io/new") {
    made += 1;
    return new Response(null, { status: 307, headers: { location: `${base}/${made}` } });
  }
  if (!url.startsWith(base)) return real(input, init);
  const path = new URL(url).pathname;
  const encoder = new TextEncoder();
  const stream = new ReadableStream({
    start(controller) {
      const send = (text) => controller.enqueue(encoder.encode(text));
      listeners.set(path, [
        ...(listeners.get(path) ?? []),
        (body) => send(`data: ${JSON.stringify({ body: JSON.parse(body) })}\n\n`),
      ]);
      send("event: ready\ndata: {}\n\n");
    },
    cancel() {
      listeners.delete(path);
    },
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
};
