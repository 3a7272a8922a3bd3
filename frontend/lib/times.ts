// Times for people: local, the exact one and UTC on hover. Moments are µs since 1970, as in the calls.

import { formatted } from "./dateformats";
import { el } from "./dom";
import { many, t } from "./words";

const second = 1e6;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The time of day: 14:05. */
export function timeOf(at: number): string {
  return formatted(new Date(at / 1000), "clock", { hour: "numeric", minute: "2-digit" });
}

/** A moment in words: 14:05, yesterday 9:30, Sun 18:40, 12 Nov 9:30, 12 Nov 2025. */
export function moment(at: number, now = Date.now() * 1000): string {
  const here = new Date(at / 1000);
  const today = new Date(now / 1000);
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(here).setHours(0, 0, 0, 0)) / 86_400_000);
  const time = timeOf(at);
  if (days === 0) return time;
  if (days === 1) return t("yesterday {time}", { time });
  if (days === -1) return t("tomorrow {time}", { time });
  if (days > 0 && days < 7) return `${formatted(here, "weekday", { weekday: "short" })} ${time}`;
  if (here.getFullYear() === today.getFullYear())
    return `${formatted(here, "day", { day: "numeric", month: "short" })} ${time}`;
  return formatted(here, "date", { day: "numeric", month: "short", year: "numeric" });
}

/** A moment as an element: in words, with the exact local time and UTC on hover. */
export function when(at: number): HTMLElement {
  const date = new Date(at / 1000);
  const iso = date.toISOString();
  return el(
    "time",
    {
      datetime: iso,
      title: `${formatted(date, "whole", { dateStyle: "full", timeStyle: "long" })}\n${iso.replace("T", " ").replace(/\.\d+Z/, " UTC")}`,
    },
    moment(at),
  );
}

/** A moment as µs from RFC 3339; 0 for "". */
export function microseconds(text: string): number {
  return text === "" ? 0 : Date.parse(text) * 1000;
}

/** A duration in its largest unit. */
export function agoShort(duration: number): string {
  if (duration >= 2 * day) return many(Math.round(duration / day), "{n} day", "{n} days");
  if (duration >= 2 * hour) return many(Math.round(duration / hour), "{n} hour", "{n} hours");
  if (duration >= 2 * minute) return many(Math.round(duration / minute), "{n} minute", "{n} minutes");
  return many(Math.max(1, Math.round(duration / second)), "{n} second", "{n} seconds");
}

/** How long ago a moment was. */
export function ago(at: number): string {
  const duration = Date.now() * 1000 - at;
  return duration < minute ? t("just now") : t("{time} ago", { time: agoShort(duration) });
}
