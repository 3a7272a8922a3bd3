"""The steps of a decision in plain words, for the header of a message (SMTP-78)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from moxlite.acceptance.evidence import (
    ARC,
    DKIM_DOMAIN,
    DMARC,
    DNSBL,
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
    Fact,
    Strength,
)
from moxlite.proto.address import AddressError, Domain

MAX_STEPS: Final = 20
"""Maximum steps in the header: a message may have fifty signatures."""

MAX_STEP: Final = 120
"""Maximum characters of a step: strangers choose parts of its text."""

SAID: Final = {
    ORIGIN: "the own queue brings it",
    IPREV: "reverse name: {}",
    SPF: "SPF: {}",
    DKIM_DOMAIN: "signed by {}",
    ARC: "ARC: {}",
    DMARC: "DMARC: {}",
    FROM_VALIDATION: "proof of the author: {}",
    RULESET: "ruleset {} matches",
    RATE: "too much comes from this network: {}",
    HISTORY: "earlier mail: {}",
    INDIRECT: "a way over others: {}",
    REPORT: "report: {}",
    STRAY: "a bounce of nothing that was sent from here: {}",
    SUBJECT_PASS: "token in the subject: {}",
    JUNK: "junk filter: {}",
    DNSBL: "on the block list {}",
}
"""Texts by fact. Facts without a text repeat these: verified domains, the author's header."""


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
        yield f"{name}: no answer"


def _certainty(fact: Fact) -> str:
    if fact.name == HISTORY:
        return ", sure" if fact.strength is Strength.STRONG else ", not sure"
    return ", which has learnt too little" if fact.name == JUNK and fact.good is None else ""


def _plain(text: str) -> str:
    text = " ".join(word if word.isascii() else _a_labels(word) for word in text.split())[:MAX_STEP]
    return "".join(char if " " <= char <= "~" and char != ";" else "?" for char in text)


def _a_labels(word: str) -> str:
    try:
        return Domain.parse(word).ascii
    except AddressError:
        return word
