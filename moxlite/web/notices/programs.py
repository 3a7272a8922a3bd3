"""Programs with push subscriptions of JMAP are told of changes (RFC 8620 §7.2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio

from moxlite.lazyimport import Late
from moxlite.net.transcripts import Tap
from moxlite.store.people.subscriptions import forget_subscriptions, has_subscriptions
from moxlite.web.notices.rounds import Rounds

if TYPE_CHECKING:
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.store.types import Event


PAUSE: Final = 0.5
"""Seconds in which changes are gathered for one request."""

LONGEST: Final = 6 * 3600.0
"""Seconds ahead for which an account is noted."""


class ProgramTeller(Protocol):
    """Tells the programs of an account."""

    async def tell(self, account: Account) -> int | None:
        """Tell all programs; returns when those that could not be told may be tried again, µs UTC, None for never.
        Raises StoreError.
        """


class ProgramNotices(Rounds):
    """Tells programs of changes. `make`: makes what tells, for the first account that has subscriptions."""

    def __init__(self, accounts: Accounts, make: Callable[[], ProgramTeller]) -> None:
        super().__init__(accounts, what="programs")
        self._teller = Late(make)
        self._live: dict[str, list[tuple[trio.CancelScope, str]]] = {}
        self._taps: dict[str, set[Tap]] = {}

    @property
    def pause(self) -> float:
        """As `Rounds`."""
        return PAUSE

    def has_any(self, r: Reader) -> bool:
        """Whether the account has a subscription."""
        return has_subscriptions(r)

    def concerns(self, events: Iterable[Event]) -> bool:
        """All events: the states say what has changed."""
        return True

    def subscribed(self, account: str) -> None:
        """A subscription of this account was added or changed: its program is asked, or told, now."""
        self.added()
        self.want(account, 0.0)

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

    def taps(self, account: str) -> Collection[Tap]:
        """The receivers of transcripts of what an account's programs say (JMAP-8a)."""
        return self._taps.get(account, ())

    @contextmanager
    def tapped(self, account: str) -> Iterator[Tap]:
        """Record the transcript of an account's programs during the block."""
        tap = Tap()
        self._taps.setdefault(account, set()).add(tap)
        try:
            with tap.lines:
                yield tap
        finally:
            self._taps[account].discard(tap)
            if not self._taps[account]:
                del self._taps[account]

    def end(self, account: str, app_password: str) -> None:
        """End what an app password was used for: subscriptions and connections. "": the account's own password was
        changed, and all connections end.
        """
        for scope, login in self._live.get(account, ()):
            if app_password in ("", login):
                scope.cancel()
        self._ended.setdefault(account, set()).add(app_password)
        self.want(account, 0.0)

    async def attend(self, account: Account) -> None:
        """As `Rounds`."""
        ended = {*self._ended.get(account.name, ())}
        found = await account.read(has_subscriptions, op="notices")
        if ended:
            if found:
                await account.write(partial(forget_subscriptions, logins=ended))
            self._ended[account.name] -= ended
            if not self._ended[account.name]:
                del self._ended[account.name]
        if not found:
            return
        later = await (await self._teller.get()).tell(account)
        if later is not None:
            self.want(account.name, min(max(1.0, later / 1_000_000 - time.time()), LONGEST))
