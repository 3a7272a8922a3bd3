"""Python on Windows, imitated on Linux: with this folder on PYTHONPATH, a process starts without what Windows lacks
(ADMIN-46). What is missing or refused there is missing or refused here, by Python's own documentation:

- modules, functions, constants and signals, as they are missing in CPython's Windows builds;
- files: an open one can't be removed or renamed over, folders can't be opened, and names have fewer characters;
- text files without an encoding are cp1252, with CRLF as the end of a line;
- the number of a socket is no descriptor, and no child inherits one;
- `sys.platform` and `os.name`, at last: libraries that were loaded before go on as on Linux.

It imitates neither processes nor locks, and no path with a drive.
"""

import builtins
import ctypes
import importlib
import io
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from typing import Any

MODULES = """
fcntl resource pwd grp termios pty tty syslog spwd crypt readline nis
""".split()  # noqa: SIM905 - a name a line would be ten times as long

LIBRARIES = """
apsw asyncio argon2 click concurrent.futures cryptography ctypes.util dns.resolver email.policy h11 http.server
importlib.metadata logging.handlers mailbox msgspec multiprocessing.connection OpenSSL.SSL pathlib platform selectors
socketserver sqlite3 ssl tarfile tempfile trio urllib.request uuid webbrowser xml.etree.ElementTree zipfile zoneinfo
""".split()  # noqa: SIM905 - a name a line would be ten times as long
"""What is loaded before: it chooses its functions for the system that it is on."""

SYSTEM = """
confstr copy_file_range fchmod fchown fdatasync fork forkpty fstatvfs getegid geteuid getgid getgroups getloadavg
getpgid getpriority getresgid getresuid getsid getuid getxattr initgroups killpg lchown chown chroot listxattr lockf
memfd_create mkfifo mknod nice openpty pidfd_open posix_fadvise posix_fallocate posix_spawn pread preadv pwrite pwritev
readv register_at_fork removexattr sched_getaffinity sched_setaffinity sendfile setegid seteuid setgid setgroups
setpgid setpriority setresgid setresuid setsid setuid setxattr statvfs sync sysconf uname wait3 wait4 waitid writev
O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK O_PATH O_TMPFILE O_DIRECT WNOHANG
""".split()  # noqa: SIM905 - a name a line would be ten times as long

SIGNALS = frozenset({"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"})
"""The signals that Windows has."""

SIGNAL_FUNCTIONS = """
alarm getitimer pause pthread_kill pthread_sigmask setitimer sigpending sigtimedwait sigwait
""".split()  # noqa: SIM905 - a name a line would be ten times as long

SOCKET = """
AF_NETLINK AF_UNIX CMSG_LEN CMSG_SPACE MSG_DONTWAIT MSG_NOSIGNAL SCM_RIGHTS SO_PEERCRED SO_REUSEPORT TCP_DEFER_ACCEPT
TCP_USER_TIMEOUT recv_fds send_fds sethostname
""".split()  # noqa: SIM905 - a name a line would be ten times as long

DEVICES = frozenset({"con", "prn", "aux", "nul", "com1", "lpt1"})
UNUSABLE = frozenset('<>:"|?*\\')
OUTSIDE = ("/proc", "/dev", "/sys")

_stat, _fstat, _listdir = os.stat, os.fstat, os.listdir
_statvfs, _pair, _unix = os.statvfs, socket.socketpair, socket.AF_UNIX


def hide() -> None:
    """Take away what Windows lacks, and change what it does in another way."""
    for name in LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError:  # a Python without them, as of a virtual environment's making
            continue
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's own way: it finds no such module
    _replace_functions()
    _take_away(os, SYSTEM)
    _take_away(signal, [*SIGNAL_FUNCTIONS, *(name for name in dir(signal) if _is_signal(name) and name not in SIGNALS)])
    _take_away(socket, SOCKET)
    os.O_BINARY = os.O_NOINHERIT = os.O_TEMPORARY = 0  # type: ignore[attr-defined]  # of Windows alone
    sys.modules["msvcrt"] = _msvcrt()
    _refuse_open_files()
    _refuse_sockets()
    sys.platform = "win32"
    os.name = "nt"


def _is_signal(name: str) -> bool:
    return name.startswith("SIG") and name.isupper() and not name.startswith(("SIG_", "SIGRT"))


def _take_away(module: types.ModuleType, names: list[str]) -> None:
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


def _msvcrt() -> types.ModuleType:
    module: Any = types.ModuleType("msvcrt")
    module.LK_NBLCK, module.LK_UNLCK, module.LK_LOCK = 2, 0, 1
    module.locking = lambda fd, mode, octets: None
    module.get_osfhandle = lambda fd: fd
    module.setmode = lambda fd, flags: 0
    found: types.ModuleType = module
    return found


