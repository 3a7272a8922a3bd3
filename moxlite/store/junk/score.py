"""The words of a message, and the probability by them that it is junk: the average of what they say (STORE-88,
STORE-89, STORE-193).
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
from moxlite.store.rows.personnames import unmixed

# The words of a message, and their hashes (STORE-88, STORE-193).
#
# The words of a message must not change as long as `TOKENIZER_VERSION` does not: a message is unlearnt with the words
# that it was learnt with.


TOKENIZER_VERSION: Final = 3
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
# Vowels and tones of Thai and Lao are written above and below letters, and aren't letters themselves.
_RUN: Final = re.compile("(?:[^\\W_]|[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece])+")
# Scripts written without spaces: Thai, Lao, Kana, Han with its extensions, Hangul.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003fffd]+"
)
# Soft hyphens, zero-width spaces and joiners, directions, fillers, variants: no reader sees that they split words.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\U000e0000-\U000e0fff]+"
)

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
    return str(authors[0].key) if authors else ""


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
        plain = unmixed(normalized("NFKC", _INVISIBLE.sub("", text))).lower()
        found = _RUN.findall(plain)
        if _UNSPACED.search(plain) is not None:
            found = [token for run in found for token in _split_unspaced(run)]
    kept = {token for token in set(found) if _keep(token)}
    return [token for token in found if token in kept]


def _split_unspaced(run: str) -> Iterator[str]:
    """Split scripts without spaces into pairs of adjacent characters (STORE-193); other text is not split."""
    at = 0
    for match in _UNSPACED.finditer(run):
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
        # What isn't shown says nothing, but that it's there may.
        for token in tokens(piece.unshown):
            yield f"hidden:{token}"


def _grams(found: Sequence[str], grams: Grams) -> Iterator[str]:
    if grams.onegrams:
        yield from found
    if grams.twograms:
        yield from map(" ".join, pairwise(found))
    if grams.threegrams:
        yield from map(" ".join, zip(found, found[1:], found[2:], strict=False))


# What words say (STORE-89; docs/decisions/030-average-of-words.md has the measurements).
#
# The score is the average over a message's words, not the product: if an account learned much more of one class, each
# word says a little too much for the other one. A product multiplies that by the length of the message; in an average,
# it's the same for each message, so the account's own good mail shows it (`Own`).


ENOUGH_MESSAGES: Final = 50
"""Learned messages of each class for a refusal: with fewer, every new correspondent is unusual."""

ENOUGH_SPAMS: Final = 20
"""Learned messages of spam to file mail into Junk, where the owner sees it."""

ENOUGH_SENDERS: Final = 10
"""Senders of a class: a single one has a style, which says nothing of others. With 60 messages by one writer as ham,
70 % of other writers' mail was judged to be junk.
"""

ENOUGH_WORDS: Final = 5
"""Words of a message that must suggest either class: by one or two that are common, anything can be said."""

NEUTRAL: Final = 0.5
"""Probability without any evidence."""

CERTAIN: Final = 0.99
"""Probability of near certainty, below which nothing is refused if the account files what the filter is unsure of."""

LEVEL: Final = 1e-9
"""Distance from 0.5 below which a probability counts as 0.5: the order of a sum makes a difference of 1e-14."""

LIMIT: Final = 1e-9
"""Minimum distance of a probability from 0 and 1, with ``max_power = 0``: the logarithm must be finite."""

PRIOR: Final = 0.1
"""Messages of each class in which a word is taken to be in advance, at its rate in all mail. So a word that 3 of 500
spams had and none of 50 hams counts as 0.8 for spam, and of 50 spams as 0.97.
"""

FEW_WORDS: Final = 5
"""Number of neutral words, as weighty as the first one, that are added to a message, so that three words say less than
thirty.
"""

POWER: Final = 3.0
"""Independent words that are worth as much as a whole message: words of a message depend on each other."""

OPENING: Final = 60
"""Words of the text that count as its opening: 200 words of good mail, appended to junk, let half of it pass. A word
after that many counts half as much as the first one, after twice as many a third, and so on.
"""

FIELD_WEIGHT: Final = 0.5
"""What a word of the header or of a link counts, if the first one of the text counts 1."""


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


class Spread(msgspec.Struct, frozen=True):
    """Averages that were measured, in natural logarithms of odds: of good mail the mean, standard deviation and
    maximum; of junk the mean.
    """

    mean: float
    deviation: float
    top: float
    junk: float

    @classmethod
    def of(cls, hams: Sequence[float], spams: Sequence[float]) -> Spread:
        """The spread of at least one average of good mail. Without junk, it's as if that had the same mean."""
        mean = math.fsum(hams) / len(hams)
        variance = math.fsum((average - mean) ** 2 for average in hams) / len(hams)
        junk = math.fsum(spams) / len(spams) if spams else mean
        return cls(mean, math.sqrt(variance), max(hams), junk)

    def above(self, deviations: float, share: float, least: float) -> float:
        """The probability so many standard deviations above the mean of good mail, and at least that `share` of the way
        to junk; not below `least`.
        """
        far = max(deviations * self.deviation, share * (self.junk - self.mean))
        return max(_probability(self.mean + far), least)


