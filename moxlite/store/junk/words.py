"""Rows of the junk filter: generations of words, and their changes in units (STORE-85..87).

A generation is a row of `junk_meta` and its table of words. One is in use; a retraining fills the other one, and makes
it the one in use by changing two rows. The class as which a message was learnt is in `message.trained`, or
`erase_queue.trained` once it is removed; for the generation that is being filled, in `junk_retrain`.
"""

from __future__ import annotations

import logging
import secrets
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from moxlite.encoding import from_json, to_json
from moxlite.proto.mime.structure import scan
from moxlite.proto.mime.text import Read
from moxlite.proto.mime.types import Structure, decode_structure
from moxlite.store.content.body import Content, locate, read_content
from moxlite.store.errors import ChunkDamaged, NoSuchMessage
from moxlite.store.file.boundary import of_filter
from moxlite.store.file.threads import Background
from moxlite.store.file.transaction import Reader, Tx, int_array
from moxlite.store.junk.score import (
    ENOUGH_SENDERS,
    TOKENIZER_VERSION,
    Averages,
    Learned,
    Own,
    hash_words,
    own_of,
    sender_of,
    weigh_unlearned,
    words_of,
)
from moxlite.store.junkflags import Grams, JunkParams
from moxlite.store.options import DAY
from moxlite.store.rows.messages import EMAIL_ID
from moxlite.store.types import SpecialUse

SALT: Final = 16
"""Octets of a generation's key for hashes of words: with different keys, the hashes of two accounts cannot be compared,
nor looked up in a common table.
"""

PRUNE_ROWS: Final = 20_000
"""Rows of words read in one unit: some 10 ms."""

FIRST_HASH: Final = -(1 << 63)
LAST_HASH: Final = (1 << 63) - 1
"""Bounds of a hash: integers of SQLite are signed and have 64 bits."""

# The class as which a message should be learnt, by its flags: as in the index message_training.
WANTED: Final = "CASE flags & 48 WHEN 16 THEN 1 WHEN 32 THEN 0 END"

META: Final = "SELECT generation, position, hams, spams, salt, params, tokenizer_version, pruned FROM junk_meta"
INSERT_META: Final = """
INSERT INTO junk_meta (generation, position, hams, spams, salt, params, tokenizer_version)
VALUES (?, 0, 0, 0, ?, ?, ?)"""
COUNT: Final = """
UPDATE junk_meta SET hams = max(hams + ?, 0), spams = max(spams + ?, 0) WHERE generation = ?"""
DROP_META: Final = "DELETE FROM junk_meta WHERE generation = ?"
USE: Final = "UPDATE junk_meta SET position = NULL WHERE generation = ?"
PRUNED: Final = "UPDATE junk_meta SET pruned = 1 WHERE generation = ?"
KEEP_OWN: Final = "UPDATE junk_meta SET params = ? WHERE generation = ?"

# Which mail the owner wrote (STORE-89a): what is in Sent, or was added to it, as its recipients show, and its copies.
# An address in From proves nothing.
IS_OWN: Final = f"""
SELECT EXISTS (SELECT 1 FROM message c JOIN mailbox b ON b.id = c.mailbox_id
    WHERE c.id IN (m.id, m.email_id) AND b.special_use & {int(SpecialUse.SENT)} <> 0)
OR EXISTS (SELECT 1 FROM recipient WHERE message_id IN (m.id, m.email_id))
OR EXISTS (SELECT 1 FROM junk_own WHERE generation IN (0, 1) AND message_id IN (m.id, m.email_id))
FROM message m WHERE m.id = ?"""  # noqa: S608 - a constant
ADD_OWN: Final = "INSERT INTO junk_own (generation, message_id) VALUES (?, ?)"
DROP_OWN: Final = "DELETE FROM junk_own WHERE generation = ? AND message_id = ?"
DROP_ALL_OWN: Final = "DELETE FROM junk_own WHERE generation = ?"

