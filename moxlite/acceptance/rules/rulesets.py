"""Rulesets of a destination: find the rule that an incoming message matches (STORE-64, STORE-65, SMTP-82).

Users write the patterns, and senders write the text: at most 8 KiB of it are searched, in a worker thread, within 100
ms for all rules of a delivery together. A pattern that runs out of time does not match.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec
import trio

from moxlite.acceptance.evidence import Headers
from moxlite.config.domains import Ruleset
from moxlite.patterns.searching import Foreign, program
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.words import decode_words
from moxlite.proto.patterns.linear import Text

logger = logging.getLogger("moxlite.acceptance.rules.rulesets")

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


class RuleFacts(msgspec.Struct, frozen=True):
    """The parts of a message that rules match.

    Attributes:
      mail_from: the envelope sender as text, "" for the null path.
      msg_from: the address of the From field, None if it cannot be read.
      verified_domains: domains of a verified EHLO, MAIL FROM or DKIM signature, in the form in which rules name them.
      headers: names and unfolded, decoded values; None when the header cannot be parsed: then no rule matches.
    """

    mail_from: str
    msg_from: str | None
    verified_domains: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] | None


class _OutOfTime(Exception):
    """The time for all rules of a delivery is used up."""


class _Searches:
    """The searches of one delivery, which share `TOTAL_SECONDS`."""

    def __init__(self) -> None:
        self._left = TOTAL_SECONDS
        self._compiling = COMPILE_SECONDS

    def found(self, pattern: str, texts: Sequence[Text]) -> tuple[bool, ...]:
        """Whether the pattern is found in each of some texts. Raises _OutOfTime.

        A slow pattern that is searched apart takes half of what is left, so that it spoils no other rule.
        """
        if self._left <= 0 or self._compiling <= 0:
            raise _OutOfTime
        began = time.thread_time()
        compiled = program(pattern)
        self._compiling -= time.thread_time() - began
        found = compiled.search(texts, seconds=self._left / 2 if isinstance(compiled, Foreign) else self._left)
        self._left -= found.seconds
        if found.slow:
            raise _OutOfTime
        return found.matches


def readable_fields(section: HeaderSection) -> Headers:
    """The fields of a header section in the form for rules: unfolded and decoded. Some 10 µs for each field."""
    junk = section.first(b"")
    if junk is not None and junk.start == 0:
        return None  # STORE-52: it does not even begin with a field
    named = (field for field in section if field.name)
    return tuple([(field.label.decode("ascii"), decode_words(field.text)) for field in islice(named, MAX_FIELDS)])


class Match(msgspec.Struct, frozen=True):
    """The index of the first rule whose conditions all hold, and of the rule that ran out of time; None without one."""

    rule: int | None
    too_slow: int | None = None


async def first_match(rules: Sequence[Ruleset], facts: RuleFacts) -> int | None:
    """The index of the first rule whose conditions all hold, or None. Searches patterns in a worker thread."""
    if facts.headers is None or not rules:
        await trio.lowlevel.checkpoint()
        return None
    found = await trio.to_thread.run_sync(match_rules, rules, facts)
    if found.too_slow is not None:
        logger.info("ruleset took too long, it does not match", extra={"kv": {"rule": found.too_slow}})
    return found.rule


def match_rules(rules: Sequence[Ruleset], facts: RuleFacts) -> Match:
    """As `first_match`, in a thread. Rules behind one that ran out of time can match only without patterns."""
    searches = _Searches()
    too_slow: int | None = None
    fields = [
        (Text(name.strip().lower()), Text(value.strip().lower())) for name, value in (facts.headers or ())[:MAX_FIELDS]
    ]
    for index, rule in enumerate(rules if facts.headers is not None else ()):
        try:
            if _matches(rule, facts, fields, searches):
                return Match(index, too_slow)
        except _OutOfTime:
            too_slow = index if too_slow is None else too_slow
    return Match(None, too_slow)


def _matches(rule: Ruleset, facts: RuleFacts, fields: Sequence[tuple[Text, Text]], searches: _Searches) -> bool:
    some = False
    if rule.smtp_mail_from_regexp:
        if not any(searches.found(rule.smtp_mail_from_regexp, [Text(facts.mail_from.lower())])):
            return False
        some = True
    if rule.msg_from_regexp:
        if facts.msg_from is None:
            return False
        if not any(searches.found(rule.msg_from_regexp, [Text(facts.msg_from.lower())])):
            return False
        some = True
    if rule.verified_domain is not None:
        domain = rule.verified_domain.unicode
        if not any(verified == domain or verified.endswith("." + domain) for verified in facts.verified_domains):
            return False
        some = True
    for name_pattern, value_pattern in rule.headers_regexp.items():
        named = searches.found(name_pattern, [name for name, _ in fields])
        values = [value for (_, value), is_named in zip(fields, named, strict=True) if is_named]
        if not any(searches.found(value_pattern, values)):
            return False
        some = True
    return some
