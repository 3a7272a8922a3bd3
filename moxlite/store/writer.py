"""The writer of a database: one thread, one connection, group commit (STORE-3 to STORE-6).

Theory of operation
-------------------
Callers put jobs into a queue and park. The thread takes one job, opens a transaction, runs it and whatever waits behind
it, each in its own savepoint, and commits once: one fsync for all. There is no timer: a lone unit commits at once, and
while it does, the next ones gather. Then one callback on the Trio loop publishes what the units had to tell, in the
order of the commit, and wakes all callers.

An error of a unit rolls back to its savepoint. But SQLITE_FULL, IOERR, NOMEM and INTERRUPT may end the whole
transaction (tried: the savepoint is gone, and a further SAVEPOINT … RELEASE would commit by itself). So after each
error the thread asks whether a transaction is still open; if not, the failing unit raises, and the others run again,
each in a transaction of its own. The same when COMMIT fails. That is why a unit has no effect outside of its
transaction.

A job belongs to the one who acquires its `claim`: the thread when it starts, or the caller when it is cancelled before.
A started one completes.
"""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import apsw
import trio

from moxlite.store import metrics
from moxlite.store.checkpoint import Checkpoints
from moxlite.store.errors import Closed, StorageBroken
from moxlite.store.health import Health
from moxlite.store.transaction import Tx

__all__ = ["MAX_UNITS", "Job", "Writer"]

logger = logging.getLogger("moxlite.store.writer")

MAX_UNITS: Final = 64
"""Units in one commit: at 64 the fsync is a small part of each (design-facts §2)."""

MAX_WEIGHT: Final = 32 << 20
"""Octets of new bodies in one commit, which bounds the log that one fsync has to write."""

MAX_RUN: Final = 0.050
"""Seconds of execution after which a batch commits: the first of it should not wait for the work of the last."""

X = TypeVar("X", bound=Tx)
T = TypeVar("T")


class Job(Generic[X, T]):
    """A unit on its way: what to run, who waits for it, and what came of it."""

    __slots__ = ("claim", "context", "error", "make", "result", "task", "tx", "unit", "weight")

    def __init__(self, unit: Callable[[X], T], make: Callable[[apsw.Connection], X], weight: int) -> None:
        self.unit = unit
        self.make = make
        self.weight = weight
        self.context = contextvars.copy_context()
        self.task = trio.lowlevel.current_task()
        self.claim = threading.Lock()
        self.tx: X | None = None
        self.result: T
        self.error: BaseException | None = None

    def run(self, db: apsw.Connection) -> None:
        """Run the unit in the transaction that is open."""
        tx = self.make(db)
        self.result = self.context.run(self.unit, tx)
        self.tx = tx
        self.error = None

    def fail(self, error: BaseException) -> None:
        """Note why the unit is not in the database."""
        self.error = error
        self.tx = None


AnyJob = Job[Any, Any]
Chore = Callable[[apsw.Connection], None]


