"""Recipients of submissions and of messages in Sent (STORE-95), for reputation (STORE-92), and correspondents
(STORE-96): addresses that the account wrote to or had mail from, for suggestions.

The weight of an address that the account wrote to is not decided here but in `moxlite.acceptance`. Mail that came is
looked at in the background (`moxlite.store.people`); recipients become correspondents at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from moxlite.proto.address import Address, AddressError, Domain
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.file.transaction import Array, Reader, Row, Tx, int_array
from moxlite.store.rows.personnames import full_name

MAX_RECIPIENTS: Final = 1000
"""Recipients kept of one message: the number that SMTP accepts for one (SMTP-32)."""

MAX_NAME: Final = 200
"""Maximum characters of a stored name, which is shown in one line."""

MAX_WORDS: Final = 12
"""Words of a name and address by which a correspondent is found."""

MAX_WORD: Final = 40
"""Characters of such a word."""

TIER: Final = 10**17
"""Step of rank between correspondents of different kinds, above all times in µs."""

COPIED: Final = 300 * 1_000_000
"""Microseconds by which the Date of a sent message may precede its submission: the names in its copy are newer."""

# `message_id` is the id of a message in Sent, or if negative, of a row of `outgoing`. So recipients stay known from the
# submission even if its copy is moved or deleted.
INSERT: Final = "INSERT INTO recipient (message_id, localpart, domain, orgdomain, name, sent) VALUES (?, ?, ?, ?, ?, ?)"
FORGET: Final = "DELETE FROM recipient WHERE message_id = ?"
# Without INDEXED BY, SQLite would walk all rows of the domain from the newest on.
BY_ADDRESS: Final = "SELECT max(sent) FROM recipient INDEXED BY recipient_address WHERE domain = ? AND localpart = ?"
BY_DOMAIN: Final = "SELECT max(sent) FROM recipient WHERE domain = ?"
BY_ORGDOMAIN: Final = "SELECT max(sent) FROM recipient WHERE orgdomain = ?"
FORGET_ALL: Final = "DELETE FROM recipient WHERE message_id IN (SELECT value FROM carray(?))"
SHRINK: Final = """
DELETE FROM recipient WHERE message_id < 0 AND sent < ? AND EXISTS (
SELECT 1 FROM recipient n INDEXED BY recipient_address WHERE n.domain = recipient.domain
AND n.localpart = recipient.localpart AND n.message_id < 0 AND (n.sent, n.id) > (recipient.sent, recipient.id))"""
OF_MESSAGES: Final = """
SELECT DISTINCT r.localpart, r.domain FROM carray(?) c CROSS JOIN recipient r ON r.message_id = c.value"""

KNOWN: Final = """
SELECT id, name, messages, heard, wrote, rank, folded IS NULL FROM correspondent WHERE domain = ? AND localpart = ?"""
ADD: Final = """
INSERT INTO correspondent (localpart, domain, name, folded, found, messages, heard, wrote, rank)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""
COUNT: Final = "UPDATE correspondent SET messages = ?, heard = ?, wrote = ?, rank = ? WHERE id = ?"
RENAME: Final = "UPDATE correspondent SET name = ?, folded = ?, found = ? WHERE id = ?"
UNWRITE: Final = "UPDATE correspondent SET wrote = ?, rank = ? WHERE id = ?"
DROP_WORDS: Final = "DELETE FROM correspondent_word WHERE correspondent_id = ?"
ADD_WORD: Final = "INSERT INTO correspondent_word (word, correspondent_id) VALUES (?, ?) ON CONFLICT DO NOTHING"

