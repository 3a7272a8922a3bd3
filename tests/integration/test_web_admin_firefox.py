"""A walk through all pages of the admin app in Debian's firefox-esr against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.firefox import Firefox, firefox
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import PAGES, submit
from tests.playedmonth import write_history
from tests.reportdata import write_reports
from tests.running import LocalServer

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.nightly(smoke="tests/integration/test_web_admin_browser.py::test_an_account_comes_and_goes"),
]

HEADING = "document.querySelector('main h1')?.innerText ?? ''"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server with a domain, accounts, an alias, reports, and mail that waits."""
    made = LocalServer(tmp_path_factory.mktemp("firefoxadmin") / "server")
    write_reports(made.folder / "data")
    write_history(made.folder / "data")
    with made as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        for name in ("ben", "margaret"):
            found.cli("config", "account", "add", name, f"{name}@hill.example")
        found.cli("config", "alias", "add", "family@hill.example", "ben@hill.example")
        found.cli("queue", "holdrules", "add")
        submit(found)
        yield found
        assert panics(found) == 0, found.log()


@pytest.fixture
def browser(tmp_path: Path, server: LocalServer) -> Iterator[Firefox]:
    """Firefox, logged in."""
    with firefox(tmp_path / "profile") as found:
        found.open(f"http://localhost:{server.port(80)}/admin/")
        found.wait("document.querySelector('input[type=password]') !== null")
        found.fill("input[type=password]", ADMIN_PASSWORD)
        found.press("Enter")
        found.wait(f"{HEADING} !== ''")
        yield found


def errors(browser: Firefox) -> list[str]:
    """What the page's scripts have complained about."""
    found = [one["params"] for one in browser.events if one["method"] == "log.entryAdded"]
    return [str(one.get("text")) for one in found if one.get("level") == "error"]


def test_every_page_is_shown(browser: Firefox, server: LocalServer) -> None:
    """WEB-164: each page with its heading, as wide as the window at most, without an error of page or policy."""
    browser.resize(360, 740)
    wrong = []
    for place in PAGES:
        before = browser.run("() => { const old = document.querySelector('main h1'); old?.remove(); return 1 }")
        assert before == 1
        browser.run("(to) => { location.hash = to }", f"#{place}")
        browser.run("() => dispatchEvent(new HashChangeEvent('hashchange'))")
        browser.wait(f"{HEADING} !== ''")
        wide = browser.run("() => document.documentElement.scrollWidth")
        if int(wide) > 360:
            wrong.append(f"{place}: {wide} px wide")
    assert wrong == []
    assert errors(browser) == []
