"""The selected mailbox of one session in the state that its client knows (IMAP-52..62).

Theory of operation
-------------------
IMAP numbers messages, and the numbers shift with each EXPUNGE response. So message numbers depend not on the mailbox,
but on the responses that this client got, and on their order. A `View` is that state: UIDs in order of their numbers,
`uidnext` (the lowest UID not sent yet), and `gone`: UIDs already removed from the mailbox whose removal may not be sent
yet. Their messages stay readable (STORE-36).

With UIDONLY there are no message numbers, so such a session keeps no UIDs: a `CountedView` keeps the number of messages
sent, and `named` reads the UIDs that a command names from the store (IMAP-53).

Nothing here waits or writes; `updates.changes` turns batches of the store's change bus into calls of these methods and
into responses.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import ClassVar, Final

from moxlite.imapd.session.errors import bad
from moxlite.imapd.session.sessions import EMPTY, Seat, UidList, uid_array
from moxlite.proto.imap.seqset import Ranges, SequenceSet, index_runs, normalize, pick, runs, subtract
from moxlite.store.accounts.access import WRITING
from moxlite.store.mail.acl import RIGHTS
from moxlite.store.types import Mailbox

_WRITING: Final = frozenset(WRITING)


class BoxAccess:
    """The user's access to the selected mailbox.

    Attributes:
      rights: on the mailbox (RFC 4314), at the last check.
      read_only: it was opened by EXAMINE, or the rights allow no changes.
      system: it is the system's mailbox, of which messages can only be moved to the trash (IMAP-162).
      lost: the mailbox was deleted by someone else, or the user may not read it any longer (IMAP-58).
    """

    __slots__ = ("_examined", "lost", "read_only", "rights", "system")

    def __init__(self, *, system: bool, read_only: bool) -> None:
        self.rights = RIGHTS
        self.system = system
        self._examined = self.read_only = read_only
        self.lost = False

    def allow(self, rights: str) -> None:
        """Set the user's rights. Without the right to read, the mailbox is treated as deleted."""
        self.rights = rights
        self.read_only = self._examined or _WRITING.isdisjoint(rights)
        if "l" not in rights or "r" not in rights:
            self.lost = True


class Modseqs:
    """The place of a view in the account's change log.

    Attributes:
      since: modseq of SELECT's snapshot; changes up to here are in the view.
      last: modseq of the last change of this mailbox that is in the view, or held in `View.gone`.
      behind: modseq up to which all changes were sent, if NOTIFY suppresses later ones; else 0.
      shown: the highest modseq in an answer to a client that may remember it (CONDSTORE).
    """

    __slots__ = ("behind", "last", "shown", "since")

    def __init__(self, since: int, last: int) -> None:
        self.since = since
        self.last = last
        self.behind = 0
        self.shown = 0


class Recent:
    """The messages that show ``\\Recent`` to this session (IMAP-72a).

    Attributes:
      uids: as ranges; replaced, never changed.
      told: number of them in a counted view.
    """

    __slots__ = ("told", "uids")

    def __init__(self) -> None:
        self.uids: Ranges = []
        self.told = 0

    def shows(self, uid: int) -> bool:
        """Whether this session shows ``\\Recent`` for `uid`."""
        return bool(self.uids) and any(low <= uid <= high for low, high in self.uids)

    def shown(self, uids: Sequence[int]) -> list[bool]:
        """The same for each of ascending `uids`."""
        found = [False] * len(uids)
        for start, stop in index_runs(uids, self.uids):
            found[start:stop] = [True] * (stop - start)
        return found

    def among(self, uids: array[int]) -> int:
        """Number of them among `uids`."""
        return sum(stop - start for start, stop in index_runs(uids, self.uids)) if self.uids else 0


