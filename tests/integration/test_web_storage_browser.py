"""Browsers whose storage is full, or that give pages none (WEBMAIL-22b)."""

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browser import Visitor, chromium
from tests.running import LocalServer
from tests.tools import top

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

FULL: Final = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
BLOCKED: Final = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
});"""


def test_pages_write_to_the_storage_in_one_place() -> None:
    """WEBMAIL-22b: what has no room there is no error."""
    frontend = top() / "frontend"
    writing = re.compile(r"\bstorage\.setItem|localStorage(?:\.setItem|\[[^]]+\]\s*=[^=]|\.\w+\s*=[^=])")
    folders = ("lib", "webmail", "account", "admin")
    places = [
        str(path.relative_to(frontend))
        for folder in folders
        for path in sorted((frontend / folder).rglob("*.ts"))
        if writing.search(path.read_text())
    ]
    assert places == ["lib/stored.ts"]


@pytest.mark.parametrize("path", ["/webmail/", "/"])
def test_full_storage_does_not_end_the_log_in(chromium: Browser, server: LocalServer, path: str) -> None:
    """WEBMAIL-22b: the page is there, and says that it forgets the session."""
    visitor = Visitor(chromium, server)
    visitor.context.add_init_script(FULL)
    visitor.fill_in(path)
    expect(visitor.page.locator(".toast")).to_contain_text("storage is full, so a reload will log you out")
    expect(visitor.page.get_by_label("Password")).to_have_count(0)
    assert visitor.problems == []
    visitor.close()


@pytest.mark.parametrize("path", ["/webmail/", "/", "/admin/"])
def test_a_page_without_storage_says_what_to_allow(chromium: Browser, server: LocalServer, path: str) -> None:
    """WEBMAIL-22b."""
    visitor = Visitor(chromium, server)
    visitor.expect_problem("denied")
    visitor.context.add_init_script(BLOCKED)
    visitor.page.goto(f"{visitor.base}{path}")
    expect(visitor.page.get_by_role("dialog")).to_contain_text("Allow cookies and site data for this page.")
    visitor.close()
