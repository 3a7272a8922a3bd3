"""Addresses to give away, in the file of their account: each for one site, to be switched off alone (MASK-1..8).

Which account has one is in auth.db as well (`store.auth.maskedindex`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.publicsuffix import organizational_domain
from moxlite.store.errors import LimitExceeded, StoreError
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.mail.facts import SMTPFacts
from moxlite.wording import worded

MAX_MASKED: Final = 10_000
"""Addresses to give away per account."""

MAX_A_DAY: Final = 200
"""Addresses that an account may make in a day (UTC): the index of all accounts grows with them."""

MAX_SENDERS: Final = 50
"""Domains of senders that are kept for an address, the first ones."""

MAX_ONLY: Final = 20
"""Senders that an address may be limited to."""

MAX_NOTE: Final = 500
"""Characters of a note."""

MAX_SITE: Final = 253
"""Characters of a host name."""

DAY: Final = 86_400 * 1_000_000
"""µs of a day; `MAX_A_DAY` counts by days of UTC."""


class MaskedRefused(StoreError):
    """The address can't be created or changed this way. The text says why. `field`: the invalid argument, or ""."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


class NoSuchMasked(StoreError):
    """The account has no such address to give away."""

    def __init__(self, address: str) -> None:
        super().__init__(worded("{address} isn't one of your masked addresses", address=address))


class MaskedSender(msgspec.Struct, frozen=True):
    """A domain that wrote to an address: first and latest message, µs UTC, and their number."""

    domain: str
    first: int
    last: int
    messages: int


class MaskedRow(msgspec.Struct, frozen=True, kw_only=True):
    """An address to give away; times in µs UTC.

    Attributes:
      active: mail is taken, as long as it has not expired.
      given_to: the site that it was made for, "" if unknown.
      only_from: addresses and domains that may write to it; empty for everybody.
      expires, last_mail: None for never.
      messages: number of messages that came; `unlisted` of them by others than `senders`.
    """

    id: int
    address: str
    active: bool
    created: int
    given_to: str
    note: str
    only_from: tuple[str, ...]
    expires: int | None
    last_mail: int | None
    messages: int
    unlisted: int
    senders: tuple[MaskedSender, ...] = ()

    def expired(self, now: int) -> bool:
        """Whether its time is over at `now`."""
        return self.expires is not None and self.expires <= now

    @property
    def strangers(self) -> tuple[MaskedSender, ...]:
        """The senders that are not the site it was given to, the earliest first: how they know it is the leak. Without
        a site, the first sender counts as that.
        """
        known = organizational_domain(self.given_to) if self.given_to else ""
        if not known:
            known = min(self.senders, key=lambda masked_sender: masked_sender.first).domain if self.senders else ""
        return tuple(
            sorted(
                (sender for sender in self.senders if sender.domain != known),
                key=lambda masked_sender: masked_sender.first,
            )
        )


