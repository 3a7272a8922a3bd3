"""Counting the words of an account again, for the deep check (STORE-40)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from moxlite.store.file.transaction import Reader
from moxlite.store.junk.reading import tokenise
from moxlite.store.junk.words import read_meta

__all__ = ["wrong_words"]

LEARNT: Final = """
SELECT id, trained FROM message WHERE trained IS NOT NULL
UNION ALL SELECT message_id, trained FROM erase_queue WHERE trained IS NOT NULL"""
ANY_WORDS: Final = "SELECT EXISTS (SELECT 1 FROM junk_word_0) + EXISTS (SELECT 1 FROM junk_word_1)"


def wrong_words(r: Reader) -> Iterator[str]:
    """A sentence for each word whose counts are not those of the messages that were learnt. For scans.

    Once words were pruned, counts may be too low.
    """
    meta, filling = read_meta(r)
    if meta is None:
        if filling is None and r.value(ANY_WORDS):
            yield "there are words, although no filter is in use"
        return
    hams: Counter[int] = Counter()
    spams: Counter[int] = Counter()
    for message_id, trained in r.rows(LEARNT):
        for one in tokenise(r, meta, [message_id]):
            (spams if trained else hams).update(set(one.hashes))
    for word, ham, spam in r.iterate(meta.generation.all):
        right = (hams.pop(word, 0), spams.pop(word, 0))
        if (ham, spam) != right and not (meta.pruned and ham <= right[0] and spam <= right[1]):
            yield f"word {word} counts {ham} hams and {spam} spams, the messages {right[0]} and {right[1]}"
    if not meta.pruned:
        for word in hams.keys() | spams.keys():
            yield f"word {word} is missing, the messages count {hams[word]} hams and {spams[word]} spams"
