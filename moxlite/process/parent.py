"""Splitting a root process in two: the server, which becomes the service user, and its parent (ADMIN-36).

`split` forks. The child goes on as the server. It keeps everything that was opened and imported, so the service user
need not be able to read those files. The parent keeps its process id, which systemd or a shell knows, and becomes the
program `keeper`; the memory of the start is freed.
"""

import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from moxlite.ownprogram import own_program
from moxlite.process import keeper
from moxlite.process.errors import StartFailed
from moxlite.safefile import read_file

SECONDS: Final = 10.0
"""Seconds for an answer: the parent reads one small file, from a disk that may be slow."""


class Parent:
    """The server's end of the connection to its parent: files that only root may read, and notice of the parent's
    death.

    Args:
      requests: connected with the parent.
      alive: a descriptor that becomes readable once the parent has ended.
      files: the files that the parent opens.
    """

    def __init__(self, requests: socket.socket, alive: int, files: Sequence[Path]) -> None:
        self._requests = requests
        self._alive = alive
        self._numbers = {path: number for number, path in enumerate(files)}
        self._lock = threading.Lock()
        self._arrived = bytearray()  # of an answer, which may be that to a request whose time is over
        self._owed = False  # an answer
        requests.settimeout(SECONDS)

    def read(self, path: Path) -> bytes:
        """The certificates and keys in one of the files, in PEM form. Blocks; callers in several threads take turns.

        Raises OSError: the file cannot be read, or the parent gives no answer.
        """
        if path not in self._numbers:  # not named when root read the configuration: this user's own rights count
            return read_file(path)
        with self._lock:
            try:
                if self._owed:
                    self._receive()  # late: the caller has gone
                self._requests.sendall(self._numbers[path].to_bytes(keeper.NUMBER, "big"))
                self._owed = True
                word, body = self._receive()
            except OSError as error:
                text = f"the parent process isn't reading it: {error}"
                raise OSError(error.errno or errno.EIO, text, str(path)) from None
        match word:
            case keeper.CONTENT:
                return body
            case keeper.YOURS:
                return read_file(path)
            case _:
                raise OSError(int(body), os.strerror(int(body)), str(path))

    def _receive(self) -> tuple[bytes, bytes]:
        """Word and body of the next answer. After a TimeoutError, another call goes on with what has arrived."""
        head = 1 + keeper.LENGTH
        self._await_octets(head)
        self._await_octets(head + int.from_bytes(self._arrived[1:head], "big"))
        answer = bytes(self._arrived)
        self._arrived.clear()
        self._owed = False
        return answer[:1], answer[head:]

    def _await_octets(self, count: int) -> None:
        while (missing := count - len(self._arrived)) > 0:
            chunk = self._requests.recv(missing)
            if not chunk:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            self._arrived += chunk

    async def ended(self) -> None:
        """Wait until the parent has ended."""
        await trio.lowlevel.wait_readable(self._alive)

    def close(self) -> None:
        """Close the connection: no more files will be requested."""
        self._requests.close()
        os.close(self._alive)


def split(files: Sequence[Path]) -> Parent:
    """Fork, and return in the new process. It has a session of its own, so that a terminal's ^C reaches it through the
    parent alone. The old process becomes the parent, and passes signals on; no signal is lost meanwhile.

    Args:
      files: certificates and keys that are read again later, for renewals and for backups.

    Raises StartFailed.
    """
    ours, theirs = socket.socketpair()
    alive, held = os.pipe()  # the parent holds the writing end
    blocked = {*keeper.FORWARDED, signal.SIGCHLD}
    # Until the keeper has its handlers: the mask outlives execve(2), so that a SIGTERM in between waits for them, and
    # does not end the parent alone.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        server = os.fork()
    except OSError as error:
        raise StartFailed(f"can't start the server process: {error.strerror}") from None
    if server:
        _become_keeper(server, theirs.fileno(), held, files)
    theirs.close()
    os.close(held)
    os.setsid()
    os.environ.pop("WATCHDOG_PID", None)  # the parent's, while the signs of life are ours (sd_watchdog_enabled(3))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Parent(ours, alive, files)


def _become_keeper(server: int, requests: int, held: int, files: Sequence[Path]) -> None:
    """Replace this process by the keeper. Raises StartFailed after ending the server."""
    for fd in (requests, held):
        os.set_inheritable(fd, True)
    program = [*own_program("keeper"), str(server), str(requests)]
    try:
        os.execv(program[0], [*program, *(str(path.absolute()) for path in files)])  # noqa: S606 - our own program
    except OSError as error:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        raise StartFailed(f"can't run {program[0]}: {error.strerror}") from None