ADD_SENDER: Final = """
INSERT INTO junk_sender (generation, spam, hash, messages) VALUES (?, ?, ?, 1)
ON CONFLICT (generation, spam, hash) DO UPDATE SET messages = messages + 1"""
SUBTRACT_SENDER: Final = "UPDATE junk_sender SET messages = messages - 1 WHERE generation = ? AND spam = ? AND hash = ?"
DROP_SENDER: Final = "DELETE FROM junk_sender WHERE generation = ? AND spam = ? AND hash = ? AND messages <= 0"
DROP_ALL_SENDERS: Final = "DELETE FROM junk_sender WHERE generation = ?"
SENDERS: Final = "SELECT spam, hash, messages FROM junk_sender WHERE generation = ?"
# Up to as many as matter: a table of a million senders takes no longer.
COUNT_SENDERS: Final = f"""
SELECT count(*) FROM (SELECT 1 FROM junk_sender WHERE generation = ? AND spam = ? LIMIT {ENOUGH_SENDERS})"""  # noqa: S608

FORGET_RETRAINED: Final = "DELETE FROM junk_retrain"
FORGET_REMOVED: Final = "UPDATE erase_queue SET trained = NULL WHERE trained IS NOT NULL"

# Classes of messages after a swap. The first two change few rows: both generations learn from the same flags.
RETRAINED: Final = """
UPDATE message SET trained = t.trained FROM junk_retrain t
WHERE message.id = t.message_id AND message.trained IS NOT t.trained"""
NOT_RETRAINED: Final = """
UPDATE message SET trained = NULL WHERE trained IS NOT NULL AND id NOT IN (SELECT message_id FROM junk_retrain)"""
# A message that was moved before it was removed has several tombstones; only the last one is marked.
RETRAINED_REMOVED: Final = """
UPDATE erase_queue SET trained = t.trained FROM junk_retrain t
WHERE erase_queue.message_id = t.message_id AND NOT EXISTS (SELECT 1 FROM message m WHERE m.id = t.message_id)
AND (erase_queue.mailbox_id, erase_queue.uid) = (SELECT q.mailbox_id, q.uid FROM erase_queue q
WHERE q.message_id = t.message_id ORDER BY q.modseq DESC, q.mailbox_id DESC, q.uid DESC LIMIT 1)"""


class Generation(msgspec.Struct, frozen=True):
    """The statements for one table of words; `number` is 0 or 1."""

    number: int
    learn_ham: str
    learn_spam: str
    unlearn_ham: str
    unlearn_spam: str
    drop_unused: str
    counts: str
    all: str
    clear: str
    next_bound: str
    prune: str


def _generation(number: int) -> Generation:
    table = f"junk_word_{number}"
    learn = """INSERT INTO {t} (hash, ham, spam, day) SELECT value, {ham}, {spam}, ?2 FROM carray(?1) WHERE true
        ON CONFLICT (hash) DO UPDATE SET {side} = {side} + 1, day = ?2"""
    unlearn = "UPDATE {t} SET {side} = max({side} - 1, 0) WHERE hash IN (SELECT value FROM carray(?))"
    return Generation(
        number,
        learn_ham=learn.format(t=table, ham=1, spam=0, side="ham"),
        learn_spam=learn.format(t=table, ham=0, spam=1, side="spam"),
        unlearn_ham=unlearn.format(t=table, side="ham"),
        unlearn_spam=unlearn.format(t=table, side="spam"),
        drop_unused=f"DELETE FROM {table} WHERE hash IN (SELECT value FROM carray(?)) AND ham = 0 AND spam = 0",  # noqa: S608
        counts=f"SELECT c.rowid, w.ham, w.spam FROM carray(?) c CROSS JOIN {table} w ON w.hash = c.value",  # noqa: S608
        all=f"SELECT hash, ham, spam FROM {table}",  # noqa: S608
        clear=f"DELETE FROM {table}",  # noqa: S608
        next_bound=f"SELECT hash FROM {table} WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET {PRUNE_ROWS}",  # noqa: S608
        prune=f"DELETE FROM {table} WHERE hash > ? AND hash <= ? AND ham + spam = 1 AND day < ?",  # noqa: S608
    )


GENERATIONS: Final = (_generation(0), _generation(1))


class Params(Grams, frozen=True):
    """Column `params` of `junk_meta`: what the words were made with, and how the account's own mail is judged. (`own`
    had no junk in it.)
    """

    measured: Own | None = None


