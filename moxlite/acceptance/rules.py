"""Rules of addresses: which one takes a message, and a dry run on the mail that came in.

The settings of a rule are not here but in `config.domains`; running a Sieve script belongs to `acceptance.sieve`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from itertools import islice
from typing import Final, Protocol

import msgspec
import trio

from moxlite.acceptance.cases import Headers
from moxlite.acceptance.conditions import PlainFacts, RuleContent, RuleFacts, holds
from moxlite.config.domains import Ruleset
from moxlite.config.snapshot import AccountRecipient, Snapshot
from moxlite.patterns.searching import program
from moxlite.proto.address import Address, AddressError, unicode_domain
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import Read
from moxlite.proto.mime.types import Structure
from moxlite.proto.patterns.linear import Text
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content import body
from moxlite.store.errors import ChunkDamaged, NoSuchMailbox, NoSuchMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.mail.copying import move_ids
from moxlite.store.mail.facts import ReceivedMessage, SMTPArrival, latest_arrivals, signing_domains, smtp_arrival
from moxlite.store.mail.fetching import structure_of
from moxlite.store.mail.mailboxes import ensure_mailbox
from moxlite.store.rows import messages as message_rows
from moxlite.store.rows.mailboxes import mailbox_by_name

logger = logging.getLogger("moxlite.acceptance.rules")

TOTAL_SECONDS: Final = 0.1
"""Seconds of processor time for all rules of one delivery (STORE-65). Sane rules take less than a millisecond. Waiting
for a busy machine does not count.
"""

COMPILE_SECONDS: Final = 2.0
"""Seconds of processor time to compile patterns of one delivery that are not in memory: 500 sane rules take 0.3 s once
after a start.
"""

MAX_FIELDS: Final = 1000
"""Maximum header fields searched, from the first one on."""


class _OutOfTime(Exception):
    """The time for all rules of a delivery is used up."""


class _Searches:
    """The searches of one delivery, which share `TOTAL_SECONDS`."""

    def __init__(self) -> None:
        self._left = TOTAL_SECONDS
        self._compiling = COMPILE_SECONDS

    def found(self, pattern: str, texts: Sequence[Text]) -> tuple[bool, ...]:
        """Whether the pattern is found in each of some texts. Raises _OutOfTime."""
        if self._left <= 0 or self._compiling <= 0:
            raise _OutOfTime
        began = time.thread_time()
        compiled = program(pattern)
        self._compiling -= time.thread_time() - began
        if compiled is None:
            return (False,) * len(texts)
        pattern_matches = compiled.search(texts, seconds=self._left)
        self._left -= pattern_matches.seconds
        if pattern_matches.slow:
            raise _OutOfTime
        return pattern_matches.matches

    def held(self, rule: Ruleset, facts: PlainFacts) -> bool:
        """Whether the conditions in words of a rule hold. Raises _OutOfTime.

        The text is read before, and does not count: it is the same work for all rules.
        """
        if self._left <= 0:
            raise _OutOfTime
        if any(condition.part == "text" for condition in rule.conditions):
            _ = facts.text
        began = time.thread_time()
        # A stranger who gives himself a friend's name must not get past the junk filter by it.
        results = (holds(condition, facts, by_name=not rule.never_junk) for condition in rule.conditions)
        found = any(results) if rule.match == "any" else all(results)
        self._left -= time.thread_time() - began
        return found


def readable_fields(section: HeaderSection) -> Headers:
    """The fields of a header section in the form for rules: unfolded and decoded. Some 10 µs for each field."""
    junk = section.first(b"")
    if junk is not None and junk.start == 0:
        return None  # STORE-52: it does not even begin with a field
    named = (field for field in section if field.name)
    return tuple([(field.label.decode("ascii"), section.decode(field.text)) for field in islice(named, MAX_FIELDS)])


class Match(msgspec.Struct, frozen=True):
    """The index of the first rule whose conditions all hold, and of the rule that ran out of time; None without one."""

    rule: int | None
    too_slow: int | None = None


async def first_match(rules: Sequence[Ruleset], facts: RuleFacts) -> int | None:
    """The index of the first rule whose conditions all hold, or None. Searches patterns in a worker thread."""
    if facts.headers is None or not rules:
        await trio.lowlevel.checkpoint()
        return None
    match = await trio.to_thread.run_sync(match_rules, rules, facts)
    if match.too_slow is not None:
        logger.info("ruleset timed out, skipping", extra={"kv": {"rule": match.too_slow}})
    return match.rule


def match_rules(rules: Sequence[Ruleset], facts: RuleFacts) -> Match:
    """As `first_match`, in a thread. Rules behind one that ran out of time can match only without patterns."""
    searches = _Searches()
    too_slow: int | None = None
    fields = [
        (Text(name.strip().lower()), Text(value.strip().lower())) for name, value in (facts.headers or ())[:MAX_FIELDS]
    ]
    words = None if facts.content is None else PlainFacts(facts, facts.content)
    for index, rule in enumerate(rules if facts.headers is not None else ()):
        try:
            if _matches(rule, facts, fields, words, searches):
                return Match(index, too_slow)
        except _OutOfTime:
            too_slow = index if too_slow is None else too_slow
    return Match(None, too_slow)


def _matches(
    rule: Ruleset,
    facts: RuleFacts,
    fields: Sequence[tuple[Text, Text]],
    words: PlainFacts | None,
    searches: _Searches,
) -> bool:
    by_sender = rule.smtp_mail_from_regexp or rule.msg_from_regexp or rule.verified_domain is not None
    if not (by_sender or rule.headers_regexp or rule.conditions):
        return False
    for name_pattern, value_pattern in rule.headers_regexp.items():
        named = searches.found(name_pattern, [name for name, _ in fields])
        values = [value for (_, value), is_named in zip(fields, named, strict=True) if is_named]
        if not any(searches.found(value_pattern, values)):
            return False
    if rule.conditions and (words is None or not searches.held(rule, words)):
        return False
    return not by_sender or _is_sender(rule, facts, searches)


def _is_sender(rule: Ruleset, facts: RuleFacts, searches: _Searches) -> bool:
    """Whether a message comes from whom the rule's patterns and its domain mean."""
    for pattern, sender in ((rule.smtp_mail_from_regexp, facts.mail_from), (rule.msg_from_regexp, facts.msg_from)):
        if pattern and (sender is None or not any(searches.found(pattern, [Text(sender.lower())]))):
            return False
    if rule.verified_domain is None:
        return True
    domain = rule.verified_domain.unicode
    return any(verified == domain or verified.endswith("." + domain) for verified in facts.verified_domains)


