"""Settings of the junk filter (STORE-89), and the flags that a message gets or loses by entering a mailbox
(STORE-84, IMAP-112).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Final

import msgspec

from moxlite.patterns import searching
from moxlite.store.types import Flag, SpecialUse

# Keywords that some clients use for $Junk and $NotJunk (IMAP-115).
SYNONYMS: Final[Mapping[str, Flag]] = {
    "junk": Flag.JUNK,
    "nonjunk": Flag.NOTJUNK,
    "notjunk": Flag.NOTJUNK,
    "$nonjunk": Flag.NOTJUNK,
}


JUDGED: Final = int(Flag.JUNK | Flag.NOTJUNK)
NEITHER: Final = ~(Flag.JUNK | Flag.NOTJUNK)


class Verdict(Enum):
    """Class of a mailbox: it decides which junk flags the messages that enter it have."""

    JUNK = "junk"
    NEUTRAL = "neutral"
    NOTJUNK = "notjunk"
    UNCHANGED = "unchanged"


class JunkFlagRules(msgspec.Struct, frozen=True):
    """``automatic_junk_flags`` of an account; an empty pattern is unset. The defaults apply to a new account.

    `introbox`: the mailbox for first mail of unknown senders, whose verdict is neutral; "" if there is no such mailbox.
    """

    enabled: bool = True
    junk_mailbox_regexp: str = "^(junk|spam)"
    neutral_mailbox_regexp: str = "^(inbox|introbox|neutral|postmaster|dmarc|tlsrpt|rejects)"
    not_junk_mailbox_regexp: str = ""
    introbox: str = ""


def classify(rules: JunkFlagRules, name: str, special_use: SpecialUse) -> Verdict:
    """The verdict of the mailbox `name`.

    Special-use Junk is always junk, the introbox always neutral. Otherwise the patterns are searched in the lower-cased
    name, in the order junk, neutral, not junk; with exactly two of them set, all other names are of the third class.
    """
    if special_use & SpecialUse.JUNK:
        return Verdict.JUNK
    if rules.enabled and rules.introbox and name == rules.introbox:
        return Verdict.NEUTRAL
    return _by_name(rules, name.lower()) if rules.enabled else Verdict.UNCHANGED


@lru_cache(maxsize=1024)
def _by_name(rules: JunkFlagRules, name: str) -> Verdict:
    classes = (
        (Verdict.JUNK, rules.junk_mailbox_regexp),
        (Verdict.NEUTRAL, rules.neutral_mailbox_regexp),
        (Verdict.NOTJUNK, rules.not_junk_mailbox_regexp),
    )
    for verdict, pattern in classes:
        if pattern and searching.found(pattern, name):
            return verdict
    unset = [verdict for verdict, pattern in classes if not pattern]
    return unset[0] if len(unset) == 1 else Verdict.UNCHANGED


def flags_in_mailbox(flags: Flag, verdict: Verdict) -> Flag:
    """`flags` after entering a mailbox with this verdict: a verdict for one class clears the other (STORE-85)."""
    neither = flags & NEITHER if int(flags) & JUDGED else flags  # arithmetic of flags is slow
    match verdict:
        case Verdict.JUNK:
            return neither | Flag.JUNK
        case Verdict.NOTJUNK:
            return neither | Flag.NOTJUNK
        case Verdict.NEUTRAL:
            return neither
        case Verdict.UNCHANGED:
            return flags


def flag_synonyms(keywords: Iterable[str]) -> Flag:
    """The flags that are set together with these keywords, in any case (IMAP-115)."""
    flags = Flag(0)
    for keyword in keywords:
        flags |= SYNONYMS.get(keyword.lower(), Flag(0))
    return flags


# Settings of the junk filter: table ``junk_filter`` of an account (STORE-89).


class Grams(msgspec.Struct, frozen=True):
    """Lengths of word sequences that count as words. Stored with the words of a generation; a change needs a
    retraining.
    """

    onegrams: bool = True
    twograms: bool = False
    threegrams: bool = False


class JunkParams(msgspec.Struct, frozen=True):
    """Parameters of the filter; the defaults apply to a new account.

    - `threshold`: probability above which a message is junk, whatever the account's good mail is like.
    - `max_power`: minimum probability of a word; 1 less this is the maximum.
    - `top_words`: number of words that an explanation has for ham, and as many for spam.
    - `ignore_words`: words whose probability is nearer to 0.5 than this are ignored.
    - `rare_words`: the probability of words seen no more often than this is moved towards 0.5.
    - `file_unsure`: file junk into Junk unless it is nearly certain, and refuse only what is.
    """

    threshold: float = 0.95
    grams: Grams = Grams()
    max_power: float = 0.01
    top_words: int = 10
    ignore_words: float = 0.1
    rare_words: int = 2
    file_unsure: bool = False
