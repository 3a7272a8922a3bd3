"""Questions that a process of the server asks another one: each described once, with the processes that may ask it.

`Question` is the description, `Answering` is what answers it, and `moxlite.workers.channel` carries both. Errors of the
kinds that a question names come out in the process that asked, with their types, texts and attributes.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, get_type_hints

import msgspec

from moxlite.encoding import from_msgpack, to_msgpack
from moxlite.wording import packed, unpacked
from moxlite.workers.messages import Garbled, Refuse, Value

Request = TypeVar("Request")
Reply = TypeVar("Reply")

SECONDS: Final = 5.0
"""Seconds for an answer: a process that is silent for longer hangs, and senders and mail programs wait minutes."""

MOST: Final = 64
"""Questions of one name that may be open between two processes; further ones wait for a place."""

Role = Literal["first", "worker", "forker"]
"""A kind of process. ``first`` is the process that was started, ``forker`` the one that forks the workers."""


class NoAnswer(Exception):
    """The other process gave no answer to a question; it may have done what it was asked for, or will yet."""


class Ended(NoAnswer):
    """The other process has ended, or has closed the connection."""


class Late(NoAnswer):
    """The other process gave no answer in time."""


class Failed(NoAnswer):
    """The other process failed to answer, by an error that the question does not provide for. It has logged it."""


class Question(msgspec.Struct, Generic[Request, Reply], frozen=True, kw_only=True):
    """A question.

    Attributes:
      name: different for each question of a process.
      request: type of the request.
      reply: type of the reply.
      by: processes that may ask it.
      of: process that answers it.
      seconds: for the answer, with waiting for a place among the open questions.
      most: questions of this name that may be open.
      descriptors: number of descriptors that come with it.
      errors: kinds of errors that an answer may raise; all others are bugs.
    """

    name: str
    request: Any
    reply: Any
    by: tuple[Role, ...]
    of: Role
    seconds: float = SECONDS
    most: int = MOST
    descriptors: int = 0
    errors: tuple[type[Exception], ...] = ()

    def crosses(self, by: Role, of: Role) -> bool:
        """Whether a process of the first kind may ask this of one of the other kind."""
        return by in self.by and of == self.of


class Descriptors:
    """Descriptors that came with a question. All that are not taken are closed at the end of the block."""

    def __init__(self, numbers: Sequence[int] = ()) -> None:
        self._numbers = list(numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def take(self) -> int:
        """The next one; the caller closes it."""
        return self._numbers.pop(0)

    def close(self) -> None:
        """Close all that were not taken."""
        while self._numbers:
            os.close(self._numbers.pop())


class Answering(msgspec.Struct, Generic[Request, Reply], frozen=True):
    """A question and the function that answers it, in a task of its own, or raises an error that the question names."""

    question: Question[Request, Reply]
    answer: Callable[[Request, Descriptors], Awaitable[Reply]]


# Errors


Kinds: TypeAlias = tuple[type[Exception], ...]


def refusal(number: int, error: Exception, kinds: Kinds) -> Refuse:
    """The message with an error of these kinds. If an attribute can't be carried, the error goes as its nearest base
    that has none.
    """
    try:
        attributes = {
            name: Value(to_msgpack(value)) for name, value in vars(error).items() if name in _attributes(type(error))
        }
    except (TypeError, NotImplementedError):
        attributes = {}
    carried = [
        kind
        for kind in type(error).__mro__
        if issubclass(kind, kinds) and _attributes(kind).keys() & vars(error).keys() <= attributes.keys()
    ]
    texts = tuple(packed(text) for text in error.args if isinstance(text, str))
    return Refuse(number, tuple(map(_name, carried)), texts, attributes)


def error_of(refuse: Refuse, kinds: Kinds) -> Exception:
    """The error of a message, or its nearest base that this process has loaded. Raises Garbled."""
    known = {_name(kind): kind for base in kinds for kind in _tree(base)}
    for name in refuse.kinds:
        if (kind := known.get(name)) is not None:
            # Its own __init__ makes texts of arguments that did not cross.
            error = kind.__new__(kind)
            error.args = tuple(map(unpacked, refuse.texts))
            _set_attributes(error, refuse.attributes)
            return error
    raise Garbled("an error of an unknown kind")


def _set_attributes(error: Exception, attributes: Mapping[str, Value]) -> None:
    types = _attributes(type(error))
    for name in attributes.keys() & types.keys():
        try:
            setattr(error, name, from_msgpack(attributes[name], types[name]))
        except msgspec.MsgspecError as fault:
            raise Garbled(f"attribute {name} of an error: {fault}") from None


def _attributes(kind: type[Exception]) -> Mapping[str, Any]:
    """Types of the attributes that an error keeps of the arguments of its ``__init__``."""
    if kind.__init__ is Exception.__init__:
        return {}
    with suppress(NameError):  # a name that is imported for typing alone
        return {name: hint for name, hint in get_type_hints(kind.__init__).items() if name != "return"}
    return {}


def _name(kind: type[Exception]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _tree(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for kind in base.__subclasses__():
        yield from _tree(kind)
