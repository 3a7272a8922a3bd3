"""Stopped accounts, whose messages are held until an administrator releases them (SMTP-170). On a transaction."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.admin.notices import notify_account, notify_postmaster
from moxlite.proto.address import Address
from moxlite.queue import metrics, record
from moxlite.queue.context import Context
from moxlite.queue.data.content import Content
from moxlite.queue.guard.signs import (
    LimitsOf,
    Sign,
    Source,
    Suspicion,
    forget,
    note_failures,
    note_sent,
    sources,
    speaks_of_sender,
    suspicion_of_failures,
    suspicion_of_sending,
)
from moxlite.queue.record import AttemptOutcome, Policy, Verdict
from moxlite.queue.schedule import SECOND
from moxlite.queue.submit import add_submission, is_known
from moxlite.store.delivery.submission import SendingStopped, Submission
from moxlite.store.errors import AccountRemoved, AccountUnknown, StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.wakeup import Wakeup
from moxlite.wording import mail_text

RELEASED_LIFE: Final = 24 * 3600 * SECOND
"""µs for which the time of a release is kept: longer than failures of messages queued before it can count."""

COLUMNS: Final = "account, since, sign, why"
GET: Final = f"SELECT {COLUMNS} FROM stop WHERE account = ? AND released IS NULL"  # noqa: S608 column names
LIST: Final = f"SELECT {COLUMNS} FROM stop WHERE released IS NULL ORDER BY since, account"  # noqa: S608 column names
UNTOLD: Final = f"""
SELECT {COLUMNS} FROM stop WHERE released IS NULL AND told = 0 ORDER BY since, account"""  # noqa: S608 column names
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


class HeldMessages(msgspec.Struct, frozen=True):
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
    held: HeldMessages
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


def untold(r: Reader, now: int) -> list[Stopped]:
    """The stops whose mails are not stored yet, the earliest first."""
    return [_whole(r, _of_row(row), now) for row in r.rows(UNTOLD)]


def number_of_stops(r: Reader) -> int:
    """Number of stopped accounts."""
    return int(r.value(COUNT))


def _whole(r: Reader, one: Stop, now: int) -> Stopped:
    return Stopped(one, _held(r, one.account), tuple(sources(r, one.account, now)))


def _held(r: Reader, account: str) -> HeldMessages:
    row = r.row(HELD, account)
    assert row is not None
    messages, recipients, oldest, domains = row
    first = tuple((subject, number) for subject, number, _ in r.rows(SUBJECTS, account, MAX_SUBJECTS))
    return HeldMessages(messages, recipients, oldest, domains, first)


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


# Submissions and outcomes of attempts, counted in the transaction that writes them (SMTP-170).


def take(
    tx: Tx, submission: Submission, content: Content, now: int, limits_of: LimitsOf, *, mirrored: bool
) -> tuple[list[int], Stop | None]:
    """Call `add_submission` and count the submission; returns the ids of the rows, and the stop that it caused, if any,
    which holds them.

    For a stopped account, a submission with a key (its user has already got a success) is queued and held; others are
    refused, so that their senders know.

    Raises:
      SendingStopped: the account is stopped.
      QueueFull, FromIDTaken: as `add_submission`.
    """
    if not submission.login_address or is_known(tx, submission):
        return add_submission(tx, submission, content, now, mirrored=mirrored), None
    account = submission.account
    # In the transaction that adds the rows: a burst of submissions at the same moment cannot pass the limit together.
    before, new = stop_of(tx, account), None
    if before is not None and not submission.key:
        raise SendingStopped(before.since)
    note_sent(tx, submission, now)
    limits = limits_of(account)
    if before is None and limits is not None:
        suspicion = suspicion_of_sending(tx, account, limits, now)
        new = None if suspicion is None else stop(tx, account, suspicion, now)
    ids = add_submission(tx, submission, content, now, mirrored=mirrored)
    if before is not None or new is not None:
        hold_rows(tx, ids[0], ids[-1])
    return ids, new


def finish(tx: Tx, ended: Sequence[AttemptOutcome], policy: Policy, limits_of: LimitsOf) -> list[Stop]:
    """Call `record.finish` and count the failures; returns the stops that they caused."""
    record.finish(tx, ended, policy)
    failed = Counter(
        attempt_outcome.message.account
        for attempt_outcome in ended
        if attempt_outcome.verdict is Verdict.PERMANENT
        and not attempt_outcome.own
        and speaks_of_sender(attempt_outcome.message, attempt_outcome.result, policy.now)
        and attempt_outcome.message.queued > released_at(tx, attempt_outcome.message.account)
    )
    found = []
    for account, number in failed.items():
        limits = limits_of(account)
        if limits is None or stop_of(tx, account) is not None:
            continue
        note_failures(tx, account, number, policy.now)
        suspicion = suspicion_of_failures(tx, account, limits, policy.now)
        if suspicion is not None:
            found.append(stop(tx, account, suspicion, policy.now))
    return found


# Mail about a stopped account: one message to the administrator, one to the user (SMTP-170).


logger = logging.getLogger("moxlite.queue.guard")

RETRY_SECONDS: Final = 300.0
"""Seconds until mail that could not be stored is tried again: the disk may be full, the account out of service."""

MAX_SUBJECT: Final = 100
"""Characters of a subject quoted in the email. It's limited because a stranger may have written it."""


MAX_ADDRESSES: Final = 5
"""Addresses of the account in the mail to the administrator."""