# ?1 ids of messages that are removed
UNGATHER: Final = (
    """
UPDATE bulk_sender SET messages = messages - d.n, size = size - d.octets FROM (
SELECT bulk_id, count(*) AS n, sum(size) AS octets FROM gathered
WHERE bulk_id > 0 AND message_id IN (SELECT value FROM carray(?)) GROUP BY bulk_id) d
WHERE bulk_sender.id = d.bulk_id""",
    """
UPDATE correspondent SET messages = messages - d.n FROM (
SELECT correspondent_id, count(*) AS n FROM gathered
WHERE message_id IN (SELECT value FROM carray(?)) GROUP BY correspondent_id) d WHERE correspondent.id =
d.correspondent_id""",
    "DELETE FROM gathered WHERE message_id IN (SELECT value FROM carray(?))",
)
SWEEP: Final = (
    """
DELETE FROM correspondent_word WHERE correspondent_id IN (
SELECT id FROM correspondent INDEXED BY correspondent_unused WHERE messages <= 0 AND wrote = 0)""",
    "DELETE FROM correspondent INDEXED BY correspondent_unused WHERE messages <= 0 AND wrote = 0",
    "DELETE FROM bulk_sender INDEXED BY bulk_sender_messages WHERE messages <= 0",
)

_WORD: Final = re.compile(r"\w+")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")


def add_recipients(tx: Tx, message_id: int, addresses: Iterable[MailAddress], sent: int) -> None:
    """Record To, Cc and Bcc of a message that was added to Sent; invalid addresses are skipped. Domains are kept in
    U-labels, as in SMTP facts.
    """
    rows: list[tuple[int, str, str, str, str, int]] = []
    seen: set[Address] = set()
    for address in addresses:
        try:
            recipient = Address.of(address.localpart, address.domain)
            orgdomain = Domain.parse(organizational_domain(recipient.domain.ascii)).unicode
        except AddressError:
            continue
        if not recipient.localpart or recipient in seen:
            continue
        seen.add(recipient)
        localpart, domain = str(recipient.localpart), recipient.domain.unicode
        rows.append((message_id, localpart, domain, orgdomain, address.name, sent))
        note_correspondent(tx, address.name, localpart, domain, wrote=sent)
        if len(rows) == MAX_RECIPIENTS:
            break
    tx.executemany(INSERT, rows)


def add_written(tx: Tx, number: int, address: Address, sent: int) -> None:
    """Record the recipient of a submission, by the id of its row of `outgoing`."""
    domain = address.domain
    try:
        orgdomain = Domain.parse(organizational_domain(domain.ascii)).unicode
    except AddressError:
        return
    tx.execute(INSERT, -number, str(address.localpart), domain.unicode, orgdomain, "", sent)
    note_correspondent(tx, "", str(address.localpart), domain.unicode, wrote=sent)


def forget_written(tx: Tx, numbers: Sequence[int]) -> None:
    """Remove the rows of `add_written`: the message was not sent."""
    if not numbers:
        return
    written = int_array([-number for number in numbers])
    addresses = tx.rows(OF_MESSAGES, written)
    tx.execute(FORGET_ALL, written)
    _unwrite(tx, addresses)


def shrink_written(tx: Tx, before: int) -> None:
    """Leave the latest submission to each address, and those since `before`, µs UTC."""
    tx.execute(SHRINK, before)


def forget_recipients(tx: Tx, message_id: int) -> None:
    """Remove the rows of `add_recipients`: the message was not sent."""
    addresses = tx.rows(OF_MESSAGES, int_array([message_id]))
    tx.execute(FORGET, message_id)
    _unwrite(tx, addresses)


def forget_messages(tx: Tx, ids: Array) -> None:
    """Remove recipients of messages that are removed, and correspondents and senders that no other message names."""
    addresses = tx.rows(OF_MESSAGES, ids)
    tx.execute(FORGET_ALL, ids)
    for sql in UNGATHER:
        tx.execute(sql, ids)
    _unwrite(tx, addresses)


def _unwrite(tx: Tx, addresses: list[Row]) -> None:
    """Correct `wrote` of correspondents after recipients were removed, and remove those that nothing names."""
    for localpart, domain in addresses:
        known = tx.row(KNOWN, domain, localpart)
        if known is not None:
            wrote = tx.value(BY_ADDRESS, domain, localpart) or 0
            number, _, _, heard, _, rank, _ = known
            tx.execute(UNWRITE, wrote, _rank(heard, wrote, bulk=rank < TIER), number)
    # Indices lead to the unused rows: without any, the look costs next to nothing.
    for sql in SWEEP:
        tx.execute(sql)


