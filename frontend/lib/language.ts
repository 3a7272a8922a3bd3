// The texts of one language: a script that runs before the page's own (WEBMAIL-143).

/** A language other than English. */
export interface Language {
  /** Locale of dates and numbers. */
  readonly locale: string;

  /** The translation of a text, or of both forms of one that counts `n` things; undefined if it has no translation. */
  find(key: string, n?: number): string | undefined;
}

declare global {
  // a property of the page, which its parts share
  var moxliteLanguage: Language | undefined;
}

/** The hash of a text, as `script/generators/languages.py` computes it: FNV-1a in four digits. */
export function hashed(key: string): string {
  let value = 0x811c9dc5;
  for (let n = 0; n < key.length; n++) value = Math.imul(value ^ key.charCodeAt(n), 0x01000193);
  return ((value >>> 0) % 36 ** 4).toString(36).padStart(4, "0");
}

/** A language from lines of hash and text. `locales`: those that the reader prefers, the best first. */
export function language(name: string, lines: string, locales: readonly string[]): Language {
  const texts = new Map(lines.split("\n").map((line) => [line.slice(0, 4), line.slice(4)]));
  const plural = new Intl.PluralRules(name);
  return {
    locale: locales.find((one) => one === name || one.startsWith(`${name}-`)) ?? name,
    find(key, n) {
      const text = texts.get(hashed(key));
      if (text === undefined || n === undefined) return text;
      const [one, other] = text.split("|");
      return plural.select(n) === "one" ? one : other;
    },
  };
}
