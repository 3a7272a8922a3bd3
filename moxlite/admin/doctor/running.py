"""Findings about the running server: its report about itself, its backups and stand-by (ADMIN-39a, QUEUE-73)."""

import time
from pathlib import Path
from shlex import quote
from typing import Final

import trio

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.requests import Running
from moxlite.admin.standby.layout import STALE, STATE, State, read_document
from moxlite.admin.standby.status import lease_words
from moxlite.config.static import Static
from moxlite.findings import Finding


async def check_running(examination: Examination) -> list[Finding]:
    """Check that the server runs, and is healthy."""
    await trio.lowlevel.checkpoint()
    return running_findings(examination.running, examination.elsewhere)


def running_findings(running: Running | None, elsewhere: str) -> list[Finding]:
    """Findings from the server's report about itself; `running` None: no server runs with this data folder.

    elsewhere: a line about a server that runs with the former one; "" for none.
    """
    if running is not None:
        return running.findings
    if elsewhere:
        return [Finding(grade="error", code="restart-needed", about="server", text=elsewhere)]
    commands = ("systemctl start moxlite", "journalctl -u moxlite -n 50")
    text = "the server isn't running"
    return [Finding(grade="error", code="server-down", about="server", text=text, commands=commands)]


# The scheduled backup: whether there is one, and how old the last one is.


SCHEDULE: Final = (
    "[backup]",
    'schedule = "24h"',
    'target = "/var/backups/moxlite/repo"',
    "include_keys = true",
)
"""Lines that docs/first-hour.md adds to moxlite.toml."""

MISSED: Final = 2
"""Intervals without a backup after which one is missing."""


def schedule_findings(path: Path, static: Static, running: Running | None) -> list[Finding]:
    """A missing schedule, or the last backup if it is too old; `running` None: no server runs. path: moxlite.toml."""
    schedule, target = static.backup.schedule, static.backup.target
    if schedule is None or target is None:
        text = (
            "backups aren't scheduled. To make one every day, paste this as root. Doctor will then remind you to use "
            "another disk or machine (`moxlite help docs/backup-away.md`)"
        )
        todo = (f"cat >>{quote(str(path))} <<END", *SCHEDULE, "END", "systemctl restart moxlite")
        return [Finding(grade="note", code="backup-none", about="backup", text=text, commands=todo)]
    if running is None:
        return []
    commands = (f"moxlite backup --repo {target}", "journalctl -u moxlite | grep backup")
    if not running.last_backup:
        text = "no successful backup yet: the first is still running, or all have failed"
        return [Finding(grade="warning", code="backup-old", about="backup", text=text, commands=commands)]
    if time.time() - running.last_backup > MISSED * schedule:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(running.last_backup))
        text = f"last successful backup: {when}"
        return [Finding(grade="error", code="backup-old", about="backup", text=text, commands=commands)]
    return []


# The copy of all changes in a second place: whether it is current (STORE-186).


COMMANDS: Final = ("moxlite standby status", "journalctl -u moxlite | grep standby")


async def check_standby(examination: Examination) -> list[Finding]:
    """Findings about the stand-by."""
    return await trio.to_thread.run_sync(standby_findings, examination.snapshot.static)


def standby_findings(static: Static) -> list[Finding]:
    """Findings about the stand-by; none without one. Blocks."""
    if static.standby.target is None:
        return []
    about = str(static.standby.target)
    state = read_document(static.data_dir / STATE, State)
    if state is None or time.time() - state.at > STALE:
        text = "changes aren't copied to the standby target while the server isn't running"
        return [Finding(grade="note", code="standby-behind", about=about, text=text, commands=COMMANDS)]
    findings: list[Finding] = []
    if state.problem:
        text = "this server's changes aren't reaching the standby target"
        detail = f"{state.problem}; {state.lag:.0f} s behind"
        findings.append(
            Finding(grade="warning", code="standby-behind", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    if state.lease is not None and (state.lease.problem or state.lease.taken):
        text = "can't renew the lease, so changes can't be acknowledged"
        detail = lease_words(state.lease, time.time())
        findings.append(
            Finding(grade="error", code="standby-lease", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    return findings