class View:
    """The selected mailbox of one session.

    Attributes:
      seat: the account that it is in. mailbox_id: its id in the store; the name may change meanwhile, the id doesn't.
      access: the user's rights on it.
      uidvalidity: as sent at SELECT.
      list: UIDs that have message numbers, `gone` included.
      uidnext: UIDs from here on have not been sent; the client does not know them.
      modseqs: the view's place in the change log.
      gone: UIDs removed from the mailbox whose EXPUNGE was not sent yet; ascending.
      counted: the view has the number of messages, but not their UIDs.
      recent: UIDs that show ``\\Recent`` to this session.
      saved: result of the last SEARCH RETURN (SAVE), ascending UIDs (RFC 5182).
      keywords: names sent in FLAGS, in the store's spelling, lower-case (IMAP-60).
    """

    counted: ClassVar[bool] = False

    __slots__ = (
        "access",
        "gone",
        "keywords",
        "list",
        "mailbox_id",
        "modseqs",
        "recent",
        "saved",
        "seat",
        "uidnext",
        "uidvalidity",
    )

    def __init__(
        self,
        seat: Seat,
        box: Mailbox,
        *,
        read_only: bool,
        since: int,
        uids: UidList,
    ) -> None:
        self.seat = seat
        self.mailbox_id = box.id
        self.access = BoxAccess(system=box.system, read_only=read_only)
        self.uidvalidity = box.uidvalidity
        self.uidnext: int = box.uidnext
        self.modseqs = Modseqs(since, box.modseq)
        self.list = uids
        self.keywords = frozenset(box.keywords)
        self.gone: array[int] | None = None
        self.recent = Recent()
        self.saved: array[int] | None = None

    # -- numbers

    @property
    def uids(self) -> array[int]:
        """All UIDs with a message number, ascending. Shared with other sessions: never change it."""
        return self.list.uids

    @property
    def exists(self) -> int:
        """Number of messages that the client knows."""
        return len(self.list)

    @property
    def last_uid(self) -> int:
        """The highest UID sent to the client, 0 for none: the meaning of ``*`` in a UID set (IMAP-62)."""
        uids = self.list.uids
        return uids[-1] if uids else 0

    def uid(self, number: int) -> int:
        """The UID of message `number` (1 … `exists`)."""
        return self.list.uids[number - 1]

    def number(self, uid: int) -> int:
        """The message number of `uid`, or 0 if the client does not know it."""
        return self.list.number(uid)

    @property
    def recent_count(self) -> int:
        r"""Number of messages that show ``\Recent``."""
        return self.recent.among(self.uids)

    # -- sets

    def resolve(self, numbers: SequenceSet, *, uid: bool) -> array[int]:
        """The UIDs that `numbers` names, ascending, each once; `uid`: they are UIDs, not message numbers.

        Unknown UIDs are left out, but not UIDs in `gone`. Raises Refused (BAD) for a message number beyond `exists`,
        and for ``*`` as a number when there are no messages (IMAP-62).
        """
        if numbers.saved:
            return self.search_result()
        if uid:
            return pick(self.uids, numbers.resolve(self.last_uid))
        if numbers.largest > self.exists or (numbers.star and not self.exists):
            raise bad("no such message number")
        return self.sought(numbers)

    def sought(self, numbers: SequenceSet) -> array[int]:
        """The UIDs that a search by message numbers names. Numbers beyond `exists` match nothing (IMAP-62)."""
        if numbers.saved:
            return self.search_result()
        found = uid_array()
        for low, high in numbers.resolve(self.exists):
            found += self.uids[low - 1 : high]
        return found

    def search_result(self) -> array[int]:
        """The saved UIDs (``$``) that still have numbers (RFC 5182 §2.1), ascending."""
        if not self.saved:
            return uid_array()
        return pick(self.uids, list(runs(self.saved)))

    def live(self, uids: array[int]) -> array[int]:
        """`uids` without UIDs removed from the mailbox."""
        if not self.gone:
            return uids
        return pick(uids, subtract(list(runs(uids)), self.gone))

    # -- changes

    def told(self, uids: Ranges) -> array[int]:
        """The removed UIDs that the client knows."""
        return pick(self.uids, uids)

    def hold(self, uids: Ranges) -> None:
        """Record a removal that will be sent later. UIDs that the client does not know are ignored."""
        mine = self.told(uids)
        if self.gone:
            mine = uid_array(sorted({*self.gone, *mine}))
        self.gone = mine or None

    def grow(self, uids: array[int]) -> None:
        """Add new messages that are sent to the client. Their UIDs ascend and are above all others."""
        self.list = self.list.adding(uids)
        self.uidnext = uids[-1] + 1

    def shrink(self, uids: array[int]) -> None:
        """Remove messages whose removal is sent to the client."""
        self.list = self.list.without(list(runs(uids)))

    def numbers_of(self, ranges: Ranges) -> list[int]:
        """The message numbers for EXPUNGE lines, in order, for the removal of the UIDs in `ranges`.

        They descend, so that no removal shifts a later number.
        """
        numbers: list[int] = []
        for start, stop in reversed(index_runs(self.uids, ranges)):
            numbers.extend(range(stop, start, -1))
        return numbers


MAX_ABSENT: Final = 1_000
"""Maximum ranges of UIDs that a counted view remembers: they come from races, and from changes that NOTIFY does not
send.
"""


class CountedView(View):
    """The selected mailbox of a session under UIDONLY (RFC 9586): a number of messages without their UIDs.

    A UID below `uidnext` is known to the client unless it was removed up to `since`, or is `absent`. The removed UIDs
    are read from the store.

    Attributes:
      absent: UIDs from SELECT on that are not in the view, if the store's change log may name them again: removed
        before they were sent, or sent as removed while NOTIFY left out other changes.
    """

    __slots__ = ("absent", "count")

    counted = True

    def __init__(
        self,
        seat: Seat,
        box: Mailbox,
        *,
        read_only: bool,
        since: int,
    ) -> None:
        super().__init__(seat, box, read_only=read_only, since=since, uids=EMPTY)
        self.count = box.exists
        self.absent: Ranges = []

    @property
    def uids(self) -> array[int]:
        """Raise AssertionError: a view under UIDONLY holds no UIDs."""
        raise AssertionError("UIDs aren't available in a UIDONLY view")

    @property
    def exists(self) -> int:
        """See `View.exists`."""
        return self.count

    @property
    def recent_count(self) -> int:
        """See `View.recent_count`."""
        return self.recent.told

    def number(self, uid: int) -> int:
        """Not available: there are no message numbers."""
        raise AssertionError("message numbers aren't allowed with UIDONLY")

    def search_result(self) -> array[int]:
        """See `View.search_result`."""
        return self.saved or uid_array()

    def told(self, uids: Ranges) -> array[int]:
        """See `View.told`. All `uids` were in the mailbox when the view began, or came later."""
        known = uid_array()
        for low, high in uids:
            known.extend(range(low, min(high + 1, self.uidnext)))
        for start, stop in reversed(index_runs(known, self.absent)):
            del known[start:stop]
        return known

    def grow(self, uids: array[int]) -> None:
        """See `View.grow`."""
        self.count += len(uids)
        self._forget(subtract([(self.uidnext, uids[-1])], uids))
        self.uidnext = uids[-1] + 1

    def shrink(self, uids: array[int]) -> None:
        """See `View.shrink`."""
        self.count -= len(uids)
        self.recent.told -= self.recent.among(uids)
        if self.saved:
            self.saved = pick(self.saved, subtract(list(runs(self.saved)), uids))
        if self.modseqs.behind:
            self._forget(list(runs(uids)))

    def _forget(self, uids: Ranges) -> None:
        if uids:
            self.absent = normalize([*self.absent, *uids])[-MAX_ABSENT:]
