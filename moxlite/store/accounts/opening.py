"""Opening accounts: their files, made at the first use, and why some could not be opened (STORE-8, STORE-158d)."""

from __future__ import annotations

from pathlib import Path

import trio

from moxlite.store.accounts.folders import folder_is_made, make_folder
from moxlite.store.accounts.opened import OpenAccount, open_account
from moxlite.store.errors import StorageBusy, StoreError
from moxlite.store.file.boundary import Boundary
from moxlite.store.options import Options
from moxlite.store.upkeep.outbox import Handler


class Opener:
    """Opens the accounts of one data directory.

    Args:
      edge: translates the errors of their folders.

    Attributes:
      handlers: for the outboxes, by kind of row.
      refused: accounts whose last opening failed, each with the reason.
    """

    def __init__(self, options: Options, edge: Boundary) -> None:
        self._options = options
        self._edge = edge
        self.handlers: dict[str, Handler] = {}
        self.refused: dict[str, str] = {}

    async def open(self, folder: Path) -> OpenAccount:
        """Open the account of a folder, which is named after it. Raises as `Accounts.use`."""
        name = folder.name
        try:
            with self._edge:
                create = await trio.to_thread.run_sync(make_folder, folder)
                account = await open_account(name, folder / "account.db", self._options, self.handlers, create=create)
        except StorageBusy:
            raise  # the server is short of resources; the account may be sound
        except StoreError as error:
            self.refused[name] = str(error)
            raise
        self.refused.pop(name, None)
        if create:
            await trio.to_thread.run_sync(folder_is_made, folder)
        return account
