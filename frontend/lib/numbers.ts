// How numbers are shown.

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
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** So many of something: `1 message`, `1,204 messages`. */
export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** How long something will take, roughly. */
export function duration(seconds: number): string {
  if (seconds < 10) return "a few seconds";
  if (seconds < 90) return `${Math.ceil(seconds / 10) * 10} seconds`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return `${minutes} minutes`;
  return count(Math.round(seconds / 360) / 10, "hour", "hours");
}
