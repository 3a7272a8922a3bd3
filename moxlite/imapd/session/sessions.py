"""All sessions of the server, by account: their shared state, and ending them from outside (IMAP-15, IMAP-23)."""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from threading import Lock
from typing import Final, Protocol, TypeAlias
from weakref import WeakKeyDictionary, ref

import msgspec
import trio

from moxlite.imapd import metrics
from moxlite.imapd.session.errors import no
from moxlite.logins.identity import Identity
from moxlite.net.transcripts import TranscriptBuffer
from moxlite.proto.imap.seqset import Ranges, index_runs
from moxlite.proto.imap.threading import Subjects, Threadable
from moxlite.store.accounts.access import Access
from moxlite.store.changelog.account import Account
from moxlite.store.changelog.bus import Cursor
from moxlite.store.rows.mailboxes import spellings
from moxlite.store.search.index import IndexedAccount
from moxlite.store.types import ModSeq
from moxlite.wakeup import LONGEST_SLEEP, Wakeup

# The UIDs of a mailbox as one session knows them: immutable, and shared by all sessions in the same state (IMAP-53).
#
# A hundred idle sessions on a mailbox of 100,000 messages would cost 40 MB if each had its own array. Sessions which
# have applied all changes up to one modseq know the same UIDs, so they hold the same `UidList`: `Sharing` finds the one
# that another session has just made. A change makes a new array by joining slices of the old one (IMAP-171: O(n + k),
# and the n is a memory copy).


def uid_array(uids: Iterable[int] = ()) -> array[int]:
    """An array of UIDs, four octets each."""
    return array("I", uids)


MAX_ORDERS: Final = 3
"""Maximum results kept with a list: a client sorts and threads in one or two ways, again and again."""


class Threads:
    """The threads of a mailbox, to which new messages can be added. May be used in several threads of the process.

    uids: the UIDs in the threads, ascending. Successive lists share one object, so it may have more UIDs than the list
    that refers to it.
    """

    __slots__ = ("_line", "_lock", "_subjects", "_told", "uids")

    def __init__(self, subjects: Subjects) -> None:
        self.uids = uid_array()
        self._subjects = subjects
        self._lock = Lock()
        self._line: bytes | None = None
        self._told: Sequence[int] | None = None  # UIDs or numbers, as in the line written last

    def within(self, uids: array[int]) -> bool:
        """Whether `uids` begin with all UIDs in the threads."""
        return self.uids == uids[: len(self.uids)]

    def add(self, known: int, uids: array[int], messages: Sequence[Threadable]) -> None:
        """Add messages with UIDs above all others, unless messages beyond the `known` ones have been added by now."""
        with self._lock:
            if len(self.uids) == known and uids:
                self._subjects.add(messages)
                self.uids = self.uids + uids
                self._line = None

    def octets(self, uids: array[int], numbers: Sequence[int], *, by_uid: bool) -> bytes | None:
        """The threads of `uids` in wire format, by UIDs or by numbers; None if they contain other messages."""
        with self._lock:
            if self.uids != uids:
                return None
            told, before = uids if by_uid else numbers, self._told
            if self._line is None or told != before:
                go_on = before is not None and told[: len(before)] == before
                self._line = self._subjects.octets(told, go_on=go_on)
                self._told = told
            return self._line


class UidList:
    """Ascending UIDs; position + 1 is the message number.

    `orders` are results of sorting and threading all of them, by request, at most `MAX_ORDERS`, the newest last. They
    stay valid as long as the list, as sort keys never change. `earlier` are `orders` of the lists from which this one
    was made, to be updated: orders that lack messages at the end or have removed ones, threads that lack messages.
    """

    __slots__ = ("__weakref__", "_next", "earlier", "orders", "uids")

    def __init__(self, uids: array[int], earlier: dict[Hashable, array[int] | Threads] | None = None) -> None:
        self.uids = uids
        self.orders: dict[Hashable, array[int] | Threads] = {}
        self.earlier = earlier or {}
        self._next = 0  # position after the one that was looked up last

    def __len__(self) -> int:
        return len(self.uids)

    def number(self, uid: int) -> int:
        """The message number of `uid`, or 0 if it is not in the list."""
        uids, position = self.uids, self._next
        if position >= len(uids) or uids[position] != uid:  # most look-ups come in ascending order
            position = bisect_left(uids, uid)
            if position == len(uids) or uids[position] != uid:
                return 0
        self._next = number = position + 1
        return number

    def keep(self, asked: Hashable, result: array[int] | Threads) -> None:
        """Keep a result in `orders`."""
        self.earlier.pop(asked, None)
        self.orders.pop(asked, None)
        self.orders[asked] = result
        if len(self.orders) > MAX_ORDERS:
            del self.orders[next(iter(self.orders))]

    def _kept(self) -> dict[Hashable, array[int] | Threads]:
        return dict([*self.earlier.items(), *self.orders.items()][-MAX_ORDERS:])

    def adding(self, uids: array[int]) -> UidList:
        """The list with `uids`, which ascend and are above all others, added at its end."""
        return UidList(self.uids + uids, self._kept()) if uids else self

    def without(self, ranges: Ranges) -> UidList:
        """The list without the UIDs in `ranges`."""
        kept = uid_array()
        start = 0
        for first, stop in index_runs(self.uids, ranges):
            kept += self.uids[start:first]
            start = stop
        if not start:
            return self
        kept += self.uids[start:]
        # Links made by a removed message cannot be told from others.
        return UidList(kept, {asked: one for asked, one in self._kept().items() if not isinstance(one, Threads)})


