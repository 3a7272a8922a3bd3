"""A process that opens accounts as a worker does: ``python -m tests.ownerprocess DATA HISTORY``.

It does what the lines of its standard input say, and answers each with a line, "ok" or the error:

* ``open NAME``, ``close NAME``
* ``remove NAME``: remove the account, with its files
* ``run NAME``: open and close the account again and again, with a pause while it is open, and never answer. Lines
  ``PID open`` and ``PID closed`` go to HISTORY, within the time in which it is open.
"""

import os
import random
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import trio

from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError
from moxlite.store.options import Options
from moxlite.workers.owning import OwnedElsewhere, OwningOpener


class Owner:
    """The accounts, and those that are open."""

    def __init__(self, data: Path, history: Path) -> None:
        self._accounts = Accounts(data, Options(min_free_space=0), opener=OwningOpener)
        self._history = os.open(history, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._used: dict[str, AsyncExitStack] = {}

    async def obey(self, word: str, name: str) -> None:
        """Do what a line says."""
        match word:
            case "open":
                stack = self._used[name] = AsyncExitStack()
                await stack.enter_async_context(self._accounts.use(name))
            case "close":
                await self._used.pop(name).aclose()
                await self._accounts.close_idle(room=1000)
            case "remove":
                await self._accounts.remove(name)
            case "run":
                while True:
                    await self._use_once(name)
                    await trio.sleep(random.uniform(0, 0.01))

    async def _use_once(self, name: str) -> None:
        try:
            async with self._accounts.use(name):
                self._note("open")
                await trio.sleep(random.uniform(0, 0.02))
                self._note("closed")
        except OwnedElsewhere:
            return
        await self._accounts.close_idle(room=1000)

    def _note(self, what: str) -> None:
        os.write(self._history, f"{os.getpid()} {what}\n".encode())


async def _main(data: Path, history: Path) -> None:
    owner = Owner(data, history)
    while line := await trio.to_thread.run_sync(sys.stdin.readline):
        word, name = line.split()
        try:
            await owner.obey(word, name)
        except StoreError as error:
            print(error, flush=True)
        else:
            print("ok", flush=True)


if __name__ == "__main__":
    trio.run(partial(_main, Path(sys.argv[1]), Path(sys.argv[2])))
