// A small window at a tool, with choices in rows: colours, emoji. Arrows move, Enter chooses, Escape and a click elsewhere close it.

import { along, mirrored } from "../../lib/direction";
import { el } from "../../lib/dom";
import { holdFocus } from "../../lib/focus";

export interface Cell {
  readonly name: string;
  readonly content: Node | string;
  readonly chosen?: boolean;
  run(): void;
}

/** Groups of choices below each other; a group may have a heading. */
export type Group = readonly [heading: string, cells: readonly Cell[]];

export function openGrid(anchor: HTMLElement, title: string, columns: number, groups: readonly Group[]): void {
  const items: HTMLButtonElement[] = [];
  const rows = groups.flatMap(([heading, cells]) => {
    const made = cells.map((cell) =>
      el(
        "button",
        {
          class: "grid-cell",
          type: "button",
          role: "menuitemradio",
          tabindex: "-1",
          title: cell.name,
          "aria-label": cell.name,
          "aria-checked": String(cell.chosen === true),
          onclick: () => {
            close();
            cell.run();
          },
        },
        cell.content,
      ),
    );
    items.push(...made);
    const row = el("div", { class: "grid-row", role: "group", "aria-label": heading || title }, made);
    row.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    return heading === "" ? [row] : [el("div", { class: "grid-heading", "aria-hidden": "true" }, heading), row];
  });
  const root = el("div", { class: "menu grid-menu", role: "menu", "aria-label": title }, rows);
  const giveBack = holdFocus();
  anchor.setAttribute("aria-expanded", "true");
  const close = () => {
    root.remove();
    removeEventListener("pointerdown", outside, true);
    anchor.setAttribute("aria-expanded", "false");
    giveBack();
  };
  const outside = (event: Event) => {
    if (event.target instanceof Node && !root.contains(event.target)) close();
  };
  root.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[along(event.key)];
    event.stopPropagation();
    if (step !== undefined) items[Math.max(0, Math.min(items.length - 1, at + step))]?.focus();
    else if (event.key === "Home") items[0]?.focus();
    else if (event.key === "End") items.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  });
  (anchor.closest("main") ?? document.body).append(root);
  const place = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = root;
  const above = place.top - 4 - height >= 8;
  root.style.left = `${Math.max(8, Math.min(mirrored() ? place.right - width : place.left, innerWidth - width - 8))}px`;
  root.style.top = `${above ? place.top - 4 - height : Math.min(place.bottom + 4, innerHeight - height - 8)}px`;
  addEventListener("pointerdown", outside, true);
  (items.find((one) => one.getAttribute("aria-checked") === "true") ?? items[0])?.focus();
}
