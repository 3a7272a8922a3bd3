// Restoring the focus when its element is gone: keys must always have a target that the reader sees (WEBMAIL-144).

/** Focus the element marked `data-home`, which has the page's own keys. */
export function focusHome(): void {
  document.querySelector<HTMLElement>("[data-home]")?.focus({ preventScroll: true });
}

/** What readers call an element, with its kind. */
function called(one: Element): string {
  const label =
    one instanceof HTMLInputElement || one instanceof HTMLSelectElement || one instanceof HTMLTextAreaElement
      ? one.labels?.[0]?.textContent
      : null;
  return `${one.tagName} ${one.getAttribute("aria-label") ?? label ?? one.textContent}`;
}

/** Remember the focused element within `root`, which is about to be made anew, and what is unfolded. The returned function unfolds it
 * again, and focuses the element that has the same name, and the same place among all elements of this name; without one, the
 * heading. */
export function holdPlace(root: HTMLElement): () => void {
  const before = document.activeElement;
  const folds = () => [...root.querySelectorAll("details")];
  const unfolded = folds().map(({ open }) => open);
  const unfold = () => {
    for (const [at, one] of folds().entries()) one.open ||= unfolded[at] === true;
  };
  if (before === null || before === root || !root.contains(before)) return unfold;
  const name = called(before);
  const alike = () => [...root.querySelectorAll<HTMLElement>(before.tagName)].filter((one) => called(one) === name);
  const place = alike().indexOf(before as HTMLElement);
  return () => {
    unfold();
    const found = alike();
    (found[place] ?? found.at(-1) ?? root.querySelector<HTMLElement>("h1"))?.focus({ preventScroll: true });
  };
}

/** Remember the focused element. The returned function focuses it again, or the page's home if the element is gone. */
export function holdFocus(): () => void {
  const before = document.activeElement;
  return () => {
    if (before instanceof HTMLElement && before !== document.body && before.isConnected) before.focus();
    if (document.activeElement === null || document.activeElement === document.body) focusHome();
  };
}
