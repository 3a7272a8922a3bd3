"""Rules and scripts for mail that is there already (WEBMAIL-130a): first where each message would go, then the moves.

The messages are those in one mailbox that came by SMTP, so that nothing is moved that was filed by a rule or by hand.
A caller asks for page after page, shows the count, and moves the messages in pieces, each in one transaction. It knows
all ids before the first move: after a kill of the server, or a lost answer, it can go on, and undo all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Final, Protocol

import msgspec
import trio

from moxlite.acceptance.rules.dryrun import StoredMessage, address_of, facts_of, stored_message
from moxlite.acceptance.rules.rulesets import match_rules
from moxlite.config.domains import Ruleset
from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.proto.address import Address
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.errors import NoSuchMailbox
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.facts import Arrived, latest_arrivals
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.rows.mailboxes import mailbox_by_name

SLICE: Final = 25
"""Messages decided about in one visit of a thread: with sane rules some 10 ms."""

MAX_SECONDS: Final = 2.0
"""Seconds of one page."""

PAGE: Final = 1000
"""Messages looked at in one page."""

IN_MAILBOX: Final = "SELECT id FROM message WHERE id = ? AND mailbox_id = ?"


class RuleTooSlow(Exception):
    """The rule with this index runs out of time on a message."""

    def __init__(self, rule: int) -> None:
        super().__init__(f"rule {rule} takes too long")
        self.rule = rule


class Decide(Protocol):
    """A function that names the mailbox of a message, "" for the one in which it is. Raises RuleTooSlow."""

    def __call__(self, r: Reader, one: Arrived, stored: StoredMessage, /) -> str: ...


class Destined(msgspec.Struct, frozen=True):
    """A message that would go to another mailbox."""

    id: int
    mailbox: str


class Place(msgspec.Struct, frozen=True):
    """The message after which the next page begins; ``received`` in µs UTC."""

    received: int
    id: int


class SortPage(msgspec.Struct, frozen=True):
    """Messages that would go elsewhere, the number of those looked at, and where to go on; null at the end."""

    moves: list[Destined]
    looked: int
    next: Place | None


def by_rules(rules: Sequence[Ruleset]) -> Decide:
    """Decide by the first rule that matches."""

    def decide(r: Reader, one: Arrived, stored: StoredMessage) -> str:
        match = match_rules(rules, facts_of(r, one.message_id, stored))
        if match.too_slow is not None:
            raise RuleTooSlow(match.too_slow)
        return "" if match.rule is None else rules[match.rule].mailbox

    return decide


def mail_to(snapshot: Snapshot, account: str, address: str) -> Callable[[Address], bool]:
    """Whether mail to a recipient is for this configured address of an account: also with other case or a suffix."""

    def concerns(recipient: Address) -> bool:
        found = snapshot.lookup(recipient)
        return isinstance(found, AccountRecipient) and (found.account, found.configured) == (account, address)

    return concerns


async def sort_page(
    account: Account,
    mailbox: str,
    decide: Decide,
    concerns: Callable[[Address], bool],
    after: Place | None,
    *,
    at_once: int = SLICE,
    turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> SortPage:
    """Decide about the next messages of a mailbox, the latest first. Nothing is moved.

    Args:
      concerns: whether mail to a recipient address is subject to the decision.
      at_once: messages decided about in one turn, at most SLICE. turn: waits for it.

    Raises RuleTooSlow, NoSuchMailbox, StoreError.
    """
    box = await account.read(lambda r: mailbox_by_name(r, mailbox), op="sorting")
    if box is None:
        raise NoSuchMailbox(mailbox)
    place = Place(1 << 53, 1 << 53) if after is None else after
    moves: list[Destined] = []
    looked, end = 0, trio.current_time() + MAX_SECONDS
    while looked < PAGE and trio.current_time() < end:
        latest = partial(latest_arrivals, after=(place.received, place.id), limit=SLICE, mailbox_id=box.id)
        found = await account.scan(latest, op="sorting")
        if not found:
            return SortPage(moves, looked, None)
        looked += len(found)
        wanted = [one for one in found if (address := address_of(one)) is not None and concerns(address)]
        for at in range(0, len(wanted), at_once):
            async with turn():
                piece = partial(_decide, arrived=wanted[at : at + at_once], decide=decide)
                decided = await account.scan(piece, op="sorting")
            moves += [one for one in decided if one.mailbox not in {"", mailbox}]
        place = Place(found[-1].received, found[-1].message_id)
    return SortPage(moves, looked, place)


def _decide(r: Reader, *, arrived: Sequence[Arrived], decide: Decide) -> list[Destined]:
    found = []
    for one in arrived:
        stored = stored_message(r, one.message_id)
        if stored is not None:
            found.append(Destined(one.message_id, decide(r, one, stored)))
    return found


def move_sorted(tx: AccountTx, ids: Sequence[int], source: str, target: str) -> int:
    """Move these messages from one mailbox to another, which is made if it is missing; returns the number of messages
    that were still there. Undone by the same call with the mailboxes exchanged.

    Raises as `move_ids` and `ensure_mailbox`.
    """
    box = mailbox_by_name(tx, source)
    here = [] if box is None else [one for one in ids if tx.row(IN_MAILBOX, one, box.id) is not None]
    if here:
        move_ids(tx, here, ensure_mailbox(tx, target).id)
    return len(here)
