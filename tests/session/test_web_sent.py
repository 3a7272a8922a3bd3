"""Mail that was sent, and the way it goes: by the webmail's calls."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from moxlite.proto.address import Domain
from moxlite.proto.dsn import DSN, Action, DSNRecipient, compose_dsn
from moxlite.proto.mime.types import MailAddress
from moxlite.queue.operating import SentMessages
from moxlite.queue.queue import Queue
from moxlite.store.delivery.reputation import set_domain_tls
from moxlite.store.delivery.status import RecipientStatus, State
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.types import Flag
from moxlite.submission.outgoing import Assurance
from moxlite.wakeup import Wakeup
from moxlite.web.webmail.calls import composing
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig, serving

pytestmark = pytest.mark.served

MESSAGE = b"From: mia@example.org\r\nMessage-ID: <one@example.org>\r\nSubject: x\r\n\r\nx\r\n"


class Deliveries:
    """In the place of the queue."""

    def __init__(self) -> None:
        self.rows = [RecipientStatus(id=7, recipient="bob@remote.example", state=State.QUEUED, queued=0, attempts=1)]
        self.wakeups: set[Wakeup] = set()
        self.watched = trio.Event()
        self.done: list[tuple[str, str, tuple[int, ...]]] = []

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        return self.rows if (account, message_id) == ("mia", "<one@example.org>") else []

    @contextmanager
    def watch(self, account: str, wakeup: Wakeup | None = None) -> Iterator[Wakeup]:
        wakeup = wakeup or Wakeup()
        self.wakeups.add(wakeup)
        self.watched.set()
        yield wakeup
        self.wakeups.discard(wakeup)

    async def try_now(self, account: str, ids: Sequence[int]) -> int:
        self.done.append(("try", account, tuple(ids)))
        return len(ids)

    async def cancel(self, account: str, ids: Sequence[int]) -> int:
        self.done.append(("cancel", account, tuple(ids)))
        return len(ids)


@pytest.fixture
def deliveries() -> Deliveries:
    return Deliveries()


@pytest.fixture
async def rig(tmp_path: Path, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A server whose queue knows of these deliveries, and of other domains."""

    async def assure(_: Queue, domain: Domain) -> Assurance:
        assert domain.ascii == "remote.example"
        return Assurance("yes", "no", "error")

    monkeypatch.setattr(Queue, "assure", assure)
    for name in ("status", "watch", "try_now", "cancel"):
        method = getattr(deliveries, name)
        monkeypatch.setattr(SentMessages, name, lambda _, *given, method=method: method(*given))
    async with serving(tmp_path) as found:
        yield found


async def sent(rig: Rig, octets: bytes = MESSAGE) -> int:
    async with rig.account() as account:
        return (await deliver_mail(account, octets, "Sent")).message_id


async def test_a_sent_message_tells_what_became_of_it(rig: Rig, browser: Browser, deliveries: Deliveries) -> None:
    """WEBMAIL-138: by recipient; a browser that knows the state hears of the next one at once."""
    message_id = await sent(rig)
    report = await browser.call("delivery_status", message_id=message_id)
    [one] = report["recipients"]
    assert (one["recipient"], one["state"], one["attempts"], one["ended"]) == ("bob@remote.example", "queued", 1, None)
    news: list[str] = []
    deliveries.watched = trio.Event()

    async def wait() -> None:
        later = await browser.call("delivery_status", message_id=message_id, seen=report["seen"])
        news.append(later["recipients"][0]["state"])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        with trio.fail_after(30):
            await deliveries.watched.wait()
        deliveries.rows = [msgspec.structs.replace(deliveries.rows[0], state=State.DELIVERED, ended=5, tls="dane")]
        for wakeup in deliveries.wakeups:
            wakeup.set()
    assert news == ["delivered"]


def notice(recipient: str, *, about: str = "<one@example.org>", action: Action = Action.FAILED) -> bytes:
    """A DSN as a host of others makes it."""
    said = DSNRecipient(final_recipient=recipient, action=action, status="5.1.1", diagnostic="550 5.1.1 no such user")
    return compose_dsn(
        DSN(reporting_mta="mx.remote.example", recipients=(said,), arrival=0),
        to=MailAddress("", "mia", "example.org"),
        subject="failed",
        message_id=f"<{os.urandom(8).hex()}@remote.example>",
        date=0,
        references=about,
        original=f"Message-ID: {about}\r\nSubject: x\r\n\r\n".encode(),
    )