class Meta(msgspec.Struct, frozen=True):
    """A row of `junk_meta`. `position` is None for the generation in use."""

    generation: Generation
    position: int | None
    hams: int
    spams: int
    salt: bytes
    grams: Grams
    tokenizer_version: int
    pruned: bool
    own: Own | None

    def fits(self, grams: Grams) -> bool:
        """Whether tokenising the messages now would give the same words."""
        return self.grams == grams and self.tokenizer_version == TOKENIZER_VERSION


def read_meta(r: Reader) -> tuple[Meta | None, Meta | None]:
    """The generation in use and the one that is being filled; None for one that does not exist."""
    active = filling = None
    with of_filter():
        rows = [(*row, from_json(row[5], Params)) for row in r.rows(META)]
    for number, position, hams, spams, salt, _, version, pruned, params in rows:
        meta = Meta(
            GENERATIONS[number],
            position,
            hams,
            spams,
            salt,
            Grams(params.onegrams, params.twograms, params.threegrams),
            version,
            pruned != 0,
            params.measured,
        )
        if position is None:
            active = meta
        else:
            filling = meta
    return active, filling


def count_words(r: Reader, generation: Generation, hashes: array[int]) -> list[tuple[int, int]]:
    """For each hash, how many ham and spam messages have the word."""
    found = [(0, 0)] * len(hashes)
    if hashes:
        with of_filter():
            for place, ham, spam in r.iterate(generation.counts, int_array(hashes)):
                found[place - 1] = (ham, spam)
    return found


def read_learned(r: Reader, meta: Meta | None) -> Learned:
    """What a generation has learned; nothing without one."""
    if meta is None:
        return Learned()
    with of_filter():
        hams, spams = (r.value(COUNT_SENDERS, meta.generation.number, spam) for spam in (0, 1))
    return Learned(meta.hams, meta.spams, hams, spams)


def learn_as(tx: Tx, generation: Generation, message: MessageTokens, before: int | None, after: int | None) -> None:
    """Unlearn a message from class `before`, learn it for `after`: 0 ham, 1 spam, None neither.

    What the owner wrote is no example of what others write, so it is ham of which nothing is learned (STORE-89a).
    """
    if before == after:
        return
    number = generation.number
    # Asked first: a copy, and what was moved since, is known by it.
    own = after == 0 and bool(tx.value(IS_OWN, message.message_id))
    with of_filter():
        if before == 0 and tx.execute(DROP_OWN, number, message.message_id):
            before = None
        if own:
            tx.execute(ADD_OWN, number, message.message_id)
            after = None
        _change_sender(tx, number, message.sender, before, after)
        _change_words(tx, generation, message.hashes, before, after)


def _change_sender(tx: Tx, number: int, sender: int | None, before: int | None, after: int | None) -> None:
    if sender is None or before == after:
        return
    if before is not None:
        tx.execute(SUBTRACT_SENDER, number, before, sender)
        tx.execute(DROP_SENDER, number, before, sender)
    if after is not None:
        tx.execute(ADD_SENDER, number, after, sender)


