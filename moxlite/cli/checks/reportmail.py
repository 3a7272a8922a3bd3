"""``moxlite dmarc parsereportmsg``, ``moxlite tlsrpt parsereportmsg``: reports in files of mail (AUTH-90)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from moxlite.cli.common import Failure
from moxlite.cli.described import Printer, described
from moxlite.cli.verdicts import NO, YES, tell
from moxlite.encoding import to_builtins, to_json
from moxlite.escapes import escaped_json, printable
from moxlite.operations import described_in, reports
from moxlite.operations.reports import SentReports

if TYPE_CHECKING:
    from moxlite.store.content.prepare import PreparedMessage


def parse_command(group: click.Group, kind: Literal["dmarc", "tls"]) -> None:
    """Add the verb for a kind of reports."""

    @group.command("parsereportmsg")
    @click.argument("files", nargs=-1, required=True, metavar="FILE…")
    def parse(files: tuple[str, ...]) -> int:
        """Print the reports in messages. Use - for stdin. They can be from any sender and about any domain.

        Exit code 0 if all reports are valid, otherwise 1.
        """
        found = [_report(kind, file) for file in files]
        tell({"reports": found})
        return YES if all(one["status"] == "pass" for one in found) else NO


def _report(kind: Literal["dmarc", "tls"], file: str) -> dict[str, object]:
    import trio

    from moxlite.acceptance.reportmail import Unusable, read_report
    from moxlite.mailauth.dkim.message import with_crlf
    from moxlite.store.content.prepare import prepare
    from moxlite.store.content.spool import Spool
    from moxlite.store.errors import StoreError

    octets = _read(file)

    async def prepared(spool: Spool) -> "PreparedMessage":
        return await prepare(spool)

    with Spool.of(with_crlf(octets)) as spool:
        try:
            report = read_report(kind, trio.run(prepared, spool))
        except (Unusable, StoreError) as error:
            return {"file": file, "status": "unusable", "problem": str(error), "report": None}
    return {"file": file, "status": "pass", "problem": "", "report": to_builtins(report)}


def _read(file: str) -> bytes:
    """The octets of a file. Raises Failure."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"can't read {file}: {error.strerror or error}") from None


# ``moxlite tlsrpt`` and ``moxlite dmarc`` for our own reports: sending them now, waiting results, and addresses that
# get no reports (QUEUE-123, QUEUE-126, QUEUE-131).


def report_commands(group: click.Group) -> None:
    """Add the commands for our reports to a group."""
    printers: dict[type, Printer] = {
        reports.Send: _show_sent,
        reports.Drop: lambda dropped, as_json: print(f"{dropped.rows} removed"),
    }
    about = {"suppress": "Manage addresses that don't get reports until a set time."}
    described(group, described_in(reports), about, printers)


def _show_sent(sent: SentReports, as_json: bool) -> None:
    if as_json:
        print(escaped_json(to_json(sent).decode()))
    else:
        for report in sent.reports:
            to = f" to {', '.join(report.recipients)}" if report.recipients else ""
            why = f": {report.why}" if report.why else ""
            print(printable(f"{report.day} {report.domain} {report.result}{to}{why}"))
        print(f"{sent.due} due, {sent.sent} sent, {sent.skipped} skipped, {sent.later} later")
    if sent.later:
        sys.exit(NO)
