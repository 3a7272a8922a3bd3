"""Whom the account wrote to: recipients of messages in Sent (STORE-95), for reputation (STORE-92) and for suggestions
(STORE-96).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.proto.address import AddressError, Domain
from moxlite.proto.mime.types import MailAddress
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.transaction import Reader, Tx

__all__ = ["Suggestion", "add_recipients", "suggest_recipients", "wrote_to", "wrote_to_domain", "wrote_to_orgdomain"]

MAX_RECIPIENTS: Final = 1000
"""Recipients kept of one message: what SMTP takes for one (SMTP-32)."""

SUGGESTIONS: Final = 20
"""Suggestions at once (STORE-96)."""

INSERT: Final = "INSERT INTO recipient (message_id, localpart, domain, orgdomain, name, sent) VALUES (?, ?, ?, ?, ?, ?)"
BY_ADDRESS: Final = "SELECT max(sent) FROM recipient WHERE domain = ? AND localpart = ?"
BY_DOMAIN: Final = "SELECT max(sent) FROM recipient WHERE domain = ?"
BY_ORGDOMAIN: Final = "SELECT max(sent) FROM recipient WHERE orgdomain = ?"
# From the newest on, by the index on `sent`: a common needle finds its twenty soon. SQL's lower() knows ASCII only.
LATEST: Final = "SELECT localpart, domain, name, sent FROM recipient ORDER BY sent DESC"
LATEST_ASCII: Final = """
SELECT localpart, domain, name, sent FROM recipient WHERE instr(lower(name || ' <' || localpart || '@' || domain ||
'>'), ?)
ORDER BY sent DESC"""


class Suggestion(msgspec.Struct, frozen=True):
    """An address written to; `name` as in the latest message to it, `sent` its time in µs UTC."""

    name: str
    localpart: str
    domain: str
    sent: int


def add_recipients(tx: Tx, message_id: int, addresses: Iterable[MailAddress], sent: int) -> None:
    """Note To, Cc and Bcc of a message that came into Sent; addresses that are none are skipped. Domains are kept in
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


def wrote_to(r: Reader, localpart: str, domain: str) -> int | None:
    """When the account last wrote to an address (U-labels), µs UTC; None: never."""
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
    """Addresses whose name or text holds `text` in any case, latest first, each once; and whether there are more. For
    `account.scan`.
    """
    needle = text.casefold()
    found: dict[tuple[str, str], Suggestion] = {}
    rows = r.iterate(LATEST_ASCII, needle) if needle.isascii() else r.iterate(LATEST)
    for localpart, domain, name, sent in rows:
        if (localpart, domain) in found or needle not in f"{name} <{localpart}@{domain}>".casefold():
            continue
        if len(found) == limit:
            return list(found.values()), True
        found[localpart, domain] = Suggestion(name, localpart, domain, sent)
    return list(found.values()), False
