"""An open account: its handle, its text index, its background tasks. `Accounts` opens and shares it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
import trio

from moxlite.processor import act_for
from moxlite.proto.mime.types import PARSE_VERSION
from moxlite.store.accounts.folders import folder_is_made, make_folder
from moxlite.store.changelog.account import MODSEQ
from moxlite.store.changelog.origin import SERVER, act_from
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.uploads import forget_uploads
from moxlite.store.delivery.outgoing import shrink_outgoing
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.kept import purge_kept
from moxlite.store.junk.trainer import Trainer, has_untrained
from moxlite.store.mail.copying import UNFINISHED, undo_part, unfinished_copies
from moxlite.store.mail.mailboxes import create_mailbox, set_special_use
from moxlite.store.mail.staging import JOBS, drop_job, drop_staged
from moxlite.store.names import INBOX
from moxlite.store.options import AccountConfig, Options
from moxlite.store.people.gathering import Gatherer
from moxlite.store.rows.history import renew_file
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.search.builder import RESERVES, Builder
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import ModSeq
from moxlite.store.upkeep.erase import (
    UNUSED,
    Eraser,
    forget_keys,
    give_back,
    has_erasable,
    purge,
    purge_resources,
    reclaim,
)
from moxlite.store.upkeep.outbox import Handler, OutboxWorker, has_owed
from moxlite.store.upkeep.reparse import SET_VERSION
from moxlite.supervision import FailurePolicy, Supervisor, open_supervisor

logger = logging.getLogger("moxlite.store.account")


OWN: Final = "UPDATE state SET next_uidvalidity = unixepoch() >> 1, created = unixepoch() * 1000000"
"""What differs between the files of new accounts besides their `file_id`, as schema/account/0001-initial.sql has it."""

KNOWN: Final = 600.0
"""Seconds for which an opening trusts the last look into the account's file (`IdleState`). Leftovers of a change that
failed halfway, such as of an import, wait as long.
"""

LEFTOVERS: Final = f"SELECT ({MODSEQ}), EXISTS ({UNUSED}), ({JOBS}), EXISTS ({UNFINISHED})"
"""Query for `_Look`. It's a single statement because each connection prepares its statements again."""


