"use strict";
(() => {
  // <define:PARTS>
  var define_PARTS_default = { acts: "58f13189", alarms: "70625df8", answering: "cb1c74a0", bar: "da56a871", book: "7ba0a4fd", bulk: "d8f908ff", calendar: "04b982c7", checks: "9a1d289d", compose: "d932e4e5", conversation: "bdf68f5c", details: "1e934b92", doubles: "6d684ebe", dropping: "399440b8", empty: "bb5fb61c", event: "2d8180f4", eventnews: "6ac5c004", eventsearch: "5372fa9d", export: "a63c071f", files: "4ad8e150", giving: "705523b8", group: "ee764668", hints: "8007a3c7", invitation: "d0479fe9", labels: "4c62562c", later: "e866614d", legend: "97111085", login: "23732506", mailboxes: "96b13f3b", menu: "a59c9c57", message: "4a2c61e0", newsletters: "4f0daaab", offline: "c0b300b9", outbox: "b2b70fd4", palette: "15560ccf", people: "d6e8d06d", person: "db870e8b", print: "67cc73ed", quick: "8e2709f1", receipt: "436d30bf", recipients: "2f70c691", repeating: "e3e7aacc", rich: "5e5a0332", rules: "12b215e7", search: "89e14929", secondstep: "a2416893", sender: "eeb7f60e", sent: "11279fcc", side: "24d34211", sorting: "ddfd8ce5", squire: "8f988577", templates: "54477c69", touch: "4ad1d3a0", uploading: "78b25e34", viewer: "c0d65a1e", wires: "d298e64e", words: "e923ae1a" };

  // lib/beside.ts
  var base = (globalThis.location?.pathname ?? "/").replace(/[^/]*$/, "");
  var number = /\/u\/([1-7])\/$/.exec(base)?.[1] ?? "";
  var kept = (account = number) => `moxlite-webmail${account}`;
  var week = 7 * 864e5;

  // lib/words.ts
  var grouped;
  var locale = () => globalThis.moxliteLanguage?.locale;
  function filled(text, values = {}) {
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      if (value === void 0) return whole;
      if (typeof value === "string") return value;
      grouped ??= new Intl.NumberFormat(locale());
      return grouped.format(value);
    });
  }
  function t(text, values = {}) {
    return filled(globalThis.moxliteLanguage?.find(text) ?? text, values);
  }

  // webmail/notices/facts.ts
  var cacheName = `${kept()}-notices`;
  var file = "notice-facts";
  async function keptFacts(base2) {
    if (globalThis.caches === void 0 || !await caches.has(cacheName)) return null;
    const found = await (await caches.open(cacheName)).match(base2 + file);
    return found === void 0 ? null : await found.json();
  }
  async function keepFacts(base2, facts) {
    await (await caches.open(cacheName)).put(base2 + file, new Response(JSON.stringify(facts)));
  }
  function noticeWords() {
    return { works: t("Notifications are working"), told: t("Notifications turned on for this device"), mail: t("New mail"), one: t("New message"), more: t("New message and {n} more"), archive: t("Archive"), alarm: t("(no title)") };
  }
  function valuesOf(made) {
    const { endpoint = "", keys = {} } = made.toJSON();
    return { endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" };
  }

  // webmail/worker/notices.ts
  var archiving = "archive";
  var patience = 4e3;
  var unhurried = 3e4;
  function pushed(scope2, event) {
    event.waitUntil(tell(scope2, event));
  }
  async function tell(scope2, event) {
    const facts = await keptFacts(base).catch(() => null);
    const words = { ...noticeWords(), ...facts?.words };
    const { alarms, sender, id, more, test } = read(event);
    const rung = Array.isArray(alarms) ? alarms.filter((one) => one instanceof Object) : [];
    for (const one of rung) await ring(scope2, one, words.alarm);
    if (rung.length > 0 && messageOf(id) === 0) return;
    const title = test === true ? words.works : typeof sender === "string" && sender !== "" ? sender : words.mail;
    const others = typeof more === "number" && more > 0 ? more : 0;
    const body = test === true ? words.told : others > 0 ? filled(words.more, { n: others }) : words.one;
    const message = messageOf(id);
    const single = message > 0 && others === 0 && facts !== null;
    await scope2.registration.showNotification(title, { body, tag: `mail-${message}`, data: message, actions: single ? [{ action: archiving, title: words.archive }] : [] });
  }
  function ring({ registration }, { id, title, place, at, day }, nameless) {
    const whole = typeof day === "string" && /^\d{4}-\d\d-\d\d$/.test(day);
    const start = whole ? /* @__PURE__ */ new Date(`${day}T00:00`) : new Date(typeof at === "number" ? at : 0);
    const timed = start.getTime() > 0;
    const near = Math.abs(start.getTime() - Date.now()) < 18 * 36e5;
    const when = whole ? start.toLocaleDateString(void 0, { weekday: "long", day: "numeric", month: "long" }) : start.toLocaleString(void 0, { ...near ? {} : { weekday: "short", day: "numeric", month: "short" }, hour: "numeric", minute: "2-digit" });
    const where = typeof place === "string" ? place : "";
    const shown = timed ? start : /* @__PURE__ */ new Date();
    const digits = [shown.getFullYear(), shown.getMonth() + 1, shown.getDate()].map((one) => String(one).padStart(2, "0"));
    return registration.showNotification(typeof title === "string" && title !== "" ? title : nameless, { body: [timed ? when : "", where].filter((one) => one !== "").join(" · "), tag: `alarm-${String(id)}`, data: `#calendar:day,${digits.join("")}`, actions: [] });
  }
  function messageOf(id) {
    return typeof id === "number" && Number.isSafeInteger(id) && id > 0 ? id : 0;
  }
  function read(event) {
    try {
      return event.data?.json() ?? {};
    } catch {
      return {};
    }
  }
  function renewed(scope2, event) {
    event.waitUntil(renew(scope2, event));
  }
  async function renew({ registration }, event) {
    const facts = await keptFacts(base);
    if (facts === null) return;
    const options = { userVisibleOnly: true, applicationServerKey: facts.key };
    const values = valuesOf(event.newSubscription ?? await registration.pushManager.subscribe(options));
    const device = { ...values, name: facts.name, replaces: facts.device };
    const answer = await call("notices_subscribe", facts.csrf, device, unhurried);
    if (!answer.ok) return;
    const { result } = await answer.json();
    await keepFacts(base, { ...facts, device: result, endpoint: values.endpoint });
  }
  function clicked(scope2, event) {
    const message = messageOf(event.notification.data);
    if (event.action === archiving && message > 0) {
      event.waitUntil(archive(scope2, event.notification, message));
      return;
    }
    event.notification.close();
    const { data } = event.notification;
    event.waitUntil(show(scope2, typeof data === "string" && data.startsWith("#calendar:") ? data : placeOf(message)));
  }
  async function archive(scope2, notice, message) {
    if (!await archived(message)) {
      try {
        await show(scope2, placeOf(message));
      } catch {
        const { title, body, tag, data, actions } = notice;
        await scope2.registration.showNotification(title, { body, tag, data, actions });
        return;
      }
    }
    notice.close();
  }
  async function archived(message) {
    try {
      const answer = await call("notice_archive", (await keptFacts(base))?.csrf ?? "", { message_id: message }, patience);
      return answer.ok && "result" in await answer.json();
    } catch {
      return false;
    }
  }
  function call(name, csrf, parameters, time) {
    return fetch(`${base}api/${name}`, { method: "POST", headers: { "content-type": "application/json", "x-moxlite-csrf": csrf }, body: JSON.stringify(parameters), redirect: "error", signal: AbortSignal.timeout(time) });
  }
  var placeOf = (message) => message > 0 ? `#Inbox,${message}` : "";
  async function show({ clients, registration }, place) {
    const url = registration.scope + place;
    const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
    const page2 = pages.find((one) => one.url.replace(/[?#].*/, "") === registration.scope);
    if (page2 === void 0) {
      await clients.openWindow(url);
      return;
    }
    await page2.focus();
    if (place !== "") await page2.navigate(url).catch(() => null);
  }

  // webmail/offline/names.ts
  var shellCache = `${kept()}-shell`;
  var mailCache = `${kept()}-mail`;
  var fileCache = `${kept()}-files`;
  var fileKey = (base2, id, path) => `${base2}msg/${id}/kept/${path}`;
  var missingKey = (base2) => `${base2}msg/kept`;
  var awayKey = (base2) => `${base2}settings/kept`;
  var guarded = (answer) => answer.headers.get("content-security-policy")?.includes("default-src 'none'") === true;
  var mostMessages = 200;

  // webmail/worker/offline.ts
  var patience2 = 4e3;
  var mostFiles = 120;
  var files = ["manifest.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"];
  var types = { "": "text/html", js: "text/javascript", png: "image/png", svg: "image/svg+xml", webmanifest: "application/manifest+json" };
  function installed(scope2, event) {
    void scope2.skipWaiting();
    event.waitUntil(fillShell());
  }
  function activated(scope2, event) {
    event.waitUntil(scope2.clients.claim());
  }
  function emptied(scope2, event) {
    void scope2.skipWaiting();
    event.waitUntil(Promise.all([shellCache, mailCache, fileCache].map((name) => caches.delete(name))));
  }
  function asked(scope2, event) {
    const { request } = event;
    const url = new URL(request.url);
    const place = new URL(scope2.registration.scope).pathname;
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
      if (message !== void 0) event.respondWith(htmlMail(request, message, kind === "html"));
      const [, id, form, path] = /^msg\/(\d{1,16})\/(view|viewtext|download)\/([\d.]{1,400})$/.exec(rest) ?? [];
      if (path !== void 0) event.respondWith(file2(request, Number(id), form === "download", path));
    }
  }
  async function fillShell() {
    const shell = await caches.open(shellCache);
    const parts = Object.entries(define_PARTS_default).map(([name, tag]) => `${base}part/${name}.${tag}.js`);
    for (const path of [...parts, ...files.map((name) => base + name)]) if (await keptFile(shell, path) === void 0) await keepFile(shell, path, await fetch(path));
    await keepFile(shell, base, await fetch(base, { cache: "no-cache" }));
    await bounded(shell, mostFiles, (path) => path !== base && !parts.includes(path));
  }
  async function genuine(path, answer) {
    const type = answer.headers.get("content-type") ?? "";
    const [, tag] = /\.([0-9a-f]{8})\.js$/.exec(path) ?? /"([0-9a-f]{20})/.exec(answer.headers.get("etag") ?? "") ?? [];
    if (!answer.ok || tag === void 0 || !type.startsWith(types[/[^./]*$/.exec(path)[0]])) return false;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await answer.clone().arrayBuffer()));
    return [...hash].map((octet) => octet.toString(16).padStart(2, "0")).join("").startsWith(tag);
  }
  async function keptFile(shell, path) {
    const kept2 = await shell.match(path, { ignoreVary: true });
    if (kept2 === void 0 || await genuine(path, kept2)) return kept2;
    await shell.delete(path);
    return void 0;
  }
  async function keepFile(shell, path, answer) {
    if (!await genuine(path, answer)) return false;
    await keep(shell, path, answer.clone());
    return true;
  }
  async function keep(cache, path, answer) {
    try {
      await cache.put(path, answer);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }
  async function bounded(cache, most, may) {
    const keys = await cache.keys();
    const spare = keys.filter((key) => may(new URL(key.url).pathname));
    for (const key of spare.slice(0, Math.max(0, keys.length - most))) await cache.delete(key);
  }
  async function filled2() {
    return await caches.has(shellCache) ? caches.open(shellCache) : null;
  }
  function unreached(answer) {
    return answer.status >= 502 && answer.status <= 504;
  }
  async function page(request) {
    const shell = await filled2();
    if (shell === null) return fetch(request);
    const kept2 = await keptFile(shell, base);
    const asked2 = fetch(request).then(async (answer) => {
      if (unreached(answer)) throw new TypeError(answer.statusText);
      await keepFile(shell, base, answer);
      return answer;
    });
    if (kept2 === void 0) return asked2;
    const late = new Promise((resolve) => setTimeout(() => resolve(kept2), patience2));
    return Promise.race([asked2.catch(() => kept2), late]);
  }
  async function settings(request) {
    try {
      const answer = await fetch(request);
      if (unreached(answer)) throw new TypeError(answer.statusText);
      return answer;
    } catch (error) {
      const away = await caches.match(awayKey(base), { cacheName: fileCache, ignoreVary: true });
      if (away === void 0) throw error;
      return away;
    }
  }
  async function shellFile(request) {
    const shell = await filled2();
    if (shell === null) return fetch(request);
    const path = new URL(request.url).pathname;
    const kept2 = await keptFile(shell, path);
    if (kept2 !== void 0) return kept2;
    const answer = await fetch(request);
    if (!answer.ok || await keepFile(shell, path, answer)) return answer;
    const again = await fetch(request, { cache: "reload" });
    await keepFile(shell, path, again);
    return again;
  }
  async function fetchMail(request) {
    const answer = await fetch(request);
    if (unreached(answer) || answer.ok && !guarded(answer)) throw new TypeError(answer.statusText);
    return answer;
  }
  async function htmlMail(request, message, keeping) {
    const path = `${base}msg/${message}/html`;
    try {
      const answer = await fetchMail(request);
      if (keeping && answer.ok && await caches.has(mailCache)) {
        const mail = await caches.open(mailCache);
        await keep(mail, path, answer.clone());
        await bounded(mail, mostMessages, () => true);
      }
      return answer;
    } catch (error) {
      const kept2 = await caches.match(path, { cacheName: mailCache, ignoreVary: true });
      if (kept2 === void 0) throw error;
      return kept2;
    }
  }
  async function file2(request, id, download, path) {
    try {
      return await fetchMail(request);
    } catch (error) {
      const find = (key) => caches.match(key, { cacheName: fileCache, ignoreVary: true });
      const kept2 = await find(fileKey(base, id, path));
      if (kept2 === void 0 || !download && kept2.headers.has("content-disposition")) {
        const missing = await find(missingKey(base));
        if (missing === void 0) throw error;
        return missing;
      }
      const headers = new Headers(kept2.headers);
      if (download) {
        headers.set("content-disposition", `attachment; filename*=UTF-8''${headers.get("x-moxlite-file") ?? ""}`);
      }
      return new Response(kept2.body, { headers });
    }
  }

  // webmail/worker/worker.ts
  var scope = self;
  addEventListener("push", (event) => pushed(scope, event));
  addEventListener("pushsubscriptionchange", (event) => renewed(scope, event));
  addEventListener("notificationclick", (event) => clicked(scope, event));
  if (scope.withoutOffline === true) {
    for (const kind of ["install", "activate"]) addEventListener(kind, (event) => emptied(scope, event));
  } else {
    addEventListener("install", (event) => installed(scope, event));
    addEventListener("activate", (event) => activated(scope, event));
    addEventListener("fetch", (event) => asked(scope, event));
  }
})();
