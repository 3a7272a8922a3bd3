"""DMARC aggregate reports: XML in, values out (RFC 9990; before it RFC 7489 appendix C; AUTH-80).

Theory of operation
-------------------
The XML comes in pieces and is never whole in memory. Expat calls a handler for each element; `FIELDS` is the table of
those whose text is a value, by their path. An element that closes a group (a record, a signature, a reason) makes the
group's struct. All else is passed over: reports of today, of RFC 7489, and with extensions are read alike, whatever
their namespace.

What a report says is text as it stands there: no word outside of the enumerations is refused. Limits stand at the top;
a document type declaration, and with it each entity, ends the reading.
"""

from __future__ import annotations

import pyexpat  # `xml.parsers.expat` is the same with a package around it
import time
from collections.abc import Iterable
from typing import Final

import msgspec

__all__ = [
    "DKIMAuth",
    "DMARCReport",
    "DMARCReportError",
    "Override",
    "PolicyPublished",
    "ReportRecord",
    "SPFAuth",
    "read_dmarc_report",
]

MAX_OCTETS: Final = 20 << 20
"""Of the XML (AUTH-80): the largest reports of large providers have a few MiB."""

MAX_RECORDS: Final = 100_000
"""Rows (AUTH-80): 30 MB of memory."""

MAX_GROUP: Final = 20
"""Signatures, SPF results and reasons of one record, errors of a report."""

MAX_TEXT: Final = 256
"""Characters that are kept of a value."""

MAX_DEPTH: Final = 32
"""Open elements: the format has six."""

MAX_ELEMENTS: Final = 1_500_000
"""Of the whole report: 20 MiB of rows have half of that."""

MAX_SECONDS: Final = 10.0
"""Of the processor, for one report: the most rows take 5 s on a Raspberry Pi. A report is no worse for coming to a busy
machine.
"""

MAX_NUMBER: Final = (1 << 53) - 1
"""Counts and times above this are none, and their sum stays in what JSON and SQLite hold."""


class DMARCReportError(ValueError):
    """It is no report, or one that goes over a limit; the argument says why, in a line."""


