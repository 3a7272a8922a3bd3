"""Daily counts and samples of the queue: stored by a task, once a minute, and only while something happens."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from moxlite import metrics
from moxlite.acceptance import gathering
from moxlite.admin import figures as recorder_module
from moxlite.admin.figures import HistoryRecorder
from moxlite.metrics import MAX_DAILY, Daily, DailyKey, DailyKind
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.errors import StorageBroken
from moxlite.store.file.transaction import Tx
from moxlite.store.junk.score import Judgement
from moxlite.store.options import DAY, Options
from moxlite.store.reports import history
from moxlite.store.reports.history import QueueSample, add_counts, day_counts, samples, sums
from moxlite.store.reports.reportsdb import ReportsDB, drop_expired
from tests.house import DOMAINS, house
from tests.logs import kv
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.smtpd_harness import judgement

pytestmark = pytest.mark.served


@pytest.fixture
async def reports(tmp_path: Path) -> AsyncIterator[ReportsDB]:
    found = await ReportsDB.open(tmp_path / "reports.db", Options(min_free_space=0))
    yield found
    await found.aclose()


class Minutes:
    """The pauses of the recorder: each lasts until the test goes on."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[trio.Event](0)

    async def sleep(self, seconds: float) -> None:
        """In place of `trio.sleep`."""
        assert seconds == 60
        event = trio.Event()
        await self._send.send(event)
        await event.wait()

    async def go_on(self) -> None:
        """Let a minute pass."""
        (await self._receive.receive()).set()


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Minutes:
    found = Minutes()
    monkeypatch.setattr(recorder_module, "sleep", found.sleep)
    return found


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


async def numbers(reports: ReportsDB, *kinds: DailyKind) -> list[tuple[DailyKind, int, int]]:
    found = await reports.database.read(lambda r: day_counts(r, kinds, 0, 1 << 40), op="test")
    return [(one.kind, one.day, one.number) for one in found]


async def no_queue() -> None:
    await trio.lowlevel.checkpoint()


