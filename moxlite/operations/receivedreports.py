"""The operations about DMARC and TLS reports that others sent about our domains (SMTP-100, SMTP-101, WEB-86)."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from moxlite.operations import MANAGERS, Operation, Role, Word, query
from moxlite.store.reports.received import Kind, ReceivedReport, Total

NEWEST: Final = (1 << 53) - 1
"""Id beyond all that there are, which JavaScript can read."""

Days: TypeAlias = Annotated[int, Meta(ge=1, le=400)]


@query("reports list", MANAGERS)
class ListReports(Operation[list[ReceivedReport]], frozen=True):
    """A page of reports, newest first: ids below `before`, of a domain those whose period ended within `days`."""

    kind: Kind
    domain: Word = ""
    days: Days = 400
    before: int = NEWEST
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


@query("reports summary", MANAGERS)
class SumReports(Operation[list[Total]], frozen=True):
    """Sums by domain, of reports whose period ended within the last `days`."""

    kind: Kind
    days: Days = 30


@query("reports show", Role.COMMAND_LINE | Role.TOKEN)
class ShowReport(Operation[None], frozen=True):
    """The JSON of one report, as octets."""

    kind: Kind
    id: int
