"""Learning in the background, one task for each open account (STORE-85, STORE-86, STORE-193), and marking old mail for
it (WEB-66).

The unit that changes a flag, or removes a message, changes no words: 1 500 words are 1 500 random rows. The trainer
finds its work by two partial indices: messages that were not learnt as their flags say, and removed messages that still
count. So nothing is lost by a crash, and nothing is learnt twice: words and `trained` change in one unit. Tokenising
happens before it, in a thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import trio

from moxlite.store import metrics
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.file.transaction import Reader, Tx, int_array
from moxlite.store.junk.score import ENOUGH_MESSAGES
from moxlite.store.junk.words import (
    FIRST_HASH,
    WANTED,
    MessageTokens,
    Meta,
    begin_generation,
    forget_all,
    keep_own,
    learn_as,
    measure_own,
    prune_words,
    read_meta,
    swap_generations,
    tokenise,
)
from moxlite.store.junkflags import Grams, JunkParams
from moxlite.store.mail.flags import store_flags_ids
from moxlite.store.mail.settings import load_settings, patch_settings
from moxlite.store.options import DAY
from moxlite.store.types import Flag, SpecialUse
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.store.junk")

UNIT_MESSAGES: Final = 200
"""Messages in one unit."""

UNIT_SECONDS: Final = 0.1
"""Seconds of one unit (STORE-86), for which a delivery may have to wait."""

PAUSE: Final = 0.5
"""Seconds between a change and the learning: a user who marks one message often marks the next one, too."""

LOOK: Final = 3600.0
"""Seconds between two runs without a wakeup: the configuration may have given the account a filter."""

PRUNE_AGE: Final = 180
"""Days after which a word that only one message had may be pruned (STORE-193)."""

TO_TRAIN: Final = f"SELECT id FROM message WHERE ({WANTED}) IS NOT trained LIMIT ?"  # noqa: S608
TO_UNTRAIN: Final = "SELECT message_id FROM erase_queue WHERE trained IS NOT NULL LIMIT ?"
STATE: Final = f"SELECT {WANTED}, trained FROM message WHERE id = ?"  # noqa: S608
REMOVED: Final = "SELECT trained FROM erase_queue WHERE message_id = ? AND trained IS NOT NULL"
TRAINED: Final = "UPDATE message SET trained = ? WHERE id = ?"
UNTRAINED: Final = "UPDATE erase_queue SET trained = NULL WHERE message_id = ?"


class _Work(msgspec.Struct, frozen=True):
    """Pending work: the generations, ids of messages to learn, ids of removed messages to unlearn."""

    active: Meta | None
    filling: Meta | None
    messages: tuple[int, ...]
    removed: tuple[int, ...]


def _work(r: Reader) -> _Work:
    active, filling = read_meta(r)
    removed = tuple([row[0] for row in r.rows(TO_UNTRAIN, UNIT_MESSAGES)])
    messages: tuple[int, ...] = ()
    if active is not None:
        messages = tuple([row[0] for row in r.rows(TO_TRAIN, UNIT_MESSAGES)])
    return _Work(active, filling, messages, removed)


def has_untrained(r: Reader, params: JunkParams | None) -> bool:
    """Whether there is anything to learn, to unlearn or to forget. A filter begins with the first message that has
    something to teach it.
    """
    work = _work(r)
    if params is None or work.filling is not None:
        return work.active is not None or work.filling is not None or bool(work.removed)
    if work.active is None:
        return r.row(TO_TRAIN, 1) is not None or bool(work.removed)
    return not work.active.fits(params.grams) or bool(work.messages or work.removed) or must_measure(work.active)


def must_measure(meta: Meta) -> bool:
    """Whether the account's good mail must be judged again for the account's bounds."""
    if meta.hams < ENOUGH_MESSAGES:
        return False
    return meta.own is None or not meta.own.is_current(meta.hams, meta.spams)


def learn(tx: Tx, meta: Meta, batch: Sequence[MessageTokens]) -> int:
    """Learn and unlearn messages, so that each is learnt as its current flags say; within one unit's bounds.

    Returns how many of the batch are done.
    """
    began = time.perf_counter()
    done = 0
    for one in batch:
        # Asked in the unit: flags may have changed since the words were read. The words are the same with any flags.
        row = tx.row(STATE, one.message_id)
        if row is not None:
            wanted, trained = row
            if wanted != trained:
                learn_as(tx, meta.generation, one, trained, wanted)
                tx.execute(TRAINED, wanted, one.message_id)
        if (row := tx.row(REMOVED, one.message_id)) is not None:
            learn_as(tx, meta.generation, one, row[0], None)
            tx.execute(UNTRAINED, one.message_id)
        done += 1
        if time.perf_counter() - began >= UNIT_SECONDS:
            break
    return done


class Trainer:
    """The learning task of one open account.

    Args:
      unlearnt: called when removed messages may be erased now.
    """

    def __init__(self, account: Account, unlearnt: Callable[[], None]) -> None:
        self._account = account
        self._unlearnt = unlearnt
        self._wakeup = Wakeup(is_set=True)
        # Held while words are changed, so that units of different generations do not interleave.
        self._lock = trio.Lock()

    def want(self) -> None:
        """Wake the task: messages were added, removed or changed."""
        self._wakeup.set()

    async def run(self) -> None:
        """Learn changed messages, for ever. Errors: StoreError propagates; the next start goes on."""
        while True:
            await self.once()
            with trio.move_on_after(LOOK):
                await self._wakeup.wait()
                await trio.sleep(PAUSE)
                await self._account.database.quiet()

    async def once(self) -> None:
        """Learn all changed messages now; retrain first if this program or configuration makes other words.

        Raises:
          StorageFull, StorageBroken: finished units are kept, and the next call goes on from there.
        """
        async with self._lock:
            self._wakeup.clear()
            params = self._account.config.junk_filter
            work = await self._account.read(_work, op="junk_pending")
            if params is None:
                await self._forget(work)
            elif work.filling is not None or work.active is None or not work.active.fits(params.grams):
                await self._retrain(params)
            else:
                await self._learn()
            if params is not None:
                await self._measure(params)

    async def retrain(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Learn all messages again (STORE-87); returns the number of messages learnt, 0 without a filter.

        Args:
          progress: called with the number of messages done, and of all messages.

        Cancellation: the trainer goes on with it where it stopped.
        """
        async with self._lock:
            params = self._account.config.junk_filter
            if params is None:
                return 0
            done = await self._retrain(params, progress)
            await self._measure(params)
            return done

    async def prune(self, days: int = PRUNE_AGE) -> int:
        """Drop words that only one message had, learnt over `days` ago; returns their number."""
        total = 0
        async with self._lock:
            active, _ = await self._account.read(read_meta, op="junk_meta")
            if active is None:
                return 0
            place: int | None = FIRST_HASH
            before = time.time_ns() // 1000 // DAY - days
            while place is not None:
                dropped, place = await self._account.write(
                    partial(prune_words, generation=active.generation, after=place, before_day=before)
                )
                total += dropped
        logger.info("junk filter words pruned", extra={"kv": {"account": self._account.name, "words": total}})
        return total

    async def _forget(self, work: _Work) -> None:
        """Drop all words of an account without filter, so that removed messages can be erased."""
        if work.active is not None or work.filling is not None:
            await self._account.write(forget_all)
            logger.info("junk filter is off, words deleted", extra={"kv": {"account": self._account.name}})
        elif work.removed:
            await self._account.write(forget_all)
        else:
            return
        self._unlearnt()

    async def _retrain(self, params: JunkParams, progress: Callable[[int, int], None] | None = None) -> int:
        done = await Retraining(self._account, params.grams, self._learn, progress).run()
        self._unlearnt()
        await self._learn()
        return done

    async def _measure(self, params: JunkParams) -> None:
        """Judge the account's good mail for its bounds, if enough was learned since the last time."""
        active, _ = await self._account.read(read_meta, op="junk_meta")
        if active is None or not must_measure(active):
            return
        own = await self._account.scan(partial(measure_own, meta=active, params=params), op="junk_measure")
        if own is not None:
            await self._account.write(partial(keep_own, meta=active, own=own))

    async def _learn(self) -> None:
        """Learn changed messages with the generation in use, if there is one, until none is left."""
        account = self._account
        while True:
            await account.database.calm()
            work = await account.read(_work, op="junk_pending")
            ids = [*work.removed, *work.messages][:UNIT_MESSAGES]  # removed ones first: their space waits for it
            meta = work.active
            if meta is None or not ids:
                return
            batch = await account.scan(partial(tokenise, meta=meta, ids=ids), op="junk_tokenise")
            while batch:
                done = await account.write(partial(learn, meta=meta, batch=batch))
                metrics.JUNK_TRAINED.inc(done)
                batch = batch[done:]
            if work.removed:
                self._unlearnt()
            logger.debug("junk filter trained", extra={"kv": {"account": account.name, "messages": len(ids)}})


