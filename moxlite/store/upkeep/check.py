"""Checking that the rows of an account are consistent (STORE-40, STORE-41).

Reads only, in any snapshot, in a thread.

Most rules are one query each, in `RULES`: it returns a row for each fault, from which the text of the finding is made.
Rules that SQL cannot express (names, threads, the octets of bodies) are functions here. Constraints of the schema
(UNIQUE, CHECK, NOT NULL, STRICT) are left to `quick_check`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.store.auth.apppasswords import wrong_app_passwords
from moxlite.store.content.chunks import CHUNK_SIZE, decode_chunk
from moxlite.store.errors import BadMailboxName, ChunkDamaged
from moxlite.store.file.findings import MAX_PER_KIND, Finding
from moxlite.store.file.transaction import Reader
from moxlite.store.junk.reading import wrong_words
from moxlite.store.names import check_name, parent
from moxlite.store.rows.keywords import split_keywords
from moxlite.store.types import chunk_id
from moxlite.store.upkeep.checkrules import RULES


def check_account(r: Reader, *, deep: bool = False, idle: bool = False) -> list[Finding]:
    """All inconsistencies, at most `MAX_PER_KIND` findings of a kind; [] when all is well.

    `deep` also reads all bodies, compares their octets with their hashes, and counts the junk filter's words again.
    With `idle` the account has no users: then unused bodies are findings, too, as no delivery can be about to use them.
    """
    findings: list[Finding] = []
    for rule in RULES:
        _collect(findings, (Finding(rule.kind, rule.text.format(*row)) for row in r.iterate(rule.sql)))
    checks: list[Callable[[Reader], Iterator[Finding]]] = [_names, _keywords, _threads, _app_passwords]
    if idle:
        checks.append(_unused)
    if deep:
        checks += [_bodies, _junk_words]
    for check in checks:
        _collect(findings, check(r))
    return findings


def _collect(findings: list[Finding], found: Iterator[Finding]) -> None:
    counts: dict[str, int] = {}
    for finding in found:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
        if counts[finding.kind] <= MAX_PER_KIND:
            findings.append(finding)
        elif counts[finding.kind] > 10 * MAX_PER_KIND:
            return  # all rows are wrong in the same way


def _names(r: Reader) -> Iterator[Finding]:
    """Invalid names of mailboxes, other spellings of Inbox, and wrong parents (STORE-12, STORE-13)."""
    boxes = {
        mailbox_id: (name, parent_id)
        for mailbox_id, name, parent_id in r.iterate("SELECT id, name, parent_id FROM mailbox")
    }
    ids = {name: mailbox_id for mailbox_id, (name, _) in boxes.items()}
    for name, parent_id in boxes.values():
        try:
            if check_name(name) != name:
                yield Finding("name", f"mailbox {name!r} should be {check_name(name)!r}")
        except BadMailboxName as error:
            yield Finding("name", f"mailbox {name!r}: {error}")
        above = parent(name)
        wanted = None if above is None else ids.get(above)
        if parent_id != wanted or (above is not None and wanted is None):
            yield Finding("parent", f"mailbox {name!r} has parent {parent_id}, it should be {above!r} with id {wanted}")


def _keywords(r: Reader) -> Iterator[Finding]:
    """Differences between columns, table `message_keyword`, the mailbox's list and the spellings (STORE-22)."""
    known = {row[0] for row in r.iterate("SELECT lower FROM keyword")}
    of_mailbox = {
        mailbox_id: set(split_keywords(column)) for mailbox_id, column in r.iterate("SELECT id, keywords FROM mailbox")
    }
    rows: dict[int, set[str]] = {}
    for keyword, message_id in r.iterate("SELECT keyword, message_id FROM message_keyword"):
        rows.setdefault(message_id, set()).add(keyword)
    for message_id, mailbox_id, column in r.iterate("SELECT id, mailbox_id, keywords FROM message"):
        words = split_keywords(column)
        if list(words) != sorted({word.lower() for word in words}):
            yield Finding("keywords", f"message {message_id} has keywords {column!r}, not sorted, or not in lower case")
        if set(words) != rows.get(message_id, set()):
            yield Finding(
                "message_keyword",
                f"message {message_id} has keywords {column!r}, its rows say {sorted(rows.get(message_id, set()))}",
            )
        if not of_mailbox.get(mailbox_id, set()).issuperset(words):
            yield Finding(
                "mailbox.keywords", f"message {message_id} has keywords {column!r}, its mailbox has not all of them"
            )
        if not known.issuperset(words):
            yield Finding("keyword", f"message {message_id} has keywords {column!r}, not all have a spelling")