async def test_a_notice_that_comes_back_is_believed(rig: Rig, browser: Browser, deliveries: Deliveries) -> None:
    """WEBMAIL-138: a host has taken the message for two recipients, and tells later that one is unknown."""
    message_id = await sent(rig)
    [bob] = deliveries.rows
    delivered = msgspec.structs.replace(bob, state=State.DELIVERED, ended=5)
    deliveries.rows = [delivered, msgspec.structs.replace(delivered, id=8, recipient="ann@REMOTE.example")]
    report = await browser.call("delivery_status", message_id=message_id)
    assert [one["state"] for one in report["recipients"]] == ["delivered", "delivered"]
    news: list[dict[str, Any]] = []

    async def wait() -> None:
        news.append(await browser.call("delivery_status", message_id=message_id, seen=report["seen"]))

    deliveries.watched = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        with trio.fail_after(30):
            await deliveries.watched.wait()
        async with rig.account() as account:
            await deliver_mail(account, notice("ann@remote.example"))
    first, second = news[0]["recipients"]
    assert (first["state"], second["state"]) == ("delivered", "failed")
    assert second["error"] == "A notice of mx.remote.example says: 550 5.1.1 no such user"


@pytest.mark.parametrize(
    ("octets", "flags"),
    [
        (notice("bob@remote.example", about="<other@example.org>"), Flag(0)),
        (notice("else@remote.example"), Flag(0)),
        (notice("bob@remote.example", action=Action.DELAYED), Flag(0)),
        (notice("bob@remote.example"), Flag.JUNK),
    ],
)
async def test_other_notices_change_nothing(
    rig: Rig, browser: Browser, deliveries: Deliveries, octets: bytes, flags: Flag
) -> None:
    """WEBMAIL-138: about another message or recipient, of a delay, and what is taken for junk."""
    message_id = await sent(rig)
    deliveries.rows = [msgspec.structs.replace(deliveries.rows[0], state=State.DELIVERED, ended=5)]
    async with rig.account() as account:
        came = await deliver_mail(account, octets)
        await account.write(lambda tx: store_flags_ids(tx, [came.message_id], mode="add", flags=flags))
    report = await browser.call("delivery_status", message_id=message_id)
    assert [one["state"] for one in report["recipients"]] == ["delivered"]


async def test_a_message_that_was_not_sent_here_has_no_recipients(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-138, WEBMAIL-113."""
    other = await sent(rig, b"Subject: no id\r\n\r\nx\r\n")
    assert (await browser.call("delivery_status", message_id=other))["recipients"] == []
    assert await browser.error("delivery_status", message_id=9999) == (404, "user:notFound")


async def test_a_delivery_is_tried_now_or_canceled(browser: Browser, deliveries: Deliveries) -> None:
    """WEBMAIL-138: of the own account only."""
    assert await browser.call("delivery_retry", delivery_ids=[7]) == 1
    assert await browser.call("delivery_cancel", delivery_ids=[7, 8]) == 2
    assert deliveries.done == [("try", "mia", (7,)), ("cancel", "mia", (7, 8))]


async def test_the_way_to_an_address(rig: Rig, browser: Browser) -> None:
    """WEBMAIL-94: what its hosts offered the last time, and what is found out now; nothing about our own."""
    nothing = {"starttls": "", "requiretls": "", "mtasts": "", "dnssec": "", "dane": ""}
    found = {**nothing, "mtasts": "yes", "dnssec": "no", "dane": "error"}
    assert await browser.call("recipient_security", address="bob@remote.example") == found
    async with rig.account() as account:
        await account.write(lambda tx: set_domain_tls(tx, "remote.example", starttls=True, requiretls=False))
    known = await browser.call("recipient_security", address="bob@REMOTE.example")
    assert known == {**found, "starttls": "yes", "requiretls": "no"}
    assert await browser.call("recipient_security", address="tom@example.org") == nothing
    assert await browser.error("recipient_security", address="no address") == (400, "user:error")


async def test_lookups_of_one_account_leave_turns_to_others(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """WEBMAIL-94: however many recipients the pages of one user ask about."""
    for name, value in (("_each", 1), ("_seconds", 0.1)):
        monkeypatch.setattr(composing.LOOKUPS, name, value)
    async with composing.LOOKUPS.turn("mia"):
        assert (await browser.error("recipient_security", address="bob@remote.example"))[0] == 503
        async with composing.LOOKUPS.turn("tom"):
            pass
