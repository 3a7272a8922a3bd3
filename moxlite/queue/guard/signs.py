"""Counts of what each account sends, and the signs of abuse (SMTP-170). On a transaction.

A spammer with an address list sends to many dead addresses, from rented machines all over the world. A user with an old
newsletter sends to a few dead addresses among many live ones; a traveller uses two or three networks.
"""

from collections.abc import Callable
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

import msgspec

from moxlite.config.snapshot import Snapshot
from moxlite.queue.bounces import OWN_COMMANDS, Cause, explain
from moxlite.queue.data.rows import Message, Result
from moxlite.queue.schedule import SECOND
from moxlite.store.delivery.submission import Submission
from moxlite.store.file.transaction import Reader, Tx

MINUTE: Final = 60 * SECOND
FAILURE_MINUTES: Final = 10
"""Minutes over which failures are counted: a bad list fails at once, single dead addresses now and then."""

SHARE_MINUTES: Final = 120
"""Minutes over which recipients are counted for the share of failures; only failures of messages queued in that time
count. Three retries after greylisting fit in.
"""

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

PREFIX_4, PREFIX_6 = 16, 32
"""Prefix lengths (IPv4, IPv6) of the counted networks: about the range of one provider. A phone that changes its
address while it moves stays within one or two.
"""

MAX_SOURCES: Final = 20
"""Networks listed in the mail about a stop."""

OF_THE_SENDER: Final = frozenset({Cause.UNKNOWN_USER, Cause.CONTENT, Cause.POLICY, Cause.RATE, Cause.OTHER})
"""Causes of refusals that indicate abuse. A full mailbox, the size, a block of our address and missing DNS records say
nothing about the sender.
"""

ADD_SENT: Final = """
INSERT INTO sending (account, minute, recipients, failed) VALUES (?, ?, ?, 0)
ON CONFLICT DO UPDATE SET recipients = recipients + excluded.recipients"""
ADD_FAILED: Final = """
INSERT INTO sending (account, minute, recipients, failed) VALUES (?, ?, 0, ?)
ON CONFLICT DO UPDATE SET failed = failed + excluded.failed"""
ADD_SOURCE: Final = """
INSERT INTO sending_from (account, network, address, first, last, messages) VALUES (?1, ?2, ?3, ?4, ?4, 1)
ON CONFLICT DO UPDATE SET address = excluded.address, last = excluded.last, messages = messages + 1"""
# Rows after now are from before the clock was set back. They do not count (STORE-165).
RECIPIENTS: Final = """
SELECT coalesce(sum(recipients), 0) FROM sending WHERE account = ?1 AND minute > ?2 - ?3 AND minute <= ?2"""
FAILED: Final = """
SELECT coalesce(sum(failed), 0) FROM sending WHERE account = ?1 AND minute > ?2 - ?3 AND minute <= ?2"""
NETWORKS: Final = """
SELECT count(*) FROM sending_from WHERE account = ?1 AND network <> '' AND last > ?2 - ?3 AND last <= ?2"""
SOURCES: Final = """
SELECT address, first, last, messages FROM sending_from WHERE account = ? AND last > ? ORDER BY last DESC LIMIT ?"""
FORGET: Final = ("DELETE FROM sending WHERE account = ?", "DELETE FROM sending_from WHERE account = ?")
CLEAN: Final = "DELETE FROM sending WHERE minute < ?"
CLEAN_SOURCES: Final = "DELETE FROM sending_from WHERE last < ?"


class Sign(StrEnum):
    """The reason why an account is stopped."""

    FAILURES = "failures"
    NETWORKS = "networks"
    RECIPIENTS = "recipients"


class Limits(msgspec.Struct, frozen=True):
    """Limits of an account before it is stopped; 0 for no limit. `failed_share`: percent."""

    failures: int
    failed_share: int
    networks: int
    recipients: int


LimitsOf: TypeAlias = Callable[[str], Limits | None]
"""Function that returns the limits of an account, None if the guard is off for it."""


