// The browser's formats of dates and times, each made once: making one takes a phone some ms.

import { locale } from "./words";

const formats = new Map<string, Intl.DateTimeFormat>();

/** A date in the way of the reader's language. `name` stands for `options`: the same name comes with the same options. */
export function formatted(date: Date, name: string, options: Intl.DateTimeFormatOptions): string {
  let format = formats.get(name);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(locale(), options);
    formats.set(name, format);
  }
  return format.format(date);
}
