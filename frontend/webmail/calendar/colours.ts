// The choice of a colour, of a calendar or of one event.

import { el } from "../../lib/dom";
import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";
import sheet from "./colours.css";
import { colours } from "./days";

adopt(sheet);

export interface ColourChoice {
  readonly root: HTMLElement;
  /** `#rrggbb`, or "" for that of the calendar. */
  read(): string;
}

/** The colours of the page: `#rrggbb`, number and name. `inherited`: the number of the calendar's colour, which may be chosen, too,
 * as "". */
function offered(inherited?: number): (readonly [colour: string, number: number, name: string])[] {
  const names = [t("red"), t("orange"), t("yellow"), t("green"), t("teal"), t("blue"), t("purple"), t("pink")];
  return [
    ...(inherited === undefined ? [] : [["", inherited, t("Calendar color")] as const]),
    ...colours.map((colour, at) => [colour, at + 1, names[at]!] as const),
  ];
}

/** A choice among the colours of the page, where `first` is chosen. */
export function colourChoice(first: string, inherited?: number): ColourChoice {
  const boxes = offered(inherited).map(([value, number, name]) =>
    el("input", {
      type: "radio",
      name: "colour",
      value,
      class: `c${number}`,
      "aria-label": name,
      title: name,
      checked: value === first,
    }),
  );
  return {
    root: el("div", { class: "cal-colours", role: "radiogroup", "aria-label": t("Color") }, boxes),
    read: () => boxes.find(({ checked }) => checked)?.value ?? first,
  };
}

/** Buttons of the colours, each of which chooses at once; `chosen` is pressed. */
export function colourButtons(chosen: string, inherited: number, choose: (colour: string) => void): HTMLElement {
  return el(
    "div",
    { class: "cal-colours", role: "group", "aria-label": t("Color") },
    offered(inherited).map(([value, number, name]) =>
      el("button", {
        type: "button",
        value,
        class: `c${number}`,
        "aria-label": name,
        "aria-pressed": String(value === chosen),
        title: name,
        onclick: () => choose(value),
      }),
    ),
  );
}
