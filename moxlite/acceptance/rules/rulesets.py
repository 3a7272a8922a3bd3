"""Rulesets of a destination: find the rule that an incoming message matches (STORE-64, STORE-65, SMTP-82).

Users write the patterns, and senders write the text: at most 8 KiB of it are searched, in a worker thread, within 100
ms for all rules of a delivery together. A pattern that runs out of time does not match.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from moxlite import patterns
from moxlite.acceptance.evidence import Headers
from moxlite.config.domains import Ruleset
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.words import decode_words

if TYPE_CHECKING:
    import regex

__all__ = ["Match", "RuleFacts", "first_match", "match_rules", "readable_fields"]

logger = logging.getLogger("moxlite.acceptance.rules.rulesets")

MAX_INPUT: Final = 8 << 10
"""Maximum characters of an address or of a header field that are searched (STORE-65)."""

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

    def found(self, pattern: str, text: str) -> bool:
        """Whether the pattern matches anywhere in the text. Raises _OutOfTime."""
        import regex  # 2 MB that a server without patterns saves; loading it does not count as search time

        if self._left <= 0:
            raise _OutOfTime
        began = time.thread_time()
        try:
            compiled = self._compiled(pattern, began)
        except regex.error:  # refused when saved (STORE-162)
            return False
        began = time.thread_time()
        try:
            return compiled.search(text[:MAX_INPUT], timeout=self._left, concurrent=True) is not None
        except TimeoutError as error:
            self._left = 0.0  # `regex` counts the time of all threads
            raise _OutOfTime from error
        finally:
            self._left -= time.thread_time() - began

    def _compiled(self, pattern: str, began: float) -> regex.Pattern[str]:
        """The pattern, most often from memory. Raises regex.error, _OutOfTime."""
        if self._compiling <= 0:
            raise _OutOfTime
        found = patterns.compiled(pattern)
        self._compiling -= time.thread_time() - began
        return found


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
    headers = [(name.strip().lower(), value.strip().lower()) for name, value in (facts.headers or ())[:MAX_FIELDS]]
    for index, rule in enumerate(rules if facts.headers is not None else ()):
        try:
            if _matches(rule, facts, headers, searches):
                return Match(index, too_slow)
        except _OutOfTime:
            too_slow = index if too_slow is None else too_slow
    return Match(None, too_slow)


def _matches(rule: Ruleset, facts: RuleFacts, headers: Sequence[tuple[str, str]], searches: _Searches) -> bool:
    some = False
    if rule.smtp_mail_from_regexp:
        if not searches.found(rule.smtp_mail_from_regexp, facts.mail_from.lower()):
            return False
        some = True
    if rule.msg_from_regexp:
        if facts.msg_from is None or not searches.found(rule.msg_from_regexp, facts.msg_from.lower()):
            return False
        some = True
    if rule.verified_domain is not None:
        domain = rule.verified_domain.unicode
        if not any(verified == domain or verified.endswith("." + domain) for verified in facts.verified_domains):
            return False
        some = True
    for name_pattern, value_pattern in rule.headers_regexp.items():
        if not any(
            searches.found(name_pattern, name) and searches.found(value_pattern, value) for name, value in headers
        ):
            return False
        some = True
    return some