# Retraining (STORE-87): learning all messages again when tokenisation has changed, or on request.
#
# A second generation of words is filled batch by batch, from the lowest message id to the highest, while the one in
# use goes on classifying and learning. Its position is stored, so that a kill costs one batch. Then one unit puts it
# into use. A message whose flags changed after its batch was learnt with the old flags; the swap writes that to
# `message.trained`, and the trainer finds it by its index as always.
#
# Content of messages that the new generation has learnt is not erased before the swap: it is needed to unlearn them.


BATCH: Final = 200
"""Messages tokenised at a time."""

# Includes messages learnt by a generation that was dropped: their mark is removed.
NEXT: Final = f"""
SELECT id FROM message WHERE id > ? AND (trained IS NOT NULL OR ({WANTED}) IS NOT NULL) ORDER BY id LIMIT ?"""  # noqa: S608
LEFT: Final = f"SELECT count(*) FROM message WHERE id > ? AND (trained IS NOT NULL OR ({WANTED}) IS NOT NULL)"  # noqa: S608
RETRAIN_STATE: Final = f"SELECT {WANTED}, trained FROM message WHERE id = ?"  # noqa: S608
KEEP: Final = "INSERT INTO junk_retrain (message_id, trained) VALUES (?, ?)"
PLACE: Final = "UPDATE junk_meta SET position = ? WHERE generation = ?"


