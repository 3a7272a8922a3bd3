"""``moxlite doctor``: faults of this server, in one graded list (ADMIN-70)."""

import os
import sys
import time
from typing import TYPE_CHECKING, Final

import click

from moxlite.admin.doctor.requests import ListPlacement, TryPlacement
from moxlite.cli.common import (
    FAILED,
    NOT_RUNNING,
    Failure,
    HostPort,
    as_author,
    config_path,
    for_root,
    perform,
    settings,
    show_json,
    unusable,
)
from moxlite.cli.described import described
from moxlite.cli.verdicts import resolver_at, resolver_option
from moxlite.escapes import printable
from moxlite.operations import description
from moxlite.wording import brief, counted

if TYPE_CHECKING:
    from moxlite.admin.doctor.requests import Running, Sent
    from moxlite.config.snapshot import Snapshot
    from moxlite.findings import Finding
    from moxlite.operations.server import HelperState


@click.group()
def placement() -> None:
    """Check inbox placement at other providers."""


described(placement, map(description, (ListPlacement, TryPlacement)), {}, {})

WARNED: Final = 5
"""Exit code for warnings without an error."""

SCREEN: Final = 24
"""Lines of a terminal. A longer output ends with its errors and warnings again."""

REPEATED: Final = 10
"""Number of errors and warnings at the end."""

PATIENCE: Final = 180.0
"""Seconds after the start of a new server for its first certificates: most checks would fail without them."""


@click.command()
@resolver_option
@click.option("--skip-dial", is_flag=True, help="Skip the outgoing port 25 test.")
@click.option("--skip-mail", is_flag=True, help="Don't send a test message through this server's own ports.")
@click.option("--send-to", metavar="ADDRESS", default="", help="Also send a message to ADDRESS at another server.")
@click.option("--nightly", is_flag=True, help="Run the nightly check now and show changes.")
@click.option("--weekly", is_flag=True, help="Print the postmaster's weekly summary.")
def doctor(
    resolver: HostPort | None, skip_dial: bool, skip_mail: bool, send_to: str, nightly: bool, weekly: bool
) -> int:
    """Check this server for problems and suggest fixes.

    This checks configuration, permissions, ports, certificates, DNS for all domains, queue, disk, clock, backups, and
    block lists, and sends a message to the postmaster through this server's own ports. Run this as root to check
    everything. For help with a problem, run `moxlite help doctor.md`.

    Exit code 0 if there aren't any errors or warnings, 5 for warnings, 1 for errors.
    """
    if nightly:
        return _night()
    if weekly:
        from moxlite.admin.doctor.requests import TellWeek

        print("\n".join(map(printable, perform(TellWeek()).splitlines())))
        return 0
    if of_copy := _examine_copy():
        return _show(of_copy, [], [])
    snapshot = _snapshot()
    running, elsewhere = _running()
    if snapshot is None:
        findings = _examine_mistaken(running, elsewhere)
    else:
        if running is not None:
            _wait_for_certificates(snapshot)
        if sys.stderr.isatty():
            print("Checking, about 20 seconds...", file=sys.stderr)
        findings = _examine(snapshot, running, elsewhere, resolver, dial=not skip_dial)
    steps: list[str] = []
    if running is not None and not skip_mail:
        sent = _send(send_to)
        steps, findings = sent.steps, findings + sent.findings
    return _show(findings, steps, [] if running is None else running.helpers)


def _snapshot() -> "Snapshot | None":
    """The configuration; None if it has mistakes, which are findings. Raises Failure if only root may read it."""
    from moxlite.config.load import ConfigError, load

    try:
        return load(config_path(), as_author)[0]
    except ConfigError as error:
        if any(for_root(problem.file) for problem in error.problems):
            raise unusable(error) from None
        return None


def _examine_copy() -> "list[Finding]":
    """Findings on a machine that has no configuration yet, because it follows another one."""
    from moxlite.admin.quickstart.files import FOLLOW_INTO
    from moxlite.cli.backups.standby import copy_findings

    return [] if os.path.lexists(config_path()) else copy_findings(FOLLOW_INTO)


def _examine_mistaken(running: "Running | None", elsewhere: str) -> "list[Finding]":
    import trio

    from moxlite.admin.doctor.examine import examine_mistaken

    return trio.run(examine_mistaken, config_path(), running, elsewhere)


def _running() -> "tuple[Running | None, str]":
    """The running server's report about itself; None if no server runs with this data folder, and a line about one that
    runs with the former one, or "".
    """
    import trio

    from moxlite.admin.doctor.elsewhere import still_running
    from moxlite.admin.doctor.requests import ReadState

    try:
        return perform(ReadState()), ""
    except Failure as failure:
        if failure.code != NOT_RUNNING:
            raise
        return None, trio.run(still_running)


