"""Counts by day, and samples of the queue, in ``reports.db`` (WEB-86b)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from moxlite.metrics import DAILY_KINDS, MAX_DAILY, DailyKey, DailyKind
from moxlite.store.file.transaction import Reader, Tx

MAX_SAMPLES: Final = 2_100
"""Samples in one answer: a week with one each five minutes has 2,016."""

KNOWN: Final = "SELECT 1 FROM daily_count WHERE kind = ? AND day = ? AND about = ?"
NUMBER: Final = "SELECT count(*) FROM daily_count WHERE kind = ? AND day = ?"
ADD: Final = """
INSERT INTO daily_count (kind, day, about, number) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, day, about) DO UPDATE SET number = number + excluded.number"""
SAMPLE: Final = "INSERT OR REPLACE INTO queue_sample (at, messages, held, oldest) VALUES (?, ?, ?, ?)"
DAYS: Final = """
SELECT day, sum(number) FROM daily_count WHERE kind = ? AND day >= ? AND day <= ? GROUP BY day ORDER BY day"""
SUMS: Final = """
SELECT about, sum(number) AS total FROM daily_count WHERE kind = ? AND day >= ? AND day <= ?
GROUP BY about ORDER BY total DESC, about LIMIT ?"""
SUM: Final = """
SELECT coalesce(sum(number), 0) FROM daily_count WHERE kind = ? AND day >= ? AND day <= ? AND about = ?"""
SAMPLES: Final = "SELECT at, messages, held, oldest FROM queue_sample WHERE at >= ? ORDER BY at LIMIT ?"


class DayCount(msgspec.Struct, frozen=True):
    """Number of one kind on a day, which is in days since 1970, UTC."""

    kind: DailyKind
    day: int
    number: int


class Sum(msgspec.Struct, frozen=True):
    """Number for one reason or network; `about` is "" for all that are not counted apart."""

    about: str
    number: int


class QueueSample(msgspec.Struct, frozen=True):
    """The queue at a time. `messages`: those on hold included; `oldest`: µs for which the oldest other one waits."""

    at: int
    messages: int
    held: int
    oldest: int


def add_counts(tx: Tx, counts: Mapping[DailyKey, int]) -> None:
    """Add to the counts; beyond `MAX_DAILY` texts of a kind and day, further ones are counted together."""
    for (kind, day, about), number in counts.items():
        # Strangers choose the reasons and networks; the sum of the day must be right however many they bring.
        if about and tx.row(KNOWN, kind, day, about) is None and tx.value(NUMBER, kind, day) >= MAX_DAILY:
            about = ""
        tx.execute(ADD, kind, day, about, number)


def add_sample(tx: Tx, sample: QueueSample) -> None:
    """Store a sample of the queue."""
    tx.execute(SAMPLE, sample.at, sample.messages, sample.held, sample.oldest)


def day_counts(r: Reader, kinds: Sequence[DailyKind], first: int, last: int) -> list[DayCount]:
    """Numbers from day `first` to day `last`, by kind and day; days without any are left out."""
    return [DayCount(kind, day, number) for kind in kinds for day, number in r.rows(DAYS, kind, first, last)]


def sums(r: Reader, kind: DailyKind, first: int, last: int, limit: int) -> list[Sum]:
    """Sums of one kind by reason or network, most first."""
    return [Sum(about, number) for about, number in r.rows(SUMS, kind, first, last, limit)]


def sum_of(r: Reader, kind: DailyKind, reasons: Iterable[str], first: int, last: int) -> int:
    """Sum of one kind for some reasons."""
    return sum(r.value(SUM, kind, first, last, reason) for reason in reasons)


def day_reasons(r: Reader, day: int) -> list[tuple[DailyKind, list[Sum]]]:
    """Numbers of one day by kind and reason, most first; kinds without any are left out."""
    found = [(kind, sums(r, kind, day, day, MAX_DAILY)) for kind in DAILY_KINDS]
    return [(kind, numbers) for kind, numbers in found if numbers]


def samples(r: Reader, since: int) -> list[QueueSample]:
    """Samples since a time (µs UTC), oldest first."""
    return [QueueSample(*row) for row in r.rows(SAMPLES, since, MAX_SAMPLES)]


# Times at which the mail of accounts was last checked, in ``reports.db`` (STORE-181): no account is opened to ask.


ALL: Final = "SELECT account, started, damaged FROM scrub"
NOTE: Final = """
INSERT INTO scrub (account, started, damaged) VALUES (?, ?, ?)
ON CONFLICT (account) DO UPDATE SET started = excluded.started, damaged = excluded.damaged"""
FORGET: Final = "DELETE FROM scrub WHERE account = ?"


class LastScrub(msgspec.Struct, frozen=True):
    """Start of an account's last scrub, µs UTC, and the number of damaged chunks that it found."""

    started: int
    damaged: int


def last_scrubs(r: Reader) -> dict[str, LastScrub]:
    """The last scrub of each account that had one."""
    return {account: LastScrub(started, damaged) for account, started, damaged in r.rows(ALL)}


def note_scrub(tx: Tx, account: str, scrub: LastScrub) -> None:
    """Store the last scrub of an account."""
    tx.execute(NOTE, account, scrub.started, scrub.damaged)


def forget_scrubs(tx: Tx, known: Collection[str]) -> None:
    """Remove the rows of accounts that are not among `known`."""
    # An account that is made again under the name must not seem checked.
    for account in last_scrubs(tx).keys() - set(known):
        tx.execute(FORGET, account)
