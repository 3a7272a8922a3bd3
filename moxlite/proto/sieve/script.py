"""A checked script, its packed form, which an account keeps beside the text, and what it names: scripts, addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from moxlite.encoding import msgpack_decoder
from moxlite.proto.address import AddressError
from moxlite.proto.sieve.commands import AnyCommand, If, Include, Redirect
from moxlite.proto.sieve.validation import outgoing_address

VERSION: Final = 2
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


def _all(commands: tuple[AnyCommand, ...]) -> Iterator[AnyCommand]:
    """All commands, in blocks too."""
    for command in commands:
        yield command
        if isinstance(command, If):
            for branch in command.branches:
                yield from _all(branch.block)


def includes(script: Script) -> list[str]:
    """The names of the scripts that a script may include."""
    return [command.script for command in _all(script.commands) if isinstance(command, Include)]


def redirects(main: str, find: Callable[[str], Script | None]) -> dict[str, str]:
    """The addresses that a script, and those that it includes, may send mail to, in lower case, each with the name of
    the script that names it. Addresses made of variables are left out.

    Args:
      main: the name of the script. find: returns the script of a name, None for none.
    """
    found: dict[str, str] = {}
    wanted, seen = [main], {main}
    for name in wanted:
        script = find(name)
        if script is None:
            continue
        for command in _all(script.commands):
            address = _address(command, script) if isinstance(command, Redirect) else ""
            if address:
                found.setdefault(address, name)
        others = [other for other in dict.fromkeys(includes(script)) if other not in seen]
        seen.update(others)
        wanted += others
    return found


def _address(command: Redirect, script: Script) -> str:
    if "variables" in script.extensions and "${" in command.address:
        return ""
    try:
        return str(outgoing_address(command.address)).lower()
    except AddressError:
        return ""
