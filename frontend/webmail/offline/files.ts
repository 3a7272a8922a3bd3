// Attached files that are kept in this browser: small ones of the newest messages (WEBMAIL-121).

import type { Attachment, MessageItem } from "../../gen/webmail";
import { missingText } from "./missing";
import { apart, fileCache, fileKey, guarded, missingKey } from "./names";
import type { Store } from "./store";

/** Octets of one file, and of all, that are kept. */
const [largest, most] = [1 << 20, 20 << 20];
/** Name of the list of kept files among the facts. */
const listed = "files";

interface KeptFile {
  readonly id: number;
  readonly path: string;
  readonly size: number;
}

/** The kind of page in which the viewer shows a file: the answer of that kind is kept, with its policy. */
function kindOf({ content_type: type }: Attachment): "view" | "viewtext" | "download" {
  if (type === "application/pdf" || (type.startsWith("image/") && !type.startsWith("image/svg"))) return "view";
  return type.startsWith("text/") || type.startsWith("message/") || type === "application/json"
    ? "viewtext"
    : "download";
}

/** Keep the small files of these messages, the newest first; files of older messages make room for them. Files of messages that
 * are not kept are dropped. `goesOn` is false as soon as there is no connection, or nothing is to be kept. */
export async function keepFiles(
  base: string,
  store: Store,
  items: readonly MessageItem[],
  goesOn: () => boolean,
): Promise<void> {
  // opened after the log-out removed it, the cache would be a new one, and stay
  if (!goesOn()) return;
  const cache = await caches.open(fileCache);
  await cache.put(missingKey(base), missing());
  let files = (await store.get<KeptFile[]>("facts", listed)) ?? [];
  const drop = async (gone: readonly KeptFile[]) => {
    for (const { id, path } of gone) await cache.delete(fileKey(base, id, path));
    files = files.filter((one) => !gone.includes(one));
    await store.put("facts", files, listed);
  };
  const messages = new Set(await store.keys("messages"));
  await drop(files.filter(({ id }) => !messages.has(id)));
  for (const item of items.filter(({ id }) => messages.has(id))) {
    for (const one of item.attachments) {
      if (one.size > largest || files.some(({ id, path }) => id === item.id && path === one.path)) continue;
      const older = files.filter(({ id }) => id < item.id).sort((a, b) => a.id - b.id);
      let room = most - one.size - files.reduce((sum, { size }) => sum + size, 0);
      const replaced: KeptFile[] = [];
      for (const oldest of older) {
        if (room >= 0) break;
        replaced.push(oldest);
        room += oldest.size;
      }
      if (room < 0) continue;
      if (!goesOn()) return;
      await drop(replaced);
      if (!(await keep(cache, base, item.id, one))) continue;
      files = [...files, { id: item.id, path: one.path, size: one.size }];
      await store.put("facts", files, listed);
      await new Promise((resolve) => setTimeout(resolve, apart));
    }
  }
}

/** Keep a file; false if the browser has no room for it. */
async function keep(cache: Cache, base: string, id: number, one: Attachment): Promise<boolean> {
  const answer = await fetch(`${base}msg/${id}/${kindOf(one)}/${one.path}`);
  if (!answer.ok || !guarded(answer)) return false;
  const headers = new Headers(answer.headers);
  // RFC 8187 §3.2.1 has fewer letters
  const name = encodeURIComponent(one.filename).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  headers.set("x-moxlite-file", name);
  try {
    await cache.put(fileKey(base, id, one.path), new Response(await answer.blob(), { headers }));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    return false;
  }
  return true;
}

/** The page that the service worker gives in place of a file that is not kept. */
function missing(): Response {
  return new Response(missingText(), {
    status: 503,
    headers: { "content-type": "text/plain; charset=utf-8", "content-security-policy": "default-src 'none'" },
  });
}
