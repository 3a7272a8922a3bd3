"""The words of a message, and the probability by them that it is junk: naive Bayes over the most significant ones
(STORE-88, STORE-89, STORE-193).
"""

from __future__ import annotations

import heapq
import math
import re
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice, pairwise
from typing import Final, Literal

import msgspec

from moxlite.normal import normalized
from moxlite.proto.mime.headers import HeaderSection
from moxlite.proto.mime.text import MAX_TEXT, Read, token_text
from moxlite.proto.mime.types import Structure
from moxlite.store.junkflags import Grams, JunkParams

# The words of a message, and their hashes (STORE-88, STORE-193).
#
# The words of a message must not change as long as `TOKENIZER_VERSION` does not: a message is unlearnt with the words
# that it was learnt with.


TOKENIZER_VERSION: Final = 2
"""Version of what is learned of a message, to be raised with each change of `words_of` or `sender_of`, also by the MIME
scanner: all accounts then retrain (STORE-87).
"""

MAX_WORDS: Final = 20_000
"""Words of one message: far more than in usual mail, and a bound for the rows that one message adds."""

MAX_HEADER: Final = 64 << 10
"""Octets of the header section that are read."""

SHORTEST: Final = 3
LONGEST: Final = 100
"""Octets of a word in UTF-8."""

FIELDS: Final = {
    name.lower().encode(): name for name in ("From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Sender", "Return-Path")
}
"""Fields whose words count as words of that field."""

_ASCII_RUN: Final = re.compile(r"[a-z0-9]+")
_RUN: Final = re.compile(r"[^\W_]+")
# Scripts written without spaces: Kana, Han with its extensions, Hangul.
_CJK: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003fffd]+")
# Soft hyphens, zero-width spaces and joiners: a reader does not see that they split words.
_INVISIBLE: Final = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+")

# Words that no second message will have: decimal and hexadecimal numbers, and unpronounceable ASCII.
_ONCE: Final = re.compile(r"[0-9]{4}|\A\d+\Z|\A(?:0x)?(?=[0-9a-f]*[0-9]{3})[0-9a-f]+\Z")
_ONCE_ASCII: Final = re.compile(rf"[bcdfghjklmnpqrstvwxyz23456789]{{6}}|{_ONCE.pattern}")

_HOST: Final = re.compile(r"https?://(?:[^\s/?#@<>\"']{0,100}@)?([^\s/?#:@<>\"'\\()\[\]&,;]{1,253})", re.IGNORECASE)


def words_of(structure: Structure, read: Read, grams: Grams) -> list[str]:
    """Return a message's distinct words in order, up to `MAX_WORDS`, header first.

    `read` returns the octets of the message from one offset to another. Linear.
    """
    return list(islice(dict.fromkeys(_words(structure, read, grams)), MAX_WORDS))


def sender_of(structure: Structure) -> str:
    """Return the address in From that counts as the sender of a learned message, "" for none."""
    authors = structure.envelope.from_
    return f"{authors[0].localpart}@{authors[0].domain}".lower() if authors else ""


def hash_words(words: Iterable[str], salt: bytes) -> array[int]:
    """64-bit BLAKE2b of each word, keyed with `salt`, as signed numbers, in the order of the words."""
    keyed = blake2b(digest_size=8, key=salt)
    digests: list[bytes] = []
    for word in words:
        one = keyed.copy()
        one.update(word.encode("utf-8", "replace"))
        digests.append(one.digest())
    hashes = array("q", b"".join(digests))
    if sys.byteorder == "big":
        hashes.byteswap()  # a file may move to another machine
    return hashes


def tokens(text: str) -> list[str]:
    """List a text's relevant tokens in order, with repetitions."""
    if text.isascii():
        found = _ASCII_RUN.findall(text.lower())
    else:
        # NFKC makes one word of the same letters in other shapes, as fullwidth or mathematical ones.
        plain = normalized("NFKC", _INVISIBLE.sub("", text)).lower()
        found = _RUN.findall(plain)
        if _CJK.search(plain) is not None:
            found = [token for run in found for token in _split_cjk(run)]
    kept = {token for token in set(found) if _keep(token)}
    return [token for token in found if token in kept]


