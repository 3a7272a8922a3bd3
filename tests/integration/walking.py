"""People at a page of the webmail, with their actions counted: by finger, pointer, keys, screen reader."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import ElementHandle, FilePayload, Locator, Page, expect

from tests.integration.browser import Visitor

__all__ = ["Person", "Reader", "Taken"]

SEARCHED: Final = 3
"""Actions of a screen reader's list of elements: open it, type the name, Enter. Farther elements are reached by it."""

BETWEEN: Final = """(all, [target, from]) => {
  const before = (a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  const box = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  const near = all.filter((one) => box.contains(one) && one !== from && one !== target);
  const begin = box.contains(from) ? from : box;
  return 1 + Math.min(
    before(begin, target) ? near.filter((one) => before(begin, one) && before(one, target)).length : Infinity,
    before(target, begin) ? near.filter((one) => before(target, one) && before(one, begin)).length : Infinity,
  );
}"""
"""Presses of a screen reader's key for a kind of element, forward or backward, from one place to another."""


@dataclass(frozen=True)
class Taken:
    """A step that was done. `fastmail` is None where there is no such thing; `because` says why there are more here."""

    title: str
    actions: int
    fastmail: int | None
    because: str


class Person:
    """A person at a page: does one thing after the other, and counts. A text that is typed is one action."""

    def __init__(self, visitor: Visitor, address: str) -> None:
        self.visitor = visitor
        self.page: Page = visitor.page
        self.address = address
        self.password = visitor.server.password
        self.taken: list[Taken] = []
        self._actions = 0

    @contextmanager
    def step(self, title: str, fastmail: int | None, because: str = "") -> Iterator[None]:
        """Count what is done within."""
        self._actions = 0
        yield
        self.taken.append(Taken(title, self._actions, fastmail, because))

    def click(self, target: Locator, x: float | None = None) -> None:
        """Click on the middle of an element, or so many px from its left."""
        self._actions += 1
        target.click(position=None if x is None else {"x": x, "y": 12})

    def tap(self, target: Locator) -> None:
        self._actions += 1
        target.tap()

    def drag(self, target: Locator, to: Locator) -> None:
        """Drag an element to the middle of another."""
        self._actions += 1
        target.hover()
        self.page.mouse.down()
        box = to.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self._actions += 1
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self._actions += 1
        self.page.keyboard.type(text)

    def choose(self, target: Locator, value: str) -> None:
        """Open a list of choices, and take one."""
        self._actions += 2
        target.select_option(value)

    def give(self, open_dialog: Callable[[], None], name: str, octets: bytes) -> None:
        """Choose a file in the dialog of the system, which an action opens."""
        with self.page.expect_file_chooser() as chooser:
            open_dialog()
        self._actions += 1
        chooser.value.set_files(FilePayload(name=name, mimeType="image/png", buffer=octets))

    def finger(self, target: Locator, by: int = 0, seconds: float = 0.1) -> None:
        """Put a finger on an element, push it sideways by so many px, and lift it after so many seconds."""
        self._actions += 1
        target.tap(trial=True)  # a short message may cover it
        box = target.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2 - by / 2, box["y"] + box["height"] / 2
        line = self.visitor.context.new_cdp_session(self.page)
        line.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for part in range(1, 9) if by else ():
            point = {"x": x + by * part / 8, "y": y}
            line.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
            self.page.wait_for_timeout(16)  # as fast as a thumb: after a throw, a tap would only stop the list
        self.page.wait_for_timeout(seconds * 1000)  # the finger rests: that is the action
        line.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        line.detach()

    # places of the page

    def row(self, subject: str) -> Locator:
        return self.page.locator(".message", has=self.page.locator(".message-subject", has_text=subject)).first

    def gone(self, subject: str) -> None:
        expect(self.page.locator(".message-subject", has_text=subject)).to_have_count(0)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def composer(self) -> Locator:
        return self.page.locator(".composer")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]").last

    def reads(self, subject: str) -> None:
        """The message is open, and its text or design is there."""
        expect(self.page.locator(".reader-subject")).to_contain_text(subject)
        expect(self.page.locator(".text-part, iframe.html, .event-card:not([hidden])").first).to_be_visible()

    def toast(self, text: str) -> Locator:
        """The newest message below the page that has this text."""
        return self.page.locator(".toast", has_text=text).last


class Reader(Person):
    """A person with a screen reader: knows roles and names only, and goes by its keys for kinds of elements."""

    def __init__(self, visitor: Visitor, address: str) -> None:
        super().__init__(visitor, address)
        self._cursor: ElementHandle | None = None

    def go(self, role: Any, name: str | re.Pattern[str]) -> Locator:
        """Go to an element by the key of its kind (headings, buttons, fields, landmarks), or the list of elements."""
        target = self.page.get_by_role(role, name=name, exact=True).first
        expect(target).to_be_visible()
        begin = self._cursor or self.page.evaluate_handle("document.activeElement").as_element()
        arguments = [target.element_handle(), begin]
        self._actions += min(self.page.get_by_role(role).evaluate_all(BETWEEN, arguments), SEARCHED)
        self._cursor = target.element_handle()
        return target

    def use(self, role: Any, name: str | re.Pattern[str]) -> None:
        """Go to an element, and press it: from then on the reader follows the focus."""
        self.go(role, name).focus()
        self.press("Enter")

    def press(self, *keys: str) -> None:
        self._cursor = None
        super().press(*keys)

    def hears(self, text: str | re.Pattern[str]) -> None:
        """A live region says this."""
        said = self.page.locator("[role=status], [role=alert], [aria-live]").filter(has_text=text)
        expect(said.first).to_be_visible()

    def told(self) -> str:
        """Role and name of what has the focus, as the accessibility tree has them; of a list, of its current row."""
        focused = self.page.locator(":focus")
        row = focused.get_attribute("aria-activedescendant")
        place = focused if row is None else self.page.locator(f'[id="{row}"]')
        # While a list is drawn anew, its row may be gone.
        return next(iter(place.aria_snapshot().splitlines()), "").removeprefix("- ").strip("'")

    def is_told(self, words: str) -> None:
        """What has the focus is, or comes to be, called so; `words` is a regular expression."""
        end = time.monotonic() + 30
        while re.search(words, told := self.told()) is None:
            assert time.monotonic() < end, f"the reader says {told!r}, not {words!r}"
            time.sleep(0.02)
