"""The weekly mail to the postmaster (ADMIN-70a)."""

import datetime as dt
import time
from email import message_from_bytes
from email.policy import default

import msgspec
import pytest
import trio

from moxlite.admin.doctor import weekly
from moxlite.admin.doctor.requests import Running, TellWeek
from moxlite.admin.doctor.weekly import Week, WeeklyMail, new_places, next_monday, subject_of, text_of
from moxlite.findings import Finding
from moxlite.metrics import DAY_SECONDS, DailyKey
from moxlite.store.auth.loginattempts import LoginAttempt, record
from moxlite.store.reports.history import Sum, add_counts
from tests.session.test_web_factors import notices
from tests.web_rig import STATIC, Rig

DAY = 20_500
FULL = Week(
    host="mx.example.org",
    first=DAY - 6,
    last=DAY,
    version="0.1.0",
    update="0.2.0",
    counts={"delivered": 1_381, "junk": 31, "refused": 1_204, "sent": 96, "failed": 2, "login-failed": 340},
    before={"delivered": 1_370, "junk": 28, "refused": 1_350, "sent": 101, "login-failed": 120},
    refused=[Sum(f"reason-{number}", 300 - number) for number in range(6)],
    guessers=12,
    filed=1_001,
    placement=[(f"mailbox {number}", "inbox") for number in range(9)],
    leaks=[(f"masked{number}@example.org", "given to shop.example") for number in range(9)],
    places={f"user{number}": [f"192.0.{number}.0/24"] * 9 for number in range(40)},
    changes=[(f"action {number}", 3, ["kim", "x" * 400, "\x1b[31m", "ben"]) for number in range(40)],
    free=12_300_000_000,
    size=40_000_000_000,
    ends=(1_800_000_000, "public"),
    backup=1_771_000_000.0,
    rehearsed=1_770_500_000.0,
    findings=[Finding(grade="warning", code="update", about="x", text="y" * 900)] * 40,
)


def test_the_mail_is_short_whatever_happened() -> None:
    """ADMIN-70a: at most 30 lines, no control characters, what matters first."""
    text = text_of(FULL)
    lines = text.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 300
    assert lines[0].startswith("mx.example.org, February 10, 2026 to February 16, 2026")
    assert lines[2] == "Mail: 1,412 (1,398) received, 31 (28) junk; 96 (101) sent, 2 (0) failed."
    assert lines[3].startswith("Rejected: 1,204 (1,350): 300 reason-0, 299 reason-1")
    assert "Junk filter: 1,001 moved to Junk, 0 rejected. Users marked 0 as junk and 0 as not junk." in lines
    assert "Logins: 340 failed from 12 networks (120)." in lines
    assert "  and 38 more accounts" in lines
    assert "Version: 0.1.0; 0.2.0 available." in lines
    assert "\x1b" not in text
    assert subject_of(FULL) == "weekly summary: 1,412 messages received, 96 sent; 40 problems"


def test_what_says_nothing_is_left_out() -> None:
    """ADMIN-70a."""
    text = text_of(Week(host="mx.example.org", first=DAY - 6, last=DAY, version="0.1.0"))
    assert text.splitlines()[2:] == [
        "Mail: 0 (0) received, 0 (0) junk; 0 (0) sent, 0 (0) failed.",
        "",
        "Backup: none completed since the server started (docs/backup.md).",
        "Version: 0.1.0.",
        "",
        "To stop these emails, set doctor.weekly = false in moxlite.toml.",
    ]


def test_a_place_is_a_network_that_is_new() -> None:
    """ADMIN-70a: another address of a known network is none; damaged rows do not matter."""
    rows = [
        ("mia", "192.0.2.7", 50),
        ("mia", "192.0.2.8", 200),
        ("mia", "198.51.100.1", 300),
        ("mia", "203.0.113.9", 250),
        ("ben", "2001:db8::1", 100),
        ("ben", "no address", 500),
    ]
    assert new_places(rows, 100) == {"ben": ["2001:db8::/48"], "mia": ["203.0.113.0/26", "198.51.100.0/26"]}


