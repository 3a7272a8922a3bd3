// The device that is told of new mail, at the start of a page (WEBMAIL-122): its session, its endpoint and the language of its
// notices may be others by now.

import type { Client } from "../../gen/webmail";
import { codeOf } from "../../lib/client";
import { t } from "../../lib/words";
import { dropFacts, keepFacts, keptFacts, noticeWords, valuesOf } from "../notices/facts";

async function follow(client: Client, base: string, login: string, say: (text: string) => unknown): Promise<void> {
  const facts = await keptFacts(base);
  if (facts === null) return;
  const registration = await navigator.serviceWorker.getRegistration(base);
  const subscription = (await registration?.pushManager?.getSubscription()) ?? null;
  // another user is told of nothing that was for the first
  if (subscription === null || facts.login !== login) {
    await subscription?.unsubscribe();
    await dropFacts();
    return;
  }
  const values = valuesOf(subscription);
  let { device } = facts;
  if (facts.csrf !== client.csrfToken || facts.endpoint !== values.endpoint) {
    const { devices } = await client.notices();
    if (!devices.some((one) => one.id === device)) {
      await subscription.unsubscribe();
      await dropFacts();
      say(t("Notifications are off on this device. You can turn them on in the settings."));
      return;
    }
    device = await client.notices_subscribe(values.endpoint, values.p256dh, values.auth, facts.name, device);
  }
  const now = { ...facts, device, endpoint: values.endpoint, csrf: client.csrfToken, words: noticeWords() };
  if (JSON.stringify(now) !== JSON.stringify(facts)) await keepFacts(base, now);
}

/** Bring up to date what the worker and the server know of this browser's device. A failure is left to the next page. */
export async function followDevice(...given: Parameters<typeof follow>): Promise<void> {
  try {
    await follow(...given);
  } catch (error) {
    if (codeOf(error) === null && !(error instanceof DOMException)) throw error;
  }
}
