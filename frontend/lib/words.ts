// Every string for users goes through `t`, so that translations have one place (WEBMAIL-143).

import type { Told } from "./language";

/** Values of the names in braces: `t("Moved to {mailbox}", { mailbox })`. */
export type Values = Readonly<Record<string, string | number>>;

/** Made once, at its first use: making one takes a phone some ms. */
let grouped: Intl.NumberFormat | undefined;
let collator: Intl.Collator | undefined;

/** The locale of dates and numbers; undefined: the browser's own. */
export const locale = (): string | undefined => globalThis.moxliteLanguage?.locale;

/** The order of two names in the reader's language, by the numbers in them. */
export function byName(one: string, other: string): number {
  collator ??= new Intl.Collator(locale(), { numeric: true });
  return collator.compare(one, other);
}

/** The order of calendars and address books: the user's own ones first, which have no owner, then by owner. */
export function byOwner(one: { owner: string; name: string }, other: { owner: string; name: string }): number {
  return byName(one.owner, other.owner) || byName(one.name, other.name);
}

/** A text with its values; numbers are grouped in the way of the reader's language. */
export function filled(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat(locale());
    return grouped.format(value);
  });
}

/** The text for the user, in English where the language of the page has none. */
export function t(text: string, values: Values = {}): string {
  return filled(globalThis.moxliteLanguage?.find(text) ?? text, values);
}

/** An error of the server in the reader's language. Its texts are fetched at the first one. */
export async function told<T extends Told>(error: T): Promise<T> {
  return globalThis.moxliteLanguage?.told(error) ?? error;
}

/** The name of a mailbox as it is shown: the mailboxes of a new account have translated names. */
export function mailboxName(name: string): string {
  return globalThis.moxliteLanguage?.find(`mailbox ${name}`) ?? name;
}

/** A word that English uses for several things, with what is meant: `meant("alert", "none")`. Each has its own translation. */
export function meant(context: string, text: string): string {
  return globalThis.moxliteLanguage?.find(`${context} ${text}`) ?? text;
}

/** The text for a number of things, `{n}` being the number: `many(3, "{n} message", "{n} messages")`. */
export function many(n: number, one: string, other: string, values: Values = {}): string {
  const text = globalThis.moxliteLanguage?.find(`${one}|${other}`, n) ?? (n === 1 ? one : other);
  return filled(text, { ...values, n });
}
