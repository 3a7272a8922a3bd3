"""Leaving lists and newsletters: the ways that a message offers, the one request, what is remembered (WEBMAIL-136)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moxlite.net.httpclient import HTTPClient, HTTPError, HTTPResponse
from moxlite.store.accounts.opened import OpenAccount
from moxlite.store.delivery.perform import append
from moxlite.store.mail.adding import Append
from moxlite.web.webmail import unsubscribing
from tests.store_mail import box, prepared
from tests.web_rig import Browser, Rig

pytestmark = pytest.mark.served

SIGNATURE = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s; h={names};\r\n"
    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
)
BOTH = "from:subject:list-unsubscribe:list-unsubscribe-post"
POST = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
URL = "https://shop.example/leave?u=1"


class Peer:
    """The sender's server, in the place of the client's requests."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[tuple[str, str, Sequence[tuple[str, str]], bytes]] = []

    async def request(self, _: HTTPClient, method: str, url: str, **how: Any) -> HTTPResponse:
        self.asked.append((method, url, how["headers"], how["body"]))
        if self.status == 0:
            raise HTTPError("connection refused")
        return HTTPResponse(self.status, (), b"")


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Peer:
    """A sender's server that agrees."""
    found = Peer()
    monkeypatch.setattr(HTTPClient, "request", lambda *given, **how: found.request(*given, **how))
    return found


async def put(account: OpenAccount, fields: str, *, signer: str = "shop.example", days: int = 0) -> int:
    """A message with these fields, received some days from now, whose signature of a domain passed; its id."""
    text = f"From: Shop <news@shop.example>\r\nSubject: News\r\n{fields}\r\nHello\r\n"
    received = (datetime.now(UTC) + timedelta(days=days) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )
    item = Append(await prepared(text.encode()), received=received)
    [one] = await append(account, (await box(account, "Inbox")).id, [item])
    if signer:
        row = "INSERT INTO message_smtp (message_id, received, size, dkim) VALUES (?, ?, ?, json_array(?))"
        await account.write(lambda tx: tx.execute(row, one.message_id, received, len(text), signer))
    return int(one.message_id)


def listed(*uris: str) -> str:
    return "List-Unsubscribe: " + ", ".join(f"<{uri}>" for uri in uris) + "\r\n"


def signed(names: str = BOTH, domain: str = "shop.example") -> str:
    return SIGNATURE.format(domain=domain, names=names)


async def test_one_click_is_one_request_of_the_server(rig: Rig, browser: Browser, peer: Peer) -> None:
    """WEBMAIL-136, RFC 8058 §3.1: the request has no cookies; the sender is remembered, also for its other messages."""
    async with rig.account() as account:
        first = await put(account, signed() + listed("mailto:leave@shop.example", URL) + POST)
        later = await put(account, signed() + listed(URL) + POST, days=11)
        soon = await put(account, signed() + listed(URL) + POST, days=9)
    found = (await browser.call("parsed_message", message_id=first))["unsubscribe"]
    assert (found["one_click"], found["host"], found["mailto"]) == (URL, "shop.example", "mailto:leave@shop.example")
    assert (found["at"], found["still_sends"]) == (None, False)
    await browser.call("unsubscribe", message_id=first, by_post=True)
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    assert peer.asked == [("POST", URL, form, b"List-Unsubscribe=One-Click")]
    for message_id, still in ((first, False), (soon, False), (later, True)):
        found = (await browser.call("parsed_message", message_id=message_id))["unsubscribe"]
        assert found["at"] is not None
        assert found["still_sends"] is still


@pytest.mark.parametrize(
    ("fields", "signer"),
    [
        (signed() + listed(URL), "shop.example"),
        (signed() + listed(URL.replace("https", "http")) + POST, "shop.example"),
        (signed("from:subject:list-unsubscribe") + listed(URL) + POST, "shop.example"),
        (signed("from:subject") + signed() + listed(URL) + POST, "shop.example"),
        (signed() + listed(URL) + listed("https://evil.example/") + POST, "shop.example"),
        (signed() + listed(URL) + POST, "other.example"),
        (signed() + listed(URL) + POST, ""),
        (signed() + listed("https://a@shop.example/") + POST, "shop.example"),
    ],
)
async def test_one_click_needs_proof_for_both_fields(
    rig: Rig, browser: Browser, peer: Peer, fields: str, signer: str
) -> None:
    """WEBMAIL-136: https, both fields once, and covered by all signatures of a domain that passed."""
    async with rig.account() as account:
        message_id = await put(account, fields, signer=signer)
    found = (await browser.call("parsed_message", message_id=message_id))["unsubscribe"]
    assert found is None or found["one_click"] == ""
    assert await browser.error("unsubscribe", message_id=message_id, by_post=True) == (400, "user:error")
    assert peer.asked == []


@pytest.mark.parametrize("status", [0, 302, 404, 500])
async def test_a_refusal_is_told_and_not_remembered(rig: Rig, browser: Browser, peer: Peer, status: int) -> None:
    """WEBMAIL-136: a redirect is a refusal; then the user may go another way, which is remembered."""
    peer.status = status
    async with rig.account() as account:
        message_id = await put(account, signed() + listed(URL) + POST)
    assert await browser.error("unsubscribe", message_id=message_id, by_post=True) == (400, "user:error")
    assert (await browser.call("parsed_message", message_id=message_id))["unsubscribe"]["at"] is None
    await browser.call("unsubscribe", message_id=message_id, by_post=False)
    assert (await browser.call("parsed_message", message_id=message_id))["unsubscribe"]["at"] is not None
    assert len(peer.asked) == 1


async def test_hostile_fields_offer_nothing(rig: Rig, browser: Browser, peer: Peer) -> None:
    """WEBMAIL-136: other schemes, no address, a flood of brackets."""
    async with rig.account() as account:
        for fields in (
            listed("javascript:alert(1)", "ftp://a.example/", "https://", "mailto:"),
            "List-Unsubscribe: " + "<" * 60_000 + "\r\n",
            "List-Unsubscribe: https://shop.example/\r\n",
        ):
            message_id = await put(account, signed() + fields + POST)
            assert (await browser.call("parsed_message", message_id=message_id))["unsubscribe"] is None


async def test_what_was_left_is_bounded(
    rig: Rig, browser: Browser, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEBMAIL-136: the oldest are forgotten; a list is known by its id, whoever writes."""
    monkeypatch.setattr(unsubscribing, "KEPT", 2)
    async with rig.account() as account:
        ids = [await put(account, f"List-Id: <l{n}.example>\r\n" + listed(URL)) for n in range(3)]
    for message_id in ids:
        await browser.call("unsubscribe", message_id=message_id, by_post=False)
    left = [(await browser.call("parsed_message", message_id=one))["unsubscribe"]["at"] is not None for one in ids]
    assert left == [False, True, True]
