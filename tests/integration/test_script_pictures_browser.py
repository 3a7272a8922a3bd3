"""The comparison of pictures of two versions (`script/pictures compare`), by pictures that a browser takes."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.integration.browser import chromium
from tests.tools import top

sys.path.insert(0, str(top() / "script"))
from picturing.compare import compare, report

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


def test_views_that_differ_are_named_the_most_different_first(chromium: Browser, tmp_path: Path) -> None:
    """WEBMAIL-156: a changed button, a wider one, a new and a former view; a shade that nobody sees does not count."""
    page = chromium.new_page(viewport={"width": 400, "height": 300})

    def take(which: str, name: str, colour: str, width: int = 100) -> None:
        page.set_content(f'<div style="width:{width}px;height:50px;background:{colour}"></div>')
        page.screenshot(path=tmp_path / which / f"{name}.png")

    for which, number in (("before", 1), ("after", 2)):  # numbers differ where a view came before others
        take(which, f"desk light {number:02} same", "#336699")
        take(which, f"desk light {number + 1:02} shade", "#336699" if which == "before" else "#36699c")
        take(which, f"desk light {number + 2:02} button", "#336699" if which == "before" else "#993333")
        take(which, f"desk light {number + 3:02} moved", "#336699", 100 if which == "before" else 380)
    take("before", "phone dark 01 former", "#fff")
    take("after", "phone dark 01 new", "#fff")
    page.close()
    folders = [tmp_path / name for name in ("before", "after", "marked")]
    found = compare(chromium, *folders)
    assert [one.name for one in found] == ["desk light moved", "desk light button"]
    assert round(found[0].share, 3) == round(280 * 50 / (400 * 300), 3)
    lines = report(tmp_path, found, "v1")
    assert lines[-2:] == ["phone dark new: new", "phone dark former: is no more"]
    assert "marked/desk light button.png" in (tmp_path / "index.html").read_text()
