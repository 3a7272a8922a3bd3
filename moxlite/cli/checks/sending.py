"""``moxlite tlsrpt send`` and ``moxlite dmarc send``: our own reports, now instead of after midnight (QUEUE-123,
QUEUE-131).
"""

import click
import msgspec

from moxlite.cli.asking import NO, YES
from moxlite.cli.common import call, json_option, printable, settings

__all__ = ["send_command"]


class Report(msgspec.Struct, frozen=True):
    """What became of one."""

    domain: str
    day: str
    result: str
    why: str
    recipients: tuple[str, ...]


class Reports(msgspec.Struct, frozen=True):
    """How many were due, and what became of each."""

    due: int
    sent: int
    skipped: int
    later: int
    reports: list[Report]


def send_command(group: click.Group, name: str) -> None:
    """Add the verb `send` to a group; `name` is that of the server's command."""

    @group.command("send")
    @click.option("--day", default="", metavar="YYYY-MM-DD", help="Up to this UTC day.  [default: all that are over]")
    @json_option
    def send(day: str, as_json: bool) -> int:
        """Send our reports that are due now, by the running server, instead of after midnight UTC.

        They go to the queue, each once. Exit code 1 if one could not be sent now: it is tried again the next day. With
        --day of today a report covers the day up to now, and nothing later of it is reported.
        """
        found = call(name, {"day": day}, Reports)
        if as_json or settings().as_json:
            print(msgspec.json.encode(found).decode())
        else:
            for one in found.reports:
                to = f" to {', '.join(one.recipients)}" if one.recipients else ""
                why = f": {one.why}" if one.why else ""
                print(printable(f"{one.day} {one.domain} {one.result}{to}{why}"))
            print(f"{found.due} due, {found.sent} sent, {found.skipped} skipped, {found.later} later")
        return NO if found.later else YES
