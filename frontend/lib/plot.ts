// Plots as SVG: bars by day, a line over time, bars side by side. Figures are in a table beside each plot, which is its legend
// and its text for screen readers; a bar is a link to the list behind it. Series differ by colour and by pattern.

import { el, written } from "./dom";

const namespace = "http://www.w3.org/2000/svg";

/** Width and height of a plot in its own units; it takes the width that it is given. */
const width = 250;
const height = 150;
const left = 30;
const bottom = 132;
const top = 10;

/** A colour and pattern of tokens.css: 1 passes, 2 sent, 3 waits, 4 fails, 5 usual. */
export type Tone = 1 | 2 | 3 | 4 | 5;

/** Values of one kind, one for each place along the plot. */
export interface Series {
  readonly title: string;
  readonly tone: Tone;
  readonly values: readonly number[];
}

type Attributes = Readonly<Record<string, string | number>>;

function node(tag: string, attributes: Attributes, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes))
    made.setAttribute(name, typeof value === "number" ? value.toFixed(1).replace(/\.0$/, "") : written(value));
  made.append(...children.map((one) => (typeof one === "string" ? written(one) : one)));
  return made;
}

let plots = 0;

/** An SVG of this height with the patterns of its bars. */
function canvas(label: string, tall: number): { root: SVGElement; fill: (tone: Tone) => string } {
  const id = `plot${++plots}`;
  const root = node("svg", { class: "plot", viewBox: `0 0 ${width} ${tall}`, role: "group", "aria-label": label });
  const defs = node("defs", {});
  const shapes: Readonly<Record<number, string>> = { 2: "M0 4L4 0", 3: "M0 2H4", 4: "M0 0L4 4M0 4L4 0", 5: "M2 0V4" };
  for (const [tone, path] of Object.entries(shapes)) {
    defs.append(
      node(
        "pattern",
        { id: `${id}-${tone}`, width: 4, height: 4, patternUnits: "userSpaceOnUse" },
        node("rect", { width: 4, height: 4, class: `p${tone}` }),
        node("path", { d: path, class: "hatch" }),
      ),
    );
  }
  root.append(defs);
  return { root, fill: (tone) => (tone === 1 ? "" : `url(#${id}-${tone})`) };
}

/** A round number at or above `most`: 1, 2 or 5 times a power of ten. */
export function ceiling(most: number): number {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((times) => times * power).find((value) => value >= most) ?? 10 * power;
}

/** The scale of the vertical axis with its lines; `words` writes a value. */
function scale(root: SVGElement, most: number, words: (value: number) => string): (value: number) => number {
  const limit = ceiling(most);
  const y = (value: number) => bottom - (value / limit) * (bottom - top);
  for (const part of Number.isInteger(limit / 2) ? [0, 0.5, 1] : [0, 1]) {
    const value = limit * part;
    root.append(
      node("line", { x1: left, x2: width, y1: y(value), y2: y(value) }),
      node("text", { x: left - 4, y: y(value) + 3, "text-anchor": "end" }, words(value)),
    );
  }
  return y;
}

/** A bar in the colour of its tone, or with its pattern. */
function bar(fill: string, tone: Tone, attributes: Attributes): SVGElement {
  return node("rect", fill === "" ? { class: `p${tone}`, ...attributes } : { fill, ...attributes });
}

/** Bars from bottom to top, one for each day, with the series on each other. `titles` names each place in full, `marks` are the
 * texts below some of them, `link` leads to the list behind a place. */
export function stacked(
  label: string,
  series: readonly Series[],
  titles: readonly string[],
  marks: readonly string[],
  link: (place: number) => string,
  words: (value: number) => string,
): SVGElement {
  const { root, fill } = canvas(label, height);
  const places = titles.length;
  const sums = titles.map((_, place) => series.reduce((sum, one) => sum + (one.values[place] ?? 0), 0));
  const y = scale(root, Math.max(...sums, 0), words);
  const step = (width - left) / Math.max(1, places);
  titles.forEach((title, place) => {
    const x = left + place * step + step * 0.14;
    const said = `${title}: ${series.map((one) => `${one.title} ${words(one.values[place] ?? 0)}`).join(", ")}`;
    const group = node(
      "a",
      { href: link(place) },
      node("title", {}, said),
      node("rect", { class: "hit", x: left + place * step, y: top, width: step, height: bottom - top }),
    );
    let sum = 0;
    for (const one of series) {
      const value = one.values[place] ?? 0;
      if (value === 0) continue;
      group.append(
        bar(fill(one.tone), one.tone, {
          x,
          y: y(sum + value),
          width: step * 0.72,
          height: Math.max(0.6, y(sum) - y(sum + value) - 0.4),
        }),
      );
      sum += value;
    }
    root.append(group);
    const mark = marks[place];
    if (mark !== undefined && mark !== "")
      root.append(
        node(
          "text",
          {
            x: left + (place + 0.5) * step,
            y: height - 4,
            "text-anchor": place === places - 1 ? "end" : "middle",
            ...(place === places - 1 ? { x: width } : {}),
          },
          mark,
        ),
      );
  });
  return root;
}