class OpenAccount(IndexedAccount):
    """One open account, as `Accounts.use` gives it.

    Attributes:
      indexer, eraser, trainer, carrier, gatherer: its background tasks; `AccountTasks` runs them.
      due: names of the tasks that had work when it was opened.
      want: called with the names of tasks that have work by now.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        options: Options,
        modseq: ModSeq,
        handlers: Mapping[str, Handler],
        due: frozenset[str],
    ) -> None:
        """For `open_account`."""
        super().__init__(name, database, options, modseq)
        self.due = due
        self.want: Callable[[Collection[str], int], None] = lambda names, rows: None
        self.indexer = Builder(self, self.search)
        self.eraser = Eraser(self, erased=self.indexer.forget)
        self.trainer = Trainer(self, self.removed)
        self.carrier = OutboxWorker(self, handlers, due=CARRIER in due)
        self.gatherer = Gatherer(self)

    def changed(self, rows: int) -> None:
        """Wake the tasks that look at new messages: a unit was committed that changed messages or mailboxes."""
        self.trainer.want()
        self.indexer.want()
        self.gatherer.want()
        self.want(OF_MESSAGES, rows)

    def removed(self) -> None:
        """Wake the eraser: messages were removed, or the content of removed messages may be erased now."""
        self.eraser.want()
        self.want((ERASER,), 0)

    def owed(self) -> None:
        """Wake the carrier: a unit was committed that added rows to the outbox."""
        self.carrier.want()
        self.want((CARRIER,), 0)

    async def catch_up(self) -> None:
        """Gather correspondents, and bring the text index up to date if there is one: for an account that no session
        uses. Raises StoreError.
        """
        await self.gatherer.once()
        if self.search.enabled and not self.database.health.short_of_space(RESERVES):
            await self.indexer.once()
            await self.search.close_idle(0)

    async def tend(self) -> None:
        """Purge old tombstones, idempotency keys, uploads and rows about submissions, and close subscribers that fell
        silent; called nightly (STORE-27, STORE-37b, STORE-38, STORE-94, STORE-189, WEBMAIL-28).
        """
        self.bus.close_silent()
        options = self.options
        while await self.database.write(
            lambda tx: purge(
                tx, self.bus.acknowledged, retention=options.expunged_retention, kept=options.expunged_kept
            )
        ):
            pass
        while await self.database.write(purge_kept):
            await trio.lowlevel.checkpoint()
        while await self.database.write(partial(purge_resources, retention=options.expunged_retention)):
            pass
        while await self.database.write(forget_keys):
            pass
        while await self.database.write(forget_uploads):
            pass
        await self.database.write(shrink_outgoing)
        await give_back(self)

    async def settle(self) -> None:
        """Finish the work of the background tasks now: carry the outbox over, train the junk filter, erase."""
        await self.carrier.once()
        await self.trainer.once()
        await self.eraser.once()

    async def aclose(self) -> None:
        """For `Accounts`: close subscribers, finish the units that wait, close the files."""
        self.bus.close("closed")
        await self.search.aclose()
        await self.database.aclose()


class IdleState(msgspec.Struct, frozen=True):
    """State of an account that was closed with no work left but some that can wait: the next opening need not look for
    work in its file.

    Attributes:
      modseq: of its last change. waiting: tasks that may have work by now. looked: time of the look (of the loop's
        clock).
    """

    modseq: ModSeq
    waiting: frozenset[str]
    looked: float


class _Look:
    """What an opening finds in the account's folder and file, in the thread that opens them.

    Attributes:
      new: the account is being made. lacks_inbox: its first mailboxes are not made yet.
      modseq: the modseq of its last change.
      unused, staged, copies: leftovers of a killed server: unused bodies, parts of an import, unfinished copies.
      dues: what tells of background tasks whether they have work, as registered when the look began.
      due: names of those that have.
    """

    def __init__(self, folder: Path, dues: Mapping[str, Due], rest: IdleState | None) -> None:
        self._folder = folder
        self._rest = rest
        self.dues = dict(dues)  # of its own: it looks in a thread, while tasks may be registered
        self.due: frozenset[str] = frozenset()
        self.new = False
        self.lacks_inbox = False
        self.modseq = ModSeq(0)
        self.unused = self.staged = False
        self.copies: list[bytes] = []

    def create(self) -> bool:
        """See `Database.open`."""
        self.new = make_folder(self._folder)
        return self.new

    def look(self, r: Reader) -> None:
        """See `Database.open`."""
        rest = self._rest
        if rest is not None and not self.new and r.value(MODSEQ) == rest.modseq:
            self.modseq, self.due = rest.modseq, rest.waiting
            return
        ((modseq, unused, staged, copies),) = r.rows(LEFTOVERS, 1)
        self.modseq = ModSeq(modseq)
        self.unused, self.staged = bool(unused), bool(staged)
        self.copies = unfinished_copies(r) if copies else []
        self.lacks_inbox = mailbox_by_name(r, INBOX) is None
        self.due = tasks_due(self._folder.name, r, self.dues)


async def open_account(
    folder: Path, options: Options, handlers: Mapping[str, Handler], dues: Mapping[str, Due], rest: IdleState | None
) -> OpenAccount:
    """Open the account of a folder, which is named after it, or make it with its first mailboxes (STORE-11); for
    `Accounts`. `dues`: what tells of background tasks whether they have work; `rest`: what is known from its closing.

    Leftovers of a killed server are removed first: an unfinished import, unused bodies (STORE-10), parts of a copy.

    Raises:
      Errors of `make_folder`, `Database.open`; StorageFull, StorageBroken, OSError.
    """
    name = folder.name
    found = _Look(folder, dues, rest)
    database = await Database.open(
        folder / "account.db", Kind.ACCOUNT, options=options, name=name, create=found.create, look=found.look
    )
    try:
        while found.unused and await database.write(reclaim) > 0:
            pass
        due = found.due | (dues.keys() - found.dues.keys())  # who registered meanwhile wasn't asked
        account = OpenAccount(name, database, options, found.modseq, handlers, due)
        if found.staged:
            while await account.write(drop_staged):
                pass
            await account.write(drop_job)
            logger.info("import leftovers removed", extra={"kv": {"account": name}})
        for copy in found.copies:
            while await account.write(partial(undo_part, copy=copy)):
                pass
            logger.info("unfinished copy removed", extra={"kv": {"account": name}})
        if found.lacks_inbox:
            await account.write(lambda tx: _begin(tx, account.config, new=found.new))
            logger.info("account created", extra={"kv": {"account": name}})
        if found.new:
            await trio.to_thread.run_sync(folder_is_made, folder)
    except BaseException:
        with trio.CancelScope(shield=True):  # bounded: nothing runs in it yet
            await database.aclose()
        raise
    return account


def _begin(tx: AccountTx, config: AccountConfig, *, new: bool) -> None:
    """Make Inbox, the mailboxes with a special use, and the others, all subscribed (STORE-11). There is no message to
    be parsed anew (STORE-59). The file of a `new` account is a copy until here.
    """
    if new:
        tx.execute(OWN)
        renew_file(tx.execute)  # clients may know an earlier account of this name
    tx.execute(SET_VERSION, PARSE_VERSION)
    create_mailbox(tx, INBOX)
    for use, name in config.initial_special_use.items():
        mailbox = mailbox_by_name(tx, name)
        if mailbox is None:
            create_mailbox(tx, name, use)
        else:
            set_special_use(tx, mailbox.id, mailbox.special_use | use)
    for name in config.initial_regular:
        if mailbox_by_name(tx, name) is None:
            create_mailbox(tx, name)


# The background tasks of one open account: eraser, outbox, junk filter, text index, gatherer, others' tasks.
#
# If no session uses an account, a delivery only starts the tasks that have work, because the others would be its
# largest cost. The tasks have their own supervisor: a failed task is restarted, and one account's faults don't affect
# others.


BackgroundTask: TypeAlias = Callable[[OpenAccount], Awaitable[None]]
"""Runs while an account is open, and ends by cancellation. A task that returns runs again at the next opening."""

Due: TypeAlias = Callable[[str, Reader], bool]
"""Whether a task has work for an account of this name, by some rows of its file. May run in any thread."""


def always(name: str, r: Reader) -> bool:
    """The `Due` of a task that runs in each account."""
    return True


def tasks_due(name: str, r: Reader, dues: Mapping[str, Due]) -> frozenset[str]:
    """The tasks that have work for an account."""
    return frozenset([task for task, due in dues.items() if due(name, r)])


ERASER: Final = "store.eraser"
CARRIER: Final = "store.carrier"
TRAINER: Final = "store.trainer"
INDEXER: Final = "store.indexer"
GATHERER: Final = "store.gatherer"
OF_MESSAGES: Final = (TRAINER, INDEXER, GATHERER)
PATIENT: Final = frozenset({ERASER, *OF_MESSAGES})
"""Tasks that start a while after their work has come."""

LATE: Final = frozenset({INDEXER, GATHERER})
"""Patient tasks whose work matters to sessions alone: `OpenAccount.catch_up` does that work in other accounts."""


def own_dues(options: Options) -> dict[str, Due]:
    """Of the store's own tasks, but for `LATE`."""

    def untrained(name: str, r: Reader) -> bool:
        config = options.account_config(name)
        return config is not None and has_untrained(r, config.junk_filter)

    return {
        ERASER: lambda _, r: has_erasable(r),
        CARRIER: lambda _, r: has_owed(r),
        TRAINER: untrained,
    }