class _Step(msgspec.Struct, frozen=True):
    """A batch; `last` is the id of the last message in it, None at the end."""

    batch: list[MessageTokens]
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


def _fill(tx: Tx, meta: Meta, batch: Sequence[MessageTokens], *, first: bool) -> int:
    """Learn messages in the new generation, within one unit's bounds; returns how many of the batch are done."""
    began = time.perf_counter()
    done = 0
    for one in batch:
        row = tx.row(RETRAIN_STATE, one.message_id)
        done += 1
        if row is not None:
            wanted, trained = row
            if wanted is not None:
                learn_as(tx, meta.generation, one, None, wanted)
                tx.execute(KEEP, one.message_id, wanted)
            if first and wanted != trained:
                tx.execute(TRAINED, wanted, one.message_id)  # here, so that the swap has little to change
        if time.perf_counter() - began >= UNIT_SECONDS:
            break
    tx.execute(PLACE, batch[done - 1].message_id, meta.generation.number)
    return done


# Teaching the filter by the mailboxes in which mail already is (WEB-66): mail in Archive is wanted, mail in Junk is
# not. Messages with a mark of their own keep it. What the server itself has filed into Junk isn't marked: the filter
# would learn from its own judgement.


MARK_SLICE: Final = 400
"""Messages marked in one unit: 10 ms, after which units of other callers go first."""

UNMARKED: Final = f"""
SELECT m.id FROM message m JOIN mailbox b ON b.id = m.mailbox_id
WHERE b.special_use & ?1 <> 0 AND m.id > ?2 AND m.flags & {int(Flag.JUNK | Flag.NOTJUNK)} = 0
AND NOT m.is_reject ORDER BY m.id LIMIT ?3"""  # noqa: S608 - a constant


async def teach(account: Account) -> tuple[int, int]:
    """Mark the messages in Archive as not junk and the messages in Junk as junk; returns both numbers. The trainer
    learns them in the background.

    Cancellation: marks made so far stay. Raises StoreError.
    """
    wanted = await _mark(account, SpecialUse.ARCHIVE, Flag.NOTJUNK)
    return wanted, await _mark(account, SpecialUse.JUNK, Flag.JUNK)


async def _mark(account: Account, use: SpecialUse, flag: Flag) -> int:
    marked, after = 0, 0

    def unit(tx: AccountTx, after: int) -> list[int]:
        ids = [number for (number,) in tx.rows(UNMARKED, int(use), after, MARK_SLICE)]
        store_flags_ids(tx, ids, mode="add", flags=flag)
        return ids

    while ids := await account.write(partial(unit, after=after)):
        marked += len(ids)
        after = ids[-1]
    return marked