def _threads(r: Reader) -> Iterator[Finding]:
    """Cycles of ancestors, and existing ancestors with another thread, or whose own ancestors are not the rest of the
    list (STORE-80).
    """
    if r.value("SELECT threads_step FROM state") < 2:
        return  # they are being made (STORE-83)
    decode = msgpack_decoder(tuple[int, ...]).decode
    thread_of: dict[int, int] = dict(r.iterate("SELECT id, threadid FROM message"))
    parents_of: dict[int, tuple[int, ...]] = {}
    for message_id, column in r.iterate("SELECT id, thread_parents FROM message WHERE thread_parents <> x'90'"):
        try:
            parents_of[message_id] = decode(column)
        except msgspec.DecodeError:
            yield Finding("thread", f"message {message_id} has thread parents that are no list")
    for message_id, parents in parents_of.items():
        if message_id in parents or len(set(parents)) != len(parents):
            yield Finding("thread", f"message {message_id} has thread parents {parents}: a cycle")
        for place, ancestor in enumerate(parents):
            if ancestor in thread_of:
                theirs = parents_of.get(ancestor, ())
                if theirs != parents[place + 1 :] and message_id not in theirs:
                    yield Finding(
                        "thread",
                        f"message {message_id} has thread parents {parents}, its ancestor {ancestor} has {theirs}",
                    )
                if thread_of[ancestor] != thread_of[message_id]:
                    yield Finding(
                        "thread",
                        f"message {message_id} is in thread {thread_of[message_id]}, "
                        f"its ancestor {ancestor} in {thread_of[ancestor]}",
                    )


def _app_passwords(r: Reader) -> Iterator[Finding]:
    """App passwords with another salt than the account's own password, or with invalid scopes (STORE-191)."""
    for text in wrong_app_passwords(r):
        yield Finding("app_password", text)


def _unused(r: Reader) -> Iterator[Finding]:
    """Bodies without users, which should have been erased with their last one (STORE-29)."""
    for (body_id,) in r.iterate("SELECT id FROM body WHERE refs = 0"):
        yield Finding("refs", f"body {body_id} has no users")


def _bodies(r: Reader) -> Iterator[Finding]:
    """Chunks that fail their check, and bodies that do not match their hash (STORE-180, STORE-181)."""
    for body_id, digest, size in r.iterate("SELECT id, hash, size FROM body"):
        plain = hashlib.sha256()
        try:
            for seq, (enc, check, data) in enumerate(
                r.iterate(
                    "SELECT enc, digest, data FROM body_chunk WHERE id >= ? AND id < ? ORDER BY id",
                    chunk_id(body_id, 0),
                    chunk_id(body_id + 1, 0),
                )
            ):
                plain.update(decode_chunk(enc, check, data, min(CHUNK_SIZE, size - seq * CHUNK_SIZE)))
        except ChunkDamaged:
            yield Finding("chunk", f"a chunk of body {body_id} is damaged")
            continue
        if plain.digest() != digest:
            yield Finding("hash", f"body {body_id} does not have the octets of its hash")


def _junk_words(r: Reader) -> Iterator[Finding]:
    """Words of the junk filter whose counts differ from the learnt messages (STORE-85)."""
    for text in wrong_words(r):
        yield Finding("junk_word", text)
