// The webmail without a connection (WEBMAIL-120, WEBMAIL-121): the page with its parts, and the HTML and files of kept messages.
// Calls and streams always go to the server.

import { base } from "../../lib/beside";
import {
  awayKey,
  fileCache,
  fileKey,
  guarded,
  mailCache,
  missingKey,
  mostMessages,
  shellCache,
} from "../offline/names";
import type { Asked, Awaited, Beginning } from "./scope";

/** Hashes of the content of the page's parts, by name; `script/gen` defines them. */
declare const PARTS: Readonly<Record<string, string>>;

/** Milliseconds that the server has for the page; then the kept one is shown. */
const patience = 4_000;
/** Files of the shell that are kept: three builds of the page with all their parts. Pages of an older build still find theirs. */
const mostFiles = 120;
const files = ["manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"];
/** Media types of the files of the shell, by the ends of their names. */
const types: Readonly<Record<string, string>> = {
  "": "text/html",
  js: "text/javascript",
  png: "image/png",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};

/** Keep the page and all its parts. */
export function installed(scope: Beginning, event: Awaited): void {
  void scope.skipWaiting();
  event.waitUntil(fillShell());
}

/** Answer for pages that are open already, too. */
export function activated(scope: Beginning, event: Awaited): void {
  event.waitUntil(scope.clients.claim());
}

/** The administrator wants nothing kept (`webmail_offline`): remove what was, and take the place of the worker that kept it. */
export function emptied(scope: Beginning, event: Awaited): void {
  void scope.skipWaiting();
  event.waitUntil(Promise.all([shellCache, mailCache, fileCache].map((name) => caches.delete(name))));
}

/** Answer what works without a connection, and leave all else to the server. */
export function asked(scope: Beginning, event: Asked): void {
  const { request } = event;
  const url = new URL(request.url);
  const place = new URL(scope.registration.scope).pathname;
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (place !== base) {
    if (url.pathname === place && request.mode === "navigate") event.respondWith(settings(request));
    return;
  }
  if (!url.pathname.startsWith(base)) return;
  const rest = url.pathname.slice(base.length);
  if (rest === "" && request.mode === "navigate") event.respondWith(page(request));
  else if (rest.startsWith("part/") || files.includes(rest)) event.respondWith(shellFile(request));
  else {
    const [, message, kind] = /^msg\/(\d{1,16})\/(html|htmlexternal)$/.exec(rest) ?? [];
    if (message !== undefined) event.respondWith(htmlMail(request, message, kind === "html"));
    const [, id, form, path] = /^msg\/(\d{1,16})\/(view|viewtext|download)\/([\d.]{1,400})$/.exec(rest) ?? [];
    if (path !== undefined) event.respondWith(file(request, Number(id), form === "download", path));
  }
}

/** A browser without room keeps what it can: the rest comes from the server. */
async function fillShell(): Promise<void> {
  const shell = await caches.open(shellCache);
  const parts = Object.entries(PARTS).map(([name, tag]) => `${base}part/${name}.${tag}.js`);
  for (const path of [...parts, ...files.map((name) => base + name)])
    if ((await keptFile(shell, path)) === undefined) await keepFile(shell, path, await fetch(path));
  await keepFile(shell, base, await fetch(base, { cache: "no-cache" }));
  await bounded(shell, mostFiles, (path) => path !== base && !parts.includes(path));
}

/** Whether an answer is the server's file of this path. Proxies and networks that want a log-in answer with pages of their own, with status
 * 200. The hash of the content is in the name of a part, and in the entity tag of any other file. */
async function genuine(path: string, answer: Response): Promise<boolean> {
  const type = answer.headers.get("content-type") ?? "";
  const [, tag] = /\.([0-9a-f]{8})\.js$/.exec(path) ?? /"([0-9a-f]{20})/.exec(answer.headers.get("etag") ?? "") ?? [];
  if (!answer.ok || tag === undefined || !type.startsWith(types[/[^./]*$/.exec(path)![0]]!)) return false;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await answer.clone().arrayBuffer()));
  return [...hash]
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join("")
    .startsWith(tag);
}

/** The kept file of this path. One that is not the server's is dropped. */
async function keptFile(shell: Cache, path: string): Promise<Response | undefined> {
  const kept = await shell.match(path, { ignoreVary: true });
  if (kept === undefined || (await genuine(path, kept))) return kept;
  await shell.delete(path);
  return undefined;
}

