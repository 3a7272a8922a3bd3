"""Discovery of DMARC records and organizational domains: by tree walk (RFC 9989 §4.10), or by the public suffix list
as in RFC 7489.

Names are A-labels in lower case, without final dot. Each name is queried once per message: the domains of a message
share most of their ancestors.
"""

import re
from typing import Final, Literal, cast

import msgspec
import trio

from moxlite.mailauth.results import Alignment, Disposition
from moxlite.net.resolver import DNSError, NotFound, PermError, Resolver, TempError, absolute
from moxlite.proto import publicsuffix

# DMARC records: ``v=DMARC1; p=reject; rua=mailto:reports@example.org`` (RFC 9989 §4.7, §4.8; AUTH-52).
#
# Parsing is as tolerant as the RFC requires: a value that is not understood falls back to its default. `pct`, `ri`
# and `rf` of RFC 7489 are ignored, except that ``pct=0`` counts as ``t=y``: owners used it for tests.


MAX_TAGS: Final = 100
"""Number of tags of a record that are read: the RFC defines twelve."""

_VERSION: Final = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.IGNORECASE)
_SIZE: Final = re.compile(r"![0-9]+[kmgt]?\Z", re.IGNORECASE)
_DISPOSITIONS: Final = ("none", "quarantine", "reject")


class RecordError(ValueError):
    """The record is malformed."""


