// Formatting of times and addresses.

import type { Address } from "../../gen/webmail";
import { formatted } from "../../lib/dateformats";
import { locale, meant, t } from "../../lib/words";

const day = 24 * 60 * 60 * 1000;

/** Number of midnights between two times, in the browser's zone. */
function daysBetween(time: string, now: number): number {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / day);
}

const clockTime = (date: Date): string => formatted(date, "time", { hour: "numeric", minute: "2-digit" });

/** A time in a row: "14:05", "Yesterday 19:42", "Sun", "12 Nov", "12 Nov 2025". `now` is the server's clock, because the browser's
 * may be wrong. Below the head of its day (`dated`) "19:42" is enough. */
export function shortTime(time: string, now: number, dated = false): string {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0 || (days === 1 && dated)) return clockTime(date);
  if (days === 1) return loneTime(time, now);
  if (days < 7) return formatted(date, "weekday", { weekday: "short" });
  if (date.getFullYear() === new Date(now).getFullYear())
    return formatted(date, "day", { day: "numeric", month: "short" });
  return formatted(date, "date", { day: "numeric", month: "short", year: "numeric" });
}

/** The group of a list that a time belongs to: "Today", "Yesterday", "This week", "November", "November 2025". */
export function groupOf(time: string, now: number): string {
  const date = new Date(time);
  const days = daysBetween(time, now);
  if (days <= 0) return t("Today");
  if (days === 1) return t("Yesterday");
  if (days < 7) return t("This week");
  if (date.getFullYear() === new Date(now).getFullYear()) return formatted(date, "month", { month: "long" });
  return formatted(date, "months", { month: "long", year: "numeric" });
}

/** The full time, in the browser's zone. */
export function fullTime(time: string): string {
  return formatted(new Date(time), "full", { dateStyle: "full", timeStyle: "short" });
}

/** The day of a time, without its year in this one: "3 November". */
export function spokenDay(time: string): string {
  const date = new Date(time);
  if (date.getFullYear() === new Date().getFullYear())
    return formatted(date, "long day", { day: "numeric", month: "long" });
  return formatted(date, "long date", { day: "numeric", month: "long", year: "numeric" });
}

/** A time as people say it: "today 14:05", "yesterday 9:30", "Sunday 9:30", "12 November, 9:30", "12 November 2025". */
export function saidTime(time: string, now: number): string {
  const date = new Date(time);
  const days = daysBetween(time, now);
  const at = clockTime(date);
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7)
    return t("{day} {time}", { day: formatted(date, "long weekday", { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  return thisYear ? t("{day}, {time}", { day: spokenDay(time), time: at }) : spokenDay(time);
}

/** A text that begins with a capital letter. */
export function capital(text: string): string {
  return text.slice(0, 1).toLocaleUpperCase(locale()) + text.slice(1);
}

/** A time that stands alone: "14:05", "Yesterday 19:42", "Sunday 9:30". */
export function loneTime(time: string, now: number): string {
  return daysBetween(time, now) === 0 ? clockTime(new Date(time)) : capital(saidTime(time, now));
}

/** `user@host`, with the user quoted where it needs to be (RFC 5321 §4.1.2). */
export function bareAddress(address: Address): string {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}

/** Whether an address is one of the account's. */
export function isOwn(address: Address, account: { login_address: string; addresses: readonly string[] }): boolean {
  const bare = bareAddress(address);
  return account.login_address === bare || account.addresses.includes(bare);
}

/** The name, else the address. */
export function shortAddress(address: Address): string {
  return address.name.trim() || bareAddress(address);
}

/** The first word of a name, or of what follows a family name and a comma; else the address. */
export function firstName(address: Address): string {
  const name = shortAddress(address);
  return /^[^\s,]+, *([^\s,]+)/.exec(name)?.[1] ?? name.split(/[\s,]/, 1)[0]!;
}

/** Senders as they are read: the reader's own address is "me", several people have their first names, whole ones where two are the
 * same. */
export function senders(people: readonly Address[], own: (one: Address) => boolean): string {
  const first = people.map(firstName);
  const name = (one: Address, at: number) =>
    people.length > 1 && first.indexOf(first[at]!) === first.lastIndexOf(first[at]!) ? first[at]! : shortAddress(one);
  return people.map((one, at) => (own(one) ? meant("sender", "me") : name(one, at))).join(", ");
}

/** The name and the address. */
export function longAddress(address: Address): string {
  const name = address.name.trim();
  return name === "" ? bareAddress(address) : `${name} <${bareAddress(address)}>`;
}

/** Several addresses, separated by commas. */
export function addressList(addresses: Address[], one: (address: Address) => string): string {
  return addresses.map(one).join(", ");
}
