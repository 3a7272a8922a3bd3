"""Test calls of webhooks from the account app, to receivers of all kinds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite.queue.webhooks import calls
from tests.browsing import Browser
from tests.web_rig import STATIC, open_rig
from tests.webserver import Answer, web_server

pytestmark = pytest.mark.served

PRIVATE = STATIC.replace('hostname = "mail', 'allow_private_webhooks = true\nhostname = "mail', 1)


@pytest.fixture
async def browser(tmp_path: Path, nursery: trio.Nursery) -> Browser:
    """A browser that is logged in to the account app of a server whose users may call hosts of the inner network."""
    rig = await open_rig(tmp_path, nursery, static=PRIVATE)
    found = rig.browser(app="/")
    await found.log_in()
    return found


def hook(url: str) -> dict[str, Any]:
    """The form of a webhook."""
    return {"url": url, "authorization": "Bearer x", "events": [], "secret": ""}


async def tried(browser: Browser, answer: Answer, *, incoming: bool = False) -> tuple[Any, list[Any]]:
    """The result of a test call to a server that gives this answer, and the requests to it."""
    async with web_server() as server:
        server.answers = [answer]
        found = await browser.call("webhook_test", hook=hook(server.url()), incoming=incoming)
        server.release.set()
        return found, server.asked


@asynccontextmanager
async def saying(octets: bytes) -> AsyncIterator[str]:
    """The URL of a server that answers with these octets, whatever it is asked, and closes."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(octets)

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, listeners)
        yield f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("incoming", [False, True])
async def test_a_right_answer_is_shown_with_its_text(browser: Browser, incoming: bool) -> None:
    """WEB-68: code, time and answer; the call has the form's header."""
    found, [asked] = await tried(browser, Answer(body=b"thanks\r\n"), incoming=incoming)
    assert (found["status"], found["error"], found["response"]) == (200, "", "thanks")
    assert 0 <= found["seconds"] < 60
    assert (asked.method, asked.headers["authorization"]) == ("POST", "Bearer x")


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (Answer(302, b"go on", (("Location", "http://127.0.0.1:9/"),)), 302, "go on"),
        (Answer(500, b"\x1b[31m" + b"x" * 2000), 500, "[31m" + "x" * 507),
        (Answer(404, b"\xff\xfe\x00<script>"), 404, "\ufffd\ufffd <script>"),
    ],
)
async def test_a_wrong_answer_is_shown_as_text(browser: Browser, answer: Answer, status: int, text: str) -> None:
    """WEB-68: a redirect is not followed; of the body the first 512 octets are shown, without controls."""
    found, asked = await tried(browser, answer)
    assert (found["status"], found["error"], found["response"]) == (status, f"status {status}", text)
    assert len(asked) == 1


async def test_silence_ends_after_its_time(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEB-68"""
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.2)
    found, _ = await tried(browser, Answer(hang=True))
    assert found["status"] == 0
    assert found["error"]
    assert found["seconds"] >= 0.2


async def test_garbage_and_a_closed_port_are_errors_in_words(browser: Browser) -> None:
    """WEB-68: also an answer that is no HTTP, and one that breaks off."""
    for octets in (
        b"220 smtp.example.org ESMTP\r\n",
        b"\0" * 5000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        b"",
    ):
        async with saying(octets) as url:
            found = await browser.call("webhook_test", hook=hook(url), incoming=False)
        assert (found["status"], found["response"]) == (0, "")
        assert found["error"].isprintable()
    found = await browser.call("webhook_test", hook=hook(url), incoming=False)
    assert found["error"]
