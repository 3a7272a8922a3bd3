"""The admin app's page of the second machine in a real browser, against object storage of the tests."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyrage
import pytest
from playwright.sync_api import Browser, expect

from moxlite import __version__
from moxlite.admin.standby.layout import READY, Ready
from tests.integration.browser import Visitor, chromium
from tests.integration.test_web_admin_browser import go, log_in
from tests.objectstorage import Bucket, serving
from tests.running import LocalServer
from tests.tools import until

__all__ = ["chromium"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

SECONDS = 120_000
"""Milliseconds for a handover on a busy machine: the second machine is asked for 25 s."""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        yield found


@pytest.fixture
def server(tmp_path: Path, bucket: Bucket) -> Iterator[LocalServer]:
    """A first machine with a lease."""
    server = LocalServer(tmp_path / "server")
    static = server.folder / "config" / "moxlite.toml"
    keys = bucket.keys_file(tmp_path / "keys")
    public = pyrage.x25519.Identity.generate().to_public()
    section = f'target = "s3://bucket/pair"\nstorage_keys_file = "{keys}"\nencrypt_to = ["{public}"]\nlease = true'
    static.write_text(f"{static.read_text()}\n[standby]\n{section}\n")
    with server:
        yield server


class Second:
    """The sign of life of a second machine."""

    def __init__(self, bucket: Bucket) -> None:
        self.version = "0.0.1"
        self._bucket = bucket
        self._end = threading.Event()
        threading.Thread(target=self._show, daemon=True).start()

    def _show(self) -> None:
        number = 0
        while not self._end.wait(1):
            number += 1
            ready = msgspec.json.encode(Ready(number, "mx2.example.org", self.version, 1))
            with self._bucket.guard:
                self._bucket.objects[f"pair/{READY}"] = ready

    def stop(self) -> None:
        """Be gone."""
        self._end.set()


def test_a_handover_is_asked_refused_and_done(chromium: Browser, bucket: Bucket, server: LocalServer) -> None:
    """STORE-186n: refused in words where the other machine has another version; then this server ends, and the page
    waits until its address answers.
    """
    visitor = Visitor(chromium, server)
    visitor.expect_problem("Failed to load", "ERR_", "500", "503", "400")
    log_in(visitor)
    second = Second(bucket)
    try:
        page = go(visitor, "standby")
        expect(page.get_by_text("s3://bucket/pair").first).to_be_visible()
        hand_over = page.get_by_role("button", name="Switch over", exact=True)
        hand_over.first.click()
        question = page.get_by_role("dialog")
        expect(question).to_contain_text("shut down. The standby server will take over within seconds")
        question.get_by_role("button", name="Cancel").click()
        hand_over.first.click()
        question.get_by_role("button", name="Switch over").click()
        expect(page.get_by_text("runs 0.0.1")).to_be_visible(timeout=SECONDS)
        expect(hand_over.first).to_be_enabled()
        second.version = __version__
        until(lambda: __version__.encode() in bucket.objects[f"pair/{READY}"], what="the upgraded second machine")
        hand_over.first.click()
        question.get_by_role("button", name="Switch over").click()
        expect(page.get_by_text("mx2.example.org is taking over")).to_be_visible(timeout=SECONDS)
        server.process.wait(timeout=120)
        expect(page.get_by_text("Waiting for this address to respond")).to_be_visible()
        [lease] = [data for name, data in bucket.objects.items() if name.endswith("lease.json")]
        assert b'"handed":true' in lease
        with bucket.guard:  # a person gives the lease back, as a second machine that took it would
            del bucket.objects["pair/lease.json"]
        server.start()
        expect(page.get_by_role("button", name="Log in")).to_be_visible(timeout=SECONDS)
    finally:
        second.stop()
        visitor.close()
