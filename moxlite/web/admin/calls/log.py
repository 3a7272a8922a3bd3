"""The calls about the log: levels, lines of a connection, the newest lines (WEB-88)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import trio
from msgspec import Meta

from moxlite.admin.requests import LogLevels
from moxlite.net import metrics
from moxlite.net.log import LEVELS, levels
from moxlite.net.recentlog import LogLine, in_file, of_connection
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.machinetypes import Level, LevelName, LevelOrNone, LogFound, Logged
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import FieldError, FieldErrors

Word = Annotated[str, Meta(max_length=200)]

MAX_LINES: Final = 500
"""Lines of an answer; the newest ones."""

NAMES: Final[dict[int, LevelName]] = {number: name for name, number in LEVELS.items()}  # type: ignore[misc]  # its keys are the words

RECEIVED_ID: Final = re.compile(r"[A-Za-z0-9_-]{22}")
CID: Final = re.compile(r"[0-9a-f]{1,16}")


class LogCalls(AdminCalls):
    """The log of the running server."""

    @call()
    async def log_levels(self, caller: Caller) -> list[Level]:
        """The levels in force: of all packages, and of each package, "" where it has none of its own."""
        await trio.lowlevel.checkpoint()
        found = levels()
        return [Level(name, _level(found.get(name, ""))) for name in ("", *sorted(metrics.PACKAGES))]

    @call(confirm=True)
    async def log_level_set(self, caller: Caller, pkg: Word, level: LevelOrNone) -> None:
        """Set the level of a package, or of all with `pkg` ""; the level "" removes a package's own. A restart of
        the server ends it.
        """
        await self._console.do("log levels", LogLevels({pkg: level}))

    @call()
    async def log_of(self, caller: Caller, received_id: Word) -> LogFound:
        """The lines of a connection, by the id in a Received header or an error page, or by its connection id."""
        wanted = received_id.strip()
        cid = int(wanted, 16) if CID.fullmatch(wanted) else None
        if cid is None and RECEIVED_ID.fullmatch(wanted):
            cid = self._server.machinery.cid_of(wanted)
            if cid is None:
                raise FieldErrors([FieldError("received_id", "is not of this installation")])
        if cid is None:
            text = "is neither an id of 22 letters, digits, - and _ nor a connection id"
            raise FieldErrors([FieldError("received_id", text)])
        return await self._find(of_connection(cid), lambda line: True, f"{cid:x}")

    @call()
    async def log_recent(self, caller: Caller, least: LevelName = "info", words: Word = "") -> LogFound:
        """The newest lines of a level or a graver one that have all of these words."""
        parts = [one.casefold() for one in words.split()]

        def wanted(line: LogLine) -> bool:
            folded = line.text.casefold()
            return (line.level >= LEVELS[least] or line.level == 0) and all(one in folded for one in parts)

        await trio.lowlevel.checkpoint()
        return self._in_memory(wanted, "")

    async def _find(self, pattern: re.Pattern[str], wanted: Callable[[LogLine], bool], cid: str) -> LogFound:
        """Search the log file if there is one, else the lines in memory."""
        path = self._server.machinery.log.path
        problem = ""
        if path is not None:
            try:
                lines, whole = await trio.to_thread.run_sync(partial(in_file, path, pattern, MAX_LINES))
                return LogFound(
                    cid=cid,
                    lines=[_logged(one) for one in lines],
                    file=str(path),
                    since=0,
                    whole=whole,
                    problem="",
                )
            except OSError as error:
                problem = f"{path}: {error.strerror or error}"
        found = self._in_memory(lambda line: pattern.search(line.text) is not None and wanted(line), cid)
        return LogFound(cid=cid, lines=found.lines, file="", since=found.since, whole=False, problem=problem)

    def _in_memory(self, wanted: Callable[[LogLine], bool], cid: str) -> LogFound:
        lines = self._server.machinery.log.recent.lines()
        found = [one for one in lines if wanted(one)][-MAX_LINES:]
        since = round(lines[0].created * 1e6) if lines else 0
        return LogFound(cid=cid, lines=[_logged(one) for one in found], file="", since=since, whole=False, problem="")


def _logged(line: LogLine) -> Logged:
    return Logged(round(line.created * 1e6), NAMES.get(line.level, "" if line.level == 0 else "error"), line.text)


def _level(name: str) -> LevelOrNone:
    return NAMES[LEVELS[name]] if name in LEVELS else ""
