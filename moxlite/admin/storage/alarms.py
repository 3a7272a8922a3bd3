"""Notices to the administrator about databases that cannot be written or read (STORE-158).

A failing disk affects many accounts at once, each of them again and again. So faults are collected for a moment and go
into one message, and each database is reported once a day.
"""

import logging
import threading
import time
from pathlib import Path
from typing import Final

import trio

from moxlite.admin.notices import notify_postmaster
from moxlite.config.snapshot import CurrentConfig, Snapshot
from moxlite.findings import Finding
from moxlite.store.accounts.accounts import Accounts
from moxlite.store.errors import StoreError

logger = logging.getLogger("moxlite.admin.storage.alarms")

GATHER: Final = 10.0
"""Seconds from the first fault to the notice, so that simultaneous faults are in one notice."""

RETRY: Final = 600.0
"""Seconds until a notice that could not be stored is tried again: the postmaster's own disk may have failed."""

TOLD_AGAIN: Final = 86_400.0
"""Seconds in which a database is reported once (STORE-158)."""

MAX_FAULTS: Final = 1000
"""Number of databases remembered, and listed in one notice; further ones are in the log."""

ACCOUNT: Final = "account.db"


class StorageFaults:
    """Takes faults from any thread, and writes notices to the postmaster."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Path, Finding] = {}
        self._told: dict[Path, float] = {}
        self._wakeup = trio.Event()
        self._token: trio.lowlevel.TrioToken | None = None

    def note(self, name: str, path: Path, error: str) -> None:
        """Note that a database became degraded; `name` is an account's for its database. Never waits; callable in any
        thread.
        """
        since = time.monotonic() - TOLD_AGAIN
        with self._lock:
            self._told = {one: when for one, when in self._told.items() if when > since}
            if path in self._told or len(self._waiting) + len(self._told) >= MAX_FAULTS:
                return
            self._waiting.setdefault(path, _finding(name, path, error))
            token = self._token
        if token is not None:
            token.run_sync_soon(self._ring)

    def _ring(self) -> None:
        self._wakeup.set()

    async def serve(self, accounts: Accounts, config: CurrentConfig) -> None:
        """Write notices until cancelled.

        Errors: a notice that cannot be stored is logged, and tried again later. All other errors come out; faults that
        wait then are reported after the next start.
        """
        with self._lock:
            self._token = trio.lowlevel.current_trio_token()
            if self._waiting:
                self._wakeup.set()
        while True:
            await self._wakeup.wait()
            self._wakeup = trio.Event()
            await trio.sleep(GATHER)
            with self._lock:
                faults = sorted(self._waiting.values(), key=lambda fault: fault.about)
            if faults and not await self._tell(accounts, config.current, faults):
                await trio.sleep(RETRY)
                self._wakeup.set()

    async def _tell(self, accounts: Accounts, snapshot: Snapshot, faults: list[Finding]) -> bool:
        """Deliver one notice of all faults; False if it cannot be stored."""
        once = f"storage {int(time.time() // TOLD_AGAIN)} {[fault.file for fault in faults]}"
        subject = f"storage problem: {_names(faults)} is damaged or read-only"
        try:
            await notify_postmaster(accounts, snapshot, subject, _text(faults), once=once)
        except StoreError as error:
            logger.error("failed to send postmaster email", extra={"kv": {"err": str(error)}})
            return False
        now = time.monotonic()
        with self._lock:
            for fault in faults:
                path = Path(fault.file)
                self._waiting.pop(path, None)
                self._told[path] = now
        return True


def _finding(name: str, path: Path, error: str) -> Finding:
    is_account = path.name == ACCOUNT
    return Finding(
        grade="error",
        code="store-damaged",
        about=f"account {name}" if is_account else name,
        text=error,
        commands=(f"moxlite store check {name} --deep",) if is_account else (),
        file=str(path),
    )


def _names(faults: list[Finding]) -> str:
    """Names of the faulty databases, for the subject."""
    name = faults[0].about
    return name if len(faults) == 1 else f"{name} and {len(faults) - 1} more"


def _text(faults: list[Finding]) -> str:
    """Body of the notice: the faults, their consequences, and the steps to take."""
    lines = ["These databases are damaged or read-only:", ""]
    for fault in faults:
        lines += [f"- {fault.about}", f"  {fault.file}", f"  {fault.text}", ""]
    lines += [
        "Unless it says otherwise above, new mail for these accounts is deferred, so senders will retry. You can still",
        "read mail in these accounts, but you can't make changes. Other accounts aren't affected. The server hasn't",
        "deleted or repaired any data.",
        "",
        "Check the disk and the system log. After an I/O error, the server will retry automatically.",
        "The server won't change damaged files until you fix them. To check for damage, run:",
        "",
        *(f"  {command}" for fault in faults for command in fault.commands),
        "",
        "Then stop the server and run `moxlite account recover NAME --out DIR` to recover readable data, or restore",
        "the last backup. You'll get at most one email a day for each database.",
        "",
    ]
    return "\n".join(lines)
