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

/** A choice among the colours of the page, where `first` is chosen. `inherited`: the number of the calendar's colour, which may be
 * chosen, too. */
export function colourChoice(first: string, inherited?: number): ColourChoice {
  const names = [t("red"), t("orange"), t("yellow"), t("green"), t("teal"), t("blue"), t("purple"), t("pink")];
  const box = (value: string, number: number, name: string) =>
    el("input", {
      type: "radio",
      name: "colour",
      value,
      class: `c${number}`,
      "aria-label": name,
      title: name,
      checked: value === first,
    });
  const boxes = [
    ...(inherited === undefined ? [] : [box("", inherited, t("Calendar color"))]),
    ...colours.map((colour, at) => box(colour, at + 1, names[at]!)),
  ];
  return {
    root: el("div", { class: "cal-colours", role: "radiogroup", "aria-label": t("Color") }, boxes),
    read: () => boxes.find(({ checked }) => checked)?.value ?? first,
  };
}
