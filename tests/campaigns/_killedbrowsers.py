"""Browsers that are killed while messages are typed and sent (WEBMAIL-88, WEBMAIL-100).

Each round starts Debian's chromium with the profile that the one before has left, types words, perhaps sends, and kills
the browser with all its processes. The next browser must show, or the drafts must hold, each word that was typed more
than 20 seconds before.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Page, Playwright, expect

from tests.campaigns._reading import messages
from tests.campaigns.report import Finding, Report
from tests.integration.browser import playing
from tests.realservers import tree
from tests.running import LocalServer
from tests.tools import need, until

__all__ = ["kill_browsers"]

KILLS = 20
FEWEST = 2
"""Of a share: one round that types, one that sends."""
SHORTEST = 20.5
LONGEST = 40.0
"""Seconds for which words are typed: some must be older than KEPT."""
KEPT = 20.0
"""Seconds after which a word must not be lost."""
PAUSE = 0.3
"""Seconds between two words."""
SENDING = 1.5
"""Seconds at most between the key that sends and the kill."""
PATIENCE = 60_000
"""Milliseconds that a loaded machine may take for anything."""

KEPT_HERE = "Object.keys(localStorage).some((key) => key.startsWith('moxlite-webmail-draft-'))"
"""Whether the browser has a copy of a message."""

ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)


@dataclass
class Typed:
    """One message: its words with the moments at which they were typed."""

    subject: str
    words: list[tuple[float, str]] = field(default_factory=list)
    sent: bool = False

    def due(self, killed: float) -> list[str]:
        """The words that must be there after a kill."""
        return [word for moment, word in self.words if moment < killed - KEPT]


class KillableBrowser:
    """A chromium of its own, with a page of the webmail."""

    def __init__(self, playwright: Playwright, profile: Path, server: LocalServer) -> None:
        port = profile / "DevToolsActivePort"
        port.unlink(missing_ok=True)
        (profile / "SingletonLock").unlink(missing_ok=True)
        command = [need("chromium"), *ARGUMENTS, f"--user-data-dir={profile}", "about:blank"]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        try:
            until(lambda: port.exists() and port.read_text().count("\n"), what="a browser that listens")
            address = f"http://127.0.0.1:{port.read_text().split()[0]}"
            self.connection = playwright.chromium.connect_over_cdp(address, timeout=PATIENCE)
            self.page: Page = self.connection.contexts[0].new_page()
            self.page.set_default_timeout(PATIENCE)
            self.page.set_viewport_size({"width": 1280, "height": 800})
            self._log_in(server)
        except BaseException:
            self.kill()
            raise

    def _log_in(self, server: LocalServer) -> None:
        """Log in, unless the cookie of the session has outlived the browser before."""
        self.page.goto(f"http://localhost:{server.port(80)}/webmail/")
        address, title = self.page.get_by_label("Email address"), self.page.locator(".list-title")
        until(lambda: address.is_visible() or title.is_visible(), what="a page", pause=0.1)
        if address.is_visible():
            address.fill(server.user)
            self.page.get_by_label("Password").fill(server.password)
            self.page.get_by_label("Keep me logged in on this device").check()
            self.page.get_by_role("button", name="Log in").click()
        expect(title).to_have_text("Inbox", timeout=PATIENCE)

    def kill(self) -> float:
        """SIGKILL for all its processes; the moment."""
        pids = tree(self.process.pid)
        moment = time.monotonic()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)
        return moment

    def forget(self) -> None:
        """Let go of the connection to a browser that was killed."""
        with contextlib.suppress(Exception):  # it is gone: that is what this is about
            self.connection.close()


@contextmanager
def running(playwright: Playwright, profile: Path, server: LocalServer) -> Iterator[KillableBrowser]:
    """A browser that is killed at the end at the latest."""
    browser = KillableBrowser(playwright, profile, server)
    try:
        yield browser
    finally:
        browser.kill()
        browser.forget()


def kill_browsers(
    server: LocalServer, folder: Path, chance: random.Random, share: float, report: Report
) -> list[Typed]:
    """KILLS × share rounds; the messages that were sent in the end, of which the caller looks at Sent and the Inbox."""
    rounds = max(FEWEST, round(KILLS * share))
    profile = folder / "profile"
    profile.mkdir()
    done: list[Typed] = []
    lost = shown = drafts = gone_out = 0
    with playing() as playwright:
        for number in range(rounds):
            typed = Typed(f"typed {number}", sent=number % 2 == 1)
            with running(playwright, profile, server) as browser:
                write(browser.page, typed, server.user, chance)
                killed = browser.kill()
            with running(playwright, profile, server) as browser:
                found = recovered(browser.page, server, typed)
                missing = [word for word in typed.due(killed) if word not in found.words]
                if missing:
                    raise Finding(f"{typed.subject}: {len(missing)} words typed {KEPT:.0f} s before a kill are lost")
                lost = max(lost, len(typed.words) - sum(word in found.words for _, word in typed.words))
                shown += found.place == "composer"
                drafts += found.place == "Drafts"
                gone_out += found.place == "Sent"
                if found.place == "composer":
                    finish(browser.page)
                elif found.place == "Drafts":
                    send_draft(browser.page, typed.subject)
                typed.words = [(0.0, word) for word in found.words]
                done.append(typed)
    report.tell(
        f"{rounds} browsers killed, {rounds // 2} of them while they sent: {shown} messages came back in the composer,"
        f" {drafts} among the drafts, {gone_out} had gone out; of words younger than {KEPT:.0f} s at most {lost} of a"
        " message were lost, of others none"
    )
    return done


def write(page: Page, typed: Typed, to: str, chance: random.Random) -> None:
    """Type a message for a while, and send it if it is one to be sent."""
    composer = page.locator(".composer")
    # a copy of the message before may have outlived the kill: it opens, and goes when the server says that it was sent
    until(lambda: not page.evaluate(KEPT_HERE) and not composer.count(), what="a page without copies", pause=0.1)
    page.keyboard.press("c")
    composer.get_by_label("To", exact=True).fill(to)
    composer.get_by_label("Subject").fill(typed.subject)
    composer.get_by_label("Text").focus()
    end = time.monotonic() + chance.uniform(SHORTEST, LONGEST)
    while time.monotonic() < end:
        word = f"word{len(typed.words)}"
        page.keyboard.insert_text(f"{word} ")
        typed.words.append((time.monotonic(), word))
        time.sleep(chance.uniform(0, 2 * PAUSE))
    if typed.sent:
        page.keyboard.press("Control+Enter")
        time.sleep(chance.uniform(0, SENDING))


@dataclass
class Recovered:
    """Where a message is after a kill, and its words there."""

    place: str
    words: list[str]


def recovered(page: Page, server: LocalServer, typed: Typed) -> Recovered:
    """What a user finds who comes back."""

    def kept(mailbox: str) -> EmailMessage | None:
        return next((one for one in messages(server, mailbox) if one["subject"] == typed.subject), None)

    composer = page.locator(".composer")

    def settled() -> bool:
        """What the browser has kept opens by itself, and is saved, or goes away again if it was sent."""
        if not page.evaluate(KEPT_HERE):
            return kept("Sent") is not None or kept("Drafts") is not None
        return any(composer.locator(".compose-state").all_inner_texts())  # as it is now: it may go at any moment

    until(settled, what=f"{typed.subject} anywhere", pause=0.5)
    if (sent := kept("Sent")) is not None:
        expect(composer).to_have_count(0, timeout=PATIENCE)
        return Recovered("Sent", sent.get_content().split())
    draft = kept("Drafts")
    there = [] if draft is None else draft.get_content().split()
    if composer.count() == 0:
        return Recovered("Drafts", there)
    here = composer.get_by_label("Text").input_value().split()
    if len(there) > len(here):
        # an older copy, which the browser says was changed elsewhere: the draft has more
        composer.get_by_role("button", name="Discard").click()
        page.get_by_role("dialog", name="Discard").get_by_role("button", name="Discard").click()
        expect(composer).to_have_count(0, timeout=PATIENCE)
        return Recovered("Drafts", there)
    return Recovered("composer", here)


def finish(page: Page) -> None:
    """Send what came back."""
    composer = page.locator(".composer")
    again = composer.get_by_role("button", name="Save as new")
    if again.count():
        again.click()
        expect(composer.locator(".compose-state")).to_have_text("Draft saved", timeout=PATIENCE)
    composer.get_by_label("Text").press("Control+Enter")
    expect(composer).to_have_count(0, timeout=PATIENCE)


def send_draft(page: Page, subject: str) -> None:
    """Open a draft, and send it."""
    page.locator(".mailbox-open", has_text="Drafts").click()
    page.locator(".message", has_text=subject).click()
    page.keyboard.press("e")
    expect(page.locator(".composer").get_by_label("Subject")).to_have_value(subject, timeout=PATIENCE)
    finish(page)