def _split_cjk(run: str) -> Iterator[str]:
    """Split scripts without spaces into pairs of adjacent characters (STORE-193); other text is not split."""
    at = 0
    for match in _CJK.finditer(run):
        if match.start() > at:
            yield run[at : match.start()]
        at = match.end()
        piece = match[0]
        if len(piece) == 1:
            yield piece
        for i in range(len(piece) - 1):
            yield piece[i : i + 2]
    if at < len(run):
        yield run[at:]


def _keep(token: str) -> bool:
    if token.isascii():
        return SHORTEST <= len(token) <= LONGEST and not _ONCE_ASCII.search(token)
    return len(token) <= LONGEST and SHORTEST <= len(token.encode()) <= LONGEST and not _ONCE.search(token)


def _words(structure: Structure, read: Read, grams: Grams) -> Iterator[str]:
    root = structure.root
    section = HeaderSection(read(root.header, min(root.body, root.header + MAX_HEADER)), hint=root.hint)
    for field in section.all(*FIELDS):
        for token in tokens(section.decode(field.text)):
            if len(token.encode()) > SHORTEST:
                yield f"{FIELDS[field.name]}:{token}"
    for piece in token_text(structure, read, MAX_TEXT):
        for host in _HOST.findall(piece.source):
            yield f"url:{host.lower().strip('.')[:LONGEST]}"
        yield from _grams(tokens(piece.text), grams)


def _grams(found: Sequence[str], grams: Grams) -> Iterator[str]:
    if grams.onegrams:
        yield from found
    if grams.twograms:
        yield from map(" ".join, pairwise(found))
    if grams.threegrams:
        yield from map(" ".join, zip(found, found[1:], found[2:], strict=False))


ENOUGH_MESSAGES: Final = 50
"""Learned messages of each class for a significant judgement: with fewer, every new correspondent is unusual."""

ENOUGH_SENDERS: Final = 10
"""Senders of each class for a significant judgement: a single one has a style, which says nothing of others.
With 60 messages by one writer as ham, 70 % of other writers' mail was judged to be junk.
"""

ENOUGH_WORDS: Final = 5
"""Words of a message that must suggest either class: by one or two that are common, anything can be said."""

CERTAIN: Final = 1e-9
"""Minimum distance of a probability from 0 and 1, with ``max_power = 0``: the logarithm must be finite."""

NEUTRAL: Final = 0.5
"""Probability without any evidence."""

TIE: Final = 1e-9
"""Logarithm of the odds below which words of both sides cancel: the order of a sum makes a difference of 1e-14."""


class JunkWord(msgspec.Struct, frozen=True):
    """A word that was used for a judgement: the ham and spam messages that had it, and the probability by it alone."""

    word: str
    ham: int
    spam: int
    probability: float


class Learned(msgspec.Struct, frozen=True):
    """Numbers of ham and spam messages that were learned, and of their senders, which need not be counted beyond
    `ENOUGH_SENDERS`.
    """

    hams: int = 0
    spams: int = 0
    ham_senders: int = 0
    spam_senders: int = 0


class Lack(msgspec.Struct, frozen=True):
    """Evidence that a judgement lacks: there is `count` of it, and `needed` would do."""

    kind: Literal["hams", "spams", "ham-senders", "spam-senders", "words", "lead"]
    count: int
    needed: int

    def __str__(self) -> str:
        return LACKS[self.kind].format(self.count, self.needed)


LACKS: Final = {
    "hams": "{} of {} good messages",
    "spams": "{} of {} junk messages",
    "ham-senders": "{} of {} senders of good mail",
    "spam-senders": "{} of {} senders of junk",
    "words": "{} of {} telling words",
    "lead": "{} of {} words that decide",
}
"""Texts by kind."""