def _replace_functions() -> None:
    """Functions that work on Windows by other calls than those that are taken away."""

    def usage(path: Any) -> Any:
        system = _statvfs(path)
        unit = system.f_frsize
        total, free = system.f_blocks * unit, system.f_bavail * unit
        return shutil._ntuple_diskusage(total, (system.f_blocks - system.f_bfree) * unit, free)

    def pair(*_: object, **__: object) -> tuple[socket.socket, socket.socket]:
        return _pair(_unix, socket.SOCK_STREAM)

    def path(cls: type[pathlib.Path], *words: Any, **_: object) -> pathlib.Path:
        kind = pathlib.PosixPath if cls is pathlib.Path else cls
        old = getattr(kind, "_from_parts", None)  # up to Python 3.11
        made: pathlib.Path = object.__new__(kind) if old is None else old(words)
        return made

    library = ctypes.CDLL.__init__

    def load(self: ctypes.CDLL, name: str | None, *more: Any, **options: Any) -> None:
        if name is None:
            raise TypeError("expected a name: Windows has no library of the program itself")
        library(self, name, *more, **options)

    bind = socket.socket.bind

    def bind_again(self: socket.socket, address: Any) -> None:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that wait for their end are in no way
        bind(self, address)

    socket.socket.bind = bind_again  # type: ignore[method-assign,assignment]
    shutil.disk_usage = usage
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # trees are removed by their names
    tempfile.TemporaryFile = tempfile.NamedTemporaryFile  # type: ignore[assignment]  # as there, where files need names
    socket.socketpair = pair
    pathlib.Path.__new__ = staticmethod(path)  # type: ignore[assignment]
    ctypes.CDLL.__init__ = load  # type: ignore[method-assign]


def _refuse_open_files() -> None:
    for name, places in {"replace": (0, 1), "rename": (0, 1), "unlink": (0,), "remove": (0,), "mkdir": ()}.items():
        setattr(os, name, _guarded(name, getattr(os, name), places))
    os.open = _opening(os.open, folders=False)
    io.open = builtins.open = _as_text(_opening(io.open, folders=True))


def _guarded(name: str, call: Callable[..., Any], places: tuple[int, ...]) -> Callable[..., Any]:
    def refuse(*words: Any, **options: Any) -> Any:
        for place in places:
            if isinstance(words[place], str | bytes | os.PathLike) and _is_open(words[place]):
                raise PermissionError(13, "file is used by another process", os.fspath(words[place]))
        if name in ("rename", "replace", "mkdir") and not _may_be_name(words[-1] if name != "mkdir" else words[0]):
            raise OSError(22, "invalid name", os.fspath(words[-1]))
        if name == "rename" and os.path.exists(words[1]):
            raise FileExistsError(17, "file exists", os.fspath(words[1]))
        return call(*words, **options)

    return refuse


def _opening(call: Callable[..., Any], *, folders: bool) -> Callable[..., Any]:
    def refuse(path: Any, *words: Any, **options: Any) -> Any:
        if not isinstance(path, int) and not os.fsdecode(path).startswith(OUTSIDE):
            if not folders and os.path.isdir(path):
                raise PermissionError(13, "folders can't be opened", os.fspath(path))
            if not _may_be_name(path):
                raise OSError(22, "invalid name", os.fspath(path))
        return call(path, *words, **options)

    return refuse


def _as_text(call: Callable[..., Any]) -> Callable[..., Any]:
    def translate(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, *words: Any, **options: Any
    ) -> Any:
        if (
            "b" in mode
            or isinstance(file, int)
            or os.fsdecode(file).startswith((*OUTSIDE, sys.prefix, sys.base_prefix))
        ):
            return call(file, mode, buffering, encoding, *words, **options)
        if encoding in (None, "locale"):
            encoding = "cp1252"
        if len(words) < 2 and "r" not in mode:
            options.setdefault("newline", "\r\n")
        return call(file, mode, buffering, encoding, *words, **options)

    return translate


def _is_open(path: Any) -> bool:
    """Whether this process has the file open; on Windows a child's or another program's would do, too."""
    try:
        file = _stat(path, follow_symlinks=False)
    except OSError:
        return False
    for name in _listdir("/proc/self/fd"):
        try:
            other = _fstat(int(name))
        except OSError:
            continue
        if (other.st_dev, other.st_ino) == (file.st_dev, file.st_ino):
            return True
    return False


def _may_be_name(path: Any) -> bool:
    if isinstance(path, int):
        return True
    name = os.path.basename(os.fsdecode(path).rstrip("/"))
    wrong = any(char in UNUSABLE or char < " " for char in name)
    return not (
        wrong
        or name[-1:] == " "
        or (name[-1:] == "." and name not in (".", ".."))
        or name.split(".")[0].lower() in DEVICES
    )


def _refuse_sockets() -> None:
    read, write, begin = os.read, os.write, subprocess.Popen.__init__

    def read_file(fd: int, size: int) -> bytes:
        _refuse_socket(fd)
        return read(fd, size)

    def write_file(fd: int, octets: Any) -> int:
        _refuse_socket(fd)
        return write(fd, octets)

    def start(self: Any, *words: Any, **options: Any) -> None:
        for name in ("stdin", "stdout", "stderr"):
            given: Any = options.get(name)
            fd = given if isinstance(given, int) else given.fileno() if hasattr(given, "fileno") else -1
            if fd >= 0:
                _refuse_socket(fd)
        if options.get("preexec_fn") or options.get("pass_fds"):
            raise ValueError("not supported on Windows")
        begin(self, *words, **options)

    os.read, os.write, subprocess.Popen.__init__ = read_file, write_file, start  # type: ignore[method-assign]


def _refuse_socket(fd: int) -> None:
    try:
        is_socket = stat.S_ISSOCK(_fstat(fd).st_mode)
    except OSError:
        return
    if is_socket:
        raise OSError(9, "the number of a socket is no descriptor on Windows")


hide()
