"""Addresses to which the mail of an account is forwarded: confirmed by their owners, counted, stopped while they bounce
(SMTP-159, SMTP-160a, QUEUE-179).

The configuration and the active script say which addresses there are; here is what happened with them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from moxlite.proto.address import one_spelling
from moxlite.store.changelog.origin import note_way
from moxlite.store.errors import StoreError
from moxlite.store.file.transaction import Reader, Row, Tx
from moxlite.store.options import DAY
from moxlite.wording import Worded, worded

if TYPE_CHECKING:
    from moxlite.store.changelog.unit import AccountTx

MAX_PER_DAY: Final = 500
"""Messages that an account forwards in 24 hours. Others are kept (SMTP-159)."""

STOP_AFTER: Final = 3 * DAY
"""µs of bounces, without a message that arrives, after which nothing more is sent to an address."""

QUESTION_LIFE: Final = DAY
"""µs between two questions to one address: its owner did not ask for them."""

LINK_LIFE: Final = 7 * DAY
"""µs for which a question can be answered."""

MAX_ERROR: Final = 300
"""Maximum characters of a stored bounce."""

MAX_NAMED: Final = 20
"""Addresses noted that scripts named while they ran: variables may make any number of them from strangers' mail."""

NAMED_FOR: Final = 30 * DAY
"""µs for which such an address is shown."""

OF_ALIAS: Final = "\talias"
"""Behind an address in its row: its owner was asked for mail of aliases alone. No address has a tab."""

COLUMNS: Final = "address, asked, confirmed, failing, stopped, error"
ALL: Final = f"SELECT {COLUMNS} FROM forward_target ORDER BY address"  # noqa: S608 column names
ONE: Final = f"SELECT {COLUMNS} FROM forward_target WHERE address = ?"  # noqa: S608 column names
LINKED: Final = f"SELECT {COLUMNS} FROM forward_target WHERE link = ?"  # noqa: S608 column names
ASK: Final = """
INSERT INTO forward_target (address, link, asked) VALUES (?, ?, ?)
ON CONFLICT (address) DO UPDATE SET link = excluded.link, asked = excluded.asked, confirmed = NULL, failing = NULL,
stopped = NULL, error = ''"""
CONFIRM: Final = """
UPDATE forward_target SET confirmed = ?, link = x'', failing = NULL, stopped = NULL, error = '' WHERE address = ?"""
REFUSE: Final = "UPDATE forward_target SET confirmed = NULL, link = x'', stopped = ?, error = '' WHERE address = ?"
START: Final = "UPDATE forward_target SET failing = NULL, stopped = NULL, error = '' WHERE address = ?"
BOUNCED: Final = "UPDATE forward_target SET failing = ?, stopped = ?, error = ? WHERE address = ?"
# Each address counts in a window of its own, which its first message begins. At the seam of two windows up to twice as
# many may go within a day; a row for each message would be exact, and grow with the mail.
# Counts that began after now are from before the clock was set back. They do not count (STORE-165).
SENT: Final = "SELECT coalesce(sum(sent), 0) FROM forward_target WHERE began > ?1 AND began <= ?2"
COUNT: Final = """
UPDATE forward_target SET sent = CASE WHEN began > ?1 AND began <= ?2 THEN sent + 1 ELSE 1 END,
began = CASE WHEN began > ?1 AND began <= ?2 THEN began ELSE ?2 END WHERE address = ?3"""

NAME: Final = """
INSERT INTO forward_target (address, link, asked, named) VALUES (?, x'', 0, ?)
ON CONFLICT (address) DO UPDATE SET named = excluded.named"""
NAMED: Final = f"SELECT {COLUMNS} FROM forward_target WHERE named > ? ORDER BY address"  # noqa: S608 column names
UNNAME: Final = """
DELETE FROM forward_target WHERE address IN (
    SELECT address FROM forward_target WHERE named IS NOT NULL AND asked = 0 AND confirmed IS NULL AND stopped IS NULL
    ORDER BY named DESC LIMIT -1 OFFSET ?)"""

UNNAME_ALL: Final = "UPDATE forward_target SET named = NULL WHERE named IS NOT NULL"

REFUSED: Final = worded("the recipient declined this mail")


class AskedJustNow(StoreError):
    """The owner of the address was asked within a day."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"a confirmation email was sent to {address.removesuffix(OF_ALIAS)} within the last 24 hours;"
            " wait for the reply"
        )


class Target(msgspec.Struct, frozen=True):
    """An address. Times in µs UTC: of the last question, 0 for none, of the confirmation, of the first bounce since a
    message arrived there, and since when nothing is sent; None for no such time. `error`: of the last bounce,
    or that its owner refused. `of_alias`: its owner was asked for mail of aliases, and not for all mail of the account.
    """

    address: str
    asked: int
    confirmed: int | None
    failing: int | None
    stopped: int | None
    error: str
    of_alias: bool = False

    @property
    def key(self) -> str:
        """The address as the functions here take it."""
        return target_key(self.address, of_alias=self.of_alias)

    @property
    def answered(self) -> bool:
        """Whether the address's owner or the administrator has decided about it."""
        return self.confirmed is not None or self.stopped is not None


def target_key(address: str, *, of_alias: bool) -> str:
    """The key of an address: agreeing to the mail of an alias is not agreeing to all mail of its carrier."""
    return one_spelling(address) + (OF_ALIAS if of_alias else "")


def _read(row: Row) -> Target:
    target = Target(*row)
    address, mark, _ = target.address.partition(OF_ALIAS)
    refused = target.stopped is not None and target.confirmed is None
    error = REFUSED if refused else target.error
    return msgspec.structs.replace(target, address=address, error=error, of_alias=bool(mark))


