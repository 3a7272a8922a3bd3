"""Facts of entries of calendars beside their octets: table `entry_facts` (DAV-9b)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.proto.cards.calendarobject import BadObject, read_object
from moxlite.proto.cards.entryfacts import FACTS_VERSION, EntryFacts, decode_facts, encode_facts
from moxlite.proto.cards.entryreading import entry_facts
from moxlite.store.file.transaction import Reader, Tx

logger = logging.getLogger("moxlite.groupware")

MOST_ENTRIES: Final = 50
MOST_OCTETS: Final = 256 << 10
"""Entries, and octets of them, that are read at once to compute their facts."""

SET: Final = "INSERT OR REPLACE INTO entry_facts (resource_id, version, data) VALUES (?, ?, ?)"
KNOWN: Final = "SELECT data FROM entry_facts WHERE resource_id = ? AND version = ?"
DATA: Final = "SELECT data FROM resource_data WHERE resource_id = ?"
DUE: Final = """
SELECT f.resource_id, r.modseq, r.size FROM entry_facts f JOIN resource r ON r.id = f.resource_id
WHERE f.version < ? LIMIT ?"""
RENEW: Final = """
UPDATE entry_facts SET version = ?, data = ?
WHERE resource_id = ? AND EXISTS (SELECT 1 FROM resource WHERE id = resource_id AND modseq = ?)"""


class RenewedFacts(msgspec.Struct, frozen=True):
    """Facts that were computed of an entry as it was with this modseq, in their stored form."""

    resource_id: int
    modseq: int
    data: bytes


def note_facts(tx: Tx, resource_id: int, facts: EntryFacts | None) -> None:
    """Store the facts of an entry that was put; None: they are to be computed."""
    stored = (0, b"") if facts is None else (FACTS_VERSION, encode_facts(facts))
    tx.execute(SET, resource_id, *stored)


def facts_of_entry(r: Reader, resource_id: int) -> EntryFacts | None:
    """The facts of an entry; computed where they aren't stored yet, which takes as long as the entry is large. None for
    one that is gone or can't be read.
    """
    data = r.value(KNOWN, resource_id, FACTS_VERSION)
    if data is None:
        data = _computed(r, resource_id)
    return decode_facts(bytes(data)) if data else None


def facts_due(r: Reader) -> list[RenewedFacts]:
    """Compute the facts of the next entries whose stored ones are of another version."""
    renewed: list[RenewedFacts] = []
    octets = 0
    for resource_id, modseq, size in r.rows(DUE, FACTS_VERSION, MOST_ENTRIES):
        octets += size
        if renewed and octets > MOST_OCTETS:
            break
        renewed.append(RenewedFacts(resource_id, modseq, _computed(r, resource_id)))
    return renewed


def renew_facts(tx: Tx, renewed: Iterable[RenewedFacts]) -> None:
    """Store facts that were computed, unless their entries have changed."""
    for one in renewed:
        tx.execute(RENEW, FACTS_VERSION, one.data, one.resource_id, one.modseq)


def _computed(r: Reader, resource_id: int) -> bytes:
    """The stored form of the facts of an entry, b"" for one that is gone or can't be read."""
    data = r.value(DATA, resource_id)
    try:
        return b"" if data is None else encode_facts(entry_facts(read_object(bytes(data))))
    except BadObject as error:  # all others are shown
        logger.warning("failed to read calendar entry", extra={"kv": {"entry": resource_id, "err": str(error)}})
        return b""
