"""What has changed since a modseq, by the ids that JMAP has: emails, threads and mailboxes (RFC 8620 §5.2); and the
epoch to which a modseq belongs.

An email is a message with its copies, which share an EMAILID; one with ``\\Deleted`` counts as gone. All functions read
rows and tombstones by their modseq, so the work is that of the changes. For `account.scan`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from moxlite.store.file.transaction import Reader, Row, int_array
from moxlite.store.rows.mailboxes import state
from moxlite.store.rows.messages import in_thread
from moxlite.store.types import Flag, MailboxID

MAIL_STATE: Final = """
SELECT max(coalesce((SELECT max(modseq) FROM mailbox), 0), coalesce((SELECT max(modseq) FROM mailbox_gone), 0),
coalesce((SELECT max(threadseq) FROM message WHERE threadseq > createseq), 0))"""
SEEN_STATE: Final = """
SELECT max(coalesce((SELECT max(b.modseq) FROM carray(?1) c CROSS JOIN mailbox b ON b.id = c.value), 0),
coalesce((SELECT max(threadseq) FROM message
WHERE threadseq > createseq AND mailbox_id IN (SELECT value FROM carray(?1))), 0))"""
SUBSCRIPTION_STATE: Final = "SELECT coalesce(max(modseq), 0) FROM subscription"
# ?1: the modseq of the client
CHANGED: Final = """
SELECT m.email_id, m.threadid, m.createseq, max(m.modseq, m.threadseq), m.mailbox_id
FROM mailbox b CROSS JOIN message m ON m.mailbox_id = b.id WHERE b.modseq > ?1 AND m.modseq > ?1
UNION ALL
SELECT m.email_id, m.threadid, m.createseq, max(m.modseq, m.threadseq), m.mailbox_id
FROM message m WHERE m.threadseq > m.createseq AND m.threadseq > ?1 AND m.modseq <= ?1
LIMIT ?2"""
BURIED: Final = """
SELECT coalesce(e.email_id, e.message_id), e.threadid, e.createseq, e.modseq, e.mailbox_id FROM expunged e
WHERE e.modseq > ?1
LIMIT ?2"""
# the rows of emails: the first message and its copies
ROWS: Final = """
SELECT m.email_id, m.threadid, m.createseq, m.flags & {deleted}, m.mailbox_id
FROM carray(?1) c CROSS JOIN message m ON m.id = c.value WHERE m.email_id = m.id
UNION ALL
SELECT m.email_id, m.threadid, m.createseq, m.flags & {deleted}, m.mailbox_id
FROM carray(?1) c CROSS JOIN message m ON m.email_id = c.value WHERE m.email_id <> m.id""".format(
    deleted=int(Flag.DELETED)
)
IN_THREADS: Final = f"""
SELECT m.threadid, m.email_id, m.createseq, m.flags & {int(Flag.DELETED)}, m.mailbox_id FROM carray(?1) c
CROSS JOIN message m ON {in_thread("c.value")}"""  # noqa: S608 - constants
MAILBOXES: Final = "SELECT id, createseq, modseq FROM mailbox WHERE modseq > ?"
MAILBOXES_GONE: Final = "SELECT mailbox_id, createseq, modseq FROM mailbox_gone WHERE modseq > ?"
SUBSCRIBED_SINCE: Final = """
SELECT b.id, b.createseq, s.modseq FROM subscription s JOIN mailbox b ON b.name = s.name WHERE s.modseq > ?"""

# An epoch is the first 8 octets of `file_id`. `||` makes a text of two BLOBs, with the same octets.
BEGIN_EPOCH: Final = "UPDATE state SET file_id = randomblob(24) WHERE id = 1"
KEEP_EPOCH: Final = """
UPDATE state SET file_id = CAST(substr(file_id, 1, 8) || randomblob(length(file_id) - 8) AS BLOB) WHERE id = 1"""
LINKS_ANEW: Final = "UPDATE link SET sent = 0"
EPOCH: Final = "SELECT lower(hex(substr(file_id, 1, 8))) FROM state"
NAMED_EPOCH: Final = "SELECT iif(length(file_id) > 16, '-' || lower(hex(substr(file_id, 1, 8))), '') FROM state"

Within: TypeAlias = Collection[MailboxID] | None

OWN_CHANGE: Final = """
SELECT EXISTS (SELECT 1 FROM mailbox WHERE ownseq > ?1 AND createseq <= ?1)
OR EXISTS (SELECT 1 FROM subscription WHERE modseq > ?1)"""

MAX_ROWS: Final = 100_000
"""Changed rows that are looked at: beyond, a client reads all anew in less time."""


class Change(msgspec.Struct, frozen=True):
    """What became of an object: its id, how, and the modseq up to which a client knows of it afterwards."""

    id: int
    kind: str
    modseq: int


class TooManyChanges(Exception):
    """The changes cannot be told one by one."""


def renew_file(execute: Callable[[str], object], *, same_epoch: bool = False) -> None:
    """Give an account's file a new `file_id` (STORE-145b). Unless it's in the `same_epoch`, its modseqs may have been
    given out otherwise before, so clients and links that have noted one begin anew.
    """
    execute(KEEP_EPOCH if same_epoch else BEGIN_EPOCH)
    if not same_epoch:
        execute(LINKS_ANEW)


def epoch(r: Reader) -> str:
    """The epoch of the account's modseqs, for the tokens of DAV."""
    return str(r.value(EPOCH))


