// States, notices and empty places: always a word and a shape, never colour alone.

import { type Child, el, sign } from "./dom";
import { ban, circleCheck, circleHelp, clock, octagonAlert, triangleAlert } from "./icons";

/** How something is: well, weak, broken, waiting, switched off, not known. */
export type Level = "ok" | "warn" | "danger" | "wait" | "off" | "unknown";

const shapes: Readonly<Record<Level, string>> = {
  ok: circleCheck,
  warn: triangleAlert,
  danger: octagonAlert,
  wait: clock,
  off: ban,
  unknown: circleHelp,
};
const tones: Readonly<Record<Level, string>> = {
  ok: "ok",
  warn: "warn",
  danger: "danger",
  wait: "muted",
  off: "muted",
  unknown: "muted",
};

/** The shape of a state alone; `word` is for screen readers. */
export function mark(level: Level, word: string, small = true): HTMLElement {
  return el(
    "span",
    { class: `state ${tones[level]}` },
    sign(shapes[level], small ? "i s" : "i"),
    el("span", { class: "sr" }, `${word}: `),
  );
}

/** A state: its shape and its word. */
export function state(level: Level, word: string): HTMLElement {
  return el("span", { class: `state ${tones[level]}` }, sign(shapes[level], "i s"), word);
}

/** A line that says what is and what can be done. */
export function notice(level: Level, text: Child, ...actions: Child[]): HTMLElement {
  const alert = level === "danger" ? "alert" : undefined;
  return el(
    "div",
    { class: `notice ${level}`, role: alert },
    sign(shapes[level]),
    el("div", { class: "grow" }, text),
    actions,
  );
}

/** An empty place: what will be here, and a way out. */
export function empty(path: string, title: string, text: string, ...actions: Child[]): HTMLElement {
  return el("div", { class: "empty" }, sign(path), el("h2", {}, title), text !== "" && el("p", {}, text), actions);
}
