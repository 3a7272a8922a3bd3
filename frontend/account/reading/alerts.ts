// Notices of new mail on this device (WEBMAIL-122). They are shown by the service worker of the webmail, and end with the webmail's
// session in this browser: without one, the page leads there.

import type { NoticeChoice, NoticeDevice, NoticeState } from "../../gen/account";
import { kept as keptFor } from "../../lib/beside";
import { browserName } from "../../lib/browsername";
import { attempt } from "../../lib/dialogs";
import { el, fill, placed } from "../../lib/dom";
import { choice, tick } from "../../lib/fields";
import { locale, meant, t } from "../../lib/words";
import { dropFacts, keepFacts, keptFacts, noticeWords, valuesOf } from "../../webmail/notices/facts";
import type { Desk } from "../ui/page";

/** Quiet hours that are proposed. */
const night = { from: 22 * 60, until: 7 * 60 };

/** Why this browser cannot show notices to the user with this address; "" if it can. */
function obstacle(webmail: string, login: string): string {
  if (webmail === "" || localStorage.getItem(`${keptFor()}-address`) !== login)
    return t("To turn on notifications, log in to webmail in this browser first.");
  if ("serviceWorker" in navigator && typeof PushManager === "function" && typeof Notification === "function")
    return Notification.permission === "denied"
      ? t("Notifications are blocked. Allow them for this site in your browser settings.")
      : "";
  return isSecureContext
    ? t("This browser can't show notifications. On an iPhone or iPad, add webmail to your home screen first.")
    : t("Notifications require a secure connection (HTTPS).");
}

/** Subscribe this browser, by a call of the webmail: the device belongs to its session. Returns the number of the device. */
async function subscribe(webmail: string, csrf: string, values: object): Promise<number> {
  const answer = await fetch(`${webmail}api/notices_subscribe`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-moxlite-csrf": csrf },
    body: JSON.stringify(values),
  }).catch(() => {
    throw new Error(t("Can't reach the server."));
  });
  const { result, error } = (await answer.json()) as { result: number; error?: { message: string } };
  if (error !== undefined) throw new Error(error.message);
  return result;
}

/** Wait until a worker is active: before that, no browser subscribes. */
async function activated(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active !== null || worker === null) return;
  await new Promise<void>((done) =>
    worker.addEventListener("statechange", () => worker.state === "activated" && done()),
  );
}