/** A point of a line: a time, a value. */
export type Point = readonly [at: number, value: number];

/** A line over time from `from` to `to`, which holds each value until the next point. The highest point is marked with `peak`. */
export function line(
  label: string,
  points: readonly Point[],
  from: number,
  to: number,
  marks: readonly (readonly [at: number, text: string])[],
  href: string,
  words: (value: number) => string,
  peak: (point: Point) => string,
): SVGElement {
  const { root } = canvas(label, height);
  const y = scale(root, Math.max(...points.map(([, value]) => value), 0), words);
  const x = (at: number) =>
    left + ((Math.min(Math.max(at, from), to) - from) / Math.max(1, to - from)) * (width - left);
  let path = "";
  let last = 0;
  for (const [at, value] of points) {
    path += path === "" ? `M${x(at).toFixed(1)} ${y(value).toFixed(1)}` : `H${x(at).toFixed(1)}V${y(value).toFixed(1)}`;
    last = value;
  }
  const link = node(
    "a",
    { href },
    node("rect", { class: "hit", x: left, y: top, width: width - left, height: bottom - top }),
  );
  if (path !== "") {
    path += `H${width}`;
    const first = points[0]!;
    link.append(
      node("path", { class: "area", d: `${path}V${bottom}H${x(first[0]).toFixed(1)}Z` }),
      node("path", { class: "ln", d: path }),
    );
    const highest = points.reduce((most, point) => (point[1] > most[1] ? point : most), first);
    if (highest[1] > 0) {
      const at = x(highest[0]);
      link.append(
        node("circle", { class: "p1", cx: at, cy: y(highest[1]), r: 2.5 }),
        node(
          "text",
          {
            class: "t",
            x: at > width / 2 ? at - 5 : at + 5,
            y: y(highest[1]) + (y(highest[1]) < top + 6 ? 9 : -3),
            "text-anchor": at > width / 2 ? "end" : "start",
          },
          peak(highest),
        ),
      );
    }
  }
  link.append(node("title", {}, `${label}: ${words(last)}`));
  root.append(link);
  for (const [at, text] of marks)
    root.append(
      node(
        "text",
        { x: x(at), y: height - 4, "text-anchor": at >= to ? "end" : at <= from ? "start" : "middle" },
        text,
      ),
    );
  return root;
}

/** A bar of `rows`: its name, the values of each series, and the list behind it. */
export interface Row {
  readonly title: string;
  readonly values: readonly number[];
  readonly href: string;
}

/** Bars from left to right, one for each name, with the series behind each other. */
export function rows(
  label: string,
  series: readonly (readonly [title: string, tone: Tone])[],
  found: readonly Row[],
  words: (value: number) => string,
): SVGElement {
  const pitch = 26;
  const { root, fill } = canvas(label, Math.max(1, found.length) * pitch + 2);
  const most = Math.max(...found.map((row) => row.values.reduce((sum, value) => sum + value, 0)), 1);
  found.forEach((row, place) => {
    const y = place * pitch;
    const said = `${row.title}: ${series.map(([title], index) => `${title} ${words(row.values[index] ?? 0)}`).join(", ")}`;
    const group = node(
      "a",
      { href: row.href },
      node("title", {}, said),
      node("rect", { class: "hit", x: 0, y, width, height: pitch }),
      node("text", { class: "t", x: 0, y: y + 10 }, row.title.length > 40 ? `${row.title.slice(0, 39)}…` : row.title),
    );
    let x = 0;
    series.forEach(([, tone], index) => {
      const value = row.values[index] ?? 0;
      if (value === 0) return;
      const long = Math.max(1, (value / most) * width);
      group.append(bar(fill(tone), tone, { x, y: y + 14, width: Math.max(0.6, long - 0.6), height: 8 }));
      x += long;
    });
    root.append(group);
  });
  return root;
}

/** The sign of a series in a table: its colour and pattern. */
export function key(tone: Tone): HTMLElement {
  const { root, fill } = canvas("", 1);
  root.setAttribute("viewBox", "0 0 10 10");
  root.setAttribute("class", "key");
  root.removeAttribute("role");
  root.removeAttribute("aria-label");
  root.setAttribute("aria-hidden", "true");
  root.append(bar(fill(tone), tone, { width: 10, height: 10 }));
  return el("span", { class: "keyed" }, root);
}