class Override(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Why something else was done than the policy asks for."""

    type: str = ""
    comment: str = ""


class DKIMAuth(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A signature."""

    domain: str = ""
    selector: str = ""
    result: str = ""
    human_result: str = ""


class SPFAuth(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A result of SPF. `scope`: mfrom or helo."""

    domain: str = ""
    scope: str = ""
    result: str = ""
    human_result: str = ""


class ReportRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Messages of one address that were judged alike. `dkim` and `spf` tell whether that is aligned: pass or fail."""

    source_ip: str = ""
    count: int = 0
    disposition: str = ""
    dkim: str = ""
    spf: str = ""
    reasons: tuple[Override, ...] = ()
    header_from: str = ""
    envelope_from: str = ""
    envelope_to: str = ""
    dkim_results: tuple[DKIMAuth, ...] = ()
    spf_results: tuple[SPFAuth, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether neither is aligned."""
        return self.dkim != "pass" and self.spf != "pass"


class PolicyPublished(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record as the reporter found it; `pct` is of RFC 7489, `np`, `testing` and `discovery_method` of RFC 9990."""

    domain: str = ""
    adkim: str = ""
    aspf: str = ""
    p: str = ""
    sp: str = ""
    np: str = ""
    pct: str = ""
    fo: str = ""
    testing: str = ""
    discovery_method: str = ""


class DMARCReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """An aggregate report. `begin` and `end` in seconds since 1970."""

    organization: str = ""
    email: str = ""
    contact: str = ""
    report_id: str = ""
    begin: int = 0
    end: int = 0
    errors: tuple[str, ...] = ()
    generator: str = ""
    version: str = ""
    policy: PolicyPublished = PolicyPublished()
    records: tuple[ReportRecord, ...] = ()


RECORD: Final = "feedback/record"
DKIM: Final = f"{RECORD}/auth_results/dkim"
SPF: Final = f"{RECORD}/auth_results/spf"
REASON: Final = f"{RECORD}/row/policy_evaluated/reason"
METADATA: Final = "feedback/report_metadata"
ERROR: Final = f"{METADATA}/error"

_REPORT: Final = {
    "feedback/version": "version",
    f"{METADATA}/org_name": "organization",
    f"{METADATA}/email": "email",
    f"{METADATA}/extra_contact_info": "contact",
    f"{METADATA}/report_id": "report_id",
    f"{METADATA}/generator": "generator",
    f"{METADATA}/date_range/begin": "begin",
    f"{METADATA}/date_range/end": "end",
}
_POLICY: Final = {f"feedback/policy_published/{name}": name for name in PolicyPublished.__struct_fields__}
_ROW: Final = {
    f"{RECORD}/row/source_ip": "source_ip",
    f"{RECORD}/row/count": "count",
    f"{RECORD}/row/policy_evaluated/disposition": "disposition",
    f"{RECORD}/row/policy_evaluated/dkim": "dkim",
    f"{RECORD}/row/policy_evaluated/spf": "spf",
    f"{RECORD}/identifiers/header_from": "header_from",
    f"{RECORD}/identifiers/envelope_from": "envelope_from",
    f"{RECORD}/identifiers/envelope_to": "envelope_to",
}
_ITEM: Final = {
    **{f"{DKIM}/{name}": name for name in DKIMAuth.__struct_fields__},
    **{f"{SPF}/{name}": name for name in SPFAuth.__struct_fields__},
    **{f"{REASON}/{name}": name for name in Override.__struct_fields__},
}
_NUMBERS: Final = frozenset({"begin", "end", "count"})
_WORDS: Final = frozenset(
    {
        f"{DKIM}/result",
        f"{SPF}/result",
        *(f"{RECORD}/row/policy_evaluated/{one}" for one in ("disposition", "dkim", "spf")),
    }
)
"""Paths of words out of a list, which some write with capitals: they are told in lower case."""

FIELDS: Final = {**_REPORT, **_POLICY, **_ROW, **_ITEM, ERROR: "error"}
"""The paths whose text is a value."""

_KNOWN: Final = frozenset("/".join(path.split("/")[:depth]) for path in FIELDS for depth in range(1, 7))
UNKNOWN: Final = "?"
"""In place of a path that leads to no value."""


def read_dmarc_report(pieces: Iterable[bytes]) -> DMARCReport:
    """The report in XML that comes in pieces. Blocks, for `MAX_SECONDS` of the processor at most.

    Raises DMARCReportError.
    """
    return _Reading().run(pieces)


class _Reading:
    """One report while it is read."""

    def __init__(self) -> None:
        self._parser = pyexpat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._doctype
        self._path: list[str] = []
        self._elements = 0
        self._text = ""
        self._kept: dict[str, str] = {}  # values repeat: one object for each
        self._report: dict[str, str | int] = {}
        self._policy: dict[str, str] = {}
        self._errors: list[str] = []
        self._row: dict[str, str | int] = {}
        self._item: dict[str, str] = {}
        self._groups: dict[str, list[dict[str, str]]] = {}
        self._records: list[ReportRecord] = []

    def run(self, pieces: Iterable[bytes]) -> DMARCReport:
        end = time.thread_time() + MAX_SECONDS
        octets = 0
        try:
            for piece in pieces:
                octets += len(piece)
                if octets > MAX_OCTETS:
                    raise DMARCReportError(f"the report has more than {MAX_OCTETS >> 20} MiB")
                if time.thread_time() > end:
                    raise DMARCReportError("reading the report takes too long")
                self._parser.Parse(piece, False)
            self._parser.Parse(b"", True)
        except pyexpat.ExpatError as error:
            raise DMARCReportError(f"no XML: {error}") from None
        except (LookupError, UnicodeError) as error:  # of an encoding that is none
            raise DMARCReportError(f"no XML: {error}") from None
        report = self._report
        if "organization" not in report and "report_id" not in report and not self._records:
            raise DMARCReportError("the XML is no DMARC report")
        return msgspec.convert(
            {**report, "policy": self._policy, "errors": tuple(self._errors), "records": tuple(self._records)},
            type=DMARCReport,
        )

    def _doctype(self, *_: object) -> None:
        raise DMARCReportError("the XML has a document type declaration")

    def _start(self, name: str, _attributes: object) -> None:
        self._elements += 1
        if len(self._path) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise DMARCReportError("the XML has too many elements, or is nested too deep")
        local = name.rpartition(" ")[2]
        path = f"{self._path[-1]}/{local}" if self._path else local
        if path not in _KNOWN:
            path = UNKNOWN
        self._path.append(path)
        self._text = ""
        if path == RECORD:
            if len(self._records) >= MAX_RECORDS:
                raise DMARCReportError(f"the report has more than {MAX_RECORDS} records")
            self._row, self._groups = {}, {DKIM: [], SPF: [], REASON: []}
        elif path in (DKIM, SPF, REASON):
            self._item = {}

    def _characters(self, text: str) -> None:
        if len(self._text) <= MAX_TEXT and self._path and self._path[-1] in FIELDS:
            self._text += text[: 2 * MAX_TEXT]  # blanks around it go later

    def _end(self, _name: str) -> None:
        path = self._path.pop()
        name = FIELDS.get(path)
        if name is not None:
            self._value(path, name)
        elif path in (DKIM, SPF, REASON):
            group = self._groups[path]
            if len(group) < MAX_GROUP:
                group.append(self._item)
        elif path == RECORD:
            self._records.append(
                msgspec.convert(
                    {
                        **self._row,
                        "dkim_results": self._groups[DKIM],
                        "spf_results": self._groups[SPF],
                        "reasons": self._groups[REASON],
                    },
                    type=ReportRecord,
                )
            )

    def _value(self, path: str, name: str) -> None:
        text = self._text.strip()[:MAX_TEXT]
        if path in _WORDS:
            text = text.lower()
        text = self._kept.setdefault(text, text) if len(self._kept) < MAX_RECORDS else text
        if path == ERROR:
            if len(self._errors) < MAX_GROUP:
                self._errors.append(text)
        elif path in _REPORT:
            self._report[name] = _number(text) if name in _NUMBERS else text
        elif path in _POLICY:
            self._policy[name] = text
        elif path in _ROW:
            self._row[name] = _number(text) if name in _NUMBERS else text
        else:
            self._item[name] = text


def _number(text: str) -> int:
    """Of a count or a time; 0 where it is none."""
    value = int(text) if len(text) <= 16 and text.isascii() and text.isdecimal() else 0
    return value if value <= MAX_NUMBER else 0
