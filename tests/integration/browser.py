"""A real browser for tests of the apps: Chromium by Playwright."""

import base64
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Route, expect, sync_playwright

from tests.running import LocalServer
from tests.tools import need, need_library, until

__all__ = ["Visitor", "chromium", "close_browser", "expect_search", "playing", "pressed", "save_picture"]
__all__ += ["settings_beside"]

PATIENCE = 60_000
"""Milliseconds that a condition, a click or a request has: a busy machine is slow, not broken."""

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]

AS_WEBP = """async (octets) => {
  const image = new Image();
  image.src = `data:image/png;base64,${octets}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL("image/webp", 0.82);
}"""
"""Makes a data URL of a PNG: WebP takes a third of its octets."""

APPS = {"/": "moxlite-account", "/webmail/": "moxlite-webmail", "/admin/": "moxlite-admin"}
"""By the path of an app, how names of what it keeps in the browser begin."""

_player: Playwright | None = None
_shared: dict[str, tuple[Browser, ExitStack]] = {}


def browser_path(whole: bool) -> str:
    """Chromium, or unless it has to be `whole` what CHROMIUM names, where that is installed: a landing run has its
    headless shell, in which a page takes two thirds of the processor.
    """
    named = None if whole else shutil.which(os.environ.get("CHROMIUM", "chromium"))
    return named or need("chromium")


@contextmanager
def playing() -> Iterator[Playwright]:
    """Playwright, of which a thread can have one: within the block of another caller it is that one's. Its own node
    wants a library; the test is skipped without that, or without a browser.
    """
    global _player
    need("chromium")
    need_library("libatomic.so.1", "libatomic1")
    if _player is not None:
        yield _player
        return
    with sync_playwright() as _player:
        try:
            yield _player
        finally:
            _player = None


@pytest.fixture(scope="module")
def chromium(request: pytest.FixtureRequest) -> Browser:
    """One browser for all tests of the process, each of which has a context of its own; conditions have time on a busy
    machine. Files with the marker `whole` have another one.
    """
    expect.set_options(timeout=PATIENCE)
    path = browser_path(request.node.get_closest_marker("whole") is not None)
    if path in _shared and not _shared[path][0].is_connected():
        close_browser()
    if path not in _shared:
        with ExitStack() as stack:
            playwright = stack.enter_context(playing())
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            stack.callback(browser.close)
            _shared[path] = browser, stack.pop_all()
    return _shared[path][0]


def close_browser() -> None:
    """End the browsers of `chromium`, at the end of the run."""
    while _shared:
        _, (_, stack) = _shared.popitem()  # the first one last: it has begun Playwright
        stack.close()


@contextmanager
def settings_beside(webmail: Page, name: str) -> Iterator[Page]:
    """A page of the settings in another tab of the browser, for the account of a page of the webmail."""
    page = webmail.context.new_page()
    folder = re.sub("[?#].*", "", webmail.url).replace("/webmail/", "/")
    page.goto(f"{folder}#{name}")
    expect(page.locator(".page h1")).to_have_count(1)
    yield page
    page.close()


