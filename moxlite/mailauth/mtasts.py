"""MTA-STS: a domain's policy that its mail hosts support TLS with valid certificates (RFC 8461; AUTH-70..72).

This module parses records and policies and looks them up. The queue caches them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from moxlite.net.resolver import DNSError, NotFound, Resolver, absolute
from moxlite.proto.address import AddressError, Domain

MAX_AGE: Final = 31_557_600
"""Seconds for which a policy may be kept: a year (RFC 8461 §3.2)."""

MAX_POLICY: Final = 64 << 10
"""Octets of a policy file (RFC 8461 §3.3 leaves the limit to implementations)."""

MAX_HOSTS: Final = 1000
"""Number of mx patterns of a policy."""

Mode = Literal["enforce", "testing", "none"]

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Return the body at a URL. Raises FetchFailed."""

MODES: Final[Mapping[str, Mode]] = {"enforce": "enforce", "testing": "testing", "none": "none"}


class Reason(StrEnum):
    """Reason for a missing policy, as in TLS reports (AUTH-70; RFC 8460 §4.3)."""

    NO_RECORD = "no-mta-sts-dns-txt-record"
    SEVERAL_RECORDS = "multiple-mta-sts-records"
    LOOKUP = "dns-lookup"
    RECORD_SYNTAX = "record-syntax-error"
    NOT_SERVED = "no-policy-served"
    CANNOT_FETCH = "cannot-fetch-policy"
    NOT_TRUSTED = "certificate-not-trusted"
    POLICY_SYNTAX = "policy-syntax-error"


class PolicyError(Exception):
    """A record or policy is missing or wrong. `temporary`: a later attempt may succeed."""

    def __init__(self, reason: Reason, text: str, *, temporary: bool = False) -> None:
        super().__init__(text)
        self.reason = reason
        self.temporary = temporary


class NoPolicy(PolicyError):
    """The domain has no MTA-STS record."""


class FetchFailed(Exception):
    """Fetching the policy failed; raised by the caller's `Fetch`.

    `missing`: status 404, or the host does not exist. `untrusted`: the web server's certificate is not valid.
    """

    def __init__(self, text: str, *, missing: bool = False, untrusted: bool = False) -> None:
        super().__init__(text)
        self.missing = missing
        self.untrusted = untrusted


class Policy(msgspec.Struct, frozen=True):
    """A policy (RFC 8461 §3.2). `max_age` in seconds; `mx` patterns in A-labels, lower case."""

    mode: Mode
    max_age: int
    mx: tuple[str, ...] = ()


# RFC 8461 §3.1. Version and names of fields are case-sensitive.
_RECORD: Final = re.compile(r"v=STSv1[ \t]*;(?P<fields>.*)", re.DOTALL)
_FIELD: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(?P<value>[!-:<>-~]+)")
_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
# RFC 8461 §3.2.
_LINE: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31}):(?P<value>.*)")
_AGE: Final = re.compile(r"[0-9]{1,10}")
_PATTERN: Final = re.compile(
    r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)


def parse_record(text: str) -> str | None:
    """Return the id in an MTA-STS record; None for any other TXT record. Raises PolicyError."""
    if not text.startswith("v=STSv1"):
        return None
    match = _RECORD.fullmatch(text.rstrip(" \t") if text.rstrip(" \t").endswith(";") else f"{text};")
    if match is None:
        raise PolicyError(Reason.RECORD_SYNTAX, "missing ; after the version")
    found = ""
    for field in match["fields"].removesuffix(";").split(";"):
        pair = _FIELD.fullmatch(field.strip(" \t"))
        if pair is None:
            raise PolicyError(Reason.RECORD_SYNTAX, f"bad field {field.strip()[:40]!r}")
        if pair["name"] == "id" and not found:
            found = pair["value"]
    if not _ID.fullmatch(found):
        raise PolicyError(Reason.RECORD_SYNTAX, "id must be 1 to 32 letters and digits")
    return found


