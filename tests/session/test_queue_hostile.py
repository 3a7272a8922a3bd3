"""What remote servers, senders and broken disks do to the queue."""

import email
import email.policy
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from moxlite.operations.queue import Filter
from moxlite.proto.address import Address, Domain, Localpart
from moxlite.proto.dsn import parse_dsn
from moxlite.proto.mime.structure import scan
from moxlite.queue.data.rows import Result
from moxlite.queue.notices import compose_notice
from moxlite.queue.queue import Queue
from moxlite.queue.reports.daily import Author, ReportMail, report_message
from moxlite.queue.scheduling import scheduler
from moxlite.store.errors import AccountUnknown, StorageFull, StoreError
from tests.queue_rig import MESSAGE, Server, rig_at, sample
from tests.tools import eventually

KEEP = 'keep_retired_message_period = "72h"'


@pytest.mark.served
async def test_dsn_is_read_by_others_and_by_ourselves(tmp_path: Path) -> None:
    """QUEUE-101, QUEUE-102, QUEUE-106: Python's email package and our own parser agree on it."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 no such user"}))
        await rig.submit("bob@remote.example", subject="Grüße", dsn_envid="id 1")
        await rig.settle()
        [octets] = await rig.inbox()
    message: Any = email.message_from_bytes(octets, policy=email.policy.default)
    assert message.get_content_type() == "multipart/report"
    assert message["From"] == "Mail delivery system <postmaster@mail.own.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    text, status, original = message.iter_parts()
    assert "Grüße" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    assert original.get_content_type() == "message/rfc822"
    dsn = parse_dsn(scan(octets), lambda start, end: octets[start:end])
    [recipient] = dsn.recipients
    assert (recipient.final_recipient, recipient.action, recipient.status) == ("bob@remote.example", "failed", "5.1.1")
    assert dsn.envelope_id == "id 1"


@pytest.mark.served
async def test_control_characters_in_replies_do_not_get_through(tmp_path: Path) -> None:
    """QUEUE-151: neither into the results nor into the DSN."""
    async with rig_at(tmp_path, account=KEEP) as rig:
        rig.remote(Server({"RCPT": "550 5.1.1 evil \x1b[2J\x00\x85 text\rSubject: forged"}))
        await rig.submit("bob@remote.example")
        await rig.settle()
        [dsn] = await rig.inbox()
        assert not any(octet < 32 and octet not in (9, 10, 13) for octet in dsn)
        assert b"\nSubject: forged" not in dsn
        assert b"\rSubject: forged" not in dsn
        [retired] = await rig.queue.listings.list_retired()
        assert retired.results[0].error.isprintable()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(subject=TEXT, message_id=TEXT, reply=TEXT, orcpt=TEXT, envid=TEXT)
def test_no_text_of_others_makes_a_field_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, subject: str, message_id: str, reply: str, orcpt: str, envid: str
) -> None:
    """QUEUE-161: whatever is in subject, ids, addresses and replies, the header has the fields that we wrote."""
    found: list[bytes] = []

    async def compose() -> None:
        async with rig_at(tmp_path_factory.mktemp("queue"), serve=False) as rig:
            [number] = await rig.submit("bob@remote.example", subject=subject, message_id=message_id, dsn_envid=envid)
            message = await rig.queue.listings.get(number)
            failed = msgspec.structs.replace(
                message,
                dsn_due="failed",
                dsn_orcpt=f"rfc822;{orcpt}",
                results=(Result(start=1, code=550, secode="1.1", error=reply, reply=reply, host="mx.example"),),
            )
            found.append(await compose_notice(rig.queue.ctx, rig.queue._database, [failed], utf8=failed.smtputf8))

    trio.run(compose)
    header, _, _ = found[0].partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].lower() for line in header.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    allowed = [b"from", b"to", b"subject", b"message-id", b"in-reply-to", b"references", b"date", b"auto-submitted"]
    assert [name for name in names if name not in (b"mime-version", b"content-type", b"content-transfer-encoding")] in (
        allowed,
        [name for name in allowed if name not in (b"in-reply-to", b"references")],
    )
    assert all(len(line) <= 998 for line in found[0].split(b"\r\n"))


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(subject=TEXT, filename=TEXT, value=TEXT)
def test_no_text_of_others_makes_a_field_of_a_report(
    tmp_path_factory: pytest.TempPathFactory, subject: str, filename: str, value: str
) -> None:
    """QUEUE-161: neither in the header of a report nor in those of its parts."""
    found: list[bytes] = []

    async def compose() -> None:
        async with rig_at(tmp_path_factory.mktemp("queue"), serve=False) as rig:
            domain = Domain.parse("moxlite.example")
            mail = ReportMail(
                kind="tls",
                key=b"key",
                recipients=(Address(Localpart("reports"), domain),),
                subject=subject,
                text=value,
                filename=filename or "report.gz",
                media_type="application/tlsrpt+gzip",
                content=b"\x1f\x8b",
                fields=(("TLS-Report-Domain", value),),
            )
            found.append(
                b"".join(report_message(rig.queue.ctx, Author(Address(Localpart("postmaster"), domain), ()), mail))
            )

    trio.run(compose)
    whole = found[0]
    assert b"\0" not in whole
    message = email.message_from_bytes(whole, policy=email.policy.SMTP)
    wanted = ["from", "to", "subject", "message-id", "date", "auto-submitted", "tls-report-domain"]
    assert [name.lower() for name in message] == [*wanted, "mime-version", "content-type"]
    for part in message.iter_parts():
        allowed = {"content-type", "content-transfer-encoding", "content-disposition"}
        assert {name.lower() for name in part} <= allowed


@pytest.mark.served
async def test_metrics_tell_connections_attempts_and_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QUEUE-73, QUEUE-21: by result; gauges of size, hold and age."""
    names = ("moxlite_queue_connection_total", "moxlite_queue_delivery_duration_seconds_count")
    labels = {"attempt": "1", "transport": "", "tlsmode": "opportunistic"}
    before = [sample(names[0], result="ok"), sample(names[0], result="error")]
    counts = {result: sample(names[1], result=result, **labels) for result in ("ok", "okpartial", "permerror")}
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"RCPT TO:<no": "550 5.7.1 no"}))
        refusing = rig.remote(Server(), "dead.example", "192.0.2.7")
        refusing.refuse_connections = True
        for recipients in (
            ["bob@remote.example"],
            ["no@remote.example"],
            ["yes@remote.example", "no@remote.example"],
            ["bob@dead.example"],
        ):
            await rig.submit(*recipients)
            await rig.settle()
            await rig.disconnect()  # else they follow over one connection (QUEUE-165)
        assert sample(names[0], result="ok") == before[0] + 3
        assert sample(names[0], result="error") == before[1] + 1
        for result, count in counts.items():
            assert sample(names[1], result=result, **labels) == count + 1
        monkeypatch.setattr(rig.queue.scheduler.turns, "room", lambda **_: False)  # what is due from now on waits
        rig.clock.advance(1000)
        await rig.queue.measure()
        assert sample("moxlite_queue_oldest_seconds") > 400
        await rig.queue.operations.add_hold_rule()
        await rig.submit("bob@remote.example")
        await rig.queue.measure()
        assert sample("moxlite_queue_hold") == 2
        assert sample("moxlite_queue_size") == 2
        assert sample("moxlite_queue_oldest_seconds") == 0


