"""reports.db: the file, its upkeep, and evaluations on their way into it (docs/spec/store.md §14, queue.md §12)."""

import time
from functools import partial
from pathlib import Path

import msgspec
import pytest

from moxlite.store.errors import StorageBroken
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.options import DAY, Options
from moxlite.store.reports import evaluations as e
from moxlite.store.reports.reportsdb import ReportsDB, drop_expired
from moxlite.supervision import open_supervisor

OPTIONS = Options(min_free_space=0)
NOW = 1_790_000_000_000_000
DAY_NUMBER = 20_717

ONE = e.Evaluation(
    policy_domain="remote.example",
    evaluated=NOW,
    record="v=DMARC1; p=reject; rua=mailto:r@remote.example",
    source_ip="192.0.2.1",
    disposition="reject",
    aligned_dkim=False,
    aligned_spf=True,
    envelope_to="mox.example",
    envelope_from="",
    header_from="news.remote.example",
    overrides=(("local_policy", "arc=pass"),),
    dkim=(e.DKIMEvaluation("other.example", "s", "fail", "body hash"),),
    spf=(e.SPFEvaluation("mail.remote.example", "helo", "pass"),),
)


async def open_reports(path: Path) -> ReportsDB:
    return await ReportsDB.open(path / "reports.db", OPTIONS)


async def test_evaluations_are_read_as_they_were_written(tmp_path: Path) -> None:
    """QUEUE-130: with those that alone are no reason for a report; by day."""
    reports = await open_reports(tmp_path)
    try:
        other = msgspec.structs.replace(ONE, policy_domain="quiet.example", optional=True)
        assert await reports.database.write(partial(e.add_evaluations, evaluations=[ONE, other, ONE])) == 0
        read = reports.database.read
        assert await read(lambda r: e.evaluated_days(r, NOW + 1), op="test") == [
            ("quiet.example", DAY_NUMBER),
            ("remote.example", DAY_NUMBER),
        ]
        assert await read(lambda r: e.evaluated_days(r, NOW), op="test") == []
        found = await read(lambda r: e.evaluations_of(r, "remote.example", 0, NOW + 1), op="test")
        assert [msgspec.structs.replace(one, id=0) for one in found] == [ONE, ONE]
        after = found[0].id
        assert await read(lambda r: e.evaluations_of(r, "remote.example", 0, NOW + 1, after), op="test") == found[1:]
        await reports.database.write(lambda tx: e.drop_evaluations(tx, "remote.example", 0, NOW + 1))
        assert await read(lambda r: e.evaluations_of(r, "remote.example", 0, NOW + 1), op="test") == []
    finally:
        await reports.aclose()


async def test_evaluations_beyond_the_room_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-130: strangers choose how many there are."""
    monkeypatch.setattr(e, "MAX_EVALUATIONS", 3)
    reports = await open_reports(tmp_path)
    try:
        assert await reports.database.write(partial(e.add_evaluations, evaluations=[ONE] * 2)) == 0
        assert await reports.database.write(partial(e.add_evaluations, evaluations=[ONE] * 3)) == 2
    finally:
        await reports.aclose()


async def test_what_was_recorded_is_written_before_the_end(tmp_path: Path) -> None:
    """SMTP-103: a reply does not wait for it; a shutdown does."""
    reports = await open_reports(tmp_path)
    now = time.time_ns() // 1000
    try:
        async with open_supervisor("test") as tree:
            reports.start(tree)
            for _ in range(10):
                reports.record(msgspec.structs.replace(ONE, evaluated=now))
        found = await reports.database.read(lambda r: e.evaluations_of(r, "remote.example", 0, now + 1), op="test")
        assert len(found) == 10
    finally:
        await reports.aclose()


async def test_old_rows_go(tmp_path: Path) -> None:
    """STORE-158g, QUEUE-123, QUEUE-131: by the upkeep of the file; not before the second night after their day."""
    second_night = 2 * DAY + DAY // 4
    reports = await open_reports(tmp_path)

    def old_and_new(tx: Tx) -> None:
        e.add_evaluations(
            tx, [msgspec.structs.replace(ONE, evaluated=tx.now - age) for age in (0, second_night, 4 * DAY)]
        )
        for age in (second_night, 4 * DAY):
            tx.execute(
                "INSERT INTO tls_result VALUES (NULL, 'r.example', ?, 'r.example', 0, 1, 0, 0, ?, '[]')",
                str(age),
                tx.now - age,
            )

    def left(r: Reader) -> tuple[int, int]:
        return r.value("SELECT count(*) FROM dmarc_evaluation"), r.value("SELECT count(*) FROM tls_result")

    try:
        await reports.database.write(old_and_new)
        assert not await reports.database.write(drop_expired)
        assert await reports.database.read(left, op="test") == (2, 1)
    finally:
        await reports.aclose()


async def test_a_file_that_cannot_be_used_is_out_of_service(tmp_path: Path) -> None:
    """STORE-158g: and the rest goes on."""
    (tmp_path / "reports.db").write_bytes(b"no database" * 1000)
    reports = await open_reports(tmp_path)
    assert "reports.db" in reports.broken
    with pytest.raises(StorageBroken):
        reports.database  # noqa: B018 - a property that raises
    reports.record(ONE)
    await reports.aclose()
