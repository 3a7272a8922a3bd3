// What the views of a calendar draw on.

import type { Child } from "../../lib/dom";
import type { Shown, View } from "./days";

export interface Board {
  /** The element that a view fills. */
  readonly root: HTMLElement;
  /** The chosen day. */
  readonly day: number;
  /** The events to draw, of calendars that are not off. */
  readonly events: readonly Shown[];
  /** Where the hours were scrolled to. */
  scrolled: number | undefined;
  /** The button of an event: `before` its title, and `after` it. */
  event(one: Shown, kind: string, before: Child[], after?: Child[]): HTMLButtonElement;
  /** The button of a day, which has `count` events. */
  dayButton(day: number, text: string, count: number): HTMLButtonElement;
  show(view: View, day: number): void;
  /** Shown in place of events. */
  nothing(): HTMLElement;
}
