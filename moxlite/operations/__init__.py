"""Operations: each is described once, for all who may ask for it.

An operation is the struct of its request. The struct has its arguments, the type of its result and, as its docstring,
the help; `query` and `change` give it its name and who may ask. From that are made the verb of the command line, the
command of the control socket, the call of the admin app with its TypeScript, and the entry of the audit log. A module
of this package has the operations about one subject. What an operation does is not here: the package of the subject
binds a function to it (`Operation.bind`).

Only values are imported here: a command has to start fast (ADMIN-83).
"""

import enum
import inspect
import shlex
from collections.abc import Awaitable, Callable, Mapping
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
)

import msgspec

if TYPE_CHECKING:
    from moxlite.net.control.server import Exchange

R = TypeVar("R")
Kind = TypeVar("Kind", bound="type[Operation[Any]]")


class Role(enum.Flag):
    """Callers that may ask for an operation. A new operation is for none of them."""

    NOBODY = 0
    COMMAND_LINE = enum.auto()
    """Root and the server's own user, by the control socket."""
    ADMIN = enum.auto()
    """The administrator, by a call of the admin app."""
    PAGES = enum.auto()
    """Methods of the admin app's pages, which choose or check the arguments."""
    TOKEN = enum.auto()
    """Programs, by a token of the admin API whose scopes have the operation's (WEB-168)."""
    USER = enum.auto()
    """Users about their own accounts, by the account app and the webmail."""


OWNER: Final = Role.COMMAND_LINE | Role.ADMIN
MANAGERS: Final = OWNER | Role.TOKEN
USERS: Final = Role.COMMAND_LINE | Role.USER

Scope: TypeAlias = Literal["read", "accounts", "domains", "queue", "reports", "dns", "server"]
"""What a token of the admin API may do: all that changes nothing, or whatever is about a subject (WEB-168)."""

_SCOPES: Final[Mapping[str, Scope]] = {
    "access": "accounts",
    "accounts": "accounts",
    "dns": "dns",
    "domains": "domains",
    "queue": "queue",
    "reports": "reports",
    "server": "server",
    "webhooks": "queue",
}
"""Scopes by the modules of the operations."""


def field(
    about: str = "",
    *flags: str,
    metavar: str = "",
    argument: bool = False,
    needed: bool = False,
    kind: Callable[[str], Any] | None = None,
    **bounds: Any,
) -> Any:
    """The description of an argument, for ``Annotated``.

    Args:
      flags: of the option on the command line, where it is not named as the field is.
      metavar: what the command line calls its value.
      argument: not an option of the command line, though it is optional.
      needed: on the command line, though apps leave it out.
      kind: makes the value from a word of the command line. Raises ValueError.
      bounds: of the value, as `msgspec.Meta` has them.
    """
    # msgspec hands `extra` through untouched, and generators of schemas leave it out.
    shown = {"flags": flags, "metavar": metavar, "argument": argument, "needed": needed, "kind": kind}
    return msgspec.Meta(description=about or None, extra=shown, **bounds)


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of a command; unknown ones are refused (ADMIN-24)."""


class Operation(msgspec.Struct, Generic[R], frozen=True, forbid_unknown_fields=True):
    """An operation with its arguments; unknown ones are refused (ADMIN-24)."""

    @classmethod
    def bind(cls, run: Callable[[Self], Awaitable[R]]) -> "Bound":
        """The operation with the function that performs it."""

        async def answer(request: Any, exchange: object) -> R:
            return await run(request)

        return Bound(description(cls), answer)

    @classmethod
    def bind_stream(cls, run: "Callable[[Self, Exchange], Awaitable[R]]") -> "Bound":
        """As `bind`, for a function that sends or takes octets, or tells of its progress."""
        return Bound(description(cls), run)


class UserOperation(Operation[R], frozen=True, kw_only=True):
    """An operation about the account of a user. Apps leave the account out: it is the one of the session
    (`performing.for_caller`).
    """

    account: Annotated[str, field(argument=True, needed=True)] = ""


class Description(msgspec.Struct, frozen=True, eq=False):
    """Facts about an operation, besides its arguments.

    Attributes:
      name: the words on the command line, the control socket and in the audit log; with "_" between them, the app's
        call.
      result: the type of its result.
      who: may ask for it.
      audit: recorded in the audit log (WEB-160).
      confirm: apps ask for the password or a second factor first (WEB-63a).
      columns: fields of a list's rows that the command line prints.
      octets: the command line prints octets that come before the result.
      ask: what the command line asks first, with names of arguments in braces.
      secret: the result is one that is shown once (`web.calls.Call`).
      done: what the command line says of a change without a result, with names of arguments in braces (`result_line`).
    """

    name: str
    request: type[Operation[Any]]
    result: Any
    who: Role
    audit: bool
    confirm: bool
    columns: tuple[str, ...]
    octets: bool
    ask: str
    secret: bool = False
    done: str = ""

    @property
    def call(self) -> str:
        """The name of the app's call."""
        return self.name.replace(" ", "_").replace("-", "_")

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes of tokens that may ask for it, any of them; none if no token may."""
        if Role.TOKEN not in self.who:
            return frozenset()
        # By the module: an operation of another one that gets TOKEN by mistake raises KeyError, and opens nothing.
        subject = _SCOPES[self.request.__module__.rpartition(".")[2]]
        return frozenset({subject} if self.audit else {subject, "read"})

    @property
    def about(self) -> str:
        """The help."""
        return inspect.getdoc(self.request) or ""


class _Argument:
    """An argument in the text of a result: ``{name}``, ``{name:q}`` in a command to type, or, of a flag, the words for
    on and off: ``{off:no longer|now}``.
    """

    def __init__(self, value: object) -> None:
        self._value = value

    def __format__(self, words: str) -> str:
        if "|" in words:
            on, off = words.split("|", 1)
            return on if self._value else off
        text = ", ".join(self._value) if isinstance(self._value, list | tuple) else str(self._value)
        return shlex.quote(text) if words == "q" else text


class _Arguments(dict[str, _Argument]):
    def __missing__(self, name: str) -> _Argument:
        return _Argument("")


def result_line(text: str, args: Mapping[str, object]) -> str:
    """What was done, for people: the text with the arguments in it. Those that weren't given are empty."""
    return text.format_map(_Arguments({name: _Argument(value) for name, value in args.items()}))


