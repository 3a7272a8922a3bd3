"""What a method of JMAP works with, and how its arguments are read (RFC 8620 §3.3, §5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from moxlite.web.jmap.bodies import Budget
from moxlite.web.jmap.protocol import LIMITS, Invocation, MethodError, Object, invalid

if TYPE_CHECKING:
    from moxlite.admin.formedits import Edit
    from moxlite.config.snapshot import CurrentConfig, Snapshot
    from moxlite.logins.identity import Identity
    from moxlite.process.keys import SigningKeys
    from moxlite.queue.queue import Queue
    from moxlite.sandbox.processes import Sandbox
    from moxlite.store.accounts.accounts import Accounts
    from moxlite.store.accounts.opened import OpenAccount
    from moxlite.store.auth.authdb import AuthDB
    from moxlite.store.changelog.unit import AccountTx
    from moxlite.store.delivery.status import Deliveries
    from moxlite.store.file.transaction import Reader
    from moxlite.web.http.exchange import Request
    from moxlite.web.jmap.accounts import Place
    from moxlite.web.notices.service import ProgramNotices


T = TypeVar("T")

MAX_NAMES: Final = 1_000
"""Names in an argument: as many as a call may have objects."""

MAX_CONDITIONS: Final = 200
"""Conditions of a filter, each of which is compared with each object."""

MAX_TEXT: Final = 10_000
"""Characters of all texts in a filter."""

MAX_VALUES: Final = 10_000
"""Values in a filter: members of its lists, such as mailboxes, are compared with each object, too."""

MAX_COMPARATORS: Final = 10
"""Properties by which results are sorted: each sorts them anew."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The services that methods use. `queue` and `deliveries` are None if the server has no queue."""

    config: CurrentConfig
    edit: Edit
    accounts: Accounts
    auth: AuthDB
    keys: SigningKeys
    sandbox: Sandbox
    queue: Queue | None
    deliveries: Deliveries | None
    programs: ProgramNotices
    tmp: Path


class HeldState:
    """The state of a type while a call changes objects of it, unit by unit; units of others come in between.

    Args:
      read: reads the state. now: the state that the call has found.
      expected: the call may only change what is in that state (``ifInState``, RFC 8620 §5.3).

    Attributes:
      old, new: the states before and after the call's own changes. `old` is None where others have changed something in
        between: a program that took `new` for its state would never hear of that.
      changed: the call has changed something.
    """

    def __init__(self, read: Callable[[Reader], str], now: str, *, expected: bool) -> None:
        self._read = read
        self._expected = expected
        self.old: str | None = now
        self.new = now
        self.changed = False

    async def write(self, account: OpenAccount, unit: Callable[[AccountTx], T], weight: int = 0) -> T:
        """Run a unit of the call. Raises MethodError ``stateMismatch`` if others have changed what must be as the call
        expects.
        """

        def held(tx: AccountTx) -> tuple[T, str, str]:
            # In the unit: whatever the call looked at before, another program may have changed since.
            before = self._read(tx)
            if self._expected and before != self.new:
                raise MethodError("stateMismatch", f"ifInState: the state has changed to {before}")
            return unit(tx), before, self._read(tx)

        result, before, after = await account.write(held, weight=weight)
        self.note(before, after)
        return result

    def note(self, before: str, after: str) -> None:
        """Note that the call has changed the state so."""
        if before == after:
            return
        if not self.changed:
            self.old = before
        elif before != self.new:
            self.old = None
        self.new, self.changed = after, True

    def states(self) -> Object:
        """The members of a response that name the states."""
        return {"oldState": self.old, "newState": self.new}


