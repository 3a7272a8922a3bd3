"""Questions made from the methods of a class, so that an object of another process is used as if it were here.

Each public async method is a question: its request has the arguments, by their annotations, and the origin of the
change, which is in a context variable. Other methods, and attributes, are of the process that calls them.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import wraps
from typing import Any, Final, Generic, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import trio

from moxlite.store.changelog.origin import Origin, acting_as, origin
from moxlite.workers.questions import Answering, Descriptors, Question, Role

T = TypeVar("T")

Ask: TypeAlias = Callable[[Question[Any, Any], Any], Awaitable[Any]]

ORIGIN: Final = "origin_"
"""Field of a request; no argument ends with this sign."""


class Methods(Generic[T]):
    """Methods of a class as questions.

    Args:
      kind: the class. Its ``__init__`` takes what `remote` and `followed` are given.
      name: what the names of its questions begin with.
      by, of, seconds, errors: see `Question`.
      local: async methods that are no questions: they call others.
    """

    def __init__(
        self,
        kind: type[T],
        name: str,
        *,
        by: tuple[Role, ...],
        of: Role,
        seconds: float,
        errors: tuple[type[Exception], ...],
        local: Collection[str] = (),
    ) -> None:
        self._kind = kind
        self.questions: Final[Mapping[str, Question[Any, Any]]] = {
            method: Question(
                name=f"{name}.{method}",
                request=_request(f"{kind.__name__}_{method}", function),
                reply=get_type_hints(function)["return"],
                by=by,
                of=of,
                seconds=seconds,
                errors=errors,
            )
            for method, function in vars(kind).items()
            if inspect.iscoroutinefunction(function) and not method.startswith("_") and method not in local
        }

    def remote(self, ask: Ask) -> type[T]:
        """A class of objects whose methods ask for the answers of another process."""
        methods = {name: self._asking(name, question, ask) for name, question in self.questions.items()}
        return type(f"Remote{self._kind.__name__}", (self._kind,), methods)

    def answers(self, target: T) -> list[Answering[Any, Any]]:
        """The answers, by an object of this process."""
        return [Answering(question, _answerer(getattr(target, name))) for name, question in self.questions.items()]

    def _asking(self, name: str, question: Question[Any, Any], ask: Ask) -> Callable[..., Awaitable[Any]]:
        function = vars(self._kind)[name]
        signature = inspect.signature(function)
        listed = {field for field, hint in get_type_hints(function).items() if _is_iterable(hint)}

        @wraps(function)
        async def method(*args: Any, **kwargs: Any) -> Any:
            _, *arguments = signature.bind(*args, **kwargs).arguments.items()  # without self
            fields = {field: list(value) if field in listed else value for field, value in arguments}
            return await ask(question, question.request(**{ORIGIN: origin()}, **fields))

        return method


def followed(kind: type[T], after: Callable[[], Awaitable[None]]) -> type[T]:
    """A class as `kind`, each async method of which calls `after` before it returns or raises, also if it is canceled:
    what it changed is known to all who must know it.
    """

    def following(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @wraps(function)
        async def method(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            finally:
                with trio.CancelScope(shield=True):
                    await after()

        return method

    methods = {
        name: following(function)
        for name, function in vars(kind).items()
        if inspect.iscoroutinefunction(function) and not name.startswith("_")
    }
    return type(f"Followed{kind.__name__}", (kind,), methods)


def _answerer(method: Callable[..., Awaitable[Any]]) -> Callable[[Any, Descriptors], Awaitable[Any]]:
    async def answer(request: Any, _: Descriptors) -> Any:
        arguments = {field: getattr(request, field) for field in request.__struct_fields__}
        with acting_as(arguments.pop(ORIGIN)):
            return await method(**arguments)

    return answer


def _request(name: str, function: Callable[..., Any]) -> type[msgspec.Struct]:
    """A struct with the arguments of a method."""
    hints = get_type_hints(function)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [(ORIGIN, Origin)]
    _, *parameters = inspect.signature(function).parameters.values()  # without self
    for parameter in parameters:
        hint = hints[parameter.name]
        field = parameter.name, list[get_args(hint)] if _is_iterable(hint) else hint  # type: ignore[misc]  # made here
        fields.append(field if parameter.default is parameter.empty else (*field, parameter.default))
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True)


def _is_iterable(hint: Any) -> bool:
    """Whether an argument may be any iterable, which crosses as a list."""
    return get_origin(hint) in (Iterable, Collection)