def parse_policy(octets: bytes) -> Policy:
    """Parse a policy file. Raises PolicyError."""
    if len(octets) > MAX_POLICY:
        raise PolicyError(Reason.POLICY_SYNTAX, f"larger than {MAX_POLICY} bytes")
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError as error:
        raise PolicyError(Reason.POLICY_SYNTAX, "not ASCII") from error
    fields: dict[str, str] = {}
    hosts: dict[str, None] = {}
    for line in text.replace("\r\n", "\n").removesuffix("\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise PolicyError(Reason.POLICY_SYNTAX, f"bad line {line[:40]!r}")
        value = match["value"].strip(" \t")
        if match["name"] == "mx":
            hosts[_pattern(value)] = None
        else:  # of a field that is repeated the first counts (RFC 8461 §3.2)
            fields.setdefault(match["name"], value)
    if len(hosts) > MAX_HOSTS:
        raise PolicyError(Reason.POLICY_SYNTAX, f"too many mx values (limit {MAX_HOSTS})")
    if fields.get("version") != "STSv1":
        raise PolicyError(Reason.POLICY_SYNTAX, "version must be STSv1")
    mode = MODES.get(fields.get("mode", ""))
    if mode is None:
        raise PolicyError(Reason.POLICY_SYNTAX, "missing or unknown mode")
    if not _AGE.fullmatch(fields.get("max_age", "")):
        raise PolicyError(Reason.POLICY_SYNTAX, "max_age must be a number of seconds")
    if not hosts and mode != "none":
        raise PolicyError(Reason.POLICY_SYNTAX, "missing mx")
    return Policy(mode, min(int(fields["max_age"]), MAX_AGE), tuple(hosts))


def _pattern(value: str) -> str:
    if not _PATTERN.fullmatch(value):
        raise PolicyError(Reason.POLICY_SYNTAX, f"invalid mx {value[:40]!r}")
    star, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    try:
        return star + Domain.parse(name).ascii
    except AddressError as error:
        raise PolicyError(Reason.POLICY_SYNTAX, f"invalid mx {value[:40]!r}: {error}") from error


def matches(policy: Policy, host: str) -> bool:
    """Whether the policy names a mail host (A-labels); a wildcard matches exactly one label (RFC 8461 §4.1)."""
    name = host.lower().removesuffix(".")
    parent = name.partition(".")[2]
    return any(pattern == name or (pattern.startswith("*.") and pattern[2:] == parent) for pattern in policy.mx)


async def find_record(resolver: Resolver, domain: Domain) -> str:
    """Look up the id in a domain's record. Raises NoPolicy, PolicyError."""
    try:
        answer = await resolver.txt(absolute(f"_mta-sts.{domain.ascii}"))
    except NotFound as error:
        raise NoPolicy(Reason.NO_RECORD, str(error)) from error
    except DNSError as error:
        raise PolicyError(Reason.LOOKUP, str(error), temporary=True) from error
    found = [text for text in answer.records if text.startswith("v=STSv1")]
    if not found:
        raise NoPolicy(Reason.NO_RECORD, "no TXT record starting with v=STSv1")
    if len(found) > 1:
        raise PolicyError(Reason.SEVERAL_RECORDS, f"found {len(found)} records; ignoring all")
    identifier = parse_record(found[0])
    assert identifier is not None  # it begins as one
    return identifier


def policy_url(domain: Domain) -> str:
    """The URL of a domain's policy (RFC 8461 §3.3)."""
    return f"https://mta-sts.{domain.ascii}/.well-known/mta-sts.txt"


async def fetch_policy(fetch: Fetch, domain: Domain) -> Policy:
    """Fetch and parse a domain's policy.

    Args:
      fetch: returns the body at a URL, cut after `MAX_POLICY` + 1 octets; raises FetchFailed.

    Raises PolicyError.
    """
    try:
        octets = await fetch(policy_url(domain))
    except FetchFailed as error:
        reason = Reason.NOT_TRUSTED if error.untrusted else Reason.CANNOT_FETCH
        if error.missing:
            reason = Reason.NOT_SERVED
        # Temporary but for 404: the record says that there is a policy, so a web server that fails, or is made to fail,
        # must not make the domain one without policy: one that is cached stays in force (RFC 8461 §3.3).
        raise PolicyError(reason, str(error), temporary=not error.missing) from error
    return parse_policy(octets)
