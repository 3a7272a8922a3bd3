"""Trying the filter out on two folders of mail, in memory, without any account (``moxlite junk play``)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgspec

from moxlite.proto.mime.structure import scan
from moxlite.store.junk.score import Judgement, judge
from moxlite.store.junk.tokens import words_of
from moxlite.store.junkparams import Grams, JunkParams

SEED: Final = 1
"""Fixed seed: the same folders are split in the same way each time, so that two settings can be compared."""


class Memory:
    """Words learnt by a filter, counted in memory."""

    def __init__(self, params: JunkParams) -> None:
        self.params = params
        self.hams = 0
        self.spams = 0
        self._counts: dict[str, list[int]] = {}

    def learn(self, message: bytes, *, spam: bool) -> None:
        """Learn a message."""
        for word in message_words(message, self.params.grams):
            self._counts.setdefault(word, [0, 0])[spam] += 1
        if spam:
            self.spams += 1
        else:
            self.hams += 1

    def judge(self, message: bytes) -> Judgement:
        """Judge a message."""
        words = message_words(message, self.params.grams)
        counted = [(word, counts[0], counts[1]) for word in words if (counts := self._counts.get(word)) is not None]
        return judge(counted, self.hams, self.spams, self.params)


def message_words(message: bytes, grams: Grams) -> list[str]:
    """The words of a message."""
    return words_of(scan(message), lambda start, end: message[start:end], grams)


class Played(msgspec.Struct, frozen=True):
    """Result of `play`: messages learnt, messages judged, and hams kept and spams caught among the judged ones."""

    learnt_hams: int
    learnt_spams: int
    hams: int
    spams: int
    kept: int
    caught: int

    @property
    def ham_share(self) -> float:
        """Share of the ham that was not classified as junk."""
        return self.kept / self.hams if self.hams else 1.0

    @property
    def spam_share(self) -> float:
        """Share of the spam that was classified as junk."""
        return self.caught / self.spams if self.spams else 1.0


def play(hams: Sequence[bytes], spams: Sequence[bytes], params: JunkParams, *, train: float = 0.5) -> Played:
    """Learn a random part of the messages, and judge the others.

    Args:
      train: the share that is learnt.
    """
    rng = random.Random(SEED)  # noqa: S311 - a split, not a secret
    memory = Memory(params)
    rest: list[list[bytes]] = []
    for spam, messages in ((False, hams), (True, spams)):
        order = rng.sample(range(len(messages)), len(messages))
        cut = round(len(messages) * train)
        for place in order[:cut]:
            memory.learn(messages[place], spam=spam)
        rest.append([messages[place] for place in order[cut:]])
    good, bad = ([memory.judge(message).probability > params.threshold for message in part] for part in rest)
    return Played(memory.hams, memory.spams, len(good), len(bad), good.count(False), bad.count(True))
