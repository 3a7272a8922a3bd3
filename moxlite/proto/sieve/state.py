"""The state of a script that runs: what it knows, its variables, and the actions so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

import msgspec

from moxlite.normal import normalized
from moxlite.proto.sieve.comparing import Values
from moxlite.proto.sieve.errors import RunError
from moxlite.proto.sieve.limits import MAX_ACTIONS, MAX_MAILBOX, MAX_TRACKED, MAX_VALUE, MAX_VARIABLES, Budget, weight
from moxlite.proto.sieve.message import Mailbox, Message
from moxlite.proto.sieve.outcome import Action, RejectAction, Tracked
from moxlite.proto.sieve.strings import expand

INBOX: Final = "Inbox"


class Mailboxes(msgspec.Struct, frozen=True, kw_only=True):
    """The mailboxes of the account.

    Attributes:
      names: of all. ids: names by id (RFC 8474). uses: the special uses of each name, in lower case as ``\\\\junk``.
    """

    names: frozenset[str] = frozenset()
    ids: Mapping[str, str] = {}
    uses: Mapping[str, frozenset[str]] = {}

    @staticmethod
    def canonical(name: str) -> str:
        """The name as the account has it: in NFC (STORE-12), and the Inbox has one in any case (RFC 9051 §5.1)."""
        if len(name) > MAX_MAILBOX:  # of no mailbox
            return name
        name = normalized("NFC", name)
        first, slash, rest = name.partition("/")
        return f"{INBOX}{slash}{rest}" if first.lower() == "inbox" else name

    def with_use(self, use: str) -> str | None:
        """The first mailbox with a special use."""
        use = use.lower()
        return min((name for name, uses in self.uses.items() if use in uses), default=None)


class Runnable(Protocol):
    """A script that can be included: `program.Program`."""

    def execute(self, state: State) -> None:
        """Run its commands."""


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that a script may ask for, beside the message.

    Attributes:
      now: µs UTC. offset: minutes east of UTC of the local zone at a moment.
      sender, recipient: of the envelope; the sender is None for the null path.
      separator: between user and detail in a localpart (RFC 5233).
      junk: probability of junk, None if the message was not judged.
      items: of the environment (RFC 5183), by their names in lower case.
      scripts: that can be included, by name.
      seen: ids of earlier messages for ``duplicate``.
      overdue: whether the run has used up its time (`Budget`).
    """

    now: int
    offset: Callable[[int], int] = lambda _: 0
    sender: Mailbox | None = None
    recipient: Mailbox | None = None
    separator: str = "+"
    mailboxes: Mailboxes = Mailboxes()
    junk: float | None = None
    items: Mapping[str, str] = {}
    scripts: Mapping[str, Runnable] = {}
    seen: Collection[bytes] = frozenset()
    overdue: Callable[[], bool] = lambda: False


class Frame:
    """One script that runs: its variables and the match variables (RFC 5229 §3)."""

    __slots__ = ("matched", "script", "shared", "variables")

    def __init__(self, script: str) -> None:
        self.script = script
        self.variables: dict[str, str] = {}
        self.matched: tuple[str, ...] = ()
        self.shared: set[str] = set()
        """Names that mean global variables (RFC 6609 §3.4.1)."""


class State(Budget):
    """The state of one run, and what is left of its budget."""

    __slots__ = (
        "actions",
        "depth",
        "flags",
        "frame",
        "included",
        "keeps",
        "line",
        "memo",
        "message",
        "shared",
        "tracked",
        "world",
    )

    def __init__(self, message: Message, world: World) -> None:
        super().__init__(world.overdue)
        self.message = message
        self.world = world
        self.frame = Frame("")
        self.shared: dict[str, str] = {}
        """Global variables (RFC 6609 §3.4)."""
        self.flags: tuple[str, ...] = ()
        """The internal variable of imap4flags (RFC 5232 §2)."""
        self.actions: list[Action] = []
        self.tracked: dict[bytes, int] = {}
        self.keeps = True
        """Whether the message is kept at the end without a command (RFC 5228 §2.10.2)."""
        self.line = 0
        self.depth = 0
        self.included: set[str] = set()
        self.memo: dict[tuple[str, ...], Values] = {}

    # Variables

    def text(self, text: str) -> str:
        """A string with its variables replaced."""
        return expand(text, self._value, self) if "${" in text else text

    def texts(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Strings with their variables replaced."""
        return tuple(map(self.text, texts))

    def variable(self, name: str) -> str:
        """The value of a variable; "" before it is set."""
        return self._place(name)[0].get(self._place(name)[1], "")

    def assign(self, name: str, value: str) -> None:
        """Set a variable; values that are too long are cut (RFC 5229 §6)."""
        values, name = self._place(name)
        if name not in values and len(values) >= MAX_VARIABLES:
            raise RunError(f"too many variables in script (limit {MAX_VARIABLES})")
        if len(value) > MAX_VALUE:
            value = value[:MAX_VALUE]
            self.make(weight(value))
        values[name] = value

    def _value(self, name: str) -> str:
        if name.isdigit():
            number = int(name)
            return self.frame.matched[number] if number < len(self.frame.matched) else ""
        return self.variable(name)

    def _place(self, name: str) -> tuple[dict[str, str], str]:
        name = name.lower()
        if name.startswith("global."):
            return self.shared, name.removeprefix("global.")
        return (self.shared if name in self.frame.shared else self.frame.variables), name

    # Actions

    def act(self, action: Action, *, cancels: bool = True) -> None:
        """Add an action. `cancels`: the implicit keep. Raises RunError where it excludes an earlier one, or there are
        too many.
        """
        rejects = isinstance(action, RejectAction)
        for other in self.actions:
            if rejects or isinstance(other, RejectAction):  # RFC 5429 §2.3
                raise RunError(f"{_name(action)} can't be combined with {_name(other)}")
        if len(self.actions) >= MAX_ACTIONS:
            raise RunError(f"too many actions in script (limit {MAX_ACTIONS})")
        self.actions.append(action)
        if cancels:
            self.keeps = False

    def track(self, key: bytes, seconds: int) -> None:
        """Remember an id for later ``duplicate`` tests. Raises RunError for too many."""
        self.tracked[key] = seconds
        if len(self.tracked) > MAX_TRACKED:
            raise RunError(f'too many IDs in "duplicate" tests for this message (limit {MAX_TRACKED})')

    def remembered(self) -> tuple[Tracked, ...]:
        """Ids for later ``duplicate`` tests."""
        return tuple(Tracked(key, seconds) for key, seconds in self.tracked.items())


def _name(action: Action) -> str:
    names = {
        "KeepAction": "keep",
        "FileAction": "fileinto",
        "RedirectAction": "redirect",
        "DiscardAction": "discard",
        "RejectAction": "reject",
        "AnswerAction": "vacation",
    }
    return names[type(action).__name__]
