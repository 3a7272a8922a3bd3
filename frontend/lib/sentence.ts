// An error's text on its own, outside of a dialog.

/** `text` with a capital letter, and a full stop at the end. */
export function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;
}