class Judgement(msgspec.Struct, frozen=True):
    """`probability` of being junk; `words` that were used, the strongest for ham first, then the strongest for spam;
    `lacks`: evidence that is missing, without which callers must not act on the probability.
    """

    probability: float
    words: tuple[JunkWord, ...] = ()
    lacks: tuple[Lack, ...] = ()

    @property
    def significant(self) -> bool:
        """Whether the evidence suffices to act on the probability."""
        return not self.lacks


def lacks_of(learned: Learned) -> tuple[Lack, ...]:
    """Evidence that an account must still learn before its filter judges."""
    # A word that no ham had counts as a word of spam, though 50 messages cannot prove that ham never has it: of 50 ham
    # and 100 spam learned, 18 % of new ham was judged to be junk; of 50 and 50, 1.4 %.
    hams = Lack("hams", learned.hams, max(ENOUGH_MESSAGES, learned.spams))
    spams = Lack("spams", learned.spams, ENOUGH_MESSAGES)
    wanted = (
        hams if hams.count < hams.needed else Lack("ham-senders", learned.ham_senders, ENOUGH_SENDERS),
        spams if spams.count < spams.needed else Lack("spam-senders", learned.spam_senders, ENOUGH_SENDERS),
    )
    return tuple(lack for lack in wanted if lack.count < lack.needed)


def word_probability(ham: int, spam: int, hams: int, spams: int, params: JunkParams) -> float | None:
    """Probability of spam by a word that `ham` of `hams` and `spam` of `spams` messages had; None if it is neutral."""
    as_ham = ham / hams if hams else 0.0
    as_spam = spam / spams if spams else 0.0
    if not as_ham and not as_spam:
        return None
    p = as_spam / (as_spam + as_ham)
    p = min(max(p, params.max_power), 1 - params.max_power)
    seen = ham + spam
    if seen <= params.rare_words:
        p += (1 + params.rare_words - seen) * (NEUTRAL - p) / 10
    return None if abs(NEUTRAL - p) < params.ignore_words else p


def judge(counted: Iterable[tuple[str, int, int]], learned: Learned, params: JunkParams) -> Judgement:
    """Judge a message.

    Args:
      counted: each word of the message once, with the ham and spam messages that had it.
      learned: what the account has learned.
    """
    good: list[JunkWord] = []
    bad: list[JunkWord] = []
    for word, ham, spam in counted:
        p = word_probability(ham, spam, learned.hams, learned.spams, params)
        if p is not None and p != NEUTRAL:
            (good if p < NEUTRAL else bad).append(JunkWord(word, ham, spam, p))
    top = params.top_words
    used = (*_strongest(good, top), *_strongest(bad, top))
    lead = _lead(used)
    if abs(lead) < TIE and top < max(len(good), len(bad)):
        # The strongest of both sides cancel, often all at the limit that max_power sets: the others decide.
        used = (*_strongest(good, len(good)), *_strongest(bad, len(bad)))
        lead = _lead(used)
    lacks = list(lacks_of(learned))
    if (telling := len(good) + len(bad)) < ENOUGH_WORDS:
        lacks.append(Lack("words", telling, ENOUGH_WORDS))
    elif abs(lead) < TIE:
        lacks.append(Lack("lead", 0, 1))
    return Judgement(NEUTRAL if abs(lead) < TIE else _logistic(lead), used, tuple(lacks))


def _strongest(words: list[JunkWord], number: int) -> list[JunkWord]:
    """The words of one side that are furthest from neutral. Of two with the same probability, the longer one is less
    accidental.
    """
    return heapq.nsmallest(number, words, key=lambda one: (-abs(one.probability - NEUTRAL), -len(one.word), one.word))


def _lead(words: Iterable[JunkWord]) -> float:
    """The logarithm of the odds of spam, by all these words."""
    lead = 0.0
    for word in words:
        p = min(max(word.probability, CERTAIN), 1 - CERTAIN)
        lead += math.log(p) - math.log(1 - p)
    return lead


def _logistic(x: float) -> float:
    """1 / (1 + e^-x), without overflow for any number of words."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
