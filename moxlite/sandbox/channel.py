"""A child process's end of its socket, and how much memory it has."""

from __future__ import annotations

import os
import resource
import socket
from contextlib import suppress
from typing import Final

from moxlite.sandbox.messages import LENGTH, MAX_FRAME

LIFE: Final = 1
"""Descriptor of the pipe that ends with the server."""

STATM: Final = 3
"""Descriptor of /proc/self/statm."""

MAX_TEXT: Final = 500
"""Characters of an error's text."""


def receive(channel: socket.socket) -> bytearray | None:
    """Receive the next frame; returns None if there is no further one. Raises ValueError: the frame is too long."""
    head = _octets(channel, LENGTH)
    if head is None:
        return None
    size = int.from_bytes(head, "big")
    if size > MAX_FRAME:
        raise ValueError("frame too long")
    return _octets(channel, size)


def _octets(channel: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view, at = memoryview(buffer), 0
    while at < size:
        count = channel.recv_into(view[at:])
        if not count:
            return None
        at += count
    return buffer


def send(channel: socket.socket, octets: bytes) -> None:
    """Send a frame of at most `MAX_FRAME` octets."""
    channel.sendall(len(octets).to_bytes(LENGTH, "big") + octets)


def keep_statm() -> None:
    """Keep /proc/self/statm open, since no file can be opened later (proc(5))."""
    with suppress(OSError):  # another system
        found = os.open("/proc/self/statm", os.O_RDONLY)
        if found != STATM:
            os.dup2(found, STATM)
            os.close(found)


def resident() -> int:
    """Octets of resident memory, 0 if that is not known. The high-water mark of getrusage(2) would not do: it begins
    with the memory of the server that started the process.
    """
    try:
        return int(os.pread(STATM, 200, 0).split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0