# Teaching it by the Inbox (WEB-66a): who only ever marks junk has read and kept good mail there. It's marked only if
# they agree, and what was marked is remembered, so that it can be taken back.


KEPT_DAYS: Final = 14
"""Age of mail in the Inbox that was kept. Younger mail may still be waiting to be looked at."""

MAX_KEPT: Final = 1000
"""Messages that are marked: much more good mail than junk would make the filter miss junk."""

_KEPT: Final = f"""m.mailbox_id = (SELECT id FROM mailbox WHERE name = 'Inbox') AND m.received < ?1 AND NOT m.is_reject
AND m.flags & {int(Flag.SEEN | Flag.JUNK | Flag.NOTJUNK | Flag.DELETED | Flag.DRAFT | Flag.PHISHING)}
= {int(Flag.SEEN)}"""  # noqa: S608 - a constant
LATEST_KEPT: Final = f"SELECT m.id FROM message m WHERE {_KEPT} ORDER BY m.received DESC LIMIT ?2"  # noqa: S608
STILL_KEPT: Final = f"SELECT m.id FROM carray(?2) c CROSS JOIN message m ON m.id = c.value WHERE {_KEPT}"  # noqa: S608
MARKED: Final = f"""
SELECT m.id FROM carray(?) c CROSS JOIN message m ON m.id = c.value
WHERE m.mailbox_id = (SELECT id FROM mailbox WHERE name = 'Inbox') AND m.flags & {int(Flag.NOTJUNK)}"""  # noqa: S608


class _Settings(msgspec.Struct, frozen=True):
    """The part of the webmail's settings that has the ids of messages that `teach_inbox` has marked."""

    junk_inbox: list[int] = []


def kept_in_inbox(r: Reader) -> list[int]:
    """The messages that `teach_inbox` would mark now, the latest first. For scans."""
    room = MAX_KEPT - len(load_settings(r, _Settings).junk_inbox)
    return [number for (number,) in r.rows(LATEST_KEPT, _old(), room)]


def marked_in_inbox(r: Reader) -> list[int]:
    """The messages whose mark `forget_inbox` would remove now."""
    return _marked(r, load_settings(r, _Settings).junk_inbox)


def _marked(r: Reader, ids: Sequence[int]) -> list[int]:
    return [number for (number,) in r.rows(MARKED, int_array(ids))] if ids else []


async def teach_inbox(account: Account) -> int:
    """Mark messages in the Inbox that were read and kept for `KEPT_DAYS` as not junk; returns their number.

    Cancellation: marks made so far stay, and can be taken back. Raises StoreError.
    """
    marked = 0

    def unit(tx: AccountTx, ids: list[int]) -> int:
        # Asked again: they may have been marked or moved since.
        still = [number for (number,) in tx.rows(STILL_KEPT, _old(), int_array(ids))]
        store_flags_ids(tx, still, mode="add", flags=Flag.NOTJUNK)
        patch_settings(tx, {"junk_inbox": [*load_settings(tx, _Settings).junk_inbox, *still][:MAX_KEPT]})
        return len(still)

    kept = await account.scan(kept_in_inbox, op="junk_inbox")
    for place in range(0, len(kept), MARK_SLICE):
        marked += await account.write(partial(unit, ids=kept[place : place + MARK_SLICE]))
    return marked


async def forget_inbox(account: Account) -> int:
    """Take back the marks of `teach_inbox`; returns their number. Messages that have left the Inbox keep theirs, as
    their folder gives it.

    Cancellation: the next call goes on. Raises StoreError.
    """

    def unit(tx: AccountTx) -> tuple[int, bool]:
        ids = load_settings(tx, _Settings).junk_inbox
        marked = _marked(tx, ids[:MARK_SLICE])
        store_flags_ids(tx, marked, mode="remove", flags=Flag.NOTJUNK)
        if ids:
            patch_settings(tx, {"junk_inbox": ids[MARK_SLICE:]})
        return len(marked), len(ids) > MARK_SLICE

    taken_back, more = 0, True
    while more:
        count, more = await account.write(unit)
        taken_back += count
    return taken_back


def _old() -> int:
    """The time before which mail came that was kept, µs UTC."""
    return time.time_ns() // 1000 - KEPT_DAYS * DAY
