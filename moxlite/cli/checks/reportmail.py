"""``moxlite dmarc parsereportmsg``, ``moxlite tlsrpt parsereportmsg``: reports in files of mail (AUTH-90)."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import msgspec

from moxlite.cli.common import Failure, call, json_option, settings, show
from moxlite.cli.prompts import NO, YES, tell
from moxlite.escapes import escaped_json, printable
from moxlite.operations.reports import Dropped, PendingReport, SentReports, WithoutReports

if TYPE_CHECKING:
    from moxlite.store.content.prepare import Prepared


def parse_command(group: click.Group, kind: Literal["dmarc", "tls"]) -> None:
    """Add the verb for a kind of reports."""

    @group.command("parsereportmsg")
    @click.argument("files", nargs=-1, required=True, metavar="FILE…")
    def parse(files: tuple[str, ...]) -> int:
        """Print the report in each message (- for stdin), of any sender and about any domain.

        Exit code 0 if all can be read, else 1.
        """
        found = [_report(kind, file) for file in files]
        tell({"reports": found})
        return YES if all(one["status"] == "pass" for one in found) else NO


def _report(kind: Literal["dmarc", "tls"], file: str) -> dict[str, object]:
    import msgspec
    import trio

    from moxlite.acceptance.reportmail import Unusable, read_report
    from moxlite.mailauth.dkim.message import with_crlf
    from moxlite.store.content.prepare import prepare
    from moxlite.store.content.spool import Spool
    from moxlite.store.errors import StoreError

    octets = _read(file)

    async def prepared(spool: Spool) -> "Prepared":
        return await prepare(spool)

    with Spool.of(with_crlf(octets)) as spool:
        try:
            report = read_report(kind, trio.run(prepared, spool))
        except (Unusable, StoreError) as error:
            return {"file": file, "status": "unusable", "problem": str(error), "report": None}
    return {"file": file, "status": "pass", "problem": "", "report": msgspec.to_builtins(report)}


def _read(file: str) -> bytes:
    """The octets of a file. Raises Failure."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from None


# ``moxlite tlsrpt`` and ``moxlite dmarc`` for our own reports: sending them now, waiting results, and addresses that
# get no reports (QUEUE-123, QUEUE-126, QUEUE-131).


def report_commands(group: click.Group, name: str, counted: str) -> None:
    """Add the commands for our reports to a group, which is called `name`. `counted`: the noun for what these reports
    count.
    """
    _send_command(group, f"{name} send")

    @group.command(help=f"List the {counted} of each domain and day that are in no report yet.")
    @json_option
    def pending(as_json: bool) -> None:
        show(call(f"{name} pending", {}, list[PendingReport]), ("day", "about", "total", "failed"), as_json=as_json)

    @group.command(help=f"Forget the {counted} of DOMAIN that are in no report yet.")
    @click.argument("domain")
    def drop(domain: str) -> None:
        print(f"{call(f'{name} drop', {'domain': domain}, Dropped).rows} removed")

    @group.group(help="Addresses that get no reports from us until a time.")
    def suppress() -> None:
        pass

    @suppress.command("list", help="List them.")
    @json_option
    def list_(as_json: bool) -> None:
        found = call(f"{name} suppress list", {}, list[WithoutReports])
        show(found, ("address", "until", "comment"), as_json=as_json)

    @suppress.command(help="Send no reports to ADDRESS for DURATION, such as 30d.")
    @click.argument("address")
    @click.argument("duration")
    @click.option("--comment", default="", help="For your own notes.")
    def add(address: str, duration: str, comment: str) -> None:
        from moxlite.config.values import parse_duration

        try:
            seconds = parse_duration(duration)
        except ValueError as error:
            raise click.UsageError(f"{duration!r} {error}") from None
        args = {"address": address, "seconds": seconds, "comment": comment}
        call(f"{name} suppress add", args, type(None))

    @suppress.command(help="Send reports to ADDRESS again.")
    @click.argument("address")
    def remove(address: str) -> None:
        call(f"{name} suppress remove", {"address": address}, type(None))


def _send_command(group: click.Group, name: str) -> None:
    @group.command("send")
    @click.option("--day", default="", metavar="YYYY-MM-DD", help="Up to this UTC day.  [default: all that are over]")
    @json_option
    def send(day: str, as_json: bool) -> int:
        """Send our reports that are due now, by the running server, instead of after midnight UTC.

        They go to the queue, each once. Exit code 1 if one could not be sent now: it is tried again the next day. With
        --day of today a report covers the day up to now, and nothing later of it is reported.
        """
        found = call(name, {"day": day}, SentReports)
        if as_json or settings().as_json:
            print(escaped_json(msgspec.json.encode(found).decode()))
        else:
            for one in found.reports:
                to = f" to {', '.join(one.recipients)}" if one.recipients else ""
                why = f": {one.why}" if one.why else ""
                print(printable(f"{one.day} {one.domain} {one.result}{to}{why}"))
            print(f"{found.due} due, {found.sent} sent, {found.skipped} skipped, {found.later} later")
        return NO if found.later else YES
