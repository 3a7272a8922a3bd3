"""Addresses to which an account sends nothing more (QUEUE-80..83). On a reader or a transaction.

An address is matched in its base form: lower case, without `+` and what follows, and at Gmail without dots. A match
fails the message at its next attempt, before hosts are looked up.
"""

from typing import Final

import msgspec

from moxlite.encoding import from_builtins, to_json
from moxlite.proto.address import Address, AddressError
from moxlite.queue.bounces import explain, is_of_the_recipient, names_dead_address
from moxlite.queue.data.rows import Message, Result, Retired
from moxlite.queue.errors import AlreadySuppressed, BadFilter, NotSuppressed
from moxlite.store.file.transaction import Reader, Tx

DOTLESS: Final = frozenset({"gmail.com", "googlemail.com"})
"""Domains that ignore dots in a localpart. Elsewhere ``mary.ann@`` and ``maryann@`` are two people."""

REPEATED: Final = 2
"""Number of consecutive earlier failures to an address after which another failure suppresses it."""

MAX_REASON: Final = 300
"""Characters kept of why an address is on the list."""

MAX_LISTED: Final = 10_000
"""Maximum number of listed addresses."""

COLUMNS: Final = "account, base_address, original_address, manual, reason, created, expires"
GET: Final = f"""
SELECT id, {COLUMNS} FROM suppression WHERE account = ? AND base_address = ?
AND (expires IS NULL OR expires > ?)"""  # noqa: S608 column names
LIST: Final = f"""
SELECT id, {COLUMNS} FROM suppression WHERE (?1 = '' OR account = ?1) AND (expires IS NULL OR expires > ?2)
AND (account, base_address) > (?3, ?4) ORDER BY account, base_address LIMIT ?5"""  # noqa: S608 column names
# REPLACE: an expired entry of the same address may be there until the hourly cleaning.
INSERT: Final = f"""
INSERT OR REPLACE INTO suppression ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"""  # noqa: S608 column names
DELETE: Final = "DELETE FROM suppression WHERE account = ? AND base_address = ?"
CLEAN: Final = """
DELETE FROM suppression WHERE expires <= ? OR account NOT IN (SELECT value FROM json_each(?))"""
LATEST: Final = """
SELECT success FROM msg_retired WHERE account = ? AND recipient_address = lower(?) AND id <> ?
ORDER BY last_activity DESC, id DESC LIMIT ?"""


class Suppression(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a suppression list. `manual`: added by a person. Times in µs UTC; `expires` None: never."""

    id: int
    account: str
    base_address: str
    original_address: str
    manual: bool
    reason: str
    created: int
    expires: int | None


def base_address(address: str) -> str:
    """The form in which addresses are matched (QUEUE-80). Raises BadFilter if `address` is not an address."""
    try:
        parsed = Address.parse(address)
    except AddressError as exc:
        raise BadFilter(f"invalid address {address!r}: {exc}") from exc
    return _base(str(parsed.localpart), parsed.domain.unicode)


def _base(localpart: str, domain: str) -> str:
    base = localpart.partition("+")[0] or localpart
    if domain in DOTLESS:
        base = base.replace(".", "")
    return f"{base.lower()}@{domain}"


def suppression_of(r: Reader, account: str, address: str, now: int) -> Suppression | None:
    """The account's entry that matches this address, or None. Raises BadFilter."""
    return _get(r, account, base_address(address), now)


def for_message(r: Reader, message: Message, now: int) -> Suppression | None:
    """The entry that suppresses a message, or None."""
    return (
        _get(r, message.account, _base(message.rcpt_localpart, message.rcpt_domain), now) if message.account else None
    )


def _get(r: Reader, account: str, base: str, now: int) -> Suppression | None:
    row = r.row(GET, account, base, now)
    return None if row is None else _of_row(row)


def _of_row(row: tuple[object, ...]) -> Suppression:
    return from_builtins(row, Suppression, strict=False)


def suppressions(
    r: Reader, account: str, now: int, *, after: tuple[str, str] = ("", ""), limit: int = MAX_LISTED
) -> list[Suppression]:
    """The entries of an account, or of all accounts if the name is empty, by account and base address: at most `limit`
    after the entry with this account and base address.
    """
    return [_of_row(row) for row in r.rows(LIST, account, now, *after, min(limit, MAX_LISTED))]


def add_suppression(tx: Tx, account: str, address: str, reason: str, now: int, *, manual: bool = True) -> None:
    """Add an address to a list, without expiry. `manual`: by hand, not by a program. Raises AlreadySuppressed,
    BadFilter.
    """
    base = base_address(address)
    if _get(tx, account, base, now) is not None:
        raise AlreadySuppressed(f"{base} is already on account {account}'s suppression list")
    tx.execute(INSERT, account, base, address, int(manual), reason[:MAX_REASON], now, None)


def remove_suppression(tx: Tx, account: str, address: str, now: int) -> None:
    """Remove an address from a list. Raises NotSuppressed, BadFilter."""
    base = base_address(address)
    there = _get(tx, account, base, now) is not None
    tx.execute(DELETE, account, base)
    if not there:
        raise NotSuppressed(f"{base} isn't on account {account}'s suppression list")


def note_failure(tx: Tx, message: Message | Retired, result: Result, source: str, *, now: int, expiry: int) -> bool:
    """Add the recipient of a message that another server refused for good to the account's list, if the reply says that
    the address is dead, or if it was the third failure in a row (QUEUE-82). Returns whether it was added.

    Args:
      source: origin of the entry, for people. expiry: µs after which the entry ends, 0 for never.
    """
    if not message.account or message.is_dmarc_report or message.is_tls_report:
        return False
    reply = result.reply or result.error
    if not names_dead_address(result.code, result.secode, reply, result.command):
        if not is_of_the_recipient(result.code, result.secode, reply, result.command):
            return False
        earlier = tx.rows(LATEST, message.account, _as_retired(message), message.id, REPEATED)
        if len(earlier) < REPEATED or any(success for (success,) in earlier):
            return False
    base = _base(message.rcpt_localpart, message.rcpt_domain)
    if _get(tx, message.account, base, now) is not None:
        return False
    code = f"{result.code}{f' {str(result.code)[0]}.{result.secode}' if result.secode else ''}"
    meaning = explain(result.code, result.secode, reply, result.command).meaning
    reason = f"{source}: {code} {meaning or reply}"[:MAX_REASON]
    expires = now + expiry if expiry else None
    tx.execute(INSERT, message.account, base, message.recipient_address, 0, reason, now, expires)
    return True


def _as_retired(message: Message | Retired) -> str:
    return f"{message.rcpt_localpart}@{message.rcpt_domain}"


def clean_suppressions(tx: Tx, accounts: list[str], now: int) -> None:
    """Remove expired entries, and entries of removed accounts."""
    tx.execute(CLEAN, now, to_json(accounts).decode())