def epoch_mark(r: Reader) -> str:
    """The end of a state that is a modseq: "-" and the epoch. It's "" in the first epoch of an account from the time
    when states had no mark, so that those states stay valid.
    """
    return str(r.value(NAMED_EPOCH))


def mail_state(r: Reader) -> int:
    """The modseq of the last change of an email or a thread; changes of mailboxes count, too."""
    return int(r.value(MAIL_STATE))


def mailbox_state(r: Reader) -> int:
    """The modseq of the last change of a mailbox, its counts, or its subscription."""
    return max(mail_state(r), int(r.value(SUBSCRIPTION_STATE)))


def seen_state(r: Reader, within: Collection[MailboxID]) -> int:
    """The modseq of the last change of an email, a thread or a mailbox, for a guest who sees these mailboxes alone."""
    return int(r.value(SEEN_STATE, int_array([*within]))) if within else 0


def check_since(r: Reader, since: int) -> None:
    """Raise TooManyChanges if tombstones newer than `since` are purged, or it is in the future, which no client was
    told.
    """
    now = state(r)
    if since < now.highest_purged_modseq or since > now.modseq:
        raise TooManyChanges


class _ObjectHistory(msgspec.Struct):
    """What the changed rows and tombstones of an email or a thread say."""

    first: int
    last: int
    threads: set[int]


def email_changes(r: Reader, since: int, within: Within = None) -> tuple[list[Change], set[int]]:
    """The changes of emails after `since`, by ascending modseq, and the threads that they are or were in. `within`: the
    mailboxes that are looked at, None for all.

    Raises TooManyChanges.
    """
    seen, living = _changed_emails(r, _changed_rows(r, since, within), within)
    return _told(seen, living, since), {thread for found in seen.values() for thread in found.threads}


def thread_changes(r: Reader, since: int, within: Within = None) -> list[Change]:
    """The changes of threads after `since`: their emails. `within`: as for `email_changes`. Raises TooManyChanges."""
    rows = _changed_rows(r, since, within)
    emails, living_emails = _changed_emails(r, rows, within)
    last = max((change.modseq for change in _told(emails, living_emails, since)), default=since)
    threads = {thread for email in emails.values() for thread in email.threads}
    seen = {thread: _ObjectHistory(1 << 62, 0, set()) for thread in threads}
    for _, threadid, createseq, modseq in rows:
        found = seen[threadid]
        found.first, found.last = min(found.first, createseq), max(found.last, modseq)
    living: set[int] = set()
    for threadid, _, createseq, deleted, mailbox_id in r.rows(IN_THREADS, int_array([*seen])) if seen else ():
        if within is not None and mailbox_id not in within:
            continue
        found = seen[threadid]
        found.first = min(found.first, createseq)
        if not deleted:
            living.add(threadid)
    for found in seen.values():
        found.last = found.last or last
    return _told(seen, living, since)


def _changed_rows(r: Reader, since: int, within: Within) -> list[Row]:
    """Email, thread, createseq and modseq of the changed messages and of tombstones. Raises TooManyChanges."""
    check_since(r, since)
    # Tombstones count as well: a message that was moved has both, and its email is known by either.
    rows = [*r.rows(CHANGED, since, MAX_ROWS), *r.rows(BURIED, since, MAX_ROWS)]
    if len(rows) >= MAX_ROWS:
        raise TooManyChanges
    return [row[:4] for row in rows if within is None or row[4] in within]


