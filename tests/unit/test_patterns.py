"""Patterns of users: plain words by Python's `re`, all others by `regex`, with the same answers."""

import time

import pytest
import regex

from moxlite.patterns import WORDS, check, found
from moxlite.store.junkflags import JunkFlagRules

RULES = JunkFlagRules()


@pytest.mark.parametrize(
    "pattern", [RULES.junk_mailbox_regexp, RULES.neutral_mailbox_regexp, "Lists/python-dev$", "^(one word|two)$"]
)
def test_plain_words_mean_the_same_in_both_modules(pattern: str) -> None:
    """STORE-85: so those of every account need no `regex`."""
    assert WORDS.fullmatch(pattern)
    check(pattern)
    for text in ("", "junk", "Junk", "spam/2026", "my spam", "inbox", "Lists/python-dev", "two", "one word", "two\n"):
        assert found(pattern, text, seconds=1) == (regex.search(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["(a|a)(a|a)", "a*", "(?i)junk", "[ab]", "a\\.b", "(a", "a|b)", "((a))", "^^a", ""])
def test_all_else_is_no_plain_word(pattern: str) -> None:
    """STORE-65: what may take long, or mean something else, has a deadline."""
    assert not WORDS.fullmatch(pattern)


def test_patterns_are_checked_and_end_in_time() -> None:
    """STORE-65, STORE-162."""
    for broken in ("(a", "a|b)", "[z"):
        with pytest.raises(ValueError, match="not a regular expression"):
            check(broken)
        assert not found(broken, "a", seconds=1)
    began = time.process_time()
    assert not found("(a|aa)+$", "a" * 2000 + "!", seconds=0.05)
    assert time.process_time() - began < 10
    assert found("(?i)^JUNK", "junk", seconds=1)


def test_recognising_plain_words_takes_linear_time() -> None:
    """A pattern is a user's."""
    began = time.process_time()
    assert not WORDS.fullmatch("^(" + "a|" * 50_000 + "(")
    assert not WORDS.fullmatch("a" * 100_000 + "(")
    assert time.process_time() - began < 5
