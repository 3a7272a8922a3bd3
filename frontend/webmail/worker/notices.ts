// Notices of new mail (WEBMAIL-122): what a push shows, where a click on it leads, and its action "Archive" (WEBMAIL-122a).

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

/** The action of a notice that moves its message to the archive. */
const archiving = "archive";
/** Milliseconds that the server has to archive a message: browsers let a worker open a page only some seconds after the click. */
const patience = 4_000;
/** Milliseconds that it has for another subscription, for which no user waits. */
const unhurried = 30_000;
const base = new URL("./", globalThis.location?.href ?? "https://localhost/").pathname;

/** Show the notice of a push. Browsers want one to be shown for each push, so a push that cannot be read shows one, too. */
export function pushed(scope: Scope, event: Pushed): void {
  event.waitUntil(tell(scope, event));
}

async function tell(scope: Scope, event: Pushed): Promise<void> {
  const facts = await keptFacts(base).catch(() => null);
  // facts that an earlier version of the page kept have fewer texts
  const words = { ...noticeWords(), ...facts?.words };
  const { sender, id, more, test } = read(event);
  const title = test === true ? words.works : typeof sender === "string" && sender !== "" ? sender : words.mail;
  const others = typeof more === "number" && more > 0 ? more : 0;
  const body = test === true ? words.told : others > 0 ? filled(words.more, { n: others }) : words.one;
  const message = messageOf(id);
  // of several messages the notice names one sender: the others would be archived unseen
  const single = message > 0 && others === 0 && facts !== null;
  await scope.registration.showNotification(title, {
    body,
    tag: `mail-${message}`,
    data: message,
    actions: single ? [{ action: archiving, title: words.archive }] : [],
  });
}

/** `id` if it can be the id of a message, else 0. */
function messageOf(id: unknown): number {
  return typeof id === "number" && Number.isSafeInteger(id) && id > 0 ? id : 0;
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
  const device = { ...values, name: facts.name, replaces: facts.device };
  const answer = await call("notices_subscribe", facts.csrf, device, unhurried);
  if (!answer.ok) return;
  const { result } = (await answer.json()) as { result: number };
  await keepFacts(base, { ...facts, device: result, endpoint: values.endpoint });
}

/** Show the message of a notice in a page that is open, or in a new one; with the action "Archive" only if it was not archived. */
export function clicked(scope: Scope, event: Clicked): void {
  const message = messageOf(event.notification.data);
  if (event.action === archiving && message > 0) {
    event.waitUntil(archive(scope, event.notification, message));
    return;
  }
  event.notification.close();
  event.waitUntil(show(scope, message));
}

/** Archive the message of a notice. Where that fails, a page shows the message; where none may be opened, the notice stays. */
async function archive(scope: Scope, notice: Clicked["notification"], message: number): Promise<void> {
  if (!(await archived(message))) {
    try {
      await show(scope, message);
    } catch {
      // some browsers have closed it by now
      const { title, body, tag, data, actions } = notice;
      await scope.registration.showNotification(title, { body, tag, data, actions });
      return;
    }
  }
  notice.close();
}

/** Whether the server has archived a message. It has not without a living session, and it may not answer. */
async function archived(message: number): Promise<boolean> {
  try {
    const answer = await call("notice_archive", (await keptFacts(base))?.csrf ?? "", { message_id: message }, patience);
    // a proxy may answer in the server's place
    return answer.ok && "result" in ((await answer.json()) as object);
  } catch {
    return false;
  }
}

/** Make a call as pages do: with the cookie of the session, and its CSRF token from the kept facts. `time` is in milliseconds. */
function call(name: string, csrf: string, parameters: object, time: number): Promise<Response> {
  return fetch(`${base}api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-moxlite-csrf": csrf },
    body: JSON.stringify(parameters),
    redirect: "error",
    signal: AbortSignal.timeout(time),
  });
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
