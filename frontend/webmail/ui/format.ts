// Formatting of times and addresses.

import type { Address } from "../../gen/webmail";

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
