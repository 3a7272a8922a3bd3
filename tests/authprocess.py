"""auth.db in a second process that has nothing else, for tests of log-ins (tests/session/conftest.py).

The process that forks these is started once, and forks without a thread: ``python -m tests.authprocess DESCRIPTOR``.
"""

import os
import signal
import socket
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path

import trio

from moxlite.store.auth.authdb import AuthDB
from moxlite.store.options import Options
from moxlite.workers.auth import AuthAnswers, WorkerAuth
from moxlite.workers.channel import Channel, channel_pair
from tests.supervised import supervised
from tests.tools import top

__all__ = ["ElsewhereAuth", "end"]


class ElsewhereAuth(WorkerAuth):
    """auth.db of a test, in a second process."""

    @classmethod
    async def open(cls, path: Path, options: Options, *, create: bool = False) -> AuthDB:
        """Have the second process open the file. Its tasks run there."""
        ours, theirs = channel_pair()
        with theirs:
            socket.send_fds(_forking()[0], [bytes(path)], [theirs.fileno()])
        channel = Channel(ours, "worker", "first")
        auth = cls(channel)
        channel.add_answers(auth.first_answers())
        trio.lowlevel.spawn_system_task(channel.serve)
        with trio.fail_after(60):
            await auth.begun.wait()
        return auth

    async def aclose(self) -> None:
        """End the second process."""
        self._channel.close()
        await trio.lowlevel.checkpoint()


@cache
def _forking() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process that forks, and our end of its control socket. Started at the first use."""
    ours, theirs = channel_pair()
    with theirs:
        command = [sys.executable, "-m", "tests.authprocess", str(theirs.fileno())]
        return ours, subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd=top())


def end() -> None:
    """End the process that forks, if it was started."""
    if _forking.cache_info().currsize:
        control, process = _forking()
        control.close()
        process.wait()


async def _first(sock: socket.socket, path: Path) -> None:
    auth = await AuthDB.open(path, Options(min_free_space=0), create=True)
    asked = AuthAnswers(auth)
    channel = Channel(sock, "first", "worker", asked.answers())
    async with trio.open_nursery() as nursery:
        await nursery.start(supervised, auth)
        await auth.foreign.load()
        asked.tell = channel.ask
        nursery.start_soon(asked.begin, channel)
        await channel.serve()
        nursery.cancel_scope.cancel()
    await auth.aclose()


def _fork_on_demand(control: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        path, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not path:
            return
        if not os.fork():
            control.close()
            try:
                trio.run(_first, socket.socket(fileno=descriptors[0]), Path(os.fsdecode(path)))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(descriptors[0])


if __name__ == "__main__":
    _fork_on_demand(socket.socket(fileno=int(sys.argv[1])))