def note_correspondent(
    tx: Tx, name: str, localpart: str, domain: str, *, wrote: int = 0, heard: int = 0, bulk: bool = False
) -> int:
    """Record that the account wrote to an address (U-labels), or got a message from it; returns the correspondent's id.

    Args:
      wrote, heard: time, µs UTC; 0: did not happen. bulk: the message came by a list or was a newsletter.

    The name is that of the newest message, but a sender does not rename an address that the account wrote to with a
    name. A name that looks like another address is left out.
    """
    name = " ".join(_CONTROLS.sub(" ", name).split())[:MAX_NAME]
    address = f"{localpart}@{domain}"
    # A stranger may give the address of another as a name: the suggestion would show that one, and mail go to this one.
    if "@" in name:
        name = ""
    known = tx.row(KNOWN, domain, localpart)
    if known is None:
        rank = _rank(heard, wrote, bulk=bulk)
        number: int = tx.value(
            ADD,
            localpart,
            domain,
            name,
            full_name(name),
            found_text(name, address),
            int(heard > 0),
            heard,
            wrote,
            rank,
        )
        _index(tx, number, name, localpart, domain)
        return number
    number, before, messages, had_heard, had_written, rank, unfolded = known
    # Senders choose their display names, and could use a friend's. So don't replace a name that the owner used for this
    # address.
    newer = wrote + COPIED >= had_written if wrote else not had_written and heard >= had_heard
    chosen = name if name and (newer or not before) else before
    heard, wrote, came = max(heard, had_heard), max(wrote, had_written), int(heard > 0)
    bulk = rank < TIER and (bulk or not came)
    tx.execute(COUNT, messages + came, heard, wrote, _rank(heard, wrote, bulk=bulk), number)
    if chosen != before or unfolded:
        tx.execute(RENAME, chosen, full_name(chosen), found_text(chosen, address), number)
        _index(tx, number, chosen, localpart, domain)
    return number


def found_text(name: str, address: str) -> str:
    """The text in which a search finds a person: name and address in one case."""
    return f"{name} <{address}>".casefold()


def search_words(*texts: str) -> list[str]:
    """Return distinct, case-folded words of these texts, for finding a person."""
    found = [word[:MAX_WORD] for text in texts for word in _WORD.findall(text.casefold())]
    return list(dict.fromkeys(found))[:MAX_WORDS]


def _index(tx: Tx, number: int, name: str, localpart: str, domain: str) -> None:
    tx.execute(DROP_WORDS, number)
    # the last label of a domain is that of too many
    words = search_words(localpart, name, domain.rpartition(".")[0] or domain)
    tx.executemany(ADD_WORD, [(word, number) for word in words])


def _rank(heard: int, wrote: int, *, bulk: bool) -> int:
    """Order of suggestions: addresses that the account wrote to, then senders, then senders of bulk mail alone; the
    newest use first.
    """
    return (2 if wrote else int(not bulk)) * TIER + min(max(heard, wrote, 0), TIER - 1)


def wrote_to(r: Reader, localpart: str, domain: str) -> int | None:
    """Time at which the account last wrote to an address (U-labels), µs UTC; None: never."""
    sent: int | None = r.value(BY_ADDRESS, domain, localpart)
    return sent


def wrote_to_domain(r: Reader, domain: str) -> int | None:
    """As `wrote_to`, to any address of a domain."""
    sent: int | None = r.value(BY_DOMAIN, domain)
    return sent


def wrote_to_orgdomain(r: Reader, orgdomain: str) -> int | None:
    """As `wrote_to`, to any address below an organizational domain."""
    sent: int | None = r.value(BY_ORGDOMAIN, orgdomain)
    return sent
