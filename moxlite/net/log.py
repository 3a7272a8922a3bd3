"""The server's log: logfmt or JSON lines on stderr or in a file (ADMIN-54..56).

Packages log through the standard library: a constant text, and the varying facts beside it::

    logger = logging.getLogger("moxlite.smtpd.session")
    logger.info("message delivered", extra={"kv": {"mailfrom": path, "size": size}})

gives ``l=info m="message delivered" pkg=smtpd cid=18c3 mailfrom=a@b size=12``. Only the server calls `setup`; another
program that uses a package gets ordinary log records (ADMIN-60a).
"""

import contextlib
import datetime as dt
import itertools
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Final, Literal, NamedTuple, TextIO

from moxlite.encoding import to_json
from moxlite.escapes import DECEPTIVE, escaped_json
from moxlite.net import metrics
from moxlite.safefile import open_regular

TRACE: Final = 5
"""Level of protocol lines, with credentials and content left out (ADMIN-55)."""
TRACEAUTH: Final = 4
"""Level of protocol lines with credentials."""
TRACEDATA: Final = 3
"""Level of protocol lines with credentials and the content of messages."""

LEVELS: Final[Mapping[str, int]] = {
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
    "traceauth": TRACEAUTH,
    "tracedata": TRACEDATA,
}
"""Names of the levels in the configuration and in `l=`."""

NAMES: Final = {number: name for name, number in LEVELS.items()} | {logging.CRITICAL: "error"}

MAX_VALUE: Final = 4096
"""Maximum octets of one value, so that data of a peer does not fill the disk (ADMIN-54)."""

MAX_REPEATS: Final = 10
"""Equal errors written in one second; more are only counted (ADMIN-56)."""

MAX_REPEAT_KEYS: Final = 1024
"""Different error texts remembered at a time. Texts are constants, so correct code never reaches it."""

cid_var: ContextVar[int] = ContextVar("cid", default=0)
"""The connection (or request) that the running task works for; 0 for none."""

_cids = itertools.count(time.time_ns() // 1_000_000)


def new_cid() -> int:
    """A connection id that no other connection has had, even across restarts: a counter that begins at the start time
    in milliseconds.
    """
    return next(_cids)


@contextlib.contextmanager
def bind_cid(cid: int) -> Iterator[None]:
    """Set the connection id of log lines in the enclosed block. Tasks started in it inherit it."""
    token = cid_var.set(cid)
    try:
        yield
    finally:
        cid_var.reset(token)


_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
"""Values that need no quotes: printable ASCII without space, quote, equal sign and backslash."""

_UNSAFE = re.compile(rf'[{DECEPTIVE}\\"]')
"""Characters to escape: those that could forge a line or make it look different, and those that end a quoted value."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if short := _SHORT.get(char):
        return short
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _text(value: object) -> str:
    """`value` as text of at most MAX_VALUE characters. Octets are decoded; invalid ones become surrogates."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value[: MAX_VALUE + 1]).decode("utf-8", "surrogateescape")
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, BaseException):
        text = f"{type(value).__name__}: {value}"
    else:
        text = str(value)
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"


def _quote(value: object, *, always: bool = False) -> str:
    text = _text(value)
    if not always and _PLAIN.fullmatch(text):
        return text
    return f'"{_UNSAFE.sub(_escape, text)}"'


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    """The fields of a line in their order: level, text, error, package, connection, then the record's own."""
    yield "l", NAMES.get(record.levelno, record.levelname.lower())
    yield "m", record.getMessage()
    kv: object = record.__dict__.get("kv")
    fields: Mapping[str, object] = kv if isinstance(kv, Mapping) else {}
    if record.exc_info and record.exc_info[1] is not None:
        yield "err", record.exc_info[1]
    elif fields.get("err") is not None:
        yield "err", fields["err"]
    yield "pkg", metrics.package(record.name)
    cid = fields.get("cid", record.__dict__.get("cid"))
    if isinstance(cid, int) and cid:
        yield "cid", f"{cid:x}"
    for key, value in fields.items():
        if key not in ("err", "cid") and value is not None:
            yield key, value


def _traceback(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[1] is None:
        return None
    return "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")


