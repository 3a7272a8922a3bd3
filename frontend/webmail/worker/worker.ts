// The service worker `sw.js` of the webmail. Each of its tasks has a module with handlers; this one only registers them.

import { clicked, pushed, renewed } from "./notices";
import { activated, asked, emptied, installed } from "./offline";
import type { Asked, Awaited, Beginning, Clicked, Pushed, Scope, SubscriptionChanged } from "./scope";

/** The server puts `withoutOffline` before this script if the administrator wants nothing kept in browsers. */
const scope = self as unknown as Scope & Beginning & { readonly withoutOffline?: true };
addEventListener("push", (event) => pushed(scope, event as Pushed));
addEventListener("pushsubscriptionchange", (event) => renewed(scope, event as unknown as SubscriptionChanged));
addEventListener("notificationclick", (event) => clicked(scope, event as Clicked));
if (scope.withoutOffline === true) {
  for (const kind of ["install", "activate"]) addEventListener(kind, (event) => emptied(scope, event as Awaited));
} else {
  addEventListener("install", (event) => installed(scope, event as Awaited));
  addEventListener("activate", (event) => activated(scope, event as Awaited));
  addEventListener("fetch", (event) => asked(scope, event as Asked));
}