class Suspicion(msgspec.Struct, frozen=True):
    """A sign that was seen; `why` is a sentence without its full stop."""

    sign: Sign
    why: str


class Source(msgspec.Struct, frozen=True):
    """A network that an account has sent from: the latest address, times of the first and last message (µs UTC), number
    of messages.
    """

    address: str
    first: int
    last: int
    messages: int


def limits_from(snapshot: Snapshot) -> LimitsOf:
    """Limits by the current configuration."""
    guard = snapshot.static.queue.guard

    def limits_of(name: str) -> Limits | None:
        account = snapshot.account(name)
        if not guard.enabled or account is None or account.no_sending_guard:
            return None
        own = account.max_recipients_per_hour
        recipients = guard.recipients_per_hour if own is None else own
        return Limits(guard.failures, guard.failed_share, guard.networks, recipients)

    return limits_of


def network_of(address: str) -> str:
    """The network of an address; "" for an address that is not global (this machine, its local network)."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if ip.version == 6 and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global:
        return ""
    return str(ip_network((ip, PREFIX_4 if ip.version == 4 else PREFIX_6), strict=False))


def note_sent(tx: Tx, submission: Submission, now: int) -> None:
    """Count a message that a user submits, with the network it came from."""
    tx.execute(ADD_SENT, submission.account, now // MINUTE, len(submission.recipients))
    tx.execute(ADD_SOURCE, submission.account, network_of(submission.remote), submission.remote, now)


def suspicion_of_sending(r: Reader, account: str, limits: Limits, now: int) -> Suspicion | None:
    """Judge the counts after a submission; returns the sign of abuse, or None."""
    if limits.networks and (networks := r.value(NETWORKS, account, now, HOUR)) > limits.networks:
        return Suspicion(Sign.NETWORKS, f"messages came from {networks} networks within an hour")
    if limits.recipients and (sent := r.value(RECIPIENTS, account, now // MINUTE, 60)) > limits.recipients:
        return Suspicion(Sign.RECIPIENTS, f"sent to {sent} recipients within an hour")
    return None


def speaks_of_sender(message: Message, result: Result, now: int) -> bool:
    """Whether a permanent failure counts as a sign: another server refused the message, soon after it was queued, and
    for a cause in `OF_THE_SENDER`.
    """
    if (
        result.command in OWN_COMMANDS
        or not message.login_address
        or result.code < 500
        or now - message.queued > SHARE_MINUTES * MINUTE
    ):
        return False
    meaning = explain(result.code, result.secode, result.reply or result.error, result.command)
    return meaning.cause in OF_THE_SENDER


def note_failures(tx: Tx, account: str, number: int, now: int) -> None:
    """Count recipients of an account that were refused for good."""
    tx.execute(ADD_FAILED, account, now // MINUTE, number)


def suspicion_of_failures(r: Reader, account: str, limits: Limits, now: int) -> Suspicion | None:
    """Judge the counts after refusals; returns the sign of abuse, or None."""
    failed = r.value(FAILED, account, now // MINUTE, FAILURE_MINUTES)
    if not limits.failures or failed < limits.failures:
        return None
    sent = r.value(RECIPIENTS, account, now // MINUTE, SHARE_MINUTES)
    if failed * 100 < limits.failed_share * sent:
        return None
    why = f"{failed} recipients were permanently rejected within {FAILURE_MINUTES} minutes, of {sent} in two hours"
    return Suspicion(Sign.FAILURES, why)


def sources(r: Reader, account: str, now: int) -> list[Source]:
    """Networks that an account has sent from in the last day, the latest first."""
    return [Source(*row) for row in r.rows(SOURCES, account, now - DAY, MAX_SOURCES)]


def forget(tx: Tx, account: str) -> None:
    """Delete the counts of an account."""
    for statement in FORGET:
        tx.execute(statement, account)


def clean_signs(tx: Tx, now: int) -> None:
    """Remove counts that are older than a day."""
    tx.execute(CLEAN, (now - DAY) // MINUTE)
    tx.execute(CLEAN_SOURCES, now - DAY)