class Call(msgspec.Struct, kw_only=True):
    """One method call.

    Attributes:
      snapshot: the configuration for all decisions about the call, and after a change that it makes the new one.
      place: the account that the call is about, open; the user's own one if it is about none.
      created: ids by creation id, of the whole request (RFC 8620 §3.3).
      budget: texts that the request may still return.
      boxes: all mailboxes that the user may read, once `learn_boxes` was called.
      held: the state of the type that the call changes; None for a call that changes none.
      after: further responses, which follow that of the call (RFC 8621 §7.5).
    """

    server: Server
    identity: Identity
    snapshot: Snapshot
    request: Request
    place: Place
    created: dict[str, str]
    arguments: Object
    budget: Budget
    call_id: str = ""
    after: list[Invocation] = []
    boxes: list[int] = []
    held: HeldState | None = None

    @property
    def account(self) -> OpenAccount:
        """The account that the call is about."""
        return self.place.account

    @property
    def most_octets(self) -> int:
        """Octets that a message may have."""
        return self.snapshot.listener(self.request.info.listener).max_message_size

    async def write(self, unit: Callable[[AccountTx], T], *, weight: int = 0) -> T:
        """Run a unit that changes objects of the call's type. Raises as `HeldState.write`, StoreError."""
        if self.held is None:
            return await self.account.write(unit, weight=weight)
        return await self.held.write(self.account, unit, weight)

    async def learn_boxes(self) -> None:
        """Read the ids of all mailboxes that the user may read."""
        self.boxes = [box.id for box in await self.account.read(self.place.boxes, op="jmap mailboxes")]

    def argument(self, name: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """An argument of a JSON type, `default` where it is missing or null. Raises MethodError."""
        value = self.arguments.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise invalid(f"{name} has the wrong type")
        return value

    def unsigned(self, name: str, default: int | None = None) -> int | None:
        """An argument that is an UnsignedInt."""
        value: int | None = self.argument(name, int, default)
        if value is not None and value < 0:
            raise invalid(f"{name} can't be negative")
        return value

    def filter(self) -> Object | None:
        """The filter of a /query. Raises MethodError ``unsupportedFilter`` for one that would cost too much."""
        whole: Object | None = self.argument("filter", dict)
        conditions = texts = values = 0
        rest: list[object] = [whole]
        while rest:
            match rest.pop():
                case dict(found):
                    conditions += len(found.keys() - {"operator", "conditions"})
                    rest += found.values()
                case list(found):
                    values += len(found)
                    rest += found
                case str(text):
                    texts += len(text)
        if conditions > MAX_CONDITIONS or texts > MAX_TEXT or values > MAX_VALUES:
            most = f"{MAX_CONDITIONS} conditions, {MAX_TEXT} characters, and {MAX_VALUES} values"
            raise MethodError("unsupportedFilter", f"a filter can have up to {most}")
        return whole

    def order(self) -> list[Object]:
        """The comparators of a /query. Raises MethodError."""
        found: list[Object] = self.argument("sort", list, [])
        if not all(isinstance(one, dict) for one in found):
            raise invalid("sort: must be an array of comparators")
        if len(found) > MAX_COMPARATORS:
            raise MethodError("unsupportedSort", f"results can be sorted by up to {MAX_COMPARATORS} properties")
        return found

    def names(self, name: str) -> list[str] | None:
        """An argument that is an array of strings. Raises MethodError ``requestTooLarge``."""
        value: list[str] | None = self.argument(name, list)
        if value is not None and len(value) > MAX_NAMES:
            raise MethodError("requestTooLarge", f"{name}: can have up to {MAX_NAMES} entries")
        if value is not None and not all(isinstance(one, str) for one in value):
            raise invalid(f"{name}: must be an array of strings")
        return value

    def ids(self, name: str = "ids") -> list[str] | None:
        """The ids of a /get, each once; None for all. Raises MethodError ``requestTooLarge``."""
        found = self.names(name)
        if found is None:
            return None
        if len(found) > LIMITS["maxObjectsInGet"]:
            raise MethodError("requestTooLarge", f"you can get up to {LIMITS['maxObjectsInGet']} objects in one call")
        return [*dict.fromkeys(self.id_of(one) for one in found)]

    def properties(self, known: Collection[str], *, default: Collection[str] | None = None) -> list[str]:
        """The properties that a /get asks for, with the id. Raises MethodError ``invalidArguments``."""
        asked = self.names("properties")
        if asked is None:
            return [*(known if default is None else default)]
        for one in asked:
            if one not in known:
                raise invalid(f"unknown property: {one[:100]!r}")
        return [*dict.fromkeys(["id", *asked])]

    def id_of(self, text: str) -> str:
        """An id, of a new object by its creation id after ``#``."""
        return self.created.get(text[1:], text) if text.startswith("#") else text


Result: TypeAlias = Object
Run: TypeAlias = Callable[[Call], Awaitable[Result]]


class Method(msgspec.Struct, frozen=True):
    """A method: what runs it, the capability that a request must use, whether it changes anything, and whether it is of
    an account.
    """

    run: Run
    capability: str
    changes: bool = False
    account: bool = True


Table: TypeAlias = Mapping[str, Method]


def read_id(text: str, letter: str) -> int:
    """The number in an id that begins with this letter; 0 for any other text."""
    number = text[1:]
    return int(number) if text[:1] == letter and number.isascii() and number.isdecimal() and len(number) < 19 else 0
