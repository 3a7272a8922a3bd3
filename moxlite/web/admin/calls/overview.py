"""The calls of the overview: is the server well, and what is to be done (docs/spec/web.md §6)?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio
from cryptography.x509.oid import NameOID

from moxlite.admin.backup.rehearsal import read_rehearsed
from moxlite.admin.doctor.findings import Finding, in_order
from moxlite.admin.doctor.night import Night, read_night
from moxlite.admin.doctor.requests import Running
from moxlite.admin.doctor.running import check_words
from moxlite.admin.doctor.standby import standby_findings
from moxlite.net.control.requests import NoArguments
from moxlite.net.tls.certificates import certificate_names
from moxlite.process.ports import InUse
from moxlite.web.admin.calls.common import AdminCalls
from moxlite.web.admin.types import AdminSession, Certificate, ConfigProblem, Disk, Flow, Overview
from moxlite.web.calls import call
from moxlite.web.cookies import Caller
from moxlite.web.errors import NotFound

SECOND: Final = 1_000_000

OUT: Final = frozenset({"queue.scheduler", "queue.database"})
"""Tasks without which no mail goes out."""


class OverviewCalls(AdminCalls):
    """The overview, and the administrator's own sessions."""

    @call()
    async def logout(self, caller: Caller) -> None:
        """End the session."""
        await self._sessions.log_out(caller)

    @call()
    async def sessions(self, caller: Caller) -> list[AdminSession]:
        """The living sessions of the administrator, last used first."""
        await trio.lowlevel.checkpoint()
        own = caller.require().id
        return [
            AdminSession(one.id, one.remote_ip, one.user_agent, one.created, one.last_used, one.id == own)
            for one in self._admin_sessions.sessions()
        ]

    @call(audit="session ended")
    async def session_end(self, caller: Caller, session_id: int) -> None:
        """End a session of the administrator."""
        await trio.lowlevel.checkpoint()
        if not self._admin_sessions.end(session_id):
            raise NotFound("This session has ended already.")

    @call()
    async def overview(self, caller: Caller) -> Overview:
        """The state of the server, with everything that needs attention."""
        running = await self._console.run("doctor state", NoArguments(), Running)
        snapshot = self._server.config()
        data = snapshot.static.data_dir
        night = await trio.to_thread.run_sync(read_night, data)
        rehearsed = await trio.to_thread.run_sync(read_rehearsed, data)
        standby = await trio.to_thread.run_sync(standby_findings, snapshot.static)
        findings = in_order([*check_words(running), *_of_the_night(night), *standby])
        interval = snapshot.static.backup.schedule
        return Overview(
            at=time.time_ns() // 1000,
            hostname=snapshot.static.hostname.unicode,
            version=running.version,
            update=running.update,
            flow=flow_of(running, findings),
            findings=findings,
            examined=round(night.at * SECOND),
            config_problems=[
                ConfigProblem(one.file, one.line, one.key, one.text, one.hint) for one in self._server.holder.problems
            ],
            certificates=[_certificate(one) for one in self._server.certificates()],
            disk=await trio.to_thread.run_sync(_disk, data),
            queue=running.queue,
            last_backup=round(running.last_backup * SECOND),
            last_rehearsal=0 if rehearsed is None or rehearsed.unreadable else round(rehearsed.at * SECOND),
            rehearsal_failed=rehearsed is not None and rehearsed.problem != "",
            standby=None if snapshot.static.standby.target is None else not standby,
            backup_interval=0 if interval is None else round(interval * SECOND),
            domains=len(snapshot.domains.domains),
            accounts=len(snapshot.domains.accounts),
        )

    @call()
    async def examine(self, caller: Caller) -> None:
        """Examine everything now, as each night; the overview then has the findings. Takes up to 5 minutes."""
        await self._console.do("doctor nightly", NoArguments())


def flow_of(running: Running, findings: Sequence[Finding]) -> Flow:
    """How mail flows, from the server's report about itself and the findings."""
    codes = {(one.code, one.about) for one in findings if one.grade == "error"}
    if any(name.startswith("smtpd.smtp") for name in running.tasks) or ("disk-low", "data") in codes:
        return "none-in"
    if any("takes no mail" in fault or "free space" in fault for fault in running.faults):
        return "none-in"
    if running.queue is None or OUT & set(running.tasks) or any(code == "port-25-blocked" for code, _ in codes):
        return "none-out"
    slow = {"queue-stuck", "address-blocked", "account-stopped"}
    return "slow" if any(one.code in slow for one in findings) else "flowing"


def _of_the_night(night: Night) -> list[Finding]:
    """Findings of the examination that the running server does not report by itself."""
    now = {
        "account-broken",
        "account-stopped",
        "address-blocked",
        "certificate-order",
        "queue-stuck",
        "server-fault",
        "standby-behind",
        "standby-lease",
        "task-down",
        "update",
    }
    return [one for one in night.findings if one.code not in now]


def _certificate(one: InUse) -> Certificate:
    leaf = one.pair.leaf
    issuer = [str(part.value) for part in leaf.issuer if part.oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)]
    return Certificate(
        listener=one.listener,
        names=list(certificate_names(leaf)),
        issuer=", ".join(issuer),
        ends=round(leaf.not_valid_after_utc.timestamp() * SECOND),
        automatic=one.automatic,
        own=leaf.issuer == leaf.subject,
    )


def _disk(data: Path) -> Disk | None:
    try:
        found = shutil.disk_usage(data)
    except OSError:
        return None
    return Disk(found.free, found.total)
