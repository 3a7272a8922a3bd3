// A second time zone in week and day: its hours beside the reader's own ones, and the choice of it (WEBMAIL-175g).

import type { Calendar, Client } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { attempt } from "../../lib/dialogs";
import { el, fill } from "../../lib/dom";
import picker from "../../lib/picker.css";
import { pick } from "../../lib/picker";
import { adopt } from "../../lib/sheets";
import { toast } from "../../lib/toasts";
import { locale, t } from "../../lib/words";
import { dateOf } from "../calendar/days";
import { ownZone } from "../event/times";
import sheet from "./zones.css";

adopt(picker);
adopt(sheet);

/** Whether the second zone is kept with a calendar. */
const isHome = ({ second_zone: zone }: Calendar): boolean => zone !== "";

/** A zone as people write it. */
const written = (zone: string): string => zone.replaceAll("_", " ");

/** The short name of a zone at noon of a day, such as "CET" or "GMT+9". */
function shortName(zone: string, day: number): string {
  const format = new Intl.DateTimeFormat(locale(), {
    timeZone: zone,
    timeZoneName: "short",
  });
  return format.formatToParts(dateOf(day, 720)).find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/** Add the hours of the second zone, if there is one, to a week or a day, as they are on `day`. A zone that the browser does not know is
 * left out. */
export function addZone(hours: HTMLElement, calendars: readonly Calendar[], day: number): void {
  const zone = calendars.find(isHome)?.second_zone;
  if (zone === undefined) return;
  let name: string;
  try {
    name = shortName(zone, day);
  } catch {
    return;
  }
  hours.classList.add("zoned");
  fill(
    hours.querySelector(".cal-heads > span")!,
    [[name, zone] as const, [shortName(ownZone(), day), ownZone()] as const].map(([short, long]) =>
      el("span", { class: "cal-zone-name", title: written(long) }, short),
    ),
  );
  for (const [at, label] of hours.querySelectorAll<HTMLElement>(".cal-hour").entries()) {
    const time = formatted(dateOf(day, (at + 1) * 60), `hours of ${zone}`, {
      hour: "numeric",
      minute: "2-digit",
      timeZone: zone,
    });
    const other = el("span", { class: "cal-hour cal-zone" }, time);
    other.style.top = label.style.top;
    label.before(other);
  }
}

/** Ask for the second zone, which is kept with a calendar of the user; `again` draws it. */
export async function chooseZone(
  client: Client,
  calendars: readonly Calendar[],
  again: () => Promise<void>,
): Promise<void> {
  const own = calendars.filter(({ owner, source }) => owner === "" && source === "");
  const home = calendars.find(isHome) ?? own[0]!;
  const day = Math.floor(Date.now() / 86_400_000);
  const zones = Intl.supportedValuesOf("timeZone").filter((zone) => zone !== ownZone());
  const chosen = await pick(
    t("Second time zone"),
    { label: t("Time zone"), hint: t("City or region"), nothing: t("No matching time zones") },
    home.second_zone === "" ? zones : ["", ...zones],
    (zone) => (zone === "" ? t("No second time zone") : written(zone)),
    { detail: (zone) => [el("span", {}, zone === "" ? "" : shortName(zone, day))] },
  );
  if (chosen === null) return;
  const saved = await attempt(t("Saving…"), t("Couldn't update calendar"), async () => {
    await client.calendar_save({ second_zone: chosen }, home.id);
    await again();
  });
  if (saved)
    toast(
      chosen === ""
        ? t("Second time zone removed")
        : t("Day and week views show {zone} time", { zone: written(chosen) }),
    );
}
