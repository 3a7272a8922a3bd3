"""Room for requests and answers of JMAP (STORE-198a)."""

import itertools
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.ledger import REFUSED, Hold, Ledger, begin, ledger, own
from moxlite.processor import act_for
from moxlite.web.jmap import app, streams
from moxlite.web.jmap.protocol import ON_LOOP, encoded, read_object
from tests.jmap_rig import ACCOUNT, Client, Object, rig
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["rig"]


async def test_requests_wait_for_room_before_they_are_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-5a, STORE-198a: what a request takes with its values is held from before its body to its answer; short ones
    are not held up, and all is given back.
    """
    begin(64 << 20)
    running, most, short = 0, 0, 0
    reading, all_wait, answered = trio.Event(), trio.Event(), trio.Event()
    make_room = Ledger.make_room

    def looked(book: Ledger, ask: Any) -> None:
        if len(book.asks) == 3:
            all_wait.set()
        make_room(book, ask)

    async def read_slowly(octets: bytes) -> Object:
        nonlocal running, most
        if len(octets) > ON_LOOP:
            running, most = running + 1, max(most, running + 1)
            reading.set()
            await answered.wait()
        return await read_object(octets)

    async def encode_last(found: Object) -> bytes:
        nonlocal running, short
        octets = await encoded(found)
        if isinstance(found, dict):
            if len(octets) > ON_LOOP:
                running -= 1
            else:
                short += running
        return octets

    monkeypatch.setattr(Ledger, "make_room", looked)
    monkeypatch.setattr(app, "read_object", read_slowly)
    monkeypatch.setattr(app, "encoded", encode_last)
    text = "x" * 2_000_000  # of which the share of an account, 32 MiB, has room for one with all that it takes

    async def echo(words: str) -> None:
        own = Client(rig)
        assert (await own.call("Core/echo", text=words))["text"] == words

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(echo, text)
            await reading.wait()
            await all_wait.wait()
            await echo("y")
            answered.set()
    assert (most, short) == (1, 1)
    await trio.testing.wait_all_tasks_blocked()
    assert ledger().octets == 0


async def test_an_answer_waits_for_room_and_is_refused_in_its_words(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a: a text with an emoji, a card of many lines, and mailboxes fifty times; alone all of them pass."""
    client = Client(rig)
    body = "x" * 3_000_000 + "\N{GRINNING FACE}"
    number = await client.imported(
        b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode() + b"\r\n"
    )
    asked: Object = {"ids": [number], "properties": ["bodyValues"], "fetchTextBodyValues": True}
    begin(64 << 20)
    [found] = (await client.call("Email/get", **asked))["list"]
    assert found["bodyValues"]["1"]["value"].startswith(body)
    await trio.testing.wait_all_tasks_blocked()
    assert ledger().octets == 0
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    act_for(ACCOUNT[1:])
    held = ledger().hold()
    await held.take("answer", 20 << 20)
    own("")
    assert await client.error("Email/get", **asked) == "serverUnavailable"
    assert REFUSED.labels(kind="answer").value > 0
    held.close()
    assert (await client.call("Email/get", **asked))["list"] == [found]


async def test_header_fields_of_an_answer_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """JMAP-5: one long field in many spellings, many addresses, and many parts, against a lower limit."""
    monkeypatch.setattr(streams, "TEXTS", 1 << 20)
    client = Client(rig)
    long = await client.imported(b"Xlong: " + b"x\r\n " * 20_000 + b"x\r\nSubject: x\r\n\r\nx\r\n")
    spelled = [f"header:{''.join(letters)}" for letters in itertools.product("xX", "lL", "oO", "nN", "gG")]
    [found] = (await client.call("Email/get", ids=[long], properties=spelled[:1]))["list"]
    assert len(found["header:xlong"]) > 60_000
    assert await client.error("Email/get", ids=[long], properties=spelled) == "requestTooLarge"
    absent = [f"header:X-{index}" for index in range(900)]
    several = [await client.imported(b"Subject: %d\r\n\r\nx\r\n" % one) for one in range(30)]
    assert await client.error("Email/get", ids=several, properties=absent) == "requestTooLarge"
    to = await client.imported(b"To: " + b"a@b.example,\r\n " * 3_000 + b"c@b.example\r\n\r\nx\r\n")
    names = [f"header:{name}:asAddresses{every}" for name in ("to", "To") for every in ("", ":all")]
    [found] = (await client.call("Email/get", ids=[to], properties=names[:2]))["list"]
    assert (len(found[names[0]]), len(found[names[1]])) == (3_001, 1)
    assert await client.error("Email/get", ids=[to], properties=names) == "requestTooLarge"
    parts = b"Content-Type: multipart/mixed; boundary=b\r\nSubject: y\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 900
    many = [await client.imported(parts + b"--b--\r\n%d\r\n" % one) for one in range(2)]
    shown = ["bodyStructure", "textBody", "htmlBody", "attachments"]
    assert len((await client.call("Email/get", ids=many[:1], properties=shown))["list"]) == 1
    assert await client.error("Email/get", ids=many, properties=shown) == "requestTooLarge"


async def test_parts_of_uploads_are_looked_for_in_room_of_the_ledger(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-198a: a call and a download are refused in their words; with room both get the part, and all comes back."""
    client = Client(rig)
    blob = await client.upload(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + b"x" * 5_000_000 + b"\r\n--b--\r\n"
    )
    begin(64 << 20)
    monkeypatch.setattr(Hold.take, "__defaults__", (0.1,))
    held = ledger().hold()
    held.count("spool", 60 << 20)
    asked: Object = {"ids": [f"{blob}-1"], "properties": ["size"]}
    assert await client.error("Blob/get", **asked) == "serverUnavailable"
    target = f"/jmap/download/{client.account}/{blob}-1/x"
    assert (await client.http("GET", target)).status == 503
    held.close()
    assert (await client.call("Blob/get", **asked))["list"] == [{"id": f"{blob}-1", "size": 5_000_000}]
    assert (await client.http("GET", target)).status == 200
    await trio.testing.wait_all_tasks_blocked()
    assert ledger().octets == 0
