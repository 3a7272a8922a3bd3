"""Which ruleset of a destination an incoming message meets (docs/spec/store.md STORE-64, STORE-65)."""

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from moxlite.acceptance import rules
from moxlite.acceptance.conditions import RuleContent, RuleFacts
from moxlite.acceptance.rules import TOTAL_SECONDS, first_match, match_rules
from moxlite.config.domains import Condition, Ruleset
from moxlite.proto.address import Domain
from moxlite.proto.mime.structure import scan
from moxlite.proto.patterns.linear import PatternMatches, Text, linear


def rule(**conditions: Any) -> Ruleset:
    """A ruleset as the configuration has it."""
    if "verified_domain" in conditions:
        conditions["verified_domain"] = Domain.parse(conditions["verified_domain"])
    return msgspec.structs.replace(Ruleset(mailbox="Lists"), **conditions)


FACTS = RuleFacts(
    mail_from="News@Lists.example.org",
    msg_from="anton@example.com",
    verified_domains=("lists.example.org",),
    headers=(("List-Id", " Trio News <news.example.org> "), ("X-Spam", "no")),
)


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (rule(), False),
        (rule(smtp_mail_from_regexp=r"^news@"), True),
        (rule(smtp_mail_from_regexp=r"^News@"), False),
        (rule(msg_from_regexp=r"@example\.com$"), True),
        (rule(verified_domain="example.org"), True),
        (rule(verified_domain="lists.example.org"), True),
        (rule(verified_domain="sts.example.org"), False),
        (rule(headers_regexp={"^list-id$": r"^trio news <news\.example\.org>$"}), True),
        (rule(headers_regexp={"^list-id$": "trio", "^x-spam$": "^yes"}), False),
        (rule(headers_regexp={"^x-": "trio"}), False),
        (rule(smtp_mail_from_regexp="news", verified_domain="example.net"), False),
        (rule(smtp_mail_from_regexp="("), False),
    ],
)
async def test_a_rule_matches_when_all_its_conditions_hold(rule: Ruleset, matches: bool) -> None:
    """STORE-64, SMTP-82"""
    assert await first_match([rule], FACTS) == (0 if matches else None)


def content(octets: bytes) -> RuleContent:
    return RuleContent(scan(octets), lambda start, end: octets[start:end])


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        (Condition(part="from", value="anna"), True),
        (Condition(part="from", value="boss@bank.example"), False),
        (Condition(part="from", test="is", value="Anna  Berg"), True),
        (Condition(part="to", value="second@"), True),
        (Condition(part="to", value="third@"), True),
        (Condition(part="subject", test="is", value="ＧＲÜSSE von   zu Hause"), True),
        (Condition(part="subject", test="ends", value="hause"), True),
        (Condition(part="list", value="club"), False),
        (Condition(part="text", value="the seaside in july"), True),
        (Condition(part="text", value="grüße von"), True),
        (Condition(part="larger", value="1m"), False),
        (Condition(part="attachment"), False),
        (Condition(part="subject", value="\u200d"), False),
        (Condition(part="text", value=" "), False),
    ],
)
async def test_a_condition_in_words_compares_as_people_read(condition: Condition, matches: bool) -> None:
    """STORE-64a: without case, width and line ends; a name that pretends to be an address is none."""
    octets = (
        b"From: Anna Berg <anna@example.com>, =?utf-8?q?boss=40bank=2Eexample?= <x@evil.example>\r\n"
        b"To: first@example.org, second@example.org\r\nCc: third@example.org\r\n"
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= von zu\r\n Hause\r\n\r\nWe are at the\r\nseaside in July.\r\n"
    )
    facts = msgspec.structs.replace(FACTS, headers=(), content=content(octets))
    plain = Ruleset(mailbox="x", conditions=(condition,))
    assert await first_match([plain], facts) == (0 if matches else None)
    assert await first_match([plain], msgspec.structs.replace(facts, content=None)) is None


