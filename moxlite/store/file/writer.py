"""Writer of a database: one thread, which the first job starts, one connection, group commit (STORE-3 to STORE-6).

Theory of operation ------------------- Callers put jobs into a queue and park. The thread takes one job, opens a
transaction, runs it and the jobs waiting behind it, and commits once: one fsync for all. There's no timer: a single
unit is committed immediately, and the next ones are collected during its commit. Then one callback on the Trio loop
publishes the events of the units, in the order of the commit, and wakes all callers.

Each unit but the first has a savepoint, to which its error rolls back; an error of the first one ends the transaction.
(Most units are alone, and a savepoint keeps a copy of each page that changes behind it: a tenth of what adding a
message costs.) But SQLITE_FULL, IOERR, NOMEM and INTERRUPT may end the whole transaction (tried: the savepoint is gone,
and a further SAVEPOINT … RELEASE would commit by itself). So after each error the thread asks whether a transaction is
still open; if not, the failing unit raises, and the others run again, each in a transaction of its own. The same when
COMMIT fails. That is why a unit has no effect outside of its transaction.

A job belongs to the side that acquires its `claim`: the thread when it starts the job, or the caller if it is cancelled
before. A started job completes.

A series is a long change cut into many units. Some of them are queued ahead, so that the thread never waits for the
series. A series has the lowest priority: any other job runs before its next unit, and the batch then commits. Otherwise
a batch takes as many units as fit into `SERIES_RUN`, so that pages which all of them change are written once. `backlog`
decides the order of jobs. The caller's side of a series, and its page cache, are in `series`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

import apsw
import trio

from moxlite.findings import Finding
from moxlite.store import metrics
from moxlite.store.errors import Closed, NoLease, NotCopied, StorageBroken
from moxlite.store.file.health import Checkpoints, Health
from moxlite.store.file.jobs import AnyJob, Backlog, Chore, Job, Series, SeriesCache
from moxlite.store.file.transaction import Tx
from moxlite.wakeup import Wakeup

logger = logging.getLogger("moxlite.store.writer")

MAX_UNITS: Final = 64
"""Units in one commit: at 64 the fsync is a small part of each (design-facts §2)."""

MAX_WEIGHT: Final = 32 << 20
"""Octets of new bodies in one commit: this bounds the log that one fsync has to write."""

MAX_RUN: Final = 0.050
"""Seconds of execution after which a batch commits: its first job should not wait for the work of the last."""

MAX_LOANS: Final = 8
"""Reads that borrow the writer's connection: a delivery has two or three, and a session, which reads more before it
writes, needs a connection for reading anyway.
"""

SERIES_RUN: Final = 0.060
"""Seconds of processor time after which a batch takes no more units of a series: this bounds the size of its commit. A
job that arrives meanwhile waits for the running unit and for the commit, which takes half as long as the units took.
"""

X = TypeVar("X", bound=Tx)
T = TypeVar("T")


# Commits under way: a disk that hangs fails nothing, so nothing else tells of it (STORE-157b).


HANGING: Final = 10.0
"""Seconds after which a commit is told as one that hangs: a card of a Pi takes 0.01, a disk that spins up 5."""


class OpenCommit(NamedTuple):
    """A COMMIT under way. began: by `time.perf_counter`. database: its name."""

    began: float
    database: str


class OpenCommits:
    """The commits that are under way in all databases.

    Attributes:
      open: by writer; its thread adds and removes its own.
      news: set when a unit was handed to a writer.
    """

    def __init__(self) -> None:
        self.open: dict[int, OpenCommit] = {}
        self.news = Wakeup()
        metrics.COMMIT_OLDEST.set_function(lambda: self.oldest()[0])

    def oldest(self) -> tuple[float, str]:
        """Seconds that the oldest one has taken so far, and its database; 0 and "" for none."""
        began, database = min([*self.open.values()], default=(time.perf_counter(), ""))
        return time.perf_counter() - began if database else 0.0, database

    def findings(self) -> list[Finding]:
        """An error while the disk hangs: what it should store is not acknowledged."""
        seconds, database = self.oldest()
        if seconds < HANGING:
            return []
        text = f"the disk hasn't finished a write for {seconds:.0f} s ({database})"
        commands = ("journalctl -k -p warning -n 50", "cat /proc/pressure/io")
        return [Finding(grade="error", code="disk-slow", about="disk", text=text, commands=commands)]

    async def watch(self) -> None:
        """Log each time that a disk hangs, and its end; for ever. Sleeps while nothing is written."""
        while True:
            await self.news.wait()
            self.news.clear()
            told = False
            await trio.sleep(HANGING)
            while (oldest := self.oldest())[1]:
                seconds, database = oldest
                if seconds >= HANGING and not told:
                    told = True
                    kv = {"database": database, "seconds": seconds}
                    logger.warning("disk isn't finishing a write", extra={"kv": kv})
                await trio.sleep(max(1.0, HANGING - seconds))
            if told:
                logger.warning("disk is writing again")


commits: Final = OpenCommits()


class WriterThread:
    """The thread of a writer, begun once: one of trio's, which are used again, as an account that one mail opens has a
    writer for some milliseconds.

    Attributes:
      lent: the connection is lent to a read, and the thread must not begin. loans: reads that may still have it.
    """

    def __init__(self, main: Callable[[], None], name: str) -> None:
        self._main = main
        self._name = name
        self._begun = False
        self._ended = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self.lent = False
        self.loans = MAX_LOANS

    @property
    def lends(self) -> bool:
        """Whether a read may have the connection."""
        return not self._begun and not self.lent and self.loans > 0

    def begin(self) -> None:
        """Begin, unless it did."""
        if not self._begun:
            self._begun = True
            trio.lowlevel.start_thread_soon(self._main, self._tell, self._name)

    def _tell(self, _: object) -> None:
        """Wake the task that waits for the end. Runs in the thread."""
        try:
            self._token.run_sync_soon(self._ended.set)
        except trio.RunFinishedError:
            pass  # the program ends without closing

    async def ended(self) -> None:
        """Wait for its end; if it did not begin it never does, and its work is done in another thread."""
        begun, self._begun = self._begun, True
        if begun:
            await self._ended.wait()
        else:
            await trio.to_thread.run_sync(self._main)


class Writer:
    """Writing thread of one database. It owns `db`, and closes it when it ends.

    Attributes:
      series: the series under way.
    """

    def __init__(
        self,
        db: apsw.Connection,
        *,
        name: str,
        kind: str,
        health: Health,
        checkpoints: Checkpoints,
        copied: Callable[[], None] | None = None,
        permitted: Callable[[], None] | None = None,
    ) -> None:
        """`db`: it is set to `query_only`, as reads borrow it. `copied`, `permitted`: see `Options`."""
        self._db = db
        self._name = name
        self._health = health
        self._checkpoints = checkpoints
        self._acknowledging = AckConditions(copied, permitted)
        self._token = trio.lowlevel.current_trio_token()
        self._backlog = Backlog(kind, SeriesCache(db))
        self.series = Series(self._put)
        self._commit_error: BaseException = Closed()
        self._commit_took = 0.0
        self._measures = metrics.COMMIT_SECONDS.labels(kind), metrics.UNITS_PER_COMMIT.labels(kind)
        self._thread = WriterThread(self._main, f"writer {name}")

    # On the Trio loop

    async def run(self, job: Job[X, T]) -> T:
        """Run a job; it is committed and published when this returns. See `Database.write`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._put(job)
        commits.news.set()

        def abort(_: object) -> trio.lowlevel.Abort:
            if job.claim.acquire(blocking=False):
                return trio.lowlevel.Abort.SUCCEEDED
            return trio.lowlevel.Abort.FAILED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return job.outcome()  # also if cancelled meanwhile: otherwise the unit's result would be lost

    def chore(self, chore: Chore) -> None:
        """Run `chore` on the connection between two batches, outside of a transaction; no task waits for it."""
        self._start()
        self._backlog.put_chore(chore)

    def _put(self, job: AnyJob) -> None:
        self._start()
        self._backlog.put(job)

    def _start(self) -> None:
        if not self._thread.lent:
            self._thread.begin()  # with the first job: a file that is only read needs none

    @contextmanager
    def lend(self) -> Iterator[apsw.Connection | None]:
        """The connection, for one of the first reads, before the first job, which waits meanwhile; None after that."""
        thread = self._thread
        if not thread.lends:
            yield None
            return
        thread.lent = True
        thread.loans -= 1
        try:
            yield self._db
        finally:
            thread.lent = False
            if not self._backlog.idle:
                thread.begin()

    @property
    def idle(self) -> bool:
        """Whether no job waits. Any thread may ask."""
        return self._backlog.idle

    def interrupt(self) -> None:
        """End the running statement, of a chore that is of no use any more. Any thread may call it."""
        self._db.interrupt()

    async def end(self) -> None:
        """End after all waiting jobs, with the connection closed. No job may come after this call."""
        self._backlog.put_end()
        await self._thread.ended()

    def _finish(self, batch: list[AnyJob]) -> None:
        """Publish in commit order, wake the callers, and start a checkpoint if one is due. Runs on the loop."""
        for job in batch:
            if job.tx is not None:
                try:
                    job.tx.committed()
                except BaseException as error:  # noqa: BLE001  it is the caller's
                    # Raised here it would end the whole program. It is raised in the caller instead, whose unit is in
                    # the database.
                    job.error = error
                job.tx = None
        for job in batch:
            job.wake()
        self._checkpoints.start_due(in_series=self.series.under_way)

    # In the thread

    def _main(self) -> None:
        end: BaseException = Closed("the database is closed")
        batch: list[AnyJob] = []
        try:
            self._db.execute("PRAGMA query_only=OFF").fetchall()
            self._checkpoints.attach(self._db)
            while (item := self._backlog.next()) is not None:
                if not isinstance(item, Job):
                    self._run_chore(item)
                elif self._backlog.claim(item):
                    batch = [item]
                    self._run_batch(batch)
                    batch = []
                    self._checkpoints.between(self._db)
                    self._backlog.cache.rest()
                del item
        except BaseException as error:
            # A fault of this module, since errors of units go to their callers: no task may wait for an ended thread.
            logger.critical("writer crashed", exc_info=error, extra={"kv": {"database": self._health.name}})
            end = StorageBroken(f"the writer for {self._health.name} crashed")
            end.__cause__ = error
        finally:
            batch += self._backlog.end(end)
            for job in batch:
                job.fail(end)
            if batch:
                self._report(batch)
            self._checkpoints.end(self._db)
            try:
                self._db.close(True)
            except apsw.Error as error:
                # It is closed all the same; the log, which could not be folded in, is read at the next open.
                logger.warning(
                    "checkpoint incomplete", extra={"kv": {"database": self._health.name, "err": str(error)}}
                )
            self._checkpoints.closed()

    def _run_chore(self, chore: Chore) -> None:
        try:
            chore(self._db)
        except apsw.Error as error:
            self._roll_back()
            logger.warning(
                "database task failed",
                extra={"kv": {"database": self._health.name, "err": str(self._health.translate(error, self._db))}},
            )

    def _run_batch(self, batch: list[AnyJob]) -> None:
        """Run the first job of `batch` and the jobs waiting behind it, and commit; jobs are appended to `batch` as they
        are claimed.
        """
        try:
            self._acknowledging.before()
            self._db.execute("BEGIN IMMEDIATE")
        except (NoLease, NotCopied) as error:
            batch[0].fail(error)
            self._report(batch)
            return
        except apsw.Error as error:
            batch[0].fail(self._health.translate(error, self._db))
            self._report(batch)
            return
        began, worked = time.perf_counter(), time.thread_time()
        weight = 0
        failed: AnyJob | None = None
        while True:
            job = batch[-1]
            weight += job.weight
            if not self._run_one(job, first=len(batch) == 1):
                failed = job
                break
            if job.of_series:
                began = time.perf_counter()  # a job that arrives now would wait for this commit in any case
            late = time.perf_counter() - began > MAX_RUN
            series = time.thread_time() - worked <= SERIES_RUN
            if len(batch) == MAX_UNITS or not self._backlog.take(batch, MAX_WEIGHT - weight, late=late, series=series):
                break
        self._backlog.ran(batch)
        if failed is not None or not self._commit():
            self._run_again(batch, failed)
            return
        units = len(batch)
        self._acknowledging.after(batch)
        self._report(batch)
        self._observe(units)  # while the loop wakes up: callers would wait for it otherwise

    def _run_one(self, job: AnyJob, *, first: bool) -> bool:
        """Run a job in a savepoint, the first job without one. False: the transaction of the whole batch is gone."""
        db = self._db
        try:
            if not first:
                db.execute("SAVEPOINT unit")
            job.run(db)
            if not first:
                db.execute("RELEASE unit")
        except BaseException as error:  # noqa: BLE001  it is the caller's
            job.fail(self._health.translate(error, db))
            if first:
                self._roll_back()
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

    def _commit(self) -> bool:
        """Commit the open transaction; False, with nothing of it in the database, if that fails."""
        began = time.perf_counter()
        commits.open[id(self)] = OpenCommit(began, self._name)
        try:
            self._db.execute("COMMIT")
        except apsw.Error as error:
            self._commit_error = self._health.translate(error, self._db)
            self._roll_back()
            return False
        finally:
            del commits.open[id(self)]
        self._commit_took = time.perf_counter() - began
        return True

    def _observe(self, units: int) -> None:
        """Count the last commit in the metrics."""
        seconds, sizes = self._measures
        seconds.observe(self._commit_took)
        sizes.observe(units)

    def _run_again(self, batch: list[AnyJob], failed: AnyJob | None) -> None:
        """Run jobs of a rolled-back batch again, one by one: all but `failed` and the jobs that had failed by
        themselves.
        """
        again = [job for job in batch if job is not failed and job.error is None]
        if failed is None and len(again) == 1:
            again[0].fail(self._commit_error)  # it was alone: running it again would only meet the same disk
            again = []
        if again:
            logger.info(
                "rerunning batch one by one", extra={"kv": {"database": self._health.name, "units": len(again)}}
            )
        rest = [job for job in batch if job not in again]
        for job in again:
            job.tx = None
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except apsw.Error as error:
                job.fail(self._health.translate(error, self._db))
                continue
            if self._run_one(job, first=True):
                if self._commit():
                    self._observe(1)
                    self._acknowledging.after([job])
                else:
                    job.fail(self._commit_error)
        self._report(rest + again)

    def _report(self, batch: list[AnyJob]) -> None:
        """Have the loop finish all jobs of a batch, with one wake-up."""
        if any(job.error is None for job in batch):
            self._health.committed()
        try:
            self._token.run_sync_soon(self._finish, batch)
        except trio.RunFinishedError:
            pass  # the program ends; no task waits any more


class AckConditions:
    """Conditions of an acknowledgement beyond the commit on this disk: the lease, and the copy in the second place."""

    def __init__(self, copied: Callable[[], None] | None, permitted: Callable[[], None] | None) -> None:
        self._copied = copied
        self._permitted = permitted

    def before(self) -> None:
        """Look before a transaction whether its end may be acknowledged. Raises NoLease, NotCopied."""
        if self._permitted is not None:
            self._permitted()

    def after(self, batch: list[AnyJob]) -> None:
        """Wait until a committed batch may be acknowledged. If it may not, the changes are published all the same, and
        the callers get the error.
        """
        try:
            if self._copied is not None:
                self._copied()
            self.before()  # the disk or the copy may have taken long
        except (NoLease, NotCopied) as error:
            for job in batch:
                job.error = job.error or error
