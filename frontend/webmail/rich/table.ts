// Tables in the editor. Each cell holds blocks, so that Enter parts its lines and not the cell.

import { el } from "../../lib/dom";
import { tabled } from "./look";

/** Most rows and columns of a table that is made here. */
export const most = 20;

function made(name: "td" | "th" | "tr" | "tbody" | "table", ...content: Node[]): HTMLElement {
  const element = document.createElement(name);
  element.append(...content);
  tabled(element);
  return element;
}

const emptyCell = () => made("td", el("div", {}, el("br")));

/** An empty table, as HTML for the editor; `look` gives it its look once it is there. */
export function newTable(rows: number, columns: number): string {
  const row = `<tr>${"<td><div><br></div></td>".repeat(columns)}</tr>`;
  return `<table><tbody>${row.repeat(rows)}</tbody></table>`;
}

/** Give a new table its look. */
export function look(table: HTMLTableElement): void {
  for (const one of [table, ...table.querySelectorAll<HTMLElement>("tbody, tr, td")]) tabled(one);
}

/** The cell that a node is in. */
export function cellOf(node: Node | null, root: Element): HTMLTableCellElement | null {
  const found = (node instanceof Element ? node : node?.parentElement)?.closest("td, th");
  return found instanceof HTMLTableCellElement && root.contains(found) ? found : null;
}

/** Changes of the table around a cell; each returns the cell that has the cursor then, null without the table. */
export const changes = {
  rowBelow(cell: HTMLTableCellElement) {
    const row = cell.parentElement as HTMLTableRowElement;
    const added = made("tr", ...Array.from({ length: row.cells.length }, emptyCell));
    row.after(added);
    return added.children[Math.min(cell.cellIndex, added.children.length - 1)] as HTMLTableCellElement;
  },
  columnBeside(cell: HTMLTableCellElement) {
    const at = cell.cellIndex;
    for (const row of tableOf(cell).rows) (row.cells[Math.min(at, row.cells.length - 1)] ?? null)?.after(emptyCell());
    return cell.nextElementSibling as HTMLTableCellElement;
  },
  dropRow(cell: HTMLTableCellElement) {
    const row = cell.parentElement as HTMLTableRowElement;
    const next = (row.nextElementSibling ?? row.previousElementSibling) as HTMLTableRowElement | null;
    if (next === null) return changes.dropTable(cell);
    const at = Math.min(cell.cellIndex, next.cells.length - 1);
    row.remove();
    return next.cells[at] ?? null;
  },
  dropColumn(cell: HTMLTableCellElement) {
    const at = cell.cellIndex;
    const next = (cell.nextElementSibling ?? cell.previousElementSibling) as HTMLTableCellElement | null;
    if (next === null) return changes.dropTable(cell);
    for (const row of tableOf(cell).rows) row.cells[at]?.remove();
    return next;
  },
  dropTable(cell: HTMLTableCellElement) {
    const table = tableOf(cell);
    const line = el("div", {}, el("br"));
    table.replaceWith(line);
    return line;
  },
};

/** The cell after or before this one; after the last one, that of a new row. */
export function neighbour(cell: HTMLTableCellElement, forward: boolean): HTMLElement | null {
  const all = [...tableOf(cell).querySelectorAll<HTMLTableCellElement>("td, th")];
  const next = all[all.indexOf(cell) + (forward ? 1 : -1)];
  if (next !== undefined) return next;
  return forward ? (changes.rowBelow(cell).parentElement!.firstElementChild as HTMLElement) : null;
}

/** Whether the cursor is at an end of its cell, where Backspace or Delete would join it with the next one. */
export function atEnd(range: Range, cell: HTMLTableCellElement, backwards: boolean): boolean {
  const rest = document.createRange();
  rest.selectNodeContents(cell);
  if (backwards) rest.setEnd(range.startContainer, range.startOffset);
  else rest.setStart(range.endContainer, range.endOffset);
  return rest.toString().replace(/\u200b/g, "") === "" && rest.cloneContents().querySelector("img") === null;
}

function tableOf(cell: HTMLTableCellElement): HTMLTableElement {
  return cell.closest("table")!;
}