class Writer:
    """The writing thread of one database. It owns `db`, and closes it when it ends."""

    def __init__(
        self,
        db: apsw.Connection,
        *,
        name: str,
        kind: str,
        health: Health,
        checkpoints: Checkpoints,
        after_batch: Callable[[], None],
    ) -> None:
        """`after_batch` is called on the loop after each batch, its callers being awake."""
        self._db = db
        self._health = health
        self._checkpoints = checkpoints
        self._after_batch = after_batch
        self._token = trio.lowlevel.current_trio_token()
        self._queue: queue.SimpleQueue[AnyJob | Chore | None] = queue.SimpleQueue()
        self._carried: AnyJob | Chore | None = None
        self._commit_error: BaseException = Closed()
        # Held while a job is put and while the end is declared: no job can come in behind the last look at the queue.
        self._gate = threading.Lock()
        self._ended: BaseException | None = None
        self._waiting = metrics.WRITER_QUEUE.labels(kind)
        self._commit_seconds = metrics.COMMIT_SECONDS.labels(kind)
        self._units = metrics.UNITS_PER_COMMIT.labels(kind)
        self._thread = threading.Thread(target=self._main, name=f"writer {name}", daemon=True)
        self._thread.start()

    # On the Trio loop

    async def run(self, job: Job[X, T]) -> T:
        """Have a job run, committed and published; see `Database.write`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._put(job)

        def abort(_: object) -> trio.lowlevel.Abort:
            if job.claim.acquire(blocking=False):
                return trio.lowlevel.Abort.SUCCEEDED
            return trio.lowlevel.Abort.FAILED

        await trio.lowlevel.wait_task_rescheduled(abort)
        error = job.error
        if error is not None:
            try:
                raise error
            finally:
                # The traceback holds this frame: without the cycle, the job and its arguments are freed at once.
                job.error = None
                del error, job
        await trio.lowlevel.checkpoint_if_cancelled()
        return job.result

    def chore(self, chore: Chore) -> None:
        """Have `chore` run on the connection between two batches, outside of a transaction; nobody waits for it."""
        with self._gate:
            if self._ended is None:
                self._queue.put(chore)

    @property
    def idle(self) -> bool:
        """Whether nothing waits. Any thread may ask."""
        return self._queue.empty() and self._carried is None

    def close(self) -> None:
        """End after all that waits, and close the connection. Blocks: for a thread."""
        with self._gate:
            self._queue.put(None)
        self._thread.join()

    def _put(self, job: AnyJob) -> None:
        with self._gate:
            if self._ended is not None:
                raise Closed("the writer has ended") from self._ended
            self._waiting.inc()
            self._queue.put(job)

    def _finish(self, batch: list[AnyJob]) -> None:
        """On the loop: publish in commit order, then wake the callers."""
        for job in batch:
            if job.tx is not None:
                try:
                    job.tx.committed()
                except BaseException as error:
                    # Raised here it would end the whole program without a word to the caller, whose unit is in the
                    # database: it is the caller's to see.
                    job.error = error
                job.tx = None
        for job in batch:
            trio.lowlevel.reschedule(job.task)
        self._after_batch()

    # In the thread

    def _main(self) -> None:
        end: BaseException = Closed("the database was closed")
        batch: list[AnyJob] = []
        try:
            self._checkpoints.attach(self._db)
            while (item := self._next()) is not None:
                if not isinstance(item, Job):
                    self._run_chore(item)
                elif self._claim(item):
                    batch = [item]
                    self._run_batch(batch)
                    batch = []
                    self._checkpoints.between(self._db)
                del item
        except BaseException as error:
            # A fault of this module, for what units raise is theirs: nobody may wait for a thread that is gone.
            logger.critical("writer crashed", exc_info=error, extra={"kv": {"database": self._health.name}})
            end = StorageBroken(f"the writer of {self._health.name} crashed")
            end.__cause__ = error
        finally:
            with self._gate:
                self._ended = end
            while not self.idle:
                item = self._next()
                if isinstance(item, Job) and self._claim(item):
                    batch.append(item)
            for job in batch:
                job.fail(end)
            if batch:
                self._report(batch)
            try:
                self._db.close(True)
            except apsw.Error as error:
                # It is closed all the same; the log, which could not be folded in, is read at the next open.
                logger.warning("log not folded in", extra={"kv": {"database": self._health.name, "err": str(error)}})

    def _next(self) -> AnyJob | Chore | None:
        item = self._carried
        if item is not None:
            self._carried = None
            return item
        return self._queue.get()

    def _claim(self, job: AnyJob) -> bool:
        self._waiting.dec()
        return job.claim.acquire(blocking=False)

    def _run_chore(self, chore: Chore) -> None:
        try:
            chore(self._db)
        except apsw.Error as error:
            self._roll_back()
            logger.warning(
                "chore failed",
                extra={"kv": {"database": self._health.name, "err": str(self._health.translate(error, self._db))}},
            )

    def _run_batch(self, batch: list[AnyJob]) -> None:
        """Run the first job of `batch` and what waits behind it, and commit; jobs are appended to `batch` as they are
        claimed.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            batch[0].fail(self._health.translate(error, self._db))
            self._report(batch)
            return
        began = time.perf_counter()
        weight = 0
        while True:
            job = batch[-1]
            weight += job.weight
            if not self._run_one(job):
                self._run_again(batch, job)
                return
            if (
                len(batch) == MAX_UNITS
                or time.perf_counter() - began > MAX_RUN
                or not self._take(batch, MAX_WEIGHT - weight)
            ):
                break
        if not self._commit(len(batch)):
            self._run_again(batch, None)
            return
        self._report(batch)

    def _take(self, batch: list[AnyJob], room: int) -> bool:
        """Claim one more job for the batch, if one waits and has room."""
        while not self._queue.empty():
            item = self._queue.get()
            if item is None:  # the end: again, after this batch
                self._queue.put(None)
                return False
            if not isinstance(item, Job) or item.weight > room:
                self._carried = item
                return False
            if self._claim(item):
                batch.append(item)
                return True
        return False

    def _run_one(self, job: AnyJob) -> bool:
        """Run a job in a savepoint. False: the transaction of the whole batch is gone."""
        db = self._db
        try:
            db.execute("SAVEPOINT unit")
            job.run(db)
            db.execute("RELEASE unit")
        except BaseException as error:
            job.fail(self._health.translate(error, db))
            if not db.in_transaction:
                return False
            try:
                db.execute("ROLLBACK TO unit")
                db.execute("RELEASE unit")
            except apsw.Error:
                self._roll_back()
                return False
        return True

    def _roll_back(self) -> None:
        """End the open transaction, if there is one."""
        if self._db.in_transaction:
            try:
                self._db.execute("ROLLBACK")
            except apsw.Error:
                # SQLite ends the transaction even then; if it did not, no further unit may run.
                if self._db.in_transaction:
                    raise

    def _commit(self, units: int) -> bool:
        """Commit the open transaction; False, with nothing of it in the database, if that fails."""
        began = time.perf_counter()
        try:
            self._db.execute("COMMIT")
        except apsw.Error as error:
            self._commit_error = self._health.translate(error, self._db)
            self._roll_back()
            return False
        self._commit_seconds.observe(time.perf_counter() - began)
        self._units.observe(units)
        return True

    def _run_again(self, batch: list[AnyJob], failed: AnyJob | None) -> None:
        """The transaction was undone: all but `failed`, and those that had failed by themselves, run again, one by
        one.
        """
        again = [job for job in batch if job is not failed and job.error is None]
        if failed is None and len(again) == 1:
            again[0].fail(self._commit_error)  # it was alone: running it again would only meet the same disk
            again = []
        if again:
            logger.info(
                "batch runs again one by one", extra={"kv": {"database": self._health.name, "units": len(again)}}
            )
        rest = [job for job in batch if job not in again]
        for job in again:
            job.tx = None
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except apsw.Error as error:
                job.fail(self._health.translate(error, self._db))
                continue
            # In a savepoint as well: a unit that fails by itself leaves an empty transaction, which COMMIT ends.
            if self._run_one(job) and not self._commit(1):
                job.fail(self._commit_error)
        self._report(rest + again)

    def _report(self, batch: list[AnyJob]) -> None:
        """One wake-up of the loop for all jobs of a batch."""
        if any(job.error is None for job in batch):
            self._health.committed()
        try:
            self._token.run_sync_soon(self._finish, batch)
        except trio.RunFinishedError:
            pass  # the program ends; nobody waits any more