async def test_counts_are_written_once_a_minute_and_only_when_something_happened(
    reports: ReportsDB, minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86b: one unit a minute at most, none in a quiet hour; days by UTC; nothing is lost by a stop."""
    clock = Clock()
    counts = Daily(clock)
    writes = 0
    write = reports.database.write

    async def counted(unit: Callable[[Tx], None]) -> None:
        nonlocal writes
        writes += 1
        await write(unit)

    async def pass_minute() -> None:
        clock.now += 60
        await minutes.go_on()

    monkeypatch.setattr(reports.database, "write", counted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(HistoryRecorder(reports, no_queue, counts).serve)
        for _ in range(60):
            await pass_minute()
        assert writes == 0
        day = int(clock.now // 86_400)
        for _ in range(500):
            counts.count("delivered", "no-bad-signals")
        counts.count("refused", "unknown-user", 3)
        await pass_minute()
        await pass_minute()
        assert (writes, await numbers(reports, "delivered", "refused")) == (
            1,
            [("delivered", day, 500), ("refused", day, 3)],
        )
        clock.now = (day + 1) * 86_400 - 1
        counts.count("delivered", "no-bad-signals")
        clock.now += 1
        counts.count("delivered", "other")
        await pass_minute()
        await pass_minute()
        assert await numbers(reports, "delivered") == [("delivered", day, 501), ("delivered", day + 1, 1)]
        counts.count("sent")
        nursery.cancel_scope.cancel()
    assert await numbers(reports, "sent") == [("sent", day + 1, 1)]


async def test_the_queue_is_sampled_each_five_minutes_while_something_waits(
    reports: ReportsDB, minutes: Minutes
) -> None:
    """WEB-86b: and once when it has become empty, so that a plot comes down to zero."""
    waiting, at = [0, 4, 2, 0, 0, 0], 0

    async def sample() -> QueueSample:
        nonlocal at
        await trio.lowlevel.checkpoint()
        at += 1
        return QueueSample(at, waiting[at - 1], 0, 7 * waiting[at - 1])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(HistoryRecorder(reports, sample, Daily()).serve)
        for number in range(26):
            await minutes.go_on()
            assert at == 1 + number // 5
        nursery.cancel_scope.cancel()
    found = await reports.database.read(lambda r: samples(r, 0), op="test")
    assert [(one.at, one.messages, one.oldest) for one in found] == [(1, 0, 0), (2, 4, 28), (3, 2, 14), (4, 0, 0)]


async def test_counts_that_cannot_be_stored_wait_for_the_next_time(
    reports: ReportsDB, minutes: Minutes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86b: a full disk costs no count, and no kill of the server spoils the file."""
    counts = Daily()
    write = reports.database.write
    broken = True

    async def failing(unit: Callable[[Tx], None]) -> None:
        if broken:
            raise StorageBroken("no room")
        await write(unit)

    monkeypatch.setattr(reports.database, "write", failing)
    async with trio.open_nursery() as nursery:
        counts.count("sent", number=3)
        nursery.start_soon(HistoryRecorder(reports, no_queue, counts).serve)
        await minutes.go_on()
        broken = False
        counts.count("sent", number=2)
        nursery.cancel_scope.cancel()
    assert [number for _, _, number in await numbers(reports, "sent")] == [5]


async def test_texts_are_bounded_and_old_rows_go(reports: ReportsDB) -> None:
    """WEB-86b: a guesser with a thousand networks costs 500 rows a day; after 400 days they are gone."""
    counts = Daily()
    for number in range(MAX_DAILY + 100):
        counts.count("login-failed", f"10.0.{number}.0/26")
    taken = counts.take()
    assert len(taken) == MAX_DAILY + 1
    await reports.database.write(lambda tx: add_counts(tx, taken))
    day = next(iter(taken))[1]
    again: dict[DailyKey, int] = {("login-failed", day, f"new {number}"): 1 for number in range(50)}
    await reports.database.write(lambda tx: add_counts(tx, again))
    found = await reports.database.read(lambda r: sums(r, "login-failed", day, day, 1000), op="test")
    assert (len(found), found[0].about, sum(one.number for one in found)) == (MAX_DAILY + 1, "", MAX_DAILY + 150)

    def age(tx: Tx) -> None:
        tx.execute("UPDATE daily_count SET day = day - 401")
        history.add_sample(tx, QueueSample(tx.now - 401 * DAY, 1, 0, 0))
        history.add_sample(tx, QueueSample(tx.now, 1, 0, 0))

    await reports.database.write(age)
    while await reports.database.write(drop_expired):
        pass
    assert await numbers(reports, "login-failed") == []
    assert len(await reports.database.read(lambda r: samples(r, 0), op="test")) == 1


@pytest.mark.nightly
async def test_figures_of_a_played_month_are_those_of_log_and_attempts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WEB-86b: mail that came, log-ins that failed, verdicts of the junk filter by their probabilities, and
    corrections, day by day as the log has them; after the stop of the server all of it is stored.
    """

    async def classified(_: object, message: PreparedMessage) -> Judgement:
        await trio.lowlevel.checkpoint()
        return judgement(0.99 if b"casino" in message.spool.read(0, 100) else 0.02)

    monkeypatch.setattr(gathering, "classify", classified)
    clock = Clock()
    monkeypatch.setattr(metrics.daily, "_clock", clock)
    metrics.daily.take()
    caplog.set_level(logging.INFO)
    expected: Counter[tuple[str, int]] = Counter()
    mia = "[accounts.mia]\n"
    filtered = DOMAINS.replace(mia, f"{mia}junk_filter = {{ threshold = 0.9, onegrams = true }}\n")
    async with house(tmp_path, domains=filtered) as h:
        imap = await h.imap()
        for number in range(30):
            day = int(clock.now // 86_400)
            caplog.clear()
            smtp = await h.smtp()  # each day a new connection: many refusals on one slow it down
            for _ in range(1 + number % 3):
                await smtp.deliver("mia@example.org", b"Subject: x\r\n\r\nbody\r\n")
            if number % 4 == 0:
                await smtp.deliver("nobody-here@example.org", b"Subject: x\r\n\r\nbody\r\n")
            if number in (8, 21):
                smtp = await h.smtp()
                await smtp.deliver("mia@example.org", b"Subject: casino\r\n\r\nbody\r\n", "ann@far.example")
            for line in caplog.records:
                if line.getMessage() not in ("message delivered", "message rejected"):
                    continue
                refused = "junk" if kv(line)["reason"].startswith("junk-content") else "refused"
                expected["delivered" if line.getMessage() == "message delivered" else refused, day] += 1
                if "probability" in kv(line):
                    expected["judged-junk" if float(kv(line)["probability"]) > 0.9 else "judged-wanted", day] += 1
            if number % 5 == 0:
                other = IMAPClient(h.connect(port=h.port("imap")))
                await other.response()
                with pytest.raises(AssertionError, match="AUTHENTICATIONFAILED"):
                    await other.login("mia@example.org", "wrong")
                expected["login-failed", day] += 1
            if number % 10 == 3:
                await imap.select()
                await imap.ok("a STORE * +FLAGS ($Junk)")
                await imap.ok("b STORE * +FLAGS ($Junk)")
                expected["marked-junk", day] += 1
                await imap.ok("c STORE * FLAGS ($NotJunk)")
                expected["marked-wanted", day] += 1
            clock.now += 86_400
    path = h.house.static.data_dir / "reports.db"
    reports = await ReportsDB.open(path, Options(min_free_space=0))
    judged = await numbers(reports, "judged-junk", "judged-wanted")
    found = judged + await numbers(
        reports, "delivered", "junk", "refused", "marked-junk", "marked-wanted", "login-failed"
    )
    await reports.aclose()
    assert {(kind, day): number for kind, day, number in found} == {key: n for key, n in expected.items() if n}
    assert len({day for _, day, _ in found}) == 30
    assert {kind for kind, _, _ in judged} == {"judged-junk", "judged-wanted"}
