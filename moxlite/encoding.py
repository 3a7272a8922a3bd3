"""JSON, MessagePack and plain objects: decoding into types, safe in any thread and for any octets, and encoding.

msgspec works out the fields of a Struct when the type is first used, and leaves a half-made description in the class
while it does so. A thread that uses the type meanwhile reads a null pointer, and the process dies (msgspec 0.22,
`StructInfo_Convert`; design-facts §4). So descriptions are made here, under one lock, and no other module calls
msgspec with a type. Encoding needs none.

A text that knows what it was made of (`moxlite.wording.Worded`) is written as its text. msgspec itself refuses
subclasses of str, so an answer with the reason of an error would become an error. No other module makes an encoder.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeAlias, TypeVar, overload

import msgspec

T = TypeVar("T")
Octets: TypeAlias = bytes | bytearray | memoryview

LARGEST: Final = 2**53 - 1
"""The largest integer that all programs read alike (RFC 7493 §2.2)."""

_LARGE: Final = re.compile(rb"[0-9]{16}|[0-9][eE]")
"""Found in all octets that hold a larger one, in a number or a text."""

_lock: Final = threading.Lock()
_prepared: Final = set[object]()
"""Types of which the description is whole."""


class Decoder(Generic[T]):
    """Decodes one type."""

    __slots__ = ("_decode",)

    def __init__(self, decode: Callable[[Any], T]) -> None:
        self._decode = decode

    def decode(self, data: Octets | str) -> T:
        """Decode. Raises msgspec.DecodeError, msgspec.ValidationError."""
        try:
            return self._decode(data)
        except (UnicodeDecodeError, RecursionError) as error:
            raise _malformed(error) from error


def _malformed(error: UnicodeDecodeError | RecursionError) -> msgspec.DecodeError:
    if isinstance(error, RecursionError):
        return msgspec.DecodeError("nested too deeply")
    return msgspec.DecodeError("a string isn't valid UTF-8")


def bounded(value: T, data: Octets) -> T:
    """What was decoded from the octets of a client, if no integer in it is beyond `LARGEST`: no bound of a type has to
    say so, and neither SQLite nor a clock takes larger ones. Raises msgspec.ValidationError.
    """
    # One search of the octets, which nearly all bodies pass, in place of a walk through all values of each.
    if _LARGE.search(data):
        _check(msgspec.to_builtins(value))
    return value


def _check(value: object) -> None:
    match value:
        case int():
            if abs(value) > LARGEST:
                raise msgspec.ValidationError(f"integers can't be larger than {LARGEST}")
        case dict():
            for one in value.values():
                _check(one)
        case list():
            for one in value:
                _check(one)


def _prepare(kind: object) -> None:
    # Read without the lock: a type is among them only once its description is whole, and Python's own lock makes the
    # look-up safe. Two threads may both come here for a new type; the second finds it made.
    if kind not in _prepared:
        with _lock:
            msgspec.json.Decoder(kind)
        _prepared.add(kind)


@overload
def json_decoder(kind: type[T], *, strict: bool = True) -> Decoder[T]: ...
@overload
def json_decoder(kind: Any, *, strict: bool = True) -> Decoder[Any]: ...
def json_decoder(kind: Any, *, strict: bool = True) -> Decoder[Any]:
    """Return a decoder of JSON for a type."""
    with _lock:
        return Decoder(msgspec.json.Decoder(kind, strict=strict).decode)


@overload
def msgpack_decoder(kind: type[T]) -> Decoder[T]: ...
@overload
def msgpack_decoder(kind: Any) -> Decoder[Any]: ...
def msgpack_decoder(kind: Any) -> Decoder[Any]:
    """Return a decoder of MessagePack for a type."""
    with _lock:
        return Decoder(msgspec.msgpack.Decoder(kind).decode)


@overload
def from_json(data: Octets | str, kind: type[T]) -> T: ...
@overload
def from_json(data: Octets | str, kind: Any) -> Any: ...
def from_json(data: Octets | str, kind: Any) -> Any:
    """Decode JSON into a type. Raises msgspec.DecodeError, msgspec.ValidationError."""
    _prepare(kind)
    try:
        return msgspec.json.decode(data, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from error


@overload
def from_msgpack(data: Octets, kind: type[T]) -> T: ...
@overload
def from_msgpack(data: Octets, kind: Any) -> Any: ...
def from_msgpack(data: Octets, kind: Any) -> Any:
    """Decode MessagePack into a type. Raises msgspec.DecodeError, msgspec.ValidationError."""
    _prepare(kind)
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (UnicodeDecodeError, RecursionError) as error:
        raise _malformed(error) from error


@overload
def from_builtins(value: object, kind: type[T], *, strict: bool = True, from_attributes: bool = False) -> T: ...
@overload
def from_builtins(value: object, kind: Any, *, strict: bool = True, from_attributes: bool = False) -> Any: ...
def from_builtins(value: object, kind: Any, *, strict: bool = True, from_attributes: bool = False) -> Any:
    """Convert dicts, lists and scalars into a type; with `from_attributes` also other objects, by their attributes.
    Without `strict` numbers may be strings or booleans. Raises msgspec.ValidationError.
    """
    _prepare(kind)
    return msgspec.convert(value, kind, strict=strict, from_attributes=from_attributes)


def _plain(value: object) -> str:
    """A text of a subclass of str as str. Raises NotImplementedError for another type."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"unsupported type {type(value).__name__}")


to_json: Final = msgspec.json.Encoder(enc_hook=_plain).encode
to_msgpack: Final = msgspec.msgpack.Encoder(enc_hook=_plain).encode


def to_builtins(value: object) -> Any:
    """Convert structs to dicts, lists and scalars."""
    return msgspec.to_builtins(value, enc_hook=_plain)
