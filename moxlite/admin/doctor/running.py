"""Findings from the running server's report about itself: tasks, accounts, queue (ADMIN-39a, QUEUE-73)."""

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import trio

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.helpers import PURPOSES, ago
from moxlite.admin.doctor.requests import Blocked, Filled, KnownPassword, PeerUse, Running, StoppedSender
from moxlite.admin.standby.layout import STALE, STATE, State, read_document
from moxlite.admin.standby.status import lease_words
from moxlite.config.static import Static
from moxlite.findings import Finding
from moxlite.ledger import Kind, Refusals
from moxlite.operations.server import HelperState
from moxlite.ownprogram import exit_words

STUCK_SECONDS: Final = 4 * 3600.0
"""Seconds that a message waits in the queue before it is a finding: by then four attempts have failed (QUEUE-10)."""

WAY_ROUND: Final = 'moxlite config example transport (a route with after = "blocked")'
"""Remedy until a block ends (QUEUE-184)."""

SIGSYS: Final = exit_words(-signal.SIGSYS)
"""Words of a child that a filter of system calls has ended."""

WORKS: Final[Mapping[Kind, str]] = {
    "request": "requests",
    "socket": "websocket messages",
    "answer": "responses",
    "event": "events",
    "report": "calendar reports",
    "link": "responses from linked mail servers",
}
"""Kinds of the ledger in words."""

MAX_REPLY: Final = 300
"""Characters of a host's reply that are shown."""


MAX_SHOWN: Final = 10
"""Accounts that are named."""


async def check_running(examination: Examination) -> list[Finding]:
    """Check that the server runs, and is healthy."""
    await trio.lowlevel.checkpoint()
    return check_words(examination.running)


def check_words(running: Running | None) -> list[Finding]:
    """Findings from the server's report about itself; `running` None: no server runs."""
    if running is None:
        commands = ("systemctl start moxlite", "journalctl -u moxlite -n 50")
        return [
            Finding(
                grade="error", code="server-down", about="server", text="the server isn't running", commands=commands
            )
        ]
    log = ("journalctl -u moxlite -p err",)
    findings = [*_helpers(running.helpers)]
    findings += [
        Finding(grade="error", code="task-down", about=name, text=f"task {name} is down: {error}", commands=log)
        for name, error in running.tasks.items()
    ]
    findings += [
        Finding(grade="error", code="server-fault", about=line.partition(":")[0], text=line, commands=log)
        for line in running.faults
    ]
    findings += [
        Finding(
            grade="error",
            code="account-broken",
            about=name,
            text=f"account {name} is out of service: {reason}",
            commands=(f"moxlite store check {name} --deep", f"moxlite account recover {name} --out DIR"),
        )
        for name, reason in running.accounts.items()
    ]
    see = ("journalctl -u moxlite | grep autotls", "moxlite config dnscheck DOMAIN")
    findings += [
        Finding(
            grade="error",
            code="certificate-order",
            about=line.partition(":")[0].partition(" ends in ")[0],
            text=line,
            commands=see,
        )
        for line in running.orders
    ]
    findings += _queue(running)
    findings += [_filled(one) for one in running.filled]
    findings += [_known(known) for known in running.known]
    findings += _weak(running.weak)
    findings += _foreign(running.foreign)
    findings += [_peer(peer) for peer in running.peers]
    findings += [_refused(refusals) for refusals in running.refusals]
    if running.update:
        text = f"version {running.update} is there, this is {running.version}"
        commands = ("moxlite checkupdate", "moxlite backup DIR")
        findings.append(Finding(grade="note", code="update", about=running.update, text=text, commands=commands))
    return findings


UNIT: Final = (
    "moxlite config printservice >/etc/systemd/system/moxlite.service (without the Debian package)",
    "systemctl daemon-reload && systemctl restart moxlite",
)
"""Where a filter of system calls has ended the child: units before had one that lacks calls in systemd 252."""


def _helpers(states: list[HelperState]) -> Iterator[Finding]:
    for state in states:
        if state.problem:
            worked = f" It last worked {ago(state.worked)}." if state.worked else ""
            yield Finding(
                grade="error",
                code="child-down",
                about=state.name,
                text=f"{PURPOSES[state.name]} does not start: {state.problem}",
                detail=f"Last attempt: {ago(state.tried)}.{worked}",
                commands=(*(UNIT if SIGSYS in state.problem else ()), "journalctl -u moxlite -p err"),
            )
        elif state.weakness:
            bare = "neither" in state.weakness
            yield Finding(
                grade="warning" if bare else "note",
                code="sandbox-weak",
                about=state.name,
                text=f"{PURPOSES[state.name]} could be bounded better: {state.weakness}",
                commands=("uname -srm",),
            )


def _blocked(block: Blocked) -> Finding:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(block.since))
    reply = " ".join(block.reply.split())[:MAX_REPLY]
    return Finding(
        grade="error",
        code="address-blocked",
        about="mail out",
        text=block.meaning,
        detail=f"Messages refused since {since}: {block.times}. {block.host} has said: {reply}",
        commands=(*([block.todo] if block.todo else []), WAY_ROUND),
    )


def _filled(one: Filled) -> Finding:
    name = one.account
    return Finding(
        grade="warning",
        code="quota-reached",
        about=name,
        text=f"account {name} has nearly no room left: mail that does not fit is refused for now (452)",
        detail=f"Storage used: {one.used >> 20} of {one.limit >> 20} MiB.",
        commands=(f"moxlite config account set {name} quota SIZE",),
    )


