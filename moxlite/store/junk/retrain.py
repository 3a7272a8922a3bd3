"""Retraining (STORE-87): learning all messages again when tokenisation has changed, or on request.

A second generation of words is filled batch by batch, from the lowest message id to the highest, while the one in use
goes on classifying and learning. Its position is stored, so that a kill costs one batch. Then one unit puts it into
use. A message whose flags changed after its batch was learnt with the old flags; the swap writes that to
`message.trained`, and the trainer finds it by its index as always.

Content of messages that the new generation has learnt is not erased before the swap: it is needed to unlearn them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from moxlite.store import metrics
from moxlite.store.changelog.account import Account
from moxlite.store.file.transaction import Reader, Tx
from moxlite.store.junk.reading import Tokenised, tokenise
from moxlite.store.junk.words import WANTED, Meta, begin_generation, change_words, read_meta, swap_generations
from moxlite.store.junkparams import Grams

logger = logging.getLogger("moxlite.store.junk")

BATCH: Final = 200
"""Messages tokenised at a time."""

UNIT_SECONDS: Final = 0.1
"""Seconds of one unit, as in the trainer."""

# Includes messages learnt by a generation that was dropped: their mark is removed.
NEXT: Final = f"""
SELECT id FROM message WHERE id > ? AND (trained IS NOT NULL OR ({WANTED}) IS NOT NULL) ORDER BY id LIMIT ?"""  # noqa: S608
LEFT: Final = f"SELECT count(*) FROM message WHERE id > ? AND (trained IS NOT NULL OR ({WANTED}) IS NOT NULL)"  # noqa: S608
STATE: Final = f"SELECT {WANTED}, trained FROM message WHERE id = ?"  # noqa: S608
KEEP: Final = "INSERT INTO junk_retrain (message_id, trained) VALUES (?, ?)"
TRAINED: Final = "UPDATE message SET trained = ? WHERE id = ?"
PLACE: Final = "UPDATE junk_meta SET position = ? WHERE generation = ?"


class _Step(msgspec.Struct, frozen=True):
    """A batch; `last` is the id of the last message in it, None at the end."""

    batch: list[Tokenised]
    last: int | None


class Retraining:
    """One retraining of an account, or the rest of one.

    Args:
      follow: makes the generation in use learn recent changes.
      progress: called with the number of messages done, and of all messages.
    """

    def __init__(
        self,
        account: Account,
        grams: Grams,
        follow: Callable[[], Awaitable[None]],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._account = account
        self._grams = grams
        self._follow = follow
        self._progress = progress or (lambda done, total: None)

    async def run(self) -> int:
        """Do the retraining; returns the number of messages that the new generation has learnt."""
        account = self._account
        began = time.monotonic()
        active, filling = await account.read(read_meta, op="junk_meta")
        if filling is None or not filling.fits(self._grams):
            filling = await account.write(partial(begin_generation, grams=self._grams))
        place = filling.position or 0
        done = filling.hams + filling.spams
        total = done + await account.scan(lambda r: r.value(LEFT, place), op="junk_retrain")
        # No generation is in use (a new account, or a new filter), so `trained` can be written directly.
        first = active is None
        while True:
            self._progress(done, total)
            step = await account.scan(partial(_next, meta=filling, after=place), op="junk_retrain")
            if step.last is None:
                break
            batch = step.batch
            while batch:
                count = await account.write(partial(_fill, meta=filling, batch=batch, first=first))
                done += count
                place = batch[count - 1].message_id
                batch = batch[count:]
            if not first:
                await self._follow()
        meta = await account.write(swap_generations)
        metrics.JUNK_RETRAINED.inc()
        if done or active is not None:
            logger.info(
                "junk filter retrained",
                extra={
                    "kv": {
                        "account": account.name,
                        "hams": meta.hams,
                        "spams": meta.spams,
                        "seconds": round(time.monotonic() - began, 1),
                    }
                },
            )
        return meta.hams + meta.spams


def _next(r: Reader, meta: Meta, after: int) -> _Step:
    ids = [row[0] for row in r.rows(NEXT, after, BATCH)]
    batch = tokenise(r, meta, ids)
    return _Step(batch, batch[-1].message_id if batch else None)


def _fill(tx: Tx, meta: Meta, batch: Sequence[Tokenised], *, first: bool) -> int:
    """Learn messages in the new generation, within one unit's bounds; returns how many of the batch are done."""
    began = time.perf_counter()
    done = 0
    for one in batch:
        row = tx.row(STATE, one.message_id)
        done += 1
        if row is not None:
            wanted, trained = row
            if wanted is not None:
                change_words(tx, meta.generation, one.hashes, None, wanted)
                tx.execute(KEEP, one.message_id, wanted)
            if first and wanted != trained:
                tx.execute(TRAINED, wanted, one.message_id)  # here, so that the swap has little to change
        if time.perf_counter() - began >= UNIT_SECONDS:
            break
    tx.execute(PLACE, batch[done - 1].message_id, meta.generation.number)
    return done
