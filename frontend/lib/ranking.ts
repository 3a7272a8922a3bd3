// Finding by a part of a name, or by some of its letters.

/** How well `title` contains the letters of `typed` in their order: the lower the better, -1 if it does not. */
export function match(title: string, typed: string): number {
  const text = title.toLowerCase();
  const whole = text.indexOf(typed.toLowerCase());
  if (whole >= 0) return whole === 0 || " /".includes(text[whole - 1]!) ? whole : 50 + whole;
  let at = -1;
  let spread = 100;
  for (const letter of typed.toLowerCase()) {
    if (letter === " ") continue;
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return -1;
    spread += next - at;
    at = next;
  }
  return spread;
}

/** The items whose title matches, best first. */
export function ranked<T>(all: readonly T[], titleOf: (one: T) => string, typed: string): T[] {
  return all
    .map((one) => ({ one, rank: match(titleOf(one), typed) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}
