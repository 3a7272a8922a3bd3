"""A dry run of rules: which of them would have taken the mail that came in, before they are saved (WEB-65).

It asks the rules as a delivery does, about the stored facts of each message, and changes nothing. All editors of rules
use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.acceptance.rules.rulesets import RuleFacts, match_rules, readable_fields
from moxlite.config.domains import Ruleset
from moxlite.proto.address import Address, AddressError, Domain, Localpart
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.types import Structure
from moxlite.store.changelog.account import Account
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.facts import Arrived, SMTPArrival, latest_arrivals, signing_domains, smtp_arrival
from moxlite.store.mail.fetching import structure_of
from moxlite.store.rows import messages as message_rows
from moxlite.store.types import MessageID

MAX_HEADER: Final = 256 << 10
"""Octets of the header section that are read."""

SLICE: Final = 25
"""Messages tried in one visit of a thread: with sane rules some 10 ms."""

MAX_SECONDS: Final = 10.0
"""Seconds for the whole run. Sane rules take half a second for 500 messages."""

MAX_SEARCHED: Final = 20
"""Multiple of the wanted number of messages that are looked through for mail to the address."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A message that came in, and the index of the rule that would take it, None for none. `received` in µs UTC."""

    id: int
    sender: str
    subject: str
    received: int
    rule: int | None


class DryRun(msgspec.Struct, frozen=True):
    """The messages, the latest first. `too_slow`: index of a rule that ran out of time, where the run ended; None
    without one. `complete`: all wanted messages were tried.
    """

    messages: tuple[Tried, ...]
    too_slow: int | None
    complete: bool


class StoredMessage(msgspec.Struct, frozen=True):
    """A stored message: the SMTP transaction that brought it, its structure, and its header."""

    came: SMTPArrival
    structure: Structure
    section: HeaderSection


async def try_rules(
    account: Account, rules: Sequence[Ruleset], concerns: Callable[[Address], bool], *, limit: int
) -> DryRun:
    """Ask rules about the latest messages that came by SMTP.

    Args:
      concerns: whether mail to a recipient address is subject to the rules.
      limit: number of messages to try.

    Raises StoreError.
    """
    tried: list[Tried] = []
    place = (1 << 62, 1 << 62)
    searched, end = 0, trio.current_time() + MAX_SECONDS
    while len(tried) < limit and searched < limit * MAX_SEARCHED:
        if trio.current_time() > end:
            return DryRun(tuple(tried), None, False)
        found = await account.scan(partial(latest_arrivals, after=place, limit=SLICE * 4), op="rules_try")
        if not found:
            break
        searched += len(found)
        place = (found[-1].received, found[-1].message_id)
        wanted = [one for one in found if (address := address_of(one)) is not None and concerns(address)]
        for start in range(0, len(wanted), SLICE):
            piece = wanted[start : start + SLICE][: limit - len(tried)]
            done, too_slow = await account.scan(partial(_try, arrived=piece, rules=rules), op="rules_try")
            tried += done
            if too_slow is not None:
                return DryRun(tuple(tried), too_slow, False)
            if trio.current_time() > end:
                break
    return DryRun(tuple(tried), None, True)


def address_of(one: Arrived) -> Address | None:
    """The recipient address of a message; None for one that is not an address any more."""
    try:
        return Address(Localpart(one.localpart), Domain.parse(one.domain))
    except AddressError:
        return None


def _try(r: Reader, *, arrived: Sequence[Arrived], rules: Sequence[Ruleset]) -> tuple[list[Tried], int | None]:
    found: list[Tried] = []
    for one in arrived:
        stored = stored_message(r, one.message_id)
        if stored is None:
            continue
        match = match_rules(rules, facts_of(r, one.message_id, stored))
        envelope = stored.structure.envelope
        author = envelope.from_[0] if envelope.from_ else None
        sender = "" if author is None else author.name or f"{author.localpart}@{author.domain}"
        found.append(
            Tried(id=one.message_id, sender=sender, subject=envelope.subject, received=one.received, rule=match.rule)
        )
        if match.too_slow is not None:
            return found, match.too_slow
    return found, None


def stored_message(r: Reader, message_id: int) -> StoredMessage | None:
    """A stored message that came by SMTP, as rules see it; None if it cannot be read, or is gone."""
    came = smtp_arrival(r, message_id)
    packed = message_rows.structures(r, [message_id]).get(MessageID(message_id))
    if came is None or packed is None:
        return None
    try:
        structure = structure_of(packed)
        octets = body.read_content(r, body.locate(r, message_id), 0, min(structure.root.body, MAX_HEADER))
    except (NoSuchMessage, ChunkDamaged):
        return None
    return StoredMessage(came, structure, HeaderSection(octets))


def facts_of(r: Reader, message_id: int, stored: StoredMessage) -> RuleFacts:
    """The facts of a stored message, in the form of the delivery that brought it."""
    came = stored.came
    verified = signing_domains(r, message_id)
    if came.mailfrom_ok and came.mailfrom_domain:
        verified.append(came.mailfrom_domain)
    if came.ehlo_ok and came.ehlo_domain:
        verified.append(came.ehlo_domain)
    return RuleFacts(
        mail_from=f"{came.mailfrom}@{came.mailfrom_domain}" if came.mailfrom_domain else "",
        msg_from=f"{came.msgfrom}@{came.msgfrom_domain}" if came.msgfrom_domain else None,
        verified_domains=tuple(verified),
        headers=readable_fields(stored.section),
    )
