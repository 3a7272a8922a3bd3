// Notices of new mail (WEBMAIL-122) and of alarms (DAV-50): what a push shows, where a click on it leads, and the action "Archive"
// of mail (WEBMAIL-122a).

import { base } from "../../lib/beside";
import { filled } from "../../lib/words";
import { keepFacts, keptFacts, noticeWords, valuesOf } from "../notices/facts";
import type { Clicked, Pushed, Scope, SubscriptionChanged } from "./scope";

/** An alarm of the calendar: the id of the entry, its title, its place, its start in milliseconds, or its day as YYYY-MM-DD. */
interface Alarm {
  id?: unknown;
  title?: unknown;
  place?: unknown;
  at?: unknown;
  day?: unknown;
}

/** The notice that the server sends: alarms; the sender of the newest message, its id, the number of further messages; or a test. */
interface Notice {
  alarms?: unknown;
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

/** Show the notice of a push. Browsers want one to be shown for each push, so a push that cannot be read shows one, too. */
export function pushed(scope: Scope, event: Pushed): void {
  event.waitUntil(tell(scope, event));
}

async function tell(scope: Scope, event: Pushed): Promise<void> {
  const facts = await keptFacts(base).catch(() => null);
  // facts that an earlier version of the page kept have fewer texts
  const words = { ...noticeWords(), ...facts?.words };
  const { alarms, sender, id, more, test } = read(event);
  const rung: Alarm[] = Array.isArray(alarms) ? alarms.filter((one) => one instanceof Object) : [];
  for (const one of rung) await ring(scope, one, words.alarm);
  if (rung.length > 0 && messageOf(id) === 0) return;
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

/** Show an alarm; `nameless` in place of a title. A later one of the same entry takes its place. */
function ring({ registration }: Scope, { id, title, place, at, day }: Alarm, nameless: string): Promise<void> {
  const whole = typeof day === "string" && /^\d{4}-\d\d-\d\d$/.test(day);
  const start = whole ? new Date(`${day}T00:00`) : new Date(typeof at === "number" ? at : 0);
  const timed = start.getTime() > 0;
  const near = Math.abs(start.getTime() - Date.now()) < 18 * 3_600_000;
  const when = whole
    ? start.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" })
    : start.toLocaleString(undefined, {
        ...(near ? {} : { weekday: "short", day: "numeric", month: "short" }),
        hour: "numeric",
        minute: "2-digit",
      });
  const where = typeof place === "string" ? place : "";
  const shown = timed ? start : new Date();
  const digits = [shown.getFullYear(), shown.getMonth() + 1, shown.getDate()].map((one) =>
    String(one).padStart(2, "0"),
  );
  return registration.showNotification(typeof title === "string" && title !== "" ? title : nameless, {
    body: [timed ? when : "", where].filter((one) => one !== "").join(" · "),
    tag: `alarm-${String(id)}`,
    data: `#calendar:day,${digits.join("")}`,
    actions: [],
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
  const { data } = event.notification;
  event.waitUntil(show(scope, typeof data === "string" && data.startsWith("#calendar:") ? data : placeOf(message)));
}

/** Archive the message of a notice. Where that fails, a page shows the message; where none may be opened, the notice stays. */
async function archive(scope: Scope, notice: Clicked["notification"], message: number): Promise<void> {
  if (!(await archived(message))) {
    try {
      await show(scope, placeOf(message));
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

/** The address of a message; of the page as it is without one. */
const placeOf = (message: number): string => (message > 0 ? `#Inbox,${message}` : "");

async function show({ clients, registration }: Scope, place: string): Promise<void> {
  const url = registration.scope + place;
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  // not a page of another app, or of another account (WEBMAIL-179)
  const page = pages.find((one) => one.url.replace(/[?#].*/, "") === registration.scope);
  if (page === undefined) {
    await clients.openWindow(url);
    return;
  }
  await page.focus();
  // refused for a page that was loaded before the worker: it is shown as it is
  if (place !== "") await page.navigate(url).catch(() => null);
}
