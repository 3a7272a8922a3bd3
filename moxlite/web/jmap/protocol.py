"""Requests and responses of JMAP as values (RFC 8620 §3): JSON, method calls, result references, errors, limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from moxlite.encoding import to_json
from moxlite.processor import off_loop

Object: TypeAlias = dict[str, Any]
"""A JSON object. Its members are checked where they are used."""

CORE: Final = "urn:ietf:params:jmap:core"

LARGEST: Final = 2**53 - 1
"""The largest integer of I-JSON (RFC 7493 §2.2)."""

ON_LOOP: Final = 64 << 10
"""Octets of a request that are decoded on the event loop."""

SHORT_VALUES: Final = 26
"""Times its octets that a short request takes with its values: measured with empty objects."""

TEXT: Final = 9
"""Times its octets that a long request takes: a text with one emoji has four octets a letter, twice for a while."""

ALL_VALUES: Final = 4 << 20
"""Octets of as many values as `MAX_VALUES` allows."""

FEW: Final = 2_000
SHORT: Final = 1 << 20
"""Values and characters of a response that is written on the event loop: at most 2 ms."""

LIMITS: Final[dict[str, int]] = {
    "maxSizeUpload": 50_000_000,
    "maxConcurrentUpload": 4,
    "maxSizeRequest": 10_000_000,
    "maxConcurrentRequests": 8,
    "maxCallsInRequest": 50,
    "maxObjectsInGet": 1_000,
    "maxObjectsInSet": 1_000,
}
"""The limits that the session announces (RFC 8620 §2)."""

EACH: Final = "*"
MAX_STARS: Final = 8
"""``*`` in one path: each is a level of recursion, and no result has lists so deep."""

MAX_VALUES: Final = 100_000
"""Values of a request, as commas and brackets tell: an empty array of three octets takes 64 of memory."""

MAX_REFERENCED: Final = 100_000
"""Values that one result reference may collect: more than any limit of a method that takes them."""

VALUE: Final = 240
"""Octets that a referenced value counts beside its text. With the octets of a request, counting ends after some 100,000
values, a tenth of a second.
"""


class RequestError(Exception):
    """A request that is refused as a whole (RFC 8620 §3.6.1). `kind`: the last part of the URN, or a whole URL;
    `members`: further members of the problem document.
    """

    def __init__(self, kind: str, detail: str, status: int = 400, **members: object) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.status, self.members = kind, detail, status, members

    def problem(self) -> Object:
        """The problem document (RFC 7807)."""
        kind = f"urn:ietf:params:jmap:error:{self.kind}"
        return {"type": kind, "status": self.status, "detail": self.detail, **self.members}


class MethodError(Exception):
    """A method call that fails (RFC 8620 §3.6.2); other calls of the request go on."""

    def __init__(self, kind: str, description: str = "", **members: object) -> None:
        super().__init__(description or kind)
        self.kind, self.description, self.members = kind, description, members

    def arguments(self) -> Object:
        """The arguments of the response ``error``."""
        described = {"description": self.description} if self.description else {}
        return {"type": self.kind, **described, **self.members}


class SetError(Exception):
    """An object that is not created, updated or destroyed (RFC 8620 §5.3); other objects of the call are."""

    def __init__(self, kind: str, description: str = "", **members: object) -> None:
        super().__init__(description or kind)
        self.kind, self.description, self.members = kind, description, members

    def value(self) -> Object:
        """The SetError object."""
        described = {"description": self.description} if self.description else {}
        return {"type": self.kind, **described, **self.members}


def invalid(description: str) -> MethodError:
    """An argument that is missing or wrong."""
    return MethodError("invalidArguments", description)


class Invocation(msgspec.Struct, frozen=True):
    """A method call or its response: name, arguments, and the id by which they belong together."""

    name: str
    arguments: Object
    call_id: str

    def wire(self) -> list[object]:
        """The array of JSON."""
        return [self.name, self.arguments, self.call_id]


SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""The escape of a surrogate: I-JSON has them in pairs only (RFC 7493 §2.1)."""


class JMAPRequest(msgspec.Struct, frozen=True):
    """A request: its capabilities, its calls, and object ids by creation id.

    `created` is None if the client doesn't want the ids back.
    """

    using: frozenset[str]
    calls: tuple[Invocation, ...]
    created: dict[str, str] | None


def cost_of(octets: int) -> int:
    """Octets that a request of so many takes with its values."""
    return min(SHORT_VALUES * octets, TEXT * octets + ALL_VALUES)


async def read_object(octets: bytes | bytearray | memoryview) -> Object:
    """Decode an object of I-JSON, a long one in a thread. Raises RequestError as `decoded`."""
    return decoded(octets) if len(octets) <= ON_LOOP else await off_loop(partial(decoded, octets), kind="jmap")


def decoded(octets: bytes | bytearray | memoryview) -> Object:
    """Decode an object of I-JSON (RFC 7493). Raises RequestError ``notJSON``, ``notRequest``, ``limit``."""
    octets = bytes(octets)
    if octets.count(b",") + octets.count(b"[") + octets.count(b"{") > MAX_VALUES:
        raise RequestError("limit", "too many values in the request", limit="maxSizeRequest")
    try:
        value = json.loads(octets.decode(), object_pairs_hook=_members, parse_constant=_no_number, parse_int=_integer)
        if SURROGATE.search(octets):
            to_json(value)  # which refuses one that has no pair, as the answer would
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RequestError("notJSON", detail) from None
    if not isinstance(value, dict):
        raise RequestError("notRequest", "the request must be an object")
    return value