class Own(msgspec.Struct, frozen=True):
    """Averages of an account's good mail and junk, each message judged as if it hadn't been learned.

    `hams` and `spams` are what was learned at that time; `whole` is of whole messages, `opening` of their openings.
    """

    hams: int
    spams: int
    whole: Spread
    opening: Spread

    def is_current(self, hams: int, spams: int) -> bool:
        """Whether this still holds after so much was learned: within a tenth, since averages change slowly."""
        return abs(hams - self.hams) * 10 <= self.hams and abs(spams - self.spams) * 10 <= self.spams


class Bounds(msgspec.Struct, frozen=True):
    """Probabilities above which an account's mail is junk. `strict`: for mail that arrives in a suspicious way.
    `opening`: for the probability by the opening. `certain`: above which junk is nearly certain.
    """

    junk: float
    strict: float
    opening: float
    certain: float


def bounds_of(own: Own | None, params: JunkParams) -> Bounds:
    """The bounds of an account by its own mail; without good mail, its threshold alone.

    The constants were chosen on splits of a corpus that docs/junk.md doesn't measure, so that one good message of a
    hundred is above, and none above near certainty. With few good messages, their deviation decides, else what lies
    between them and junk. The opening alone finds padded junk and refuses nothing, so its least bound is lower.
    """
    if own is None:
        return Bounds(params.threshold, params.threshold, 1.0, max(CERTAIN, params.threshold))
    junk = min(own.whole.above(2.0, 0.7, 0.63), params.threshold)
    certain = max(_probability(own.whole.top), CERTAIN, junk)
    return Bounds(junk, min(own.whole.above(2.0, 0.68, 0.6), junk), own.opening.above(2.25, 0.65, 0.56), certain)


class Judgement(msgspec.Struct, frozen=True):
    """`probability` of being junk, and `opening`, that by the header, links and first words alone; `bounds` by which
    they count.

    `words`: those that say most, the strongest for ham first, then the strongest for spam. `used`: how many were used.
    `lacks`: evidence that is missing, without which callers must not act on the probability. `refusable`: whether
    enough was learned to refuse mail, too.
    """

    probability: float
    bounds: Bounds
    opening: float = NEUTRAL
    words: tuple[JunkWord, ...] = ()
    used: int = 0
    lacks: tuple[Lack, ...] = ()
    refusable: bool = False

    @property
    def significant(self) -> bool:
        """Whether the evidence suffices to act on the probability."""
        return not self.lacks

    @property
    def is_above(self) -> bool:
        """Whether the message would be junk, if the evidence sufficed."""
        return self.probability > self.bounds.junk or self.opening > self.bounds.opening


def lacks_of(learned: Learned, *, filing: bool = False) -> tuple[Lack, ...]:
    """Evidence that an account must still learn before its filter refuses mail, or with `filing` moves it to Junk."""
    hams = Lack("hams", learned.hams, ENOUGH_MESSAGES)
    spams = Lack("spams", learned.spams, ENOUGH_SPAMS if filing else ENOUGH_MESSAGES)
    wanted = (
        hams if hams.count < hams.needed else Lack("ham-senders", learned.ham_senders, ENOUGH_SENDERS),
        spams if spams.count < spams.needed else Lack("spam-senders", learned.spam_senders, ENOUGH_SENDERS),
    )
    return tuple(lack for lack in wanted if lack.count < lack.needed)


