"""A page used by keyboard alone, in any browser."""

import json
import re
import time
from typing import Any, Final, Protocol

__all__ = ["Keyboard", "Keys", "LostError"]

SECONDS: Final = 60.0
"""For what a key has begun."""

MOST: Final = 150
"""Presses of Tab: more than any page has places for the focus."""

NAME: Final = """(one) => (one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent
  ?? one.querySelector?.("title")?.textContent ?? one.textContent ?? "").trim()"""
"""What readers call an element."""

FOCUSED: Final = f"""() => {{
  const name = ({NAME});
  const one = document.activeElement;
  if (one === null || one === document.body || one === document.documentElement) return null;
  const box = one.getBoundingClientRect();
  const style = getComputedStyle(one);
  const inner = one.querySelector?.(".hit");
  const around = one.closest("label");
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none"
    || (around !== null && getComputedStyle(around).boxShadow !== "none")
    || (inner !== null && inner !== undefined && getComputedStyle(inner).stroke !== "none");
  const shown = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {{ name: name(one), tag: one.tagName.toLowerCase(), ringed, shown }};
}}"""
"""Name and kind of the focused element, whether it has a ring, and whether it is in view."""


BEHIND: Final = f"""(wanted, tag) => {{
  const name = ({NAME});
  const on = document.activeElement;
  const root = on?.closest("dialog") ?? document.querySelector("dialog[open]") ?? document;
  const all = [...root.querySelectorAll("a, button, input, select, textarea, summary, [tabindex='0']")];
  const found = all.filter((one) => one.checkVisibility() && new RegExp(wanted).test(name(one))
    && (tag === "" || one.tagName.toLowerCase() === tag));
  const after = found.filter((one) => on === null || on === document.body
    || (on.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0);
  return found.length === 0 || after.length > 0;
}}"""
"""Whether an element of this name is behind the focus: a person sees where it is, and goes back with Shift if it is
not. Firefox gives the focus to its own bars behind a page's end.
"""


class LostError(AssertionError):
    """The focus is not where it should be, or does not get there."""


class Keys(Protocol):
    """A browser's keyboard and page."""

    def press(self, *keys: str) -> None:
        """Press keys together."""

    def type(self, text: str) -> None:
        """Type a text."""

    def run(self, function: str, *arguments: object) -> Any:
        """Call a function of JavaScript in the page."""


class Keyboard:
    """A person with a keyboard alone; `wrong` has elements that had the focus without being seen to have it."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.wrong: set[str] = set()

    def focused(self) -> dict[str, Any] | None:
        """The focused element; None for the page itself."""
        found: dict[str, Any] | None = self.keys.run(FOCUSED)
        return found

    def reach(self, name: str, tag: str = "", *, counted: bool = False) -> None:
        """Press Tab, or Shift and Tab, until the focus is on an element whose name begins so, or with `counted` is so
        but for a number behind it. Raises LostError.
        """
        wanted = re.compile(f"^{re.escape(name)}" + (r"\d*$" if counted else ""))
        passed: list[str] = []
        for _ in range(MOST):
            found = self.focused()
            if found is not None and wanted.search(found["name"]) and tag in ("", found["tag"]):
                return
            self.keys.press(*(["Tab"] if self.keys.run(BEHIND, wanted.pattern, tag) else ["Shift", "Tab"]))
            found = self.focused()
            if found is not None:
                passed.append(f"{found['tag']} {found['name'][:30]}")
                self._judge(found)
        raise LostError(f"{name!r} is not reached; passed: {passed}")

    def _judge(self, found: dict[str, Any]) -> None:
        """Note a focus that is not seen; a page that scrolls has half a second for it."""
        end = time.monotonic() + 0.5
        while found["tag"] not in ("h1", "main") and not (found["ringed"] and found["shown"]):
            if time.monotonic() > end:
                self.wrong.add(json.dumps(found)[:200])
                return
            time.sleep(0.05)
            found = self.focused() or found

    def enter(self, name: str, tag: str = "", key: str = "Enter", *, counted: bool = False) -> None:
        """Reach an element and press it."""
        self.reach(name, tag, counted=counted)
        self.keys.press(key)

    def fill(self, name: str, text: str) -> None:
        """Reach a field and type into it, in place of what it has."""
        self.reach(name)
        self.keys.press("Control", "a")
        self.keys.type(text)

    def wait(self, expression: str) -> None:
        """Until an expression of the page is true. Raises LostError."""
        end = time.monotonic() + SECONDS
        while not self.keys.run(f"() => Boolean({expression})"):
            if time.monotonic() > end:
                text = self.keys.run("() => document.body.innerText")
                raise LostError(f"{expression} is not true; the focus is on {self.focused()}; the page: {text[-1500:]}")
            time.sleep(0.05)

    def see(self, text: str) -> None:
        """Until the page shows a text."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def dialog(self, *, there: bool = True) -> None:
        """Until a dialog is open, with the focus within it, or none is."""
        inside = "document.querySelector('dialog[open]')?.contains(document.activeElement)"
        self.wait(inside if there else "document.querySelector('dialog[open]') === null")

    def is_on(self, name: str) -> None:
        """The focus is, or comes to be, on an element whose name begins so. Raises LostError."""
        end = time.monotonic() + SECONDS
        while (found := self.focused()) is None or not found["name"].startswith(name):
            if time.monotonic() > end:
                raise LostError(f"the focus is on {found}, not on {name!r}")
            time.sleep(0.05)
