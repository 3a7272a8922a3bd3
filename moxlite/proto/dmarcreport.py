"""DMARC aggregate reports: XML in, values out (RFC 9990; before it RFC 7489 appendix C; AUTH-80).

Theory of operation
-------------------
The XML is parsed in pieces and is never whole in memory. Expat calls a handler for each element. `FIELDS` has the paths
of the elements whose text is a value. The end of a group element (a record, a signature, a reason) makes the group's
struct. All other elements are ignored, so that reports by RFC 9990, by RFC 7489, and with extensions are read alike,
whatever their namespace.

Values are kept as text: unknown words are not refused. The limits are the constants below. A document type
declaration, without which there are no entities, is an error.
"""

from __future__ import annotations

import pyexpat  # `xml.parsers.expat` is the same with a package around it
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from moxlite.encoding import from_builtins
from moxlite.proto.namespaces import bound_namespaces

MAX_OCTETS: Final = 20 << 20
"""Octets of the XML (AUTH-80): the largest reports of large providers have a few MiB."""

MAX_RECORDS: Final = 100_000
"""Number of rows (AUTH-80): 30 MB of memory."""

MAX_GROUP: Final = 20
"""Number of signatures, of SPF results and of reasons per record, and of errors per report, that are kept."""

MAX_TEXT: Final = 256
"""Maximum characters of a stored value."""

MAX_DEPTH: Final = 32
"""Depth of nested elements: the format has six levels."""

MAX_ELEMENTS: Final = 1_500_000
"""XML elements of a report. 20 MiB of rows have half as many."""

MAX_NAMES: Final = 1000
"""Number of different names of elements and attributes. The format has fewer than 60; Expat keeps each to the end."""

MAX_SECONDS: Final = 10.0
"""Seconds of CPU time for one report: `MAX_RECORDS` rows take 5 s on a Raspberry Pi. CPU time does not depend on the
load of the machine.
"""

MAX_NUMBER: Final = (1 << 53) - 1
"""Largest count or time; a larger one is read as 0. JSON and SQLite hold it exactly."""


class DMARCReportError(ValueError):
    """The octets are not a report, or it exceeds a limit. The argument is a reason in one line."""


class Override(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Reason why the requested policy was not applied."""

    type: str = ""
    comment: str = ""


class DKIMAuth(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The result of a DKIM signature."""

    domain: str = ""
    selector: str = ""
    result: str = ""
    human_result: str = ""


class SPFAuth(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An SPF result. `scope`: mfrom or helo."""

    domain: str = ""
    scope: str = ""
    result: str = ""
    human_result: str = ""


class ReportRecord(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Messages of one address with the same result. `dkim`, `spf`: pass if aligned, else fail."""

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
        """Whether neither DKIM nor SPF is aligned."""
        return self.dkim != "pass" and self.spf != "pass"


class PolicyPublished(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record that the reporter found. `pct` is of RFC 7489; `np`, `testing`, `discovery_method` are of RFC 9990."""

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
"""Paths of enumerated words. They are converted to lower case, since some reporters write capitals."""

FIELDS: Final = {**_REPORT, **_POLICY, **_ROW, **_ITEM, ERROR: "error"}
"""Paths of the elements whose text is a value, with the names of the values."""

_KNOWN: Final = frozenset("/".join(path.split("/")[:depth]) for path in FIELDS for depth in range(1, 7))
UNKNOWN: Final = "?"
"""Replacement for the path of an ignored element."""


def read_dmarc_report(pieces: Iterable[bytes]) -> DMARCReport:
    """Parse a report from XML in pieces. Blocks, for at most `MAX_SECONDS` of CPU time.

    Raises DMARCReportError.
    """
    return _ReportParser().run(pieces)


class _ReportParser:
    """Parser state of one report."""

    def __init__(self) -> None:
        self._parser = pyexpat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        bound_namespaces(self._parser, DMARCReportError("the XML has a namespace with a long name"))
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
                    raise DMARCReportError(f"report exceeds {MAX_OCTETS >> 20} MiB")
                if time.thread_time() > end:
                    raise DMARCReportError("timed out reading the report")
                self._parser.Parse(piece, False)
            self._parser.Parse(b"", True)
        except pyexpat.ExpatError as error:
            raise DMARCReportError(f"invalid XML: {error}") from None
        except (LookupError, UnicodeError) as error:  # from an unknown encoding
            raise DMARCReportError(f"invalid XML: {error}") from None
        report = self._report
        if "organization" not in report and "report_id" not in report and not self._records:
            raise DMARCReportError("the XML isn't a DMARC report")
        return from_builtins(
            {**report, "policy": self._policy, "errors": tuple(self._errors), "records": tuple(self._records)},
            DMARCReport,
        )

    def _doctype(self, *_: object) -> None:
        raise DMARCReportError("the XML can't contain a document type declaration")

    def _start(self, name: str, _attributes: object) -> None:
        self._elements += 1
        if len(self._parser.intern) > MAX_NAMES:
            raise DMARCReportError(f"too many different element names in the XML (limit {MAX_NAMES})")
        if len(self._path) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise DMARCReportError("the XML has too many elements or is nested too deeply")
        local = name.rpartition(" ")[2]
        path = f"{self._path[-1]}/{local}" if self._path else local
        if path not in _KNOWN:
            path = UNKNOWN
        self._path.append(path)
        self._text = ""
        if path == RECORD:
            if len(self._records) >= MAX_RECORDS:
                raise DMARCReportError(f"too many records in report (limit {MAX_RECORDS})")
            self._row, self._groups = {}, {DKIM: [], SPF: [], REASON: []}
        elif path in (DKIM, SPF, REASON):
            self._item = {}

    def _characters(self, text: str) -> None:
        if len(self._text) <= MAX_TEXT and self._path and self._path[-1] in FIELDS:
            self._text += text[: 2 * MAX_TEXT]  # blanks around it are stripped later

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
                from_builtins(
                    {
                        **self._row,
                        "dkim_results": self._groups[DKIM],
                        "spf_results": self._groups[SPF],
                        "reasons": self._groups[REASON],
                    },
                    ReportRecord,
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
    """Parse a count or a time; returns 0 if it is malformed or too large."""
    value = int(text) if len(text) <= 16 and text.isascii() and text.isdecimal() else 0
    return value if value <= MAX_NUMBER else 0