/** Keep a file of the server; false if the answer is something else. */
async function keepFile(shell: Cache, path: string, answer: Response): Promise<boolean> {
  if (!(await genuine(path, answer))) return false;
  await keep(shell, path, answer.clone());
  return true;
}

/** Keep an answer. Without room for it the answer is used all the same. */
async function keep(cache: Cache, path: string, answer: Response): Promise<void> {
  try {
    await cache.put(path, answer);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
}

/** Drop the oldest entries that `may` be dropped until `most` are left. */
async function bounded(cache: Cache, most: number, may: (path: string) => boolean): Promise<void> {
  const keys = await cache.keys();
  const spare = keys.filter((key) => may(new URL(key.url).pathname));
  for (const key of spare.slice(0, Math.max(0, keys.length - most))) await cache.delete(key);
}

/** What the worker filled at first; null once a page has removed it, which the worker that is given up still answers. */
async function filled(): Promise<Cache | null> {
  return (await caches.has(shellCache)) ? caches.open(shellCache) : null;
}

/** Whether a proxy, or a server that starts, says that the server cannot be reached. */
function unreached(answer: Response): boolean {
  return answer.status >= 502 && answer.status <= 504;
}

/** The page: the server's, or the kept one when the server does not answer. */
async function page(request: Request): Promise<Response> {
  const shell = await filled();
  if (shell === null) return fetch(request);
  const kept = await keptFile(shell, base);
  const asked = fetch(request).then(async (answer) => {
    if (unreached(answer)) throw new TypeError(answer.statusText);
    await keepFile(shell, base, answer);
    return answer;
  });
  if (kept === undefined) return asked;
  const late = new Promise<Response>((resolve) => setTimeout(() => resolve(kept), patience));
  return Promise.race([asked.catch(() => kept), late]);
}

/** The page of the settings: the server's, or one that says that it can't be reached. */
async function settings(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    if (unreached(answer)) throw new TypeError(answer.statusText);
    return answer;
  } catch (error) {
    const away = await caches.match(awayKey(base), { cacheName: fileCache, ignoreVary: true });
    if (away === undefined) throw error;
    return away;
  }
}

/** A file whose name says its content, or that seldom changes: the kept one first. */
async function shellFile(request: Request): Promise<Response> {
  const shell = await filled();
  if (shell === null) return fetch(request);
  const path = new URL(request.url).pathname;
  const kept = await keptFile(shell, path);
  if (kept !== undefined) return kept;
  const answer = await fetch(request);
  if (!answer.ok || (await keepFile(shell, path, answer))) return answer;
  // the browser's own cache may have it from the same stranger
  const again = await fetch(request, { cache: "reload" });
  await keepFile(shell, path, again);
  return again;
}

/** The server's answer about a message. A stranger's page is no answer: it has not the policy in which mail is shown. */
async function fetchMail(request: Request): Promise<Response> {
  const answer = await fetch(request);
  if (unreached(answer) || (answer.ok && !guarded(answer))) throw new TypeError(answer.statusText);
  return answer;
}

/** The page of an HTML message, with the policy under which the server gave it. A version with pictures from elsewhere is not
 * kept. */
async function htmlMail(request: Request, message: string, keeping: boolean): Promise<Response> {
  const path = `${base}msg/${message}/html`;
  try {
    const answer = await fetchMail(request);
    if (keeping && answer.ok && (await caches.has(mailCache))) {
      const mail = await caches.open(mailCache);
      await keep(mail, path, answer.clone());
      await bounded(mail, mostMessages, () => true);
    }
    return answer;
  } catch (error) {
    const kept = await caches.match(path, { cacheName: mailCache, ignoreVary: true });
    if (kept === undefined) throw error;
    return kept;
  }
}

/** A file of a message: the server's, or the kept one under the policy with which it came. Without it, a page that says so; and
 * none where the user wants no mail on this device. */
async function file(request: Request, id: number, download: boolean, path: string): Promise<Response> {
  try {
    return await fetchMail(request);
  } catch (error) {
    const find = (key: string) => caches.match(key, { cacheName: fileCache, ignoreVary: true });
    const kept = await find(fileKey(base, id, path));
    // what is kept for downloads alone is no page
    if (kept === undefined || (!download && kept.headers.has("content-disposition"))) {
      const missing = await find(missingKey(base));
      if (missing === undefined) throw error;
      return missing;
    }
    const headers = new Headers(kept.headers);
    if (download) {
      headers.set("content-disposition", `attachment; filename*=UTF-8''${headers.get("x-moxlite-file") ?? ""}`);
    }
    return new Response(kept.body, { headers });
  }
}
