// Presses under way: the click on an element that is replaced between its press and its release is lost.

/** Wait until no press is under way in `place`, which is about to be drawn anew for another reason than a press. */
export async function released(place: Element): Promise<void> {
  while (place.querySelector(":active") !== null) await new Promise((resolve) => requestAnimationFrame(resolve));
}