class AccountTasks:
    """The background tasks of one open account, each begun when it has work.

    Args:
      registered: tasks besides the account's own ones, by name (``package.task``).
      tree: of the server; it gets the supervisor of this account with the first task.

    Attributes:
      wanted: names of tasks that do not run, and may have work.
      rows: number of rows changed since they were last counted.
    """

    def __init__(self, account: OpenAccount, registered: Mapping[str, BackgroundTask], tree: Supervisor) -> None:
        self._account = account
        self._server = tree
        self._tasks: dict[str, Callable[[], Awaitable[None]]] = {
            ERASER: account.eraser.run,
            CARRIER: account.carrier.run,
            TRAINER: account.trainer.run,
            INDEXER: account.indexer.run,
            GATHERER: account.gatherer.run,
        }
        self.wanted: set[str] = set()
        self.rows = 0
        self._begun: set[str] = set()
        self._scope = trio.CancelScope()
        self._stopped: trio.Event | None = None
        self.tree: Supervisor | None = None
        for name, task in registered.items():
            self.add(name, task)

    @property
    def names(self) -> frozenset[str]:
        """Names of all tasks."""
        return frozenset(self._tasks)

    def add(self, name: str, task: BackgroundTask) -> None:
        """Know this task, too."""
        self._tasks[name] = partial(task, self._account)

    @property
    def rest(self) -> bool:
        """Whether no task has begun, and only tasks that start late may have work."""
        return self._stopped is None and self.wanted <= PATIENT

    def runs(self, name: str) -> bool:
        """Whether a task runs, or is about to."""
        return name in self._begun if self.tree is None else self.tree.runs(name)

    def begin(self, names: Iterable[str]) -> None:
        """Have these tasks run, unless they do, or `stop` was called."""
        for name in names:
            self.wanted.discard(name)
            if self._scope.cancel_called or self.runs(name):
                continue
            if self.tree is not None:
                self.tree.start(name, self._tasks[name])
                continue
            self._begun.add(name)
            if self._stopped is None:
                self._stopped = trio.Event()
                self._server.start("store.account", self._run, FailurePolicy.ONCE)

    async def _run(self) -> None:
        """Run all tasks until `stop`. Their use counts for the account, not for its caller (STORE-198).

        Errors: those that end every supervisor propagate; the supervisor handles all others.
        """
        act_for(self._account.name)
        act_from(SERVER)  # not by the log-in that opened the account
        assert self._stopped is not None
        try:
            with self._scope:
                async with open_supervisor(f"account {self._account.name}", plain=(StoreError,)) as self.tree:
                    for name in self._begun:
                        self.tree.start(name, self._tasks[name])
                    await trio.sleep_forever()
        finally:
            self.tree = None
            self._stopped.set()

    async def stop(self) -> None:
        """Cancel all tasks; returns when they have ended."""
        self._scope.cancel()
        if self._stopped is not None:
            await self._stopped.wait()
