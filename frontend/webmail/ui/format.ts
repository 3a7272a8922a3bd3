// Formatting of times and addresses.

import type { Address } from "../../gen/webmail";
import { t } from "../../lib/words";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365.25 * day;
const month = year / 12;

/** Time since `time` in one short word. `now` is the server's clock, because the browser's may be wrong. */
export function age(time: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < minute) return "<1min";
  if (seconds < hour) return `${Math.floor(seconds / minute)}min`;
  if (seconds < day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < month) return `${Math.floor(seconds / day)}d`;
  if (seconds < year) return `${Math.floor(seconds / month)}mo`;
  return `${Math.floor(seconds / year)}y`;
}

let full: Intl.DateTimeFormat | undefined;

/** The full time, in the browser's zone. */
export function fullTime(time: string): string {
  return (full ??= new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" })).format(new Date(time));
}

/** A time as people say it: "today 14:05", "yesterday 9:30", "Sunday 9:30", "12 November, 9:30", "12 November 2025". */
export function saidTime(time: string, now: number): string {
  const date = new Date(time);
  const at = date.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / (day * 1000));
  if (days === 0) return t("today {time}", { time: at });
  if (days === 1) return t("yesterday {time}", { time: at });
  if (days > 1 && days < 7) return t("{day} {time}", { day: date.toLocaleDateString(undefined, { weekday: "long" }), time: at });
  const thisYear = date.getFullYear() === new Date(now).getFullYear();
  if (thisYear) return t("{day}, {time}", { day: date.toLocaleDateString(undefined, { day: "numeric", month: "long" }), time: at });
  return date.toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
}

/** `user@host`, with the user quoted where it needs to be (RFC 5321 §4.1.2). */
export function bareAddress(address: Address): string {
  if (address.host === "") return address.user;
  const user = /^[^\s"(),:;<>@[\\\]]+$/.test(address.user) ? address.user : JSON.stringify(address.user);
  return `${user}@${address.host}`;
}

/** The name, else the address. */
export function shortAddress(address: Address): string {
  return address.name.trim() || bareAddress(address);
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
