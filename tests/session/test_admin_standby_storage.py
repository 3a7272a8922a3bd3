"""Object storage that is full, read-only, slow, blind or a liar, below a stand-by (STORE-186)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from moxlite.admin.standby import following as following_module, holding as holding_module, replicating
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.lease import Lease
from moxlite.process.errors import Replaced
from moxlite.proto.sshurl import parse_object_url
from tests.house import Running, house, soon
from tests.objectstorage import Bucket, bucket
from tests.session.test_admin_standby import copied, deliver, identity, program, quick, settings, subjects

__all__ = ["bucket", "identity", "quick"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

URL = "s3://bucket/away"


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what is wrong, and try again, more often."""
    monkeypatch.setattr(replicating, "SAY", 0.5)
    monkeypatch.setattr(following_module, "PAUSE_LAST", 0.2)


def source(bucket: Bucket) -> Source:
    """The storage as the second machine has it."""
    return Source(target=parse_object_url(URL), access=bucket.keys, program=program())


@asynccontextmanager
async def pair(tmp_path: Path, bucket: Bucket, identity: Path) -> AsyncIterator[tuple[Running, Follower]]:
    """A first machine, and a second one that follows it."""
    keys = bucket.keys_file(tmp_path / "keys")
    static = settings(tmp_path, identity, URL) + f'storage_keys_file = "{keys}"\n'
    follower = Follower(source(bucket), tmp_path / "second")
    async with house(tmp_path, static=static) as h, trio.open_nursery() as nursery:
        nursery.start_soon(follower.serve)
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message is copied")
        yield h, follower
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fault", [(507, "InsufficientCapacity"), (403, "AccessDenied")], ids=["full", "read-only"])
async def test_storage_that_takes_nothing_is_told_and_mail_goes_on(
    tmp_path: Path, bucket: Bucket, identity: Path, fault: tuple[int, str]
) -> None:
    """STORE-186: both sides have a word for it, the server stays ready, and all is copied when it takes again."""
    async with pair(tmp_path, bucket, identity) as (h, _):
        bucket.refusing = fault
        await deliver(h, "meanwhile")
        await soon(lambda: "the standby server can take over" not in h.house.notes[0](), "the note")
        assert (await h.readiness())[0] == 200
        bucket.refusing = None
        await soon(lambda: "meanwhile" in subjects(copied(tmp_path)), "the message that came meanwhile")


@pytest.mark.nightly
async def test_slow_storage_delays_copies_and_nothing_else(tmp_path: Path, bucket: Bucket, identity: Path) -> None:
    """STORE-186: each answer takes seconds; mail is taken at once."""
    async with pair(tmp_path, bucket, identity) as (h, _):
        bucket.slow = 2.0
        with trio.fail_after(60):
            await deliver(h, "one", "two", "three")
        bucket.slow = 0.0
        await soon(lambda: "three" in subjects(copied(tmp_path)), "the messages")


@pytest.mark.nightly
async def test_a_listing_that_lacks_copies_is_not_believed(tmp_path: Path, bucket: Bucket, identity: Path) -> None:
    """STORE-186h: a take-over from storage that lists less than was copied would lose it: it waits, and says so."""
    async with pair(tmp_path, bucket, identity) as (_, follower):
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
    new = Follower(source(bucket), tmp_path / "third")
    bucket.blind = True
    assert "accounts/mia/account.db" in await new.catch_up(3.0)
    bucket.blind = False
    assert await new.catch_up(300.0) == []
    assert "before" in subjects(tmp_path / "third/data/accounts/mia/account.db")


async def test_a_lease_that_another_machine_got_by_a_lie_is_noticed(
    tmp_path: Path, bucket: Bucket, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186g: storage that honoured conditions at the start does so no more: the owner looks before it writes."""
    monkeypatch.setattr(holding_module, "RENEW", 0.2)
    monkeypatch.setattr(holding_module, "end_process", lambda *_: None)
    keys = bucket.keys_file(tmp_path / "keys")
    static = settings(tmp_path, identity, URL) + f'storage_keys_file = "{keys}"\nlease = true\n'
    ended = pytest.RaisesGroup(pytest.RaisesExc(Replaced, match="mx2.example.org"), flatten_subgroups=True)
    with ended:
        async with house(tmp_path, static=static) as h:
            lease = h.house.files.lease
            assert lease is not None
            await soon(lambda: lease.holding.left > 0, "the lease")
            bucket.conditions = False
            [name] = [one for one in bucket.objects if one.endswith("lease.json")]
            words = msgspec.json.encode(Lease("other", 2, "holder", "origin", "mx2.example.org"))
            with trio.fail_after(120):
                while not lease.holding.taken:  # the owner may write between its look and ours
                    with bucket.guard:
                        bucket.objects[name] = words
                    await trio.sleep(0.05)
            assert lease.holding.left <= 0
            assert "mx2.example.org" in lease.state().taken
