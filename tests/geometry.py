"""Where things are on a page that is drawn: for tests that judge what a reader sees, not what the document holds.

Each judgement begins with a fresh page and a fresh session, so that no part of the app is loaded by accident. Places
are rectangles in CSS px of the window.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, Self

from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests.integration.browser import Visitor
from tests.running import LocalServer
from tests.tools import until

__all__ = [
    "WIDTHS",
    "Box",
    "boxes",
    "brightest",
    "covered_layers",
    "fresh",
    "hidden_saves",
    "in_sight",
    "near",
    "oblique_checks",
    "resting",
    "rows_stay",
    "settle",
    "small_targets",
    "ugly",
    "uncovered",
    "within_window",
]

WIDTHS: Final = {1440: 900, 1093: 614, 1024: 768, 768: 1024, 390: 844}
"""Height of the window by its width: a desk, a laptop at 125 %, a tablet both ways, a phone."""

LAYERS: Final = (
    ".place-view",
    ".beside-page",
    ".search-form",
    ".show-side > .side",
    ".composer:not(.docked)",
    ".offer",
    ".toast",
    ".key-hint",
    ".composers:has(.menu) > .composer",
    ".menu",
    ".alarm",
    "dialog:modal",
)
"""What lies over the page, by its selectors, from below."""

COVERED: Final = """(layers) => {
  const rank = (element) => layers.findLastIndex((selector) => element.closest(selector) !== null);
  const over = [];
  for (const [at, selector] of layers.entries())
    for (const layer of document.querySelectorAll(selector)) {
      const box = layer.getBoundingClientRect();
      if (!layer.checkVisibility({ visibilityProperty: true }) || box.width * box.height === 0) continue;
      // beside an open drawer, nothing takes clicks
      if (getComputedStyle(layer).pointerEvents === "none") continue;
      for (let row = 1; row < 12; row++)
        for (let column = 1; column < 12; column++) {
          const [x, y] = [box.left + (box.width * column) / 12, box.top + (box.height * row) / 12];
          const top = document.elementFromPoint(x, y);
          if (top !== null && !layer.contains(top) && rank(top) < at)
            over.push(`${selector} is covered by ${top.className || top.tagName}`);
        }
    }
  return [...new Set(over)];
}"""
"""What takes clicks of a layer although it is below it, at 121 points of each."""


def covered_layers(page: Page) -> list[str]:
    """The layers that do not take the clicks where they are seen, with what does, of all that a page shows."""
    page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)))")
    over: list[str] = page.evaluate(COVERED, LAYERS)
    return over


BARE: Final = """(element) => {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const [width, height] = [right - left, bottom - top];
  const at = [[0.5, 0.5], [0.02, 0.5], [0.98, 0.5], [0.5, 0.1], [0.5, 0.9]];
  const found = at.map(([x, y]) => document.elementFromPoint(left + x * width, top + y * height));
  const other = found.find((one) => one === null || !element.contains(one));
  return other === undefined ? "" : other === null ? "outside the window" : other.outerHTML.slice(0, 160);
}"""
"""What lies over an element, at its middle or near one of its edges; "" for nothing."""

FIRST_ROW: Final = """() => {
  const list = document.querySelector(".messages");
  const { top } = list.getBoundingClientRect();
  const rows = [...list.querySelectorAll(".message")].map((row) => [row, row.getBoundingClientRect()]);
  const [first] = rows.filter(([, place]) => place.top >= top - 0.5).sort((a, b) => a[1].top - b[1].top);
  return first === undefined ? "" : `${first[0].id} at ${Math.round(first[1].top - top)}`;
}"""
"""The first whole row of the list, and where it is; "" before it is drawn."""

SAVES: Final = """(root) => {
  const faults = new Set();
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().width > 1;
  for (const save of root.querySelectorAll("[type=submit], .btn.primary, .dialog-buttons > .danger")) {
    if (!shown(save)) continue;
    const form = save.closest("form") ?? save.closest("dialog") ?? save.parentElement;
    const fields = [...form.querySelectorAll("input, select, textarea, [contenteditable=true]")].filter(shown);
    for (const field of fields.length ? fields : [save]) {
      field.focus({ preventScroll: true });
      field.scrollIntoView({ block: "nearest" });
      const { left, top, right, bottom } = save.getBoundingClientRect();
      const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      if (left < -0.5 || top < -0.5 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5)
        faults.add(`${save.outerHTML.slice(0, 120)} at ${Math.round(top)}-${Math.round(bottom)} of ${innerHeight}`);
      else if (over === null || !save.contains(over))
        faults.add(`${over?.outerHTML.slice(0, 120)} is over ${save.outerHTML.slice(0, 120)}`);
      const place = field.getBoundingClientRect();
      if (field !== save && place.height < 200 && place.bottom > top + 1 && place.top < bottom - 1
          && place.right > left && place.left < right)
        faults.add(`${field.outerHTML.slice(0, 120)} is below ${save.outerHTML.slice(0, 120)}`);
    }
  }
  return [...faults];
}"""
"""Buttons that save a form and are not in the window while one of its fields is written in, and fields below them."""


BRIGHTEST: Final = """async (octets) => {
  const image = new Image();
  image.src = `data:image/png;base64,${octets}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const most = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4)
    for (let part = 0; part < 3; part++) most[part] = Math.max(most[part], data[at + part]);
  return most;
}"""
"""The greatest value of each colour of a PNG."""

UGLY: Final = """() => {
  const faults = [];
  const pen = document.createElement("canvas").getContext("2d");
  const say = (fault, one) => faults.push(`${fault}: ${one.outerHTML.slice(0, 160)}`);
  const scrolls = (one) => {
    for (let around = one.parentElement; around !== null; around = around.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(around).overflowX) && around.scrollWidth > around.clientWidth)
        return true;
    return false;
  };
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    && one.closest("[inert]") === null && one.getBoundingClientRect().width > 1;
  for (const one of document.querySelectorAll("a[href], button, input, select, textarea, progress")) {
    if (!shown(one)) continue;
    const { left, right, width, height } = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    if ((left < -0.5 || right > innerWidth + 0.5) && right > 0 && left < innerWidth && !scrolls(one))
      say(`at ${Math.round(left)} to ${Math.round(right)} of ${innerWidth}`, one);
    if (one.matches("[type=checkbox], [type=radio], [type=range], progress")
        && style.appearance !== "none" && style.accentColor === "auto") say("in the browser's colour", one);
    if (one.matches("[type=checkbox], [type=radio]") && !one.matches("[role=switch], .switch *")
        && Math.abs(width - height) > 1) say(`${Math.round(width)} by ${Math.round(height)}`, one);
    if (one.matches("a") && ["rgb(0, 0, 238)", "rgb(158, 158, 255)"].includes(style.color)) say("a blue link", one);
    // what a finger may press around it is no content
    const room = getComputedStyle(one, "::before").position === "absolute";
    if (one.matches("button, a.btn") && !room && style.overflowX === "visible" && one.scrollWidth > one.clientWidth + 1)
      say("wider than it is", one);
    if (one.matches("[placeholder]") && one.value === "") {
      pen.font = getComputedStyle(one, "::placeholder").font;
      const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      if (room > 1 && pen.measureText(one.placeholder).width > room + 1) say(`a hint cut at ${Math.round(room)}`, one);
    }
    if (one.matches("select") && one.selectedOptions.length === 1) {
      const whole = document.createElement("select");
      whole.append(one.selectedOptions[0].cloneNode(true));
      whole.style.cssText = `position: absolute; width: auto; font: ${style.font}; padding: ${style.padding}`;
      whole.style.border = style.border;
      document.body.append(whole);
      if (whole.offsetWidth > width + 1) say(`cut at ${Math.round(width)} of ${whole.offsetWidth}`, one);
      whole.remove();
    }
  }
  for (const one of document.querySelectorAll("h1, h2, h3, legend, .list-count"))
    if (shown(one) && getComputedStyle(one).overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1)
      say(`cut at ${one.clientWidth} of ${one.scrollWidth}`, one);
  const sheets = document.adoptedStyleSheets.map((one) => one.cssRules[0].cssText);
  for (const [at, sheet] of sheets.entries())
    if (sheets.indexOf(sheet) !== at) faults.push(`a style sheet that came before: ${sheet.slice(0, 160)}`);
  return faults;
}"""
"""Controls out of the window, in the browser's own colours, stretched, or with a label or hint that is cut; headings
that are cut; style sheets that apply a second time, after other sheets.
"""


@dataclass(frozen=True)
class Box:
    """A rectangle in CSS px of the window."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, locator: Locator) -> Self:
        """The box of an element, which must be drawn, or be drawn anew just now."""
        found: list[FloatRect] = []

        def drawn() -> bool:
            box = locator.bounding_box()
            found.extend([] if box is None else [box])
            return box is not None

        until(drawn, seconds=20, what=f"{locator}, which is not drawn")
        [box] = found
        return cls(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])

    @property
    def width(self) -> float:
        """Its width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Its height."""
        return self.bottom - self.top

    def gap(self, other: "Box") -> float:
        """The distance to another box; 0 where they touch."""
        across = max(self.left - other.right, other.left - self.right, 0.0)
        along = max(self.top - other.bottom, other.top - self.bottom, 0.0)
        return max(across, along)


@contextmanager
def fresh(browser: Browser, server: LocalServer, width: int, *, scheme: str = "light") -> Iterator[Visitor]:
    """A visitor whose browser has nothing of the app yet; below 700 px one with fingers."""
    screen = {"width": width, "height": WIDTHS.get(width, 800)}
    visitor = Visitor(browser, server, viewport=screen, has_touch=width < 700, color_scheme=scheme)
    visitor.enter("/webmail/")
    expect(visitor.page.locator(".list-title")).to_have_text("Inbox")
    yield visitor
    visitor.close()


def resting(locator: Locator) -> Box:
    """The box of an element once it stays the same: what slides in has arrived."""
    found: list[Box] = [Box.of(locator)]

    def rests() -> bool:
        settle(locator.page)
        if not locator.count():  # it is drawn anew
            return False
        found.append(Box.of(locator))
        return found[-1] == found[-2]

    until(rests, what=f"{locator} at rest")
    return found[-1]


def within_window(locator: Locator) -> Box:
    """All of an element is inside the window."""
    box = resting(locator)
    size = locator.page.viewport_size
    assert size is not None
    # half a pixel: places are fractions on some screens
    inside = box.left >= -0.5 and box.top >= -0.5
    inside = inside and box.right <= size["width"] + 0.5 and box.bottom <= size["height"] + 0.5
    assert inside, f"{locator} is at {box} of {size}"
    return box


def uncovered(locator: Locator) -> None:
    """Nothing lies over an element: a press at its middle or near its edges reaches it."""
    over = locator.evaluate(BARE)
    assert over == "", f"over {locator}: {over}"


def in_sight(locator: Locator) -> Box:
    """An element is inside the window, and nothing lies over it."""
    box = within_window(locator)
    uncovered(locator)
    return box


def hidden_saves(form: Locator) -> list[str]:
    """What saves a form, or those of a page or dialog, and is out of sight while one is in a field of it, as the Tab
    key scrolls there; and fields that are below it then.
    """
    found: list[str] = form.evaluate(SAVES)
    return found


SMALL_TARGETS = """() => [...document.querySelectorAll("dialog:modal :is(button, select, textarea, input)")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches("[type=file], button.link"))
  .flatMap((one) => {
    const { width, height } = one.getBoundingClientRect();
    const large = (element) => element.getBoundingClientRect().height >= 43.5;
    if (width < 2 || [one.closest(".chip-box") ?? one, ...(one.labels ?? [])].some(large)) return [];
    // what is pressed may be larger than what is seen
    one.scrollIntoView({ block: "center" });
    const { left, right, top, bottom } = one.getBoundingClientRect();
    const middle = (top + bottom) / 2;
    const pressed = (y) => document.elementFromPoint((left + right) / 2, y)?.closest("label, button, input, .chip-box");
    const own = [pressed(middle), one, ...(one.labels ?? [])];
    if ([middle - 21, middle + 21].every((y) => own.includes(pressed(y)))) return [];
    const name = (one.textContent || one.ariaLabel || "").slice(0, 40);
    return [`${one.className || one.type} “${name}” is ${height} px high`];
  })"""

OBLIQUE_CHECKS = """() => [...document.querySelectorAll("label:has(> [type=checkbox])")].flatMap((label) => {
  const box = label.querySelector("input");
  const words = [...label.childNodes].find((one) => one !== box && one.textContent.trim() !== "");
  if (words === undefined || !box.checkVisibility() || getComputedStyle(box).position === "absolute") return [];
  const range = document.createRange();
  range.selectNodeContents(words);
  const [line] = range.getClientRects();
  const own = box.getBoundingClientRect();
  const off = (line.top + line.bottom - own.top - own.bottom) / 2;
  return Math.abs(off) <= 1.5 ? [] : [`the box of “${label.textContent.slice(0, 40)}” is ${off} px above its words`];
})"""


def small_targets(page: Page) -> list[str]:
    """Controls of a dialog that are less than 44 px high: on a phone a finger presses them."""
    found: list[str] = page.evaluate(SMALL_TARGETS)
    return found


def oblique_checks(page: Page) -> list[str]:
    """Check boxes that aren't in the middle of the first line of their words."""
    found: list[str] = page.evaluate(OBLIQUE_CHECKS)
    return found


def near(locator: Locator, other: Locator, px: float) -> None:
    """An element is at most so far from another to which it belongs."""
    gap = resting(locator).gap(Box.of(other))
    assert gap <= px, f"{locator} is {gap} px from {other}"


def boxes(locator: Locator) -> list[Box]:
    """The boxes of all elements that a locator finds."""
    return [Box.of(one) for one in locator.all()]


@contextmanager
def rows_stay(page: Page) -> Iterator[None]:
    """What happens within the block leaves the list's first whole row where it was."""
    settle(page)
    until(lambda: page.evaluate(FIRST_ROW).startswith("message-"), what="a row with its message")
    before = page.evaluate(FIRST_ROW)
    yield
    settle(page)
    now = page.evaluate(FIRST_ROW)
    assert now == before, f"the list has moved: first {before}, then {now}"


def settle(page: Page) -> None:
    """Wait until what has changed is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def brightest(page: Page, box: Box) -> tuple[int, int, int]:
    """The greatest red, green and blue that are drawn in a box, each for itself."""
    octets = page.screenshot(
        clip={"x": box.left, "y": box.top, "width": box.width, "height": box.height}, animations="disabled"
    )
    empty = page.context.new_page()
    found = empty.evaluate(BRIGHTEST, base64.b64encode(octets).decode())
    empty.close()
    red, green, blue = found
    return red, green, blue


def ugly(page: Page, view: str, *, schemes: Sequence[Literal["dark", "light"]] = ("dark", "light")) -> list[str]:
    """What is wrong with the view that is shown, in each of these schemes."""
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        settle(page)
        found += [f"{view}, {scheme}: {fault}" for fault in page.evaluate(UGLY)]
    return found
