"""Figures of the plots after days that were played on a running server, against queue, log-ins, reports, disk.

Mail by day, verdicts of the junk filter and corrections: tests/session/test_admin_history.py.
"""

import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from moxlite import metrics
from moxlite.admin import figures
from moxlite.operations.queue import Filter, Page
from moxlite.store.file.transaction import Tx
from moxlite.web.admin.calls import overview
from tests.reportdata import dmarc_record, put_dmarc
from tests.session.imapd_harness import Client as IMAPClient
from tests.session.test_admin_history import Clock, Minutes
from tests.session.test_web_admin_queue import put, queue_of
from tests.web_rig import ADDRESS, ADMIN_PASSWORD, ADMIN_STATIC, Browser, Rig, serving

pytestmark = [pytest.mark.served, pytest.mark.rig(app="/admin/")]

MAIL = """
[listeners.mail]
ips = ["127.0.0.1"]
nat_ips = ["192.0.2.10"]
smtp = { enabled = true, port = 25, starttls = false, first_time_sender_delay = "0s" }
imap = { enabled = true, port = 143, require_tls = false }
"""
GUESSERS = ("203.0.113.5", "203.0.113.9", "203.0.113.70", "2001:db8:7::1", "2001:db8:7:5::9")
DAYS = 12
LETTER = b"From: ann%d@remote.example\r\nSubject: %s\r\nMessage-Id: <%d.%d@remote.example>\r\n\r\nbody\r\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The days of the counts. The month ends before the real one, which may change meanwhile."""
    found = Clock()
    found.now = float((int(time.time()) // 86_400 - DAYS - 2) * 86_400 + 3600)
    monkeypatch.setattr(metrics.daily, "_clock", found)
    metrics.daily.take()
    return found


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Minutes:
    found = Minutes()
    monkeypatch.setattr(figures, "sleep", found.sleep)
    return found


@pytest.fixture
async def rig(
    tmp_path: Path,
    clock: Clock,
    minutes: Minutes,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Rig]:
    """A server with IMAP and SMTP, and an owner."""
    monkeypatch.setattr(overview, "DISK_SECONDS", -1.0)
    static = 'rate_limits.exempt = ["127.0.0.0/8"]\n' + ADMIN_STATIC + MAIL
    async with serving(tmp_path, app="/admin/", static=static) as found:
        yield found


async def five_minutes(minutes: Minutes) -> None:
    """Have the recorder store all counts, and sample the queue once."""
    for _ in range(figures.SAMPLE_PERIODS):
        await minutes.go_on()


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until a condition holds: tasks of the server store what has happened."""
    for _ in range(2000):
        if await condition():
            return
        await trio.sleep(0.05)
    raise AssertionError(what)


async def stored(rig: Rig, number: str, more_than: int = 0) -> None:
    """Wait until the recorder has stored more rows, which `number` counts."""

    async def more() -> bool:
        found = await rig.house.files.reports.database.read(lambda r: r.value(number), op="test")
        return int(found) > more_than

    await eventually(more, "rows are stored")


async def test_failed_logins_by_network_are_those_of_the_list(
    rig: Rig, browser: Browser, clock: Clock, minutes: Minutes, tmp_path: Path
) -> None:
    """WEB-86c: guesses from five addresses, by network as the list of attempts has them."""
    for number in range(DAYS):
        for guesser in GUESSERS[number % 5 :][:2]:
            client = IMAPClient(rig.running.connect(port=143, remote=guesser))
            await client.response()
            with pytest.raises(AssertionError, match="AUTHENTICATIONFAILED"):
                await client.login(ADDRESS if number % 2 else f"user{number}@example.org", "a guess")
        clock.now += 86_400
    await five_minutes(minutes)

    listed: Counter[str] = Counter()

    async def all_listed() -> bool:
        listed.clear()
        for one in await rig.auth.attempts.newest(None, limit=1000):
            if one.result != "ok":
                length = 26 if "." in one.remote_ip else 48
                listed[str(ipaddress.ip_network(f"{one.remote_ip}/{length}", strict=False))] += one.count
        return listed.total() == sum(len(GUESSERS[number % 5 :][:2]) for number in range(DAYS))

    await eventually(all_listed, "attempts are listed")
    await stored(rig, "SELECT count(*) FROM daily_count")
    found = await browser.call("login_failures", days=DAYS + 10)
    assert {one["about"]: one["number"] for one in found["networks"]} == dict(listed)
    assert (len(listed), found["rest"]) == (3, 0)
    for network, number in listed.items():
        behind = await browser.call("attempts_from", network=network)
        assert sum(one["count"] for one in behind) == number


async def test_samples_are_those_of_the_queue(rig: Rig, browser: Browser, minutes: Minutes, tmp_path: Path) -> None:
    """WEB-86c: messages, those on hold, and the age of the oldest of the others, as the rows of the queue have them."""
    expected: list[tuple[int, int, int | None]] = []

    queue = await queue_of(rig)

    async def sampled() -> None:
        found = await queue.listings.list_messages(Filter(), Page(n=100))
        held = sum(one.hold for one in found)
        expected.append((len(found), held, min((one.queued for one in found if not one.hold), default=None)))
        await five_minutes(minutes)
        await stored(rig, "SELECT count(*) FROM queue_sample", len(expected))

    await minutes.go_on()  # the first sample, of an empty queue, is stored
    for number in range(1, 5):
        await put(rig, *(f"user{number}.{one}@far.example" for one in range(number)))
        chosen: dict[str, Any] = {"recipient": f"user{number}.0@"}
        later: dict[str, Any] = {"filter": chosen, "expected": 1}
        await browser.call("queue_schedule", seconds=36_000.0, from_now=True, **later)
        await browser.call("queue_unhold", **later)
        await sampled()
    everything = {"all": True, "expected": 10}
    await browser.call("confirm", kind="password", code=ADMIN_PASSWORD)
    assert await browser.call("queue_drop", **everything) == {"messages": 10, "id": 0}
    await sampled()
    found = (await browser.call("queue_history"))[1:]
    told = [(one["messages"], one["held"], one["at"] - one["oldest"] if one["oldest"] else None) for one in found]
    assert told == expected
    assert [one[:2] for one in told] == [(1, 0), (3, 1), (6, 3), (10, 6), (0, 0)]


async def test_sources_are_those_of_the_reports(rig: Rig, browser: Browser) -> None:
    """WEB-86c: passes and failures by address, summed over a month of reports of several providers; with the list of
    reports behind each bar.
    """
    month = [
        (
            dmarc_record("192.0.2.10", 7 + day % 5, signed="example.org"),
            dmarc_record("198.51.100.20", day, passes=day % 2 == 0),
        )
        for day in range(1, 30)
    ]

    def fill(tx: Tx) -> None:
        for day, records in enumerate(month, 1):
            put_dmarc(tx, records, domain="example.org", number=day, ago=day)

    await rig.house.files.reports.database.write(fill)
    expected: Counter[tuple[str, bool]] = Counter()
    for one in [record for records in month for record in records]:
        expected[one.source_ip, one.failed] += one.count
    found = await browser.call("dmarc_sources", domain="example.org", days=30)
    assert {(one["ip"], False): one["passed"] for one in found["sources"]} | {
        (one["ip"], True): one["failed"] for one in found["sources"] if one["failed"]
    } == expected
    assert [one["ip"] for one in found["sources"] if one["own"]] == ["192.0.2.10"]
    for ip in ("192.0.2.10", "198.51.100.20"):
        behind = await browser.call("dmarc_source_reports", domain="example.org", days=30, ip=ip)
        assert sum(one["passed"] for one in behind) == expected[ip, False]
        assert sum(one["failed"] for one in behind) == expected[ip, True]


async def test_disk_is_that_of_the_files(rig: Rig, browser: Browser) -> None:
    """WEB-86c: to the octet, for all files of an account after mail has come."""
    smtp = await rig.running.smtp("mail")
    for number in range(4):
        letter = LETTER % (number, b"large", number, 1) + b"word " * 40_000
        await smtp.deliver(ADDRESS, letter + b"\r\n", f"ann{number}@remote.example")

    def sizes() -> dict[str, int]:
        folders = {name: rig.accounts.path(name) for name in ("mia", "tom")}
        return {
            name: sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())
            for name, folder in folders.items()
        }

    with trio.fail_after(120):
        while True:  # until nothing was written meanwhile
            before = sizes()
            found = await browser.call("disk_use")
            if before == sizes():
                break
    assert {one["name"]: one["octets"] for one in found["accounts"]} == before
    assert before["mia"] > 400_000
