"""Asking for evidence: the only part of acceptance that waits."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Final

import msgspec
import trio

from moxlite.acceptance.cases import Case
from moxlite.acceptance.checks import Checks
from moxlite.acceptance.evidence import (
    JUNK,
    ORIGIN,
    RULESET,
    Envelope,
    Evidence,
    Fact,
    Headers,
    Strength,
    facts_of,
    from_address,
)
from moxlite.acceptance.plan import Plan, Proposal, merge
from moxlite.acceptance.producers import ORDER
from moxlite.acceptance.replies import store_reply
from moxlite.acceptance.rulesets import RuleFacts, first_match
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.words import decode_words
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.content.prepare import Prepared
from moxlite.store.errors import StoreError
from moxlite.store.junk.classify import classify

__all__ = ["Decided", "Message", "decide", "evidence_of"]

logger = logging.getLogger("moxlite.acceptance.gathering")

MAX_FIELDS: Final = 1000
"""Header fields that rules may look at (STORE-64)."""

HEADER_ON_LOOP: Final = 8 << 10
"""Octets of a header section that are made readable on the loop: 100 fields, in a millisecond (STORE-7)."""


class Message:
    """The octets of a message as far as they are evidence. What is asked of them is kept for the next recipient."""

    def __init__(self, prepared: Prepared, section: HeaderSection) -> None:
        """`section` is the header section as received."""
        self.prepared = prepared
        self.section = section
        self._headers: Headers = None
        self._read = False

    async def headers(self) -> Headers:
        """The header fields as rules see them."""
        if not self._read:
            if len(self.section.octets) <= HEADER_ON_LOOP:
                self._headers = _readable(self.section)
            else:
                self._headers = await trio.to_thread.run_sync(_readable, self.section)
            self._read = True
        return self._headers


def _readable(section: HeaderSection) -> Headers:
    """The fields of a header section as rules see them: unfolded and decoded. Some 10 µs for each field."""
    junk = section.first(b"")
    if junk is not None and junk.start == 0:
        return None  # STORE-52: it does not even begin with a field
    named = (field for field in section if field.name)
    return tuple([(field.label.decode("ascii"), decode_words(field.text)) for field in islice(named, MAX_FIELDS)])


def evidence_of(envelope: Envelope, message: Message, checks: Checks | None = None) -> Evidence:
    """What is known of a message for all its recipients: its envelope, its header, and who sent it."""
    author = from_address(message.prepared.index.envelope.from_)
    from_fields = message.section.count(b"from")
    facts = []
    if envelope.trusted:
        facts.append(Fact(ORIGIN, "own queue", True, Strength.PROOF, "connection"))
    if author is not None:
        facts.append(Fact("from", str(author), None, Strength.HINT, "header"))
    if from_fields != 1:
        facts.append(Fact("from-fields", str(from_fields), False, Strength.WEAK, "header"))
    if checks is not None:
        facts += facts_of(checks)
    return Evidence(envelope=envelope, msg_from=author, from_fields=from_fields, facts=tuple(facts), checks=checks)


class Decided(msgspec.Struct, frozen=True):
    """A case with all evidence, what was proposed for it, and the plan."""

    case: Case
    proposals: tuple[Proposal, ...]
    plan: Plan


async def decide(
    case: Case, message: Message, accounts: Accounts, whole: Callable[[Case], Prepared] | None = None
) -> Decided:
    """Gather what the case needs, and plan.

    Args:
      whole: the message as the junk filter reads it, with its trace fields.
    """
    case = await _with_rule(case, message)
    rule = case.rule
    if not case.evidence.envelope.trusted and rule is not None and rule.accept_rejects_to_mailbox is not None:
        prepared = message.prepared if whole is None else whole(case)
        case = await _with_judgement(case, accounts, partial(_classify, accounts, case.account, prepared))
    proposals = tuple(proposal for producer in ORDER for proposal in producer(case))
    return Decided(case, proposals, merge(case, proposals))


async def _with_rule(case: Case, message: Message) -> Case:
    """The first ruleset of the destination whose conditions all hold (SMTP-82, STORE-64)."""
    rules = case.recipient.destination.rulesets
    if not rules:
        return case
    evidence = case.evidence
    facts = RuleFacts(
        mail_from=evidence.envelope.sender.pack(True),
        msg_from=None if evidence.msg_from is None else evidence.msg_from.pack(True),
        verified_domains=evidence.verified_domains,
        headers=await message.headers(),
    )
    index = await first_match(rules, facts)
    if index is None:
        return case
    fact = Fact(RULESET, str(index + 1), None, Strength.PROOF, f"destination {case.recipient.configured}")
    return msgspec.structs.replace(case, rule=rules[index], evidence=evidence.but(fact))


async def _classify(accounts: Accounts, name: str, prepared: Prepared) -> tuple[float, bool] | None:
    """Probability and significance; None without a filter."""
    async with accounts.use(name) as account:
        judgement = await classify(account, prepared)
    return None if judgement is None else (judgement.probability, judgement.significant)


async def _with_judgement(
    case: Case, accounts: Accounts, judge: Callable[[], Awaitable[tuple[float, bool] | None]]
) -> Case:
    """What the account's junk filter says; nothing without one, or as long as it has learnt too little (SMTP-93)."""
    settings = case.settings
    if settings is None or settings.junk_filter is None:
        return case
    try:
        judged = await judge()
    except StoreError as error:
        logger.warning("message not judged", extra={"kv": {"account": case.account, "err": error}})
        evidence = case.evidence.but(missing=(JUNK,))
        return msgspec.structs.replace(case, evidence=evidence, fault=store_reply(error))
    if judged is None:
        return case
    probability, significant = judged
    good = None if not significant else probability <= settings.junk_filter.threshold
    fact = Fact(JUNK, f"{probability:.4f}", good, Strength.STRONG, f"junk filter of {case.account}")
    return msgspec.structs.replace(case, evidence=case.evidence.but(fact))
