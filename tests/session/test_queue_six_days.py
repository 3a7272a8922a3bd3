"""Six days of a queue by a clock set by hand: all that goes by time, in one history."""

import email
import email.policy
import gzip
import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from moxlite.mailauth.dkim.message import Message as Signed
from moxlite.mailauth.dkim.sign import generate, key_record, sign, to_pem
from moxlite.mailauth.dkim.verify import verify
from moxlite.net.resolver import RecordType
from moxlite.proto.address import Address
from moxlite.proto.dmarcreport import read_dmarc_report
from moxlite.proto.tlsreport import read_tls_report
from moxlite.queue.hosts import load
from moxlite.queue.reports import counting, daily
from moxlite.store.reports.evaluations import Evaluation, add_evaluations
from tests.queue_rig import START, Rig, Server, rig_at
from tests.tools import eventually

pytestmark = pytest.mark.served

HOUR = 3_600_000_000
DAY = 24 * HOUR
"""µs."""

KEY = generate("ed25519")
DKIM = 'dkim = { sign = ["a"], selectors = { a = { key_file = "key.pem" } } }'
KEEP = 'keep_retired_message_period = "500h"'
MESSAGE = b"From: Alice <alice@own.example>\r\nSubject: test\r\nMessage-Id: <m1@own.example>\r\n\r\n.body\r\n"
LATER = "451 4.2.0 later"
POLICY = "mode: enforce, mx: mx.remote.example, max_age: 129600"
"""For a day and a half: without a refresh it would be over in the middle."""

TAKEN_AT = 12
"""The attempt at which the host takes the message for bob: 3 d 8 h after the first."""

SCHEDULE = [0, 7.5, 22.5, 52.5, 112.5, 232.5, 472.5, 952.5, *(952.5 + 960 * number for number in range(1, 7))]
"""Minutes after the first attempt (QUEUE-10)."""


