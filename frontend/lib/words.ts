// Every string that a person reads goes through `t`: what is to be translated can be found, and replaced, in one place.

/** What stands for a name in braces: `t("Moved to {mailbox}", { mailbox })`. */
export type Values = Readonly<Record<string, string | number>>;

/** Made at its first use, and once: each takes a phone some ms. */
let grouped: Intl.NumberFormat | undefined;

/** The text for people; numbers are grouped as the reader's language does. */
export function t(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? (grouped ??= new Intl.NumberFormat()).format(value) : value;
  });
}

/** The text for so many of something, `{n}` being the number: `many(3, "{n} message", "{n} messages")`. */
export function many(n: number, one: string, other: string, values: Values = {}): string {
  return t(n === 1 ? one : other, { ...values, n });
}