def _change_words(tx: Tx, generation: Generation, hashes: Sequence[int], before: int | None, after: int | None) -> None:
    """Change the counts of words. They end at 0: words may have been pruned since (STORE-193)."""
    if before == after:
        return
    if hashes:
        # Ascending, so that neighbouring rows are met together.
        ids = int_array(array("q", sorted(set(hashes))))
        if before is not None:
            tx.execute(generation.unlearn_spam if before else generation.unlearn_ham, ids)
        if after is not None:
            tx.execute(generation.learn_spam if after else generation.learn_ham, ids, tx.now // DAY)
        else:
            tx.execute(generation.drop_unused, ids)
    tx.execute(COUNT, (after == 0) - (before == 0), (after == 1) - (before == 1), generation.number)


def begin_generation(tx: Tx, grams: Grams) -> Meta:
    """Add an empty generation for a retraining; an unfinished one is dropped."""
    active, _ = read_meta(tx)
    generation = GENERATIONS[0 if active is None else 1 - active.generation.number]
    for other in GENERATIONS:
        if active is None or other != active.generation:
            drop_generation(tx, other)
    tx.execute(FORGET_RETRAINED)
    params = to_json(grams).decode()
    tx.execute(INSERT_META, generation.number, secrets.token_bytes(SALT), params, TOKENIZER_VERSION)
    _, filling = read_meta(tx)
    assert filling is not None
    return filling


def drop_generation(tx: Tx, generation: Generation) -> None:
    """Drop the words of a generation: SQLite frees the pages of the table without reading its rows."""
    with of_filter():
        for statement in (DROP_META, DROP_ALL_OWN, DROP_ALL_SENDERS):
            tx.execute(statement, generation.number)
        tx.execute(generation.clear)


def swap_generations(tx: Tx) -> Meta:
    """Put the filled generation into use, and drop the other one (STORE-87).

    Measured with 600 000 words and 100 000 messages: 70 ms.
    """
    active, filling = read_meta(tx)
    assert filling is not None
    if active is not None:
        drop_generation(tx, active.generation)
    tx.execute(USE, filling.generation.number)
    tx.execute(RETRAINED)
    tx.execute(NOT_RETRAINED)
    tx.execute(FORGET_REMOVED)
    tx.execute(RETRAINED_REMOVED)
    tx.execute(FORGET_RETRAINED)
    return filling


def forget_all(tx: Tx) -> None:
    """Drop all generations of an account that has no filter any more. Removed messages need no unlearning then."""
    for meta in read_meta(tx):
        if meta is not None:
            drop_generation(tx, meta.generation)
    tx.execute(FORGET_RETRAINED)
    tx.execute(FORGET_REMOVED)


def prune_words(tx: Tx, generation: Generation, after: int, before_day: int) -> tuple[int, int | None]:
    """Drop words with hashes above `after` that only one message had, learnt before `before_day`; within one unit's
    bounds.

    Returns their number, and the hash to go on from, None at the end.
    """
    with of_filter():
        bound: int | None = tx.value(generation.next_bound, after)
        dropped = tx.execute(generation.prune, after, LAST_HASH if bound is None else bound, before_day)
    if dropped:
        tx.execute(PRUNED, generation.number)
    return dropped, bound


# Reading the words of stored messages, also of removed ones not erased yet, and recounting them (STORE-40).


logger = logging.getLogger("moxlite.store.junk")

WHOLE: Final = 1 << 20
"""Octets up to which a message is read as a whole; of a longer one only the text parts are read."""

MAX_HASHES: Final = 500_000
"""Words of one batch: 4 MB of hashes."""

STRUCTURE: Final = f"SELECT structure FROM message_info WHERE email_id = {EMAIL_ID}"  # noqa: S608 - a constant
LEARNT: Final = """
SELECT id, trained FROM (
    SELECT id, trained FROM message WHERE trained IS NOT NULL
    UNION ALL SELECT message_id, trained FROM erase_queue WHERE trained IS NOT NULL)
WHERE id NOT IN (SELECT message_id FROM junk_own WHERE generation = ?)"""
ANY_WORDS: Final = "SELECT EXISTS (SELECT 1 FROM junk_word_0) + EXISTS (SELECT 1 FROM junk_word_1)"


class MessageTokens(msgspec.Struct, frozen=True):
    """A message's id, the hashes of its words, and that of its sender; without any if it cannot be read."""

    message_id: int
    hashes: array[int]
    sender: int | None


def tokenise(r: Reader, meta: Meta, ids: Sequence[int]) -> list[MessageTokens]:
    """Hash the words of the first messages of `ids`, up to `MAX_HASHES`, at least of one. For scans.

    A damaged message gets no words: it must neither block the others nor its own erasure.
    """
    found: list[MessageTokens] = []
    total = 0
    with Background() as work:
        for message_id in ids:
            work.give_way()
            sender: int | None = None
            try:
                structure, read = _opened(r, message_id)
                hashes = hash_words(words_of(structure, read, meta.grams), meta.salt)
                [sender] = hash_words([sender_of(structure)], meta.salt)
            except (ChunkDamaged, NoSuchMessage) as error:
                logger.warning("failed to read message words", extra={"kv": {"message": message_id, "err": str(error)}})
                hashes = array("q")
            found.append(MessageTokens(message_id, hashes, sender))
            total += len(hashes)
            if total >= MAX_HASHES:
                break
        return found


def stored_words(r: Reader, message_id: int, grams: Grams) -> list[str]:
    """The words of a stored message.

    Raises:
      NoSuchMessage; ChunkDamaged.
    """
    return words_of(*_opened(r, message_id), grams)


OWN_MESSAGES: Final = 200
"""Messages of good mail, and of junk, that are judged for `Own`: 0.3 s of a thread each."""

# Not through all mail of an account, of which little may be marked.
LATEST: Final = """
SELECT id FROM message WHERE id > (SELECT max(id) FROM message) - 100000 AND trained = ?
AND id NOT IN (SELECT message_id FROM junk_own WHERE generation = ?) ORDER BY id DESC LIMIT ?"""


def measure_own(r: Reader, meta: Meta, params: JunkParams) -> Own | None:
    """Judge the account's latest good mail and junk, each message as if it hadn't been learned; None without any good
    mail. For scans.
    """
    with Background() as work:
        hams, spams = (list(_unlearned(r, meta, params, work, spam=spam)) for spam in (False, True))
    return own_of(meta.hams, meta.spams, hams, spams) if hams else None


def _unlearned(r: Reader, meta: Meta, params: JunkParams, work: Background, *, spam: bool) -> Iterator[Averages]:
    for (message_id,) in r.rows(LATEST, spam, meta.generation.number, OWN_MESSAGES):
        work.give_way()
        try:
            words = stored_words(r, message_id, meta.grams)
        except (ChunkDamaged, NoSuchMessage):
            continue  # which the store tells of elsewhere
        counts = count_words(r, meta.generation, hash_words(words, meta.salt))
        counted = ((word, *count) for word, count in zip(words, counts, strict=True))
        yield weigh_unlearned(counted, meta.hams, meta.spams, params, spam=spam)


def keep_own(tx: Tx, meta: Meta, own: Own) -> None:
    """Store how the account's good mail is judged."""
    params = Params(meta.grams.onegrams, meta.grams.twograms, meta.grams.threegrams, own)
    tx.execute(KEEP_OWN, to_json(params).decode(), meta.generation.number)


def _opened(r: Reader, message_id: int) -> tuple[Structure, Read]:
    """The structure of a stored message, and the function that reads its octets."""
    content = locate(r, message_id)
    structure = _structure(r, message_id, content)
    if content.size <= WHOLE:
        octets = read_content(r, content)
        return structure, lambda start, end: octets[start:end]
    return structure, lambda start, end: read_content(r, content, start, end - start)


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
            yield "words found, but the filter isn't used"
        return
    hams, spams, senders = _recount(r, meta)
    if meta.tokenizer_version == TOKENIZER_VERSION:  # an older one has counted no senders, and is learned again
        yield from _wrong_senders(r, meta, senders)
    for word, ham, spam in r.iterate(meta.generation.all):
        right = (hams.pop(word, 0), spams.pop(word, 0))
        if (ham, spam) != right and not (meta.pruned and ham <= right[0] and spam <= right[1]):
            yield f"word {word} counts {ham} hams and {spam} spams, but messages count {right[0]} and {right[1]}"
    if not meta.pruned:
        for word in hams.keys() | spams.keys():
            yield f"word {word} is missing, but messages count {hams[word]} hams and {spams[word]} spams"


def _recount(r: Reader, meta: Meta) -> tuple[Counter[int], Counter[int], Counter[tuple[int, int]]]:
    """How often learnt messages have each word as ham and as spam, and each sender, with whether it's spam."""
    hams: Counter[int] = Counter()
    spams: Counter[int] = Counter()
    senders: Counter[tuple[int, int]] = Counter()
    for message_id, trained in r.rows(LEARNT, meta.generation.number):
        for one in tokenise(r, meta, [message_id]):
            (spams if trained else hams).update(set(one.hashes))
            if one.sender is not None:
                senders[trained, one.sender] += 1
    return hams, spams, senders


def _wrong_senders(r: Reader, meta: Meta, senders: Counter[tuple[int, int]]) -> Iterator[str]:
    """A sentence for each sender whose count differs from `senders`, the counts in the learnt messages."""
    for spam, sender, messages in r.rows(SENDERS, meta.generation.number):
        if messages != (count := senders.pop((spam, sender), 0)):
            yield f"sender {sender} counts {messages} messages, but there are {count}"
    for _, sender in senders:
        yield f"sender {sender} is missing"