class History:
    """Lets time go by, from one thing that is due to the next."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.refresh_at = START + DAY
        self.midnight = (START // DAY + 1) * DAY + HOUR // 6

    async def go_to(self, end: int) -> None:
        """Do what is due until `end`, µs UTC: attempts, the daily refresh of policies, the reports of a day."""
        rig = self.rig
        while True:
            await rig.settle()
            rows = await rig.queue.listings.list_messages()
            due = [row.next_attempt for row in rows]
            rig.clock.now = max(rig.clock.now, min(*due, self.refresh_at, self.midnight, end))
            rig.queue.scheduler.changed()
            await rig.settle()
            if rig.clock.now >= self.refresh_at:
                self.refresh_at += DAY
                await rig.queue.ctx.policies.refresh(spread=0)
            if rig.clock.now >= self.midnight:
                self.midnight += DAY
                await self._reports()
            if rig.clock.now >= end:
                return

    async def _reports(self) -> None:
        rig = self.rig
        await rig.queue.scheduler.sessions.flush()
        rig.queue.clock_set()
        for kind in (rig.queue.reports.tls, rig.queue.reports.dmarc):
            await eventually(lambda kind=kind: kind._done == counting.day_of(rig.clock.now))  # type: ignore[misc]
        await rig.settle()


async def prepare(rig: Rig) -> tuple[Server, Server]:
    """The hosts of those who get mail, and of those who get reports."""
    certificate = rig.certificate  # of mx.remote.example
    host = rig.remote(Server({"RCPT TO:<bob": [LATER] * (TAKEN_AT - 1) + ["250 ok"], "RCPT": LATER}, tls=certificate))
    reports = rig.remote(Server(), "reports.example", "192.0.2.7")
    rig.sts(POLICY)
    wants = "rua=mailto:r@reports.example"
    rig.resolver.set("a._domainkey.own.example", RecordType.TXT, [key_record(KEY)])
    rig.resolver.set("_smtp._tls.remote.example", RecordType.TXT, [f"v=TLSRPTv1; {wants}"])
    rig.resolver.set("_dmarc.remote.example", RecordType.TXT, [f"v=DMARC1; p=reject; {wants}"])
    rig.resolver.set("remote.example._report._dmarc.reports.example", RecordType.TXT, ["v=DMARC1"])
    evaluation = Evaluation(
        policy_domain="remote.example",
        evaluated=START + DAY,
        record=f"v=DMARC1; p=reject; {wants}",
        source_ip="192.0.2.1",
        disposition="none",
        aligned_dkim=True,
        aligned_spf=False,
        envelope_to="own.example",
        envelope_from="remote.example",
        header_from="remote.example",
        dkim=(),
        spf=(),
    )
    await rig.reports.database.write(partial(add_evaluations, evaluations=[evaluation]))
    return host, reports


async def submit(rig: Rig) -> None:
    """One message to bob, who gets it at last, and to carol, who never does."""
    author = Address.parse("alice@own.example")
    signers = rig.queue.ctx.keys.signers(rig.snapshot.domain(author.domain))
    fields = await sign(Signed.of(MESSAGE), author, signers, START / 1_000_000)
    await rig.submit("bob@remote.example", "carol@remote.example", data=MESSAGE, prefix=fields)


def content(report: bytes) -> bytes:
    """What a report has attached, unpacked."""
    attached = list(email.message_from_bytes(report, policy=email.policy.default).iter_parts())[1]
    octets = attached.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return gzip.decompress(octets)


async def test_six_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUEUE-10..12, QUEUE-65, QUEUE-68, QUEUE-100..102, QUEUE-112, QUEUE-113, QUEUE-120, QUEUE-123, QUEUE-131, AUTH-46:
    fourteen attempts, each under the policy that the refresh keeps in force; a DSN for both when they are late, one for
    carol who never gets it; a signature that is never older than a day; for each UTC day one report, and none twice.
    """
    monkeypatch.setattr(daily, "MAX_GAP", 0.0)
    monkeypatch.setattr(load, "IDLE_SECONDS", 0.0)  # hours go by between two attempts, in which no connection is kept
    (tmp_path / "key.pem").write_bytes(to_pem(KEY))
    top = "outgoing_tls_reports_for_all_success = true"
    async with rig_at(tmp_path, top=top, domain=DKIM, account=KEEP) as rig:
        host, reports = await prepare(rig)
        await submit(rig)
        history = History(rig)
        await history.go_to(START + 2 * DAY)
        rig.sts(POLICY.replace("129600", "172800"), record="v=STSv1; id=2")  # a new policy: the next look finds it
        rows = {row.rcpt_localpart: row for row in await rig.queue.listings.list_messages()}
        assert {name: row.attempts for name, row in rows.items()} == {"bob": 10, "carol": 10}
        await history.go_to(START + 4 * DAY)
        waiting = [row.rcpt_localpart for row in await rig.queue.listings.list_messages()]
        assert waiting == ["carol"]

        # The message that arrived: under a signature of its last day, over the octets of the first.
        [message] = host.messages
        assert host.encrypted == [True]
        [signature] = await verify(rig.resolver, Signed.of(message), now=rig.clock.now / 1_000_000)
        assert (signature.status, signature.domain) == ("pass", "own.example")
        signed = re.search(rb"DKIM-Signature:.*?\bt=(\d+)", message, re.DOTALL)
        taken = next(row for row in await rig.queue.listings.list_retired() if row.rcpt_localpart == "bob").results[-1]
        assert signed is not None
        assert 0 <= taken.start - int(signed[1]) * 1_000_000 <= DAY
        assert message.endswith(MESSAGE)

        await history.go_to(START + 6 * DAY)
        assert await rig.queue.listings.list_messages() == []
        retired = {row.rcpt_localpart: row for row in await rig.queue.listings.list_retired() if row.account == "alice"}
        assert {name: row.success for name, row in retired.items()} == {"bob": True, "carol": False}
        results = retired["carol"].results
        assert [(one.start - START) / 60e6 for one in results] == [
            pytest.approx(minutes, rel=0.011, abs=0.01) for minutes in SCHEDULE
        ]
        assert len(retired["bob"].results) == TAKEN_AT
        assert host.connections == len(results)  # both went together, each time
        assert {one.policy for one in results} == {"sts"}
        assert rig.fetched == ["https://mta-sts.remote.example/.well-known/mta-sts.txt"] * 2

        delayed, failed = await rig.inbox()
        assert b"Subject: Message delayed" in delayed
        assert delayed.count(b"\r\nFinal-Recipient:") == delayed.count(b"\r\nAction: delayed") == 2
        assert b"Subject: Message not delivered" in failed
        assert failed.count(b"\r\nFinal-Recipient:") == 1
        assert b"carol@remote.example" in failed
        assert b"bob@remote.example" not in failed.partition(b"message/rfc822")[0]

        # Each UTC day's sessions are in one report, and the evaluation of the second day in one.
        sent = [one for one in reports.messages if b"tlsrpt" in one]
        read = [read_tls_report(content(one)) for one in sent]
        counted = {
            report.begin // 86_400: sum(one.successes for one in report.policies if one.domain == "remote.example")
            for report in read
        }
        assert len(counted) == len(read)
        assert counted == Counter(one.start // DAY for one in results)
        assert sum(one.failed for report in read for one in report.policies) == 0
        [dmarc] = [read_dmarc_report([content(one)]) for one in reports.messages if one not in sent]
        assert (dmarc.begin // 86_400, dmarc.records[0].count) == (START // DAY + 1, 1)
