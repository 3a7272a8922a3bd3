"""Reading the words of stored messages, also of removed ones not erased yet, and recounting them (STORE-40)."""

from __future__ import annotations

import logging
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.types import Structure, decode_structure
from moxlite.store.content.body import Content, locate, read_content
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.background import Background
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.tokens import hash_words, words_of
from moxlite.store.junk.words import Meta, read_meta
from moxlite.store.junkparams import Grams
from moxlite.store.rows.messages import EMAIL_ID

logger = logging.getLogger("moxlite.store.junk")

WHOLE: Final = 1 << 20
"""Octets up to which a message is read as a whole; of a longer one only the text parts are read."""

MAX_HASHES: Final = 500_000
"""Words of one batch: 4 MB of hashes."""

STRUCTURE: Final = f"SELECT structure FROM message_info WHERE email_id = {EMAIL_ID}"  # noqa: S608 - a constant
LEARNT: Final = """
SELECT id, trained FROM message WHERE trained IS NOT NULL
UNION ALL SELECT message_id, trained FROM erase_queue WHERE trained IS NOT NULL"""
ANY_WORDS: Final = "SELECT EXISTS (SELECT 1 FROM junk_word_0) + EXISTS (SELECT 1 FROM junk_word_1)"


class Tokenised(msgspec.Struct, frozen=True):
    """A message's id, and the hashes of its words."""

    message_id: int
    hashes: array[int]


def tokenise(r: Reader, meta: Meta, ids: Sequence[int]) -> list[Tokenised]:
    """Hash the words of the first messages of `ids`, up to `MAX_HASHES`, at least of one. For scans.

    A damaged message gets no words: it must neither block the others nor its own erasure.
    """
    found: list[Tokenised] = []
    total = 0
    work = Background()
    for message_id in ids:
        work.give_way()
        try:
            hashes = hash_words(stored_words(r, message_id, meta.grams), meta.salt)
        except (ChunkDamaged, NoSuchMessage) as error:
            logger.warning("a message has no words", extra={"kv": {"message": message_id, "err": str(error)}})
            hashes = array("q")
        found.append(Tokenised(message_id, hashes))
        total += len(hashes)
        if total >= MAX_HASHES:
            break
    return found


def stored_words(r: Reader, message_id: int, grams: Grams) -> list[str]:
    """The words of a stored message.

    Raises:
      NoSuchMessage; ChunkDamaged.
    """
    content = locate(r, message_id)
    if content.size <= WHOLE:
        octets = read_content(r, content)
        return words_of(_structure(r, message_id, content), lambda start, end: octets[start:end], grams)
    return words_of(
        _structure(r, message_id, content), lambda start, end: read_content(r, content, start, end - start), grams
    )


def _structure(r: Reader, message_id: int, content: Content) -> Structure:
    try:
        return decode_structure(r.value(STRUCTURE, message_id))
    except msgspec.DecodeError:
        return scan(read_content(r, content))  # written by an older program; `reparse` has not reached it yet


def wrong_words(r: Reader) -> Iterator[str]:
    """A sentence for each word whose counts differ from the counts in the learnt messages. For scans.

    Once words were pruned, counts that are too low are allowed.
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
