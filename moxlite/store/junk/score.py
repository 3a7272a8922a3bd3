"""Probability that a message is junk, by naive Bayes over its most significant words (STORE-89)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.store.junkparams import JunkParams

SIGNIFICANT_HAMS: Final = 50
"""Learnt ham messages from which a judgement is significant: with fewer, every new correspondent is unusual."""

CERTAIN: Final = 1e-9
"""Minimum distance of a probability from 0 and 1, with ``max_power = 0``: the logarithm must be finite."""

NEUTRAL: Final = 0.5


class JunkWord(msgspec.Struct, frozen=True):
    """A word that was used for a judgement: the ham and spam messages that had it, and the probability by it alone."""

    word: str
    ham: int
    spam: int
    probability: float


class Judgement(msgspec.Struct, frozen=True):
    """`probability` of being junk; `significant` if enough ham was learnt to rely on it; `words` that were used, the
    strongest for ham first, then the strongest for spam.
    """

    probability: float
    significant: bool
    words: tuple[JunkWord, ...]


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


def judge(counted: Iterable[tuple[str, int, int]], hams: int, spams: int, params: JunkParams) -> Judgement:
    """Judge a message.

    Args:
      counted: each word of the message once, with the ham and spam messages that had it.
      hams, spams: how many messages were learnt.
    """
    good: list[JunkWord] = []
    bad: list[JunkWord] = []
    for word, ham, spam in counted:
        p = word_probability(ham, spam, hams, spams, params)
        if p is not None and p != NEUTRAL:
            (good if p < NEUTRAL else bad).append(JunkWord(word, ham, spam, p))
    # Of two words with the same probability, the longer one is less accidental.
    used = (
        *heapq.nsmallest(params.top_words, good, key=lambda one: (one.probability, -len(one.word), one.word)),
        *heapq.nsmallest(params.top_words, bad, key=lambda one: (-one.probability, -len(one.word), one.word)),
    )
    eta = 0.0
    for one in used:
        p = min(max(one.probability, CERTAIN), 1 - CERTAIN)
        eta += math.log(1 - p) - math.log(p)
    return Judgement(_logistic(-eta), hams >= SIGNIFICANT_HAMS, used)


def _logistic(x: float) -> float:
    """1 / (1 + e^-x), without overflow for any number of words."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
