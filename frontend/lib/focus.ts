// Restoring the focus when its element is gone: keys must always have a target that the reader sees (WEBMAIL-144).

/** Focus the element marked `data-home`, which has the page's own keys. */
export function focusHome(): void {
  document.querySelector<HTMLElement>("[data-home]")?.focus({ preventScroll: true });
}

/** Remember the focused element. The returned function focuses it again, or the page's home if the element is gone. */
export function holdFocus(): () => void {
  const before = document.activeElement;
  return () => {
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus();
    if (document.activeElement === null || document.activeElement === document.body) focusHome();
  };
}
