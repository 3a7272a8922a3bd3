"""Each view of the webmail as axe-core judges it: names, roles, contrast, in both schemes, at a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.browser import Visitor, chromium
from tests.integration.webmail_views import SCREENS, populate, settle, views
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]

AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
#: What an element is called and what it is does not change with the colours: there only these rules are asked again.
COLOURS = ["color-contrast", "link-in-text-block"]
#: The page of an HTML message is its sender's, and has no script of ours.
RUN = """async (rules) => {
  const options = { iframes: false, resultTypes: ["violations"] };
  if (rules !== null) options.runOnly = { type: "rule", values: rules };
  else options.runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];
  const { violations } = await axe.run(document, options);
  const said = (rule, node) => `${rule}: ${node.html.slice(0, 160)} ${node.failureSummary}`;
  return violations.flatMap((one) => one.nodes.map((node) => said(one.id, node)));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with mail of all kinds."""
    if not AXE.exists():
        pytest.skip("npm packages of the frontend are not installed")
    with LocalServer(tmp_path_factory.mktemp("axe") / "server") as found:
        populate(found)
        yield found


def judge(page: Page, rules: list[str] | None) -> list[str]:
    """What axe finds wrong with what is shown; None: by all rules of WCAG 2.1 AA, and by its best practices."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    settle(page)
    found: list[str] = page.evaluate(RUN, rules)
    return found


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_no_view_has_what_axe_objects_to(chromium: Browser, server: LocalServer, screen: str) -> None:
    """WEBMAIL-144, WEBMAIL-156, WEBMAIL-10: all views, each judged once by all rules and once for its dark colours."""
    width, height = SCREENS[screen]
    visitor = Visitor(chromium, server, viewport={"width": width, "height": height}, has_touch=screen == "phone")
    wrong: list[tuple[str, str]] = []
    seen: list[str] = []
    for view in views(visitor):
        seen.append(view)
        for scheme, rules in (("dark", COLOURS), ("light", None)):
            visitor.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            wrong += [(f"{view} ({scheme})", one) for one in judge(visitor.page, rules)]
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append((view, f"{wide} px wide"))
    visitor.context.close()
    assert len(seen) >= 30
    # one line for what is wrong in many views
    places: dict[str, list[str]] = {}
    for view, one in wrong:
        places.setdefault(one, []).append(view)
    assert not wrong, "\n".join(f"{one}\n  in {', '.join(found)}" for one, found in places.items())
