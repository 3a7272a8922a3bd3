// Every string for users goes through `t`, so that translations have one place.

/** Values of the names in braces: `t("Moved to {mailbox}", { mailbox })`. */
export type Values = Readonly<Record<string, string | number>>;

/** Made once, at its first use: making one takes a phone some ms. */
let grouped: Intl.NumberFormat | undefined;

/** The text for the user; numbers are grouped in the way of the reader's language. */
export function t(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (typeof value === "string") return value;
    grouped ??= new Intl.NumberFormat();
    return grouped.format(value);
  });
}

/** The text for a number of things, `{n}` being the number: `many(3, "{n} message", "{n} messages")`. */
export function many(n: number, one: string, other: string, values: Values = {}): string {
  return t(n === 1 ? one : other, { ...values, n });
}
