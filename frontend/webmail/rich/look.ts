// Colours, sizes, alignment, tables and sizes of pictures in the editor. The page's policy allows no styles in HTML, so that each look is an
// attribute `data-look` there, which a sheet draws. What leaves has a `style` in its place, from this list alone (docs/developers/html-mail.md).

import { adopt } from "../../lib/sheets";
import { t } from "../../lib/words";

/** A choice: its name, and its declaration; "" for none. */
export type Choice = readonly [name: string, look: string];

/** Letters: 4.5:1 on white, and in the colours of a dark window as the sheet draws them. */
export const inks: readonly Choice[] = [
  [t("Black"), ""],
  [t("Gray"), "color:#5f6368"],
  [t("Red"), "color:#b3261e"],
  [t("Orange"), "color:#a84300"],
  [t("Green"), "color:#1a7334"],
  [t("Teal"), "color:#0b6e69"],
  [t("Blue"), "color:#1a56b0"],
  [t("Purple"), "color:#6b3fa0"],
];
export const markers: readonly Choice[] = [
  [t("No highlight"), ""],
  [t("Yellow"), "background-color:#fff1a8"],
  [t("Light green"), "background-color:#d3f2d6"],
  [t("Light blue"), "background-color:#d6e9ff"],
  [t("Pink"), "background-color:#ffd9e6"],
  [t("Light gray"), "background-color:#e8eaed"],
];
export const sizes: readonly Choice[] = [
  [t("Small"), "font-size:12px"],
  [t("Normal"), ""],
  [t("Large"), "font-size:18px"],
  [t("Huge"), "font-size:26px"],
];
export const alignments: readonly Choice[] = [
  [t("Left"), ""],
  [t("Centered"), "text-align:center"],
  [t("Right"), "text-align:right"],
];
/** Widths of pictures, px; 0 is the picture's own. */
export const widths: readonly (readonly [name: string, width: number])[] = [
  [t("Small"), 160],
  [t("Medium"), 320],
  [t("Large"), 560],
  [t("Original size"), 0],
];
export const largest = 560;

/** Classes of the letters' looks: one of each kind at a time. */
export const kinds = { ink: "look-ink", marker: "look-marker", size: "look-size" } as const;
const letters: readonly (readonly [string, readonly Choice[]])[] = [
  [kinds.ink, inks],
  [kinds.marker, markers],
  [kinds.size, sizes],
];

/** The classes of letters with a look: Squire joins neighbours whose classes are the same. */
export const classOf = (kind: string, look: string) => `${kind} ${kind}-${look.replace(/\W/g, "")}`;

export const cell = "border:1px solid #b8bcc2;padding:6px 10px;vertical-align:top";
const table = "border-collapse:collapse";
const pictured = (width: number) => `width:${width}px;max-width:100%;height:auto`;

/** A look as the editor draws it: in a dark window letters are lighter, and what is marked is darker. */
const drawn = (look: string) =>
  look.replace(/^(background-)?color:(.*)$/, (_, marker: string | undefined, colour: string) =>
    marker === undefined
      ? `color:light-dark(${colour},color-mix(in oklab,${colour},white 55%))`
      : `background-color:light-dark(${colour},color-mix(in oklab,${colour},black 52%))`,
  );

adopt(
  [
    ...[...inks, ...markers, ...sizes, ...alignments]
      .filter(([, look]) => look !== "")
      .map(([, look]) => `.compose-rich [data-look="${look}"]{${drawn(look)}}`),
    ...widths
      .filter(([, width]) => width > 0)
      .map(([, width]) => `.compose-rich img[width="${width}"]{width:${width}px;height:auto}`),
  ].join(""),
);

/** The looks of letters that a style has, by class. */
export function lettersOf(style: string): [string, string][] {
  const declared = declarations(style);
  return letters.flatMap(([kind, choices]) => {
    const found = choices.find(([, look]) => look !== "" && declared.has(look));
    return found === undefined ? [] : [[kind, found[1]] satisfies [string, string]];
  });
}

/** The alignment of a block, "" for that of the text. */
export function alignmentOf(node: Element, style: string): string {
  const look = `text-align:${node.getAttribute("align")?.toLowerCase()}`;
  const declared = declarations(style);
  return alignments.find(([, one]) => one !== "" && (one === look || declared.has(one)))?.[1] ?? "";
}

/** The width of a picture from the list, 0 for its own. */
export function widthOf(node: Element): number {
  const width = Number(node.getAttribute("width"));
  return widths.some(([, one]) => one === width) ? width : 0;
}

/** Give a table or cell the look of ours. */
export function tabled(made: HTMLElement): void {
  if (made.nodeName === "TABLE") {
    made.dataset["look"] = table;
    made.setAttribute("cellspacing", "0");
  } else if (made.nodeName !== "TR" && made.nodeName !== "TBODY") made.dataset["look"] = cell;
}

/** The HTML as it is sent: styles in place of our attributes. Text has no "<". */
export function styled(html: string): string {
  return html.replace(/<[a-z][^<>]*>/g, (tag) =>
    tag
      .replace(/ class="look-[^"]*"/, "")
      .replace(/^<img( [^<>]*?) width="(\d+)"/, (_, rest: string, width: string) => {
        return `<img${rest} width="${width}" style="${pictured(Number(width))}"`;
      })
      .replace(/ data-look="(text-align:(\w+))"/, ' align="$2" style="$1"')
      .replace(/ data-look="/, ' style="')
      .replace(/ data-waits="[^"]*"/, ""),
  );
}

/** The declarations of a style without blanks, with colours as `#rrggbb`. */
function declarations(style: string): Set<string> {
  return new Set(
    style
      .toLowerCase()
      .replace(/\s/g, "")
      .replace(/rgb\((\d+),(\d+),(\d+)\)/g, (_, ...parts: string[]) =>
        parts.slice(0, 3).reduce((all, one) => all + Number(one).toString(16).padStart(2, "0"), "#"),
      )
      .split(";"),
  );
}
