// Notices of new mail on this device (WEBMAIL-122): a section of the settings.

import type { NoticeChoice, NoticeDevice, NoticeState } from "../../gen/webmail";
import { browserName } from "../../lib/browsername";
import { attempt } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import type { Surroundings } from "../commands/desk";
import { dropFacts, keepFacts, keptFacts, noticeWords, valuesOf } from "./facts";
import sheet from "./notices.css";

adopt(sheet);

/** Quiet hours that are proposed. */
const night = { from: 22 * 60, until: 7 * 60 };

/** Why this browser cannot show notices; "" if it can. */
function obstacle(): string {
  if ("serviceWorker" in navigator && typeof PushManager === "function" && typeof Notification === "function")
    return Notification.permission === "denied"
      ? t("Notifications are blocked. Allow them for this site in your browser settings.")
      : "";
  return isSecureContext
    ? t("This browser can't show notifications. On an iPhone or iPad, add the webmail to your home screen first.")
    : t("Notifications need a secure connection (https).");
}

/** Fill the section. Calls fail into it, not into a dialog: it is only a part of the page. */
export async function showNotices(desk: Surroundings, place: HTMLElement): Promise<void> {
  let state: NoticeState = await desk.client.notices();
  const said = el("p", { class: "hint", role: "status" });
  const say = (text: string) => fill(said, text);
  let facts = await keptFacts(desk.base);
  const devices = el("ul", { class: "notice-devices" });
  const why = obstacle();

  const subscription = async () =>
    (await navigator.serviceWorker?.getRegistration(desk.base))?.pushManager.getSubscription();
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
    const { pushManager } = await navigator.serviceWorker.register(`${desk.base}sw.js`, {
      scope: desk.base,
      updateViaCache: "none",
    });
    await navigator.serviceWorker.ready;
    if (told === null) {
      // one of another user, or for another key of the server
      await (await pushManager.getSubscription())?.unsubscribe();
      told = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: state.public_key });
    }
    const { endpoint, p256dh, auth } = valuesOf(told);
    const name = browserName(navigator.userAgent) || t("Unknown browser");
    facts = {
      login: desk.facts().login_address,
      device: await desk.client.notices_subscribe(endpoint, p256dh, auth, name),
      name,
      endpoint,
      key: state.public_key,
      csrf: desk.client.csrfToken,
      words: noticeWords(),
    };
    told = null;
    // alarms of whole days need the zone of their reader
    if (state.choice.zone === "UTC" && timeZone !== "UTC")
      await desk.client.notices_choose({ ...state.choice, zone: timeZone });
    await keepFacts(desk.base, facts);
    say(t("Notifications turned on for this device"));
  };
  const turnOff = async (device: NoticeDevice) => {
    say("");
    await desk.client.notices_remove(device.id);
    if (device === own()) {
      await forget();
      await (await subscription())?.unsubscribe();
    }
    say(t("Notifications turned off for “{name}”", { name: device.name }));
  };
  const test = async (device: NoticeDevice) => {
    const error = await desk.client.notices_test(device.id);
    say(
      error === ""
        ? t("Test notification sent to “{name}”.", { name: device.name })
        : t("Couldn't send: {error}", { error }),
    );
  };
  const renew = async () => {
    state = await desk.client.notices();
  };
  const run = async (doing: string, failed: string, action: () => Promise<void>) => {
    if (await attempt(doing, failed, action))
      await attempt(t("Loading…"), t("Couldn't load notification settings"), renew);
    // one dialog is enough for a server that does not answer
    else await renew().catch(() => null);
    draw();
  };

  const here = el("input", { type: "checkbox", disabled: why !== "" });
  here.addEventListener("change", () => {
    const device = own();
    if (here.checked) void run(t("Saving…"), t("Couldn't turn on notifications"), turnOn);
    else if (device !== undefined) void run(t("Saving…"), t("Couldn't turn off notifications"), () => turnOff(device));
  });
  const who = el(
    "select",
    {},
    el("option", { value: "known" }, t("People I know")),
    el("option", { value: "all" }, t("Everyone")),
  );
  const alarms = el(
    "select",
    {},
    el("option", { value: "all" }, t("Notifications, and email for email alerts")),
    el("option", { value: "notices" }, t("Notifications only")),
    el("option", { value: "none" }, t("Never")),
  );
  const quiet = el("input", { type: "checkbox" });
  const from = el("input", { type: "time", "aria-label": t("Quiet from"), required: true });
  const until = el("input", { type: "time", "aria-label": t("Quiet until"), required: true });
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
    void attempt(t("Saving…"), t("Couldn't save settings"), async () => {
      await desk.client.notices_choose(choice);
      state = { ...state, choice };
    }).then((done) => (done ? say(t("Saved.")) : showChoice()));
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
            el("strong", {}, device.name),
            device === own() && t(" (this device)"),
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
  // they are saved here, not with the other settings
  place.addEventListener("change", (event) => event.stopPropagation());
  fill(
    place,
    el("label", { class: "check" }, here, t("Notify me about new mail on this device")),
    why !== "" && el("p", { class: "hint" }, why),
    el(
      "p",
      { class: "hint" },
      t("Notifications show the sender, never the subject or text. They're encrypted for this browser."),
      " ",
      t("Alert notifications show the event's title, place, and time."),
    ),
    el("label", { class: "setting" }, el("span", {}, t("Notify me about mail from")), who),
    el("p", { class: "hint" }, t("People you know are your contacts and anyone you've written to.")),
    el(
      "div",
      { class: "notice-quiet" },
      el("label", { class: "check" }, quiet, t("Quiet hours from")),
      from,
      t("until"),
      until,
    ),
    quiet.checked &&
      zone !== timeZone &&
      el(
        "p",
        { class: "hint" },
        t("Quiet hours use the time zone {zone}. If you change them, they'll use this browser's time zone.", { zone }),
      ),
    el("label", { class: "setting" }, el("span", {}, t("Calendar alerts")), alarms),
    devices,
    said,
  );
}

function button(text: string, label: string, onclick: () => void): HTMLElement {
  return el("button", { class: "btn line", type: "button", "aria-label": label, onclick }, text);
}

function aboutDevice({ used, failures, error, host }: NoticeDevice): string {
  if (failures > 0) return t("Last notification rejected: {error}", { error });
  if (used === null) return t("No notifications yet, by {host}", { host });
  return t("Last notification {at}, by {host}", { at: new Date(used).toLocaleString(), host });
}

/** Minutes of a day as "22:05". */
function clock(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((one) => String(one).padStart(2, "0")).join(":");
}

function minutes(text: string): number | null {
  const [, hour, minute] = /^(\d\d):(\d\d)/.exec(text) ?? [];
  return hour === undefined ? null : Number(hour) * 60 + Number(minute);
}