class NoPolicy(RecordError):
    """The record has neither ``p`` nor an address for reports, so DMARC does not apply (RFC 9989 §4.7)."""

    def __init__(self) -> None:
        super().__init__("neither p nor rua")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A DMARC policy record.

    Attributes:
      policy: `p`; subdomains: `sp`, None without; nonexistent: `np`, None without.
      adkim, aspf: how strictly domains of signatures and of SPF have to match.
      psd: ``y``: the domain of a registry; ``n``: an organizational domain; ``u``: unknown.
      testing: `t`, or ``pct=0``.
      rua: URIs that reports are requested for, without the size limits of RFC 7489.
      text: the record, printable, at most 512 characters.
    """

    policy: Disposition
    subdomains: Disposition | None = None
    nonexistent: Disposition | None = None
    adkim: Alignment = "relaxed"
    aspf: Alignment = "relaxed"
    psd: Literal["y", "n", "u"] = "u"
    testing: bool = False
    rua: tuple[str, ...] = ()
    text: str = ""


def is_record(text: str) -> bool:
    """Whether a TXT record is a DMARC record: its first tag is the version (§4.8)."""
    return _VERSION.match(text) is not None


def parse_record(text: str) -> Record:
    """Parse a text for which `is_record` is true.

    Raises:
      NoPolicy: it has neither `p` nor `rua`.
      RecordError: a tag occurs twice, or `p`, `sp` or `np` has an unknown value and there is no address for reports
        (§4.10.1).
    """
    tags: dict[str, str] = {}
    for piece in text.split(";", MAX_TAGS)[1:MAX_TAGS]:
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        # unknown tags and what is no tag are skipped (RFC 9989 §4.7)
        if not equals or not _NAME.fullmatch(name):
            continue
        if name in tags or name == "v":
            raise RecordError(f"tag {name} stands twice")
        tags[name] = value.strip(" \t")
    rua = tuple(_uris(tags.get("rua", "")))
    # with an address for reports a missing policy is "none" (RFC 9989 §4.7)
    if "p" not in tags and not rua:
        raise NoPolicy
    broken = [name for name in ("p", "sp", "np") if name in tags and tags[name].lower() not in _DISPOSITIONS]
    if broken and not rua:
        raise RecordError(f"tag {broken[0]} has no known value")
    if broken:
        tags = {name: value for name, value in tags.items() if name not in {"p", "sp", "np"}}
    psd = tags.get("psd", "u").lower()
    return Record(
        policy=_disposition(tags, "p") or "none",
        subdomains=_disposition(tags, "sp"),
        nonexistent=_disposition(tags, "np"),
        adkim="strict" if tags.get("adkim", "r").lower() == "s" else "relaxed",
        aspf="strict" if tags.get("aspf", "r").lower() == "s" else "relaxed",
        psd=cast(Literal["y", "n", "u"], psd) if psd in {"y", "n"} else "u",
        testing=tags.get("t", "n").lower() == "y" or (tags.get("pct", "").isdecimal() and int(tags["pct"][:9]) == 0),
        rua=rua,
        text="".join(char if " " <= char <= "~" else "?" for char in text[:512]),
    )


def _disposition(tags: dict[str, str], name: str) -> Disposition | None:
    value = tags.get(name, "").lower()
    return cast(Disposition, value) if value in _DISPOSITIONS else None


def _uris(text: str) -> list[str]:
    """The well-formed URIs of a list."""
    found = [_SIZE.sub("", one.strip(" \t")) for one in text.split(",")]
    return [one for one in found if _URI.fullmatch(one)]


Method = Literal["treewalk", "psl"]

MAX_LABELS: Final = 7
"""Labels of the longest ancestor that a tree walk queries: eight queries with the start (§4.10)."""


class Found(msgspec.Struct, frozen=True):
    """Result of the look-up of ``_dmarc.DOMAIN``: `record`, or the `problem` of an unusable one, or neither."""

    domain: str
    record: Record | None = None
    problem: str = ""


class Discovery:
    """The DMARC look-ups of one message, with their answers cached."""

    def __init__(self, resolver: Resolver, method: Method = "treewalk") -> None:
        self._resolver = resolver
        self._method = method
        self._answers: dict[str, Found | TempError] = {}
        self.authentic = True
        """Whether DNSSEC has validated all answers so far."""
        self.queries = 0

    async def organizational(self, domain: str) -> str:
        """The organizational domain of a domain (§4.10.2). Raises TempError."""
        if self._method == "psl":
            return await _by_list(domain)
        found = [one for one in await self._walk(domain) if one.record is not None]
        for one in found:
            assert one.record is not None
            if one.record.psd == "n":
                return one.domain
            if one.record.psd == "y" and one.domain != domain:
                labels = domain.split(".")
                return ".".join(labels[-one.domain.count(".") - 2 :])
        return found[-1].domain if found else domain

    async def policy(self, domain: str, organizational: str) -> Found | None:
        """Return the record of the domain, else of its organizational domain, else of the public suffix above that.

        Returns None if there is no record. Raises TempError.
        """
        candidates = [domain, organizational]
        if self._method == "treewalk":
            above = organizational.partition(".")[2]
            walked = await self._walk(domain)
            candidates += [
                one.domain for one in walked if one.domain == above and one.record is not None and one.record.psd == "y"
            ]
        for candidate in dict.fromkeys(candidates):
            found = await self.at(candidate)
            if found.record is not None or found.problem:
                return found
        return None

    async def exists(self, domain: str) -> bool:
        """Whether the name exists in DNS: any answer but NXDOMAIN (§3.2.13). Raises TempError."""
        self.queries += 1
        try:
            self.authentic &= (await self._resolver.txt(absolute(domain))).authentic
        except NotFound as error:
            self.authentic &= error.authentic
            return not error.nonexistent
        except PermError:
            return False
        return True

    async def at(self, domain: str) -> Found:
        """Look up the record of the domain. Several records count as no record (§4.10). Raises TempError."""
        if domain not in self._answers:
            self._answers[domain] = await self._ask(domain)
        answer = self._answers[domain]
        if isinstance(answer, TempError):
            raise answer.with_traceback(None)
        return answer

    async def _ask(self, domain: str) -> Found | TempError:
        self.queries += 1
        try:
            answer = await self._resolver.txt(absolute(f"_dmarc.{domain}"))
        except TempError as error:
            return error
        except DNSError as error:
            self.authentic &= error.authentic
            return Found(domain)
        self.authentic &= answer.authentic
        records = [text for text in answer.records if is_record(text)]
        if len(records) != 1:
            return Found(domain)
        try:
            return Found(domain, parse_record(records[0]))
        except NoPolicy:
            return Found(domain)
        except RecordError as error:
            return Found(domain, None, str(error))

    async def _walk(self, domain: str) -> list[Found]:
        """Look up the domain and its ancestors, up to the first record with ``psd=y`` or ``psd=n`` (§4.10)."""
        found = []
        name = domain
        while name:
            one = await self.at(name)
            found.append(one)
            if one.record is not None and one.record.psd != "u":
                break
            name = ".".join(name.split(".")[1:][-MAX_LABELS:])
        return found


async def _by_list(domain: str) -> str:
    if not publicsuffix.loaded():
        await trio.to_thread.run_sync(publicsuffix.load)
    return publicsuffix.organizational_domain(domain)