COLUMNS: Final = "id, address, active, created, given_to, note, only_from, expires, last_mail, messages, unlisted"
NAMED: Final = f"SELECT {COLUMNS} FROM masked WHERE address = ?"  # noqa: S608 - constants
CHOSEN: Final = """
FROM masked WHERE (?1 IS NULL OR (active AND (expires IS NULL OR expires > ?3)) = ?1)
AND (?2 = '' OR instr(address, ?2) OR instr(given_to, ?2) OR instr(lower(note), ?2))"""
LIST: Final = f"SELECT {COLUMNS} {CHOSEN} ORDER BY id DESC LIMIT ?4 OFFSET ?5"
COUNT_CHOSEN: Final = f"SELECT count(*) {CHOSEN}"
BY_ID: Final = f"SELECT {COLUMNS} FROM masked WHERE id = ?"  # noqa: S608 - constants
SENDERS: Final = "SELECT domain, first, last, messages FROM masked_sender WHERE masked_id = ? ORDER BY first, domain"
COUNT: Final = "SELECT count(*) FROM masked"
ADD: Final = """
INSERT INTO masked (address, created, given_to, note, only_from, expires, active) VALUES (?, ?, ?, ?, ?, ?, ?)"""
CHANGE: Final = """
UPDATE masked SET active = ?, given_to = ?, note = ?, only_from = ?, expires = ? WHERE address = ?"""
REMOVE: Final = "DELETE FROM masked WHERE address = ? RETURNING id"
REMOVE_SENDERS: Final = "DELETE FROM masked_sender WHERE masked_id = ?"
MADE: Final = "SELECT made FROM masked_day WHERE day = ?"
COUNT_DAY: Final = """
INSERT INTO masked_day (day, made) VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET made = made + 1"""
DROP_DAYS: Final = "DELETE FROM masked_day WHERE day < ?"
NOTE_MAIL: Final = """
UPDATE masked SET last_mail = max(coalesce(last_mail, 0), ?), messages = messages + 1 WHERE address = ? RETURNING id"""
NOTE_SENDER: Final = """
INSERT INTO masked_sender (masked_id, domain, first, last, messages)
SELECT ?1, ?2, ?3, ?3, 1 WHERE (SELECT count(*) FROM masked_sender WHERE masked_id = ?1) < ?4
OR EXISTS (SELECT 1 FROM masked_sender WHERE masked_id = ?1 AND domain = ?2)
ON CONFLICT (masked_id, domain) DO UPDATE SET last = max(last, ?3), messages = messages + 1 RETURNING 1"""
NOTE_UNLISTED: Final = "UPDATE masked SET unlisted = unlisted + 1 WHERE id = ?"
LEAKED: Final = f"""
SELECT {COLUMNS} FROM masked m WHERE EXISTS (SELECT 1 FROM masked_sender s WHERE s.masked_id = m.id AND s.first >= ?)
AND active ORDER BY id"""  # noqa: S608 - constants
COUNTED: Final = "SELECT address, (SELECT count(*) FROM masked_sender s WHERE s.masked_id = m.id) FROM masked m"
LEFT_BEHIND: Final = "SELECT EXISTS (SELECT 1 FROM masked_sender WHERE masked_id NOT IN (SELECT id FROM masked))"
STATE: Final = "SELECT id, active, given_to, note, expires, last_mail FROM masked ORDER BY id"
ADDRESSES: Final = "SELECT address FROM masked"


def masked_key(address: Address) -> str:
    """The form in which an address to give away is stored and looked up."""
    return f"{address.localpart.lower()}@{address.domain.unicode}"


def masked_named(r: Reader, address: str) -> MaskedRow | None:
    """The address of this key, or None."""
    row = r.row(NAMED, address)
    return None if row is None else _of_row(r, row)


def masked_by_id(r: Reader, number: int) -> MaskedRow | None:
    """The address of this id, or None."""
    row = r.row(BY_ID, number)
    return None if row is None else _of_row(r, row)


def masked_list(
    r: Reader, text: str = "", *, active: bool | None = None, limit: int = 100, offset: int = 0
) -> list[MaskedRow]:
    """Addresses of the account, the newest first, at most `limit`, after the first `offset`.

    Args:
      text: a part of the address, site or note. active: only those that take mail, or do not.
    """
    now = time.time_ns() // 1000
    return [_of_row(r, row) for row in r.rows(LIST, active, text.strip().lower(), now, limit, offset)]


def leaked_since(r: Reader, since: int) -> list[MaskedRow]:
    """Addresses that are on, and to which a stranger first wrote at `since` or later, µs UTC; the oldest first."""
    rows = [_of_row(r, row) for row in r.rows(LEAKED, since)]
    return [row for row in rows if any(stranger.first >= since for stranger in row.strangers)]


