"""The configuration's files, and their permissions (ADMIN-10, ADMIN-11, ADMIN-37)."""

import os
from functools import partial
from pathlib import Path
from typing import Final

import trio

from moxlite.admin.doctor.examination import Examination
from moxlite.admin.doctor.findings import Finding
from moxlite.admin.quickstart.switches import ADMIN_PORT
from moxlite.config.load import DOMAINS_FILE, ConfigError, Problem, parse, read_source
from moxlite.process.configtest import test_config
from moxlite.process.permissions import NamedFiles, differing_permissions
from moxlite.process.privileges import UnknownUser, service_user
from moxlite.safefile import openings

MAX_LISTED: Final = 20
"""Number of files with wrong permissions that are named; hundreds have one cause."""

UNREADABLE: Final = ("not checked: ", " is not readable for this user")
"""Begin and end of a problem that only says that this user may not read a file."""


async def check_configuration(examination: Examination) -> list[Finding]:
    """Report mistakes of both files as they are on disk, and keys that are not in effect."""
    return await check_files(examination.path) + _without_admin(examination)


def _without_admin(examination: Examination) -> list[Finding]:
    """Tell the lines that serve the admin app on this machine, if nothing does."""
    snapshot = examination.snapshot
    listeners = snapshot.static.listeners
    if any(listener.admin_http.enabled or listener.admin_https.enabled for listener in listeners.values()):
        return []
    if any(
        web_handler.internal is not None and web_handler.internal.service == "admin"
        for web_handler in snapshot.domains.web_handlers
    ):
        return []
    inside = next((name for name, listener in listeners.items() if all(ip.is_loopback for ip in listener.ips)), None)
    line = f"admin_http = {{ enabled = true, port = {ADMIN_PORT} }}"
    table = (
        f"[listeners.{inside}]" if inside else '[listeners.admin] with ips = ["127.0.0.1"], hostname = "localhost" and'
    )
    text = "no listener serves the admin pages"
    command = f"in {examination.path}, for this machine alone, add to {table} the line: {line}"
    if not inside:
        command = f"to {examination.path}, for this machine alone, add a table {table} {line}"
    return [Finding(grade="note", code="no-admin-pages", about="listeners", text=text, commands=(command,))]


async def check_files(path: Path) -> list[Finding]:
    """Report mistakes, given the path of the static file; the only check if the configuration cannot be used."""
    errors, warnings = await trio.to_thread.run_sync(partial(test_config, path, machine=False))
    findings = [_of(problem, error=True) for problem in errors]
    findings += [_of(problem) for problem in warnings if not _says_unreadable(str(problem))]
    return findings


def _says_unreadable(text: str) -> bool:
    begin, end = UNREADABLE
    return end in text.partition(begin)[2]


def _of(problem: Problem, *, error: bool = False) -> Finding:
    if "is not in effect yet" in str(problem):
        return Finding(grade="note", code="key-not-in-effect", about=problem.key, text=str(problem))
    return Finding(
        grade="error" if error else "warning",
        code="config-error" if error else "config-warning",
        about=problem.key,
        text=str(problem),
        commands=("moxlite config test",),
    )


async def check_permissions(examination: Examination) -> list[Finding]:
    """Report owners and modes that the next start of the server would change. Only root can check them."""
    if examination.inside or os.name != "posix" or os.geteuid() != 0:
        return []
    return await trio.to_thread.run_sync(_permissions, examination)


def _permissions(examination: Examination) -> list[Finding]:
    static, path = examination.snapshot.static, examination.path
    about = str(path)
    try:
        ids = service_user(static.user)
    except UnknownUser as error:
        return [Finding(grade="error", code="permissions", about=about, text=str(error))]
    if ids is None:
        return []
    if found := openings(path):
        why = "; ".join(one.words for one in found)
        text = f"others than root could change {path}, so the server does not start as root: {why}"
        commands = tuple(one.cure for one in found)
        return [Finding(grade="error", code="permissions", about=about, text=text, commands=commands)]
    if static.no_fix_permissions or examination.running is None:  # the start changes them
        return []
    try:
        named = NamedFiles.of(parse(read_source(path)), path.absolute().parent)
    except ConfigError:  # another finding tells
        return []
    lines = differing_permissions(path, DOMAINS_FILE, static.data_dir, *ids, named=named)
    return [
        Finding(
            grade="warning",
            code="permissions",
            about=line.partition(":")[0],
            text=line,
            commands=("systemctl restart moxlite",),
        )
        for line in lines[:MAX_LISTED]
    ]