/** The content of the page. */
export async function alerts(desk: Desk): Promise<HTMLElement> {
  const { client, webmail } = desk;
  const [first, { login_address: login }] = await Promise.all([client.notices(), client.overview()]);
  let state: NoticeState = first;
  const said = el("p", { class: "hint", role: "status" });
  const say = (text: string) => fill(said, text);
  let facts = await keptFacts(webmail);
  const devices = el("ul", { class: "notice-devices" });
  const why = obstacle(webmail, login);

  const subscription = async () =>
    webmail === ""
      ? undefined
      : (await navigator.serviceWorker?.getRegistration(webmail))?.pushManager?.getSubscription();
  const own = (): NoticeDevice | undefined => state.devices.find((one) => one.id === facts?.device);
  const forget = async () => {
    facts = null;
    await dropFacts();
  };
  /** The subscription that the server was told of last, and may not know: told again, it is the same device. */
  let told: PushSubscription | null = null;
  const turnOn = async () => {
    say("");
    if ((await Notification.requestPermission()) !== "granted") {
      say(t("Notifications weren't allowed in this browser."));
      return;
    }
    // as the offline part does it: for one that is there already nothing is asked of the server
    const registration = await navigator.serviceWorker.register(`${webmail}sw.js`, {
      scope: webmail,
      updateViaCache: "none",
    });
    await activated(registration);
    const { pushManager } = registration;
    if (told === null) {
      // one of another user, or for another key of the server
      await (await pushManager.getSubscription())?.unsubscribe();
      told = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: state.public_key });
    }
    const values = valuesOf(told);
    const csrf = localStorage.getItem(`${keptFor()}-csrf`) ?? "";
    const name = browserName(navigator.userAgent) || t("Unknown browser");
    facts = {
      login,
      device: await subscribe(webmail, csrf, { ...values, name }),
      name,
      endpoint: values.endpoint,
      key: state.public_key,
      csrf,
      words: noticeWords(),
    };
    told = null;
    // alarms of whole days need the zone of their reader
    if (state.choice.zone === "UTC" && timeZone !== "UTC")
      await client.notices_choose({ ...state.choice, zone: timeZone });
    await keepFacts(webmail, facts);
    say(t("Notifications turned on for this device"));
  };
  const turnOff = async (device: NoticeDevice) => {
    say("");
    await client.notices_remove(device.id);
    if (device === own()) {
      await forget();
      await (await subscription())?.unsubscribe();
    }
    say(t("Notifications turned off for “{name}”", { name: device.name }));
  };
  const test = async (device: NoticeDevice) => {
    const error = await client.notices_test(device.id);
    say(
      error === ""
        ? t("Test notification sent to “{name}”.", { name: device.name })
        : t("Couldn't send: {error}", { error }),
    );
  };
  const renew = async () => {
    state = await client.notices();
  };
  const run = async (doing: string, failed: string, action: () => Promise<void>) => {
    if (await attempt(doing, failed, action, draw))
      await attempt(t("Loading…"), t("Couldn't load notification settings"), renew);
    // one dialog is enough for a server that does not answer
    else await renew().catch(() => null);
    draw();
  };

  const onHere = tick(t("Notify me about new mail on this device"), false, why);
  const here = onHere.control;
  here.disabled = why !== "";
  here.addEventListener("change", () => {
    const device = own();
    if (here.checked) void run(t("Saving…"), t("Couldn't turn on notifications"), turnOn);
    else if (device !== undefined) void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device));
  });
  const whose = choice(
    t("Notify me about mail from"),
    [
      ["known", t("People I know")],
      ["all", t("Everyone")],
    ],
    "",
    t("People you know are your contacts and anyone you've written to."),
  );
  const who = whose.control;
  const ofEvents = choice(
    t("Calendar alerts"),
    [
      ["all", t("Notifications and alert emails")],
      ["notices", t("Notifications only")],
      ["none", meant("alert", "None")],
    ],
    "",
  );
  const alarms = ofEvents.control;
  const quiet = el("input", { type: "checkbox" });
  const from = el("input", { type: "time", "aria-label": t("Quiet hours start"), required: true });
  const until = el("input", { type: "time", "aria-label": t("Quiet hours end"), required: true });
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const choose = () => {
    from.disabled = until.disabled = !quiet.checked;
    const hours = { from: minutes(from.value), until: minutes(until.value) };
    if (quiet.checked && (hours.from === null || hours.until === null || hours.from === hours.until)) return;
    const choice: NoticeChoice = {
      known: who.value === "known",
      quiet_from: quiet.checked ? hours.from! : 0,
      quiet_until: quiet.checked ? hours.until! : 0,
      zone: timeZone,
      alarms: alarms.value as Required<NoticeChoice>["alarms"],
    };
    const work = async () => {
      await client.notices_choose(choice);
      state = { ...state, choice };
      say(t("Saved"));
    };
    void attempt(t("Saving…"), t("Couldn't save settings"), work, showChoice);
  };
  /** Show what the server has. */
  const showChoice = () => {
    const { known, quiet_from, quiet_until } = state.choice;
    who.value = known ? "known" : "all";
    alarms.value = state.choice.alarms ?? "all";
    quiet.checked = quiet_from !== quiet_until;
    from.value = clock(quiet.checked ? quiet_from : night.from);
    until.value = clock(quiet.checked ? quiet_until : night.until);
    from.disabled = until.disabled = !quiet.checked;
  };
  for (const one of [who, alarms, quiet, from, until]) one.addEventListener("change", choose);

  const draw = () => {
    here.checked = own() !== undefined;
    fill(
      devices,
      state.devices.map((device) =>
        el(
          "li",
          {},
          el(
            "div",
            {},
            device === own()
              ? placed(t("{name} (this device)"), { name: el("strong", {}, device.name) })
              : el("strong", {}, device.name),
            el("div", { class: "hint" }, aboutDevice(device)),
          ),
          button(
            t("Test"),
            t("Test “{name}”", { name: device.name }),
            () => void run(t("Sending…"), t("Couldn't send notification"), () => test(device)),
          ),
          button(
            t("Remove"),
            t("Remove “{name}”", { name: device.name }),
            () => void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device)),
          ),
        ),
      ),
    );
  };

  const { zone } = state.choice;
  showChoice();
  // it was removed elsewhere, or another user has subscribed since
  if (own() !== undefined && why === "" && !(await subscription())) await forget();
  draw();
  const quietHours = el(
    "div",
    { class: "notice-quiet" },
    el("label", { class: "check" }, quiet, t("Quiet hours from")),
    from,
    el("span", { class: "flex" }, t("until"), until),
  );
  for (const one of [onHere.root, whose.root, quietHours, ofEvents.root]) one.dataset["kept"] = "";
  return el(
    "div",
    { class: "form" },
    onHere.root,
    el(
      "p",
      { class: "hint" },
      t("Notifications show the sender, never the subject or text. They're encrypted for this browser."),
      " ",
      t("Calendar alerts show the event's title, location, and time."),
    ),
    whose.root,
    quietHours,
    quiet.checked &&
      zone !== timeZone &&
      el(
        "p",
        { class: "hint" },
        t("Quiet hours use the {zone} time zone. If you edit them, they'll use this browser's time zone.", { zone }),
      ),
    ofEvents.root,
    devices,
    said,
  );
}

function button(text: string, label: string, onclick: () => void): HTMLElement {
  return el("button", { class: "btn line", type: "button", "aria-label": label, onclick }, text);
}

function aboutDevice({ used, failures, error, host }: NoticeDevice): string {
  if (failures > 0) return t("Last notification was rejected: {error}", { error });
  if (used === null) return t("No notifications sent through {host} yet", { host });
  return t("Last notification sent {at} through {host}", { at: new Date(used).toLocaleString(locale()), host });
}

/** Minutes of a day as "22:05". */
function clock(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((one) => String(one).padStart(2, "0")).join(":");
}

function minutes(text: string): number | null {
  const [, hour, minute] = /^(\d\d):(\d\d)/.exec(text) ?? [];
  return hour === undefined ? null : Number(hour) * 60 + Number(minute);
}
