"""Mail that was sent, and the way it goes: by the webmail's calls."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.bell import Bell
from moxlite.proto.address import Domain
from moxlite.queue.queue import Queue
from moxlite.store.delivery.reputation import set_domain_tls
from moxlite.store.delivery.status import RecipientStatus, State
from moxlite.submission.assurance import Assurance
from tests.store_mail import deliver_mail
from tests.web_rig import Browser, Rig, open_rig

pytestmark = pytest.mark.served

MESSAGE = b"From: mia@example.org\r\nMessage-ID: <one@example.org>\r\nSubject: x\r\n\r\nx\r\n"


class Deliveries:
    """In the place of the queue."""

    def __init__(self) -> None:
        self.rows = [RecipientStatus(id=7, recipient="bob@remote.example", state=State.QUEUED, queued=0, attempts=1)]
        self.bells: set[Bell] = set()
        self.watched = trio.Event()
        self.done: list[tuple[str, str, tuple[int, ...]]] = []

    async def status(self, account: str, message_id: str) -> list[RecipientStatus]:
        return self.rows if (account, message_id) == ("mia", "<one@example.org>") else []

    @contextmanager
    def watch(self, account: str) -> Iterator[Bell]:
        bell = Bell()
        self.bells.add(bell)
        self.watched.set()
        yield bell
        self.bells.discard(bell)

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
        monkeypatch.setattr(Queue, name, lambda _, *given, method=method: method(*given))
    async with trio.open_nursery() as nursery:
        found = await open_rig(tmp_path, nursery)
        yield found
        nursery.cancel_scope.cancel()


@pytest.fixture
async def browser(rig: Rig) -> Browser:
    found = rig.browser()
    await found.log_in()
    return found


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
        for bell in deliveries.bells:
            bell.ring()
    assert news == ["delivered"]


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
