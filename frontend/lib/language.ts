// The texts of one language: a script that runs before the page's own (WEBMAIL-143). Texts of the server's errors are a part of
// their own, fetched with the first error.

import { load } from "./imports";

/** A text of the server with its values, which are texts themselves where they are translated. */
export interface Words {
  readonly text: string;
  readonly values: Readonly<Record<string, string | number | Words>>;
}

/** An error as the server sends it: its English text, and what that was made of, where it has values. */
export interface Told {
  readonly message: string;
  readonly words?: Words;
  /** Mistakes in single values. */
  readonly fields?: readonly { readonly field: string; readonly text: string; readonly words?: Words }[];
}

/** A language other than English. */
export interface Language {
  /** Locale of dates and numbers. */
  readonly locale: string;

  /** The translation of a text, or the form for `n` of one that counts; undefined if it has no translation. */
  find(key: string, n?: number): string | undefined;

  /** An error of the server in this language; texts that have no translation, or cannot be loaded, stay as they are. */
  told<T extends Told>(error: T): Promise<T>;

  /** Load the texts that parts of the page have, once. Rejects where they cannot be loaded; the next call tries again. */
  rest(): Promise<void>;
}

declare global {
  // a property of the page, which its parts share
  var moxliteLanguage: Language | undefined;
}

/** The hash of a text, as `script/generators/languages.py` computes it: FNV-1a in four digits. */
export function hashed(key: string): string {
  return (fnv(key) % 36 ** 4).toString(36).padStart(4, "0");
}

/** FNV-1a of a text, 32 bits. */
export function fnv(key: string): number {
  let value = 0x811c9dc5;
  for (let n = 0; n < key.length; n++) value = Math.imul(value ^ key.charCodeAt(n), 0x01000193);
  return value >>> 0;
}

/** A language from lines of hash and text. `locales`: those that the reader prefers, the best first. `errors`, `rest`: addresses of
 * the texts of errors and of parts, beside the one with the lines; "" without such texts. `forms`: the plural categories (CLDR) of
 * the forms of a text that counts; others have the last form. */
export function language(
  name: string,
  lines: string,
  locales: readonly string[],
  errors: string,
  rest = "",
  forms: readonly string[] = ["one"],
): Language {
  const texts = new Map<string, string>();
  const add = (more: string): void => {
    for (const line of more.split("\n")) texts.set(line.slice(0, 4), line.slice(4));
  };
  add(lines);
  let loading: Promise<void> | undefined;
  const plural = new Intl.PluralRules(name);
  const own = locales.find((locale) => locale === name || locale.startsWith(`${name}-`)) ?? name;
  // addresses, sizes and codes have these digits, so dates and numbers have them, too
  const latin = new Intl.NumberFormat(own).resolvedOptions().numberingSystem === "latn";
  return {
    locale: latin ? own : `${own}-u-nu-latn`,
    find(key, n) {
      const text = texts.get(hashed(key));
      if (text === undefined || n === undefined) return text;
      return text.split("|").at(forms.indexOf(plural.select(n)));
    },
    told: async (error) => {
      const part = await load(errors).catch(() => null);
      return part === null ? error : (part as { inWords: Language["told"] }).inWords(error);
    },
    async rest() {
      if (rest === "") return;
      loading ??= load(rest).then((part) => add((part as { lines: string }).lines));
      // the next attempt may succeed
      await loading.catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
    },
  };
}