@pytest.mark.parametrize("domain", ["münchen.example", "xn--mnchen-3ya.example"])
@pytest.mark.parametrize("value", ["jörg@münchen.example", "Jörg@xn--mnchen-3ya.example", "@münchen."])
async def test_a_rule_has_an_address_in_any_spelling(domain: str, value: str) -> None:
    """STORE-64a, SMTP-2a: as people see it, or in A-labels."""
    octets = f"From: Jörg <jörg@{domain}>\r\nTo: jörg@{domain}\r\n\r\nx\r\n".encode()
    facts = msgspec.structs.replace(FACTS, headers=(), content=content(octets))
    for part in ("from", "to"):
        condition = Condition(part=part, test="contains" if value.startswith("@") else "is", value=value)
        plain = Ruleset(mailbox="x", conditions=(condition,))
        assert await first_match([plain], facts) == 0


def test_a_thousand_rules_over_a_long_text_end_in_time() -> None:
    """STORE-64a, STORE-65: the text is read once, and cut; all searches share the time of a delivery."""
    octets = b"Subject: x\r\n\r\n" + b"ab " * 1_000_000
    reads: list[int] = []

    def read(start: int, end: int) -> bytes:
        reads.append(end - start)
        return octets[start:end]

    facts = msgspec.structs.replace(FACTS, headers=(), content=RuleContent(scan(octets), read))
    words = (Condition(part="text", value="ab ab " * 80 + "c"),)
    many = [Ruleset(mailbox="x", conditions=words)] * 1_000
    began = time.thread_time()
    assert match_rules(many, facts).rule is None
    assert sum(reads) <= 4 * (len(octets))
    assert time.thread_time() - began < 20 * TOTAL_SECONDS


async def test_the_first_matching_rule_wins() -> None:
    """STORE-64"""
    rules = [
        rule(verified_domain="example.net"),
        rule(msg_from_regexp="a"),
        rule(msg_from_regexp="b"),
    ]
    assert await first_match(rules, FACTS) == 1


async def test_nothing_matches_without_from_or_with_unparsable_headers() -> None:
    """STORE-64"""
    rules = [rule(msg_from_regexp=".*")]
    assert await first_match(rules, RuleFacts("a", None, (), ())) is None
    assert await first_match(rules, RuleFacts("a", "b", (), None)) is None


async def test_slow_patterns_take_a_tenth_of_a_second_together() -> None:
    """STORE-65, STORE-162"""
    facts = RuleFacts("a" * 5000 + "!", "a" * 5000 + "!", (), ())
    rules = [rule(smtp_mail_from_regexp="^(a|a)*$"), rule(msg_from_regexp="^(a+)+$")]
    start = time.monotonic()
    assert await first_match(rules, facts) is None
    assert time.monotonic() - start < 300 * TOTAL_SECONDS  # without a limit it would be years


async def test_a_rule_is_not_slow_because_the_machine_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """STORE-65: the processor's time counts, not that in which others have it, or in which a library is loaded."""

    class Late:
        """A pattern whose search waits."""

        def __init__(self, pattern: str) -> None:
            self.pattern = linear(pattern)

        def search(self, texts: Sequence[Text], *, seconds: float) -> PatternMatches:
            time.sleep(2 * TOTAL_SECONDS)
            return self.pattern.search(texts, seconds=seconds)

    monkeypatch.setattr(rules, "program", Late)
    ruleset = [rule(msg_from_regexp="nothing"), rule(smtp_mail_from_regexp="^news@")]
    assert await first_match(ruleset, FACTS) == 1


async def test_seven_hundred_rules_are_asked_to_the_last_one() -> None:
    """STORE-65: also right after a start, when none of their patterns is compiled."""
    rules = [rule(msg_from_regexp=f"^writer{number}@(first|second)\\.example$") for number in range(700)]
    rules.append(rule(smtp_mail_from_regexp="^news@"))
    for _ in range(2):
        assert await first_match(rules, FACTS) == 700


def test_an_old_pattern_beyond_linear_time_spoils_no_other_rule() -> None:
    """STORE-65a, STORE-162: a pattern of the configuration that RE2 has no words for never matches."""
    facts = msgspec.structs.replace(FACTS, msg_from="a" * 5000 + "!")
    costly = rule(msg_from_regexp="(?<=x)" + "(?:" * 20 + "a" + "{1,999})" * 20)
    slow = rule(msg_from_regexp="^(a|aa)+(?<!b)$")
    before, plain = rule(headers_regexp={"^x-spam$": "^(?!yes)"}), rule(smtp_mail_from_regexp="^news@")
    found = match_rules([costly, slow, before, plain], facts)
    assert (found.rule, found.too_slow) == (3, None)
