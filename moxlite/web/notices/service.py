"""Finds new mail in accounts with devices, by their change buses, and has the devices told of it (WEBMAIL-122).

A watcher of each open account only says that there may be something to tell. One task does the rest, some accounts at a
time, so neither a delivery nor the closing of an account waits for a push service. What is lost with the process is
found again by the marks of the devices when their account is opened the next time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import trio

from moxlite.lazyimport import Late
from moxlite.store.errors import AccountRemoved, AccountUnknown, LoginDisabled, StoreError
from moxlite.store.people.devices import SECOND, device, forget_devices, forget_ended, has_devices
from moxlite.store.types import AccountClosing, Flag, MessageAdded
from moxlite.wakeup import Wakeup

if TYPE_CHECKING:
    from moxlite.net.httpclient import HTTPClient
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.account import Account
    from moxlite.store.changelog.bus import Cursor
    from moxlite.web.notices.telling import Teller

logger = logging.getLogger("moxlite.web.notices")

PAUSE: Final = 2.0
"""Seconds between a message and its notice: an open page has marked it as read by then, and more may come with it."""

INTERVAL: Final = 30.0
"""Seconds between two notices for an account."""

AT_ONCE: Final = 4
"""Accounts at a time: each holds its file open and up to ten connections."""

LONGEST: Final = 3600.0
"""Seconds ahead for which an account is noted: later its messages are too old for a notice."""


class Notices:
    """Tells devices of new mail. `serve` runs while the server does; `watch` runs for each open account.

    Args:
      auth: knows which sessions live: a device ends with the session that subscribed.
      http: requests to push services, by the address rules of webhooks.
      secret: gives the key pair by which push services know this server.
      subject: URL by which the operator of a push service reaches us.
    """

    def __init__(self, accounts: Accounts, auth: AuthDB, http: HTTPClient, *, secret: bytes, subject: str) -> None:
        self._accounts, self._auth = accounts, auth
        self._teller = Late(_maker(http, secret, subject))
        self._due: dict[str, float] = {}
        self._resting: dict[str, float] = {}
        self._ended: set[str] = set()
        self._busy: set[str] = set()
        self._wakeup = Wakeup()
        self._added = trio.Event()

    async def public_key(self) -> str:
        """The public key in base64url, which browsers need to subscribe."""
        return (await self._teller.get()).public_key

    def added(self) -> None:
        """Watch the accounts that have devices by now: one was added."""
        self._added.set()
        self._added = trio.Event()

    def end(self, account: str) -> None:
        """Remove all devices of an account: its password was changed, or it may no longer log in."""
        self._ended.add(account)
        self._due[account] = trio.current_time()
        self._wakeup.set()

    async def test(self, account: Account, device_id: int) -> str:
        """Send a notice without a message to a device. Returns "", or why it was not taken. Raises StoreError."""
        found = await account.read(lambda r: device(r, device_id), op="notices")
        if found is None:
            return "this device was removed"
        now = trio.current_time()
        if self._resting.get(account.name, now) > now:
            return "a notice was sent just now: wait half a minute"
        self._resting[account.name] = now + INTERVAL
        return await (await self._teller.get()).test(account, found)

    async def watch(self, account: Account) -> None:
        """Note an account when new mail comes, while it has devices; for `Accounts.register_task`.

        Errors: StoreError propagates.
        """
        while True:
            added = self._added
            if await account.read(has_devices, op="notices"):
                break
            await added.wait()
        _, cursor = await account.subscribe(op="notices")
        try:
            self._want(account.name, PAUSE)  # for mail that came before, such as the one that opened the account
            await self._follow(account.name, cursor)
        finally:
            cursor.close()

    async def _follow(self, name: str, cursor: Cursor) -> None:
        while True:
            await cursor.wait()
            batch = await cursor.take()
            cursor.acknowledge(batch.modseq)
            for event in batch.events:
                match event:
                    case AccountClosing():
                        return
                    case MessageAdded(flags=flags) if not flags & Flag.SEEN:
                        self._want(name, PAUSE)

    def _want(self, name: str, seconds: float) -> None:
        """Tell the devices of an account in so many seconds, or when the last notice is long enough ago."""
        if seconds > LONGEST:
            return
        at = trio.current_time() + seconds
        if at < self._due.get(name, trio.current_time() + 2 * LONGEST):
            self._due[name] = at
            self._wakeup.set()

    def _moment(self, name: str) -> float:
        """When an account that is due may be attended to: mail that comes during a notice waits its time, too."""
        at = self._due[name]
        return at if name in self._ended else max(at, self._resting.get(name, 0.0))

    async def serve(self) -> None:
        """Tell the devices of all accounts, for ever.

        Errors: an account that cannot be used is logged, and its messages are told of with the next one. Other errors
        propagate.
        """
        self._busy.clear()
        limiter = trio.CapacityLimiter(AT_ONCE)
        async with trio.open_nursery() as nursery:
            while True:
                self._wakeup.clear()
                now = trio.current_time()
                self._resting = {name: until for name, until in self._resting.items() if until > now}
                for name in [name for name in self._due if name not in self._busy and self._moment(name) <= now]:
                    del self._due[name]
                    self._busy.add(name)
                    nursery.start_soon(self._attend, name, limiter)
                waiting = [self._moment(name) for name in self._due if name not in self._busy]
                with trio.move_on_at(min(waiting, default=float("inf"))):
                    await self._wakeup.wait()

    async def _attend(self, name: str, limiter: trio.CapacityLimiter) -> None:
        try:
            async with limiter, self._accounts.use(name, check_login=name not in self._ended) as account:
                if name in self._ended:
                    await forget_devices(account)
                    self._ended.discard(name)
                elif await self._has_living(account):
                    told, later = await (await self._teller.get()).tell(account)
                    if told:
                        self._resting[name] = trio.current_time() + INTERVAL
                    if later is not None:
                        self._want(name, max(0.0, (later - time.time_ns() // 1000) / SECOND))
        except (AccountUnknown, AccountRemoved, LoginDisabled):
            self._ended.discard(name)
        except (StoreError, OSError) as error:
            logger.warning("devices not told of new mail", extra={"kv": {"account": name, "err": str(error)}})
        finally:
            self._busy.discard(name)
            self._wakeup.set()

    async def _has_living(self, account: Account) -> bool:
        """Remove the devices whose sessions have ended or expired; returns whether others are left."""
        if not await account.read(has_devices, op="notices"):
            return False
        ended = await forget_ended(account, {one.id for one in await self._auth.sessions.of(account.name)})
        if ended:
            logger.info("devices get no more notices", extra={"kv": {"account": account.name, "sessions": ended}})
        return not ended or await account.read(has_devices, op="notices")


def _maker(http: HTTPClient, secret: bytes, subject: str) -> Callable[[], Teller]:
    def make() -> Teller:
        from moxlite.web.notices.telling import Teller

        return Teller(http, secret, subject)

    return make