class Bound(msgspec.Struct, frozen=True, eq=False):
    """An operation with the function that performs it."""

    description: Description
    run: Callable[[Any, Any], Awaitable[object]]


# Beside the classes, not in them: a field of a Struct would be an argument of each request.
_descriptions: dict[type[Operation[Any]], Description] = {}


def query(
    name: str,
    who: Role = Role.NOBODY,
    *,
    confirm: bool = False,
    columns: tuple[str, ...] = (),
    octets: bool = False,
) -> Callable[[Kind], Kind]:
    """Make a struct an operation that changes nothing an owner would look for in the audit log."""

    def describe(kind: Kind) -> Kind:
        _descriptions[kind] = Description(name, kind, _result(kind), who, False, confirm, columns, octets, "")
        return kind

    return describe


def change(
    name: str,
    who: Role = Role.NOBODY,
    *,
    confirm: bool = False,
    columns: tuple[str, ...] = (),
    ask: str = "",
    secret: bool = False,
    done: str = "",
) -> Callable[[Kind], Kind]:
    """Make a struct an operation that is recorded in the audit log."""

    def describe(kind: Kind) -> Kind:
        _descriptions[kind] = Description(
            name, kind, _result(kind), who, True, confirm, columns, False, ask, secret, done
        )
        return kind

    return describe


def _result(kind: type[Operation[Any]]) -> Any:
    bases = (base for one in kind.__mro__ for base in vars(one).get("__orig_bases__", ()))
    (result,) = get_args(next(base for base in bases if issubclass(get_origin(base) or base, Operation)))
    return result


def description(kind: type[Operation[Any]]) -> Description:
    """The description of an operation."""
    return _descriptions[kind]


def described_in(module: object) -> tuple[Description, ...]:
    """The operations of a module, in order."""
    return tuple(_descriptions[one] for one in vars(module).values() if isinstance(one, type) and one in _descriptions)


MAX_SECONDS: Final = 10 * 365 * 24 * 3600.0
"""Maximum seconds of a duration, either way."""


def duration(text: str) -> float:
    """Seconds of a word such as ``15m``, negative for one with a minus. Raises ValueError."""
    from moxlite.config.values import parse_duration  # not all commands need it

    seconds = parse_duration(text.removeprefix("-"))
    return -seconds if text.startswith("-") else seconds


Seconds: TypeAlias = Annotated[float, field(metavar="DURATION", kind=duration, ge=-MAX_SECONDS, le=MAX_SECONDS)]
Word: TypeAlias = Annotated[str, msgspec.Meta(max_length=320)]
Line: TypeAlias = Annotated[str, msgspec.Meta(max_length=4096)]
"""A text of a setting: far longer than any that makes sense."""
Lines: TypeAlias = Annotated[list[Line], msgspec.Meta(max_length=1000)]
