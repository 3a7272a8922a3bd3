// The kinds of daily counts, and days.

import type { DayFigures, DaySeries } from "../../gen/admin";
import type { Tone } from "../../lib/plot";
import { t } from "../../lib/words";

/** A kind of daily counts. */
export type DailyKind = DaySeries["kind"];

/** The words and the look of each kind. */
export const kinds: Readonly<Record<DayFigures["kind"], readonly [title: string, tone: Tone]>> = {
  delivered: [t("Delivered"), 1],
  sent: [t("Sent"), 2],
  junk: [t("Junk"), 3],
  refused: [t("Rejected"), 5],
  failed: [t("Not delivered"), 4],
  "passed-on": [t("Forwarded to the old server"), 1],
  "judged-wanted": [t("Classified as not junk"), 1],
  "judged-junk": [t("Classified as junk"), 3],
  "marked-junk": [t("Missed (marked as junk by users)"), 4],
  "marked-wanted": [t("Wrong (marked as not junk by users)"), 2],
  "login-failed": [t("Failed logins"), 4],
};

/** Milliseconds since 1970 at which a day begins, UTC. */
export const begins = (day: number): number => day * 86_400_000;

/** A day in words, such as "Sun 22 Nov", with its year unless that is the present one. */
export function dayOf(day: number): string {
  const year = new Date(begins(day)).getUTCFullYear() === new Date().getUTCFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year,
    timeZone: "UTC",
  }).format(begins(day));
}

/** A day in few words, such as "22 Nov". */
export function shortDay(day: number): string {
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" }).format(begins(day));
}

/** A day as ISO 8601 writes it. */
export const isoDay = (day: number): string => new Date(begins(day)).toISOString().slice(0, 10);