def _known(known: KnownPassword) -> Finding:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(known.last / 1e6))
    name = known.account
    return Finding(
        grade="warning",
        code="password-known",
        about=name,
        text=f"account {name}: the correct password was entered from {known.remote}, a network that hasn't logged in "
        "before",
        detail=f"This was at {when}. The login was rejected because it needs an app password. The user got an email.",
        commands=(f"ask the user; if it was someone else: moxlite account set-password {name}",),
    )


def _weak(accounts: Sequence[str]) -> list[Finding]:
    if not accounts:
        return []
    number = f"{len(accounts)} account{'' if len(accounts) == 1 else 's'}"
    return [
        Finding(
            grade="warning",
            code="password-weak",
            about=accounts[0],
            text=f"{number} with a password that is easy to guess: {', '.join(accounts[:MAX_SHOWN])}",
            detail="The password is common, or based on the address, name, or server. Anyone can guess passwords on "
            "mail ports.",
            commands=tuple(f"moxlite account set-password {name}" for name in accounts[:MAX_SHOWN]),
        )
    ]


def _foreign(accounts: Sequence[str]) -> list[Finding]:
    if not accounts:
        return []
    number = f"{len(accounts)} account{'' if len(accounts) == 1 else 's'}"
    return [
        Finding(
            grade="note",
            code="password-foreign",
            about=accounts[0],
            text=f"{number} with no login since the migration: {', '.join(accounts[:MAX_SHOWN])}",
            detail="Only the old server's password hash is known until then, so SCRAM and CRAM-MD5 aren't announced.",
            commands=tuple(f"moxlite account recovery-link {name} --days 7" for name in accounts[:MAX_SHOWN]),
        )
    ]


def _refused(refusals: Refusals) -> Finding:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(refusals.last))
    return Finding(
        grade="warning",
        code="memory-short",
        about=refusals.owner or "server",
        text=f"{WORKS[refusals.kind]} refused for lack of memory: {refusals.owner or 'the server itself'}",
        detail=f"Refused since the server started: {refusals.times}, most recently at {when}.",
    )


def _peer(one: PeerUse) -> Finding:
    text = f"{one.domain} still sends mail for unknown addresses to {', '.join(one.hosts)}"
    end = f"moxlite config domain peer rm {one.domain}"
    return Finding(
        grade="warning" if one.idle else "note",
        code="peer",
        about=one.domain,
        text=f"{text}, which has received none for 14 days; turn this off" if one.idle else text,
        detail="" if one.idle else f"Messages in 14 days: {one.messages}.",
        commands=(f"moxlite config domain peer show {one.domain}", end),
    )


def _stopped(stopped_sender: StoppedSender) -> Finding:
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(stopped_sender.since))
    return Finding(
        grade="error",
        code="account-stopped",
        about=stopped_sender.account,
        text=f"account {stopped_sender.account} may be compromised; sending is paused",
        detail=f"Since {since}: {stopped_sender.why}. Messages that wait: {stopped_sender.messages}.",
        commands=(
            f"moxlite queue list --account {stopped_sender.account} --hold true",
            f"moxlite queue guard release {stopped_sender.account}",
        ),
    )


def _queue(running: Running) -> list[Finding]:
    queue = running.queue
    if queue is None:
        return []
    findings = [_blocked(block) for block in queue.blocks] + [
        _stopped(stopped_sender) for stopped_sender in queue.stopped
    ]
    if queue.oldest > STUCK_SECONDS:
        why = f": {queue.error}" if queue.error else ""
        text = f"mail to {queue.recipient} has been waiting for {queue.oldest / 3600:.0f} h{why}"
        commands = ("moxlite queue list", "moxlite queue schedule --ids ID --now 0s")
        findings.append(Finding(grade="warning", code="queue-stuck", about="queue", text=text, commands=commands))
    if queue.held:
        text = f"{queue.held} messages are on hold"
        commands = ("moxlite queue list --hold true", "moxlite queue unhold --ids ID")
        findings.append(Finding(grade="note", code="queue-held", about="queue", text=text, commands=commands))
    return findings


# The scheduled backup: whether there is one, and how old the last one is.


MISSED: Final = 2
"""Intervals without a backup after which one is missing."""


def schedule_findings(static: Static, running: Running | None) -> list[Finding]:
    """A missing schedule, or the last backup if it is too old; `running` None: no server runs."""
    schedule, target = static.backup.schedule, static.backup.target
    if schedule is None or target is None:
        text = "backups aren't scheduled ([backup] in moxlite.toml)"
        commands = ("moxlite backup DIR", "moxlite config describe-static | grep -A 20 backup")
        return [Finding(grade="note", code="backup-none", about="backup", text=text, commands=commands)]
    if running is None:
        return []
    commands = (f"moxlite backup --repo {target}", "journalctl -u moxlite | grep backup")
    if not running.last_backup:
        text = "there's no successful backup yet: the first one is running, or all have failed"
        return [Finding(grade="warning", code="backup-old", about="backup", text=text, commands=commands)]
    if time.time() - running.last_backup > MISSED * schedule:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(running.last_backup))
        text = f"the last successful backup was at {when}"
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
        text = "nothing is copied to the standby target while the server isn't running"
        return [Finding(grade="note", code="standby-behind", about=about, text=text, commands=COMMANDS)]
    findings: list[Finding] = []
    if state.problem:
        text = "this server's changes aren't reaching the standby target"
        detail = f"{state.problem}; {state.lag:.0f} s behind"
        findings.append(
            Finding(grade="warning", code="standby-behind", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    if state.lease is not None and (state.lease.problem or state.lease.taken):
        text = "the lease isn't being renewed, so changes can't be acknowledged"
        detail = lease_words(state.lease, time.time())
        findings.append(
            Finding(grade="error", code="standby-lease", about=about, text=text, commands=COMMANDS, detail=detail)
        )
    return findings
