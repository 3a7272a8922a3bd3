"""Curves as an SVG: small panels with logarithmic axes, a line for each side. Pure."""

import math
from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["Curves", "exponent", "panels"]

Curves = Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]
"""By figure and side: points."""

WIDTH, HEIGHT, COLUMNS = 280, 200, 3
LEFT, RIGHT, TOP, BOTTOM = 52, 26, 34, 34
COLOURS = ("#1f77b4", "#d95f02", "#4d9221")
GREY = "#808080"
"""Readable on white and on black."""


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The power of the first value by which the second one grows: least squares of the logarithms. 0: not at all, 1:
    in proportion.
    """
    logs = [(math.log(x), math.log(max(y, 1e-9))) for x, y in points]
    x_mean, y_mean = (sum(values) / len(logs) for values in zip(*logs, strict=True))
    spread = sum((x - x_mean) ** 2 for x, _ in logs)
    return sum((x - x_mean) * (y - y_mean) for x, y in logs) / spread if spread else 0.0


def panels(curves: Curves, over: str) -> str:
    """An SVG with a panel for each figure; `over`: what grows."""
    sides = list(dict.fromkeys(side for lines in curves.values() for side in lines))
    rows = -(-len(curves) // COLUMNS)
    width, height = WIDTH * min(COLUMNS, len(curves)), HEIGHT * rows + 24
    style = f'font-family="sans-serif" font-size="11" fill="{GREY}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {style}>']
    for n, side in enumerate(sides):
        parts.append(f'<text x="{LEFT + 150 * n}" y="16" fill="{COLOURS[n]}" font-weight="bold">{escape(side)}</text>')
    for n, (figure, lines) in enumerate(curves.items()):
        x, y = n % COLUMNS * WIDTH, n // COLUMNS * HEIGHT + 20
        parts.append(f'<g transform="translate({x} {y})">{_panel(figure, lines, sides, over)}</g>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(figure: str, lines: Mapping[str, Sequence[tuple[float, float]]], sides: Sequence[str], over: str) -> str:
    points = [point for line in lines.values() for point in line]
    xs, ys = _decades([x for x, _ in points]), _decades([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        right = (math.log10(x) - xs[0]) / (xs[1] - xs[0]) * (WIDTH - LEFT - RIGHT)
        up = (math.log10(max(y, 1e-9)) - ys[0]) / (ys[1] - ys[0]) * (HEIGHT - TOP - BOTTOM)
        return round(LEFT + right, 1), round(HEIGHT - BOTTOM - up, 1)

    parts = [f'<text x="{LEFT}" y="{TOP - 10}">{escape(figure)}</text>']
    for power in range(ys[0], ys[1] + 1):
        x, y = at(10.0 ** xs[0], 10.0**power)
        parts.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="{GREY}" stroke-opacity=".3"/>')
        parts.append(f'<text x="{x - 4}" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>')
    for power in range(xs[0], xs[1] + 1):
        x, y = at(10.0**power, 10.0 ** ys[0])
        parts.append(f'<text x="{x}" y="{y + 14}" text-anchor="middle">{10**power:,}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(over)}</text>')
    for side, line in lines.items():
        colour = COLOURS[sides.index(side)]
        drawn = " ".join(f"{x},{y}" for x, y in (at(*point) for point in line))
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>' for x, y in (at(*point) for point in line)]
    return "".join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around values."""
    low = math.floor(math.log10(max(min(values), 1e-9)))
    high = math.ceil(math.log10(max(max(values), 1e-9)))
    return low, max(high, low + 1)
