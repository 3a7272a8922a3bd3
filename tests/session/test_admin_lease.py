"""The lease of a stand-by, held in the object storage of the tests (STORE-186g)."""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pyrage
import pytest
import trio

from moxlite import __version__
from moxlite.admin.standby import control, holding as holding_module, lease as lease_module, replicating, takingover
from moxlite.admin.standby.following import Source
from moxlite.admin.standby.holding import LeaseStatus
from moxlite.admin.standby.layout import EpochStart, Head, StandbyState, claim, read_handed, read_head
from moxlite.admin.standby.lease import (
    LEASE,
    Lease,
    LeaseTaken,
    Watch,
    read_lease,
    renew,
    take,
    try_conditions,
    was_stopped,
)
from moxlite.admin.standby.takingover import Candidate
from moxlite.net.control.client import CtlFailed
from moxlite.net.storage.objectstore import ObjectStore
from moxlite.operations.standby import HandedOver
from moxlite.process.errors import REPLACED, Replaced, StartFailed
from moxlite.proto.sshurl import parse_object_url
from moxlite.store.errors import NoLease
from tests.house import STATIC, Running, house, soon
from tests.objectstorage import Bucket, serving
from tests.running import ServedServer

pytestmark = [pytest.mark.served, pytest.mark.slow, pytest.mark.integration]

URL = "s3://bucket/pair"


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as found:
        yield found


@pytest.fixture
def storage(bucket: Bucket, tmp_path: Path) -> ObjectStore:
    return store(bucket, tmp_path / "scratch")


def store(bucket: Bucket, scratch: Path) -> ObjectStore:
    scratch.mkdir(exist_ok=True)
    return ObjectStore(parse_object_url(URL), scratch, keys=bucket.keys, pauses=(), seconds=2)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A lease of seconds in place of a minute; the ends of processes are noted."""
    monkeypatch.setattr(holding_module, "RENEW", 0.3)
    monkeypatch.setattr(holding_module, "RETRY", 0.1)
    monkeypatch.setattr(holding_module, "REQUEST", 1.0)
    monkeypatch.setattr(holding_module, "SILENT", 3.0)
    monkeypatch.setattr(replicating, "BEAT", 0.3)
    ended: list[Path] = []
    monkeypatch.setattr(holding_module, "end_process", lambda data, _: ended.append(data))
    return ended


def settings(tmp_path: Path, bucket: Bucket, more: str = "") -> str:
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{name} = {text}\n" for name, text in bucket.keys.items()))
    public = pyrage.x25519.Identity.generate().to_public()
    section = f'target = "{URL}"\nstorage_keys_file = "{keys}"\nencrypt_to = ["{public}"]\nlease = true\n{more}'
    return f'user = "0"\n{STATIC}\n[standby]\n{section}\n'


def lease(epoch: int = 1, owner: str = "a", holder: str = "h") -> Lease:
    return Lease(owner, epoch, holder, "origin", "mx.example.org")


async def send(h: Running) -> str:
    """The answer to a message."""
    smtp = await h.smtp()
    for line in ("MAIL FROM:<a@elsewhere.example>", "RCPT TO:<mia@example.org>"):
        answer = await smtp.say(line)
        if not answer.startswith("250"):
            return answer
    assert (await smtp.say("DATA")).startswith("354")
    return await smtp.say(f"From: a@elsewhere.example\r\nMessage-ID: <{time.monotonic_ns()}@x>\r\n\r\nText.\r\n.")


def test_storage_without_conditions_is_refused(bucket: Bucket, storage: ObjectStore) -> None:
    """STORE-186g: storage that says 200 to a write that must lose is no place for a lease; nothing is left there."""
    try_conditions(storage)
    assert bucket.objects == {}
    bucket.conditions = False
    with pytest.raises(OSError, match="conditional writes aren't supported"):
        try_conditions(storage)
    assert bucket.objects == {}


def test_of_two_that_take_a_lease_one_wins(storage: ObjectStore) -> None:
    """STORE-186g: a lease is taken on condition that it is as it was seen."""
    version = take(storage, lease(), None)
    with pytest.raises(BlockingIOError):
        take(storage, lease(owner="b"), None)
    take(storage, lease(2, "b"), version)
    with pytest.raises(BlockingIOError):
        take(storage, lease(2, "c"), version)
    found = read_lease(storage)
    assert found is not None
    assert found[1].head == Head(2, "b")


def test_a_lease_is_over_when_one_version_was_seen_for_its_lifetime(storage: ObjectStore) -> None:
    """STORE-186g: the watcher's elapsed time alone counts, whatever clocks of machines and storage say."""
    now = [1000.0]
    watch = Watch(lambda: now[0])
    watch.look(storage)
    now[0] += 3600
    assert not watch.over, "there is no lease"
    version = take(storage, lease(), None)
    watch.look(storage)
    now[0] += lease_module.LIFETIME - 0.1
    watch.look(storage)
    assert not watch.over
    take(storage, Lease("a", 1, "h", "origin", "mx.example.org", number=1), version)
    watch.look(storage)
    now[0] += lease_module.LIFETIME - 0.1
    assert not watch.over
    now[0] += 0.2
    assert watch.over