def _changed_emails(r: Reader, rows: Iterable[Row], within: Within) -> tuple[dict[int, _ObjectHistory], set[int]]:
    """What the rows, and all others of their emails, say of each email; and the emails that exist."""
    seen: dict[int, _ObjectHistory] = {}
    for email_id, threadid, createseq, modseq in rows:
        found = seen.setdefault(email_id, _ObjectHistory(createseq, modseq, set()))
        found.first, found.last = min(found.first, createseq), max(found.last, modseq)
        found.threads.add(threadid)
    living: set[int] = set()
    for email_id, threadid, createseq, deleted, mailbox_id in r.rows(ROWS, int_array([*seen])) if seen else ():
        if within is not None and mailbox_id not in within:
            continue
        found = seen[email_id]
        found.first = min(found.first, createseq)
        found.threads.add(threadid)
        if not deleted:
            living.add(email_id)
    return seen, living


def _told(seen: dict[int, _ObjectHistory], living: set[int], since: int) -> list[Change]:
    """A new object is told by the modseq of its creation: a client that stops before its last change knows it, and
    hears of that as an update.
    """
    changes: list[Change] = []
    for number, found in seen.items():
        existed = found.first <= since
        if number in living:
            changes.append(Change(number, "updated", found.last) if existed else Change(number, "created", found.first))
        elif existed:
            changes.append(Change(number, "destroyed", found.last))
    changes.sort(key=lambda change: change.modseq)
    return changes


def mailbox_changes(r: Reader, since: int) -> list[Change]:
    """The changes of mailboxes after `since`, by ascending modseq. Raises TooManyChanges."""
    check_since(r, since)
    latest: dict[int, Change] = {}
    for number, createseq, modseq in [*r.rows(MAILBOXES, since), *r.rows(SUBSCRIBED_SINCE, since)]:
        change = Change(number, "updated", modseq) if createseq <= since else Change(number, "created", createseq)
        if number not in latest or latest[number].modseq < change.modseq:
            latest[number] = change
    # unread emails of a thread count wherever they are, so a mailbox changes with all emails of its threads
    for number, modseq in _touched(r, since).items():
        known = latest.get(number)
        if known is None or (known.kind == "updated" and known.modseq < modseq):
            latest[number] = Change(number, "updated", modseq)
    for number, createseq, modseq in r.rows(MAILBOXES_GONE, since):
        if createseq <= since:
            latest[number] = Change(number, "destroyed", modseq)
    return sorted(latest.values(), key=lambda one: one.modseq)


def _touched(r: Reader, since: int) -> dict[int, int]:
    """The mailboxes with an email of a thread that has changed, and the modseq of the last of these changes; all
    mailboxes where that is too many.
    """
    try:
        rows = _changed_rows(r, since, None)
    except TooManyChanges:
        now = mail_state(r)
        return {number: now for number, *_ in r.rows(MAILBOXES, 0)}
    threads: dict[int, int] = {}
    for _, threadid, _, modseq in rows:
        threads[threadid] = max(modseq, threads.get(threadid, 0))
    found: dict[int, int] = {}
    for threadid, _, _, _, mailbox_id in r.rows(IN_THREADS, int_array([*threads])) if threads else ():
        found[mailbox_id] = max(threads[threadid], found.get(mailbox_id, 0))
    return found


def only_counts_changed(r: Reader, since: int) -> bool:
    """Whether no mailbox has changed otherwise than by its messages since a modseq."""
    return not r.value(OWN_CHANGE, since)


def portion(changes: Sequence[Change], since: int, now: int, most: int | None) -> tuple[Sequence[Change], int, bool]:
    """The first changes, at most `most`, the modseq that a client has reached with them, and whether more follow. It
    ends between two units. Raises TooManyChanges if one unit has changed more.
    """
    if most is None or len(changes) <= most:
        return changes, now, False
    end = most
    while end and changes[end - 1].modseq == changes[end].modseq:
        end -= 1
    if not end:
        raise TooManyChanges
    return changes[:end], max(since, changes[end - 1].modseq), True
