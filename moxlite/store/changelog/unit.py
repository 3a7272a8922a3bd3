"""Transaction of a unit on an account: its modseq, its events, the messages it touched (STORE-23, STORE-31 to 34,
STORE-189, STORE-189a).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final, TypeAlias, TypeVar

import msgspec

from moxlite.store.changelog.bus import MARK_ROWS, Bus, Cursor
from moxlite.store.changelog.keys import is_known, note_key
from moxlite.store.errors import Overtaken
from moxlite.store.file.transaction import Connection, Reader, Tx
from moxlite.store.options import AccountConfig
from moxlite.store.types import Event, MessageID, MessagesRemoved, ModSeq

T = TypeVar("T")

OVERTAKEN: Final = 10_000
"""Messages above which a unit no longer names the changes it overtook: its subscriber then takes the whole unit from
the database.
"""

TRIES: Final = 10
"""Attempts at a change that others overtake. Of six programs that change one event at once, the last one needs six."""

NEXT_MODSEQ: Final = "UPDATE state SET modseq = modseq + 1 WHERE id = 1 RETURNING modseq"
OWE: Final = """
INSERT INTO outbox (key, kind, message_id, data, created, due) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO NOTHING"""


async def retried(work: Callable[[], Awaitable[T]]) -> T:
    """Run what reads something and then, in a unit, changes it: again from the start where the unit raises Overtaken.

    Raises Overtaken after so many attempts that only a program that never stops writing can be the reason.
    """
    for _ in range(TRIES - 1):
        with suppress(Overtaken):
            return await work()
    return await work()


class CommitHooks(msgspec.Struct, frozen=True):
    """Functions that are called after a commit: `owes` when a row of `outbox` was written, `removed` when messages were
    removed, `changed` when anything has a new modseq, with the number of changed rows.
    """

    owes: Callable[[], None]
    removed: Callable[[], None]
    changed: Callable[[int], None]


class AccountTx(Tx):
    """A unit's view of an account; from `Account.write`.

    `account` is its name, `config` its configuration, `origin` the caller's cursor, if it has one.
    """

    __slots__ = (
        "_bus",
        "_events",
        "_marked",
        "_modseq",
        "_overtaken",
        "_removes",
        "_rows",
        "_seen",
        "_wakes",
        "account",
        "config",
        "origin",
    )

    def __init__(
        self,
        db: Connection,
        *,
        account: str,
        config: AccountConfig,
        bus: Bus,
        origin: Cursor | None,
        seen: ModSeq,
        wakes: CommitHooks,
    ) -> None:
        """Made by `Account.write`. `seen` is the modseq of `origin` at the time of the call."""
        super().__init__(db)
        self.account = account
        self.config = config
        self.origin = origin
        self._bus = bus
        self._seen = seen
        self._wakes = wakes
        self._removes = False
        self._modseq: ModSeq | None = None
        self._events: list[Event] = []
        self._rows = 0
        self._marked = False
        self._overtaken: set[MessageID] | None = set()

    def modseq(self) -> ModSeq:
        """Modseq of this unit, taken at the first call. All rows that the unit changes get this one (STORE-23)."""
        if self._modseq is None:
            self._modseq = ModSeq(self.value(NEXT_MODSEQ))
        return self._modseq

    @property
    def numbered(self) -> bool:
        """Whether the unit has been assigned its modseq."""
        return self._modseq is not None

    def number(self, modseq: int) -> None:
        """Set the modseq of this unit, which the caller has taken together with other columns of table `state`."""
        self._modseq = ModSeq(modseq)

    def emit(self, event: Event) -> None:
        """Add an event, to be published after the commit, in the order of the calls. Sets its account, modseq and
        origin.
        """
        modseq = self.modseq()
        if isinstance(event, MessagesRemoved):
            self._removes = True
            self._count(len(event.uids))
        else:
            self._count(1)
        if not self._marked:
            # No subscriber has seen the event yet: completing it here spares each operation three arguments and a copy.
            msgspec.structs.force_setattr(event, "account", self.account)
            msgspec.structs.force_setattr(event, "modseq", modseq)
            msgspec.structs.force_setattr(event, "origin", 0 if self.origin is None else self.origin.id)
            self._events.append(event)

    def rows_changed(self, count: int) -> None:
        """Note that this unit changes that many rows without an event for each. Above 1000 rows the unit's events are
        dropped, and subscribers read them from the database (STORE-34).
        """
        self.modseq()
        self._count(count)

    def touch(self, message_id: int, previous: int) -> None:
        """Note that a message whose modseq had been `previous` is changed or removed by this unit.

        If `previous` is above the caller's cursor, this unit hides a change of another client that the caller has not
        received yet: its cursor then does not skip the message as its own (STORE-33).
        """
        self.touch_all([(message_id, previous)])

    def touch_all(self, messages: Iterable[tuple[int, int]]) -> None:
        """As `touch`, for many messages: pairs of message id and previous modseq."""
        if self.origin is not None and self._overtaken is not None:
            seen = self._seen
            self._overtaken.update([MessageID(message_id) for message_id, previous in messages if previous > seen])
            if len(self._overtaken) > OVERTAKEN:
                self._overtaken = None

    def once(self, key: bytes) -> bool:
        """Whether this is the first unit in 7 days with this idempotency key (STORE-189). The key is stored with the
        unit.
        """
        return note_key(self, key)

    def owe(self, key: bytes, kind: str, data: bytes, message_id: int | None = None, *, due: int = 0) -> None:
        """Write a row of `outbox`: the handler of `kind` receives it after the commit, at least once (STORE-189a).

        `key` identifies the debt: a second row with the same key is not written. The content of `message_id` is kept
        until the row is carried over. `due`, µs UTC: the row is not carried before that time, and may be taken back
        until then (`store.delivery.outgoing`); 0: at once.
        """
        self.execute(OWE, key, kind, message_id, data, self.now, due)
        self.owed()

    def owed(self) -> None:
        """Wake the task that carries rows of `outbox`, after the commit."""
        self.after_commit(self._wakes.owes)

    def committed(self) -> None:
        """Publish the events. Called by the writer."""
        if self._modseq is not None:
            events = None if self._marked else tuple(self._events)
            overtaken = None if self._overtaken is None else frozenset(self._overtaken)
            self._bus.publish(self._modseq, events, self.origin, overtaken)
            if self._removes:
                self._wakes.removed()
            self._wakes.changed(self._rows)
        super().committed()

    def _count(self, rows: int) -> None:
        self._rows += rows
        # Later events are left out, too: subscribers read the whole unit from the database, in one state.
        if self._rows > MARK_ROWS and not self._marked:
            self._marked = True
            self._events.clear()


Write: TypeAlias = Callable[[Callable[[AccountTx], T]], Awaitable[T]]
"""What runs a unit, as `Account.write`."""


def was_done(r: Reader, key: bytes) -> bool:
    """Whether a unit with this idempotency key was committed in the last 7 days (STORE-189)."""
    return is_known(r, key)
