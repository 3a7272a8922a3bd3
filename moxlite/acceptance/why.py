"""The reasons of a plan, and their form for people (ADMIN-77); `store.delivery.reasons` keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from moxlite.acceptance.cases import (
    ARC,
    DKIM_DOMAIN,
    DMARC,
    DNSBL,
    FROM_READERS,
    FROM_VALIDATION,
    HISTORY,
    INDIRECT,
    IPREV,
    JUNK,
    ORIGIN,
    RATE,
    REPORT,
    RULESET,
    SPF,
    STRAY,
    SUBJECT_PASS,
    Evidence,
)
from moxlite.acceptance.gathering import Decision
from moxlite.proto.address import AddressError, Domain
from moxlite.store.delivery.actions import (
    AnyAction,
    Discard,
    Failed,
    FileInto,
    KeepReject,
    Notify,
    Redirect,
    Remember,
    Vacation,
)
from moxlite.store.delivery.reasons import Fact, ReportedProposal, Strength, Why, clipped


def why_of(decided: Decision) -> Why:
    """The reasons of a plan."""
    case, plan = decided.case, decided.plan
    envelope = case.evidence.envelope
    return Why(
        reason=plan.word,
        remote=str(envelope.remote),
        hello=clipped(envelope.hello.unicode) if envelope.hello is not None else "",
        sender=clipped(envelope.sender.pack(True)),
        recipient=clipped(case.asked.pack(True)),
        via=tuple(map(clipped, case.via)),
        facts=tuple(
            msgspec.structs.replace(fact, value=clipped(fact.value), source=clipped(fact.source))
            for fact in case.evidence.facts
        ),
        missing=case.evidence.missing,
        proposals=tuple(
            ReportedProposal(
                proposal.because.producer,
                proposal.because.word,
                proposal.because.facts,
                clipped(str(proposal.reply)) if proposal.reply is not None else "",
                tuple(map(_action, proposal.actions)),
            )
            for proposal in decided.proposals
        ),
        reply=clipped(str(plan.reply)) if plan.reply is not None else "",
        actions=tuple(map(_action, plan.actions)),
    )


def lines(why: Why, meaning: str = "") -> Iterator[str]:
    """Lines for people: evidence, proposals, plan. Texts of the sender are included unchanged. meaning: the reason in
    words.
    """
    yield f"From <{why.sender}> to <{why.recipient}>, client {why.remote or '-'} ({why.hello or 'without a name'})"
    if why.via:
        yield f"Via the alias {', '.join(why.via)}"
    yield "Evidence:"
    for fact in why.facts:
        speaks = {True: "for it", False: "against it", None: "neutral"}[fact.good]
        yield f"  {fact.name} = {fact.value}  ({speaks}, {fact.strength.name.lower()}, from {fact.source})"
    for name in why.missing:
        yield f"  {name}: no response"
    if not why.facts and not why.missing:
        yield "  none"
    yield "Suggestions:"
    for said in why.proposals:
        wanted = [*([f"reply {said.reply}"] if said.reply else []), *said.actions]
        by = f"  by {', '.join(said.facts)}" if said.facts else ""
        yield f"  {said.producer}: {said.word}{': ' if wanted else ''}{'; '.join(wanted)}{by}"
    if not why.proposals:
        yield "  none"
    yield f"Plan: {why.reason}"
    if meaning:
        yield f"  {meaning}"
    yield f"  reply: {why.reply or '250, accepted'}"
    for action in why.actions:
        yield f"  {action}"
    if why.cut:
        yield "Some details were too long to keep."


def _action(action: AnyAction) -> str:
    match action:
        case FileInto():
            mark = f", as {action.mark.value}" if action.mark is not None else ""
            meant = f", intended for {clipped(action.destined)}" if action.destined else ""
            return f"file into {clipped(action.mailbox)}{mark}{meant}"
        case KeepReject():
            return f"keep a copy in {clipped(action.mailbox)}"
        case Discard():
            return "discard"
        case Redirect():
            return f"forward to {clipped(action.to)}"
        case Vacation():
            return f"reply to {clipped(action.to)}, unless already replied"
        case Failed():
            return f"notify the owner: {clipped(action.script)} failed: {clipped(action.text)}"
        case Remember():
            return "remember the message to detect duplicates"
        case Notify():
            return f"notify {clipped(action.target)}"


# The steps of a decision in plain words, for the header of a message (SMTP-78).


MAX_STEPS: Final = 20
"""Maximum steps in the header: a message may have fifty signatures."""

MAX_STEP: Final = 120
"""Maximum characters of a step: strangers choose parts of its text."""

SAID: Final = {
    ORIGIN: "from this server's own queue",
    IPREV: "reverse name: {}",
    SPF: "SPF: {}",
    DKIM_DOMAIN: "signed by {}",
    ARC: "ARC: {}",
    DMARC: "DMARC: {}",
    FROM_READERS: "mail apps show different authors",
    FROM_VALIDATION: "author verification: {}",
    RULESET: "ruleset {} matches",
    RATE: "too much mail from this network: {}",
    HISTORY: "earlier mail: {}",
    INDIRECT: "forwarded by others: {}",
    REPORT: "report: {}",
    STRAY: "bounce for a message that wasn't sent from here: {}",
    SUBJECT_PASS: "token in the subject: {}",
    JUNK: "junk filter: {}",
    DNSBL: "on the block list {}",
}
"""Texts by fact. Facts without a text repeat these: verified domains, the author's header."""


_OTHER: Final = re.compile(r"[^ -:<-~]")
"""Characters that a step cannot have: all but printable ASCII, and the semicolon, which ends it."""


def steps(evidence: Evidence) -> tuple[str, ...]:
    """The facts found, in the order in which they were gathered: printable ASCII without semicolons."""
    return tuple(islice(_steps(evidence), MAX_STEPS))


def _steps(evidence: Evidence) -> Iterator[str]:
    for fact in evidence.facts:
        if fact.name == HISTORY and fact.value.endswith(" by none"):
            yield "earlier mail: none"
        elif fact.name in SAID:
            yield _plain(SAID[fact.name].format(fact.value) + _certainty(fact))
    for name in evidence.missing:
        yield f"{name}: no response"


def _certainty(fact: Fact) -> str:
    if fact.name == HISTORY:
        return ", sure" if fact.strength is Strength.STRONG else ", not sure"
    return ""


def _plain(text: str) -> str:
    text = " ".join(word if word.isascii() else _a_labels(word) for word in text.split())[:MAX_STEP]
    return _OTHER.sub("?", text)


def _a_labels(word: str) -> str:
    try:
        return Domain.parse(word).ascii
    except AddressError:
        return word