def targets(r: Reader) -> list[Target]:
    """All addresses that were asked or in use, by address, those no longer configured among them."""
    return [_read(row) for row in r.rows(ALL)]


def named_targets(r: Reader, now: int) -> list[Target]:
    """The addresses for which a script that ran within 30 days found no agreement, by address; `now` in µs UTC."""
    return [_read(row) for row in r.rows(NAMED, now - NAMED_FOR)]


def forget_named(tx: Tx) -> None:
    """Forget which addresses scripts named while they ran: the scripts have changed, and name theirs again."""
    tx.execute(UNNAME, 0)
    tx.execute(UNNAME_ALL)


def _target(r: Reader, address: str) -> Target | None:
    row = r.row(ONE, one_spelling(address))
    return None if row is None else _read(row)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def ask_target(tx: AccountTx, address: str) -> str:
    """Note that the owner of an address is asked now; returns the secret of the question, 128 bits in 26 characters of
    base32 in lower case. A confirmation is taken back. Raises AskedJustNow.
    """
    known = _target(tx, address)
    # A confirmed address is asked at once: that takes the confirmation back, so that a second question waits a day.
    if known is not None and known.confirmed is None and known.asked > tx.now - QUESTION_LIFE:
        raise AskedJustNow(address)
    # Only store the hash, so that someone who reads the file or its backup can't confirm for the owner.
    token = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    tx.execute(ASK, one_spelling(address), _hash(token), tx.now)
    note_way(tx, "forward", one_spelling(address))
    return token


def linked_target(r: Reader, token: str, now: int) -> Target | None:
    """The address whose question has this secret, is not answered yet, and not older than a week; `now` in µs UTC."""
    row = r.row(LINKED, _hash(token))
    target = None if row is None else _read(row)
    return target if target is not None and target.asked > now - LINK_LIFE else None


def answer_target(tx: AccountTx, token: str, *, agree: bool) -> bool:
    """Answer the question with this secret, once; returns whether it was still to be answered."""
    target = linked_target(tx, token, tx.now)
    if target is None:
        return False
    (confirm_target if agree else refuse_target)(tx, target.key)
    return True


def confirm_target(tx: AccountTx, address: str) -> None:
    """Send mail to an address from now on."""
    if _target(tx, address) is None:
        tx.execute(ASK, one_spelling(address), b"", tx.now)
        note_way(tx, "forward", one_spelling(address))
    tx.execute(CONFIRM, tx.now, one_spelling(address))


def refuse_target(tx: Tx, address: str) -> None:
    """Never send mail to an address, as its owner wishes."""
    tx.execute(REFUSE, tx.now, one_spelling(address))


def start_again(tx: Tx, address: str) -> bool:
    """Send mail to a confirmed address again, which was stopped for its bounces; returns whether it was."""
    known = _target(tx, address)
    if known is None or known.confirmed is None or known.stopped is None:
        return False
    tx.execute(START, one_spelling(address))
    return True


def covering(targets: Mapping[str, Target], address: str, *, of_alias: bool) -> Target | None:
    """The target whose agreement counts for mail to an address, of `found` by key: agreeing to all mail of an account
    is agreeing to what it gets by aliases, unless its owner has said otherwise of these.
    """
    whole, narrow = targets.get(target_key(address, of_alias=False)), targets.get(target_key(address, of_alias=True))
    if not of_alias:
        return whole
    return whole if narrow is None or (not narrow.answered and whole is not None and whole.answered) else narrow


def may_forward(tx: Tx, address: str, *, of_alias: bool = False, by_script: bool = False) -> Worded:
    """Count a message for an address; returns why it is not to be sent there, "" if it is. `of_alias`: the message came
    to an alias of which the address is a member. `by_script`: a script names the address, which is noted if it waits
    for the agreement of its owner.
    """
    keys = [target_key(address, of_alias=narrow) for narrow in (False, True)]
    known = covering(
        {key: target for key in keys if (target := _target(tx, key)) is not None}, address, of_alias=of_alias
    )
    if known is None or not known.answered:
        if by_script:
            # Noted in the unit of the delivery: the owner finds the address in a list and can have it asked.
            tx.execute(NAME, target_key(address, of_alias=of_alias), tx.now)
            tx.execute(UNNAME, MAX_NAMED)
        return worded("the address isn't confirmed yet")
    if known.stopped is not None:
        if known.error:
            return worded("forwarding has stopped: {error}", error=known.error)
        return worded("forwarding has stopped")
    since = tx.now - DAY
    if tx.value(SENT, since, tx.now) >= MAX_PER_DAY:
        return worded("{count} messages forwarded in 24 hours", count=MAX_PER_DAY)
    tx.execute(COUNT, since, tx.now, known.key)
    return worded("")


def note_bounce(tx: Tx, address: str, error: str, *, arrived: bool) -> bool:
    """Note a bounce of an address; returns whether it is stopped by that.

    Args:
      arrived: whether a message has arrived there since the first of the bounces noted before.
    """
    stops = False
    for of_alias in (False, True):  # whatever the message was: the address is the same
        stops |= _note_bounce(tx, target_key(address, of_alias=of_alias), error, arrived=arrived)
    return stops


def _note_bounce(tx: Tx, key: str, error: str, *, arrived: bool) -> bool:
    known = _target(tx, key)
    if known is None or known.confirmed is None or known.stopped is not None:
        return False
    failing = tx.now if known.failing is None or arrived else known.failing
    stops = tx.now - failing >= STOP_AFTER
    tx.execute(BOUNCED, failing, tx.now if stops else None, error[:MAX_ERROR], key)
    return stops
