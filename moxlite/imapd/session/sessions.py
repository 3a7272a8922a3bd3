"""All sessions of the server, by account: their shared state, and ending them from outside (IMAP-15, IMAP-23)."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Protocol, TypeAlias
from weakref import WeakKeyDictionary

import msgspec
import trio

from moxlite.imapd import metrics
from moxlite.imapd.session.errors import no
from moxlite.imapd.session.uidlist import Sharing, UidList
from moxlite.net.transcripts import Tap
from moxlite.proto.imap.seqset import Ranges
from moxlite.store.changelog.account import Account
from moxlite.store.rows.keywords import spellings
from moxlite.store.types import ModSeq
from moxlite.wakeup import LONGEST_SLEEP, Wakeup

MAX_SESSIONS: Final = 100
"""Maximum sessions of one account (IMAP-15): ten devices with ten connections each, and a bound for a client that leaks
connections.
"""


def now() -> int:
    """The current time in µs UTC."""
    return time.time_ns() // 1000


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One session at this moment, for the operator (IMAP-159).

    id: the connection's. client: its name from ID. mailbox_id: the selected mailbox, of the account `owner`, or None.
    received, sent: octets.
    command: the last one. app_password: the name of the one that was used to log in, "" for none.
    """

    id: int
    account: str
    address: str
    remote: str
    client: str
    owner: str
    mailbox_id: int | None
    received: int
    sent: int
    command: str
    app_password: str


class Shown(Protocol):
    """A selected mailbox as the metrics of all sessions see it: a `view.View`."""

    @property
    def list(self) -> UidList:
        """The UIDs that it keeps."""

    @property
    def gone(self) -> array[int] | None:
        """The UIDs whose removal is held back."""


class AccountShare:
    """State shared by all sessions of one account.

    Attributes:
      enders: for each session a function that ends it, and one that describes it.
      visits: how many sessions of other users have a mailbox of the account selected (IMAP-157).
      views: the selected mailboxes of all these.
      sharing: the UID lists in use, see `Sessions.sharing`.
      recent: by mailbox id, the first UID that no session has shown as ``\\Recent`` yet, as far as that's above what
        the store knows (IMAP-72a).
      unwritten: the mailboxes of which the store does not know that.
      told: octets sent to some of them for the last change (`repeat`).
      taps: receivers of transcripts of the sessions (IMAP-159).
    """

    __slots__ = ("_spellings", "enders", "name", "recent", "sharing", "taps", "told", "unwritten", "views", "visits")

    def __init__(self, name: str, taps: set[Tap]) -> None:
        self.name = name
        self.taps = taps
        self.enders: dict[Callable[[str], None], Callable[[], SessionFacts]] = {}
        self.visits = 0
        self.views: set[Shown] = set()
        self.sharing = Sharing()
        self.recent: dict[int, int] = {}
        self.unwritten: set[int] = set()
        self.told = Notes()
        self._spellings: Mapping[str, str] = {}

    async def spelled(self, account: Account, keywords: tuple[str, ...]) -> tuple[str, ...]:
        """Keywords as first written in the account (IMAP-109). New ones are looked up once for all sessions."""
        if not keywords:
            return keywords
        known = self._spellings
        if any(keyword not in known for keyword in keywords):
            known = self._spellings = await account.read(spellings, op="imap-spellings")
        return tuple([known.get(keyword, keyword) for keyword in keywords])


