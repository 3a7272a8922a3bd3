// Tool bars: one stop of the tab key, arrows, Home and End move within (WAI-ARIA APG, toolbar).

import { along } from "./direction";

const shown = (bar: HTMLElement) => {
  // a disabled button takes no focus: the arrows would end there
  const all = [...bar.querySelectorAll<HTMLElement>("button:not([hidden], :disabled)")];
  // the sheet hides some; a bar that is not in the page yet shows none
  const drawn = all.filter((one) => one.getClientRects().length > 0);
  return drawn.length > 0 ? drawn : all;
};

/** Leave one button for the tab key: the focused one, else the one that it was, else the first. Call it after a change of the
 * buttons. */
export function settle(bar: HTMLElement): void {
  const all = shown(bar);
  const stop =
    all.find((one) => one === document.activeElement) ??
    all.find((one) => one.tabIndex === 0 && one.dataset["stop"]) ??
    all[0];
  for (const one of bar.querySelectorAll("button")) {
    one.tabIndex = one === stop ? 0 : -1;
    if (one === stop) one.dataset["stop"] = "1";
    else delete one.dataset["stop"];
  }
}

/** Move within the bar by arrows, Home and End. */
export function moveWithin(bar: HTMLElement): void {
  bar.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const all = shown(bar);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[along(event.key)];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  });
  bar.addEventListener("focusin", () => settle(bar));
  settle(bar);
}
