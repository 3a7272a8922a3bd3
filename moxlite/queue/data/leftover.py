"""Messages of another queue.db, of a machine that is gone: which of them a take-over did not bring (STORE-186j)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Final

from moxlite.queue.data.content import octets
from moxlite.queue.data.rows import MESSAGE_COLUMNS, Message, message_of
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader
from moxlite.store.options import Options

LATER: Final = f"SELECT {MESSAGE_COLUMNS} FROM msg WHERE id > ? ORDER BY id LIMIT 100"  # noqa: S608 - names of columns
"""As many as are read at a time."""


async def leftover(file: Path, after: int) -> AsyncGenerator[tuple[Message, Callable[[], AsyncIterator[bytes]]]]:
    """Messages with ids above `after`, each with a function that gives its octets. `file` is a copy without other
    users. Raises StoreError.
    """
    database = await Database.open(file, Kind.QUEUE, options=Options(min_free_space=0), name="queue of another machine")
    try:
        while found := await database.read(lambda r, after=after: _some(r, after), op="leftover"):  # type: ignore[misc]  # a default
            for message in found:
                yield message, lambda message=message: octets(database, message)  # type: ignore[misc]  # a default
                after = message.id
    finally:
        await database.aclose()


def _some(r: Reader, after: int) -> list[Message]:
    return [message_of(row) for row in r.rows(LATER, after)]
