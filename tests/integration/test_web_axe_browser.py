"""Each view of the webmail as axe-core judges it: names, roles, contrast, in both schemes, at a desk and on a phone."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.geometry import covered_layers, hidden_saves, oblique_checks, small_targets
from tests.integration.browser import Visitor, chromium
from tests.integration.webmail_views import SCREENS, populate, settle, views
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
NO_SELECTOR = re.compile(r"/\*.*?\*/|\"[^\"]*\"", re.DOTALL)
#: What an element is called and what it is does not change with the colours: there only these rules are asked again.
COLOURS = ["color-contrast", "link-in-text-block"]
#: The page of an HTML message is its sender's, and has no script of ours. No app has a link that skips to a part of a
#: page: what axe takes for one leads to another page.
#: A text of one character, as a count often is, has a contrast too; by itself axe leaves it undecided.
LENGTHS = "axe.configure({ checks: [{ id: 'color-contrast', options: { ignoreLength: true } }] })"
RUN = """async (rules) => {
  const options = { iframes: false, resultTypes: ["violations"], rules: { "skip-link": { enabled: false } } };
  if (rules !== null) options.runOnly = { type: "rule", values: rules };
  else options.runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await axe.run(document, options);
  const said = (rule, node) => `${rule}: ${node.html.slice(0, 160)} ${node.failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((one) => said(id, one)));
}"""


SHOWN = """[...document.querySelectorAll("[class]")].filter((one) => one.checkVisibility())
  .flatMap((one) => [...one.classList])"""
"""Classes of what is shown."""

ELSEWHERE: Final = {
    "menu/menu.css": "the key of a command, for some seconds after the menu that has it",
    "touch/touch.css": "what is below a row while a finger moves it",
}
"""Style sheets of which no view of the walk has anything, and why."""


def looks() -> dict[str, set[str]]:
    """Classes that only one style sheet of the webmail has, by the sheet: what a new one is for must be seen, too."""
    folder = AXE.parents[2] / "webmail"
    sheets = {
        str(path.relative_to(folder)): set(re.findall(r"\.(-?[A-Za-z][\w-]*)", NO_SELECTOR.sub("", path.read_text())))
        for path in folder.rglob("*.css")
    }
    known = Counter(name for classes in sheets.values() for name in classes)
    own = {sheet: {name for name in classes if known[name] == 1} for sheet, classes in sheets.items()}
    return {sheet: classes for sheet, classes in own.items() if classes}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with mail of all kinds."""
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    with LocalServer(tmp_path_factory.mktemp("axe") / "server") as found:
        populate(found)
        yield found


def judge(page: Page, rules: list[str] | None) -> list[str]:
    """What axe finds wrong with what is shown; None: by all rules of WCAG 2.2 AA, and by its best practices."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
        page.evaluate(LENGTHS)
    settle(page)
    found: list[str] = page.evaluate(RUN, rules)
    return found


def faults(visitor: Visitor, view: str) -> list[tuple[str, str]]:
    """What is wrong with the view that is shown: as axe judges it in both schemes, forms whose Save is out of sight,
    layers that are covered, check boxes beside the line of their words, targets too small for a finger, and whether it
    is too wide.
    """
    page = visitor.page
    wrong: list[tuple[str, str]] = []
    schemes: list[tuple[Literal["dark", "light"], list[str] | None]] = [("dark", COLOURS), ("light", None)]
    for scheme, rules in schemes:
        page.emulate_media(color_scheme=scheme)
        wrong += [(f"{view} ({scheme})", one) for one in judge(page, rules)]
    forms = page.locator("dialog:modal, .composer, .search-form").locator("visible=true")
    wrong += [(view, fault) for form in forms.all() for fault in hidden_saves(form)]
    wrong += [(view, fault) for fault in covered_layers(page) + oblique_checks(page)]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert page.viewport_size is not None
    if page.viewport_size["width"] <= 700:
        wrong += [(view, fault) for fault in small_targets(page)]
    if wide > page.viewport_size["width"]:
        wrong.append((view, f"{wide} px wide"))
    return wrong


def test_the_first_views_have_nothing_that_axe_objects_to(chromium: Browser, server: LocalServer) -> None:
    """WEBMAIL-144, WEBMAIL-10: log-in and list on a phone; the rest where bundles have changed, and each night."""
    width, height = SCREENS["phone"]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=True)
    wrong: list[tuple[str, str]] = []
    for view in views(visitor):
        wrong += faults(visitor, view)
        if view == "list":
            break
    visitor.context.close()
    assert not wrong


@pytest.mark.nightly
@pytest.mark.axe
@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_no_view_has_what_axe_objects_to(chromium: Browser, server: LocalServer, screen: str) -> None:
    """WEBMAIL-144, WEBMAIL-156, WEBMAIL-10, WEBMAIL-59, WEBMAIL-181a: all views, each judged once by all rules and once
    for its dark colours; no layer is covered; on a phone a finger finds each control; of each style sheet something is
    seen.
    """
    width, height = SCREENS[screen]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=screen == "phone")
    wrong: list[tuple[str, str]] = []
    unseen = looks()
    for view in views(visitor):
        wrong += faults(visitor, view)
        shown = set(visitor.page.evaluate(SHOWN))
        unseen = {sheet: classes for sheet, classes in unseen.items() if not classes & shown}
    visitor.context.close()
    # one line for what is wrong in many views
    places: dict[str, list[str]] = {}
    for view, one in wrong:
        places.setdefault(one, []).append(view)
    assert not wrong, "\n".join(f"{one}\n  in {', '.join(found)}" for one, found in places.items())
    assert set(unseen) <= set(ELSEWHERE), "go through the views that these sheets are for in webmail_views"
