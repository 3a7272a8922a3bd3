"""The account app's calls where a provider has POP3 alone, and searches for servers (LINK-21, LINK-29, LINK-30)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import trio
import trio.testing

from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.net.pop3client import POP3Client
from moxlite.net.resolver import MX, SRV, FakeResolver
from tests.session.test_migration_autoconfig import FIRST, PACC, SETTINGS, document, server, vouched
from tests.session.test_migration_maildrop import Drop, mail
from tests.session.test_web_account_links import FORM, logged_in, other, until
from tests.store_mail import rows
from tests.tools import eventually
from tests.web_rig import Rig

pytestmark = pytest.mark.served

__all__ = ["other"]

POP: dict[str, Any] = {**FORM, "protocol": "pop3", "host": "pop.example.net", "password": "pass word"}


@pytest.fixture
def drop(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> Drop:
    """The POP3 server of the other provider, with two messages."""
    found = Drop(a=mail("one"), b=mail("two"))

    async def connect(place: object, user: str, password: str, **options: Any) -> POP3Client:
        """In place of `net.pop3client.connect`."""
        del place, options
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(found.serve, theirs)
        client = POP3Client(ours)
        await client.greet()
        await client.log_in(user, password)
        return client

    monkeypatch.setattr("moxlite.net.pop3client.connect", connect)
    return found


def play(
    rig: Rig,
    monkeypatch: pytest.MonkeyPatch,
    pages: Mapping[str, bytes],
    records: Mapping[str, Mapping[str, Sequence[str | MX | SRV]]],
) -> list[str]:
    """The web and DNS as the server's searches find them; returns the addresses and hosts that are asked."""
    asked: list[str] = []

    async def request(self: HTTPClient, method: str, url: str, **options: Any) -> HTTPResponse:
        del self, method, options
        asked.append(url)
        if url not in pages:
            await trio.lowlevel.checkpoint()
            raise HTTPError("no answer")
        return HTTPResponse(200, (), pages[url])

    async def connect(self: HTTPClient, scheme: str, host: str, port: int) -> trio.abc.Stream:
        del self, scheme
        asked.append(f"{host}:{port}")
        await trio.lowlevel.checkpoint()
        raise HTTPError("no connection")

    monkeypatch.setattr(HTTPClient, "request", request)
    monkeypatch.setattr(HTTPClient, "connect", connect)
    monkeypatch.setattr(rig.house.links.searches, "_resolver", FakeResolver(records))
    return asked


async def test_a_mailbox_with_pop3_alone_is_found_added_and_fetched(
    other: Rig, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINK-29, LINK-30: its mail comes into Inbox below its name, and stays there."""
    play(other, monkeypatch, {FIRST: document(server("pop3", "pop.example.org", 995, "SSL"))}, {})
    browser = await logged_in(other)
    found = await browser.call("link_find", address="mia@example.org")
    assert (found["protocol"], found["incoming"]["host"], found["smtp"]) == ("pop3", "pop.example.org", None)
    await browser.call("link_add", link=POP)
    one = await until(browser, "current")
    assert (one["protocol"], one["keep_days"]) == ("pop3", None)
    async with other.account() as mia:
        assert len(await rows(mia, "Tom/Inbox")) == 2
    assert set(drop.messages) == {"a", "b"}


async def test_mail_is_removed_there_once_it_is_here(other: Rig, drop: Drop) -> None:
    """LINK-30, LINK-18: `keep_days` 0: by the look after the one that fetched it."""
    browser = await logged_in(other)
    await browser.call("link_add", link=POP | {"keep_days": 0})
    assert (await until(browser, "current"))["keep_days"] == 0
    for paused in (True, False):
        await browser.call("link_pause" if paused else "link_resume", link="Tom")
    await eventually(lambda: not drop.messages)
    async with other.account() as mia:
        assert len(await rows(mia, "Tom/Inbox")) == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tls": "none"}, "tls"),
        ({"password": "wrong"}, "password"),
        ({"protocol": "imap", "keep_days": 3}, "keep_days"),
        ({"keep_days": 4000}, "link.keep_days"),
        ({"keep_days": -1}, "link.keep_days"),
    ],
)
async def test_mistakes_of_a_mailbox_with_pop3_are_told(
    other: Rig, drop: Drop, values: dict[str, Any], field: str
) -> None:
    """LINK-30: at their fields; nothing is kept."""
    browser = await logged_in(other)
    answer = await browser.post("link_add", {"link": POP | values})
    assert answer.status == 400
    told = answer.json["error"]
    assert field in [one["field"] for one in told.get("fields", ())] or field.rpartition(".")[2] in told["message"]
    assert (await browser.call("link_list"))["items"] == []
    assert set(drop.messages) == {"a", "b"}


async def test_only_https_and_proven_settings_are_asked(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-21, LINK-29: a user's search asks by https alone, believes no settings whose digest DNS lacks, and says of
    a server of another domain that unsigned DNS alone names it.
    """
    far = {"_imaps._tcp.example.org": [SRV(0, 1, 993, "imap.far.example.")]}
    asked = play(other, monkeypatch, {SETTINGS: PACC}, {"SRV": far})
    browser = await logged_in(other)
    found = await browser.call("link_find", address="mia@example.org")
    assert (found["incoming"]["host"], found["proven"]) == ("imap.far.example", False)
    assert asked
    assert not [one for one in asked if one.startswith("http:") or one.endswith((":80", ":143", ":110", ":25"))]
    play(other, monkeypatch, {SETTINGS: PACC}, {"SRV": far, **vouched(PACC)})
    found = await browser.call("link_find", address="mia@example.org")
    assert (found["incoming"]["host"], found["incoming"]["port"], found["proven"]) == ("imap.far.example", 993, True)


async def test_one_search_of_an_account_runs_at_a_time(other: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """LINK-21: a second one is refused at once, also while the web is silent; afterwards there is another."""
    browser = await logged_in(other)
    begun, over = trio.Event(), trio.Event()

    async def request(self: HTTPClient, method: str, url: str, **options: Any) -> HTTPResponse:
        del self, method, url, options
        begun.set()
        await over.wait()
        raise HTTPError("no answer")

    play(other, monkeypatch, {}, {})
    monkeypatch.setattr(HTTPClient, "request", request)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(browser.post, "link_find", {"address": "mia@example.org"})
        await begun.wait()
        answer = await browser.post("link_find", {"address": "mia@example.net"})
        assert answer.json["error"]["fields"][0]["text"].startswith("another server lookup is running")
        over.set()
    answer = await browser.post("link_find", {"address": "mia@example.net"})
    assert [one["field"] for one in answer.json["error"]["fields"]] == ["host"]
