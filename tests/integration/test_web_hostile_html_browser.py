"""Hostile HTML in Chromium and Firefox: behind each of the two layers alone nothing runs, and nothing is asked for. A
proxy proves it, through which the browsers ask for everything.
"""

import re
from collections.abc import Iterator
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Dialog

from moxlite.sandbox.sanitize import sanitize
from moxlite.web.webmail.reading.parts import CLOSED
from tests.firefox import Firefox, firefox
from tests.htmlcorpus import all_vectors, page_of
from tests.integration.browser import chromium
from tests.proxies import PAGE_URL, LoggingProxy, logging_proxy
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration, pytest.mark.xdist_group("browser")]


def pieces(vectors: list[str], size: int) -> list[list[str]]:
    """The vectors, so many on a page."""
    return [vectors[at : at + size] for at in range(0, len(vectors), size)]


class Window(Protocol):
    """A page of a browser, behind the proxy."""

    def open(self, url: str) -> None:
        """Load a page."""

    def count(self, selector: str) -> int:
        """How many elements there are."""

    def title(self) -> str:
        """What the page is called."""

    def prompts(self) -> int:
        """How many dialogs scripts have opened."""


class InChromium:
    """A page of Chromium."""

    def __init__(self, browser: Browser, proxy: LoggingProxy) -> None:
        # loopback is asked directly unless that is forbidden, too
        self.context = browser.new_context(proxy={"server": f"http://127.0.0.1:{proxy.port}", "bypass": "<-loopback>"})
        self.page = self.context.new_page()
        self._prompts = 0
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Dialog) -> None:
        self._prompts += 1
        dialog.dismiss()

    def open(self, url: str) -> None:
        self.page.goto(url, wait_until="load")

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()

    def title(self) -> str:
        return self.page.title()

    def prompts(self) -> int:
        return self._prompts


class InFirefox:
    """The page of a Firefox."""

    def __init__(self, browser: Firefox) -> None:
        self.browser = browser

    def open(self, url: str) -> None:
        self.browser.open(url)

    def count(self, selector: str) -> int:
        found: int = self.browser.run("(selector) => document.querySelectorAll(selector).length", selector)
        return found

    def title(self) -> str:
        found: str = self.browser.run("() => document.title")
        return found

    def prompts(self) -> int:
        return self.browser.prompts()


class Shown:
    """A page that is given HTML, and notes what it asks for, says and becomes."""

    def __init__(self, window: Window, proxy: LoggingProxy) -> None:
        self.window = window
        self.proxy = proxy

    def show(self, html: str, policy: str) -> list[str]:
        """What went wrong when this page was shown."""
        prompts = self.window.prompts()
        self.proxy.asked.clear()
        self.proxy.html, self.proxy.policy = html, policy
        self.window.open(PAGE_URL)
        title = self.window.title()
        said = ["dialog"] if self.window.prompts() > prompts else []
        return [*self.proxy.asked, *said, *([title] if title != "Message" else [])]


@pytest.fixture(scope="module")
def proxy() -> Iterator[LoggingProxy]:
    """The proxy of both browsers."""
    with logging_proxy() as found:
        yield found


@pytest.fixture(scope="module")
def the_firefox(tmp_path_factory: pytest.TempPathFactory, proxy: LoggingProxy) -> Iterator[Firefox]:
    """One Firefox for all tests."""
    with firefox(tmp_path_factory.mktemp("firefox") / "profile", proxy=proxy.port) as browser:
        yield browser


@pytest.fixture(params=["chromium", "firefox"])
def shown(request: pytest.FixtureRequest, proxy: LoggingProxy) -> Iterator[Shown]:
    """A page to show HTML on. Chromium has a profile for each test: it connects ahead to where earlier pages led."""
    if request.param == "firefox":
        yield Shown(InFirefox(request.getfixturevalue("the_firefox")), proxy)
        return
    window = InChromium(request.getfixturevalue("chromium"), proxy)
    yield Shown(window, proxy)
    window.context.close()


@pytest.mark.landing("chromium")
def test_what_runs_or_loads_is_seen(shown: Shown) -> None:
    """WEBMAIL-156: without both layers these tests would fail."""
    assert "pwned" in shown.show(page_of("<img src=x onerror=document.title='pwned'>"), "")
    loading = "<style>p{background:url(http://evil.example/a)}</style><p>x"
    # a page may be loaded before it is laid out, and asks for what is behind its text then
    shown.show(page_of(loading), "")
    until(lambda: shown.window.title() == "Message" and shown.proxy.asked == ["http://evil.example/a"])
    assert shown.show(page_of(loading), CLOSED) == []
    assert shown.show(page_of("<img src=https://evil.example/a>"), "") == ["evil.example:443"]
    assert shown.show(page_of("<img src=http://127.0.0.1:8765/a>"), "") == ["http://127.0.0.1:8765/a"]


@pytest.mark.landing("chromium")
def test_sanitized_vectors_run_and_load_nothing_without_any_policy(shown: Shown) -> None:
    """WEBMAIL-108, WEBMAIL-156: the sanitizer alone; elements of our own page are told by their place."""
    for some in pieces(all_vectors(), 300):
        body = "".join(sanitize(vector, {}, external=False).html for vector in some)
        wrong = shown.show(page_of(body), "")
        assert wrong == [], f"one of {some}"
        # all is where it belongs: nothing has become part of what is around it
        assert shown.window.count("body > :not(.body, style)") == 0
        assert shown.window.count("script, iframe, object, embed, form, svg, math") == 0


@pytest.mark.nightly
def test_the_policy_alone_lets_no_vector_run(shown: Shown) -> None:
    """WEBMAIL-51, WEBMAIL-108: as if there were no sanitizer; what would lead elsewhere by itself is left out.

    Chromium connects to the host of a frame before it asks the policy: in clear a request is told from that.
    """
    vectors = [vector for vector in all_vectors() if "http-equiv=refresh" not in vector]
    for some in pieces(vectors, 60):
        frames = "".join(f"<div>{vector}</div><!-- --></style></title></textarea>" for vector in some)
        in_clear = re.sub("https:", "http:", frames, flags=re.IGNORECASE)
        wrong = shown.show(page_of(in_clear), CLOSED)
        assert wrong == [], f"one of {some}"
