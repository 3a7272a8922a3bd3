// The direction of the page's text: from right to left in Arabic and Hebrew (WEBMAIL-143b).

/** Text runs from right to left. */
export const mirrored = (): boolean => document.documentElement.dir === "rtl";

/** The arrow key that moves along the text as this one does where it runs from left to right; other keys as they are. */
export function along(key: string): string {
  if (!mirrored()) return key;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key] ?? key;
}
