"""Decoding of JSON, MessagePack and plain objects into types, safe in any thread.

msgspec works out the fields of a Struct when the type is first used, and leaves a half-made description in the class
while it does so. A thread that uses the type meanwhile reads a null pointer, and the process dies (msgspec 0.22,
`StructInfo_Convert`; docs/design-facts.md). So descriptions are made here, under one lock, and no other module calls
msgspec with a type. Encoding needs none.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar, overload

import msgspec

__all__ = ["from_builtins", "from_json", "from_msgpack", "json_decoder", "msgpack_decoder"]

T = TypeVar("T")

_lock: Final = threading.Lock()
_prepared: Final = set[object]()
"""Types of which the description is whole."""


def _prepare(kind: object) -> None:
    if kind not in _prepared:
        with _lock:
            msgspec.json.Decoder(kind)
        _prepared.add(kind)


@overload
def json_decoder(kind: type[T], *, strict: bool = True) -> msgspec.json.Decoder[T]: ...
@overload
def json_decoder(kind: Any, *, strict: bool = True) -> msgspec.json.Decoder[Any]: ...
def json_decoder(kind: Any, *, strict: bool = True) -> msgspec.json.Decoder[Any]:
    """Return a decoder of JSON for a type."""
    with _lock:
        return msgspec.json.Decoder(kind, strict=strict)


@overload
def msgpack_decoder(kind: type[T]) -> msgspec.msgpack.Decoder[T]: ...
@overload
def msgpack_decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]: ...
def msgpack_decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    """Return a decoder of MessagePack for a type."""
    with _lock:
        return msgspec.msgpack.Decoder(kind)


@overload
def from_json(data: bytes | bytearray | memoryview | str, kind: type[T]) -> T: ...
@overload
def from_json(data: bytes | bytearray | memoryview | str, kind: Any) -> Any: ...
def from_json(data: bytes | bytearray | memoryview | str, kind: Any) -> Any:
    """Decode JSON into a type. Raises msgspec.DecodeError, msgspec.ValidationError."""
    _prepare(kind)
    return msgspec.json.decode(data, type=kind)


@overload
def from_msgpack(data: bytes | bytearray | memoryview, kind: type[T]) -> T: ...
@overload
def from_msgpack(data: bytes | bytearray | memoryview, kind: Any) -> Any: ...
def from_msgpack(data: bytes | bytearray | memoryview, kind: Any) -> Any:
    """Decode MessagePack into a type. Raises msgspec.DecodeError, msgspec.ValidationError."""
    _prepare(kind)
    return msgspec.msgpack.decode(data, type=kind)


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