def _timestamp(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class LogfmtFormatter(logging.Formatter):
    """One line ``key=value …`` per record; a traceback follows on indented lines.

    ``timestamps``: begin with ``t=``; not wanted under systemd, whose journal has its own.
    """

    def __init__(self, *, timestamps: bool) -> None:
        super().__init__()
        self.timestamps = timestamps

    def format(self, record: logging.LogRecord) -> str:
        parts = [f"t={_timestamp(record)}"] if self.timestamps else []
        parts += [
            f'm="{_UNSAFE.sub(_escape, _text(v))}"' if k == "m" else f"{k}={_quote(v)}" for k, v in _fields(record)
        ]
        line = " ".join(parts)
        if trace := _traceback(record):
            escaped = (_UNSAFE.sub(lambda m: m[0] if m[0] in '"\\' else _escape(m), row) for row in trace.splitlines())
            line += "".join(f"\n  {row}" for row in escaped)
        return line


class JSONFormatter(logging.Formatter):
    """One JSON object per record, with the traceback as a field."""

    def __init__(self, *, timestamps: bool) -> None:
        super().__init__()
        self.timestamps = timestamps

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {"t": _timestamp(record)} if self.timestamps else {}
        for key, value in _fields(record):
            if isinstance(value, bool | int | float):
                fields[key] = value
            else:
                fields[key] = _text(value).encode("utf-8", "backslashreplace").decode()
        if trace := _traceback(record):
            fields["traceback"] = trace.encode("utf-8", "backslashreplace").decode()
        return escaped_json(to_json(fields).decode())


class _Repeats:
    """Counts of each error text within the current second."""

    __slots__ = ("counts", "second")

    def __init__(self) -> None:
        self.second = 0
        self.counts: dict[tuple[str, str], int] = {}

    def admit(self, record: logging.LogRecord) -> tuple[bool, list[tuple[str, str, int]]]:
        """Whether to write this record, and the summaries (logger, text, number left out) of the second that has just
        ended.
        """
        ended: list[tuple[str, str, int]] = []
        second = int(record.created)
        if second != self.second:
            ended = [(*key, count - MAX_REPEATS) for key, count in self.counts.items() if count > MAX_REPEATS]
            self.counts.clear()
            self.second = second
        if record.levelno < logging.ERROR:
            return True, ended
        key = (record.name, str(record.msg))
        if key not in self.counts and len(self.counts) >= MAX_REPEAT_KEYS:
            key = ("moxlite", "further different errors")
        self.counts[key] = count = self.counts.get(key, 0) + 1
        return count <= MAX_REPEATS, ended


class LogHandler(logging.Handler):
    """Writes records to stderr or a file, counts them, and holds back floods of the same error. `recent` keeps the
    newest lines, without those that may have credentials.
    """

    def __init__(self, formatter: logging.Formatter, *, path: Path | None = None, stream: TextIO | None = None) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.path = path
        self.recent: Final = RecentLines()
        self._stream = stream
        self._fd: int | None = None
        self._repeats = _Repeats()
        if path is not None:
            self.reopen()

    def reopen(self) -> None:
        """Reopen the log file after logrotate has moved it (SIGHUP). Does nothing without a file.

        Raises OSError when the file cannot be opened; the old one then stays in use.
        """
        if self.path is None:
            return
        fd = open_regular(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with self.lock or threading.RLock():
            old, self._fd = self._fd, fd
        if old is not None:
            os.close(old)

    def emit(self, record: logging.LogRecord) -> None:
        pkg = metrics.package(record.name)
        if record.levelno >= logging.ERROR:
            metrics.log_errors.labels(pkg=pkg).inc()
        elif record.levelno >= logging.WARNING:
            metrics.log_warnings.labels(pkg=pkg).inc()
        elif record.levelno >= logging.INFO:
            metrics.log_infos.labels(pkg=pkg).inc()
        admitted, ended = self._repeats.admit(record)
        lines = [self.format(_summary(name, text, count, record.created)) for name, text, count in ended]
        if admitted:
            lines.append(self.format(record))
        if record.levelno >= TRACE:
            for line in lines:
                self.recent.add(record.created, record.levelno, line)
        if lines:
            self._write("".join(f"{line}\n" for line in lines))

    def _write(self, text: str) -> None:
        # A log that cannot be written (disk full, terminal closed) must not stop mail processing.
        # One write(2) for all lines of a record: with O_APPEND they stay together, though other processes may write to
        # the file.
        with contextlib.suppress(OSError, ValueError):
            if self._fd is not None:
                os.write(self._fd, text.encode("utf-8", "backslashreplace"))
            else:
                stream = self._stream or sys.stderr
                stream.write(text.encode("utf-8", "backslashreplace").decode())
                stream.flush()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        super().close()


def _summary(name: str, text: str, count: int, created: float) -> logging.LogRecord:
    record = logging.makeLogRecord(
        {"name": name, "levelno": logging.ERROR, "levelname": "ERROR", "msg": "further equal errors left out"}
    )
    record.created = created
    record.kv = {"text": text, "count": count}
    return record


class _AddCID(logging.Filter):
    """Takes the connection id where the record is created: the handler may run elsewhere."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.cid = cid_var.get()
        return True


def setup(
    level: str = "info",
    packages: Mapping[str, str] | None = None,
    *,
    format: Literal["logfmt", "json"] = "logfmt",  # noqa: A002 the configuration's own word
    path: Path | None = None,
    stream: TextIO | None = None,
    timestamps: bool | None = None,
) -> LogHandler:
    """Install the server's handler in place of an earlier one, and set levels.

    Args:
      level: name of a level for all packages.
      packages: levels of single packages, ``{"smtpd": "trace"}``.
      format: logfmt or JSON.
      path: a file instead of stderr.
      stream: instead of stderr, for tests.
      timestamps: None decides by systemd's JOURNAL_STREAM.

    Returns the handler, whose `reopen` the server calls at SIGHUP.
    """
    for number, name in NAMES.items():
        if number < logging.DEBUG:
            logging.addLevelName(number, name.upper())
    if timestamps is None:
        timestamps = path is not None or "JOURNAL_STREAM" not in os.environ
    formatter = (LogfmtFormatter if format == "logfmt" else JSONFormatter)(timestamps=timestamps)
    handler = LogHandler(formatter, path=path, stream=stream)
    handler.addFilter(_AddCID())
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, LogHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_level("", level)
    for pkg, name in (packages or {}).items():
        set_level(pkg, name)
    return handler


def set_level(pkg: str, level: str) -> None:
    """Set the level of one package, or with an empty `pkg` the level of all packages without their own. An empty
    `level` removes a package's own level.

    Raises ValueError if `level` is not a level or `pkg` is not a package.
    """
    if pkg and pkg not in metrics.PACKAGES:
        raise ValueError(f"unknown package {pkg!r}; use one of {', '.join(sorted(metrics.PACKAGES))}")
    if level not in LEVELS and (level or not pkg):
        raise ValueError(f"unknown log level {level!r}; use one of {', '.join(LEVELS)}")
    name = {"": "moxlite", "ctl": "moxlite.net.control.protocol"}.get(pkg, f"moxlite.{pkg}")
    logging.getLogger(name).setLevel(LEVELS[level] if level else logging.NOTSET)


def levels() -> dict[str, str]:
    """The levels in force: "" for all packages, and each package with its own level."""
    found = {"": NAMES.get(logging.getLogger("moxlite").level, "info")}
    for pkg in metrics.PACKAGES:
        own = logging.getLogger("moxlite.net.control.protocol" if pkg == "ctl" else f"moxlite.{pkg}").level
        if own != logging.NOTSET:
            found[pkg] = NAMES.get(own, str(own))
    return found


# The newest lines of the log, in memory and from its file, for a page that shows them (WEB-88).
#
# Under systemd the log goes to the journal, which the server's user may not read. So the process keeps some of its
# newest lines itself.


MAX_OCTETS: Final = 384 * 1024
"""Octets of the lines in memory, about; the oldest are dropped."""

MAX_READ: Final = 32 * 1024 * 1024
"""Octets at the end of a log file that are searched."""

BLOCK: Final = 256 * 1024
"""Octets read at a time, and of a line at most: a file without line ends must not be held as one line."""

CREDENTIALS: Final = re.compile(r'\bl=trace(?:auth|data)\b|"l":"trace(?:auth|data)"')
"""A line that may have passwords, or the content of messages."""


class LogLine(NamedTuple):
    """A line of the log, with the lines of its traceback. `created`: seconds UTC; 0 for a line of a file, which has its
    own time. `level`: as `logging` has it; 0 for a line of a file.
    """

    created: float
    level: int
    text: str


class RecentLines:
    """The newest lines. May be used from any thread."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._octets = 0
        self._lock = threading.Lock()

    def add(self, created: float, level: int, text: str) -> None:
        """Keep a line."""
        with self._lock:
            self._lines.append(LogLine(created, level, text))
            self._octets += len(text)
            while self._octets > MAX_OCTETS and len(self._lines) > 1:
                self._octets -= len(self._lines.popleft().text)

    def lines(self) -> list[LogLine]:
        """All lines that are kept, oldest first."""
        with self._lock:
            return list(self._lines)


def of_connection(cid: int) -> re.Pattern[str]:
    """The pattern of lines about a connection id."""
    return re.compile(rf'\bcid={cid:x}(?![0-9a-f])|"cid":"{cid:x}"')


def connection_lines(handler: LogHandler, cid: int, limit: int) -> list[str]:
    """The newest lines about a connection id, oldest first: of the log file if there is one, else of those in memory.
    Blocks. Raises OSError.
    """
    pattern = of_connection(cid)
    if handler.path is not None:
        return [line.text for line in in_file(handler.path, pattern, limit)[0]]
    return [line.text for line in handler.recent.lines() if pattern.search(line.text) is not None][-limit:]


def in_file(path: Path, wanted: re.Pattern[str], limit: int) -> tuple[list[LogLine], bool]:
    """The newest lines of a log file that have a pattern, oldest first, at most `limit`; and whether the whole file was
    searched. Blocks.

    Raises OSError.
    """
    found: deque[LogLine] = deque(maxlen=limit)
    descriptor = open_regular(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        file.seek(max(0, size - MAX_READ))
        rest, matched = b"", False
        while block := file.read(BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for octets in whole:
                line = octets.decode("utf-8", "replace")
                if line.startswith("  "):  # of a traceback
                    if matched and found:
                        found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line}")
                    continue
                matched = wanted.search(line) is not None and CREDENTIALS.search(line) is None
                if matched:
                    found.append(LogLine(0.0, 0, line))
            rest = rest[-BLOCK:]  # a line without an end is cut
    return list(found), size <= MAX_READ
