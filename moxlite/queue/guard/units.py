"""Submissions and outcomes of attempts, counted in the transaction that writes them (SMTP-170)."""

from collections import Counter
from collections.abc import Sequence

from moxlite.queue import record
from moxlite.queue.data.content import Content
from moxlite.queue.guard.signs import (
    LimitsOf,
    note_failures,
    note_sent,
    speaks_of_sender,
    suspicion_of_failures,
    suspicion_of_sending,
)
from moxlite.queue.guard.stops import Stop, hold_rows, released_at, stop, stop_of
from moxlite.queue.record import Ended, Policy, Verdict
from moxlite.queue.submit import add_submission, is_known
from moxlite.store.delivery.submission import SendingStopped, Submission
from moxlite.store.file.transaction import Tx


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


def finish(tx: Tx, ended: Sequence[Ended], policy: Policy, limits_of: LimitsOf) -> list[Stop]:
    """Call `record.finish` and count the failures; returns the stops that they caused."""
    record.finish(tx, ended, policy)
    failed = Counter(
        one.message.account
        for one in ended
        if one.verdict is Verdict.PERMANENT
        and not one.own
        and speaks_of_sender(one.message, one.result, policy.now)
        and one.message.queued > released_at(tx, one.message.account)
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
