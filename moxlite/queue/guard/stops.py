"""Stopped accounts, whose messages are held until an administrator releases them (SMTP-170). On a transaction."""

from typing import Final

import msgspec

from moxlite.queue.guard.signs import Sign, Source, Suspicion, forget, sources
from moxlite.queue.schedule import SECOND
from moxlite.store.file.transaction import Reader, Row, Tx

RELEASED_LIFE: Final = 24 * 3600 * SECOND
"""µs for which the time of a release is kept: longer than failures of messages queued before it can count."""

COLUMNS: Final = "account, since, sign, why"
GET: Final = f"SELECT {COLUMNS} FROM stop WHERE account = ? AND released IS NULL"  # noqa: S608 column names
LIST: Final = f"SELECT {COLUMNS} FROM stop WHERE released IS NULL ORDER BY since, account"  # noqa: S608 column names
UNTOLD: Final = f"""
SELECT {COLUMNS} FROM stop WHERE released IS NULL AND told = 0 ORDER BY since LIMIT 1"""  # noqa: S608 column names
COUNT: Final = "SELECT count(*) FROM stop WHERE released IS NULL"
RELEASED: Final = "SELECT released FROM stop WHERE account = ? AND released IS NOT NULL"
INSERT: Final = "INSERT OR REPLACE INTO stop (account, since, sign, why, told, released) VALUES (?, ?, ?, ?, 0, NULL)"
TELL: Final = "UPDATE stop SET told = 1 WHERE account = ? AND since = ?"
RELEASE: Final = "UPDATE stop SET released = ? WHERE account = ?"
CLEAN: Final = "DELETE FROM stop WHERE released < ?"
HOLD: Final = """
UPDATE msg SET hold = 1, guarded = 1
WHERE account = ? AND login_address <> '' AND hold = 0 AND dsn_due IN ('', 'delayed')"""
HOLD_NEW: Final = "UPDATE msg SET hold = 1, guarded = 1 WHERE id BETWEEN ? AND ? AND hold = 0"
UNHOLD: Final = "UPDATE msg SET hold = 0, guarded = 0 WHERE account = ? AND guarded = 1"
HELD: Final = """
SELECT count(DISTINCT content_id), count(*), min(queued), count(DISTINCT rcpt_domain) FROM msg
WHERE account = ? AND guarded = 1"""
SUBJECTS: Final = """
SELECT subject, count(*), min(queued) FROM msg WHERE account = ? AND guarded = 1
GROUP BY content_id ORDER BY min(queued) LIMIT ?"""

MAX_SUBJECTS: Final = 5
"""Messages listed in the mail about a stop, for a first impression."""


class Stop(msgspec.Struct, frozen=True):
    """The stop of an account: its time (µs UTC) and sign; `why` is a sentence without its full stop."""

    account: str
    since: int
    sign: Sign
    why: str


class Held(msgspec.Struct, frozen=True):
    """Messages of an account that the guard holds: numbers of messages, recipients and recipient domains; when the
    oldest was queued (µs UTC, None without messages); subject and number of recipients of the first `MAX_SUBJECTS`
    messages.
    """

    messages: int
    recipients: int
    oldest: int | None
    domains: int
    first: tuple[tuple[str, int], ...]


class Stopped(msgspec.Struct, frozen=True):
    """A stop with the held messages, and the networks that the account has sent from."""

    stop: Stop
    held: Held
    sources: tuple[Source, ...]


def stop_of(r: Reader, account: str) -> Stop | None:
    """The stop of an account, or None."""
    row = r.row(GET, account)
    return None if row is None else _of_row(row)


def _of_row(row: Row) -> Stop:
    account, since, sign, why = row
    return Stop(account, since, Sign(sign), why)


def stops(r: Reader, now: int) -> list[Stopped]:
    """All stopped accounts, the earliest stop first."""
    return [_whole(r, _of_row(row), now) for row in r.rows(LIST)]


def untold(r: Reader, now: int) -> Stopped | None:
    """The earliest stop whose mails are not stored yet, or None."""
    row = r.row(UNTOLD)
    return None if row is None else _whole(r, _of_row(row), now)


def number_of_stops(r: Reader) -> int:
    """Number of stopped accounts."""
    return int(r.value(COUNT))


def _whole(r: Reader, one: Stop, now: int) -> Stopped:
    return Stopped(one, _held(r, one.account), tuple(sources(r, one.account, now)))


def _held(r: Reader, account: str) -> Held:
    row = r.row(HELD, account)
    assert row is not None
    messages, recipients, oldest, domains = row
    first = tuple((subject, number) for subject, number, _ in r.rows(SUBJECTS, account, MAX_SUBJECTS))
    return Held(messages, recipients, oldest, domains, first)


def released_at(r: Reader, account: str) -> int:
    """Time of an account's last release (µs UTC), 0 without a recent one. Failures of messages queued before it do not
    count.
    """
    row = r.row(RELEASED, account)
    return 0 if row is None else row[0]


def stop(tx: Tx, account: str, suspicion: Suspicion, now: int) -> Stop:
    """Stop an account, and hold its waiting messages, except mail made by the server itself. Messages that a person or
    a rule already holds are not marked as the guard's.
    """
    tx.execute(INSERT, account, now, suspicion.sign.value, suspicion.why)
    tx.execute(HOLD, account)
    return Stop(account, now, suspicion.sign, suspicion.why)


def hold_rows(tx: Tx, first: int, last: int) -> None:
    """Hold the rows `first` to `last`, just added for a stopped account."""
    tx.execute(HOLD_NEW, first, last)


def mark_told(tx: Tx, one: Stop) -> None:
    """Record that the mails to administrator and user are stored."""
    tx.execute(TELL, one.account, one.since)


def release(tx: Tx, account: str, now: int) -> Stopped | None:
    """Release an account and its messages held by the guard, and reset its counts. Returns the stop with the held
    messages, None if the account is not stopped.
    """
    one = stop_of(tx, account)
    if one is None:
        return None
    whole = _whole(tx, one, now)
    tx.execute(RELEASE, now, account)
    tx.execute(UNHOLD, account)
    forget(tx, account)
    return whole


def clean_stops(tx: Tx, now: int) -> None:
    """Forget accounts that were released long ago."""
    tx.execute(CLEAN, now - RELEASED_LIFE)
