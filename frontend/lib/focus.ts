// Where the focus goes when what had it is gone: the keys must always have a place, and the reader must see it (WEBMAIL-144).

/** Put the focus where the page's own keys are: on the element marked `data-home`. */
export function focusHome(): void {
  document.querySelector<HTMLElement>("[data-home]")?.focus({ preventScroll: true });
}

/** Note what has the focus; the returned function gives it back, or to the page's home when that is gone meanwhile. */
export function holdFocus(): () => void {
  const before = document.activeElement;
  return () => {
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus();
    if (document.activeElement === null || document.activeElement === document.body) focusHome();
  };
}
