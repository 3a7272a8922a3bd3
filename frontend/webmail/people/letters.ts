// The index of letters beside the list (WEBMAIL-128i): which letter a name is under in the reader's language and script, and the strip.

import { el, fill } from "../../lib/dom";
import { byName, locale, t } from "../../lib/words";

/** Names that begin with no letter, and names in Han characters, of which there are thousands. */
const [others, han] = ["#", "漢"];
/** The first consonants of Hangul syllables, in the order of Unicode's jamo from U+1100 on. */
const initials = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
/** CSS px that a letter needs. */
const lowest = 14;

let collator: Intl.Collator | undefined;

/** The letter under which a name is: without its accent, unless that makes another letter in the reader's language. */
export function headOf(name: string): string {
  const first = [...name.trim().normalize("NFKD")].find((char) => !/\p{M}/u.test(char)) ?? "";
  const code = first.codePointAt(0) ?? 0;
  if (/\p{Script=Han}/u.test(first)) return han;
  if (!/\p{L}/u.test(first)) return others;
  if (code >= 0x1100 && code < 0x1100 + initials.length) return initials[code - 0x1100]!;
  // katakana is under the same sound as hiragana
  if (code >= 0x30a1 && code <= 0x30f6) return String.fromCodePoint(code - 0x60);
  collator ??= new Intl.Collator(locale(), { sensitivity: "base" });
  const [whole] = name.trim().normalize("NFC");
  const letter = whole !== undefined && /\p{L}/u.test(whole) && collator.compare(whole, first) !== 0 ? whole : first;
  return [...letter.toLocaleUpperCase(locale())][0]!;
}

/** Letters, each once, in the order of names. */
export const inOrder = (heads: Iterable<string>): string[] =>
  [...new Set(heads)].sort((a, b) => Number(b === others) - Number(a === others) || byName(a, b));

/** The strip, a slider: by pointer, arrows, or the letter itself. `jump` shows the names under a letter, `enter` focuses the first. */
export function letterStrip(
  jump: (head: string) => unknown,
  enter: (head: string) => void,
): { root: HTMLElement; draw: (heads: readonly string[]) => void } {
  let heads: readonly string[] = [];
  let at = 0;
  const root = el("div", {
    class: "letters",
    role: "slider",
    tabindex: "0",
    "aria-label": t("Jump to a letter"),
    "aria-orientation": "vertical",
    "aria-valuemin": "0",
    hidden: true,
  });
  const tell = () => {
    root.ariaValueMax = String(heads.length - 1);
    root.ariaValueNow = String(at);
    root.ariaValueText = heads[at] ?? "";
  };
  const go = (to: number) => {
    const next = Math.max(0, Math.min(heads.length - 1, to));
    at = next;
    tell();
    void jump(heads[at]!);
  };
  /** Leave out letters where there is no room for all. */
  const thin = () => {
    const every = Math.max(1, Math.ceil((heads.length * lowest) / Math.max(1, root.clientHeight)));
    for (const [n, one] of [...root.children].entries()) one.classList.toggle("left-out", n % every !== 0);
  };
  new ResizeObserver(thin).observe(root);
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const typed = event.key.length === 1 ? heads.indexOf(headOf(event.key)) : -1;
    const to = {
      ArrowDown: at + 1,
      ArrowRight: at + 1,
      ArrowUp: at - 1,
      ArrowLeft: at - 1,
      PageDown: at + 5,
      PageUp: at - 5,
      Home: 0,
      End: heads.length - 1,
    }[event.key];
    if (to !== undefined) go(to);
    else if (typed >= 0) go(typed);
    else if (event.key === "Enter") enter(heads[at]!);
    else return;
    event.preventDefault();
  });
  const point = (event: PointerEvent) => {
    const { top, height } = root.getBoundingClientRect();
    const to = Math.floor(((event.clientY - top) / height) * heads.length);
    if (event.type === "pointerdown" || to !== at) go(to);
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    point(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && point(event));
  return {
    root,
    draw: (now) => {
      const before = heads[at];
      heads = now;
      at = Math.max(0, now.indexOf(before ?? ""));
      root.hidden = now.length < 2;
      fill(
        root,
        now.map((head) => el("span", {}, head)),
      );
      tell();
      thin();
    },
  };
}