async def encoded(found: object) -> bytes:
    """A response as JSON, a long one in a thread."""
    write = partial(to_json, found)
    return await off_loop(write, kind="jmap") if _is_long(found) else write()


def _is_long(response: object) -> bool:
    """Whether a response has many values or much text, by the first of them."""
    rest, values, characters = [response], 0, 0
    while rest and values <= FEW and characters <= SHORT:
        match rest.pop():
            case str(text):
                characters += len(text)
            case list(inner):
                values += len(inner)
                rest += inner if values <= FEW else []
            case dict(members):
                values += len(members)
                rest += members.values() if values <= FEW else []
            case msgspec.Raw() as written:
                characters += memoryview(written).nbytes
    return values > FEW or characters > SHORT


def request_of(value: Object) -> JMAPRequest:
    """The request in an object. Raises RequestError."""
    using, calls, created = value.get("using"), value.get("methodCalls"), value.get("createdIds")
    if not isinstance(using, list) or not all(isinstance(one, str) for one in using):
        raise RequestError("notRequest", "using: must be an array of strings")
    if not isinstance(calls, list) or not all(map(_is_call, calls)):
        raise RequestError("notRequest", "methodCalls: must be an array of [name, arguments, id] arrays")
    if created is not None and not (isinstance(created, dict) and all(isinstance(v, str) for v in created.values())):
        raise RequestError("notRequest", "createdIds: must be an object that maps creation IDs to IDs")
    if len(calls) > LIMITS["maxCallsInRequest"]:
        raise RequestError("limit", "too many method calls in one request", limit="maxCallsInRequest")
    return JMAPRequest(frozenset(using), tuple(Invocation(*call) for call in calls), created)


def _is_call(call: object) -> bool:
    return (
        isinstance(call, list)
        and len(call) == 3
        and isinstance(call[0], str)
        and isinstance(call[1], dict)
        and isinstance(call[2], str)
    )


def _members(pairs: list[tuple[str, object]]) -> Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key in an object")
    return found


def _no_number(text: str) -> object:
    raise ValueError(f"{text} isn't valid JSON")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(value := int(text)) > LARGEST:
        raise ValueError("integers can't be larger than 2^53 - 1")
    return value


def references(calls: Sequence[Invocation]) -> frozenset[str]:
    """The ids of the calls to whose responses others refer."""
    values = (value for call in calls for name, value in call.arguments.items() if name.startswith("#"))
    return frozenset(str(value["resultOf"]) for value in values if isinstance(value, dict) and "resultOf" in value)


def resolved(arguments: Object, responses: list[Invocation], take: Callable[[int], None]) -> Object:
    """The arguments with the values that result references (``#name``) point to (RFC 8620 §3.7).

    `take`: counts octets that the request makes larger. Raises MethodError ``invalidArguments``,
    ``invalidResultReference``, and what `take` raises.
    """
    found: Object = {}
    for name, value in arguments.items():
        if not name.startswith("#"):
            found.setdefault(name, value)
            continue
        if name[1:] in arguments:
            raise invalid(f"{name[1:]} is specified both directly and as a result reference")
        found[name[1:]] = referenced = _referenced(value, responses)
        _count(referenced, take)
    return found


def _count(value: object, take: Callable[[int], None]) -> None:
    """Count all that a reference adds.

    A reference costs no memory before the response is written. But Core/echo answers with its arguments, and each call
    that refers twice to the whole answer of the one before doubles it: 50 calls would be a response of 2^50 values.
    """
    rest = [value]
    while rest:
        match rest.pop():
            case str(text):
                take(len(text))
            case list(inner):
                take(VALUE * len(inner))  # before they are listed: one array may be there many times
                rest += inner
            case dict(members):
                take(VALUE * len(members) + sum(map(len, members)))
                rest += members.values()


def _referenced(reference: object, responses: list[Invocation]) -> object:
    match reference:
        case {"resultOf": str(call_id), "name": str(name), "path": str(path)}:
            response = next((invocation for invocation in responses if invocation.call_id == call_id), None)
        case _:
            raise invalid("a result reference must have resultOf, name, and path")
    if response is None or response.name != name:
        raise MethodError("invalidResultReference", f"call {call_id} doesn't have a {name} response")
    if path and not path.startswith("/"):
        raise MethodError("invalidResultReference", "the path must start with a slash")
    tokens = [one.replace("~1", "/").replace("~0", "~") for one in path.split("/")[1:]]
    return _at(response.arguments, tokens, 0)


def _at(value: object, tokens: list[str], depth: int) -> object:
    """The value at a JSON pointer (RFC 6901), in which ``*`` stands for all elements of an array."""
    for index, token in enumerate(tokens):
        if token == EACH and isinstance(value, list):
            if depth > MAX_STARS:
                raise MethodError("invalidResultReference", "too many * in the path")
            collected: list[object] = []
            for one in value:
                inner = _at(one, tokens[index + 1 :], depth + 1)
                collected += inner if isinstance(inner, list) else [inner]
                if len(collected) > MAX_REFERENCED:
                    raise MethodError("invalidResultReference", "the reference returns too many values")
            return collected
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdecimal() and len(token) < 8 and int(token) < len(value):
            value = value[int(token)]
        else:
            raise MethodError("invalidResultReference", f"path element not found: {token!r}")
    return value
