// Presses under way: the click on an element that is replaced between its press and its release is lost.

import { holdPlace } from "./focus";

/** Wait until no press is under way in `place`, which is about to be drawn anew for another reason than a press. */
export async function released(place: Element): Promise<void> {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** Draw `place` anew when no press is under way in it, and keep its focus and what is unfolded. */
export async function redraw(place: HTMLElement, draw: () => void): Promise<void> {
  await released(place);
  const giveBack = holdPlace(place);
  draw();
  giveBack();
}
