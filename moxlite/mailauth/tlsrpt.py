"""TLSRPT records: the addresses to which a domain wants TLS reports (RFC 8460 §3; AUTH-74)."""

import re
from typing import Final
from urllib.parse import unquote

import msgspec

from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.proto.address import Domain

MAX_ADDRESSES: Final = 20
"""Number of URIs in `rua`; a record with more is refused."""

_VERSION: Final = re.compile(r"v=TLSRPTv1[ \t]*(?:;|\Z)")
_FIELD: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(?P<value>[!-:<>-~](?>[!-:<>-~]++|(?<=,)[ \t]++|[ \t]++(?=,))*)"
)  # a comma is a character of values, too: the group is atomic, so that each can match in one way only
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.IGNORECASE)


class RecordError(Exception):
    """The record is wrong, or its look-up failed. `temporary`: DNS did not answer."""

    def __init__(self, text: str, *, temporary: bool = False) -> None:
        super().__init__(text)
        self.temporary = temporary


class NoRecord(RecordError):
    """The domain wants no reports."""


class Record(msgspec.Struct, frozen=True):
    """A TLSRPT record. `rua`: URIs as written, including unknown schemes."""

    rua: tuple[str, ...]

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Addresses of the mailto: URIs, percent-decoded."""
        found = (unquote(uri[7:].partition("?")[0]) for uri in self.rua if uri[:7].lower() == "mailto:")
        return tuple(dict.fromkeys(found))


def parse_record(text: str) -> Record | None:
    """Parse a TLSRPT record; returns None for any other TXT record. Raises RecordError."""
    if _VERSION.match(text) is None:
        return None
    found: tuple[str, ...] = ()
    for field in text.rstrip(" \t").removesuffix(";").split(";")[1:]:
        pair = _FIELD.fullmatch(field.strip(" \t"))
        if pair is None:
            raise RecordError(f"bad field {field.strip()[:40]!r}")
        if pair["name"] == "rua" and not found:
            found = tuple(uri.strip(" \t") for uri in pair["value"].split(","))
    if not found:
        raise RecordError("missing rua")
    if len(found) > MAX_ADDRESSES:
        raise RecordError(f"too many addresses (limit {MAX_ADDRESSES})")
    for uri in found:
        if _URI.fullmatch(uri) is None or "!" in uri:
            raise RecordError(f"bad address {uri[:40]!r}")
    return Record(found)


async def find_record(resolver: Resolver, domain: Domain) -> Record:
    """Look up the record of a domain, or of a mail host. Raises NoRecord, RecordError."""
    try:
        answer = await resolver.txt(absolute(f"_smtp._tls.{domain.ascii}"))
    except NotFound as error:
        raise NoRecord(str(error)) from error
    except DNSError as error:
        raise RecordError(str(error), temporary=True) from error
    texts = [text for text in answer.records if _VERSION.match(text)]
    if not texts:
        raise NoRecord("no TXT record starting with v=TLSRPTv1")
    if len(texts) > 1:
        raise NoRecord(f"found {len(texts)} records; ignoring all")  # RFC 8460 §3
    record = parse_record(texts[0])
    assert record is not None  # it begins as one
    return record
