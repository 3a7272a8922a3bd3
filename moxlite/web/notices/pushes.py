"""Finds changes in accounts with push subscriptions of JMAP, and has their programs told (RFC 8620 §7.2).

As for notices, a watcher of each open account only says that something has changed; one task does the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio

from moxlite.lazyimport import Late
from moxlite.store.errors import AccountRemoved, AccountUnknown, LoginDisabled, StoreError
from moxlite.store.people.pushes import forget_pushes, has_pushes
from moxlite.store.types import AccountClosing
from moxlite.wakeup import Wakeup

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account


logger = logging.getLogger("moxlite.web.notices")

PAUSE: Final = 0.5
"""Seconds in which changes are gathered for one request."""

AT_ONCE: Final = 4
"""Accounts at a time."""

LONGEST: Final = 6 * 3600.0
"""Seconds ahead for which an account is noted."""


class Pusher(Protocol):
    """Makes the requests."""

    async def push(self, account: Account) -> int | None:
        """Tell all programs; returns when those that could not be told may be tried again, µs UTC, None for never.
        Raises StoreError.
        """


class Pushes:
    """Tells programs of changes. `serve` runs while the server does; `watch` runs for each open account. `make`: makes
    what sends, for the first account that has subscriptions.
    """

    def __init__(self, accounts: Accounts, make: Callable[[], Pusher]) -> None:
        self._accounts = accounts
        self._pusher = Late(make)
        self._due: dict[str, float] = {}
        self._busy: set[str] = set()
        self._ended: dict[str, set[str]] = {}
        self._live: dict[str, list[tuple[trio.CancelScope, str]]] = {}
        self._wakeup = Wakeup()
        self._added = trio.Event()

    def added(self, account: str) -> None:
        """A subscription of this account was added or changed: its program is asked, or told, now."""
        self._added.set()
        self._added = trio.Event()
        self._want(account, 0.0)

    @contextmanager
    def live(self, account: str, app_password: str) -> Iterator[None]:
        """A context for a connection that tells of changes: it ends with the log-in (`end`)."""
        with trio.CancelScope() as scope:
            mine = (scope, app_password)
            self._live.setdefault(account, []).append(mine)
            try:
                yield
            finally:
                self._live[account].remove(mine)
                if not self._live[account]:
                    del self._live[account]

    def end(self, account: str, app_password: str) -> None:
        """End what an app password was used for: subscriptions and connections. "": the account's own password was
        changed, and all connections end.
        """
        for scope, login in self._live.get(account, ()):
            if app_password in ("", login):
                scope.cancel()
        self._ended.setdefault(account, set()).add(app_password)
        self._want(account, 0.0)

    async def watch(self, account: Account) -> None:
        """Note an account when something changes, while it has subscriptions; for `Accounts.register_task`.

        Errors: StoreError propagates.
        """
        while True:
            added = self._added
            if await account.read(has_pushes, op="jmap pushes"):
                break
            await added.wait()
        _, cursor = await account.subscribe(op="jmap pushes")
        try:
            self._want(account.name, PAUSE)
            while True:
                await cursor.wait()
                batch = await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
                self._want(account.name, PAUSE)
        finally:
            cursor.close()

    def _want(self, name: str, seconds: float) -> None:
        at = trio.current_time() + min(seconds, LONGEST)
        if at < self._due.get(name, float("inf")):
            self._due[name] = at
            self._wakeup.set()

    async def serve(self) -> None:
        """Tell the programs of all accounts, for ever.

        Errors: an account that cannot be used is logged, and its programs are told with the next change. Other errors
        propagate.
        """
        self._busy.clear()
        limiter = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            while True:
                self._wakeup.clear()
                now = trio.current_time()
                for name in [name for name, at in self._due.items() if name not in self._busy and at <= now]:
                    del self._due[name]
                    self._busy.add(name)
                    nursery.start_soon(self._attend, name, limiter)
                waiting = [at for name, at in self._due.items() if name not in self._busy]
                with trio.move_on_at(min(waiting, default=float("inf"))):
                    await self._wakeup.wait()

    async def _attend(self, name: str, limiter: trio.CapacityLimiter) -> None:
        try:
            async with limiter, self._accounts.use(name, check_login=name not in self._ended) as account:
                if await account.read(has_pushes, op="jmap pushes"):
                    ended = self._ended.pop(name, set())
                    if ended:
                        await account.write(partial(forget_pushes, logins=ended))
                    later = await (await self._pusher.get()).push(account)
                    if later is not None:
                        self._want(name, max(1.0, later / 1_000_000 - time.time()))
        except (AccountUnknown, AccountRemoved, LoginDisabled):
            pass
        except (StoreError, OSError) as error:
            logger.warning("programs not told of changes", extra={"kv": {"account": name, "err": str(error)}})
        finally:
            self._busy.discard(name)
            self._wakeup.set()
