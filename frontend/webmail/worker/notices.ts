// Notices of new mail (WEBMAIL-122): what a push shows, and where a click on it leads.

import { many, t } from "../../lib/words";
import type { Clicked, Pushed, Scope } from "./scope";

/** The notice that the server sends: the sender of the newest message, its id, the number of further messages; or a test. */
interface Notice {
  sender?: unknown;
  id?: unknown;
  more?: unknown;
  test?: unknown;
}

/** Show the notice of a push. Browsers want one to be shown for each push, so a push that cannot be read shows one, too. */
export function pushed(scope: Scope, event: Pushed): void {
  const { sender, id, more, test } = read(event);
  const title =
    test === true ? t("Notices work") : typeof sender === "string" && sender !== "" ? sender : t("New mail");
  const body =
    test === true
      ? t("This device is told of new mail.")
      : typeof more === "number" && more > 0
        ? many(more, "New message, and {n} more", "New message, and {n} more")
        : t("New message");
  const number = typeof id === "number" ? id : 0;
  event.waitUntil(scope.registration.showNotification(title, { body, tag: `mail-${number}`, data: number }));
}

function read(event: Pushed): Notice {
  try {
    return (event.data?.json() ?? {}) as Notice;
  } catch {
    return {};
  }
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
