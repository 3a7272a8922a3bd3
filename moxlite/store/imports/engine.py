"""The running imports of a server, and their results (docs/spec/store.md §11). `adding` does the work."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import trio

from moxlite import lazyimport
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.unit import AccountTx
from moxlite.store.content.spool import SpoolSpace
from moxlite.store.errors import AccountRemoved, ImportFailed, OverQuota, StoreError
from moxlite.store.file.transaction import Reader
from moxlite.store.imports.items import Aborted, AddBeside, Done, Order, Progress, RunningImport, Upload
from moxlite.store.mail.expunging import expunge_ids
from moxlite.store.types import MailboxID
from moxlite.supervision import FailurePolicy, Supervisor

logger = logging.getLogger("moxlite.store.imports")

KEPT_SECONDS: Final = 60.0
"""Seconds to keep the state of a finished import (STORE-128)."""

UNEXPECTED: Final = "server error; see the server log"


async def close_file(file: BinaryIO) -> None:
    """Close a file of any size that has no name, also when the task is cancelled."""
    # In a thread: closing it frees its blocks, 0.1 to 0.3 s a GiB.
    with trio.CancelScope(shield=True):
        await trio.to_thread.run_sync(file.close)


class Imports:
    """The imports of a server, by token: those that run, and those that ended within `KEPT_SECONDS`."""

    def __init__(
        self,
        accounts: Accounts,
        directory: Path,
        tree: Supervisor | None = None,
        *,
        space: SpoolSpace | None = None,
        add_beside: AddBeside | None = None,
    ) -> None:
        """`directory` is for temporary files, ``data/tmp``; `tree` runs the imports of `start`; messages that are too
        long for memory count against `space`. `add_beside` adds the calendars and contacts of an archive of mail.
        """
        self._add_beside = add_beside
        self._space = space
        self._accounts = accounts
        self._directory = directory
        self._tree = tree
        self._running: dict[bytes, RunningImport] = {}
        self._uploads: dict[str, tuple[str, trio.CancelScope]] = {}  # by account, with the user

    @contextmanager
    def upload(self, account: str, user: str) -> Iterator[None]:
        """The user's file for an import into an account is received and begun in the block. Raises AccountRemoved if
        either account is removed meanwhile.
        """
        scope = trio.CancelScope()
        upload = self._uploads[account] = (user, scope)
        try:
            with scope:
                yield
        finally:
            if self._uploads.get(account) is upload:
                del self._uploads[account]
        if scope.cancelled_caught:
            raise AccountRemoved(account)

    def uploading(self, account: str) -> bool:
        """Whether a file for an import into the account is being received."""
        return account in self._uploads

    def begin(self, account: str, *, user: str = "") -> Progress:
        """Register an import for `run`; returns its state, with a random token of 16 octets. `user`: who imports into
        another one's account.
        """
        now = trio.current_time()
        for token, running_import in list(self._running.items()):
            if running_import.progress.end is not None and now - running_import.progress.ended >= KEPT_SECONDS:
                del self._running[token]
        progress = Progress(secrets.token_bytes(16), account)
        self._running[progress.token] = RunningImport(progress, trio.CancelScope(), user or account)
        return progress

    def find(self, token: bytes) -> Progress | None:
        """The import of that token if it runs or ended within `KEPT_SECONDS`, else None."""
        running_import = self._running.get(token)
        if running_import is None:
            return None
        ended = (
            running_import.progress.end is not None
            and trio.current_time() - running_import.progress.ended >= KEPT_SECONDS
        )
        return None if ended else running_import.progress

    def of(self, account: str) -> Progress | None:
        """The newest import of an account that `find` would return."""
        for token in reversed(self._running):
            progress = self.find(token)
            if progress is not None and progress.account == account:
                return progress
        return None

    def start(self, progress: Progress, order: Order, file: BinaryIO) -> None:
        """Do `run` in the background, then close the file. The end of the supervisor aborts the import."""
        assert self._tree is not None, "these imports have no supervisor"
        self._tree.start("store.import", partial(self._run_and_close, progress, order, file), FailurePolicy.ONCE)

    async def _run_and_close(self, progress: Progress, order: Order, file: BinaryIO) -> None:
        try:
            await self.run(progress, order, file)
        finally:
            await close_file(file)

    def abort(self, token: bytes) -> None:
        """End an import, with nothing changed (STORE-129). Raises ImportFailed: it is unknown or finished."""
        running_import = self._running.get(token)
        if running_import is None:
            raise ImportFailed("import not found")
        # The last unit cannot be stopped: a user who is told of an end must not find the messages there.
        if running_import.final or running_import.progress.end is not None:
            raise ImportFailed("the import is already finished")
        running_import.scope.cancel()

    def end_of(self, accounts: Collection[str]) -> None:
        """End the imports to and by accounts that are being removed: the removal waits until they are unused
        (STORE-140). Later accounts of these names neither see nor get anything of them.
        """
        for account, (user, scope) in list(self._uploads.items()):
            if {account, user} & set(accounts):
                del self._uploads[account]
                scope.cancel()
        for token, running_import in list(self._running.items()):
            if {running_import.progress.account, running_import.user} & set(accounts):
                del self._running[token]
                if not running_import.final:
                    running_import.scope.cancel()

    async def run(self, progress: Progress, order: Order, file: BinaryIO | Upload) -> None:
        """Do the import; its result is in `progress.end`, also after a failure.

        Args:
          file: the octets, read in a worker thread; not closed.

        Cancellation: as `abort`, until the last unit begins, which then completes.

        Errors: StoreError and OSError are in `progress.end`. Others propagate; `progress.end` refers to the log.
        """
        running_import = self._running.get(progress.token)
        if running_import is None:  # ended before it began
            progress.finish(Aborted("the import was canceled", True))
            return
        end: Done | Aborted | None = None
        try:
            with running_import.scope:
                await lazyimport.load("moxlite.store.imports.adding")
                from moxlite.store.imports.adding import FromFile

                async with self._accounts.use(progress.account) as account:
                    adding = FromFile(
                        account,
                        self._accounts,
                        running_import,
                        self._directory,
                        order,
                        file,
                        self._space,
                        self._add_beside,
                    )
                    end = await adding.run()
        except OverQuota as error:
            end = Aborted(f"not enough space: {error}")
        except StoreError as error:
            end = Aborted(str(error))
        except OSError as error:
            end = Aborted(f"the file can't be read: {error.strerror or error}")
        finally:
            if end is None:
                stopped = running_import.scope.cancelled_caught or trio.current_effective_deadline() == -math.inf
                end = Aborted("the import was canceled" if stopped else UNEXPECTED, stopped)
            progress.finish(end)
            logger.info(
                "import ended",
                extra={
                    "kv": {
                        "account": progress.account,
                        "messages": progress.messages,
                        "problems": progress.problem_count,
                        "end": end.text if isinstance(end, Aborted) else "done",
                    }
                },
            )


# Taking back an import: its messages are removed as long as they are where the import put them (WEBMAIL-141).


SLICE: Final = 400
"""Messages removed in one unit: 10 ms, after which units of other callers go first."""

UNMOVED: Final = """
SELECT id, mailbox_id FROM message WHERE id >= ? AND id < ? AND mailbox_id = mailbox_orig_id ORDER BY id LIMIT ?"""


async def take_back(
    account: Account, first_id: int, messages: int, allowed: Callable[[Reader, MailboxID], bool]
) -> int:
    """Remove the messages of an import, whose ids follow each other; returns the number of those that were there.

    Messages that were moved stay, and messages of mailboxes that are not `allowed`. An error of `allowed` ends it: the
    messages of earlier slices are removed then.
    """
    at, end, removed = first_id, first_id + messages, 0

    def unit(tx: AccountTx) -> tuple[int, int]:
        # Rights are asked in each unit, as they may be taken back between two.
        rows = tx.rows(UNMOVED, at, end, SLICE)
        boxes = {mailbox_id for _, mailbox_id in rows if allowed(tx, MailboxID(mailbox_id))}
        ids = [message_id for message_id, mailbox_id in rows if mailbox_id in boxes]
        expunge_ids(tx, ids)
        return len(ids), rows[-1][0] + 1 if rows else end

    while at < end:
        count, at = await account.write(unit)
        removed += count
    return removed
