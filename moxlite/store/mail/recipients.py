"""Recipients of messages in Sent (STORE-95): the addresses that the account wrote to, for reputation (STORE-92) and for
suggestions (STORE-96).

The weight of an address that the account wrote to is not decided here but in `moxlite.acceptance`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec

from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.file.transaction import Reader, Row, Tx

__all__ = [
    "Suggestion",
    "add_recipients",
    "forget_recipients",
    "suggest_recipients",
    "wrote_to",
    "wrote_to_domain",
    "wrote_to_orgdomain",
]

MAX_RECIPIENTS: Final = 1000
"""Recipients kept of one message: the number that SMTP accepts for one (SMTP-32)."""

NEWEST: Final = 2000
"""Newest rows searched first: a common text has its twenty suggestions there."""

MAX_TEXT: Final = 1000
"""Longest search text in characters: SQLite's LIKE has a limit, and no address is that long."""

SUGGESTIONS: Final = 20
"""Suggestions at once (STORE-96)."""

INSERT: Final = "INSERT INTO recipient (message_id, localpart, domain, orgdomain, name, sent) VALUES (?, ?, ?, ?, ?, ?)"
FORGET: Final = "DELETE FROM recipient WHERE message_id = ?"
# Without INDEXED BY, SQLite would walk all rows of the domain from the newest on.
BY_ADDRESS: Final = "SELECT max(sent) FROM recipient INDEXED BY recipient_address WHERE domain = ? AND localpart = ?"
BY_DOMAIN: Final = "SELECT max(sent) FROM recipient WHERE domain = ?"
BY_ORGDOMAIN: Final = "SELECT max(sent) FROM recipient WHERE orgdomain = ?"
LATEST: Final = "SELECT localpart, domain, name, sent FROM recipient ORDER BY sent DESC LIMIT ?"
# Older rows are read by the table, which is three times as fast as by the index on `sent`. LIKE ignores the case of
# ASCII letters only: for a text with other characters, all rows with other characters are read as well.
OTHER: Final = "length(r.name || r.localpart || r.domain) <> octet_length(r.name || r.localpart || r.domain)"
IN_PART: Final = r"""
SELECT r.localpart, r.domain, r.name, r.sent FROM recipient r NOT INDEXED
WHERE r.name LIKE ?1 ESCAPE '\' OR r.localpart LIKE ?1 ESCAPE '\' OR r.domain LIKE ?1 ESCAPE '\'
ORDER BY r.sent DESC"""
IN_ALL: Final = r"""
SELECT r.localpart, r.domain, r.name, r.sent FROM recipient r NOT INDEXED
WHERE r.name || ' <' || r.localpart || '@' || r.domain || '>' LIKE ?1 ESCAPE '\' ORDER BY r.sent DESC"""
IN_ALL_OR_OTHER: Final = IN_ALL.replace("ORDER BY", f"OR {OTHER} ORDER BY")

_JOINTS: Final = frozenset("<@>")
"""Characters between a name, a localpart and a domain. The name is followed by a blank, too."""


class Suggestion(msgspec.Struct, frozen=True):
    """An address written to; `name` as in the latest message to it, `sent` its time in µs UTC."""

    name: str
    localpart: str
    domain: str
    sent: int


def add_recipients(tx: Tx, message_id: int, addresses: Iterable[MailAddress], sent: int) -> None:
    """Record To, Cc and Bcc of a message that was added to Sent; invalid addresses are skipped. Domains are kept in
    U-labels, as in SMTP facts.
    """
    rows: list[tuple[int, str, str, str, str, int]] = []
    seen: set[tuple[str, str]] = set()
    for address in addresses:
        try:
            domain = Domain.parse(address.domain)
            orgdomain = Domain.parse(organizational_domain(domain.ascii)).unicode
        except AddressError:
            continue
        if not address.localpart or (address.localpart, domain.unicode) in seen:
            continue
        seen.add((address.localpart, domain.unicode))
        rows.append((message_id, address.localpart, domain.unicode, orgdomain, address.name, sent))
        if len(rows) == MAX_RECIPIENTS:
            break
    tx.executemany(INSERT, rows)


def forget_recipients(tx: Tx, message_id: int) -> None:
    """Remove the rows of `add_recipients`: the message was not sent."""
    tx.execute(FORGET, message_id)


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


def suggest_recipients(r: Reader, text: str, limit: int = SUGGESTIONS) -> tuple[list[Suggestion], bool]:
    """Suggest addresses whose name or text contains `text` in any case, latest first, each once; returns them, and
    whether there are more. For `account.scan`.
    """
    needle = text.casefold()
    if len(needle) > MAX_TEXT:
        return [], False
    found: dict[tuple[str, str], Suggestion] = {}
    for localpart, domain, name, sent in chain(r.iterate(LATEST, NEWEST), _all_rows(r, text, needle)):
        if (localpart, domain) in found or needle not in f"{name} <{localpart}@{domain}>".casefold():
            continue
        if len(found) == limit:
            return list(found.values()), True
        found[localpart, domain] = Suggestion(name, localpart, domain, sent)
    return list(found.values()), False


def _all_rows(r: Reader, text: str, needle: str) -> Iterator[Row]:
    """Read all rows that may contain the text, the newest first."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", needle) + "%"
    if not text.isascii():
        yield from r.iterate(IN_ALL_OR_OTHER, pattern)
    elif needle.endswith(" ") or not _JOINTS.isdisjoint(needle):
        yield from r.iterate(IN_ALL, pattern)
    else:
        yield from r.iterate(IN_PART, pattern)
