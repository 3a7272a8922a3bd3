"""Finds new mail in accounts with devices, by their change buses, and has the devices told of it (WEBMAIL-122).

What is lost with the process is found again by the marks of the devices when their account is opened the next time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import trio

from moxlite.lazyimport import Lazy
from moxlite.net.transcripts import TranscriptBuffer
from moxlite.store.mail.acl import guests
from moxlite.store.mail.sharenotices import ANYONE
from moxlite.store.people.devices import SECOND, device, forget_devices, forget_ended, has_devices
from moxlite.store.people.subscriptions import forget_subscriptions, has_subscriptions
from moxlite.store.types import AccountClosing, Flag, MessageAdded
from moxlite.wakeup import Alarm, CallbackAlarm, Wakeup
from moxlite.web.notices.rounds import Rounds

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot
    from moxlite.net.httpclient import HTTPClient
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.account import Account
    from moxlite.store.file.transaction import Reader
    from moxlite.web.notices.requests import PushSender


logger = logging.getLogger("moxlite.web.notices")

PAUSE: Final = 2.0
"""Seconds between a message and its notice: an open page has marked it as read by then, and more may come with it."""

INTERVAL: Final = 30.0
"""Seconds between two notices for an account."""

LONGEST: Final = 3600.0
"""Seconds ahead for which an account is noted: later its messages are too old for a notice."""


class Notices(Rounds):
    """Tells devices of new mail.

    Args:
      auth: knows which sessions live: a device ends with the session that subscribed.
      http: requests to push services, by the address rules of webhooks.
      secret: gives the key pair by which push services know this server.
      subject: URL by which the operator of a push service reaches us.
    """

    def __init__(self, accounts: Accounts, auth: AuthDB, http: HTTPClient, *, secret: bytes, subject: str) -> None:
        super().__init__(accounts, what="devices")
        self._auth = auth
        self._teller = Lazy(_maker(http, secret, subject))
        self._added = trio.Event()
        self._bells: dict[str, set[Wakeup]] = {}

    @property
    def pause(self) -> float:
        """As `Rounds`."""
        return PAUSE

    def added(self) -> None:
        """Watch the accounts that have a device by now: one was added."""
        self._added.set()
        self._added = trio.Event()
        self._accounts.look_again()

    def concerned(self, account: str, r: Reader) -> bool:
        """Whether `watch` has work for an account."""
        return has_devices(r)

    async def watch(self, account: Account) -> None:
        """Note an account with devices when unread mail comes; for `Accounts.register_task`. Errors: StoreError
        propagates.
        """
        while True:
            added = self._added
            # The event of before the read: a device that is added between the read and the wait has set it already.
            if await account.read(has_devices, op="notices"):
                break
            await added.wait()
        _, cursor = await account.subscribe(op="notices")
        try:
            self.want(account.name, self.pause)  # for what came before, such as the mail that opened the account
            while True:
                await cursor.wait()
                batch = await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
                if batch.from_log or any(
                    isinstance(event, MessageAdded) and not event.flags & Flag.SEEN for event in batch.events
                ):
                    self.want(account.name, self.pause)
        finally:
            cursor.close()

    async def public_key(self) -> str:
        """The public key in base64url, which browsers need to subscribe."""
        return (await self._teller.get()).public_key

    def end(self, account: str) -> None:
        """Remove all devices of an account: its password was changed, or it may no longer log in."""
        self._ended[account] = {""}
        self.want(account, 0.0)

    def ring(self, account: str) -> None:
        """Tell the devices of an account of alarms (DAV-50), also just after another notice, and its open pages."""
        for bell in self._bells.get(account, ()):
            bell.set()
        self._resting.pop(account, None)
        self.want(account, 0.0)

    @contextmanager
    def heard(self, account: str, bell: Wakeup) -> Iterator[None]:
        """Set the bell of a page for each alarm of the account (DAV-51) during the block."""
        bells = self._bells.setdefault(account, set())
        bells.add(bell)
        try:
            yield
        finally:
            bells.discard(bell)
            if not bells:
                self._bells.pop(account, None)

    async def test(self, account: Account, device_id: int) -> str:
        """Send a notice without a message to a device. Returns "", or why it was not taken. Raises StoreError."""
        found = await account.read(lambda r: device(r, device_id), op="notices")
        if found is None:
            return "this device was removed"
        now = trio.current_time()
        # The time is taken before the request is sent, so that pressing twice sends once.
        if self._resting.get(account.name, now) > now:
            return "a test notification was just sent; wait 30 seconds"
        self._resting[account.name] = now + INTERVAL
        return await (await self._teller.get()).test(account, found)

    async def attend(self, account: Account) -> None:
        """As `Rounds`."""
        if account.name in self._ended:
            # Forgotten before it is taken from the list: if the disk is full now, the next event removes them before
            # anything is told.
            await forget_devices(account)
            self._ended.pop(account.name, None)
        elif await self._has_living(account):
            told, later = await (await self._teller.get()).tell(account)
            if told:
                self._resting[account.name] = trio.current_time() + INTERVAL
            ahead = None if later is None else max(0.0, (later - time.time_ns() // 1000) / SECOND)
            if ahead is not None and ahead <= LONGEST:
                self.want(account.name, ahead)

    async def _has_living(self, account: Account) -> bool:
        """Remove the devices whose sessions have ended or expired; returns whether others are left."""
        if not await account.read(has_devices, op="notices"):
            return False
        ended = await forget_ended(account, {session.id for session in await self._auth.sessions.of(account.name)})
        if ended:
            logger.info("device notifications failed", extra={"kv": {"account": account.name, "sessions": ended}})
        return not ended or await account.read(has_devices, op="notices")


def _maker(http: HTTPClient, secret: bytes, subject: str) -> Callable[[], PushSender]:
    def make() -> PushSender:
        from moxlite.web.notices.requests import PushSender, PushService

        return PushSender(PushService(http, secret, subject))

    return make


# Programs with push subscriptions of JMAP are told of changes (RFC 8620 §7.2).

PROGRAM_PAUSE: Final = 0.5
"""Seconds in which changes are gathered for one request."""

PROGRAM_LONGEST: Final = 6 * 3600.0
"""Seconds ahead for which an account is noted."""


class ProgramNotifier(Protocol):
    """Tells the programs of an account."""

    async def tell(self, account: OpenAccount, owners: Collection[str]) -> int | None:
        """Tell all programs of changes of the account, and of the accounts `owners`, which share something; returns
        when those that could not be told may be tried again, µs UTC, None for never. Raises StoreError.
        """


class Subscribers:
    """Accounts with push subscriptions, as far as they were opened, and the accounts of whose changes they hear: their
    own, and those that share something with them (JMAP-7b).

    Args:
      auth: knows which do.
      look_again: called when one more may be concerned.
    """

    def __init__(self, auth: AuthDB, look_again: Callable[[], None]) -> None:
        self._auth = auth
        self._look_again = look_again
        auth.sharing.alarms.add(CallbackAlarm(look_again))
        self._names: set[str] = set()
        self._owners: dict[str, set[str]] = {}
        self._alarms: set[Alarm] = set()

    @property
    def names(self) -> Collection[str]:
        """The accounts with subscriptions, as far as they were opened."""
        return self._names

    def add(self, name: str) -> None:
        """Note an account that has a subscription."""
        if name not in self._names:
            self._names.add(name)
            self._look_again()
            for alarm in self._alarms:
                alarm.set()

    def drop(self, name: str) -> None:
        """Forget an account that has none any more."""
        self._names.discard(name)

    def concerned(self, name: str, r: Reader) -> bool:
        """Whether changes of an account may concern a subscriber. May run in any thread."""
        return name in self._names or has_subscriptions(r) or (bool(self._names) and bool(guests(r)))

    async def wait(self, account: Account) -> None:
        """Return once changes of an account concern a subscriber. Raises StoreError."""
        alarm = Alarm()
        alarms = self._alarms, self._auth.sharing.alarms
        for one in alarms:
            one.add(alarm)
        try:
            # Both alarms were added before the look, so that a subscription or share in between wakes this task.
            while not await self.of(account):
                await alarm.sleep()
        finally:
            for one in alarms:
                one.discard(alarm)

    async def of(self, account: Account) -> set[str]:
        """The subscribers that are to hear of changes of an account. Raises StoreError."""
        if account.name not in self._names and await account.read(has_subscriptions, op="notices"):
            self.add(account.name)
        others = self._names - {account.name}
        if others:
            guests = await self._auth.sharing.guests(account.name)
            others = others if ANYONE in guests else others & guests
        return others | (self._names & {account.name})

    def note(self, name: str, owners: Collection[str]) -> None:
        """Note the accounts of others in which something has changed for a subscriber."""
        self._owners.setdefault(name, set()).update(owners)

    def take(self, name: str) -> set[str]:
        """The accounts that were noted since the last call."""
        return self._owners.pop(name, set())


class ProgramNotices(Rounds):
    """Tells programs of changes, also in accounts that others share with theirs (JMAP-7b).

    Args:
      auth: knows which accounts share something with which users.
      make: makes what tells, for the first account that has subscriptions.
    """

    def __init__(self, accounts: Accounts, auth: AuthDB, make: Callable[[], ProgramNotifier]) -> None:
        super().__init__(accounts, what="programs")
        self._subscribers = Subscribers(auth, accounts.look_again)
        self._teller = Lazy(make)
        self._live: dict[str, list[tuple[trio.CancelScope, str]]] = {}
        self._taps: dict[str, set[TranscriptBuffer]] = {}
        self.alarms: set[Alarm] = set()
        """Set when the configuration has changed, for connections that tell of that."""

    @property
    def pause(self) -> float:
        """As `Rounds`."""
        return PROGRAM_PAUSE

    def reconfigured(self, old: Snapshot, new: Snapshot) -> None:
        """Tell programs of settings that belong to the configuration, such as addresses and names."""
        if old.revision != new.revision:
            for alarm in self.alarms:
                alarm.set()
            for account in self._subscribers.names:
                self.want(account, self.pause)

    def subscribed(self, account: str) -> None:
        """A subscription of this account was added or changed: its program is asked, or told, now."""
        self._subscribers.add(account)
        self.want(account, 0.0)

    def concerned(self, account: str, r: Reader) -> bool:
        """Whether `watch` has work for an account, for all that is known before it looks."""
        return self._subscribers.concerned(account, r)

    async def watch(self, account: Account) -> None:
        """Note an account with subscriptions, and those with which it shares something, when something happens; for
        `Accounts.register_task`. Errors: StoreError propagates.
        """
        await self._subscribers.wait(account)
        _, cursor = await account.subscribe(op="notices")
        try:
            while True:  # at first for what came before, such as the mail that opened the account
                for name in await self._subscribers.of(account):
                    if name != account.name:
                        self._subscribers.note(name, [account.name])
                    self.want(name, self.pause)
                await cursor.wait()
                batch = await cursor.take()
                cursor.acknowledge(batch.modseq)
                if any(isinstance(event, AccountClosing) for event in batch.events):
                    return
        finally:
            cursor.close()

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

    def taps(self, account: str) -> Collection[TranscriptBuffer]:
        """The receivers of transcripts of what an account's programs say (JMAP-8a)."""
        return self._taps.get(account, ())

    @contextmanager
    def tapped(self, account: str) -> Iterator[TranscriptBuffer]:
        """Record the transcript of an account's programs during the block."""
        tap = TranscriptBuffer()
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

    async def attend(self, account: OpenAccount) -> None:
        """As `Rounds`."""
        ended = {*self._ended.get(account.name, ())}
        found = await account.read(has_subscriptions, op="notices")
        if ended:
            if found:
                await account.write(partial(forget_subscriptions, logins=ended))
            self._removed(account.name, ended)
        # What comes during the requests below is noted anew, and belongs to the next round.
        owners = self._subscribers.take(account.name)
        if not found:
            self._subscribers.drop(account.name)
            return
        later: int | None = 0
        try:
            later = await (await self._teller.get()).tell(account, owners)
        finally:
            if later is not None:
                self._subscribers.note(account.name, owners)
        if later is not None:
            self.want(account.name, min(max(1.0, later / 1_000_000 - time.time()), PROGRAM_LONGEST))