class Visitor:
    """A page of an app; notes what a strict page must not do."""

    def __init__(self, browser: Browser, server: LocalServer, *, tls: bool = False, **options: object) -> None:
        self.server = server
        self.context = browser.new_context(**{"ignore_https_errors": tls, "locale": "en-GB"} | options)  # type: ignore[arg-type]
        self.context.set_default_timeout(PATIENCE)
        # the hints of the first start were read, but for the test of them
        self.context.add_init_script(
            "try { localStorage['moxlite-webmail-hints'] ??= '3' } catch { /* a sandboxed frame has none */ }"
        )
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self._expected: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._console)
        # from now on what asks for a file is told to the test: asked for at the last moment, a key can overtake it
        self.page.on("filechooser", lambda chooser: None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.base = f"https://localhost:{server.port(443)}" if tls else f"http://localhost:{server.port(80)}"

    def _console(self, message: ConsoleMessage) -> None:
        # a session that is not there yet is asked for, and answered with 401: browsers note that by themselves
        if message.type == "error" and "401" not in message.text and "ERR_" not in message.text:
            self.problems.append(f"{message.text} {message.location['url']}")

    def expect_problem(self, *words: str) -> None:
        """What browsers note by themselves of an answer, such as its status, is no problem. They may note it late."""
        self._expected += words

    def fill_in(self, path: str, password: str = "") -> None:
        """Open an app and fill in its log-in form."""
        self.page.goto(f"{self.base}{path}")
        self.page.get_by_label("Email address").fill(self.server.user)
        self.page.get_by_label("Password").fill(password or self.server.password)
        self.page.get_by_role("button", name="Log in", exact=True).click()

    def enter(self, path: str, password: str = "") -> None:
        """Open an app as one who has logged in: its form costs as much as the app, and is for tests of logging in."""
        folder = path.partition("#")[0]
        app = APPS[folder]

        def call(name: str, **parameters: str) -> Any:
            answer = self.context.request.post(f"{self.base}{folder}api/{name}", data=parameters)
            assert answer.ok, answer.text()
            return answer.json()["result"]

        user = "" if app == "moxlite-admin" else self.server.user
        token = call("login_prep")
        session = call("login", login_token=token, username=user, password=password or self.server.password)
        kept = {f"{app}-address": session["login_address"], f"{app}-csrf": session["csrf_token"]}
        with self.page.add_init_script(
            f"try {{ Object.assign(localStorage, {json.dumps(kept)}) }} catch {{ /* a sandboxed frame has none */ }}"
        ):
            self.page.goto(f"{self.base}{path}")

    @contextmanager
    def settings(self, name: str) -> Iterator[Page]:
        """A page of the settings in another tab, beside the page of the webmail, which is logged in."""
        with settings_beside(self.page, name) as page:
            page.on("pageerror", lambda error: self.problems.append(str(error)))
            page.on("console", self._console)
            yield page

    @contextmanager
    def held(self, wanted: str | re.Pattern[str], page: Page | None = None) -> Iterator[None]:
        """What a page, the first if no other is named, asks for within the block has its answer afterwards; something
        must have been.
        """
        asking = page or self.page
        held: list[Route] = []
        over = False
        asking.route(wanted, lambda route: route.continue_() if over else held.append(route))
        yield
        until(lambda: asking.evaluate("true") and held, what=f"a request for {wanted}")
        over = True
        for route in held:
            route.continue_()

    def fall_silent(self, wanted: re.Pattern[str]) -> None:
        """Let a page that is connected hear nothing for 50 s, and wait for what it asks for then. The clock is fake.

        An event that comes meanwhile begins the silence anew: then there is another jump. There is none once the page
        has asked for its token: it would take the time before the first event for that of a proxy that holds events
        back.
        """
        self.page.evaluate(
            """() => {
              const ask = window.fetch;
              window.connecting = false;
              window.fetch = (url, ...others) => {
                window.connecting ||= `${url}`.endsWith("/api/token");
                return ask(url, ...others);
              };
            }"""
        )
        with self.page.expect_request(wanted), suppress(Error):  # the page may go for another meanwhile
            self.page.clock.run_for(50_000)
            while self.page.evaluate("window.connecting === false"):
                self.page.clock.run_for(50_000)

    def close(self) -> None:
        self.context.close()
        unexpected = [one for one in self.problems if not any(words in one for words in self._expected)]
        assert not unexpected, unexpected


def save_picture(page: Page, to: Path) -> None:
    """Write what a page shows as WebP. An empty page makes it: the policies of the apps forbid that."""
    octets = page.screenshot()
    empty = page.context.new_page()
    found = empty.evaluate(AS_WEBP, base64.b64encode(octets).decode())
    empty.close()
    to.write_bytes(base64.b64decode(found.partition(",")[2]))


def expect_search(page: Page, words: str, address: str = "#search:{}") -> None:
    """Wait until the address of a page names a search for these words."""
    kept = "JSON.parse(sessionStorage.getItem('moxlite-searched') ?? '[]')"
    named = f"(words) => [location.hash, `~${{{kept}.indexOf(words)}}~`]"

    def is_named() -> bool:
        shown, name = page.evaluate(named, words)
        return re.fullmatch(address.format(re.escape(name)), shown) is not None

    until(is_named, what=f"the address of a search for {words}")


def pressed(page: Page) -> Callable[[], int]:
    """Count presses of the pointer in a page from now on."""
    page.evaluate("window.presses = 0; addEventListener('pointerdown', () => window.presses++, true)")
    return lambda: int(page.evaluate("window.presses"))
