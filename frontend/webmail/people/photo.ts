// Photos of contacts (WEBMAIL-128b) as they are shown.

import { hue, initials } from "../../lib/disc";
import { el } from "../../lib/dom";

/** The disc of a person: the photo, or the initials. */
export function face(base: string, photo: string, name: string, key: string): HTMLElement {
  return el(
    "span",
    { class: `disc person-disc c${hue(key)}`, "aria-hidden": "true" },
    photo === "" ? initials(name) : el("img", { src: `${base}photo/${photo}`, alt: "", loading: "lazy" }),
  );
}
