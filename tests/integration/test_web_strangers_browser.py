"""Pages of other networks in the place of the server's, in a real browser: they come with status 200, and are gone with
the network (WEBMAIL-120a).
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.browser import Visitor, chromium
from tests.integration.frontproxy import FrontProxy
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.integration]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("strangers") / "server") as server:
        yield server


@pytest.fixture
def proxy(local: LocalServer) -> Iterator[FrontProxy]:
    with FrontProxy(local.port(80)) as proxy:
        yield proxy


@pytest.fixture
def visitor(chromium: Browser, local: LocalServer, proxy: FrontProxy) -> Iterator[Visitor]:
    """A browser that knows the server by its network alone."""
    visitor = Visitor(chromium, local)
    visitor.base = f"http://localhost:{proxy.port}"
    visitor.expect_problem("text/html", "MIME type", "status of 502")
    yield visitor
    visitor.close()


def kept(page: Page) -> list[str]:
    """The paths of the files that the service worker keeps."""
    addresses: list[str] = page.evaluate(
        "caches.open('moxlite-webmail-shell').then((one) => one.keys()).then((all) => all.map(({ url }) => url))"
    )
    return [urlsplit(address).path for address in addresses]


def test_a_part_from_a_stranger_is_fetched_anew(visitor: Visitor, proxy: FrontProxy) -> None:
    """WEBMAIL-120a: the network answered for one part while the worker filled its store; one can write all the same."""
    page = visitor.page
    proxy.strange = re.compile(rb"GET /webmail/part/compose")
    visitor.enter("/webmail/")
    until(lambda: "/webmail/" in kept(page), what="a worker that has the page")
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), what="a worker that answers")
    assert [path for path in kept(page) if "/part/compose" in path] == []
    proxy.strange = None
    page.reload()
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_have_count(1)
    until(lambda: any("/part/compose" in path for path in kept(page)), what="the part among those that are kept")


def test_a_part_from_a_stranger_in_an_old_store_is_dropped(visitor: Visitor) -> None:
    """WEBMAIL-120a: an earlier worker kept it."""
    page = visitor.page
    visitor.enter("/webmail/")
    until(lambda: "/webmail/" in kept(page), what="a worker that has the page")
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), what="a worker that answers")
    page.evaluate(
        """async () => {
          const shell = await caches.open("moxlite-webmail-shell");
          const part = (await shell.keys()).find(({ url }) => url.includes("/part/compose"));
          await shell.put(part, new Response("<h1>Free Wi-Fi</h1>", { headers: { "content-type": "text/html" } }));
        }"""
    )
    page.reload()
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")
    page.keyboard.press("c")
    expect(page.locator(".composer")).to_have_count(1)


def test_the_page_of_a_network_is_shown_but_not_kept(visitor: Visitor, proxy: FrontProxy) -> None:
    """WEBMAIL-120a: one logs in to the network there; without any network the webmail's own page is shown."""
    page = visitor.page
    visitor.enter("/webmail/")
    until(lambda: "/webmail/" in kept(page), what="a worker that has the page")
    until(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), what="a worker that answers")
    proxy.strange = re.compile(rb"GET /webmail/ ")
    page.reload()
    expect(page).to_have_title("Free Wi-Fi")
    page.context.set_offline(True)
    page.reload()
    expect(page).to_have_title(re.compile("moxlite|Inbox"))
    page.context.set_offline(False)
    proxy.strange = None
    page.reload()
    expect(page.locator(".messages-note .empty-title")).to_have_text("Your inbox is empty")


def test_an_app_without_a_worker_asks_past_what_the_browser_keeps(visitor: Visitor, proxy: FrontProxy) -> None:
    """WEBMAIL-5a: the network let the browser keep its page for a year, at the address of a part of the settings."""
    page = visitor.page
    proxy.strange = re.compile(rb"GET /part/junk")
    visitor.enter("/#junk")
    expect(page.get_by_text("Couldn't load part of this page.")).to_be_visible()
    proxy.strange = None
    page.reload()
    expect(page.get_by_role("heading", name="Junk filter")).to_be_visible()
