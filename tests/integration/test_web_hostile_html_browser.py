"""Hostile HTML in Chromium: behind each of the two layers alone nothing runs, and nothing is asked for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from moxlite.web.webmail.parts import CLOSED, PAGE
from moxlite.web.webmail.sanitize import sanitize
from tests.htmlcorpus import all_vectors
from tests.integration.browser import chromium

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]

ADDRESS = "https://mail.example/message"


def pieces(vectors: list[str], size: int) -> list[list[str]]:
    """The vectors, so many on a page."""
    return [vectors[at : at + size] for at in range(0, len(vectors), size)]


class Shown:
    """A page that is given HTML, and notes what it asks for, says and becomes."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context()
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.html = ""
        self.policy = ""
        self.context.route("**/*", self._answer)
        self.page.on("dialog", lambda dialog: (self.asked.append("dialog"), dialog.dismiss()))

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if url == ADDRESS:
            headers = {"content-security-policy": self.policy} if self.policy else {}
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8", headers=headers)
            return
        # an image without a host is of the page's own: the app's server answers 404
        if not url.startswith("https://mail.example/"):
            self.asked.append(url)
        route.abort()

    def show(self, html: str, policy: str) -> list[str]:
        """What went wrong when this page was shown."""
        self.asked.clear()
        self.html, self.policy = html, policy
        self.page.goto(ADDRESS, wait_until="load")
        title = self.page.title()
        return [*self.asked, *([title] if title != "Message" else [])]


@pytest.fixture
def shown(chromium: Browser) -> Iterator[Shown]:
    """A page to show HTML on."""
    found = Shown(chromium)
    yield found
    found.context.close()


def test_what_runs_or_loads_is_seen(shown: Shown) -> None:
    """WEBMAIL-156: without both layers these tests would fail."""
    assert shown.show(PAGE.format(body="<img src=x onerror=document.title='pwned'>"), "") == ["pwned"]
    loading = "<style>p{background:url(https://evil.example/a)}</style><p>x"
    assert shown.show(PAGE.format(body=loading), "") == ["https://evil.example/a"]
    assert shown.show(PAGE.format(body=loading), CLOSED) == []


def test_sanitized_vectors_run_and_load_nothing_without_any_policy(shown: Shown) -> None:
    """WEBMAIL-108, WEBMAIL-156: the sanitizer alone; elements of our own page are told by their place."""
    for some in pieces(all_vectors(), 300):
        body = "".join(sanitize(vector, {}, external=False).html for vector in some)
        wrong = shown.show(PAGE.format(body=body), "")
        assert wrong == [], f"one of {some}"
        # all is where it belongs: nothing has become part of what is around it
        assert shown.page.evaluate("document.querySelectorAll('body > :not(.body, style)').length") == 0
        assert shown.page.evaluate("document.querySelectorAll('script,iframe,object,embed,form,svg,math').length") == 0


def test_the_policy_alone_lets_no_vector_run(shown: Shown) -> None:
    """WEBMAIL-51, WEBMAIL-108: as if there were no sanitizer; what would lead elsewhere by itself is left out."""
    vectors = [vector for vector in all_vectors() if "http-equiv=refresh" not in vector]
    for some in pieces(vectors, 60):
        frames = "".join(f"<div>{vector}</div><!-- --></style></title></textarea>" for vector in some)
        wrong = shown.show(PAGE.format(body=frames), CLOSED)
        assert wrong == [], f"one of {some}"
