// Formatting of numbers.

import { filled, locale, many, t } from "./words";

/** A size for people, in powers of 1024. */
export function size(octets: number): string {
  if (octets < 1024) return `${octets} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = octets;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 999.5 && unit < units.length - 1);
  if (value >= 10) return `${Math.round(value)} ${units[unit]}`;
  const tenths = value.toFixed(1);
  return `${locale() === undefined ? tenths : filled("{n}", { n: Number(tenths) })} ${units[unit]}`;
}

/** A rough duration. */
export function duration(seconds: number): string {
  if (seconds < 10) return t("a few seconds");
  if (seconds < 90) return t("{n} seconds", { n: Math.ceil(seconds / 10) * 10 });
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return many(minutes, "{n} minute", "{n} minutes");
  return many(Math.round(seconds / 360) / 10, "{n} hour", "{n} hours");
}
