// Initials and hues of discs, which stand for people. They are decoration: the name is beside them.

/** The two letters for a name. */
export function initials(name: string): string {
  const words = name.split(/[\s._\p{C}-]+/u).filter((word) => word !== "");
  const letters =
    words.length > 1
      ? [...words[0]!][0]! + [...words[words.length - 1]!][0]!
      : [...(words[0] ?? "?")].slice(0, 2).join("");
  return letters.toUpperCase();
}

/** The hue of a key, 1 to 8: classes `c1` to `c8`. */
export function hue(key: string): number {
  let hash = 0;
  for (const sign of key) hash = (hash * 31 + sign.codePointAt(0)!) >>> 0;
  return (hash % 8) + 1;
}