def _wait_for_certificates(snapshot: "Snapshot") -> None:
    """Wait until a new server has its first certificates, or can't get them."""
    from moxlite.admin.dns.wanted import ordering

    began = time.time()
    if names := ordering(snapshot, began - PATIENCE):
        print(f"Waiting for certificates for {', '.join(names)}...", file=sys.stderr)
    while names and time.time() - began < PATIENCE:
        time.sleep(1)
        names = ordering(snapshot, began - PATIENCE)


def _send(to: str) -> "Sent":
    from moxlite.admin.doctor.requests import SendMail

    return perform(SendMail(to))


def _examine(
    snapshot: "Snapshot", running: "Running | None", elsewhere: str, resolver: HostPort | None, *, dial: bool
) -> "list[Finding]":
    import trio

    from moxlite.admin.dns.network import Internet
    from moxlite.admin.doctor.examination import Examination
    from moxlite.admin.doctor.examine import examine
    from moxlite.net.dns.client import DNSResolver
    from moxlite.net.httpclient import HTTPClient
    from moxlite.process.ports import roots_of, trust_of

    static = snapshot.static
    dns = static.dns
    asked = DNSResolver(dns.servers, trust_ad=dns.trust_ad) if resolver is None else resolver_at(resolver)
    roots = roots_of(static)
    policies = HTTPClient(asked, allow_internal=static.allow_private_mx, roots=roots)
    examination = Examination(
        snapshot=snapshot,
        path=config_path(),
        resolver=asked,
        network=Internet(static.hostname.ascii, trust_of(static), policies),
        http=HTTPClient(asked, allow_internal=True, roots=roots),
        running=running,
        elsewhere=elsewhere,
        dial=dial,
    )
    return trio.run(examine, examination)


def _show(found: "list[Finding]", steps: list[str], helpers: "list[HelperState]") -> int:
    from moxlite.admin.doctor.findings import in_order, worst
    from moxlite.admin.doctor.helpers import ago

    findings = in_order(found)
    grade = worst(findings)
    code = {"error": FAILED, "warning": WARNED}.get(grade or "", 0)
    if settings().as_json:
        answer = {"grade": grade or "ok", "findings": findings, "mail": steps, "helpers": helpers}
        show_json(answer)
        return code
    urgent = [finding for finding in findings if finding.grade != "note"]
    lines = _lines(urgent)
    lines += (f"mail: {step}" for step in steps)
    if working := [state for state in helpers if not state.problem]:
        names = ", ".join(state.name for state in working)
        lines.append(f"helper processes: {names} OK, tested {ago(min(state.tried for state in working))}")
    if notes := findings[len(urgent) :]:
        lines += ("", "Optional:", *_lines(notes), "")
    if not urgent:
        lines.append("well: everything that mail needs works")
    else:
        if len(lines) >= SCREEN:
            lines += ("", "For details, see above:")
            lines += (f"- {brief(_line(finding))}" for finding in urgent[:REPEATED])
            if len(urgent) > REPEATED:
                lines.append(f"- and {len(urgent) - REPEATED} more")
        lines.append(f"{_number(findings, 'error')}, {_number(findings, 'warning')}")
    print("\n".join(map(printable, lines)))
    return code


def _lines(findings: "list[Finding]") -> list[str]:
    """Findings, with the commands after each group that they are for."""
    from moxlite.admin.doctor.findings import in_groups

    lines: list[str] = []
    for group, commands in in_groups(findings):
        lines += map(_line, group)
        lines += (f"    {command}" for command in commands)
    return lines


def _line(finding: "Finding") -> str:
    return f"{finding.grade}: {finding.code}: {finding.words}"


def _number(findings: "list[Finding]", grade: str) -> str:
    number = sum(finding.grade == grade for finding in findings)
    return counted(number, grade)


def _night() -> int:
    from moxlite.admin.doctor.requests import ExamineNow

    nightly_report = perform(ExamineNow())
    for title, findings in (("new", nightly_report.new), ("gone", nightly_report.gone)):
        for finding in findings:
            print(f"{title}: {finding.grade}: {finding.code}: {printable(finding.words)}")
    if nightly_report.channels:
        print(f"notified by {', '.join(nightly_report.channels)}")
    for problem in nightly_report.problems:
        print(f"moxlite: couldn't notify by {printable(problem)}", file=sys.stderr)
    return FAILED if nightly_report.problems else 0
