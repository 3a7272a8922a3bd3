"""The copy of all changes in a second place: whether it is current (STORE-186)."""

import time
from typing import Final

import trio

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import Finding
from moxlite.admin.standby.layout import STALE, STATE, State, read_document
from moxlite.admin.standby.status import lease_words
from moxlite.config.static import Static

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
        text = "nothing is copied to the second place while the server does not run"
        return [Finding(grade="note", code="standby-behind", about=about, text=text, commands=COMMANDS)]
    found: list[Finding] = []
    if state.problem:
        text = "the second place does not get the changes of this server"
        detail = f"{state.problem}; {state.lag:.0f} s behind"
        found.append(
            Finding(grade="warning", code="standby-behind", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    if state.lease is not None and (state.lease.problem or state.lease.taken):
        text = "the lease, without which nothing is acknowledged, is not renewed"
        detail = lease_words(state.lease, time.time())
        found.append(
            Finding(grade="error", code="standby-lease", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    return found