def count_masked(r: Reader, text: str = "", *, active: bool | None = None) -> int:
    """Number of the addresses that `masked_list` has in all."""
    return int(r.value(COUNT_CHOSEN, active, text.strip().lower(), time.time_ns() // 1000))


def masked_state(r: Reader) -> str:
    """A text that changes with the addresses of the account and what is known of them; 10,000 take 20 ms."""
    digest = hashlib.sha256()
    for row in r.rows(STATE):
        digest.update(repr(row).encode())
    return digest.hexdigest()[:24]


def masked_addresses(r: Reader) -> set[str]:
    """The keys of all of them."""
    return {address for (address,) in r.rows(ADDRESSES)}


def add_masked(
    tx: Tx,
    address: str,
    *,
    given_to: str = "",
    note: str = "",
    only_from: Sequence[str] = (),
    expires: int | None = None,
    active: bool = True,
    counted: bool = True,
) -> MaskedRow:
    """Add an address that `MaskedIndex` has taken for the account; one that is there already is returned unchanged.
    `counted`: it is one of those that the account may make today.

    Raises LimitExceeded, MaskedRefused.
    """
    known = masked_named(tx, address)
    if known is not None:
        return known
    if tx.value(COUNT) >= MAX_MASKED:
        raise LimitExceeded(worded("you can have up to {most} masked addresses", most=MAX_MASKED))
    today = tx.now // DAY
    if counted and (tx.value(MADE, today) or 0) >= MAX_A_DAY:
        raise LimitExceeded(worded("you can create up to {most} masked addresses per day", most=MAX_A_DAY))
    _check_expiry(tx, expires)
    # Only today's count is looked at, so the table has one row.
    tx.execute(DROP_DAYS, today)
    if counted:
        tx.execute(COUNT_DAY, today)
    values = (checked_site(given_to), checked_note(note), " ".join(checked_senders(only_from)), expires)
    tx.execute(ADD, address, tx.now, *values, active)
    added = masked_named(tx, address)
    assert added is not None
    return added


class MaskedChange(msgspec.Struct, frozen=True, kw_only=True):
    """New values; None keeps the old one. `expires`: µs UTC, 0 for never. One that has expired and is switched on does
    not expire any more.
    """

    active: bool | None = None
    given_to: str | None = None
    note: str | None = None
    only_from: tuple[str, ...] | None = None
    expires: int | None = None


def change_masked(tx: Tx, address: str, change: MaskedChange) -> MaskedRow:
    """Change an address. Raises NoSuchMasked, MaskedRefused."""
    old = masked_named(tx, address)
    if old is None:
        raise NoSuchMasked(address)
    expires = old.expires if change.expires is None else change.expires or None
    if change.active and change.expires is None and old.expired(tx.now):
        expires = None
    if expires != old.expires:
        _check_expiry(tx, expires)
    tx.execute(
        CHANGE,
        old.active if change.active is None else change.active,
        old.given_to if change.given_to is None else checked_site(change.given_to),
        old.note if change.note is None else checked_note(change.note),
        " ".join(old.only_from if change.only_from is None else checked_senders(change.only_from)),
        expires,
        address,
    )
    changed = masked_named(tx, address)
    assert changed is not None
    return changed


def remove_masked(tx: Tx, address: str) -> None:
    """Remove an address with all that is known of it. Raises NoSuchMasked."""
    number = tx.value(REMOVE, address)
    if number is None:
        raise NoSuchMasked(address)
    tx.execute(REMOVE_SENDERS, number)


def note_masked_mail(tx: Tx, smtp: SMTPFacts | None, received: int) -> None:
    """Note a message that is being stored, if it came by SMTP to an address that was given away. `received`: µs UTC."""
    if smtp is None:
        return
    number = tx.value(NOTE_MAIL, received, f"{smtp.rcptto.lower()}@{smtp.rcptto_domain}")
    if number is None or not smtp.msgfrom_orgdomain:
        return
    # Strangers choose from how many domains they write: beyond the first ones only the number is kept.
    if tx.row(NOTE_SENDER, number, smtp.msgfrom_orgdomain, received, MAX_SENDERS) is None:
        tx.execute(NOTE_UNLISTED, number)


def _of_row(r: Reader, row: Row) -> MaskedRow:
    number, address, active, created, given_to, note, only_from, expires, last_mail, messages, unlisted = row
    return MaskedRow(
        id=number,
        address=address,
        active=bool(active),
        created=created,
        given_to=given_to,
        note=note,
        only_from=tuple(only_from.split()),
        expires=expires,
        last_mail=last_mail,
        messages=messages,
        unlisted=unlisted,
        senders=tuple(MaskedSender(*one) for one in r.rows(SENDERS, number)),
    )


# Values that users and programs give


def checked_site(text: str) -> str:
    """The host name in a site's name or URL, in U-labels; "" for no site. Raises MaskedRefused."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().lower()).partition("/")[0]
    host = host.rpartition("@")[2].partition(":")[0].removeprefix("www.")
    if not host:
        return ""
    try:
        return Domain.parse(host[: MAX_SITE + 1]).unicode
    except AddressError:
        raise MaskedRefused("the site must be a host name, like shop.example", "site") from None


def checked_note(text: str) -> str:
    """A note without spaces around it. Raises MaskedRefused."""
    note = " ".join(text.split())
    if len(note) > MAX_NOTE:
        raise MaskedRefused(worded("notes must be {most} characters or fewer", most=MAX_NOTE), "note")
    return note


def checked_senders(texts: Sequence[str]) -> list[str]:
    """Addresses and domains in the form that `fits_sender` compares. Raises MaskedRefused."""
    found: list[str] = []
    for text in texts:
        head, _, domain = text.strip().rpartition("@")
        try:
            found.append(masked_key(Address.parse(text.strip())) if head else Domain.parse(domain).unicode)
        except AddressError:
            shown = text[:MAX_SITE]
            text = worded("{sender} isn't a valid address or domain", sender=shown)
            raise MaskedRefused(text, "only_from") from None
    if any(" " in one for one in found) or len(found) > MAX_ONLY:
        raise MaskedRefused(worded("enter up to {most} senders, without spaces", most=MAX_ONLY), "only_from")
    return list(dict.fromkeys(found))


def fits_sender(author: Address, only_from: Sequence[str]) -> bool:
    """Whether an author is one of these addresses, or of one of these domains or below it."""
    address, domain = masked_key(author), author.domain.unicode
    return any(one == address if "@" in one else domain == one or domain.endswith("." + one) for one in only_from)


def _check_expiry(tx: Tx, expires: int | None) -> None:
    if expires is not None and expires <= tx.now:
        raise MaskedRefused("the expiration time must be in the future", "expires")


# Names that cannot be guessed (MASK-2)


LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters of the part that is made: none of them looks like another."""

SUFFIX: Final = 5
"""Letters of that part: 28 million possibilities for each word, and a wrong guess waits five seconds (SMTP-74)."""

MAX_WORD: Final = 32
"""Characters of the word in front."""

JOINTS: Final = "._-"
"""Between word and the part that is made: the first one that is no separator of the domain."""

SHAPE: Final = re.compile(rf"[a-z0-9]{{1,{MAX_WORD}}}[._-][{LETTERS}]{{{SUFFIX}}}")

WORDS: Final = [
    "acorn",
    "amber",
    "apple",
    "badge",
    "basil",
    "beach",
    "birch",
    "bloom",
    "brook",
    "cabin",
    "candle",
    "cedar",
    "chalk",
    "cider",
    "clover",
    "coral",
    "daisy",
    "delta",
    "ember",
    "fable",
    "fern",
    "field",
    "finch",
    "flint",
    "garden",
    "ginger",
    "harbor",
    "hazel",
    "heron",
    "island",
    "ivory",
    "jasper",
    "juniper",
    "kettle",
    "lantern",
    "lemon",
    "lilac",
    "linen",
    "maple",
    "marble",
    "meadow",
    "mint",
    "nectar",
    "oasis",
    "olive",
    "orbit",
    "paper",
    "pebble",
    "pepper",
    "plum",
    "quartz",
    "raven",
    "river",
    "saffron",
    "sage",
    "sparrow",
    "spruce",
    "thistle",
    "timber",
    "tulip",
    "velvet",
    "walnut",
    "willow",
]
"""Words for addresses without a site."""


def word_of(text: str) -> str:
    """The word in front of an address: letters and digits of a chosen word or a site's name, or else one of `WORDS`."""
    label = organizational_domain(text).partition(".")[0] if "." in text else text
    return "".join(re.findall("[a-z0-9]", label.lower()))[:MAX_WORD] or secrets.choice(WORDS)


def new_localpart(word: str, separators: Sequence[str]) -> Localpart:
    """A new localpart that cannot be guessed. `separators`: of the domain, which would cut it. Raises MaskedRefused."""
    joint = next((one for one in JOINTS if not any(one in text for text in separators)), None)
    # A separator of the domain would cut the address: mail for it would go to the one that the part before it names.
    if joint is None:
        raise MaskedRefused("the domain already uses ., _, and - as separators; choose another domain", "domain")
    return Localpart(f"{word}{joint}{''.join(secrets.choice(LETTERS) for _ in range(SUFFIX))}")


def has_shape(localpart: str) -> bool:
    """Whether `new_localpart` may have made a localpart."""
    return SHAPE.fullmatch(localpart.lower()) is not None


def wrong_masked(r: Reader) -> list[str]:
    """Inconsistencies among the rows, one sentence each, for the account's check (STORE-40)."""
    found: list[str] = []
    for address, senders in r.rows(COUNTED):
        try:
            if masked_key(Address.parse(address)) != address:
                found.append(f"masked address {address!r} isn't in the normalized form used for lookups")
        except AddressError:
            found.append(f"masked address {address!r} isn't a valid address")
        if senders > MAX_SENDERS:
            found.append(f"masked address {address!r} has {senders} senders")
    if r.value(LEFT_BEHIND):
        found.append("a deleted masked address still has senders")
    return found
