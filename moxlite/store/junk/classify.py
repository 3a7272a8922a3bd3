"""Classifying a message with the words learnt by the account, and explaining the result (STORE-89, STORE-193)."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.proto.mime.structure import scan
from moxlite.store import metrics
from moxlite.store.changelog.account import Account
from moxlite.store.content.prepare import PreparedMessage
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.score import (
    Judgement,
    Lack,
    Learned,
    Own,
    hash_words,
    judge,
    lacks_of,
    own_of,
    sender_of,
    weigh_unlearned,
    words_of,
)
from moxlite.store.junk.words import OWN_MESSAGES, count_words, read_learned, read_meta, stored_words
from moxlite.store.junkflags import Grams, JunkParams

TRAINED: Final = """
SELECT trained FROM message WHERE id = ?1
AND NOT EXISTS (SELECT 1 FROM junk_own WHERE generation = ?2 AND message_id = ?1)"""


class Explanation(msgspec.Struct, frozen=True):
    """A judgement with its basis: numbers of learnt messages, of the message's words, and of known words among them.

    `trained`: whether a stored message was itself learnt, as spam (True) or ham (False), so that its own words count;
    None if it was not.
    """

    judgement: Judgement
    learned: Learned
    message_words: int
    known_words: int
    trained: bool | None = None


async def classify(account: Account, message: PreparedMessage | bytes | int) -> Judgement | None:
    """Classify a message: one about to be delivered, octets, or a stored one by its id. None if the account has no
    filter.

    A message to be delivered must have its prefix, which has Return-Path. Runs in a worker thread; 20 KiB take 10 ms.

    Raises:
      NoSuchMessage, ChunkDamaged: for a stored message.
      StorageBroken, ReadInterrupted.
    """
    params = account.config.junk_filter
    if params is None:
        return None
    began = time.perf_counter()
    explanation = await account.scan(partial(_explain, message=message, params=params), op="junk_classify")
    metrics.JUNK_CLASSIFY_SECONDS.observe(time.perf_counter() - began)
    return explanation.judgement


async def explain(account: Account, message: bytes | int) -> Explanation | None:
    """Classify a message as `classify` does, and explain the result."""
    params = account.config.junk_filter
    if params is None:
        return None
    return await account.scan(partial(_explain, message=message, params=params), op="junk_explain")


def _explain(r: Reader, message: PreparedMessage | bytes | int, params: JunkParams) -> Explanation:
    active, _ = read_meta(r)
    words = _words(r, message, params.grams if active is None else active.grams)
    if active is None:
        return Explanation(judge((), Learned(), params), Learned(), len(words), 0)
    learned = read_learned(r, active)
    counts = count_words(r, active.generation, hash_words(words, active.salt))
    counted = [(word, ham, spam) for word, (ham, spam) in zip(words, counts, strict=True)]
    known = sum(1 for ham, spam in counts if ham or spam)
    trained = r.value(TRAINED, message, active.generation.number) if isinstance(message, int) else None
    judgement = judge(counted, learned, params, active.own)
    return Explanation(judgement, learned, len(words), known, None if trained is None else trained != 0)


def _words(r: Reader, message: PreparedMessage | bytes | int, grams: Grams) -> list[str]:
    if isinstance(message, int):
        return stored_words(r, message, grams)
    if isinstance(message, bytes):
        return words_of(scan(message), lambda start, end: message[start:end], grams)
    prefix, spool = message.prefix, message.spool

    def read(start: int, end: int) -> bytes:
        head = prefix[start:end]
        skipped = len(prefix)
        return head + spool.read(max(start - skipped, 0), end - max(start, skipped)) if end > skipped else head

    return words_of(message.index, read, grams)


# Trying the filter out on two folders of mail, in memory, without any account (``moxlite junk play``).


SEED: Final = 1
"""Fixed seed: the same folders are split in the same way each time, so that two settings can be compared."""


class Memory:
    """Words learnt by a filter, counted in memory."""

    def __init__(self, params: JunkParams) -> None:
        self.params = params
        self._messages = [0, 0]
        self._senders: tuple[set[str], set[str]] = (set(), set())
        self._counts: dict[str, list[int]] = {}
        self._latest: list[deque[list[str]]] = [deque(maxlen=OWN_MESSAGES) for _ in range(2)]
        self._own: Own | None = None

    def learn(self, message: bytes, *, spam: bool) -> None:
        """Learn a message."""
        words = self.words(message)
        for word in words:
            self._counts.setdefault(word, [0, 0])[spam] += 1
        self._messages[spam] += 1
        self._senders[spam].add(sender_of(scan(message)))
        self._own = None
        self._latest[spam].append(words)

    @property
    def learned(self) -> Learned:
        """Counts of what was learned."""
        return Learned(*self._messages, *map(len, self._senders))

    def words(self, message: bytes) -> list[str]:
        """The words of a message."""
        return message_words(message, self.params.grams)

    def judge(self, message: bytes) -> Judgement:
        """Judge a message."""
        if self._own is None and self._latest[False]:
            self._own = self._measured()
        counted = [(word, *self._count(word)) for word in self.words(message)]
        return judge(counted, self.learned, self.params, self._own)

    def _count(self, word: str) -> tuple[int, int]:
        ham, spam = self._counts.get(word, (0, 0))
        return ham, spam

    def _measured(self) -> Own:
        hams, spams = self._messages
        good, junk = (
            [
                weigh_unlearned(
                    [(word, *self._count(word)) for word in words],
                    hams,
                    spams,
                    self.params,
                    spam=latest is self._latest[1],
                )
                for words in latest
            ]
            for latest in self._latest
        )
        return own_of(hams, spams, good, junk)


def message_words(message: bytes, grams: Grams) -> list[str]:
    """The words of a message."""
    return words_of(scan(message), lambda start, end: message[start:end], grams)


class ReplayResult(msgspec.Struct, frozen=True):
    """Result of `play`: what was learned, messages judged, hams kept and spams caught among the judged ones by their
    words. `lacks`: what must be learned before an account's filter judges by them.
    """

    learned: Learned
    lacks: tuple[Lack, ...]
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


def play(hams: Sequence[bytes], spams: Sequence[bytes], params: JunkParams, *, train: float = 0.5) -> ReplayResult:
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
    good, bad = ([memory.judge(message).is_above for message in part] for part in rest)
    lacks = lacks_of(memory.learned)
    return ReplayResult(memory.learned, lacks, len(good), len(bad), good.count(False), bad.count(True))
