// What an update of an invitation changes, beside the version that the calendar had (WEBMAIL-129): the first line of its card.

import type { Invitation, When } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { isolated } from "../../lib/dom";
import { t } from "../../lib/words";

/** A moment here, or as the clock of each place shows it. */
export const dateOf = ({ utc, local }: When): Date =>
  utc !== null ? new Date(utc * 1000) : new Date(local.includes("T") ? local : `${local}T00:00`);

const same = (one: When, other: When): boolean =>
  one.utc !== null && other.utc !== null ? one.utc === other.utc : one.local === other.local;

/** Two times as the reader tells them apart: by their clocks on one day, else with the day. */
function told(from: When, to: When): { from: string; to: string } {
  const oneDay = dateOf(from).toDateString() === dateOf(to).toDateString();
  const timed = (when: When) => when.local.includes("T");
  const text = (when: When) => {
    if (!timed(when))
      return formatted(dateOf(when), "event date", { weekday: "short", day: "numeric", month: "short" });
    if (oneDay && timed(from) === timed(to))
      return formatted(dateOf(when), "event clock", { hour: "numeric", minute: "2-digit" });
    const options: Intl.DateTimeFormatOptions = { weekday: "short", day: "numeric", month: "short" };
    return formatted(dateOf(when), "event moment", { ...options, hour: "numeric", minute: "2-digit" });
  };
  return { from: text(from), to: text(to) };
}

/** The changes in sentences; none where the version before is not known, or was the same in these. */
export function changesOf({ before, start, end, title, place }: Invitation): string[] {
  if (before === null) return [];
  const found: string[] = [];
  if (start !== null && before.start !== null && !same(before.start, start))
    found.push(t("Moved from {from} to {to}", told(before.start, start)));
  // of whole days the end is the day after
  else if (end !== null && before.end !== null && !same(before.end, end) && end.local.includes("T"))
    found.push(t("End moved from {from} to {to}", told(before.end, end)));
  if (before.title !== title && before.title !== "")
    found.push(t("Renamed from “{title}”", { title: isolated(before.title) }));
  if (before.place !== place)
    found.push(
      before.place === ""
        ? t("Location added: {place}", { place: isolated(place) })
        : place === ""
          ? t("Location removed: {place}", { place: isolated(before.place) })
          : t("Location changed from {from} to {to}", { from: isolated(before.place), to: isolated(place) }),
    );
  return found;
}
