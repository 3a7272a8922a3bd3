"""Checking that the text index agrees with its account (STORE-40).

A running server rebuilds an index with findings; while a server is stopped, `search.db` can be deleted.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from moxlite.findings import Finding
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.file.boundary import MAX_PER_KIND, damage, quick_check
from moxlite.store.file.database import Database
from moxlite.store.file.transaction import Reader, int_array
from moxlite.store.search.builder import LIVE_IDS, OUTDATED, SET, UNLISTED, WATERMARK
from moxlite.store.search.index import IndexedAccount
from moxlite.store.search.queries import TEXTS
from moxlite.store.search.texts import NO_FIELDS, FieldTexts, FileNames, StoredText, Text, field_texts, texts_of, unpack

SLICE: Final = 50
"""Messages compared in one read: a text may have a megabyte, once as it is stored and once as it should be."""

LISTED: Final = "SELECT message_id, boundary IS NOT NULL FROM text INDEXED BY text_boundary"
# FTS5 caches the list of its segments in the connection. A query checks whether another connection has changed the
# list, but the integrity check does not (SQLite 3.54), and reports segments that were merged meanwhile as missing.
REFRESH: Final = "SELECT rowid FROM trigram WHERE rowid = 0"
TRIGRAMS: Final = "SELECT id FROM trigram_docsize"
FIELDS: Final = "SELECT message_id FROM field"
FILES: Final = "SELECT message_id FROM file"
STORED_FILES: Final = """
SELECT f.message_id, f.names, f.beside FROM carray(?) v CROSS JOIN file f ON f.message_id = v.value"""
TAILS: Final = "SELECT message_id FROM tail"
STORED_FIELDS: Final = """
SELECT f.message_id, f.subject, f.sender, f.recipient, f.cc, f.bcc FROM carray(?) v
CROSS JOIN field f ON f.message_id = v.value"""


async def check_index(account: IndexedAccount, *, deep: bool = False) -> list[Finding]:
    """Check the text index; returns the findings, [] also without an index. `deep` also compares all texts with the
    messages.
    """
    try:
        async with account.search.use(create=False) as database:
            findings = [] if database is None else await _check(account, database, deep)
        if findings:
            account.search.distrust()
        return findings
    except StorageBusy:
        raise  # the index may be sound
    except StoreError as error:
        return [damage("search", f"can't read the text index: {error}")]


async def _check(account: IndexedAccount, database: Database, deep: bool) -> list[Finding]:
    findings = await database.scan(_quick_check, op="check")
    # The index is read first: afterwards the account can lose messages up to the watermark, but not gain any.
    watermark, texts, trigrams, fields, tails, files = await database.scan(_listed, op="check")
    live = await account.scan(lambda r: {row[0] for row in r.rows(LIVE_IDS, watermark)}, op="check")
    texts_with_data = {one for one, has_data in texts.items() if has_data}
    for found, text in (
        (live - texts.keys(), "is missing from the text index"),
        (texts_with_data - trigrams, "has text, but no trigrams"),
        (trigrams - texts_with_data, "has trigrams, but no text"),
        (texts.keys() - fields, "has text, but no fields"),
        (fields - texts.keys(), "has fields, but no text"),
        (files - texts.keys(), "has files, but no text"),
        (tails - texts_with_data, "has the end of a text, but no text"),
    ):
        findings += [damage("search", f"message {one} {text}") for one in sorted(found)[:MAX_PER_KIND]]
    if deep:
        # Up to there, texts are being replaced and files added.
        outdated: int = await database.read(lambda r: r.value(OUTDATED), op="check")
        unlisted: int = await database.read(lambda r: r.value(UNLISTED), op="check")
        complete = sorted(one for one in texts_with_data if one > max(outdated, unlisted))
        findings += await _compare(account, database, complete)
        await database.write(lambda tx: tx.execute(SET, "integrity-check", 0))
    return findings


def _quick_check(r: Reader) -> list[Finding]:
    """SQLite's own check of the file, which includes FTS5's check of its index."""
    r.rows(REFRESH)
    return quick_check(r)


def _listed(r: Reader) -> tuple[int, dict[int, bool], set[int], set[int], set[int], set[int]]:
    """The watermark; ids of texts, and whether these have data; ids with trigrams; ids with fields, or whose fields are
    not read yet; ids with tails; ids with files.
    """
    return (
        r.value(WATERMARK),
        {message_id: bool(has_data) for message_id, has_data in r.iterate(LISTED)},
        {row[0] for row in r.iterate(TRIGRAMS)},
        {row[0] for row in r.iterate(FIELDS)},
        {row[0] for row in r.iterate(TAILS)},
        {row[0] for row in r.iterate(FILES)},
    )


async def _compare(account: IndexedAccount, database: Database, ids: list[int]) -> list[Finding]:
    findings: list[Finding] = []
    for start in range(0, len(ids), SLICE):
        part = ids[start : start + SLICE]
        stored = await database.scan(partial(_stored, ids=part), op="check")
        fields = await database.scan(partial(_stored_fields, ids=part), op="check")
        files = await database.scan(partial(_stored_files, ids=part), op="check")
        actual = await account.scan(partial(_actual, ids=part), op="check")
        for one, found in actual.items():
            if stored.get(one, found.text) != found.text:
                findings.append(damage("search", f"message {one}'s text doesn't match the index"))
            if _differ(fields.get(one, NO_FIELDS), field_texts(found.header)):
                findings.append(damage("search", f"message {one}'s fields don't match the index"))
            if files.get(one) != found.files:
                findings.append(damage("search", f"message {one}'s files don't match the index"))
        if len(findings) >= MAX_PER_KIND:
            break
    return findings[:MAX_PER_KIND]


def _stored(r: Reader, ids: list[int]) -> dict[int, Text]:
    return {one: unpack(boundary, data, tail) for one, boundary, data, tail in r.iterate(TEXTS, int_array(ids))}


def _stored_fields(r: Reader, ids: list[int]) -> dict[int, FieldTexts]:
    return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in r.iterate(STORED_FIELDS, int_array(ids))}


def _stored_files(r: Reader, ids: list[int]) -> dict[int, FileNames]:
    return {one: FileNames(names, bool(beside)) for one, names, beside in r.iterate(STORED_FILES, int_array(ids))}


def _differ(stored: FieldTexts, actual: FieldTexts) -> bool:
    """Whether a stored field differs from the actual one. Fields that aren't stored are skipped."""
    return any(one is not None and one != other for one, other in zip(stored, actual, strict=True))


def _actual(r: Reader, ids: list[int]) -> dict[int, StoredText]:
    """The current texts of messages, by id; unreadable messages are left out."""
    return {text.message_id: text for text in texts_of(r, ids) if text.text is not None}
