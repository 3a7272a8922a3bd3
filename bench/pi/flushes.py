"""Flushes that take as long as on an SD card, by seccomp notifications (seccomp_unotify(2)).

Theory of operation
-------------------
A filter lets each system call that makes data durable wait for a listener; children inherit it. The listener, in
another process, lets the call go on after the time that the card would take. The card does one flush at a time: each
takes `late` seconds, and what its process has written since its last flush takes `1 / rate` seconds an octet.
"""

import ctypes
import errno
import fcntl
import heapq
import os
import platform
import select
import struct
import time
from pathlib import Path
from typing import Final

__all__ = ["Card", "filter_flushes"]

SYSCALLS: Final[dict[str, tuple[int, int, tuple[int, ...]]]] = {
    "x86_64": (0xC000003E, 317, (74, 75, 162, 26, 277, 306)),
    "aarch64": (0xC00000B7, 277, (82, 83, 81, 227, 84, 267)),
}
"""By processor: the filter's name of it, and the numbers of seccomp(2) and of fsync, fdatasync, sync, msync,
sync_file_range and syncfs. Files opened with O_SYNC are left out: no server here uses them.
"""

# linux/filter.h
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
# linux/seccomp.h
SET_MODE_FILTER, NEW_LISTENER, WAIT_KILLABLE = 1, 1 << 3, 1 << 5
ALLOW, USER_NOTIF, CONTINUE = 0x7FFF0000, 0x7FC00000, 1
RECEIVE, SEND = 0xC0502100, 0xC0182101
NOTICE: Final = struct.Struct("=QII64x")  # id, thread, flags, the call
ANSWER: Final = struct.Struct("=QqiI")  # id, value, error, flags


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def filter_flushes() -> int:
    """Install the filter in this process, which has one thread; the listener's descriptor.

    Raises OSError: without root, or on an older kernel. KeyError: an unknown processor.
    """
    architecture, seccomp, flushes = SYSCALLS[platform.machine()]
    code = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 0, len(flushes) + 1, architecture), (LOAD, 0, 0, 0)]
    code += [(JUMP_IF_EQUAL, len(flushes) - n, 0, number) for n, number in enumerate(flushes)]
    code += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, USER_NOTIF)]
    packed = b"".join(struct.pack("=HBBI", *step) for step in code)
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(code), packed)
    listener = int(libc.syscall(seccomp, SET_MODE_FILTER, NEW_LISTENER | WAIT_KILLABLE, ctypes.byref(program)))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
    return listener


class Card:
    """The listener's side: an SD card.

    Attributes:
      flushes, octets: how many flushes went on so far, and what they wrote.
    """

    def __init__(self, listener: int, late: float, rate: float) -> None:
        """`late`: seconds a flush takes at least. `rate`: octets a second."""
        self._listener = listener
        self._late = late
        self._rate = rate
        self._free = 0.0  # when the card has done all that it was told
        self._waiting: list[tuple[float, int]] = []  # when, and the id of the notice
        self._written: dict[int, int] = {}  # octets that a process had written at its last flush
        self.flushes = 0
        self.octets = 0

    def serve(self) -> None:
        """Let flushes go on, each in its time, until no process has the filter any more. Blocks."""
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            wait = None if not self._waiting else max(self._waiting[0][0] - time.monotonic(), 0) * 1e3
            found = poll.poll(wait)
            if found and found[0][1] & select.POLLIN:
                self._receive()
            elif found:
                return
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                self._send(heapq.heappop(self._waiting)[1])

    def _receive(self) -> None:
        notice = bytearray(NOTICE.size)
        try:
            fcntl.ioctl(self._listener, RECEIVE, notice)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # the process was killed meanwhile
                return
            raise
        number, thread, _ = NOTICE.unpack(notice)
        octets = self._new_octets(thread)
        self._free = max(self._free, time.monotonic()) + self._late + octets / self._rate
        self.flushes += 1
        self.octets += octets
        heapq.heappush(self._waiting, (self._free, number))

    def _new_octets(self, thread: int) -> int:
        """Octets that the thread's process has written since its last flush."""
        try:
            process = _number(thread, "status", "Tgid:")
            written = _number(process, "io", "write_bytes:")
        except (OSError, LookupError):
            return 0
        before = self._written.get(process, 0)
        self._written[process] = written
        return max(written - before, 0)

    def _send(self, number: int) -> None:
        answer = bytearray(ANSWER.pack(number, 0, 0, CONTINUE))
        try:
            fcntl.ioctl(self._listener, SEND, answer)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def close(self) -> None:
        """Close the listener."""
        os.close(self._listener)


def _number(process: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(name)
