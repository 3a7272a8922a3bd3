// Alarms of the calendar in an open page (DAV-51): a notice with buttons, which stays until it is answered, in this tab or
// in another one. A browser that gets notices by Web Push (WEBMAIL-122) shows those.

import type { AlarmItem, Client } from "../../gen/webmail";
import { kept } from "../../lib/beside";
import { messageOf } from "../../lib/client";
import { el, isolated } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { locale, t } from "../../lib/words";
import sheet from "./alarms.css";

adopt(sheet);

/** Minutes for which an alarm is put off. */
const pause = 5;
/** Milliseconds from now within which a time is shown without its day. */
const near = 18 * 3_600_000;

/** The newest alarm that this page was told of. */
let last = 0;
const shown = new Map<number, HTMLElement>();
/** Other tabs of this account, which are told of events whose alarm was answered. */
const tabs = new BroadcastChannel(`${kept()}-alarms`);
tabs.onmessage = ({ data }) => shown.get(Number(data))?.remove();

/** Show the alarms that have come. */
export async function showAlarms({ client, base }: { client: Client; base: string }): Promise<void> {
  const found = await client.alarms(last).catch(() => []);
  last = Math.max(last, ...found.map(({ id }) => id));
  if (await pushed(base)) return;
  for (const one of found.reverse()) show(client, one);
}

/** Whether this browser gets notices of its own. */
async function pushed(base: string): Promise<boolean> {
  const registration = await navigator.serviceWorker?.getRegistration(base).catch(() => undefined);
  return ((await registration?.pushManager?.getSubscription().catch(() => null)) ?? null) !== null;
}

function show(client: Client, one: AlarmItem): void {
  const start = one.day === "" ? new Date((one.starts ?? 0) * 1000) : new Date(`${one.day}T00:00`);
  const timed = one.day !== "" || one.starts !== null;
  const day = timed ? start : new Date();
  const digits = [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, "0"));
  const facts = [timed ? when(start, one.day !== "") : "", isolated(one.place)].filter((text) => text !== "");
  // a later alarm of the same event takes the place of the earlier one
  shown.get(one.event_id)?.remove();
  const seen = async (snooze: number) => {
    gone();
    tabs.postMessage(one.event_id);
    try {
      await client.alarm_seen(one.event_id, snooze);
    } catch (error) {
      toast(messageOf(error));
    }
  };
  const box = el(
    "div",
    { class: "toast alarm", role: "alert" },
    el(
      "a",
      { href: `#calendar:day,${digits.join("")}`, class: "alarm-event" },
      el("strong", {}, el("bdi", { dir: "auto" }, one.title === "" ? t("(no title)") : isolated(one.title))),
      el("span", {}, facts.join(" · ")),
    ),
    el(
      "button",
      { class: "btn text", type: "button", onclick: () => void seen(pause) },
      t("Snooze for {n} minutes", { n: pause }),
    ),
    el("button", { class: "btn text", type: "button", onclick: () => void seen(0) }, t("Dismiss")),
  );
  const gone = () => {
    box.remove();
    if (shown.get(one.event_id) === box) shown.delete(one.event_id);
  };
  shown.set(one.event_id, box);
  stack().append(box);
}

function when(start: Date, whole: boolean): string {
  if (whole) return start.toLocaleDateString(locale(), { weekday: "long", day: "numeric", month: "long" });
  const far = Math.abs(start.getTime() - Date.now()) > near;
  return start.toLocaleString(locale(), {
    ...(far ? { weekday: "short", day: "numeric", month: "short" } : {}),
    hour: "numeric",
    minute: "2-digit",
  });
}

/** The place of alarms, above that of short messages, which never take their room. */
function stack(): HTMLElement {
  const found = document.querySelector<HTMLElement>("body > .alarms");
  if (found !== null) return found;
  const made = el("div", { class: "alarms", role: "region", "aria-label": t("Alerts") });
  document.body.append(made);
  return made;
}