class Guard:
    """Sends the mail about stops. Stops without mail are found in queue.db, also after a restart."""

    def __init__(self, ctx: Context, database: Database) -> None:
        self._ctx = ctx
        self._database = database
        self._wakeup = Wakeup()

    def began(self, stops: Sequence[Stop]) -> None:
        """Log and count new stops, and wake `serve`."""
        for one in stops:
            metrics.stops.labels(sign=one.sign.value).inc()
            facts = {"account": one.account, "sign": one.sign.value, "why": one.why}
            logger.warning("sending paused, messages held", extra={"kv": facts})
        if stops:
            self._wakeup.set()

    async def serve(self) -> None:
        """Store the mails about each stop once, for ever.

        Errors: exceptions of the queue's database are raised; mail that its account does not take is tried again.
        """
        while True:
            self._wakeup.clear()
            # All are tried: a user whose account is broken must not keep the administrator from hearing of the others.
            stored = [await self._tell(found) for found in await self._untold()]
            with trio.move_on_after(float("inf") if all(stored) else RETRY_SECONDS):
                await self._wakeup.wait()

    async def _untold(self) -> list[Stopped]:
        return await self._database.scan(partial(untold, now=self._ctx.clock()), op="queue stops")

    async def _tell(self, found: Stopped) -> bool:
        """Store both mails, then record that; a crash in between does not store a mail twice. Returns False if an
        account could not store its mail.
        """
        stop, snapshot, accounts = found.stop, self._ctx.config.current, self._ctx.accounts
        once = f"guard {stop.account} {stop.since}"
        settings = snapshot.account(stop.account)
        addresses = list(settings.destinations) if settings is not None else []
        try:
            subject = f"Sending paused for {stop.account}: account may be compromised"
            text = admin_text(found, addresses)
            await notify_postmaster(accounts, snapshot, subject, text, once=once, flagged=True)
            own = next((address for address in addresses if not address.startswith("@")), None)
            if own is not None:
                await self._tell_user(stop, Address.parse(own), once)
        except StoreError as error:
            facts = {"account": stop.account, "err": error}
            logger.error("failed to store paused-account email", extra={"kv": facts})
            return False
        await self._database.write(partial(mark_told, one=stop))
        return True

    async def _tell_user(self, stop: Stop, address: Address, once: str) -> None:
        subject, lines = mail_text("Sending paused for your account"), user_lines(stop)
        try:
            await notify_account(
                self._ctx.accounts, self._ctx.config.current, stop.account, address, subject, lines, once=f"{once} user"
            )
        except (AccountUnknown, AccountRemoved):
            return


def admin_text(found: Stopped, addresses: Sequence[str]) -> str:
    """The mail to the administrator: account, time, reason, networks, held messages and advice."""
    stop, held = found.stop, found.held
    name = stop.account
    who = ", ".join(addresses[:MAX_ADDRESSES]) or "without an address"
    lines = [
        f"Sending for account {name} ({who}) was paused on {_time(stop.since)}:",
        f"{stop.why}. This usually means someone else knows the password.",
        "",
        f"On hold: messages: {held.messages}, recipients: {held.recipients}, domains: {held.domains}.",
        "New messages from this account are deferred (451). Logins and incoming mail still work.",
    ]
    if held.first:
        lines += ["", "First messages on hold:"]
        lines += [f"  {' '.join(subject.split())[:MAX_SUBJECT]!r}, recipients: {to}" for subject, to in held.first]
    lines += ["", "Sent from these addresses in the last day:"]
    lines += [
        f"  {source.address or 'unknown'}: messages: {source.messages}, {_time(source.first)} to {_time(source.last)}"
        for source in found.sources
    ]
    return "\n".join(
        [
            *lines,
            "",
            "To see the messages on hold:",
            f"  moxlite queue list --account {name} --hold true",
            "  moxlite queue dump ID",
            "",
            "If the user sent these messages, resume sending:",
            f"  moxlite queue guard release {name}",
            f"To turn off the guard for this account, set no_sending_guard = true in [accounts.{name}].",
            "",
            "If someone else sent them, change the password, revoke app passwords they may know, delete the",
            "messages that the user didn't write, and resume sending:",
            f"  moxlite account set-password {name}",
            f"  moxlite account app-password list {name}",
            f"  moxlite queue drop --account {name} --hold true",
            f"  moxlite queue guard release {name}",
            "",
        ]
    )


SIGNS: Final = {
    Sign.FAILURES: mail_text("Other servers rejected many of your messages."),
    Sign.NETWORKS: mail_text("Your messages came from many networks within an hour."),
    Sign.RECIPIENTS: mail_text("You sent messages to many recipients within an hour."),
}
"""Reasons for the user, who can't do anything with the numbers."""


def user_lines(stop: Stop) -> list[str]:
    """The mail to the user: what happened, and what to do."""
    return [
        mail_text(
            "Sending from your account {account} was paused on {when}.", account=stop.account, when=_time(stop.since)
        ),
        SIGNS[stop.sign],
        mail_text("This usually means someone else knows your password."),
        "",
        mail_text(
            "Your outgoing messages are on hold. You can't send new ones until your administrator resumes sending."
        ),
        mail_text("You'll still receive mail."),
        "",
        mail_text("If you didn't send these messages, change your password and contact your administrator."),
        mail_text("If you sent them, ask your administrator to resume sending."),
    ]


def _time(microseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(microseconds / SECOND))
