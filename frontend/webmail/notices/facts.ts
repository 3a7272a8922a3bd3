// What the service worker needs for notices while no page is open: the device for which it subscribes anew, and its few texts in
// the user's language (WEBMAIL-122).

import { kept } from "../../lib/beside";
import { t } from "../../lib/words";

const cacheName = `${kept()}-notices`;
const file = "notice-facts";

/** The texts of notices. `more` has the number of further messages as `{n}`. */
export interface NoticeWords {
  readonly works: string;
  readonly told: string;
  readonly mail: string;
  readonly one: string;
  readonly more: string;
  readonly archive: string;
  readonly alarm: string;
}

/** What is kept of this browser's device. */
export interface Facts {
  /** Login address of the user who is told. */
  readonly login: string;
  /** Id of the device at the server, its name, and the endpoint that the server has. */
  readonly device: number;
  readonly name: string;
  readonly endpoint: string;
  /** Key of the server, by which the browser subscribes. */
  readonly key: string;
  /** CSRF token of the session to which the device belongs. */
  readonly csrf: string;
  readonly words: NoticeWords;
}

/** The facts of this browser; null where it is told of nothing. */
export async function keptFacts(base: string): Promise<Facts | null> {
  if (globalThis.caches === undefined || !(await caches.has(cacheName))) return null;
  const found = await (await caches.open(cacheName)).match(base + file);
  return found === undefined ? null : ((await found.json()) as Facts);
}

export async function keepFacts(base: string, facts: Facts): Promise<void> {
  await (await caches.open(cacheName)).put(base + file, new Response(JSON.stringify(facts)));
}

export async function dropFacts(): Promise<void> {
  await globalThis.caches?.delete(cacheName);
}

/** The texts in the language of this page; in English for a worker, which has no other. */
export function noticeWords(): NoticeWords {
  return {
    works: t("Notifications are working"),
    told: t("Notifications turned on for this device"),
    mail: t("New mail"),
    one: t("New message"),
    more: t("New message and {n} more"),
    archive: t("Archive"),
    alarm: t("(no title)"),
  };
}

/** The values by which a server learns of a subscription. */
export function valuesOf(made: Pick<PushSubscription, "toJSON">) {
  const { endpoint = "", keys = {} } = made.toJSON();
  return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
}