async def test_a_take_over_that_lost_its_lease_changes_nothing(
    bucket: Bucket, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186h: the lease is renewed before the epoch is made the newest, and all the while."""
    monkeypatch.setattr(takingover, "LOOK", 0.05)
    monkeypatch.setattr(takingover, "RENEW", 0.05)
    monkeypatch.setattr(lease_module, "LIFETIME", 0.2)
    target = parse_object_url(URL)
    source = Source(target=target, access=bucket.keys, program=tmp_path / "none")
    folder, data = tmp_path / "second", tmp_path / "data"
    for one in (folder, data / "standby", tmp_path / "first/standby"):
        one.mkdir(parents=True)
    take(storage, lease(), None)
    claim(storage, tmp_path / "first", Head(1, "a"))
    candidate = Candidate(source, folder)
    await candidate.until_over()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(candidate.keep)
        before = read_lease(storage)
        assert before is not None
        assert before[1].epoch == 2
        await soon(lambda: read_lease(storage) != before, "a renewal")
        nursery.cancel_scope.cancel()
    version, mine = cast("tuple[str, Lease]", read_lease(storage))
    other = lease(3, "c")
    take(storage, other, version)
    with pytest.raises(BlockingIOError):
        await trio.to_thread.run_sync(candidate.hand_over, storage, data, EpochStart(0.0, 1, {}, 0))
    assert read_head(storage) == Head(1, "a")
    take(storage, mine, cast("tuple[str, Lease]", read_lease(storage))[0])
    again = Candidate(source, folder)
    await again.until_over()
    await trio.to_thread.run_sync(again.hand_over, storage, data, EpochStart(0.0, 1, {}, 0))
    assert read_head(storage) == again.head


def test_a_renewal_whose_answer_was_lost_is_no_loss_of_the_lease(storage: ObjectStore) -> None:
    """STORE-186g, STORE-186h: it was done all the same; the next one goes on from there, unless another one has it."""
    mine = lease()
    version = take(storage, mine, None)
    renew(storage, mine, version)  # no answer: the machine knows the version of before
    later, mine = renew(storage, mine, version)
    assert mine.number == 2
    take(storage, lease(2, "b", "other"), later)
    with pytest.raises(LeaseTaken):
        renew(storage, mine, later)


def test_a_copy_that_was_never_complete_is_not_taken_over_by_itself(
    bucket: Bucket, storage: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """STORE-186h: accounts would begin anew, without their mail; the log says what a person can do."""
    take(storage, lease(), None)
    followed = [StandbyState(0.0, URL, missing=2)]
    now = [1000.0]
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=Path("/bin/false"))
    (tmp_path / "second").mkdir()
    candidate = Candidate(source, tmp_path / "second", lambda: followed[0])
    candidate.watch = Watch(lambda: now[0])
    assert not candidate._look()
    now[0] += 61
    assert not candidate._look()
    assert not candidate._look()
    assert [one.getMessage() for one in caplog.records if "never complete" in one.getMessage()] != []
    assert len([one for one in caplog.records if "never complete" in one.getMessage()]) == 1
    followed[0] = StandbyState(0.0, URL, current=900.0)
    assert candidate._look()


def test_an_object_that_is_no_lease_is_told(bucket: Bucket, storage: ObjectStore) -> None:
    """STORE-186g: nothing is taken over from words that cannot be read."""
    bucket.objects[f"pair/{LEASE}"] = b"{]"
    with pytest.raises(ValueError, match="malformed"):
        read_lease(storage)


def test_a_machine_that_slept_does_not_acknowledge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """STORE-186g: time in which the machine slept or was paused counts, by a clock that goes on, or by the wall."""
    steady, wall = [50.0], [1_000_000.0]
    monkeypatch.setattr(lease_module, "steady", lambda: steady[0])
    monkeypatch.setattr(time, "time", lambda: wall[0])
    holding = LeaseStatus(tmp_path, stops=True)
    account = tmp_path / "accounts/mia/account.db"
    with pytest.raises(NoLease):
        holding(account)
    holding.renewed(lease_module.Elapsed())
    holding(account)
    for clock in (steady, wall):
        clock[0] += 39
        holding(account)
        clock[0] += 2
        with pytest.raises(NoLease):
            holding(account)
        holding(tmp_path / "cache.db")  # which no other machine gets
        clock[0] += 14
        assert holding.until_end <= 0
        holding.renewed(lease_module.Elapsed())
    wall[0] -= 7200
    holding(account)


def test_a_machine_that_may_have_handed_over_ends_whatever_its_settings(tmp_path: Path) -> None:
    """STORE-186l: with `lease_lost = "continue"`, too: it acknowledges nothing more, and comes back as another one."""
    holding = LeaseStatus(tmp_path, stops=False)
    sent = lease_module.Elapsed()
    sent._steady -= lease_module.END
    holding.renewed(sent)
    holding.handing = True
    assert holding.until_end > 0
    holding.handed = True
    assert holding.until_end <= 0


async def test_without_the_lease_nothing_is_acknowledged(tmp_path: Path, bucket: Bucket, quick: list[Path]) -> None:
    """STORE-186g: mail gets 451, IMAP NO [UNAVAILABLE], the webmail 503; reading goes on; then all is as before."""
    async with house(tmp_path, static=settings(tmp_path, bucket)) as h:
        assert (await send(h)).startswith("250")
        imap, browser = await h.imap(), await h.web()
        await imap.select()
        bucket.failing = 1_000_000
        holding = h.house.files.lease.holding  # type: ignore[union-attr]  # it has one
        await soon(lambda: holding.left <= 0, "the lease is over")
        assert (await send(h)).startswith("451 4.3.2")
        assert (await imap.tagged("a STORE 1 +FLAGS (\\Flagged)")).startswith("NO [UNAVAILABLE]")
        assert any("UID 1" in line for line in await imap.ok("b FETCH 1 (UID)"))
        assert (await browser.error("mailbox_create", name="New"))[0] == 503
        assert "lease: " in (await h.readiness())[1]
        told = h.house.files.lease.state()  # type: ignore[union-attr]
        assert told.problem
        assert told.renewed < told.silent < told.end
        assert not quick
        bucket.failing = 0
        await soon(lambda: holding.left > 0, "the lease is back")
        assert (await send(h)).startswith("250")


async def test_a_server_without_its_lease_for_long_ends(
    tmp_path: Path, bucket: Bucket, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186g: 55 s after the last renewal the process ends, even if its tasks do not."""
    monkeypatch.setattr(holding_module, "END", 4.0)
    monkeypatch.setattr(holding_module, "EARLIER", -10.0)  # its tasks hang
    monkeypatch.setattr(holding_module, "LOOK", 0.05)
    async with house(tmp_path, static=settings(tmp_path, bucket)) as h:
        bucket.failing = 1_000_000
        await soon(lambda: quick, "the end")
        assert quick == [h.house.static.data_dir]
        bucket.failing = 0


async def test_an_owner_without_a_second_machine_goes_on(tmp_path: Path, bucket: Bucket, quick: list[Path]) -> None:
    """STORE-186g: with `lease_lost = "continue"` storage that is away stops nothing; another owner does."""
    ended = pytest.RaisesGroup(pytest.RaisesExc(Replaced, match="another machine"), flatten_subgroups=True)
    static = settings(tmp_path, bucket, 'lease_lost = "continue"\n')
    with ended:
        async with house(tmp_path, static=static) as h:
            bucket.failing = 1_000_000
            holding = h.house.files.lease.holding  # type: ignore[union-attr]  # it has one
            await soon(lambda: holding.left <= 0, "the lease is over")
            assert (await send(h)).startswith("250")
            bucket.objects[f"pair/{LEASE}"] = (
                b'{"owner":"b","epoch":2,"holder":"x","origin":"y","host":"other","number":1}'
            )
            bucket.failing = 0
            await soon(lambda: holding.taken, "the other machine is noticed")
            with pytest.raises(NoLease):
                holding(tmp_path / "config/data/accounts/mia/account.db")
            await soon(h.house.shutdown.is_set, "the server stops")


async def test_a_machine_that_comes_back_does_not_serve(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore, quick: list[Path]
) -> None:
    """STORE-186g: a restart takes the lease at once; one after a take-over is refused, with the reason."""
    static = settings(tmp_path, bucket)
    for _ in range(2):
        async with house(tmp_path, static=static) as h:
            assert (await send(h)).startswith("250")
    found = read_lease(storage)
    assert found is not None
    take(storage, lease(2, "b"), found[0])
    with pytest.RaisesGroup(pytest.RaisesExc(StartFailed, match="another machine"), flatten_subgroups=True):
        async with house(tmp_path, static=static):
            pass


def test_a_machine_that_was_replaced_ends_by_a_code_that_says_so(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore
) -> None:
    """STORE-186q: its unit does not start it again; nor after a start that finds another machine's epoch. A copy of its
    disk has no other epoch, and is switched off one day: then this machine is started again.
    """
    section = settings(tmp_path, bucket).partition("[standby]")[2]
    server = ServedServer(tmp_path / "machine", static=f"[standby]{section}", module="tests.campaigns._fastlease")
    server.start()
    found = read_lease(storage)
    assert found is not None
    take(storage, msgspec.structs.replace(found[1], holder="clone", number=98), found[0])
    assert server.process.wait(timeout=60) != REPLACED
    server.start()
    found = read_lease(storage)
    assert found is not None
    take(storage, lease(2, "b"), found[0])
    assert server.process.wait(timeout=60) == REPLACED
    with server.folder.with_suffix(".again").open("wb") as log:
        again = subprocess.Popen([sys.executable, "-m", server.module, *server.command()], stderr=log)
        assert again.wait(timeout=60) == REPLACED
    other = tmp_path / "other"
    (other / "standby").mkdir(parents=True)
    claim(storage, other, Head(2, "b"))
    (tmp_path / "identity").write_text(str(pyrage.x25519.Identity.generate()))
    words = ["standby", "follow", URL, "--into", str(tmp_path / "copy"), "--take-over"]
    words += ["--identity", str(tmp_path / "identity"), "--storage-keys", str(tmp_path / "keys")]
    follows = server.cli(*words, check=False)
    assert (follows.returncode, "another machine has taken over with epoch 2" in follows.stderr) == (REPLACED, True)


async def test_storage_that_honours_no_conditions_stops_the_start(
    tmp_path: Path, bucket: Bucket, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186g: without a lease that can be held nothing is served, and the words say so."""
    monkeypatch.setattr(holding_module, "BEGIN", 0.5)
    bucket.conditions = False
    with pytest.RaisesGroup(pytest.RaisesExc(StartFailed, match="conditional writes"), flatten_subgroups=True):
        async with house(tmp_path, static=settings(tmp_path, bucket)):
            pass


async def test_a_copy_of_the_data_waits_until_the_lease_is_over(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186g: a clone of the first machine has its identity, and not its lease."""
    monkeypatch.setattr(lease_module, "LIFETIME", 2.0)
    static = settings(tmp_path, bucket)
    async with house(tmp_path, static=static):
        found = read_lease(storage)
        assert found is not None
        there = found[1]
    found = read_lease(storage)
    assert found is not None
    clone = Lease(there.owner, there.epoch, "another process", "another folder", "elsewhere", number=99)
    take(storage, clone, found[0])
    began = time.monotonic()
    async with house(tmp_path, static=static) as h:
        assert time.monotonic() - began > 2
        assert (await send(h)).startswith("250")


async def refused(h: Running) -> str:
    """Why the lease is not handed over."""
    async with h.ctl() as client:
        with pytest.raises(CtlFailed) as failure:
            await client.call("standby handover", {}, HandedOver)
    return str(failure.value)


async def test_a_lease_that_was_handed_over_is_taken_at_once(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186l: without a second machine, or one that is not fit, this server goes on; else the lease says that it is
    about to be handed over, all that was acknowledged is copied first, nothing is acknowledged from then on, the other
    machine need not wait, and this server ends.
    """
    monkeypatch.setattr(holding_module, "NOTICE", 0.2)
    monkeypatch.setattr(holding_module, "SEEN", 1.0)
    monkeypatch.setattr(holding_module, "LOOK", 0.05)
    monkeypatch.setattr(holding_module, "ANSWER", 1.0)
    monkeypatch.setattr(takingover, "LOOK", 0.05)
    monkeypatch.setattr(takingover, "RENEW", 0.1)
    copied: list[str] = []
    numbers = itertools.count(1)

    def copy(socket: Path, path: Path, seconds: float) -> control.Position:
        copied.append(path.name)
        return control.Position(number := next(numbers), number)

    monkeypatch.setattr(control, "sync", copy)
    folder = tmp_path / "second"
    folder.mkdir()
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=tmp_path / "none")
    hindrance = ["its disk is full"]
    candidate = Candidate(
        source, folder, lambda: StandbyState(0.0, URL, current=1.0), lambda: hindrance[0] if hindrance else ""
    )
    ended = pytest.RaisesGroup(pytest.RaisesExc(Replaced, match="handed over"), flatten_subgroups=True)
    with ended:
        async with house(tmp_path, static=settings(tmp_path, bucket)) as h:
            assert (await send(h)).startswith("250")
            assert "automatic failover isn't" in await refused(h)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(candidate.until_over)
                assert "its disk is full; this server will keep running" in await refused(h)
                monkeypatch.setattr(takingover, "__version__", "9.9.9")
                hindrance.clear()
                assert "runs 9.9.9" in await refused(h)
                monkeypatch.setattr(takingover, "__version__", __version__)
                await trio.sleep(0.3)

                announced: list[bool] = []

                def about_to_be_handed() -> bool:
                    there = read_lease(storage)
                    assert there is not None
                    return there[1].handing

                def fail(*_: object) -> None:
                    announced.append(about_to_be_handed())
                    raise TimeoutError("the target is away")

                with monkeypatch.context() as away:
                    away.setattr(control, "sync", fail)
                    assert "the target is away; this server will keep running" in await refused(h)
                assert set(announced) == {True}
                await soon(lambda: not about_to_be_handed(), "the lease is kept")
                assert (await send(h)).startswith("250")
                async with h.ctl() as client:
                    assert (await client.call("standby handover", {}, HandedOver)).epoch == 2
                assert {"account.db", "queue.db", "auth.db"} <= {*copied}
                last = read_handed(storage, 1)
                assert last is not None
                assert last.databases.keys() >= {"accounts/mia/account.db", "queue.db", "auth.db"}
                assert max(last.databases.values()) == len(copied)
                assert (await send(h)).startswith("451 4.3.2")
            assert candidate.handed
            assert candidate.head.epoch == 2
            await soon(h.house.shutdown.is_set, "the server stops")
    found = read_lease(storage)
    assert found is not None
    assert found[1].head == candidate.head


async def test_a_lease_that_no_one_took_comes_back(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186l: the other machine may still take it for a whole lifetime; then the first one may, so that its end is
    not for good.
    """
    monkeypatch.setattr(holding_module, "TAKEN", 0.2)
    monkeypatch.setattr(lease_module, "LIFETIME", 2.0)
    static = settings(tmp_path, bucket)
    async with house(tmp_path, static=static):
        pass
    found = read_lease(storage)
    assert found is not None
    take(storage, msgspec.structs.replace(found[1], number=99, handed=True), found[0])
    began = time.monotonic()
    async with house(tmp_path, static=static) as h:
        assert time.monotonic() - began > 2
        assert (await send(h)).startswith("250")
        held = h.house.files.lease
        assert held is not None
        held.holding.handed = True
        assert not await held.was_replaced()
        held.holding.handed = False
    found = read_lease(storage)
    assert found is not None
    assert not found[1].handed


async def test_a_server_that_was_stopped_on_purpose_has_time_to_come_back(
    tmp_path: Path, bucket: Bucket, storage: ObjectStore, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """STORE-186m: the lease says so; the other machine waits for longer, and takes over at last; the server that comes
    back meanwhile goes on at once, and its lease says so no more.
    """
    monkeypatch.setattr(lease_module, "LIFETIME", 0.5)
    static = settings(tmp_path, bucket)
    async with house(tmp_path, static=static) as h:
        assert (await send(h)).startswith("250")
    found = read_lease(storage)
    assert found is not None
    assert found[1].stopped
    assert was_stopped(storage)
    now = [0.0]
    watch = Watch(lambda: now[0])
    watch.look(storage)
    now[0] = lease_module.STOPPED - 1
    watch.look(storage)
    assert (watch.over, watch.due) == (True, False)
    now[0] += 1
    watch.look(storage)
    assert watch.due
    began = time.monotonic()
    async with house(tmp_path, static=static) as h:
        assert (await send(h)).startswith("250")
        assert time.monotonic() - began < 10
        assert not was_stopped(storage)


async def test_the_second_machine_does_not_take_over_from_a_stopped_server_at_once(
    tmp_path: Path,
    bucket: Bucket,
    storage: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """STORE-186m: it logs that it waits; a lease that merely ended is taken as ever."""
    monkeypatch.setattr(lease_module, "LIFETIME", 0.3)
    monkeypatch.setattr(lease_module, "STOPPED", 2.0)
    monkeypatch.setattr(takingover, "LOOK", 0.05)
    take(storage, msgspec.structs.replace(lease(), stopped=True), None)
    folder = tmp_path / "second"
    folder.mkdir()
    source = Source(target=parse_object_url(URL), access=bucket.keys, program=tmp_path / "none")
    candidate = Candidate(source, folder)
    began = time.monotonic()
    with trio.move_on_after(1) as early:
        await candidate.until_over()
    assert early.cancelled_caught
    assert caplog.text.count("stopped manually") == 1
    await candidate.until_over()
    assert time.monotonic() - began >= 2
    found = read_lease(storage)
    assert found is not None
    assert (found[1].head, found[1].stopped) == (candidate.head, False)
