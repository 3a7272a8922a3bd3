// The server's errors in the reader's language: a part of its own, fetched with the first error (WEBMAIL-143).

import { type Told, type Words, fnv } from "./language";
import { filled } from "./words";

/** The hash of a text of the server, all of it: such texts can be any. */
export function wholeHash(key: string): string {
  return fnv(key).toString(36).padStart(7, "0");
}

/** Errors with their texts from lines of hash and text. */
export function inWords<T extends Told>(error: T, lines: string): T {
  const texts = new Map(lines.split("\n").map((line) => [line.slice(0, 7), line.slice(7)]));
  const say = (words: Words): string => {
    const values = Object.entries(words.values).map(([name, one]) => [name, typeof one === "object" ? say(one) : one]);
    return filled(texts.get(wholeHash(words.text)) ?? words.text, Object.fromEntries(values));
  };
  const fields = error.fields?.map((one) => ({ ...one, text: say(one.words ?? { text: one.text, values: {} }) }));
  const whole = (all: Told["fields"] = []) => all.map((one) => `${one.field} ${one.text}`.trim()).join("; ");
  const message =
    fields !== undefined && error.message === whole(error.fields)
      ? whole(fields)
      : say(error.words ?? { text: error.message, values: {} });
  return { ...error, message, ...(fields && { fields }) };
}
