"""A checked script, and its packed form, which an account keeps beside the text."""

from __future__ import annotations

from typing import Final

import msgspec

from moxlite.decoders import msgpack_decoder
from moxlite.proto.sieve.commands import AnyCommand

__all__ = ["VERSION", "Script", "pack", "unpack"]

VERSION: Final = 1
"""Version of the packed form. One with another version is made again from the text."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A script that has been checked.

    Attributes:
      commands: in order, `Require` too.
      requires: extensions that it asks for, in the order of the text.
      extensions: those that are in use: asked for by ``require`` or found by ``ihave``.
    """

    commands: tuple[AnyCommand, ...]
    requires: tuple[str, ...] = ()
    extensions: frozenset[str] = frozenset()


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    version: int
    script: msgspec.Raw


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_OUTER: Final = msgpack_decoder(_Packed)
_DECODER: Final = msgpack_decoder(Script)


def pack(script: Script) -> bytes:
    """Encode a script."""
    return _ENCODER.encode(_Packed(VERSION, msgspec.Raw(_ENCODER.encode(script))))


def unpack(octets: bytes) -> Script | None:
    """Decode a script; None for damaged octets or another version."""
    try:
        outer = _OUTER.decode(octets)
        return _DECODER.decode(outer.script) if outer.version == VERSION else None
    except (msgspec.MsgspecError, RecursionError):
        return None