def word_probability(ham: int, spam: int, hams: int, spams: int, params: JunkParams) -> float | None:
    """Probability of spam by a word that `ham` of `hams` and `spam` of `spams` messages had; None if it is neutral."""
    seen = ham + spam
    if not seen or not hams + spams:
        return None
    messages = PRIOR * (hams + spams) / seen
    as_ham = (ham + PRIOR) / (hams + messages)
    as_spam = (spam + PRIOR) / (spams + messages)
    p = as_spam / (as_spam + as_ham)
    p = min(max(p, params.max_power), 1 - params.max_power)
    if seen <= params.rare_words:
        p += (1 + params.rare_words - seen) * (NEUTRAL - p) / 10
    return None if abs(NEUTRAL - p) < max(params.ignore_words, LEVEL) else p


def judge(
    counted: Iterable[tuple[str, int, int]], learned: Learned, params: JunkParams, own: Own | None = None
) -> Judgement:
    """Judge a message.

    Args:
      counted: each word of the message once, in order, with the ham and spam messages that had it; unknown ones, too.
      learned: what the account has learned.
      own: how the account's good mail is judged.
    """
    words, averages = weigh(counted, learned.hams, learned.spams, params)
    good = [word for word in words if word.probability < NEUTRAL]
    bad = [word for word in words if word.probability > NEUTRAL]
    probability = _probability(averages.whole)
    lacks = lacks_of(learned, filing=params.file_unsure)
    if len(words) < ENOUGH_WORDS:
        lacks = (*lacks, Lack("words", len(words), ENOUGH_WORDS))
    elif abs(probability - NEUTRAL) < LEVEL:
        lacks = (*lacks, Lack("lead", 0, 1))
    return Judgement(
        probability,
        bounds_of(own, params),
        _probability(averages.opening),
        (*_strongest(good, params.top_words), *_strongest(bad, params.top_words)),
        len(words),
        lacks,
        not lacks_of(learned),
    )


class Averages(msgspec.Struct, frozen=True):
    """What a message's words say on average: all of them, and those in the header, in links, and among the first
    `OPENING` words of the text.
    """

    whole: float
    opening: float


def own_of(hams: int, spams: int, good: Sequence[Averages], junk: Sequence[Averages]) -> Own:
    """What was measured of good mail and of junk, after so much was learned."""
    return Own(
        hams,
        spams,
        Spread.of([message.whole for message in good], [message.whole for message in junk]),
        Spread.of([message.opening for message in good], [message.opening for message in junk]),
    )


def weigh(
    counted: Iterable[tuple[str, int, int]], hams: int, spams: int, params: JunkParams
) -> tuple[list[JunkWord], Averages]:
    """The words of a message that aren't neutral, and their averages: what comes first, where a reader begins, counts
    most.
    """
    words: list[JunkWord] = []
    whole = opening = 0.0
    whole_weight = opening_weight = float(FEW_WORDS)
    place = 0
    known: dict[tuple[int, int], float | None] = {}  # most words were in as few messages
    for word, ham, spam in counted:
        if ":" in word:
            weight, begins = FIELD_WEIGHT, True
        else:
            weight, begins = OPENING / (OPENING + place), place < OPENING
            place += 1
        if not ham and not spam:
            continue
        if (ham, spam) not in known:
            known[ham, spam] = word_probability(ham, spam, hams, spams, params)
        p = known[ham, spam]
        if p is None:
            continue
        words.append(JunkWord(word, ham, spam, p))
        odds = weight * _odds(p)
        whole += odds
        whole_weight += weight
        if begins:
            opening += odds
            opening_weight += weight
    return words, Averages(whole / whole_weight, opening / opening_weight)


def weigh_unlearned(
    counted: Iterable[tuple[str, int, int]], hams: int, spams: int, params: JunkParams, *, spam: bool
) -> Averages:
    """The averages of a learned message as if it hadn't been learned."""
    ham, junk = (0, 1) if spam else (1, 0)
    rest = ((word, max(hams_with - ham, 0), max(spams_with - junk, 0)) for word, hams_with, spams_with in counted)
    return weigh(rest, hams - ham, spams - junk, params)[1]


def _odds(probability: float) -> float:
    """The logarithm of the odds of spam."""
    p = min(max(probability, LIMIT), 1 - LIMIT)
    return math.log(p) - math.log(1 - p)


def _strongest(words: list[JunkWord], number: int) -> list[JunkWord]:
    """The words of one side that are furthest from neutral. Of two with the same probability, the longer one is less
    accidental.
    """
    return heapq.nsmallest(number, words, key=lambda one: (-abs(one.probability - NEUTRAL), -len(one.word), one.word))


def _probability(average: float) -> float:
    """The probability by an average of logarithms of odds."""
    x = POWER * average
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
