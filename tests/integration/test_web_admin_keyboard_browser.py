"""The admin app by keyboard alone, in Chromium and in Debian's firefox-esr: each page is reached, and used once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page

from moxlite.process.localserve import ADMIN_PASSWORD
from tests.firefox import firefox
from tests.integration.browser import Visitor, chromium
from tests.integration.conftest import panics
from tests.integration.test_web_admin_browser import submit
from tests.keyboardwalk import Keyboard
from tests.playedmonth import write_history
from tests.reportdata import write_reports
from tests.running import LocalServer

__all__ = ["chromium"]

pytestmark = [
    pytest.mark.served,
    pytest.mark.integration,
    pytest.mark.xdist_group("browser"),
    pytest.mark.nightly(smoke="tests/integration/test_web_admin_browser.py::test_each_bar_leads_to_the_list_behind_it"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server with a domain, an account, reports, a target of backups, and mail on hold."""
    made = LocalServer(tmp_path / "server")
    write_reports(made.folder / "data")
    write_history(made.folder / "data")
    static = made.folder / "config" / "moxlite.toml"
    static.write_text(static.read_text() + f'\n[backup]\nschedule = "24h"\ntarget = "{tmp_path / "backups"}"\n')
    with made as found:
        found.cli("config", "domain", "add", "hill.example", "moxlite")
        found.cli("config", "account", "add", "ben", "ben@hill.example")
        found.cli("queue", "holdrules", "add")
        submit(found)
        yield found
        assert panics(found) == 0, found.log()


