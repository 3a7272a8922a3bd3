// An empty place: a sentence, and a next step (WEBMAIL-66c). The part `empty` has the empty places of the list.

import { el } from "../../lib/dom";

/** The next step: a title, and what it does. */
export interface Step {
  readonly title: string;
  run(): void;
}

export interface EmptyPlace {
  readonly title: string;
  readonly text?: string;
  readonly step?: Step;
}

/** The elements of an empty place. */
export function drawEmpty({ title, text, step }: EmptyPlace): Node[] {
  return [
    el("h2", { class: "empty-title" }, title),
    ...(text === undefined ? [] : [el("p", {}, text)]),
    ...(step === undefined ? [] : [el("button", { class: "link", onclick: () => step.run() }, step.title)]),
  ];
}