@pytest.mark.served
async def test_account_that_cannot_be_opened_does_not_fail_the_delivery(tmp_path: Path) -> None:
    """QUEUE-58: what is known of the domain's TLS is then not noted."""
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())

        def config(name: str) -> object:
            raise AccountUnknown(name)

        rig.accounts._config = config  # type: ignore[assignment,method-assign]
        await rig.submit("bob@remote.example")
        await rig.settle()
        assert len(mx.messages) == 1
        assert await rig.queue.listings.list_messages() == []


@pytest.mark.served
async def test_clock_that_is_set_forward_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-16: within 60 s, here less; nobody wakes the scheduler."""
    monkeypatch.setattr(scheduler, "RECHECK_SECONDS", 0.02)
    async with rig_at(tmp_path) as rig:
        mx = rig.remote(Server())
        await rig.submit("bob@remote.example", hold_until=rig.clock.now + 3_600_000_000)
        await trio.sleep(0.05)
        assert mx.messages == []
        rig.clock.advance(3600)
        await rig.settle()
        assert len(mx.messages) == 1


@pytest.mark.served
async def test_broken_file_is_named(tmp_path: Path) -> None:
    """QUEUE-158: a clear error, so that the server can go on without its queue."""
    (tmp_path / "queue.db").write_bytes(b"this is no database" * 1000)
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match=r"queue\.db")):
        await _open(tmp_path)


async def _open(folder: Path) -> None:
    async with rig_at(folder, serve=False) as rig:
        assert isinstance(rig.queue, Queue)


@pytest.mark.served
async def test_damaged_octets_never_leave_the_machine(tmp_path: Path) -> None:
    """QUEUE-71, QUEUE-13: a chunk that fails its check ends the attempt before the final dot; the message waits."""
    async with rig_at(tmp_path, serve=True) as rig:
        mx = rig.remote(Server())
        await rig.queue.operations.add_hold_rule()
        await rig.submit("bob@remote.example")
        await rig.queue._database.write(lambda tx: tx.execute("UPDATE content_chunk SET data = zeroblob(10)"))
        await rig.queue.operations.unhold(Filter())
        await rig.settle()
        assert mx.messages == []
        [row] = await rig.queue.listings.list_messages()
        assert row.attempts == 1
        assert row.results[0].error == "content: 4.3.0 message is damaged or missing"
        await rig.queue.operations.fail(Filter())
        await rig.settle()
        [dsn] = await rig.inbox()
        assert b"an administrator of this server bounced the message" in dsn


@pytest.mark.served
async def test_endless_octets_from_a_server_end_the_attempt(tmp_path: Path) -> None:
    """QUEUE-150: lines and replies are bounded; the text that is kept too."""
    async with rig_at(tmp_path) as rig:
        rig.remote(Server({"EHLO": "250-" + "x" * 100_000}))
        rig.remote(Server({"MAIL": "450 " + "y" * 1900}), "long.example", "192.0.2.3")
        await rig.submit("bob@remote.example")
        await rig.submit("bob@long.example")
        await rig.settle()
        rows = await rig.queue.listings.list_messages()
        assert [row.attempts for row in rows] == [1, 1]
        assert all(len(row.results[0].error) < 2200 for row in rows)


@pytest.mark.served
async def test_a_full_disk_refuses_what_is_new_and_loses_nothing(tmp_path: Path) -> None:
    """QUEUE-157: what is under way goes on, and its message is sent once, whenever its outcome can be written."""
    async with rig_at(tmp_path, account='keep_retired_message_period = "72h"') as rig:
        mx = rig.remote(Server())
        mx.hang_after_data = True
        [number] = await rig.submit("bob@remote.example")
        await mx.in_data.wait()
        database = rig.queue._database
        pages = await database.read(lambda r: r.value("PRAGMA page_count"), op="test")
        await database.write(lambda tx: tx.db.pragma("max_page_count", pages))
        with pytest.raises(StorageFull):
            await rig.submit("eve@remote.example", data=MESSAGE + Random(7).randbytes(1 << 20).hex(" ", 30).encode())
        mx.release.set()
        await eventually(lambda: mx.messages)
        await eventually(lambda: not rig.queue.scheduler.turns.busy)
        await database.write(lambda tx: tx.db.pragma("max_page_count", 1 << 30))
        rig.queue.scheduler.changed()
        await rig.settle()
        assert (await rig.queue.listings.get_retired(number)).attempts == 1
        await rig.pass_time(500)
        assert mx.recipients == [["bob@remote.example"]]
