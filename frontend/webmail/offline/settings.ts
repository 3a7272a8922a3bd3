// The settings without a connection, opened by their address: in place of the browser's page about it, the service worker gives one that
// says that they need the server, on a device that keeps mail (WEBMAIL-121).

import { el } from "../../lib/dom";
import { t } from "../../lib/words";
import { awayKey, fileCache } from "./names";

/** Have the worker say so at the path of the settings, "" without settings. */
export async function guardSettings(base: string, settings: string): Promise<void> {
  if (!isHere(settings)) return;
  const cache = await caches.open(fileCache);
  await cache.put(awayKey(base), away());
  await navigator.serviceWorker.register(`${base}sw.js`, { scope: settings, updateViaCache: "none" });
}

/** Take the worker from the settings. */
export async function freeSettings(settings: string): Promise<void> {
  if (!isHere(settings)) return;
  const registration = await navigator.serviceWorker.getRegistration(settings);
  if (registration?.scope === new URL(settings, location.href).href) await registration.unregister();
}

/** Whether the settings are on this host: a browser lets no worker answer for another one. */
const isHere = (settings: string): boolean =>
  settings !== "" && new URL(settings, location.href).origin === location.origin;

function away(): Response {
  const title = t("Couldn't open settings");
  const page = document.implementation.createHTMLDocument(title);
  const { lang, dir } = document.documentElement;
  Object.assign(page.documentElement, { lang, dir });
  page.head.append(
    el("meta", { name: "color-scheme", content: "light dark" }),
    el("meta", { name: "viewport", content: "width=device-width" }),
  );
  page.body.append(el("h1", {}, title), el("p", {}, t("Can't reach the server.")));
  return new Response(new XMLSerializer().serializeToString(page), {
    status: 503,
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'" },
  });
}