class Sessions:
    """The sessions of all accounts."""

    def __init__(self) -> None:
        self._accounts: dict[str, AccountShare] = {}
        self._taps: dict[str, set[Tap]] = {}
        self._sharing: WeakKeyDictionary[Account, Sharing] = WeakKeyDictionary()
        self._expiries: dict[Callable[[str], None], int] = {}  # µs UTC
        self._expiry_wakeup = Wakeup()
        metrics.sessions.set_function(lambda: sum(1 for _ in self.views()))
        metrics.visits.set_function(lambda: sum(share.visits for share in self._accounts.values()))
        metrics.view_octets.set_function(self._octets)
        metrics.held_removals.set_function(lambda: sum(len(view.gone) for view in self.views() if view.gone))

    def views(self) -> Iterator[Shown]:
        """The selected mailboxes of all sessions."""
        for share in self._accounts.values():
            yield from share.views

    def _octets(self) -> int:
        arrays = {id(view.list): view.list.uids for view in self.views()}
        return sum(len(uids) * uids.itemsize for uids in arrays.values())

    def join(
        self,
        account: str,
        end: Callable[[str], None],
        describe: Callable[[], SessionFacts],
        *,
        expires: int | None = None,
    ) -> AccountShare:
        """Register a session of `account`. `end(text)` ends it with BYE, `describe()` describes it. `expires`: expiry
        time of its app password (µs UTC).

        Raises Refused (LIMIT) when there are too many.
        """
        share = self._share(account)
        if len(share.enders) >= MAX_SESSIONS:
            raise no("too many connections of this account", "LIMIT")
        share.enders[end] = describe
        self._expiries.pop(end, None)
        if expires is not None:
            self._expiries[end] = expires
            self._expiry_wakeup.set()
        return share

    def sharing(self, account: Account) -> Sharing:
        """The lists of UIDs that the sessions of an account share. They are kept between log-ins as long as the account
        is open, so a webmail that logs in for each page need not read and sort its mailbox again (IMAP-127).
        """
        return self._sharing.setdefault(account, Sharing())

    def leave(self, share: AccountShare, end: Callable[[str], None]) -> None:
        """Unregister a session."""
        share.enders.pop(end, None)
        self._expiries.pop(end, None)
        self._drop(share)

    def visit(self, account: str) -> AccountShare:
        """Register that a session of another user selects a mailbox of `account`."""
        share = self._share(account)
        share.visits += 1
        return share

    def end_visit(self, share: AccountShare) -> None:
        """Unregister such a session."""
        share.visits -= 1
        self._drop(share)

    def _share(self, account: str) -> AccountShare:
        share = self._accounts.get(account)
        if share is None:
            share = self._accounts[account] = AccountShare(account, self._taps.setdefault(account, set()))
        return share

    def _drop(self, share: AccountShare) -> None:
        if not share.enders and not share.visits and self._accounts.get(share.name) is share:
            del self._accounts[share.name]
            self._drop_taps(share.name)

    @contextmanager
    def tapped(self, account: str) -> Iterator[Tap]:
        """Record the transcript of an account's sessions, from their next command on, during the block."""
        taps, tap = self._taps.setdefault(account, set()), Tap()
        taps.add(tap)
        try:
            with tap.lines:
                yield tap
        finally:
            taps.discard(tap)
            self._drop_taps(account)

    def _drop_taps(self, account: str) -> None:
        if account not in self._accounts and not self._taps.get(account):
            self._taps.pop(account, None)

    def end_account(self, account: str, text: str, *, app_password: str = "") -> None:
        """End all sessions of an account at once, as its password, its permission to log in, or one of its keys has
        changed (IMAP-23); with `app_password`, only sessions that used this app password (IMAP-158).
        """
        share = self._accounts.get(account)
        for end, describe in list(share.enders.items()) if share else ():
            if not app_password or describe().app_password == app_password:
                end(text)

    async def end_expired(self) -> None:
        """End each session when its app password expires, until cancelled (IMAP-158). Sleeps while there is no such
        session.

        Errors: raised; the next start ends the other sessions that are due.
        """
        while True:
            self._expiry_wakeup.clear()
            moment = now()
            for end in [end for end, expires in self._expiries.items() if expires <= moment]:
                del self._expiries[end]
                end("the app password has expired")
            seconds = min(self._expiries.values(), default=math.inf) - moment
            with trio.move_on_after(min(seconds / 1_000_000, LONGEST_SLEEP) if self._expiries else math.inf):
                await self._expiry_wakeup.wait()

    def look_again(self) -> None:
        """Compute the next expiry again, as the clock was set."""
        self._expiry_wakeup.set()

    def facts(self) -> list[SessionFacts]:
        """All sessions that are logged in, by id."""
        found = [describe() for share in self._accounts.values() for describe in share.enders.values()]
        return sorted(found, key=lambda one: one.id)

    def end_session(self, id_: int, text: str) -> bool:
        """End one session. Returns False if no session has that id."""
        for share in self._accounts.values():
            for end, describe in share.enders.items():
                if describe().id == id_:
                    end(text)
                    return True
        return False

    def count(self, account: str | None = None) -> int:
        """Number of logged-in sessions, of one account or of all."""
        if account is None:
            return sum(len(share.enders) for share in self._accounts.values())
        share = self._accounts.get(account)
        return len(share.enders) if share else 0


# Rendered octets of an account's last change, to send to sessions in the same state; `repeat` stores and finds them.


MAX_NOTES: Final = 32
"""Maximum notes of one account: sessions differ in mailboxes and capabilities. Notes of an older change are dropped
with the next one.
"""

Key: TypeAlias = tuple[int, int, int, frozenset[str], bool, int, bool]
"""Session state on which the octets depend: modseq, mailbox, UIDNEXT, keywords, read-only, ENABLEd, whether removals
are sent.
"""


class SentUpdate(msgspec.Struct, frozen=True):
    """Octets sent to a session for a change, and its state afterwards.

    modseq: the cursor's. uids, uidnext, keywords: the view's. passed: modseq of the last change in the view, 0 without
    one. alone: no other mailbox has changed. origins: the sessions that made the changes. low, high: the lowest and
    highest UID among the messages; 0 without messages.
    """

    octets: bytes
    modseq: ModSeq
    uids: UidList
    uidnext: int
    keywords: frozenset[str]
    passed: int
    alone: bool
    origins: frozenset[int | None]
    low: int
    high: int

    def concerns(self, ranges: Ranges) -> bool:
        """Whether ranges of UIDs overlap the changed messages."""
        return any(low <= self.high and self.low <= high for low, high in ranges)


class Notes:
    """Notes of an account's last change, by session state."""

    __slots__ = ("_modseq", "_notes")

    def __init__(self) -> None:
        self._modseq = ModSeq(0)
        self._notes: dict[Key, SentUpdate] = {}

    def find(self, key: Key) -> SentUpdate | None:
        """The note for a session in this state, or None."""
        return self._notes.get(key)

    def keep(self, key: Key, sent_update: SentUpdate) -> None:
        """Keep a note for other sessions in the same state. Notes of other changes are dropped."""
        if self._modseq != sent_update.modseq or len(self._notes) >= MAX_NOTES:
            self._modseq = sent_update.modseq
            self._notes.clear()
        self._notes[key] = sent_update
