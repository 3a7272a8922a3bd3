"""The helpers of the server, tried by itself: each kind of child process is started, given a task of our own, and ended
(ADMIN-70d).

What surrounds the server, such as the filter of system calls of its unit, is in force for these alone, and not for a
command that root runs. So the doctor asks for the results, and tries nothing by itself. Nothing leaves the machine, and
nothing is changed.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import trio

from moxlite import lazyimport
from moxlite.config.holder import ConfigHolder
from moxlite.config.load import DNS_FOLDER
from moxlite.config.static import Static
from moxlite.findings import LOG, Finding
from moxlite.metrics import Gauge
from moxlite.operations.server import HelperState
from moxlite.ownprogram import exit_words
from moxlite.proto.sshurl import SSHURL
from moxlite.sandbox import processes
from moxlite.sandbox.messages import Ready
from moxlite.wakeup import sleep_by_both_clocks
from moxlite.wording import reason_of

logger = logging.getLogger("moxlite.admin.doctor")

HOURLY: Final = 3600.0
"""Seconds between two trials of all."""

SOON: Final = 60.0
"""Seconds to the next trial while one does not work: a machine may have been busy, and a repair shows at once."""

SECONDS: Final = 60.0
"""Seconds for a trial: on a small machine ten times what it takes there."""

WORKING: Final = Gauge("moxlite_helper_working", "1 if the child process started in its last test.", ["helper"])
TRIED: Final = Gauge("moxlite_helper_tried_timestamp_seconds", "When the child process was last tested.", ["helper"])

Try = Callable[[], Awaitable[str]]
"""Tries a kind of child. Returns what is weak about it, "" for nothing. Raises Exception: it does not work."""


class Helpers:
    """The last trial of each kind of child."""

    def __init__(self) -> None:
        self._states: dict[str, HelperState] = {}

    @property
    def states(self) -> list[HelperState]:
        """The last results; none before the first trial."""
        return list(self._states.values())

    def findings(self) -> list[Finding]:
        """Children that do not work, or could be bounded better."""
        return [_finding(state) for state in self._states.values() if state.problem or state.weakness]

    async def serve(self, config: ConfigHolder) -> None:
        """Try all kinds that the settings in use want now, then each hour, for ever. Raises nothing by itself."""
        while True:
            await self.once(config)
            await sleep_by_both_clocks(SOON if any(state.problem for state in self.states) else HOURLY)

    async def once(self, config: ConfigHolder) -> None:
        """Try each kind, one after the other: a small machine has other work at its start."""
        kinds = await trio.to_thread.run_sync(kinds_of, config)
        for name in self._states.keys() - kinds.keys():
            del self._states[name]
            WORKING.remove(name)
            TRIED.remove(name)
        for name, attempt in kinds.items():
            self._note(name, *await _tried(attempt))

    def _note(self, name: str, problem: str, weakness: str) -> None:
        before, now = self._states.get(name), time.time()
        if problem and (before is None or before.problem != problem):
            logger.error("child process failed", extra={"kv": {"child": name, "err": problem}})
        worked = before.worked if problem and before is not None else 0.0 if problem else now
        self._states[name] = HelperState(name, now, worked, problem, weakness)
        WORKING.labels(name).set(0 if problem else 1)
        TRIED.labels(name).set(now)


async def _tried(attempt: Try) -> tuple[str, str]:
    """The problem and the weakness that a trial found, "" for none."""
    try:
        with trio.fail_after(SECONDS):
            return "", await attempt()
    except trio.TooSlowError:
        return f"timed out after {SECONDS:.0f} s", ""
    except Exception as error:  # noqa: BLE001 - of any kind of child: it is what was asked for
        return str(reason_of(error)) or type(error).__name__, ""


SIGSYS: Final = exit_words(-31)
"""Words of a child that a filter of system calls has ended (signal(7); Windows has no such signal)."""

UNIT: Final = (
    "moxlite config printservice >/etc/systemd/system/moxlite.service (without the Debian package)",
    "systemctl daemon-reload && systemctl restart moxlite",
)
"""Where a filter of system calls has ended the child: units before had one that lacks calls in systemd 252."""


UNFILTERED: Final = "running without seccomp or Landlock; only memory, files, and time are limited"
"""The one weakness that is a warning."""


def _finding(state: HelperState) -> Finding:
    if state.problem:
        worked = f" Last successful run: {ago(state.worked)}." if state.worked else ""
        return Finding(
            grade="error",
            code="child-down",
            about=state.name,
            text=f"{PURPOSES[state.name]} can't start: {state.problem}",
            detail=f"Last attempt: {ago(state.tried)}.{worked}",
            commands=(*(UNIT if SIGSYS in state.problem else ()), LOG),
        )
    return Finding(
        grade="warning" if state.weakness == UNFILTERED else "note",
        code="sandbox-weak",
        about=state.name,
        text=f"{PURPOSES[state.name]} isn't fully restricted: {state.weakness}",
        commands=("uname -srm",),
    )


def ago(at: float) -> str:
    """A time before now, in seconds UTC, in words."""
    seconds = max(0.0, time.time() - at)
    return f"{seconds:.0f} s ago" if seconds < 120 else f"{seconds / 60:.0f} min ago"


PURPOSES: Final[Mapping[str, str]] = {
    "sandbox": "the process for sanitizing HTML mail and invitations",
    "patterns": "the process for matching rule patterns",
    "acme": "the process for ordering certificates",
    "dns": "the process for changing DNS records",
    "ssh": "ssh, which sends backups to another machine,",
    "litestream": "Litestream, which copies all changes,",
}
"""The kinds of children that can be tried, and what is lost without one."""


def kinds_of(config: ConfigHolder) -> dict[str, Try]:
    """The kinds that this server uses. Blocks."""
    static = config.current.static
    kinds: dict[str, Try] = {}
    if processes.SUPPORTED:
        kinds["sandbox"] = _sandbox
    if sys.platform != "win32":
        kinds["patterns"] = _patterns
    if static.acme:
        kinds["acme"] = _acme
    if any((config.path.absolute().parent / DNS_FOLDER).glob("*.provider")):
        kinds["dns"] = partial(_dns, config)
    if any(isinstance(target, SSHURL) for target in (static.backup.target, static.standby.target)):
        kinds["ssh"] = _ssh
    if static.standby.target is not None:
        kinds["litestream"] = partial(_litestream, static)
    return kinds


async def _sandbox() -> str:
    """Try a page of ours, by what the sandbox makes of it."""
    await lazyimport.load("moxlite.sandbox.jobs")
    from moxlite.sandbox.jobs import DrawHTML, Drawn

    safe = b'<div class="body"><p>moxlite</p></div>'
    page = DrawHTML("<p onclick=x>moxlite", (), 0, "trial", external=False)
    drawn = Drawn(safe, 0, (), more=False, left_out=0, coloured=False, own=False)
    return _weakness(await processes.try_process(page, drawn))


async def _patterns() -> str:
    await lazyimport.load("moxlite.patterns.process")
    from moxlite.patterns.process import try_process

    return _weakness(await trio.to_thread.run_sync(try_process, abandon_on_cancel=True))


def _weakness(ready: Ready) -> str:
    if ready.filtered and ready.landlock:
        return ""
    if ready.filtered:
        return "only protected by the system call filter, not by Landlock"
    if ready.landlock:
        return "only protected by Landlock, not by a system call filter (seccomp)"
    return UNFILTERED


async def _acme() -> str:
    from moxlite.autotls.ordering import try_process

    await try_process()
    return ""


async def _dns(config: ConfigHolder) -> str:
    await lazyimport.load("moxlite.admin.dnsproviders.accounts")
    from moxlite.admin.dnsproviders.accounts import RFC2136, DNSFiles, try_process

    files = DNSFiles(config.path, config.current.static.user)
    stored = await trio.to_thread.run_sync(files.providers)
    for provider in sorted({account.provider for account in stored.values()} - {RFC2136}):
        await trio.to_thread.run_sync(try_process, provider, abandon_on_cancel=True)
    return ""


async def _ssh() -> str:
    await lazyimport.load("moxlite.net.storage.sftp")
    from moxlite.net.storage.sftp import try_ssh

    await trio.to_thread.run_sync(try_ssh, abandon_on_cancel=True)
    return ""


async def _litestream(static: Static) -> str:
    await lazyimport.load("moxlite.admin.standby.litestream")
    from moxlite.admin.standby.litestream import check_version, needed_program

    def check() -> None:
        check_version(needed_program(static.standby.litestream))

    await trio.to_thread.run_sync(check, abandon_on_cancel=True)
    return ""