# Rules and scripts for the mail that is there: a dry run before they are saved (WEB-65), and sorting of mail by them
# (WEBMAIL-130a).

# A dry run of rules: which of them would have taken the mail that came in, before they are saved (WEB-65).
#
# It asks the rules as a delivery does, about the stored facts of each message, and changes nothing. All editors of
# rules use it.


MAX_HEADER: Final = 256 << 10
"""Octets of the header section that are read."""

DRYRUN_MAX_SECONDS: Final = 10.0
"""Seconds for the whole run. Sane rules take a second for 1,000 messages."""

MAX_SEARCHED: Final = 20
"""Multiple of the wanted number of messages that are looked through for mail to the address."""


class TestedMessage(msgspec.Struct, frozen=True, kw_only=True):
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

    messages: tuple[TestedMessage, ...]
    too_slow: int | None
    complete: bool


class StoredMessage(msgspec.Struct, frozen=True):
    """A stored message: the SMTP transaction that brought it, its structure, how its octets are read while the reader
    is open, and its header.
    """

    came: SMTPArrival
    structure: Structure
    read: Read
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
    tried: list[TestedMessage] = []
    place = (1 << 62, 1 << 62)
    searched, end = 0, trio.current_time() + DRYRUN_MAX_SECONDS
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
            trying = partial(_try, arrived=piece, rules=rules, until=time.monotonic() + end - trio.current_time())
            done, too_slow = await account.scan(trying, op="rules_try")
            tried += done
            if too_slow is not None:
                return DryRun(tuple(tried), too_slow, False)
            if trio.current_time() > end:
                return DryRun(tuple(tried), None, False)
    return DryRun(tuple(tried), None, True)


def address_of(one: ReceivedMessage) -> Address | None:
    """The recipient address of a message; None for one that is not an address any more."""
    try:
        return Address.of(one.localpart, one.domain)
    except AddressError:
        return None


def _try(
    r: Reader, *, arrived: Sequence[ReceivedMessage], rules: Sequence[Ruleset], until: float
) -> tuple[list[TestedMessage], int | None]:
    found: list[TestedMessage] = []
    for one in arrived:
        if time.monotonic() > until:
            break
        stored = stored_message(r, one.message_id)
        if stored is None:
            continue
        # With the time limit of a delivery, so that a rule that would be too slow there is found here.
        match = match_rules(rules, facts_of(r, one.message_id, stored))
        envelope = stored.structure.envelope
        author = envelope.from_[0] if envelope.from_ else None
        sender = "" if author is None else author.name or f"{author.localpart}@{unicode_domain(author.domain)}"
        found.append(
            TestedMessage(
                id=one.message_id, sender=sender, subject=envelope.subject, received=one.received, rule=match.rule
            )
        )
        if match.too_slow is not None:
            return found, match.too_slow
    return found, None


def stored_message(r: Reader, message_id: int) -> StoredMessage | None:
    """A stored message that came by SMTP, as rules see it; None if it cannot be read, or is gone."""
    came = smtp_arrival(r, message_id)
    packed = message_rows.packed_structure(r, message_id)
    if came is None or packed is None:
        return None
    try:
        structure, place = structure_of(packed), body.locate(r, message_id)
        octets = body.read_content(r, place, 0, min(structure.root.body, MAX_HEADER))
    except (NoSuchMessage, ChunkDamaged):
        return None
    read = partial(_read_between, r, place)
    return StoredMessage(came, structure, read, HeaderSection(octets, hint=structure.root.hint))


def _read_between(r: Reader, place: body.Content, start: int, end: int) -> bytes:
    try:
        return body.read_content(r, place, start, end - start)
    except ChunkDamaged:
        return b""  # as if the message ended there


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
        content=RuleContent(stored.structure, stored.read),
    )


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

    def __call__(self, r: Reader, one: ReceivedMessage, stored: StoredMessage, /) -> str: ...


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

    def decide(r: Reader, one: ReceivedMessage, stored: StoredMessage) -> str:
        match = match_rules(rules, facts_of(r, one.message_id, stored))
        if match.too_slow is not None:
            raise RuleTooSlow(match.too_slow)
        return "" if match.rule is None else rules[match.rule].mailbox or ""

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


def _decide(r: Reader, *, arrived: Sequence[ReceivedMessage], decide: Decide) -> list[Destined]:
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
