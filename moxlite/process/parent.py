"""Two processes out of one that is root: the server, which becomes the service user, and its parent (ADMIN-36).

`split` forks. The child goes on as the server, with all that was opened and imported, so that nothing of it need be
readable for the service user. The parent keeps its process id, which systemd or a shell knows, and becomes the program
`keeper`: all memory of the start is given back.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from moxlite.process import keeper
from moxlite.process.errors import StartFailed

__all__ = ["Parent", "split"]

SECONDS: Final = 10.0
"""For an answer: the parent reads one small file, from a disk that may be slow."""

PROGRAM: Final = "import sys; sys.path.append({top!r}); from moxlite.process.keeper import main; main()"
"""Of the parent; isolated from the environment and without site-packages, of which it needs nothing."""

TOP: Final = Path(__file__).resolve().parents[2]
"""Where the package is."""


class Parent:
    """The server's end: files that only root may read, and news of the parent's death.

    Args:
      requests: connected with the parent.
      alive: a descriptor that becomes readable once the parent has ended.
      files: those that it opens.
    """

    def __init__(self, requests: socket.socket, alive: int, files: Sequence[Path]) -> None:
        self._requests = requests
        self._alive = alive
        self._numbers = {path: number for number, path in enumerate(files)}
        self._lock = threading.Lock()
        requests.settimeout(SECONDS)

    def read(self, path: Path) -> bytes:
        """The certificates and keys in one of the files, in PEM form. Blocks; for one thread after the other.

        Raises OSError: the file cannot be read, or the parent gives no answer.
        """
        if path not in self._numbers:
            return path.read_bytes()
        with self._lock:
            try:
                self._requests.sendall(self._numbers[path].to_bytes(keeper.NUMBER, "big"))
                head = self._receive(1 + keeper.LENGTH)
                body = self._receive(int.from_bytes(head[1:], "big"))
            except OSError as error:
                self._requests.close()  # a late answer would be taken for that to the next request
                text = f"the parent process does not read it: {error}"
                raise OSError(error.errno or errno.EIO, text, str(path)) from None
        match head[:1]:
            case keeper.CONTENT:
                return body
            case keeper.YOURS:
                return path.read_bytes()
            case _:
                raise OSError(int(body), os.strerror(int(body)), str(path))

    def _receive(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            chunk = self._requests.recv(length - len(data))
            if not chunk:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            data += chunk
        return bytes(data)

    async def ended(self) -> None:
        """Wait until the parent has ended."""
        await trio.lowlevel.wait_readable(self._alive)

    def close(self) -> None:
        """Tell the parent that no more files are wanted."""
        self._requests.close()
        os.close(self._alive)


def split(files: Sequence[Path]) -> Parent:
    """Returns in a new process, in a session of its own, so that a terminal's ^C reaches it through the parent alone.
    This one becomes the parent, and passes signals on; none is lost meanwhile.

    Args:
      files: certificates and keys that are read again later, for renewals and for backups.

    Raises StartFailed.
    """
    ours, theirs = socket.socketpair()
    alive, held = os.pipe()  # the parent holds the writing end
    blocked = {*keeper.FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        server = os.fork()
    except OSError as error:
        raise StartFailed(f"cannot start the process of the server: {error.strerror}") from None
    if server:
        _become_keeper(server, theirs.fileno(), held, files)
    theirs.close()
    os.close(held)
    os.setsid()
    os.environ.pop("WATCHDOG_PID", None)  # the parent's, while the signs of life are ours (sd_watchdog_enabled(3))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Parent(ours, alive, files)


def _become_keeper(server: int, requests: int, held: int, files: Sequence[Path]) -> None:
    """Replace this process. Raises StartFailed, with the server ended."""
    for fd in (requests, held):
        os.set_inheritable(fd, True)
    program = [sys.executable, "-I", "-S", "-B", "-c", PROGRAM.format(top=str(TOP)), str(server), str(requests)]
    try:
        os.execv(program[0], [*program, *(str(path.absolute()) for path in files)])  # noqa: S606 - our own program
    except OSError as error:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        raise StartFailed(f"cannot run {sys.executable}: {error.strerror}") from None