def test_it_is_written_on_mondays() -> None:
    """ADMIN-70a: at 7 in the morning."""
    monday = dt.datetime(2026, 3, 30, 7).astimezone().timestamp()
    assert next_monday(monday - 1) == monday
    later = next_monday(monday)
    assert 6.9 * DAY_SECONDS < later - monday < 7.1 * DAY_SECONDS
    assert dt.datetime.fromtimestamp(later, dt.UTC).astimezone().strftime("%a %H:%M") == "Mon 07:00"


def mail_of(rig: Rig) -> WeeklyMail:
    async def state() -> Running:
        await trio.lowlevel.checkpoint()
        return Running(version="0.1.0")

    return WeeklyMail(
        config=rig.holder,
        accounts=rig.accounts,
        auth=rig.auth,
        reports=rig.house.files.reports,
        running=state,
        certificates=rig.house.network.tls.in_use,
    )


@pytest.mark.served
async def test_a_server_tells_its_postmaster_once(rig: Rig) -> None:
    """ADMIN-70a: what was counted, and who logged in; a second mail about the same days is not stored."""
    now = time.time()
    day = int(now // DAY_SECONDS) - 2
    counts: dict[DailyKey, int] = {
        ("delivered", day, "known"): 7,
        ("junk", day, "junk-content-unsure"): 5,
        ("junk", day, "junk-content"): 2,
        ("junk", day - 1, "junk-content-strict"): 1,
        ("junk", day, "dmarc-quarantine"): 4,
        ("junk", day - 20, "junk-content"): 9,
    }
    await rig.house.files.reports.database.write(lambda tx: add_counts(tx, counts))
    attempt = LoginAttempt(result="ok", protocol="imap", mechanism="plain", account="mia", remote_ip="192.0.2.77")
    await rig.auth.database.write(lambda tx: record(tx, [attempt]))
    async with rig.running.ctl() as ctl:
        text = await ctl.call("doctor weekly", TellWeek(), str)
    assert "Mail: 19 (0) received, 12 (0) junk" in text
    assert "Junk filter: 5 moved to Junk, 3 rejected. Users marked 0 as junk and 0 as not junk." in text
    assert "  mia: 192.0.2.64/26" in text
    assert "Certificates: next to expire on" in text
    mail = mail_of(rig)
    await mail.send()
    await mail.send()
    path = rig.holder.current.static.data_dir / weekly.STATE
    assert now <= msgspec.json.decode(path.read_bytes())["at"]
    mailbox = rig.holder.current.static.postmaster.mailbox
    assert [one for one in await notices(rig, mailbox) if one.startswith("Weekly summary:")] == [
        "Weekly summary: 19 messages received, 0 sent"
    ]


@pytest.mark.served
@pytest.mark.rig(static=STATIC.replace('hostname = "mail.example.org"', 'hostname = "mail.bücher.example"'))
async def test_a_host_name_of_other_letters_is_in_the_mail(rig: Rig) -> None:
    """ADMIN-70a, SMTP-2c, SMTP-2e: as people read it, and in A-labels in From."""
    await mail_of(rig).send()
    async with rig.account() as account:
        [header] = await account.read(
            lambda r: [octets for (octets,) in r.rows("SELECT header FROM message_header")], op="test"
        )
    message = message_from_bytes(header, policy=default)
    assert message["Subject"].startswith("[moxlite mail.bücher.example] Weekly summary: ")
    assert message["From"].addresses[0].addr_spec == "postmaster@mail.xn--bcher-kva.example"


@pytest.mark.served
async def test_a_new_server_waits_for_its_first_monday(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """ADMIN-70a: one that was down on Monday writes after its start."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds != weekly.FIRST:
            await trio.sleep_forever()

    monkeypatch.setattr(weekly, "sleep_by_both_clocks", sleep)
    path = rig.holder.current.static.data_dir / weekly.STATE
    mail = mail_of(rig)
    for last, waits in ((None, 1), (1.0, 1), (9 * DAY_SECONDS, 2)):
        slept.clear()
        path.unlink(missing_ok=True)
        if last is not None:
            path.write_bytes(msgspec.json.encode(weekly.Weekly(time.time() - last)))
        with trio.move_on_after(1):
            await mail.serve()
        assert len(slept) == waits
        assert 0 < slept[-1] <= 8 * DAY_SECONDS
    assert msgspec.json.decode(path.read_bytes())["at"] > time.time() - 60
