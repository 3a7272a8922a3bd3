"""Code shared by imports and exports: folders to tar streams, tar streams to folders, and progress."""

import math
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from moxlite.cli.common import Failure, load_config
from moxlite.escapes import printable
from moxlite.proto.tar import TAR_END, padding, tar_header
from moxlite.store.errors import ImportFailed
from moxlite.store.imports.archives import READ_SIZE, members
from moxlite.wording import counted

if TYPE_CHECKING:
    from moxlite.config.snapshot import Snapshot


def stopped_config(not_running: Failure) -> "Snapshot":
    """The configuration, for work on the files of a server that doesn't run. Raises Failure: that nothing runs, and the
    mistake that keeps it from starting; without the first, the mistake would seem to be one of the command.
    """
    try:
        return load_config()
    except Failure:
        raise not_running from None


QUEUED: Final = 16
"""Number of pieces that wait to be written; together 4 MiB."""

LINE_STEP: Final = 1_000
"""Messages between two progress lines if stderr is no terminal (STORE-120)."""


SIGN: Final = 60.0
"""Seconds between two lines about long work if stderr isn't a terminal."""


class Signs:
    """Signs of life on stderr: on a terminal, what is being worked on and since when; otherwise, a line a minute.

    With `verbose`, `tell` prints each line to stdout instead. If `silent`, a command has no output without a terminal,
    as it runs at night.
    """

    def __init__(self, title: str, *, verbose: bool = False, silent: bool = False) -> None:
        self._title = title
        self._verbose = verbose
        self._silent = silent
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._told = time.monotonic()

    def tell(self, line: str) -> None:
        """Show what is being worked on."""
        if self._verbose:
            print(printable(line), flush=True)
        elif sys.stderr.isatty():
            if self._progress is None:  # questions come before the work
                columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
                self._progress = Progress(
                    *columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()
                )
                self._task = self._progress.add_task(self._title, total=None)
                self._progress.start()
            self._progress.update(self._task, description=f"{self._title}: {printable(line)}")
        elif not self._silent and time.monotonic() - self._told >= SIGN:
            self._told = time.monotonic()
            print(f"{self._title}: {printable(line)}", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()


class Meter:
    """Shows progress on stderr: a bar on a terminal, otherwise a line for each 1000 messages."""

    def __init__(self, title: str, total: int | None) -> None:
        """`total`: octets that will be read, if known."""
        self.messages = 0
        self._total = total
        self._octets = 0
        self._began = time.monotonic()
        self._told = 0
        self._step = ""
        self._step_told = 0.0
        self._progress: Progress | None = None
        if sys.stderr.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            times = TimeElapsedColumn() if total is None else TimeRemainingColumn()
            counts = TextColumn("{task.fields[messages]} messages, {task.fields[rate]}/s")
            self._progress = Progress(*columns, times, counts, console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task(title, total=total, messages=0, rate=0)

    def octets(self, count: int) -> None:
        """Advance the bar by `count` octets read or written."""
        self._octets += count
        if self._progress is not None:
            self._progress.advance(self._task, count)

    def count(self, messages: int) -> None:
        """Set the number of messages so far."""
        self.messages = messages
        if self._progress is not None:
            self._progress.update(self._task, messages=messages, rate=self._rate)
        elif messages // LINE_STEP > self._told // LINE_STEP:
            count = counted(messages // LINE_STEP * LINE_STEP, "message")
            print(f"{count} ({self._pace()})", file=sys.stderr, flush=True)
            self._told = messages

    def step(self, title: str) -> None:
        """Show that another part of the work begins."""
        self._step, self._step_told = title, time.monotonic()
        if self._progress is not None:
            self._progress.update(self._task, description=title)
        elif self._told:
            print(title, file=sys.stderr, flush=True)

    def share(self, percent: int) -> None:
        """Show how much of the part is done: on a terminal each percent, otherwise a line a minute."""
        text = f"{self._step}, {percent}%"
        if self._progress is not None:
            self._progress.update(self._task, description=text)
        elif time.monotonic() - self._step_told >= SIGN:
            self._step_told = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    @property
    def _rate(self) -> int:
        return round(self.messages / max(time.monotonic() - self._began, 0.001))

    def _pace(self) -> str:
        """Messages a second, and if the total is known, how much of it is done and how long the rest will take."""
        rate = f"{self._rate}/s"
        if not self._total or not self._octets:
            return rate
        part = min(self._octets / self._total, 1)
        left = (time.monotonic() - self._began) * (1 - part) / part
        return f"{rate}, {part:.0%}, {counted(math.ceil(left / 60), 'minute')} left"

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        if self._progress is not None:
            self._progress.console.print(printable(text), markup=False, highlight=False)
        else:
            print(printable(text), file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()


def open_file(path: Path) -> BinaryIO:
    """Open a file for sending. Raises Failure."""
    try:
        return path.open("rb")
    except OSError as error:
        raise Failure(f"can't read {path}: {error.strerror or error}") from None


def folder_pieces(top: Path, *, without: str = "") -> Iterator[bytes]:
    """A folder with everything below it as a tar stream, in the order of names; links are in it, but are not followed.

    `without`: name of folders to leave out. Raises OSError.
    """
    for folder, names, files in os.walk(top, onerror=_raise):
        names[:] = sorted(name for name in names if name != without)
        below = Path(folder).relative_to(top).as_posix()
        prefix = "" if below == "." else below + "/"
        for name in names:
            link = (Path(folder) / name).is_symlink()
            yield tar_header(prefix + name, 0, 0, folder=not link, link=link)
        for name in sorted(files):
            with suppress(FileNotFoundError):  # moved by a mail program meanwhile
                yield from _file(Path(folder) / name, prefix + name)
    yield TAR_END


def folder_size(top: Path, *, without: str = "") -> int:
    """Octets of the files in a folder, as `folder_pieces` sends them without what surrounds them."""
    size = 0
    for folder, names, files in os.walk(top):
        names[:] = [name for name in names if name != without]
        for name in files:
            with suppress(OSError):
                size += (Path(folder) / name).lstat().st_size
    return size


def _raise(error: OSError) -> None:
    raise error


def _file(path: Path, name: str) -> Iterator[bytes]:
    if path.is_symlink():
        yield tar_header(name, 0, 0, link=True)
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return
        left = found.st_size
        yield tar_header(name, left, int(found.st_mtime))
        while left:
            data = file.read(min(READ_SIZE, left))
            if not data:  # the file became shorter meanwhile
                raise OSError(f"{path} was truncated while reading")
            left -= len(data)
            yield data
        yield padding(found.st_size)


class PiecesFile:
    """A file object over pieces, for an import without a server."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def seekable(self) -> bool:
        """Return False."""
        return False

    def read(self, size: int = -1) -> bytes:
        """At least one octet, except at the end; never more than `size`."""
        while not self._held:
            try:
                self._held = next(self._pieces)
            except StopIteration:
                return b""
        size = len(self._held) if size < 0 else size
        data, self._held = self._held[:size], self._held[size:]
        return data


def write_folder(top: Path, pieces: Iterator[bytes]) -> None:
    """Write the members of a tar stream into a folder. Raises OSError, also if a file exists already; ImportFailed."""
    top.mkdir(parents=True, exist_ok=True)
    for member in members(PiecesFile(pieces).read):
        parts = Path(member.name).parts
        if not parts or ".." in parts or Path(member.name).is_absolute():
            raise Failure(f"the server sent an invalid mailbox name: {printable(member.name)}")
        path = top.joinpath(*parts)
        if member.kind == "folder":
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif member.kind == "file":
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.writelines(member.pieces)
            os.utime(path, (time.time(), member.mtime))


class FolderWriter:
    """Writes a tar stream into a folder, in a thread of its own. The folder is made when the first piece comes."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._queue: Queue[bytes | None] = Queue(QUEUED)
        self._failure: Exception | None = None
        self._broken = False
        self._ended = False
        self._started = False
        self._thread = Thread(target=self._run, name="export")

    def put(self, piece: bytes) -> None:
        """Add the next octets; waits while `QUEUED` pieces wait. Raises Failure: the folder cannot be written."""
        if not self._started:
            self._started = True
            self._thread.start()
        if self._failure is None:
            self._queue.put(piece)
        if self._failure is not None:
            raise self._told(self._failure)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._broken = error is not None
        if self._started:
            self._queue.put(None)
            self._thread.join()
        if error is None and self._failure is not None:
            raise self._told(self._failure)

    def _told(self, error: Exception) -> Failure:
        if isinstance(error, FileExistsError):
            return Failure(f"{error.filename} already exists: export into another folder")
        if isinstance(error, OSError):
            return Failure(f"can't write {error.filename or self._top}: {error.strerror or error}")
        return Failure(printable(str(error)))

    def _run(self) -> None:
        try:
            write_folder(self._top, self._pieces())
        except (OSError, ImportFailed, Failure) as error:
            if not self._broken:
                self._failure = error
        for _ in self._pieces():
            pass  # so that the writer is not blocked

    def _pieces(self) -> Iterator[bytes]:
        while not self._ended:
            piece = self._queue.get()
            if piece is None:
                self._ended = True
            else:
                yield piece
