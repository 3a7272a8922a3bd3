// Notices of new mail (WEBMAIL-122): what a push shows, and where a click on it leads.

import { filled } from "../../lib/words";
import { keepFacts, keptFacts, noticeWords, valuesOf } from "../notices/facts";
import type { Clicked, Pushed, Scope, SubscriptionChanged } from "./scope";

/** The notice that the server sends: the sender of the newest message, its id, the number of further messages; or a test. */
interface Notice {
  sender?: unknown;
  id?: unknown;
  more?: unknown;
  test?: unknown;
}

const base = new URL("./", globalThis.location?.href ?? "https://localhost/").pathname;

/** Show the notice of a push. Browsers want one to be shown for each push, so a push that cannot be read shows one, too. */
export function pushed(scope: Scope, event: Pushed): void {
  event.waitUntil(tell(scope, event));
}

async function tell(scope: Scope, event: Pushed): Promise<void> {
  const words = (await keptFacts(base).catch(() => null))?.words ?? noticeWords();
  const { sender, id, more, test } = read(event);
  const title = test === true ? words.works : typeof sender === "string" && sender !== "" ? sender : words.mail;
  const body =
    test === true ? words.told : typeof more === "number" && more > 0 ? filled(words.more, { n: more }) : words.one;
  const number = typeof id === "number" ? id : 0;
  await scope.registration.showNotification(title, { body, tag: `mail-${number}`, data: number });
}

function read(event: Pushed): Notice {
  try {
    return (event.data?.json() ?? {}) as Notice;
  } catch {
    return {};
  }
}

/** The push service has ended the subscription: tell the server of another one. Where that fails, the next page does it. */
export function renewed(scope: Scope, event: SubscriptionChanged): void {
  event.waitUntil(renew(scope, event));
}

async function renew({ registration }: Scope, event: SubscriptionChanged): Promise<void> {
  const facts = await keptFacts(base);
  if (facts === null) return;
  const options = { userVisibleOnly: true, applicationServerKey: facts.key };
  const values = valuesOf(event.newSubscription ?? (await registration.pushManager.subscribe(options)));
  const answer = await fetch(`${base}api/notices_subscribe`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-moxlite-csrf": facts.csrf },
    body: JSON.stringify({ ...values, name: facts.name, replaces: facts.device }),
  });
  if (!answer.ok) return;
  const { result } = (await answer.json()) as { result: number };
  await keepFacts(base, { ...facts, device: result, endpoint: values.endpoint });
}

/** Show the message of a notice in a page that is open, or in a new one. */
export function clicked(scope: Scope, event: Clicked): void {
  event.notification.close();
  event.waitUntil(show(scope, Number(event.notification.data)));
}

async function show({ clients, registration }: Scope, message: number): Promise<void> {
  const url = registration.scope + (message > 0 ? `#Inbox,${message}` : "");
  const [page] = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (page === undefined) {
    await clients.openWindow(url);
    return;
  }
  await page.focus();
  // refused for a page that was loaded before the worker: it is shown as it is
  if (message > 0) await page.navigate(url).catch(() => null);
}
