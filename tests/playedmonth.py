"""A month of daily counts, samples of the queue and failed log-ins, as a small server has them."""

import math
from pathlib import Path

import trio

from moxlite.metrics import DailyKey
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.auth.loginattempts import LoginAttempt, record
from moxlite.store.file.transaction import Tx
from moxlite.store.options import DAY, SECOND, Options
from moxlite.store.reports.history import QueueSample, add_counts, add_sample
from moxlite.store.reports.reportsdb import ReportsDB

__all__ = ["month", "put_history", "write_history"]

DAYS = 30


def month(today: int) -> dict[DailyKey, int]:
    """Counts of 30 days up to today, in days since 1970."""
    found: dict[DailyKey, int] = {}
    for ago in range(DAYS):
        day = today - ago
        busy = 1.0 if day % 7 not in (2, 3) else 0.4  # 1970 began on a Thursday
        wave = 1 + 0.2 * math.sin(ago)
        found["delivered", day, "no-bad-signals"] = round(130 * busy * wave)
        found["delivered", day, "msgfrom-full"] = round(40 * busy * wave)
        found["junk", day, "junk-content"] = round(22 * wave)
        found["junk", day, "junk-content-unsure"] = round(6 * wave)
        found["refused", day, "unknown-user"] = round(310 * wave)
        found["refused", day, "dnsbl"] = round(90 / wave)
        found["sent", day, ""] = round(28 * busy * wave)
        found["judged-wanted", day, ""] = round(60 * busy)
        found["judged-junk", day, ""] = round(22 * wave)
        if ago % 3 == 0:
            found["marked-junk", day, ""] = 1 + ago % 4
        if ago % 9 == 4:
            found["marked-wanted", day, ""] = 1
        found["login-failed", day, "203.0.113.0/26"] = 40 + ago % 7
        found["login-failed", day, "2001:db8:7::/48"] = 9
        if ago == 12:
            found["login-failed", day, "198.51.100.64/26"] = 300
    return found


def put_history(tx: Tx) -> None:
    """Put the month, and a week of samples with one evening on which mail waited."""
    add_counts(tx, month(tx.now // DAY))
    for number in range(7 * 24 * 12):
        at = tx.now - number * 300 * SECOND
        peak = max(0.0, 1 - abs(number - 700) / 60)
        messages = round(40 * peak + 3 * max(0.0, math.sin(number / 40)))
        if messages:
            add_sample(tx, QueueSample(at, messages, min(messages, 1), round(messages * 700 * SECOND)))
        elif number % 12 == 0:
            add_sample(tx, QueueSample(at, 0, 0, 0))


def attempts() -> list[LoginAttempt]:
    """Failed log-ins of a guesser."""
    return [
        LoginAttempt(
            result="badpassword" if number % 2 else "baduser",
            protocol="submission",
            mechanism="login",
            account="-" if number % 2 == 0 else "moxlite",
            address=f"user{number}@hill.example",
            remote_ip=f"203.0.113.{1 + number % 60}",
        )
        for number in range(12)
    ]


def write_history(data: Path) -> None:
    """The month for a server that does not run."""

    async def main() -> None:
        options = Options(min_free_space=0)
        reports = await ReportsDB.open(data / "reports.db", options)
        auth = await AuthDB.open(data / "auth.db", options, create=True)
        try:
            await reports.database.write(put_history)
            await auth.database.write(lambda tx: record(tx, attempts()))
        finally:
            await reports.aclose()
            await auth.aclose()

    trio.run(main)