EMPTY = UidList(uid_array())


class Sharing:
    """The newest list of each mailbox of one account. The last one is kept even without a session, for the next session
    that selects that mailbox.
    """

    __slots__ = ("_last", "_lists")

    def __init__(self) -> None:
        self._lists: dict[int, tuple[int, int, ref[UidList]]] = {}  # UIDVALIDITY, modseq
        self._last: UidList | None = None

    def find(self, mailbox_id: int, modseq: int) -> UidList | None:
        """The list of a session that has applied all changes of the account up to `modseq`, and no later ones."""
        found = self._lists.get(mailbox_id)
        return found[2]() if found is not None and found[1] == modseq else None

    def nearest(self, mailbox_id: int, uidvalidity: int) -> tuple[int, UidList] | None:
        """The modseq and the list of the session with the newest state."""
        validity, modseq, found = self._lists.get(mailbox_id, (0, 0, _nothing))
        uids = found() if validity == uidvalidity else None
        return None if uids is None else (modseq, uids)

    def share(self, mailbox_id: int, uidvalidity: int, modseq: int, mine: UidList) -> UidList:
        """The list to hold at `modseq`: another session's if there is one, else `mine`, which other sessions can find
        from now on.
        """
        found = self._lists.get(mailbox_id)
        if found is not None and found[0] == uidvalidity:
            other = found[2]()
            if other is not None and found[1] >= modseq:
                return other if found[1] == modseq else mine
        self._lists[mailbox_id] = (uidvalidity, modseq, ref(mine))
        self._last = mine
        return mine


def _nothing() -> None:
    """Substitute for a dead weak reference."""


MAX_SESSIONS: Final = 100
"""Maximum sessions of one account (IMAP-15): ten devices with ten connections each, and a bound for a client that leaks
connections.
"""


def now() -> int:
    """The current time in µs UTC."""
    return time.time_ns() // 1000


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One session at this moment, for the operator (IMAP-159).

    id: the connection's. identity: the user. client: its name from ID. mailbox_id: the selected mailbox, of the
    account `owner`, or None. received, sent: octets. command: the last one.
    """

    id: int
    identity: Identity
    remote: str
    client: str
    owner: str
    mailbox_id: int | None
    received: int
    sent: int
    command: str


class SelectedView(Protocol):
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

    def __init__(self, name: str, taps: set[TranscriptBuffer]) -> None:
        self.name = name
        self.taps = taps
        self.enders: dict[Callable[[str], None], Callable[[], SessionFacts]] = {}
        self.visits = 0
        self.views: set[SelectedView] = set()
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
        self._taps: dict[str, set[TranscriptBuffer]] = {}
        self._sharing: WeakKeyDictionary[Account, Sharing] = WeakKeyDictionary()
        self._expiries: dict[Callable[[str], None], int] = {}  # µs UTC
        self._expiry_wakeup = Wakeup()
        metrics.sessions.set_function(lambda: sum(1 for _ in self.views()))
        metrics.visits.set_function(lambda: sum(share.visits for share in self._accounts.values()))
        metrics.view_octets.set_function(self._octets)
        metrics.held_removals.set_function(lambda: sum(len(view.gone) for view in self.views() if view.gone))

    def views(self) -> Iterator[SelectedView]:
        """The selected mailboxes of all sessions."""
        for share in self._accounts.values():
            yield from share.views

    def _octets(self) -> int:
        # Views in the same state share one list, which counts once.
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
            raise no("too many connections for this account", "LIMIT")
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
        # Called twice for a session whose log-in failed half-way: by then a new share may have the name.
        if not share.enders and not share.visits and self._accounts.get(share.name) is share:
            del self._accounts[share.name]
            self._drop_taps(share.name)

    @contextmanager
    def tapped(self, account: str) -> Iterator[TranscriptBuffer]:
        """Record the transcript of an account's sessions, from their next command on, during the block."""
        taps, tap = self._taps.setdefault(account, set()), TranscriptBuffer()
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

    def end_account(self, account: str, text: str, *, app_password: str = "", key: str = "") -> None:
        """End all sessions of an account at once, as its password or its permission to log in has changed (IMAP-23);
        with `app_password` or `key`, only sessions that used this app password (IMAP-158) or TLS key.
        """
        share = self._accounts.get(account)
        for end, describe in list(share.enders.items()) if share else ():
            if describe().identity.used(app_password=app_password, key=key):
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


# Seat of a session at one account: its own, or the account of another user whose mailbox it has selected (IMAP-157).


class Seat(Access, frozen=True, eq=False, kw_only=True):
    """A session's place at an account. Message ids, UIDs and modseqs of a view mean something only at its seat.

    cursor: the session's position on the account's change bus. share: state shared with the account's other sessions.
    stack: releases resources with the seat, or for the user's own account with the session.
    """

    account: IndexedAccount
    cursor: Cursor
    share: AccountShare
    stack: AsyncExitStack

    async def spelled(self, keywords: tuple[str, ...]) -> tuple[str, ...]:
        """Keywords as first written in the account (IMAP-109)."""
        return await self.share.spelled(self.account, keywords)
