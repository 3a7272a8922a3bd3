"""An open account: its handle, its text index, its background tasks. `Accounts` opens and shares it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import trio

from moxlite.processor import act_for
from moxlite.proto.mime.types import PARSE_VERSION
from moxlite.store.accounts.folders import folder_is_made, make_folder
from moxlite.store.changelog.account import MODSEQ
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.uploads import forget_uploads
from moxlite.store.delivery.outgoing import shrink_outgoing
from moxlite.store.errors import StoreError
from moxlite.store.file.database import Database
from moxlite.store.file.migrations import Kind
from moxlite.store.file.transaction import Reader
from moxlite.store.groupware.kept import purge_kept
from moxlite.store.junk.trainer import Trainer
from moxlite.store.mail.copying import undo_part, unfinished_copies
from moxlite.store.mail.mailboxes import create_mailbox, set_special_use
from moxlite.store.mail.staging import JOBS, drop_job, drop_staged
from moxlite.store.names import INBOX
from moxlite.store.options import AccountConfig, Options
from moxlite.store.people.gathering import Gatherer
from moxlite.store.rows.mailboxes import mailbox_by_name
from moxlite.store.search.builder import Builder
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import ModSeq
from moxlite.store.upkeep.erase import UNUSED, Eraser, forget_keys, purge, purge_resources, reclaim
from moxlite.store.upkeep.outbox import Carrier, Handler
from moxlite.store.upkeep.reparse import SET_VERSION
from moxlite.supervision import Supervisor, open_supervisor

logger = logging.getLogger("moxlite.store.account")


OWN: Final = """
UPDATE state SET file_id = randomblob(16), next_uidvalidity = unixepoch() >> 1, created = unixepoch() * 1000000"""
"""What differs between the files of new accounts, as schema/account/0001-initial.sql has it."""


class OpenAccount(IndexedAccount):
    """One open account, as `Accounts.use` gives it.

    Attributes:
      indexer, eraser, trainer, carrier, gatherer: its background tasks; `Accounts` runs them.
    """

    def __init__(
        self, name: str, database: Database, options: Options, modseq: ModSeq, handlers: Mapping[str, Handler]
    ) -> None:
        """For `open_account`."""
        super().__init__(name, database, options, modseq)
        self.indexer = Builder(self, self.search)
        self.eraser = Eraser(self, erased=self.indexer.forget)
        self.trainer = Trainer(self, self.removed)
        self.carrier = Carrier(self, handlers)
        self.gatherer = Gatherer(self)

    def changed(self) -> None:
        """Wake the tasks that look at new messages: a unit was committed that changed messages or mailboxes."""
        self.trainer.want()
        self.indexer.want()
        self.gatherer.want()

    def removed(self) -> None:
        """Wake the eraser: messages were removed, or the content of removed messages may be erased now."""
        self.eraser.want()

    def owed(self) -> None:
        """Wake the carrier: a unit was committed that added rows to the outbox."""
        self.carrier.want()

    async def tend(self) -> None:
        """Purge old tombstones, idempotency keys, uploads and rows about submissions, and close subscribers that fell
        silent; called nightly (STORE-27, STORE-38, STORE-94, STORE-189, WEBMAIL-28).
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


class _Look:
    """What an opening finds in the account's folder and file, in the thread that opens them.

    Attributes:
      new: the account is being made. lacks_inbox: its first mailboxes are not made yet.
      modseq: the modseq of its last change.
      unused, staged, copies: leftovers of a killed server: unused bodies, parts of an import, unfinished copies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
        self.modseq = ModSeq(r.value(MODSEQ))
        self.unused = r.row(UNUSED, 1) is not None
        self.staged = bool(r.value(JOBS))
        self.copies = unfinished_copies(r)
        self.lacks_inbox = mailbox_by_name(r, INBOX) is None


async def open_account(folder: Path, options: Options, handlers: Mapping[str, Handler]) -> OpenAccount:
    """Open the account of a folder, which is named after it, or make it with its first mailboxes (STORE-11); for
    `Accounts`.

    Leftovers of a killed server are removed first: an unfinished import, unused bodies (STORE-10), parts of a copy.

    Raises:
      Errors of `make_folder`, `Database.open`; StorageFull, StorageBroken, OSError.
    """
    name = folder.name
    found = _Look(folder)
    database = await Database.open(
        folder / "account.db", Kind.ACCOUNT, options=options, name=name, create=found.create, look=found.look
    )
    try:
        if found.staged:
            while await database.write(drop_staged) > 0:
                pass
            await database.write(drop_job)
            logger.info("leftovers of an import removed", extra={"kv": {"account": name}})
        while found.unused and await database.write(reclaim) > 0:
            pass
        account = OpenAccount(name, database, options, found.modseq, handlers)
        for copy in found.copies:
            while await account.write(partial(undo_part, copy=copy)):
                pass
            logger.info("an unfinished copy removed", extra={"kv": {"account": name}})
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
# They have a supervisor of their own: a task that fails is started anew, and the faults of one account stay in it.


BackgroundTask: TypeAlias = Callable[[OpenAccount], Awaitable[None]]
"""Runs while an account is open, and ends by cancellation. A task that returns runs again at the next opening."""


class AccountTasks:
    """The background tasks of one open account.

    Args:
      registered: tasks besides the account's own ones, by name (``package.task``).

    Attributes:
      tree: the supervisor, while `run` runs.
    """

    def __init__(self, account: OpenAccount, registered: Mapping[str, BackgroundTask]) -> None:
        self._account = account
        self._tasks: dict[str, Callable[[], Awaitable[None]]] = {
            "store.eraser": account.eraser.run,
            "store.carrier": account.carrier.run,
            "store.trainer": account.trainer.run,
            "store.indexer": account.indexer.run,
            "store.gatherer": account.gatherer.run,
        }
        self._scope = trio.CancelScope()
        self._stopped = trio.Event()
        self.tree: Supervisor | None = None
        for name, task in registered.items():
            self.add(name, task)

    def add(self, name: str, task: BackgroundTask) -> None:
        """Run this task, too."""
        job = partial(task, self._account)
        if self.tree is None:
            self._tasks[name] = job
        else:
            self.tree.start(name, job)

    async def run(self) -> None:
        """Run all tasks until `stop`. Their use counts for the account, not for its caller (STORE-198).

        Errors: those that end every supervisor propagate; the supervisor handles all others.
        """
        act_for(self._account.name)
        try:
            with self._scope:
                async with open_supervisor(f"account {self._account.name}", plain=(StoreError,)) as self.tree:
                    for name, job in self._tasks.items():
                        self.tree.start(name, job)
                    await trio.sleep_forever()
        finally:
            self.tree = None
            self._stopped.set()

    async def stop(self) -> None:
        """Cancel all tasks; returns when they have ended. `run` must have been started."""
        self._scope.cancel()
        await self._stopped.wait()