class ChromiumKeys:
    """The keyboard of a page of Playwright."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, *keys: str) -> None:
        """Press keys together."""
        self._page.keyboard.press("+".join("Space" if key == " " else key for key in keys))

    def type(self, text: str) -> None:
        """Type a text."""
        self._page.keyboard.type(text)

    def run(self, function: str, *arguments: object) -> Any:
        """Call a function of JavaScript in the page."""
        try:
            return self._page.evaluate(f"(given) => ({function})(...given)", list(arguments))
        except Error as error:
            if "navigation" not in str(error):  # the log-out loads the page anew
                raise
            return None


HEADING = "document.querySelector('main h1')?.innerText"


def test_by_keyboard_in_chromium(chromium: Browser, server: LocalServer) -> None:
    """WEB-164, WEB-164b, WEB-80..88."""
    visitor = Visitor(chromium, server, viewport={"width": 1280, "height": 900})
    visitor.expect_problem("400", "503")
    visitor.page.goto(f"{visitor.base}/admin/")
    walk(Keyboard(ChromiumKeys(visitor.page)))
    visitor.close()


def test_by_keyboard_in_firefox(server: LocalServer, tmp_path: Path) -> None:
    """WEB-164, WEB-164b, WEB-80..88."""
    with firefox(tmp_path / "profile", width=1280, height=900) as browser:
        browser.open(f"http://localhost:{server.port(80)}/admin/")
        walk(Keyboard(browser))


def walk(owner: Keyboard) -> None:
    """Log in, use each page once, and log out."""
    owner.wait("document.querySelector('input[type=password]') === document.activeElement")
    owner.keys.type(ADMIN_PASSWORD)
    owner.keys.press("Enter")
    owner.wait(f"{HEADING}?.startsWith('Accepting and sending mail')")
    owner.enter("View queue", "a")
    owner.wait(f"{HEADING} === 'Queue'")
    for place, pages in (
        ("People", {"Accounts": accounts}),
        ("Domains", {"Domains": domains}),
        ("Mail", {"Queue": queue, "Trends": trends, "Reports": reports, "Routes": routes}),
        (
            "Machine",
            {
                "Network": network,
                "Web server": web,
                "Backups": backups,
                "Log": log,
                "Metrics": metrics,
                "Configuration": files,
            },
        ),
        (
            "Administrators",
            {"Login": password, "Your sessions": lambda owner: owner.see("this session"), "Audit log": audit},
        ),
    ):
        for number, (page, use) in enumerate(pages.items()):
            owner.enter(place, "a")
            owner.wait(f"{HEADING} === {next(iter(pages))!r}")
            if number > 0:
                owner.enter(page, "a", counted=True)
            owner.wait(f"{HEADING} === {page!r}")
            owner.is_on(page)
            use(owner)
    assert owner.wrong == set()
    owner.enter("Log out", "button")
    owner.wait("document.querySelector('input[type=password]') !== null")


def accounts(owner: Keyboard) -> None:
    """One comes and stays; its removal is begun and left; a setting is changed."""
    owner.enter("Add account")
    owner.dialog()
    owner.fill("Name", "guest")
    owner.keys.press("Tab")
    owner.wait("document.activeElement.value === 'guest@hill.example'")
    owner.keys.press("Enter")
    owner.see("able to see it again")
    owner.dialog()
    owner.is_on("Done")
    owner.keys.press("Enter")
    owner.wait(f"{HEADING}?.includes('guest')")
    owner.enter("Delete…")
    owner.dialog()
    owner.keys.press("Escape")
    owner.dialog(there=False)
    owner.is_on("Delete…")
    owner.enter("Settings", "a")
    owner.fill("Full name", "Guest of Ours")
    owner.keys.press("Enter")
    owner.see("Saved")
    owner.is_on("Full name")
    owner.see("Guest of Ours")


def domains(owner: Keyboard) -> None:
    """One is disabled for a moment."""
    owner.enter("hill.example", "a")
    owner.wait(f"{HEADING} === 'hill.example'")
    owner.enter("Disable")
    owner.see("hill.example disabled")
    owner.enter("Enable")
    owner.see("hill.example enabled")
    owner.enter("Show zone file")
    owner.enter("Copy zone file")


def queue(owner: Keyboard) -> None:
    """A message is released; a rule comes and goes."""
    owner.enter("Attempts for user0@far.example")
    owner.see("No attempts yet.")
    owner.enter("Queue", "a")
    owner.wait(f"{HEADING} === 'Queue'")
    owner.enter("Select the message to user1@far.example", key=" ")
    owner.enter("Release", "button")
    owner.see("1 message released")
    owner.enter("Queue", "a")
    owner.enter("Hold rules", "a")
    owner.enter("Add hold rule")
    owner.dialog()
    owner.fill("Recipient", "never.example")
    owner.keys.press("Enter")
    owner.see("never.example")
    owner.dialog(there=False)
    owner.is_on("Add hold rule")
    owner.enter("Delete rule")
    owner.see("Rule deleted")


def trends(owner: Keyboard) -> None:
    """A bar leads to the list behind it."""
    owner.enter("ben", "a")
    owner.wait(f"{HEADING}?.includes('ben')")


def reports(owner: Keyboard) -> None:
    """An address gets no more reports, and gets them again."""
    owner.enter("Pending", "a")
    owner.enter("Suppress an address")
    owner.dialog()
    owner.fill("Address", "r@remote.example")
    owner.keys.press("Enter")
    owner.dialog(there=False)
    owner.is_on("Suppress an address")
    owner.enter("Send reports to r@remote.example again")
    owner.see("Reports to r@remote.example resumed")


def network(owner: Keyboard) -> None:
    """What cannot be looked up in localserve is said at the field."""
    owner.fill("Look up another address", "nonsense")
    owner.keys.press("Enter")
    owner.wait("document.querySelector('main .error:not([hidden]), main .notice.danger') !== null")


def routes(owner: Keyboard) -> None:
    """A route that cannot be is refused at its field, which has the focus."""
    owner.enter("Add", "button")
    owner.fill("Transport", "nowhere")
    owner.keys.press("Enter")
    owner.wait("document.activeElement.getAttribute('aria-invalid') === 'true'")
    owner.is_on("Transport")


def web(owner: Keyboard) -> None:
    """A redirect that cannot be is refused."""
    owner.enter("Add", "button")
    owner.wait("document.activeElement.tagName === 'INPUT'")
    owner.keys.type("old.example")
    owner.keys.press("Tab")
    owner.keys.type("no host")
    owner.keys.press("Enter")
    owner.wait("document.querySelector('main .error:not([hidden]), main .notice.danger') !== null")


def log(owner: Keyboard) -> None:
    """Lines are filtered; a level is set."""
    owner.fill("Search text", "nowhere to be found")
    owner.keys.press("Enter")
    owner.see("No matching lines in memory.")
    owner.enter("Levels", "a")
    owner.reach("Level for smtpd")
    owner.keys.press("ArrowDown")
    owner.see("smtpd level set to error")
    owner.is_on("Level for smtpd")
    owner.keys.press("ArrowUp")
    owner.see("smtpd now uses the default level")


def audit(owner: Keyboard) -> None:
    """Entries are found by words."""
    owner.fill("Text", "Guest of Ours")
    owner.keys.press("Enter")
    owner.wait("document.querySelectorAll('main tbody tr').length === 1")


def metrics(owner: Keyboard) -> None:
    """One is found by its name."""
    owner.fill("Name or description", "disk free_bytes")
    owner.see("1 metric")


def backups(owner: Keyboard) -> None:
    """A snapshot is made."""
    owner.enter("Back up now")
    owner.dialog()
    owner.is_on("Back up")
    owner.keys.press("Enter")
    owner.see("1 snapshot")


def files(owner: Keyboard) -> None:
    """The other file, which can be scrolled."""
    owner.enter("domains.toml, effective", "a")
    owner.wait("location.hash.includes('effective') && document.activeElement.tagName === 'H1'")
    owner.reach("/", "pre")
    owner.keys.press("End")
    owner.wait("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")


def password(owner: Keyboard) -> None:
    """Its dialog is left, and the focus comes back."""
    owner.enter("Change password…")
    owner.dialog()
    owner.keys.press("Escape")
    owner.dialog(there=False)
    owner.is_on("Change password…")
