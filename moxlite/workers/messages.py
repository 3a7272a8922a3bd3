"""Messages between two processes of a server: values in, octets out, and back; no sockets.

Theory of operation
-------------------
Two processes share a pair of sockets for sequenced packets (unix(7), SOCK_SEQPACKET). The kernel sends each packet as a
whole or not at all, keeps it apart from the next one, and hands over descriptors with the packet that they came with.
So a message is a packet: it needs no length in front, a canceled sender never leaves half of one, and a reader never
has a part of one. A message of more than `MAX_PACKET` octets is a file in memory (memfd_create(2)): its packet is the
octet `IN_FILE`, with which no MessagePack begins, and its last descriptor is the file.

A process asks with `Ask`, and gets exactly one `Answer` or `Refuse` with the same number, also after `Withdraw`, by
which it says that it no longer waits. So both sides agree on how many questions are open.

Both processes run the same program, but a crash or a bug could still make garbage: all that does not fit raises
Garbled, and the receiver ends the connection.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final, TypeAlias

import msgspec

from moxlite.encoding import msgpack_decoder, to_msgpack

MAX_PACKET: Final = 64 * 1024
"""Octets of a packet. The kernel needs no large connected block of memory for one of this size, and three of them fit
into a socket's buffer of 208 KiB, Linux's default.
"""

MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Octets of a message: names and times of 10,000 accounts are 1 MiB. It is decoded on the event loop, in 20 ms."""

MAX_DESCRIPTORS: Final = 4
"""Descriptors that a question may bring, without the file of a long message."""

IN_FILE: Final = b"\xc1"
"""Packet of a message that is in a file."""

Value: TypeAlias = msgspec.Raw
"""A value in MessagePack: who sent the message, and its number, say what type it has."""


class Garbled(Exception):
    """The other process sent something that is no message, or none that it may send now; the text says what."""


class TooLong(Exception):
    """A message would have more than `MAX_MESSAGE` octets."""


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """The question `name`. `number` is not that of another open question of this process."""

    number: int
    name: str
    request: Value


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """The reply to a question."""

    number: int
    reply: Value


class Refuse(msgspec.Struct, frozen=True, array_like=True, tag="refuse"):
    """An error instead of a reply.

    `kinds` names the class of the error and its bases, the nearest first. It is empty if the answer failed in a way
    that the question does not provide for, or was withdrawn. `texts` are the error's arguments, as `wording.packed`
    makes them; `attributes` its attributes by their names.
    """

    number: int
    kinds: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    attributes: dict[str, Value] = {}


class Withdraw(msgspec.Struct, frozen=True, array_like=True, tag="withdraw"):
    """The process that asked no longer waits for the answer. It still gets one."""

    number: int


Message: TypeAlias = Ask | Answer | Refuse | Withdraw

_messages: Final = msgpack_decoder(Message)


def encode(message: Message) -> bytes:
    """The octets of a message. Raises TooLong."""
    octets = to_msgpack(message)
    if len(octets) > MAX_MESSAGE:
        raise TooLong(f"a message has {len(octets)} octets, and can have up to {MAX_MESSAGE}")
    return octets


def decode(octets: bytes) -> Message:
    """The message of these octets. Raises Garbled."""
    try:
        message: Message = _messages.decode(octets)
    except msgspec.MsgspecError as error:
        raise Garbled(f"no message: {error}") from None
    return message


def write_file(octets: bytes) -> int:
    """A new file in memory with the octets of a message; returns its descriptor. Raises OSError."""
    descriptor = os.memfd_create("moxlite")
    try:
        view = memoryview(octets)
        while view:
            view = view[os.write(descriptor, view) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_file(descriptor: int) -> bytes:
    """The octets of a message in a file. Raises Garbled: it is no file in memory, or too long."""
    with suppress(OSError):
        if (size := os.fstat(descriptor).st_size) <= MAX_MESSAGE:
            return os.pread(descriptor, size, 0)
    raise Garbled("no file with a message")
