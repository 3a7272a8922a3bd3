// What is found by a part of its name, or by some of its letters.

/** Whether the letters of `typed` come in `title` in this order; how well, the lower the better, else -1. */
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

/** Those whose title matches, best first. */
export function ranked<T>(all: readonly T[], titleOf: (one: T) => string, typed: string): T[] {
  return all
    .map((one) => ({ one, rank: match(titleOf(one), typed) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}
