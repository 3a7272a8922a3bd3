"""Outages of the storage below a stand-by in mode sync: full, read-only, slow, away for a week (STORE-186f)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from moxlite.admin.doctor import running as doctor_module
from moxlite.admin.doctor.running import standby_findings
from moxlite.admin.standby import control, following as following_module, replicating, waiting
from moxlite.admin.standby.following import Follower, Source
from moxlite.admin.standby.layout import STATE, State, read_document
from moxlite.admin.standby.status import first_words, second_words
from moxlite.proto.sshurl import parse_object_url
from tests.house import Running, house, soon
from tests.objectstorage import Bucket, bucket
from tests.session.test_admin_standby import copied, deliver, identity, program, settings, subjects
from tests.session.test_admin_standby_programs import answer

__all__ = ["bucket", "identity"]

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

URL = "s3://bucket/outage"
WEEK = 7 * 86_400.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than on a machine at rest."""
    for name, seconds in {"BEAT": 0.3, "SAY": 0.5, "TELL": 0.5, "AWAY": 2.0}.items():
        monkeypatch.setattr(replicating, name, seconds)
    for name, seconds in {"BEAT": 0.3, "PAUSE": 0.5, "SILENT": 2.0, "RETELL": 1.0}.items():
        monkeypatch.setattr(following_module, name, seconds)
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)


@asynccontextmanager
async def pair(tmp_path: Path, bucket: Bucket, identity: Path) -> AsyncIterator[tuple[Running, Follower]]:
    """A first machine in mode sync that refuses, and a second one that follows it."""
    keys = bucket.keys_file(tmp_path / "keys")
    more = f'storage_keys_file = "{keys}"\nmode = "sync"\ntarget_away = "refuse"\n'
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=program())
    follower = Follower(source, tmp_path / "second")
    async with house(tmp_path, static=settings(tmp_path, identity, URL) + more) as h, trio.open_nursery() as nursery:
        nursery.start_soon(follower.serve)
        await deliver(h, "before")
        await soon(lambda: "before" in subjects(copied(tmp_path)), "the first message is copied")
        await soon(lambda: follower.followed.current > 0 and not follower.followed.behind, "all is current")
        yield h, follower
        nursery.cancel_scope.cancel()


def state(h: Running) -> State:
    """The state of the first machine, as commands read it."""
    found = read_document(h.house.static.data_dir / STATE, State)
    assert found is not None
    return found


BUSY = "server returned 503 Service Unavailable, SlowDown"
FAULTS = {
    "full": ("server returned 507 Insufficient Storage, InsufficientCapacity", "no update from"),
    "read-only": (
        "the storage service rejected the keys: server returned 403 Forbidden, AccessDenied",
        "no update from",
    ),
    "busy": (BUSY, BUSY),
    "slow": ("doesn't accept changes, or is very slow", "no response for"),
}


def begin(bucket: Bucket, fault: str) -> None:
    """Let the storage fail."""
    match fault:
        case "full":
            bucket.refusing = (507, "InsufficientCapacity")
        case "read-only":
            bucket.refusing = (403, "AccessDenied")
        case "busy":
            bucket.failing = 1_000_000
        case _:
            bucket.slow = 6.0


def end(bucket: Bucket) -> None:
    """Let the storage be well."""
    bucket.refusing, bucket.failing, bucket.slow = None, 0, 0.0


async def send_until(h: Running, code: str, sent: list[str], acknowledged: set[str]) -> None:
    """Send messages until one is answered so."""
    with trio.fail_after(120):
        said = ""
        while not said.startswith(code):
            sent.append(f"{code}-{len(sent)}")
            said = await answer(h, sent[-1])
            if said.startswith("250"):
                acknowledged.add(sent[-1])


@pytest.mark.landing("full")
@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_acknowledged_is_lost_in_an_outage(
    tmp_path: Path, bucket: Bucket, identity: Path, fault: str
) -> None:
    """STORE-186f, STORE-186c: while the storage fails mail gets 451, and both sides say why; what got 250 is in the
    target at any moment, so a second machine that takes over then has it.
    """
    first, second = FAULTS[fault]
    sent: list[str] = []
    acknowledged = {"before"}
    async with pair(tmp_path, bucket, identity) as (h, follower):
        begin(bucket, fault)
        await send_until(h, "451", sent, acknowledged)
        await soon(lambda: first in state(h).problem, "the words of the first machine")
        (found,) = standby_findings(h.house.static)
        assert first in found.detail
        await soon(lambda: second in follower.followed.problem, "the words of the second machine")
        told = follower.followed
        assert any(second in line for line in second_words(told, time.time()))
        for _ in range(5):
            assert time.time() - state(h).at < 5, "a slow target is no server that hangs"
            assert time.time() - follower.followed.at < 5
            await trio.sleep(0.5)
        end(bucket)
        await send_until(h, "250", sent, acknowledged)
    second_copy = Follower(
        Source(target=parse_object_url(URL), access=bucket.keys, program=program()), tmp_path / "third"
    )
    with trio.fail_after(200):
        assert await second_copy.catch_up(180) == []
    assert subjects(tmp_path / "third/data/accounts/mia/account.db") >= acknowledged


@pytest.mark.nightly
async def test_storage_that_is_gone_for_a_week_comes_back(
    tmp_path: Path,
    bucket: Bucket,
    identity: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """STORE-186, STORE-186c: after a week both sides tell for how long, the log has some lines, not one for each
    second, and all is copied when the storage is back.
    """
    shift = [0.0]
    clock = SimpleNamespace(time=lambda: time.time() + shift[0], monotonic=lambda: time.monotonic() + shift[0])
    for module in (control, replicating, following_module, doctor_module):
        monkeypatch.setattr(module, "time", clock)
    sent: list[str] = []
    acknowledged = {"before"}
    async with pair(tmp_path, bucket, identity) as (h, follower):
        begin(bucket, "busy")
        await send_until(h, "451", sent, acknowledged)
        for _ in range(7):
            shift[0] += WEEK / 7
            await soon(lambda: state(h).lag >= shift[0], "the day")
            assert (await answer(h, f"day-{len(sent)}")).startswith("451")
        assert any("168 h behind" in line for line in first_words(state(h), clock.time()))
        (found,) = standby_findings(h.house.static)
        assert found.code == "standby-behind"
        await soon(lambda: follower.followed.at > time.time() + WEEK - 60, "the second machine's week")
        assert any("168 h ago" in line for line in second_words(follower.followed, clock.time()))
        ours = [
            one
            for one in caplog.records
            if one.message in ("standby server falling behind", "database copies are outdated")
        ]
        assert len(ours) <= 8
        assert sum(one.message == "Litestream output" for one in caplog.records) <= 3 * replicating.LOG_BURST
        end(bucket)
        await send_until(h, "250", sent, acknowledged)
        await soon(lambda: subjects(copied(tmp_path)) >= acknowledged, "all messages")
        await soon(lambda: not state(h).problem and state(h).lag < 60, "all is well")
