"""Commands and servers of tests begin as forks of a process that has imported moxlite: a start of Python's own costs
0.4 s of a processor, and a run of all tests has two thousand.

`install` changes `subprocess` for the process of the tests: `python -m moxlite ARGUMENTS`, and modules of tests that
run the command line, are asked of `Parent`, another process. What it forks becomes our child, and is waited for as any
other. Not so where a start could differ: with another Python, with other variables that Python or its libraries read
when they start, in another namespace, or within tests that have the marker `starts`.
"""

import atexit
import ctypes
import gc
import json
import os
import re
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

from moxlite.ownprogram import VERB

__all__ = ["end", "forked", "install"]

TOP: Final = Path(__file__).resolve().parents[1]
OURS: Final = re.compile(r"moxlite|tests\.\w+server|tests\.campaigns\._fastlease")
"""Modules that run the command line."""

AT_START: Final = re.compile(r"PYTHON(?!PATH$).*|LANG|LC_.*|TZ|LD_.*|MALLOC_.*|GLIBC_.*|OPENSSL_.*|SSL_.*")
"""Variables that Python and the libraries read when they start."""

SUBREAPER: Final = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2)."""

LARGEST: Final = 200_000
"""Octets of a request: the kernel has buffers for so many."""

forked: bool = True
"""Whether what is started now may be a fork."""

_parent: "Parent | None" = None
_lock = threading.Lock()


class Parent:
    """The process that forks, from our side. Several threads may ask."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.own = _own(os.environ)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.starting", str(theirs.fileno())]
            environment = os.environ | {"PYTHONPATH": str(TOP)}
            self._process = subprocess.Popen(
                command, cwd=TOP, env=environment, pass_fds=[theirs.fileno()], stdin=-3, stdout=-3, umask=0o022
            )
        self._socket = ours

    def start(self, request: Mapping[str, object], files: list[int]) -> int | None:
        """The number of the new process, our child. None: the request is too large."""
        octets = json.dumps(request).encode()
        if len(octets) > LARGEST:
            return None
        with _lock:
            _adopt(True)
            try:
                socket.send_fds(self._socket, [octets], files)
                answer = self._socket.recv(100)
            finally:
                _adopt(False)
        assert answer, "the process that forks is gone"
        return int(answer)

    def end(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(timeout=60)


def install() -> None:
    """From now on processes of this one, and of its forks, are started so."""
    if sys.platform != "linux":
        return
    execute: Any = subprocess.Popen._execute_child  # type: ignore[attr-defined]

    def start(
        self: Any, args: Any, executable: Any, preexec: Any, close: bool, passed: Any, cwd: Any, env: Any, *rest: Any
    ) -> None:
        _, _, shell, *streams, restore, gid, gids, uid, umask, session, group = rest
        plain = (executable, preexec, gid, gids, uid) == (None,) * 5 and not passed and not shell and close and restore
        if plain and group == -1 and (words := _words(args, cwd, env)):
            given = streams[0], streams[3], streams[5]
            files = [number if one == -1 else one for number, one in enumerate(given)]
            request = {
                "words": words,
                "cwd": os.fspath(cwd) if cwd is not None else os.getcwd(),
                "environment": dict(os.environ if env is None else env),
                "umask": _umask() if umask == -1 else umask,
                "session": bool(session),
                "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE),
            }
            pid = _the_parent().start(request, files)
            if pid is not None:
                self.pid = pid
                self._child_created = True
                self._close_pipe_fds(*streams)
                return
        execute(self, args, executable, preexec, close, passed, cwd, env, *rest)

    setattr(subprocess.Popen, "_execute_child", start)  # noqa: B010 - mypy knows no such method


def end() -> None:
    """End the process that forks; another one is started when it is needed."""
    global _parent
    if _parent is not None and _parent.owner == os.getpid():
        _parent.end()
    _parent = None


def _the_parent() -> Parent:
    global _parent
    with _lock:
        if _parent is None or _parent.owner != os.getpid():
            _parent = Parent()
        return _parent


def _words(args: Any, cwd: Any, env: Mapping[str, str] | None) -> list[str] | None:
    """Module and arguments of what can be forked."""
    if not forked or not isinstance(args, list | tuple) or len(args) < 3:
        return None
    python, option, *words = map(os.fspath, args)
    if (python, option) != (sys.executable, "-m") or not OURS.fullmatch(words[0]) or words[1:2] == [VERB]:
        return None
    folder = Path(cwd or ".").resolve()
    environment = os.environ if env is None else env
    path = environment.get("PYTHONPATH", "")
    if path != str(TOP) and (path or folder != TOP):
        return None
    if not folder.is_dir() or (folder != TOP and (folder / "moxlite").exists()):
        return None
    return words if _the_parent().own == _own(environment) else None


def _own(environment: Mapping[str, str]) -> tuple[object, ...]:
    """What a fork has of its parent: users, groups, namespaces, and what was read when that started."""
    spaces = [os.readlink(f"/proc/thread-self/ns/{name}") for name in ("net", "mnt", "pid", "user")]
    variables = {name: value for name, value in environment.items() if AT_START.fullmatch(name)}
    return os.getresuid(), os.getresgid(), os.getgroups(), spaces, variables


def _umask() -> int:
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Umask:")]
    return int(line.split()[1], 8)


def _adopt(adopting: bool) -> None:
    """Be the parent of those whose parent ends, or not."""
    assert ctypes.CDLL(None).prctl(SUBREAPER, int(adopting), 0, 0, 0) == 0


def _serve(channel: socket.socket) -> list[str]:
    """Fork for each request; returns in the new process, with its module and arguments."""
    while True:
        octets, files, _, _ = socket.recv_fds(channel, LARGEST, 3)
        if not octets:
            sys.exit()
        reading, writing = os.pipe()
        between = os.fork()
        if between == 0:
            # the parent of the new process ends at once: it becomes a child of the one that has asked
            if (pid := os.fork()) != 0:
                os.write(writing, str(pid).encode())
                os._exit(0)
            channel.close()
            return _begin(json.loads(octets), files)
        os.close(writing)
        os.waitpid(between, 0)
        channel.send(os.read(reading, 100))
        os.close(reading)
        for one in files:
            os.close(one)


def _begin(request: dict[str, Any], files: list[int]) -> list[str]:
    """Be as a process that has just been started; module and arguments of the command."""
    for number, one in enumerate(files):
        os.dup2(one, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        stream = _stream(number, getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if request["session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.umask(request["umask"])
    resource.setrlimit(resource.RLIMIT_NOFILE, request["descriptors"])
    os.environ.clear()
    os.environ.update(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    words: list[str] = request["words"]
    sys.argv[1:] = words[1:]
    sys.path[0] = request["cwd"]
    return words


def _stream(number: int, before: TextIO) -> TextIO:
    """A standard stream as Python makes it, for the file that has this number now."""
    direct: bool = before.write_through  # type: ignore[attr-defined]  # PYTHONUNBUFFERED
    file: Any = open(number, "wb" if number else "rb", 0 if direct and number else -1, closefd=False)  # noqa: SIM115
    getattr(file, "raw", file).name = before.name
    options: dict[str, Any] = {"encoding": before.encoding, "errors": before.errors}
    if number:
        lines = before.line_buffering if number == 2 else os.isatty(number) and not direct
        options |= {"newline": "\n", "line_buffering": lines, "write_through": direct}
    return TextIOWrapper(file, **options)


def main() -> None:
    """Import what commands and servers import, and fork for each request; in a fork run the command."""
    from moxlite.cli import COMMANDS

    for place, _ in COMMANDS.values():
        import_module(place.partition(":")[0])
    import_module("moxlite.server")
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: those whom it is for end us
    [_, channel] = sys.argv
    module, *_ = _serve(socket.socket(fileno=int(channel)))
    _run(module)


def _run(module: str) -> None:
    """Run it as `python -m` does. The process ends without taking its modules apart, which costs more than most
    commands do.
    """
    code: object = None
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)  # type: ignore[arg-type]  # Python tells of it
    if isinstance(code, int | None):
        os._exit((code or 0) & 0xFF)
    sys.exit(code)  # type: ignore[arg-type]  # Python prints it


if __name__ == "__main__":
    main()
